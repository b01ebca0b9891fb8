"""A distributed run takes each step together with other processes, to the same bits in all."""

from __future__ import annotations

import math
from time import perf_counter
from typing import Any

from ..core.annotations import Array
from ..optim.snapshot import kept_on_error
from ..parallel import stopping
from ..parallel.tree_sum import TreeSum, shares
from .agreement import Agreement
from .eager_run import EagerRun
from .epochs import validate
from .history import History
from .run import Run, Show, Watch
from .saving import Saver
from .shard_check import check_shards
from .sharded_step import ShardedStep
from .task import Task

# How often a sum is tried before the training, and as which step.
_TRIALS, _BEFORE = 5, -1 << 40


class DistributedRun(EagerRun):
    """A run whose batches are dealt out in shards, over the ranks of a job.

    It differs from an eager one in how a step is taken and in who validates what. A checkpoint has
    nothing in it that depends on the number of ranks.

    Parameters
    ----------
    task : Task
        The same on all ranks.
    history : History
    saver : Saver
        One that saves on rank 0 alone.
    agreement : Agreement
    shards : int
        Into how many parts a batch is dealt.

    Raises
    ------
    TypeError, ValueError
        If the step cannot be traced, or shards of a batch do not add up to the batch.
    """

    def __init__(
        self,
        task: Task,
        history: History,
        saver: Saver | None = None,
        *,
        agreement: Agreement,
        shards: int,
    ) -> None:
        self._data, self._agreement = task.data, agreement
        self._tree = TreeSum(agreement.communicator, shards)
        self._stops = False
        self.step = ShardedStep(
            self._tree,
            task.data,
            task.model,
            task.loss,
            task.optimizer,
            predicts=bool(task.metrics),
        )
        first = shares(task.batch_size, shards)
        self.tier = self.step.programs_for(first[1], first[-1]).tier
        check_shards(task, shards)
        super().__init__(task.altered(by_number=True), history, saver)

    def seconds_of_sum(self) -> float:
        """Return how long it takes to add up the gradients of all ranks: the least of some times.

        All ranks must ask together.
        """
        size = 1 + sum(parameter.size for parameter in self.task.optimizer.params)
        times = []
        for part in range(_TRIALS):
            start = perf_counter()
            self._tree(lambda shard, message: None, size, self.step.dtype, _BEFORE, part)
            times.append(perf_counter() - start)
        return min(times)

    def current(self) -> Run:
        """Return itself: it traces anew what a callback has changed."""
        return self

    def train(
        self, until: int, show: Show = lambda epoch, loss: None, watch: Watch | None = None
    ) -> None:
        """Train for one epoch, and record it."""
        self.step.refresh()
        # A step on shards writes no gradients. None is better than one that an eager step left.
        self.task.optimizer.zero_grad()
        self.train_with(self._take, self.tier)
        self._agreement.check_weights(self.task.optimizer.params, len(self.history))

    def _take(self, places: Array, *targets: Array) -> tuple[float, Any]:
        bounds, own = shares(len(places), self._tree.shards), self._tree.own
        mine = places[bounds[own.start] : bounds[own.stop]]
        arrays = [array[mine] for array in self._data]
        computed, self._stops = self.step.on_batch(bounds, arrays, stops=stopping.is_wanted())
        number = float(computed.loss)
        if math.isfinite(number):
            before = self.task.snapshot()
            with kept_on_error(before):
                self.task.latest_finite = before
                self.step.write(computed)
        return number, computed.prediction

    def _after_step(self) -> None:
        super()._after_step()
        if self._stops:
            raise KeyboardInterrupt

    def _validated(self) -> dict[str, float]:
        return validate(self.task, self._agreement.dealt_out)
