"""Staged programs run a step on shards, stage by stage, with sums over all shards in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from ..compiler.program import Program, Tier
from ..compiler.simplify.excerpt import Excerpt
from ..core.annotations import Array
from ..core.spec import Spec
from ..core.tree import assembler
from ..parallel.communicator import Message
from ..parallel.tree_sum import TreeSum
from .stages import Stages


@dataclass
class ShardValues:
    """What is known of one shard while a step goes on.

    Parameters
    ----------
    programs : StagedPrograms
        For shards of its size.
    first : int
        Which row of the batch is its first one.
    values : dict of int to array
        By the numbers that `Stages` gives them.
    """

    programs: StagedPrograms
    first: int
    values: dict[int, Array] = field(default_factory=dict)


class StagedPrograms:
    """The stages of a step, for shards of one size, as programs.

    Parameters
    ----------
    stages : Stages
    common : int
        How many inputs are the same for all shards; these come first.
    gives : tree
        The structure of the step's results.
    tiers : mapping of str to Tier, optional
        As for `Program`.

    Attributes
    ----------
    tier : str
        What the stages on shards run in.
    """

    def __init__(
        self, stages: Stages, common: int, gives: Any, *, tiers: Mapping[str, Tier] | None = None
    ) -> None:
        self.stages, self._common = stages, common
        self._of_shards = [_StageProgram(stage, tiers) for stage in stages.of_shards]
        self._draws = _StageProgram(stages.draws, tiers)
        self._last = _StageProgram(stages.last, tiers)
        self._assemble = assembler(gives)
        self._layouts = [
            _Layout([argument for argument, _ in sums], stage)
            for sums, stage in zip(stages.sums, stages.of_shards, strict=True)
        ]
        self.tier = next((p.program.tier for p in self._of_shards if p.program), "native")

    def on_shard(self, arrays: Sequence[Array], first: int) -> ShardValues:
        """Return a shard of a batch, of what differs from shard to shard."""
        return ShardValues(self, first, dict(enumerate(arrays, self._common)))

    def run(
        self,
        given: Sequence[Array],
        shards: Mapping[int, ShardValues],
        batch: int,
        tree: TreeSum,
        step: int,
        *,
        stops: bool,
    ) -> tuple[Any, bool]:
        """Return the results of a step, and whether some rank wants to stop.

        Parameters
        ----------
        given : sequence of array
            The inputs that are the same for all shards.
        shards : mapping of int to ShardValues
            The own shards that have rows.
        batch : int
            How many rows the batch has.
        tree : TreeSum
        step : int
            The number of the step.
        stops : bool
            Whether this rank wants to.
        """
        common: dict[int, Array] = dict(enumerate(given))
        self._draws.run(common, common)
        for part, layout in enumerate(self._layouts):

            def fill(shard: int, message: Message, part: int = part) -> None:
                message.stops = stops
                held = shards.get(shard)
                if held is None:
                    message.numbers[:] = 0
                    return
                held.programs.on_stage(part, common, held)
                held.programs._layouts[part].write(held.values, message)

            total = tree(fill, layout.size, layout.dtype, step, part)
            # The message serves the next sum of its size, too.
            is_last = part == len(self._layouts) - 1
            numbers = total.numbers if is_last else total.numbers.copy()
            results = [result for _, result in self.stages.sums[part]]
            common.update(zip(results, layout.read(numbers), strict=True))
        stopped = total.stops
        for number in self.stages.of_rows:
            common[number] = self._predictions(number, shards, batch, tree, step)
        return self.finish(common), stopped

    def on_stage(self, part: int, common: Mapping[int, Array], shard: ShardValues) -> None:
        """Compute what a stage gives for a shard."""
        self._of_shards[part].run(_Both(common, shard.values), shard.values)

    def finish(self, common: dict[int, Array]) -> Any:
        """Return the results of the step, of what is the same for all shards."""
        self._last.run(common, common)
        ends: list[Any] = [common[x] if isinstance(x, int) else x for x in self.stages.results]
        return self._assemble(ends)

    def _predictions(
        self,
        number: int,
        shards: Mapping[int, ShardValues],
        batch: int,
        tree: TreeSum,
        step: int,
    ) -> Array:
        """Return what each shard has for its own rows, for all rows of the batch.

        Bytes are added up to which all shards but one contribute 0: that changes none.
        """
        spec = self._spec(number)
        row = spec.dtype.itemsize * int(np.prod(spec.shape[1:]))

        def fill(shard: int, message: Message) -> None:
            message.numbers[:] = 0
            held = shards.get(shard)
            if held is not None:
                data = np.ascontiguousarray(held.values[number]).reshape(-1).view(np.uint8)
                message.numbers[held.first * row :][: len(data)] = data

        total = tree(fill, batch * row, np.uint8, step, len(self._layouts))
        found: Array = total.numbers.copy().view(spec.dtype)
        return found.reshape(batch, *spec.shape[1:])

    def _spec(self, number: int) -> Spec:
        for stage in self.stages.of_shards:
            if number in stage.writes:
                found: Spec = stage.graph.outputs[stage.writes.index(number)].data
                return found
        raise KeyError(number)


class _Both(dict[int, Array]):
    """The values of a shard, and behind them those that are the same for all shards."""

    def __init__(self, common: Mapping[int, Array], own: Mapping[int, Array]) -> None:
        super().__init__(own)
        self._common = common

    def __missing__(self, number: int) -> Array:
        return self._common[number]


class _StageProgram:
    """A stage as a program; one that writes nothing has none."""

    def __init__(self, stage: Excerpt, tiers: Mapping[str, Tier] | None) -> None:
        self.stage = stage
        self.program = Program(stage.graph, tiers=tiers) if stage.writes else None

    def run(self, reads: Mapping[int, Array], writes: dict[int, Array]) -> None:
        """Compute what the stage writes from what it reads."""
        if self.program is not None:
            # A result without axes may be a scalar of NumPy's, which native code cannot read.
            arrays = [np.asarray(reads[number]) for number in self.stage.reads]
            found = self.program.run(arrays)
            writes.update(zip(self.stage.writes, found, strict=True))


class _Layout:
    """Where the arrays that are summed lie in a message."""

    def __init__(self, arguments: Sequence[int], stage: Excerpt) -> None:
        self.arguments = arguments
        outputs = [stage.graph.outputs[stage.writes.index(number)] for number in arguments]
        self._specs: list[Spec] = [output.data for output in outputs]
        self.dtype = np.result_type(np.float32, *(spec.dtype for spec in self._specs))
        ends = np.cumsum([0, *(int(np.prod(spec.shape)) for spec in self._specs)])
        self._parts = [slice(*pair) for pair in pairwise(ends.tolist())]
        self.size = int(ends[-1])

    def write(self, values: Mapping[int, Array], message: Message) -> None:
        """Write a shard's arrays into a message."""
        for number, part in zip(self.arguments, self._parts, strict=True):
            message.numbers[part] = values[number].reshape(-1)

    def read(self, numbers: Array) -> list[Array]:
        """Return the sums."""
        return [
            numbers[part].reshape(spec.shape).astype(spec.dtype, copy=False)
            for part, spec in zip(self._parts, self._specs, strict=True)
        ]
