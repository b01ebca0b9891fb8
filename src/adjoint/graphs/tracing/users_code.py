"""The user's code is what a compiled function follows; that of libraries it takes as it is."""

from __future__ import annotations

import os
import sys
import types
from collections.abc import Collection
from functools import lru_cache
from io import IOBase
from types import ModuleType
from typing import Any

import numpy as np

from ...core.value import Value

# Nobody changes the variables of these.
_OURS = {"adjoint", "numpy"}
# Nor what other large libraries keep in theirs: to follow all that their functions name would make
# every call slow.
_LIBRARIES = {
    *_OURS,
    *("IPython", "_pytest", "dask", "jax", "joblib", "matplotlib", "numba", "pandas", "polars"),
    *("pyarrow", "pytest", "scipy", "sklearn", "sympy", "tensorflow", "torch", "tqdm", "xarray"),
}


def is_fixed(module: object) -> bool:
    """Return whether nobody changes the variables of a module's functions."""
    return _is_of(_OURS, module)


def is_opaque(module: object) -> bool:
    """Return whether a module is a library's whose code is not followed, and may do anything."""
    return _is_of(_LIBRARIES - _OURS, module)


def is_followed(item: Any) -> bool:
    """Return whether attributes of a function, a class, its objects or a module are followed."""
    if isinstance(item, ModuleType):
        return is_users(item.__name__)
    module = item.__module__
    # The module of classes that `make_dataclass` makes, in Python 3.11.
    if module == "types" and not hasattr(types, item.__qualname__):
        return True
    return is_users(module) or (
        isinstance(module, str)
        and module.startswith(("adjoint.nn.", "adjoint.network", "adjoint.estimators."))
    )


def is_iterator(item: object) -> bool:
    """Return whether an object is an iterator of Python's or a library's, not reading a file."""
    kind = type(item)
    taken = hasattr(kind, "__next__") and not is_users(kind.__module__)
    return taken and not isinstance(item, (IOBase, Value, np.flatiter))


def is_users(module: object) -> bool:
    """Return whether a module of this name is the user's, as far as its name tells."""
    return not (isinstance(module, str) and _is_library(module.partition(".")[0]))


def _is_of(packages: Collection[str], module: object) -> bool:
    return isinstance(module, str) and module.partition(".")[0] in packages


@lru_cache(maxsize=4096)
def _is_library(package: str) -> bool:
    if package in _LIBRARIES or package.startswith("_cython"):
        return True
    if package not in sys.stdlib_module_names:
        return False
    # A package of the user's may have the name of one that comes with Python, as "test".
    file = getattr(sys.modules.get(package), "__file__", None) or os.__file__
    return file.startswith(os.path.dirname(os.__file__)) and "site-packages" not in file
