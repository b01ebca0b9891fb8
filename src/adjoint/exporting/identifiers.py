"""Identifiers are names that every target accepts, made of any text, each once."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Collection, Iterable

_C = [
    "auto",
    "break",
    "case",
    "char",
    "const",
    "continue",
    "default",
    "do",
    "double",
    "else",
    "enum",
    "extern",
    "float",
    "for",
    "goto",
    "if",
    "inline",
    "int",
    "long",
    "register",
    "restrict",
    "return",
    "short",
    "signed",
    "sizeof",
    "static",
    "struct",
    "switch",
    "typedef",
    "union",
    "unsigned",
    "void",
    "volatile",
    "while",
    "_Bool",
    "_Complex",
    "_Imaginary",
    "asm",
    "main",
    "typeof",
    "bool",
    "true",
    "false",
    "nullptr",
    "class",
    "delete",
    "new",
    "operator",
    "private",
    "protected",
    "public",
    "template",
    "this",
    "throw",
    "try",
    "virtual",
    "using",
    "namespace",
    "NAN",
    "INFINITY",
    "NULL",
]
_RESERVED = {*_C, *keyword.kwlist, *keyword.softkwlist, "np", "rows", "status"}


def identifier(text: str, taken: Collection[str] = (), *, default: str = "value") -> str:
    """Return a legal name in Python and in C that is like a text, and is not taken.

    Letters and digits of ASCII stay; what stands between becomes one underscore.

    >>> identifier("a.b"), identifier("2x"), identifier("红", default="w"), identifier("for")
    ('a_b', 'w_2x', 'w', 'for_')
    >>> identifier("a b", {"a_b"})
    'a_b_2'
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    name = re.sub(r"[^0-9A-Za-z]+", "_", plain).strip("_") or default
    if name[0].isdigit():
        name = f"{default[0]}_{name}" if default != "value" else f"w_{name}"
    if name in _RESERVED:
        name = f"{name}_"
    found, count = name, 1
    while found in taken:
        count += 1
        found = f"{name.rstrip('_')}_{count}"
    return found


def identifiers(texts: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """Return a name for each text, all different."""
    used, found = set(taken), []
    for text in texts:
        found.append(identifier(text, used))
        used.add(found[-1])
    return found
