"""Taylor coefficients are those of mpmath to order 10, and of nested push forwards."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest

import adjoint as ad
import adjoint.special
from adjoint.core import PRIMITIVES
from adjoint.errors import ShapeError
from cards import card_programs
from sampled import sampled

pytest.importorskip("scipy")

A = np.array([[4.0, 1.0, 0.5], [0.3, 5.0, -1.0], [-0.7, 0.2, 3.0]])
B = np.array([[1.0, -1.0, 2.0], [0.5, 0.1, 0.4], [0.0, 1.5, -0.6]])


def system(t):
    return np.linalg.solve(A + t * B, np.stack([np.cos(t), t, 1 + 0 * t])).sum()


def true_system(t):
    matrix = mpmath.matrix(A.tolist()) + t * mpmath.matrix(B.tolist())
    return sum(mpmath.lu_solve(matrix, mpmath.matrix([mpmath.cos(t), t, 1])))


def looped(x):
    y = np.stack([x, x * x])
    for i in range(3):
        y[1] = np.sin(y[0] * y[1])
        y[0] += 0.5 * y[1] if i != 1 else x
    return y[0] / (1 + y[1])


def true_loop(x):
    a, b = x, x * x
    for i in range(3):
        b = mpmath.sin(a * b)
        a = a + (b / 2 if i != 1 else x)
    return a / (1 + b)


TRUE = {
    "exp": (np.exp, mpmath.exp, 0.3),
    "log": (np.log, mpmath.log, 1.7),
    "sin": (np.sin, mpmath.sin, 0.4),
    "tan": (np.tan, mpmath.tan, 0.4),
    "tanh": (np.tanh, mpmath.tanh, 0.5),
    "arcsin": (np.arcsin, mpmath.asin, 0.2),
    "arctan": (np.arctan, mpmath.atan, 0.7),
    "sqrt": (np.sqrt, mpmath.sqrt, 2.3),
    "power": (lambda x: x**2.5, lambda x: x ** mpmath.mpf(2.5), 1.3),
    "power of x": (lambda x: x**x, lambda x: x**x, 1.3),
    "polynomial": (lambda x: x**5 - 2 * x**2, lambda x: x**5 - 2 * x**2, 0.0),
    "quotient": (lambda x: np.cos(x) / (1 + x * x), lambda x: mpmath.cos(x) / (1 + x * x), 0.6),
    "norm": (
        lambda x: np.linalg.norm(np.stack([x, 1 - x, 2 * x])),
        lambda x: mpmath.sqrt(x**2 + (1 - x) ** 2 + 4 * x**2),
        0.1,
    ),
    "erf": (ad.special.erf, mpmath.erf, 0.3),
    "gammaln": (ad.special.gammaln, mpmath.loggamma, 2.2),
    "j0": (ad.special.j0, lambda x: mpmath.besselj(0, x), 1.1),
    "i1": (ad.special.i1, lambda x: mpmath.besseli(1, x), 1.1),
    "ndtri": (
        ad.special.ndtri,
        lambda p: mpmath.sqrt(2) * mpmath.erfinv(2 * p - 1),
        0.35,
    ),
    "logsumexp": (
        lambda x: ad.logsumexp(np.stack([x, 3 * x, x * x])),
        lambda x: mpmath.log(mpmath.exp(x) + mpmath.exp(3 * x) + mpmath.exp(x * x)),
        0.2,
    ),
    "solve": (system, true_system, 0.1),
    "det": (
        lambda t: np.linalg.det(A + t * B),
        lambda t: mpmath.det(mpmath.matrix(A.tolist()) + t * mpmath.matrix(B.tolist())),
        0.1,
    ),
    "loop in place": (looped, true_loop, 0.3),
}


@pytest.mark.parametrize("name", TRUE)
def test_ten_coefficients_are_mpmaths(name):
    function, true, x = TRUE[name]
    with mpmath.workdps(20):
        expected = np.array([float(c) for c in mpmath.taylor(true, mpmath.mpf(x), 10)])
    found = ad.taylor(function, x, 1.0, 10)
    # An error of a factor in one coefficient is one of each after it: they are of like sizes.
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-13 * np.abs(expected).max())


def nested(function, xs, vs, order):
    """Return the derivatives of order 0, 1, … by a push forward of a push forward of …"""
    derivatives = [function]
    for _ in range(order):
        inner = derivatives[-1]
        derivatives.append(lambda *xs, inner=inner: ad.jvp(inner, xs, vs)[1])
    return [derivative(*xs) for derivative in derivatives]


def assert_like_nested(function, args, order, dtype):
    places = [n for n, x in enumerate(args) if x.dtype.kind == "f"]
    rng = np.random.default_rng(0)
    xs = tuple(args[n] for n in places)
    vs = tuple(rng.normal(size=x.shape).astype(dtype) for x in xs)

    def of_floats(*xs):
        given = list(args)
        for n, x in zip(places, xs, strict=True):
            given[n] = x
        result = function(*given)
        return result if isinstance(result, tuple) else (result,)

    found = ad.taylor(lambda xs: of_floats(*xs), list(xs), list(vs), order)
    for k, derivatives in enumerate(nested(of_floats, xs, vs, order)):
        for mine, theirs in zip(found, derivatives, strict=True):
            assert mine.dtype == theirs.dtype
            expected = theirs / math.factorial(k)
            scale = np.abs(expected[np.isfinite(expected)]).max(initial=1)
            np.testing.assert_allclose(mine[k], expected, rtol=1e-6, atol=1e-8 * scale)


NAMES = [name for name, card in PRIMITIVES.items() if card.vjp is not None]
# The programs leave out masks, without which these two have none.
MASKED = ("where", "required")


@pytest.mark.parametrize("name", [name for name in NAMES if name not in MASKED])
def test_every_card_is_as_nested_push_forwards(name):
    for function, args in list(card_programs(name, np.float64))[:1]:
        assert_like_nested(function, args, 3, np.float64)


# The third derivative of a determinant by its singular values, of which two are equal there, is
# refused by nested push forwards, too.
@pytest.mark.parametrize("name", sampled([n for n in NAMES if n not in (*MASKED, "det")], 36))
def test_the_gradients_of_every_card_are_as_nested_push_forwards(name):
    for function, args in card_programs(name, np.float64):
        assert_like_nested(function, args, 2, np.float64)


# --- along a direction


def test_a_direction_has_many_entries():
    def function(x):
        return np.sum(np.sin(x[1:] * x[:-1])) * x

    x, v = np.array([0.3, -0.4, 1.2]), np.array([1.0, 2.0, -1.0])
    found = ad.taylor(function, x, v, 4)
    along = ad.taylor(lambda t: function(x + t * v), 0.0, 1.0, 4)
    assert found.shape == (5, 3)
    np.testing.assert_allclose(found, along)


def test_trees_of_arguments_and_results():
    def function(p):
        return {"u": p["a"] * p["b"], "v": [np.exp(p["b"]).sum()]}

    x = {"a": 2.0, "b": np.array([0.0, 1.0])}
    found = ad.taylor(function, x, {"a": 1.0, "b": np.array([1.0, 0.0])}, 2)
    np.testing.assert_allclose(found["u"], [[0, 2], [2, 1], [1, 0]])
    np.testing.assert_allclose(found["v"][0], [1 + np.e, 1, 0.5])


def test_a_result_that_is_none_stays_none():
    found = ad.taylor(lambda x: (x * x, None), 3.0, 1.0, 2)
    assert found[0].tolist() == [9.0, 6.0, 1.0]
    assert found[1] is None


@pytest.mark.parametrize("shape", [(), (0,), (2, 1), (0, 3)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shapes_and_dtypes_are_kept(shape, dtype):
    x = np.ones(shape, dtype)
    found = ad.taylor(lambda x: np.tanh(x) / 2, x, x, 3)
    assert found.shape == (4, *shape)
    assert found.dtype == dtype


def test_order_0_is_the_value():
    assert ad.taylor(np.exp, 0.0, 1.0, 0).tolist() == [1.0]


def test_a_hundred_orders():
    found = ad.taylor(lambda x: np.exp(x) / (1 - x), 0.0, 1.0, 100)
    assert found[100] == pytest.approx(math.e)


# --- what does not vary


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.floor(x),
        lambda x: np.sign(x),
        lambda x: ad.stop_gradient(x),
        lambda x: np.float64(1.0) * (x > 0),
    ],
)
def test_what_does_not_vary_has_no_higher_coefficients(function):
    assert ad.taylor(function, 1.0, 1.0, 3).tolist() == [1.0, 0.0, 0.0, 0.0]


def test_a_result_without_the_argument():
    assert ad.taylor(lambda x: np.arange(2), 1.0, 1.0, 1).tolist() == [[0, 1], [0, 0]]


def test_a_linear_function_ends_at_order_1():
    x = np.array([1.0, 2.0])
    found = ad.taylor(lambda x: np.array([[0.0, 3.0]]) @ x[::-1] - x.sum(), x, x, 3)
    assert found.ravel().tolist() == [0.0, 0.0, 0.0, 0.0]
    assert ad.taylor(lambda x: 3 * x - 1, 1.0, 2.0, 3).tolist() == [2.0, 6.0, 0.0, 0.0]


# --- edges: the conventions of the derivatives hold for every order


@pytest.mark.parametrize(
    ("function", "x", "expected"),
    [
        (np.sqrt, 0.0, [0.0, np.inf, -np.inf, np.inf]),
        (np.abs, 0.0, [0.0, 0.0, 0.0, 0.0]),
        (np.abs, -2.0, [2.0, -1.0, 0.0, 0.0]),
        (lambda x: np.maximum(x, 0.0), 0.0, [0.0, 0.5, 0.0, 0.0]),
        (lambda x: np.max(np.stack([x, x * x])), 2.0, [4.0, 4.0, 1.0, 0.0]),
        (lambda x: np.where(x > 0, np.sqrt(x), 0.0), 0.0, [0.0, 0.0, 0.0, 0.0]),
        (lambda x: x**2, 0.0, [0.0, 0.0, 1.0, 0.0]),
        (lambda x: np.linalg.norm(np.stack([x, x])), 0.0, [0.0, 0.0, 0.0, 0.0]),
        (lambda x: np.prod(np.stack([x, x, x])), 0.0, [0.0, 0.0, 0.0, 1.0]),
        (np.sin, np.nan, [np.nan] * 4),
        (np.exp, np.inf, [np.inf] * 4),
        (np.exp, -np.inf, [0.0] * 4),
        (lambda x: np.clip(x, -1, 1), np.inf, [1.0, 0.0, 0.0, 0.0]),
    ],
)
def test_edges(function, x, expected):
    np.testing.assert_array_equal(ad.taylor(function, x, 1.0, 3), expected)


def test_zeros_with_a_sign_are_told_apart():
    found = ad.taylor(lambda x: np.stack([x * 0.0, x * -0.0]), 1.0, 1.0, 1)
    assert np.signbit(found).tolist() == [[False, True], [False, True]]


# --- nested in what differentiates


def test_it_is_differentiated_by_the_point_and_by_the_direction():
    by_point = ad.grad(lambda x: ad.taylor(np.sin, x, 1.0, 3)[3])(0.3)
    assert by_point == pytest.approx(np.sin(0.3) / 6)
    by_direction = ad.grad(lambda v: ad.taylor(np.sin, 0.3, v, 3)[3])(2.0)
    assert by_direction == pytest.approx(-np.cos(0.3) / 6 * 3 * 2.0**2)


def test_it_takes_gradients_and_other_coefficients():
    found = ad.taylor(ad.grad(np.exp), 0.0, 1.0, 3)
    np.testing.assert_allclose(found, [1, 1, 1 / 2, 1 / 6])
    twice = ad.taylor(lambda x: ad.taylor(np.exp, x, 1.0, 2)[2], 0.0, 1.0, 2)
    np.testing.assert_allclose(twice, [1 / 2, 1 / 2, 1 / 4])


def test_it_is_compiled_and_done_for_many_rows():
    def coefficients(x):
        return ad.taylor(lambda x: np.sin(x) * np.exp(x), x, 1.0, 4)

    expected = np.stack([coefficients(x) for x in (0.3, 0.7)])
    np.testing.assert_allclose(ad.compile(coefficients)(0.3), expected[0])
    np.testing.assert_allclose(ad.vmap(coefficients)(np.array([0.3, 0.7])), expected)


def test_a_scan_has_the_coefficients_of_the_loop():
    def scanned(x):
        return ad.scan(lambda c, r: (0.5 * c + np.sin(r) * c, c * r), x[0], x)[1]

    def looped(x):
        c, rows = x[0], []
        for r in x:
            rows.append(c * r)
            c = 0.5 * c + np.sin(r) * c
        return np.stack(rows)

    x, v = np.array([0.1, 0.2, 0.3, 0.4]), np.ones(4)
    np.testing.assert_allclose(ad.taylor(scanned, x, v, 5), ad.taylor(looped, x, v, 5), rtol=1e-12)


def test_a_branch_is_the_one_at_the_point():
    def function(x):
        return x**2 if x > 1 else -x

    assert ad.taylor(function, 2.0, 1.0, 2).tolist() == [4.0, 4.0, 1.0]
    assert ad.taylor(function, 0.5, 1.0, 2).tolist() == [-0.5, -1.0, 0.0]


# --- what is refused


@pytest.mark.parametrize("order", [1.5, "3", None, True, np.True_])
def test_an_order_that_is_no_whole_number(order):
    with pytest.raises(TypeError, match="whole number"):
        ad.taylor(np.sin, 0.0, 1.0, order)


def test_a_negative_order():
    with pytest.raises(ValueError, match="0 or more, got -1"):
        ad.taylor(np.sin, 0.0, 1.0, -1)


def test_a_direction_of_another_shape_or_structure():
    with pytest.raises(ShapeError, match=r"direction of shape \(\)"):
        ad.taylor(np.sin, np.ones(3), 1.0, 2)
    with pytest.raises(ValueError, match="trees differ"):
        ad.taylor(lambda p: p[0], [1.0, 2.0], [1.0], 2)


def test_functions_with_rules_of_their_own_are_refused_by_name():
    @ad.custom_jvp(lambda tangents, y, x: np.cos(x) * tangents[0])
    def mysine(x):
        return np.sin(x)

    with pytest.raises(TypeError, match="mysine has a rule of its own"):
        ad.taylor(mysine, 0.0, 1.0, 2)


# --- how much work


def test_the_work_grows_like_the_square_of_the_order(monkeypatch):
    counted = []
    multiply = PRIMITIVES["strong_multiply"].forward
    monkeypatch.setattr(
        PRIMITIVES["strong_multiply"], "forward", lambda x, y: counted.append(1) or multiply(x, y)
    )

    def products(order):
        counted.clear()
        ad.taylor(lambda x: np.tanh(np.sin(x)) * np.exp(x), 0.3, 1.0, order)
        return len(counted)

    assert products(20) < 4.5 * products(10)
