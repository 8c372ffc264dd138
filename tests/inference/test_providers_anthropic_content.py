"""OpenAI's pictures and files in the words of Anthropic."""

import base64

import pytest

from acron_site.lib.errors import InvalidRequestError
from tests.inference.anthropic_kit import ABLE, DIALECT, says, sent, text_block
from tests.inference.asks import ask

MARK = {"type": "ephemeral"}
TEXT = base64.b64encode(b"Der Rhein\n").decode()


def image(url, **fields):
    return {"type": "image_url", "image_url": {"url": url}, **fields}


def file(**fields):
    return {"type": "file", "file": fields}


def document(source, **fields):
    return {"type": "document", "source": source, **fields}


def encoded(media_type, content):
    return {"type": "base64", "media_type": media_type, "data": content}


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (image("data:image/png;base64,aGk="), {"type": "image", "source": encoded("image/png", "aGk=")}),
        (image("DATA:image/JPG;base64,aGk="), {"type": "image", "source": encoded("image/jpeg", "aGk=")}),
        (image("https://a.test/x.png"), {"type": "image", "source": {"type": "url", "url": "https://a.test/x.png"}}),
        (
            {"type": "image_url", "image_url": "http://a.test/x"},
            {"type": "image", "source": {"type": "url", "url": "http://a.test/x"}},
        ),
        (
            image("https://a.test/x.png", cache_control=MARK),
            {"type": "image", "source": {"type": "url", "url": "https://a.test/x.png"}, "cache_control": MARK},
        ),
        (
            file(file_data="data:application/pdf;base64,JVBE", filename="rivers.pdf"),
            document(encoded("application/pdf", "JVBE"), title="rivers.pdf"),
        ),
        (
            file(file_data=f"data:text/plain;charset=utf-8;base64,{TEXT}"),
            document({"type": "text", "media_type": "text/plain", "data": "Der Rhein\n"}),
        ),
    ],
)
def test_pictures_and_files_are_translated(part, block):
    body = sent(ask(messages=[says("user", [text_block("What is it?"), part])]))

    assert body["messages"] == [says("user", [text_block("What is it?"), block])]


PLACE = "messages[0].content[0]"


@pytest.mark.parametrize(
    ("part", "place", "remedy"),
    [
        (image("file:///etc/passwd"), ".image_url", "data URL"),
        (image("data:image/png,aGk="), ".image_url", "data URL"),
        (image("data:image/png;base64,"), ".image_url", "data URL"),
        (image("data:image/tiff;base64,aGk="), ".image_url", "PNG"),
        (image(None), ".image_url", "data URL"),
        ({"type": "image_url"}, ".image_url", "data URL"),
        (file(file_id="file-1"), ".file.file_id", "send its content as file_data"),
        (file(file_data="aGk="), ".file.file_data", "data URL"),
        (file(file_data="data:application/zip;base64,aGk="), ".file.file_data", "application/pdf"),
        (file(file_data="data:text/plain;base64,%%"), ".file.file_data", "UTF-8"),
        (file(file_data="data:text/plain;base64,/w=="), ".file.file_data", "UTF-8"),
        (file(file_data="data:application/pdf;base64,aGk=", filename=7), ".file.filename", "a string"),
        ({"type": "file", "file": "x"}, ".file", "an object"),
        ({"type": "input_audio", "input_audio": {"data": "x"}}, "", "transcript"),
        ({"type": "video_url"}, "", "choose another model"),
    ],
)
def test_what_cannot_be_shown_is_refused_by_name(part, place, remedy):
    with pytest.raises(InvalidRequestError, match=remedy) as refused:
        DIALECT.call(ask(messages=[says("user", [part])]), ABLE)

    assert refused.value.param == PLACE + place


@pytest.mark.parametrize("role", ["system", "developer", "assistant"])
def test_only_users_show_pictures(role):
    with pytest.raises(InvalidRequestError) as refused:
        DIALECT.call(ask(messages=[says(role, [image("https://a.test/x.png")])]), ABLE)

    assert refused.value.param == PLACE
