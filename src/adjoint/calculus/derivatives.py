"""Calculus on functions: each takes a function of arrays and gives one of its derivatives.

The function runs once on recorded values; the derivative is a walk over the record. Where the walk
itself must be differentiable (nested calls, outer graphs, tracing) it is recorded in turn, so that
all of these nest in any way and to any order.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from operator import index
from typing import Any, NamedTuple, TypeGuard

import numpy as np

from ..core.annotations import DType, Function, Operand, Tree
from ..core.constants import kept
from ..core.memory import separate
from ..core.node import Node
from ..core.operand import as_operand, as_reals
from ..core.spec import Spec
from ..core.tree import filled, leaves, map_leaves, present
from ..core.value import Value
from ..core.views import argument_of, as_argument, as_scalar, is_number, plain, scalar_of
from ..errors import ShapeError
from ..graphs.lift import lift
from ..graphs.recording import enable_grad, is_recording, is_watched, show_cut, sweep_back
from ..graphs.sweep import push_forward, reachable
from ..graphs.tensor import Tensor
from ..ops.arithmetic import positive
from ..ops.structural import astype

_Argument, _Number = argument_of(Tensor), scalar_of(Tensor)


class Record(NamedTuple):
    """One run of a function: its inputs and result, and whether its derivatives need a graph."""

    inputs: list[Value]
    result: Any
    nested: bool

    @property
    def lift(self) -> Any:
        """How a walk sees the record's nodes."""
        return lift if self.nested else None

    def expose(self, found: Sequence[Any], given: Tree = ()) -> list[Any]:
        """Return derivatives as the caller sees them: values only where a graph continues.

        They share no memory, nor any with what the caller has ``given``.
        """
        results: list[Any] = []
        for x in found:
            if isinstance(x, Value) and x.node is not None:
                results.append(_handle(x))
            else:
                results.append(np.asarray(x.data if isinstance(x, Value) else x)[()])
        return separate(results, map(_payload, leaves(given)), sparing=is_watched())


def _payload(x: Operand) -> Any:
    return x.data if isinstance(x, Value) else x


def _handle(found: Value) -> Any:
    """Return a value as one of its own, so that an assignment changes no other result."""
    return as_scalar(plain(type(found))(found.data, found.node))


def _fresh(position: int, keeps: bool, argument: Operand) -> Value:
    """Return a new value to differentiate by, which an outer graph sees through."""
    if isinstance(argument, Value) and argument.node is not None:
        if argument.is_weak and argument.dtype.kind in "iu":
            return astype(argument, dtype=np.float64)  # type: ignore[no-any-return]
        if argument.dtype.kind != "f":
            raise _not_of_floats(argument.dtype, position)
        fresh = positive(argument)
        return fresh if is_number(argument) else as_argument(fresh)  # type: ignore[no-any-return]
    array = np.asarray(as_operand(argument))
    if isinstance(argument, int) and not isinstance(argument, bool):
        array = array.astype(np.float64)
    if array.dtype.kind != "f":
        raise _not_of_floats(array.dtype, position)
    if keeps:
        array = kept(array).view()
        array.flags.writeable = False
    kind = _Number if is_number(argument) else _Argument
    return kind(array, Node())  # type: ignore[no-any-return]


def _not_of_floats(dtype: DType, position: int) -> TypeError:
    return TypeError(
        f"argument {position} has dtype {dtype}: only floats have derivatives; convert it, or "
        "leave it out of argnums (or wrt)"
    )


def record_run(
    function: Function,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    argnums: Sequence[int],
    *,
    keeps: bool = False,
) -> Any:
    """Run ``function`` on fresh values in the places ``argnums``.

    With ``keeps`` the arrays are kept as they are now: the caller may change its own before the
    record is walked.
    """
    outer = is_recording()
    with enable_grad():
        trees = {n: map_leaves(functools.partial(_fresh, n, keeps), args[n]) for n in argnums}
        result = function(*(trees.get(n, arg) for n, arg in enumerate(args)), **kwargs)
    inputs = [leaf for n in argnums for leaf in leaves(trees[n])]
    # A derivative is recorded only if somebody can differentiate it again. Else the sweep runs on
    # plain arrays, without the cost of a second graph.
    nested = outer and _touches_outside(inputs, _nodes(result))
    return Record(inputs, result, nested)


def _nodes(result: Tree) -> list[Node]:
    return [leaf.node for leaf in leaves(result) if isinstance(leaf, Value) and leaf.node]


def _touches_outside(inputs: Sequence[Value], outputs: Sequence[Node]) -> bool:
    """Return whether the record depends on recorded values older than its inputs, or symbols."""
    since = min((value.node.order for value in inputs if value.node), default=0)
    return any(
        isinstance(node.output, Spec)
        or any(parent is not None and parent.order < since for parent in node.parents)
        for node in reachable(outputs, since=since)
    )


def one_name_for(
    argnums: int | Sequence[int] | None, wrt: int | Sequence[int] | None
) -> tuple[int | Sequence[int], str]:
    """Return by which arguments to differentiate, and the name under which they were given.

    Raises
    ------
    TypeError
        If both names were given.
    """
    if argnums is not None and wrt is not None:
        raise TypeError(
            f"argnums={argnums!r} and wrt={wrt!r} are two names for one argument; give one"
        )
    if wrt is not None:
        return wrt, "wrt"
    return (0 if argnums is None else argnums), "argnums"


def is_one_number(argnums: object) -> TypeGuard[int]:
    """Return whether it is the number of one argument, rather than of several in a sequence."""
    return isinstance(argnums, (int, np.integer))


def read_argnums(
    argnums: int | Sequence[int], count: int, *, called: str = "argnums"
) -> tuple[int, ...]:
    """Return the numbers of the arguments to differentiate by, counted from the first.

    Raises
    ------
    TypeError
        If one is no integer, as a name.
    ValueError
        If there is no such argument.
    """
    try:
        numbers = tuple(map(index, (argnums,) if is_one_number(argnums) else argnums))  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(
            f"{called}: expected the number of an argument, from 0, or several of them, got "
            f"{argnums!r}"
        ) from None
    for n in numbers:
        if not -count <= n < count:
            raise ValueError(f"{called} names argument {n} of a call with {count} arguments")
    return tuple(n % count for n in numbers)


def cotangents(record: Record, seeds: dict[Node, Any]) -> list[Any]:
    """Return the cotangent of each of the record's inputs, given those of some outputs."""
    wanted = [value.node for value in record.inputs if value.node is not None]
    found = sweep_back(seeds, wanted=wanted, lift=record.lift) if seeds else {}
    given = [
        found[value.node] if value.node in found else zeros_of(value) for value in record.inputs
    ]
    for value, gradient in zip(record.inputs, given, strict=True):
        if value.node not in found:
            show_cut("gradient", value, gradient)
    return given


def rebuild(args: Sequence[Any], argnums: Sequence[int], flat: Sequence[Any]) -> list[Any]:
    """Give the derivatives the structure of the arguments that they belong to."""
    rest = iter(flat)
    return [map_leaves(lambda _: next(rest), args[n]) for n in argnums]


def _scalar_seed(output: object, what: str) -> dict[Node, Any]:
    shape = np.shape(output.data) if isinstance(output, Tensor) else getattr(output, "shape", ())
    if not isinstance(output, Value) and not isinstance(
        output, (float, int, np.ndarray, np.generic)
    ):
        raise TypeError(f"{what}: the function returned {type(output).__name__}, not a number")
    if shape and any(size != 1 for size in shape):
        raise ShapeError(
            f"{what}: the function returned shape {shape}, not a single number; sum it, or use "
            "jacobian or vjp"
        )
    if not isinstance(output, Value) or output.node is None:
        return {}
    return {output.node: np.ones(shape, output.dtype)}


def value_and_grad(
    function: Function,
    argnums: int | Sequence[int] | None = None,
    *,
    wrt: int | Sequence[int] | None = None,
    has_aux: bool = False,
) -> Function:
    """Return a function that gives ``function``'s value and its gradient.

    Parameters
    ----------
    function : callable
        Returns a single number, of shape (), (1,), (1, 1) …, or with ``has_aux`` a pair of it and
        anything else.
    argnums : int or sequence of int, optional
        By which arguments, by default the first; a gradient for each if a sequence. Arguments may
        be nested lists, tuples and dicts of arrays; the gradient has the same structure.
    wrt : int or sequence of int, optional
        Another name for ``argnums``, as `explain`, `draw` and `why` have it.
    has_aux : bool
        Whether the function returns a pair, of which only the number is differentiated.

    Returns
    -------
    callable
        ``(value, gradient)``, or ``((value, aux), gradient)``; gradients have their argument's
        shape and dtype. It serves as ``scipy.optimize.minimize(..., jac=True)``.

    Raises
    ------
    TypeError
        If both ``argnums`` and ``wrt`` are given; when called, if an argument to differentiate by
        is not of floats.
    ValueError
        When called, if there is no such argument.
    ShapeError
        When called, if the function returns more than one number.

    Examples
    --------
    >>> import numpy as np
    >>> import adjoint as ad
    >>> value, gradient = ad.value_and_grad(lambda x: np.sum(x * x))(np.array([1.0, 3.0]))
    >>> float(value), gradient
    (10.0, array([2., 6.]))
    """

    chosen, called = one_name_for(argnums, wrt)

    @functools.wraps(function)
    def with_gradient(*args: Tree, **kwargs: object) -> Any:
        numbers = read_argnums(chosen, len(args), called=called)
        record = record_run(function, args, kwargs, numbers)
        output, aux = record.result if has_aux else (record.result, None)
        flat = cotangents(record, _scalar_seed(output, "grad"))
        gradients = rebuild(args, numbers, record.expose(flat))
        gradient = gradients[0] if is_one_number(chosen) else tuple(gradients)
        value = _leave(record, output)
        return (
            (value, map_leaves(lambda x: _leave(record, x), aux)) if has_aux else value
        ), gradient

    return with_gradient


def _leave(record: Record, output: Operand) -> Any:
    """Return a result as the caller sees it: without the record's own graph."""
    if record.nested and isinstance(output, Value):
        return _handle(output)
    found = output.data if isinstance(output, Tensor) else output
    return found.copy() if isinstance(found, np.ndarray) else found


def grad(
    function: Function,
    argnums: int | Sequence[int] | None = None,
    *,
    wrt: int | Sequence[int] | None = None,
    has_aux: bool = False,
) -> Function:
    """Return a function that gives ``function``'s gradient.

    Parameters
    ----------
    function, argnums, wrt, has_aux
        As for `value_and_grad`, with the same errors.

    Returns
    -------
    callable
        Gives the gradient, of the argument's shape and dtype; with ``has_aux`` a pair of it and of
        what else the function returned.

    Examples
    --------
    >>> import adjoint as ad
    >>> float(ad.grad(ad.grad(lambda x: x**3))(2.0))
    12.0
    >>> float(ad.grad(lambda x, y: x * y, wrt=1)(3.0, 5.0))
    3.0
    """
    both = value_and_grad(function, argnums, wrt=wrt, has_aux=has_aux)

    @functools.wraps(function)
    def gradient(*args: Tree, **kwargs: object) -> Any:
        value, found = both(*args, **kwargs)
        return (found, value[1]) if has_aux else found

    return gradient


def vjp(function: Function, *args: Tree) -> tuple[Any, Function]:
    """Return ``function(*args)`` and its pull back, g ↦ gᵀJ, by all of the arguments.

    Parameters
    ----------
    function : callable
        Returns an array or a tree of arrays.
    *args : float arrays, or trees of them

    Returns
    -------
    value : array or tree
    pull : callable
        Takes a cotangent with the value's structure and shapes and gives a tuple, one cotangent
        for each argument. It may be called any number of times.

    Raises
    ------
    TypeError
        If an argument is not of floats.
    ShapeError
        When the pull back is called, if the cotangent has not the value's shape.

    Examples
    --------
    >>> value, pull = ad.vjp(lambda x, y: x * y, np.array([1.0, 2.0]), 3.0)
    >>> value, pull(np.array([1.0, 10.0]))
    (array([3., 6.]), (array([ 3., 30.]), np.float64(21.0)))
    """
    numbers = range(len(args))
    record = record_run(function, args, {}, numbers, keeps=True)

    def pull(g: Tree) -> tuple[Any, ...]:
        seeds: dict[Node, Any] = {}

        def seed(output: Operand, cotangent: Operand) -> None:
            if not isinstance(output, Value) or output.node is None:
                return
            cotangent = same_shape(cotangent, output, "cotangent")
            # One value may be several leaves of the result; its cotangents add up.
            known = seeds.get(output.node)
            seeds[output.node] = cotangent if known is None else known + cotangent

        map_leaves(seed, record.result, g)
        return tuple(rebuild(args, numbers, record.expose(cotangents(record, seeds), g)))

    return map_leaves(lambda x: _leave(record, x), record.result), pull


def same_shape(part: Operand, like: Value, what: str) -> Any:
    """Return a tangent or a cotangent as an array or value, if it has the shape of its value.

    Raises
    ------
    ShapeError
    TypeError
        If it is not of real numbers.
    """
    plain = part if isinstance(part, Value) else np.asarray(as_reals(what, part), like.dtype)
    if plain.shape != like.shape:
        raise ShapeError(f"{what} of shape {plain.shape} for a value of shape {like.shape}")
    return plain


def linearize(function: Function, *args: Tree) -> tuple[Any, Function]:
    """Return ``function(*args)`` and its push forward, t ↦ Jt, which may be called many times.

    Parameters
    ----------
    function : callable
        Returns an array or a tree of arrays.
    *args : float arrays, or trees of them

    Returns
    -------
    value : array or tree
    push : callable
        Takes a tangent for each argument, of its shape, and gives that of the value.

    Raises
    ------
    TypeError
        If an argument is not of floats.
    ShapeError
        When the push forward is called, if a tangent has not its argument's shape.

    Examples
    --------
    >>> value, push = ad.linearize(lambda x: x * x, np.array([1.0, 3.0]))
    >>> push(np.array([1.0, 0.0])), push(np.array([0.0, 1.0]))
    (array([2., 0.]), array([0., 6.]))
    """
    return _linearized(function, args, keeps=True)


def _linearized(function: Function, args: Sequence[Any], *, keeps: bool) -> tuple[Any, Function]:
    record = record_run(function, args, {}, range(len(args)), keeps=keeps)

    def push(*tangents: Tree) -> Any:
        seeds: dict[Node, Any] = {}
        given: list[Any] = []
        map_leaves(lambda _, tangent: given.append(tangent), tuple(args), tangents)
        for value, tangent in zip(record.inputs, given, strict=True):
            assert value.node is not None
            seeds[value.node] = same_shape(tangent, value, "tangent")
        nested = record.nested or any(isinstance(t, Value) and t.node for t in given)
        moved = push_forward(seeds, _nodes(record.result), lift=lift if nested else None)

        def tangent_of(output: Operand) -> Any:
            found = moved.get(output.node) if isinstance(output, Value) and output.node else None
            return zeros_of(output) if found is None else found

        found = [tangent_of(output) for output in present(record.result)]
        return filled(record.result, record.expose(found, (args, tangents)))

    return map_leaves(lambda x: _leave(record, x), record.result), push


def zeros_of(output: Operand) -> Any:
    """Return zeros of the shape and dtype of a value, a symbol's too, or of an array."""
    value = output if isinstance(output, Value) else np.asarray(as_operand(output))
    return np.zeros(value.shape, value.dtype)


def jvp(function: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """Return ``function(*primals)`` and the derivative along ``tangents``, Jt.

    Parameters
    ----------
    function : callable
        Returns an array or a tree of arrays.
    primals : sequence
        The arguments: float arrays, or trees of them.
    tangents : sequence
        One for each argument, of its structure and shapes.

    Raises
    ------
    ValueError
        If there are not as many tangents as arguments.
    TypeError
        If an argument is not of floats.
    ShapeError
        If a tangent has not its argument's shape.

    Examples
    --------
    >>> import adjoint as ad
    >>> value, slope = ad.jvp(lambda x: x * x, (3.0,), (1.0,))
    >>> float(value), float(slope)
    (9.0, 6.0)
    """
    if len(primals) != len(tangents):
        raise ValueError(f"jvp: {len(primals)} primals but {len(tangents)} tangents")
    value, push = _linearized(function, primals, keeps=False)
    return value, push(*tangents)
