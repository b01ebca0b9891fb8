"""A tensor file holds arrays by name, and metadata as JSON: a file of safetensors.

Nothing in it is ever executed, and nothing is believed before it is checked.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..core.annotations import Array
from ..errors import UnreadableFileError, require
from .whole_file import write_whole

VERSION = 1
# The longest header, which holds names, shapes and texts: a hundred times what a network of a
# thousand layers needs. A damaged file could ask for any amount of memory.
_MOST_HEADER = 2**24
_PURPOSE = "a file of weights"


def write_tensors(
    path: str | os.PathLike[str], arrays: Mapping[str, Array], content: Mapping[str, Any]
) -> None:
    """Write arrays and metadata, whole or not at all.

    Parameters
    ----------
    path : str or path
    arrays : mapping of str to array
        Their layout in memory does not matter; they come back contiguous.
    content : mapping
        What JSON can hold, and NaN and infinities; numbers come back exactly.

    Raises
    ------
    ImportError
        If safetensors is not installed.
    """
    safetensors = require("safetensors.numpy", extra="files", purpose=_PURPOSE)
    # safetensors writes the memory of an array that is not contiguous in the wrong order.
    own = {name: _contiguous(array) for name, array in arrays.items()}
    text = json.dumps(content, separators=(",", ":"))
    metadata = {
        "format": "adjoint",
        "version": str(VERSION),
        "content": text,
        "sha256": _digest(own, text),
    }
    write_whole(path, _in_order(safetensors.save(own, metadata)))


def read_tensors(path: str | os.PathLike[str]) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return arrays and metadata, as `write_tensors` has written them.

    Raises
    ------
    UnreadableFileError
        If the file is no such file, or damaged, or of a later version.
    OSError
        If there is none.
    """
    arrays, metadata = read_plain(path)
    if metadata.get("format") != "adjoint":
        raise UnreadableFileError(f"{path}: this file was not written by adjoint")
    version = metadata.get("version", "")
    if not version.isdigit() or int(version[:9]) > VERSION:
        raise UnreadableFileError(
            f"{path}: format version {version[:20]}, this adjoint reads up to {VERSION}; use a "
            "newer one"
        )
    text = metadata.get("content", "")
    if metadata.get("sha256") != _digest(arrays, text):
        raise UnreadableFileError(f"{path}: the file is damaged: its checksum does not fit")
    content = json.loads(text)  # it is what was written: the checksum covers it
    return arrays, content


def read_plain(path: str | os.PathLike[str]) -> tuple[dict[str, Array], dict[str, str]]:
    """Return the arrays and the metadata of any safetensors file.

    Raises
    ------
    UnreadableFileError
        If it is none.
    OSError
        If there is none.
    """
    safetensors = require("safetensors", extra="files", purpose=_PURPOSE)
    path = Path(path)
    _check_header(path)
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return arrays, dict(file.metadata() or {})
    except (safetensors.SafetensorError, ValueError, TypeError, KeyError, UnicodeError) as error:
        raise UnreadableFileError(f"{path}: no whole safetensors file: {error}") from error


def _check_header(path: Path) -> None:
    """Refuse a file that is shorter than its header says, before so many bytes are asked for."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
    length = int.from_bytes(start, "little")
    if len(start) < 8 or not 2 <= length <= size - 8:
        raise UnreadableFileError(f"{path}: no whole safetensors file, {size} bytes long")
    if length > _MOST_HEADER:
        raise UnreadableFileError(
            f"{path}: a header of {length} bytes is more than any of adjoint's ({_MOST_HEADER})"
        )


def _in_order(content: bytes) -> bytes:
    """Return a file with its metadata in order; safetensors writes them in an arbitrary one."""
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    # safetensors wants the numbers to begin at a multiple of 8 bytes, and pads with blanks itself.
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[end:]


def _contiguous(array: Array) -> Array:
    array = np.asarray(array)
    return array if array.flags.c_contiguous else np.array(array, order="C")


def _digest(arrays: Mapping[str, Array], text: str) -> str:
    """Return a checksum of all that a file says."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass"))
    # The order of the arrays says nothing, and safetensors changes it.
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"\0{name}\0{array.dtype.str}\0{array.shape}\0".encode())
        digest.update(_contiguous(array).tobytes())
    return digest.hexdigest()
