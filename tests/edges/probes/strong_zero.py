"""Where 0·∞ counts as 0: what that mends, and the few points where it hides a derivative."""

import numpy as np

from .probe import DERIVATIVE, LEAST_NORM, OVERFLOW, Family, at, exception, gradient, hessian

FAMILY = Family(
    "The strong zero",
    [
        exception("np.sqrt(x) ** 2", at(x=0.0), 1.0),
        exception("np.sqrt(x) * np.sqrt(x)", at(x=0.0), 1.0),
        exception("np.exp(np.log(x))", at(x=0.0), 1.0),
        exception("np.log(1 + np.exp(x))", at(x=1e4), 1.0),
        exception("np.cbrt(x) ** 3", at(x=0.0), 1.0),
        exception("np.linalg.norm(x) ** 2", at(x=[0.0, 0.0]), [[2.0, 0.0], [0.0, 2.0]], order=2),
        gradient("np.sqrt(x) ** 2", at(x=1e-300), 1, DERIVATIVE, single=False),
        gradient("np.exp(np.log(x))", at(x=1e-300), 1, OVERFLOW, single=False),
        gradient("np.sqrt(x) * y", at(x=0.0, y=0.0), (0, 0), LEAST_NORM, also=[(np.nan, 0)]),
        hessian(
            "np.linalg.norm(x) ** 2",
            at(x=[3.0, 4.0]),
            [[2, 0], [0, 2]],
            DERIVATIVE,
            atol=1e-15,
            single=False,
        ),
        hessian("np.sum(x * x)", at(x=[0.0, 0.0]), [[2, 0], [0, 2]], DERIVATIVE),
    ],
)
