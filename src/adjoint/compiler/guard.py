"""A guard is one expression that says whether all that a function reads is as it was found.

It is asked before every call of a compiled function, so it is written out: ``a.b is c and d[0] is
e`` takes Python a small part of the time of a loop over functions that look.
"""

from __future__ import annotations

import functools
import keyword
from collections.abc import Callable, Iterable, Sequence
from operator import getitem, is_
from types import BuiltinMethodType
from typing import Any

# A longer expression takes long to compile; beyond it a loop is as fast.
MOST_TERMS = 1000

Guard = Callable[[], "tuple[Any, ...] | None"]


class GuardWriter:
    """The terms of a guard, and the objects that they name.

    Parameters
    ----------
    gone : object
        Stands for what is found in a place where there is nothing.
    """

    def __init__(self, gone: object) -> None:
        self._gone = gone
        self._names: dict[int, str] = {}
        self._objects: list[Any] = []
        self._terms: list[str] = []

    def place(self, look: Callable[[], Any], found: object) -> None:
        """Ask whether a look still finds the same object."""
        self._terms.append(self._place(look, found))

    def members(self, container: Iterable[Any], found: Sequence[Any]) -> None:
        """Ask whether a container of an unchanged size still has the same members."""
        same = f"map({self._name(is_)}, {self._name(container)}, {self._name(found)})"
        self._terms.append(f"all({same})")

    def value(self, look: Callable[[], Any], found: object) -> None:
        """Ask whether a look finds something equal."""
        self._terms.append(f"{self._name(look)}() == {self._name(found)}")

    def written(self, tensors: Sequence[Any], arrays: Sequence[Any]) -> Guard:
        """Return the guard: it gives the tensors' arrays and other arrays, or None if not so."""
        parts = [f"{self._name(tensor)}.data, " for tensor in tensors]
        parts += [f"{self._name(array)}, " for array in arrays]
        condition = " and ".join(self._terms) or "True"
        text = f"({''.join(parts)}) if {condition} else None"
        guard: Guard = _factory(text, len(self._objects))(*self._objects)
        return guard

    def _place(self, look: Callable[[], Any], found: object) -> str:
        function, arguments = _parts(look)
        names = [self._name(x) for x in arguments]
        owner = getattr(function, "__self__", None)
        if function is getattr and _is_attribute(arguments[1:]):
            now = f"{names[0]}.{arguments[1]}"
        elif function is getitem:
            now = f"{names[0]}[{names[1]}]"
        elif type(owner) is dict and _is_get(function):
            if found is self._gone:
                return f"{names[0]} not in {self._name(owner)}"
            now = f"{self._name(owner)}[{names[0]}]"
        else:
            now = f"{self._name(function)}({', '.join(names)})"
        return f"{now} is {self._name(found)}"

    def _name(self, item: object) -> str:
        name = self._names.get(id(item))
        if name is None:
            name = self._names[id(item)] = f"v{len(self._objects)}"
            self._objects.append(item)
        return name


def _parts(look: Callable[[], Any]) -> tuple[Any, tuple[Any, ...]]:
    if type(look) is functools.partial and not look.keywords:
        return look.func, look.args
    return look, ()


def _is_attribute(names: Sequence[object]) -> bool:
    """Return whether one name can be written behind a point, and is then not spelt otherwise."""
    if len(names) != 1:
        return False
    name = names[0]
    if type(name) is not str or not name.isascii() or not name.isidentifier():
        return False
    return not keyword.iskeyword(name)


def _is_get(function: object) -> bool:
    return type(function) is BuiltinMethodType and function.__name__ == "get"


@functools.lru_cache(maxsize=128)
def _factory(text: str, count: int) -> Callable[..., Guard]:
    """Return a function of objects that returns the guard with this text."""
    names = ", ".join(f"v{n}" for n in range(count))
    variables: dict[str, Any] = {"__name__": __name__, "__builtins__": {"all": all, "map": map}}
    exec(f"def make({names}): return lambda: {text}", variables)
    made: Callable[..., Guard] = variables["make"]
    return made
