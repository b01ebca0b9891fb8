"""A frame is one message to the page: a header of JSON, and arrays as they stand in memory.

Four bytes say how long the header is; it has a list of sections, each a name, a dtype and a shape,
and then come their bytes one after another, each beginning at a multiple of four. Numbers are
little-endian.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..core.annotations import Array

VERSION = 1
_KINDS = {"uint8": "<u1", "float32": "<f4"}


def pack(content: Mapping[str, Any], arrays: Mapping[str, Array]) -> bytes:
    """Return the bytes of a frame; arrays are bytes or floats, and become float32."""
    sections, parts = [], []
    for name, array in arrays.items():
        kind = "uint8" if array.dtype == np.uint8 else "float32"
        with np.errstate(over="ignore"):
            raw = np.ascontiguousarray(array, _KINDS[kind]).tobytes()
        sections.append({"name": name, "kind": kind, "shape": list(array.shape)})
        parts.append(raw + b"\0" * (-len(raw) % 4))
    header = {"version": VERSION, **content, "sections": sections}
    text = json.dumps(header, separators=(",", ":"), allow_nan=False).encode()
    text += b" " * (-len(text) % 4)
    return struct.pack("<I", len(text)) + text + b"".join(parts)


def unpack(frame: bytes) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return header and arrays of a frame; the page does the same.

    >>> header, arrays = unpack(pack({"step": 3}, {"x": np.array([1.0, 2.0])}))
    >>> header["step"], arrays["x"]
    (3, array([1., 2.], dtype=float32))
    """
    (size,) = struct.unpack_from("<I", frame)
    header = json.loads(frame[4 : 4 + size])
    arrays, at = {}, 4 + size
    for section in header["sections"]:
        kind, shape = np.dtype(_KINDS[section["kind"]]), section["shape"]
        count = int(np.prod(shape))
        arrays[section["name"]] = np.frombuffer(frame, kind, count, at).reshape(shape)
        at += -(-count * kind.itemsize // 4) * 4
    return header, arrays
