"""Rows that are sound are told by a look; what follows is as after scikit-learn's own checks."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn")

from adjoint.estimators import MLPClassifier, MLPRegressor, tables

_ROWS = np.random.default_rng(0).normal(size=(12, 3))
_TARGETS = np.arange(12) % 2
_TABLES = {
    "float64": _ROWS,
    "float32": _ROWS.astype(np.float32),
    "float16": _ROWS.astype(np.float16),
    "other byte order": _ROWS.astype(_ROWS.dtype.newbyteorder()),
    "integers": np.arange(36).reshape(12, 3),
    "by columns": np.asfortranarray(_ROWS),
    "strided": np.repeat(_ROWS, 2, axis=1)[:, ::2],
    "read only": np.frombuffer(_ROWS.tobytes()).reshape(12, 3),
    "list": _ROWS.tolist(),
    "objects": _ROWS.astype(object),
    "huge": np.full((12, 3), 1.7e308),
    "huge of both signs": np.array([1.7e308, -1.7e308, 1.7e308] * 12).reshape(12, 3),
    "nan": np.where(_ROWS > 1, np.nan, _ROWS),
    "inf": np.where(_ROWS > 1, np.inf, _ROWS),
    "both infinities": np.where(_ROWS > 0, np.inf, -np.inf),
    "complex": _ROWS + 1j,
    "texts": _ROWS.astype(str),
    "no rows": np.zeros((0, 3)),
    "no columns": np.zeros((12, 0)),
    "one axis": np.zeros(12),
    "three axes": np.zeros((12, 3, 1)),
    "number": np.float64(3),
}
_MEANT = {
    "integers": _TARGETS,
    "floats": _TARGETS.astype(float),
    "texts": np.where(_TARGETS, "a", "b"),
    "bytes": np.where(_TARGETS, b"a", b"b"),
    "booleans": _TARGETS.astype(bool),
    "objects": np.where(_TARGETS, "a", "b").astype(object),
    "list": _TARGETS.tolist(),
    "column": _TARGETS[:, None],
    "several": np.stack([_TARGETS, 1 - _TARGETS], axis=1),
    "none of several": np.zeros((12, 0)),
    "nan": np.where(_TARGETS, np.nan, 1.0),
    "inf": np.where(_TARGETS, np.inf, 1.0),
    "complex": _TARGETS + 1j,
    "dates": _TARGETS.astype("M8[D]"),
    "too few": _TARGETS[:-1],
    "none": _TARGETS[:0],
    "three axes": np.zeros((12, 1, 1)),
    "number": np.float64(3),
    "None": None,
}


def _result(make, X, y):
    """Return what becomes of a fit, and of rows to predict: numbers, or the error and its text."""
    model = make(hidden_layer_sizes=(2,), max_iter=1, random_state=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            model.fit(X, y)
            found = [np.asarray(model.predict(X)).tolist(), model.n_features_in_]
            found += [array.tobytes() for array in model.coefs_]
        except Exception as error:
            found = [type(error), str(error)]
    return found, {str(one.message) for one in caught}


@pytest.mark.parametrize("make", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize(
    ("X", "y"),
    [
        *[pytest.param(X, _TARGETS, id=f"X: {name}") for name, X in _TABLES.items()],
        *[pytest.param(_ROWS, y, id=f"y: {name}") for name, y in _MEANT.items()],
    ],
)
def test_a_look_changes_nothing(make, X, y, monkeypatch):
    found = _result(make, X, y)
    monkeypatch.setattr(tables, "_is_sound", lambda given: False)
    assert found == _result(make, X, y)


def test_a_look_is_enough_for_plain_rows(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("checked a second time")

    for name in ("check_array", "check_X_y"):
        monkeypatch.setattr(f"sklearn.utils.validation.{name}", refuse)
    model = MLPClassifier(max_iter=1, random_state=0)
    with pytest.warns(UserWarning, match="reached"):
        model.fit(_ROWS, _TARGETS)
    assert model.predict(_ROWS).shape == (12,)


def test_rows_with_another_number_of_columns_are_refused():
    with pytest.warns(UserWarning, match="reached"):
        model = MLPClassifier(max_iter=1, random_state=0).fit(_ROWS, _TARGETS)
    with pytest.raises(ValueError, match="X has 2 features, but MLPClassifier is expecting 3"):
        model.predict(_ROWS[:, :2])
