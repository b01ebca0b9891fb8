"""The mode of a module says whether it is being trained, on which layers as dropout depend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .module import Module


@contextmanager
def modes_kept(model: Module) -> Iterator[None]:
    """Give every module the training mode back that it had."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
