"""A derivation is a forward and a backward pass in numbered steps, each checked by computing it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ...core.annotations import Array
from ...errors import GradientMismatchError
from . import html, latex, markdown, script, text
from .cards import Cards
from .entry_paths import EntryPaths
from .evaluator import Evaluator
from .formula import Formula, derivative, identifier, symbol
from .function_at_point import FunctionAtPoint
from .lines import Line, WrittenProgram
from .numbers import agree, numbers
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
    """

    def __init__(self, subject: FunctionAtPoint) -> None:
        self.program = WrittenProgram(subject)
        self.subject = subject
        self.inputs: Mapping[str, Array] = self.program.inputs
        self.evaluator = Evaluator(self.program.functions)
        self.reading = Reading(self._written, self._is_number)
        self.cards = Cards(self.program.terms, self._written)
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

    def _written(self, name: str) -> Formula:
        """Return how a name is written: ``d_W1`` as a derivative by ``W1``."""
        inner = name.removeprefix("d_")
        if inner != name and inner in self.evaluator.scope:
            value = identifier(self.program.value)
            return derivative(value, identifier(inner))
        return identifier(name)

    def _is_number(self, name: str) -> bool:
        """Return whether a name stands for a single number."""
        return np.ndim(self.evaluator.scope.get(name, "")) == 0

    def _step(self, number: int, line: Line) -> Step:
        # The printed text is evaluated, not the tree, so that what is checked is what is shown.
        value = np.asarray(self.evaluator.value(line.source))
        error = self._error(number, line, value)
        self._expanded[line.name] = self.evaluator.magnitude(line.source, self._expanded)
        self.evaluator[line.name] = value
        formula = self._written(line.name) + symbol(" = ") + self._right_side(line)
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
        return f"Derivation of {self.program.title}({', '.join(self.inputs)})"

    def given(self) -> Iterator[tuple[str, Formula, str]]:
        """Yield each input's name, formula and numbers, and those of long constants."""
        for name, array in (*self.inputs.items(), *self.program.constants.items()):
            yield name, identifier(name), numbers(array)

    def results(self) -> Iterator[tuple[Formula, str]]:
        """Yield each gradient's formula, and the engine's numbers."""
        value = identifier(self.program.value)
        for name in self.program.gradient:
            formula = derivative(value, identifier(name))
            yield formula, numbers(self.gradient[name])

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

    def html(self) -> str:
        """Return the derivation as one HTML page that loads nothing."""
        return html.write(self)

    def _repr_html_(self) -> str:
        return html.fragment(self)

    def script(self) -> str:
        """Return a Python file that computes the derivation anew and asserts all its numbers.

        It needs NumPy alone, or SciPy where a special function takes part, and exits non-zero
        unless every printed number comes out again. Another machine's products of matrices may
        round the last bit in another way, which shows where the sixth digit is a tie.
        """
        return script.write(self)


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
