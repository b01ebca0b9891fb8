"""Models of tables and frames take a named input for each column in ONNX."""

import json
from collections import Counter

import numpy as np
import pandas as pd
import pyarrow
import pytest

from adjoint.cli.main import main
from adjoint.estimators import MLPClassifier, TabularClassifier, TabularRegressor
from adjoint.exporting.exported import export
from adjoint.exporting.onnx_graph import OnnxGraph
from adjoint.exporting.onnx_texts import tidy_codes
from adjoint.exporting.refusal import ExportError
from adjoint.tables.column import PARTS, Column
from adjoint.tables.date_format import DateFormat
from adjoint.tables.folder import load_model
from sampled import sampled
from table_texts import HOSTILE, LEVELS

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
CHECKED = "onnx.checker: ok; golden vectors, onnxruntime: ok"


def run(path, columns):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    feeds = {name: np.asarray(values)[:, np.newaxis] for name, values in columns.items()}
    found = session.run(None, feeds)
    return dict(zip([y.name for y in session.get_outputs()], found, strict=True))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return the folder of a model with numbers in €, categories, dates and missing values."""
    place = tmp_path_factory.mktemp("onnx")
    rng = np.random.default_rng(0)
    lines = ["Preis;Art;Tag;y"]
    for n in range(200):
        price = "" if n % 11 == 0 else f"{rng.uniform(1, 99):.2f} €".replace(".", ",")
        name = "NA" if n % 13 == 0 else ["rot", "blau", "grün*/", "1"][n % 4]
        day = "" if n % 17 == 0 else f"{1 + n % 28}.{1 + n % 12}.202{n % 5}"
        lines.append(f"{price};{name};{day};{['ja', 'nein'][int(rng.integers(0, 2))]}")
    (place / "t.csv").write_text("\n".join(lines) + "\n", "utf-8")
    arguments = ["fit", str(place / "t.csv"), "--target", "y", "--out", str(place / "m")]
    assert main([*arguments, "--epochs", "2", "--ensemble", "2", "--hidden", "4"]) == 0
    return place


def columns(count):
    """Return columns with special, missing and unseen values, as ONNX and as Arrow take them."""
    rng = np.random.default_rng(1)
    price = rng.uniform(-50, 150, count)
    price[:7] = np.nan, np.inf, -np.inf, 0, -0.0, 1e300, -1e300
    kinds = ["rot", "blau", "grün*/", "1", " 1.0 ", "ROT", "", "n/a", "unseen", "１", "\u00a0rot\t"]
    names = np.array([kinds[n % len(kinds)] for n in range(count)], object)
    micros = rng.integers(-(10**15), 2 * 10**15, count)
    micros[:3] = -(2**63), 0, -1
    gaps = micros == -(2**63)
    dates = pyarrow.array(micros, pyarrow.int64(), mask=gaps).cast(pyarrow.timestamp("us"))
    table = {
        "Preis": pyarrow.array(price, from_pandas=True),
        "Art": pyarrow.array(names, pyarrow.string()),
        "Tag": dates,
    }
    return {"Preis": price, "Art": names, "Tag": micros}, pyarrow.table(table)


def test_a_model_of_a_table_takes_its_columns_by_name(folder, full, capsys):
    out = folder / "model.onnx"
    assert main(["export", str(folder / "m"), "--out", str(out)]) == 0
    assert CHECKED in capsys.readouterr().err
    given, table = columns(10_000 if full else 200)
    expected = load_model(folder / "m").predict(table, Counter())
    found = run(out, given)
    assert list(found) == ["label", "probabilities"]
    for n, label in enumerate(("ja", "nein")):
        theirs = expected[f"probability_{label}"]
        np.testing.assert_allclose(found["probabilities"][:, n], theirs, atol=1e-6)
    near = np.abs(expected["probability_ja"] - 0.5) < 1e-6
    assert (near | (found["label"] == expected["prediction"])).all()


def test_inputs_say_what_they_are_and_the_file_how_texts_write_them(folder):
    out = folder / "told.onnx"
    assert main(["export", str(folder / "m"), "--out", str(out)]) == 0
    model = onnx.load(out)
    kinds = {x.name: x.type.tensor_type.elem_type for x in model.graph.input}
    assert kinds == {
        "Preis": onnx.TensorProto.DOUBLE,
        "Art": onnx.TensorProto.STRING,
        "Tag": onnx.TensorProto.INT64,
    }
    assert "NaN where it is missing" in model.graph.input[0].doc_string
    told = {one.key: one.value for one in model.metadata_props}
    first, *_ = json.loads(told["columns"])
    assert first["name"] == "Preis"
    assert first["marks"] == [",", ""]
    assert first["units"] == ["", "€"]
    assert any(node.name.startswith("Preis/") for node in model.graph.node)


@pytest.mark.parametrize("missing", [None, [], ["X"]])
@pytest.mark.parametrize("levels", sampled(LEVELS, 3))
def test_texts_are_the_categories_that_the_model_takes_them_for(levels, missing):
    column = Column(
        "c", "category", missing is not None, levels=levels, missing=list(missing or [])
    )
    texts = [*HOSTILE, *levels]
    expected = column.encode(pyarrow.array(texts, pyarrow.string()), Counter())
    graph = OnnxGraph(None)
    x = graph.input("c", (len(texts), 1), object)
    result = graph.named(tidy_codes(graph, x, levels, missing), "codes")
    found = evaluated(graph, x, result, np.array(texts, object)[:, np.newaxis])
    assert found.tolist() == expected.tolist()


def evaluated(graph, x, result, texts):
    from adjoint.exporting import onnx_model

    shapes = [list(x.shape), list(result.shape)]
    subject = type("", (), {"reader": None, "about": ""})
    written = onnx_model._Pass(graph, [], [x], [result], 0.0)
    model = onnx_model._model(onnx, subject, "g", written, shapes, graph.nodes, graph.constants)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, ["CPUExecutionProvider"]
    )
    return session.run(None, {x.name: texts})[0]


@pytest.mark.parametrize("labels", sampled([["ja", "nein"], [3, -1], [False, True]], 3))
def test_a_tabular_classifier_has_labels_of_its_classes(labels, tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": rng.integers(20, 70, 90),
            "town": [["Oslo", "Rome", None][n % 3] for n in range(90)],
            "day": pd.Timestamp("2024-01-31") + pd.to_timedelta(np.arange(90), "D"),
        }
    )
    y = np.array(labels)[rng.integers(0, 2, 90)]
    model = TabularClassifier(hidden=(4,), epochs=1, ensemble=1, random_state=0).fit(frame, y)
    assert export(model, tmp_path / "model.onnx").tested == CHECKED
    given = {
        "age": frame["age"].to_numpy(float),
        "town": frame["town"].fillna("").to_numpy(object),
        "day": frame["day"].to_numpy().astype("datetime64[us]").astype(np.int64),
    }
    found = run(tmp_path / "model.onnx", given)
    assert found["label"].tolist() == model.predict(frame).tolist()
    np.testing.assert_allclose(found["probabilities"], model.predict_proba(frame), atol=1e-12)


def test_a_tabular_regressor_gives_a_column(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=90), "b": rng.normal(size=90)})
    model = TabularRegressor(hidden=(4,), epochs=1, ensemble=1, random_state=0).fit(
        frame, rng.normal(size=90)
    )
    export(model, tmp_path / "model.onnx")
    found = run(tmp_path / "model.onnx", {name: frame[name].to_numpy() for name in frame})
    assert found["variable"].shape == (90, 1)
    np.testing.assert_allclose(found["variable"][:, 0], model.predict(frame), rtol=1e-10)


def test_times_of_a_day_are_microseconds_since_midnight(tmp_path):
    times = pyarrow.array(np.arange(90) * 900_000_000, pyarrow.time64("us"))
    frame = pyarrow.table({"at": times, "x": np.sin(np.arange(90))})
    y = np.arange(90) % 2
    model = TabularClassifier(hidden=(4,), epochs=1, ensemble=1, random_state=0).fit(frame, y)
    export(model, tmp_path / "model.onnx")
    given = {"at": times.cast(pyarrow.int64()).to_numpy(), "x": frame["x"].to_numpy()}
    found = run(tmp_path / "model.onnx", given)
    np.testing.assert_allclose(found["probabilities"], model.predict_proba(frame), atol=1e-12)


def test_dates_in_onnx_have_the_parts_that_the_model_reads():
    from adjoint.exporting.table_reader import _Scaled

    ends = [-6e10, 0.0, 2e11]
    column = Column("c", "date", True, quantiles=ends, dates=DateFormat("ymd"), parts=list(PARTS))
    micros = np.random.default_rng(0).integers(-62_135_596_800, 253_402_300_799, 1000) * 10**6
    expected = column.encode(pyarrow.array(micros.astype("datetime64[us]")), Counter())
    found = np.concatenate([np.asarray(x) for x in _Scaled(column)(micros)], axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_categories_of_a_frame_that_are_texts_are_exported(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "a": rng.normal(size=60),
            "town": rng.choice(["Oslo", "Rome", " x'\"\\ "], 60),
            "k": rng.integers(0, 3, 60),
        }
    )
    frame.loc[::7, "a"] = np.nan
    settings = {"missing": "mean", "categorical_features": ["town", "k"], "max_iter": 3}
    model = MLPClassifier((5,), random_state=0, **settings)
    model.fit(frame, np.where(frame["a"].fillna(0) > 0, "u", "v"))
    frame.loc[3, "town"], frame.loc[4, "town"], frame.loc[5, "k"] = "Bergen", None, 17
    export(model, tmp_path / "model.py")
    export(model, tmp_path / "model.onnx")
    expected = model.predict_proba(frame)
    scope = {"__name__": "model"}
    exec((tmp_path / "model.py").read_text("utf-8"), scope)
    np.testing.assert_allclose(scope["model"](frame), expected, atol=1e-12)
    given = {
        "a": frame["a"].to_numpy(),
        "town": frame["town"].fillna("").to_numpy(object),
        "k": frame["k"].to_numpy(float),
    }
    found = run(tmp_path / "model.onnx", given)
    assert found["label"].tolist() == model.predict(frame).tolist()
    np.testing.assert_allclose(found["probabilities"], expected, atol=1e-12)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_categories_of_several_types_are_refused(tmp_path):
    frame = pd.DataFrame({"a": np.arange(20.0), "b": ["x", 1] * 10})
    model = MLPClassifier((5,), max_iter=2, categorical_features=["b"], random_state=0)
    model.fit(frame, [0, 1] * 10)
    for name in ("model.onnx", "model.py"):
        with pytest.raises(ExportError, match="neither all texts nor all numbers"):
            export(model, tmp_path / name)


def test_names_of_columns_clash_with_nothing(tmp_path):
    names = ["label", "rows/Shape", "members[0].linear[0].weight", "红*/\"'\\", "x"]
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 5)), columns=names)
    model = TabularClassifier(hidden=(3,), epochs=1, ensemble=1, random_state=0)
    model.fit(frame, frame["x"] > 0)
    assert export(model, tmp_path / "model.onnx").tested == CHECKED
    *_, chances = run(tmp_path / "model.onnx", {c: frame[c].to_numpy() for c in frame}).values()
    np.testing.assert_allclose(chances, model.predict_proba(frame), atol=1e-12)
    none = run(tmp_path / "model.onnx", {c: np.zeros(0) for c in frame})
    assert [y.shape for y in none.values()] == [(0,), (0, 2)]


def test_a_column_without_a_name_is_refused(tmp_path):
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 2)), columns=["", "x"])
    model = TabularClassifier(hidden=(3,), epochs=1, ensemble=1, random_state=0)
    with pytest.raises(ExportError, match="no input without a name"):
        export(model.fit(frame, frame["x"] > 0), tmp_path / "model.onnx")
