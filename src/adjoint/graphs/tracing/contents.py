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


def key_of_contents(item: object, contents: bytes) -> Hashable:
    """Return a key that is equal only for buffers of one shape and dtype with these contents."""
    kind = (item.shape, item.dtype.str) if isinstance(item, np.ndarray) else type(item)
    return kind, contents if len(contents) <= _SHORT else _checksum(contents)


def _checksum(contents: bytes) -> bytes:
    # Imported here: loading OpenSSL would take a good part of the time of `import adjoint`.
    from hashlib import blake2b

    return blake2b(contents, digest_size=32).digest()


def write(item: Contents, contents: bytes) -> None:
    """Put contents that were read back into a buffer."""
    if isinstance(item, np.ndarray):
        item[...] = np.frombuffer(contents, item.dtype).reshape(item.shape)
    else:
        memoryview(item).cast("B")[:] = contents
