"""Links say which entries of a result depend on which of an operand: the column of sparsity.

A rule ``links(out, args, params)`` gives for each argument a pair of numberings: every entry of the
argument belongs to a group, every entry of the result is in a place that reads one group, and it
depends on all of that group. So little is enough for all kinds of cards, and it takes memory for
the entries only, not for the pairs of them.

What only moves entries needs no rule, it is applied to the numbers of entries. Of a card without a
rule, what it is made of tells; if that is not known either, all of its result depends on all of its
arguments, which is never wrong.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from .annotations import Array, Described, Operand, Params, Shape
from .spec import shape_of


class Links(NamedTuple):
    """Which entries of a result depend on which of one argument.

    Attributes
    ----------
    groups : integer array or None
        The group of each entry of the argument, in row-major order; -1 if nothing depends on it.
        None if each is a group of its own, numbered in order.
    places : integer array or None
        The group that each entry of the result depends on; -1 if it depends on none.
        None if each has one of its own, in order.
    """

    groups: Array | None
    places: Array | None


Rule = Callable[[Described, Sequence[Operand], Params], Sequence[Links | None]]


def numbered(shape: Shape) -> Array:
    """Return the numbers of entries, in row-major order, as an array of a shape."""
    return np.arange(math.prod(shape)).reshape(shape)


def of_all(out: Described, arg: Operand) -> Links:
    """Return the links of a result all of which depends on all of an argument."""
    return Links(
        np.zeros(math.prod(shape_of(arg)), np.intp), np.zeros(math.prod(out.shape), np.intp)
    )


def of_entries(out: Described, arg: Operand) -> Links:
    """Return the links of a result that depends on the entry which broadcasts to the same place."""
    shape = shape_of(arg)
    if tuple(shape) == tuple(out.shape):
        return Links(None, None)
    return Links(None, np.broadcast_to(numbered(shape), out.shape).ravel())


def entrywise(varies: Sequence[bool]) -> Rule:
    """Return the rule of what broadcasts its arguments; some may not matter for the derivative."""

    def rule(out: Described, args: Sequence[Operand], params: Params) -> list[Links | None]:
        return [of_entries(out, arg) if matters else None for arg, matters in zip(args, varies)]  # noqa: B905 - optional arguments may be absent

    return rule


def first_unchanged(out: Described, args: Sequence[Operand], params: Params) -> list[Links | None]:
    """Link what hands its first argument on."""
    return [of_entries(out, args[0]), *(None for _ in args[1:])]


def along_axis(out: Described, args: Sequence[Operand], params: Params) -> list[Links | None]:
    """Link what acts along ``axis`` of its one argument, or on all entries where it is None."""
    shape, axis = shape_of(args[0]), params["axis"]
    acted = range(len(shape)) if axis is None else normalize_axis_tuple(axis, len(shape))
    kept = [a for a in range(len(shape)) if a not in acted]
    lines = _numbers_along(shape, kept)
    if math.prod(out.shape) == math.prod(shape[a] for a in kept):
        return [Links(lines, None)]
    return [
        Links(lines, lines) if math.prod(out.shape) == math.prod(shape) else of_all(out, args[0])
    ]


def by_groups(groups: Callable[..., Array]) -> Rule:
    """Return the rule of what adds entries up.

    ``groups(numbers, *args, **params)`` gives for each entry of the first argument the number of
    that of the result to which it is added, taken from ``numbers``.
    """

    def rule(out: Described, args: Sequence[Operand], params: Params) -> list[Links | None]:
        found = groups(numbered(out.shape), *args, **params)
        is_fit = tuple(found.shape) == tuple(shape_of(args[0]))
        first = Links(found.ravel(), None) if is_fit else of_all(out, args[0])
        return [first, *(None for _ in args[1:])]

    return rule


def by_names(
    out: Described, args: Sequence[Operand], names: Sequence[Sequence[Hashable]], output: Any
) -> list[Links | None]:
    """Link what has names for its axes, as an einsum has.

    An entry of the result depends on those of an argument that are at the same place along all axes
    whose names both have. An axis of size 1 broadcasts.
    """
    found: list[Links | None] = []
    for arg, term in zip(args, names, strict=True):
        shape = shape_of(arg)
        shared = [
            (term.index(name), axis)
            for axis, name in enumerate(output)
            if name in term and shape[term.index(name)] == out.shape[axis]
        ]
        groups = _numbers_along(shape, [mine for mine, _ in shared])
        found.append(Links(groups, _numbers_along(out.shape, [axis for _, axis in shared])))
    return found


def of_matrices(out: Described, args: Sequence[Operand], params: Params) -> list[Links | None]:
    """Link what takes each matrix of a stack for itself: the last two axes of its argument."""
    stack = range(len(shape_of(args[0])) - 2)
    output = [*stack, *(("out", n) for n in range(len(out.shape) - len(stack)))]
    return by_names(out, args, [[*stack, "row", "column"]], output)


def _numbers_along(shape: Shape, axes: Sequence[int]) -> Array:
    """Number the entries of a shape by their places along some of the axes, and flatten them."""
    total, step = np.zeros(shape, np.intp), 1
    for axis in reversed(axes):
        places = np.arange(shape[axis]).reshape(-1, *(1,) * (len(shape) - axis - 1))
        total += places * step
        step *= shape[axis]
    return total.ravel()
