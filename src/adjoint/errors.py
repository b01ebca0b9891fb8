"""An error says what happened, what was expected and how to mend it."""

from __future__ import annotations

import importlib
from types import ModuleType

from numpy.exceptions import AxisError

from .extras import needs


class ShapeError(ValueError):
    """Shapes do not fit the operation.

    >>> ad.matmul(np.ones((5, 3)), ad.tensor(np.ones((4, 2))))
    Traceback (most recent call last):
    adjoint.errors.ShapeError: matmul: inner sizes differ, (5, 3) @ (4, 2); ...
    """


class ShapeIndexError(ShapeError, IndexError):
    """An index does not fit the shape: NumPy's IndexError, which ends Python's iteration too."""


class ShapeAxisError(ShapeIndexError, AxisError):
    """The shape has no such axis: NumPy's AxisError."""


class PortableWarning(UserWarning):
    """There is no native code, since a package is missing: programs run as NumPy's, slower."""


class GraphError(RuntimeError):
    """A derivative was asked of a value whose graph cannot give it.

    >>> ad.tensor(3.0).backward()
    Traceback (most recent call last):
    adjoint.errors.GraphError: backward: this value does not depend on any tensor with ...
    """


class GradientMismatchError(AssertionError):
    """A derivative differs from its numerical check.

    >>> ad.check_gradients(lambda x: x * ad.stop_gradient(x), 3.0)
    Traceback (most recent call last):
    adjoint.errors.GradientMismatchError: <lambda>: reverse derivative by argument 0 is wrong ...
    """


class AnomalyError(ArithmeticError):
    """Under `detect_anomaly`: the first NaN or infinity, or an operand changed behind our back.

    >>> with ad.detect_anomaly():
    ...     np.log(ad.tensor(-1.0, requires_grad=True))
    Traceback (most recent call last):
    adjoint.errors.AnomalyError: log gave nan in 1 of 1 entries, at ...
    """


class AnomalyWarning(RuntimeWarning):
    """Under `detect_anomaly`: a product 0·∞ was taken as 0.

    >>> import warnings
    >>> x = ad.tensor(0.0, requires_grad=True)
    >>> with warnings.catch_warnings(record=True, action="always") as caught:
    ...     with ad.detect_anomaly():
    ...         (0 * np.sqrt(x)).backward()
    >>> [warning.category.__name__ for warning in caught], x.grad
    (['AnomalyWarning'], tensor(0.))
    """


class UnreadableFileError(ValueError):
    """A file is damaged, or not what it was taken for.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "weights"
    >>> path.write_bytes(b"not a file of tensors")
    21
    >>> ad.load_weights(ad.nn.Linear(1, 1), path)
    Traceback (most recent call last):
    adjoint.errors.UnreadableFileError: ...
    """


class DivergedError(ArithmeticError):
    """Training met a loss that is NaN or infinite.

    Attributes
    ----------
    history : History
        The record up to the last whole epoch.

    Examples
    --------
    >>> model, x = ad.nn.Linear(1, 1, rng=0), np.full((4, 1), 1e100)
    >>> try:
    ...     ad.fit(model, (x, x), loss="mse_loss", seed=0, epochs=9, batch_size=4, progress=False,
    ...            optimizer=lambda p: ad.optim.SGD(p, lr=1.0))
    ... except ad.DivergedError as error:
    ...     print(len(error.history))  # the first epoch, whose loss was finite
    1
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
