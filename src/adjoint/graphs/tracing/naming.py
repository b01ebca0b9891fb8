"""A name is a Python identifier for a value of a graph, the user's own where there is one."""

from __future__ import annotations

import builtins
import inspect
import keyword
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import numpy as np

from ...core.annotations import Tree
from ...core.node import Node

# Longer names are cut.
_LONGEST = 40
# Written source uses these itself, so that a name of the user's must not hide them.
_TAKEN = frozenset([*dir(builtins), *keyword.kwlist, *keyword.softkwlist, "np", "special"])


def identifier(text: str) -> str:
    """Return a valid identifier like ``text`` that hides neither a builtin nor NumPy.

    >>> identifier("layers[0].weight"), identifier("lambda"), identifier("sum"), identifier("2x")
    ('layers_0_weight', 'lambda_', 'sum_', '_2x')
    """
    if not text.isascii():
        import unicodedata  # here: most names need none of its tables

        text = unicodedata.normalize("NFKC", text)  # as Python itself reads identifiers
    name = re.sub(r"\W+", "_", text)
    name = name if name == text else name.strip("_")
    name = name[:_LONGEST].rstrip("_") if len(name) > _LONGEST else name
    if not name.isidentifier():
        name = f"_{name}"
    return f"{name}_" if name in _TAKEN else name


def parameter_names(paths: Iterable[str]) -> list[str]:
    """Return a short name for each parameter: W1, b1 … for weights and biases.

    >>> parameter_names(["layers[0].weight", "layers[0].bias", "layers[2].weight", "scale"])
    ['W1', 'b1', 'W2', 'scale']
    """
    layers: dict[str, int] = {}
    names = []
    for path in paths:
        layer, _, last = path.rpartition(".")
        letter = {"weight": "W", "bias": "b"}.get(last)
        number = layers.setdefault(layer, len(layers) + 1) if letter else 0
        names.append(f"{letter}{number}" if letter else identifier(path))
    return names


def entry(path: Tree, key: Any) -> Any:
    """Return the name of an item: the item of a tree of names, or ``p_key`` for a name ``p``."""
    if isinstance(path, (dict, list, tuple)):
        return path[key]
    return None if path is None else f"{path}_{key}"


def function_name(function: Callable[..., Any]) -> str:
    """Return the name of a function, ``function`` for a lambda, or that of an object's class."""
    name = getattr(function, "__name__", type(function).__name__)
    return identifier("function" if name == "<lambda>" else name)


def lasting_text(thing: object) -> str:
    """Return the `repr` of an object, the same in every process and after any number of calls.

    Addresses are left out, and how often a function was compiled.

    >>> import functools
    >>> lasting_text(functools.partial(ad.compile(np.sin)))
    'functools.partial(<compiled sin>)'
    """
    text = re.sub(r" at 0x[0-9A-Fa-f]+", "", repr(thing))
    return re.sub(r"<compiled (\w+)\([^>]*>", r"<compiled \1>", text)


def signature_of(function: Callable[..., Any]) -> inspect.Signature:
    """Return a function's signature; older versions of NumPy give none to their ufuncs.

    Raises
    ------
    TypeError, ValueError
        If it is written in C, and tells none.

    >>> signature_of(np.multiply)
    <Signature (x1, x2, /)>
    """
    if not isinstance(function, np.ufunc):
        return inspect.signature(function)
    names = ["x"] if function.nin == 1 else [f"x{n + 1}" for n in range(function.nin)]
    return inspect.Signature(
        [inspect.Parameter(x, inspect.Parameter.POSITIONAL_ONLY) for x in names]
    )


def signature(function: Callable[..., Any]) -> str:
    """Return the names of a function's parameters in brackets, as ``(x, *, axis)``.

    >>> signature(lambda x, /, *rest, axis=0: x)
    '(x, /, *rest, axis)'
    """
    try:
        parameters = signature_of(function).parameters.values()
    except (TypeError, ValueError):  # what C gives no signature for
        return "(...)"
    bare = [each.replace(default=each.empty, annotation=each.empty) for each in parameters]
    return str(inspect.Signature(bare))


def argument_names(function: Callable[..., Any], examples: Sequence[Any]) -> tuple[str, ...]:
    """Return the names of a function's parameters, one for each example."""
    fallback = [f"x{n}" for n in range(len(examples))]
    try:
        parameters = signature_of(function).parameters.values()
    except (TypeError, ValueError):  # a function in C that tells no signature
        return tuple(fallback)
    names: list[str] = []
    for parameter in parameters:
        if parameter.kind is parameter.VAR_POSITIONAL:
            names += [f"{parameter.name}{n}" for n in range(len(examples) - len(names))]
        elif parameter.kind is not parameter.VAR_KEYWORD:
            names.append(parameter.name)
    return tuple(identifier(name) for name in (*names, *fallback[len(names) :])[: len(examples)])


def unique_names(nodes: Iterable[Node | None], reserved: Iterable[str] = ()) -> dict[Node, str]:
    """Return a name for every node: its own, numbered where it occurs again, or v1, v2, ….

    Names depend only on the graph, never on chance.
    """
    names: dict[Node, str] = {}
    taken = set(reserved)
    known = [node for node in nodes if node is not None]
    owns = {node: identifier(own) for node in known if (own := getattr(node, "name", None))}
    wanted = set(owns.values())
    counts: dict[str, int] = {}
    for node in known:
        own = owns.get(node)
        if own is None:
            name = first_free("v", taken, wanted, counts)
        else:
            # Where it is taken, name_2, name_3 … that nothing wants.
            counts.setdefault(f"{own}_", 1)
            name = own if own not in taken else first_free(f"{own}_", taken, wanted, counts)
        names[node] = name
        taken.add(name)
    return names


def first_free(
    stem: str, taken: Collection[str], wanted: Collection[str], counts: dict[str, int]
) -> str:
    """Return a stem with the first number after its latest one whose name is free.

    ``counts`` has each stem's latest number. What is taken stays so, and no number is tried twice:
    to name all of a long graph would else take time that grows with its square.
    """
    number = counts.get(stem, 0) + 1
    while (name := f"{stem}{number}") in taken or name in wanted:
        number += 1
    counts[stem] = number
    return name


def is_given(name: str) -> bool:
    """Return whether a person chose a variable's name: prompts keep what they showed as _ and _4.

    >>> [name for name in ("w", "_w", "_", "__", "_4") if is_given(name)]
    ['w', '_w']
    """
    return bool(name.strip("_0123456789"))
