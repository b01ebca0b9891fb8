"""The commands, one in each module of this package; what they do is elsewhere."""

from __future__ import annotations

import importlib

import click

from ...version import __version__

COMMANDS = (
    "check",
    "demo",
    "evaluate",
    "explain",
    "export",
    "fit",
    "launch",
    "play",
    "predict",
    "show",
)


class _Commands(click.Group):
    """A group that reads the module of a command when it is asked for: most need much of adjoint.

    What a command does not use would take as long to read as all else that it does at its start.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by its name."""
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = getattr(importlib.import_module(f".{cmd_name}", __name__), cmd_name)
        return found


@click.group(
    cls=_Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="adjoint")
@click.pass_context
def adjoint(context: click.Context) -> None:
    """Automatic differentiation and small neural networks on NumPy."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
