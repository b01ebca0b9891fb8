"""A plateau is a run of epochs in which what is watched did not improve."""

from __future__ import annotations

import math
from typing import Any, Literal

from ...compiler.native.epoch_loop import Patience
from ...core.checks import in_range, positive_size
from ...errors import choose
from ...nn.module import Module
from ...optim import Optimizer
from ..history import History
from ..metrics import direction
from ..run import Watch
from .callback import Callback, Training

Mode = Literal["auto", "min", "max"]


class Plateau:
    """The best value of a record so far, and for how many epochs there was no better one.

    Better is by more than ``min_delta``; NaN is never better, and any number is better than none.

    Parameters
    ----------
    monitor : str
        A name in the history.
    patience : int
    min_delta : float
    mode : {"auto", "min", "max"}
        Whether less or more is better.

    Raises
    ------
    ValueError
        If a number is out of range, or it is not known which way the record is better.
    """

    def __init__(self, monitor: str, *, patience: int, min_delta: float, mode: Mode) -> None:
        choose("mode", mode, ("auto", "min", "max"))
        self.monitor = monitor
        self.patience = positive_size("patience", patience)
        self.min_delta = in_range("min_delta", min_delta)
        # A gain is best - value where less is better; the sign turns it where more is.
        self.sign = 1 if (direction(monitor) if mode == "auto" else mode) == "min" else -1
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self.best = math.nan
        self.epoch = 0
        self.waited = 0

    def state(self) -> dict[str, Any]:
        """Return what it goes on from."""
        return {"best": self.best, "epoch": self.epoch, "waited": self.waited}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.best, self.epoch, self.waited = state["best"], state["epoch"], state["waited"]

    def sees_improvement(self, history: History, epoch: int | None = None) -> bool:
        """Return whether an epoch, by default the latest, is better than all before."""
        epoch = len(history) if epoch is None else epoch
        value = _recorded(history, self.monitor)[epoch - 1]
        gain = self.sign * (self.best - value)
        if gain > self.min_delta or (math.isnan(self.best) and not math.isnan(value)):
            self.best, self.epoch, self.waited = value, epoch, 0
            return True
        self.waited += 1
        return False

    @property
    def is_over(self) -> bool:
        """Return whether patience is exhausted."""
        return self.waited >= self.patience


class EarlyStopping(Callback):
    """End the training once what is watched no longer improves, and go back to the best weights.

    Parameters and buffers are those of the best epoch however the training ends, also after its
    last epoch, by Ctrl-C, or by an error; the optimiser's memory stays as it is. Prechelt, "Early
    stopping, but when?", in Neural networks: tricks of the trade, 1998.

    Parameters
    ----------
    monitor : str
        A name in the history: ``"val_loss"`` needs ``fit(validation=...)``. ``"loss"`` is the mean
        over an epoch during which the weights were still changing.
    patience : int
        After so many epochs without improvement the training ends.
    min_delta : float
        What is not better by more is no improvement; NaN is none.
    mode : {"auto", "min", "max"}
        Whether less or more is better; "auto" knows losses, adjoint's metrics and scikit-learn's.
    restore_best : bool

    Attributes
    ----------
    best_epoch : int
        Counted from 1; 0 before there is one.
    best_value : float
        What was watched then.

    Examples
    --------
    >>> import adjoint as ad
    >>> X, y = ad.datasets.make_moons(60, seed=0)
    >>> model = ad.nn.MLP(2, 8, 2, activation="tanh", rng=0)
    >>> stopping = EarlyStopping(patience=5)
    >>> history = ad.fit(model, (X[:40], y[:40]), loss="cross_entropy", seed=0, epochs=1000,
    ...                  optimizer=lambda p: ad.optim.Adam(p, lr=0.1),
    ...                  validation=(X[40:], y[40:]), callbacks=[stopping])
    >>> len(history) - stopping.best_epoch
    5
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        *,
        patience: int,
        min_delta: float = 0.0,
        mode: Mode = "auto",
        restore_best: bool = True,
    ) -> None:
        self.plateau = Plateau(monitor, patience=patience, min_delta=min_delta, mode=mode)
        self.restore_best = restore_best
        self._best: dict[str, Any] | None = None
        self._watch: Watch | None = None

    @property
    def best_epoch(self) -> int:
        """The best epoch so far."""
        return self.plateau.epoch

    @property
    def best_value(self) -> float:
        """What was watched at the best epoch."""
        return self.plateau.best

    def start(self, training: Training) -> None:
        """Forget the training before."""
        self.plateau.forget()
        self._best = self._watch = None

    def watch(self, epoch: int) -> Watch | None:
        """Let native code watch, unless this is a subclass, which may do more."""
        if type(self) is EarlyStopping:
            plateau = self.plateau
            patience = Patience(
                plateau.patience - 1,
                plateau.min_delta,
                plateau.sign * plateau.best,
                plateau.waited,
                sign=plateau.sign,
                is_plateau=True,
                keeps=self.restore_best,
            )
            self._watch = Watch(plateau.monitor, patience, epoch)
        return self._watch

    def __call__(self, history: History, model: Module) -> bool:
        """Keep the weights if they are the best so far; return whether to end the training."""
        self._look(history, model, len(history) - 1)
        return self.plateau.is_over

    def _look(self, history: History, model: Module, seen: int) -> None:
        """Keep the best weights of the epochs after those that native code, or ``seen``, tells."""
        watch, self._watch = self._watch, None
        improved = self._sees_improvement(history, seen if watch is None else watch.epoch)
        if improved and self.restore_best:
            # Native code kept the weights, but for an epoch that ended in Python: the latest.
            is_kept = watch is not None and self.plateau.best == watch.best
            self._best = watch.weights if watch and is_kept else model.state_dict()

    def _sees_improvement(self, history: History, seen: int) -> bool:
        """Return whether one of the epochs after a number of them is better than all before."""
        improved = False
        for epoch in range(seen + 1, len(history) + 1):
            improved = self.plateau.sees_improvement(history, epoch) or improved
        return improved

    def end(self, history: History, model: Module) -> None:
        """Go back to the best weights."""
        if self._watch is not None:
            # An error or Ctrl-C came before the latest epochs were seen here.
            self._look(history, model, len(history))
        if self._best is not None:
            model.load_state_dict(self._best)
            self._best = None

    def state_dict(self) -> dict[str, Any]:
        """Return the best value, its epoch and its weights."""
        weights = {} if self._best is None else {"weights": self._best}
        return {**self.plateau.state(), **weights}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.plateau.restore(state)
        self._best = state.get("weights")


class ReduceOnPlateau(Callback):
    """Multiply a setting of the optimiser by a factor whenever what is watched stops improving.

    As PyTorch's ReduceLROnPlateau, but for these: ``patience`` counts as in `EarlyStopping`, so
    that the setting is lowered after ``patience`` epochs without improvement, not after one more;
    ``min_delta`` is a difference, not a share of the best value, and 0 by default; the numbers of
    epochs begin anew at a reduction, without further rest (cooldown).

    Parameters
    ----------
    setting : str
        Its name; every group of parameters must have it, as a number and not as a schedule.
    monitor : str
        A name in the history.
    factor : float
        Between 0 and 1.
    patience : int
        After so many epochs without improvement, counted from the best one or from the last
        reduction, the setting is lowered.
    min_delta : float
        What is not better by more is no improvement; NaN is none.
    mode : {"auto", "min", "max"}
        As for `EarlyStopping`.
    minimum : float
        The setting is never lowered further.

    Attributes
    ----------
    reductions : list of int
        After which epochs the setting was lowered.

    Raises
    ------
    ValueError
        If a number is out of range; at the start of training, if the optimiser has no such setting,
        or it is a schedule or no number.

    Examples
    --------
    >>> import adjoint as ad
    >>> slower = ReduceOnPlateau("lr", monitor="loss", factor=0.5, patience=3)
    """

    def __init__(
        self,
        setting: str = "lr",
        *,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        min_delta: float = 0.0,
        mode: Mode = "auto",
        minimum: float = 0.0,
    ) -> None:
        if not 0 < factor < 1:
            raise ValueError(f"factor must be above 0 and below 1, got {factor}")
        self.plateau = Plateau(monitor, patience=patience, min_delta=min_delta, mode=mode)
        self.setting = setting
        self.factor = float(factor)
        self.minimum = in_range("minimum", minimum)
        self.reductions: list[int] = []

    def start(self, training: Training) -> None:
        """Make sure that the optimiser has the setting."""
        _check_setting(training.optimizer, self.setting)
        self.optimizer = training.optimizer
        self.plateau.forget()
        self.reductions = []

    def __call__(self, history: History, model: Module) -> None:
        """Lower the setting, if it is time."""
        self.plateau.sees_improvement(history)
        if self.plateau.is_over:
            self.plateau.waited = 0
            if self._lower():
                self.reductions.append(len(history))

    def state_dict(self) -> dict[str, Any]:
        """Return the best value, its epoch, and the reductions."""
        return {**self.plateau.state(), "reductions": self.reductions}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.plateau.restore(state)
        self.reductions = list(state["reductions"])

    def _lower(self) -> bool:
        """Lower the setting of every group; return whether one was above the minimum."""
        lowered = False
        for group in self.optimizer.groups:
            before = group[self.setting]
            after = max(before * self.factor, self.minimum)
            if 0 < after < before:  # a product that underflows is no rate
                group[self.setting] = self.optimizer.check_setting(self.setting, after)
                lowered = True
        return lowered


def _recorded(history: History, monitor: str) -> list[float]:
    """Return a record."""
    if monitor not in history.keys():  # noqa: SIM118 (a history is no mapping)
        advice = "; pass fit validation=(X, y)" if monitor.startswith("val_") else ""
        known = ", ".join(history.keys())
        raise ValueError(f"monitor {monitor!r} is not recorded; choose one of {known}{advice}")
    return history[monitor]


def _check_setting(optimizer: Optimizer, name: str) -> None:
    """Refuse what cannot be multiplied by a factor."""
    for group in optimizer.groups:
        if name not in group:
            raise ValueError(
                f"ReduceOnPlateau: {type(optimizer).__name__} has no setting {name!r}; "
                f"it has {', '.join(group)}"
            )
        value = group[name]
        if callable(value):
            raise ValueError(
                f"ReduceOnPlateau: {name} is a schedule, {value!r}, which would overrule every "
                f"reduction; give the optimiser a number as {name}, or drop this callback"
            )
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ValueError(f"ReduceOnPlateau: {name} is {value!r}, expected a number to lower")
