"""The command `adjoint check`: hand-written backward passes, reviewed."""

from __future__ import annotations

import contextlib
import linecache
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import click

from ...explanation.review.report import SCHEMA
from ...explanation.review.source_file import review_file
from ...explanation.users_file import SourceFileError
from ..terminal import note, say_json, say_lines
from ..unusable import Unusable

# After so many seconds a person wonders what the command waits for.
_PATIENCE = 5.0


@click.command(short_help="Review the hand-written backward passes of a Python file.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--json", "as_json", is_flag=True, help="Print only the reviews in JSON on standard output."
)
def check(file: Path, as_json: bool) -> int:
    """Review the hand-written backward passes of a Python file.

    FILE is run, and says by three names what is reviewed: the functions forward and backward, and
    inputs, the tuple of arrays to call them with (or a function of a numpy.random.Generator that
    returns it).

    \b
        import numpy as np
        def forward(x, W):
            return x @ W
        def backward(g, x, W):
            return g @ W.T, x.T @ g
        inputs = np.ones((5, 2)), np.ones((2, 3))

    NAME_forward, NAME_backward and NAME_inputs name one pair of several; a layer NAME, an object or
    a class with methods forward and backward, needs NAME_inputs alone. If FILE names no inputs, it
    is not run, and the lines that it needs are printed. What stands below the last inputs is not
    run, so put them above what takes long.

    Exits with 0 if all are right, 1 if one is wrong, 2 if FILE cannot be run or names nothing.
    """
    # What the file itself prints is not part of the JSON.
    streams = contextlib.redirect_stdout(sys.stderr if as_json else sys.stdout)
    with streams, _word_of_waiting(file):
        try:
            reviews = review_file(file)
        except SourceFileError as error:
            if error.advice:
                say_lines(error.advice)
            raise Unusable(str(error)) from error
    right = all(reviews)
    if as_json:
        found = [review.to_dict() for review in reviews]
        summary = {"schema": SCHEMA, "file": str(file), "right": right, "reviews": found}
        say_json(summary, indent=2)
    else:
        say_lines("\n\n".join(map(str, reviews)))
    return 0 if right else 1


@contextlib.contextmanager
def _word_of_waiting(file: Path) -> Iterator[None]:
    """Say once what is waited for, if a file takes long to run."""
    done = threading.Event()
    own = threading.get_ident()

    def watch() -> None:
        while not done.wait(_PATIENCE):
            line = _running_line(file, own)
            # Libraries that are slow to import are no choice of the reader's.
            if line and not linecache.getline(str(file), line).startswith(("import ", "from ")):
                note(
                    f"adjoint: still running {file}, line {line}; to leave it out, put the inputs "
                    "above it: what stands below the last of them is not run"
                )
                return

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        done.set()


def _running_line(file: Path, thread: int) -> int:
    """Return the line of a file that a thread is at, or 0 if it is elsewhere."""
    frame = sys._current_frames().get(thread)
    place = (str(file), "<module>")
    while frame is not None and (frame.f_code.co_filename, frame.f_code.co_name) != place:
        frame = frame.f_back
    return 0 if frame is None else frame.f_lineno
