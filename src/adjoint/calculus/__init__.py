"""Calculus takes functions and gives derivatives, and checks that derivatives are right.

``derivatives`` has `grad`, `vjp`, `jvp` and their kin, ``jacobians`` what takes many sweeps,
``custom`` rules of the user's own. ``check`` compares with numerical differences, ``anomaly`` finds
the first NaN, and ``contract`` with ``claims`` is what every primitive must keep.
"""

from .derivatives import grad, jvp, linearize, value_and_grad, vjp

__all__ = ["grad", "jvp", "linearize", "value_and_grad", "vjp"]
