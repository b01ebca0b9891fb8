"""Refusals: NumPy's functions that change an array in place, each with what to write instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from ..core.registry import NUMPY
from ..core.value import attach, values_in

_ADVICE = {
    "copyto": "x[...] = v, or x[mask] = v for where=mask",
    "fill_diagonal": "x[np.arange(n), np.arange(n)] = v",
    "place": "x[mask] = v",
    "put": "x[indices] = v, of a flat x",
    "put_along_axis": "x[rows, indices] = v, with an index for every axis",
    "putmask": "x = np.where(mask, v, x)",
}
_METHODS = {
    "sort": "y = np.sort(x)",
    "partition": "y = np.partition(x, kth)",
    "fill": "x[...] = v",
    "put": "x[indices] = v",
    "itemset": "x[index] = v",
}


def _refusal(name: str, advice: str) -> Callable[..., NoReturn]:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise TypeError(
            f"{name} changes an array in place, which adjoint cannot record; write {advice}"
        )

    return refuse


def _guarded(function: Callable[..., Any], advice: str) -> Callable[..., Any]:
    """Return NumPy's function for plain arrays, and its refusal for values."""
    refuse = _refusal(f"np.{function.__name__}", advice)

    def guarded(*args: Any) -> Any:
        return refuse() if values_in(args) else function(*args)

    return guarded


for _name, _text in _ADVICE.items():
    NUMPY[getattr(np, _name)] = _guarded(getattr(np, _name), _text)
for _name, _text in _METHODS.items():
    attach(_name, _refusal(f"x.{_name}()", _text))
