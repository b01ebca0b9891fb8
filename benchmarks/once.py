"""Work done once in a new worker: what its start takes, and its memory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .process import environment, run_to_end
from .rival import SkippedError


def run_once(
    benchmark: str, rival: str, count: int, cache: Path, *, threads: int | None
) -> dict[str, Any]:
    """Return a worker's answer, with its seconds, its memory and how the work was done."""
    arguments = ["-m", "benchmarks.worker", benchmark, rival, str(count)]
    output, _ = run_to_end(arguments, environment(threads=threads, cache=cache))
    answer: dict[str, Any] = json.loads(output)
    if "skipped" in answer:
        raise SkippedError(answer["skipped"])
    return answer
