"""A timing takes turns between rivals, so that a machine's drift meets all of them alike."""

from __future__ import annotations

from collections.abc import Callable

# Does the work a number of times, and returns the seconds it took.
Run = Callable[[int], float]


def turns(rivals: dict[str, Run], *, rounds: int, seconds: float) -> dict[str, list[float]]:
    """Return each rival's seconds for doing its work once, one number a round, taken in turn.

    Parameters
    ----------
    rivals : dict of name to callable
    rounds : int
    seconds : float
        That a turn takes, about: the work is done as often as that.
    """
    counts = {name: count_in(seconds, run) for name, run in rivals.items()}
    for name, run in rivals.items():
        run(counts[name])  # some compile anew for a new count
    times: dict[str, list[float]] = {name: [] for name in rivals}
    for _ in range(rounds):
        for name, run in rivals.items():
            times[name].append(run(counts[name]) / counts[name])
    return times


def count_in(seconds: float, run: Run) -> int:
    """Return how often work is done in about so many seconds, once it is warm."""
    run(1)
    count = 1
    while (took := run(count)) < seconds / 5:
        count *= max(2, min(100, int(seconds / 2 / max(took, 1e-9))))
    return max(1, int(count * seconds / took))
