"""To draw a graph is to run it once, fold it, and lay it out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...calculus.derivatives import read_argnums
from ...core.node import Node
from ...core.tree import map_leaves
from ...errors import GraphError
from ...graphs.tensor import Tensor
from ...graphs.tracing.naming import parameter_names
from ...nn.module import Module
from ..derivation.function_at_point import (
    FunctionAtPoint,
    Loss,
    Subject,
    as_recorded,
    at_point,
    float_arguments,
    on_batch,
)
from .drawing import Drawing
from .evaluated_graph import EvaluatedGraph
from .folding import fold
from .scene import Scene


def draw(
    subject: Subject,
    *args: Any,
    wrt: int | Sequence[int] | None = None,
    loss: Loss | None = None,
    depth: int | None = None,
    open: str | Sequence[str] = (),
) -> Drawing:
    """Return a picture of a graph: every value, its gradient, and what each edge adds to it.

    The data go straight down; beside each grey arrow an orange one carries the gradient back, with
    its contribution: those that meet at a value add up to its gradient. Where a contribution is
    zero the arrow is dashed, where no gradient is needed it is dotted. Details, as the line of the
    program, show when the mouse rests on a part.

    What would be longer than some thirty boxes is folded: modules, which then also say the norm of
    their parameters' gradient; the middle of long lists of these; the rounds of a loop but the
    first and the last; and the middle of what is still too long.

    Parameters
    ----------
    subject : callable, Tensor or Module
        A function of the arguments; a tensor, whose recorded graph is drawn; or a model, of which
        the arguments are its input and what the loss takes besides the prediction. A function that
        branches on numbers cannot be traced: apply it to tensors, and draw what it returns.
    *args : arrays, or lists, tuples and dicts of them
    wrt : int or sequence of int, optional
        The arguments of a function to differentiate by, which are drawn as parameters; by default
        all floats.
    loss : str or callable, optional
        The loss of a model, as `explain` takes it. Without it the model's output is drawn, and
        gradients only if that is a single number.
    depth : int, optional
        How many levels of modules are drawn open: 0 folds the model into one box, 1 its layers, and
        so on; nothing else is folded then. By default as many as stay legible.
    open : str or sequence of str
        Paths of modules that are drawn open in any case, as ``"layers[0]"``; no loop is folded
        then.

    Returns
    -------
    Drawing
        A notebook shows it; ``.save("graph.svg")`` writes it.

    Raises
    ------
    GraphError
        If a tensor has no graph, or the result of a function depends on no argument.
    TypeError
        If a function branches on numbers or is given none, or an argument fits no such subject.
    ValueError
        If ``depth`` is negative, or no module of the graph has a path in ``open``.

    Examples
    --------
    >>> import adjoint as ad
    >>> picture = ad.draw(lambda x, w: x * w + x**3, 2.0, 4.0)
    >>> for card in picture.scene.cards:
    ...     print(*(text for text, _ in card.lines), sep=", ")
    x, 2, ∇ 4 + 12 = 16
    w, 4, ∇ 2
    v1 = x · w, 8, ∇ 1
    v2 = x³, 8, ∇ 1
    value = v1 + v2, 16, ∇ 1
    """
    if depth is not None and depth < 0:
        raise ValueError(f"draw: depth must be 0 or more, got {depth}")
    described, kinds, title = _subject(subject, args, wrt, loss)
    evaluated = EvaluatedGraph(described)
    if not evaluated.ends:
        raise GraphError(f"draw: the result of {title} depends on no argument")
    paths = [open] if isinstance(open, str) else list(open)
    folding = fold(evaluated, depth=depth, opened=paths)
    scene = Scene(evaluated, folding, kinds_by_node(evaluated, kinds), described.result)
    return Drawing(evaluated, scene, title)


def _subject(
    subject: Subject,
    args: Sequence[Any],
    wrt: int | Sequence[int] | None,
    loss: Loss | None,
) -> tuple[FunctionAtPoint, tuple[Any, ...], str]:
    """Return what is drawn, a kind or a tree of kinds for each of its arguments, and a title."""
    if isinstance(subject, (Tensor, Module)) and wrt is not None:
        raise TypeError("draw: wrt is for functions; a tensor and a model have their own leaves")
    if isinstance(subject, Module):
        return _model(subject, args, loss)
    if loss is not None:
        raise TypeError("draw: loss is for models; a function returns the loss itself")
    if isinstance(subject, Tensor):
        return _tensor(subject, args, sys._getframe(2).f_locals)
    if not callable(subject):
        raise TypeError(
            f"draw: expected a function, a tensor or a model, got {type(subject).__name__}"
        )
    return _function(subject, args, wrt)


def _model(
    model: Module, args: Sequence[Any], loss: Loss | None
) -> tuple[FunctionAtPoint, tuple[Any, ...], str]:
    name = type(model).__name__
    if not args:
        raise TypeError(f"draw: a model needs an input, as ad.draw({name.lower()}, x)")
    if loss is None and len(args) > 1:
        raise TypeError(f"draw: {len(args)} arguments and no loss=; name one, as 'cross_entropy'")
    described = on_batch(model, args, loss)
    kinds = ("parameter", "fixed", *("input" for _ in args))
    named = described if loss else described._replace(result="output")
    return named, kinds, name if loss is None else f"{name}, {described.function.__name__}"


def _tensor(
    tensor: Tensor, args: Sequence[Any], scope: Mapping[str, Any]
) -> tuple[FunctionAtPoint, tuple[Any, ...], str]:
    if args:
        raise TypeError("draw: a tensor has its graph already, and takes no arguments")
    if tensor.node is None or tensor.node.primitive is None:
        raise GraphError(
            "draw: there is nothing to draw, this tensor was not computed from any that has "
            "requires_grad=True (or was detached, or computed under no_grad)"
        )
    described = as_recorded(tensor, {**_parameters(scope), **scope})
    return described, ("parameter",) * len(described.args), described.function.__name__


def _parameters(scope: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return the parameters of the models among the user's variables, by short names."""
    found: dict[str, Tensor] = {}
    for model in scope.values():
        if isinstance(model, Module):
            paths = dict(model.named_parameters())
            found.update(zip(parameter_names(paths), paths.values(), strict=True))
    return found


def _function(
    function: Callable[..., Any], args: Sequence[Any], wrt: int | Sequence[int] | None
) -> tuple[FunctionAtPoint, tuple[Any, ...], str]:
    if not args:
        raise TypeError("draw: a function needs arguments, as ad.draw(f, x, w)")
    wanted = float_arguments(args) if wrt is None else read_argnums(wrt, len(args), called="wrt")
    described = at_point(function, args, wanted)
    kinds = tuple(
        "parameter"
        if isinstance(arg, (list, tuple, dict)) or (wrt is not None and n in wanted)
        else "input"
        for n, arg in enumerate(args)
    )
    name = getattr(function, "__name__", type(function).__name__)
    name = "function" if name == "<lambda>" else name
    return described, kinds, f"{name}({', '.join(described.arguments)})"


def kinds_by_node(evaluated: EvaluatedGraph, kinds: tuple[Any, ...]) -> dict[Node, str]:
    """Return the kind of each input."""
    found: dict[Node, str] = {}
    for kind, positions in zip(kinds, evaluated.graph.takes, strict=True):
        map_leaves(lambda at, kind=kind: found.update({evaluated.inputs[at]: kind}), positions)
    return found
