"""Exports are files of the model as it stands, for where there is no adjoint."""

from __future__ import annotations

import copy
import io
import tempfile
import zipfile
from pathlib import Path

from ..exporting.exported import export
from .steps import Steps

TARGETS = ("py", "onnx", "c", "wasm", "html")


def exported(steps: Steps, target: str) -> tuple[str, bytes]:
    """Return the name and the content of a file; several files are one archive.

    The model is that of evaluation, and reads rows as the training does: scaled, and with features.

    Raises
    ------
    ExportError
        If the target cannot carry a part of the model.
    ImportError
        If what the target needs is not installed.
    """
    model = copy.deepcopy(steps.model).eval()
    with tempfile.TemporaryDirectory() as folder:
        rows = steps.setup.problem.train[0][:100].astype(next(model.parameters()).dtype, copy=False)
        found = export(model, Path(folder) / f"model.{target}", rows)
        files = {path.name: path.read_bytes() for path in map(Path, found.files)}
    if len(files) == 1:
        return next(iter(files.items()))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return f"model-{target}.zip", archive.getvalue()
