"""The diagnosis of a value that exists already, from a log of its run or its graph alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ...core.annotations import Array
from ...core.node import Node
from ...graphs.tensor import Tensor
from ...graphs.tracing.naming import is_given
from .cuts import EXITS
from .diagnosis import Diagnosis
from .event_log import Cut, EventLog, latest, of_graph
from .examination import Examination, examination_of
from .flow import Flow, FlowPoint
from .gradient import norm
from .names import named_tensors

_LEAVING = EXITS | {"detach"}
_HOW = "run it inside `with ad.diagnose():`, or call ad.why(f, *args), to see where"


def of_value(subject: Tensor | Array | np.generic | float, scope: Mapping[str, Any]) -> Diagnosis:
    """Return the diagnosis of a tensor or an array, ``scope`` being the caller's variables."""
    log = latest()
    known = (name for name, x in scope.items() if x is subject and is_given(name))
    name = next(known, "the value")
    found = None if log is None else _of_recorded(subject, name, log, scope)
    if found is not None:
        return found
    if isinstance(subject, Tensor) and subject.node is not None:
        return _of_leaf(subject.node, scope) if subject.is_leaf else _of_graph(subject, scope)
    for _, x in named_tensors(scope):
        if x.node is not None and x.node.grad is subject:
            return _of_leaf(x.node, scope)
    if not isinstance(subject, Tensor):
        return _of_numbers(subject, name, log)
    return _without_graph(name)


def of_none(scope: Mapping[str, Any]) -> Diagnosis:
    """Return the diagnosis of the leaf whose missing gradient was asked about."""
    log = latest()
    examination = examination_of(EventLog() if log is None else log, scope)
    met = [leaf for leaf in examination.flow.leaves() if leaf.grad is None]
    named = [x for x in examination.names if x.primitive is None and x.grad is None]
    missing: dict[Node, Any] = dict.fromkeys([*named, *met])
    if log is not None and missing:
        return examination.worst(missing)
    if len(named) == 1:
        return _of_leaf(named[0], scope)
    words = "None does not tell whose gradient it is: ask ad.why(x) about the tensor x itself"
    return Diagnosis("None", "none", "unknown", None, words)


def _of_numbers(subject: Array | np.generic | float, name: str, log: EventLog | None) -> Diagnosis:
    """Report on plain numbers, which may have left a graph at a line that was seen."""
    what = "Python number" if isinstance(subject, float) else "plain array"
    words = f"a {what} remembers no graph: ask about the tensor or the function it is from"
    left = [e.line for e in log.events if isinstance(e, Cut) and e.how in _LEAVING] if log else []
    known = [line for line in left if line is not None]
    if known:
        words += f"; in the last block of ad.diagnose() numbers left a graph at {known[-1]}"
    return Diagnosis(name, "none", "no_graph", None, words)


# --- with a log


def _of_recorded(
    subject: Tensor | Array | np.generic | float, name: str, log: EventLog, scope: Mapping[str, Any]
) -> Diagnosis | None:
    """Return what a log tells of a value; None if it is not in it."""
    examination = examination_of(log, {**scope, name: subject})
    leaf = _leaf_of(subject, examination)
    if leaf is not None:
        examination = examination._replace(names={leaf: name, **examination.names})
        return examination.examine(leaf, examination.gradient_of(leaf))
    node = subject.node if isinstance(subject, Tensor) else None
    if node is None and (frozen := _frozen(subject, name, examination.flow)) is not None:
        return frozen
    place = examination.flow.place_of(subject)
    if place in examination.flow.forward or place in examination.flow.backward:
        return _of_computed(place, name, examination)
    return None


def _leaf_of(subject: Tensor | Array | np.generic | float, examination: Examination) -> Node | None:
    """Return the leaf that a tensor is, that it is the gradient of, or that an array became."""
    if isinstance(subject, Tensor) and subject.node is not None:
        known = subject.is_leaf and examination.flow.places
        return subject.node if known else None
    array = subject.data if isinstance(subject, Tensor) else subject
    for sweep in reversed(examination.log.sweeps):
        for node, g in sweep.cotangents.items():
            if node.primitive is None and (
                node.grad is subject or g is array or g is getattr(array, "base", None)
            ):
                return node
    for cut in reversed(examination.flow.cuts):
        if cut.how == "gradient" and any(
            numbers is array or numbers is getattr(array, "base", None)
            for _, numbers in cut.results
        ):
            return cut.sources[0][0]
    found = examination.flow.maker(array)
    if isinstance(found, Cut) and found.how == "detach" and not isinstance(subject, Tensor):
        # A detached tensor has the array of the leaf, which may have been an argument.
        found = next((node for node, numbers in found.sources if numbers is array), None)
    return found if isinstance(found, Node) and found.primitive is None else None


def _frozen(
    subject: Tensor | Array | np.generic | float, name: str, flow: Flow
) -> Diagnosis | None:
    """Report a parameter that was excluded from training."""
    for cut in reversed(flow.cuts):
        if cut.how == "frozen" and cut.subject is subject:
            words = "requires_grad_(False) was called here: nothing on it is recorded since"
            return Diagnosis(name, "none", "frozen", cut.line, words)
    return None


def _of_computed(place: FlowPoint | None, name: str, examination: Examination) -> Diagnosis:
    """Report on a value that is no leaf: what was differentiated, or something on the way."""
    assert place is not None
    swept = [sweep for sweep in examination.log.sweeps if place in sweep.cotangents]
    if isinstance(place, Node) and swept and place is not swept[-1].start:
        return _interior(place, name, swept[-1].cotangents[place], examination)
    examination = examination._replace(target=place)
    sources = examination.flow.before(place)
    found = [leaf for leaf in examination.flow.leaves() if leaf in sources]
    if not found:
        return _without_graph(name)
    if isinstance(place, Node) and not swept and examination.is_recorded(place):
        gradients = examination.differentiate({place: np.ones_like(place.output)}, found)
    else:
        gradients = {leaf: examination.gradient_of(leaf) for leaf in found}
    return examination.worst(gradients)


def _interior(node: Node, name: str, g: Array, examination: Examination) -> Diagnosis:
    size = norm(g)
    words = (
        "it was computed here, and .grad is kept on leaves only; the last backward pass brought "
        f"it a gradient of norm {size:.4g}"
    )
    where = examination.flow.lines.get(node)
    return Diagnosis(name, "none", "not_a_leaf", where, words, {"norm": size})


# --- without


def _of_graph(subject: Tensor, scope: Mapping[str, Any]) -> Diagnosis:
    """Differentiate a value on purpose, and report what its graph shows."""
    node = subject.node
    assert node is not None
    examination = examination_of(of_graph([node]), scope)._replace(target=node)
    seeds = {node: np.ones(subject.shape, subject.dtype)}
    found = examination.differentiate(seeds, list(examination.flow.leaves()))
    return _with_advice(examination.worst(found))


def _of_leaf(node: Node, scope: Mapping[str, Any]) -> Diagnosis:
    """Report what a leaf shows by itself; it does not know the operations that used it."""
    examination = examination_of(EventLog(), scope)
    if node.grad is not None:
        return examination.examine(node, np.asarray(node.grad.data))
    words = "no backward pass has reached it: none was run, or nothing leads from it to the loss"
    return Diagnosis(examination.name(node), "none", "unknown", None, words)


def _with_advice(diagnosis: Diagnosis) -> Diagnosis:
    if diagnosis.cause == "fine":
        return diagnosis
    return replace(diagnosis, explanation=f"{diagnosis.explanation}; {_HOW}")


def _without_graph(name: str) -> Diagnosis:
    words = "it requires no gradient: it was made as a constant, or its graph was cut on the way"
    return Diagnosis(name, "none", "no_graph", None, f"{words}; if it was computed, {_HOW}")
