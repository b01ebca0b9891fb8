"""The native elementary functions: errors in ulp over the whole range, and special values."""

import ctypes

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from adjoint.compiler.native import functions
from adjoint.compiler.native.formats import LLVM_TYPES, SIZES
from adjoint.compiler.native.lanes import Block, Names, declarations
from adjoint.compiler.native.machine import Library, this_machine

LOOP = """
{declared}
define void @apply(ptr %x, ptr %y, i64 %n) {{
entry:
  br label %loop
loop:
  %i = phi i64 [0, %entry], [%next, %loop]
  %from = getelementptr {vector}, ptr %x, i64 %i
  %to = getelementptr {vector}, ptr %y, i64 %i
{body}
  store {vector} {result}, ptr %to, align {align}
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %n
  br i1 %more, label %loop, label %end
end:
  ret void
}}
"""
DTYPES = {"f64": np.float64, "f32": np.float32}
# The bounds that the docstrings state.
BOUNDS = {
    "exp": 1.0,
    "expm1": 2.0,
    "log": 1.0,
    "log1p": 1.0,
    "tanh": 3.0,
    "sigmoid": 2.5,
    "softplus": 2.0,
}
REFERENCES = {
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "softplus": lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
}
# Below, e⁻ˣ overflows and the result is 0, as in adjoint.sigmoid.
SIGMOID_ZERO = {"f64": -709.78, "f32": -88.72}


def vectorised(name, kind, width):
    """Return a function of lanes as one of arrays."""
    names = Names()
    block = Block(width, names)
    vector, align = block.type_of(kind), SIZES[kind]
    x = block.write(f"load {vector}, ptr %from, align {align}", kind)
    result = getattr(functions, name)(x)
    text = LOOP.format(
        declared=declarations([names]),
        vector=vector,
        body="\n".join(block.lines),
        result=result,
        align=align,
    )
    library = Library(this_machine().assemble(text), ["apply"])
    call = library.function("apply", None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)

    def apply(x):
        padded = np.zeros(-(-len(x) // width) * width, x.dtype)
        padded[: len(x)] = x
        result = np.empty_like(padded)
        call(padded.ctypes.data, result.ctypes.data, len(padded) // width)
        return result[: len(x)]

    apply.library = library
    return apply


def arguments(kind):
    """Return arguments of all sizes: random bits, and the ranges where functions bend."""
    dtype, rng = DTYPES[kind], np.random.default_rng(0)
    whole = np.dtype(f"i{SIZES[kind]}")
    limits = np.iinfo(whole)
    bits = rng.integers(limits.min, limits.max, 100_000, dtype=whole, endpoint=True).view(dtype)
    overflow = 720 if kind == "f64" else 90
    tiny = np.finfo(dtype).tiny
    parts = [
        bits[~np.isnan(bits)],
        rng.uniform(-1.1 * overflow, overflow, 100_000),
        rng.normal(size=100_000),
        rng.normal(size=20_000) * 1e-3,
        1 + rng.normal(size=20_000) * 1e-3,
        np.exp(rng.uniform(-30, 0, 20_000)) - 1,
        np.arange(1, 2000) * tiny * 2.0**-11,
    ]
    return np.concatenate([part.astype(dtype) for part in parts])


def true_values(name, x):
    """Return the function in extended precision, and rounded to x's."""
    with np.errstate(all="ignore"):
        exact = REFERENCES[name](x.astype(np.longdouble))
        return exact, exact.astype(x.dtype)


extended = pytest.mark.skipif(
    np.finfo(np.longdouble).nmant < 60, reason="long double is no longer than double here"
)


@extended
@pytest.mark.parametrize("kind", DTYPES)
@pytest.mark.parametrize("name", BOUNDS)
def test_error_is_below_the_stated_ulps(name, kind):
    x = arguments(kind)
    if name == "sigmoid":
        x = x[x > SIGMOID_ZERO[kind]]
    y = vectorised(name, kind, this_machine().width(SIZES[kind]))(x)
    exact, rounded = true_values(name, x)
    same = (y == rounded) | (np.isnan(y) & np.isnan(rounded))
    # The greatest number has no greater neighbour to be spaced from.
    below_greatest = np.nextafter(np.finfo(x.dtype).max, x.dtype.type(0))
    spacing = np.spacing(np.minimum(np.abs(rounded), below_greatest))
    with np.errstate(invalid="ignore"):
        error = np.where(same, 0, np.abs(y.astype(np.longdouble) - exact) / spacing)
    worst = np.argmax(error)
    assert error[worst] < BOUNDS[name], (x[worst], y[worst], rounded[worst])


@pytest.mark.parametrize("width", [1, 4])
@pytest.mark.parametrize("kind", DTYPES)
@pytest.mark.parametrize("name", BOUNDS)
def test_special_values_are_numpys(name, kind, width):
    dtype = DTYPES[kind]
    info = np.finfo(dtype)
    ends = [np.inf, info.max, info.tiny, info.smallest_subnormal, 0.0, 1.0, 800.0, 40.0]
    x = np.array([*ends, *(-value for value in ends), np.nan], dtype)
    y = vectorised(name, kind, width)(x)
    with np.errstate(all="ignore"):
        expected = true_values(name, x)[1]
    np.testing.assert_allclose(y, expected, rtol=4 * info.eps, atol=0)
    assert (np.signbit(y) == np.signbit(expected))[~np.isnan(expected)].all()


def test_exp_of_subnormal_results_is_right():
    x = np.linspace(-745.2, -708.3, 10_001)
    y = vectorised("exp", "f64", 8)(x)
    exact, _ = true_values("exp", x)
    assert (np.abs(y.astype(np.longdouble) - exact) <= np.finfo(float).smallest_subnormal).all()


def test_wide_and_single_lanes_give_the_same_bits():
    x = arguments("f64")
    for name in BOUNDS:
        wide, single = vectorised(name, "f64", 8)(x), vectorised(name, "f64", 1)(x)
        assert wide.tobytes() == single.tobytes()


def test_every_kind_has_its_llvm_type():
    assert set(LLVM_TYPES) >= set(DTYPES)
