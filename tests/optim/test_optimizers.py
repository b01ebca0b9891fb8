"""Every optimiser: twenty steps against its formula and PyTorch's, and the same in every tier."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest
from adjoint.graph import trace

import adjoint as ad
from adjoint import optim
from adjoint.compiler.program import Program
from adjoint.optim import Optimizer
from sampled import sampled

STEPS = 20


def adam(p, gradients, lr, weight_decay, beta1=0.9, beta2=0.999, epsilon=1e-8, kind="adam"):
    """Return p after steps of Adam and its relatives, as their papers write them."""
    m = v = greatest = 0.0
    momenta = 1.0
    for t, g in enumerate(gradients, 1):
        if kind == "adamw":
            p = p * (1 - lr * weight_decay)
        else:
            g = g + weight_decay * p
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        unbiased, square = m / (1 - beta1**t), v / (1 - beta2**t)
        if kind == "amsgrad":
            greatest = np.maximum(greatest, v)
            square = greatest / (1 - beta2**t)
        if kind == "nadam":
            now, coming = (beta1 * (1 - 0.96 ** (n * 4e-3) / 2) for n in (t, t + 1))
            momenta *= now
            unbiased = coming * m / (1 - momenta * coming) + (1 - now) * g / (1 - momenta)
        if kind == "radam":
            most = 2 / (1 - beta2) - 1
            known = most - 2 * t * beta2**t / (1 - beta2**t)
            if known <= 5:
                p = p - lr * unbiased
                continue
            r = (known - 4) * (known - 2) * most / ((most - 4) * (most - 2) * known)
            step = unbiased * math.sqrt(r) * math.sqrt(1 - beta2**t) / (np.sqrt(v) + epsilon)
        else:
            step = unbiased / (np.sqrt(square) + epsilon)
        p = p - lr * step
    return p


def rmsprop(p, gradients, lr=1e-2, alpha=0.99, momentum=0.0, centered=False, weight_decay=0.0):
    v = mean = b = 0.0
    for g in gradients:
        g = g + weight_decay * p
        v = alpha * v + (1 - alpha) * g**2
        mean = alpha * mean + (1 - alpha) * g
        b = momentum * b + g / (np.sqrt(v - mean**2 if centered else v) + 1e-8)
        p = p - lr * b
    return p


def adagrad(p, gradients, lr=1e-2, lr_decay=0.0, weight_decay=0.0, initial=0.0):
    total = initial
    for t, g in enumerate(gradients):
        g = g + weight_decay * p
        total = total + g**2
        p = p - lr / (1 + t * lr_decay) * g / (np.sqrt(total) + 1e-10)
    return p


def adadelta(p, gradients, lr=1.0, rho=0.9, weight_decay=0.0):
    v = u = 0.0
    for g in gradients:
        g = g + weight_decay * p
        v = rho * v + (1 - rho) * g**2
        step = np.sqrt(u + 1e-6) / np.sqrt(v + 1e-6) * g
        u = rho * u + (1 - rho) * step**2
        p = p - lr * step
    return p


def lion(p, gradients, lr=1e-4, beta1=0.9, beta2=0.99, weight_decay=0.0):
    m = 0.0
    for g in gradients:
        p = p * (1 - lr * weight_decay) - lr * np.sign(beta1 * m + (1 - beta1) * g)
        m = beta2 * m + (1 - beta2) * g
    return p


def sgd(p, gradients, lr, momentum=0.0, nesterov=False, weight_decay=0.0):
    b = 0.0
    for g in gradients:
        g = g + weight_decay * p
        b = momentum * b + g
        p = p - lr * (g + momentum * b if nesterov else b)
    return p


# The optimiser, its settings, and its formula; PyTorch's name where it has another.
TABLE = [
    ("SGD", {"lr": 0.1}, sgd),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}, sgd),
    ("Adam", {}, adam),
    ("Adam", {"lr": 0.1, "beta1": 0.5, "beta2": 0.8, "weight_decay": 0.1}, adam),
    ("AdamW", {}, adam),
    ("AdamW", {"lr": 0.1, "beta2": 0.9, "weight_decay": 0.3}, adam),
    ("AMSGrad", {}, adam),
    ("AMSGrad", {"lr": 0.1, "beta2": 0.7, "weight_decay": 0.1}, adam),
    ("NAdam", {}, adam),
    ("NAdam", {"lr": 0.1, "weight_decay": 0.1}, adam),
    ("RAdam", {}, adam),
    ("RAdam", {"lr": 0.1, "beta2": 0.95, "weight_decay": 0.1}, adam),
    ("RMSprop", {}, rmsprop),
    ("RMSprop", {"alpha": 0.8, "momentum": 0.9, "weight_decay": 0.1}, rmsprop),
    ("RMSprop", {"alpha": 0.8, "centered": True}, rmsprop),
    ("Adagrad", {}, adagrad),
    ("Adagrad", {"lr_decay": 0.1, "weight_decay": 0.1, "initial": 0.5}, adagrad),
    ("Adadelta", {}, adadelta),
    ("Adadelta", {"lr": 0.5, "rho": 0.7, "weight_decay": 0.1}, adadelta),
    ("Lion", {}, lion),
    ("Lion", {"lr": 0.1, "beta1": 0.5, "weight_decay": 0.1}, lion),
]
IDS = [f"{name}-{len(settings)}" for name, settings, _ in TABLE]
every = pytest.mark.parametrize(("name", "settings", "formula"), TABLE, ids=IDS)


def start(dtype=float):
    rng = np.random.default_rng(0)
    return rng.normal(size=(2, 3)).astype(dtype), rng.normal(size=(STEPS, 2, 3)).astype(dtype)


def after(name, settings, dtype=float):
    p, gradients = start(dtype)
    w = ad.tensor(p, requires_grad=True)
    optimizer = getattr(optim, name)([w], **settings)
    for g in gradients:
        w.grad = g
        optimizer.step()
    assert w.dtype == dtype
    assert all(array.dtype == dtype for array in optimizer.memory[0].values())
    return w.data


@every
def test_twenty_steps_follow_the_formula(name, settings, formula):
    p, gradients = start()
    given = dict(settings)
    if formula is adam:
        signature = inspect.signature(getattr(optim, name)).parameters
        defaults = {key: signature[key].default for key in ("lr", "weight_decay")}
        given = {**defaults, **given, "kind": name.lower()}
    expected = formula(p, gradients, **given)
    np.testing.assert_allclose(after(name, settings), expected, rtol=1e-11)
    # Twenty steps of rounding to 24 bits.
    np.testing.assert_allclose(after(name, settings, np.float32), expected, rtol=2e-4, atol=2e-5)


@every
@pytest.mark.filterwarnings("ignore")
def test_twenty_steps_are_pytorchs(name, settings, formula):
    torch = pytest.importorskip("torch")
    if name == "Lion":
        pytest.skip("PyTorch has none")
    theirs = dict(settings)
    if {"beta1", "beta2"} & theirs.keys():
        theirs["betas"] = theirs.pop("beta1", 0.9), theirs.pop("beta2", 0.999)
    if "initial" in theirs:
        theirs["initial_accumulator_value"] = theirs.pop("initial")
    if name == "AMSGrad":
        theirs["amsgrad"] = True
    p, gradients = start()
    w = torch.tensor(p, requires_grad=True)
    optimizer = getattr(torch.optim, "Adam" if name == "AMSGrad" else name)([w], **theirs)
    for g in gradients:
        w.grad = torch.tensor(g)
        optimizer.step()
    # PyTorch multiplies NAdam's momenta in float32.
    tolerance = 1e-7 if name == "NAdam" else 1e-9
    np.testing.assert_allclose(after(name, settings), w.detach().numpy(), rtol=tolerance)


@pytest.mark.parametrize(("name", "settings", "formula"), sampled(TABLE, 3), ids=IDS)
@pytest.mark.parametrize("dtype", [np.float64, pytest.param(np.float32, marks=pytest.mark.full)])
def test_every_tier_takes_the_same_steps(name, settings, formula, dtype):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(40, 3)).astype(dtype)
    y = (X[:, 0] > X[:, 1] ** 2).astype(int)
    settings = {**settings, "lr": 0.02}

    def trained(**how):
        model = ad.nn.MLP(3, 4, 2, activation="tanh", rng=0, dtype=dtype)
        history = ad.fit(
            model,
            (X, y),
            loss="cross_entropy",
            optimizer=lambda params: getattr(optim, name)(params, **settings),
            epochs=5,
            batch_size=12,
            seed=3,
            progress=False,
            **how,
        )
        return history, model.state_dict()

    eager, expected = trained(compile=False)
    native, found = trained(compile=True)
    steps, written = trained(
        compile=True, metrics={"mean": lambda prediction, target: prediction.mean()}
    )
    assert (eager.tier, native.tier) == ("eager", "native"), native.report()
    assert steps.tier != "eager", steps.report()
    # Where a moment is close to 0 its root makes much of rounding.
    tolerance = 1e-7 if dtype == np.float64 else 5e-3
    for weights in (found, written):
        for key, array in weights.items():
            np.testing.assert_allclose(array, expected[key], rtol=tolerance, atol=tolerance)


CLIPPINGS = [{"norm": 0.01}, {"value": 0.002}, {"norm": 0.01, "value": 0.004}]


@pytest.mark.parametrize("bounds", CLIPPINGS)
def test_gradients_are_clipped_by_the_formula(bounds):
    a = ad.tensor([1.0, 2.0], requires_grad=True)
    b = ad.tensor(3.0, requires_grad=True)
    optimizer = optim.SGD([a, b], lr=1.0).clip_gradients(**bounds)
    a.grad, b.grad = np.array([0.003, -0.03]), np.array(0.04)
    optimizer.step()
    whole = np.array([0.003, -0.03, 0.04])
    value = bounds.get("value", np.inf)
    whole = np.clip(whole, -value, value)
    if "norm" in bounds:
        whole *= min(1, bounds["norm"] / (np.linalg.norm(whole) + 1e-6))
    np.testing.assert_allclose(a.data, [1, 2] - whole[:2], rtol=1e-14)
    np.testing.assert_allclose(b.data, 3 - whole[2], rtol=1e-14)


@pytest.mark.parametrize("bounds", CLIPPINGS)
def test_clipped_steps_are_the_same_in_every_tier(bounds):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(40, 3))
    y = (X[:, 0] > X[:, 1] ** 2).astype(int)
    weights = []
    for how in (
        {"compile": False},
        {"compile": True},
        {"compile": True, "metrics": {"mean": lambda prediction, target: prediction.mean()}},
    ):
        model = ad.nn.MLP(3, 4, 2, activation="tanh", rng=0)
        optimizer = optim.SGD(model.parameters(), lr=0.5, momentum=0.9).clip_gradients(**bounds)
        history = ad.fit(
            model,
            (X, y),
            loss="cross_entropy",
            optimizer=optimizer,
            epochs=5,
            batch_size=12,
            seed=3,
            progress=False,
            **how,
        )
        weights.append(model.state_dict())
    assert history.tier != "eager", history.report()
    for other in weights[1:]:
        for key, array in other.items():
            np.testing.assert_allclose(array, weights[0][key], rtol=1e-10, atol=1e-12)


HUGE = {np.float64: 1e200, np.float32: 1e30}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("tier", ["eager", "portable", "compiled"])
def test_a_norm_whose_square_is_out_of_range_scales_all_the_same(tier, dtype):
    top = float(np.finfo(dtype).max)
    for entries, expected in (
        ([3 * HUGE[dtype], 4 * HUGE[dtype]], [0.6, 0.8]),
        ([top] * 4, [0.5] * 4),
        ([-top, 1.0], [-1, 0]),
        ([top, 0.0], [1, 0]),
        ([3.0, 4.0], [3 / (5 + 1e-6), 4 / (5 + 1e-6)]),
        ([0.3, 0.4], [0.3, 0.4]),
        ([0.0, -0.0], [0, -0.0]),
        ([5e-324, 0.0], [dtype(5e-324), 0]),
        ([np.inf, 1.0], [np.nan] * 2),
        ([np.nan, 1.0], [np.nan] * 2),
        ([np.inf, -np.inf], [np.nan] * 2),
    ):
        whole = np.array(entries, dtype)
        found = clipped(tier, [whole[:1], whole[1:], np.zeros(0, dtype)])
        assert [array.dtype for array in found] == [dtype] * 3
        tolerance = 4 * float(np.finfo(dtype).eps)
        np.testing.assert_allclose(np.concatenate(found), expected, rtol=tolerance, atol=1e-38)
        assert np.signbit(found[1][0]) == np.signbit(expected[1]) or np.isnan(expected[1])


def clipped(tier, gradients):
    def clip(*gradients):
        return optim.clip_by_norm(gradients, 1.0)

    if tier == "eager":
        return clip(*gradients)
    if tier == "compiled":
        return list(map(np.asarray, ad.compile(clip)(*gradients)))
    return list(map(np.asarray, Program(trace(clip, *gradients), tiers={})(*gradients)))


class Steep(ad.nn.Module):
    def __init__(self, factor, width, dtype):
        self.factor, self.line = factor, ad.nn.Linear(3, width, rng=0, dtype=dtype)

    def forward(self, x):
        return self.line(x) * self.factor


@pytest.mark.parametrize("width", [2, 400], ids=["unrolled", "loops"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_step_along_a_huge_gradient_is_taken_in_every_tier(width, dtype):
    X = np.random.default_rng(1).normal(size=(20, 3)).astype(dtype)
    y = np.zeros((20, width), dtype)
    weights = []
    for how in (
        {"compile": False},
        {"compile": True},
        {"compile": True, "metrics": {"mean": lambda prediction, target: prediction.mean()}},
    ):
        model = Steep(HUGE[dtype], width, dtype)
        start = model.line.weight.data
        optimizer = optim.SGD(model.parameters(), lr=0.1).clip_gradients(norm=1.0)
        settings = {"loss": "mae_loss", "optimizer": optimizer, "epochs": 2, "batch_size": 20}
        history = ad.fit(model, (X, y), seed=0, progress=False, **settings, **how)
        assert (history.tier == "eager") == (not how["compile"]), history.report()
        weights.append(model.line.weight.data)
        assert 0.01 < np.linalg.norm(weights[-1] - start) < 0.21
    for other in weights[1:]:
        np.testing.assert_allclose(other, weights[0], rtol=1e-4, atol=1e-6)


def test_gradients_of_two_dtypes_keep_theirs():
    found = optim.clip_by_norm([np.ones(3, np.float32), np.ones(2)], 1.0)
    assert [array.dtype for array in found] == [np.float32, np.float64]


def test_a_bound_that_is_none_is_refused():
    w = ad.tensor([1.0], requires_grad=True)
    for bounds, message in (({"norm": 0}, "clip_norm must be"), ({"value": -1}, "clip_value must")):
        with pytest.raises(ValueError, match=message):
            optim.SGD([w], lr=0.1).clip_gradients(**bounds)


def test_every_optimiser_is_in_the_table():
    known = {
        name
        for name, item in vars(optim).items()
        if inspect.isclass(item) and issubclass(item, Optimizer) and item is not Optimizer
    }
    # An average goes around another optimiser, and has its own file of tests.
    assert known - {"EMA"} == {name for name, _, _ in TABLE}


def test_a_setting_that_is_no_number_is_refused_in_words():
    w = ad.tensor([1.0], requires_grad=True)
    for lr in ("fast", None, [0.1, 0.2]):
        with pytest.raises(TypeError, match="lr: expected a number, or a function of the steps"):
            optim.Adam([w], lr=lr)


def test_centred_rmsprop_survives_gradients_that_do_not_change():
    # The variance is rounding then, and may fall below 0.
    w = ad.tensor(np.zeros(50), requires_grad=True)
    gradient = np.linspace(0.1, 7.0, 50)
    optimizer = optim.RMSprop([w], lr=1e-9, alpha=0.5, centered=True)
    for _ in range(200):
        w.grad = gradient
        optimizer.step()
    assert np.isfinite(w.data).all()
