"""Every layer against its formula, at extreme inputs, and in a compiled training step."""

from __future__ import annotations

import math
import pickle
import sys
import warnings
from importlib.util import find_spec

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn
from adjoint.nn import functional, initialise
from adjoint.training.step import TrainingStep
from sampled import sampled

needs_scipy = pytest.mark.skipif(find_spec("scipy") is None, reason="SciPy is missing")

FLOATS = [np.float32, np.float64]
RNG = np.random.default_rng(0)
X = RNG.normal(0, 2, (5, 4))


erf = np.vectorize(math.erf)


def logistic(x):
    return 1 / (1 + np.exp(-x))


def elu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * (np.exp(np.minimum(x, 0)) - 1))


# Each layer, and its formula of a (5, 4) input.
ACTIVATIONS = {
    "leaky_relu": (nn.LeakyReLU, lambda x: np.maximum(x, 0) + 0.01 * np.minimum(x, 0)),
    "steep": (lambda: nn.LeakyReLU(1.5), lambda x: np.maximum(x, 0) + 1.5 * np.minimum(x, 0)),
    "elu": (nn.ELU, elu),
    "elu_alpha": (lambda: nn.ELU(0.5), lambda x: elu(x, 0.5)),
    "selu": (nn.SELU, lambda x: 1.0507009873554805 * elu(x, 1.6732632423543772)),
    "gelu": (nn.GELU, lambda x: x * (1 + erf(x / math.sqrt(2))) / 2),
    "gelu_tanh": (
        lambda: nn.GELU("tanh"),
        lambda x: x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    ),
    "silu": (nn.SiLU, lambda x: x * logistic(x)),
    "mish": (nn.Mish, lambda x: x * np.tanh(np.log(1 + np.exp(x)))),
    "softplus": (nn.Softplus, lambda x: np.log(1 + np.exp(x))),
    "hardtanh": (nn.Hardtanh, lambda x: np.maximum(-1, np.minimum(1, x))),
    "softsign": (nn.Softsign, lambda x: x / (1 + abs(x))),
    "prelu": (nn.PReLU, lambda x: np.maximum(x, 0) + 0.25 * np.minimum(x, 0)),
    "prelus": (lambda: nn.PReLU(4), lambda x: np.maximum(x, 0) + 0.25 * np.minimum(x, 0)),
    "glu": (nn.GLU, lambda x: x[:, :2] * logistic(x[:, 2:])),
}


def standardised(x, axis, epsilon=1e-5):
    centred = x - x.mean(axis, keepdims=True)
    return centred / np.sqrt(x.var(axis, keepdims=True) + epsilon)


def grouped(x, groups):
    """Return each group of columns standardised, one by one."""
    parts = np.split(x, groups, axis=1)
    axes = tuple(range(1, x.ndim))
    return np.concatenate([standardised(part, axes) for part in parts], axis=1)


NORMALISATIONS = {
    "layer_norm": (lambda: nn.LayerNorm(4), lambda x: standardised(x, -1)),
    "layer_norm_of_a_tuple": (lambda: nn.LayerNorm((4,)), lambda x: standardised(x, -1)),
    "layer_norm_soft": (lambda: nn.LayerNorm(4, 0.5), lambda x: standardised(x, -1, 0.5)),
    "rms_norm": (
        lambda: nn.RMSNorm(4),
        lambda x: x / np.sqrt((x**2).sum(-1, keepdims=True) / 4 + 1e-5),
    ),
    "group_norm": (lambda: nn.GroupNorm(2, 4), lambda x: grouped(x, 2)),
    "group_norm_of_all": (lambda: nn.GroupNorm(1, 4), lambda x: standardised(x, -1)),
}
CONTAINERS = {
    "residual": (lambda: nn.Residual(nn.Tanh()), lambda x: x + np.tanh(x)),
    "residual_of_two": (
        lambda: nn.Residual(nn.Sequential(nn.LayerNorm(4), nn.ReLU())),
        lambda x: x + np.maximum(standardised(x, -1), 0),
    ),
    "flatten": (nn.Flatten, lambda x: x),
}


def of_cell(make, following):
    """Return a cell, and its formula from zeros, with the weights that a seed gives it."""

    def formula(x):
        cell = make()
        a = x @ cell.input.weight.data + cell.input.bias.data
        zeros = np.zeros((len(x), cell.hidden_size))
        return following(a, zeros @ cell.hidden.weight.data + cell.hidden.bias.data, zeros)

    return make, formula


def next_of_gru(a, b, h):
    (r, z, n), (r_hidden, z_hidden, n_hidden) = np.split(a, 3, axis=1), np.split(b, 3, axis=1)
    z = logistic(z + z_hidden)
    return (1 - z) * np.tanh(n + logistic(r + r_hidden) * n_hidden) + z * h


class Outputs(nn.Module):
    """What a cell shows of its state, so that it may be followed by another layer."""

    def __init__(self, cell):
        self.cell = cell

    def forward(self, x):
        return self.cell(x)[0]


def next_of_lstm(a, b, c):
    i, f, g, o = np.split(a + b, 4, axis=1)
    return logistic(o) * np.tanh(logistic(f) * c + logistic(i) * np.tanh(g))


# Their states are the subject of tests/nn/test_sequence_layers.py; here they start from zeros.
CELLS = {
    "rnn_cell": of_cell(lambda: nn.RNNCell(4, 3, rng=0), lambda a, b, h: np.tanh(a + b)),
    "relu_cell": of_cell(
        lambda: nn.RNNCell(4, 3, activation="relu", rng=0), lambda a, b, h: np.maximum(a + b, 0)
    ),
    "gru_cell": of_cell(lambda: nn.GRUCell(4, 3, rng=0), next_of_gru),
    "lstm_cell": (
        lambda: Outputs(nn.LSTMCell(4, 3, rng=0)),
        of_cell(lambda: nn.LSTMCell(4, 3, rng=0), next_of_lstm)[1],
    ),
}
LAYERS = {**ACTIVATIONS, **NORMALISATIONS, **CONTAINERS, **CELLS}


def names_of(table):
    """Return the names as parameters of a test; that of gelu needs SciPy."""
    return [pytest.param(name, marks=[needs_scipy] * (name == "gelu")) for name in table]


def as_dtype(module, dtype):
    for parameter in module.parameters():
        parameter.data = parameter.data.astype(dtype)
    return module


def named_owner(module, path):
    """Return the module that a parameter belongs to, and its name there."""
    prefix, _, name = path.rpartition(".")
    return dict(module.named_modules())[prefix], name


def value(x):
    return np.asarray(getattr(x, "data", x))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", names_of(LAYERS))
def test_a_layer_is_its_formula_and_keeps_the_dtype(name, dtype):
    make, formula = LAYERS[name]
    found = as_dtype(make(), dtype)(X.astype(dtype))
    assert found.dtype == dtype
    rtol = 2e-5 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(value(found), formula(X), rtol=rtol, atol=rtol)


@pytest.mark.parametrize("name", names_of(LAYERS))
def test_gradients_of_a_layer(name):
    layer = LAYERS[name][0]()
    ad.check_gradients(lambda x: layer(x), X)
    names = list(dict(layer.named_parameters()))
    start = [RNG.normal(size=p.shape) for p in layer.parameters()]

    owners = [named_owner(layer, path) for path in names]

    def of_parameters(*arrays):
        for (owner, name), array in zip(owners, arrays, strict=True):
            setattr(owner, name, array)
        return layer(X)

    if names:
        ad.check_gradients(of_parameters, *start)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", names_of(LAYERS))
def test_extreme_inputs_have_finite_values_and_gradients(name, dtype):
    layer = as_dtype(LAYERS[name][0](), dtype)
    extreme = [[1e4, -1e4, 0.0, 100.0], [-100.0, 1e4, -1e4, 88.0], [-88.0, 710.0, -710.0, -0.0]]
    x = ad.tensor(np.array(extreme, dtype), requires_grad=True)
    with warnings.catch_warnings(), np.errstate(all="warn", under="ignore"):
        warnings.simplefilter("error")
        y = layer(x)
        y.sum().backward()
    assert np.isfinite(y.data).all()
    assert np.isfinite(x.grad.data).all()
    assert x.grad.dtype == dtype


@pytest.mark.parametrize(
    ("function", "at", "slope"),
    [
        (functional.leaky_relu, 0.0, 0.01),
        (functional.elu, 0.0, 1.0),
        (functional.selu, 0.0, 1.0507009873554805 * 1.6732632423543772),
        (functional.hardtanh, 1.0, 0.0),
        (functional.hardtanh, -1.0, 0.0),
        (functional.softsign, 0.0, 1.0),
        pytest.param(functional.gelu, 0.0, 0.5, marks=needs_scipy),
    ],
)
def test_slopes_at_kinks_are_pytorchs(function, at, slope):
    assert float(ad.grad(function)(at)) == pytest.approx(slope, rel=1e-15)


def test_names_that_an_mlp_knows_agree():
    assert nn.ACTIVATIONS.keys() == initialise.BY_ACTIVATION.keys()


@pytest.mark.parametrize("name", names_of(nn.ACTIVATIONS))
def test_an_mlp_with_each_activation(name):
    assert nn.MLP(2, 4, 3, activation=name, rng=0)(X[:, :2]).shape == (5, 3)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [(3,), (4, 3), (2, 3, 3), (2, 3, 3, 5), (2, 3, 3, 3, 3)])
def test_several_slopes_run_along_the_channels_in_every_tier(shape, dtype):
    layer = nn.PReLU(3, dtype=dtype)
    layer.weight.data = np.array([0.1, 0.2, 0.3], dtype)
    x = -np.ones(shape, dtype)
    expected = np.moveaxis(np.empty(shape, dtype), 1 if len(shape) > 1 else 0, -1)
    expected[...] = -layer.weight.data
    expected = np.moveaxis(expected, -1, 1 if len(shape) > 1 else 0)
    for found in (layer(x).data, ad.compile(lambda x: layer(x))(x)):
        np.testing.assert_array_equal(np.asarray(found), expected)
        assert np.asarray(found).dtype == dtype


def test_slopes_of_features_run_along_the_last_axis_if_asked():
    layer = nn.PReLU(3, axis=-1)
    layer.weight.data = np.array([0.1, 0.2, 0.3])
    np.testing.assert_array_equal(
        layer(-np.ones((2, 3, 3))).data, np.broadcast_to(-layer.weight.data, (2, 3, 3))
    )
    assert repr(layer) == "PReLU(3, axis=-1)"


def test_a_pickle_of_when_slopes_ran_along_the_last_axis_keeps_its_function():
    layer = nn.PReLU(3)
    layer.weight.data = np.array([0.1, 0.2, 0.3])
    del layer.axis  # as it was
    again = pickle.loads(pickle.dumps(layer))
    np.testing.assert_array_equal(again(-np.ones((2, 3, 3))).data[0, 0], -layer.weight.data)


@pytest.mark.parametrize("axis", [2, -3])
def test_slopes_along_an_axis_that_is_not_there_are_refused(axis):
    with pytest.raises(ad.ShapeError, match=f"3 along axis {axis}"):
        nn.PReLU(3, axis=axis)(np.ones((3, 3)))


def test_what_does_not_fit_an_activation_is_refused():
    with pytest.raises(ad.ShapeError, match=r"\(5, 3\) has 3 entries along axis -1; expected an"):
        nn.GLU()(X[:, :3])
    with pytest.raises(ad.ShapeError, match="has no axis 2"):
        nn.GLU(2)(X)
    with pytest.raises(ad.ShapeError, match=r"PReLU: .*\(5, 4\).* 3 along axis 1"):
        nn.PReLU(3)(X)
    with pytest.raises(ValueError, match=r"unknown approximation of gelu 'erf'; choose one of"):
        nn.GELU("erf")


def test_gelu_without_scipy_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.special", None)
    with pytest.raises(ImportError, match="needs scipy: python -m pip install scipy"):
        nn.GELU()(X)
    assert nn.GELU("tanh")(X).shape == X.shape


# PyTorch's name of each layer, and its arguments.
TORCH = {
    "leaky_relu": ("LeakyReLU", {}),
    "elu": ("ELU", {}),
    "selu": ("SELU", {}),
    "gelu": ("GELU", {}),
    "gelu_tanh": ("GELU", {"approximate": "tanh"}),
    "silu": ("SiLU", {}),
    "mish": ("Mish", {}),
    "softplus": ("Softplus", {"threshold": 100}),
    "hardtanh": ("Hardtanh", {}),
    "softsign": ("Softsign", {}),
    "glu": ("GLU", {}),
    "prelu": ("PReLU", {}),
    "layer_norm": ("LayerNorm", {"normalized_shape": 4}),
    "rms_norm": ("RMSNorm", {"normalized_shape": 4, "eps": 1e-5}),
    "group_norm": ("GroupNorm", {"num_groups": 2, "num_channels": 4}),
}


@pytest.mark.parametrize("name", names_of(TORCH))
def test_values_and_gradients_are_pytorchs(name):
    torch = pytest.importorskip("torch")
    kind, settings = TORCH[name]
    points = np.concatenate([X, [[0.0, 1.0, -1.0, 0.0]]])
    theirs = torch.tensor(points, requires_grad=True)
    expected = getattr(torch.nn, kind)(**settings).double()(theirs)
    expected.square().sum().backward()
    ours = ad.tensor(points, requires_grad=True)
    found = LAYERS[name][0]()(ours)
    (found * found).sum().backward()
    np.testing.assert_allclose(found.data, expected.detach().numpy(), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(ours.grad.data, theirs.grad.numpy(), rtol=1e-9, atol=1e-10)


# --- normalisation --------------------------------------------------------------------------------


@pytest.mark.parametrize("groups", sampled([2, 1, 3, 6], 4))
def test_group_norm_takes_all_positions_of_an_example_together(groups):
    images = RNG.normal(3, 2, (2, 6, 3, 5))
    layer = nn.GroupNorm(groups, 6)
    weight, bias = RNG.normal(size=(2, 6))
    layer.load_state_dict({"weight": weight, "bias": bias})
    expected = grouped(images, groups) * weight[:, None, None] + bias[:, None, None]
    np.testing.assert_allclose(value(layer(images)), expected, rtol=1e-12, atol=1e-12)
    ad.check_gradients(layer, images)


@pytest.mark.parametrize("layer", [nn.LayerNorm(4), nn.RMSNorm(4)])
def test_a_normalisation_scales_and_shifts_by_feature(layer):
    plain = value(layer(X))
    state = {name: RNG.normal(size=4) for name in layer.state_dict()}
    layer.load_state_dict(state)
    expected = plain * state["weight"] + state.get("bias", 0)
    np.testing.assert_allclose(value(layer(X)), expected, rtol=1e-12)


@pytest.mark.parametrize("shape", [(3, 5), (6, 3, 5)])
def test_layer_norm_takes_several_axes_together(shape):
    images = RNG.normal(3, 2, (2, 6, 3, 5))
    layer = nn.LayerNorm(shape)
    weight, bias = RNG.normal(size=(2, *shape))
    layer.load_state_dict({"weight": weight, "bias": bias})
    axes = tuple(range(-len(shape), 0))
    expected = standardised(images, axes) * weight + bias
    np.testing.assert_allclose(value(layer(images)), expected, rtol=1e-12, atol=1e-12)
    ad.check_gradients(layer, images)

    def of(weight, bias):
        layer.weight, layer.bias = weight, bias
        return layer(images)

    ad.check_gradients(of, weight, bias)


@pytest.mark.parametrize("shape", [(3, 5), (6, 3, 5)])
def test_layer_norm_over_several_axes_is_pytorchs(shape):
    torch = pytest.importorskip("torch")
    images = RNG.normal(3, 2, (2, 6, 3, 5))
    expected = torch.nn.LayerNorm(shape).double()(torch.tensor(images))
    found = nn.LayerNorm(shape)(images)
    np.testing.assert_allclose(found.data, expected.detach().numpy(), rtol=1e-10, atol=1e-12)


def test_of_equal_entries_a_normalisation_is_its_bias():
    for layer in (nn.LayerNorm(4), nn.GroupNorm(2, 4)):
        np.testing.assert_array_equal(value(layer(np.full((2, 4), 3.0))), np.zeros((2, 4)))


def test_what_does_not_fit_a_normalisation_is_refused():
    with pytest.raises(ad.ShapeError, match=r"LayerNorm: .*\(5, 4\).*\(3,\); expected a last axis"):
        nn.LayerNorm(3)(X)
    with pytest.raises(ad.ShapeError, match=r"\(5, 4\).*\(4, 5\); expected last axes of \(4, 5\)"):
        nn.LayerNorm((4, 5))(X)
    with pytest.raises(ValueError, match=r"features: expected a positive integer or several"):
        nn.LayerNorm(())
    with pytest.raises(ValueError, match=r"features: expected a positive integer, got 0"):
        nn.LayerNorm((4, 0))
    with pytest.raises(ad.ShapeError, match=r"RMSNorm: .*\(5, 4\).*\(3,\); expected a last axis"):
        nn.RMSNorm(3)(X)
    with pytest.raises(ad.ShapeError, match=r"GroupNorm: .*\(5, 4\).*expected \(n, 6, ...\)"):
        nn.GroupNorm(2, 6)(X)
    with pytest.raises(ValueError, match="5 channels do not make 2 groups"):
        nn.GroupNorm(2, 5)
    with pytest.raises(ValueError, match="epsilon: expected a positive number, got 0"):
        nn.LayerNorm(3, 0)


# --- embedding and containers ---------------------------------------------------------------------


@pytest.mark.parametrize("dtype", FLOATS)
def test_an_embedding_picks_rows_and_adds_up_their_gradients(dtype):
    layer = nn.Embedding(4, 3, rng=0, dtype=dtype)
    numbers = np.array([[0, 2], [2, 2]])
    rows = layer(numbers)
    assert rows.dtype == dtype
    np.testing.assert_array_equal(rows.data, np.eye(4)[numbers] @ layer.weight.data)
    rows.sum().backward()
    np.testing.assert_array_equal(layer.weight.grad.data, [[1] * 3, [0] * 3, [3] * 3, [0] * 3])
    assert layer(np.zeros((0, 2), int)).shape == (0, 2, 3)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("padding", [2, -2])
def test_padding_of_an_embedding_starts_at_0_and_gets_no_gradient(padding, dtype):
    layer = nn.Embedding(4, 3, padding_idx=padding, rng=0, dtype=dtype)
    plain = nn.Embedding(4, 3, rng=0).weight.data.astype(dtype)
    plain[2] = 0
    np.testing.assert_array_equal(layer.weight.data, plain)
    layer.weight.data = np.arange(12.0, dtype=dtype).reshape(4, 3)  # as loaded from a file
    numbers = np.array([[0, 2], [2, 3]])
    rows = layer(numbers)
    assert rows.dtype == dtype
    np.testing.assert_array_equal(rows.data, layer.weight.data[numbers])
    rows.sum().backward()
    np.testing.assert_array_equal(layer.weight.grad.data, [[1] * 3, [0] * 3, [0] * 3, [1] * 3])
    assert repr(layer).startswith("Embedding(4, 3, padding_idx=2)")


def test_derivatives_of_an_embedding_with_padding():
    layer = nn.Embedding(4, 3, padding_idx=2, rng=0)

    def of(others):
        layer.weight = np.concatenate([others[:2], np.zeros((1, 3)), others[2:]])
        return layer([[0, 2, 1], [2, 3, 3]])

    ad.check_gradients(of, RNG.normal(size=(3, 3)))


@pytest.mark.parametrize("padding", [4, -5, True, 1.0])
def test_padding_that_is_no_number_of_an_embedding_is_refused(padding):
    with pytest.raises(ValueError, match="padding_idx: expected an integer from -4 to 3"):
        nn.Embedding(4, 3, padding_idx=padding)


def test_an_embedding_of_before_there_was_padding_has_none():
    layer = nn.Embedding(4, 3, rng=0)
    del layer.padding_idx  # as it was pickled
    assert layer([0, 3]).shape == (2, 3)
    assert repr(layer).startswith("Embedding(4, 3)")


@pytest.mark.parametrize(("number", "shown"), [(4, "4"), (-1, "-1")])
def test_an_embedding_refuses_numbers_out_of_range(number, shown):
    with pytest.raises(IndexError, match=rf"Embedding: .* range\(4\).*got {shown} at"):
        nn.Embedding(4, 3)([0, number])


@pytest.mark.parametrize("numbers", [[0.0, 1.0], [True, False]])
def test_an_embedding_refuses_what_is_no_integer(numbers):
    with pytest.raises(TypeError, match="Embedding: expected integers"):
        nn.Embedding(4, 3)(numbers)


@pytest.mark.parametrize(
    ("axis", "shape"), [(0, (30,)), (1, (5, 6)), (2, (5, 2, 3)), (-2, (5, 6)), (-3, (30,))]
)
def test_flatten_joins_axes(axis, shape):
    x = np.arange(30.0).reshape(5, 2, 3)
    np.testing.assert_array_equal(nn.Flatten(axis)(x), x.reshape(shape))


def test_what_does_not_fit_a_container_is_refused():
    with pytest.raises(ad.ShapeError, match=r"Flatten: input of shape \(5,\) has no axis 1"):
        nn.Flatten()(np.zeros(5))
    with pytest.raises(ad.ShapeError, match=r"makes shape \(5, 3\) of an input of shape \(5, 4\)"):
        nn.Residual(nn.Linear(4, 3))(X)
    with pytest.raises(TypeError, match="Residual: expected a module or callable"):
        nn.Residual(nn.Tanh)


# --- initialisers ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "variance"),
    [
        ("glorot_normal", 2 / 500),
        ("glorot_uniform", 2 / 500),
        ("he_normal", 2 / 200),
        ("he_uniform", 2 / 200),
        ("lecun_normal", 1 / 200),
        ("orthogonal", 1 / 300),
    ],
)
def test_an_initialiser_has_its_variance(name, variance):
    weight = initialise.INITIALISERS[name]((200, 300), np.random.default_rng(0))
    assert weight.shape == (200, 300)
    # Mean and variance of 60000 entries are within 5 standard errors, √(v/n) and v √(2/n).
    assert abs(weight.mean()) < 5 * math.sqrt(variance / weight.size)
    assert weight.var() == pytest.approx(variance, rel=5 * math.sqrt(2 / weight.size))


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4), (1, 1)])
def test_orthogonal_weights_are(shape):
    weight = initialise.orthogonal(shape, np.random.default_rng(0))
    assert weight.shape == shape
    product = weight @ weight.T if shape[0] < shape[1] else weight.T @ weight
    np.testing.assert_allclose(product, np.eye(min(shape)), atol=1e-14)


def test_of_orthogonal_weights_both_signs_are_as_likely():
    rng = np.random.default_rng(0)
    signs = [initialise.orthogonal((1, 1), rng).item() for _ in range(400)]
    assert abs(sum(signs)) < 5 * math.sqrt(400)


@pytest.mark.parametrize("name", initialise.INITIALISERS)
def test_linear_takes_an_initialiser_by_name(name):
    function = initialise.INITIALISERS[name]
    assert function.__name__ == name
    by_name, given = (nn.Linear(3, 4, rng=0, initialise=i) for i in (name, function))
    np.testing.assert_array_equal(by_name.weight.data, given.weight.data)


@pytest.mark.parametrize("unknown", ["he", None, 3])
def test_an_unknown_initialiser_is_refused(unknown):
    with pytest.raises(ValueError, match=f"unknown initialiser {unknown!r}; choose one"):
        nn.Linear(3, 4, initialise=unknown)


@pytest.mark.parametrize("name", initialise.INITIALISERS)
def test_an_initialiser_refuses_shapes_that_are_no_weights(name):
    with pytest.raises(ad.ShapeError, match=r"a weight's shape \(in, out\), got \(3,\)"):
        initialise.INITIALISERS[name]((3,), np.random.default_rng(0))


# --- in a compiled step ---------------------------------------------------------------------------


def widths(name):
    return value(LAYERS[name][0]()(X)).shape[-1]


def network(name, dtype):
    layer = as_dtype(LAYERS[name][0](), dtype)
    first, last = (
        nn.Linear(3, 4, rng=0, dtype=dtype),
        nn.Linear(widths(name), 2, rng=1, dtype=dtype),
    )
    return nn.Sequential(first, layer, last)


def train(make, x, y, dtype, **settings):
    """Return losses and parameters of three steps; eager without settings."""
    model = as_dtype(make(), dtype)
    optimizer = ad.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    step = TrainingStep(model, functional.cross_entropy, optimizer, **settings)

    def eager(x, y):
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.data

    take = step if settings else eager
    losses = [float(take(x, y)) for _ in range(3)]
    tier = step.program(x, y).tier if settings else "eager"
    return losses, [p.data for p in model.parameters()], tier


def assert_steps_agree(make, x, y, dtype, tiers):
    losses, parameters, _ = train(make, x, y, dtype)
    found, compiled, tier = train(make, x, y, dtype, tiers=tiers)
    assert tier == ("portable" if tiers == {} else "native")
    rtol = 1e-4 if dtype == np.float32 else 1e-10
    np.testing.assert_allclose(found, losses, rtol=rtol)
    for ours, theirs in zip(compiled, parameters, strict=True):
        assert ours.dtype == theirs.dtype == dtype
        np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=rtol)


needs_llvmlite = pytest.mark.skipif(find_spec("llvmlite") is None, reason="llvmlite is missing")
TIERS = [pytest.param({}, id="portable"), pytest.param(None, id="native", marks=needs_llvmlite)]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", sampled(names_of(LAYERS), 4))
@pytest.mark.parametrize("tiers", TIERS)
def test_a_compiled_step_is_the_eager_one(name, dtype, tiers):
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(6, 3)).astype(dtype), rng.integers(0, 2, 6)
    assert_steps_agree(lambda: network(name, dtype), x, y, dtype, tiers)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("tiers", TIERS)
@pytest.mark.parametrize("padding", [None, 3])
def test_a_compiled_step_with_an_embedding_is_the_eager_one(padding, dtype, tiers):
    def make():
        embedding = nn.Embedding(7, 3, padding_idx=padding, rng=0, dtype=dtype)
        return nn.Sequential(embedding, nn.Flatten(), nn.Linear(12, 2, rng=1, dtype=dtype))

    rng = np.random.default_rng(1)
    x, y = rng.integers(0, 7, (6, 4)), rng.integers(0, 2, 6)
    assert_steps_agree(make, x, y, dtype, tiers)
