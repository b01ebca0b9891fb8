"""A report is what a rank tells its launcher: a line on standard error that people do not see."""

from __future__ import annotations

import os
from typing import Any

# Environment variables by which the launcher tells the ranks that it is there, how often the job
# was started again, for how many seconds they wait for each other, and whether they share cores.
LAUNCHED, ATTEMPT = "ADJOINT_LAUNCHED", "ADJOINT_ATTEMPT"
TIMEOUT, SHARES_CORES = "ADJOINT_TIMEOUT", "ADJOINT_SHARES_CORES"
_MARK = "\x1eadjoint "
# Longer lines might be mixed with those of other ranks.
_LONGEST = 3000


def tell(kind: str, rank: int, **facts: Any) -> None:
    """Write a report, or a line for people where no launcher reads it."""
    if os.environ.get(LAUNCHED):
        import json  # here, as below: most trainings run in one process

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
    import json

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
