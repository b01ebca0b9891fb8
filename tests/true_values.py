"""True values of the elementary functions, and arguments at which they are hard to find.

They are computed in extended precision, or with mpmath where NumPy has no such function of it.
"""

import numpy as np

LONG = np.longdouble
IS_LONG = np.finfo(LONG).nmant > 60


# --- references -------------------------------------------------------------------------------


def _log_expit(x):
    return np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x)))


def _logit(x):
    return np.where(x < 0.25, np.log(x / (1 - x)), np.log1p((2 * x - 1) / (1 - x)))


def _sinc(x):
    # The sine of the rounded product, as NumPy has it.
    angle = (x.astype(x.dtype) * x.dtype.type(np.pi)).astype(LONG)
    return np.where(x == 0, LONG(1), np.sin(angle) / angle)


def _rel_entr(x, y):
    near = np.abs(x - y) < 0.5 * y
    return np.where(near, x * np.log1p((x - y) / y), x * (np.log(x) - np.log(y)))


UNARY = {
    "exp": np.exp,
    "expm1": np.expm1,
    "exp2": np.exp2,
    "log": np.log,
    "log1p": np.log1p,
    "log2": np.log2,
    "log10": np.log10,
    "tanh": np.tanh,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "arcsinh": np.arcsinh,
    "arccosh": np.arccosh,
    "arctanh": np.arctanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "expit": lambda x: 1 / (1 + np.exp(-x)),
    "softplus": lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
    "log_expit": _log_expit,
    "logit": _logit,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "cosm1": lambda x: -2 * np.sin(x / 2) ** 2,
    "arcsin": np.arcsin,
    "arccos": np.arccos,
    "arctan": np.arctan,
    "cbrt": np.cbrt,
    "reciprocal": lambda x: 1 / x,
    "entr": lambda x: np.where(x == 0, 0, np.where(x < 0, -np.inf, -x * np.log(x))),
    **{name: getattr(np, name) for name in ("floor", "ceil", "trunc", "rint")},
}
BINARY = {
    "power": np.power,
    "hypot": np.hypot,
    "arctan2": np.arctan2,
    "fmod": np.fmod,
    "logaddexp": np.logaddexp,
    "logaddexp2": np.logaddexp2,
    "xlogy": lambda x, y: x * np.log(y),
    "xlog1py": lambda x, y: x * np.log1p(y),
    "rel_entr": _rel_entr,
}
# Their error is relative to the greatest of the arguments and the result: they cancel.
CANCELLING = ("logaddexp", "logaddexp2")


def _with_mpmath(name):
    import mpmath as mp

    def ndtr(x):
        return mp.erfc(-x / mp.sqrt(2)) / 2

    def erfcx(x):
        # Beyond, the second term of the series is below any rounding.
        return mp.exp(x * x) * mp.erfc(x) if x < 1e12 else 1 / (x * mp.sqrt(mp.pi))

    def log_ndtr(x):
        return mp.log(ndtr(x)) if x < 5 else mp.log1p(-ndtr(-x))

    return {"erf": mp.erf, "erfc": mp.erfc, "erfcx": erfcx, "ndtr": ndtr, "log_ndtr": log_ndtr}[
        name
    ]


# Where the results of those computed with mpmath are neither 0 nor 1 nor infinite.
RANGES = {
    "erf": (-6, 6),
    "erfc": (-6, 27.3),
    "erfcx": (-26.7, 1e3),
    "ndtr": (-38.5, 8.5),
    "log_ndtr": (-1e3, 8.5),
}


def true_values(name, *args):
    """Return the function in extended precision, of arrays of floats."""
    with np.errstate(all="ignore"):
        if name == "sinc":
            return _sinc(*args)
        if name in RANGES:
            return _each(_with_mpmath(name), *args)
        return (UNARY | BINARY)[name](*(x.astype(LONG) for x in args)).astype(LONG)


def _each(function, x):
    """Return a function of mpmath of every number, as the sum of two doubles."""
    import mpmath as mp

    with mp.workprec(120):
        exact = [function(mp.mpf(number)) for number in x.tolist()]
        high = [float(number) for number in exact]
        low = [
            float(number - mp.mpf(whole)) if np.isfinite(whole) else 0.0
            for number, whole in zip(exact, high, strict=True)
        ]
    return np.array(high, LONG) + np.array(low, LONG)


def ulps(y, exact, *, size=None):
    """Return the error of y in units in the last place of the true values, or of a greater size."""
    dtype = y.dtype
    with np.errstate(all="ignore"):
        rounded = exact.astype(dtype)
    same = (y == rounded) | (np.isnan(y) & np.isnan(rounded))
    # The greatest number has no greater neighbour to be spaced from.
    below_greatest = np.nextafter(np.finfo(dtype).max, dtype.type(0))
    scale = np.abs(rounded) if size is None else np.maximum(np.abs(rounded), size)
    spacing = np.spacing(np.minimum(scale, below_greatest)).astype(LONG)
    with np.errstate(invalid="ignore"):
        return np.where(same, 0, np.abs(y.astype(LONG) - exact) / spacing).astype(np.float64)


# --- arguments --------------------------------------------------------------------------------


def special_values(dtype):
    """Return the ends of the range, zeros, and where functions have their corners."""
    info = np.finfo(dtype)
    ends = [np.inf, info.max, info.tiny, info.smallest_subnormal, 0.0, 40.0, 800.0, 1e22]
    corners = [0.25, 0.5, 1 - info.epsneg, 1.0, 1 + info.eps, 1.5, 2.0, 3.0, 4.0, 2.0**52 + 1]
    positive = [*ends, *corners]
    return np.array([*positive, *(-value for value in positive), np.nan], dtype)


def arguments(dtype, count, *, seed=0):
    """Return arguments of all sizes: random bits, and the ranges where functions bend."""
    rng, dtype = np.random.default_rng(seed), np.dtype(dtype)
    whole = np.dtype(f"i{dtype.itemsize}")
    limits = np.iinfo(whole)
    bits = rng.integers(limits.min, limits.max, count, dtype=whole, endpoint=True).view(dtype)
    overflow = 720 if dtype == np.float64 else 90
    parts = [
        bits[~np.isnan(bits)],
        rng.uniform(-1.1 * overflow, overflow, count),
        rng.normal(size=count),
        4 * rng.normal(size=count),
        rng.uniform(0, 1, count),
        rng.uniform(-1.1, 1.1, count),
        rng.uniform(1, 100, count),
        rng.integers(-(10**6), 10**6, count) * (np.pi / 2),
        np.exp(rng.uniform(-30, 0, count)) - 1,
        *(corner + 1e-3 * rng.normal(size=count // 4) for corner in (-1, 0, 0.5, 1)),
        np.arange(-2000, 2000) * np.finfo(dtype).tiny * 2.0**-11,
        special_values(dtype),
    ]
    with np.errstate(all="ignore"):
        return np.concatenate([part.astype(dtype) for part in parts])


def pairs_of_arguments(name, dtype, count):
    """Return two arrays of arguments, such as the function has something to do with."""
    x, y = arguments(dtype, count), arguments(dtype, count, seed=1)
    size = min(x.size, y.size)
    x, y = x[:size], np.random.default_rng(2).permutation(y[:size])
    third = size // 3
    with np.errstate(all="ignore"):
        if name == "power":  # results within the range, and whole exponents
            x[:third] = np.abs(x[:third])
            y[:third] = np.linspace(-740, 700, third) / np.log(np.abs(x[:third]))
            y[third : 2 * third] = np.rint(y[third : 2 * third] % 20 - 10)
        elif name == "rel_entr":
            x, y = np.abs(x), np.abs(y)
            y[:third] = x[:third] * np.linspace(0.4, 2.5, third).astype(dtype)
    if name in ("xlogy", "xlog1py", "rel_entr"):  # at 0 and beyond they have conventions
        keep = (x != 0) & (y > 0)
        x, y = x[keep], y[keep]
    return x, y
