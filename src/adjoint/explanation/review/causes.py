"""A cause is one mistake with all the gradients that are wrong by it.

The simplest mistake that explains most of what is wrong, in all calls, is believed first. What is
wrong besides is then looked for as if that mistake were made on purpose, so that a second mistake
is told however much of the gradient the first one spoils.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .compared_call import ComparedCall
from .comparison import agree
from .hypotheses import Hypothesis, hypotheses
from .mistakes import RANK
from .traced_run import CORRECT
from .unexplained import constant_factor, factor_of, first_wrong_value

Calls = Sequence[ComparedCall]


class Cause(NamedTuple):
    """A mistake, what exactly is wrong, the first wrong term, and the gradients it spoils."""

    mistake: str
    detail: str
    term: str
    gradients: tuple[str, ...]


class _Clue(NamedTuple):
    """A hypothesis, with the wrong gradients that it explains in one call."""

    hypothesis: Hypothesis
    names: tuple[str, ...]
    leaves_the_rest: bool


def causes_of(calls: Calls, wrong: Sequence[str]) -> tuple[list[Cause], Calls]:
    """Return what explains the wrong gradients of the first call, and what all calls show.

    The calls that are returned suppose the mistakes that were found.
    """
    found: list[Cause] = []
    wrong = sorted(wrong, key=calls[0].backward_order)
    while wrong:
        step = _explained(calls, wrong) or _spoiled_by_one(calls, wrong)
        if step is None:
            return [*found, *_each_alone(calls, wrong)], calls
        cause, calls = step
        found.append(cause)
        wrong = [name for name in wrong if name in calls[0].wrong]
    return found, calls


def _explained(calls: Calls, wrong: Sequence[str]) -> tuple[Cause, Calls] | None:
    """Return the likeliest mistake, and the calls that suppose it."""
    clue = _best(calls, wrong) or _best_up_to_a_factor(calls, wrong)
    if clue is None:
        return None
    each = clue.hypothesis
    term = calls[0].first_spoiled(clue.names, each.spoiled(calls[0]))
    cause = Cause(each.mistake, each.detail, term, clue.names)
    return cause, [_supposing(call, clue) for call in calls]


def _supposing(call: ComparedCall, clue: _Clue) -> ComparedCall:
    """Return a call beside what the hypothesis gives, for as much as it explains."""
    each = clue.hypothesis
    predicted = each.predict(call) or {}
    if not clue.leaves_the_rest:
        return call.supposing({name: predicted[name] for name in clue.names}, CORRECT)
    alteration = None if each.alter is None else each.alter(call)
    return call.supposing(predicted, alteration or CORRECT)


# --- choosing a hypothesis


def _best(calls: Calls, wrong: Sequence[str]) -> _Clue | None:
    """Return the simplest of the hypotheses that explain most of what is wrong in all calls."""
    call = calls[0]
    right = [name for name in call.got if name in call.expected and name not in call.wrong]
    clues = [clue for each in hypotheses(call) if (clue := _clue(each, call, wrong, right)).names]
    for clue in sorted(clues, key=lambda clue: _order(clue, call)):
        compared = [*clue.names, *(right if clue.leaves_the_rest else ())]
        if all(_explains(clue.hypothesis, each, compared) for each in calls):
            return clue
    return None


def _clue(
    hypothesis: Hypothesis, call: ComparedCall, wrong: Sequence[str], right: Sequence[str]
) -> _Clue:
    predicted = hypothesis.predict(call) or {}
    names = tuple(n for n in wrong if n in predicted and call.matches(n, predicted[n]))
    leaves = all(call.matches(n, predicted[n]) for n in right if n in predicted)
    return _Clue(hypothesis, names, leaves)


def _order(clue: _Clue, call: ComparedCall) -> tuple[int, ...]:
    """Return a key that sorts the likelier hypotheses first.

    First come those that explain most: one mistake is likelier than several at once. Of equal ones
    the kind of mistake decides. Then those come first that leave the right gradients right, that
    the user's variables do not contradict, and that concern a value with a name.
    """
    position = clue.hypothesis.position
    named = position >= len(call.order) or call.is_named(position)
    return (
        # What spoils a right gradient too was made on the way to one gradient alone.
        -(len(clue.names) if clue.leaves_the_rest else 1),
        RANK[clue.hypothesis.mistake],
        not clue.leaves_the_rest,
        clue.hypothesis.contradictions(call),
        not named,
        position,
    )


def _best_up_to_a_factor(calls: Calls, wrong: Sequence[str]) -> _Clue | None:
    """Return the simplest hypothesis that would explain a gradient but for a constant factor."""
    name = wrong[0]
    if constant_factor(calls, name):
        return None
    for each in sorted(hypotheses(calls[0]), key=lambda each: RANK[each.mistake]):
        predicted = [(each.predict(call) or {}).get(name) for call in calls]
        factors = [
            None
            if array is None or agree(array, call.expected[name], call.tolerance)
            else factor_of(call, name, array)
            for call, array in zip(calls, predicted, strict=True)
        ]
        known = [factor for factor in factors if factor is not None]
        if len(known) == len(calls) and np.ptp(known) <= 1e-6 * abs(known[0]):
            return _Clue(each, (name,), leaves_the_rest=False)
    return None


def _explains(hypothesis: Hypothesis, call: ComparedCall, names: Sequence[str]) -> bool:
    predicted = hypothesis.predict(call)
    if predicted is None:
        return False
    compared = [name for name in names if name in call.got and name in predicted]
    return all(call.matches(name, predicted[name]) for name in compared)


# --- what no hypothesis explains


def _spoiled_by_one(calls: Calls, wrong: Sequence[str]) -> tuple[Cause, Calls] | None:
    """Return the term that several gradients are wrong by, whatever is wrong with it."""
    several = [name for name in wrong if not constant_factor(calls, name)]
    found = first_wrong_value(calls, several) if len(several) > 1 else None
    if found is None:
        return None
    call, node = calls[0], calls[0].order[found.position]
    is_named = call.is_named(found.position)
    term = call.term(node) if is_named else found.names[0]
    detail = "" if is_named else f"all follow from the gradient of {call.text(found.position)}"
    supposed = zip(calls, found.alterations, strict=True)
    return Cause("unknown", detail, term, found.names), [
        each.supposing(each.predict(alteration), alteration) for each, alteration in supposed
    ]


def _each_alone(calls: Calls, wrong: Sequence[str]) -> list[Cause]:
    """Return for each gradient a constant factor, or the first of the user's terms that differs.

    Gradients of which nothing is known are told together.
    """
    groups: dict[tuple[str, str, str], list[str]] = {}
    for name in wrong:
        factor = constant_factor(calls, name)
        term = calls[0].first_spoiled([name], calls[0].differing)
        unknown = ("unknown", "", "" if term == name else term)
        key = ("scale", factor, term) if factor else unknown
        groups.setdefault(key, []).append(name)
    return [Cause(*key[:2], key[2] or names[0], tuple(names)) for key, names in groups.items()]
