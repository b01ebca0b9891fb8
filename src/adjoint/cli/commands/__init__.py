"""The commands, one in each module of this package; what they do is elsewhere."""

from __future__ import annotations

import click

from ...version import __version__
from . import check, demo, evaluate, explain, export, fit, launch, play, predict, show

COMMANDS = (
    check.check,
    demo.demo,
    evaluate.evaluate,
    explain.explain,
    export.export,
    fit.fit,
    launch.launch,
    play.play,
    predict.predict,
    show.show,
)


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="adjoint")
@click.pass_context
def adjoint(context: click.Context) -> None:
    """Automatic differentiation and small neural networks on NumPy."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for command in COMMANDS:
    adjoint.add_command(command)
