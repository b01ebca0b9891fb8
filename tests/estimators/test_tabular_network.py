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
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.metrics import (
    d2_pinball_score,
    f1_score,
    get_scorer,
    mean_absolute_error,
    r2_score,
)
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


@pytest.mark.parametrize(
    ("kind", "left_out"),
    [(TabularClassifier, ["quantiles"]), (TabularRegressor, ["class_weight", "label_smoothing"])],
)
def test_the_parameters_are_the_settings_of_the_command(kind, left_out):
    expected = asdict(TableSettings())
    # The class is the task, the caller holds rows out and scores by them, the seed is random_state.
    for name in ("task", "test", "folds", "seed", *left_out):
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
    quick = TabularClassifier(**(QUICK | {"epochs": 20, "hidden": (16, 8)}))
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
        ({"metric": "r2"}, "metric: r2 is no score of classification"),
        ({"metric": "mean"}, "metric: mean is no score"),
        ({"class_weight": "even"}, "class_weight: expected .balanced., a dict or None"),
        ({"class_weight": [1, 2]}, "class_weight"),
        ({"class_weight": {"yes": -1.0}}, "class_weight: expected finite numbers from 0"),
        ({"class_weight": {"yes": np.nan}}, "class_weight: expected finite"),
        ({"class_weight": {"yes": 0, "no": 0}}, "the weights of all rows are 0"),
        ({"class_weight": {"perhaps": 1}}, "class_weight"),
        ({"class_weight": {"yes": 2.0}, "reproducible": True}, "reproducible: not together"),
        ({"label_smoothing": 1.0}, "label_smoothing"),
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
        (TabularRegressor, np.ones((ROWS, 2)), TableError, "'target 1' is always 1"),
        (TabularRegressor, np.ones((ROWS, 2, 2)), ValueError, "y has 3 axes"),
        (TabularClassifier, np.ones((ROWS, 2)), ValueError, "1d array"),
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


# --- weights, scores, quantiles and several targets -----------------------------------------------

TINY = {"ensemble": 1, "epochs": 4, "hidden": (4,), "learning_rate": 0.01, "random_state": 0}
NOISE = np.random.default_rng(0).normal(size=ROWS)
UNSURE = np.where(0.1 * (AGE - 65) + NOISE > 0, "yes", "no")


def chances(*, weights=None, **changed):
    model = TabularClassifier(**(TINY | changed)).fit(FRAME, UNSURE, sample_weight=weights)
    return model.predict_proba(FRAME)[:, 1].mean()


def test_a_class_that_weighs_more_is_predicted_more_and_one_left_out_of_the_dict_weighs_1():
    usual = chances()
    assert chances(class_weight={"yes": 20.0}) > usual + 0.2
    assert chances(class_weight={"no": 20.0}) < usual - 0.1
    assert chances(class_weight={"yes": 1.0}) == pytest.approx(usual, abs=0.02)


def test_weights_of_rows_and_of_their_classes_are_multiplied():
    is_yes = UNSURE == "yes"
    both = chances(weights=np.where(is_yes, 4.0, 1.0), class_weight={"yes": 5.0})
    assert both == pytest.approx(chances(weights=np.where(is_yes, 20.0, 1.0)), abs=1e-12)
    # Balanced weights of classes on top of weights of rows: the latter are not balanced away.
    own = chances(weights=np.where(is_yes, 20.0, 1.0), class_weight="balanced")
    assert own > chances(class_weight="balanced") + 0.1


def test_rows_of_weight_0_are_as_if_they_were_not_there():
    counts = np.arange(ROWS) % 3 > 0
    weights = np.where(counts, 2.0, 0.0)
    strange = FRAME.assign(age=np.where(counts, FRAME["age"], "9999 years"))
    y = np.where(counts, RENT, 1e9)
    with_them = TabularRegressor(**TINY).fit(strange, y, sample_weight=weights)
    kept = weights[counts]
    without = TabularRegressor(**TINY).fit(strange[counts], y[counts], sample_weight=kept)
    np.testing.assert_array_equal(with_them.predict(FRAME), without.predict(FRAME))
    assert with_them.columns_ == without.columns_


@pytest.mark.parametrize("power", [-1000, 1, 1000])
def test_weights_count_beside_each_other_alone(power):
    weights = 1.0 + np.arange(ROWS) % 3
    usual = TabularRegressor(**TINY).fit(FRAME, RENT, sample_weight=weights)
    scaled = TabularRegressor(**TINY).fit(FRAME, RENT, sample_weight=np.ldexp(weights, power))
    np.testing.assert_array_equal(scaled.predict(FRAME), usual.predict(FRAME))


def test_products_of_huge_weights_are_no_infinity():
    weights, of_class = np.where(UNSURE == "yes", 1e300, 1e299), {"yes": 2e300, "no": 1e300}
    huge = chances(weights=weights, class_weight=of_class)
    assert huge == pytest.approx(chances(weights=np.where(UNSURE == "yes", 20.0, 1.0)), abs=1e-9)


@pytest.mark.parametrize("weight", [{"yes": 0}, {"yes": 0.0, "no": 3.0}], ids=str)
def test_a_class_of_weight_0_is_known_and_not_predicted(weight):
    model = TabularClassifier(class_weight=weight, **TINY).fit(FRAME, LABELS)
    assert model.classes_.tolist() == ["no", "yes"]
    assert model.predict_proba(FRAME).shape == (ROWS, 2)
    assert set(model.predict(FRAME)) == {"no"}


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        (np.zeros(ROWS), ValueError, "zero|are 0"),
        (-np.ones(ROWS), ValueError, "[Nn]egative"),
        (np.ones(3), ValueError, "shape"),
        ([np.nan] * ROWS, ValueError, "NaN"),
    ],
)
def test_weights_that_are_none_are_refused(weights, error, message):
    with pytest.raises(error, match=message):
        TabularRegressor(**TINY).fit(FRAME, RENT, sample_weight=weights)


def test_another_keyword_of_fit_is_refused():
    with pytest.raises(TypeError, match="unknown keyword 'weights'; sample_weight is one"):
        TabularRegressor(**TINY).fit(FRAME, RENT, weights=RENT)


def test_balanced_weights_are_those_of_the_command():
    model = TabularClassifier(class_weight="balanced", **TINY).fit(FRAME, UNSURE)
    settings = TableSettings(
        task="classification", test=0, seed=0, class_weight="balanced", epochs=4, ensemble=1,
        hidden=(4,), learning_rate=0.01,
    )  # fmt: skip
    table = pa.Table.from_pandas(FRAME).append_column("y", [(UNSURE == "yes").astype(int)])
    command = train(*prepare(table, "y", settings), settings, progress=False).model
    for mine, its in zip(
        model.model_.network.parameters(), command.network.parameters(), strict=True
    ):
        np.testing.assert_array_equal(mine.data, its.data)


@pytest.mark.parametrize("metric", [None, "accuracy", "log_loss", "roc_auc", "f1"])
def test_the_score_of_classes_is_the_metric(classifier, metric):
    weights = 1.0 + np.arange(ROWS) % 3
    scored = clone(classifier).set_params(metric=metric)
    vars(scored).update({name: v for name, v in vars(classifier).items() if name.endswith("_")})
    scored._names = classifier._names
    # scikit-learn's scorers take the second class for the one that is looked for if it is 1.
    names = {None: "accuracy", "log_loss": "neg_log_loss", "f1": "f1_macro"}
    expected = get_scorer(names.get(metric, metric))(scored, FRAME, UNSURE, sample_weight=weights)
    found = scored.score(FRAME, UNSURE, sample_weight=weights)
    if metric == "f1":
        chosen = {"pos_label": "yes", "sample_weight": weights}
        expected = f1_score(UNSURE, scored.predict(FRAME), **chosen)
    # The scorer makes the chance of the first class of that of the second, which costs digits.
    assert found == pytest.approx(expected, rel=1e-8)


def test_quantiles_are_columns_and_one_alone_is_a_row():
    three = TabularRegressor(quantiles=(0.1, 0.5, 0.9), **TINY).fit(FRAME, RENT + 99 * NOISE)
    found = three.predict(FRAME)
    assert found.shape == (ROWS, 3)
    assert (np.diff(found, axis=1) >= 0).all()
    expected = [
        d2_pinball_score(RENT, own, alpha=level)
        for own, level in zip(found.T, (0.1, 0.5, 0.9), strict=True)
    ]
    assert three.score(FRAME, RENT) == pytest.approx(np.mean(expected), rel=1e-12)
    one = TabularRegressor(quantiles=0.5, metric="pinball_loss", **TINY).fit(FRAME, RENT)
    assert one.predict(FRAME).shape == (ROWS,)
    half = mean_absolute_error(RENT, one.predict(FRAME)) / 2
    assert one.score(FRAME, RENT) == pytest.approx(-half, rel=1e-12)
    assert clone(three).quantiles == (0.1, 0.5, 0.9)


@pytest.mark.parametrize("quantiles", [(0.5, 0.5), (0.9, 0.1), (0,), "0.5", [None], np.nan])
def test_levels_of_quantiles_that_are_none_are_refused(quantiles):
    with pytest.raises(ValueError, match=r"^quantiles: "):
        TabularRegressor(quantiles=quantiles, **TINY).fit(FRAME, RENT)


def test_several_targets_are_predicted_at_once():
    y = np.column_stack([RENT, AGE % 2, -1e-5 * RENT])
    quick = TINY | {"hidden": (16,), "epochs": 20}
    model = TabularRegressor(**quick).fit(FRAME, y)
    assert model.predict(FRAME).shape == (ROWS, 3)
    assert model.score(FRAME, y) == r2_score(y, model.predict(FRAME))
    assert r2_score(y[:, 2], model.predict(FRAME)[:, 2]) > 0.9
    frame = pd.DataFrame(y, columns=["target", "b", "c"])
    again = TabularRegressor(**quick).fit(FRAME, frame)
    np.testing.assert_array_equal(again.predict(FRAME), model.predict(FRAME))
    with pytest.raises(TableError, match=r"^quantiles: of one target"):
        TabularRegressor(quantiles=0.5, **TINY).fit(FRAME, y)


def test_a_pickle_from_before_there_were_these_settings_is_read(classifier):
    state = pickle.loads(pickle.dumps(classifier)).__getstate__()
    for name in ("metric", "class_weight", "label_smoothing"):
        del state[name]
    del vars(state["model_"].target)["quantiles"]
    old = TabularClassifier.__new__(TabularClassifier)
    old.__setstate__(state)
    assert old.class_weight is None
    np.testing.assert_array_equal(old.predict(FRAME), classifier.predict(FRAME))
    assert clone(old).get_params() == clone(classifier).get_params()


def test_a_pickle_that_names_the_module_of_earlier_versions_is_read(classifier):
    # The first protocol writes names of modules as lines.
    kept = pickle.dumps(classifier, protocol=0)
    kind = type(classifier)
    new, old = (
        f"c{name}\n{kind.__name__}"
        for name in (kind.__module__, "adjoint.estimators.tabular_network")
    )
    assert new.encode() in kept
    again = pickle.loads(kept.replace(new.encode(), old.encode()))
    assert type(again) is kind
    np.testing.assert_array_equal(again.predict(FRAME), classifier.predict(FRAME))


def test_weights_reach_it_through_a_pipeline_and_a_search():
    weights = np.where(UNSURE == "yes", 20.0, 1.0)
    piped = make_pipeline(FunctionTransformer(), TabularClassifier(**TINY))
    piped.fit(FRAME, UNSURE, tabularclassifier__sample_weight=weights)
    assert piped.predict_proba(FRAME)[:, 1].mean() == chances(weights=weights)
    with config_context(enable_metadata_routing=True):
        wanted = TabularClassifier(**TINY).set_fit_request(sample_weight=True)
        wanted.set_score_request(sample_weight=True)
        search = GridSearchCV(wanted, {"epochs": [4]}, cv=2)
        search.fit(FRAME, UNSURE, sample_weight=weights)
    assert search.predict_proba(FRAME)[:, 1].mean() == chances(weights=weights)


def test_minutes_search_what_is_as_by_default_and_the_trials_can_be_read(monkeypatch):
    monkeypatch.setattr("adjoint.tables.search._Course._is_over", lambda one: len(one.tried) >= 3)
    quick = {"hidden": (4,), "bins": 2, "batch_size": 32, "ensemble": 1, "epochs": 3}
    model = TabularRegressor(minutes=5, random_state=0, **quick).fit(FRAME, RENT)
    trials = pd.DataFrame(model.trials_)
    assert len(trials) == 3
    assert trials.chosen.sum() == 1
    assert set(trials.bins) == {2}
    assert trials.learning_rate[0] == TabularRegressor().learning_rate
    assert trials[["learning_rate", "dropout", "weight_decay"]].nunique().max() > 1
    assert TabularRegressor(**quick).fit(FRAME, RENT).trials_ == []


def test_a_search_draws_one_seed_as_a_fit_does():
    random, once = np.random.RandomState(0), np.random.RandomState(0)
    once.randint(2**31 - 1)
    with pytest.raises(TableError, match="reproducible"):
        TabularRegressor(minutes=1, reproducible=True, random_state=random).fit(FRAME, RENT)
    assert random.randint(2**31 - 1) == once.randint(2**31 - 1)


@pytest.mark.parametrize("minutes", [0, -1, np.nan, np.inf, "2", True])
def test_a_time_that_is_none_is_refused(minutes):
    with pytest.raises(ValueError, match="minutes: expected a number"):
        TabularClassifier(minutes=minutes).fit(FRAME, LABELS)


@pytest.mark.parametrize("bins", [-1, 65, 2.5, True, "4", None])
def test_bins_are_a_number_that_a_table_can_fill(bins):
    with pytest.raises(ValueError, match="bins: expected a whole number, 0 to 64"):
        TabularClassifier(bins=bins).fit(FRAME, LABELS)
