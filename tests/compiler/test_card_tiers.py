"""Every card runs in every tier, value and gradient, whatever the memory of its arguments."""

import importlib
import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
from adjoint.graph import trace

from adjoint.compiler import portable
from adjoint.compiler.native.unlowerable import Unlowerable
from adjoint.compiler.simplify.simplify import simplify
from adjoint.compiler.source.source import write
from adjoint.core import PRIMITIVES
from adjoint.core.tree import leaves
from cards import card_programs
from sampled import sampled

importlib.import_module("adjoint.special")  # which registers more cards
CARDS = sorted(PRIMITIVES)
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


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        *sampled([(name, np.float64) for name in CARDS], 9),
        *sampled([(name, np.float32) for name in CARDS], 17),
    ],
)
@pytest.mark.filterwarnings(
    "ignore::RuntimeWarning"
)  # NumPy's, at a domain's edge or of no entries
def test_every_card_agrees_in_every_tier(name, dtype, full):
    few = None if full or dtype is np.float64 else 1
    for function, args in list(card_programs(name, dtype))[:few]:
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


SPECIAL = {
    np.float64: "nan inf -inf 0 -0. 5e-324 -1e-310 1e-200 1e200 -1e200 1e308 -1e308",
    np.float32: "nan inf -inf 0 -0. 1e-45 -1e-40 1e-30 1e30 -1e30 3e38 -3e38",
}
# Native code does these in another order, and so meets other infinities on the way: products of
# three and more factors, and a recurrence whose products are not rounded.
REORDERED = ("named_product", "strong_einsum", "linear_recurrence", "prod")
STATES = ("uniform",)  # whose argument is a random state, no number
# The written source says in a few NumPy calls what the card does in others.
REPHRASED = ("softmax_cross_entropy",)


def special_points(args, dtype):
    """Yield the arguments with one special value among their entries, each in its turn."""
    rng = np.random.default_rng(0)
    for text in SPECIAL[dtype].split():
        for n, x in enumerate(args):
            if x.dtype.kind == "f" and x.size:
                point = [y.copy() for y in args]
                point[n].flat[rng.integers(x.size)] = text
                yield text, point


def outcome(run, point):
    """Return the results, or the type of the error."""
    try:
        with np.errstate(all="ignore"):
            return list(map(np.array, leaves(run(*point))))
    except Exception as error:
        return type(error)


def has_same_bits(ours, theirs):
    is_nan = np.isnan(theirs) if theirs.dtype.kind == "f" else False
    same = (ours == theirs) & (np.signbit(ours * 1.0) == np.signbit(theirs * 1.0))
    return bool(np.all(np.where(is_nan, ours != ours, same)))


def is_close(ours, theirs):
    # Differences that cancel, as in the gradient of softmax, leave the rounding of ones.
    rtol, atol = (1e-10, 1e-15) if theirs.dtype == np.float64 else (1e-4, 1e-6)
    return np.allclose(ours, theirs, rtol=rtol, atol=atol, equal_nan=True)


def assert_alike(found, expected, agree, about):
    if found is FloatingPointError and about.startswith("written"):
        return  # it has no graph at hand, and says so where it is in doubt about 0·∞
    if isinstance(expected, type) or isinstance(found, type):
        assert found is expected, about
        return
    for ours, theirs in zip(found, expected, strict=True):
        assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype), about
        assert agree(ours, theirs), f"{about}: {ours} for {theirs}"


@pytest.mark.parametrize("dtype", sampled([np.float64, np.float32], 2))
@pytest.mark.parametrize("name", sampled(sorted(set(CARDS) - set(STATES)), 2))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_every_card_agrees_at_special_values_in_every_tier(name, dtype, full):
    for function, args in list(card_programs(name, dtype))[: None if full else 1]:
        graph = simplify(trace(function, *args))
        try:
            written = portable.load(write(graph), graph.name)
        except NotImplementedError:
            written = graph
        agree = is_close if name in REPHRASED else has_same_bits
        tiers = [("graph", graph, has_same_bits), ("written", written, agree)]
        if name not in REORDERED:
            tiers += [("native", lambda *xs, run=run: run(xs), is_close) for run in _made(graph)]
        for text, point in special_points(args, dtype):
            expected = outcome(function, point)
            for tier, run, agree in tiers:
                assert_alike(outcome(run, point), expected, agree, f"{tier} at {text}, {point}")


@pytest.mark.skipif(not HAS_NATIVE, reason="needs llvmlite")
@pytest.mark.parametrize("name", CARDS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_every_card_has_native_code_or_is_listed(name):
    reasons = _why_not_native(name)
    if name in _listed():
        assert reasons, (
            f"{name} has native code now: take it out of the table in docs/explanation/native.md"
        )
    else:
        assert not reasons, (
            f"{name} has no native code ({reasons[0]}). Say on its card what it is made of, as "
            "expand=lambda x: …, in operations that have; or give it a rule in compiler/native; or "
            "list it with the reason in docs/explanation/native.md, under What has no native code"
        )


def test_what_is_listed_as_without_native_code_is_a_card():
    assert set(_listed()) <= set(CARDS)


def _why_not_native(name):
    """Return why none of a card's programs has native code, or nothing if one has."""
    from adjoint.compiler.native.function import NativeFunction

    reasons = []
    for function, args in card_programs(name, np.float64):
        if all(x.size for x in args):
            try:
                NativeFunction(trace(function, *args), limit=0)
            except Unlowerable as reason:
                reasons.append(str(reason))
            else:
                return []
    return reasons


def _listed():
    page = (Path(__file__).parents[2] / "docs/explanation/native.md").read_text(encoding="utf-8")
    section = page.split("## What has no native code")[1].split("\n\n")[1]
    return [name for row in section.splitlines()[2:] for name in re.findall("`(\\w+)`", row)]


def _natively(graph, arrays):
    """Yield the results of both native regimes, where they take the graph."""
    for native in _made(graph):
        yield native(arrays)


def _made(graph):
    """Yield the graph in both native regimes, where they take it."""
    if not HAS_NATIVE:
        return
    from adjoint.compiler.native.function import NativeFunction

    for limit in (400, 0):
        try:
            yield NativeFunction(graph, limit=limit)
        except Unlowerable:
            continue
