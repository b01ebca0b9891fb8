"""Options that several commands have, and what they accept."""

from __future__ import annotations

import codecs
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from ..errors import suggestion

# No memory holds so many, and the product of two such sizes still fits into 64 bits.
_MOST_UNITS = 2**31

ENCODING = click.option(
    "--encoding",
    metavar="NAME",
    callback=lambda _, __, name: as_encoding(name),
    help="Encoding of a text, as utf-8, gb18030 or cp1252.  [default: found out]",
)
SHEET = click.option(
    "--sheet", metavar="NAME", help="Sheet of a workbook of Excel.  [default: the first with rows]"
)
JSON = click.option("--json", "as_json", is_flag=True, help="Write JSON to standard output.")


def as_sizes(_: click.Context, __: click.Parameter, text: str) -> tuple[int, ...]:
    """Return '4,4' as (4, 4), and nothing between the commas as no layer."""
    try:
        sizes = tuple(int(size) for size in text.split(",")) if text.strip() else ()
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is not a list of whole numbers like 4,4 (units per layer)"
        ) from None
    if any(size > _MOST_UNITS for size in sizes):
        raise click.BadParameter(f"{text!r}: a layer has at most {_MOST_UNITS:,} units")
    return sizes


def as_units(context: click.Context, option: click.Parameter, text: str) -> tuple[int, ...]:
    """Return '4,4' as (4, 4), each at least 1."""
    sizes = as_sizes(context, option, text)
    if any(size < 1 for size in sizes):
        raise click.BadParameter(f"{text!r}: a layer has at least one unit")
    return sizes


def as_quantiles(_: click.Context, __: click.Parameter, text: str | None) -> tuple[float, ...]:
    """Return '0.1,0.9' as (0.1, 0.9), rising and between 0 and 1."""
    if text is None:
        return ()
    from ..tables.settings import check_quantiles

    levels: list[Any] = []
    for part in text.split(","):
        try:
            levels.append(float(part))
        except ValueError:
            levels.append(part)
    try:
        return check_quantiles(levels)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def as_encoding(name: str | None) -> str | None:
    """Return the name of an encoding that Python has."""
    try:
        return name and codecs.lookup(name).name
    except LookupError:
        raise click.BadParameter(f"{name!r} is no encoding, as utf-8, gb18030 or cp1252") from None


def check_column(option: str, name: str, names: Sequence[str]) -> None:
    """Refuse the name of a column that a table does not have."""
    if name not in names:
        near = suggestion(name, names)
        shown = "" if near else f"; there are {', '.join(names[:20])}" + ", …" * (len(names) > 20)
        raise click.UsageError(f"{option}: no column {name!r}{near or shown}")


def check_target(name: str, names: Sequence[str]) -> None:
    """Refuse a target that a table does not have, or several in one text."""
    parts = name.split(",")
    if name not in names and len(parts) > 1 and all(part.strip() in names for part in parts):
        each = " ".join(f"--target {part.strip()}" for part in parts)
        raise click.UsageError(f"--target: no column {name!r}; several targets are {each}")
    check_column("--target", name, names)


def check_out(check: Callable[[Path], None], path: Path, *, option: str = "--out") -> None:
    """Refuse an option's path that cannot be written, before any work is done."""
    if str(path) == "-":
        raise click.UsageError(f"{option}: expected a path, got -, standard output")
    try:
        check(path)
    except OSError as error:
        raise click.UsageError(f"{option}: {error}") from None


class FiniteNumber(click.FloatRange):
    """A number in a range, to which "nan" and "inf" are none."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number of a text."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{number} is not a finite number", param, ctx)
        return number


_PART = FiniteNumber(0, 0.9, min_open=True)


def as_part_or_file(context: click.Context, option: click.Parameter, text: str) -> float | Path:
    """Return '0.2' as a part of the rows, and what is no number as the path of a table."""
    try:
        float(text)
    except ValueError:
        return Path(text)
    return _PART.convert(text, option, context)
