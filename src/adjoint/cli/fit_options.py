"""The options of `adjoint fit`, in the order in which its help has them."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

import click

from ..tables.date_format import ORDERS
from ..tables.settings import METRICS, MOST_BINS, TableSettings
from ..tables.target import TASKS
from .options import (
    ENCODING,
    JSON,
    SHEET,
    FiniteNumber,
    as_part_or_file,
    as_quantiles,
    as_units,
)

DEFAULTS = TableSettings()
# A year; more is a slip of the keyboard.
_MOST_MINUTES = 525_600
_PART = FiniteNumber(0, 0.9, min_open=True)

# What is predicted, and where the model goes.
_MODEL = (
    click.option(
        "--target",
        "targets",
        required=True,
        multiple=True,
        metavar="COLUMN",
        help="The column to predict; may be repeated for several numbers.",
    ),
    click.option(
        "--out", type=click.Path(path_type=Path), default=Path("model"), help="Folder of the model."
    ),
    click.option("--force", is_flag=True, help="Replace a model that is there."),
    click.option(
        "--task", type=click.Choice(TASKS), default=DEFAULTS.task, help="What to predict."
    ),
)
# How the table is read.
_TABLE = (
    click.option(
        "--drop", multiple=True, metavar="COLUMN", help="A column not to read; may be repeated."
    ),
    ENCODING,
    SHEET,
    click.option(
        "--decimal",
        type=click.Choice([".", ","]),
        help="Mark before decimals.  [default: found out]",
    ),
    click.option(
        "--thousands",
        type=click.Choice([",", ".", " ", "'"]),
        help="Mark between thousands.  [default: found out]",
    ),
    click.option(
        "--dates",
        type=click.Choice(ORDERS),
        help="Order of days (d), months (m) and years (y).  [default: found out]",
    ),
    click.option(
        "--missing",
        multiple=True,
        metavar="TEXT",
        help="A text that stands for a missing value, also in the target; may be repeated.",
    ),
)
# The network and its training.
_NETWORK = (
    click.option(
        "--hidden",
        callback=as_units,
        default=",".join(map(str, DEFAULTS.hidden)),
        metavar="N,N,...",
        help="Units of each hidden layer.",
    ),
    click.option(
        "--epochs",
        type=click.IntRange(1),
        default=DEFAULTS.epochs,
        help="Passes over the data, at most.  [default: by the rows]",
    ),
    click.option(
        "--patience",
        type=click.IntRange(1),
        default=DEFAULTS.patience,
        help="Epochs without a better loss before it stops.",
    ),
    click.option(
        "--batch-size", type=click.IntRange(1), help="Rows a step.  [default: by the rows]"
    ),
    click.option(
        "--ensemble",
        type=click.IntRange(1, 100),
        help="Networks that answer together, by their mean.  [default: by the rows]",
    ),
    click.option(
        "--learning-rate",
        type=FiniteNumber(0, min_open=True),
        default=DEFAULTS.learning_rate,
        help="First step length of AdamW.",
    ),
    click.option(
        "--dropout",
        type=FiniteNumber(0, 1, max_open=True),
        default=DEFAULTS.dropout,
        help="Part of the units that a step leaves out.",
    ),
    click.option(
        "--weight-decay",
        type=FiniteNumber(0),
        default=DEFAULTS.weight_decay,
        help="AdamW's: part of a step length by which weights shrink at each step.",
    ),
    click.option(
        "--bins",
        type=click.IntRange(0, MOST_BINS),
        default=DEFAULTS.bins,
        help="Bins that each number enters the network in, besides its value.",
    ),
)
# How long is searched, and which rows are held out.
_ROWS = (
    click.option(
        "--minutes",
        type=FiniteNumber(0, _MOST_MINUTES, min_open=True),
        help="Search settings that are not given, for so long, before the network is kept.",
    ),
    click.option(
        "--test",
        callback=as_part_or_file,
        default=str(DEFAULTS.test),
        metavar="PART|FILE",
        help="Part of the rows held out to score by, or another table for that.",
    ),
    click.option(
        "--validation",
        type=_PART,
        default=DEFAULTS.validation,
        help="Part of the others held out to stop by.",
    ),
    click.option(
        "--split-by",
        metavar="COLUMN",
        help="Keep rows with the same value in COLUMN, as a patient's, together; it is not read.",
    ),
    click.option(
        "--time",
        metavar="COLUMN",
        help="Score by the latest rows, and stop by the latest before them.",
    ),
    click.option(
        "--folds",
        type=click.IntRange(2, 100),
        metavar="K",
        help="Score all rows, in K parts, each by networks trained without it.",
    ),
    click.option(
        "--metric",
        type=click.Choice(
            list(dict.fromkeys(name for names in METRICS.values() for name in names))
        ),
        help="Score to compare models and rank columns by.  "
        "[default: r2, or accuracy and log loss]",
    ),
)
# The loss, the seed and how it runs.
_TRAINING = (
    click.option(
        "--class-weight",
        type=click.Choice(["balanced"]),
        help="Let all classes weigh alike, however few rows one has.",
    ),
    click.option(
        "--label-smoothing",
        type=FiniteNumber(0, 1, max_open=True),
        default=DEFAULTS.label_smoothing,
        help="Part of a class's target that all classes share.",
    ),
    click.option(
        "--quantiles",
        callback=as_quantiles,
        metavar="Q,Q,...",
        help="Predict quantiles of a number, as 0.1,0.5,0.9.  [default: its mean]",
    ),
    click.option(
        "--seed",
        type=click.IntRange(0, 2**32 - 1),
        default=DEFAULTS.seed,
        help="Seed of all that is drawn.",
    ),
    click.option(
        "--stream/--no-stream",
        default=None,
        help="Whether to hold a window of Parquet in memory, not the table.  "
        "[default: if it is large]",
    ),
    click.option(
        "--reproducible",
        is_flag=True,
        help="Give the same bits on every machine, and their SHA-256; it takes somewhat longer.",
    ),
    click.option(
        "--checkpoint",
        type=click.Path(path_type=Path),
        help="A file to keep the training, or the trials of --minutes, in, and to go on from.",
    ),
)

Command = Callable[..., Any]


def fit_options(command: Command) -> Command:
    """Give a function all of them."""
    options = (*_MODEL, *_TABLE, *_NETWORK, *_ROWS, *_TRAINING, JSON)
    # The outermost decorator stands first in the help.
    return reduce(lambda inner, option: option(inner), reversed(options), command)
