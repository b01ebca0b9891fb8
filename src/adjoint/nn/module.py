"""A module is an object whose attributes include parameters, and whose call is its forward pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self, TypeGuard

import numpy as np

from ..core.annotations import Array, ArrayLike
from ..core.node import Node
from ..core.operand import as_operand
from ..core.spec import Spec
from ..core.value import Value
from ..elsewhere import answers
from ..errors import ShapeError
from ..graphs.recording import show_cut
from ..graphs.tensor import Tensor, tensor

if TYPE_CHECKING:
    from .summary import Summary

# The default of ``node`` cannot be None: the engine itself calls Parameter(data, None) to copy or
# unpickle a frozen parameter, and a user's Parameter(data) must differ from that.
_NOT_GIVEN: Any = object()


class _Kind(type(Tensor)):  # type: ignore[misc]
    """The type of kinds of tensors that a module holds.

    While a function is traced, traced values stand in their place: code that asks whether such a
    value is a parameter, or a buffer, is told so.
    """

    def __instancecheck__(cls, instance: object) -> bool:
        return super().__instancecheck__(instance) or issubclass(
            getattr(type(instance), "stands_for", None) or object, cls
        )


class Parameter(Tensor, metaclass=_Kind):
    """A tensor that is trained: a copy of the data that requires a gradient.

    Parameters
    ----------
    data : array, number, or nested sequence of floats
        Its dtype is kept; Python floats become float64.

    Raises
    ------
    TypeError
        If the data are not floats: only floats have gradients.

    Examples
    --------
    >>> from adjoint import nn
    >>> nn.Parameter([1.0, 2.0])
    tensor([1., 2.], requires_grad=True)
    """

    __slots__ = ()

    def __init__(self, data: ArrayLike, node: Node | None = _NOT_GIVEN) -> None:
        payload: Any = data
        if node is _NOT_GIVEN:
            leaf = tensor(data, requires_grad=True)
            payload, node = leaf.data, leaf.node
        super().__init__(payload, node)


class Buffer(Tensor, metaclass=_Kind):
    """A tensor that a module changes as it runs, by assignment: a copy of the data, not trained.

    ``self.count = self.count + 1``, where ``count`` is a buffer, writes into that buffer; its dtype
    and shape stay, and the graph that led to the new numbers is forgotten. A compiled training step
    takes buffers in and gives them out, as it does parameters. Any other tensor among a module's
    attributes is saved with it, too, but must not be assigned to in a compiled step.

    Parameters
    ----------
    data : array, number, or nested sequence of numbers

    Examples
    --------
    >>> from adjoint import nn
    >>> class Counter(nn.Module):
    ...     def __init__(self):
    ...         self.calls = nn.Buffer(0.0)
    ...     def forward(self, x):
    ...         self.calls = self.calls + 1
    ...         return x
    >>> counter = Counter()
    >>> _ = counter(1.0), counter(1.0)
    >>> counter.calls
    tensor(2.)
    """

    __slots__ = ()

    def __init__(self, data: ArrayLike, node: Node | None = None) -> None:
        super().__init__(tensor(data).data, node)

    @property
    def is_scalar(self) -> bool:
        """Return False: a buffer without axes is changed as any other."""
        return False

    def adopt(self, other: Value) -> None:
        """Take the numbers of another tensor, in place; the graph that led to them is forgotten."""
        self.write(other, "self")

    def write(self, value: ArrayLike, name: str) -> None:
        """Replace the numbers.

        Raises
        ------
        ShapeError, TypeError
            If they have another shape, or cannot be converted to the buffer's dtype; ``name`` is
            that of the buffer.
        """
        operand = as_operand(value)
        if isinstance(operand, Spec):
            raise TypeError(
                f"{name} is a buffer, which a traced function cannot write to; trace a training "
                "step, or the model after .eval()"
            )
        array = np.asarray(operand)
        check_buffer(name, self.data, array)
        self.data = array.astype(self.dtype)
        show_cut("buffer", value, self)


def check_buffer(name: str, buffer: Value | Array, value: Value | Array) -> None:
    """Refuse what does not fit a buffer; arrays or symbols."""
    if tuple(value.shape) != tuple(buffer.shape):
        raise ShapeError(
            f"{name} is a buffer of shape {tuple(buffer.shape)}, assigned was shape "
            f"{tuple(value.shape)}; assign an nn.Buffer to replace it"
        )
    if not np.can_cast(value.dtype, buffer.dtype, "same_kind"):
        raise TypeError(
            f"{name} is a buffer of dtype {buffer.dtype}, assigned was {value.dtype}; "
            "convert it, or assign an nn.Buffer to replace it"
        )


@answers("Module")
class Module:
    """A part of a network; abstract: a subclass defines `forward`.

    Parameters are found by walking the attributes, through lists, tuples, dicts and modules within,
    so a subclass has nothing to register and need not call ``super().__init__()``. A name is the
    path as it would be written, ``layers[0].weight``; what is shared appears once, under its first
    name. Other tensors among the attributes are saved, but not trained; one that
    the module changes as it runs is a `Buffer`.

    Examples
    --------
    >>> from adjoint import nn
    >>> class Line(nn.Module):
    ...     def __init__(self):
    ...         self.slope = nn.Parameter(2.0)
    ...     def forward(self, x):
    ...         return self.slope * x
    >>> line = Line()
    >>> line(3.0)
    tensor(6., from=multiply)
    >>> [name for name, _ in line.named_parameters()]
    ['slope']
    """

    # A class attribute, so that a subclass without super().__init__() has it too.
    training: bool = True

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return the module's output; subclasses define it."""
        raise NotImplementedError(f"{type(self).__name__} defines no forward(self, x)")

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute; a buffer takes the numbers of what is assigned to it."""
        present = vars(self).get(name)
        # What stands for a tensor while a function is traced is none itself.
        if isinstance(present, Tensor) and isinstance(present, Buffer):
            if not isinstance(value, Buffer):
                present.write(value, f"{type(self).__name__}.{name}")
                return
        elif _collects(present) and isinstance(value, Value) and value.node:
            if value is not present:
                present.adopt(value)
            return
        super().__setattr__(name, value)

    if TYPE_CHECKING:  # what subclasses have

        def __getattr__(self, name: str) -> Any: ...

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return `forward` of the arguments."""
        return self.forward(*args, **kwargs) if kwargs else self.forward(*args)

    # --- what is inside --------------------------------------------------------------------------

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Yield the modules directly inside this one, with their names."""
        return ((name, item) for name, item in _attributes(self) if isinstance(item, Module))

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """Yield this module, named "", and all within, each once."""
        return _descend(self, "", set())

    def modules(self) -> Iterator[Module]:
        """Yield this module and all within, each once."""
        return (module for _, module in self.named_modules())

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Yield the parameters of this module and of those within, with their names.

        Raises
        ------
        TypeError
            If an attribute is a tensor made with ``requires_grad=True`` but no `Parameter`: it
            would be left untrained without a word.
        """
        for name, item in _named_tensors(self):
            if isinstance(item, Parameter):
                yield name, item
            elif item.requires_grad:
                raise TypeError(
                    f"{type(self).__name__}.{name} requires a gradient but is no parameter; make "
                    "it nn.Parameter(...) to have it trained, or .detach() it"
                )

    def parameters(self) -> Iterator[Parameter]:
        """Yield the parameters of this module and of those within, each once."""
        return (parameter for _, parameter in self.named_parameters())

    def named_buffers(self) -> Iterator[tuple[str, Tensor]]:
        """Yield the tensors that are no parameters, with their names."""
        for name, item in _named_tensors(self):
            if not isinstance(item, Parameter) and not item.requires_grad:
                yield name, item

    # --- changing it -----------------------------------------------------------------------------

    def train(self, mode: bool = True) -> Self:
        """Set the training mode of this module and all within; returns the module."""
        for _, module, _ in _all_within(self):
            if vars(module).get("training") is not mode:
                module.training = mode
        return self

    def eval(self) -> Self:
        """Leave the training mode; returns the module."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Freeze the parameters (False) or thaw them (True); returns the module."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters():
            if parameter.requires_grad:
                parameter.grad = None

    # --- state -----------------------------------------------------------------------------------

    def _named_state(self) -> dict[str, Tensor]:
        return {**dict(self.named_parameters()), **dict(self.named_buffers())}

    def state_dict(self) -> dict[str, Array]:
        """Return a copy of every parameter and buffer by name, as NumPy arrays."""
        return {name: np.array(item.data) for name, item in self._named_state().items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Replace every parameter and buffer by the array of its name; all of them or none.

        Parameters
        ----------
        state : mapping of str to array
            As from `state_dict`. Each array is copied, and rounded to the module's own dtype.

        Raises
        ------
        ValueError
            If a name is missing or unknown, or a shape or the kind of a dtype differs. The message
            lists all of these, and nothing has been changed.
        """
        own = self._named_state()
        arrays = {name: np.asarray(as_operand(value)) for name, value in dict(state).items()}
        problems = _differences(own, arrays)
        if problems:
            raise ValueError(
                f"load_state_dict: the state does not fit this {type(self).__name__}, "
                "nothing was loaded:\n  " + "\n  ".join(problems)
            )
        # All are converted before the first is written, so that a failure changes nothing.
        copies = {name: np.array(arrays[name], dtype=item.dtype) for name, item in own.items()}
        for name, item in own.items():
            item.data = copies[name]

    # --- text ------------------------------------------------------------------------------------

    def summary(self, *inputs: ArrayLike) -> Summary:
        """Return a table of the modules: the shapes they put out, their parameters and bytes.

        It prints at a prompt, and is a tree that folds in a notebook.

        Parameters
        ----------
        *inputs : arrays
            What the module is called with, in evaluation mode; buffers are as they were afterwards.
            Without them no shapes are known.

        Examples
        --------
        >>> import numpy as np
        >>> from adjoint import nn
        >>> nn.MLP(2, 4, 3, rng=0).summary(np.zeros((5, 2)))
        module                     output  parameters  bytes
        MLP()                      (5, 3)          27    216
          layers[0]: Linear(2, 4)  (5, 4)          12     96
          layers[1]: Sigmoid()     (5, 4)           0      0
          layers[2]: Linear(4, 3)  (5, 3)          15    120
        27 parameters, 27 of them trainable, 216 bytes
        """
        from .summary import summary  # here: most networks are never shown

        return summary(self, inputs)

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    def extra_repr(self) -> str:
        """Return what `repr` shows in the brackets: by default the shapes of the own tensors."""
        own = (pair for pair in _attributes(self) if isinstance(pair[1], Tensor))
        return ", ".join(f"{name}: {item.shape}" for name, item in own)

    def __repr__(self) -> str:
        name, extra = type(self).__name__, self.extra_repr()
        children = [f"{path}: {child!r}" for path, child in self.named_children()]
        if not children:
            return f"{name}({extra})"
        size = sum(parameter.size for parameter in self.parameters())
        lines = "\n".join([extra] * bool(extra) + children).replace("\n", "\n  ")
        return f"{name}(  # {size:,} parameters\n  {lines}\n)"


def _collects(present: object) -> TypeGuard[Value]:
    """Return whether a traced value stands for a buffer, see `compiler.state.standing_in`."""
    return getattr(present, "collects", False)


# What most attributes are, in which there is nothing to look for.
_PLAIN = frozenset({bool, int, float, str, type(None), np.ndarray})


def _attributes(module: Module) -> list[tuple[str, Any]]:
    """Return the tensors and modules among the attributes, through lists, tuples and dicts."""
    found: list[tuple[str, Any]] = []
    for name, value in vars(module).items():
        if type(value) not in _PLAIN:
            _add_leaves(found, name, value)
    return found


def _add_leaves(found: list[tuple[str, Any]], path: str, value: object) -> None:
    if isinstance(value, (Value, Module)):
        found.append((path, value))
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            _add_leaves(found, f"{path}[{i}]", item)
    elif isinstance(value, dict):
        for key, item in value.items():
            _add_leaves(found, f"{path}[{key!r}]", item)


def _descend(module: Module, path: str, seen: set[int]) -> Iterator[tuple[str, Module]]:
    """Yield the module and those within; ``seen`` ends at shared modules and at cycles."""
    if id(module) in seen:
        return
    seen.add(id(module))
    yield path, module
    for name, child in module.named_children():
        yield from _descend(child, f"{path}.{name}" if path else name, seen)


# A module within another, or the outermost: its path, and its tensors and modules by name.
Within = tuple[str, Module, list[tuple[str, Any]]]


def _all_within(module: Module) -> list[Within]:
    """Return what `_descend` yields, and the attributes of each, at once: half of its time."""
    found: list[Within] = []
    _add_within(found, set(), "", module)
    return found


def _add_within(found: list[Within], seen: set[int], path: str, module: Module) -> None:
    if id(module) in seen:
        return
    seen.add(id(module))
    attributes = _attributes(module)
    found.append((path, module, attributes))
    for name, item in attributes:
        if isinstance(item, Module):
            _add_within(found, seen, f"{path}.{name}" if path else name, item)


def _named_tensors(module: Module) -> list[tuple[str, Tensor]]:
    """Return each tensor once that is a leaf: a computed value kept in an attribute is no state."""
    found: dict[int, tuple[str, Tensor]] = {}
    for path, _, attributes in _all_within(module):
        for name, item in attributes:
            # Weights that two layers share are one tensor. It is saved and trained once, under the
            # first of its names.
            if id(item) not in found and _is_leaf(item):
                found[id(item)] = f"{path}.{name}" if path else name, item
    return list(found.values())


def _is_leaf(item: object) -> bool:
    """Return whether it is a tensor that is a leaf, or a traced value in the place of one."""
    if isinstance(item, Tensor):
        return item.is_leaf
    return isinstance(item, Value) and item.stands_for is not None


def _differences(own: Mapping[str, Tensor], arrays: Mapping[str, Array]) -> list[str]:
    """Return a line for every way in which the arrays do not fit."""
    lines = [f"missing: {name}, shape {own[name].shape}" for name in own if name not in arrays]
    lines += [f"unexpected: {name}, shape {arrays[name].shape}" for name in arrays.keys() - own]
    for name, item in own.items():
        array = arrays.get(name)
        if array is None:
            continue
        if array.shape != item.shape:
            lines.append(f"shape of {name}: expected {item.shape}, got {array.shape}")
        if array.dtype.kind != item.dtype.kind:
            lines.append(f"dtype of {name}: expected {item.dtype}, got {array.dtype}")
    return lines
