"""A door is the native function that Python calls: it finds the entries of the arrays handed in.

Python takes longer to look up an array's address than many a kernel runs. The address stands right
behind what every object begins with, by NumPy's binary interface, on which all compiled extensions
rely; so the door reads it there, and Python hands in the objects.
"""

from __future__ import annotations

import ctypes
import functools
import sys
from typing import Any

import numpy as np

# ctypes calls with at most 1024 arguments.
MOST_ARRAYS = 1000


def write_door(name: str, arrays: int) -> str:
    """Return the text of ``i1 name_door(objects…, workspace)`` in LLVM's language.

    It calls ``void name(pointers…, flag, workspace)`` and returns the flag, a byte that ``name``
    stores.
    """
    numbers = range(arrays)
    objects = "".join(f"ptr %object{n}, " for n in numbers)
    pointers = "".join(f"ptr %entries{n}, " for n in numbers)
    lines = [f"define i1 @{name}_door({objects}ptr %workspace) #0 {{", "  %flag = alloca i8"]
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


@functools.cache
def has_doors() -> bool:
    """Return whether arrays lie in memory as doors expect it."""
    if sys.implementation.name != "cpython":
        return False
    samples: list[Any] = [np.zeros(()), np.zeros(3, np.float32)[1:], np.zeros((2, 3))[::-1]]
    return all(_address(array) == array.ctypes.data for array in samples)


def _address(array: np.ndarray[Any, Any]) -> int | None:
    return ctypes.c_void_p.from_address(id(array) + object.__basicsize__).value
