"""Columns of pandas that know what is missing: NA is a gap, and never a TypeError."""

from __future__ import annotations

import numpy as np
import pytest

pd = pytest.importorskip("pandas")
pytest.importorskip("sklearn")
pytest.importorskip("narwhals")

import adjoint as ad  # noqa: E402
from adjoint.estimators import MLPClassifier, MLPRegressor, as_estimator  # noqa: E402

N, Y = 12, np.arange(12) % 2
WORDS, NUMBERS, TRUTHS = ["a", "b", pd.NA, "c"] * 3, [1, 2, pd.NA, 4] * 3, [True, False, pd.NA] * 4
NUMERIC = {
    "Int64": (NUMBERS, "Int64"),
    "UInt8": (NUMBERS, "UInt8"),
    "Float64": (NUMBERS, "Float64"),
    "Float32": (NUMBERS, "Float32"),
    "int64 of Arrow": (NUMBERS, "int64[pyarrow]"),
    "double of Arrow": (NUMBERS, "double[pyarrow]"),
}
CATEGORIES = {
    "boolean": (TRUTHS, "boolean"),
    "bool of Arrow": (TRUTHS, "bool[pyarrow]"),
    "string": (WORDS, "string"),
    "string of Arrow": (WORDS, "string[pyarrow]"),
    "large string of Arrow": (WORDS, "large_string[pyarrow]"),
    "objects": (WORDS, object),
    "objects, None": (["a", "b", None, "c"] * 3, object),
    "objects, NaN": (["a", "b", np.nan, "c"] * 3, object),
    "category": (WORDS, "category"),
    "category of numbers": (NUMBERS, "category"),
}
COLUMNS = NUMERIC | CATEGORIES


def column(name):
    values, dtype = COLUMNS[name]
    if "pyarrow" in str(dtype):
        pytest.importorskip("pyarrow")
    return pd.Series(values, dtype=dtype)


def frame(name):
    return pd.DataFrame({"x": np.arange(N) * 1.0, "c": column(name)})


def classifier(**settings):
    return MLPClassifier((3,), max_iter=2, random_state=0, tol=0.0, **settings)


pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("name", CATEGORIES)
def test_a_missing_category_counts_as_one_of_its_own(name):
    X = frame(name)
    model = classifier().fit(X, Y)
    levels = sorted(X["c"].dropna().unique().tolist())
    assert model._table.levels == {1: levels}
    assert model._table.transform(X)[2, 1] == 0
    assert model.predict(X).shape == (N,)


@pytest.mark.parametrize("name", COLUMNS)
def test_a_gap_is_met_in_prediction_as_in_training(name):
    X = frame(name)
    whole = X.dropna()
    model = classifier().fit(whole, Y[whole.index])
    if name in CATEGORIES:
        assert model.predict(X).shape == (N,)
    else:
        with pytest.raises(ValueError, match=r"column 'c' misses a number in row 2.*'mean'"):
            model.predict(X)


@pytest.mark.parametrize("name", NUMERIC)
def test_a_missing_number_is_refused_or_becomes_the_mean(name):
    X = frame(name)
    with pytest.raises(ValueError, match=r"NaN: column 'c' misses a number in row 2"):
        classifier().fit(X, Y)
    numbers = classifier(missing="mean").fit(X, Y)._table.transform(X)
    mean = 7 / 3
    np.testing.assert_allclose(numbers[2], [2, mean, 1], rtol=1e-15)
    np.testing.assert_allclose(numbers[1], [1, 2, 0])


@pytest.mark.parametrize("name", COLUMNS)
def test_named_columns_of_categories_may_be_of_any_kind(name):
    X = frame(name)
    model = classifier(categorical_features=["c"]).fit(X, Y)
    assert model._table.transform(X)[2, 1] == 0


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("name", COLUMNS)
def test_missing_targets_are_refused(name, kind):
    X, y = frame(name)[["x"]], column(name)
    model = kind(hidden_layer_sizes=(3,), max_iter=2, random_state=0)
    with pytest.raises(ValueError, match=r"y contains|contains NaN"):
        model.fit(X, y)
    model.fit(X, Y)
    with pytest.raises(ValueError, match=r"y contains|contains NaN"):
        model.score(X, y)


@pytest.mark.parametrize("name", ["string", "string of Arrow", "objects", "category"])
def test_targets_without_gaps_are_classes(name):
    X, y = frame(name)[["x"]], column(name)
    whole = y.notna()
    model = classifier().fit(X[whole], y[whole])
    assert model.classes_.tolist() == ["a", "b", "c"]
    assert 0 <= model.score(X[whole], y[whole]) <= 1


def network(n_features, n_outputs, rng):
    return ad.nn.MLP(n_features, 3, n_outputs, rng=rng)


@pytest.mark.parametrize("name", [*NUMERIC, "boolean", "bool of Arrow", "category of numbers"])
def test_a_module_as_an_estimator_takes_whole_columns_and_names_gaps(name):
    X = frame(name)
    whole = X.dropna()
    model = as_estimator(network, loss="cross_entropy", epochs=2, random_state=0)
    assert model.fit(whole, Y[whole.index]).predict(whole).shape == (len(whole),)
    with pytest.raises(ValueError, match=r"column 'c' misses a number in row 2"):
        model.predict(X)
    with pytest.raises(ValueError, match=r"column 'c' misses a number in row 2"):
        model.fit(X, Y)
    with pytest.raises(ValueError, match=r"y contains|contains NaN"):
        model.fit(whole[["x"]], pd.Series(WORDS)[: len(whole)])


def train(X, y, outputs=2, loss="cross_entropy"):
    model = ad.nn.MLP(X.shape[1], outputs, rng=0)
    settings = {"optimizer": lambda p: ad.optim.SGD(p, lr=0.01), "epochs": 1, "batch_size": 4}
    return model, ad.fit(model, (X, y), loss=loss, progress=False, **settings)


@pytest.mark.parametrize("name", [*NUMERIC, "boolean", "bool of Arrow", "category of numbers"])
def test_fit_takes_whole_columns_and_names_gaps(name):
    X = frame(name)
    whole = X.dropna()
    model, _ = train(whole, Y[whole.index])
    expected = model.predict(np.stack([whole["x"], whole["c"].to_numpy(float)], 1))
    np.testing.assert_array_equal(model.predict(whole), expected)
    with pytest.raises(ValueError, match=r"data: X has nan at row 2, column 1; drop"):
        train(X, Y)
    with pytest.raises(ValueError, match=r"data: y has nan at row 2, column 0; drop"):
        train(X[["x"]], X[["c"]], 1, "mse_loss")
    with pytest.raises(ValueError, match=r"X has nan at row 2, column 1; drop"):
        model.predict(X)


@pytest.mark.parametrize("name", ["string", "string of Arrow", "objects", "category"])
def test_fit_says_what_to_do_with_texts(name):
    X = frame(name)
    with pytest.raises(TypeError, match=r"data: X has 'a', str, at row 0, column 1; .*estimators"):
        train(X, Y)
    with pytest.raises(TypeError, match=r"X has 'a', str, at row 0, column 1"):
        ad.nn.MLP(2, 2, rng=0).predict(X)


def test_rows_of_objects_with_gaps_are_numbers_with_gaps():
    X = frame("Int64").to_numpy(object)
    with pytest.raises(ValueError, match="contains NaN"):
        classifier().fit(X, Y)
    assert classifier(missing="mean").fit(X, Y).predict(X).shape == (N,)
