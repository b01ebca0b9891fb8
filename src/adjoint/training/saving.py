"""Saving keeps a training in a file while it runs, so that it can go on from there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from time import monotonic
from typing import TYPE_CHECKING

import numpy as np

from ..core.checks import in_range
from ..errors import require
from .callbacks.callback import Callback, Called
from .conditions import Conditions, conditions_of, differences
from .epochs import Position
from .history import History
from .run import Run
from .task import Task

if TYPE_CHECKING:
    from .agreement import Agreement
    from .checkpoint import Checkpoint

# Conditions that older versions did not note, since no training was of another kind.
_ALWAYS_SO: Conditions = {"reproducible": False, "shards": 0}
_POSITION = ("step", "rows", "loss_so_far", "sums")


class Saving:
    """Where a training is saved, and how often.

    It is saved every so many seconds, in the middle of an epoch too, and when it ends, even by
    Ctrl-C. `DivergedError` leaves the file as it was last saved. Whether the file can be written is
    found out before the first step; if writing fails all the same, the error says where else the
    training was kept.

    Parameters
    ----------
    path : str or path
    seconds : float
        How long it takes from one time to the next; 0 saves after every step, or after every turn
        of native code.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import adjoint as ad
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "run"
    >>> def train(epochs):
    ...     model = ad.nn.MLP(2, 3, 2, rng=0)
    ...     return ad.fit(model, ad.datasets.make_moons(20, seed=0), loss="cross_entropy", seed=0,
    ...                   epochs=epochs, batch_size=10, checkpoint=ad.Saving(path, seconds=10),
    ...                   optimizer=lambda p: ad.optim.Adam(p, lr=0.1), resume=path.exists())
    >>> len(train(2)), len(train(5))
    (2, 5)
    """

    def __init__(self, path: str | os.PathLike[str], *, seconds: float = 60.0) -> None:
        from pathlib import Path  # here, as below: most trainings are not saved

        self.path = Path(path)
        self.seconds = in_range("seconds", seconds)

    def __repr__(self) -> str:
        return f"Saving({str(self.path)!r}, seconds={self.seconds:g})"


class Saver:
    """Writes a training to a file when it is due, and lets it go on from a file that is there.

    Parameters
    ----------
    saving : Saving or None
        None for a training that is not saved.
    callbacks : sequence
        The state of each `Callback` among them is saved as well.
    conditions : dict
        What must be the same to go on.
    start : Checkpoint or None
        Where the training goes on from; None if it is a new one.
    """

    def __init__(
        self,
        saving: Saving | None = None,
        callbacks: Sequence[Called] = (),
        conditions: Conditions | None = None,
        start: Checkpoint | None = None,
    ) -> None:
        self.saving, self.conditions, self.start = saving, conditions or {}, start
        self.callbacks = [one for one in callbacks if isinstance(one, Callback)]
        self._latest = monotonic()

    def is_due(self) -> bool:
        """Return whether it is time to save."""
        return self.saving is not None and monotonic() - self._latest >= self.saving.seconds

    def save(self, run: Run) -> None:
        """Write the training as it stands."""
        if self.saving is None:
            return
        position = run.position()
        if position is None:
            return  # Ctrl-C came between a step and its record; the last file stays as it is
        from ..files.rescue import rescued
        from .checkpoint import Checkpoint

        seen = {name: getattr(position, name) for name in ("predictions", "targets")}
        measured = {name: np.concatenate(x) for name, x in seen.items() if x}
        checkpoint = Checkpoint.of(
            run.task.model,
            run.task.optimizer,
            run.history,
            position={name: getattr(position, name) for name in _POSITION},
            settings=self.conditions,
            measured=measured,
            callbacks=[callback.state_dict() for callback in self.callbacks],
        )
        with rescued(checkpoint.save, self.saving.path.name):
            checkpoint.save(self.saving.path)
        self._latest = monotonic()

    def resume(self, run: Run) -> None:
        """Let a run and the callbacks go on from the checkpoint, if there is one."""
        if self.start is None:
            return
        for callback, state in zip(self.callbacks, self.start.callbacks, strict=True):
            callback.load_state_dict(state)
        position = Position(**self.start.position)
        for name, array in self.start.measured.items():
            getattr(position, name).append(array)
        run.resume(position)


def saver_of(
    checkpoint: str | os.PathLike[str] | Saving | None,
    resume: bool,
    task: Task,
    history: History,
    callbacks: Sequence[Called],
    *,
    seed: object,
    shuffle: bool,
    job: Agreement | None = None,
) -> Saver:
    """Return the saver of a training; one that is resumed is put back to where it was saved.

    That holds for model, optimiser and history, and only if all of the checkpoint fits them. The
    parameters are those of `fit`, checked in ``task`` and ``history``.

    Raises
    ------
    ValueError
        If the checkpoint is of another training.
    ValueError, ImportError, OSError
        As `read_checkpoint`.
    """
    saving = as_saving(checkpoint)
    names = [type(one).__name__ for one in callbacks if isinstance(one, Callback)]
    if job is None:
        start = read_checkpoint(saving, resume)
    else:
        with job.communicator.in_one_thread():
            job.begin(task, history, shuffle=bool(shuffle), callbacks=names)
            # A job that was started again goes on from what it has saved.
            start = job.checkpoint(saving, resume=resume or job.is_restarted)
    if saving is None:
        return Saver()
    conditions = conditions_of(task, shuffle=bool(shuffle), callbacks=names)
    if start is not None:
        # Only a seed that the caller chose must be the same. One that a generator or the system
        # gave differs each time, and the one in the file takes its place.
        conditions |= {"seed": history.seed} if isinstance(seed, (int, np.integer)) else {}
        restore_checkpoint(start, task, history, conditions)
    conditions["seed"] = history.seed
    return Saver(saving if job is None or job.is_first else None, callbacks, conditions, start)


def as_saving(checkpoint: str | os.PathLike[str] | Saving | None) -> Saving | None:
    """Return where to save, given a path or a `Saving`; None for nowhere."""
    if checkpoint is None or isinstance(checkpoint, Saving):
        return checkpoint
    if isinstance(checkpoint, (str, os.PathLike)):
        return Saving(checkpoint)
    raise TypeError(
        f"checkpoint: expected a path, a Saving or None, got {type(checkpoint).__name__}"
    )


def read_checkpoint(saving: Saving | None, resume: bool) -> Checkpoint | None:
    """Return the checkpoint to go on from, if there is one.

    Raises
    ------
    ValueError
        If there is one, but ``resume`` is False; or ``resume`` is True and no file is named.
    ImportError, OSError
        If none can be written.
    """
    if saving is None:
        if resume:
            raise ValueError("fit: resume=True needs checkpoint=, the path of the file")
        return None
    from ..files.rescue import check_file_place
    from .checkpoint import Checkpoint

    require("safetensors.numpy", extra="files", purpose="checkpoint=")
    check_file_place(saving.path)
    exists = saving.path.exists()
    if exists and not resume:
        raise ValueError(
            f"fit: there is a checkpoint at {saving.path} already; go on from it with resume=True, "
            "or remove it"
        )
    return Checkpoint.read(saving.path) if exists else None


def restore_checkpoint(
    checkpoint: Checkpoint, task: Task, history: History, conditions: Conditions
) -> None:
    """Put model, optimiser and history back to where they stood, once all of it fits.

    The conditions become those of the training that began.

    Raises
    ------
    ValueError
        If the training is another one, or a version wrote the checkpoint that did not say which.
    """
    _check_version(checkpoint, conditions)
    found = differences(_before(checkpoint, conditions), conditions)
    if found:
        raise ValueError(
            f"fit: the checkpoint is of a training with {'; with '.join(found)}; to go on it must "
            "be the same"
        )
    checkpoint.restore(task.model, task.optimizer)
    history.restore(checkpoint.history)
    noted = _noted(checkpoint)
    conditions |= {name: noted[name] for name in conditions}


def _noted(checkpoint: Checkpoint) -> Conditions:
    """Return the conditions of the training that a checkpoint is of, also of an older version."""
    return _ALWAYS_SO | checkpoint.settings


def _check_version(checkpoint: Checkpoint, conditions: Conditions) -> None:
    """Refuse a checkpoint of a version that noted less than what must be the same to go on."""
    unknown = [name for name in conditions if name not in _noted(checkpoint)]
    if checkpoint.version is None and unknown:
        raise ValueError(
            "fit: the checkpoint was written by version 0.1.0 of adjoint or an earlier one, which "
            f"did not note {', '.join(unknown)}, so that nobody knows whether this is the same "
            "training; a new one can begin with its weights: adjoint.load_weights(model, path) "
            "reads them from a checkpoint too"
        )


def _before(checkpoint: Checkpoint, conditions: Conditions) -> Conditions:
    """Return the conditions that a checkpoint was written under.

    A callback may have changed the learning rate since the training began. So the rate that is
    asked for may be the first one or the one in the checkpoint.
    """
    before = _noted(checkpoint)
    groups = checkpoint.optimizer["groups"]
    for i, group in enumerate(groups):
        name = "lr" if not i else f"lr of group {i}"
        if name in before and conditions.get(name) == group["lr"]:
            before[name] = group["lr"]
    return before
