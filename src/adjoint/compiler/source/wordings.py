"""A wording replaces a card's template where one operation reads better in another way."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from typing import Any

from ...core.node import Operation
from .constants import parse


def fill(template: ast.expr, operands: dict[str, ast.expr]) -> ast.expr:
    """Return a template with expressions in the places of some of its names."""
    filled: ast.expr = _Filler(operands).visit(template)
    return filled


class _Filler(ast.NodeTransformer):
    """Puts expressions in the places of a template."""

    def __init__(self, operands: dict[str, ast.expr]) -> None:
        self.operands = operands

    def visit_Name(self, place: ast.Name) -> ast.expr:
        """Return the operand of a place, or the name as it is."""
        return copied(self.operands.get(place.id, place))


def copied(tree: ast.expr) -> ast.expr:
    """Return a copy of an expression, for which `copy.deepcopy` takes three times as long."""
    made: ast.expr = _copied(tree)
    return made


def _copied(part: Any) -> Any:
    if isinstance(part, list):
        return [_copied(item) for item in part]
    # What has no fields, as the operator +, is one object for all trees, as Python's parser has it.
    if not isinstance(part, ast.AST) or not part._fields:
        return part
    made = type(part).__new__(type(part))
    vars(made).update({name: _copied(item) for name, item in vars(part).items()})
    return made


def _write_number(node: Operation, operands: list[ast.expr]) -> ast.expr | None:
    """Write the conversion of an argument without axes as a call: a number has no methods."""
    source = node.parents[0]
    if source is None or source.primitive is not None or node.output.shape:
        return None
    return fill(parse(f"np.{node.output.dtype}(x)"), {"x": operands[0]})


def _write_sum_to(node: Operation, operands: list[ast.expr]) -> ast.expr | None:
    """Write column sums as such; None where some axes go and others stay with size 1."""
    shape, before = node.output.shape, node.args[0].shape
    if len(shape) == len(before):
        axes = [a for a, n in enumerate(shape) if n != before[a]]
        keepdims = ", keepdims=True"
    elif 1 not in shape or shape == before[len(before) - len(shape) :]:
        axes, keepdims = list(range(len(before) - len(shape))), ""
    else:
        return None
    axis = repr(axes[0] if len(axes) == 1 else tuple(axes))
    return fill(parse(f"np.sum(x, axis={axis}{keepdims})"), {"x": operands[0]})


def _write_product(node: Operation, operands: list[ast.expr]) -> ast.expr | None:
    """Write a backward pass's product with 1/n, from a mean, as a quotient by n."""
    if getattr(node, "origin", None) is None:
        return None
    sizes = {math.prod(node.output.shape), *node.output.shape}
    numbers = [arg if parent is None else None for arg, parent in node.edges()]
    for number, other in zip(numbers, reversed(operands), strict=True):
        if isinstance(number, float) and 0 < abs(number) < 1:
            count = round(1 / number)
            if 1 / count == number and count in sizes:
                return ast.BinOp(other, ast.Div(), parse(repr(count)))
    return None


def _write_scatter(node: Operation, operands: list[ast.expr]) -> ast.expr | None:
    """Write zeros with a slice replaced, where no entry repeats."""
    if len(operands) > 1:
        return None
    added: Any = parse(node.primitive.write_source("x", **node.params))
    added.func = parse("placed_at")
    return fill(added, {"x": operands[0]})


WORDINGS: dict[str, Callable[[Operation, list[ast.expr]], ast.expr | None]] = {
    "scatter_add": _write_scatter,
    "sum_to": _write_sum_to,
    "multiply": _write_product,
    "astype": _write_number,
}
