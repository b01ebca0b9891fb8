"""Products: values are NumPy's, gradients are right, and 0·∞ in a derivative is 0."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import adjoint as ad
from adjoint.core import PRIMITIVES
from adjoint.ops.einsum import einsum
from adjoint.ops.products import strong_product

RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.standard_normal(shape)


CALLS = [
    *[
        pytest.param(np.dot, [normal(*a), normal(*b)], {}, id=f"dot {a} {b}")
        for a, b in [
            ((), (3,)),
            ((3,), (3,)),
            ((2, 3), (3,)),
            ((3,), (3, 2)),
            ((2, 3), (3, 4)),
            ((2, 2, 3), (3,)),
            ((2, 3), (2, 3, 4)),
            ((2, 2, 3), (2, 3, 2)),
            ((3,), (2, 3, 2)),
            ((2, 0), (0, 3)),
        ]
    ],
    pytest.param(np.inner, [normal(2, 3), normal(4, 2, 3)], {}, id="inner"),
    pytest.param(np.inner, [normal(), normal(2)], {}, id="inner of a number"),
    pytest.param(np.outer, [normal(2, 2), normal(3)], {}, id="outer"),
    pytest.param(np.vdot, [normal(2, 3), normal(3, 2)], {}, id="vdot"),
    pytest.param(np.kron, [normal(2, 3), normal(2)], {}, id="kron"),
    pytest.param(np.kron, [normal(2), normal(1, 2, 2)], {}, id="kron of more axes"),
    *[
        pytest.param(np.tensordot, [normal(2, 3, 3), normal(3, 3, 2)], {"axes": axes}, id=f"{axes}")
        for axes in (0, 1, 2, (1, 0), ((1, -1), (1, 0)), ([0, 2], [2, 1]))
    ],
    pytest.param(np.tensordot, [normal(0, 3), normal(3, 0)], {"axes": 1}, id="tensordot, empty"),
    pytest.param(np.cross, [normal(4, 3), normal(3)], {}, id="cross"),
    pytest.param(np.cross, [normal(3, 4), normal(4, 3)], {"axisa": 0, "axisc": 0}, id="cross axes"),
    pytest.param(np.cross, [normal(3, 2), normal(3, 2)], {"axis": 0}, id="cross axis"),
    pytest.param(np.vecdot, [normal(2, 1, 3), normal(4, 3)], {}, id="vecdot"),
    pytest.param(np.vecdot, [normal(3, 4), normal(3, 1)], {"axis": 0}, id="vecdot axis"),
    pytest.param(np.linalg.vecdot, [normal(2, 3), normal(3)], {}, id="linalg.vecdot"),
    pytest.param(np.linalg.cross, [normal(2, 3), normal(3)], {}, id="linalg.cross"),
    pytest.param(np.linalg.outer, [normal(2), normal(3)], {}, id="linalg.outer"),
    pytest.param(np.linalg.matmul, [normal(2, 3), normal(3, 2)], {}, id="linalg.matmul"),
    pytest.param(np.linalg.tensordot, [normal(2, 3), normal(2, 3)], {}, id="linalg.tensordot"),
]
if hasattr(np, "matvec"):  # NumPy 2.2
    CALLS += [
        pytest.param(np.matvec, [normal(4, 2, 3), normal(3)], {}, id="matvec"),
        pytest.param(np.vecmat, [normal(4, 2), normal(2, 3)], {}, id="vecmat"),
    ]


def compare(function, args, **kwargs):
    expected = function(*args, **kwargs)
    got = function(*(ad.tensor(x, requires_grad=True) for x in args), **kwargs)
    assert isinstance(got, ad.Tensor)
    assert got.shape == np.shape(expected)
    np.testing.assert_allclose(got.data, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("function", "args", "kwargs"), CALLS)
def test_values_are_numpys_and_gradients_right(function, args, kwargs):
    compare(function, args, **kwargs)
    ad.check_gradients(lambda *xs: function(*xs, **kwargs), *args)


def test_lists_and_methods_are_understood():
    x = ad.tensor([1.0, 2.0], requires_grad=True)
    assert np.dot(x, [1.0, 2.0]).item() == x.dot([1.0, 2.0]).item() == 5
    assert np.outer([1.0, 2.0], x).shape == np.outer(x, [1, 2]).shape == (2, 2)
    assert np.einsum("i,i", x, [1.0, 1.0]).item() == 3


def test_float32_stays():
    x, y = (ad.tensor(normal(3, 3), dtype=np.float32, requires_grad=True) for _ in range(2))
    for function in (np.dot, np.inner, np.outer, np.kron, np.cross, np.tensordot):
        assert function(x, y).dtype == np.float32
    total = np.einsum("ii,jk->ik", x, y).sum() + np.convolve(x[0], y[0]).sum()
    total.backward()
    assert total.dtype == x.grad.dtype == y.grad.dtype == np.float32


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: np.dot(x, x), r"matmul: inner sizes differ, \(2, 3\) @ \(2, 3\)"),
        (lambda x: np.inner(x, x.T), r"tensordot: sizes differ .* \(2, 3\) and \(3, 2\)"),
        (lambda x: np.tensordot(x, x, axes=3), "tensordot: sizes differ over axes 3"),
        (lambda x: np.vdot(x, x[0]), "differ in their number of entries"),
        (lambda x: np.vecdot(x, x[:, :2]), "vecdot: sizes differ"),
        (lambda x: np.cross(x, x[:, :2]), "cross: shapes .* expected 3 entries"),
        (lambda x: np.linalg.outer(x, x), "outer: got shapes .* expected two vectors"),
        (lambda x: np.linalg.multi_dot([x]), "expected at least 2"),
        (lambda x: np.linalg.multi_dot([x, x[0], x]), "expected matrices, vectors at the ends"),
        (lambda x: np.convolve(x, x), "convolve: got shapes .* expected non-empty vectors"),
        (lambda x: np.correlate(x[0], x[0, :0]), "correlate: got shapes"),
    ],
)
def test_shapes_that_do_not_fit_are_explained(call, message):
    with pytest.raises(ad.ShapeError, match=message):
        call(ad.tensor(np.ones((2, 3)), requires_grad=True))


# --- chains


@pytest.mark.parametrize("shapes", [[(4,), (4, 3), (3, 5), (5,)], [(4, 5), (5, 3), (3, 7), (7, 2)]])
def test_chains_are_multiplied(shapes):
    args = [normal(*shape) for shape in shapes]
    compare(lambda *xs: np.linalg.multi_dot(xs), args)
    ad.check_gradients(lambda *xs: np.linalg.multi_dot(xs), *args)


def test_chains_are_multiplied_in_the_cheap_order():
    """Of a column between long rows the scalar product comes first: nothing is 50 × 50."""
    row, column = ad.tensor(normal(1, 50), requires_grad=True), normal(50, 1)
    result = np.linalg.multi_dot([column, row, column])
    assert result.node.args[0].shape == (50, 1)
    assert result.node.args[1].shape == (1, 1)


# --- convolution


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("function", [np.convolve, np.correlate])
def test_sequences_slide_along_each_other(function, mode):
    for n, m in itertools.product(range(1, 7), repeat=2):
        compare(function, [normal(n), normal(m)], mode=mode)
    for n, m in [(5, 3), (2, 5), (4, 4)]:
        ad.check_gradients(lambda x, y: function(x, y, mode), normal(n), normal(m))


def test_a_number_is_a_sequence_of_one():
    compare(np.convolve, [normal(), normal(2)])


def test_an_unknown_mode_names_the_choices():
    with pytest.raises(ValueError, match="choose one of full, same, valid"):
        np.convolve(ad.tensor(np.ones(2)), np.ones(2), "half")


# --- einsum


@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [
        ("ij,jk", [(2, 3), (3, 4)]),
        ("ba", [(2, 3)]),
        ("aAb", [(2, 3, 2)]),
        ("ii", [(3, 3)]),
        ("iji->j", [(2, 3, 2)]),
        ("i,j,k", [(2,), (3,), (2,)]),
        ("...ij,...jk->...ik", [(5, 2, 3), (3, 4)]),
        ("...ij , ...jk", [(1, 5, 2, 3), (2, 1, 3, 2)]),
        ("i...->...", [(2, 3, 2)]),
        ("...ii->...i", [(2, 3, 3)]),
        ("...,...", [(2, 3), (3,)]),
        (",i->i", [(), (2,)]),
        ("ij,ij->ij", [(2, 1), (1, 3)]),
        ("ii,i->i", [(1, 1), (3,)]),
        ("ij->", [(0, 3)]),
    ],
)
@pytest.mark.parametrize("optimize", [False, True, "optimal"])
def test_subscripts_in_every_form(subscripts, shapes, optimize):
    args = [normal(*shape) for shape in shapes]
    try:
        np.einsum(subscripts, *args, optimize=optimize)
    except ValueError:  # NumPy's paths know fewer forms than its plain einsum
        optimize = False
    compare(lambda *xs: np.einsum(subscripts, *xs, optimize=optimize), args)
    ad.check_gradients(lambda *xs: np.einsum(subscripts, *xs, optimize=optimize), *args)


def test_the_interleaved_form():
    x, y = normal(2, 3), normal(3, 2)
    compare(lambda x, y: np.einsum(x, [0, 1], y, [1, 2], [2, 0]), [x, y])
    compare(lambda x, y: np.einsum(x, [0, 1], y, [1, 2]), [x, y])
    compare(lambda x, y: np.einsum(x, [..., 1], y, [1, 30]), [x, y])


def test_a_path_of_the_callers():
    args = [normal(2, 3), normal(3, 4), normal(4, 2)]
    path, _ = np.einsum_path("ij,jk,kl->il", *args)
    ad.check_gradients(lambda *xs: np.einsum("ij,jk,kl->il", *xs, optimize=path), *args)


@st.composite
def contractions(draw):
    """Subscripts and shapes of one to three operands, letters repeated, sizes 1 broadcasting."""
    sizes = {letter: draw(st.integers(1, 3)) for letter in "abcd"}
    terms = draw(st.lists(st.text("abcd", max_size=3), min_size=1, max_size=3))
    shapes = []
    for term in terms:
        thin = draw(st.sets(st.sampled_from("abcd"), max_size=1))
        shapes.append(tuple(1 if letter in thin else sizes[letter] for letter in term))
    subscripts = ",".join(terms)
    if draw(st.booleans()):
        letters = sorted(set("".join(terms)))
        kept = draw(st.permutations(letters))[: draw(st.integers(0, len(letters)))]
        subscripts += "->" + "".join(kept)
    return subscripts, shapes


@settings(max_examples=60, deadline=None)
@given(contractions())
def test_any_einsum(contraction):
    subscripts, shapes = contraction
    args = [np.random.default_rng(n).uniform(0.5, 2, s) for n, s in enumerate(shapes)]
    compare(lambda *xs: np.einsum(subscripts, *xs), args)
    ad.check_gradients(lambda *xs: np.einsum(subscripts, *xs), *args, order=1)


@pytest.mark.parametrize(
    ("subscripts", "count", "message"),
    [
        ("ij,jk", 2, r"'j' stands for sizes \[2, 3\] \(received shapes \(2, 3\), \(2, 3\)\)"),
        ("ij", 2, "1 terms for 2 operands"),
        ("ijk", 1, "has not as many letters"),
        ("ij->k", 1, "has an unknown one"),
        ("ij->ii", 1, "repeats a letter"),
        ("i1", 1, "expected letters"),
        ("i..", 1, "expected letters"),
        ("ii", 1, "sizes 2 and 3 in one operand"),
        ("...j->j", 1, r"the output has no '\.\.\.'"),
    ],
)
def test_subscripts_that_do_not_fit_are_explained(subscripts, count, message):
    x = ad.tensor(np.ones((2, 3)), requires_grad=True)
    with pytest.raises(ad.ShapeError, match=message):
        np.einsum(subscripts, *[x] * count)


def test_assigning_into_a_view_is_refused_and_into_a_sum_is_not():
    x = ad.tensor(np.ones((2, 2)), requires_grad=True)
    with pytest.raises(ad.GraphError, match="a slice is a value, not a view"):
        np.einsum("ii->i", x * 1)[0] = 5.0
    total = np.einsum("ij->i", x)
    total[0] = 5.0
    assert total.tolist() == [5, 2]


def test_einsum_without_operands_is_refused():
    with pytest.raises(TypeError, match="no operands"):
        einsum()


def test_operands_without_axes_and_the_last_letters():
    x = ad.tensor(np.ones(()), requires_grad=True)
    assert np.einsum(",,", x, x, x).shape == ()
    assert np.einsum("zZ->Zz", np.ones((1, 2)) * x).shape == (2, 1)


# --- 0·∞


@pytest.mark.parametrize(
    "square_norm",
    [
        lambda x: x @ x,
        lambda x: np.dot(x, x),
        lambda x: np.inner(x, x),
        lambda x: np.vdot(x, x),
        lambda x: np.tensordot(x, x, 1),
        lambda x: np.einsum("i,i", x, x),
        lambda x: np.convolve(x, x, "valid")[0],
        lambda x: (x[None] @ x[:, None])[0, 0],
        lambda x: np.vecdot(x, x),
    ],
)
def test_the_root_of_a_product_has_gradient_0_at_0(square_norm):
    np.testing.assert_array_equal(ad.grad(lambda x: np.sqrt(square_norm(x)))(np.zeros(3)), 0)
    moved = ad.jvp(lambda x: np.sqrt(square_norm(x)), [np.zeros(3)], [np.ones(3)])[1]
    assert moved == 0


@pytest.mark.parametrize("weigh", [np.matmul, lambda x, w: np.einsum("i,i", x, w), np.convolve])
def test_a_weight_0_hides_an_infinite_slope_in_both_modes(weigh):
    weights = np.array([0.0])
    assert ad.grad(lambda x: np.sum(weigh(np.sqrt(x), weights)))(np.zeros(1)) == 0
    moved = ad.jvp(lambda x: np.sum(weigh(np.sqrt(x), weights)), [np.zeros(1)], [np.ones(1)])[1]
    assert moved == 0


def test_an_infinite_slope_that_counts_stays_infinite():
    found = ad.grad(lambda x: np.sqrt(x) @ np.array([0.0, 2.0]))(np.zeros(2))
    np.testing.assert_array_equal(found, [0, np.inf])


def test_the_strong_product_drops_exactly_the_terms_with_a_zero():
    """Against the terms one by one, for every kind of number."""
    numbers = [0, 0, 0, 1.0, -2.0, np.inf, -np.inf, np.nan]
    with np.errstate(all="ignore"):
        for _ in range(200):
            x, y = RNG.choice(numbers, (3, 4)), RNG.choice(numbers, (4, 2))
            terms = ad.ops.products.strong_multiply(x[:, :, None], y[None])
            np.testing.assert_array_equal(strong_product(np.matmul, x, y), terms.sum(axis=1))


def test_anomaly_detection_hears_of_a_zero_product():
    x = ad.tensor(np.zeros(3), requires_grad=True)
    with ad.detect_anomaly(), pytest.warns(ad.AnomalyWarning, match="backward of matmul took 0·∞"):
        (x @ x).backward(np.inf)


def test_strong_products_are_not_paid_for_forward():
    """The forward pass of a product is NumPy's alone."""
    assert PRIMITIVES["matmul"].forward(np.ones(2), np.array([np.inf, 0])) == np.inf
    with np.errstate(invalid="ignore"):
        assert np.isnan(PRIMITIVES["matmul"].forward(np.zeros(2), np.array([np.inf, 0])))
