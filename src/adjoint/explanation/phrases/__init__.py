"""Phrases are the words of explanations and pictures, in one table for each language."""

from __future__ import annotations

from collections.abc import Mapping

from ...errors import choose
from . import en, zh

LANGUAGES: Mapping[str, Mapping[str, str]] = {"en": en.PHRASES, "zh": zh.PHRASES}


class Phrases:
    """The phrases of one language, by key.

    >>> Phrases("en")("chain rule", operation="tanh"), Phrases("zh")("chain rule", operation="tanh")
    ('chain rule through tanh', '对 tanh 应用链式法则')

    Raises
    ------
    ValueError
        If there is no such language.
    """

    def __init__(self, lang: str) -> None:
        self.lang = choose("language", lang, LANGUAGES)
        self.table = LANGUAGES[self.lang]

    def __call__(self, key: str, /, **fields: object) -> str:
        """Return a phrase, with what belongs in its places."""
        return self.table[key].format(**fields)


ENGLISH = Phrases("en")
