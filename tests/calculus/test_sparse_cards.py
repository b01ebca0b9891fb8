"""The sparse Jacobian of every card, and of its gradients, is the dense one."""

from __future__ import annotations

import numpy as np
import pytest

import adjoint as ad
import adjoint.special
from adjoint.core import PRIMITIVES
from cards import card_programs
from sampled import sampled

pytest.importorskip("scipy")
# The programs leave out masks, without which these two have none; test_sparse.py tries them.
NAMES = [
    name
    for name, card in PRIMITIVES.items()
    if card.vjp is not None and name not in ("where", "required")
]


def flat(tree):
    return [x for part in tree for x in flat(part)] if isinstance(tree, tuple) else [tree]


def assert_sparse_is_dense(programs):
    tried = 0
    for function, args in programs:
        floats = tuple(n for n, x in enumerate(args) if x.dtype.kind == "f")
        dense = flat(ad.jacobian(function, floats, mode="forward")(*args))
        found = flat(ad.jacobian(function, floats, sparse=True)(*args))
        for block, matrix in zip(dense, found, strict=True):
            expected = block.reshape(matrix.shape)
            np.testing.assert_allclose(matrix.toarray(), expected, rtol=1e-7, atol=1e-9)
            tried += 1
    assert tried


# The programs of a card come in pairs: its value, and its value with its gradients.
@pytest.mark.parametrize("name", NAMES)
def test_the_sparse_jacobian_is_the_dense_one(name):
    assert_sparse_is_dense(list(card_programs(name, np.float64))[::2][:2])


@pytest.mark.parametrize("name", sampled(NAMES, 24))
def test_the_sparse_jacobian_of_the_gradients_is_the_dense_one(name):
    assert_sparse_is_dense(card_programs(name, np.float64))
