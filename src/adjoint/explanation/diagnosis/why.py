"""To ask why is to get the diagnosis of a gradient, from a recorded run or from the graph alone."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...core.value import Value
from ...graphs.tensor import Tensor
from .computed import of_none, of_value
from .data_reads import with_reads
from .diagnosis import Diagnosis
from .rerun import Function, Wanted, of_function


def why(subject: Function | Tensor | ArrayLike | None, *args: Any, wrt: Wanted = None) -> Diagnosis:
    """Return why a gradient is None, zero, NaN, infinite, tiny or huge; or that it is fine.

    Parameters
    ----------
    subject : Tensor, array, float or callable
        A leaf, such as a parameter, or its gradient, also as `grad` gives it; a value that was
        differentiated, to ask about all of its leaves; a number that left the graph; or a function,
        which is run again while it is watched. A tensor's line is known if it was computed inside
        `diagnose`; otherwise the graph alone is looked at.
    *args : arrays, tensors, or lists, tuples and dicts of them
        What the function is called with. It returns the value to differentiate, of which all
        entries are added up; or, as a training step does, calls ``backward`` itself.
    wrt : int, sequence of int, Tensor, Module, or list of tensors, optional
        What the gradient belongs to: numbers of arguments, or tensors that the function uses. By
        default all tensors that require a gradient, or else the first argument.

    Returns
    -------
    Diagnosis
        If there are several gradients, the diagnosis of the gravest one.

    Raises
    ------
    TypeError
        If the subject is none of these.

    Examples
    --------
    >>> import numpy as np
    >>> import adjoint as ad
    >>> diagnosis = ad.why(lambda w: np.sum(np.sqrt(w)), np.array([0.0, 1.0]))
    >>> diagnosis.state, diagnosis.cause, diagnosis.details["primitive"]
    ('inf', 'inf_backward', 'sqrt')
    >>> w = ad.tensor([3.0, 4.0], requires_grad=True)
    >>> np.sum(w * w).backward()
    >>> print(ad.why(w))
    w: the gradient is fine
      norm 10, entries from 6 to 8
    """
    frame = sys._getframe(1)
    scope = frame.f_locals
    if callable(subject) and not isinstance(subject, Value):
        code = getattr(getattr(subject, "forward", subject), "__code__", None)
        found = of_function(subject, args, wrt, scope)
        return found if code is None else with_reads(found, [code])
    if args or wrt is not None:
        raise TypeError("why: only a function takes arguments and wrt")
    if subject is None:
        return with_reads(of_none(scope), [frame.f_code])
    if not isinstance(subject, (Tensor, np.ndarray, np.generic, float)):
        raise TypeError(
            f"why: expected a tensor, its gradient or a function, got {type(subject).__name__}"
        )
    return with_reads(of_value(subject, scope), [frame.f_code])
