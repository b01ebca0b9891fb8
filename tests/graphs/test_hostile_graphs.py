"""Graph files from strangers: all they say is checked, costs nothing, and never becomes code."""

import ast
import json
import math
import tracemalloc
from typing import Any

import numpy as np
import pytest
from adjoint.graph import Graph, Symbol, trace

import adjoint as ad
from adjoint import contract
from adjoint.compiler.program import Program
from adjoint.compiler.simplify.simplify import simplify
from adjoint.compiler.source.source import write
from adjoint.core import PRIMITIVES, Spec, metadata
from adjoint.graphs import archive
from sampled import sampled

FLOAT = np.dtype(float)
CODE = "intruder()"
WITH_METADATA = [name for name, card in PRIMITIVES.items() if card.param_names]

# What JSON can say in the place of metadata; none of it is metadata of any primitive.
HOSTILE = [
    CODE,
    "0]) or intruder() or (x[0",
    "'), intruder(), ('",
    "",
    {"tuple": [CODE]},
    {"list": [CODE]},
    {"tuple": [{"mark": "slot"}, CODE]},
    {"tuple": [{"slice": [CODE, None, None]}]},
    {"tuple": [{"slice": [None, None, {"float": "nan"}]}]},
    {"tuple": [{"tuple": [{"tuple": [{"tuple": [0]}]}]}]},
    {"dict": [["a", CODE]]},
    {"dtype": "O"},
    {"dtype": ">f8"},
    {"mark": "..."},
    {"slice": [0, 1, 1]},
    2**63,
    -(2**70),
    {"tuple": [2**63]},
]


def saved(graph):
    return json.loads(json.dumps(archive.document(graph)))


def load(content, max_entries=2**27):
    text = json.dumps(content).encode()
    return archive.parse(text, "a file", Graph, Symbol, max_entries=max_entries)


def refused(content, match="a file cannot be read as a saved graph"):
    with pytest.raises(ValueError, match=match):
        load(content)


def graph_of(name):
    """Return a graph of one primitive, with metadata of the card's own cases."""
    primitive = PRIMITIVES[name]
    args, params = contract.arguments(
        primitive, contract.cases(primitive)[0], np.random.default_rng(0)
    )
    floats = [n for n, x in enumerate(args) if x.dtype.kind == "f"] or [0]

    def f(*xs):
        full = list(args)
        for n, x in zip(floats, xs, strict=True):
            full[n] = x
        return primitive.bind(full, params)

    return trace(f, *(args[n] for n in floats), arguments=[f"x{n}" for n in floats])


def test_a_text_in_a_graph_reaches_source_as_a_text_alone():
    hostile = "\"'), intruder(), ('\\\n{x}"
    content = saved(graph_of("required"))
    (node,) = content["nodes"]
    text = node | {"params": node["params"] | {"message": hostile}}
    tree = ast.parse(write(simplify(load(content | {"nodes": [text]}))))
    assert hostile in [x.value for x in ast.walk(tree) if isinstance(x, ast.Constant)]
    assert "intruder" not in [x.id for x in ast.walk(tree) if isinstance(x, ast.Name)]


@pytest.mark.parametrize("name", WITH_METADATA)
def test_no_parameter_of_any_primitive_accepts_what_is_none_of_its_metadata(name):
    content = saved(graph_of(name))
    for parameter in PRIMITIVES[name].param_names:
        (node,) = content["nodes"]
        for value in HOSTILE:
            if (
                type(value) is str
                and metadata.accepted_by(PRIMITIVES[name].forward)[parameter] is str
            ):
                continue  # a text is what it should be; what becomes of it is tested below
            params = node["params"] | {parameter: value}
            refused(content | {"nodes": [node | {"params": params}]})
        without = {key: value for key, value in node["params"].items() if key != parameter}
        refused(content | {"nodes": [node | {"params": without}]})


@pytest.mark.parametrize("name", sampled(WITH_METADATA, 3))
@pytest.mark.parametrize("value", [CODE, f"0), {CODE}, (0", (CODE,), (slice(CODE, None),), [CODE]])
def test_source_holds_a_text_in_metadata_as_a_text_at_most(name, value):
    graph = graph_of(name)
    (node,) = graph.nodes
    for parameter in PRIMITIVES[name].param_names:
        node.params = {**PRIMITIVES[name].defaults, **(node.params or {}), parameter: value}
        try:
            found = ast.parse(write(graph))
        except (NotImplementedError, TypeError, ValueError, AttributeError):
            continue
        names = [part.id for part in ast.walk(found) if isinstance(part, ast.Name)]
        assert "intruder" not in names


def test_every_card_says_what_its_metadata_is():
    for name in WITH_METADATA:
        accepted = metadata.accepted_by(PRIMITIVES[name].forward)
        assert Any not in accepted.values(), name


NAMES = [
    "x):\n    intruder(",
    'x"""',
    "lambda",
    "print",
    "np",
    "special",
    "__import__",
    "x" * 41,
    "",
    " x",
    "x-y",
    "𝐱",  # which Python reads as x
    None,
    7,
    ["x"],
]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_identifiers_that_hide_nothing(name):
    content = saved(trace(lambda x: ad.sin(x), np.ones(2)))
    content["nodes"][0]["named"] = True
    for change in (
        lambda c: c.update(name=name),
        lambda c: c.update(arguments=[name]),
        lambda c: c["inputs"][0].update(name=name),
        lambda c: c["nodes"][0].update(name=name),
        lambda c: c["nodes"][0].update(origin=[name, 0, 0]),
        lambda c: c["nodes"][0].update(primitive=name),
    ):
        changed = json.loads(json.dumps(content))
        change(changed)
        if changed["nodes"][0]["origin"] and str(name).isidentifier() and type(name) is str:
            continue  # stands in a comment
        refused(changed)


@pytest.mark.parametrize("own", ["softmax", "strong_product", "count_terms", "add_at", "norm"])
def test_a_name_of_a_helper_hides_none(own):
    x = np.array([0.3, 0.1, 0.7])

    def f(x):
        y = ad.softmax(x) + np.linalg.norm(x)
        return ad.grad(lambda x: (x[[0, 0, 1]] @ x) ** 2)(x) * y

    for place in ("name", "arguments"):
        content = saved(trace(f, x)) | {place: own if place == "name" else [own]}
        program = Program(load(content), tiers={})
        np.testing.assert_allclose(program(x), f(x), rtol=1e-15)


@pytest.mark.parametrize(
    "dtype",
    [">f8", "<f8", "f8", "=f8", "O", "complex128", "S4", "M8[s]", "f8,f8", "float", 8, None],
)
def test_a_dtype_has_its_plain_name(dtype):
    content = saved(trace(lambda x: x.astype("float32") * np.ones(2), np.ones(2)))
    for change in (
        lambda c: c["inputs"][0].update(dtype=dtype),
        lambda c: c["nodes"][0].update(dtype=dtype),
        lambda c: c["nodes"][0]["params"].update(dtype={"dtype": dtype}),
        lambda c: c["nodes"][1]["args"][1]["array"].update(dtype=dtype),
    ):
        changed = json.loads(json.dumps(content))
        change(changed)
        refused(changed)


@pytest.mark.parametrize("place", [1, 2, -1, True, 0.0, "0", None, [0]])
def test_a_value_refers_to_those_before_it_alone(place):
    content = saved(trace(lambda x: ad.sin(x), np.ones(2)))
    content["nodes"][0]["args"] = [{"value": place}]
    refused(content)


@pytest.mark.parametrize(
    "operand", ["x", {"tuple": [1.0]}, {"list": []}, {"dtype": "float64"}, {"dict": []}]
)
def test_an_operand_is_a_number_or_an_array(operand):
    content = saved(trace(lambda x: x + 1.0, np.ones(2)))
    content["nodes"][0]["args"][1] = operand
    refused(content)
    content["outputs"] = [operand]
    refused(content)


@pytest.mark.parametrize(
    ("entry", "tree"),
    [
        ("gives", {"tuple": [0.0, 1]}),
        ("gives", {"tuple": [False, True]}),
        ("gives", {"tuple": [1, 0]}),
        ("gives", {"dict": [["a", 0], ["a", 1]]}),
        ("gives", {"dict": [[{"float": "nan"}, 0], ["b", 1]]}),
        ("gives", {"dict": [[{"array": {"dtype": "bool", "shape": [0], "base64": ""}}, 0]]}),
        ("takes", {"list": [0]}),
        ("takes", {"tuple": [0.0]}),
        ("takes", {"tuple": [CODE]}),
    ],
)
def test_a_structure_counts_its_leaves(entry, tree):
    content = saved(trace(lambda x: (ad.sin(x), x), np.ones(2)))
    refused(content | {entry: tree})


def test_a_key_of_a_dict_is_written_as_the_text_it_is():
    key = "'] or intruder() or x['"
    content = saved(trace(lambda p: {"b": p["a"]}, {"a": np.ones(2)}))
    content["takes"] = {"tuple": [{"dict": [[key, 0]]}]}
    content["gives"] = {"dict": [[key, 0]]}
    graph = load(content)
    np.testing.assert_array_equal(ad.compile(graph)({key: np.ones(2)})[key], np.ones(2))
    calls = [part for part in ast.walk(ast.parse(write(simplify(graph)))) if type(part) is ast.Call]
    assert not calls


@pytest.mark.parametrize("depth", [60, 900])
def test_what_is_nested_deep_is_refused(depth, tmp_path):
    path = tmp_path / "graph.json"
    content = saved(trace(lambda x: ad.sin(x), np.ones(2)))
    text = json.dumps(content | {"gives": "here"})
    path.write_text(text.replace('"here"', '{"tuple": [' * depth + "0" + "]}" * depth))
    with pytest.raises(ValueError, match="cannot be read as a saved graph"):
        Graph.load(path)


# --- sizes ----------------------------------------------------------------------------------------

HUGE = 10**9
SIZES = {
    "tile": lambda x: np.tile(x, HUGE),
    "repeat": lambda x: np.repeat(x, HUGE),
    "repeat, each": lambda x: np.repeat(x, (HUGE, 1, HUGE)),
    "pad with zeros": lambda x: np.pad(x, HUGE),
    "pad with entries": lambda x: np.pad(x, HUGE, mode="edge"),
    "broadcast": lambda x: np.broadcast_to(x, (HUGE, 3)),
    "zeros": lambda x: np.zeros_like(x, shape=(HUGE, HUGE)),
    "uniform": lambda x: ad.uniform(x, shape=(HUGE,)),
    "diagonal matrix": lambda x: np.diagflat(x, HUGE),
    "outer": lambda x: np.tile(x, HUGE)[:, None] * x,
    "index": lambda x: x[np.argsort(np.tile(x, HUGE))],
    "diagonal": lambda x: np.diagonal(np.diagflat(x, HUGE)),
    "einsum": lambda x: np.einsum("i,j->ij", np.tile(x, HUGE), x),
    "put": lambda x: ad.ops.indexing.put_at(np.tile(x, HUGE), 1.0, key=(slice(None, None, 2),)),
    "scatter": lambda x: ad.ops.indexing.scatter_add(x, key=(slice(0, 3),), shape=(HUGE,)),
    "concatenate": lambda x: np.concatenate([np.tile(x, HUGE), x]),
    "windows": lambda x: ad.ops.windows.sliding_windows(np.tile(x, HUGE), (HUGE,)),
    "convolution": lambda x: np.convolve(np.tile(x, HUGE), x),
    "matmul": lambda x: np.tile(x, HUGE)[:, None] @ x[None],
    "roll": lambda x: np.roll(np.tile(x, HUGE), 1),
    "reshape": lambda x: np.tile(x, HUGE).reshape(-1, 3),
    "sum": lambda x: np.tile(x, HUGE).reshape(-1, 3).sum(axis=1),
}


@pytest.mark.parametrize("name", SIZES)
def test_shapes_are_told_without_arrays(name, tmp_path):
    path = tmp_path / "graph.json"
    tracemalloc.start()
    graph = trace(SIZES[name], np.ones(3))
    graph.save(path)
    loaded = Graph.load(path, max_entries=10**20)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert repr(loaded) == repr(graph)
    assert peak < 2**20
    with pytest.raises(ValueError, match=r"more than 134,217,728 entries.*max_entries"):
        Graph.load(path)


@pytest.mark.parametrize("shape", [[2**70], [2**31, 2**31], [-1], [1.0], [True], [1] * 65, "3", {}])
def test_a_declared_shape_is_one_of_numpys(shape):
    content = saved(trace(lambda x: ad.sin(x), np.ones(2)))
    content["inputs"][0]["shape"] = content["nodes"][0]["shape"] = shape
    refused(content)


@pytest.mark.parametrize("shape", [[HUGE], [3, 3], [-3], [3.0]])
def test_an_array_has_the_bytes_of_its_shape(shape):
    content = saved(trace(lambda x: x * np.array([1.0, 2.0, 4.0]), np.ones(3)))
    content["nodes"][0]["args"][1]["array"]["shape"] = shape
    refused(content)


# Native code trusts a graph's shapes: where they do not fit, it would read beyond an array.
MISFITS = {
    "scatter_add": ([(4,)], {"key": (slice(0, 3),), "shape": (9,)}),
    "put_at": ([(9,), (4,)], {"key": (slice(0, 3),)}),
    "index": ([(3,)], {"key": (3,)}),
    "overlay": ([(9, 3)], {"size": (3,), "stride": (1,), "dilation": (1,), "shape": (6,)}),
    "windows": ([(2,)], {"size": (3,), "stride": (1,), "dilation": (1,)}),
    "uniform": ([(2,)], {"shape": (3,)}),
    "sum_to": ([(3,)], {"shape": (2,)}),
    "broadcast_to": ([(3,)], {"shape": (4,)}),
    "transpose": ([(3, 3)], {"axes": (0, 0)}),
    "reshape": ([(4,)], {"shape": (-2, -2)}),
    "softmax": ([(2, 3)], {"axis": 4}),
    "flip": ([(2, 3)], {"axis": 4}),
    "argsort": ([(2, 3)], {"axis": 4, "kind": None, "stable": None}),
    "linear_recurrence": ([(3,), (3,)], {"axis": 4}),
    "cumsum": ([(3,)], {"axis": 1}),
    "cumprod": ([(3,)], {"axis": -2}),
    "sum": ([(3,)], {"axis": (0, 0), "keepdims": False}),
    "max": ([()], {"axis": 1, "keepdims": False}),
    "with_full_rank": ([(2, 2), (2, 2), (2,), (2, 2)], {}),
    "pad_with_zeros": ([(3,)], {"pad_width": ((1, 1), (1, 1))}),
    "zeros_like": ([(3,)], {"dtype": None, "shape": (-1,)}),
    "named_product": ([(3,), (4,)], {"subscripts": "i,i->", "optimize": False}),
    "searchsorted": ([(3, 3), (2,)], {"side": "left"}),
    "softmax_cross_entropy": ([(3, 4), (2,)], {}),
    "tanh": ([(3,), (3,)], {}),
    "add": ([(3,)], {}),
}


@pytest.mark.parametrize("name", MISFITS)
def test_arguments_that_do_not_fit_an_operation_are_refused(name):
    shapes, params = MISFITS[name]
    content = saved(trace(lambda *xs: ad.sin(xs[0]), *(Spec(s, FLOAT) for s in shapes)))
    node = content["nodes"][0] | {
        "primitive": name,
        "args": [{"value": n} for n in range(len(shapes))],
        "params": {key: archive._encode(value) for key, value in params.items()},
    }
    refused(content | {"nodes": [node]}, match="operation 0 does not fit")


def test_metadata_in_numpys_types_is_metadata_of_pythons(tmp_path):
    def f(x):
        y = np.repeat(x, np.array([1, 2, 0])).sum(axis=np.int64(0))
        y = y + np.zeros_like(x, dtype=np.float32) + np.isclose(x, 1.0, atol=np.float64(np.inf))
        return np.roll(y, np.array([1])).reshape(np.array([3, 1])).astype(np.float32)

    x = np.arange(3.0)
    graph = trace(f, x)
    graph.save(tmp_path / "graph.json")
    loaded = Graph.load(tmp_path / "graph.json")
    assert repr(loaded) == repr(graph)
    for program in (ad.compile(f), Program(loaded, tiers={}), loaded):
        with pytest.warns(RuntimeWarning) if program is loaded else np.errstate(all="ignore"):
            np.testing.assert_array_equal(program(x), f(x))
    assert math.prod(graph.outputs[0].shape) == 3


@pytest.mark.parametrize("decimals", [23, 400, -400])
def test_rounding_to_any_number_of_places_is_the_same_when_compiled(decimals):
    x = np.linspace(-2, 2, 7)
    with np.errstate(all="ignore"):
        expected = np.round(x, decimals)
        found = ad.compile(lambda x: np.round(x, decimals))(x)
    np.testing.assert_array_equal(found, expected)


def test_a_search_that_never_ends_is_not_begun():
    terms = ",".join("i" * 12)
    content = saved(trace(lambda x: ad.sin(x), np.ones(2)))
    node = content["nodes"][0] | {
        "primitive": "named_product",
        "args": [{"value": 0}] * 12,
        "params": {"subscripts": f"{terms}->i", "optimize": "optimal"},
    }
    refused(content | {"nodes": [node]}, match="which never ends")
    node["params"]["optimize"] = {"tuple": ["optimal", 1000]}
    refused(content | {"nodes": [node]}, match="which never ends")
    node["params"]["optimize"] = "greedy"
    assert load(content | {"nodes": [node]}).outputs[0].shape == (2,)
