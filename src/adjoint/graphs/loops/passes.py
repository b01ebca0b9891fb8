"""The passes through a body: cotangents pulled back through its graph, tangents pushed forward."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from ...core.node import Node
from ...core.spec import Spec, shape_of
from ..graph import Graph
from ..lift import lift
from ..recording import sweep_back
from ..sweep import push_forward
from ..symbol import Symbol, node_of


def is_float(x: Any) -> bool:
    """Return whether a value, or a spec, has derivatives."""
    return bool(x.dtype.kind == "f")


def floats(items: Sequence[Any]) -> list[int]:
    """Return the numbers of those that have derivatives."""
    return [n for n, x in enumerate(items) if is_float(x)]


def zeros_of(x: Any) -> Any:
    """Return zeros of the shape and dtype of a value or a spec."""
    return np.zeros(shape_of(x), x.dtype)


def pulled(body: Graph, given: Mapping[int, Any], wanted: Collection[int]) -> dict[int, Any]:
    """Return the cotangents of the inputs that are wanted, where there is one, by their numbers.

    Parameters
    ----------
    given : mapping of int to Value
        A cotangent for each output that has one.
    """
    seeds: dict[Node, Any] = {}
    for n, g in given.items():
        if isinstance(output := body.outputs[n], Symbol):
            known = seeds.get(node_of(output))
            seeds[node_of(output)] = g if known is None else known + g
    nodes = {n: node_of(body.inputs[n]) for n in wanted}
    if not seeds or not nodes:
        return {}
    found = sweep_back(seeds, wanted=list(nodes.values()), lift=lift)
    return {n: found[node] for n, node in nodes.items() if node in found}


def pushed(body: Graph, given: Mapping[int, Any]) -> list[Any]:
    """Return the tangent of each output that has derivatives, given those of some inputs."""
    outputs = [x for x in body.outputs if is_float(x)]
    seeds = {node_of(body.inputs[n]): t for n, t in given.items()}
    ends = [node_of(x) for x in outputs if isinstance(x, Symbol)]
    found = push_forward(seeds, ends, lift=lift)
    return [
        found[node_of(x)] if isinstance(x, Symbol) and node_of(x) in found else zeros_of(x)
        for x in outputs
    ]


def with_zeros(found: Sequence[Any], specs: Sequence[Spec]) -> list[Any]:
    """Return a tangent for each spec: those that were found, in order, and zeros of integers."""
    rest = iter(found)
    return [next(rest) if is_float(spec) else zeros_of(spec) for spec in specs]
