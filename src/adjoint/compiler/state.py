"""State is what a function reads besides its arguments: tensors, arrays and settings.

A compiled function reads tensors and large arrays anew at each call, so that a network that is
trained on is not frozen into it. The numbers of smaller arrays are frozen, and compared at each
call; where they, or a setting (a number or a flag of a module, a closure or a global variable),
have changed it compiles anew, and where another object has taken the place of one, too.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, count
from operator import attrgetter, call, is_
from typing import Any, ClassVar, NoReturn, TypeGuard

import numpy as np

from ..core.annotations import Array
from ..core.value import Value, note_assignment
from ..core.views import View, plain, view_of
from ..graphs.symbol import Symbol
from ..graphs.tensor import Tensor
from ..graphs.tracing.contents import is_buffer, key_of_contents, summarizer
from ..graphs.tracing.reach import GONE, Put, Reach, found_at
from ..nn.module import Buffer, Module, Parameter
from ..ops.structural import astype, stop_gradient
from ..optim.snapshot import attributes_snapshot
from .arguments import exact
from .guard import MOST_TERMS, Guard, GuardWriter

_data = attrgetter("data")
# The errors of a look at a place that is empty by now.
MISSING = (ValueError, LookupError, AttributeError)
_SETTINGS = (bool, int, float, complex, str, bytes, type(None), np.generic)


class State:
    """The objects that a function refers to, and the places where they were found.

    Parameters
    ----------
    function : callable
    most_frozen : float
        Arrays of more bytes are read at each call, if nothing but a trace reads them; the others'
        numbers are frozen.

    Attributes
    ----------
    tensors : dict of str to Tensor
        The leaves, by the path that leads to each.
    arrays : dict of str to array
        Those that are read at each call, by path.
    modules : list of Module
    has_inputs : bool
        Whether there are tensors or arrays that are read at each call.
    """

    def __init__(self, function: Callable[..., Any], *, most_frozen: float = np.inf) -> None:
        reach = Reach(function)
        self.tensors: dict[str, Tensor] = {}
        self.arrays: dict[str, Any] = {}
        self.modules: list[Module] = []
        self._puts: dict[int, list[Put]] = {}
        self._frozen: list[Any] = []
        # Each gives the object that is in one place now, which at most calls is the one of before.
        self._looks = [place.look for place in reach.places if place.look is not None]
        self._sizes, self._members = reach.sizes, reach.members
        open_to_traces = _open_to_traces(reach) if most_frozen < np.inf else {}
        for path, item in reach.found():
            if isinstance(item, Module):
                self.modules.append(item)
            elif isinstance(item, Tensor):
                if item.is_leaf:
                    _add(self.tensors, path or "tensor", item)
            elif is_buffer(item):
                puts = open_to_traces.get(id(item))
                if puts is not None and _is_operand(item) and item.nbytes > most_frozen:
                    _add(self.arrays, path or "array", item)
                    self._puts[id(item)] = puts
                else:
                    self._frozen.append(item)
        self._tensors, self._arrays = list(self.tensors.values()), list(self.arrays.values())
        self.has_inputs = bool(self.tensors or self.arrays)
        self._kept = reach  # so that no other object gets the identity of one in it
        self._size = list(map(call, self._sizes))
        found = self._look()
        self._objects = _objects(found)
        self._readers = list(map(summarizer, self._frozen))
        self._contents = list(map(call, self._readers))
        self._has_contents = bool(self._sizes or self._readers)
        # The objects and contents of the latest look, and the settings that were made of them.
        self._latest = found, self._contents, self._settings_of(found, self._contents)

    @property
    def inputs(self) -> dict[str, Any]:
        """All that is read at each call, by path."""
        return {**self.tensors, **self.arrays}

    def values(self) -> list[Any]:
        """Return the arrays of what is read at each call, as they are now."""
        if not self.tensors:
            return self._arrays.copy()
        with standing():
            found = list(map(_data, self._tensors))
        return found + self._arrays if self._arrays else found

    def settings(self) -> tuple[Any, ...] | None:
        """Return the numbers, flags, texts and frozen arrays as they are now.

        It is the same tuple, by identity, as long as nothing has changed, and None if an object was
        replaced.
        """
        latest = self._latest
        try:  # as `_look` does; a call of it would be felt at every call of a compiled function
            found = list(map(call, self._looks))
            if self._members:
                found += chain(*self._members)
        except MISSING:
            found = self._look()
        is_same = all(map(is_, found, latest[0]))
        if is_same and not self._has_contents:
            return latest[2]
        if self._sizes and list(map(call, self._sizes)) != self._size:
            return None
        contents = list(map(call, self._readers)) if self._readers else self._contents
        if is_same and contents == latest[1]:
            return latest[2]
        objects = _objects(found)
        if len(objects) != len(self._objects) or not all(map(is_, objects, self._objects)):
            return None
        settings = self._settings_of(found, contents)
        self._latest = found, contents, settings
        return settings

    def _settings_of(self, found: list[Any], contents: list[Any]) -> tuple[Any, ...]:
        return (
            *[exact(x) for x in found if isinstance(x, _SETTINGS)],
            *map(key_of_contents, self._frozen, contents),
        )

    def guard(self, settings: object) -> Guard | None:
        """Return a guard that holds as long as these are the settings; None if it would be long.

        It does what `settings` and `values` do. A tensor that another thread is tracing has no
        array in what it gives.
        """
        latest, sizes = self._latest, len(self._sizes)
        if latest[2] is not settings or len(latest[0]) + sizes > MOST_TERMS:
            return None
        found, contents, _ = latest
        writer = GuardWriter(GONE)
        for look, item in zip(self._looks, found, strict=False):
            writer.place(look, item)
        for read, before in zip(self._sizes, self._size, strict=True):
            writer.value(read, before)
        start = len(self._looks)
        for members in self._members:
            writer.members(members, found[start : start + len(members)])
            start += len(members)
        for read, before in zip(self._readers, contents, strict=True):
            writer.value(read, before)
        return writer.written(self._tensors, self._arrays)

    @property
    def has_new_contents(self) -> bool:
        """Whether a frozen array has other numbers than at first."""
        return self._latest[1] != self._contents

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Put the modules' attributes back, and refuse if one was assigned to."""
        with self.collected(()):
            yield

    @contextmanager
    def collected(self, buffers: Iterable[Tensor]) -> Iterator[dict[int, Any]]:
        """Put the modules' attributes back, and collect what was assigned to buffers.

        After the ``with`` block the dict has the new values, by the identity of the buffer.

        Raises
        ------
        TypeError
            If any other attribute was assigned to, or a buffer that has several names under one of
            them only.
        """
        standing = [(buffer, buffer.node) for buffer in buffers]
        known = {id(buffer) for buffer, _ in standing}
        before = attributes_snapshot(self.modules)
        assigned: dict[int, Any] = {}
        names: Counter[int] = Counter()
        changed: list[str] = []
        try:
            yield assigned
        finally:
            for module, (now, earlier) in zip(self.modules, before.contents, strict=True):
                for name in sorted(earlier.keys() | now.keys()):
                    old, new = earlier.get(name, GONE), now.get(name, GONE)
                    names[id(old)] += 1
                    if new is old:
                        continue
                    if id(old) in known and new is not GONE:
                        assigned[id(old)] = new
                    else:
                        changed.append(f"{type(module).__name__}.{name}")
            before.restore()
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

    @contextmanager
    def standing_in(self, values: Sequence[Value]) -> Iterator[None]:
        """Let traced values stand for all that is read at each call inside the ``with`` block."""
        tensors, arrays = self._tensors, self._arrays
        of_tensors, of_arrays = values[: len(tensors)], values[len(tensors) :]
        nodes = [value.node for value in of_arrays]

        def put_back() -> None:
            for array in arrays:
                self._put(array, array)

        with standing_in(tensors, of_tensors), _replacing(put_back):
            for array, value in zip(arrays, of_arrays, strict=True):
                self._put(array, value)
            yield
        for path, value, node in zip(self.arrays, of_arrays, nodes, strict=True):
            _refuse_assigned(path, node, value.node)

    def _put(self, array: Array, value: Value | Array) -> None:
        for put in self._puts[id(array)]:
            put(value)

    def _look(self) -> list[Any]:
        """Return all that is found now, in the order of the first visit."""
        try:
            found = list(map(call, self._looks))
        except MISSING:
            found = [found_at(look) for look in self._looks]
        if self._members:
            found += chain(*self._members)
        return found


def _open_to_traces(reach: Reach) -> dict[int, list[Put]]:
    """Return how to put something in all places of each array; those without are left out.

    Where code asks for types or catches errors, a traced value might go another way than an array.
    """
    if reach.asks_for_types:
        return {}
    puts: dict[int, list[Put]] = {}
    closed: set[int] = set()
    for place in reach.places:
        if place.put is None:
            closed.add(id(place.found))
        else:
            puts.setdefault(id(place.found), []).append(place.put)
    return {known: those for known, those in puts.items() if known not in closed}


def _is_operand(item: object) -> TypeGuard[Array]:
    """Return whether a traced value can stand for a buffer; masks are mostly indices."""
    return type(item) is np.ndarray and item.dtype.kind in "fiu"


def _add(found: dict[str, Any], path: str, item: object) -> None:
    """Add an item under its path, or one like it: two functions may use one name."""
    names = chain([path], (f"{path}_{n}" for n in count(2)))
    found[next(name for name in names if name not in found)] = item


def _objects(found: Iterable[Any]) -> list[Any]:
    return [x for x in found if not isinstance(x, _SETTINGS)]


def _refuse_assigned(path: str, before: object, now: object) -> None:
    if now is not before:
        raise TypeError(
            f"{path} was assigned into while the function was traced, which a compiled function "
            "would not repeat; return the new value instead, or do not compile"
        )


# Held while tensors are symbols, so that other threads' compiled functions do not see them so.
_standing = threading.RLock()
# How to put back what has been replaced, the latest last, each with the thread that replaced it.
_replaced: list[tuple[int, Callable[[], None]]] = []


class _StandIn(Symbol):
    """A traced value in the place of a tensor, which nothing may change."""

    __slots__ = ()
    is_scalar: ClassVar[bool] = False
    stands_for: ClassVar[type | None] = Tensor
    requires_grad: ClassVar[bool] = False

    def refuse_assignment(self) -> NoReturn:
        """Raise: another call would not repeat the change."""
        raise TypeError(
            "a traced function cannot assign into a tensor that it refers to, which would then "
            "change once and not at each call; assign into a copy, y = +x, or return the new value"
        )


class _ParameterStandIn(_StandIn):
    """A traced value in the place of a parameter, which modules go on to list among theirs."""

    __slots__ = ()
    stands_for: ClassVar[type | None] = Parameter

    @property
    def requires_grad(self) -> NoReturn:  # type: ignore[override]
        """Raise: a parameter may be frozen later, and nothing would be traced again."""
        raise TypeError(
            "a traced function cannot ask whether a parameter requires a gradient, which may "
            "change from call to call; ask outside of it, and pass the answer as an argument"
        )

    def requires_grad_(self, requires_grad: bool = True) -> NoReturn:
        """Raise: another call would not repeat the change."""
        raise TypeError(
            "a traced function cannot freeze or thaw a parameter, which would then change once and "
            "not at each call; do it outside of it"
        )


class _ReadBufferStandIn(_StandIn):
    """A traced value in the place of a buffer that nothing may change."""

    __slots__ = ()
    stands_for: ClassVar[type | None] = Buffer


class _BufferStandIn(Symbol):
    """A traced value in the place of a buffer; what is assigned is collected, without a graph."""

    __slots__ = ()
    is_scalar: ClassVar[bool] = False
    stands_for: ClassVar[type | None] = Buffer
    requires_grad: ClassVar[bool] = False
    collects: ClassVar[bool] = True

    def adopt(self, other: Value) -> None:
        """Take the numbers of another traced value, in place."""
        note_assignment(self)
        constant = stop_gradient(other)
        if constant.dtype != self.dtype and np.can_cast(constant.dtype, self.dtype, "same_kind"):
            constant = astype(constant, dtype=self.dtype)
        self.data, self.node = constant.data, constant.node


def _like(value: Value, stand_in: type[Symbol]) -> type[Symbol]:
    """Return a kind of stand-ins whose operations are recorded as those of the traced value are.

    A picture's symbols note where each operation was asked for, also one of parameters alone.
    """
    kind: Any = plain(type(value))
    usual: Any = Symbol.apply
    if not issubclass(kind, Symbol) or kind.apply.__func__ is usual.__func__:
        return stand_in
    return type(stand_in.__name__, (stand_in, kind), {"__slots__": ()})


def _stand_in_for(tensor: Tensor, changes: bool) -> type[Symbol]:
    """Return the class of what stands for a tensor: code may ask a module for its parameters."""
    if changes:
        return _BufferStandIn
    if isinstance(tensor, Parameter):
        return _ParameterStandIn
    return _ReadBufferStandIn if isinstance(tensor, Buffer) else _StandIn


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

        with _replacing(put_back):
            for tensor, value in zip(tensors, values, strict=True):
                # The object itself changes its type: lists, closures and modules all see it.
                stand_in = _like(value, _stand_in_for(tensor, id(tensor) in buffers))
                is_view = isinstance(tensor, View)
                kind: Any = view_of(stand_in) if is_view else stand_in
                tensor.__class__ = kind
                tensor.data, tensor.node = value.data, value.node
            yield


@contextmanager
def _replacing(put_back: Callable[[], None]) -> Iterator[None]:
    """Put back at the end what is replaced inside the ``with`` block, in a forked child too."""
    _replaced.append((threading.get_ident(), put_back))
    try:
        yield
    finally:
        put_back()
        _replaced.pop()


def standing() -> Any:
    """Return the lock that is held while tensors are symbols; a forked child has its own."""
    return _standing


def _forget_other_threads() -> None:
    """Undo in a forked child what other threads had replaced: only the forking thread lives on."""
    global _standing
    if any(thread != threading.get_ident() for thread, _ in _replaced):
        while _replaced:
            _replaced.pop()[1]()
    if not _replaced:  # else this thread has the lock, and goes on
        _standing = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_other_threads)
