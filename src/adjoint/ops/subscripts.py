"""Subscripts name the axes of an einsum's operands, as ``"ij,jk->ik"``; here they are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import ShapeError

# NumPy's interleaved form numbers axes in this order.
# Written out, since nothing else that `import adjoint` reads needs the module `string`.
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

Shape = tuple[int, ...]


def split_terms(subscripts: str) -> tuple[list[str], str]:
    """Return the letters of each operand and of the output."""
    inputs, _, output = subscripts.partition("->")
    return inputs.split(","), output


def letter_sizes(terms: Sequence[str], shapes: Sequence[Shape]) -> dict[str, int]:
    """Return the size of every letter; an axis of size 1 broadcasts against another size."""
    sizes: dict[str, int] = {}
    for term, shape in zip(terms, shapes, strict=True):
        for letter, size in zip(term, shape, strict=True):
            if sizes.setdefault(letter, size) == 1:
                sizes[letter] = size
    return sizes


def read_interleaved(operands: Sequence[Any]) -> tuple[str, Sequence[Any]]:
    """Return subscripts and arrays of the form ``x, [0, 1], y, [1, 2], [0, 2]``."""

    def write(axes: Sequence[Any]) -> str:
        return "".join("..." if n is Ellipsis else LETTERS[n] for n in axes)

    pairs = len(operands) // 2 * 2
    inputs = ",".join(write(axes) for axes in operands[1:pairs:2])
    output = f"->{write(operands[-1])}" if len(operands) % 2 else ""
    return inputs + output, operands[0:pairs:2]


def write_in_full(subscripts: str, shapes: Sequence[Shape]) -> str:
    """Return subscripts with an output and a letter for every axis, none left to an ellipsis.

    Raises
    ------
    ShapeError
        If they do not fit each other or the operands' shapes.
    """
    try:
        inputs, arrow, output = subscripts.replace(" ", "").partition("->")
        terms = inputs.split(",")
        hidden = _hidden_axes(terms, output, shapes)
        spare = _spare_letters(inputs, max(hidden, default=0))
        if not arrow:
            output = "..." + "".join(n for n in LETTERS if inputs.count(n) == 1)
        elif spare and "..." not in output:
            raise ValueError("the output has no '...' for the axes that the inputs' stand for")
        full = [
            term.replace("...", spare[len(spare) - count :])
            for term, count in zip(terms, hidden, strict=True)
        ]
        output = output.replace("...", spare)
        if len(set(output)) < len(output) or not set(output) <= set("".join(full)):
            raise ValueError(f"the output {output!r} repeats a letter, or has an unknown one")
        _check_sizes(full, shapes)
    except ValueError as error:
        received = ", ".join(map(str, shapes))
        raise ShapeError(f"einsum {subscripts!r}: {error} (received shapes {received})") from None
    return f"{','.join(full)}->{output}"


def _hidden_axes(terms: Sequence[str], output: str, shapes: Sequence[Shape]) -> list[int]:
    """Return how many axes the ellipsis of each term stands for."""
    if len(terms) != len(shapes):
        raise ValueError(f"{len(terms)} terms for {len(shapes)} operands")
    for term in (*terms, output):
        if not set(term.replace("...", "", 1)) <= set(LETTERS):
            raise ValueError("expected letters, commas, '->' and one '...' a term")
    hidden = []
    for term, shape in zip(terms, shapes, strict=True):
        hidden.append(len(shape) - len(term.replace("...", "")))
        if hidden[-1] < 0 or (hidden[-1] and "..." not in term):
            raise ValueError(f"{term!r} has not as many letters as its operand has axes")
    return hidden


def _spare_letters(used: str, count: int) -> str:
    """Return letters for the axes that ellipses stand for."""
    spare = [letter for letter in LETTERS if letter not in used][:count]
    if len(spare) < count:
        raise ValueError("there are more axes than letters")
    return "".join(spare)


def _check_sizes(terms: Sequence[str], shapes: Sequence[Shape]) -> None:
    """Raise if a letter stands for two sizes of which none is 1, or for any two in one operand."""
    found: dict[str, set[int]] = {}
    for term, shape in zip(terms, shapes, strict=True):
        own: dict[str, int] = {}
        for letter, size in zip(term, shape, strict=True):
            if own.setdefault(letter, size) != size:
                raise ValueError(
                    f"{letter!r} stands for sizes {own[letter]} and {size} in one operand"
                )
            found.setdefault(letter, set()).add(size)
    for letter, sizes in found.items():
        if len(sizes - {1}) > 1:
            raise ValueError(f"{letter!r} stands for sizes {sorted(sizes)}")
