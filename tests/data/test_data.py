"""The order of the rows, batches, and what data are refused."""

from __future__ import annotations

import numpy as np
import pytest

from adjoint import data
from adjoint.core.philox import ORDER_SITE, random_words
from adjoint.data import rows
from adjoint.errors import ShapeError


def philox4x64(key, counter, rounds=10):
    """One block of Philox4x64 in Python integers, from the paper's definition."""
    mask = 2**64 - 1
    k0, k1 = key
    c0, c1, c2, c3 = counter
    for _ in range(rounds):
        p0, p1 = 0xD2E7470EE14C6C93 * c0, 0xCA5A826395121157 * c2
        c0, c1, c2, c3 = (p1 >> 64) ^ c1 ^ k0, p1 & mask, (p0 >> 64) ^ c3 ^ k1, p0 & mask
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) & mask, (k1 + 0xBB67AE8584CAA73B) & mask
    return [c0, c1, c2, c3]


def test_random_words_are_philox_of_seed_epoch_and_site():
    words = random_words(10, seed=2**63 + 5, epoch=3, site=7)
    expected = [w for block in (1, 2, 3) for w in philox4x64((2**63 + 5, 0), (block, 3, 7, 0))]
    assert words.dtype == np.uint64
    assert words.tolist() == expected[:10]


def test_random_words_differ_by_seed_epoch_and_site():
    places = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]
    words = {tuple(random_words(4, seed=s, epoch=e, site=p).tolist()) for s, e, p in places}
    assert len(words) == 4


def test_a_permutation_is_fisher_and_yates_of_the_words():
    n = 9
    words = [int(w) for w in random_words(n, seed=4, epoch=2, site=ORDER_SITE)]
    order = list(range(n))
    for i in reversed(range(1, n)):
        j = ((words[i] >> 32) * (i + 1)) >> 32
        order[i], order[j] = order[j], order[i]
    assert data.permutation(n, seed=4, epoch=2).tolist() == order


def test_a_permutation_is_repeatable_and_changes_with_the_epoch():
    first = data.permutation(50, seed=1, epoch=0)
    np.testing.assert_array_equal(first, data.permutation(50, seed=1, epoch=0))
    np.testing.assert_array_equal(np.sort(first), np.arange(50))
    assert not np.array_equal(first, data.permutation(50, seed=1, epoch=1))


def test_every_permutation_is_equally_frequent():
    counts = {}
    for epoch in range(2400):
        order = tuple(data.permutation(3, seed=0, epoch=epoch).tolist())
        counts[order] = counts.get(order, 0) + 1
    assert len(counts) == 6
    # Six standard deviations of a binomial of 2400 draws with probability 1/6.
    assert max(abs(count - 400) for count in counts.values()) < 110


def test_permutations_of_nothing_and_of_one():
    assert data.permutation(0, seed=0, epoch=0).shape == (0,)
    assert data.permutation(1, seed=0, epoch=0).tolist() == [0]


@pytest.mark.parametrize("n", [-1, 2**32])
def test_a_permutation_of_too_many_is_refused(n):
    with pytest.raises(ValueError, match="n must be from 0"):
        data.permutation(n, seed=0, epoch=0)


@pytest.mark.parametrize("indices", [np.array([4, 0, 0]), np.array([], int), slice(1, 3)])
@pytest.mark.parametrize(
    "array",
    [
        np.arange(5),
        np.arange(10.0).reshape(5, 2),
        np.asfortranarray(np.arange(30.0, dtype=np.float32).reshape(5, 3, 2)),
        np.arange(40.0).reshape(10, 4)[::2, ::-1],
        np.zeros((5, 0)),
    ],
    ids=["numbers", "rows", "columns", "strided", "empty"],
)
def test_rows_are_chosen_as_by_brackets(array, indices):
    chosen = rows.chosen(array, indices)
    np.testing.assert_array_equal(chosen, array[indices], strict=True)
    assert isinstance(indices, slice) or not np.shares_memory(chosen, array)


def test_batches_cover_the_rows_and_the_last_may_be_short():
    assert list(data.batches(5, 2, order=None)) == [slice(0, 2), slice(2, 4), slice(4, 5)]
    order = np.array([4, 2, 0, 1, 3])
    parts = [part.tolist() for part in data.batches(5, 2, order=order)]
    assert parts == [[4, 2], [0, 1], [3]]


def test_seeds_are_kept_drawn_or_taken_from_the_system():
    assert data.as_seed(5) == 5
    assert data.as_seed(np.int64(5)) == 5
    draws = [data.as_seed(np.random.default_rng(0)) for _ in range(2)]
    assert draws[0] == draws[1]
    generator = np.random.default_rng(0)
    assert data.as_seed(generator) != data.as_seed(generator)
    assert data.as_seed(None) != data.as_seed(None)


def test_a_seed_of_another_type_or_range_is_refused():
    for seed in (1.0, "1", True):
        with pytest.raises(TypeError, match="seed: expected an int"):
            data.as_seed(seed)
    for seed in (-1, 2**64):
        with pytest.raises(ValueError, match="from 0 to 2\\*\\*64 - 1"):
            data.as_seed(seed)


def test_rows_and_targets_come_back_as_arrays():
    X, y = data.check_xy([[1, 2], [3, 4]], (0, 1))
    assert X.tolist() == [[1, 2], [3, 4]]
    assert y.tolist() == [0, 1]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_the_first_entry_that_is_not_finite_is_named(bad):
    X = np.zeros((4, 3))
    X[2, 1] = X[3, 0] = bad
    with pytest.raises(ValueError, match=f"X has {bad} at row 2, column 1"):
        data.check_xy(X, np.zeros(4))
    with pytest.raises(ValueError, match=f"y has {bad} at row 1;"):
        data.check_xy(np.zeros((2, 3)), [0.0, bad])


def test_data_that_do_not_fit_are_refused_with_their_shapes():
    with pytest.raises(ShapeError, match=r"X of shape \(3, 2\) and y of shape \(4,\) differ"):
        data.check_xy(np.zeros((3, 2)), np.zeros(4))
    with pytest.raises(ShapeError, match=r"X of shape \(0, 2\) and y of shape \(0,\) hold no"):
        data.check_xy(np.zeros((0, 2)), np.zeros(0))
    with pytest.raises(ShapeError, match="X is a single number"):
        data.check_xy(1.0, [0])
    with pytest.raises(TypeError, match=r"expected numbers|expected real numbers"):
        data.check_xy([["a"]], [0])
    with pytest.raises(TypeError, match="expected real numbers"):
        data.check_xy(np.zeros((1, 1), complex), [0])
