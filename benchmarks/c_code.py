"""C code is compiled here and now into a library that ctypes calls."""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
from pathlib import Path
from typing import Any

_SOURCES = Path(__file__).parent / "c"


def library(name: str, *flags: str) -> ctypes.CDLL:
    """Return the library of ``c/name.c``, with -O3 for this processor."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, f"{name}.so"))
        command = ["cc", "-O3", "-march=native", *flags, "-shared", "-fPIC"]
        subprocess.run([*command, str(_SOURCES / f"{name}.c"), "-o", path, "-lm"], check=True)
        return ctypes.CDLL(path)


def address(array: Any) -> ctypes.c_void_p:
    """Return where an array's numbers begin; the array must outlive its use."""
    return ctypes.c_void_p(array.ctypes.data)
