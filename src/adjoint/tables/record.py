"""A record says what became of a training on a table."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

from .scored import Scored
from .settings import TableSettings
from .state import restored
from .tried import Searched

# In these None is None.
_OPTIONAL = ("settings", "search")


@dataclass(frozen=True, kw_only=True)
class Record:
    """What became of a training on a table.

    Attributes
    ----------
    settings : TableSettings
    rows : dict of str to int
        How many rows there were to "train" on, for "validation" and to "test".
    metrics : dict of str to dict of str to float
        The scores on the rows held out, by model.
    loss, val_loss : list of float
        By epoch.
    best_epoch : int
        The epoch that the weights are of.
    interrupted : bool
    seconds : float
    tier : str
    importance : dict of str to float
        By how much the headline score gets worse without a column.
    verdict : list of str
        Which model to prefer, and what else there is to say, in sentences.
    sha256 : str
        That of the weights and the losses, see `History.sha256`.
    intervals : dict of str to list of float
        Between which bounds the headline score lies 19 times in 20, by model; none if the rows do
        not tell, as those of one group.
    headline : str
        The name of that score.
    split : list of str
        How the rows were parted, in sentences, where that was not by chance alone.
    search : Searched, optional
        What was tried before, if anything; the settings are those that it chose.
    by_target : dict of str to Scored
        The scores of each target, where there are several.
    coverage : dict of str to list of float
        How many rows lie where the network's quantiles say, see `scored.coverage`.
    """

    settings: TableSettings
    rows: dict[str, int]
    metrics: dict[str, dict[str, float]]
    loss: list[float]
    val_loss: list[float]
    best_epoch: int
    interrupted: bool
    seconds: float
    tier: str = ""
    importance: dict[str, float] = field(default_factory=dict)
    verdict: list[str] = field(default_factory=list)
    sha256: str = ""
    intervals: dict[str, list[float]] = field(default_factory=dict)
    headline: str = ""
    split: list[str] = field(default_factory=list)
    search: Searched | None = None
    by_target: dict[str, Scored] = field(default_factory=dict)
    coverage: dict[str, list[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        lacking = {"train", "test"} - set(self.rows)
        if lacking:
            raise ValueError(f"Record.rows has no {lacking.pop()!r}")

    def to_state(self) -> dict[str, Any]:
        """Return what JSON can hold, which has no NaN."""
        found: dict[str, Any] = without_nan(asdict(self))
        return found

    @classmethod
    def from_state(cls, state: object) -> Record:
        """Return the record that a state was taken of.

        Raises
        ------
        ValueError
            If the state is not that of a record.
        """
        if not isinstance(state, dict):
            raise ValueError("Record is no object of JSON")
        # Settings hold None where the rows decide; a score of None is one that was not there.
        told = {name: v if name in _OPTIONAL else _with_nan(v) for name, v in state.items()}
        return restored(cls, told, finite=False)


def _with_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_nan(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [_with_nan(entry) for entry in value]
    return math.nan if value is None else value


def without_nan(value: Any) -> Any:
    """Return what JSON can hold with None in the place of NaN and infinities."""
    if isinstance(value, dict):
        return {name: without_nan(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
