"""Lowering: what a graph computes, its native code computes, or the reason why not is given."""

import functools

import numpy as np
import pytest

from sampled import sampled

pytest.importorskip("llvmlite")

from adjoint.graph import trace

import adjoint as ad
from adjoint import contract, special
from adjoint.compiler.native.function import NativeFunction, native_tier
from adjoint.compiler.native.kernel import Stage
from adjoint.compiler.native.lower import LOWERING, lower
from adjoint.compiler.native.unlowerable import Unlowerable
from adjoint.compiler.simplify.simplify import simplify, written_out
from adjoint.core import PRIMITIVES

X = np.random.default_rng(0).normal(size=(3, 4))
POSITIVE = np.abs(X) + 0.1
V = np.array([0.5, -1.0, 2.0, 0.0])

PROGRAMS = {
    "arithmetic": (lambda x, v: -(x + v) * x / (v + 3) - 2 * v, X, V),
    "powers": (lambda x: x**2 + x**3 + x**4 + ad.square(x) + x**0.5 + x**-1, POSITIVE),
    "exponentials": (lambda x: ad.exp(x) + ad.expm1(x) + ad.tanh(x) + ad.sigmoid(x), X),
    "logarithms": (lambda x: ad.log(x) + ad.log1p(x) + ad.sqrt(x) + ad.softplus(x), POSITIVE),
    "pieces": (lambda x: ad.relu(x) + abs(x) + ad.sign(x) + ad.maximum(x, 0.3), X),
    "choices": (lambda x, v: ad.where((x > v) | (x < -1), x, ad.minimum(v, 0.1)), X, V),
    "truths": (lambda x, v: ad.where(~((x >= v) & (x != 0)), 1.0, 2.0) * (x <= v), X, V),
    "integers": (lambda k, v: v * k + (k == 2), np.arange(4), V),
    "sums": (lambda x: x.sum() + x.mean(axis=0) + x.sum(axis=1, keepdims=True), X),
    "extremes": (lambda x: x.max(axis=1, keepdims=True) + x.min(axis=0), X),
    "matrix products": (lambda x, v: (x @ x.T) @ x @ v + v @ v, X, V),
    "row times matrix": (lambda v, x: v @ x.T, V, X),
    "softmax": (lambda x: ad.softmax(x) + ad.softmax(x, axis=0), X),
    "logsumexp": (lambda x: ad.logsumexp(x, axis=1) + ad.logsumexp(x, axis=0)[:3], X),
    "slices": (lambda x: x[::-1, 1:3] + x[:, None, 0] + x[1, -2:], X),
    "joins": (lambda x, v: ad.concatenate([x, x[:1] * v]) + ad.stack([v, v, v, v]), X, V),
    "reshapes": (lambda x: x.reshape(4, 3).T + x.reshape(2, 6).reshape(3, 4), X),
    "broadcasts": (lambda v: ad.broadcast_to(v, (3, 4)).sum(axis=0) * v, V),
    "constants": (lambda x: x * np.arange(4.0) + np.full((3, 4), 0.5), X),
    "angles": (lambda x, v: ad.sin(x) + ad.cos(x) * ad.tan(x / 2) + ad.arctan2(x, v + 3), X, V),
    "arcs": (lambda x: ad.arcsin(x / 5) + ad.arccos(x / 5) + ad.arctan(x) + ad.sinc(x), X),
    "hyperbolas": (lambda x: ad.sinh(x) + ad.cosh(x) + ad.arcsinh(x) + ad.arctanh(x / 5), X),
    "bases": (lambda x: ad.exp2(x) + ad.log2(x) + ad.log10(x) + ad.arccosh(x + 1), POSITIVE),
    "general powers": (
        lambda x, v: x**v + 2.0**v + x**-1.5 + ad.cbrt(x) + ad.hypot(x, v),
        POSITIVE,
        V,
    ),
    "sums of exponentials": (lambda x, v: ad.logaddexp(x, v) + ad.logaddexp2(x, v), X, V),
    "error functions": (lambda x: special.erf(x) + special.erfc(x) * special.ndtr(x), X),
    "scaled tails": (lambda x: special.erfcx(x) + special.log_ndtr(x) * special.expit(x), X),
    "entropies": (
        lambda x, v: special.xlogy(v, x) + special.entr(x) + special.kl_div(x, 2.0),
        POSITIVE,
        V,
    ),
    "roundings": (
        lambda x: ad.floor(x) + ad.round(x, decimals=1) * ad.trunc(x * 2) + ad.rint(x),
        X,
    ),
    "remainders": (lambda x, v: x % (v + 0.3) + ad.fmod(x, v + 0.3) + x // (v + 0.3), X, V),
    "limits": (lambda x, v: np.clip(x, None, 0.3) + np.clip(x, v, 2.0) + ad.fmax(x, v), X, V),
    "signs": (
        lambda x, v: ad.copysign(x, v) + ad.heaviside(v, x) + ad.isclose(x, v, atol=0.5),
        X,
        V,
    ),
    "scalings": (lambda x, k: ad.ldexp(x, k) + ad.deg2rad(x) * ad.rad2deg(x), X, np.arange(4)),
    "integers as floats": (lambda k: ad.sin(k) + ad.exp2(k) + special.erf(k), np.arange(4)),
    "constant result": (lambda x: (x.sum(), x * 0 + 1), X),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", PROGRAMS)
def test_native_and_graph_agree(name, dtype):
    function, *arrays = PROGRAMS[name]
    arrays = [a.astype(dtype) if a.dtype.kind == "f" else a for a in arrays]
    graph = trace(function, *arrays)
    tolerance = 1e-13 if dtype is np.float64 else 2e-5
    for native, expected in zip(NativeFunction(graph)(arrays), graph.evaluate(arrays), strict=True):
        assert native.dtype == expected.dtype
        np.testing.assert_allclose(native, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    "name",
    [
        "arithmetic",
        "exponentials",
        "choices",
        "softmax",
        "slices",
        "angles",
        "arcs",
        "hyperbolas",
        "bases",
        "general powers",
        "sums of exponentials",
        "error functions",
        "scaled tails",
        "entropies",
        "remainders",
        "limits",
    ],
)
def test_gradients_lower_too(name):
    function, *arrays = PROGRAMS[name]
    graph = trace(ad.grad(lambda *a: ad.sum(ad.square(function(*a)))), *arrays)
    (native,), (expected,) = NativeFunction(graph)(arrays), graph.evaluate(arrays)
    np.testing.assert_allclose(native, expected, rtol=1e-12, atol=1e-12)


def _split(args):
    """Part an index's integers, constants of the graph, from the arrays before them."""
    if args[0].dtype.kind != "f" or args[-1].dtype.kind == "f":
        return args, ()
    count = sum(arg.dtype.kind == "f" for arg in args)
    return args[:count], args[count:]


@pytest.mark.parametrize(
    ("name", "dtype"),
    sampled([(name, dtype) for name in sorted(LOWERING) for dtype in (np.float64, np.float32)], 5),
)
def test_every_card_with_a_rule_agrees_on_its_cases(name, dtype):
    primitive, rng = PRIMITIVES[name], np.random.default_rng(0)
    tolerance = 1e-13 if dtype is np.float64 else 2e-5
    lowered = 0
    for case in contract.cases(primitive):
        args, params = contract.arguments(primitive, case, rng, dtype)
        floats, rest = _split(args)
        graph = trace(lambda *xs, p=params, r=rest: primitive.bind((*xs, *r), p), *floats)
        try:
            native = NativeFunction(graph)
        except Unlowerable:
            continue
        lowered += 1
        for ours, theirs in zip(native(floats), graph.evaluate(floats), strict=True):
            assert ours.dtype == theirs.dtype
            np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)
    assert lowered, f"no case of {name} was lowered"


def test_every_rule_is_of_a_primitive():
    assert LOWERING.keys() <= PRIMITIVES.keys()


def test_an_operation_without_a_rule_is_named():
    graph = trace(lambda x: ad.sort(x), V)
    with pytest.raises(Unlowerable, match=r"argsort|index"):
        lower(graph)


def test_as_a_tier_it_takes_what_it_can():
    tier = native_tier(trace(ad.tanh, V))
    assert tier is not None
    assert "native code" in tier.describe()[0]
    assert "has no native rule" in native_tier(trace(lambda x: ad.sort(x), V))


def test_a_graph_too_large_to_unroll_is_refused():
    x = np.ones((60, 60))
    with pytest.raises(Unlowerable, match="too many to unroll"):
        lower(trace(lambda x: x @ x, x))


def test_equal_elements_are_one():
    kernel = lower(trace(lambda x: ad.exp(x).sum() + (ad.exp(x) * 2).sum(), V))
    assert sum(element.operation == "exp" for element in kernel.at(Stage.BEFORE)) == V.size


def test_a_zero_times_infinity_is_as_in_the_graph():
    graph = trace(ad.grad(lambda x: ad.where(x > 0, ad.sqrt(x), 0.0).sum()), V)
    x = np.array([0.0, 4.0, -1.0, 1.0])
    assert NativeFunction(graph)([x])[0].tolist() == graph(x).tolist() == [0, 0.25, 0, 0.5]


ROWS = np.zeros((5, 3))
REFUSED = {
    "a second loop": (lambda x: (x - x.mean(axis=0)).sum(), "second loop"),
    "pairs of rows": (lambda x: (x @ x.T).sum(), "every row meets every other"),
    "numbers for every row": (lambda x: x * 2, "one number for every row"),
    "rows in another order": (lambda x: (x[::-1] * x).sum(), "across the rows"),
    "extremes over rows": (lambda x: x.max(axis=0), "max"),
    "constants for every row": (lambda x: (x[:, 0] * np.arange(5.0)).sum(), "its own number"),
    "a matrix for every row": (lambda x: np.eye(5)[:2] @ np.exp(x[:, 0]), "its own number"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_rows_cannot_do_is_refused(name):
    function, reason = REFUSED[name]
    with pytest.raises(Unlowerable, match=reason):
        lower(trace(function, ROWS), batched=[0])


def test_rows_are_computed_in_the_loop_and_totals_after():
    kernel = lower(trace(lambda w, x: ad.tanh(x @ w).sum() * w[0], np.ones(3), ROWS), batched=[1])
    stages = {e.operation: e.stage for s in Stage for e in kernel.at(s)}
    assert stages["tanh"] is Stage.ROW
    assert stages["total"] is stages["multiply"] is Stage.AFTER


TRUTHS = {
    "max": lambda b, x: np.max(b, axis=0),
    "min": lambda b, x: np.min(b, axis=1),
    "max of all": lambda b, x: np.max(x),
    "min of all": lambda b, x: np.min(x),
    "nanmax": lambda b, x: np.nanmax(b, axis=0),
    "clip": lambda b, x: np.clip(b, False, x),
    "maximum": np.maximum,
    "product of a matrix and a vector": lambda b, x: b @ x,
    "product of vectors": lambda b, x: x @ x,
    "product of matrices": lambda b, x: b @ b,
    "a choice by the greatest": lambda b, x: np.where(np.max(b, axis=0), 1.0, 2.0),
}


@pytest.mark.parametrize("f", TRUTHS.values(), ids=TRUTHS)
@pytest.mark.parametrize("n", [1, 3, 9, 40])
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_true_is_more_than_false_and_their_sum_is_true(f, n, share):
    rng = np.random.default_rng(n)
    b, x = rng.random((n, n)) < share, rng.random(n) < share
    found = ad.compile(f)(b, x)
    np.testing.assert_array_equal(found, f(b, x), strict=True)


SOFTMAXES = [
    functools.partial(f, axis=axis)
    for f in (ad.softmax, ad.log_softmax, ad.logsumexp)
    for axis in (0, -1, None)
]


@pytest.mark.parametrize("dtype", [bool, "i1", "i4", "i8", "u1", "f2", "f4", "f8"])
def test_an_expansion_of_another_dtype_is_not_written_into_its_place(dtype):
    x = (np.arange(12).reshape(3, 4) % 5).astype(dtype)
    for f in SOFTMAXES:
        compiled = ad.compile(f)
        found, expected = compiled(x), f(x)
        np.testing.assert_allclose(expected, f(x.astype(float)), rtol=4e-3)  # float16 rounds so
        assert found.dtype == expected.dtype == compiled.graph.outputs[0].dtype
        rtol = 8 * np.finfo(expected.dtype).eps  # a sum of twelve in another order
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol)


@pytest.mark.parametrize(
    "table", [[0.0, -0.0], [[-0.0, 0.0, -0.0]], [[0.0, np.nan], [-0.0, np.nan]]]
)
def test_zeros_of_both_signs_are_not_one_number(table):
    table = np.array(table)
    compiled = ad.compile(lambda x: np.copysign(x, table))
    x = np.ones(table.shape)
    np.testing.assert_array_equal(compiled(x), np.copysign(x, table))


def finite(x):
    return np.where(np.isfinite(x), x, 0.0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "function",
    [
        lambda x: ad.exp(x - x.max(axis=1, keepdims=True)),
        lambda x: ad.exp(x - finite(x.max(axis=1, keepdims=True))),
        ad.softmax,
        ad.log_softmax,
        lambda x: ad.logsumexp(x, axis=1),
    ],
)
def test_two_columns_share_one_exponential(function, dtype):
    ends = [0.0, -0.0, 1.0, -1.5, 800.0, -800.0, 5e-324, np.inf, -np.inf, np.nan]
    compiled = ad.compile(function)
    graph = written_out(simplify(trace(function, np.zeros((1, 2), dtype))))
    assert [x.operation for x in lower(graph).at(Stage.BEFORE)].count("exp") == 1
    with np.errstate(all="ignore"):
        for row in ((x, y) for x in ends for y in ends):
            x = np.array([row], dtype)
            # A few ulps: NumPy's exponential is another one.
            rtol = 8 * np.finfo(dtype).eps
            np.testing.assert_allclose(compiled(x), function(x), rtol=rtol, err_msg=str(row))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("function", "operation"),
    [
        (lambda x: ad.exp(-ad.logaddexp(-x, 0)), "expit"),
        (lambda x: ad.exp(-ad.logaddexp(0, x)), "expit"),
        (lambda x: ad.exp(-ad.softplus(x)), "expit"),
        (lambda x: ad.exp(special.log_expit(x)), "expit"),
        (lambda x: 1 / (1 + ad.exp(-x)), "sigmoid"),
        (lambda x: 1 / (ad.exp(-x) + 1), "sigmoid"),
        (lambda x: ad.logaddexp(x, 0), "softplus"),
        (lambda x: ad.logaddexp(0, -x), "softplus"),
    ],
)
def test_forms_of_the_logistic_function_are_recognised(function, operation, dtype):
    rng = np.random.default_rng(0)
    ends = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-30, -1e-30, 1e30, -1e30]
    x = np.concatenate([ends, rng.uniform(-80, 80, 200)]).astype(dtype)
    kernel = lower(simplify(trace(function, x[:1])))
    assert operation in {element.operation for element in kernel.at(Stage.BEFORE)}
    with np.errstate(all="ignore"):
        # NumPy's e to the power of a rounded logarithm has an error of up to 80 ulps.
        rtol = 100 * np.finfo(dtype).eps
        exact = function(x)
    np.testing.assert_allclose(ad.compile(function)(x), exact, rtol=rtol)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "function",
    [
        lambda x: 1 / (1 + ad.exp(x)),
        lambda x: 1 / (1 + ad.exp(2 * x)),
        lambda x: 1 / (1 + ad.exp(np.tanh(x))),
        lambda x: 1 / (2 + ad.exp(-x)),
        lambda x: 2 / (1 + ad.exp(-x)),
        lambda x: 1 / (1 - ad.exp(-x)),
        lambda x: ad.logaddexp(x, 1),
        lambda x: ad.exp(-ad.logaddexp(x, 1)),
        lambda x: ad.exp(ad.logaddexp(x, 0)),
        lambda x: ad.exp(-ad.logaddexp(x, -x)),
        lambda x: ad.exp(x - np.maximum(x, 0)),
        lambda x: ad.exp(x - np.minimum(x, 0)),
    ],
)
def test_forms_that_only_look_like_these_are_computed_as_they_are(function, dtype):
    ends = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-30, -1e-30]
    x = np.concatenate([ends, np.linspace(-20, 20, 50)]).astype(dtype)
    with np.errstate(all="ignore"):
        # NumPy's e to the power of a rounded logarithm of up to 20 has an error of up to 20 ulps.
        rtol = 100 * np.finfo(dtype).eps
        np.testing.assert_allclose(ad.compile(function)(x), function(x), rtol=rtol)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "shift",
    [
        lambda x, m: np.where(x[:, :1] > 1, m, 0.0),
        lambda x, m: np.where(np.isfinite(x[:, :1]), m, 0.0),
        lambda x, m: np.where(np.isfinite(m), m, 1.0),
        lambda x, m: x.min(axis=1, keepdims=True),
        lambda x, m: m + 1,
    ],
)
def test_columns_less_another_number_than_the_greater_have_their_own_exponentials(shift, dtype):
    def function(x):
        return ad.exp(x - shift(x, x.max(axis=1, keepdims=True)))

    ends, compiled = [0.0, 1.0, 3.0, -5.0, np.inf, -np.inf, np.nan], ad.compile(function)
    with np.errstate(all="ignore"):
        for row in ((x, y) for x in ends for y in ends):
            x = np.array([row], dtype)
            rtol = 8 * np.finfo(dtype).eps
            np.testing.assert_allclose(compiled(x), function(x), rtol=rtol, err_msg=str(row))


def test_what_only_the_loss_needs_comes_last_in_a_row():
    def step(w, x):
        loss, slope = ad.value_and_grad(lambda w: ad.mean(ad.log(1 + (x @ w) ** 2)))(w)
        return loss, w - slope

    graph = simplify(trace(step, np.ones(2), np.ones((6, 2))))
    kernel = lower(graph, batched=[1])
    order = [element.operation for element in kernel.row_order(last=0)]
    assert order[-1] == "log"
    assert order != [element.operation for element in kernel.at(Stage.ROW)]
    assert sorted(order) == sorted(element.operation for element in kernel.at(Stage.ROW))
    known = set()
    for element in kernel.row_order(last=0):
        assert {arg for arg in element.args if arg.stage is Stage.ROW} <= known
        known.add(element)
