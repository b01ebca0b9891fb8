"""Deferred modules of a package are read at the first use of what is in them."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from typing import Any

from .errors import missing_attribute


def deferred(
    package: str, modules: Sequence[str], known: Sequence[str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` of a package that defers some of its modules.

    Parameters
    ----------
    package : str
    modules : sequence of str
        Those that are deferred.
    known : sequence of str
        The package's public names, some of which stand in these modules.
    """

    def find(name: str) -> Any:
        if name in modules:
            return importlib.import_module(f".{name}", package)
        if name in known:
            for module in modules:
                found = vars(importlib.import_module(f".{module}", package))
                if name in found:
                    return vars(sys.modules[package]).setdefault(name, found[name])
        raise missing_attribute(package, name, known)

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *modules, *known})

    return find, names
