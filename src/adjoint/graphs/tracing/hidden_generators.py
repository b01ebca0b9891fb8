"""Hidden generators are those behind the functions of `random` and of `numpy.random`.

All threads share them, and their states do not tell which thread has drawn. So where there are
other threads, a draw counts as the traced function's only if its code can reach what draws.
"""

from __future__ import annotations

from types import CodeType, ModuleType
from typing import Any

import numpy as np

from ...core.primitive import Primitive
from .code_names import names_in
from .reach import Reach
from .users_code import is_opaque

# Functions, attributes and modules by which code finds any other.
_DOORS = (__import__, eval, exec, globals)
_NAMES_OF_DOORS = frozenset(door.__name__ for door in _DOORS)
_ATTRIBUTES_THAT_ARE_DOORS = frozenset({"__globals__", "f_globals"})
_MODULES_WITH_DOORS = frozenset({"builtins", "importlib", "random", "sys"})
# Modules that draw themselves, in code that is not followed.
_DRAWING = ("numpy.matlib", "statistics")


def hidden_generators() -> list[tuple[str, Any]]:
    """Return the name and the generator of each of the two modules."""
    # Imported here, since `import adjoint` shall load neither of the two.
    import random

    from numpy.random import mtrand

    python = random._inst
    return [("Python's random module", python), ("numpy.random", mtrand._rand)]


def may_draw(reach: Reach) -> bool:
    """Return whether code in reach may draw from a hidden generator.

    It may if it names what draws, or runs code that is not followed: a library's, or an operation
    of the user's own. What only computes with NumPy and adjoint does not.
    """
    if not _ATTRIBUTES_THAT_ARE_DOORS.isdisjoint(reach.names):
        return True
    return any(is_hidden(item) or _leads_there(item, reach) for _, item in reach.found())


def is_hidden(item: object) -> bool:
    """Return whether an object is a hidden generator, or the source of its bits."""
    (_, python), (_, numpys) = hidden_generators()
    return any(item is one for one in (python, numpys, numpys._bit_generator))


def _leads_there(item: Any, reach: Reach) -> bool:
    if isinstance(item, CodeType):
        return not _NAMES_OF_DOORS.isdisjoint(names_in(item).variables)
    if isinstance(item, Primitive):
        return item.kind == "custom"
    if item is np:
        return bool(reach.names.among(["matlib", "random"]))
    if isinstance(item, ModuleType):
        name = item.__name__
        draws = name.startswith("numpy.random") or name.partition(".")[0] in _MODULES_WITH_DOORS
        return draws or _is_unseen(name)
    if isinstance(item, type):
        return _is_unseen(item.__module__)
    kind = type(item)
    # NumPy's functions that draw, as `numpy.random.ranf`; its own generators are none of these.
    draws = kind.__module__.startswith("_cython") and item.__module__.startswith("numpy.random")
    draws = draws or any(item is door for door in _DOORS)
    return draws or _is_unseen(kind.__module__) or _is_unseen(getattr(item, "__module__", None))


def _is_unseen(module: object) -> bool:
    """Return whether the code of a module is not followed, and may draw."""
    return is_opaque(module) or module in _DRAWING
