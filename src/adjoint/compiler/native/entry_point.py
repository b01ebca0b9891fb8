"""An entry point is the native function that Python calls; it reads the addresses of the arrays.

To ask an array for its address takes Python longer than many a small function runs. NumPy's binary
interface, on which all compiled extensions rely, puts that address right behind the header that
every Python object begins with. So Python hands over the array objects themselves, and the entry
point reads the addresses from them.
"""

from __future__ import annotations

import ctypes
import functools
import sys
from typing import Any

import numpy as np

# ctypes refuses calls with more than 1024 arguments.
MOST_ARRAYS = 1000


def write_entry_point(name: str, arrays: int) -> str:
    """Return the text of ``i1 name_entry_point(objects…, workspace)`` in LLVM's language.

    It calls ``void name(pointers…, flag, workspace)`` and returns the flag, a byte that ``name``
    stores.
    """
    numbers = range(arrays)
    objects = "".join(f"ptr %object{n}, " for n in numbers)
    pointers = "".join(f"ptr %entries{n}, " for n in numbers)
    lines = [
        f"define i1 @{name}_entry_point({objects}ptr %workspace) nounwind {{",
        "  %flag = alloca i8",
    ]
    for n in numbers:
        lines += [
            f"  %at{n} = getelementptr i8, ptr %object{n}, i64 {object.__basicsize__}",
            f"  %entries{n} = load ptr, ptr %at{n}",
        ]
    lines += [
        f"  call void @{name}({pointers}ptr %flag, ptr %workspace)",
        "  %byte = load i8, ptr %flag",
        "  %raised = icmp ne i8 %byte, 0",
        "  ret i1 %raised",
        "}",
    ]
    return "\n".join(lines)


def write_entry_of_entries(name: str, arrays: int) -> str:
    """Return the text of ``void name_entries(entries, flag, workspace)`` in LLVM's language.

    It calls ``name`` with the addresses that stand in an array, for callers to which the number of
    arrays makes no difference.
    """
    lines = [f"define void @{name}_entries(ptr %entries, ptr %flag, ptr %workspace) nounwind {{"]
    for n in range(arrays):
        lines += [
            f"  %at{n} = getelementptr ptr, ptr %entries, i64 {n}",
            f"  %entries{n} = load ptr, ptr %at{n}",
        ]
    pointers = "".join(f"ptr %entries{n}, " for n in range(arrays))
    lines += [f"  call void @{name}({pointers}ptr %flag, ptr %workspace)", "  ret void", "}"]
    return "\n".join(lines)


@functools.cache
def has_entry_points() -> bool:
    """Return whether array objects are laid out in memory as entry points expect."""
    if sys.implementation.name != "cpython":
        return False
    samples: list[Any] = [np.zeros(()), np.zeros(3, np.float32)[1:], np.zeros((2, 3))[::-1]]
    return all(_address(array) == array.ctypes.data for array in samples)


def _address(array: np.ndarray[Any, Any]) -> int | None:
    return ctypes.c_void_p.from_address(id(array) + object.__basicsize__).value
