"""A tree is an array, or a list, tuple or dict of trees: what functions take and return."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any

from .annotations import Tree


def leaves(tree: Tree) -> Iterator[Any]:
    """Yield what is not a list, tuple or dict, in order."""
    if isinstance(tree, dict):
        tree = tuple(tree.values())
    if isinstance(tree, (list, tuple)):
        for item in tree:
            yield from leaves(item)
    else:
        yield tree


def map_leaves(function: Callable[..., Any], tree: Tree, *others: Any) -> Any:
    """Return the tree with ``function`` applied to every leaf, and to those of like trees.

    Raises
    ------
    ValueError
        If another tree has not the same structure.
    """
    if not isinstance(tree, (list, tuple, dict)):
        return function(tree, *others)
    for other in others:
        if type(other) is not type(tree) or len(other) != len(tree):
            raise ValueError(f"trees differ: {_outline(tree)} beside {_outline(other)}")
    if isinstance(tree, dict):
        return {
            key: map_leaves(function, item, *(other[key] for other in others))
            for key, item in tree.items()
        }
    items = [map_leaves(function, *group) for group in zip(tree, *others, strict=True)]
    return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)


def present(tree: Tree) -> list[Any]:
    """Return the leaves of a tree that are not None.

    >>> present((1, {"a": None, "b": 2}))
    [1, 2]
    """
    return [leaf for leaf in leaves(tree) if leaf is not None]


def filled(tree: Tree, items: Iterable[Any]) -> Any:
    """Return a tree with items in the places of the leaves that are not None.

    >>> filled((1, {"a": None, "b": 2}), "xy")
    ('x', {'a': None, 'b': 'y'})
    """
    rest = iter(items)
    return map_leaves(lambda leaf: None if leaf is None else next(rest), tree)


def assembler(tree: Tree) -> Callable[[Sequence[Any]], Any]:
    """Return a function that makes a list of leaves into a tree like one of positions in it.

    >>> assembler((0, {"w": 1, "b": 2}))(["loss", "dw", "db"])
    ('loss', {'w': 'dw', 'b': 'db'})
    """
    if tree is None:
        return lambda found: None
    if not isinstance(tree, (list, tuple, dict)):
        return itemgetter(tree)
    if type(tree) is tuple and len(tree) > 1 and all(type(item) is int for item in tree):
        return itemgetter(*tree)  # the commonest tree, at the least cost
    keys = tuple(tree) if isinstance(tree, dict) else range(len(tree))
    parts = [assembler(tree[key]) for key in keys]
    if isinstance(tree, dict):
        return lambda found: {key: part(found) for key, part in zip(keys, parts, strict=True)}
    kind = type(tree)
    if hasattr(tree, "_fields"):
        return lambda found: kind(*[part(found) for part in parts])
    return lambda found: kind([part(found) for part in parts])


def _outline(tree: Tree) -> str:
    size = f" of {len(tree)}" if isinstance(tree, (list, tuple, dict)) else ""
    return type(tree).__name__ + size
