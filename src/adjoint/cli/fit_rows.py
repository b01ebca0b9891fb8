"""The rows that `adjoint fit` trains on: a table read at once, or a window at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import click

from ..data.row_groups import RowGroups
from ..tables.encoder import Encoder
from ..tables.large import is_large, prepare_large
from ..tables.parts import Parts
from ..tables.reading.table_file import TableFile
from ..tables.targets import AnyTarget
from ..tables.trial import prepare, prepare_folds
from .fit_request import FitRequest
from .model_output import Say, show_columns
from .reading_log import ReadingLog
from .terminal import note

_Prepared = tuple[Encoder, AnyTarget, Parts]


@dataclass(frozen=True)
class FitRows:
    """Rows with what their columns and the target are.

    Attributes
    ----------
    count : int
        How many rows the table has.
    is_large : bool
        Whether it is read a window at a time.
    folds : iterator, optional
        As of `prepare_folds`.
    """

    count: int
    is_large: bool
    encoder: Encoder
    target: AnyTarget
    parts: Parts
    folds: Iterator[_Prepared] | None = None

    @classmethod
    def of(cls, request: FitRequest) -> FitRows:
        """Return the rows of the table that was asked for."""
        groups = _streamed(request.source, request.stream)
        if groups is None:
            return cls._read(request)
        request.check_windows()
        return cls._read_by_windows(request, groups)

    @classmethod
    def _read(cls, request: FitRequest) -> FitRows:
        targets, settings, conventions = request.targets, request.settings, request.conventions
        read, apart = request.source.read(), request.scored_by
        scored = None if apart is None else (apart.read(), str(apart))
        found = prepare(read, targets, settings, conventions, drop=request.drop, test=scored)
        folds = None
        if settings.folds:
            folds = prepare_folds(read, targets, settings, conventions, drop=request.drop)
        return cls(read.num_rows, False, *found, folds)

    @classmethod
    def _read_by_windows(cls, request: FitRequest, groups: RowGroups) -> FitRows:
        source = request.source
        with source.told():
            found = prepare_large(
                groups,
                source.names,
                request.targets[0],
                request.settings,
                request.conventions,
                drop=request.drop,
                tell=ReadingLog(sum(groups.bytes), note),
                say=note,
            )
        return cls(sum(groups.sizes), True, *found)

    def tell(self, request: FitRequest, say: Say) -> None:
        """Say what was found of the columns, of the target and of the rows held out."""
        source, columns = request.source, len(request.source.names) - len(set(request.drop))
        for line in source.notes:
            say(f"{source}: {line}")
        streamed = ", read a window at a time" if self.is_large else ""
        say(f"{source}: {self.count:,} rows, {columns} columns{streamed}")
        show_columns(self.encoder, say)
        say(f"  {self.target.name}: {told_target(self.target, self.parts.left_out)}")
        for sentence in self.parts.split:
            say(sentence)


def told_target(target: AnyTarget, left_out: str) -> str:
    """Return what is to be predicted, in words."""
    return "; ".join(filter(None, [f"to predict, {target}", *target.remarks, left_out]))


def _streamed(source: TableFile, wanted: bool | None) -> RowGroups | None:
    """Return the row groups of a table that is to be read one by one; None for all at once."""
    groups = None if wanted is False else source.groups()
    if groups is None:
        if wanted:
            raise click.UsageError(f"--stream: for Parquet; {source} is {source.kind}")
        return None
    return groups if wanted or is_large(groups) else None
