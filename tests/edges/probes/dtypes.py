"""Integers and booleans among floats, and floats of two precisions."""

import numpy as np

from .probe import DERIVATIVE, LIMIT, Family, at, gradient

CONSTANT = "derivative: integers and booleans are constants"
OWN_TYPE = "derivative: each gradient in its argument's dtype"
SINGLE = np.float32([1.5, -2.0])
HALF = np.float16([1.5, -2.0])

FAMILY = Family(
    "Number types",
    [
        gradient("n * x", at(n=[1, 2], x=[3.0, 4.0]), [1, 2], CONSTANT),
        gradient("x / n", at(n=[1, 2], x=[3.0, 4.0]), [1, 0.5], CONSTANT),
        gradient("n / x", at(n=1, x=0.5), -4, CONSTANT),
        gradient("n ** x", at(n=0, x=2.0), 0, CONSTANT),
        gradient("n ** x", at(n=2, x=0.0), np.log(2.0), CONSTANT, rtol=1e-6),
        gradient("m * x", at(m=[True, False], x=[3.0, 4.0]), [1, 0], CONSTANT),
        gradient("(x > 0) * x", at(x=[-1.0, 0.0, 2.0]), [0, 0, 1], CONSTANT),
        gradient("np.sum(x[m])", at(m=[True, False], x=[3.0, 4.0]), [1, 0], CONSTANT),
        gradient("n @ x", at(n=[[1, 2]], x=[3.0, 4.0]), [1, 2], CONSTANT),
        gradient(
            "np.where(m, n, x)", at(m=[True, False], n=[7, 7], x=[3.0, 4.0]), [0, 1], CONSTANT
        ),
        gradient("np.maximum(n, x)", at(n=[3, 3], x=[2.0, 4.0]), [0, 1], CONSTANT),
        gradient("np.clip(x, 0, n)", at(n=3, x=[-1.0, 2.0]), [0, 1], CONSTANT),
        gradient("np.concatenate([n, x])", at(n=[1, 2], x=[3.0]), [1], CONSTANT),
        gradient("np.minimum(m, x)", at(m=[True, True], x=[0.5, 2.0]), [1, 0], CONSTANT),
        gradient("x + y", at(x=SINGLE, y=np.array([1.0, 2.0])), ([1, 1], [1, 1]), OWN_TYPE),
        gradient("x * y", at(x=SINGLE, y=np.array([1.0, 2.0])), ([1, 2], [1.5, -2]), OWN_TYPE),
        gradient("x / y", at(x=SINGLE, y=np.array([1.0, 2.0])), ([1, 0.5], [-1.5, 0.5]), OWN_TYPE),
        gradient("x @ y", at(x=SINGLE, y=np.array([1.0, 2.0])), ([1, 2], [1.5, -2]), OWN_TYPE),
        gradient("x * y", at(x=SINGLE, y=np.array(2.0)), ([2, 2], -0.5), OWN_TYPE),
        gradient(
            "np.maximum(x, y)", at(x=SINGLE, y=np.array([1.0, 2.0])), ([1, 0], [0, 1]), OWN_TYPE
        ),
        gradient(
            "np.concatenate([x, y])", at(x=SINGLE, y=np.array([1.0])), ([1, 1], [1]), OWN_TYPE
        ),
        gradient(
            "np.where(x > 0, x, y)",
            at(x=SINGLE, y=np.array([1.0, 2.0])),
            ([1, 0], [0, 1]),
            OWN_TYPE,
        ),
        gradient("x * 2.0 + 1", at(x=SINGLE), [2, 2], OWN_TYPE),
        gradient("np.mean(x * x)", at(x=SINGLE), [1.5, -2], OWN_TYPE),
        gradient("x * x", at(x=HALF), [3, -4], OWN_TYPE),
        gradient("np.relu(x) * y", at(x=HALF, y=SINGLE), ([1.5, 0], [1.5, 0]), OWN_TYPE),
        gradient("np.exp(x)", at(x=np.float32([100.0, -200.0])), [np.inf, 0], LIMIT),
        gradient("n % x", at(n=7, x=2.0), -3, DERIVATIVE),
        gradient("np.floor(x) * x", at(x=2.5), 2, DERIVATIVE),
    ],
)
