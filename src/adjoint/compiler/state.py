"""State is what a function reads besides its arguments: tensors, and settings.

A compiled function reads tensors anew at each call, so that a network that is trained on is not
frozen into it; where a setting (a number or a flag of a module, a closure or a global variable) has
changed it compiles anew, and where another object has taken the place of one, too.
"""

from __future__ import annotations

import inspect
import os
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from operator import getitem, is_
from types import CodeType, MethodType, ModuleType
from typing import Any, ClassVar, NoReturn

import numpy as np

from ..core import Primitive, Value
from ..graph import Symbol
from ..nn.module import Module
from ..ops.structural import astype, stop_gradient
from ..tensor import Tensor
from ..views import View, view_of
from .arguments import exact

Look = Callable[[], Any]

_SETTINGS = (bool, int, float, str, type(None))
_FIXED = (ModuleType, type, Primitive)  # nobody puts others in their places
_UNCHANGING = (tuple, partial)  # what stands in one stays there
# Of these nobody changes the variables.
_OURS = {"adjoint", "numpy"}
_LIBRARIES = {*_OURS, "scipy", *sys.stdlib_module_names}
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
        # They give what stands now where something was found: mostly what stood there before.
        self._looks: list[Callable[[], Any]] = []
        self._seen: dict[int, Any] = {}
        self._visit("", function)
        self._objects = _objects(self._look())
        # What was found at the latest look, and the settings among it.
        self._latest: tuple[list[Any], tuple[Any, ...]] | None = None

    def arrays(self) -> list[Any]:
        """Return the tensors' arrays, as they are now."""
        if not self.tensors:
            return []
        with _standing:
            return [tensor.data for tensor in self.tensors.values()]

    def settings(self) -> tuple[Any, ...] | None:
        """Return the numbers, flags and texts as they are now; None if an object was replaced.

        As long as all is as it was, it is the same tuple.
        """
        found, latest = self._look(), self._latest
        if latest is not None and all(map(is_, found, latest[0])):
            return latest[1]
        objects = _objects(found)
        if len(objects) != len(self._objects) or not all(map(is_, objects, self._objects)):
            return None
        settings = tuple([exact(x) for x in found if isinstance(x, _SETTINGS)])
        self._latest = found, settings
        return settings

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Put the modules' attributes back, and refuse if one was assigned to."""
        with self.collected(()):
            yield

    @contextmanager
    def collected(self, buffers: Iterable[Tensor]) -> Iterator[dict[int, Any]]:
        """Put the modules' attributes back, and collect what was assigned to buffers.

        The dict has it after the ``with`` block, by the identity of the buffer.

        Raises
        ------
        TypeError
            If any other attribute was assigned to, or a buffer that has several names under one of
            them only.
        """
        standing = [(buffer, buffer.node) for buffer in buffers]
        known = {id(buffer) for buffer, _ in standing}
        kept = [(module, dict(vars(module))) for module in self.modules]
        assigned: dict[int, Any] = {}
        names: Counter[int] = Counter()
        changed: list[str] = []
        try:
            yield assigned
        finally:
            for module, before in kept:
                now = vars(module)
                for name in sorted(before.keys() | now.keys()):
                    old, new = before.get(name, _GONE), now.get(name, _GONE)
                    names[id(old)] += 1
                    if new is old:
                        continue
                    if id(old) in known and new is not _GONE:
                        assigned[id(old)] = new
                    else:
                        changed.append(f"{type(module).__name__}.{name}")
                now.clear()
                now.update(before)
            for buffer, node in standing:
                if buffer.node is not node:  # changed in place
                    assigned.setdefault(id(buffer), Symbol(buffer.data, buffer.node))
        if changed:
            raise TypeError(
                f"{', '.join(changed)} was assigned to while the function was traced, which a "
                "compiled function would not repeat; return the value instead, or do not compile "
                "(a model's .eval() leaves its buffers alone)"
            )
        if any(names[key] > 1 for key in assigned):
            raise TypeError("a buffer that two modules share cannot be written to when compiled")

    def _look(self) -> list[Any]:
        """Return all that is found now, in the order of the first visit."""
        try:
            return [look() for look in self._looks]
        except (ValueError, LookupError, AttributeError):  # something is gone
            return [_found(look) for look in self._looks]

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
        self._looks += _outlook(item)
        for name, look in _parts(item):
            found = _found(look)
            if found is not _GONE and not isinstance(found, _FIXED):
                if not isinstance(item, _UNCHANGING):
                    self._looks.append(look)
                self._visit(_joined(path, name), found)


def _objects(found: Iterable[Any]) -> list[Any]:
    return [x for x in found if not isinstance(x, _SETTINGS)]


def _found(look: Callable[[], Any]) -> Any:
    """Return what stands in a place now."""
    try:
        return look()
    except (ValueError, LookupError, AttributeError):  # a cell, entry or attribute without a value
        return _GONE


def _joined(path: str, name: str) -> str:
    return name if not path or not name else f"{path}{'' if name[0] == '[' else '.'}{name}"


def _outlook(item: Any) -> Iterator[Look]:
    """Yield looks at what of an item itself may change besides its parts."""
    if isinstance(item, Module):
        yield partial(getattr, item, "training")
        yield partial(getattr, item, "__dict__")
        yield vars(item).__len__
    elif isinstance(item, list):
        yield item.__len__
    elif isinstance(item, dict):
        yield _Keys(item)


class _Keys:
    """A dict's keys: the same object at each call as long as they are the same, in order."""

    def __init__(self, item: dict[Any, Any]) -> None:
        self.item, self.keys = item, tuple(item)

    def __call__(self) -> tuple[Any, ...]:
        keys = tuple(self.item)
        if keys != self.keys:
            self.keys = keys
        return self.keys


def _parts(item: Any) -> Iterator[tuple[str, Look]]:
    """Yield a name for, and a look at, all that an item refers to."""
    if isinstance(item, dict):
        yield from ((f"[{key!r}]", _entry(item, key)) for key in item)
    elif isinstance(item, (list, tuple)):
        yield from ((f"[{n}]", partial(getitem, item, n)) for n in range(len(item)))
    elif isinstance(item, Module):
        yield from _attributes(item)
    elif isinstance(item, partial):
        yield from (("", partial(getattr, item, name)) for name in ("func", "args", "keywords"))
    elif isinstance(item, MethodType):
        yield "", partial(getattr, item, "__func__")
        if isinstance(item.__self__, Module):
            yield "", partial(getattr, item, "__self__")
        else:
            yield from _attributes(item.__self__)
    elif inspect.isfunction(item):
        yield from _variables(item)


def _entry(item: dict[Any, Any], key: Any) -> Look:
    return partial(item.get, key, _GONE)  # not item[key], which fills a defaultdict


def _attributes(item: Any) -> Iterator[tuple[str, Look]]:
    attributes = getattr(item, "__dict__", {})
    yield from ((name, _entry(attributes, name)) for name in attributes)


def _variables(function: Any) -> Iterator[tuple[str, Look]]:
    """Yield a function's free variables and, if it is the user's, defaults and globals."""
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    places = [(name, partial(getattr, cell, "cell_contents")) for name, cell in cells]
    # Not of its __module__, which functools.wraps makes that of the function inside.
    if not _is_of(_OURS, function.__globals__.get("__name__")):
        defaults = ("__defaults__", "__kwdefaults__")
        places += [("", partial(getattr, function, name)) for name in defaults]
        names = dict.fromkeys(_global_names(function.__code__))
        places += _globals(function.__globals__, names, set())
    for name, look in places:
        yield "" if inspect.isfunction(_found(look)) else name, look


def _globals(
    scope: dict[str, Any], names: Iterable[str], seen: set[int]
) -> list[tuple[str, partial[Any]]]:
    """Return looks at the names that a scope has, or a module of the user's that it names."""
    if id(scope) in seen:
        return []
    seen.add(id(scope))
    places = [(name, partial(scope.get, name, _GONE)) for name in names if name in scope]
    for name, look in list(places):
        module = look()
        if isinstance(module, ModuleType) and not _is_of(_LIBRARIES, module.__name__):
            inside = _globals(vars(module), names, seen)
            places += [(f"{name}.{inner}", at) for inner, at in inside]
    return places


def _is_of(packages: set[str], module: str | None) -> bool:
    return (module or "").partition(".")[0] in packages


def _global_names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _global_names(constant)


# Held while tensors are symbols, so that other threads' compiled functions do not see them so.
_standing = threading.RLock()
# What is to be put back, the latest last, and the thread that will.
_replaced: list[tuple[int, Callable[[], None]]] = []


class _StandIn(Symbol):
    """A traced value in the place of a tensor, which nothing may change."""

    __slots__ = ()
    is_scalar: ClassVar[bool] = False

    def refuse_assignment(self) -> NoReturn:
        """Raise: another call would not repeat the change."""
        raise TypeError(
            "a traced function cannot assign into a tensor that it refers to, which would then "
            "change once and not at each call; assign into a copy, y = +x, or return the new value"
        )


class _BufferStandIn(Symbol):
    """A traced value in the place of a buffer; what is assigned is collected, without a graph."""

    __slots__ = ()
    is_scalar: ClassVar[bool] = False
    collects: ClassVar[bool] = True

    def adopt(self, other: Value) -> None:
        """Take the numbers of another traced value, in place."""
        constant = stop_gradient(other)
        if constant.dtype != self.dtype and np.can_cast(constant.dtype, self.dtype, "same_kind"):
            constant = astype(constant, dtype=self.dtype)
        self.data, self.node = constant.data, constant.node


@contextmanager
def standing_in(
    tensors: Sequence[Tensor], values: Sequence[Value], *, changing: Sequence[Tensor] = ()
) -> Iterator[None]:
    """Let tensors be traced values inside the ``with`` block, wherever they are referred to.

    Only those that are ``changing`` can be assigned into.
    """
    buffers = set(map(id, changing))
    with _standing:
        kept = [(tensor.__class__, tensor.data, tensor.node) for tensor in tensors]

        def put_back() -> None:
            for tensor, (kind, data, node) in zip(tensors, kept, strict=True):
                tensor.__class__ = kind
                tensor.data, tensor.node = data, node

        _replaced.append((threading.get_ident(), put_back))
        try:
            for tensor, value in zip(tensors, values, strict=True):
                # The object itself changes its type: lists, closures and modules all see it.
                stand_in = _BufferStandIn if id(tensor) in buffers else _StandIn
                is_view = isinstance(tensor, View)
                kind: Any = view_of(stand_in) if is_view else stand_in
                tensor.__class__ = kind
                tensor.data, tensor.node = value.data, value.node
            yield
        finally:
            put_back()
            _replaced.pop()


def _forget_other_threads() -> None:
    """Undo in a forked child what a thread was about that is not there any more."""
    global _standing
    if any(thread != threading.get_ident() for thread, _ in _replaced):
        while _replaced:
            _replaced.pop()[1]()
    if not _replaced:  # else this thread has the lock, and goes on
        _standing = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_other_threads)
