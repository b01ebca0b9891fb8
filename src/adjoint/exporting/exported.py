"""To export is to write files that do what a subject does, and to test them with golden vectors."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..core.annotations import Array
from ..core.tree import leaves
from ..files.whole_file import whole_file
from ..graphs.recording import no_grad
from ..nn.module import Module
from .c_compiled import tested_and_sized
from .c_source import c_files
from .c_table import CTable
from .c_training import training_in_c
from .fields import in_range
from .identifiers import identifier
from .onnx_model import onnx_file, tested_onnx
from .python_source import python_file
from .refusal import ExportError
from .subject import Subject
from .subjects import read_subject
from .training_task import TrainingTask
from .wasm.files import network_files, table_files, training_files

SUFFIXES = {".py": "py", ".c": "c", ".onnx": "onnx", ".wasm": "wasm", ".html": "html"}
TARGETS = tuple(SUFFIXES.values())
NAMES = {"py": "python", "c": "C99", "onnx": "ONNX", "wasm": "WebAssembly", "html": "html"}


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes
    ----------
    files : list of Path
    sizes : dict of str to int
        Bytes: of the files, of the weights, and in C of the memory on the stack and of the code.
    tested : str
        How the golden vectors were compared.
    """

    files: list[Path]
    sizes: dict[str, int]
    tested: str

    def __str__(self) -> str:
        sizes = ", ".join(f"{what} {size:,} B" for what, size in self.sizes.items())
        return f"wrote {' and '.join(map(str, self.files))}: {sizes}; {self.tested}"


def export(
    subject: Any,
    path: str | os.PathLike[str],
    *examples: Any,
    to: str | None = None,
    name: str | None = None,
    dtype: str | None = None,
) -> Exported:
    """Write a file that does what a model does without adjoint.

    It is tested with golden vectors, which it carries, before it takes its place. Where something
    cannot be carried nothing is written.

    Parameters
    ----------
    subject : Module, Compiled, callable, estimator, Pipeline, TableModel, path or TrainingTask
        A module is exported in evaluation mode, a compiled function for the shapes of its latest
        call. Estimators are MLPClassifier and MLPRegressor, or a pipeline that ends in one, with
        scalers of scikit-learn before it, TabularClassifier and TabularRegressor; they give the
        probabilities of classes, or numbers. A path is the folder of a model of `adjoint fit`.
        What reads texts of a table takes them in every target but ONNX, by the rules of the table:
        a row is a struct in C, and an object in JavaScript. A `TrainingTask` is for ``.c``,
        ``.wasm`` and ``.html``.
    path : path
        ``.py`` is one file that needs NumPy alone. ``.c`` is C99 that needs no library, with a
        header beside it. ``.onnx`` is a graph of ONNX for any number of rows; onnxruntime, if it is
        installed, runs it before it is written. ``.wasm`` is WebAssembly, with a module of
        JavaScript and its types beside it. ``.html`` is a page that loads nothing: a network to
        try, or a training that runs.
    *examples : array
        Arguments of a module or a function: their shapes and dtypes. In C a module takes one
        row, elsewhere any number of rows if it treats each alike. On a page the sliders go as far
        as these rows, which may be given for an estimator, too.
    to : {"py", "c", "onnx", "wasm", "html"}, optional
        By default as the path ends.
    name : str, optional
        What the function, or the graph of ONNX, is called, and what all names of a file of C begin
        with; by default the file's name. WebAssembly and pages have no such name.
    dtype : {"float32", "float64"}, optional
        What floats are computed in; by default as the model does. A training has its own.

    Returns
    -------
    Exported
        The files, their sizes and how they were tested.

    Raises
    ------
    ExportError
        If the target cannot carry a part of it, which is named, or a golden vector differs.
    ImportError
        If ONNX is asked for and the package `onnx` is not installed.
    OSError
        If a file cannot be written.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from adjoint import nn
    >>> model = nn.MLP(2, 3, 1, activation="tanh", rng=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     done = ad.export(model, pathlib.Path(folder) / "net.py", np.ones((1, 2)))
    ...     scope = {"__name__": "net"}
    ...     exec((pathlib.Path(folder) / "net.py").read_text(), scope)
    >>> x = np.random.default_rng(0).normal(size=(5, 2))
    >>> bool(np.allclose(scope["net"](x), model(x).data))
    True
    """
    path = Path(path)
    target = to or SUFFIXES.get(path.suffix.lower())
    if target not in TARGETS:
        raise ExportError(
            f"export: {to or path.name!r} is no target; expected one of {', '.join(TARGETS)}, or a "
            f"path that ends in {' or '.join(SUFFIXES)}"
        )
    called = identifier(name or path.stem, default="model")
    if name is not None and called != name:
        raise ExportError(f"export: {name!r} is no name in Python and C; {called!r} would be one")
    if dtype not in (None, "float32", "float64"):
        raise ExportError(f"export: dtype: expected 'float32' or 'float64', got {dtype!r}")
    if isinstance(subject, TrainingTask):
        if dtype is not None or examples:
            raise ExportError(
                "export: a TrainingTask brings its own rows and dtypes; expected neither examples "
                "nor dtype"
            )
        return _write_training(subject, path, target, called)
    training = _to_evaluation(subject)
    try:
        with read_subject(subject, examples).computing_in(dtype) as found:
            return _write(found, path, target, called, examples)
    finally:
        for module in training:
            module.training = True


def _write_training(task: TrainingTask, path: Path, target: str, name: str) -> Exported:
    files: dict[Path, str | bytes] = {}
    if target == "c":
        header = _header_beside(path, name)
        texts = training_in_c(task, name, header.name)
        files, sizes, tested = tested_and_sized({header: texts[0], path: texts[1]}, texts[2], name)
    elif target in ("wasm", "html"):
        files, sizes, tested = training_files(task, path, is_page=target == "html")
    else:
        raise ExportError(f"{NAMES[target]} has no trainings; --to c, --to wasm and --to html have")
    _write_all(files)
    return _exported(files, sizes, tested)


def _to_evaluation(subject: Any) -> list[Module]:
    """Return the modules that were in training mode, of which a frozen one may not have been."""
    if not isinstance(subject, Module):
        return []
    training = [module for module in subject.modules() if module.training]
    subject.eval()
    return training


def _write(
    subject: Subject, path: Path, target: str, name: str, examples: Sequence[Any]
) -> Exported:
    files: dict[Path, str | bytes] = {}
    if target == "c":
        header = _header_beside(path, name)
        texts = _c_files(subject, name, header.name)
        files, sizes, tested = tested_and_sized({header: texts[0], path: texts[1]}, texts[2], name)
    elif target == "onnx":
        if subject.reader is None:
            inputs, expected = _golden(subject, one_by_one=False)
        else:
            inputs, expected = subject.reader.golden_by_column()
            subject = subject.reader.by_column(subject)
        content, sizes, tolerance = onnx_file(subject, name, inputs, expected)
        files[path] = content
        tested = tested_onnx(subject, content, inputs, expected, tolerance)
    elif target in ("wasm", "html"):
        files, sizes, tested = _wasm_files(subject, path, examples, is_page=target == "html")
    else:
        inputs, expected = ([], []) if subject.reader else _golden(subject, one_by_one=False)
        text, sizes = python_file(subject, name, inputs, expected)
        files[path] = text
        tested = _tested_python(text)
    _write_all(files)
    return _exported(files, sizes, tested)


def _c_files(subject: Subject, name: str, header: str) -> tuple[str, str, dict[str, int]]:
    """Return the header, the source, and their sizes in bytes."""
    if subject.reader is not None:
        table = CTable(
            subject.reader.of_numbers(subject),
            subject.reader.fields(),
            name,
            subject.reader.target,
        )
        return *table.files(header, *subject.reader.golden_texts()), table.sizes
    inputs, expected = _golden(subject, one_by_one=True)
    if not expected:
        raise ExportError("C99: the function gives no array")
    return c_files(subject, name, header, inputs, expected)


def _wasm_files(
    subject: Subject, path: Path, examples: Sequence[Any], *, is_page: bool
) -> tuple[dict[Path, str | bytes], dict[str, int], str]:
    """Return the files, their sizes in bytes, and how they were tested."""
    reader = subject.reader
    if reader is None:
        inputs, expected = _golden(subject, one_by_one=True)
        together = _golden(subject, one_by_one=False)[1]
        return network_files(
            subject, path, inputs, expected, together, is_page=is_page, examples=examples
        )
    on_numbers, fields = reader.of_numbers(subject), reader.fields()
    rows = in_range(fields, on_numbers.golden()[0])
    alone = np.stack([_run(on_numbers.function, [rows[n : n + 1]])[0] for n in range(len(rows))])
    return table_files(
        on_numbers,
        fields,
        path,
        reader.golden_texts(),
        ([alone], _run(on_numbers.function, [rows])),
        target=reader.target,
        is_page=is_page,
    )


def _exported(files: Mapping[Path, str | bytes], sizes: Mapping[str, int], tested: str) -> Exported:
    whole = sum(len(_encoded(content)) for content in files.values())
    return Exported(list(files), {"text": whole, **sizes}, tested)


# What the compiler's own words or the names in a file of C would be taken for.
_OWN = re.compile(r"[vwitxy]\d*|[abdn]|best|row|same|size|golden_\w*")


def _header_beside(path: Path, name: str) -> Path:
    """Return the path of the header, whose name is one that C can include."""
    if _OWN.fullmatch(name):
        raise ExportError(
            f"C99: {name!r} is the name of a variable in the file; choose another name, as "
            f"{name}_net"
        )
    header = path.with_suffix(".h")
    if path.suffix.lower() == ".h":  # many disks take .H for it
        raise ExportError(f"C99: {path.name!r} would be the header too; expected a path in .c")
    if not header.name.isprintable() or re.search(r'["\\]|\?\?', header.name):
        raise ExportError(f"C99: a file of C cannot include {header.name!r}; choose another path")
    return header


def _encoded(content: str | bytes) -> bytes:
    return content if isinstance(content, bytes) else content.encode()


def _write_all(files: Mapping[Path, str | bytes]) -> None:
    """Write files that belong together: none takes its place before all are on the disk."""
    with ExitStack() as stack:
        for path, text in files.items():
            file = stack.enter_context(whole_file(path))
            file.write(_encoded(text))
            file.flush()


def _golden(subject: Subject, *, one_by_one: bool) -> tuple[list[Any], list[Array]]:
    """Return arguments and the results; for C one call along the first axis of each."""
    given = subject.golden()
    if not one_by_one:
        return list(given), _run(subject.function, given)
    if not subject.has_rows:
        results = _run(subject.function, given)
        return [np.asarray(x)[np.newaxis] for x in given], [y[np.newaxis] for y in results]
    calls = [_run(subject.function, [x[n : n + 1] for x in given]) for n in range(len(given[0]))]
    return list(given), [np.stack(parts) for parts in zip(*calls, strict=True)]


def _run(function: Callable[..., Any], args: Sequence[Any]) -> list[Array]:
    with no_grad(), np.errstate(all="ignore"):
        found = function(*args)
    arrays = [
        np.asarray(getattr(leaf, "data", leaf) if not isinstance(leaf, np.ndarray) else leaf)
        for leaf in leaves(found)
    ]
    for array in arrays:
        if array.dtype.kind not in "fiub":
            kind = type(array.item()).__name__ if array.ndim == 0 else f"array of {array.dtype}"
            raise ExportError(
                f"export: among the results is one {kind}; expected arrays of numbers"
            )
    return arrays


def _tested_python(text: str) -> str:
    scope: dict[str, Any] = {"__name__": "__main__", "print": lambda *_: None}
    try:
        exec(compile(text, "<exported>", "exec"), scope)
    except AssertionError as error:
        told = " ".join(str(error).split())
        raise ExportError(f"python: a golden vector differs: {told:.300}") from None
    except Exception as error:
        raise ExportError(f"python: the file does not run: {error!r:.300}") from error
    return "golden vectors: ok"
