"""`vmap` gives what a loop over the rows gives, nested, differentiated, compiled, and refuses."""

from __future__ import annotations

import string

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn
from adjoint.errors import ShapeError

rng = np.random.default_rng(0)
X, W, Y = rng.normal(size=(5, 4)), rng.normal(size=4), rng.normal(size=5)


def loss(w, x, y):
    return (np.tanh(w @ x) - y) ** 2


def each(function, *columns):
    return np.stack([function(*row) for row in zip(*columns, strict=True)])


def test_the_gradient_of_each_row_is_that_of_a_loop():
    found = ad.vmap(ad.grad(loss), in_axes=(None, 0, 0))(W, X, Y)
    np.testing.assert_allclose(found, each(lambda x, y: ad.grad(loss)(W, x, y), X, Y))


def test_the_hessian_of_each_row_is_that_of_a_loop():
    found = ad.vmap(ad.hessian(loss), in_axes=(None, 0, 0))(W, X, Y)
    np.testing.assert_allclose(found, each(lambda x, y: ad.hessian(loss)(W, x, y), X, Y))


def test_it_is_differentiated_to_second_order():
    def mean(w):
        return ad.vmap(loss, in_axes=(None, 0, 0))(w, X, Y).mean()

    def looped(w):
        return sum(loss(w, x, y) for x, y in zip(X, Y, strict=True)) / len(X)

    np.testing.assert_allclose(ad.grad(mean)(W), ad.grad(looped)(W))
    np.testing.assert_allclose(ad.hessian(mean)(W), ad.hessian(looped)(W), atol=1e-14)


def test_it_is_pushed_forward():
    value, slope = ad.jvp(ad.vmap(np.sin), (Y,), (np.ones(5),))
    np.testing.assert_allclose(value, np.sin(Y))
    np.testing.assert_allclose(slope, np.cos(Y))


def test_a_tensor_that_the_function_closes_over_gets_its_gradient():
    w = ad.tensor(W, requires_grad=True)
    ad.vmap(lambda x, y: loss(w, x, y))(X, Y).sum().backward()
    np.testing.assert_allclose(w.grad, each(lambda x, y: ad.grad(loss)(W, x, y), X, Y).sum(axis=0))


def test_nothing_is_recorded_without_gradients():
    w = ad.tensor(W, requires_grad=True)
    with ad.no_grad():
        assert not ad.vmap(lambda x: w @ x)(X).requires_grad
        found = ad.vmap(ad.grad(loss), in_axes=(None, 0, 0))(W, X, Y)
    np.testing.assert_allclose(found, each(lambda x, y: ad.grad(loss)(W, x, y), X, Y))


def test_it_compiles():
    compiled = ad.compile(ad.vmap(ad.grad(loss), in_axes=(None, 0, 0)))
    expected = each(lambda x, y: ad.grad(loss)(W, x, y), X, Y)
    for _ in range(2):
        np.testing.assert_allclose(compiled(W, X, Y), expected, rtol=1e-12)


def test_a_python_number_stays_weak_in_a_compiled_one():
    compiled = ad.compile(lambda a, rows: ad.vmap(lambda x: a * x)(rows))
    found = compiled(2.0, X.astype(np.float32))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, 2 * X.astype(np.float32))


def test_it_nests():
    distances = ad.vmap(lambda a: ad.vmap(lambda b: np.sum((a - b) ** 2))(X))(X)
    np.testing.assert_allclose(distances, ((X[:, None] - X[None]) ** 2).sum(-1))
    cube = rng.normal(size=(3, 5, 4))
    np.testing.assert_allclose(ad.vmap(ad.vmap(lambda x: x @ W))(cube), cube @ W)


def test_a_jacobian_inside_and_outside_is_that_of_a_loop():
    def f(x):
        return np.sin(x[:2]) * x[2:]

    inside = ad.vmap(ad.jacobian(f))(X)
    np.testing.assert_allclose(inside, each(ad.jacobian(f), X))
    outside = ad.jacobian(ad.vmap(f))(X)
    np.testing.assert_allclose(outside[1, :, 1], inside[1])
    assert not outside[1, :, 0].any()


def test_axes_and_trees():
    def f(pair, scale):
        return {"sum": pair["a"].sum() * scale, "same": pair["b"], "turned": pair["a"][::-1]}

    axes = ({"a": 1, "b": None}, 0)
    out = {"sum": 0, "same": None, "turned": -1}
    b = np.arange(3.0)
    found = ad.vmap(f, in_axes=axes, out_axes=out)({"a": X, "b": b}, np.arange(4.0))
    np.testing.assert_allclose(found["sum"], X.sum(axis=0) * np.arange(4.0))
    np.testing.assert_array_equal(found["same"], b)
    np.testing.assert_array_equal(found["turned"], X[::-1])


def test_keywords_have_their_rows_along_the_first_axis():
    found = ad.vmap(lambda x, *, y: x * y)(X, y=Y)
    np.testing.assert_array_equal(found, X * Y[:, None])


def test_a_result_that_is_the_same_in_all_rows_is_repeated():
    found = ad.vmap(lambda x: (x, 3.0))(X)
    np.testing.assert_array_equal(found[1], np.full(5, 3.0))


def test_results_share_no_memory_with_arguments():
    found = ad.vmap(lambda x: x)(X)
    assert not np.shares_memory(found, X)


def test_no_rows_give_no_results():
    found = ad.vmap(lambda x: (x.sum(), np.outer(x, x)))(np.zeros((0, 3)))
    assert found[0].shape == (0,)
    assert found[1].shape == (0, 3, 3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_special_numbers_stay_in_their_rows(dtype):
    rows = np.array([[np.nan, 1], [np.inf, 2], [-0.0, 3], [1, 2]], dtype)

    def f(x):
        return np.where(x > 0, np.sqrt(x), 0).sum() + x[0] * x[1]

    with np.errstate(all="ignore"):
        found = ad.vmap(ad.value_and_grad(f))(rows)
        for n, row in enumerate(rows):
            value, gradient = ad.value_and_grad(f)(row)
            np.testing.assert_array_equal(found[0][n], value)
            np.testing.assert_array_equal(found[1][n], gradient)
    assert found[1].dtype == dtype


def test_code_in_place_works_on_what_the_function_makes():
    def f(x):
        z = ad.zeros(3)
        z[0] = x[0]
        z[1:] += x[1]
        return z

    np.testing.assert_array_equal(ad.vmap(f)(X), each(lambda x: x[[0, 1, 1]], X))


def test_an_array_that_is_the_same_in_all_rows_becomes_different_by_an_assignment():
    def f(x, same):
        copy = +same
        copy[1] = x
        return copy

    same = np.arange(3.0)
    found = ad.vmap(f, in_axes=(0, None))(Y, same)
    np.testing.assert_array_equal(found, [[0, y, 2] for y in Y])
    np.testing.assert_array_equal(same, np.arange(3.0))


def test_a_row_of_indices_picks_from_an_array_that_is_the_same_in_all_rows():
    table, places = np.arange(12.0).reshape(4, 3), np.array([[3, 0], [1, 1]])
    np.testing.assert_array_equal(
        ad.vmap(lambda table, i: table[i], in_axes=(None, 0))(table, places), table[places]
    )


@pytest.mark.parametrize("dtype", [float, int])
def test_an_array_that_is_not_traced_is_indexed_by_a_row_as_the_error_says(dtype):
    table, places = np.arange(12).reshape(4, 3).astype(dtype), np.array([3, 0, 1])
    with pytest.raises(TypeError, match=r"; ad\.tensor\(X\)\[i\] is what X\[i\] is of"):
        ad.vmap(lambda i: table[i])(places)
    for key in (lambda i: i, lambda i: (i, 1), lambda i: (slice(1, None), i - 1)):
        found = ad.vmap(lambda i, key=key: ad.tensor(table)[key(i)])(places)
        np.testing.assert_array_equal(found, each(lambda i, key=key: table[key(i)], places))


@pytest.mark.parametrize(
    "key",
    [
        lambda i: (i, slice(None), 1),
        lambda i: (..., i),
        lambda i: (slice(None), i),
        lambda i: (0, slice(1, None), i),
        lambda i: (None, i, ..., 0),
        lambda i: (..., i, slice(None, 1)),
        lambda i: (i[:, None], i, slice(None)),
    ],
)
@pytest.mark.parametrize("rows_of", ["array", "index", "both"])
def test_index_arrays_between_slices(key, rows_of):
    array, index = rng.normal(size=(2, 3, 3, 3)), np.array([[2, 0], [1, 1]])
    axes = {"array": (0, None), "index": (None, 0), "both": (0, 0)}[rows_of]
    a = array if axes[0] == 0 else array[0]
    i = index if axes[1] == 0 else index[0]

    def f(x, places):
        y = +x
        y[key(places)] = 2 * x[key(places)]
        return x[key(places)], y

    found = ad.vmap(f, in_axes=axes)(a, i)
    for n in range(2):
        x, places = a[n] if axes[0] == 0 else a, i[n] if axes[1] == 0 else i
        doubled = x.copy()
        doubled[key(places)] *= 2
        np.testing.assert_array_equal(found[0][n], x[key(places)])
        np.testing.assert_array_equal(found[1][n], doubled)


@pytest.mark.parametrize("ones", [(), (1,), (1, 1)])
def test_ones_in_front_of_what_is_assigned_are_let_go(ones):
    def f(x, v):
        y = 2 * x
        y[1:] = v.reshape(*ones, 3)
        return y

    v = rng.normal(size=(5, 3))
    np.testing.assert_array_equal(ad.vmap(f)(X, v), each(f, X, v))
    found = ad.vmap(f, in_axes=(0, None))(X, v[0])
    np.testing.assert_array_equal(found, each(lambda x: f(x, v[0]), X))


def test_a_product_that_names_all_letters_is_done_row_by_row():
    def f(x):
        return np.einsum(f"{string.ascii_letters}->aZ", x.reshape(2, *(1,) * 50, 2))

    np.testing.assert_array_equal(ad.vmap(f)(X), X.reshape(5, 2, 2))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("value", ["number", "of each row", "last axis"])
def test_an_assignment_at_a_mask_that_differs_from_row_to_row(value, dtype):
    def f(x, v):
        y = 3 * x
        mask = x[:, 0] > 0 if value == "last axis" else x > 0
        y[mask] = {"number": 7.0, "of each row": v[0], "last axis": v}[value]
        return y

    x, v = rng.normal(size=(4, 3, 2)).astype(dtype), rng.normal(size=(4, 2))

    def squares(x, v):
        return (f(x, v) ** 2).sum()

    for vmapped in (ad.vmap(f), ad.compile(ad.vmap(f))):
        found = vmapped(x, v)
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, each(f, x, v))
    slopes = ad.grad(squares, (0, 1))
    inside = ad.vmap(slopes)(x, v)
    outside = ad.grad(lambda x, v: ad.vmap(squares)(x, v).sum(), (0, 1))(x, v)
    for n in range(2):
        expected = each(lambda x, v, n=n: slopes(x, v)[n], x, v)
        np.testing.assert_allclose(inside[n], expected, rtol=1e-6)
        np.testing.assert_allclose(outside[n], expected, rtol=1e-6)


def test_an_array_at_a_mask_that_differs_from_row_to_row_is_refused_with_advice():
    def f(x):
        y = +x
        y[x > 0] = np.arange(2.0)
        return y

    with pytest.raises(TypeError, match=r"np\.where"):
        ad.vmap(f)(X)


def test_functions_with_rules_of_their_own_are_done_row_by_row():
    @ad.custom_vjp(lambda g, y, x: (np.clip(g, -1, 1),))
    def bounded(x):
        assert isinstance(x, (np.ndarray, np.generic))
        return x * 1.0

    ones = np.ones_like(X)
    np.testing.assert_array_equal(ad.vmap(ad.grad(lambda x: (5 * bounded(x)).sum()))(X), ones)
    np.testing.assert_array_equal(ad.grad(lambda x: (5 * ad.vmap(bounded)(x)).sum())(X), ones)


def test_checkpointed_functions_work_inside_and_outside():
    f = ad.checkpoint(lambda x: np.exp(np.sin(x)).sum())
    expected = np.exp(np.sin(X)) * np.cos(X)
    np.testing.assert_allclose(ad.vmap(ad.grad(f))(X), expected)
    whole = ad.checkpoint(lambda rows: ad.vmap(lambda x: np.exp(np.sin(x)).sum())(rows).sum())
    np.testing.assert_allclose(ad.grad(whole)(X), expected)


def test_a_branch_on_a_row_is_refused_with_advice():
    with pytest.raises(TypeError, match=r"ad\.where"):
        ad.vmap(lambda x: x if x > 0 else -x)(Y)


def test_a_branch_on_what_is_the_same_in_all_rows_is_taken():
    found = ad.vmap(lambda x, flag: x if flag else -x, in_axes=(0, None))(Y, False)
    np.testing.assert_array_equal(found, -Y)


def test_random_numbers_from_a_generator_are_refused():
    generator = np.random.default_rng(1)
    state = generator.bit_generator.state
    with pytest.raises(TypeError, match="in every row"):
        ad.vmap(lambda x: x + generator.normal())(Y)
    assert generator.bit_generator.state == state


def test_a_change_of_what_is_outside_is_refused():
    seen = []
    with pytest.raises(TypeError, match="seen"):
        ad.vmap(lambda x: seen.append(x) or x)(Y)
    assert seen == []


@pytest.mark.parametrize(
    ("args", "options", "error", "text"),
    [
        ((X, Y[:3]), {}, ValueError, "numbers of rows differ: 5 .* 3 "),
        ((X,), {"in_axes": (0, 0)}, ValueError, "2 entries, .* called with 1 arg"),
        ((X,), {"in_axes": 3}, ShapeError, r"\(5, 4\) has no axis 3"),
        ((X,), {"in_axes": -3}, ShapeError, r"\(5, 4\) has no axis -3"),
        ((3.0,), {}, ShapeError, r"shape \(\) has no axis 0"),
        ((X,), {"in_axes": None}, ValueError, "no argument has rows"),
        (([],), {}, ValueError, "no argument has rows"),
        ((X,), {"in_axes": "a"}, TypeError, "got 'a'"),
        ((X,), {"in_axes": True}, TypeError, "got True"),
        (({"a": X},), {"in_axes": ({"b": 0},)}, ValueError, "not the keys"),
        (([X, X],), {"in_axes": ([0],)}, ValueError, "not the structure"),
        ((X,), {"out_axes": 4}, ShapeError, "axis 4 of a result with 2 axes"),
        ((X,), {"out_axes": None}, ValueError, "differs from row to row"),
        ((X,), {"out_axes": (0, 1)}, ValueError, "not the structure"),
        ((["a"],), {}, TypeError, "expected numbers"),
    ],
)
def test_what_does_not_fit_is_refused(args, options, error, text):
    with pytest.raises(error, match=text):
        ad.vmap(lambda x, *_: x, **options)(*args)


def test_what_is_no_function_is_refused():
    with pytest.raises(TypeError, match="expected a function, got ndarray"):
        ad.vmap(X)


def _dropouts():
    return nn.Sequential(nn.Dropout(0.5, rng=0), nn.Dropout(0.3, rng=1))


def _states(model):
    return [layer.state.data.tolist() for layer in model.layers]


@pytest.mark.parametrize("drawn", [0, 2**24 - 3])
def test_each_row_draws_the_random_numbers_of_a_loop(drawn):
    one, other = _dropouts(), _dropouts()
    for layer in (*one.layers, *other.layers):
        layer.state = np.array([*layer.state.data[:2], drawn], np.float32)

    def twice(model):
        return lambda x: model(x) + model(2 * x)

    expected = np.stack([np.asarray(twice(one)(x).data) for x in X])
    np.testing.assert_array_equal(ad.vmap(twice(other))(X), expected)
    assert _states(other) == _states(one)


def test_nested_rows_draw_the_random_numbers_of_nested_loops():
    one, other, cube = _dropouts(), _dropouts(), rng.normal(size=(3, 5, 4))

    def looped(rows):
        inner = np.stack([np.asarray(one(x).data) for x in rows])
        return inner.sum(axis=0) + np.asarray(one(rows[0]).data)

    def batched(rows):
        return ad.vmap(other)(rows).sum(axis=0) + other(rows[0])

    expected = np.stack([looped(rows) for rows in cube])
    np.testing.assert_allclose(ad.vmap(batched)(cube), expected, rtol=1e-14)
    assert _states(other) == _states(one)


def test_no_rows_draw_nothing():
    model = _dropouts()
    before = _states(model)
    assert ad.vmap(model)(np.zeros((0, 4))).shape == (0, 4)
    assert _states(model) == before


def test_a_function_that_raises_leaves_random_states_as_they_were():
    model = _dropouts()
    before = _states(model)

    def broken(x):
        raise KeyError(model(x).shape)

    with pytest.raises(KeyError):
        ad.vmap(broken)(X)
    assert _states(model) == before
    np.testing.assert_array_equal(ad.vmap(lambda x: x + 1)(Y), Y + 1)


def test_a_buffer_that_would_differ_from_row_to_row_is_refused():
    model = nn.BatchNorm(4)
    before = model.state_dict()
    with pytest.raises(TypeError, match="buffer, which a traced function cannot write to"):
        ad.vmap(lambda x: model(np.stack([x, 2 * x])))(X)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
