"""Literals of C are numbers, texts, comments and constant arrays, and each kind has its type."""

from __future__ import annotations

import re

import numpy as np

from ..compiler.native.formats import FORMATS
from ..core.annotations import Array

TYPES = {"f64": "double", "f32": "float", "i64": "int64_t", "i32": "int32_t", "i1": "int"}
# What stands in memory for each kind: truth values take one byte.
STORED = {**TYPES, "i1": "uint8_t"}
SIZES = {"f64": 8, "f32": 4, "i64": 8, "i32": 4, "i1": 1}


def number(value: float, kind: str) -> str:
    """Return a constant of C, every digit of it."""
    if kind == "i1":
        return str(int(bool(value)))
    if kind not in FORMATS:
        least = -(2**63) if kind == "i64" else -(2**31)
        if int(value) == least:
            return f"({int(value) + 1} - 1)" if kind == "i32" else f"(-INT64_C({2**63 - 1}) - 1)"
        text = f"INT64_C({abs(int(value))})" if kind == "i64" else str(abs(int(value)))
        return f"(-{text})" if value < 0 else text
    rounded = np.float32(value) if kind == "f32" else np.float64(value)
    if np.isnan(rounded):
        return "NAN"
    if np.isinf(rounded):
        return "INFINITY" if rounded > 0 else "(-INFINITY)"
    text = str(rounded) + ("f" if kind == "f32" else "")
    return f"({text})" if text.startswith("-") else text


def string(text: str) -> str:
    """Return a literal of C of the text's bytes in UTF-8, none of which means anything to C.

    >>> print(string('a"b?\\n'))
    "a\\042b\\077\\012"
    """
    safe = b" _-.,:;+=()[]{}<>#@!$%&*/|~^'"
    letters = [
        chr(byte) if (chr(byte).isalnum() and byte < 128) or byte in safe else f"\\{byte:03o}"
        for byte in text.encode("utf-8", "replace")
    ]
    return '"' + "".join(letters) + '"'


def comment(text: str) -> str:
    """Return a text that neither ends a comment of C nor leaves ASCII, nor joins two lines."""
    plain = ascii(text)[1:-1].replace("\\'", "'")
    plain = re.sub(r"\?(?=\?)", "? ", plain)
    return plain.replace("*/", "* /").replace("/*", "/ *").rstrip("\\")


def constant_array(name: str, path: str, array: Array, kind: str) -> str:
    """Return the definition of an array that never changes, under a comment with its path."""
    items = [number(item, kind) for item in array.ravel().tolist()]
    if kind == "f32":
        items = [number(item, kind) for item in array.ravel()]
    lines, line = [], "   "
    for item in items:
        if len(line) + len(item) > 96:
            lines.append(line)
            line = "   "
        line += f" {item},"
    shape = ", ".join(map(str, array.shape))
    head = f"/* {comment(path)}: {shape or 'a number'} */"
    rows = "\n".join([*lines, line])
    return f"{head}\nstatic const {STORED[kind]} {name}[{array.size}] = {{\n{rows}\n}};"
