"""Batches from iterables, generators and memory maps, by weight and by length."""

from __future__ import annotations

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn
from adjoint.data.stream import ByLength, ByWeight
from adjoint.errors import ShapeError

X, Y = ad.datasets.make_moons(50, noise=0.2, seed=0)


def train(data, *, model=None, epochs=3, **settings):
    model = model or nn.MLP(2, 5, 2, rng=0)
    history = ad.fit(
        model,
        data,
        loss=settings.pop("loss", "cross_entropy"),
        optimizer=lambda p: ad.optim.SGD(p, lr=0.1),
        epochs=epochs,
        seed=0,
        progress=False,
        **settings,
    )
    return [p.data for p in model.parameters()], history


def batches(epoch=0):
    for start in range(0, 50, 16):
        yield X[start : start + 16], Y[start : start + 16]


@pytest.mark.parametrize("data", [batches, list(batches())], ids=["function", "list"])
def test_batches_train_as_their_arrays_do(data):
    settings = {"metrics": "accuracy", "validation": (X, Y)}
    expected, history = train((X, Y), batch_size=16, shuffle=False, **settings)
    found, streamed = train(data, **settings)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert repr(streamed) == repr(history)
    told = "no native steps: metrics of the training data need the predictions of every step"
    assert streamed.reasons == [told]


@pytest.mark.parametrize("pair", [[X[:2], Y[:2]], [X[:2], tuple(Y[:2])]], ids=["arrays", "tuple"])
def test_a_list_of_two_arrays_of_two_rows_is_a_pair(pair):
    expected, _ = train((X[:2], Y[:2]), batch_size=2)
    found, _ = train(pair, batch_size=2)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_generator_serves_one_epoch():
    train(batches(), epochs=1)
    with pytest.raises(ValueError, match="can be gone through once"):
        train(batches(), epochs=2)


def test_a_memory_map_trains_as_its_array(tmp_path):
    np.save(tmp_path / "X", X)
    np.save(tmp_path / "Y", Y)
    mapped = [np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "XY"]
    for compile in (False, True):
        expected, _ = train((X, Y), batch_size=16, compile=compile)
        found, _ = train(mapped, batch_size=16, compile=compile)
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (3, TypeError, "expected a pair of arrays"),
        (lambda epoch: [], ValueError, "the data of epoch 1 have no batch"),
        (lambda epoch: [X], TypeError, r"expected a pair \(X, y\), got ndarray"),
        (lambda epoch: [(X, Y[:3])], ShapeError, "differ in their number of rows"),
        (lambda epoch: [(X * np.nan, Y)], ValueError, "has nan at row 0"),
    ],
)
def test_what_is_no_batch_is_refused(data, error, message):
    with pytest.raises(error, match=message):
        train(data)


def test_weights_need_arrays():
    with pytest.raises(TypeError, match="weights only where data is a pair of arrays"):
        train(batches, class_weight="balanced")


def test_a_stream_goes_on_from_a_checkpoint(tmp_path):
    pytest.importorskip("safetensors")
    data = ByWeight(X, Y, np.arange(50), batch_size=16, seed=1)
    expected, history = train(data, metrics="accuracy")
    saving = ad.Saving(tmp_path / "run", seconds=0)

    class Stop(BaseException):
        pass

    def stopping(epoch):
        for number, batch in enumerate(data(epoch)):
            if epoch == 1 and number == 2:
                raise Stop
            yield batch

    with pytest.raises(Stop):
        train(stopping, metrics="accuracy", checkpoint=saving)
    found, resumed = train(data, metrics="accuracy", checkpoint=saving, resume=True)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert repr(resumed) == repr(history)


# --- by weight ------------------------------------------------------------------------------------


def test_rows_come_by_their_weights():
    weights = np.array([0.0, 1.0, 3.0])
    stream = ByWeight(np.arange(3), np.arange(3), weights, batch_size=3, seed=0)
    drawn = np.concatenate([x for epoch in range(2000) for x, _ in stream(epoch)])
    shares = np.bincount(drawn, minlength=3) / len(drawn)
    # Five standard deviations of a share of 6,000 draws.
    np.testing.assert_allclose(shares, [0, 0.25, 0.75], atol=0.03)
    assert shares[0] == 0


def test_draws_are_a_function_of_seed_and_epoch():
    def drawn(seed, epoch):
        stream = ByWeight(np.arange(9), np.arange(9), np.ones(9), batch_size=4, seed=seed)
        return [x.tolist() for x, _ in stream(epoch)]

    assert drawn(0, 3) == drawn(0, 3)
    assert drawn(0, 3) != drawn(0, 4)
    assert drawn(0, 3) != drawn(1, 3)
    assert [len(x) for x in drawn(0, 0)] == [4, 4, 1]


@pytest.mark.parametrize("weights", [[1.0], [-1.0, 1.0, 1.0], [0.0, 0.0, 0.0], [np.nan, 1.0, 1.0]])
def test_weights_that_do_not_fit_are_refused(weights):
    with pytest.raises(ValueError, match="weights: expected"):
        ByWeight(np.arange(3), np.arange(3), weights, batch_size=2)


# --- by length ------------------------------------------------------------------------------------


def sequences(rng, count=40):
    return [rng.integers(1, 9, rng.integers(1, 12)) for _ in range(count)]


def test_every_sequence_comes_once_among_others_of_its_length():
    found = sequences(np.random.default_rng(0))
    stream = ByLength(found, np.arange(40), batch_size=8, padding=0, seed=0)
    for epoch in (0, 1):
        seen, waste = [], 0
        for X, y in stream(epoch):
            for row, number in zip(X, y, strict=True):
                length = len(found[number])
                np.testing.assert_array_equal(row[:length], found[number])
                assert (row[length:] == 0).all()
                waste += len(row) - length
            seen += y.tolist()
        assert sorted(seen) == list(range(40))
        # In order of their length only neighbours differ: without it some 200 places are padding.
        assert waste < 60
    assert [y.tolist() for _, y in stream(0)] != [y.tolist() for _, y in stream(1)]


def test_targets_of_steps_are_padded_and_need_not_count():
    rng = np.random.default_rng(0)
    found = sequences(rng)
    stream = ByLength(found, [one % 3 for one in found], batch_size=8, seed=0)
    loss = nn.CrossEntropyLoss(ignore_index=-1)

    class Tagger(nn.Module):
        def __init__(self):
            self.embedding = nn.Embedding(9, 6, rng=0)
            self.memory = nn.GRU(6, 8, rng=1)
            self.output = nn.Linear(8, 3, rng=2)

        def forward(self, x):
            return self.output(self.memory(self.embedding(x))[0])

    _, history = train(stream, model=Tagger(), loss=loss, epochs=30)
    assert history.loss[-1] < 0.5 * history.loss[0]


def test_sequences_that_do_not_fit_are_refused():
    with pytest.raises(ShapeError, match="1 sequences, but 2 targets"):
        ByLength([np.arange(3)], [1, 2], batch_size=2)
    with pytest.raises(ShapeError, match="expected arrays of shape"):
        ByLength([], [], batch_size=2)
