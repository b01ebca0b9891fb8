"""A target is the column to predict: classes, or a number."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.annotations import Array
from ..errors import TableError
from .column import as_names, as_numbers, is_readable, is_textual

if TYPE_CHECKING:
    import pyarrow


TASKS = ("auto", "classification", "regression")
# Whole numbers of at most this many different values, none of them rare, are taken for classes.
_MOST_CLASSES = 20
_MOST_LABELS = 1000
_FEWEST = 5


@dataclass
class Target:
    """The column to predict.

    Attributes
    ----------
    name : str
    task : {"classification", "regression"}
    labels : list of str
        The names of the classes, as they stand in the table.
    mean, std : float
        Mean and standard deviation of the numbers.
    """

    name: str
    task: str
    labels: list[str]
    mean: float = 0.0
    std: float = 1.0

    @property
    def outputs(self) -> int:
        """How many outputs a network needs."""
        return len(self.labels) or 1

    @property
    def loss(self) -> str:
        """The name of the loss that a network is trained with."""
        return "mse_loss" if self.task == "regression" else "cross_entropy"

    def as_trained(self, y: Array) -> Array:
        """Return targets as a network is trained on: numbers as a column, without their scale."""
        if self.task != "regression":
            return y
        return np.asarray(((y - self.mean) / self.std)[:, np.newaxis])

    def encode(self, values: pyarrow.ChunkedArray | pyarrow.Array) -> tuple[Array, Array]:
        """Return the numbers of the classes or the numbers themselves, and which rows have one.

        Returns
        -------
        (n,) array of int64 or float64, where missing 0; (n,) array of bool
        """
        import pyarrow
        from pyarrow import compute

        if self.task == "regression":
            numbers, _ = as_numbers(values)
            known = ~np.isnan(numbers)
            return np.where(known, numbers, 0.0), known
        places = compute.index_in(as_names(values), value_set=pyarrow.array(self.labels))
        codes = compute.fill_null(places, -1).to_numpy(zero_copy_only=False).astype(np.int64)
        return np.maximum(codes, 0), codes >= 0

    def to_state(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return asdict(self)


def learn_target(name: str, values: pyarrow.ChunkedArray | pyarrow.Array, task: str) -> Target:
    """Return what the column to predict is.

    Texts, truth values and a few whole numbers are classes.

    Raises
    ------
    TableError
        If there is nothing to predict: all the same, all missing, or too many classes.
    """
    if not is_readable(values.type):
        raise TableError(f"target {name!r} holds {values.type}, neither classes nor numbers")
    numbers, strange = as_numbers(values)
    known = numbers[~np.isnan(numbers)]
    if task == "auto":
        task = "classification" if _are_classes(values, known, strange) else "regression"
    if task == "regression":
        return _number(name, known, strange)
    counts = Counter(as_names(values).drop_null().to_pylist())
    labels = sorted(counts, key=_order)
    if len(labels) < 2:
        shown = f"always {labels[0]!r}" if labels else "missing in all rows"
        raise TableError(f"target {name!r} is {shown}: there is nothing to tell apart")
    if len(labels) > min(_MOST_LABELS, sum(counts.values()) / 2):
        raise TableError(
            f"target {name!r} has {len(labels)} classes in {sum(counts.values())} rows, too many "
            "to learn; is it another column, or a number (--task regression)?"
        )
    return Target(name, "classification", labels)


def _are_classes(values: pyarrow.ChunkedArray | pyarrow.Array, known: Array, strange: int) -> bool:
    if strange or (is_textual(values.type) and not len(known)):
        return True
    found, counts = np.unique(known, return_counts=True)
    is_whole = bool((found == np.round(found)).all())
    return is_whole and len(found) <= _MOST_CLASSES and bool((counts >= _FEWEST).all())


def _number(name: str, known: Array, strange: int) -> Target:
    if strange:
        raise TableError(
            f"target {name!r} has {strange} values that are no numbers; is it of classes "
            "(--task classification)?"
        )
    if not len(known) or np.ptp(known) == 0:
        shown = f"always {known[0]:g}" if len(known) else "missing in all rows"
        raise TableError(f"target {name!r} is {shown}: there is nothing to learn")
    return Target(name, "regression", [], mean=float(known.mean()), std=float(known.std()))


def _order(label: str) -> tuple[bool, float, str]:
    """Order labels that are numbers by their size, and others after them."""
    try:
        return False, float(label), label
    except ValueError:
        return True, 0.0, label
