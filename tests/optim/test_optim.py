"""Optimisers against their formulas."""

from __future__ import annotations

import numpy as np
import pytest
from adjoint.graph import trace

import adjoint as ad
from adjoint import optim
from adjoint.optim import SGD, Adam, adam_update, sgd_update

SETTINGS = [
    {},
    {"momentum": 0.9},
    {"momentum": 0.9, "nesterov": True},
    {"weight_decay": 0.1},
    {"momentum": 0.5, "nesterov": True, "weight_decay": 0.1},
]


def leaf(*entries, dtype=float):
    return ad.tensor(np.array(entries, dtype), requires_grad=True)


def by_the_formula(p, gradients, lr, momentum=0.0, nesterov=False, weight_decay=0.0):
    """PyTorch's documented algorithm, written out step by step."""
    b = None
    for g in gradients:
        g = g + weight_decay * p
        if momentum != 0:
            b = g.copy() if b is None else momentum * b + g
            g = g + momentum * b if nesterov else b
        p = p - lr * g
    return p


@pytest.mark.parametrize("settings", SETTINGS)
def test_sgd_follows_its_formula(settings):
    gradients = np.random.default_rng(0).normal(size=(6, 3))
    w = leaf(1.0, -2.0, 3.0)
    optimizer = SGD([w], lr=0.1, **settings)
    for g in gradients:
        w.grad = g
        optimizer.step()
    expected = by_the_formula(np.array([1.0, -2.0, 3.0]), gradients, 0.1, **settings)
    np.testing.assert_allclose(w.data, expected, rtol=1e-14)


@pytest.mark.parametrize("settings", SETTINGS)
def test_the_update_is_the_same_on_arrays_tensors_and_symbols(settings):
    p, g, v = np.random.default_rng(0).normal(size=(3, 4))
    hyper = {"lr": 0.1, "momentum": 0.0, "nesterov": False, "weight_decay": 0.0} | settings
    expected = sgd_update(p, g, v, **hyper)
    on_tensors = sgd_update(ad.tensor(p), ad.tensor(g), ad.tensor(v), **hyper)
    on_symbols = trace(lambda p, g, v: sgd_update(p, g, v, **hyper), p, g, v)(p, g, v)
    for a, b, c in zip(expected, on_tensors, on_symbols, strict=True):
        np.testing.assert_array_equal(a, b.data)
        np.testing.assert_array_equal(a, c)


def test_the_settings_may_be_symbols_too():
    def update(p, g, v, lr, momentum):
        return sgd_update(p, g, v, lr=lr, momentum=momentum)

    arrays = (np.ones(2), np.ones(2), np.zeros(2), np.array(0.1), np.array(0.5))
    for a, b in zip(trace(update, *arrays)(*arrays), update(*arrays), strict=True):
        np.testing.assert_array_equal(a, b)


def test_no_velocity_is_the_same_as_a_velocity_of_zero():
    p, g = np.ones(3), np.arange(3.0)
    for a, b in zip(
        sgd_update(p, g, lr=0.1, momentum=0.9),
        sgd_update(p, g, np.zeros(3), lr=0.1, momentum=0.9),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)


def test_a_step_writes_a_new_array_and_leaves_the_recorded_one():
    w = leaf(1.0, 2.0)
    before = w.data
    loss = (w * w).sum()
    loss.backward()
    optimizer = SGD([w], lr=0.1)
    optimizer.step()
    assert w.data is not before
    np.testing.assert_array_equal(before, [1, 2])
    assert w.is_leaf
    assert w.requires_grad
    optimizer.zero_grad()
    assert w.grad is None
    loss.backward()
    np.testing.assert_array_equal(w.grad.data, [2, 4])


def test_a_step_keeps_float32():
    w = leaf(1.0, 2.0, dtype=np.float32)
    optimizer = SGD([w], lr=np.float64(0.1), momentum=np.float64(0.9), weight_decay=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        (w * w).sum().backward()
        optimizer.step()
    assert w.data.dtype == np.float32
    assert optimizer.memory[0]["velocity"].dtype == np.float32


def test_a_parameter_without_gradient_or_frozen_stays():
    a, b, c = leaf(1.0), leaf(1.0), leaf(1.0)
    optimizer = SGD([a, b, c], lr=0.1, weight_decay=0.5)
    (a * b).sum().backward()
    b.requires_grad_(False)
    optimizer.step()
    optimizer.zero_grad()
    np.testing.assert_allclose(a.data, [0.85])
    np.testing.assert_array_equal(b.data, [1])
    np.testing.assert_array_equal(c.data, [1])


def test_an_error_in_one_update_leaves_all_parameters():
    class Failing(SGD):
        def update(self, parameter, gradient, memory, settings):
            if parameter[0] == 2:
                raise KeyboardInterrupt
            return super().update(parameter, gradient, memory, settings)

    a, b = leaf(1.0), leaf(2.0)
    optimizer = Failing([a, b], lr=0.1)
    (a * b).sum().backward()
    with pytest.raises(KeyboardInterrupt):
        optimizer.step()
    np.testing.assert_array_equal(a.data, [1])


def test_the_learning_rate_can_be_changed_and_is_checked():
    w = leaf(1.0)
    optimizer = SGD([w], lr=0.1)
    optimizer.lr = 0.5
    w.grad = [1.0]
    optimizer.step()
    np.testing.assert_array_equal(w.data, [0.5])
    with pytest.raises(ValueError, match="lr must be positive"):
        optimizer.lr = 0


def test_the_learning_rate_can_become_a_schedule():
    w = leaf(1.0)
    optimizer = SGD([w], lr=0.1)
    optimizer.lr = lambda step: 0.5 * 0.5**step
    for _ in range(2):
        w.grad = [1.0]
        optimizer.step()
    np.testing.assert_array_equal(w.data, [0.25])


@pytest.mark.parametrize("lr", [0, -0.1, np.inf, np.nan])
def test_a_learning_rate_must_be_positive_and_finite(lr):
    with pytest.raises(ValueError, match=r"lr must be positive and finite, got"):
        SGD([leaf(1.0)], lr=lr)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"momentum": 1.0}, "momentum must be at least 0 and below 1"),
        ({"momentum": -0.1}, "momentum must be"),
        ({"momentum": np.nan}, "momentum must be"),
        ({"weight_decay": -1}, "weight_decay must be"),
        ({"nesterov": True}, "nesterov=True needs momentum"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        SGD([leaf(1.0)], lr=0.1, **settings)


def test_params_must_be_leaves_that_require_a_gradient_each_once():
    w = leaf(1.0)
    with pytest.raises(ValueError, match="params is empty"):
        SGD([], lr=0.1)
    with pytest.raises(ValueError, match=r"params\[1\] is a computed value"):
        SGD([w, w * 2], lr=0.1)
    with pytest.raises(ValueError, match=r"params\[0\], shape \(1,\), requires no gradient"):
        SGD([ad.tensor([1.0])], lr=0.1)
    with pytest.raises(ValueError, match="same tensor twice"):
        SGD([w, w], lr=0.1)
    with pytest.raises(TypeError, match=r"params\[0\]: expected a Tensor, got ndarray"):
        SGD([np.ones(2)], lr=0.1)
    with pytest.raises(TypeError, match="got Tensor"):
        SGD(w, lr=0.1)
    with pytest.raises(TypeError, match="got MLP"):
        SGD(ad.nn.MLP(2, 2), lr=0.1)


def stepped(optimizer, w, times):
    for _ in range(times):
        optimizer.zero_grad()
        (w**4).sum().backward()
        optimizer.step()


def test_a_restored_optimiser_continues_as_if_never_stopped():
    w = leaf(1.0, 2.0)
    optimizer = SGD([w], lr=0.01, momentum=0.9)
    stepped(optimizer, w, 3)
    state, weights = optimizer.state_dict(), w.data.copy()
    stepped(optimizer, w, 3)
    again = leaf(*weights)
    other = SGD([again], lr=0.5, momentum=0.1)
    other.load_state_dict(state)
    state["memory"][0]["velocity"][:] = 0
    stepped(other, again, 3)
    np.testing.assert_array_equal(again.data, w.data)


def test_a_state_shares_no_memory_with_the_optimiser():
    w = leaf(1.0, 2.0)
    optimizer = SGD([w], lr=0.01, momentum=0.9)
    stepped(optimizer, w, 1)
    state = optimizer.state_dict()
    state["memory"][0]["velocity"][:] = 7
    state["groups"][0]["lr"] = 7
    assert optimizer.lr == 0.01
    assert not (optimizer.memory[0]["velocity"] == 7).any()


def test_a_state_that_does_not_fit_is_refused_and_changes_nothing():
    w = leaf(1.0, 2.0)
    optimizer = SGD([w], lr=0.01, momentum=0.9)
    stepped(optimizer, w, 1)
    before = optimizer.state_dict()
    good = before["memory"][0]
    for state in (
        {},
        {"groups": [{"lr": 1.0}], "memory": [good], "steps": 1},
        before | {"memory": [good, good]},
        before | {"memory": [{"velocity": np.zeros(5)}]},
    ):
        with pytest.raises(ValueError, match="load_state_dict"):
            optimizer.load_state_dict(state)
    assert optimizer.lr == 0.01
    np.testing.assert_array_equal(optimizer.memory[0]["velocity"], good["velocity"])


def test_what_is_remembered_at_first_is_known_before_the_first_step():
    w = leaf(1.0, 2.0, dtype=np.float32)
    for optimizer, shapes in (
        (SGD([w], lr=0.1), {}),
        (SGD([w], lr=0.1, momentum=0.5), {"velocity": (2,)}),
        (Adam([w]), {"first_moment": (2,), "second_moment": (2,), "steps": ()}),
    ):
        assert optimizer.memory == [{}]
        before = optimizer.recall(0)
        assert {name: array.shape for name, array in before.items()} == shapes
        assert all(array.dtype == np.float32 and not array.any() for array in before.values())
        w.grad = np.ones(2, np.float32)
        optimizer.step()
        after = optimizer.recall(0)
        assert {name: np.shape(array) for name, array in after.items()} == shapes
        assert all(array.dtype == np.float32 for array in after.values())


@pytest.mark.parametrize("rule", ad.optim.OPTIMIZERS)
def test_the_names_of_what_is_remembered_are_known(rule):
    w = leaf(1.0, 2.0)
    optimizer = ad.optim.OPTIMIZERS[rule]([w], lr=0.1)
    for _ in range(2):
        assert optimizer.remembered(0) == tuple(optimizer.recall(0))
        stepped(optimizer, w, 1)


def test_the_names_of_what_a_rule_of_ones_own_remembers_are_known():
    class Counting(Adam):
        def initial_memory(self, parameter, settings):
            return super().initial_memory(parameter, settings) | {"count": np.zeros(())}

    optimizer = Counting([leaf(1.0)])
    assert optimizer.remembered(0) == ("first_moment", "second_moment", "steps", "count")


def test_an_optimiser_that_took_no_step_is_restored_too():
    w = leaf(1.0, 2.0)
    optimizer = SGD([w], lr=0.01, momentum=0.9)
    stepped(optimizer, w, 1)
    optimizer.load_state_dict(SGD([w], lr=0.01, momentum=0.9).state_dict())
    np.testing.assert_array_equal(optimizer.recall(0)["velocity"], [0, 0])


def test_an_optimiser_shows_its_settings():
    assert repr(SGD([leaf(1.0)], lr=0.1)) == "SGD(lr=0.1): 1 parameter in 1 tensor, 0 steps"


def test_an_optimiser_shows_the_settings_that_are_not_the_defaults_and_its_steps():
    w = leaf(1.0, 2.0)
    optimizer = SGD([w], lr=0.1, momentum=0.9, nesterov=True)
    stepped(optimizer, w, 1)
    assert repr(optimizer) == (
        "SGD(lr=0.1, momentum=0.9, nesterov=True): 2 parameters in 1 tensor, 1 step"
    )


def test_an_optimiser_shows_the_settings_of_every_group():
    groups = [{"params": [leaf(1.0)], "lr": 0.2}, {"params": [leaf(1.0)], "weight_decay": 0.1}]
    assert repr(optim.Adam(groups, lr=0.1)) == (
        "Adam(lr=0.2; lr=0.1, weight_decay=0.1): 2 parameters in 2 tensors, 0 steps"
    )


def test_an_optimiser_with_a_schedule_fits_into_a_terminal():
    rate = optim.Cosine(0.1, steps=100)
    assert repr(optim.Adam([leaf(1.0)], lr=rate)) == (
        f"Adam(lr={rate}):\n  1 parameter in 1 tensor, 0 steps"
    )


def test_an_optimiser_of_ones_own_shows_all_that_it_has_no_default_for():
    class Own(optim.Optimizer):
        def __init__(self, params, **settings):
            super().__init__(params, **settings)

    assert repr(Own([leaf(1.0)], lr=0.1, momentum=0.5)) == (
        "Own(lr=0.1, momentum=0.5): 1 parameter in 1 tensor, 0 steps"
    )


def test_the_abstract_optimiser_has_no_update():
    w = leaf(1.0)
    w.grad = [1.0]
    with pytest.raises(NotImplementedError, match="Optimizer defines no update"):
        optim.Optimizer([w], lr=0.1).step()


# --- Adam


ADAM_SETTINGS = [
    {},
    {"beta1": 0.0},
    {"beta2": 0.5},
    {"beta1": 0.0, "beta2": 0.0, "epsilon": 1e-3},
    {"epsilon": 0.1, "weight_decay": 0.01},
]


def algorithm_1(p, gradient, lr, steps, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.0):
    """Kingma and Ba's algorithm 1, line by line."""
    m, v = np.zeros_like(p), np.zeros_like(p)
    for t in range(1, steps + 1):
        g = gradient(p) + weight_decay * p
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat = m / (1 - beta1**t)
        v_hat = v / (1 - beta2**t)
        p = p - lr * m_hat / (np.sqrt(v_hat) + epsilon)
    return p


@pytest.mark.parametrize("settings", ADAM_SETTINGS)
def test_adam_follows_its_algorithm_for_a_thousand_steps(settings):
    def gradient(p):
        return np.array([2, 20, 200]) * p + np.cos(p)

    start = np.array([1.0, -2.0, 3.0])
    w = leaf(*start)
    optimizer = Adam([w], lr=0.01, **settings)
    for _ in range(1000):
        w.grad = gradient(w.data)
        optimizer.step()
    expected = algorithm_1(start, gradient, 0.01, 1000, **settings)
    np.testing.assert_allclose(w.data, expected, rtol=1e-10)


@pytest.mark.parametrize("settings", ADAM_SETTINGS)
def test_adam_is_the_same_on_arrays_tensors_and_symbols(settings):
    p, g, m, v = np.random.default_rng(0).uniform(0.5, 1, size=(4, 3))
    arrays = (p, g, m, v, np.array(7.0))

    def update(*values):
        return adam_update(*values, lr=0.1, **settings)

    expected, on_tensors = update(*arrays), update(*map(ad.tensor, arrays))
    on_symbols = trace(update, *arrays)(*arrays)
    for a, b, c in zip(expected, on_tensors, on_symbols, strict=True):
        np.testing.assert_allclose(a, b.data, rtol=1e-15)
        np.testing.assert_allclose(a, c, rtol=1e-15)


@pytest.mark.parametrize("settings", ADAM_SETTINGS)
def test_adam_keeps_float32(settings):
    w = leaf(1.0, 2.0, dtype=np.float32)
    optimizer = Adam([w], lr=np.float64(0.1), **settings)
    stepped(optimizer, w, 3)
    assert w.data.dtype == np.float32
    assert {np.asarray(a).dtype for a in optimizer.memory[0].values()} == {np.dtype(np.float32)}


def test_the_first_steps_in_float32_are_of_the_length_of_the_learning_rate():
    # 1 - 0.999 computed in float32 is 5e-5 off, and its root in the length of the step.
    w = leaf(1.0, dtype=np.float32)
    w.grad = np.array([3.0], np.float32)
    Adam([w], lr=0.25).step()
    np.testing.assert_allclose(w.data, [0.75], rtol=3e-7)


def test_a_count_of_steps_that_no_longer_grows_does_no_harm():
    state = {"first_moment": np.ones(1), "second_moment": np.ones(1), "steps": 2.0**24}
    in_float32 = {name: np.array(a, np.float32) for name, a in state.items()}
    one = adam_update(np.ones(1, np.float32), np.ones(1, np.float32), **in_float32, lr=0.1)
    two = adam_update(np.ones(1), np.ones(1), **state, lr=0.1)
    assert one[-1] == 2**24
    assert two[-1] == 2**24 + 1
    np.testing.assert_allclose(one[0], two[0], rtol=1e-6)


def test_a_restored_adam_continues_as_if_never_stopped():
    w = leaf(1.0, 2.0)
    optimizer = Adam([w], lr=0.01)
    stepped(optimizer, w, 3)
    state, weights = optimizer.state_dict(), w.data.copy()
    stepped(optimizer, w, 3)
    again = leaf(*weights)
    other = Adam([again])
    other.load_state_dict(state)
    stepped(other, again, 3)
    np.testing.assert_array_equal(again.data, w.data)
    assert other.memory[0]["steps"] == 6


def test_a_memory_of_other_shapes_or_names_is_refused():
    w = leaf(1.0, 2.0)
    optimizer = Adam([w])
    stepped(optimizer, w, 1)
    state = optimizer.state_dict()
    (entry,) = state["memory"]
    for memory, message in (
        (entry | {"steps": np.ones(2)}, r"steps of params\[0\] has shape \(2,\), expected \(\)"),
        (entry | {"first_moment": 1.0}, r"first_moment .* has shape \(\), expected \(2,\)"),
        ({"steps": 1.0}, r"has steps, but not first_moment, second_moment"),
    ):
        with pytest.raises(ValueError, match=message):
            optimizer.load_state_dict(state | {"memory": [memory]})
    with pytest.raises(ValueError, match="this is no state of SGD"):
        SGD([w], lr=0.1).load_state_dict(state)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lr": 0}, "lr must be positive"),
        ({"beta1": 1.0}, "beta1 must be at least 0 and below 1"),
        ({"beta2": -0.1}, "beta2 must be at least 0 and below 1"),
        ({"beta2": np.nan}, "beta2 must be"),
        ({"epsilon": 0}, "epsilon must be positive and finite, got 0"),
        ({"weight_decay": -1}, "weight_decay must be at least 0"),
    ],
)
def test_adams_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Adam([leaf(1.0)], **settings)


def test_gradients_that_an_optimiser_forgot_are_noted_where_somebody_watches():
    w = ad.tensor([1.0, 2.0], requires_grad=True)
    with ad.diagnose():
        np.sum(w * w).backward()
        SGD([w], lr=0.1).zero_grad()
    assert w.grad is None
    assert ad.why(w).cause == "cleared"


def test_bounds_of_gradients_are_equal_by_their_numbers_and_do_not_change():
    bounds = optim.Clipping(norm=2, value=0.5)
    assert bounds == optim.Clipping(2.0, 0.5) != optim.Clipping(2.0)
    assert hash(bounds) == hash(optim.Clipping(2.0, 0.5))
    with pytest.raises(AttributeError, match="do not change; make a new Clipping"):
        bounds.norm = 3.0
    with pytest.raises(AttributeError, match="do not change; make a new Clipping"):
        del bounds.value
    assert repr(bounds) == "Clipping(norm=2.0, value=0.5)"
