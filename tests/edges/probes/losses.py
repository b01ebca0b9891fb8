"""Softmax, cross-entropy and other losses at extreme scores and zero vectors."""

from math import inf, log, nan

import numpy as np

from .probe import (
    DERIVATIVE,
    LIMIT,
    NO_INFLUENCE,
    OVERFLOW,
    UNDEFINED,
    Family,
    at,
    gradient,
    hessian,
)

CLAMPED = "derivative of the clamped quotient (PyTorch: cosine_similarity, normalize)"
RESIDUAL = "derivative: softmax less one-hot"
COSINE = "np.sum(x * y) / np.maximum(np.linalg.norm(x) * np.linalg.norm(y), 1e-8)"
LAYER_NORM = "(x - np.mean(x)) / np.sqrt(np.var(x) + 1e-4)"
HESSIAN = [[0.25, -0.25], [-0.25, 0.25]]

FAMILY = Family(
    "Softmax and losses",
    [
        gradient("np.softmax(x)[0]", at(x=[0.0, 0.0]), [0.25, -0.25], DERIVATIVE),
        gradient("np.softmax(x)[0]", at(x=[1e4, -1e4]), [0, 0], LIMIT, value=1),
        gradient("np.softmax(x)[1]", at(x=[0.0, -inf]), [0, 0], LIMIT, value=0),
        gradient("np.softmax(x)[0]", at(x=[-inf, -inf]), [nan, nan], UNDEFINED, value=nan),
        gradient("np.softmax(x)", at(x=[7.0]), [0], DERIVATIVE, value=[1]),
        gradient("np.softmax(x)", at(x=np.zeros((0, 3))), np.zeros((0, 3)), "no rows"),
        hessian("np.softmax(x)[0]", at(x=[0.0, 0.0]), [[0, 0], [0, 0]], DERIVATIVE),
        gradient("np.log_softmax(x)[1]", at(x=[1e4, -1e4]), [-1, 1], OVERFLOW, value=-2e4),
        gradient(
            "np.log_softmax(x)[0]",
            at(x=[1e3, 1e3]),
            [0.5, -0.5],
            "derivative, and the greatest entry is subtracted before anything rounds",
            value=-log(2),
        ),
        gradient("np.log_softmax(x)[0]", at(x=[0.0, -inf]), [0, 0], LIMIT, value=0),
        gradient("np.log_softmax(x)[1]", at(x=[0.0, -inf]), [-1, 1], LIMIT, value=-inf),
        hessian("-np.log_softmax(x)[0]", at(x=[0.0, 0.0]), HESSIAN, DERIVATIVE),
        hessian("-np.log_softmax(x)[0]", at(x=[1e4, -1e4]), np.zeros((2, 2)), LIMIT),
        gradient(
            "np.softmax_cross_entropy(x, y)",
            at(x=[[2e4, 0.0]], y=[1]),
            [[1, -1]],
            RESIDUAL,
            value=[2e4],
        ),
        gradient("np.softmax_cross_entropy(x, y)", at(x=[[2e4, 0.0]], y=[0]), [[0, 0]], RESIDUAL),
        gradient(
            "np.softmax_cross_entropy(x, y)",
            at(x=[[0.0, -inf]], y=[0]),
            [[0, 0]],
            RESIDUAL,
            value=[0],
        ),
        gradient(
            "np.softmax_cross_entropy(x, y)",
            at(x=[[0.0, -inf]], y=[1]),
            [[1, -1]],
            RESIDUAL,
            value=[inf],
        ),
        gradient(
            "np.softmax_cross_entropy(x, y)",
            at(x=np.zeros((0, 2)), y=np.zeros(0, int)),
            np.zeros((0, 2)),
            "no rows",
        ),
        hessian("np.softmax_cross_entropy(x, y)", at(x=[[0.0, 0.0]], y=[0]), HESSIAN, DERIVATIVE),
        gradient(
            "np.softplus(x) - y * x",
            at(x=[1e4, -1e4], y=[1.0, 0.0]),
            ([0, 0], [-1e4, 1e4]),
            "derivative: cross-entropy with logits",
        ),
        gradient(
            "w * y * np.softplus(-x)",
            at(x=[-1e4, 1e4], y=[1.0, 1.0], w=[3.0, 3.0]),
            ([-3, 0], [3e4, 0], [1e4, 0]),
            "derivative: cross-entropy with logits, positives weighed",
        ),
        gradient("-np.maximum(np.log(x), -100.0)", at(x=0.0), 0, NO_INFLUENCE, value=100),
        gradient(COSINE, at(x=[0.0, 0.0], y=[1.0, 0.0]), ([1e8, 0], [0, 0]), CLAMPED),
        gradient(
            "np.sum(x / np.maximum(np.linalg.norm(x), 1e-12))",
            at(x=[0.0, 0.0]),
            [1e12, 1e12],
            CLAMPED,
        ),
        gradient(
            f"np.sum(np.array([1.0, 2.0, 6.0]) * {LAYER_NORM})",
            at(x=[5.0, 5.0, 5.0]),
            [-200, -100, 300],
            DERIVATIVE,
        ),
        gradient(
            "np.mean(np.abs(x - y))",
            at(x=[1.0, 2.0], y=[1.0, 0.0]),
            ([0, 0.5], [0, -0.5]),
            "convention at a residual of 0: 0 (PyTorch: l1_loss)",
            also=[([0.5, 0.5], [-0.5, -0.5]), ([-0.5, 0.5], [0.5, -0.5])],
        ),
    ],
)
