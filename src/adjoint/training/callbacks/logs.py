"""A log is a history that is written down while it is made, for other programs to read."""

from __future__ import annotations

import math
from os import PathLike
from typing import Any, TextIO

from ...errors import require
from ...nn.module import Module
from ..history import History
from .callback import Callback, Training

_NOT_TRAINING = "this log is open during a training only; pass it to fit(callbacks=[...])"


class JSONLines(Callback):
    """Write one JSON object an epoch, each on a line of its own, as soon as the epoch is over.

    NaN and infinity, which JSON does not have, are written as null.

    Parameters
    ----------
    path : str or path
        A file that is there already is written anew.
    append : bool
        Go on at its end instead.

    Examples
    --------
    >>> import json, pathlib, tempfile
    >>> import adjoint as ad
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "run.jsonl"
    >>> model = ad.nn.MLP(2, 2, rng=0)
    >>> history = ad.fit(model, ad.datasets.make_moons(20, seed=0), loss="cross_entropy", epochs=2,
    ...                  batch_size=10, optimizer=lambda p: ad.optim.SGD(p, lr=0.1), seed=0,
    ...                  callbacks=[JSONLines(path)])
    >>> [list(json.loads(line)) for line in path.read_text().splitlines()]
    [['epoch', 'loss'], ['epoch', 'loss']]
    """

    is_of_first_rank = True

    def __init__(self, path: str | PathLike[str], *, append: bool = False) -> None:
        from pathlib import Path  # here, as below: most trainings write no log

        self.path = Path(path)
        self.append = append
        self._file: TextIO | None = None

    def start(self, training: Training) -> None:
        """Open the file."""
        self._file = self.path.open("a" if self.append else "w", encoding="utf-8", newline="\n")

    def __call__(self, history: History, model: Module) -> None:
        """Write the latest epoch down."""
        if self._file is None:
            raise RuntimeError(f"JSONLines: {_NOT_TRAINING}")
        import json

        numbers = {n: x if math.isfinite(x) else None for n, x in _latest(history).items()}
        self._file.write(json.dumps({"epoch": len(history), **numbers}) + "\n")
        self._file.flush()

    def end(self, history: History, model: Module) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


class TensorBoard(Callback):
    """Write every number of every epoch where TensorBoard finds it: ``tensorboard --logdir``.

    It needs tensorboardX (the extra `tensorboard`), which does not bring TensorBoard itself.

    Parameters
    ----------
    folder : str or path
        One for each training; made if it is not there.

    Raises
    ------
    ImportError
        If tensorboardX is not installed, when the training starts.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import adjoint as ad
    >>> folder = pathlib.Path(tempfile.mkdtemp()) / "first"
    >>> history = ad.fit(ad.nn.MLP(2, 3, 2, rng=0), ad.datasets.make_moons(32, seed=0), epochs=2,
    ...                  loss="cross_entropy", optimizer=lambda p: ad.optim.SGD(p, lr=0.1),
    ...                  callbacks=[ad.callbacks.TensorBoard(folder)])
    >>> [path.name[:6] for path in folder.iterdir()]
    ['events']
    """

    is_of_first_rank = True

    def __init__(self, folder: str | PathLike[str]) -> None:
        from pathlib import Path

        self.folder = Path(folder)
        self._writer: Any = None

    def start(self, training: Training) -> None:
        """Open a new file of events in the folder."""
        tensorboard = require("tensorboardX", extra="tensorboard", purpose="callbacks.TensorBoard")
        self._writer = tensorboard.SummaryWriter(str(self.folder))

    def __call__(self, history: History, model: Module) -> None:
        """Write the latest epoch down."""
        if self._writer is None:
            raise RuntimeError(f"TensorBoard: {_NOT_TRAINING}")
        for name, number in _latest(history).items():
            self._writer.add_scalar(name, number, len(history))
        self._writer.flush()

    def end(self, history: History, model: Module) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _latest(history: History) -> dict[str, float]:
    return {name: history[name][-1] for name in history.keys()}  # noqa: SIM118
