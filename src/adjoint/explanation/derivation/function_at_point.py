"""A function at a point is what a derivation explains, with its value and gradient there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from ...calculus.derivatives import read_argnums, value_and_grad
from ...compiler.state import State, standing_in
from ...core.node import Node, Operation
from ...core.operand import as_operand
from ...core.spec import Spec
from ...core.tree import leaves, map_leaves
from ...core.value import Value
from ...errors import GraphError, ShapeError, choose
from ...graphs.recording import enable_grad, sweep_back
from ...graphs.sweep import interpret, reachable
from ...graphs.tensor import Tensor
from ...graphs.tracing.naming import argument_names, function_name, identifier, is_given
from ...graphs.tracing.tracer import TracedNode
from ...nn.functional import LOSSES
from ...nn.module import Buffer, Module
from ...optim.snapshot import kept
from ...training.step import BATCH
from .parameter_names import parameter_names

# A loss by its name, or as a function of prediction and target.
Loss = str | Callable[..., Any]
# What is explained or drawn.
Subject = Callable[..., Any] | Tensor | Module


class FunctionAtPoint(NamedTuple):
    """A function of trees of arrays, the point, and its gradient there as the engine gives it.

    ``names`` has a name, or a tree of names, for each argument; ``paths`` maps a name to what the
    user writes instead, where that differs; ``result`` names the value if the function does not.
    ``gradient`` has an array for each leaf of the ``wanted`` arguments. ``title`` says what is
    called on what, where that is not the function on its arguments.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...]
    wanted: tuple[int, ...]
    arguments: tuple[str, ...]
    names: tuple[Any, ...]
    paths: Mapping[str, str]
    value: Any
    gradient: Sequence[Any]
    result: str = "value"
    title: str = ""


def of_function(
    function: Callable[..., Any], args: Sequence[Any], wrt: int | Sequence[int]
) -> FunctionAtPoint:
    """Return a function at arguments, to be differentiated by some of these."""
    if not args:
        name = function_name(function)
        raise TypeError(
            f"explain: give the arguments {name} is called with, as ad.explain({name}, x, w)"
        )
    subject = at_point(function, args, read_argnums(wrt, len(args), called="wrt"))
    try:
        value, gradient = value_and_grad(function, subject.wanted)(*subject.args)
    except (ShapeError, TypeError) as error:
        if not str(error).startswith("grad: "):
            raise
        raise type(error)(f"explain: {str(error).removeprefix('grad: ')}") from None
    return subject._replace(value=np.asarray(value), gradient=list(leaves(gradient)))


def at_point(
    function: Callable[..., Any], args: Sequence[Any], wanted: tuple[int, ...]
) -> FunctionAtPoint:
    """Return a function at arguments, without its value and gradient."""
    plain = tuple(
        map_leaves(lambda x, n=n: _plain(x, widen=n in wanted), arg) for n, arg in enumerate(args)
    )
    names = argument_names(function, args)
    return FunctionAtPoint(function, plain, wanted, names, names, {}, None, ())


def float_arguments(args: Sequence[Any]) -> tuple[int, ...]:
    """Return the places of the arguments that are floats, or trees of floats alone."""
    return tuple(n for n, arg in enumerate(args) if all(map(_is_float, leaves(arg))))


def _is_float(x: object) -> bool:
    return np.asarray(as_operand(x)).dtype.kind == "f"


def _plain(x: Any, *, widen: bool) -> Any:
    """Return a copy as an array; numbers to differentiate by as floats."""
    array = np.array(as_operand(x))
    return array.astype(float) if widen and isinstance(x, int) else array


def of_tensor(loss: Tensor, scope: Mapping[str, Any]) -> FunctionAtPoint:
    """Return the recorded graph of a tensor as a function of its leaves.

    ``scope`` has the user's variables, whose names the tensors get.
    """
    end = loss.node
    if end is None:
        raise GraphError(
            "explain: this value does not depend on any tensor with requires_grad=True"
        )
    if loss.size != 1:
        raise ShapeError(
            f"explain: the value has shape {loss.shape}, not a single number; sum it first"
        )
    subject = as_recorded(loss, scope)
    roots = [node for node in reachable([end]) if node.primitive is None]
    seed = {end: np.ones(loss.shape, loss.dtype)}
    found = sweep_back(seed, wanted=roots)
    pairs = zip(roots, subject.args, strict=True)
    gradient = [found.get(node, np.zeros_like(x)) for node, x in pairs]
    return subject._replace(value=np.asarray(loss.data).reshape(()), gradient=gradient)


def as_recorded(tensor: Tensor, scope: Mapping[str, Any]) -> FunctionAtPoint:
    """Return the recorded graph of a tensor of any shape, without its value and gradient."""
    end = tensor.node
    assert end is not None
    order = reachable([end])
    held = {parent: arg for node in order for arg, parent in node.edges() if parent}
    roots = [node for node in order if node.primitive is None]
    arrays = tuple(np.array(held.get(node, tensor.data)) for node in roots)
    given = {name: x for name, x in scope.items() if is_given(name)}
    known = {x.node: name for name, x in given.items() if isinstance(x, Tensor) and x.node}
    function = _replay(order, roots, end, known)
    names = tuple(identifier(known.get(node, f"x{n}")) for n, node in enumerate(roots))
    wanted = tuple(range(len(roots)))
    return FunctionAtPoint(function, arrays, wanted, names, names, {}, None, (), "loss")


def _replay(
    order: Sequence[Node], roots: Sequence[Node], end: Node, known: Mapping[Node, str]
) -> Callable[..., Any]:
    """Return the function of the leaves that a recorded graph is."""

    def apply(node: Operation, operands: list[Any]) -> Any:
        result = node.apply(operands)
        made = getattr(result, "node", None)
        if isinstance(made, TracedNode) and node in known:
            made.name = known[node]
        return result

    def function(*args: Any) -> Any:
        operations = (node for node in order if isinstance(node, Operation))
        result = interpret(operations, dict(zip(roots, args, strict=True)), apply)[end]
        return result if result.size != 1 or result.shape == () else result.reshape(())

    function.__name__ = known.get(end, "loss")
    return function


def of_model(model: Module, batch: Sequence[Any], loss: Loss | None) -> FunctionAtPoint:
    """Return the loss of a model on a batch as a function of its parameters, and of the batch."""
    if not batch:
        name = type(model).__name__
        raise TypeError(
            f"explain: give the batch {name} is called with, as ad.explain({name.lower()}, X, y, "
            "loss='cross_entropy')"
        )
    subject = on_batch(model, batch, loss)
    measure = _as_loss(loss, len(batch))
    tensors = _tensors(model, measure)
    trained = [tensors[subject.paths[name]] for name in subject.names[0]]
    value, gradient = _engine(model, measure, batch, trained)
    return subject._replace(value=np.asarray(value), gradient=gradient)


def on_batch(model: Module, batch: Sequence[Any], loss: Loss | None) -> FunctionAtPoint:
    """Return a model, or its loss, on a batch, without its value and gradient."""
    measure = _as_loss(loss, len(batch))
    tensors = _tensors(model, measure)
    own = {id(p) for p in model.parameters() if p.requires_grad}
    trained = [path for path, x in tensors.items() if id(x) in own]
    others = [path for path in tensors if path not in trained]
    ordered = {path: tensors[path] for path in (*trained, *others)}
    short = parameter_names({path: x.ndim for path, x in ordered.items()})
    letters = (*BATCH, *(f"target{n}" for n in range(len(batch))))[: len(batch)]

    def loss_of_batch(*args: Any) -> Any:
        parameters, rest, *arrays = args
        with _with_state(model, measure, list(ordered.values()), [*parameters, *rest]):
            return measure(model(arrays[0]), *arrays[1:])

    loss_of_batch.__name__ = getattr(measure, "__name__", type(measure).__name__)
    arrays = [np.array(x.data) for x in ordered.values()]
    split = len(trained)
    return FunctionAtPoint(
        loss_of_batch,
        (arrays[:split], arrays[split:], *(np.array(as_operand(x)) for x in batch)),
        (0,),
        ("parameters", "fixed", *letters),
        (short[:split], short[split:], *letters),
        dict(zip(short, ordered, strict=True)),
        None,
        (),
        "loss",
        _title(model, loss_of_batch.__name__ if loss else "", letters),
    )


def _title(model: Module, loss: str, letters: Sequence[str]) -> str:
    first, *rest = letters
    predicted = f"{type(model).__name__}({first})"
    return f"{loss}({', '.join([predicted, *rest])})" if loss else predicted


def _as_loss(loss: Loss | None, count: int) -> Callable[..., Any]:
    if loss is None and count == 1:
        return lambda prediction: prediction
    if isinstance(loss, str):
        return LOSSES[choose("loss", loss, LOSSES)]
    if callable(loss):
        function: Callable[..., Any] = loss
        return function
    raise TypeError(
        "explain: a model needs loss=, a name as 'cross_entropy' or a function of prediction and "
        f"target; got {loss!r}"
    )


def _tensors(model: Module, loss: Callable[..., Any]) -> dict[str, Tensor]:
    """Return the tensors that a model and a loss read, by path."""
    found = State(model).tensors
    known = set(map(id, found.values()))
    of_loss = State(loss).tensors.items()
    return found | {f"loss.{path}": x for path, x in of_loss if id(x) not in known}


@contextmanager
def _with_state(
    model: Module, loss: Callable[..., Any], tensors: Sequence[Tensor], values: Sequence[Any]
) -> Iterator[None]:
    """Let values stand for tensors; what a module assigns to its buffers is put back."""
    states = State(loss), State(model)
    with (
        standing_in(tensors, values, changing=[x for x in tensors if isinstance(x, Buffer)]),
        states[0].collected(tensors),
        states[1].collected(tensors),
    ):
        yield


def _engine(
    model: Module, loss: Callable[..., Any], batch: Sequence[Any], parameters: Sequence[Tensor]
) -> tuple[Any, list[Any]]:
    """Return loss and gradient by the dynamic graph, leaving the model as it was."""
    with kept(model, loss, *_tensors(model, loss).values()), enable_grad():
        value = loss(model(batch[0]), *batch[1:])
    advice = "" if len(batch) > 1 else "; give a target too, and its loss="
    if not isinstance(value, Value):
        raise TypeError(
            f"explain: the loss is a {type(value).__name__}, not a Tensor of one number{advice}"
        )
    if value.shape != () or isinstance(value.data, Spec):
        raise ShapeError(
            f"explain: the loss has shape {np.shape(value)}, not a single number{advice}"
        )
    nodes = [x.node for x in parameters if x.node is not None]
    seed = {} if value.node is None else {value.node: np.ones((), value.dtype)}
    found = sweep_back(seed, wanted=nodes) if seed else {}
    gradient = [
        found.get(x.node, np.zeros(x.shape, x.dtype)) if x.node is not None else None
        for x in parameters
    ]
    return value.data, gradient
