"""A survey goes once through a table larger than memory, and keeps what is learnt from."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.annotations import Array
from ..core.philox import random_words
from ..data.prefetch import prefetched
from ..data.row_groups import RowGroups
from ..data.window import Told
from .settings import TableSettings
from .values import is_numeric, is_temporal, is_textual, plain

if TYPE_CHECKING:
    import pyarrow

# About so many rows are kept: to learn from, to stop by, and to score by.
MOST_ROWS = 100_000
# Columns of more texts, and targets of more values, are judged by the sample alone.
_MOST_TEXTS, _MOST_LABELS = 10_000, 1000
# So many rows of each text are kept, as many as a category needs, and of each class.
_TEXTS, _LABELS = 3, 5
# The site in `adjoint.core.philox`: the draws by which rows are parted.
_PART_SITE = 5


class Survey:
    """Rows of a table that are kept in memory, so that columns can be learnt from them.

    Each row has a draw between 0 and 1, a function of the seed and its place, that says whether it
    is to score by, to stop by, or to train on; of the last some are a sample. Besides them it keeps
    witnesses: the rows with a column's least and greatest value, the first one without a value, the
    first three of each text, and the first five of each class.

    Parameters
    ----------
    groups : RowGroups
    names : list of str
        What the columns are called, each name once.
    skip : sequence of str
        Columns that are not read.
    target : str
    settings : TableSettings
    tell : callable
        ``tell(-1, rows, of)`` is called after each group: how many rows were read, of how many.

    Attributes
    ----------
    sample, validation, test : pyarrow.Table
    head : pyarrow.Table
        The first rows of the table, one after another.
    """

    def __init__(
        self,
        groups: RowGroups,
        names: list[str],
        skip: tuple[str, ...],
        target: str,
        settings: TableSettings,
        tell: Told = lambda epoch, rows, of: None,
    ) -> None:
        self.groups, self._target, self._seed = groups, target, settings.seed
        self._tell = tell
        self._named = {
            own: name
            for own, name in zip(groups.schema.names, names, strict=True)
            if name not in skip
        }
        count = sum(groups.sizes)
        most = MOST_ROWS / max(count, 1)
        # Draws below the first are of rows to score by, those below the second to stop by,
        # and those from the third on are the sample.
        test = min(settings.test, most)
        held = test + min(settings.validation * (1 - settings.test), most)
        self._bounds = test, held, max(held, 1 - most)
        self._witnesses = _Witnesses(target)
        self._keep()

    def read(self, place: int) -> Any:
        """Return the rows of a group, with the names that columns have here, and plain values."""
        import pyarrow

        table = self.groups.read(place, list(self._named))
        # Views cannot be filtered, and dictionaries of groups differ.
        return pyarrow.table(list(map(plain, table.columns)), names=list(self._named.values()))

    def tables(self) -> Iterator[tuple[int, Any]]:
        """Yield the number of each group and its rows, read by a thread ahead."""
        found = ((place, self.read(place)) for place in range(len(self.groups)))
        given = 0
        with closing(prefetched(found)) as read:
            for place, table in read:
                yield place, table
                given += len(table)
                self._tell(-1, given, sum(self.groups.sizes))

    def is_trained(self, place: int) -> Array:
        """Return which rows of a group are to train on."""
        return np.asarray(self._draws(place) >= self._bounds[1])

    def _draws(self, place: int) -> Array:
        count = self.groups.sizes[place]
        words = random_words(count, seed=self._seed, epoch=place, site=_PART_SITE)
        return np.asarray((words >> np.uint64(11)) * 2.0**-53)

    def _keep(self) -> None:
        """Go through the table once."""
        import pyarrow

        test, held, sampled = self._bounds
        kept: list[list[Any]] = [[], [], [], []]
        for place, table in self.tables():
            draws = self._draws(place)
            if sum(len(part) for part in kept[3]) < 1000:
                kept[3].append(table.slice(0, 1000))
            masks = [draws < test, (draws >= test) & (draws < held), draws >= sampled]
            for part, mask in zip(kept, masks, strict=False):
                part.append(table.filter(pyarrow.array(mask)))
            self._witnesses.see(table, draws >= held, masks[2], place)
        kept[2].append(self._witnesses.table(kept[2][0].schema))
        parts = [pyarrow.concat_tables(part).combine_chunks() for part in kept]
        self.test, self.validation, self.sample, self.head = parts


class _Witnesses:
    """Rows that a sample may lack and that decide what a column is."""

    def __init__(self, target: str) -> None:
        self._target = target
        # Where a row stands, by what it is kept for; and the rows, by where they stand.
        self._places: dict[tuple[Hashable, ...], tuple[int, int]] = {}
        self._rows: dict[tuple[int, int], Any] = {}
        self._ends: dict[tuple[str, str], Any] = {}
        self._counts: dict[str, dict[Any, int] | None] = {}

    def see(self, table: pyarrow.Table, may: Array, has: Array, place: int) -> None:
        """Look at the rows of a group that may be kept, of which some are in the sample already."""
        import pyarrow

        wanted: dict[tuple[Hashable, ...], int] = {}
        numbers = np.flatnonzero(may)
        allowed = table.take(numbers)
        for name in table.column_names:
            self._column(name, plain(allowed[name]), wanted)
        found = {key: int(numbers[row]) for key, row in wanted.items()}
        rows = sorted({row for row in found.values() if not has[row]})
        taken = table.take(pyarrow.array(rows, pyarrow.int64()))
        self._rows |= {(place, row): taken.slice(i, 1) for i, row in enumerate(rows)}
        self._places |= {key: (place, row) for key, row in found.items()}

    def table(self, schema: pyarrow.Schema) -> Any:
        """Return the rows that are still wanted, in the order of the table."""
        import pyarrow

        wanted = sorted(set(self._places.values()) & self._rows.keys())
        return pyarrow.concat_tables([schema.empty_table(), *(self._rows[p] for p in wanted)])

    def _column(self, name: str, values: Any, wanted: dict[tuple[Hashable, ...], int]) -> None:
        from pyarrow import compute

        gaps = compute.is_null(values, nan_is_null=True)
        if (name, "missing") not in self._places:
            first = compute.index(gaps, True).as_py()
            if first >= 0:
                wanted[name, "missing"] = first
        if is_numeric(values.type) or is_temporal(values.type):
            self._extremes(name, values, wanted)
        if is_textual(values.type) or name == self._target:
            self._texts(name, values, wanted)

    def _extremes(self, name: str, values: Any, wanted: dict[tuple[Hashable, ...], int]) -> None:
        import pyarrow
        from pyarrow import compute

        if pyarrow.types.is_floating(values.type):
            values = compute.if_else(
                compute.is_finite(values), values, pyarrow.scalar(None, values.type)
            )
        ends = compute.min_max(values)
        for end in ("min", "max"):
            value, best = ends[end], self._ends.get((name, end))
            if not value.is_valid:
                continue
            beats = compute.less if end == "min" else compute.greater
            if best is None or beats(value, best).as_py():
                self._ends[name, end] = value
                wanted[name, end] = compute.index(values, value).as_py()

    def _texts(self, name: str, values: Any, wanted: dict[tuple[Hashable, ...], int]) -> None:
        counts = self._counts.setdefault(name, {})
        if counts is None:
            return
        is_target = name == self._target
        enough = _LABELS if is_target else _TEXTS
        coded = values.dictionary_encode()
        codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        texts = coded.dictionary.to_pylist()
        short = [code for code, text in enumerate(texts) if counts.get(text, 0) < enough]
        if len(counts) + len(short) > (_MOST_LABELS if is_target else _MOST_TEXTS):
            self._counts[name] = None
            for key in [key for key in self._places if key[:2] == (name, "text")]:
                del self._places[key]
            return
        # The rows of each code lie together once they are sorted by it.
        order = np.argsort(codes, kind="stable")
        starts = np.searchsorted(codes[order], np.arange(len(texts) + 1))
        for code in short:
            text, known = texts[code], counts.get(texts[code], 0)
            rows = order[starts[code] : starts[code + 1]][: enough - known]
            counts[text] = known + len(rows)
            for i, row in enumerate(rows, known):
                wanted[name, "text", text, i] = int(row)
