"""Whether results are those of the plain program, up to what rounding can do to them."""

from __future__ import annotations

from typing import Any

import numpy as np

# Runs on shaken arrays find about how far rounding moves a number, not the worst case.
_SAFETY = 30
_UNITS = 64


def difference(found: Any, plain: Any, shaken: list[Any], *, signed: bool = True) -> str | None:
    """Return what is wrong with an array, or None.

    Parameters
    ----------
    found, plain : array
    shaken : list of array
        Runs of the plain program that were rounded otherwise. Entries on which these do not agree,
        up to rounding, are left out.
    signed : bool
        Whether exact zeros keep their sign; that of a derivative which is 0 is nobody's.
    """
    found, plain = np.asarray(found), np.asarray(plain)
    if found.shape != plain.shape:
        return f"shape {found.shape} for {plain.shape}"
    if found.dtype != plain.dtype:
        return f"dtype {found.dtype} for {plain.dtype}"
    alike = np.ones(plain.shape, bool)
    for run in shaken:
        if run.shape != plain.shape:
            return None
        alike &= _bits(run) == _bits(plain)
    if plain.dtype.kind != "f":
        return _said(found, plain, alike & (found != plain))
    with np.errstate(all="ignore"):
        bound = _bound(plain, shaken)
        same = (found == plain) | (np.isnan(found) & np.isnan(plain))
        if signed:
            same &= ~(alike & (plain == 0) & (np.signbit(found) != np.signbit(plain)))
        near = np.isfinite(plain) & (plain != 0) & (np.abs(found - plain) <= bound)
        near |= (plain == 0) & ~alike & (np.abs(found) <= bound)
        certain = alike | np.isfinite(bound)
        return _said(found, plain, certain & ~same & ~near)


def agree(plain: Any, shaken: list[Any]) -> Any:
    """Return for each entry whether rounding leaves it what it is."""
    if any(run.shape != plain.shape for run in shaken):
        return np.zeros(plain.shape, bool)
    with np.errstate(all="ignore"):
        return np.isfinite(_bound(plain, shaken))


def _bound(plain: Any, shaken: list[Any]) -> Any:
    """Return how far a number may be off; NaN where rounding decides what kind of number it is."""
    spread = np.zeros(plain.shape)
    for run in shaken:
        apart = np.where(_bits(run) == _bits(plain), 0.0, np.abs(run - plain).astype(float))
        spread = np.maximum(spread, np.where(np.isfinite(apart), apart, np.nan))
    size = np.abs(plain).astype(float)
    limits = np.finfo(plain.dtype)
    spread = np.where(spread > 1e-2 * size + 1e5 * limits.tiny, np.nan, spread)
    return _SAFETY * spread + _UNITS * limits.eps * size


def _bits(x: Any) -> Any:
    """Return an array whose entries are equal where bits are, the sign of NaN aside."""
    x = np.asarray(x)
    if x.dtype.kind != "f":
        return x
    clean = np.where(np.isnan(x), np.array(np.nan, x.dtype), x).astype(x.dtype)
    return clean.view(f"i{x.dtype.itemsize}")


def _said(found: Any, plain: Any, wrong: Any) -> str | None:
    if not np.any(wrong):
        return None
    return f"{found[wrong][:4]} for {plain[wrong][:4]}"
