"""Entries taken twice, from the end, by a mask or not at all, and entries put."""

from math import inf

import numpy as np

from .probe import DERIVATIVE, EMPTY, NO_INFLUENCE, Family, at, gradient, hessian

ADDED = "derivative: an entry taken twice gets both gradients"
LAST = "derivative: of numbers put in one place the last is there"
BEFORE = "derivative: z was computed before"
SEEN = "derivative: z is another name of what is changed, or a view of it"
REBOUND = "derivative: a sum is a number, as in NumPy, and s keeps it"
REPLACED = "derivative: a number that was replaced has no influence"

FAMILY = Family(
    "Indexing and assignment",
    [
        gradient("x[np.array([0, 0, 1])]", at(x=[1.0, 2.0]), [2, 1], ADDED),
        gradient("x[np.array([-1, 1])]", at(x=[1.0, 2.0]), [0, 2], ADDED),
        gradient("x[np.array([], int)]", at(x=[1.0, 2.0]), [0, 0], EMPTY),
        gradient("x[x > 5]", at(x=[1.0, 2.0]), [0, 0], EMPTY),
        gradient("x[x > 1]", at(x=[1.0, 2.0]), [0, 1], DERIVATIVE),
        gradient("x[...]", at(x=2.0), 1, DERIVATIVE),
        gradient("x[()]", at(x=2.0), 1, DERIVATIVE),
        gradient("x[None]", at(x=2.0), 1, DERIVATIVE, value=[2]),
        gradient("x[-1]", at(x=[1.0, 2.0]), [0, 1], DERIVATIVE),
        gradient("x[::-2]", at(x=[1.0, 2.0, 3.0]), [1, 0, 1], DERIVATIVE),
        gradient("x[5:]", at(x=[1.0]), [0], EMPTY),
        gradient("x[:, 0]", at(x=np.zeros((0, 2))), np.zeros((0, 2)), EMPTY),
        gradient("x[i, i]", at(x=[[1.0, 2.0], [3.0, 4.0]], i=[0, 1]), [[1, 0], [0, 1]], DERIVATIVE),
        gradient("x[0]", at(x=[1.0, inf]), [1, 0], NO_INFLUENCE),
        hessian("x[i] @ x[i]", at(x=[1.0], i=[0, 0]), 4, ADDED),
        gradient("np.take(x, i)", at(x=[1.0, 2.0], i=[1, 1]), [0, 2], ADDED),
        gradient(
            "np.take_along_axis(x, i, 1)",
            at(x=[[1.0, 2.0]], i=np.array([[1, 1]])),
            [[0, 2]],
            ADDED,
        ),
        gradient("y = x * 1.0; y[0] = 3 * y[0]; y * y", at(x=[1.0, 2.0]), [18, 4], DERIVATIVE),
        gradient("y = x * 1.0; y[0] = 5.0; y * y", at(x=[1.0, 2.0]), [0, 4], REPLACED),
        gradient("y = np.exp(x); y[0] = 0.0; y", at(x=[1e4, 0.0]), [0, 1], NO_INFLUENCE),
        gradient(
            "y = x * 1.0; y[np.array([0, 0])] = z; y * y",
            at(x=[1.0, 2.0], z=[3.0, 4.0]),
            ([0, 4], [0, 8]),
            LAST,
        ),
        gradient("y = x * 1.0; z = y * y; y[0] = 7.0; z", at(x=[1.0, 2.0]), [2, 4], BEFORE),
        gradient("y = x * 1.0; y[:] = y[::-1]; y[0]", at(x=[1.0, 2.0]), [0, 1], DERIVATIVE),
        gradient("y = x * 1.0; y[y > 5] = 0.0; y", at(x=[1.0, 2.0]), [1, 1], EMPTY),
        gradient("y = x * 1.0; y += y; y", at(x=[1.0]), [2], DERIVATIVE),
        gradient("y = x * 1.0; z = y; y *= 2.0; z * x", at(x=[3.0]), [12], SEEN),
        gradient("y = x * 1.0; z = y[:1]; y *= 2.0; z * z", at(x=[3.0]), [24], SEEN),
        gradient("y = x * 1.0; z = y * y; y *= 2.0; z", at(x=[3.0]), [6], BEFORE),
        gradient(
            "y = x * 1.0; y[:1] **= 2.0; y[0] += y[1]; y", at(x=[3.0, 2.0]), [6, 2], DERIVATIVE
        ),
        gradient("s = np.sum(x); t = s; t *= 2.0; s * t", at(x=[3.0]), [12], REBOUND),
    ],
)
