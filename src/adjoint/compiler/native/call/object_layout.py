"""The layout of objects is where CPython and NumPy keep what a call has to know of its arguments.

All compiled extensions rely on these places, so that neither library moves them: offsets of bytes
from an object's address, in builds of 64 bits with a global interpreter lock.

======  ======================  ==========================================================
offset  in an array             in other objects
======  ======================  ==========================================================
0       reference count         reference count
8       type                    type
16      entries                 the number in a float, or in one of NumPy's scalars; how
                                many items there are in a list, tuple or dict
24      number of axes, 32 bit  the items' address in a list; of a dtype, eight bytes that
                                tell kind, letter, byte order and number
32      shape
56      dtype
64      flags, 32 bit
======  ======================  ==========================================================

A tuple's items are at the end of the tuple; Python 3.14 put a number before them.

Whether all is where it is expected is tried on samples before any native code relies on it.
"""

from __future__ import annotations

import ctypes
import functools
import sys
import sysconfig
from typing import Any

import numpy as np

TYPE = 8
NUMBER = ITEM_COUNT = 16
ITEMS_OF_LIST = 24
ITEMS_OF_TUPLE = tuple.__basicsize__
ENTRIES, AXES, SHAPE, DTYPE, FLAGS = 16, 24, 32, 56, 64
DTYPE_CODE = 24

# NumPy's flags of arrays.
C_CONTIGUOUS, ALIGNED, WRITEABLE = 0x1, 0x100, 0x400

# Positions in NumPy's table of functions for extensions, and the version that has them there.
_VERSION, _ARRAY_TYPE, _SCALAR, _NEW = 0, 2, 60, 94
_NUMPY_2 = 0x02000000


def word_at(address: int) -> int:
    """Return the eight bytes at an address as an integer."""
    return ctypes.c_int64.from_address(address).value


def dtype_code(dtype: np.dtype[Any]) -> int:
    """Return eight bytes that only dtypes with the same numbers in the same bytes have."""
    return word_at(id(dtype) + DTYPE_CODE)


def numpy_function(position: int) -> int:
    """Return the address of one of NumPy's functions for extensions."""
    return word_at(_numpy_table() + 8 * position)


def new_array() -> int:
    """Return the address of `PyArray_NewFromDescr`."""
    return numpy_function(_NEW)


def new_scalar() -> int:
    """Return the address of `PyArray_Scalar`."""
    return numpy_function(_SCALAR)


@functools.cache
def is_known() -> bool:
    """Return whether objects are laid out in memory as this module says."""
    with_lock = not sysconfig.get_config_var("Py_GIL_DISABLED")
    if sys.implementation.name != "cpython" or sys.maxsize < 2**32 or not with_lock:
        return False
    return _has_objects() and _has_arrays() and _has_scalars() and _has_functions()


def _has_objects() -> bool:
    items = [object(), object(), 2.5]
    of_tuple, of_dict = tuple(items), dict.fromkeys("abc")
    places = list(map(id, items))
    return (
        object.__basicsize__ == NUMBER
        and all(word_at(id(x) + TYPE) == id(type(x)) for x in (items, of_tuple, of_dict, *items))
        and all(word_at(id(x) + ITEM_COUNT) == 3 for x in (items, of_tuple, of_dict))
        and ctypes.c_double.from_address(id(items[2]) + NUMBER).value == 2.5
        and _integers_at(id(of_tuple) + ITEMS_OF_TUPLE, 3) == places
        and _integers_at(word_at(id(items) + ITEMS_OF_LIST), 3) == places
    )


def _samples() -> list[Any]:
    grid = np.arange(6.0).reshape(2, 3)
    frozen = np.zeros(2, np.int32)
    frozen.flags.writeable = False
    crooked = np.zeros(17, np.uint8)[1:].view(np.float64)
    return [grid, grid.T, grid[::-1, 1:], frozen, crooked, np.zeros(()), np.zeros((0, 2), ">f8")]


def _has_arrays() -> bool:
    return all(map(_is_as_expected, _samples()))


def _is_as_expected(array: Any) -> bool:
    at, flags = id(array), array.flags
    expected = (C_CONTIGUOUS * flags.c_contiguous) | (ALIGNED * flags.aligned)
    expected |= WRITEABLE * flags.writeable
    bits = ctypes.c_int32.from_address(at + FLAGS).value
    return (
        word_at(at + TYPE) == id(np.ndarray)
        and word_at(at + ENTRIES) == array.ctypes.data
        and ctypes.c_int32.from_address(at + AXES).value == array.ndim
        and word_at(at + DTYPE) == id(array.dtype)
        and _has_code(array.dtype)
        and bits & (C_CONTIGUOUS | ALIGNED | WRITEABLE) == expected
        # Last, since an address is followed here.
        and _integers_at(word_at(at + SHAPE), array.ndim) == list(array.shape)
    )


def _integers_at(address: int, count: int) -> list[int]:
    return [word_at(address + 8 * n) for n in range(count)]


def _has_code(dtype: np.dtype[Any]) -> bool:
    code = ctypes.string_at(id(dtype) + DTYPE_CODE, 8)
    described = (dtype.kind + dtype.char + dtype.byteorder).encode()
    return code[:3] == described and int.from_bytes(code[4:], sys.byteorder) == dtype.num


def _has_scalars() -> bool:
    numbers: list[Any] = [
        np.float64(2.5),
        np.float32(2.5),
        np.int64(3),
        np.int32(3),
        np.bool_(True),
    ]
    return all(ctypes.string_at(id(x) + NUMBER, x.nbytes) == x.tobytes() for x in numbers)


def _has_functions() -> bool:
    try:
        _numpy_table()
    except ImportError:
        return False
    version = ctypes.CFUNCTYPE(ctypes.c_uint)(numpy_function(_VERSION))()
    return version == _NUMPY_2 and numpy_function(_ARRAY_TYPE) == id(np.ndarray)


@functools.cache
def _numpy_table() -> int:
    from numpy._core.multiarray import _ARRAY_API

    kind = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)
    address: int = kind(("PyCapsule_GetPointer", ctypes.pythonapi))(_ARRAY_API, None)
    return address
