"""Saving keeps a training in a file while it runs, so that it can go on from there."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from .callbacks.callback import Callback
from .conditions import differences
from .epochs import Progress
from .errors import require
from .files.checkpoint import Checkpoint
from .history import History
from .optim.ranges import in_range
from .rescue import check_file_place, rescued
from .task import Task
from .trainer import Trainer

_POSITION = ("step", "rows", "loss_so_far")


class Saving:
    """Where a training is saved, and how often.

    It is saved after so many seconds, in the midst of an epoch too, and at its end, also if that is
    Ctrl-C. After `DivergedError` the file is that of before. Whether it can be written is found out
    before the first step; if it fails all the same, the error says where else it was kept.

    Parameters
    ----------
    path : str or path
    seconds : float
        From one time to the next; 0 saves after every step, or turn of native code.

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
        self.path = Path(path)
        self.seconds = in_range("seconds", seconds)


class SavedRun:
    """A training that is saved.

    Parameters
    ----------
    saving : Saving
    trainer : Trainer
    callbacks : sequence
    settings : dict
        What must be the same to go on.
    """

    def __init__(
        self,
        saving: Saving,
        trainer: Trainer,
        callbacks: Sequence[Any],
        settings: dict[str, Any],
    ) -> None:
        self.saving, self.trainer, self.settings = saving, trainer, settings
        self.callbacks = [one for one in callbacks if isinstance(one, Callback)]
        self._latest = monotonic()
        own = weakref.proxy(self)  # the two would keep each other, and the model, for the collector
        trainer.is_due, trainer.save = lambda: own.is_due(), lambda: own.save()

    def is_due(self) -> bool:
        """Return whether it is time to save."""
        return monotonic() - self._latest >= self.saving.seconds

    def save(self) -> None:
        """Write the training as it stands."""
        trainer = self.trainer
        progress = trainer.position()
        if progress is None:
            return  # Ctrl-C came between a step and its record: the file of before stays
        seen = {name: getattr(progress, name) for name in ("predictions", "targets")}
        measured = {name: np.concatenate(x) for name, x in seen.items() if x}
        point = Checkpoint.of(
            trainer.task.model,
            trainer.task.optimizer,
            trainer.history,
            position={name: getattr(progress, name) for name in _POSITION},
            settings=self.settings,
            measured=measured,
            callbacks=[callback.state_dict() for callback in self.callbacks],
        )
        with rescued(point.save, self.saving.path.name):
            point.save(self.saving.path)
        self._latest = monotonic()

    def resume(self, point: Checkpoint) -> None:
        """Go on from a checkpoint that was restored."""
        for callback, state in zip(self.callbacks, point.callbacks, strict=True):
            callback.load_state_dict(state)
        progress = Progress(**point.position)
        for name, array in point.measured.items():
            getattr(progress, name).append(array)
        self.trainer.resume(progress)


@contextmanager
def saved_at_the_end(run: SavedRun | None) -> Iterator[None]:
    """Save a training after the ``with`` block, also if that ends by Ctrl-C; not after an error."""
    try:
        yield
    except KeyboardInterrupt:
        if run is not None:
            run.save()
        raise
    if run is not None:
        run.save()


def as_saving(checkpoint: Any) -> Saving | None:
    """Return where to save, of a path or a `Saving`; None for nowhere."""
    if checkpoint is None or isinstance(checkpoint, Saving):
        return checkpoint
    if isinstance(checkpoint, (str, os.PathLike)):
        return Saving(checkpoint)
    raise TypeError(
        f"checkpoint: expected a path, a Saving or None, got {type(checkpoint).__name__}"
    )


def read_point(saving: Saving | None, resume: bool) -> Checkpoint | None:
    """Return the checkpoint to go on from, if there is one.

    Raises
    ------
    ValueError
        If there is one, and it is not to be gone on from; or nowhere to look for it.
    ImportError, OSError
        If none can be written.
    """
    if saving is None:
        if resume:
            raise ValueError("fit: resume=True needs checkpoint=, the path of the file")
        return None
    require("safetensors.numpy", extra="files", purpose="checkpoint=")
    check_file_place(saving.path)
    exists = saving.path.exists()
    if exists and not resume:
        raise ValueError(
            f"fit: there is a checkpoint at {saving.path} already; go on from it with resume=True, "
            "or remove it"
        )
    return Checkpoint.read(saving.path) if exists else None


def restore_point(
    point: Checkpoint,
    task: Task,
    history: History,
    settings: dict[str, Any],
) -> None:
    """Put model, optimiser and history back to where they stood, once all of it fits.

    The settings become those of the training that began.

    Raises
    ------
    ValueError
        If the training is another one, or a version wrote the checkpoint that did not say which.
    """
    _check_version(point, settings)
    found = differences(_before(point, settings), settings)
    if found:
        raise ValueError(
            f"fit: the checkpoint is of a training with {'; with '.join(found)}; to go on it must "
            "be the same"
        )
    point.restore(task.model, task.optimizer)
    history.restore(point.history)
    settings |= {name: point.settings[name] for name in settings}


def _check_version(point: Checkpoint, settings: dict[str, Any]) -> None:
    """Refuse a checkpoint of a version that noted less than what must be the same to go on."""
    unknown = [name for name in settings if name not in point.settings]
    if point.version is None and unknown:
        raise ValueError(
            "fit: the checkpoint was written by version 0.1.0 of adjoint or an earlier one, which "
            f"did not note {', '.join(unknown)}, so that nobody knows whether this is the same "
            "training; a new one can begin with its weights: adjoint.load_weights(model, path) "
            "reads them from a checkpoint too"
        )


def _before(point: Checkpoint, settings: dict[str, Any]) -> dict[str, Any]:
    """Return what a checkpoint says of its training.

    A callback may have changed the learning rate since that began: it may also be the present one.
    """
    before = dict(point.settings)
    groups = point.optimizer["groups"]
    for i, group in enumerate(groups):
        name = "lr" if not i else f"lr of group {i}"
        if name in before and settings.get(name) == group["lr"]:
            before[name] = group["lr"]
    return before
