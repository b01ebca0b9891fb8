"""A summary lists the modules of a network: what they put out, and what they hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.tree import leaves
from ..graphs.recording import no_grad
from ..notebook.html import folded, paragraph, table, view
from ..notebook.verbatim import TERMINAL

if TYPE_CHECKING:
    from .module import Module

_HEAD = ("module", "output", "parameters", "bytes")


@dataclass(frozen=True)
class Row:
    """One module of a network.

    Attributes
    ----------
    title : str
        Its name and what it is, as ``layers[0]: Linear(2, 3)``.
    output : str
        The shape of what it first puts out, if that is known.
    parameters, bytes : int
        How many numbers its parameters and those of the modules within have, and what these and
        the buffers take. What is shared counts once, where it comes first.
    within : list of Row
    """

    title: str
    output: str
    parameters: int
    bytes: int
    within: list[Row] = field(default_factory=list)

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """The texts of the columns."""
        return self.title, self.output, f"{self.parameters:,}", f"{self.bytes:,}"


class Summary:
    """The modules of a network as a table; made by `Module.summary`.

    It prints at a prompt, and is a tree that folds in a notebook.

    Attributes
    ----------
    root : Row
    parameters, trainable, bytes : int
        Numbers in parameters, those of them that are not frozen, and bytes of parameters and
        buffers.
    """

    def __init__(self, module: Module, outputs: dict[int, str]) -> None:
        self._outputs = outputs
        parameters = dict(module.named_parameters())
        buffers = dict(module.named_buffers())
        self._sizes = {name: (p.size, p.data.nbytes) for name, p in parameters.items()}
        self._sizes |= {name: (0, buffer.data.nbytes) for name, buffer in buffers.items()}
        self.root = self._row("", "", module, set())
        self.parameters, self.bytes = self.root.parameters, self.root.bytes
        self.trainable = sum(p.size for p in parameters.values() if p.requires_grad)

    def _row(self, name: str, path: str, module: Module, seen: set[int]) -> Row:
        """Return a module and those within; ``seen`` ends at shared modules and at cycles."""
        seen.add(id(module))
        start = f"{path}." if path else ""
        sizes = [size for each, size in self._sizes.items() if each.startswith(start)]
        within = [
            self._row(each, f"{start}{each}", child, seen)
            for each, child in module.named_children()
            if id(child) not in seen
        ]
        kind = f"{type(module).__name__}({module.extra_repr()})"
        return Row(
            f"{name}: {kind}" if name else kind,
            self._outputs.get(id(module), ""),
            sum(parameters for parameters, _ in sizes),
            sum(size for _, size in sizes),
            within,
        )

    def __repr__(self) -> str:
        """Draw a table that fits into 80 columns if the shapes are not very long."""
        rows = [_HEAD, *_flat(self.root, 0)]
        widths = [max(len(row[place]) for row in rows) for place in range(4)]
        widths[0] = max(12, min(widths[0], TERMINAL - sum(widths[1:]) - 6))
        lines = []
        for title, *others in rows:
            cells = [_cut(title, widths[0]).ljust(widths[0]), others[0].ljust(widths[1])]
            numbers = zip(others[1:], widths[2:], strict=True)
            cells += [cell.rjust(width) for cell, width in numbers]
            lines.append("  ".join(cells))
        return "\n".join([*lines, self._total()])

    def _total(self) -> str:
        return (
            f"{self.parameters:,} parameters, {self.trainable:,} of them trainable, "
            f"{self.bytes:,} bytes"
        )

    def _repr_html_(self) -> str:
        return view(_folded(self.root, is_open=True), paragraph(self._total(), faint=True))


def summary(module: Module, inputs: tuple[Any, ...]) -> Summary:
    """Return the summary of a module, with the shapes of what it puts out for inputs, if any."""
    outputs: dict[int, str] = {}
    if inputs:
        with _unchanged(module), no_grad(), _watched(module, outputs):
            module.eval()(*inputs)
    return Summary(module, outputs)


@contextmanager
def _watched(module: Module, outputs: dict[int, str]) -> Iterator[None]:
    """Note the shapes that every module puts out inside of the block, by its identity."""
    own = [(inner, vars(inner).get("forward")) for inner in module.modules()]
    try:
        for inner, _ in own:
            # An attribute of the object hides the method of its class.
            vars(inner)["forward"] = partial(_noted, inner, inner.forward, outputs)
        yield
    finally:
        for inner, forward in own:
            del vars(inner)["forward"]
            if forward is not None:
                vars(inner)["forward"] = forward


def _noted(
    module: Module, forward: Callable[..., Any], outputs: dict[int, str], *args: Any, **kwargs: Any
) -> Any:
    result = forward(*args, **kwargs)
    first, *others = (str(tuple(np.shape(leaf))) for leaf in leaves(result))
    # What is called again, as the cell of a recurrent layer, keeps the shape of its first call.
    outputs.setdefault(id(module), f"{first} and {len(others)} more" if others else first)
    return result


@contextmanager
def _unchanged(module: Module) -> Iterator[None]:
    """Give the modes and the numbers of the buffers back after the block."""
    modes = [(inner, inner.training) for inner in module.modules()]
    buffers = [(buffer, buffer.data) for _, buffer in module.named_buffers()]
    try:
        yield
    finally:
        for inner, training in modes:
            inner.training = training
        for buffer, array in buffers:
            buffer.data = array


def _flat(row: Row, depth: int) -> Iterator[tuple[str, ...]]:
    title, *others = row.cells
    yield ("  " * depth + title, *others)
    for inner in row.within:
        yield from _flat(inner, depth + 1)


def _folded(row: Row, *, is_open: bool) -> str:
    """Return a module as HTML: those without modules inside as lines of a table."""
    parts: list[str] = []
    lines: list[tuple[str, ...]] = []

    def close() -> None:
        if lines:
            parts.append(table(_HEAD, lines, left=2))
            lines.clear()

    for inner in row.within:
        if inner.within:
            close()
            parts.append(_folded(inner, is_open=False))
        else:
            lines.append(inner.cells)
    close()
    title, output, parameters, size = row.cells
    told = [f"output {output}"] * bool(output) + [f"{parameters} parameters", f"{size} bytes"]
    return folded(f"{title}: {', '.join(told)}", *parts, is_open=is_open)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
