"""To export is to write files that do what a subject does, and to test them with golden vectors."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..core.annotations import Array
from ..core.tree import leaves
from ..files.whole_file import write_whole
from ..graphs.recording import no_grad
from ..nn.module import Module
from .c_source import c_files
from .identifiers import identifier
from .python_source import python_file
from .refusal import ExportError
from .subject import Subject
from .subjects import read_subject

SUFFIXES = {".py": "py", ".c": "c"}
TARGETS = tuple(SUFFIXES.values())
_SECONDS = 300


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes
    ----------
    files : list of Path
    sizes : dict of str to int
        Bytes: of the files, of the weights, and in C of the memory on the stack.
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
) -> Exported:
    """Write a file that does what a model does without adjoint.

    It is tested with golden vectors, which it carries, before it takes its place. Where something
    cannot be carried nothing is written.

    Parameters
    ----------
    subject : Module, Compiled, callable, MLPClassifier, MLPRegressor or Pipeline
        A module is exported in evaluation mode, a compiled function for the shapes of its latest
        call. A pipeline ends in one of the two estimators; before it stand scalers of scikit-learn.
        An estimator gives the probabilities of its classes, or numbers.
    path : path
        ``.py`` is one file that needs NumPy alone. ``.c`` is C99 that needs no library, with a
        header beside it.
    *examples : array
        Arguments of a module or a function: their shapes and dtypes. Of a module in C it is one
        row, and in Python any number of rows if it treats each alike.
    to : {"py", "c"}, optional
        By default as the path ends.
    name : str, optional
        What the function is called, and what all names of a file of C begin with; by default the
        file's name.

    Returns
    -------
    Exported
        The files, their sizes and how they were tested.

    Raises
    ------
    ExportError
        If the target cannot carry a part of it, which is named, or a golden vector differs.
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
    was_training = _to_evaluation(subject)
    try:
        found = read_subject(subject, examples)
        return _write(found, path, target, called)
    finally:
        if was_training:
            subject.train()


def _to_evaluation(subject: Any) -> bool:
    if not isinstance(subject, Module):
        return False
    was_training = bool(getattr(subject, "training", False))
    subject.eval()
    return was_training


def _write(subject: Subject, path: Path, target: str, name: str) -> Exported:
    if target == "c":
        if subject.reader is not None:
            raise ExportError(
                f"C99: {subject.reader.refusal}; --to py carries the rules by which it is read"
            )
        inputs, expected = _golden(subject, one_by_one=True)
        header = path.with_suffix(".h")
        texts = c_files(subject, name, header.name, inputs, expected)
        files = {header: texts[0], path: texts[1]}
        sizes, tested = texts[2], _tested_c(files, name)
    else:
        inputs, expected = ([], []) if subject.reader else _golden(subject, one_by_one=False)
        text, sizes = python_file(subject, name, inputs, expected)
        files = {path: text}
        tested = _tested_python(text)
    for file, content in files.items():
        write_whole(file, content.encode())
    whole = sum(len(content.encode()) for content in files.values())
    return Exported(list(files), {"text": whole, **sizes}, tested)


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
    return [
        np.asarray(getattr(leaf, "data", leaf) if not isinstance(leaf, np.ndarray) else leaf)
        for leaf in leaves(found)
    ]


def _tested_python(text: str) -> str:
    scope: dict[str, Any] = {"__name__": "__main__", "print": lambda *_: None}
    try:
        exec(compile(text, "<exported>", "exec"), scope)
    except AssertionError as error:
        raise ExportError(f"python: a golden vector differs: {error}") from None
    return "golden vectors: ok"


def _tested_c(files: dict[Path, str], name: str) -> str:
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None:
        return "golden vectors: not run, as there is no C compiler here"
    with tempfile.TemporaryDirectory() as folder:
        for path, text in files.items():
            (Path(folder) / path.name).write_text(text, "utf-8")
        source = next(path.name for path in files if path.suffix.lower() != ".h")
        program = str(Path(folder) / "golden")
        flags = ["-std=c99", "-O1", "-ffp-contract=off", f"-D{name.upper()}_MAIN"]
        _call([compiler, *flags, "-x", "c", source, "-o", program], folder)
        return f"golden vectors, {Path(compiler).name}: {_call([program], folder)}"


def _call(command: list[str], folder: str) -> str:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    if done.returncode:
        told = (done.stdout + done.stderr).strip().splitlines() or ["no message"]
        raise ExportError(f"C99: the golden vectors fail: {told[0]}")
    return done.stdout.strip().rpartition(": ")[2]
