"""A training that is killed, interrupted or ended goes on from its file to the very same bits."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

import adjoint as ad
from adjoint import callbacks, nn
from adjoint.errors import DivergedError, UnreadableFileError
from adjoint.files import Checkpoint
from adjoint.training import native_run
from sampled import sampled

pytest.importorskip("safetensors")

X, Y = ad.datasets.make_moons(110, noise=0.2, seed=0)


def network(rng=0):
    rng = np.random.default_rng(rng)
    return nn.Sequential(
        nn.Linear(2, 8, rng=rng),
        nn.BatchNorm(8),
        nn.ReLU(),
        nn.Dropout(0.2, rng=rng),
        nn.Linear(8, 2, rng=rng),
    )


def train(path=None, *, epochs=6, model=None, seconds=0.0, data=(X, Y), **changes):
    model = model or network()
    rate = ad.optim.schedules.Exponential(0.02, factor=0.999)
    settings = {
        "loss": "cross_entropy",
        "optimizer": lambda p: ad.optim.Adam(p, lr=rate),
        "batch_size": 20,
        "seed": 3,
        "progress": False,
        "checkpoint": None if path is None else ad.Saving(path, seconds=seconds),
        **changes,
    }
    return model, ad.fit(model, data, epochs=epochs, **settings)


def digest(model):
    parts = [array.tobytes() for array in model.state_dict().values()]
    return hashlib.sha256(b"".join(parts)).hexdigest()


class Stop(BaseException):
    """As abrupt as a kill, as far as this process goes."""


class StopAfter:
    """A loss that ends the process after some steps."""

    def __init__(self, steps):
        self.steps = steps

    def __call__(self, prediction, target):
        self.steps -= 1
        if self.steps < 0:
            raise Stop
        return nn.functional.cross_entropy(prediction, target)


def adam(lr=0.02, *, norm=None, value=None, **settings):
    """Return what makes the optimiser of `train`, changed."""
    rate = ad.optim.schedules.Exponential(lr, factor=0.999)
    return lambda p: ad.optim.Adam(p, lr=rate, **settings).clip_gradients(norm=norm, value=value)


def ema(params):
    return ad.optim.EMA(adam()(params), decay=0.9)


def leaky():
    model = network()
    model.layers[2] = nn.LeakyReLU()
    return model


def frozen():
    model = network()
    model.layers[0].weight.requires_grad_(False)
    return model


TIERS = {
    "eager": {"compile": False},
    "eager with metrics and validation": {
        "compile": False,
        "metrics": "accuracy",
        "validation": (X[:30], Y[:30]),
    },
    "in order": {"compile": False, "shuffle": False},
    "steps": {"compile": True, "metrics": {"mean": lambda prediction, target: prediction.mean()}},
    "native": {"compile": True},
    "native with validation": {"compile": True, "validation": (X[:30], Y[:30])},
}


@pytest.mark.parametrize("after", [1, 5, 6, 7, 17, 35])
@pytest.mark.parametrize("name", ["eager", "eager with metrics and validation", "in order"])
def test_a_training_that_broke_off_at_any_step_goes_on_to_the_same_bits(name, after, tmp_path):
    expected, history = train(**TIERS[name])
    with pytest.raises(Stop):
        train(tmp_path / "run", **TIERS[name], loss=StopAfter(after))
    again = {**TIERS[name], "loss": StopAfter(1000)}
    model, found = train(tmp_path / "run", resume=True, model=network(9), **again)
    assert digest(model) == digest(expected)
    assert repr(found) == repr(history)


@pytest.mark.parametrize("first", [1, 3])
@pytest.mark.parametrize("name", TIERS)
def test_a_training_goes_on_for_more_epochs(name, first, tmp_path):
    if TIERS[name]["compile"]:
        pytest.importorskip("llvmlite")
    expected, history = train(**TIERS[name])
    train(tmp_path / "run", epochs=first, **TIERS[name])
    model, found = train(tmp_path / "run", resume=True, model=network(9), **TIERS[name])
    assert found.tier == history.tier
    assert digest(model) == digest(expected)
    assert repr(found) == repr(history)


@pytest.mark.parametrize("name", ["eager", "steps", "native"])
def test_a_training_in_batches_of_more_rows_than_there_are_goes_on(name, tmp_path):
    if TIERS[name]["compile"]:
        pytest.importorskip("llvmlite")
    changes = {**TIERS[name], "batch_size": 1000}
    expected, history = train(**changes)
    train(tmp_path / "run", epochs=2, **changes)
    model, found = train(tmp_path / "run", resume=True, model=network(9), **changes)
    assert (digest(model), repr(found)) == (digest(expected), repr(history))
    # It is the same training as in batches of all the rows.
    train(tmp_path / "run", resume=True, **{**changes, "batch_size": len(X)})


@pytest.mark.parametrize("compile", [False, True], ids=["eager", "native"])
def test_an_epoch_that_callbacks_have_seen_is_in_the_file_before_the_next_one_ends(
    compile, tmp_path
):
    if compile:
        pytest.importorskip("llvmlite")
    path, saved = tmp_path / "run", []

    def look(history, model):
        saved.append(len(Checkpoint.read(path).history["records"]["loss"]) if saved else 0)

    train(path, epochs=4, compile=compile, callbacks=[look])
    assert saved == [0, 1, 2, 3]


def test_native_code_goes_on_in_the_midst_of_an_epoch(tmp_path, monkeypatch):
    pytest.importorskip("llvmlite")
    expected, history = train(compile=True)
    # A turn is one step, so that the file is written after every step.
    monkeypatch.setattr(native_run, "_MOST_STEPS", 1)
    monkeypatch.setattr(native_run, "_FAST", 1.0)
    saves = []
    original = ad.saving.Saver.save

    def save(saver, run):
        original(saver, run)
        saves.append(run.position().step)
        if len(saves) == 16:
            raise Stop

    monkeypatch.setattr(ad.saving.Saver, "save", save)
    with pytest.raises(Stop):
        train(tmp_path / "run", compile=True)
    assert 0 < saves[-1] < 6
    monkeypatch.setattr(ad.saving.Saver, "save", original)
    # Not by the slower way round: the rest of the epoch is native too.
    monkeypatch.setattr(native_run, "train_epoch", None)
    model, found = train(tmp_path / "run", resume=True, model=network(9), compile=True)
    assert found.tier == "native"
    assert digest(model) == digest(expected)
    assert found.loss == history.loss


def steep_loss(prediction, target):
    """A loss whose gradient has 0·∞, which native code leaves to Python."""
    z = 1e200 * prediction[:, 0]
    return ad.mean(ad.exp(-np.abs(z**3)) * z + prediction[:, 1] ** 2 + 0 * target)


def test_ctrl_c_while_python_finishes_an_epoch_of_native_code_keeps_the_file_of_before(
    tmp_path, monkeypatch
):
    pytest.importorskip("llvmlite")
    settings = {"compile": True, "loss": steep_loss, "epochs": 3}

    def net():
        return nn.Linear(2, 2, rng=0)

    expected, history = train(model=net(), **settings)
    eager_steps = native_run.eager_steps

    def interrupted(task):
        take, taken = eager_steps(task), []

        def step(*batch):
            if taken:
                raise KeyboardInterrupt
            taken.append(1)
            return take(*batch)

        return step

    monkeypatch.setattr(native_run, "eager_steps", interrupted)
    _, broken = train(tmp_path / "run", model=net(), **settings)
    assert broken.interrupted
    monkeypatch.setattr(native_run, "eager_steps", eager_steps)
    model, found = train(tmp_path / "run", model=net(), resume=True, **settings)
    assert digest(model) == digest(expected)
    assert found.loss == history.loss


def test_ctrl_c_saves_where_it_stood(tmp_path):
    def interrupt(history, model):
        if len(history) == 2:
            raise KeyboardInterrupt

    expected, _ = train(compile=False)
    _, history = train(tmp_path / "run", compile=False, seconds=1e9, callbacks=[interrupt])
    assert history.interrupted
    model, found = train(tmp_path / "run", compile=False, resume=True, model=network(9))
    assert len(found) == 6
    assert digest(model) == digest(expected)


def test_early_stopping_goes_on_where_it_stood(tmp_path):
    def stopping():
        return [callbacks.EarlyStopping("loss", patience=50)]

    expected, _ = train(compile=False, callbacks=stopping())
    train(tmp_path / "run", epochs=3, compile=False, callbacks=stopping())
    rule = stopping()
    model, found = train(
        tmp_path / "run", resume=True, compile=False, callbacks=rule, model=network(9)
    )
    assert digest(model) == digest(expected)
    assert rule[0].best_value == min(found.loss)


def test_a_file_that_is_there_is_not_written_over(tmp_path):
    path = tmp_path / "run"
    train(path, epochs=1)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"there is a checkpoint .* resume=True"):
        train(path)
    assert path.read_bytes() == before


def test_to_resume_without_a_file_is_to_begin(tmp_path):
    expected, _ = train()
    model, _ = train(tmp_path / "run", resume=True)
    assert digest(model) == digest(expected)
    with pytest.raises(ValueError, match="resume=True needs checkpoint="):
        train(resume=True)
    with pytest.raises(TypeError, match="checkpoint: expected a path, a Saving or None, got int"):
        train(checkpoint=3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 10}, "with batch_size=20, this one has 10"),
        ({"seed": 4}, "with seed=3, this one has 4"),
        ({"seed": np.int64(4)}, "with seed=3, this one has 4"),
        ({"shuffle": False}, "with shuffle=True, this one has False"),
        ({"optimizer": lambda p: ad.optim.SGD(p, lr=0.1)}, "optimizer=Adam, this one has SGD"),
        ({"optimizer": lambda p: ad.optim.Adam(p, lr=0.1)}, r"lr=Exp.* this one has 0\.1"),
        ({"optimizer": adam(0.03)}, r"start=0\.02.*this one has Exponential\(start=0\.03"),
        ({"optimizer": adam(beta1=0.8)}, r"beta1=0\.9, this one has 0\.8"),
        ({"optimizer": adam(norm=1.0)}, r"clip_norm=None, this one has 1\.0"),
        ({"optimizer": adam(value=1.0)}, r"clip_value=None, this one has 1\.0"),
        ({"optimizer": ema}, "optimizer=Adam, this one has EMA of Adam"),
        ({"model": nn.MLP(2, 3, 2, rng=0)}, r"model=Sequential.* this one has MLP"),
        ({"model": leaky()}, "model=layers.2.: ReLU.*, this one has layers.2.: LeakyReLU"),
        ({"model": frozen()}, r"frozen parameters=\[\], this one has \['layers\[0\].weight'\]"),
        ({"callbacks": [callbacks.EarlyStopping("loss", patience=2)]}, "EarlyStopping"),
        ({"accumulate": 2}, "accumulate=1, this one has 2"),
        ({"loss": StopAfter(1000)}, "loss=.*cross_entropy, this one has .*StopAfter"),
        ({"loss": nn.CrossEntropyLoss()}, "loss=.*cross_entropy, this one has CrossEntropyLoss"),
        ({"metrics": ["accuracy"]}, r"metrics=\[\], this one has \['accuracy'\]"),
        ({"sample_weight": np.ones(110)}, r"sample_weight=None, this one has float64 \(110,\)"),
        ({"class_weight": "balanced"}, "class_weight=None, this one has balanced"),
        ({"class_weight": {0: 2.0}}, r"class_weight=None, this one has \[\('0', 2\.0\)\]"),
        ({"validation": (X[:9], Y[:9])}, r"validation=None, this one has .*float64 \(9, 2\)"),
        ({"data": (X[::-1], Y)}, r"with X=float64 \(110, 2\) of checksum .*, this one has"),
        ({"data": (X, 1 - Y)}, r"with y=int64 \(110,\) of checksum .*, this one has"),
        ({"data": (X[:100], Y[:100])}, "rows=110, this one has 100"),
        ({"seed": 4, "batch_size": 10}, "batch_size=20, this one has 10; with seed=3"),
    ],
)
def test_another_training_is_refused_and_nothing_is_changed(changes, message, tmp_path):
    path = tmp_path / "run"
    train(path, epochs=2)
    content = path.read_bytes()
    model = changes.get("model") or network(9)
    before = digest(model)
    with pytest.raises(ValueError, match=message):
        train(path, resume=True, **{"model": model, **changes})
    assert digest(model) == before
    assert path.read_bytes() == content


def test_what_a_checkpoint_does_not_say_is_not_taken_for_the_same(tmp_path):
    path = tmp_path / "run"
    train(path, epochs=2)
    point = Checkpoint.read(path)
    del point.settings["X"]
    point.save(path)
    with pytest.raises(ValueError, match="X, of which it does not say what it was"):
        train(path, resume=True)


@pytest.mark.parametrize("name", ["shards", "reproducible"])
def test_a_file_of_before_there_was_a_choice_is_gone_on_from(name, tmp_path):
    train(tmp_path / "run", epochs=1)
    before = Checkpoint.read(tmp_path / "run")
    del before.settings[name]
    before.save(tmp_path / "run")
    model, history = train(tmp_path / "run", epochs=2, resume=True)
    whole, expected = train(epochs=2)
    assert history.loss == expected.loss
    assert digest(model) == digest(whole)
    assert not Checkpoint.read(tmp_path / "run").settings[name]


def test_a_checkpoint_says_which_version_wrote_it(tmp_path):
    train(tmp_path / "run", epochs=1)
    assert Checkpoint.read(tmp_path / "run").version == ad.__version__


def test_the_weights_in_a_checkpoint_load_as_others_do(tmp_path):
    model, _ = train(tmp_path / "run", epochs=2)
    other = network(9)
    ad.load_weights(other, tmp_path / "run")
    assert digest(other) == digest(model)
    with pytest.raises(ValueError, match="load_state_dict"):
        ad.load_weights(nn.Linear(2, 3, rng=0), tmp_path / "run")


def test_a_learning_rate_that_a_callback_changed_does_not_make_another_training(tmp_path):
    def halve(history, model):
        if len(history) == 2:
            optimizers[-1].lr = 0.05

    def constant(params):
        optimizers.append(ad.optim.Adam(params, lr=0.1))
        return optimizers[-1]

    optimizers = []
    settings = {"compile": False, "optimizer": constant, "callbacks": [halve]}
    expected, _ = train(**settings)
    train(tmp_path / "run", epochs=3, **settings)
    for epochs in (4, 6):
        model, _ = train(tmp_path / "run", epochs=epochs, resume=True, **settings)
    assert digest(model) == digest(expected)
    # The optimiser itself, which has the present rate, goes on as well.
    settings["optimizer"] = optimizers[-1]
    assert len(train(tmp_path / "run", epochs=7, model=model, resume=True, **settings)[1]) == 7


def test_a_damaged_file_is_refused(tmp_path):
    path = tmp_path / "run"
    train(path, epochs=2)
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(UnreadableFileError):
        train(path, resume=True)


def test_divergence_leaves_the_file_of_before(tmp_path):
    path = tmp_path / "run"

    calls = []

    def loss(prediction, target):
        calls.append(1)
        return nn.functional.cross_entropy(prediction, target) * (np.inf if len(calls) == 10 else 1)

    with pytest.raises(DivergedError):
        train(path, compile=False, loss=loss)
    model, history = train(path, compile=False, resume=True, model=network(9), loss=loss)
    expected, _ = train(compile=False)
    assert digest(model) == digest(expected)
    assert len(history) == 6


PROGRAM = """
    import sys, test_saving
    name, path = sys.argv[1:]
    print("ready", flush=True)
    model, _ = test_saving.train(
        path, epochs=EPOCHS, resume=True, **test_saving.TIERS[name]
    )
    print(test_saving.digest(model), flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
@pytest.mark.parametrize(
    "name", sampled(["native", "eager with metrics and validation", "steps"], 3)
)
def test_random_kills_do_not_change_a_bit(name, tmp_path, pytestconfig):
    if name != "eager with metrics and validation":
        pytest.importorskip("llvmlite")
    epochs = {"native": 60_000, "steps": 300}.get(name, 60)
    expected = digest(train(epochs=epochs, **TIERS[name])[0])
    kills = 34 if pytestconfig.getoption("--full") else 1
    program = textwrap.dedent(PROGRAM).replace("EPOCHS", str(epochs))
    here = Path(__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(here), *sys.path])}
    chance, killed, path = random.Random(name), 0, tmp_path / "run"
    while True:
        child = subprocess.Popen(
            [sys.executable, "-c", program, name, str(path)],
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        assert child.stdout.readline() == "ready\n"
        if killed < kills:
            time.sleep(chance.uniform(0.05, 0.6))
            child.send_signal(signal.SIGKILL)
            killed += 1
        out, _ = child.communicate(timeout=120)
        if out:
            if killed < kills:  # it was over before the kill: once more from the start
                path.unlink()
                continue
            assert out.strip() == expected
            return


def test_a_checkpoint_and_its_place_show_what_they_are(tmp_path):
    model, _ = train(tmp_path / "run", epochs=1)
    size = sum(array.size for array in model.state_dict().values())
    assert repr(Checkpoint.read(tmp_path / "run")) == (
        f"<checkpoint after 1 epoch: Adam after 6 steps, {size} numbers in "
        f"{len(model.state_dict())} arrays>"
    )
    assert repr(ad.Saving("run", seconds=5)) == "Saving('run', seconds=5)"
