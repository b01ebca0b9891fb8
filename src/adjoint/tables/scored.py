"""Models are scored on the same rows: all targets together, each target, and each quantile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..core.annotations import Array
from .scores import Outputs, headline, interval, score, share
from .targets import AnyTarget, Targets


@dataclass(frozen=True, kw_only=True)
class Scored:
    """Scores of models on the same rows.

    Attributes
    ----------
    headline : str
        The name of the score that sums up the others.
    metrics : dict of str to dict of str to float
        The scores by model.
    intervals : dict of str to list of float
        Between which bounds the headline score lies 19 times in 20, by model; none if the rows do
        not tell, as those of one group.
    by_target : dict of str to Scored
        The scores of each target, where there are several.
    coverage : dict of str to list of float
        How many rows lie where the first model's quantiles say, see `coverage`.
    """

    headline: str
    metrics: dict[str, dict[str, float]]
    intervals: dict[str, list[float]] = field(default_factory=dict)
    by_target: dict[str, Scored] = field(default_factory=dict)
    coverage: dict[str, list[float]] = field(default_factory=dict)


def scored_as(
    target: AnyTarget,
    outputs: Outputs,
    y: Array,
    blocks: Array | None = None,
    *,
    metric: str | None = None,
) -> Scored:
    """Return the scores of some models' predictions of a target.

    Parameters
    ----------
    outputs : dict of str to array
        What each model predicts, the network's first.
    blocks : (n,) array of int, optional
        Which rows must stay together, see `noise`.
    metric : str, optional
        The score to compare by.
    """
    levels = target.quantiles
    found = _scored(target.kind, outputs, y, blocks, metric, levels)
    by_target = {}
    if isinstance(target, Targets):
        for k, name in enumerate(target.names):
            own = {model: one[:, k] for model, one in outputs.items()}
            by_target[name] = _scored("regression", own, y[:, k], blocks)
    network = next(iter(outputs.values()))
    shares = coverage(network, y, levels, blocks) if levels else {}
    return replace(found, by_target=by_target, coverage=shares)


def _scored(
    kind: str,
    outputs: Outputs,
    y: Array,
    blocks: Array | None,
    metric: str | None = None,
    levels: Sequence[float] = (),
) -> Scored:
    name = headline(kind, metric)
    intervals = {m: list(interval(name, one, y, blocks, levels)) for m, one in outputs.items()}
    is_known = all(np.isfinite(bounds).all() for bounds in intervals.values())
    return Scored(
        headline=name,
        metrics={m: score(one, y, kind, metric, levels) for m, one in outputs.items()},
        intervals=intervals if is_known else {},
    )


def coverage(
    outputs: Array, y: Array, levels: Sequence[float], blocks: Array | None = None
) -> dict[str, list[float]]:
    """Return how many rows lie where quantiles say: a share, and its bounds 19 times in 20.

    Parameters
    ----------
    outputs : (n, quantiles) array
    y : (n,) array

    Returns
    -------
    dict of str to list of float
        What is at most the quantile "0.1", and so on; then what lies between the outermost two,
        "0.1 to 0.9".
    """
    shown = [f"{level:.15g}" for level in levels]
    pairs = zip(shown, outputs.T, strict=True)
    found = {level: share(y <= own, blocks) for level, own in pairs}
    if len(shown) > 1:
        is_in = (outputs[:, 0] <= y) & (y <= outputs[:, -1])
        found[f"{shown[0]} to {shown[-1]}"] = share(is_in, blocks)
    return found


def nominal(name: str) -> float:
    """Return the share that an entry of `coverage` should have.

    >>> nominal("0.1"), round(nominal("0.1 to 0.9"), 6)
    (0.1, 0.8)
    """
    first, _, last = name.partition(" to ")
    return float(last) - float(first) if last else float(first)
