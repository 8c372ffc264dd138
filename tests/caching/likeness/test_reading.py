"""What is remembered of a text that was read."""

from caching.likeness import reading

FRANCE = "What is the capital of France?"


def test_a_text_is_read_once_behind_a_wall():
    assert reading.read(FRANCE, b"ada") is reading.read(FRANCE, b"ada")


def test_what_ada_has_asked_is_no_sooner_read_for_mallory():
    adas = reading.read(FRANCE, b"ada")

    mallorys = reading.read(FRANCE, b"mallory")

    assert mallorys is not adas
    assert mallorys.findings is not adas.findings
    assert mallorys == adas
