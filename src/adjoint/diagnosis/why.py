"""To ask why is to get the diagnosis of a gradient, from a recorded run or from the graph alone."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..compiler.naming import argument_names
from ..core import Node, Value, as_operand
from ..nn.module import Module
from ..source_line import SourceLine
from ..tensor import Tensor, enable_grad, sweep_back, watched_by
from ..tree import leaves, map_leaves
from .diagnosis import Diagnosis
from .examination import Examination
from .flow import Flow, Place
from .names import named_tensors, tensors_in
from .record import Cut, Record, latest, of_graph

_HOW = "for the line run the program inside `with ad.diagnose():`, or call ad.why(f, *args)"


def why(subject: Any, *args: Any, wrt: Any = None) -> Diagnosis:
    """Return why a gradient is None, zero, NaN, infinite, tiny or huge; or that it is fine.

    Parameters
    ----------
    subject : Tensor, array or callable
        A leaf, as a parameter, or its gradient; a value that was differentiated, which is asked
        about all of its leaves; or a function, which is run again while it is watched. A tensor's
        line is known if it was computed inside `diagnose`; otherwise the graph alone is looked at.
    *args : arrays, tensors, or lists, tuples and dicts of them
        What the function is called with. It returns the value to differentiate, of which all
        entries are added up; or, as a training step does, calls ``backward`` itself.
    wrt : int, sequence of int, Tensor, Module, or list of tensors, optional
        What the gradient belongs to: numbers of arguments, or tensors that the function uses. By
        default all tensors that require a gradient, or else the first argument.

    Returns
    -------
    Diagnosis
        Of several gradients that of the gravest state.

    Raises
    ------
    TypeError
        If the subject is none of these.

    Examples
    --------
    >>> import numpy as np
    >>> import adjoint as ad
    >>> diagnosis = ad.why(lambda w: np.sum(np.sqrt(w)), np.array([0.0, 1.0]))
    >>> diagnosis.state, diagnosis.cause, diagnosis.details["primitive"]
    ('inf', 'inf_backward', 'sqrt')
    >>> w = ad.tensor([3.0, 4.0], requires_grad=True)
    >>> np.sum(w * w).backward()
    >>> print(ad.why(w))
    w: the gradient is fine
      norm 10, entries from 6 to 8
    """
    scope = sys._getframe(1).f_locals
    if callable(subject) and not isinstance(subject, Value):
        return _of_function(subject, args, wrt, scope)
    if args or wrt is not None:
        raise TypeError("why: only a function takes arguments and wrt")
    if subject is None:
        return _of_none(scope)
    if not isinstance(subject, (Tensor, np.ndarray, np.generic)):
        raise TypeError(
            f"why: expected a tensor, its gradient or a function, got {type(subject).__name__}"
        )
    return _of_value(subject, scope)


# --- a tensor, after it was computed


def _of_value(subject: Any, scope: Mapping[str, Any]) -> Diagnosis:
    record = latest()
    if record is not None:
        examination = _examination(record, {**scope, "the tensor": subject})
        leaf = _leaf_of(subject, examination)
        if leaf is not None:
            return examination.examine(leaf, _gradient(leaf, examination))
        node = subject.node if isinstance(subject, Tensor) else None
        if node is None and (frozen := _frozen(subject, examination.flow)) is not None:
            return frozen
        place = node if node is not None else examination.flow.place_of(subject)
        if place in examination.flow.forward or place in examination.flow.backward:
            return _of_computed(place, subject, examination)
    if isinstance(subject, Tensor) and subject.node is not None:
        return _of_graph(subject, scope)
    return _without_graph(subject)


def _examination(record: Record, scope: Mapping[str, Any]) -> Examination:
    known = list(named_tensors(scope))
    flow = Flow(record, (x for _, x in known))
    names = {x.node: name for name, x in reversed(known) if x.node is not None}
    return Examination(record, flow, names, _target(record, flow))


def _target(record: Record, flow: Flow) -> Place | None:
    """Return what was refused or differentiated last; or else what was computed last."""
    last = flow.places[-1] if flow.places else None
    if isinstance(last, Cut) and last.refused:
        return last
    if record.sweeps:
        return record.sweeps[-1].start
    made = [p for p in flow.places if isinstance(p, Node) and p.primitive is not None]
    return made[-1] if made else None


def _leaf_of(subject: Any, examination: Examination) -> Node | None:
    """Return the leaf that a tensor is, that it is the gradient of, or that an array became."""
    if isinstance(subject, Tensor) and subject.node is not None:
        return subject.node if subject.is_leaf else None
    array = subject.data if isinstance(subject, Tensor) else subject
    for sweep in reversed(examination.record.sweeps):
        for node, g in sweep.cotangents.items():
            if node.primitive is not None:
                continue
            if node.grad is subject or g is array or g is getattr(array, "base", None):
                return node
    found = examination.flow.maker(array)
    return found if isinstance(found, Node) and found.primitive is None else None


def _frozen(subject: Any, flow: Flow) -> Diagnosis | None:
    """Tell of a parameter that was excluded from training."""
    for cut in reversed(flow.cuts):
        if cut.how == "frozen" and cut.subject is subject:
            words = "requires_grad_(False) was called here: nothing on it is recorded since"
            return Diagnosis("the tensor", "none", "frozen", cut.line, words)
    return None


def _gradient(leaf: Node, examination: Examination) -> Any:
    """Return a leaf's gradient, or that of a function which keeps none on its leaves."""
    if leaf.grad is not None:
        return np.asarray(leaf.grad.data)
    own = {node for cut in examination.flow.cuts for node, _ in cut.sources if node is not None}
    known = leaf in examination.names or leaf in own
    sweep = examination.sweep_of(leaf)
    return None if known or sweep is None else sweep.cotangents[leaf]


def _of_computed(place: Place | None, subject: Any, examination: Examination) -> Diagnosis:
    """Tell of a value that is no leaf: what was differentiated, or something on the way."""
    swept = [sweep for sweep in examination.record.sweeps if place in sweep.cotangents]
    if isinstance(place, Node) and swept and place is not swept[-1].start:
        return _interior(place, swept[-1].cotangents[place], examination)
    examination = examination._replace(target=place)
    gradients = {
        leaf: _gradient(leaf, examination)
        for leaf in examination.flow.leaves()
        if place in examination.flow.after(leaf)
    }
    if not gradients:
        return _without_graph(subject)
    if isinstance(place, Node) and not swept and _reached(place, examination):
        gradients = _differentiate(examination, [(place, np.ones_like(place.output))], gradients)
    return examination.worst(gradients)


def _reached(place: Node, examination: Examination) -> bool:
    operation = examination.flow.operations.get(place)
    return operation is not None and operation.recorded


def _interior(node: Node, g: Any, examination: Examination) -> Diagnosis:
    words = (
        f"it was computed, and .grad is kept on leaves only; the last backward pass brought it a "
        f"gradient of norm {np.linalg.norm(g):.4g}"
    )
    return Diagnosis(
        examination.names.get(node, "the value"),
        "none",
        "not_a_leaf",
        examination.flow.lines.get(node),
        words,
        {"norm": float(np.linalg.norm(g))},
    )


def _of_none(scope: Mapping[str, Any]) -> Diagnosis:
    """Tell of the leaf whose missing gradient was asked about."""
    record = latest()
    if record is not None:
        examination = _examination(record, scope)
        missing = {
            leaf: None
            for leaf in (*examination.names, *examination.flow.leaves())
            if leaf.primitive is None and leaf.grad is None
        }
        if missing:
            return examination.worst(missing)
    words = "None does not tell whose gradient it is; ask ad.why(x) about the tensor x itself, and"
    return Diagnosis("None", "none", "unknown", None, f"{words} {_HOW}")


# --- what the graph alone shows


def _of_graph(subject: Tensor, scope: Mapping[str, Any]) -> Diagnosis:
    node = subject.node
    assert node is not None
    if subject.is_leaf:
        return _of_bare_leaf(node, scope)
    examination = _examination(of_graph([node]), scope)._replace(target=node)
    leaves_of = dict.fromkeys(examination.flow.leaves())
    found = _differentiate(examination, [(node, np.ones(subject.shape, subject.dtype))], leaves_of)
    return _with_advice(examination.worst(found))


def _of_bare_leaf(node: Node, scope: Mapping[str, Any]) -> Diagnosis:
    examination = _examination(Record(), scope)
    if node.grad is not None:
        diagnosis = examination.examine(node, np.asarray(node.grad.data))
        if diagnosis.state == "fine":
            return diagnosis
        return _with_advice(diagnosis)
    words = (
        "no backward pass has reached it: none was run yet, or nothing leads from it to the loss; "
        f"a leaf does not know its uses, {_HOW}"
    )
    return Diagnosis(examination.name(node), "none", "unknown", None, words)


def _with_advice(diagnosis: Diagnosis) -> Diagnosis:
    if diagnosis.state == "fine":
        return diagnosis
    return Diagnosis(
        diagnosis.subject,
        diagnosis.state,
        diagnosis.cause,
        diagnosis.where,
        f"{diagnosis.explanation}; {_HOW}",
        diagnosis.details,
    )


def _without_graph(subject: Any) -> Diagnosis:
    words = (
        "it requires no gradient: it was made as a constant, or its graph was cut on the way; "
        f"if it was computed, {_HOW}"
    )
    return Diagnosis("the value", "none", "no_graph", None, words)


# --- a function, run again


def _of_function(
    function: Callable[..., Any], args: Sequence[Any], wrt: Any, scope: Mapping[str, Any]
) -> Diagnosis:
    numbers = _argument_numbers(args, wrt)
    given = [_fresh(arg) if n in numbers else arg for n, arg in enumerate(args)]
    record = Record()
    with watched_by(record), enable_grad(), np.errstate(all="ignore"):
        try:
            result = function(*given)
        except (TypeError, ValueError, ArithmeticError):
            if not _refused(record):
                raise
            result = None
    examination = _examination(record, {**_arguments(function, given), **scope})
    wanted = _wanted(function, given, numbers, wrt, examination)
    if not wanted:
        raise TypeError(
            "why: the function met nothing that a gradient could belong to; pass it float arrays, "
            "or tensors with requires_grad=True"
        )
    gradients = dict.fromkeys(wanted)
    ends = [leaf for leaf in leaves(result) if isinstance(leaf, Value) and leaf.node is not None]
    if result is not None:
        examination = examination._replace(target=_result_place(result, examination.flow))
    if ends:
        seeds = [(end.node, np.ones(end.shape, end.dtype)) for end in ends]
        gradients = _differentiate(examination, seeds, gradients)
    elif record.sweeps:
        gradients = {leaf: _gradient(leaf, examination) for leaf in wanted}
    diagnosis = examination.worst(gradients)
    return _at_definition(diagnosis, function)


def _argument_numbers(args: Sequence[Any], wrt: Any) -> tuple[int, ...]:
    """Return the numbers of the arguments to differentiate by; none if tensors are meant."""
    if isinstance(wrt, int):
        wrt = (wrt,)
    if wrt is not None:
        are_numbers = isinstance(wrt, Sequence) and all(isinstance(n, int) for n in wrt)
        return tuple(n % len(args) for n in wrt) if are_numbers else ()
    asked = any(isinstance(x, Value) and x.node is not None for x in leaves(list(args)))
    return () if asked or not args else (0,)


def _fresh(tree: Any) -> Any:
    """Return floats as tensors to differentiate by; recorded tensors as they are."""

    def fresh(x: Any) -> Any:
        if isinstance(x, Value) and x.node is not None:
            return x
        array = np.array(as_operand(x))
        array = array.astype(float) if isinstance(x, int) else array
        return Tensor(array, Node(None)) if array.dtype.kind == "f" else x

    return map_leaves(fresh, tree)


def _arguments(function: Any, given: Sequence[Any]) -> dict[str, Any]:
    """Return what a function is called with by the names of its parameters."""
    if isinstance(function, Module):
        return {"model": function}
    return dict(zip(argument_names(function, given), given, strict=True))


def _refused(record: Record) -> bool:
    last = list(record.events)[-1:]
    return bool(last) and isinstance(last[0], Cut) and last[0].refused


def _wanted(
    function: Any, given: Sequence[Any], numbers: Sequence[int], wrt: Any, examination: Examination
) -> list[Node]:
    if wrt is not None and not numbers:
        return [x.node for x in tensors_in(wrt) if x.node is not None]
    own = [x.node for x in leaves([given[n] for n in numbers]) if isinstance(x, Value) and x.node]
    if wrt is not None:
        return own
    among = [x.node for x in leaves(list(given)) if isinstance(x, Value) and x.node is not None]
    inside = [x.node for x in tensors_in(function)] if isinstance(function, Module) else []
    others = [leaf for leaf in examination.flow.leaves() if leaf not in own]
    asked = [node for node in (*among, *inside, *others) if node and node not in own]
    return list(dict.fromkeys(asked)) or own


def _result_place(result: Any, flow: Flow) -> Place | None:
    places = [flow.place_of(leaf) for leaf in leaves(result)]
    known = [place for place in places if place is not None]
    return known[-1] if known else None


def _differentiate(
    examination: Examination, seeds: Sequence[tuple[Any, Any]], wanted: Mapping[Node, Any]
) -> dict[Node, Any]:
    """Return the gradients of leaves, and leave the sweep in the record."""
    with watched_by(examination.record):
        found = sweep_back(dict(seeds))
    return {leaf: found.get(leaf) for leaf in wanted}


def _at_definition(diagnosis: Diagnosis, function: Any) -> Diagnosis:
    """Give what the function does not use its definition for a line."""
    code = getattr(getattr(function, "forward", function), "__code__", None)
    if diagnosis.cause != "unused" or code is None:
        return diagnosis
    where = SourceLine(code.co_filename, code.co_firstlineno)
    return Diagnosis(
        diagnosis.subject,
        diagnosis.state,
        diagnosis.cause,
        where,
        "the function defined here applies no operation to it",
        diagnosis.details,
    )
