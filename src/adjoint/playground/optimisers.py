"""An optimiser is made of settings, with what was changed by hand, or written in a program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..nn.module import Parameter
from ..optim import OPTIMIZERS, Optimizer
from .changes import ByHand, Change, by_hand
from .rates import rate, text_of
from .settings import Settings, optimizer_options
from .values import SettingsError


def _rate(settings: Settings) -> Any:
    return rate(settings.schedule, settings.lr, dict(settings.schedule_options))


def hyper_parameters(settings: Settings) -> dict[str, Any]:
    """Return what the optimiser is made with: numbers, flags, and functions of the steps taken."""
    pieces = settings.pieces()
    defaults = optimizer_options(settings.optimizer)
    names = dict.fromkeys(name for _, each in pieces for name in each.options)
    return {
        "lr": by_hand([(start, _rate(each)) for start, each in pieces]),
        **{
            name: by_hand(
                [(start, each.options.get(name, defaults[name])) for start, each in pieces]
            )
            for name in names
        },
    }


def check(settings: Settings) -> None:
    """Refuse numbers that are out of the optimiser's ranges, also those that come later."""
    for _, each in settings.pieces():
        kind: Any = OPTIMIZERS[each.optimizer]
        try:
            _rate(each)
            kind([Parameter(np.zeros(1))], lr=each.lr, **each.options)
        except ValueError as error:
            raise SettingsError(str(error)) from None


def make_optimizer(settings: Settings) -> Callable[[list[Any]], Optimizer]:
    """Return what makes the optimiser of parameters."""
    kind = OPTIMIZERS[settings.optimizer]
    return lambda parameters: kind(parameters, **hyper_parameters(settings))


def with_changes(
    make: Callable[[list[Any]], Optimizer], changes: Sequence[Change]
) -> Callable[[list[Any]], Optimizer]:
    """Return what makes an optimiser of the user's, whose learning rate was changed by hand."""
    if any(change.given.keys() != {"lr"} for change in changes):
        raise SettingsError("changes: of an optimiser of your own only lr can be changed")

    def made(parameters: list[Any]) -> Optimizer:
        optimizer = make(parameters)
        rates = [group["lr"] for group in optimizer.groups]
        if changes and rates.count(rates[0]) < len(rates):
            raise SettingsError("lr: the groups of the optimiser have different learning rates")
        later = [(change.step, change.given["lr"]) for change in changes]
        optimizer.lr = by_hand([(0, rates[0]), *later]) if changes else rates[0]
        return optimizer

    return made if changes else make


def optimizer_text(settings: Settings) -> list[str]:
    """Return the statements that make the optimiser."""
    kind = OPTIMIZERS[settings.optimizer]
    given = hyper_parameters(settings)
    named = ["model.parameters()"]
    named += [f"{n}={n if isinstance(x, ByHand) else text_of(x)}" for n, x in given.items()]
    functions = [line for n, x in given.items() if isinstance(x, ByHand) for line in function(n, x)]
    return [*functions, f"optimizer = ad.optim.{kind.__name__}({', '.join(named)})"]


def function(name: str, number: ByHand) -> list[str]:
    """Return the function that gives a number which was changed by hand."""
    lines = [
        "",
        "",
        f"def {name}(step):",
        '    """Return what it is after so many steps; it was changed by hand."""',
    ]
    for start, part in zip(number.starts[1:], number.parts, strict=False):
        lines += [f"    if step < {start}:", f"        return {_called(part)}"]
    return [*lines, f"    return {_called(number.parts[-1])}", "", ""]


def own_text(optimizer: Optimizer) -> list[str]:
    """Return the statements that change the rate of an optimiser of the user's by hand."""
    rate = optimizer.groups[0]["lr"]
    if not isinstance(rate, ByHand):
        return [f"optimizer.lr = {text_of(rate)}"]
    if not callable(rate.parts[0]):
        return [*function("lr", rate), "optimizer.lr = lr"]
    later = ByHand(rate.starts, (_First(), *rate.parts[1:]))
    return ['first = optimizer.groups[0]["lr"]', *function("lr", later), "optimizer.lr = lr"]


class _First:
    """Stands for a schedule of the user's, which has no text that a program could have."""

    def __repr__(self) -> str:
        return "first"

    def __call__(self, step: int) -> float:
        raise NotImplementedError


def _called(part: Any) -> str:
    return f"{text_of(part)}(step)" if callable(part) else text_of(part)
