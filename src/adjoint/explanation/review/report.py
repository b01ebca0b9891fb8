"""A backward review is what was found: right, or the first wrong term with the mistake's name."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

from ...notebook.verbatim import wrapped
from ..derivation.derivation import Derivation
from ..derivation.step import Step
from . import html
from .mistakes import MISTAKES
from .steps import line

# The version of the JSON text: it is raised when a field changes its meaning or goes away, and not
# when one is added.
SCHEMA = 1


@dataclass(frozen=True, repr=False)
class Finding:
    """One wrong gradient, and what explains it.

    Attributes
    ----------
    mistake : str
        A key of `MISTAKES`.
    gradient : str
        The argument or parameter whose gradient is wrong.
    term : str
        The value whose cotangent is the first wrong term; the gradient's own name where the term
        spoils no other.
    detail : str
        What exactly is wrong with the term.
    entry : tuple of int
        Where the gradient is furthest off; empty for a scalar, or where the shapes differ.
    expected, got : float or None
        The gradient there; None where there is no such number.
    expected_shape, got_shape : tuple of int or None
    step : Step or None
        The step of the derivation that computes the term, with its rule and equation; None where
        the forward pass cannot be traced.
    """

    mistake: str
    gradient: str
    term: str
    detail: str = ""
    entry: tuple[int, ...] = ()
    expected: float | None = None
    got: float | None = None
    expected_shape: tuple[int, ...] | None = None
    got_shape: tuple[int, ...] | None = None
    step: Step | None = None

    def at(self, entry: tuple[int, ...], expected: float, got: float) -> Finding:
        """Return the finding with the entry that is furthest off."""
        return dataclasses.replace(self, entry=entry, expected=expected, got=got)

    def __str__(self) -> str:
        mistake = MISTAKES[self.mistake]
        lines = [f"d_{self.gradient}: {mistake.title}  [{self.mistake}]"]
        spoiled = f"in d_{self.term}: " if self.term != self.gradient else ""
        lines += [f"  {spoiled}{self.detail}"] if self.detail else []
        lines += self._numbers()
        if self.step is not None:
            lines += [f"  step {self.step.number} of the derivation, {self.step.rule}:"]
            lines += [f"    {line(self.step)}"]
        return "\n".join([*lines, f"  advice: {mistake.advice}"])

    def __repr__(self) -> str:
        return wrapped(str(self))

    def _numbers(self) -> list[str]:
        if self.got_shape is not None and self.got_shape != self.expected_shape:
            return [f"  expected shape {self.expected_shape}, got {self.got_shape}"]
        if self.got is None or self.expected is None:
            return []
        where = f" at [{', '.join(map(str, self.entry))}]" if self.entry else ""
        return [f"  expected {self.expected:.6g}{where}, got {self.got:.6g}"]

    def to_dict(self) -> dict[str, Any]:
        """Return what the JSON text has of it."""
        mistake = MISTAKES[self.mistake]
        return {
            "mistake": self.mistake,
            "title": mistake.title,
            "advice": mistake.advice,
            "gradient": self.gradient,
            "term": self.term,
            "detail": self.detail,
            "entry": list(self.entry),
            "expected": _number(self.expected),
            "got": _number(self.got),
            "expected_shape": _list(self.expected_shape),
            "got_shape": _list(self.got_shape),
            "step": None if self.step is None else _of_step(self.step),
        }


@dataclass(frozen=True, repr=False)
class BackwardReview:
    """The result of `check_backward`; true if the backward pass is right.

    Attributes
    ----------
    subject : str
        The name of what was reviewed.
    findings : tuple of Finding
        In the order of the backward pass: the first is the one to mend first.
    checked : tuple of str
        The names of the gradients that were compared.
    calls : int
        How many calls were compared.
    method : str
        Where the right gradients came from: ``"derivation"`` or ``"differences"``.
    derivation : Derivation or None
        How the right gradients of the wrong call come about, as `explain` shows it; what is derived
        is the gradient of ⟨g, output⟩.

    Examples
    --------
    >>> review = ad.check_backward(np.sin, lambda g, x: g * np.sin(x), np.array([0.5, 1.0]))
    >>> isinstance(review, ad.BackwardReview), bool(review), len(review.findings)
    (True, False, 1)
    """

    subject: str
    findings: tuple[Finding, ...]
    checked: tuple[str, ...]
    calls: int
    method: str
    derivation: Derivation | None = field(default=None, repr=False, compare=False)

    def __bool__(self) -> bool:
        return not self.findings

    @property
    def mistake(self) -> str | None:
        """The name of the first mistake, or None."""
        return self.findings[0].mistake if self.findings else None

    def __str__(self) -> str:
        names = ", ".join(f"d_{name}" for name in self.checked)
        if not self.findings:
            return f"{self.subject}: right ({names}; {self.calls} calls, by {self.method})"
        count = len(self.findings)
        head = f"{self.subject}: wrong in {count} of {max(len(self.checked), count)} gradients"
        return "\n".join([head, *self._told()])

    def __repr__(self) -> str:
        return wrapped(str(self))

    def _repr_html_(self) -> str:
        return html.write(self)

    def _told(self) -> list[str]:
        """Return the text of each finding, in one line where it follows from one before."""
        told: list[str] = []
        causes: dict[tuple[str, str, str], str] = {}
        for found in self.findings:
            cause = found.mistake, found.term, found.detail
            known = causes.get(cause) if found.term != found.gradient else None
            told.append(f"d_{found.gradient}: wrong as d_{known} is" if known else str(found))
            causes.setdefault(cause, found.gradient)
        return told

    def to_json(self) -> str:
        """Return the review as JSON text, of the schema in docs/how-to/review.md."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False, ensure_ascii=False)

    def to_dict(self) -> dict[str, Any]:
        """Return what `to_json` writes."""
        return {
            "schema": SCHEMA,
            "subject": self.subject,
            "right": bool(self),
            "method": self.method,
            "calls": self.calls,
            "checked": list(self.checked),
            "findings": [found.to_dict() for found in self.findings],
        }


def _of_step(step: Step) -> dict[str, Any]:
    equation = step.rule.equation
    return {
        "number": step.number,
        "line": line(step),
        "formula": step.formula.text,
        "rule": step.rule.subject,
        "equation": None if equation is None else equation.number,
    }


def _list(shape: tuple[int, ...] | None) -> list[int] | None:
    return None if shape is None else list(shape)


def _number(number: float | None) -> float | str | None:
    """Return a number as JSON has it: NaN and infinity are texts."""
    if number is None or abs(number) < float("inf"):
        return number
    return str(number)
