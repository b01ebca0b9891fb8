"""A file is unusable if it does not have what a command needs of it."""

from __future__ import annotations

import click


class Unusable(click.ClickException):
    """A file does not have what a command needs of it; the exit status is 2."""

    exit_code = 2
