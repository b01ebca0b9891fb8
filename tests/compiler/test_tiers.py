"""Tiers: whatever runs a program, its value and its gradient are the same numbers."""

import importlib.util
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pytest
from adjoint.graph import trace
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import adjoint as ad
from adjoint.compiler import portable
from adjoint.compiler.native.unlowerable import Unlowerable
from adjoint.compiler.simplify.simplify import simplify
from adjoint.compiler.source.source import write
from adjoint.core.tree import leaves
from sampled import sampled

HAS_NATIVE = importlib.util.find_spec("llvmlite") is not None

# LLVM takes a quarter of a millisecond for each scalar operation: larger programs are left out.
MOST_OPERATIONS = 1200
MOST_ENTRIES = 16
# Beyond this, rounding that a chain of products and exponentials amplifies outgrows any tolerance.
MOST_MAGNITUDE = 1e3

# A tier may sum in another order, and has its own exp and tanh: each operation may differ by a few
# units of the last place (2e-16, 1e-7), which a dozen steps of slope up to ten amplify. Relative to
# the largest magnitude on the way, since a difference of large numbers keeps their error.
TOLERANCE = {np.dtype(np.float64): 1e-11, np.dtype(np.float32): 1e-4}
# A comparison of numbers this close may be decided by their rounding.
CLOSE = {np.dtype(np.float64): 1e-9, np.dtype(np.float32): 1e-3}
# A numerical difference of step 7e-4 needs a kink further off than the steepest slope carries it,
# and a function that is tame on that scale.
FAR_FROM_KINKS = 0.05
TAME = 10.0


# --- the cards


def _ignore(_):
    """Stand in for a watch that nobody keeps."""


def _fitting(x, y):
    """Return ``y``, or its sum if it does not broadcast with ``x`` to a small array."""
    try:
        shape = np.broadcast_shapes(x.shape, y.shape)
    except ValueError:
        return ad.sum(y)
    return y if np.prod(shape) <= MOST_ENTRIES else ad.sum(y)


def _axis(x, knob):
    """Return one of the axes, or None for all of them."""
    return None if x.ndim == 0 else (None, *range(-x.ndim, x.ndim))[knob % (2 * x.ndim + 1)]


def _matmul(x, y, knob, watch):
    if x.ndim == 0 or y.ndim == 0:
        return x * _fitting(x, y)
    inner = y.shape[max(-2, -y.ndim)]
    if x.shape[-1] == inner and x.ndim <= 2 and y.ndim <= 2:
        return x @ y
    matrix = x.reshape(-1, x.shape[-1]) if x.size else x.reshape(0, 1)
    return matrix @ matrix.T if knob % 2 else matrix.T @ matrix


def _concatenate(x, y, knob, watch):
    if x.ndim == 0:
        return ad.stack([x, ad.sum(y)])
    if x.size > MOST_ENTRIES // 2:
        return ad.concatenate([x[:1], x[:1]])
    axis = knob % x.ndim
    rest = [other for other in range(x.ndim) if other != axis]
    matches = x.ndim == y.ndim and all(x.shape[n] == y.shape[n] for n in rest)
    return ad.concatenate([x, y if matches and y.size <= MOST_ENTRIES // 2 else x * 2], axis=axis)


def _stack(x, y, knob, watch):
    if x.ndim > 2 or x.size > MOST_ENTRIES // 2:
        return x
    other = y if y.shape == x.shape else -x
    return ad.stack([x, other], axis=knob % (x.ndim + 1))


def _index(x, knob):
    if x.ndim == 0:
        return x[None]
    n = x.shape[0]
    choices = [
        lambda: x[::-1],
        lambda: x[1:],
        lambda: x[..., None] if x.ndim < 3 else x[..., :1],
        lambda: x[..., ::2],
        lambda: x[-1] if n else x,
        lambda: x[[0, n - 1, 0]] if n and x.size <= MOST_ENTRIES // 2 else x,
    ]
    return choices[knob % len(choices)]()


def _reshape(x, knob):
    size = int(np.prod(x.shape))
    shapes = [(size,), (1, size), (size, 1), x.shape[::-1]]
    shapes += [(k, size // k) for k in (2, 3) if size % k == 0]
    return x.reshape(shapes[knob % len(shapes)])


def _mean(x, knob):
    axis = _axis(x, knob)
    count = x.size if axis is None else x.shape[axis]
    return ad.mean(x, axis=axis, keepdims=knob % 3 == 0) if count else ad.sum(x, axis=axis)


def _extreme(reduce):
    def rule(x, knob, watch):
        axis = _axis(x, knob)
        if x.size == 0:
            return ad.sum(x, axis=axis)
        best = reduce(x, axis=axis, keepdims=True)
        watch(lambda: np.sort(np.abs(x - best), axis=axis)[_second(x, axis)])
        return reduce(x, axis=axis, keepdims=knob % 3 == 0)

    return rule


def _second(x, axis):
    """Return the index of the runners-up, once sorted along an axis."""
    if axis is None:
        return np.s_[1:2]
    return tuple(np.s_[1:2] if n == axis % x.ndim else np.s_[:] for n in range(x.ndim))


def _by_sum(function):
    """Return the rule of a reduction that arrays without entries have as their sum."""

    def rule(x, knob, watch):
        axis = _axis(x, knob)
        return function(x, axis=axis) if x.size and x.ndim else ad.sum(x, axis=axis)

    return rule


def _kinked(function):
    def rule(x, knob, watch):
        watch(lambda: x)
        return function(x)

    return rule


def _where(x, y, knob, watch):
    y = _fitting(x, y)
    watch(lambda: x - y)
    watch(lambda: y - 0.3)
    condition = [x > y, x <= y, (x < y) | (y >= 0.3), ~(x > y) & (y < 0.3)][knob % 4]
    return ad.where(condition, x * y, [0.5, y, x][knob % 3])


def _chosen(choose):
    def rule(x, y, knob, watch):
        y = _fitting(x, y)
        watch(lambda: x - y)
        return choose(x, y)

    return rule


def _unary(function):
    return lambda x, knob, watch: function(x)


def _moved(function):
    return lambda x, knob, watch: function(x, knob)


def _binary(function):
    return lambda x, y, knob, watch: function(x, _fitting(x, y))


UNARY = {
    "tanh": _unary(ad.tanh),
    "sin": _unary(ad.sin),
    "cos": _unary(np.cos),
    "sigmoid": _unary(ad.sigmoid),
    "softplus": _unary(ad.softplus),
    "negative": _unary(lambda x: -x),
    "square": _unary(ad.square),
    "cube": _unary(lambda x: x**3),
    "exp of a tame number": _unary(lambda x: ad.exp(ad.tanh(x))),
    "expm1 of a tame number": _unary(lambda x: ad.expm1(ad.tanh(x))),
    "log of a positive number": _unary(lambda x: ad.log(ad.softplus(x) + 0.5)),
    "log1p of a square": _unary(lambda x: ad.log1p(x * x)),
    "sqrt of a positive number": _unary(lambda x: ad.sqrt(x * x + 0.5)),
    "power of a positive number": _moved(lambda x, k: (1 + x * x) ** [-1, 0.5, -1, -1.5][k % 4]),
    "reciprocal": _unary(lambda x: 1 / (2 + ad.tanh(x))),
    "scale and shift": _unary(lambda x: 0.5 * x + 0.25),
    "one and zero": _unary(lambda x: x * 1 + 0),
    "relu": _kinked(ad.relu),
    "absolute": _kinked(abs),
    "sum": _moved(lambda x, k: ad.sum(x, axis=_axis(x, k), keepdims=k % 3 == 0)),
    "mean": _moved(_mean),
    "max": _extreme(ad.max),
    "min": _extreme(ad.min),
    "logsumexp": _by_sum(ad.logsumexp),
    "softmax": _moved(lambda x, k: ad.softmax(x, axis=k % x.ndim) if x.size and x.ndim else x),
    "cumsum": _moved(lambda x, k: ad.cumsum(x, axis=k % x.ndim) if x.ndim else x),
    "transpose": _unary(lambda x: x.T),
    "move an axis": _moved(lambda x, k: np.moveaxis(x, k % x.ndim, 0) if x.ndim else x),
    "reshape": _moved(_reshape),
    "index": _moved(_index),
    "flip": _moved(lambda x, k: ad.flip(x, axis=_axis(x, k))),
    "roll": _moved(lambda x, k: ad.roll(x, k, axis=_axis(x, k))),
    "lower triangle": _moved(lambda x, k: ad.tril(x, k=k % 3 - 1) if x.ndim > 1 else x),
}
BINARY = {
    "add": _binary(lambda x, y: x + y),
    "subtract": _binary(lambda x, y: x - y),
    "multiply": _binary(lambda x, y: x * y),
    "divide": _binary(lambda x, y: x / (1 + y * y)),
    "maximum": _chosen(ad.maximum),
    "minimum": _chosen(ad.minimum),
    "where": _where,
    "matmul": _matmul,
    "concatenate": _concatenate,
    "stack": _stack,
}


# --- programs of them


@dataclass(frozen=True)
class Step:
    """One card: its name, how far back its operands lie, and a number that sets its details."""

    card: str
    left: int
    right: int
    knob: int


@dataclass(frozen=True)
class Program:
    """A program and the point where it runs."""

    shapes: tuple
    dtypes: tuple
    steps: tuple
    seed: int

    @cached_property
    def inputs(self):
        rng = np.random.default_rng(self.seed)
        return [rng.normal(size=s).astype(d) for s, d in zip(self.shapes, self.dtypes, strict=True)]

    def run(self, inputs, watch=_ignore):
        """Return all values, the inputs first; ``watch`` is shown what vanishes at a kink."""
        values = list(inputs)
        for step in self.steps:
            x, y = values[-1 - step.left % len(values)], values[-1 - step.right % len(values)]
            if step.card in UNARY:
                values.append(UNARY[step.card](x, step.knob, watch))
            else:
                values.append(BINARY[step.card](x, y, step.knob, watch))
        return values

    def outputs(self, *inputs):
        return tuple(self.run(inputs)[-2:])

    def with_gradient(self):
        """Return the function that gives the outputs and the gradient of a random contraction."""
        rng = np.random.default_rng(self.seed + 1)
        weights = [
            np.asarray(rng.normal(size=np.shape(y)), y.dtype)[()]
            for y in self.outputs(*self.inputs)
        ]

        def contraction(*inputs):
            outputs = self.outputs(*inputs)
            return sum(ad.sum(w * y) for w, y in zip(weights, outputs, strict=True)), outputs

        return ad.value_and_grad(contraction, tuple(range(len(self.inputs))), has_aux=True)


MOST_STEPS = 12


def _step(rng):
    """Return a random step; operands are mostly late values, so that programs are deep."""
    return Step(
        card=str(rng.choice([*UNARY, *BINARY, *BINARY])),
        left=int(rng.geometric(0.5)) - 1,
        right=int(rng.geometric(0.3)) - 1,
        knob=int(rng.integers(12)),
    )


def _program(shapes, dtypes, kept, seed):
    # The steps come from a seed, since drawn one by one they are few and much alike; what is drawn
    # is which of them are kept, so that a program that fails shrinks to the steps it needs.
    rng = np.random.default_rng(seed)
    steps = [step for keep in kept if (step := _step(rng)) and keep]
    return Program(shapes, dtypes, tuple(steps[:MOST_STEPS]), seed)


def _programs(dtypes):
    size = st.sampled_from([2, 3, 2, 3, 2, 3, 2, 3, 2, 1, 1, 0])
    shape = st.one_of(
        st.tuples(size, size), st.tuples(size), st.tuples(), st.tuples(size, size, st.just(2))
    )
    return st.builds(
        _program,
        shapes=st.tuples(shape, shape),
        dtypes=dtypes,
        kept=st.tuples(*[st.booleans()] * 16),
        seed=st.integers(0, 2**32 - 1),
    )


DOUBLE, SINGLE = np.dtype(np.float64), np.dtype(np.float32)


# --- what is compared


class Facts:
    """What one eager run shows: how close it came to a kink, and its largest magnitude."""

    def __init__(self, program):
        self.gap = np.inf
        values = program.run(program.inputs, self._watch)
        self.magnitude = max(1.0, *(np.max(np.abs(value), initial=0.0) for value in values))

    def _watch(self, difference):
        self.gap = min(self.gap, np.min(np.abs(difference()), initial=np.inf))


def _assert_agree(found, expected, bound):
    found, expected = list(leaves(found)), list(leaves(expected))
    for ours, theirs in zip(found, expected, strict=True):
        ours, theirs = np.asarray(ours), np.asarray(theirs)
        assert ours.dtype == theirs.dtype
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=bound)


def _run_natively(graph, arrays):
    """Return the results of both native regimes, or None where there is no rule for a card."""
    from adjoint.compiler.native.function import NativeFunction

    try:
        unrolled = NativeFunction(graph, limit=MOST_OPERATIONS)(arrays)
        return unrolled, NativeFunction(graph, limit=0)(arrays)
    except Unlowerable:
        return None


def _compare_tiers(program):
    """Compare all tiers with eager evaluation; return whether the native one takes the program."""
    facts = Facts(program)
    worst = SINGLE if SINGLE in program.dtypes else DOUBLE
    function, inputs = program.with_gradient(), program.inputs
    expected = function(*inputs)
    scale = max(facts.magnitude, *(np.max(np.abs(x), initial=0.0) for x in leaves(expected)))
    bound = TOLERANCE[worst] * float(scale)

    graph = trace(function, *inputs)
    _assert_agree(graph(*inputs), expected, bound)
    simple = simplify(graph)
    assert len(simple.nodes) <= len(graph.nodes)
    _assert_agree(simple(*inputs), expected, bound)
    written = portable.load(write(simple), simple.name)
    _assert_agree(written(*inputs), expected, bound)
    native = _run_natively(graph, inputs) if HAS_NATIVE else None
    if native is not None:
        for found in native:
            _assert_agree(found, expected, bound)
    return native is not None


def _sample(test, programs, count):
    """Run a test on so many programs, always the same ones."""
    rules = settings(
        max_examples=count,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    rules(given(programs)(test))()


def _test_dtypes(dtypes, count):
    lowered = []

    def every_tier_agrees(program):
        facts, worst = Facts(program), SINGLE if SINGLE in program.dtypes else DOUBLE
        assume(facts.magnitude < MOST_MAGNITUDE and facts.gap > CLOSE[worst])
        lowered.append(_compare_tiers(program))

    _sample(every_tier_agrees, _programs(dtypes), count)
    assert len(lowered) >= count
    # All but those with arrays without entries, and what NumPy alone sorts.
    assert not HAS_NATIVE or np.mean(lowered) > 0.7


def test_every_tier_agrees_in_float64(full):
    _test_dtypes(st.just((DOUBLE, DOUBLE)), 1000 if full else 30)


def test_every_tier_agrees_where_float32_enters(full):
    pairs = [(SINGLE, SINGLE), (SINGLE, SINGLE), (SINGLE, DOUBLE), (DOUBLE, SINGLE)]
    _test_dtypes(st.sampled_from(pairs), 1000 if full else 30)


def test_gradients_are_those_of_numerical_differences(full):
    checked = []

    def both_modes_agree(program):
        facts = Facts(program)
        assume(facts.magnitude < TAME and facts.gap > FAR_FROM_KINKS)
        checked.append(program)
        ad.check_gradients(program.outputs, *program.inputs, order=1, rtol=1e-5, atol=1e-7)

    count = 1000 if full else 50
    _sample(both_modes_agree, _programs(st.just((DOUBLE, DOUBLE))), count)
    assert len(checked) >= count


SHAPES = [((2, 3), (2, 3)), ((3,), (2, 3)), ((2, 1, 2), ()), ((0, 2), (2,))]


@pytest.mark.parametrize(
    "dtypes",
    [
        pytest.param((DOUBLE, DOUBLE), id="same"),
        pytest.param((SINGLE, DOUBLE), id="mixed", marks=pytest.mark.full),
    ],
)
@pytest.mark.parametrize("card", sampled([*UNARY, *BINARY], 4))
def test_every_tier_agrees_on_each_card_alone(card, dtypes, full):
    for number, shapes in enumerate(SHAPES):
        for knob in range(12) if full else [number]:
            step = Step(card, left=1, right=0, knob=knob)
            _compare_tiers(Program(shapes, dtypes, (step,), seed=3))


@pytest.mark.skipif(not HAS_NATIVE, reason="llvmlite is not installed")
@pytest.mark.parametrize("join", [ad.concatenate, ad.stack])
@pytest.mark.parametrize("other", [np.float32([2.5]), np.array([3]), np.array([True])])
def test_the_native_tier_joins_two_dtypes(join, other):
    graph = trace(lambda x, y: join([x, y]), np.array([1.5]), other)
    arrays = [np.array([1.5]), other]
    for found in _run_natively(graph, arrays):
        _assert_agree(found, graph.evaluate(arrays), 0.0)


def test_written_source_keeps_a_float64_scalar():
    x = np.float32(0.7)
    graph = simplify(trace(lambda x: ad.multiply(np.float64(0.1), x), x))
    written = portable.load(write(graph), graph.name)
    _assert_agree(written(x), ad.multiply(np.float64(0.1), x), 0.0)
