"""Frozen values for the hot path, without the cost of freezing them at run time."""

import dataclasses
from functools import lru_cache
from operator import attrgetter
from typing import Any, TypeVar

Value = TypeVar("Value")


def quick(cls: type[Value]) -> type[Value]:
    """Stands above `@dataclass(frozen=True, slots=True)`: frozen for the type checker, quick at run time.

    A frozen dataclass sets each field by a call, which is a tenth of a cache hit's CPU. mypy refuses every
    assignment all the same; only for values that are made for each request.
    """
    fields = [(field.name, Any, _like(field)) for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
    cls.__init__ = dataclasses.make_dataclass(cls.__name__, fields).__init__  # type: ignore[misc, method-assign]
    del cls.__setattr__, cls.__delattr__
    return cls


def changed(value: Value, **changes: Any) -> Value:
    """As `dataclasses.replace`, in a third of its time, for a quick value whose fields are all set when it is made."""
    cls: Any = type(value)
    made: Value = cls(*_fields_of(cls)(value))
    for name, new in changes.items():
        setattr(made, name, new)
    return made


@lru_cache(maxsize=64)
def _fields_of(cls: Any) -> "attrgetter[tuple[Any, ...]]":
    return attrgetter(*(field.name for field in dataclasses.fields(cls)))


def _like(field: "dataclasses.Field[Any]") -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return dataclasses.field(default_factory=field.default_factory)
    return dataclasses.field(default=field.default)
