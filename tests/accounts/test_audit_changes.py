"""What has changed, as the page of the audit log says it."""

import pytest

from accounts.audit_changes import Change, changes


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ({"role": "viewer"}, {"role": "admin"}, ("viewer", "admin")),
        ({}, {"role": "admin"}, ("", "admin")),
        ({"role": "admin"}, {}, ("admin", "")),
        ({"role": None}, {"role": []}, ("none", "none")),
        ({}, {"role": ["infer", "admin"]}, ("", "infer, admin")),
        ({"role": False}, {"role": True}, ("no", "yes")),
        ({}, {"role": {"a": 1, "b": ["x"]}}, ("", "a 1, b x")),
        ({}, {"role": 0}, ("", "0")),
    ],
)
def test_old_and_new_are_said_in_words(before, after, shown):
    assert changes(before, after) == (Change("role", *shown),)


def test_names_are_words_in_order():
    assert [change.name for change in changes({"time_zone": "UTC"}, {"full_name": "Ada"})] == ["full name", "time zone"]


@pytest.mark.parametrize(
    ("kept", "shown"),
    [
        ("2026-11-24T04:05:06.789000+00:00", "2026-11-24 04:05 UTC"),
        ("2026-11-24T04:05:06+02:00", "2026-11-24 02:05 UTC"),
        ("2026-11-24T04:05:06", "2026-11-24T04:05:06"),
        ("2026-99-99T04:05:06Z", "2026-99-99T04:05:06Z"),
        ("never", "never"),
    ],
)
def test_times_are_in_utc(kept, shown):
    assert changes({}, {"expires_at": kept}) == (Change("expires at", "", shown),)
