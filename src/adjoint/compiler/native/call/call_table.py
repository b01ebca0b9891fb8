"""A call's table is the memory from which native code takes all that is known of a function.

The code of a call depends on nothing but the structure of arguments and results, so that functions
of one structure share it. Everything else stands in words of eight bytes: where the function and
its workspace are, Python's and NumPy's types and functions, the keys of dicts, and a *record* for
each array, with its dtype and shape.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from ....core.annotations import Array, Tree
from . import object_layout as layout
from .leaf import Leaf

# What stands in the first words.
_OWN = ("evaluate", "workspace", "is_busy", "sizes")
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
_FIXED = (*_OWN, *_OBJECTS, *_FUNCTIONS, *_OF_NUMPY)
_PLACES = {name: n for n, name in enumerate(_FIXED)}

# What stands in the words of a record, before the shape.
TYPE, SCALAR_TYPE, DTYPE, DTYPE_CODE, FLAGS, AXES, SHAPE = range(7)


def place(name: str) -> int:
    """Return the number of the word that has a name."""
    return _PLACES[name]


def place_of_record(leaf: int) -> int:
    """Return the number of the word with the address of a leaf's record."""
    return len(_FIXED) + leaf


def place_of_key(key: int, leaves: int) -> int:
    """Return the number of the word with a dict's key; keys stand behind the records' addresses."""
    return len(_FIXED) + leaves + key


def keys_of(*trees: Tree) -> list[Any]:
    """Return the keys of all dicts in some trees, in order."""
    found: list[Any] = []
    for tree in trees:
        if isinstance(tree, dict):
            for key, item in tree.items():
                found += [key, *keys_of(item)]
        elif isinstance(tree, (list, tuple)):
            found += keys_of(*tree)
    return found


def write_table(
    arguments: Sequence[Leaf],
    results: Sequence[Leaf],
    keys: Sequence[object],
    *,
    evaluate: int,
    workspace: int,
) -> Array:
    """Return the words; the keys and dtypes, whose addresses are in it, must outlive it."""
    leaves = [*arguments, *results]
    records = [_record(leaf, is_result=n >= len(arguments)) for n, leaf in enumerate(leaves)]
    sizes = [leaf.nbytes for leaf in leaves]
    start = place_of_key(len(keys), len(leaves))
    words = np.zeros(start + len(sizes) + sum(map(len, records)), np.int64)
    address = words.ctypes.data
    at_sizes = address + 8 * start
    known = [evaluate, workspace, 0, at_sizes, *map(id, _OBJECTS.values())]
    known += [_function(name) for name in _FUNCTIONS]
    known += [find() for find in _OF_NUMPY.values()]
    at_records = np.cumsum([at_sizes + 8 * len(sizes), *(8 * len(record) for record in records)])
    known += at_records[:-1].tolist() + list(map(id, keys)) + sizes
    for record in records:
        known += record
    words[:] = known
    return words


def _function(name: str) -> int:
    address = ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value
    assert address is not None
    return address


def _record(leaf: Leaf, *, is_result: bool) -> list[int]:
    flags = layout.C_CONTIGUOUS | layout.ALIGNED | layout.WRITEABLE * is_result
    # A number of NumPy's will do for an argument without axes.
    scalar_type = 0 if is_result or leaf.shape else id(leaf.dtype.type)
    code = layout.dtype_code(leaf.dtype)
    about = [id(np.ndarray), scalar_type, id(leaf.dtype), code, flags, len(leaf.shape)]
    return [*about, *leaf.shape]
