"""A worker is the process of one rival: `python -m benchmarks.worker BENCHMARK RIVAL [COUNT]`.

With a count it starts the work, goes on to that count, and prints the seconds that the start took
and the greatest memory. Without one it answers orders from standard input, a JSON object a line.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np

from .catalogue import find_rival
from .rival import Contestant, Rival, SkippedError

Answer = dict[str, Any]


def serve(rival: Rival, answer: Callable[[Answer], None]) -> None:
    """Answer orders until there are no more."""
    made: list[Contestant] = []
    for line in sys.stdin:
        order = json.loads(line)
        try:
            answer(_obey(rival, made, order["do"], order["count"]))
        except (SkippedError, ImportError) as reason:
            answer({"skipped": str(reason)})


def _obey(rival: Rival, made: list[Contestant], what: str, count: int) -> Answer:
    if what == "make":
        made.append(_make(rival))
        return {}
    contestant = made[0]
    if what == "result":
        result = np.asarray(contestant.result(), float)
        return {"result": result.ravel().tolist(), "about": contestant.about()}
    before = perf_counter(), process_time()
    seconds = contestant.run(count)
    wall, busy = perf_counter() - before[0], process_time() - before[1]
    return {"seconds": seconds, "threads": busy / wall}


def _make(rival: Rival) -> Contestant:
    if missing := rival.missing():
        raise SkippedError(f"{missing} is not installed")
    return rival.make()


def once(rival: Rival, count: int) -> Answer:
    """Start the work, go on to a count, and return the start's seconds and the process's memory."""
    try:
        contestant = _make(rival)
        begun = perf_counter()
        contestant.start()
        seconds = perf_counter() - begun
        if count > 1:
            contestant.run(count - 1)
        return {"seconds": seconds, "memory": peak_memory(), "about": contestant.about()}
    except (SkippedError, ImportError) as reason:
        return {"skipped": str(reason)}


def peak_memory() -> int:
    """Return the greatest number of bytes that this process has had in memory."""
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:
        import resource  # of Unix only

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    # Linux starts a new process's ru_maxrss with that of the process it was forked from.
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def main() -> None:
    rival = find_rival(*sys.argv[1:3])
    # What a library prints must not mix with the answers.
    with os.fdopen(os.dup(1), "w", buffering=1) as channel:
        os.dup2(2, 1)

        def answer(content: Answer) -> None:
            print(json.dumps(content), file=channel, flush=True)

        if len(sys.argv) > 3:
            answer(once(rival, int(sys.argv[3])))
        else:
            serve(rival, answer)


if __name__ == "__main__":
    main()
