"""Epochs in Python: eager steps and those of a compiled graph are the same training."""

from __future__ import annotations

import signal
import threading
import weakref

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn
from adjoint.compiler import program
from adjoint.compiler.native.unlowerable import Unlowerable
from adjoint.nn import functional
from adjoint.optim import SGD, Adam
from adjoint.training import compiled_run, tiers
from adjoint.training.step import TrainingStep
from sampled import sampled

X, Y = ad.datasets.make_moons(110, noise=0.2, seed=0)

OPTIMISERS = {
    "sgd": lambda p: SGD(p, lr=0.3),
    "momentum": lambda p: SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-3),
    "adam": lambda p: Adam(p, lr=0.01),
}


def refuse(*args):
    raise Unlowerable("this test is of another tier")


@pytest.fixture
def no_native_code(monkeypatch):
    monkeypatch.setattr(tiers, "_native_run", refuse)
    monkeypatch.setattr(program, "TIERS", {})


def fit(compile, model=None, pair=(X, Y), **changes):
    model = model or nn.MLP(2, 4, 2, rng=0)
    settings = {
        "loss": "cross_entropy",
        "optimizer": OPTIMISERS["momentum"],
        "epochs": 20,
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


def assert_both(**changes):
    """Train with compiled steps and with eager ones, and compare."""
    compiled, eager = fit(True, **changes), fit(False, **changes)
    assert compiled[0].tier == "portable"
    assert eager[0].report() == "tier: eager\n  compile=False"
    assert_same(compiled, eager)


@pytest.mark.parametrize("name", OPTIMISERS)
@pytest.mark.parametrize("dtype", sampled([np.float64, np.float32], 2))
def test_a_thousand_steps_are_the_same_in_every_tier(name, dtype, monkeypatch):
    pytest.importorskip("llvmlite")

    def run(tier):
        model = nn.MLP(2, 4, 4, 2, activation="tanh", rng=0, dtype=dtype)
        optimizer = OPTIMISERS[name](list(model.parameters()))
        with monkeypatch.context() as patch:
            if tier == "portable":
                patch.setattr(tiers, "_native_run", refuse)
                patch.setattr(program, "TIERS", {})
            # Two whole batches and a short one an epoch.
            history, _ = fit(tier != "eager", model, optimizer=optimizer, epochs=334)
        assert history.tier == tier
        return (history, model), [a for entry in optimizer.memory for a in entry.values()]

    trained, memory = run("eager")
    rtol = 1e-9 if dtype is np.float64 else 1e-3
    for tier in ("native", "portable"):
        again, remembered = run(tier)
        assert_same(again, trained, rtol)
        for ours, theirs in zip(remembered, memory, strict=True):
            assert np.asarray(ours).dtype == dtype
            np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=rtol)


@pytest.mark.usefixtures("no_native_code")
@pytest.mark.parametrize(
    "changes",
    [
        {"shuffle": False},
        {"batch_size": 110},
        {"metrics": ["accuracy"]},
        {"metrics": ["accuracy"], "validation": (X[:20], Y[:20])},
        {"loss": "mse_loss", "pair": (X, X**2)},
    ],
    ids=["in order", "one batch", "metrics", "validation", "regression"],
)
def test_compiled_and_eager_steps_agree(changes):
    assert_both(**changes)


@pytest.mark.usefixtures("no_native_code")
def test_a_frozen_layer_is_read_and_stays():
    def model():
        net = nn.MLP(2, 4, 2, rng=0)
        next(iter(net.parameters())).requires_grad_(False)
        return net

    assert_same(fit(True, model()), fit(False, model()))


@pytest.mark.usefixtures("no_native_code")
def test_callbacks_are_heard_after_every_epoch():
    def scale_and_slow_down(history, model):
        if len(history) == 5:
            for parameter in model.parameters():
                parameter.data = parameter.data * 0.5
        if len(history) == 10:
            optimizers[-1].lr = 0.01
        return len(history) == 15

    optimizers = []

    def optimizer(params):
        optimizers.append(SGD(params, lr=0.3, momentum=0.9))
        return optimizers[-1]

    assert_both(optimizer=optimizer, callbacks=[scale_and_slow_down])


@pytest.mark.usefixtures("no_native_code")
def test_a_callback_that_freezes_a_layer_ends_compiled_steps():
    def freeze(history, model):
        if len(history) in (3, 5):
            next(iter(model.parameters())).requires_grad_(len(history) == 5)

    compiled, eager = fit(True, callbacks=[freeze]), fit(False, callbacks=[freeze])
    assert_same(compiled, eager)
    assert compiled[0].report().startswith("tier: eager\n  a callback changed more than the num")


# --- endings --------------------------------------------------------------------------------------


def divergence(compile, **changes):
    model = nn.Linear(2, 1, rng=0)
    with pytest.raises(ad.DivergedError) as caught:
        fit(compile, model, (X * 1000, X[:, :1]), loss="mse_loss", **changes)
    return str(caught.value), caught.value.history, model


@pytest.mark.usefixtures("no_native_code")
@pytest.mark.parametrize(
    ("lr", "batch_size", "epoch"), [(3e-6, 50, 2), (1e-3, 50, 2), (1e-3, 110, 2), (1e200, 110, 2)]
)
def test_divergence_is_reported_and_undone_alike(lr, batch_size, epoch):
    changes = {"optimizer": lambda p: SGD(p, lr=lr), "batch_size": batch_size, "epochs": 2000}
    compiled, eager = divergence(True, **changes), divergence(False, **changes)
    assert compiled[0] == eager[0]
    assert len(compiled[1]) == len(eager[1]) >= epoch - 1
    for ours, theirs in zip(compiled[2].parameters(), eager[2].parameters(), strict=True):
        assert np.isfinite(ours.data).all()
        np.testing.assert_allclose(ours.data, theirs.data, rtol=1e-6)


@pytest.mark.usefixtures("no_native_code")
def test_a_loss_that_becomes_nan_leaves_the_weights_before_the_step(monkeypatch):
    # The first epoch's three steps are eager: the fifth compiled one is the third epoch's second.
    losses, kept = [], []
    computing = TrainingStep.computing

    def poisoned(step):
        compute = computing(step)

        def computed(X, y):
            losses.append(compute(X, y))
            kept.append([p.data for p in step.params.values()])
            if len(losses) == 5:
                losses[-1].loss = np.nan
            return losses[-1]

        return computed

    def loss(prediction, target):
        value = functional.cross_entropy(prediction, target)
        return value * np.nan if len(losses) == 5 else value

    monkeypatch.setattr(TrainingStep, "computing", poisoned)
    monkeypatch.setattr(compiled_run.CompiledRun, "is_current", True)
    model = nn.MLP(2, 4, 2, rng=0)
    with pytest.raises(ad.DivergedError, match="loss became nan in epoch 3, step 2") as caught:
        fit(True, model, loss=loss)
    assert len(caught.value.history) == 2
    # Back at the last weights whose loss was finite, those before the step that led to NaN.
    for parameter, array in zip(model.parameters(), kept[3], strict=True):
        np.testing.assert_array_equal(parameter.data, array)


@pytest.mark.usefixtures("no_native_code")
def test_a_step_whose_loss_is_not_finite_is_decided_by_the_eager_graph(monkeypatch):
    computing = TrainingStep.computing

    def poisoned(step):
        compute = computing(step)

        def computed(X, y):
            results = compute(X, y)
            results.loss = np.inf
            return results

        return computed

    monkeypatch.setattr(TrainingStep, "computing", poisoned)
    assert_both()


@pytest.mark.usefixtures("no_native_code")
def test_ctrl_c_keeps_the_last_whole_step():
    timer = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
    timer.start()
    history, model = fit(True, epochs=10_000_000)
    timer.join()
    assert history.interrupted
    assert history.tier == "portable"
    again, _ = fit(True, epochs=len(history) + 1)
    assert again.loss[: len(history)] == history.loss
    assert all(np.isfinite(p.data).all() for p in model.parameters())


@pytest.mark.usefixtures("no_native_code")
def test_ctrl_c_while_parameters_are_written_undoes_the_whole_step(monkeypatch):
    written = []
    write = TrainingStep.write

    def half(step, computed):
        tensors = list(step.params.values())
        if len(written) == 4:
            tensors[0].data = computed.parameters[0]
            step.optimizer.memory[0] = computed.memory[0]
            raise KeyboardInterrupt
        write(step, computed)
        written.append([p.data for p in tensors] + [m["velocity"] for m in step.optimizer.memory])

    monkeypatch.setattr(TrainingStep, "write", half)
    model = nn.MLP(2, 4, 2, rng=0)
    optimizer = OPTIMISERS["momentum"](list(model.parameters()))
    history, _ = fit(True, model, optimizer=optimizer)
    assert history.interrupted
    assert len(history) == 2
    state = [p.data for p in model.parameters()] + [m["velocity"] for m in optimizer.memory]
    for ours, theirs in zip(state, written[-1], strict=True):
        assert ours is theirs


# --- when -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_native_code")
def test_steps_are_compiled_unasked_only_where_it_pays():
    class Mine(nn.MLP):
        pass

    few, _ = fit("auto", epochs=100)
    foreign, _ = fit("auto", Mine(2, 4, 2, rng=0), epochs=200)
    enough, _ = fit("auto", epochs=200)
    assert few.report() == (
        "tier: eager\n"
        "  no native epochs: this test is of another tier\n"
        "  no compiled steps: 297 steps after the first epoch are too few"
    )
    assert foreign.tier == "eager"
    assert foreign.reasons[-1].endswith("is not adjoint's own")
    assert enough.report() == "tier: portable\n  no native epochs: this test is of another tier"


def test_labels_out_of_range_are_named():
    with pytest.raises(ValueError, match=r"label 2 .*is not in range\(2\)"):
        fit(True, pair=(X, Y + 1), metrics=["accuracy"])


def test_what_cannot_be_traced_is_refused_when_asked_for_and_eager_else():
    class Branching(nn.Module):
        def __init__(self):
            self.net = nn.Linear(2, 2, rng=0)

        def forward(self, x):
            return self.net(x) if x.sum() > 1e9 else -self.net(x)

    before = [p.data for p in Branching().parameters()]
    model = Branching()
    with pytest.raises(ValueError, match="compile=True, but the step cannot be compiled: a traced"):
        fit(True, model)
    for parameter, array in zip(model.parameters(), before, strict=True):
        np.testing.assert_array_equal(parameter.data, array)
    assert fit("auto", Branching(), epochs=300)[0].tier == "eager"


def test_native_steps_serve_metrics():
    pytest.importorskip("llvmlite")
    own = {"mean": lambda prediction, target: prediction.mean()}
    compiled = fit(True, metrics=own, optimizer=OPTIMISERS["adam"])
    assert compiled[0].tier == "native"
    assert "metric 'mean'" in compiled[0].report()
    assert_same(compiled, fit(False, metrics=own, optimizer=OPTIMISERS["adam"]))


def test_a_step_runs_natively_around_what_has_no_native_code():
    pytest.importorskip("llvmlite")

    def loss(prediction, target):
        gram = prediction.T @ prediction / len(target) + np.eye(2)
        return functional.mse_loss(prediction, target) + 0.01 * np.log(np.linalg.det(gram))

    changes = {"loss": loss, "pair": (X, X**2), "model": nn.MLP(2, 40, 2, rng=0)}
    compiled = fit(True, **changes)
    assert compiled[0].tier == "native"
    assert "det has no native rule" in compiled[0].report()
    assert_same(compiled, fit(False, **changes | {"model": nn.MLP(2, 40, 2, rng=0)}))


def test_an_eager_step_is_let_go_of_before_the_next_one_is_recorded():
    made = []

    class Noting(nn.Linear):
        def forward(self, x):
            assert all(before() is None for before in made)
            prediction = super().forward(x)
            made.append(weakref.ref(prediction))
            return prediction

    model = Noting(2, 1, rng=0)
    pair = np.ones((6, 2)), np.zeros((6, 1))
    ad.fit(model, pair, loss="mse_loss", epochs=2, batch_size=2, compile=False, progress=False)
    assert len(made) == 6
