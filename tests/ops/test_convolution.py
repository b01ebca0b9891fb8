"""Convolutions and pooling: loops over windows, PyTorch's numbers, and compiled steps."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn
from adjoint.errors import ShapeError
from adjoint.nn import functional
from adjoint.training.step import TrainingStep
from sampled import sampled

RNG = np.random.default_rng(0)


def as_pairs(padding, axes):
    return [(n, n) for n in (padding if isinstance(padding, tuple) else (padding,) * axes)]


def convolved(x, weight, bias, stride, padding, dilation, groups):
    """Return the convolution by a loop over every output."""
    axes = x.ndim - 2
    x = np.pad(x, [(0, 0), (0, 0), *padding])
    kernel, width = weight.shape[1:-1], weight.shape[-1] // groups
    sizes = [
        (n - (k - 1) * d - 1) // s + 1
        for n, k, s, d in zip(x.shape[2:], kernel, stride, dilation, strict=True)
    ]
    out = np.zeros((len(x), weight.shape[-1], *sizes))
    for n, channel in np.ndindex(len(x), weight.shape[-1]):
        first = channel // width * weight.shape[0]
        for place in np.ndindex(*sizes):
            total = bias[channel]
            for entry in np.ndindex(*kernel):
                at = tuple(
                    p * s + e * d for p, s, e, d in zip(place, stride, entry, dilation, strict=True)
                )
                for c in range(weight.shape[0]):
                    total += x[(n, first + c, *at)] * weight[(c, *entry, channel)]
            out[(n, channel, *place)] = total
    assert axes == len(kernel)
    return out


CASES = {
    "plain": (nn.Conv2d, (2, 3, 3), {}),
    "stride": (nn.Conv2d, (2, 3, (2, 3)), {"stride": (2, 1)}),
    "padding": (nn.Conv2d, (2, 3, 3), {"padding": (1, 2)}),
    "dilation": (nn.Conv2d, (2, 3, 2), {"dilation": (2, 1), "padding": 1}),
    "groups": (nn.Conv2d, (4, 6, 2), {"groups": 2}),
    "depthwise": (nn.Conv2d, (3, 3, 2), {"groups": 3, "stride": 2}),
    "points": (nn.Conv2d, (2, 3, 1), {}),
    "sequence": (nn.Conv1d, (2, 3, 3), {"padding": 1}),
    "long sequence": (nn.Conv1d, (2, 4, 2), {"stride": 2, "dilation": 2, "groups": 2}),
}


def layer_of(name, dtype=float):
    kind, sizes, settings = CASES[name]
    layer = kind(*sizes, rng=1, dtype=dtype, **settings)
    layer.bias.data = RNG.normal(size=layer.bias.shape).astype(dtype)
    space = (6, 5) if layer.axes == 2 else (7,)
    x = RNG.normal(size=(2, sizes[0], *space)).astype(dtype)
    return layer, x


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CASES)
def test_a_convolution_is_its_loop(name, dtype):
    layer, x = layer_of(name, dtype)
    found = layer(x)
    assert found.dtype == dtype
    expected = convolved(
        x.astype(float),
        layer.weight.data.astype(float),
        layer.bias.data,
        layer.stride,
        layer.padding,
        layer.dilation,
        layer.groups,
    )
    rtol = 1e-4 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(found.data, expected, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("name", sampled(CASES, 3))
def test_gradients_of_a_convolution(name):
    layer, x = layer_of(name)

    def of(x, weight, bias):
        layer.weight, layer.bias = weight, bias
        return layer(x)

    ad.check_gradients(of, x, layer.weight.data, layer.bias.data)


@pytest.mark.parametrize("name", CASES)
def test_a_convolution_is_pytorchs(name):
    torch = pytest.importorskip("torch")
    layer, x = layer_of(name)
    kind, sizes, settings = CASES[name]
    theirs = getattr(torch.nn, kind.__name__)(*sizes, **settings).double()
    weight = np.moveaxis(layer.weight.data, -1, 0)
    theirs.weight.data = torch.tensor(np.ascontiguousarray(weight))
    theirs.bias.data = torch.tensor(layer.bias.data)
    inputs = torch.tensor(x, requires_grad=True), ad.tensor(x, requires_grad=True)
    expected, found = theirs(inputs[0]), layer(inputs[1])
    (expected**2).sum().backward()
    (found**2).sum().backward()
    np.testing.assert_allclose(found.data, expected.detach().numpy(), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(inputs[1].grad.data, inputs[0].grad.numpy(), atol=1e-9)
    found_weight = np.moveaxis(layer.weight.grad.data, -1, 0)
    np.testing.assert_allclose(found_weight, theirs.weight.grad.numpy(), atol=1e-9)


@pytest.mark.parametrize("kernel", [1, 2, 3, 4])
def test_same_keeps_the_size(kernel):
    x = np.ones((1, 1, 9, 8))
    assert nn.Conv2d(1, 2, kernel, padding="same", rng=0)(x).shape == (1, 2, 9, 8)


def test_valid_adds_nothing_around():
    x = np.random.default_rng(0).normal(size=(2, 1, 6, 5))
    valid, bare = (nn.Conv2d(1, 2, 3, padding=padding, rng=0) for padding in ("valid", 0))
    assert valid(x).shape == (2, 2, 4, 3)
    np.testing.assert_array_equal(valid(x).data, bare(x).data)


def test_what_does_not_fit_a_convolution_is_refused():
    with pytest.raises(ValueError, match="groups: 2 does not divide 3 and 4 channels"):
        nn.Conv2d(3, 4, 3, groups=2)
    with pytest.raises(ValueError, match=r'padding="same" needs a stride of 1, got \(2, 2\)'):
        nn.Conv2d(3, 4, 3, 2, "same")
    with pytest.raises(ValueError, match="kernel_size: expected one size or 2"):
        nn.Conv2d(3, 4, (3, 3, 3))
    with pytest.raises(ValueError, match="padding: expected 2 sizes from 0"):
        nn.Conv2d(3, 4, 3, padding=-1)
    layer = nn.Conv2d(3, 4, 3, rng=0)
    with pytest.raises(ShapeError, match=r"expected \(n, 3, height, width\)"):
        layer(np.ones((2, 4, 5, 5)))
    with pytest.raises(ShapeError, match=r"a window of \(3, 3\).* does not fit"):
        layer(np.ones((2, 3, 2, 5)))


# --- pooling --------------------------------------------------------------------------------------


def pooled(x, size, stride, padding, take, fill):
    x = np.pad(x, [(0, 0), (0, 0), *padding], constant_values=fill)
    axes = len(size)
    sizes = [(n - k) // s + 1 for n, k, s in zip(x.shape[2:], size, stride, strict=True)]
    out = np.zeros((*x.shape[:2], *sizes))
    for place in np.ndindex(*sizes):
        at = tuple(slice(p * s, p * s + k) for p, s, k in zip(place, stride, size, strict=True))
        out[(..., *place)] = take(x[(..., *at)], axis=tuple(range(-axes, 0)))
    return out


POOLS = [
    ((2,), {}, (7,)),
    ((3,), {"stride": 2, "padding": 1}, (7,)),
    ((2,), {}, (6, 5)),
    (((3, 2),), {"stride": (1, 2), "padding": (1, 0)}, (6, 5)),
]


@pytest.mark.parametrize(
    ("kind", "take", "fill"), [(nn.MaxPool, np.max, -np.inf), (nn.AvgPool, np.mean, 0)]
)
@pytest.mark.parametrize(("args", "settings", "space"), POOLS)
def test_pooling_is_its_loop(kind, take, fill, args, settings, space):
    layer, x = kind(*args, **settings), RNG.normal(size=(2, 3, *space))
    axes = len(space)
    size = args[0] if isinstance(args[0], tuple) else (args[0],) * axes
    stride = settings.get("stride", args[0])
    stride = stride if isinstance(stride, tuple) else (stride,) * axes
    padding = as_pairs(settings.get("padding", 0), axes)
    np.testing.assert_allclose(layer(x), pooled(x, size, stride, padding, take, fill), rtol=1e-12)
    ad.check_gradients(lambda x: layer(x), x)


def test_equal_entries_share_the_gradient_of_the_maximum():
    x = ad.tensor(np.ones((1, 1, 4)), requires_grad=True)
    nn.MaxPool(2)(x).sum().backward()
    assert x.grad.data.ravel().tolist() == [0.5, 0.5, 0.5, 0.5]


def test_what_does_not_fit_pooling_is_refused():
    with pytest.raises(ValueError, match="padding: 2 is above half the size 2"):
        nn.MaxPool(2, padding=2)
    with pytest.raises(ShapeError, match=r"expected \(n, channels, ...\)"):
        nn.AvgPool(2)(np.ones((2, 3)))


# --- in a compiled step ---------------------------------------------------------------------------


def network(dtype):
    rng = np.random.default_rng(3)
    return nn.Sequential(
        nn.Conv2d(1, 3, 3, padding=1, rng=rng, dtype=dtype),
        nn.BatchNorm(3, dtype=dtype),
        nn.ReLU(),
        nn.MaxPool(2),
        nn.Conv2d(3, 4, 2, groups=1, rng=rng, dtype=dtype),
        nn.Tanh(),
        nn.AvgPool(2),
        nn.Flatten(),
        nn.Linear(4, 2, rng=rng, dtype=dtype),
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("tiers", [{}, None], ids=["portable", "native"])
def test_a_compiled_step_is_the_eager_one(dtype, tiers):
    if tiers is None and find_spec("llvmlite") is None:
        pytest.skip("llvmlite is missing")
    x = np.random.default_rng(1).normal(size=(5, 1, 6, 6)).astype(dtype)
    y = np.array([0, 1, 1, 0, 1])
    states, losses = [], []
    for compiled in (False, True):
        model = network(dtype)
        optimizer = ad.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        step = TrainingStep(model, functional.cross_entropy, optimizer, tiers=tiers)

        def eager(x, y, model=model, optimizer=optimizer):
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            return loss.data

        losses.append([float((step if compiled else eager)(x, y)) for _ in range(3)])
        states.append(model.state_dict())
    assert step.program(x, y).tier == ("portable" if tiers == {} else "native")
    rtol = 1e-3 if dtype == np.float32 else 1e-9
    np.testing.assert_allclose(losses[1], losses[0], rtol=rtol)
    for name, array in states[0].items():
        np.testing.assert_allclose(states[1][name], array, rtol=rtol, atol=rtol, err_msg=name)
