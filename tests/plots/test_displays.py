"""The displays of estimators: calibration, residuals, recorded losses, sections through tables."""

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.calibration import calibration_curve
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.datasets import load_diabetes, load_iris, make_classification
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.neural_network import MLPRegressor as TheirRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

import adjoint as ad
from adjoint.estimators import MLPClassifier, MLPRegressor, as_estimator
from adjoint.plots import (
    CalibrationDisplay,
    DecisionBoundaryDisplay,
    LossCurveDisplay,
    ResidualsDisplay,
    style,
)

matplotlib.use("Agg")


@pytest.fixture
def ax():
    return Figure().subplots()


def legend_texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


# --- calibration ----------------------------------------------------------------------------------


def probabilities(n=500):
    rng = np.random.default_rng(0)
    prob = rng.beta(0.5, 0.5, n)
    return (rng.uniform(size=n) < prob).astype(int), prob


@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
@pytest.mark.parametrize("n_bins", [1, 4, 25])
def test_bins_are_those_of_scikit_learn(ax, strategy, n_bins):
    y, prob = probabilities()
    prob[:3] = 0, 1, 0.5
    display = CalibrationDisplay.from_predictions(y, prob, n_bins=n_bins, strategy=strategy, ax=ax)
    true, predicted = calibration_curve(y, prob, n_bins=n_bins, strategy=strategy)
    full = display.counts[0] > 0
    np.testing.assert_allclose(display.prob_true[0][full], true)
    np.testing.assert_allclose(display.prob_pred[0][full], predicted)
    np.testing.assert_allclose(display.line_.get_xydata(), np.c_[predicted, true])
    assert display.counts.sum() == 500


def test_the_calibration_error_is_the_mean_gap_of_the_rows(ax):
    # Two bins: two rows at 0.2, one of which is of the class, and six at 0.9, which all are.
    display = CalibrationDisplay.from_predictions(
        ["a", "b"] + ["b"] * 6, [0.2, 0.2] + [0.9] * 6, n_bins=2, ax=ax
    )
    np.testing.assert_allclose(display.calibration_error, (2 * 0.3 + 6 * 0.1) / 8)
    assert legend_texts(ax) == ["Perfectly calibrated", "b (error 0.150)"]
    assert ax.get_ylabel() == "Share of b among the rows"


def test_of_two_columns_the_second_is_that_of_the_class_drawn(ax):
    y, prob = probabilities()
    alone = CalibrationDisplay.from_predictions(y, prob, ax=ax)
    both = CalibrationDisplay.from_predictions(y, np.c_[1 - prob, prob], ax=Figure().gca())
    np.testing.assert_array_equal(both.prob_true, alone.prob_true)
    np.testing.assert_array_equal(both.classes, [1])


def test_a_marker_is_as_large_as_its_share_of_the_rows(ax):
    CalibrationDisplay.from_predictions([0, 1, 1, 1], [0.1, 0.9, 0.9, 0.9], n_bins=2, ax=ax)
    assert ax.collections[0].get_sizes().tolist() == [10 + 400 * 0.25, 10 + 400 * 0.75]


@pytest.mark.parametrize("kind", [MLPClassifier, TheirClassifier, LogisticRegression])
def test_several_classes_have_a_curve_each_in_their_colour(ax, kind):
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    model = kind(max_iter=1000, random_state=0).fit(X, names)
    display = CalibrationDisplay.from_estimator(model, X, names, n_bins=5, ax=ax)
    assert display.prob_true.shape == (3, 5)
    assert [line.get_color() for line in display.lines_] == [style.colour(k) for k in range(3)]
    full = display.counts[1] > 0
    true, _ = calibration_curve(y == 1, model.predict_proba(X)[:, 1], n_bins=5)
    np.testing.assert_allclose(display.prob_true[1][full], true)


def test_a_class_without_rows_is_still_known_by_its_column(ax):
    display = CalibrationDisplay.from_predictions(
        [0, 1], [[0.9, 0.1, 0.0], [0.2, 0.7, 0.1]], classes=[0, 1, 2], ax=ax
    )
    assert np.nansum(display.prob_true[2]) == 0


@pytest.mark.parametrize(
    ("y", "prob", "settings", "message"),
    [
        ([0, 1], [0.5, 1.5], {}, "1 values that are no probabilities"),
        ([0, 1], [0.5, np.nan], {}, "1 values that are no probabilities"),
        ([0, 1, 2], [0.5] * 3, {}, r"shape \(3,\) for 3 labels of 3 classes"),
        ([0, 0], [0.5, 0.2], {}, "name them by classes= if y_true lacks some"),
        ([0, 1], [0.5, 0.2], {"classes": ["a", "b"]}, r"labels \[0, 1\] are none of"),
        ([0, 1], [0.5, 0.2], {"n_bins": 0}, "n_bins: expected at least 1"),
        ([0, 1], [0.5, 0.2], {"strategy": "even"}, "unknown strategy 'even'; choose one of"),
        ([[0, 1]], [0.5, 0.2], {}, r"y has shape \(1, 2\); expected \(n,\)"),
    ],
)
def test_probabilities_that_cannot_be_judged_are_refused(y, prob, settings, message):
    with pytest.raises(ValueError, match=message):
        CalibrationDisplay.from_predictions(y, prob, **settings)


def test_what_gives_no_probabilities_cannot_be_calibrated():
    with pytest.raises(TypeError, match="LinearRegression has no predict_proba"):
        CalibrationDisplay.from_estimator(LinearRegression(), [[0.0]], [0])


# --- residuals ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [MLPRegressor, TheirRegressor, LinearRegression])
def test_residuals_are_true_less_predicted(ax, kind):
    X, y = load_diabetes(return_X_y=True)
    settings = {"hidden_layer_sizes": (4,), "max_iter": 2000, "solver": "lbfgs", "random_state": 0}
    model = kind() if kind is LinearRegression else kind(**settings)
    model = make_pipeline(StandardScaler(), model).fit(X, y)
    display = ResidualsDisplay.from_estimator(model, X, y, ax=ax)
    shown = display.points_[0].get_offsets()
    np.testing.assert_allclose(shown, np.c_[model.predict(X), y - model.predict(X)])
    np.testing.assert_allclose(display.rmse, root_mean_squared_error(y, model.predict(X)))
    assert len(display.trends_) == 1
    assert ax.get_ylabel() == "Residual (true less predicted)"


def test_true_values_can_be_drawn_instead(ax):
    display = ResidualsDisplay.from_predictions([1.0, 2.0, 4.0], [1.0, 3.0, 3.5], ax=Figure().gca())
    display.plot(ax, kind="actual_vs_predicted")
    np.testing.assert_array_equal(display.points_[0].get_offsets()[:, 1], [1, 2, 4])
    np.testing.assert_array_equal(display.line_.get_xydata(), [[1, 1], [3.5, 3.5]])
    assert (ax.get_title(), ax.get_ylabel()) == ("True and Predicted Values", "True value")


def test_the_trend_shows_predictions_that_are_off_to_one_side(ax):
    x = np.linspace(-1, 1, 600)
    display = ResidualsDisplay.from_predictions(x + x**2, x, ax=ax)
    middle, median = display.trends_[0].get_xydata().T
    assert len(middle) == 15
    np.testing.assert_allclose(median, middle**2, atol=0.01)


def test_few_rows_have_no_trend(ax):
    assert ResidualsDisplay.from_predictions(np.arange(59), np.arange(59), ax=ax).trends_ == []


def test_several_outputs_are_told_apart(ax):
    y = np.arange(200.0).reshape(100, 2)
    display = ResidualsDisplay.from_predictions(y, y - [1, 2], ax=ax)
    np.testing.assert_allclose(display.rmse, [1, 2])
    assert len(display.points_) == len(display.trends_) == 2
    assert legend_texts(ax)[:2] == ["Output 1 (RMSE 1)", "Output 2 (RMSE 2)"]


@pytest.mark.parametrize(
    ("true", "predicted", "settings", "message"),
    [
        ([1, 2], [[1, 2], [2, 3]], {}, r"y_true has shape \(2,\), y_pred \(2, 2\)"),
        ([1, np.nan], [1, 2], {}, "y_true has 1 values that are NaN or infinite"),
        ([], [], {}, r"y_true has shape \(0,\)"),
        ([1], [1], {"kind": "predicted"}, "unknown kind 'predicted'; choose one of"),
    ],
)
def test_predictions_that_leave_no_residuals_are_refused(true, predicted, settings, message):
    with pytest.raises(ValueError, match=message):
        ResidualsDisplay.from_predictions(true, predicted, **settings)


def test_a_classifier_leaves_no_residuals():
    X, y = load_iris(return_X_y=True)
    with pytest.raises(TypeError, match="predicts classes, which leave no residuals"):
        ResidualsDisplay.from_estimator(DecisionTreeClassifier().fit(X, y), X, y)
    with pytest.raises(TypeError, match="has no predict"):
        ResidualsDisplay.from_estimator(StandardScaler(), X, y)


# --- recorded losses ------------------------------------------------------------------------------


def test_an_estimators_losses_are_drawn_with_those_of_its_validation(ax):
    X, y = load_iris(return_X_y=True)
    model = MLPClassifier(max_iter=300, early_stopping=True, random_state=0).fit(X, y)
    display = LossCurveDisplay.from_estimator(model, ax=ax)
    np.testing.assert_array_equal(display.line_.get_ydata(), model.loss_curve_)
    np.testing.assert_array_equal(
        display.validation_line_.get_ydata(), model.validation_loss_curve_
    )
    assert display.score_line_ is None


def test_scikit_learns_scores_are_drawn_on_an_axis_of_their_own(ax):
    X, y = load_iris(return_X_y=True)
    model = TheirClassifier(max_iter=300, early_stopping=True, random_state=0).fit(X, y)
    display = LossCurveDisplay.from_estimator(model, ax=ax)
    np.testing.assert_array_equal(display.score_line_.get_ydata(), model.validation_scores_)
    assert display.score_ax_.get_ylabel() == "Score"
    final = f"{model.loss_curve_[-1]:.4g}", f"{model.validation_scores_[-1]:.4g}"
    assert legend_texts(ax) == [
        f"Training loss: {final[0]}",
        f"Validation score (right axis): {final[1]}",
    ]
    display.figure_.draw_without_rendering()
    label = display.score_ax_.yaxis.get_label().get_window_extent()
    legend = ax.get_legend().get_window_extent()
    assert legend.x1 < ax.get_window_extent().x1 or legend.x0 > label.x1
    # The legend belongs to the axes of the losses, and must not be crossed by the scores.
    assert ax.get_zorder() > display.score_ax_.get_zorder()
    assert not ax.patch.get_visible()


def test_the_estimator_within_a_search_a_pipeline_or_a_wrapper_is_found(ax):
    X, y = load_iris(return_X_y=True)
    network = MLPClassifier((4,), max_iter=5, tol=0, random_state=0)
    pipeline = make_pipeline(StandardScaler(), network)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        search = GridSearchCV(pipeline, {"mlpclassifier__alpha": [1e-4]}, cv=2).fit(X, y)
        numbers = TransformedTargetRegressor(
            MLPRegressor(max_iter=4, tol=0, random_state=0), transformer=StandardScaler()
        ).fit(X[:, :3], X[:, 3])
    assert len(LossCurveDisplay.from_estimator(search, ax=ax).loss) == 5
    assert len(LossCurveDisplay.from_estimator(numbers, ax=Figure().gca()).loss) == 4


def test_a_module_made_an_estimator_is_drawn(ax):
    X, y = load_iris(return_X_y=True)
    model = as_estimator(
        lambda n_features, n_outputs, rng: ad.nn.MLP(n_features, 4, n_outputs, rng=rng),
        loss="cross_entropy",
        epochs=3,
        early_stopping=True,
        random_state=0,
    ).fit(X, y)
    display = LossCurveDisplay.from_estimator(model, ax=ax)
    assert len(display.loss) == len(display.validation_loss) == model.n_iter_ == 3


def test_a_validation_that_began_later_is_drawn_at_the_end(ax):
    X, y = load_iris(return_X_y=True)
    model = MLPClassifier(random_state=0).partial_fit(X, y, classes=[0, 1, 2])
    model.partial_fit(X, y, X_val=X, y_val=y)
    display = LossCurveDisplay.from_estimator(model, ax=ax)
    assert np.isnan(display.validation_loss).tolist() == [True, False]


@pytest.mark.parametrize(
    "estimator", [LogisticRegression(), make_pipeline(StandardScaler(), MLPClassifier())]
)
def test_an_estimator_without_a_record_is_refused(estimator):
    with pytest.raises(TypeError, match="has no loss_curve_; pass a fitted estimator"):
        LossCurveDisplay.from_estimator(estimator)


# --- the boundary in a section --------------------------------------------------------------------


class Asked:
    """Remembers the rows that it was asked about; of two classes by the first column's sign."""

    def predict_proba(self, rows):
        self.rows = rows
        first = np.asarray(rows)[:, 0] if isinstance(rows, np.ndarray) else rows["a"].to_numpy()
        return np.c_[first < 0, first >= 0].astype(float)


def table(n=11):
    rng = np.random.default_rng(0)
    return {
        "a": rng.normal(size=n),
        "b": list(range(n)),
        "c": [0.5, None, *np.linspace(1, 3, n - 2)],
        "town": ["Oslo"] * 2 + ["Rome"] * (n - 2),
        "big": [True] + [False] * (n - 1),
    }


def test_other_columns_of_an_array_are_held_at_their_medians(ax):
    X = np.random.default_rng(0).normal(size=(21, 4))
    asked = Asked()
    y = (X[:, 0] > 0).astype(int)
    display = DecisionBoundaryDisplay.from_estimator(
        asked, X, y, features=(0, 2), grid_resolution=5, ax=ax
    )
    assert asked.rows.shape == (25, 4)
    np.testing.assert_array_equal(asked.rows[:, 0], display.xx0.ravel())
    np.testing.assert_array_equal(asked.rows[:, 2], display.xx1.ravel())
    np.testing.assert_array_equal(asked.rows[:, [1, 3]], [np.median(X[:, [1, 3]], axis=0)] * 25)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Feature 1", "Feature 3")
    np.testing.assert_array_equal(display.data.X, X[:, [0, 2]])


def test_a_column_can_be_held_elsewhere(ax):
    asked = Asked()
    DecisionBoundaryDisplay.from_estimator(
        asked, np.eye(4), features=(1, 0), at={3: 7.0}, grid_resolution=2, ax=ax
    )
    assert (asked.rows[:, 3] == 7).all()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Feature 2", "Feature 1")


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_columns_of_a_frame_keep_their_names_and_types(ax, library):
    module = pytest.importorskip(library)
    frame = module.DataFrame(table())
    asked = Asked()
    clean = frame.drop_nulls("c") if library == "polars" else frame.dropna(subset=["c"])
    display = DecisionBoundaryDisplay.from_estimator(
        asked, clean, features=["a", "c"], at={"big": True}, grid_resolution=3, ax=ax
    )
    rows = asked.rows
    assert type(rows) is type(frame)
    assert list(rows.columns) == list(frame.columns)
    np.testing.assert_array_equal(rows["a"].to_numpy(), display.xx0.ravel())
    np.testing.assert_array_equal(rows["c"].to_numpy(), display.xx1.ravel())
    assert [str(rows[n].dtype) for n in rows.columns] == [str(clean[n].dtype) for n in rows.columns]
    assert set(rows["town"].to_list()) == {"Rome"}
    assert set(rows["big"].to_list()) == {True}
    assert len(set(rows["b"].to_list())) == 1
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("a", "c")


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_27462_a_pipeline_on_a_frame_with_categories_is_drawn(ax, library):
    module = pytest.importorskip(library)
    X, y = make_classification(80, 3, n_informative=3, n_redundant=0, random_state=0)
    frame = module.DataFrame(
        {"x": X[:, 0], "y": X[:, 1], "z": X[:, 2], "kind": np.where(y, "p", "q").tolist()}
    )
    encode = make_column_transformer((OneHotEncoder(), ["kind"]), remainder=StandardScaler())
    theirs = make_pipeline(encode, LogisticRegression()).fit(frame, y)
    ours = MLPClassifier((4,), solver="lbfgs", random_state=0).fit(frame, y)
    for model in (theirs, ours):
        for kind, answer in (("p", 1), ("q", 0)):
            display = DecisionBoundaryDisplay.from_estimator(
                model, frame, features=("x", "z"), at={"kind": kind}, grid_resolution=9, ax=ax
            )
            assert (display.response.argmax(-1) == answer).mean() > 0.9


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, r"X has 4 columns; expected 2, or the two to draw: features=\(0, 1\)"),
        ({"features": (0, 4)}, "features: no column 4; X has 4: Feature 1, Feature 2"),
        ({"features": (0, "size")}, "features: no column 'size'"),
        ({"features": (1, 1)}, "expected two different columns"),
        ({"features": (0, 1, 2)}, "expected a pair of columns"),
        ({"features": "ab"}, "expected a pair of columns"),
        (
            {"features": (0, 1), "at": {1: 0.0}},
            "at holds 'Feature 2', which is one of the features",
        ),
        ({"features": (0, 1), "at": {9: 0.0}}, "at: no column 9"),
    ],
)
def test_a_section_that_is_none_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        DecisionBoundaryDisplay.from_estimator(Asked(), np.eye(4), **settings)


def test_an_axis_needs_numbers():
    pandas = pytest.importorskip("pandas")
    with pytest.raises(ValueError, match=r"column 'town' holds .*, no numbers"):
        DecisionBoundaryDisplay.from_estimator(
            Asked(), pandas.DataFrame(table()), features=("a", "town")
        )
    with pytest.raises(ValueError, match="NaN or infinity in 1 of 11 rows"):
        DecisionBoundaryDisplay.from_estimator(
            Asked(), pandas.DataFrame(table()), features=("a", "c")
        )
