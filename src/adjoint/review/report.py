"""A backward review is what was found: right, or the first wrong term with the mistake's name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from .mistakes import MISTAKES

# Of the JSON text: raised when a field changes its meaning or goes away, not when one is added.
VERSION = 1


@dataclass(frozen=True)
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
    line : str
        The line of the correct backward pass that computes the term, as NumPy; empty where the
        forward pass cannot be traced.
    rule : str
        The rule that the line applies, and the number of its equation.
    """

    mistake: str
    gradient: str
    term: str
    detail: str
    entry: tuple[int, ...] = ()
    expected: float | None = None
    got: float | None = None
    expected_shape: tuple[int, ...] | None = None
    got_shape: tuple[int, ...] | None = None
    line: str = ""
    rule: str = ""

    def __str__(self) -> str:
        mistake = MISTAKES[self.mistake]
        lines = [f"d_{self.gradient}: {mistake.title}  [{self.mistake}]"]
        spoiled = f"in d_{self.term}: " if self.term != self.gradient else ""
        lines += [f"  {spoiled}{self.detail}"] if self.detail else []
        lines += self._numbers()
        if self.line:
            lines += [f"  the derivation has, {self.rule}:" if self.rule else "  right:"]
            lines += [f"    {self.line}"]
        return "\n".join([*lines, f"  advice: {mistake.advice}"])

    def _numbers(self) -> list[str]:
        if self.got_shape is not None and self.got_shape != self.expected_shape:
            return [f"  expected shape {self.expected_shape}, got {self.got_shape}"]
        if self.got is None or self.expected is None:
            return []
        where = f" at [{', '.join(map(str, self.entry))}]" if self.entry else ""
        return [f"  expected {self.expected:.6g}{where}, got {self.got:.6g}"]


@dataclass(frozen=True)
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
    """

    subject: str
    findings: tuple[Finding, ...]
    checked: tuple[str, ...]
    calls: int
    method: str

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
        """Return the review as JSON text, of the schema in docs/review.md."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False, ensure_ascii=False)

    def to_dict(self) -> dict[str, Any]:
        """Return what `to_json` writes."""
        return {
            "version": VERSION,
            "subject": self.subject,
            "right": bool(self),
            "method": self.method,
            "calls": self.calls,
            "checked": list(self.checked),
            "findings": [_finding(found) for found in self.findings],
        }


def _finding(found: Finding) -> dict[str, Any]:
    return {
        "mistake": found.mistake,
        "title": MISTAKES[found.mistake].title,
        "advice": MISTAKES[found.mistake].advice,
        "gradient": found.gradient,
        "term": found.term,
        "detail": found.detail,
        "entry": list(found.entry),
        "expected": _number(found.expected),
        "got": _number(found.got),
        "expected_shape": None if found.expected_shape is None else list(found.expected_shape),
        "got_shape": None if found.got_shape is None else list(found.got_shape),
        "line": found.line,
        "rule": found.rule,
    }


def _number(number: float | None) -> float | str | None:
    """Return a number as JSON has it: NaN and infinity are texts."""
    if number is None or abs(number) < float("inf"):
        return number
    return str(number)
