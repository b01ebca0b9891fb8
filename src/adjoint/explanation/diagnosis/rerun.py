"""The diagnosis of a function, which is run again and watched."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeGuard

import numpy as np

from ...calculus.derivatives import is_one_number, read_argnums
from ...core.node import Node
from ...core.operand import as_operand
from ...core.tree import leaves, map_leaves
from ...core.value import Value
from ...graphs.recording import enable_grad, watched_by
from ...graphs.source_line import SourceLine
from ...graphs.tensor import Tensor
from ...graphs.tracing.naming import argument_names
from ...nn.module import Module
from .diagnosis import Diagnosis
from .event_log import Cut, EventLog
from .examination import examination_of
from .flow import Flow, FlowPoint
from .names import tensors_in

Function = Callable[..., Any]
# What a gradient belongs to: numbers of arguments, or tensors that the function uses.
Wanted = int | Sequence[int] | Tensor | Module | Sequence[Tensor] | None


def of_function(
    function: Function, args: Sequence[Any], wrt: Wanted, scope: Mapping[str, Any]
) -> Diagnosis:
    """Return the diagnosis of a function's gradient, ``scope`` being the caller's variables."""
    if _are_numbers(wrt):
        numbers = read_argnums(wrt, len(args), called="wrt")
        given = [_fresh(arg) if n in numbers else arg for n, arg in enumerate(args)]
        return _run(function, given, [given[n] for n in numbers], scope)
    if wrt is not None and not is_one_number(wrt):
        return _run(function, args, list(tensors_in(wrt)), scope)
    if _met(function, args) or not args:
        return _of_parameters(function, args, [], scope)
    return _of_parameters(function, [_fresh(args[0]), *args[1:]], [args[0]], scope)


def _of_parameters(
    function: Function, given: Sequence[Any], data: Sequence[Any], scope: Mapping[str, Any]
) -> Diagnosis:
    """Judge what the function meets besides the data, or if that is nothing the data."""
    run = _watch(function, given)
    own = [x.node for x in leaves(given[: len(data)]) if isinstance(x, Tensor) and x.node]
    met = [node for node in (*_met(function, given), *_inside(run[0])) if node not in own]
    if met and data and _refused(run[0]):
        # The refusal may be of the data alone, which the function takes as plain arrays.
        return _of_parameters(function, [*data, *given[1:]], [], scope)
    return _judge(function, given, run, met or own, scope)


def _run(
    function: Function, given: Sequence[Any], wanted: Sequence[Any], scope: Mapping[str, Any]
) -> Diagnosis:
    nodes = [x.node for x in leaves(wanted) if isinstance(x, Value) and x.node is not None]
    return _judge(function, given, _watch(function, given), nodes, scope)


def _watch(function: Function, given: Sequence[Any]) -> tuple[EventLog, Any]:
    """Run a function under a log; what refuses to cut the graph ends it."""
    log = EventLog()
    with watched_by(log), enable_grad(), np.errstate(all="ignore"):
        try:
            return log, function(*given)
        except (TypeError, ValueError):
            if not _refused(log):
                raise
            return log, None


def _judge(
    function: Function,
    given: Sequence[Any],
    run: tuple[EventLog, Any],
    wanted: Sequence[Node],
    scope: Mapping[str, Any],
) -> Diagnosis:
    """Return the diagnosis of a run that was watched."""
    if not wanted:
        raise TypeError(
            "why: the function met nothing that a gradient could belong to; pass it float arrays, "
            "or tensors with requires_grad=True"
        )
    log, result = run
    examination = examination_of(log, {**_arguments(function, given), **scope})
    wanted = list(dict.fromkeys(wanted))
    if result is not None:
        examination = examination._replace(target=_place(result, examination.flow))
    ends = [leaf for leaf in leaves(result) if isinstance(leaf, Value) and leaf.node is not None]
    if ends:
        seeds = {end.node: np.ones(end.shape, end.dtype) for end in ends if end.node is not None}
        gradients = examination.differentiate(seeds, wanted)
    else:
        gradients = {leaf: examination.gradient_of(leaf) for leaf in wanted}
    return _at_definition(examination.worst(gradients), function)


# --- what the gradient belongs to


def _are_numbers(wrt: Wanted) -> TypeGuard[int | Sequence[int]]:
    several = isinstance(wrt, Sequence) and all(map(is_one_number, wrt))
    return is_one_number(wrt) or several


def _fresh(tree: object) -> Any:
    """Return floats as tensors to differentiate by; recorded tensors as they are."""

    def fresh(x: object) -> Any:
        known = isinstance(x, (np.ndarray, np.generic, float, int, Tensor))
        if not known or isinstance(x, bool) or (isinstance(x, Tensor) and x.node is not None):
            return x
        array = np.array(as_operand(x))
        array = array.astype(float) if isinstance(x, int) else array
        return Tensor(array, Node()) if array.dtype.kind == "f" else x

    return map_leaves(fresh, tree)


def _met(function: Function, given: Sequence[Any]) -> list[Node]:
    """Return the tensors that require a gradient among the arguments, and within a model."""
    inside = list(tensors_in(function)) if isinstance(function, Module) else []
    return [x.node for x in leaves([*given, *inside]) if isinstance(x, Tensor) and x.node]


def _inside(log: EventLog) -> list[Node]:
    """Return the leaves that operations were applied to."""
    return list(Flow(log).leaves())


def _arguments(function: Function, given: Sequence[Any]) -> dict[str, Any]:
    """Return what a function is called with by the names of its parameters."""
    if isinstance(function, Module):
        return {"model": function}
    return dict(zip(argument_names(function, given), given, strict=True))


# --- what came of it


def _refused(log: EventLog) -> bool:
    last = list(log.events)[-1:]
    return bool(last) and isinstance(last[0], Cut) and last[0].refused


def _place(result: object, flow: Flow) -> FlowPoint | None:
    """Return where the last part of a result was made."""
    places = [flow.place_of(leaf) for leaf in leaves(result)]
    known = [place for place in places if place is not None]
    return known[-1] if known else None


def _at_definition(diagnosis: Diagnosis, function: Function) -> Diagnosis:
    """Give what the function does not use its definition for a line."""
    code = getattr(getattr(function, "forward", function), "__code__", None)
    if diagnosis.cause != "unused" or code is None:
        return diagnosis
    where = SourceLine(code.co_filename, code.co_firstlineno)
    words = "the function defined here applies no operation to it"
    return replace(diagnosis, where=where, explanation=words)
