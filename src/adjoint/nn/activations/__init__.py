"""Activations by what they do to an entry: they keep it within bounds, rectify it, or gate it.

All act entry by entry, but for `glu` and `softmax`, and keep the dtype of floats. At large inputs
values and slopes are finite. At a kink each follows PyTorch, and its docstring says what that is.
"""

from __future__ import annotations

from .activation import Activation
from .bounded import *  # noqa: F403
from .gated import *  # noqa: F403
from .rectified import *  # noqa: F403

# What networks can have between their layers, by name: the families above, and no class that a user
# derives later.
ACTIVATIONS: dict[str, type[Activation]] = {
    kind.function.__name__: kind
    for kind in sorted(Activation.__subclasses__(), key=lambda kind: kind.__name__.lower())
    if kind.initialise is not None
}
