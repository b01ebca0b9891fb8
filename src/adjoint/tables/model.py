"""A table model is a network with all it needs to predict the rows of a table."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.annotations import Array
from ..network import (
    Category,
    Design,
    Perceptron,
    embedding_size,
    input_size,
    outputs_of,
)
from ..nn.ensemble import Ensemble
from .encoder import Encoder
from .fingerprints import Fingerprints
from .record import Record
from .settings import TableSettings
from .targets import AnyTarget

if TYPE_CHECKING:
    import pyarrow


# Narrower than the estimators' default of 50: a table from a file is fitted without anyone having
# chosen its columns, and may have some of nearly as many categories as rows.
_WIDEST_EMBEDDING = 16
# With more numbers than this in all, a wide table would need a very large first layer.
_MOST_BINNED = 1024
# A product with one-hot rows takes longer than looking up where there are more.
_MOST_BY_PRODUCT = 128


@dataclass
class TableModel:
    """A network, how it reads rows, and what it predicts.

    Attributes
    ----------
    record : Record, optional
        What became of its training; None if there was no time to write it.
    fingerprints : Fingerprints, optional
        Those of the rows that it was trained on.
    """

    encoder: Encoder
    target: AnyTarget
    network: Ensemble
    record: Record | None = None
    fingerprints: Fingerprints | None = None

    @property
    def design(self) -> Design:
        """The design that all members have."""
        (first, *_) = self.network.members
        assert isinstance(first, Perceptron)
        return first.design

    def outputs(self, X: Array) -> Array:
        """Return what is predicted of encoded rows: the classes' probabilities, or numbers.

        Returns
        -------
        (n, classes), (n,), (n, quantiles) or (n, targets) array
        """
        return self.answers(outputs_of(self.network, X))

    def answers(self, outputs: Array) -> Array:
        """Return what the network's outputs mean: the classes' probabilities, or numbers."""
        return np.asarray(self.target.answers(outputs.astype(np.float64)))

    def predict(
        self, block: pyarrow.Table | pyarrow.RecordBatch, treated: Counter[str]
    ) -> dict[str, Any]:
        """Return the predictions for the rows of a block, by column, see `Target.columns_of`.

        Parameters
        ----------
        block : pyarrow Table or RecordBatch
        treated : Counter
            Where values that were treated specially are counted.
        """
        return self.target.columns_of(self.outputs(self.encoder.encode(block, treated)))


def design_for(
    encoder: Encoder,
    target: AnyTarget,
    *,
    hidden: tuple[int, ...],
    dropout: float,
    bins: int = TableSettings.bins,
    is_ensemble: bool = True,
) -> Design:
    """Return the design of a network from the columns to the target.

    Parameters
    ----------
    bins : int
        In how many each number is laid, if the table is not too wide for that.
    is_ensemble : bool
        Whether it is a member of an ensemble; models of earlier versions have none.
    """
    categories = tuple(
        Category(place, column.count, embedding_size(column.count, most=_WIDEST_EMBEDDING))
        for place, column in encoder.categories().items()
    )
    bins = min(bins, _MOST_BINNED // max(encoder.width - len(categories), 1)) * is_ensemble
    sizes = (input_size(categories, encoder.width, bins=bins), *hidden, target.outputs)
    few = all(category.count <= _MOST_BY_PRODUCT for category in categories)
    return Design(
        sizes,
        ("relu",) * len(hidden),
        dropout=dropout,
        categories=categories,
        linear_path=is_ensemble,
        by_product=is_ensemble and few,
        bins=bins,
    )
