"""What is sent about kept entries."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rest_framework import serializers

from acron_site.lib.errors import InvalidRequestError
from caching.entry_query import TIERS

_LONGEST = 300
_SWITCHES = ("dry_run", "all")


class PurgeSerializer(serializers.Serializer[Any]):
    tier = serializers.ChoiceField(TIERS, required=False)
    namespace = serializers.CharField(required=False, max_length=_LONGEST, trim_whitespace=False)
    model = serializers.CharField(required=False, max_length=_LONGEST)
    task = serializers.CharField(required=False, max_length=_LONGEST)
    tag = serializers.CharField(required=False, max_length=_LONGEST, help_text="a name and a value: team:search")
    prefix = serializers.CharField(
        required=False, max_length=_LONGEST, trim_whitespace=False, help_text="how the question begins"
    )
    q = serializers.CharField(
        required=False, max_length=_LONGEST, trim_whitespace=False, help_text="what stands in the question"
    )
    older_than = serializers.CharField(required=False, max_length=10, help_text="an age like 90s, 30m, 12h, 7d, 2w")
    dry_run = serializers.BooleanField(default=False, help_text="only say how many there are")
    all = serializers.BooleanField(default=False, help_text="needed where no filter is given")


@dataclass(frozen=True, slots=True)
class PurgeQuery:
    query: Mapping[str, str]
    is_trial: bool
    is_all: bool


def purge_query(given: Any) -> PurgeQuery:
    """Raises InvalidRequestError or the framework's own."""
    known = list(PurgeSerializer().fields)
    unknown = sorted(set(given) - set(known))
    if unknown:  # a filter that is silently ignored would purge more than was meant
        close = difflib.get_close_matches(unknown[0], known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known are: {', '.join(known)}"
        raise InvalidRequestError(f"there is no filter {unknown[0][:100]!r}; {hint}", param=unknown[0][:100])
    read = PurgeSerializer(data=given)
    read.is_valid(raise_exception=True)
    fields = read.validated_data
    query = {name: str(value) for name, value in fields.items() if name not in _SWITCHES}
    return PurgeQuery(query, fields["dry_run"], fields["all"])
