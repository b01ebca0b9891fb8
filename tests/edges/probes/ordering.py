"""Sorting and quantiles, where equal entries leave their order open."""

from math import inf

from .probe import DERIVATIVE, EMPTY, Family, at, gradient, hessian

STABLE = "convention: equal entries keep their order (NumPy: sort, kind='stable')"
MIDDLE = "derivative: the mean of the two in the middle (NumPy: median)"
ONE = "convention: one of the equal entries is the median (PyTorch: torch.median)"
WEIGHED = "np.sum(np.array([1.0, 2.0, 3.0]) * np.sort(x))"

FAMILY = Family(
    "Order",
    [
        gradient(WEIGHED, at(x=[2.0, 3.0, 1.0]), [2, 3, 1], DERIVATIVE),
        gradient(
            WEIGHED, at(x=[1.0, 1.0, 0.0]), [2, 3, 1], STABLE, also=[[3, 2, 1], [2.5, 2.5, 1]]
        ),
        gradient(WEIGHED, at(x=[inf, -inf, 0.0]), [3, 1, 2], DERIVATIVE),
        gradient("np.sort(x)", at(x=[]), [], EMPTY),
        hessian("np.sort(x)[0] ** 2", at(x=[2.0, 1.0]), [[0, 0], [0, 2]], DERIVATIVE),
        gradient("np.median(x)", at(x=[3.0, 1.0, 2.0]), [0, 0, 1], DERIVATIVE),
        gradient("np.median(x)", at(x=[1.0, 3.0, 3.0, 5.0]), [0, 0.5, 0.5, 0], MIDDLE),
        gradient(
            "np.median(x)",
            at(x=[2.0, 2.0, 2.0]),
            [0, 1, 0],
            ONE,
            also=[[1, 0, 0], [0, 0, 1], [1 / 3, 1 / 3, 1 / 3]],
        ),
        gradient("np.median(x)", at(x=7.0), 1, DERIVATIVE),
        gradient("np.quantile(x, 0.25)", at(x=[1.0, 2.0, 3.0]), [0.5, 0.5, 0], DERIVATIVE),
        gradient("np.quantile(x, 1.0)", at(x=[1.0, 2.0, 3.0]), [0, 0, 1], DERIVATIVE),
        gradient("np.percentile(x, 0)", at(x=[5.0]), [1], DERIVATIVE),
        gradient("np.diff(x)", at(x=[3.0]), [0], EMPTY),
        gradient("np.diff(x)", at(x=[inf, 1.0]), [-1, 1], DERIVATIVE),
        gradient(
            "np.searchsorted(x, 1.5) * x[1]",
            at(x=[1.0, 2.0]),
            [0, 1],
            "a position has no derivative",
        ),
        gradient("x[np.argsort(x)][0]", at(x=[2.0, 1.0]), [0, 1], DERIVATIVE),
    ],
)
