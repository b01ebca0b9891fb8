"""Wrong derivatives of activations, whatever primitives the activation is written with."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ....core.annotations import Array
from ..compared_call import ComparedCall
from .hypothesis import Hypothesis, altered, total
from .subgraphs import Subgraph, subgraphs

# Expressions that derivatives of activations are written with, of the output or of the input.
_EXPRESSIONS: dict[str, Callable[[Array], Array]] = {
    "{z} * (1 - {z})": lambda z: z * (1 - z),
    "1 - {z}**2": lambda z: 1 - z * z,
    "{z} > 0": lambda z: (z > 0) * 1.0,
    "{z} < 0": lambda z: (z < 0) * 1.0,
    "{z}": lambda z: z,
    "1 - {z}": lambda z: 1 - z,
    "1 + {z}": lambda z: 1 + z,
    "{z} * (1 + {z})": lambda z: z * (1 + z),
    "1 + {z}**2": lambda z: 1 + z * z,
    "{z}**2": lambda z: z * z,
    "1 / {z}": lambda z: 1 / z,
    "2 * {z}": lambda z: 2 * z,
    "tanh'({z})": lambda z: 1 - np.tanh(z) ** 2,
    "sigmoid'({z})": lambda z: 1 / (2 + np.exp(z) + np.exp(-z)),
    "sigmoid({z})": lambda z: 1 / (1 + np.exp(-z)),
    "Φ({z})": lambda z: _normal(z),
}


def _normal(z: Array) -> Array:
    """Return the normal distribution by its tanh approximation, as GELU has it."""
    return np.asarray(0.5 * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3))))


def of_activations(call: ComparedCall) -> Iterator[Hypothesis]:
    """Yield the mistakes that spoil the derivative of an elementwise subgraph."""
    for subgraph in subgraphs(call):
        if subgraph.is_elementwise(call) and subgraph.is_curved(call):
            yield from _misplaced(call, subgraph)
            yield from _miswritten(call, subgraph)


def _misplaced(call: ComparedCall, subgraph: Subgraph) -> Iterator[Hypothesis]:
    """Yield the right derivative left out, applied twice, or taken at a wrong value."""
    start, a, z = subgraph.start, call.text(subgraph.start), call.text(subgraph.end)

    def at(s: ComparedCall, value: Array | None) -> Array | None:
        return None if value is None else subgraph.cotangent(s) * subgraph.slope(s, value)

    for mistake, detail, change in (
        (
            "activation_derivative",
            f"the derivative is forgotten (from {a} to {z})",
            lambda s, g: subgraph.cotangent(s),
        ),
        (
            "activation_derivative",
            f"the derivative is taken at the output {z} instead of the input {a}",
            lambda s, g: at(s, s.value(subgraph.end)),
        ),
        (
            "stale",
            f"the derivative at {a} is that of the call before",
            lambda s, g: at(s, s.earlier_value(start)),
        ),
        (
            "activation_derivative",
            "the derivative is applied twice",
            lambda s, g: g * subgraph.slope(s),
        ),
    ):
        yield altered(mistake, start, detail, total(start, change))


def _miswritten(call: ComparedCall, subgraph: Subgraph) -> Iterator[Hypothesis]:
    """Yield the derivative of another activation, or of this one by the wrong variable."""
    for text, expression in _EXPRESSIONS.items():
        for which, position in enumerate(subgraph):
            known = expression(call.value(position))
            if np.all(known == known.flat[0]):
                continue  # a constant is no derivative, but a term that is not there
            written = text.format(z=_bracketed(call.text(position)))
            a, z = map(call.text, subgraph)
            detail = f"it uses {written} as the derivative (from {a} to {z})"
            formula = subgraph.replaced(lambda g, *values, f=expression, n=which: g * f(values[n]))
            yield altered("activation_derivative", subgraph.start, detail, formula)


def _bracketed(text: str) -> str:
    return text if text.isidentifier() else f"({text})"
