"""A convention is what numbers in a file mean beyond their names and shapes.

Where sizes are equal by chance, numbers that follow another convention would load without an error
and compute another function.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from .activations.rectified import PReLU
from .module import Module


def conventions_of(model: Module) -> dict[str, Any]:
    """Return what a file must say about this model's numbers; for most models it is nothing."""
    axes = _slope_axes(model)
    return {"slope_axes": axes} if axes else {}


def check_conventions(
    model: Module, content: Mapping[str, Any], path: str | os.PathLike[str]
) -> None:
    """Refuse numbers that mean something else to this model.

    Raises
    ------
    ValueError
        If the slopes of a `PReLU` ran along another axis; of a file that says nothing of it, they
        ran along the last.
    """
    saved = content.get("slope_axes", {})
    for name, axis in _slope_axes(model).items():
        before = saved.get(name, -1)
        if before != axis:
            raise ValueError(
                f"{path}: the slopes of {name or 'the PReLU'} ran along axis {before} of its input "
                f"when they were saved, here they run along axis {axis}; nothing was loaded. Make "
                f"it nn.PReLU(..., axis={before}), which for inputs of two axes is the same"
            )


def check_slopes_for_torch(model: Module) -> None:
    """Refuse slopes that PyTorch has along another axis.

    Raises
    ------
    TypeError
    """
    for name, axis in _slope_axes(model).items():
        if axis != 1:
            raise TypeError(
                f"layout 'torch': the slopes of {name or 'the PReLU'} run along axis {axis}, "
                "PyTorch's along axis 1; make it nn.PReLU(features)"
            )


def _slope_axes(model: Module) -> dict[str, int]:
    """Return along which axis several slopes run, by the name of the `PReLU`."""
    return {
        name: module.axis
        for name, module in model.named_modules()
        if isinstance(module, PReLU) and module.features > 1
    }
