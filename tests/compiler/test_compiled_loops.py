"""A loop is compiled once for all turns: in native code, in written source and for readers."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from adjoint.graph import trace

import adjoint as ad
from adjoint import nn
from adjoint.compiler.simplify.fingerprint import fingerprint
from adjoint.compiler.simplify.simplify import simplify
from adjoint.compiler.simplify.unrolling import unrolled
from adjoint.compiler.source.source import write
from adjoint.nn import recurrent

needs_native = pytest.mark.skipif(
    importlib.util.find_spec("llvmlite") is None, reason="needs llvmlite"
)
rng = np.random.default_rng(0)


def recurrence(w, xs):
    def step(h, x):
        h = np.tanh(h @ w + x)
        return h, h

    h, hs = ad.scan(step, np.zeros_like(xs[0]), xs)
    return h.sum() + np.sum(hs**2)


def assert_agree(function, *args, rtol=1e-12):
    """Compare native code with the graph, evaluated by NumPy, and with Python's own loop."""
    compiled, graph = ad.compile(function), trace(function, *args)
    expected = graph.evaluate(list(args))
    for _ in range(2):
        found = compiled(*args)
        found = found if isinstance(found, (tuple, list)) else [found]
        for x, y in zip(found, expected, strict=True):
            # Rounding adds up in sums of all turns, small ones of large terms among them.
            np.testing.assert_allclose(x, y, rtol=rtol, atol=rtol * np.max(np.abs(y)))
    assert "tier: native" in compiled.report(), compiled.report()
    return compiled


def text_of(function, *args):
    from adjoint.compiler.native.function_code import write_function
    from adjoint.compiler.native.target import ANY

    graph = simplify(trace(function, *args))
    return "\n".join(write_function(graph, target=ANY, limit=400).functions)


@needs_native
@pytest.mark.parametrize("size", [3, 40])
def test_code_does_not_grow_with_the_number_of_turns(size):
    w = np.zeros((size, size))
    texts = [text_of(ad.grad(recurrence), w, np.zeros((n, size))) for n in (5_000, 50_000)]
    # But for the sizes themselves: the product after the loop is cut into equal blocks.
    assert abs(len(texts[1]) - len(texts[0])) < 100


@needs_native
@pytest.mark.parametrize("shape", [(3,), (40,), (5, 40)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_bodies_of_both_regimes_are_right(shape, dtype):
    w = (rng.normal(size=(shape[-1], shape[-1])) / 4).astype(dtype)
    xs = rng.normal(size=(7, *shape)).astype(dtype)
    rtol = 1e-12 if dtype == np.float64 else 1e-5
    for n in (0, 1):
        assert_agree(ad.grad(recurrence, n), w, xs, rtol=rtol)


@needs_native
def test_a_body_has_its_constants_at_each_call():
    table = rng.normal(size=(40, 40))

    def end(x):
        return ad.fori_loop(0, 5, lambda i, c: np.sin(table @ c) + i, x)

    compiled = assert_agree(end, np.ones(40))
    other = rng.normal(size=40)
    np.testing.assert_allclose(compiled(other), end(other), rtol=1e-11)


@needs_native
def test_rows_that_lie_apart_are_put_in_order_first():
    def end(xs):
        return ad.scan(lambda c, x: (c * 0.5 + x, c.sum()), np.zeros(4), xs.T)

    compiled = ad.compile(end)
    xs = rng.normal(size=(4, 6))
    for found, expected in zip(compiled(xs), end(xs), strict=True):
        np.testing.assert_allclose(found, expected)
    assert "tier: native" in compiled.report()


@needs_native
def test_integers_and_truth_values_are_carried_natively():
    def counted(xs):
        def step(carry, x):
            total, count, seen = carry
            return (total + x, count + 1, np.logical_or(seen, x > 2)), (count, seen)

        (total, count, seen), (counts, marks) = ad.scan(step, (0.0, 0, np.bool_(False)), xs)
        return total, count, seen, counts, marks

    assert_agree(counted, np.array([1.0, 3.0, 0.5]))


@needs_native
def test_loops_that_ask_are_native():
    def collatz(n):
        def step(carry):
            n, count = carry
            is_even = np.floor(n / 2) * 2 == n
            return ad.cond(is_even, lambda: n / 2, lambda: 3 * n + 1), count + 1

        return ad.while_loop(lambda carry: carry[0] > 1, step, (n, 0))[1]

    compiled = ad.compile(collatz)
    assert [int(compiled(n)) for n in (1.0, 6.0, 27.0)] == [0, 8, 111]
    assert "tier: native" in compiled.report()


@needs_native
def test_large_bodies_that_ask_are_native():
    a = rng.normal(size=(30, 30)) / 20 + np.eye(30)

    def shrunk(x):
        return ad.while_loop(lambda y: np.max(np.abs(y)) > 1, lambda y: a @ y * 0.8, x)

    assert_agree(shrunk, rng.normal(size=30) * 50, rtol=1e-10)
    assert_agree(lambda x: ad.jvp(shrunk, (x,), (x,))[1], rng.normal(size=30) * 50, rtol=1e-10)


@needs_native
def test_a_doubt_in_a_late_turn_is_noticed():
    def end(xs):
        return ad.scan(lambda c, x: (c + 0.0 * np.sqrt(x), None), 0.0, xs)[0]

    xs = np.array([4.0, 1.0, 0.0, 9.0])
    np.testing.assert_array_equal(ad.compile(ad.grad(end))(xs), np.zeros(4))


@needs_native
def test_an_index_out_of_range_in_a_turn_is_an_error():
    def product(x, numbers):
        return ad.scan(lambda c, n: (c * x[n], None), 1.0, numbers)[0]

    compiled, x = ad.compile(ad.grad(product)), np.array([1.5, 2.0, 3.0])
    numbers = np.array([0, 2, 1, 1])
    np.testing.assert_allclose(compiled(x, numbers), ad.grad(product)(x, numbers))
    with pytest.raises(IndexError):
        compiled(x, np.array([0, 2, 7, 1]))


@needs_native
def test_a_loop_without_native_code_runs_between_native_parts():
    def solved(xs):
        step = lambda c, x: (np.linalg.solve(np.eye(3) * 4 + np.outer(c, x), x), c)  # noqa: E731
        c, cs = ad.scan(step, np.ones(3), np.sin(xs))
        return np.sum(np.exp(cs)) + c.sum()

    xs = rng.normal(size=(5, 3))
    compiled = ad.compile(ad.grad(solved))
    np.testing.assert_allclose(compiled(xs), ad.grad(solved)(xs), rtol=1e-10)
    assert "solve has no native rule" in compiled.report()


# --- what is left out


def test_nothing_is_gathered_that_nobody_needs():
    def sizes(function):
        graph = simplify(trace(function, np.eye(3), np.zeros((9, 3))))
        return [
            len(node.params["body"].outputs)
            for node in graph.nodes
            if node.primitive.name == "scan"
        ]

    last = lambda w, xs: ad.scan(lambda h, x: (np.tanh(h @ w + x), h), xs[0], xs)[0].sum()  # noqa: E731
    assert sizes(last) == [1]
    # The carry, what a turn began with, and the slope's tanh, which is the next carry.
    forward, back = sizes(ad.grad(last))
    assert (forward, back) == (3, 2)


def test_a_carry_that_never_changes_is_none():
    def product(w, xs):
        return ad.scan(lambda c, x: ((c[0] * x + c[1], c[1]), None), (0.0, w), xs)[0]

    graph = simplify(trace(product, 2.0, np.ones(4)))
    (loop,) = [node for node in graph.nodes if node.primitive.name == "scan"]
    assert loop.params["carried"] == 1
    assert [float(x) for x in graph(2.0, np.ones(4))] == [8.0, 2.0]


def test_a_carry_that_a_while_loop_never_changes_is_none():
    def grown(x, w):
        return ad.while_loop(lambda c: c[0] < 9, lambda c: (c[0] * c[1], c[1]), (x, w))

    graph = simplify(trace(grown, 1.0, 2.0))
    (loop,) = [node for node in graph.nodes if node.primitive.name == "while_loop"]
    assert loop.params["carried"] == 1
    assert [float(x) for x in graph(1.0, 2.0)] == [16.0, 2.0]


def test_equal_rows_and_rows_of_one_number_are_read_once_and_not_at_all():
    def total(xs):
        rows = xs, np.ones(4), xs
        return ad.scan(lambda c, row: (c * row[1] + row[0] * row[2], None), 0.0, rows)[0]

    graph, xs = simplify(trace(total, np.ones(4))), np.arange(4.0)
    (loop,) = [node for node in graph.nodes if node.primitive.name == "scan"]
    assert loop.params["scanned"] == 1
    assert [node.primitive.name for node in loop.params["body"].nodes] == ["multiply", "add"]
    assert graph(xs) == total(xs)


@needs_native
def test_what_is_carried_and_gathered_is_computed_into_its_row():
    def halved(x):
        def step(c, _):
            c = c * 0.5
            return c, c

        return ad.scan(step, x, length=3)

    text = text_of(halved, np.ones(2))
    assert "%new0 = getelementptr" in text
    assert "%new0 = select" not in text


def test_what_no_turn_changes_stays_outside():
    def end(w, xs):
        return ad.scan(lambda c, x: (c + x * np.exp(w).sum(), None), 0.0, xs)[0]

    graph = simplify(trace(end, np.ones(3), np.ones(4)))
    (loop,) = [node for node in graph.nodes if node.primitive.name == "scan"]
    assert [node.primitive.name for node in loop.params["body"].nodes] == ["multiply", "add"]


# --- other readers


def test_equal_loops_have_equal_fingerprints():
    def of(factor):
        return fingerprint(
            trace(lambda xs: ad.scan(lambda c, x: (c * factor + x, c), 0.0, xs), np.ones(3))
        )

    assert of(2.0) == of(2.0)
    assert of(2.0) != of(3.0)
    assert of(2.0).is_lasting


def test_an_unrolled_loop_gives_the_same():
    def end(w, xs):
        h = recurrence(w, xs)
        return ad.cond(h > 0, lambda: h * 2, lambda: h - 1)

    w, xs = rng.normal(size=(3, 3)), rng.normal(size=(4, 3))
    graph = simplify(trace(ad.grad(end), w, xs))
    flat = unrolled(graph)
    assert not {node.primitive.kind for node in flat.nodes} & {"loop"}
    np.testing.assert_allclose(flat(w, xs), graph(w, xs))


@pytest.mark.parametrize("length", [0, 3])
@pytest.mark.parametrize("reverse", [False, True])
def test_an_unrolled_loop_gathers_in_the_order_of_its_rows(length, reverse):
    def halved(xs):
        return ad.scan(lambda c, x: (c * 0.5 + x, c), 1.0, xs, reverse=reverse)

    xs = np.arange(float(length))
    flat = unrolled(simplify(trace(halved, xs)))
    for found, expected in zip(flat(xs), halved(xs), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_loop_counts_as_many_operations_as_its_turns():
    def summed(xs):
        return ad.scan(lambda c, x: (np.sin(c) + x, None), 0.0, xs)[0]

    counts = [trace(summed, np.ones(length)).flops for length in (0, 1, 50)]
    assert counts[2] - counts[0] == 50 * (counts[1] - counts[0]) > 0


def test_a_listing_shows_bodies_and_results_that_are_none():
    def summed(xs):
        return ad.scan(lambda total, x: (np.sin(total) + x, None), 0.0, xs)

    lines = [line.split("#")[0].strip() for line in str(trace(summed, np.ones(3))).splitlines()]
    assert "v1 = sin(total)" in lines
    assert lines[-1] == "return (v2, None)"


def test_a_graph_with_a_loop_is_not_saved_and_says_what_can_be_done(tmp_path):
    graph = trace(lambda x: ad.cond(x > 0, np.sin, np.cos, x), 1.0)
    with pytest.raises(TypeError, match=r"with cond, cannot be saved as JSON; write its source"):
        graph.save(tmp_path / "graph.json")
    assert not list(tmp_path.iterdir())


def test_a_graph_that_gives_none_is_saved(tmp_path):
    trace(lambda x: {"a": None, "b": np.sin(x)}, 1.0).save(tmp_path / "graph.json")
    assert ad.graph.Graph.load(tmp_path / "graph.json")(0.0) == {"a": None, "b": 0.0}


def test_source_for_any_numbers_decides_in_each_turn():
    def norms(xs):
        return ad.scan(lambda c, x: (c + np.sqrt(x), np.sqrt(x) * 0.0), 0.0, xs)[1].sum()

    xs = np.array([4.0, 0.0, 1.0])
    text = write(simplify(trace(ad.grad(norms), xs)), decides=True)
    scope = {}
    exec(text, scope)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(scope["norms"](xs), np.zeros(3))


def test_names_of_a_body_do_not_hide_those_around_it():
    def twice(h, xs):
        def step(h, x):
            v1 = np.sin(h) * x
            h = v1 + h
            return h, v1

        h, ys = ad.scan(step, h, xs)
        h, zs = ad.scan(step, h * 2, ys)
        x = ys.sum()
        return h + x, zs

    xs, scope = np.arange(4.0), {}
    compiled = ad.compile(twice)
    expected = twice(0.5, xs)
    compiled(0.5, xs)
    exec(compiled.source, scope)
    for found in (compiled(0.5, xs), scope["twice"](np.array(0.5), xs)):
        for x, y in zip(found, expected, strict=True):
            np.testing.assert_allclose(x, y)


def test_a_loop_is_one_box_of_a_picture():
    picture = ad.draw(recurrence, np.eye(3), np.ones((1000, 3)), wrt=0)
    titles = [card.title for card in picture.scene.cards]
    assert sum("scan: 1,000 turns" in title for title in titles) == 1
    (box,) = [card for card in picture.scene.cards if "turns" in card.title]
    assert "matmul" in box.note
    asks = ad.draw(lambda a: ad.while_loop(lambda x: x < 9, lambda x: x * 2, a), 1.0)
    assert any("while_loop" in card.title for card in asks.scene.cards)


def test_a_loop_is_explained_as_one_step_whose_numbers_hold():
    text = str(ad.explain(recurrence, np.eye(2), np.full((3, 2), 0.5)))
    assert "scan_step_1(" in text
    assert "equalities hold" in text


def test_a_long_trace_names_the_line_that_was_unrolled():
    def far(x):
        for _ in range(1500):
            x = x + 0.01 * np.sin(x)  # the line
        return x.sum()

    from adjoint.compiler.program import Program

    report = str(Program(trace(far, np.ones(2)), tiers={}).report())
    number = far.__code__.co_firstlineno + 2
    assert f"unrolled at {__file__}:{number}" in report
    assert "ad.scan" in report


def test_a_function_of_a_loop_returns_none_where_nothing_is_gathered():
    def summed(xs):
        return ad.scan(lambda c, x: (c + x, None), 0.0, xs)

    xs = np.arange(4.0)
    compiled = ad.compile(summed)
    for _ in range(3):
        assert compiled(xs) == (6.0, None)
    assert trace(summed, xs)(xs) == (6.0, None)
    assert ad.vmap(summed)(np.ones((2, 3)))[1] is None


# --- recurrent layers


@pytest.mark.parametrize("layer", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_recurrent_layers_are_the_same_unrolled_and_as_loops(layer, bidirectional, monkeypatch):
    model = layer(3, 4, layers=2, bidirectional=bidirectional, rng=0)
    x = rng.normal(size=(2, 5, 3))
    gradient = ad.grad(lambda x: (model(x)[0] ** 2).sum())
    short = trace(gradient, x)
    monkeypatch.setattr(recurrent, "_LONG", 1)
    long = trace(gradient, x)
    assert not short.operations["scan"]
    assert long.operations["scan"] == 2 * len(model.cells)
    np.testing.assert_allclose(long(x), short(x), rtol=1e-10)


@pytest.mark.parametrize(("steps", "units", "count"), [(20, 64, 0), (64, 64, 1), (100, 2, 1)])
def test_recurrent_layers_are_loops_where_there_are_many_steps_or_gates(steps, units, count):
    graph = trace(nn.RNN(2, units, rng=0), np.zeros((1, steps, 2)))
    assert graph.operations["scan"] == count
