"""A view shows entries of another value; an argument stands for an array of the caller's.

An array is never changed where it lies, since recorded operations go on reading it: an assignment
puts a new array in the place of the old one. NumPy's views share their memory with what they were
taken from, so a view here is taken again when it is read after such a change. The other way round,
an assignment into a view or into an argument would have to change another object, and is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NoReturn

import numpy as np

from ..errors import GraphError
from .annotations import Key, Operand, Params, Payload
from .node import Node
from .primitive import Primitive
from .value import Value


class View(Value):
    """Entries of another value as they are now: a slice, a row, a transpose, another shape.

    Attributes
    ----------
    source : Value
        The value that the view was taken from.
    root : Value
        The first source, which is no view; ``seen`` is its payload when the view was taken.
    primitive, params
        The primitive that gives the view of the source, and its metadata.
    recorded : bool
        Whether operations were recorded when it was taken, so that they are when it is taken
        again.

    A view has no payload and node of its own but those in ``kept`` and ``maker``, which hold for
    ``seen``: one comparison of identities tells whether they still do.
    """

    __slots__ = ("kept", "maker", "params", "primitive", "recorded", "root", "seen", "source")

    def __init__(self, data: Payload, node: Node | None) -> None:
        self.kept, self.maker = data, node

    kept: Any
    maker: Node | None
    root: Value
    source: Value

    def take_from(
        self, source: Value, primitive: Primitive, params: Params, recorded: bool
    ) -> None:
        """Note from which value, and by which primitive, the view was taken."""
        self.source, self.primitive, self.params = source, primitive, params
        self.root = root = source.root if isinstance(source, View) else source
        self.seen, self.recorded = root.data, recorded

    @property
    def data(self) -> Any:
        """The payload of the view, which is taken again if the source has changed."""
        if self.root.data is not self.seen:
            self._take_again()
        return self.kept

    @data.setter
    def data(self, data: Payload) -> None:
        self.kept, self.seen = data, self.root.data

    @property
    def node(self) -> Node | None:
        """The node of the view, which is taken again if the source has changed."""
        if self.root.data is not self.seen:
            self._take_again()
        return self.maker

    @node.setter
    def node(self, node: Node | None) -> None:
        self.maker = node

    def bind_again(self) -> Any:
        """Return the view of the source as it is now."""
        return self.primitive.bind((self.source,), self.params)

    def _take_again(self) -> None:
        if self.primitive.view == "perhaps":
            raise GraphError(
                f"{self.primitive.name} gives a view or a copy, as the array lies in memory, and "
                "what it was taken from has been changed since; take it again after the change, "
                "or take a copy before: y = +y"
            )
        fresh = self.bind_again()
        self.__class__ = type(fresh)  # a source of plain arrays may have become a traced one
        self.kept, self.maker, self.seen = fresh.kept, fresh.maker, self.root.data

    def shows(self, source: Value, key: Key) -> bool:
        """Return whether this is ``source[key]``."""
        return self.source is source and self.params.get("key") == key

    def refuse_assignment(self) -> NoReturn:
        """Raise: the source would not see the change."""
        raise GraphError(
            f"a slice is a value, not a view: assigning into the result of {self.primitive.name} "
            "would not change what it was taken from; assign in one step, x[0, 1] = v instead of "
            "x[0][1] = v and x[:2] *= v instead of y = x[:2]; y *= v, or into a copy: y = +y"
        )


class Argument(Value):
    """An argument of a function that is differentiated or traced, as the function sees it."""

    __slots__ = ()
    is_scalar: ClassVar[bool] = False

    def refuse_assignment(self) -> NoReturn:
        """Raise: the caller's array would have to change."""
        raise GraphError(
            "an assignment into an argument, a leaf of the graph, would change the caller's array, "
            "which a function that is differentiated or traced cannot do; assign into a copy: "
            "y = +x, or write x = x + v instead of x += v"
        )


class Scalar(Value):
    """A number as NumPy's scalars are: nothing changes it, and `x += 1` makes another."""

    __slots__ = ()
    is_scalar: ClassVar[bool] = True


class Boxed(Value):
    """A number in an array without axes, which assignment changes."""

    __slots__ = ()
    is_scalar: ClassVar[bool] = False


_mixtures: dict[Any, Any] = {}


def plain(kind: type[Value]) -> Any:
    """Return a kind of values without what `_mixed` added: these own their payload."""
    return (
        kind
        if kind.__base__ is Value
        else next(k for k in kind.__mro__ if not issubclass(k, (View, Argument, Scalar, Boxed)))
    )


def _mixed(mixin: type[Value], kind: type[Value]) -> Any:
    """Return the class of values that are of a kind and of a mixin, as views of tensors."""
    made = _mixtures.get((mixin, kind))
    if made is None:
        owner = plain(kind)
        made = type(owner.__name__, (mixin, owner), {"__slots__": ()})
        made = _mixtures.setdefault((mixin, owner), made)
        _mixtures[mixin, kind] = made
    return made


def argument_of(kind: type[Value]) -> Any:
    """Return the class of arguments of a kind."""
    return _mixed(Argument, kind)


def scalar_of(kind: type[Value]) -> Any:
    """Return the class of numbers of a kind."""
    return _mixed(Scalar, kind)


def as_argument(value: Value) -> Any:
    """Make a value that nobody else holds stand for an argument of the caller's; return it."""
    value.__class__ = argument_of(type(value))
    return value


def as_scalar(value: object) -> Any:
    """Make a value that nobody else holds a scalar, if it has no axes, as in NumPy; return it."""
    if isinstance(value, Value) and not value.shape and not value.is_weak:
        value.__class__ = scalar_of(type(value))
    return value


def as_box(value: object) -> Any:
    """Make a value that nobody else holds an array, even if it has no axes; return it."""
    if isinstance(value, Value) and not value.shape:
        value.__class__ = _mixed(Boxed, type(value))
    return value


def is_number(argument: object) -> bool:
    """Return whether an argument is a number, which nothing changes, and not an array."""
    if isinstance(argument, Value):
        return argument.is_scalar
    return isinstance(argument, (float, int, np.generic))


def view_of(kind: type[Value]) -> Any:
    """Return the class of views of values of a kind."""
    return _mixed(View, kind)


def own(value: object) -> Any:
    """Return a value of its own for a view, with its payload and node, where NumPy copies."""
    return as_box(plain(type(value))(value.data, value.node)) if isinstance(value, View) else value


def is_view(primitive: Primitive, args: Sequence[Operand]) -> bool:
    """Return whether NumPy would give a view of the first argument; index arrays make a copy."""
    return bool(primitive.view) and len(args) == 1
