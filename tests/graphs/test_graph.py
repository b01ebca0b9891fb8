"""The static graph: tracing with symbols, and what Python may not do with them."""

import copy
import json
import pickle

import numpy as np
import pytest
from adjoint.graph import Graph, Symbol, trace

import adjoint as ad
from adjoint import contract
from adjoint.graphs.tracing import naming
from sampled import sampled


def test_a_graph_evaluates_like_the_function():
    def f(x, w):
        return np.tanh(x @ w).mean(), x.T

    x, w = np.ones((3, 2)), np.full((2, 4), 0.3)
    graph = trace(f, x, w)
    assert isinstance(graph, Graph)
    for got, expected in zip(graph(x, w), f(x, w), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-15)


def test_symbols_know_shape_and_dtype_only():
    seen = []
    trace(lambda x: seen.append(x) or x, np.ones((2, 3), np.float32), may_act=True)
    assert (seen[0].shape, seen[0].dtype) == ((2, 3), np.float32)
    assert repr(seen[0]) == "symbol(float32[2, 3])"


@pytest.mark.parametrize("convert", [bool, int, lambda x: x.item()])
def test_python_may_not_look_at_a_symbol(convert):
    with pytest.raises(TypeError, match=r"no number yet.*ad\.where"):
        trace(lambda x: convert(x.sum()), np.ones(3))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (0,), (3,)])
def test_a_detached_symbol_is_a_constant(shape, dtype):
    def f(x):
        return np.sum(x.detach() * x)

    x = np.full(shape, 1.5, dtype)
    for program in (ad.compile(f), lambda x: f(ad.tensor(x))):
        assert float(program(x)) == 2.25 * x.size
    gradient = ad.compile(ad.grad(f))(x)
    np.testing.assert_array_equal(gradient, x)
    assert gradient.dtype == dtype
    np.testing.assert_array_equal(ad.explain(f, x).gradient["x"], x)
    assert ad.draw(f, x).record.has_gradient


@pytest.mark.parametrize("convert", [float, np.asarray])
def test_numpy_and_float_are_not_given_a_symbol_but_told_what_takes_it(convert):
    with pytest.raises(TypeError, match=r"no numbers? yet.*NumPy's functions take x as it is"):
        trace(lambda x: convert(x.sum()), np.ones(3))


def test_a_function_without_a_card_cannot_be_traced():
    with pytest.raises(TypeError, match="spacing cannot be traced"):
        trace(np.spacing, np.ones(3))


def test_shapes_are_checked_while_tracing():
    with pytest.raises(ad.ShapeError, match=r"inner sizes differ, \(2, 3\) @ \(4, 2\)"):
        trace(lambda x, y: x @ y, np.ones((2, 3)), np.ones((4, 2)))
    for join in (np.concatenate, np.stack):
        with pytest.raises(ad.ShapeError, match=r"\(2, 3\), \(4, 2\)"):
            trace(lambda x, y, join=join: join([x, y]), np.ones((2, 3)), np.ones((4, 2)))
    with pytest.raises(ad.ShapeError, match="cannot reshape 3 entries"):
        trace(lambda x: x.reshape(2, 2), np.ones(3))


def test_a_mask_of_unknown_count_cannot_be_traced():
    with pytest.raises(TypeError, match=r"how many entries.*ad\.where"):
        trace(lambda x: x[x > 0], np.ones(3))


def test_tensors_are_constants_of_the_graph():
    w = ad.tensor([2.0], requires_grad=True)
    graph = trace(lambda x: w * w * x, np.ones(1))
    assert graph(np.array([3.0])).tolist() == [12.0]
    assert all(isinstance(symbol, Symbol) for symbol in graph.outputs)


# --- structure and names


def test_arguments_and_results_keep_their_structure():
    def f(p, pair):
        return {"sum": p["w"] @ pair[0] + p["b"], "parts": [pair[1], 2.0]}

    p = {"w": np.ones((2, 3)), "b": np.ones(2)}
    pair = (np.arange(3.0), np.ones(1))
    graph = trace(f, p, pair)
    result = graph(p, pair)
    np.testing.assert_array_equal(result["sum"], [4, 4])
    assert result["parts"][0].tolist() == [1.0]
    assert result["parts"][1] == 2.0
    assert [graph.names[x.node] for x in graph.inputs] == ["p_w", "p_b", "pair_0", "pair_1"]


def test_values_have_the_users_names():
    def f(x, w):
        hidden = np.tanh(x @ w)
        return (hidden * hidden).sum()

    graph = trace(ad.value_and_grad(f, argnums=1), np.ones((3, 2)), np.ones((2, 4)))
    names = list(graph.names.values())
    assert {"x", "w", "hidden", "d_hidden", "d_w"} <= set(names)
    assert len(set(names)) == len(names)
    assert repr(graph) == repr(
        trace(ad.value_and_grad(f, argnums=1), np.ones((3, 2)), np.ones((2, 4)))
    )


def test_names_shadow_nothing_and_are_unique():
    def f(np_, sum):
        lambda_ = np_ * sum
        v1 = lambda_ + 1
        for _ in range(3):
            max = v1 * 2
            v1 = max + 1
        return v1

    graph = trace(f, np.ones(2), np.ones(2))
    names = list(graph.names.values())
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() for name in names)
    assert not {"np", "sum", "max", "lambda"} & set(names)


def test_a_layers_results_are_named_after_their_role():
    model = ad.nn.MLP(2, 4, 2, rng=0)
    graph = trace(model, np.ones((5, 2)))
    assert {"a1", "z1", "a2"} <= set(graph.names.values())


def test_the_profiler_is_given_back():
    import sys

    before = sys.getprofile()
    with pytest.raises(ZeroDivisionError):
        trace(lambda x: 1 // 0, np.ones(1))
    assert sys.getprofile() is before


def test_a_backward_node_knows_the_rule_that_made_it():
    graph = trace(ad.grad(lambda w: np.tanh(w).sum()), np.ones(3))
    origins = {node.primitive.name: node.origin for node in graph.nodes}
    assert origins["strong_multiply" if "strong_multiply" in origins else "multiply"].rule == "tanh"
    assert origins["tanh"] is None


def test_trace_of_a_matrix_advises_numpys():
    with pytest.raises(TypeError, match=r"np\.trace\(x\)"):
        ad.trace(np.eye(2))


# --- costs, evaluation


def test_a_graph_counts_its_operations():
    graph = trace(lambda x, w: np.tanh(x @ w), np.ones((3, 2)), np.ones((2, 4)))
    assert graph.operations == {"matmul": 1, "tanh": 1}
    assert graph.flops == 2 * 3 * 2 * 4 + 12
    assert graph.bytes == 8 * (6 + 8 + 12 + 12)


@pytest.mark.parametrize(
    ("args", "kind", "message"),
    [
        ([np.ones(3)], ad.ShapeError, r"x: shape \(3,\).*traced for \(2,\)"),
        ([np.ones(2, complex)], TypeError, "complex"),
        ([np.ones(2), np.ones(2)], ValueError, "trees differ"),
    ],
)
def test_wrong_arguments_are_refused(args, kind, message):
    graph = trace(lambda x: 2 * x, np.ones(2))
    with pytest.raises(kind, match=message):
        graph(*args)


def test_changing_an_array_later_does_not_change_the_graph():
    scale = np.ones(2)
    graph = trace(lambda x: x * scale, np.ones(2))
    scale[:] = 7
    assert graph(np.ones(2)).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("derivative", [ad.grad, ad.hessian, ad.jacobian])
def test_derivatives_trace(derivative):
    def f(x):
        return (np.exp(x[0]) * x[1] ** 3).sum()

    x = np.array([0.3, 1.2])
    np.testing.assert_allclose(trace(derivative(f), x)(x), derivative(f)(x), rtol=1e-14)


def test_a_graph_can_be_differentiated_and_traced_again():
    graph = trace(lambda x: np.sin(x).sum(), np.ones(2))
    x = np.array([0.1, 0.2])
    np.testing.assert_allclose(ad.grad(graph)(x), np.cos(x))
    assert trace(graph, x).operations == graph.operations


# --- files


def _cases():
    for primitive in ad.core.PRIMITIVES.values():
        for case in contract.cases(primitive):
            yield pytest.param(primitive, case, id=primitive.name)


@pytest.mark.parametrize(("primitive", "case"), sampled(_cases(), 3))
def test_every_primitive_is_saved_and_loaded(primitive, case, tmp_path):
    args, params = contract.arguments(primitive, case, np.random.default_rng(0))
    floats = [n for n, x in enumerate(args) if x.dtype.kind == "f"]

    def f(*xs):
        full = list(args)
        for n, x in zip(floats, xs, strict=True):
            full[n] = x
        return primitive.bind(full, params)

    given = [args[n] for n in floats]
    graph = trace(f, *given)
    graph.save(tmp_path / "graph.json")
    loaded = Graph.load(tmp_path / "graph.json")
    assert repr(loaded) == repr(graph)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(loaded(*given), graph(*given))


def test_a_saved_graph_keeps_structure_names_and_origins(tmp_path):
    def f(p):
        return {"loss": (np.tanh(p["w"]) * [np.nan, 1, np.inf]).sum()}

    graph = trace(lambda p: (f(p), ad.grad(lambda p: f(p)["loss"])(p)), {"w": np.ones(3)})
    graph.save(tmp_path / "graph.json")
    loaded = Graph.load(tmp_path / "graph.json")
    assert (repr(loaded), loaded.gives) == (repr(graph), graph.gives)
    assert [node.origin for node in loaded.nodes] == [node.origin for node in graph.nodes]


def test_a_function_with_its_own_rule_is_not_saved(tmp_path):
    own = ad.custom_vjp(lambda g, y, x: (g,))(lambda x: x.copy())
    with pytest.raises(TypeError, match="derivative rule of its own"):
        trace(lambda x: own(x), np.ones(2)).save(tmp_path / "graph.json")


def _damage(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


DAMAGES = {
    "another version": lambda c: c.update(version=99),
    "not ours": lambda c: c.update(format="something"),
    "no nodes": lambda c: c.pop("nodes"),
    "unknown primitive": lambda c: c["nodes"][0].update(primitive="os.system"),
    "later value": lambda c: c["nodes"][0].update(args=[{"value": 5}]),
    "no value": lambda c: c["nodes"][0].update(args=[1.0, 2.0]),
    "wrong metadata": lambda c: c["nodes"][0].update(params={"axis": 3}),
    "wrong shape": lambda c: c["nodes"][0].update(shape=[9]),
    "negative shape": lambda c: c["inputs"][0].update(shape=[-1]),
    "object dtype": lambda c: c["inputs"][0].update(dtype="O"),
    "code as a name": lambda c: c["inputs"][0].update(name="x):\n    import os"),
    "code as a rule": lambda c: c["nodes"][0].update(origin=["x\nimport os", 0, 0]),
    "unknown tag": lambda c: c["nodes"][0]["args"].append({"pickle": "gAN9"}),
    "short array": lambda c: c["nodes"][1]["args"][1]["array"].update(base64="AAAA"),
    "no tree": lambda c: c.update(gives=7),
    "a list": lambda c: c.update(inputs=7),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_refused(damage, tmp_path):
    path = tmp_path / "graph.json"
    trace(lambda x: (x + x) * np.array([1.0, 2.0]), np.ones(2)).save(path)
    _damage(path, DAMAGES[damage])
    with pytest.raises(ValueError, match="cannot be read as a saved graph"):
        Graph.load(path)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, "\x00"])
def test_a_truncated_file_is_refused(text, tmp_path):
    path = tmp_path / "graph.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="cannot be read as a saved graph"):
        Graph.load(path)


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda graph: pickle.loads(pickle.dumps(graph))])
def test_a_copied_graph_computes_the_same(clone):
    graph = trace(lambda x: np.sin(x) * 2, np.ones(2))
    twin = clone(graph)
    np.testing.assert_array_equal(twin(np.array([1.0, 2.0])), graph(np.array([1.0, 2.0])))
    assert twin.nodes[0] is not graph.nodes[0]
    assert vars(twin).keys() == vars(graph).keys()


def test_a_pickled_graph_of_another_version_is_refused(monkeypatch):
    graph = trace(np.sin, np.ones(2))
    monkeypatch.setattr("adjoint.graph.__version__", "0.3.0")
    text = pickle.dumps(graph)
    monkeypatch.undo()
    with pytest.raises(ValueError, match=r"version 0\.3\.0 of adjoint, .* Graph\.save"):
        pickle.loads(text)


@pytest.mark.parametrize(("function", "names"), [(np.sin, ("x",)), (np.multiply, ("x1", "x2"))])
def test_a_ufunc_has_argument_names_also_where_numpy_gives_it_no_signature(
    function, names, monkeypatch
):
    def none(_):
        raise ValueError("no signature")

    monkeypatch.setattr(naming.inspect, "signature", none)
    assert naming.argument_names(function, [1.0, 2.0][: len(names)]) == names
