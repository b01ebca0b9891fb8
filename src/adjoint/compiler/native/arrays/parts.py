"""A part is one step of a schedule: loops that store or reduce, a product, random numbers.

Or it is a loop whose body is a graph of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ....core.node import Node, Operation
from .operands import Operand
from .picking import IndexArray
from .strided_view import StridedView


@dataclass(frozen=True)
class Root:
    """A value that loops store.

    Parameters
    ----------
    operand : Operand
    target : StridedView
        Where it is stored.
    reads : tuple of Operand
        The operands in memory that it is computed from.
    indices : tuple of IndexArray
        Computed numbers of the entries of the target, along whose axes it has strides of 0.
    adds : bool
        Whether it is added to what is there.
    is_stored : bool
        False if only the same loops read it, so that it stays in registers.
    copies : tuple of (Node, StridedView)
        Where values are read from instead of where they are, see `Schedule`.
    """

    operand: Operand
    target: StridedView
    reads: tuple[Operand, ...]
    indices: tuple[IndexArray, ...] = ()
    adds: bool = False
    is_stored: bool = True
    copies: tuple[tuple[Node, StridedView], ...] = ()


@dataclass
class Loops:
    """Loops over a shape that store values at every point.

    Parameters
    ----------
    shape : tuple of int
    roots : list of Root
    operations : int
        How many operations they take for each point.
    """

    shape: tuple[int, ...]
    roots: list[Root] = field(default_factory=list)
    operations: int = 0


@dataclass(frozen=True)
class Reduction:
    """Loops over the entries of an operand that combine them along axes.

    Parameters
    ----------
    root : Root
    axes : frozenset of int
    operation : str
    running : bool
        Whether every intermediate result is stored.
    factor : Operand or None
        What the total is multiplied by before an entry is added.
    """

    root: Root
    axes: frozenset[int]
    operation: str
    running: bool
    factor: Operand | None = None


@dataclass(frozen=True)
class Multiplication:
    """A product of matrices, or of stacks of them."""

    left: StridedView
    right: StridedView
    target: StridedView


@dataclass(frozen=True)
class RandomFill:
    """An array of random numbers that a state determines."""

    state: StridedView
    target: StridedView


@dataclass(frozen=True)
class Turns:
    """A loop or a choice, whose bodies are graphs of their own.

    Parameters
    ----------
    node : Operation
    operands : tuple of StridedView
        Contiguous in memory.
    results : tuple of StridedView
    doubt : StridedView
        Whether a result is in doubt.
    """

    node: Operation
    operands: tuple[StridedView, ...]
    results: tuple[StridedView, ...]
    doubt: StridedView


Part = Loops | Reduction | Multiplication | RandomFill | Turns


def reads_of(part: Part) -> Iterator[Operand]:
    """Yield the operands that the loops of a part read."""
    if isinstance(part, Loops):
        for root in part.roots:
            yield from root.reads
    elif isinstance(part, Reduction):
        yield from part.root.reads


def wholes_of(part: Part) -> tuple[StridedView, ...]:
    """Return the arrays that a part reads as a whole."""
    if isinstance(part, Multiplication):
        return part.left, part.right
    if isinstance(part, Turns):
        return part.operands
    if isinstance(part, Reduction):
        return tuple(copy for _, copy in part.root.copies)
    return (part.state,) if isinstance(part, RandomFill) else ()
