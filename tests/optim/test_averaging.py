"""The moving average of the weights: against its formula, in every tier, saved and shown."""

from __future__ import annotations

import numpy as np
import pytest

import adjoint as ad
from adjoint import optim
from adjoint.training.step import TrainingStep

STEPS, DECAY, LR = 20, 0.9, 0.1
INNER = {
    "sgd": lambda p: optim.SGD(p, lr=LR),
    "momentum": lambda p: optim.SGD(p, lr=LR, momentum=0.9),
    "adam": lambda p: optim.Adam(p, lr=LR),
}
EVERY = pytest.mark.parametrize("inner", INNER.values(), ids=INNER)


def problem(dtype=float):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(12, 3)).astype(dtype)
    model = ad.nn.MLP(3, 4, 1, activation="tanh", rng=0, dtype=dtype)
    return model, X, np.sin(X.sum(axis=1, keepdims=True))


def arrays(model):
    return [np.array(p.data) for p in model.parameters()]


def eager_step(model, X, y, optimizer):
    optimizer.zero_grad()
    ad.nn.functional.mse_loss(model(X), y).backward()
    optimizer.step()


def averages_of(optimizer):
    with optimizer.averaged():
        return [np.array(p.data) for p in optimizer.params]


def followed(inner, decay=DECAY):
    """Return the weights after plain steps of the inner optimiser, and NumPy's average of them."""
    model, X, y = problem()
    optimizer = inner(model.parameters())
    average = arrays(model)
    for step in range(STEPS):
        eager_step(model, X, y, optimizer)
        weight = decay(step) if callable(decay) else decay
        now = arrays(model)
        average = [weight * a + (1 - weight) * p for a, p in zip(average, now, strict=True)]
    return arrays(model), average


def assert_close(found, expected):
    for one, other in zip(found, expected, strict=True):
        # Twenty steps, of which each may round differently by tier.
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-13)


@EVERY
def test_twenty_eager_steps_give_the_inner_weights_and_the_formulas_average(inner):
    model, X, y = problem()
    optimizer = optim.EMA(inner(model.parameters()), decay=DECAY)
    for _ in range(STEPS):
        eager_step(model, X, y, optimizer)
    weights, average = followed(inner)
    assert all(map(np.array_equal, arrays(model), weights))
    assert_close(averages_of(optimizer), average)


@EVERY
@pytest.mark.parametrize("tier", ["portable", "native"])
def test_twenty_compiled_steps_give_the_formulas_average(inner, tier):
    model, X, y = problem()
    optimizer = optim.EMA(inner(model.parameters()), decay=DECAY)
    step = TrainingStep(
        model, ad.nn.functional.mse_loss, optimizer, tiers={} if tier == "portable" else None
    )
    for _ in range(STEPS):
        step(X, y)
    assert step.program(X, y).tier == tier
    weights, average = followed(inner)
    assert_close(arrays(model), weights)
    assert_close(averages_of(optimizer), average)


def test_native_epochs_give_the_formulas_average():
    model, X, y = problem()
    optimizer = optim.EMA(INNER["adam"](model.parameters()), decay=DECAY)
    fitting = {"loss": "mse_loss", "epochs": STEPS, "batch_size": len(X), "shuffle": False}
    history = ad.fit(model, (X, y), optimizer=optimizer, compile=True, progress=False, **fitting)
    assert history.tier == "native"
    assert_close(averages_of(optimizer), followed(INNER["adam"])[1])


def test_the_decay_may_be_a_schedule():
    def decay(step):
        return min(0.9, (1 + step) / (10 + step))

    model, X, y = problem()
    optimizer = optim.EMA(INNER["sgd"](model.parameters()), decay=decay)
    step = TrainingStep(model, ad.nn.functional.mse_loss, optimizer)
    for _ in range(STEPS):
        step(X, y)
    assert_close(averages_of(optimizer), followed(INNER["sgd"], decay)[1])


def test_float32_stays_float32():
    model, X, y = problem(np.float32)
    optimizer = optim.EMA(INNER["adam"](model.parameters()), decay=DECAY)
    eager_step(model, X, y, optimizer)
    assert {a.dtype for a in [*averages_of(optimizer), *arrays(model)]} == {np.dtype(np.float32)}


def test_a_saved_state_goes_on_to_the_same_bits():
    model, X, y = problem()
    optimizer = optim.EMA(INNER["adam"](model.parameters()), decay=DECAY)
    for _ in range(STEPS // 2):
        eager_step(model, X, y, optimizer)
    saved, weights = optimizer.state_dict(), model.state_dict()
    resumed = problem()[0]
    resumed.load_state_dict(weights)
    other = optim.EMA(INNER["adam"](resumed.parameters()), decay=0.5)
    other.load_state_dict(saved)
    for _ in range(STEPS // 2):
        eager_step(model, X, y, optimizer)
        eager_step(resumed, X, y, other)
    assert all(map(np.array_equal, arrays(resumed), arrays(model)))
    assert all(map(np.array_equal, averages_of(other), averages_of(optimizer)))


def test_an_optimiser_under_way_is_taken_over():
    model, X, y = problem()
    inner = INNER["adam"](model.parameters())
    for _ in range(STEPS // 2):
        eager_step(model, X, y, inner)
    optimizer = optim.EMA(inner, decay=DECAY)
    for _ in range(STEPS // 2):
        eager_step(model, X, y, optimizer)
    assert optimizer.steps == STEPS
    assert all(map(np.array_equal, arrays(model), followed(INNER["adam"])[0]))


def test_before_the_first_step_the_averages_are_the_weights():
    model, _, _ = problem()
    optimizer = optim.EMA(INNER["adam"](model.parameters()))
    assert all(map(np.array_equal, averages_of(optimizer), arrays(model)))


def test_groups_keep_their_settings():
    a, b = (ad.tensor([1.0], requires_grad=True) for _ in range(2))
    inner = optim.SGD([{"params": [a], "lr": 0.5}, {"params": [b]}], lr=0.25)
    optimizer = optim.EMA(inner, decay=0.5)
    (a + b).sum().backward()
    optimizer.step()
    assert (a.item(), b.item()) == (0.5, 0.75)
    assert [average.item() for average in averages_of(optimizer)] == [0.75, 0.875]


def test_clipping_is_taken_over():
    a = ad.tensor([1.0], requires_grad=True)
    optimizer = optim.EMA(optim.SGD([a], lr=1.0).clip_gradients(value=0.25), decay=0.5)
    (3 * a).sum().backward()
    optimizer.step()
    assert a.item() == 0.75


@pytest.mark.parametrize("failing", [False, True])
def test_leaving_the_block_puts_the_very_arrays_back(failing):
    model, X, y = problem()
    optimizer = optim.EMA(INNER["adam"](model.parameters()), decay=DECAY)
    eager_step(model, X, y, optimizer)
    before = [p.data for p in model.parameters()]
    try:
        with optimizer.averaged():
            assert all(p.data is not b for p, b in zip(model.parameters(), before, strict=True))
            if failing:
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        assert failing
    assert all(p.data is b for p, b in zip(model.parameters(), before, strict=True))


def test_training_inside_the_block_is_undone_and_reported():
    model, X, y = problem()
    optimizer = optim.EMA(INNER["sgd"](model.parameters()), decay=DECAY)
    before = arrays(model)
    with pytest.raises(RuntimeError, match="train outside"), optimizer.averaged():
        eager_step(model, X, y, optimizer)
    assert all(map(np.array_equal, arrays(model), before))
    assert (optimizer.steps, optimizer.memory[0]) == (0, {})


def test_an_average_of_an_average_is_refused():
    inner = optim.SGD([ad.tensor([1.0], requires_grad=True)], lr=0.1)
    with pytest.raises(ValueError, match="average once"):
        optim.EMA(optim.EMA(inner))
    with pytest.raises(TypeError, match="expected an Optimizer"):
        optim.EMA([inner])
    with pytest.raises(ValueError, match="decay must be"):
        optim.EMA(inner, decay=1.0)


def test_a_rule_of_ones_own_inside_is_not_compiled_unasked():
    class Own(optim.SGD):
        pass

    model, X, y = problem()
    optimizer = optim.EMA(Own(model.parameters(), lr=0.1))
    history = ad.fit(
        model, (X, y), loss="mse_loss", optimizer=optimizer, epochs=600, progress=False,
        batch_size=12,
    )  # fmt: skip
    assert history.tier == "eager"
    assert "Own" in history.report()


def test_it_shows_what_it_averages_and_how():
    inner = optim.SGD(ad.nn.Linear(2, 3, rng=0).parameters(), lr=0.1)
    assert repr(optim.EMA(inner, decay=0.9)) == (
        "EMA(SGD, lr=0.1, decay=0.9): 9 parameters in 2 tensors, 0 steps"
    )
