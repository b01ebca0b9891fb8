"""The names that a program gives its tensors: variables, and parameters by their paths."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ...graphs.tensor import Tensor
from ...graphs.tracing.naming import is_given
from ...nn.module import Module


def named_tensors(scope: Mapping[str, Any]) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors among variables that require a gradient, and those within modules."""
    given = {name: x for name, x in scope.items() if is_given(name)}
    modules = {name: x for name, x in given.items() if isinstance(x, Module)}
    for name, module in modules.items():
        for path, parameter in module.named_parameters():
            yield path if len(modules) == 1 else f"{name}.{path}", parameter
    for name, x in given.items():
        if isinstance(x, (list, tuple)):
            yield from _recorded((f"{name}[{n}]", item) for n, item in enumerate(x))
        elif isinstance(x, dict):
            yield from _recorded((f"{name}[{key!r}]", item) for key, item in x.items())
        else:
            yield from _recorded([(name, x)])


def _recorded(named: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Tensor]]:
    return ((name, x) for name, x in named if isinstance(x, Tensor) and x.node is not None)


def tensors_in(wanted: object) -> Iterable[Tensor]:
    """Yield the tensors of a tensor, a module, or a list of these."""
    if isinstance(wanted, Tensor):
        yield wanted
    elif isinstance(wanted, Module):
        yield from wanted.parameters()
    elif isinstance(wanted, Iterable) and not isinstance(wanted, str):
        for item in wanted:
            yield from tensors_in(item)
    else:
        raise TypeError(
            "why: expected for wrt the number of an argument, from 0, a tensor, a module, or "
            f"several of one of these, got {wanted!r}"
        )
