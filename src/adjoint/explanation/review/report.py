"""A backward review is what was found: right, or the first wrong term with the mistake's name."""

from __future__ import annotations

import json
import textwrap
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ...notebook.verbatim import wrapped
from ..derivation.derivation import Derivation
from ..derivation.step import Step
from . import html
from .mistakes import MISTAKES
from .steps import line

# The version of the JSON text: it is raised when a field changes its meaning or goes away, and not
# when one is added.
SCHEMA = 2


class WrongGradient(NamedTuple):
    """A gradient that is wrong, where it is furthest off, and the numbers there.

    Attributes
    ----------
    gradient : str
        The argument or parameter whose gradient is wrong.
    entry : tuple of int
        Empty for a scalar, or where the shapes differ.
    expected, got : float or None
        None where there is no such number.
    expected_shape, got_shape : tuple of int or None
    """

    gradient: str
    entry: tuple[int, ...] = ()
    expected: float | None = None
    got: float | None = None
    expected_shape: tuple[int, ...] | None = None
    got_shape: tuple[int, ...] | None = None

    def __str__(self) -> str:
        if self.got_shape is not None and self.got_shape != self.expected_shape:
            return f"expected shape {self.expected_shape}, got {self.got_shape}"
        if self.got is None or self.expected is None:
            return ""
        where = f" at [{', '.join(map(str, self.entry))}]" if self.entry else ""
        return f"expected {self.expected:.6g}{where}, got {self.got:.6g}"

    def to_dict(self) -> dict[str, Any]:
        """Return what the JSON text has of it."""
        return {
            "gradient": self.gradient,
            "entry": list(self.entry),
            "expected": _number(self.expected),
            "got": _number(self.got),
            "expected_shape": _list(self.expected_shape),
            "got_shape": _list(self.got_shape),
        }


@dataclass(frozen=True, repr=False)
class Finding:
    """One mistake, and the gradients that are wrong by it.

    Attributes
    ----------
    mistake : str
        A key of `MISTAKES`.
    gradient : str
        The argument or parameter whose gradient the backward pass gets wrong first.
    term : str
        The value whose cotangent is the first wrong term; the gradient's own name where the term
        has no name.
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
    consequences : tuple of WrongGradient
        The other gradients that are wrong by the same mistake.
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
    consequences: tuple[WrongGradient, ...] = ()

    @property
    def gradients(self) -> tuple[str, ...]:
        """The names of all gradients that are wrong by the mistake."""
        return (self.gradient, *(each.gradient for each in self.consequences))

    @property
    def _own(self) -> WrongGradient:
        return WrongGradient(
            self.gradient,
            self.entry,
            self.expected,
            self.got,
            self.expected_shape,
            self.got_shape,
        )

    def __str__(self) -> str:
        mistake = MISTAKES[self.mistake]
        lines = [f"d_{self.term}: {mistake.title}  [{self.mistake}]"]
        lines += [f"  {self.detail}"] if self.detail else []
        where = "" if self.term == self.gradient else f"in d_{self.gradient} "
        lines += [f"  {where}{self._own}"] if str(self._own) else []
        if self.step is not None:
            lines += [f"  step {self.step.number} of the derivation, {self.step.rule}:"]
            lines += [f"    {line(self.step)}"]
        return "\n".join([*lines, f"  advice: {mistake.advice}", *self._spoiled()])

    def __repr__(self) -> str:
        return wrapped(str(self))

    def _spoiled(self) -> list[str]:
        """Return a line about the gradients that are wrong as the term is."""
        names = [f"d_{name}" for name in self.gradients if name != self.term]
        if not names:
            return []
        *most, last = names
        all_of_them = f"{', '.join(most)} and {last} are" if most else f"{last} is"
        text = f"{all_of_them} wrong as d_{self.term} is"
        if self.mistake == "unknown" and self.term == self.gradient and not self.detail:
            text = f"{all_of_them} wrong too, and no known mistake explains it either"
        return textwrap.wrap(text, 100, initial_indent="  ", subsequent_indent="  ")

    def to_dict(self) -> dict[str, Any]:
        """Return what the JSON text has of it."""
        mistake = MISTAKES[self.mistake]
        return {
            "mistake": self.mistake,
            "title": mistake.title,
            "advice": mistake.advice,
            "term": self.term,
            "detail": self.detail,
            **self._own.to_dict(),
            "step": None if self.step is None else _of_step(self.step),
            "consequences": [each.to_dict() for each in self.consequences],
        }


@dataclass(frozen=True, repr=False)
class BackwardReview:
    """The result of `check_backward`; true if the backward pass is right.

    Attributes
    ----------
    subject : str
        The name of what was reviewed.
    findings : tuple of Finding
        The mistakes, each once, in the order of the backward pass: the first is the one to mend
        first.
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

    @property
    def wrong(self) -> tuple[str, ...]:
        """The names of all gradients that are wrong, in the order of the findings."""
        return tuple(dict.fromkeys(n for found in self.findings for n in found.gradients))

    def __str__(self) -> str:
        if not self.findings:
            names = ", ".join(f"d_{name}" for name in self.checked)
            return f"{self.subject}: right ({names}; {self.calls} calls, by {self.method})"
        return "\n".join([self._headline(), *map(str, self.findings)])

    def _headline(self) -> str:
        count, mistakes = len(self.wrong), len(self.findings)
        every = max(len(self.checked), count)
        head = f"{self.subject}: wrong in {count} of {every} gradients"
        # How many mistakes are behind what is not explained is not known.
        if count == mistakes == 1 or any(found.mistake == "unknown" for found in self.findings):
            return head
        return f"{head}, by {'one mistake' if mistakes == 1 else f'{mistakes} mistakes'}"

    def __repr__(self) -> str:
        return wrapped(str(self))

    def _repr_html_(self) -> str:
        return html.write(self)

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
            "wrong": list(self.wrong),
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
