"""Python numbers as arguments: weak to NumPy's types, in graphs as in eager code."""

import runpy

import numpy as np
import pytest

import adjoint as ad
from sampled import sampled

ARRAYS = {
    "float32": np.array([-1.5, 0.5, 2.0, 3.0], np.float32),
    "float64": np.array([-1.5, 0.5, 2.0, 3.0]),
    "int8": np.array([-3, 0, 2, 7], np.int8),
    "int32": np.array([-3, 0, 2, 7], np.int32),
    "bool": np.array([True, False, True, False]),
}
FUNCTIONS = {
    "product": lambda x, n: x * n,
    "difference": lambda x, n: n - x,
    "quotient": lambda x, n: x / n,
    "remainder": lambda x, n: x % n,
    "comparison": lambda x, n: x < n,
    "ufunc": lambda x, n: np.maximum(x, n),
    "choice": lambda x, n: np.where(x > 0, n, x),
    "clip": lambda x, n: np.clip(x, None, n),
    "reduction": lambda x, n: np.sum(x) * n,
    "entry": lambda x, n: x[0] * n,
    "filled": lambda x, n: np.full_like(x, n),
    "dot": np.dot,
    "stack": lambda x, n: np.stack([x[0], n]),
    "function of the number": lambda x, n: x * np.exp(n),
    "NumPy's product of numbers": lambda x, n: x * np.multiply(n, 2.0),
    "NumPy's number": lambda x, n: x * (n * np.float64(2)),
    "number alone": lambda x, n: n * 2,
    "truth": lambda x, n: (n > 1) + x,
}
OF_NUMBERS = {
    "product of numbers": lambda x, n: x * (n * 0.5),
    "sum of numbers": lambda x, n: x * (1.0 + n - n * 2.0),
    "square of a number": lambda x, n: x + n**2 * 1.0,
    "negative": lambda x, n: x * (-n * 1.0),
    "truths of numbers": lambda x, n: x * ((n > 0) + (n > 1) + 0.0),
}


def assert_alike(function, x, number):
    expected = np.asarray(function(x, number))
    for found in (
        ad.compile(function)(x, number),
        ad.trace(function, x, number)(x, number),
        np.asarray(function(ad.tensor(x), number)),
    ):
        assert np.asarray(found).dtype == expected.dtype
        np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("number", [2.0, 0.1, 3, True, False, -2])
@pytest.mark.parametrize("name", sampled(FUNCTIONS | OF_NUMBERS, 3))
def test_a_python_number_takes_the_dtype_beside_it(name, number):
    for dtype, x in ARRAYS.items():
        if name == "difference" and dtype == "bool" and isinstance(number, bool):
            continue  # which NumPy refuses
        with np.errstate(all="ignore"):
            assert_alike((FUNCTIONS | OF_NUMBERS)[name], x, number)


def test_numbers_of_other_types_have_programs_of_their_own():
    @ad.compile
    def scaled(x, n):
        return x * n

    x = ARRAYS["float32"]
    numbers = [2, 2.0, True, np.float64(2), np.float32(2), np.array(2.0), np.array([2.0])]
    for number in numbers + numbers[::-1]:
        expected = x * number
        assert scaled(x, number).dtype == expected.dtype
        np.testing.assert_array_equal(scaled(x, number), expected)
    # A 0-d array of float64 is as NumPy's number of float64.
    assert len(scaled.programs) == len(numbers) - 1


def test_another_value_of_a_number_needs_no_other_program():
    scaled = ad.compile(lambda x, n: x * n)
    for rate in np.linspace(0, 1, 20).tolist():
        scaled(ARRAYS["float32"], rate)
    assert len(scaled.programs) == 1


def test_numbers_in_trees_are_weak():
    @ad.compile
    def stepped(parameters, settings):
        return {name: p - settings["lr"] * p for name, p in parameters.items()}

    found = stepped({"w": ARRAYS["float32"]}, {"lr": 0.1})
    assert found["w"].dtype == np.float32
    np.testing.assert_allclose(found["w"], 0.9 * ARRAYS["float32"], rtol=1e-6)


def test_the_source_takes_numbers_too(tmp_path):
    def stepped(x, lr):
        return x - lr * x

    ad.write_source(stepped, tmp_path / "step.py", ARRAYS["float32"], 0.1)
    written = runpy.run_path(str(tmp_path / "step.py"))["stepped"]
    for lr in (0.1, np.float64(0.1), np.array(0.1)):
        assert written(ARRAYS["float32"], lr).dtype == np.float32

    compiled = ad.compile(stepped)
    compiled(ARRAYS["float32"], 0.1)
    ad.write_source(compiled, tmp_path / "again.py")
    assert (tmp_path / "again.py").read_text() == (tmp_path / "step.py").read_text()


def test_the_gradient_by_a_python_number_is_that_of_eager_code():
    def loss(x, n):
        return np.sum(x * n) ** 2

    for number in (2.0, 2):
        expected = ad.grad(loss, argnums=(0, 1))(ARRAYS["float32"], number)
        found = ad.compile(ad.grad(loss, argnums=(0, 1)))(ARRAYS["float32"], number)
        for a, b in zip(found, expected, strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_allclose(a, b, rtol=1e-6)


@pytest.mark.parametrize("argument", [np.array(3), np.array([1, 2]), True])
def test_a_compiled_gradient_by_an_integer_array_is_refused_as_in_eager_code(argument):
    slope = ad.grad(lambda n: np.sum(n * 1.0))
    for function in (slope, ad.compile(slope)):
        with pytest.raises(TypeError, match="only floats have derivatives"):
            function(argument)


@pytest.mark.parametrize(
    "function", [lambda x, n: x * n, lambda x, n: np.full_like(x, n), lambda x, n: x & n]
)
def test_an_integer_out_of_the_bounds_of_its_array_is_refused(function):
    compiled = ad.compile(function)
    np.testing.assert_array_equal(compiled(ARRAYS["int8"], 3), function(ARRAYS["int8"], 3))
    for number in (128, -129):
        with pytest.raises(OverflowError):
            function(ARRAYS["int8"], number)
        with pytest.raises(OverflowError, match="is out of bounds"):
            compiled(ARRAYS["int8"], number)
        with pytest.raises(OverflowError, match="is out of bounds"):
            ad.trace(function, ARRAYS["int8"], 3)(ARRAYS["int8"], number)
    np.testing.assert_array_equal(ad.compile(np.less)(ARRAYS["int8"], 300), [True] * 4)


def test_what_python_computes_otherwise_than_an_integer_type_is_refused():
    with pytest.raises(TypeError, match="may not fit it; convert the array or the number"):
        ad.compile(lambda x, n: x * (n * 2))(ARRAYS["int8"], 3)
    for power in (lambda n: 2**n, lambda n: n**n):
        with pytest.raises(TypeError, match=r"make the base a float, as 2\.0\*\*n"):
            ad.compile(power)(3)
    assert ad.compile(lambda n: 2.0**n)(-2) == 0.25
