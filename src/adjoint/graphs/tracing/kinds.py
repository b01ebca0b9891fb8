"""What a walk asks of an object's class, once where nobody changes the class."""

from __future__ import annotations

from functools import lru_cache
from types import MemberDescriptorType

from .users_code import is_fixed, is_followed

# Containers that are written in Python, as ChainMap, UserDict and WeakSet.
_OF_CONTAINERS = frozenset({"collections", "weakref", "_weakrefset"})


class Kind:
    """What a walk through objects asks of a class.

    Attributes
    ----------
    is_closed : bool
        Whether it is adjoint's, and its objects' attributes are not followed.
    is_users : bool
    is_called_unseen : bool
        Whether code that is not followed computes with an object, and may read it all.
    may_iterate : bool
    slots : tuple of str
        The names of attributes that objects have outside of a dict.
    """

    def __init__(self, kind: type) -> None:
        self.is_users = is_users_class(kind)
        self.is_closed = kind.__module__.startswith("adjoint.") and not is_followed(kind)
        self.is_called_unseen = _is_called_unseen(kind)
        self.may_iterate = hasattr(kind, "__next__")
        self.slots = tuple(
            name
            for owner in kind.__mro__
            for name, found in vars(owner).items()
            if isinstance(found, MemberDescriptorType)
        )


def kind_of(kind: type) -> Kind:
    """Return what a walk asks of a class."""
    return _of_fixed(kind) if is_unchanging(kind) else Kind(kind)


@lru_cache(maxsize=1024)
def _of_fixed(kind: type) -> Kind:
    return Kind(kind)


def is_unchanging(kind: type) -> bool:
    """Return whether a class is adjoint's, NumPy's or Python's own, which nobody changes."""
    return kind.__module__ == "builtins" or is_fixed(kind.__module__)


def owner_of(kind: type, name: str) -> type | None:
    """Return the class, among a class and its bases, where an attribute is found."""
    return next((owner for owner in kind.__mro__ if name in vars(owner)), None)


def is_users_class(kind: type) -> bool:
    """Return whether a class is the user's own."""
    return is_followed(kind) and not kind.__module__.startswith("adjoint.")


def _is_called_unseen(kind: type) -> bool:
    called, counted = owner_of(kind, "__call__"), owner_of(kind, "__len__")
    if called is not None and not is_users_class(called):
        return True
    return counted is not None and counted.__module__ in _OF_CONTAINERS
