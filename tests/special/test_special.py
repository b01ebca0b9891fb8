"""Special functions: the contract, closed forms, identities at extremes, and SciPy's door."""

import math
import subprocess
import sys

import numpy as np
import pytest
from adjoint.contract import check_primitive, clauses

import adjoint as ad
from adjoint.core import PRIMITIVES

scipy_special = pytest.importorskip("scipy.special")

from adjoint import special  # noqa: E402 - needs SciPy
from sampled import sampled  # noqa: E402

INF, NAN = np.inf, np.nan
CARDS = {name: p for name, p in PRIMITIVES.items() if ".special." in p.__module__}
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


@pytest.mark.parametrize(
    ("name", "clause"),
    sampled([(name, clause) for name, p in CARDS.items() for clause in clauses(p)], 3),
)
def test_contract(name, clause):
    check_primitive(CARDS[name], clause)


# --- the door: SciPy's functions on tensors


def run(program):
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)


def test_scipys_functions_work_before_the_module_is_imported():
    program = (
        "import sys, numpy as np, scipy.special, adjoint as ad\n"
        "x = ad.tensor([0.0], requires_grad=True)\n"
        "assert 'adjoint.special' not in sys.modules\n"
        "scipy.special.erf(x).sum().backward()\n"
        "np.testing.assert_allclose(x.grad.numpy(), 2 / np.sqrt(np.pi))\n"
    )
    assert run(program).stderr == ""


def test_i0_of_numpy_brings_it_too():
    program = (
        "import numpy as np, adjoint as ad\n"
        "x = ad.tensor([0.5], requires_grad=True)\n"
        "np.i0(x).sum().backward()\n"
        "import scipy.special\n"
        "np.testing.assert_allclose(x.grad.numpy(), scipy.special.i1(0.5))\n"
    )
    assert run(program).stderr == ""


def test_without_scipy_the_error_names_the_extra():
    program = "import sys; sys.modules['scipy'] = None; import adjoint as ad; ad.special"
    assert "adjoint.special needs scipy: python -m pip install scipy" in run(program).stderr


def test_functions_not_asked_for_do_not_import_scipy():
    program = (
        "import sys, numpy as np, adjoint as ad\n"
        "try: np.spacing(ad.tensor(1.0, requires_grad=True))\n"
        "except TypeError: print('scipy' in sys.modules)\n"
    )
    assert run(program).stdout == "False\n"


@pytest.mark.parametrize("name", ["logsumexp", "softmax", "log_softmax"])
def test_scipys_python_functions_refuse_a_tensor_that_requires_a_gradient(name):
    x = ad.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(TypeError, match="silently cut the graph"):
        getattr(scipy_special, name)(x)
    got = getattr(special, name)(x)
    assert got.requires_grad
    plain = x.detach().numpy()
    np.testing.assert_allclose(got.detach().numpy(), getattr(scipy_special, name)(plain))


def test_a_special_function_without_a_card_is_refused():
    x = ad.tensor([1.0], requires_grad=True)
    with pytest.raises(TypeError, match="gammainc has no derivative"):
        scipy_special.gammainc(2.0, x)


def test_every_public_function_is_scipys():
    """Each agrees with SciPy on a small positive array, float32 included."""
    orders = {"jv", "yv", "iv", "kv", "polygamma"}
    pairs = {"beta", "betaln", "kl_div", "rel_entr", "xlog1py", "xlogy"}
    for name in special.__all__:
        for dtype in (np.float32, np.float64):
            x = np.array([0.25, 0.5, 0.875], dtype)
            args = (2, x) if name in orders else (x, x[::-1]) if name in pairs else (x,)
            got = getattr(special, name)(*args)
            expected = getattr(scipy_special, name)(*args)
            assert got.dtype == dtype
            np.testing.assert_allclose(got, expected, rtol=1e-6 if dtype == np.float32 else 1e-14)


def test_scipys_own_elementary_functions_are_ours():
    x = ad.tensor([0.5], requires_grad=True)
    for name in ("exp10", "exp2", "expm1", "log1p", "cbrt", "cosm1"):
        got = getattr(scipy_special, name)(x)
        assert got.requires_grad
        expected = getattr(scipy_special, name)(0.5)
        np.testing.assert_allclose(got.detach().numpy(), expected, rtol=1e-15)


# --- conventions at edges

EDGES = [
    (special.erf, [[-INF, INF]], [[0, 0]]),
    (special.erfinv, [[-1, 1]], [[INF, INF]]),
    (special.erfcinv, [[0, 2]], [[-INF, -INF]]),
    (special.erfcx, [[-INF, INF]], [[-INF, 0]]),
    (special.ndtr, [[-INF, INF]], [[0, 0]]),
    (special.ndtri, [[0, 1]], [[INF, INF]]),
    (special.log_ndtr, [[-INF, INF]], [[INF, 0]]),
    (special.expit, [[-INF, 0, INF]], [[0, 0.25, 0]]),
    (special.log_expit, [[-INF, 0, INF]], [[1, 0.5, 0]]),
    (special.logit, [[0, 0.5, 1]], [[INF, 4, INF]]),
    (special.gammaln, [[0, INF]], [[-INF, INF]]),
    (special.gammaln, [-1], [NAN]),
    (special.digamma, [0], [INF]),
    (special.betaln, [0, 1], [-INF, 0]),
    (special.xlogy, [[0, 0, 0], [0, 2, -1]], [[0, np.log(2), 0], [0, 0, 0]]),
    (special.xlogy, [2, 0], [-INF, INF]),
    (special.xlog1py, [[0, 0], [-1, 1]], [[0, np.log(2)], [0, 0]]),
    (special.entr, [0], [INF]),
    (special.rel_entr, [[0, 0, 1], [0, 1, 0]], [[1, -INF, INF], [0, 0, -INF]]),
    (special.kl_div, [[0, 0, 2], [0, 1, 2]], [[0, -INF, 0], [1, 1, 0]]),
    (special.i0, [0], [0]),
    (special.i1, [0], [0.5]),
    (special.i0e, [[0, INF]], [[0, 0]]),
    (special.i1e, [[0, INF]], [[0.5, 0]]),
    (special.j0, [0], [0]),
    (special.j1, [0], [0.5]),
    (special.y0, [0], [INF]),
    (special.y1, [0], [INF]),
    (special.k0, [0], [-INF]),
    (special.k1, [0], [-INF]),
]


@BOTH
@pytest.mark.parametrize(
    ("function", "args", "expected"),
    EDGES,
    ids=[f"{n}-{edge[0].__name__}" for n, edge in enumerate(EDGES)],
)
def test_derivative_at_an_edge(function, args, expected, dtype):
    for got, right in zip(grads(function, *args, dtype=dtype), expected, strict=True):
        assert got.dtype == dtype
        np.testing.assert_allclose(got, right, rtol=1e-6)


def test_zero_times_its_logarithm_keeps_the_mixed_second_derivative():
    """∂²(x log y)/∂x∂y = 1/y, also at x = 0."""
    assert ad.grad(ad.grad(special.xlogy, 1), 0)(0.0, 4.0) == 0.25
    assert ad.grad(ad.grad(special.xlogy, 0), 1)(0.0, 4.0) == 0.25


# --- identities at extremes


@BOTH
def test_log_ndtr_far_left_is_a_parabola(dtype):
    """log Φ(x) = -x²/2 - log(-x√2π) - 1/x² + …, so its slope is -x - 1/x + 2/x³ …"""
    x = dtype(-300)
    np.testing.assert_allclose(grads(special.log_ndtr, x, dtype=dtype), [300 + 1 / 300], rtol=1e-6)
    np.testing.assert_allclose(second(special.log_ndtr, x, dtype), -1 + 1 / 300**2, rtol=1e-5)


@BOTH
def test_log_ndtr_far_right_is_flat(dtype):
    density = np.exp(-(9.0**2) / 2) / np.sqrt(2 * np.pi)
    np.testing.assert_allclose(grads(special.log_ndtr, 9, dtype=dtype), [density], rtol=1e-5)
    assert grads(special.log_ndtr, 1e4, dtype=dtype) == (0,)
    assert second(special.log_ndtr, 1e4, dtype) == 0


@pytest.mark.parametrize("x", [1.0, 25.0, 30.0, 37.0])
def test_log_ndtr_keeps_three_derivatives_on_the_right(x):
    """With h = φ/Φ they are h, -h (x + h) and h ((x + h) (x + 2h) - 1)."""
    h = np.exp(-x * x / 2) / np.sqrt(2 * np.pi) / scipy_special.ndtr(x)
    slopes = (h, -h * (x + h), h * ((x + h) * (x + 2 * h) - 1))
    f = special.log_ndtr
    for slope in slopes:
        f = ad.grad(f)
        # Rounding leaves so much of e^(-x²/2).
        np.testing.assert_allclose(f(x), slope, rtol=1e-13 * (1 + x))


@BOTH
@pytest.mark.parametrize("x", [-20.0, -300.0, -1e4, -1e8])
def test_log_ndtr_keeps_three_derivatives_far_left(x, dtype):
    """The slope is -x - 1/x + 2/x³ - 10/x⁵ + 74/x⁷ - …"""
    u = 1 / x**2
    slopes = (
        -x - (1 - 2 * u + 10 * u**2 - 74 * u**3 + 706 * u**4) / x,
        -1 + u * (1 - 6 * u + 50 * u**2 - 518 * u**3 + 6354 * u**4),
        -2 * u / x * (1 - 12 * u + 150 * u**2 - 2072 * u**3 + 31770 * u**4),
    )
    f = special.log_ndtr
    for slope in slopes:
        f = ad.grad(f)
        # What the series here leaves out at -20.
        np.testing.assert_allclose(f(dtype(x)), slope, rtol=2e-7)


def test_i0_and_i1_have_slopes_to_the_end_of_the_range():
    """I₀' = I₁ and I₁' = (I₀ + I₂)/2, of which SciPy's iv overflows last."""
    x = np.array([709.0, 710.0, 713.5, -712.0])
    i0, i1, i2 = (scipy_special.iv(order, x) for order in (0, 1, 2))
    np.testing.assert_allclose(grads(special.i0, x)[0], i1, rtol=1e-13)
    np.testing.assert_allclose(grads(special.i1, x)[0], i0 / 2 + i2 / 2, rtol=1e-13)
    np.testing.assert_allclose(second(special.i0, x), i0 / 2 + i2 / 2, rtol=1e-13)


@pytest.mark.parametrize("x", [0.0, 1e-308, -1e-160, 1e-6])
def test_i1_is_half_of_x_near_zero(x):
    np.testing.assert_allclose(grads(special.i1, x), [0.5 + 3 / 16 * x * x], rtol=1e-15)
    np.testing.assert_allclose(second(special.i1, x), 0.375 * x, rtol=1e-12)


@BOTH
@pytest.mark.parametrize("x", [1e3, 1e5, 1e8, 1e15])
def test_erfcx_far_right_falls_as_its_series(x, dtype):
    """erfcx x = (1/x - 1/(2x³) + …)/√π."""
    slope = -1 / (math.sqrt(math.pi) * x**2) * (1 - 1.5 / x**2)
    curvature = 2 / (math.sqrt(math.pi) * x**3) * (1 - 3 / x**2)
    rtol = 1e-10 if dtype == np.float64 else 1e-6
    np.testing.assert_allclose(grads(special.erfcx, x, dtype=dtype), [slope], rtol=rtol)
    if x < 1e10:
        np.testing.assert_allclose(second(special.erfcx, x, dtype), curvature, rtol=rtol)


@pytest.mark.parametrize(
    ("function", "edges"),
    [
        (special.erfcx, [8.0]),
        (special.log_ndtr, [-14.0]),
        (special.i0e, [-50.0, 50.0]),
        (special.i1e, [-52.0, 52.0]),
    ],
)
def test_series_and_difference_meet(function, edges):
    for edge in edges:
        below, above = np.nextafter(edge, 0), np.nextafter(edge, 2 * edge)
        np.testing.assert_allclose(grads(function, below), grads(function, above), rtol=1e-13)
        np.testing.assert_allclose(second(function, below), second(function, above), rtol=1e-11)


@BOTH
def test_scaled_bessel_functions_far_out_fall_as_a_root(dtype):
    """e⁻ˣ Iᵥ(x) = (1 - (4v² - 1)/(8x) + …)/√(2πx)."""
    x = 1e6
    for function, order in ((special.i0e, 0), (special.i1e, 1)):
        leading = -0.5 / (math.sqrt(2 * math.pi) * x**1.5)
        expected = leading * (1 - 3 * (4 * order**2 - 1) / (8 * x))
        for side in (x, -x):
            sign = -1 if side < 0 and order == 0 else 1
            got = grads(function, side, dtype=dtype)
            np.testing.assert_allclose(got, [sign * expected], rtol=1e-6)


@BOTH
def test_expit_has_a_slope_in_both_tails(dtype):
    np.testing.assert_allclose(
        grads(special.expit, [-60, 60], dtype=dtype), [[np.exp(-60)] * 2], rtol=1e-5
    )
    np.testing.assert_allclose(
        second(special.expit, [-60, 60], dtype), [np.exp(-60), -np.exp(-60)], rtol=1e-5
    )


@BOTH
def test_logit_near_its_ends(dtype):
    tiny = float(dtype(1e-30))
    np.testing.assert_allclose(grads(special.logit, tiny, dtype=dtype), [1 / tiny], rtol=1e-6)
    assert second(special.logit, 0.0, dtype) == -INF
    assert second(special.logit, 1.0, dtype) == INF
    assert second(special.logit, 0.5, dtype) == 0


def test_inverses_undo_their_functions():
    """(f⁻¹)'(f(x)) f'(x) = 1."""
    x = np.array([-2.0, -0.5, 0.0, 1e-9, 0.7, 2.5])
    for function, inverse in (
        (special.erf, special.erfinv),
        (special.erfc, special.erfcinv),
        (special.ndtr, special.ndtri),
        (special.expit, special.logit),
    ):
        (there,) = grads(function, x)
        (back,) = grads(inverse, function(x))
        np.testing.assert_allclose(there * back, 1, rtol=1e-12)


def test_digamma_follows_its_recurrence():
    """ψ'(x) = ψ'(x + 1) + 1/x², left of the poles too."""
    x = np.array([-3.25, -0.5, 1e-3, 0.5, 7.0, 1e6])
    for n, function in enumerate((special.digamma, special.gammaln)):
        (here,), (next_,) = grads(function, x), grads(function, x + 1)
        jump = 1 / x**2 if n == 0 else -1 / x
        np.testing.assert_allclose(here, next_ + jump, rtol=1e-12)


def test_gamma_of_a_half_reflects():
    """Γ'(1/2) = -√π (γ + 2 log 2)."""
    expected = -math.sqrt(math.pi) * (np.euler_gamma + 2 * math.log(2))
    np.testing.assert_allclose(grads(special.gamma, 0.5), [expected], rtol=1e-15)


def test_polygamma_needs_one_whole_order():
    x = np.array([0.5, 2.0])
    np.testing.assert_array_equal(special.polygamma(0, x), scipy_special.digamma(x))
    assert special.polygamma(1, 0.5) == pytest.approx(math.pi**2 / 2)
    with pytest.raises(TypeError, match="one whole number"):
        special.polygamma(ad.tensor(1), x)
    with pytest.raises(TypeError):
        special.polygamma(0.5, x)
    with pytest.raises(ValueError, match="must not be negative"):
        special.polygamma(-1, x)


@pytest.mark.parametrize("x", [1e-3, 0.5, 3.0, 1e6, 1e12])
@pytest.mark.parametrize("n", [1, 3])
def test_beta_of_whole_numbers_is_a_sum(x, n):
    """ψ(x + n) - ψ(x) = Σ 1/(x + k), which the difference of two digammas cannot give."""
    expected = -math.fsum(1 / (x + k) for k in range(n))
    np.testing.assert_allclose(grads(special.betaln, x, n)[0], expected, rtol=1e-14)
    np.testing.assert_allclose(
        grads(special.beta, x, n)[0], expected * scipy_special.beta(x, n), rtol=1e-13
    )


def test_beta_left_of_zero():
    """B(x, 1) = 1/x."""
    np.testing.assert_allclose(grads(special.beta, -0.5, 1.0)[0], -4, rtol=1e-14)


def test_relative_entropies_of_far_apart_numbers():
    np.testing.assert_allclose(
        grads(special.kl_div, 1e-200, 1e200)[0], -400 * math.log(10), rtol=1e-14
    )
    mixed = ad.grad(ad.grad(special.rel_entr, 0), 1)(1e-10, 1e-200)
    np.testing.assert_allclose(mixed, -1e200, rtol=1e-14)


def test_kl_div_of_near_numbers_does_not_cancel():
    x = 1e-30
    y = x * (1 + 2.0**-30)
    np.testing.assert_allclose(grads(special.kl_div, x, y)[0], -(2.0**-30), rtol=1e-6)


def test_bessel_functions_obey_their_equation():
    """x² y'' + x y' = ±(x² ∓ v²) y, by two derivatives of the function of order v."""
    x = np.array([0.3, 1.0, 4.0, 9.0])
    for function, sign in ((special.jv, -1), (special.yv, -1), (special.iv, 1), (special.kv, 1)):
        for order in (0, 1, 2.5):
            y = function(order, x)
            (first,) = grads(lambda x, f=function, v=order: f(v, x), x)
            curvature = second(lambda x, f=function, v=order: f(v, x), x)
            right = (sign * x**2 + order**2) * y
            np.testing.assert_allclose(x**2 * curvature + x * first, right, rtol=1e-10, atol=1e-11)


def test_bessel_orders_are_constants():
    x = ad.tensor([1.0], requires_grad=True)
    assert scipy_special.jv(np.int64(2), x).requires_grad
    with pytest.raises(TypeError, match="no derivative by the order"):
        scipy_special.jv(x, 1.0)
    with pytest.raises(TypeError, match="one constant number"):
        special.kv([1, 2], x)


# --- sums on a logarithmic scale


def test_weights_of_logsumexp():
    a = np.array([[1e4, 0.0, -INF], [1.0, 2.0, 3.0]])
    b = np.array([[1.0, 2.0, 3.0], [0.5, 0.0, 2.0]])
    for options in ({}, {"axis": 1}, {"axis": 0, "keepdims": True}):
        np.testing.assert_allclose(
            special.logsumexp(a, b=b, **options), scipy_special.logsumexp(a, b=b, **options)
        )
    ad.check_gradients(lambda a, b: special.logsumexp(a, 1, b), a[1:], b[1:] + 1)
    by_a, by_b = grads(lambda a, b: special.logsumexp(a, b=b), [0.0, 800.0], [1.0, 0.0])
    assert by_a.tolist() == [1, 0]
    assert by_b[0] == 1


def test_softmax_is_over_all_entries_as_in_scipy():
    x = np.array([[1.0, 2.0], [3.0, -INF]])
    for axis in (None, 0, (0, 1), -1):
        np.testing.assert_allclose(special.softmax(x, axis), scipy_special.softmax(x, axis))
        np.testing.assert_allclose(special.log_softmax(x, axis), scipy_special.log_softmax(x, axis))
    ad.check_gradients(special.softmax, np.array([[1.0, 2.0], [3.0, 0.5]]))
    ad.check_gradients(special.log_softmax, np.array([[1.0, 2.0], [3.0, 0.5]]))


def test_empty_and_scalar_arguments():
    for name, card in CARDS.items():
        params = dict.fromkeys(card.param_names, 2)
        count = len(card.array_names)
        assert card(*[np.zeros((0, 2))] * count, **params).shape == (0, 2), name
        (got,) = grads(lambda x, c=card, n=count, p=params: c(*[x] * n, **p), 0.5)
        assert np.isfinite(got), name
