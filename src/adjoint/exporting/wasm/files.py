"""The files of a module of WebAssembly, and their test in node."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ...core.annotations import Array
from ..fields import Field
from ..refusal import ExportError
from ..subject import Subject
from ..training_task import TrainingTask
from .forward import forward_of
from .javascript import literal, network_module, network_types
from .page import network_page, table_page, title_of, training_page
from .table_module import table_module, table_types
from .training import training_of
from .training_javascript import TYPES, training_module

_SECONDS = 120
_NETWORK = """import {{ load, selfTest }} from {file};
process.stdout.write(selfTest(await load()));
"""
_TRAINING = """import {{ selfTest }} from {file};
process.stdout.write(await selfTest());
"""


class Made(NamedTuple):
    """What is to be written: texts and bytes by path, sizes in bytes, and how it was tested."""

    files: dict[Path, str | bytes]
    sizes: dict[str, int]
    tested: str


def network_files(
    subject: Subject,
    path: Path,
    inputs: Sequence[Array],
    expected: Sequence[Array],
    together: Sequence[Array],
    *,
    is_page: bool,
    examples: Sequence[Any] = (),
) -> Made:
    """Return a network's module, its module of JavaScript and its declarations, or its page.

    Parameters
    ----------
    inputs, expected : sequence of array
        Golden vectors, call by call along the first axis.
    together : sequence of array
        What all golden rows give in one call.
    is_page : bool
        Whether it is to be a page.
    examples : sequence of array
        Rows that say how far the sliders of a page go.
    """
    if not expected:
        raise ExportError("WebAssembly: the function gives no array")
    place = path.with_suffix(".wasm") if is_page else path
    script, types = beside(place)
    forward = forward_of(subject, expected, together)
    page = network_page(subject, forward, title_of(path), examples) if is_page else ""
    files: dict[Path, str | bytes] = {
        place: forward.module,
        script: network_module(subject, forward, place, inputs, expected),
        types: network_types(subject, forward),
    }
    sizes = {"module": len(forward.module), "weights": forward.weights, "memory": forward.memory}
    tested = tested_in_node(files, trains=False)
    return Made({path: page} if is_page else files, sizes, tested)


def table_files(
    subject: Subject,
    fields: Sequence[Field],
    path: Path,
    golden: tuple[Mapping[str, Sequence[str | None]], Array],
    numbers: tuple[Sequence[Array], Sequence[Array]],
    *,
    target: str,
    is_page: bool,
) -> Made:
    """Return the files of a model of a table, or its page.

    Parameters
    ----------
    subject : Subject
        It takes the numbers of rows.
    golden : mapping of str to sequence of str or None, and array
        The texts of some rows by column, and what is predicted of them.
    numbers : sequence of array, sequence of array
        What it gives for golden numbers row by row, and for all at once.
    target : str
        What is predicted, in a few words.
    """
    place = path.with_suffix(".wasm") if is_page else path
    script, types = beside(place)
    forward = forward_of(subject, *numbers)
    page = table_page(subject, fields, forward, title_of(path), target) if is_page else ""
    files: dict[Path, str | bytes] = {
        place: forward.module,
        script: table_module(subject, fields, forward, place, *golden, target=target),
        types: table_types(subject, fields, forward, target),
    }
    sizes = {"module": len(forward.module), "weights": forward.weights, "memory": forward.memory}
    tested = tested_in_node(files, trains=False)
    return Made({path: page} if is_page else files, sizes, tested)


def training_files(task: TrainingTask, path: Path, *, is_page: bool) -> Made:
    """Return a training's module, its module of JavaScript and its declarations, or its page."""
    place = path.with_suffix(".wasm") if is_page else path
    script, types = beside(place)
    made = training_of(task)
    files: dict[Path, str | bytes] = {
        place: made.module,
        script: training_module(made, place),
        types: TYPES,
    }
    sizes = {"module": len(made.module), "memory": made.places["heap"]}
    tested = tested_in_node(files, trains=True)
    if is_page:
        files = {path: training_page(task, made, title_of(path))}
    return Made(files, sizes, tested)


def beside(path: Path) -> tuple[Path, Path]:
    """Return the paths of the module of JavaScript and of the declarations."""
    script, types = path.with_suffix(".mjs"), path.with_suffix(".d.mts")
    if path in (script, types):
        raise ExportError(f"WebAssembly: {path.name!r} would be the module of JavaScript too")
    return script, types


def tested_in_node(files: Mapping[Path, str | bytes], *, trains: bool) -> str:
    """Return what node says to the self-test; the files need not be in place yet."""
    node = shutil.which("node")
    if node is None:
        return "golden vectors: not run, as there is no node here"
    with tempfile.TemporaryDirectory() as folder:
        for path, content in files.items():
            data = content if isinstance(content, bytes) else content.encode()
            (Path(folder) / path.name).write_bytes(data)
        script = next(path for path in files if path.suffix == ".mjs")
        test = Path(folder) / "test"
        test.mkdir()
        url = (Path(folder) / script.name).as_uri()
        script_of_test = (_TRAINING if trains else _NETWORK).format(file=literal(url))
        (test / "run.mjs").write_text(script_of_test)
        command = [node, str(test / "run.mjs")]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise ExportError(f"WebAssembly: the golden vectors took over {_SECONDS} s") from None
    if done.returncode:
        told = re.findall(r"^\w*Error: .*", done.stderr, re.MULTILINE) or ["no message"]
        raise ExportError(f"WebAssembly: the golden vectors fail: {told[0]}")
    return f"golden vectors, node: {done.stdout.rpartition(': ')[2]}"
