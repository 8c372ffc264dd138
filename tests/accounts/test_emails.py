"""Emails: written once, sent once, over the way that is configured, and never in a sign-up's way."""

import base64
import json
import threading
import time
from datetime import timedelta

import pytest
import redis
from django.core import mail
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from accounts import emails, jobs, tasks
from accounts.models import Organization, OutgoingEmail
from accounts.services import outbox
from accounts.services.outbox import Message
from acron_site import mailing
from acron_site.celery import app
from acron_site.lib.config import SettingsError
from tests.accounts import mail_servers

ADA = "ada@example.com"
SECRET = "SG.a-key-that-must-not-be-told"


@pytest.fixture
def over_sendgrid(settings):
    with mail_servers.sendgrid() as stub:
        settings.EMAIL_BACKEND = "accounts.mail_backends.sendgrid.SendGridBackend"
        settings.SENDGRID_API_KEY = SECRET
        settings.SENDGRID_BASE_URL = stub.url
        yield stub


@pytest.fixture
def over_smtp(settings):
    with mail_servers.smtp() as (inbox, port):
        settings.EMAIL_BACKEND = mailing.chosen("", f"smtp://127.0.0.1:{port}").backend
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        yield inbox


@pytest.fixture
def broker():
    """Jobs go to a broker of the test's choice."""
    before = {name: app.conf[name] for name in ("task_always_eager", "broker_write_url")}

    def use(url: str) -> None:
        app.conf.update(task_always_eager=False, broker_write_url=url)
        jobs._bell.cache_clear()

    yield use
    app.conf.update(before)
    jobs._bell.cache_clear()


def waiting() -> OutgoingEmail:
    return OutgoingEmail.objects.get()


def put() -> OutgoingEmail:
    outbox.put(Message(to=ADA, subject="Hello", text="Café & co.\n", html="<p>Café &amp; co.</p>\n"))
    return waiting()


@pytest.mark.django_db
def test_an_email_leaves_after_the_transaction_that_decided_on_it(django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        emails.queue(ADA, "welcome")
        assert mail.outbox == []

    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == ([ADA], "Welcome to ACRON")
    assert OutgoingEmail.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_an_act_that_fails_sends_nothing():
    @transaction.atomic
    def act() -> None:
        emails.queue(ADA, "welcome")
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        act()

    assert mail.outbox == []
    assert OutgoingEmail.objects.count() == 0


@pytest.mark.django_db
def test_an_email_lies_sealed_until_it_is_sent():
    emails.queue(ADA, "welcome")

    with connection.cursor() as cursor:
        cursor.execute("SELECT encode(sealed, 'escape') FROM accounts_outgoingemail")
        (kept,) = cursor.fetchone()
    assert "Welcome" not in kept
    assert ADA not in kept


def test_text_is_not_escaped_and_links_lead_to_the_site(settings):
    settings.PUBLIC_URL = "https://acron.example/?a=1&b=2"

    written = emails.write(ADA, "welcome", {})

    assert "https://acron.example/?a=1&b=2/keys" in written.text
    assert "https://acron.example/?a=1&amp;b=2/keys" in written.html
    assert "{#" not in written.text + written.html
    assert emails.link("/login") == "https://acron.example/?a=1&b=2/login"


@pytest.mark.django_db
@pytest.mark.parametrize("send", [lambda row: tasks.send_email(str(row.pk)), lambda row: tasks.send_waiting_emails()])
def test_over_smtp_it_arrives_as_text_and_html(over_smtp, send):
    send(put())

    (arrived,) = over_smtp.messages
    assert (arrived["to"], arrived["from"], arrived["subject"]) == (ADA, "ACRON <acron@localhost>", "Hello")
    assert arrived.get_body(("plain",)).get_content().strip() == "Café & co."
    assert arrived.get_body(("html",)).get_content().strip() == "<p>Café &amp; co.</p>"
    assert OutgoingEmail.objects.count() == 0


@pytest.mark.django_db
def test_over_sendgrid_it_arrives_untracked(over_sendgrid):
    outbox.send(put().pk)

    (asked,) = over_sendgrid.asked
    assert (over_sendgrid.paths, over_sendgrid.keys) == (["/v3/mail/send"], [f"Bearer {SECRET}"])
    assert asked["personalizations"] == [{"to": [{"email": ADA}]}]
    assert asked["from"] == {"email": "acron@localhost", "name": "ACRON"}
    assert [part["type"] for part in asked["content"]] == ["text/plain", "text/html"]
    assert asked["tracking_settings"]["click_tracking"] == {"enable": False, "enable_text": False}
    assert OutgoingEmail.objects.count() == 0


@pytest.mark.django_db
def test_on_the_console_it_is_printed(settings, capsys):
    settings.EMAIL_BACKEND = mailing.chosen("", "").backend

    outbox.send(put().pk)

    assert "Subject: Hello" in capsys.readouterr().out


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, "ASAHI_EMAIL_FROM_ADDRESS"),
        (401, "SendGrid answered 401: check SENDGRID_API_KEY"),
        (403, "verify the sender"),
        (429, "too many emails"),
        (500, "SendGrid answered 500"),
        (302, "SendGrid answered 302"),
    ],
)
def test_what_sendgrid_refuses_waits_and_says_why(over_sendgrid, caplog, status, message):
    over_sendgrid.status, over_sendgrid.headers = status, {"location": over_sendgrid.url + "/elsewhere"}

    assert outbox.send(put().pk) is False

    assert (waiting().attempts, len(over_sendgrid.asked)) == (1, 1)
    assert message in waiting().last_error
    told = waiting().last_error + str([vars(record) for record in caplog.records])
    assert SECRET not in told
    assert ADA not in told


@pytest.mark.django_db
def test_a_sendgrid_that_hangs_is_given_up_in_time(over_sendgrid, settings):
    settings.EMAIL_TIMEOUT = 0.1
    over_sendgrid.gate.clear()

    assert outbox.send(put().pk) is False

    assert waiting().last_error == "SendGrid cannot be reached (TimeoutError)"


@pytest.mark.django_db
@pytest.mark.parametrize("url", ["", "api.sendgrid.com", "ftp://api.sendgrid.com", "https://"])
def test_an_address_of_sendgrid_that_is_none_is_named(over_sendgrid, settings, url):
    settings.SENDGRID_BASE_URL = url

    assert outbox.send(put().pk) is False

    assert "SENDGRID_BASE_URL must be" in waiting().last_error


@pytest.mark.django_db
def test_a_mail_server_that_refuses_is_asked_again_later(over_smtp):
    over_smtp.refusal = f"451 {ADA} is greylisted"

    assert outbox.send(put().pk) is False
    assert waiting().last_error == "SMTPDataError 451"
    assert outbox.send_waiting() == 0  # not due yet

    over_smtp.refusal = ""
    OutgoingEmail.objects.update(next_attempt_at=timezone.now())
    assert outbox.send_waiting() == 1
    assert len(over_smtp.messages) == 1


@pytest.mark.django_db
def test_a_mail_server_that_is_away_or_silent_is_no_crash(settings):
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = mailing.chosen("", "smtp://x").backend, "127.0.0.1"
    settings.EMAIL_TIMEOUT = 0.1
    row = put()

    settings.EMAIL_PORT = mail_servers.free_port()
    assert outbox.send(row.pk) is False
    assert waiting().last_error.startswith("ConnectionRefusedError")
    with mail_servers.silent() as port:
        settings.EMAIL_PORT = port
        OutgoingEmail.objects.update(next_attempt_at=timezone.now())
        assert outbox.send(row.pk) is False

    assert waiting().attempts == 2
    assert waiting().last_error == "SMTPServerDisconnected"


@pytest.mark.django_db
def test_after_ten_failures_it_is_given_up_and_forgotten_a_month_later(over_sendgrid):
    over_sendgrid.status = 500
    put()

    for _ in range(12):
        OutgoingEmail.objects.update(next_attempt_at=timezone.now())
        outbox.send_waiting()

    assert (waiting().attempts, len(over_sendgrid.asked)) == (10, 10)
    OutgoingEmail.objects.update(created_at=timezone.now() - timedelta(days=31))
    outbox.send_waiting()
    assert OutgoingEmail.objects.count() == 0


@pytest.mark.django_db
def test_a_message_of_last_week_is_not_sent_any_more(over_sendgrid):
    row = put()
    OutgoingEmail.objects.update(created_at=timezone.now() - timedelta(days=4))

    assert outbox.send(row.pk) is False

    assert over_sendgrid.asked == []


@pytest.mark.django_db
def test_an_email_that_does_not_open_is_not_sent(over_sendgrid):
    row = put()
    OutgoingEmail.objects.update(sealed=b"\x01" + b"0" * 60)

    assert outbox.send(row.pk) is False

    assert over_sendgrid.asked == []
    assert "encrypted under a key" in waiting().last_error


def test_pauses_grow_to_half_a_day_and_never_by_more_than_a_quarter_of_chance():
    pauses = [outbox.pause_after(attempts, jitter=0) for attempts in range(1, 10)]

    assert pauses[:3] == [timedelta(minutes=1), timedelta(minutes=3), timedelta(minutes=9)]
    assert pauses[-1] == timedelta(hours=12)
    assert sum(pauses, timedelta()) * 1.25 < outbox.LONGEST_WAY
    assert outbox.pause_after(1, jitter=1) == timedelta(seconds=75)


@pytest.mark.django_db(transaction=True)
def test_two_workers_never_send_the_same_email(over_sendgrid):
    row = put()
    over_sendgrid.gate.clear()

    def work() -> None:
        outbox.send(row.pk)
        connection.close()

    first = threading.Thread(target=work)
    first.start()
    assert over_sendgrid.reached.wait(5)
    assert outbox.send(row.pk) is False
    assert outbox.send_waiting() == 0
    over_sendgrid.gate.set()
    first.join()

    assert len(over_sendgrid.asked) == 1
    assert OutgoingEmail.objects.count() == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["refuses", "hangs"])
def test_a_sign_up_needs_no_broker(broker, caplog, kind):
    with mail_servers.silent() as port:
        broker(f"redis://127.0.0.1:{port if kind == 'hangs' else mail_servers.free_port()}/0")
        began = time.monotonic()
        for name in ("ada", "grace"):
            given = {"email": f"{name}@example.com", "password": "correct horse battery"}
            assert Client().post("/auth/signup", given, content_type="application/json").status_code == 201
        took_seconds = time.monotonic() - began

    assert took_seconds < 3
    assert [record.message for record in caplog.records].count("jobs.worker_unheard") == 1
    assert (Organization.objects.count(), mail.outbox) == (2, [])
    assert tasks.send_waiting_emails() > 0
    welcomed = [sent.to[0] for sent in mail.outbox if sent.subject == "Welcome to ACRON"]
    assert sorted(welcomed) == [ADA, "grace@example.com"]


@pytest.mark.django_db(transaction=True)
def test_a_worker_is_told_at_once_of_the_id_and_nothing_else(broker, settings):
    broker(settings.CELERY_BROKER_URL)

    emails.queue(ADA, "welcome")

    with redis.Redis.from_url(settings.REDIS_URL) as client:
        job = json.loads(client.lpop("celery") or "{}")
    assert job["headers"]["task"] == "accounts.send_email"
    arguments = json.loads(base64.b64decode(job["body"]))[0]
    assert arguments == [str(waiting().pk)]


@pytest.mark.parametrize(
    ("sendgrid_api_key", "email_url", "backend", "port", "encryption"),
    [
        ("", "", "console", 25, (False, False)),
        ("key", "smtp://mail.example", "sendgrid", 25, (False, False)),
        ("", "smtp://mail.example", "smtp", 25, (False, False)),
        ("", "smtp+tls://ada:p%40ss@mail.example", "smtp", 587, (True, False)),
        ("", "smtp+ssl://ada:p%40ss@mail.example", "smtp", 465, (False, True)),
        ("", "smtp+tls://ada:p%40ss@mail.example:2525", "smtp", 2525, (True, False)),
        ("", "consolemail://", "console", 25, (False, False)),
    ],
)
def test_the_environment_says_how_emails_leave(sendgrid_api_key, email_url, backend, port, encryption):
    chosen = mailing.chosen(sendgrid_api_key, email_url)

    assert f".{backend}." in chosen.backend
    assert (chosen.port, (chosen.is_starttls, chosen.is_tls)) == (port, encryption)
    assert chosen.password in ("", "p@ss")


@pytest.mark.parametrize("email_url", ["mail.example", "http://mail.example", "smtp://ada:hunter2@mail.example:port"])
def test_an_email_url_that_is_none_is_refused_without_repeating_it(email_url):
    with pytest.raises(SettingsError, match="smtp") as refusal:
        mailing.chosen("", email_url)

    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    ("configured", "host", "expected"),
    [
        ("https://acron.example/", "127.0.0.1", "https://acron.example"),
        ("", "127.0.0.1", "http://127.0.0.1:8000"),
        ("", "0.0.0.0", "http://localhost:8000"),
        ("", "::", "http://localhost:8000"),
        ("", "::1", "http://[::1]:8000"),
    ],
)
def test_links_lead_to_where_the_site_is(configured, host, expected):
    assert mailing.public_url(configured, host, 8000) == expected
