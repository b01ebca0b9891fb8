"""A display holds what a picture shows, computed once, and draws it as often as asked.

All displays follow scikit-learn's convention: ``from_...`` computes and draws, `plot` draws again,
and the display keeps ``ax_``, ``figure_`` and the artists. Matplotlib (the extra `plot`) is
imported at the first drawing; its global settings are left alone.
"""

from __future__ import annotations

from .boundary import DecisionBoundaryDisplay
from .calibration import CalibrationDisplay
from .curve import LossCurveDisplay
from .layers import LayerStatisticsDisplay
from .learning_rate import LearningRateDisplay
from .residuals import ResidualsDisplay
from .scatter import DataDisplay

__all__ = [
    "CalibrationDisplay",
    "DataDisplay",
    "DecisionBoundaryDisplay",
    "LayerStatisticsDisplay",
    "LearningRateDisplay",
    "LossCurveDisplay",
    "ResidualsDisplay",
]
