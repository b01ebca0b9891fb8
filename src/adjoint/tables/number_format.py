"""A number format says how a column of texts writes its numbers: its marks and its unit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..errors import TableError

# As Python's `float` reads them, but for "nan" and "inf", which are words.
PLAIN = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
EXPONENT = r"(?:[eE][+-]?\d+)?"
# What stands before an amount of money, besides the signs of Unicode's category Sc.
MONEY = r"[$€£¥₩₹₽₺₫₪฿₴¢]|[A-Z]{3}|(?:US|R|A|C|HK|NT|S)\$|RMB|kr\.?|Rs\.?|Fr\."
# A unit is a short text without digits, but for those of areas and volumes; it begins with a letter
# or a sign that units have.
UNIT = (
    r"(?:[dckm]?m|ft|in|yd|mi)\^?[23]|[^\W\d_][^\d()+,-]{0,15}"
    r"|[%‰°$€£¥₩₹₽₺₫₪฿₴¢µ/\"′″][^\d()+,-]{0,15}"
)
# Signs that mean the same: digits of other scripts, full-width signs, which Chinese and Japanese
# keyboards write, spaces that do not break, the real minus, the apostrophes of Swiss amounts.
TIDY = str.maketrans(
    {chr(0xFF01 + place): chr(0x21 + place) for place in range(94)}
    | {"￥": "¥", "￡": "£", "￦": "₩"}
    | dict.fromkeys("\u00a0\u2007\u2009\u202f\u3000", " ")
    | dict.fromkeys("\u2212\u2012\u2013\ufe63", "-")
    | dict.fromkeys("\u2018\u2019\u02bc", "'")
    | {zero + digit: str(digit) for zero in (0x660, 0x6F0, 0x966) for digit in range(10)}
    | {"\u066b": ".", "\u066c": ","}
)
# What is tried: whatever two of these read alike is not ambiguous.
MARKS = [(".", mark) for mark in ("", ",", " ", "'")] + [(",", m) for m in ("", ".", " ", "'")]


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
        if self.marks not in MARKS or is_strange:
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

    @property
    def units(self) -> list[str]:
        """Patterns of the unit before a number and of that after it, and what stays of them.

        Each is at its end of a text, because an e in the middle is that of an exponent.
        """
        before, after = (re.escape(unit) for unit in (self.before, self.after))
        found = {rf"^([ (+-]*){before}": before, rf"{after}([ )-]*)$": after}
        return [pattern for pattern, unit in found.items() if unit]

    @cached_property
    def pattern(self) -> str:
        """What a whole text in this format matches; RE2 and `re` read it alike."""
        number = digits_pattern(*self.marks) + EXPONENT
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
        for unit in self.units:
            found = compute.replace_substring_regex(found, unit, r"\1")
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


def tidied(texts: Any) -> Any:
    """Return Arrow's texts with one sign for all that mean the same: digits, minus, spaces."""
    import pyarrow
    from pyarrow import compute

    is_other = compute.fill_null(compute.match_substring_regex(texts, r"[^\x00-\x7f]"), False)
    if not compute.any(is_other).as_py():
        return texts
    changed = [text.translate(TIDY).strip() for text in texts.filter(is_other).to_pylist()]
    return compute.replace_with_mask(texts, is_other, pyarrow.array(changed, texts.type))


def is_any_number(texts: Any) -> Any:
    """Return which of Arrow's texts are numbers in any format with any unit, null where null."""
    from pyarrow import compute

    digits = "|".join(digits_pattern(*marks) for marks in MARKS)
    amount = rf"(?:{MONEY})? ?[+(-]? ?(?:{digits}){EXPONENT} ?(?:{UNIT})?"
    return compute.match_substring_regex(texts, rf"^[(+-]? ?{amount} ?[)-]?$")


def digits_pattern(decimal: str, thousands: str) -> str:
    """Return what the digits of a number match that has these marks."""
    point, mark = re.escape(decimal), re.escape(thousands)
    whole = r"\d+"
    if thousands:
        # India groups by two digits before the last three: 12,34,567.
        pairs = rf"|[1-9]\d?(?:{mark}\d\d)+{mark}\d{{3}}" if thousands == "," else ""
        whole = rf"(?:[1-9]\d{{0,2}}(?:{mark}\d{{3}})+{pairs}|\d+)"
    return rf"(?:{whole}(?:{point}\d*)?|{point}\d+)"


def _called(mark: str) -> str:
    return {",": "comma", ".": "point"}[mark]
