"""A request is what `adjoint fit` was asked for, and refuses what does not go together."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import click

from ..tables.choice import NAMES
from ..tables.conventions import Conventions
from ..tables.reading.table_file import TableFile
from ..tables.search import Search, check_search
from ..tables.settings import TableSettings
from .options import check_column, check_target

# The settings that say which rows are held out.
_SPLITS = {"--split-by": "split_by", "--time": "time", "--folds": "folds"}


@dataclass(frozen=True)
class FitRequest:
    """What the command line says, each by the name of its option; ``chosen`` are settings."""

    table: Path
    targets: tuple[str, ...]
    out: Path
    force: bool
    drop: tuple[str, ...]
    encoding: str | None
    sheet: str | None
    decimal: str | None
    thousands: str | None
    dates: str | None
    missing: tuple[str, ...]
    test: float | Path
    stream: bool | None
    minutes: float | None
    checkpoint: Path | None
    as_json: bool
    chosen: dict[str, Any]

    @classmethod
    def of(cls, given: dict[str, Any]) -> FitRequest:
        """Return what the options say, which are given by their names."""
        own = {field.name for field in fields(cls)} - {"chosen"}
        chosen = {name: given[name] for name in given if name not in own}
        return cls(**{name: given[name] for name in own}, chosen=chosen)

    @cached_property
    def source(self) -> TableFile:
        """The table to train on."""
        return TableFile(self.table, encoding=self.encoding, sheet=self.sheet)

    @cached_property
    def scored_by(self) -> TableFile | None:
        """A table apart to score by."""
        if isinstance(self.test, float):
            return None
        if str(self.test) == "-":
            raise click.UsageError("--test: expected a file, got -, standard input")
        return TableFile(self.test, encoding=self.encoding, sheet=self.sheet)

    @cached_property
    def settings(self) -> TableSettings:
        """How the network is trained."""
        part = self.test if isinstance(self.test, float) else 0.0
        return TableSettings(test=part, **self.chosen)

    @property
    def conventions(self) -> Conventions:
        """How the table writes numbers and dates."""
        mark = self.source.delimiter
        return Conventions(self.decimal, self.thousands, self.dates, self.missing, mark)

    def search(self) -> Search | None:
        """Return what is to be searched, if anything is."""
        if self.minutes is None:
            return None
        return Search(self.minutes, frozenset(filter(_is_given, NAMES)), self.checkpoint)

    # --- refusals

    def check(self) -> None:
        """Refuse what cannot be, before the table is read."""
        if self.decimal is not None and self.decimal == self.thousands:
            raise click.UsageError(f"--thousands: {self.thousands!r} is the mark before decimals")
        self._check_columns()
        self._check_split()
        if self.chosen["folds"] is not None:
            _check_folds()
        if self.scored_by is not None:
            for name in self.targets:
                check_column("--test", name, self.scored_by.names)
        settings, search = self.settings, self.search()
        if search is not None:
            check_search(settings, search.fixed, self.conventions)

    def _check_columns(self) -> None:
        names, targets = self.source.names, self.targets
        for k, name in enumerate(targets):
            check_target(name, names)
            if name in targets[:k]:
                raise click.UsageError(f"--target: {name!r} is there twice")
        for name in self.drop:
            check_column("--drop", name, names)
            if name in targets:
                raise click.UsageError(f"--drop: {name!r} is the target")

    def _check_split(self) -> None:
        """Refuse columns to split by that are not there, and two ways to split at once."""
        columns = {"--split-by": self.chosen["split_by"], "--time": self.chosen["time"]}
        given = {option: column for option, column in columns.items() if column is not None}
        for option, column in given.items():
            check_column(option, column, self.source.names)
            if column in self.targets:
                raise click.UsageError(f"{option}: {column!r} is the target")
        if len(given) > 1:
            raise click.UsageError(f"{' and '.join(given)}: not together; choose one of them")

    def check_windows(self) -> None:
        """Refuse what is only for tables that are held in memory; this one is read by windows."""
        held = "for tables that are held in memory, and this one is read a window at a time"
        if self.settings.reproducible:
            raise click.UsageError(f"--reproducible: {held}; give --no-stream too")
        parted = [option for option, name in _SPLITS.items() if self.chosen[name] is not None]
        parted += ["--minutes"] * (self.minutes is not None)
        if parted:
            raise click.UsageError(f"{parted[0]}: {held}; give --no-stream too")
        if self.scored_by is not None:
            raise click.UsageError(
                f"--test: {self.scored_by}: a table that is read a window at a time holds its own "
                "rows out; give a part, or --no-stream"
            )
        if len(self.targets) > 1:
            several = "several are for tables that are held in memory, and this one is read a "
            raise click.UsageError(f"--target: {several}window at a time; give --no-stream")


def _check_folds() -> None:
    """Refuse what does not go together with folds."""
    for name, reason in {
        "test": "all rows are scored already",
        "checkpoint": "it keeps one training, and each fold is another",
    }.items():
        if _is_given(name):
            raise click.UsageError(f"--folds: not together with --{name}: {reason}")


def _is_given(name: str) -> bool:
    """Return whether an option is in the command line."""
    source = click.get_current_context().get_parameter_source(name)
    return source is not click.core.ParameterSource.DEFAULT
