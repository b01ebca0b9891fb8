"""Programs: constants, unused arguments, values used twice, Python's own control flow."""

from math import inf, nan

from .probe import DERIVATIVE, Family, at, gradient, hessian

UNUSED = "derivative of what does not depend on the argument"
TWICE = "derivative: a value used twice gets both gradients"

FAMILY = Family(
    "Programs",
    [
        gradient("x * 1.0", at(x=3.0, y=2.0), (1, 0), UNUSED),
        gradient("x * 0", at(x=[1.0, 2.0]), [0, 0], DERIVATIVE),
        gradient("5.0 + 0 * x", at(x=3.0), 0, UNUSED),
        gradient("x - x", at(x=3.0), 0, TWICE),
        gradient("x + x", at(x=3.0), 2, TWICE),
        gradient("x / x", at(x=3.0), 0, TWICE, atol=1e-7),
        gradient("x * x * x", at(x=-2.0), 12, TWICE),
        gradient("x", at(x=3.0), 1, DERIVATIVE),
        gradient("x if x > 2 else -x", at(x=3.0), 1, "derivative of the branch taken"),
        gradient("sum([x * k for k in range(4)])", at(x=3.0), 6, TWICE),
        gradient("max(x, y)", at(x=3.0, y=2.0), (1, 0), "derivative: Python's max picks one"),
        gradient(
            "y = [x]; [y.append(y[-1] * 1.0) for _ in range(500)]; y[-1]",
            at(x=2.0),
            1,
            "derivative: a long chain needs no recursion",
        ),
        gradient(
            "np.exp(x) * 0",
            at(x=1e4),
            0,
            "derivative of 0, where ∞·0 is NaN",
            value=nan,
            also=[nan],
        ),
        gradient("(x - y) ** 2", at(x=inf, y=0.0), (inf, -inf), DERIVATIVE),
        hessian("x * y", at(x=0.0, y=0.0), [[0, 1], [1, 0]], DERIVATIVE),
        hessian("x * 2.0", at(x=3.0), 0, UNUSED),
        hessian("np.floor(x) * x", at(x=2.5), 0, UNUSED),
    ],
)
