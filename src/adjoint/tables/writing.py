"""Predictions are written block by block, as CSV, lines of JSON or Parquet."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from ..errors import require
from .record import without_nan

FORMATS = ("csv", "jsonl", "parquet")
# What a spreadsheet would run where a field begins with it (OWASP, "CSV Injection").
_FORMULA = r"^[=+@\t\r-]."
_NUMBER = r"^[+-]?[\d.,]+(?:[eE][+-]?\d+)?%?$"


def write_blocks(file: BinaryIO, blocks: Iterator[Any], format: str) -> int:
    """Write Arrow's tables one after another, and return how many rows there were.

    In CSV a text that a spreadsheet would run as a formula gets an apostrophe before it; lines of
    JSON and Parquet have all texts as they are. In JSON, NaN and infinities are null.
    """
    write: dict[str, Callable[[BinaryIO, Iterator[Any]], int]] = {
        "csv": _csv,
        "jsonl": _json_lines,
        "parquet": _parquet,
    }
    return write[format](file, blocks)


def _csv(file: BinaryIO, blocks: Iterator[Any]) -> int:
    arrow_csv = require("pyarrow.csv", extra="cli", purpose="writing CSV")
    count = 0
    for block in blocks:
        options = arrow_csv.WriteOptions(include_header=not count, quoting_style="needed")
        arrow_csv.write_csv(_harmless(block), file, options)
        count += block.num_rows
    return count


def _json_lines(file: BinaryIO, blocks: Iterator[Any]) -> int:
    count = 0
    for block in blocks:
        for row in block.to_pylist():
            text = json.dumps(without_nan(row), ensure_ascii=False, allow_nan=False, default=str)
            file.write(text.encode("utf-8", "replace") + b"\n")
        count += block.num_rows
    return count


def _parquet(file: BinaryIO, blocks: Iterator[Any]) -> int:
    parquet = require("pyarrow.parquet", extra="cli", purpose="writing Parquet")
    count, writer = 0, None
    try:
        for block in blocks:
            writer = writer or parquet.ParquetWriter(file, block.schema)
            writer.write_table(block)
            count += block.num_rows
    finally:
        if writer is not None:
            writer.close()
    return count


def _harmless(block: Any) -> Any:
    """Return a table in which no text, nor the name of a column, is a formula to a spreadsheet."""
    import pyarrow
    from pyarrow import compute

    columns = []
    for column in block.columns:
        if pyarrow.types.is_string(column.type) or pyarrow.types.is_large_string(column.type):
            is_formula = compute.match_substring_regex(column, _FORMULA)
            is_number = compute.match_substring_regex(column, _NUMBER)
            risky = compute.fill_null(compute.and_not(is_formula, is_number), False)
            marked = compute.binary_join_element_wise("'", column.cast(pyarrow.string()), "")
            column = compute.if_else(risky, marked, column.cast(pyarrow.string()))
        columns.append(column)
    names = [
        f"'{name}" if re.match(_FORMULA, name) and not re.match(_NUMBER, name) else name
        for name in block.column_names
    ]
    return pyarrow.Table.from_arrays(columns, names)
