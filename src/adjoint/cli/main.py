"""The entry point of the command line starts a command and turns its end into an exit status.

0 is success; 1 a training that failed, or a backward pass that is wrong; 2 wrong usage or input,
and 130 an interruption. Every failure is one line on standard error.
"""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Sequence

from ..errors import DivergedError, ReproducibleError, TableError, require
from .terminal import note, write_all_letters

PROGRAM = "adjoint"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name.

    Parameters
    ----------
    arguments : sequence of str, optional
        What follows the program's name; by default `sys.argv` has it.

    Returns
    -------
    int
        The exit status.
    """
    try:
        require("click", extra="cli", purpose="the command line")
        require("tqdm", extra="cli", purpose="the command line")
    except ImportError as error:
        return _fail(str(error), 2)
    write_all_letters()
    try:
        return _run(sys.argv[1:] if arguments is None else list(arguments))
    except KeyboardInterrupt as error:
        return _fail(str(error) or "interrupted", 130)
    except BrokenPipeError:
        # The reader has left, as `head` does. Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (DivergedError, MemoryError, OSError) as error:
        is_no_name = isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG
        return _fail(str(error) or "out of memory", 2 if is_no_name else 1)


def _run(arguments: list[str]) -> int:
    """Run the command and return its status.

    click's own ``main`` is not used: it answers wrong usage in three lines and Ctrl-C in two.
    """
    import click

    from .commands import adjoint

    try:
        with adjoint.make_context(PROGRAM, arguments) as context:
            status = adjoint.invoke(context)
        sys.stdout.flush()
        return int(status or 0)
    except click.exceptions.Exit as end:
        return end.exit_code
    except (TableError, ReproducibleError, ImportError) as error:
        return _fail(str(error), 2)
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else PROGRAM
        return _fail(f"{error.format_message().rstrip('.')} (see '{command} --help')", 2, command)
    except click.ClickException as error:
        return _fail(error.format_message(), error.exit_code)


def _fail(message: str, status: int, command: str = PROGRAM) -> int:
    """Say in one line what went wrong, and return the status."""
    line = re.sub(r"[ \t\r\n]+", " ", message.strip())
    note(f"{command}: {line}")
    return status
