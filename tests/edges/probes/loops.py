"""Loops and choices: no turn, a turn that is not taken, zeros and infinities on the way."""

from math import inf, nan

import adjoint as ad

from .probe import DERIVATIVE, LIMIT, NO_INFLUENCE, Family, at, gradient, hessian, refused

NO_TURN = "derivative: no turn, so that the start is the result"
KEPT = "what is carried keeps its structure, shape and dtype"

FAMILY = Family(
    "Loops and choices",
    [
        gradient(
            "np.scan(lambda c, x: (c * x, None), y, x)[0]",
            at(x=[2.0, 3.0], y=5.0),
            ([15, 10], 6),
            DERIVATIVE,
        ),
        gradient("np.scan(lambda c, x: (c * x, None), y, x)[0]", at(x=[], y=5.0), ([], 1), NO_TURN),
        gradient("np.scan(lambda c, x: (c, c * x), y, x)[1]", at(x=[], y=5.0), ([], 0), NO_TURN),
        gradient(
            "np.scan(lambda c, x: (c * x, c), y, x, reverse=True)[1]",
            at(x=[2.0, 3.0], y=5.0),
            ([0, 5], 4),
            DERIVATIVE,
        ),
        gradient(
            "np.scan(lambda c, x: (c + np.sqrt(x) * 0, None), 0.0, x)[0]",
            at(x=[0.0, 4.0]),
            [0, 0],
            "0·∞ counts as 0 in a turn, too (docs/decisions/0002)",
        ),
        gradient(
            "np.scan(lambda c, x: (np.where(x > 0, c + np.log(x), c), None), 0.0, x)[0]",
            at(x=[-1.0, 0.0, 2.0]),
            [0, 0, 0.5],
            NO_INFLUENCE,
        ),
        gradient(
            "np.scan(lambda c, x: (c + x, None), 0.0, x)[0]", at(x=[inf, 1.0]), [1, 1], DERIVATIVE
        ),
        gradient(
            "np.scan(lambda c, x: (c * x, None), 1.0, x)[0]",
            at(x=[nan, 2.0]),
            [2, nan],
            DERIVATIVE,
        ),
        gradient("np.fori_loop(0, 4, lambda i, c: c * i + x, x)", at(x=3.0), 16, DERIVATIVE),
        gradient("np.fori_loop(4, 0, lambda i, c: c * i, x)", at(x=3.0), 1, NO_TURN),
        gradient(
            "np.cond(x > 0, np.sqrt, lambda x: -x, x)",
            at(x=0.0),
            -1,
            "derivative of the side taken",
        ),
        gradient("np.cond(x >= 0, np.sqrt, lambda x: -x, x)", at(x=0.0), inf, LIMIT),
        # The value is a Python number where this is evaluated, and of x's dtype where it is traced.
        gradient(
            "np.cond(x > 0, lambda: np.log(x), lambda: 0.0)",
            at(x=-1.0),
            0,
            NO_INFLUENCE,
            single=False,
        ),
        gradient("np.cond(x > 0, lambda: np.log(x), lambda: 0 * x)", at(x=-1.0), 0, NO_INFLUENCE),
        gradient(
            "np.cond(x, np.exp, np.sin, x)", at(x=nan), nan, "a condition NaN holds, as in Python"
        ),
        hessian(
            "np.scan(lambda c, x: (c * x, None), 1.0, x)[0]",
            at(x=[2.0, 0.0]),
            [[0, 1], [1, 0]],
            DERIVATIVE,
        ),
        refused(
            "np.scan(lambda c, x: (c + x[None], None), 0.0, x)[0]",
            at(x=[1.0]),
            ad.ShapeError,
            "must keep its shapes",
            KEPT,
        ),
        refused(
            "np.scan(lambda c, x: ((c, x), None), 0.0, x)[0]",
            at(x=[1.0]),
            TypeError,
            "must keep its structure",
            KEPT,
        ),
        refused(
            "np.cond(x > 0, lambda: x, lambda: x)[0]",
            at(x=[1.0, 2.0]),
            TypeError,
            "expected one truth value",
            "np.where chooses entry by entry",
        ),
    ],
)
