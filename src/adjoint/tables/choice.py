"""A choice is what a search varies of a table's settings; each is made of the best one so far."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from .settings import TableSettings

# Each setting that is free is drawn anew in so many of the trials.
_PART_CHANGED = 0.4
# So many draws in a row that were tried before mean that next to nothing is left to try.
_MOST_DRAWS = 1000

Draw = Callable[[np.random.Generator, Any], Any]


@dataclass(frozen=True)
class Choice:
    """What a search varies, each by the name that it has in `TableSettings`."""

    hidden: tuple[int, ...]
    batch_size: int
    learning_rate: float
    dropout: float
    weight_decay: float
    bins: int

    @classmethod
    def of(cls, settings: TableSettings, rows: int) -> Choice:
        """Return what settings say, given how many rows there are to train on."""
        said = {name: getattr(settings, name) for name in NAMES}
        return cls(**said | {"batch_size": settings.batch_size_for(rows)})

    def applied(self, settings: TableSettings) -> TableSettings:
        """Return settings with these in the place of their own."""
        return replace(settings, **asdict(self))

    def options(self, other: Choice) -> str:
        """Return the options of `adjoint fit` that lead here from another choice."""
        mine, theirs = asdict(self), asdict(other)
        return " ".join(
            f"--{name.replace('_', '-')} {_written(mine[name])}"
            for name in NAMES
            if mine[name] != theirs[name]
        )


def _written(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else f"{value:g}"


def proposed(
    seed: int,
    number: int,
    best: Choice,
    *,
    first: Choice,
    tried: Sequence[Choice],
    fixed: Collection[str] = (),
) -> Choice | None:
    """Return what to try next: the best choice so far with some of it drawn anew.

    Parameters
    ----------
    seed, number : int
        The seed of the search, and which trial it is; they and the other arguments decide alone.
    best, first : Choice
        The best so far, and the one that the search began with.
    tried : sequence of Choice
        None of these comes again.
    fixed : collection of str
        Names of settings that stay as they are.

    Returns
    -------
    Choice or None
        None where all that could be drawn was tried.
    """
    rng = np.random.default_rng([seed, number])
    free = [name for name in NAMES if name not in fixed]
    for _ in range(_MOST_DRAWS):
        is_changed = rng.random(len(free)) < _PART_CHANGED
        names = [name for name, change in zip(free, is_changed, strict=True) if change]
        drawn = {name: _DRAWN[name](rng, getattr(first, name)) for name in names}
        found = replace(best, **drawn)
        if found != best and found not in tried:
            return found
    return None


def _one_of(*values: Any) -> Draw:
    return lambda rng, _: values[rng.integers(len(values))]


def _between(low: float, high: float) -> Draw:
    """Draw a number whose logarithm is uniform, of two digits, so that it can be typed."""
    return lambda rng, _: float(f"{low * (high / low) ** rng.random():.1e}")


_DRAWN: dict[str, Draw] = {
    "hidden": _one_of((64,), (128,), (256,), (64, 32), (128, 64), (256, 128), (128, 64, 32)),
    "batch_size": lambda rng, first: max(int(first * _one_of(0.5, 1, 2, 4)(rng, first)), 1),
    "learning_rate": _between(3e-4, 1e-2),
    "dropout": _one_of(0.0, 0.05, 0.1, 0.2, 0.3, 0.5),
    "weight_decay": _between(1e-3, 3.0),
    "bins": _one_of(0, 4, 8, 16, 32),
}
NAMES = tuple(_DRAWN)
