"""The mutants that were judged to be equivalent: they compute the same, and no test can tell.

They are kept in `equivalent.toml`, each with its reason, under the key that does not change when
lines move: the file, the function, and the text of the line before and after.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

KEPT = Path(__file__).with_name("equivalent.toml")
FIELDS = ("file", "within", "before", "after")


def reasons(path: Path = KEPT) -> dict[tuple[str, ...], str]:
    """Return the reason of every kept mutant, by its key."""
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("mutant", [])
    return {tuple(entry[field] for field in FIELDS): entry["because"] for entry in entries}
