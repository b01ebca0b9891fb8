"""A requirement lets a value through where a condition holds, and raises where it does not.

What a function asks of the numbers it is given is not known while it is traced. So the question
goes along with the graph, and is answered by every run of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from ..core import Spec, Value, as_operand
from ..kinds import linear

Kind = Literal["ValueError", "IndexError", "ZeroDivisionError"]


@linear(
    transposes=[lambda g, x, holds, *, message, error: g, None],
    shape=lambda x, holds, *, message, error: tuple(x.shape),
    dtype=lambda x, holds, *, message, error: x.dtype,
    source="required({x}, {holds}{params})",
    latex=r"{x}",
    cases=[((2, 3), np.array([True, True]), {"message": "never raised"})],
    passes_nan=(True,),
)
def required(x: Any, holds: Any, *, message: str, error: Kind = "ValueError") -> Any:
    """Return ``x`` if all of ``holds`` is true; else raise.

    Parameters
    ----------
    x : array
    holds : boolean array
        Of the first axes of ``x``, or of none.
    message : str
        What was expected; the first entry for which it is not so is added.
    error : {"ValueError", "IndexError", "ZeroDivisionError"}

    Raises
    ------
    ValueError, IndexError, ZeroDivisionError
    """
    if np.all(holds):
        return x
    place = tuple(int(i) for i in np.argwhere(np.logical_not(holds))[0])
    got = f"; got {np.asarray(x)[place]} at {place} of shape {np.shape(x)}" if place else ""
    errors = {"IndexError": IndexError, "ZeroDivisionError": ZeroDivisionError}
    raise errors.get(error, ValueError)(message + got)


def is_traced(x: Any) -> bool:
    """Return whether a value has no numbers yet."""
    return isinstance(x, Value) and isinstance(x.data, Spec)


def require_that(
    x: Any, condition: Callable[[Any], Any], message: str, error: str = "ValueError"
) -> Any:
    """Return a value of whose numbers a condition holds: asked now, or in each run if it is traced.

    Parameters
    ----------
    x : array or value
    condition : callable
        Returns a boolean array of the first axes of what it is given.
    message, error : str
        As for `required`.
    """
    holds = condition(x.data if isinstance(x, Value) and not is_traced(x) else x)
    if is_traced(holds):
        return required(x, holds, message=message, error=error)
    holds = as_operand(holds)
    # The ufunc's own reduction: np.all costs twice as much on a small batch.
    if not np.logical_and.reduce(holds, axis=None):
        required.forward(np.asarray(x), holds, message=message, error=error)
    return x
