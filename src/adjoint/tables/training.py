"""A table's network is an ensemble, each member of which starts as a linear model of its rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count, islice
from typing import Any, NamedTuple

import numpy as np

from ..core.annotations import Array
from ..data.row_weights import row_weights
from ..data.window import ByWindow
from ..errors import ReproducibleError, TableError, UnreadableFileError
from ..network import Perceptron, outputs_of
from ..nn.ensemble import Ensemble
from ..nn.functional import LOSSES
from ..nn.losses.classification import CrossEntropyLoss
from ..optim import AdamW
from ..optim.schedules import Cosine
from ..training.callbacks import EarlyStopping
from ..training.fit import fit
from ..training.history import History
from ..training.saving import Saving
from ..training.tiers import native_code_pays
from .baseline import start_from_linear
from .encoder import DTYPE, Encoder
from .fingerprints import Fingerprints
from .model import TableModel, design_for
from .parts import Parts
from .settings import TableSettings
from .snapshots import Snapshots, epochs_to_keep
from .targets import AnyTarget

# From so many rows on, those held out to stop by are not missed, and all members have the same.
_MANY_ROWS = 10_000
# The linear path is there already when a training begins: it moves slower.
_LINEAR_RATE = 0.1
# What is left of each rate at the last step.
_LAST_RATE = 0.01

Rows = tuple[Array, Array]
# A name that `fit` knows, or a module.
Loss = str | Callable[..., Any]


class Share(NamedTuple):
    """Rows of one member: encoded, their targets, and how much each counts if not all alike."""

    X: Array
    y: Array
    weights: Array | None = None

    def of(self, chosen: Array) -> Share:
        """Return some of the rows."""
        weights = None if self.weights is None else self.weights[chosen]
        return Share(self.X[chosen], self.y[chosen], weights)


@dataclass(frozen=True)
class Trained:
    """A trained model that was not scored yet, and how its training went.

    Attributes
    ----------
    model : TableModel
    history : History
        That of the first member.
    best_epoch : int
        The epoch that all weights are of; 0 is the linear models that the members started as.
    interrupted : bool
        Whether Ctrl-C ended the training of any member; then it and later ones are not there,
        unless it was the first.
    seconds : float
    """

    model: TableModel
    history: History
    best_epoch: int
    interrupted: bool
    seconds: float


@dataclass(frozen=True)
class _Member:
    """A trained network, its weights as it started and after some epochs, and its losses then."""

    network: Perceptron
    history: History
    snapshots: dict[int, dict[str, Array]]
    losses: dict[int, float]


def train(
    encoder: Encoder,
    target: AnyTarget,
    parts: Parts,
    settings: TableSettings,
    *,
    progress: bool,
    checkpoint: Saving | None = None,
) -> Trained:
    """Train an ensemble on the rows to train on, which the rows to stop by end.

    Parameters
    ----------
    progress : bool
        Whether the epochs of the first member are told.
    checkpoint : Saving, optional
        Where the first member is saved; those after it are saved in files beside it.
    """
    start = time.perf_counter()
    design = design_for(encoder, target, hidden=settings.hidden, dropout=settings.dropout)
    members: list[_Member] = []
    linear: list[Array] = []
    for k, (rows, held) in enumerate(_splits(parts, settings)):
        network = Perceptron(design, np.random.RandomState((settings.seed + k) % 2**32), DTYPE)
        rows, held = (each._replace(y=target.as_trained(each.y)) for each in (rows, held))
        if settings.reproducible:
            pass  # the linear model's solver is SciPy's: the network starts as it was drawn
        elif linear and len(rows[1]) >= _MANY_ROWS:
            _start_as(network, linear)
        else:
            weight = settings.class_weight
            start_from_linear(network, encoder, target, *rows, class_weight=weight)
            linear = _path(network)
        members.append(
            _train_one(
                network,
                rows if parts.stream is None else parts.stream,
                held,
                replace(settings, seed=settings.seed + k),
                loss=_loss_of(target, settings),
                count=parts.rows,
                progress=progress and not k,
                checkpoint=None if checkpoint is None else _saving_of(checkpoint, k),
            )
        )
        if members[-1].history.interrupted:
            break
    # One that was interrupted is not trained enough to answer with those that were not.
    whole = [one for one in members if not one.history.interrupted] or members
    best = _set_to_best(whole)
    seconds = time.perf_counter() - start
    ensemble = Ensemble([one.network for one in whole])
    model = TableModel(encoder, target, ensemble, fingerprints=_fingerprints(parts, len(whole)))
    return Trained(model, whole[0].history, best, members[-1].history.interrupted, seconds)


def _set_to_best(members: list[_Member]) -> int:
    """Give all members their weights of one epoch, and return which: 0 is the linear model.

    It is the best by the mean of the members' losses, each on the rows that it holds out. These are
    many rows together, of few rows in all; an epoch chosen by a member's own would be by chance.
    """
    epochs = sorted(set.intersection(*(set(one.snapshots) for one in members)))
    losses = np.mean([[one.losses[epoch] for epoch in epochs] for one in members], axis=0)
    best = epochs[int(np.nan_to_num(losses, nan=np.inf).argmin())]
    for one in members:
        one.network.load_state_dict(one.snapshots[best])
    return best


def _fingerprints(parts: Parts, members: int) -> Fingerprints:
    """Return those of the rows that any member was trained on."""
    if parts.fingerprints is not None:
        return parts.fingerprints
    if members == 1 or not _exchange(parts):
        return Fingerprints.of(*parts.train)
    return Fingerprints.of(*_joined(parts))


def _joined(parts: Parts) -> Rows:
    X, y = (np.concatenate(pair) for pair in zip(parts.train, parts.validation, strict=True))
    return X, y


def _saving_of(first: Saving, member: int) -> Saving:
    """Return where a member is saved: the first in the file that was asked for."""
    if not member:
        return first
    return Saving(first.path.with_name(f"{first.path.name}.{member + 1}"), seconds=first.seconds)


def _splits(parts: Parts, settings: TableSettings) -> Iterator[tuple[Share, Share]]:
    """Yield rows to train on and to stop by for each member.

    The first takes them as they are. Of few rows each other member holds out other ones, so that
    the ensemble learns from all, unless those to stop by are to be the latest.
    """
    weights, trained = parts.weights, len(parts.train[1])
    first = Share(*parts.train), Share(*parts.validation)
    if weights is not None:
        first = Share(*parts.train, weights[:trained]), Share(*parts.validation, weights[trained:])
    yield first
    # Each member reads a stream through for itself, so one does unless more are asked for.
    members = (settings.ensemble or 1) if parts.stream else settings.members_for(parts.rows)
    if not _exchange(parts):
        yield from [first] * (members - 1)
        return
    whole = Share(*_joined(parts), weights)
    rng = np.random.default_rng(settings.seed)
    find = _rows_to_hold if parts.blocks is None else _blocks_to_hold
    for is_held in islice(find(parts, rng), members - 1):
        yield whole.of(~is_held), whole.of(is_held)


def _exchange(parts: Parts) -> bool:
    """Return whether each member holds out other rows to stop by."""
    return not (parts.rows >= _MANY_ROWS or parts.stream or parts.in_time)


def _rows_to_hold(parts: Parts, rng: np.random.Generator) -> Iterator[Array]:
    """Yield which rows each member after the first holds out, of all but those to score by."""
    held = len(parts.validation[1])
    order = rng.permutation(len(parts.train[1]))
    for k in count():
        is_held = np.zeros(len(order) + held, bool)
        is_held[np.take(order, range(k * held, (k + 1) * held), mode="wrap")] = True
        yield is_held


def _blocks_to_hold(parts: Parts, rng: np.random.Generator) -> Iterator[Array]:
    """Yield the same of whole blocks, about as many rows as are held out to stop by."""
    assert parts.blocks is not None
    codes, sizes = np.unique(parts.blocks[: len(parts.train[1])], return_counts=True)
    # A member that holds out most rows would learn from too few.
    places = rng.permutation(np.flatnonzero(sizes <= len(parts.train[1]) / 2))
    held, k = len(parts.validation[1]), 0
    while True:
        chosen: list[int] = []
        rows = 0
        while len(chosen) < len(places):
            place = places[k % len(places)]
            if chosen and rows + sizes[place] / 2 > held:
                break
            chosen.append(int(codes[place]))
            rows += int(sizes[place])
            k += 1
        is_held = np.isin(parts.blocks, chosen)
        yield is_held if chosen else np.arange(len(is_held)) >= len(parts.train[1])


def _path(network: Perceptron) -> list[Array]:
    assert network.linear_path is not None
    return [np.array(parameter.data) for parameter in network.linear_path.parameters()]


def _start_as(network: Perceptron, path: list[Array]) -> None:
    """Let a network start from the same linear model as another."""
    assert network.linear_path is not None
    for parameter in (network.coefs[-1], network.intercepts[-1]):
        parameter.data[...] = 0
    for parameter, values in zip(network.linear_path.parameters(), path, strict=True):
        parameter.data[...] = values


def _train_one(
    network: Perceptron,
    rows: Share | ByWindow,
    held: Share,
    settings: TableSettings,
    *,
    loss: Loss,
    count: int,
    progress: bool,
    checkpoint: Saving | None,
) -> _Member:
    """Train one member, and keep its weights after some epochs."""
    epochs, batch = settings.epochs_for(count), settings.batch_size_for(count)
    steps = epochs * -(-count // batch)
    weights = row_weights(held.y, held.weights, settings.class_weight)
    first = network.state_dict()
    before = np.inf if settings.reproducible else _loss(network, loss, held, weights)
    size = sum(p.data.nbytes for p in network.parameters()) * settings.members_for(count)
    snapshots = Snapshots(epochs_to_keep(epochs, size=size))
    stopping = EarlyStopping(patience=settings.patience, restore_best=False)
    # The members after the first use the same code.
    all_steps = steps * settings.members_for(count)
    pays = native_code_pays(network, steps=all_steps, rows=batch)
    try:
        history = fit(
            network,
            (rows.X, rows.y) if isinstance(rows, Share) else rows,
            loss=loss,
            optimizer=lambda _: AdamW(_groups(network, settings.learning_rate, steps)),
            epochs=epochs,
            batch_size=batch,
            seed=settings.seed,
            validation=(held.X, held.y),
            sample_weight=rows.weights if isinstance(rows, Share) else None,
            class_weight="balanced" if settings.class_weight else None,
            callbacks=[stopping, snapshots],
            checkpoint=checkpoint,
            resume=checkpoint is not None,
            progress="log" if progress else False,
            compile="prefer" if pays and not settings.reproducible else "auto",
            reproducible=settings.reproducible,
        )
    except (TableError, ReproducibleError):
        raise
    except UnreadableFileError as error:  # names its file
        raise TableError(str(error)) from None
    except ValueError as error:
        if checkpoint is None:
            raise
        raise TableError(f"{checkpoint.path}: {error}") from None
    kept = {0: first} | snapshots.weights
    losses = {0: before}
    for epoch in snapshots.weights:
        if weights is None:
            losses[epoch] = float(history["val_loss"][epoch - 1])
        else:  # the training's own is of rows that weigh alike
            network.load_state_dict(kept[epoch])
            losses[epoch] = _loss(network, loss, held, weights)
    return _Member(network, history, kept, losses)


def _groups(network: Perceptron, learning_rate: float, steps: int) -> list[dict[str, Any]]:
    """Return the parameters and their rates: those of the linear path move slower, undecayed."""
    assert network.linear_path is not None
    path = list(network.linear_path.parameters())
    others = [p for p in network.parameters() if not any(p is one for one in path)]
    slow = learning_rate * _LINEAR_RATE
    return [
        {"params": others, "lr": Cosine(learning_rate, steps, end=learning_rate * _LAST_RATE)},
        {"params": path, "lr": Cosine(slow, steps, end=slow * _LAST_RATE), "weight_decay": 0.0},
    ]


def _loss_of(target: AnyTarget, settings: TableSettings) -> Loss:
    """Return what a network is trained with."""
    smoothing = settings.label_smoothing
    return CrossEntropyLoss(label_smoothing=smoothing) if smoothing else target.loss


def _loss(network: Perceptron, loss: Loss, held: Share, weights: Array | None) -> float:
    X, y, _ = held
    outputs = outputs_of(network, X)
    y = y.astype(outputs.dtype) if y.dtype.kind == "f" else y
    weigh = {} if weights is None else {"sample_weight": weights.astype(outputs.dtype)}
    function = LOSSES[loss] if isinstance(loss, str) else loss
    return float(function(outputs, y, **weigh))
