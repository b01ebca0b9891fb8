"""The native elementary functions: errors in ulp over the whole range, and special values."""

import ctypes
import functools

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from adjoint.compiler.native.formats import LLVM_TYPES, SIZES
from adjoint.compiler.native.functions import turns
from adjoint.compiler.native.instructions import INSTRUCTIONS
from adjoint.compiler.native.lanes import Block, Names, declarations
from adjoint.compiler.native.machine import ATTRIBUTES, Library, this_machine
from adjoint.core import PRIMITIVES

LOOP = """
{declared}
define void @apply(ptr %x, ptr %z, ptr %y, i64 %n) #0 {{
entry:
  br label %loop
loop:
  %i = phi i64 [0, %entry], [%next, %loop]
  %from0 = getelementptr {vector}, ptr %x, i64 %i
  %from1 = getelementptr {vector}, ptr %z, i64 %i
  %to = getelementptr {vector}, ptr %y, i64 %i
{body}
  store {vector} {result}, ptr %to, align {align}
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %n
  br i1 %more, label %loop, label %end
end:
  ret void
}}
{attributes}
"""
DTYPES = {"f64": np.float64, "f32": np.float32}
# The bounds that the docstrings state.
BOUNDS = {
    "exp": 1.1,
    "exp2": 1.5,
    "expm1": 2.0,
    "sigmoid": 2.5,
    "expit": 2.5,
    "log": 1.0,
    "log1p": 1.0,
    "log2": 1.0,
    "log10": 1.0,
    "softplus": 2.0,
    "log_expit": 2.0,
    "logit": 3.5,
    "cbrt": 1.0,
    "sin": 1.0,
    "cos": 1.0,
    "tan": 2.5,
    "arcsin": 2.0,
    "arccos": 2.0,
    "arctan": 2.5,
    "sinh": 2.5,
    "cosh": 2.0,
    "tanh": 3.0,
    "arcsinh": 2.5,
    "arccosh": 3.0,
    "arctanh": 2.5,
    "erf": 3.0,
    "erfc": 7.0,
    "erfcx": 6.0,
    "ndtr": 7.0,
    "entr": 2.0,
}
BOUNDS_OF_TWO = {
    "power": 2.0,
    "hypot": 1.0,
    "arctan2": 2.5,
    "logaddexp": 2.5,
    "logaddexp2": 3.0,
    "xlogy": 2.0,
    "xlog1py": 2.0,
}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def logit(x):
    # Near ½ by the difference from it, and a small x has no digit to lose.
    return np.where(x < 0.25, np.log(x) - np.log1p(-x), np.log1p((2 * x - 1) / (1 - x)))


def entr(x):
    positive = np.where(x > 0, x, 1)
    inside = np.where(np.isnan(x), x, -positive * np.log(positive) * (x > 0))
    return np.where(x < 0, -np.inf, inside)


def xlogy(x, y):
    return np.where((x == 0) & ~np.isnan(y), 0, x * np.log(y))


def xlog1py(x, y):
    return np.where((x == 0) & ~np.isnan(y), 0, x * np.log1p(y))


def by_mpmath(function):
    """Return a function of numbers with 80 bits as one of arrays."""

    def of_arrays(x):
        mpmath = pytest.importorskip("mpmath")
        with mpmath.workprec(100):
            one = np.frompyfunc(
                lambda v: np.longdouble(mpmath.nstr(function(mpmath, mpmath.mpf(float(v))), 25)),
                1,
                1,
            )
            return one(x.astype(np.float64)).astype(np.longdouble)

    return of_arrays


REFERENCES = {
    **{name: getattr(np, name) for name in BOUNDS.keys() | BOUNDS_OF_TWO if hasattr(np, name)},
    "sigmoid": sigmoid,
    "expit": sigmoid,
    "softplus": softplus,
    "log_expit": lambda x: -softplus(-x),
    "logit": logit,
    "entr": entr,
    "xlogy": xlogy,
    "xlog1py": xlog1py,
    "erf": by_mpmath(lambda mp, x: mp.erf(x)),
    "erfc": by_mpmath(lambda mp, x: mp.erfc(x)),
    "erfcx": by_mpmath(lambda mp, x: mp.exp(x * x) * mp.erfc(x)),
    "ndtr": by_mpmath(lambda mp, x: mp.erfc(-x / mp.sqrt(2)) / 2),
}
SLOW = ("erf", "erfc", "erfcx", "ndtr")
# Below, e⁻ˣ overflows in float64 and the result is 0, as in adjoint.sigmoid.
SIGMOID_ZERO = {("sigmoid", "f64"): -709.78, ("sigmoid", "f32"): -88.72, ("expit", "f64"): -709.78}


def vectorised(name, kind, width, count=1):
    """Return a function of lanes as one of arrays."""
    names = Names()
    block = Block(width, names)
    vector, align = block.type_of(kind), SIZES[kind]
    given = [block.write(f"load {vector}, ptr %from{n}, align {align}", kind) for n in range(count)]
    result = INSTRUCTIONS[name](*given)
    text = LOOP.format(
        declared=declarations([names]),
        vector=vector,
        body="\n".join(block.lines),
        result=result,
        align=align,
        attributes=ATTRIBUTES,
    )
    library = Library(this_machine().assemble(text), ["apply"])
    call = library.function("apply", None, *[ctypes.c_void_p] * 3, ctypes.c_int64)

    def apply(*arrays):
        size = len(arrays[0])
        whole = [np.zeros(-(-size // width) * width, x.dtype) for x in arrays]
        for padded, x in zip(whole, arrays, strict=True):
            padded[:size] = x
        result = np.empty_like(whole[0])
        places = [whole[0].ctypes.data, whole[-1].ctypes.data, result.ctypes.data]
        call(*places, len(result) // width)
        return result[:size]

    apply.library = library
    return apply


@functools.cache
def arguments(kind, count=50_000):
    """Return arguments of all sizes: random bits, and the ranges where functions bend."""
    dtype, rng = DTYPES[kind], np.random.default_rng(0)
    whole = np.dtype(f"i{SIZES[kind]}")
    limits = np.iinfo(whole)
    bits = rng.integers(limits.min, limits.max, count, dtype=whole, endpoint=True).view(dtype)
    overflow = 720 if kind == "f64" else 90
    tiny = np.finfo(dtype).tiny
    parts = [
        bits[~np.isnan(bits)],
        rng.uniform(-1.1 * overflow, overflow, count),
        rng.normal(size=count),
        rng.normal(size=count) * 10,
        rng.normal(size=count // 5) * 1e-3,
        1 + rng.normal(size=count // 5) * 1e-3,
        np.exp(rng.uniform(-30, 0, count // 5)) - 1,
        np.arange(1, 2000) * tiny * 2.0**-11,
        np.arange(-2000, 2000) * (np.pi / 2),  # where sines and cosines vanish
        np.arange(1, 2000) * 1e15 * (np.pi / 2),
    ]
    return np.concatenate([part.astype(dtype) for part in parts])


def arguments_of(name, kind, full):
    """Return a function's arguments: fewer where the reference takes long."""
    x = arguments(kind, 1_000_000 if full else 50_000)
    if name in SLOW:
        rng, count = np.random.default_rng(1), 40_000 if full else 1000
        ranges = [rng.uniform(-a, a, count).astype(x.dtype) for a in (1, 8, 27.5, 40)]
        x = np.concatenate([rng.choice(x[np.abs(x) < 60], count), *ranges])
        return x[x > -26] if name == "erfcx" else x
    return x[x > SIGMOID_ZERO.get((name, kind), -np.inf)]


def errors(y, exact, scale=0.0):
    """Return the errors in units in the last place of the exact values, or of a larger number."""
    rounded = exact.astype(y.dtype)
    same = (y == rounded) | (np.isnan(y) & np.isnan(rounded))
    # The greatest number has no greater neighbour to be spaced from.
    below_greatest = np.nextafter(np.finfo(y.dtype).max, y.dtype.type(0))
    spacing = np.spacing(np.minimum(np.maximum(np.abs(rounded), scale), below_greatest))
    found = np.abs(y.astype(np.longdouble) - exact) / spacing
    return np.where(same, 0, np.where(np.isnan(found), np.inf, found))


extended = pytest.mark.skipif(
    np.finfo(np.longdouble).nmant < 60, reason="long double is no longer than double here"
)


@extended
@pytest.mark.parametrize("kind", DTYPES)
@pytest.mark.parametrize("name", BOUNDS)
def test_error_is_below_the_stated_ulps(name, kind, full):
    x = arguments_of(name, kind, full)
    y = vectorised(name, kind, this_machine().width(SIZES[kind]))(x)
    with np.errstate(all="ignore"):
        exact = REFERENCES[name](x.astype(np.longdouble))
        error = errors(y, exact)
    worst = np.argmax(error)
    assert error[worst] < BOUNDS[name], (x[worst], y[worst], exact[worst])


@extended
@pytest.mark.parametrize("kind", DTYPES)
@pytest.mark.parametrize("name", BOUNDS_OF_TWO)
def test_error_of_two_arguments_is_below_the_stated_ulps(name, kind, full):
    x = arguments(kind, 1_000_000 if full else 50_000)
    rng = np.random.default_rng(2)
    z = rng.permutation(x)
    if name == "power":
        near = rng.uniform(0.5, 2, len(x)).astype(x.dtype)
        x, z = np.concatenate([x, near]), np.concatenate([z, rng.uniform(-900, 900, len(x))])
        z = z.astype(x.dtype)
    y = vectorised(name, kind, this_machine().width(SIZES[kind]), count=2)(x, z)
    with np.errstate(all="ignore"):
        exact = REFERENCES[name](x.astype(np.longdouble), z.astype(np.longdouble))
        # Of a sum of logarithms that cancel, what is lost is relative to them.
        scale = np.maximum(np.abs(x), np.abs(z)) if "logaddexp" in name else np.zeros_like(x)
        error = errors(y, exact, np.where(np.isfinite(scale), scale, 0))
    worst = np.argmax(error)
    assert error[worst] < BOUNDS_OF_TWO[name], (x[worst], z[worst], y[worst], exact[worst])


def special_values(dtype):
    info = np.finfo(dtype)
    ends = [np.inf, info.max, info.tiny, info.smallest_subnormal, 0.0, 0.5, 1.0, 3.0, 800.0, 40.0]
    return np.array([*ends, *(-value for value in ends), np.nan], dtype)


@pytest.mark.parametrize("width", [1, 4])
@pytest.mark.parametrize("kind", DTYPES)
@pytest.mark.parametrize("name", [name for name in BOUNDS if name not in SLOW])
def test_special_values_are_numpys(name, kind, width):
    x = special_values(DTYPES[kind])
    y = vectorised(name, kind, width)(x)
    with np.errstate(all="ignore"):
        expected = REFERENCES[name](x.astype(np.longdouble)).astype(x.dtype)
    np.testing.assert_allclose(y, expected, rtol=4 * np.finfo(x.dtype).eps, atol=0)
    if name not in ("entr", "log_expit"):  # whose zeros have no sign that means anything
        assert (np.signbit(y) == np.signbit(expected))[~np.isnan(expected)].all()


CARDS_OF_TWO = [*BOUNDS_OF_TWO, "copysign", "fmax", "fmin", "heaviside", "rel_entr", "kl_div"]
CARDS_OF_ONE = ["floor", "ceil", "trunc", "rint", "sinc", "reciprocal", *SLOW]


@pytest.mark.parametrize("kind", DTYPES)
@pytest.mark.parametrize("name", CARDS_OF_TWO)
def test_every_pair_of_special_values_is_the_cards(name, kind):
    import adjoint.special  # noqa: F401 - registers its cards

    values = special_values(DTYPES[kind])
    x, z = (grid.ravel() for grid in np.meshgrid(values, values))
    y = vectorised(name, kind, 4, count=2)(x, z)
    with np.errstate(all="ignore"):
        expected = PRIMITIVES[name].forward(x, z)
    np.testing.assert_allclose(y, expected, rtol=6 * np.finfo(x.dtype).eps, atol=0)


@pytest.mark.parametrize("kind", DTYPES)
@pytest.mark.parametrize("name", CARDS_OF_ONE)
def test_special_values_are_the_cards(name, kind):
    import adjoint.special  # noqa: F401 - registers its cards

    x = np.concatenate([special_values(DTYPES[kind]), [2.5, -3.5, 1e9 + 0.5]]).astype(DTYPES[kind])
    y = vectorised(name, kind, 4)(x)
    with np.errstate(all="ignore"):
        expected = PRIMITIVES[name].forward(x)
    np.testing.assert_allclose(y, expected, rtol=8 * np.finfo(x.dtype).eps, atol=0)


def test_exp_of_subnormal_results_is_right():
    x = np.linspace(-745.2, -708.3, 10_001)
    y = vectorised("exp", "f64", 8)(x)
    exact = np.exp(x.astype(np.longdouble))
    assert (np.abs(y.astype(np.longdouble) - exact) <= np.finfo(float).smallest_subnormal).all()


@pytest.mark.parametrize("kind", DTYPES)
def test_wide_and_single_lanes_give_the_same_bits(kind):
    # Whatever a lane's neighbours are, of which some need another reduction.
    x = arguments(kind)[::7]
    for name in BOUNDS:
        wide, single = vectorised(name, kind, 8)(x), vectorised(name, kind, 1)(x)
        assert wide.tobytes() == single.tobytes(), name


def test_the_bits_of_two_over_pi_are_right():
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workprec(1400):
        total = mpmath.fsum(turns.pieces()) * turns.SCALE
        assert abs(total - 2 / mpmath.pi) < mpmath.mpf(2) ** -1190


def test_every_kind_has_its_llvm_type():
    assert set(LLVM_TYPES) >= set(DTYPES)
