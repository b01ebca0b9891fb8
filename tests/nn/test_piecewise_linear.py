"""A piecewise linear encoding: how far a number is past each bin."""

import numpy as np
import pytest

from adjoint.network import Category, Design, Perceptron
from adjoint.nn.piecewise_linear import piecewise_linear

WIDEST = 3**0.5


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("rows", "columns", "bins"), [(1, 1, 1), (7, 3, 4), (0, 2, 16)])
def test_each_bin_holds_how_far_the_number_is_past_it(rows, columns, bins, dtype):
    x = np.random.default_rng(0).normal(size=(rows, columns)).astype(dtype)
    edges = np.linspace(-WIDEST, WIDEST, bins + 1)
    found = np.asarray(piecewise_linear(x, bins))
    assert found.shape == (rows, columns * bins)
    assert found.dtype == dtype
    for column in range(columns):
        for k in range(bins):
            expected = np.interp(x[:, column], edges[k : k + 2], [0, 1])
            # float32 rounds the edges.
            np.testing.assert_allclose(found[:, column * bins + k], expected, atol=1e-5)


def test_numbers_beyond_all_bins_are_within_zero_and_one():
    found = np.asarray(piecewise_linear(np.array([[-1e30], [1e30]], np.float32), 3))
    np.testing.assert_array_equal(found, [[0, 0, 0], [1, 1, 1]])


@pytest.mark.parametrize("categories", [(), (Category(0, 3, 2),), (Category(1, 3, 2),)])
def test_a_network_in_bins_reads_numbers_bins_and_categories(categories):
    numbers = 3 - len(categories)
    size = numbers * 5 + 2 * len(categories)
    design = Design((size, 8, 1), ("relu",), categories=categories, linear_path=True, bins=4)
    assert design.numeric == numbers
    network = Perceptron(design, np.random.RandomState(0), np.float64)
    x = np.random.default_rng(0).normal(size=(6, 3))
    for one in categories:
        x[:, one.column] = 2
    plain = [k for k in range(3) if k not in {one.column for one in categories}]
    parts = [x[:, plain], np.asarray(piecewise_linear(x[:, plain], 4))]
    parts += [np.tile(layer.weight.data[2], (6, 1)) for layer in network.embeddings]
    first, last = network.linear
    hidden = np.maximum(np.hstack(parts) @ first.weight.data + first.bias.data, 0)
    expected = hidden @ last.weight.data + last.bias.data
    np.testing.assert_allclose(network.outputs(x), expected, rtol=1e-12)
