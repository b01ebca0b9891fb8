"""A stream trains in native code as it does eagerly, and goes on to the bit where it was saved."""

import threading

import numpy as np
import pytest

import adjoint as ad
from adjoint.data.window import ByWindow
from adjoint.training import streamed_run
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
@pytest.mark.parametrize("saves", [1, 9])
def test_a_killed_training_goes_on_to_the_same_bits(
    compile, saves, short_pieces, tmp_path, monkeypatch
):
    expected, history = train(compile=compile)
    save = Saver.save

    def save_and_stop(self, run):
        nonlocal saves
        save(self, run)
        saves -= 1
        if not saves:
            raise RuntimeError("killed")

    monkeypatch.setattr(Saver, "save", save_and_stop)
    with pytest.raises(RuntimeError, match="killed"):
        train(compile=compile, checkpoint=ad.Saving(tmp_path / "run", seconds=0))
    monkeypatch.setattr(Saver, "save", save)
    assert ad.files.Checkpoint.read(tmp_path / "run").position["step"]
    found, resumed = train(compile=compile, checkpoint=tmp_path / "run", resume=True)
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
    with pytest.raises(ad.DivergedError, match="in epoch 1"):
        train(
            windows(lambda i: (X[ENDS[i] : ENDS[i + 1]] * 1e30, Y[ENDS[i] : ENDS[i + 1]])),
            compile=True,
            loss=lambda p, y: (p * p).mean(),
            optimizer=lambda p: ad.optim.SGD(p, lr=1e30),
        )


def test_nan_in_a_late_block_is_refused():
    def gaps(i):
        X, y = read(i)
        return (X * np.nan if i == 4 else X), y

    with pytest.raises(ValueError, match="has nan"):
        train(windows(gaps), compile=True)
