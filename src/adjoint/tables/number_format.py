"""A number format says how a column of texts writes its numbers: its marks and its unit."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..errors import TableError

# A column is one of numbers if this share of its texts are numbers, or if half of them are, of many
# sizes, and the others are the same few words.
MOSTLY = 0.95
_FEW_WORDS, _MANY_NUMBERS = 3, 20
# As Python's `float` reads them, but for "nan" and "inf", which are words.
PLAIN = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_EXPONENT = r"(?:[eE][+-]?\d+)?"
# What stands before an amount of money, besides the signs of Unicode's category Sc.
_MONEY = r"[$€£¥₩₹₽₺₫₪฿₴¢]|[A-Z]{3}|(?:US|R|A|C|HK|NT|S)\$|RMB|kr\.?|Rs\.?|Fr\."
# A unit is a short text without digits, but for those of areas and volumes; it begins with a letter
# or a sign that units have.
_UNIT = (
    r"(?:[dckm]?m|ft|in|yd|mi)\^?[23]|[^\W\d_][^\d()+,-]{0,15}"
    r"|[%‰°$€£¥₩₹₽₺₫₪฿₴¢µ/\"′″][^\d()+,-]{0,15}"
)
# Formats are found by so many rows, at equal steps, and then tried on all.
_SAMPLE = 2000
# Signs that mean the same: digits of other scripts, full-width signs, which Chinese and Japanese
# keyboards write, spaces that do not break, the real minus, the apostrophes of Swiss amounts.
_TIDY = str.maketrans(
    {chr(0xFF01 + place): chr(0x21 + place) for place in range(94)}
    | {"￥": "¥", "￡": "£", "￦": "₩"}
    | dict.fromkeys("\u00a0\u2007\u2009\u202f\u3000", " ")
    | dict.fromkeys("\u2212\u2012\u2013\ufe63", "-")
    | dict.fromkeys("\u2018\u2019\u02bc", "'")
    | {zero + digit: str(digit) for zero in (0x660, 0x6F0, 0x966) for digit in range(10)}
    | {"\u066b": ".", "\u066c": ","}
)
# A postcode, or the number of an article: as a number it would lose its zeros.
_PADDED = r"^[+-]?0\d+$"
# Whole numbers of so many digits are not all floats: they are names, as those of bank cards.
_LONG = r"^[+-]?\d{16,}$"
# What is tried: whatever two of these read alike is not ambiguous.
_MARKS = [(".", mark) for mark in ("", ",", " ", "'")] + [(",", m) for m in ("", ".", " ", "'")]


@dataclass(frozen=True)
class NumberFormat:
    """How a column of texts writes its numbers.

    Attributes
    ----------
    decimal, thousands : str
        The mark before the decimals, and the one between thousands, "" where there is none.
    before, after : str
        The money or unit that stands before or after each number, "" where there is none.
    """

    decimal: str = "."
    thousands: str = ""
    before: str = ""
    after: str = ""

    def __post_init__(self) -> None:
        units = self.before + self.after
        is_strange = len(units) > 64 or re.search(r"\d", units.removesuffix("2").removesuffix("3"))
        if self.marks not in _MARKS or is_strange:
            raise ValueError(f"no format of numbers: {self.marks}, {units!r:.40}")

    @property
    def marks(self) -> tuple[str, str]:
        """The mark before the decimals, and the one between thousands."""
        return self.decimal, self.thousands

    def __str__(self) -> str:
        names = {" ": "spaces", "'": "apostrophes"}
        told = [f"a decimal {_called(self.decimal)}"] if self.decimal != "." else []
        if self.thousands:
            told.append(f"{names.get(self.thousands, repr(self.thousands))} between thousands")
        told += [f"in {unit}" for unit in (self.before, self.after) if unit]
        return ", ".join(told)

    @cached_property
    def pattern(self) -> str:
        """What a whole text in this format matches; RE2 and `re` read it alike."""
        number = _digits(*self.marks) + _EXPONENT
        before, after = (re.escape(unit) for unit in (self.before, self.after))
        amount = rf"{before} ?{number} ?{after}"
        signed = rf"(?:[+-]? ?{before} ?|{before} ?[+-]? ?){number} ?{after}"
        inside = rf"\( ?{amount} ?\)" + (rf"|{before} ?\( ?{number} ?\)" if before else "")
        return rf"^(?:{signed}|{amount} ?-|{inside})$"

    def parse(self, texts: Any) -> Any:
        """Return the numbers of Arrow's texts, null where one has none in this format."""
        import pyarrow
        from pyarrow import compute

        nothing = pyarrow.scalar(None, pyarrow.string())
        found = compute.if_else(compute.match_substring_regex(texts, self.pattern), texts, nothing)
        if self == NumberFormat():
            simple = compute.match_substring_regex(found, f"^{PLAIN}$")
            if compute.all(compute.fill_null(simple, True)).as_py():
                return found.cast(pyarrow.float64())
        for unit in filter(None, (self.before, self.after)):
            found = compute.replace_substring(found, unit, "")
        # Without its unit: a minus after that of "5 tonne-" is none of an exponent.
        is_negative = compute.match_substring_regex(found, r"(?:^|[^eE])[-(]")
        found = compute.replace_substring_regex(found, r"^[ (+-]+|[ )-]+$", "")
        for mark, plain in ((self.thousands, ""), (self.decimal, ".")):
            if mark not in ("", plain):
                found = compute.replace_substring(found, mark, plain)
        sizes = found.cast(pyarrow.float64())
        return compute.if_else(is_negative, compute.negate(sizes), sizes)

    def check(self, texts: Any, where: str) -> None:
        """Refuse texts among which there is a number in another format.

        Raises
        ------
        TableError
        """
        other = self.contradiction(texts)
        if other is not None:
            way = str(self) or "a decimal point"
            raise TableError(f"{where} writes {other!r:.60}, but the model read numbers with {way}")

    def contradiction(self, texts: Any) -> str | None:
        """Return a text that is a number, but in another format; None if there is none."""
        from pyarrow import compute

        fits = compute.match_substring_regex(texts, self.pattern)
        others = texts.filter(compute.invert(fits))
        others = others.filter(is_any_number(others))
        return str(others[0]) if len(others) else None


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


def tidied(texts: Any) -> Any:
    """Return Arrow's texts with one sign for all that mean the same: digits, minus, spaces."""
    import pyarrow
    from pyarrow import compute

    is_other = compute.fill_null(compute.match_substring_regex(texts, r"[^\x00-\x7f]"), False)
    if not compute.any(is_other).as_py():
        return texts
    changed = [text.translate(_TIDY).strip() for text in texts.filter(is_other).to_pylist()]
    return compute.replace_with_mask(texts, is_other, pyarrow.array(changed, texts.type))


def is_any_number(texts: Any) -> Any:
    """Return which of Arrow's texts are numbers in any format with any unit, null where null."""
    from pyarrow import compute

    digits = "|".join(_digits(*marks) for marks in _MARKS)
    amount = rf"(?:{_MONEY})? ?[+(-]? ?(?:{digits}){_EXPONENT} ?(?:{_UNIT})?"
    return compute.match_substring_regex(texts, rf"^[(+-]? ?{amount} ?[)-]?$")


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
    formats = _best([NumberFormat(*marks, before, after) for marks in _MARKS], few)
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
    in_thousands = compute.match_substring_regex(known, f"^[+-]?{_digits(',', '.')}{_EXPONENT}$")
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


def _digits(decimal: str, thousands: str) -> str:
    """Return what the digits of a number match that has these marks."""
    point, mark = re.escape(decimal), re.escape(thousands)
    whole = r"\d+"
    if thousands:
        # India groups by two digits before the last three: 12,34,567.
        pairs = rf"|[1-9]\d?(?:{mark}\d\d)+{mark}\d{{3}}" if thousands == "," else ""
        whole = rf"(?:[1-9]\d{{0,2}}(?:{mark}\d{{3}})+{pairs}|\d+)"
    return rf"(?:{whole}(?:{point}\d*)?|{point}\d+)"


def _units(known: Any) -> Counter[tuple[str, str]]:
    """Count what stands before and after the numbers among texts."""
    amount = re.compile(
        rf"[(+-]? ?(?P<before>(?:{_MONEY})?) ?[+(-]? ?[\d.,][\d., ']*{_EXPONENT}"
        rf" ?(?P<after>(?:{_UNIT})?) ?[)-]?"
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


def _called(mark: str) -> str:
    return {",": "comma", ".": "point"}[mark]
