"""A user's file is run as a script, and names functions and the inputs to call them with.

``NAME_inputs`` is a tuple of arrays for ``NAME``, or a function of a `numpy.random.Generator` that
returns one; ``inputs`` alone is for the function ``forward``.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tokenize
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

INPUTS = "inputs"
_AS_A_PROGRAM = 'under if __name__ == "__main__":'


class SourceFileError(Exception):
    """A file that cannot be run, or lacks what is needed; the message is one line.

    Attributes
    ----------
    advice : str
        The lines to write into the file for what it defines to be found, or nothing.
    """

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.advice = advice


@contextmanager
def running(path: Path, code: str | CodeType, name: str) -> Iterator[dict[str, Any]]:
    """Run a file's code as Python runs a script, beside its neighbours, and give what it defines.

    Until the ``with`` block ends the file is the module ``name``, may change the folder that it
    works in, and nothing in it waits for a person or ends the program.

    Raises
    ------
    SourceFileError
        If it raises, or exits, there or in the ``with`` block.
    """
    module = ModuleType(name)
    module.__file__ = str(path)
    places = [*sys.path]
    sys.path.insert(0, str(path.resolve().parent))
    sys.modules[name] = module
    try:
        with _alone(), _with_streams_open(), contextlib.chdir(os.curdir):
            _execute(path, code, module)
            with _going_on(path):
                yield module.__dict__
    finally:
        sys.modules.pop(name, None)
        sys.path[:] = places


def _execute(path: Path, code: str | CodeType, module: ModuleType) -> None:
    try:
        compiled = compile(code, str(path), "exec") if isinstance(code, str) else code
        with _going_on(path):
            exec(compiled, module.__dict__)
    except SyntaxError as error:
        raise misspelt(error, path) from error
    except (SourceFileError, BrokenPipeError):
        raise  # the other end of a pipe, as `head`, is no fault of the file
    except Exception as error:
        raise SourceFileError(told(error, path)) from error


@contextmanager
def _going_on(path: Path) -> Iterator[None]:
    """Let nothing in the file end the program, with a status that would say that all is well."""
    modules = {**sys.modules}
    try:
        yield
    except (Exception, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise SourceFileError(told(error, path)) from error
    finally:
        # The command itself needs the modules that the file took out.
        sys.modules.update({key: each for key, each in modules.items() if key not in sys.modules})


class _Open:
    """A stream that is only flushed when it is closed, for others write to it later."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def close(self) -> None:
        self._stream.flush()


@contextmanager
def _with_streams_open() -> Iterator[None]:
    """Let the file write where the command does, and leave that as it was."""
    with redirect_stdout(_Open(sys.stdout)), redirect_stderr(_Open(sys.stderr)):
        yield


@contextmanager
def _alone() -> Iterator[None]:
    """Let nothing wait for a person: pictures are not shown, and questions find no answer."""
    backend = os.environ.get("MPLBACKEND")
    os.environ["MPLBACKEND"] = backend or "Agg"
    stdin, sys.stdin = sys.stdin, io.StringIO()
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*non-interactive.*cannot be shown")
            yield
    finally:
        sys.stdin = stdin
        if backend is None:
            os.environ.pop("MPLBACKEND", None)


def text_of(path: Path) -> str:
    """Return the text of a Python file, in the encoding that it names.

    Raises
    ------
    SourceFileError
        If it is none.
    """
    try:
        with tokenize.open(path) as file:
            return file.read()
    except (SyntaxError, UnicodeDecodeError) as error:
        raise SourceFileError(f"{path}: no Python file: {error}") from error


def named_by(key: str) -> str | None:
    """Return the name in that of its inputs, or None if a name is not one of inputs.

    >>> named_by("loss_inputs"), named_by("inputs"), named_by("loss"), named_by("_inputs")
    ('loss', '', None, None)
    """
    if key == INPUTS:
        return ""
    stem = key.removesuffix(f"_{INPUTS}")
    return stem if stem and stem != key and not key.startswith("_") else None


def as_arguments(inputs: object) -> tuple[Any, ...]:
    """Return the arguments of a call: those of a tuple or list, or the one that there is."""
    return tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)


def told(error: BaseException, path: Path) -> str:
    """Return an error of the user's code in one line, with the place in the file."""
    text = _text(error)
    said = f"{type(error).__name__}: {text}" if text else type(error).__name__
    if isinstance(error, EOFError):
        said = f"it asks for input, which nobody gives; ask {_AS_A_PROGRAM}"
    if isinstance(error, SystemExit):
        said = f"it exits{f' with {text}' if error.code is not None else ''}; do so {_AS_A_PROGRAM}"
    return f"{path}{line_of(error, path)}: {said}"


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # the error's class is the user's, too
        return ""


def misspelt(error: SyntaxError, path: Path) -> SourceFileError:
    """Return the error of a text that is no Python, with its line if that is known."""
    place = f", line {error.lineno}" if error.lineno else ""
    return SourceFileError(f"{path}{place}: {error.msg}")


def line_of(error: BaseException, path: Path) -> str:
    """Return the innermost line of the file itself through which an error came."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame.lineno for frame in frames if Path(frame.filename).name == path.name]
    return f", line {own[-1]}" if own else ""
