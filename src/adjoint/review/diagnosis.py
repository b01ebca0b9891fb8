"""A diagnosis tests hypotheses against all calls and keeps the simplest that explains them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..ops.structural import sum_to
from .attributes import gradient_names, is_bias_name
from .comparison import agree, worst_entry
from .derivation import line_for
from .hypotheses import Hypothesis, of_operands, of_results, of_terms
from .mistakes import RANK
from .products import REPAIRS, Product, mended
from .record import Alteration
from .report import Finding
from .scene import Scene
from .segments import of_segments
from .subject import Subject

Array = np.ndarray[Any, Any]


def diagnose(subject: Subject, scenes: Sequence[Scene], source: str) -> tuple[Finding, ...]:
    """Return the wrong gradients in the order of the backward pass, each with its mistake."""
    scene = next((s for s in scenes if s.attempt.error), None)
    if scene is not None:
        return (_of_crash(subject, scene, source),)
    scene = next((s for s in scenes if _visible(s) or s.wrong), None)
    if scene is None:
        return ()
    same = [s for s in scenes if set(s.expected) == set(scene.expected)]
    seen = _visible(scene)
    rest = [name for name in scene.wrong if name not in {found.gradient for found in seen}]
    explained = _explain(scene, same, rest) if rest else {}
    findings = [*seen, *(_finding(scene, same, name, *explained[name], source) for name in rest)]
    if explained:
        seen_names = {found.gradient for found in seen}
        findings = _with_lines(findings, seen_names, source)
    else:
        findings = _with_lines(findings, set(scene.expected), source)
    return tuple(sorted(findings, key=lambda found: _order(scene, found.gradient)))


def _order(scene: Scene, name: str) -> tuple[int, int]:
    """Return a key that puts first what the backward pass computes first."""
    position = list(scene.expected).index(name) if name in scene.expected else 0
    if scene.record is None:
        return (0, position)
    names = list(scene.arrays)
    node = scene.record.inputs[names.index(name)]
    latest = max((use.order for use, _ in scene.record.uses.get(node, [])), default=0)
    return (-latest, position)


def _with_lines(findings: Iterable[Finding], names: set[str], source: str) -> list[Finding]:
    return [_replaced(found, source) if found.gradient in names else found for found in findings]


def _replaced(found: Finding, source: str) -> Finding:
    line, rule = line_for(source, found.gradient)
    return Finding(**{**found.__dict__, "line": line, "rule": rule})


# --- what shows without a hypothesis


def _visible(scene: Scene) -> list[Finding]:
    """Return the gradients that are missing, not finite, of a wrong shape or a narrow dtype."""
    found = []
    for name, expected in scene.expected.items():
        got = scene.got.get(name)
        mistake, detail = _seen(scene, name, expected, got)
        if mistake:
            found.append(_compared(mistake, name, name, detail, expected, got))
    return found


def _seen(scene: Scene, name: str, expected: Array, got: Array | None) -> tuple[str, str]:
    if got is None:
        given = scene.attempt.gradients.get(name)
        kind = "not there" if given is None else f"{type(given).__name__}, not an array of numbers"
        used = np.any(expected)
        mistake = "bias" if is_bias_name(name) else "missing_gradient"
        return (mistake, f"it is {kind}") if used else ("", "")
    if not np.all(np.isfinite(got)) and np.all(np.isfinite(expected)):
        return "non_finite", f"{int(np.sum(~np.isfinite(got)))} of {got.size} entries"
    if got.shape != expected.shape:
        return _of_shape(scene, name, expected, got)
    mistake, detail = _of_dtype(scene, name, expected, got)
    spread = got.size > 1 and bool(np.all(np.ptp(got) <= 1e-9 * np.max(np.abs(got))))
    total = np.ravel(got)[:1].reshape(())
    if not mistake and spread and np.any(got) and not scene.matches(name, expected):
        if _over_another_axis(scene, name, total):
            return "axis", "it is the sum over all axes, the same for every entry"
    return mistake, detail


def _of_shape(scene: Scene, name: str, expected: Array, got: Array) -> tuple[str, str]:
    tolerance = scene.tolerance
    summed = _summed(got, expected.shape)
    if got.ndim == 0 and not np.any(got) and np.any(expected):
        return "bias" if is_bias_name(name) else "missing_gradient", "it is zero"
    if agree(got.T, expected, tolerance):
        return "transpose", "it is transposed"
    if got.size == expected.size and agree(got.reshape(expected.shape), expected, tolerance):
        return "shape", "the numbers are right"
    if summed is not None and agree(summed, expected, tolerance):
        leading = got.ndim > 0 and got.shape[0] == scene.batch
        only = got.shape[1:] in (expected.shape, expected.shape[1:])
        mistake = "missing_sum" if leading and only else "broadcast"
        return mistake, f"summed to shape {expected.shape} it is right"
    if _over_another_axis(scene, name, got):
        return "axis", "the same terms are summed over another axis"
    return "shape", ""


def _summed(got: Array, shape: tuple[int, ...]) -> Array | None:
    try:
        return np.asarray(sum_to(got, shape=shape)) if got.ndim >= len(shape) else None
    except (ValueError, TypeError, IndexError):
        return None


def _over_another_axis(scene: Scene, name: str, got: Array) -> bool:
    """Return whether the terms of the gradient, summed over other axes, give what was got."""
    if scene.record is None:
        return False
    node = scene.record.inputs[list(scene.arrays).index(name)]
    for use, place in scene.record.uses.get(node, []):
        for part in _parts(scene, use, place):
            axes = [None, *range(part.ndim)]
            for axis in axes:
                for sum_ in (np.sum(part, axis=axis), np.mean(part, axis=axis)):
                    flat = np.squeeze(sum_)
                    if agree(np.squeeze(got), flat, scene.tolerance):
                        return True
    return False


def _parts(scene: Scene, use: Any, place: int) -> Iterator[Array]:
    """Yield what a rule gives for an argument before broadcasting is undone."""
    assert scene.record is not None
    seen: list[Array] = []

    def keep(part: Array) -> Array:
        seen.append(part)
        return part

    scene.record.pull(scene.g, Alteration(parts={(use, place): keep}))
    yield from seen


def _of_dtype(scene: Scene, name: str, expected: Array, got: Array) -> tuple[str, str]:
    wide = scene.arrays[name].dtype
    if got.dtype.kind != "f":
        exact = agree(got.astype(np.float64), expected, scene.tolerance)
        return ("", "") if exact else ("dtype", f"dtype {got.dtype} holds no fractions")
    if got.dtype.itemsize < wide.itemsize and agree(got.astype(np.float64), expected, 5e-2):
        return "dtype", f"dtype {got.dtype} for an argument of {wide}"
    if scene.matches(name, expected):
        return "", ""
    if wide == np.float64 and agree(got, expected, 50 * float(np.finfo(np.float32).eps)):
        return "dtype", "its digits are those of float32"
    whole = np.round(got)
    is_whole = agree(got, whole, 1e-9) and np.any(whole)
    if is_whole and np.all(np.abs(got - expected) <= 1 + scene.tolerance):
        return "dtype", "its fractions are cut off, as in an array of integers"
    return "", ""


# --- hypotheses


def _explain(
    scene: Scene, scenes: Sequence[Scene], wrong: list[str]
) -> dict[str, tuple[Hypothesis | None, bool]]:
    """Return for each wrong gradient what explains it, together with the others if possible."""
    clues = [_Clue(each, scene, wrong) for each in _hypotheses(scene)]
    clues = [clue for clue in clues if clue.names]
    joint = [clue for clue in clues if clue.names == set(wrong) and clue.leaves_the_rest]
    best = _best(joint, scenes, set(wrong), scene, whole=True)
    if best is not None:
        return dict.fromkeys(wrong, (best, len(wrong) > 1))
    found: dict[str, tuple[Hypothesis | None, bool]] = {}
    for name in wrong:
        alone = [clue for clue in clues if name in clue.names]
        found[name] = _best(alone, scenes, {name}, scene, whole=False), False
    return found


def _hypotheses(scene: Scene) -> Iterator[Hypothesis]:
    yield from of_results(scene)
    if scene.record is not None and len(scene.arrays) == len(scene.record.inputs):
        yield from of_terms(scene)
        yield from of_operands(scene)
        yield from of_segments(scene)


@dataclass(frozen=True)
class _Clue:
    """A hypothesis, with the wrong gradients that it explains in one call."""

    hypothesis: Hypothesis
    names: set[str]
    leaves_the_rest: bool

    def __init__(self, hypothesis: Hypothesis, scene: Scene, wrong: list[str]) -> None:
        predicted = hypothesis.predict(scene) or {}
        names = {n for n in wrong if n in predicted and scene.matches(n, predicted[n])}
        rest = all(
            scene.matches(n, predicted[n])
            for n in scene.got
            if names and n in predicted and n not in wrong and n in scene.expected
        )
        object.__setattr__(self, "hypothesis", hypothesis)
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "leaves_the_rest", rest)


def _best(
    clues: list[_Clue], scenes: Sequence[Scene], names: set[str], scene: Scene, *, whole: bool
) -> Hypothesis | None:
    """Return the simplest hypothesis that explains all calls: see docs/review.md for the order."""
    for clue in sorted(clues, key=lambda each: _simplicity(each, scene)):
        if all(_explains(clue.hypothesis, each, names, whole) for each in scenes):
            return clue.hypothesis
    return None


def _simplicity(clue: _Clue, scene: Scene) -> tuple[int, int, int, int]:
    position = clue.hypothesis.position or 0
    node = scene.order[position] if position < len(scene.order) else None
    is_input = node is None or node.primitive is None
    named = is_input or getattr(node, "name", None) is not None
    return RANK[clue.hypothesis.mistake], not clue.leaves_the_rest, not named, position


def _explains(hypothesis: Hypothesis, scene: Scene, names: set[str], whole: bool) -> bool:
    predicted = hypothesis.predict(scene)
    if predicted is None:
        return False
    compared = [n for n in scene.got if n in scene.expected and (whole or n in names)]
    return all(scene.matches(n, predicted[n]) for n in compared if n in predicted)


# --- findings


def _finding(
    scene: Scene, scenes: Sequence[Scene], name: str, hypothesis: Hypothesis | None, shared: bool, source: str
) -> Finding:
    expected, got = scene.expected[name], scene.got[name]
    if hypothesis is None:
        constant = _constant(scenes, name)
        mistake, detail = ("scale", constant) if constant else ("unknown", "")
        return _compared(mistake, name, name, detail, expected, got, line_for(source, name))
    term = _term(scene, hypothesis) if shared or scene.record is not None else name
    line = line_for(source, term)
    line = line if line[0] else line_for(source, name)
    return _compared(hypothesis.mistake, name, term, hypothesis.detail, expected, got, line)


def _term(scene: Scene, hypothesis: Hypothesis) -> str:
    position = hypothesis.position or 0
    names = list(scene.arrays)
    if position < len(names):
        return names[position]
    assert scene.record is not None
    return scene.record.graph.names[scene.order[position]]


def _constant(scenes: Sequence[Scene], name: str) -> str:
    """Return the factor of a gradient that is off by one constant in all calls, in words."""
    factors = []
    for scene in scenes:
        got, expected = scene.got.get(name), scene.expected[name]
        if got is None or got.shape != expected.shape or expected.size < 2 or not np.any(expected):
            return ""
        factors.append(float(np.sum(got * expected) / np.sum(expected * expected)))
        if abs(factors[-1]) < 1e-3 or not agree(got, factors[-1] * expected, scene.tolerance):
            return ""
    is_one = np.ptp(factors) <= 1e-6 * abs(factors[0])
    return f"it is {factors[0]:.6g} times what it should be" if is_one else ""


def _compared(
    mistake: str,
    name: str,
    term: str,
    detail: str,
    expected: Array,
    got: Array | None,
    line: tuple[str, str] = ("", ""),
) -> Finding:
    if got is None or got.shape != expected.shape:
        shape = None if got is None else got.shape
        return Finding(
            mistake,
            name,
            term,
            detail,
            expected_shape=expected.shape,
            got_shape=shape,
            line=line[0],
            rule=line[1],
        )
    entry = worst_entry(got, expected)
    return Finding(
        mistake,
        name,
        term,
        detail,
        entry,
        float(expected[entry]) if expected.size else None,
        float(got[entry]) if got.size else None,
        expected.shape,
        got.shape,
        *line,
    )


# --- errors


def _of_crash(subject: Subject, scene: Scene, source: str) -> Finding:
    """Return the finding for a pass that raised, which a transpose may have prevented."""
    error = scene.attempt.error
    said = f"{type(error).__name__}: {error}"
    detail = f"{said} ({scene.attempt.place})" if scene.attempt.place else said
    for side, repair in REPAIRS.items():
        notes: list[Product] = []

        def wrap(item: Any, repair: Any = repair, notes: list[Product] = notes) -> Any:
            return mended(item, repair, notes)

        found = _tried_again(subject, scene, wrap)
        if notes and found is not None and not found.wrong:
            name, term = _of_product(scene, notes[0].result) or (_named_in(scene),) * 2
            which = "both operands" if side == "both" else f"the {side} operand"
            text = f"{notes[0].text} does not exist; with {which} transposed all is right"
            text = f"{text} ({scene.attempt.place})" if scene.attempt.place else text
            line = line_for(source, term)
            line = line if line[0] else line_for(source, name)
            return Finding("transpose", name, term, text, line=line[0], rule=line[1])
    first = _named_in(scene)
    line = line_for(source, first)
    return Finding("crash", first, first, detail, line=line[0], rule=line[1])


def _tried_again(subject: Subject, scene: Scene, wrap: Callable[[Any], Any]) -> Scene | None:
    return None if scene.retry is None else scene.retry(wrap)


def _of_product(scene: Scene, result: Array) -> tuple[str, str] | None:
    """Return the gradient and the term that a repaired product is, up to a constant factor."""
    for name, expected in scene.expected.items():
        if _is_multiple(result, expected):
            return name, name
    if scene.record is None:
        return None
    names = list(scene.arrays)
    for node, cotangent in scene.cotangents.items():
        if node in scene.record.graph.nodes and _is_multiple(result, cotangent):
            sources = [
                name
                for name in sorted(scene.expected, key=lambda each: _order(scene, each))
                if scene.record.between(scene.record.inputs[names.index(name)], node)
            ]
            if sources:
                return sources[0], scene.record.graph.names[node]
    return None


def _is_multiple(x: Array, y: Array) -> bool:
    if x.shape != y.shape or not np.any(y) or not np.all(np.isfinite(x)):
        return False
    factor = float(np.sum(x * y) / np.sum(y * y))
    return factor != 0 and agree(x / factor, y, 1e-6)


def _named_in(scene: Scene) -> str:
    """Return the gradient that the line which raised is about, or else the first."""
    target = scene.attempt.place.partition(": ")[2].partition("=")[0].strip()
    target = target.removeprefix("self.").rstrip("-+*/ ")
    for name in scene.expected:
        if target and target in gradient_names(name.rpartition(".")[2]):
            return name
    return min(scene.expected, key=lambda name: _order(scene, name), default="")
