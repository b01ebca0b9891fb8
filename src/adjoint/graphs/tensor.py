"""A tensor is an array that remembers how it was computed: the dynamic graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from ..core import advice, constants
from ..core.annotations import Array, ArrayLike, DTypeLike, Operand, Params, Tree
from ..core.constants import keep, kept, kept_params
from ..core.failure import explain_failure, refuse_dtype
from ..core.node import Node, Operation, creation
from ..core.operand import as_operand, as_reals, refuse_subclass
from ..core.primitive import Primitive
from ..core.registry import unknown_keywords
from ..core.tree import map_leaves
from ..core.value import Value, values_in
from ..core.views import as_box, is_view, plain, view_of
from ..errors import GraphError, ShapeError
from .recording import Watcher, enable_grad, is_watched, no_grad, show_cut, sweep_back, thread

_Array, _new = np.ndarray, object.__new__
# In the place of a position: there are several constants, or others than arrays.
_SEVERAL = -2


class Tensor(Value):
    """An array and, if it requires a gradient, the node that records how it came about.

    Made by `tensor`; operators, NumPy's functions and this library's apply to it. The array is
    never changed in place: NumPy sees it read-only. ``x[i] = v`` and ``x += v`` put another one in
    its place, which all names of the tensor and its slices see.

    >>> x = ad.tensor([1.0, 2.0], requires_grad=True)
    >>> y = np.exp(x).sum() * 2
    >>> isinstance(y, ad.Tensor), y.requires_grad
    (True, True)
    """

    __slots__ = ()
    rank = 1

    @classmethod
    def apply(cls, primitive: Primitive, args: Sequence[Any], params: Params) -> Any:
        """Evaluate a primitive, and record it if an argument requires a gradient."""
        # The loop and the making of node and result stand here, not in functions of their own: each
        # call would be 3 % of a small operation.
        arrays: list[Any] = []
        parents: list[Node | None] = []
        # The position of the only constant array, -1 if there is none; see `_SEVERAL`.
        recorded, constant = False, -1
        for arg in args:
            kind = type(arg)
            if kind is Tensor or (
                kind is not _Array and kind is not float and isinstance(arg, Tensor)
            ):
                node = arg.node
                arrays.append(arg.data)
                parents.append(node)
                if node is not None:
                    recorded = True
            else:
                if kind is _Array:
                    constant = len(arrays) if constant == -1 else _SEVERAL
                elif kind is not float and kind is not int:
                    if isinstance(arg, Value):  # of a higher rank
                        return super().bind(primitive, args, params)
                    arg, constant = as_operand(arg), _SEVERAL
                arrays.append(arg)
                parents.append(None)
        try:
            # Most primitives have no metadata, and an empty ** costs as much as a small sum.
            output = primitive.forward(*arrays, **params) if params else primitive.forward(*arrays)
            kind = output.dtype.kind
        except (ValueError, TypeError, IndexError) as error:
            return _applied_by_another(primitive, args, params, arrays, error)
        if kind not in "fiub":
            raise refuse_dtype(primitive.name, output.dtype)
        node, mode = None, thread.mode
        if recorded and kind == "f" and mode.records and primitive.vjp is not None:
            if constant != -1 and primitive.reads_numbers:
                _keep_constants(arrays, parents, constant, mode.watcher)
            node = _new(Operation)
            node.primitive = primitive
            node.args = arrays
            node.params = kept_params(params) if params else params
            node.parents = parents
            node.output = output
            node.grad = None
            node.order = next(creation)
        if mode.observer is not None:
            seen = node or Operation(primitive, arrays, params, parents, output)
            mode.observer.see_forward(seen, node is not None)
        if primitive.view and output.__class__ is _Array and is_view(primitive, args):
            view = _new(_TensorView)
            view.kept, view.maker = output, node
            view.take_from(args[0], primitive, params, mode.records)
            return view
        made = _new(Tensor)  # a call of __init__ would be felt in every operation
        made.data, made.node = output, node
        return made

    # Few operands are of a higher rank, and the loop in `apply` meets them.
    bind = apply

    @classmethod
    def fallback(cls, function: Callable[..., Any], args: Tree, kwargs: Mapping[str, Any]) -> Any:
        """Apply a NumPy function without a card to the plain arrays, if that cuts no graph."""
        if any(_would_cut(value) for value in values_in([args, kwargs])):
            show_cut("unsupported", [args, kwargs], None)
            name, unknown = advice.full_name(function), unknown_keywords(function, kwargs)
            given = f" with {', '.join(unknown)}" if unknown else ""
            scope = " (complex numbers are out of scope)" if ".fft." in name else ""
            raise TypeError(
                f"{name}{given} has no derivative in adjoint{scope}; "
                f"{advice.on_call(name, unknown)}"
                "to use its value as a constant, pass x.detach() instead of x"
            )
        return function(*map_leaves(_plain, args), **map_leaves(_plain, kwargs))

    # --- gradients

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this tensor are recorded; assigning it does `requires_grad_`."""
        return self.node is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    @property
    def is_leaf(self) -> bool:
        """Whether this tensor was made by the user, not by an operation."""
        return self.node is None or self.node.primitive is None

    @property
    def grad(self) -> Tensor | None:
        """The gradient that `backward` added up on this leaf, or None; assigning copies it."""
        node = self.node
        return node.grad if node is not None else None

    @grad.setter
    def grad(self, value: Operand) -> None:
        node = self.node
        if node is None or node.primitive is not None:
            raise GraphError("only a leaf that requires a gradient holds one")
        if value is not None:
            if value is node.grad:
                return  # the end of x.grad *= v
            value = Tensor(as_reals("x.grad = v", value).astype(self.dtype), None)
            if value.shape != self.shape:
                raise ShapeError(f"a gradient of shape {value.shape} for a tensor {self.shape}")
        elif node.grad is not None:
            show_cut("cleared", self, self)
        node.grad = value

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Switch the recording of operations on this leaf on or off; returns the tensor.

        A parameter without is frozen: it has no gradient, and steps of an optimiser leave it and
        what is remembered of it as they are, until it is thawed.
        """
        if not self.is_leaf:
            raise GraphError("requires_grad_ is for leaves; use .detach() to cut this graph")
        if requires_grad and self.dtype.kind != "f":
            raise TypeError(f"only floats have gradients, got dtype {self.dtype}")
        if requires_grad != self.requires_grad:
            if not requires_grad:
                show_cut("frozen", self, self)
            self.node = Node() if requires_grad else None
        return self

    def detach(self) -> Tensor:
        """Return the same array as a constant."""
        constant = Tensor(self.data, None)
        if is_watched():
            show_cut("detach", self, constant)
        return constant

    def backward(self, gradient: Operand = None, *, create_graph: bool = False) -> None:
        """Add the gradient of this value to ``.grad`` of every leaf that it depends on.

        Parameters
        ----------
        gradient : array, optional
            The cotangent to start from, of this tensor's shape; by default 1 for a single number.
        create_graph : bool
            Record the sweep, so that the gradients themselves can be differentiated.

        Raises
        ------
        GraphError
            If nothing was recorded, or the value is not a number and no gradient is given.
        ShapeError
            If the gradient's shape is not the tensor's.
        TypeError
            If the gradient is not of real numbers.
        """
        if self.node is None:
            raise GraphError(
                "backward: this value does not depend on any tensor with requires_grad=True"
            )
        seed = self._seed(gradient)
        if create_graph:
            seed = seed if isinstance(seed, Tensor) else Tensor(seed, None)
            found = sweep_back({self.node: seed}, lift=Tensor)
        else:
            found = sweep_back({self.node: seed})
        for node, g in found.items():
            if node.primitive is None:
                # A tensor of its own for each leaf: the cotangent itself may be that of other
                # leaves too, or what the user gave, and x.grad *= v must not change these.
                own = _new(Tensor)
                own.data, own.node = (g.data, g.node) if isinstance(g, Tensor) else (g, None)
                node.grad = own if node.grad is None else node.grad + own

    def _seed(self, gradient: Operand) -> Any:
        if gradient is None:
            if self.size != 1:
                raise GraphError(
                    f"backward: a value of shape {self.shape} has no single gradient; "
                    "sum it, or pass gradient= with that shape"
                )
            return np.array(1, self.dtype, ndmin=self.ndim)
        shape = np.shape(as_operand(gradient))
        if shape != self.shape:
            raise ShapeError(f"backward: gradient of shape {shape} for a value of {self.shape}")
        if isinstance(gradient, Tensor):
            return gradient if gradient.dtype == self.dtype else gradient.astype(self.dtype)
        # A copy, since it may become somebody's .grad, and its owner may change it.
        return as_reals("backward", gradient).astype(self.dtype)

    @property
    def is_scalar(self) -> bool:
        """Whether NumPy would have a number here, which nothing changes, and not an array."""
        return isinstance(self.data, np.generic) and not (self.node is not None and self.is_leaf)

    def refuse_assignment(self) -> None:
        """Raise on an assignment into a leaf: its gradient would be that of another value."""
        if self.node is None:
            return
        if self.is_leaf and thread.mode.records:
            raise GraphError(
                "cannot assign into a leaf that requires a gradient; assign into a copy: y = +x, "
                "or under ad.no_grad() to change the leaf itself; or write x = x + v instead of "
                "x += v"
            )
        if not self.is_leaf and not thread.mode.records:
            raise GraphError(
                "assigning under ad.no_grad() would silently cut the graph of this computed value; "
                "assign into x.detach(), or outside of no_grad"
            )

    def adopt(self, other: Value) -> None:
        """Become another value, in place; a leaf, changed under `no_grad`, stays one."""
        stays_leaf = self.node is not None and self.is_leaf
        if isinstance(other, Tensor):
            # NumPy gives a scalar where there are no axes, but an array that is changed stays one.
            self.data = np.asarray(other.data)
            self.node = self.node if stays_leaf else other.node
        elif stays_leaf:
            raise TypeError(
                "a traced function cannot assign into a tensor that requires a gradient; return "
                "the new value instead"
            )
        else:
            super().adopt(other)
            as_box(self)

    # --- leaving the graph

    def numpy(self) -> Array:
        """Return the array, read-only; of a tensor that requires a gradient only when detached."""
        return self.__array__()

    def item(self) -> float | int | bool:
        """Return the only entry as a Python number."""
        number = np.asarray(self.data).item()
        if is_watched():
            show_cut("item", self, number)
        return number  # type: ignore[no-any-return]

    def _number(self) -> float | int | bool:
        return np.asarray(self.data).item()  # type: ignore[no-any-return]

    def tolist(self) -> Any:
        """Return the entries as nested lists of Python numbers."""
        numbers = np.asarray(self.data).tolist()
        if is_watched():
            show_cut("item", self, numbers)
        return numbers

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> Array:
        if _would_cut(self):
            self._refuse_conversion()
        array = np.asarray(self.data)
        if copy or (dtype is not None and array.dtype != dtype):
            if copy is False:
                raise ValueError(f"a {array.dtype} tensor as {np.dtype(dtype)} needs a copy")
            array = array.astype(array.dtype if dtype is None else dtype)
        else:
            array = array.view()
            array.flags.writeable = False
        if is_watched():
            show_cut("numpy", self, array)
        return array

    def _refuse_conversion(self) -> NoReturn:
        show_cut("numpy", self, None)
        name = advice.library_function()
        instead = advice.INSTEAD.get(name or "")
        known = f"call {instead} instead" if instead else advice.CONVERSION
        raise TypeError(
            f"{f'{name}: ' if name else ''}converting to a NumPy array would silently cut the "
            f"graph of a value that requires a gradient; {known}; x.detach() is a constant"
        )

    def _refuse_to_cut(self, how: str, what: str, text: str) -> None:
        if _would_cut(self):
            show_cut(how, self, None)
            raise TypeError(
                f"{what} would silently cut the graph of a value that requires a gradient; {text}"
            )

    def __float__(self) -> float:
        self._refuse_to_cut("float", "float()", f"{advice.NUMBER}; x.item() is a constant")
        number = float(self._number())
        if is_watched():
            show_cut("float", self, number)
        return number

    def __int__(self) -> int:
        self._refuse_to_cut("int", "int()", "x.item() is a constant")
        return int(self._number())

    def __index__(self) -> int:
        if self.dtype.kind not in "iu":
            raise TypeError(f"an index must be an integer, got dtype {self.dtype}")
        return int(self._number())

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ValueError(
                f"the truth of {self.size} entries, shape {self.shape}, is ambiguous; "
                "use (x > 0).numpy().any() or .all()"
            )
        return bool(self._number())

    # --- text, copies

    def __repr__(self) -> str:
        text = np.array2string(np.asarray(self.data), separator=", ", prefix="tensor(")
        notes = "" if self.dtype in (np.float64, np.int64, np.bool_) else f", dtype={self.dtype}"
        if self.node is not None:
            made_by = self.node.primitive
            notes += f", from={made_by.name}" if made_by else ", requires_grad=True"
        return f"tensor({text}{notes})"

    def __format__(self, spec: str) -> str:
        return format(self._number(), spec) if spec else repr(self)

    def __copy__(self) -> Tensor:
        return plain(type(self))(self.data, self.node)  # type: ignore[no-any-return]

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        self._refuse_interior("copied")
        kind = plain(type(self))
        copied = kind(np.array(self.data), Node() if self.requires_grad else None)
        show_cut("copy", self, copied)
        return copied  # type: ignore[no-any-return]

    def __reduce__(self) -> Any:
        self._refuse_interior("pickled")
        return _restore, (plain(type(self)), np.asarray(self.data), self.requires_grad)

    def _refuse_interior(self, action: str) -> None:
        if not self.is_leaf:
            raise GraphError(f"the graph of a computed value cannot be {action}; use x.detach()")


def _keep_constants(
    arrays: list[Any],
    parents: list[Node | None],
    constant: int,
    watcher: Watcher | None,
) -> None:
    """Replace constants that a rule reads by copies, since their owner may change them."""
    if watcher is not None and not watcher.copies:
        return
    if constant == _SEVERAL:
        keep(arrays, parents)
        return
    array = arrays[constant]
    known, numbers, copy = constants.latest
    if known is array and array.tobytes() == numbers and copy.shape == array.shape:
        arrays[constant] = copy
    else:
        arrays[constant] = kept(array)


def _applied_by_another(
    primitive: Primitive,
    args: Sequence[Operand],
    params: Params,
    arrays: Sequence[Any],
    error: Exception,
) -> Any:
    """Let a traced value apply a primitive that failed on arrays, or say why it failed.

    A view whose source has become a traced value becomes one itself only when it is read.
    """
    if any(isinstance(arg, Value) and arg.rank > Tensor.rank for arg in args):
        return primitive.bind(args, params)
    raise explain_failure(primitive, arrays, params, error) from None


class _TensorView(view_of(Tensor)):  # type: ignore[misc]
    """A view of a tensor; taking it again is recorded if taking it first was."""

    __slots__ = ()

    def bind_again(self) -> Any:
        """Return the view of the source as it is now."""
        with enable_grad() if self.recorded else no_grad():
            return super().bind_again()


_TensorView.__name__ = Tensor.__name__  # as messages say it


def _restore(kind: type[Tensor], array: Array, requires_grad: bool) -> Tensor:
    return kind(array, Node() if requires_grad else None)


def _would_cut(value: Value) -> bool:
    return value.node is not None and thread.mode.records


def _plain(leaf: object) -> Any:
    return np.asarray(leaf) if isinstance(leaf, Value) else leaf


def tensor(
    data: ArrayLike, *, requires_grad: bool = False, dtype: DTypeLike | None = None
) -> Tensor:
    """Return a tensor with a copy of the data.

    Parameters
    ----------
    data : array, number, or nested sequence of numbers
        Its dtype is kept; Python floats become float64.
    requires_grad : bool
        Whether operations on it are recorded and `backward` fills its ``.grad``.
    dtype : dtype, optional

    Raises
    ------
    TypeError
        If the data are not real numbers or booleans, or integers that shall require a gradient.

    Examples
    --------
    >>> import adjoint as ad
    >>> x = ad.tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4.])
    """
    if isinstance(data, Tensor):
        data._refuse_to_cut("tensor", "tensor()", "x.detach() is a constant, +x a copy")
        data = data.data
    refuse_subclass(data)
    array = np.array(data, dtype=dtype)
    if array.dtype.kind not in "fiub":
        raise refuse_dtype("tensor", array.dtype)
    made = Tensor(array, None).requires_grad_(requires_grad)
    show_cut("tensor", data, made)
    return made
