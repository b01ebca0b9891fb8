"""The native elementary functions: errors in ulp over the whole range, and special values."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import adjoint.special  # noqa: F401 - its cards are asked for here
from adjoint.compiler.native.formats import LLVM_TYPES, SIZES
from adjoint.compiler.native.functions import FUNCTIONS
from adjoint.compiler.native.machine import this_machine
from adjoint.core import PRIMITIVES
from lane_loops import DTYPES, vectorised
from true_values import (
    BINARY,
    CANCELLING,
    IS_LONG,
    RANGES,
    UNARY,
    arguments,
    pairs_of_arguments,
    special_values,
    true_values,
    ulps,
)

# The bounds that the docstrings state.
BOUNDS = {
    **dict.fromkeys(("floor", "ceil", "trunc", "rint", "fmod"), 0.0),
    **dict.fromkeys(("log2", "log10", "cbrt", "reciprocal"), 0.51),
    **dict.fromkeys(("exp2", "log", "log1p", "sin", "cos", "power", "hypot"), 1.0),
    **dict.fromkeys(("erf", "arcsin", "arccos"), 1.5),
    **dict.fromkeys(("arctan", "arctan2", "sinh", "cosh", "softplus", "log_expit"), 2.0),
    **dict.fromkeys(("sinc", "entr", "xlogy", "xlog1py"), 2.0),
    **dict.fromkeys(("expm1", "tan", "sigmoid", "expit", "logaddexp"), 2.5),
    **dict.fromkeys(("arcsinh", "arccosh", "arctanh"), 2.5),
    **dict.fromkeys(("tanh", "cosm1", "logit", "logaddexp2"), 3.0),
    **dict.fromkeys(("rel_entr", "erfcx"), 4.0),
    "exp": 1.1,
    "erfc": 5.0,
    "ndtr": 5.5,
    "log_ndtr": 6.0,
}
# What computes float32 in float32; the others compute it in float64.
SINGLE = {"exp", "expm1", "log", "log1p", "tanh", "sigmoid", "softplus", "log_expit", "sinc"}
ROUNDED = 0.51
# Below, e⁻ˣ overflows and the result is 0, as in adjoint.sigmoid.
SIGMOID_ZERO = {"f64": -709.78, "f32": -88.72}
# Their results at two zeros differ in sign from processor to processor, in NumPy too.
UNSIGNED = {"fmax", "fmin"}


def widest(kind):
    return this_machine().target.width(SIZES[kind])


def bound_of(name, kind):
    exact = kind == "f64" or name in SINGLE or BOUNDS[name] == 0
    return BOUNDS[name] if exact else ROUNDED


def assert_below(name, kind, args, y, *, size=None):
    error = ulps(y, true_values(name, *args), size=size)
    worst = np.argmax(error)
    assert error[worst] <= bound_of(name, kind), ([x[worst] for x in args], y[worst], error[worst])


extended = pytest.mark.skipif(not IS_LONG, reason="long double is no longer than double here")


@extended
@pytest.mark.parametrize("kind", ["f64", "f32"])
@pytest.mark.parametrize("name", [*UNARY, "sinc"])
def test_error_is_below_the_stated_ulps(name, kind, full):
    x = arguments(DTYPES[kind], 1_000_000 if full else 10_000)
    if name == "sigmoid":
        x = x[x > SIGMOID_ZERO[kind]]
    assert_below(name, kind, [x], vectorised(name, (kind,), widest(kind))(x))


@extended
@pytest.mark.parametrize("kind", ["f64", "f32"])
@pytest.mark.parametrize("name", BINARY)
def test_error_of_two_arguments_is_below_the_stated_ulps(name, kind, full):
    x, y = pairs_of_arguments(name, DTYPES[kind], 1_000_000 if full else 10_000)
    size = None
    if name in CANCELLING:
        size = np.nan_to_num(np.maximum(np.abs(x), np.abs(y)))
    result = vectorised(name, (kind, kind), widest(kind))(x, y)
    assert_below(name, kind, [x, y], result, size=size)


@extended
@pytest.mark.parametrize("kind", ["f64", "f32"])
@pytest.mark.parametrize("name", RANGES)
def test_error_of_the_error_functions_is_below_the_stated_ulps(name, kind, full):
    pytest.importorskip("mpmath")
    rng, count = np.random.default_rng(0), 30_000 if full else 500
    small = rng.choice([-1, 1], count) * np.exp(rng.uniform(-30, 0, count))
    parts = [rng.uniform(*RANGES[name], count), 2 * rng.normal(size=count), small]
    x = np.concatenate(parts).astype(DTYPES[kind])
    assert_below(name, kind, [x], vectorised(name, (kind,), widest(kind))(x))


def assert_as_in_numpy(name, y, *args):
    """Compare with the primitive itself, the signs of zeros included."""
    with np.errstate(all="ignore"):
        expected = PRIMITIVES[name].forward(*args)
    info = np.finfo(args[0].dtype)
    # NumPy and SciPy cancel in these, too.
    atol = info.eps if name in (*CANCELLING, "kl_div") else 2 * info.smallest_subnormal
    np.testing.assert_allclose(y, expected, rtol=8 * info.eps, atol=atol)
    if expected.dtype != np.bool_ and name not in UNSIGNED and name not in CANCELLING:
        assert (np.signbit(y) == np.signbit(expected))[~np.isnan(expected)].all()


@pytest.mark.parametrize("width", [1, 4])
@pytest.mark.parametrize("kind", ["f64", "f32"])
@pytest.mark.parametrize("name", [*UNARY, *RANGES, "sinc", "signbit", "isinf"])
def test_special_values_are_numpys(name, kind, width):
    x = special_values(DTYPES[kind])
    assert_as_in_numpy(name, vectorised(name, (kind,), width)(x), x)


PAIRED = ["copysign", "fmax", "fmin", "heaviside", "remainder", "floor_divide", "kl_div", *BINARY]


@pytest.mark.parametrize("width", [1, 4])
@pytest.mark.parametrize("kind", ["f64", "f32"])
@pytest.mark.parametrize("name", PAIRED)
def test_special_pairs_are_numpys(name, kind, width):
    x, y = map(np.ravel, np.meshgrid(*[special_values(DTYPES[kind])] * 2))
    assert_as_in_numpy(name, vectorised(name, (kind, kind), width)(x, y), x, y)


@pytest.mark.parametrize("kind", ["f64", "f32"])
@pytest.mark.parametrize("name", ["remainder", "floor_divide", "fmod", "heaviside", "copysign"])
def test_what_numpy_computes_exactly_has_its_bits(name, kind):
    x, y = pairs_of_arguments(name, DTYPES[kind], 5_000)
    with np.errstate(all="ignore"):
        expected = PRIMITIVES[name].forward(x, y)
    np.testing.assert_array_equal(vectorised(name, (kind, kind), widest(kind))(x, y), expected)


@pytest.mark.parametrize("whole", ["i64", "i32"])
@pytest.mark.parametrize("kind", ["f64", "f32"])
def test_ldexp_rounds_once(kind, whole):
    x, rng = arguments(DTYPES[kind], 5_000), np.random.default_rng(0)
    limits = np.iinfo(DTYPES[whole])
    for lowest, highest in ((-60, 60), (-2300, 2300), (limits.min, limits.max)):
        n = rng.integers(lowest, highest, x.size, endpoint=True).astype(DTYPES[whole])
        with np.errstate(all="ignore"):
            # At exponents that leave a subnormal result, too.
            n[::2] -= np.frexp(x[::2])[1] * (highest == 60)
            expected = np.ldexp(x, n)
        y = vectorised("ldexp", (kind, whole), widest(kind))(x, n)
        assert y.tobytes() == expected.tobytes() or np.array_equal(y, expected, equal_nan=True)


def test_exp_of_subnormal_results_is_right():
    x = np.linspace(-745.2, -708.3, 10_001)
    y = vectorised("exp", ("f64",), 8)(x)
    exact = true_values("exp", x)
    assert (np.abs(y.astype(np.longdouble) - exact) <= np.finfo(float).smallest_subnormal).all()


@pytest.mark.parametrize("name", [*UNARY, *RANGES, "sinc"])
def test_wide_and_single_lanes_give_the_same_bits(name):
    x = arguments(np.float64, 2_000)
    wide, single = (vectorised(name, ("f64",), width)(x) for width in (8, 1))
    np.testing.assert_array_equal(wide.view(np.int64), single.view(np.int64))


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_a_huge_angle_leaves_its_neighbours_alone(name):
    x = np.random.default_rng(0).normal(size=800) * 100
    alone = vectorised(name, ("f64",), 8)(x)
    x[::8] = 1e300
    beside = vectorised(name, ("f64",), 8)(x)
    assert (beside == alone)[np.arange(800) % 8 > 0].all()


def test_every_function_has_a_bound_or_is_exact():
    exact = {"copysign", "fmax", "fmin", "heaviside", "ldexp", "signbit"}
    like_numpy = {"remainder", "floor_divide", "kl_div"}
    assert set(FUNCTIONS) == (BOUNDS.keys() & set(FUNCTIONS)) | exact | like_numpy


def test_every_kind_has_its_llvm_type():
    assert set(LLVM_TYPES) >= set(DTYPES)
