"""The page of the command line says what its commands say with --help."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
from sphinx.application import Sphinx

from adjoint.cli.commands import adjoint

PAGE = "reference/command-line.md"
_HEAD = """\
# The command line

`adjoint` comes with the extra `cli`: `python -m pip install ".[cli]"` in a checkout. Below is what
each command says with `--help`. It exits with 0 for success, 1 if a training failed or a backward
pass is wrong, 2 for wrong usage or input and 130 if it was interrupted; a failure is one line on
standard error.
"""


def _helps(command: click.Command, name: str, parent: click.Context | None) -> Iterator[str]:
    with click.Context(command, info_name=name, parent=parent, max_content_width=80) as context:
        text = command.get_help(context)
        yield f"## `{context.command_path}`\n\n```text\n{text}\n```\n"
        if isinstance(command, click.Group):
            for each in command.list_commands(context):
                found = command.get_command(context, each)
                assert found is not None
                yield from _helps(found, each, context)


def page() -> str:
    """Return the page in Markdown."""
    return "\n".join([_HEAD, *_helps(adjoint, "adjoint", None)])


def _write(app: Sphinx) -> None:
    path = Path(app.srcdir) / PAGE
    text = page()
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Write the page before pages are read."""
    app.connect("builder-inited", _write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
