"""The names that a program gives its tensors: variables, and parameters by their paths."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..core import Node
from ..nn.module import Module
from ..tensor import Tensor


def names_in(scope: Mapping[str, Any]) -> dict[Node, str]:
    """Return the name of every recorded tensor among variables, and within modules there."""
    names: dict[Node, str] = {}
    modules = {name: x for name, x in scope.items() if isinstance(x, Module)}
    for name, module in modules.items():
        for path, parameter in module.named_parameters():
            _give(names, parameter, path if len(modules) == 1 else f"{name}.{path}")
    for name, x in scope.items():
        _give(names, x, name)
        if isinstance(x, (list, tuple)):
            for n, item in enumerate(x):
                _give(names, item, f"{name}[{n}]")
        elif isinstance(x, dict):
            for key, item in x.items():
                _give(names, item, f"{name}[{key!r}]")
    return names


def _give(names: dict[Node, str], x: Any, name: str) -> None:
    if isinstance(x, Tensor) and x.node is not None:
        names.setdefault(x.node, name)


def tensors_in(wanted: Any) -> Iterable[Tensor]:
    """Yield the tensors of a tensor, a module, or a list of these."""
    if isinstance(wanted, Tensor):
        yield wanted
    elif isinstance(wanted, Module):
        yield from wanted.parameters()
    else:
        for item in wanted:
            yield from tensors_in(item)
