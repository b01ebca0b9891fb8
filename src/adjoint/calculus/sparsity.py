"""A sparsity pattern says which entries of a result may depend on which of an argument.

It is found on the record of one run, operation by operation, by the column ``links`` of the cards:
no number is looked at, so that a pattern holds for every run with the same operations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from ..core.annotations import Array, Described, Operand, Shape
from ..core.links import Links, numbered, of_all
from ..core.node import Node, Operation
from ..core.primitive import Primitive
from ..core.spec import Spec, shape_of
from ..core.value import Value
from ..graphs.sweep import leading_to, reachable
from ..graphs.symbol import Symbol

# A pattern has a row for each entry of a value and a column for each of the argument.
Pattern = Any
# More than a GiB of column numbers; what asks for it is dense.
_MOST = 2**27


class Step(NamedTuple):
    """What a pattern depends on, of one operation: neither numbers nor who owns them.

    Attributes
    ----------
    primitive : Primitive
    parents : tuple of int
        The number of the step that each operand came from; negative ones are arguments, None is a
        constant.
    shapes : tuple of shape
        Those of the result and the operands.
    params : dict
    chosen : list of array
        The constant arrays that say where entries go.
    """

    primitive: Primitive
    parents: tuple[int | None, ...]
    shapes: tuple[Shape, ...]
    params: Mapping[str, Any]
    chosen: list[Array | None]

    def is_like(self, other: Step) -> bool:
        """Return whether two operations have the same links."""
        return (
            self.primitive is other.primitive
            and self.parents == other.parents
            and self.shapes == other.shapes
            and _same(self.params, other.params)
            and _same(self.chosen, other.chosen)
        )


def steps_of(inputs: Sequence[Value], outputs: Sequence[Value]) -> list[Step]:
    """Return what the patterns of the outputs depend on, oldest operation first."""
    number: dict[Node, int] = {x.node: -1 - n for n, x in enumerate(inputs) if x.node is not None}
    found: list[Step] = []
    for node in _varying([x.node for x in inputs], [x.node for x in outputs]):
        number[node] = len(found)
        found.append(
            Step(
                node.primitive,
                tuple(number.get(parent) if parent else None for parent in node.parents),
                (tuple(node.output.shape), *(tuple(shape_of(arg)) for arg in node.args)),
                node.params,
                [_index_array(node.primitive, arg) for arg in node.args],
            )
        )
    found.append(
        Step(_END, tuple(number.get(x.node) if x.node else None for x in outputs), (), {}, [])
    )
    return found


_END: Any = None  # the last step has no operation; it says which are the outputs


def _index_array(primitive: Primitive, arg: Any) -> Array | None:
    is_chosen = primitive.kind == "linear" and isinstance(arg, np.ndarray)
    return arg.copy() if is_chosen and arg.dtype.kind in "iub" else None


def _same(a: Any, b: Any) -> bool:
    """Return whether two pieces of metadata are equal, whatever is in them."""
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return type(a) is type(b) and a.dtype == b.dtype and np.array_equal(a, b)
    if isinstance(a, (tuple, list)):
        return type(a) is type(b) and len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, Mapping):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    return type(a) is type(b) and bool(a == b)


def pattern_of(input: Value, output: Value) -> Pattern:
    """Return on which entries of an argument each entry of a result may depend.

    Parameters
    ----------
    input, output : Value
        An argument and a result of one record.

    Returns
    -------
    (output.size, input.size) sparse array of bool
        In compressed rows, the columns of each row sorted.
    """
    assert input.node is not None
    if output.node is None:
        return _empty(output.size, input.size)
    own = sparse.eye_array(input.size, dtype=bool, format="csr")
    found = _propagated({input.node: own}, output.node)
    pattern = _empty(output.size, input.size) if found is None else found.copy()
    pattern.sort_indices()
    return pattern


def _empty(rows: int, columns: int) -> Pattern:
    return sparse.csr_array((rows, columns), dtype=bool)


def _varying(inputs: Sequence[Node | None], outputs: Sequence[Node | None]) -> list[Operation]:
    """Return the operations between, oldest first, through which a derivative goes."""
    starts = {node for node in inputs if node is not None}
    ends = [node for node in outputs if node is not None]
    since = min((node.order for node in starts), default=0)
    order = [
        node
        for node in reachable(ends, since=since)
        if node in starts or (isinstance(node, Operation) and node.primitive.vjp is not None)
    ]
    among = leading_to(order, starts)
    return [node for node in order if node in among and node not in starts]  # type: ignore[misc]


def _propagated(known: dict[Node, Pattern], output: Node) -> Pattern | None:
    """Return the pattern of a node, given those of some nodes before it; None if it has none."""
    operations = _varying(list(known), [output])
    patterns = dict(known)
    readers = Counter(parent for node in operations for parent in node.parents)
    for node in operations:
        parts = [patterns.get(parent) if parent else None for parent in node.parents]
        found = _of_operation(node, parts)
        if found is not None:
            patterns[node] = found
        for parent in node.parents:  # a pattern that nobody reads any more is let go
            readers[parent] -= 1
            if not readers[parent] and parent is not output:
                patterns.pop(parent, None)  # type: ignore[arg-type]
    return patterns.get(output)


def _of_operation(node: Operation, parts: Sequence[Pattern | None]) -> Pattern | None:
    """Return the pattern of a result, given those of the operands; None for constant ones."""
    card, out = node.primitive, node.output
    rule = card.analyses.links
    if rule is not None:
        links = rule(out, node.args, node.params)
    elif card.facts.moves is not None:
        return _moved(node, parts)
    elif card.expand is not None:
        return _expanded(node, parts)
    else:
        links = [of_all(out, arg) for arg in node.args]
    found = None
    for link, part in zip(links, parts, strict=True):
        if link is not None and part is not None:
            found = _united(found, _linked(link, part, out, card))
    return found


def _united(a: Pattern | None, b: Pattern) -> Pattern:
    return b if a is None or a is b else a + b


def _linked(link: Links, part: Pattern, out: Described, card: Primitive) -> Pattern:
    """Return the pattern of a result, given that of an operand and how they are linked."""
    if link.groups is not None:
        if link.places is None:
            count = int(np.prod(out.shape))
        else:
            count = 1 + max(int(x.max(initial=-1)) for x in link)  # type: ignore[union-attr]
        part = _chosen(np.arange(link.groups.size), link.groups, count) @ part
    return part if link.places is None else _read(part, link.places, card)


def _chosen(columns: Array, rows: Array, count: int) -> Any:
    """Return the matrix that adds row ``columns[n]`` to row ``rows[n]``, if that is not -1."""
    is_used = rows >= 0
    entries = np.ones(int(is_used.sum()), bool), (rows[is_used], columns[is_used])
    return sparse.csr_array(entries, shape=(count, columns.size))


def _read(part: Pattern, places: Array, card: Primitive) -> Pattern:
    """Return a row of a pattern for each entry of a result; an empty one where ``places`` is -1."""
    lengths = np.append(np.diff(part.indptr), 0)[places].astype(np.int64)
    if lengths.sum() > _MOST:
        raise ValueError(
            f"the derivative is not sparse: of {card.name}, each result depends on so many entries "
            f"that the pattern has {lengths.sum()} of them; take a smaller example, or hvp, jvp or "
            "vjp, which need no matrix"
        )
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    starts = np.append(part.indptr[:-1], 0)[places]
    entries = np.repeat(starts - indptr[:-1], lengths) + np.arange(indptr[-1])
    data = np.ones(entries.size, bool)
    shape = places.size, part.shape[1]
    return sparse.csr_array((data, part.indices[entries], indptr), shape=shape)


def _moved(node: Operation, parts: Sequence[Pattern | None]) -> Pattern | None:
    """Apply a primitive that only moves entries to the numbers of these."""
    moves, args = node.primitive.facts.moves, list(node.args)
    assert moves is not None
    last = len(args) if moves.arguments is None else moves.arguments
    first, joined = 1, []
    for n, part in enumerate(parts[:last]):
        shape = shape_of(args[n])
        args[n] = np.zeros(shape, np.intp)
        if part is not None:
            args[n] = numbered(shape) + first
            first += part.shape[0]
            joined.append(part)
    if not joined:
        return None
    places = np.asarray(node.primitive.forward(*args, **node.params)).ravel() - 1
    part = joined[0] if len(joined) == 1 else sparse.vstack(joined, format="csr")
    return _read(part, places, node.primitive)


def _expanded(node: Operation, parts: Sequence[Pattern | None]) -> Pattern | None:
    """Return the pattern of what a primitive is made of."""
    operands: list[Operand] = list(node.args)
    known: dict[Node, Pattern] = {}
    for n, part in enumerate(parts):
        if part is not None:
            symbol = Symbol.input(Spec(tuple(node.args[n].shape), node.args[n].dtype))
            operands[n], known[symbol.node] = symbol, part  # type: ignore[index]
    result = node.primitive.expand(*operands, **node.params)  # type: ignore[misc]
    return _propagated(known, result.node)
