"""The record of gates in PostgreSQL, as a background thread uses it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from django.db import Error as DatabaseFailure
from django.db import connections
from django.utils import timezone

from caching import selectors_gates, services_gates
from caching.gate_rules import Check, GateKey, Standing, TierPolicies, TierPolicy
from caching.gates import BookUnavailableError
from caching.protocols import Namespace
