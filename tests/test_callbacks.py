"""Callbacks at some epochs: called there and only there, in native and in eager training."""

import numpy as np
import pytest

import adjoint as ad
from adjoint.callbacks import AtEpochs
from adjoint.callbacks.callback import next_call


def train(callbacks, compile, epochs=120):
    X, y = ad.datasets.make_moons(100, seed=0)
    model = ad.nn.MLP(2, 3, 2, rng=0)
    optimizer = ad.optim.SGD(model.parameters(), lr=0.1)
    return ad.fit(
        model,
        (X, y),
        loss="cross_entropy",
        optimizer=optimizer,
        epochs=epochs,
        batch_size=5,
        seed=0,
        callbacks=callbacks,
        compile=compile,
    )


@pytest.fixture(params=[True, False], ids=["native", "eager"])
def compile(request):
    if request.param:
        pytest.importorskip("llvmlite")
    return request.param


def test_it_is_called_at_its_epochs_only(compile):
    seen = []
    train([AtEpochs([1, 7, 50], lambda history, model: seen.append(len(history)))], compile)
    assert seen == [1, 7, 50]


def test_it_can_end_the_training(compile):
    history = train([AtEpochs([9, 20], lambda history, model: True)], compile)
    assert len(history) == 9


def test_an_ordinary_callback_beside_it_is_called_after_every_epoch(compile):
    some, every = [], []
    callbacks = [
        AtEpochs([3], lambda history, model: some.append(len(history))),
        lambda history, model: every.append(len(history)),
    ]
    train(callbacks, compile, epochs=6)
    assert (some, every) == ([3], [1, 2, 3, 4, 5, 6])


def test_the_losses_do_not_depend_on_where_it_was_called(compile):
    plain = train([], compile)
    stopped = train([AtEpochs([2, 3, 50], lambda history, model: None)], compile)
    np.testing.assert_array_equal(plain.loss, stopped.loss)


def test_the_next_call_is_the_nearest_of_all():
    callbacks = [AtEpochs([5, 9], print), AtEpochs([7], print)]
    assert [next_call(callbacks, n, 20) for n in (0, 5, 7, 9)] == [5, 7, 9, 20]
    assert next_call([print], 3, 20) == 4
    assert next_call([], 3, 20) == 20
