import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.colors import same_color, to_rgba
from matplotlib.figure import Figure

from adjoint import datasets, plots
from adjoint.plots import (
    DataDisplay,
    DecisionBoundaryDisplay,
    LayerStatisticsDisplay,
    LossCurveDisplay,
    style,
)

matplotlib.use("Agg")


@pytest.fixture
def ax():
    return Figure().subplots()


@pytest.fixture(autouse=True)
def _leaves_no_trace():
    """No display changes Matplotlib's settings or leaves a pyplot figure that was not asked for."""
    settings = dict(matplotlib.rcParams)
    yield
    assert dict(matplotlib.rcParams) == settings
    assert pyplot.get_fignums() == []


class Slanted:
    """Two classes; class 1 where x + 2 y > 1, with a logistic probability."""

    def predict_proba(self, X):
        one = 1 / (1 + np.exp(1 - X[:, 0] - 2 * X[:, 1]))
        return np.column_stack([1 - one, one])


class Sectors:
    """Three classes with string names, by the angle of the point; it has only ``predict``."""

    classes_ = np.array(["cat", "dog", "owl"])

    def predict(self, X):
        angle = np.arctan2(X[:, 1], X[:, 0]) % (2 * np.pi)
        return self.classes_[(angle // (2 * np.pi / 3)).astype(int)]


class SoftSectors(Sectors):
    """The same three classes, with probabilities."""

    def predict_proba(self, X):
        middle = (np.arange(3) + 0.5) * 2 * np.pi / 3
        score = np.exp(5 * X @ np.array([np.cos(middle), np.sin(middle)]))
        return score / score.sum(axis=1, keepdims=True)


def legend_texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def squares(n=20):
    return np.random.default_rng(0).uniform(-1, 1, (n, 2))


def borders(display):
    """Return the points of all boundary lines."""
    return np.concatenate([p.vertices for c in display.boundaries_ for p in c.get_paths()])


# --- what all displays share ----------------------------------------------------------------------

DRAWINGS = {
    "curve": lambda ax: LossCurveDisplay.from_values([0.7, 0.5], ax=ax),
    "data": lambda ax: DataDisplay.from_data(*datasets.make_moons(20), ax=ax),
    "boundary": lambda ax: DecisionBoundaryDisplay.from_estimator(
        Slanted(), *datasets.make_moons(20), ax=ax
    ),
    "layers": lambda ax: LayerStatisticsDisplay.from_values(
        [[0.7, 0.1], [0.5, 0.2]], layers=["first", "second"], ax=ax
    ),
}
EVERY = pytest.mark.parametrize("draw", DRAWINGS.values(), ids=DRAWINGS)


@EVERY
def test_a_display_draws_on_the_axes_it_is_given_and_keeps_them(draw, ax):
    display = draw(ax)
    assert display.ax_ is ax
    assert display.figure_ is ax.figure


@EVERY
def test_a_display_without_axes_makes_one_pyplot_figure_of_eight_by_six(draw):
    display = draw(None)
    try:
        assert pyplot.get_fignums() == [display.figure_.number]
        assert tuple(display.figure_.get_size_inches()) == (8, 6)
    finally:
        pyplot.close(display.figure_)


@EVERY
def test_a_display_draws_again_elsewhere_and_returns_itself(draw, ax):
    display = draw(Figure().subplots())
    assert display.plot(ax) is display
    assert display.ax_ is ax
    assert ax.has_data()


@EVERY
def test_the_grid_is_dashed_grey_and_half_transparent(draw, ax):
    line = draw(ax).ax_.get_xgridlines()[0]
    assert line.get_visible()
    assert (line.get_linestyle(), line.get_alpha()) == ("--", 0.5)
    assert same_color(line.get_color(), "gray")


@EVERY
def test_every_letter_is_serif_and_drawn_without_a_warning(draw, ax, caplog):
    # A missing font is logged, not warned of.
    draw(ax).figure_.draw_without_rendering()
    texts = [ax.title, ax.xaxis.label, ax.yaxis.label, *ax.get_xticklabels()]
    texts += [*ax.texts, *(ax.get_legend().get_texts() if ax.get_legend() else [])]
    assert {tuple(t.get_fontfamily()) for t in texts} == {style.families()}
    assert caplog.messages == []


@EVERY
def test_a_title_can_be_chosen(draw, ax):
    display = draw(Figure().subplots())
    display.plot(ax, title="Mine")
    assert ax.get_title() == "Mine"


@pytest.mark.parametrize("module", ["adjoint", "adjoint.plots", "adjoint.datasets"])
def test_importing_does_not_import_matplotlib(module):
    code = f"import sys, {module}; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_matplotlib_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match="python -m pip install matplotlib"):
        LossCurveDisplay.from_values([1.0])


def test_the_displays_are_the_public_names():
    assert plots.__all__ == [
        "CalibrationDisplay",
        "DataDisplay",
        "DecisionBoundaryDisplay",
        "LayerStatisticsDisplay",
        "LearningRateDisplay",
        "LossCurveDisplay",
        "ResidualsDisplay",
    ]


def test_the_first_seventy_classes_differ_in_colour_or_marker():
    looks = {(style.colour(k), style.marker(k)) for k in range(style.MOST_CLASSES)}
    assert len(looks) == style.MOST_CLASSES == 70


# --- the loss curve -------------------------------------------------------------------------------


class Record:
    def __init__(self, **records):
        self.records = records

    def to_dict(self):
        return self.records


def test_a_loss_curve_draws_the_loss_against_the_epoch_in_the_articles_colour(ax):
    history = Record(epoch=np.array([1, 2, 3]), loss=np.array([0.7, 0.5, 0.4]))
    line = LossCurveDisplay.from_history(history, ax=ax).line_
    np.testing.assert_array_equal(line.get_xydata(), [[1, 0.7], [2, 0.5], [3, 0.4]])
    assert same_color(line.get_color(), "#9b95c9")
    assert line.get_linewidth() == 2
    assert (ax.get_title(), ax.get_xlabel(), ax.get_ylabel()) == (
        "Training Loss Curve",
        "Epoch",
        "Loss",
    )


def test_a_line_alone_has_its_last_value_at_its_end_and_no_legend(ax):
    display = LossCurveDisplay.from_values([0.7, 0.5, 0.43219], ax=ax)
    assert ax.get_legend() is None
    assert display.final_.get_text() == "0.4322"
    ax.figure.draw_without_rendering()
    text, axes = display.final_.get_window_extent(), ax.get_window_extent()
    assert text.x0 > axes.x1  # beside the axes, where it covers nothing
    end = ax.transData.transform((3, 0.43219))[1]
    assert text.y0 < end < text.y1


def test_losses_that_are_no_numbers_are_said(ax):
    display = LossCurveDisplay.from_values([0.7, np.nan, np.inf], ax=ax)
    assert display.note_.get_text() == "The loss is NaN or infinite in 2 epochs, first in epoch 2"
    assert display.final_ is None
    once = LossCurveDisplay.from_values([0.7, np.inf, 0.6], ax=Figure().subplots())
    assert once.note_.get_text() == "The loss is NaN or infinite in epoch 2"
    assert LossCurveDisplay.from_values([0.7], ax=Figure().subplots()).note_ is None


def test_a_history_of_fit_is_drawn_with_its_validation_loss(ax):
    import adjoint as ad

    X, y = datasets.make_moons(40)
    model = ad.nn.MLP(2, 2, rng=0)
    history = ad.fit(
        model,
        (X, y),
        loss="cross_entropy",
        optimizer=ad.optim.SGD(model.parameters(), lr=0.1),
        epochs=3,
        batch_size=10,
        validation=(X, y),
        progress=False,
    )
    display = LossCurveDisplay.from_history(history, ax=ax)
    np.testing.assert_array_equal(display.line_.get_ydata(), history.loss)
    np.testing.assert_array_equal(display.validation_line_.get_ydata(), history["val_loss"])
    assert legend_texts(ax) == [
        f"Training loss: {history.loss[-1]:.4g}",
        f"Validation loss: {history['val_loss'][-1]:.4g}",
    ]


@pytest.mark.parametrize(
    ("losses", "scale"),
    [
        ([0.7, 0.5, 0.4], "linear"),
        ([0.7, 0.1, 0.001], "log"),
        ([0.7, 0.1, 0.0], "linear"),
        ([0.7, np.nan, 0.001], "log"),
    ],
)
def test_the_loss_axis_is_logarithmic_for_positive_losses_far_apart(ax, losses, scale):
    LossCurveDisplay.from_values(losses, ax=ax)
    assert ax.get_yscale() == scale


def test_the_loss_axis_can_be_chosen_and_a_misspelling_is_refused(ax):
    LossCurveDisplay.from_values([0.7, 0.001], yscale="linear", ax=ax)
    assert ax.get_yscale() == "linear"
    with pytest.raises(ValueError, match="unknown yscale 'logarithmic'; choose one of auto"):
        LossCurveDisplay.from_values([0.7, 0.001], yscale="logarithmic", ax=ax)
    with pytest.raises(ValueError, match="needs a positive loss"):
        LossCurveDisplay.from_values([-1.0, -2.0], yscale="log", ax=ax)


def test_a_logarithmic_axis_writes_its_numbers_out(ax):
    LossCurveDisplay.from_values(np.geomspace(0.7, 0.002, 50), ax=ax)
    ax.figure.draw_without_rendering()
    low, high = ax.get_ylim()
    shown = [t.get_text() for t in ax.get_yticklabels() if low <= t.get_position()[1] <= high]
    assert {"0.01", "0.1", "0.5"} <= set(shown)


def test_a_long_smooth_history_is_drawn_epoch_by_epoch(ax):
    losses = np.geomspace(0.7, 0.002, 6000)
    display = LossCurveDisplay.from_values(losses, ax=ax)
    assert list(ax.lines) == [display.line_]
    np.testing.assert_array_equal(display.line_.get_ydata(), losses)


def test_a_long_noisy_history_is_drawn_thin_behind_its_running_mean(ax):
    losses = 1 + np.random.default_rng(0).uniform(-0.5, 0.5, 6000)
    display = LossCurveDisplay.from_values(losses, ax=ax)
    thin, mean = ax.lines
    assert mean is display.line_
    np.testing.assert_array_equal(thin.get_ydata(), losses)
    assert thin.get_linewidth() < 1
    np.testing.assert_allclose(mean.get_ydata()[3000], losses[2970:3031].mean())
    assert legend_texts(ax) == [f"Training loss (mean of 61 epochs): {losses[-31:].mean():.4g}"]


def test_a_single_epoch_is_a_visible_point(ax):
    display = LossCurveDisplay.from_values([0.5], ax=ax)
    assert display.line_.get_marker() == "o"


def test_infinite_losses_leave_a_gap(ax):
    line = LossCurveDisplay.from_values([0.7, np.inf, 0.5], ax=ax).line_
    np.testing.assert_array_equal(line.get_ydata(), [0.7, np.nan, 0.5])
    assert np.isfinite(ax.get_ylim()).all()


def test_a_lines_short_keyword_replaces_our_long_one(ax):
    line = LossCurveDisplay.from_values([0.7, 0.5], ax=ax, lw=5, c="red").line_
    assert (line.get_linewidth(), line.get_color()) == (5, "red")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"loss": []}, "loss is empty"),
        ({"loss": [[1.0]]}, r"loss has shape \(1, 1\)"),
        ({"loss": [1.0, 2.0], "epoch": [1]}, r"epoch has shape \(1,\); expected \(2,\)"),
        ({"loss": [1.0], "validation_loss": [1, 2]}, r"validation_loss has shape \(2,\)"),
    ],
)
def test_losses_that_cannot_be_drawn_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        LossCurveDisplay.from_values(**values)


def test_the_running_mean_is_that_of_the_values_present_nearby():
    values = np.array([1.0, np.nan, 3.0, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(
        plots.running_mean.running_mean(values, 3), [1.0, 2.0, 3.0, 3.0, np.nan, np.nan]
    )


# --- the data -------------------------------------------------------------------------------------


def test_two_classes_are_orange_triangles_and_blue_circles(ax):
    X, y = datasets.make_moons(30)
    first, second = DataDisplay.from_data(X, y, ax=ax).points_
    np.testing.assert_array_equal(first.get_offsets(), X[y == 0])
    np.testing.assert_array_equal(second.get_offsets(), X[y == 1])
    assert same_color(first.get_facecolor()[0], to_rgba("darkorange", 0.7))
    assert same_color(second.get_facecolor()[0], to_rgba("royalblue", 0.7))
    # A path of three corners (and its closing) against one of curves.
    assert len(first.get_paths()[0]) == 4
    assert len(second.get_paths()[0]) > 8
    assert legend_texts(ax) == ["Class 0", "Class 1"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Feature 1", "Feature 2")


def test_string_labels_speak_for_themselves(ax):
    display = DataDisplay.from_data(squares(6), ["b", "a", "c"] * 2, ax=ax)
    assert legend_texts(ax) == ["a", "b", "c"]
    assert [len(artist.get_offsets()) for artist in display.points_] == [2, 2, 2]


@pytest.mark.parametrize("name", ["$x$ <b>", "_hidden", "a & 'b' \"c\"", "]]>-->", " ", "$\\frac{"])
def test_any_name_of_a_class_is_drawn_as_it_is(ax, name):
    points = DataDisplay.from_data(squares(4), [name, "other", "other", name], ax=ax)
    points.figure_.draw_without_rendering()
    shown = [text.replace("\\$", "$").strip() for text in legend_texts(ax)]
    assert sorted(shown) == sorted([name.strip(), "other"])


def test_a_very_long_name_leaves_room_for_the_picture(ax):
    DataDisplay.from_data(squares(4), ["long " * 99, "b", "b", "b"], ax=ax)
    assert all(len(text) <= 48 for text in legend_texts(ax))


def test_a_data_frame_names_the_axes(ax):
    class Frame:
        columns = ("length", "width")

        def __array__(self, dtype=None, copy=None):
            return squares(6).astype(dtype)

    DataDisplay.from_data(Frame(), np.arange(6) % 2, ax=ax)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("length", "width")


def test_many_points_become_an_image_in_a_vector_file(ax):
    few, many = squares(100), squares(20_001)
    assert not DataDisplay.from_data(few, np.zeros(100), ax=ax).points_[0].get_rasterized()
    assert DataDisplay.from_data(many, np.zeros(20_001), ax=ax).points_[0].get_rasterized()


def test_many_points_are_drawn_smaller_but_not_in_the_legend(ax):
    points = DataDisplay.from_data(squares(4000), np.zeros(4000), ax=ax).points_[0]
    assert points.get_sizes() == [9]
    assert ax.get_legend().legend_handles[0].get_sizes() == [36]


def test_scatter_keywords_replace_ours(ax):
    artist = DataDisplay.from_data(squares(4), [0, 0, 0, 0], ax=ax, c="red", alpha=1, s=9).points_[
        0
    ]
    assert same_color(artist.get_facecolor()[0], "red")
    assert artist.get_sizes() == [9]


def test_the_legend_keeps_to_a_corner_without_points(ax):
    x = np.linspace(0, 1, 200)
    rising = np.column_stack([x, x])
    DataDisplay.from_data(rising, x > 0.5, ax=ax)
    ax.figure.draw_without_rendering()
    legend = ax.get_legend().get_window_extent().transformed(ax.transAxes.inverted())
    assert 0 < legend.x0 < legend.x1 < 0.5 < legend.y0 < legend.y1 < 1


def test_the_legend_leaves_axes_that_are_full(ax):
    DataDisplay.from_data(squares(2000), np.arange(2000) % 3, ax=ax)
    ax.figure.draw_without_rendering()
    assert ax.get_legend().get_window_extent().x0 >= ax.get_window_extent().x1


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (np.zeros((4, 3)), [0, 1, 0, 1], r"X has shape \(4, 3\); expected \(n, 2\)"),
        (np.zeros((0, 2)), [], r"X has shape \(0, 2\)"),
        ([[0, 0], [np.nan, 1]], [0, 1], "NaN or infinity in 1 of 2 rows"),
        (np.zeros((4, 2)), [0, 1], r"y has shape \(2,\); expected \(4,\)"),
        (np.zeros((2, 2)), [0, np.nan], "y has 1 NaN"),
        (np.zeros((99, 2)), np.arange(99), "y has 99 distinct values"),
    ],
)
def test_data_that_cannot_be_drawn_are_refused(X, y, message):
    with pytest.raises(ValueError, match=message):
        DataDisplay.from_data(X, y)


# --- the decision boundary ------------------------------------------------------------------------


def test_the_response_is_the_estimators_on_a_grid_around_the_data(ax):
    X = np.array([[0.0, 0.0], [10.0, 1.0]])
    display = DecisionBoundaryDisplay.from_estimator(Slanted(), X, grid_resolution=7, ax=ax)
    assert display.response.shape == (7, 7, 2)
    assert (display.xx0.min(), display.xx0.max()) == (-1.0, 11.0)
    np.testing.assert_allclose((display.xx1.min(), display.xx1.max()), (-0.1, 1.1))
    expected = Slanted().predict_proba(np.array([[display.xx0[2, 5], display.xx1[2, 5]]]))
    np.testing.assert_allclose(display.response[2, 5], expected[0])


def test_eps_is_the_margin_in_data_units(ax):
    X = np.array([[0.0, 0.0], [10.0, 1.0]])
    display = DecisionBoundaryDisplay.from_estimator(Slanted(), X, eps=2.0, ax=ax)
    assert (*ax.get_xlim(), *ax.get_ylim()) == (-2.0, 12.0, -2.0, 3.0)
    assert display.xx0.shape == (300, 300)


def test_the_boundary_of_two_classes_is_where_both_are_equally_probable(ax):
    display = DecisionBoundaryDisplay.from_estimator(Slanted(), squares(), ax=ax)
    border = borders(display)
    assert len(border) > 50
    np.testing.assert_allclose(border @ [1, 2], 1, atol=1e-3)


def opacity(display, k):
    """Return how opaque the shading of a class is at every grid point."""
    return display.regions_[k].get_array()[..., 3]


@pytest.mark.parametrize("estimator", [Slanted(), Sectors(), SoftSectors()])
def test_a_region_has_the_colour_of_its_points_wherever_its_class_is_ahead(ax, estimator):
    X = squares(300)
    y = estimator.predict_proba(X).argmax(1) if isinstance(estimator, Slanted) else (
        estimator.predict(X)
    )  # fmt: skip
    display = DecisionBoundaryDisplay.from_estimator(estimator, X, y, ax=ax)
    assert len(display.regions_) == len(display.points_) == len(display.classes)
    for k, (region, points) in enumerate(zip(display.regions_, display.points_, strict=True)):
        colour = points.get_facecolor()[0][:3]
        np.testing.assert_allclose(region.get_array()[0, 0, :3], colour)
        ahead = display.response.argmax(-1) == k
        assert (opacity(display, k)[ahead] > 0).all()
        assert (opacity(display, k)[~ahead] == 0).all()


def test_the_shading_fades_to_nothing_where_two_classes_are_equally_probable(ax):
    display = DecisionBoundaryDisplay.from_estimator(SoftSectors(), squares(), ax=ax)
    best = np.sort(display.response, axis=-1)
    ahead = best[..., 2] - best[..., 1]
    total = sum(opacity(display, k) for k in range(3))
    np.testing.assert_allclose(total, style.REGION_ALPHA * ahead, atol=1e-12)
    assert ahead.min() < 0.01 < 0.99 < ahead.max()


def test_two_classes_are_shaded_by_the_distance_of_their_probabilities(ax):
    display = DecisionBoundaryDisplay.from_estimator(Slanted(), squares(), ax=ax)
    p = display.response[..., 1]
    np.testing.assert_allclose(opacity(display, 1), style.REGION_ALPHA * np.maximum(2 * p - 1, 0))
    np.testing.assert_allclose(opacity(display, 0), style.REGION_ALPHA * np.maximum(1 - 2 * p, 0))


def test_without_probabilities_regions_are_flat(ax):
    display = DecisionBoundaryDisplay.from_estimator(Sectors(), squares(), ax=ax)
    shades = np.concatenate([opacity(display, k).ravel() for k in range(3)])
    assert set(shades.tolist()) == {0.0, style.REGION_ALPHA}


def test_a_classifier_with_a_decision_function_only_is_shaded_by_its_answers(ax):
    svm = pytest.importorskip("sklearn.svm").LinearSVC(random_state=0)
    X, y = datasets.make_moons(60)
    display = DecisionBoundaryDisplay.from_estimator(svm.fit(X, y), X, y, ax=ax)
    assert not hasattr(svm, "predict_proba")
    assert set(np.unique(display.response)) == {0.0, 1.0}
    assert len(display.boundaries_) == 1


def test_the_shading_covers_the_axes_and_lies_below_points_and_line(ax):
    display = DecisionBoundaryDisplay.from_estimator(
        Slanted(), *datasets.make_moons(20), grid_resolution=5, ax=ax
    )
    left, right, low, high = display.regions_[0].get_extent()
    assert left < ax.get_xlim()[0] < ax.get_xlim()[1] < right
    assert low < ax.get_ylim()[0] < ax.get_ylim()[1] < high
    assert ax.get_aspect() == "auto"
    order = display.regions_[0].get_zorder()
    above = [*display.points_, *display.boundaries_]
    kinds = ax.get_children()
    assert all(
        (order, kinds.index(display.regions_[0])) < (each.get_zorder(), kinds.index(each))
        for each in above
    )


class Fixed:
    """Gives the same probabilities everywhere, but NaN to the right of a place."""

    def __init__(self, *probabilities, nan_beyond=np.inf):
        self.probabilities, self.nan_beyond = probabilities, nan_beyond

    def predict_proba(self, X):
        found = np.tile(np.array(self.probabilities, float), (len(X), 1))
        found[X[:, 0] > self.nan_beyond] = np.nan
        return found


class Ranging:
    """Class 1 everywhere, the surer the further to the right."""

    def predict_proba(self, X):
        one = np.interp(X[:, 0], [-2, 2], [0.6, 0.8])
        return np.column_stack([1 - one, one])


@pytest.mark.parametrize(
    ("estimator", "note"),
    [
        (
            Fixed(0.75, 0.25),
            "No boundary in this picture: Class 0 everywhere, with probability 0.75",
        ),
        (Fixed(0.1, 0.2, 0.7), "Class 2 everywhere, with probability 0.7"),
        (Ranging(), "Class 1 everywhere, with probability 0.64 to 0.76"),
        (Fixed(1, 0), "No boundary in this picture: Class 0 everywhere"),
        (Fixed(0.5, 0.5, nan_beyond=-9), "answers NaN everywhere: has training diverged?"),
        (Fixed(0.5, 0.5, nan_beyond=0), "No boundary in this picture: Class 0 everywhere"),
    ],
)
def test_a_picture_without_a_boundary_says_why(ax, estimator, note):
    X = np.array([[-1.0, -1.0], [1.0, 1.0]])
    display = DecisionBoundaryDisplay.from_estimator(estimator, X, ax=ax)
    assert note in display.note_.get_text()
    assert display.note_ in ax.texts
    assert display.boundaries_ == []
    ax.figure.draw_without_rendering()
    text, title = display.note_.get_window_extent(), ax.title.get_window_extent()
    assert ax.get_window_extent().y1 < text.y0 < text.y1 <= title.y0


def test_a_part_without_an_answer_is_said_and_left_white(ax):
    class Half(Slanted):
        def predict_proba(self, X):
            return np.where(X[:, :1] > 0, np.nan, super().predict_proba(X))

    X = np.array([[-1.0, -1.0], [1.0, 1.0]])
    display = DecisionBoundaryDisplay.from_estimator(Half(), X, ax=ax)
    assert display.note_.get_text() == "The estimator answers NaN in 50 % of the picture"
    assert len(display.boundaries_) == 1
    missing = np.isnan(display.response).any(-1)
    assert (opacity(display, 0)[missing] == 0).all()


def test_a_picture_with_a_boundary_says_nothing_more(ax):
    display = DecisionBoundaryDisplay.from_estimator(Slanted(), squares(), ax=ax)
    assert display.note_ is None
    assert not ax.texts


def test_a_network_whose_training_diverged_is_drawn(ax):
    from adjoint import nn

    model = nn.MLP(2, 3, 2, rng=0)
    model.layers[0].weight.data = np.full((2, 3), np.nan)
    X, y = datasets.make_moons(20)
    display = DecisionBoundaryDisplay.from_estimator(model, X, y, ax=ax)
    assert "NaN everywhere" in display.note_.get_text()
    assert display.regions_ == []


@pytest.mark.parametrize("estimator", [Sectors(), SoftSectors()])
def test_the_borders_of_three_classes_are_drawn_where_they_meet(ax, estimator):
    display = DecisionBoundaryDisplay.from_estimator(estimator, squares(300), ax=ax)
    border = borders(display)
    border = border[np.linalg.norm(border, axis=1) > 0.1]
    angle = np.arctan2(border[:, 1], border[:, 0]) % (2 * np.pi / 3)
    distance = np.minimum(angle, 2 * np.pi / 3 - angle) * np.linalg.norm(border, axis=1)
    assert distance.max() < 0.02


def test_an_estimator_with_only_predict_answers_with_certainty(ax):
    display = DecisionBoundaryDisplay.from_estimator(Sectors(), squares(), ax=ax)
    assert set(np.unique(display.response)) == {0.0, 1.0}
    np.testing.assert_array_equal(display.response.sum(axis=-1), 1)


def test_an_estimator_of_one_class_has_no_boundary(ax):
    class Constant:
        def predict(self, X):
            return np.zeros(len(X), int)

    display = DecisionBoundaryDisplay.from_estimator(Constant(), squares(), ax=ax)
    assert display.boundaries_ == []
    assert len(display.regions_) == 1


def test_a_class_without_points_keeps_its_colour_from_the_others(ax):
    X = squares(30)
    display = DecisionBoundaryDisplay.from_estimator(
        type("Numbered", (), {"predict_proba": SoftSectors.predict_proba})(),
        X,
        np.where(X[:, 0] > 0, 2, 0),
        ax=ax,
    )
    assert [len(artist.get_offsets()) > 0 for artist in display.points_] == [True, False, True]
    assert same_color(display.points_[2].get_facecolor()[0], to_rgba(style.colour(2), 0.7))


def test_string_labels_name_the_columns_of_an_estimator_that_has_no_names(ax):
    X = squares(30)
    y = np.where(X[:, 0] > 0, "right", "left")
    DecisionBoundaryDisplay.from_estimator(Slanted(), X, y, ax=ax)
    assert legend_texts(ax) == ["left", "right"]


def test_a_classifier_of_scikit_learn_is_drawn(ax):
    tree = pytest.importorskip("sklearn.tree").DecisionTreeClassifier(random_state=0)
    X, y = datasets.make_blobs(60)
    display = DecisionBoundaryDisplay.from_estimator(tree.fit(X, y), X, y, ax=ax)
    grid = np.column_stack([display.xx0.ravel(), display.xx1.ravel()])
    np.testing.assert_array_equal(display.response.argmax(-1).ravel(), tree.predict(grid))


def test_an_adjoint_network_is_drawn(ax):
    from adjoint import nn

    X, y = datasets.make_moons(30)
    display = DecisionBoundaryDisplay.from_estimator(nn.MLP(2, 4, 2, rng=0), X, y, ax=ax)
    np.testing.assert_allclose(display.response.sum(axis=-1), 1)


def test_looks_of_fill_line_and_points_can_be_chosen(ax):
    X, y = datasets.make_moons(30)
    display = DecisionBoundaryDisplay.from_estimator(
        Slanted(),
        X,
        y,
        ax=ax,
        fill_kwargs={"alpha": 0.5},
        line_kwargs={"linewidths": 4},
        scatter_kwargs={"s": 9},
    )
    surest = abs(2 * display.response[..., 0] - 1).max()
    assert max(opacity(display, k).max() for k in (0, 1)) == pytest.approx(0.5 * surest)
    assert display.boundaries_[0].get_linewidth() == 4
    assert display.points_[0].get_sizes() == [9]


class Answers:
    """An estimator with a fixed answer, of whatever shape."""

    def __init__(self, shape, value=0.5):
        self.predict_proba = lambda X: np.full((len(X), *shape), value)


class Numbers:
    """A regressor."""

    def predict(self, X):
        return X @ np.array([1.0, 2.5])


@pytest.mark.parametrize(
    ("estimator", "y", "message"),
    [
        (Answers(()), None, r"shape \(90000,\) for 90000 points"),
        (Answers((1,)), None, r"shape \(90000, 1\)"),
        (
            Numbers(),
            None,
            "90000 different values; .* a regressor has no",
        ),
        (Answers((2,)), [0, 1, 2] * 2, r"labels \[2\] are none of the estimator's classes"),
        (Sectors(), [0, 1, 2] * 2, "none of the estimator's classes"),
        (SoftSectors(), [0, 1, 2] * 2, "none of the estimator's classes"),
    ],
)
def test_answers_and_labels_that_do_not_fit_are_refused(estimator, y, message):
    with pytest.raises(ValueError, match=message):
        DecisionBoundaryDisplay.from_estimator(estimator, squares(6), y)


def test_what_cannot_predict_is_no_estimator():
    with pytest.raises(TypeError, match="object has neither predict_proba nor predict"):
        DecisionBoundaryDisplay.from_estimator(object(), squares())


@pytest.mark.parametrize("eps", [-1.0, np.nan])
def test_an_impossible_margin_is_refused(eps):
    with pytest.raises(ValueError, match="eps must be a finite number"):
        DecisionBoundaryDisplay.from_estimator(Slanted(), squares(), eps=eps)


def test_too_coarse_a_grid_is_refused():
    with pytest.raises(ValueError, match="grid_resolution must be at least 2, got 1"):
        DecisionBoundaryDisplay.from_estimator(Slanted(), squares(), grid_resolution=1)


# --- statistics of layers -------------------------------------------------------------------------


class Statistics:
    """Three layers over three epochs; the second has no gradient."""

    layers = ("a: Linear", "b: Tanh", "c: Linear")
    epochs = (1, 10, 100)
    table = np.array([[1.0, np.nan, 0.1], [0.5, np.nan, 0.05], [0.2, np.nan, 0.01]])

    def __getitem__(self, quantity):
        return self.table


def test_statistics_of_layers_are_a_line_for_every_layer_that_has_numbers(ax):
    display = LayerStatisticsDisplay.from_statistics(Statistics(), ax=ax)
    assert list(display.lines_) == legend_texts(ax) == ["a: Linear", "c: Linear"]
    line = display.lines_["c: Linear"]
    np.testing.assert_array_equal(line.get_xydata(), [[1, 0.1], [10, 0.05], [100, 0.01]])
    assert (ax.get_title(), ax.get_ylabel()) == ("Gradient Flow", "Gradient norm")


def test_gradients_wide_apart_are_drawn_on_a_logarithmic_axis_and_means_never(ax):
    assert LayerStatisticsDisplay.from_statistics(Statistics(), ax=ax).ax_.get_yscale() == "log"
    display = LayerStatisticsDisplay.from_statistics(Statistics(), "mean", ax=Figure().subplots())
    assert display.ax_.get_yscale() == "linear"


def test_update_ratios_are_drawn_with_the_usual_one(ax):
    LayerStatisticsDisplay.from_statistics(Statistics(), "update_ratio", ax=ax)
    assert legend_texts(ax)[-1] == "usual: 0.001"


def test_shares_are_drawn_from_none_to_all(ax):
    LayerStatisticsDisplay.from_statistics(Statistics(), "zeros", ax=ax)
    assert ax.get_ylim() == (-0.02, 1.02)


def test_many_layers_are_shaded_and_some_of_them_named(ax):
    names = [f"layer {i}" for i in range(30)]
    display = LayerStatisticsDisplay.from_values(np.ones((2, 30)), layers=names, ax=ax)
    assert len({line.get_color() for line in display.lines_.values()}) == 30
    assert len(legend_texts(ax)) == 8
    assert legend_texts(ax)[::7] == ["layer 0", "layer 29"]


def test_a_legend_does_not_hide_a_line_that_rises_to_every_corner(ax):
    # On a linear axis, too, the limits are those of the data when its corner is chosen.
    table = np.stack([np.linspace(0, 9, 50), np.linspace(9, 0, 50)], axis=1)
    display = LayerStatisticsDisplay.from_values(table, layers=["up", "down"], quantity="mean")
    try:
        box = display.ax_.get_legend().get_bbox_to_anchor()
        assert box.x0 > display.ax_.bbox.x1
    finally:
        pyplot.close(display.figure_)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.ones((2, 3)), r"shape \(2, 3\); expected \(epochs, 2\)"),
        (np.full((2, 2), np.nan), "no layer has a gradient_norm"),
        (np.ones((0, 2)), "no layer has a gradient_norm to draw, of 0 epochs"),
    ],
)
def test_values_of_layers_that_cannot_be_drawn_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        LayerStatisticsDisplay.from_values(values, layers=["a", "b"])
