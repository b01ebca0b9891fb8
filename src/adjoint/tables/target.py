"""A target is the column to predict: classes, a number, or quantiles of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.annotations import Array
from ..core.magnitude import magnitude
from ..core.reproducibility import is_reproducible, ordered_sum
from ..errors import TableError
from ..nn.losses.regression import QuantileLoss
from ..ops.piecewise import maximum, minimum
from ..ops.softmax import softmax
from ..ops.structural import concatenate
from .column import IN_SECONDS
from .conventions import AS_SHOWN, Conventions
from .learning import number_remarks
from .number_format import NumberFormat, tidied
from .number_reading import read_numbers
from .settings import check_quantiles
from .values import (
    as_floats,
    as_names,
    as_texts,
    canonical,
    finite,
    is_duration,
    is_numeric,
    is_readable,
    is_temporal,
    is_textual,
    plain,
    without,
)

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
    numbers : NumberFormat
        How texts write a number.
    is_wordy : bool
        Whether the classes are words: then "none" and "NA" are classes too, and only an empty text
        is missing.
    missing : list of str
        Texts that stand for a missing target besides these.
    remarks : list of str
        How its numbers are written, and what had to be decided.
    quantiles : tuple of float
        Which quantiles of the number are predicted, rising; none for its mean.
    """

    name: str
    task: str
    labels: list[str]
    mean: float = 0.0
    std: float = 1.0
    numbers: NumberFormat = field(default_factory=NumberFormat)
    is_wordy: bool = False
    missing: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    quantiles: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.task not in TASKS[1:]:
            raise ValueError(f"target {self.name!r} is of an unknown task {self.task!r:.40}")
        is_labelled = len(set(self.labels)) == len(self.labels) > 1
        if is_labelled != (self.task == "classification"):
            raise ValueError(f"target {self.name!r} has labels that do not fit its task")
        if self.labels and self.quantiles:
            raise ValueError(f"target {self.name!r} has quantiles that do not fit its task")
        check_quantiles(self.quantiles)

    @property
    def names(self) -> list[str]:
        """The columns to predict."""
        return [self.name]

    @property
    def answer(self) -> str:
        """What is predicted, in a few words."""
        what = f"the {told_levels(self.quantiles)}" if self.quantiles else "the prediction"
        return f"{what} of {self.name}"

    @property
    def kind(self) -> str:
        """What its scores are, see `settings.METRICS`."""
        return "quantiles" if self.quantiles else self.task

    @property
    def outputs(self) -> int:
        """How many outputs a network needs."""
        return len(self.labels) or len(self.quantiles) or 1

    @property
    def loss(self) -> str | QuantileLoss:
        """The loss that a network is trained with, or its name."""
        if self.quantiles:
            return QuantileLoss(self.quantiles)
        return "mse_loss" if self.task == "regression" else "cross_entropy"

    def as_trained(self, y: Array) -> Array:
        """Return targets as a network is trained on: numbers as a column, without their scale."""
        if self.task != "regression":
            return y
        scaled = (y - self.mean) / self.std
        return np.asarray(scaled if self.quantiles else scaled[:, np.newaxis])

    def answers(self, outputs: Any) -> Any:
        """Return what a network's outputs mean: probabilities, numbers, or quantiles that rise.

        Quantiles that cross are put in order, after which they are never farther from the true
        ones: Chernozhukov, Fernández-Val and Galichon, "Quantile and probability curves without
        crossing", Econometrica 78, 2010.

        Parameters
        ----------
        outputs : (n, outputs) array
            In float64; or a traced value.

        Returns
        -------
        (n, classes), (n,) or (n, quantiles) array
        """
        if self.labels:
            return softmax(outputs, axis=1)
        if not self.quantiles:
            return outputs[:, 0] * self.std + self.mean
        return _risen(outputs * self.std + self.mean, len(self.quantiles))

    def columns_of(self, found: Array) -> dict[str, Array]:
        """Return answers as the columns of a table, by name."""
        if self.labels:
            chances = {f"probability_{label}": found[:, k] for k, label in enumerate(self.labels)}
            return {"prediction": np.array(self.labels, object)[found.argmax(axis=1)], **chances}
        if not self.quantiles:
            return {"prediction": found}
        return {f"quantile_{level:.15g}": found[:, k] for k, level in enumerate(self.quantiles)}

    def rescaled(self, y: Array) -> Target:
        """Return the target with mean and deviation of some of its numbers."""
        if self.labels:
            return self
        mean, std = mean_and_deviation(y)
        return replace(self, mean=mean, std=std or 1.0)

    def of(self, table: pyarrow.Table | pyarrow.RecordBatch) -> tuple[Array, Array]:
        """Return what `encode` returns of its column in a table."""
        return self.encode(table[self.name])

    def told_missing(self, table: pyarrow.Table, known: Array) -> str:
        """Say how many rows of a table have no target; "" if all have one."""
        return told_missing(table[self.name], known)

    def __str__(self) -> str:
        """Say in words what is predicted."""
        if self.labels:
            more = ", …" if len(self.labels) > 5 else ""
            return f"classes {', '.join(self.labels[:5])}{more}"
        return f"the {told_levels(self.quantiles)} of a number" if self.quantiles else "a number"

    def encode(self, values: pyarrow.ChunkedArray | pyarrow.Array) -> tuple[Array, Array]:
        """Return the numbers of the classes or the numbers themselves, and which rows have one.

        Returns
        -------
        (n,) array of int64 or float64, where missing 0; (n,) array of bool

        Raises
        ------
        TableError
            If texts write numbers in another way than those which it was learnt from.
        """
        import pyarrow
        from pyarrow import compute

        values = plain(values)
        if self.task == "regression":
            if is_textual(values.type):
                self.numbers.check(as_names(values, self.missing), f"target {self.name!r}")
            numbers = as_target_numbers(values, self.numbers, self.missing)
            known = ~np.isnan(numbers)
            return np.where(known, numbers, 0.0), known
        labels = canonical(pyarrow.array(self.labels, pyarrow.string()))
        places = compute.index_in(canonical(self._classes(values)), value_set=labels)
        codes = compute.fill_null(places, -1).to_numpy(zero_copy_only=False).astype(np.int64)
        return np.maximum(codes, 0), codes >= 0

    def _classes(self, values: Any) -> Any:
        return as_words(values, self.missing) if self.is_wordy else as_names(values, self.missing)

    def to_state(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return asdict(self)


def told_levels(levels: Sequence[float]) -> str:
    """Say which quantiles these are."""
    shown = [f"{level:.15g}" for level in levels]
    both = " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))
    return f"quantiles {both}" if len(shown) > 1 else f"quantile {both}"


def _risen(outputs: Any, count: int) -> Any:
    """Return the columns in rising order, by exchanges of neighbours that all exports have."""
    columns = [outputs[:, k : k + 1] for k in range(count)]
    for turn in range(count if count > 1 else 0):
        for k in range(turn % 2, count - 1, 2):
            one, other = columns[k : k + 2]
            columns[k : k + 2] = minimum(one, other), maximum(one, other)
    return concatenate(columns, axis=1)


def learn_target(
    name: str,
    values: pyarrow.ChunkedArray | pyarrow.Array,
    task: str,
    conventions: Conventions = AS_SHOWN,
) -> Target:
    """Return what the column to predict is.

    Texts, truth values and a few whole numbers are classes.

    Raises
    ------
    TableError
        If there is nothing to predict: all the same, all missing, or too many classes.
    """
    values = plain(values)
    if not is_readable(values.type) or is_temporal(values.type):
        raise TableError(f"target {name!r} holds {values.type}, neither classes nor numbers")
    missing = list(conventions.missing)
    format, reason, remarks = _number_format(values, conventions)
    if task == "regression" and format is None:
        raise TableError(
            f"target {name!r} is no column of numbers: {reason}; is it of classes "
            "(task classification)?"
        )
    if task != "classification" and format is not None:
        known = as_target_numbers(values, format, missing)
        known = known[~np.isnan(known)]
        if task == "regression" or not _are_classes(known):
            return replace(_number(name, known, format, missing), remarks=remarks)
    names = as_names(values, missing)
    is_wordy = is_textual(values.type) and format is None and names.null_count < len(names)
    names = as_words(values, missing) if is_wordy else names
    return replace(_classes(name, names, reason), missing=missing, is_wordy=is_wordy)


def as_target_numbers(values: Any, format: NumberFormat, missing: list[str]) -> Array:
    """Return the numbers of a target, NaN where there is none."""
    if is_numeric(values.type):
        return as_floats(values)
    return finite(format.parse(as_names(values, missing)))


def as_words(values: Any, missing: list[str]) -> Any:
    """Return values as tidy texts, null where one is empty or among those that say so."""
    return without(tidied(as_texts(values)), missing)


def told_missing(values: Any, known: Array) -> str:
    """Say how many rows have no target, and what stands there; "" if all have one."""
    import pyarrow
    from pyarrow import compute

    count = int((~known).sum())
    if not count:
        return ""
    texts = as_texts(values).filter(pyarrow.array(~known))
    found = compute.unique(texts).to_pylist()
    shown = ", ".join("empty" if text is None else f"{text!r:.40}" for text in found[:3])
    more = ", …" if len(found) > 3 else ""
    are = "row without one is" if count == 1 else "rows without one are"
    return f"{count:,} {are} left out ({shown}{more})"


def _number_format(
    values: Any, conventions: Conventions
) -> tuple[NumberFormat | None, str, list[str]]:
    """Return how a target writes numbers and what to say of it, or None and why it has none."""
    if is_numeric(values.type):
        return NumberFormat(), "", [IN_SECONDS] * is_duration(values.type)
    reading = read_numbers(as_names(values, conventions.missing))
    if not reading.formats:
        return None, reading.reason, []
    format, reason = conventions.number_format(reading)
    return format, "", number_remarks(reading, format, reason)


def _classes(name: str, names: Any, reason: str) -> Target:
    counts = Counter(canonical(names).drop_null().to_pylist())
    shown = dict(zip(canonical(names).to_pylist(), names.to_pylist(), strict=True))
    labels = sorted((shown[key] for key in counts), key=_order)
    if len(labels) < 2:
        told = f"always {labels[0]!r}" if labels else "missing in all rows"
        raise TableError(f"target {name!r} is {told}: there is nothing to tell apart")
    total = sum(counts.values())
    if len(labels) > min(_MOST_LABELS, total / 2):
        also = f" ({reason})" if reason else ""
        raise TableError(
            f"target {name!r} has {len(labels):,} classes in {total:,} rows, as {labels[0]!r}, too "
            f"many to learn; it is no column of numbers either{also}"
            if reason
            else f"target {name!r} has {len(labels):,} classes in {total:,} rows, too many to "
            "learn; is it a number (task regression)?"
        )
    return Target(name, "classification", labels)


def _are_classes(known: Array) -> bool:
    found, counts = np.unique(known, return_counts=True)
    is_whole = bool((found == np.round(found)).all())
    return is_whole and len(found) <= _MOST_CLASSES and bool((counts >= _FEWEST).all())


def _number(name: str, known: Array, format: NumberFormat, missing: list[str]) -> Target:
    if not len(known) or known.min() == known.max():
        shown = f"always {known[0]:g}" if len(known) else "missing in all rows"
        raise TableError(f"target {name!r} is {shown}: there is nothing to learn")
    mean, std = mean_and_deviation(known)
    return Target(name, "regression", [], mean, std, numbers=format, missing=missing)


def mean_and_deviation(numbers: Array) -> tuple[float, float]:
    """Return the mean and the standard deviation, of which no square over- or underflows."""
    exponent = magnitude(numbers)
    scaled = np.ldexp(numbers, -exponent)
    if is_reproducible():
        mean = ordered_sum(scaled) / len(scaled)
        deviation = np.sqrt(ordered_sum((scaled - mean) ** 2) / len(scaled))
    else:
        mean, deviation = scaled.mean(), scaled.std()
    return float(np.ldexp(mean, exponent)), float(np.ldexp(deviation, exponent))


def _order(label: str) -> tuple[bool, float, str]:
    """Order labels that are numbers by their size, and others after them."""
    try:
        return False, float(label), label
    except ValueError:
        return True, 0.0, label
