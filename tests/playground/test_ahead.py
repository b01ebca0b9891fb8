"""Native code is made while the page shows the new network, and changes nothing of the training."""

from concurrent.futures import Future, wait

import numpy as np
import pytest

import adjoint as ad
from adjoint.compiler.native import machine
from adjoint.playground.ahead import Ahead
from adjoint.playground.frame import unpack
from adjoint.playground.launch import bring_model
from adjoint.playground.session import Brought, Session
from adjoint.playground.settings import read
from adjoint.playground.setup import setup_of

SMALL = read({"rows": 30, "layers": [{"units": 2, "activation": "tanh"}], "batch_size": 7})


@pytest.fixture
def ahead(monkeypatch, tmp_path):
    monkeypatch.setenv("ADJOINT_CACHE", str(tmp_path))
    made = Ahead()
    yield made
    made.close()


class Busy:
    """A thread that never ends its work."""

    def make(self, setup):
        future = Future()
        future.set_running_or_notify_cancel()
        return future


def test_the_first_step_finds_its_code(ahead, monkeypatch):
    session = Session(Brought(SMALL), ahead)
    wait([session._code])
    monkeypatch.setattr(machine.Machine, "assemble", None)  # nothing more can be made
    session.take(3, 0.1)
    assert (session.steps.taken, session.steps.tier) == (3, "native")


def test_it_changes_no_bit_of_the_training(ahead):
    sessions = Session(Brought(SMALL), ahead), Session(Brought(SMALL))
    wait([sessions[0]._code])
    for session in sessions:
        while session.steps.taken < 40:
            session.take(40, 0.1)
    for found, expected in zip(*(each.steps.model.parameters() for each in sessions), strict=True):
        np.testing.assert_array_equal(found.data, expected.data)


def test_while_it_is_made_the_page_is_answered_and_no_step_is_taken():
    session = Session(Brought(SMALL), Busy())
    session.take(3, 0.001)
    session._code.set_result(None)  # between the step that was asked for and the answer
    assert session.steps.taken == 0
    assert unpack(session.frame())[0]["making"]  # so that the page asks again
    session.take(3, 0.1)
    assert not unpack(session.frame())[0]["making"]


def test_what_nobody_waits_for_any_more_is_not_begun(ahead):
    ahead._thread.submit(wait, [blocked := Future()])
    first, second = ahead.make(setup_of(SMALL, None)), ahead.make(setup_of(SMALL, None))
    assert first.cancelled()
    session = Session(Brought(SMALL))
    session._code = second
    session.take(1, 0.1)  # the code is not begun, and is made here
    assert session.steps.taken == 1
    blocked.set_result(None)


def test_of_a_model_of_the_users_nothing_is_made(ahead):
    X = np.ones((4, 2))
    brought = bring_model(ad.nn.Linear(2, 1, rng=0), X, X[:, :1], "mse_loss", "adam", 2, 0, None)
    assert Session(brought, ahead)._code is None
