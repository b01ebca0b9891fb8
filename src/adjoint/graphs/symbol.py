"""A symbol is a value of which only the shape and the dtype are known: the static graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, Self

from ..core import advice
from ..core.annotations import DTypeLike, Operand, Params, Tree
from ..core.constants import kept_params
from ..core.failure import explain_failure
from ..core.metadata import plain as plain_metadata
from ..core.node import Node
from ..core.operand import as_operand
from ..core.primitive import Primitive
from ..core.registry import PRIMITIVES, unknown_keywords
from ..core.spec import Spec
from ..core.value import Value
from ..core.views import as_box, is_view, plain, view_of
from .number import WeakNumber
from .tracing.tracer import TracedNode, TracedOperation, held


class Symbol(Value):
    """A value of which only the shape and dtype are known: the static graph.

    Python cannot branch on it or convert it to a number; both raise, so that no number of one
    example is baked into the graph.
    """

    __slots__ = ()
    rank = 2

    @classmethod
    def input(cls, spec: Spec, name: str | None = None) -> Self:
        """Return a symbol that stands for an argument."""
        node = TracedNode(spec)
        node.name = name
        return cls(spec, node)

    def __reduce__(self) -> Any:
        # The class of arguments, numbers and views is made when it is needed, and has no place to
        # be imported from; once a graph is traced nothing asks for it.
        return plain(type(self)), (self.data, self.node)

    @classmethod
    def apply(cls, primitive: Primitive, args: Sequence[Operand], params: Params) -> Symbol:
        """Infer the result's shape and dtype, and record the primitive."""
        data = [held(arg.data if isinstance(arg, Value) else as_operand(arg)) for arg in args]
        if primitive.kind == "custom":
            params = kept_params(params)
        elif params:
            params = {name: plain_metadata(value) for name, value in params.items()}
        try:
            shape, dtype = primitive.infer(*data, **params)
        except (ValueError, TypeError, IndexError) as error:
            raise explain_failure(primitive, data, params, error) from None
        parents = [arg.node if isinstance(arg, Value) else None for arg in args]
        # Python's integers, since NumPy's would show in written source, as np.int64(3).
        spec = Spec(tuple(map(int, shape)), dtype)
        node = TracedOperation(primitive, data, params, parents, spec)
        kind: type[Symbol] = plain(cls)
        if is_view(primitive, args) and not _is_entry(spec, params):
            view: Any = view_of(kind)(spec, node)
            view.take_from(args[0], primitive, params, True)
            return view  # type: ignore[no-any-return]
        return kind(spec, node)

    @classmethod
    def fallback(
        cls, function: Callable[..., Any], args: Tree, kwargs: Mapping[str, Any]
    ) -> NoReturn:
        """Refuse: a NumPy function without a card cannot be traced."""
        name, unknown = advice.full_name(function), unknown_keywords(function, kwargs)
        given = f" with {', '.join(unknown)}" if unknown else ""
        raise TypeError(
            f"{name.removeprefix('numpy.')}{given} cannot be traced: adjoint has no primitive for "
            f"it; {advice.on_call(name, unknown)}"
            "or compute it outside of the traced function and pass the result as an argument"
        )

    @property
    def is_scalar(self) -> bool:
        """Whether NumPy would have a number here, which nothing changes, and not an array."""
        made_by = self.node.primitive if self.node is not None else None
        return not self.shape and not (made_by is not None and made_by.facts.boxes)

    def adopt(self, other: Value) -> None:
        """Become another traced value, in place."""
        super().adopt(other)
        as_box(self)

    def detach(self) -> Value:
        """Return the same value as a constant."""
        constant: Value = PRIMITIVES["stop_gradient"](self)
        return constant

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError(
            "a traced value has a shape and a dtype but no number yet: Python cannot branch on it "
            "or convert it; use ad.where or ad.cond for a choice, ad.while_loop for a loop that "
            "asks for it, or pass the number as a plain argument"
        )

    __bool__ = __int__ = __index__ = item = numpy = tolist = _refuse

    def __float__(self) -> float:
        raise TypeError(
            f"a traced value has no number yet that float() could give; {advice.NUMBER}"
        )

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NoReturn:
        name = advice.library_function()
        instead = advice.INSTEAD.get(name or "")
        picking = advice.PICKING if self.dtype.kind in "iu" else ""
        raise TypeError(
            f"{f'{name}: ' if name else ''}a traced value has a shape and a dtype but no numbers "
            "yet, so that it cannot be converted to a NumPy array; "
            f"{f'call {instead} instead' if instead else picking + advice.CONVERSION}"
        )

    def __repr__(self) -> str:
        return f"symbol({self.dtype}{list(self.shape)})"


def _is_entry(spec: Spec, params: Params) -> bool:
    """Return whether a view picks one entry by an integer for each axis: NumPy's is a scalar."""
    return not spec.shape and all(type(part) is int for part in params.get("key", (None,)))


class Number(WeakNumber, Symbol):
    """A Python number that is not known yet."""

    __slots__ = ()
    rank = 3
    array_type = Symbol
    is_scalar = True


def node_of(value: Value) -> Node:
    """Return the node of a value that has one, as every symbol has."""
    assert value.node is not None
    return value.node
