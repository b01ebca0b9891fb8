"""What compiling costs: the first epoch of a training, tracing and compilation included.

All is imported before. Cold, the caches are empty; warm, another process has filled them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from .launches import Launch, Launched, in_turn
from .networks import c_training, jax_training, numba_training, ours, torch_training
from .networks.task import ARTICLE, DIGITS, Task
from .once import run_once
from .race import Effort
from .rival import Contestant, Rival
from .table import Table


@dataclass(frozen=True)
class Latency:
    """The rivals that compile."""

    title: str
    rivals: list[Rival]

    def run(self, name: str, effort: Effort) -> Table:
        """Return every rival's seconds, cold and warm."""
        launched = []
        for rival in self.rivals:
            if rival.quick or not effort.quick:
                launch = _launch(name, rival.name)
                launched.append(Launched(f"{rival.name}, cold", launch))
                if rival.name != "cc -O3":
                    launched.append(Launched(f"{rival.name}, cached", launch, warm=True))
        rounds = min(effort.launches, 5)
        return Table(self.title, "s", "in all", in_turn(launched, rounds=rounds))


def _launch(benchmark: str, rival: str) -> Launch:
    def launch(cache: Path) -> tuple[float, str]:
        answer = run_once(benchmark, rival, 1, cache, threads=None)
        return answer["seconds"], answer["about"]

    return launch


def ours_after_import(task: Task) -> Contestant:
    import llvmlite.binding  # noqa: F401

    return ours.make(task, compiled=True)


def rivals(task: Task, c: str, numba: Callable[[Task], Contestant]) -> list[Rival]:
    compiled = partial(torch_training.make, task, compiled=True)
    return [
        Rival("adjoint, fit", partial(ours_after_import, task), ("llvmlite",), quick=True),
        Rival("cc -O3", partial(c_training.make, task, c), ("cc",)),
        Rival("JAX, scan", partial(jax_training.make_scan, task), ("jax",)),
        Rival("JAX, jit a step", partial(jax_training.make_jit, task), ("jax",)),
        Rival("Numba", partial(numba, task), ("numba", "scipy")),
        Rival("PyTorch, torch.compile", compiled, ("torch",)),
    ]


def article() -> Latency:
    title = "The first epoch of the article's network, compilation included"
    return Latency(title, rivals(ARTICLE, "article", numba_training.make_article))


def digits() -> Latency:
    title = "The first epoch on digits, compilation included"
    return Latency(title, rivals(DIGITS, "digits", numba_training.make_digits))
