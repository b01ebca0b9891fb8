"""Activations by what they do to an entry: they keep it within bounds, rectify it, or gate it.

All act entry by entry, but for `glu` and `softmax`, and keep the dtype of floats. At large inputs
values and slopes are finite. At a kink each follows PyTorch, and its docstring says what that is.
"""

from __future__ import annotations

from .activation import Activation
from .bounded import *  # noqa: F403
from .gated import *  # noqa: F403
from .rectified import *  # noqa: F403

# The activations that networks can have between their layers, by name. They are read off once, when
# the families above are known, so that no class which a user derives later changes them.
ACTIVATIONS: dict[str, type[Activation]] = {
    kind.function.__name__: kind
    for kind in sorted(Activation.__subclasses__(), key=lambda kind: kind.__name__.lower())
    if kind.initialise is not None
}
