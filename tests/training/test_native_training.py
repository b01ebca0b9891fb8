"""Native training: the same batches and the same trajectory, whole epochs at a time."""

import platform
import tracemalloc

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from adjoint.graph import trace

import adjoint as ad
from adjoint.compiler.native import cache, training_code, training_text
from adjoint.compiler.native.epoch_loop import EpochLoop
from adjoint.compiler.native.epoch_record import Status
from adjoint.compiler.native.machine import this_machine
from adjoint.compiler.native.step_form import StepForm
from adjoint.compiler.native.target import Target
from adjoint.compiler.native.training_code import compile_training
from adjoint.compiler.native.unlowerable import Unlowerable
from adjoint.data import permutation
from adjoint.errors import ShapeError
from adjoint.nn.functional import LOSSES
from adjoint.optim import sgd_update
from sampled import sampled

X, Y = ad.datasets.make_moons(110, noise=0.1, seed=0)
ACTIVATIONS = {"sigmoid": ad.sigmoid, "tanh": ad.tanh, "relu": ad.relu, "sin": ad.sin}


@pytest.fixture(params=["unrolled", "arrays"], autouse=True)
def regime(request, monkeypatch):
    """Run every test with straight-line code and with loops over arrays."""
    if request.param == "arrays":
        monkeypatch.setattr(training_text, "unrolled_steps", refuse)
        monkeypatch.setattr(cache, "identity", lambda: ("loops over arrays",))
    return request.param


def refuse(*args, **kwargs):
    raise Unlowerable("this test is of the other regime")


def build(sizes=(2, 4, 4, 2), *, activation="sigmoid", dtype=float, momentum=0.0, loss=None):
    """Return a function that traces a step on some rows, its form, and the state to start from."""
    params = [p.data.astype(dtype) for p in ad.nn.MLP(*sizes, rng=0).parameters()]
    count = len(params)
    loss = loss or LOSSES["cross_entropy"]

    def forward(params, x):
        for i in range(0, count, 2):
            x = x @ params[i] + params[i + 1]
            x = ACTIVATIONS[activation](x) if i < count - 2 else x
        return x

    def step(*args):
        params, memory, (lr, x, y) = args[:count], args[count:-3], args[-3:]
        value, gradients = ad.value_and_grad(
            lambda *p: loss(forward(p, x), y), argnums=tuple(range(count))
        )(*params)
        updates = [
            sgd_update(p, g, v, lr=lr, momentum=momentum)
            for p, g, v in zip(params, gradients, memory or [0.0] * count, strict=True)
        ]
        velocities = [v for _, v in updates] if momentum else []
        return value, *(p for p, _ in updates), *velocities

    state = params + ([np.zeros_like(p) for p in params] if momentum else [])

    def trace_on(rows):
        examples = np.zeros((rows, sizes[0]), dtype), np.zeros(rows, int)
        return trace(step, *state, np.zeros((), dtype), *examples)

    return trace_on, StepForm(count, len(state), settings=1), state


def test_a_graph_of_another_form_is_not_taken_for_a_step():
    trace_on, form, _ = build()
    graph = trace_on(4)
    for other in (
        StepForm(form.parameters, form.state - 1, form.settings),
        StepForm(form.state + 1, form.state, form.settings),
        StepForm(0, form.state, form.settings),
    ):
        with pytest.raises(ValueError, match="a training step returns the loss, "):
            other.check(graph)


def follow(graph, tail, state, *, batch, epochs, lr, seed, data):
    """Return the losses and the state after epochs taken with the graphs themselves."""
    losses = []
    for epoch in range(epochs):
        n = len(data[0])
        order = np.arange(n) if seed is None else permutation(n, seed=seed, epoch=epoch)
        total = 0.0
        for start in range(0, n, batch):
            rows = order[start : start + batch]
            step = graph if len(rows) == batch else tail
            loss, *state = step.evaluate([*state, lr, *(array[rows] for array in data)])
            total += float(loss) * len(rows)
        losses.append(total / n)
    return losses, state


def both(*, batch=50, epochs=20, rows=110, seed=7, lr=0.5, dtype=float, **options):
    """Return losses and states of the native training and of the graph."""
    trace_on, form, state = build(dtype=dtype, **options)
    step = trace_on(batch)
    tail = trace_on(rows % batch) if rows % batch else None
    data = X[:rows].astype(dtype), Y[:rows]
    training = EpochLoop(
        compile_training(step, form, tail=tail),
        state,
        data,
        settings=[lr],
        seed=seed,
        epochs=epochs,
    )
    assert training.run(epochs, steps=10**9) is Status.PAUSED
    number = np.asarray(lr, dtype)
    expected = follow(
        step, tail, state, batch=batch, epochs=epochs, lr=number, seed=seed, data=data
    )
    return (training.losses(), training.state), expected


def assert_same(native, expected, rtol):
    np.testing.assert_allclose(native[0], expected[0], rtol=rtol)
    for ours, theirs in zip(native[1], expected[1], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=rtol)


def test_a_thousand_steps_follow_the_graph():
    assert_same(*both(rows=100, epochs=500), rtol=1e-9)


@pytest.mark.parametrize(
    ("momentum", "activation"),
    sampled([(m, name) for m in (0.0, 0.9) for name in ACTIVATIONS], 5),
)
def test_activations_and_momentum_follow_the_graph(activation, momentum):
    assert_same(*both(activation=activation, momentum=momentum, lr=0.1), rtol=1e-10)


def test_float32_follows_the_graph():
    assert_same(*both(dtype=np.float32), rtol=1e-4)


@pytest.mark.parametrize("batch", [1, 3, 8, 16, 17, 50, 110])
def test_any_batch_size_and_a_short_last_batch(batch):
    assert_same(*both(batch=batch, epochs=3), rtol=1e-10)


@pytest.mark.parametrize("batch", [17, 24, 25, 33, 50])
def test_rows_that_leave_lanes_empty(batch):
    assert_same(*both(rows=2 * batch, batch=batch, epochs=3), rtol=1e-10)


@pytest.mark.parametrize("rows", [101, 108, 109])
def test_a_last_batch_of_one_row_and_of_many(rows):
    assert_same(*both(rows=rows, batch=20, epochs=3), rtol=1e-10)


def test_rows_in_their_own_order():
    assert_same(*both(seed=None), rtol=1e-10)


@pytest.mark.parametrize("seed", [0, 1, 2**63 + 5, 2**64 - 1])
@pytest.mark.parametrize("rows", [1, 7, 8, 100, 103])
def test_the_order_is_that_of_data_permutation(seed, rows):
    training = start(batch=rows, rows=rows, seed=seed)
    for epoch in range(3):
        training.run(epoch + 1, steps=10**9)
        assert (training._order[:rows] == permutation(rows, seed=seed, epoch=epoch)).all()


def start(*, batch=50, rows=110, lr=0.5, seed=1, x=X, y=Y, **options):
    """Return a training about to begin."""
    trace_on, form, state = build(**options)
    tail = trace_on(rows % batch) if rows % batch else None
    code = compile_training(trace_on(batch), form, tail=tail)
    return EpochLoop(code, state, (x[:rows], y[:rows]), settings=[lr], seed=seed, epochs=10)


def test_runs_repeat_bit_for_bit_however_they_are_cut():
    whole, cut = start(), start()
    whole.run(10, steps=10**9)
    while cut.epoch < 10:
        cut.run(10, steps=2)
    assert cut.losses() == whole.losses()
    assert [a.tobytes() for a in cut.state] == [a.tobytes() for a in whole.state]


def test_steps_allocate_nothing():
    training = start(sizes=(2, 6, 6, 2))
    training.run(1, steps=10)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        training.run(9, steps=10**9)
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The call's own pointers; the smallest array of a step alone would be more, every time.
    assert kept - before < 800
    assert peak - before < 5000


def test_memory_is_what_was_planned(regime):
    training = start()
    layout = training.code.steps.layout
    assert training._states.nbytes == 3 * layout.size * 8
    assert training._workspace._bytes.nbytes == training.code.steps.workspace
    assert (training.code.steps.workspace > 0) == (regime == "arrays")


def test_a_loss_that_is_not_finite_stops_before_its_step():
    bad = X.copy()
    order = permutation(110, seed=1, epoch=0)
    bad[order[70]] = np.nan  # in the second step
    training, good = start(x=bad), start()
    assert training.run(10, steps=10**9) is Status.LOSS_NOT_FINITE
    assert (training.epoch, training.step, training.losses()) == (0, 1, [])
    good.run(1, steps=1)
    assert training.loss_so_far == good.loss_so_far > 0
    for stopped, whole in zip(training.state, good.state, strict=True):
        assert (stopped == whole).all()
    for before, first in zip(training.previous, start().state, strict=True):
        assert (before == first).all()


def test_parameters_that_overflow_stop_at_the_end_of_the_epoch():
    training = start(sizes=(2, 2), batch=110, x=X * 1000, lr=1e307)
    first = training.state
    assert training.run(5, steps=10**9) is Status.PARAMETERS_NOT_FINITE
    assert (training.epoch, training.step) == (0, 1)
    for before, kept in zip(first, training.previous, strict=True):
        assert (before == kept).all()


def test_a_zero_times_infinity_is_0_or_left_to_the_graph(regime):
    def root_loss(logits, y):
        # At a logit of exactly 0 the root's slope is infinite, and its cotangent 0.
        return ad.mean(ad.where(logits[:, 0] > 0, ad.sqrt(ad.relu(logits[:, 0])), 0.0) + 0 * y)

    x = np.zeros((20, 2))
    training = start(sizes=(2, 2), loss=root_loss, x=x, y=Y[:20], rows=20, batch=10)
    status = training.run(4, steps=10**9)
    assert status is Status.PAUSED
    assert np.isfinite(np.concatenate([array.ravel() for array in training.state])).all()


def test_an_unexpected_zero_times_infinity_is_left_to_the_graph():
    def steep_loss(logits, y):
        z = 1e200 * logits[:, 0]
        return ad.mean(ad.exp(-np.abs(z**3)) * z + 0 * y)

    training = start(sizes=(2, 2), loss=steep_loss, rows=20, batch=10, x=X[:20], y=Y[:20])
    first = training.state
    assert training.run(4, steps=10**9) is Status.STATE_HAS_NAN
    for before, kept in zip(first, training.state, strict=True):
        assert (before == kept).all()


@pytest.mark.parametrize("shift", [1, -1, 2**40])
def test_a_label_out_of_range_stops_before_its_step(shift):
    training = start(y=Y + shift)
    first = training.state
    assert training.run(1, steps=10) in (Status.LOSS_NOT_FINITE, Status.STATE_HAS_NAN)
    assert training.step == 0
    for before, kept in zip(first, training.state, strict=True):
        assert (before == kept).all()


def test_a_training_goes_on_from_another_state_with_other_settings():
    training, other = start(), start(lr=0.1)
    training.run(2, steps=10**9)
    other.run(2, steps=10**9)
    training.load(other.state, epoch=2, loss=other.losses(1)[0])
    training.settings[:] = 0.1
    training.run(5, steps=10**9)
    other.run(5, steps=10**9)
    assert training.losses(1) == other.losses(1)


def test_data_that_do_not_fit_are_refused():
    with pytest.raises(ShapeError, match="last batch"):
        start(rows=100, x=X[:90], y=Y[:90])
    with pytest.raises(ShapeError, match="float64"):
        start(x=X.astype(np.float32))


def test_a_loss_of_another_dtype_is_refused():
    def wide(logits, y):
        return ad.astype(LOSSES["cross_entropy"](logits, y), dtype=np.float64)

    trace_on, form, _ = build(dtype=np.float32, loss=wide)
    with pytest.raises(Unlowerable, match="different dtypes"):
        compile_training(trace_on(50), form)


@pytest.mark.parametrize("activation", sampled(ACTIVATIONS, 4))
@pytest.mark.parametrize("sizes", [(2, 40, 2), (2, 33, 17, 3), (2, 130, 70, 2)])
def test_larger_networks_follow_the_graph(sizes, activation, regime):
    if regime == "unrolled":
        pytest.skip("too many scalar operations to unroll")
    options = {"sizes": sizes, "activation": activation, "momentum": 0.9, "lr": 0.05}
    assert_same(*both(**options, epochs=3), rtol=1e-10)
    assert_same(*both(**options, epochs=3, dtype=np.float32), rtol=1e-4)


def test_what_is_too_large_to_unroll_becomes_loops_over_arrays(regime):
    for sizes, words in (((2, 4, 2), "unrolled"), ((2, 60, 2), "products")):
        trace_on, form, _ = build(sizes=sizes)
        about = compile_training(trace_on(64), form).steps.about
        assert (words in about) == (regime == "unrolled" or words == "products")


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="names x86 processors")
@pytest.mark.parametrize(
    ("cpu", "vector_bytes"),
    [
        pytest.param("x86-64", 4, marks=pytest.mark.full),
        ("x86-64", 16),
        ("haswell", 32),
    ],
)
@pytest.mark.parametrize("dtype", sampled([float, np.float32], 2))
def test_older_processors_follow_the_graph_too(cpu, vector_bytes, dtype, regime, monkeypatch):
    from llvmlite import binding

    here = this_machine()
    generator = binding.Target.from_default_triple().create_target_machine(
        cpu=cpu, opt=2, reloc="pic", codemodel="default", jit=True
    )
    target = Target(vector_bytes, 16, keeps_registers=True)
    older = here._replace(generator=generator, cpu=cpu, features="", target=target)
    monkeypatch.setattr(training_code, "this_machine", lambda: older)
    monkeypatch.setattr(cache, "identity", lambda: (cpu, vector_bytes, regime))
    rtol = 1e-10 if dtype is float else 1e-4
    assert_same(*both(activation="tanh", dtype=dtype), rtol=rtol)
    assert_same(*both(dtype=dtype), rtol=rtol)


def test_code_that_is_not_asked_to_shuffle_again_has_none_of_it():
    trace_on, form, state = build()
    code = compile_training(trace_on(50), form)
    training = EpochLoop(code, state, (X[:100], Y[:100]), settings=[0.5], seed=0, epochs=1)
    with pytest.raises(ValueError, match="shuffles no order of an epoch before"):
        training.reshuffle(np.arange(100), np.zeros(625, np.uint32))
