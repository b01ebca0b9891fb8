"""A convolution's loss and gradients: 64 images of 16 × 8 × 8 to 32 channels by 3 × 3, float32.

Three ways to take the windows, eager and compiled, beside PyTorch's own convolution.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .race import Race
from .reports import tier
from .rival import Contestant, Rival, of_gradients

Array = np.ndarray[Any, Any]
KERNEL, PLACES = 3, 8


def data() -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    images = rng.normal(size=(64, 16, PLACES, PLACES)).astype(np.float32)
    return images, rng.normal(size=(16, KERNEL, KERNEL, 32)).astype(np.float32)


def windows(padded: Any) -> Any:
    """Return (n, channels, height, width, kernel, kernel) by the primitive."""
    from adjoint.ops.windows import sliding_windows

    return sliding_windows(padded, (KERNEL, KERNEL))


def slices(padded: Any) -> Any:
    """Return the same of slices that are joined."""
    stop = PLACES + KERNEL - 1
    parts = [
        np.stack(
            [
                padded[:, :, i : stop - KERNEL + 1 + i, j : stop - KERNEL + 1 + j]
                for j in range(KERNEL)
            ],
            axis=-1,
        )
        for i in range(KERNEL)
    ]
    return np.stack(parts, axis=-2)


def by_product(take: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    """Return the loss of a product of the windows, a row each, with the weight."""

    def loss(x: Any, weight: Any) -> Any:
        found = take(np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1))))
        rows = np.transpose(found, (0, 2, 3, 1, 4, 5)).reshape(64 * PLACES * PLACES, -1)
        return ((rows @ weight.reshape(-1, 32)) ** 2).mean()

    return loss


def by_einsum(x: Any, weight: Any) -> Any:
    found = windows(np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1))))
    return (np.einsum("nchwij,cijo->nhwo", found, weight) ** 2).mean()


def adjoint(loss: Callable[[Any, Any], Any], *, compiled: bool) -> Contestant:
    import adjoint as ad

    arrays = data()
    gradient = ad.value_and_grad(loss, argnums=(0, 1))
    if not compiled:
        return of_gradients(lambda: gradient(*arrays))
    function = ad.compile(gradient)
    return of_gradients(lambda: function(*arrays), about=lambda: tier(function))


def pytorch() -> Contestant:
    import torch

    x, weight = data()
    images = torch.from_numpy(x).requires_grad_()
    kernel = torch.from_numpy(np.ascontiguousarray(np.moveaxis(weight, -1, 0))).requires_grad_()

    def call() -> Any:
        loss = (torch.nn.functional.conv2d(images, kernel, padding=1) ** 2).mean()
        d_x, d_weight = torch.autograd.grad(loss, (images, kernel))
        return loss.item(), (d_x.numpy(), np.moveaxis(d_weight.numpy(), 0, -1))

    return of_gradients(call)


def race() -> Race:
    ways = {"windows, product": by_product(windows), "slices, product": by_product(slices)}
    ways["windows, einsum"] = by_einsum
    own = [
        Rival(
            f"adjoint, {name}, {how}",
            lambda w=way, c=how == "compiled": adjoint(w, compiled=c),
            quick=name == "windows, product",
        )
        for how in ("compiled", "eager")
        for name, way in ways.items()
    ]
    return Race(
        "Convolution 16 to 32 channels, 3 × 3, 64 images of 8 × 8, float32: loss and gradients",
        "a call",
        [*own, Rival("PyTorch", pytorch, ("torch",))],
        reference="adjoint, windows, product, eager",
        tolerance=1e-3,
    )
