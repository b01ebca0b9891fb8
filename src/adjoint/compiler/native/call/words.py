"""Words are fields of eight bytes in memory, which text in LLVM's language loads by their names."""

from __future__ import annotations

from collections.abc import Sequence


class Words:
    """The text that reads and writes the fields of one kind of memory.

    Parameters
    ----------
    names : sequence of str
        The fields, in order.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.count = len(names)
        self._offsets = {name: 8 * n for n, name in enumerate(names)}

    def at(self, value: str, pointer: str, field: str) -> str:
        """Return the line that gives a field's address the name ``value``."""
        return f"  {value} = getelementptr i8, ptr {pointer}, i64 {self._offsets[field]}"

    def load(self, value: str, pointer: str, field: str, kind: str = "ptr") -> str:
        """Return the lines that load a field under the name ``value``."""
        at = f"{value}.at"
        return f"{self.at(at, pointer, field)}\n  {value} = load {kind}, ptr {at}"


def load(value: str, pointer: str, offset: int, kind: str = "ptr") -> str:
    """Return the lines that load what stands some bytes behind a pointer."""
    at = f"{value}.at"
    return (
        f"  {at} = getelementptr i8, ptr {pointer}, i64 {offset}\n  {value} = load {kind}, ptr {at}"
    )


def entry(value: str, pointer: str, index: str, kind: str = "ptr") -> str:
    """Return the lines that load an entry of an array of words."""
    at = f"{value}.at"
    return (
        f"  {at} = getelementptr i64, ptr {pointer}, i64 {index}\n  {value} = load {kind}, ptr {at}"
    )
