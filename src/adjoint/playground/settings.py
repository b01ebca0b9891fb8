"""Settings are what is chosen on the page; from JSON to a checked, immutable value and back."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from ..errors import choose
from ..nn.activations import ACTIVATIONS
from ..nn.initialise import INITIALISERS
from ..optim import OPTIMIZERS
from ..optim import schedules as rates
from .features import FEATURES
from .mistakes import MISTAKES
from .toys import TOYS

MOST_LAYERS, MOST_UNITS, MOST_ROWS, MOST_CLASSES = 6, 32, 5_000, 5
# A step number in an address asks for as many steps to be taken again.
MOST_STEPS = 20_000_000
OWN = "own"  # the data set that the user brought
NORMS = ("none", "batch", "layer")

# How the article draws its weights; no layer knows it by name.
FROM_0_TO_1 = "from_0_to_1"

# Losses by what is predicted. Those of one score need two classes.
BY_CLASSES = ("cross_entropy",)
BY_SCORE = ("binary_cross_entropy", "focal_loss", "hinge_loss")
BY_NUMBER = ("mse_loss", "mae_loss", "huber_loss", "quantile_loss")

# The schedules that need no more than numbers; the first setting of each is the learning rate.
SCHEDULES = {
    "constant": None,
    "step": rates.StepDecay,
    "exponential": rates.Exponential,
    "cosine": rates.Cosine,
    "one_cycle": rates.OneCycle,
    "polynomial": rates.Polynomial,
}
# What a schedule's setting begins with where it has no default.
_FIRST = {"every": 1000, "factor": 0.999, "steps": 3000}


class SettingsError(ValueError):
    """A setting that the page must not have sent, said in one sentence."""


@dataclass(frozen=True)
class Layer:
    """A hidden layer: how many units, and what is applied to them."""

    units: int
    activation: str


@dataclass(frozen=True)
class Settings:
    """All that determines a training but the rows of one's own; the defaults are the page's first.

    Attributes
    ----------
    data : str
        A name in `toys.TOYS`, or "own".
    rows, noise, classes : int, float, int
        How a toy set is made; ``classes`` matters to those that can have several.
    test : float
        The share of the rows on which it is not trained.
    seed : int
        Determines data, weights, and the order of the rows.
    features : tuple of str
        Names in `features.FEATURES`; for toy sets only.
    layers : tuple of Layer
    norm, dropout, initialise : str, float, str
        What every hidden layer has; "auto" begins with what suits the activation.
    loss, mistake : str
        A mistake of the article is made in the cross-entropy alone.
    optimizer, lr, options : str, float, dict
        ``options`` are further settings of the optimiser.
    schedule, schedule_options : str, dict
    batch_size : int
    stop_epoch, stop_loss : int, float
        Where playing ends by itself; 0 for never.
    """

    data: str = "moons"
    rows: int = 300
    noise: float = 0.15
    classes: int = 3
    test: float = 0.3
    seed: int = 0
    features: tuple[str, ...] = ("x1", "x2")
    layers: tuple[Layer, ...] = (Layer(4, "tanh"), Layer(4, "tanh"))
    norm: str = "none"
    dropout: float = 0.0
    initialise: str = "auto"
    loss: str = "cross_entropy"
    mistake: str = "none"
    optimizer: str = "adam"
    lr: float = 0.01
    options: Mapping[str, Any] = field(default_factory=dict)
    schedule: str = "constant"
    schedule_options: Mapping[str, Any] = field(default_factory=dict)
    batch_size: int = 10
    stop_epoch: int = 0
    stop_loss: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """Return what `read` reads."""
        return asdict(self)


_RANGES: dict[str, tuple[float, float]] = {
    "rows": (10, MOST_ROWS),
    "noise": (0, 5),
    "classes": (2, MOST_CLASSES),
    "test": (0, 0.9),
    "seed": (0, 2**32 - 1),
    "dropout": (0, 0.9),
    "lr": (1e-12, 1e6),
    "batch_size": (1, MOST_ROWS),
    "stop_epoch": (0, 10**9),
    "stop_loss": (0, 1e9),
}
_CHOICES: dict[str, Sequence[str]] = {
    "data": (*TOYS, OWN),
    "norm": NORMS,
    "initialise": ("auto", *INITIALISERS, FROM_0_TO_1),
    "loss": (*BY_CLASSES, *BY_SCORE, *BY_NUMBER),
    "mistake": tuple(MISTAKES),
    "optimizer": tuple(OPTIMIZERS),
    "schedule": tuple(SCHEDULES),
}
_WHOLE = {each.name for each in fields(Settings) if each.type == "int"}


def read(given: object) -> Settings:
    """Return the settings of what JSON gave; what is left out has its default.

    Raises
    ------
    SettingsError
        If a name is unknown, or a value has the wrong type or is out of range.
    """
    if not isinstance(given, dict):
        raise SettingsError("settings: expected an object")
    known = {each.name for each in fields(Settings)}
    if unknown := [name for name in given if name not in known]:
        raise SettingsError(f"settings: there is no {unknown[0]!r}")
    found: dict[str, Any] = {}
    for name, value in given.items():
        if name in _RANGES:
            found[name] = number(name, value, *_RANGES[name], whole=name in _WHOLE)
        elif name in _CHOICES:
            found[name] = chosen(name, value, _CHOICES[name])
    settings = replace(
        Settings(),
        **found,
        **_structure(given),
    )
    return replace(
        settings,
        options=_options(given.get("options", {}), optimizer_options(settings.optimizer)),
        schedule_options=_options(
            given.get("schedule_options", {}), schedule_options(settings.schedule)
        ),
    )


def number(name: str, value: object, low: float, high: float, *, whole: bool = False) -> float:
    """Return a number in a range."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not low <= value <= high:  # type: ignore[operator]
        raise SettingsError(
            f"{name}: expected a number from {low:g} to {high:g}, got {value!r:.60}"
        )
    if whole and value != int(value):  # type: ignore[call-overload]
        raise SettingsError(f"{name}: expected a whole number, got {value!r:.60}")
    return int(value) if whole else float(value)  # type: ignore[call-overload, arg-type]


def chosen(name: str, value: object, names: Sequence[str]) -> str:
    """Return one of some names."""
    if not isinstance(value, str):
        raise SettingsError(f"{name}: expected a name, got {value!r:.60}")
    try:
        return choose(name, value[:60], list(names))
    except ValueError as error:
        raise SettingsError(str(error)) from None


def _structure(given: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "features" in given:
        names = _list("features", given["features"], most=len(FEATURES))
        features = [chosen("features", name, list(FEATURES)) for name in names]
        if not features or len(set(features)) < len(features):
            raise SettingsError("features: expected one at least, and each once")
        found["features"] = tuple(name for name in FEATURES if name in features)
    if "layers" in given:
        layers = _list("layers", given["layers"], most=MOST_LAYERS)
        found["layers"] = tuple(map(_layer, layers))
    return found


def _layer(given: object) -> Layer:
    if not isinstance(given, dict) or given.keys() != {"units", "activation"}:
        raise SettingsError("layers: expected units and activation of each")
    units = int(number("units", given["units"], 1, MOST_UNITS, whole=True))
    return Layer(units, chosen("activation", given["activation"], list(ACTIVATIONS)))


def _list(name: str, given: object, *, most: int) -> list[Any]:
    if not isinstance(given, (list, tuple)) or len(given) > most:
        raise SettingsError(f"{name}: expected a list of {most} at most")
    return list(given)


def optimizer_options(name: str) -> dict[str, Any]:
    """Return the settings of an optimiser beside its rate, with their defaults."""
    parameters = inspect.signature(OPTIMIZERS[name]).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


def schedule_options(name: str) -> dict[str, Any]:
    """Return the settings of a schedule beside the rate it begins with, with first values."""
    kind = SCHEDULES[name]
    if kind is None:
        return {}
    _, *rest = inspect.signature(kind).parameters.values()
    return {p.name: _FIRST[p.name] if p.default is p.empty else p.default for p in rest}


def _options(given: object, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that are known, of the types that their defaults have."""
    if not isinstance(given, dict):
        raise SettingsError("options: expected an object")
    found: dict[str, Any] = {}
    for name, value in given.items():
        default = known.get(chosen("options", name, list(known)))
        if isinstance(default, bool):
            if not isinstance(value, bool):
                raise SettingsError(f"{name}: expected true or false, got {value!r:.60}")
            found[name] = value
        else:
            found[name] = number(name, value, 0, 1e9, whole=isinstance(default, int))
    return found
