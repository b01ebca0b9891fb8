"""A stream trains in native code as it does eagerly, and goes on to the bit where it was saved."""

import threading

import numpy as np
import pytest

import adjoint as ad
from adjoint.compiler.native.epoch_record import Status
from adjoint.data.window import ByWindow
from adjoint.training import streamed_run
from adjoint.training.native_run import NativeRun
from adjoint.training.saving import Saver

RNG = np.random.default_rng(0)
X = RNG.normal(size=(700, 3)).astype(np.float32)
Y = (X[:, 0] + X[:, 1] > 0).astype(int)
ENDS = np.cumsum([0, 1, 250, 3, 200, 246])


def read(i):
    return X[ENDS[i] : ENDS[i + 1]], Y[ENDS[i] : ENDS[i + 1]]


def windows(read=read):
    return ByWindow(np.diff(ENDS), read, batch_size=16, window=200, seed=1)


def train(data=None, **changed):
    model = ad.nn.Sequential(
        ad.nn.Linear(3, 5, rng=0, dtype=np.float32),
        ad.nn.Tanh(),
        ad.nn.Dropout(0.2, rng=4),
        ad.nn.Linear(5, 2, rng=1, dtype=np.float32),
    )
    settings = {"loss": "cross_entropy", "epochs": 3, "seed": 0, "progress": False}
    history = ad.fit(model, windows() if data is None else data, **settings | changed)
    return [parameter.data for parameter in model.parameters()], history


@pytest.fixture
def short_pieces(monkeypatch):
    monkeypatch.setattr(streamed_run, "_ROWS_A_PIECE", 100)


def test_native_steps_come_to_what_eager_ones_do(short_pieces):
    eager, expected = train(compile=False)
    native, found = train(compile=True)
    assert (expected.tier, found.tier) == ("eager", "native")
    # float32 and another order of sums
    np.testing.assert_allclose(found.loss, expected.loss, rtol=1e-4)
    for ours, theirs in zip(native, eager, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("compile", [True, False], ids=["native", "eager"])
@pytest.mark.parametrize("saves", [1, 8, 9])
@pytest.mark.parametrize("of", ["windows", "a function"])
def test_a_killed_training_goes_on_to_the_same_bits(
    compile, saves, of, short_pieces, tmp_path, monkeypatch
):
    data = windows() if of == "windows" else lambda epoch: windows()(epoch)
    expected, history = train(data, compile=compile)
    save = Saver.save

    def save_and_stop(self, run):
        nonlocal saves
        save(self, run)
        saves -= 1
        if not saves:
            raise RuntimeError("killed")

    monkeypatch.setattr(Saver, "save", save_and_stop)
    with pytest.raises(RuntimeError, match="killed"):
        train(data, compile=compile, checkpoint=ad.Saving(tmp_path / "run", seconds=0))
    monkeypatch.setattr(Saver, "save", save)
    assert ad.files.Checkpoint.read(tmp_path / "run").position["step"]
    found, resumed = train(data, compile=compile, checkpoint=tmp_path / "run", resume=True)
    assert resumed.loss == history.loss
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_other_data_are_refused_where_a_training_goes_on(tmp_path):
    train(checkpoint=tmp_path / "run", epochs=1)
    other = ByWindow([350, 350], read, batch_size=16, window=100, seed=1)
    with pytest.raises(ValueError, match="stream="):
        train(other, checkpoint=tmp_path / "run", resume=True)


def test_a_stream_of_unknown_length_becomes_native_after_some_steps(monkeypatch):
    monkeypatch.setattr(streamed_run, "_STEPS_BEFORE", 5)
    _, history = train(lambda epoch: windows()(epoch))
    assert history.tier == "native"
    expected, _ = train(compile=False)
    found, _ = train(lambda epoch: windows()(epoch))
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5)


def test_batches_of_many_shapes_stay_eager():
    def batches(epoch):
        for size in (5, 6, 7):
            yield X[:size], Y[:size]

    assert train(batches, compile=True)[1].tier == "eager"


@pytest.mark.parametrize("compile", [True, False], ids=["native", "eager"])
def test_an_error_of_the_reader_reaches_the_caller_and_leaves_no_thread(compile):
    def failing(i):
        if i == 3:
            raise OSError("the disk is gone")
        return read(i)

    with pytest.raises(OSError, match="the disk is gone"):
        train(windows(failing), compile=compile)
    assert not [one for one in threading.enumerate() if "prefetch" in one.name]


def test_an_error_of_the_users_iterator_reaches_the_caller():
    def batches(epoch):
        yield X[:16], Y[:16]
        raise OSError("mine")

    with pytest.raises(OSError, match="mine"):
        train(batches, compile=True)


@pytest.mark.parametrize("compile", [True, False], ids=["native", "eager"])
def test_ctrl_c_returns_the_history_and_leaves_no_thread(compile):
    def interrupted(i):
        if i == 3:
            raise KeyboardInterrupt
        return read(i)

    _, history = train(windows(interrupted), compile=compile)
    assert history.interrupted
    assert not [one for one in threading.enumerate() if "prefetch" in one.name]


@pytest.mark.parametrize("compile", [True, False], ids=["native", "eager"])
@pytest.mark.parametrize("label", [2, -1])
def test_a_label_out_of_range_is_refused(compile, label, short_pieces):
    def wrong(i):
        X, y = read(i)
        return X, np.where(np.arange(len(y)) == 100, label, y)

    with pytest.raises(ValueError, match=f"label {label} at"):
        train(windows(wrong), compile=compile)


def test_a_training_that_diverges_goes_back_to_finite_weights(short_pieces):
    def diverged(compile):
        model = ad.nn.Linear(3, 2, rng=0)
        with pytest.raises(ad.DivergedError, match="in epoch 1, step") as caught:
            ad.fit(
                model,
                windows(),
                compile=compile,
                loss=lambda p, y: (p * p).mean(),
                optimizer=lambda p: ad.optim.SGD(p, lr=1e15),
                epochs=1,
                progress=False,
            )
        assert not [one for one in threading.enumerate() if "prefetch" in one.name]
        return str(caught.value), model.weight.data

    (message, weight), (its_message, its_weight) = diverged(True), diverged(False)
    assert message == its_message
    assert np.isfinite(weight).all()
    np.testing.assert_allclose(weight, its_weight, rtol=1e-9)


def test_steps_that_native_code_leaves_are_taken_eagerly(short_pieces, monkeypatch):
    feed = NativeRun.feed

    def feed_two(self, data):
        feed(self, [array[:32] for array in data])
        return Status.STATE_HAS_NAN

    eager, expected = train(compile=False)
    monkeypatch.setattr(NativeRun, "feed", feed_two)
    found, history = train(compile=True)
    np.testing.assert_allclose(history.loss, expected.loss, rtol=1e-4)  # float32
    for ours, theirs in zip(found, eager, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5)


def test_a_training_that_goes_on_reads_only_what_is_left(short_pieces, tmp_path, monkeypatch):
    file, save = ad.Saving(tmp_path / "run", seconds=0), Saver.save

    def save_and_stop(self, run):
        save(self, run)
        if run.position().step >= 30:
            raise RuntimeError("killed")

    monkeypatch.setattr(Saver, "save", save_and_stop)
    with pytest.raises(RuntimeError, match="killed"):
        train(compile=True, epochs=1, checkpoint=file)
    monkeypatch.setattr(Saver, "save", save)
    blocks = []
    train(
        windows(lambda i: blocks.append(i) or read(i)),
        compile=True,
        epochs=1,
        checkpoint=file,
        resume=True,
    )
    assert 0 < len(blocks) < 5


def test_a_constant_that_a_callback_changes_counts_from_the_next_epoch_on():
    def trained(compile):
        def slower(history, model):
            loss.delta = 0.01

        loss, model = ad.nn.HuberLoss(delta=1.0), ad.nn.Linear(3, 2, rng=0)
        data = ByWindow([700], lambda i: (X, X[:, :2]), batch_size=16, seed=0)
        options = {"loss": loss, "optimizer": "sgd", "callbacks": [slower], "compile": compile}
        return ad.fit(model, data, epochs=2, progress=False, **options)

    found, expected = trained(True), trained(False)
    assert found.reasons == ["a callback changed more than the numbers of what was compiled"]
    np.testing.assert_allclose(found.loss, expected.loss, rtol=1e-9)


def test_few_steps_in_each_epoch_of_a_stream_of_unknown_length_stay_eager():
    assert train([(X[:16], Y[:16])] * 3, epochs=20)[1].tier == "eager"


def test_a_batch_for_an_eager_step_is_asked_for_after_the_step_before():
    seen = []

    def batches(epoch):
        for _ in range(5):
            seen.append(model.weight.data.tolist())
            yield X[:16], Y[:16]

    model = ad.nn.Linear(3, 2, rng=0)
    ad.fit(model, batches, loss="cross_entropy", optimizer="sgd", epochs=2, progress=False)
    # The first two are compared before the first step.
    assert len({str(weight) for weight in seen}) == 8


def test_a_window_of_fewer_rows_than_a_batch_is_trained_on_natively():
    data = ByWindow(np.diff(ENDS), read, batch_size=1000, seed=0)
    assert train(data, compile=True)[1].tier == "native"


def test_a_step_that_cannot_be_traced_is_an_error_where_compilation_is_asked_for():
    def loss(prediction, target):
        return ad.nn.functional.cross_entropy(prediction, target) * float(prediction.sum())

    with pytest.raises(ValueError, match="compile=True, but the step cannot be compiled"):
        train(compile=True, loss=loss)


def test_a_stream_without_a_compiler_is_trained_on_eagerly_and_says_why(monkeypatch):
    def absent(*given, **named):
        raise ImportError("native code needs llvmlite")

    monkeypatch.setattr(streamed_run, "NativeRun", absent)
    history = train(compile=True)[1]
    assert history.tier == "eager"
    assert history.reasons == ["no native steps: native code needs llvmlite"]


def test_nan_in_a_late_block_is_refused():
    def gaps(i):
        X, y = read(i)
        return (X * np.nan if i == 4 else X), y

    with pytest.raises(ValueError, match="has nan"):
        train(windows(gaps), compile=True)
