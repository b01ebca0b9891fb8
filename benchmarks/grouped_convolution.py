"""Convolutions in groups: the loss and the gradients of images, weight and bias, float32."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .race import Race
from .reports import tier
from .rival import Contestant, Rival, of_gradients

Array = np.ndarray[Any, Any]


class Layer(NamedTuple):
    """A 3 × 3 convolution of square images with a border of zeros."""

    images: int
    channels: int
    maps: int
    groups: int
    places: int

    def data(self) -> tuple[Array, Array, Array]:
        """Return images, and a weight and a bias as adjoint keeps them."""
        rng = np.random.default_rng(0)
        images = rng.normal(size=(self.images, self.channels, self.places, self.places))
        weight = rng.normal(size=(self.channels // self.groups, 3, 3, self.maps)) / 3
        bias = rng.normal(size=self.maps)
        x, w, b = (array.astype(np.float32) for array in (images, weight, bias))
        return x, w, b

    def __str__(self) -> str:
        sizes = f"{self.images} images of {self.places} × {self.places}"
        return f"{self.channels} to {self.maps} channels in {self.groups} groups, 3 × 3, {sizes}"


def loss_of(layer: Layer) -> Callable[..., Any]:
    """Return adjoint's loss of the images, the weight and the bias."""
    from adjoint import nn
    from adjoint.compiler.state import standing_in

    model = nn.Conv2d(
        layer.channels, layer.maps, 3, padding=1, groups=layer.groups, dtype=np.float32
    )

    def loss(x: Any, weight: Any, bias: Any) -> Any:
        with standing_in(list(model.parameters()), [weight, bias]):
            return (model(x) ** 2).mean()

    return loss


def adjoint_compiled(layer: Layer) -> Contestant:
    import adjoint as ad

    arrays = layer.data()
    function = ad.compile(ad.value_and_grad(loss_of(layer), argnums=(0, 1, 2)))
    return of_gradients(lambda: function(*arrays), about=lambda: tier(function))


def pytorch(layer: Layer) -> Contestant:
    import torch

    x, weight, bias = layer.data()
    by_map = np.ascontiguousarray(np.moveaxis(weight, -1, 0))
    images, kernel, shift = (torch.from_numpy(a).requires_grad_() for a in (x, by_map, bias))

    def call() -> Any:
        found = torch.nn.functional.conv2d(images, kernel, shift, padding=1, groups=layer.groups)
        loss = (found**2).mean()
        d_x, d_weight, d_bias = torch.autograd.grad(loss, (images, kernel, shift))
        return loss.item(), (d_x.numpy(), np.moveaxis(d_weight.numpy(), 0, -1), d_bias.numpy())

    return of_gradients(call)


def race(layer: Layer) -> Race:
    return Race(
        f"Convolution {layer}, float32: loss and gradients",
        "a call",
        [
            Rival("adjoint, compiled", lambda: adjoint_compiled(layer), quick=True),
            Rival("PyTorch", lambda: pytorch(layer), ("torch",)),
        ],
        reference="adjoint, compiled",
        tolerance=1e-3,
    )


RACES: dict[str, Callable[[], Race]] = {
    "grouped-convolution": lambda: race(Layer(64, 16, 32, 4, 8)),
    "depthwise-convolution": lambda: race(Layer(16, 32, 32, 32, 28)),
}
