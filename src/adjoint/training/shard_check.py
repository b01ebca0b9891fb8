"""The check before a distributed training that shards of a batch give what the whole batch gives.

They do where the loss is a mean, or a declared sum, of what each row contributes. A trace cannot
tell whether a function of the user's is one, so some rows are tried.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product

import numpy as np

from ..core.annotations import Array
from ..graphs.tensor import Tensor
from ..optim import SGD
from ..parallel.communicator import Alone
from ..parallel.tree_sum import TreeSum, shares
from .sharded_step import ShardedStep
from .step import Computed, TrainingStep
from .task import Task

# So many of a batch's shards are tried: two may agree by chance, all take long.
_SHARDS = 3
# The weights are moved a little, relative to their size: weights that are 0 may hide what comes
# before them, and at the end of a training all gradients are rounding. Where moved weights have no
# loss, as a root of a number that was 0, they are tried as they are.
_MOVES = (1e-2, 0.0)
# Rounding in float64 makes some 1e-15 of the largest gradient; of rows that a batch norm of few
# rows divides by next to nothing, some 1e-9.
_TOLERANCE = 1e-6
# So large a step that the gradient is read from the new parameters without the rounding of these.
_RATE = 2.0**20


@dataclass(frozen=True)
class _Outcome:
    loss: float
    gradients: Sequence[Array]

    def size(self) -> float:
        """Return the largest number in the gradients, NaN if there is one."""
        return float(np.max([np.abs(g).max(initial=0.0) for g in self.gradients], initial=0.0))


def check_shards(task: Task, shards: int) -> None:
    """Refuse a training whose shards do not add up to the batch.

    Parameters
    ----------
    task : Task
    shards : int
        Into how many parts a batch is to be dealt.

    Raises
    ------
    ValueError
    """
    bounds = shares(min(task.batch_size, task.rows), shards)
    for move, tried in product(_MOVES, (min(_SHARDS, shards), shards)):
        places = np.linspace(0, task.rows - 1, bounds[tried]).astype(np.intp)
        found = _tried(task, [array[places] for array in task.data], tried, move)
        if found is not None:
            whole, part, dealt_out = found
            if not _agree(whole, part, dealt_out):
                raise ValueError(_about(whole, dealt_out))
            return


def _tried(
    task: Task, batch: Sequence[Array], shards: int, move: float
) -> tuple[_Outcome, _Outcome, _Outcome] | None:
    """Return what a whole batch gives, its first shard, and all of it in shards.

    None if the rows have no loss, as where all labels are ignored.
    """
    params = [p for p in task.optimizer.params if p.requires_grad]
    settings = task.model, task.loss, SGD(params, lr=_RATE)
    with (
        _in_float64(TrainingStep(*settings).tensors.values()),
        np.errstate(all="ignore"),
    ):
        for parameter in params:
            parameter.data = _moved(parameter.data, move)
        batch = [_widened(array) for array in batch]
        bounds = shares(len(batch[0]), shards)
        plain = TrainingStep(*settings, tiers={})
        try:
            whole = _outcome(plain, plain.computing()(*batch))
            part = _outcome(plain, plain.computing()(*[array[: bounds[1]] for array in batch]))
        except ValueError:
            return None
        sharded = ShardedStep(TreeSum(Alone(), shards), batch, *settings, tiers={})
        found, _ = sharded.on_batch(bounds, batch)
        dealt_out = _outcome(sharded, found)
    is_finite = all(map(math.isfinite, (whole.loss, whole.size())))
    return (whole, part, dealt_out) if is_finite else None


def _outcome(step: TrainingStep, computed: Computed) -> _Outcome:
    pairs = zip(step.params.values(), computed.parameters, strict=True)
    return _Outcome(float(computed.loss), [(old.data - new) / _RATE for old, new in pairs])


def _agree(whole: _Outcome, part: _Outcome, dealt_out: _Outcome) -> bool:
    """Return whether two outcomes differ by rounding alone.

    Gradients of rows may cancel in the whole, so its size alone does not tell what rounding is.
    """
    losses, sizes = (
        [x for x in pair if math.isfinite(x)]
        for pair in ((abs(whole.loss), abs(part.loss)), (whole.size(), part.size()))
    )
    apart = _Outcome(
        abs(whole.loss - dealt_out.loss),
        [a - b for a, b in zip(whole.gradients, dealt_out.gradients, strict=True)],
    )
    return apart.loss <= _TOLERANCE * max(losses) and apart.size() <= _TOLERANCE * max(sizes)


def _about(whole: _Outcome, dealt_out: _Outcome) -> str:
    difference = "the gradients differ"
    if abs(whole.loss - dealt_out.loss) > _TOLERANCE * abs(whole.loss):
        difference = f"the losses are {whole.loss:.6g} and {dealt_out.loss:.6g}"
    return (
        "shards of a batch, each computed alone, do not add up to what the whole batch gives: "
        f"{difference}. Each row must contribute to the loss by itself: loss and model may take "
        'means over the rows (sums only in a loss whose attribute reduction is "sum", and then '
        "without a penalty that is no sum over rows); a root or a maximum of all rows, rows that "
        "are compared or centred, and noise that all rows share are not dealt out. Only "
        "nn.BatchNorm looks at all of them"
    )


def _moved(data: Array, move: float) -> Array:
    size = float(np.abs(data).max(initial=0.0)) or 1.0
    moved: Array = data + move * size * np.random.default_rng(0).uniform(-1, 1, data.shape)
    return moved


def _widened(array: Array) -> Array:
    return array.astype(np.float64) if array.dtype.kind == "f" else array


@contextmanager
def _in_float64(tensors: Iterable[Tensor]) -> Iterator[None]:
    """Let floats be float64 in the ``with`` block: float32 would hide small differences."""
    before = [(tensor, tensor.data) for tensor in tensors]
    try:
        for tensor, data in before:
            tensor.data = _widened(data)
        yield
    finally:
        for tensor, data in before:
            tensor.data = data
