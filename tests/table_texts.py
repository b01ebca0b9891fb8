"""Texts as they stand in tables, usual and hostile, and what a column makes of them."""

import functools
import math
import random
import warnings

import numpy as np

from adjoint.exporting.table_functions import (
    NO_MOMENT,
    encode_categories,
    read_moment,
    read_number,
    tidy_text,
)
from adjoint.exporting.table_reader import _described
from adjoint.tables.calendar import part_of_time
from adjoint.tables.column import PARTS, Column
from adjoint.tables.date_format import DateFormat
from adjoint.tables.number_format import MARKS, NumberFormat

HOSTILE = [
    "a",
    "A",
    " a ",
    "a\n",
    "\u3000a",
    "a b",
    "a\u00a0b",
    "a  b",
    "1",
    "+1",
    "1.0",
    "1.00",
    "01",
    "1.",
    "-1",
    "−1",
    "0",
    "-0",
    "0.0",
    "1.5",
    "1.50",
    "１．５",
    "0.00001",
    "true",
    "TRUE",
    "Ｔrue",
    "",
    "NA",
    "n/a",
    "-",
    "–",
    "X",
    "x",
    ".*",
    "a|b",
    "(?i:a)",
    "\\x61",
    "[a]",
    "红",
    "é",
    "e\u0301",
    "'",
    "\u2019",
]
LEVELS = [
    ["a", "1", "true", "红"],
    ["A", "-1", "0", "1.5", "1e-05", "false"],
    ["01", "1", "1.0", "1."],
    [".*", "a|b", "(?i:a)", "\\x61", "[a]", "'", "é", "a b", "0.5"],
    [f"level {n}" for n in range(40)],
    [],
]


DATES = {
    "ymd": [
        "2024-02-29",
        "2024/2/9 7:05",
        "2024年1月31日",
        "20240131T235959Z",
        "2024-03",
        "9999-12-31",
        "0001-01-01",
        "1600-02-29",
        "1900-03-01",
    ],
    "dmy": [
        "29/02/2024",
        "1.2.99",
        "31-12-68 11:59 pm",
        "3. 4. 2024 24:00",
        "1/1/70 23:59:60",
        "1.1.69",
    ],
    "mdy": ["02/29/2024", "1.2.99", "12-31-68 12:00 AM", "3/4/2024, 12:30 p.m."],
    "d month y": ["Mon, 29 Feb. 2024", "1-MAR-99", "31 december 68 08:15:30,123456789"],
    "month d, y": ["February 29, 2024", "Mar. 1 1999 1:02:03.5 +05:30", "Sept 3, 2024 0:00 -0130"],
    "time": ["7:05", "23:59:59.999999", "12:30 am", "24:00", "13:00 PM"],
}
NO_DATES = [
    "",
    " ",
    "NA",
    None,
    "2024-02-30",
    "1900-02-29",
    "30/02/2024",
    "2024-13-01",
    "0000-00-00",
    "x",
    "25:00",
]


MISSING = ["-9", "Ünbekannt"]
UNITS = [("", ""), ("$", ""), ("", "€"), ("kr.", ""), ("", "m2"), ("", "|]*/")]
SIGNS = [*"0123456789" * 3, *".,' eE+-()$€m2kr1k x", *"１．٣，", "\u2212", "\u00a0", "\u2009"]
# Where a number is rounded up, down, to an even one, to nothing and to infinity.
HARD = [
    "9007199254740993",
    "9007199254740992.99999999999999999999",
    "0." + "0" * 400 + "1",
    "1" * 900 + "e-880",
    "2.2250738585072011e-308",
    "2.4703282292062327e-324",
    "2.4703282292062328e-324",
    "1.7976931348623158e308",
    "1.7976931348623159e308",
    "1e99999999999",
    "1e-99999999999",
    "1234567890123456789012345e5",
    "0e5",
    ".5",
    "5.",
    # The unit e beside the e of an exponent, and a minus behind it.
    "1e5 e",
    "-2.5e-3e",
    "(5E2e)",
    "5e-",
    "5e-5 e -",
]


# Names and categories that mean something to C, JavaScript, HTML or their readers.
NAMES = [
    "*/ int x = 1; /*",
    "??/",
    "a b",
    "a.b",
    "红",
    "for",
    "NAN",
    "</script><script>alert(1)</script>",
    "\u2028\"'`${x}\\",
    "__proto__",
    "n" * 300,
    "n" * 299 + "m",
    "one, Two, 3, " * 20,
]


def rows_of_folder(count):
    """Return texts for the columns of the model that several targets export."""
    rng = random.Random(1)
    prices = ["", "NA", None, "no number", "1e300 €", "-1e300 €", "0 €", "1e-320 €", "(5,5 €)"]
    sizes = ["?", "-", None, "x", "1e300", "-1e300", "+0", "inf", "nan", "１２，５", "\u22121"]
    kinds = ["rot", "ROT", " blau ", "", "grün*/", "grün", "1", None, "n/a", "\u00a0rot\t", "红"]
    found = {"Preis": [], "Art": [], "Größe": []}
    for n in range(count):
        price = f"{rng.uniform(-9, 120):.2f} €".replace(".", ",")
        size = f"{rng.gauss(0, 15):.2f}".replace(".", ",")
        found["Preis"].append(prices[n // 3 % 9] if n % 3 == 0 else price)
        found["Größe"].append(sizes[n // 4 % 11] if n % 4 == 0 else size)
        found["Art"].append(kinds[n % 11])
    return found


@functools.cache
def hostile_estimator():
    """Return a classifier of a frame, fitted, whose columns and classes have such names."""
    import pandas as pd

    from adjoint.estimators import MLPClassifier

    rng = np.random.default_rng(0)
    frame = pd.DataFrame({name: rng.normal(size=60) for name in NAMES})
    frame[NAMES[2]] = [NAMES[n % len(NAMES)] for n in range(60)]
    y = np.array(NAMES)[rng.permutation(60) % len(NAMES)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # two epochs are enough
        return MLPClassifier((3,), max_iter=2, random_state=0).fit(frame, y), frame


def number_columns(count, seed=0):
    """Return columns of numbers, each with a format of its own."""
    formats = [NumberFormat(*marks, *units) for marks in MARKS for units in UNITS]
    chosen = [NumberFormat(), *random.Random(seed).sample(formats, count - 1)]
    chosen[1:2] = [NumberFormat(after="e")]
    ends = [0.0, 1.0]
    return [
        Column(f"c{n}", "number", True, quantiles=ends, numbers=format, missing=MISSING)
        for n, format in enumerate(chosen)
    ]


def date_columns():
    """Return a column of dates of each order."""
    return [
        Column(
            order,
            "date",
            True,
            quantiles=[0.0, 86_400.0],
            dates=DateFormat(order),
            parts=list(PARTS),
            missing=MISSING,
        )
        for order in DATES
    ]


def category_columns():
    """Return columns of categories, whose missing values have a number or not."""
    return [
        Column(f"c{n} {has_missing}", "category", has_missing, levels=levels, missing=["X"])
        for n, levels in enumerate(LEVELS)
        for has_missing in (False, True)
    ]


def texts_of(columns, count, seed=0):
    """Return rows of texts: numbers as their columns write them, as others do, and changed."""
    rng = random.Random(seed)
    ties = [_tie(rng) for _ in range(20)]
    rows = [
        [text] * len(columns) for text in [*HARD, *ties, None, "", " NA ", "ünbekannt", "ÜNBEKANNT"]
    ]
    return [*rows, *([_number(rng, columns) for _ in columns] for _ in range(count))]


def _tie(rng):
    """Return a number in the middle between two doubles, all digits of it."""
    middle, power = 2 * (rng.getrandbits(52) | 1 << 52) + 1, rng.randrange(-120, 120)
    return str(middle << power) if power >= 0 else f"{middle * 5**-power}e{power}"


def _number(rng, columns):
    if rng.random() < 0.3:
        return "".join(rng.choice(SIGNS) for _ in range(rng.randrange(8)))
    format = rng.choice(columns).numbers
    size = rng.choice(
        [rng.uniform(0, 1e4), 10 ** rng.uniform(-330, 308), rng.getrandbits(70) + 0.5]
    )
    digits = rng.choice([f"{size:.2f}", repr(size), f"{size:.30e}", f"{size:,.3f}"])
    digits = digits.replace(",", "T").replace(".", format.decimal)
    digits = digits.replace("T", format.thousands or format.decimal)
    before = rng.choice(["", "-", "+", "(", " - "]) + format.before + rng.choice(["", " "])
    text = before + digits + rng.choice(["", " "]) + format.after + rng.choice(["", "-", ")", " "])
    place = rng.randrange(len(text))
    changed = text[:place] + rng.choice(SIGNS) + text[place + rng.randrange(2) :]
    return changed if rng.random() < 0.3 else text


def numbers_of(columns, texts):
    """Return what Python reads of a row of texts, and the place of the first that it refuses."""
    found, refused = [], 0
    for place, (column, text) in enumerate(zip(columns, texts, strict=True), 1):
        described = _described(column)
        if column.kind == "category":
            found += [float(x) for x in encode_categories([text], described)[0]]
        elif column.kind == "date":
            found += _parts(*read_moment(text, described))
        else:
            tidy = tidy_text(text, column.missing)
            try:
                found.append(math.nan if tidy is None else read_number(tidy, described))
            except ValueError:
                found.append(math.nan)
                refused = refused or place
    return found, refused


def _parts(wall, instant):
    if instant == NO_MOMENT:
        return [math.nan, 0.0, 0.0, 0.0, 0.0]
    return [instant / 1e6, *(float(part_of_time(part, wall)) for part in PARTS[1:])]
