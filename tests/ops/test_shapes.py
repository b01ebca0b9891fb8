"""Shape, assembly, selection and differences: NumPy's values, and gradients of all orders."""

import numpy as np
import pytest
from adjoint.graph import trace

import adjoint as ad
from adjoint.core.tree import leaves
from adjoint.graphs import creation
from adjoint.ops.assembly import unstack
from adjoint.ops.selection import piecewise

RNG = np.random.default_rng(3)
# In the expressions: v (4,), m (2, 3), n (2, 3), s (2, 3, 4), q (3, 3), e (0, 3), c ().
ARRAYS = {
    "v": np.array([0.4, -1.1, 0.7, 2.2]),
    "m": RNG.uniform(-2, 2, (2, 3)),
    "n": RNG.uniform(-2, 2, (2, 3)),
    "s": RNG.uniform(-2, 2, (2, 3, 4)),
    "q": RNG.uniform(-2, 2, (3, 3)),
    "e": np.zeros((0, 3)),
    "c": np.array(0.7),
}
EXPRESSIONS = """
np.expand_dims(m, (0, 3)) | np.squeeze(m[None, :, None]) | np.squeeze(m[None, :, None], axis=0)
np.swapaxes(s, 0, -1) | np.moveaxis(s, 0, -1) | np.moveaxis(s, [0, 1], [-1, -2])
np.rollaxis(s, 2) | np.rollaxis(s, 0, 3) | np.matrix_transpose(s) | np.permute_dims(s, (1, 0, 2))
np.ravel(m) | np.ravel(m, "F") | np.ravel(c) | m.flatten() | m.ravel() | m.copy() | np.copy(m)
m.squeeze() | s.swapaxes(0, 1) | m.take([2, 0]) | m.repeat(2) | m.diagonal() | q.trace()
np.flip(m) | np.flip(m, 0) | np.flip(s, (0, 2)) | np.fliplr(m) | np.flipud(v) | np.rot90(m)
np.rot90(m, 2) | np.rot90(m, -1) | np.rot90(s, 3, (2, 1)) | np.rot90(m, 0) | np.roll(m, 2)
np.roll(m, -1, axis=1) | np.roll(s, (1, 2), axis=(0, 2)) | np.roll(e, 1) | np.repeat(m, 2)
np.repeat(m, [1, 0, 3], axis=1) | np.repeat(c, 3) | np.repeat(e, 2, axis=0) | np.tile(m, 2)
np.tile(m, (2, 1, 2)) | np.tile(c, 3) | np.tile(m, 0) | np.resize(m, (4, 2)) | np.resize(v, 3)
np.resize(e, (2, 2)) | np.broadcast_to(v, (2, 4)) | np.broadcast_arrays(m, m[0], c)
np.atleast_1d(c) | np.atleast_2d(v) | np.atleast_3d(m) | np.atleast_1d(c, v) | np.atleast_3d(v, c)
np.pad(m, 1) | np.pad(m, (1, 2), constant_values=3.0) | np.pad(m, ((1, 0), (0, 2)), mode="edge")
np.pad(m, 2, mode="symmetric") | np.pad(m, ((1, 1), (2, 2)), "reflect")
np.pad(m, 4, mode="wrap") | np.pad(m, 1, constant_values=((1.0, 2.0), (3.0, 4.0)))
np.pad(m, 1, constant_values=c) | np.split(v, 2) | np.split(v, [1, 3])
np.split(s, [1, 5], axis=2) | np.array_split(v, 3) | np.array_split(m, 2, axis=-1)
np.hsplit(m, 3) | np.hsplit(v, [1]) | np.vsplit(m, 2) | np.dsplit(s, 2) | np.vstack([m, n, m[0]])
np.hstack([v, v[:1]]) | np.hstack([m, n]) | np.dstack([m, n])
np.vstack((v, v), dtype=np.float64) | np.column_stack([v, v]) | np.column_stack([m, n])
np.dstack([v, v]) | np.block([[m, n], [n, m]]) | np.block([v, c]) | np.block(m)
np.block([[c, v[:2]], [m]]) | np.concatenate([m, n], axis=None) | np.concatenate([m, e])
np.concat([m, n], axis=1) | np.stack([m, n], axis=1) | np.stack([c, c]) | np.append(m, n)
np.append(m, n, axis=0) | np.append(v, c) | np.insert(v, 1, c) | np.insert(m, 1, m[:, 0], axis=1)
np.insert(v, [0, 3], v[:2]) | np.insert(m, [1, 2], n[:, :2], axis=1) | np.insert(m, 2, c)
np.insert(v, slice(0, 2), c) | np.delete(v, 1) | np.delete(m, [0, -1], axis=1) | np.delete(m, 2)
np.delete(v, slice(0, 3, 2)) | np.diag(v) | np.diag(v, -1) | np.diag(m, 1) | np.diagflat(m)
np.diagonal(s, 1, 1, 2) | np.trace(s) | np.trace(q, 1) | np.tril(m) | np.triu(s, 1) | np.tril(v)
np.triu(q, -1) | np.meshgrid(v, m[0]) | np.meshgrid(v, m[0], indexing="ij", sparse=True)
np.meshgrid(v) | np.meshgrid(v, m[0], m[1]) | np.take(m, [2, 0, 2]) | np.take(m, [[1, 0]], axis=1)
np.take(v, -1) | np.take(v, [5, -7], mode="wrap") | np.take(v, [5, -7], mode="clip")
np.take(m, [], axis=0) | np.take(c, [0, 0]) | np.take_along_axis(m, np.array([[2, 0], [1, 1]]), 1)
np.take_along_axis(v, np.array([3, 3]), 0) | np.take_along_axis(m, np.array([[1, 0, 1]]), 0)
np.take_along_axis(m, np.array([5, 0]), None) | np.compress([False, True], m, axis=0)
np.compress([False, True, True], m) | np.extract(m > 0, n) | np.select([m > 1, m > 0], [m * m, n])
np.select([m > 1, n > 0], [1.0, n], default=m) | np.choose([[0, 1, 0]], [m, n])
np.choose([3, -1, 1], [q[0], q[1]], mode="wrap")
np.choose([3, -1, 1], [q[0], q[1]], mode="clip")
np.piecewise(m, [m < 0], [lambda p: p * p, lambda p: 3 * p]) | np.piecewise(v, v > 0, [np.exp])
np.piecewise(v, [v < 0, v > 1], [np.exp, 5.0]) | np.piecewise(c, c > 0, [np.exp, 0.0])
np.apply_along_axis(np.sum, 0, m) | np.apply_along_axis(lambda r: r[:2] * r[1], 1, m)
np.apply_along_axis(lambda r: np.outer(r, r), 1, s) | np.apply_over_axes(np.sum, s, [0, -1])
np.diff(v) | np.diff(v, 2) | np.diff(m, axis=0) | np.diff(v, prepend=0.0)
np.diff(m, append=m[:, :1]) | np.diff(m, n=0) | np.diff(v[:1]) | np.diff(v, 9)
np.diff(m, axis=0, prepend=1.0, append=c) | np.ediff1d(m)
np.ediff1d(v, to_begin=c, to_end=[1.0, 2.0]) | np.gradient(v) | np.gradient(m)
np.gradient(v, 0.5) | np.gradient(m, 2.0, axis=1) | np.gradient(v, [0.0, 0.5, 2.0, 2.5])
np.gradient(s, 2.0, [0.0, 1.0, 3.0], 0.5) | np.gradient(v, edge_order=2)
np.gradient(v, [0.0, 0.5, 2.0, 2.5], edge_order=2) | np.gradient(s, axis=(0, 2))
np.gradient(v, c) | np.gradient(q, np.cumsum(q[0] ** 2), axis=0)
np.gradient(q, np.cumsum(q[0] ** 2 + 1), axis=1, edge_order=2) | np.trapezoid(v)
np.trapezoid(m, axis=0) | np.trapezoid(v, np.sort(v)) | np.trapezoid(m, dx=c)
np.trapezoid(m, [0.0, 2.0], axis=0) | np.trapezoid(m, n) | np.bincount([0, 2, 0, 3], v)
np.bincount([0, 1, 1, 0], v, 5) | np.trim_zeros(np.pad(v, 2))
np.histogram([0.1, 0.9, 1.0, 3.0], [0.0, 0.5, 1.0], weights=v)[0]
np.histogram([0.1, 0.9, 1.0, 3.0], 3, density=True, weights=v * v)[0]
np.histogram2d([0.1, 0.9, 1.0, 3.0], [1, 2, 2, 1], [2, 3], weights=v)[0]
np.histogram_bin_edges(v, 4) | np.full_like(m, c) | np.linspace(c, 2.0, 5)
np.linspace(m, n, 3, endpoint=False, axis=1) | np.linspace(c, 2, 5, retstep=True)
np.logspace(c, 1, 3) | np.logspace(0, c, 3, base=2.0) | np.geomspace(c, 5.0, 4)
np.geomspace(-c, -5.0, 4) | np.linspace(c, 1.0, 1) | np.linspace(0, v, 3) | np.polyval(v, m)
np.polyadd(v, m[0]) | np.polysub(m[0], v) | np.polymul(v, m[0]) | np.polyder(v, 2) | np.polyint(v)
np.polyint(v, 2, [1.0, 2.0]) | np.poly(v) | np.polydiv(v, m[0]) | np.polydiv(m[0], v)
np.vander(v) | np.vander(v, 2, increasing=True) | np.vander(v, 1) | np.polyfit(v, v**3, 2)
np.polyfit(m[0], q, 1) | np.ldexp(v, [1, 2, 3, -4]) | np.frexp(v) | np.astype(m, np.float32)
"""
CASES = [text.strip() for line in EXPRESSIONS.splitlines() for text in line.split("|") if text]
# What is asked of the numbers themselves cannot be traced.
UNTRACEABLE = ("extract", "piecewise", "trim_zeros", "histogram", "frexp", "polyfit", "(m[0], v)")


def evaluated(text, **values):
    return eval(text, {"np": np, **ARRAYS, **values})


def used(text):
    names = set(compile(text, "", "eval").co_names)
    inner = [k for k in compile(text, "", "eval").co_consts if hasattr(k, "co_names")]
    names |= {name for code in inner for name in code.co_names}
    return {name: ARRAYS[name] for name in ARRAYS if name in names}


def function_of(text):
    """Return an expression as a function of the arrays in it, and those."""
    arrays = used(text)

    def function(*xs):
        return evaluated(text, **dict(zip(arrays, xs, strict=True)))

    return function, list(arrays.values())


@pytest.mark.parametrize("text", CASES)
def test_values_are_numpys(text):
    tensors = {name: ad.tensor(x, requires_grad=True) for name, x in used(text).items()}
    expected = list(leaves(evaluated(text)))
    for y, plain in zip(leaves(evaluated(text, **tensors)), expected, strict=True):
        assert np.shape(y) == np.shape(plain)
        assert y.dtype == plain.dtype
        array = y.detach().numpy() if isinstance(y, ad.Tensor) else y
        np.testing.assert_allclose(array, plain, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("text", CASES)
def test_gradients_are_right_to_second_order(text):
    function, points = function_of(text)
    if "float32" not in text and all(x.size for x in points):
        ad.check_gradients(function, *points, rtol=1e-5)


@pytest.mark.parametrize(
    "text", [text for text in CASES if not any(n in text for n in UNTRACEABLE)]
)
def test_expressions_trace(text):
    function, points = function_of(text)
    graph = trace(lambda *xs: list(leaves(function(*xs))), *points)
    for y, plain in zip(graph(*points), leaves(function(*points)), strict=True):
        np.testing.assert_allclose(y, plain, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("text", [text for text in CASES if "float64" not in text])
def test_results_are_never_wider_than_numpys(text):
    singles = {name: ad.tensor(x, dtype=np.float32) for name, x in used(text).items()}
    plain = {name: x.numpy() for name, x in singles.items()}
    for y, wide in zip(
        leaves(evaluated(text, **singles)), leaves(evaluated(text, **plain)), strict=True
    ):
        assert y.dtype in (np.float32, wide.dtype)


def refuses(error, match, call):
    with pytest.raises(error, match=match):
        call()


def test_wrong_arguments_are_explained():
    m = ad.tensor(ARRAYS["m"], requires_grad=True)
    refuses(ad.ShapeError, r"unstack: a value without axes", lambda: unstack(m[0, 0]))
    refuses(ValueError, "pad: mode='mean'.*constant, edge", lambda: np.pad(m, 1, mode="mean"))
    refuses(TypeError, "pad with stat_length", lambda: np.pad(m, 1, "mean", stat_length=1))
    refuses(ValueError, "must not be negative", lambda: np.pad(m, -1))
    refuses(ValueError, "edge_order must be 1 or 2", lambda: np.gradient(m, edge_order=3))
    refuses(ad.ShapeError, r"axis 0 of shape \(2, 3\) has 2", lambda: np.gradient(m, edge_order=2))
    refuses(
        ad.ShapeError, r"\(3,\) for axis 0 of shape \(2, 3\)", lambda: np.gradient(m, m[0], m[0])
    )
    refuses(ad.ShapeError, "vsplit: needs at least 2 axes", lambda: np.vsplit(m[0], 1))
    refuses(ValueError, "nested equally deep", lambda: np.block([[m], m]))
    refuses(
        ValueError,
        r"choose: an index is not in range\(2\)",
        lambda: np.choose([0, 2, 1], [m[0], m[1]]),
    )
    refuses(TypeError, "indices must be integers", lambda: np.take(m, [0.5]))
    refuses(ad.ShapeError, "as many axes", lambda: np.take_along_axis(m, np.array([0]), 1))
    refuses(TypeError, "must be boolean", lambda: np.select([m], [m]))
    refuses(ad.ShapeError, "diag: expected one or two", lambda: np.diag(m[None]))
    refuses(ad.ShapeError, "coefficients must have one axis", lambda: np.polyadd(m, m))
    refuses(
        TypeError,
        "only a single constant_values",
        lambda: np.pad(m, 1, constant_values=[m[0, 0]] * 2),
    )
    refuses(TypeError, "x has dtype int64", lambda: piecewise([1, 2], [[True, False]], [m[0, 0]]))


def test_histograms_refuse_recorded_samples():
    v = ad.tensor(ARRAYS["v"], requires_grad=True)
    refuses(TypeError, r"no derivative by the samples.*x\.detach", lambda: np.histogram(v))
    refuses(TypeError, r"no derivative by the samples", lambda: np.histogram2d(v, v))
    counts, edges = np.histogram(v.detach(), 3)
    np.testing.assert_array_equal(counts, np.histogram(ARRAYS["v"], 3)[0])
    np.testing.assert_array_equal(edges, np.histogram(ARRAYS["v"], 3)[1])


IN_PLACE = {
    "copyto": lambda x: np.copyto(x, 1.0),
    "fill_diagonal": lambda x: np.fill_diagonal(x, 1.0),
    "place": lambda x: np.place(x, np.ones((3, 3), bool), [1.0]),
    "put": lambda x: np.put(x, [0], 1.0),
    "put_along_axis": lambda x: np.put_along_axis(x, np.zeros((3, 1), int), 1.0, 1),
    "putmask": lambda x: np.putmask(x, np.ones((3, 3), bool), 1.0),
    "sort": lambda x: x.sort(),
    "partition": lambda x: x.partition(1),
    "fill": lambda x: x.fill(0.0),
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_changes_in_place_are_refused_with_advice(name):
    for x in (ad.tensor(ARRAYS["q"]), ad.tensor(ARRAYS["q"], requires_grad=True)):
        refuses(TypeError, rf"{name}.* in place.*write .*=", lambda x=x: IN_PLACE[name](x))


def test_changes_in_place_leave_plain_arrays_to_numpy():
    x = np.zeros(3)
    np.put(x, [1], 5.0)
    np.copyto(x, [1.0, 2.0, 3.0], where=[True, False, False])
    assert x.tolist() == [1.0, 5.0, 0.0]


def test_a_repeated_index_adds_up():
    x = ad.tensor(ARRAYS["v"], requires_grad=True)
    np.take(x, [1, 1, 1, 3]).sum().backward()
    assert x.grad.tolist() == [0.0, 3.0, 0.0, 1.0]


def test_a_choice_not_taken_has_no_gradient_however_steep():
    x = ad.tensor([0.0, 4.0], requires_grad=True)
    np.select([x.detach() > 0], [np.sqrt(x)], 0.0).sum().backward()
    assert x.grad.tolist() == [0.0, 0.25]


def test_questions_are_answered_without_cutting_the_graph():
    x = ad.tensor(ARRAYS["m"], requires_grad=True)
    plain = ARRAYS["m"]
    assert (np.shape(x), np.ndim(x), np.size(x), np.size(x, 1)) == ((2, 3), 2, 6, 3)
    assert np.result_type(x, np.float32) == np.float64
    assert np.can_cast(x.dtype, np.float32) is False
    assert np.isrealobj(x)
    assert not np.iscomplexobj(x)
    assert np.allclose(x, plain)
    assert np.array_equal(x, plain)
    assert np.array2string(x) == np.array2string(plain)
    assert np.array_repr(x) == repr(plain)
    for ours, theirs in zip(np.nonzero(x > 0), np.nonzero(plain > 0), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(np.argwhere(x > 0), np.argwhere(plain > 0))
    np.testing.assert_array_equal(np.lexsort((x[0], x[1])), np.lexsort(plain))
    np.testing.assert_array_equal(np.digitize(x, [0.0, 1.0]), np.digitize(plain, [0.0, 1.0]))
    assert (x * 2).sum().requires_grad


def test_questions_about_numbers_cannot_be_traced():
    refuses(TypeError, "cannot be traced", lambda: trace(lambda x: np.nonzero(x), np.ones(3)))
    refuses(
        TypeError, "cannot be traced", lambda: trace(lambda x: np.extract(x > 0, x), np.ones(3))
    )


def test_like_functions_give_constants_to_assign_into():
    x = ad.tensor([1.0, 2.0], requires_grad=True)
    for make in (np.zeros_like, np.empty_like, ad.zeros_like):
        y = make(x)
        assert not y.requires_grad
        for i in range(2):
            y[i] = x[i] ** 2
        x.grad = None
        y.sum().backward()
        assert x.grad.tolist() == [2.0, 4.0]
    assert np.ones_like(x, dtype=int).dtype == int
    assert np.zeros_like(x, shape=(2, 2)).shape == (2, 2)
    graph = trace(lambda x: (np.zeros_like(x) + x,), np.ones(2))
    assert graph(np.full(2, 3.0))[0].tolist() == [3.0, 3.0]


def test_created_tensors_are_numpys_and_constant():
    for ours, theirs in (
        (creation.zeros((2, 3)), np.zeros((2, 3))),
        (creation.ones(3, dtype=np.float32), np.ones(3, np.float32)),
        (creation.full((2,), 7), np.full((2,), 7)),
        (creation.eye(2, 3, 1), np.eye(2, 3, 1)),
        (creation.identity(2), np.identity(2)),
        (creation.arange(4), np.arange(4)),
        (creation.arange(1, 2, 0.25), np.arange(1, 2, 0.25)),
        (creation.empty(2), np.zeros(2)),
    ):
        assert isinstance(ours, ad.Tensor)
        assert not ours.requires_grad
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)


def test_unstack_and_copies():
    x = ad.tensor(ARRAYS["m"], requires_grad=True)
    columns = unstack(x, axis=1)
    assert [c.shape for c in columns] == [(2,)] * 3
    y = x.flatten()
    y[0] = 5.0
    assert y.requires_grad
    assert x.tolist() == ARRAYS["m"].tolist()
    assert np.copy(x > 0).dtype == (x > 0).flatten().dtype == bool


@pytest.mark.parametrize("join", [np.concatenate, np.stack, np.vstack, np.hstack])
def test_joined_arrays_have_the_dtype_that_is_asked_for_if_the_rule_allows_it(join):
    x = ad.tensor([1.0, 2.0], requires_grad=True)
    joined = join([x, x], dtype=np.float32, casting="same_kind")
    assert joined.dtype == np.float32
    np.sum(joined * joined).backward()
    np.testing.assert_array_equal(x.grad.data, [4.0, 8.0])
    with pytest.raises(TypeError, match="cannot cast float64 to float32 by the rule 'safe'"):
        join([x, x], dtype=np.float32, casting="safe")


@pytest.mark.parametrize("values", [2.0, np.array(2.0)])
def test_what_is_inserted_takes_the_dtype_of_the_array(values):
    x = np.ones(3, np.float32)
    found, slope = ad.jvp(lambda x: np.insert(x, 1, values), (x,), (x,))
    assert found.dtype == slope.dtype == np.float32
    np.testing.assert_array_equal(found, np.insert(x, 1, values))
