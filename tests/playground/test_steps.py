"""A training taken step by step is that of `fit` at any pace, and there is a way back."""

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn
from adjoint.playground.launch import bring_model
from adjoint.playground.moments import Moment, Moments
from adjoint.playground.session import Brought, Session
from adjoint.playground.settings import read
from adjoint.playground.setup import setup_of
from adjoint.playground.steps import Steps
from adjoint.training.epochs import Position

# Dropout draws from a random state, and batch normalisation keeps running statistics.
STATEFUL = {
    "rows": 60,
    "norm": "batch",
    "dropout": 0.2,
    "batch_size": 8,
    "layers": [{"units": 3, "activation": "tanh"}],
}


class Foreign(nn.Module):
    """A module that adjoint does not define, so that it is not traced unasked."""

    def __init__(self):
        self.first, self.drop, self.last = (
            nn.Linear(2, 3, rng=0),
            nn.Dropout(0.3, rng=1),
            nn.Linear(3, 2, rng=2),
        )

    def forward(self, x):
        return self.last(self.drop(self.first(x).tanh()))


def native():
    return Steps(setup_of(read(STATEFUL), None))


def eager():
    X, y = ad.datasets.make_moons(50)
    brought = bring_model(
        Foreign(), X[:40], y[:40], "cross_entropy", "adam", 7, 3, (X[40:], y[40:])
    )
    return Session(brought).steps


def state(steps):
    """Return all that a training is: parameters, buffers, memory, records, and where it stands."""
    memory = [x for entry in steps.task.optimizer.memory for x in entry.values()]
    arrays = [*steps.model.state_dict().values(), *memory]
    records = steps.history.to_state()
    return [np.asarray(x).tobytes() for x in arrays], records, vars(steps.position())


@pytest.mark.parametrize("make", [native, eager])
def test_pauses_and_pace_change_no_bit(make):
    at_once, in_pieces = make(), make()
    at_once.take(50)
    for count in (1, 2, 17, 5, 1, 24):
        in_pieces.take(count)
    assert (at_once.taken, at_once.epoch) == (in_pieces.taken, in_pieces.epoch)
    assert at_once.tier == ("native" if make is native else "eager")
    assert state(at_once) == state(in_pieces)


@pytest.mark.parametrize("make", [native, eager])
def test_a_step_back_is_where_the_training_was_to_the_bit(make):
    steps, other = make(), make()
    for _ in range(5):
        steps.take(7)
    steps.back_to(23)
    other.take(23)
    assert steps.taken == 23
    assert state(steps) == state(other)
    steps.take(4)
    other.take(4)
    assert state(steps) == state(other)


@pytest.mark.parametrize("make", [native, eager])
def test_there_is_a_way_back_to_the_first_weights(make):
    steps, other = make(), make()
    first = state(other)
    steps.take(30)
    steps.back_to(0)
    assert (steps.taken, steps.epoch, steps.history.loss) == (0, 0, [])
    assert state(steps) == first


def test_whole_epochs_are_those_of_fit():
    setup = setup_of(read(STATEFUL), None)
    steps, model = Steps(setup), setup.make_model()
    steps.take(3 * steps.task.steps)
    history = ad.fit(
        model,
        setup.problem.train,
        loss=setup.loss,
        optimizer=setup.make_optimizer,
        epochs=3,
        batch_size=8,
        seed=setup.seed,
        validation=setup.problem.test,
        compile=True,
    )
    assert history.loss == steps.history.loss
    assert history["val_loss"] == steps.history["val_loss"]
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, steps.model.state_dict()[name])


def test_looking_changes_nothing():
    watched, alone = Session(Brought(read(STATEFUL))), native()
    for _ in range(3):
        watched.take(watched.steps.taken + 3, 0.1)
        watched.opening()
        watched.frame()
        watched.derivation("en")
        watched.look((1, 0), None, (0.0, 0.5))
    while alone.taken < watched.steps.taken:
        alone.take(watched.steps.taken - alone.taken)
    assert state(watched.steps) == state(alone)


def test_the_batch_to_come_is_the_one_that_is_trained_on():
    settings = read({"rows": 40, "batch_size": 9, "optimizer": "sgd", "lr": 0.5, "layers": []})
    steps = Steps(setup_of(settings, None))
    for _ in range(7):
        X, y = steps.batch()
        before = {name: p.data for name, p in steps.model.named_parameters()}
        loss = ad.nn.functional.cross_entropy(steps.model(X), y)
        steps.model.zero_grad()
        loss.backward()
        expected = {n: before[n] - 0.5 * p.grad.data for n, p in steps.model.named_parameters()}
        steps.take(1)
        for name, parameter in steps.model.named_parameters():
            np.testing.assert_allclose(parameter.data, expected[name], rtol=1e-12)
            np.testing.assert_array_equal(steps.before()[name], before[name])


def test_a_training_that_diverges_says_so_and_goes_back():
    settings = read(
        {"data": "hills", "rows": 40, "loss": "mse_loss", "optimizer": "sgd", "lr": 1e6}
        | {"layers": [{"units": 3, "activation": "relu"}]}
    )
    steps = Steps(setup_of(settings, None))
    steps.take(500)
    assert "Try a learning rate below" in steps.diverged
    assert all(np.isfinite(p.data).all() for p in steps.model.parameters())
    stuck = steps.taken
    steps.take(5)
    assert steps.taken == stuck
    steps.back_to(1)
    assert (steps.taken, steps.diverged) == (1, "")


def moment(step, size):
    optimizer = ad.optim.SGD([ad.nn.Parameter(np.zeros(size))])
    optimizer.steps = step
    return Moment(ad.optim.snapshot.step_snapshot(optimizer, []), Position(), 0)


def test_moments_are_kept_up_to_a_number_and_a_size():
    moments = Moments(moment(0, 10), most=5, most_bytes=400)
    for step in range(1, 20):
        moments.keep(moment(step, 10))
    assert len(moments) == 5
    assert moments.bytes == 400
    moments.keep(moment(20, 40))
    assert (len(moments), moments.bytes) == (2, 400)
    assert moments.before(19).step == 19
    assert moments.before(7).step == 0
    assert len(moments) == 0
