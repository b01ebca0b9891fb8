"""Parameters have names in a derivation: W1, b1 … in a stack of layers, else those of the model."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ...graphs.tracing.naming import identifier

_IN_A_STACK = re.compile(r"(\w+\[\d+\])\.(weight|bias)")


def parameter_names(dimensions: Mapping[str, int]) -> list[str]:
    """Return a name for each path, no two alike; ``dimensions`` has the number of axes of each.

    Only layers with a matrix and a bias are numbered, for their equations are those with W and b.

    >>> parameter_names({"layers[0].weight": 2, "layers[0].bias": 1, "layers[1].weight": 1})
    ['W1', 'b1', 'layers_1_weight']
    >>> parameter_names({"attention.query.weight": 2, "attention_query.weight": 2})
    ['attention_query_weight', 'attention_query_weight_2']
    """
    found = {path: _IN_A_STACK.fullmatch(path) for path in dimensions}
    layers = [
        match[1]
        for path, match in found.items()
        if match
        and match[2] == "weight"
        and dimensions[path] > 1
        and f"{match[1]}.bias" in dimensions
    ]
    names: list[str] = []
    for path, match in found.items():
        if match and match[1] in layers:
            letter = {"weight": "W", "bias": "b"}[match[2]]
            names.append(f"{letter}{layers.index(match[1]) + 1}")
        else:
            names.append(_unlike(identifier(path), names))
    return names


def is_numbered(name: str) -> bool:
    """Return whether a name is one of W1, b1 …, which does not tell which parameter it is."""
    return re.fullmatch(r"[Wb]\d+", name) is not None


def _unlike(name: str, taken: list[str]) -> str:
    """Return a name, or the first of name_2, name_3 … that is free."""
    number, free = 1, name
    while free in taken or is_numbered(free):
        number += 1
        free = f"{name}_{number}"
    return free
