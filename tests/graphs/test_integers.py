"""Booleans and integers in graphs: NumPy's types, wrapping and refusals, in every tier."""

import random

import numpy as np
import pytest

import adjoint as ad

ARRAYS = {
    "x": np.array([-1.5, 0.5, 2.0, 3.5]),
    "s": np.array([-1.5, 0.5, 2.0, 3.5], np.float32),
    "i": np.array([-3, 0, 2, 7]),
    "u": np.array([0, 1, 200, 255], np.uint8),
    "t": np.array([-128, 0, 1, 127], np.int8),
    "b": np.array([True, False, True, False]),
}
TIERS = {
    "tensor": lambda f: f(*map(ad.tensor, ARRAYS.values())),
    "traced": lambda f: ad.trace(f, *ARRAYS.values())(*ARRAYS.values()),
    "compiled": lambda f: ad.compile(f)(*ARRAYS.values()),
}


def function(text):
    return eval(f"lambda {', '.join(ARRAYS)}: {text}")


def outcome(run, *args):
    try:
        found = run(*args)
    except (TypeError, ValueError, ArithmeticError) as error:
        return error
    return np.asarray(found.data if isinstance(found, ad.Tensor) else found)


def assert_alike(text):
    f = function(text)
    with np.errstate(all="ignore"):
        expected = outcome(f, *ARRAYS.values())
        for tier, run in TIERS.items():
            found = outcome(run, f)
            where = f"{text}, {tier}: {found!r} for {expected!r}"
            assert isinstance(found, Exception) == isinstance(expected, Exception), where
            if not isinstance(expected, Exception):
                assert found.dtype == expected.dtype, where
                np.testing.assert_allclose(found, expected, rtol=1e-5, err_msg=where)


@pytest.mark.parametrize(
    "text",
    [
        *("(x > 0) * -1.0", "(x > 0) * -1", "-1 * (x > 0)", "0 - (x > 0)", "0.0 - (x > 0)"),
        *("-(x > 0)", "+(x > 0)", "~(x > 0)", "b - b", "b + b", "b * b", "b / b", "b ** 2"),
        *("b + True", "b - True", "True - b", "np.sum(b * -1)", "x - (-1 * b)", "b * -1.0 * x"),
        *("b * np.array([-1] * 4)", "np.array(-1.0) * b", "np.int8(-1) * b", "np.sign(b)"),
        *("x + -u", "x - -u", "-u + x", "-t + x", "x - -t", "i - -t", "i + -u", "u * -1.0"),
        *("-(-u)", "-(-t)", "t * -1", "u - u", "0 - u", "u // np.sum(-1)", "u * np.array(-1)"),
        *("s * b", "s * (b * -1)", "s - i", "np.where(b, u, t)", "np.where(b, s, 1)", "b == 1"),
    ],
)
def test_booleans_and_integers_compute_as_in_numpy(text):
    assert_alike(text)


def random_text(rng, depth):
    """Return the text of a random expression of the arrays and of numbers."""
    if not depth or rng.random() < 0.15:
        numbers = ["-1", "1", "0", "-1.0", "1.0", "2", "0.5", "True", "False"]
        return rng.choice(list(ARRAYS) if rng.random() < 0.65 else numbers)
    first, second = (random_text(rng, depth - 1) for _ in range(2))
    if rng.random() < 0.2:
        return f"{rng.choice(['-', '~', 'abs', 'np.square', 'np.sum'])}({first})"
    operators = ["+", "-", "*", "/", "//", "%", "&", "|", "^", "<", "=="]
    return f"({first} {rng.choice(operators)} {second})"


@pytest.mark.parametrize("seed", range(5))
def test_random_expressions_of_all_types_compute_as_in_numpy(seed):
    rng = random.Random(seed)
    for _ in range(60):
        assert_alike(random_text(rng, 4))


def test_a_boolean_negated_by_a_product_keeps_the_gradient_around_it():
    def signed(x):
        return np.sum((x > 0) * -1.0 * x**2)

    x = ARRAYS["x"]
    np.testing.assert_array_equal(ad.grad(signed)(x), [-0.0, -1.0, -4.0, -7.0])
    np.testing.assert_array_equal(ad.compile(ad.grad(signed))(x), [-0.0, -1.0, -4.0, -7.0])


def test_what_numpy_refuses_of_booleans_is_refused_by_name():
    with pytest.raises(
        TypeError, match=r"positive: ufunc 'positive' .* \(received shapes \(4,\)\)"
    ):
        np.positive(ad.tensor(ARRAYS["b"]))
    with pytest.raises(TypeError, match="negative: The numpy boolean negative"):
        -ad.tensor(ARRAYS["b"])
    with pytest.raises(TypeError, match="subtract: numpy boolean subtract"):
        ad.compile(lambda b: b - b)(ARRAYS["b"])


@pytest.mark.parametrize("shape", [(1,), (2, 3), (40, 7)])
@pytest.mark.parametrize("axis", [None, 0, -1])
@pytest.mark.parametrize("reduce", [np.max, np.min, np.any, np.all, np.sum, np.prod])
def test_truth_values_are_reduced_as_truth_values(reduce, axis, shape):
    some = np.random.default_rng(0).random(shape) < 0.3
    compiled = ad.compile(lambda x: reduce(x > 0.5, axis=axis))
    for b in (some, np.zeros(shape, bool), np.ones(shape, bool)):
        found, expected = compiled(b * 1.0), reduce(b, axis=axis)
        np.testing.assert_array_equal(found, expected)
        assert np.asarray(found).dtype == np.asarray(expected).dtype


@pytest.mark.parametrize("count", [3, 700])
def test_the_mean_of_integers_does_not_go_round(count):
    n = np.full(count, 2**62)
    for found in (ad.mean(ad.tensor(n)).data, ad.compile(np.mean)(n), ad.trace(np.mean, n)(n)):
        assert found == 2.0**62


def test_a_number_limited_by_integers_has_numpy_s_type():
    n = np.array([1, 7, 0], np.uint32)
    expected = np.clip(-1, n, None)
    found = ad.compile(lambda n: np.clip(-1, n, None))(n)
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == expected.dtype
