"""Texts in ONNX become the numbers of categories: as they are, or by what a table takes them for.

A table takes " 1.0 " and "1" for the same. No operator of ONNX cuts a text, but one tells whether a
whole text matches a pattern. Each bit of a category's number is such an answer, to the pattern of
all categories that have the bit.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..tables.conventions import MISSING
from ..tables.number_format import TIDY
from .onnx_graph import OnnxGraph, Wire
from .table_functions import SIMPLE_NUMBER, canonical_text, tidy_text

# What Python and Arrow take for space, of which the patterns know that of ASCII alone.
_SPACES = (
    r"[\s\v\x{1c}-\x{1f}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}"
    r"\x{3000}]*"
)
_SAME: dict[str, list[str]] = {}
for _code, _plain in TIDY.items():
    _SAME.setdefault(str(_plain), []).append(chr(_code))


def exact_codes(graph: OnnxGraph, texts: Wire, levels: Sequence[str]) -> Wire:
    """Return the numbers of texts, from 1 in the order of levels; 0 for all others."""
    if not levels:
        return graph.constant(np.array(0, np.int64)).broadcast(texts.shape)
    return graph.add(
        "LabelEncoder",
        [texts],
        texts.shape,
        np.int64,
        domain="ai.onnx.ml",
        keys_strings=list(levels),
        values_int64s=list(range(1, len(levels) + 1)),
        default_int64=0,
    )


def tidy_codes(
    graph: OnnxGraph, texts: Wire, levels: Sequence[str], missing: Sequence[str] | None
) -> Wire:
    """Return the numbers of texts as `table_functions.encode_categories` gives them.

    Parameters
    ----------
    missing : sequence of str or None
        Texts besides the usual ones that are missing, which have a number of their own, the last;
        None where they have none.
    """
    known: dict[str, int] = {}
    for number, level in enumerate(levels, 1):
        if tidy_text(level, missing or ()) is not None:
            known.setdefault(canonical_text(level), number)
    patterns = [(number, _pattern(level)) for level, number in known.items()]
    if missing is not None:
        words = sorted({"", *MISSING, *(word.strip().lower() for word in missing)})
        patterns.append((len(levels) + 1, f"(?i:{'|'.join(map(_literal, words))})"))
    highest = max((number for number, _ in patterns), default=0)
    total = graph.constant(np.array(0, np.int64)).broadcast(texts.shape)
    for bit in range(math.ceil(math.log2(highest + 1))):
        chosen = "|".join(pattern for number, pattern in patterns if number >> bit & 1)
        if chosen:
            whole = f"{_SPACES}(?:{chosen}){_SPACES}"
            found = graph.add("RegexFullMatch", [texts], texts.shape, np.bool_, pattern=whole)
            total = total + found.cast(np.int64) * 2**bit
    return total


def _pattern(level: str) -> str:
    """Return what all texts match that a table takes for the same."""
    if level.lower() in ("true", "false"):
        return f"(?i:{_literal(level)})"
    written = _written_out(level)
    if written is None:
        return _literal(level)
    number, text = float(level), written.removeprefix("-")
    zeros = f"{_any_of('0')}*"
    tail = zeros if "." in text else f"(?:{_any_of('.')}{_any_of('0')}+)?"
    sign = f"{_any_of('-')}" if number < 0 else f"{_any_of('+')}?"
    sign = f"(?:{_any_of('-')}|{sign})" if number == 0 else sign
    other = f"|{_literal(level)}" if written != level else ""
    return f"{sign}{_literal(text)}{tail}{other}"


def _written_out(level: str) -> str | None:
    """Return a number without an exponent, if it is one that can be written in several ways."""
    try:
        text = np.format_float_positional(float(level), trim="-")
    except ValueError:
        return None
    is_simple = re.fullmatch(SIMPLE_NUMBER, text, re.ASCII)
    return text if is_simple and canonical_text(text) == level else None


def _literal(text: str) -> str:
    return "".join(map(_any_of, text))


def _any_of(character: str) -> str:
    """Return what a character matches, and all that a table takes for it."""
    same = [character, *_SAME.get(character, [])]
    escaped = [_escaped(one) for one in same]
    return escaped[0] if len(escaped) == 1 else f"[{''.join(escaped)}]"


def _escaped(character: str) -> str:
    if character.isascii() and character.isalnum():
        return character
    return rf"\x{{{ord(character):x}}}"


def descriptions(columns: Sequence[Any]) -> dict[str, str]:
    """Return what each input of a table is, by its name."""
    ends = {
        "number": "as a number, NaN where it is missing",
        "category": "as a text, empty where it is missing",
        "date": "as microseconds since 1970-01-01 as a clock shows them, or since midnight; -2^63 "
        "where it is missing",
    }
    return {column.name: f"{column}; {ends[column.kind]}" for column in columns}
