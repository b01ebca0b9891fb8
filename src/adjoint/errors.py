"""An error says what happened, what was expected and how to mend it."""

from __future__ import annotations

import importlib
from types import ModuleType

from numpy.exceptions import AxisError

from .extras import needs


class ShapeError(ValueError):
    """Shapes do not fit the operation."""


class ShapeIndexError(ShapeError, IndexError):
    """An index does not fit the shape: NumPy's IndexError, which ends Python's iteration too."""


class ShapeAxisError(ShapeIndexError, AxisError):
    """The shape has no such axis: NumPy's AxisError."""


class PortableWarning(UserWarning):
    """There is no native code, since a package is missing: programs run as NumPy's, slower."""


class GraphError(RuntimeError):
    """A derivative was asked of a value whose graph cannot give it."""


class GradientMismatchError(AssertionError):
    """A derivative differs from its numerical check."""


class AnomalyError(ArithmeticError):
    """Under `detect_anomaly`: the first NaN or infinity, or an operand changed behind our back."""


class AnomalyWarning(RuntimeWarning):
    """Under `detect_anomaly`: a product 0·∞ was taken as 0."""


class UnreadableFileError(ValueError):
    """A file is damaged, or not what it was taken for."""


class DivergedError(ArithmeticError):
    """Training met a loss that is NaN or infinite.

    Attributes
    ----------
    history : History
        The record up to the last whole epoch.
    """

    def __init__(self, message: str, history: object = None) -> None:
        super().__init__(message)
        self.history = history


class TableError(ValueError):
    """A table cannot be read, or cannot serve for what was asked."""


def require(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import an optional dependency, or say which packages to install."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(needs(purpose, module, extra)) from error


def choose(kind: str, name: object, choices: object) -> str:
    """Return ``name`` if it is one of ``choices``; otherwise say which there are."""
    known = sorted(choices)  # type: ignore[call-overload]
    if isinstance(name, str) and name in known:
        return name
    raise ValueError(f"unknown {kind} {name!r}; choose one of {', '.join(known)}")
