"""A value is what primitives apply to: a payload, and the node that records how it came about."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import ref

import numpy as np

from ..elsewhere import answers
from .annotations import DType, Function, Operand, Params, Payload, Shape, Tree
from .node import Node
from .registry import NUMPY, PRIMITIVES, keywords, stands_for
from .tree import leaves

if TYPE_CHECKING:
    from .primitive import Primitive

_NO_PARAMS: Params = {}


def _operator(name: str) -> Callable[..., Any]:
    def apply(self: Value, other: Operand) -> Any:
        return self.bind(PRIMITIVES[name], (self, other), _NO_PARAMS)

    apply.__name__ = apply.__qualname__ = name  # as messages say it
    return apply


def _sign(name: str) -> Callable[..., Any]:
    def apply(self: Value) -> Any:
        return self.bind(PRIMITIVES[name], (self,), _NO_PARAMS)

    apply.__name__ = apply.__qualname__ = name  # as messages say it
    return apply


def _reflected(name: str) -> Callable[..., Any]:
    def apply(self: Value, other: Operand) -> Any:
        return self.bind(PRIMITIVES[name], (other, self), _NO_PARAMS)

    apply.__name__ = apply.__qualname__ = f"reflected_{name}"
    return apply


class _Assignments(threading.local):
    """The values into which this thread assigns, as they were before, where somebody asks."""

    journal: list[Any] | None = None


assignments = _Assignments()


def note_assignment(value: Value) -> None:
    """Note a value, of which nothing is kept alive, before it is changed in place."""
    if assignments.journal is not None:
        assignments.journal.append((ref(value), type(value), value.data, value.node))


@answers("Tensor")
class Value:
    """A payload and the node that records how it came about; abstract.

    Subclasses say how a primitive applies to them (`apply`), what an unknown NumPy function does
    (`fallback`), and their rank: the higher one decides in a mixed expression. Values carry
    Python's operators and speak NumPy's protocols, so that NumPy code runs on them unchanged.
    """

    __slots__ = ("__weakref__", "data", "node")
    data: Any
    rank: ClassVar[int] = 0
    # Whether it takes the dtype of an array beside it, as Python's numbers do.
    is_weak: ClassVar[bool] = False
    # The class of the tensor in whose place a traced value stands while a function is traced.
    stands_for: ClassVar[type | None] = None

    def __init__(self, data: Payload, node: Node | None) -> None:
        self.data = data
        self.node = node

    if TYPE_CHECKING:  # cards and composites attach methods and Python's brackets, see `attach`

        def __getitem__(self, key: Any) -> Any: ...

        def __getattr__(self, name: str) -> Any: ...

        def _create(self, function: Function, args: Sequence[Any], kwargs: Params) -> Value: ...

    @classmethod
    def apply(cls, primitive: Primitive, args: Sequence[Operand], params: Params) -> Value:
        """Apply a primitive to operands of which at least one is of this class, none higher."""
        raise NotImplementedError

    @classmethod
    def bind(cls, primitive: Primitive, args: Sequence[Operand], params: Params) -> Any:
        """Let the highest-ranking value among operands, of which one is of this class, apply."""
        top = max((arg for arg in args if isinstance(arg, Value)), key=attrgetter("rank"))
        return top.apply(primitive, args, params)

    @classmethod
    def fallback(cls, function: Callable[..., Any], args: Tree, kwargs: Mapping[str, Any]) -> Any:
        """Answer a NumPy function without a card."""
        raise NotImplementedError

    # --- what assignment needs, see `ops.assignment`

    @property
    def is_scalar(self) -> bool:
        """Whether NumPy would have a number here, which nothing changes, and not an array."""
        raise NotImplementedError

    def as_array(self) -> Value:
        """Return the value as NumPy's arrays are, whose dtype counts beside others."""
        return self

    def refuse_assignment(self) -> None:
        """Raise if ``self[i] = v`` or ``self += v`` would be lost or break a graph."""

    def adopt(self, other: Value) -> None:
        """Become another value, in place: a tensor becomes a symbol if the other is one."""
        note_assignment(self)
        self.__class__ = type(other)
        self.data, self.node = other.data, other.node

    # --- what the value is

    @property
    def shape(self) -> Shape:
        """Sizes of the axes."""
        return self.data.shape  # type: ignore[no-any-return]

    @property
    def dtype(self) -> DType:
        """Type of the entries."""
        return self.data.dtype  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.data.shape)

    @property
    def size(self) -> int:
        """Number of entries."""
        return math.prod(self.data.shape)

    @property
    def T(self) -> Any:
        """The value with its axes reversed."""
        return PRIMITIVES["transpose"](self)

    @property
    def mT(self) -> Any:
        """The value with its last two axes swapped."""
        return PRIMITIVES["transpose"](self, axes=(*range(self.ndim - 2), -1, -2))

    def reshape(self, *shape: int | Sequence[int]) -> Any:
        """Return the same entries in another shape, as ``reshape(2, 3)`` or ``reshape((2, 3))``."""
        return PRIMITIVES["reshape"](self, shape=shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: int | Sequence[int]) -> Any:
        """Return the value with its axes permuted, by default reversed."""
        given = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
        return PRIMITIVES["transpose"](self, axes=tuple(given) if given else None)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a value without axes, shape ()")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        if not self.shape:
            raise TypeError("cannot iterate over a value without axes, shape ()")
        return (self[i] for i in range(self.shape[0]))

    # --- Python's operators: the language fixes the list, the registry the meaning

    __add__, __radd__ = _operator("add"), _reflected("add")
    __sub__, __rsub__ = _operator("subtract"), _reflected("subtract")
    __mul__, __rmul__ = _operator("multiply"), _reflected("multiply")
    __truediv__, __rtruediv__ = _operator("divide"), _reflected("divide")
    __floordiv__, __rfloordiv__ = _operator("floor_divide"), _reflected("floor_divide")
    __mod__, __rmod__ = _operator("remainder"), _reflected("remainder")
    __pow__, __rpow__ = _operator("power"), _reflected("power")
    __matmul__, __rmatmul__ = _operator("matmul"), _reflected("matmul")
    __and__, __rand__ = _operator("bitwise_and"), _reflected("bitwise_and")
    __or__, __ror__ = _operator("bitwise_or"), _reflected("bitwise_or")
    __xor__, __rxor__ = _operator("bitwise_xor"), _reflected("bitwise_xor")
    __neg__, __pos__ = _sign("negative"), _sign("positive")
    __abs__, __invert__ = _sign("absolute"), _sign("invert")
    __lt__, __le__ = _operator("less"), _operator("less_equal")
    __gt__, __ge__ = _operator("greater"), _operator("greater_equal")
    __eq__, __ne__ = _operator("equal"), _operator("not_equal")
    __hash__ = object.__hash__

    # --- NumPy's protocols

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: object, **kwargs: object
    ) -> Any:
        # The common case comes first: the rest of the protocol costs as much as a small operation.
        if method == "__call__" and not kwargs and (known := NUMPY.get(ufunc)) is not None:
            return known(*inputs)
        called = ufunc if method == "__call__" else getattr(ufunc, method)
        return self._dispatch(called, inputs, kwargs)

    def __array_function__(
        self,
        function: Function,
        types: Collection[type],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
    ) -> Any:
        return self._dispatch(function, args, kwargs)

    def _dispatch(self, function: Function, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Call the function that stands for NumPy's, if it knows the keywords that are given."""
        known = stands_for(function)
        if known is not None and not kwargs:
            return known(*args)
        # Libraries pass NumPy's defaults on, such as out=None; axis=None asks for all axes.
        given = {key: item for key, item in kwargs.items() if item is not None or key == "axis"}
        if known is not None and given.keys() <= keywords(known):
            return known(*args, **given)
        values = values_in([args, kwargs])
        if not values:  # as np.zeros(3, like=x), from which NumPy has taken x away
            return self._create(function, args, kwargs)
        # The highest-ranking value anywhere among the arguments decides.
        top = max(values, key=lambda value: value.rank)
        return top.fallback(function, args, kwargs)


def attach(name: str, function: Callable[..., Any]) -> None:
    """Give every value a method: what needs more than one primitive, or Python's own syntax."""
    setattr(Value, name, function)


def values_in(tree: Tree) -> list[Value]:
    """Return the values in nested lists, tuples and dicts."""
    return [leaf for leaf in leaves(tree) if isinstance(leaf, Value)]
