"""Functions of C's library that an exported file defines for itself, so that it needs no libm."""

from __future__ import annotations

from .c_random import NEEDED, RANDOM

_BITS = """
static {new_type} PREFIX_bits_{old}_{new}({old_type} x) {{
    {new_type} y;
    memcpy(&y, &x, sizeof y);
    return y;
}}
"""
_COPYSIGN = """
static {float_type} PREFIX_copysign_{float}({float_type} size, {float_type} sign) {{
    {integer_type} a, b;
    memcpy(&a, &size, sizeof a);
    memcpy(&b, &sign, sizeof b);
    a = (a & {limits}_MAX) | (b & {limits}_MIN);
    memcpy(&size, &a, sizeof a);
    return size;
}}
"""
_PAIRS = [("f64", "double", "i64", "int64_t"), ("f32", "float", "i32", "int32_t")]

FIXED = {
    "fabs_f64": """
static double PREFIX_fabs_f64(double x) {
    return x < 0 ? -x : x == 0 ? 0.0 : x;
}
""",
    # The sum with 2^52 has no room for decimals; the product with 0 keeps the sign of a zero.
    "rint_f64": """
static double PREFIX_rint_f64(double x) {
    const double large = x < 0 ? -4503599627370496.0 : 4503599627370496.0;
    const double rounded = (x + large) - large;
    if (!(PREFIX_fabs_f64(x) < 4503599627370496.0)) {
        return x;
    }
    return rounded == 0 ? x * 0 : rounded;
}
""",
    "floor_f64": """
static double PREFIX_floor_f64(double x) {
    const double rounded = PREFIX_rint_f64(x);
    return rounded > x ? rounded - 1 : rounded;
}
""",
    "ceil_f64": """
static double PREFIX_ceil_f64(double x) {
    return -PREFIX_floor_f64(-x);
}
""",
    "trunc_f64": """
static double PREFIX_trunc_f64(double x) {
    return x < 0 ? -PREFIX_floor_f64(-x) : PREFIX_floor_f64(x);
}
""",
    # A fused multiply-add by exact products and sums (Boldo and Melquiond, "Emulation of FMA and
    # correctly rounded sums", 2008); where the product might overflow or lose bits, the plain one.
    "fma_f64": """
static double PREFIX_two_sum(double a, double b, double *error) {
    const double s = a + b, t = s - a;
    *error = (a - (s - t)) + (b - t);
    return s;
}

static double PREFIX_fma_f64(double a, double b, double c) {
    const double p = a * b, size = PREFIX_fabs_f64(p);
    if (!(size > 1e-270 && size < 1e270) || !(PREFIX_fabs_f64(c) < 1e270)
        || !(PREFIX_fabs_f64(a) < 1e290 && PREFIX_fabs_f64(b) < 1e290)) {
        return p + c;
    }
    const double ta = 134217729.0 * a, ah = ta - (ta - a), al = a - ah;
    const double tb = 134217729.0 * b, bh = tb - (tb - b), bl = b - bh;
    const double rest = ((ah * bh - p) + ah * bl + al * bh) + al * bl;
    double low, lower, odd_error;
    const double sum = PREFIX_two_sum(c, rest, &low);
    const double high = PREFIX_two_sum(p, sum, &lower);
    double odd = PREFIX_two_sum(low, lower, &odd_error);
    int64_t bits;
    memcpy(&bits, &odd, sizeof bits);
    if (odd_error != 0 && (bits & 1) == 0) {
        bits += (odd_error > 0) == (odd > 0) ? 1 : -1;
        memcpy(&odd, &bits, sizeof odd);
    }
    return high + odd;
}
""",
    # The processor's own instruction where it surely has one; else Newton's iteration for
    # 1 / sqrt(x) from a first guess by the bits, and one fused correction, which gives the same.
    "sqrt_f64": """
#if defined(__SSE2__)
#include <emmintrin.h>

static double PREFIX_sqrt_f64(double x) {
    (void)PREFIX_fma_f64;
    return _mm_cvtsd_f64(_mm_sqrt_sd(_mm_set_sd(0), _mm_set_sd(x)));
}
#elif defined(__GNUC__) && defined(__aarch64__)
static double PREFIX_sqrt_f64(double x) {
    (void)PREFIX_fma_f64;
    __asm__("fsqrt %d0, %d1" : "=w"(x) : "w"(x));
    return x;
}
#else
static double PREFIX_sqrt_f64(double x) {
    double scale = 1, y, s;
    int64_t bits;
    int i;
    if (!(x > 0)) {
        return x < 0 ? NAN : x;
    }
    if (x == INFINITY) {
        return x;
    }
    if (x < 1e-200) {
        x *= 18446744073709551616.0 * 18446744073709551616.0 * 18446744073709551616.0
             * 18446744073709551616.0 * 18446744073709551616.0 * 18446744073709551616.0;
        scale = 1 / (18446744073709551616.0 * 18446744073709551616.0 * 18446744073709551616.0);
    } else if (x > 1e200) {
        x /= 18446744073709551616.0 * 18446744073709551616.0 * 18446744073709551616.0
             * 18446744073709551616.0 * 18446744073709551616.0 * 18446744073709551616.0;
        scale = 18446744073709551616.0 * 18446744073709551616.0 * 18446744073709551616.0;
    }
    memcpy(&bits, &x, sizeof bits);
    bits = INT64_C(0x5FE6EB50C7B537A9) - (bits >> 1);
    memcpy(&y, &bits, sizeof y);
    for (i = 0; i < 4; i++) {
        y *= 1.5 - 0.5 * x * y * y;
    }
    s = x * y;
    return (s + 0.5 * y * PREFIX_fma_f64(-s, s, x)) * scale;
}
#endif
""",
    # The product of two floats is exact as a double.
    "fma_f32": """
static float PREFIX_fma_f32(float a, float b, float c) {
    return (float)((double)a * (double)b + (double)c);
}
""",
}
NEEDS = {
    "rint_f64": ["fabs_f64"],
    "floor_f64": ["rint_f64"],
    "ceil_f64": ["floor_f64"],
    "trunc_f64": ["floor_f64"],
    "fma_f64": ["fabs_f64"],
    "sqrt_f64": ["fma_f64"],
}
for _name in ("fabs", "rint", "floor", "ceil", "trunc"):
    FIXED[f"{_name}_f32"] = (
        f"static float PREFIX_{_name}_f32(float x) {{\n"
        f"    return (float)PREFIX_{_name}_f64((double)x);\n}}"
    )
    NEEDS[f"{_name}_f32"] = [f"{_name}_f64"]
FIXED["sqrt_f32"] = """
#if defined(__GNUC__) && defined(__ARM_FP) && (__ARM_FP & 4) && !defined(__aarch64__)
static float PREFIX_sqrt_f32(float x) {
    (void)PREFIX_sqrt_f64;
    __asm__("vsqrt.f32 %0, %1" : "=t"(x) : "t"(x));
    return x;
}
#else
static float PREFIX_sqrt_f32(float x) {
    return (float)PREFIX_sqrt_f64((double)x);
}
#endif
"""
NEEDS["sqrt_f32"] = ["sqrt_f64"]
for _float, _float_type, _integer, _integer_type in _PAIRS:
    FIXED[f"bits_{_float}_{_integer}"] = _BITS.format(
        old=_float, old_type=_float_type, new=_integer, new_type=_integer_type
    )
    FIXED[f"bits_{_integer}_{_float}"] = _BITS.format(
        old=_integer, old_type=_integer_type, new=_float, new_type=_float_type
    )
    FIXED[f"copysign_{_float}"] = _COPYSIGN.format(
        float=_float,
        float_type=_float_type,
        integer_type=_integer_type,
        limits=_integer_type.removesuffix("_t").upper(),
    )
FIXED.update(RANDOM)
NEEDS.update(NEEDED)
