"""A container applies the modules it holds; `Flatten` fits shapes between them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from ..core.annotations import ArrayLike
from ..errors import ShapeError
from ..ops.arithmetic import add
from ..ops.structural import as_array, reshape
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
            if not _can_be_applied(module):
                raise TypeError(
                    f"Sequential: expected modules or callables, got {module!r} at position {i}"
                )
        self.layers = list(modules)

    def forward(self, x: ArrayLike) -> Any:
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


class Residual(Module):
    """The input plus what a module makes of it, x + module(x).

    He et al., "Deep residual learning for image recognition", CVPR 2016, equation (1).

    Parameters
    ----------
    module : Module or other callable
        Several modules are given as a `Sequential` of them.

    Raises
    ------
    TypeError
        If it cannot be called.
    ShapeError
        On a call, if the module changes the shape.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint import nn
    >>> nn.Residual(nn.ReLU())(np.array([-1.0, 2.0]))
    array([-1.,  4.])
    """

    def __init__(self, module: Callable[..., Any]) -> None:
        if not _can_be_applied(module):
            raise TypeError(f"Residual: expected a module or callable, got {module!r}")
        self.module = module

    def forward(self, x: ArrayLike) -> Any:
        """Return x + module(x).

        Parameters
        ----------
        x : (...) array

        Returns
        -------
        (...) Tensor
        """
        z = as_array(x)
        change = as_array(self.module(z))
        if change.shape != z.shape:
            raise ShapeError(
                f"Residual: the module makes shape {change.shape} of an input of shape {z.shape}; "
                "expected one that keeps it, to add the two"
            )
        return add(z, change)


class Flatten(Module):
    """Joins all axes from one on into a single axis: an example's entries become one row.

    Parameters
    ----------
    start_axis : int
        The first that is joined; 1 keeps the axis of examples.

    Raises
    ------
    ShapeError
        On a call, if the input has no such axis.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint import nn
    >>> nn.Flatten()(np.zeros((5, 2, 3))).shape
    (5, 6)
    """

    def __init__(self, start_axis: int = 1) -> None:
        self.start_axis = start_axis

    def forward(self, x: ArrayLike) -> Any:
        """Return the reshaped input.

        Parameters
        ----------
        x : (n, ...) array

        Returns
        -------
        (n, k) Tensor
        """
        z = as_array(x)
        rank = len(z.shape)
        if not -rank <= self.start_axis < rank:
            raise ShapeError(
                f"Flatten: input of shape {z.shape} has no axis {self.start_axis} to start from"
            )
        start = self.start_axis % rank
        return reshape(z, shape=(*z.shape[:start], math.prod(z.shape[start:])))

    def extra_repr(self) -> str:
        """Return the first axis."""
        return f"start_axis={self.start_axis}"


def _can_be_applied(module: object) -> bool:
    """Return whether an object can be applied. A class is callable, but its instance was meant."""
    return callable(module) and not isinstance(module, type)
