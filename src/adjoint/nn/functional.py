"""Losses, activations and attention as functions; a loss is the mean over the batch by default.

The families of losses and activations say in their ``__all__`` which functions are shown here. This
module has no ``__all__``, because type checkers would need all the names in it a second time.
"""

from typing import NoReturn

from ..errors import missing_attribute
from .activations.bounded import *  # noqa: F403
from .activations.gated import *  # noqa: F403
from .activations.rectified import *  # noqa: F403
from .attention import scaled_dot_product_attention as scaled_dot_product_attention
from .losses import LOSSES as LOSSES
from .losses.binary import *  # noqa: F403
from .losses.classification import *  # noqa: F403
from .losses.distance import *  # noqa: F403
from .losses.gaussian import *  # noqa: F403
from .losses.regression import *  # noqa: F403


def __getattr__(name: str) -> NoReturn:
    raise missing_attribute(__name__, name, (each for each in globals() if each.islower()))
