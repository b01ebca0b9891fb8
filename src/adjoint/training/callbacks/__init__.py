"""What training calls at its turns: to stop it early, to slow it down, and to write it down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...deferred import deferred
from .callback import AtEpochs, Callback, Training

if TYPE_CHECKING:
    from .logs import JSONLines, TensorBoard
    from .plateau import EarlyStopping, ReduceOnPlateau
    from .statistics import LayerStatistics

__all__ = [
    "AtEpochs",
    "Callback",
    "EarlyStopping",
    "JSONLines",
    "LayerStatistics",
    "ReduceOnPlateau",
    "TensorBoard",
    "Training",
]

# Read at first use: most trainings do without.
__getattr__, __dir__ = deferred(__name__, ("logs", "plateau", "statistics"), __all__)
