"""Builtins: calls whose arguments are checked, and whose results are made, in native code."""

import ctypes
import gc
import os
import pickle
import signal
import sys
import sysconfig
import threading
import time
import tracemalloc
import weakref

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import adjoint as ad
from adjoint.compiler.native.call import builtin as native_builtin
from adjoint.compiler.native.call import object_layout
from adjoint.compiler.program import Program
from adjoint.graphs.graph import trace

X = np.linspace(-1, 1, 5)
pytestmark = pytest.mark.skipif(
    not object_layout.is_known(), reason="objects lie elsewhere in this build of Python"
)


def bits(tree):
    """Return all that can be told of a tree of results."""
    if isinstance(tree, dict):
        return dict, [(key, bits(item)) for key, item in tree.items()]
    if isinstance(tree, (list, tuple)):
        return type(tree), list(map(bits, tree))
    return type(tree), tree.dtype.str, tree.shape, tree.tobytes()


def empty(tree):
    """Return arrays for a tree of results."""
    if isinstance(tree, dict):
        return {key: empty(item) for key, item in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(map(empty, tree))
    return np.full_like(tree, 7, subok=False)


def builtin_of(compiled):
    ((_, builtin),) = compiled._known.builtins
    return builtin


def warm(function, *args):
    """Return a function that was compiled and called until it is fast, and what it gives."""
    compiled = ad.compile(function)
    result = [compiled(*args) for _ in range(2)][-1]
    assert compiled._known.builtins
    return compiled, result


# --- what it takes and gives

weights, table = ad.tensor(np.array([1.0, 2.0, 3.0])), np.linspace(0, 1, 3000)
PARAMS = {"w": np.ones((3, 4)), "b": [np.zeros(4), 2.0]}
CASES = {
    "an array": (lambda x: 2 * x, X),
    "no axes": (lambda x: (x * x, x > 1), np.array(2.5)),
    "no entries": (lambda x, y: (2 * x, y), X, np.ones((0, 3))),
    "many axes": (lambda x: x.sum(axis=(1, 3)), np.ones((2, 1, 3, 1, 2))),
    "float32": (lambda x: (np.exp(x), x.sum()), X.astype(np.float32)),
    "integers": (lambda x, y: (x * y, (x * 3).max()), np.arange(4), np.arange(4, dtype=np.int32)),
    "flags": (lambda x, y: ((x > 0) & y, ad.where(y, x, 0)), X, X > 0.3),
    "Python's numbers": (lambda x, a, n, s: (a * x + n, ad.where(s, a, -a)), X, 0.5, -3, True),
    "NumPy's numbers": (lambda x, a, n: x * a - n, X, np.float64(0.5), np.float32(2)),
    "trees": (lambda p, x: [{"y": x @ p["w"] + p["b"][0]}, (p["b"][1], [x])], PARAMS, np.ones(3)),
    "gradients": (ad.value_and_grad(lambda p: (p["w"] * p["b"][0]).sum()), PARAMS),
    "nothing": (lambda: (X[:3] * 2, weights[0]),),
    "a constant": (lambda x: (np.arange(3.0), x, x), X),
    "a tensor and an array": (lambda x: (x * weights + table[:3], weights.sum()), np.ones(3)),
    "loops and products": (lambda x: (ad.tanh(x @ x) @ x, x.sum(axis=0)), np.ones((60, 60)) / 60),
}


@pytest.mark.parametrize("case", CASES)
def test_it_gives_what_the_first_call_gives(case):
    function, *args = CASES[case]
    compiled = ad.compile(function)
    expected = bits(compiled(*args))
    assert [bits(compiled(*args)) for _ in range(3)] == [expected] * 3
    assert compiled._known.builtins


@pytest.mark.parametrize("case", CASES)
def test_it_writes_where_it_shall(case):
    function, *args = CASES[case]
    compiled, expected = warm(function, *args)
    out = empty(expected)
    assert builtin_of(compiled)(args_of(args), compiled._known.guard(), out) is out
    np.testing.assert_equal(out, expected)


def args_of(args):
    return tuple(args)


def test_results_are_new_at_each_call():
    compiled, first = warm(lambda x: (2 * x, x), X)
    second = compiled(X)
    first[0][:] = first[1][:] = np.nan
    assert second[0].tolist() == (2 * X).tolist()
    assert second[1].tolist() == X.tolist()
    assert all(x.flags.owndata and x.flags.writeable for x in second)


def test_functions_of_several_shapes_are_all_fast():
    compiled = ad.compile(lambda x: 2 * x)
    arrays = [np.ones(n) for n in range(1, 7)]
    for _ in range(3):
        for x in arrays:
            assert compiled(x).tolist() == (2 * x).tolist()
            assert compiled.latest.traced.inputs[0].shape == x.shape
    assert len(compiled._known.builtins) == 4
    assert len(compiled.programs) == 6


# --- what is not as expected


class Subclass(np.ndarray):
    pass


class Number(float):
    pass


class Pair(tuple):
    __slots__ = ()


def shifted(x):
    """Return a copy that begins at no multiple of its entries' size."""
    memory = np.zeros(x.nbytes + 1, np.uint8)[1:]
    memory[:] = np.frombuffer(x.tobytes(), np.uint8)
    return memory.view(x.dtype).reshape(x.shape)


SQUARE = np.arange(9.0).reshape(3, 3)
ODD = {
    "a subclass": SQUARE.view(Subclass),
    "a masked array": np.ma.array(SQUARE),
    "a matrix": SQUARE.view(np.matrix),
    "a record array": np.rec.array([(1.0, 2)], dtype=[("a", "f8"), ("b", "i4")]),
    "structured": np.zeros((3, 3), [("a", "f8")]),
    "objects": SQUARE.astype(object),
    "text": np.full((3, 3), "x"),
    "dates": np.zeros((3, 3), "M8[s]"),
    "complex": SQUARE * 1j,
    "half": SQUARE.astype(np.float16),
    "long double": SQUARE.astype(np.longdouble),
    "float32": SQUARE.astype(np.float32),
    "integers": SQUARE.astype(np.int64),
    "the other order of bytes": SQUARE.astype(">f8" if sys.byteorder == "little" else "<f8"),
    "a dtype of its own": pickle.loads(pickle.dumps(SQUARE)),
    "metadata": SQUARE.view(np.dtype("f8", metadata={"unit": "m"})),
    "columns first": np.asfortranarray(SQUARE + SQUARE.T * 2),
    "backwards": SQUARE[::-1, ::-1],
    "every other": np.arange(18.0).reshape(3, 6)[:, ::2],
    "repeated": np.broadcast_to(np.arange(3.0), (3, 3)),
    "not aligned": shifted(SQUARE),
    "read-only": np.frombuffer(SQUARE.tobytes()).reshape(3, 3),
    "an axis more": SQUARE[None],
    "an axis less": SQUARE[0],
    "longer": np.ones((4, 3)),
    "empty": np.ones((0, 3)),
    "a list": SQUARE.tolist(),
    "a tuple": (SQUARE,),
    "a dict": {"x": SQUARE},
    "a number": 2.0,
    "a flag": True,
    "a number of NumPy's": np.float64(2),
    "a class of numbers": Number(2),
    "None": None,
    "a word": "array",
    "a buffer": memoryview(SQUARE),
    "a tensor": ad.tensor(SQUARE),
    "a class": np.ndarray,
}


@pytest.fixture(scope="module")
def line():
    return ad.compile(lambda x: 2 * x + 1)


@pytest.fixture(scope="module")
def turned():
    return ad.compile(lambda x, y: (x + y[::-1], 2 * x[::-1]))


def outcome(function, *args, **settings):
    try:
        return bits(function(*args, **settings))
    except Exception as error:
        return type(error), str(error)


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")  # NumPy's of matrices
@pytest.mark.parametrize("odd", ODD)
def test_what_it_does_not_expect_goes_the_other_way(odd, line):
    expected = outcome(ad.compile(line.function), ODD[odd])
    for _ in range(2):
        line(SQUARE), line(SQUARE)
        assert outcome(line, ODD[odd]) == expected
    assert outcome(line, SQUARE) == bits(2 * SQUARE + 1)


def test_a_tensor_that_requires_a_gradient_is_recorded():
    compiled, _ = warm(lambda x: 2 * x, X)
    x = ad.tensor(X, requires_grad=True)
    compiled(x).sum().backward()
    assert x.grad.tolist() == [2.0] * 5


@pytest.mark.parametrize(
    "args", [(), (X,), (X, X, X), (X, [X]), (X, (X, X)), (X, {"a": X}), (X, {}), (X, Pair([X]))]
)
def test_other_counts_and_trees_go_the_other_way(args):
    def function(x, y=(X,)):
        return x + y[0]

    fast, _ = warm(function, X, (X,))
    assert outcome(fast, *args) == outcome(ad.compile(function), *args)
    assert bits(fast(X, (X,))) == bits(X + X)


def test_a_dict_of_other_keys_or_another_order_goes_the_other_way():
    compiled, _ = warm(lambda p: p["a"] - p["b"], {"a": X, "b": 2 * X})
    expected = bits(X - 2 * X)
    assert bits(compiled({"b": 2 * X, "a": X})) == expected
    assert bits(compiled({"".join(["a"]): X, "".join(["b"]): 2 * X})) == expected
    with pytest.raises(KeyError):
        compiled({"a": X, "c": X})


@pytest.mark.parametrize("number", [2**62, -(2**63), 2**63, 2**64 - 1, 0, True, 1.0, np.int64(3)])
def test_integers_beyond_64_bits_and_other_numbers_are_told_apart(number):
    def function(x, n):
        return x * n, n

    fast, _ = warm(function, X, 3)
    assert outcome(fast, X, number) == outcome(ad.compile(function), X, number)


def test_an_integer_that_must_fit_a_smaller_type_is_looked_at_each_time():
    compiled = ad.compile(lambda x, n: x + n)
    small = np.zeros(2, np.int8)
    for _ in range(3):
        assert compiled(small, 100).tolist() == [100, 100]
        with pytest.raises(OverflowError, match="300 is out of bounds"):
            compiled(small, 300)


def test_keyword_arguments_are_settings_at_each_call():
    def scaled(x, by=2.0):
        return x * by

    compiled, _ = warm(scaled, X)
    assert compiled(X, by=3.0).tolist() == (3 * X).tolist()
    assert compiled(X).tolist() == (2 * X).tolist()


def test_a_builtin_that_is_called_in_another_way_does_nothing():
    builtin = builtin_of(warm(lambda x: 2 * x, X)[0])
    for given in [(), (1,), ((X,), ()), ((X,), (), None, None), (X, X, X), ([X], (), None)]:
        assert builtin(*given) is None
    assert builtin((X,), (X,), None) is None
    with pytest.raises(TypeError):
        builtin((X,), (), out=None)


# --- results in doubt


def test_a_result_in_doubt_is_decided_by_the_graph():
    compiled, _ = warm(lambda x: ad.grad(lambda x: ad.where(x > 0, ad.sqrt(x), 0).sum())(x), X)
    x = np.array([0.0, 1, 4, 0, -1])
    out = np.empty(5)
    for found in (compiled(x), compiled(x, out=out)):
        assert found.tolist() == [0, 0.5, 0.25, 0, 0]


def test_an_index_out_of_range_raises():
    compiled, _ = warm(lambda x, i: x[i], X, np.array([0, 1]))
    with pytest.raises(IndexError):
        compiled(X, np.array([0, 9]))
    assert compiled(X, np.array([4, -1])).tolist() == [1.0, 1.0]


# --- where results go


@pytest.mark.parametrize("shift", range(-5, 6))
def test_a_result_may_overlap_an_argument_in_any_way(shift, turned):
    turned(X, X), turned(X, X)
    memory = np.arange(20.0)
    x, y, place = memory[5:10], memory[10:15], memory[5 + shift : 10 + shift]
    expected = (x + y[::-1], 2 * x[::-1])
    other = np.empty(5)
    out = (place, other)
    assert builtin_of(turned)((x, y), (), out) is out
    np.testing.assert_array_equal(out, expected)


def test_a_number_may_be_written_over_an_argument():
    compiled, _ = warm(lambda x: x.sum(), np.array(3.0))
    x = np.array(4.0)
    compiled(x, out=x)
    assert x == 4


@pytest.mark.parametrize(
    "out",
    [
        X[:4].copy(),
        X.astype(np.float32),
        np.broadcast_to(0.0, 5),
        X.copy().view(Subclass),
        [X.copy()],
        (X.copy(),),
        {"a": X.copy()},
        2.0,
        np.float64(2),
        X.tolist(),
        ad.tensor(X),
    ],
)
def test_an_out_that_does_not_fit_is_refused_as_at_first(out, line):
    line(X), line(X)
    assert outcome(line, X, out=out) == outcome(ad.compile(line.function), X, out=out)


def test_two_results_in_one_place_are_refused():
    compiled, _ = warm(lambda x: (x, 2 * x), X)
    out = np.empty(9)
    with pytest.raises(ValueError, match="share memory"):
        compiled(X, out=(out[:5], out[4:]))


def test_results_go_to_every_other_entry_too():
    compiled, _ = warm(lambda x: 2 * x, X)
    out = np.zeros(10)
    assert compiled(X, out=out[::2]).tolist() == (2 * X).tolist()
    assert not out[1::2].any()


# --- references and memory


def counts(objects):
    gc.collect()
    return list(map(sys.getrefcount, objects))


@pytest.mark.parametrize("case", ["trees", "Python's numbers", "float32", "loops and products"])
def test_no_reference_is_lost_or_kept(case):
    function, *args = CASES[case]
    compiled, result = warm(function, *args)
    builtin, out = builtin_of(compiled), empty(result)
    leaves = [PARAMS["w"], *PARAMS["b"], *args]
    objects = [None, True, np.ndarray, np.float64, "w", "b", tuple, list, dict, *leaves]
    objects += [x.dtype for x in leaves if hasattr(x, "dtype")]
    given = tuple(args)

    def calls():
        for _ in range(200):
            builtin(given, (), None)
            builtin(given, (), out)
            builtin(given, (), given)  # these do not fit
            builtin(given[1:], (), None)
            builtin(given, (X,), [out])

    calls()
    before = counts(objects)
    tracemalloc.start()
    try:
        calls()
        gc.collect()
        start = tracemalloc.get_traced_memory()[0]
        calls()
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - start
    finally:
        tracemalloc.stop()
    assert counts(objects) == before
    assert grown < 2000


def test_memory_that_there_is_not_is_an_error_that_leaves_nothing_behind():
    def outer(x):
        return 2 * x, x[:, None] * x

    x = np.zeros(2**23, np.float32)
    builtin = Program(trace(outer, x)).builtin(has_state=False)

    def failing_calls(count):
        for _ in range(count):
            with pytest.raises(MemoryError):
                builtin((x,), (), None)
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        # NumPy counts what it did not get, once: at the address 0.
        assert failing_calls(50) - failing_calls(2) < x.nbytes
    finally:
        tracemalloc.stop()


def test_a_builtin_lives_longer_than_what_made_it():
    compiled, _ = warm(lambda p: {"twice": [2 * p["x"]]}, {"x": X})
    builtin = builtin_of(compiled)
    gone = weakref.ref(compiled.latest)
    del compiled
    gc.collect()
    assert gone() is None
    for _ in range(3):
        assert builtin(({"x": X},), (), None)["twice"][0].tolist() == (2 * X).tolist()
    assert builtin.__name__ == "call"
    assert builtin.__doc__ is None


def test_a_compiled_function_in_a_cycle_is_freed():
    def part_of_a_cycle():
        held = []

        def double(x):
            return 2 * x if len(held) < 9 else held

        compiled, _ = warm(double, X)
        held.append(None)
        compiled(X)
        held[0] = (compiled, builtin_of(warm(lambda x: 3 * x, X)[0]))
        return weakref.ref(compiled)

    references = [part_of_a_cycle() for _ in range(3)]
    gc.collect()
    assert [reference() for reference in references] == [None] * 3


def test_a_call_within_a_call_is_independent():
    """Python's collector runs finalizers while a tuple of results is made."""
    compiled, _ = warm(lambda x: (2 * x, [x.sum()]), X)
    found = []

    class Finalized:
        def __init__(self):
            self.cycle = self

        def __del__(self):
            found.append(compiled(3 * X))

    expected, inner = bits(compiled(X)), bits(compiled(3 * X))
    before = gc.get_threshold()
    gc.set_threshold(1, 1, 1)
    try:
        for _ in range(50):
            Finalized()
            assert bits(compiled(X)) == expected
    finally:
        gc.set_threshold(*before)
    gc.collect()
    assert found
    assert all(bits(result) == inner for result in found)


# --- threads and signals


def long_function():
    """Return a function during which other threads run, an argument, and the result."""
    x = np.random.default_rng(0).normal(size=(200, 200)) / 20
    compiled, result = warm(lambda t: [ad.tanh(t[0] @ t[0]) @ ad.exp(-t[0]), t[0].sum()], [x])
    assert not compiled.latest.lowered._is_short
    return compiled, x, bits(result)


def test_threads_share_a_builtin():
    compiled, x, expected = long_function()
    failures = []

    def work():
        for _ in range(20):
            if bits(compiled([x])) != expected:
                failures.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_what_another_thread_takes_away_during_a_call_is_held():
    compiled, x, expected = long_function()
    found = []

    def work(given):
        try:
            found.append(bits(compiled(given)))
        except IndexError:
            found.append("it was gone before the call")

    for turn in range(20):
        given = [x.copy()]
        thread = threading.Thread(target=work, args=(given,))
        thread.start()
        time.sleep(turn * 5e-5)
        given.clear()
        thread.join()
    assert len(found) == 20
    assert all(result in (expected, "it was gone before the call") for result in found)


def test_the_last_to_hold_a_function_may_be_the_thread_inside():
    compiled, x, expected = long_function()
    holder, found = [compiled], []
    del compiled
    thread = threading.Thread(target=lambda: found.append(bits(holder.pop()([x]))))
    thread.start()
    while holder:
        time.sleep(0)
    gc.collect()
    thread.join()
    assert found == [expected]


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there are no timers")
def test_a_signal_during_a_call_leaves_it_as_it_was():
    compiled, x, expected = long_function()

    class StopError(Exception):
        pass

    def stop(*_):
        raise StopError

    before = signal.signal(signal.SIGALRM, stop)
    try:
        for n in range(10):
            with pytest.raises(StopError):
                signal.setitimer(signal.ITIMER_REAL, 0.002 + n / 10_000)
                while True:
                    compiled([x])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert bits(compiled([x])) == expected


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Python's of forks beside threads
def test_a_child_that_was_forked_during_a_call_calls_on():
    compiled, x, expected = long_function()
    stop = threading.Event()

    def work():
        while not stop.is_set():
            compiled([x])

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for _ in range(3):
            child = os.fork()
            if child == 0:
                signal.alarm(60)
                os._exit(0 if bits(compiled([x])) == expected else 1)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        stop.set()
        thread.join()


# --- where objects lie elsewhere


def without_builtins():
    """Return whether a compiled function still works, and goes the other way."""
    compiled = ad.compile(lambda x: (2 * x, x.sum()))  # three leaves
    first = bits(compiled(X))
    return all(bits(compiled(X)) == first for _ in range(3)) and not compiled._known.builtins


@pytest.fixture
def unknown_layout():
    """Ask again where objects lie, and once more when the test has ended."""
    object_layout.is_known.cache_clear()
    yield
    object_layout.is_known.cache_clear()


@pytest.mark.parametrize(
    ("place", "other"),
    [
        ("TYPE", 16),
        ("NUMBER", 8),
        ("ITEM_COUNT", 8),
        ("ITEMS_OF_LIST", 32),
        ("ITEMS_OF_TUPLE", 32),
        ("ENTRIES", 32),
        ("AXES", 28),
        ("SHAPE", 40),
        ("DTYPE", 48),
        ("FLAGS", 24),
        ("DTYPE_CODE", 16),
        ("C_CONTIGUOUS", 2),
        ("_NUMPY_2", 0x03000000),
        ("_ARRAY_TYPE", 3),
    ],
)
def test_where_objects_lie_elsewhere_calls_go_the_other_way(
    place, other, monkeypatch, unknown_layout
):
    if place == "ITEMS_OF_LIST":  # what is there is no address
        monkeypatch.setattr(object_layout, "_integers_at", lambda address, count: [])
    monkeypatch.setattr(object_layout, place, other)
    assert not object_layout.is_known()
    assert without_builtins()


def test_a_python_without_its_lock_goes_the_other_way(monkeypatch, unknown_layout):
    ask = sysconfig.get_config_var
    monkeypatch.setattr(
        sysconfig, "get_config_var", lambda name: 1 if name == "Py_GIL_DISABLED" else ask(name)
    )
    assert without_builtins()


def test_too_many_leaves_go_the_other_way(monkeypatch):
    monkeypatch.setattr(native_builtin, "_MOST_LEAVES", 2)
    assert without_builtins()


def test_deep_trees_and_classes_of_tuples_go_the_other_way():
    deep = X
    for _ in range(60):
        deep = (deep,)
    for given in (deep, Pair([X])):
        compiled = ad.compile(lambda x: x)
        assert [bits(compiled(given)) for _ in range(3)] == [bits(given)] * 3
        assert not compiled._known.builtins


def test_its_flags_and_code_of_a_dtype_are_numpys():
    assert ctypes.sizeof(ctypes.c_void_p) == 8
    codes = {object_layout.dtype_code(np.dtype(kind)) for kind in "?bBhHiIlLfd"}
    assert len(codes) == 11
    assert object_layout.dtype_code(np.dtype("=f8")) == object_layout.dtype_code(np.dtype("f8"))
    assert object_layout.dtype_code(np.dtype(">f8")) != object_layout.dtype_code(np.dtype("<f8"))
