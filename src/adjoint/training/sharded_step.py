"""A sharded step is a training step whose batch is dealt out in shards, to one process or several.

The gradient of each shard is computed alone, and all are added up in a fixed tree: so the numbers
do not depend on how many processes there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..core.annotations import Array
from ..core.spec import Spec
from ..core.tree import leaves
from ..graphs.symbol import Symbol
from ..nn.losses.loss import reduction_of
from ..ops.shards import Shard, sharded, sum_over_shards
from ..parallel.tree_sum import TreeSum
from .staged_programs import ShardValues, StagedPrograms
from .stages import CoupledRowsError, cut
from .step import BATCH, Computed, TrainingStep


class ShardedStep(TrainingStep):
    """A step on a batch in shards.

    Parameters
    ----------
    tree : TreeSum
        Which shards this process computes, and how all are added up.
    data : sequence of (n, ...) array
        What batches are made of: X, y and perhaps weights of the rows.
    *args, **kwargs
        As for `TrainingStep`.
    """

    def __init__(self, tree: TreeSum, data: Sequence[Array], *args: Any, **kwargs: Any) -> None:
        self.tree = tree
        self._batch = 0  # how many rows the batch has whose step is traced
        self._staged: dict[tuple[int, int], StagedPrograms] = {}
        self._present: Any = None
        self._rows = [(array.shape[1:], array.dtype) for array in data]
        super().__init__(*args, **kwargs)
        self.refresh()

    # --- tracing

    def arguments(self, *batch: Array | Spec) -> dict[str, Any]:
        """Return the graph's arguments by name, those last that differ from shard to shard.

        The last two of a batch are how much of it the shard is, and which of its rows it has.
        """
        *arrays, share, places = batch
        own = dict(zip(BATCH, arrays, strict=False))
        return {**super().arguments(), **own, "share": share, "places": places}

    def _differentiated(self, values: Mapping[str, Any]) -> tuple[Any, Sequence[Any]]:
        (loss, aux), gradients = super()._differentiated(values)
        # A gradient that is no symbol is that of a parameter which the loss does not depend on.
        summed = [sum_over_shards(g) if isinstance(g, Symbol) else g for g in gradients]
        return (sum_over_shards(loss), aux), summed

    def _loss(self, values: Mapping[str, Any], parameters: Sequence[Any]) -> tuple[Any, Any]:
        with sharded(Shard(values["X"].shape[0], self._batch, values["places"])):
            loss, aux = super()._loss(values, parameters)
        return loss * values["share"], aux

    def refresh(self) -> None:
        """See what has changed in model, loss and optimiser besides numbers."""
        present = self._refreshed_key()
        if present != self._present:
            self._present = present
            self._staged.clear()
        self._is_sum = reduction_of(self.loss) == "sum"

    def programs_for(self, rows: int, batch: int) -> StagedPrograms:
        """Return the programs of a step, for a shard of so many rows of a batch.

        Raises
        ------
        TypeError, ValueError
            If the step cannot be traced, or a buffer depends on the rows of one shard.
        """
        found = self._staged.get((rows, batch))
        if found is None:
            found = self._staged[rows, batch] = self._cut(rows, batch)
        return found

    def _cut(self, rows: int, batch: int) -> StagedPrograms:
        arrays = [Spec((rows, *shape), dtype) for shape, dtype in self._rows]
        share, places = Spec((), self.dtype), Spec((rows,), np.dtype(np.intp))
        self._batch = batch
        arguments = self.arguments(*arrays, share, places)
        graph = self.trace(arguments)
        count = len(graph.inputs)
        differing = range(count - len(arrays) - 2, count)
        predictions = [len(graph.outputs) - 1] if self.predicts else []
        try:
            stages = cut(graph, differing, predictions)
        except CoupledRowsError as error:
            raise TypeError(self._about_coupled(graph.gives, error.output)) from None
        return StagedPrograms(stages, differing.start, graph.gives, tiers=self.tiers)

    def _about_coupled(self, gives: Any, output: int) -> str:
        written = gives[-2 - self.predicts] if self.buffers else []
        named = dict(zip(written, self.buffers, strict=True)) if self.buffers else {}
        return (
            f"{named.get(output, 'a result of the step')} is computed of the rows of one shard, "
            "and would differ from shard to shard; only nn.BatchNorm and adjoint's losses sum over "
            "all of them"
        )

    # --- taking steps

    def on_batch(
        self, bounds: Sequence[int], arrays: Sequence[Array], *, stops: bool = False
    ) -> tuple[Computed, bool]:
        """Return what a step on a batch computes, and whether some rank wants to stop.

        Parameters
        ----------
        bounds : sequence of int
            Where each shard begins in the batch, and the last one ends.
        arrays : sequence of array
            The rows of the own shards.
        stops : bool
            Whether this rank wants to.
        """
        batch, start = bounds[-1], bounds[self.tree.own.start]
        shards: dict[int, ShardValues] = {}
        for shard in self.tree.own:
            first, last = bounds[shard], bounds[shard + 1]
            if first == last:
                continue
            share = np.array(1.0 if self._is_sum else (last - first) / batch, self.dtype)
            own = [array[first - start : last - start] for array in arrays]
            programs = self.programs_for(last - first, batch)
            shards[shard] = programs.on_shard([*own, share, np.arange(first, last)], first)
        # A rank may have no shard of a batch with fewer rows than shards.
        common = next((x.programs for x in shards.values()), None) or self.programs_for(
            bounds[1], batch
        )
        given = list(leaves(list(super().arguments().values())))
        found, stopped = common.run(
            given, shards, batch, self.tree, self.optimizer.steps, stops=stops
        )
        return self._computed(found), stopped
