"""A large table is learnt from row group by row group, without ever being in memory as a whole."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ..core.annotations import Array
from ..core.magnitude import magnitude
from ..data.row_groups import RowGroups
from ..data.window import ByWindow, Told
from ..errors import TableError
from .conventions import Conventions
from .encoder import Encoder, conventions_of, row_counters
from .fingerprints import Fingerprints
from .parts import Parts
from .settings import TableSettings
from .survey import Survey
from .target import Target
from .targets import learn_targets
from .trial import check_metric, check_rows, unnamed

# A table is large if it takes more than this part of the memory that is available: its columns,
# encoded rows, and copies of both.
_LARGE = 0.125
_UNKNOWN = 8 << 30


def is_large(groups: RowGroups) -> bool:
    """Return whether a table is read group by group unless its user says otherwise."""
    rows, columns = sum(groups.sizes), len(groups.schema.names)
    # Files hold repeated values once, which memory does not: at least 8 bytes a value there.
    return bool(max(sum(groups.bytes), 8 * rows * columns) > _LARGE * available_memory())


def available_memory() -> int:
    """Return how many bytes of memory are available, as Linux tells; elsewhere half of all."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            told = dict(line.split(":", 1) for line in file)
        return int(told["MemAvailable"].split()[0]) << 10
    except (OSError, KeyError, ValueError):
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (AttributeError, ValueError, OSError):
        return _UNKNOWN


def prepare_large(
    groups: RowGroups,
    names: list[str],
    target_name: str,
    settings: TableSettings,
    conventions: Conventions,
    *,
    drop: tuple[str, ...] = (),
    tell: Told = lambda epoch, rows, of: None,
    say: Callable[[str], None] = lambda line: None,
) -> tuple[Encoder, Target, Parts]:
    """Return what columns and target are, rows to stop and to score by, and a stream of the others.

    It goes through the table twice: for a `Survey`, from which columns are learnt, and to count the
    rows that have a target.

    Raises
    ------
    TableError
        As `trial.prepare`; or if a file was changed meanwhile.
    """
    say(f"reading {sum(groups.sizes):,} rows in {len(groups):,} row groups to learn their columns")
    if settings.class_weight is not None:
        raise TableError(
            "--class-weight: rows that are read a window at a time have no weights; --no-stream "
            "holds them in memory"
        )
    survey = Survey(groups, names, drop, target_name, settings, tell)
    sample = survey.sample
    conventions = conventions_of(sample, conventions)
    target = learn_targets([target_name], sample, settings, conventions)
    assert isinstance(target, Target)  # one column is one target
    check_metric(settings, target, conventions)
    # Only rows that lie one after another show whether a column counts them.
    counters = row_counters(survey.head.drop_columns([target_name]), unnamed(survey.head))
    ignored = dict.fromkeys(counters, f"counts the rows, as the first {len(survey.head):,} show")
    encoder = Encoder.fit(sample, skip=[target_name], conventions=conventions, ignored=ignored)
    say("reading them once more to count and to scale the target")
    counted = _Counted(survey, encoder, target)
    check_rows(counted.known)
    if not sum(counted.sizes):
        raise TableError("no row with a target is left to train on; choose a smaller --test")
    if target.task == "regression":
        target = replace(target, mean=counted.mean, std=counted.std)
    train, validation, test = (
        _encoded(encoder, target, part) for part in (sample, survey.validation, survey.test)
    )
    parts = Parts(train, validation, test, counted.left_out)
    if min(len(parts.validation[1]), len(parts.test[1])) < 2:
        raise TableError(
            f"{counted.known} rows are too few to hold some out by chance; choose a larger --test "
            "or --validation, or --no-stream"
        )
    stream = ByWindow(
        counted.sizes,
        partial(_trained, survey, encoder, target),
        batch_size=settings.batch_size_for(sum(counted.sizes)),
        seed=settings.seed,
        tell=tell,
        identity=groups.identity,
    )
    return encoder, target, replace(parts, stream=stream, fingerprints=counted.fingerprints)


def _encoded(encoder: Encoder, target: Target, table: Any) -> tuple[Array, Array]:
    y, known = target.encode(table[target.name])
    return encoder.encode(table, Counter())[known], y[known]


def _trained(survey: Survey, encoder: Encoder, target: Target, place: int) -> tuple[Array, Array]:
    """Return the rows of a group to train on, and their targets as the network sees them."""
    table = survey.read(place)
    y, known = target.encode(table[target.name])
    chosen = known & survey.is_trained(place)
    X = encoder.encode(table, Counter())[chosen]
    return X, target.as_trained(y[chosen])


class _Counted:
    """How many rows of each group are trained on, and the scale of their targets.

    Attributes
    ----------
    sizes : list of int
    known : int
        Rows with a target, also those that are held out.
    mean, std : float
    fingerprints : Fingerprints
    left_out : str
    """

    def __init__(self, survey: Survey, encoder: Encoder, target: Target) -> None:
        self.sizes: list[int] = []
        self.known, total, self.mean, squares = 0, 0, 0.0, 0.0
        self.fingerprints = Fingerprints.of(np.empty((0, 0)), np.empty(0))
        # The sample's, because nobody knows yet what the other rows have.
        exponent = magnitude(np.array([target.mean, target.std]))
        for place, table in survey.tables():
            y, known = target.encode(table[target.name])
            self.known += int(known.sum())
            total += len(known)
            chosen = known & survey.is_trained(place)
            own = np.ldexp(y[chosen], -exponent)
            before = sum(self.sizes)
            self.sizes.append(len(own))
            if not len(own):
                continue
            # Chan, Golub and LeVeque's update, which does not cancel as a sum of squares does.
            apart = float(own.mean()) - self.mean
            self.mean += apart * len(own) / (before + len(own))
            squares += float(((own - own.mean()) ** 2).sum())
            squares += apart**2 * before * len(own) / (before + len(own))
            X = encoder.encode(table, Counter())[chosen]
            self.fingerprints = self.fingerprints.joined(Fingerprints.of(X, y[chosen]))
        self.mean = math.ldexp(self.mean, exponent)
        self.std = math.ldexp(math.sqrt(squares / max(sum(self.sizes), 1)), exponent) or 1.0
        missing = total - self.known
        rows = "row" if missing == 1 else "rows"
        other = ", or of a class that only rows held out have," if target.labels else ""
        are = "is" if missing == 1 else "are"
        self.left_out = f"{missing:,} {rows} without one{other} {are} left out" if missing else ""
