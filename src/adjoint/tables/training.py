"""A table's network is an ensemble, each member of which starts as a linear model of its rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

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
from ..training.side_by_side import Ends, free_threads, trained_side_by_side
from ..training.tiers import native_code_pays
from .baseline import start_from_linear
from .encoder import DTYPE, Encoder
from .exchange import MANY_ROWS, Share, Split, is_exchanged, joined, members_of, splits
from .fingerprints import Fingerprints
from .model import TableModel, design_for
from .parts import Parts
from .settings import TableSettings
from .snapshots import Snapshots, epochs_to_keep
from .targets import AnyTarget

# The linear path is there already when a training begins: it moves slower.
_LINEAR_RATE = 0.1
# What is left of each rate at the last step.
_LAST_RATE = 0.01

# A name that `fit` knows, or a module.
Loss = str | Callable[..., Any]


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
class Member:
    """A trained network, its weights as it started and after some epochs, and its losses then.

    Attributes
    ----------
    network : Perceptron
    history : History
    snapshots : dict of int to dict of str to array
        Weights by epoch; 0 is the start.
    losses : dict of int to float
        On the rows that it held out, by epoch.
    split : Split
        The rows that it was trained on and stopped by.
    """

    network: Perceptron
    history: History
    snapshots: dict[int, dict[str, Array]]
    losses: dict[int, float]
    split: Split


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
    members = list(
        train_members(encoder, target, parts, settings, progress=progress, checkpoint=checkpoint)
    )
    return assembled(members, encoder, target, parts, seconds=time.perf_counter() - start)


def train_members(
    encoder: Encoder,
    target: AnyTarget,
    parts: Parts,
    settings: TableSettings,
    *,
    progress: bool = False,
    checkpoint: Saving | None = None,
    ends: Ends | None = None,
) -> Iterator[Member]:
    """Yield the members of an ensemble, each once it is trained; none after one that Ctrl-C ended.

    Parameters
    ----------
    progress, checkpoint
        As of `train`.
    ends : callable, optional
        Asked after the epochs whose weights are kept; if it returns true, the training ends.
    """
    jobs = _jobs(encoder, target, parts, settings, progress, checkpoint)
    threads = 1
    # A large network's products have two threads each, and what Ctrl-C ends must be saved.
    if len(parts.train[1]) < MANY_ROWS and parts.stream is None and checkpoint is None:
        threads = min(free_threads(), members_of(parts, settings))
    if threads > 1:
        both = (lambda over, job=job: job(_either(over, ends)) for job in jobs)
        yield from trained_side_by_side(both, threads=threads, cut=_cut)
        return
    for job in jobs:
        member = job(ends)
        yield member
        if member.history.interrupted:
            break


def _jobs(
    encoder: Encoder,
    target: AnyTarget,
    parts: Parts,
    settings: TableSettings,
    progress: bool,
    checkpoint: Saving | None,
) -> Iterator[Callable[[Ends | None], Member]]:
    """Yield what trains a member, which starts as a linear model, for each of them."""
    design = design_for(
        encoder, target, hidden=settings.hidden, dropout=settings.dropout, bins=settings.bins
    )
    linear: list[Array] = []
    for k, split in enumerate(splits(parts, settings)):
        network = Perceptron(design, np.random.RandomState((settings.seed + k) % 2**32), DTYPE)
        rows, held = (
            each._replace(y=target.as_trained(each.y)) for each in (split.train, split.held)
        )
        if settings.reproducible:
            pass  # the linear model's solver is SciPy's: the network starts as it was drawn
        elif linear and len(rows.y) >= MANY_ROWS:
            _start_as(network, linear)
        else:
            weight = settings.class_weight
            start_from_linear(network, encoder, target, *rows, class_weight=weight)
            linear = _path(network)
        yield partial(
            _trained_member,
            network,
            split,
            rows if parts.stream is None else parts.stream,
            held,
            replace(settings, seed=settings.seed + k),
            loss=_loss_of(target, settings),
            count=parts.rows,
            progress=progress and not k,
            checkpoint=None if checkpoint is None else _saving_of(checkpoint, k),
        )


def _trained_member(
    network: Perceptron,
    split: Split,
    rows: Share | ByWindow,
    held: Share,
    settings: TableSettings,
    ends: Ends | None,
    **given: Any,
) -> Member:
    return Member(network, *_train_one(network, rows, held, settings, ends=ends, **given), split)


def _either(one: Ends, other: Ends | None) -> Ends:
    return lambda: one() or (other is not None and other())


def _cut(member: Member) -> Member:
    member.history.interrupted = True
    return member


def assembled(
    members: Sequence[Member], encoder: Encoder, target: AnyTarget, parts: Parts, *, seconds: float
) -> Trained:
    """Return the ensemble of some members, all with their weights of the epoch best for all."""
    # One that was interrupted is not trained enough to answer with those that were not.
    whole = [one for one in members if not one.history.interrupted] or list(members)
    best = _set_to_best(whole)
    ensemble = Ensemble([one.network for one in whole])
    model = TableModel(encoder, target, ensemble, fingerprints=_fingerprints(parts, len(whole)))
    return Trained(model, whole[0].history, best, members[-1].history.interrupted, seconds)


def _set_to_best(members: list[Member]) -> int:
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
    if members == 1 or not is_exchanged(parts):
        return Fingerprints.of(*parts.train)
    return Fingerprints.of(*joined(parts))


def _saving_of(first: Saving, member: int) -> Saving:
    """Return where a member is saved: the first in the file that was asked for."""
    if not member:
        return first
    return Saving(first.path.with_name(f"{first.path.name}.{member + 1}"), seconds=first.seconds)


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
    ends: Ends | None,
) -> tuple[History, dict[int, dict[str, Array]], dict[int, float]]:
    """Train one member; return how it went, its weights after some epochs, and its losses then."""
    epochs, batch = settings.epochs_for(count), settings.batch_size_for(count)
    steps = epochs * -(-count // batch)
    weights = row_weights(held.y, held.weights, settings.class_weight)
    first = network.state_dict()
    before = np.inf if settings.reproducible else _loss(network, loss, held, weights)
    size = sum(p.data.nbytes for p in network.parameters()) * settings.members_for(count)
    snapshots = Snapshots(epochs_to_keep(epochs, size=size), ends)
    stopping = EarlyStopping(patience=settings.patience, restore_best=False)
    # The members after the first use the same code.
    all_steps = steps * settings.members_for(count)
    pays = native_code_pays(network, steps=all_steps, rows=batch)
    try:
        history = fit(
            network,
            (rows.X, rows.y) if isinstance(rows, Share) else rows,
            loss=loss,
            optimizer=lambda _: AdamW(
                _groups(network, settings.learning_rate, steps),
                weight_decay=settings.weight_decay,
            ),
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
    return history, kept, losses


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
