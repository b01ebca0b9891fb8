"""Powers, roots and quotients at zeros, at infinity and beyond the range of their squares."""

from math import inf, nan, sqrt

import numpy as np

from .probe import (
    DERIVATIVE,
    LEAST_NORM,
    LIMIT,
    NO_INFLUENCE,
    OVERFLOW,
    Family,
    at,
    gradient,
    hessian,
)

TORCH_POW = "convention at a jump: 0 (PyTorch: torch.pow)"
POLE = "derivative from the right"
STEEP = "limit of the derivative: a vertical tangent"
QUOTIENT = "no value, nor a limit: the quotients that the formulas give"
CIRCLE = "convention: sub-gradient of least norm, as of norm"

FAMILY = Family(
    "Powers, roots and quotients",
    [
        gradient("x ** y", at(x=0.0, y=0.0), (0, 0), TORCH_POW, value=1, also=[(0, -inf)]),
        gradient("x ** y", at(x=0.0, y=1.0), (1, 0), LIMIT),
        gradient("x ** y", at(x=0.0, y=2.0), (0, 0), LIMIT),
        gradient("x ** y", at(x=0.0, y=0.5), (inf, 0), STEEP),
        gradient("x ** y", at(x=0.0, y=-1.0), (-inf, -inf), LIMIT),
        gradient("x ** y", at(x=inf, y=0.0), (0, inf), LIMIT),
        gradient("x ** 3.0", at(x=-2.0), 12, DERIVATIVE),
        gradient("x ** n", at(x=-2.0, n=3), 12, DERIVATIVE),
        gradient("x ** n", at(x=[0.0, 0.0, 0.0], n=[0, 1, 2]), [0, 1, 0], DERIVATIVE),
        gradient("x ** 0.0", at(x=[-1.0, 0.0, inf]), [0, 0, 0], DERIVATIVE),
        gradient("x ** -1.0", at(x=0.0), -inf, POLE),
        gradient("x ** 2", at(x=1e200), 2e200, OVERFLOW, single=False),
        gradient("np.square(x)", at(x=[0.0, -1e200]), [0, -2e200], OVERFLOW, single=False),
        gradient("2.0 ** x", at(x=-1e5), 0, LIMIT),
        gradient("0.0 ** x", at(x=2.0), 0, DERIVATIVE),
        gradient("0.0 ** x", at(x=0.0), 0, TORCH_POW, value=1, also=[-inf]),
        gradient("np.sqrt(x)", at(x=0.0), inf, STEEP),
        gradient("np.sqrt(x)", at(x=-0.0), -inf, "infinite, with the sign of the root", also=[inf]),
        gradient("np.sqrt(x)", at(x=inf), 0, LIMIT),
        gradient("np.sqrt(x)", at(x=1e-300), 5e149, DERIVATIVE, single=False),
        gradient("np.sqrt(x * x)", at(x=0.0), 0, LEAST_NORM, also=[1, -1]),
        gradient("(x ** 2) ** 0.5", at(x=0.0), 0, LEAST_NORM, also=[1, -1]),
        gradient("np.sqrt(x * x + y * y)", at(x=0.0, y=0.0), (0, 0), LEAST_NORM),
        gradient("np.sqrt(x)", at(x=-1.0), nan, "outside of the domain: NaN, as the value"),
        gradient("np.cbrt(x)", at(x=[0.0, -8.0]), [inf, 1 / 12], STEEP),
        gradient("np.hypot(x, y)", at(x=0.0, y=0.0), (0, 0), CIRCLE, also=[(0.5, 0.5)]),
        gradient(
            "np.hypot(x, y)", at(x=1e200, y=1e200), (sqrt(0.5), sqrt(0.5)), OVERFLOW, single=False
        ),
        gradient("np.hypot(x, y)", at(x=3e-200, y=4e-200), (0.6, 0.8), OVERFLOW, single=False),
        gradient("np.hypot(x, y)", at(x=inf, y=1.0), (1, 0), LIMIT),
        hessian("np.hypot(x, y)", at(x=1e8, y=2.0), [[4e-24, -2e-16], [-2e-16, 1e-8]], DERIVATIVE),
        gradient("x / y", at(x=1.0, y=0.0), (inf, -inf), POLE),
        gradient("x / y", at(x=0.0, y=0.0), (inf, nan), QUOTIENT, also=[(nan, nan)]),
        gradient("x / y", at(x=0.0, y=2.0), (0.5, 0), DERIVATIVE),
        gradient("x / y", at(x=1.0, y=inf), (0, 0), LIMIT),
        gradient("x / y", at(x=1e200, y=1e200), (1e-200, -1e-200), OVERFLOW, single=False),
        gradient("x / y", at(x=1e-200, y=1e-200), (1e200, -1e200), OVERFLOW, single=False),
        gradient("np.reciprocal(x)", at(x=[0.0, inf]), [-inf, 0], LIMIT),
        gradient("np.where(x > 0, x ** -0.5, 0)", at(x=0.0), 0, NO_INFLUENCE),
        hessian("x ** 1.0", at(x=0.0), 0, DERIVATIVE),
        hessian("x ** 2", at(x=0.0), 2, DERIVATIVE),
        hessian("x ** 3.0", at(x=0.0), 0, DERIVATIVE),
        hessian("x ** 1.5", at(x=0.0), inf, LIMIT),
        hessian("x ** n", at(x=0.0, n=np.array(2)), 2, DERIVATIVE),
        hessian("x ** y", at(x=0.0, y=2.0), [[2, 0], [0, 0]], LIMIT),
        hessian("np.sqrt(x)", at(x=0.0), -inf, LIMIT),
        hessian("np.sqrt(x)", at(x=inf), 0, LIMIT),
        hessian("y * np.sqrt(x)", at(x=4.0, y=0.0), [[0, 0.25], [0.25, 0]], DERIVATIVE),
        hessian("x / y", at(x=0.0, y=1.0), [[0, -1], [-1, 0]], DERIVATIVE),
        hessian("x / y", at(x=1.0, y=inf), [[0, 0], [0, 0]], LIMIT),
    ],
)
