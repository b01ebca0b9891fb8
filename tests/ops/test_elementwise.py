"""Elementwise functions: derivatives at edges and extremes, and NumPy's own results."""

import numpy as np
import pytest

import adjoint as ad

INF, NAN = np.inf, np.nan
BOTH = pytest.mark.parametrize("dtype", [np.float64, np.float32])


@pytest.fixture(autouse=True)
def _quiet():
    """NumPy warns of the forward values at these points, and rightly so."""
    with np.errstate(all="ignore"):
        yield


def grads(function, *args, dtype=np.float64):
    def total(*xs):
        return np.sum(function(*xs))

    return ad.grad(total, tuple(range(len(args))))(*(np.asarray(x, dtype) for x in args))


def second(function, x, dtype=np.float64):
    def slope(x):
        return np.sum(ad.grad(lambda x: np.sum(function(x)))(x))

    return ad.grad(slope)(np.asarray(x, dtype))


EDGES = [
    (np.arcsin, [[-1, 1]], [[INF, INF]]),
    (np.arccos, [[-1, 1]], [[-INF, -INF]]),
    (np.arctan, [[-INF, INF]], [[0, 0]]),
    (np.arctan2, [0, 0], [0, 0]),
    (np.arctan2, [[1, INF, 0], [INF, 1, INF]], [[0, 0, 0], [0, 0, 0]]),
    (np.arctan2, [0, -1], [-1, 0]),
    (np.arcsinh, [[-INF, 0, INF]], [[0, 1, 0]]),
    (np.arccosh, [[1, INF]], [[INF, 0]]),
    (np.arctanh, [[-1, 0, 1]], [[INF, 1, INF]]),
    (np.hypot, [0, 0], [0, 0]),
    (np.hypot, [[INF, 3], [2, -INF]], [[1, 0], [0, -1]]),
    (np.sinc, [0], [0]),
    (np.cbrt, [[0, INF]], [[INF, 0]]),
    (np.log2, [0], [INF]),
    (np.log10, [0], [INF]),
    (np.reciprocal, [[0, INF]], [[-INF, 0]]),
    (np.logaddexp, [-INF, -INF], [0.5, 0.5]),
    (np.logaddexp, [INF, INF], [0.5, 0.5]),
    (np.logaddexp, [[-INF, INF], [2, 2]], [[0, 1], [1, 0]]),
    (np.logaddexp2, [-INF, -INF], [0.5, 0.5]),
    (np.logaddexp2, [3, 3], [0.5, 0.5]),
    (np.remainder, [[-7, 7, 6], [3, -3, 3]], [[1, 1, 1], [3, 3, -2]]),
    (np.fmod, [[-7, 7, 6], [3, -3, 3]], [[1, 1, 1], [2, 2, -2]]),
    (np.fmod, [5, INF], [1, 0]),
    (
        np.fmax,
        [[NAN, 1, 2, 2, NAN], [1, NAN, 2, 3, NAN]],
        [[0, 1, 0.5, 0, 0.5], [1, 0, 0.5, 1, 0.5]],
    ),
    (
        np.fmin,
        [[NAN, 1, 2, 2, NAN], [1, NAN, 2, 3, NAN]],
        [[0, 1, 0.5, 1, 0.5], [1, 0, 0.5, 0, 0.5]],
    ),
    (np.fabs, [[-2, 0, 2]], [[-1, 0, 1]]),
    (np.copysign, [[2, -2, 0], [-0.0, 3, -1]], [[-1, -1, 0], [0, 0, 0]]),
    (np.heaviside, [[-1, 0, 1], [0.5, 0.5, 0.5]], [[0, 0, 0], [0, 1, 0]]),
    (np.nan_to_num, [[NAN, INF, -INF, 2]], [[0, 0, 0, 1]]),
    (lambda x: np.modf(x)[0], [[-1.5, 2, INF]], [[1, 1, 0]]),
    (lambda x: np.modf(x)[1], [[-1.5, 2, INF]], [[0, 0, 0]]),
    *[(f, [[-1.5, 0, 2, INF]], [[0, 0, 0, 0]]) for f in (np.floor, np.ceil, np.trunc, np.rint)],
    *[(f, [[-1.5, 0, 2, INF]], [[0, 0, 0, 0]]) for f in (np.round, np.around, np.fix, np.sign)],
    (np.deg2rad, [180], [np.pi / 180]),
    (np.degrees, [1], [180 / np.pi]),
    (np.conj, [[1, -2]], [[1, 1]]),
    (np.imag, [[1, INF]], [[0, 0]]),
]


@BOTH
@pytest.mark.parametrize(
    ("function", "args", "expected"),
    EDGES,
    ids=[f"{n}-{getattr(edge[0], '__name__', 'part')}" for n, edge in enumerate(EDGES)],
)
def test_derivative_at_an_edge(function, args, expected, dtype):
    for got, right in zip(grads(function, *args, dtype=dtype), expected, strict=True):
        assert got.dtype == dtype
        np.testing.assert_allclose(got, right, rtol=1e-6)


@pytest.mark.parametrize(
    ("function", "inside"),
    [
        (np.arcsin, lambda x: np.abs(x) < 1),
        (np.arccosh, lambda x: x > 1),
        (np.log2, lambda x: x > 0),
        (np.tan, np.isfinite),
        (np.cbrt, lambda x: x != 0),
        (np.reciprocal, lambda x: x != 0),
        (lambda x: np.remainder(1.0, x), lambda x: x != 0),
        (lambda x: np.hypot(x, 1.0), np.isfinite),
        (np.sinc, np.isfinite),
    ],
)
def test_a_branch_not_taken_has_no_gradient(function, inside):
    points = np.array([-INF, -2.0, 0.0, 1.0, INF, NAN])
    (got,) = grads(lambda x: np.where(inside(x), function(x), 0.0), points)
    assert np.all(got[~np.asarray(inside(points))] == 0)


@BOTH
def test_squares_neither_overflow_nor_vanish(dtype):
    huge, tiny = dtype(1e30), dtype(1e-30)
    for size in (huge, tiny):
        np.testing.assert_allclose(grads(np.hypot, size, size, dtype=dtype), [0.5**0.5] * 2, 1e-6)
        by_y, by_x = grads(np.arctan2, size, size, dtype=dtype)
        np.testing.assert_allclose([by_y, -by_x], [0.5 / size] * 2, 1e-6)
    np.testing.assert_allclose(grads(np.arcsinh, huge, dtype=dtype), [1 / huge], 1e-6)
    np.testing.assert_allclose(grads(np.arccosh, huge, dtype=dtype), [1 / huge], 1e-6)
    np.testing.assert_allclose(second(np.arctan, dtype(1e10), dtype), -2 / dtype(1e10) ** 3, 1e-6)


def test_slopes_near_one_do_not_cancel():
    """1/√(1 - x²) with 1 - x = 2⁻⁴⁰ exactly."""
    gap = 2.0**-40
    expected = 1 / np.sqrt(gap * (2 - gap))
    np.testing.assert_allclose(grads(np.arcsin, 1 - gap), [expected], rtol=1e-15)
    np.testing.assert_allclose(grads(np.arccos, gap - 1), [-expected], rtol=1e-15)
    np.testing.assert_allclose(grads(np.arctanh, 1 - gap), [expected**2], rtol=1e-15)
    np.testing.assert_allclose(
        grads(np.arccosh, 1 + gap), [1 / np.sqrt(gap * (2 + gap))], rtol=1e-15
    )


@BOTH
def test_tails_keep_their_small_slopes(dtype):
    for function in (np.expm1, lambda x: np.logaddexp(x, 0)):
        np.testing.assert_allclose(grads(function, -40, dtype=dtype), [np.exp(-40)], rtol=1e-5)
        np.testing.assert_allclose(second(function, -40, dtype), np.exp(-40), rtol=1e-5)
    np.testing.assert_allclose(
        second(lambda x: np.logaddexp(x, 0), 40, dtype), np.exp(-40), rtol=1e-5
    )


def _logistic_slopes(x):
    """The first three derivatives of 1 / (1 + e⁻ˣ)."""
    e = np.exp(-np.abs(x))
    slope = e / (1 + e) ** 2
    side = np.sign(x) * (1 - e) / (1 + e)
    return slope, -slope * side, slope * (1 - 6 * slope)


@BOTH
@pytest.mark.parametrize("x", [-80.0, -40.0, -3.0, 0.0, 3.0, 17.0, 40.0, 80.0])
def test_logistic_and_softplus_have_exact_slopes_in_both_tails(x, dtype):
    rtol = 1e-13 if dtype == np.float64 else 1e-5
    slopes = _logistic_slopes(x)
    f, g = ad.logistic, ad.grad(ad.softplus)
    for slope in slopes:
        f, g = ad.grad(f), ad.grad(g)
        np.testing.assert_allclose(f(dtype(x)), slope, rtol=rtol, atol=1e-45)
        np.testing.assert_allclose(g(dtype(x)), slope, rtol=rtol, atol=1e-45)


@pytest.mark.parametrize("x", [-1e16, -1e8, -2.0, -0.5, 0.0, 0.5, 1.0, 1e4, 1e16])
def test_softsign_has_exact_slopes_however_far(x):
    size = 1 + abs(x)
    slopes = (size**-2, -2 * np.sign(x) * size**-3, 6 * size**-4 if x else 0)
    f = ad.nn.functional.softsign
    for slope in slopes:
        f = ad.grad(f)
        np.testing.assert_allclose(f(x), slope, rtol=1e-13)


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ((None, 1.0), [1, 1, 1, 0]),
        ((-1.0, None), [0, 1, 1, 1]),
        ((-1.0, 1.0), [0, 1, 1, 0]),
    ],
)
def test_a_bound_that_is_not_given_stops_no_gradient(bounds, expected):
    x = np.array([-1e300, -0.5, 1.0, 1e300])
    np.testing.assert_array_equal(grads(lambda x: np.clip(x, *bounds), x)[0], expected)
    assert np.clip(ad.tensor(x), *bounds).tolist() == np.clip(x, *bounds).tolist()


def test_opposite_infinite_slopes_in_one_argument_are_nan_in_reverse_alone():
    def root(x):
        return np.sqrt(x - x)

    assert np.isnan(ad.grad(root)(1.0))
    assert ad.jvp(root, (1.0,), (1.0,))[1] == 0


@BOTH
@pytest.mark.parametrize("x", [0.0, 1e-30, 1e-8, 1e-3, 0.1])
def test_sinc_is_smooth_at_zero(x, dtype):
    """sinc x = Σ (-1)ᵏ (πx)²ᵏ/(2k+1)!, so sinc' ≈ -π²x/3 and sinc'' → -π²/3."""
    z = np.pi * x
    first = -np.pi * (z / 3 - z**3 / 30 + z**5 / 840 - z**7 / 45360)
    curvature = -(np.pi**2) * (1 / 3 - z**2 / 10 + z**4 / 168 - z**6 / 6480)
    rtol = 1e-9 if dtype == np.float64 else 1e-5
    np.testing.assert_allclose(grads(np.sinc, x, dtype=dtype), [first], rtol=rtol)
    np.testing.assert_allclose(second(np.sinc, x, dtype), curvature, rtol=rtol)


def test_the_branches_of_sinc_meet():
    edge = 1 / np.pi
    below, above = np.nextafter(edge, 0), np.nextafter(edge, 1)
    np.testing.assert_allclose(grads(np.sinc, below), grads(np.sinc, above), rtol=1e-14)
    np.testing.assert_allclose(second(np.sinc, below), second(np.sinc, above), rtol=1e-13)


def test_equal_arguments_of_logaddexp_keep_their_second_derivative():
    np.testing.assert_allclose(second(lambda x: np.logaddexp(x, 1.0), 1.0), 0.25, rtol=1e-15)


def test_names_of_one_function_are_one():
    x = np.array([0.2, 0.7])
    for ours, numpys in [
        (ad.radians, np.deg2rad),
        (ad.degrees, np.rad2deg),
        (ad.mod, np.mod),
        (ad.true_divide, np.divide),
        (ad.float_power, np.float_power),
    ]:
        args = (x,) if ours in (ad.radians, ad.degrees) else (x, 0.3)
        np.testing.assert_allclose(ours(*args), numpys(*args), rtol=1e-15)


def test_float_power_is_float64_and_its_gradient_the_datas_dtype():
    x = ad.tensor([1.5], dtype=np.float32, requires_grad=True)
    y = np.float_power(x, 2)
    assert y.dtype == np.float64
    y.sum().backward()
    assert x.grad.dtype == np.float32
    assert x.grad.tolist() == [3.0]


def test_divmod_gives_a_pair():
    x = ad.tensor([-7.0, 7.0], requires_grad=True)
    for quotient, rest in (np.divmod(x, 3.0), divmod(x, 3.0), ad.divmod(x, 3.0)):
        assert quotient.tolist() == [-3.0, 2.0]
        assert rest.tolist() == [2.0, 1.0]
    assert [part.tolist() for part in divmod(7.0, x)] == [[-1.0, 1.0], [-0.0, 0.0]]


def test_round_takes_decimals():
    x = ad.tensor([1.234], requires_grad=True)
    assert np.round(x, 2).tolist() == x.round(decimals=1 + 1).tolist() == [1.23]


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (np.isnan, [False, False, False, True]),
        (np.isinf, [False, True, True, False]),
        (np.isfinite, [True, False, False, False]),
        (np.isposinf, [False, True, False, False]),
        (np.isneginf, [False, False, True, False]),
        (np.signbit, [True, False, True, False]),
        (lambda x: np.logical_and(x, 1), [False, True, True, True]),
        (lambda x: np.logical_or(x, 0), [False, True, True, True]),
        (lambda x: np.logical_xor(x, 1), [True, False, False, False]),
        (lambda x: np.isclose(x, 0.0), [True, False, False, False]),
        (lambda x: np.isclose(x, x, equal_nan=True), [True] * 4),
    ],
)
def test_questions_have_constant_answers(function, expected):
    x = ad.tensor([-0.0, INF, -INF, NAN], requires_grad=True)
    answer = function(x)
    assert answer.dtype == bool
    assert not answer.requires_grad
    assert answer.tolist() == expected


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_nan_to_num_replaces_as_numpy_does(dtype):
    x = np.array([NAN, INF, -INF, 2.0], dtype)
    for choices in ({}, {"nan": 1.0, "posinf": 5.0, "neginf": -5.0}, {"posinf": NAN}):
        got = np.nan_to_num(ad.tensor(x), **choices)
        assert got.dtype == dtype
        np.testing.assert_array_equal(got.numpy(), np.nan_to_num(x, **choices))
    assert ad.nan_to_num([1, 2]).tolist() == [1, 2]


def test_nan_to_num_differentiates_the_replacement():
    (by_nan,) = grads(lambda v: ad.nan_to_num(np.array([NAN, 1.0]), nan=v), 3.0)
    assert by_nan == 1


def test_modf_has_the_parts_of_numpy():
    x = np.array([-1.5, 2.25, INF, -INF])
    for ours, numpys in zip(ad.modf(x), np.modf(x), strict=True):
        np.testing.assert_array_equal(ours, numpys)


@BOTH
def test_unwrap_passes_the_gradient(dtype):
    angle = np.array([0.0, 3.0, -3.0, 0.0], dtype)
    got = np.unwrap(ad.tensor(angle, requires_grad=True))
    assert got.dtype == dtype
    np.testing.assert_allclose(got.detach().numpy(), np.unwrap(angle))
    (by_angle,) = grads(lambda x: np.unwrap(x) * np.arange(4, dtype=dtype), angle, dtype=dtype)
    assert by_angle.tolist() == [0, 1, 2, 3]


# --- interpolation

KNOTS, VALUES = np.array([0.0, 1.0, 3.0, 4.0]), np.array([1.0, 3.0, -1.0, 0.0])


def test_interp_is_numpys():
    x = np.array([-1.0, 0.0, 0.5, 1.0, 2.9, 4.0, 5.0, NAN])
    for ends in ((), (7.0, 8.0)):
        np.testing.assert_allclose(
            ad.interp(x, KNOTS, VALUES, *ends), np.interp(x, KNOTS, VALUES, *ends), rtol=1e-15
        )
    one = ([1.0], [5.0], 4.0)
    np.testing.assert_array_equal(ad.interp(x[:-1], *one), np.interp(x[:-1], *one))
    assert ad.interp([], KNOTS, VALUES).shape == (0,)
    assert ad.interp(0.5, KNOTS, VALUES) == 2


def test_interp_next_to_infinite_values_is_numpys():
    values = np.array([0.0, INF, INF, 1.0])
    x = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    np.testing.assert_array_equal(ad.interp(x, KNOTS, values), np.interp(x, KNOTS, values))


def test_interp_differentiates_by_all_arguments():
    x = np.array([-1.0, 0.3, 1.5, 2.9, 3.5, 6.0])
    ad.check_gradients(ad.interp, x, KNOTS, VALUES)
    ad.check_gradients(lambda left, right: ad.interp(x, KNOTS, VALUES, left, right), 1.0, 2.0)


def test_interp_has_the_right_hand_slope_at_a_knot():
    by_x, _, by_values = grads(ad.interp, KNOTS, KNOTS, VALUES)
    assert by_x.tolist() == [2, -2, 1, 0]
    assert by_values.tolist() == [1, 1, 1, 1]


def test_interp_at_a_jump_takes_the_right_piece():
    by_x, *_ = grads(ad.interp, [0.5, 1.0, 1.5], [0.0, 1.0, 1.0, 2.0], [0.0, 0.0, 5.0, 6.0])
    assert by_x.tolist() == [0, 1, 1]


def test_interp_keeps_the_datas_dtype():
    got = ad.interp(*(a.astype(np.float32) for a in (np.array([0.5]), KNOTS, VALUES)))
    assert got.dtype == np.float32


def test_interp_explains_points_that_do_not_fit():
    x = ad.tensor([0.5], requires_grad=True)
    with pytest.raises(ad.ShapeError, match=r"points of shape \(4,\) and values of shape \(3,\)"):
        np.interp(x, KNOTS, VALUES[:3])
    with pytest.raises(ad.ShapeError, match=r"expected two of the same shape \(n,\), n > 0"):
        np.interp(x, [], [])
    with pytest.raises(TypeError, match="interp with period"):
        np.interp(x, KNOTS, VALUES, period=4)


# --- kinds of input


def test_integers_become_floats_where_numpys_do():
    whole = ad.tensor([1, 2])
    for function in (np.tan, np.arctan, np.sinh, np.cbrt, np.exp2, np.sinc, np.fabs, np.deg2rad):
        np.testing.assert_allclose(function(whole).numpy(), function(np.array([1, 2])), rtol=1e-15)


def test_complex_numbers_are_refused():
    x = ad.tensor([1.0], requires_grad=True)
    with pytest.raises(TypeError, match="complex numbers are out of scope"):
        np.hypot(x, 0) + np.tan(x) * np.array([1j])
