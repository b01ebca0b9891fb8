"""Settings of the optimiser that are changed while it trains are part of the run."""

import json
import random

import numpy as np
import pytest

import adjoint as ad
from adjoint.playground.changes import ByHand, by_hand
from adjoint.playground.launch import bring_model
from adjoint.playground.rates import SCHEDULES, schedule_options
from adjoint.playground.session import Brought, Session
from adjoint.playground.settings import OPTIMIZERS, optimizer_options, read
from adjoint.playground.values import SettingsError
from sampled import for_full

SMALL = {"rows": 60, "layers": [{"units": 3, "activation": "tanh"}], "batch_size": 8}
# What is changed to, of the settings of an optimiser.
VALUES = {"epsilon": 1e-6, "alpha": 0.9, "rho": 0.8, "momentum_decay": 0.01, "lr_decay": 0.1}


def session(**settings):
    return Session(Brought(read(SMALL | settings)))


def reach(one, step):
    while one.steps.taken < step and not one.steps.diverged:
        one.take(step, 0.1)


def weights(one):
    return {name: x.tobytes() for name, x in one.steps.model.state_dict().items()}


def programmed(one, **given):
    """Return the weights that the program of a session ends with."""
    exec(compile(one.program(), "training.py", "exec"), given)
    return {name: x.tobytes() for name, x in given["model"].state_dict().items()}


def changed_by_chance(seed):
    """Return a session whose settings of all kinds were changed at some steps."""
    rng = random.Random(seed)
    optimizer = rng.choice(list(OPTIMIZERS))
    one = session(optimizer=optimizer, seed=seed, schedule=rng.choice(list(SCHEDULES)), lr=0.01)
    floats = [n for n, x in optimizer_options(optimizer).items() if isinstance(x, float)]
    names = [name for name in floats if name != "initial"]
    for _ in range(4):
        reach(one, one.steps.taken + rng.randint(1, 12))
        at, kind = one.steps.taken, rng.choice(["lr", "options", "schedule"])
        if kind == "lr":
            one.change({"lr": 10 ** rng.uniform(-3, -1)})
        elif kind == "options":
            name = rng.choice(names)
            one.change({"options": {name: VALUES.get(name, rng.choice([0.0, 0.3]))}})
        else:
            schedule = rng.choice(list(SCHEDULES))
            one.change({"schedule": schedule, "schedule_options": schedule_options(schedule)})
        reach(one, at)
    reach(one, one.steps.taken + 9)
    return one


@pytest.mark.parametrize("seed", [3, *for_full(n for n in range(30) if n != 3)])
def test_the_program_and_a_new_beginning_come_to_the_same_bits(seed):
    one = changed_by_chance(seed)
    assert one.settings.changes
    assert programmed(one) == weights(one)
    text = json.dumps(one.settings.as_json())
    again = Session(Brought(read(json.loads(text))))
    assert again.settings == one.settings
    reach(again, one.steps.taken)
    assert weights(again) == weights(one)


def test_a_rate_holds_from_the_step_at_which_it_was_set():
    one, other = session(optimizer="sgd", lr=0.5), session(optimizer="sgd", lr=0.5)
    reach(one, 10)
    reach(other, 10)
    assert weights(one) == weights(other)
    before = one.steps.model.layers[0].weight.data
    one.change({"lr": 0.25})
    reach(one, 11)
    reach(other, 11)
    halved, whole = (each.steps.model.layers[0].weight.data - before for each in (one, other))
    np.testing.assert_allclose(halved, whole / 2, rtol=1e-9)


def test_the_way_back_leads_over_a_change():
    one, seen = session(dropout=0.2), {}
    for step in range(12):
        reach(one, step)
        seen[step] = weights(one), one.settings.after(step).lr
        if step == 5:
            one.change({"lr": 0.2})
            seen[step] = weights(one), 0.2
    for step in (11, 7, 5, 4, 0):
        one.steps.back_to(step)
        assert (weights(one), one.settings.after(step).lr) == seen[step]
    reach(one, 11)
    assert weights(one) == seen[11][0]


def test_a_change_after_the_way_back_forgets_those_that_came_later():
    one = session()
    for step, lr in ((4, 0.1), (8, 0.2)):
        reach(one, step)
        one.change({"lr": lr})
    reach(one, 12)
    one.steps.back_to(6)
    one.change({"lr": 0.3})
    assert [(each.step, each.given["lr"]) for each in one.settings.changes] == [(4, 0.1), (6, 0.3)]
    reach(one, 12)
    assert programmed(one) == weights(one)


def test_what_is_set_to_what_it_was_is_no_change():
    one = session()
    reach(one, 4)
    one.change({"lr": 0.01})
    one.change({"schedule": "constant", "schedule_options": {}})
    assert one.settings.changes == ()


def test_before_the_first_step_a_change_is_the_beginning():
    one = session()
    one.change({"lr": 0.3})
    assert (one.settings.lr, one.settings.changes) == (0.3, ())
    reach(one, 5)
    assert programmed(one) == weights(one)


def test_a_momentum_that_was_none_is_taken_from_the_first_step_again():
    one = session(optimizer="sgd", lr=0.1)
    reach(one, 9)
    before = one.steps
    one.change({"options": {"momentum": 0.5}})
    assert one.steps is not before  # the page has the rest of the steps taken
    reach(one, 20)
    assert programmed(one) == weights(one)


def test_a_lower_rate_leads_on_from_where_it_diverged():
    one = session(data="hills", loss="mse_loss", optimizer="sgd", lr=1e5)
    one.steps.task.model.layers[0].weight.data *= 1.0
    reach(one, 10_000)
    assert one.steps.diverged
    at = one.steps.taken
    one.change({"lr": 1e-9})
    reach(one, at + 5)
    assert (one.steps.diverged, one.steps.taken) == ("", at + 5)


def test_stop_conditions_change_without_a_trace():
    one = session()
    reach(one, 5)
    before = one.steps
    one.change({"stop_epoch": 3, "stop_loss": 0.1})
    assert (one.steps, one.settings.changes) == (before, ())
    assert (one.settings.stop_epoch, one.settings.stop_loss) == (3, 0.1)


@pytest.mark.parametrize(
    ("rate", "first"),
    [(0.3, 4), *for_full([(0.3, 0), (ad.optim.Exponential(0.3, 0.9), 4)])],
)
def test_the_rate_of_an_own_optimiser_can_be_changed(rate, first):
    X, y = np.random.default_rng(0).normal(size=(20, 2)), np.arange(20) % 2
    model = ad.nn.MLP(2, 3, 2, rng=0)
    make = lambda p: ad.optim.SGD(p, lr=rate)  # noqa: E731
    one = Session(bring_model(model, X, y, "cross_entropy", make, 6, 4, None))
    reach(one, first)
    one.change({"lr": 0.05})
    reach(one, 9)
    given = {"model": model, "X_train": X, "y_train": y, "make_optimizer": make}
    assert programmed(one, **given) == weights(one)
    with pytest.raises(SettingsError, match="only lr"):
        one.change({"schedule": "cosine", "schedule_options": {}})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"lr": 0}, "lr: expected a number from"),
        ({"lr": float("nan")}, "lr: expected a number from"),
        ({"lr": "1"}, "lr: expected a number from"),
        ({"options": {"beta1": 1.5}}, "beta1"),
        ({"options": {"closure": 1}}, "unknown options"),
        ({"options": []}, "expected an object"),
        ({"schedule": "exec", "schedule_options": {}}, "unknown schedule"),
        ({"schedule": "step", "schedule_options": {"every": 0}}, "every"),
    ],
)
def test_a_change_that_cannot_be_is_refused_and_changes_nothing(given, message):
    one = session()
    reach(one, 3)
    before = one.steps, one.settings, weights(one)
    with pytest.raises(SettingsError, match=message):
        one.change(given)
    assert (one.steps, one.settings, weights(one)) == before


def test_a_flag_needs_a_new_beginning():
    one = session(optimizer="sgd", options={"momentum": 0.5})
    reach(one, 3)
    with pytest.raises(SettingsError, match="nesterov: it cannot be changed"):
        one.change({"options": {"momentum": 0.5, "nesterov": True}})


@pytest.mark.parametrize(
    "changes",
    [
        7,
        [7],
        [{"step": 1}],
        [{"step": -1, "given": {}}],
        [{"step": 1.5, "given": {}}],
        [{"step": 2, "given": {}}, {"step": 2, "given": {}}],
        [{"step": 2, "given": {"layers": []}}],
        [{"step": 2, "given": {"lr": 1e99}}],
        [{"step": n, "given": {}} for n in range(201)],
    ],
)
def test_nonsense_among_the_changes_of_an_address_is_refused(changes):
    with pytest.raises(SettingsError):
        read({"changes": changes})


def test_a_table_of_rates_is_what_calls_give():
    rate = ByHand((0, 3, 5), (0.5, ad.optim.Exponential(1.0, 0.5), 0.25))
    for start, steps in ((0, 8), (1, 1), (4, 3), (9, 2)):
        expected = [rate(step) for step in range(start, start + steps)]
        assert rate.table(start, steps).tolist() == expected
    assert by_hand([(0, 0.5), (2, 0.5)]) == 0.5
