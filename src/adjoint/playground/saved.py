"""A saved session is a text of JSON with all that leads to where a training stands.

It is read as strictly as what a page sends: nothing in it is trusted, and it is taken whole or not
at all.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from .drawn import Drawn, read_drawn
from .own_table import read_rows, rows_as_json
from .problem import Rows
from .settings import Settings, read
from .values import SettingsError, number

FORMAT, VERSION = "adjoint playground", 1
LONGEST = 7_000_000
_NAMES = {"format", "version", "settings", "step", "table", "drawn"}


@dataclass(frozen=True)
class Saved:
    """Settings, rows of one's own and drawn points where there are some, and the step."""

    settings: Settings
    table: Rows | None
    drawn: Drawn | None
    step: int


def as_text(saved: Saved) -> str:
    """Return the text of a file."""
    content = {
        "format": FORMAT,
        "version": VERSION,
        "step": saved.step,
        "settings": saved.settings.as_json(),
        "drawn": None if saved.drawn is None else saved.drawn.as_json(),
        "table": None if saved.table is None else rows_as_json(saved.table),
    }
    return json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def read_text(text: str) -> Saved:
    """Return what a text says.

    Raises
    ------
    SettingsError
        If it is no saved session, or one of its parts cannot be.
    """
    content = _content(text)
    table, drawn = content["table"], content["drawn"]
    return Saved(
        read(content["settings"]),
        None if table is None else read_rows(table),
        None if drawn is None else read_drawn(drawn),
        int(number("step", content["step"], 0, 2**53, whole=True)),
    )


def _content(text: str) -> dict[str, Any]:
    if len(text) > LONGEST:
        raise SettingsError(f"session: {len(text):,} characters; there may be {LONGEST:,}")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise SettingsError("session: the file is no JSON") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise SettingsError("session: the file is no saved session of the playground")
    if content.get("version") != VERSION:
        raise SettingsError("session: the file is of another version of the playground")
    if content.keys() != _NAMES:
        raise SettingsError(f"session: expected {', '.join(sorted(_NAMES))} in the file")
    return content
