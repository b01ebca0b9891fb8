"""Every card runs in every tier, value and gradient, whatever the memory of its arguments."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

import adjoint.special  # noqa: F401 - registers its cards, too
from adjoint.compiler import portable
from adjoint.compiler.native.nest import Unlowerable
from adjoint.compiler.simplify import simplify
from adjoint.compiler.source import write
from adjoint.core import PRIMITIVES
from adjoint.graph import trace
from adjoint.tree import leaves
from cards import card_programs

HAS_NATIVE = importlib.util.find_spec("llvmlite") is not None
# The tiers have their own elementary functions, and sum in their own order.
TOLERANCE = {np.dtype(np.float64): 1e-10, np.dtype(np.float32): 1e-4}


def strided(x):
    """Return an array of the same numbers that are not side by side in memory."""
    spread = np.zeros((*x.shape, 2), x.dtype)
    spread[..., 0] = x
    return spread[..., 0]


def assert_same(found, expected):
    for ours, theirs in zip(leaves(found), leaves(expected), strict=True):
        ours, theirs = np.asarray(ours), np.asarray(theirs)
        assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
        tolerance = TOLERANCE.get(theirs.dtype, 0)
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", sorted(PRIMITIVES))
@pytest.mark.filterwarnings(
    "ignore::RuntimeWarning"
)  # NumPy's, at a domain's edge or of no entries
def test_every_card_agrees_in_every_tier(name, dtype):
    for function, args in card_programs(name, dtype):
        graph = trace(function, *args)
        apart = [strided(x) for x in args]
        expected = graph.evaluate(args)
        simple = simplify(graph)
        try:
            written = portable.load(write(simple), simple.name)
        except NotImplementedError:
            written = simple
        assert_same(written(*apart), function(*args))
        for found in _natively(graph, apart):
            assert_same(found, expected)


@pytest.mark.skipif(not HAS_NATIVE, reason="needs llvmlite")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_every_card_has_native_code_or_is_listed():
    from adjoint.compiler.native.function import NativeFunction

    def lowers(function, args):
        try:
            NativeFunction(trace(function, *args), limit=0)
        except Unlowerable:
            return False
        return True

    missing = set()
    for name in PRIMITIVES:
        some = [
            (f, args) for f, args in card_programs(name, np.float64) if all(x.size for x in args)
        ]
        if some and not any(lowers(*program) for program in some):
            missing.add(name)
    page = (Path(__file__).parent.parent / "docs" / "native.md").read_text(encoding="utf-8")
    section = page.split("## What has no native code")[1].split("\n\n")[1]
    listed = [name for row in section.splitlines()[2:] for name in re.findall("`(\\w+)`", row)]
    assert sorted(listed) == sorted(missing)


def _natively(graph, arrays):
    """Yield the results of both native regimes, where they take the graph."""
    if not HAS_NATIVE:
        return
    from adjoint.compiler.native.function import NativeFunction

    for limit in (400, 0):
        try:
            native = NativeFunction(graph, limit=limit)
        except Unlowerable:
            continue
        yield native(arrays)
