"""State is what a function reads besides its arguments: tensors, and settings.

A compiled function reads tensors anew at each call, so that a network that is trained on is not
frozen into it; where a setting (a number or a flag of a module, a closure or a global variable) has
changed it compiles anew, and where another object has taken the place of one, too.
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from operator import is_
from types import CodeType, MethodType, ModuleType
from typing import Any

from ..core import Primitive, Value
from ..graph import Symbol
from ..nn.module import Module
from ..tensor import Tensor

_SETTINGS = (bool, int, float, str, type(None))
_FIXED = (ModuleType, type, Primitive)  # nobody puts others in their places
_GONE = object()


class State:
    """The tensors and settings that a function refers to, and where it found them.

    Attributes
    ----------
    tensors : dict of str to Tensor
        The leaves, by the path that leads to each.
    modules : list of Module
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.tensors: dict[str, Tensor] = {}
        self.modules: list[Module] = []
        # Where something was found: a dict or list and a key, or a closure's cell.
        self._places: list[tuple[Any, Any]] = []
        self._seen: dict[int, Any] = {}
        self._visit("", function)
        self._objects = self._look()[1]
        self._getters = [_getter(container, key) for container, key in self._places]
        # What was found at the latest look, and the settings among it: mostly nothing has changed.
        self._latest: tuple[list[Any], tuple[Any, ...]] | None = None

    def arrays(self) -> list[Any]:
        """Return the tensors' arrays, as they are now."""
        if not self.tensors:
            return []
        with _standing:
            return [tensor.data for tensor in self.tensors.values()]

    def settings(self) -> tuple[Any, ...] | None:
        """Return the numbers, flags and texts as they are now; None if an object was replaced."""
        found = self._quick_look()
        if found is not None and self._latest and all(map(is_, found, self._latest[0])):
            return self._latest[1]
        settings, objects = self._look()
        same = len(objects) == len(self._objects) and all(map(is_, objects, self._objects))
        self._latest = (found, tuple(settings)) if same and found is not None else None
        return tuple(settings) if same else None

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Put the modules' attributes back, and refuse if one was assigned to."""
        kept = [(module, dict(vars(module))) for module in self.modules]
        changed: list[str] = []
        try:
            yield
        finally:
            for module, before in kept:
                now = vars(module)
                names = before.keys() | now.keys()
                different = {n for n in names if now.get(n, kept) is not before.get(n, kept)}
                changed += [f"{type(module).__name__}.{name}" for name in sorted(different)]
                now.clear()
                now.update(before)
        if changed:
            raise TypeError(
                f"{', '.join(changed)} was assigned to while the function was traced, which a "
                "compiled function would not repeat; return the value instead, or do not compile"
            )

    def _quick_look(self) -> list[Any] | None:
        """Return all that was found, or None where that takes a longer look."""
        try:
            return None if self.modules else [get() for get in self._getters]
        except ValueError:  # a variable that has no value yet
            return None

    def _look(self) -> tuple[list[Any], list[Any]]:
        settings: list[Any] = [module.training for module in self.modules]
        settings += [len(vars(module)) for module in self.modules]
        objects: list[Any] = []
        for container, key in self._places:
            found = _found(container, key)
            (settings if isinstance(found, _SETTINGS) else objects).append(found)
        return settings, objects

    def _visit(self, path: str, item: Any) -> None:
        if id(item) in self._seen or isinstance(item, _FIXED):
            return
        self._seen[id(item)] = item  # kept, so that no other object gets its id
        if isinstance(item, Tensor):
            if item.is_leaf:
                self.tensors[path or "tensor"] = item
            return
        if isinstance(item, Module):
            self.modules.append(item)
        for name, container, key in _parts(item):
            found = _found(container, key)
            if found is not _GONE and not isinstance(found, _FIXED):
                self._places.append((container, key))
                self._visit(_joined(path, name), found)


def _found(container: Any, key: Any) -> Any:
    """Return what stands in a place now."""
    if isinstance(container, dict):
        return container.get(key, _GONE)
    if isinstance(container, (list, tuple)):
        return container[key] if key < len(container) else _GONE
    try:
        return getattr(container, key)
    except (AttributeError, ValueError):  # a variable that has no value yet
        return _GONE


def _getter(container: Any, key: Any) -> Callable[[], Any]:
    """Return what `_found` does, as fast as Python can: it is asked at every call."""
    if isinstance(container, dict):
        return functools.partial(container.get, key, _GONE)
    if isinstance(container, (list, tuple)):
        return functools.partial(_found, container, key)
    return functools.partial(getattr, container, key, _GONE)


def _joined(path: str, name: str) -> str:
    return name if not path or not name else f"{path}{'' if name[0] == '[' else '.'}{name}"


def _parts(item: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield a name and a place for all that an item refers to."""
    if isinstance(item, dict):
        yield from ((f"[{key!r}]", item, key) for key in item)
    elif isinstance(item, (list, tuple)):
        yield from ((f"[{n}]", item, n) for n in range(len(item)))
    elif isinstance(item, Module):
        yield from ((name, vars(item), name) for name in vars(item))
    elif isinstance(item, functools.partial):
        yield from (("", item, name) for name in ("func", "args", "keywords"))
    elif isinstance(item, MethodType):
        yield "", item, "__func__"
        if isinstance(item.__self__, Module):
            yield "", item, "__self__"
        else:
            attributes = getattr(item.__self__, "__dict__", {})
            yield from ((name, attributes, name) for name in attributes)
    elif inspect.isfunction(item):
        yield from _variables(item)


def _variables(function: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield a function's free variables and, if it is the user's, the globals that it names."""
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    for name, cell in cells:
        is_function = inspect.isfunction(_found(cell, "cell_contents"))
        yield "" if is_function else name, cell, "cell_contents"
    yield "", function, "__defaults__"
    if not (function.__module__ or "").startswith(("adjoint.", "numpy")):
        for name in dict.fromkeys(_global_names(function.__code__)):
            is_function = inspect.isfunction(function.__globals__.get(name))
            yield "" if is_function else name, function.__globals__, name


def _global_names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _global_names(constant)


# Held while tensors are symbols, so that other threads' compiled functions do not see them so.
_standing = threading.RLock()


@contextmanager
def standing_in(tensors: Sequence[Tensor], values: Sequence[Value]) -> Iterator[None]:
    """Let tensors be traced values inside the ``with`` block, wherever they are referred to."""
    with _standing:
        kept = [(tensor.__class__, tensor.data, tensor.node) for tensor in tensors]
        try:
            for tensor, value in zip(tensors, values, strict=True):
                # The object itself changes its type: lists, closures and modules all see it.
                tensor.__class__ = Symbol  # type: ignore[assignment]
                tensor.data, tensor.node = value.data, value.node
            yield
        finally:
            for tensor, (kind, data, node) in zip(tensors, kept, strict=True):
                tensor.__class__ = kind
                tensor.data, tensor.node = data, node
