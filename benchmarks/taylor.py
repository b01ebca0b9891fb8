"""Taylor coefficients to order 8 along a direction: 100 numbers, elementary functions, float64."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .race import Race
from .reports import tier
from .rival import Contestant, Rival, contestant, repeated

ORDER, SIZE = 8, 100
Array = np.ndarray[Any, Any]


def data() -> Array:
    return np.random.default_rng(0).uniform(0.5, 1.5, SIZE)


def function(x: Any, library: Any = np) -> Any:
    """Return what is expanded, of any library's array."""
    return library.tanh(library.sin(x) * library.exp(-x)) / (1 + x * x)


def as_contestant(call: Callable[[], Any], about: Callable[[], str] = lambda: "") -> Contestant:
    """Return the contestant of a call that gives all coefficients."""
    return contestant(repeated(call), lambda: np.asarray(call()), about)


def adjoint() -> Contestant:
    import adjoint as ad

    x, v = data(), np.ones(SIZE)
    return as_contestant(lambda: ad.taylor(function, x, v, ORDER))


def compiled() -> Contestant:
    import adjoint as ad

    x, v = data(), np.ones(SIZE)
    coefficients = ad.compile(lambda x, v: ad.taylor(function, x, v, ORDER))
    return as_contestant(lambda: coefficients(x, v), about=lambda: tier(coefficients))


def nested() -> Contestant:
    import adjoint as ad

    x, v = data(), np.ones(SIZE)

    def derivatives(x: Any, order: int) -> Any:
        """Return the function and its derivatives, by a push forward of the one of lower order."""
        if not order:
            return [function(x)]
        below, slopes = ad.jvp(lambda x: derivatives(x, order - 1), (x,), (v,))
        return [*below, slopes[-1]]

    return as_contestant(lambda: _coefficients(derivatives(x, ORDER)))


def _coefficients(derivatives: Any) -> Array:
    return np.stack([np.asarray(d) / math.factorial(k) for k, d in enumerate(derivatives)])


def jax_jet() -> Contestant:
    import jax
    import jax.numpy as jnp
    from jax.experimental.jet import jet

    jax.config.update("jax_enable_x64", True)
    x, v = jnp.asarray(data()), jnp.ones(SIZE)

    def derivatives(x: Any, v: Any) -> Any:
        along = [v, *[jnp.zeros(SIZE)] * (ORDER - 1)]
        first, others = jet(lambda x: function(x, jnp), (x,), (along,))
        return [first, *others]

    called = jax.jit(derivatives)
    return as_contestant(lambda: _coefficients(jax.block_until_ready(called(x, v))))


def jax_nested() -> Contestant:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    x, v = jnp.asarray(data()), jnp.ones(SIZE)

    def derivatives(x: Any, order: int) -> Any:
        if not order:
            return [function(x, jnp)]
        below, slopes = jax.jvp(lambda x: derivatives(x, order - 1), (x,), (v,))
        return [*below, slopes[-1]]

    called = jax.jit(lambda x: derivatives(x, ORDER))
    return as_contestant(lambda: _coefficients(jax.block_until_ready(called(x))))


def race() -> Race:
    return Race(
        "Taylor coefficients to order 8 of tanh(sin x e⁻ˣ) / (1 + x²), 100 numbers, float64",
        "a call",
        [
            Rival("adjoint, taylor", adjoint, quick=True),
            Rival("adjoint, compiled taylor", compiled, quick=True),
            Rival("adjoint, nested jvp", nested, quick=True),
            Rival("JAX, jit of jet", jax_jet, ("jax",)),
            Rival("JAX, jit of nested jvp", jax_nested, ("jax",)),
        ],
        reference="adjoint, nested jvp",
        tolerance=1e-8,
    )
