"""The training loop: its trajectory, its record, and how it ends."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest

import adjoint as ad
from adjoint import data, nn
from adjoint.nn import functional
from adjoint.optim import SGD
from adjoint.training import metrics

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 2))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)


def sgd(lr=0.1, **settings):
    return lambda params: SGD(params, lr=lr, **settings)


def fit(model, pair=(X, Y), **changes):
    settings = {
        "loss": "cross_entropy",
        "optimizer": sgd(),
        "epochs": 3,
        "batch_size": 20,
        "seed": 0,
        "progress": False,
    }
    return ad.fit(model, pair, **(settings | changes))


def weights_of(model):
    return [parameter.data.copy() for parameter in model.parameters()]


def assert_same(arrays, others):
    for a, b in zip(arrays, others, strict=True):
        np.testing.assert_array_equal(a, b)


class ByHand:
    """A 2-4-4-2 sigmoid network with softmax, cross-entropy and SGD, in NumPy alone."""

    def __init__(self, weights, lr, momentum=0.0, nesterov=False):
        self.weights = [w.copy() for w in weights]
        self.velocities = [np.zeros_like(w) for w in weights]
        self.lr, self.momentum, self.nesterov = lr, momentum, nesterov

    def loss_and_gradients(self, x, y):
        W1, b1, W2, b2, W3, b3 = self.weights
        h1 = 1 / (1 + np.exp(-(x @ W1 + b1)))
        h2 = 1 / (1 + np.exp(-(h1 @ W2 + b2)))
        a = h2 @ W3 + b3
        p = np.exp(a - a.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        loss = -np.log(p[np.arange(len(y)), y]).mean()
        d3 = (p - np.eye(2)[y]) / len(y)
        d2 = d3 @ W3.T * h2 * (1 - h2)
        d1 = d2 @ W2.T * h1 * (1 - h1)
        pairs = ((x.T @ d1, d1), (h1.T @ d2, d2), (h2.T @ d3, d3))
        return loss, [part for d_W, d in pairs for part in (d_W, d.sum(0))]

    def step(self, x, y):
        loss, gradients = self.loss_and_gradients(x, y)
        for i, g in enumerate(gradients):
            self.velocities[i] = v = self.momentum * self.velocities[i] + g
            self.weights[i] -= self.lr * (g + self.momentum * v if self.nesterov else v)
        return loss


@pytest.mark.parametrize("settings", [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}])
def test_training_follows_a_network_written_by_hand_for_200_steps(settings):
    model = nn.MLP(2, 4, 4, 2, rng=0)
    hand = ByHand(weights_of(model), 0.3, **settings)
    # 60 rows in batches of 25: the last of each three batches is short.
    losses = []
    for epoch in range(67):
        order = data.permutation(60, seed=5, epoch=epoch)
        parts = [order[:25], order[25:50], order[50:]]
        losses.append(sum(len(p) * hand.step(X[p], Y[p]) for p in parts) / 60)
    history = fit(model, epochs=67, batch_size=25, seed=5, optimizer=sgd(0.3, **settings))
    np.testing.assert_allclose(history.loss, losses, rtol=0, atol=1e-12)
    for ours, theirs in zip(model.parameters(), hand.weights, strict=True):
        np.testing.assert_allclose(ours.data, theirs, rtol=0, atol=1e-12)
    assert history.loss[-1] < history.loss[0]


def test_a_loop_written_out_gives_the_same_bits_as_fit():
    one, two = nn.MLP(2, 4, 2, rng=0), nn.MLP(2, 4, 2, rng=0)
    fit(one, epochs=2)
    optimizer = SGD(two.parameters(), lr=0.1)
    for epoch in range(2):
        order = data.permutation(60, seed=0, epoch=epoch)
        for rows in data.batches(60, 20, order=order):
            optimizer.zero_grad()
            functional.cross_entropy(two(X[rows]), Y[rows]).backward()
            optimizer.step()
    assert_same(weights_of(one), weights_of(two))


def test_without_shuffling_the_rows_keep_their_order():
    seen = []

    def loss(prediction, target):
        seen.extend(target.tolist())
        return functional.mse_loss(prediction, target)

    y = np.arange(60.0)[:, None]
    fit(nn.Linear(2, 1, rng=0), (X, y), loss=loss, shuffle=False, epochs=1, optimizer=sgd(1e-6))
    assert seen == y.tolist()


def test_the_same_seed_gives_the_same_training_and_is_recorded():
    def run(seed):
        model = nn.MLP(2, 4, 2, rng=0)
        return fit(model, seed=seed), weights_of(model)

    (first, weights), (_, again) = run(3), run(3)
    assert first.seed == 3
    assert_same(weights, again)
    random, weights = run(None)
    assert_same(weights, run(random.seed)[1])
    assert run(np.random.default_rng(1))[0].seed == run(np.random.default_rng(1))[0].seed


def test_no_global_random_state_is_touched():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    fit(nn.MLP(2, 4, 2), seed=None)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_float32_stays_float32_all_the_way():
    model = nn.MLP(2, 4, 2, rng=0, dtype=np.float32)
    seen = set()

    def loss(prediction, target):
        value = functional.cross_entropy(prediction, target)
        seen.update({prediction.dtype, value.dtype})
        return value

    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-3)
    fit(model, loss=loss, optimizer=optimizer, validation=(X, Y))
    dtypes = {parameter.dtype for parameter in model.parameters()}
    dtypes |= {parameter.grad.dtype for parameter in model.parameters()}
    dtypes |= {memory["velocity"].dtype for memory in optimizer.memory}
    assert seen | dtypes == {np.dtype(np.float32)}


def test_float_targets_are_converted_to_the_dtype_of_the_model():
    model = nn.Linear(2, 1, rng=0, dtype=np.float32)
    dtypes = []

    def loss(prediction, target):
        dtypes.append(target.dtype)
        return functional.mse_loss(prediction, target)

    fit(model, (X.tolist(), X[:, :1].tolist()), loss=loss)
    assert set(dtypes) == {np.dtype(np.float32)}


def test_only_thawed_parameters_are_trained():
    model = nn.MLP(2, 4, 2, rng=0)
    model.layers[0].requires_grad_(False)
    before = weights_of(model)
    fit(model)
    after = weights_of(model)
    assert_same(before[:2], after[:2])
    assert not np.array_equal(before[2], after[2])


def test_fit_records_also_inside_no_grad():
    model = nn.MLP(2, 4, 2, rng=0)
    before = weights_of(model)
    with ad.no_grad():
        fit(model)
    assert not np.array_equal(before[0], weights_of(model)[0])


# --- the record -----------------------------------------------------------------------------------


def test_metrics_of_an_epoch_are_of_its_predictions_as_they_were_made():
    model = nn.MLP(2, 4, 2, rng=0)
    seen = []

    def loss(prediction, target):
        seen.append((prediction.data.argmax(1) == target).sum())
        return functional.cross_entropy(prediction, target)

    history = fit(model, loss=loss, metrics=["accuracy"], epochs=2)
    assert history["accuracy"] == [sum(seen[:3]) / 60, sum(seen[3:]) / 60]


def test_validation_is_of_the_weights_after_the_epoch():
    model = nn.MLP(2, 4, 2, rng=0)
    other = RNG.normal(size=(1500, 2))
    labels = (other[:, 0] > 0).astype(int)
    history = fit(model, validation=(other, labels), metrics="accuracy", epochs=2)
    expected = functional.cross_entropy(model(other), labels).item()
    assert history.keys() == ["loss", "accuracy", "val_loss", "val_accuracy"]
    np.testing.assert_allclose(history["val_loss"][-1], expected, rtol=1e-12)
    assert history["val_accuracy"][-1] == np.mean(model.predict(other) == labels)


def test_validation_trains_nothing():
    one, two = nn.MLP(2, 4, 2, rng=0), nn.MLP(2, 4, 2, rng=0)
    fit(one)
    fit(two, validation=(X[:10], Y[:10]), metrics=["accuracy"])
    assert_same(weights_of(one), weights_of(two))


def test_metrics_may_be_functions_or_named_in_a_dict():
    def largest(prediction, target):
        assert type(prediction) is np.ndarray
        assert prediction.shape == (60, 2)
        return np.float32(prediction.max())

    history = fit(nn.MLP(2, 4, 2, rng=0), metrics=[largest, "accuracy"])
    assert history.keys() == ["loss", "largest", "accuracy"]
    history = fit(nn.MLP(2, 4, 2, rng=0), metrics={"top": largest, "right": "accuracy"})
    assert history.keys() == ["loss", "top", "right"]
    assert all(type(number) is float for number in history["top"])


def test_metrics_without_a_name_or_with_a_wrong_one_are_refused():
    model = nn.MLP(2, 4, 2, rng=0)
    with pytest.raises(ValueError, match="pass a dict"):
        fit(model, metrics=[lambda p, t: 0.0])
    with pytest.raises(ValueError, match="unknown metric 'f11'; choose one of accuracy"):
        fit(model, metrics=["f11"])
    with pytest.raises(ValueError, match='"loss" and "epoch" are recorded already'):
        fit(model, metrics={"loss": "accuracy"})


def test_accuracy_takes_classes_or_probabilities_of_them():
    prediction = np.array([[2.0, 1.0], [0.0, 1.0], [3.0, 0.0]])
    assert metrics.accuracy(prediction, np.array([0, 0, 0])) == pytest.approx(2 / 3)
    assert metrics.accuracy(prediction, np.array([[1, 0], [0, 1], [1, 0]])) == 1
    for shape in ((3, 1), (3,)):
        with pytest.raises(ad.ShapeError, match="at least two classes"):
            metrics.accuracy(np.zeros(shape), np.zeros(3))
    with pytest.raises(ad.ShapeError, match=r"target of shape \(4,\)"):
        metrics.accuracy(prediction, np.zeros(4))


def test_modules_train_in_training_mode_and_get_their_mode_back():
    modes = []

    class Watching(nn.MLP):
        def forward(self, x):
            modes.append((self.training, len(x)))
            return super().forward(x)

    model = Watching(2, 4, 2, rng=0).eval()
    model.layers[0].training = True
    fit(model, validation=(X[:7], Y[:7]), epochs=2)
    assert modes == [*[(True, 20)] * 3, (False, 7)] * 2
    assert not model.training
    assert model.layers[0].training
    assert not model.layers[1].training


def test_a_history_prints_as_an_aligned_table():
    history = ad.History(seed=0)
    history.append(loss=0.693147, val_loss=12.5)
    history.append(loss=0.5, val_loss=0.25)
    assert repr(history) == (
        "epoch     loss  val_loss\n    1  0.69315      12.5\n    2      0.5      0.25"
    )


def test_a_long_history_prints_its_head_and_tail():
    history = ad.History(seed=0)
    for i in range(1000):
        history.append(loss=i)
    lines = repr(history).splitlines()
    assert [line.split()[0] for line in lines] == [
        "epoch", "1", "2", "3", "4", "...", "997", "998", "999", "1000",
    ]  # fmt: skip
    assert len(set(map(len, lines))) == 1


def test_an_empty_history_prints_its_header():
    assert repr(ad.History(seed=0)) == "epoch  loss"


def test_a_history_gives_lists_and_arrays():
    history = fit(nn.MLP(2, 4, 2, rng=0), validation=(X, Y))
    assert len(history) == 3
    assert history.epochs == [1, 2, 3]
    assert history.loss is history["loss"]
    arrays = history.to_dict()
    assert list(arrays) == ["epoch", "loss", "val_loss"]
    assert all(type(array) is np.ndarray and array.shape == (3,) for array in arrays.values())
    with pytest.raises(ValueError, match="unknown record 'acc'; choose one of loss, val_loss"):
        history["acc"]


def test_an_epoch_is_recorded_wholly_or_not_at_all():
    class Interrupting:
        def __float__(self):
            raise KeyboardInterrupt

    history = ad.History(seed=0)
    history.append(loss=1, val_loss=2)
    with pytest.raises(KeyboardInterrupt):
        history.append(loss=3, val_loss=Interrupting())
    assert history["loss"] == [1]
    assert history["val_loss"] == [2]
    with pytest.raises(ValueError, match="expected"):
        history.append(loss=1)


# --- endings --------------------------------------------------------------------------------------


def test_a_callback_that_returns_true_ends_the_training_after_all_were_called():
    calls = []

    def stop(history, model):
        calls.append(len(history))
        return len(history) == 2

    def note(history, model):
        calls.append(model)

    model = nn.MLP(2, 4, 2, rng=0)
    history = fit(model, epochs=10, callbacks=[stop, note])
    assert calls == [1, model, 2, model]
    assert len(history) == 2
    assert not history.interrupted


def test_ctrl_c_in_a_callback_returns_the_history_so_far():
    def interrupt(history, model):
        if len(history) == 2:
            raise KeyboardInterrupt

    one, two = nn.MLP(2, 4, 2, rng=0), nn.MLP(2, 4, 2, rng=0).eval()
    fit(one, epochs=2)
    history = fit(two, epochs=10, callbacks=[interrupt])
    assert history.interrupted
    assert repr(history).endswith("(interrupted)")
    assert len(history) == 2
    assert_same(weights_of(one), weights_of(two))
    assert not two.training


def interrupting_loss(at):
    steps = iter(range(10_000))

    def loss(prediction, target):
        if next(steps) == at:
            raise KeyboardInterrupt
        return functional.cross_entropy(prediction, target)

    return loss


def test_ctrl_c_inside_a_step_keeps_the_steps_before_it():
    one, two = nn.MLP(2, 4, 2, rng=0), nn.MLP(2, 4, 2, rng=0)
    hand = SGD(one.parameters(), lr=0.1)
    for epoch, batches in ((0, 3), (1, 1)):
        order = data.permutation(60, seed=0, epoch=epoch)
        for rows in list(data.batches(60, 20, order=order))[:batches]:
            hand.zero_grad()
            functional.cross_entropy(one(X[rows]), Y[rows]).backward()
            hand.step()
    history = fit(two, loss=interrupting_loss(4))
    assert history.interrupted
    assert len(history) == 1
    assert_same(weights_of(one), weights_of(two))


def test_ctrl_c_while_parameters_are_written_undoes_the_whole_step():
    class Half(SGD):
        taken = 0

        def step(self):
            self.taken += 1
            before = [parameter.data for parameter in self.params]
            memory = [dict(entry) for entry in self.memory]
            super().step()
            if self.taken == 5:
                # As if Ctrl-C came with half of the parameters written.
                for parameter, array in list(zip(self.params, before, strict=True))[2:]:
                    parameter.data = array
                raise KeyboardInterrupt
            self.expected = [parameter.data for parameter in self.params]
            self.expected_memory = memory and [dict(entry) for entry in self.memory]

    model = nn.MLP(2, 4, 2, rng=0)
    optimizer = Half(model.parameters(), lr=0.1, momentum=0.9)
    history = fit(model, optimizer=optimizer)
    assert history.interrupted
    assert_same(weights_of(model), optimizer.expected)
    for entry, expected in zip(optimizer.memory, optimizer.expected_memory, strict=True):
        np.testing.assert_array_equal(entry["velocity"], expected["velocity"])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_loss_that_is_not_finite_stops_before_it_reaches_the_weights(bad):
    kept = []

    def loss(prediction, target):
        value = functional.cross_entropy(prediction, target)
        if len(kept) == 5:
            return value * bad
        kept.append(weights_of(model))
        return value

    model = nn.MLP(2, 4, 2, rng=0)
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9)
    with pytest.raises(ad.DivergedError) as caught:
        fit(model, loss=loss, optimizer=optimizer)
    assert f"loss became {bad} in epoch 2, step 3" in str(caught.value)
    assert "learning rate below 0.1" in str(caught.value)
    assert len(caught.value.history) == 1
    # The last weights whose loss was finite, and the memory that belongs to them.
    assert_same(weights_of(model), kept[4])
    other = nn.MLP(2, 4, 2, rng=0)
    again = SGD(other.parameters(), lr=0.1, momentum=0.9)
    fit(other, loss=interrupting_loss(4), optimizer=again)
    assert_same(weights_of(other), kept[4])
    for one, two in zip(optimizer.memory, again.memory, strict=True):
        np.testing.assert_array_equal(one["velocity"], two["velocity"])


def linear_problem():
    return nn.Linear(2, 1, rng=0), (X * 1000, X[:, :1])


def test_a_learning_rate_that_is_too_high_diverges_with_advice_and_finite_weights():
    model, pair = linear_problem()
    with pytest.raises(ad.DivergedError, match=r"scale the inputs \(they reach 2\d\d\d\."):
        fit(model, pair, loss="mse_loss", optimizer=sgd(1e3), epochs=100)
    assert all(np.isfinite(weights).all() for weights in weights_of(model))
    x, y = pair
    with np.errstate(over="raise"):
        assert np.isfinite(functional.mse_loss(model(x), y).item())


@pytest.mark.parametrize("batch_size", [60, 20])
def test_weights_that_overflow_at_the_end_of_training_are_noticed(batch_size):
    model, pair = linear_problem()
    before = weights_of(model)
    with pytest.raises(ad.DivergedError, match=r"became"):
        fit(model, pair, loss="mse_loss", optimizer=sgd(1e308), epochs=1, batch_size=batch_size)
    assert_same(weights_of(model), before)


def test_a_divergence_in_the_first_step_of_an_epoch_goes_back_into_the_one_before():
    model, pair = linear_problem()
    before = weights_of(model)
    # One step an epoch; after the first the weights are finite but their loss is not.
    with pytest.raises(ad.DivergedError, match="in epoch 2, step 1"):
        fit(model, pair, loss="mse_loss", optimizer=sgd(1e200), epochs=2, batch_size=60)
    assert_same(weights_of(model), before)


def test_any_other_error_leaves_the_modes_as_they_were():
    def loss(prediction, target):
        raise RuntimeError("mine")

    model = nn.MLP(2, 4, 2, rng=0).eval()
    with pytest.raises(RuntimeError, match="mine"):
        fit(model, loss=loss)
    assert not model.training


# --- arguments ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"batch_size": 0}, ValueError, "batch_size: expected a positive integer"),
        ({"epochs": 0}, ValueError, "epochs: expected a positive integer"),
        (
            {"loss": "mse"},
            ValueError,
            "unknown loss 'mse'; choose one of .*cross_entropy.*, mse_loss",
        ),
        (
            {"optimizer": "adan"},
            ValueError,
            "unknown optimizer 'adan'; choose one of adadelta.*; did you mean 'adam'",
        ),
        ({"loss": "crossentropy"}, ValueError, "did you mean 'cross_entropy'?"),
        ({"optimizer": 0.1}, TypeError, "expected a name, an Optimizer or a callable"),
        ({"optimizer": lambda p: None}, TypeError, "got NoneType; for example lambda"),
        ({"validation": X}, TypeError, r"validation: expected a pair \(X, y\), got ndarray"),
        ({"validation": (X[:, :1], Y)}, ad.ShapeError, r"validation: X of shape \(60, 1\)"),
        ({"validation": (X, Y[:3])}, ad.ShapeError, r"validation: .* differ in their number"),
        ({"seed": "0"}, TypeError, "seed: expected an int"),
        ({"loss": lambda p, t: (p - p.mean()).mean(axis=0)}, ad.ShapeError, r"shape \(2,\)"),
        ({"loss": lambda p, t: 1.0}, TypeError, "the loss returned float, not a Tensor"),
    ],
)
def test_arguments_out_of_place_are_refused_before_anything_changes(changes, error, message):
    model = nn.MLP(2, 4, 2, rng=0)
    before = weights_of(model)
    with pytest.raises(error, match=message):
        fit(model, **changes)
    assert_same(before, weights_of(model))


def test_data_that_are_not_finite_are_refused():
    broken = X.copy()
    broken[4, 1] = np.nan
    with pytest.raises(ValueError, match="data: X has nan at row 4, column 1"):
        fit(nn.MLP(2, 4, 2, rng=0), (broken, Y))
    with pytest.raises(ValueError, match="validation: X has nan at row 4, column 1"):
        fit(nn.MLP(2, 4, 2, rng=0), validation=(broken, Y))


def test_labels_out_of_range_are_named():
    with pytest.raises(ValueError, match=r"label 2 .*is not in range\(2\)"):
        fit(nn.MLP(2, 4, 2, rng=0), (X, Y + 1))


def test_a_model_must_be_a_module_with_parameters_that_the_optimiser_has():
    with pytest.raises(TypeError, match="expected a Module as model, got function"):
        fit(lambda x: x)
    with pytest.raises(ValueError, match="Tanh has no parameters"):
        fit(nn.Tanh())
    other = SGD(nn.MLP(2, 2).parameters(), lr=0.1)
    with pytest.raises(ValueError, match="none of this model's parameters"):
        fit(nn.MLP(2, 2), optimizer=other)


# --- progress -------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_bar_is_shown_on_a_terminal_a_few_times_only(monkeypatch):
    pytest.importorskip("tqdm")
    monkeypatch.setattr(sys, "stderr", Terminal())
    history = fit(nn.MLP(2, 4, 2, rng=0), epochs=200, batch_size=60, progress=True)
    text = sys.stderr.getvalue()
    assert "200/200 [" in text
    assert f"loss={history.loss[-1]:.4g}" in text
    assert text.count("\r") < 20


@pytest.mark.parametrize("progress", [True, False])
def test_nothing_is_shown_where_nobody_looks_or_nobody_asked(monkeypatch, progress):
    monkeypatch.setattr(sys, "stderr", io.StringIO() if progress else Terminal())
    fit(nn.MLP(2, 4, 2, rng=0), progress=progress)
    assert sys.stderr.getvalue() == ""


def test_training_needs_no_tqdm_and_no_stderr(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert len(fit(nn.MLP(2, 4, 2, rng=0), progress=True)) == 3
    monkeypatch.setattr(sys, "stderr", None)
    assert len(fit(nn.MLP(2, 4, 2, rng=0), progress=True)) == 3


@pytest.mark.parametrize("kind", [np.int64, np.uint8])
def test_an_embedding_is_trained_on_integers_in_every_tier(kind):
    rng = np.random.default_rng(0)
    X = rng.integers(5, size=(50, 2)).astype(kind)
    y = (X[:, 0] > X[:, 1]).astype(int)
    found = {}
    for compile in (True, False):
        model = nn.Sequential(nn.Embedding(5, 3, rng=0), nn.Flatten(), nn.Linear(6, 2, rng=1))
        history = ad.fit(
            model,
            (X, y),
            validation=(X, y),
            loss="cross_entropy",
            optimizer=ad.optim.Adam(model.parameters(), lr=0.05),
            epochs=30,
            batch_size=20,
            seed=0,
            compile=compile,
        )
        found[history.tier] = history["val_loss"][-1]
    assert found.keys() == {"native", "eager"}, history.report()
    assert found["native"] == pytest.approx(found["eager"], rel=1e-9)
    assert found["eager"] < 0.4


def test_a_truth_value_of_numpys_shuffles_as_pythons_does():
    def losses(shuffle):
        settings = {"loss": "cross_entropy", "epochs": 2, "batch_size": 10, "seed": 0}
        optimizer = lambda p: ad.optim.SGD(p, lr=0.1)  # noqa: E731
        model = nn.MLP(2, 4, 2, rng=0)
        pair = ad.datasets.make_moons(40, seed=0)
        return ad.fit(model, pair, optimizer=optimizer, shuffle=shuffle, **settings).loss

    assert losses(np.True_) == losses(True) != losses(False)


# --- what newcomers write -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["adam", "Adam", "RMSprop", "sgd"])
def test_an_optimiser_has_a_name_in_capitals_or_none(name):
    kind = ad.optim.OPTIMIZERS[name.lower()]
    by_name, by_class = nn.MLP(2, 4, 2, rng=0), nn.MLP(2, 4, 2, rng=0)
    fit(by_name, optimizer=name)
    fit(by_class, optimizer=kind)
    assert_same(weights_of(by_name), weights_of(by_class))


def test_the_optimiser_is_adam_where_none_is_named():
    unnamed, named = nn.MLP(2, 4, 2, rng=0), nn.MLP(2, 4, 2, rng=0)
    ad.fit(unnamed, (X, Y), loss="cross_entropy", epochs=2, seed=0, progress=False)
    optimizer = ad.optim.Adam(named.parameters(), lr=1e-3)
    ad.fit(
        named, (X, Y), loss="cross_entropy", epochs=2, seed=0, progress=False, optimizer=optimizer
    )
    assert_same(weights_of(unnamed), weights_of(named))


def test_every_rule_has_a_name():
    rules = {
        kind
        for kind in map(ad.optim.__dict__.get, ad.optim.__all__)
        if isinstance(kind, type) and issubclass(kind, ad.optim.Optimizer)
    }
    assert set(ad.optim.OPTIMIZERS.values()) == rules - {ad.optim.Optimizer, ad.optim.EMA}


@pytest.mark.parametrize(
    "how",
    [
        {"compile": False},
        {"compile": True},
        {"compile": True, "metrics": {"mean": lambda prediction, target: prediction.mean()}},
        {"compile": False, "accumulate": 2},
        {"compile": False, "sample_weight": np.arange(60.0) % 7},
        {"compile": True, "shuffle": False},
    ],
    ids=["eager", "native", "compiled", "accumulated", "weighted", "in order"],
)
def test_a_batch_of_more_rows_than_there_are_is_all_of_them(how):
    if how["compile"]:
        pytest.importorskip("llvmlite")
    clipped, whole = nn.MLP(2, 4, 2, rng=0), nn.MLP(2, 4, 2, rng=0)
    one, other = fit(clipped, batch_size=64, **how), fit(whole, batch_size=60, **how)
    assert (one.tier, one.loss) == (other.tier, other.loss)
    assert_same(weights_of(clipped), weights_of(whole))


@pytest.mark.parametrize(
    "texts",
    [["a", "b"] * 30, np.array(["a", "b"] * 30), np.array(["a", "b"] * 30, object), [b"a"] * 60],
    ids=["list", "array", "objects", "bytes"],
)
def test_classes_that_are_texts_are_refused_with_what_to_do(texts):
    with pytest.raises(
        TypeError, match=r"y has .*'a', (str|bytes), at row 0; .*np.unique.*MLPClassifier"
    ):
        fit(nn.MLP(2, 4, 2, rng=0), (X, texts))


def test_the_advice_for_classes_that_are_texts_works():
    classes, y = np.unique(["cat", "dog"] * 30, return_inverse=True)
    assert np.isfinite(fit(nn.MLP(2, 4, 2, rng=0), (X, y)).loss).all()
    assert list(classes) == ["cat", "dog"]


def test_texts_among_the_rows_are_refused_with_what_to_do():
    with pytest.raises(TypeError, match=r"X has 'u', str, at row 0, column 0; .*0 and 1"):
        fit(nn.MLP(2, 4, 2, rng=0), ([["u", 1.0]] * 60, Y))
