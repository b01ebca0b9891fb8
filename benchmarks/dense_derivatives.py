"""All derivatives at once: the Hessian of a model of 97 parameters, and a Jacobian of 200 × 200."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .race import Race
from .reports import tier
from .rival import Rival, contestant, repeated

Array = np.ndarray[Any, Any]
# A network of 5 inputs, 16 hidden units and one output, on 50 rows: 5·16 + 16 + 1 parameters.
INPUTS, HIDDEN, ROWS, SIZE = 5, 16, 50, 200


def parameters() -> Array:
    return np.random.default_rng(1).normal(size=INPUTS * HIDDEN + HIDDEN + 1) / 2


def loss(p: Any, library: Any = np) -> Any:
    """Return the mean squared error of a network whose parameters stand in one array."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(ROWS, INPUTS)), rng.normal(size=ROWS)
    hidden = library.tanh(library.dot(X, p[: INPUTS * HIDDEN].reshape(INPUTS, HIDDEN)))
    outputs = library.dot(hidden, p[INPUTS * HIDDEN : -1]) + p[-1]
    return library.mean((outputs - y) ** 2)


def point() -> Array:
    return np.random.default_rng(1).normal(size=SIZE)


def layer(x: Any, library: Any = np) -> Any:
    """Return a layer of 200 units."""
    return library.tanh(library.dot(np.random.default_rng(0).normal(size=(SIZE, SIZE)) / 15, x))


class Subject:
    """A derivative of a function at an array, by each library's function of that name."""

    def __init__(
        self, derivative: str, function: Callable[..., Any], at: Callable[[], Array]
    ) -> None:
        self.derivative, self.function, self.at = derivative, function, at

    def adjoint(self) -> Any:
        import adjoint as ad

        x, found = self.at(), getattr(ad, self.derivative)(self.function)
        return contestant(repeated(lambda: found(x)), lambda: found(x).ravel())

    def compiled(self) -> Any:
        import adjoint as ad

        x, found = self.at(), ad.compile(getattr(ad, self.derivative)(self.function))
        return contestant(repeated(lambda: found(x)), lambda: found(x).ravel(), lambda: tier(found))

    def jax(self) -> Any:
        import jax
        import jax.numpy as jnp

        jax.config.update("jax_enable_x64", True)
        # The one of its two modes that costs less for as many results as arguments.
        wanted = {"hessian": jax.hessian, "jacobian": jax.jacfwd}[self.derivative]
        x, found = jnp.asarray(self.at()), jax.jit(wanted(lambda x: self.function(x, jnp)))
        return contestant(
            repeated(lambda: jax.block_until_ready(found(x))), lambda: np.asarray(found(x)).ravel()
        )

    def autograd(self) -> Any:
        import autograd
        import autograd.numpy as anp

        x, wanted = self.at(), getattr(autograd, self.derivative)
        found = wanted(lambda x: self.function(x, anp))
        return contestant(repeated(lambda: found(x)), lambda: found(x).ravel())

    def race(self, title: str) -> Race:
        return Race(
            title,
            "a call",
            [
                Rival("adjoint", self.adjoint, quick=True),
                Rival("adjoint, compiled", self.compiled, quick=True),
                Rival("JAX, jit", self.jax, ("jax",)),
                Rival("autograd", self.autograd, ("autograd",)),
            ],
            reference="adjoint",
            tolerance=1e-10,
        )


def hessian() -> Race:
    subject = Subject("hessian", loss, parameters)
    return subject.race("The Hessian of a model of 97 parameters, 50 rows, float64")


def jacobian() -> Race:
    subject = Subject("jacobian", layer, point)
    return subject.race("The Jacobian of a layer, 200 × 200, float64")


RACES = {"hessian": hessian, "jacobian": jacobian}
