"""Elementwise operations lower entry by entry, broadcasting as NumPy does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...core.node import Node, Operation
from ...core.spec import Spec
from .entries import Entries, broadcast_rows, fill, kind_of
from .formats import FORMATS
from .functions import FUNCTIONS
from .nest import Element, Nest, Unlowerable

Make = Callable[..., Element]
Rule = Callable[[Nest, Operation, list[Entries]], Entries]


def spec_of(node: Node) -> Spec:
    """Return the shape and dtype of a node's result."""
    return node.output  # type: ignore[no-any-return]


def zip_entries(args: list[Entries], shape: tuple[int, ...], make: Make) -> Entries:
    """Return ``make`` of the elements that broadcasting brings together."""
    rows = broadcast_rows(args, len(shape))
    arrays = np.broadcast_arrays(*[arg.elements for arg in args])
    elements = fill(arrays[0].shape, lambda i: make(*(array[i] for array in arrays)))
    missing = len(shape) - elements.ndim
    return Entries(elements.reshape((1,) * missing + elements.shape), shape, rows)


def convert(nest: Nest, element: Element, kind: str) -> Element:
    """Return an element as another kind of number."""
    if element.kind == kind:
        return element
    if element.operation == "constant":
        return nest.constant(element.payload, kind)
    if kind == "i1":
        return nest.apply("not_equal", "i1", element, nest.constant(0, element.kind))
    if element.kind == "i1":
        one, zero = nest.constant(1, kind), nest.constant(0, kind)
        return nest.apply("where", kind, element, one, zero)
    if kind in FORMATS or element.kind not in FORMATS:
        return nest.apply("convert", kind, element)
    raise Unlowerable("astype: a float becomes an integer")


def arithmetic(operation: str) -> Rule:
    """Return the rule of an operation whose arguments have its result's kind."""

    def rule(nest: Nest, node: Operation, args: list[Entries]) -> Entries:
        kind = kind_of(spec_of(node).dtype)
        if kind == "i1":
            raise Unlowerable(f"{operation} of booleans")

        def make(*elements: Element) -> Element:
            same = (convert(nest, element, kind) for element in elements)
            return _shortened(nest, operation, *same)

        return zip_entries(args, spec_of(node).shape, make)

    return rule


def _shortened(nest: Nest, operation: str, *args: Element) -> Element:
    """Apply an operation, or what is the same and costs less."""
    kind = args[0].kind
    one = nest.constant(1, kind)
    if operation == "multiply" and one in args:
        return args[0] if args[1] is one else args[1]
    if operation == "divide" and _halves_exactly(args[1]):
        return nest.apply("multiply", kind, args[0], nest.constant(1 / args[1].payload, kind))
    return nest.apply(operation, kind, *args)


def _halves_exactly(divisor: Element) -> bool:
    """Return whether a division by a constant is exactly a multiplication."""
    if divisor.operation != "constant" or divisor.kind not in FORMATS:
        return False
    number = abs(divisor.payload)
    return bool(2.0**-60 < number < 2.0**60 and np.frexp(number)[0] == 0.5)


def comparison(operation: str) -> Rule:
    """Return the rule of a comparison, made in the kind that its arguments promote to."""

    def rule(nest: Nest, node: Operation, args: list[Entries]) -> Entries:
        known = [arg.dtype if hasattr(arg, "dtype") else arg for arg in node.args]
        kind = kind_of(np.result_type(*known))
        if kind == "i1":
            raise Unlowerable(f"{operation} of booleans")
        return zip_entries(
            args,
            spec_of(node).shape,
            lambda x, y: nest.apply(
                operation, "i1", convert(nest, x, kind), convert(nest, y, kind)
            ),
        )

    return rule


def logical(operation: str) -> Rule:
    """Return the rule of an operation on truth values."""

    def rule(nest: Nest, node: Operation, args: list[Entries]) -> Entries:
        if spec_of(node).dtype != np.bool_:
            raise Unlowerable(f"{operation} of integers")

        def make(*elements: Element) -> Element:
            return nest.apply(operation, "i1", *(convert(nest, x, "i1") for x in elements))

        return zip_entries(args, spec_of(node).shape, make)

    return rule


def test(operation: str) -> Rule:
    """Return the rule of a question about one float."""

    def rule(nest: Nest, node: Operation, args: list[Entries]) -> Entries:
        if args[0].kind not in FORMATS:
            raise Unlowerable(f"{operation} of integers")
        return zip_entries(args, spec_of(node).shape, lambda x: nest.apply(operation, "i1", x))

    return rule


def lower_where(nest: Nest, node: Operation, args: list[Entries]) -> Entries:
    """Lower a choice between two arrays."""
    kind = kind_of(spec_of(node).dtype)

    def make(condition: Element, x: Element, y: Element) -> Element:
        chosen = convert(nest, x, kind), convert(nest, y, kind)
        return nest.apply("where", kind, convert(nest, condition, "i1"), *chosen)

    return zip_entries(args, spec_of(node).shape, make)


def lower_cast(nest: Nest, node: Operation, args: list[Entries]) -> Entries:
    """Lower a conversion, or what leaves numbers as they are."""
    kind = kind_of(spec_of(node).dtype)
    return zip_entries(args, spec_of(node).shape, lambda x: convert(nest, x, kind))


def lower_requirement(nest: Nest, node: Operation, args: list[Entries]) -> Entries:
    """Let a value through; that its condition does not hold is a doubt."""
    value, holds = args
    for element in holds.elements.flat:
        nest.doubts.append(nest.apply("logical_not", "i1", convert(nest, element, "i1")))
    return value


def lower_labels(nest: Nest, node: Node, args: list[Entries]) -> Entries:
    """Let labels through; one that is no class is a doubt."""
    classes = (node.params or {})["classes"]
    for label in args[0].elements.flat:
        low, high = nest.constant(0, label.kind), nest.constant(classes, label.kind)
        nest.doubts.append(nest.apply("less", "i1", label, low))
        nest.doubts.append(nest.apply("greater_equal", "i1", label, high))
    return args[0]


def floating(operation: str) -> Rule:
    """Return the rule of a function of floats."""
    rule = arithmetic(operation)

    def of_floats(nest: Nest, node: Operation, args: list[Entries]) -> Entries:
        if kind_of(spec_of(node).dtype) not in FORMATS:
            raise Unlowerable(f"{operation} of integers")
        return rule(nest, node, args)

    return of_floats


def lower_clip(nest: Nest, node: Operation, args: list[Entries]) -> Entries:
    """Lower the limitation to an interval."""
    kind = kind_of(spec_of(node).dtype)

    def make(x: Element, low: Element, high: Element) -> Element:
        x, low, high = (convert(nest, element, kind) for element in (x, low, high))
        return nest.apply("minimum", kind, nest.apply("maximum", kind, x, low), high)

    return zip_entries(args, spec_of(node).shape, make)


# Greater powers of ten are not exact, and soon not finite.
_MOST_DECIMALS = 22


def lower_round(nest: Nest, node: Operation, args: list[Entries]) -> Entries:
    """Lower rounding to some decimals, by NumPy's way: scale, round, scale back."""
    kind, decimals = kind_of(spec_of(node).dtype), node.params["decimals"]
    if kind not in FORMATS:
        raise Unlowerable("round of integers")
    if abs(decimals) > _MOST_DECIMALS:
        raise Unlowerable(f"round to {decimals} decimals")
    scale = nest.constant(10.0 ** abs(decimals), kind)
    before, after = ("multiply", "divide") if decimals > 0 else ("divide", "multiply")

    def make(x: Element) -> Element:
        x = convert(nest, x, kind)
        scaled = nest.apply(before, kind, x, scale) if decimals else x
        rounded = nest.apply("rint", kind, scaled)
        return nest.apply(after, kind, rounded, scale) if decimals else rounded

    return zip_entries(args, spec_of(node).shape, make)


def lower_ldexp(nest: Nest, node: Operation, args: list[Entries]) -> Entries:
    """Lower the scaling by powers of two, whose exponents stay integers."""
    kind = kind_of(spec_of(node).dtype)

    def make(x: Element, n: Element) -> Element:
        exponent = convert(nest, n, "i32") if n.kind == "i1" else n
        return nest.apply("ldexp", kind, convert(nest, x, kind), exponent)

    return zip_entries(args, spec_of(node).shape, make)


def lower_power(nest: Nest, node: Operation, args: list[Entries]) -> Entries:
    """Lower a power; those with a few constants are products, a root or a quotient."""
    kind = kind_of(spec_of(node).dtype)
    if kind not in FORMATS:
        raise Unlowerable("power of integers")

    def make(x: Element, y: Element) -> Element:
        return _power(nest, convert(nest, x, kind), convert(nest, y, kind))

    return zip_entries(args, spec_of(node).shape, make)


def _power(nest: Nest, x: Element, y: Element) -> Element:
    exponent = y.payload if y.operation == "constant" else None
    if exponent == 0.5:
        return nest.apply("sqrt", x.kind, x)
    if exponent == -1:
        return nest.apply("divide", x.kind, nest.constant(1, x.kind), x)
    if exponent not in (1, 2, 3, 4):
        return nest.apply("power", x.kind, x, y)
    result = x
    if exponent >= 2:
        result = nest.apply("multiply", x.kind, x, x)
    if exponent == 4:
        return nest.apply("multiply", x.kind, result, result)
    return nest.apply("multiply", x.kind, result, x) if exponent == 3 else result


def _named(make: Callable[[str], Rule], names: str) -> dict[str, Rule]:
    return {name: make(name) for name in names.split()}


RULES: dict[str, Rule] = {
    **{name: floating(name) for name in FUNCTIONS},
    **_named(arithmetic, "add subtract multiply divide negative maximum minimum absolute sign"),
    **_named(arithmetic, "relu square"),
    **_named(floating, "sqrt reciprocal deg2rad rad2deg floor ceil trunc rint"),
    # Two comparisons cost less than to look for NaN, and to do the work again.
    "strong_multiply": arithmetic("strong_multiply"),
    "fabs": arithmetic("absolute"),
    "logistic": arithmetic("sigmoid"),
    **_named(comparison, "less less_equal greater greater_equal equal not_equal"),
    **_named(logical, "logical_and logical_or logical_xor logical_not"),
    **_named(logical, "bitwise_and bitwise_or bitwise_xor invert"),
    **_named(test, "isnan isfinite isinf signbit"),
    "clip": lower_clip,
    "ldexp": lower_ldexp,
    "round": lower_round,
    "required": lower_requirement,
    "class_labels": lower_labels,
    "where": lower_where,
    "power": lower_power,
    **dict.fromkeys(("positive", "stop_gradient", "astype"), lower_cast),
}
