"""The registry is the table of all primitives, by name and by what each stands for."""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .annotations import Function

if TYPE_CHECKING:
    from .primitive import Primitive

PRIMITIVES: dict[str, Primitive] = {}
# The function that stands here for one of NumPy's; the two protocols on Value look it up.
NUMPY: dict[Function, Function] = {}
# The product in which 0·∞ = 0, by the name of the plain product; the cards of the former fill it.
STRONG: dict[str, Primitive] = {}
# A module that is imported only when one of its functions is called, by its name, and a test that
# recognises these functions. The rooms above enter their own modules (SciPy's functions have cards
# that users of NumPy alone never need), so that the core imports nothing from above.
LAZY_MODULES: dict[str, Callable[[Function], bool]] = {}


def stands_for(function: Function) -> Function | None:
    """Return what stands for a function of NumPy's, after importing the module that knows it."""
    return NUMPY.get(function) or _after_import(function)


def _after_import(function: Function) -> Function | None:
    """Import the modules that know a function; return what stands for it then."""
    for module, knows in LAZY_MODULES.items():
        if knows(function):
            importlib.import_module(module)
    return NUMPY.get(function)


@functools.cache
def keywords(function: Function) -> frozenset[str]:
    """Return the names of a function's parameters, which are slow to read off."""
    return frozenset(inspect.signature(function).parameters)


def unknown_keywords(function: Function, kwargs: Mapping[str, Any]) -> list[str]:
    """Return which keywords are unknown to the function that stands for NumPy's.

    If none stands for it, all are.
    """
    known = NUMPY.get(function)
    names = frozenset() if known is None else keywords(known)
    return [key for key in kwargs if key not in names]
