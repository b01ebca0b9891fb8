"""L-BFGS: against SciPy on a gradient written by hand, compiled or not, and how it ends."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from scipy.optimize import minimize

import adjoint as ad

WEIGHT_DECAY = 0.01


def problem(n=60):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 3))
    return X, (X @ [1.0, -2.0, 0.5] + rng.normal(size=n) > 0).astype(int)


def logistic(vector, X, y):
    """Return the mean cross-entropy of two classes, penalised, and its gradient, in NumPy."""
    W, b = vector[:6].reshape(3, 2), vector[6:]
    Z = X @ W + b
    Z = Z - Z.max(axis=1, keepdims=True)
    P = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
    one_hot = np.eye(2)[y]
    d_z = (P - one_hot) / len(X)
    gradient = np.concatenate([(X.T @ d_z).ravel(), d_z.sum(axis=0)])
    loss = -np.sum(one_hot * np.log(P)) / len(X) + WEIGHT_DECAY / 2 * vector @ vector
    return loss, gradient + WEIGHT_DECAY * vector


def vector_of(model):
    return np.concatenate([p.data.ravel() for p in model.parameters()])


def fit(model, data, **settings):
    settings = {"loss": "cross_entropy", "weight_decay": WEIGHT_DECAY, **settings}
    return ad.fit_lbfgs(model, data, progress=False, **settings)


@pytest.mark.parametrize("compile", [False, True])
def test_logistic_regression_is_scipys_on_a_gradient_by_hand(compile):
    X, y = problem()
    model = ad.nn.Linear(3, 2, rng=0)
    start = vector_of(model)
    assert [p.shape for p in model.parameters()] == [(3, 2), (2,)]
    options = {"gtol": 1e-10, "ftol": 0.0}
    found = minimize(logistic, start, (X, y), jac=True, method="L-BFGS-B", options=options)
    history = fit(model, (X, y), tolerance=1e-10, compile=compile)
    # The penalty makes the Hessian at least 0.01: a gradient of 1e-10 is within 1e-8 of the best.
    np.testing.assert_allclose(vector_of(model), found.x, rtol=0, atol=1e-8)
    assert history.loss[-1] == pytest.approx(found.fun, abs=1e-12)
    assert history.reasons[-1].startswith("converged")
    assert history.tier == ("native" if compile else "eager")


def test_the_loss_falls_at_every_iteration_and_the_callbacks_see_it():
    X, y = problem()
    model = ad.nn.MLP(3, 4, 2, rng=0)
    seen = []
    history = fit(model, (X, y), max_iter=15, callbacks=[lambda h, m: seen.append(len(h))])
    assert seen == history.epochs == list(range(1, 16))
    assert np.all(np.diff(history.loss) < 0)
    assert history.reasons[-1] == "not converged: ended after max_iter=15 iterations"


def test_a_true_answer_of_a_callback_ends_it():
    history = fit(ad.nn.MLP(3, 4, 2, rng=0), problem(), callbacks=[lambda h, m: len(h) == 3])
    assert len(history) == 3
    assert "callback" in history.reasons[-1]


@pytest.mark.parametrize("compile", [False, True])
def test_frozen_parameters_stay(compile):
    model = ad.nn.MLP(3, 4, 2, rng=0)
    first, *others = model.parameters()
    first.requires_grad_(False)
    before = [p.data for p in (first, *others)]
    fit(model, problem(), max_iter=5, compile=compile)
    assert first.data is before[0]
    assert not any(np.array_equal(p.data, b) for p, b in zip(others, before[1:], strict=True))


def test_ctrl_c_keeps_the_best_so_far():
    X, y = problem()
    points = []

    def interrupting(history, model):
        points.append(vector_of(model))
        if len(history) == 4:
            raise KeyboardInterrupt

    model = ad.nn.MLP(3, 4, 2, rng=0)
    history = fit(model, (X, y), callbacks=[interrupting])
    assert history.interrupted
    assert len(history) == 4
    np.testing.assert_array_equal(vector_of(model), points[-1])


@pytest.mark.parametrize("compile", [False, True])
def test_an_error_puts_the_very_arrays_back(compile):
    def failing(history, model):
        if len(history) == 3:
            raise OSError("full")

    model = ad.nn.MLP(3, 4, 2, rng=0).eval()
    before = [p.data for p in model.parameters()]
    with pytest.raises(OSError, match="full"):
        fit(model, problem(), callbacks=[failing], compile=compile)
    assert all(p.data is b for p, b in zip(model.parameters(), before, strict=True))
    assert not model.training


def test_a_first_loss_that_is_not_finite_is_refused():
    model = ad.nn.Linear(3, 1, rng=0)
    X, y = problem()
    model.bias.data = np.array([1e200])
    with pytest.raises(ad.DivergedError, match="first weights is inf"):
        fit(model, (X, y[:, None] * 1.0), loss="mse_loss", weight_decay=0.0)


def test_float32_stays_float32():
    X, y = problem()
    model = ad.nn.MLP(3, 4, 2, rng=0, dtype=np.float32)
    history = fit(model, (X, y), tolerance=1e-3, max_iter=500)
    assert {p.dtype for p in model.parameters()} == {np.dtype(np.float32)}
    assert history.reasons[-1].startswith("converged")


def test_settings_out_of_range_are_refused():
    model, data = ad.nn.Linear(3, 2, rng=0), problem()
    for name, value in {"tolerance": 0.0, "max_iter": 0, "history_size": 0}.items():
        with pytest.raises((ValueError, TypeError), match=name):
            fit(model, data, **{name: value})
    with pytest.raises(ValueError, match="compile"):
        fit(model, data, compile="always")


def test_without_scipy_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(ImportError, match="fit_lbfgs needs scipy: python -m pip install scipy"):
        fit(ad.nn.Linear(3, 2, rng=0), problem())


def test_an_error_puts_back_what_a_module_assigned_to_itself():
    class Counting(ad.nn.Linear):
        calls = 0

        def forward(self, x):
            self.calls += 1
            if self.calls == 3:
                raise OSError("full")
            return super().forward(x)

    model = Counting(3, 2, rng=0)
    with pytest.raises(OSError, match="full"):
        fit(model, problem(), compile=False)
    assert model.calls == 0
