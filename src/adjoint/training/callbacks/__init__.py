"""What training calls at its turns: to stop it early, to slow it down, and to write it down."""

from __future__ import annotations

from .callback import AtEpochs, Callback, Training
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
