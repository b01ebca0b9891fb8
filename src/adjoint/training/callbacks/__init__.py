"""What training calls at its turns: to stop it early, to slow it down, and to write it down."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ...errors import missing_attribute
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
_OTHERS = ("logs", "plateau", "statistics")


def __getattr__(name: str) -> Any:
    if name in _OTHERS:
        return importlib.import_module(f".{name}", __name__)
    if name in __all__:
        for other in _OTHERS:
            found = vars(importlib.import_module(f".{other}", __name__))
            if name in found:
                return found[name]
    raise missing_attribute(__name__, name, __all__)
