"""`fit` with native code: the same training as step by step, in every way that shows."""

import signal
import threading

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import adjoint as ad
from adjoint import nn
from adjoint.compiler.native import cache, function, machine, training_code
from adjoint.errors import PortableWarning
from adjoint.optim import SGD, Adam
from adjoint.training import native_run, tiers

X, Y = ad.datasets.make_moons(110, noise=0.2, seed=0)


def fit(compile, model=None, pair=(X, Y), **changes):
    model = model or nn.MLP(2, 4, 4, 2, rng=0)
    settings = {
        "loss": "cross_entropy",
        "optimizer": lambda p: SGD(p, lr=0.3, momentum=0.9),
        "epochs": 30,
        "batch_size": 50,
        "seed": 3,
        "progress": False,
    }
    history = ad.fit(model, pair, compile=compile, **(settings | changes))
    return history, model


def assert_same(one, two, rtol=1e-9):
    (history, model), (other_history, other) = one, two
    assert history.keys() == other_history.keys()
    for name in list(history.keys()):
        np.testing.assert_allclose(history[name], other_history[name], rtol=rtol)
    for ours, theirs in zip(model.parameters(), other.parameters(), strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours.data, theirs.data, rtol=rtol, atol=rtol)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"shuffle": False},
        {"batch_size": 110},
        {"optimizer": lambda p: SGD(p, lr=0.5)},
        {"optimizer": lambda p: SGD(p, lr=0.1, momentum=0.8, nesterov=True, weight_decay=1e-3)},
        {"optimizer": lambda p: Adam(p, lr=0.01)},
        {"optimizer": lambda p: Adam(p, lr=0.01, beta1=0.0, weight_decay=1e-3)},
        {"validation": (X[:20], Y[:20])},
    ],
    ids=["momentum", "in order", "one batch", "plain", "nesterov", "adam", "decay", "validation"],
)
def test_native_and_eager_training_agree(changes):
    assert_same(fit(True, **changes), fit(False, **changes))


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid"])
def test_activations_and_regression_agree(activation):
    def model():
        return nn.MLP(2, 5, 1, activation=activation, rng=0)

    pair, changes = (X, X[:, :1] ** 2), {"loss": "mse_loss", "optimizer": lambda p: SGD(p, lr=0.05)}
    assert_same(fit(True, model(), pair, **changes), fit(False, model(), pair, **changes))


def test_float32_models_agree():
    def model():
        net = nn.MLP(2, 4, 2, rng=0)
        net.load_state_dict(net.state_dict())
        for parameter in net.parameters():
            parameter.data = parameter.data.astype(np.float32)
        return net

    plain = {"optimizer": lambda p: SGD(p, lr=0.1), "epochs": 5}
    assert_same(fit(True, model(), **plain), fit(False, model(), **plain), rtol=1e-4)


def test_only_thawed_parameters_are_trained():
    def model():
        net = nn.MLP(2, 4, 2, rng=0)
        next(iter(net.parameters())).requires_grad_(False)
        return net

    assert_same(fit(True, model()), fit(False, model()))


def test_callbacks_see_the_model_after_every_epoch_and_may_change_it():
    def scale_and_slow_down(optimizers):
        def callback(history, model):
            if len(history) == 5:
                for parameter in model.parameters():
                    parameter.data = parameter.data * 0.5
            if len(history) == 10:
                optimizers[0].lr = 0.05
            return len(history) == 15

        return callback

    def run(compile):
        kept = []

        def optimizer(params):
            kept.append(SGD(params, lr=0.3, momentum=0.9))
            return kept[0]

        return fit(compile, optimizer=optimizer, callbacks=[scale_and_slow_down(kept)])

    native, eager = run(True), run(False)
    assert len(native[0]) == 15
    assert_same(native, eager)


def test_a_callback_that_freezes_a_layer_ends_native_code():
    def freeze(history, model):
        if len(history) == 3:
            next(iter(model.parameters())).requires_grad_(False)

    native = fit(True, callbacks=[freeze])
    assert_same(native, fit(False, callbacks=[freeze]))
    assert native[0].report() == (
        "tier: eager\n  a callback changed more than the numbers of what was compiled"
    )


def test_native_code_that_has_ended_does_not_come_back():
    def freeze(history, model):
        if len(history) in (3, 5):
            next(iter(model.parameters())).requires_grad_(len(history) == 5)

    assert_same(fit(True, callbacks=[freeze]), fit(False, callbacks=[freeze]))


def divergence(compile, **changes):
    model = nn.Linear(2, 1, rng=0)
    pair = X * 1000, X[:, :1]
    with pytest.raises(ad.DivergedError) as caught:
        fit(compile, model, pair, loss="mse_loss", **changes)
    return str(caught.value), caught.value.history, model


@pytest.mark.parametrize(("lr", "batch_size"), [(1e3, 50), (1e200, 110), (1e308, 110), (1e308, 50)])
def test_divergence_is_reported_and_undone_alike(lr, batch_size):
    changes = {"optimizer": lambda p: SGD(p, lr=lr), "batch_size": batch_size}
    native, eager = divergence(True, **changes), divergence(False, **changes)
    assert native[0] == eager[0]
    assert len(native[1]) == len(eager[1])
    for ours, theirs in zip(native[2].parameters(), eager[2].parameters(), strict=True):
        np.testing.assert_allclose(ours.data, theirs.data, rtol=1e-6)


def test_labels_out_of_range_are_named():
    with pytest.raises(ValueError, match=r"label 2 .*is not in range\(2\)"):
        fit(True, pair=(X, Y + 1))


def test_a_step_that_native_code_cannot_decide_is_taken_eagerly(monkeypatch):
    def root_loss(logits, y):
        z = logits[:, 0]
        return ad.mean(ad.where(z > 0, ad.sqrt(ad.relu(z)), 0.0) + 0.0 * y)

    x = np.where(np.arange(110)[:, None] < 1, 0.0, X)
    settings = {"pair": (x, Y), "loss": root_loss, "optimizer": lambda p: SGD(p, lr=0.1)}
    native = fit(True, nn.Linear(2, 2, rng=0), **settings, epochs=4)
    assert_same(native, fit(False, nn.Linear(2, 2, rng=0), **settings, epochs=4))


def test_ctrl_c_keeps_the_last_whole_step(monkeypatch):
    timer = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
    timer.start()
    history, model = fit(True, epochs=10_000_000)
    timer.join()
    assert history.interrupted
    again, _ = fit(True, epochs=len(history) + 1)
    assert again.loss[: len(history)] == history.loss
    assert all(np.isfinite(p.data).all() for p in model.parameters())


def test_an_interrupted_training_has_a_record_of_every_whole_epoch():
    def interrupt(history, model):
        if len(history) == 4:
            raise KeyboardInterrupt

    history, model = fit(True, callbacks=[interrupt])
    assert history.interrupted
    assert_same((history, model), fit(False, epochs=4))


def test_an_optimiser_goes_on_where_a_native_training_left_it():
    def halves(compile):
        model = nn.MLP(2, 4, 2, rng=0)
        optimizer = Adam(model.parameters(), lr=0.01)
        fit(compile, model, optimizer=optimizer, epochs=4)
        restored = Adam(model.parameters(), lr=0.5)
        restored.load_state_dict(optimizer.state_dict())
        history, _ = fit(compile, model, optimizer=restored, epochs=4)
        assert {np.shape(entry["steps"]) for entry in restored.memory} == {()}
        assert restored.memory[0]["steps"] == 24
        return history, model

    assert_same(halves(True), halves(False))


def test_memory_that_is_not_there_at_first_is_named():
    class Lazy(ad.optim.Optimizer):
        def update(self, parameter, gradient, memory, settings):
            return parameter - settings["lr"] * gradient, {"latest": gradient}

    history, _ = fit(True, optimizer=lambda p: Lazy(p, lr=0.1))
    assert "remembers ['latest'] after a step, but initial_memory gives []" in history.report()


def test_a_training_is_compiled_unasked_only_where_it_pays(monkeypatch):
    made = []

    class Counted(native_run.NativeRun):
        def __init__(self, *args, **kwargs):
            made.append(1)
            super().__init__(*args, **kwargs)

    class Mine(nn.MLP):
        pass

    monkeypatch.setattr(tiers, "NativeRun", Counted)
    fit("auto", epochs=10)
    fit(False, epochs=1000)
    fit("auto", Mine(2, 4, 2, rng=0), epochs=700)
    assert not made
    fit("auto", epochs=700)
    assert made == [1]


class Scaled(nn.Module):
    def __init__(self, keeps=False):
        self.net = nn.MLP(2, 4, 2, rng=0)
        self.scale = ad.tensor(2.0)
        self.keeps = keeps

    def forward(self, x):
        if self.keeps:
            self.scale = self.scale * 0.5
        return self.net(x) * self.scale


def test_buffers_are_read_and_a_changed_one_is_seen():
    def double(history, model):
        if len(history) == 5:
            model.scale = ad.tensor(4.0)

    assert_same(fit(True, Scaled(), callbacks=[double]), fit(False, Scaled(), callbacks=[double]))


def test_a_model_that_assigns_to_its_buffers_is_refused():
    with pytest.raises(ValueError, match=r"Scaled.scale was assigned to"):
        fit(True, Scaled(keeps=True))


def test_settings_that_a_callback_changes_are_read_at_once():
    def change(optimizers):
        def callback(history, model):
            optimizers[0].groups[0]["momentum"] = 0.5 if len(history) < 10 else 0.0

        return callback

    def run(compile):
        kept = []

        def optimizer(params):
            kept.append(SGD(params, lr=0.1, momentum=0.9))
            return kept[0]

        return fit(compile, optimizer=optimizer, callbacks=[change(kept)])

    assert_same(run(True), run(False))


def test_what_cannot_be_native_code_says_why():
    history, _ = fit(True, metrics={"mean": lambda prediction, target: prediction.mean()})
    assert history.report() == (
        "tier: native\n  no native epochs: the metric 'mean' needs the predictions of every step"
    )
    assert fit(True)[0].report() == "tier: native"
    with pytest.raises(ValueError, match="compile: expected"):
        fit("never")


def test_without_llvmlite_the_training_is_the_same(monkeypatch):
    native = fit("auto", epochs=700)

    def absent():
        raise ImportError("native code needs llvmlite")

    for module in (training_code, function):
        monkeypatch.setattr(module, "this_machine", absent)
    monkeypatch.setattr(cache, "identity", absent)
    monkeypatch.setattr(training_code, "_codes", {})
    machine.warn_once.cache_clear()
    for compile in ("auto", True):
        if compile == "auto":
            with pytest.warns(PortableWarning, match="llvmlite"):
                portable = fit(compile, epochs=700)
        else:
            portable = fit(compile, epochs=700)
        report = "tier: portable\n  no native epochs: native code needs llvmlite"
        assert portable[0].report() == report
        assert_same(native, portable)


def test_the_loss_record_of_many_epochs_is_whole():
    history, _ = fit(True, epochs=5000)
    assert len(history) == 5000
    assert history.loss[-1] < history.loss[0]
