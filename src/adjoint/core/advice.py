"""Advice names what works where a function of NumPy's or SciPy's cannot see a recorded value."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from types import FrameType

# Expressions that equal np.f(x, where=mask) and np.f(x, initial=c), by the name of f.
_WHERE = {
    "sum": "np.sum(np.where(mask, x, 0))",
    "nansum": "np.nansum(np.where(mask, x, 0))",
    "prod": "np.prod(np.where(mask, x, 1))",
    "nanprod": "np.nanprod(np.where(mask, x, 1))",
    "max": "np.max(np.where(mask, x, -np.inf))",
    "min": "np.min(np.where(mask, x, np.inf))",
    "mean": "np.sum(np.where(mask, x, 0)) / np.sum(mask)",
    "var": "np.nanvar(np.where(mask, x, np.nan))",
    "std": "np.nanstd(np.where(mask, x, np.nan))",
    "any": "np.any(np.where(mask, x, False))",
    "all": "np.all(np.where(mask, x, True))",
}
_INITIAL = {
    "sum": "np.sum(x) + initial",
    "nansum": "np.nansum(x) + initial",
    "prod": "np.prod(x) * initial",
    "nanprod": "np.nanprod(x) * initial",
    "max": "np.maximum(np.max(x), initial)",
    "min": "np.minimum(np.min(x), initial)",
}
_ALIASES = {"amax": "max", "amin": "min", "add.reduce": "sum", "multiply.reduce": "prod"}
_ALIASES |= {"maximum.reduce": "max", "minimum.reduce": "min"}

# Keywords that change no number of the result.
_WITHOUT = ("order", "casting", "subok", "signature", "mean", "like", "copy")
_SIGNS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "power": "**"}

# What works instead of a function that cannot see a recorded value, by its full name.
INSTEAD = {
    "numpy.full": "np.broadcast_to(x, shape)",
    "numpy.vectorize": "f of the whole array, or np.stack([f(v) for v in x])",
    "numpy.add.at": "np.bincount(indices, weights=x, minlength=n)",
    "numpy.add.reduceat": "np.stack([np.sum(part) for part in np.split(x, indices[1:])])",
    "scipy.special.logsumexp": "ad.special.logsumexp",
    "scipy.special.softmax": "ad.special.softmax",
    "scipy.special.log_softmax": "ad.special.log_softmax",
    "scipy.special.polygamma": "ad.special.polygamma",
    "scipy.special.factorial": "ad.special.gamma(x + 1)",
    "scipy.linalg.solve_triangular": "np.linalg.solve(np.triu(a), b)",
    "scipy.linalg.cholesky": "np.linalg.cholesky(a).T",
    "scipy.linalg.cho_factor": "np.linalg.cholesky(a), and np.linalg.solve for cho_solve,",
    "scipy.linalg.cho_solve": "np.linalg.solve(a, b)",
    "scipy.spatial.distance.cdist": "np.linalg.norm(a[:, np.newaxis] - b, axis=-1)",
    "scipy.integrate.solve_ivp": "a loop of your own over the steps, or ad.custom_vjp around it,",
    "scipy.linalg.qr": "np.linalg.qr, whose factors are the reduced ones,",
    "scipy.integrate.trapezoid": "np.trapezoid",
    "scipy.signal.convolve": "np.convolve",
    "scipy.interpolate.interp1d": "np.interp(x, points, values)",
}
_LINALG = "solve inv det norm eigh eigvalsh svd svdvals lstsq pinv"
INSTEAD |= {f"scipy.linalg.{name}": f"np.linalg.{name}" for name in _LINALG.split()}

CONVERSION = (
    "np.stack([x, y]) is what np.array([x, y]) is of numbers, ad.zeros(n) and np.zeros_like(x) "
    "are arrays to assign into, and NumPy's functions take x as it is"
)
PICKING = "ad.tensor(X)[i] is what X[i] is of a NumPy array X and an index i that is known; "
NUMBER = (
    "NumPy's functions take x as it is, np.exp(x) for math.exp(x), and x can be assigned into "
    "ad.zeros(n) and np.zeros_like(x), but not into np.zeros(n)"
)


def full_name(function: object) -> str:
    """Return a function's name after the module in which users find it, as "scipy.special.erf".

    A ufunc does not know its module, nor do its methods.
    """
    owner, name = getattr(function, "__self__", None), getattr(function, "__name__", str(function))
    if hasattr(owner, "nin"):
        return f"{full_name(owner)}.{name}"
    module = getattr(function, "__module__", None)
    if module is None:
        homes = [home for home in ("numpy", "scipy.special") if home in sys.modules]
        module = next((m for m in homes if getattr(sys.modules[m], name, None) is function), None)
    return f"{module or 'numpy'}.{name}"


def on_call(name: str, keywords: Iterable[str]) -> str:
    """Return what to write for a call by its full name, with keywords that are not known.

    It ends in a semicolon and a space, or is empty.
    """
    short = name.partition(".")[2] if name.startswith("numpy.") else name
    parts = [_on_keyword(short, keyword) for keyword in keywords]
    if not parts:
        parts = [INSTEAD.get(name) or _outer(short)]
    found = [part for part in parts if part]
    return f"write {', and '.join(found)}; " if found else ""


def _outer(short: str) -> str:
    ufunc, _, method = short.rpartition(".")
    return f"np.{ufunc}(x[:, np.newaxis], y)" if method == "outer" and ufunc else ""


def _on_keyword(short: str, keyword: str) -> str:
    plain = _ALIASES.get(short, short)
    called = plain if plain.startswith("scipy.") else f"np.{plain}"
    texts = {
        "where": _WHERE.get(plain, f"np.where(mask, {called}(...), 0)"),
        "initial": _INITIAL.get(plain, ""),
        "dtype": f"{called}(...) of x.astype(dtype)",
        "out": f"y = {called}(...)"
        + (f", as z = z {sign} x" if (sign := _SIGNS.get(plain)) else ""),
        "dim": "axis= for dim=",
        "keepdim": "keepdims= for keepdim=",
        "correction": f"{called}(x, ddof=correction)",
    }
    if keyword in _WITHOUT:
        return f"{called}(...) without {keyword}="
    return texts.get(keyword, "")


def library_function() -> str | None:
    """Return the name of the function of NumPy's or SciPy's that runs just above this library."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _root(frame) == "adjoint":
        frame = frame.f_back
    found = None
    while frame is not None and _root(frame) in ("numpy", "scipy"):
        found = _public_name(frame) or found
        frame = frame.f_back
    return found


def _root(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]


def _public_name(frame: FrameType) -> str | None:
    """Return the full name of a frame's function if users find it in its module."""
    module, name = str(frame.f_globals["__name__"]), frame.f_code.co_name
    owner, wrapped = frame.f_locals.get("self"), frame.f_locals.get("f")
    if owner is not None:
        name = type(owner).__name__
    elif callable(wrapped) and not hasattr(sys.modules.get(module), name):
        # A decorator of SciPy's, which converts the arguments before it calls the function.
        module, name = str(wrapped.__module__), str(getattr(wrapped, "__name__", ""))
    parts = module.split(".")
    shown = next((n for n, part in enumerate(parts) if part.startswith("_")), len(parts))
    homes = [".".join(parts[:n]) for n in range(shown, 0, -1)]
    home = next((home for home in homes if hasattr(sys.modules.get(home), name)), None)
    return f"{home}.{name}" if home and not name.startswith("_") else None
