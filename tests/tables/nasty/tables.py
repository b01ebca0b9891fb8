"""Forty and more small nasty tables, each with what is expected of it.

Three quarters of the rows of `TEXTS`, which are files, and of `TYPED`, columns, are learnt from.
"""

from __future__ import annotations

import datetime
import decimal
import gzip
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

ROWS = 40
LABELS = [("a", "b")[row % 2] for row in range(ROWS)]
PLAIN = [f"{row * 3 % 17}.5" for row in range(ROWS)]
TOWNS = [("上海", "北京", "Köln")[row % 3] for row in range(ROWS)]


@dataclass(frozen=True)
class Nasty:
    """A table, and what is said of it.

    Attributes
    ----------
    data : bytes
    lines : dict of str to str
        How the line of a column begins, or a part of the reason why it is not read.
    notes : list of str
    error : str
        A part of the only line that is said, where the table is refused.
    suffix : str
    target : str
        How the target's line begins.
    """

    data: bytes
    lines: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    error: str = ""
    suffix: str = ".csv"
    target: str = "to predict, classes a, b"


def text(columns: dict[str, list[Any]], sep: str = ",", end: str = "\n") -> str:
    """Return a table of columns as a delimited text."""
    rows = zip(*columns.values(), strict=True)
    return end.join(sep.join(map(str, row)) for row in [columns, *rows]) + end


def column(*values: Any, sep: str = ";") -> bytes:
    """Return a table with a column x of these values in turn, a target, and a column of numbers."""
    x = [values[row % len(values)] for row in range(ROWS)]
    return text({"x": x, "z": [row % 7 for row in range(ROWS)], "y": LABELS}, sep).encode()


TOWN = text({"v": PLAIN, "town": TOWNS, "y": LABELS})
READ = {"v": "number, 0.5 to 16.5", "town": "category, 3 values: Köln, 上海, 北京"}


NUMBERS = {
    "decimal comma and points": (
        column("1.234,50", "12,5", "3.210,00"),
        "number, 12.5 to 3210; a decimal comma, '.' between thousands, '1.234,50' is 1234.5",
    ),
    "either mark, after semicolons": (
        column("1,234", "2,500"),
        "number, 1.234 to 2.5; a decimal comma, '2,500' is 2.5 (as the fields are parted by ';')",
    ),
    "either mark, after tabs": (
        column("1,234", "2,500", sep="\t"),
        "number, 1234 to 2500; ',' between thousands, '2,500' is 2500 (--decimal and --thousands",
    ),
    "dollars": (
        column("$1.50", "$2,000.25", "-$3.00", "($4.00)", "$(5.00)", "- $6"),
        "number, -6 to 2000.25; ',' between thousands, in $",
    ),
    "euros": (column("1,50 €", "2.000,25 €", "-3,00€"), "number, -3 to 2000.25; a decimal comma"),
    "money of two kinds": (
        column("$1.50", "€2.50"),
        "category, 2 values: $1.50, €2.50; not numbers: its numbers have different units, as",
    ),
    "one percent sign lacks": (
        column(*["12%"] * 19, "13"),
        "category, 1 value: 12%; not numbers: '12%' and '13' write numbers in two ways",
    ),
    "a unit with spaces": (
        column("5 miles per hour", "60 miles per hour"),
        "number, 5 to 60; in mi",
    ),
    "areas": (column("5 m2", "6 m2", "7 m2"), "number, 5 to 7; in m2"),
    "inches": (column('"5"""', '"6"""'), 'number, 5 to 6; in "'),
    "spaces between thousands": (
        column("12 345,67 km", "5 km"),
        "number, 5 to 12345.7; a decimal comma, spaces between thousands, in km",
    ),
    "every minus": (column("\u22125,0", "\u20136", "-7", "\ufe634"), "number, -7 to -4; a dec"),
    "digits of Arabic": (column("١٢", "٣٤٫٥"), "number, 12 to 34.5"),
    "exponents": (column("1e-3", "2E5", "1e+4"), "number, 0.001 to 200000"),
    "hexadecimals": (column("0x1F", "0x2A"), "category, 2 values: 0x1F, 0x2A"),
    "infinities": (
        column(*range(30), "∞", "inf", "-inf"),
        "number, some missing, 0 to 29; 2 texts that are no numbers: '-inf', 'inf'",
    ),
    "too large for a float": (
        column("1e308", "1e309", "2"),
        "number, some missing, 2 to 1e+308; 10 infinite, taken as missing",
    ),
    "a word in place of many numbers": (
        column(*range(30), *["unknown"] * 6),
        "number, some missing, 0 to 29; 4 texts that are no numbers: 'unknown', taken as missing",
    ),
    "words for nothing": (
        column("5", "NA", "6", "-", "7", "#N/A"),
        "number, some missing, 5 to 7; 16 missing, written '-', '#N/A', 'NA'",
    ),
    "postcodes": (
        column("01234", "04567", "98765"),
        "category, 3 values: 01234, 04567, 98765; not numbers: '01234' begins with a zero, and is",
    ),
    "cards": (
        column("1234567890123456", "1234567890123457"),
        "category, 2 values: 1234567890123456, 1234567890123457; not numbers: '1234567890123457' h",
    ),
    "always minus zero": (column("-0", "0", "-0.0"), "not read, always 0"),
    "nothing at all": (column("", "NA"), "not read, all values are missing"),
}
DATES = {
    "times of a day": (column("24:00", "12:00", "01:00"), "date, 01:00:00 to 24:00:00, by time, h"),
    "zones": (
        column("2024-01-02T03:04:05+02:00", "2024-01-02T03:04:05-05:30", "2024-06-02T03:04Z"),
        "date, 2024-01-02 01:04:05 to 2024-06-02 03:04:00, by time, month, weekday",
    ),
    "a zone of hours": (
        column("2024-01-02 03:04+02", "2024-01-03 03:04+02"),
        "date, 2024-01-02 01:04:00 to 2024-01-03 01:04:00",
    ),
    "leap days": (column("29.02.2024", "28.02.2023", "29.02.2000"), "date, 2000-02-29 to 2024-0"),
    "no leap day": (column("29.02.2023", "28.02.2023"), "category, 2 values: 28.02.2023, 29.02."),
    "years of two digits": (
        column("13/02/69", "13/02/70", "14/05/05"),
        "date, 1969-02-13 to 2005-05-14, by time, year, month, weekday; day first",
    ),
    "either order": (
        column("03/04/2024", "05/06/2024", sep=","),
        "date, 2024-03-04 to 2024-05-06, by time, month; month first (no day is after the 12th; -",
    ),
    "months": (column("2024-01", "2024-02", "2023-12"), "date, 2023-12-01 to 2024-02-01"),
    "as in a mail": (
        column("Tue, 02 Jan 2024 03:04:05 GMT", "Wed, 03 Jan 2024 03:04:05 GMT"),
        "date, 2024-01-02 03:04:05 to 2024-01-03 03:04:05",
    ),
    "without marks": (
        column("20240102T030405Z", "20240103T030405Z"),
        "date, 2024-01-02 03:04:05 to 2024-01-03 03:04:05",
    ),
    "nanoseconds": (
        column("2024-01-02T03:04:05.123456789", "2024-01-02T03:04:05.123456999"),
        "not read, always 2024-01-02 03:04:05.123456",
    ),
}
_UNNAMED = {"": range(0, 2 * ROWS, 2), "v": PLAIN, "y": LABELS}
TEXTS = {
    **{name: Nasty(data, {"x": line}) for name, (data, line) in {**NUMBERS, **DATES}.items()},
    "a byte order mark": Nasty(b"\xef\xbb\xbf" + TOWN.encode(), READ),
    "UTF-16, big end first": Nasty(
        b"\xfe\xff" + TOWN.encode("utf-16-be"), READ, ["read as utf-16; --encoding chooses another"]
    ),
    "UTF-16 without a mark": Nasty(
        TOWN.encode("utf-16-le"), READ, ["read as utf-16-le; --encoding chooses another"]
    ),
    "UTF-32": Nasty(TOWN.encode("utf-32"), READ, ["read as utf-32; --encoding chooses another"]),
    "control bytes of Latin-1": Nasty(
        TOWN.replace("上海", "\x81").replace("北京", "ü").encode("latin-1"),
        error="byte 13 is not text in cp1252; save the table as UTF-8, or choose by --encoding",
    ),
    "ends of lines of a Mac": Nasty(TOWN.replace("\n", "\r").encode(), READ),
    "two kinds of ends": Nasty(TOWN.replace("\n", "\r\n", 3).encode(), READ),
    "a quoted sep=;": Nasty(
        ('"sep=;"\n' + TOWN.replace(",", ";")).encode(), READ, ["a line that says sep=;"]
    ),
    "empty first lines": Nasty(
        ("\n \t\n,,\n" + TOWN).encode(), READ, ["3 empty lines before the names"]
    ),
    "empty lines between": Nasty(TOWN.replace("\n", "\n\n  \n").encode(), READ),
    "comments": Nasty(
        ("# x, y\n" + TOWN.replace("\n", "\n# hi\n", 2)).encode(),
        READ,
        ["1 comment before the names", "2 comments between the rows"],
    ),
    "a column called #": Nasty(
        text({"#": [f"#{row % 3}" for row in range(ROWS)], "y": LABELS}).encode(),
        {"#": "category, 3 values: #0, #1, #2"},
    ),
    "a table of Markdown": Nasty(
        "".join(f"| {row.replace(',', ' | ')} |\n" for row in TOWN.splitlines())
        .replace("\n", "\n|---|:--|---|\n", 1)
        .encode(),
        READ,
    ),
    "names with line ends and quotes": Nasty(
        TOWN.replace("v,town", '"v\nlong, name","the ""town"""').encode(),
        {"v long, name": "number", 'the "town"': "category"},
    ),
    "names that come again": Nasty(
        text({"a": PLAIN, "a ": TOWNS, " a": PLAIN, "y": LABELS}).encode(),
        {"a": "number", "a (2)": "category", "a (3)": "not read, the same as 'a'"},
    ),
    "an index with gaps": Nasty(
        text(_UNNAMED).encode(), {"column 1": "not read, counts the rows, from 0 to 78"}
    ),
    "a row too short": Nasty((TOWN + "1.5,x\n").encode(), error="line 42 has 2 fields, but there"),
    "a title": Nasty(("Sales\n\n" + TOWN).encode(), error="3 fields, but there is 1 column: Sales"),
    "an open quote": Nasty(
        (TOWN + '1.5,"x,a\n').encode(), error="a quote is opened in line 42, and not closed"
    ),
    "NUL in a text": Nasty(
        TOWN.replace("上海", "a\0b").encode(), {"town": "category, 3 values: Köln, a\\x00b, 北京"}
    ),
    "a name for a terminal": Nasty(
        TOWN.replace("town", "\x1b[31m").encode(), {"\\x1b[31m": "category"}
    ),
    "names alone": Nasty(b"v,town,y", error="no rows below the names of the columns"),
    "one column": Nasty(
        b"y\n" + b"a\nb\n" * 20, error="there is no column to learn from (only the"
    ),
    "one row": Nasty(b"v,y\n1,a\n", error="target 'y' is always 'a'"),
    "a thousand columns": Nasty(
        text(
            {f"c{k}": [row * k % 13 for row in range(ROWS)] for k in range(1000)} | {"y": LABELS}
        ).encode(),
        {
            "c1 … c12 (12 columns)": "number, 0 to 12",
            "c0 … c988 (77 columns)": "not read, always 0",
        },
    ),
    "packed with rubbish behind": Nasty(
        gzip.compress(TOWN.encode()) + b"rubbish", error="cannot be read", suffix=".csv.gz"
    ),
    "cut off": Nasty(gzip.compress(TOWN.encode())[:-9], error="Truncated", suffix=".csv.gz"),
    "half a character": Nasty(
        b'{"x":"\\ud800","y":"b"}\n', error="a text holds half of a pair", suffix=".jsonl"
    ),
    "long numbers in JSON": Nasty(
        "".join(
            f'{{" x": 1234567890123456{row % 2}, "y": {row % 2}}}\n' for row in range(40)
        ).encode(),
        {"x": "category, 2 values: 12345678901234560, 12345678901234561; not numbers"},
        suffix=".jsonl",
        target="to predict, classes 0, 1",
    ),
    "words as classes": Nasty(
        text({"v": PLAIN, "y": ["none", "NA", "-", "flu", ""] * 8}).encode(),
        target="to predict, classes -, NA, flu, none; 8 rows without one are left out (empty)",
    ),
    "numbers as classes": Nasty(
        text({"v": PLAIN, "y": ["0", "1.0", "?", "0.0", "1"] * 8}).encode(),
        target="to predict, classes 0.0, 1; 8 rows without one are left out ('?')",
    ),
    "prices to predict": Nasty(
        text(
            {"v": PLAIN, "y": ["sold", *(f'"$3,{210 + row}.55"' for row in range(1, ROWS))]}
        ).encode(),
        target="to predict, a number; ',' between thousands, in $; 1 row "
        "without one is left out ('sold')",
    ),
}

_DAY = datetime.datetime(2024, 1, 1)
_SPAN = range(ROWS)
TYPED = {
    "half floats": (pa.array(np.arange(ROWS, dtype=np.float16) / 2), "number, 0 to 19.5"),
    "infinite floats": (
        pa.array([float("inf"), 1.0, None, 2.0] * 10),
        "number, some missing, 1 to 2; 8 infinite, taken as missing",
    ),
    "integers beyond floats": (pa.array([2**53 + row % 2 for row in _SPAN]), "category, 2 values"),
    "the largest integers": (pa.array([2**64 - 1, 5] * 20, pa.uint64()), "category, 2 values"),
    "the least integer": (pa.array([-(2**63), 5] * 20), "category, 2 values"),
    "decimals": (
        pa.array([decimal.Decimal(row) / 4 for row in _SPAN], pa.decimal256(60, 2)),
        "number, 0 to 9.75",
    ),
    "durations": (
        pa.array([datetime.timedelta(minutes=row) for row in _SPAN]),
        "number, 0 to 2340; in seconds",
    ),
    "dictionaries of numbers": (
        pa.array([1.5, 2.5] * 20).dictionary_encode(),
        "number, 1.5 to 2.5",
    ),
    "dictionaries of days": (
        pa.array([(_DAY + datetime.timedelta(row)).date() for row in _SPAN]).dictionary_encode(),
        "date, 2024-01-01 to 2024-02-09, by time, month, weekday",
    ),
    "views": (pa.array(["u", "v"] * 20, pa.string_view()), "category, 2 values: u, v"),
    "runs": (
        pa.RunEndEncodedArray.from_arrays(pa.array([7, 40], pa.int32()), pa.array([1.0, 2.0])),
        "number, 1 to 2",
    ),
    "bytes": (pa.array([b"x"] * ROWS), "not read, holds binary, which is neither"),
    "lists": (pa.array([[1]] * ROWS), "not read, holds list<"),
    "truth with gaps": (
        pa.array([True, False, None, True] * 10),
        "category, some missing, 2 values: false, true",
    ),
    "times": (
        pa.array([datetime.time(row % 24, 30) for row in _SPAN], pa.time64("ns")),
        "date, 00:30:00 to 23:30:00, by time, hour",
    ),
    "moments that no calendar has": (
        pa.array([2**62, 10**9, 2 * 10**9, -(2**62)] * 10).cast(pa.timestamp("s")),
        "date, some missing, 2001-09-09 01:46:40 to 2033-05-18 03:33:20",
    ),
    "nowhere's time": (
        pa.array([10**9] * ROWS).cast(pa.timestamp("s")).cast(pa.timestamp("s", "Mars/Olympus")),
        "not read, cannot be read as timestamp[s, tz=Mars/Olympus]",
    ),
}
