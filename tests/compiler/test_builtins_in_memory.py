"""Builtins: what they hold and let go, beside other threads, and where objects lie elsewhere."""

import ctypes
import gc
import os
import signal
import sys
import sysconfig
import threading
import time
import tracemalloc
import weakref

import numpy as np
import pytest

from sampled import sampled

pytest.importorskip("llvmlite")

import adjoint as ad
from adjoint.compiler.native.call import builtin as native_builtin
from adjoint.compiler.native.call import object_layout
from adjoint.compiler.program import Program
from adjoint.graphs.graph import trace
from warm_calls import CASES, PARAMS, X, bits, builtin_of, empty, warm

pytestmark = pytest.mark.skipif(
    not object_layout.is_known(), reason="objects lie elsewhere in this build of Python"
)


# --- references and memory


def counts(objects):
    gc.collect()
    return list(map(sys.getrefcount, objects))


@pytest.mark.parametrize(
    "case", sampled(["trees", "float32", "loops and products", "Python's numbers"], 4)
)
def test_no_reference_is_lost_or_kept(case):
    function, *args = CASES[case]
    compiled, result = warm(function, *args)
    builtin, out = builtin_of(compiled), empty(result)
    leaves = [PARAMS["w"], *PARAMS["b"], *args]
    objects = [None, True, np.ndarray, np.float64, "w", "b", tuple, list, dict, *leaves]
    objects += [x.dtype for x in leaves if hasattr(x, "dtype")]
    given = tuple(args)

    def calls():
        for _ in range(60):
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


def test_its_flags_and_code_of_a_dtype_are_numpys():
    assert ctypes.sizeof(ctypes.c_void_p) == 8
    codes = {object_layout.dtype_code(np.dtype(kind)) for kind in "?bBhHiIlLfd"}
    assert len(codes) == 11
    assert object_layout.dtype_code(np.dtype("=f8")) == object_layout.dtype_code(np.dtype("f8"))
    assert object_layout.dtype_code(np.dtype(">f8")) != object_layout.dtype_code(np.dtype("<f8"))
