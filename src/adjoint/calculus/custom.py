"""A custom function brings its own derivative rule, where adjoint shall not look inside."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..core.annotations import (
    Array,
    Cotangent,
    Function,
    Operand,
    Params,
    Payload,
    Rule,
    Shape,
    Tangent,
    Tree,
)
from ..core.failure import refuse_dtype
from ..core.metadata import escape_latex
from ..core.node import Node
from ..core.operand import as_operand
from ..core.primitive import Primitive
from ..core.spec import Spec, shape_of
from ..core.tree import leaves, map_leaves
from ..core.value import Value
from ..core.views import argument_of, as_argument, as_scalar, is_number
from ..errors import GraphError, ShapeError
from ..graphs.lift import lift
from ..graphs.recording import enable_grad
from ..graphs.sweep import pull_back, push_forward, reachable
from ..graphs.symbol import Symbol
from ..graphs.tensor import Tensor
from ..ops.arithmetic import positive
from ..ops.products import refuse_speculation
from ..ops.structural import astype, broadcast_to, concatenate, reshape, sum_to
from .derivatives import vjp


def custom_vjp(rule: Rule) -> Callable[[Function], Function]:
    """Give a function of arrays its pull back; a decorator.

    The function runs on plain arrays and may be anything: NumPy, C, a solver.

    Parameters
    ----------
    rule : callable
        ``rule(g, y, *args)`` returns the cotangent of every argument, as a tuple (None where there
        is none), given that of the result y. Written with adjoint's and NumPy's functions on
        values, it can be differentiated in turn; forward mode follows from its being linear in g.

    Examples
    --------
    >>> import numpy as np
    >>> import adjoint as ad
    >>> @ad.custom_vjp(lambda g, y, x: (np.clip(g, -1, 1),))
    ... def with_bounded_gradient(x):
    ...     return x.copy()
    >>> float(ad.grad(lambda x: 5 * with_bounded_gradient(x))(2.0))
    1.0
    """

    def decorate(function: Function) -> Function:
        def pull(
            g: Cotangent,
            y: Operand,
            args: Sequence[Operand],
            params: Params,
            wanted: Sequence[bool],
        ) -> Any:
            refuse_speculation(g)
            return _one_each(rule(*map(_guarded, (g, y, *args)), **params), args, function)

        def push(
            tangents: Sequence[Any], y: Operand, args: Sequence[Operand], params: Params
        ) -> Any:
            def transpose(g: Cotangent) -> Any:
                parts = _one_each(rule(*map(_guarded, (g, y, *args)), **params), args, function)
                _refuse_constants(parts, "cotangent", function)
                return tuple(p for p, t in zip(parts, tangents, strict=True) if t is not None)

            given = tuple(t for t in tangents if t is not None)
            return vjp(transpose, _zeros(y))[1](given)[0]

        return _opaque(function, pull, push)

    return decorate


def custom_jvp(rule: Rule) -> Callable[[Function], Function]:
    """Give a function of arrays its push forward; a decorator.

    Parameters
    ----------
    rule : callable
        ``rule(tangents, y, *args)`` returns the tangent of the result y; ``tangents`` has one for
        each argument. It must be linear in them and written with functions that differentiate:
        reverse mode is its transpose.

    Examples
    --------
    >>> import adjoint as ad
    >>> @ad.custom_jvp(lambda tangents, y, x: 3 * x**2 * tangents[0])
    ... def cube(x):
    ...     return x * x * x
    >>> float(ad.grad(cube)(2.0))
    12.0
    """

    def decorate(function: Function) -> Function:
        def push(
            tangents: Sequence[Any], y: Operand, args: Sequence[Operand], params: Params
        ) -> Any:
            full = [_zeros(x) if t is None else t for t, x in zip(tangents, args, strict=True)]
            moved = rule([*map(_guarded, full)], *map(_guarded, (y, *args)), **params)
            return _one_tangent(moved, shape_of(y), function)

        def pull(
            g: Cotangent,
            y: Operand,
            args: Sequence[Operand],
            params: Params,
            wanted: Sequence[bool],
        ) -> Any:
            zeros = [_zeros(x) for x in args]
            moving = [i for i, want in enumerate(wanted) if want]

            def along(*ts: Tangent) -> Any:
                full = dict(enumerate(zeros)) | dict(zip(moving, ts, strict=True))
                given = [_guarded(full[i]) for i in range(len(zeros))]
                moved = rule(given, *map(_guarded, (y, *args)), **params)
                tangent = _one_tangent(moved, shape_of(y), function)
                if ts:
                    _refuse_constants([tangent], "tangent", function)
                return tangent

            found = dict(zip(moving, vjp(along, *(zeros[i] for i in moving))[1](g), strict=True))
            return [found.get(i) for i in range(len(args))]

        return _opaque(function, pull, push)

    return decorate


def checkpoint(function: Function) -> Function:
    """Return the function with its intermediate values forgotten, and computed again when needed.

    The backward pass runs the function a second time: memory for time. Results and gradients are
    the same, those of parameters that the function closes over included.

    Parameters
    ----------
    function : callable
        Pure: it gives the same result when run again. Its result is an array or a tree of arrays.

    Raises
    ------
    GraphError
        In the backward pass, if the function gives other numbers when it is run again.

    Examples
    --------
    >>> import numpy as np
    >>> import adjoint as ad
    >>> float(ad.grad(ad.checkpoint(lambda x: np.exp(np.sin(x))))(0.0))
    1.0
    """

    @functools.wraps(function)
    def forgetful(*args: Tree, **kwargs: object) -> Any:
        if any(isinstance(leaf, Symbol) for leaf in leaves(args)):
            return function(*args, **kwargs)  # a traced graph plans its own memory
        rerun = functools.partial(_run, function, args, kwargs)
        first = rerun([as_operand(leaf) for leaf in leaves(args)])
        outside = _outside(first)
        packed = _pack(first.result).data

        def pull(
            g: Cotangent,
            y: Operand,
            given: Sequence[Operand],
            params: Params,
            wanted: Sequence[bool],
        ) -> Any:
            again = rerun(given[: len(first.inputs)])
            _check_same(again.result, packed)
            nodes = [value.node for value in again.inputs] + [value.node for value in outside]
            nested = any(isinstance(value, Value) for value in (g, *given))
            found = pull_back(
                {_pack(again.result).node: g}, wanted=nodes, lift=lift if nested else None
            )
            return [found.get(node) for node in nodes]

        def push(
            tangents: Sequence[Any], y: Operand, given: Sequence[Operand], params: Params
        ) -> Any:
            again = rerun(given[: len(first.inputs)])
            _check_same(again.result, packed)
            nodes = [value.node for value in again.inputs] + [value.node for value in outside]
            seeds = {n: t for n, t in zip(nodes, tangents, strict=True) if t is not None}
            output = _pack(again.result).node
            nested = any(isinstance(value, Value) for value in (*tangents, *given))
            return push_forward(seeds, [output], lift=lift if nested else None)[output]

        node = _primitive(lambda *_: packed, function, pull, push)
        return _unpack(node.bind([*leaves(args), *outside], {}), first.result)

    return forgetful


def _check_same(result: Tree, packed: Array) -> None:
    """Raise if the function gave other numbers when it was run again, roundings aside."""
    found = _pack(result).data
    if isinstance(found, Spec):
        return  # traced values that the function closes over have no numbers
    # Products may be added up in another order when they are computed again, by another thread say.
    rounding = 1e3 * np.finfo(packed.dtype).eps if packed.dtype.kind == "f" else 0
    if found.shape != packed.shape or not np.allclose(
        found, packed, rtol=rounding, atol=0, equal_nan=True
    ):
        raise GraphError(
            "checkpoint: the function gave other numbers when it was run again, so its derivative "
            "would be that of another function; it must not draw random numbers, and an array that "
            "it reads must not change before the backward pass"
        )


class _Run(NamedTuple):
    inputs: list[Any]
    result: Any


def _run(function: Function, args: Tree, kwargs: Mapping[str, Any], given: Sequence[Any]) -> _Run:
    """Run the function on fresh values, recorded."""
    with enable_grad():
        inputs = [_fresh(x) for x in given]
        rest = iter(inputs)
        return _Run(inputs, function(*map_leaves(lambda _: next(rest), args), **kwargs))


def _fresh(x: Operand) -> Any:
    if isinstance(x, Value) and x.node is not None:
        fresh = positive(x)
        return fresh if is_number(x) else as_argument(fresh)
    array = np.asarray(as_operand(x))
    leaf = Tensor(array, Node() if array.dtype.kind == "f" else None)
    return as_scalar(leaf) if is_number(x) else as_argument(leaf)


def _outside(run: _Run) -> list[Value]:
    """Return the recorded values that a run used without having been given them."""
    # Orders grow with time: what is older than the inputs was recorded before the run.
    since = min((value.node.order for value in run.inputs if value.node), default=0)
    found: dict[Node, Any] = {}
    outputs = [leaf.node for leaf in leaves(run.result) if isinstance(leaf, Value) and leaf.node]
    for node in reachable(outputs, since=since):
        for payload, parent in node.edges():
            if parent is not None and parent.order < since:
                found[parent] = payload
    return [lift(payload, node) for node, payload in found.items()]


def _pack(result: Tree) -> Any:
    """Return all entries of a tree of results in one row."""
    parts = [leaf if isinstance(leaf, Value) else np.asarray(leaf) for leaf in leaves(result)]
    packed = concatenate([reshape(part, shape=-1) for part in parts])
    return packed if isinstance(packed, Value) else Tensor(packed, None)


def _unpack(packed: Any, result: Tree) -> Any:
    """Give a row of entries the structure, shapes and dtypes of a tree of results."""
    start = 0

    def part(leaf: Operand) -> Any:
        nonlocal start
        shape, dtype = np.shape(as_operand(leaf)), np.asarray(as_operand(leaf)).dtype
        size = math.prod(shape)
        start += size
        return astype(reshape(packed[start - size : start], shape=shape), dtype=dtype)

    return map_leaves(part, result)


def _opaque(function: Function, pull: Rule, push: Rule) -> Function:
    """Return a function that records itself as one primitive with the given rules."""

    def forward(*arrays: Array, **params: object) -> Any:
        result = function(*map(_guarded, arrays), **params)
        if isinstance(result, (tuple, list, dict)):
            raise TypeError(
                f"{function.__name__} returned a {type(result).__name__}; a function with a rule "
                "of its own returns one array: stack the results, and slice what comes out"
            )
        # A copy, since the function may use the array again.
        return np.array(as_operand(result))

    primitive = _primitive(forward, function, pull, push)

    @functools.wraps(function)
    def bound(*args: Operand, **params: object) -> Any:
        return primitive.bind(args, params)

    return bound


def _guarded(x: Operand) -> Any:
    """Return an array or value for a function of the user's, which must not change it in place."""
    if isinstance(x, np.ndarray):
        x = x.view()
        x.flags.writeable = False
    elif isinstance(x, Value) and not x.is_scalar:
        x = argument_of(type(x))(x.data, x.node)
    return x


def _primitive(forward: Function, function: Function, pull: Rule, push: Rule) -> Primitive:
    """Return a primitive outside of the registry, named after the user's function."""

    def infer(*operands: Payload, **params: object) -> Spec:
        # The function is opaque, so its shape and dtype are found by a call; zeros are in most
        # domains.
        zeros = [np.zeros(x.shape, x.dtype) if isinstance(x, Spec) else x for x in operands]
        result = forward(*zeros, **params)
        return Spec(result.shape, result.dtype)

    name = getattr(function, "__name__", "custom")
    forward.__name__ = name.strip("<>")
    return Primitive(
        forward,
        kind="custom",
        vjp=pull,
        jvp=push,
        infer=infer,
        source=f"{forward.__name__}({{args}})",
        latex=rf"\operatorname{{{{{escape_latex(forward.__name__)}}}}}\left({{args}}\right)",
    )


def _one_each(parts: object, args: Sequence[Any], function: Function) -> Sequence[Any]:
    """Check what a user's rule returned, and give each cotangent its argument's shape."""
    if not isinstance(parts, (tuple, list)) or len(parts) != len(args):
        got = f"{len(parts)}" if isinstance(parts, (tuple, list)) else type(parts).__name__
        raise TypeError(
            f"the rule of {function.__name__} must return a tuple of {len(args)} cotangents, one "
            f"for each argument, got {got}"
        )
    checked: list[Any] = [
        part if isinstance(part, Value) or part is None else np.asarray(part) for part in parts
    ]
    for position, (part, arg) in enumerate(zip(checked, args, strict=True)):
        if part is None:
            continue
        if not _sums_to(part.shape, shape_of(arg)):
            raise ShapeError(
                f"the rule of {function.__name__} gave a cotangent of shape {part.shape} for "
                f"argument {position} of shape {shape_of(arg)}"
            )
        if part.dtype.kind not in "fiub":
            raise refuse_dtype(f"the rule of {function.__name__}", part.dtype)
        if part.shape != shape_of(arg):
            checked[position] = sum_to(part, shape=shape_of(arg))
    return checked


def _one_tangent(moved: object, shape: Shape, function: Function) -> Any:
    """Check what a user's rule returned, and give it the shape of the function's result."""
    rule = f"the rule of {function.__name__}"
    if not isinstance(moved, (Value, np.ndarray, np.generic, float, int)):
        raise TypeError(
            f"{rule} must return one tangent, an array of shape {shape}, got {type(moved).__name__}"
        )
    tangent: Any = moved if isinstance(moved, Value) else np.asarray(moved)
    if tangent.dtype.kind not in "fiub":
        raise refuse_dtype(rule, tangent.dtype)
    if not _sums_to(shape, tangent.shape):
        raise ShapeError(f"{rule} gave a tangent of shape {tangent.shape} for a result of {shape}")
    return tangent if tangent.shape == shape else broadcast_to(tangent, shape=shape)


def _refuse_constants(parts: Sequence[Any], noun: str, function: Function) -> None:
    """Raise if a rule that is transposed gave numbers where only a derivative can follow.

    Its transpose would be 0. NaN may be 0·∞, an infinite slope times the zeros of another argument.
    """
    for part in parts:
        if part is not None and not isinstance(part, Value) and np.any(np.abs(part) > 0):
            raise ValueError(
                f"the rule of {function.__name__} gave a {noun} that does not depend on the "
                f"{noun} it was given, in which it must be linear"
            )


def _sums_to(shape: Shape, to: Shape) -> bool:
    """Return whether undoing a broadcast can lead from one shape to the other."""
    try:
        return np.broadcast_shapes(shape, to) == shape
    except ValueError:
        return False


def _zeros(x: Operand) -> Any:
    return np.zeros(shape_of(x), getattr(x, "dtype", np.float64))
