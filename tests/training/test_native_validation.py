"""Validation and metrics in native code, beside the eager tier."""

import numpy as np
import pytest
from adjoint.callbacks import AtEpochs, EarlyStopping

import adjoint as ad
from adjoint import nn
from adjoint.compiler.native.epoch_loop import EpochLoop
from adjoint.training import epochs as python_epochs
from adjoint.training import native_run

pytest.importorskip("llvmlite")

RNG = np.random.default_rng(0)
X, HELD = RNG.normal(size=(70, 3)), RNG.normal(size=(41, 3))


def classes(X):
    return (X[:, 0] * X[:, 1] > 0).astype(int) + (X[:, 2] > 1)


def one_hot(X):
    return np.eye(3)[classes(X)]


def curve(X):
    return (X @ [1.0, 2.0, 3.0])[:, None]


def surface(X):
    return np.sin(X[:, :2])


KINDS = {
    "classes": (classes, "cross_entropy", ["accuracy"], 3),
    "shares": (one_hot, "cross_entropy", {"right": "accuracy"}, 3),
    "a number": (curve, "mse_loss", ["mae", "rmse", "r2"], 1),
    "two numbers": (surface, "huber_loss", {"a": "mae", "b": "r2", "c": "rmse"}, 2),
}


def fit(compile, kind, *, units=6, dtype=float, epochs=6, held=HELD, batch_size=16, **settings):
    labels, loss, metrics, outputs = KINDS[kind]
    model = nn.Sequential(
        nn.BatchNorm(3, dtype=dtype),
        nn.Linear(3, units, rng=0, dtype=dtype),
        nn.Tanh(),
        nn.Dropout(0.2, rng=0),
        nn.Linear(units, outputs, rng=1, dtype=dtype),
    )
    history = ad.fit(
        model,
        (X.astype(dtype), labels(X)),
        loss=loss,
        **{
            "optimizer": lambda p: ad.optim.Adam(p, lr=0.02),
            "metrics": metrics,
            "epochs": epochs,
            "batch_size": batch_size,
            "seed": 0,
            "validation": (held.astype(dtype), labels(held)),
            "progress": False,
            "compile": compile,
            **settings,
        },
    )
    return history, model


def assert_same(found, expected, rtol):
    (history, model), (other, its_model) = found, expected
    assert (history.tier, history.reasons) == ("native", [])
    assert history.keys() == other.keys()
    for name in history.keys():  # noqa: SIM118 (a history is no mapping)
        np.testing.assert_allclose(history[name], other[name], rtol=rtol, atol=rtol, err_msg=name)
    for name, array in its_model.state_dict().items():
        np.testing.assert_allclose(model.state_dict()[name], array, rtol=rtol, atol=rtol)


@pytest.fixture
def not_in_python(monkeypatch):
    """Fail where validation data are evaluated in Python by a native run."""

    def refuse(task):
        raise AssertionError("Python validates")

    monkeypatch.setattr(native_run, "validate", refuse)


@pytest.mark.usefixtures("not_in_python")
@pytest.mark.parametrize(
    ("kind", "units", "dtype", "rtol"),
    [
        *((kind, 4, np.float64, 1e-8) for kind in KINDS),
        ("classes", 40, np.float64, 1e-8),
        ("two numbers", 40, np.float64, 1e-8),
        # Batch normalisation and Adam make of the last bits of float32 a hundred times as much.
        ("classes", 4, np.float32, 2e-3),
        ("two numbers", 40, np.float32, 2e-3),
    ],
)
def test_native_records_are_those_of_the_eager_tier(kind, units, dtype, rtol):
    found = fit(True, kind, units=units, dtype=dtype)
    assert_same(found, fit(False, kind, units=units, dtype=dtype), rtol)


@pytest.mark.usefixtures("not_in_python")
@pytest.mark.parametrize("rows", [1, 511, 513, 1025])
def test_validation_data_of_any_length_are_validated_in_blocks(rows):
    held = np.random.default_rng(1).normal(size=(rows, 3))
    found = fit(True, "classes", held=held, epochs=3)
    assert_same(found, fit(False, "classes", held=held, epochs=3), 1e-8)


@pytest.mark.usefixtures("not_in_python")
def test_weighted_rows_are_measured_and_validated_without_their_weights():
    weights = np.linspace(0, 1, len(X))
    found = fit(True, "classes", sample_weight=weights)
    assert_same(found, fit(False, "classes", sample_weight=weights), 1e-8)


@pytest.mark.parametrize("sign", [1.0, 0.0])
def test_of_equal_scores_the_first_class_is_the_prediction(sign):
    """With weights of 0 all scores of a row are equal, as those of dead units are."""
    histories = []
    for compile in (True, False):
        model = nn.Linear(3, 4, rng=0)
        model.weight.data = sign * np.tile([[1.0, 2.0, 2.0, 1.0]], (3, 1))
        model.bias.data = np.zeros(4)
        histories.append(
            ad.fit(
                model,
                (X, classes(X)),
                loss="cross_entropy",
                optimizer=lambda p: ad.optim.SGD(p, lr=1e-300),
                epochs=2,
                seed=0,
                metrics="accuracy",
                validation=(HELD, classes(HELD)),
                compile=compile,
            )
        )
    assert histories[0].tier == "native"
    for name in ("accuracy", "val_accuracy"):
        assert histories[0][name] == histories[1][name]


@pytest.mark.usefixtures("not_in_python")
@pytest.mark.parametrize(
    ("kind", "monitor", "settings"),
    [
        *(("classes", monitor, {}) for monitor in ("loss", "val_loss", "metric", "val_metric")),
        ("a number", "val_metric", {}),
        ("a number", "loss", {"min_delta": 1.5}),
        ("classes", "val_loss", {"restore_best": False}),
    ],
)
def test_early_stopping_is_the_same_in_native_code(kind, monitor, settings):
    metric = KINDS[kind][2][0]
    stopped = []
    for compile in (True, False):
        stopping = EarlyStopping(monitor.replace("metric", metric), patience=3, **settings)
        ran = fit(compile, kind, epochs=60, optimizer=FAST, callbacks=[stopping])
        stopped.append((ran, stopping.best_epoch, stopping.best_value))
    (found, *best), (expected, *its_best) = stopped
    np.testing.assert_allclose(best, its_best, rtol=1e-7)
    assert_same(found, expected, 1e-6)


@pytest.mark.parametrize("monitor", ["val_loss", "val_accuracy"])
def test_early_stopping_waits_on_after_another_callback_looked(monitor):
    stopped = []
    for compile in (True, False):
        stopping = EarlyStopping(monitor, patience=3)
        looking = AtEpochs(range(2, 60, 2), lambda history, model: None)
        history, _ = fit(
            compile, "classes", epochs=60, optimizer=FAST, callbacks=[looking, stopping]
        )
        stopped.append((len(history), stopping.best_epoch))
    assert stopped[0] == stopped[1]
    assert stopped[0][0] < 60


@pytest.mark.parametrize("compile", [True, False])
@pytest.mark.parametrize("monitor", ["loss", "val_loss"])
def test_the_best_weights_come_back_after_an_error_of_a_callback_before(compile, monitor):
    def failing(history, model):
        if len(history) == 4:
            raise RuntimeError("mine")

    stopping, labels = EarlyStopping(monitor, patience=100), classes(X)
    model = nn.MLP(3, 4, 3, rng=0)
    settings = {"loss": "cross_entropy", "optimizer": "adam", "seed": 0, "compile": compile}
    settings |= {"validation": (HELD, classes(HELD))}
    with pytest.raises(RuntimeError, match="mine"):
        ad.fit(model, (X, labels), epochs=9, callbacks=[failing, stopping], **settings)
    expected = nn.MLP(3, 4, 3, rng=0)
    ad.fit(expected, (X, labels), epochs=stopping.best_epoch, **settings)
    for name, array in expected.state_dict().items():
        np.testing.assert_array_equal(model.state_dict()[name], array)


@pytest.mark.usefixtures("not_in_python")
def test_r2_of_targets_that_do_not_vary_is_that_of_the_eager_tier():
    found, expected = (
        fit(compile, "two numbers", epochs=2, validation=(HELD, np.ones((41, 2))))[0]
        for compile in (True, False)
    )
    assert found.tier == "native"
    assert found["val_b"] == expected["val_b"] == [0.0, 0.0]


def test_r2_of_many_outputs_is_computed_from_predictions():
    model = nn.Linear(3, 65, rng=0)
    history = ad.fit(
        model,
        (X, np.repeat(curve(X), 65, axis=1)),
        loss="mse_loss",
        metrics="r2",
        epochs=1,
        compile=True,
    )
    assert "r2 of more than 64 outputs" in history.report()


def FAST(parameters):
    return ad.optim.Adam(parameters, lr=0.1)


def runs(monkeypatch):
    """Return a list to which each call of native code appends how many epochs it ran."""
    counts = []
    run = EpochLoop.run

    def counted(self, until, **settings):
        before = self.epoch
        status = run(self, until, **settings)
        counts.append(self.epoch - before)
        return status

    monkeypatch.setattr(EpochLoop, "run", counted)
    return counts


@pytest.mark.usefixtures("not_in_python")
def test_many_epochs_run_without_python_where_only_early_stopping_looks(monkeypatch):
    counts = runs(monkeypatch)
    stopping = EarlyStopping("val_accuracy", patience=1000)
    history, _ = fit(True, "classes", epochs=200, callbacks=[stopping])
    assert len(history) == 200
    assert max(counts) > 50


def test_other_callbacks_see_the_epochs_that_they_want():
    seen = []
    watching = AtEpochs([2, 5], lambda history, model: seen.append(len(history)))
    stopping = [EarlyStopping(patience=100), EarlyStopping("loss", patience=100)]
    fit(True, "classes", callbacks=[stopping[0], watching, stopping[1]])
    assert seen == [2, 5]
    assert [one.best_epoch > 0 for one in stopping] == [True, True]


def test_a_subclass_of_early_stopping_is_called_after_every_epoch():
    class Counting(EarlyStopping):
        calls = 0

        def __call__(self, history, model):
            self.calls += 1
            return super().__call__(history, model)

    stopping = Counting(patience=100)
    fit(True, "classes", callbacks=[stopping])
    assert stopping.calls == 6


def test_the_best_weights_come_back_after_an_interrupt_in_native_code(monkeypatch):
    run = EpochLoop.run

    def interrupted(self, until, **settings):
        status = run(self, min(until, 5), **settings)
        if self.epoch == 5:
            raise KeyboardInterrupt
        return status

    expected, _ = fit(True, "classes", epochs=5, optimizer=FAST, callbacks=[])
    best = int(np.argmin(expected["val_loss"])) + 1
    _, model = fit(True, "classes", epochs=best, optimizer=FAST)
    monkeypatch.setattr(EpochLoop, "run", interrupted)
    stopping = EarlyStopping(patience=100)
    history, stopped = fit(True, "classes", epochs=50, optimizer=FAST, callbacks=[stopping])
    assert history.interrupted
    assert stopping.best_epoch == best
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(stopped.state_dict()[name], array)


@pytest.mark.parametrize("at_once", [False, True])
def test_an_interrupt_before_epochs_are_recorded_loses_none(at_once, monkeypatch, tmp_path):
    record = native_run.NativeRun._record

    def interrupted(self, until, watch):
        if len(self.history) == (0 if at_once else 3):
            raise KeyboardInterrupt
        record(self, until, watch)

    def train(**settings):
        # Where something stops the training early, Python is back after each epoch.
        stopping = [] if at_once else [EarlyStopping("loss", patience=100)]
        return fit(True, "two numbers", callbacks=stopping, **settings)

    expected, file = train(), tmp_path / "training.npz"
    with monkeypatch.context() as patch:
        patch.setattr(native_run.NativeRun, "_record", interrupted)
        assert train(checkpoint=file)[0].interrupted
    history, model = train(checkpoint=file, resume=True)
    for name in expected[0].keys():  # noqa: SIM118 (a history is no mapping)
        # The epoch's last sums are finished in Python.
        np.testing.assert_allclose(history[name], expected[0][name], rtol=1e-12, err_msg=name)
    for name, array in expected[1].state_dict().items():
        np.testing.assert_array_equal(model.state_dict()[name], array)


def test_python_validates_where_the_loss_is_not_finite(monkeypatch):
    calls = []

    def counted(task):
        calls.append(1)
        return python_epochs.validate(task)

    monkeypatch.setattr(native_run, "validate", counted)
    held = HELD.copy()
    held[7] = 1e300
    settings = {"held": held, "metrics": ["mae"], "callbacks": [EarlyStopping(patience=100)]}
    found, expected = fit(True, "a number", **settings), fit(False, "a number", **settings)
    assert np.isinf(found[0]["val_loss"]).all()
    assert len(calls) == 6
    assert found[0]["val_mae"] == pytest.approx(expected[0]["val_mae"])


def test_a_step_that_python_repeats_is_measured_once():
    def steep_loss(prediction, target):
        """Have 0·∞ in the gradient at large targets, which native code leaves to Python."""
        p, t = prediction[:, 0], target[:, 0]
        z = p * np.where(t > 2, 1e200, 1e-3)
        return ad.mean(ad.exp(-np.abs(z**3)) * z + (p - t) ** 2)

    rows = X[np.argsort(curve(X)[:, 0])]  # the doubts come after some steps
    settings = {"loss": steep_loss, "metrics": ["mae"], "batch_size": 16, "epochs": 3}
    found, expected = (
        ad.fit(
            nn.Linear(3, 1, rng=0),
            (rows, curve(rows)),
            shuffle=False,
            compile=compile,
            progress=False,
            **settings,
        )
        for compile in (True, False)
    )
    assert found.tier == "native"
    for name in ("loss", "mae"):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-8)


@pytest.mark.parametrize("label", [3, -1])
def test_a_validation_label_out_of_range_is_refused_as_in_eager_mode(label):
    messages = []
    for compile in (True, False):
        labels = classes(HELD)
        labels[11] = label
        with pytest.raises(ValueError, match=r"label|class") as caught:
            fit(compile, "classes", validation=(HELD, labels))
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


@pytest.mark.parametrize("metric", ["mae", "accuracy"])
def test_a_metric_that_does_not_fit_the_targets_says_so_in_every_tier(metric):
    kind = "classes" if metric == "mae" else "a number"
    for compile in (True, False):
        with pytest.raises(ad.errors.ShapeError, match=f"{metric}: prediction of shape"):
            fit(compile, kind, metrics=[metric])


def test_metrics_of_the_users_own_are_called_with_arrays_in_every_tier():
    def seen(prediction, target):
        assert type(prediction) is np.ndarray
        assert len(prediction) == len(target)
        return float(prediction.max())

    settings = {"metrics": [seen, "accuracy"], "epochs": 4}
    (found, _), (expected, _) = fit(True, "classes", **settings), fit(False, "classes", **settings)
    assert "the metric 'seen' needs the predictions of every step" in found.report()
    np.testing.assert_allclose(found["val_seen"], expected["val_seen"], rtol=1e-8)


def test_the_sum_of_losses_is_validated_in_python():
    settings = {"loss": nn.CrossEntropyLoss(reduction="sum"), "metrics": ["accuracy"]}
    found, expected = fit_with(True, **settings), fit_with(False, **settings)
    np.testing.assert_allclose(found["val_loss"], expected["val_loss"], rtol=1e-8)
    assert found["val_accuracy"] == expected["val_accuracy"]


def fit_with(compile, **settings):
    many = np.random.default_rng(1).normal(size=(600, 3))
    model = nn.MLP(3, 4, 3, rng=0)
    return ad.fit(
        model,
        (X, classes(X)),
        validation=(many, classes(many)),
        optimizer="sgd",
        epochs=3,
        seed=0,
        compile=compile,
        **settings,
    )
