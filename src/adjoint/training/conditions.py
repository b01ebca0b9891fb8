"""Conditions are what must be the same for a training to go on where another one stopped."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..core.annotations import Array, Function
from ..core.reproducibility import is_reproducible
from ..data.row_weights import ClassWeight
from ..graphs.tracing.naming import lasting_text
from ..nn.conventions import conventions_of
from ..nn.losses.loss import Weighted
from ..nn.module import Module
from ..optim import Optimizer
from .task import Task

Conditions = dict[str, Any]

# Rows of data whose checksum is taken at a time, so that memory maps need little memory.
_BLOCK = 1 << 16


def conditions_of(
    task: Task,
    *,
    shuffle: bool,
    callbacks: list[str],
) -> Conditions:
    """Return what must be the same, by the name that `fit` has for it.

    An array is represented by a checksum, and a function by its name: what the function does cannot
    be seen.
    """
    weights = task.sample_weight
    found = {
        "batch_size": task.batch_size,
        "rows": task.rows,
        "shuffle": shuffle,
        "accumulate": task.accumulate,
        "sample_weight": None if weights is None else checksum(np.asarray(weights)),
        "class_weight": _plain(task.class_weight),
        "loss": text_of(task.loss.loss if isinstance(task.loss, Weighted) else task.loss),
        "metrics": sorted(task.metrics),
        "model": text_of(task.model),
        "frozen parameters": [n for n, p in task.model.named_parameters() if not p.requires_grad],
        **conventions_of(task.model),
        **dict(zip(("X", "y"), map(checksum, task.data), strict=False)),
        **({"stream": task.window.identity} if task.window else {}),
        "validation": None if task.validation is None else [*map(checksum, task.validation)],
        **_conditions_of_optimizer(task.optimizer),
        "callbacks": callbacks,
        "reproducible": is_reproducible(),
        "shards": task.shards,
    }
    import json  # here: most trainings are not saved

    return json.loads(json.dumps(found))  # type: ignore[no-any-return]


def _conditions_of_optimizer(optimizer: Optimizer) -> Conditions:
    groups = optimizer.state_dict()["groups"]
    bounds = {f"clip_{name}": getattr(optimizer.clipping, name) for name in ("norm", "value")}
    settings = {
        name if not i else f"{name} of group {i}": value
        for i, group in enumerate(groups)
        for name, value in group.items()
    }
    inner = getattr(optimizer, "inner", None)
    own = type(optimizer).__name__
    return {
        "optimizer": own if inner is None else f"{own} of {type(inner).__name__}",
        **bounds,
        **settings,
    }


def _plain(value: ClassWeight | None) -> str | None:
    """Return a class weight as a text."""
    if not isinstance(value, Mapping):
        return value
    return str(sorted((str(key), float(weight)) for key, weight in value.items()))


def text_of(thing: Module | Function) -> str:
    """Return what a module or a callable is, the same in every process.

    >>> text_of(len)
    'builtins.len'
    """
    if isinstance(thing, (Module, functools.partial)):
        return lasting_text(thing)
    named = thing if hasattr(thing, "__qualname__") else type(thing)
    return f"{named.__module__}.{named.__qualname__}"


def checksum(array: Array) -> str:
    """Return dtype, shape and a checksum of an array.

    >>> checksum(np.zeros(3))
    'float64 (3,) of checksum 9d908ecfb6b256de'
    """
    digest = hashlib.sha256()
    for start in range(0, len(array), _BLOCK):
        digest.update(np.ascontiguousarray(array[start : start + _BLOCK]).tobytes())
    return f"{array.dtype} {array.shape} of checksum {digest.hexdigest()[:16]}"


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return a line for everything that is not the same."""
    lines = []
    for name, value in now.items():
        if name not in before:
            lines.append(f"{name}, of which it does not say what it was")
        elif before[name] != value:
            old, new = _where_they_differ(before[name], value)
            lines.append(f"{name}={old}, this one has {new}")
    return lines


def _where_they_differ(before: object, now: object) -> tuple[object, object]:
    """Return two values; where they are texts of several lines, the first lines that differ."""
    if not (isinstance(before, str) and isinstance(now, str) and "\n" in before + now):
        return before, now
    pairs = zip(before.splitlines(), now.splitlines(), strict=False)
    return next(((a.strip(), b.strip()) for a, b in pairs if a != b), (before, now))
