"""Findings are what hypotheses explain: the simplest one that fits all calls is believed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .compared_call import ComparedCall
from .comparison import agree, worst_entry
from .crashes import explain_crash
from .hypotheses import Hypothesis, hypotheses
from .mistakes import RANK
from .report import Finding
from .steps import Steps
from .symptoms import Symptom, showing, symptom


def first_wrong(calls: Sequence[ComparedCall]) -> ComparedCall | None:
    """Return the first call with something wrong, an error above all; None if all are right."""
    for call in calls:
        if call.attempt.error:
            return call
    return next((s for s in calls if s.attempt.superfluous or s.wrong or _symptoms(s)), None)


def findings_of(
    call: ComparedCall, calls: Sequence[ComparedCall], steps: Steps
) -> tuple[Finding, ...]:
    """Return the wrong gradients of a call in the order of the backward pass, each explained."""
    if call.attempt.error:
        return (explain_crash(call, steps),)
    same = [s for s in calls if set(s.expected) == set(call.expected)]
    seen = _symptoms(call)
    rest = [name for name in call.wrong if name not in seen]
    explained = _explain(call, same, rest) if rest else {}
    findings = [
        _finding(call, name, call.first_spoiled(name, showing(call, each)), *each, steps)
        for name, each in seen.items()
    ]
    for name in rest:
        hypothesis = explained[name]
        spoiled = call.differing if hypothesis is None else hypothesis.spoiled(call)
        term = call.first_spoiled(name, spoiled)
        findings.append(_finding(call, name, term, *_named(hypothesis, same, name), steps))
    findings.sort(key=lambda found: call.backward_order(found.gradient))
    return (*findings, *map(_superfluous, call.attempt.superfluous))


def _symptoms(call: ComparedCall) -> dict[str, Symptom]:
    found = {name: symptom(call, name) for name in call.expected}
    return {name: each for name, each in found.items() if each is not None}


def _superfluous(name: str) -> Finding:
    return Finding("superfluous_gradient", name, name, "the forward pass has no such argument")


# --- choosing a hypothesis


class _Clue(NamedTuple):
    """A hypothesis, with the wrong gradients that it explains in one call."""

    hypothesis: Hypothesis
    names: set[str]
    leaves_the_rest: bool


def _explain(
    call: ComparedCall, calls: Sequence[ComparedCall], wrong: list[str]
) -> dict[str, Hypothesis | None]:
    """Return for each wrong gradient what explains it, together with the others if possible."""
    clues = [clue for each in hypotheses(call) if (clue := _clue(each, call, wrong)).names]
    # One mistake that explains all that is wrong is likelier than several at once.
    joint = [clue for clue in clues if clue.names == set(wrong) and clue.leaves_the_rest]
    shared = _best(joint, calls, call, list(call.expected))
    if shared is not None:
        return dict.fromkeys(wrong, shared)
    return {
        name: _best([clue for clue in clues if name in clue.names], calls, call, [name])
        for name in wrong
    }


def _clue(hypothesis: Hypothesis, call: ComparedCall, wrong: list[str]) -> _Clue:
    predicted = hypothesis.predict(call) or {}
    names = {n for n in wrong if n in predicted and call.matches(n, predicted[n])}
    right = [n for n in call.expected if n in call.got and n in predicted and n not in wrong]
    return _Clue(hypothesis, names, all(call.matches(n, predicted[n]) for n in right))


def _best(
    clues: list[_Clue],
    calls: Sequence[ComparedCall],
    call: ComparedCall,
    names: list[str],
) -> Hypothesis | None:
    """Return the simplest hypothesis that explains gradients in all calls."""
    for clue in sorted(clues, key=lambda each: _simplicity(each, call)):
        if all(_explains(clue.hypothesis, each, names) for each in calls):
            return clue.hypothesis
    return None


def _simplicity(clue: _Clue, call: ComparedCall) -> tuple[int, ...]:
    """Return a key that sorts the likelier hypotheses first.

    First by the kind of mistake. Of equal kinds, those come first that leave the right gradients
    right, that the user's variables do not contradict, and that concern a value with a name.
    """
    position = clue.hypothesis.position
    named = position >= len(call.order) or call.is_named(position)
    return (
        RANK[clue.hypothesis.mistake],
        not clue.leaves_the_rest,
        clue.hypothesis.contradictions(call),
        not named,
        position,
    )


def _explains(hypothesis: Hypothesis, call: ComparedCall, names: list[str]) -> bool:
    predicted = hypothesis.predict(call)
    if predicted is None:
        return False
    compared = [name for name in names if name in call.got and name in predicted]
    return all(call.matches(name, predicted[name]) for name in compared)


def _named(
    hypothesis: Hypothesis | None, calls: Sequence[ComparedCall], name: str
) -> tuple[str, str]:
    """Return the mistake and its detail: a constant factor, if nothing else explains it."""
    if hypothesis is not None:
        return hypothesis.mistake, hypothesis.detail
    constant = _constant(calls, name)
    return ("scale", constant) if constant else ("unknown", "")


def _constant(calls: Sequence[ComparedCall], name: str) -> str:
    """Return the factor of a gradient that is off by one constant in all calls, in words."""
    factors = []
    for call in calls:
        got, expected = call.got.get(name), call.expected[name]
        # A single entry is always some multiple of the right one, which would say nothing.
        if got is None or got.shape != expected.shape or expected.size < 2 or not np.any(expected):
            return ""
        # The factor that fits best, by least squares.
        factors.append(float(np.sum(got * expected) / np.sum(expected * expected)))
        # A factor close to 0 says that the gradient is missing, not that it is scaled.
        if abs(factors[-1]) < 1e-3 or not agree(got, factors[-1] * expected, call.tolerance):
            return ""
    is_one = np.ptp(factors) <= 1e-6 * abs(factors[0])
    return f"it is {factors[0]:.6g} times what it should be" if is_one else ""


# --- findings


def _finding(
    call: ComparedCall, name: str, term: str, mistake: str, detail: str, steps: Steps
) -> Finding:
    expected, got = call.expected[name], call.got.get(name)
    finding = Finding(
        mistake,
        name,
        term,
        detail,
        expected_shape=expected.shape,
        got_shape=None if got is None else got.shape,
        step=steps.of(term, name),
    )
    if got is None or got.shape != expected.shape or not got.size:
        return finding
    entry = worst_entry(got, expected)
    return finding.at(entry, float(expected[entry]), float(got[entry]))
