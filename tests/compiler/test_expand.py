"""A card that says what it is made of has native code: in both regimes, with all special values."""

import importlib.util

import numpy as np
import pytest
from adjoint.contract import check_primitive, clauses
from adjoint.graph import Graph, trace

import adjoint as ad
from adjoint import nn
from adjoint.compiler.native.arrays.expansion import EXPANSIONS
from adjoint.compiler.native.lower import LOWERING
from adjoint.compiler.simplify.simplify import simplify, written_out
from adjoint.core import PRIMITIVES, STRONG, Value, kinds
from adjoint.ops.arithmetic import divide
from adjoint.ops.exponential import sqrt
from adjoint.ops.hyperbolic import cosh, tanh
from adjoint.ops.piecewise import where
from adjoint.ops.reductions import mean
from adjoint.ops.softmax import softmax_cross_entropy

needs_native = pytest.mark.skipif(
    importlib.util.find_spec("llvmlite") is None, reason="needs llvmlite"
)
DTYPES = [np.float64, np.float32]
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-30, 800.0, -800.0, 0.5, -2.0])
# Entries for straight-line code, and for loops over arrays.
SIZES = {"unrolled": 10, "nests of loops": 20_000}
TOLERANCE = {np.float64: 1e-13, np.float32: 1e-6}


@pytest.fixture
def register():
    """Return a function that gives a card to the table for the length of a test."""
    before = set(PRIMITIVES)
    yield lambda kind, forward, **columns: kind(latex="{x}", **columns)(forward)
    for name in set(PRIMITIVES) - before:
        del PRIMITIVES[name]
        if hasattr(Value, name):
            delattr(Value, name)


@pytest.fixture
def sech(register):
    def sech(x):
        """Return 1 / cosh x."""
        return 1 / np.cosh(x)

    return register(
        kinds.elementwise,
        sech,
        partials=[lambda y, x: -y * tanh(x)],
        strong=True,
        source="1 / np.cosh({x})",
        method=True,
        expand=lambda x: divide(1.0, cosh(x)),
        bounds=(0, 1),
        saturates=True,
    )


@pytest.fixture
def root_mean_square(register):
    def root_mean_square(x, *, axis=None, keepdims=False):
        """Return √(Σ x² / n) over ``axis``."""
        return np.sqrt(np.mean(np.square(x), axis=axis, keepdims=keepdims))

    def weights(y, x, *, axis, keepdims):
        count = x.size // max(y.size, 1)
        return divide(x, y * float(count))

    return register(
        kinds.reduction,
        root_mean_square,
        weights=weights,
        source="np.sqrt(np.mean(np.square({x}){params}))",
        cases=[((2, 3), {"axis": 1}), ((2, 3), {})],
        expand=lambda x, **params: sqrt(mean(x * x, **params)),
    )


@pytest.fixture
def side(register):
    def side(x):
        """Return ±1 by the side of 0 on which x lies, NaN's being the left one."""
        return np.where(x >= 0, 1.0, -1.0)

    return register(
        kinds.constant,
        side,
        source="np.where({x} >= 0, 1.0, -1.0)",
        expand=lambda x: where(x >= 0, 1.0, -1.0),
    )


def compiled(function, *args):
    """Return a compiled function, which is native throughout, after a call on its arguments."""
    program = ad.compile(function)
    program(*args)
    assert "tier: native" in program.report(), program.report()
    assert "portable" not in program.report()
    return program


def numbers(size, dtype):
    return np.resize(SPECIAL, size).astype(dtype)


@needs_native
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("regime", SIZES)
def test_an_elementwise_card_has_native_code_with_its_special_values(sech, regime, dtype):
    x = numbers(SIZES[regime], dtype)
    with np.errstate(over="ignore"):
        expected = sech(x)
    program = compiled(sech, x)
    found = program(x)
    assert regime in program.report()
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected, rtol=TOLERANCE[dtype], atol=0)
    np.testing.assert_array_equal(np.signbit(found), np.signbit(expected))


@needs_native
@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("regime", SIZES)
def test_its_derivatives_of_any_order_are_native_too(sech, regime, order):
    f = sech
    for _ in range(order):
        f = ad.grad(lambda x, f=f: f(x).sum())
    x = numbers(SIZES[regime], np.float64)
    with np.errstate(all="ignore"):
        expected = f(x)
    np.testing.assert_allclose(compiled(f, x)(x), expected, rtol=1e-12, atol=1e-12)


@needs_native
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 1), (0, -1)])
@pytest.mark.parametrize("shape", [(2, 3), (50, 20, 20)])
def test_a_reduction_is_written_out_along_its_axes(root_mean_square, shape, axis, dtype):
    x = np.random.default_rng(0).normal(size=shape).astype(dtype)

    def f(x):
        y = root_mean_square(x, axis=axis, keepdims=axis == 0)
        return (y * y * y).sum()

    value, slope = compiled(ad.value_and_grad(f), x)(x)
    expected, expected_slope = ad.value_and_grad(f)(x)
    assert slope.dtype == dtype
    # Sums in another order: of squares, so that nothing cancels.
    np.testing.assert_allclose(value, expected, rtol=10 * TOLERANCE[dtype])
    np.testing.assert_allclose(slope, expected_slope, rtol=10 * TOLERANCE[dtype])


def test_such_cards_keep_the_contract(sech, root_mean_square, side):
    for card in (sech, root_mean_square, side):
        names = list(clauses(card))
        assert "expansion_equals_forward" in names
        for name in names:
            check_primitive(card, name)


def test_the_contract_finds_an_expansion_that_is_another_function(register):
    def doubled(x):
        """Return 2 x."""
        return 2 * x

    card = register(
        kinds.elementwise,
        doubled,
        partials=[lambda y, x: 2.0],
        source="2 * {x}",
        expand=lambda x: where(x > 0, 2 * x, 0.0),
    )
    with pytest.raises(AssertionError, match="Not equal"):
        check_primitive(card, "expansion_equals_forward")


def test_written_source_keeps_the_cards_own_words(sech, tmp_path):
    def f(x):
        return sech(x) + ad.softmax(x)

    ad.write_source(f, tmp_path / "f.py", np.ones(3))
    source = (tmp_path / "f.py").read_text()
    assert "1 / np.cosh(x) + softmax(x)" in source


def test_what_is_written_out_has_no_card_with_an_expansion_left():
    graph = simplify(trace(lambda x: ad.softmax(x - x.mean()) * ad.linalg.norm(x), np.ones((2, 3))))
    assert any(node.primitive.expand for node in graph.nodes)
    assert not any(node.primitive.expand for node in written_out(graph).nodes)


def test_a_graph_without_such_cards_is_left_as_it_is():
    graph = simplify(trace(lambda x: ad.exp(x) + 1, np.ones(3)))
    assert written_out(graph) is graph


@needs_native
def test_a_zero_times_an_infinite_slope_is_zero(register):
    def root(x):
        """Return √x."""
        return np.sqrt(x)

    card = register(
        kinds.elementwise,
        root,
        partials=[lambda y, x: divide(0.5, y)],
        strong=True,
        source="np.sqrt({x})",
        domain=[(0.5, 2.0)],
        expand=lambda x: x**0.5,
    )
    slope = ad.grad(lambda x: where(x > 0, card(x), 0.0).sum())
    for size in SIZES.values():
        x = np.resize([0.0, 4.0, 1.0], size)
        found = compiled(slope, x)(x)
        assert found[:3].tolist() == slope(x)[:3].tolist() == [0, 0.25, 0.5]


@needs_native
@pytest.mark.parametrize("size", SIZES.values())
def test_nan_that_an_expansion_swallows_is_noticed_before(side, size):
    def f(g, x, y):  # the cotangent of x is g·y, in which 0·∞ counts as 0
        return side(ad.vjp(lambda x: x * y, x)[1](g)[0])

    g, x, y = np.zeros(size), np.ones(size), np.full(size, np.inf)
    assert (compiled(f, np.ones(size), x, np.ones(size))(g, x, y) == 1).all()
    assert (f(g, x, y) == 1).all()


@needs_native
def test_a_module_with_such_a_card_trains_as_native_epochs(sech):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    y = (X[:, 0] > X[:, 1]).astype(int)

    class Sech(nn.Module):
        def forward(self, x):
            return sech(x)

    def losses(hidden, compile):
        first, last = nn.Linear(3, hidden, rng=0), nn.Linear(hidden, 2, rng=1)
        model = nn.Sequential(first, Sech(), last)
        settings = {"loss": "cross_entropy", "optimizer": ad.optim.Adam(model.parameters())}
        history = ad.fit(
            model, (X, y), epochs=4, batch_size=25, seed=0, progress=False,
            compile=compile, **settings,
        )  # fmt: skip
        assert not compile or "tier: native" in history.report()
        return history.loss

    for hidden in (4, 80):  # straight-line code, and loops over arrays
        np.testing.assert_allclose(losses(hidden, True), losses(hidden, False), rtol=1e-10)


@needs_native
def test_an_expansion_of_another_dtype_is_not_taken(register):
    def shifted(x):
        """Return x + 1."""
        return x + 1

    card = register(
        kinds.elementwise,
        shifted,
        partials=[1],
        source="{x} + 1",
        expand=lambda x: x + np.float64(1),
    )
    program = ad.compile(card)
    assert program(np.ones(3, np.float32)).dtype == np.float32
    assert "shifted has no native rule" in program.report()


def one_more(register, **columns):
    def one_more(x):
        """Return x + 1."""
        return x + 1

    return register(kinds.elementwise, one_more, partials=[1], source="{x} + 1", **columns)


@needs_native
@pytest.mark.parametrize("made", [lambda x: (x + 1,), lambda x: None, lambda x: 1.0])
def test_an_expansion_that_gives_no_array_is_not_taken(register, made):
    program = ad.compile(one_more(register, expand=made))
    np.testing.assert_array_equal(program(np.ones(3)), np.full(3, 2.0))
    assert "one_more has no native rule" in program.report()


@needs_native
@pytest.mark.parametrize("by", [0, 1], ids=["itself", "another"])
def test_a_card_that_is_made_of_itself_has_no_native_rule(register, by):
    def plus_one(x):
        """Return x + 1."""
        return x + 1

    other = register(
        kinds.elementwise,
        plus_one,
        partials=[1],
        source="{x} + 1",
        expand=lambda x: card.bind([x], {}),
    )
    card = one_more(register, expand=lambda x: (card, other)[by].bind([x], {}))
    program = ad.compile(card)
    np.testing.assert_array_equal(program(np.ones(3)), np.full(3, 2.0))
    assert "one_more has no native rule" in program.report()


@needs_native
def test_a_card_may_be_made_of_itself_on_fewer_axes(register):
    def total(x, *, axes):
        """Return the sum over so many first axes."""
        return np.sum(x, axis=tuple(range(axes)))

    card = register(
        kinds.constant,
        total,
        shape=lambda x, *, axes: x.shape[axes:],
        dtype=lambda x, *, axes: x.dtype,
        source="np.sum({x}, axis=tuple(range({axes})))",
        expand=lambda x, *, axes: x if not axes else total_of(ad.sum(x, axis=0), axes - 1),
    )

    def total_of(x, axes):
        return card.bind([x], {"axes": axes})

    x = np.arange(24.0).reshape(2, 3, 4)
    np.testing.assert_array_equal(compiled(lambda x: total_of(x, 2), x)(x), x.sum((0, 1)))


@needs_native
def test_an_error_in_an_expansion_names_the_card(register):
    card = one_more(register, expand=lambda x: x + 1 // 0)
    with pytest.raises(ZeroDivisionError) as caught:
        ad.compile(card)(np.ones(3))
    assert "the card of one_more" in caught.value.__notes__[0]


@needs_native
def test_what_is_made_of_an_operation_without_native_code_says_which(register):
    def log_abs_det(x):
        """Return log |det x|."""
        return np.linalg.slogdet(x)[1]

    card = register(
        kinds.constant,
        log_abs_det,
        shape=lambda x: (),
        dtype=lambda x: x.dtype,
        source="np.linalg.slogdet({x})[1]",
        cases=[((2, 2), {})],
        expand=lambda x: ad.log(abs(ad.linalg.det(x))),
    )
    program = ad.compile(card)
    np.testing.assert_allclose(program(np.diag([2.0, -3.0])), np.log(6), rtol=1e-14)
    assert "det has no native rule" in program.report()


def test_no_card_has_two_native_definitions():
    expanded = {name for name, card in PRIMITIVES.items() if card.expand is not None}
    assert {"softmax", "softmax_cross_entropy", "logsumexp", "mean", "sum_to"} <= expanded
    assert not expanded & (LOWERING.keys() | EXPANSIONS.keys())


@pytest.mark.parametrize("name", [name for name, card in PRIMITIVES.items() if card.plain])
def test_a_strong_product_takes_what_its_plain_one_takes(name):
    strong = PRIMITIVES[name]
    plain = PRIMITIVES[strong.plain]
    assert STRONG[plain.name] is strong
    assert (plain.array_names, plain.param_names) == (strong.array_names, strong.param_names)


SOFTMAXES = {
    "softmax": ad.softmax,
    "log_softmax": ad.log_softmax,
    "logsumexp": lambda x: ad.logsumexp(x, axis=-1),
    "logsumexp of all": lambda x: ad.logsumexp(x),
    "softmax of all": lambda x: ad.softmax(x, axis=None),
    "cross entropy": lambda x: softmax_cross_entropy(x, np.arange(len(x)) % 3),
}


@needs_native
@pytest.mark.parametrize("rows", [4, 400])
@pytest.mark.parametrize("name", SOFTMAXES)
def test_infinite_logits_are_computed_natively_as_they_are_eagerly(name, rows, monkeypatch):
    f = SOFTMAXES[name]
    x = np.random.default_rng(0).normal(size=(rows, 3)) * 1000
    program = compiled(f, x)
    monkeypatch.setattr(Graph, "evaluate", None)  # which would be asked in doubt
    for special in (np.inf, -np.inf, np.nan):
        x[1, 1] = special
        with np.errstate(all="ignore"):
            np.testing.assert_allclose(program(x), f(x), rtol=1e-13, atol=1e-300)


@pytest.mark.parametrize("dtype", ["?", "u1", "i1", "i4", "f4"])
def test_the_loss_of_whole_logits_is_that_of_floats_in_every_tier(dtype):
    x = (np.arange(12).reshape(3, 4) % 5).astype(dtype)
    labels = np.array([0, 3, 1])
    expected = softmax_cross_entropy(x, labels)
    found = ad.compile(softmax_cross_entropy)(x, labels)
    assert found.dtype == expected.dtype == np.exp(x).dtype
    # Half precision, that of small integers' exponentials, has eleven bits.
    rtol = 4 * np.finfo(expected.dtype).eps
    np.testing.assert_allclose(expected, softmax_cross_entropy(x * 1.0, labels), rtol=rtol)
    np.testing.assert_allclose(found, expected, rtol=rtol)


@pytest.mark.parametrize("dtype", ["?", "u1", "i4"])
def test_whole_numbers_are_close_as_they_are_eagerly(dtype):
    x = (np.arange(12) % 5).astype(dtype)
    found = ad.compile(lambda x, y: ad.isclose(x, y))(x, x[::-1])
    np.testing.assert_array_equal(found, np.isclose(x, x[::-1]))
    np.testing.assert_array_equal(ad.compile(lambda x: ad.isclose(x, True))(x), np.isclose(x, True))


@pytest.mark.parametrize("f", [ad.softmax, ad.log_softmax, ad.logsumexp, ad.linalg.norm])
def test_arrays_without_entries_are_left_to_the_card_itself(f):
    x = np.ones((0, 2))
    np.testing.assert_array_equal(ad.compile(f)(x), f(x))
