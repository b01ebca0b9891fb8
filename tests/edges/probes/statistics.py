"""Variances and deviations of equal numbers, of one number, far from zero."""

from math import inf, nan

import numpy as np

from .probe import (
    DERIVATIVE,
    EMPTY,
    LEAST_NORM,
    UNDEFINED,
    Family,
    at,
    exception,
    gradient,
    hessian,
)

SPREAD = [1e8, 1e8 + 1, 1e8 + 2]
TWO_PASSES = "derivative: two passes, no cancellation (Higham 2002, section 1.9)"

FAMILY = Family(
    "Variance and its kind",
    [
        gradient("np.std(x)", at(x=[1.0, 1.0, 1.0]), [0, 0, 0], LEAST_NORM),
        gradient("np.std(x)", at(x=[7.0]), [0], LEAST_NORM),
        gradient("np.std(x)", at(x=7.0), 0, LEAST_NORM),
        gradient("np.std(x)", at(x=[0.0, 2.0]), [-0.5, 0.5], DERIVATIVE),
        gradient(
            "np.std(x, axis=1)",
            at(x=[[1.0, 1.0], [0.0, 2.0]]),
            [[0, 0], [-0.5, 0.5]],
            LEAST_NORM,
        ),
        gradient("np.std(x, ddof=1)", at(x=[0.0, 0.0]), [0, 0], LEAST_NORM),
        gradient("np.var(x)", at(x=[1.0, 1.0, 1.0]), [0, 0, 0], DERIVATIVE),
        gradient("np.var(x)", at(x=SPREAD), [-2 / 3, 0, 2 / 3], TWO_PASSES, single=False),
        gradient(
            "np.std(x)",
            at(x=SPREAD),
            [-(1.5**-0.5) / 2, 0, 1.5**-0.5 / 2],
            TWO_PASSES,
            single=False,
        ),
        exception("np.var(x, ddof=1)", at(x=[7.0]), [nan], value=nan),
        gradient("np.var(x)", at(x=[]), [], EMPTY, value=nan),
        gradient(
            "np.var(x)", at(x=[inf, 1.0]), [nan, nan], UNDEFINED, value=nan, also=[[nan, -inf]]
        ),
        hessian("np.var(x)", at(x=[1.0, 1.0]), [[0.5, -0.5], [-0.5, 0.5]], DERIVATIVE),
        hessian("np.std(x) ** 2", at(x=[0.0, 2.0]), [[0.5, -0.5], [-0.5, 0.5]], DERIVATIVE),
        gradient(
            "np.average(x, weights=w)",
            at(x=[1.0, 3.0], w=[1.0, 1.0]),
            ([0.5, 0.5], [-0.5, 0.5]),
            DERIVATIVE,
        ),
        gradient(
            "np.average(x, weights=np.array([0.0, 1.0]))", at(x=[nan, 3.0]), [0, 1], DERIVATIVE
        ),
        gradient(
            "np.cov(x, y)[0, 1]", at(x=[1.0, 1.0], y=[0.0, 2.0]), ([-1, 1], [0, 0]), DERIVATIVE
        ),
        gradient("np.nanvar(x)", at(x=[nan, 1.0, 1.0]), [0, 0, 0], DERIVATIVE),
        gradient("np.nanstd(x)", at(x=[nan, 1.0, 1.0]), [0, 0, 0], LEAST_NORM),
        gradient("np.ptp(x)", at(x=np.full(2, 2.0)), [0, 0], LEAST_NORM),
    ],
)
