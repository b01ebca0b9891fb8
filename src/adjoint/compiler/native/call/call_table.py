"""A call's table is the memory from which native code takes all that is known of a function.

The code of calls is the same for all functions. What differs stands in words of eight bytes: where
the function and its workspace are, Python's and NumPy's types and functions, a *record* for each
leaf, with its dtype and shape, and a *plan* of each tree: the kinds of its nodes in the order in
which one reads them, behind a list or tuple its length, behind a dict its length and before each
of its items the key.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from ....core.annotations import Array, Tree
from . import object_layout as layout
from .leaf import Leaf

_OBJECTS: dict[str, object] = {
    "None": None,
    "False": False,
    "True": True,
    "float": float,
    "int": int,
    "tuple": tuple,
    "list": list,
    "dict": dict,
}
_FUNCTIONS = (
    "Py_IncRef",
    "Py_DecRef",
    "PyTuple_New",
    "PyTuple_SetItem",
    "PyList_New",
    "PyList_SetItem",
    "PyDict_New",
    "PyDict_SetItem",
    "PyDict_Next",
    "PyLong_AsLongLongAndOverflow",
    "PyEval_SaveThread",
    "PyEval_RestoreThread",
)
_OF_NUMPY = {"new_array": layout.new_array, "new_scalar": layout.new_scalar}
_OWN = (
    "evaluate",
    "workspace",
    "releases_lock",
    "is_busy",
    "arguments",
    "results",
    "sizes",
    "records",
    "plan_of_arguments",
    "plan_of_state",
    "plan_of_results",
)
WORDS = (*_OWN, *_OBJECTS, *_FUNCTIONS, *_OF_NUMPY)
# What stands in the words of a record, before the shape.
RECORD = ("type", "scalar_type", "dtype", "dtype_code", "flags", "axes", "shape")
# The kinds of nodes in a plan. An array is also a scalar, where there are no axes.
KINDS = ("tuple", "list", "dict", "array", "float", "int", "bool")


def write_table(
    trees: Sequence[Tree],
    arguments: Sequence[Leaf],
    results: Sequence[Leaf],
    *,
    evaluate: int,
    workspace: int,
    releases_lock: bool,
) -> Array:
    """Return the words; the keys and dtypes, whose addresses are in it, must outlive it.

    Parameters
    ----------
    trees : sequence of tree
        The structures of the arguments, of what is read besides them, and of the results, with the
        position of each leaf in its place.
    arguments, results : sequence of Leaf
    evaluate, workspace : int
        Addresses.
    releases_lock : bool
    """
    leaves = [*arguments, *results]
    leaves_of = (arguments, arguments, results)
    parts = [
        [leaf.nbytes for leaf in leaves],
        [0] * len(leaves),
        *(_plan(tree, found) for tree, found in zip(trees, leaves_of, strict=True)),
        *(_record(leaf, is_result=n >= len(arguments)) for n, leaf in enumerate(leaves)),
    ]
    words = np.zeros(len(WORDS) + sum(map(len, parts)), np.int64)
    starts = np.cumsum([len(WORDS), *map(len, parts)])
    addresses: list[int] = (words.ctypes.data + 8 * starts).tolist()
    parts[1] = addresses[5:-1]
    # In the order of WORDS.
    known = [evaluate, workspace, int(releases_lock), 0, len(arguments), len(results)]
    known += [*addresses[:5], *map(id, _OBJECTS.values()), *map(_function, _FUNCTIONS)]
    known += [find() for find in _OF_NUMPY.values()]
    words[:] = known + [word for part in parts for word in part]
    return words


def keys_of(tree: Tree) -> list[Any]:
    """Return the keys of all dicts in a tree."""
    if isinstance(tree, dict):
        return [*tree, *(key for item in tree.values() for key in keys_of(item))]
    if isinstance(tree, (list, tuple)):
        return [key for item in tree for key in keys_of(item)]
    return []


def _plan(tree: Any, leaves: Sequence[Leaf]) -> list[int]:
    if not isinstance(tree, (tuple, list, dict)):
        return [KINDS.index(leaves[tree].kind)]
    found = [KINDS.index(type(tree).__name__), len(tree)]
    if isinstance(tree, dict):
        for key, item in tree.items():
            found += [id(key), *_plan(item, leaves)]
    else:
        for item in tree:
            found += _plan(item, leaves)
    return found


def _record(leaf: Leaf, *, is_result: bool) -> list[int]:
    flags = layout.C_CONTIGUOUS | layout.ALIGNED | layout.WRITEABLE * is_result
    # A number of NumPy's will do for an argument without axes.
    scalar_type = 0 if is_result or leaf.shape else id(leaf.dtype.type)
    code = layout.dtype_code(leaf.dtype)
    about = [id(np.ndarray), scalar_type, id(leaf.dtype), code, flags, len(leaf.shape)]
    return [*about, *leaf.shape]


def _function(name: str) -> int:
    address = ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value
    assert address is not None
    return address
