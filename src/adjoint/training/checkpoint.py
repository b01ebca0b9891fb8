"""A checkpoint is a training as it stood: all that it takes to go on, bit for bit."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..core.annotations import Array
from ..errors import UnreadableFileError
from ..files.tensor_file import read_tensors, write_tensors
from ..nn.module import Module
from ..optim import Optimizer
from ..version import __version__
from .history import History


@dataclass(frozen=True, repr=False)
class Checkpoint:
    """What a file holds of a training.

    Parameters
    ----------
    model : dict of str to array
        As ``model.state_dict()`` returns it.
    optimizer : dict
        As ``optimizer.state_dict()`` returns it, and its type's name as "type".
    history : dict
        As ``history.to_state()`` returns it.
    position : dict
        Where the epoch under way is: "step", "rows" and "loss_so_far"; also the "sums" of which
        native code makes metrics.
    settings : dict
        What must be the same to go on: "batch_size", "rows", "shuffle".
    measured : dict of str to array
        "predictions" and "targets" of the epoch under way, if there are metrics without sums.
    callbacks : list of dict
        What they go on from, as their ``state_dict()`` returns it.
    version : str or None
        The version of adjoint that wrote it; those up to 0.1.0 did not note theirs.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import adjoint as ad
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "run"
    >>> history = ad.fit(ad.nn.MLP(2, 3, 2, rng=0), ad.datasets.make_moons(32, seed=0), epochs=2,
    ...                  loss="cross_entropy", optimizer=lambda p: ad.optim.Adam(p, lr=0.1),
    ...                  checkpoint=path)
    >>> point = ad.files.Checkpoint.read(path)
    >>> point.optimizer["type"], len(point.history["records"]["loss"]), point.position["step"]
    ('Adam', 2, 0)
    """

    model: dict[str, Array]
    optimizer: dict[str, Any]
    history: dict[str, Any]
    position: dict[str, Any]
    settings: dict[str, Any]
    measured: Mapping[str, Array] = field(default_factory=dict)
    callbacks: Sequence[dict[str, Any]] = ()
    version: str | None = __version__

    def __repr__(self) -> str:
        """Say where the training stands, and how large the model is."""
        epochs = len(self.history["records"]["loss"])
        numbers = sum(array.size for array in self.model.values())
        return (
            f"<checkpoint after {epochs} epoch{'s' * (epochs != 1)}: "
            f"{self.optimizer['type']} after {self.optimizer['steps']} "
            f"step{'s' * (self.optimizer['steps'] != 1)}, {numbers:,} "
            f"number{'s' * (numbers != 1)} in {len(self.model)} arrays>"
        )

    @classmethod
    def of(
        cls,
        model: Module,
        optimizer: Optimizer,
        history: History,
        *,
        position: Mapping[str, Any],
        settings: Mapping[str, Any],
        measured: Mapping[str, Array] | None = None,
        callbacks: Sequence[dict[str, Any]] = (),
    ) -> Checkpoint:
        """Return a training as it stands."""
        rule = {"type": type(optimizer).__name__, **optimizer.state_dict()}
        return cls(
            model.state_dict(),
            rule,
            history.to_state(),
            dict(position),
            dict(settings),
            measured or {},
            callbacks,
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to a file, whole or not at all."""
        memory = self.optimizer["memory"]
        arrays = {f"model/{name}": array for name, array in self.model.items()}
        arrays |= {
            f"memory/{i}/{name}": array
            for i, entry in enumerate(memory)
            for name, array in entry.items()
        }
        arrays |= {f"measured/{name}": array for name, array in self.measured.items()}
        numbers: list[dict[str, Any]] = []
        for i, state in enumerate(self.callbacks):
            numbers.append({key: x for key, x in state.items() if not isinstance(x, dict)})
            for key in state.keys() - numbers[i].keys():
                arrays |= {f"callback/{i}/{key}/{name}": x for name, x in state[key].items()}
        content = {
            "kind": "checkpoint",
            "version": __version__,
            "optimizer": {name: x for name, x in self.optimizer.items() if name != "memory"},
            "remembered": [list(entry) for entry in memory],
            "history": self.history,
            "position": self.position,
            "settings": self.settings,
            "callbacks": numbers,
        }
        write_tensors(path, arrays, content)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Checkpoint:
        """Return what a file holds.

        Raises
        ------
        UnreadableFileError
            If it is no checkpoint, or damaged.
        """
        arrays, content = read_tensors(path)
        if content.get("kind") != "checkpoint":
            raise UnreadableFileError(
                f"{path}: a file of {content.get('kind')}; expected a checkpoint"
            )
        memory = [
            {name: arrays[f"memory/{i}/{name}"] for name in names}
            for i, names in enumerate(content["remembered"])
        ]
        return cls(
            _under("model/", arrays),
            {**content["optimizer"], "memory": memory},
            content["history"],
            content["position"],
            content["settings"],
            _under("measured/", arrays),
            [_callback(i, numbers, arrays) for i, numbers in enumerate(content["callbacks"])],
            content.get("version"),
        )

    def restore(self, model: Module, optimizer: Optimizer) -> None:
        """Put model and optimiser back to where they stood: both or neither.

        Raises
        ------
        ValueError
            If they are others: of other layers, shapes, settings or another rule.
        """
        rule = type(optimizer).__name__
        if rule != self.optimizer["type"]:
            raise ValueError(
                f"the checkpoint is of the optimiser {self.optimizer['type']}, this one is {rule}"
            )
        before = optimizer.state_dict()
        state = {name: x for name, x in self.optimizer.items() if name != "type"}
        optimizer.load_state_dict(state)
        try:
            model.load_state_dict(self.model)
        except BaseException:
            optimizer.load_state_dict(before)
            raise


def _under(start: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return the arrays whose names begin with the prefix, by the rest of their names."""
    return {
        name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)
    }


def _callback(i: int, numbers: dict[str, Any], arrays: Mapping[str, Array]) -> dict[str, Any]:
    """Return the state of a callback."""
    state = dict(numbers)
    start = f"callback/{i}/"
    for path, array in arrays.items():
        if path.startswith(start):
            key, _, name = path.removeprefix(start).partition("/")
            state.setdefault(key, {})[name] = array
    return state
