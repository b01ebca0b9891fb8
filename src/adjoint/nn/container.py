"""A container applies the modules it holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .module import Module


class Sequential(Module):
    """Modules applied one after another.

    Parameters
    ----------
    *modules : Module or other callable
        Or one list of them.

    Raises
    ------
    TypeError
        If one of them cannot be called.

    Examples
    --------
    >>> from adjoint import nn
    >>> model = nn.Sequential(nn.Linear(2, 3), nn.Tanh())
    >>> model
    Sequential(  # 9 parameters
      layers[0]: Linear(2, 3)
      layers[1]: Tanh()
    )
    >>> len(model), model[0].weight.shape
    (2, (2, 3))
    """

    def __init__(self, *modules: Any) -> None:
        if len(modules) == 1 and isinstance(modules[0], (list, tuple)):
            modules = tuple(modules[0])
        for i, module in enumerate(modules):
            # A class is callable, but what was meant is an instance of it.
            if not callable(module) or isinstance(module, type):
                raise TypeError(
                    f"Sequential: expected modules or callables, got {module!r} at position {i}"
                )
        self.layers = list(modules)

    def forward(self, x: Any) -> Any:
        """Return the last module's output; without modules, x itself."""
        for layer in self.layers:
            x = layer(x)
        return x

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.layers)

    def __getitem__(self, index: int | slice) -> Any:
        """Return a module, or a Sequential of a slice of them, sharing their parameters."""
        return Sequential(self.layers[index]) if isinstance(index, slice) else self.layers[index]
