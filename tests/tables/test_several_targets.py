"""Several targets at once: each has its own scale and scores, and a row needs all of them."""

import json
from collections import Counter

import numpy as np
import pyarrow
import pytest

from adjoint import cli
from adjoint.errors import TableError
from adjoint.exporting.exported import export
from adjoint.tables.conventions import AS_SHOWN
from adjoint.tables.folder import load_model
from adjoint.tables.report import write_report
from adjoint.tables.scores import measure
from adjoint.tables.settings import TableSettings
from adjoint.tables.target import Target
from adjoint.tables.targets import Targets, learn_targets
from adjoint.tables.trial import prepare, run

FAST = {"epochs": 2, "ensemble": 2, "hidden": (4,)}
NAMES = ["near", "a,b"]


def table(rows=240, seed=0):
    """Return rows with one target of small numbers, and one of large ones, with gaps."""
    rng = np.random.default_rng(seed)
    x, word = rng.normal(size=(rows, 2)), rng.choice(["red", "blue"], rows)
    near = 1e-3 * (x[:, 0] + (word == "red")) + 5.0
    far = 1e6 * (x[:, 1] - x[:, 0] + 0.1 * rng.normal(size=rows))
    known = pyarrow.array(far, mask=np.arange(rows) % 20 == 3)
    return pyarrow.table({"x": x[:, 0], "near": near, "z": x[:, 1], "word": word, "a,b": known})


def trial(data, names=NAMES, **changed):
    settings = TableSettings(**(FAST | changed))
    return run(*prepare(data, names, settings), settings, progress=False)


@pytest.fixture(scope="module")
def tried():
    return trial(table())


def test_each_target_keeps_its_scale(tried):
    assert tried.held_outputs.shape == tried.held_y.shape
    for k, name in enumerate(NAMES):
        scores = tried.record.by_target[name].metrics["network"]
        assert scores["r2"] > 0.8
        assert scores["r2"] == measure("r2", tried.held_outputs[:, k], tried.held_y[:, k])
    both = [tried.record.by_target[name].metrics["network"]["r2"] for name in NAMES]
    assert tried.record.metrics["network"] == {"r2": pytest.approx(np.mean(both), rel=1e-12)}


def test_a_row_that_lacks_a_target_is_left_out_and_told(tried):
    assert sum(tried.record.rows.values()) == 228
    _, target, parts = prepare(table(), NAMES, TableSettings(**FAST))
    assert parts.left_out == "12 rows that lack one are left out ('a,b' in 12)"
    assert target.of(table())[1].sum() == 228


def test_no_target_is_read_as_a_column(tried):
    assert [column.name for column in tried.model.encoder.columns] == ["x", "z", "word"]


def test_the_verdict_speaks_of_all_targets_and_of_each(tried):
    starts = [sentence.partition(":")[0] for sentence in tried.record.verdict[:3]]
    assert starts == ["Of all targets together", "Of near", "Of a,b"]


def test_a_column_that_tells_one_target_is_named():
    data = table().append_column("copy", pyarrow.array(1 + 2 * table()["near"].to_numpy()))
    told = " ".join(trial(data, epochs=1, ensemble=1).record.verdict)
    assert "Column 'copy': it alone predicts nearly all of target 'near'." in told


def test_rows_that_were_trained_on_are_known_by_all_targets(tried):
    model = tried.model
    X = model.encoder.encode(table(), Counter())
    y, known = model.target.of(table())
    assert model.fingerprints.count(X[known], y[known]) > 150
    y[:, 1] += 1.0
    assert model.fingerprints.count(X[known], y[known]) == 0


def test_the_simple_models_are_those_of_each_target_alone(tried):
    rows = np.flatnonzero(table()["a,b"].is_valid().to_numpy())
    data = table().take(rows).drop_columns("near")
    alone = trial(data, names=["a,b"], epochs=1, ensemble=1).record
    both = tried.record.by_target["a,b"]
    for model in ("mean", "linear regression"):
        assert both.metrics[model] == pytest.approx(alone.metrics[model], rel=1e-9)


@pytest.mark.parametrize(
    ("names", "y", "settings", "message"),
    [
        (["x", "y"], "ab", {}, r"^--target: several have .*, and 'y' is of classes \(a, b\)$"),
        (["x", "y"], [0, 1], {}, r"classes \(0, 1\); --task regression takes them as numbers"),
        (["x", "y"], [0, 1], {"task": "classification"}, "several .*, not of .*--task class"),
        (["x", "x"], [1.5, 2.5], {}, "^--target: 'x' is there twice"),
        (["x", "w"], [1.5, 2.5], {}, "^--target: no column 'w'"),
        (["x", "y"], [1.5], {}, "target 'y' is always 1.5"),
        (["x", "y"], [1.5, 2.5], {"quantiles": (0.5,)}, "^--quantiles: of one target"),
    ],
)
def test_targets_that_do_not_go_together_are_refused(names, y, settings, message):
    data = pyarrow.table({"x": np.arange(80.0), "y": np.resize(list(y), 80)})
    with pytest.raises(TableError, match=message):
        learn_targets(names, data, TableSettings(**settings), AS_SHOWN)


def test_errors_in_different_units_have_no_mean():
    with pytest.raises(TableError, match="mae is no score of several targets, which has r2"):
        prepare(table(), NAMES, TableSettings(metric="mae"))


def test_folds_score_each_target():
    data = table(80)
    settings = TableSettings(folds=2, epochs=1, ensemble=1, hidden=(4,))
    from adjoint.tables.trial import prepare_folds

    found = run(
        *prepare(data, NAMES, settings),
        settings,
        progress=False,
        folds=prepare_folds(data, NAMES, settings),
    )
    assert found.record.rows["test"] == 76
    assert list(found.record.by_target) == NAMES


def test_the_report_shows_each_target(tried):
    page = write_report(tried, "t.csv")
    for name in NAMES:
        assert f"<h2>What is left over of {name}</h2>" in page
        assert f"<h2>What the prediction of {name} depends on</h2>" in page
        assert f"<p>Of {name}:</p>" in page


@pytest.mark.parametrize(
    "columns",
    [
        [],
        [Target("a", "regression", [])],
        [Target("a", "regression", [])] * 2,
        [Target("a", "regression", []), Target("b", "classification", ["x", "y"])],
        [Target("a", "regression", []), Target("b", "regression", [], quantiles=(0.5,))],
    ],
    ids=str,
)
def test_a_description_of_other_targets_is_not_believed(columns):
    with pytest.raises(ValueError, match="its targets"):
        Targets(columns)


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = zip(*table(60).to_pydict().values(), strict=True)
    lines = ["\t".join(table().column_names)]
    lines += ["\t".join("" if x is None else str(x) for x in row) for row in rows]
    (tmp_path / "t.tsv").write_text("\n".join(lines), "utf-8")
    return tmp_path


FIT = ["fit", "t.tsv", "--target", "near", "--epochs", "1", "--hidden", "4", "--ensemble", "1"]


def test_several_targets_go_through_all_commands(place, capsys):
    assert cli.main([*FIT, "--target", "a,b"]) == 0
    told = capsys.readouterr().out
    assert "near, a,b: to predict, 2 numbers; 3 rows that lack one are left out" in told
    assert "of a,b:" in told
    expected = load_model(place / "model").predict(table(60), Counter())
    assert cli.main(["predict", "model", "t.tsv", "--json"]) == 0
    (first, *_) = capsys.readouterr().out.splitlines()
    assert list(json.loads(first)) == ["prediction_near", "prediction_a,b"]
    assert cli.main(["evaluate", "model", "t.tsv", "--json"]) == 0
    captured = capsys.readouterr()
    assert list(json.loads(captured.out)["by_target"]) == NAMES
    assert "3 rows: near, a,b: missing or unknown, not scored" in captured.err
    assert cli.main(["show", "model"]) == 0
    assert "predicts near, a,b: 2 numbers" in capsys.readouterr().out
    assert cli.main(["export", "model", "--out", "m.py"]) == 0
    scope = {"__name__": "m"}
    exec((place / "m.py").read_text("utf-8"), scope)
    found = scope["m"](table(60).to_pydict())
    assert list(found) == list(expected)
    for name, values in found.items():
        np.testing.assert_allclose(values, expected[name], rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--target", "x,z"], "no column 'x,z'; several targets are --target x --target z"),
        (["--target", "near"], "'near' is there twice"),
        (["--target", "x", "--drop", "x"], "--drop: 'x' is the target"),
        (["--target", "x", "--split-by", "x"], "--split-by: 'x' is the target"),
        (["--target", "word"], "--target: several have to be numbers"),
        (["--target", "x", "--quantiles", "0.5"], "--quantiles: of one target"),
    ],
    ids=str,
)
def test_targets_that_cannot_be_are_one_line_and_exit_2(place, capsys, arguments, message):
    assert cli.main([*FIT, *arguments]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert message in told
    assert not (place / "model").exists()


@pytest.mark.full
@pytest.mark.parametrize("name", ["m.c", "m.html", "m.wasm", "m.onnx"])
def test_several_targets_are_carried_by_what_is_compiled(tried, name, tmp_path):
    done = export(tried.model, tmp_path / name)
    assert "golden vectors" in done.tested
    text = b"".join(path.read_bytes() for path in done.files)
    told = b"2 numbers, near, a,b" if name == "m.wasm" else b"the predictions of near, a,b"
    assert told in text or name == "m.onnx"
