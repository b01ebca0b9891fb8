"""Sums along several rows at once are those of each row alone."""

import itertools
from collections import OrderedDict

import numpy as np
import pytest

from sampled import sampled

pytest.importorskip("llvmlite")

from adjoint.graph import trace

from adjoint.compiler.native import cache
from adjoint.compiler.native.arrays import abreast, array_code
from adjoint.compiler.native.function import NativeFunction
from adjoint.compiler.native.machine import this_machine

COUNT = this_machine().target.registers // 8
pytestmark = pytest.mark.skipif(COUNT < 2, reason="this processor has few registers")


def run(function, *arrays):
    return NativeFunction(trace(function, *arrays), limit=0)(arrays)[0]


@pytest.fixture
def written(monkeypatch):
    """Return the list of the nests whose rows are written together; no code is read from a file."""
    found = []

    def write(nest, target):
        found.append(nest)
        return abreast.write_abreast(nest, target)

    monkeypatch.setenv("ADJOINT_CACHE", "")
    monkeypatch.setattr(array_code, "write_abreast", write)
    return found


def alone(monkeypatch, function, *arrays):
    with monkeypatch.context() as patch:
        patch.setattr(array_code, "rows_abreast", lambda nest, target: 1)
        patch.setattr(cache, "_memory", OrderedDict())
        return run(function, *arrays)


FUNCTIONS = {
    "product": lambda a, x: a @ x,
    "scaled rows": lambda a, x: np.sum(a * a[..., :1] * x, axis=-1),
    "greatest": lambda a, x: np.max(a * x, axis=-1),
}
CASES = itertools.product(FUNCTIONS, [(5, 3200), (COUNT, 3333), (2, 7, 4609)], [np.float32, float])


@pytest.mark.parametrize(("name", "shape", "dtype"), sampled(CASES, 4))
def test_rows_abreast_have_the_bits_of_rows_alone(name, shape, dtype, written, monkeypatch):
    rng = np.random.default_rng(0)
    a, x = rng.normal(size=shape).astype(dtype), rng.normal(size=shape[-1:]).astype(dtype)
    together = run(FUNCTIONS[name], a, x)
    assert len(written) == 1
    np.testing.assert_array_equal(together, alone(monkeypatch, FUNCTIONS[name], a, x))
    assert len(written) == 1
    np.testing.assert_allclose(together, FUNCTIONS[name](a, x), rtol=1e-3, atol=1e-2)


def test_nan_and_infinity_stay_in_their_rows(written):
    a, x = np.ones((6, 3200)), np.ones(3200)
    a[1, 7], a[4, 3199] = np.nan, np.inf
    np.testing.assert_array_equal(run(FUNCTIONS["product"], a, x), a @ x)
    assert len(written) == 1


def test_a_vector_that_stays_in_the_cache_is_read_row_by_row(written):
    run(FUNCTIONS["product"], np.ones((6, 200)), np.ones(200))
    assert not written
