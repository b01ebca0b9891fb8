"""The demo trains a small network on a toy data set, and draws how that went and what was learnt.

>>> settings = DemoSettings(epochs=3, samples=40, batch_size=20)
>>> result = train(prepare(settings))
>>> len(result.history), result.experiment.X.shape
(3, (40, 2))
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .. import nn, optim
from ..core.checks import positive
from ..data.datasets import DATASETS
from ..errors import choose, require
from ..exporting.training_task import TrainingTask
from ..files.whole_file import whole_file, write_whole
from ..plots import DataDisplay, DecisionBoundaryDisplay, LossCurveDisplay, style
from ..plots.two_schemes import svg_in_two_schemes
from ..training.callbacks import AtEpochs
from ..training.fit import fit
from ..training.history import History

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("svg", "png")
DOTS_PER_INCH = 150
# The loss of a network that has barely begun is a little above that of guessing.
_WORSE = 1.05


@dataclass(frozen=True, kw_only=True)
class DemoSettings:
    """All that decides the result; the defaults are the article's.

    Parameters
    ----------
    dataset : str
        A name in `adjoint.datasets.DATASETS`.
    samples : int
        Number of points.
    noise : float, optional
        Standard deviation of the points' noise; the data set's own by default.
    hidden : tuple of int
        Units of each hidden layer.
    activation : str
        The activation between layers.
    learning_rate : float
        Step length of gradient descent.
    batch_size : int
        Points per step, at most ``samples``.
    epochs : int
        Passes over the data.
    seed : int
        Decides the data, the first weights and the order of the batches.
    """

    dataset: str = "moons"
    samples: int = 1000
    noise: float | None = None
    hidden: tuple[int, ...] = (4, 4)
    activation: str = "sigmoid"
    learning_rate: float = 0.05
    batch_size: int = 50
    epochs: int = 50_000
    seed: int = 0

    def check(self) -> None:
        """Raise ValueError, saying what to change, if no training can be made of this."""
        choose("data set", self.dataset, DATASETS)
        choose("activation", self.activation, nn.ACTIVATIONS)
        for name in ("samples", "batch_size", "epochs"):
            _check_at_least(name.replace("_", " "), getattr(self, name), 1)
        _check_at_least("seed", self.seed, 0)
        if self.seed >= 2**64:
            raise ValueError(f"seed must be below 2**64, got {self.seed}")
        for units in self.hidden:
            _check_at_least("units of a hidden layer", units, 1)
        positive("learning rate", self.learning_rate)
        if self.batch_size > self.samples:
            raise ValueError(
                f"batch size {self.batch_size} is larger than the {self.samples} samples"
            )


@dataclass(frozen=True)
class Experiment:
    """The settings made real: the data, and a network that is not trained yet."""

    settings: DemoSettings
    X: NDArray[np.float64]
    y: NDArray[np.int64]
    model: nn.MLP


@dataclass(frozen=True)
class Result:
    """An experiment whose network is trained, and how the training went."""

    experiment: Experiment
    history: History
    seconds: float

    @property
    def accuracy(self) -> float:
        """The share of the training points that the network classifies rightly."""
        experiment = self.experiment
        return float(np.mean(experiment.model.predict(experiment.X) == experiment.y))

    @property
    def trouble(self) -> str:
        """What went wrong though every loss was a number, and what to do; else empty."""
        losses, classes = self.history.loss, self.experiment.model.sizes[-1]
        rate = self.experiment.settings.learning_rate
        if len(losses) > 1 and losses[-1] > losses[0]:
            return (
                f"the loss grew from {losses[0]:.4g} to {losses[-1]:.4g}: try a learning rate "
                f"below {rate:g}"
            )
        # A network that knows nothing gives all classes the same probability.
        if losses and losses[-1] > _WORSE * math.log(classes):
            return (
                f"the loss, {losses[-1]:.4g}, is worse than the {math.log(classes):.4g} of equal "
                f"probabilities for all {classes} classes: try more epochs, or another learning "
                f"rate than {rate:g}"
            )
        return ""

    def summary(self) -> dict[str, Any]:
        """Return the settings and the outcome in types that JSON knows."""
        settings, losses = self.experiment.settings, self.history.loss
        shown = [epoch for epoch in milestones(settings.epochs) if epoch <= len(losses)]
        return {
            **asdict(settings),
            "layers": list(self.experiment.model.sizes),
            "epochs_trained": len(losses),
            "interrupted": self.history.interrupted,
            "final_loss": losses[-1] if losses else None,
            "accuracy": self.accuracy,
            "trouble": self.trouble or None,
            "seconds": round(self.seconds, 3),
            "losses": [{"epoch": epoch, "loss": losses[epoch - 1]} for epoch in shown],
        }


Report = Callable[[int, float], None]
Picture = Callable[[Any], Any]  # draws on axes


def prepare(settings: DemoSettings) -> Experiment:
    """Make the data and the network, and so find every fault of the settings before training.

    Raises
    ------
    ValueError
        If the settings allow no training.
    """
    settings.check()
    noise = {} if settings.noise is None else {"noise": settings.noise}
    X, y = DATASETS[settings.dataset](settings.samples, seed=settings.seed, **noise)
    sizes = (2, *settings.hidden, int(y.max()) + 1)
    model = nn.MLP(*sizes, activation=settings.activation, rng=settings.seed)
    return Experiment(settings, X, y, model)


def train(
    experiment: Experiment, *, report: Report | None = None, progress: bool = False
) -> Result:
    """Train the network as the settings say; Ctrl-C ends it early, with what was reached.

    Parameters
    ----------
    experiment : Experiment
        Its network is trained where it is.
    report : callable, optional
        Called with the epoch and its loss at each of the `milestones`.
    progress : bool
        Whether to show a progress bar where standard error is a terminal.

    Returns
    -------
    Result

    Raises
    ------
    DivergedError
        If the loss becomes NaN or infinite.
    """
    start = time.perf_counter()
    history = fit(
        experiment.model,
        (experiment.X, experiment.y),
        **_how(experiment),
        callbacks=[_reporter(experiment.settings.epochs, report)] if report else [],
        progress=progress,
    )
    return Result(experiment, history, time.perf_counter() - start)


def task(experiment: Experiment) -> TrainingTask:
    """Return what `train` does as a task that can be exported."""
    return TrainingTask(experiment.model, (experiment.X, experiment.y), **_how(experiment))


def _how(experiment: Experiment) -> dict[str, Any]:
    """Return how the network is trained."""
    settings = experiment.settings
    return {
        "loss": "cross_entropy",
        "optimizer": optim.SGD(experiment.model.parameters(), lr=settings.learning_rate),
        "epochs": settings.epochs,
        "batch_size": settings.batch_size,
        "seed": settings.seed,
    }


def milestones(epochs: int) -> list[int]:
    """Return the first epoch and ten evenly spaced ones, the last included.

    >>> milestones(6000)[:3], milestones(3)
    ([1, 600, 1200], [1, 2, 3])
    """
    return sorted({1, *(math.ceil(epochs * part / 10) for part in range(1, 11))})


def _reporter(epochs: int, report: Report) -> AtEpochs:
    """Return a callback of `fit` that reports the milestones alone."""
    return AtEpochs(
        milestones(epochs), lambda history, model: report(len(history), history.loss[-1])
    )


def prepare_folder(folder: Path) -> None:
    """Create the folder, and find out now rather than after training whether it takes files.

    Raises
    ------
    ValueError
        If it cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ValueError(f"cannot write pictures to {str(folder)!r}: {reason}") from error


def draw(result: Result, folder: Path) -> list[Path]:
    """Draw the loss curve, the data and the decision boundary, each as SVG and PNG.

    The same result gives the same bytes.

    Parameters
    ----------
    result : Result
        A result of at least one epoch.
    folder : Path
        A folder that exists.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    return [path for name, onto in _pictures(result).items() for path in _save(onto, folder / name)]


def _pictures(result: Result) -> dict[str, Picture]:
    """Return what draws each picture, by its name; an interrupted first epoch leaves no curve."""
    X, y, model = result.experiment.X, result.experiment.y, result.experiment.model
    pictures: dict[str, Picture] = {
        "data": lambda ax: DataDisplay.from_data(X, y, ax=ax),
        "decision_boundary": lambda ax: DecisionBoundaryDisplay.from_estimator(model, X, y, ax=ax),
    }
    if len(result.history):
        pictures["loss_curve"] = lambda ax: LossCurveDisplay.from_history(result.history, ax=ax)
    return pictures


def _save(onto: Picture, stem: Path) -> list[Path]:
    """Draw one picture off screen and write it in every format."""
    # A bare Figure belongs to no window and no pyplot state.
    figure = require("matplotlib.figure", extra="plot", purpose="drawing").Figure(
        figsize=style.FIGURE_SIZE
    )
    onto(style.set_up(figure))
    paths = [stem.with_suffix(f".{format}") for format in FORMATS]
    for path in paths:
        _write(figure, path)
    return paths


def _write(figure: Figure, path: Path) -> None:
    """Write the picture whole or not at all, and without anything that changes by itself."""
    if path.suffix == ".svg":
        write_whole(path, svg_in_two_schemes(figure, name=path.stem).encode())
        return
    with whole_file(path) as file:
        figure.savefig(file, format=path.suffix[1:], dpi=DOTS_PER_INCH)


def _check_at_least(name: str, number: int, least: int) -> None:
    if number < least:
        raise ValueError(f"{name} must be at least {least}, got {number}")
