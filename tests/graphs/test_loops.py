"""`scan`, `while_loop`, `fori_loop` and `cond` give what Python's own loops give, in every tier."""

from __future__ import annotations

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn
from adjoint.errors import GraphError, ShapeError

rng = np.random.default_rng(0)
XS, W = rng.normal(size=(6, 3)), rng.normal(size=(3, 3)) / 2


def state(w, xs, **options):
    """Return what a small recurrent network makes of its inputs, by a tree that is carried."""

    def step(carry, x):
        h, memory = carry["h"], carry["memory"]
        h = np.tanh(x + h @ w)
        return {"h": h, "memory": (memory[0] * 0.5 + h, memory[1] + 1)}, (h * w[0], memory[0].sum())

    start = {"h": np.zeros(3), "memory": (np.ones(3), 0)}
    return ad.scan(step, start, xs, **options)


def looped(w, xs):
    h, memory, count, ys, zs = np.zeros(3), np.ones(3), 0, [], []
    for x in xs:
        total = memory.sum()
        h = np.tanh(x + h @ w)
        memory, count = memory * 0.5 + h, count + 1
        ys.append(h * w[0])
        zs.append(total)
    return {"h": h, "memory": (memory, count)}, (ad.stack(ys), ad.stack(zs))


def number(result):
    carry, (ys, zs) = result
    return (
        np.sum(carry["h"] ** 2)
        + np.sum(carry["memory"][0] * ys.sum(0))
        + np.sum(zs**2)
        + (carry["memory"][1])
    )


def loss(w, xs, **options):
    return number(state(w, xs, **options))


def plain_loss(w, xs):
    return number(looped(w, xs))


def in_tiers(function, *args):
    """Yield what a function gives eagerly, as a graph, as written source and as native code."""
    yield function(*args)
    graph = ad.trace(function, *args)
    yield graph(*args)
    compiled = ad.compile(function)
    yield compiled(*args)
    assert compiled.report().splitlines()[1].strip() == "tier: native", compiled.report()
    scope: dict[str, object] = {}
    exec(compiled.source, scope)
    with np.errstate(all="ignore"):
        yield scope[graph.name](*map(np.asarray, args))


def leaves(tree):
    if isinstance(tree, dict):
        tree = tuple(tree.values())
    return [x for item in tree for x in leaves(item)] if isinstance(tree, (list, tuple)) else [tree]


def assert_all_equal(found, expected, rtol=1e-12):
    for one in found:
        for x, y in zip(leaves(one), leaves(expected), strict=True):
            np.testing.assert_allclose(x, y, rtol=rtol, atol=1e-13)


def test_a_scan_of_trees_is_a_loop_in_every_tier():
    assert_all_equal(in_tiers(state, W, XS), looped(W, XS))


def test_gradients_of_captured_and_scanned_values_are_those_of_the_loop():
    for n in (0, 1):
        expected = ad.grad(plain_loss, n)(W, XS)
        assert_all_equal(in_tiers(ad.grad(loss, n), W, XS), expected)


def test_second_derivatives_are_those_of_the_loop():
    v = rng.normal(size=W.shape)

    def product(f):
        return lambda w, xs: ad.jvp(lambda w: ad.grad(f)(w, xs), (w,), (v,))[1]

    expected = product(plain_loss)(W, XS)
    assert_all_equal(in_tiers(product(loss), W, XS), expected, rtol=1e-10)
    over = ad.compile(ad.grad(lambda w, xs: np.sum(ad.grad(loss)(w, xs) * v)))
    np.testing.assert_allclose(over(W, XS), expected, rtol=1e-10)


def test_tangents_are_those_of_the_loop():
    moved = (W + 1, XS * 2)
    expected = ad.jvp(plain_loss, (W, XS), moved)
    assert_all_equal(in_tiers(lambda w, xs: ad.jvp(loss, (w, xs), moved), W, XS), expected)


@pytest.mark.parametrize("every", [1, 2, 3, 4, 6, 9])
@pytest.mark.parametrize("reverse", [False, True])
def test_checkpoints_change_no_number(every, reverse):
    def kept(w, xs):
        return loss(w, xs, reverse=reverse, checkpoint_every=every)

    expected = ad.grad(lambda w, xs: loss(w, xs, reverse=reverse))(W, XS)
    np.testing.assert_allclose(kept(W, XS), loss(W, XS, reverse=reverse))
    np.testing.assert_allclose(ad.grad(kept)(W, XS), expected)
    np.testing.assert_allclose(ad.compile(ad.grad(kept))(W, XS), expected)


def test_checkpoints_keep_fewer_carries():
    def sizes(every):
        graph = ad.trace(ad.grad(lambda x: slow_sum(x, every)), np.ones(100))
        return max(node.output.shape[0] for node in graph.nodes if node.primitive.name == "scan")

    def slow_sum(x, every):
        step = lambda c, x: (np.sin(c) * x, None)  # noqa: E731
        return ad.scan(step, np.ones(50), x, checkpoint_every=every)[0].sum()

    assert sizes(1) > 100 * 50 > sizes(10) * 4


def test_a_scan_backwards_is_a_loop_backwards():
    def ends(xs):
        return ad.scan(lambda c, x: (c * 0.5 + x, c), np.zeros(3), xs, reverse=True)

    carry, ys = np.zeros(3), []
    for x in XS[::-1]:
        ys.append(carry)
        carry = carry * 0.5 + x
    assert_all_equal(in_tiers(ends, XS), (carry, np.stack(ys[::-1])))


@pytest.mark.parametrize("length", [0, 1])
def test_short_scans_are_those_of_jax(length):
    def summed(xs):
        carry, ys = ad.scan(lambda c, x: (c + x.sum(), (c, x * 2)), 0.5, xs)
        return carry, ys

    xs = XS[:length]
    carry, (first, second) = summed(xs)
    np.testing.assert_allclose(carry, 0.5 + xs.sum())
    assert (first.shape, second.shape) == ((length,), (length, 3))
    found = ad.compile(summed)(xs)
    assert_all_equal([found], (carry, (first, second)))
    gradient = ad.compile(ad.grad(lambda xs: summed(xs)[0] + summed(xs)[1][1].sum()))(xs)
    np.testing.assert_allclose(gradient, np.full((length, 3), 3.0))


@pytest.mark.parametrize("length", [0, 4])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])
def test_a_scan_of_no_turn_has_the_types_of_others(length, dtype):
    def summed(xs, **options):
        return ad.scan(lambda c, x: (c + x, c), 0, xs, **options)

    xs = np.ones(length, dtype)
    for function in (summed, lambda xs: summed(xs, checkpoint_every=2), ad.compile(summed)):
        carry, ys = function(xs)
        assert (type(carry), ys.dtype) == (dtype, dtype)


def test_a_body_that_is_traced_without_compiling_says_so():
    layer = nn.Dropout(0.5, rng=0)

    def dropped(xs, **options):
        return ad.scan(lambda c, x: (layer(c) + x, None), np.zeros(3), xs, **options)

    for xs, options in ((XS, {"checkpoint_every": 2}), (XS[:0], {})):
        with pytest.raises(TypeError, match="state was changed") as error:
            dropped(xs, **options)
        assert "though nothing is compiled" in error.value.__notes__[0]
    assert layer.state.numpy()[2] == 0
    dropped(XS)
    assert layer.state.numpy()[2] == len(XS)


def test_a_python_number_takes_the_dtype_of_the_rows():
    xs = XS.astype(np.float32)

    def summed(xs):
        return ad.scan(lambda c, x: (c + x.sum(), c), 0, xs)

    for found in (summed(xs), ad.trace(summed, xs)(xs), ad.compile(summed)(xs)):
        assert (found[0].dtype, found[1].dtype) == (np.float32, np.float32)
    assert ad.compile(ad.grad(lambda xs: summed(xs)[0]))(xs).dtype == np.float32


def test_integers_of_64_bits_are_carried_whole():
    def hashed(x, n):
        step = lambda c, _: ((c[0] * 6364136223846793005 + 1442695040888963407, c[1] + x), c[0])  # noqa: E731
        return ad.scan(step, (n, x), length=5)

    n = np.int64(2**53 + 1)
    with np.errstate(over="ignore"):
        (expected, _), ys = hashed(0.5, n)
        for function in (ad.trace(hashed, 0.5, n), ad.compile(hashed)):
            (found, _), zs = function(0.5, n)
            assert found == expected
            np.testing.assert_array_equal(zs, ys)


def test_a_scan_in_a_scan_is_a_loop_in_a_loop():
    def outer(w, xs):
        def step(c, x):
            inner, ys = ad.scan(lambda d, k: (np.sin(d @ w) + k * x, d.sum()), c, np.arange(3.0))
            return inner, ys

        carry, ys = ad.scan(step, np.ones(3), xs)
        return carry.sum() + np.sum(ys**2)

    expected = ad.grad(outer)(W, XS)
    assert_all_equal(in_tiers(ad.grad(outer), W, XS), expected)


def test_a_body_uses_parameters_of_a_module():
    layer = nn.Linear(3, 3, rng=0)

    def end(xs):
        return ad.scan(lambda h, x: (np.tanh(layer(h) + x), None), np.zeros(3), xs)[0].sum()

    expected = ad.value_and_grad(end)(XS)
    compiled = ad.compile(ad.value_and_grad(end))
    assert_all_equal([compiled(XS)], tuple(x.detach().numpy() for x in expected))
    layer.weight.data = layer.weight.data * 2
    expected = end(XS).detach().numpy()
    np.testing.assert_allclose(compiled(XS)[0], expected)


# --- what a body changes outside of itself


def test_an_array_that_the_body_assigns_into_is_carried():
    def summed(x):
        totals = ad.zeros(3) * x[0].sum()

        def step(c, row):
            totals[0] = totals[0] + row.sum() * c
            return c * 1.1, totals[0]

        carry, ys = ad.scan(step, 1.0, x)
        return carry, ys, totals

    expected = [np.asarray(x) for x in summed(XS)]
    assert_all_equal([ad.trace(summed, XS)(XS), ad.compile(summed)(XS)], tuple(expected))


@pytest.mark.parametrize("name", ["scan", "while_loop", "fori_loop", "cond"])
def test_an_array_that_a_body_assigns_into_and_returns_is_what_it_became(name):
    def changed(x):
        outside = x * 1.0

        def turn(*_):
            outside[0] = outside[0] * 2 + 5
            return outside

        if name == "scan":
            return ad.scan(lambda *_: (turn(), None), x, length=3)[0], outside
        if name == "while_loop":
            return ad.while_loop(lambda carry: carry[0] + outside[0] < 40, turn, x), outside
        if name == "fori_loop":
            return ad.fori_loop(0, 3, turn, x), outside
        return ad.cond(x[0] > 0, turn, lambda: outside), outside

    x = np.array([1.0, 2.0])
    assert_all_equal(in_tiers(changed, x), changed(x))

    def total(x):
        return (changed(x)[0] ** 2).sum()

    pushed = ad.compile(lambda x: ad.jvp(total, (x,), (x,)))(x)
    assert_all_equal([pushed], ad.jvp(total, (x,), (x,)))


@pytest.mark.parametrize("name", ["scan", "cond"])
def test_an_array_is_as_it_was_where_a_body_fails(name):
    def tried(x):
        outside = x * 2.0

        def fail(*_):
            outside[0] = outside[0] * 3
            raise LookupError

        with pytest.raises(LookupError):
            if name == "scan":
                ad.scan(fail, x, length=3)
            else:
                ad.cond(x[0] > 0, fail, lambda: outside)
        return outside

    x = np.array([1.0, 2.0])
    np.testing.assert_array_equal(ad.compile(tried)(x), x * 2)


def test_an_array_without_a_trace_is_not_assigned_into():
    def summed(x):
        totals = ad.zeros(3)

        def step(c, row):
            totals[0] = totals[0] + row.sum()
            return c, None

        return ad.scan(step, 1.0, x)[0]

    with pytest.raises(TypeError, match="let the loop carry the array"):
        ad.compile(summed)(XS)


def test_an_array_of_the_body_is_assigned_into():
    def ends(xs):
        def step(c, x):
            made = ad.zeros(3)
            made[0] = x.sum() * c[0]
            return made + 1, made

        return ad.scan(step, np.ones(3), xs)

    assert_all_equal([ad.compile(ends)(XS)], tuple(np.asarray(x) for x in ends(XS)))


def test_the_arguments_of_a_body_cannot_be_changed():
    def step(c, x):
        c[0] = x[0]
        return c, None

    with pytest.raises(ValueError, match="read-only"):
        ad.scan(step, np.zeros(3), XS)
    with pytest.raises(GraphError, match="assignment into an argument"):
        ad.trace(lambda xs: ad.scan(step, np.zeros(3), xs), XS)


class Noisy(nn.Module):
    """A network that reads the columns of each row in turn, with noise and a count of the turns."""

    def __init__(self):
        self.dropout = nn.Dropout(0.5, rng=0)
        self.turns = nn.Buffer(0.0)
        self.weight = nn.Parameter(np.ones(3))

    def forward(self, x):
        def step(h, column):
            self.turns = self.turns + 1
            return np.tanh(self.dropout(h + np.outer(column, self.weight))), None

        return ad.scan(step, np.zeros((len(x), 3)), x.T)[0]


def test_random_draws_and_buffers_of_a_body_go_on_from_turn_to_turn():
    models = [Noisy(), Noisy()]
    for model, compile in zip(models, (False, True), strict=True):
        history = ad.fit(
            model,
            (XS, XS),
            loss="mse_loss",
            optimizer=lambda p: ad.optim.SGD(p, lr=0.1),
            epochs=2,
            batch_size=6,
            shuffle=False,
            progress=False,
            compile=compile,
        )
        assert not compile or "native" in str(history.report())
        assert model.turns.numpy() == 6
        assert model.dropout.state.numpy()[2] == 6
    eager, native = (model.weight.detach().numpy() for model in models)
    np.testing.assert_allclose(native, eager, rtol=1e-12)
    assert not np.allclose(eager, 1)


def test_a_list_that_the_body_changes_is_refused_and_put_back():
    kept = []

    def summed(xs):
        def step(c, x):
            kept.append(1)
            return c + x.sum(), None

        return ad.scan(step, 0.0, xs)[0]

    with pytest.raises(TypeError, match="kept was changed while the function was traced"):
        ad.compile(summed)(XS)
    assert kept == []
    summed(XS)
    assert len(kept) == len(XS)


def exchanged(name, x):
    """Call a loop or a choice whose functions return dicts with their keys in another order."""

    def turn(carry):
        return {"b": {"d": carry["b"]["c"], "c": carry["b"]["d"]}, "a": carry["a"] + 2}

    start = {"a": x, "b": {"c": x * 3, "d": -x}}
    if name == "scan":
        return ad.scan(lambda carry, _: (turn(carry), carry), start, length=3)
    if name == "checkpoints":
        return ad.scan(lambda carry, _: (turn(carry), carry), start, length=3, checkpoint_every=2)
    if name == "while_loop":
        return ad.while_loop(lambda carry: carry["a"] < 6, turn, start)
    if name == "fori_loop":
        return ad.fori_loop(0, 3, lambda _, carry: turn(carry), start)
    return ad.cond(x > 0, lambda carry: carry, turn, start)


@pytest.mark.parametrize("name", ["scan", "checkpoints", "while_loop", "fori_loop", "cond"])
@pytest.mark.parametrize("x", [2.0, -2.0])
def test_dicts_are_read_by_their_keys_and_not_by_their_order(name, x):
    found = ad.compile(lambda x: exchanged(name, x))(x)
    np.testing.assert_equal(found, exchanged(name, x))
    carry = found[0] if isinstance(found, tuple) else found
    assert [*carry, *carry["b"]] == ["a", "b", "c", "d"]


def test_a_value_of_a_body_is_not_used_outside_of_it():
    def escaped(xs):
        def step(c, x):
            total[0] = c
            return c + x.sum(), None

        total = {}
        return ad.scan(step, 0.0, xs)[0]

    with pytest.raises(TypeError, match="was changed while the function was traced"):
        ad.compile(escaped)(XS)

    class Holder:
        def __call__(self, c, x):
            vars(self)["seen"] = c
            return c + x.sum(), None

    def hidden(xs):
        holder = Holder()
        return ad.scan(holder, 0.0, xs)[0] + holder.seen

    with pytest.raises(TypeError, match=r"must return it|was changed"):
        ad.compile(hidden)(XS)


def test_parameters_have_gradients_where_turns_are_computed_again():
    layer = nn.Linear(3, 3, rng=0)

    def gradient(**options):
        layer.zero_grad()
        h, ys = ad.scan(lambda h, x: (np.tanh(layer(h) + x), h.sum()), np.zeros(3), XS, **options)
        (h.sum() + (ys**2).sum()).backward()
        return layer.weight.grad.numpy().copy()

    expected = gradient()
    for every in (1, 2, 4):
        np.testing.assert_allclose(gradient(checkpoint_every=every), expected)


# --- vmap


def test_a_choice_in_a_loop_in_vmap_and_its_gradient_are_those_of_rows():
    def end(xs, t):
        def step(c, x):
            return ad.cond(c.sum() > t, lambda: c * 0.5 + x, lambda: c - x * x), None

        return ad.scan(step, np.zeros(3), xs)[0].sum()

    limits = np.array([-1.0, 0.0, 1.0])
    expected = np.stack([ad.grad(end)(XS, t) for t in limits])
    rows = ad.vmap(ad.grad(end), in_axes=(None, 0))
    np.testing.assert_allclose(rows(XS, limits), expected)
    np.testing.assert_allclose(ad.compile(rows)(XS, limits), expected)
    np.testing.assert_allclose(ad.compile(ad.grad(end))(XS, 0.0), expected[1])


def test_vmap_of_a_scan_is_a_loop_over_rows():
    many = rng.normal(size=(4, *XS.shape))
    for function in (loss, ad.grad(loss), ad.grad(loss, 1)):
        expected = np.stack([function(W, xs) for xs in many])
        rows = ad.vmap(function, in_axes=(None, 0))
        np.testing.assert_allclose(rows(W, many), expected)
        np.testing.assert_allclose(ad.compile(rows)(W, many), expected)


def test_a_carry_becomes_mapped_by_what_enters_it():
    def ends(xs, v):
        return ad.scan(lambda c, x: ((c[0] + x, c[0] * v), c[1]), (0.0, 1.0), xs)

    xs = np.arange(4.0)
    found = ad.vmap(ends, in_axes=(None, 0))(xs, np.array([2.0, 3.0]))
    for n, v in enumerate((2.0, 3.0)):
        (a, b), ys = ends(xs, v)
        np.testing.assert_allclose(found[0][0][n], a)
        np.testing.assert_allclose(found[0][1][n], b)
        np.testing.assert_allclose(found[1][n], ys)


def test_vmap_of_a_while_loop_stops_row_by_row():
    def root(a):
        return ad.while_loop(lambda x: abs(x * x - a) > 1e-12, lambda x: (x + a / x) / 2, a)

    a = np.array([2.0, 1.5, 1e6, 0.01])
    expected = [root(x) for x in a]
    np.testing.assert_array_equal(ad.vmap(root)(a), expected)
    np.testing.assert_array_equal(ad.compile(ad.vmap(root))(a), expected)
    slope = ad.vmap(lambda a: ad.jvp(root, (a,), (1.0,))[1])(a)
    np.testing.assert_allclose(slope, 0.5 / np.sqrt(a), rtol=1e-6)


def test_vmap_of_a_while_loop_with_one_condition_for_all_rows_compiles():
    def doubled(a, n):
        return ad.while_loop(lambda c: c[1] < n, lambda c: (c[0] * 2 + a, c[1] + 1), (a, 0))

    mapped = ad.vmap(doubled, in_axes=(0, None))
    a = np.array([0.5, -1.0, np.inf])
    expected = [[doubled(x, 3)[n] for x in a] for n in range(2)]
    for run in (mapped, ad.compile(mapped)):
        np.testing.assert_array_equal(run(a, 3), expected)


def safe_log(x):
    return ad.cond(x > 0, np.log, lambda x: x * 2.0, x)


def test_vmap_of_a_choice_picks_row_by_row():
    x = np.array([2.0, -3.0, 0.0, np.inf, np.nan])
    for function in (safe_log, ad.grad(safe_log), ad.grad(ad.grad(safe_log))):
        with np.errstate(all="ignore"):
            expected = [function(v) for v in x]
        np.testing.assert_array_equal(ad.vmap(function)(x), expected)
        np.testing.assert_array_equal(ad.compile(ad.vmap(function))(x), expected)


def test_draws_in_a_body_under_vmap_are_refused():
    layer = nn.Dropout(0.5, rng=0)

    def noisy(xs):
        return ad.scan(lambda c, x: (c + layer(x), None), np.zeros(3), xs)[0]

    with pytest.raises(TypeError, match="inside of vmap"):
        ad.vmap(noisy)(np.ones((2, 4, 3)))


# --- while_loop, fori_loop, cond


def newton(a):
    return ad.while_loop(lambda x: abs(x * x - a) > 1e-12, lambda x: (x + a / x) / 2, a)


def test_a_while_loop_is_pythons_in_every_tier():
    assert_all_equal(in_tiers(newton, 2.0), np.sqrt(2.0))
    pushed = ad.compile(lambda a: ad.jvp(newton, (a,), (1.0,)))(2.0)
    assert_all_equal([pushed], ad.jvp(newton, (2.0,), (1.0,)))


def test_a_traced_while_loop_says_what_has_a_gradient():
    assert ad.grad(newton)(2.0) == pytest.approx(0.5 / np.sqrt(2))
    with pytest.raises(GraphError, match="take scan, or fori_loop"):
        ad.compile(ad.grad(newton))(2.0)


def asked(x):
    """Count how often a condition is asked, in an array that it assigns into."""
    count = x * 0.0

    def is_small(carry):
        count[0] += 1
        return carry[0] < 5

    return ad.while_loop(is_small, lambda carry: (carry[0] + count[0], 1), (x[0], 0)), count


@pytest.mark.parametrize("start", [0.0, 9.0])
def test_a_condition_that_changes_an_array_does_so_whenever_it_is_asked(start):
    x = np.array([start, 1.0])
    assert_all_equal(in_tiers(asked, x), asked(x))
    moved = ad.compile(lambda x: ad.jvp(lambda x: asked(x)[0][0], (x,), (x,)))(x)
    assert_all_equal([moved], ad.jvp(lambda x: asked(x)[0][0], (x,), (x,)))


def test_a_slice_from_a_traced_number_on_says_what_takes_as_many_entries():
    x = np.arange(6.0)
    with pytest.raises(TypeError, match=r"x\[i \+ np.arange\(n\)\]"):
        ad.compile(lambda x: ad.fori_loop(0, 4, lambda i, c: c + x[i : i + 2].sum(), 0.0))(x)
    taken = ad.compile(
        lambda x: ad.fori_loop(0, 4, lambda i, c: c + x[i + np.arange(2)].sum(), 0.0)
    )
    assert taken(x) == 16


def test_a_while_loop_of_no_turn_gives_its_start():
    assert ad.compile(lambda x: ad.while_loop(lambda c: c > 9, lambda c: c + 1, x))(2.5) == 2.5


def power_sum(n, x):
    return ad.fori_loop(1, n, lambda i, c: c * np.sin(c) + i * x[i], x[0] ** 2)


def test_a_fori_loop_is_pythons_with_known_and_traced_limits():
    x = np.linspace(0, 1, 6)
    expected = power_sum(5, x)
    assert_all_equal(in_tiers(lambda x: power_sum(5, x), x), expected)
    assert_all_equal([ad.compile(power_sum)(5, x), ad.trace(power_sum, 5, x)(5, x)], expected)
    slope = ad.grad(lambda x: power_sum(5, x))
    assert_all_equal(in_tiers(slope, x), slope(x))
    assert ad.fori_loop(5, 2, lambda i, c: c + i, 7) == 7
    assert ad.compile(lambda c: ad.fori_loop(5, 2, lambda i, c: c + i, c))(7) == 7


def test_a_choice_and_its_derivatives_are_those_of_the_side():
    for x in (2.0, -3.0):
        for function in (safe_log, ad.grad(safe_log), ad.grad(ad.grad(safe_log))):
            assert_all_equal(in_tiers(function, x), function(x))


def test_only_the_side_that_is_taken_is_computed():
    def guarded(x):
        return ad.cond(x > 0, lambda: 1 / np.sqrt(x), lambda: ad.zeros_like(x) + x)

    assert ad.compile(ad.grad(guarded))(0.0) == 1.0
    assert ad.compile(ad.grad(guarded))(-4.0) == 1.0


def test_both_sides_may_change_a_buffer_and_one_need_not():
    def counted(x):
        total = x * 1.0

        def more():
            total[...] = total + 10
            return 1.0

        flag = ad.cond(x.sum() > 0, more, lambda: 2.0)
        return flag, total

    for x in (np.ones(2), -np.ones(2)):
        found = ad.compile(counted)(x)
        expected = counted(ad.tensor(x))
        np.testing.assert_allclose(found[0], expected[0])
        np.testing.assert_allclose(found[1], expected[1].numpy())


# --- special numbers


@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e308])
def test_special_numbers_go_through_as_in_the_loop(special):
    xs = XS.copy()
    xs[2, 1] = special
    with np.errstate(all="ignore"):
        for n in (0, 1):
            expected = ad.grad(plain_loss, n)(W, xs)
            found = ad.compile(ad.grad(loss, n))(W, xs)
            np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_a_zero_beside_an_infinite_slope_counts_as_zero_in_a_body():
    def norms(xs):
        return ad.scan(lambda c, x: (c + np.sqrt(x) * 0.0, np.sqrt(x)), 0.0, xs)[0]

    assert_all_equal(in_tiers(ad.grad(norms), np.array([0.0, 1.0])), np.zeros(2))


# --- errors


def runs(function):
    return pytest.mark.parametrize("run", [lambda f: f(XS), lambda f: ad.trace(f, XS)])(function)


@runs
def test_a_carry_that_changes_is_refused_with_both(run):
    with pytest.raises(TypeError, match=r"structure.*float64\[\] became \(float64\[\], float64"):
        run(lambda xs: ad.scan(lambda c, x: ((c, x), None), 0.0, xs))
    with pytest.raises(ShapeError, match=r"float64\[\] became float64\[3\]"):
        run(lambda xs: ad.scan(lambda c, x: (c + x, None), 0.0, xs))
    with pytest.raises(TypeError, match=r"float32\[3\] became float64\[3\].*astype\('float32'\)"):
        run(lambda xs: ad.scan(lambda c, x: (c + x, None), np.zeros(3, np.float32), xs))
    with pytest.raises(ShapeError, match="must keep its shapes"):
        run(lambda xs: ad.while_loop(lambda c: c.sum() < 9, lambda c: xs, xs[0]))
    with pytest.raises(ShapeError, match="fori_loop: the carry"):
        run(lambda xs: ad.fori_loop(0, 3, lambda i, c: xs, xs[0]))


@runs
@pytest.mark.parametrize("after", [1, np.int64(1), np.ones((), np.int32)])
def test_a_python_float_becomes_no_integer(run, after):
    with pytest.raises(TypeError, match=r"float64\[\] became int(32|64)\[\]"):
        run(lambda xs: ad.scan(lambda c, x: (after, c), 0.5, xs))
    with pytest.raises(TypeError, match=r"float64\[\] became int(32|64)\[\]"):
        run(lambda xs: ad.fori_loop(0, 3, lambda i, c: after + i, 0.5))


@runs
def test_rows_that_do_not_fit_are_refused(run):
    with pytest.raises(ShapeError, match="different lengths"):
        run(lambda xs: ad.scan(lambda c, x: (c, x), 0.0, (xs, xs[1:])))
    with pytest.raises(ValueError, match="length must say"):
        run(lambda xs: ad.scan(lambda c, x: (c, x), 0.0))
    with pytest.raises(ValueError, match="length is 3"):
        run(lambda xs: ad.scan(lambda c, x: (c, x), 0.0, xs, length=3))
    with pytest.raises(ShapeError, match="without axes"):
        run(lambda xs: ad.scan(lambda c, x: (c, x), 0.0, xs.sum()))
    with pytest.raises(TypeError, match="expected a pair"):
        run(lambda xs: ad.scan(lambda c, x: c, 0.0, xs))


def test_sides_that_differ_are_refused_with_both():
    with pytest.raises(TypeError, match=r"same structure, got float64\[6, 3\].* and \(float64"):
        ad.trace(lambda x: ad.cond(x.sum() > 0, lambda: x, lambda: (x, x)), XS)
    with pytest.raises(ShapeError, match="same shapes"):
        ad.trace(lambda x: ad.cond(x.sum() > 0, lambda: x, lambda: x[0]), XS)
    with pytest.raises(TypeError, match="same dtypes"):
        ad.trace(lambda x: ad.cond(x.sum() > 0, lambda: x, lambda: x.astype(np.float32)), XS)
    with pytest.raises(TypeError, match="one truth value"):
        ad.cond(XS > 0, lambda: 1, lambda: 2)
    with pytest.raises(TypeError, match="one truth value"):
        ad.while_loop(lambda c: c > 0, lambda c: c, XS)
    with pytest.raises(TypeError, match="expected an integer"):
        ad.fori_loop(0, 2.5, lambda i, c: c, 0)


# --- cost


def test_the_graph_does_not_grow_with_the_length():
    sizes = set()
    for length in (10, 10_000):
        graph = ad.trace(ad.grad(loss, 1), W, np.zeros((length, 3)))
        sizes.add(len(graph.nodes))
    assert len(sizes) == 1


@pytest.mark.parametrize("left", [False, True])
def test_sums_of_products_over_the_turns_are_computed_after_the_loop(left):
    w, xs = rng.normal(size=(12, 12)) / 4, rng.normal(size=(5, 12, 4) if left else (5, 4, 12))

    def end(w, xs):
        def step(h, x):
            return np.tanh((w @ h if left else h @ w) + x), None

        return ad.scan(step, np.zeros(xs.shape[1:]), xs)[0].sum()

    gradient = ad.grad(end)
    graph = ad.trace(gradient, w, xs)
    assert graph.operations["strong_matmul"] == 1
    np.testing.assert_allclose(graph(w, xs), gradient(w, xs), rtol=1e-11)
    np.testing.assert_allclose(ad.compile(gradient)(w, xs), gradient(w, xs), rtol=1e-11)


def test_an_array_that_is_gathered_and_assigned_into_again_is_gathered_as_it_was():
    def sums(x):
        total = x[:2] * 0.0

        def body(count, row):
            total[0] += row
            return count + 1, total

        return ad.scan(body, 0, x)[1]

    x = np.array([1.0, 2.0, 4.0])
    expected = np.array([[1.0, 0.0], [3.0, 0.0], [7.0, 0.0]])
    for run in (sums, ad.compile(sums)):
        np.testing.assert_array_equal(run(x), expected)
    np.testing.assert_array_equal(sums(ad.tensor(x)).data, expected)
    slopes = np.stack([np.tri(3), np.zeros((3, 3))], axis=1)
    for jacobian in (ad.jacobian(sums), ad.compile(ad.jacobian(sums))):
        np.testing.assert_array_equal(jacobian(x), slopes)
