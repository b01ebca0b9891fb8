"""The file of ONNX: what a subject does, as a graph that onnxruntime and others run."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.annotations import Array, Shape
from ..errors import require
from ..graphs.tracing.reach import Reach
from ..nn.module import Module
from ..version import __version__
from .any_rows import FIRST, SECOND
from .onnx_graph import OnnxGraph, OnnxNode, Wire
from .onnx_pass import write, written_for_onnx
from .onnx_rows import for_any_rows, multiple
from .onnx_rules.reductions import place
from .refusal import ExportError
from .subject import Subject, tolerance_of

OPSET, ML_OPSET = 21, 4
# The version of the format that came with this opset.
IR_VERSION = 10
# What an axis of rows is called.
ROWS = "N"
# What a message of protocol buffers may hold.
_MOST_BYTES = 2**31 - 1
_PREFIXES = ("module.", "network.")


@dataclass(frozen=True)
class _Pass:
    """A graph, the wires that come in and go out, the names of the weights, and a tolerance."""

    graph: OnnxGraph
    weights: list[str]
    inputs: list[Wire]
    outputs: list[Wire]
    tolerance: float


def onnx_file(
    subject: Subject, name: str, golden: Sequence[Array], expected: Sequence[Array]
) -> tuple[bytes, dict[str, int], float]:
    """Return the bytes of the file, checked, its sizes, and how much a result may differ.

    Parameters
    ----------
    golden, expected : sequence of array
        Golden vectors, which become metadata: inputs, and what the network makes of them.

    Raises
    ------
    ExportError
        If ONNX, or onnxruntime, lacks an operation.
    ImportError
        If the package `onnx` is not installed.
    """
    onnx = require("onnx", extra="onnx", purpose="a file of ONNX")
    counts = (FIRST, SECOND) if subject.has_rows else (None,)
    passes = [_written(subject, rows) for rows in counts]
    first = passes[0]
    if subject.has_rows:
        for_any_rows(first.graph, passes[1].graph, first.inputs[0].name)
    shapes = [
        _shape(*(one.shape for one in pair))
        for pair in zip(*(one.inputs + one.outputs for one in passes), strict=True)
    ]
    results = {x.name for x in first.outputs}
    nodes = _renamed(_needed(first.graph.nodes, results), results)
    constants = _shared(first.graph.constants, nodes)
    model = _model(onnx, subject, name, first, shapes, nodes, constants)
    told = _golden(subject, first, golden, expected)
    metadata = {"adjoint": __version__, "golden": told}
    if subject.reader is not None:
        metadata["columns"] = subject.reader.metadata()
    for key, text in metadata.items():
        model.metadata_props.add(key=key, value=text)
    if (size := model.ByteSize()) > _MOST_BYTES:
        raise ExportError(f"ONNX: a file of {size >> 20:,} MiB; one holds at most 2 GiB")
    try:
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:
        raise ExportError(f"ONNX: its checker says {error!s:.300}") from error
    weights = sum(constants[key].nbytes for key in first.weights if key in constants)
    return model.SerializeToString(), {"weights": weights}, first.tolerance


# --- writing it


def _written(subject: Subject, rows: int | None) -> _Pass:
    """Write a subject for so many rows."""
    traced = subject.trace(rows)
    lowered = written_for_onnx(traced.graph)
    graph = OnnxGraph(rows)
    given = len(lowered.inputs) - len(traced.state)
    if subject.reader is None:
        names = subject.names or lowered.arguments[:given]
        pairs = zip(names, lowered.inputs, strict=False)
        inputs = [graph.input(name, x.shape, x.dtype) for name, x in pairs]
        arguments = inputs
    else:
        inputs, arguments = subject.reader.wires(graph)
    weights = [
        graph.constant(array, path) for path, array in zip(traced.paths, traced.state, strict=True)
    ]
    results = write(graph, lowered, [*arguments, *weights], _places(subject))
    keys = [x.name for x in weights]
    outputs = _outputs(graph, subject, results, traced.graph.gives)
    return _Pass(graph, keys, inputs, outputs, tolerance_of(traced.graph))


def _places(subject: Subject) -> dict[int, str]:
    """Return the paths of modules by their identity."""
    found = {}
    for path, item in Reach(subject.function).found():
        if isinstance(item, Module):
            for prefix in _PREFIXES:
                path = path.removeprefix(prefix)
            found[id(item)] = path if f"{path}." not in _PREFIXES else ""
    return {**found, **subject.places}


def _outputs(graph: OnnxGraph, subject: Subject, results: list[Wire], gives: Any) -> list[Wire]:
    """Name the results, those of classifiers and regressors as converters for scikit-learn do."""
    if subject.classes is not None:
        (chances,) = results
        return [
            graph.named(_labels(graph, subject, chances), "label"),
            graph.named(chances, "probabilities"),
        ]
    names = subject.results or _result_names(gives)
    return [graph.named(x, name) for x, name in zip(results, names, strict=True)]


def _labels(graph: OnnxGraph, subject: Subject, chances: Wire) -> Wire:
    """Return the most probable classes; of several labels a row, those more likely than not."""
    if not subject.is_classifier:
        return (chances > 0.5).cast(np.int64)
    numbers = place(chances, 1, "ArgMax").reshaped(chances.shape[:1])
    classes = graph.constant(_as_labels(subject.classes), "classes")
    return graph.add("Gather", [classes, numbers], numbers.shape, classes.dtype, axis=0)


def _as_labels(classes: Any) -> Array:
    """Return classes of a dtype that ONNX has: integers, or texts."""
    array = np.asarray(classes)
    if array.dtype.kind in "biu":
        return array.astype(np.int64)
    return np.array([str(x) for x in array.tolist()], object)


def _result_names(gives: Any, path: str = "output") -> list[str]:
    if isinstance(gives, dict):
        return [n for key, part in gives.items() for n in _result_names(part, f"{path}_{key}")]
    if isinstance(gives, (list, tuple)):
        keys = getattr(gives, "_fields", range(len(gives)))
        pairs = zip(keys, gives, strict=True)
        return [n for key, part in pairs for n in _result_names(part, f"{path}_{key}")]
    return [path]


# --- making it smaller


def _needed(nodes: list[OnnxNode], results: set[str]) -> list[OnnxNode]:
    """Return the nodes that results need."""
    needed, kept = set(results), []
    for node in reversed(nodes):
        if needed.intersection(node.outputs):
            needed.update(node.inputs)
            kept.append(node)
    return kept[::-1]


def _renamed(nodes: list[OnnxNode], results: set[str]) -> list[OnnxNode]:
    """Return nodes that write results under their names, where a node only handed one on."""
    made = {name: node for node in nodes for name in node.outputs}
    names: dict[str, str] = {}
    kept = []
    for node in nodes:
        (given, *_), (output,) = node.inputs or [""], node.outputs
        is_copy = node.operator == "Identity" and output in results
        if is_copy and given in made and given not in names and given not in results:
            names[given] = output
        else:
            kept.append(node)
    for node in kept:
        node.inputs = [names.get(name, name) for name in node.inputs]
        node.outputs = [names.get(name, name) for name in node.outputs]
    return kept


def _shared(constants: dict[str, Array], nodes: list[OnnxNode]) -> dict[str, Array]:
    """Return the constants that nodes read; small equal ones become one."""
    read = {name for node in nodes for name in node.inputs}
    kept: dict[str, Array] = {}
    known: dict[Any, str] = {}
    names: dict[str, str] = {}
    for name, array in constants.items():
        if name not in read:
            continue
        is_own = array.dtype == object or "constant" not in name
        key = name if is_own else (array.dtype.str, array.shape, array.tobytes())
        names[name] = known.setdefault(key, name)
        kept[names[name]] = array
    for node in nodes:
        node.inputs = [names.get(name, name) for name in node.inputs]
    return kept


# --- the messages of ONNX


def _shape(first: Shape, second: Shape | None = None) -> list[int | str]:
    """Return a shape whose sizes are names where they depend on the number of rows."""
    if second is None:
        return list(first)
    pairs = zip(first, second, strict=True)
    factors = [(a, multiple(a, b) if a != b else None) for a, b in pairs]
    return [a if k is None else ROWS if k == 1 else f"{k}{ROWS}" for a, k in factors]


def _model(
    onnx: Any,
    subject: Subject,
    name: str,
    written: _Pass,
    shapes: Sequence[Any],
    nodes: Sequence[OnnxNode],
    constants: dict[str, Array],
) -> Any:
    helper, told = onnx.helper, _described(subject)
    values = [
        helper.make_tensor_value_info(x.name, _type(onnx, x.dtype), shape, told.get(x.name, ""))
        for x, shape in zip([*written.inputs, *written.outputs], shapes, strict=True)
    ]
    count = len(written.inputs)
    graph = helper.make_graph(
        [_node(onnx, node) for node in nodes],
        name,
        values[:count],
        values[count:],
        [_tensor(onnx, key, array) for key, array in constants.items()],
        doc_string=subject.about,
    )
    opsets = [helper.make_opsetid("", OPSET)]
    if any(node.domain for node in nodes):
        opsets.append(helper.make_opsetid("ai.onnx.ml", ML_OPSET))
    return helper.make_model(
        graph,
        opset_imports=opsets,
        ir_version=IR_VERSION,
        producer_name="adjoint",
        producer_version=__version__,
        doc_string=subject.about,
    )


def _described(subject: Subject) -> dict[str, str]:
    return {} if subject.reader is None else subject.reader.descriptions()


def _node(onnx: Any, node: OnnxNode) -> Any:
    attributes = {
        key: _type(onnx, value) if isinstance(value, np.dtype) else value
        for key, value in node.attributes.items()
    }
    return onnx.helper.make_node(
        node.operator,
        node.inputs,
        node.outputs,
        name=node.name,
        domain=node.domain or None,
        **attributes,
    )


def _tensor(onnx: Any, name: str, array: Array) -> Any:
    if array.dtype == object:
        texts = [str(x).encode() for x in array.ravel().tolist()]
        return onnx.helper.make_tensor(name, onnx.TensorProto.STRING, array.shape, texts)
    return onnx.numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name)


def _type(onnx: Any, dtype: Any) -> int:
    if np.dtype(dtype).kind == "O":
        return int(onnx.TensorProto.STRING)
    return int(onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))


# --- golden vectors


def _golden(
    subject: Subject, written: _Pass, golden: Sequence[Array], expected: Sequence[Array]
) -> str:
    """Return golden vectors as JSON, which has texts for NaN and infinity."""
    if subject.classes is not None:
        expected = [_labels_of(subject, expected[0]), *expected]
    names = [x.name for x in written.inputs], [x.name for x in written.outputs]
    groups = zip(("inputs", "outputs"), names, (golden, expected), strict=True)
    found = {
        kind: {name: _in_json(np.asarray(a).tolist()) for name, a in zip(keys, arrays, strict=True)}
        for kind, keys, arrays in groups
    }
    return json.dumps(found, ensure_ascii=False, allow_nan=False)


def _in_json(value: Any) -> Any:
    """Return numbers, in lists or alone, of which JSON has no literals as texts."""
    if isinstance(value, list):
        return [_in_json(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def _labels_of(subject: Subject, chances: Array) -> Array:
    if not subject.is_classifier:
        return (np.asarray(chances) > 0.5).astype(np.int64)
    return np.asarray(_as_labels(subject.classes)[np.argmax(chances, axis=1)])


def tested_onnx(
    subject: Subject,
    content: bytes,
    golden: Sequence[Array],
    expected: Sequence[Array],
    tolerance: float,
) -> str:
    """Compare golden vectors if onnxruntime is here; say so if it is not.

    Raises
    ------
    ExportError
        If one differs, or onnxruntime does not run the model.
    """
    try:
        import onnxruntime
    except ImportError:
        return "onnx.checker: ok; golden vectors: not run, as onnxruntime is not installed"
    found = _run(onnxruntime, content, golden)
    if subject.classes is not None:
        label, *found = found
        if not np.array_equal(label, _labels_of(subject, found[0])):
            raise ExportError("ONNX: a label differs in onnxruntime")
    for y, z in zip(map(np.asarray, expected), found, strict=True):
        near = np.isclose(z, y, tolerance, tolerance, equal_nan=True)
        if not near.all():
            first = tuple(int(n) for n in np.argwhere(~near)[0])
            raise ExportError(
                f"ONNX: a golden vector differs in onnxruntime: {z[first]} at {first}, expected "
                f"{y[first]}"
            )
    return "onnx.checker: ok; golden vectors, onnxruntime: ok"


def _run(onnxruntime: Any, content: bytes, golden: Sequence[Array]) -> list[Array]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(content, options, ["CPUExecutionProvider"])
        names = [x.name for x in session.get_inputs()]
        feeds = dict(zip(names, map(np.asarray, golden), strict=True))
        return [np.asarray(y) for y in session.run(None, feeds)]
    except Exception as error:
        told = " ".join(str(error).split())
        raise ExportError(f"ONNX: onnxruntime does not run it: {told:.300}") from error
