"""Every card runs in every tier, value and gradient, whatever the memory of its arguments."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

import adjoint as ad
import adjoint.special
from adjoint.compiler import portable
from adjoint.compiler.native.nest import Unlowerable
from adjoint.compiler.simplify import simplify
from adjoint.compiler.source import write
from adjoint.core import PRIMITIVES
from adjoint.graph import trace
from adjoint.ops.softmax import softmax_cross_entropy
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


def every_tier(function, *args):
    """Yield the function's one result: eager, of the written source, and of both native regimes."""
    graph = trace(function, *args)
    simple = simplify(graph)
    for results in (
        function(*args),
        portable.load(write(simple), simple.name)(*args),
        *_natively(graph, args),
    ):
        (result,) = leaves(results)
        yield result


def log_softmax_of(x):
    return ad.log_softmax(x)[0, 1]


def cross_entropy_of(x):
    return softmax_cross_entropy(x, np.array([0]))[0]


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-11), (np.float32, 2e-3)])
@pytest.mark.parametrize("size", [0.0, 1e3, -1e4])
def test_great_logits_do_not_cancel_a_small_loss(size, dtype, tolerance):
    # The tolerance is the rounding of 1 + e^-10 beside e^-10.
    logits = np.array([[size, size - 10]], dtype)
    for log_probabilities in every_tier(ad.log_softmax, logits):
        np.testing.assert_allclose(log_probabilities[0, 0], -np.log1p(np.exp(-10)), rtol=tolerance)
    for loss in every_tier(cross_entropy_of, logits):
        np.testing.assert_allclose(loss, np.log1p(np.exp(-10)), rtol=tolerance)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("logits", "loss", "log_probability"),
    [
        ([0.0, -np.inf], 0, -np.inf),
        ([np.inf, 0.0], np.nan, -np.inf),
        ([0.0, np.inf], np.inf, np.nan),
        ([-np.inf, -np.inf], np.nan, np.nan),
        ([np.nan, 0.0], np.nan, np.nan),
        ([3e38, -3e38], 0, None),
    ],
)
def test_special_logits_give_the_same_in_every_tier(logits, loss, log_probability, dtype):
    logits = np.array([logits], dtype)
    for found in every_tier(cross_entropy_of, logits):
        np.testing.assert_array_equal(found, loss)
    if log_probability is not None:
        for found in every_tier(log_softmax_of, logits):
            np.testing.assert_array_equal(found, log_probability)


def softmax(x):
    return ad.softmax(x) + 1


def test_a_function_named_as_a_helper_of_its_source_does_not_call_itself():
    x = np.array([[1.0, 2.0], [0.0, -1.0]])
    for found in every_tier(softmax, x):
        np.testing.assert_allclose(found, softmax(x), rtol=1e-14)


def norm_of(order):
    def norm(x):
        return ad.linalg.norm(x, order)

    return norm


# Of a vector like (3, 4), with the gradient.
NORMS = {
    None: (5, [0.6, 0.8]),
    2: (5, [0.6, 0.8]),
    1: (7, [1, 1]),
    np.inf: (4, [0, 1]),
    -np.inf: (3, [1, 0]),
    3: (91 ** (1 / 3), [9 / 91 ** (2 / 3), 16 / 91 ** (2 / 3)]),
    0.5: (7 + 4 * 3**0.5, [1 + 2 / 3**0.5, 1 + 3**0.5 / 2]),
    -2: (12 / 5, [64 / 125, 27 / 125]),
}


@pytest.mark.parametrize("scale", [1.0, 2.0**-1040, 2.0**-400, 2.0**400, 2.0**1018])
@pytest.mark.parametrize("order", NORMS)
def test_norms_and_their_gradients_keep_within_the_range(order, scale):
    length, gradient = NORMS[order]
    x = np.array([3.0, 4.0]) * scale
    # Of subnormal numbers there are few digits: the smallest here has 32.
    tolerance = 1e-13 if scale > 1e-300 else 1e-9
    for found in every_tier(norm_of(order), x):
        np.testing.assert_allclose(found / scale, length, rtol=tolerance)
    for found in every_tier(ad.grad(norm_of(order)), x):
        np.testing.assert_allclose(found, gradient, rtol=tolerance)


@pytest.mark.parametrize("order", [None, 3, 0.5, -2])
def test_a_norm_beside_a_number_of_another_size(order):
    x = np.array([1e308, 2.0])
    length = 2.0 if order == -2 else 1e308
    for found in every_tier(norm_of(order), x):
        np.testing.assert_allclose(found, length, rtol=1e-14)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("order", [None, 3, 1.5])
@pytest.mark.parametrize(
    ("x", "length", "gradient"),
    [
        ([0.0, 0.0], 0, [0, 0]),
        ([np.inf, 1.0], np.inf, [1, 0]),
        ([-np.inf, np.inf], np.inf, [-1, 1]),
        ([np.nan, 1.0], np.nan, [np.nan, np.nan]),
    ],
)
def test_norms_of_special_values(order, x, length, gradient):
    x = np.array(x)
    for found in every_tier(norm_of(order), x):
        np.testing.assert_array_equal(found, length)
    for found in every_tier(ad.grad(norm_of(order)), x):
        np.testing.assert_array_equal(found, gradient)


def second_of_hypot(x, y):
    return ad.grad(ad.grad(np.hypot))(x, y)


def second_of_norm(x, y):
    return ad.grad(ad.grad(lambda x, y: np.linalg.norm(np.stack([x, y]))))(x, y)


@pytest.mark.parametrize("function", [second_of_hypot, second_of_norm])
@pytest.mark.parametrize("x", [0.5, 90.0, 1e4, -1e8, 1e100])
def test_curvature_along_a_long_leg_does_not_cancel(function, x):
    x, y = np.array(x), np.array(2.0)
    for found in every_tier(function, x, y):
        np.testing.assert_allclose(found, y * y / np.hypot(x, y) / np.hypot(x, y) ** 2, rtol=1e-13)
