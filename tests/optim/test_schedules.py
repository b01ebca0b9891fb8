"""Schedules and groups of parameters: their numbers, and the same steps in every tier."""

from __future__ import annotations

import math

import numpy as np
import pytest

import adjoint as ad
from adjoint.optim import (
    SGD,
    Adam,
    Chained,
    Cosine,
    Exponential,
    MultiStepDecay,
    OneCycle,
    Polynomial,
    StepDecay,
    Warmup,
)


def one_cycle(step, steps=50, peak=0.1):
    """PyTorch's documented anneal, written out."""
    low, top, last = peak / 25, 0.3 * steps - 1, steps - 1

    def between(a, b, share):
        return b + (a - b) / 2 * (1 + math.cos(math.pi * share))

    if step <= top:
        return between(low, peak, step / top)
    return between(peak, low / 1e4, (step - top) / (last - top))


# Each with its formula, and what PyTorch calls it, of a base rate of 0.1.
TABLE = [
    (
        StepDecay(0.1, every=7, factor=0.5),
        lambda t: 0.1 * 0.5 ** (t // 7),
        ("StepLR", {"step_size": 7, "gamma": 0.5}),
    ),
    (
        MultiStepDecay(0.1, milestones=(5, 30)),
        lambda t: 0.1 * 0.1 ** ((t >= 5) + (t >= 30)),
        ("MultiStepLR", {"milestones": [5, 30]}),
    ),
    (Exponential(0.1, 0.9), lambda t: 0.1 * 0.9**t, ("ExponentialLR", {"gamma": 0.9})),
    (
        Polynomial(0.1, steps=40, power=2),
        lambda t: 0.1 * max(0, 1 - t / 40) ** 2,
        ("PolynomialLR", {"total_iters": 40, "power": 2}),
    ),
    (
        Cosine(0.1, steps=49, end=0.01),
        lambda t: 0.01 + 0.045 * (1 + math.cos(math.pi * t / 49)),
        ("CosineAnnealingLR", {"T_max": 49, "eta_min": 0.01}),
    ),
    (
        Cosine(0.1, steps=7, restarts=True, growth=2),
        lambda t: (
            0.05 * (1 + math.cos(math.pi * ((t + 7) / 7 / 2 ** int(math.log2(t / 7 + 1)) - 1)))
        ),
        ("CosineAnnealingWarmRestarts", {"T_0": 7, "T_mult": 2}),
    ),
    (
        Cosine(0.1, steps=7, restarts=True),
        lambda t: 0.05 * (1 + math.cos(math.pi * (t % 7) / 7)),
        ("CosineAnnealingWarmRestarts", {"T_0": 7}),
    ),
    (OneCycle(0.1, steps=50), one_cycle, ("OneCycleLR", {"max_lr": 0.1, "total_steps": 50})),
    (
        Warmup(0.1, steps=10, share=0.25),
        lambda t: 0.1 * (0.25 + 0.75 * min(t / 10, 1)),
        ("LinearLR", {"start_factor": 0.25, "total_iters": 10}),
    ),
    (
        Chained(((0.2, 3), (Exponential(0.1, 0.5), 5))),
        lambda t: 0.2 if t < 3 else 0.1 * 0.5 ** (t - 3),
        None,
    ),
]
NAMES = [type(schedule).__name__ for schedule, _, _ in TABLE]


@pytest.mark.parametrize(("schedule", "formula", "_theirs"), TABLE, ids=NAMES)
def test_a_schedule_is_its_formula(schedule, formula, _theirs):
    numbers = [schedule(step) for step in range(50)]
    np.testing.assert_allclose(
        numbers, [formula(step) for step in range(50)], rtol=1e-11, atol=1e-17
    )


@pytest.mark.parametrize(("schedule", "_formula", "theirs"), TABLE, ids=NAMES)
@pytest.mark.filterwarnings("ignore")
def test_a_schedule_is_pytorchs(schedule, _formula, theirs):
    torch = pytest.importorskip("torch")
    if theirs is None:
        pytest.skip("it has none")
    name, settings = theirs
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    stepper = getattr(torch.optim.lr_scheduler, name)(optimizer, **settings)
    for step in range(49):
        assert schedule(step) == pytest.approx(stepper.get_last_lr()[0], rel=1e-9, abs=1e-15)
        optimizer.step()
        stepper.step()


def test_a_schedule_that_cannot_be_is_refused():
    for make, message in (
        (lambda: StepDecay(0.1, every=0), "every: expected a positive integer, got 0"),
        (lambda: Cosine(0.1, steps=1.5), "steps: expected a positive integer, got 1.5"),
        (lambda: OneCycle(0.1, steps=10, rise=0.05), "no step on one side of the peak"),
        (lambda: Chained(()), "at least one"),
    ):
        with pytest.raises(ValueError, match=message):
            make()


# --- in training ----------------------------------------------------------------------------------

X = np.random.default_rng(0).normal(size=(70, 2))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)


def trained(make, *, compile, epochs=60, **settings):
    model = ad.nn.MLP(2, 5, 2, activation="tanh", rng=0)
    kept = {}

    def optimizer(params):
        kept["optimizer"] = make(params)
        return kept["optimizer"]

    history = ad.fit(
        model,
        (X, Y),
        loss="cross_entropy",
        optimizer=optimizer,
        epochs=epochs,
        batch_size=32,
        seed=1,
        progress=False,
        compile=compile,
        **settings,
    )
    return history, model.state_dict(), kept["optimizer"]


def groups(params):
    params = list(params)
    return [
        {"params": params[:2], "lr": Cosine(0.02, steps=100)},
        {"params": params[2:], "weight_decay": 0.01},
    ]


OPTIMIZERS = {
    "scheduled": lambda p: Adam(p, lr=OneCycle(0.05, steps=180)),
    "momentum": lambda p: SGD(p, lr=0.1, momentum=Warmup(0.9, steps=50)),
    "groups": lambda p: Adam(groups(p), lr=0.01),
    "own": lambda p: SGD(p, lr=lambda step: 0.1 / (1 + step)),
}


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_schedules_and_groups_take_the_same_steps_in_every_tier(make):
    eager, expected, optimizer = trained(make, compile=False)
    native, found, other = trained(make, compile=True)
    steps, portable, third = trained(
        make, compile=True, metrics={"mean": lambda prediction, target: prediction.mean()}
    )
    assert (eager.tier, native.tier) == ("eager", "native")
    assert steps.reasons[0].startswith("no native epochs: the metric")
    assert optimizer.steps == other.steps == third.steps == 180
    # 180 steps of rounding in another order.
    for weights in (found, portable):
        for name, array in weights.items():
            np.testing.assert_allclose(array, expected[name], rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(native.loss, eager.loss, rtol=1e-9)


def test_each_group_has_its_own_settings():
    a = ad.tensor([1.0], requires_grad=True)
    b = ad.tensor([1.0], requires_grad=True)
    optimizer = SGD([{"params": a, "lr": 0.5}, {"params": [b]}], lr=0.1)
    for parameter in (a, b):
        parameter.grad = np.ones(1)
    optimizer.step()
    assert (a.data, b.data) == (0.5, 0.9)
    optimizer.lr = 0.25
    assert [group["lr"] for group in optimizer.groups] == [0.25, 0.25]


def test_groups_that_cannot_be_are_refused():
    a = ad.tensor([1.0], requires_grad=True)
    for params, message in (
        ([{"params": [a], "speed": 1}], "a group has no setting speed; it has lr"),
        ([{"lr": 1}], 'has no "params"'),
        ([{"params": []}], "is empty"),
        ([{"params": [a]}, {"params": [a]}], "same tensor twice"),
        ([{"params": [a], "lr": -1}], "lr must be positive"),
    ):
        with pytest.raises(ValueError, match=message):
            SGD(params, lr=0.1)


def test_a_state_knows_its_schedule_and_how_far_it_is():
    _, _, optimizer = trained(OPTIMIZERS["scheduled"], compile=False, epochs=2)
    state = optimizer.state_dict()
    assert state["steps"] == 6
    again = Adam(optimizer.params, lr=OneCycle(0.05, steps=180))
    again.load_state_dict(state)
    assert again.lr == OneCycle(0.05, steps=180)(6)
    other = Adam(optimizer.params, lr=OneCycle(0.06, steps=180))
    with pytest.raises(ValueError, match=r"lr was OneCycle\(peak=0.05.* is OneCycle\(peak=0.06"):
        other.load_state_dict(state)
    assert other.steps == 0


def test_a_step_that_is_undone_is_not_counted():
    def make(params):
        return SGD(params, lr=lambda step: math.inf if step == 50 else 0.1)

    for compile in (False, True):
        kept = []
        with pytest.raises(ad.DivergedError):
            trained(lambda p, kept=kept: kept.append(make(p)) or kept[0], compile=compile)
        assert kept[0].steps == 50


def halved(step):
    return 0.1 / 2**step


def test_a_schedule_of_the_users_is_known_again_by_its_name():
    w = ad.tensor([1.0], requires_grad=True)
    for schedule in (halved, Warmup(halved, steps=3)):
        text = SGD([w], lr=schedule).state_dict()["groups"][0]["lr"]
        # The address differs from process to process.
        assert "halved" in text
        assert "0x" not in text
        SGD([w], lr=schedule).load_state_dict(SGD([w], lr=schedule).state_dict())
