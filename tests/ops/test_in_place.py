"""``x += v`` and views: the numbers are those of the same program on NumPy's arrays, in every tier.

Each program is a function of an array and of what makes arrays, `ad` or NumPy.
"""

import numpy as np
import pytest

import adjoint as ad
from adjoint.compiler.program import Program

POINT = np.array([1.5, -2.0, 3.0])


class NumPyNames:
    """What the programs take from adjoint, in NumPy."""

    zeros, ones = staticmethod(np.zeros), staticmethod(np.ones)

    @staticmethod
    def tensor(data):
        return np.array(data)


def aliases_see_it(x, lib):
    y = x * 1
    names = [y, (y,), {"y": y}]
    y += 1.0
    y *= x
    return np.sum(names[0] * names[1][0] * names[2]["y"] ** 2)


def a_closure_sees_it(x, lib):
    y = x * 1

    def read():
        return np.sum(y**2)

    before = read()
    y -= x * x
    return before * read()


def a_function_changes_what_it_is_given(x, lib):
    def shift(z):
        z += x[0]
        return z

    y = x * 2
    shifted = shift(y)
    return np.sum(y * shifted)


def a_number_is_rebound(x, lib):
    s = x[0]
    t = s
    t += 1
    total = np.sum(x)
    other = total
    total *= 2
    return s + 10 * t + 100 * total + 1000 * other


def a_sum_in_a_loop(x, lib):
    total = 0.0
    for row in x:
        total += row * row
    return total


def a_buffer_of_zeros(x, lib):
    y = lib.zeros(3)
    for i in range(3):
        y += x * i
        y[i] = y[i - 1] * x[i]
    return np.sum(y * y)


def a_number_in_an_array(x, lib):
    total = lib.zeros(())
    other = total
    total += np.sum(x)
    total *= total
    return other + total


def entries_and_rows(x, lib):
    y = np.stack([x, 2 * x])
    y[0] += 1.0
    y[1, 1:] *= x[:2]
    y[:, 0] -= 3.0
    y[..., -1] /= 2.0
    y[[0, 1], [1, 1]] **= 2
    y[np.array([[True, False, True], [False, True, True]])] *= 5.0
    return np.sum(y * y)


def an_entry_named_twice(x, lib):
    y = x * 1
    y[[0, 0, 1]] += x
    return np.sum(y * y)


def a_view_sees_the_change(x, lib):
    y = x * 1
    v = y[:2]
    first = np.sum(v)
    y *= 3.0
    y[0] = x[2]
    return first * np.sum(v**2)


def views_of_views_see_the_change(x, lib):
    y = np.stack([x, 2 * x])
    row, column = y.T[1], y[1:][:, ::-1]
    flipped = np.flip(y, 0)
    wide = np.broadcast_to(y[0], (2, 3))
    y += x
    y[1, 1] = x[0] * x[1]
    return np.sum(row**2) + np.sum(column**3) + np.sum(flipped[0] * x) + np.sum(wide[1] ** 2)


def a_row_read_before_another_is_written(x, lib):
    h = lib.zeros((3, 3))
    previous = h[0]
    for t in range(1, 3):
        new = previous * 0.5 + x
        h[t] = new
        previous = h[t]
    return np.sum(h * h * x)


def rows_in_a_list(x, lib):
    y = np.stack([x, 2 * x])
    rows = [y[0], y[1]]
    rows[0] += 1.0
    rows[1] *= x
    return np.sum(y**2) + np.sum(rows[0] * rows[1])


def copies_are_independent(x, lib):
    y = x * 1
    copies = [y.copy(), np.copy(y), +y, y[[0, 1, 2]], y.flatten(), y.astype(y.dtype)]
    for n, z in enumerate(copies):
        z *= n + 2.0
    y += 1.0
    return np.sum(y) + sum(np.sum(z**2) for z in copies)


def what_was_recorded_keeps_its_number(x, lib):
    y = x * 1
    before = np.exp(y) * y
    y **= 2
    y @= np.outer(x, x)
    return np.sum(before) + np.sum(y)


def right_sides_of_all_kinds(x, lib):
    y = x * 1
    y += [1.0, 2.0, 3.0]
    y *= np.float32(2.0)
    y += True
    y -= np.array([1, 2, 3])
    y //= 100.0
    y += x
    y %= 7.0
    return np.sum(y * x)


def itself_on_both_sides(x, lib):
    y = x * 1
    y += y
    y *= y
    y -= y[::-1]
    return np.sum(y**2)


def a_residual_block(x, lib):
    def forward(h):
        h += np.tanh(h * x)
        return h

    h = x * 2
    for _ in range(3):
        h = forward(h)
    return np.sum(h * h)


RIGHT = [
    aliases_see_it,
    a_closure_sees_it,
    a_function_changes_what_it_is_given,
    a_number_is_rebound,
    a_sum_in_a_loop,
    a_buffer_of_zeros,
    a_number_in_an_array,
    entries_and_rows,
    an_entry_named_twice,
    a_view_sees_the_change,
    views_of_views_see_the_change,
    a_row_read_before_another_is_written,
    rows_in_a_list,
    copies_are_independent,
    what_was_recorded_keeps_its_number,
    right_sides_of_all_kinds,
    itself_on_both_sides,
    a_residual_block,
]


def on_numpy(program):
    return lambda x: program(np.array(x), NumPyNames)


def differences(program, x):
    """Return the gradient by central differences, whose error is h² times a third derivative."""
    step = 1e-5
    f = on_numpy(program)
    return np.array([(f(x + d) - f(x - d)) / (2 * step) for d in step * np.eye(x.size)])


def portable(function, x):
    return Program(ad.trace(function, x), tiers={})(x)


@pytest.mark.parametrize("program", RIGHT, ids=lambda p: p.__name__)
def test_a_program_gives_numpys_number_in_every_tier(program):
    expected = on_numpy(program)(POINT)

    def f(x):
        return program(x, ad)

    found = {
        "constant": f(ad.tensor(POINT)).item(),
        "leaf": f(ad.tensor(POINT, requires_grad=True)).item(),
        "grad": ad.value_and_grad(f)(POINT)[0],
        "traced": ad.trace(f, POINT)(POINT),
        "compiled": ad.compile(f)(POINT),
        "portable": portable(f, POINT),
    }
    for tier, value in found.items():
        np.testing.assert_allclose(value, expected, rtol=1e-12, err_msg=tier)


@pytest.mark.parametrize("program", RIGHT, ids=lambda p: p.__name__)
def test_a_program_has_the_gradient_of_differences_in_every_tier(program):
    def f(x):
        return program(x, ad)

    gradient = ad.grad(f)
    leaf = ad.tensor(POINT, requires_grad=True)
    f(leaf).backward()
    found = {
        "backward": leaf.grad.numpy(),
        "grad": gradient(POINT),
        "jacobian": ad.jacobian(f, mode="forward")(POINT),
        "nested": ad.grad(lambda x: np.sum(gradient(x * 1.0) * POINT[::-1]) * 0 + f(x * 1))(POINT),
        "checkpoint": ad.grad(ad.checkpoint(f))(POINT),
        "compiled": ad.compile(gradient)(POINT),
        "portable": portable(gradient, POINT),
    }
    expected = differences(program, POINT)
    scale = np.abs(expected).max()
    for tier, value in found.items():
        np.testing.assert_allclose(value, expected, rtol=1e-6, atol=1e-7 * scale, err_msg=tier)


def into_an_argument(x):
    x += 1.0
    return np.sum(x)


def into_an_entry_of_an_argument(x):
    x[0] = 5.0
    return np.sum(x * x)


def into_an_argument_by_another_name(x):
    y = x
    y *= 2.0
    return np.sum(x)


def into_a_slice_of_an_argument(x):
    y = x[:2]
    y *= 3.0
    return np.sum(x**2)


def into_an_augmented_slice_of_an_argument(x):
    x[:2] *= 3.0
    return np.sum(x**2)


def into_an_argument_without_nan(x):
    np.nan_to_num(x, copy=False)
    return np.sum(x)


ARGUMENTS = [
    into_an_argument,
    into_an_entry_of_an_argument,
    into_an_argument_by_another_name,
    into_an_augmented_slice_of_an_argument,
    into_an_argument_without_nan,
]


def calls(f):
    """Yield the ways to run a function of one argument, each as a function of a point."""
    inner = ad.grad(f)
    yield "grad", inner
    yield "vjp", lambda x: ad.vjp(f, x)
    yield "jvp", lambda x: ad.jvp(f, (x,), (x,))
    yield "jacobian", ad.jacobian(f)
    yield "hessian", ad.hessian(f)
    yield "nested", ad.grad(lambda x: np.sum(inner(x * 1)))
    yield "traced", lambda x: ad.trace(f, x)
    yield "traced gradient", lambda x: ad.trace(inner, x)
    yield "compiled", ad.compile(f)
    yield "compiled gradient", ad.compile(inner)
    yield "checkpoint", ad.grad(ad.checkpoint(f))
    yield "leaf", lambda x: f(ad.tensor(x, requires_grad=True))


@pytest.mark.parametrize("f", ARGUMENTS, ids=lambda f: f.__name__)
def test_an_argument_refuses_in_every_tier_and_stays_as_it_was(f):
    for way, call in calls(f):
        x = POINT.copy()
        with pytest.raises(ad.GraphError, match=r"y = \+x"):
            print(way, call(x))
        assert x.tolist() == POINT.tolist()


VIEWS = {
    "slice": lambda y: y[:1],
    "row": lambda y: y[0],
    "row of a loop": lambda y: next(iter(y)),
    "whole": lambda y: y[...],
    "new axis": lambda y: y[None],
    "transpose": lambda y: y.T,
    "method": lambda y: y.transpose(),
    "mT": lambda y: y.mT,
    "swapaxes": lambda y: np.swapaxes(y, 0, 1),
    "moveaxis": lambda y: np.moveaxis(y, 0, 1),
    "reshape": lambda y: y.reshape(-1),
    "ravel": lambda y: np.ravel(y),
    "expand_dims": lambda y: np.expand_dims(y, 0),
    "flip": lambda y: np.flip(y),
    "diagonal": lambda y: np.diagonal(y),
    "split": lambda y: np.split(y, 2)[0],
    "broadcast_to": lambda y: np.broadcast_to(y, (2, 2, 3)),
    "einsum": lambda y: np.einsum("ij->ji", y),
    "view of a view": lambda y: y[0][1:],
}


@pytest.mark.parametrize("take", VIEWS.values(), ids=VIEWS)
def test_a_view_refuses_in_every_tier_with_what_works(take):
    def f(x):
        y = np.stack([x, x])
        v = take(y)
        v += 1.0
        return np.sum(y**2)

    for way, call in calls(f):
        with pytest.raises(ad.GraphError, match=r"x\[:2\] \*= v instead of y = x\[:2\]; y \*= v"):
            print(way, call(POINT))
    with pytest.raises(ad.GraphError, match="instead of"):
        f(ad.tensor(POINT))


def test_a_slice_of_an_argument_refuses_too():
    for way, call in calls(into_a_slice_of_an_argument):
        with pytest.raises(ad.GraphError, match="instead of y = x"):
            print(way, call(POINT))


def test_an_assignment_into_a_view_refuses_when_traced_too():
    def f(x):
        y = x.copy()
        v = y[:2]
        v[0] = 5.0
        return np.sum(y)

    for way, call in calls(f):
        with pytest.raises(ad.GraphError, match=r"x\[0, 1\] = v"):
            print(way, call(POINT))


def test_a_reshaped_array_refuses_to_be_read_after_a_change():
    y = ad.tensor(np.ones((2, 3))) * 1.0
    flat = y.reshape(-1)
    y += 1.0
    with pytest.raises(ad.GraphError, match="take it again after the change"):
        np.sum(flat)


def test_a_leaf_refuses_outside_of_no_grad_and_keeps_its_gradient_within():
    w = ad.tensor(POINT, requires_grad=True)
    alias = w
    with pytest.raises(ad.GraphError, match="leaf that requires a gradient"):
        w -= 1.0
    np.sum(w * w).backward()
    with ad.no_grad():
        w -= 0.5 * w.grad
        w[:1] += 1.0
    assert w is alias
    assert w.requires_grad
    assert w.tolist() == [1.0, 0.0, 0.0]
    w.grad *= 2.0
    assert w.grad.tolist() == [6.0, -8.0, 12.0]


def test_a_parameter_without_axes_is_no_number_after_an_update_either():
    w = ad.nn.Parameter(2.0)
    with ad.no_grad():
        w -= 0.5
        w -= 0.5
    assert (w.item(), w.requires_grad) == (1.0, True)
    with pytest.raises(ad.GraphError, match="leaf"):
        w += 1.0


def test_a_computed_value_refuses_under_no_grad():
    y = ad.tensor(POINT, requires_grad=True) * 1
    with ad.no_grad(), pytest.raises(ad.GraphError, match="silently cut"):
        y += 1.0


def test_a_number_as_an_argument_is_rebound():
    def f(x):
        y = x
        x += 1.0
        x *= 2.0
        return x * y

    for number in (3.0, np.float64(3.0)):
        assert float(ad.grad(f)(number)) == 2 * 3 + 2 * 4
        assert float(ad.compile(ad.grad(f))(number)) == 14
        assert float(ad.grad(ad.grad(f))(number)) == 4
    with pytest.raises(ad.GraphError, match="argument"):
        ad.grad(f)(np.array(3.0))


OPERATORS = {
    "+=": "y += v",
    "-=": "y -= v",
    "*=": "y *= v",
    "/=": "y /= v",
    "//=": "y //= v",
    "%=": "y %= v",
    "**=": "y **= v",
    "@=": "y @= v",
    "&=": "y &= v",
    "|=": "y |= v",
    "^=": "y ^= v",
}
LEFT = [
    np.array([1.5, 2.0, 3.0]),
    np.array([1.5, 2.0, 3.0], np.float32),
    np.array([1, 2, 3]),
    np.array([1, 2, 3], np.int8),
    np.array([True, False, True]),
    np.arange(1.0, 7.0).reshape(2, 3),
    np.array(2.0),
    np.zeros((0, 3)),
]
RIGHTS = [
    2,
    2.5,
    True,
    np.float32(2.0),
    np.array([2.0, 1.0, 3.0]),
    np.array([2.0, 1.0, 3.0], np.float32),
    np.array([2, 1, 3]),
    np.array([True, True, False]),
    np.ones((2, 3)),
    np.eye(3),
    np.ones(2),
    [1.0, 2.0, 3.0],
]


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("left", LEFT, ids=lambda y: f"{y.dtype}{list(y.shape)}")
def test_the_left_side_keeps_shape_and_dtype_or_numpys_error_comes(left, operator):
    statement = compile(OPERATORS[operator], "<test>", "exec")
    for right in RIGHTS:
        outcomes = []
        for y in (left.copy(), ad.tensor(left)):
            scope = {"y": y, "v": right}
            try:
                with np.errstate(all="ignore"):
                    exec(statement, scope)
            except (TypeError, ValueError) as error:
                outcomes.append((error, None))
            else:
                assert scope["y"] is y
                outcomes.append((None, np.asarray(y)))
        (expected_error, expected), (error, found) = outcomes
        assert (expected_error is None) == (error is None), (right, outcomes)
        if error is not None:
            assert isinstance(error, type(expected_error)), (right, outcomes)
        else:
            assert found.dtype == expected.dtype
            np.testing.assert_array_equal(found, expected, strict=True)


def test_traced_values_keep_their_dtype_too():
    def f(x):
        y = x * 1
        y += np.ones(3)
        y *= np.float64(2.0)
        return y

    x = POINT.astype(np.float32)
    assert ad.trace(f, x)(x).dtype == np.float32
    assert ad.compile(f)(x).dtype == np.float32

    def widened(x):
        y = x * 1
        y += np.ones((2, 3))
        return y

    def cast(x):
        y = (x * 1).astype(int)
        y += 0.5
        return y

    with pytest.raises(ValueError, match="non-broadcastable output operand"):
        ad.trace(widened, POINT)
    with pytest.raises(np.exceptions.DTypePromotionError.__mro__[1], match="Cannot cast ufunc"):
        ad.trace(cast, POINT)


class Running(ad.nn.Module):
    """A module whose buffer is changed in place."""

    def __init__(self):
        self.scale = ad.nn.Parameter(np.ones(3))
        self.mean = ad.nn.Buffer(np.zeros(3))
        self.calls = ad.nn.Buffer(0.0)

    def forward(self, x):
        mean = self.mean
        self.mean *= 0.9
        mean += 0.1 * np.mean(x * self.scale, axis=0)
        self.mean[0] = 7.0
        self.calls += 1
        return (x - mean) * self.scale + 0.0 * self.calls


def trained(compiled):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((20, 3)), rng.standard_normal((20, 3))
    model = Running()
    optimizer = ad.optim.SGD(model.parameters(), lr=0.1)
    history = ad.fit(
        model,
        (X, y),
        loss="mse_loss",
        optimizer=optimizer,
        epochs=3,
        batch_size=5,
        seed=0,
        compile=compiled,
        progress=False,
    )
    return model, history


def test_buffers_changed_in_place_are_state_in_every_tier():
    eager, _ = trained(False)
    fast, _ = trained(True)
    assert eager.calls.item() == fast.calls.item() == 12
    assert eager.mean.tolist()[0] == 7.0
    for name, array in eager.state_dict().items():
        np.testing.assert_allclose(fast.state_dict()[name], array, rtol=1e-12, err_msg=name)


def test_a_buffer_forgets_the_graph_of_what_is_added():
    model = Running()
    model(ad.tensor(np.ones((2, 3))))
    assert not model.mean.requires_grad
    assert isinstance(model.mean, ad.nn.Buffer)


def test_a_compiled_function_refuses_to_change_a_tensor_that_it_refers_to():
    w = ad.tensor(np.ones(3))

    def f(x):
        w.__iadd__(x)
        return np.sum(w)

    with pytest.raises(TypeError, match="cannot assign into a tensor that it refers to"):
        ad.compile(f)(POINT)
    assert w.tolist() == [1.0, 1.0, 1.0]


def test_a_compiled_function_may_refer_to_a_view():
    source = ad.tensor([1.0, 2.0, 3.0])
    tail, model = source[1:], ad.nn.Linear(2, 1, rng=0)
    model.mask = source[:2]
    f = ad.compile(lambda x: np.sum(x * tail * model.mask))
    x = np.ones(2)
    assert f(x) == 8.0
    source *= 2.0
    assert f(x) == 32.0
    assert tail.tolist() == [4.0, 6.0]
    model.load_state_dict(model.state_dict())
    assert model.mask.tolist() == [2.0, 4.0]


def test_a_source_that_becomes_traced_takes_its_views_along():
    def f(x):
        y = ad.zeros(3)
        first, row = y[:2], y[None]
        y += x
        return np.sum(first * 2) + np.sum(row[0] * x)

    np.testing.assert_array_equal(ad.compile(ad.grad(f))(POINT), [5.0, -2.0, 6.0])


def test_classes_of_values_keep_their_name():
    x = ad.tensor([[1.0, 2.0]])
    seen = []
    ad.grad(lambda x: seen.append(type(x).__name__) or np.sum(x))(POINT)
    assert [type(x[0]).__name__, *seen] == ["Tensor", "Tensor"]
