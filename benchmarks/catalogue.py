"""The catalogue is what benchmarks there are, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from . import (
    chain,
    convolution,
    dense_derivatives,
    first_call,
    first_result,
    grouped_convolution,
    imports,
    latency,
    logistic,
    loops,
    lstm,
    memory,
    one_row,
    operations,
    per_sample,
    products,
    rosenbrock,
    search,
    sparse_hessian,
    taylor,
)
from .latency import Latency
from .memory import Memory
from .networks import races, validation
from .race import Effort, Race
from .rival import Rival
from .table import Table


class Benchmark(Protocol):
    """What can be run."""

    def run(self, name: str, effort: Effort) -> Table:
        """Return what was measured; ``name`` is the benchmark's own."""


# Made when asked for: a worker makes one only, and none reads its data before that.
WITH_WORKERS: dict[str, Callable[[], Race | Latency | Memory]] = {
    "article": races.article,
    "article-float32": races.article_float32,
    "digits": races.digits,
    "wide": races.wide,
    "wide-2-threads": races.wide_on_two_threads,
    **validation.RACES,
    "chain": chain.race,
    "rosenbrock": rosenbrock.race,
    "one-row": one_row.race,
    "logistic": logistic.race,
    "convolution": convolution.race,
    **grouped_convolution.RACES,
    "lstm": lstm.race,
    "per-sample": per_sample.race,
    **loops.RACES,
    **dense_derivatives.RACES,
    "sparse-hessian": sparse_hessian.race,
    "taylor": taylor.race,
    **operations.RACES,
    "compile-article": latency.article,
    "compile-digits": latency.digits,
    "memory": memory.digits,
}
BENCHMARKS: dict[str, Callable[[], Benchmark]] = {
    **WITH_WORKERS,
    "first-result": first_result.benchmark,
    "import": imports.benchmark,
    "search": search.benchmark,
    "products": products.benchmark,
    **first_call.BENCHMARKS,
}


def find_rival(benchmark: str, rival: str) -> Rival:
    """Return a rival by its name in a benchmark."""
    rivals = WITH_WORKERS[benchmark]().rivals
    return next(found for found in rivals if found.name == rival)
