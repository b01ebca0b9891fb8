"""A number reading says in which formats a column of texts can be read as numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .number_format import (
    EXPONENT,
    MARKS,
    MONEY,
    PLAIN,
    UNIT,
    NumberFormat,
    digits_pattern,
    is_any_number,
)

# A column is one of numbers if this share of its texts are numbers, or if half of them are, of many
# sizes, and the others are the same few words.
MOSTLY = 0.95
_FEW_WORDS, _MANY_NUMBERS = 3, 20
# Formats are found by so many rows, at equal steps, and then tried on all.
_SAMPLE = 2000
# A postcode, or the number of an article: as a number it would lose its zeros.
_PADDED = r"^[+-]?0\d+$"
# Whole numbers of so many digits are not all floats: they are names, as those of bank cards.
_LONG = r"^[+-]?\d{16,}$"


@dataclass(frozen=True)
class NumberReading:
    """In which formats a column of texts can be read as numbers.

    Attributes
    ----------
    formats : tuple of NumberFormat
        Each gives other numbers than those before it. More than one: the column is ambiguous.
    example : str
        A text that is not plain, or is ambiguous.
    reason : str
        Why the column is none of numbers, where there are no formats.
    is_close : bool
        Whether half of its texts are numbers nevertheless, so that the reason matters.
    """

    formats: tuple[NumberFormat, ...] = ()
    example: str = ""
    reason: str = ""
    is_close: bool = False


def read_numbers(texts: Any) -> NumberReading:
    """Return how a column of tidied texts can be read as numbers; missing values are null.

    Nearly all of its texts must be numbers in one format with one unit, and the others must not be
    numbers in another one.
    """
    from pyarrow import compute

    known = texts.drop_null()
    for pattern, reason in ((_PADDED, "begins with a zero"), (_LONG, "has 16 digits or more")):
        names = known.filter(compute.match_substring_regex(known, pattern))
        if len(names):
            reason = f"{str(names[0])!r:.60} {reason}, and is a name"
            return NumberReading(reason=reason, is_close=True)
    if len(known) and _are_plain(known):
        return NumberReading((NumberFormat(),))
    few = sample(known)
    units = _units(few)
    if not units:
        return NumberReading(reason=_strange(known))
    (before, after), _ = units.most_common(1)[0]
    formats = _best([NumberFormat(*marks, before, after) for marks in MARKS], few)
    formats = _best(_unlike(formats, few), known)
    fits = compute.match_substring_regex(known, formats[0].pattern)
    count = compute.sum(fits).as_py() or 0
    if count < MOSTLY * len(known) and not _are_words_between(known, fits):
        return NumberReading(reason=_mixed(known, units), is_close=_numbers_in(known) >= 0.5)
    other = formats[0].contradiction(known)
    if other is not None:
        reason = f"{str(known.filter(fits)[0])!r} and {other!r} write numbers in two ways"
        return NumberReading(reason=reason, is_close=True)
    return NumberReading(tuple(formats), _example(formats, few))


def _are_plain(known: Any) -> bool:
    """Return whether all texts are as `float` reads them, and cannot have points for thousands."""
    from pyarrow import compute

    if not compute.all(compute.match_substring_regex(known, f"^{PLAIN}$")).as_py():
        return False
    are_pointed = compute.match_substring(known, ".")
    in_thousands = compute.match_substring_regex(
        known, f"^[+-]?{digits_pattern(',', '.')}{EXPONENT}$"
    )
    return not compute.any(are_pointed).as_py() or not compute.all(in_thousands).as_py()


def sample(texts: Any) -> Any:
    """Return some of many texts, at equal steps."""
    return (
        texts.take(list(range(0, len(texts), -(-len(texts) // _SAMPLE)))) if len(texts) else texts
    )


def _best(formats: list[NumberFormat], known: Any) -> list[NumberFormat]:
    """Return those of the formats that the most texts have; a single one is not tried."""
    from pyarrow import compute

    if len(formats) == 1:
        return formats
    fits = [compute.match_substring_regex(known, format.pattern) for format in formats]
    counts = [compute.sum(fit).as_py() or 0 for fit in fits]
    return [f for f, count in zip(formats, counts, strict=True) if count == max(counts)]


def _units(known: Any) -> Counter[tuple[str, str]]:
    """Count what stands before and after the numbers among texts."""
    amount = re.compile(
        rf"[(+-]? ?(?P<before>(?:{MONEY})?) ?[+(-]? ?[\d.,][\d., ']*{EXPONENT}"
        rf" ?(?P<after>(?:{UNIT})?) ?[)-]?"
    )
    found = map(amount.fullmatch, known.to_pylist())
    return Counter((m["before"].strip(), m["after"].strip()) for m in found if m)


def _unlike(formats: Iterable[NumberFormat], known: Any) -> list[NumberFormat]:
    """Return the formats without those that read the same numbers as one before them."""
    kept: dict[Any, NumberFormat] = {}
    for found in formats:
        kept.setdefault(found.parse(known).to_numpy(zero_copy_only=False).tobytes(), found)
    return list(kept.values())


def _example(formats: list[NumberFormat], known: Any) -> str:
    """Return a text on which formats differ, or one that is not plain, or "" if there is none."""
    from pyarrow import compute

    for found in formats[1:]:
        differs = compute.not_equal(found.parse(known), formats[0].parse(known))
        if compute.any(differs).as_py():
            return str(known.filter(differs)[0])
    odd = known.filter(compute.invert(compute.match_substring_regex(known, f"^{PLAIN}$")))
    return str(odd[0]) if len(odd) else ""


def _strange(known: Any) -> str:
    found = list(dict.fromkeys(known.to_pylist()))
    if not found:
        return "all values are missing"
    if len(found) == 1:
        return f"{len(known):,} texts that are no numbers: {found[0]!r:.60}"
    return f"{len(found):,} different texts that are no numbers, as {found[0]!r:.60}"


def _are_words_between(known: Any, fits: Any) -> bool:
    """Return whether numbers of many sizes are at least half, and all others the same few words."""
    from pyarrow import compute

    numbers, words = known.filter(fits), known.filter(compute.invert(fits))
    are_few = compute.count_distinct(words).as_py() <= _FEW_WORDS
    are_many = compute.count_distinct(numbers).as_py() >= _MANY_NUMBERS
    return 2 * len(numbers) >= len(known) and are_few and are_many


def _numbers_in(known: Any) -> float:
    """Return which part of texts are numbers in any format."""
    from pyarrow import compute

    return float(compute.mean(is_any_number(known)).as_py() or 0)


def _mixed(known: Any, units: Counter[tuple[str, str]]) -> str:
    """Say why too few texts are numbers in one format."""
    from pyarrow import compute

    is_number = is_any_number(known)
    numbers = known.filter(is_number)
    if len(numbers) < MOSTLY * len(known):
        return _strange(known.filter(compute.invert(is_number)))
    if len(units) > 1:
        shown = " and ".join(repr(" ".join(pair).strip()) for pair, _ in units.most_common(2))
        return f"its numbers have different units, as {shown}"
    return f"{str(numbers[0])!r} and others write numbers in several ways"
