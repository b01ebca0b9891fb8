"""Gradients of parts of an array are joined in native code, and factors read often are copied."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import adjoint as ad
from adjoint import nn
from adjoint.compiler.native.arrays.expansion import expand
from adjoint.compiler.native.arrays.parts import Loops, Multiplication
from adjoint.compiler.native.arrays.schedule import Schedule
from adjoint.compiler.native.function import NativeFunction
from adjoint.compiler.simplify.simplify import simplify

RNG = np.random.default_rng(0)


def gradient_graph(function, *arrays):
    return ad.trace(ad.grad(function), *arrays)


def names(graph):
    """Return the operations that loops over arrays compute."""
    return [node.primitive.name for node in expand(simplify(graph)).nodes]


def assert_agree(graph, *arrays):
    (found,), (expected,) = NativeFunction(graph, limit=0)(arrays)[:1], graph.evaluate(arrays)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def in_steps(x):
    """Read all rows, one by one."""
    return np.sum(np.sin(x[0]) * x[1] + np.exp(x[2]))


def in_halves(x):
    """Read halves of halves along the second axis, the last entries by a number."""
    left, right = x[:, :2], x[:, 2:]
    parts = left[:, 0], left[:, 1], right[:, 0], right[:, -1]
    return np.sum(parts[0] * parts[1] + np.sin(parts[2]) * parts[3])


def out_of_order(x):
    return np.sum(np.sin(x[2]) * x[0] + np.exp(x[1]))


def in_tiles(x):
    """Read the first rows in halves, and the others whole."""
    top, bottom = x[:2], x[2:]
    return np.sum(np.sin(top[:, :2]) ** 2) + np.sum(top[:, 2:] ** 3) + np.sum(np.cos(bottom))


def in_gates(x):
    return np.sum(np.tanh(x[..., :2]) * x[..., 2:3] * x[..., -2:])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("function", "shape"),
    [
        (in_steps, (3, 5)),
        (out_of_order, (3, 5)),
        (in_halves, (3, 4)),
        (in_tiles, (4, 4)),
        (in_gates, (2, 3, 5)),
    ],
)
def test_gradients_of_parts_that_fill_an_array_are_joined(function, shape, dtype):
    x = RNG.normal(size=shape).astype(dtype)
    graph = gradient_graph(function, x)
    assert "concatenate" in names(graph)
    assert "scatter_add" not in names(graph)
    assert_agree(graph, x)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.sum(x[:3] ** 2) + np.sum(np.sin(x[2:])),  # they overlap
        lambda x: np.sum(x[:3] ** 2) + np.sum(np.sin(x[2:3])),  # and leave out as many rows
        lambda x: np.sum(x[:2] ** 2) + np.sum(np.sin(x[3:])),  # one row is left out
        lambda x: np.sum(x[::2] ** 2) + np.sum(np.sin(x[1::2])),  # they alternate
        lambda x: np.sum(x[:2, :2]) ** 2 + np.sum(np.sin(x[2:])) + np.sum(x[:2, 2:] ** 3),  # tiles
        lambda x: np.sum(x[:2] ** 3) + np.sum(x[:2] ** 2) + np.sum(np.sin(x[2:])),
        lambda x: np.sum(x[[0, 1]] ** 2) + np.sum(np.sin(x[2:])),  # numbers of rows
        lambda x: np.sum(x[None, :2] ** 2) + np.sum(np.sin(x[..., 2:, :])),  # axes by other names
    ],
)
def test_other_gradients_of_parts_are_right_as_well(function):
    x = RNG.normal(size=(4, 5))
    assert_agree(gradient_graph(function, x), x)


def test_a_part_that_fills_the_whole_is_not_placed():
    x = RNG.normal(size=(1, 5))
    graph = gradient_graph(lambda x: np.sum(np.sin(x[0])), x)
    assert "scatter_add" not in names(graph)
    assert_agree(graph, x)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_padded_arrays_that_a_user_adds_up_lose_the_sign_of_zero(dtype):
    x = np.array([[-0.0, 1.0], [2.0, -0.0]], dtype)
    graph = ad.trace(lambda x: np.pad(x, ((0, 2), (0, 0))) + np.pad(x, ((2, 0), (0, 0))), x)
    found, expected = NativeFunction(graph, limit=0)([x])[0], graph.evaluate([x])[0]
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.signbit(found), np.signbit(expected))


def test_a_number_before_a_sum_is_no_array_to_join():
    def function(x):
        return np.sum(np.exp(0.5 + (np.sin(x) + x))) * x[0, 0]

    x = RNG.normal(size=(3, 4))
    graph = gradient_graph(function, x)
    assert "scatter_add" in names(graph)
    assert_agree(graph, x)


def test_many_parts_of_one_sum_are_left_as_they_are():
    x = RNG.normal(size=(40, 3))
    graph = gradient_graph(lambda x: sum(np.sum(np.sin(x[k]) * (k + 1)) for k in range(40)), x)
    assert_agree(graph, x)


def test_nan_and_infinite_gradients_stay_in_their_parts():
    x = np.array([[1.0, np.nan], [np.inf, 0.0], [2.0, 3.0]])
    graph = gradient_graph(in_steps, x)
    with np.errstate(all="ignore"):
        found, expected = NativeFunction(graph, limit=0)([x])[0], graph.evaluate([x])[0]
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))


@pytest.mark.parametrize("layer", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize("time", [1, 5, 6])
def test_a_compiled_layer_has_the_eager_gradient(layer, time):
    model, x = layer(3, 17, rng=0).requires_grad_(False), RNG.normal(size=(4, time, 3))
    gradient = ad.grad(lambda x: np.sum(model(x)[0] ** 2))
    np.testing.assert_allclose(ad.compile(gradient)(x), gradient(x), rtol=1e-9, atol=1e-12)


def test_a_transposed_factor_that_many_products_read_is_copied_once():
    arrays = RNG.normal(size=(20, 33)), RNG.normal(size=(20, 33))

    def stored_and_factors(steps):
        def function(w, x):
            for _ in range(steps):
                x = np.tanh(x @ w.T) @ w
            return x

        graph = ad.trace(function, *arrays)
        assert_agree(graph, *arrays)
        parts = Schedule(expand(simplify(graph))).parts
        factors = [part.right for part in parts if isinstance(part, Multiplication)]
        stored = sum(len(part.roots) for part in parts if isinstance(part, Loops))
        return stored, factors

    # Each step stores the result of tanh; the copy is stored once, and what tells of doubts.
    (few, scattered), (many, copied) = stored_and_factors(2), stored_and_factors(6)
    assert [len(scattered), len(copied)] == [4, 12]
    assert many - few == 4 + 1
    assert not all(view.strides[-1] == 1 for view in scattered)
    assert all(view.strides[-1] == 1 for view in copied)


@pytest.mark.parametrize("shape", [(5, 2, 3), (2, 5, 2, 3), (0, 2, 3), (2, 0, 3), (4, 2, 0)])
def test_a_weight_that_a_stack_shares_has_one_product_for_gradient(shape):
    x, w = RNG.normal(size=shape), RNG.normal(size=(shape[-1], 4))
    gradient = ad.grad(lambda w: np.sum(np.sin(x @ w)))
    rows = x.reshape(-1 if x.size else 0, shape[-1])
    np.testing.assert_allclose(gradient(w), rows.T @ np.cos(rows @ w), rtol=1e-12, atol=1e-12)


def test_no_stack_of_products_is_added_up_for_that_gradient():
    x, w = RNG.normal(size=(5, 2, 3)), RNG.normal(size=(3, 4))
    graph = ad.trace(ad.grad(lambda w: np.sum(np.sin(x @ w))), w)
    made = [node.output.shape for node in graph.nodes if "matmul" in node.primitive.name]
    assert made == [(5, 2, 4), (3, 4)]
