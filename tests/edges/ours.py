"""adjoint under the probes: its names, and the derivatives it gives in either mode."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import adjoint as ad

Function = Callable[..., Any]


class Names:
    """NumPy's names, and adjoint's where NumPy has none."""

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name) if hasattr(np, name) else getattr(ad, name)


def closed(function: Function, arrays: Sequence[Any], floats: Sequence[int]) -> Function:
    """Return the function of its float arguments alone."""

    def of_floats(*xs: Any) -> Any:
        full = list(arrays)
        for n, x in zip(floats, xs, strict=True):
            full[n] = x
        return function(*full)

    return of_floats


def value(function: Function, *xs: Any) -> Any:
    """Return the function's value at the point."""
    return ad.vjp(function, *xs)[0]


def reverse_gradient(function: Function, *xs: Any) -> list[Any]:
    """Pull ones back through the result."""
    result, pull = ad.vjp(function, *xs)
    return list(pull(np.ones_like(result)))


def forward_gradient(function: Function, *xs: Any) -> list[Any]:
    """Push every unit tangent forward and add up the result's."""
    _, push = ad.linearize(function, *xs)
    gradients = [np.zeros_like(x) for x in xs]
    for gradient, tangents in zip(gradients, _units(xs), strict=True):
        for entry, unit in tangents:
            gradient[entry] = np.sum(push(*unit))
    return gradients


def _units(xs: Sequence[Any]) -> list[list[tuple[Any, list[Any]]]]:
    """Return for every argument its entries, each with the unit tangents in its direction."""

    def unit(position: int, entry: Any) -> list[Any]:
        tangents = [np.zeros_like(x) for x in xs]
        tangents[position][entry] = 1
        return tangents

    return [[(e, unit(n, e)) for e in np.ndindex(x.shape)] for n, x in enumerate(xs)]


def hessian(function: Function, *xs: Any, mode: str) -> list[Any]:
    """Return the Hessian by all entries: a Jacobian, in either mode, of the gradient."""
    numbers = range(len(xs))
    gradient = ad.grad(lambda *args: np.sum(function(*args)), numbers)
    blocks = ad.jacobian(gradient, numbers, mode=mode)(*xs)
    return [
        np.block([[b.reshape(x.size, -1) for b in row] for x, row in zip(xs, blocks, strict=True)])
    ]


def reverse_hessian(function: Function, *xs: Any) -> list[Any]:
    """Reverse over reverse."""
    return hessian(function, *xs, mode="reverse")


def forward_hessian(function: Function, *xs: Any) -> list[Any]:
    """Forward over reverse."""
    return hessian(function, *xs, mode="forward")


DERIVATIVES = {
    (1, "reverse"): reverse_gradient,
    (1, "forward"): forward_gradient,
    (2, "reverse"): reverse_hessian,
    (2, "forward"): forward_hessian,
}
