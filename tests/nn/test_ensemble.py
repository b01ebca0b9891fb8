"""An ensemble is the mean of its members, in its outputs and in their gradients."""

import numpy as np
import pytest

from adjoint import nn
from adjoint.network import Category, Design, Perceptron


@pytest.mark.parametrize("count", [1, 2, 5])
def test_an_ensemble_returns_the_mean_of_its_members(count):
    members = [nn.MLP(3, 4, 2, rng=k) for k in range(count)]
    x = np.random.default_rng(0).normal(size=(6, 3))
    expected = np.mean([member(x).data for member in members], axis=0)
    np.testing.assert_allclose(nn.Ensemble(members)(x).data, expected, rtol=1e-12)


def test_each_member_of_an_ensemble_gets_its_share_of_the_gradient():
    members = [nn.Linear(3, 1, rng=k) for k in range(4)]
    x = np.ones((2, 3))
    nn.Ensemble(members)(x).sum().backward()
    for member in members:
        np.testing.assert_allclose(member.weight.grad, 2 / 4, rtol=1e-12)


def test_an_ensemble_without_members_is_refused():
    with pytest.raises(ValueError, match="at least one member"):
        nn.Ensemble([])


@pytest.mark.parametrize("columns", [0, 3])
def test_lookups_by_product_equal_lookups_by_number(columns):
    category = Category(0, 4, 2)
    x = np.random.default_rng(0).normal(size=(8, columns + 1)).astype(np.float32)
    x[:, 0] = np.arange(8) % 4
    found = []
    for by_product in (False, True):
        design = Design(
            (columns + 2, 5, 3),
            ("tanh",),
            categories=(category,),
            linear_path=True,
            by_product=by_product,
        )
        network = Perceptron(design, np.random.RandomState(0), np.float32)
        rng = np.random.default_rng(1)
        network.linear_path.set(
            rng.normal(size=(columns, 3)), [rng.normal(size=(4, 3))], rng.normal(size=3)
        )
        network(x).sum().backward()
        found.append([network(x).data, *(np.asarray(p.grad) for p in network.parameters())])
    for by_number, by_product in zip(*found, strict=True):
        # float32 rounds the sums of a product in another order.
        np.testing.assert_allclose(by_product, by_number, rtol=1e-5, atol=1e-6)
