"""A table's network starts as a linear model, so that a linear truth is not lost."""

from dataclasses import replace

import numpy as np
import pyarrow
import pytest

from adjoint.errors import TableError
from adjoint.network import Perceptron
from adjoint.tables import training
from adjoint.tables.baseline import linear_model, start_from_linear
from adjoint.tables.conventions import AS_SHOWN
from adjoint.tables.model import design_for
from adjoint.tables.scaling import interpolated, scaled, scaling_of
from adjoint.tables.settings import TableSettings
from adjoint.tables.trial import prepare, run


def table(classes, rows=200):
    rng = np.random.default_rng(0)
    x, word = rng.normal(size=(rows, 3)), rng.choice(["red", "green", "blue"], rows)
    z = x @ [2.0, -1.0, 0.5] + (word == "red") + 0.1 * rng.normal(size=rows)
    y = np.digitize(z, [0.5, 2.0][: classes - 1]).astype(str) if classes else z
    return pyarrow.table({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "word": word, "y": y})


@pytest.mark.parametrize("classes", [0, 2, 3])
def test_a_network_starts_as_the_linear_model_of_its_rows(classes):
    encoder, target, parts = prepare(table(classes), "y", TableSettings())
    design = design_for(encoder, target, hidden=(8,), dropout=0.0)
    network = Perceptron(design, np.random.RandomState(0), np.float32)
    X, y = parts.train[0], target.as_trained(parts.train[1])
    start_from_linear(network, encoder, target, X, y)
    fitted = linear_model(encoder, target, X, y.ravel())
    found = network.outputs(parts.test[0])
    if classes:
        found = np.exp(found) / np.exp(found).sum(axis=1, keepdims=True)
        expected = fitted.predict_proba(parts.test[0])
    else:
        expected = fitted.predict(parts.test[0])[:, np.newaxis]
    # The network computes in float32.
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_a_linear_truth_is_kept_by_the_defaults():
    encoder, target, parts = prepare(table(0), "y", TableSettings(epochs=3))
    metrics = run(encoder, target, parts, TableSettings(epochs=3), progress=False).record.metrics
    # Three epochs add little to the start; a tenth of a percent is noise.
    assert metrics["network"]["r2"] > metrics["linear regression"]["r2"] - 0.001


@pytest.mark.parametrize(
    "numbers",
    [[-1.7e308, 0.0, 1.7e308], [5e-324, 1e-323, 2e-323], [0, 1, 2], [1e16, 1e16 + 2]],
    ids=str,
)
def test_scaled_values_are_in_order_and_within_three(numbers):
    numbers = list(map(float, numbers))
    z = scaled(np.array([-np.inf, *numbers, np.inf]), scaling_of(numbers))
    assert (np.diff(z) >= 0).all()
    assert (np.abs(z) <= 3).all()
    assert z[-1] - z[0] > 5


@pytest.mark.parametrize(
    "places",
    [[-1.7e308, 1.7e308], [-1.7e308, 1.6e308, 1.7e308], [5e-324, 1e-323, 2e-323], [0, 1e-310, 1]],
    ids=str,
)
def test_numbers_of_any_size_are_interpolated_in_order(places):
    x = np.array(places, float)
    y = np.linspace(-1, 1, len(x))
    np.testing.assert_array_equal(interpolated(x, x, y), y)
    asked = np.sort(np.append(x, x[:-1] / 2 + x[1:] / 2))
    found = interpolated(asked, x, y)
    assert (np.diff(found) >= 0).all()
    assert np.isnan(interpolated(np.array([np.nan]), x, y)).all()


def rare(share=0.1, rows=400):
    """Return a table of which a part is of a class that is told only roughly."""
    rng = np.random.default_rng(0)
    y = rng.random(rows) < share
    return pyarrow.table({"x": y + rng.normal(size=rows), "z": rng.normal(size=rows), "y": y})


def test_balanced_weights_find_more_of_a_rare_class_and_compare_by_balanced_accuracy():
    found = {}
    for weight in (None, "balanced"):
        settings = TableSettings(epochs=5, ensemble=2, hidden=(8,), class_weight=weight)
        encoder, target, parts = prepare(rare(), "y", settings)
        found[weight] = run(encoder, target, parts, settings, progress=False)
    usual, balanced = found.values()
    assert balanced.held_outputs[:, 1].mean() > 0.3 > usual.held_outputs[:, 1].mean()
    record = balanced.record
    assert record.headline == "balanced_accuracy"
    assert "balanced accuracy of the network" in record.verdict[0]
    # The simple model has the same weights, or it would be no rival.
    assert record.metrics["logistic regression"]["balanced_accuracy"] > 0.6


def test_the_epoch_is_chosen_by_the_loss_that_is_trained(monkeypatch):
    seen = []
    choose = training._set_to_best
    monkeypatch.setattr(
        training, "_set_to_best", lambda members: seen.extend(members) or choose(members)
    )
    settings = TableSettings(epochs=3, ensemble=1, hidden=(8,), class_weight="balanced")
    encoder, target, parts = prepare(rare(), "y", settings)
    training.train(encoder, target, parts, settings, progress=False)
    (one,) = seen
    X, y = parts.validation
    for epoch, loss in one.losses.items():
        one.network.load_state_dict(one.snapshots[epoch])
        z = one.network.outputs(X).astype(float)
        z -= z.max(axis=1, keepdims=True)
        each = np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(y)), y]
        expected = np.mean([each[y == k].mean() for k in range(2)])
        assert loss == pytest.approx(expected, rel=1e-4)


def test_training_keeps_the_classes_in_balance_to_its_last_epoch(monkeypatch):
    seen = []
    choose = training._set_to_best
    monkeypatch.setattr(
        training, "_set_to_best", lambda members: seen.extend(members) or choose(members)
    )
    settings = TableSettings(
        epochs=30, learning_rate=0.01, ensemble=1, hidden=(8,), class_weight="balanced"
    )
    encoder, target, parts = prepare(rare(), "y", settings)
    training.train(encoder, target, parts, settings, progress=False)
    (one,) = seen
    one.network.load_state_dict(one.snapshots[30])
    z = one.network.outputs(parts.train[0]).astype(float)
    chance = 1 / (1 + np.exp(z[:, 0] - z[:, 1]))
    # A tenth of the rows is of the class; unweighted steps bring the mean chance back to that.
    assert chance.mean() > 0.25


def test_weights_of_classes_of_a_number_are_refused():
    settings = TableSettings(class_weight="balanced")
    with pytest.raises(TableError, match="--class-weight: target 'y' is a number"):
        prepare(table(0), "y", settings)
    with pytest.raises(TableError, match=r"^class_weight: target 'y' is a number"):
        prepare(table(0), "y", settings, replace(AS_SHOWN, options=""))


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_members_are_the_same_in_any_number_of_threads(threads, monkeypatch):
    settings = TableSettings(epochs=4, ensemble=3, hidden=(8,))
    task = prepare(table(2), "y", settings)
    expected = training.train(*task, settings, progress=False)
    monkeypatch.setattr(training, "free_threads", lambda: threads)
    found = training.train(*task, settings, progress=False)
    assert found.best_epoch == expected.best_epoch
    for one, other in zip(
        found.model.network.parameters(), expected.model.network.parameters(), strict=True
    ):
        np.testing.assert_array_equal(one.data, other.data)


def test_smoothed_labels_make_a_network_less_sure():
    found = {}
    for smoothing in (0.0, 0.3):
        settings = TableSettings(
            epochs=10, ensemble=1, hidden=(8,), learning_rate=0.01, label_smoothing=smoothing
        )
        encoder, target, parts = prepare(table(2), "y", settings)
        model = training.train(encoder, target, parts, settings, progress=False).model
        found[smoothing] = model.outputs(parts.test[0]).max(axis=1).mean()
    assert found[0.3] < found[0.0] - 0.05


def test_a_number_has_no_labels_to_smooth():
    settings = TableSettings(label_smoothing=0.1)
    with pytest.raises(TableError, match=r"^--label-smoothing: target 'y' is a number"):
        prepare(table(0), "y", settings)
