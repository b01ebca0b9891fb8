"""Gradients of parts of an array are joined in native code, and factors read often are copied."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import adjoint as ad
from adjoint import nn
from adjoint.compiler.native.arrays.array_code import ArrayCode, CodeModule
from adjoint.compiler.native.arrays.expansion import expand
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


def in_gates(x):
    return np.sum(np.tanh(x[..., :2]) * x[..., 2:3] * x[..., -2:])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("function", "shape"), [(in_steps, (3, 5)), (in_halves, (3, 4)), (in_gates, (2, 3, 5))]
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

    def nests(steps):
        def function(w, x):
            for _ in range(steps):
                x = np.tanh(x @ w.T) @ w
            return x

        graph = ad.trace(function, *arrays)
        assert_agree(graph, *arrays)
        code = ArrayCode(expand(simplify(graph)), CodeModule(64, 32))
        return code.counts["loops"], code.counts["products"]

    # Each step has a nest for tanh; one more is the copy, and one tells of doubts.
    few, many = nests(2), nests(6)
    assert (few[1], many[1]) == (4, 12)
    assert many[0] - few[0] == 4 + 1


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
