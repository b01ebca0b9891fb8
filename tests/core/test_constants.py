"""Constant arrays, masks and indices that their owner changes after an operation has read them."""

import numpy as np
import pytest

import adjoint as ad
from adjoint.compiler.program import Program

# Tiny, small and large ones are kept in different ways.
SIZES = [3, 1000, 20_000]


def filled_in_a_loop(x, c):
    total = 0.0
    for i in range(3):
        c[:] = i
        total = total + np.sum(x * c)
    return total


def toggled(x, c):
    c[:] = 1.0
    total = np.sum(x * c)
    c[:] = 0.0
    total = total + np.sum(x * c)
    c[:] = 1.0
    return total + np.sum(x * c)


def changed_by_another_name(x, c):
    view = c[::-1]
    total = np.sum(x * view)
    c *= 2.0
    return total + np.sum(x * view) + np.sum(x * c[::-1])


def in_many_operations(x, c):
    total = 0.0
    for i in range(1, 4):
        c[:] = i
        y = x / c + np.sqrt(x * c) + c**x + np.hypot(x, c) + np.where(x > c, x * c, x)
        total = total + np.sum(y) + x @ c + np.einsum("i,i->", x, c)
    return total


def a_mask(x, c):
    mask = np.zeros(len(c), bool)
    total = 0.0
    for i in range(3):
        mask[:] = False
        mask[i :: 3 + i] = True
        total = total + (i + 1) * (np.sum(x[mask]) + np.sum(np.where(mask, x * x, 0.0)))
    return total


def an_index(x, c):
    index = np.zeros(2, int)
    total = 0.0
    for i in range(3):
        index[:] = i, 0
        total = total + (i + 1) * np.sum(x[index] * np.take(x, index))
    return total


def a_matrix_laid_out_by_columns(x, c):
    matrix = np.asfortranarray(np.outer(c[:3], np.ones(3)) + 1.0)
    total = 0.0
    for i in range(3):
        matrix[i] += i
        total = total + np.sum(np.tanh(matrix @ x[:3])) + np.sum(x[:3] @ matrix.T)
    return total


def metadata(x, c):
    repeats, shift = [1, 2, 3], np.array([1])
    total = np.sum(np.repeat(x[:3], repeats) ** 2) + np.sum(np.roll(x, shift, (0,)) * x)
    repeats[0], shift[0] = 5, 2
    return total + np.sum(np.repeat(x[:3], repeats) ** 3)


def a_shape_set_in_place(x, c):
    c = np.arange(6.0) + 1
    total = np.sum(x[0] * c.reshape(6, 1) * x[:3])
    column = np.arange(6.0)
    column.shape = (6, 1)
    total = total + np.sum(column * x[:3] ** 2)
    column.shape = (1, 6)
    return total + np.sum(column * np.stack([x[:3], x[:3] ** 2]).reshape(6, 1))


PROGRAMS = [
    filled_in_a_loop,
    toggled,
    changed_by_another_name,
    in_many_operations,
    a_mask,
    an_index,
    a_matrix_laid_out_by_columns,
    metadata,
    a_shape_set_in_place,
]


def point(n):
    return np.linspace(0.5, 1.5, n)


@pytest.mark.filterwarnings("ignore:Setting the shape:DeprecationWarning")
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
@pytest.mark.parametrize("n", SIZES)
def test_the_numbers_are_those_at_the_time(program, n):
    x, c = point(n), np.arange(float(n)) % 7 + 1
    expected = program(x, c.copy())
    direction = np.cos(np.arange(n))
    # The error is step² times a third derivative, and some roundings of the value by the step.
    step = 1e-5
    rounding = 10 * np.finfo(float).eps * abs(expected) / step
    slope = (program(x + step * direction, c * 1) - program(x - step * direction, c * 1)) / 2 / step

    def f(x):
        return program(x, c * 1.0)

    leaf = ad.tensor(x, requires_grad=True)
    value = f(leaf)
    value.backward()
    assert value.item() == pytest.approx(expected, rel=1e-12)
    traced = ad.trace(ad.value_and_grad(f), x)
    found = {
        "backward": leaf.grad.numpy() @ direction,
        "jvp": ad.jvp(f, (x,), (direction,))[1],
        "traced": traced(x)[1] @ direction,
        "compiled": ad.compile(ad.grad(f))(x) @ direction,
        "portable": Program(traced, tiers={})(x)[1] @ direction,
    }
    for tier, number in found.items():
        np.testing.assert_allclose(number, slope, rtol=1e-7, atol=rounding, err_msg=tier)
    np.testing.assert_allclose(traced(x)[0], expected, rtol=1e-12)


@pytest.mark.parametrize("n", SIZES)
def test_a_change_between_forward_and_backward_pass_has_no_effect(n):
    c, mask, index = np.full(n, 2.0), np.arange(n) % 2 == 0, np.array([0, 1])
    x = ad.tensor(np.ones(n), requires_grad=True)
    y = np.sum(np.where(mask, x, 0.0) * c) + np.sum(x[index] ** 2) + np.sum(x[mask])
    expected = np.where(mask, 3.0, 0.0)
    expected[:2] += 2.0
    c[:], mask[:], index[:] = np.nan, False, 2
    y.backward()
    np.testing.assert_array_equal(x.grad.numpy(), expected)


@pytest.mark.parametrize("n", SIZES)
def test_arguments_may_change_before_a_pull_and_a_push(n):
    x, c = np.full(n, 3.0), np.full(n, 2.0)
    value, pull = ad.vjp(lambda x: x * x * c, x)
    _, push = ad.linearize(lambda x: np.exp(x * 0.0) * x * x * c, x)
    x[:], c[:], value[:] = 0.0, 0.0, 0.0
    np.testing.assert_array_equal(pull(np.ones(n))[0], np.full(n, 12.0))
    np.testing.assert_array_equal(push(np.ones(n)), np.full(n, 12.0))


def constants_of(value):
    """Return the constant arrays in the record of a value, newest first."""
    found, stack = [], [value.node]
    while stack:
        node = stack.pop()
        parents = zip(node.args, node.parents, strict=True) if node.primitive else ()
        found += [arg for arg, parent in parents if parent is None and np.ndim(arg)]
        stack += [parent for parent in node.parents if parent is not None]
    return found


@pytest.mark.parametrize("n", [3, 20_000])
def test_a_constant_that_stays_as_it_is_is_copied_once(n):
    c = np.random.default_rng(0).standard_normal((2, n))
    x = ad.tensor(np.ones(n), requires_grad=True)
    y = x
    for _ in range(4):
        y = c.T @ (c @ y) * 1e-5
    kept = constants_of(y)
    assert len(kept) == 8
    assert n == 3 or len(set(map(id, kept))) == 2  # the matrix and its transpose
    assert not any(np.shares_memory(c, one) for one in kept)


def test_a_read_only_array_that_owns_its_memory_is_not_copied():
    c = np.ones(20_000)
    c.flags.writeable = False
    y = ad.tensor(np.ones(20_000), requires_grad=True) * c
    assert constants_of(y)[0] is c
    writeable = np.ones(20_000)
    view = writeable[:]
    view.flags.writeable = False
    y = ad.tensor(np.ones(20_000), requires_grad=True) * view
    assert not np.shares_memory(constants_of(y)[0], writeable)


def test_what_no_rule_reads_is_not_copied():
    c = np.ones(3)
    assert constants_of(ad.tensor(np.ones(3), requires_grad=True) + c)[0] is c


def test_signed_zeros_and_nan_count_as_changes():
    for n in (1, 20_000):
        c = np.zeros(n)
        x = ad.tensor(np.ones(n), requires_grad=True)
        total = np.sum(np.arctan2(c, x)) * 0 + np.sum(np.copysign(x, c))
        c[:] = -0.0
        (total + np.sum(np.copysign(x, c))).backward()
        assert x.grad.tolist() == [0.0] * n


def test_a_mapped_file_is_copied_too(tmp_path):
    c = np.memmap(tmp_path / "numbers", np.float64, "w+", shape=(3,))
    c[:] = 2.0
    x = ad.tensor(np.ones(3), requires_grad=True)
    y = np.sum(x * c)
    c[:] = 5.0
    y.backward()
    assert x.grad.tolist() == [2.0, 2.0, 2.0]


def test_a_custom_function_may_return_its_buffer():
    buffer = np.zeros(3)

    @ad.custom_vjp(lambda g, y, x: (g * 2,))
    def double(x):
        return np.multiply(x, 2.0, out=buffer)

    def f(x):
        first, second = double(x), double(x * 10)
        return np.sum(first * second)

    # 4 · 10 x²
    np.testing.assert_allclose(ad.grad(f)(np.array([1.0, 2.0, 3.0])), [80.0, 160.0, 240.0])


def test_a_custom_function_and_its_rule_cannot_change_what_they_are_given():
    def grows(x):
        x += 1.0
        return x * 2

    def rule(g, y, x):
        g *= 2
        return (g,)

    for function, its_rule in ((grows, lambda g, y, x: (g,)), (lambda x: x * 2, rule)):
        f = ad.custom_vjp(its_rule)(function)
        with pytest.raises(ValueError, match="read-only"):
            ad.grad(lambda x, f=f: np.sum(f(x)))(np.ones(3))
    f = ad.custom_vjp(rule)(lambda x: x * 2)
    with pytest.raises((ad.GraphError, ValueError), match=r"argument|read-only"):
        ad.hessian(lambda x: np.sum(f(x) ** 2))(np.ones(3))


def test_a_checkpoint_that_would_give_another_derivative_is_refused():
    c = np.array([1.0, 2.0])
    x = ad.tensor(np.ones(2), requires_grad=True)
    y = np.sum(ad.checkpoint(lambda x: np.exp(x * c))(x))
    c[:] = 3.0
    with pytest.raises(ad.GraphError, match="gave other numbers when it was run again"):
        y.backward()


def test_a_gradient_that_is_set_is_a_copy():
    x = ad.tensor(np.ones(2), requires_grad=True)
    g = np.ones(2)
    x.grad = g
    g[:] = 7.0
    assert x.grad.tolist() == [1.0, 1.0]


def test_a_small_constant_that_stays_as_it_is_is_copied_once_and_anew_when_it_changes():
    for c in (np.ones((40, 40)), np.ones((40, 40), order="F"), np.ones((80, 40))[::2]):
        x = ad.tensor(np.ones((40, 40)), requires_grad=True)
        y = x * c * c
        c[0, 0] = np.nan
        z = y * c * c
        new, old = constants_of(z)[:2], constants_of(z)[2:]
        assert np.isnan(new[0][0, 0])
        assert np.all(old[0] == 1)
        assert not any(np.shares_memory(c, one) for one in (*new, *old))
        if c.base is None:
            assert new[0] is new[1]
            assert old[0] is old[1]
            assert new[0].strides == c.strides
