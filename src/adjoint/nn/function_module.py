"""A function module applies one function, whose settings are the module's attributes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar

from ..core.annotations import ArrayLike
from .module import Module


class FunctionModule(Module):
    """A function as a module; abstract: a subclass names its ``function``.

    The parameters that have a default are its settings. For each of them ``__init__`` gives the
    module an attribute of the same name, which is passed to the function on every call.
    """

    function: ClassVar[Callable[..., Any]]
    settings: ClassVar[tuple[str, ...]]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "function" in vars(cls):
            cls.settings = _settings_of(cls.function)

    def apply(self, *arrays: ArrayLike | None, **given: ArrayLike | None) -> Any:
        """Return the function of the arrays, with the settings of this module."""
        for name in self.settings:  # a loop, which is faster here than a dict of its own
            given[name] = getattr(self, name)
        return self.function(*arrays, **given)

    def extra_repr(self) -> str:
        """Return the settings."""
        own = ((name, getattr(self, name)) for name in self.settings)
        return ", ".join(f"{n}={x!r}" if isinstance(x, str) else f"{n}={x}" for n, x in own)


def _settings_of(function: Callable[..., Any]) -> tuple[str, ...]:
    """Return the parameters with a default, except ``sample_weight``: that comes with the data."""
    parameters = inspect.signature(function).parameters.values()
    return tuple(
        p.name for p in parameters if p.default is not p.empty and p.name != "sample_weight"
    )
