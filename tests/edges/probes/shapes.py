"""Arrays without axes, without entries, with axes of size 0 and 1, joined, cut and broadcast."""

from math import inf

import numpy as np

from .probe import DERIVATIVE, EMPTY, Family, at, gradient, hessian

SUMMED = "derivative: summed over the axes that broadcasting stretched"
PLACES = "derivative: each entry's gradient goes back to its place"

FAMILY = Family(
    "Shapes: empty, scalar, broadcast",
    [
        gradient("x + y", at(x=[], y=[1.0]), ([], [0]), SUMMED),
        gradient(
            "x * y",
            at(x=[[1.0], [2.0]], y=np.zeros((1, 0))),
            ([[0], [0]], np.zeros((1, 0))),
            SUMMED,
        ),
        gradient("x * y", at(x=2.0, y=[]), (0, []), SUMMED),
        gradient("x * y", at(x=2.0, y=[1.0, inf]), (inf, [2, 2]), SUMMED),
        gradient("x + y", at(x=1.0, y=[[1.0, 2.0, 3.0]]), (3, [[1, 1, 1]]), SUMMED),
        gradient(
            "x + y", at(x=[[1.0], [2.0]], y=[[1.0, 2.0, 3.0]]), ([[3], [3]], [[2, 2, 2]]), SUMMED
        ),
        gradient("x / y", at(x=[1.0, 1.0], y=[[1.0]]), ([1, 1], [[-2]]), SUMMED),
        gradient("np.maximum(x, y)", at(x=[0.0, 2.0], y=1.0), ([0, 1], 1), SUMMED),
        gradient(
            "np.where(c, x, y)", at(c=[[True], [False]], x=[1.0, 2.0], y=0.0), ([1, 1], 2), SUMMED
        ),
        gradient("np.where(c, x, y)", at(c=np.zeros((0,), bool), x=1.0, y=[2.0]), (0, [0]), SUMMED),
        hessian(
            "np.sum(x * y)", at(x=2.0, y=[1.0, 3.0]), [[0, 1, 1], [1, 0, 0], [1, 0, 0]], SUMMED
        ),
        gradient("np.broadcast_to(x, (0, 1))", at(x=[3.0]), [0], SUMMED),
        gradient("np.broadcast_to(x, (2, 3))", at(x=1.0), 6, SUMMED),
        gradient("np.exp(x)", at(x=0.0), 1, DERIVATIVE, value=1),
        gradient("np.exp(x)", at(x=np.zeros((2, 0))), np.zeros((2, 0)), EMPTY),
        gradient("np.reshape(x, (-1,))", at(x=2.0), 1, PLACES, value=[2]),
        gradient("np.reshape(x, (0, 5))", at(x=[]), [], EMPTY),
        gradient("np.reshape(x, ())", at(x=[[2.0]]), [[1]], PLACES, value=2),
        gradient("np.transpose(x)", at(x=2.0), 1, PLACES),
        gradient("np.squeeze(x)", at(x=[[[2.0]]]), [[[1]]], PLACES, value=2),
        gradient("np.expand_dims(x, 0)", at(x=2.0), 1, PLACES, value=[2]),
        gradient("np.concatenate([x, y])", at(x=[], y=[1.0]), ([], [1]), PLACES),
        gradient("np.concatenate([x, x])", at(x=[1.0]), [2], PLACES),
        gradient("np.stack([x, y])", at(x=1.0, y=2.0), (1, 1), PLACES, value=[1, 2]),
        gradient("np.vstack([x, y])", at(x=[1.0], y=[[2.0], [3.0]]), ([1], [[1], [1]]), PLACES),
        gradient("np.pad(x, 1)", at(x=[]), [], EMPTY, value=[0, 0]),
        gradient("np.pad(x, 1, mode='edge')", at(x=[2.0]), [3], PLACES),
        gradient("np.repeat(x, 0)", at(x=[1.0, 2.0]), [0, 0], EMPTY),
        gradient("np.repeat(x, 3)", at(x=2.0), 3, PLACES),
        gradient("np.tile(x, 0)", at(x=[1.0]), [0], EMPTY),
        gradient("np.flip(x)", at(x=[]), [], EMPTY),
        gradient("np.flip(x)[0]", at(x=[1.0, 2.0]), [0, 1], PLACES),
        gradient("np.roll(x, 5)[0]", at(x=[1.0, 2.0]), [0, 1], PLACES),
        gradient("np.diag(x)", at(x=[]), [], EMPTY),
        gradient("np.diag(x, 5)", at(x=[[1.0, 2.0]]), [[0, 0]], EMPTY),
        gradient("np.tril(x)", at(x=[[1.0, inf]]), [[1, 0]], PLACES, value=[[1, 0]]),
        gradient("np.meshgrid(x, y)[0]", at(x=[1.0], y=[2.0, 3.0]), ([2], [0, 0]), SUMMED),
        gradient("np.split(x, 2)[1]", at(x=[1.0, 2.0]), [0, 1], PLACES),
    ],
)
