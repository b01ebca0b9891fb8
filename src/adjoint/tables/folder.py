"""A model's folder holds its weights, its description, its report, and prints of its rows."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import TableError, UnreadableFileError
from ..files.tensor_file import read_tensors, write_tensors
from ..network import Design, Perceptron
from ..nn.ensemble import Ensemble
from ..nn.weights import load_weights, save_weights
from .encoder import DTYPE, Encoder
from .fingerprints import Fingerprints
from .model import TableModel, design_for
from .record import Record
from .settings import MOST_BINS
from .state import restored
from .target import Target
from .targets import AnyTarget, Targets

FORMAT = "adjoint table model"
VERSION = 4
_READABLE = (1, 2, 3, 4)
_MOST_MEMBERS = 1000
# Earlier versions had one network, without a linear path.
_FIRST_ENSEMBLE = 3
# This stands in the place of a report that could not be written.
NO_REPORT = "<p>The report could not be written.</p>\n"
MODEL, WEIGHTS, REPORT, ROWS = FILES = (
    "model.json",
    "weights.safetensors",
    "report.html",
    "rows.safetensors",
)
# What a description tells the digests of. The report is for people, who may change it.
BESIDE = (WEIGHTS, ROWS)
_MOST_BYTES = 1 << 28
_MOST_UNITS = 1 << 31


def save_model(model: TableModel, folder: Path, *, report: str, replace: bool = False) -> None:
    """Write a model's folder: all of it or nothing.

    Where a model is replaced, files of others in its folder stay.

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
        save_weights(model.network, part / WEIGHTS)
        if model.fingerprints is not None:
            write_tensors(part / ROWS, model.fingerprints.arrays(), {})
        state = {
            "format": FORMAT,
            "version": VERSION,
            "encoder": model.encoder.to_state(),
            "target": model.target.to_state(),
            "design": asdict(model.design),
            "members": len(model.network.members),
            "record": model.record.to_state() if model.record else None,
            "digests": _digests(part),
        }
        state["checksum"] = _checksum(state)
        text = json.dumps(state, indent=1, ensure_ascii=False, allow_nan=False)
        (part / MODEL).write_text(text, "utf-8")
        (part / REPORT).write_text(report, "utf-8")
        # mkdtemp lets nobody else in; a model gets the permissions of any new folder.
        part.chmod(0o777 & ~_umask())
        _put(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def load_model(folder: Path) -> TableModel:
    """Return the model in a folder. Nothing in it is believed before it is checked.

    Raises
    ------
    TableError
        If the folder holds none, or one that is damaged or of another version.
    """
    state = _read(folder)
    try:
        return _restored(folder, state)
    except (KeyError, TypeError, ValueError, UnreadableFileError, RecursionError) as error:
        raise TableError(f"{folder}: the model is damaged: {error}") from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        name = Path(error.filename or WEIGHTS).name
        raise TableError(f"{folder / name}: cannot be read: {reason}") from None


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
    if not _is_ours(folder):
        raise TableError(f"{folder}: there is something else already; choose another --out")
    if not replace:
        raise TableError(f"{folder}: there is a model already; --force replaces it")


def _is_ours(folder: Path) -> bool:
    """Return whether a folder has a description that adjoint wrote, damaged or not."""
    try:
        with (folder / MODEL).open("rb") as file:
            return FORMAT.encode() in file.read(4096)
    except OSError:
        return False


def _read(folder: Path) -> dict[str, Any]:
    path = folder / MODEL
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise TableError(f"{path}: has more than {_MOST_BYTES >> 20} MiB")
        # What JSON does not have, NaN, stands in files of version 1 for scores that were not there.
        state = json.loads(path.read_text("utf-8"), parse_constant=lambda _: None)
        # JSON can spell half of a character, which no file and no column of Arrow's can hold.
        json.dumps(state, ensure_ascii=False).encode()
    except (FileNotFoundError, NotADirectoryError):
        raise TableError(
            f"{folder}: no model; expected a folder with {MODEL}, as from adjoint fit"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise TableError(f"{path}: cannot be read: {error}") from None
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise TableError(f"{path}: not of a model of adjoint fit")
    if state.get("version") not in _READABLE:
        raise TableError(
            f"{folder}: a model of version {state.get('version')!s:.40}; this adjoint reads "
            f"versions {_READABLE[0]} to {VERSION}"
        )
    return state


def _restored(folder: Path, state: dict[str, Any]) -> TableModel:
    if state["version"] > 1:
        if state.get("checksum") != _checksum(state):
            raise ValueError(f"{MODEL} was changed after it had been written")
        found = _digests(folder)
        for name in BESIDE:
            wanted = state["digests"].get(name)
            if wanted and name not in found:
                raise FileNotFoundError(errno.ENOENT, "no such file", name)
            if wanted != found.get(name):
                raise ValueError(f"{name} is not the file that {MODEL} was written with")
    encoder, target = restored(Encoder, state["encoder"]), _target(state["target"])
    is_ensemble = state["version"] >= _FIRST_ENSEMBLE
    design = _design(state["design"], encoder, target, is_ensemble=is_ensemble)
    members = state["members"] if is_ensemble else 1
    if type(members) is not int or not 0 < members <= _MOST_MEMBERS:
        raise ValueError("its ensemble has members that are no whole number")
    count = _count(design) * members
    if count * np.dtype(DTYPE).itemsize > (folder / WEIGHTS).stat().st_size:
        raise ValueError(f"its network has {count:,} parameters, more than {WEIGHTS} holds")
    parts = [Perceptron(design, np.random.RandomState(0), DTYPE) for _ in range(members)]
    network = Ensemble(parts)
    load_weights(network if is_ensemble else parts[0], folder / WEIGHTS)
    record = state.get("record")
    fingerprints = None
    if (folder / ROWS).exists():
        fingerprints = Fingerprints.from_arrays(read_tensors(folder / ROWS)[0])
    told = Record.from_state(record) if record else None
    return TableModel(encoder, target, network, told, fingerprints)


def _target(state: Any) -> AnyTarget:
    several = isinstance(state, dict) and "columns" in state
    return restored(Targets, state) if several else restored(Target, state)


def _design(state: Any, encoder: Encoder, target: AnyTarget, *, is_ensemble: bool) -> Design:
    """Return the design of the network that a state describes, if it fits the columns."""
    sizes, dropout = state["sizes"], state["dropout"]
    is_list = isinstance(sizes, list) and len(sizes) < 1000
    if not is_list or not all(type(n) is int and 0 < n <= _MOST_UNITS for n in sizes):
        raise ValueError("its network has sizes that are no whole numbers")
    if type(dropout) not in (int, float) or not 0 <= dropout < 1:
        raise ValueError("its network has a dropout that is no part")
    bins = state.get("bins", 0)
    if type(bins) is not int or not 0 <= bins <= MOST_BINS:
        raise ValueError("its network has bins that are no whole number")
    # A design that does not fit its columns would fail only when rows are predicted.
    expected = design_for(
        encoder,
        target,
        hidden=tuple(sizes[1:-1]),
        dropout=dropout,
        bins=bins,
        is_ensemble=is_ensemble,
    )
    if (
        json.loads(json.dumps(asdict(expected)))
        != {"linear_path": False, "by_product": False, "bins": 0} | state
    ):
        raise ValueError(f"its network is {sizes}, its columns need {list(expected.sizes)}")
    return expected


def _count(design: Design) -> int:
    """Return how many parameters a network has."""
    layers = sum((before + 1) * after for before, after in pairwise(design.sizes))
    linear = design.linear_path * design.sizes[-1]
    linear *= sum(category.count for category in design.categories) + design.numeric
    return layers + linear + sum(category.count * category.size for category in design.categories)


def _checksum(state: dict[str, Any]) -> str:
    """Return a digest of all that a description says, but for the digest itself."""
    told = {name: value for name, value in state.items() if name != "checksum"}
    return _digest(json.dumps(told, sort_keys=True, separators=(",", ":")).encode())


def _digests(folder: Path) -> dict[str, str]:
    """Return the digests of the files that a description belongs to, as far as they are there."""
    paths = [folder / name for name in BESIDE]
    return {path.name: _digest(path.read_bytes()) for path in paths if path.exists()}


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _put(part: Path, folder: Path) -> None:
    """Give a finished folder its name; what others have put into an old one moves with it."""
    if not folder.exists():
        os.rename(part, folder)
        return
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent)) / "model"
    os.rename(folder, aside)
    try:
        for entry in aside.iterdir():
            if entry.name not in FILES:
                os.rename(entry, part / entry.name)
        os.rename(part, folder)
    except BaseException:
        # Back to what there was; what was moved already goes back too.
        for entry in part.iterdir() if part.exists() else ():
            if entry.name not in FILES:
                os.rename(entry, aside / entry.name)
        os.rename(aside, folder)
        aside.parent.rmdir()
        raise
    with contextlib.suppress(OSError):
        for name in FILES:
            (aside / name).unlink(missing_ok=True)
        aside.rmdir()
        aside.parent.rmdir()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return int(mask)
