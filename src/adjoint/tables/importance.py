"""A column's importance is what a model loses where the column's values change rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np

from ..core.annotations import Array
from ..graphs.recording import no_grad
from ..network import Perceptron
from .model import TableModel
from .scores import LOSSES, measure

_MOST_ROWS = 2000
_REPEATS = 3
# Most of many columns matter little: all are tried on few rows, and the best on more.
_MOST_COLUMNS = 50
_FEW_ROWS = 500


def importances(
    model: TableModel, X: Array, y: Array, *, seed: int, metric: str
) -> dict[str, float]:
    """Return by how much a score gets worse, by column, most important first.

    The mean of three permutations: Breiman, "Random forests", Machine Learning 45, 2001. At most
    2,000 rows are asked. Where there are more than 50 columns, each is permuted once on 500 rows,
    and then the 50 of the largest falls as others are.

    Parameters
    ----------
    X : (n, width) array
        Held-out rows, encoded.
    y : (n,) or (n, targets) array
    metric : str
        The score's name.
    """
    rng = np.random.default_rng(seed)
    places = list(range(len(model.encoder.columns)))
    found: dict[int, float] = {}
    if len(places) > _MOST_COLUMNS:
        found = _falls(model, X[:_FEW_ROWS], y[:_FEW_ROWS], places, 1, rng, metric)
        places = sorted(places, key=lambda place: -found[place])[:_MOST_COLUMNS]
    found |= _falls(model, X[:_MOST_ROWS], y[:_MOST_ROWS], places, _REPEATS, rng, metric)
    names = {model.encoder.columns[place].name: fall for place, fall in found.items()}
    return dict(sorted(names.items(), key=lambda item: -item[1]))


def _falls(
    model: TableModel,
    X: Array,
    y: Array,
    columns: Sequence[int],
    repeats: int,
    rng: np.random.Generator,
    metric: str,
) -> dict[int, float]:
    """Return by how much the score gets worse for each of some columns, by their places."""
    ends = np.cumsum([0, *(column.width for column in model.encoder.columns)]).tolist()
    members = [_Opened(cast(Perceptron, member), X) for member in model.network.members]
    sign = -1.0 if metric in LOSSES else 1.0

    def scored(part: range, order: Array) -> float:
        outputs = np.mean([member.outputs(part, order) for member in members], axis=0)
        return sign * measure(metric, model.answers(outputs), y, model.target.quantiles)

    best = scored(range(0), np.arange(len(X)))
    found = {}
    for place in columns:
        # All numbers that a column becomes move together, as a value and the mark of a missing
        # one do.
        part = range(ends[place], ends[place + 1])
        losses = [best - scored(part, rng.permutation(len(X))) for _ in range(repeats)]
        found[place] = float(np.mean(losses))
    return found


class _Opened:
    """A network of which the sums of the first layer are known for each column.

    Permuting a column permutes what it adds there, so that the other columns, of which there may be
    a thousand, are not summed again.
    """

    def __init__(self, network: Perceptron, X: Array) -> None:
        self.network, self.X = network.eval(), X
        with no_grad():
            embedded, line = network.opened(X)
            self.embedded, self.line = np.asarray(embedded.data), np.asarray(line.data)
            self.sums = np.asarray(network.linear[0](self.embedded).data)

    def outputs(self, columns: range, order: Array) -> Array:
        """Return what is answered where the rows of some columns are in another order."""
        places = self.network.design.embedded_places(columns)
        own = self.embedded[:, places] @ self.network.coefs[0].data[places]
        line = self._line(columns)
        with no_grad():
            found = self.network.closed(self.sums + (own[order] - own), self.embedded)
        return np.asarray(found.data + self.line + (line[order] - line))

    def _line(self, columns: range) -> Array:
        """Return what some columns add in the linear path."""
        path, design = self.network.linear_path, self.network.design
        assert path is not None
        total = np.zeros(self.line.shape)
        codes = {one.column: k for k, one in enumerate(design.categories)}
        for column in columns:
            if column in codes:
                levels = path.categories[codes[column]].weight.data
                total += levels[self.X[:, column].astype(int)]
            else:
                assert path.numbers is not None
                (place,) = design.number_places(range(column, column + 1))
                total += self.X[:, column, np.newaxis] * path.numbers.weight.data[place]
        return total
