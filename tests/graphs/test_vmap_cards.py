"""`vmap` of every card, of its pull back and of its push forward equals a loop over the rows."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import adjoint as ad
import adjoint.special
from adjoint.calculus.contract import arguments, cases
from adjoint.core.batching import entrywise, one_by_one
from adjoint.core.registry import PRIMITIVES
from sampled import sampled

SIZE = 3
# A stack of sums is added up in another order than each sum alone.
TOLERANCE = {np.float64: 1e-11, np.float32: 2e-4}


def _masks(args: list[Any], params: Any) -> bool:
    return "key" in params and any(x.dtype.kind == "b" for x in args)


def _choices(count: int) -> list[tuple[bool, ...]]:
    """Return which arguments have rows: each alone, and all of them."""
    alone = [tuple(n == m for m in range(count)) for n in range(count)]
    return [*alone, (True,) * count] if count > 1 else [(True,)]


def _cases() -> list[Any]:
    """Return the cases of all cards, a sample of those that share the rule of entries."""
    of_entries, others = [], []
    for name, primitive in PRIMITIVES.items():
        found = of_entries if primitive.analyses.batch is entrywise else others
        for number, case in enumerate(cases(primitive)):
            for mapped in _choices(len(case) - 1):
                found.append(pytest.param(name, number, mapped, id=f"{name}-{number}-{mapped}"))
    return [*sampled(of_entries, 9), *others]


def _drawn(name: str, number: int, mapped: tuple[bool, ...], dtype: Any) -> tuple[Any, ...]:
    """Return rows of each argument (an array of them where it is mapped), and metadata."""
    primitive = PRIMITIVES[name]
    case = cases(primitive)[number]
    draws = [arguments(primitive, case, np.random.default_rng(seed), dtype) for seed in range(SIZE)]
    params = draws[0][1]
    args = [
        np.stack([draw[0][n] for draw in draws]) if is_mapped else draws[0][0][n]
        for n, is_mapped in enumerate(mapped)
    ]
    return args, params


def _looped(function: Any, args: Any, mapped: Any) -> Any:
    rows = [
        function(*(x[n] if is_mapped else x for x, is_mapped in zip(args, mapped, strict=True)))
        for n in range(SIZE)
    ]
    if isinstance(rows[0], tuple):
        return tuple(np.stack([row[n] for row in rows]) for n in range(len(rows[0])))
    return np.stack(rows)


def _same(found: Any, expected: Any, dtype: Any) -> None:
    for x, y in itertools.zip_longest(_list(found), _list(expected)):
        assert (x.shape, x.dtype) == (y.shape, y.dtype)
        np.testing.assert_allclose(x, y, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


def _list(x: Any) -> Any:
    return x if isinstance(x, tuple) else (x,)


@pytest.mark.parametrize(("name", "number", "mapped"), _cases())
@pytest.mark.parametrize("dtype", sampled([np.float64, np.float32], 2))
def test_a_card_on_all_rows_equals_a_loop(name, number, mapped, dtype):
    args, params = _drawn(name, number, mapped, dtype)
    if _masks([x for x, one in zip(args, mapped, strict=True) if one], params):
        pytest.skip("how many entries a mask picks differs from row to row")
    primitive = PRIMITIVES[name]

    def forward(*xs):
        return primitive.bind(xs, params)

    in_axes = tuple(0 if one else None for one in mapped)
    with np.errstate(all="ignore"):
        _same(ad.vmap(forward, in_axes)(*args), _looped(forward, args, mapped), dtype)


@pytest.mark.parametrize(("name", "number", "mapped"), sampled(_cases(), 5))
def test_derivatives_of_a_card_on_all_rows_equal_a_loop(name, number, mapped):
    args, params = _drawn(name, number, mapped, np.float64)
    primitive = PRIMITIVES[name]
    if primitive.vjp is None or _masks(args, params):
        pytest.skip("no derivative")
    floats = [n for n, x in enumerate(args) if x.dtype.kind == "f"]

    def closed(xs):
        def function(*given):
            full = list(xs)
            for n, x in zip(floats, given, strict=True):
                full[n] = x
            return primitive.bind(full, params)

        return function

    def pulled(*xs):
        y, pull = ad.vjp(closed(xs), *(xs[n] for n in floats))
        return pull(np.cos(1.0 + y))

    def pushed(*xs):
        points = tuple(xs[n] for n in floats)
        return ad.jvp(closed(xs), points, tuple(np.cos(2.0 + x) for x in points))[1]

    in_axes = tuple(0 if one else None for one in mapped)
    with np.errstate(all="ignore"):
        for function in (pulled, pushed):
            found = ad.vmap(function, in_axes)(*args)
            _same(found, _looped(function, args, mapped), np.float64)


def test_only_the_cards_that_vmap_names_are_done_row_by_row():
    ours = {n: p for n, p in PRIMITIVES.items() if p.__module__.startswith("adjoint.")}
    found = {name for name, primitive in ours.items() if primitive.analyses.batch is one_by_one}
    assert found == {"convolution", "strong_convolution", "uniform"}
    assert "``np.convolve``, `uniform`" in ad.vmap.__doc__
