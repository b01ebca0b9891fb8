"""What is to be predicted is one target, or several numbers at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..core.annotations import Array
from ..errors import TableError, suggestion
from .conventions import Conventions, option_of
from .settings import TableSettings
from .target import Target, learn_target

if TYPE_CHECKING:
    import pyarrow


@dataclass
class Targets:
    """Several columns of numbers to predict at once; see `Target` for what it has in common.

    Attributes
    ----------
    columns : list of Target
        At least two, of numbers.
    """

    columns: list[Target]

    task: ClassVar[str] = "regression"
    kind: ClassVar[str] = "several targets"
    labels: ClassVar[list[str]] = []
    quantiles: ClassVar[tuple[float, ...]] = ()
    loss: ClassVar[str] = "mse_loss"

    def __post_init__(self) -> None:
        names = [one.name for one in self.columns]
        if len(names) < 2 or len(set(names)) < len(names):
            raise ValueError("its targets are not several columns")
        if any(one.kind != "regression" for one in self.columns):
            raise ValueError("one of its targets is no number")

    @property
    def name(self) -> str:
        """The names of all columns, to be read."""
        return ", ".join(self.names)

    @property
    def names(self) -> list[str]:
        """The columns to predict."""
        return [one.name for one in self.columns]

    @property
    def answer(self) -> str:
        """What is predicted, in a few words."""
        return f"the predictions of {self.name}"

    @property
    def outputs(self) -> int:
        """How many outputs a network needs."""
        return len(self.columns)

    @property
    def remarks(self) -> list[str]:
        """How their numbers are written, and what had to be decided."""
        return [f"{one.name}: {remark}" for one in self.columns for remark in one.remarks]

    def as_trained(self, y: Array) -> Array:
        """Return targets as a network is trained on: without their scales, which may differ."""
        return np.asarray((y - self._each("mean")) / self._each("std"))

    def answers(self, outputs: Any) -> Any:
        """Return what a network's outputs mean, (n, targets) numbers."""
        return outputs * self._each("std") + self._each("mean")

    def columns_of(self, found: Array) -> dict[str, Array]:
        """Return answers as the columns of a table, by name."""
        return {f"prediction_{name}": found[:, k] for k, name in enumerate(self.names)}

    def rescaled(self, y: Array) -> Targets:
        """Return the targets with mean and deviation of some rows."""
        pairs = zip(self.columns, y.T, strict=True)
        return Targets([one.rescaled(np.ascontiguousarray(own)) for one, own in pairs])

    def of(self, table: pyarrow.Table | pyarrow.RecordBatch) -> tuple[Array, Array]:
        """Return the numbers, (n, targets), and which rows of a table have all of them."""
        found = [one.of(table) for one in self.columns]
        known = np.all([known for _, known in found], axis=0)
        return np.column_stack([y for y, _ in found]), known

    def told_missing(self, table: pyarrow.Table, known: Array) -> str:
        """Say how many rows of a table lack a target; "" if none does."""
        count = int((~known).sum())
        if not count:
            return ""
        lacking = {one.name: int((~one.of(table)[1]).sum()) for one in self.columns}
        shown = ", ".join(f"{name!r} in {lacks:,}" for name, lacks in lacking.items() if lacks)
        are = "1 row that lacks one is" if count == 1 else f"{count:,} rows that lack one are"
        return f"{are} left out ({shown})"

    def to_state(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return asdict(self)

    def _each(self, name: str) -> Array:
        return np.array([getattr(one, name) for one in self.columns])

    def __str__(self) -> str:
        """Say in words what is predicted."""
        return f"{len(self.columns)} numbers"


AnyTarget = Target | Targets


def learn_targets(
    names: Sequence[str], table: pyarrow.Table, settings: TableSettings, conventions: Conventions
) -> AnyTarget:
    """Return what the columns to predict are, by `learn_target`, with the quantiles asked for.

    Raises
    ------
    TableError
        If there is no such column, nothing to predict, or classes where only numbers can be.
    """
    option = option_of("target", conventions)
    for name in names:
        if name not in table.column_names:
            raise TableError(f"{option}: {_no_column(name, table.column_names)}")
    if len(set(names)) < len(names):
        twice = next(name for name in names if list(names).count(name) > 1)
        raise TableError(f"{option}: {twice!r} is there twice")
    if settings.quantiles and len(names) > 1:
        raise TableError(f"{option_of('quantiles', conventions)}: of one target, not of several")
    if settings.quantiles:
        option = option_of("quantiles", conventions)
        (name,) = names
        number = _number(name, table[name], settings, conventions, f"{option}: they are of numbers")
        return replace(number, quantiles=settings.quantiles)
    if len(names) == 1:
        return learn_target(names[0], table[names[0]], settings.task, conventions)
    wanted = f"{option}: several have to be numbers"
    return Targets([_number(each, table[each], settings, conventions, wanted) for each in names])


def _number(
    name: str, values: Any, settings: TableSettings, conventions: Conventions, wanted: str
) -> Target:
    """Return what a column of numbers is, or say that others were wanted."""
    task = option_of("task", conventions)
    if settings.task == "classification":
        raise TableError(f"{wanted}, not of {task} classification; train a model for each column")
    found = learn_target(name, values, settings.task, conventions)
    if not found.labels:
        return found
    shown = ", ".join(found.labels[:5]) + ", …" * (len(found.labels) > 5)
    hint = "" if found.is_wordy else f"; {task} regression takes them as numbers"
    raise TableError(f"{wanted}, and {name!r} is of classes ({shown}){hint}")


def _no_column(name: str, names: Sequence[str]) -> str:
    near = suggestion(name, names)
    return f"no column {name!r}{near or '; there are ' + ', '.join(names[:20])}"
