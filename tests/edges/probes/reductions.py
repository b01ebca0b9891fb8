"""Sums, products, extremes and norms: of ties, zeros, infinities, one entry and none."""

from math import inf, log, nan, sqrt

import numpy as np

from .probe import (
    DERIVATIVE,
    EMPTY,
    LEAST_NORM,
    LIMIT,
    OVERFLOW,
    TIES,
    UNDEFINED,
    Family,
    at,
    gradient,
    hessian,
)

SHARED = "convention: the greatest share, as in max; the gradient adds up to 1"
OTHERS = "derivative: the product of the others, without a division"
CUMPROD = "derivative: a recurrence without a division"

FAMILY = Family(
    "Reductions",
    [
        gradient(
            "np.max(x)", at(x=[3.0, 3.0, 1.0]), [0.5, 0.5, 0], TIES, also=[[1, 0, 0], [0, 1, 0]]
        ),
        gradient(
            "np.min(x)",
            at(x=[2.0, 2.0, 2.0, 2.0]),
            [0.25] * 4,
            TIES,
            also=[[1, 0, 0, 0], [0, 0, 0, 1]],
        ),
        gradient(
            "np.max(x, axis=1)",
            at(x=[[1.0, 1.0], [2.0, 0.0]]),
            [[0.5, 0.5], [1, 0]],
            TIES,
            also=[[[1, 0], [1, 0]], [[0, 1], [1, 0]]],
        ),
        gradient("np.max(x)", at(x=[-inf, -inf]), [0.5, 0.5], TIES, also=[[1, 0], [0, 1]]),
        gradient("np.max(x)", at(x=[inf, 1.0]), [1, 0], DERIVATIVE),
        gradient("np.max(x)", at(x=[nan, 1.0]), [nan, nan], UNDEFINED, value=nan, also=[[1, 0]]),
        gradient("np.max(x)", at(x=2.0), 1, DERIVATIVE),
        gradient("np.max(x, axis=0)", at(x=np.zeros((1, 3))), np.ones((1, 3)), DERIVATIVE),
        gradient("np.max(x, axis=1)", at(x=np.zeros((0, 3))), np.zeros((0, 3)), EMPTY, value=[]),
        gradient("np.max(x) - np.min(x)", at(x=[2.0, 2.0]), [0, 0], LEAST_NORM),
        hessian("np.max(x) ** 2", at(x=[3.0, 1.0]), [[2, 0], [0, 0]], DERIVATIVE),
        gradient("np.sum(x)", at(x=[]), [], EMPTY, value=0),
        gradient("np.sum(x)", at(x=2.0), 1, DERIVATIVE),
        gradient("np.sum(x, axis=())", at(x=[1.0, 2.0]), [1, 1], DERIVATIVE, value=[1, 2]),
        gradient("np.sum(x, axis=0)", at(x=np.zeros((0, 2))), np.zeros((0, 2)), EMPTY),
        gradient(
            "np.sum(np.broadcast_to(x, (1000000,)))",
            at(x=0.1),
            1e6,
            "derivative; pairwise sums (Higham 2002, section 4.2)",
            value=1e5,
        ),
        gradient("np.sum(x) - x[0]", at(x=[1e16, 1.0]), [0, 1], DERIVATIVE),
        gradient(
            "np.mean(x)", at(x=[]), [], "no entries: value NaN, nothing to give it", value=nan
        ),
        gradient("np.mean(x)", at(x=[7.0]), [1], DERIVATIVE),
        gradient("np.mean(x, axis=-1)", at(x=np.ones((2, 1))), [[1], [1]], DERIVATIVE),
        gradient("np.prod(x)", at(x=[2.0, 0.0, 3.0]), [0, 6, 0], OTHERS),
        gradient("np.prod(x)", at(x=[0.0, 0.0, 3.0]), [0, 0, 0], OTHERS),
        gradient("np.prod(x)", at(x=[1e200, 1e-200, 1e200]), [1, inf, 1], OTHERS, single=False),
        gradient("np.prod(x)", at(x=[0.0, inf]), [inf, 0], OTHERS, value=nan, also=[[inf, nan]]),
        gradient("np.prod(x)", at(x=[]), [], EMPTY, value=1),
        gradient("np.prod(x, axis=1)", at(x=[[0.0, 2.0], [3.0, 0.0]]), [[2, 0], [0, 3]], OTHERS),
        hessian("np.prod(x)", at(x=[2.0, 0.0, 3.0]), [[0, 3, 0], [3, 0, 2], [0, 2, 0]], OTHERS),
        hessian("np.prod(x)", at(x=[0.0, 0.0, 3.0]), [[0, 3, 0], [3, 0, 0], [0, 0, 0]], OTHERS),
        gradient("np.cumprod(x)", at(x=[2.0, 0.0, 3.0]), [1, 8, 0], CUMPROD),
        gradient("np.cumprod(x)", at(x=[0.0, 0.0, 3.0]), [1, 0, 0], CUMPROD),
        hessian("np.cumprod(x)", at(x=[2.0, 0.0, 3.0]), [[0, 4, 0], [4, 0, 2], [0, 2, 0]], CUMPROD),
        gradient("np.cumprod(x)", at(x=[]), [], EMPTY),
        gradient("np.cumsum(x)", at(x=[]), [], EMPTY),
        gradient("np.cumsum(x)", at(x=[inf, 1.0]), [2, 1], DERIVATIVE),
        gradient("np.logsumexp(x)", at(x=[1e3, 1e3]), [0.5, 0.5], OVERFLOW, value=1e3 + log(2)),
        gradient("np.logsumexp(x)", at(x=[-1e4, -1e4]), [0.5, 0.5], OVERFLOW),
        gradient("np.logsumexp(x)", at(x=[1e4, -1e4]), [1, 0], OVERFLOW, value=1e4),
        gradient("np.logsumexp(x)", at(x=[-inf, 0.0]), [0, 1], LIMIT, value=0),
        gradient("np.logsumexp(x)", at(x=[inf, 0.0]), [1, 0], LIMIT, value=inf),
        gradient(
            "np.logsumexp(x)", at(x=[-inf, -inf]), [0.5, 0.5], SHARED, also=[[0, 0], [nan, nan]]
        ),
        gradient(
            "np.logsumexp(x)",
            at(x=[inf, inf, 0.0]),
            [0.5, 0.5, 0],
            SHARED,
            value=inf,
            also=[[nan, nan, 0]],
        ),
        hessian("np.logsumexp(x)", at(x=[1e4, 0.0]), [[0, 0], [0, 0]], LIMIT),
        hessian("np.logsumexp(x)", at(x=[0.0, 0.0]), [[0.25, -0.25], [-0.25, 0.25]], DERIVATIVE),
        gradient("np.linalg.norm(x)", at(x=[0.0, 0.0]), [0, 0], LEAST_NORM),
        gradient("np.linalg.norm(x)", at(x=[[0.0], [0.0]]), [[0], [0]], LEAST_NORM),
        gradient("np.linalg.norm(x)", at(x=0.0), 0, LEAST_NORM),
        gradient(
            "np.linalg.norm(x, axis=1)",
            at(x=[[0.0, 0.0], [3.0, 4.0]]),
            [[0, 0], [0.6, 0.8]],
            LEAST_NORM,
        ),
        gradient(
            "np.linalg.norm(x)", at(x=[1e200, 1e200]), [sqrt(0.5)] * 2, OVERFLOW, single=False
        ),
        gradient("np.linalg.norm(x)", at(x=[3e-200, 4e-200]), [0.6, 0.8], OVERFLOW, single=False),
        gradient("np.linalg.norm(x)", at(x=[1e308, 2.0]), [1, 2e-308], OVERFLOW, single=False),
        gradient(
            "np.linalg.norm(x, 3)",
            at(x=[1e200, 1e200]),
            [2 ** (-2 / 3)] * 2,
            OVERFLOW,
            single=False,
        ),
        hessian(
            "np.linalg.norm(x)", at(x=[1e8, 1.0]), [[1e-24, -1e-16], [-1e-16, 1e-8]], DERIVATIVE
        ),
        gradient("np.linalg.norm(x)", at(x=[inf, 1.0]), [1, 0], LIMIT),
        gradient("np.linalg.norm(x)", at(x=[nan, 1.0]), [nan, nan], UNDEFINED),
        gradient("np.linalg.norm(x)", at(x=[]), [], EMPTY, value=0),
        gradient("np.linalg.norm(x) ** 2", at(x=[0.0, 0.0]), [0, 0], DERIVATIVE),
        gradient("np.sqrt(np.sum(x * x))", at(x=[0.0, 0.0]), [0, 0], LEAST_NORM),
        gradient(
            "np.linalg.norm(x, 1)", at(x=[0.0, -2.0]), [0, -1], LEAST_NORM, also=[[1, -1], [-1, -1]]
        ),
        gradient(
            "np.linalg.norm(x, np.inf)",
            at(x=[3.0, -3.0]),
            [0.5, -0.5],
            TIES,
            also=[[1, 0], [0, -1]],
        ),
        gradient("np.nansum(x)", at(x=[nan, 1.0]), [0, 1], "derivative: NaN counts as 0"),
        gradient(
            "np.nanmean(x)", at(x=[nan, 1.0, 3.0]), [0, 0.5, 0.5], "derivative: NaN is left out"
        ),
        gradient(
            "np.nanmax(x)",
            at(x=[nan, 1.0, 1.0]),
            [0, 0.5, 0.5],
            TIES,
            also=[[0, 1, 0], [0, 0, 1]],
        ),
        gradient("np.argmax(x) * x[0]", at(x=[2.0, 5.0]), [1, 0], "an index has no derivative"),
    ],
)
