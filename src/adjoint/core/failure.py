"""A failure is an error of NumPy's, told in the words of the primitive that met it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.exceptions import AxisError

from ..errors import ShapeAxisError, ShapeError, ShapeIndexError
from .annotations import DType, Operand, Params

if TYPE_CHECKING:
    from .primitive import Primitive


def refuse_dtype(name: str, dtype: DType) -> TypeError:
    """Return the error for an array that is neither real nor integer nor boolean."""
    reason = "complex numbers are out of scope" if dtype.kind == "c" else "only numbers are"
    return TypeError(f"{name}: got dtype {dtype}; {reason}: use real floats, integers or booleans")


def explain_failure(
    primitive: Primitive, args: Sequence[Operand], params: Params, error: Exception
) -> Exception:
    """Return an error that names the primitive and the shapes it received."""
    shapes = [getattr(arg, "shape", ()) for arg in args if arg is not None]
    advice = primitive.explain_error(*args, **params) if primitive.explain_error else None
    if isinstance(error, AxisError):
        return ShapeAxisError(f"{primitive.name}: {error} (received shape {shapes[0]})")
    if advice is not None:
        kind = ShapeIndexError if isinstance(error, IndexError) else ShapeError
        return kind(f"{primitive.name}: {advice}")
    received = ", ".join(map(str, shapes))
    # LinAlgError is a ValueError, yet it tells of numbers, as those of a singular matrix.
    wrong_numbers = isinstance(error, np.linalg.LinAlgError)
    of_shapes = isinstance(error, ValueError) and not wrong_numbers
    message = f"{primitive.name}: {error} (received shapes {received})"
    if of_shapes:
        return ShapeError(message)
    # Some of NumPy's subclasses of TypeError cannot be made from a message alone.
    return TypeError(message) if isinstance(error, TypeError) else type(error)(message)
