"""Simplifying: fewer operations, the same values."""

import numpy as np
import pytest
from adjoint.graph import trace

import adjoint as ad
from adjoint import contract
from adjoint.compiler import portable
from adjoint.compiler.simplify.simplify import simplify
from adjoint.compiler.source.source import write
from adjoint.ops.products import strong_matmul, strong_multiply
from adjoint.ops.structural import sum_to
from sampled import sampled

X = np.array([[0.5, -1.0, 2.0], [0.0, 3.0, -0.25]])


def names(f, *args):
    return [node.primitive.name for node in simplify(trace(f, *args)).nodes]


@pytest.mark.parametrize(
    ("f", "left"),
    [
        (lambda x: x * 1, []),
        (lambda x: 1.0 * x, []),
        (lambda x: x + 0, ["add"]),  # 0 of -0
        (lambda x: x + -0.0, []),
        (lambda x: x - 0.0, []),
        (lambda x: x - -0.0, ["subtract"]),
        (lambda x: x + np.zeros((2, 3)), ["add"]),
        (lambda x: x / 1, []),
        (lambda x: x**1, []),
        (lambda x: +x, []),
        (lambda x: -(-x), []),  # noqa: B002
        (lambda x: x * -1, ["negative"]),
        (lambda x: x + -(x * 2), ["multiply", "subtract"]),
        (lambda x: x - -(x * 2), ["multiply", "add"]),
        (lambda x: 0 - x, ["subtract"]),  # 0 of 0, not -0
        (lambda x: -0.0 - x, ["negative"]),
        (lambda x: x.T.T, []),
        (lambda x: x.transpose(1, 0), ["transpose"]),
        (lambda x: x.transpose(0, 1), []),
        (lambda x: x.reshape(2, 3), []),
        (lambda x: x.reshape(6).reshape(3, 2), ["reshape"]),
        (lambda x: x.reshape(6).reshape(2, 3), []),
        (lambda x: x[:], []),
        (lambda x: x[..., :], []),
        (lambda x: sum_to(x, (2, 3)), []),
        (lambda x: x.astype(float), []),
        (lambda x: np.broadcast_to(x[0], (2, 3)) * x, ["index", "multiply"]),
        (lambda x: np.tanh(x) + np.tanh(x), ["tanh", "add"]),
        (lambda x: x * (2 * x) + (2 * x) * x, ["multiply", "multiply", "add"]),
        (lambda x: np.zeros_like(x) - x, ["subtract"]),
        (lambda x: strong_multiply(x, 0.0), []),
        (lambda x: strong_multiply(x, np.tanh(x)), ["tanh", "multiply"]),
        (lambda x: strong_multiply(x, 1 / x), ["divide", "strong_multiply"]),
        (lambda x: strong_multiply(x, np.exp(x)), ["exp", "strong_multiply"]),
        (lambda x: strong_multiply(x, np.sqrt(x)), ["sqrt", "strong_multiply"]),
        (lambda x: strong_multiply(x, x / 2), ["divide", "multiply"]),
        (lambda x: (x.T @ x[:, 0].reshape(2, 1)).reshape(3), ["transpose", "index", "matmul"]),
        (lambda x: (x[:, 0].reshape(1, 2) @ x).reshape(3), ["index", "matmul"]),
        (lambda x: np.where(np.isinf(x), 0.0, x), ["isinf", "where"]),
        (lambda x: np.where(np.isnan(np.tanh(x)), 0.0, x), ["tanh", "isnan", "where"]),
        (lambda x: np.where(np.isfinite(1.0 * (x > 0)), x, 1.0), []),
        (lambda x: np.where(np.isnan((x > 1) * 2.0 - 3.0) | (x > 0), x, 1.0), ["greater", "where"]),
        (lambda x: np.where(np.isinf(np.sin(1.0 * (x > 1))), 1.0, x), []),
        (lambda x: np.where(np.isnan(np.log(x)), 0.0, x), ["log", "isnan", "where"]),
        (
            lambda x: strong_multiply(x, np.exp(-x * x)),
            ["negative", "multiply", "exp", "multiply"],
        ),
        (
            lambda x: strong_multiply(x, 1 / (1 + x * x)),
            ["multiply", "add", "divide", "multiply"],
        ),
        (lambda x: strong_multiply(x, np.sqrt(x**2 + 1)), ["power", "add", "sqrt", "multiply"]),
        (lambda x: strong_multiply(x, np.log1p(x**2)), ["power", "log1p", "multiply"]),
        (lambda x: strong_multiply(x, 1 / x**2), ["power", "divide", "strong_multiply"]),
        (lambda x: strong_multiply(x, np.log(x * x)), ["multiply", "log", "strong_multiply"]),
        (lambda x: strong_matmul(x, x.T), ["transpose", "matmul"]),
        (lambda x: strong_matmul(np.log(x), x.T), ["log", "transpose", "strong_matmul"]),
    ],
)
def test_what_is_left(f, left):
    assert names(f, X) == left
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(simplify(trace(f, X))(X), trace(f, X)(X))


def test_a_factor_of_another_dtype_stays():
    x = np.ones(2, np.float32)
    graph = simplify(trace(lambda x: x * np.ones(2), x))
    assert graph(x).dtype == np.float64


def test_weak_numbers_stay_weak():
    x = np.ones(2, np.float32)
    graph = simplify(trace(lambda x: (x * np.full(2, 0.1, np.float32)) + 0.5, x))
    assert graph(x).dtype == np.float32


def test_names_and_structure_survive():
    def f(p):
        hidden = np.tanh(+p["w"])
        return {"out": hidden * 1, "constant": 2.0}

    graph = simplify(trace(f, {"w": X}))
    assert repr(graph({"w": X})["constant"]) == "array(2.)"
    assert list(graph.names.values()) == ["p_w", "hidden"]


def test_an_operand_of_a_graph_is_a_spec_or_a_constant():
    w = ad.tensor([2.0], requires_grad=True)
    graph = simplify(trace(lambda x: w * w * x, np.ones(1)))
    for node in graph.nodes:
        for arg, parent in zip(node.args, node.parents, strict=True):
            assert isinstance(arg, ad.core.Spec) == (parent is not None)


def _random_program(rng):
    """Return a function that applies random primitives to what it has so far."""
    unary = [np.tanh, np.exp, np.sin, lambda x: -x, lambda x: x * 1, lambda x: x + 0.0, np.sqrt]
    moves = [
        lambda x: x.T.T,
        lambda x: x.reshape(-1).reshape(x.shape),
        lambda x: np.broadcast_to(x.sum(axis=0), x.shape),
        lambda x: x - x.mean(axis=1, keepdims=True),
        lambda x: np.where(x > 0, np.sqrt(np.abs(x)), 0.0),
    ]
    binary = [np.add, np.subtract, np.multiply, np.maximum, lambda x, y: x / (1 + y * y)]
    plan = [
        (rng.integers(3), rng.integers(99), rng.integers(99), rng.integers(99)) for _ in "x" * 12
    ]

    def f(x, y):
        values = [x, y]
        for kind, which, left, right in plan:
            first, second = values[left % len(values)], values[right % len(values)]
            options = (unary, moves, binary)[kind]
            operation = options[which % len(options)]
            values.append(operation(first, second) if kind == 2 else operation(first))
        return sum(np.mean(v) for v in values[-4:])

    return f


@pytest.mark.parametrize("seed", range(40))
def test_random_programs_keep_their_values(seed):
    rng = np.random.default_rng(seed)
    f = _random_program(rng)
    x, y = np.abs(rng.normal(size=(2, 3, 4)))
    both = ad.value_and_grad(f, argnums=(0, 1))
    graph = trace(both, x, y)
    simple = simplify(graph)
    assert len(simple.nodes) <= len(graph.nodes)
    with np.errstate(all="ignore"):
        expected, (d_x, d_y) = both(x, y)
        got, (s_x, s_y) = simple(x, y)
        written, (w_x, w_y) = portable.load(write(simple, decides=True), simple.name)(x, y)
    for left, right in ((got, expected), (s_x, d_x), (s_y, d_y)):
        np.testing.assert_allclose(left, right, rtol=1e-12, atol=1e-12)
    for left, right in ((written, got), (w_x, s_x), (w_y, s_y)):
        np.testing.assert_allclose(left, right, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("primitive", "case"),
    sampled(
        [
            pytest.param(primitive, case, id=primitive.name)
            for primitive in ad.core.PRIMITIVES.values()
            if primitive.vjp is not None
            for case in contract.cases(primitive)[:3]
        ],
        3,
    ),
)
def test_every_primitives_gradient_keeps_its_values(primitive, case):
    args, params = contract.arguments(primitive, case, np.random.default_rng(0))
    floats = [n for n, x in enumerate(args) if x.dtype.kind == "f"]
    weights = np.random.default_rng(1).normal(size=np.shape(primitive.forward(*args, **params)))

    def f(*xs):
        full = list(args)
        for n, x in zip(floats, xs, strict=True):
            full[n] = x
        return ad.sum(primitive.bind(full, params) * weights)

    given = [args[n] for n in floats]
    graph = trace(ad.grad(f, argnums=tuple(range(len(given)))), *given)
    with np.errstate(all="ignore"):
        for left, right in zip(simplify(graph)(*given), graph(*given), strict=True):
            np.testing.assert_allclose(left, right, rtol=1e-12, atol=1e-12)
