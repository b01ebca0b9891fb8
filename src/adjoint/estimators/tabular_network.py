"""Estimators that an earlier version pickled are looked up in this module."""

from .tabular_classifier import TabularClassifier
from .tabular_regressor import TabularRegressor

__all__ = ["TabularClassifier", "TabularRegressor"]
