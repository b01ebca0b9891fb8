"""The options of the demo's experiment, which `adjoint demo` and `adjoint explain` share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import click

from ..data.datasets import DATASETS
from ..nn import ACTIVATIONS
from .demo import DemoSettings
from .options import as_sizes

_Command = TypeVar("_Command", bound=Callable[..., Any])


def demo_options(settings: DemoSettings) -> Callable[[_Command], _Command]:
    """Return a decorator that gives a command the options, with these settings as defaults."""

    def with_options(command: _Command) -> _Command:
        for option in reversed(list(_options(settings))):
            command = option(command)
        return command

    return with_options


def _options(settings: DemoSettings) -> Iterator[Callable[[Any], Any]]:
    yield click.option(
        "--dataset",
        type=click.Choice(sorted(DATASETS)),
        default=settings.dataset,
        help="Points to classify.",
    )
    yield click.option("--samples", type=int, default=settings.samples, help="Number of points.")
    yield click.option(
        "--noise",
        type=float,
        default=None,
        help="Standard deviation of the points' noise.  [default: the data set's own]",
    )
    yield click.option(
        "--hidden",
        callback=as_sizes,
        default=",".join(map(str, settings.hidden)),
        metavar="N,N,...",
        help="Units of each hidden layer.",
    )
    yield click.option(
        "--activation",
        type=click.Choice(sorted(ACTIVATIONS)),
        default=settings.activation,
        help="Activation of the hidden layers.",
    )
    yield click.option(
        "--learning-rate",
        type=float,
        default=settings.learning_rate,
        help="Step length of gradient descent.",
    )
    yield click.option(
        "--batch-size", type=int, default=settings.batch_size, help="Points per step."
    )
    yield click.option("--epochs", type=int, default=settings.epochs, help="Passes over the data.")
    yield click.option(
        "--seed",
        type=int,
        default=settings.seed,
        help="Seed of the data, the first weights and the batches.",
    )
