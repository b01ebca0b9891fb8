"""A kind derives a primitive's derivative columns from the one fact that its mathematics needs.

elementwise   the partial derivatives of one entry        y_i = f(a_i, b_i)
linear        the transpose                               y = A x
multilinear   the adjoint for each argument               y = B(a, b)
reduction     the weights of a row                        dy = Σ_i w_i dx_i
general       both rules by hand, where nothing above fits
constant      no derivative: comparisons, integers

Each is a decorator on the forward function. Rules are written in primitives and operators, never in
raw NumPy: the same rule then serves arrays, recorded tensors and symbols. A rule may leave a
cotangent in the shape of the broadcast output, and in any float type: the sweep mends both.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from .annotations import AnyArray, Axis, Cotangent, Described, Operand, Params
from .batching import along_axis, entrywise
from .facts import Facts
from .links import entrywise as linked_entrywise
from .primitive import Primitive
from .registry import PRIMITIVES, STRONG
from .spec import Spec, shape_of

Rule = Callable[..., Any]
Decorator = Callable[[Callable[..., Any]], Primitive]
_FACTS = frozenset(Facts.__init__.__kwdefaults__ or ())


def _broadcast_shape(operands: Sequence[object]) -> tuple[int, ...]:
    shapes = set(map(shape_of, operands))
    shapes.discard(())
    if len(shapes) > 1:
        return np.broadcast_shapes(*shapes)
    return shapes.pop() if shapes else ()  # NumPy's function takes longer than all else here


def dtype_of(*operands: Described | Operand | type) -> np.dtype[Any]:
    """Return NumPy's promoted dtype; Python numbers stay weak."""
    return np.result_type(*(x.dtype if isinstance(x, Spec) else x for x in operands))


def kept_shape(shape: Sequence[int], axis: int | Sequence[int] | None) -> tuple[int, ...]:
    """Return the shape after a reduction over ``axis`` that keeps the axes with size 1."""
    reduced = _reduced_axes(len(shape), axis)
    return tuple(1 if a in reduced else n for a, n in enumerate(shape))


def reduced_shape(
    x: Described, *, axis: Axis = None, keepdims: bool = False, **_: object
) -> tuple[int, ...]:
    """Return the shape after a reduction over ``axis``."""
    if keepdims:
        return kept_shape(x.shape, axis)
    reduced = _reduced_axes(x.ndim, axis)
    return tuple(n for a, n in enumerate(x.shape) if a not in reduced)


def _reduced_axes(ndim: int, axis: int | Sequence[int] | None) -> Sequence[int]:
    return range(ndim) if axis is None else normalize_axis_tuple(axis, ndim)


def keep_axes(
    g: Cotangent, x: Described, *, axis: Axis = None, keepdims: bool = False, **_: object
) -> AnyArray:
    """Give a reduced value its reduced axes back, with size 1, so that it broadcasts against x."""
    if keepdims or axis is None:
        return g
    return PRIMITIVES["reshape"](g, shape=kept_shape(x.shape, axis))


def zeros_like(x: AnyArray) -> AnyArray:
    """Return zeros of a value's shape and dtype, whatever its entries."""
    return _strong(x, 0.0)


def elementwise(
    *, partials: Sequence[Rule | float], strong: bool = False, **columns: Any
) -> Decorator:
    """Derive both modes from the partial derivatives of one entry.

    ``partials[i](y, *args, **params)`` is ∂y/∂args[i]; 1, -1 and 0 are given as numbers.
    ``strong`` says that a partial may be infinite or a mere mask, so that 0·∞ must count as 0.
    """

    # Each rule is made once, when the card is read, so that a sweep does not ask what is constant.
    # None is that of a partial 1: the cotangent, or the tangent, itself.
    rules = [None if partial == 1 else _times(partial, strong) for partial in partials]
    columns["reads_numbers"] = any(map(callable, partials))
    columns.setdefault("passes_nan", True)
    columns["flat"] = not any(map(callable, partials)) and not any(partials)
    columns.setdefault("batch", entrywise)
    columns.setdefault("links", linked_entrywise([callable(p) or p != 0 for p in partials]))

    def vjp(
        g: Cotangent, y: AnyArray, args: Sequence[Operand], params: Params, wanted: Sequence[Any]
    ) -> Sequence[AnyArray | None]:
        parts: list[Any] = []  # by a loop, which is faster than a comprehension here
        for rule, want in zip(rules, wanted):  # noqa: B905 - optional arguments may be absent
            if not want:
                parts.append(None)
            else:
                parts.append(g if rule is None else rule(g, y, args, params))
        return parts

    def jvp(
        tangents: Sequence[Any], y: AnyArray, args: Sequence[Operand], params: Params
    ) -> AnyArray:
        given = [(rule, t) for rule, t in zip(rules, tangents) if t is not None]  # noqa: B905
        return add_all(t if rule is None else rule(t, y, args, params) for rule, t in given)

    def infer(forward: Callable[..., Any]) -> Callable[..., Spec]:
        def elementwise_spec(*args: Operand, **params: object) -> Spec:
            return Spec(_broadcast_shape(args), _probe_dtype(forward, args, params))

        return elementwise_spec

    return _card("elementwise", vjp, jvp, infer, columns)


def _times(partial: Rule | float, strong: bool) -> Callable[[Any, Any, Any, Params], Any]:
    """Return the product of a cotangent, or a tangent, with a partial derivative."""
    if not callable(partial):
        constants: dict[float, Callable[[Any, Any, Any, Params], Any]] = {
            -1: lambda g, y, args, params: -g,
            0: lambda g, y, args, params: zeros_like(g),
        }
        return constants[partial]
    if not strong:
        return lambda g, y, args, params: g * partial(y, *args, **params)

    def strong_product(g: Any, y: Any, args: Sequence[Any], params: Params) -> Any:
        # An empty ** costs as much as a small product.
        return _strong(g, partial(y, *args, **params) if params else partial(y, *args))

    return strong_product


def _strong(g: AnyArray, factor: AnyArray | np.generic | float) -> AnyArray:
    primitive = PRIMITIVES["strong_multiply"]
    if g.__class__ is np.ndarray and factor.__class__ is np.ndarray:
        return primitive.forward(g, factor)  # what bind would do, in the inner loop of every sweep
    return primitive.bind((g, factor), {})


def linear(
    *,
    transposes: Sequence[Rule | None] | Rule,
    shape: Callable[..., tuple[int, ...]],
    dtype: Callable[..., np.dtype[Any]] | None = None,
    **columns: Any,
) -> Decorator:
    """Derive both modes from the transpose: push forward is the primitive itself.

    ``transposes[i](g, *args, **params)`` for each argument the primitive is linear in, None for one
    that only selects; a single callable ``transposes(i, g, *args, **params)`` for any number.
    """

    rule = _rules(transposes)

    def vjp(
        g: Cotangent, y: AnyArray, args: Sequence[AnyArray], params: Params, wanted: Sequence[Any]
    ) -> Sequence[AnyArray | None]:
        parts = []  # by a loop, which is faster than a comprehension here
        for i, want in enumerate(wanted):
            transpose = rule(i) if want else None
            parts.append(transpose and transpose(g, *args, **params))
        return parts

    def jvp(
        tangents: Sequence[Any],
        y: AnyArray,
        args: Sequence[AnyArray],
        params: Params,
        itself: Primitive,
    ) -> AnyArray:
        moved = [
            x if rule(i) is None else zeros_like(x) if t is None else t
            for i, (x, t) in enumerate(zip(args, tangents, strict=True))
        ]
        return itself.bind(moved, params)

    columns.setdefault("finite", True)
    return _card("linear", vjp, jvp, _shape_and_dtype(shape, dtype), columns, reflexive=True)


def multilinear(
    *,
    adjoints: Sequence[Rule] | Rule,
    shape: Callable[..., tuple[int, ...]],
    dtype: Callable[..., np.dtype[Any]] | None = None,
    **columns: Any,
) -> Decorator:
    """Derive both modes from the adjoints of a product, linear in each argument alone.

    ``adjoints[i](g, *args, **params)`` for each argument; a single callable
    ``adjoints(i, g, *args, **params)`` for any number of them. A tangent may be infinite: it enters
    in the product with 0·∞ = 0, if a card says by ``plain`` that it is that of this one.
    """
    rule = _rules(adjoints)

    def vjp(
        g: Cotangent, y: AnyArray, args: Sequence[Operand], params: Params, wanted: Sequence[Any]
    ) -> Sequence[AnyArray | None]:
        parts = []
        for i, want in enumerate(wanted):
            parts.append(rule(i)(g, *args, **params) if want else None)  # type: ignore[misc]
        return parts

    def jvp(
        tangents: Sequence[Any],
        y: AnyArray,
        args: Sequence[Operand],
        params: Params,
        itself: Primitive,
    ) -> AnyArray:
        product = STRONG.get(itself.name, itself)
        return add_all(
            product.bind([*args[:i], t, *args[i + 1 :]], params)
            for i, t in enumerate(tangents)
            if t is not None
        )

    columns.setdefault("finite", True)
    return _card("multilinear", vjp, jvp, _shape_and_dtype(shape, dtype), columns, reflexive=True)


def _rules(rules: Sequence[Rule | None] | Rule) -> Callable[[int], Rule | None]:
    """Return the rule of each position, from a list of them or a rule that is told the position."""
    if callable(rules):
        return lambda i: functools.partial(rules, i)
    return lambda i: rules[i] if i < len(rules) else None


def reduction(
    *, weights: Rule, shape: Callable[..., tuple[int, ...]] = reduced_shape, **columns: Any
) -> Decorator:
    """Derive both modes from the weight of every entry, for ``f(x, *, axis=None, keepdims=False)``.

    ``weights(y, x, **params)`` is ∂y/∂x, in x's shape; y is given with its reduced axes
    at size 1, so that it broadcasts against x.
    """

    def scale(g: Cotangent, y: AnyArray, x: AnyArray, params: Params) -> AnyArray:
        return _strong(g, weights(keep_axes(y, x, **params), x, **params))

    def vjp(
        g: Cotangent, y: AnyArray, args: Sequence[AnyArray], params: Params, wanted: Sequence[Any]
    ) -> Sequence[AnyArray | None]:
        return [scale(keep_axes(g, args[0], **params), y, args[0], params)]

    def jvp(
        tangents: Sequence[Any], y: AnyArray, args: Sequence[AnyArray], params: Params
    ) -> AnyArray:
        axis, keepdims = params["axis"], params["keepdims"]
        scaled = scale(tangents[0], y, args[0], params)
        return PRIMITIVES["sum"](scaled, axis=axis, keepdims=keepdims)

    def infer(forward: Callable[..., Any]) -> Callable[..., Spec]:
        def reduced_spec(x: Described, **params: object) -> Spec:
            others = {name: params[name] for name in params.keys() - {"axis", "keepdims"}}
            return Spec(shape(x, **params), _probe_dtype(forward, [x], others))

        return reduced_spec

    columns.setdefault("batch", along_axis)
    return _card("reduction", vjp, jvp, infer, columns)


def general(
    *,
    vjp: Rule,
    jvp: Rule,
    shape: Callable[..., tuple[int, ...]],
    dtype: Callable[..., np.dtype[Any]] | None = None,
    **columns: Any,
) -> Decorator:
    """Take both rules by hand.

    ``vjp(g, y, *args, **params)`` gives a cotangent for each argument, None for a constant;
    ``jvp(tangents, y, *args, **params)`` the output's tangent.
    """

    def pull(
        g: Cotangent, y: AnyArray, args: Sequence[Operand], params: Params, wanted: Sequence[Any]
    ) -> Any:
        return vjp(g, y, *args, **params)

    def push(
        tangents: Sequence[Any], y: AnyArray, args: Sequence[Operand], params: Params
    ) -> AnyArray:
        return jvp(tangents, y, *args, **params)

    return _card("general", pull, push, _shape_and_dtype(shape, dtype), columns)


def constant(
    *,
    shape: Callable[..., tuple[int, ...]] | None = None,
    dtype: Callable[..., np.dtype[Any]] | None = None,
    **columns: Any,
) -> Decorator:
    """Declare a primitive whose output does not vary smoothly: it cuts the graph."""

    def broadcast(*args: Operand, **_: object) -> tuple[int, ...]:
        return np.broadcast_shapes(*map(shape_of, args))

    def infer(forward: Callable[..., Any]) -> Callable[..., Spec]:
        def constant_spec(*args: Operand, **params: object) -> Spec:
            kind = dtype(*args, **params) if dtype else _probe_dtype(forward, args, params)
            return Spec((shape or broadcast)(*args, **params), kind)

        return constant_spec

    if shape is None:
        columns.setdefault("batch", entrywise)
    return _card("constant", None, None, infer, columns)


def add_all(parts: Iterable[Any]) -> Any:
    """Return the sum of one or more values; there is no 0 to begin with, which would be a node."""
    first, *rest = parts
    for part in rest:
        first = first + part
    return first


def _probe_dtype(forward: Rule, args: Sequence[Any], params: Params) -> np.dtype[Any]:
    """Ask NumPy for the result's dtype, on one entry of each argument.

    NumPy's table of promotions is thus nowhere repeated, whatever a forward function does.
    """
    kinds = [x.dtype if hasattr(x, "dtype") else x for x in args]
    return _probe(forward, params, *kinds) if params else _probe_once(forward, *kinds)


# The cache is typed, since 1, 1.0 and True are equal but promote differently. Calls with metadata,
# which need not be hashable, are not cached.
@functools.lru_cache(4096, typed=True)
def _probe_once(forward: Rule, *kinds: object) -> np.dtype[Any]:
    return _probe(forward, {}, *kinds)


def _probe(forward: Rule, params: Params, *kinds: object) -> np.dtype[Any]:
    ones = [np.ones((), kind) if isinstance(kind, np.dtype) else kind for kind in kinds]
    with np.errstate(all="ignore"):
        return forward(*ones, **params).dtype


def _shape_and_dtype(
    shape: Callable[..., tuple[int, ...]], dtype: Callable[..., np.dtype[Any]] | None
) -> Callable[[Rule], Callable[..., Spec]]:
    def infer(_: Rule) -> Callable[..., Spec]:
        def spec(*args: Operand, **params: object) -> Spec:
            promoted = dtype(*args, **params) if dtype else dtype_of(*args)
            return Spec(tuple(shape(*args, **params)), promoted)

        return spec

    return infer


def _card(
    kind: str,
    vjp: Rule | None,
    jvp: Rule | None,
    infer: Callable[[Rule], Callable[..., Spec]],
    columns: dict[str, Any],
    *,
    reflexive: bool = False,
) -> Decorator:
    """Build the decorator; a reflexive rule is told the primitive that it belongs to."""
    table = {name: columns.pop(name) for name in ("numpy", "method") if name in columns}
    facts = Facts(**{name: columns.pop(name) for name in _FACTS & columns.keys()})

    def decorate(forward: Callable[..., Any]) -> Primitive:
        primitive = Primitive(
            forward, kind=kind, vjp=vjp, jvp=jvp, infer=infer(forward), facts=facts, **columns
        )
        if reflexive and jvp is not None:
            primitive.jvp = lambda *rule_args: jvp(*rule_args, itself=primitive)
        return primitive.register(**table)

    return decorate
