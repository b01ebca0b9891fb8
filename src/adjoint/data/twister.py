"""NumPy's older generator, a Mersenne Twister: made from a seed, its state read and written."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import numpy as np
from numpy.random import MT19937, RandomState
from numpy.random.bit_generator import ISeedSequence

from ..core.annotations import Array

# The words of its state, and after them the number of those that are used up.
WORDS = 625


class _Blank(ISeedSequence):
    """Gives a generator that is seeded at once nothing to begin with."""

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> Any:
        return [0] * n_words  # of an array, MT19937 would take each word one by one, in 60 µs


_BLANK: Any = _Blank()


def seeded(seed: int) -> RandomState:
    """Return ``RandomState(seed)``, which would first draw 624 words that the seed then replaces.

    Raises
    ------
    ValueError
        If the seed is not between 0 and 2³² - 1.
    """
    rng = RandomState(MT19937(_BLANK))
    rng.seed(seed)
    return rng


def read_words(rng: RandomState) -> Array:
    """Return a copy of the state: 624 words, and how many of them are used up.

    Raises
    ------
    ValueError
        If the numbers do not come from a Mersenne Twister.
    """
    generator = _open_generator(rng)
    if generator is not None:
        with generator.lock:
            return _in_memory(generator).copy()
    state: Any = rng.get_state(legacy=False)
    if state["bit_generator"] != "MT19937":
        raise ValueError(f"the order comes from {state['bit_generator']}, not MT19937")
    return np.append(state["state"]["key"], np.uint32(state["state"]["pos"]))


def write_words(rng: RandomState, words: Array) -> None:
    """Put back a state as `read_words` gives it."""
    generator = _open_generator(rng)
    if generator is not None:
        with generator.lock:
            _in_memory(generator)[:] = words
        return
    state: Any = rng.get_state(legacy=False)
    state["state"] = {"key": words[:-1], "pos": int(words[-1])}
    rng.set_state(state)


def _open_generator(rng: RandomState) -> MT19937 | None:
    """Return what draws the words, if its state lies in memory as it is known to."""
    generator = getattr(rng, "_bit_generator", None)
    return generator if type(generator) is MT19937 and _is_laid_out_plainly() else None


def _in_memory(generator: MT19937) -> Array:
    """Return the state as it lies in memory; the generator must live as long as it is used."""
    words = (ctypes.c_uint32 * WORDS).from_address(generator.ctypes.state_address)
    return np.frombuffer(memoryview(words), np.uint32)


@cache
def _is_laid_out_plainly() -> bool:
    """Return whether the state lies in memory as words and their count, tried on one generator."""
    generator = MT19937(_BLANK)
    generator.state = {
        "bit_generator": "MT19937",
        "state": {"key": np.arange(1, WORDS, dtype=np.uint32), "pos": 321},
    }
    return bool(_in_memory(generator).tolist() == [*range(1, WORDS), 321])
