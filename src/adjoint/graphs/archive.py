"""An archive is a graph as a JSON file: nothing in it is executed when it is read.

Only what a graph consists of can be written: primitives of the registry by name, numbers, arrays
with their dtype, and the metadata that primitives take. Reading looks primitives up in the same
registry, holds their metadata against the types on their cards, infers every shape anew, makes no
array but those that lie in the file, and refuses a file where anything is not as expected: a graph
is made into source later, and what its parts say must not become code of a stranger's.
"""

from __future__ import annotations

import base64
import importlib
import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.annotations import Array, DType, Shape
from ..core.metadata import check, is_dtype, plain
from ..core.node import Node
from ..core.primitive import Primitive
from ..core.registry import LAZY_MODULES, PRIMITIVES
from ..core.spec import Spec
from ..core.tree import leaves
from ..files.whole_file import write_whole
from ..ops.keys import SLOT
from .loops.row import KIND
from .tracing.naming import identifier
from .tracing.tracer import Origin, TracedNode, TracedOperation

if TYPE_CHECKING:
    from .graph import Graph
    from .symbol import Symbol

# An object of JSON.
Entry = Mapping[str, Any]

_FORMAT = "adjoint graph"
_VERSION = 1
# Deeper trees could exhaust the stack of Python's compiler; real ones are never this deep.
_DEEPEST = 50
# The most axes that an array of NumPy's can have.
_MOST_AXES = 64


# --- writing --------------------------------------------------------------------------------------


def write(graph: Graph, path: str | os.PathLike[str]) -> None:
    """Write a graph to a file, whole or not at all.

    Raises
    ------
    TypeError
        If it holds what no archive can: a function with a rule of its own, or unusual metadata.
    """
    text = json.dumps(document(graph), indent=1, allow_nan=False)
    write_whole(path, (text + "\n").encode())


def document(graph: Graph) -> dict[str, Any]:
    """Return a graph made of dicts, lists, strings and numbers, which JSON can hold."""
    places = {node: place for place, node in enumerate([*graph.input_nodes, *graph.nodes])}
    return {
        "format": _FORMAT,
        "version": _VERSION,
        "name": graph.name,
        "arguments": list(graph.arguments),
        "inputs": [_value(graph, node) for node in graph.input_nodes],
        "nodes": [_operation(graph, node, places) for node in graph.nodes],
        "outputs": [
            {"value": places[x.node]} if getattr(x, "node", None) in places else _encode(x)
            for x in graph.outputs
        ],
        "takes": _encode(graph.takes),
        "gives": _encode(graph.gives),
    }


def _value(graph: Graph, node: Node) -> dict[str, Any]:
    spec = node.output
    return {"name": graph.names[node], "shape": list(spec.shape), "dtype": str(spec.dtype)}


def _operation(graph: Graph, node: TracedOperation, places: dict[Node, int]) -> dict[str, Any]:
    name = node.meant.name
    if node.meant.kind == KIND:
        raise TypeError(
            f"a graph with a loop or a choice, as this one with {name}, cannot be saved as JSON; "
            "write its source by ad.write_source, or pickle it"
        )
    if PRIMITIVES.get(name) is not node.meant:
        raise TypeError(
            f"{name} is a function with a derivative rule of its own; only graphs "
            "of adjoint's primitives can be saved"
        )
    args = [
        _encode(arg) if parent is None else {"value": places[parent]}
        for arg, parent in node.edges()
    ]
    params = {key: _encode(value) for key, value in node.params.items()}
    origin = getattr(node, "origin", None)
    named = getattr(node, "name", None) is not None
    return {
        **_value(graph, node),
        "named": named,
        "primitive": name,
        "args": args,
        "params": params,
        "origin": None if origin is None else list(origin),
    }


def _encode(item: object) -> Any:
    """Return an operand or metadata as JSON; a dict of one tag stands for what JSON cannot hold."""
    if item is None or isinstance(item, (bool, int, str)):
        return item
    if isinstance(item, float) and not isinstance(item, np.generic):
        return item if math.isfinite(item) else {"float": repr(item)}
    for kinds, tag, convert in _TAGS:
        if isinstance(item, kinds):
            return {tag: convert(item)}
    if item is Ellipsis or item is SLOT:
        return {"mark": "..." if item is Ellipsis else "slot"}
    raise TypeError(f"a graph with {type(item).__name__} {item!r} in its metadata cannot be saved")


def _encode_array(array: Array | np.generic) -> dict[str, Any]:
    little = np.asarray(array).astype(np.asarray(array).dtype.newbyteorder("<"))
    return {
        "dtype": str(np.dtype(array.dtype).newbyteorder("=")),
        "shape": list(array.shape),
        "base64": base64.b64encode(little.tobytes()).decode("ascii"),
    }


_TAGS: list[tuple[Any, str, Callable[[Any], Any]]] = [
    (np.ndarray, "array", _encode_array),
    (np.generic, "number", _encode_array),
    (tuple, "tuple", lambda items: [_encode(item) for item in items]),
    (list, "list", lambda items: [_encode(item) for item in items]),
    (dict, "dict", lambda items: [[_encode(k), _encode(v)] for k, v in items.items()]),
    (slice, "slice", lambda s: [_encode(end) for end in (s.start, s.stop, s.step)]),
    ((np.dtype, type), "dtype", lambda dtype: str(np.dtype(dtype))),
]


# --- reading --------------------------------------------------------------------------------------


def read(
    path: str | os.PathLike[str], graph: type[Graph], symbol: type[Symbol], *, max_entries: int
) -> Any:
    """Return the graph in a file, see `parse`."""
    return parse(Path(path).read_bytes(), str(path), graph, symbol, max_entries=max_entries)


def parse(
    content: bytes, name: str, graph: type[Graph], symbol: type[Symbol], *, max_entries: int
) -> Any:
    """Return the graph in a file's content, made of the classes given for graphs and symbols.

    ``name`` is the file's in errors.

    Raises
    ------
    ValueError
        If the file is none of ours, damaged, of another version, or has larger values.
    """
    try:
        return _rebuild(json.loads(content.decode("utf-8")), graph, symbol, max_entries)
    except Exception as error:  # a hostile file may make anything fail
        reason = str(error) or type(error).__name__
        if isinstance(error, KeyError):
            reason = f"the entry {error} is missing"
        raise ValueError(f"{name} cannot be read as a saved graph: {reason}") from None


def _rebuild(found: Entry, graph: type[Graph], symbol: type[Symbol], max_entries: int) -> Any:
    _expect(isinstance(found, dict) and found.get("format") == _FORMAT, "it is no saved graph")
    version = found.get("version")
    _expect(
        type(version) is int and version == _VERSION,
        f"it has version {version!r}, and this version of adjoint reads {_VERSION}; save it again",
    )
    values = [
        symbol.input(_spec(entry, max_entries), _name(entry["name"])) for entry in found["inputs"]
    ]
    inputs = tuple(values)
    for position, entry in enumerate(found["nodes"]):
        try:
            values.append(_apply(entry, values, symbol, max_entries))
        except Exception as error:
            reason = f"{type(error).__name__} {error}"
            raise ValueError(f"operation {position} does not fit: {reason}") from None
    outputs = [_operand(output, values) for output in found["outputs"]]
    _expect(all(isinstance(x, (symbol, np.ndarray)) for x in outputs), "an output is no array")
    takes = _tree(found["takes"], len(inputs))
    gives = _tree(found["gives"], len(outputs), may_lack=True)
    _expect(type(takes) is tuple, "the arguments' structure is no tuple")
    arguments = [_name(argument) for argument in found["arguments"]]
    _expect(len(arguments) == len(takes) == len(set(arguments)), "arguments")
    name = _name(found["name"])
    return graph(inputs, outputs, takes=takes, gives=gives, arguments=arguments, name=name)


def _apply(
    entry: dict[str, Any], values: Sequence[Any], symbol: type[Symbol], max_entries: int
) -> Any:
    """Apply one saved operation to the values so far."""
    primitive, expected = _primitive(entry["primitive"]), _spec(entry, max_entries)
    params = {name: plain(_decode(value)) for name, value in entry["params"].items()}
    check(primitive.forward, params)
    args = [_operand(arg, values) for arg in entry["args"]]
    _expect(any(isinstance(arg, symbol) for arg in args), "no argument of it is a value")
    primitive.__signature__.bind(*args, **params)
    if "axis" in params:
        params["axis"] = primitive.read_axis(args[0], params["axis"])
    made = symbol.apply(primitive, args, params)
    _expect(made.data == expected, f"it gives {made.data}, not {expected}")
    node = made.node
    assert isinstance(node, TracedNode)
    node.name = _name(entry["name"]) if entry["named"] is True else None
    if entry["origin"] is not None:
        rule, argument, group = entry["origin"]
        known = isinstance(rule, str) and rule.isidentifier() and type(group) is int
        _expect(known and (argument is None or type(argument) is int), "its origin")
        node.origin = Origin(rule, argument, group)
    return made


def _primitive(name: str) -> Primitive:
    """Return a primitive by its name, which may be one of a module that is read at first use."""
    if name not in PRIMITIVES:
        for module in LAZY_MODULES:
            importlib.import_module(module)
    return PRIMITIVES[name]


def _operand(item: object, values: Sequence[Any]) -> Any:
    if isinstance(item, dict) and item.keys() == {"value"}:
        place = item["value"]
        _expect(type(place) is int and 0 <= place < len(values), f"there is no value {place!r}")
        return values[place]
    operand = _decode(item)
    is_number = operand is None or isinstance(operand, (bool, int, float, np.ndarray, np.generic))
    _expect(is_number, f"an operand is a {type(operand).__name__}")
    if type(operand) is int:
        float(operand)  # raises an OverflowError for an integer that no operation can take
    return operand


def _tree(item: object, count: int, *, may_lack: bool = False) -> Any:
    """Return the structure of arguments or results, whose leaves count from 0.

    Some leaves may be None if it ``may_lack`` these.
    """
    tree = _decode(item)
    found = [n for n in leaves(tree) if n is not None or not may_lack]
    _expect(all(type(n) is int for n in found) and found == list(range(count)), "a structure")
    return tree


def _name(text: object) -> str:
    _expect(isinstance(text, str) and identifier(text) == text, f"{text!r} is no name")
    return str(text)


def _spec(entry: dict[str, Any], max_entries: int) -> Spec:
    shape = _shape(entry["shape"])
    _expect(
        math.prod(shape) <= max_entries,
        f"a value of shape {shape} has more than {max_entries:,} entries; if you trust the file, "
        "let max_entries be greater",
    )
    return Spec(shape, _dtype(entry["dtype"]))


def _shape(sizes: object) -> Shape:
    if not isinstance(sizes, list) or not all(map(_is_size, sizes)) or len(sizes) > _MOST_AXES:
        raise ValueError(f"{str(sizes)[:40]} is no shape")
    return tuple(sizes)


def _is_size(n: object) -> bool:
    return type(n) is int and 0 <= n < 2**63


def _dtype(text: object) -> DType:
    if not isinstance(text, str) or not is_dtype(text) or str(np.dtype(text)) != text:
        raise ValueError(f"{str(text)[:40]!r} is no dtype of numbers")
    dtype: DType = np.dtype(text)
    return dtype


def _decode(item: object, depth: int = 0) -> Any:
    """Return the operand or metadata that `_encode` has written so."""
    _expect(depth <= _DEEPEST, f"it is nested more than {_DEEPEST} times")
    if item is None or isinstance(item, (bool, int, float, str)):
        return item
    if not isinstance(item, dict) or len(item) != 1:
        raise ValueError("an entry has not exactly one tag")
    ((tag, content),) = item.items()
    return _DECODERS[tag](content, depth + 1)


def _decode_array(content: Entry, _: int) -> Any:
    shape, dtype = _shape(content["shape"]), _dtype(content["dtype"])
    data = base64.b64decode(content["base64"], validate=True)
    _expect(len(data) == math.prod(shape) * dtype.itemsize, "an array has not as many bytes")
    return np.frombuffer(data, dtype.newbyteorder("<")).reshape(shape).astype(dtype)


def _decode_number(content: Entry, depth: int) -> Any:
    array = _decode_array(content, depth)
    _expect(array.ndim == 0, "a number has axes")
    return array[()]


def _decode_items(items: object, depth: int) -> list[Any]:
    if not isinstance(items, list):
        raise ValueError("a sequence has no items")
    return [_decode(item, depth) for item in items]


def _decode_dict(items: Sequence[Any], depth: int) -> dict[Any, Any]:
    found = {_key(_decode(key, depth)): _decode(value, depth) for key, value in items}
    _expect(len(found) == len(items), "a key occurs twice")
    return found


def _key(key: object) -> Any:
    """Return a key of a dict: a text, a number that equals itself, None, or a tuple of keys."""
    if isinstance(key, tuple):
        return tuple(map(_key, key))
    _expect(key is None or isinstance(key, (str, int, float)), f"{str(key)[:40]!r} is no key")
    _expect(key == key, "NaN is no key")
    return key


_MARKS = {"...": Ellipsis, "slot": SLOT}
_DECODERS: dict[str, Callable[[Any, int], Any]] = {
    "float": lambda content, _: float(content),
    "array": _decode_array,
    "number": _decode_number,
    "tuple": lambda items, depth: tuple(_decode_items(items, depth)),
    "list": _decode_items,
    "dict": _decode_dict,
    "slice": lambda ends, depth: slice(*_decode_items(ends, depth)),
    "dtype": lambda text, _: str(_dtype(text)),
    "mark": lambda mark, _: _MARKS[mark],
}


def _expect(condition: bool, otherwise: str) -> None:
    if not condition:
        raise ValueError(otherwise)
