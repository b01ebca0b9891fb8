"""Ten networks and pipelines give the same in every target, on 10,000 rows; a table is printed.

A difference is told as a part of the largest number that enters the last sum of its row: the
products of the last product of matrices, what is added to them, and the result itself.
"""

import base64
import ctypes
import json
import shutil
import subprocess
import warnings
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import adjoint as ad
from adjoint import nn
from adjoint.cli.main import main
from adjoint.estimators import MLPClassifier
from adjoint.exporting.refusal import ExportError
from adjoint.exporting.subjects import read_subject
from adjoint.exporting.table_functions import read_moment
from adjoint.exporting.table_reader import _described
from adjoint.tables.folder import load_model
from exported_networks import F32, F64, convolutional, rows
from exported_tables import c_model, node_predictions
from in_chromium import CHROMIUM, in_chromium
from table_texts import numbers_of

COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]
ROWS = 10_000
HEAD = f"{'':22}{'target':>11}{'difference':>11}{'error':>11}{'of NumPy':>11}{'apart':>6}"


class LastState(nn.Module):
    """An LSTM of which the last state goes through a layer."""

    def __init__(self):
        self.lstm = nn.LSTM(3, 8, dtype=F64, rng=0)
        self.head = nn.Linear(8, 2, dtype=F64, rng=1)

    def forward(self, x):
        """Return two numbers for each sequence."""
        return self.head(self.lstm(x)[0][:, -1])


def digits():
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    model = nn.MLP(64, 32, 10, activation="relu", dtype=F64, rng=0)
    ad.fit(model, (X / 16, y), loss="cross_entropy", epochs=3, seed=0)
    found = rows((64,), F64, ROWS)
    found[8 : 8 + len(X)] = X / 16
    return nn.Sequential(model, nn.Softmax()), found


def quantiles():
    """A regression with GELU whose three outputs are quantiles."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 5))
    y = np.repeat((X[:, :1] ** 2 + X[:, 1:2]) * (1 + rng.normal(size=(500, 1))), 3, axis=1)
    model = nn.MLP(5, 16, 3, activation="gelu", dtype=F64, rng=0)
    levels = np.array([0.1, 0.5, 0.9])

    def pinball(found, wanted):
        rest = wanted - found
        return np.mean(np.maximum(levels * rest, (levels - 1) * rest))

    ad.fit(model, (X, y), loss=pinball, epochs=5, seed=0)
    return model, rows((5,), F64, ROWS)


def several_labels():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    y = (X @ rng.normal(size=(4, 3)) > 0).astype(int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MLPClassifier((8,), max_iter=5, random_state=0).fit(X, y)
    return model, rows((4,), F64, ROWS)


def of_numpy(x):
    """Return what no layer computes."""
    return np.sqrt(np.abs(x)).sum(axis=1) / (1 + np.exp(-x[:, 0])) + np.where(
        x[:, 1] > 0, x[:, 1], 0
    )


NETWORKS = {
    "article": lambda: (
        nn.MLP(2, 4, 4, 2, activation="sigmoid", dtype=F64, rng=0),
        rows((2,), F64, ROWS),
    ),
    "digits": digits,
    "GELU, quantiles": quantiles,
    "convolution": lambda: (convolutional(), rows((1, 8, 8), F64, ROWS)),
    "LSTM": lambda: (LastState(), rows((5, 3), F64, ROWS)),
    "transformer layer": lambda: (
        nn.TransformerEncoderLayer(8, 2, 16, rng=0),
        rows((4, 8), F64, ROWS),
    ),
    "5-64-64-32-2, float32": lambda: (
        nn.MLP(5, 64, 64, 32, 2, activation="tanh", dtype=F32, rng=0),
        rows((5,), F32, ROWS),
    ),
    "norms, float32": lambda: (
        nn.Sequential(nn.BatchNorm(5, dtype=F32), nn.LayerNorm(5, dtype=F32), nn.Softmax()),
        rows((5,), F32, ROWS),
    ),
    "several labels": several_labels,
    "function of NumPy": lambda: (ad.compile(of_numpy), rows((3,), F64, ROWS)),
}


@dataclass
class Case:
    """A subject, its rows, what it gives for them, and how large what it adds up is.

    Attributes
    ----------
    exact : array
        What it gives in float64, if it computes in float32.
    """

    subject: object
    x: np.ndarray
    expected: np.ndarray
    exact: np.ndarray
    scale: np.ndarray

    @property
    def tolerance(self):
        """How much of the scale a result may differ."""
        return 1e-6 if self.expected.dtype == F32 else 1e-12


def case_of(subject, x):
    """Return a case; networks see their rows in blocks, so that few of them are special."""
    if isinstance(subject, nn.Module):
        subject.eval()
    else:
        subject(x) if callable(subject) else None
    examples = (x[:1],) if isinstance(subject, nn.Module) else ()
    read = read_subject(subject, examples)
    with np.errstate(all="ignore"), ad.no_grad():
        expected = data_of(read.function(x))
    exact = expected
    if expected.dtype == F32:
        with read.computing_in(F64) as wide, np.errstate(all="ignore"), ad.no_grad():
            exact = data_of(wide.function(x.astype(F64)))
    return Case(subject, x, expected, exact, scale_of(read, x, expected))


def data_of(found):
    return np.asarray(getattr(found, "data", found))


def scale_of(read, x, expected):
    """Return, for each row, the largest finite number that enters its last sum."""
    traced = read.trace(len(x) if read.has_rows else None)
    given = {}

    def apply(node, operands):
        given[node] = operands
        return node.primitive.forward(*operands, **node.params)

    with np.errstate(all="ignore"):
        traced.graph.interpret([x, *traced.state], apply)
    products = [n for n in given if "matmul" in n.primitive.name and np.ndim(given[n][1]) == 2]
    found = [finite(expected).reshape(len(x), -1).max(axis=1)]
    for node in products[-1:]:
        a, b = map(np.asarray, given[node])
        with np.errstate(all="ignore"):
            terms = finite(a).reshape(len(x), -1, a.shape[-1]).max(axis=1) * np.abs(b).max(axis=1)
        found.append(finite(terms).max(axis=1))
    if not products:  # its operations add up what comes in, or what is near 1
        found += [finite(x).reshape(len(x), -1).max(axis=1), np.ones(len(x))]
    if np.abs(np.nan_to_num(expected)).max() <= 1:  # a softmax adds up exponentials, one of them 1
        found.append(np.ones(len(x)))
    return np.max(found, axis=0)


def finite(array):
    return np.where(np.isfinite(array), np.abs(array), 0)


def compared(case, found):
    """Return the greatest difference; how far it, and what it is compared to, are from float64."""
    flat, wanted = (np.reshape(y, (len(case.scale), -1)) for y in (found, case.expected))
    np.testing.assert_array_equal(np.isnan(flat), np.isnan(wanted))
    infinite = np.isinf(wanted)
    np.testing.assert_array_equal(flat[infinite], wanted[infinite])
    exact = np.reshape(case.exact, wanted.shape)
    return worst(case, flat, wanted), worst(case, flat, exact), worst(case, wanted, exact)


def worst(case, a, b):
    with np.errstate(all="ignore"):
        part = np.abs(a.astype(F64) - b) / case.scale[:, np.newaxis]
    return float(np.max(np.where(np.isfinite(part), part, 0)))


def labels_apart(found, expected, tolerance):
    """Count the rows whose class differs; none may whose two best are farther apart."""
    a, b = (np.reshape(y, (len(expected), -1)) for y in (found, expected))
    rows = np.flatnonzero(a.argmax(axis=1) != b.argmax(axis=1))
    best = np.sort(b[rows], axis=1)[:, -2:]
    assert (best[:, 1] - best[:, 0] <= tolerance).all()
    return len(rows)


# --- the targets


def in_python(case, folder):
    ad.export(case.subject, folder / "net.py", *examples(case))
    scope = {"__name__": "net"}
    exec((folder / "net.py").read_text("utf-8"), scope)
    return scope["net"](case.x)


def examples(case):
    return (case.x[:1],) if isinstance(case.subject, nn.Module) else ()


def in_c(compiler, flags=()):
    def run(case, folder):
        ad.export(case.subject, folder / "net.c", *examples(case))
        library = folder / f"{compiler}.so"
        strict = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-pedantic"]
        command = [compiler, *strict, "-ffp-contract=off", *flags, "-shared", "-fPIC", "net.c"]
        subprocess.run([*command, "-o", str(library)], cwd=folder, check=True)
        function = ctypes.CDLL(str(library)).net
        found = np.empty(case.expected.shape, case.expected.dtype)
        x = np.ascontiguousarray(case.x)
        calls = (
            [(x, found)]
            if callable(case.subject) and not examples(case)
            else zip(x, found, strict=True)
        )
        for one, y in calls:
            assert (
                function(one.ctypes.data_as(ctypes.c_void_p), y.ctypes.data_as(ctypes.c_void_p))
                == 0
            )
        return found

    return run


_RUN = """
import { load } from "./net.mjs";
import fs from "node:fs";
const net = await load();
const x = fs.readFileSync("x.bin");
const y = net.run(new KIND(x.buffer, x.byteOffset, x.length / KIND.BYTES_PER_ELEMENT));
fs.writeFileSync("y.bin", new Uint8Array(y.buffer));
"""


def in_node(case, folder):
    ad.export(case.subject, folder / "net.wasm", *examples(case))
    case.x.tofile(folder / "x.bin")
    kind = {F64: "Float64Array", F32: "Float32Array"}[case.x.dtype.type]
    (folder / "run.mjs").write_text(_RUN.replace("KIND", kind))
    subprocess.run(["node", "run.mjs"], cwd=folder, check=True)
    return np.fromfile(folder / "y.bin", case.expected.dtype)


_PAGE = """
const bytes = Uint8Array.from(atob("X"), (c) => c.charCodeAt(0));
const y = page.run(new Float64Array(bytes.buffer));
let text = "";
for (const byte of new Uint8Array(y.buffer)) text += String.fromCharCode(byte);
return btoa(text);
"""


def in_page(case, folder):
    ad.export(case.subject, folder / "net.html", case.x[8:])
    text = base64.b64encode(case.x.astype(F64).tobytes()).decode()
    page = (folder / "net.html").read_text("utf-8")
    (folder / "browser").mkdir()
    found = in_chromium(page, _PAGE.replace("X", text), folder / "browser", seconds=120)
    return np.frombuffer(base64.b64decode(found))


def in_onnx(case, folder):
    onnxruntime = pytest.importorskip("onnxruntime")
    ad.export(case.subject, folder / "net.onnx", *examples(case))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(str(folder / "net.onnx"), options)
    found = session.run(None, {session.get_inputs()[0].name: case.x})
    return found[-1]


TARGETS = {
    "py": in_python,
    **{f"C, {compiler}": in_c(compiler) for compiler in COMPILERS},
    **({"wasm, node": in_node} if shutil.which("node") else {}),
    **({"html": in_page} if CHROMIUM else {}),
    "ONNX": in_onnx,
}
# What a page cannot show, and how it says so.
CLASSIFIERS = ("article", "digits")
REFUSED = {("function of NumPy", "html"): "one array with rows"}


@pytest.mark.full
@pytest.mark.parametrize("name", list(NETWORKS))
def test_a_network_gives_the_same_in_every_target(name, tmp_path, capsys):
    case = case_of(*NETWORKS[name]())
    told, missed = [], []
    for target, run in TARGETS.items():
        folder = tmp_path / target
        folder.mkdir()
        if (name, target) in REFUSED:
            with pytest.raises(ExportError, match=REFUSED[name, target]):
                run(case, folder)
            told.append(f"{name:22}{target:>11}{'refused':>11}")
            continue
        found = run(case, folder)
        difference, error, own = compared(case, found)
        apart = labels_apart(found, case.expected, difference) if name in CLASSIFIERS else 0
        told.append(f"{name:22}{target:>11}{difference:11.1e}{error:11.1e}{own:11.1e}{apart:5}")
        # Either of two narrow computations is about as far from float64 as NumPy's.
        if difference > max(case.tolerance, 2 * own):
            missed.append(told[-1])
    with capsys.disabled():
        print("\n" + "\n".join([HEAD, *told]))
    assert not missed


# --- tables


def census(folder):
    """Return a model of `adjoint fit` of a table like a census, and texts of 10,000 rows."""
    rng = np.random.default_rng(0)
    works = ["Private", "State-gov", "Self-emp-inc", "?", "Never-worked"]
    lines = ["age,work,hours,gain,day,income"]
    for n in range(1500):
        age, hours, kind = rng.integers(17, 90), rng.integers(1, 99), int(rng.integers(0, 5))
        gain = f'"{rng.integers(0, 99999):,}"' if n % 5 == 0 else "0"
        day = "" if n % 13 == 0 else f"{1 + n % 12}/{1 + n % 28}/{1990 + n % 30}"
        income = ">50K" if age + hours + 9 * kind + rng.normal() * 20 > 110 else "<=50K"
        lines.append(f"{'' if n % 17 == 0 else age},{works[kind]},{hours},{gain},{day},{income}")
    (folder / "census.csv").write_text("\n".join(lines) + "\n")
    fit = ["fit", str(folder / "census.csv"), "--target", "income", "--out", str(folder / "m")]
    assert main([*fit, "--epochs", "3", "--hidden", "16", "--ensemble", "2"]) == 0
    numbers = ["", "?", "NA", "inf", "nan", "1e300", "-1e300", "1e-320", "-0", "+5", "none", "５０"]
    table = {name: [] for name in ("age", "work", "hours", "gain", "day")}
    for n in range(ROWS):
        usual = {"age": 17, "hours": 1, "gain": 0}
        for k, (name, least) in enumerate(usual.items()):
            number = str(rng.integers(least, 100))
            table[name].append(numbers[n // 3 % 12] if n % 3 == k else number)
        table["work"].append([*works, "unseen", " private ", " Private\t", None, "\u7ea2"][n % 10])
        dates = ["", "13/40/2000", "2000-01-31", "no day", None]
        day = f"{rng.integers(1, 13)}/{rng.integers(1, 29)}/{rng.integers(1900, 2100)}"
        table["day"].append(dates[n // 7 % 5] if n % 7 == 0 else day)
    return load_model(folder / "m"), table


def frame():
    """A pipeline's classifier of a frame with missing numbers and categories that are texts."""
    import pandas as pd

    rng = np.random.default_rng(0)
    names = np.array(["red", "green", "红", "*/", "</script>"], object)
    x = rows((2,), F64, ROWS)
    x[8::7, 0] = np.nan
    table = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "kind": names[rng.integers(0, 5, ROWS)]})
    train = table.iloc[10:400].replace({"kind": {"</script>": "red"}})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MLPClassifier((8,), max_iter=3, random_state=0, missing="mean")
        model.fit(train, np.array(["no", "yes", "*/"])[rng.integers(0, 3, 390)])
    return model, table.replace({np.inf: 1e300, -np.inf: -1e300}).to_dict("list")


def predicted_by(model, table):
    """Return the probabilities of the classes, and the label of each row."""
    import pandas as pd
    import pyarrow

    with np.errstate(all="ignore"):
        if hasattr(model, "predict_proba"):
            found = model.predict_proba(pd.DataFrame(table))
            return found, model.classes_[found.argmax(axis=1)].tolist()
        block = pyarrow.table({k: pyarrow.array(v, pyarrow.string()) for k, v in table.items()})
        found = model.predict(block, Counter())
    return np.column_stack(list(found.values())[1:]).astype(float), found["prediction"].tolist()


def rows_of(table):
    """Return rows, as dicts that JSON can hold."""
    values = [[None if x != x else x for x in column] for column in table.values()]
    return [dict(zip(table, row, strict=True)) for row in zip(*values, strict=True)]


def table_in_python(model, table, folder):
    ad.export(model, folder / "net.py")
    scope = {"__name__": "net"}
    exec((folder / "net.py").read_text("utf-8"), scope)
    found = scope["net"](table)
    if isinstance(found, dict):
        return np.column_stack(list(found.values())[1:]).astype(float), found["prediction"].tolist()
    return found, [scope["LABELS"][n] for n in found.argmax(axis=1)]


def table_in_c(compiler):
    def run(model, table, folder):
        ad.export(model, folder / "net.c")
        columns = read_subject(model, ()).reader.fields()
        kinds = [c.kind for c in columns]
        function = c_model(folder / "net.c", kinds, len(read_subject(model, ()).labels), compiler)
        found = [
            function([x if x is None or isinstance(x, str) else repr(x) for x in row.values()])
            for row in rows_of(table)
        ]
        assert not any(wrong or status for wrong, status, *_ in found)
        return np.array([y for *_, y, _ in found]), [label for *_, label in found]

    return run


def table_in_node(model, table, folder):
    ad.export(model, folder / "net.wasm")
    found, _ = node_predictions(folder / "net.wasm", rows_of(table))
    chances = [[x for _, x in one["probabilities"]] for one in found]
    return np.array(chances), [one["label"] for one in found]


def table_in_page(model, table, folder):
    ad.export(model, folder / "net.html")
    (folder / "browser").mkdir()
    rows = json.dumps(rows_of(table))
    body = f"return Array.from(page.predicted({rows}));".replace("</", "<\\/")
    page = (folder / "net.html").read_text("utf-8")
    found = in_chromium(page, body, folder / "browser", seconds=120)
    found = np.reshape(found, (ROWS, -1))
    labels = read_subject(model, ()).labels
    return found, [labels[n] for n in found.argmax(axis=1)]


def table_in_onnx(model, table, folder):
    onnxruntime = pytest.importorskip("onnxruntime")
    ad.export(model, folder / "net.onnx")
    session = onnxruntime.InferenceSession(str(folder / "net.onnx"))
    feeds = {}
    for field in read_subject(model, ()).reader.fields():
        values = table[field.name]
        if field.kind == "category":
            typed = np.array(["" if x is None else x for x in values], object)
        elif field.kind == "date":
            column = next(c for c in model.encoder.columns if c.name == field.name)
            typed = np.array([read_moment(x, _described(column))[0] for x in values], np.int64)
        elif isinstance(model, MLPClassifier):
            typed = np.array(values, float)
        else:
            column = next(c for c in model.encoder.columns if c.name == field.name)
            typed = np.array([numbers_of([column], [x])[0][0] for x in values])
        feeds[field.name] = typed[:, np.newaxis]
    label, chances = session.run(None, feeds)
    return chances, label.tolist()


TABLES = {"census, a folder": census, "frame with texts": lambda folder: frame()}
TABLE_TARGETS = {
    "py": table_in_python,
    **{f"C, {compiler}": table_in_c(compiler) for compiler in COMPILERS},
    **({"wasm, node": table_in_node} if shutil.which("node") else {}),
    **({"html": table_in_page} if CHROMIUM else {}),
    "ONNX": table_in_onnx,
}


@pytest.mark.full
@pytest.mark.parametrize("name", list(TABLES))
def test_a_table_gives_the_same_in_every_target(name, tmp_path, capsys):
    """The folder's network is of float32: probabilities are of 1, which a softmax adds up."""
    model, table = TABLES[name](tmp_path)
    expected, labels = predicted_by(model, table)
    tolerance = 1e-6 if name.startswith("census") else 1e-12
    told = [HEAD]
    for target, run in TABLE_TARGETS.items():
        (tmp_path / target).mkdir()
        found, own_labels = run(model, table, tmp_path / target)
        np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
        difference = float(np.nanmax(np.abs(found - expected)))
        apart = [n for n in range(ROWS) if own_labels[n] != labels[n]]
        assert all(np.ptp(np.sort(expected[n])[-2:]) <= tolerance for n in apart)
        told.append(f"{name:22}{target:>11}{difference:11.1e}{'':22}{len(apart):5}")
        assert difference <= tolerance, told[-1]
    with capsys.disabled():
        print("\n" + "\n".join(told))
