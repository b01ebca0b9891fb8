"""Products: without entries, of infinities and zeros, broadcast over size-1 axes."""

from math import inf, nan

import numpy as np

from .probe import DERIVATIVE, EMPTY, OVERFLOW, Family, at, gradient, hessian

TRANSPOSED = "derivative: the transpose of the other factor"

FAMILY = Family(
    "Products",
    [
        gradient(
            "x * y", at(x=0.0, y=inf), (inf, 0), "derivative; the value 0·∞ is NaN", value=nan
        ),
        gradient("x * y", at(x=1e-200, y=1e-200), (1e-200, 1e-200), OVERFLOW, single=False),
        gradient("x * y", at(x=[[1.0], [2.0]], y=[3.0, 4.0]), ([[7], [7]], [3, 3]), DERIVATIVE),
        gradient(
            "x @ y",
            at(x=np.ones((2, 0)), y=np.ones((0, 3))),
            (np.zeros((2, 0)), np.zeros((0, 3))),
            EMPTY,
            value=np.zeros((2, 3)),
        ),
        gradient(
            "x @ y",
            at(x=np.ones((0, 2)), y=[[1.0], [2.0]]),
            (np.zeros((0, 2)), [[0], [0]]),
            EMPTY,
        ),
        gradient("x @ y", at(x=[], y=[]), ([], []), EMPTY, value=0),
        gradient("x @ y", at(x=[0.0, 1.0], y=[inf, 2.0]), ([inf, 2], [0, 1]), TRANSPOSED),
        gradient("x @ y", at(x=[[1.0, 2.0]], y=[3.0, 4.0]), ([[3, 4]], [1, 2]), TRANSPOSED),
        gradient(
            "x @ y",
            at(x=[[[1.0]]], y=[[[2.0]], [[3.0]], [[4.0]]]),
            ([[[9]]], [[[1]], [[1]], [[1]]]),
            "derivative: summed over the batch axis of size 1",
        ),
        hessian("x @ y", at(x=[2.0], y=[3.0]), [[0, 1], [1, 0]], DERIVATIVE),
        hessian("x @ x", at(x=[0.0, 0.0]), [[2, 0], [0, 2]], DERIVATIVE),
        gradient("np.dot(x, y)", at(x=2.0, y=[3.0, 4.0]), (7, [2, 2]), "derivative: a scale"),
        gradient("np.outer(x, y)", at(x=[], y=[1.0]), ([], [0]), EMPTY),
        gradient(
            "np.inner(x, y)", at(x=[[1.0]], y=[[2.0], [3.0]]), ([[5]], [[1], [1]]), DERIVATIVE
        ),
        gradient(
            "np.vdot(x, y)",
            at(x=[[1.0, 2.0]], y=[[3.0], [4.0]]),
            ([[3, 4]], [[1], [2]]),
            DERIVATIVE,
        ),
        gradient(
            "np.einsum('ii', x)",
            at(x=[[1.0, 2.0], [3.0, 4.0]]),
            [[1, 0], [0, 1]],
            "derivative: a repeated index is a diagonal",
        ),
        gradient(
            "np.einsum('ij,j->i', x, y)", at(x=np.ones((2, 0)), y=[]), (np.zeros((2, 0)), []), EMPTY
        ),
        gradient("np.einsum('i,i->', x, x)", at(x=[2.0, 3.0]), [4, 6], DERIVATIVE),
        gradient("np.einsum('ij->j', x)", at(x=[[inf, 1.0]]), [[1, 1]], DERIVATIVE),
        gradient(
            "np.tensordot(x, y, axes=0)", at(x=[1.0], y=[2.0, 3.0]), ([5], [1, 1]), DERIVATIVE
        ),
        gradient("np.kron(x, y)", at(x=[0.0], y=[2.0, 3.0]), ([5], [0, 0]), DERIVATIVE),
        gradient(
            "np.cross(x, y)",
            at(x=[1.0, 0.0, 0.0], y=[1.0, 0.0, 0.0]),
            ([0, -1, 1], [0, 1, -1]),
            DERIVATIVE,
        ),
        gradient("np.convolve(x, y)", at(x=[1.0, 2.0], y=[3.0]), ([3, 3], [3]), DERIVATIVE),
    ],
)
