"""Layers that change the sizes of images: loops, derivatives, PyTorch's numbers, compiled steps."""

from __future__ import annotations

import math
from functools import partial
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
FLOATS = [np.float32, np.float64]


# --- the formulas, as loops over every entry ------------------------------------------------------


def spread(layer, x):
    """Return a transposed convolution: every entry of the input adds its window to the output."""
    weight = layer.weight.data.astype(float)
    kernel, width = weight.shape[1:-1], weight.shape[-1]
    settings = list(zip(kernel, layer.stride, layer.dilation, strict=True))
    whole = [
        (n - 1) * s + (k - 1) * d + 1 + more
        for n, (k, s, d), more in zip(x.shape[2:], settings, layer.output_padding, strict=True)
    ]
    out = np.zeros((len(x), layer.out_channels, *whole))
    inner = layer.in_channels // layer.groups
    for n, channel in np.ndindex(*x.shape[:2]):
        first = channel // inner * width
        for place in np.ndindex(*x.shape[2:]):
            for entry in np.ndindex(*kernel):
                at = tuple(
                    p * s + e * d for p, e, (_, s, d) in zip(place, entry, settings, strict=True)
                )
                for c in range(width):
                    product = x[(n, channel, *place)] * weight[(channel, *entry, c)]
                    out[(n, first + c, *at)] += product
    cut = [slice(p, n - p) for p, n in zip(layer.padding, whole, strict=True)]
    bias = 0 if layer.bias is None else layer.bias.data.reshape(-1, *[1] * layer.axes)
    return out[(slice(None), slice(None), *cut)] + bias


def adaptive(take, sizes, x):
    """Return the mean or maximum of windows from ⌊i n / m⌋ to ⌈(i + 1) n / m⌉."""
    out = np.zeros((*x.shape[:2], *sizes))
    for place in np.ndindex(*sizes):
        at = tuple(
            slice(math.floor(i * n / m), math.ceil((i + 1) * n / m))
            for i, n, m in zip(place, x.shape[2:], sizes, strict=True)
        )
        out[(..., *place)] = take(x[(..., *at)], axis=tuple(range(2, x.ndim)))
    return out


def interpolated(x, sizes, ratios, point):
    """Return the multilinear function through the entries, at ``point(i, n, m, ratio)``."""
    for axis, (m, ratio) in enumerate(zip(sizes, ratios, strict=True), 2):
        n = x.shape[axis]
        at = [point(i, n, m, ratio) for i in range(m)]
        x = np.apply_along_axis(lambda line, at=at, n=n: np.interp(at, range(n), line), axis, x)
    return x


def by_squares(i, n, m, ratio):
    return max((i + 0.5) * ratio - 0.5, 0)


def by_points(i, n, m, ratio):
    return i * (n - 1) / (m - 1) if m > 1 else 0


def by_nearest(i, n, m, ratio):
    return min(math.floor(i * ratio), n - 1)


def convolution(kind, *sizes, **settings):
    """Return a layer's maker, and its formula."""
    return lambda dtype: kind(*sizes, rng=1, dtype=dtype, **settings), spread


def fixed(layer, formula):
    return lambda dtype: layer, lambda _, x: formula(x)


# name: the shape of the input, what makes the layer, and its formula of layer and input
CASES = {
    "transposed": ((1, 2, 2, 3), *convolution(nn.ConvTranspose2d, 2, 3, 3)),
    "transposed by strides": (
        (1, 2, 2, 3),
        *convolution(nn.ConvTranspose2d, 2, 3, (2, 3), (2, 1), (1, 0)),
    ),
    "transposed to even sizes": (
        (1, 2, 2, 3),
        *convolution(nn.ConvTranspose2d, 2, 3, 3, 2, 1, 1),
    ),
    "transposed and dilated": (
        (2, 2, 3, 2),
        *convolution(nn.ConvTranspose2d, 2, 3, 2, 1, 0, 1, dilation=2),
    ),
    "transposed in groups": (
        (2, 4, 3, 2),
        *convolution(nn.ConvTranspose2d, 4, 6, 2, groups=2, bias=False),
    ),
    "transposed sequence": ((2, 2, 5), *convolution(nn.ConvTranspose1d, 2, 3, 4, 2, 1)),
    "global mean": ((2, 3, 4, 5), *fixed(nn.GlobalAvgPool(), lambda x: x.mean((2, 3)))),
    "global maximum": ((2, 3, 4, 5), *fixed(nn.GlobalMaxPool(), lambda x: x.max((2, 3)))),
    "adaptive mean": (
        (2, 3, 7, 5),
        *fixed(nn.AdaptiveAvgPool((3, 2)), partial(adaptive, np.mean, (3, 2))),
    ),
    "adaptive maximum": (
        (2, 3, 7, 5),
        *fixed(nn.AdaptiveMaxPool((3, 2)), partial(adaptive, np.max, (3, 2))),
    ),
    "adaptive mean of even windows": (
        (2, 3, 6, 4),
        *fixed(nn.AdaptiveAvgPool((3, None)), partial(adaptive, np.mean, (3, 4))),
    ),
    "adaptive maximum of a sequence": (
        (2, 3, 6),
        *fixed(nn.AdaptiveMaxPool(3), partial(adaptive, np.max, (3,))),
    ),
    "adaptive mean of more than there are": (
        (2, 3, 3),
        *fixed(nn.AdaptiveAvgPool(5), partial(adaptive, np.mean, (5,))),
    ),
    "nearest": (
        (2, 3, 3, 2),
        *fixed(
            nn.Upsample(scale_factor=(2, 3)),
            lambda x: interpolated(x, (6, 6), (1 / 2, 1 / 3), by_nearest),
        ),
    ),
    "nearest of a size": (
        (2, 3, 3, 4),
        *fixed(
            nn.Upsample((5, 3)),
            lambda x: interpolated(x, (5, 3), (3 / 5, 4 / 3), by_nearest),
        ),
    ),
    "nearest by a fraction": (
        (2, 3, 5),
        *fixed(
            nn.Upsample(scale_factor=1.5),
            lambda x: interpolated(x, (7,), (1 / 1.5,), by_nearest),
        ),
    ),
    "bilinear": (
        (2, 3, 3, 2),
        *fixed(
            nn.Upsample(scale_factor=2, mode="bilinear"),
            lambda x: interpolated(x, (6, 4), (1 / 2, 1 / 2), by_squares),
        ),
    ),
    "bilinear by a fraction": (
        (2, 3, 3, 5),
        *fixed(
            nn.Upsample(scale_factor=(1.5, 0.7), mode="bilinear"),
            lambda x: interpolated(x, (4, 3), (1 / 1.5, 1 / 0.7), by_squares),
        ),
    ),
    "bilinear of a size": (
        (2, 3, 3, 4),
        *fixed(
            nn.Upsample((5, 3), mode="bilinear"),
            lambda x: interpolated(x, (5, 3), (3 / 5, 4 / 3), by_squares),
        ),
    ),
    "bilinear with corners": (
        (2, 3, 3, 4),
        *fixed(
            nn.Upsample((5, 1), mode="bilinear", align_corners=True),
            lambda x: interpolated(x, (5, 1), (0, 0), by_points),
        ),
    ),
    "linear": (
        (2, 3, 4),
        *fixed(
            nn.Upsample(7, mode="linear", align_corners=True),
            lambda x: interpolated(x, (7,), (0,), by_points),
        ),
    ),
    "trilinear": (
        (1, 2, 2, 3, 2),
        *fixed(
            nn.Upsample(scale_factor=2, mode="trilinear"),
            lambda x: interpolated(x, (4, 6, 4), (1 / 2,) * 3, by_squares),
        ),
    ),
}
cases = pytest.mark.parametrize("name", CASES)
dtypes = pytest.mark.parametrize("dtype", FLOATS)


def layer_and_input(name, dtype=float):
    shape, make, _ = CASES[name]
    layer = make(dtype)
    for parameter in layer.parameters():
        parameter.data = RNG.normal(size=parameter.shape).astype(dtype)
    return layer, RNG.normal(size=shape).astype(dtype)


@dtypes
@cases
def test_a_layer_is_its_loop_eager_and_compiled_and_keeps_the_dtype(name, dtype):
    layer, x = layer_and_input(name, dtype)
    expected = CASES[name][2](layer, x.astype(float))
    rtol = 2e-5 if dtype == np.float32 else 1e-12
    for found in (layer(ad.tensor(x)).data, ad.compile(lambda x: layer(x))(x)):
        assert np.asarray(found).dtype == dtype
        np.testing.assert_allclose(np.asarray(found), expected, rtol=rtol, atol=rtol)


@cases
def test_gradients_of_a_layer(name):
    layer, x = layer_and_input(name)
    ad.check_gradients(lambda x: layer(x), x)
    if not list(layer.parameters()):
        return
    names = [key for key, _ in layer.named_parameters()]

    def of(*arrays):
        for key, array in zip(names, arrays, strict=True):
            setattr(layer, key, array)
        return layer(x)

    ad.check_gradients(of, *(p.data for p in layer.parameters()))


# --- against PyTorch ------------------------------------------------------------------------------

# The same settings by the names of PyTorch's layers; those of 1 or 2 axes end in 1d and 2d.
TORCH = {
    "transposed": ("ConvTranspose2d", (2, 3, 3), {}),
    "transposed by strides": ("ConvTranspose2d", (2, 3, (2, 3), (2, 1), (1, 0)), {}),
    "transposed to even sizes": ("ConvTranspose2d", (2, 3, 3, 2, 1, 1), {}),
    "transposed and dilated": ("ConvTranspose2d", (2, 3, 2, 1, 0, 1), {"dilation": 2}),
    "transposed in groups": ("ConvTranspose2d", (4, 6, 2), {"groups": 2, "bias": False}),
    "transposed sequence": ("ConvTranspose1d", (2, 3, 4, 2, 1), {}),
    "adaptive mean": ("AdaptiveAvgPool2d", ((3, 2),), {}),
    "adaptive maximum": ("AdaptiveMaxPool2d", ((3, 2),), {}),
    "adaptive mean of even windows": ("AdaptiveAvgPool2d", ((3, None),), {}),
    "adaptive maximum of a sequence": ("AdaptiveMaxPool1d", (3,), {}),
    "adaptive mean of more than there are": ("AdaptiveAvgPool1d", (5,), {}),
    "nearest": ("Upsample", (), {"scale_factor": (2, 3)}),
    "nearest of a size": ("Upsample", ((5, 3),), {}),
    "nearest by a fraction": ("Upsample", (), {"scale_factor": 1.5}),
    "bilinear": ("Upsample", (), {"scale_factor": 2, "mode": "bilinear"}),
    "bilinear by a fraction": ("Upsample", (), {"scale_factor": (1.5, 0.7), "mode": "bilinear"}),
    "bilinear of a size": ("Upsample", ((5, 3),), {"mode": "bilinear"}),
    "bilinear with corners": (
        "Upsample",
        ((5, 1),),
        {"mode": "bilinear", "align_corners": True},
    ),
    "linear": ("Upsample", (7,), {"mode": "linear", "align_corners": True}),
    "trilinear": ("Upsample", (), {"scale_factor": 2, "mode": "trilinear"}),
}


@pytest.mark.parametrize("name", TORCH)
def test_values_gradients_and_weights_are_pytorchs(name, tmp_path):
    torch = pytest.importorskip("torch")
    load_file = pytest.importorskip("safetensors.torch").load_file
    layer, x = layer_and_input(name)
    kind, sizes, settings = TORCH[name]
    theirs = getattr(torch.nn, kind)(*sizes, **settings).double()
    if layer.state_dict():
        ad.save_weights(layer, tmp_path / "layer", layout="torch")
        theirs.load_state_dict(load_file(tmp_path / "layer"))
    inputs = torch.tensor(x, requires_grad=True), ad.tensor(x, requires_grad=True)
    expected, found = theirs(inputs[0]), layer(inputs[1])
    (expected**2).sum().backward()
    (found**2).sum().backward()
    np.testing.assert_allclose(found.data, expected.detach().numpy(), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(inputs[1].grad.data, inputs[0].grad.numpy(), atol=1e-9)


# --- what is special about each -------------------------------------------------------------------


@pytest.mark.parametrize("size", [7, 8])
def test_a_transposed_convolution_is_the_transpose_of_a_convolution(size):
    forth = nn.Conv2d(2, 3, 3, 2, 1, bias=False, rng=0)
    x = ad.tensor(RNG.normal(size=(1, 2, size, size)), requires_grad=True)
    y = forth(x)
    g = RNG.normal(size=y.shape)
    (y * g).sum().backward()
    back = nn.ConvTranspose2d(3, 2, 3, 2, 1, output_padding=1 - size % 2, bias=False)
    weight = np.transpose(forth.weight.data, (3, 1, 2, 0))
    back.weight.data = np.ascontiguousarray(weight)
    np.testing.assert_allclose(back(g).data, x.grad.data, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("groups", [1, 2])
def test_first_weights_of_a_transposed_convolution_are_scaled_by_all_that_reach_a_window(groups):
    layer = nn.ConvTranspose2d(8, 16, 3, groups=groups, rng=0)
    bound = math.sqrt(6 / (8 / groups * 9))
    assert abs(layer.weight.data).max() <= bound
    # The variance of so many uniform numbers is within 5 standard errors, b² √(4 / 45 n).
    n = layer.weight.data.size
    error = 5 * bound**2 * math.sqrt(4 / 45 / n)
    assert layer.weight.data.var() == pytest.approx(bound**2 / 3, abs=error)
    assert not layer.bias.data.any()


@pytest.mark.parametrize("layer", [nn.AdaptiveMaxPool(2), nn.GlobalMaxPool()])
def test_equal_entries_of_a_window_share_the_gradient(layer):
    x = ad.tensor(np.ones((1, 1, 3, 3)), requires_grad=True)
    y = layer(x)
    y.sum().backward()
    # Windows of 2 by 2 that overlap in the middle; or all entries together.
    shares = np.outer([1, 2, 1], [1, 2, 1]) / 4 if y.ndim == 4 else np.ones((3, 3)) / 9
    np.testing.assert_allclose(x.grad.data[0, 0], shares, rtol=1e-15)


def test_what_is_infinite_outside_of_an_uneven_window_stays_there():
    x = np.array([[[1.0, 2.0, 3.0, np.inf, np.nan]]])
    assert nn.AdaptiveAvgPool(2)(x)[0, 0, 0] == 2
    assert nn.AdaptiveMaxPool(2)(x)[0, 0, 0] == 3


def test_the_nearest_entry_is_found_without_rounding():
    x = np.arange(49.0)[None, None]
    found = np.asarray(nn.Upsample(49 * 3)(x))[0, 0]
    np.testing.assert_array_equal(found, np.repeat(np.arange(49), 3))


# --- in training ----------------------------------------------------------------------------------


def network(name, dtype):
    """Return a classifier whose first weights are in front of the layer, the last ones behind."""
    shape, make, _ = CASES[name]
    layer = make(dtype)
    for parameter in layer.parameters():
        parameter.data = np.random.default_rng(2).normal(0, 0.3, parameter.shape).astype(dtype)
    before = nn.PReLU(shape[1], dtype=dtype)
    width = math.prod(layer(np.zeros(shape, dtype)).shape[1:])
    return nn.Sequential(before, layer, nn.Flatten(), nn.Linear(width, 2, rng=1, dtype=dtype))


def data_of(name, dtype):
    rng = np.random.default_rng(1)
    return rng.normal(size=(6, *CASES[name][0][1:])).astype(dtype), rng.integers(0, 2, 6)


# One of each kind; in the other dtype or tier the rest would only cost time.
KINDS = [
    "transposed to even sizes",
    "transposed in groups",
    "global mean",
    "global maximum",
    "adaptive mean",
    "adaptive maximum",
    "nearest",
    "bilinear",
]
STEPS = [(name, np.float64, None) for name in CASES]
STEPS += [(name, np.float32, None) for name in KINDS]
STEPS += [(name, dtype, {}) for name in KINDS for dtype in FLOATS]


@pytest.mark.parametrize(("name", "dtype", "tiers"), sampled(STEPS, 3))
def test_a_compiled_step_is_the_eager_one(name, dtype, tiers):
    if tiers is None:
        pytest.importorskip("llvmlite")
    x, y = data_of(name, dtype)
    states, losses = [], []
    for compiled in (False, True):
        model = network(name, dtype)
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
    for key, array in states[0].items():
        np.testing.assert_allclose(states[1][key], array, rtol=rtol, atol=rtol, err_msg=key)


@pytest.mark.skipif(find_spec("llvmlite") is None, reason="llvmlite is missing")
@pytest.mark.parametrize(
    "name", ["transposed to even sizes", "global mean", "adaptive maximum", "nearest", "bilinear"]
)
def test_fit_trains_alike_natively_and_eager(name):
    found = []
    for compile in (True, False):
        model = network(name, float)
        settings = {"optimizer": partial(ad.optim.SGD, lr=0.05), "epochs": 3, "batch_size": 4}
        settings |= {"seed": 0, "compile": compile, "progress": False, "loss": "cross_entropy"}
        found.append(ad.fit(model, data_of(name, float), **settings))
    assert found[0].tier == "native"
    np.testing.assert_allclose(found[0]["loss"], found[1]["loss"], rtol=1e-10)


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.ConvTranspose1d(2, 3, 2, 2, output_padding=2), "output_padding: 2 must be"),
        (lambda: nn.ConvTranspose1d(2, 3, 2, output_padding=-1), "output_padding: expected 1"),
        (lambda: nn.ConvTranspose2d(3, 4, 2, groups=2), "groups: 2 does not divide 3 and 4"),
        (lambda: nn.AdaptiveAvgPool(0), "output_size: expected a positive integer, got 0"),
        (lambda: nn.AdaptiveMaxPool(()), "output_size: expected a size or several"),
        (lambda: nn.Upsample(), "expected either size or scale_factor, got size=None"),
        (lambda: nn.Upsample(2, 2), "expected either size or scale_factor, got size=2"),
        (lambda: nn.Upsample(2, mode="cubic"), "unknown mode 'cubic'; choose one of bilinear"),
        (lambda: nn.Upsample(2, align_corners=True), "align_corners is for the linear modes"),
        (lambda: nn.Upsample((2, 2, 2), mode="bilinear"), "is for 2 axes .*got 3 numbers"),
        (lambda: nn.Upsample(()), "a number or one for each axis"),
        (lambda: nn.Upsample(scale_factor=0), "scale_factor: expected a positive number, got 0"),
    ],
)
def test_settings_out_of_range_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (nn.ConvTranspose1d(2, 3, 2), (5, 3, 4), r"\(5, 3, 4\) .* \(n, 2, length\)"),
        (nn.ConvTranspose2d(2, 3, 2), (5, 2, 4), r"\(5, 2, 4\) .* \(n, 2, height, width\)"),
        (nn.ConvTranspose1d(2, 3, 1, padding=2), (5, 2, 4), r"leave an output of sizes \(0,\)"),
        (nn.ConvTranspose1d(2, 3, 1), (5, 2, 0), r"input of shape \(5, 2, 0\)"),
        (nn.GlobalAvgPool(), (5, 3), r"GlobalAvgPool: input of shape \(5, 3\); expected \(n, ch"),
        (nn.GlobalMaxPool(), (5, 3, 0), r"\(5, 3, 0\); expected .* axes that have entries"),
        (nn.AdaptiveAvgPool(2), (5, 3), r"\(5, 3\) does not fit output_size 2; expected"),
        (nn.AdaptiveMaxPool((2, 2)), (5, 3, 4), r"output_size \(2, 2\); expected .* 2 axes"),
        (nn.Upsample(2, mode="bilinear"), (5, 3, 4), r"'bilinear' .* \(n, channels, height, width"),
        (nn.Upsample((2, 2)), (5, 3, 4), r"size=\(2, 2\).* \(n, channels, height, width\)"),
        (nn.Upsample(2), (5, 3), r"Upsample: input of shape \(5, 3\) .* \(n, channels, \.\.\.\)"),
        (nn.Upsample(scale_factor=0.2), (5, 3, 4), r"times 0.2 leaves sizes \(0,\)"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(layer, shape, message):
    with pytest.raises(ShapeError, match=message):
        layer(np.zeros(shape))


def test_layers_show_their_settings():
    assert repr(nn.AdaptiveAvgPool((3, None))) == "AdaptiveAvgPool((3, None))"
    assert repr(nn.Upsample(4)) == "Upsample(size=4, mode='nearest')"
    shown = repr(nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True))
    assert shown == "Upsample(scale_factor=2.0, mode='bilinear', align_corners=True)"
