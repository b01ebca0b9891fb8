"""The order of the next epoch is drawn during the steps of this one, and it is Python's."""

import ctypes

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from adjoint.graph import trace

import adjoint as ad
from adjoint.compiler.native.epoch_loop import EpochLoop
from adjoint.compiler.native.epoch_record import AHEAD_LEFT, AHEAD_OF_EPOCH, Status, ahead_words
from adjoint.compiler.native.machine import ATTRIBUTES, Library, this_machine
from adjoint.compiler.native.shuffle import write_shuffle
from adjoint.compiler.native.step_form import StepForm
from adjoint.compiler.native.training_code import compile_training
from adjoint.data import permutation
from sampled import sampled
from x86_levels import LEVELS, compiling_for, machine_of

FORM = StepForm(1, 1)


def step_on(rows, dtype):
    """Return the graph of a step of least squares with one weight."""

    def step(w, x):
        loss, slope = ad.value_and_grad(lambda w: ad.mean((w - x) ** 2))(w)
        return loss, w - 0.1 * slope

    return trace(step, np.zeros((), dtype), np.zeros(rows, dtype))


def loop_on(n, batch, *, dtype=float, epochs=50, seed=7, limit=1000):
    """Return a training on the numbers 0 to n - 1, which are small so that nothing overflows."""
    batch = min(batch, n)
    tail = step_on(n % batch, dtype) if n % batch else None
    code = compile_training(step_on(batch, dtype), FORM, tail=tail, limit=limit)
    return EpochLoop(code, [np.zeros((), dtype)], [rows(n, dtype)], epochs=epochs, seed=seed)


def rows(n, dtype=float):
    return (np.arange(n) / n).astype(dtype)


def assert_order_is_pythons(loop, seed=7):
    epoch = loop.epoch if loop.step else loop.epoch - 1  # between epochs it is still the last one's
    np.testing.assert_array_equal(loop.order, permutation(loop.n, seed=seed, epoch=epoch))


def weight_by_hand(n, batch, epochs, *, seed=7):
    """Return the weight after steps in NumPy, on rows in the order that Python draws."""
    x, w = rows(n), 0.0
    for epoch in range(epochs):
        order = permutation(n, seed=seed, epoch=epoch)
        for start in range(0, n, batch):
            w -= 0.2 * np.mean(w - x[order[start : start + batch]])
    return w


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    ("n", "batch"),
    sampled(
        [(n, batch) for n in (1, 2, 3, 4, 5, 8, 9, 31, 100) for batch in (1, 3, 16, 33, 64, 999)],
        6,
    ),
)
def test_every_epoch_has_pythons_order_however_the_steps_are_divided(n, batch, dtype):
    loop = loop_on(n, batch, dtype=dtype, epochs=6)
    for count in (1, 2, 3, 7, 1, 1000):
        assert loop.run(6, steps=count) is Status.PAUSED
        assert_order_is_pythons(loop)
    assert loop.epoch == 6
    np.testing.assert_allclose(loop.state[0], weight_by_hand(n, batch, 6), rtol=1e-4)


@pytest.mark.parametrize("seed", [0, 2**63 - 1, 2**63, 2**64 - 1])
def test_a_seed_of_64_bits_has_pythons_orders(seed):
    loop = loop_on(61, 20, seed=seed)
    for epoch in range(1, 4):
        loop.run(epoch, steps=100)
        assert_order_is_pythons(loop, seed)


def test_many_rows_have_pythons_order():
    loop = loop_on(70_001, 1000, epochs=3)
    loop.run(2, steps=1000)
    assert_order_is_pythons(loop)


@pytest.mark.parametrize("limit", [1000, 0])
def test_both_regimes_have_pythons_orders(limit):
    loop = loop_on(110, 25, limit=limit)
    for count in (3, 4, 5, 13):
        loop.run(50, steps=count)
        assert_order_is_pythons(loop)


@pytest.mark.parametrize("n", [100, 101, 102, 103, 104, 3, 1])
def test_the_steps_draw_all_of_the_next_order(n):
    if not this_machine().target.keeps_registers:
        pytest.skip("elsewhere an order is drawn when its epoch begins")
    loop = loop_on(n, 25)
    loop.run(2, steps=1000)
    assert loop._ahead[AHEAD_LEFT] == 0
    assert loop._ahead[AHEAD_OF_EPOCH] == 2
    drawn = loop._ahead[ahead_words(0) :].view(np.int32)[:n]
    np.testing.assert_array_equal(drawn, permutation(n, seed=7, epoch=2))


def test_an_order_is_that_of_seed_epoch_and_rows_whatever_was_drawn_ahead():
    text = write_shuffle(this_machine().target).replace("internal void @draw", "void @draw")
    library = Library(this_machine().assemble(text + ATTRIBUTES), ["shuffle", "draw"])
    types = [ctypes.c_void_p, *[ctypes.c_int64] * 3, ctypes.c_void_p]
    shuffle = library.function("shuffle", None, *types)
    draw = library.function("draw", None, ctypes.c_void_p)
    ahead = np.zeros(ahead_words(103), np.int64)
    # After what was expected come another seed, another epoch, and twice other rows.
    first, other = [(7, 103, 0), (7, 103, 1)], [(8, 103, 2), (8, 103, 4), (8, 50, 5), (8, 103, 6)]
    for draws, (seed, n, epoch) in enumerate([*first, *other]):
        order = np.full(n + 8, -1)
        shuffle(order.ctypes.data, n, seed, epoch, ahead.ctypes.data)
        np.testing.assert_array_equal(order[:n], permutation(n, seed=seed, epoch=epoch))
        assert order[n:].max() < n  # a step reads whole vectors of numbers of rows
        for _ in range(7 * draws):
            draw(ahead.ctypes.data)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("dtype", sampled(["float64", "float32"], 1))
def test_draws_leave_the_numbers_of_a_step_in_their_registers(level, dtype):
    with compiling_for(machine_of(level)):
        loop = loop_on(400, 100, dtype=dtype, epochs=3)
        own_order = loop_on(400, 100, dtype=dtype, epochs=3, seed=None)
    for epoch in range(3):
        loop.run(epoch + 1, steps=4)
        own_order.order = loop.order
        own_order.run(epoch + 1, steps=4)  # which calls what draws, and draws nothing
    assert loop._ahead[AHEAD_OF_EPOCH] == 3
    assert loop._ahead[AHEAD_LEFT] == 0
    assert loop.state[0] == own_order.state[0]


def test_a_training_that_goes_back_or_on_to_another_epoch_has_its_order():
    loop = loop_on(110, 25)
    for epoch, steps in [(0, 3), (0, 8), (3, 2), (3, 5), (4, 5), (2, 12), (40, 1)]:
        loop.load([np.zeros(())], epoch=epoch)
        loop.run(50, steps=steps)
        assert_order_is_pythons(loop)


@pytest.mark.parametrize("taken", [1, 4])
def test_a_training_resumed_within_an_epoch_goes_on_as_if_uninterrupted(taken):
    whole, first, second = (loop_on(110, 25) for _ in range(3))
    whole.run(9, steps=1000)
    first.run(9, steps=10 + taken)
    second.load(first.state, epoch=2)
    second.resume(taken, first.loss_so_far, permutation(110, seed=7, epoch=2))
    second.run(9, steps=1000)
    assert second.state[0] == whole.state[0]
    assert second.losses(2) == whole.losses(2)
    np.testing.assert_array_equal(second.order, whole.order)


@pytest.mark.parametrize("n", [50, 55, 105, 400])
def test_other_rows_have_pythons_orders(n):
    loop = loop_on(105, 25, dtype="float32")
    loop.run(50, steps=17)
    loop.feed([rows(n, "float32")])
    for count in (1, 16, 50):
        loop.run(50, steps=count)
        assert_order_is_pythons(loop)


def test_a_step_that_is_not_finite_leaves_the_orders_as_they_are():
    loop = loop_on(110, 25)
    loop.run(50, steps=7)
    state = loop.state
    loop._states[:] = np.nan
    assert loop.run(50, steps=9) is not Status.PAUSED
    assert_order_is_pythons(loop)
    loop.load(state, epoch=loop.epoch + 1)  # as after an epoch that Python finished
    loop.run(50, steps=7)
    assert_order_is_pythons(loop)


def test_trainings_that_take_turns_do_not_mix_their_orders():
    loops = {seed: loop_on(110, 25, seed=seed) for seed in (1, 2)}
    for count in (3, 6, 2, 11):
        for seed, loop in loops.items():
            loop.run(50, steps=count)
            assert_order_is_pythons(loop, seed)


def test_rows_in_their_own_order_stay_so():
    loop = loop_on(110, 25, seed=None)
    loop.run(3, steps=13)
    np.testing.assert_array_equal(loop.order, np.arange(110))
    assert not loop._ahead.any()


@pytest.mark.parametrize("compile", [False, True])
def test_a_generator_gives_one_number_and_no_other_is_touched(compile):
    rng, other = np.random.default_rng(3), np.random.default_rng(3)
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - what must not be touched
    X, y = ad.datasets.make_moons(30, seed=0)
    ad.fit(
        ad.nn.MLP(2, 3, 2, rng=0), (X, y), loss="cross_entropy", epochs=2, batch_size=7, seed=rng,
        compile=compile, progress=False,
    )  # fmt: skip
    other.integers(2**64, dtype=np.uint64)
    assert rng.bit_generator.state == other.bit_generator.state
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
