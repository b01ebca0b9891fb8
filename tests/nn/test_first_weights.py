"""First weights are the same on every machine, and NumPy draws them."""

import numpy as np
import pytest

from adjoint import nn
from adjoint.nn import initialise
from adjoint.training.digest import sha256_of
from sampled import for_full

# The digests of weights of 40 by 30 and of layers, seed 3, in float64 as they are drawn.
DIGESTS = {
    "glorot_normal": "70a86e7c9b7d2a26",
    "glorot_uniform": "446a470ae50f12de",
    "he_normal": "1831bf33092324b8",
    "he_uniform": "1e11bff5802f73fa",
    "lecun_normal": "ed219da1bcda6ac4",
    "orthogonal": "0fd093bf90b2776c",
    "zeros": "607cee4c597ff5ca",
}


@pytest.mark.parametrize("name", sorted(initialise.INITIALISERS))
def test_an_initialiser_has_its_digest(name):
    weight = initialise.INITIALISERS[name]((40, 30), np.random.default_rng(3))
    assert sha256_of({"weight": weight}, {})[:16] == DIGESTS[name]


def test_layers_have_their_digests():
    layers = {"embedding": nn.Embedding(50, 20, rng=3), "lstm": nn.LSTM(5, 12, rng=3)}
    found = {name: sha256_of(layer.state_dict(), {})[:16] for name, layer in layers.items()}
    assert found == {"embedding": "d9de9481b1c34b7b", "lstm": "4612328edefa3431"}


@pytest.mark.parametrize("make", [np.random.default_rng, np.random.RandomState])
def test_uniform_weights_are_those_of_numpy(make):
    for seed in range(50):
        bound = np.sqrt(6 / (seed + 3))
        found = initialise.uniform(make(seed), bound, (4, 5))
        assert (found == make(seed).uniform(-bound, bound, (4, 5))).all()


def test_normal_weights_are_those_of_numpy_but_in_the_tail():
    found = initialise.normal(np.random.default_rng(0), 0.5, (40_000,))
    expected = np.random.default_rng(0).normal(0.0, 0.5, 40_000)
    is_far = abs(expected) > 0.5 * 3.6541528853610088
    assert 2 <= is_far.sum() <= 30
    assert (found == expected)[~is_far].all()
    np.testing.assert_allclose(found, expected, rtol=0, atol=2.0**-37)
    assert (found * 2.0**37 == np.rint(found * 2.0**37))[is_far].all()


@pytest.mark.parametrize(
    "shape", [(1, 1), (2, 7), (7, 2), (31, 31), *for_full([pytest.param((257, 260))])]
)
def test_orthogonal_weights_are_the_factor_q_with_a_positive_diagonal(shape):
    weight = initialise.orthogonal(shape, np.random.default_rng(1))
    tall = np.random.default_rng(1).normal(size=(max(shape), min(shape)))
    q, r = np.linalg.qr(tall)
    q = q * np.copysign(1.0, np.diagonal(r))
    np.testing.assert_allclose(weight if shape[0] >= shape[1] else weight.T, q, atol=1e-11)
    gram = weight.T @ weight if shape[0] >= shape[1] else weight @ weight.T
    np.testing.assert_allclose(gram, np.eye(min(shape)), atol=1e-14)
