"""The walks over recorded nodes: run them again, pull cotangents back, push tangents forward.

All are iterative, write only to dicts they own, and are the one place where broadcasting and
dtype promotion are undone and contributions added up.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from heapq import heapify, heappop, heappush
from operator import attrgetter
from typing import Any

import numpy as np

from ..core.annotations import Array, Cotangent, Operand, Tangent
from ..core.node import Node, Operation
from ..core.primitive import Primitive
from ..core.spec import Spec
from ..core.value import Value
from ..ops.products import SpeculationError, has_nan, speculation
from ..ops.structural import astype, broadcast_to, sum_to

# `lift(payload, node)` makes a value again of a payload that a node holds, so that the walk itself
# is recorded. A walk without it computes on the plain arrays.
Lift = Callable[[Any, Node], Value]
# The parents of an operation, None for those whose cotangents are not wanted, and what a rule gives
# for each of them.
Targets = Sequence[Node | None]
Parts = Sequence[Any]
Rule = Callable[[Operation, Any, Targets], Parts]


_order = attrgetter("order")


def reachable(outputs: Iterable[Node], *, since: int = 0) -> list[Node]:
    """Return the nodes that ``outputs`` came from, oldest first, none created before ``since``.

    A node is created after all that it depends on, so the order of creation is topological.
    """
    found = list(dict.fromkeys(outputs))
    seen = set(found)
    for node in found:  # the list grows while the loop goes through it
        for parent in node.parents:
            if parent is not None and parent not in seen and parent.order >= since:
                seen.add(parent)
                found.append(parent)
    return sorted(found, key=_order)


def leading_to(order: Sequence[Node], ends: Collection[Node]) -> set[Node]:
    """Return the nodes of ``order`` (oldest first) that depend on one of ``ends``, and those."""
    found = set(ends)
    for node in order:
        if any(parent in found for parent in node.parents if parent is not None):
            found.add(node)
    return found


def fitted(part: Cotangent, value: Array | Spec, spread: Primitive) -> Any:
    """Give a cotangent (by `sum_to`) or tangent (by `broadcast_to`) its value's shape and dtype."""
    if part.shape != value.shape:
        part = spread.bind((part,), {"shape": value.shape})
    return part if part.dtype == value.dtype else astype.bind((part,), {"dtype": value.dtype})


def interpret(
    operations: Iterable[Operation],
    values: dict[Node, Any],
    apply: Callable[[Any, list[Any]], Any],
    *,
    constant: Callable[[Any], Any] | None = None,
) -> dict[Node, Any]:
    """Give every operation a value, oldest first, and return the values by node.

    Parameters
    ----------
    operations : iterable of Operation
        Each after those that it depends on.
    values : dict of Node to value
        Those of the leaves; the others are added.
    apply : callable
        ``apply(operation, operands)`` gives an operation's value, which may be anything: an array,
        a symbol of another graph, a piece of code.
    constant : callable, optional
        Gives what stands for a constant operand; by default the constant itself.
    """
    for node in operations:
        values[node] = apply(node, node.operands(values, constant))
    return values


def pull_back(
    seeds: Mapping[Node, Cotangent],
    *,
    wanted: Collection[Node] | None = None,
    lift: Lift | None = None,
    inspect: Callable[[Operation, Parts | None], None] | None = None,
    visit: Callable[[Node, Cotangent], None] | None = None,
    rule: Rule | None = None,
) -> dict[Node, Any]:
    """Return the cotangents of the leaves, or of ``wanted``, given those of some outputs.

    Parameters
    ----------
    seeds : dict of Node to cotangent
        Each of its value's shape and dtype.
    wanted : collection of Node, optional
        By default all leaves. Each is taken as independent: nothing is swept through it.
    lift : callable, optional
        Makes the walk itself recorded, for derivatives of the result.
    inspect : callable, optional
        Shown every operation before its rule runs, and what the rule gave.
    visit : callable, optional
        Shown every node with its whole cotangent, leaves included.
    rule : callable, optional
        ``rule(operation, g, targets)`` gives a cotangent for each operand, of any shape that it
        broadcasts to, or None; ``targets`` has None where it is not wanted. By default the rule of
        the operation's primitive.
    """
    if lift is None and inspect is None and visit is None and rule is None:
        found = _pulled_speculatively(seeds, wanted)
        if found is not None:
            return found
    rule = rule or (_rule if lift is None else _lifted_rule(lift))
    if inspect is not None:
        rule = _shown(rule, inspect)
    return _sweep_back(seeds, wanted, rule if lift is None else _of_floats(rule), visit)


def _sweep_back(
    seeds: Mapping[Node, Cotangent],
    wanted: Collection[Node] | None,
    rule: Rule | None,
    visit: Callable[[Node, Cotangent], None] | None,
) -> dict[Node, Any]:
    """Go from the newest node to the oldest: the cotangent of each is whole when it is met.

    Without a ``rule`` it is that of each operation's primitive, called from here: a function
    between would be felt in every operation.
    """
    useful = None if wanted is None else _useful(seeds, wanted)
    ends = frozenset(wanted or ())
    cotangents: dict[Node, Any] = dict(seeds)
    # A heap of the nodes that have a cotangent and were not met yet, the newest in front.
    waiting = [(-node.order, node) for node in seeds]
    heapify(waiting)
    # Infinite slopes times 0 are part of the convention, and no reason to warn.
    with np.errstate(all="ignore"):
        while waiting:
            node = heappop(waiting)[1]
            if visit is not None:
                visit(node, cotangents[node])
            primitive = node.primitive
            if primitive is None or primitive.vjp is None or node in ends:
                continue  # a leaf, a wanted node or a constant's result keeps its cotangent
            # No later node adds to it, so that its memory is free for the next ones.
            g = cotangents.pop(node)
            parents, args = node.parents, node.args
            targets = parents if useful is None else _among(useful, parents)
            if rule is None:
                parts = primitive.vjp(g, node.output, args, node.params, targets)
            else:
                parts = rule(node, g, targets)  # type: ignore[arg-type]
            if len(parts) != len(args):  # zip would tell as well, but takes twice as long for it
                raise _wrong_number(primitive.name, parts, args)
            for target, part, arg in zip(targets, parts, args):  # noqa: B905
                if target is None or part is None:
                    continue
                # NumPy's native dtypes are single objects: identity is the cheaper test, and
                # `fitted` makes the exact one.
                if part.shape != arg.shape or part.dtype is not arg.dtype:
                    part = fitted(part, arg, sum_to)
                if target in cotangents:
                    cotangents[target] = cotangents[target] + part
                    continue
                cotangents[target] = part
                if target.primitive is not None or visit is not None:  # leaves have only to be seen
                    heappush(waiting, (-target.order, target))
            # The next rule needs their memory.
            part = None
            del parts
    return cotangents


def _wrong_number(name: str, parts: Parts, args: Sequence[Operand]) -> ValueError:
    return ValueError(
        f"{name}: its rule gave {len(parts)} cotangents, expected one for each of its "
        f"{len(args)} arguments, None where there is none"
    )


def _useful(seeds: Iterable[Node], wanted: Collection[Node]) -> set[Node]:
    """Return the nodes between seeds and those that are wanted."""
    order = reachable(seeds, since=min((node.order for node in wanted), default=0))
    return leading_to(order, wanted)


def _among(useful: Collection[Node], parents: Targets) -> Targets:
    return [parent if parent in useful else None for parent in parents]


# --- what runs in the place of an operation's rule


def _rule(node: Operation, g: Cotangent, targets: Targets) -> Parts:
    """Apply the primitive's rule to the payloads of the node."""
    return node.primitive.vjp(g, node.output, node.args, node.params, targets)  # type: ignore[misc, no-any-return]


def _lifted_rule(lift: Lift) -> Rule:
    """Return the primitives' rules, applied to lifted values."""

    def lifted(node: Operation, g: Cotangent, targets: Targets) -> Parts:
        y, args = _lifted(node, lift)
        return node.primitive.vjp(g, y, args, node.params, targets)  # type: ignore[misc, no-any-return]

    return lifted


def _lifted(node: Operation, lift: Lift) -> tuple[Value, list[Operand]]:
    """Return an operation's output and operands as values."""
    args = [arg if parent is None else lift(arg, parent) for arg, parent in node.edges()]
    return lift(node.output, node), args


def _shown(rule: Rule, inspect: Callable[[Operation, Parts | None], None]) -> Rule:
    """Return the rule with ``inspect`` called before and after it."""

    def shown(node: Operation, g: Cotangent, targets: Targets) -> Parts:
        inspect(node, None)
        parts = rule(node, g, targets)
        inspect(node, parts)
        return parts

    return shown


def _of_floats(rule: Rule) -> Rule:
    """Return the rule without cotangents of integers.

    In a traced graph integers have nodes as well, but no derivative.
    """

    def of_floats(node: Operation, g: Cotangent, targets: Targets) -> Parts:
        parts = rule(node, g, targets)
        wanted = zip(targets, parts, node.args, strict=True)
        return [part if to and arg.dtype.kind == "f" else None for to, part, arg in wanted]

    return of_floats


# --- speculation: strong products as plain ones, which are cheaper and nearly always the same


def _pulled_speculatively(
    seeds: Mapping[Node, Cotangent], wanted: Collection[Node] | None
) -> dict[Node, Any] | None:
    """Return the cotangents by plain products for strong ones; None where they may differ.

    The two differ only where the plain product is NaN, and NaN does not get lost on its way to the
    leaves: it is enough to look there.
    """
    before = speculation.on, speculation.used
    try:
        speculation.on, speculation.used = True, False
        found = _sweep_back(seeds, wanted, None, None)
        return None if speculation.used and any(map(has_nan, found.values())) else found
    except SpeculationError:
        return None
    finally:
        speculation.on, speculation.used = before


# --- forward


def push_forward(
    seeds: Mapping[Node, Tangent], outputs: Iterable[Node], *, lift: Lift | None = None
) -> dict[Node, Any]:
    """Return the tangents of ``outputs`` given those of some inputs; absent where they are zero."""
    since = min((node.order for node in seeds), default=0)
    tangents: dict[Node, Any] = dict(seeds)
    with np.errstate(all="ignore"):
        for node in reachable(outputs, since=since):
            if isinstance(node, Operation) and node.primitive.jvp and node not in seeds:
                given = [tangents.get(parent) if parent else None for parent in node.parents]
                if any(t is not None for t in given):
                    tangents[node] = _moved(node, given, lift)
    return tangents


def _moved(node: Operation, given: Sequence[Tangent | None], lift: Lift | None) -> Tangent:
    """Return the tangent of an operation's result, given those of its operands."""
    y, args = (node.output, node.args) if lift is None else _lifted(node, lift)
    moved = node.primitive.jvp(given, y, args, node.params)  # type: ignore[misc]
    return fitted(moved, node.output, broadcast_to)  # type: ignore[no-any-return]
