"""Estimators are scikit-learn's network classes, with what they lack; they need scikit-learn.

``classifier`` and ``regressor`` are the classes, ``perceptron`` what they share, ``fitting`` the
loop over epochs by scikit-learn's rules, ``lbfgs`` the solver without epochs. ``bridge`` makes
estimators of other modules, ``many`` and ``searches`` fit several at once in ``workers``, which are
joblib's, ``tables`` reads frames.
"""

from __future__ import annotations

from ..errors import require

require("sklearn", extra="sklearn", purpose="adjoint.estimators")

from .bridge import ModuleClassifier, ModuleRegressor, as_estimator  # noqa: E402
from .classifier import MLPClassifier  # noqa: E402
from .many import fit_many  # noqa: E402
from .regressor import MLPRegressor  # noqa: E402
from .searches import GridSearchCV, RandomizedSearchCV  # noqa: E402
from .tabular_classifier import TabularClassifier  # noqa: E402
from .tabular_encoder import TabularEncoder  # noqa: E402
from .tabular_regressor import TabularRegressor  # noqa: E402

__all__ = [
    "GridSearchCV",
    "MLPClassifier",
    "MLPRegressor",
    "ModuleClassifier",
    "ModuleRegressor",
    "RandomizedSearchCV",
    "TabularClassifier",
    "TabularEncoder",
    "TabularRegressor",
    "as_estimator",
    "fit_many",
]
