"""Per-sample gradients equal a backward pass for each row."""

from __future__ import annotations

import numpy as np
import pytest

from adjoint import nn
from adjoint.errors import ShapeError


def _expected(model, loss, X, y):
    rows = []
    for n in range(len(X)):
        model.zero_grad()
        loss(model(X[n : n + 1]), y[n : n + 1]).backward()
        rows.append({name: p.grad.copy() for name, p in model.named_parameters()})
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def _flat_loss(output, y):
    output = output[0] if isinstance(output, tuple) else output
    return ((output.sum(axis=(1, 2)) - y) ** 2).mean()


CLASSES = nn.CrossEntropyLoss()
MODELS = {
    "mlp": (lambda: nn.MLP(6, 5, 3, rng=0), CLASSES, (6,)),
    "convolution": (
        lambda: nn.Sequential(
            nn.Conv2d(1, 2, 3, rng=0), nn.ReLU(), nn.MaxPool(2), nn.Flatten(), nn.Linear(18, 3)
        ),
        CLASSES,
        (1, 8, 8),
    ),
    "lstm": (lambda: nn.LSTM(3, 4, rng=0), _flat_loss, (5, 3)),
    "transformer": (lambda: nn.TransformerEncoderLayer(8, 2, rng=0).eval(), _flat_loss, (5, 8)),
    "norm": (lambda: nn.Sequential(nn.Linear(6, 3, rng=0), nn.LayerNorm(3)), CLASSES, (6,)),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_each_row_has_the_gradient_of_its_own_backward_pass(name, dtype):
    make, loss, shape = MODELS[name]
    model, rng = make(), np.random.default_rng(0)
    for parameter in model.parameters():
        parameter.data = parameter.data.astype(dtype)
    X = rng.normal(size=(4, *shape)).astype(dtype)
    y = rng.integers(0, 3, 4) if loss is CLASSES else rng.normal(size=4).astype(dtype)
    found, expected = nn.per_sample_gradients(model, loss, X, y), _expected(model, loss, X, y)
    # Stacked products are added up in another order than single ones.
    tolerance = {np.float64: 1e-10, np.float32: 1e-3}[dtype]
    assert found.keys() == expected.keys()
    for key, gradient in found.items():
        assert gradient.dtype == dtype
        np.testing.assert_allclose(gradient, expected[key], rtol=tolerance, atol=tolerance)


def test_parameters_that_require_no_gradient_are_left_out():
    model = nn.MLP(6, 5, 3, rng=0)
    next(model.parameters()).requires_grad_(False)
    found = nn.per_sample_gradients(model, CLASSES, np.ones((2, 6)), np.array([0, 1]))
    assert len(found) == len(list(model.parameters())) - 1


def test_gradients_of_the_parameters_are_left_alone():
    model = nn.MLP(6, 3, rng=0)
    nn.per_sample_gradients(model, CLASSES, np.ones((2, 6)), np.array([0, 1]))
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_dropout_draws_for_each_row_what_a_loop_draws():
    one, other = (
        nn.Sequential(nn.Linear(6, 5, rng=0), nn.Dropout(0.5, rng=0), nn.Linear(5, 3, rng=1))
        for _ in range(2)
    )
    X, y = np.random.default_rng(0).normal(size=(4, 6)), np.array([0, 1, 2, 0])
    found, expected = nn.per_sample_gradients(one, CLASSES, X, y), _expected(other, CLASSES, X, y)
    for key, gradient in found.items():
        np.testing.assert_allclose(gradient, expected[key], rtol=1e-10, atol=1e-12)


def test_rows_that_would_meet_each_other_are_refused():
    model = nn.Sequential(nn.Linear(6, 3, rng=0), nn.BatchNorm(3))
    X, y = np.random.default_rng(0).normal(size=(4, 6)), np.array([0, 1, 2, 0])
    with pytest.raises(ShapeError, match="no variance"):
        nn.per_sample_gradients(model, CLASSES, X, y)
    model.eval()
    found = nn.per_sample_gradients(model, CLASSES, X, y)
    assert found["layers[0].weight"].shape == (4, 6, 3)


def test_a_loss_of_several_numbers_is_refused():
    with pytest.raises(ShapeError, match=r"shape \(1, 3\), not a single number"):
        nn.per_sample_gradients(nn.Linear(6, 3), lambda z, y: z, np.ones((2, 6)), np.zeros(2))
    model = nn.Linear(6, 3).requires_grad_(False)
    with pytest.raises(ValueError, match="no parameter requires a gradient"):
        nn.per_sample_gradients(model, CLASSES, np.ones((2, 6)), np.zeros(2, int))
