"""A series is a value that moves along a line: the coefficients of its power series in t.

What a primitive does to series follows from what is known of it already. A linear one acts on each
coefficient, a product is a convolution of coefficients, and for everything else the push forward
is a differential equation: where x moves with the speed x', the result y = f(x) moves with the
speed y' = push(x', y, x). Its coefficients are found one after another, each from those before it,
which is the recurrence that textbooks give for each elementary function.

The push forward is a rule made of primitives, so that it applies to series in turn. Coefficients
are computed when they are asked for: sin needs those of cos, and cos those of sin, but of lower
order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from ..core import advice
from ..core.annotations import Operand, Params, Tree
from ..core.primitive import Primitive
from ..core.registry import PRIMITIVES, STRONG
from ..core.value import Value
from .sweep import fitted

# Gives the coefficient of an order from those of lower orders; None where it is 0 for sure.
Rule = Callable[[int], Any]


class Series(Value):
    """A value and the coefficients of its power series, which are computed when they are needed.

    ``data`` is the coefficient of order 0, an array or a value; there is no node.
    """

    __slots__ = ("_known", "_rule", "degree", "uses")
    rank = 4

    def __init__(self, data: Any, rule: Rule, degree: float) -> None:
        """Take the coefficient of order 0, the rule of the others, and the order of the last."""
        super().__init__(data, None)
        self._known = [data]
        self._rule = rule
        self.degree = degree
        # What was made of this series, so that sin, cos and sin again are two series, not many.
        self.uses: dict[Hashable, Series] = {}

    def coefficient(self, order: int) -> Any:
        """Return the coefficient of an order, None where it is 0 for sure."""
        if order > self.degree:
            return None
        while len(self._known) <= order:
            self._known.append(self._rule(len(self._known)))
        return self._known[order]

    def slope(self) -> Series | None:
        """Return the series of the derivative by t; None where it is 0."""
        if self.degree < 1:
            return None

        def rule(order: int) -> Any:
            found = self.coefficient(order + 1)
            return None if found is None else (order + 1) * found

        first = rule(0)
        return Series(
            np.zeros(self.shape, self.dtype) if first is None else first, rule, self.degree - 1
        )

    @classmethod
    def apply(cls, primitive: Primitive, args: Sequence[Operand], params: Params) -> Any:
        """Return the series of a primitive's result, or the result itself if it stays the same."""
        return moved(primitive, args, params)

    @classmethod
    def fallback(
        cls, function: Callable[..., Any], args: Tree, kwargs: Mapping[str, Any]
    ) -> NoReturn:
        """Refuse: a NumPy function without a card has no rule."""
        raise TypeError(f"taylor: {advice.full_name(function)} has no rule for power series")

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("taylor: a rule asks for the number of a power series, which moves")

    __bool__ = __int__ = __index__ = __float__ = __array__ = _refuse


def moved(primitive: Primitive, args: Sequence[Operand], params: Params, start: Any = None) -> Any:
    """Return the series of a primitive's result.

    Parameters
    ----------
    primitive : Primitive
    args : sequence of array or value
        At least one is a series.
    params : dict
    start : array or value, optional
        The result at t = 0, if it is known.
    """
    moving = [x for x in args if isinstance(x, Series)]
    key = _key(primitive, args, params)
    if key in moving[0].uses:
        return moving[0].uses[key]
    starts = [x.data if isinstance(x, Series) else x for x in args]
    if start is None:
        start = primitive.bind(starts, params)
    if primitive.jvp is None or primitive.facts.flat:
        return start
    if primitive.kind == "custom":
        raise TypeError(
            f"taylor: {primitive.name} has a rule of its own (or is a checkpoint), which takes "
            "no power series; write it with NumPy's functions, or nest ad.jvp"
        )
    series = _derived(primitive, args, starts, params, start)
    if key is not None:
        moving[0].uses[key] = series
    return series


def _key(primitive: Primitive, args: Sequence[Operand], params: Params) -> Hashable:
    """Return what is the same for the same operation; None if nobody can tell."""
    key = primitive.name, tuple(map(_identity, args)), tuple(params.items())
    try:
        hash(key)
    except TypeError:
        return None
    return key


def _identity(x: Operand) -> Hashable:
    # As text, since 0.0 and -0.0 are equal.
    return (type(x), repr(x)) if isinstance(x, (int, float)) else id(x)


def _derived(
    primitive: Primitive, args: Sequence[Any], starts: Sequence[Any], params: Params, start: Any
) -> Series:
    """Return the series that follows from the primitive's kind."""
    degrees = [x.degree if isinstance(x, Series) else 0 for x in args]
    product = STRONG.get(primitive.name, primitive)
    if primitive.analyses.series is not None:
        rule, degree = _given(primitive, args, params), math.inf
    elif primitive.kind == "linear" or not primitive.reads_numbers:
        rule, degree = _of_linear(primitive, args, starts, params, start), max(degrees)
    elif product.kind == "multilinear":
        rule, degree = _of_product(product, args, params), sum(degrees)
    else:
        rule, degree = _of_slope(primitive, args, params), math.inf
    series = Series(start, lambda order: _fitted(rule(series, order), start), degree)
    return series


def _fitted(part: Any, start: Any) -> Any:
    return None if part is None else fitted(part, start, PRIMITIVES["broadcast_to"])


def _of_linear(
    primitive: Primitive, args: Sequence[Any], starts: Sequence[Any], params: Params, start: Any
) -> Callable[[Series, int], Any]:
    """Apply the primitive to the coefficients of each order."""

    def rule(_: Series, order: int) -> Any:
        parts = [x.coefficient(order) if isinstance(x, Series) else None for x in args]
        if all(part is None for part in parts):
            return None
        return primitive.jvp(parts, start, starts, params)  # type: ignore[misc]

    return rule


def _of_product(
    product: Primitive, args: Sequence[Any], params: Params
) -> Callable[[Series, int], Any]:
    """Add up the products of coefficients whose orders have the sum that is asked for."""
    factors = [_coefficients(x) for x in args]

    def rule(_: Series, order: int) -> Any:
        return _total(product.bind(term, params) for term in _terms(factors, order))

    return rule


def _coefficients(x: Any) -> Rule:
    if isinstance(x, Series):
        return x.coefficient
    return lambda order: None if order else x


def _terms(factors: Sequence[Rule], order: int) -> Iterator[list[Any]]:
    """Yield a coefficient of each factor, such that their orders have a sum."""
    first, *rest = factors
    if not rest:
        last = first(order)
        if last is not None:
            yield [last]
        return
    for own in range(order + 1):
        part = first(own)
        if part is not None:
            for others in _terms(rest, order - own):
                yield [part, *others]


def _given(
    primitive: Primitive, args: Sequence[Any], params: Params
) -> Callable[[Series, int], Any]:
    """Ask the card's own rule."""
    factors = [_coefficients(x) for x in args]
    given: Any = primitive.analyses.series
    return lambda series, order: given(order, series.coefficient, factors, params)


def _of_slope(
    primitive: Primitive, args: Sequence[Any], params: Params
) -> Callable[[Series, int], Any]:
    """Integrate the speed of the result, which the push forward gives."""
    speeds: list[Any] = []

    def rule(series: Series, order: int) -> Any:
        if not speeds:  # made at first use: it asks for coefficients of other series
            slopes = [x.slope() if isinstance(x, Series) else None for x in args]
            is_moving = any(slope is not None for slope in slopes)
            push: Any = primitive.jvp
            speeds.append(push(slopes, series, args, params) if is_moving else None)
        found = _coefficients(speeds[0])(order - 1)
        return None if found is None else found / order

    return rule


def _total(parts: Iterator[Any]) -> Any:
    """Return the sum of values; None if there are none."""
    total = None
    for part in parts:
        total = part if total is None else total + part
    return total
