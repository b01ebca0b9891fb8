"""An activation is a nonlinear function as a module; but for `PReLU` it has no parameters."""

from __future__ import annotations

from typing import Any, ClassVar

from ...core.annotations import ArrayLike
from ..function_module import FunctionModule


class Activation(FunctionModule):
    """A function of one array as a module; abstract.

    The initialiser whose name is ``initialise`` draws the weights of the layer before it. What has
    one is in `ACTIVATIONS` under the function's name: networks can have it between their layers.
    """

    initialise: ClassVar[str | None] = None

    def forward(self, x: ArrayLike) -> Any:
        """Return the function of x."""
        # Most have no settings; calling their function directly takes a sixth off an eager ReLU.
        return self.apply(x) if self.settings else self.function(x)
