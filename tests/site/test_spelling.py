"""One spelling, wherever somebody reads: organization, email."""

import re
import subprocess

from django.conf import settings

OTHER = re.compile(r"organisation|\be-mail", re.IGNORECASE)
SUFFIXES = {".py", ".html", ".txt", ".md", ".yaml", ".css", ".js"}


def texts():
    """The files of the project that are written by hand, this one left out."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = (settings.BASE_DIR / name for name in listed.stdout.splitlines())
    return [path for path in paths if path.suffix in SUFFIXES and path.is_file() and path.name != "test_spelling.py"]


def test_words_are_spelt_in_one_way():
    found = {
        f"{path.relative_to(settings.BASE_DIR)}: {match.group()}"
        for path in texts()
        for match in [OTHER.search(path.read_text(encoding="utf-8"))]
        if match
    }

    assert found == set()


def test_the_test_would_notice():
    assert OTHER.search("Your Organisation")
    assert OTHER.search("an E-mail")
    assert not OTHER.search("Your organization has an email, see one-mail")
