"""A journal keeps the trials of a search in a file, so that one that was stopped goes on."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..errors import TableError
from ..files.rescue import rescued
from ..files.whole_file import write_whole
from ..training.conditions import differences
from .state import restored
from .tried import Tried

FORMAT = "adjoint search"
VERSION = 1
_MOST_BYTES = 1 << 24
_LONGEST = 500
_MOST_TOLD = 2


@dataclass(frozen=True)
class Journal:
    """What a search has tried so far.

    Attributes
    ----------
    conditions : dict of str to str
        What must be the same to go on.
    seconds : float
        How long it took.
    trials : list of Tried
    """

    conditions: dict[str, str]
    seconds: float = 0.0
    trials: list[Tried] = field(default_factory=list)

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all; if that fails, it is kept elsewhere.

        Raises
        ------
        OSError
        """
        state = {"format": FORMAT, "version": VERSION, **asdict(self)}
        state["checksum"] = _checksum(state)
        content = json.dumps(state, indent=1, ensure_ascii=False, allow_nan=False).encode()
        with rescued(lambda place: write_whole(place, content), path.name):
            write_whole(path, content)

    @classmethod
    def read(cls, path: Path, conditions: dict[str, str]) -> Journal:
        """Return what a file holds, or an empty journal if there is none.

        Raises
        ------
        TableError
            If it is no journal, is damaged, or is of another search.
        """
        try:
            found = cls._restored(path)
        except FileNotFoundError:
            return cls(conditions)
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise TableError(f"{path}: cannot be read as trials of a search: {error}") from None
        changed = differences(found.conditions, conditions)
        if changed:
            told = "; with ".join(changed[:_MOST_TOLD])
            raise TableError(
                f"{path}: the trials are of a search with {told}; to go on it must be the same; "
                "remove the file, or name another one"
            )
        return found

    @classmethod
    def _restored(cls, path: Path) -> Journal:
        if path.exists() and not path.is_file():
            raise ValueError("no regular file, so that nothing is kept in it")
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise ValueError(f"it has more than {_MOST_BYTES >> 20} MiB")
        state = json.loads(content.decode(), parse_constant=_refused)
        if not isinstance(state, dict) or state.pop("format", None) != FORMAT:
            raise ValueError("it was not written by a search")
        version, checksum = state.pop("version", None), state.pop("checksum", None)
        if version != VERSION:
            raise ValueError(f"version {version!s:.40}; this adjoint reads version {VERSION}")
        if checksum != _checksum({"format": FORMAT, "version": VERSION, **state}):
            raise ValueError("it was changed after it had been written")
        found = restored(cls, state)
        if found.seconds < 0 or any(len(text) > _LONGEST for text in found.conditions.values()):
            raise ValueError("it holds what no search writes")
        return found


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} is no number of JSON")


def _checksum(state: dict[str, Any]) -> str:
    told = json.dumps(state, sort_keys=True, separators=(",", ":"), default=os.fspath)
    return hashlib.sha256(told.encode()).hexdigest()
