"""An average of the weights over the steps of a training is smoother than any one of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..core.annotations import AnyArray, Array
from ..core.checks import in_range
from .optimizer import Memory, Optimizer, Schedule, Settings

_AVERAGE, _DECAY = "average", "decay"


class EMA(Optimizer):
    """Another optimiser's steps, with an exponential moving average of the weights beside them.

    After every step a ← a + (1 - decay)(p - a), from a = p before the first. Averaging the iterates
    goes back to Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992;
    with this weighting, Tarvainen and Valpola, "Mean teachers are better role models", NeurIPS
    2017, equation (1). Training goes on with the weights themselves; `averaged` shows the averages.

    Parameters
    ----------
    inner : Optimizer
        Its parameters, settings, clipping, memory and steps are taken over: from now on this
        optimiser takes the steps, and ``inner`` itself is to be left alone.
    decay : float or callable
        The weight of the past, from 0 to below 1. A function of the steps taken may let it grow:
        ``lambda step: min(0.999, (1 + step) / (10 + step))``.

    Raises
    ------
    TypeError
        If ``inner`` is no optimiser.
    ValueError
        If the decay is out of its range, or ``inner`` is an average already.

    Notes
    -----
    A parameter without a gradient takes no step, and its average does not move. Buffers, as the
    running means of a batch normalisation, are not averaged.

    Examples
    --------
    >>> import adjoint as ad
    >>> w = ad.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = ad.optim.EMA(ad.optim.SGD([w], lr=0.25), decay=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.5, 1. ], requires_grad=True)
    >>> with optimizer.averaged():
    ...     print(w)
    tensor([0.75, 1.5 ], requires_grad=True)
    """

    def __init__(self, inner: Optimizer, decay: float | Schedule = 0.999) -> None:
        if not isinstance(inner, Optimizer):
            raise TypeError(
                f"EMA: expected an Optimizer, got {type(inner).__name__}; for example "
                "EMA(SGD(model.parameters(), lr=0.1))"
            )
        if _DECAY in inner.groups[0]:
            raise ValueError(
                f"EMA: {type(inner).__name__} has a setting named decay itself; average once only"
            )
        self.inner = inner
        super().__init__(_groups_of(inner), **{**inner.groups[0], _DECAY: decay})
        # A training that is under way goes on: the averages begin at the present weights.
        self.clipping, self.steps = inner.clipping, inner.steps
        self.memory = [
            {**entry, _AVERAGE: np.array(parameter.data)} if entry else {}
            for entry, parameter in zip(inner.memory, self.params, strict=True)
        ]

    @property
    def rule(self) -> str:
        """The name of the inner rule, which is most of the update in written source."""
        return self.inner.rule

    def check_setting(self, name: str, value: object) -> Any:
        """Return the decay from 0 to below 1; the other settings are the inner optimiser's."""
        if name == _DECAY:
            return in_range(name, value, below=1.0)
        return self.inner.check_setting(name, value)

    def initial_memory(self, parameter: Array, settings: Settings) -> Memory:
        """Return the inner optimiser's memory, and the parameter itself as the first average."""
        initial = self.inner.initial_memory(parameter, _without(settings, _DECAY))
        return {**initial, _AVERAGE: np.array(parameter)}

    def update(
        self, parameter: AnyArray, gradient: AnyArray, memory: Memory, settings: Settings
    ) -> tuple[Any, Memory]:
        """Apply the inner rule, and move the average towards what it gives."""
        own = _without(memory, _AVERAGE), _without(settings, _DECAY)
        new, remembered = self.inner.update(parameter, gradient, *own)
        # Where a and p are equal this is exactly p, which d a + (1 - d) p is not, after rounding.
        average = memory[_AVERAGE] + (1.0 - settings[_DECAY]) * (new - memory[_AVERAGE])
        return new, {**remembered, _AVERAGE: average}

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Let the parameters be their averages inside the ``with`` block.

        Raises
        ------
        RuntimeError
            On leaving the block, if the parameters were trained or assigned to inside: they and the
            optimiser's memory are what they were before it.
        """
        kept = [parameter.data for parameter in self.params]
        memory, steps = self.memory[:], self.steps
        averages = [self.recall(i)[_AVERAGE] for i in range(len(self.params))]
        try:
            self._show(averages)
            yield
            # Comparing arrays by identity is enough: a step never changes an array in place.
            changed = any(p.data is not a for p, a in zip(self.params, averages, strict=True))
        finally:
            self._show(kept)
        if changed:
            self.memory, self.steps = memory, steps
            raise RuntimeError(
                "averaged: parameters were changed inside the block, and are back at what they "
                "were before it; evaluate there, and train outside"
            )

    def _show(self, arrays: list[Any]) -> None:
        for parameter, array in zip(self.params, arrays, strict=True):
            parameter.data = array

    def __repr__(self) -> str:
        return super().__repr__().replace("(", f"({type(self.inner).__name__}, ", 1)

    def _shown(self, group: Settings) -> str:
        """Return the settings of the inner rule that are shown, and the decay."""
        return f"{self.inner._shown(_without(group, _DECAY))}, {_DECAY}={group[_DECAY]}"


def _groups_of(optimizer: Optimizer) -> list[dict[str, Any]]:
    """Return an optimiser's groups as they would be given to it."""
    groups: list[dict[str, Any]] = [{"params": [], **group} for group in optimizer.groups]
    for parameter, group in zip(optimizer.params, optimizer.membership, strict=True):
        groups[group]["params"].append(parameter)
    return groups


def _without(entries: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in entries.items() if key != name}
