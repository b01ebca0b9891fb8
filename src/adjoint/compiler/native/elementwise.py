"""The rules of elementwise operations: entry by entry, broadcast as NumPy does.

A rule takes a kernel, an operation and the entries of its operands, and returns the entries of the
result. It raises `Unlowerable` where native arithmetic would differ from NumPy's.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...core.node import Node, Operation
from ...core.spec import Spec
from .entries import Entries, broadcast_rows, fill, kind_of
from .formats import FORMATS
from .functions import FUNCTIONS
from .kernel import Element, Kernel
from .unlowerable import Unlowerable

Make = Callable[..., Element]
Rule = Callable[[Kernel, Operation, list[Entries]], Entries]


def spec_of(node: Node) -> Spec:
    """Return the shape and dtype of a node's result."""
    return node.output  # type: ignore[no-any-return]


def zip_entries(args: list[Entries], shape: tuple[int, ...], make: Make) -> Entries:
    """Return ``make(x, y, …)`` for the elements that broadcasting brings together."""
    rows = broadcast_rows(args, len(shape))
    arrays = np.broadcast_arrays(*[arg.elements for arg in args])
    elements = fill(arrays[0].shape, lambda i: make(*(array[i] for array in arrays)))
    missing = len(shape) - elements.ndim
    return Entries(elements.reshape((1,) * missing + elements.shape), shape, rows)


def convert(kernel: Kernel, element: Element, kind: str) -> Element:
    """Return an element as another kind of number."""
    if element.kind == kind:
        return element
    # A constant is converted now, once.
    if element.operation == "constant":
        return kernel.constant(element.payload, kind)
    if kind == "i1":
        return kernel.apply("not_equal", "i1", element, kernel.constant(0, element.kind))
    if element.kind == "i1":
        one, zero = kernel.constant(1, kind), kernel.constant(0, kind)
        return kernel.apply("where", kind, element, one, zero)
    # A float out of range has no defined integer, neither in LLVM nor in NumPy.
    if kind in FORMATS or element.kind not in FORMATS:
        return kernel.apply("convert", kind, element)
    raise Unlowerable("astype: a float becomes an integer")


def arithmetic(operation: str) -> Rule:
    """Return the rule of an operation whose operands are converted to the kind of its result."""

    def rule(kernel: Kernel, node: Operation, args: list[Entries]) -> Entries:
        kind = kind_of(spec_of(node).dtype)
        if kind == "i1":
            raise Unlowerable(f"{operation} of booleans")

        def make(*elements: Element) -> Element:
            same = (convert(kernel, element, kind) for element in elements)
            return _shortened(kernel, operation, *same)

        return zip_entries(args, spec_of(node).shape, make)

    return rule


def _shortened(kernel: Kernel, operation: str, *args: Element) -> Element:
    """Apply an operation, or one that gives the same bits and costs less."""
    kind = args[0].kind
    # Equal constants are one object, see `Kernel`.
    one = kernel.constant(1, kind)
    if operation == "multiply" and one in args:
        return args[0] if args[1] is one else args[1]
    if operation == "divide" and _halves_exactly(args[1]):
        return kernel.apply("multiply", kind, args[0], kernel.constant(1 / args[1].payload, kind))
    if operation == "exp":
        return _exp(kernel, *args)
    if operation == "logaddexp" and any(_is_constant(x, 0) for x in args):
        return kernel.apply("softplus", kind, args[1] if _is_constant(args[0], 0) else args[0])
    if operation == "divide" and _is_constant(args[0], 1):
        x = _exponent_beside_one(args[1])
        if x is not None:
            return kernel.apply("sigmoid", kind, x)
    return kernel.apply(operation, kind, *args)


def _is_constant(x: Element, number: float) -> bool:
    return x.operation == "constant" and bool(x.payload == number)


def _exponent_beside_one(x: Element) -> Element | None:
    """Return y if an element is 1 + e⁻ʸ."""
    if x.operation != "add":
        return None
    one, power = x.args if _is_constant(x.args[0], 1) else x.args[::-1]
    if not _is_constant(one, 1) or power.operation != "exp":
        return None
    (exponent,) = power.args
    return exponent.args[0] if exponent.operation == "negative" else None


def _exp(kernel: Kernel, x: Element) -> Element:
    """Return eˣ; two numbers less the greater of them take one exponential, the other is e⁰."""
    if x.operation == "negative" and x.args[0].operation == "softplus":
        # 1 / (1 + eʸ), whose logarithm would lose digits where it is large.
        (y,) = x.args[0].args
        opposite = y.args[0] if y.operation == "negative" else kernel.apply("negative", y.kind, y)
        return kernel.apply("expit", x.kind, opposite)
    if x.operation == "log_expit":
        return kernel.apply("expit", x.kind, *x.args)
    pair = _pair_less_greater(kernel, x)
    if pair is None:
        return kernel.apply("exp", x.kind, x)
    kind, (first, second) = x.kind, pair
    zero, one = kernel.constant(0.0, kind), kernel.constant(1.0, kind)
    # NaN counts as greater, so that the exponential is that of a number if there is one.
    is_less = kernel.apply("less", "i1", first, second)
    is_less = kernel.apply("logical_or", "i1", is_less, kernel.apply("isnan", "i1", second))
    power = kernel.apply("exp", kind, kernel.apply("where", kind, is_less, first, second))
    # The greater is 0, or not finite: then this is e to its power, too.
    greater = kernel.apply("where", kind, is_less, second, first)
    limit = kernel.apply("maximum", kind, greater, zero)
    other = kernel.apply("where", kind, kernel.apply("equal", "i1", greater, zero), one, limit)
    chosen = (power, other) if x is first else (other, power)
    return kernel.apply("where", kind, is_less, *chosen)


def _pair_less_greater(kernel: Kernel, x: Element) -> list[Element] | None:
    """Return a - m and b - m if x is one of them and m = max(a, b), or 0 where that is infinite."""
    if x.operation != "subtract":
        return None
    number, shift = x.args
    greater = shift
    if shift.operation == "where" and shift.args[2] is kernel.constant(0.0, x.kind):
        condition, greater, _ = shift.args
        if condition.operation != "isfinite" or condition.args[0] is not greater:
            return None
    if greater.operation != "maximum" or number not in greater.args:
        return None
    return [kernel.apply("subtract", x.kind, each, shift) for each in greater.args]


def _halves_exactly(divisor: Element) -> bool:
    """Return whether 1 / divisor is exact: a power of two, far from the ends of the range."""
    if divisor.operation != "constant" or divisor.kind not in FORMATS:
        return False
    number = abs(divisor.payload)
    return bool(2.0**-60 < number < 2.0**60 and np.frexp(number)[0] == 0.5)


def comparison(operation: str) -> Rule:
    """Return the rule of a comparison, in the kind to which its operands promote."""

    def rule(kernel: Kernel, node: Operation, args: list[Entries]) -> Entries:
        known = [arg.dtype if hasattr(arg, "dtype") else arg for arg in node.args]
        kind = kind_of(np.result_type(*known))
        if kind == "i1":
            raise Unlowerable(f"{operation} of booleans")
        return zip_entries(
            args,
            spec_of(node).shape,
            lambda x, y: kernel.apply(
                operation, "i1", convert(kernel, x, kind), convert(kernel, y, kind)
            ),
        )

    return rule


def logical(operation: str) -> Rule:
    """Return the rule of an operation on truth values."""

    def rule(kernel: Kernel, node: Operation, args: list[Entries]) -> Entries:
        if spec_of(node).dtype != np.bool_:
            raise Unlowerable(f"{operation} of integers")

        def make(*elements: Element) -> Element:
            return kernel.apply(operation, "i1", *(convert(kernel, x, "i1") for x in elements))

        return zip_entries(args, spec_of(node).shape, make)

    return rule


def test(operation: str) -> Rule:
    """Return the rule of a test of one float, such as `isnan`."""

    def rule(kernel: Kernel, node: Operation, args: list[Entries]) -> Entries:
        if args[0].kind not in FORMATS:
            raise Unlowerable(f"{operation} of integers")
        return zip_entries(args, spec_of(node).shape, lambda x: kernel.apply(operation, "i1", x))

    return rule


def lower_where(kernel: Kernel, node: Operation, args: list[Entries]) -> Entries:
    """Lower `where`, a choice between two arrays."""
    kind = kind_of(spec_of(node).dtype)

    def make(condition: Element, x: Element, y: Element) -> Element:
        chosen = convert(kernel, x, kind), convert(kernel, y, kind)
        return kernel.apply("where", kind, convert(kernel, condition, "i1"), *chosen)

    return zip_entries(args, spec_of(node).shape, make)


def lower_cast(kernel: Kernel, node: Operation, args: list[Entries]) -> Entries:
    """Lower a conversion to another dtype, or an operation that changes nothing."""
    kind = kind_of(spec_of(node).dtype)
    return zip_entries(args, spec_of(node).shape, lambda x: convert(kernel, x, kind))


def lower_requirement(kernel: Kernel, node: Operation, args: list[Entries]) -> Entries:
    """Return the value as it is; the result is in doubt if the requirement does not hold."""
    value, holds = args
    for element in holds.elements.flat:
        kernel.doubts.append(kernel.apply("logical_not", "i1", convert(kernel, element, "i1")))
    return value


def lower_labels(kernel: Kernel, node: Node, args: list[Entries]) -> Entries:
    """Return labels as they are; the result is in doubt if one is not a class."""
    classes = (node.params or {})["classes"]
    for label in args[0].elements.flat:
        low, high = kernel.constant(0, label.kind), kernel.constant(classes, label.kind)
        kernel.doubts.append(kernel.apply("less", "i1", label, low))
        kernel.doubts.append(kernel.apply("greater_equal", "i1", label, high))
    return args[0]


def floating(operation: str) -> Rule:
    """Return the rule of a function that is defined for floats only."""
    rule = arithmetic(operation)

    def of_floats(kernel: Kernel, node: Operation, args: list[Entries]) -> Entries:
        if kind_of(spec_of(node).dtype) not in FORMATS:
            raise Unlowerable(f"{operation} of integers")
        return rule(kernel, node, args)

    return of_floats


def lower_clip(kernel: Kernel, node: Operation, args: list[Entries]) -> Entries:
    """Lower `clip`, which limits numbers to an interval."""
    kind = kind_of(spec_of(node).dtype)

    def make(x: Element, low: Element, high: Element) -> Element:
        x, low, high = (convert(kernel, element, kind) for element in (x, low, high))
        return kernel.apply("minimum", kind, kernel.apply("maximum", kind, x, low), high)

    return zip_entries(args, spec_of(node).shape, make)


# 10²² is the greatest power of ten that float64 has exactly.
_MOST_DECIMALS = 22


def lower_round(kernel: Kernel, node: Operation, args: list[Entries]) -> Entries:
    """Lower rounding to decimals as NumPy computes it: scale, round, scale back."""
    kind, decimals = kind_of(spec_of(node).dtype), node.params["decimals"]
    if kind not in FORMATS:
        raise Unlowerable("round of integers")
    if abs(decimals) > _MOST_DECIMALS:
        raise Unlowerable(f"round to {decimals} decimals")
    scale = kernel.constant(10.0 ** abs(decimals), kind)
    before, after = ("multiply", "divide") if decimals > 0 else ("divide", "multiply")

    def make(x: Element) -> Element:
        x = convert(kernel, x, kind)
        scaled = kernel.apply(before, kind, x, scale) if decimals else x
        rounded = kernel.apply("rint", kind, scaled)
        return kernel.apply(after, kind, rounded, scale) if decimals else rounded

    return zip_entries(args, spec_of(node).shape, make)


def lower_ldexp(kernel: Kernel, node: Operation, args: list[Entries]) -> Entries:
    """Lower `ldexp`, a product with a power of two whose exponent is an integer."""
    kind = kind_of(spec_of(node).dtype)

    def make(x: Element, n: Element) -> Element:
        exponent = convert(kernel, n, "i32") if n.kind == "i1" else n
        return kernel.apply("ldexp", kind, convert(kernel, x, kind), exponent)

    return zip_entries(args, spec_of(node).shape, make)


def lower_power(kernel: Kernel, node: Operation, args: list[Entries]) -> Entries:
    """Lower a power; some constant exponents become products, a root or a quotient."""
    kind = kind_of(spec_of(node).dtype)
    if kind not in FORMATS:
        raise Unlowerable("power of integers")

    def make(x: Element, y: Element) -> Element:
        return _power(kernel, convert(kernel, x, kind), convert(kernel, y, kind))

    return zip_entries(args, spec_of(node).shape, make)


def _power(kernel: Kernel, x: Element, y: Element) -> Element:
    exponent = y.payload if y.operation == "constant" else None
    if exponent == 0.5:
        return kernel.apply("sqrt", x.kind, x)
    if exponent == -1:
        return kernel.apply("divide", x.kind, kernel.constant(1, x.kind), x)
    if exponent not in (1, 2, 3, 4):
        return kernel.apply("power", x.kind, x, y)
    result = x
    if exponent >= 2:
        result = kernel.apply("multiply", x.kind, x, x)
    if exponent == 4:
        return kernel.apply("multiply", x.kind, result, result)
    return kernel.apply("multiply", x.kind, result, x) if exponent == 3 else result


def _named(make: Callable[[str], Rule], names: str) -> dict[str, Rule]:
    return {name: make(name) for name in names.split()}


RULES: dict[str, Rule] = {
    **{name: floating(name) for name in FUNCTIONS},
    **_named(arithmetic, "add subtract multiply divide negative maximum minimum absolute sign"),
    **_named(arithmetic, "relu square"),
    **_named(floating, "sqrt reciprocal deg2rad rad2deg floor ceil trunc rint"),
    # Not a plain product with a check for NaN, as in NumPy code: two comparisons cost less here.
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
