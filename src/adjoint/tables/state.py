"""State that JSON held is not believed: it becomes an object only if all of it is as it must be."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from typing import Any

T = typing.TypeVar("T")

# Far more than any table needs, and little enough for a laptop.
_MOST_ENTRIES = 1_000_000
_LONGEST_TEXT = 100_000


def restored(cls: type[T], state: object, where: str = "", *, finite: bool = True) -> T:
    """Return the dataclass that `dataclasses.asdict` and JSON made a state of.

    Every value must be of the type that its field says; numbers must be finite unless they need
    not be. Fields that have defaults may be absent, as in files of earlier versions.

    Raises
    ------
    ValueError
        If a field is absent, not known or of another type, with its place.
    """
    where = where or cls.__name__
    if not isinstance(state, dict):
        raise ValueError(f"{where} is no object of JSON")
    fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    unknown = sorted(set(state) - set(fields))
    if unknown:
        raise ValueError(f"{where} has an unknown entry {unknown[0]!r:.60}")
    kinds = typing.get_type_hints(cls)
    values = {}
    for name, field in fields.items():
        if name in state:
            values[name] = _checked(kinds[name], state[name], f"{where}.{name}", finite)
        elif field.default is field.default_factory is dataclasses.MISSING:
            raise ValueError(f"{where} has no entry {name!r}")
    return cls(**values)


def _checked(kind: Any, value: Any, where: str, finite: bool) -> Any:
    """Return a value of a field's type, or raise ValueError."""
    if isinstance(kind, types.UnionType):
        if value is None:
            return None
        (kind,) = (part for part in typing.get_args(kind) if part is not types.NoneType)
    origin = typing.get_origin(kind)
    if origin in (list, tuple):
        return origin(_entries(typing.get_args(kind)[0], value, where, finite))
    if origin is dict:
        return _mapping(typing.get_args(kind)[1], value, where, finite)
    if dataclasses.is_dataclass(kind):
        return restored(typing.cast(type, kind), value, where, finite=finite)
    if kind is float and type(value) is int and abs(value) < 2**53:
        value = float(value)
    # A truth value is a whole number to `isinstance`.
    if kind is not Any and type(value) is not kind:
        raise ValueError(f"{where} is no {kind.__name__}: {value!r:.60}")
    if finite and isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{where} is not finite")
    if isinstance(value, str) and len(value) > _LONGEST_TEXT:
        raise ValueError(f"{where} has {len(value):,} characters")
    return value


def _entries(kind: Any, value: Any, where: str, finite: bool) -> list[Any]:
    if not isinstance(value, list) or len(value) > _MOST_ENTRIES:
        raise ValueError(f"{where} is no list of at most {_MOST_ENTRIES:,} entries")
    return [_checked(kind, entry, f"{where}[{place}]", finite) for place, entry in enumerate(value)]


def _mapping(kind: Any, value: Any, where: str, finite: bool) -> dict[str, Any]:
    if not isinstance(value, dict) or len(value) > _MOST_ENTRIES:
        raise ValueError(f"{where} is no object of at most {_MOST_ENTRIES:,} entries")
    return {
        name: _checked(kind, entry, f"{where}[{name!r:.60}]", finite)
        for name, entry in value.items()
    }
