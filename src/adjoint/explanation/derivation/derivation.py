"""A derivation is a forward and a backward pass in numbered steps, each checked by computing it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...core.annotations import Array
from ...errors import GradientMismatchError
from ...files.whole_file import write_whole
from ..phrases import Phrases
from . import html, latex, markdown, script, text
from .cards import Cards
from .document import Document
from .entry_paths import EntryPaths
from .evaluator import Evaluator
from .formula import Formula, derivative, identifier, minus, symbol, words
from .function_at_point import FunctionAtPoint
from .lines import Line, WrittenProgram
from .numbers import agree, numbers
from .parameter_names import is_numbered
from .paths import follow
from .reading import Reading
from .step import Step

# How far the two sides of an equality may differ in float64, relative to the sum of the magnitudes
# of its terms; float32 is allowed as many roundings.
TOLERANCE = 1e-12


class Derivation:
    """The forward and the backward pass of a function at a point; made by `explain`.

    It is walked step by step (``for step in derivation``), printed, and rendered by `markdown`,
    `latex`, `html` and `script`. Every equality was checked when it was made.

    Attributes
    ----------
    steps : list of Step
    inputs : dict of str to array
    gradient : dict of str to array
        What the engine gives, by the name of the input.
    value : array
        That of the function.
    entry : EntryPaths or None
    equalities : int
        How many were computed and compared.
    """

    def __init__(self, subject: FunctionAtPoint, lang: str = "en") -> None:
        self.say = Phrases(lang)
        self.equalities = 0
        self.program = WrittenProgram(subject)
        self.subject = subject
        self.inputs: Mapping[str, Array] = self.program.inputs
        self.evaluator = Evaluator(self.program.functions)
        self.reading = Reading(self.written, self._is_number)
        self.cards = Cards(self.program.terms, self.written)
        self.steps: list[Step] = []
        # For each value the sum of its terms' magnitudes when it is multiplied out completely.
        self._expanded: dict[str, Any] = {}
        self.entry: EntryPaths | None = None
        for name, array in (*self.inputs.items(), *self.program.constants.items()):
            self.evaluator[name] = array
        for line in self.program.lines:
            self.steps.append(self._step(len(self.steps) + 1, line))
        self.value = self.evaluator[self.program.value]
        results = zip(self.program.gradient, subject.gradient, strict=True)
        self.gradient: Mapping[str, Array] = dict(results)
        self._check_engine()

    # --- making it

    def written(self, name: str) -> Formula:
        """Return how a name is written: ``d_W1`` as a derivative by ``W1``."""
        inner = name.removeprefix("d_")
        if inner != name and inner in self.evaluator.scope:
            value = identifier(self.program.value)
            return derivative(value, self._own(inner))
        return self._own(name)

    def _own(self, name: str) -> Formula:
        """Return a name, for a model's parameter where it stands, unless it is W1 or the like."""
        path = self.program.paths.get(name)
        return identifier(name) if path is None or is_numbered(name) else words(path)

    def follow(self, entry: str) -> None:
        """Add all paths from an entry of an input to the value.

        Raises
        ------
        ValueError
            If the entry is none of an input that is differentiated by.
        """
        self.entry = follow(self, entry)
        self.equalities += self.entry.equalities

    def _is_number(self, name: str) -> bool:
        """Return whether a name stands for a single number."""
        return np.ndim(self.evaluator.scope.get(name, "")) == 0

    def _step(self, number: int, line: Line) -> Step:
        # The printed text is evaluated, not the tree, so that what is checked is what is shown.
        value = np.asarray(self.evaluator.value(line.source))
        error = self._error(number, line, value)
        self._expanded[line.name] = self.evaluator.magnitude(line.source, self._expanded)
        self.evaluator[line.name] = value
        self.equalities += 1
        formula = self.written(line.name) + symbol(" = ") + self._right_side(line)
        return Step(
            number,
            line.part,
            line.name,
            line.source,
            formula,
            line.rule,
            value,
            numbers(value),
            error,
        )

    def _right_side(self, line: Line) -> Formula:
        """Return how a line's value comes about: in text as NumPy, in LaTeX as the cards say."""
        formula = self.reading.read(line.expression)
        if line.node is None:
            return formula
        return formula._replace(latex=self.cards.latex(line.node, line.expression))

    def _error(self, number: int, line: Line, value: Array) -> float:
        """Return how far the engine's value is from the evaluator's; raise if it is too far."""
        found = self.program.engine(line, self.evaluator.scope)
        if found is None:
            return 0.0
        found = np.asarray(found)
        error = _difference(value, found, self.evaluator.magnitude(line.source))
        if found.shape != value.shape or not error <= _tolerance(found.dtype):
            raise GradientMismatchError(
                f"step {number} of the derivation does not hold: {line.name} = {line.source} gives "
                f"{numbers(value)}, the engine {numbers(found)}; they differ by {error:.1e} of the "
                f"sum of the terms' magnitudes; please report it"
            )
        return error

    def slack(self, name: str) -> float:
        """Return how far a value may be from the engine's, given the roundings of all it reads.

        It is the tolerance times the largest sum of magnitudes that an entry's terms have when all
        products are multiplied out, down to the inputs.
        """
        value, expanded = self.evaluator[name], np.asarray(self._expanded[name], float)
        largest = float(np.max(expanded, initial=0.0, where=np.isfinite(expanded)))
        return _tolerance(value.dtype) * largest + float(np.finfo(float).tiny)

    def _check_engine(self) -> None:
        """Compare the last lines with what the engine gives for the function as it stands."""
        results = {name: (d, self.gradient[name]) for name, d in self.program.gradient.items()}
        results["the value"] = (self.program.value, self.subject.value)
        for name, (result, engine) in results.items():
            derived = self.evaluator[result]
            if not agree(derived, engine, self.slack(result)):
                raise GradientMismatchError(
                    f"the derivation ends in {numbers(derived)} for {name}, but the engine gives "
                    f"{numbers(engine)}; please report it"
                )
            self.equalities += 1

    # --- walking it

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, number: int) -> Step:
        return self.steps[number]

    @property
    def error(self) -> float:
        """The largest error of a step, in units of the sum of the magnitudes of its terms."""
        return max((step.error for step in self.steps), default=0.0)

    @property
    def title(self) -> str:
        """What is explained."""
        return self.say("title", what=self.program.title)

    @property
    def verdict(self) -> str:
        """How many equalities hold, as a sentence."""
        return self.say("verdict", count=self.equalities)

    def given(self) -> Iterator[tuple[Formula, Array]]:
        """Yield each input's formula and value, and those of long constants."""
        for name, array in (*self.inputs.items(), *self.program.constants.items()):
            formula, path = self.written(name), self.program.paths.get(name)
            if path is not None and is_numbered(name):
                formula = formula + symbol(" = ") + words(path)
            yield formula, array

    def results(self) -> Iterator[tuple[Formula, Array]]:
        """Yield each gradient's formula, and what the engine gives."""
        value = identifier(self.program.value)
        for name, gradient in self.gradient.items():
            yield derivative(value, self._own(name)), gradient

    def printed(self, value: Array) -> str:
        """Return what is printed of a value."""
        return minus(numbers(value, self.say.table["array"]))

    # --- rendering it

    def __str__(self) -> str:
        return text.write(self)

    __repr__ = __str__

    def markdown(self) -> str:
        """Return the derivation as Markdown, with formulas in LaTeX between dollar signs."""
        return markdown.write(self)

    def latex(self) -> str:
        """Return the derivation as the body of a LaTeX document, which uses amsmath."""
        return latex.write(self)

    def html(self, equations: str = "") -> str:
        """Return the derivation as one HTML page that loads nothing.

        Parameters
        ----------
        equations : str, optional
            The address of a page that derives the equations, in which ``{number}`` stands for the
            number of one, as ``"derivation.html#equation-{number}"``. The page explains those that
            it cites at its end; with an address their numbers there lead on to it.
        """
        return html.write(self, equations)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the derivation to a file, whole or not at all; its name says as what.

        Parameters
        ----------
        path : str or path
            It ends in ``.html`` (or ``.htm``), ``.md``, ``.tex`` (a whole document), ``.txt``, or
            ``.py``, the `script`.

        Raises
        ------
        ValueError
            If it ends in something else.
        OSError
            If the file cannot be written.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "page.html"
        >>> ad.explain(np.square, 3.0).save(path)
        >>> path.read_text(encoding="utf-8").splitlines()[0]
        '<!DOCTYPE html>'
        """
        writer = FILES.get(Path(path).suffix.lower())
        if writer is None:
            *most, last = FILES
            raise ValueError(
                f"save: a derivation is written to {', '.join(most)} or {last}, got {str(path)!r}"
            )
        write_whole(path, writer(self).encode())

    def _repr_html_(self) -> str:
        return html.fragment(self)

    def script(self) -> str:
        """Return a Python file that computes the derivation anew and asserts all its numbers.

        It needs NumPy alone, or SciPy where a special function takes part, and exits non-zero
        unless every printed number comes out again. Another machine's products of matrices may
        round the last bit in another way, which shows where the sixth digit is a tie.
        """
        return script.write(self)


def _text(derivation: Document) -> str:
    return f"{text.write(derivation)}\n"


# What writes a file, by the end of its name.
FILES: Mapping[str, Callable[[Document], str]] = {
    ".html": html.write,
    ".htm": html.write,
    ".md": markdown.write,
    ".tex": latex.document,
    ".txt": _text,
    ".py": script.write,
}


def _tolerance(dtype: np.dtype[Any]) -> float:
    if dtype.kind != "f":
        return TOLERANCE
    return TOLERANCE * float(np.finfo(dtype).eps) / float(np.finfo(np.float64).eps)


def _difference(x: Array, y: Array, magnitude: Array) -> float:
    """Return the largest difference in units of the magnitudes; infinite if shapes differ."""
    if x.shape != y.shape:
        return float("inf")
    if x.dtype.kind != "f" or not x.size:
        return 0.0 if np.array_equal(x, y) else float("inf")
    with np.errstate(all="ignore"):
        same = (x == y) | (np.isnan(x) & np.isnan(y))
        scale = np.broadcast_to(magnitude, x.shape)
        parts = np.where(same, 0, np.abs(x - y) / np.where(scale > 0, scale, np.finfo(float).tiny))
    return float(np.max(parts)) if np.isfinite(parts).all() else float("inf")
