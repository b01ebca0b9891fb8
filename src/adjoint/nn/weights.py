"""Weights are a module's parameters and buffers, saved by name and loaded all or none."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from ..errors import UnreadableFileError, choose
from ..files.tensor_file import read_plain, read_tensors, write_tensors
from .conventions import check_conventions, check_slopes_for_torch, conventions_of
from .module import Module
from .torch_layout import from_torch, to_torch

_LAYOUTS = ("adjoint", "torch")


def save_weights(model: Module, path: str | os.PathLike[str], *, layout: str = "adjoint") -> None:
    """Write a module's parameters and buffers to a safetensors file, whole or not at all.

    Parameters
    ----------
    model : Module
    path : str or path
    layout : {"adjoint", "torch"}
        "torch" writes the names and layouts of PyTorch's ``state_dict``: ``layers.0.weight`` of
        shape (out, in) for ``layers[0].weight`` of (in, out), and so on; PyTorch is not needed.

    Raises
    ------
    ImportError
        If safetensors is not installed.
    TypeError
        If the layout of PyTorch has nothing like one of the layers: a `PReLU` with an ``axis``.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import adjoint as ad
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.safetensors"
    >>> model = ad.nn.MLP(2, 3, 1, rng=0)
    >>> ad.save_weights(model, path)
    >>> ad.load_weights(ad.nn.MLP(2, 3, 1, rng=1), path)
    """
    choose("layout", layout, _LAYOUTS)
    state: dict[str, Any] = model.state_dict()
    if layout == "torch":
        check_slopes_for_torch(model)
    arrays = to_torch(model, state) if layout == "torch" else state
    content = {"kind": "weights", "layout": layout, **conventions_of(model)}
    write_tensors(path, arrays, content)


def load_weights(model: Module, path: str | os.PathLike[str], *, layout: str = "adjoint") -> None:
    """Replace a module's parameters and buffers by those of a file: all of them or none.

    Parameters
    ----------
    model : Module
    path : str or path
        A file of weights, or a checkpoint that `fit` wrote, of which the model is read.
    layout : {"adjoint", "torch"}
        "torch" reads what ``safetensors.torch.save_file(model.state_dict(), path)`` writes, or
        `save_weights` with this layout.

    Raises
    ------
    UnreadableFileError
        If the file is none of weights, or damaged.
    ValueError
        If names, shapes or dtypes differ; the message lists all that do. If the slopes of a `PReLU`
        ran along another axis.

    Examples
    --------
    >>> import tempfile
    >>> trained, fresh = ad.nn.Linear(2, 1, rng=0), ad.nn.Linear(2, 1, rng=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ad.save_weights(trained, folder + "/weights")
    ...     ad.load_weights(fresh, folder + "/weights")
    >>> np.array_equal(trained.weight, fresh.weight)
    True
    """
    choose("layout", layout, _LAYOUTS)
    if layout == "torch":
        check_slopes_for_torch(model)
        arrays, metadata = read_plain(path)
        if metadata.get("format") == "adjoint":
            check_conventions(model, _content(metadata), path)
        model.load_state_dict(from_torch(model, arrays))
        return
    arrays, content = read_tensors(path)
    if content.get("kind") == "checkpoint":
        arrays, content = _model_of_checkpoint(arrays, content)
    if content.get("kind") != "weights" or content.get("layout") != layout:
        raise UnreadableFileError(
            f"{path}: a file of {content.get('kind')}, layout {content.get('layout')}; expected "
            f"weights, layout {layout}"
        )
    check_conventions(model, content, path)
    model.load_state_dict(arrays)


def _model_of_checkpoint(
    arrays: Mapping[str, Any], content: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the model of a checkpoint as a file of weights would have it: arrays and metadata."""
    model = {
        name.removeprefix("model/"): array
        for name, array in arrays.items()
        if name.startswith("model/")
    }
    return model, {**content["settings"], "kind": "weights", "layout": "adjoint"}


def _content(metadata: Mapping[str, str]) -> dict[str, Any]:
    """Return what a file in PyTorch's layout says, if adjoint wrote it."""
    try:
        content = json.loads(metadata.get("content", "{}"))
    except ValueError:
        content = None
    return content if isinstance(content, dict) else {}
