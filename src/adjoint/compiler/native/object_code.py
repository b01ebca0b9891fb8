"""Object code is what LLVM makes of a graph, with all that is needed to run it."""

from __future__ import annotations

import ast
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...core.annotations import Array
from ...graphs.tracing.contents import key_of_array
from .step_form import StateLayout

# Constants of more bytes than these in all are not kept with the code, unless the graph has them.
_MOST_KEPT = 1 << 20
# The bytes in front of a record that tell how long its head is.
_WORD = 8


class ObjectCode(NamedTuple):
    """Object code, and the memory that it needs.

    Attributes
    ----------
    code : bytes
    names : tuple of str
        The functions in it that are called from outside.
    about : str
        A line for a report.
    workspace : int
        Bytes of memory between the parts.
    constants : tuple of (int, array)
        The arrays that must be in it, each with its first byte.
    layout : StateLayout or None
        Where the arrays of a training's state lie.
    has_team : bool
        Whether a partner shares large products, see `team`; the workspace begins with its memory.
    """

    code: bytes
    names: tuple[str, ...]
    about: str
    workspace: int = 0
    constants: tuple[tuple[int, Array], ...] = ()
    layout: StateLayout | None = None
    has_team: bool = False

    def packed(self, known: Sequence[Array]) -> bytes | None:
        """Return it as bytes, without those constants that are among the ``known``.

        None if the others are large.
        """
        numbers = {key_of_array(array): number for number, array in enumerate(known)}
        places: list[Any] = []
        own: list[bytes] = []
        for at, array in self.constants:
            number = numbers.get(key_of_array(array))
            if number is None:
                own.append(array.tobytes())
            places.append((at, (array.dtype.str, array.shape) if number is None else number))
        if sum(map(len, own)) > _MOST_KEPT:
            return None
        layout = None if self.layout is None else tuple(self.layout)
        about = self.names, self.about, self.workspace, places, layout, self.has_team
        head = repr((len(self.code), *about)).encode()
        return b"".join([len(head).to_bytes(_WORD, "little"), head, self.code, *own])

    @classmethod
    def unpacked(cls, content: bytes, known: Sequence[Array]) -> ObjectCode:
        """Return what was packed, given the same known constants.

        Raises
        ------
        ValueError
            If it is damaged.
        """
        start = _WORD + int.from_bytes(content[:_WORD], "little")
        try:
            size, names, about, workspace, places, layout, has_team = ast.literal_eval(
                content[_WORD:start].decode()
            )
            rest = memoryview(content)[start + size :]
            constants = []
            for at, what in places:
                array = np.asarray(known[what]) if isinstance(what, int) else _array(rest, *what)
                rest = rest if isinstance(what, int) else rest[array.nbytes :]
                constants.append((at, array))
            form = None if layout is None else StateLayout(*layout)
        except (LookupError, SyntaxError, TypeError, ArithmeticError, RecursionError, MemoryError):
            raise ValueError("a record of object code is damaged") from None
        code = content[start : start + size]
        return cls(code, names, about, workspace, tuple(constants), form, has_team)


def _array(content: memoryview, dtype: str, shape: tuple[int, ...]) -> Array:
    return np.frombuffer(content, dtype, math.prod(shape)).reshape(shape)
