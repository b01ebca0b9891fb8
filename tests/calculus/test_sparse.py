"""Sparse Jacobians and Hessians are the dense ones, found by few sweeps, and fit scipy.optimize."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import adjoint as ad
from adjoint.calculus import colouring, sparsity
from adjoint.core.tree import leaves

scipy_sparse = pytest.importorskip("scipy.sparse")
optimize = pytest.importorskip("scipy.optimize")

rng = np.random.default_rng(0)


def tridiagonal(x):
    y = 2 * x - 1
    y[1:] = y[1:] - x[:-1] ** 2
    y[:-1] = y[:-1] * np.exp(0.1 * x[1:])
    return y


def arrow(x):
    y = x**2 + x[0] * x
    y[0] = np.sum(np.sin(x))
    return y


def laplacian(x):
    n = int(x.size**0.5)
    u = np.pad(x.reshape(n, n), 1)
    inner = u[1:-1, 1:-1]
    around = u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2]
    return (around - 4 * inner + np.exp(inner)).ravel()


def periodic(x):
    return np.roll(x, 1) - 2 * x + np.roll(x, -1) + x**3


def spread(x):
    return np.stack([x[i] * x[(3 * i) % 7] for i in range(x.size)])


def convolved(x):
    return np.convolve(x, np.array([1.0, -2.0, 0.5], x.dtype)) ** 2


FUNCTIONS = [tridiagonal, arrow, laplacian, periodic, spread, convolved]


def energy_of_an_arrow(x):
    return np.sum(x[0] * x**2) + np.sum(x**3)


def area(x):
    """The area of a surface over a grid."""
    n = int(x.size**0.5)
    u = np.pad(x.reshape(n, n), 1)
    across, along = np.diff(u, axis=0)[:, :-1], np.diff(u, axis=1)[:-1]
    return np.sum(np.sqrt(1 + across**2 + along**2))


def chain(x):
    return np.sum((x[1:] - x[:-1] ** 2) ** 2) + np.mean((1 - x) ** 2)


def truss(x):
    """The energy of springs between the joints of a strip of squares, with their diagonals."""
    joints = x.reshape(-1, 2)
    n = len(joints) - 2
    ends = [(i, i + 1) for i in range(n + 1)] + [(i, i + 2) for i in range(n)]
    first, second = np.array(ends).T
    lengths = np.linalg.norm(joints[first] - joints[second], axis=1)
    return np.sum((lengths - 1.0) ** 2)


ENERGIES = [energy_of_an_arrow, area, chain, truss]


def same(matrix, dense, **tolerances):
    assert isinstance(matrix, scipy_sparse.csr_array)
    np.testing.assert_allclose(matrix.toarray(), np.reshape(dense, matrix.shape), **tolerances)


def sweeps_of(function, x, mode="auto"):
    x = ad.tensor(x, requires_grad=True)
    return colouring.coloured(sparsity.pattern_of(x, function(x)), mode).sweeps


# --- values


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("mode", ["auto", "forward", "reverse"])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_sparse_jacobian_is_the_dense_one(function, mode, dtype):
    x = rng.normal(size=16).astype(dtype)
    found = ad.jacobian(function, sparse=True, mode=mode)(x)
    assert found.dtype == dtype
    same(found, ad.jacobian(function)(x), rtol=1e-4 if dtype == np.float32 else 1e-12, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("function", ENERGIES)
def test_the_sparse_hessian_is_the_dense_one(function, dtype):
    x = rng.normal(size=16).astype(dtype)
    tolerance = 1e-3 if dtype == np.float32 else 1e-10
    same(ad.hessian(function, sparse=True)(x), ad.hessian(function)(x), rtol=tolerance, atol=1e-4)


@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e300])
@pytest.mark.parametrize("function", [tridiagonal, arrow, laplacian, periodic])
def test_special_numbers_stay_in_their_rows_and_columns(function, special):
    x = rng.normal(size=9)
    x[4] = special
    with np.errstate(all="ignore"):
        same(
            ad.jacobian(function, sparse=True, mode="forward")(x),
            ad.jacobian(function, mode="forward")(x),
        )
        same(
            ad.jacobian(function, sparse=True, mode="reverse")(x),
            ad.jacobian(function, mode="reverse")(x),
        )


def test_an_entry_that_happens_to_be_zero_is_stored():
    found = ad.jacobian(lambda x: x[1:] * x[:-1], sparse=True)(np.zeros(5))
    assert found.nnz == 8
    assert not found.toarray().any()


def test_both_branches_of_where_count():
    def function(x):
        return np.where(x[1:] > 0, x[1:], x[:-1])

    x = np.array([1.0, -1.0, 2.0])
    found = ad.jacobian(function, sparse=True)(x)
    assert found.nnz == 4
    same(found, ad.jacobian(function)(x))


def test_what_a_number_is_rounded_to_depends_on_nothing():
    assert ad.jacobian(lambda x: np.floor(x) + (x > 0), sparse=True)(np.ones(3)).nnz == 0
    assert ad.jacobian(lambda x: x * np.argmax(x) * (x > x[0]), sparse=True)(np.ones(3)).nnz == 3


@pytest.mark.parametrize("function", [lambda x: np.sum(x[::-1]), lambda x: x[::-1] * np.eye(3)[0]])
def test_the_columns_of_each_row_are_sorted(function):
    found = ad.jacobian(function, sparse=True)(np.ones(3))
    row = np.repeat(np.arange(found.shape[0]), np.diff(found.indptr))
    assert np.all(np.diff(row * 3 + found.indices) > 0)


# --- shapes


@pytest.mark.parametrize("shape", [(), (1,), (0,), (2, 3), (0, 2), (2, 1, 2)])
def test_results_and_arguments_of_any_shape_are_flattened(shape):
    x = np.ones(shape)
    found = ad.jacobian(lambda x: np.stack([x, 2 * x]), sparse=True)(x)
    assert found.shape == (2 * x.size, x.size)
    same(found, ad.jacobian(lambda x: np.stack([x, 2 * x]))(x))


def test_a_single_number_has_one_row():
    same(ad.jacobian(np.sum, sparse=True)(np.ones(3)), np.ones((1, 3)))
    same(ad.jacobian(lambda x: x * 3.0, sparse=True)(2.0), [[3.0]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("of_result", [np.float32, np.float64, np.int64])
def test_a_result_that_does_not_depend_on_the_argument_has_no_entries(of_result, dtype):
    found = ad.jacobian(lambda x: np.arange(4, dtype=of_result), sparse=True)(np.ones(3, dtype))
    assert found.shape == (4, 3)
    assert found.nnz == 0
    assert found.dtype == dtype


def test_an_array_that_is_not_contiguous():
    x = np.arange(12.0).reshape(3, 4).T[::2]
    same(
        ad.jacobian(lambda x: x[:, 1:] * x[:, :-1], sparse=True)(x),
        ad.jacobian(lambda x: x[:, 1:] * x[:, :-1])(x),
    )


def test_trees_of_arguments_and_results_keep_their_structure():
    def function(p, z):
        return {"a": p["u"][1:] * z, "b": [p["v"].sum()]}

    p, z = {"u": np.arange(3.0), "v": np.ones(2)}, np.array([2.0, 3.0])
    found = ad.jacobian(function, argnums=(0, 1), sparse=True)(p, z)
    dense = ad.jacobian(function, argnums=(0, 1))(p, z)
    for part, leaf in (("a", lambda t: t["a"]), ("b", lambda t: t["b"][0])):
        for mine, theirs in (
            (leaf(found)[0]["u"], leaf(dense)[0]["u"]),
            (leaf(found)[0]["v"], leaf(dense)[0]["v"]),
            (leaf(found)[1], leaf(dense)[1]),
        ):
            same(mine, theirs), part


def test_a_result_that_is_none_stays_none():
    for sparse in (False, True):
        slopes = ad.jacobian(lambda x: {"a": 2 * x, "b": None}, sparse=sparse)(np.ones(2))
        assert slopes["b"] is None
        np.testing.assert_array_equal(slopes["a"] @ np.eye(2), 2 * np.eye(2))


def test_an_argument_of_either_name():
    def function(a, x):
        return a * x

    a, x = np.array([2.0, 3.0]), np.array([5.0, 7.0])
    same(ad.jacobian(function, 1, sparse=True)(a, x), np.diag(a))
    same(ad.jacobian(function, wrt=1, sparse=True)(a, x), np.diag(a))


def test_a_scan_counts_as_dense_and_is_right():
    def function(x):
        return ad.scan(lambda c, r: (0.5 * c + np.sin(r), c * r), x[0], x)[1]

    x = np.array([0.1, 0.2, 0.3])
    for f in (function, ad.compile(function)):
        same(ad.jacobian(f, sparse=True)(x), ad.jacobian(function)(x), atol=1e-15)


# --- how many entries

STACK = np.ones((2, 3, 3)) + 5 * np.eye(3)


@pytest.mark.parametrize(
    ("function", "shape", "entries"),
    [
        (lambda x: x @ np.ones((3, 5)), (4, 3), 20 * 3),
        (lambda x: np.ones((2, 5, 4)) @ x, (4, 3), 30 * 4),
        (lambda x: np.einsum("ijk,jk->ik", x, np.ones((3, 5))), (4, 3, 5), 20 * 3),
        (lambda x: np.linalg.solve(STACK + x, np.ones((3, 4))), (2, 3, 3), 24 * 9),
        (lambda x: np.linalg.solve(STACK, x), (2, 3, 4), 24 * 3),
        (lambda x: np.linalg.inv(STACK + x), (2, 3, 3), 18 * 9),
        (lambda x: np.linalg.pinv(STACK + x), (2, 3, 3), 18 * 9),
        (lambda x: np.linalg.cholesky(STACK + x), (2, 3, 3), 18 * 9),
        (lambda x: np.linalg.qr(STACK + x)[1], (2, 3, 3), 18 * 9),
        (lambda x: np.linalg.eigvalsh(STACK * x), (2, 1, 1), 6),
        (lambda x: np.linalg.eigh(STACK * x)[0], (2, 1, 1), 6),
        (lambda x: np.linalg.svd(STACK + x)[1], (2, 3, 3), 6 * 9),
        (lambda x: np.linalg.det(STACK + x), (2, 3, 3), 2 * 9),
        (ad.grad(lambda x: np.sum((x[:, None] * np.ones((3, 5))) ** 2)), (3,), 3),
        (lambda x: np.mean(x, axis=1), (4, 3), 12),
        (lambda x: ad.logsumexp(x, axis=1), (4, 3), 12),
        (lambda x: ad.softmax(x, axis=1), (4, 3), 12 * 3),
    ],
)
def test_no_more_entries_are_found_than_an_operation_links(function, shape, entries):
    assert ad.jacobian(function, sparse=True)(np.ones(shape)).nnz == entries


# --- how many sweeps


def test_few_sweeps_are_enough():
    x = rng.normal(size=400)
    assert sweeps_of(tridiagonal, x) == 3
    assert sweeps_of(periodic, x) <= 4
    assert sweeps_of(arrow, x) == 3
    assert sweeps_of(lambda x: arrow(x)[::-1], x, "forward") == 400
    assert sweeps_of(laplacian, x) <= 8
    assert sweeps_of(ad.grad(truss), x) <= 14
    assert sweeps_of(lambda x: x.reshape(-1, 20).sum(axis=1), x) == 1


def test_the_sum_of_columns_of_one_colour_keeps_every_entry():
    pattern = scipy_sparse.random_array((60, 50), density=0.05, rng=1, format="csr")
    for mode in ("auto", "forward", "reverse"):
        colours = colouring.coloured(pattern, mode)
        rows = np.repeat(np.arange(60), np.diff(pattern.indptr))
        forward = ~colours.by_rows
        seen = list(zip(rows[forward], colours.columns[pattern.indices[forward]], strict=True))
        assert len(set(seen)) == len(seen)
        backward = colours.by_rows
        seen = list(zip(colours.rows[rows[backward]], pattern.indices[backward], strict=True))
        assert len(set(seen)) == len(seen)


# --- patterns are kept


@pytest.fixture
def found_patterns(monkeypatch):
    found = []
    monkeypatch.setattr(
        "adjoint.calculus.sparse.pattern_of",
        lambda x, y: found.append(x.shape) or sparsity.pattern_of(x, y),
    )
    return found


def test_a_pattern_is_found_once_for_each_shape(found_patterns):
    slopes = ad.jacobian(tridiagonal, sparse=True)
    for size in (5, 6, 5, 6):
        for _ in range(2):
            x = rng.normal(size=size)
            same(slopes(x), ad.jacobian(tridiagonal)(x))
    assert found_patterns == [(5,), (6,)]


def test_another_branch_has_another_pattern(found_patterns):
    def function(x):
        return x[1:] * 2 if x[0] > 0 else x[:-1] * x[0]

    slopes = ad.jacobian(function, sparse=True)
    for first in (1.0, -1.0, 2.0, -2.0):
        x = np.array([first, 3.0, 4.0])
        same(slopes(x), ad.jacobian(function)(x))
    assert len(found_patterns) == 2


@pytest.mark.parametrize(
    "ways",
    [
        (lambda x, y: np.roll(x, 1), lambda x, y: np.roll(x, 2)),
        (lambda x, y: np.flip(x), lambda x, y: np.sqrt(x)),
        (lambda x, y: (x[::-1] * x, y * 1.0), lambda x, y: (y * 1.0, x[::-1] * x)),
        (lambda x, y: (x * 2.0, y * 2.0)[::1], lambda x, y: (x * 2.0, y * 2.0)[::-1]),
        (lambda x, y: (x := x[::-1], x * y), lambda x, y: (x := x[::-1], x * x)),
    ],
)
def test_ways_that_differ_in_one_thing_have_their_own_patterns(ways, found_patterns):
    """They differ in metadata, the operation, the order, the results and the operands."""

    def function(x, n):
        return ways[n](x, np.exp(x))

    slopes, x = ad.jacobian(function, sparse=True), np.arange(1.0, 4)
    for n in (0, 1, 0, 1):
        for mine, theirs in zip(
            leaves(slopes(x, n)), leaves(ad.jacobian(function)(x, n)), strict=True
        ):
            same(mine, theirs)
    assert len(found_patterns) == 2 * len(list(leaves(function(x, 0))))


def test_other_index_arrays_have_another_pattern(found_patterns):
    def function(x, i):
        return x[i] ** 2

    slopes = ad.jacobian(function, sparse=True)
    i = np.array([0, 2])
    for places in ([0, 2], [1, 2], [0, 2]):
        i.flags.writeable = True
        i[:] = places
        i.flags.writeable = False  # what is read-only is not copied by the record
        same(slopes(np.arange(3.0), i), ad.jacobian(function)(np.arange(3.0), i))
    assert len(found_patterns) == 2


def test_the_caller_may_alter_what_it_was_given():
    slopes = ad.jacobian(lambda x: x[1:] * x[:-1], sparse=True)
    x = np.array([0.0, 2.0, 3.0])
    first = slopes(x)
    first.eliminate_zeros()
    first.data[:] = 7
    same(slopes(x), ad.jacobian(lambda x: x[1:] * x[:-1])(x))


def test_no_dense_matrix_is_made_on_the_way():
    import tracemalloc

    n = 20_000
    tracemalloc.start()
    found = ad.hessian(chain, sparse=True)(np.linspace(0, 1, n))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.nnz == 3 * n - 2
    assert peak < 2000 * n  # n² bytes are ten times more


# --- what is refused


def test_what_is_not_sparse_is_refused_by_the_name_of_the_operation():
    def function(x):
        return x / np.sum(x)

    with pytest.raises(ValueError, match="not sparse: of divide"):
        ad.jacobian(function, sparse=True)(np.ones(20_000))


@pytest.mark.parametrize(
    "use",
    [
        lambda f: ad.grad(lambda x: f(x).sum())(np.ones(3)),
        lambda f: ad.vmap(f)(np.ones((2, 3))),
        lambda f: ad.trace(f, np.ones(3)),
        lambda f: ad.compile(f)(np.ones(3)),
        lambda f: ad.jvp(f, (np.ones(3),), (np.ones(3),)),
    ],
)
def test_it_is_neither_differentiated_nor_traced(use):
    with pytest.raises(TypeError, match="sparse=False"):
        use(ad.jacobian(tridiagonal, sparse=True))


def test_scipy_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.sparse", None)
    with pytest.raises(ImportError, match=r"a sparse derivative needs .*scipy"):
        ad.jacobian(tridiagonal, sparse=True)


@pytest.mark.parametrize("size", [3, 30])  # one by one, and so many that others go at once
def test_rules_of_the_users_own_count_as_dense_and_see_numbers(size):
    double = ad.custom_vjp(lambda g, y, x: (2 * g if np.isfinite(g).all() else g,))(lambda x: 2 * x)
    for mode in ("auto", "reverse"):
        same(ad.jacobian(double, sparse=True, mode=mode)(np.ones(size)), 2 * np.eye(size))


# --- scipy.optimize


def test_trust_constr_takes_the_hessian():
    x = np.full(30, 0.5)
    found = optimize.minimize(
        chain,
        x,
        jac=ad.grad(chain),
        hess=ad.hessian(chain, sparse=True),
        method="trust-constr",
        options={"gtol": 1e-10},
    )
    np.testing.assert_allclose(found.x, 1, atol=1e-6)


def test_trust_constr_takes_the_jacobian_of_constraints():
    def constraint(x):
        return x[1:] - x[:-1]

    limits = optimize.NonlinearConstraint(
        constraint,
        0.1,
        1.0,
        jac=ad.jacobian(constraint, sparse=True),
        hess=lambda x, v: ad.hessian(lambda x: v @ constraint(x), sparse=True)(x),
    )
    x = np.linspace(0, 3, 10)
    found = optimize.minimize(
        lambda x: np.sum(x**2),
        x,
        jac=ad.grad(lambda x: np.sum(x**2)),
        hess=ad.hessian(lambda x: np.sum(x**2), sparse=True),
        constraints=[limits],
        method="trust-constr",
    )
    np.testing.assert_allclose(np.diff(found.x), 0.1, atol=1e-4)


def test_least_squares_takes_the_jacobian():
    def residuals(x):
        return laplacian(x) - 1.0

    found = optimize.least_squares(
        residuals, np.zeros(36), jac=ad.jacobian(residuals, sparse=True), tr_solver="lsmr"
    )
    assert found.cost < 1e-10


def test_least_squares_takes_the_pattern():
    def residuals(x):
        return laplacian(x) - 1.0

    pattern = ad.jacobian(residuals, sparse=True)(np.zeros(36))
    found = optimize.least_squares(residuals, np.zeros(36), jac_sparsity=pattern)
    assert found.cost < 1e-10
