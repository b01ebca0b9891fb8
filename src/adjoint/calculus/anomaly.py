"""An anomaly is the first NaN or infinity of a computation, told with the line that made it."""

from __future__ import annotations

import threading
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..core.annotations import Operand
from ..core.node import Node, Operation
from ..core.value import Value
from ..errors import AnomalyError, AnomalyWarning
from ..graphs.recording import Watcher, watched_by
from ..graphs.source_line import users_line
from ..ops.products import strong_zero_listeners


@contextmanager
def detect_anomaly() -> Iterator[None]:
    """Stop at the first NaN or infinity, forward or backward, and say where it came from.

    Inside the ``with`` block, in this thread, every result and every cotangent of a tensor is
    looked at. Outside of it nothing is, and nothing is paid.

    Raises
    ------
    AnomalyError
        Naming the primitive and your own source line, where a result or a cotangent is not
        finite; or where an array was changed between the forward and the backward pass.

    Warns
    -----
    AnomalyWarning
        Where a product 0·∞ in a derivative was taken as 0.

    Examples
    --------
    >>> import adjoint as ad
    >>> x = ad.tensor(0.0, requires_grad=True)
    >>> with ad.detect_anomaly():
    ...     y = ad.sqrt(x)
    ...     y.backward()
    Traceback (most recent call last):
    adjoint.errors.AnomalyError: backward of sqrt gave inf in 1 of 1 entries for argument 0, ...
    """
    watcher = _Detective()
    strong_zero_listeners.append(watcher.hear_strong_zero)
    try:
        with watched_by(watcher), np.errstate(all="ignore"):
            yield
    finally:
        strong_zero_listeners.remove(watcher.hear_strong_zero)


class _Detective(Watcher):
    """Remembers the user's line of every node, and the operands as they were."""

    copies = False

    def __init__(self) -> None:
        self.lines: dict[Node, str] = {}
        self.checksums: dict[Node, list[int | None]] = {}
        self.current: Operation | None = None
        self.thread = threading.get_ident()

    def see_forward(self, node: Operation, recorded: bool) -> None:
        line = _where()
        if recorded:
            self.lines[node] = line
            self.checksums[node] = [
                _checksum(arg) if parent is None else None for arg, parent in node.edges()
            ]
        if bad := _describe_bad(node.output):
            raise AnomalyError(f"{node.primitive.name} gave {bad}, {line}")

    def see_backward(self, node: Operation, parts: Sequence[Any] | None) -> None:
        self.current = node
        name = node.primitive.name
        if parts is None:
            self._check_operands(node, name)
            return
        for position, part in enumerate(parts):
            if part is not None and (bad := _describe_bad(part)):
                raise AnomalyError(
                    f"backward of {name} gave {bad} for argument {position}, {self._line(node)}"
                )

    def hear_strong_zero(self) -> None:
        """Warn that the node whose rule runs now decided 0·∞."""
        ours = threading.get_ident() == self.thread
        if ours and self.current is not None:
            warnings.warn(
                f"backward of {self.current.primitive.name} took 0·∞ as 0, "
                f"{self._line(self.current)}",
                AnomalyWarning,
                stacklevel=2,
            )

    def _line(self, node: Node) -> str:
        return self.lines.get(node, "recorded before detect_anomaly began")

    def _check_operands(self, node: Node, name: str) -> None:
        for position, before in enumerate(self.checksums.get(node, ())):
            if before is not None and _checksum(node.args[position]) != before:
                raise AnomalyError(
                    f"argument {position} of {name} is a plain array that was changed between the "
                    f"forward and the backward pass; pass a copy, {self._line(node)}"
                )


def _describe_bad(part: Operand) -> str | None:
    """Return what is not finite in an array, and how much of it; None if all is well."""
    array = np.asarray(part.data if isinstance(part, Value) else part)
    if array.dtype.kind != "f":
        return None
    wrong = ~np.isfinite(array)
    count = int(np.count_nonzero(wrong))
    if not count:
        return None
    return f"{array[wrong][0]} in {count} of {array.size} entries"


def _checksum(operand: Operand) -> int | None:
    # A fast checksum will do. It is to notice an accident, not an attack, and is taken of every
    # operand.
    if isinstance(operand, np.ndarray):
        return zlib.adler32(np.ascontiguousarray(operand).view(np.uint8).data)
    return None


def _where() -> str:
    """Return the user's line and its text."""
    line = users_line()
    if line is None:
        return "at an unknown line"
    return f"at {line}: {line.text}" if line.text else f"at {line}"
