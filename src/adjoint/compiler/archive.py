"""An archive is a graph as a JSON file: nothing in it is executed when it is read.

Only what a graph consists of can be written: primitives of the registry by name, numbers, arrays
with their dtype, and the metadata that primitives take. Reading looks primitives up in the same
registry, infers every shape anew, and refuses a file where anything is not as expected.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..core import PRIMITIVES, Node, Spec
from ..ops.indexing import SLOT
from ..tree import leaves
from .naming import identifier
from .tracer import Origin, TracedNode

_FORMAT = "adjoint graph"
_VERSION = 1


# --- writing --------------------------------------------------------------------------------------


def write(graph: Any, path: str | Path) -> None:
    """Write a graph to a file.

    Raises
    ------
    TypeError
        If it holds what no archive can: a function with a rule of its own, or unusual metadata.
    """
    text = json.dumps(document(graph), indent=1, allow_nan=False)
    Path(path).write_text(text + "\n", encoding="utf-8")


def document(graph: Any) -> dict[str, Any]:
    """Return a graph as what JSON has: dicts, lists, strings and numbers."""
    nodes = [symbol.node for symbol in graph.inputs] + graph.nodes
    places = {node: place for place, node in enumerate(nodes)}
    return {
        "format": _FORMAT,
        "version": _VERSION,
        "name": graph.name,
        "arguments": list(graph.arguments),
        "inputs": [_value(graph, symbol.node) for symbol in graph.inputs],
        "nodes": [_operation(graph, node, places) for node in graph.nodes],
        "outputs": [
            {"value": places[x.node]} if getattr(x, "node", None) in places else _encode(x)
            for x in graph.outputs
        ],
        "takes": _encode(graph.takes),
        "gives": _encode(graph.gives),
    }


def _value(graph: Any, node: Node) -> dict[str, Any]:
    spec = node.output
    return {"name": graph.names[node], "shape": list(spec.shape), "dtype": str(spec.dtype)}


def _operation(graph: Any, node: TracedNode, places: dict[Node, int]) -> dict[str, Any]:
    name = node.meant.name
    if PRIMITIVES.get(name) is not node.meant:
        raise TypeError(
            f"{name} is a function with a derivative rule of its own; only graphs "
            "of adjoint's primitives can be saved"
        )
    args = [
        _encode(arg) if parent is None else {"value": places[parent]}
        for arg, parent in zip(node.args, node.parents, strict=True)
    ]
    params = {key: _encode(value) for key, value in (node.params or {}).items()}
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


def _encode(item: Any) -> Any:
    """Return an operand or metadata as JSON; what JSON has no word for is a dict of one tag."""
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


def _encode_array(array: Any) -> dict[str, Any]:
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


def read(path: str | Path, graph: Any, symbol: Any) -> Any:
    """Return the graph in a file, made of the classes given for graphs and symbols.

    Raises
    ------
    ValueError
        If the file is none of ours, damaged, or of another version.
    """
    try:
        return _rebuild(json.loads(Path(path).read_text(encoding="utf-8")), graph, symbol)
    except OSError:
        raise
    except Exception as error:  # a hostile file may make anything fail
        reason = str(error) or type(error).__name__
        if isinstance(error, KeyError):
            reason = f"the entry {error} is missing"
        raise ValueError(f"{path} cannot be read as a saved graph: {reason}") from None


def _rebuild(found: Any, graph: Any, symbol: Any) -> Any:
    _expect(isinstance(found, dict) and found.get("format") == _FORMAT, "it is no saved graph")
    version = found.get("version")
    _expect(
        version == _VERSION,
        f"it has version {version!r}, and this version of adjoint reads {_VERSION}; save it again",
    )
    values = [symbol.input(_spec(entry), _name(entry["name"])) for entry in found["inputs"]]
    inputs = tuple(values)
    for position, entry in enumerate(found["nodes"]):
        try:
            values.append(_apply(entry, values, symbol))
        except Exception as error:
            reason = f"{type(error).__name__} {error}"
            raise ValueError(f"operation {position} does not fit: {reason}") from None
    outputs = [_operand(output, values) for output in found["outputs"]]
    takes, gives = _decode(found["takes"]), _decode(found["gives"])
    _expect(isinstance(takes, tuple) and list(leaves(takes)) == list(range(len(inputs))), "takes")
    _expect(list(leaves(gives)) == list(range(len(outputs))), "gives")
    arguments = [_name(argument) for argument in found["arguments"]]
    _expect(len(arguments) == len(takes) == len(set(arguments)), "arguments")
    name = _name(found["name"])
    return graph(inputs, outputs, takes=takes, gives=gives, arguments=arguments, name=name)


def _apply(entry: dict[str, Any], values: Sequence[Any], symbol: Any) -> Any:
    """Apply one saved operation to the values so far."""
    primitive = PRIMITIVES[entry["primitive"]]
    params = {name: _decode(value) for name, value in entry["params"].items()}
    _expect(set(params) == set(primitive.param_names), f"metadata {sorted(params)}")
    args = [_operand(arg, values) for arg in entry["args"]]
    _expect(any(isinstance(arg, symbol) for arg in args), "no argument of it is a value")
    made = symbol.apply(primitive, args, params)
    _expect(made.data == _spec(entry), f"it gives {made.data}, not {_spec(entry)}")
    made.node.name = _name(entry["name"]) if entry["named"] is True else None
    if entry["origin"] is not None:
        rule, argument, group = entry["origin"]
        known = isinstance(rule, str) and rule.isidentifier() and type(group) is int
        _expect(known and (argument is None or type(argument) is int), "its origin")
        made.node.origin = Origin(rule, argument, group)
    return made


def _operand(item: Any, values: Sequence[Any]) -> Any:
    if isinstance(item, dict) and "value" in item:
        place = item["value"]
        _expect(type(place) is int and 0 <= place < len(values), f"there is no value {place!r}")
        return values[place]
    return _decode(item)


def _name(text: Any) -> str:
    _expect(isinstance(text, str) and identifier(text) == text, f"{text!r} is no name")
    return str(text)


def _spec(entry: dict[str, Any]) -> Spec:
    return Spec(_shape(entry["shape"]), _dtype(entry["dtype"]))


def _shape(sizes: Any) -> tuple[int, ...]:
    good = isinstance(sizes, list) and all(type(n) is int and n >= 0 for n in sizes)
    _expect(good, f"{sizes!r} is no shape")
    return tuple(sizes)


def _dtype(text: Any) -> np.dtype[Any]:
    _expect(isinstance(text, str), f"{text!r} is no dtype")
    dtype: np.dtype[Any] = np.dtype(text)
    _expect(dtype.kind in "fiub", f"dtype {dtype} is not of numbers")
    return dtype


def _decode(item: Any) -> Any:
    """Return what `_encode` was given."""
    if item is None or isinstance(item, (bool, int, float, str)):
        return item
    if not isinstance(item, dict) or len(item) != 1:
        raise ValueError("an entry has not exactly one tag")
    ((tag, content),) = item.items()
    return _DECODERS[tag](content)


def _decode_array(content: Any) -> Any:
    shape, dtype = _shape(content["shape"]), _dtype(content["dtype"])
    data = base64.b64decode(content["base64"], validate=True)
    _expect(len(data) == math.prod(shape) * dtype.itemsize, "an array has not as many bytes")
    return np.frombuffer(data, dtype.newbyteorder("<")).reshape(shape).astype(dtype)


_DECODERS: dict[str, Callable[[Any], Any]] = {
    "float": float,
    "array": _decode_array,
    "number": lambda content: _decode_array(content)[()],
    "tuple": lambda items: tuple(_decode(item) for item in items),
    "list": lambda items: [_decode(item) for item in items],
    "dict": lambda items: {_decode(key): _decode(value) for key, value in items},
    "slice": lambda ends: slice(*(_decode(end) for end in ends)),
    "dtype": _dtype,
    "mark": {"...": Ellipsis, "slot": SLOT}.__getitem__,
}


def _expect(condition: bool, otherwise: str) -> None:
    if not condition:
        raise ValueError(otherwise)
