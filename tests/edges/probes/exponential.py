"""Exponentials, logarithms and the sigmoids made of them, from -∞ to ∞."""

from math import exp, inf, log, nan

from .probe import (
    DERIVATIVE,
    LIMIT,
    NO_INFLUENCE,
    OUTSIDE,
    OVERFLOW,
    Family,
    at,
    gradient,
    hessian,
)

TAIL = exp(-40.0)
ROUNDED = "listed exception: of the rounded value alone, as in training an exponential costs time"
SHIFT = "derivative, with no cancellation (Goldberg 1991, theorem 4)"
HALF = "limit along the diagonal: half each"
MISH = "x * np.tanh(np.softplus(x))"
ENTROPY = "np.where(t > 0, t * (np.log(t) - np.log(p)), 0)"

FAMILY = Family(
    "Exponentials, logarithms and sigmoids",
    [
        gradient("np.exp(x)", at(x=[-inf, -1e4, 0.0]), [0, 0, 1], LIMIT),
        gradient("np.exp(x)", at(x=[1e4, inf]), [inf, inf], LIMIT),
        gradient("np.exp(x)", at(x=-745.0), 5e-324, DERIVATIVE, single=False, also=[0]),
        gradient("np.exp2(x)", at(x=[-1e5, 0.0]), [0, log(2)], DERIVATIVE, rtol=1e-6),
        gradient("np.expm1(x)", at(x=1e-20), 1, SHIFT, value=1e-20),
        gradient("np.expm1(x)", at(x=[-40.0, -1e4]), [TAIL, 0], SHIFT),
        gradient("np.log(x)", at(x=[0.0, inf]), [inf, 0], LIMIT),
        gradient("np.log(x)", at(x=-1.0), -1, OUTSIDE, value=nan, also=[nan]),
        gradient("np.log(x)", at(x=1e-300), 1e300, DERIVATIVE, single=False),
        gradient("np.log2(x)", at(x=0.0), inf, LIMIT),
        gradient("np.log10(x)", at(x=0.0), inf, LIMIT),
        gradient("np.log1p(x)", at(x=1e-20), 1, SHIFT, value=1e-20),
        gradient("np.log1p(x)", at(x=-1.0), inf, LIMIT),
        gradient("np.logaddexp(x, y)", at(x=1e3, y=1e3), (0.5, 0.5), OVERFLOW, value=1e3 + log(2)),
        gradient("np.logaddexp(x, y)", at(x=-1e4, y=1e4), (0, 1), LIMIT),
        gradient("np.logaddexp(x, y)", at(x=-inf, y=0.0), (0, 1), LIMIT),
        gradient("np.logaddexp(x, y)", at(x=inf, y=0.0), (1, 0), LIMIT),
        gradient(
            "np.logaddexp(x, y)",
            at(x=-inf, y=-inf),
            (0.5, 0.5),
            HALF,
            value=-inf,
            also=[(0, 0), (nan, nan)],
        ),
        gradient("np.logaddexp2(x, y)", at(x=1e4, y=1e4), (0.5, 0.5), OVERFLOW, value=1e4 + 1),
        gradient("np.sigmoid(x)", at(x=[-1e4, 1e4]), [0, 0], LIMIT, value=[0, 1]),
        gradient("np.sigmoid(x)", at(x=[-inf, inf]), [0, 0], LIMIT, value=[0, 1]),
        gradient("np.sigmoid(x)", at(x=[-745.0, 709.0]), [0, 0], LIMIT, atol=1e-300, single=False),
        gradient("np.sigmoid(x)", at(x=[-40.0, 1e-9]), [TAIL, 0.25], DERIVATIVE),
        gradient("np.sigmoid(x)", at(x=40.0), 0, ROUNDED, truth=(TAIL,)),
        gradient("np.logistic(x)", at(x=[-40.0, 40.0]), [TAIL, TAIL], DERIVATIVE),
        hessian("np.logistic(x)", at(x=40.0), -TAIL, DERIVATIVE),
        hessian("np.softplus(x)", at(x=40.0), TAIL, DERIVATIVE),
        gradient("1 / (1 + np.exp(-x))", at(x=[-1e4, 1e4]), [0, 0], OVERFLOW),
        hessian("np.sigmoid(x)", at(x=[-1e4]), 0, LIMIT),
        gradient("np.softplus(x)", at(x=[-1e4, 0.0, 1e4]), [0, 0.5, 1], LIMIT),
        gradient("np.softplus(x)", at(x=-40.0), TAIL, DERIVATIVE, value=TAIL),
        gradient("np.softplus(x)", at(x=[-inf, inf]), [0, 1], LIMIT, value=[0, inf]),
        hessian("np.softplus(x)", at(x=0.0), 0.25, DERIVATIVE),
        hessian("np.softplus(x)", at(x=1e4), 0, LIMIT),
        gradient("-np.softplus(-x)", at(x=[-1e4, 1e4]), [1, 0], LIMIT, value=[-1e4, 0]),
        gradient("x * np.sigmoid(x)", at(x=[-1e4, 0.0, 1e4]), [0, 0.5, 1], LIMIT),
        gradient(MISH, at(x=[-1e4, 1e4]), [0, 1], LIMIT),
        gradient(
            "np.where(x > 0, x, np.expm1(x))", at(x=[-1e4, 0.0, 1e4]), [0, 1, 1], NO_INFLUENCE
        ),
        gradient("np.tanh(x)", at(x=[-1e4, 1e-9, 1e4]), [0, 1, 0], LIMIT),
        gradient("np.tanh(x)", at(x=[-inf, inf]), [0, 0], LIMIT),
        gradient("np.tanh(x)", at(x=20.0), 0, ROUNDED, truth=(4 * TAIL,)),
        gradient("2 * np.logistic(2 * x) - 1", at(x=20.0), 4 * TAIL, DERIVATIVE),
        hessian("np.tanh(x)", at(x=1e4), 0, LIMIT),
        hessian("x * np.sigmoid(x)", at(x=40.0), 0, ROUNDED, truth=([[-38 * TAIL]],)),
        hessian("np.tanh(-1e8 * x) * x * x", at(x=1.0), -2, "derivative (jax-ml/jax#40315)"),
        gradient(
            ENTROPY,
            at(t=[0.0, 1.0], p=[0.5, 0.5]),
            ([0, 1 + log(2)], [0, -2]),
            NO_INFLUENCE,
            rtol=1e-6,
        ),
        gradient("np.log(np.exp(x))", at(x=-700.0), 1, DERIVATIVE, single=False, rtol=1e-12),
        gradient("x * np.exp(-x)", at(x=1e4), 0, LIMIT),
        gradient("np.exp(-1 / x ** 2)", at(x=0.0), 0, "derivative: flat to all orders"),
    ],
)
