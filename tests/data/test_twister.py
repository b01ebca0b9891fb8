import pickle

import numpy as np
import pytest

from adjoint.data import twister
from adjoint.data.twister import read_words, seeded, write_words


@pytest.fixture(params=["in memory", "by NumPy's state"])
def way(request, monkeypatch):
    """Read and write the words both ways: NumPy's own is taken where the memory looks otherwise."""
    if request.param == "by NumPy's state":
        monkeypatch.setattr(twister, "_is_laid_out_plainly", lambda: False)


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1, np.int64(7), True])
def test_a_seeded_generator_is_that_of_numpy(seed):
    ours, numpys = seeded(seed), np.random.RandomState(seed)
    assert pickle.dumps(ours.get_state()) == pickle.dumps(numpys.get_state())
    assert ours.normal(size=3).tolist() == numpys.normal(size=3).tolist()


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_out_of_range_is_refused_as_by_numpy(seed):
    for make in (np.random.RandomState, seeded):
        with pytest.raises(ValueError, match="Seed must be between 0 and 2"):
            make(seed)


def test_the_memory_of_this_numpys_generators_is_as_it_is_known():
    assert twister._is_laid_out_plainly()


@pytest.mark.usefixtures("way")
def test_words_are_the_state():
    rng = np.random.RandomState(3)
    rng.randint(9, size=1000)
    _, key, position, *_ = rng.get_state()
    words = read_words(rng)
    assert words.dtype == np.uint32
    assert words.tolist() == [*key.tolist(), position]
    rng.randint(9, size=1000)
    assert words.tolist() == [*key.tolist(), position]


@pytest.mark.usefixtures("way")
def test_words_that_are_put_back_give_the_same_numbers_again():
    rng = np.random.RandomState(5)
    words = read_words(rng)
    first = rng.random(700).tolist()
    assert rng.random(700).tolist() != first
    write_words(rng, words)
    assert rng.random(700).tolist() == first


@pytest.mark.usefixtures("way")
def test_the_second_of_a_pair_of_normal_numbers_stays_when_words_are_written():
    rng = np.random.RandomState(5)
    rng.normal()
    waiting = rng.get_state()[3:]
    assert waiting[0] == 1
    write_words(rng, read_words(np.random.RandomState(6)))
    assert rng.get_state()[3:] == waiting


def test_words_of_another_generator_are_refused():
    with pytest.raises(ValueError, match="the order comes from PCG64, not MT19937"):
        read_words(np.random.RandomState(np.random.PCG64(0)))
