"""A parameter that requires no gradient is frozen: in every tier, by either way of saying so."""

from __future__ import annotations

import copy
import pickle
from itertools import pairwise

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn, optim
from adjoint.errors import GraphError

X, Y = ad.datasets.make_moons(40, noise=0.2, seed=0)
TIERS = {
    "eager": {"compile": False},
    "steps": {"compile": True, "metrics": {"mean": lambda prediction, target: prediction.mean()}},
    "native": {"compile": True},
}


def network(dtype=np.float64):
    return nn.MLP(2, 5, 2, activation="tanh", rng=0, dtype=dtype)


def train(model, optimizer=lambda p: optim.Adam(p, lr=0.05), **settings):
    settings = {"epochs": 3, "batch_size": 10, "seed": 0, "progress": False, **settings}
    return ad.fit(model, (X, Y), loss="cross_entropy", optimizer=optimizer, **settings)


def by_assignment(parameter):
    parameter.requires_grad = False


def by_method(parameter):
    parameter.requires_grad_(False)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("freeze", [by_assignment, by_method])
@pytest.mark.parametrize("tier", TIERS)
def test_a_frozen_parameter_stays_and_the_others_are_trained(tier, freeze, dtype):
    model = network(dtype)
    freeze(model.layers[0].weight)
    before = model.state_dict()
    history = train(model, **TIERS[tier])
    assert (history.tier == "eager") == (tier == "eager"), history.report()
    for name, array in model.state_dict().items():
        assert (array == before[name]).all() == (name == "layers[0].weight"), name
    assert not model.layers[0].weight.requires_grad


@pytest.mark.parametrize("tier", TIERS)
def test_tiers_agree_on_a_network_that_is_partly_frozen(tier):
    expected, model = network(), network()
    for one in (expected, model):
        one.layers[0].bias.requires_grad = False
    train(expected, compile=False)
    train(model, **TIERS[tier])
    for name, array in model.state_dict().items():
        np.testing.assert_allclose(array, expected.state_dict()[name], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("tier", TIERS)
def test_a_parameter_is_frozen_and_thawed_while_it_is_trained(tier):
    seen = []

    def callback(history, model):
        seen.append(model.layers[0].weight.data.copy())
        model.layers[0].weight.requires_grad = len(history) != 2

    model = network()
    optimizer = optim.Adam(model.parameters(), lr=0.05)
    train(model, optimizer, epochs=4, callbacks=[callback], **TIERS[tier])
    moved = [bool((a != b).any()) for a, b in pairwise(seen)]
    assert moved == [True, False, True]
    assert optimizer.memory[0]["steps"] == 3 * 4


def test_a_step_leaves_what_is_remembered_of_a_frozen_parameter():
    model = network()
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    weight = model.layers[0].weight
    for frozen in (False, True, False):
        weight.requires_grad = not frozen
        before = weight.data, optimizer.memory[0]
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(X), Y).backward()
        assert (weight.grad is None) == frozen
        optimizer.step()
        assert (weight.data is before[0], optimizer.memory[0] is before[1]) == (frozen, frozen)


def test_an_optimiser_says_what_to_pass_where_a_parameter_is_frozen():
    model = network()
    model.layers[0].weight.requires_grad = False
    with pytest.raises(ValueError, match=r"requires no gradient.*if p.requires_grad\]"):
        optim.SGD(model.parameters(), lr=0.1)
    kept = [p for p in model.parameters() if p.requires_grad]
    assert len(optim.SGD(kept, lr=0.1).params) == 3


@pytest.mark.parametrize("again", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copy_of_a_frozen_parameter_is_frozen(again):
    model = network()
    model.layers[0].weight.requires_grad = False
    found = [p.requires_grad for p in again(model).parameters()]
    assert found == [False, True, True, True]


@pytest.mark.parametrize("tier", TIERS)
def test_a_checkpoint_goes_on_with_the_same_parameters_frozen(tier, tmp_path):
    pytest.importorskip("safetensors")

    def frozen():
        model = network()
        model.layers[0].weight.requires_grad = False
        return model

    whole, model = frozen(), frozen()
    train(whole, epochs=4, **TIERS[tier])
    train(frozen(), epochs=2, checkpoint=tmp_path / "run", **TIERS[tier])
    train(model, epochs=4, checkpoint=tmp_path / "run", resume=True, **TIERS[tier])
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, whole.state_dict()[name], err_msg=name)
    with pytest.raises(ValueError, match="frozen parameters"):
        train(network(), epochs=5, checkpoint=tmp_path / "run", resume=True, **TIERS[tier])


def test_weights_load_into_a_frozen_network(tmp_path):
    pytest.importorskip("safetensors")
    ad.save_weights(network(), tmp_path / "weights")
    model = nn.MLP(2, 5, 2, activation="tanh", rng=1).requires_grad_(False)
    ad.load_weights(model, tmp_path / "weights")
    np.testing.assert_array_equal(model(X).data, network()(X).data)
    assert not any(p.requires_grad for p in model.parameters())


def test_only_leaves_of_floats_are_thawed():
    x = ad.tensor([1.0], requires_grad=True)
    with pytest.raises(GraphError, match=r"for leaves; use \.detach"):
        (x * 2).requires_grad = False
    with pytest.raises(TypeError, match="only floats have gradients"):
        ad.tensor([1]).requires_grad = True
