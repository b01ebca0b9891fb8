"""Settings are what is chosen on the page; from JSON to a checked, immutable value and back."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from ..nn.activations import ACTIVATIONS
from ..nn.initialise import INITIALISERS
from ..optim import OPTIMIZERS
from . import formula
from .changes import CHANGEABLE, FIRST_ONLY, Change, read_changes
from .features import FEATURES
from .mistakes import MISTAKES
from .rates import SCHEDULES, schedule_options
from .toys import TOYS
from .values import SettingsError, chosen, listed, number, options

MOST_LAYERS, MOST_UNITS, MOST_ROWS, MOST_CLASSES = 6, 32, 5_000, 5
# A step number in an address asks for as many steps to be taken again.
MOST_STEPS = 20_000_000
OWN = "own"  # the data set that the user brought
DRAWN, FORMULA = "drawn", "formula"  # the one that was drawn by hand, and the one of a formula
STOPS = ("stop_epoch", "stop_loss")  # they change nothing that is computed
DTYPES = ("float64", "float32")
NORMS = ("none", "batch", "layer")

# How the article draws its weights; no layer knows it by name.
FROM_0_TO_1 = "from_0_to_1"

# Losses by what is predicted. Those of one score need two classes.
BY_CLASSES = ("cross_entropy", "kl_divergence", "cosine_loss")
BY_SCORE = ("binary_cross_entropy", "focal_loss", "hinge_loss")
BY_NUMBER = ("mse_loss", "mae_loss", "huber_loss", "quantile_loss", "poisson_loss")


@dataclass(frozen=True)
class Layer:
    """A hidden layer: how many units, what is applied to them, and what it has of its own.

    Attributes
    ----------
    units, activation : int, str
    norm : str, or None
        None is as for all layers.
    dropout : float, or None
        None is as for all layers.
    """

    units: int
    activation: str
    norm: str | None = None
    dropout: float | None = None


@dataclass(frozen=True)
class Settings:
    """All that determines a training but the rows of one's own; the defaults are the page's first.

    Attributes
    ----------
    data : str
        A name in `toys.TOYS`, or "formula", "drawn", "own".
    formula : str
        Makes the rows of the set "formula".
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
        What every hidden layer has that has none of its own; "auto" begins with what suits the
        activation.
    dtype : str
        All parameters have it, and so has all that is computed.
    loss, mistake : str
        A mistake of the article is made in the cross-entropy alone.
    optimizer, lr, options : str, float, dict
        ``options`` are further settings of the optimiser.
    schedule, schedule_options : str, dict
    changes : tuple of Change
        What was set by hand while it trained.
    batch_size : int
    stop_epoch, stop_loss : int, float
        Where playing ends by itself; 0 for never.
    """

    data: str = "moons"
    formula: str = "y > sin(x)"
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
    dtype: str = "float64"
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
    changes: tuple[Change, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return what `read` reads."""
        return asdict(self)

    def pieces(self) -> list[tuple[int, Settings]]:
        """Return from which step on which settings hold, the first from 0."""
        found = [(0, replace(self, changes=()))]
        for change in self.changes:
            found.append((change.step, replace(found[-1][1], **change.given)))
        return found

    def after(self, step: int) -> Settings:
        """Return the settings that hold after so many steps."""
        return next(each for start, each in reversed(self.pieces()) if start <= step)


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
    "data": (*TOYS, FORMULA, DRAWN, OWN),
    "norm": NORMS,
    "dtype": DTYPES,
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
    settings = replace(Settings(), **found, **_structure(given))
    settings = _with_rule(settings, given)
    return _with_changes(settings, given.get("changes", []))


def _with_rule(settings: Settings, given: Mapping[str, Any]) -> Settings:
    """Return settings with the options of their optimiser and their schedule."""
    if not given.keys() & {"options", "schedule", "schedule_options"}:
        return settings  # also where the optimiser is one that the user made
    known = optimizer_options(settings.optimizer), schedule_options(settings.schedule)
    return replace(
        settings,
        options=options(given.get("options", settings.options), known[0]),
        schedule_options=options(
            given.get("schedule_options", settings.schedule_options), known[1]
        ),
    )


def _with_changes(settings: Settings, given: object) -> Settings:
    """Return settings with the changes that were made by hand."""
    for step, each in read_changes(given):
        settings = changed(settings, step, each)
    return settings


def read_stops(settings: Settings, given: Mapping[str, Any]) -> Settings:
    """Return settings with other conditions at which playing stops."""
    found = {
        name: number(name, given[name], *_RANGES[name], whole=name in _WHOLE)
        for name in STOPS
        if name in given
    }
    return replace(settings, **found)  # type: ignore[arg-type]


def changed(settings: Settings, step: int, given: Mapping[str, Any]) -> Settings:
    """Return settings of which some were set by hand after so many steps.

    Later changes are forgotten: they belonged to what would have come without this one.
    """
    kept = tuple(change for change in settings.changes if change.step <= step)
    before = replace(settings, changes=kept).after(step)
    found: dict[str, Any] = {}
    if "lr" in given:
        found["lr"] = number("lr", given["lr"], *_RANGES["lr"])
    if "schedule" in given:
        found["schedule"] = chosen("schedule", given["schedule"], _CHOICES["schedule"])
    now = _with_rule(replace(before, **found), given)
    _check_changeable(before, now)
    differ = {name: getattr(now, name) for name in CHANGEABLE if name in given}
    if all(getattr(before, name) == value for name, value in differ.items()):
        return settings
    if kept and kept[-1].step == step:
        *earlier, last = kept
        return replace(settings, changes=(*earlier, Change(step, {**last.given, **differ})))
    return replace(settings, changes=(*kept, Change(step, differ)))


def _check_changeable(before: Settings, now: Settings) -> None:
    """Refuse what only a new training can begin with."""
    if now.options == before.options:
        return
    for name, default in optimizer_options(now.optimizer).items():
        if isinstance(default, bool) or name in FIRST_ONLY:
            was, found = (each.options.get(name, default) for each in (before, now))
            if was != found:
                raise SettingsError(f"{name}: it cannot be changed while it trains")


def _structure(given: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "formula" in given:
        formula.parse(given["formula"])
        found["formula"] = given["formula"]
    if "features" in given:
        names = listed("features", given["features"], most=len(FEATURES))
        features = [chosen("features", name, list(FEATURES)) for name in names]
        if not features or len(set(features)) < len(features):
            raise SettingsError("features: expected one at least, and each once")
        found["features"] = tuple(name for name in FEATURES if name in features)
    if "layers" in given:
        layers = listed("layers", given["layers"], most=MOST_LAYERS)
        found["layers"] = tuple(map(_layer, layers))
    return found


def _layer(given: object) -> Layer:
    names = {"units", "activation"}
    if not isinstance(given, dict) or not names <= given.keys() <= names | {"norm", "dropout"}:
        raise SettingsError("layers: expected units and activation of each")
    units = int(number("units", given["units"], 1, MOST_UNITS, whole=True))
    norm, dropout = given.get("norm"), given.get("dropout")
    return Layer(
        units,
        chosen("activation", given["activation"], list(ACTIVATIONS)),
        None if norm is None else chosen("norm", norm, NORMS),
        None if dropout is None else number("dropout", dropout, *_RANGES["dropout"]),
    )


def optimizer_options(name: str) -> dict[str, Any]:
    """Return the settings of an optimiser beside its rate, with their defaults."""
    parameters = inspect.signature(OPTIMIZERS[name]).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
