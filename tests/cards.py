"""What the cards are run on to compare tiers: their values, and their values with gradients."""

import numpy as np

import adjoint as ad
from adjoint import contract
from adjoint.core import PRIMITIVES


def card_programs(name, dtype):
    """Yield functions of a card, and the arrays to call them with."""
    primitive = PRIMITIVES[name]
    for case in contract.cases(primitive):
        args, params = contract.arguments(primitive, case, np.random.default_rng(0), dtype)
        if any(x.dtype.kind == "b" for x in args):
            continue  # how many entries a mask picks cannot be traced

        def value(*xs, params=params):
            return primitive.bind(list(xs), params)

        def with_gradient(*xs, params=params):
            floats = [n for n, x in enumerate(xs) if x.dtype.kind == "f"]

            def function(*points):
                full = list(xs)
                for n, point in zip(floats, points, strict=True):
                    full[n] = point
                return primitive.bind(full, params)

            y, pull = ad.vjp(function, *(xs[n] for n in floats))
            return y, *pull(1.5 * ad.ones_like(y))

        yield value, args
        if primitive.vjp is not None and any(x.dtype.kind == "f" for x in args):
            yield with_gradient, args
