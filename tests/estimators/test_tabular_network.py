"""Networks for frames, in scikit-learn's terms: what `adjoint fit` does with a table in a file."""

from __future__ import annotations

import inspect
import pickle
from dataclasses import asdict

import numpy as np
import pytest

pytest.importorskip("sklearn")
pytest.importorskip("pyarrow")
pytest.importorskip("pandas")

import pandas as pd
import pyarrow as pa
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from adjoint.errors import TableError
from adjoint.estimators import TabularClassifier, TabularRegressor
from adjoint.tables.settings import TableSettings
from adjoint.tables.training import train
from adjoint.tables.trial import prepare

ROWS = 240
AGE = np.arange(ROWS) % 60 + 20
TOWN = np.array(["Oslo", "Rome", None, "Kyiv"] * (ROWS // 4), object)
FRAME = pd.DataFrame({"age": [f"{age} years" for age in AGE], "town": TOWN, "target": AGE % 7})
LABELS = np.where((AGE > 50) ^ (TOWN == "Rome"), "yes", "no")
RENT = 10.0 * AGE + 300 * (TOWN == "Rome")
QUICK = {"ensemble": 1, "epochs": 60, "learning_rate": 0.01, "random_state": 0}


@pytest.fixture(scope="module")
def classifier():
    return TabularClassifier(**QUICK).fit(FRAME, LABELS)


@parametrize_with_checks([TabularClassifier(epochs=10, ensemble=1)])
@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_contract(estimator, check):
    check(estimator)


@pytest.mark.full
@parametrize_with_checks([TabularRegressor(ensemble=1)])
@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_contract_of_numbers(estimator, check):
    check(estimator)


@pytest.mark.parametrize("power", [-1000, 1000])
def test_targets_whose_squares_no_float_holds_are_learnt_as_others(power):
    quick = QUICK | {"epochs": 3}
    usual = TabularRegressor(**quick).fit(FRAME, RENT).predict(FRAME)
    scaled = TabularRegressor(**quick).fit(FRAME, np.ldexp(RENT, power)).predict(FRAME)
    # A power of two changes no digit.
    np.testing.assert_array_equal(scaled, np.ldexp(usual, power))


def test_a_classifier_reads_a_frame_as_people_have_it(classifier):
    assert classifier.score(FRAME, LABELS) > 0.95
    assert classifier.classes_.tolist() == ["no", "yes"]
    assert classifier.columns_["age"].startswith("number, 20 to 79; in years")
    chances = classifier.predict_proba(FRAME)
    np.testing.assert_allclose(chances.sum(axis=1), 1)
    np.testing.assert_array_equal(
        classifier.classes_[chances.argmax(axis=1)], classifier.predict(FRAME)
    )


def test_a_regressor_predicts_numbers_on_their_scale():
    model = TabularRegressor(**QUICK).fit(FRAME, RENT)
    assert model.score(FRAME, RENT) > 0.9
    assert len(model.history_) <= 60


@pytest.mark.parametrize(
    "classes", [[True, False], [7, 11], [-1.0, 2.0], ["10", "9"]], ids=lambda each: str(each[0])
)
def test_classes_are_those_of_the_user_in_their_type(classes):
    y = np.where(LABELS == "yes", *np.array(classes)[:, np.newaxis])
    model = TabularClassifier(**QUICK).fit(FRAME, y)
    assert model.predict(FRAME).dtype == y.dtype
    assert model.score(FRAME, y) > 0.95


@pytest.mark.parametrize(
    ("kind", "y", "column"),
    [(TabularClassifier, LABELS, (LABELS == "yes").astype(int)), (TabularRegressor, RENT, RENT)],
)
def test_it_is_the_network_of_the_command(kind, y, column):
    model = kind(epochs=3, random_state=5).fit(FRAME, y)
    table = pa.Table.from_pandas(FRAME).append_column("y", [column])
    settings = TableSettings(task=kind.task, epochs=3, test=0, seed=5)
    command = train(*prepare(table, "y", settings), settings, progress=False).model
    for mine, its in zip(
        model.model_.network.parameters(), command.network.parameters(), strict=True
    ):
        np.testing.assert_array_equal(mine.data, its.data)


def test_a_column_to_split_by_is_not_read_and_one_that_is_not_there_is_refused():
    frame = FRAME.assign(person=[str(k // 4) for k in range(len(FRAME))])
    fast = {"epochs": 1, "ensemble": 2, "hidden": (4,), "random_state": 0}
    model = TabularRegressor(split_by="person", **fast).fit(frame, RENT)
    assert model.ignored_["person"] == "the rows are split by it"
    with pytest.raises(ValueError, match=r"^time: no column 'persn'; did you mean 'person'"):
        TabularRegressor(time="persn", **fast).fit(frame, RENT)


@pytest.mark.parametrize("kind", [TabularClassifier, TabularRegressor])
def test_the_parameters_are_the_settings_of_the_command(kind):
    expected = asdict(TableSettings())
    # The class is the task, the caller holds rows out and scores by them, the seed is random_state.
    for name in (
        "task",
        "test",
        "folds",
        "metric",
        "class_weight",
        "seed",
        "quantiles",
        "label_smoothing",
    ):
        del expected[name]
    given = inspect.signature(kind).parameters
    assert {name: given[name].default for name in expected} == expected
    for name in expected:
        assert f"{name}" in kind.__doc__


def test_an_int_gives_the_same_network_and_none_another():
    def predicted(random_state):
        model = TabularRegressor(epochs=2, ensemble=1, random_state=random_state)
        return model.fit(FRAME, RENT).predict(FRAME)

    np.testing.assert_array_equal(predicted(3), predicted(3))
    assert not np.array_equal(predicted(None), predicted(None))
    state = np.random.RandomState
    np.testing.assert_array_equal(predicted(state(3)), predicted(state(3)))


def test_unseen_values_are_counted_and_predicted(classifier):
    strange = FRAME.assign(town="Bergen", age="300 years")
    assert classifier.treated(strange) == {
        "age: outside of 20 to 79, taken as the nearest": ROWS,
        "town: a category that was rare or not there": ROWS,
    }
    assert set(classifier.predict(strange)) <= {"no", "yes"}


def test_it_works_in_pipelines_searches_and_copies(classifier):
    quick = TabularClassifier(**QUICK)
    search = GridSearchCV(quick, {"hidden": [(8,), (16, 8)]}, cv=2).fit(FRAME, LABELS)
    assert search.best_score_ > 0.8
    piped = make_pipeline(FunctionTransformer(lambda frame: frame.drop(columns="target")), quick)
    assert cross_val_score(piped, FRAME, LABELS, cv=2).mean() > 0.8
    again = pickle.loads(pickle.dumps(classifier))
    np.testing.assert_array_equal(again.predict_proba(FRAME), classifier.predict_proba(FRAME))
    with pytest.raises(NotFittedError):
        clone(classifier).predict(FRAME)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"hidden": (8, 0)}, "hidden: .*0"),
        ({"hidden": "8"}, "hidden"),
        ({"epochs": 0}, "epochs"),
        ({"patience": 1.5}, "patience"),
        ({"batch_size": -1}, "batch_size"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"dropout": 1.0}, "dropout"),
        ({"validation": 0.0}, "validation"),
        ({"decimal": ";"}, "decimal"),
        ({"random_state": -1}, "random_state"),
        ({"verbose": "yes"}, "verbose"),
    ],
)
def test_a_wrong_parameter_is_refused(parameters, message):
    with pytest.raises((ValueError, TypeError), match=message):
        TabularClassifier(**parameters).fit(FRAME, LABELS)


@pytest.mark.parametrize(
    ("kind", "y", "error", "message"),
    [
        (TabularClassifier, ["a"] * ROWS, ValueError, "y has one class, 'a'"),
        (TabularClassifier, None, ValueError, "requires y to be passed"),
        (TabularClassifier, [*LABELS[1:], None], ValueError, "missing value"),
        (TabularClassifier, LABELS[1:], ValueError, "inconsistent numbers of samples"),
        (TabularClassifier, np.arange(ROWS), TableError, "240 classes in 240 rows"),
        (TabularClassifier, np.linspace(0, 1, ROWS), ValueError, "Unknown label type"),
        (TabularRegressor, np.ones(ROWS), TableError, "always 1: there is nothing to learn"),
        (TabularRegressor, [*RENT[1:], np.nan], ValueError, "NaN|missing"),
        (TabularRegressor, LABELS, ValueError, "could not convert"),
        (TabularRegressor, np.ones((ROWS, 2)), ValueError, "1d array"),
        (TabularRegressor, pd.date_range("2024", periods=ROWS), TypeError, "y holds datetime64"),
        (TabularRegressor, pd.to_timedelta(AGE, unit="D"), TypeError, "y holds timedelta64"),
    ],
)
@pytest.mark.filterwarnings("ignore:The number of unique classes")
def test_targets_that_cannot_be_learnt_are_refused(kind, y, error, message):
    with pytest.raises(error, match=message):
        kind(epochs=1, ensemble=1).fit(FRAME, y)


def test_a_column_of_targets_is_told():
    with pytest.warns(DataConversionWarning, match="column-vector y"):
        TabularRegressor(epochs=1, ensemble=1).fit(FRAME, RENT[:, np.newaxis])


def test_three_rows_are_enough_to_fit_and_two_are_told():
    frame = pd.DataFrame({"x": [1.0, 2, 3, 4, 5, 6]})
    model = TabularRegressor(epochs=2, ensemble=1).fit(frame, [1, 2, 3, 4, 5, 7])
    assert model.predict(frame).shape == (6,)
    with pytest.raises(TableError, match=r"2 rows are too few .* a smaller validation$"):
        TabularRegressor(epochs=2, ensemble=1).fit(frame[:2], [1, 2])


@pytest.mark.parametrize(
    ("kind", "y", "wrong"),
    [
        (TabularClassifier, LABELS, ["a"] * ROWS),
        (TabularClassifier, LABELS, np.arange(ROWS)),
        (TabularRegressor, RENT, [*RENT[1:], np.nan]),
        (TabularRegressor, RENT, np.ones(ROWS)),
    ],
)
@pytest.mark.filterwarnings("ignore:The number of unique classes")
def test_a_fit_that_fails_on_its_target_leaves_the_model_of_before(kind, y, wrong):
    model = kind(epochs=1, ensemble=1, random_state=0).fit(FRAME, y)
    before, known = model.predict(FRAME), set(vars(model))
    with pytest.raises(ValueError, match=r"."):
        model.fit(FRAME.assign(more=1.0).iloc[:, ::-1], wrong)
    np.testing.assert_array_equal(model.predict(FRAME), before)
    assert set(vars(model)) == known
    assert model.feature_names_in_.tolist() == list(FRAME.columns)


def test_a_first_fit_that_fails_leaves_nothing():
    model = TabularClassifier(epochs=1, ensemble=1)
    with pytest.raises(ValueError, match="y has one class"):
        model.fit(FRAME, ["a"] * ROWS)
    assert not [name for name in vars(model) if name.endswith("_") or name.startswith("_")]
