"""Findings are the mistakes of a call, in the order of the backward pass, each told once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .causes import Calls, Cause, causes_of
from .compared_call import ComparedCall
from .comparison import agree, worst_entry
from .crashes import explain_crash
from .report import Finding, WrongGradient
from .steps import Steps
from .symptoms import Symptom, misshapen, showing, symptom

_SHAPES = ("shape", "broadcast", "missing_sum", "transpose")


def first_wrong(calls: Sequence[ComparedCall]) -> ComparedCall | None:
    """Return the first call with something wrong, an error above all; None if all are right."""
    for call in calls:
        if call.attempt.error:
            return call
    return next((call for call in calls if _is_wrong(call)), None)


def _is_wrong(call: ComparedCall) -> bool:
    return bool(call.attempt.superfluous or call.ignoring or call.wrong or _symptoms(call))


def findings_of(
    call: ComparedCall, calls: Sequence[ComparedCall], steps: Steps
) -> tuple[Finding, ...]:
    """Return the mistakes of a call, each with the gradients that are wrong by it."""
    if call.attempt.error:
        return (explain_crash(call, steps),)
    same = [each for each in calls if set(each.expected) == set(call.expected)]
    same.sort(key=lambda each: each is not call)
    found = [(call, cause) for cause in _of_following(same)]
    if call.ignoring:
        found = [*_of_ignoring(call, same), *found]
    found.sort(key=lambda pair: call.backward_order(pair[1].gradients[0]))
    findings = [_finding(beside, cause, steps) for beside, cause in found]
    return (*findings, *map(_superfluous, call.attempt.superfluous))


def _of_following(calls: Calls) -> list[Cause]:
    """Return what is wrong with the gradients that follow the incoming one."""
    following = [name for name in calls[0].expected if name not in calls[0].ignoring]
    return _causes([each.only(following) for each in calls])


def _of_ignoring(call: ComparedCall, calls: Calls) -> list[tuple[ComparedCall, Cause]]:
    """Return that gradients ignore the incoming one, and what is wrong with them besides."""
    beside = [each.without_g for each in calls if each.without_g is not None]
    others = _causes([each.only(call.ignoring) for each in beside])
    names = tuple(sorted(call.ignoring, key=call.backward_order))
    detail = "it is the same whatever the gradient of the output is"
    if not others:
        detail += ", and right where that is 1"
    ignored = Cause("incoming_ignored", detail, names[0], names)
    return [(call, ignored), *((beside[0], cause) for cause in others)]


def _causes(calls: Calls) -> list[Cause]:
    """Return what is wrong with the numbers, and then with what can be seen without any."""
    call = calls[0]
    seen = _symptoms(call)
    found, calls = causes_of(calls, [name for name in call.wrong if name not in seen])
    groups: dict[tuple[str, ...], Cause] = {}
    for name in sorted(seen, key=call.backward_order):
        # A shape is judged beside what the mistakes that were found already give.
        shown = symptom(calls[0], name) or seen[name]
        if shown.mistake == "dtype" and (one := _of_same_numbers(calls[0], name, found)):
            found[found.index(one)] = one._replace(gradients=(*one.gradients, name))
            continue
        term = calls[0].first_spoiled([name], showing(calls[0], shown))
        shown, others = _mended(calls, name, shown)
        key = _key(shown, term)
        known = groups.get(key, Cause(*shown, term, ()))
        groups[key] = known._replace(gradients=(*known.gradients, name))
        found = [*found, *others]
    return [*groups.values(), *found]


def _of_same_numbers(call: ComparedCall, name: str, causes: list[Cause]) -> Cause | None:
    """Return the loss of digits on the way that a gradient of another dtype is right for."""
    lost = [cause for cause in causes if cause.mistake == "dtype"]
    given = call.got[name].astype(np.float64)
    return lost[0] if lost and agree(given, call.expected[name], call.tolerance) else None


def _key(shown: Symptom, term: str) -> tuple[str, ...]:
    """Return what symptoms of one cause have in common.

    NaN and lost digits spread from term to term, while two gradients that are forgotten or
    misshapen are two mistakes.
    """
    if shown.mistake == "non_finite":
        return (shown.mistake,)
    return (*shown,) if shown.mistake == "dtype" else (*shown, term)


def _mended(calls: Calls, name: str, shown: Symptom) -> tuple[Symptom, list[Cause]]:
    """Return what is wrong with the shape of a gradient, and with its numbers besides."""
    if shown.detail or shown.mistake not in _SHAPES:
        return shown, []
    for number, (each, _) in enumerate(misshapen(calls[0], name)):
        mended = [_with_mended(call, name, number) for call in calls]
        causes, _ = causes_of(mended, [name])
        if all(cause.mistake != "unknown" for cause in causes):
            return Symptom(each.mistake, ""), causes
    return shown, []


def _with_mended(call: ComparedCall, name: str, number: int) -> ComparedCall:
    found = list(misshapen(call, name))[number:]
    return call.giving(name, found[0][1]).only([name]) if found else call


def _symptoms(call: ComparedCall) -> dict[str, Symptom]:
    found = {name: symptom(call, name) for name in call.expected}
    return {name: each for name, each in found.items() if each is not None}


def _superfluous(name: str) -> Finding:
    return Finding("superfluous_gradient", name, name, "the forward pass has no such argument")


def _finding(call: ComparedCall, cause: Cause, steps: Steps) -> Finding:
    first, *others = (_wrong_gradient(call, name) for name in cause.gradients)
    return Finding(
        cause.mistake,
        first.gradient,
        cause.term,
        cause.detail,
        first.entry,
        first.expected,
        first.got,
        first.expected_shape,
        first.got_shape,
        steps.of(cause.term, first.gradient),
        tuple(others),
    )


def _wrong_gradient(call: ComparedCall, name: str) -> WrongGradient:
    expected, got = call.expected[name], call.got.get(name)
    if got is None:
        return WrongGradient(name, expected_shape=expected.shape)
    found = WrongGradient(name, (), None, None, expected.shape, got.shape)
    if got.shape != expected.shape or not got.size:
        return found
    entry = worst_entry(got, expected)
    return found._replace(entry=entry, expected=float(expected[entry]), got=float(got[entry]))
