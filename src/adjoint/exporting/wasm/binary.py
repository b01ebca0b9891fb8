"""The binary format of WebAssembly: numbers in bytes of seven bits, names, vectors and sections."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

MAGIC = b"\0asm\1\0\0\0"
# The name of the section that tells a module from others; runtimes pass over such sections.
MARK = "adjoint"
_CUSTOM = 0


class Reader:
    """Reads one number or name after another; `at` is the place of the next."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data, self.at = data, at

    def byte(self) -> int:
        """Return the next byte."""
        self.at += 1
        return self.data[self.at - 1]

    def bytes(self, count: int) -> bytes:
        """Return so many bytes."""
        self.at += count
        return self.data[self.at - count : self.at]

    def unsigned(self) -> int:
        """Return a number without a sign."""
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def signed(self) -> int:
        """Return a number with a sign."""
        start = self.at
        value = self.unsigned()
        bits = 7 * (self.at - start)
        return value - (1 << bits) if value >> (bits - 1) else value

    def name(self) -> str:
        """Return a text."""
        return self.bytes(self.unsigned()).decode()


def sections(module: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the number and the content of each section of a module or object."""
    if module[:8] != MAGIC:
        raise ValueError("no WebAssembly")
    reader = Reader(module, 8)
    while reader.at < len(module):
        yield reader.byte(), reader.bytes(reader.unsigned())


def unsigned(value: int) -> bytes:
    """Return a number without a sign."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def signed(value: int) -> bytes:
    """Return a number with a sign."""
    out = bytearray()
    while not -64 <= value < 64:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value & 127])


def padded(value: int, *, size: int = 5) -> bytes:
    """Return a number in just so many bytes, as linkers leave room for; negative ones wrap."""
    last = size - 1
    return bytes(value >> 7 * n & 127 | (128 if n < last else 0) for n in range(size))


def name(text: str) -> bytes:
    """Return a text with its length before it."""
    return unsigned(len(text.encode())) + text.encode()


def vector(items: Sequence[bytes]) -> bytes:
    """Return items with their number before them."""
    return unsigned(len(items)) + b"".join(items)


def section(number: int, content: bytes) -> bytes:
    """Return a section."""
    return bytes([number]) + unsigned(len(content)) + content


def marked(module: bytes) -> bytes:
    """Return a module with a digest of its content in a section of its own."""
    digest = hashlib.sha256(module).hexdigest()[:16]
    return module + section(_CUSTOM, name(MARK) + digest.encode())


def mark_of(module: bytes) -> str:
    """Return the digest that a marked module has."""
    readers = [Reader(content) for number, content in sections(module) if number == _CUSTOM]
    return next(r.data[r.at :].decode() for r in readers if r.name() == MARK)
