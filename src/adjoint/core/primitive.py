"""A primitive is one operation with everything known about it; a value is what primitives apply to.

Everything in adjoint is a table: primitives (rows) × interpretations (columns: evaluate, pull back,
push forward, infer, print Python, print LaTeX). A row is a `Primitive`, written as one card in
`ops/`. A value is a payload (an array, or only its shape and dtype) and the node that records how
it came about. Binding asks the highest-ranking value among the arguments to apply a primitive;
plain arrays are simply evaluated, so a derivative rule written in primitives serves them all.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import itertools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from types import MethodType
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, NoReturn, Self, overload

import numpy as np
from numpy.exceptions import AxisError

from ..errors import ShapeAxisError, ShapeError, ShapeIndexError
from . import advice
from .annotations import DType, Function, Params, Payload, Shape, Tree
from .annotations import Operand as AnyOperand
from .axis import AxisRule, read_axis
from .facts import Facts
from .metadata import formula, keyword, keyword_formula, literal, plain
from .tree import leaves

# An operand as the rules of cards see it, which read its shape and compute with it unasked: the
# type `annotations.Operand` without the question which of its kinds is there.
Operand = Any

PRIMITIVES: dict[str, Primitive] = {}
# NumPy's functions and what stands for them here; read by the two protocols on Value.
NUMPY: dict[Callable[..., Any], Callable[..., Any]] = {}
# The product in which 0·∞ = 0, by the name of the plain one; read off the cards.
STRONG: dict[str, Primitive] = {}
# Modules that are imported only when one of their functions is called, each with a function that
# recognises these. The modules above enter themselves, so that nothing here imports them.
LATE: dict[str, Callable[[Any], bool]] = {}

_NO_FACTS = Facts()
# Numbers nodes in the order in which they are made.
creation = itertools.count()
_NO_PARAMS: Params = {}


class Spec(NamedTuple):
    """The shape and dtype of an array that is not there (yet)."""

    shape: Shape
    dtype: DType

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __array__(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("a traced value has a shape and a dtype, but no numbers")


class Node:
    """A place in the graph: a plain node is a leaf, which no operation made.

    A node holds payloads and its parents' nodes, never the value it belongs to: without that cycle
    reference counting frees a whole graph at once. The gradient of a leaf rests on its node, so
    that the value's handle may change without losing it.

    Attributes
    ----------
    output : Payload
        What the node stands for: an array, or a `Spec`; None for the leaf of a tensor.
    order : int
        How many nodes were made before it. A node is made after all that it depends on.
    primitive, args, params, parents
        Those of an `Operation`; none and empty for a leaf.
    """

    __slots__ = ("args", "grad", "order", "output", "params", "parents", "primitive")

    args: Sequence[Any]
    params: Params
    parents: Sequence[Node | None]
    primitive: Primitive | None
    output: Any
    grad: Any

    def __init__(self, output: Payload = None) -> None:
        self.primitive, self.args, self.params, self.parents = None, (), _NO_PARAMS, ()
        self.output, self.grad = output, None
        self.order = next(creation)

    def edges(self) -> Iterator[tuple[Any, Node | None]]:
        """Yield each operand's payload with the node that it came from, None for a constant."""
        return zip(self.args, self.parents, strict=True)


class Operation(Node):
    """How a computed value came about: a primitive, what it was applied to, and what came out.

    ``args[i]`` is the payload of an operand, and ``parents[i]`` the node that it came from, None
    for a constant.
    """

    # All stand in Node: of two bases only one may have slots of its own, see `TracedOperation`.
    __slots__ = ()

    primitive: Primitive

    def __init__(
        self,
        primitive: Primitive,
        args: Sequence[Any],
        params: Params,
        parents: Sequence[Node | None],
        output: Payload,
    ) -> None:
        self.primitive = primitive
        self.args = args
        self.params = params
        self.parents = parents
        self.output = output
        self.grad = None
        self.order = next(creation)

    def operands(
        self, values: Mapping[Node, Any], constant: Callable[[Any], Any] | None = None
    ) -> list[Any]:
        """Return the operands: its parents' ``values``, and constants, by default as they are."""
        if constant is None:
            return [arg if parent is None else values[parent] for arg, parent in self.edges()]
        return [constant(arg) if parent is None else values[parent] for arg, parent in self.edges()]

    def apply(self, operands: Sequence[Any]) -> Any:
        """Return what the operation gives for other operands, see `Primitive.bind`."""
        return self.primitive.bind(operands, self.params)


class Trials(NamedTuple):
    """What the contract, see `adjoint.contract`, needs to know to try a card.

    Parameters
    ----------
    domain : sequence of pair of float
        Between which numbers each argument is drawn.
    kinks : sequence of float
        Numbers that are not drawn, nor any close by.
    cases : sequence
        Shapes of the arguments, and metadata.
    """

    domain: Sequence[tuple[float, float]]
    kinks: Sequence[float]
    cases: Sequence[Any]


class Primitive:
    """One operation and every column of the table for it.

    Parameters
    ----------
    forward : callable
        ``forward(*arrays, **params)`` in plain NumPy. Its name, signature and docstring are the
        primitive's; positional parameters are arrays, keyword-only ones are metadata.
    kind : str
        How the derivative columns were derived: elementwise, linear, multilinear, reduction,
        general or constant; custom where a user's function brought its rule.
    vjp : callable or None
        ``vjp(g, y, args, params, wanted)`` gives one cotangent for each argument (None where not
        wanted), in the argument's own shape or in one that it broadcasts to. None for a
        constant: its output does not depend smoothly on anything.
    jvp : callable or None
        ``jvp(tangents, y, args, params)`` gives the output's tangent; ``tangents`` has None where
        an argument does not vary.
    infer : callable
        ``infer(*operands, **params)`` gives the output's `Spec`.
    source, latex : str or callable
        Templates over the names of the arguments, see `write_source` and `write_latex`.
    view : {None, "always", "perhaps"}
        Whether NumPy's result would be a view, into which an assignment changes the original; here
        it would be lost, so it is refused. "perhaps" means a view or a copy, depending on how the
        array lies in memory: nobody knows then whether it sees a later change of the original.
    reads_numbers : bool
        Whether a derivative rule reads the arguments' numbers, and not only shapes and dtypes; the
        record of an operation then keeps them, see `constants`.
    helpers : sequence of callable
        NumPy functions that the source calls by name; by default the forward function, if it does.
    axis : AxisRule, optional
        What it takes as its parameter ``axis``, which is checked before it is applied.
    public : bool
        Whether it is offered as ``adjoint.name``. What only rules and composites are made of is
        not, but its name stays in the registry, where saved graphs look it up.
    facts : Facts
        What holds of its results, whatever the arguments are.
    expand : callable, optional
        ``expand(*operands, **params)`` gives the same value made of other primitives. Native code
        writes the operation so; a card without it needs a native rule of its own.
    plain : str, optional
        Of a product in which 0·∞ = 0, the name of the product that it is where there is no such
        term.
    domain, kinks, cases : see `Trials`
    """

    def __init__(
        self,
        forward: Callable[..., Any],
        *,
        kind: str,
        vjp: Callable[..., Any] | None,
        jvp: Callable[..., Any] | None,
        infer: Callable[..., Spec],
        source: str | Callable[..., str],
        latex: str | Callable[..., str],
        view: str | None = None,
        domain: Sequence[tuple[float, float]] = ((-2.0, 2.0),),
        kinks: Sequence[float] = (),
        cases: Sequence[Any] = (),
        helpers: Sequence[Callable[..., Any]] = (),
        explain_error: Callable[..., str | None] | None = None,
        reads_numbers: bool = True,
        axis: AxisRule | None = None,
        public: bool = True,
        facts: Facts = _NO_FACTS,
        expand: Callable[..., Any] | None = None,
        plain: str | None = None,
    ) -> None:
        signature = inspect.signature(forward)
        parameters = list(signature.parameters.values())
        self.name = self.__name__ = forward.__name__
        self.__doc__ = forward.__doc__
        self.__module__ = forward.__module__
        self.__signature__ = signature
        self.__wrapped__ = forward
        self.forward, self.kind, self.vjp, self.jvp, self.infer = forward, kind, vjp, jvp, infer
        self.source, self.latex = source, latex
        self.trials = Trials(domain, kinks, cases)
        self.helpers = tuple(helpers)
        if isinstance(source, str) and source.startswith(f"{self.name}("):
            self.helpers = (*self.helpers, forward)
        self.view = view
        self.reads_numbers = reads_numbers
        self.explain_error = explain_error
        self.axis = axis
        self.public = public
        self.facts = facts
        self.expand, self.plain = expand, plain
        self.variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        self.array_names = tuple(p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD)
        self.param_names = tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)
        self._known_params = frozenset(self.param_names)
        self.defaults = {
            p.name: p.default
            for p in parameters
            if p.kind is p.KEYWORD_ONLY and p.default is not p.empty
        }

    def register(self, *, numpy: Sequence[Callable[..., Any]] = (), method: bool = False) -> Self:
        """Enter the table: make it known by name, to NumPy's functions, and as a method."""
        if self.name in PRIMITIVES:
            raise ValueError(f"a primitive named {self.name!r} is registered already")
        PRIMITIVES[self.name] = self
        if self.plain is not None:
            STRONG[self.plain] = self
        NUMPY.update(dict.fromkeys(numpy, self))
        if method:
            setattr(Value, self.name, self)
        return self

    def __call__(self, *args: Any, **params: object) -> Any:
        """Apply the primitive; plain arrays give a plain array, values a value.

        Arrays come first, or as one list where there may be any number; metadata may be given by
        position or by name.
        """
        if params or self.param_names or len(args) > len(self.array_names):
            args, params = self._arrange(args, params)
            if self.axis is not None and params["axis"] is not None:
                params["axis"] = self.read_axis(args[0], params["axis"])
        return self.bind(args, params)

    def bind(self, args: Sequence[AnyOperand], params: Params) -> Any:
        """Apply to arrays, or let the highest-ranking value among the arguments do it."""
        top: Value | None = None
        for arg in args:
            if arg.__class__ in _PLAINEST:
                continue
            if not isinstance(arg, Value):
                refuse_subclass(arg)
            elif top is None or arg.rank > top.rank:
                top = arg
        if top is not None:
            return top.apply(self, args, params)
        return self.forward(*args, **params) if params else self.forward(*args)

    def _arrange(self, args: tuple[Any, ...], params: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Sort arguments into arrays and complete metadata, positions and names being free."""
        if len(args) <= len(self.array_names) and params.keys() <= self._known_params:
            return args, self.defaults | params
        # A primitive of nothing but arrays takes them as one list, as NumPy's functions do.
        if self.variadic and not self.array_names:
            args, rest = tuple(args[0]), args[1:]
        else:
            arity = len(args) if self.variadic else len(self.array_names)
            args, rest = args[:arity], args[arity:]
        if len(rest) > len(self.param_names):
            raise TypeError(f"{self.name}{self.__signature__}: {len(rest)} arguments too many")
        params = {**dict(zip(self.param_names, rest, strict=False)), **params}
        if params.keys() <= self._known_params:
            return args, self.defaults | params
        unknown = [name for name in params if name not in self.__signature__.parameters]
        if unknown:
            raise TypeError(
                f"{self.name}: got an unknown keyword argument {unknown[0]!r}; "
                f"{advice.on_call(f'numpy.{self.name}', unknown)}"
                f"the signature is {self.name}{self.__signature__}"
            )
        bound = self.__signature__.bind(*args, **params)
        bound.apply_defaults()
        return bound.args, bound.kwargs

    def read_axis(self, x: Any, axis: object) -> Any:
        """Return the parameter ``axis`` as Python's integers, checked if the card has a rule."""
        if self.axis is None:
            return axis
        shape = x.shape if hasattr(x, "shape") else np.shape(x)
        return read_axis(self.name, axis, shape, self.axis)

    @overload
    def __get__(self, instance: Value, owner: type | None = None) -> MethodType: ...

    @overload
    def __get__(self, instance: object, owner: type | None = None) -> Self: ...

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __repr__(self) -> str:
        return f"<{self.kind} primitive {self.name}{self.__signature__}>"

    def __reduce__(self) -> str:
        return self.name

    def write_source(self, *names: str, **params: object) -> str:
        """Return the NumPy expression of this primitive applied to expressions ``names``.

        In a template ``{x}`` is an argument's name, ``{args}`` all of them and ``{params}`` the
        metadata that has no place of its own and differs from its default, each with a comma
        before it.

        Raises
        ------
        NotImplementedError
            If some of the metadata has no text.
        """
        params = {name: plain(value) for name, value in params.items()}
        if callable(self.source):
            return self.source(*names, **params)
        return self._filled(self.source, names, params, literal, keyword)

    def write_latex(self, *names: str, **params: Any) -> str:
        """Return the formula of this primitive applied to formulas ``names``.

        The template is as that of `write_source`; metadata is written as LaTeX. Operands stand in
        it without brackets: `derivation.brackets` adds those that their operators need.
        """
        params = {name: plain(value) for name, value in params.items()}
        if callable(self.latex):
            return self.latex(*names, **params)
        return self._filled(self.latex, names, params, formula, keyword_formula)

    def _filled(
        self,
        template: str,
        names: Sequence[str],
        params: Params,
        write: Callable[[Any], str],
        write_keyword: Callable[[str, Any], str],
    ) -> str:
        """Return a template with texts in its places; metadata that has no place needs no text."""
        places = dict(zip(self.array_names, names, strict=False)) | {"args": ", ".join(names)}
        placed = {name: write(x) for name, x in params.items() if f"{{{name}}}" in template}
        if "{params}" in template:
            places["params"] = "".join(
                f", {write_keyword(name, x)}"
                for name, x in params.items()
                if name not in placed and (name not in self.defaults or self.defaults[name] != x)
            )
        return template.format(**places, **placed)


_PLAIN_TYPES = (np.ndarray, np.generic, float, int, type(None))
# The types of most operands that are not values: one look-up settles these.
_PLAINEST = frozenset({np.ndarray, float, int, bool, type(None), np.float64, np.float32, np.int64})
# NumPy's own subclasses of arrays that compute differently from arrays, and what to do instead.
_REFUSED = {
    "MaskedArray": "a masked array, whose mask would be lost; fill it, as x.filled(0), or leave "
    "entries out with np.where(mask, 0, x)",
    "matrix": "a np.matrix, in which * is the product of matrices; convert it by np.asarray(x), "
    "and write @ for that product",
}


def as_operand(arg: object) -> Any:
    """Return a plain operand: an array or a number; Python numbers stay weakly typed."""
    if arg.__class__ in _PLAINEST:
        return arg
    if isinstance(arg, _PLAIN_TYPES):
        refuse_subclass(arg)
        return arg
    if isinstance(arg, Value):
        return arg.data
    array = as_plain(arg)
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"cannot compute with {type(arg).__name__} {str(arg)[:40]!r} (dtype {array.dtype}); "
            "expected numbers or an array of them"
        )
    return array


def as_plain(data: object) -> Any:
    """Return an array of what is no value.

    Raises
    ------
    TypeError
        If it is or contains a masked array or a np.matrix, whose own arithmetic would be lost.
    """
    refuse_subclass(data)
    return np.asarray(data)


def refuse_subclass(*data: object) -> None:
    """Raise on a masked array or a np.matrix, also in nested lists and tuples."""
    for item in data:
        _refuse_subclass(item)


def _refuse_subclass(data: object) -> None:
    kind: type = data.__class__
    if kind in _PLAINEST:
        return
    if isinstance(data, (list, tuple)):
        kinds = set(map(type, data))
        if any(issubclass(kind, (list, tuple, np.ndarray)) for kind in kinds):
            refuse_subclass(*data)
    elif (reason := _why_refused(kind)) is not None:
        raise TypeError(f"cannot compute with {reason}")


@functools.cache
def _why_refused(kind: type) -> str | None:
    """Say what is wrong with a type; by name, for numpy.ma is imported by those who use it."""
    names = [one.__name__ for one in kind.__mro__ if one.__module__.startswith("numpy")]
    return next((_REFUSED[name] for name in names if name in _REFUSED), None)


def refuse_dtype(name: str, dtype: DType) -> TypeError:
    """Return the error for an array that is neither real nor integer nor boolean."""
    reason = "complex numbers are out of scope" if dtype.kind == "c" else "only numbers are"
    return TypeError(f"{name}: got dtype {dtype}; {reason}: use real floats, integers or booleans")


def explain_failure(
    primitive: Primitive, args: Sequence[AnyOperand], params: Params, error: Exception
) -> Exception:
    """Return an error that names the primitive and the shapes it received."""
    shapes = [getattr(arg, "shape", ()) for arg in args if arg is not None]
    advice = primitive.explain_error(*args, **params) if primitive.explain_error else None
    if isinstance(error, AxisError):
        return ShapeAxisError(f"{primitive.name}: {error} (received shape {shapes[0]})")
    if advice is not None:
        kind = ShapeIndexError if isinstance(error, IndexError) else ShapeError
        return kind(f"{primitive.name}: {advice}")
    received = ", ".join(map(str, shapes))
    wrong_numbers = isinstance(error, np.linalg.LinAlgError)  # a ValueError, but not of shapes
    of_shapes = isinstance(error, ValueError) and not wrong_numbers
    message = f"{primitive.name}: {error} (received shapes {received})"
    if of_shapes:
        return ShapeError(message)
    # Some of NumPy's own errors are made of more than a text.
    return TypeError(message) if isinstance(error, TypeError) else type(error)(message)


def _operator(name: str) -> Callable[..., Any]:
    def apply(self: Value, *others: AnyOperand) -> Any:
        return PRIMITIVES[name].bind((self, *others), _NO_PARAMS)

    apply.__name__ = name
    return apply


def _reflected(name: str) -> Callable[..., Any]:
    def apply(self: Value, other: AnyOperand) -> Any:
        return PRIMITIVES[name].bind((other, self), _NO_PARAMS)

    apply.__name__ = f"reflected_{name}"
    return apply


class Value:
    """A payload and the node that records how it came about; abstract.

    Subclasses say how a primitive applies to them (`apply`), what an unknown NumPy function does
    (`fallback`), and their rank: the higher one decides in a mixed expression. Values carry
    Python's operators and speak NumPy's protocols, so that NumPy code runs on them unchanged.
    """

    __slots__ = ("__weakref__", "data", "node")
    data: Any
    rank: ClassVar[int] = 0
    # Whether it is weak, as Python's numbers are: beside an array it takes the array's dtype.
    is_weak: ClassVar[bool] = False

    def __init__(self, data: Payload, node: Node | None) -> None:
        self.data = data
        self.node = node

    if TYPE_CHECKING:  # cards and composites attach methods and Python's brackets, see `attach`

        def __getitem__(self, key: Any) -> Any: ...

    @classmethod
    def apply(cls, primitive: Primitive, args: Sequence[AnyOperand], params: Params) -> Value:
        """Apply a primitive to operands of which at least one is of this class."""
        raise NotImplementedError

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
        """Become another value, in place; a traced one if the other is."""
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
        return int(np.prod(self.data.shape, dtype=np.int64))

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
    __neg__, __pos__ = _operator("negative"), _operator("positive")
    __abs__, __invert__ = _operator("absolute"), _operator("invert")
    __lt__, __le__ = _operator("less"), _operator("less_equal")
    __gt__, __ge__ = _operator("greater"), _operator("greater_equal")
    __eq__, __ne__ = _operator("equal"), _operator("not_equal")
    __hash__ = object.__hash__

    # --- NumPy's protocols

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: object, **kwargs: object
    ) -> Any:
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
        """Call what stands for NumPy's function, if it knows the keywords that are given."""
        known = NUMPY.get(function) or _bring(function)
        if known is not None and not kwargs:
            return known(*args)
        given = {key: item for key, item in kwargs.items() if item is not None or key == "axis"}
        if known is not None and given.keys() <= _keywords(known):
            return known(*args, **given)
        # The highest-ranking value anywhere among the arguments decides.
        top = max(values_in([args, kwargs]), key=lambda value: value.rank)
        return top.fallback(function, args, kwargs)


def _bring(function: Callable[..., Any]) -> Callable[..., Any] | None:
    """Import the module that knows a function; return what stands for it then."""
    for module, knows in LATE.items():
        if knows(function):
            importlib.import_module(module)
    return NUMPY.get(function)


@functools.cache
def _keywords(function: Callable[..., Any]) -> frozenset[str]:
    return frozenset(inspect.signature(function).parameters)


def unknown_keywords(function: Function, kwargs: Mapping[str, Any]) -> list[str]:
    """Return the keywords that what stands for NumPy's function does not know; all if nothing."""
    known = NUMPY.get(function)
    names = frozenset() if known is None else _keywords(known)
    return [key for key in kwargs if key not in names]


def attach(name: str, function: Callable[..., Any]) -> None:
    """Give every value a method: what needs more than one primitive, or Python's own syntax."""
    setattr(Value, name, function)


def values_in(tree: Tree) -> list[Value]:
    """Return the values in nested lists, tuples and dicts."""
    return [leaf for leaf in leaves(tree) if isinstance(leaf, Value)]
