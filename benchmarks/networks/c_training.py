"""The training in plain C, the whole of it in one call."""

from __future__ import annotations

import ctypes
import functools
from typing import Any

import numpy as np

from ..c_code import address, library
from ..rival import Contestant
from .task import Array, Task


def make(task: Task, name: str, *flags: str) -> Contestant:
    X, y = task.data
    rows = np.zeros(len(X), np.int64)

    @functools.cache
    def compiled() -> Any:
        return library(name, *flags).train

    def train(epochs: int, shuffled: bool) -> Array:
        flat = np.concatenate([w.ravel() for w in task.weights()])
        losses = np.zeros(epochs)
        compiled()(
            *map(address, (flat, X, y, rows)),
            *map(ctypes.c_int64, (len(X), epochs)),
            ctypes.c_double(task.rate),
            ctypes.c_int64(shuffled),
            address(losses),
        )
        return losses

    return task.contestant(train)
