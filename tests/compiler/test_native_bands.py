"""Sums along the rows of an array are taken in bands of rows."""

import itertools

import numpy as np
import pytest

from sampled import sampled

pytest.importorskip("llvmlite")

from adjoint.graph import trace

import adjoint as ad
from adjoint.compiler.native.arrays import array_code, bands
from adjoint.compiler.native.function import NativeFunction
from adjoint.compiler.native.machine import this_machine

WIDTH = this_machine().target.width(8)
pytestmark = pytest.mark.skipif(WIDTH == 1, reason="this processor has no vectors of doubles")


@pytest.fixture
def written(monkeypatch):
    """Return the list of the nests that are written in bands."""
    found = []

    def write(nest, target):
        found.append(nest)
        return bands.write_bands(nest, target)

    monkeypatch.setattr(array_code, "write_bands", write)
    return found


def run(function, *arrays):
    return NativeFunction(trace(function, *arrays), limit=0)(arrays)[0]


def sums_of_columns(x):
    return np.sum(x, axis=0)


# A band has eight rows; a panel 3072 bytes; sums of more than 1024 rows are taken in chunks of 512.
ROWS = [8, 9, 16, 33, 1025, 1536, 1543]
COLUMNS = [2 * WIDTH + 1, 3 * WIDTH, 71, 400, 401, 1000]


CASES = list(itertools.product(ROWS, COLUMNS, [np.float64, np.float32]))


@pytest.mark.parametrize(("rows", "columns", "dtype"), sampled(CASES, 5))
def test_a_vector_times_a_matrix_of_any_size(rows, columns, dtype):
    rng = np.random.default_rng(rows + columns)
    x, a = rng.normal(size=(1, rows)), rng.normal(size=(rows, columns))
    found = run(lambda x, a: x @ a, x.astype(dtype), a.astype(dtype))
    expected = x.astype(dtype).astype(float) @ a.astype(dtype).astype(float)
    # Chunks and bands leave each entry with a chain of at most some two hundred additions.
    error = 50 * np.finfo(dtype).eps * np.sqrt(rows)
    np.testing.assert_allclose(found, expected, rtol=0, atol=error)


@pytest.mark.parametrize("name", ["sum", "max", "min", "prod"])
def test_reductions_in_bands_are_as_in_numpy_for_special_values(name, written):
    rng = np.random.default_rng(0)
    x = rng.choice([0.5, 2.0, -1.0, -0.0, 0.0], size=(2, 21, 5 * WIDTH + 3))
    x[0, 13, ::7], x[1, 20, ::5], x[1, 3, ::3] = np.nan, np.inf, -np.inf
    with np.errstate(invalid="ignore"):
        expected = getattr(np, name)(x, axis=1)
    np.testing.assert_array_equal(run(lambda x: getattr(np, name)(x, axis=1), x), expected)
    assert len(written) == 1


def test_a_sum_of_negative_zeros_is_as_in_numpy(written):
    x = np.full((17, 40), -0.0)
    assert not np.signbit(run(sums_of_columns, x)).any()
    assert len(written) == 1


def test_nan_and_infinity_pass_through_a_product_with_zeros():
    a, x = np.ones((40, 50)), np.zeros(40)
    a[3, 4], a[5, 6], x[7] = np.inf, np.nan, np.inf
    with np.errstate(invalid="ignore"):
        expected = a.T @ x
    np.testing.assert_array_equal(ad.compile(lambda a, x: a.T @ x)(a, x), expected)


def test_a_gradient_that_stops_at_a_zero_slope_keeps_its_zeros():
    x, weights = np.zeros((40, 50)), np.ones(40)
    x[::2] = 4.0
    slope = ad.grad(lambda w, x: np.sum((np.sqrt(x).T @ w) ** 2), argnums=1)
    np.testing.assert_array_equal(ad.compile(slope)(weights, x), slope(weights, x))


def test_long_sums_of_float32_keep_their_digits(written):
    x = np.full((60_000, 40), 0.1, np.float32)
    expected = x.astype(float).sum(axis=0)
    np.testing.assert_allclose(run(sums_of_columns, x), expected, rtol=1e-5)
    assert len(written) == 1


def test_what_belongs_to_a_column_is_not_computed_again_for_each_band(written):
    a, scale = np.ones((40, 50)), np.linspace(0, 1, 50)
    found = run(lambda a, scale: np.sum(a * np.exp(scale), axis=0), a, scale)
    np.testing.assert_allclose(found, 40 * np.exp(scale), rtol=1e-14)
    product = run(lambda a, scale: np.sum(a * (scale + 1), axis=0), a, scale)
    np.testing.assert_allclose(product, 40 * (scale + 1), rtol=1e-14)
    assert all(
        element.operation in ("load", "multiply") for nest in written for element in nest.elements()
    )


def test_a_reproducible_sum_has_its_own_order(written):
    target = this_machine().target
    run(sums_of_columns, np.ones((16, 50)))
    (nest,) = written
    assert bands.is_banded(nest, target)
    assert not bands.is_banded(nest, target.reproducible())
