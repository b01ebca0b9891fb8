"""Linear algebra: values are NumPy's, gradients are right, and where there is none it is said."""

import numpy as np
import pytest

import adjoint as ad
import adjoint.ops.linalg as la
from sampled import sampled

RNG = np.random.default_rng(0)
SQUARE = RNG.standard_normal((4, 4)) + 3 * np.eye(4)
STACK = RNG.standard_normal((2, 3, 3)) + 3 * np.eye(3)
TALL = RNG.standard_normal((4, 2))
WIDE = TALL.T.copy()
SYMMETRIC = SQUARE + SQUARE.T
POSITIVE = SQUARE @ SQUARE.T + np.eye(4)
LINALG = np.linalg


def eigenvalues(x):
    return LINALG.eigh(x)[0]


def projection(x):
    """A function of the eigenvectors of the two smaller eigenvalues, whatever their signs."""
    v = LINALG.eigh(x)[1][..., :2]
    return v @ v.mT


FUNCTIONS = [
    pytest.param(LINALG.det, [SQUARE], id="det"),
    pytest.param(LINALG.det, [STACK], id="det stack"),
    pytest.param(LINALG.det, [np.diag([1.0, 2.0, 0.0])], id="det singular"),
    pytest.param(LINALG.det, [np.eye(3)], id="det of the identity"),
    pytest.param(lambda x: LINALG.slogdet(x)[1], [STACK], id="slogdet"),
    pytest.param(LINALG.inv, [STACK], id="inv"),
    pytest.param(LINALG.pinv, [TALL], id="pinv tall"),
    pytest.param(LINALG.pinv, [WIDE], id="pinv wide"),
    pytest.param(lambda x: LINALG.pinv(x, hermitian=True), [SYMMETRIC], id="pinv hermitian"),
    pytest.param(lambda x: LINALG.pinv(x, rtol=1e-9), [STACK], id="pinv rtol"),
    pytest.param(LINALG.solve, [SQUARE, TALL], id="solve"),
    pytest.param(LINALG.solve, [SQUARE, TALL[:, 0]], id="solve vector"),
    pytest.param(LINALG.solve, [STACK, TALL[:3, 0]], id="solve stack and vector"),
    pytest.param(LINALG.solve, [STACK[0], RNG.standard_normal((2, 3, 1))], id="solve stack of b"),
    pytest.param(lambda a, b: LINALG.lstsq(a, b, rcond=None)[:2], [TALL, SQUARE], id="lstsq"),
    pytest.param(lambda a, b: LINALG.lstsq(a, b)[0], [TALL, SQUARE[0]], id="lstsq vector"),
    pytest.param(lambda a, b: LINALG.lstsq(a, b)[3], [TALL, SQUARE[0]], id="lstsq values"),
    pytest.param(lambda a, b: LINALG.lstsq(a, b)[0], [WIDE, TALL[:2]], id="lstsq wide"),
    pytest.param(
        LINALG.tensorsolve,
        [RNG.standard_normal((2, 3, 6)), RNG.standard_normal((2, 3))],
        id="tensorsolve",
    ),
    pytest.param(
        lambda a, b: LINALG.tensorsolve(a, b, axes=(0,)),
        [RNG.standard_normal((6, 2, 3)), RNG.standard_normal((2, 3))],
        id="tensorsolve axes",
    ),
    pytest.param(LINALG.tensorinv, [RNG.standard_normal((2, 3, 6))], id="tensorinv"),
    pytest.param(
        lambda a: LINALG.tensorinv(a, ind=1), [RNG.standard_normal((6, 2, 3))], id="tensorinv 1"
    ),
    pytest.param(lambda x: LINALG.matrix_power(x, 0), [STACK], id="power 0"),
    pytest.param(lambda x: LINALG.matrix_power(x, 1), [STACK], id="power 1"),
    pytest.param(lambda x: LINALG.matrix_power(x, 5), [STACK], id="power 5"),
    pytest.param(lambda x: LINALG.matrix_power(x, -3), [STACK], id="power -3"),
    pytest.param(LINALG.cholesky, [POSITIVE], id="cholesky"),
    pytest.param(lambda x: LINALG.cholesky(x, upper=True), [POSITIVE], id="cholesky upper"),
    pytest.param(eigenvalues, [SYMMETRIC], id="eigh values"),
    pytest.param(eigenvalues, [SQUARE], id="eigh of one triangle"),
    pytest.param(lambda x: LINALG.eigvalsh(x, "U"), [SQUARE], id="eigvalsh upper"),
    pytest.param(projection, [SYMMETRIC], id="eigh vectors"),
    pytest.param(lambda x: LINALG.eigh(x)[1] ** 2, [STACK], id="eigh vectors squared"),
    pytest.param(lambda x: LINALG.svd(x, full_matrices=False)[0] ** 2, [TALL], id="svd u"),
    pytest.param(lambda x: LINALG.svd(x, full_matrices=False)[2] ** 2, [WIDE], id="svd vh"),
    pytest.param(lambda x: LINALG.svd(x)[1], [STACK], id="svd square"),
    pytest.param(lambda x: LINALG.svd(x, compute_uv=False), [TALL], id="svd values"),
    pytest.param(LINALG.svdvals, [WIDE], id="svdvals"),
    pytest.param(lambda x: tuple(LINALG.qr(x)), [TALL], id="qr tall"),
    pytest.param(lambda x: tuple(LINALG.qr(x)), [WIDE], id="qr wide"),
    pytest.param(lambda x: tuple(LINALG.qr(x, "complete")), [STACK], id="qr complete"),
    pytest.param(lambda x: LINALG.qr(x, mode="r"), [TALL], id="qr r"),
    pytest.param(LINALG.cond, [STACK], id="cond"),
    pytest.param(lambda x: LINALG.cond(x, -2), [TALL], id="cond -2"),
    pytest.param(lambda x: LINALG.cond(x, "fro"), [STACK], id="cond fro"),
    pytest.param(lambda x: LINALG.cond(x, 1), [STACK], id="cond 1"),
    pytest.param(LINALG.trace, [STACK], id="trace"),
    pytest.param(lambda x: LINALG.diagonal(x, offset=1), [STACK], id="diagonal"),
    pytest.param(LINALG.matrix_transpose, [STACK], id="matrix_transpose"),
]
FUNCTIONS += [
    pytest.param(lambda x, o=o: LINALG.norm(x, o), [SQUARE[0]], id=f"vector norm {o}")
    for o in (None, 1, 2, 3, 2.5, -1, 0.5, np.inf, -np.inf, 0)
]
FUNCTIONS += [
    pytest.param(lambda x, o=o, k=k: LINALG.norm(x, o, **k), [x], id=f"matrix norm {o} {k}")
    for o in (None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)
    for x, k in [
        (SQUARE, {}),
        (STACK, {"axis": (2, 0)}),
        (STACK, {"axis": (0, 1), "keepdims": True}),
    ]
]
FUNCTIONS += [
    pytest.param(lambda x: LINALG.norm(x), [STACK], id="norm of any array"),
    pytest.param(lambda x: LINALG.norm(x, keepdims=True), [STACK], id="norm keepdims"),
    pytest.param(lambda x: LINALG.norm(x, 3, axis=-2), [STACK], id="norm along an axis"),
    pytest.param(lambda x: LINALG.norm(x, 1, axis=(1,), keepdims=True), [STACK], id="norm, tuple"),
    pytest.param(lambda x: LINALG.vector_norm(x, ord=3), [STACK], id="vector_norm"),
    pytest.param(lambda x: LINALG.vector_norm(x, axis=(0, 2)), [STACK], id="vector_norm, axes"),
    pytest.param(lambda x: LINALG.matrix_norm(x), [STACK], id="matrix_norm"),
    pytest.param(lambda x: LINALG.matrix_norm(x, ord="nuc", keepdims=True), [TALL], id="nuclear"),
]


def parts(result):
    return result if isinstance(result, tuple) else (result,)


@pytest.mark.parametrize(("function", "args"), FUNCTIONS)
def test_values_are_numpys(function, args):
    tensors = [ad.tensor(x, requires_grad=True) for x in args]
    for got, expected in zip(parts(function(*tensors)), parts(function(*args)), strict=True):
        assert isinstance(got, ad.Tensor)
        assert got.shape == np.shape(expected)
        np.testing.assert_allclose(got.data, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("function", "args"), FUNCTIONS)
def test_gradients_are_right_to_second_order(function, args):
    ad.check_gradients(function, *args, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("function", "args"), FUNCTIONS)
def test_float32_stays(function, args):
    tensors = [ad.tensor(x, dtype=np.float32, requires_grad=True) for x in args]
    results = parts(function(*tensors))
    assert all(r.dtype == np.float32 for r in results)
    sum(np.sum(r) for r in results).backward()
    assert all(t.grad is None or t.grad.dtype == np.float32 for t in tensors)


# --- identities


def test_the_gradient_of_the_log_determinant_is_the_transposed_inverse():
    found = ad.grad(lambda x: LINALG.slogdet(x).logabsdet)(SQUARE)
    np.testing.assert_allclose(found, LINALG.inv(SQUARE).T, rtol=1e-12)


def test_solving_agrees_with_inverting():
    b = SQUARE[0]
    by_solve = ad.grad(lambda x: LINALG.solve(x, b).sum())(SQUARE)
    by_inverse = ad.grad(lambda x: (LINALG.inv(x) @ b).sum())(SQUARE)
    np.testing.assert_allclose(by_solve, by_inverse, rtol=1e-10)


def from_cholesky(x):
    factor = LINALG.cholesky(x)
    return factor @ factor.mT


def from_eigh(x):
    w, v = LINALG.eigh(x)
    return v * w[..., None, :] @ v.mT


def from_qr(x):
    q, r = LINALG.qr(x)
    return q @ r


def from_svd(x):
    u, s, vh = LINALG.svd(x, full_matrices=False)
    return u * s[..., None, :] @ vh


@pytest.mark.parametrize(
    ("rebuild", "x"),
    [(from_qr, TALL), (from_qr, WIDE), (from_svd, TALL), (from_svd, WIDE), (from_svd, STACK)],
)
def test_what_is_rebuilt_has_the_gradient_of_the_original(rebuild, x):
    weights = RNG.standard_normal(x.shape)
    found = ad.grad(lambda x: (weights * rebuild(x)).sum())(x)
    np.testing.assert_allclose(found, weights, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(("rebuild", "x"), [(from_cholesky, POSITIVE), (from_eigh, SYMMETRIC)])
def test_the_gradient_of_a_symmetric_matrix_lies_in_the_triangle_that_is_read(rebuild, x):
    weights = RNG.standard_normal(x.shape)
    found = ad.grad(lambda x: (weights * rebuild(x)).sum())(x)
    both = np.tril(weights + weights.T) - np.diag(np.diag(weights))
    np.testing.assert_allclose(found, both, rtol=1e-8, atol=1e-10)
    symmetric = ad.grad(lambda x: (weights * rebuild((x + x.T) / 2)).sum())(x)
    np.testing.assert_allclose(symmetric, (weights + weights.T) / 2, rtol=1e-8, atol=1e-10)


# --- ties, singular matrices, zeros


def cubes(x):
    return (LINALG.eigvalsh(x) ** 3).sum()


def test_functions_of_repeated_eigenvalues_have_their_gradient():
    x = np.diag([2.0, 5.0, 2.0])
    np.testing.assert_allclose(ad.grad(cubes)(x), 3 * x @ x)
    np.testing.assert_allclose(ad.grad(lambda x: LINALG.eigh(x)[0].prod())(x), np.diag([10, 4, 10]))
    np.testing.assert_allclose(ad.jvp(cubes, [x], [np.eye(3)])[1], 3 * (4 + 25 + 4))


def test_what_a_repeated_eigenvalue_leaves_open_raises():
    """Rebuilding is smooth, but by way of the vectors it is a quotient 0/0."""
    for x in (np.eye(3), np.zeros((3, 3)), np.stack([np.diag([1.0, 2.0, 3.0]), np.eye(3)])):
        with pytest.raises(LINALG.LinAlgError, match="repeated eigenvalue"):
            ad.grad(lambda x: from_eigh(x).sum())(x)
        with pytest.raises(LINALG.LinAlgError, match="repeated eigenvalue"):
            ad.jvp(lambda x: LINALG.eigh(x)[1], [x], [np.ones_like(x)])
    with pytest.raises(LINALG.LinAlgError, match="repeated eigenvalue"):
        ad.grad(lambda x: ad.grad(cubes)(x).sum())(np.eye(3))


def test_what_a_zero_or_repeated_singular_value_leaves_open_raises():
    for x in (np.eye(3), np.diag([2.0, 1.0, 0.0]), np.zeros((3, 2))):
        with pytest.raises(LINALG.LinAlgError, match=r"(zero|repeated) singular value"):
            ad.grad(lambda x: from_svd(x).sum())(x)


def test_functions_of_repeated_singular_values_have_their_gradient():
    x = np.diag([2.0, 2.0, -3.0])
    np.testing.assert_allclose(ad.grad(lambda x: (LINALG.svdvals(x) ** 2).sum())(x), 2 * x)
    np.testing.assert_allclose(ad.grad(lambda x: LINALG.norm(x, "nuc"))(x), np.sign(x), atol=1e-15)


@pytest.mark.parametrize("ord", [None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf])
def test_matrix_norms_have_gradient_0_at_0(ord):
    np.testing.assert_array_equal(ad.grad(lambda x: LINALG.norm(x, ord))(np.zeros((3, 2))), 0)


@pytest.mark.parametrize("ord", [None, 0, 1, 1.5, 2, 3, 0.5, -1, np.inf, -np.inf])
def test_vector_norms_have_gradient_0_at_0(ord):
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(ad.grad(lambda x: LINALG.norm(x, ord))(np.zeros(3)), 0)


def test_equal_entries_share_the_gradient_of_the_greatest():
    found = ad.grad(lambda x: LINALG.norm(x, np.inf))(np.array([3.0, -3.0, 1.0]))
    np.testing.assert_array_equal(found, [0.5, -0.5, 0])


@pytest.mark.parametrize(
    "x",
    [np.zeros((2, 2)), np.outer([1.0, 2.0], [3.0, -1.0]), np.outer([1.0, 2, 3], [1.0, 0, -1])],
    ids=["zero", "rank 1 of 2", "rank 1 of 3"],
)
def test_the_determinant_is_differentiated_at_singular_matrices(x):
    ad.check_gradients(LINALG.det, x)


def test_the_third_derivative_of_the_determinant():
    """Of a 3 × 3 matrix along one direction it is 6 times the direction's determinant."""
    direction = STACK[1]

    def along(t):
        return LINALG.det(STACK[0] + t * direction)

    third = ad.grad(ad.grad(ad.grad(along)))(0.3)
    np.testing.assert_allclose(third, 6 * LINALG.det(direction), rtol=1e-9)


def test_the_pseudo_inverse_is_differentiated_along_its_rank():
    def of_rank_one(u, v):
        return LINALG.pinv(np.outer(u, v), rcond=1e-10)

    ad.check_gradients(of_rank_one, TALL[:, 0], SQUARE[0, :3])


def test_least_squares_of_dependent_columns_has_no_residuals():
    a = ad.tensor(np.ones((3, 2)), requires_grad=True)
    x, residuals, rank, values = LINALG.lstsq(a, np.arange(3.0), rcond=None)
    assert residuals.shape == (0,)
    assert rank == 1
    np.testing.assert_allclose(x.data, [0.5, 0.5])
    np.testing.assert_allclose(values.data, [np.sqrt(6), 0], atol=1e-14)


def test_an_infinite_cotangent_meets_a_zero_without_nan():
    found = ad.grad(lambda x: np.sqrt(LINALG.inv(x)[0, 1]))(np.diag([1.0, 2.0]))
    np.testing.assert_array_equal(found, [[0, -np.inf], [0, 0]])
    np.testing.assert_array_equal(ad.grad(lambda x: np.sqrt(LINALG.det(x)))(np.zeros((2, 2))), 0)


def test_a_singular_matrix_has_condition_infinity():
    with np.errstate(divide="ignore"):
        assert LINALG.cond(ad.tensor(np.zeros((2, 2)) + np.eye(2)[0])).data > 1e15
        assert LINALG.cond(ad.tensor(np.diag([1.0, 0.0]))).data == np.inf


def test_the_rank_is_an_integer_without_gradient():
    rank = LINALG.matrix_rank(ad.tensor(STACK, requires_grad=True))
    assert rank.tolist() == [3, 3]
    assert not rank.requires_grad


def test_the_sign_of_the_determinant_is_a_constant():
    sign, _ = LINALG.slogdet(ad.tensor(-np.eye(3), requires_grad=True))
    assert sign == -1
    assert not sign.requires_grad


@pytest.mark.parametrize(
    "function",
    [LINALG.det, LINALG.inv, lambda x: LINALG.slogdet(x)[1], LINALG.svdvals, eigenvalues],
)
def test_empty_matrices_are_matrices(function):
    assert ad.grad(lambda x: np.sum(function(x)))(np.zeros((0, 0))).shape == (0, 0)
    assert ad.grad(lambda x: np.sum(function(x)))(np.zeros((0, 2, 2))).shape == (0, 2, 2)


def test_results_have_numpys_fields():
    for function in (LINALG.eigh, LINALG.svd, LINALG.qr, LINALG.slogdet):
        assert function(ad.tensor(SQUARE))._fields == function(SQUARE)._fields


def test_the_namespace_serves_plain_arrays_too():
    assert type(la.norm(SQUARE, 1)) is np.float64
    np.testing.assert_array_equal(la.svd(TALL)[0], LINALG.svd(TALL)[0])
    assert la.eig(SQUARE).eigenvalues.shape == (4,)


def test_decompositions_are_traced():
    graph = ad.graph.trace(lambda x: ad.grad(lambda x: LINALG.eigvalsh(x)[0])(x), SYMMETRIC)
    np.testing.assert_allclose(
        graph(SYMMETRIC), ad.grad(lambda x: LINALG.eigvalsh(x)[0])(SYMMETRIC)
    )


# --- refusals


@pytest.fixture
def x():
    return ad.tensor(SQUARE, requires_grad=True)


@pytest.mark.parametrize("function", [LINALG.eig, LINALG.eigvals])
def test_eigenvalues_of_general_matrices_are_refused_with_advice(x, function):
    with pytest.raises(TypeError, match=r"complex numbers, which are out of scope; use .*eigh"):
        function(x)
    function(x.detach())


def test_added_singular_vectors_are_refused_with_advice():
    x = ad.tensor(TALL, requires_grad=True)
    with pytest.raises(TypeError, match="use full_matrices=False"):
        LINALG.svd(x)
    with pytest.raises(TypeError, match=r"use np\.linalg\.eigh"):
        LINALG.svd(ad.tensor(POSITIVE, requires_grad=True), hermitian=True)
    with pytest.raises(TypeError, match="use mode='reduced'"):
        LINALG.qr(x, "complete")
    assert LINALG.svd(x.detach()).U.shape == LINALG.qr(x.detach(), "complete").Q.shape == (4, 4)


def test_numbers_that_do_not_fit_raise_numpys_error_with_the_primitives_name():
    singular = ad.tensor(np.ones((2, 2)), requires_grad=True)
    with pytest.raises(LINALG.LinAlgError, match=r"inv: Singular matrix .*\(2, 2\)"):
        LINALG.inv(singular)
    with pytest.raises(LINALG.LinAlgError, match="solve: Singular matrix"):
        LINALG.solve(singular, np.ones(2))
    with pytest.raises(LINALG.LinAlgError, match="cholesky: Matrix is not positive definite"):
        LINALG.cholesky(-singular)
    logarithm = LINALG.slogdet(singular).logabsdet
    assert logarithm == -np.inf
    with pytest.raises(LINALG.LinAlgError, match="Singular matrix"):
        logarithm.backward()


# In some of these, rounding leaves 1e-16 where R or the singular values have a 0.
DEPENDENT = [
    np.diag([1.0, 0.0]),
    np.ones((2, 2)),
    np.arange(1.0, 10.0).reshape(3, 3),
    np.outer([1.0, 2.0, 3.0], [0.1, 0.7]),
    np.outer([1e-30, 3e-30], [0.1, 0.7]),
    np.stack([np.eye(2), np.full((2, 2), 0.3)]),
    np.ones((2, 3)),
]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("matrix", sampled(DEPENDENT, 2))
def test_qr_of_dependent_columns_has_no_derivative(matrix, dtype):
    matrix = matrix.astype(dtype)

    def factors(x):
        return tuple(LINALG.qr(x))

    with pytest.raises(LINALG.LinAlgError, match="depends on those before it"):
        ad.grad(lambda x: factors(x)[1].sum())(matrix)
    with pytest.raises(LINALG.LinAlgError, match="depends on those before it"):
        ad.jvp(factors, (matrix,), (np.ones_like(matrix),))
    with pytest.raises(LINALG.LinAlgError, match="depends on those before it"):
        ad.compile(ad.grad(lambda x: factors(x)[1].sum()))(matrix)


def test_a_small_column_is_not_a_dependent_one():
    found = ad.grad(lambda x: LINALG.qr(x).R.sum())(np.array([[1.0, 1.0], [0.0, 1e-17]]))
    np.testing.assert_array_equal(found, [[1, 1], [-1, 1]])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("matrix", [x for x in DEPENDENT if x.ndim == 2])
def test_the_nuclear_norm_of_a_singular_matrix_has_the_sub_gradient_of_least_norm(matrix, dtype):
    # At rank 1 or 2 it is U Vᵀ of the values that are not 0, and nothing else.
    u, s, vh = LINALG.svd(matrix, full_matrices=False)
    rank = np.count_nonzero(s > 1e-12 * s[0])
    found = ad.grad(lambda x: LINALG.norm(x, "nuc"))(matrix.astype(dtype))
    tolerance = 1e-12 if dtype == np.float64 else 1e-4
    np.testing.assert_allclose(found, u[:, :rank] @ vh[:rank], atol=tolerance)


@pytest.mark.parametrize("order", [-2, "nuc"])
def test_a_small_singular_value_is_not_a_zero(order):
    found = ad.grad(lambda x: LINALG.norm(x, order))(np.diag([1.0, 1e-20]))
    np.testing.assert_array_equal(found, np.diag([0.0 if order == -2 else 1.0, 1.0]))


@pytest.mark.parametrize("mode", ["forward", "reverse"])
@pytest.mark.parametrize("scale", [2.0**-1000, 2.0**-530, 2.0**530, 2.0**1000])
@pytest.mark.parametrize("order", [2, -2, "nuc"])
def test_second_derivatives_of_singular_values_scale_inversely(order, scale, mode):
    def hessian(x):
        return ad.jacobian(ad.grad(lambda x: LINALG.norm(x, order)), mode=mode)(x)

    np.testing.assert_allclose(hessian(SQUARE * scale) * scale, hessian(SQUARE), atol=1e-12)


def test_singular_vectors_turn_at_any_scale():
    def left_times_right(x):
        u, _, vh = LINALG.svd(x)
        return u[:, :1] @ vh[:1]

    expected = ad.jacobian(left_times_right)(SQUARE)
    for scale in (2.0**-600, 2.0**600):
        found = ad.jacobian(left_times_right)(SQUARE * scale)
        np.testing.assert_allclose(found * scale, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: LINALG.inv(x[:, :2]), r"inv: got shape \(4, 2\); expected square"),
        (lambda x: LINALG.det(x[0]), r"det: got shape \(4,\); expected square"),
        (lambda x: LINALG.eigh(x[:2]), r"eigh_packed: got shape \(2, 4\); expected square"),
        (lambda x: LINALG.cholesky(x[:2]), r"cholesky: got shape \(2, 4\)"),
        (lambda x: LINALG.svd(x[0]), r"svd_packed: got shape \(4,\); expected a matrix"),
        (lambda x: LINALG.qr(x[0]), r"qr: got shape \(4,\); expected a matrix"),
        (lambda x: LINALG.solve(x, np.ones(3)), r"solve: got shapes \(4, 4\) and \(3,\)"),
        (lambda x: LINALG.lstsq(x, np.ones(3)), r"lstsq: got shapes \(4, 4\) and \(3,\)"),
        (lambda x: LINALG.tensorsolve(x, np.ones(2)), "tensorsolve: got shapes"),
        (lambda x: LINALG.tensorinv(x[:2], ind=1), r"tensorinv: shape \(2, 4\)"),
        (lambda x: LINALG.matrix_power(x[:2], 2), r"matrix_power: got shape \(2, 4\)"),
        (lambda x: LINALG.norm(x, 2, axis=(0, 0)), "repeated axis"),
        (lambda x: LINALG.norm(x[None], 2), "expected one axis for vectors"),
        (lambda x: LINALG.matrix_norm(x[0]), "matrix_norm: got shape"),
        (lambda x: LINALG.cond(x[0]), "cond: got shape"),
    ],
)
def test_shapes_that_do_not_fit_are_explained(x, call, message):
    with pytest.raises(ad.ShapeError, match=message):
        call(x)


def test_wrong_options_are_explained(x):
    with pytest.raises(ValueError, match="no matrix norm ord=3"):
        LINALG.norm(x, 3)
    with pytest.raises(ValueError, match="'nuc' is for matrices"):
        LINALG.norm(x[0], "nuc")
    with pytest.raises(ValueError, match="unknown mode of qr"):
        LINALG.qr(x, "thin")
    with pytest.raises(ValueError, match="unknown triangle"):
        LINALG.eigh(x, "M")
    with pytest.raises(TypeError, match=r"exponent 0\.5 must be an integer"):
        LINALG.matrix_power(x, 0.5)
