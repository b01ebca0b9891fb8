"""The page of edges, written from the probes: python tests/edges/report.py --markdown."""

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np
from probes import FAMILIES, PROBES
from probes.probe import Family, Probe, show

_HEAD = """\
# Edges

What adjoint gives where derivatives go wrong elsewhere: at kinks, zeros, infinities and ties, for
empty and scalar arrays, huge and tiny numbers, integers and booleans among floats. Each line is a
probe of the test suite (`tests/edges`): the gradient of the sum of the result by each argument, or
the Hessian where it says so, checked in reverse and in forward mode, in float64 and, where its
numbers fit, in float32. `np` stands for NumPy, and for adjoint where NumPy has no such function.

The rule: the derivative where there is one; else PyTorch's convention, as the
[notes on autograd](https://docs.pytorch.org/docs/stable/notes/autograd.html) state it; else an
error that says what to do. NaN appears only where the value is NaN too, or where two infinite
slopes of opposite signs meet in one argument: in reverse mode `sqrt(x - x)` has the gradient ∞ - ∞,
while forward mode adds the tangents first and gives 0. Where a line says "truly", it is a listed
exception: the convention 0·∞ = 0 ([decision 2](../decisions/0002-strong-zeros.md)) hides another
derivative, or a better one would cost training time.

**The price of a tail.** `sigmoid` and `tanh` take their slope from their value y, as y (1 - y) and
1 - y², so that it is 0 where y has rounded to 1: beyond x = 37 and |x| = 19 in float64, 17 and 9 in
float32. The same holds for second derivatives of what is made of them, as SiLU, Mish and the tanh
form of GELU, and for softmax and its cross-entropy where a probability has rounded to 1. An exact
slope takes another exponential for every activation: measured, a native step of the article's
network (2-4-4-2, float64) takes 29 % longer with sigmoid and 60 % with tanh, one of a 64-128-10
network in float32 about 10 %. `logistic` is the same function as `sigmoid` with an exact slope in
both tails, as `scipy.special.expit` is, and `2 * logistic(2 * x) - 1` is the same as `tanh`.
`softplus`, `logaddexp` and the losses made of them have exact slopes.

NumPy's functions answer for plain arrays themselves: `np.linalg.norm([1e308, 2.0])` overflows,
where `ad.linalg.norm`, the norm of a tensor and a compiled one stay in range.

**Beyond the gradient.** `ad.jacobian(..., sparse=True)` has the dense one's entries at all of these
places; an entry that is 0 by such a convention is stored. `ad.taylor` keeps to the same conventions
in every order: what is flat, masked or not chosen at x adds nothing, and a vertical tangent gives
±∞ from the first order on.

This page is written by `python tests/edges/report.py --markdown > docs/explanation/edges.md`.
{count} probes.
"""


def markdown(families: Sequence[Family]) -> str:
    """Return the page."""
    count = sum(len(family.probes) for family in families)
    return "\n".join([_HEAD.format(count=count), *map(_table, families)])


def _table(family: Family) -> str:
    rows = [f"| {' | '.join(_cells(probe))} |\n" for probe in family.probes]
    return (
        f"## {family.title}\n\n| function | at | gives | why |\n|---|---|---|---|\n{''.join(rows)}"
    )


def _cells(probe: Probe) -> list[str]:
    return [_code(probe.text), _code(probe.point), _given(probe), probe.why.replace("|", r"\|")]


def _code(text: str) -> str:
    # A bar ends a cell, between backticks too.
    return f"`{text}`".replace("|", r"\|")


def _given(probe: Probe) -> str:
    if probe.error is not None:
        return f"{probe.error.__name__}" + (f": “{probe.message}”" if probe.message else "")
    shown = _code(", ".join(map(_array, probe.gives)))
    hidden = "" if probe.truth is None else f", truly {_code(', '.join(map(_array, probe.truth)))}"
    return ("Hessian " if probe.order == 2 else "") + shown + hidden


def _array(numbers: Any) -> str:
    """Return numbers to four digits, whole ones without a point."""
    array = np.asarray(numbers)
    if not array.size:
        return show(array)
    if array.ndim:
        return f"[{', '.join(map(_array, array))}]"
    return f"{float(array) + 0.0:.4g}"


def main() -> None:
    """Print the page, or how many probes there are of each family."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--markdown", action="store_true", help="print docs/explanation/edges.md")
    if parser.parse_args().markdown:
        print(markdown(FAMILIES), end="")
        return
    for family in FAMILIES:
        print(f"{len(family.probes):4}  {family.title}")
    print(f"{len(PROBES):4}  in all")


if __name__ == "__main__":
    main()
