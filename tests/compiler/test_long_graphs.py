"""What grows with a graph: the work of compiling, in proportion; text, only if it is asked for."""

import cProfile
import io
import random
import sys

import numpy as np
import pytest
from adjoint.graph import trace

import adjoint as ad
from adjoint.compiler.native import cache
from adjoint.compiler.native.arrays import array_code, workspace
from adjoint.compiler.native.arrays.array_code import ArrayCode
from adjoint.compiler.native.arrays.strided_view import Allocation, Role
from adjoint.compiler.native.arrays.workspace import Workspace, _Places
from adjoint.compiler.program import Program
from adjoint.compiler.source import constants, source
from adjoint.graphs.tracing import naming

X = np.linspace(0.1, 1, 5)


def euler(turns):
    def function(x):
        for _ in range(turns):
            x = x + 0.01 * np.sin(x)
        return np.sum(x)

    return ad.value_and_grad(function)


def by_steps(turns):
    def step(x):
        change = np.tanh(x)
        return x - 0.1 * change

    def function(x):
        for _ in range(turns):
            x = step(x)
        return np.sum(x)

    return ad.value_and_grad(function)


def reductions(turns):
    def function(x):
        for _ in range(turns):
            x = x / np.sqrt(np.sum(x * x) + 1) + 0.1
        return np.sum(x)

    return ad.value_and_grad(function)


def columns(turns):
    def function(x):
        x = x * np.ones((4, 1))
        for _ in range(turns):
            x = x + 0.01 * np.sin(x) * x[:, :1]
        return np.sum(x, axis=0).mean()

    return ad.value_and_grad(function)


def products(turns):
    def function(W):
        h = np.ones((3, 5))
        for _ in range(turns):
            h = np.tanh(h @ np.diag(W))
        return np.sum(h)

    return ad.value_and_grad(function)


def independent_terms(turns):
    return ad.value_and_grad(lambda x: sum(np.sum(np.sin(k * x)) for k in range(1, turns)))


def partly_in_numpy(turns):
    def function(x):
        for _ in range(turns):
            x = np.sort(np.sin(x)) + 0.1 * x
        return np.sum(x)

    return ad.value_and_grad(function)


LOOPS = [euler, by_steps, reductions, columns, products, independent_terms, partly_in_numpy]


@pytest.fixture
def uncached(monkeypatch):
    """Let all code be made anew."""
    monkeypatch.setattr(cache, "kept", lambda subject, make, *_: make())


def steps_of(work):
    """Count the calls, of Python's functions and of C's, that some work takes."""
    profile = cProfile.Profile()
    profile.runcall(work)
    return sum(entry.callcount for entry in profile.getstats())


@pytest.mark.parametrize("tiers", [None, {}], ids=["native", "portable"])
@pytest.mark.parametrize("loop", LOOPS)
def test_twice_the_turns_take_twice_the_steps(loop, tiers, uncached, full):
    if not full and loop not in (euler, reductions):
        pytest.skip("run with --full")
    turns = (120, 240, 480) if full else (10, 20, 40)
    graphs = [trace(loop(count), X) for count in turns]
    Program(graphs[0], tiers=tiers)  # what is done once
    few, some, many = (steps_of(lambda g=g: Program(g, tiers=tiers)) for g in graphs)
    # Twice as many turns more take twice as many steps more. From the thousandth value on names
    # have a digit more, and some written lines must be broken: a twentieth more for each.
    assert many - some < 2.35 * (some - few)


@pytest.mark.parametrize("loop", LOOPS)
def test_a_long_loop_gives_what_eager_code_gives(loop, monkeypatch):
    monkeypatch.setattr(array_code, "_MOST_CALLS", 7)  # so that several functions call its parts
    function, compiled = loop(20), ad.compile(loop(20))
    for found, expected in zip(compiled(X), function(X), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_loops_of_one_form_are_one_function(uncached, monkeypatch):
    pytest.importorskip("llvmlite")

    def functions_of(turns):
        compiled = ad.compile(euler(turns))
        compiled(X)
        return len(set(counted)), len(counted)

    counted = []
    original = ArrayCode._call

    def call(self, part):
        found = original(self, part)
        counted.append(found.function)
        return found

    monkeypatch.setattr(ArrayCode, "_call", call)
    kinds, _ = functions_of(30)
    counted.clear()
    many, calls = functions_of(120)
    assert calls > 4 * many
    assert many < kinds + 10


def test_many_values_of_one_name_are_numbered_without_looking_at_each_number_again():
    class Counted(set):
        looks = 0

        def __contains__(self, item):
            Counted.looks += 1
            return super().__contains__(item)

    taken, counts = Counted(["y_2"]), {}
    names = []
    for _ in range(500):
        names.append(naming.first_free("y_", taken, (), counts))
        taken.add(names[-1])
    assert names[:3] == ["y_1", "y_3", "y_4"]
    assert Counted.looks <= 502


def first_fit(spans, sizes):
    """Return the first bytes that `Workspace.share` has to find, by looking at all there are."""
    taken = {}
    for allocation in sorted(spans, key=lambda b: -b.bytes):
        first, last = spans[allocation]
        others = sorted(
            place
            for other, place in taken.items()
            if spans[other][0] <= last and first <= spans[other][1]
        )
        at = 0
        for start, stop in others:
            if start - at >= sizes[allocation]:
                break
            at = max(at, stop)
        taken[allocation] = at, at + sizes[allocation]
    return {allocation: at for allocation, (at, _) in taken.items()}


def spans_of(parts):
    spans = {}
    for number, allocations in enumerate(parts):
        for allocation in allocations:
            first, _ = spans.get(allocation, (number, number))
            spans[allocation] = first, number
    return spans


def random_parts(rng, entries, count=60, length=30):
    """Return parts that use arrays, some of them for long, some in one part only."""
    parts = [[] for _ in range(length)]
    for _ in range(count):
        allocation = Allocation(Role.TEMPORARY, "f64", rng.choice(entries))
        first = rng.randrange(length)
        parts[first].append(allocation)
        parts[min(length - 1, first + rng.choice([0, 1, 3, 20]))].append(allocation)
    return parts


def forth_and_back(turns, entries):
    """Return parts as a loop and its gradient have them: the first turn's arrays live longest."""
    parts = [[] for _ in range(2 * turns)]
    for turn in range(turns):
        for size in entries:
            kept, passing = (Allocation(Role.TEMPORARY, "f64", size) for _ in range(2))
            for number in (turn, 2 * turns - 1 - turn):
                parts[number].append(kept)
            for number in (turn, turn + 1):
                parts[number].append(passing)
    return parts


@pytest.mark.parametrize("at_once", [0, 10])
@pytest.mark.parametrize("entries", [[5], [8, 8, 8, 16, 40, 72], [0, 1, 7, 8, 9, 1000], [96, 64]])
@pytest.mark.parametrize("seed", range(10))
def test_allocations_lie_at_the_first_place_that_is_free(seed, entries, at_once, monkeypatch):
    monkeypatch.setattr(workspace, "_AT_ONCE", at_once)
    rng = random.Random(seed)
    for parts in (random_parts(rng, entries), forth_and_back(12, entries)):
        spans = spans_of(parts)
        sizes = {b: -(-b.bytes // 64) * 64 for b in spans}
        start = rng.choice([0, 64, 100])
        found = Workspace(start)
        begin = found.size
        found.share(parts)
        expected = first_fit(spans, sizes)
        assert found.offsets == {b: begin + at for b, at in expected.items()}
        assert found.size == max(at + sizes[b] for b, at in found.offsets.items())


@pytest.mark.parametrize("entries", [[5], [96, 8], [8, 50_000]])
def test_arrays_that_live_long_find_their_places_in_n_log_n_steps(entries, monkeypatch):
    monkeypatch.setattr(workspace, "_AT_ONCE", 0)
    short, long = (forth_and_back(turns, entries) for turns in (50, 200))
    few, many = (
        steps_of(lambda: Workspace().share(short)),
        steps_of(lambda: Workspace().share(long)),
    )
    # Four times the arrays, and a tree that is two levels higher than about nine: a fourth more.
    assert many < 4 * 1.35 * few


def test_thousands_of_arrays_of_one_size_are_not_held_against_all_others(monkeypatch):
    monkeypatch.setattr(_Places, "take", lambda *_: pytest.fail("it was held against all"))
    Workspace().share(forth_and_back(4_000, [5]))


# --- source


@pytest.fixture
def written(monkeypatch):
    """The graphs that source was written of."""
    found = []
    original = source.write

    def write(graph, **settings):
        found.append(graph)
        return original(graph, **settings)

    monkeypatch.setattr(source, "write", write)
    return found


def test_source_is_written_when_it_is_asked_for(written):
    pytest.importorskip("llvmlite")
    compiled = ad.compile(lambda x: np.sum(np.exp(x)))
    compiled(X)
    compiled.report()
    assert not written
    text = compiled.source
    assert "np.exp(x)" in text
    assert compiled.source == text
    assert len(written) == 1


def test_the_portable_tier_writes_its_source_before_it_is_called(written):
    program = Program(trace(lambda x: np.sum(np.exp(x)), X), tiers={})
    assert len(written) == 1
    assert program(X) == np.sum(np.exp(X))
    assert program.source.startswith('"""function, written by adjoint."""')
    assert len(written) == 1


def test_a_large_array_that_a_function_holds_is_not_printed(monkeypatch):
    pytest.importorskip("llvmlite")
    monkeypatch.setattr(constants, "long_text", lambda *_: pytest.fail("it was printed"))

    def function(w):
        if isinstance(w, int):  # code that asks for types has its arrays frozen
            return w
        return np.sum((large @ w) ** 2)

    large = np.arange(60_000.0).reshape(3_000, 20) / 60_000
    compiled = ad.compile(ad.value_and_grad(function))
    value, slope = compiled(np.ones(20))
    assert compiled.latest.tier == "native"
    np.testing.assert_allclose(value, function(np.ones(20)), rtol=1e-12)
    np.testing.assert_allclose(slope, 2 * large.T @ (large @ np.ones(20)), rtol=1e-12)


# --- notices


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_is_told_of_a_long_compilation(monkeypatch):
    monkeypatch.setattr("adjoint.compiler.notice._LONG", 300)
    monkeypatch.setattr(sys, "stderr", Terminal())
    ad.compile(euler(2))(X)
    assert sys.stderr.getvalue() == ""
    compiled = ad.compile(euler(60))
    compiled(X)
    (line,) = sys.stderr.getvalue().splitlines()
    assert line.startswith("adjoint: compiling function, 421 operations, 0.")
    assert line.endswith(
        "s; a Python loop is unrolled, turn by turn; ad.scan or ad.fori_loop compiles its body "
        "alone, in the same time for any number of turns"
    )
    assert "  long: a Python loop is unrolled" in compiled.report()


@pytest.mark.parametrize("stderr", [io.StringIO(), None], ids=["file", "none"])
def test_nothing_is_said_where_nobody_looks(stderr, monkeypatch):
    monkeypatch.setattr("adjoint.compiler.notice._LONG", 300)
    monkeypatch.setattr(sys, "stderr", stderr)
    ad.compile(euler(60))(X)
    assert stderr is None or stderr.getvalue() == ""
