"""The contents of an array are its bytes: NaN is itself there, and 0 is not -0."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Hashable
from functools import partial
from typing import Any, TypeAlias, TypeGuard

import numpy as np

from ...core.annotations import Array

# Numbers in memory, which can be changed in place.
Contents: TypeAlias = "Array | array[Any] | bytearray | memoryview"
# Contents that are longer are told apart by a checksum.
_SHORT = 64
# Arrays of more bytes are large: to copy and compare them takes as long as to read them once.
_LARGE = 1 << 16


def is_buffer(item: object) -> TypeGuard[Contents]:
    """Return whether an object is numbers in memory, which can be changed in place."""
    if isinstance(item, np.ndarray):
        return not item.dtype.hasobject
    return isinstance(item, (array, bytearray, memoryview))


def reader(item: Contents) -> Callable[[], bytes]:
    """Return a function that gives the present contents of a buffer."""
    if isinstance(item, bytearray):
        return partial(bytes, item)
    read: Callable[[], bytes] = item.tobytes
    return read


def summarizer(item: Contents) -> Callable[[], bytes]:
    """Return a function that gives the present contents, or of a large array a checksum of them.

    To read it for a checksum takes no longer than to copy and compare it, and needs no memory.
    """
    if isinstance(item, np.ndarray) and item.nbytes > _LARGE:
        return partial(checksum_of, item)
    return reader(item)


def checksum_of(array: Array) -> bytes:
    """Return a checksum of an array's entries, and of their order in memory.

    An array without gaps is read where it lies.
    """
    if array.flags.c_contiguous:
        return _checksum(array)
    return b"F" + _checksum(array.T) if array.flags.f_contiguous else _checksum(array.tobytes())


def key_of_contents(item: object, contents: bytes) -> Hashable:
    """Return a key that is equal only for buffers of one shape and dtype with these contents."""
    kind = (item.shape, item.dtype.str) if isinstance(item, np.ndarray) else type(item)
    return kind, contents if len(contents) <= _SHORT else _checksum(contents)


def key_of_array(array: Array | np.generic) -> Hashable:
    """Return a key that is equal only for arrays of one shape, dtype and contents."""
    is_short = array.nbytes <= _SHORT
    contents = array.tobytes() if is_short else checksum_of(np.asarray(array))
    return array.shape, array.dtype.str, contents


def _checksum(contents: Any) -> bytes:
    # Imported here: loading OpenSSL would take a good part of the time of `import adjoint`.
    from hashlib import blake2b

    return blake2b(contents, digest_size=32).digest()


def write(item: Contents, contents: bytes) -> None:
    """Put contents that were read back into a buffer."""
    if isinstance(item, np.ndarray):
        item[...] = np.frombuffer(contents, item.dtype).reshape(item.shape)
    else:
        memoryview(item).cast("B")[:] = contents
