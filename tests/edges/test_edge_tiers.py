"""What holds at an edge holds in every tier: the documented gradient, and eager code's bits."""

import warnings

import numpy as np
import pytest
from ours import Names, closed
from probes import PROBES
from probes.probe import matches

import adjoint as ad
from random_programs.tiers import COMPILED
from sampled import sampled

NUMERIC = [probe for probe in PROBES if probe.error is None]
# Native code has its own elementary functions, and sums in its own order.
RTOL = {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 1e-5, np.dtype(np.float16): 2e-3}
# Python chooses by a number, or NumPy counts by a mask, that a graph does not know: it refuses.
UNTRACEABLE = ("x if x > 2", "max(x, y)", "y > 5", "x[x > 5]", "x[x > 1]")
# Native code multiplies in another order, in which a partial product is infinite.
OVERFLOWING = ("np.prod(x) at x=[1e+200, 1e-200, 1e+200]",)


def first_order(function):
    """Return the function that gives the value, and the gradient of its sum."""

    def gradient(*xs):
        value, pull = ad.vjp(function, *xs)
        return [value, *pull(np.ones_like(value))]

    return gradient


def second_order(function, count):
    """Return the function that gives the blocks of the Hessian of the sum, row by row."""
    numbers = tuple(range(count))

    def hessian(*xs):
        gradient = ad.grad(lambda *args: np.sum(function(*args)), numbers)
        rows = ad.jacobian(gradient, numbers, mode="reverse")(*xs)
        return [block for row in rows for block in row]

    return hessian


def run(probe, dtype, tier):
    arrays = probe.arrays(dtype)
    xs = [arrays[n] for n in probe.floats]
    function = closed(probe.function(Names()), arrays, probe.floats)
    count = len(xs)
    derivative = first_order(function) if probe.order == 1 else second_order(function, count)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        found = tier(derivative, set())(*xs) if tier else derivative(*xs)
    return list(map(np.asarray, found)), xs


def documented(probe, found, xs):
    """Return what the page of edges shows, of what a tier gave."""
    if probe.order == 1:
        return found[1:]
    rows = [found[n : n + len(xs)] for n in range(0, len(found), len(xs))]
    return [
        np.block([[b.reshape(x.size, -1) for b in row] for x, row in zip(xs, rows, strict=True)])
    ]


def is_equal(ours, theirs):
    return bool(np.all((ours == theirs) | (np.isnan(ours) & np.isnan(theirs))))


def is_same(ours, theirs):
    signs = np.isnan(ours) | (np.signbit(ours) == np.signbit(theirs))
    return is_equal(ours, theirs) and bool(np.all(signs))


def is_close(ours, theirs):
    # Products and sums rounded once leave a rounding of the largest entry where others cancel.
    largest = np.max(np.abs(theirs), initial=0, where=np.isfinite(theirs))
    atol = max(1e-300, np.finfo(theirs.dtype).eps * largest)
    return np.allclose(ours, theirs, rtol=RTOL[theirs.dtype], atol=atol, equal_nan=True)


def check(probe, dtype, tiers):
    eager, xs = run(probe, dtype, None)
    for name in COMPILED.keys() & set(tiers):
        found, _ = run(probe, dtype, COMPILED[name])
        rtol = max(RTOL[np.dtype(dtype)], probe.rtol)
        assert matches(probe, documented(probe, found, xs), probe.gives, rtol), (
            f"{name} gives {found}, right is {probe.gives} ({probe.why})"
        )
        for n, (ours, theirs) in enumerate(zip(found, eager, strict=True)):
            # A derivative of 0 has no sign: a product in which 0·∞ = 0 is left out if 0 is known.
            same = is_same if n == 0 and probe.order == 1 else is_equal
            agrees = same if name in ("trace", "written", "portable") else is_close
            assert ours.dtype == theirs.dtype
            assert agrees(ours, theirs), f"{name} gives {ours}, eager code {theirs}"


def traceable():
    known = (*UNTRACEABLE, *OVERFLOWING)
    return [p for p in NUMERIC if not any(text in p.name for text in known)]


@pytest.mark.parametrize("probe", sampled([pytest.param(p, id=p.name) for p in traceable()], 6))
def test_every_tier_gives_the_documented_derivative(probe, full):
    check(probe, np.float64, COMPILED if full else ("trace", "written", "loops"))


@pytest.mark.parametrize(
    "probe",
    [
        pytest.param(p, id=p.name, marks=pytest.mark.full if n % 8 else ())
        for n, p in enumerate(p for p in traceable() if p.fits_single)
    ],
)
def test_every_tier_gives_the_documented_derivative_in_single_precision(probe, full):
    check(probe, np.float32, COMPILED if full else ("written", "straight-line"))
