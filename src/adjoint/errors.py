"""An error says what happened, what was expected and how to mend it."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from types import ModuleType

from numpy.exceptions import AxisError

from .elsewhere import instead
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


class ReproducibleError(ValueError):
    """With ``reproducible=True``: a part would not have the same bits on every machine.

    >>> ad.compile(np.linalg.inv, reproducible=True)(np.eye(2))
    Traceback (most recent call last):
    adjoint.errors.ReproducibleError: inv: with reproducible=True all of it must be native code...
    """


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


def choose(kind: str, name: object, choices: Iterable[str]) -> str:
    """Return ``name`` if it is one of ``choices``; otherwise say which there are.

    >>> choose("activation", "Relu", ["relu", "tanh"])
    Traceback (most recent call last):
    ValueError: unknown activation 'Relu'; choose one of relu, tanh; did you mean 'relu'?
    """
    known = sorted(choices)
    if isinstance(name, str) and name in known:
        return name
    raise ValueError(
        f"unknown {kind} {name!r}; choose one of {', '.join(known)}{suggestion(name, known)}"
    )


def missing_attribute(module: str, name: str, known: Iterable[str]) -> AttributeError:
    """Return the error of a module that has no such name, with the one that may be meant.

    >>> missing_attribute("adjoint.nn", "Conv2D", ["Conv1d", "Conv2d"])
    AttributeError("module 'adjoint.nn' has no attribute 'Conv2D'; did you mean 'Conv2d'?")
    """
    # Python itself would add the same question once more if the error had the name and the module.
    text = f"module {module!r} has no attribute {name!r}"
    if name.startswith("_"):
        return AttributeError(text)
    return AttributeError(f"{text}{instead(module, name) or suggestion(name, known)}")


def suggestion(name: object, known: Iterable[str]) -> str:
    """Return a question whether one of the known names was meant; empty where none is near.

    Capitals and underscores do not count, the beginning of a name is near to it, and so are a few
    letters that are wrong.

    >>> suggestion("crossentropy", ["cross_entropy", "mse_loss"])
    "; did you mean 'cross_entropy'?"
    >>> suggestion("mse", ["cross_entropy", "mse_loss"])
    "; did you mean 'mse_loss'?"
    >>> suggestion("xyz", ["cross_entropy", "mse_loss"])
    ''
    """
    if not isinstance(name, str) or len(name) < 3:
        return ""
    import difflib  # here: only an error needs it

    plain = {_plain(each): each for each in sorted(known, reverse=True)}
    wanted = _plain(name)
    begun = [each for each in sorted(plain) if each.startswith(wanted)]
    near = [each for each in plain if each == wanted] or begun
    near = near or difflib.get_close_matches(wanted, plain, n=1, cutoff=0.7)
    return f"; did you mean {plain[near[0]]!r}?" if near and wanted else ""


def _plain(name: str) -> str:
    return name.casefold().replace("_", "").replace("-", "").replace(" ", "")
