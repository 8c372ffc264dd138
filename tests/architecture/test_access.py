"""Every address stands in the ACCESS table, and the table is true: each line is called by everybody it is about."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, path
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory

from accounts.api.base import OrganizationAPIView
from accounts.models import User
from accounts.rights import TABLE, Right
from accounts.roles import Role
from accounts.scopes import Scope
from accounts.services import api_keys, members
from tests.accounts.conftest import Person
from tests.architecture.access import ACCESS, Rule

BACKEND = "django.contrib.auth.backends.ModelBackend"
METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Line:
    """One line of the table."""

    route: str
    method: str
    rule: Rule

    def __str__(self) -> str:
        return f"{self.method} /{self.route}"

    @property
    def takes_key(self) -> bool:
        return not (self.rule.is_open or self.rule.is_for_operators or self.rule.page)


LINES = [Line(route, method, rule) for route, rules in ACCESS.items() for method, rule in rules.items()]


def each(condition: Callable[[Line], object]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("line", [line for line in LINES if condition(line)], ids=str)


def test_every_address_stands_in_the_table():
    assert missing_lines(get_resolver().url_patterns) == set()


def test_an_address_that_is_forgotten_is_noticed():
    def page(request):
        return HttpResponse()

    injected = [*get_resolver().url_patterns, path("forgotten", page), path("forgotten/<uuid:id>", page)]

    assert missing_lines(injected) == {"GET /forgotten", "GET /forgotten/<uuid:id>"}


def test_a_method_that_is_forgotten_is_noticed():
    class Metrics(OrganizationAPIView):
        def get(self, request):
            return Response()

        def delete(self, request):
            return Response()

    assert missing_lines([path("metrics", Metrics.as_view())]) == {"DELETE /metrics"}


def test_the_table_names_no_address_that_is_gone():
    routes = {route for route, _ in addresses(get_resolver().url_patterns)}
    operators = {line.route for line in LINES if line.rule.is_for_operators}

    assert set(ACCESS) - operators <= routes


def test_addresses_with_arguments_say_how_to_make_what_they_name():
    assert [str(line) for line in LINES if "<" in line.route and line.rule.make is None] == []


def test_a_method_without_a_line_in_the_views_own_table_is_refused(ada):
    class Forgetful(OrganizationAPIView):
        def get(self, request):
            return Response()

    response = Forgetful.as_view()(APIRequestFactory().get("/", headers={"x-api-key": ada.api_key}))

    assert response.status_code == 403


@each(lambda line: line.takes_key)
@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer ak_live_wrong"}], ids=["nobody", "bad key"])
def test_nobody_and_a_bad_key_are_refused(client, ada, line, headers):
    response = call(client, line, ada, headers)

    assert response.status_code == 401
    assert response.json()["error"]["code"] == "invalid_api_key"


@each(lambda line: line.rule.scope)
def test_a_key_with_another_scope_is_refused(client, ada, line):
    others = {Scope.INFER, Scope.ANALYTICS} - {line.rule.scope}
    key = api_keys.issue(ada.actor, ada.organization, "other", scopes=others).text

    response = call(client, line, ada, {"x-api-key": key})

    assert response.status_code == 403
    assert response.json()["error"]["code"] == "insufficient_scope"


@each(lambda line: line.takes_key)
def test_a_key_with_the_right_scope_is_served(client, ada, line):
    key = api_keys.issue(ada.actor, ada.organization, "right", scopes=[line.rule.scope or Scope.INFER]).text
    if line.rule.is_personal:
        assert call(client, line, ada, {"x-api-key": key}).status_code == 403
        key = ada.api_key

    assert call(client, line, ada, {"x-api-key": key}).status_code < 300


@each(lambda line: line.rule.is_open)
def test_open_addresses_are_open(client, ada, line):
    assert call(client, line, ada, {}).status_code < (400 if line.rule.is_form else 300)


@each(lambda line: line.rule.is_for_operators)
def test_what_is_for_operators_takes_no_key(client, ada, line):
    for headers in ({}, {"x-api-key": ada.api_key}):
        response = call(client, line, ada, headers)

        assert (response.status_code, response.url) == (302, "/admin/login/?next=/admin/")


@each(lambda line: "<" in line.route and line.takes_key and not line.rule.names_no_row)
def test_a_stranger_finds_nothing(client, ada, mallory, line):
    response = call(client, line, ada, {"x-api-key": mallory.api_key})

    assert response.status_code == 404


@each(lambda line: line.rule.page)
def test_a_page_sends_who_is_not_logged_in_to_the_log_in(client, ada, line):
    response = call(client, line, ada, {})

    assert (response.status_code, response.url.partition("?")[0]) == (302, "/login")


@each(lambda line: isinstance(line.rule.page, Right) and TABLE[line.rule.page].role is not Role.VIEWER)
def test_a_page_refuses_a_lower_role(client, ada, line):
    client.force_login(colleague(ada, below(TABLE[line.rule.page].role)), backend=BACKEND)

    assert call(client, line, ada, {}).status_code == 403


@each(lambda line: line.rule.page)
def test_a_page_opens_to_the_right_role(client, ada, line):
    role = TABLE[line.rule.page].role if isinstance(line.rule.page, Right) else Role.VIEWER
    client.force_login(colleague(ada, role), backend=BACKEND)

    response = call(client, line, ada, {})

    assert response.status_code < 400
    assert not getattr(response, "url", "").startswith("/login")


@each(lambda line: line.rule.page and "<" in line.route and not line.rule.names_no_row)
def test_a_stranger_finds_no_page(client, ada, mallory, line):
    client.force_login(mallory.user, backend=BACKEND)

    assert call(client, line, ada, {}).status_code == 404


def colleague(owner: Person, role: Role) -> User:
    """Somebody with that role in the owner's organization, and in no other."""
    if role is Role.OWNER:
        return owner.user
    user = User.objects.create_user(f"{role}@example.com", "correct horse battery")
    members.add(owner.actor, owner.organization, user, role)
    return user


def below(role: Role) -> Role:
    roles = list(Role)
    return roles[roles.index(role) + 1]


def call(client: Client, line: Line, owner: Person, headers: dict[str, str]) -> Any:
    """Calls the address of something that is the owner's."""
    address = f"/{line.route}"
    for name, value in (line.rule.make(owner.organization) if line.rule.make else {}).items():
        address = re.sub(rf"<(\w+:)?{name}>", str(value), address)
    if line.method == "GET":
        return client.get(address, headers=headers)
    body = dict(line.rule.body(owner.organization) if callable(line.rule.body) else line.rule.body)
    if line.rule.page or line.rule.is_form:
        return client.post(address, body, headers=headers)
    return client.generic(line.method, address, json.dumps(body), content_type="application/json", headers=headers)


def missing_lines(patterns: Sequence[URLPattern | URLResolver]) -> set[str]:
    """What is served but does not stand in the table."""
    return {
        f"{method} /{route}"
        for route, view in addresses(patterns)
        if not is_operators(route)
        for method in methods_of(view)
        if method not in ACCESS.get(route, {})
    }


def is_operators(route: str) -> bool:
    return any(line.rule.is_for_operators and route.startswith(line.route) for line in LINES)


def addresses(patterns: Sequence[URLPattern | URLResolver], before: str = "") -> Iterator[tuple[str, object]]:
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, route)
        else:
            yield route, pattern.callback


def methods_of(view: Any) -> list[str]:
    """What a view answers; a plain function counts as one that answers GET."""
    actions = getattr(view, "actions", None)  # of a view set
    if actions:
        return [method.upper() for method in actions if method in METHODS]
    rights = getattr(view, "rights", None)  # of a page, see accounts.pages
    if rights:
        return sorted(rights)
    kind = getattr(view, "cls", None) or getattr(view, "view_class", None)
    if kind is None:
        return ["GET"]
    return [method.upper() for method in METHODS if hasattr(kind, method)]


def test_a_table_line_is_called_with_what_it_names(client, ada):
    """The caller itself is tried on a line with an argument, as long as no real one has any."""
    rule = Rule(Scope.ANALYTICS, make=lambda organization: {"key_id": organization.pk})

    response = call(client, Line("things/<uuid:key_id>/parts", "GET", rule), ada, {})

    assert response.wsgi_request.path == f"/things/{ada.organization.pk}/parts"
