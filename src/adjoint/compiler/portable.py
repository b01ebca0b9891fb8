"""The portable tier runs a graph as its own written source, in plain NumPy."""

from __future__ import annotations

import itertools
import linecache
import weakref
from collections.abc import Callable
from typing import Any

_count = itertools.count(1)


def load(source: str, name: str) -> Callable[..., Any]:
    """Return the function ``name`` that a source defines; tracebacks and inspect show its lines."""
    file = f"<adjoint {name} {next(_count)}>"
    scope: dict[str, Any] = {"__name__": f"adjoint_source_{name}"}
    exec(compile(source, file, "exec"), scope)
    # Nothing but the caller holds it: it is freed at once, and what it needs with it.
    function: Callable[..., Any] = scope.pop(name)
    # Without a time of change: linecache then believes that the file is up to date.
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    weakref.finalize(function, _forget, file, scope)
    return function


def _forget(file: str, scope: dict[str, Any]) -> None:
    linecache.cache.pop(file, None)
    scope.clear()  # its functions refer to it in turn
