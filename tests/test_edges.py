"""Gradients where a function has a kink, a pole or a tie: right, or the documented convention."""

import numpy as np
import pytest

import adjoint as ad


@pytest.fixture(autouse=True)
def _quiet():
    """NumPy warns of the forward values at these points, and rightly so."""
    with np.errstate(all="ignore"):
        yield


def grads(function, *args):
    return ad.grad(function, tuple(range(len(args))))(*map(np.asarray, args))


@pytest.mark.parametrize(
    ("function", "args", "expected"),
    [
        pytest.param(lambda x: ad.where(x > 0, ad.sqrt(x), 0), [0.0], [0], id="masked sqrt"),
        pytest.param(lambda x: ad.where(x > 0, ad.log(x), 0), [-1.0], [0], id="masked log"),
        pytest.param(lambda x: ad.where(x < 1, ad.exp(x), 0), [1e4], [0], id="masked exp"),
        pytest.param(lambda x, y: ad.where(y != 0, x / y, 0), [1.0, 0.0], [0, 0], id="masked /"),
        pytest.param(lambda x: np.linalg.norm(x), [[0.0, 0.0]], [[0, 0]], id="norm at 0"),
        pytest.param(lambda x: np.linalg.norm(x) ** 2, [[0.0, 0.0]], [[0, 0]], id="norm squared"),
        pytest.param(lambda x: np.sqrt(np.sum(x * x)), [[0.0, 0.0]], [[0, 0]], id="norm by hand"),
        pytest.param(np.std, [[1.0, 1.0, 1.0]], [[0, 0, 0]], id="std of equal numbers"),
        pytest.param(ad.relu, [0.0], [0], id="relu"),
        pytest.param(np.abs, [0.0], [0], id="abs"),
        pytest.param(np.maximum, [2.0, 2.0], [0.5, 0.5], id="maximum tie"),
        pytest.param(np.minimum, [2.0, 2.0], [0.5, 0.5], id="minimum tie"),
        pytest.param(np.max, [[3.0, 3.0, 1.0]], [[0.5, 0.5, 0]], id="max tie"),
        pytest.param(lambda x: np.clip(x, -1, 1), [1.0], [1], id="clip on its bound"),
        pytest.param(lambda x, y: x**y, [0.0, 0.0], [0, 0], id="0 ** 0"),
        pytest.param(lambda x, y: x**y, [0.0, 2.0], [0, 0], id="0 ** 2"),
        pytest.param(lambda x: x**1.0, [0.0], [1], id="x ** 1 at 0"),
        pytest.param(np.sqrt, [0.0], [np.inf], id="sqrt at 0"),
        pytest.param(ad.sigmoid, [-1e4], [0], id="sigmoid far left"),
        pytest.param(ad.softplus, [1e4], [1], id="softplus far right"),
        pytest.param(ad.logsumexp, [[1e4, 0.0]], [[1, 0]], id="logsumexp huge"),
        pytest.param(ad.logsumexp, [[-np.inf, 0.0]], [[0, 1]], id="logsumexp of -inf"),
    ],
)
def test_first_derivative(function, args, expected):
    for got, right in zip(grads(function, *args), expected, strict=True):
        np.testing.assert_array_equal(got, right)


@pytest.mark.parametrize(
    ("function", "at", "expected"),
    [
        pytest.param(lambda x: x**1.0, 0.0, 0.0, id="x ** 1 at 0"),
        pytest.param(lambda x: x**2, 0.0, 2.0, id="x ** 2 at 0"),
        pytest.param(lambda x: ad.tanh(x) * x, 0.0, 2.0, id="x tanh x at 0"),
        pytest.param(lambda x: ad.log(x), 2.0, -0.25, id="log"),
        pytest.param(lambda u: ad.tanh(-1e8 * u) * u * u, 1.0, -2.0, id="steep tanh"),
    ],
)
def test_second_derivative(function, at, expected):
    np.testing.assert_allclose(ad.grad(ad.grad(function))(at), expected, rtol=1e-14)


def test_the_strong_zero_keeps_mixed_second_derivatives():
    """∂²(y√x)/∂x∂y = 1/(2√x), also at y = 0 where a masked cotangent would give 0."""
    mixed = ad.grad(ad.grad(lambda x, y: y * np.sqrt(x), 0), 1)
    assert mixed(4.0, 0.0) == 0.25


def test_listed_exceptions_of_the_strong_zero():
    """At these points the convention 0·∞ = 0 hides a finite derivative."""
    assert ad.grad(lambda x: np.sqrt(x) ** 2)(0.0) == 0  # truly 1
    assert ad.grad(lambda x: np.exp(np.log(x)))(0.0) == 0  # truly 1


def test_cross_entropy_is_finite_at_extreme_logits():
    loss, slope = ad.value_and_grad(lambda a: ad.softmax_cross_entropy(a, np.array([1])).sum())(
        np.array([[2e4, 0.0]])
    )
    assert loss == 2e4
    np.testing.assert_array_equal(slope, [[1, -1]])


def test_softmax_of_huge_logits_has_no_nan():
    assert ad.softmax(np.array([1e4, 0.0])).tolist() == [1.0, 0.0]
    assert ad.log_softmax(np.array([1e4, 0.0])).tolist() == [0.0, -1e4]
