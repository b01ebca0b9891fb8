"""An einsum becomes products of two arrays; if axes are summed over, products of matrices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from ....core.annotations import Described, Params
from ....ops.subscripts import letter_sizes, split_terms
from ...simplify.rewrites import Build, Rewrite


class Named(NamedTuple):
    """A value, with a letter for each of its axes as in the subscripts of an einsum."""

    value: Any
    letters: str


def einsum_expansion(product: str, matrix_product: str) -> Rewrite:
    """Return the expansion of an einsum into products of these primitives."""

    def rewrite(args: Sequence[Described], params: Params, build: Build) -> Any:
        terms, output = split_terms(params["subscripts"])
        sizes = letter_sizes(terms, [x.shape for x in args])
        parts = [_shortened(Named(x, term), build) for x, term in zip(args, terms, strict=True)]
        result, *rest = parts
        for number, part in enumerate(rest, 1):
            wanted = {*output, *(n for later in rest[number:] for n in later.letters)}
            result = _summed(result, wanted | set(part.letters), build)
            part = _summed(part, wanted | set(result.letters), build)
            result = _pair(result, part, wanted, (product, matrix_product), build)
        result = _summed(result, set(output), build)
        long = "".join(n for n in output if sizes[n] > 1)
        value = _in_order(result, long, build)
        return build("reshape", value, shape=tuple(sizes[n] for n in output))

    return rewrite


def _shortened(x: Named, build: Build) -> Named:
    """Take the diagonal along a letter that occurs twice, and drop axes of size 1."""
    value, letters = x
    kept = [n for n, size in zip(letters, value.shape, strict=True) if size > 1]
    value = build("reshape", value, shape=tuple(size for size in value.shape if size > 1))
    while repeated := [n for n in kept if kept.count(n) > 1]:
        letter = repeated[0]
        first = kept.index(letter)
        second = kept.index(letter, first + 1)
        value = build("diagonal", value, offset=0, axis1=first, axis2=second)
        kept = [n for axis, n in enumerate(kept) if axis not in (first, second)] + [letter]
    return Named(value, "".join(kept))


def _summed(x: Named, wanted: set[str], build: Build) -> Named:
    """Sum over the axes whose letters are not wanted."""
    axes = tuple(axis for axis, n in enumerate(x.letters) if n not in wanted)
    if not axes:
        return x
    value = build("sum", x.value, axis=axes, keepdims=False)
    return Named(value, "".join(n for n in x.letters if n in wanted))


def _in_order(x: Named, letters: str, build: Build) -> Any:
    return build("transpose", x.value, axes=tuple(x.letters.index(n) for n in letters))


def _pair(x: Named, y: Named, wanted: set[str], names: tuple[str, str], build: Build) -> Named:
    """Return the product of two arrays, summed over the letters that nothing else needs.

    The axes are grouped as (stack, left, summed) and (stack, summed, right), each group is made one
    axis, and then it is a stack of products of matrices.
    """
    both = [n for n in x.letters if n in y.letters]
    summed = "".join(n for n in both if n not in wanted)
    stack = "".join(n for n in both if n in wanted)
    left = "".join(n for n in x.letters if n not in both)
    right = "".join(n for n in y.letters if n not in both)
    sizes = dict(zip(x.letters, x.value.shape, strict=True))
    sizes |= dict(zip(y.letters, y.value.shape, strict=True))

    def shaped(part: Named, *groups: str) -> Any:
        value = _in_order(part, "".join(groups), build)
        outer, *inner = ([sizes[n] for n in group] for group in groups)
        return build("reshape", value, shape=(*outer, *map(math.prod, inner)))

    if summed:
        value = build(names[1], shaped(x, stack, left, summed), shaped(y, stack, summed, right))
    else:
        value = build(names[0], shaped(x, stack, left, ""), shaped(y, stack, "", right))
    letters = stack + left + right
    return Named(build("reshape", value, shape=tuple(sizes[n] for n in letters)), letters)
