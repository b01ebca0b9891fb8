"""What modules change as they run: buffers, batch normalisation, dropout, and random states."""

from __future__ import annotations

import signal
import threading
from importlib.util import find_spec

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn
from adjoint.errors import DivergedError, ShapeError
from adjoint.ops.random import following, new_state, uniform
from adjoint.training.step import TrainingStep

FLOATS = [np.float32, np.float64]
needs_llvmlite = pytest.mark.skipif(find_spec("llvmlite") is None, reason="llvmlite is missing")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(130, 3))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)


def state_of(*numbers, dtype=np.float64):
    return np.array(numbers, dtype)


# --- buffers --------------------------------------------------------------------------------------


class Counter(nn.Module):
    """Adds what it has seen to its input, without effect on the gradient."""

    def __init__(self, dtype=float):
        self.total = nn.Buffer(np.zeros(3, dtype))
        self.calls = nn.Buffer(0.0)

    def forward(self, x):
        self.total = self.total + x.sum(axis=0)
        self.calls = self.calls + 1
        return x + 0.01 * self.total


def test_an_assignment_writes_into_the_buffer_and_forgets_its_graph():
    counter = Counter()
    total = counter.total
    counter(ad.tensor(np.ones((2, 3)), requires_grad=True))
    counter.total = np.array([5.0, 6.0, 7.0])
    assert counter.total is total
    assert total.is_leaf
    assert not total.requires_grad
    assert total.data.tolist() == [5, 6, 7]
    assert isinstance(total, nn.Buffer)


def test_a_buffer_does_not_share_memory_with_what_it_is_made_of():
    numbers = np.zeros(3)
    counter = Counter()
    counter.total = numbers
    buffer = nn.Buffer(numbers)
    numbers[0] = 1
    assert counter.total.data[0] == buffer.data[0] == 0


def test_a_buffer_refuses_what_does_not_fit():
    counter = Counter()
    with pytest.raises(ShapeError, match=r"Counter\.total .* shape \(3,\), assigned was .*\(2,\)"):
        counter.total = np.zeros(2)
    counter.number = nn.Buffer(np.zeros(2, int))
    with pytest.raises(TypeError, match=r"Counter\.number .* int64, assigned was float64"):
        counter.number = np.zeros(2)
    counter.total = nn.Buffer(np.zeros(2))
    assert counter.total.shape == (2,)


def test_buffers_are_saved_and_not_trained():
    counter = Counter()
    assert list(counter.state_dict()) == ["total", "calls"]
    assert list(counter.parameters()) == []


def test_a_compiled_function_refuses_to_write_buffers():
    counter = Counter()
    with pytest.raises(TypeError, match=r"Counter\.calls, Counter\.total was assigned"):
        ad.compile(counter)(np.ones((2, 3)))
    with pytest.raises(TypeError, match=r"Counter\.total is a buffer"):
        ad.graph.trace(counter, np.ones((2, 3)))
    assert counter.calls.data == 0


def test_a_buffer_with_two_names_is_refused_in_a_compiled_step():
    first, second = Counter(), Counter()
    second.total = first.total
    model = nn.Sequential(first, second, nn.Linear(3, 2, rng=0))
    step = TrainingStep(
        model, nn.functional.cross_entropy, ad.optim.SGD(model.parameters(), lr=0.1)
    )
    first.forward = lambda x: x
    with pytest.raises(TypeError, match="two modules share"):
        step(X, Y)


# --- random numbers -------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", FLOATS)
def test_uniform_numbers_are_the_upper_bits_of_philox(dtype):
    found = uniform(state_of(3, 5, 7, dtype=dtype), shape=(2, 5))
    philox = np.random.Philox(key=np.array([3 * 2**24 + 5, 0], np.uint64), counter=[0, 7, 1, 0])
    bits = {np.float32: 24, np.float64: 53}[dtype]
    words = [int(word) >> (64 - bits) for word in philox.random_raw(10)]
    assert found.dtype == dtype
    assert found.ravel().tolist() == [word / 2**bits for word in words]


def test_every_draw_has_its_own_numbers_and_the_count_comes_round():
    state = new_state(np.random.default_rng(1))
    draws = []
    for _ in range(3):
        draws.append(tuple(uniform(state, shape=(4,))))
        state = following(state)
    assert len(set(draws)) == 3
    assert state[2] == 3
    assert following(state_of(1, 2, 2**24 - 1, dtype=np.float32)).tolist() == [1, 2, 0]


def test_uniform_numbers_are_uniform():
    numbers = uniform(new_state(np.random.default_rng(2)), shape=(100_000,))
    counts, _ = np.histogram(numbers, bins=50, range=(0, 1))
    # χ² with 49 degrees of freedom is above 85 in one of a thousand such draws.
    assert ((counts - 2000) ** 2 / 2000).sum() < 85


@needs_llvmlite
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", [(), (3,), (4,), (5, 7)])
def test_native_numbers_are_the_same_bits(dtype, shape):
    from adjoint.compiler.native.function import NativeFunction

    state = state_of(2**24 - 1, 1, 2**24 - 2, dtype=dtype)
    graph = ad.graph.trace(lambda s: (uniform(s, shape=shape), following(s)), state)
    numbers, new = NativeFunction(graph)([state])
    np.testing.assert_array_equal(numbers, uniform(state, shape=shape))
    np.testing.assert_array_equal(new, following(state))


# --- dropout --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", FLOATS)
def test_dropout_is_its_formula(dtype):
    layer = nn.Dropout(0.3, rng=0)
    kept = uniform(layer.state.data, shape=(50, 40)) >= 0.3
    x = RNG.normal(size=(50, 40)).astype(dtype)
    found = layer(ad.tensor(x, requires_grad=True))
    assert found.dtype == dtype
    np.testing.assert_allclose(found.data, np.where(kept, x / 0.7, 0), rtol=1e-6)
    # Five standard deviations of the share of 2000 draws.
    assert abs(kept.mean() - 0.7) < 0.05


def test_dropout_passes_gradients_to_what_it_kept():
    layer = nn.Dropout(0.3, rng=0)
    x = ad.tensor(np.ones((20, 20)), requires_grad=True)
    found = layer(x)
    found.sum().backward()
    np.testing.assert_array_equal(x.grad.data, found.data)

    def repeated(x):
        layer.state = np.array([1, 2, 3], np.float32)
        return layer(x)

    ad.check_gradients(repeated, RNG.normal(size=(4, 5)))


def test_dropout_leaves_evaluation_and_p_of_0_alone():
    layer = nn.Dropout(0.5, rng=0).eval()
    x = np.ones(5)
    assert layer(x) is x
    assert layer.state.data[2] == 0
    assert nn.Dropout(0.0)(x) is x


def test_dropout_of_infinite_entries_has_no_nan():
    layer = nn.Dropout(0.5, rng=0)
    found = layer(np.full(100, np.inf)).data
    assert set(found) == {0.0, np.inf}


@pytest.mark.parametrize("p", [1, -0.1, True, "half", float("nan")])
def test_dropout_refuses_what_is_no_probability(p):
    with pytest.raises(ValueError, match="p: expected a probability from 0 to below 1"):
        nn.Dropout(p)


def test_masks_go_on_where_a_saved_network_stood():
    layer = nn.Dropout(0.5, rng=0)
    layer(np.ones(8))
    again = nn.Dropout(0.5, rng=1)
    again.load_state_dict(layer.state_dict())
    np.testing.assert_array_equal(layer(np.ones(8)).data, again(np.ones(8)).data)


# --- batch normalisation --------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", [(6, 4), (3, 4, 5), (2, 4, 3, 2)])
def test_batch_norm_is_its_formula(dtype, shape):
    layer = nn.BatchNorm(4, dtype=dtype)
    layer.weight.data = np.array([1.0, 2.0, -1.0, 0.5]).astype(dtype)
    layer.bias.data = np.arange(4.0).astype(dtype)
    axes = (0, *range(2, len(shape)))
    mean, variance = np.zeros(4), np.ones(4)
    across = (1, 4, *[1] * (len(shape) - 2))
    scale, shift = layer.weight.data.reshape(across), layer.bias.data.reshape(across)
    rtol = 2e-4 if dtype == np.float32 else 1e-12
    for _ in range(3):
        x = RNG.normal(2, 3, shape)
        m, v, n = x.mean(axes), x.var(axes), x.size // 4
        expected = (x - m.reshape(across)) / np.sqrt(v.reshape(across) + 1e-5) * scale + shift
        found = layer(x.astype(dtype))
        assert found.dtype == dtype
        np.testing.assert_allclose(found.data, expected, rtol=rtol, atol=rtol)
        mean = 0.9 * mean + 0.1 * m
        variance = 0.9 * variance + 0.1 * v * n / (n - 1)
    np.testing.assert_allclose(layer.running_mean.data, mean, rtol=rtol)
    np.testing.assert_allclose(layer.running_variance.data, variance, rtol=rtol)
    assert layer.running_mean.dtype == dtype
    fixed = (x - mean.reshape(across)) / np.sqrt(variance.reshape(across) + 1e-5) * scale + shift
    np.testing.assert_allclose(layer.eval()(x.astype(dtype)).data, fixed, rtol=rtol, atol=rtol)
    np.testing.assert_allclose(layer.running_mean.data, mean, rtol=rtol)


@pytest.mark.parametrize("training", [True, False])
def test_gradients_of_batch_norm(training):
    layer = nn.BatchNorm(4).train(training)

    def of(x, weight, bias):
        layer.weight, layer.bias = weight, bias
        return layer(x)

    ad.check_gradients(of, RNG.normal(size=(5, 4)), RNG.normal(size=4), RNG.normal(size=4))


def test_batch_norm_is_pytorchs():
    torch = pytest.importorskip("torch")
    theirs, ours = torch.nn.BatchNorm2d(3).double(), nn.BatchNorm(3)
    for training in (True, True, False):
        x = RNG.normal(1, 2, (4, 3, 5, 2))
        inputs = torch.tensor(x, requires_grad=True), ad.tensor(x, requires_grad=True)
        expected, found = theirs.train(training)(inputs[0]), ours.train(training)(inputs[1])
        (expected**3).sum().backward()
        (found**3).sum().backward()
        np.testing.assert_allclose(found.data, expected.detach().numpy(), rtol=1e-10)
        np.testing.assert_allclose(inputs[1].grad.data, inputs[0].grad.numpy(), atol=1e-9)
    np.testing.assert_allclose(ours.running_mean.data, theirs.running_mean.numpy())
    np.testing.assert_allclose(ours.running_variance.data, theirs.running_var.numpy())


def test_what_does_not_fit_batch_norm_is_refused():
    layer = nn.BatchNorm(4)
    with pytest.raises(ShapeError, match=r"got shape \(5, 3\); expected \(n, 4, ...\)"):
        layer(np.ones((5, 3)))
    with pytest.raises(ShapeError, match=r"one value a channel, input of shape \(1, 4\)"):
        layer(np.ones((1, 4)))
    assert layer.eval()(np.ones((1, 4))).shape == (1, 4)
    with pytest.raises(ValueError, match="momentum: expected a number from 0 to 1, got 2"):
        nn.BatchNorm(4, momentum=2)


# --- in a training --------------------------------------------------------------------------------


def network(dtype):
    return nn.Sequential(
        nn.Linear(3, 8, rng=0, bias=False, dtype=dtype),
        nn.BatchNorm(8, dtype=dtype),
        nn.ReLU(),
        nn.Dropout(0.3, rng=1),
        nn.Linear(8, 2, rng=2, dtype=dtype),
        nn.Dropout(0.1, rng=3),
    )


def train(make, dtype, *, epochs=4, compile=False, metrics=()):
    model = make(dtype)
    history = ad.fit(
        model,
        (X, Y),
        loss="cross_entropy",
        optimizer=lambda p: ad.optim.SGD(p, lr=0.05, momentum=0.9),
        epochs=epochs,
        seed=0,
        compile=compile,
        metrics=metrics,
        progress=False,
    )
    return model.state_dict(), history


def counting(dtype):
    return nn.Sequential(Counter(dtype), nn.Linear(3, 2, rng=0, dtype=dtype))


# A metric that only Python can compute.
OWN = {"mean": lambda prediction, target: prediction.mean()}


@pytest.mark.parametrize("make", [network, counting])
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    ("metrics", "tier"),
    [
        pytest.param((), "native", marks=needs_llvmlite, id="native epochs"),
        pytest.param(OWN, "native", marks=needs_llvmlite, id="native steps"),
        pytest.param(OWN, "portable", id="portable"),
    ],
)
def test_every_tier_draws_the_same_masks_and_keeps_the_same_statistics(
    make, dtype, metrics, tier, monkeypatch
):
    if tier == "portable":
        monkeypatch.setattr("adjoint.compiler.program.TIERS", {})
        monkeypatch.setattr("adjoint.training.tiers.native_code_pays", lambda *_, **__: False)
    expected, history = train(make, dtype, metrics=metrics)
    found, compiled = train(make, dtype, metrics=metrics, compile=True)
    # A counter of float64 does not fit the state of a network of float32.
    mixed = make is counting and dtype == np.float32 and not metrics
    assert compiled.tier == ("native" if mixed else tier)
    rtol = 1e-3 if dtype == np.float32 else 1e-9
    np.testing.assert_allclose(compiled.loss, history.loss, rtol=rtol)
    for name, array in expected.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_allclose(found[name], array, rtol=rtol, atol=rtol, err_msg=name)


@needs_llvmlite
def test_a_buffer_that_a_step_leaves_alone_does_not_keep_it_from_native_code():
    model = network(float)
    model.layers[1].eval()
    step = TrainingStep(
        model, nn.functional.cross_entropy, ad.optim.SGD(model.parameters(), lr=0.1)
    )
    step.drop_unwritten_buffers(X, Y)
    assert sorted(step.buffers) == ["layers[3].state", "layers[5].state"]
    assert {"layers[1].running_mean", "layers[1].running_variance"} <= step.read_only.keys()


class Bursting(nn.Module):
    """Multiplies by infinity from the third call on."""

    def __init__(self):
        self.calls = nn.Buffer(0.0)

    def forward(self, x):
        self.calls = self.calls + 1
        return x * np.where(self.calls.data > 3, np.inf, 1.0)


def test_after_divergence_buffers_are_those_of_the_last_good_parameters():
    model = nn.Sequential(nn.Linear(3, 2, rng=0), Bursting())
    before = model.state_dict()
    with pytest.raises(DivergedError):
        ad.fit(
            model,
            (X, Y),
            loss="cross_entropy",
            optimizer=lambda p: ad.optim.SGD(p, lr=0.1),
            epochs=1,
            progress=False,
        )
    # The third of three good steps is undone with the fourth, whose loss showed what it led to.
    assert model.layers[1].calls.data == 2
    assert not np.array_equal(model.state_dict()["layers[0].weight"], before["layers[0].weight"])


class Interrupted(nn.Module):
    def __init__(self):
        self.calls = nn.Buffer(0.0)

    def forward(self, x):
        self.calls = self.calls + 1
        if self.calls.data == 3:
            raise KeyboardInterrupt
        return x


def test_an_interrupted_step_leaves_buffers_as_before_it():
    model = nn.Sequential(nn.Linear(3, 2, rng=0), Interrupted())
    history = ad.fit(
        model,
        (X, Y),
        loss="cross_entropy",
        optimizer=lambda p: ad.optim.SGD(p, lr=0.1),
        epochs=1,
        progress=False,
    )
    assert history.interrupted
    assert model.layers[1].calls.data == 2


@needs_llvmlite
def test_ctrl_c_in_native_epochs_leaves_the_masks_of_the_steps_taken():
    model = network(float)
    timer = threading.Timer(0.5, signal.raise_signal, [signal.SIGINT])
    timer.start()
    optimizer = ad.optim.SGD(model.parameters(), lr=0.01)
    history = ad.fit(
        model,
        (X, Y),
        loss="cross_entropy",
        optimizer=optimizer,
        epochs=10**6,
        compile=True,
        progress=False,
    )
    timer.join()
    assert history.interrupted
    assert model.layers[3].state.data[2] == optimizer.steps % 2**24
