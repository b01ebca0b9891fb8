"""Estimators are scikit-learn's network classes, with what they lack; they need scikit-learn."""

from __future__ import annotations

from .classifier import MLPClassifier
from .many import GridSearchCV, RandomizedSearchCV, fit_many
from .regressor import MLPRegressor

__all__ = ["GridSearchCV", "MLPClassifier", "MLPRegressor", "RandomizedSearchCV", "fit_many"]
