"""Agreement is what the ranks of a job have in common: data, first weights, and when to stop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.annotations import Array
from ..graphs.tensor import Tensor
from ..optim.snapshot import step_snapshot
from ..parallel.communicator import Communicator
from .conditions import conditions_of, differences
from .epochs import Evaluated
from .history import History
from .task import Task

if TYPE_CHECKING:
    from .checkpoint import Checkpoint
    from .saving import Saving

# So many rows of a memory map are compared: all of them would have to be read for it.
_SAMPLED = 1024


class Agreement:
    """What all ranks must agree on, and how.

    Parameters
    ----------
    communicator : Communicator
    """

    def __init__(self, communicator: Communicator) -> None:
        self.communicator = communicator
        self._moments = 0

    @property
    def is_first(self) -> bool:
        """Whether this is rank 0, which alone writes files and shows how far the training is."""
        return self.communicator.rank == 0

    def _moment(self) -> int:
        # Steps are counted from 0; these moments have numbers of their own.
        self._moments += 1
        return -self._moments

    def of_first(self, data: bytes) -> bytes:
        """Return what rank 0 has."""
        if self.communicator.size == 1:
            return data
        return self.communicator.broadcast(data, self._moment())

    @property
    def is_restarted(self) -> bool:
        """Whether the launcher has started the job again."""
        return self.communicator.attempt > 0

    def begin(self, task: Task, history: History, *, shuffle: bool, callbacks: list[str]) -> None:
        """Make sure that all ranks are given the same, and give them seed and weights of rank 0.

        Raises
        ------
        ValueError
            If the ranks were given different trainings.
        """
        self.communicator.training += 1
        if self.communicator.size == 1:
            return
        self._check_data(task, shuffle=shuffle, callbacks=callbacks)
        history.seed = int(self.of_first(str(history.seed).encode()))
        self._share_weights(task)

    def any_of_first(self, answers: Iterable[Any]) -> bool:
        """Return whether one of rank 0's answers is true."""
        return self.of_first(bytes([any(answers)])) == b"\x01"

    def _share_weights(self, task: Task) -> None:
        """Give all ranks the parameters, buffers and memory of rank 0."""
        snapshot = step_snapshot(task.optimizer, task.buffers)
        for tensor in snapshot.tensors:
            data = np.ascontiguousarray(tensor.data)
            found = np.frombuffer(self.of_first(data.tobytes()), data.dtype)
            tensor.data = found.reshape(data.shape).copy()

    def _check_data(self, task: Task, *, shuffle: bool, callbacks: list[str]) -> None:
        """Refuse ranks that were given another training than rank 0.

        Raises
        ------
        ValueError
        """
        import json  # here, as below: most trainings are not distributed

        data = tuple(_sample(array) for array in task.data)
        own = conditions_of(task.altered(data=data), shuffle=shuffle, callbacks=callbacks)
        own["rows"] = task.rows
        first = json.loads(self.of_first(json.dumps(own).encode()))
        found = differences(first, own)
        if found:
            raise ValueError(
                f"fit: rank 0 was given {'; '.join(found)}; all ranks must be given the same: data "
                "from a file, or made with a seed"
            )

    def check_weights(self, params: Sequence[Tensor], epoch: int) -> None:
        """Refuse weights that are not those of rank 0.

        Raises
        ------
        RuntimeError
        """
        if self.communicator.size == 1:
            return
        import hashlib

        digest = hashlib.sha256()
        for parameter in params:
            digest.update(np.ascontiguousarray(parameter.data).tobytes())
        if self.of_first(digest.digest()) != digest.digest():
            raise RuntimeError(
                f"fit: after epoch {epoch} rank {self.communicator.rank} has other weights "
                "than rank 0: something in the program, as a callback, does not do the same on all "
                "ranks, or the machines' processors compute differently"
            )

    def dealt_out(
        self, evaluate: Callable[[slice], Evaluated], blocks: Sequence[slice]
    ) -> Sequence[Evaluated]:
        """Evaluate every block on one rank, and return the results of all on all."""
        size, rank = self.communicator.size, self.communicator.rank
        mine = [evaluate(block) for block in blocks[rank::size]]
        if size == 1:
            return mine
        moment = self._moment()
        numbers = np.array([number for number, _ in mine], float).tobytes()
        losses = self._all(numbers, moment)
        found: list[Evaluated] = [(0.0, None)] * len(blocks)
        for source, data in enumerate(losses):
            for place, number in enumerate(np.frombuffer(data, float)):
                found[source + place * size] = float(number), None
        example = next((p for _, p in mine if p is not None), None)
        if self.of_first(bytes([example is not None])) == b"\x00":
            return found
        return self._with_predictions(found, [p for _, p in mine], blocks)

    def _with_predictions(
        self, found: list[Evaluated], mine: Sequence[Any], blocks: Sequence[slice]
    ) -> list[Evaluated]:
        import json

        size = self.communicator.size
        kind = [str(mine[0].dtype), list(mine[0].shape[1:])] if mine else []
        dtype, shape = json.loads(self.of_first(json.dumps(kind).encode()))
        data = b"".join(np.ascontiguousarray(p).tobytes() for p in mine)
        for source, received in enumerate(self._all(data, self._moment())):
            rows = np.frombuffer(received, dtype).reshape(-1, *shape)
            start = 0
            for place in range(source, len(blocks), size):
                stop = start + blocks[place].stop - blocks[place].start
                found[place] = found[place][0], rows[start:stop]
                start = stop
        return found

    def _all(self, data: bytes, moment: int) -> list[bytes]:
        """Return what every rank gives, on every rank."""
        import json

        found = self.communicator.gather(data, moment)
        lengths = json.loads(self.of_first(json.dumps([len(x) for x in found]).encode()))
        whole, start, parts = self.of_first(b"".join(found)), 0, []
        for length in lengths:
            parts.append(whole[start : start + length])
            start += length
        return parts

    def checkpoint(self, saving: Saving | None, *, resume: bool) -> Checkpoint | None:
        """Return the checkpoint of rank 0 to go on from, if there is one, on every rank."""
        import tempfile

        from .checkpoint import Checkpoint
        from .saving import read_checkpoint

        found = read_checkpoint(saving, resume) if self.is_first else None
        if saving is None or self.communicator.size == 1:
            return found
        data = self.of_first(b"" if found is None else saving.path.read_bytes())
        if self.is_first or not data:
            return found
        # The file need not be within reach of the other ranks, and rank 0 will soon replace it.
        with tempfile.NamedTemporaryFile(prefix="adjoint-") as file:
            file.write(data)
            file.flush()
            return Checkpoint.read(file.name)


def _sample(array: Array) -> Array:
    is_mapped = isinstance(array, np.memmap) or isinstance(array.base, np.memmap)
    return array[:: -(-len(array) // _SAMPLED)] if is_mapped and len(array) else array
