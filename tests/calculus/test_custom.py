"""Functions with a rule of their own, and functions run twice."""

import numpy as np
import pytest

import adjoint as ad


@ad.custom_vjp(lambda g, y, x, w: (g * y * w, g * y * x))
def exp_of_product(x, w):
    assert type(x) is np.ndarray
    return np.exp(x * w)


@ad.custom_jvp(lambda tangents, y, x: np.cos(x) * tangents[0])
def wave(x):
    return np.sin(x)


def test_both_modes_and_second_order_follow_from_one_rule():
    x, w = np.array([0.3, -0.5]), np.array([1.0, 2.0])
    ad.check_gradients(exp_of_product, x, w)
    ad.check_gradients(wave, x)
    ad.check_gradients(lambda x: wave(x) * exp_of_product(x, 2.0), x)


def test_forward_mode_of_one_argument_alone():
    x = np.array([0.3, -0.5])
    value, moved = ad.jvp(lambda x: exp_of_product(x, 2.0), (x,), (np.ones(2),))
    np.testing.assert_allclose(moved, 2 * value, rtol=1e-14)


def test_plain_arrays_and_constants_record_nothing():
    assert type(exp_of_product(np.ones(2), 2.0)) is np.ndarray
    assert not exp_of_product(ad.tensor([1.0]), 2.0).requires_grad


def test_a_rule_in_plain_numpy_is_loud_at_second_order():
    @ad.custom_vjp(lambda g, y, x: (np.spacing(x) * g,))
    def opaque(x):
        return x * 1

    assert ad.grad(opaque)(1.0) == np.spacing(1.0)
    with pytest.raises(TypeError, match="spacing has no derivative"):
        ad.grad(ad.grad(opaque))(1.0)


def test_a_rule_that_swallows_nan_sees_0_where_0_times_infinity_counts_as_0():
    @ad.custom_vjp(lambda g, y, x: (np.fmin(g, 3.0),))
    def capped(x):
        return x.copy()

    def root(x):
        return np.sum(np.where(x > 0, np.sqrt(capped(x)), 0.0))

    for function in (root, ad.checkpoint(root)):
        np.testing.assert_allclose(ad.grad(function)(np.array([0.0, 4.0, 1e-4])), [0, 0.25, 3.0])


def test_wrong_rules_are_explained():
    @ad.custom_vjp(lambda g, y, x, w: g)
    def lonely(x, w):
        return x * w

    @ad.custom_vjp(lambda g, y, x: (g.sum(),))
    def misshapen(x):
        return x * 2

    @ad.custom_vjp(lambda g, y, x: (g,))
    def pair(x):
        return x, x

    with pytest.raises(TypeError, match="rule of lonely must return a tuple of 2 cotangents"):
        ad.grad(lonely)(1.0, 2.0)
    with pytest.raises(ad.ShapeError, match=r"misshapen gave a cotangent of shape \(\).*\(2,\)"):
        ad.grad(lambda x: misshapen(x).sum())(np.ones(2))
    with pytest.raises(TypeError, match="pair returned a tuple"):
        pair(np.ones(2))


@pytest.mark.parametrize(
    ("rule", "error", "text"),
    [
        (lambda t, y, x: None, TypeError, r"one tangent, an array of shape \(2,\), got NoneType"),
        (lambda t, y, x: (t[0],), TypeError, "got tuple"),
        (lambda t, y, x: np.zeros(3), ad.ShapeError, r"tangent of shape \(3,\) for .* \(2,\)"),
        (lambda t, y, x: np.ones(2) * 1j, TypeError, "got dtype complex128"),
    ],
)
def test_a_wrong_tangent_is_refused_in_both_modes(rule, error, text):
    function, x = ad.custom_jvp(rule)(lambda x: x * 2), np.ones(2)
    with pytest.raises(error, match=text):
        ad.jvp(function, (x,), (x,))
    with pytest.raises(error, match=text):
        ad.grad(lambda x: function(x).sum())(x)


def test_a_rule_whose_transpose_would_be_0_is_refused():
    forward = ad.custom_jvp(lambda t, y, x: 2 * x)(lambda x: x * x)
    with pytest.raises(ValueError, match="gave a tangent that does not depend on"):
        ad.grad(lambda x: forward(x).sum())(np.ones(2))
    reverse = ad.custom_vjp(lambda g, y, x: (2 * x,))(lambda x: x * x)
    with pytest.raises(ValueError, match="gave a cotangent that does not depend on"):
        ad.jvp(reverse, (np.ones(2),), (np.ones(2),))


def test_an_infinite_slope_beside_an_argument_that_stays_is_no_mistake():
    steep = ad.custom_jvp(lambda t, y, x, w: np.inf * t[1])(lambda x, w: x * w)
    assert ad.grad(steep)(1.0, 2.0) == 0


def test_a_rule_is_checked_alike_in_forward_mode():
    short = ad.custom_vjp(lambda g, y, x, w: (g,))(lambda x, w: x * w)
    with pytest.raises(TypeError, match="must return a tuple of 2 cotangents"):
        ad.jvp(short, (1.0, 2.0), (1.0, 1.0))
    with pytest.raises(TypeError, match="got dtype complex128"):
        ad.grad(ad.custom_vjp(lambda g, y, x: (g * 1j,))(lambda x: x * 2))(1.0)


def test_an_argument_that_was_broadcast_has_derivatives_in_both_modes():
    scaled = ad.custom_vjp(lambda g, y, x, w: (g * w, g * x))(lambda x, w: x * w)
    x, w = np.arange(6.0).reshape(3, 2), np.array([2.0, 5.0])
    np.testing.assert_array_equal(ad.grad(lambda w: scaled(x, w).sum())(w), x.sum(axis=0))
    np.testing.assert_array_equal(ad.jvp(lambda w: scaled(x, w), (w,), (w,))[1], x * w)


def test_a_custom_function_can_be_traced():
    graph = ad.graph.trace(ad.grad(lambda x: wave(x).sum()), np.ones(2))
    np.testing.assert_allclose(graph(np.array([0.1, 0.2])), np.cos([0.1, 0.2]), rtol=1e-14)


def test_checkpoint_changes_no_number():
    def f(x, w):
        h = np.tanh(x @ w)
        return {"h": h, "norm": np.sum(h**2)}

    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((3, 2)), rng.standard_normal((2, 4))
    kept, forgotten = (
        ad.grad(lambda x, w, g=g: g(x, w)["norm"] + g(x, w)["h"][0, 1], (0, 1))(x, w)
        for g in (f, ad.checkpoint(f))
    )
    for a, b in zip(kept, forgotten, strict=True):
        np.testing.assert_array_equal(a, b)
    ad.check_gradients(lambda x, w: ad.checkpoint(f)(x, w)["norm"], x, w)


def test_checkpoint_keeps_the_gradients_of_closed_over_parameters():
    w = ad.tensor([1.0, 2.0], requires_grad=True)
    x = ad.tensor([3.0, 4.0], requires_grad=True)
    ad.checkpoint(lambda x: np.sum(np.sin(x * w)))(x).backward()
    np.testing.assert_allclose(w.grad.numpy(), [3, 4] * np.cos([3.0, 8.0]), rtol=1e-14)
    np.testing.assert_allclose(x.grad.numpy(), [1, 2] * np.cos([3.0, 8.0]), rtol=1e-14)


def test_checkpoint_forgets_what_is_between():
    """The graph holds no array of the chain inside, and the function runs again in backward."""
    runs = []

    def long_chain(x):
        runs.append(1)
        for _ in range(50):
            x = np.sin(x)
        return x.sum()

    x = ad.tensor(np.ones(10), requires_grad=True)
    y = ad.checkpoint(long_chain)(x)
    from adjoint.graphs.sweep import reachable

    assert len(reachable([y.node])) < 6
    y.backward()
    assert len(runs) == 2
