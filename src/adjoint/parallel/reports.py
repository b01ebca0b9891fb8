"""A report is what a rank tells its launcher: a line on standard error that people do not see."""

from __future__ import annotations

import json
import os
from typing import Any

# Environment variables by which the launcher tells the ranks how often the job was started again,
# for how many seconds they wait for each other, and that it is there.
ATTEMPT, TIMEOUT, LAUNCHED = "ADJOINT_ATTEMPT", "ADJOINT_TIMEOUT", "ADJOINT_LAUNCHED"
_MARK = "\x1eadjoint "
# Longer lines might be mixed with those of other ranks.
_LONGEST = 3000


def tell(kind: str, rank: int, **facts: Any) -> None:
    """Write a report, or a line for people where no launcher reads it."""
    if os.environ.get(LAUNCHED):
        line = _MARK + json.dumps({"kind": kind, "rank": rank, **facts})
    else:
        line = f"adjoint: rank {rank}: {kind}: {', '.join(f'{k} {v}' for k, v in facts.items())}"
    # In one piece, and at once: the process may end now.
    os.write(2, f"\n{line}\n".encode())


def read(line: str) -> dict[str, Any] | None:
    """Return the report in a line, or None if it is another line."""
    _, mark, text = line.partition(_MARK)
    if not mark:
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) and "kind" in found else None


def shortened(text: str) -> str:
    """Return a text without its middle, if it is long."""
    if len(text) <= _LONGEST:
        return text
    return f"{text[: _LONGEST // 3]}\n  ...\n{text[-2 * _LONGEST // 3 :]}"
