"""Values are what JSON gave, checked: numbers in a range, names on a list, known options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import choose


class SettingsError(ValueError):
    """A setting that the page must not have sent, said in one sentence."""


def number(name: str, value: object, low: float, high: float, *, whole: bool = False) -> float:
    """Return a number in a range."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not low <= value <= high:  # type: ignore[operator]
        found = "nothing" if value is None else f"{value!r:.60}"  # as of a field that is empty
        raise SettingsError(f"{name}: expected a number from {low:g} to {high:g}, got {found}")
    if whole and value != int(value):  # type: ignore[call-overload]
        raise SettingsError(f"{name}: expected a whole number, got {value!r:.60}")
    return int(value) if whole else float(value)  # type: ignore[call-overload, arg-type]


def chosen(name: str, value: object, names: Sequence[str]) -> str:
    """Return one of some names."""
    if not isinstance(value, str):
        raise SettingsError(f"{name}: expected a name, got {value!r:.60}")
    try:
        return choose(name, value[:60], list(names))
    except ValueError as error:
        raise SettingsError(str(error)) from None


def listed(name: str, given: object, *, most: int) -> list[Any]:
    """Return a list that is not too long."""
    if not isinstance(given, (list, tuple)) or len(given) > most:
        raise SettingsError(f"{name}: expected a list of {most} at most")
    return list(given)


def options(given: object, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that are known, of the types that their defaults have."""
    if not isinstance(given, dict):
        raise SettingsError("options: expected an object")
    found: dict[str, Any] = {}
    for name, value in given.items():
        default = known.get(chosen("options", name, list(known)))
        if isinstance(default, bool):
            if not isinstance(value, bool):
                raise SettingsError(f"{name}: expected true or false, got {value!r:.60}")
            found[name] = value
        else:
            found[name] = number(name, value, 0, 1e9, whole=isinstance(default, int))
    return found
