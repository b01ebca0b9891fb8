"""Loops over arrays and products of matrices: the regime of what is too large to unroll."""

import ctypes
import mmap
import platform
import sys
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sampled import sampled

pytest.importorskip("llvmlite")

from adjoint.graph import trace

import adjoint as ad
from adjoint.compiler.native import cache
from adjoint.compiler.native import function as native_function
from adjoint.compiler.native.arrays import array_code
from adjoint.compiler.native.arrays.array_code import ArrayCode, CodeModule
from adjoint.compiler.native.arrays.expansion import expand
from adjoint.compiler.native.arrays.strided_view import Allocation, Role
from adjoint.compiler.native.arrays.workspace import Workspace
from adjoint.compiler.native.function import NativeFunction, native_tier
from adjoint.compiler.native.machine import this_machine
from adjoint.compiler.native.target import Target
from adjoint.compiler.simplify.simplify import simplify
from cards import card_programs

TOLERANCE = {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 2e-5}


def over_arrays(function, *arrays):
    """Return a function as loops over arrays, whatever its size."""
    return NativeFunction(trace(function, *arrays), limit=0)


def assert_agree(function, *arrays):
    """Compare loops over arrays with the graph, evaluated by NumPy."""
    graph = trace(function, *arrays)
    found, expected = NativeFunction(graph, limit=0)(arrays), graph.evaluate(arrays)
    for ours, theirs in zip(found, expected, strict=True):
        theirs = np.asarray(theirs)
        assert (np.shape(ours), ours.dtype) == (theirs.shape, theirs.dtype)
        tolerance = TOLERANCE.get(theirs.dtype, 0)
        scale = tolerance * max(1.0, np.max(np.abs(theirs), initial=0.0, where=np.isfinite(theirs)))
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=scale)


@pytest.fixture(params=[64, 32, 16, pytest.param(4, marks=pytest.mark.full)])
def vector_bytes(request, monkeypatch):
    """Write code for vectors of several sizes; what a processor has not, LLVM makes of halves.

    With 4 bytes every number is taken alone, as on a processor without vectors.
    """
    here = this_machine()
    wide = request.param == 64
    target = here.target._replace(
        vector_bytes=request.param, registers=32 if wide else 16, has_permutes=wide
    )
    machine = here._replace(target=target)
    monkeypatch.setattr(native_function, "this_machine", lambda: machine)
    monkeypatch.setattr(cache, "identity", lambda: (f"{request.param} bytes",))
    return request.param


# --- vectors of other sizes


@pytest.mark.parametrize(
    "name", sampled(["sum", "add", "index", "matmul", "concatenate", "cumsum"], 6)
)
def test_narrower_vectors_agree_too(name, vector_bytes):
    for dtype in (np.float64, np.float32):
        for function, args in card_programs(name, dtype):
            if all(x.size for x in args):
                assert_agree(function, *args)


# --- sizes


SIZES = st.one_of(st.integers(1, 5), st.integers(6, 70))
DTYPES = st.sampled_from([np.float32, np.float64])
sampled = settings(
    max_examples=20, deadline=None, derandomize=True, database=None, suppress_health_check=[]
)


def draw_array(rng, shape, dtype, turned):
    """Return an array, or a transposed view of one."""
    if turned:
        return rng.normal(size=shape[:-2] + shape[:-3:-1]).astype(dtype).swapaxes(-1, -2)
    return rng.normal(size=shape).astype(dtype)


@sampled
@given(SIZES, SIZES, SIZES, DTYPES, st.booleans(), st.booleans(), st.sampled_from([(), (1,), (3,)]))
def test_products_of_any_sizes(rows, depth, columns, dtype, left, right, stack):
    rng = np.random.default_rng(rows + 71 * depth + 5000 * columns)
    x = draw_array(rng, (*stack, rows, depth), dtype, left)
    y = draw_array(rng, (depth, columns), dtype, right)
    assert_agree(lambda x, y: x @ y, x, y)
    # As views of what is in memory, which is how transposes come in a backward pass.
    assert_agree(lambda x, y: (2 * x.mT).mT @ (y.T + 1).T, x, y)


@pytest.mark.parametrize("shape", [(9, 2500, 40), (70, 1024, 33), (3, 1025, 5), (1, 1601, 401)])
def test_products_deeper_than_a_block(shape, vector_bytes):
    rows, depth, columns = shape
    rng = np.random.default_rng(0)
    for dtype in (np.float32, np.float64):
        x, y = rng.normal(size=(rows, depth)), rng.normal(size=(depth, columns))
        assert_agree(lambda x, y: x @ y, x.astype(dtype), y.astype(dtype))


HEADS = [(64, 2500, 2), (33, 70, 5), (17, 1025, 6), (3, 40, 3)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_product_with_few_columns_is_turned_and_not_one_bit_changes(
    dtype, vector_bytes, monkeypatch
):
    rng = np.random.default_rng(0)
    given, arranged = [], array_code.arranged

    def watched(product, width):
        found = arranged(product, width)
        given.append(found.is_turned)
        return found

    for rows, depth, columns in HEADS:
        x, y = rng.normal(size=(depth, rows)), rng.normal(size=(depth, columns))
        x[-1, 1], x[0, 2], y[0, 1] = np.inf, np.nan, -np.inf
        args = x.astype(dtype), y.astype(dtype)
        results = []
        for number, choice in enumerate((watched, lambda product, width: product)):
            monkeypatch.setattr(cache, "identity", lambda n=number: (f"turned {n}", vector_bytes))
            monkeypatch.setattr(array_code, "arranged", choice)
            results += over_arrays(lambda x, y: x.T @ y, *args)(args)
        np.testing.assert_array_equal(*results)
    # No product has fewer columns than two lanes; the last one has no more rows than columns.
    assert any(given) == (vector_bytes // np.dtype(dtype).itemsize > 2)
    assert not given[-1]


@sampled
@given(st.lists(SIZES, min_size=1, max_size=3), DTYPES, st.integers(0, 7), st.booleans())
def test_reductions_along_any_axes(shape, dtype, which, keepdims):
    if np.prod(shape) > 20_000:
        shape = shape[:2]
    x = np.random.default_rng(which).normal(size=shape).astype(dtype)
    axes = tuple(axis for axis in range(len(shape)) if which >> axis & 1) or None
    for reduce in (ad.sum, ad.max, ad.min, ad.mean):
        assert_agree(lambda x, r=reduce: r(ad.square(x) - x, axis=axes, keepdims=keepdims), x)
        assert_agree(lambda x, r=reduce: r(x.T, axis=axes, keepdims=keepdims), x)


@sampled
@given(SIZES, SIZES, DTYPES)
def test_elementwise_operations_broadcast_at_any_size(rows, columns, dtype):
    rng = np.random.default_rng(rows + 100 * columns)
    x, row, column = (
        rng.normal(size=s).astype(dtype) for s in ((rows, columns), columns, (rows, 1))
    )
    assert_agree(lambda x, r, c: (ad.exp(x) * r - c, x > r, (x * c)[::-1]), x, row, column)


def test_long_sums_keep_their_digits():
    x = np.full(1_000_000, 0.1, np.float32)
    for shape, axis in (((1_000_000,), 0), ((1000, 1000), (0, 1)), ((1000, 1000), 1)):
        (total,) = over_arrays(lambda x, a=axis: ad.sum(x, axis=a), x.reshape(shape))(
            [x.reshape(shape)]
        )
        # A sum one after another is off by a percent; every step rounds the same way here.
        np.testing.assert_allclose(np.sum(total), 1e5, rtol=5e-6)


def test_arrays_that_are_not_contiguous_are_read_rightly():
    x = np.random.default_rng(0).normal(size=(40, 30))
    native = over_arrays(lambda x: ad.tanh(x) @ x.T, np.zeros((20, 15)))
    for view in (x[::2, ::2], x[::-2, 15:], x[20:, :15], x.T[::2, ::2][:, :20].T[:20, :15]):
        # A sum of fifteen terms of size one that cancel: the error is of their size, not its own.
        expected = np.tanh(view) @ view.T
        np.testing.assert_allclose(native([view])[0], expected, rtol=1e-13, atol=1e-14)


# --- entries by number


def before_a_gap(array):
    """Return a copy of an array behind which no memory can be read: to do so ends the process."""
    page = mmap.PAGESIZE
    size = -(-array.nbytes // page) * page
    memory = mmap.mmap(-1, size + page)
    behind = ctypes.addressof(ctypes.c_char.from_buffer(memory)) + size
    protect = ctypes.CDLL(None).mprotect
    protect.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    assert protect(behind, page, 0) == 0
    start = size - array.nbytes
    copy = np.frombuffer(memory, array.dtype, array.size, start).reshape(array.shape)
    copy[...] = array
    return copy


@pytest.mark.skipif(sys.platform == "win32", reason="mprotect is of POSIX")
@pytest.mark.parametrize(
    ("step", "dtype"), [(1, np.float32), (3, np.float32), (4, np.float32), (2, np.float64)]
)
def test_nothing_is_read_behind_an_array(step, dtype, vector_bytes):
    x = np.random.default_rng(0).normal(size=(11, 72 * step + 1)).astype(dtype)
    # The last entry that is read is the last of the array.
    assert_agree(lambda x: (2 * x[:, ::step], np.sum(x[:, ::step], axis=0)), before_a_gap(x))


@pytest.mark.parametrize("step", [2, 3, 4, 5])
def test_entries_at_equal_distances_are_read_rightly(step, vector_bytes):
    rng = np.random.default_rng(0)
    for dtype in (np.float32, np.float64):
        x = rng.normal(size=(3, 70 * step)).astype(dtype)
        assert_agree(lambda x: 2 * x[:, step - 1 :: step], x)
        assert_agree(lambda x: np.sum(x[:, step - 1 : 21 * step : step], axis=0), x)


@pytest.mark.parametrize("classes", [2, 3, 4, 5])
def test_short_rows_are_summed_side_by_side(classes, vector_bytes):
    rng = np.random.default_rng(0)
    for dtype in (np.float32, np.float64):
        x = rng.normal(size=(131, classes)).astype(dtype)
        assert_agree(lambda x: (np.sum(x, axis=1), np.max(x, axis=1), x @ x[0]), x)


def test_a_vector_whose_entries_lie_apart_is_copied_once():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 50)), rng.normal(size=(50, 3))

    def nests(function, *arrays):
        native = over_arrays(function, *arrays)
        np.testing.assert_allclose(native(arrays)[0], function(*arrays), rtol=0, atol=1e-13)
        return int(native.describe()[0].split()[2])

    plain = nests(lambda x, y: x @ y, x, y[:, 1].copy())
    assert nests(lambda x, y: x @ y[:, 1], x, y) == plain + 1
    # Here the entries of the vector are taken one by one anyway.
    assert nests(lambda x, y: x.T @ y[:40, 1], x, y) == plain


SCATTERED = {
    "a sum": lambda a, x: np.sum(a * x[:, 1], axis=1),
    "a running sum": lambda a, x: np.cumsum(a * x[:, 1], axis=1),
    "of a temporary": lambda a, x: a @ (x * 3)[::-1, 2],
    "of a product": lambda a, x: np.max(a + (x @ x[:3])[:, 1], axis=1),
    "two of one": lambda a, x: (a @ x[:, 1], np.sum(np.where(x[:, 1] > 0, a, 0), axis=1), x[:, 1]),
}


@pytest.mark.parametrize("name", SCATTERED)
def test_a_copy_of_scattered_entries_has_their_values(name):
    rng = np.random.default_rng(0)
    assert_agree(SCATTERED[name], rng.normal(size=(30, 50)), rng.normal(size=(50, 3)))


def test_entries_are_picked_and_added_by_computed_numbers():
    rng = np.random.default_rng(0)
    table, rows = rng.normal(size=(7, 21)), np.array([3, -1, 3, 0, 6, -7])
    columns = np.array([0, 20, -21, 5, 5, 1])

    def loss(table, rows, columns):
        return ad.sum(ad.square(table[rows])) + ad.sum(table[rows, columns] * 3)

    assert_agree(lambda t, r, c: ad.value_and_grad(loss)(t, r, c), table, rows, columns)
    assert_agree(lambda t, r: t[:, r], table, columns)
    assert_agree(lambda t, r: t[..., r], table, columns)
    assert_agree(lambda t, r: t[r, ...], table, rows)


@pytest.mark.parametrize("number", [7, -8, 2**40])
def test_a_number_out_of_range_is_an_error(number):
    table, rows = np.ones((7, 3)), np.array([0, 1])
    native = over_arrays(lambda t, r: t[r] * 2, table, rows)
    with pytest.raises(IndexError, match="out of bounds"):
        native([table, np.array([0, number])])
    assert native([table, rows])[0].tolist() == [[2] * 3] * 2


def test_a_label_that_is_no_class_is_an_error():
    logits, labels = np.zeros((4, 3)), np.array([0, 1, 2, 0])
    native = over_arrays(lambda x, y: ad.softmax_cross_entropy(x, y).mean(), logits, labels)
    with pytest.raises(ValueError, match=r"label 3 at \(2,\) .*range\(3\)"):
        native([logits, labels + 1])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_product_that_two_nests_compute_is_rounded_alike_in_both(dtype):
    def below_the_greatest(x):
        product = np.sin(x) * x
        return np.max(product) - product

    x = np.random.default_rng(0).normal(size=1000).astype(dtype)
    run = over_arrays(below_the_greatest, x[:8])
    for start in range(0, 1000, 8):
        assert np.min(run([x[start : start + 8]])[0]) == 0


# --- numbers at the edges


def test_zero_times_infinity_is_0_where_it_must_be():
    x = np.array([0.0, 4.0, -1.0, 1.0] * 9)
    gradient = ad.grad(lambda x: ad.where(x > 0, ad.sqrt(x), 0.0).sum())
    native = over_arrays(gradient, x)
    assert native([x])[0].tolist() == [0, 0.25, 0, 0.5] * 9


def test_a_product_in_doubt_is_left_to_the_graph():
    x, y = np.ones((5, 4)), np.ones((4, 3))
    graph = trace(lambda x, y: ad.ops.products.strong_matmul(1 / x, y), x, y)
    x[2, 1], y[1] = 0, 0
    found = NativeFunction(graph, limit=0)([x, y])[0]
    assert found.tolist() == graph(x, y).tolist() == [[3] * 3] * 5


def test_infinities_and_nan_are_as_in_numpy():
    x = np.array([[np.inf, -np.inf, np.nan, 0.0, -0.0, 1.0] * 4] * 3)
    x[1] = -np.inf
    with np.errstate(all="ignore"):
        assert_agree(lambda x: (x.max(axis=1), x.min(axis=0), x.sum(axis=1), ad.exp(x)), x)
        assert_agree(lambda x: (ad.logsumexp(x, axis=1), ad.softmax(x)), x)


# --- the schedule


def test_operations_between_two_products_are_one_nest_of_loops():
    def layer(x, w, b):
        a = x @ w + b
        return ad.tanh(a) * ad.sigmoid(a) + ad.exp(-a), ad.square(a)

    x, w, b = np.ones((40, 30)), np.ones((30, 20)), np.ones(20)
    native = over_arrays(layer, x, w, b)
    assert "2 nests of loops, 1 products" in native.describe()[0]


@pytest.mark.parametrize(
    ("shape", "nests"), [((20,), 3), ((1, 20), 3), ((30, 1), 2), ((30, 20), 2), ((), 2)]
)
def test_what_every_row_reads_is_computed_once(shape, nests):
    # Loops of its own, beside those of the whole and those of the doubt.
    native = over_arrays(lambda x, w: x / np.sqrt(w + 1), np.ones((30, 20)), np.ones(shape))
    assert f"{nests} nests of loops" in native.describe()[0]


@pytest.mark.parametrize(
    ("function", "more"),
    [
        (lambda f, x, w: f(x[:1]) @ w, 1),  # each column of the product reads the whole row
        (lambda f, x, w: f(x[0]) @ w, 1),
        (lambda f, x, w: (f(x[0])[:, None] * w).sum(axis=0), 1),
        (lambda f, x, w: (f(x[0])[:, None] * w - 1).max(axis=(0,)), 1),
        (lambda f, x, w: (f(x[0])[:, None] * w).sum(axis=1), 0),  # once before each row's sum
        (lambda f, x, w: f(x[0]) @ w[:, 0], 0),
        (lambda f, x, w: f(x[0])[:, None] * w, 0),
        (lambda f, x, w: (f(x) * w.T).sum(axis=0), 0),
    ],
)
@pytest.mark.parametrize("repeated", [ad.tanh, np.exp, lambda x: np.sqrt(x + 1)])
def test_what_a_reduction_reads_again_and_again_is_computed_once(function, more, repeated):
    x, w = np.ones((20, 30)), np.ones((30, 20))

    def nests(f):
        native = over_arrays(lambda x, w: function(f, x, w), x, w)
        return int(native.describe()[0].split(" nests")[0].split()[-1])

    assert_agree(lambda x, w: function(repeated, x, w), x, w)
    assert nests(repeated) - nests(lambda x: x) == more


def test_a_long_chain_is_computed_without_recursion():
    def chain(x):
        for n in range(1500):
            x = x * 0.999 + 0.001 * n if n % 2 else ad.sqrt(x * x + 1)
        return x

    x = np.linspace(0, 1, 33)
    assert_agree(chain, x)


@sampled
@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(1, 500)), max_size=12))
def test_buffers_in_use_at_the_same_time_do_not_overlap(spans):
    allocations = [Allocation(Role.TEMPORARY, "f64", size) for _, _, size in spans]
    used = [
        [b for b, (x, y, _) in zip(allocations, spans, strict=True) if at in (min(x, y), max(x, y))]
        for at in range(9)
    ]
    workspace = Workspace(start=10)
    workspace.share(used)
    for i, (x, y, _) in enumerate(spans):
        start, stop = min(x, y), max(x, y)
        for j in range(i):
            first, last = min(spans[j][:2]), max(spans[j][:2])
            if start <= last and first <= stop:
                ends = sorted(
                    (workspace.offsets[b], b.bytes) for b in (allocations[i], allocations[j])
                )
                assert ends[0][0] + ends[0][1] <= ends[1][0]
        assert 64 <= workspace.offsets[allocations[i]] <= workspace.size - allocations[i].bytes


def test_memory_is_used_again():
    def deep(x):
        for _ in range(20):
            x = ad.tanh(x @ x)
        return x

    code = ArrayCode(expand(simplify(trace(deep, np.ones((50, 50))))), CodeModule(Target(64, 32)))
    assert code.size < 4 * 50 * 50 * 8


# --- parts without native code


def test_what_has_no_native_code_runs_between_what_has():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(20, 20)) + 9 * np.eye(20), rng.normal(size=(20, 20))

    def loss(a, b):
        x = np.linalg.solve(ad.tanh(a @ a / 50) + a, ad.exp(b) * b - ad.square(b))
        return ad.sum(ad.square(x) * ad.sigmoid(x) - x)

    graph = trace(ad.value_and_grad(loss, (0, 1)), a, b)
    tier = native_tier(graph)
    assert not isinstance(tier, str)
    assert any("solve has no native rule" in line for line in tier.describe())
    for ours, theirs in zip(tier([a, b]), graph.evaluate([a, b]), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_too_little_native_code_is_none():
    reason = native_tier(trace(lambda a: np.linalg.inv(a) + 1, np.eye(3)))
    assert isinstance(reason, str)
    assert "inv has no native rule" in reason


def test_threads_share_a_function():
    x = np.random.default_rng(0).normal(size=(200, 200))
    native = over_arrays(lambda x: ad.tanh(x @ x) @ x, x)
    expected = [np.tanh((x * k) @ (x * k)) @ (x * k) for k in range(1, 5)]
    failures = []

    def work(k):
        for _ in range(20):
            if not np.allclose(native([x * k])[0], expected[k - 1], rtol=1e-10):
                failures.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="names an x86 register")
def test_a_product_keeps_its_sums_in_registers():
    x = np.ones((64, 64), np.float32)
    module = CodeModule(Target(64, 32))
    ArrayCode(expand(simplify(trace(lambda x: x @ x, x))), module)
    text = module.text
    inner = text[text.index("fmuladd") :]
    assert "store" not in inner[: inner.index("br i1")]


@pytest.mark.parametrize("length", range(3, 24, 4))
def test_a_result_given_twice_is_copied_and_not_computed_again(length):
    # The copy is in other loops than the original, whose operands were never in memory.
    def chain(x):
        for _ in range(length):
            x = ad.sqrt(x * x + 1) + x
        y = ad.tanh(x) * x
        for _ in range(40):
            x = ad.sqrt(x * x + 1) + x * 0.1
        return y, y, x

    assert_agree(chain, np.random.default_rng(0).normal(size=(5, 7)))
