"""A requirement lets a value through where a condition holds, and raises where it does not.

What a function asks of the numbers it is given is not known while it is traced. So the question
goes along with the graph, and is answered by every run of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from ..core.annotations import AnyArray, Array, Described
from ..core.batching import all_stacked
from ..core.kinds import linear
from ..core.links import first_unchanged
from ..core.operand import as_operand
from ..core.spec import Spec
from ..core.value import Value

Kind = Literal["ValueError", "IndexError", "ZeroDivisionError"]


@linear(
    batch=all_stacked,
    links=first_unchanged,
    public=False,
    transposes=[lambda g, x, holds, *, message, error: g, None],
    shape=lambda x, holds, *, message, error: tuple(x.shape),
    dtype=lambda x, holds, *, message, error: x.dtype,
    source="required({x}, {holds}{params})",
    latex=r"{x}",
    cases=[((2, 3), np.array([True, True]), {"message": "never raised"})],
    passes_nan=(True,),
)
def required(x: Array, holds: Array, *, message: str, error: Kind = "ValueError") -> Array:
    """Return ``x`` if all of ``holds`` is true; else raise.

    Parameters
    ----------
    x : array
    holds : boolean array
        One for each entry of the first axes of ``x``, or a single one for all of it.
    message : str
        What was expected; the first entry that fails is added to it.
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


def is_traced(x: Described) -> bool:
    """Return whether a value has no numbers yet."""
    return isinstance(x, Value) and isinstance(x.data, Spec)


def require_that(
    x: AnyArray, condition: Callable[[Any], Any], message: str, error: str = "ValueError"
) -> AnyArray:
    """Return a value if a condition holds of its numbers; a traced value is asked in every run.

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
