"""What the compiler takes for certain holds: where NaN shows, and what no entry exceeds."""

import importlib.util

import numpy as np
import pytest
from adjoint.graph import trace

import adjoint as ad
import adjoint.special
from adjoint import contract
from adjoint.compiler.program import Program
from adjoint.compiler.simplify import certainty, doubts
from adjoint.core import PRIMITIVES, Spec
from adjoint.core.facts import REALS
from adjoint.ops.products import strong_multiply
from sampled import sampled

HAS_NATIVE = importlib.util.find_spec("llvmlite") is not None
NAN, INF = np.nan, np.inf
SPECIAL = [INF, -INF, 0.0, -0.0, 1.0, -1.0, 1e30, -1e-30]
PASSING = sorted(name for name, card in PRIMITIVES.items() if card.facts.passes_nan)
BOUNDED = sorted(
    name
    for name, card in PRIMITIVES.items()
    if card.facts.moves is not None or card.facts.bounds != REALS
)
BOUNDED.remove("uniform")  # whose argument is a random state, no number
# NaN is sure to show in a power only if the exponent is constant; the others raise unless their
# further arguments are those of the case.
ALONE = ("power", "checked", "with_full_rank")


# Beside those of the card, of which none picks all entries.
MORE_CASES = {"index": [((3, 2), {"key": (slice(None, None, -1), None, Ellipsis)})]}


def tiers(graph):
    """Yield functions of a graph's arrays that return its one result."""
    yield lambda arrays: graph.evaluate(arrays)[0]
    if not HAS_NATIVE:
        return
    from adjoint.compiler.native.function import NativeFunction
    from adjoint.compiler.native.unlowerable import Unlowerable

    for limit in (400, 0):
        try:
            native = NativeFunction(graph, limit=limit)
        except Unlowerable:
            continue
        yield lambda arrays, native=native: native(arrays)[0]


def beside(args, varied, kind, rng):
    """Return arguments among which NaN is to be put: their own, zeros, or special ones."""
    chosen = [np.array(x) for x in args]
    for n, x in enumerate(chosen):
        if n in varied:
            if kind == "zeros":
                x[...] = 0.0
            elif kind == "special":
                x[...] = rng.choice(SPECIAL, x.shape)
    return chosen


def traced(primitive, args, params, varied):
    def function(*xs):
        full = list(args)
        for n, x in zip(varied, xs, strict=True):
            full[n] = x
        return primitive.bind(full, params)

    return trace(function, *(args[n] for n in varied))


@pytest.mark.parametrize("name", sampled(PASSING, 4))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_nan_anywhere_shows_where_the_compiler_relies_on_it(name):
    primitive, rng = PRIMITIVES[name], np.random.default_rng(0)
    tried = 0
    for case in [*contract.cases(primitive), *MORE_CASES.get(name, [])]:
        args, params = contract.arguments(primitive, case, np.random.default_rng(0), np.float64)
        floats = [n for n, x in enumerate(args) if x.dtype.kind == "f"]
        for position in floats:
            varied = [position] if name in ALONE else floats
            graph = traced(primitive, args, params, varied)
            (node,) = [node for node in graph.nodes if node.primitive is primitive]
            if not doubts._passes_nan(node, position):
                continue
            for tier in tiers(graph):
                for kind in ("own", "zeros", "special"):
                    for place in range(args[position].size):
                        chosen = beside(args, varied, kind, rng)
                        chosen[position].flat[place] = NAN
                        assert np.isnan(tier([chosen[n] for n in varied])).any()
                        tried += 1
    assert tried


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", BOUNDED)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_no_entry_exceeds_a_magnitude(name, dtype):
    primitive, rng = PRIMITIVES[name], np.random.default_rng(0)
    greatest = float(np.finfo(dtype).max)
    numbers = np.array(
        [0.0, -0.0, 1.0, -2.0, *[s * greatest * k for s in (1, -1) for k in (0.2, 1)]]
    )
    special = np.array([*numbers, INF, -INF, NAN])
    for case in contract.cases(primitive):
        for draw in (numbers, numbers[:4], special) * 5:
            args, params = contract.arguments(primitive, case, rng, dtype)
            args = [
                rng.choice(draw, x.shape).astype(dtype) if x.dtype.kind == "f" else x for x in args
            ]
            found = np.asarray(primitive.forward(*args, **params))
            known = [certainty.magnitude_of(x) for x in args]
            spec = Spec(found.shape, found.dtype)
            bound = certainty.magnitude(primitive, args, params, spec, known)
            assert bound == INF or np.all(np.abs(found) <= bound)


def agree(function, *args):
    expected = function(*args)
    for found in (ad.compile(function)(*args), Program(trace(function, *args), tiers={})(*args)):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_number_too_great_for_the_type_beside_it_is_infinite():
    x = np.array([INF, 1.0, 0.0, NAN], np.float32)
    agree(lambda x: strong_multiply(x, 1e300), x)
    agree(lambda x: np.isnan((x > 0).astype(np.float32) * 0.0 * 1e300), x)
    agree(lambda x: np.isfinite((x > 0).astype(np.float32) * 0.0 + 1e39), x)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_integers_that_go_round_may_be_0():
    y = np.full(3, INF)
    agree(lambda n, y: strong_multiply(np.abs(n) + 2**62 + 2**62, y), np.array([-(2**63), 1, 2]), y)
    agree(lambda n, y: strong_multiply(n * n + np.uint8(7), y), np.array([37, 1, 91], np.uint8), y)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_difference_that_float32_rounds_away_may_be_0():
    x = np.array([-1.0, 1.0], np.float32)

    def program(x, y):
        small = np.abs((x > 0).astype(np.float32)) + 1.0 + -0.9999999999
        return strong_multiply(small, y)

    agree(program, x, np.full(2, INF, np.float32))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_nan_that_is_repeated_0_times_shows_elsewhere():
    def program(x):
        slope = ad.grad(lambda x: np.sum(np.exp(-x * x) * x**2))(x)
        return np.stack(
            [np.sum(np.repeat(slope, [0, 1, 2])), np.sum(np.where(slope >= 0, 1.0, 9.0))]
        )

    agree(program, np.array([1e200, 0.5, 2.0]))
