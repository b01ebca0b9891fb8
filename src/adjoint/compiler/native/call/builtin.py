"""A builtin is a compiled function that Python calls as it calls its own: in native code at once.

A call of native code by ctypes takes the addresses of arrays that Python has checked and made. A
builtin is handed the arguments as they are, and checks and makes what it needs itself, in a tenth
of the time. Where anything is not exactly as it expects it returns None, and the other way is gone.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ....core.annotations import Tree
from ....graphs.graph import Graph
from ..cache import kept
from ..elf import is_sound
from ..machine import Library, this_machine
from ..memory_block import MemoryBlock
from . import object_layout
from .call_code import CALL
from .call_table import keys_of, write_table
from .leaf import Leaf, argument_leaves

# Takes the tuple of arguments, the tuple of what is read besides them, and where the results go.
Builtin = Callable[[tuple[Any, ...], tuple[Any, ...], Tree], Any]

# A call keeps some words for each leaf on the stack.
_MOST_LEAVES = 1000
_DEEPEST = 50
# Python's flag of functions that take an array of arguments and no keywords.
_FASTCALL = 0x80


class _Definition(ctypes.Structure):
    """Python's PyMethodDef."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("about", ctypes.c_char_p),
    )


def make_builtin(
    graph: Graph,
    results: Sequence[Leaf],
    kernel: Library,
    take_workspace: Callable[[], MemoryBlock],
    *,
    has_state: bool,
    releases_lock: bool,
) -> Builtin | None:
    """Return a builtin, or None where arguments and results must be looked at in Python.

    Parameters
    ----------
    graph : Graph
        As traced.
    results : sequence of Leaf
    kernel : Library
        It has the function ``evaluate_entries``, see `entry_point`.
    take_workspace : callable
        Returns memory that no one else uses.
    has_state : bool
        Whether the last argument is what is read besides the arguments.
    releases_lock : bool
        Whether other threads run while the function is evaluated.
    """
    arguments = argument_leaves(graph)
    takes: Any = graph.takes
    takes = (takes[:-1], tuple(takes[-1])) if has_state else (takes, ())
    if (
        not object_layout.is_known()
        or arguments is None
        or len(arguments) + len(results) > _MOST_LEAVES
        or not _is_plain((takes, graph.gives))
    ):
        return None
    trees = (*takes, graph.gives)
    keys, code, workspace = keys_of(trees), _code(), take_workspace()
    table = write_table(
        trees,
        arguments,
        results,
        evaluate=kernel.address("evaluate_entries"),
        workspace=workspace.address,
        releases_lock=releases_lock,
    )
    dtypes = [leaf.dtype for leaf in (*arguments, *results)]
    definition = _Definition(b"call", code.address("call"), _FASTCALL, None)
    # All that the builtin needs lives as long as it: Python keeps `self` alive. It is an array of
    # objects, into which the collector of cycles does not look. What the collector knows it takes
    # apart before the builtin has ended, if the two are part of one cycle.
    owner = np.empty(2, object)
    owner[0], owner[1] = table, (definition, code, kernel, workspace, keys, dtypes)
    return _new_builtin(ctypes.addressof(definition), owner)


@functools.cache
def _code() -> Library:
    """Return the code of all calls."""
    names = ["call"]
    code = kept(CALL, lambda: this_machine().assemble(CALL), lambda code: is_sound(code, names))
    assert code is not None
    return Library(code, names)


def _new_builtin(definition: int, owner: object) -> Builtin:
    kind = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)
    made: Builtin = kind(("PyCFunction_NewEx", ctypes.pythonapi))(definition, owner, None)
    return made


def _is_plain(tree: Any, depth: int = 0) -> bool:
    """Return whether a tree is of Python's own containers, with texts and integers as keys."""
    if depth > _DEEPEST:
        return False
    if type(tree) is dict:
        keys = all(type(key) in (str, int) for key in tree)
        return keys and all(_is_plain(item, depth + 1) for item in tree.values())
    if type(tree) in (list, tuple):
        return all(_is_plain(item, depth + 1) for item in tree)
    return type(tree) is int
