"""Recurrent layers and attention: formulas, PyTorch's numbers, what may see what, and compiling."""

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
X = RNG.normal(size=(2, 5, 3))
FLOATS = [np.float32, np.float64]


def logistic(x):
    return 1 / (1 + np.exp(-x))


def next_rnn(a, h, state, size):
    return (np.tanh(a + h),)


def next_relu(a, h, state, size):
    return (np.maximum(a + h, 0),)


def next_gru(a, h, state, size):
    r, z = (logistic(a[:, k : k + size] + h[:, k : k + size]) for k in (0, size))
    n = np.tanh(a[:, 2 * size :] + r * h[:, 2 * size :])
    return ((1 - z) * n + z * state[0],)


def next_lstm(a, h, state, size):
    i, f, g, o = np.split(a + h, 4, axis=1)
    c = logistic(f) * state[1] + logistic(i) * np.tanh(g)
    return logistic(o) * np.tanh(c), c


RECURRENT = {
    "rnn": (nn.RNN, next_rnn),
    "relu": (lambda *sizes, **s: nn.RNN(*sizes, activation="relu", **s), next_relu),
    "gru": (nn.GRU, next_gru),
    "lstm": (nn.LSTM, next_lstm),
}


def scan(layer, following, x, state):
    """Return outputs and final states of all cells by the formula, step by step."""
    size, ends = layer.hidden_size, []
    for place in range(0, len(layer.cells), layer.directions):
        outputs = []
        for direction in range(layer.directions):
            cell = layer.cells[place + direction]
            steps = range(x.shape[1])[:: -1 if direction else 1]
            own = tuple(part[place + direction] for part in state)
            found = {}
            for t in steps:
                a = x[:, t] @ cell.input.weight.data + cell.input.bias.data
                h = own[0] @ cell.hidden.weight.data + cell.hidden.bias.data
                own = following(a, h, own, size)
                found[t] = own[0]
            outputs.append(np.stack([found[t] for t in range(x.shape[1])], axis=1))
            ends.append(own)
        x = np.concatenate(outputs, axis=-1)
    return x, tuple(np.stack(part) for part in zip(*ends, strict=True))


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("name", RECURRENT)
def test_a_recurrent_layer_is_its_formula(name, layers, bidirectional):
    make, following = RECURRENT[name]
    layer = make(3, 4, layers=layers, bidirectional=bidirectional, rng=1)
    for parameter in layer.parameters():
        parameter.data = RNG.normal(0, 0.5, parameter.shape)
    start = tuple(RNG.normal(size=(len(layer.cells), 2, 4)) for _ in range(layer.parts))
    outputs, state = layer(X, start if layer.parts > 1 else start[0])
    expected, ends = scan(layer, following, X, start)
    np.testing.assert_allclose(outputs.data, expected, rtol=1e-12, atol=1e-14)
    found = state if layer.parts > 1 else (state,)
    for ours, theirs in zip(found, ends, strict=True):
        np.testing.assert_allclose(ours.data, theirs, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", RECURRENT)
def test_gradients_of_a_recurrent_layer(name):
    layer = RECURRENT[name][0](3, 2, rng=1)
    cell = layer.cells[0]

    def of(x, weight, hidden):
        cell.input.weight, cell.hidden.weight = weight, hidden
        return layer(x)[0]

    shapes = cell.input.weight.shape, cell.hidden.weight.shape
    ad.check_gradients(of, X, *(RNG.normal(0, 0.5, shape) for shape in shapes))


@pytest.mark.parametrize("name", RECURRENT)
def test_a_state_that_is_carried_over_makes_one_long_run(name):
    layer = RECURRENT[name][0](3, 4, layers=2, rng=1)
    whole, end = layer(X)
    first, state = layer(X[:, :2])
    second, again = layer(X[:, 2:], state)
    np.testing.assert_array_equal(np.concatenate([first.data, second.data], axis=1), whole.data)
    for ours, theirs in zip(
        again if layer.parts > 1 else [again], end if layer.parts > 1 else [end], strict=True
    ):
        np.testing.assert_array_equal(ours.data, theirs.data)


@pytest.mark.parametrize("name", RECURRENT)
def test_a_recurrent_layer_is_pytorchs(name):
    torch = pytest.importorskip("torch")
    kind, settings = {
        "rnn": ("RNN", {}),
        "relu": ("RNN", {"nonlinearity": "relu"}),
        "gru": ("GRU", {}),
        "lstm": ("LSTM", {}),
    }[name]
    theirs = getattr(torch.nn, kind)(
        3, 4, num_layers=2, bidirectional=True, batch_first=True, **settings
    ).double()
    ours = RECURRENT[name][0](3, 4, layers=2, bidirectional=True, rng=0)
    ends = [f"l{layer}{way}" for layer in (0, 1) for way in ("", "_reverse")]
    for cell, end in zip(ours.cells, ends, strict=True):
        for part, letters in ((cell.input, "ih"), (cell.hidden, "hh")):
            weight = getattr(theirs, f"weight_{letters}_{end}").detach().numpy()
            part.weight.data = np.ascontiguousarray(weight.T)
            part.bias.data = getattr(theirs, f"bias_{letters}_{end}").detach().numpy()
    expected, _ = theirs(torch.tensor(X))
    np.testing.assert_allclose(ours(X)[0].data, expected.detach().numpy(), rtol=1e-10, atol=1e-12)


CELLS = {
    "rnn": nn.RNNCell,
    "relu": lambda *sizes, **s: nn.RNNCell(*sizes, activation="relu", **s),
    "gru": nn.GRUCell,
    "lstm": nn.LSTMCell,
}


def parts_of(state):
    """Return the arrays of a state, of which an LSTM's has two."""
    return [value.data for value in (state if isinstance(state, tuple) else (state,))]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", CELLS)
def test_a_cell_called_step_by_step_is_its_layer(name, bias, dtype):
    layer = RECURRENT[name][0](3, 4, bias=bias, rng=1, dtype=dtype)
    cell = CELLS[name](3, 4, bias=bias, rng=1, dtype=dtype)
    assert cell.state_dict().keys() == layer.cells[0].state_dict().keys()
    rtol = 1e-5 if dtype == np.float32 else 1e-13
    x = X.astype(dtype)
    outputs, end = layer(x)
    state = None
    for t in range(x.shape[1]):
        state = cell(x[:, t], state)
        shown = parts_of(state)[0]
        assert shown.dtype == dtype
        np.testing.assert_allclose(shown, outputs.data[:, t], rtol=rtol, atol=rtol)
    for ours, theirs in zip(parts_of(state), parts_of(end), strict=True):
        np.testing.assert_allclose(ours, theirs[0], rtol=rtol, atol=rtol)


@pytest.mark.parametrize("name", CELLS)
def test_gradients_of_a_cell(name):
    cell = CELLS[name](3, 2, rng=1)
    parts = cell.parts

    def of(x, weight, hidden, *state):
        cell.input.weight, cell.hidden.weight = weight, hidden
        found = cell(x, state if parts > 1 else state[0])
        return found[0] * found[1] if parts > 1 else found

    shapes = [cell.input.weight.shape, cell.hidden.weight.shape, *[(2, 2)] * parts]
    ad.check_gradients(of, X[:, 0], *(RNG.normal(0, 0.5, shape) for shape in shapes))


@pytest.mark.parametrize("name", CELLS)
def test_a_compiled_cell_gives_the_next_state(name):
    cell = CELLS[name](3, 4, rng=1)
    h = RNG.normal(size=(2, 4))
    state = (h, 2 * h) if cell.parts > 1 else h
    compiled = ad.compile(lambda x, state: cell(x, state))(X[:, 0], state)
    found = compiled if cell.parts > 1 else (compiled,)
    for ours, theirs in zip(found, parts_of(cell(X[:, 0], state)), strict=True):
        np.testing.assert_allclose(np.asarray(ours), theirs, rtol=1e-12)


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_is_pytorchs_with_its_weights(name, tmp_path):
    torch = pytest.importorskip("torch")
    load_file = pytest.importorskip("safetensors.torch").load_file
    kind, settings = {
        "rnn": ("RNNCell", {}),
        "relu": ("RNNCell", {"nonlinearity": "relu"}),
        "gru": ("GRUCell", {}),
        "lstm": ("LSTMCell", {}),
    }[name]
    theirs = getattr(torch.nn, kind)(3, 4, **settings).double()
    ours = CELLS[name](3, 4, rng=0)
    ad.save_weights(ours, tmp_path / "cell", layout="torch")
    theirs.load_state_dict(load_file(tmp_path / "cell"))
    expected = theirs(torch.tensor(X[:, 0]))
    states = expected if ours.parts > 1 else (expected,)
    for found, state in zip(parts_of(ours(X[:, 0])), states, strict=True):
        np.testing.assert_allclose(found, state.detach().numpy(), rtol=1e-10, atol=1e-12)


def test_a_cell_refuses_other_shapes():
    with pytest.raises(ShapeError, match=r"GRUCell: input of shape \(2, 5, 3\).*\(n, 3\)"):
        nn.GRUCell(3, 4, rng=0)(X)
    with pytest.raises(ShapeError, match=r"RNNCell: state of shape \(2, 3\).*expected \(2, 4\)"):
        nn.RNNCell(3, 4, rng=0)(X[:, 0], np.zeros((2, 3)))
    with pytest.raises(ShapeError, match=r"LSTMCell: state .* \(2, 4\) and \(2, 4\)"):
        nn.LSTMCell(3, 4, rng=0)(X[:, 0], (np.zeros((2, 4)), np.zeros((1, 4))))
    with pytest.raises(ValueError, match="unknown activation 'selu'"):
        nn.RNNCell(3, 4, activation="selu")


@pytest.mark.parametrize("shape", [(2, 5), (2, 5, 4), (2, 0, 3)])
def test_a_recurrent_layer_refuses_other_shapes(shape):
    with pytest.raises(ShapeError, match=r"GRU: input of shape .* expected \(n, time, 3\)"):
        nn.GRU(3, 4, rng=0)(np.ones(shape))


def test_a_recurrent_layer_refuses_another_state():
    with pytest.raises(ShapeError, match=r"LSTM: initial state .* \(1, 2, 4\) and \(1, 2, 4\)"):
        nn.LSTM(3, 4, rng=0)(X, (np.zeros((1, 2, 4)), np.zeros((1, 3, 4))))


# --- attention ------------------------------------------------------------------------------------


def attend(q, k, v, allowed):
    """Return the formula of one head, with what may be attended to picked out row by row."""
    out = np.zeros((q.shape[0], v.shape[1]))
    for i in range(len(q)):
        keys = np.flatnonzero(allowed[i])
        if len(keys):
            scores = np.exp(k[keys] @ q[i] / np.sqrt(q.shape[1]))
            out[i] = scores / scores.sum() @ v[keys]
    return out


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_attention_is_its_formula(causal, masked):
    q, k, v = (RNG.normal(size=(2, 4, size)) for size in (3, 3, 5))
    mask = RNG.random((2, 4, 4)) < 0.6 if masked else None
    if masked:
        mask[0, 1] = False
    allowed = np.ones((2, 4, 4), bool) if mask is None else mask
    allowed = allowed & np.tri(4, dtype=bool) if causal else allowed
    found = functional.scaled_dot_product_attention(q, k, v, mask=mask, causal=causal)
    expected = [attend(*one) for one in zip(q, k, v, allowed, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


def test_gradients_of_attention():
    mask = np.array([[True, False], [True, True], [False, False]])

    def of(q, k, v):
        return functional.scaled_dot_product_attention(q, k, v, mask=mask)

    ad.check_gradients(of, *(RNG.normal(size=shape) for shape in ((3, 2), (2, 2), (2, 4))))


def test_a_query_without_any_key_gets_zeros_and_no_gradient():
    q = ad.tensor(np.full((1, 2), 1e300), requires_grad=True)
    found = functional.scaled_dot_product_attention(
        q, np.ones((2, 2)), np.ones((2, 3)), mask=np.zeros((1, 2), bool)
    )
    found.sum().backward()
    assert not found.data.any()
    assert not q.grad.data.any()


@pytest.mark.parametrize("norm_first", [False, True])
def test_later_steps_do_not_reach_earlier_ones(norm_first):
    layer = nn.TransformerEncoderLayer(6, 2, norm_first=norm_first, rng=0)
    x = RNG.normal(size=(2, 5, 6))
    changed = x.copy()
    changed[:, 3:] += 1
    before, after = layer(x, causal=True).data, layer(changed, causal=True).data
    np.testing.assert_array_equal(before[:, :3], after[:, :3])
    assert (before[:, 3:] != after[:, 3:]).any()


def test_padding_does_not_reach_what_is_real():
    attention = nn.MultiheadAttention(6, 2, rng=0)
    x = RNG.normal(size=(2, 5, 6))
    is_real = np.array([[True] * 3 + [False] * 2, [True] * 5])
    changed = np.where(is_real[..., np.newaxis], x, 9.0)
    found, again = (attention(a, mask=is_real[:, None, :]).data for a in (x, changed))
    np.testing.assert_array_equal(found[0, :3], again[0, :3])
    shorter = attention(x[:1, :3]).data
    np.testing.assert_allclose(found[0, :3], shorter[0], rtol=1e-12)


@pytest.mark.parametrize("norm_first", [False, True])
def test_attention_and_the_encoder_layer_are_pytorchs(norm_first):
    torch = pytest.importorskip("torch")
    theirs = torch.nn.TransformerEncoderLayer(
        6, 2, 8, dropout=0.0, batch_first=True, norm_first=norm_first
    ).double()
    ours = nn.TransformerEncoderLayer(6, 2, 8, norm_first=norm_first, rng=0)
    weights = theirs.self_attn.in_proj_weight.detach().numpy().reshape(3, 6, 6)
    biases = theirs.self_attn.in_proj_bias.detach().numpy().reshape(3, 6)
    attention = ours.attention
    maps = [attention.query, attention.key, attention.value]
    for part, weight, bias in zip(maps, weights, biases, strict=True):
        part.weight.data, part.bias.data = np.ascontiguousarray(weight.T), bias
    others = [theirs.self_attn.out_proj, theirs.linear1, theirs.linear2]
    layers = [attention.output, ours.feedforward.layers[0], ours.feedforward.layers[3]]
    for part, other in zip(layers, others, strict=True):
        part.weight.data = np.ascontiguousarray(other.weight.detach().numpy().T)
        part.bias.data = other.bias.detach().numpy()
    x = RNG.normal(size=(2, 5, 6))
    mask = torch.nn.Transformer.generate_square_subsequent_mask(5).double()
    expected = theirs(torch.tensor(x), src_mask=mask).detach().numpy()
    np.testing.assert_allclose(ours(x, causal=True).data, expected, rtol=1e-9, atol=1e-11)


def test_what_does_not_fit_attention_is_refused():
    with pytest.raises(ValueError, match="7 features do not make 2 heads"):
        nn.MultiheadAttention(7, 2)
    attention = nn.MultiheadAttention(6, 2, rng=0)
    with pytest.raises(ShapeError, match=r"expected \(n, time, 6\)"):
        attention(np.ones((5, 6)))
    with pytest.raises(TypeError, match="expected a boolean mask"):
        attention(np.ones((1, 5, 6)), mask=np.ones((5, 5)))
    with pytest.raises(ShapeError, match="does not broadcast to the scores"):
        attention(np.ones((1, 5, 6)), mask=np.ones((5, 4), bool))
    with pytest.raises(ShapeError, match="5 queries and 3 keys"):
        attention(np.ones((1, 5, 6)), np.ones((1, 3, 6)), causal=True)


# --- in a compiled step ---------------------------------------------------------------------------


class LastOutput(nn.Module):
    """A classifier of sequences."""

    def __init__(self, layer, width, dtype):
        self.layer = layer
        self.output = nn.Linear(width, 2, rng=0, dtype=dtype)

    def forward(self, x):
        found = self.layer(x)
        outputs = found[0] if isinstance(found, tuple) else found
        return self.output(outputs[:, -1])


MODELS = {
    "rnn": (lambda dtype: nn.RNN(3, 4, rng=1, dtype=dtype), 4),
    "gru": (lambda dtype: nn.GRU(3, 4, rng=1, dtype=dtype), 4),
    "lstm": (lambda dtype: nn.LSTM(3, 4, bidirectional=True, rng=1, dtype=dtype), 8),
    "attention": (lambda dtype: nn.MultiheadAttention(3, 1, rng=1, dtype=dtype), 3),
    "transformer": (
        lambda dtype: nn.TransformerEncoderLayer(3, 3, 5, dropout=0.2, rng=1, dtype=dtype),
        3,
    ),
}


def trajectory(name, dtype, tiers):
    make, width = MODELS[name]
    model = LastOutput(make(dtype), width, dtype)
    optimizer = ad.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    x, y = X.astype(dtype), np.array([0, 1])
    if tiers == "eager":
        losses = []
        for _ in range(3):
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(float(loss.data))
        return losses, model.state_dict(), ""
    step = TrainingStep(model, functional.cross_entropy, optimizer, tiers=tiers)
    losses = [float(step(x, y)) for _ in range(3)]
    return losses, model.state_dict(), step.program(x, y).report()


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", sampled(MODELS, 2))
@pytest.mark.parametrize("tiers", [{}, None], ids=["portable", "native"])
def test_a_compiled_step_is_the_eager_one(name, dtype, tiers):
    if tiers is None and find_spec("llvmlite") is None:
        pytest.skip("llvmlite is missing")
    losses, state, _ = trajectory(name, dtype, "eager")
    found, compiled, report = trajectory(name, dtype, tiers)
    assert ("tier: portable" if tiers == {} else "tier: native") in report
    rtol = 2e-3 if dtype == np.float32 else 1e-9
    np.testing.assert_allclose(found, losses, rtol=rtol)
    for key, array in state.items():
        assert compiled[key].dtype == array.dtype
        np.testing.assert_allclose(compiled[key], array, rtol=rtol, atol=rtol, err_msg=key)
