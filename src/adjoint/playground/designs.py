"""A design makes a network of settings, or the text of a program that does so."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from .. import nn
from ..nn.activations import ACTIVATIONS
from ..nn.container import Sequential
from ..nn.module import Module
from .settings import BY_SCORE, FROM_0_TO_1, Layer, Settings

# A part of a network: its class, and what it is made with, as values or as text.
Part = tuple[type[Module], tuple[Any, ...], dict[str, Any]]
RNG = "rng"  # stands for the generator from which weights are drawn


class _From0To1:
    """Draws weights as the article does; its text is what a program has in its place."""

    def __call__(self, shape: tuple[int, int], rng: np.random.Generator) -> Any:
        return rng.random(shape)

    def __repr__(self) -> str:
        return "lambda shape, rng: rng.random(shape)"


def outputs(settings: Settings, classes: int) -> int:
    """Return how many numbers the network gives."""
    return 1 if not classes or settings.loss in BY_SCORE else classes


def parts(settings: Settings, inputs: int, classes: int) -> Iterator[Part]:
    """Yield the parts of the network from first to last."""
    sizes = [inputs, *(layer.units for layer in settings.layers), outputs(settings, classes)]
    activations = [ACTIVATIONS[layer.activation] for layer in settings.layers]
    given = {} if settings.dtype == "float64" else {"dtype": settings.dtype}
    for place, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        activation = activations[place] if place < len(activations) else None
        named = {"rng": RNG, **_initialise(settings, activation), **given}
        yield nn.Linear, (fan_in, fan_out), named
        if activation is None:
            return
        norm, dropout = own_parts(settings, settings.layers[place])
        if norm != "none":
            yield (nn.BatchNorm if norm == "batch" else nn.LayerNorm), (fan_out,), given
        yield activation, (), given if activation is nn.PReLU else {}
        if dropout:
            yield nn.Dropout, (dropout,), {"rng": RNG}


def own_parts(settings: Settings, layer: Layer) -> tuple[str, float]:
    """Return the norm and the dropout of a layer: its own, or those of all."""
    return (
        settings.norm if layer.norm is None else layer.norm,
        settings.dropout if layer.dropout is None else layer.dropout,
    )


def _initialise(settings: Settings, activation: Any) -> dict[str, Any]:
    if settings.initialise == FROM_0_TO_1:
        return {"initialise": _From0To1()}
    if settings.initialise != "auto":
        return {"initialise": settings.initialise}
    return {"initialise": activation.initialise} if activation else {}


def network(settings: Settings, inputs: int, classes: int) -> Sequential:
    """Return the network with its first weights."""
    rng = np.random.default_rng(settings.seed)
    return Sequential(
        [
            kind(*args, **{n: rng if x is RNG else x for n, x in given.items()})
            for kind, args, given in parts(settings, inputs, classes)
        ]
    )


def network_text(settings: Settings, inputs: int, classes: int) -> str:
    """Return the statement that makes the network of ``rng``."""
    lines = []
    for kind, args, given in parts(settings, inputs, classes):
        named = [f"{n}={'rng' if x is RNG else repr(x)}" for n, x in given.items()]
        lines.append(f"    ad.nn.{kind.__name__}({', '.join([*map(repr, args), *named])}),\n")
    return f"model = ad.nn.Sequential(\n{''.join(lines)})"
