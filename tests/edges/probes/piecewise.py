"""Kinks and jumps: absolute values, maxima of two, bounds, branches, rounding."""

from math import inf, nan

from .probe import (
    BOUND,
    DERIVATIVE,
    FLAT,
    HALVES,
    LEAST_NORM,
    LIMIT,
    NO_INFLUENCE,
    UNDEFINED,
    Family,
    at,
    gradient,
    hessian,
)

HUBER = "np.where(np.abs(x) <= 1, 0.5 * x * x, np.abs(x) - 0.5)"
IGNORES_NAN = "derivative: NaN counts as missing (NumPy: fmax)"
NAN = "no derivative: the value NaN says so; the mask is false there"
CROSSED = "derivative: of crossed bounds the upper one holds (NumPy: clip; PyTorch: clamp)"
RIGHT_PIECE = "convention at the jump: the right piece's (PyTorch: torch.remainder)"

FAMILY = Family(
    "Kinks, jumps and branches",
    [
        gradient("np.abs(x)", at(x=0.0), 0, LEAST_NORM, also=[1, -1]),
        gradient("np.abs(x)", at(x=-0.0), 0, LEAST_NORM, also=[1, -1]),
        gradient("np.abs(x)", at(x=[-inf, -1e-300, inf]), [-1, -1, 1], DERIVATIVE, single=False),
        gradient("np.abs(x - y)", at(x=1.0, y=1.0), (0, 0), LEAST_NORM, also=[(1, -1), (-1, 1)]),
        hessian("np.abs(x)", at(x=0.0), 0, LEAST_NORM),
        hessian("x * np.abs(x)", at(x=0.0), 0, LEAST_NORM, also=[2, -2]),
        gradient("np.relu(x)", at(x=0.0), 0, LEAST_NORM, also=[0.5, 1]),
        gradient("np.relu(x)", at(x=[-inf, inf]), [0, 1], DERIVATIVE),
        hessian("np.relu(x) ** 2", at(x=0.0), 0, LEAST_NORM, also=[0.5, 2]),
        gradient("np.sign(x)", at(x=[-2.0, 0.0, 2.0]), [0, 0, 0], FLAT),
        gradient("np.sign(x) * x", at(x=-2.0), -1, DERIVATIVE),
        gradient("np.maximum(x, y)", at(x=2.0, y=2.0), (0.5, 0.5), HALVES, also=[(1, 0), (0, 1)]),
        gradient("np.minimum(x, y)", at(x=2.0, y=2.0), (0.5, 0.5), HALVES, also=[(1, 0), (0, 1)]),
        gradient("np.maximum(x, y)", at(x=inf, y=inf), (0.5, 0.5), HALVES, also=[(1, 0), (0, 1)]),
        gradient("np.maximum(x, y)", at(x=-inf, y=0.0), (0, 1), DERIVATIVE),
        gradient("np.maximum(x, 0.0)", at(x=0.0), 0.5, HALVES, also=[0, 1]),
        gradient("np.maximum(x, -x)", at(x=0.0), 0, LEAST_NORM, also=[1, -1]),
        gradient(
            "np.maximum(x, y)", at(x=nan, y=1.0), (0, 0), NAN, value=nan, also=[(1, 0), (1, 1)]
        ),
        gradient("np.fmax(x, y)", at(x=nan, y=1.0), (0, 1), IGNORES_NAN, value=1),
        gradient("np.fmin(x, y)", at(x=1.0, y=1.0), (0.5, 0.5), HALVES, also=[(1, 0), (0, 1)]),
        gradient("np.clip(x, -1, 1)", at(x=[-2.0, 0.5, inf]), [0, 1, 0], DERIVATIVE),
        gradient("np.clip(x, -1, 1)", at(x=[-1.0, 1.0]), [1, 1], BOUND, also=[[0, 0], [0.5, 0.5]]),
        gradient("np.clip(x, a, b)", at(x=-3.0, a=-1.0, b=1.0), (0, 1, 0), DERIVATIVE),
        gradient(
            "np.clip(x, a, b)",
            at(x=1.0, a=-1.0, b=1.0),
            (1, 0, 0),
            BOUND,
            also=[(0, 0, 1), (0.5, 0, 0.5)],
        ),
        gradient("np.clip(x, a, b)", at(x=0.0, a=2.0, b=1.0), (0, 0, 1), CROSSED, value=1),
        gradient("np.where(x > 0, np.sqrt(x), 0)", at(x=0.0), 0, NO_INFLUENCE),
        gradient(
            "np.where(x > 0, np.log(x), 0)", at(x=[-1.0, 0.0, 2.0]), [0, 0, 0.5], NO_INFLUENCE
        ),
        gradient("np.where(x < 1, np.exp(x), 0)", at(x=[1e4, 0.0]), [0, 1], NO_INFLUENCE),
        gradient("np.where(y != 0, x / y, 0)", at(x=1.0, y=0.0), (0, 0), NO_INFLUENCE),
        gradient("np.where(x > 0, x, x * np.nan)", at(x=1.0), 1, NO_INFLUENCE),
        hessian("np.where(x > 0, np.sqrt(x), 0)", at(x=0.0), 0, NO_INFLUENCE),
        gradient("np.where(x >= 0, x, -x)", at(x=0.0), 1, "derivative of the branch taken"),
        gradient(HUBER, at(x=[-1.0, 1.0]), [-1, 1], "derivative: both pieces agree at the knot"),
        gradient("np.floor(x)", at(x=[1.0, 1.5]), [0, 0], FLAT),
        gradient("np.ceil(x)", at(x=[1.0, 1.5]), [0, 0], FLAT),
        gradient("np.trunc(x)", at(x=[0.0, -1.0]), [0, 0], FLAT),
        gradient("np.round(x)", at(x=[0.5, 1.5, 2.5]), [0, 0, 0], FLAT, value=[0, 2, 2]),
        gradient("x % y", at(x=4.0, y=2.0), (1, -2), RIGHT_PIECE),
        gradient("x % y", at(x=-3.5, y=2.0), (1, 2), DERIVATIVE),
        gradient("x // y", at(x=4.0, y=2.0), (0, 0), FLAT),
        gradient("np.fmod(x, y)", at(x=-3.0, y=2.0), (1, 1), DERIVATIVE),
        gradient("np.copysign(x, y)", at(x=-2.0, y=3.0), (-1, 0), DERIVATIVE),
        gradient("np.copysign(x, y)", at(x=0.0, y=1.0), (0, 0), LEAST_NORM, also=[(1, 0), (-1, 0)]),
        gradient("np.heaviside(x, 0.5)", at(x=[0.0, 1.0]), [0, 0], FLAT),
        gradient("np.nan_to_num(x)", at(x=[nan, 1.0]), [0, 1], "derivative of the number put in"),
        gradient(
            "np.interp(x, np.array([0.0, 1.0, 2.0]), y)",
            at(x=-1.0, y=[3.0, 4.0, 6.0]),
            (0, [1, 0, 0]),
            "derivative: constant beyond the knots (NumPy: interp)",
        ),
        gradient("np.where(x > 0, 1 / x, 0)", at(x=[0.0, 0.5]), [0, -4], NO_INFLUENCE),
        gradient("np.relu(x)", at(x=nan), 0, NAN, value=nan, also=[1, nan]),
        gradient("np.clip(x, -1, 1)", at(x=nan), 0, NAN, value=nan, also=[1, nan]),
        gradient("np.abs(x)", at(x=nan), nan, UNDEFINED, also=[0, 1, -1]),
        gradient("x % y", at(x=1e-300, y=1e300), (1, 0), LIMIT, single=False),
    ],
)
