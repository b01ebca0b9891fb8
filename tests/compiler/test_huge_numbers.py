"""Where squares of huge numbers overflow, they do so in every tier, or are scaled in every tier."""

import importlib.util

import numpy as np
import pytest
from adjoint.graph import trace

import adjoint as ad
from adjoint import nn
from adjoint.compiler import portable
from adjoint.compiler.simplify.simplify import simplify
from adjoint.compiler.source.source import write
from adjoint.core.tree import leaves
from sampled import sampled

HAS_NATIVE = importlib.util.find_spec("llvmlite") is not None
FUNCTIONS = {
    "layer norm": lambda x: nn.LayerNorm(6, dtype=x.dtype)(x),
    "RMS norm": lambda x: nn.RMSNorm(6, dtype=x.dtype)(x),
    "group norm": lambda x: nn.GroupNorm(2, 6, dtype=x.dtype)(x),
    "batch statistics": lambda x: (x - ad.mean(x, axis=0)) / ad.sqrt(ad.var(x, axis=0) + 1e-5),
    "var": lambda x: ad.var(x, axis=-1),
    "std": lambda x: ad.std(x, axis=-1),
    "norm": lambda x: ad.norm(x, axis=-1),
    "norm of order 3": lambda x: ad.linalg.norm(x, ord=3, axis=-1),
    "logsumexp": lambda x: ad.logsumexp(x, axis=-1),
    "softmax": ad.softmax,
    "hypot": lambda x: ad.hypot(x, x[::-1]),
    "mse": lambda x: nn.functional.mse_loss(x, -x),
}


def huge(dtype):
    """Yield rows around the sizes whose squares overflow; no sum of theirs does, in any order."""
    most, rng = float(np.finfo(dtype).max), np.random.default_rng(0)
    rows = rng.normal(size=(4, 6))
    for factor in (0.05, 0.9, 1.1, 30.0):
        yield rows * factor * np.sqrt(most)
    bounded = np.clip(rows / 3, -1, 1)
    yield bounded * most / 50
    yield np.where(rows > 0, bounded * most / 50, 1.0)
    yield np.where(np.arange(24).reshape(4, 6) == 7, most / 2, rows)


def tiers(function, x):
    """Yield the names of the tiers, and what computes a function in each."""
    graph = simplify(trace(function, x))
    yield "graph", graph
    yield "written", portable.load(write(graph), graph.name)
    if HAS_NATIVE:
        from adjoint.compiler.native.function import NativeFunction

        for limit in (400, 0):
            native = NativeFunction(graph, limit=limit)
            yield f"native up to {limit}", lambda x, native=native: native([x])


def plain(found):
    return [x.data if isinstance(x, ad.Tensor) else np.asarray(x) for x in leaves(found)]


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        *sampled([(name, np.float64) for name in FUNCTIONS], 4),
        *sampled([(name, np.float32) for name in FUNCTIONS], 6),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_huge_numbers_meet_the_same_infinities_in_every_tier(name, dtype):
    function = FUNCTIONS[name]

    def both(x):
        y = function(x)
        weights = np.linspace(0.5, 1, y.size, dtype=dtype).reshape(y.shape)
        return y, ad.grad(lambda x: (function(x) * weights).sum())(x)

    rtol = 1e-9 if dtype is np.float64 else 1e-3
    points = [rows.astype(dtype) for rows in huge(dtype)]
    with np.errstate(all="ignore"):
        expected = [plain(both(x)) for x in points]
        for tier, run in tiers(both, points[0]):
            for x, theirs in zip(points, expected, strict=True):
                for ours, own in zip(plain(run(x)), theirs, strict=True):
                    is_same = np.allclose(ours, own, rtol, atol=rtol, equal_nan=True)
                    assert is_same, (tier, x, ours, own)
