"""Results share no memory: with each other, with arguments, with constants; in no tier."""

from itertools import combinations

import numpy as np
import pytest

import adjoint as ad
from adjoint.compiler.program import Program
from adjoint.core.tree import leaves, map_leaves

SMALL, LARGE = np.arange(4.0).reshape(2, 2) + 1, np.arange(2500.0).reshape(50, 50) + 1
CONSTANTS = {4: np.full((2, 2), 0.5), 2500: np.cos(np.arange(2500.0)).reshape(50, 50)}


def constant(x):
    return CONSTANTS[x.size]


FUNCTIONS = {
    "the argument": lambda x: x,
    "the argument twice": lambda x: (x, x),
    "views": lambda x: {"T": x.T, "row": x[0], "flat": x.reshape(-1), "flip": np.flip(x, 0)},
    "one result twice": lambda x: (y := x * 2, y, y.T, y[:1]),
    "a constant": lambda x: (constant(x), constant(x), np.ones(3), x + 1),
    "no gradient": lambda x: (ad.stop_gradient(x), ad.stop_gradient(constant(x)), x - 1),
    "repeated entries": lambda x: np.broadcast_to(np.sum(x), (40, 40)),
    "without native code": lambda x: (np.linalg.inv(x + 1e4 * np.eye(len(x))), x, x.T, x * 3),
    "a sorted one": lambda x: (np.sort(x, axis=0), np.cumsum(x, 1), x),
}


def assert_separate(results, given):
    arrays = [x for x in leaves(results) if isinstance(x, np.ndarray)]
    for one, other in combinations(arrays, 2):
        assert not np.shares_memory(one, other)
    for one in arrays:
        assert one.flags.writeable
        assert 0 not in one.strides
        for other in [x for x in leaves(given) if isinstance(x, np.ndarray)]:
            assert not np.shares_memory(one, other)


@pytest.mark.parametrize("point", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("f", FUNCTIONS.values(), ids=FUNCTIONS)
def test_results_are_separate_in_every_tier(f, point):
    x = point.copy()
    graph = ad.trace(f, x)
    given = [x, constant(x), graph.constants]
    calls = {
        "graph": graph,
        "compiled": ad.compile(f),
        "portable": Program(graph, tiers={}),
        "vjp": lambda x: ad.vjp(f, x)[0],
        "jvp": lambda x: ad.jvp(f, (x,), (x,))[0],
        "auxiliary": lambda x: ad.value_and_grad(lambda x: (np.sum(x), f(x)), has_aux=True)(x),
    }
    for call in calls.values():
        first, second = call(x), call(x)
        assert_separate([first, second], given)
        for array in [x for x in leaves(first) if isinstance(x, np.ndarray)]:
            array[...] = np.nan
        assert not any(np.isnan(array).any() for array in leaves(call(x)))


@pytest.mark.parametrize("point", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("f", FUNCTIONS.values(), ids=FUNCTIONS)
def test_out_may_lie_in_an_argument_in_every_tier(f, point):
    for program in (ad.compile(f), Program(ad.trace(f, point), tiers={})):
        expected = program(point)
        out = _like(expected)
        x = point.copy()
        targets = list(leaves(out))
        if targets[0].shape == x.shape:
            out = _replaced_first(out, x)
        found = program.run([x], out) if isinstance(program, Program) else program(x, out=out)
        for one, other in zip(leaves(found), leaves(expected), strict=True):
            np.testing.assert_array_equal(one, other)


def _like(tree):
    return map_leaves(lambda x: np.empty(np.shape(x), np.asarray(x).dtype), tree)


def _replaced_first(tree, x):
    rest = iter([x])
    return map_leaves(lambda leaf: next(rest, leaf), tree)


def test_gradients_of_two_arguments_are_separate():
    for n in (3, 3000):
        args = {"a": np.ones(n), "b": np.ones(n)}

        def f(p):
            return np.sum(p["a"] + p["b"])

        for call in (ad.grad(f), ad.compile(ad.grad(f))):
            found = call(args)
            assert_separate(found, args)
            found["a"] -= 1
            assert found["b"].tolist() == [1.0] * n
        both = ad.grad(lambda a, b: np.sum(a - b + 0 * a), (0, 1))(args["a"], args["b"])
        assert_separate(both, args)


def test_pulls_and_pushes_give_what_is_the_callers_own():
    for n in (3, 3000):
        x, g = np.ones(n), np.arange(float(n))
        value, pull = ad.vjp(lambda x: {"x": x, "y": x[::-1]}, x)
        value["x"][:] = 7.0
        given = {"x": g, "y": np.zeros(n)}
        first, second = pull(given), pull(given)
        assert_separate([value, first, second], [x, given])
        moved = ad.jvp(lambda x, y: (x, y, x.reshape(1, -1), x * 1), (x, x), (g, g))
        assert_separate(moved, [x, g])
        pushed = ad.linearize(lambda x: (x, x), x)[1](ad.tensor(g))
        assert_separate(pushed, [g])


def test_jacobians_are_separate():
    x = np.ones(60)
    found = ad.jacobian(lambda a, b: (a + b, a + b), (0, 1))(x, x)
    assert_separate(found, [x])
    assert_separate(ad.hessian(lambda x: np.sum(x**3))(x), [x])


def test_derivatives_inside_of_a_derivative_are_separate_too():
    def f(x):
        found = ad.grad(lambda p: np.sum(p["a"] * p["b"] + p["a"] + p["b"]))({"a": x, "b": x})
        found["a"] -= 1.0
        found["a"] *= 2.0
        return np.sum(found["a"] * found["b"])

    x = np.array([1.0, 2.0])
    for call in (ad.grad(f), ad.compile(ad.grad(f))):
        # 2 x (x + 1)
        np.testing.assert_allclose(call(x), 4 * x + 2, rtol=1e-14)
