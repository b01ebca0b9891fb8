"""A timing takes turns between rivals, so that a machine's drift meets all of them alike."""

from __future__ import annotations

import json
import platform
import statistics
import sys
from collections.abc import Callable
from time import perf_counter

import numpy as np


def race(
    rivals: dict[str, Callable[[], object]], *, rounds: int = 15, seconds: float = 0.05
) -> dict[str, float]:
    """Return each rival's median time per call in microseconds, over rounds taken in turn."""
    calls = {name: _calls_in(seconds, rival) for name, rival in rivals.items()}
    times: dict[str, list[float]] = {name: [] for name in rivals}
    for _ in range(rounds):
        for name, rival in rivals.items():
            start = perf_counter()
            for _ in range(calls[name]):
                rival()
            times[name].append((perf_counter() - start) / calls[name] * 1e6)
    return {name: statistics.median(series) for name, series in times.items()}


def _calls_in(seconds: float, rival: Callable[[], object]) -> int:
    rival()
    start = perf_counter()
    rival()
    return max(1, int(seconds / (perf_counter() - start)))


def report(title: str, times: dict[str, float], *, unit: str) -> None:
    """Print the times and their ratio to the first rival's, or both as JSON with ``--json``."""
    if "--json" in sys.argv:
        machine = {"machine": platform.machine(), "python": platform.python_version()}
        print(
            json.dumps({"title": title, "microseconds": times, "numpy": np.__version__} | machine)
        )
        return
    first = next(iter(times.values()))
    width = max(map(len, times))
    print(title)
    for name, time in times.items():
        print(f"  {name:<{width}}  {time:9.2f} µs {unit}  {time / first:6.2f} ×")
