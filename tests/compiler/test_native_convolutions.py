"""Convolutions and their gradients in native code agree with the graph, evaluated by NumPy."""

import itertools

import numpy as np
import pytest
from adjoint.graph import trace

import adjoint as ad
from adjoint import nn
from adjoint.compiler.native.arrays.expansion import expand
from adjoint.compiler.native.function import NativeFunction
from adjoint.compiler.simplify.simplify import simplify
from adjoint.ops.windows import overlay, sliding_windows

# The sums of some hundred products are taken in another order than NumPy takes them.
TOLERANCE = {np.float64: 1e-12, np.float32: 5e-5}


def assert_agree(function, *arrays):
    graph = trace(function, *arrays)
    found, expected = NativeFunction(graph, limit=0)(arrays), graph.evaluate(arrays)
    for ours, theirs in zip(found, expected, strict=True):
        theirs = np.asarray(theirs)
        tolerance = TOLERANCE[theirs.dtype.type]
        scale = np.max(np.abs(theirs), initial=1.0, where=np.isfinite(theirs))
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance * scale)


def gradients(layer, shape):
    """Return the loss and gradients of a layer, as a function of its input and weight."""

    def loss(x, weight):
        own, layer.weight = layer.weight, weight
        try:
            return np.sum(np.tanh(layer(x)) ** 2)
        finally:
            layer.weight = own

    rng = np.random.default_rng(0)
    weight = layer.weight.detach().numpy().copy()
    x = rng.normal(size=shape).astype(weight.dtype)
    return ad.value_and_grad(loss, argnums=(0, 1)), x, weight


LAYERS = {
    "3 x 3": (nn.Conv2d, (9, 7, 3), {"padding": 1}, (3, 9, 6, 5)),
    "1 x 1": (nn.Conv2d, (8, 5, 1), {}, (2, 8, 4, 4)),
    "5 x 5, stride 2": (nn.Conv2d, (11, 3, 5), {"stride": 2, "padding": 2}, (2, 11, 9, 8)),
    "dilated": (nn.Conv2d, (8, 4, (2, 3)), {"dilation": (2, 1), "padding": "same"}, (2, 8, 6, 7)),
    "groups": (nn.Conv2d, (16, 4, 3), {"groups": 2, "padding": 1}, (2, 16, 5, 5)),
    "large groups": (nn.Conv2d, (24, 6, 3), {"groups": 3, "padding": 1}, (2, 24, 5, 4)),
    "depthwise": (nn.Conv2d, (6, 6, 3), {"groups": 6, "padding": 1}, (2, 6, 5, 19)),
    "two maps of each": (nn.Conv2d, (4, 8, (2, 3)), {"groups": 4, "dilation": 2}, (2, 4, 7, 8)),
    "depthwise, stride 2": (nn.Conv2d, (4, 4, 3), {"groups": 4, "stride": 2}, (2, 4, 8, 7)),
    "depthwise sequences": (nn.Conv1d, (5, 5, 4), {"groups": 5, "bias": False}, (3, 5, 40)),
    "one image, one channel": (nn.Conv2d, (1, 3, 3), {}, (1, 1, 6, 6)),
    "one image": (nn.Conv2d, (17, 3, 3), {}, (1, 17, 6, 6)),
    "one place": (nn.Conv2d, (9, 4, 3), {}, (1, 9, 3, 3)),
    "sequences": (nn.Conv1d, (10, 6, 4), {"stride": 3}, (5, 10, 17)),
    "transposed": (nn.ConvTranspose2d, (6, 9, 3), {"stride": 2, "padding": 1}, (2, 6, 5, 4)),
}


@pytest.mark.parametrize(
    ("name", "dtype"), list(zip(LAYERS, itertools.cycle([np.float32, np.float64]))), ids=str
)
def test_convolutions_of_any_sizes(name, dtype):
    make, sizes, settings, shape = LAYERS[name]
    assert_agree(*gradients(make(*sizes, rng=0, dtype=dtype, **settings), shape))


def volumes(x, weight):
    """Return the loss of a convolution over three axes."""
    found = sliding_windows(x, (2, 3, 2))
    rows = np.transpose(found, (0, 2, 3, 4, 1, 5, 6, 7)).reshape(-1, weight.shape[0])
    return np.sum((rows @ weight) ** 2)


def test_a_convolution_over_three_axes():
    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=(2, 8, 4, 5, 3)), rng.normal(size=(96, 5))
    assert_agree(ad.value_and_grad(volumes, argnums=(0, 1)), x, weight)


def test_the_entries_of_channels_lie_side_by_side_where_windows_are_overlaid():
    function, *args = gradients(nn.Conv2d(16, 32, 3, padding=1, rng=0), (4, 16, 8, 8))
    graph = expand(simplify(trace(function, *args)))
    placed = [node for node in graph.nodes if node.primitive.name == "scatter_add"]
    assert len(placed) >= 9
    assert {node.args[0].shape for node in placed} == {(4, 8, 8, 16)}


@pytest.mark.parametrize(
    ("stride", "dilation", "size"), [(1, 1, 7), (2, 1, 12), (1, 2, 9), (3, 2, 19)]
)
def test_a_kernel_adds_nothing_where_no_window_is(stride, dilation, size):
    frame = {"size": (3,), "stride": (stride,), "dilation": (dilation,), "shape": (2, size)}
    numbers = np.arange(1.0, 11.0).reshape(2, 5)
    for kernel in ([1.0, 2.0, 3.0], [np.inf, 1.0, np.nan], [np.nan, -np.inf, 0.0]):
        assert_agree(lambda x, k: overlay(x[..., None] * k, **frame), numbers, np.array(kernel))


def test_a_long_depthwise_convolution_makes_no_large_constant():
    layer = nn.Conv1d(2, 2, 5, groups=2, padding="same", rng=0)
    function, *args = gradients(layer, (1, 2, 60_000))
    assert_agree(function, *args)
    graph = expand(simplify(trace(function, *args)))
    assert sum(array.size for array in graph.constants) < 60_000


def test_a_convolution_in_groups_overlays_all_channels_of_a_group_at_once():
    function, *args = gradients(nn.Conv2d(16, 32, 3, groups=2, rng=0), (4, 16, 8, 8))
    graph = expand(simplify(trace(function, *args)))
    placed = [node for node in graph.nodes if node.primitive.name == "scatter_add"]
    assert {node.args[0].shape[-1] for node in placed} == {8}


@pytest.mark.parametrize(("groups", "stride"), [(1, 1), (2, 1), (8, 1), (8, 2)])
def test_a_gradient_of_a_convolution_keeps_infinities_nan_and_strong_zeros(groups, stride):
    layer = nn.Conv2d(8, 8, 3, padding=1, groups=groups, stride=stride, bias=False, rng=0)
    function, x, weight = gradients(layer, (2, 8, 5, 6))
    for number in (np.inf, -np.inf, np.nan):
        given, kernel = x.copy(), weight.copy()
        given[0, 3, 2, 2] = number
        kernel[0, 0, 2, 1] = 0.0
        assert_same_by_call(function, given, kernel)
        kernel[0, 1, 1, 0] = number
        assert_same_by_call(function, x, kernel)


def assert_same_by_call(function, x, weight):
    """Compare the compiled function, which asks the graph where it is in doubt, with an eager one.

    NumPy's product of matrices warns about what is not finite.
    """
    with np.errstate(all="ignore"):
        expected = function(x, weight)
        found = ad.compile(function)(x, weight)
    np.testing.assert_allclose(found[0], expected[0])
    for ours, theirs in zip(found[1], expected[1], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-11)
