"""The static graph: tracing with symbols, and what Python may not do with them."""

import numpy as np
import pytest

import adjoint as ad
from adjoint.graph import Graph, Symbol, trace


def test_a_graph_evaluates_like_the_function():
    def f(x, w):
        return np.tanh(x @ w).mean(), x.T

    x, w = np.ones((3, 2)), np.full((2, 4), 0.3)
    graph = trace(f, x, w)
    assert isinstance(graph, Graph)
    for got, expected in zip(graph(x, w), f(x, w), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-15)


def test_symbols_know_shape_and_dtype_only():
    seen = []
    trace(lambda x: seen.append(x) or x, np.ones((2, 3), np.float32))
    assert (seen[0].shape, seen[0].dtype) == ((2, 3), np.float32)
    assert repr(seen[0]) == "symbol(float32[2, 3])"


@pytest.mark.parametrize("convert", [bool, float, int, np.asarray, lambda x: x.item()])
def test_python_may_not_look_at_a_symbol(convert):
    with pytest.raises(TypeError, match=r"no number yet.*ad\.where"):
        trace(lambda x: convert(x.sum()), np.ones(3))


def test_a_function_without_a_card_cannot_be_traced():
    with pytest.raises(TypeError, match="i0 cannot be traced"):
        trace(np.i0, np.ones(3))


def test_shapes_are_checked_while_tracing():
    with pytest.raises(ad.ShapeError, match=r"inner sizes differ, \(2, 3\) @ \(4, 2\)"):
        trace(lambda x, y: x @ y, np.ones((2, 3)), np.ones((4, 2)))
    for join in (np.concatenate, np.stack):
        with pytest.raises(ad.ShapeError, match=r"\(2, 3\), \(4, 2\)"):
            trace(lambda x, y, join=join: join([x, y]), np.ones((2, 3)), np.ones((4, 2)))
    with pytest.raises(ad.ShapeError, match="cannot reshape 3 entries"):
        trace(lambda x: x.reshape(2, 2), np.ones(3))


def test_a_mask_of_unknown_count_cannot_be_traced():
    with pytest.raises(TypeError, match=r"how many entries.*ad\.where"):
        trace(lambda x: x[x > 0], np.ones(3))


def test_tensors_are_constants_of_the_graph():
    w = ad.tensor([2.0], requires_grad=True)
    graph = trace(lambda x: w * w * x, np.ones(1))
    assert graph(np.array([3.0]))[0].tolist() == [12.0]
    assert all(isinstance(symbol, Symbol) for symbol in graph.outputs)
