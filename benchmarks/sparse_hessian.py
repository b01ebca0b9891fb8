"""The Hessian of the energy of a truss: 1,000 coordinates, each with some ten others, float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .race import Race
from .rival import Contestant, Rival, contestant, repeated

SIZE = 1000
Array = np.ndarray[Any, Any]


def data() -> Array:
    return np.random.default_rng(0).normal(size=SIZE)


def function(x: Any, library: Any = np) -> Any:
    """Return the energy of bars between each joint and the next two."""
    joints = x.reshape(-1, 2)
    n = np.arange(len(joints) - 1)
    first, second = np.concatenate([n, n[:-1]]), np.concatenate([n + 1, n[:-1] + 2])
    between = joints[first] - joints[second]
    lengths = library.sqrt(library.sum(between**2, axis=1))
    return library.sum((lengths - 1.0) ** 2)


def as_contestant(call: Callable[[], Any], entries: Callable[[Any], Array]) -> Contestant:
    """All rivals find all entries; those of a band are compared."""

    def result() -> Array:
        found = entries(call())
        return np.concatenate([np.diagonal(found, n) for n in range(6)])

    return contestant(repeated(call), result)


def sparse() -> Contestant:
    import adjoint as ad

    x, hessian = data(), ad.hessian(function, sparse=True)
    return as_contestant(lambda: hessian(x), lambda found: np.asarray(found.toarray()))


def dense() -> Contestant:
    import adjoint as ad

    x, hessian = data(), ad.hessian(function)
    return as_contestant(lambda: hessian(x), np.asarray)


def dense_compiled() -> Contestant:
    import adjoint as ad

    x, hessian = data(), ad.compile(ad.hessian(function))
    return as_contestant(lambda: hessian(x), np.asarray)


def jax_dense() -> Contestant:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    x = jnp.asarray(data())
    hessian = jax.jit(jax.hessian(lambda x: function(x, jnp)))
    return as_contestant(lambda: jax.block_until_ready(hessian(x)), np.asarray)


def race() -> Race:
    return Race(
        "The Hessian of a truss's energy, 1,000 coordinates, float64",
        "a call",
        [
            Rival("adjoint, sparse", sparse, ("scipy",), quick=True),
            Rival("adjoint, dense", dense, quick=True),
            Rival("adjoint, dense, compiled", dense_compiled),
            Rival("JAX, jit of the dense one", jax_dense, ("jax",)),
        ],
        reference="adjoint, dense",
        tolerance=1e-8,
    )
