"""The reach of a function is all that it can read besides its arguments, and where that stands.

Names of variables and attributes are read from bytecode, values from closures, globals, defaults,
instances, classes, modules and containers. An attribute of an object is followed only if the code
in reach names it; all are followed if that code names attributes at run time, as `getattr` does.
"""

from __future__ import annotations

import builtins
import sys
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextvars import ContextVar
from functools import cached_property, lru_cache, partial, partialmethod
from gc import get_referents
from operator import attrgetter, getitem, methodcaller
from threading import local
from types import (
    BuiltinMethodType,
    CellType,
    CodeType,
    FunctionType,
    GeneratorType,
    MappingProxyType,
    MethodType,
    MethodWrapperType,
    ModuleType,
)
from typing import Any, NamedTuple
from weakref import ref

import numpy as np

from ...core.annotations import Array
from ...core.primitive import Primitive
from ...core.value import Value
from .code_names import NamesInCode, imported_by, names_in
from .kinds import Kind, is_unchanging, is_users_class, kind_of, owner_of
from .users_code import is_fixed, is_followed, is_iterator, is_users

Look = Callable[[], Any]
Put = Callable[[Any], None]

# Marks a place where there is nothing.
GONE = object()

_PLAIN = (bool, int, float, complex, str, bytes, type(None), type(...), np.generic, np.dtype)
# Attributes that Python itself gives every class.
_OF_EVERY_CLASS = ("__dict__", "__doc__", "__module__", "__qualname__", "__weakref__")
_DESCRIPTORS = (property, classmethod, staticmethod, partialmethod, cached_property)
# What is made in C and leads to one other object, as a dict's values and `[].__iadd__`.
_DICTS: tuple[dict[Any, Any], ...] = ({}, OrderedDict())
_LEADS: tuple[type, ...] = (
    MethodWrapperType,
    *(type(view) for d in _DICTS for view in (d.keys(), d.values(), d.items())),
)


class Place(NamedTuple):
    """A place in memory that code can read: how to look at it, and how to put something there.

    ``look`` is None if the place can never hold anything else, ``put`` if nothing can be put there.
    """

    path: str
    found: Any
    look: Look | None = None
    put: Put | None = None


class Reach:
    """All objects that some functions, the roots, can read.

    Attributes
    ----------
    items : dict of int to (str, object)
        What is reached and the first path that leads to it, by identity.
    names : NamesInCode
        The names of attributes in the code that is reached.
    places : list of Place
        Where the items are stored, and where something may be stored later.
    asks_for_types : bool
        Whether code in reach may go another way where a traced value stands for an array.
    sizes : list of callable
        Each returns what stays equal as long as nothing is added to what is reached, or removed.
    members : list of dict or set
        Their keys, or members, are read, too.
    """

    def __init__(self, *roots: object) -> None:
        names = NamesInCode()
        while True:
            # Code that is found late may name attributes of objects that were walked before it, so
            # that the walk begins again until no name is new.
            known = names.count
            self.names = names
            self.items: dict[int, tuple[str, Any]] = {}
            self.places: list[Place] = []
            self.sizes: list[Look] = []
            self.members: list[Any] = []
            for root in roots:
                self._walk(root)
            if names.count == known:
                break
        self.asks_for_types = names.ask_for_types

    def found(self) -> Iterator[tuple[str, Any]]:
        """Yield what is reached, and the path that leads to it."""
        return iter(self.items.values())

    # --- the walk

    def _walk(self, root: object) -> None:
        """Go depth first, without recursion: lists may be nested without bound."""
        stack = [iter([Place("", root)])]
        while stack:
            place = next(stack[-1], None)
            if place is None:
                stack.pop()
                continue
            item = place.found
            is_open = item is not GONE and not isinstance(item, _PLAIN)
            if is_open or place.look is not None:
                self.places.append(place)
            if not is_open or id(item) in self.items:
                continue
            self.items[id(item)] = place.path, item  # kept, so that no other object gets its id
            stack.append(self._parts(place.path, item))

    def _parts(self, path: str, item: object) -> Iterator[Place]:
        """Yield what an item refers to."""
        kind: Any = type(item)
        parts = _parts_of_fixed(kind) if is_unchanging(kind) else _parts_of(item)
        return parts(self, path, item)

    # --- containers

    def _of_dict(self, path: str, item: dict[Any, Any]) -> Iterator[Place]:
        self.sizes.append(item.__len__)
        self.members.append(item)
        yield from (Place(path, key) for key in list(item))
        for key in list(item):
            yield _entry(f"{path}[{key!r}]", item, key)
        yield from self._of_instance(path, item)

    def _of_list(self, path: str, item: list[Any] | deque[Any]) -> Iterator[Place]:
        self.sizes.append(item.__len__)
        for n, found in enumerate(item):
            look, put = partial(getitem, item, n), partial(item.__setitem__, n)
            yield Place(f"{path}[{n}]", found, look, put)
        yield from self._of_instance(path, item)

    def _of_tuple(self, path: str, item: tuple[Any, ...]) -> Iterator[Place]:
        yield from (Place(f"{path}[{n}]", found) for n, found in enumerate(item))
        yield from self._of_instance(path, item)

    def _of_set(self, path: str, item: set[Any] | frozenset[Any]) -> Iterator[Place]:
        self.sizes.append(item.__len__)
        self.members.append(item)
        yield from (Place(path, found) for found in list(item))

    def _of_array(self, path: str, item: Array) -> Iterator[Place]:
        if item.dtype.hasobject and item.dtype == object:
            for n, found in enumerate(item.flat):
                look = partial(getitem, item.flat, n)
                yield Place(f"{path}[{n}]", found, look, partial(item.flat.__setitem__, n))
        if type(item) is not np.ndarray:
            yield from self._of_instance(path, item)

    # --- functions

    def _of_value(self, path: str, item: Value) -> Iterator[Place]:
        computed = item.node is not None and item.node.primitive is not None
        if computed and isinstance(item.data, np.ndarray):
            yield Place(path, item.data, partial(getattr, item, "data"))

    def _of_function(self, path: str, item: FunctionType) -> Iterator[Place]:
        """Yield a function's free variables and, if it is the user's, all that its code names."""
        # __module__ will not do: functools.wraps copies that of the function inside.
        module = getattr(item, "__globals__", {}).get("__name__")
        ours = is_fixed(module)
        for name, cell in zip(item.__code__.co_freevars, item.__closure__ or (), strict=True):
            look = partial(getattr, cell, "cell_contents")
            found = found_at(look)
            name = _joined(path, "" if isinstance(found, FunctionType) else name)
            # Our own functions rebind none of their variables.
            yield Place(name, found) if ours else Place(name, found, look, partial(_fill, cell))
        if not is_users(module):
            return
        code = item.__code__
        yield Place(path, code, partial(getattr, item, "__code__"))
        self.names.add(code)
        for attribute in ("__defaults__", "__kwdefaults__"):
            if (found := getattr(item, attribute)) is not None:
                look = partial(getattr, item, attribute)
                yield Place(path, found, look, partial(setattr, item, attribute))
        yield from self._of_globals(item)
        attributes = vars(item)
        yield from self._of_scope(path, attributes, self.names.among(attributes))

    def _of_globals(self, function: FunctionType) -> Iterator[Place]:
        scope = function.__globals__
        names = names_in(function.__code__).variables
        for name in names:
            if name in scope or not hasattr(builtins, name):
                place = _entry(name, scope, name)
                unnamed = isinstance(place.found, FunctionType)
                yield place._replace(path="") if unnamed else place
        hidden = frozenset(name for name in names if name not in scope and hasattr(builtins, name))
        if hidden:
            self.sizes.append(partial(scope.keys().isdisjoint, hidden))
        for name in imported_by(function.__code__, scope):
            if name in sys.modules:
                yield _entry(name, sys.modules, name)

    def _of_code(self, path: str, item: CodeType) -> Iterator[Place]:
        return iter(())

    def _of_method(self, path: str, item: MethodType) -> Iterator[Place]:
        yield Place(path, item.__func__)
        yield Place(path, item.__self__)

    def _of_partial(self, path: str, item: partial[Any]) -> Iterator[Place]:
        yield from (Place(path, part) for part in (item.func, item.args, item.keywords))
        yield from self._of_instance(path, item)

    def _of_builtin(self, path: str, item: BuiltinMethodType) -> Iterator[Place]:
        if isinstance(item.__self__, ModuleType):
            self.names.add_name(item.__name__)  # of getattr and its like
        elif not isinstance(item.__self__, type):
            yield Place(path, item.__self__)

    def _of_descriptor(self, path: str, item: object) -> Iterator[Place]:
        for attribute in ("fget", "fset", "fdel", "func", "__func__", "args", "keywords"):
            yield Place(path, getattr(item, attribute, None))

    def _of_getter(self, path: str, item: attrgetter[Any] | methodcaller) -> Iterator[Place]:
        for name in item.__reduce__()[1]:
            self.names.add_name(name)
        return iter(())

    # --- references

    def _of_weak(self, path: str, item: ref[Any]) -> Iterator[Place]:
        yield Place(path, item(), item)

    def _of_context(self, path: str, item: ContextVar[Any]) -> Iterator[Place]:
        look = partial(item.get, GONE)
        yield Place(path, look(), look, partial(_set_context, item))

    # --- objects, classes, modules

    def _of_module(self, path: str, item: ModuleType) -> Iterator[Place]:
        if not is_followed(item):
            return
        scope = vars(item)
        yield from self._of_scope(path, scope, self.names.among(scope))

    def _of_scope(self, path: str, scope: dict[str, Any], names: Iterable[str]) -> Iterator[Place]:
        for name in list(names):
            yield _entry(_joined(path, name), scope, name)

    def _of_instance(self, path: str, item: object) -> Iterator[Place]:
        """Yield those attributes of an object that the code in reach may read."""
        kind = kind_of(type(item))
        attributes = attributes_of(item)
        if attributes is not None and "__wrapped__" in attributes:
            yield Place(path, attributes["__wrapped__"])
            return
        if kind.is_closed:
            return
        if attributes is not None:
            yield from self._of_attributes(path, item, attributes, kind)
        for name in kind.slots:
            if name in self.names:
                look = partial(getattr, item, name)
                put = partial(setattr, item, name)
                yield Place(_joined(path, name), found_at(look), look, put)
        if kind.is_users:
            yield Place(path, type(item), partial(getattr, item, "__class__"))
        elif (kind.may_iterate and is_iterator(item)) or isinstance(item, _LEADS):
            # Objects made in C refer to others that no attribute shows, as an iterator to its list
            # and a map to its function; the garbage collector knows these.
            yield from (Place(path, part) for part in get_referents(item))

    def _of_attributes(
        self, path: str, item: object, attributes: dict[str, Any], kind: Kind
    ) -> Iterator[Place]:
        yield Place("", GONE, partial(getattr, item, "__dict__"))
        whole = self.names.all or kind.is_called_unseen
        if whole:
            self.sizes.append(attributes.__len__)
        for name, found in list(attributes.items()):
            # A library's object may keep what it has computed once in a dict.
            is_cache = name[0] == "_" and isinstance(found, dict) and not is_followed(type(item))
            if (whole and not is_cache) or name in self.names:
                yield _entry(_joined(path, name), attributes, name)
        for name in self.names:
            # An attribute of the class may be hidden by one of the object, later.
            if name not in attributes and not whole and owner_of(type(item), name) is not None:
                yield _entry(_joined(path, name), attributes, name)

    def _of_class(self, path: str, item: type) -> Iterator[Place]:
        if not is_users_class(item):
            return
        owners = [kind for kind in item.__mro__ if is_users_class(kind)]
        unseen = len(owners) + 1 < len(item.__mro__)  # others than `object` are left out
        for kind in owners:
            self.names.add_called(kind, unseen=unseen)
        names = dict.fromkeys(self.names)
        if self.names.all:
            self.sizes += [vars(kind).__len__ for kind in owners]
            names |= dict.fromkeys(name for kind in owners for name in vars(kind))
        for name in names:
            owner = owner_of(item, name)
            if owner not in owners or name in _OF_EVERY_CLASS:
                continue
            found = vars(owner)[name]
            bound = hasattr(type(found), "__get__") and not isinstance(found, FunctionType)
            # To read a property off the class would call it, so look into the class's dict.
            look = partial(vars(owner).__getitem__, name) if bound else partial(getattr, item, name)
            at = path if callable(found) else _joined(path or item.__name__, name)
            yield Place(at, found, look, None if bound else partial(setattr, owner, name))
            yield from self._of_hidden(at, name, owners[owners.index(owner) + 1 :])
        yield Place(path, type(item))

    def _of_hidden(self, path: str, name: str, owners: Iterable[type]) -> Iterator[Place]:
        """Yield what an attribute of a class hides of other classes, which `super` finds."""
        for owner in owners:
            scope = vars(owner)
            if name in scope:
                look = partial(scope.get, name, GONE)
                yield Place(path, scope[name], look, partial(setattr, owner, name))


Parts = Callable[[Reach, str, Any], Iterator[Place]]
_PARTS: tuple[tuple[Any, Parts], ...] = (
    (Value, Reach._of_value),
    ((Primitive, CodeType), Reach._of_code),
    (np.ndarray, Reach._of_array),
    ((dict, MappingProxyType), Reach._of_dict),
    ((list, deque), Reach._of_list),
    (tuple, Reach._of_tuple),
    ((set, frozenset), Reach._of_set),
    (MethodType, Reach._of_method),
    (partial, Reach._of_partial),
    (FunctionType, Reach._of_function),
    (GeneratorType, Reach._of_code),
    (BuiltinMethodType, Reach._of_builtin),
    (_DESCRIPTORS, Reach._of_descriptor),
    ((attrgetter, methodcaller), Reach._of_getter),
    (ref, Reach._of_weak),
    (ContextVar, Reach._of_context),
    (type, Reach._of_class),
    (ModuleType, Reach._of_module),
)


def _parts_of(item: object) -> Parts:
    """Return what yields the parts of an item."""
    for kinds, parts in _PARTS:
        if isinstance(item, kinds):
            return parts
    return Reach._of_instance


@lru_cache(maxsize=1024)
def _parts_of_fixed(kind: type) -> Parts:
    """Return `_parts_of` the objects of a class that nobody changes."""
    for kinds, parts in _PARTS:
        if issubclass(kind, kinds):
            return parts
    return Reach._of_instance


def found_at(look: Look) -> Any:
    """Return what stands in a place now."""
    try:
        return look()
    except (ValueError, LookupError, AttributeError):  # a cell, entry or attribute without a value
        return GONE


def _entry(path: str, item: dict[Any, Any], key: Hashable) -> Place:
    """Return the place of an entry, which need not be there."""
    look = partial(item.get, key, GONE)  # not item[key], which fills a defaultdict
    return Place(path, look(), look, partial(_set_entry, item, key))


def _set_entry(item: dict[Any, Any], key: Hashable, value: object) -> None:
    if value is GONE:
        item.pop(key, None)
    else:
        item[key] = value


def _fill(cell: CellType, value: object) -> None:
    if value is GONE:
        del cell.cell_contents
    else:
        cell.cell_contents = value


def _set_context(item: ContextVar[Any], value: object) -> None:
    if value is not GONE:  # once it has a value it cannot be without one
        item.set(value)


def _joined(path: str, name: str) -> str:
    return name if not path or not name else f"{path}{'' if name[0] == '[' else '.'}{name}"


def attributes_of(item: object) -> dict[str, Any] | None:
    """Return an object's own attributes, whatever its class says; of a local, this thread's."""
    kind = local if issubclass(type(item), local) else object
    try:
        found: dict[str, Any] = kind.__getattribute__(item, "__dict__")
    except AttributeError:
        return None
    return found if isinstance(found, dict) else None
