"""Object code is what LLVM makes of a graph, with all that is needed to run it."""

from __future__ import annotations

import marshal
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...core.annotations import Array
from ...graphs.tracing.contents import key_of_array
from .step_form import StateLayout

# Constants of more bytes than these in all are not kept with the code, unless the graph has them.
_MOST_KEPT = 1 << 20


class ObjectCode(NamedTuple):
    """Object code, and the memory that it needs.

    Attributes
    ----------
    code : bytes
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
        constants: list[Any] = []
        for at, array in self.constants:
            number = numbers.get(key_of_array(array))
            own = (array.dtype.str, array.shape, array.tobytes()) if number is None else number
            constants.append((at, own))
        if sum(len(own[2]) for _, own in constants if isinstance(own, tuple)) > _MOST_KEPT:
            return None
        layout: Any = None if self.layout is None else tuple(self.layout)
        # What is read from the cache is executed, so it is the user's own, and needs no format that
        # strangers' files could be read in.
        return marshal.dumps(
            (self.code, self.about, self.workspace, constants, layout, self.has_team)
        )

    @classmethod
    def unpacked(cls, content: bytes, known: Sequence[Array]) -> ObjectCode:
        """Return what was packed, given the same known constants."""
        code, about, workspace, constants, layout, has_team = marshal.loads(content)
        arrays = tuple(
            (at, np.asarray(known[own]) if isinstance(own, int) else _array(*own))
            for at, own in constants
        )
        found = None if layout is None else StateLayout(*layout)
        return cls(code, about, workspace, arrays, found, has_team)


def _array(dtype: str, shape: tuple[int, ...], content: bytes) -> Array:
    return np.frombuffer(content, dtype).reshape(shape)
