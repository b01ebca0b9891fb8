"""Doubts: products in which 0·∞ = 0 are right or loud in every tier, whatever becomes of them."""

import contextlib
import warnings

import numpy as np
import pytest
from adjoint.graph import Graph, trace

import adjoint as ad
from adjoint.compiler import portable
from adjoint.compiler.native.function import NativeFunction
from adjoint.compiler.program import Program
from adjoint.compiler.simplify.doubts import sentinels
from adjoint.compiler.simplify.simplify import simplify
from adjoint.compiler.source.source import write
from sampled import sampled

NAN, INF = np.nan, np.inf


def bump(x):
    """Return a function of which the derivative overflows into 0·∞ at huge arguments."""
    return np.sum(np.exp(-x * x) * x**2)


slope = ad.grad(bump)


def matrix_slope(x):
    """The derivative of a product of matrices, by an argument that overflows on the way."""
    row = np.stack([x, 2.0 * x])
    return ad.grad(lambda r: np.sum(np.exp(-(r**2)) @ (r.T @ r)))(row)[0]


# What swallows NaN, of x's shape or smaller.
SINKS = {
    "itself": lambda d: d,
    "comparison": lambda d: np.where(d >= 0, 1.0, -1.0),
    "equality": lambda d: (d == 0) * 2.0,
    "fmin": lambda d: np.fmin(d, 3.0),
    "fmax": lambda d: np.fmax(-1.0, d),
    "cast to integers": lambda d: d.astype(int) * 2,
    "cast to booleans": lambda d: d.astype(bool),
    "argmax": lambda d: np.argmax(d),
    "argsort": lambda d: np.argsort(d),
    "sort": lambda d: np.sort(d)[:1],
    "median": lambda d: np.nanmedian(d),
    "choice": lambda d: np.where(np.abs(d) < 1, d, 7.0),
    "selection": lambda d: d[1:] * 2.0,
    "nan_to_num": lambda d: np.nan_to_num(d, nan=5.0),
    "question": lambda d: np.isnan(d),
    "power 0": lambda d: d**0.0,
    # Not np.linalg.norm, which on plain arrays is NumPy's own and overflows.
    "clipping by norm": lambda d: d * np.fmin(1.0, 0.5 / np.sqrt(np.sum(d * d))),
    "nansum": lambda d: np.nansum(d),
    "sign of the greatest": lambda d: np.sign(np.fmax(np.max(d), -2.0)),
}


def points(dtype, repeated):
    """Return arguments at which the derivative is 0·∞ or NaN somewhere, and plain ones."""
    huge = 1e200 if dtype == np.float64 else 1e30
    rows = [
        [huge, 0.5, -2.0],
        [0.5, -huge, 1.0],
        [NAN, 1.0, 2.0],
        [INF, 1.0, -INF],
        [0.0, -0.0, 1.0],
        [0.25, -0.5, 1.5],
    ]
    return [np.tile(np.array(row, dtype), repeated) for row in rows]


def eager(function, x):
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # nanmedian of nothing but NaN
        return function(x)


def same(found, expected):
    if isinstance(expected, tuple):
        for one, other in zip(found, expected, strict=True):
            same(one, other)
        return
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    exact = expected.dtype.kind != "f"
    np.testing.assert_allclose(found, expected, rtol=0 if exact else 1e-5, atol=0)


def written(function, x, tmp_path, name="program"):
    path = tmp_path / "written.py"
    ad.write_source(function, path, x)
    return portable.load(path.read_text(encoding="utf-8"), name)


def all_at_once(d):
    return tuple(sink(d) for name, sink in SINKS.items() if name != "itself")


@pytest.mark.parametrize("sink", SINKS)
def test_what_becomes_of_a_strong_product_is_the_same_in_every_tier(sink, tmp_path):
    compare_tiers(slope, SINKS[sink], np.float64, 1, tmp_path)


@pytest.mark.parametrize("dtype", sampled([np.float64, np.float32], 2))
@pytest.mark.parametrize("repeated", [1, 200], ids=["straight-line", "loops"])
@pytest.mark.parametrize("inner", [slope, matrix_slope])
def test_strong_products_are_the_same_in_every_tier_and_dtype(inner, repeated, dtype, tmp_path):
    compare_tiers(inner, all_at_once, dtype, repeated, tmp_path)


def compare_tiers(inner, finish, dtype, repeated, tmp_path):
    def program(x):
        return finish(inner(x))

    arguments = points(dtype, repeated)
    first = arguments[0]
    compiled, from_file = ad.compile(program), written(program, first, tmp_path)
    from_source = portable.load(write(simplify(trace(program, first))), "program")
    without_native = Program(trace(program, first), tiers={})
    for x in arguments:
        expected = eager(program, x)
        same(compiled(x), expected)
        same(without_native(x), expected)
        with np.errstate(all="ignore"):
            same(from_file(x), expected)
            with contextlib.suppress(FloatingPointError):
                same(from_source(x), expected)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_questions_about_finiteness_are_asked(dtype):
    special = np.array([NAN, INF, -INF, 1.0, -0.0, np.finfo(dtype).max], dtype)
    for function in (
        lambda x: np.where(np.isnan(x), 0.0, x),
        lambda x: np.where(np.isfinite(x * x), x * x, -1.0),
        lambda x: np.where(np.isinf(x + x), 1.0, x),
        lambda x: np.where(np.isnan(np.tanh(x)), 3.0, np.tanh(x)),
        lambda x: np.nan_to_num(x * 1.0),
        np.isposinf,
        np.isneginf,
        np.nansum,
        np.nanmean,
        np.nanmax,
        lambda x: np.isclose(x, x, equal_nan=True),
    ):
        compiled = ad.compile(function)
        with np.errstate(all="ignore"):
            for x in (special, special[3:]):
                np.testing.assert_array_equal(compiled(x), function(x))
                np.testing.assert_array_equal(Program(trace(function, x), tiers={})(x), function(x))


def test_logaddexp_of_two_infinities_shares_the_slope_when_compiled():
    slopes = ad.compile(ad.grad(np.logaddexp, (0, 1)))(-INF, -INF)
    assert [float(s) for s in slopes] == [0.5, 0.5]


def test_gradients_are_0_where_missing_numbers_are_masked():
    x, w = np.array([1.0, NAN, 3.0]), np.array([2.0, 3.0, 5.0])

    def loss(w, x):
        return np.sum(np.where(np.isnan(x), 0.0, x * w) ** 2)

    expected = ad.grad(loss)(w, x)
    assert expected[1] == 0.0
    compiled = ad.compile(ad.grad(loss))
    np.testing.assert_array_equal(compiled(w, x), expected)


# --- zeros and their signs


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("size", [1, 3, 700])
def test_zeros_keep_their_signs(size, dtype):
    x = np.tile(np.array([0.0, -0.0, 1.0], dtype), 300)[:size]
    for function in (
        lambda x: 0.0 - x,
        lambda x: 0 - x,
        lambda x: -0.0 - x,
        lambda x: x + 0,
        lambda x: x + -0.0,
        lambda x: x - -0.0,
        lambda x: np.zeros(x.shape, x.dtype) - x,
        lambda x: x * -1,
        lambda x: -1.0 * -x,
        lambda x: ad.relu(x),
        lambda x: np.maximum(x, 0.0),
        lambda x: np.maximum(0.0, x),
        lambda x: np.minimum(-x, 0.0),
        lambda x: np.arctan2(0.0 - x, -1.0),
        lambda x: -(x - 0.0) + -(x * 0.0),
        lambda x: np.sum(x - x + -0.0),
        lambda x: np.sum(x * -0.0),
        lambda x: np.sum(np.stack([-0.0 * x, -0.0 * x]), axis=0),
        lambda x: np.cumsum(-0.0 * x),
    ):
        expected, compiled = function(x), ad.compile(function)(x)
        np.testing.assert_array_equal(compiled, expected)
        np.testing.assert_array_equal(np.signbit(compiled), np.signbit(expected))


def test_the_angle_of_minus_0_is_that_of_eager_code():
    assert ad.compile(lambda x: np.arctan2(0.0 - x, -1.0))(0.0) == np.pi


def test_a_product_of_small_factors_may_be_0():
    # exp(x) + 1e-25 is never 0, its square is 0 in float32, and so is what that is a factor of.
    def program(x, y):
        small = np.exp(x) + np.float32(1e-25)
        return ad.ops.products.strong_multiply(small * small * np.float32(1e25), y)

    x, y = np.full(2, -200.0, np.float32), np.array([INF, NAN], np.float32)
    np.testing.assert_array_equal(ad.compile(program)(x, y), [0.0, 0.0])


# --- where it is looked for


def names(function, *args):
    graph = simplify(trace(function, *args))
    return [x.node.primitive.name for x in sentinels(graph)]


def test_nothing_is_looked_for_without_a_strong_product():
    x = np.ones(3)
    assert names(lambda x: np.exp(np.sin(x)) * np.log1p(x * x), x) == []
    assert names(ad.grad(lambda x: np.sum(3.0 * x)), x) == []
    assert names(ad.grad(lambda x: np.sum(x * x)), x) == []


def test_results_are_looked_at_where_nan_reaches_them():
    x = np.ones(3)
    assert names(slope, x) == ["subtract"]
    both = names(lambda x: (slope(x), np.tanh(slope(x))), x)
    assert both in (["subtract"], ["tanh"])


def test_the_product_itself_is_looked_at_where_nan_would_be_swallowed():
    x = np.ones(3)
    assert names(lambda x: slope(x) > 0, x) == ["subtract"]
    assert names(lambda x: np.fmin(slope(x), 1.0), x) == ["subtract"]
    assert names(lambda x: slope(x)[:1], x) == ["subtract"]
    assert names(lambda x: slope(x) ** 0.0, x) == ["subtract"]


def test_nan_among_the_results_does_not_repeat_the_work(monkeypatch):
    x = np.linspace(-1.0, 1.0, 1000)
    x[7] = NAN
    compiled = ad.compile(lambda x: np.exp(np.sin(x)) * np.log1p(x**2))
    expected = compiled(x)
    monkeypatch.setattr(Graph, "evaluate", lambda *_: pytest.fail("the graph was evaluated"))
    np.testing.assert_array_equal(compiled(x), expected)


def test_the_graph_decides_once_where_a_product_is_in_doubt(monkeypatch):
    calls = []
    evaluate = Graph.evaluate
    monkeypatch.setattr(Graph, "evaluate", lambda *a: calls.append(1) or evaluate(*a))
    native = NativeFunction(simplify(trace(slope, np.ones(3))))
    native([np.array([0.5, 1.0, 2.0])])
    assert calls == []
    x = np.array([1e200, 1.0, NAN])
    np.testing.assert_array_equal(native([x])[0], eager(slope, x))
    assert calls == [1]


def test_a_number_that_was_in_doubt_is_a_number():
    compiled = ad.compile(slope)
    assert type(compiled(0.5)) is type(compiled(1e200)) is np.float64


def test_a_saved_graph_keeps_its_strong_products(tmp_path):
    path = tmp_path / "graph.json"
    simplify(trace(slope, np.ones(3))).save(path)
    x = np.array([1e200, 1.0, -2.0])
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(Graph.load(path)(x), slope(x))
        np.testing.assert_array_equal(ad.compile(Graph.load(path))(x), slope(x))


# --- training


class Bumps(ad.nn.Module):
    """A layer of which the derivative meets 0·∞ at huge pre-activations."""

    def __init__(self, width):
        self.first = ad.nn.Linear(2, width, rng=0)
        self.last = ad.nn.Linear(width, 1, rng=1)

    def forward(self, X):
        z = self.first(X)
        return self.last(np.exp(-np.abs(z**3)) * z)


@pytest.mark.parametrize("swallows", [False, True])
@pytest.mark.parametrize("width", [3, 60], ids=["straight-line", "loops"])
def test_a_step_that_meets_0_times_infinity_is_eager_s(width, swallows):
    X = np.random.default_rng(0).normal(size=(20, 2))
    X[4], X[11, 0] = 1e160, -1e170
    y = np.ones((20, 1))

    def loss(prediction, target):
        return np.mean((prediction - target) ** 2)

    def swallowing(prediction, target):
        # A derivative whose NaN a comparison would hide.
        d = ad.grad(lambda p: np.mean((p - target) ** 2))(prediction)
        return np.mean(np.where(d < 0, 2.0, 1.0) * (prediction - target) ** 2)

    weights = []
    for compile in (False, True):
        model = Bumps(width)
        optimizer = ad.optim.SGD(model.parameters(), lr=0.1)
        ad.fit(
            model,
            (X, y),
            loss=swallowing if swallows else loss,
            optimizer=optimizer,
            epochs=3,
            batch_size=7,
            compile=compile,
            seed=0,
            progress=False,
        )
        weights.append([p.data for p in model.parameters()])
    for eager_weight, compiled_weight in zip(*weights, strict=True):
        assert np.isfinite(eager_weight).all()
        np.testing.assert_allclose(compiled_weight, eager_weight, rtol=1e-9)


@pytest.mark.parametrize("x", [INF, 1.5])
def test_a_doubt_on_the_way_to_a_result_without_a_name_is_looked_at(x, tmp_path):
    program = ad.grad(ad.grad(ad.grad(lambda x: np.arctan2(x, x * x))))
    x = np.float64(x)
    expected = eager(program, x)
    same(Program(trace(program, x), tiers={})(x), expected)
    from_file = written(lambda x: program(x), x, tmp_path, name="function")
    with np.errstate(all="ignore"):
        same(from_file(x), expected)
        with contextlib.suppress(FloatingPointError):
            same(portable.load(write(simplify(trace(program, x))), "function")(x), expected)
