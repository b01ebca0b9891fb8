"""Faults that were once in the compiler, each put back on purpose: random programs must find them.

A fault is a function that plants it, given pytest's ``monkeypatch``.
"""

import contextlib
import operator
import sys

import numpy as np

from adjoint.compiler.state import State

FAULTS = {}


def fault(plant):
    """Enter a fault under its name."""
    FAULTS[plant.__name__] = plant
    return plant


@fault
def arguments_are_taken_for_finite(patch):
    from adjoint.compiler.simplify.rewrites import ANSWERS
    from adjoint.compiler.simplify.simplify import _Simplifier

    asked = _Simplifier._answer

    def answer(self, name, args, spec):
        return (
            np.full(spec.shape, ANSWERS[name]) if name in ANSWERS else asked(self, name, args, spec)
        )

    patch.setattr(_Simplifier, "_answer", answer)


@fault
def strong_products_are_made_plain(patch):
    patch.setattr("adjoint.compiler.simplify.simplify.is_plain", lambda *_: True)


@fault
def assignments_are_lost_while_tracing(patch):
    from adjoint.graph import Symbol

    from adjoint.core.views import Argument, View

    for kind in (Argument, View):
        refuse = kind.refuse_assignment

        def lose(self, refuse=refuse):
            return None if isinstance(self, Symbol) else refuse(self)

        patch.setattr(kind, "refuse_assignment", lose)


@fault
def augmented_assignment_rebinds(patch):
    from adjoint.core import Value

    for apply in (operator.add, operator.sub, operator.mul, operator.truediv):

        def rebind(self, other, apply=apply):
            return apply(self, other)

        patch.setattr(Value, f"__i{apply.__name__}__", rebind)


@fault
def buffers_are_kept_by_reference(patch):
    def itself(x):
        return x

    # By module: `adjoint.tensor` is the function of that name.
    tensor, symbol = sys.modules["adjoint.graphs.tensor"], sys.modules["adjoint.graphs.symbol"]
    patch.setattr(tensor, "keep", lambda arrays, parents: None)
    for module, name in (
        (tensor, "kept"),
        (tensor, "kept_params"),
        (symbol, "held"),
        (symbol, "kept_params"),
    ):
        patch.setattr(module, name, itself)


@fault
def captured_state_is_read_once(patch):
    settings = State.settings
    patch.setattr(State, "settings", lambda self: (self._latest or [settings(self)])[-1])


@fault
def effects_are_baked_in(patch):
    patch.setattr(
        "adjoint.graphs.tracing.effects.refused", lambda *_, **__: contextlib.nullcontext()
    )
    patch.setattr("adjoint.graphs.tracing.effects.refuse_entropy", lambda: None)


@fault
def results_share_memory(patch):
    for name, module in list(sys.modules.items()):
        if name.startswith("adjoint.") and hasattr(module, "separate"):
            patch.setattr(module, "separate", lambda results, *_: list(results))


@fault
def zeros_lose_their_sign(patch):
    from adjoint.compiler.simplify.rewrites import is_number

    patch.setattr(
        "adjoint.compiler.simplify.rewrites._is_zero", lambda x, *, negative: is_number(x, 0)
    )
