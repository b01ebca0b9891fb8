"""A table model is a network with all it needs to predict the rows of a table, in a folder."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.annotations import Array
from ..errors import TableError, UnreadableFileError
from ..estimators.network import Category, Design, Perceptron, embedding_size, input_size
from ..nn.weights import load_weights, save_weights
from ..ops.softmax import softmax
from .encoder import DTYPE, Encoder
from .target import Target

if TYPE_CHECKING:
    import pyarrow


FORMAT = "adjoint table model"
VERSION = 2
_READABLE = (1, 2)
# This stands in the place of a report that could not be written.
NO_REPORT = "<p>The report could not be written.</p>\n"
# Narrower than the estimators' default of 50: a table from a file is fitted without anyone having
# chosen its columns, and may have some of nearly as many categories as rows.
_WIDEST_EMBEDDING = 16
MODEL, WEIGHTS, REPORT = "model.json", "weights.safetensors", "report.html"


@dataclass
class TableModel:
    """A network, how it reads rows, and what it predicts.

    Attributes
    ----------
    record : dict
        What became of its training: settings, rows, metrics, losses by epoch. JSON can hold it.
    """

    encoder: Encoder
    target: Target
    network: Perceptron
    record: dict[str, Any] = field(default_factory=dict)

    def outputs(self, X: Array) -> Array:
        """Return what is predicted of encoded rows: the classes' probabilities, or numbers.

        Returns
        -------
        (n, classes) or (n,) array
        """
        found = self.network.outputs(X).astype(np.float64)
        if self.target.task == "regression":
            return np.asarray(found[:, 0] * self.target.std + self.target.mean)
        return np.asarray(softmax(found, axis=1))

    def predict(
        self, block: pyarrow.Table | pyarrow.RecordBatch, treated: Counter[str]
    ) -> dict[str, Any]:
        """Return the predictions for the rows of a block, by column: prediction, probabilities.

        Parameters
        ----------
        block : pyarrow Table or RecordBatch
        treated : Counter
            Where values that were treated specially are counted.
        """
        found = self.outputs(self.encoder.encode(block, treated))
        if self.target.task == "regression":
            return {"prediction": found}
        labels = np.array(self.target.labels, object)
        chances = {
            f"probability_{label}": found[:, k] for k, label in enumerate(self.target.labels)
        }
        return {"prediction": labels[found.argmax(axis=1)], **chances}

    # --- in a folder ------------------------------------------------------------------------------

    def save(self, folder: Path, *, report: str, replace: bool = False) -> None:
        """Write the folder: all of it or nothing.

        Raises
        ------
        TableError
            If there is something already and it is not to be replaced, or is no model.
        OSError
        """
        check_free(folder, replace=replace)
        folder = Path(os.path.realpath(folder))  # what a link leads to is replaced, not the link
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Beside its place: it is renamed when it is finished, which needs the same disk.
        part = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            state = {
                "format": FORMAT,
                "version": VERSION,
                "encoder": self.encoder.to_state(),
                "target": self.target.to_state(),
                "design": asdict(self.network.design),
                "record": self.record,
            }
            (part / MODEL).write_text(json.dumps(state, indent=1), "utf-8")
            save_weights(self.network, part / WEIGHTS)
            (part / REPORT).write_text(report, "utf-8")
            # mkdtemp lets nobody else in; a model gets the permissions of any new folder.
            part.chmod(0o777 & ~_umask())
            _put(part, folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)

    @classmethod
    def load(cls, folder: Path) -> TableModel:
        """Return the model in a folder.

        Raises
        ------
        TableError
            If the folder holds none, or one that is damaged or of another version.
        """
        try:
            state = json.loads((folder / MODEL).read_text("utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            raise TableError(
                f"{folder}: no model; expected a folder with {MODEL}, as from adjoint fit"
            ) from None
        except (OSError, ValueError) as error:
            raise TableError(f"{folder / MODEL}: cannot be read: {error}") from None
        if not isinstance(state, dict) or state.get("format") != FORMAT:
            raise TableError(f"{folder / MODEL}: not of a model of adjoint fit")
        if state.get("version") not in _READABLE:
            raise TableError(
                f"{folder}: a model of version {state.get('version')}; this adjoint reads versions "
                f"{_READABLE[0]} to {VERSION}"
            )
        try:
            return cls._restored(folder, state)
        except (KeyError, TypeError, ValueError, AttributeError, UnreadableFileError) as error:
            raise TableError(f"{folder}: the model is damaged: {error}") from None
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise TableError(f"{folder / WEIGHTS}: cannot be read: {reason}") from None

    @classmethod
    def _restored(cls, folder: Path, state: dict[str, Any]) -> TableModel:
        encoder, target = Encoder.from_state(state["encoder"]), Target.from_state(state["target"])
        design = _design_of(state["design"])
        # A design that does not fit its columns would fail only when rows are predicted.
        expected = design_for(encoder, target, hidden=design.sizes[1:-1], dropout=design.dropout)
        if design != expected:
            raise ValueError(f"its network is {design.sizes}, its columns need {expected.sizes}")
        network = Perceptron(design, np.random.RandomState(0), DTYPE)
        load_weights(network, folder / WEIGHTS)
        return cls(encoder, target, network, state["record"])


def design_for(
    encoder: Encoder, target: Target, *, hidden: tuple[int, ...], dropout: float
) -> Design:
    """Return the design of a network from the columns to the target."""
    categories = tuple(
        Category(place, column.count, embedding_size(column.count, most=_WIDEST_EMBEDDING))
        for place, column in encoder.categories().items()
    )
    sizes = (input_size(categories, encoder.width), *hidden, target.outputs)
    return Design(sizes, ("relu",) * len(hidden), dropout=dropout, categories=categories)


def check_free(folder: Path, *, replace: bool) -> None:
    """Refuse a folder that exists; one with a model is accepted if it may be replaced.

    Raises
    ------
    TableError
    """
    # A link that leads to itself is there, though nothing behind it is.
    is_there = folder.exists() or os.path.islink(os.path.realpath(folder))
    if not is_there or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not (folder / MODEL).is_file():
        raise TableError(f"{folder}: there is something else already; choose another --out")
    if not replace:
        raise TableError(f"{folder}: there is a model already; --force replaces it")


def _design_of(state: dict[str, Any]) -> Design:
    categories = tuple(Category(**category) for category in state["categories"])
    sizes, activations = tuple(state["sizes"]), tuple(state["activations"])
    return Design(sizes, activations, dropout=state["dropout"], categories=categories)


def _put(part: Path, folder: Path) -> None:
    """Give a finished folder its name; a model of that name is removed once this one is there."""
    if not folder.exists():
        os.rename(part, folder)
        return
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as old:
        os.rename(folder, Path(old) / "model")
        try:
            os.rename(part, folder)
        except OSError:
            os.rename(Path(old) / "model", folder)
            raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return int(mask)
