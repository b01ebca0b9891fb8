"""Estimators are scikit-learn's network classes, with what they lack; they need scikit-learn."""

from __future__ import annotations

from .bridge import ModuleClassifier, ModuleRegressor, as_estimator
from .classifier import MLPClassifier
from .many import GridSearchCV, RandomizedSearchCV, fit_many
from .regressor import MLPRegressor

__all__ = [
    "GridSearchCV",
    "MLPClassifier",
    "MLPRegressor",
    "ModuleClassifier",
    "ModuleRegressor",
    "RandomizedSearchCV",
    "as_estimator",
    "fit_many",
]
