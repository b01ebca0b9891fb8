"""Files of ONNX do in onnxruntime what the model does."""

import json
import sys

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import adjoint as ad
from adjoint import nn
from adjoint.estimators import MLPClassifier, MLPRegressor
from adjoint.exporting.exported import export
from adjoint.exporting.refusal import ExportError
from exported_networks import F32, F64, NETWORKS, assert_like, outputs, rng, rows
from sampled import sampled

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
CHECKED = "onnx.checker: ok; golden vectors, onnxruntime: ok"


def session(path):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])


def run(path, *arrays):
    """Return the results by name."""
    loaded = session(path)
    names = [x.name for x in loaded.get_inputs()]
    found = loaded.run(None, dict(zip(names, arrays, strict=True)))
    return dict(zip([y.name for y in loaded.get_outputs()], found, strict=True))


def first(found):
    return next(iter(found.values()))


def in_dtype(model, dtype):
    for parameter in model.parameters():
        parameter.data = parameter.data.astype(dtype)
    for module in model.modules():
        for value in vars(module).values():
            if isinstance(value, nn.Buffer):
                value.data = value.data.astype(dtype)
    return model


MORE = {
    "elu": lambda: (nn.MLP(3, 8, 2, activation="elu", dtype=F64, rng=0), (3,), F64),
    "mish": lambda: (nn.MLP(3, 8, 2, activation="mish", dtype=F64, rng=0), (3,), F64),
    "selu": lambda: (nn.MLP(3, 8, 2, activation="selu", dtype=F64, rng=0), (3,), F64),
    "LSTM": lambda: (nn.LSTM(3, 4, dtype=F64, rng=0), (5, 3), F64),
    "transposed": lambda: (nn.ConvTranspose2d(2, 3, 3, stride=2, rng=0), (2, 4, 5), F64),
    "pooled": lambda: (nn.AvgPool(2), (2, 6, 6), F64),
    "groups": lambda: (nn.GroupNorm(2, 4, dtype=F64), (4, 5), F64),
    "prelu": lambda: (nn.Sequential(nn.Linear(3, 4, dtype=F64, rng=0), nn.PReLU()), (3,), F64),
    "glu": lambda: (nn.Sequential(nn.Linear(3, 4, dtype=F64, rng=0), nn.GLU()), (3,), F64),
    "upsampled": lambda: (nn.Upsample(2), (2, 3, 3), F64),
}
ALL = {**NETWORKS, **MORE}


@pytest.mark.parametrize("dtype", [F64, F32])
@pytest.mark.parametrize("name", sampled(ALL, 5))
def test_onnxruntime_gives_what_the_network_gives(name, dtype, tmp_path, full):
    model, shape, _ = ALL[name]()
    x = rows(shape, dtype, 10_000 if full else 40)
    done = export(in_dtype(model, dtype), tmp_path / "net.onnx", x[:1])
    assert done.tested == CHECKED
    found = first(run(tmp_path / "net.onnx", x))
    assert found.dtype == dtype
    # NumPy's own float32 is 2e-6 away from float64 for the convolution, and so is onnxruntime's.
    assert_like(found, outputs(model, x).astype(dtype), narrow=4e-6)


@pytest.mark.parametrize("count", [0, 1, 7, 101])
def test_any_number_of_rows_will_do(count, tmp_path):
    model = nn.Sequential(nn.Linear(101, 6, dtype=F64, rng=0), nn.LayerNorm(6, dtype=F64))
    export(model, tmp_path / "net.onnx", np.ones((1, 101)))
    x = rng().normal(size=(count, 101))
    found = first(run(tmp_path / "net.onnx", x))
    np.testing.assert_allclose(found, model(x).data, rtol=1e-12, atol=1e-12)


class Centred(nn.Module):
    def forward(self, x):
        return (x - x.sum(axis=0) / x.shape[0]) * np.ones((x.shape[0], 1))


def test_the_number_of_rows_is_computed_where_it_is_needed(tmp_path):
    export(Centred(), tmp_path / "net.onnx", np.ones((1, 3)))
    x = rng().normal(size=(9, 3))
    np.testing.assert_allclose(first(run(tmp_path / "net.onnx", x)), x - x.mean(axis=0), atol=1e-12)


class Squared(nn.Module):
    def forward(self, x):
        return x * (x.shape[0] ** 2)


def test_what_depends_on_the_number_of_rows_otherwise_is_refused(tmp_path):
    with pytest.raises(ExportError, match="depends on the number of rows"):
        export(Squared(), tmp_path / "net.onnx", np.ones((1, 3)))
    assert not list(tmp_path.iterdir())


def test_nodes_have_the_paths_of_modules_and_weights_their_names(tmp_path):
    model = nn.TransformerEncoderLayer(8, 2, 16, rng=0)
    export(model, tmp_path / "net.onnx", np.ones((1, 4, 8), F32))
    graph = onnx.load(tmp_path / "net.onnx").graph
    names = {tensor.name for tensor in graph.initializer}
    assert names >= {name for name, _ in model.named_parameters()}
    nodes = [node.name for node in graph.node]
    assert len(set(nodes)) == len(nodes)
    assert "attention.query/MatMul" in nodes
    assert "feedforward.layers[1]/Relu" in nodes


def test_the_opset_and_the_axis_of_rows_are_told(tmp_path):
    export(nn.Linear(3, 2, rng=0), tmp_path / "net.onnx", np.ones((1, 3), F32))
    model = onnx.load(tmp_path / "net.onnx")
    assert [(one.domain, one.version) for one in model.opset_import] == [("", 21)]
    for value in (*model.graph.input, *model.graph.output):
        assert value.type.tensor_type.shape.dim[0].dim_param == "N"


def test_the_file_brings_golden_vectors(tmp_path):
    model = nn.MLP(2, 3, 1, activation="tanh", dtype=F64, rng=0)
    export(model, tmp_path / "net.onnx", np.ones((1, 2)))
    told = {p.key: p.value for p in onnx.load(tmp_path / "net.onnx").metadata_props}
    # JSON has no word for NaN and infinity, and other readers than Python's refuse it.
    golden = json.loads(told["golden"], parse_constant=pytest.fail)
    x, y = (
        np.array(golden[kind][name], float)
        for kind, name in (("inputs", "x"), ("outputs", "output"))
    )
    assert {"nan", "inf"} <= set(map(str, x.ravel()))
    np.testing.assert_allclose(run(tmp_path / "net.onnx", x)["output"], y, rtol=1e-12)


def test_a_runtime_that_computes_otherwise_is_told_and_nothing_is_written(tmp_path, monkeypatch):
    from adjoint.exporting.onnx_rules import RULES

    monkeypatch.setitem(RULES, "tanh", RULES["exp"])
    with pytest.raises(ExportError, match="a golden vector differs in onnxruntime"):
        export(nn.Tanh(), tmp_path / "net.onnx", np.ones((1, 2)))
    assert not list(tmp_path.iterdir())


def test_without_onnxruntime_it_is_said_that_nothing_ran(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    done = export(nn.Tanh(), tmp_path / "net.onnx", np.ones((1, 2)))
    assert "golden vectors: not run, as onnxruntime is not installed" in done.tested


def test_without_onnx_the_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match="a file of ONNX needs onnx: python -m pip install onnx"):
        export(nn.Tanh(), tmp_path / "net.onnx", np.ones((1, 2)))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (np.arctan, 'computes Atan in float32 only; .* dtype="float32"'),
        (lambda x: np.linalg.inv(np.reshape(x, (2, 2))), "ONNX has no inv"),
        (np.sort, "ONNX has no order of NaN"),
    ],
)
def test_what_onnx_lacks_is_named(function, words, tmp_path):
    with pytest.raises(ExportError, match=words):
        export(function, tmp_path / "net.onnx", np.arange(4.0))
    assert not list(tmp_path.iterdir())


def test_an_index_out_of_range_fails(tmp_path):
    model = nn.Embedding(5, 3, rng=0)
    export(model, tmp_path / "net.onnx", np.array([[1, 2]]))
    found = first(run(tmp_path / "net.onnx", np.array([[4, 0]])))
    np.testing.assert_array_equal(found, model(np.array([[4, 0]])).data)
    for wrong in (5, -1, -6):
        with pytest.raises(Exception, match="out of"):
            run(tmp_path / "net.onnx", np.array([[1, wrong]]))


def test_a_compiled_function_and_its_gradient_are_exported(tmp_path):
    def loss(w):
        return np.sum(np.where(w > 0, np.sqrt(w), 0.0)) + np.mean(w[1:] * w[:-1])

    both = ad.compile(ad.value_and_grad(loss))
    w = np.array([1.0, 0.0, -1.0, 4.0])
    expected = both(w)
    export(both, tmp_path / "net.onnx")
    found = run(tmp_path / "net.onnx", w)
    assert list(found) == ["output_0", "output_1"]
    np.testing.assert_allclose(found["output_0"], expected[0])
    np.testing.assert_allclose(found["output_1"], expected[1])


# --- estimators


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize(
    ("classes", "dtype"),
    sampled(
        [(["红", "b", "c"], F64), ([3, -1, 7], F32), ([False, True], F64), (["yes", "no"], F32)], 3
    ),
)
def test_a_pipeline_gives_labels_and_probabilities(classes, dtype, tmp_path):
    X = (rng().normal(size=(60, 4)) * [1, 10, 100, 1000]).astype(dtype)
    codes = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
    y = np.array(classes)[np.minimum(codes, len(classes) - 1)]
    model = make_pipeline(StandardScaler(), MLPClassifier((8,), max_iter=3, random_state=0))
    assert export(model.fit(X, y), tmp_path / "net.onnx").tested == CHECKED
    found = run(tmp_path / "net.onnx", X)
    assert list(found) == ["label", "probabilities"]
    assert found["label"].tolist() == model.predict(X).tolist()
    tolerance = 1e-12 if dtype == F64 else 1e-6
    np.testing.assert_allclose(found["probabilities"], model.predict_proba(X), atol=tolerance)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_several_labels_a_row_are_a_matrix(tmp_path):
    X = rng().normal(size=(60, 4))
    model = MLPClassifier((8,), max_iter=3, random_state=0).fit(X, (X[:, :3] > 0).astype(int))
    export(model, tmp_path / "net.onnx")
    found = run(tmp_path / "net.onnx", X)
    assert found["label"].tolist() == model.predict(X).tolist()
    np.testing.assert_allclose(found["probabilities"], model.predict_proba(X), rtol=1e-12)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_missing_numbers_and_unseen_categories_are_exported(tmp_path):
    X = rng().normal(size=(60, 4))
    X[::7, 1], X[:, 3] = np.nan, rng().integers(0, 4, 60)
    settings = {"loss": "quantile", "quantile": [0.1, 0.5, 0.9], "missing": "mean"}
    network = MLPRegressor(
        hidden_layer_sizes=(8,), max_iter=3, categorical_features=[3], random_state=0, **settings
    )
    model = network.fit(X, X[:, 0])
    X[1, 3], X[2, 3], X[3, 0] = 99, np.nan, np.nan
    export(model, tmp_path / "net.onnx")
    found = run(tmp_path / "net.onnx", X)
    np.testing.assert_allclose(found["variable"], model.predict(X), rtol=1e-10, atol=1e-12)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_a_scaled_regression_is_a_column(tmp_path):
    X = rng().normal(size=(60, 3))
    model = make_pipeline(MinMaxScaler(), MLPRegressor(hidden_layer_sizes=(8,), random_state=0))
    model.fit(X, X[:, 0])
    export(model, tmp_path / "net.onnx")
    found = run(tmp_path / "net.onnx", X)["variable"]
    assert found.shape == (60, 1)
    np.testing.assert_allclose(found[:, 0], model.predict(X), rtol=1e-10)


@pytest.mark.parametrize("suffix", [".onnx", ".py"])
def test_a_model_of_float64_is_exported_in_float32_if_asked(suffix, tmp_path):
    model = nn.MLP(3, 8, 2, activation="tanh", dtype=F64, rng=0)
    before = [parameter.data for parameter in model.parameters()]
    x = rng().normal(size=(5, 3))
    path = tmp_path / f"net{suffix}"
    export(model, path, x[:1], dtype="float32")
    if suffix == ".onnx":
        found = first(run(path, x.astype(F32)))
    else:
        scope = {"__name__": "net"}
        exec(path.read_text(), scope)
        found = scope["net"](x)
    assert found.dtype == F32
    np.testing.assert_allclose(found, model(x).data, atol=1e-6)
    assert all(now.data is old for now, old in zip(model.parameters(), before, strict=True))


def test_float32_brings_what_float64_lacks(tmp_path):
    x = np.linspace(-3, 3, 7)
    export(np.arctan, tmp_path / "net.onnx", x, dtype="float32")
    np.testing.assert_allclose(first(run(tmp_path / "net.onnx", x.astype(F32))), np.arctan(x), 1e-6)


def test_an_unknown_dtype_is_refused(tmp_path):
    with pytest.raises(ExportError, match="expected 'float32' or 'float64', got 'float16'"):
        export(nn.Tanh(), tmp_path / "net.onnx", np.ones((1, 2)), dtype="float16")


@pytest.mark.parametrize(
    ("function", "x"),
    [
        (lambda b: np.where(b, ~b, b) & True, np.array([True, False])),
        (lambda n: n // 2 + n % 3 - abs(n), np.arange(-5, 6)),
        (lambda n: np.mean(n) + n.max(), np.arange(5)),
        (lambda x: x.astype(np.float32) + x, np.linspace(-1, 1, 5)),
        (lambda x: np.concatenate([x[::-1], x > 0]), np.linspace(-1, 1, 5)),
        (lambda x: np.ones(3), np.ones(2)),
        (lambda x: (x, x), np.float64(3)),
    ],
)
def test_functions_of_all_dtypes_and_shapes_are_exported(function, x, tmp_path):
    export(function, tmp_path / "net.onnx", x)
    found = list(run(tmp_path / "net.onnx", np.asarray(x)).values())
    expected = function(x) if isinstance(function(x), tuple) else (function(x),)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.dtype == np.asarray(theirs).dtype
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


class Named(nn.Module):
    def forward(self, a, b):
        return {"total": a + b, "parts": (a * 2.0, b[:, 0])}


def test_results_are_named_after_their_places(tmp_path):
    export(Named(), tmp_path / "net.onnx", np.ones((1, 2)), np.ones((1, 2)))
    found = run(tmp_path / "net.onnx", np.ones((3, 2)), np.zeros((3, 2)))
    shapes = {name: y.shape for name, y in found.items()}
    assert shapes == {
        "output_total": (3, 2),
        "output_parts_0": (3, 2),
        "output_parts_1": (3,),
    }
