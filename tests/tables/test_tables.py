"""Tables in files, from the command line: fitted, predicted, scored, and every way to fail."""

from __future__ import annotations

import csv
import gzip
import json
import os
import shutil
import stat
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyarrow")
pytest.importorskip("sklearn")

import pyarrow as pa
from pyarrow import feather, parquet

from adjoint import cli
from adjoint.cli.model_output import scores
from adjoint.tables import learning
from adjoint.tables.folder import load_model
from adjoint.tables.settings import TableSettings
from adjoint.tables.trial import prepare

FAST = ["--epochs", "3", "--hidden", "8", "--ensemble", "1"]


@pytest.fixture
def run(tmp_path, monkeypatch, capfdbinary):
    """Return a function that runs a command in an empty folder: its status, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run_command(*arguments):
        status = cli.main([str(argument) for argument in arguments])
        captured = capfdbinary.readouterr()
        return status, captured.out.decode(), captured.err.decode()

    return run_command


def people(n=300, seed=0):
    """Return a table whose label depends on a number and on a category, with gaps and spaces."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 80, n)
    town = rng.choice(["Oslo", "Rome", "Kyiv"], n)
    label = np.where((age > 45) ^ (town == "Rome"), "yes, often", "no")
    income = age * 100 + rng.normal(0, 50, n)
    columns = {
        "age": [str(x) for x in age],
        "town": [f" {x}" for x in town],
        "income": [f"{x:.2f}" for x in income],
        "same": ["x"] * n,
        "id": [f"person {i}" for i in range(n)],
        "label": label.tolist(),
    }
    for row in (3, 50) if n > 50 else ():
        columns["age"][row] = "?"
        columns["town"][row + 1] = ""
    return columns


def write(path, columns, opener=open):
    with opener(path, "wt", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return a folder with a table and a model of it, trained once for all tests."""
    place = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        write("people.csv", people())
        assert (
            cli.main(
                ["fit", "people.csv", "--target", "label", "--epochs", "40", "--ensemble", "2"]
            )
            == 0
        )
    return place


@pytest.fixture
def fitted(trained, run):
    """Return a copy of that folder, where commands run."""
    shutil.copytree(trained, Path.cwd(), dirs_exist_ok=True)
    return Path.cwd()


# --- which rows are held out ----------------------------------------------------------------------


def test_fit_says_how_it_split_rows_and_show_says_it_again(run):
    columns = people(200)
    columns["house"] = [str(k // 4) for k in range(200)]
    columns["day"] = [f"2024-{1 + k // 20:02d}-{1 + k % 20:02d}" for k in range(200)]
    write("people.csv", columns)
    fit = ["fit", "people.csv", "--target", "label", "--force", *FAST]
    status, out, _ = run(*fit, "--split-by", "house", "--drop", "day")
    assert status == 0
    assert "house: not read, the rows are split by it" in out
    assert "Split by 'house': 10 of its 50 values are scored by and 4 told when to stop" in out
    assert "Split by 'house': 10 of its 50 values" in run("show", "model")[1]
    _, grouped, _ = run("evaluate", "model", "people.csv", "--json")
    del columns["house"]
    _, alone, _ = run("evaluate", "model", write("alone.csv", columns), "--json")
    widths = [np.ptp(json.loads(told)["interval"]) for told in (grouped, alone)]
    # By houses where they are known, by rows where they are not.
    assert widths[0] != widths[1]
    assert json.loads(grouped)["metrics"] == json.loads(alone)["metrics"]
    columns["house"] = [str(k // 4) for k in range(200)]
    write("people.csv", columns)
    assert "Split by &#x27;house&#x27;: 10 of" in Path("model/report.html").read_text()
    status, out, _ = run(*fit, "--time", "day", "--drop", "day", "--drop", "house")
    assert status == 0
    assert "the rows from 2024-09-01 on are scored by, and those from 2024-08-05 on" in out
    assert "\n  day:" not in out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--split-by", "townz"], "--split-by: no column 'townz'; did you mean 'town'?"),
        (["--time", "label"], "--time: 'label' is the target"),
        (["--time", "age", "--split-by", "town"], "--split-by and --time: not together"),
        (["--time", "town"], "--time: column 'town' puts the rows in no order (category"),
        (["--split-by", "age"], "--split-by: 2 rows have no value in column 'age'"),
    ],
)
def test_columns_to_split_by_that_do_not_fit_are_bad_usage(run, options, message):
    write("people.csv", people())
    status, out, err = run("fit", "people.csv", "--target", "label", *options)
    assert (status, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
    assert not Path("model").exists()


def test_fit_scores_all_rows_by_folds(run):
    write("people.csv", people(120))
    fit = ["fit", "people.csv", "--target", "label", "--folds", 2, *FAST]
    status, out, err = run(*fit)
    assert status == 0
    assert "2 folds: each row is scored by networks that were trained without it." in out
    assert "on 120 rows" in out
    assert "3 trainings took" in out
    assert "fold 2 of 2" in err
    assert "3 trainings took" in run("show", "model")[1]


@pytest.mark.parametrize("option", [("--test", "0.2"), ("--checkpoint", "c")])
def test_what_does_not_go_with_folds_is_refused_by_name(run, option):
    write("people.csv", people(120))
    status, _, err = run("fit", "people.csv", "--target", "label", "--folds", 3, *option)
    assert status == 2
    assert f"--folds: not together with {option[0]}: " in err


# --- the whole job --------------------------------------------------------------------------------


def test_fit_says_what_it_took_the_columns_for_and_how_it_did(run):
    write("people.csv", people())
    status, out, err = run(
        "fit", "people.csv", "--target", "label", "--epochs", 80, "--ensemble", 2
    )
    assert status == 0
    assert "people.csv: 300 rows, 6 columns" in out
    assert "age: number, some missing, 18 to 79" in out
    assert "town: category, some missing, 3 values: Kyiv, Oslo, Rome" in out
    assert "same: not read, always 'x'" in out
    assert "id: not read, " in out
    assert "to predict, classes no, yes, often" in out
    assert "logistic regression" in out
    assert err == "comparing with simpler models\n"
    files = ["model.json", "report.html", "rows.safetensors", "weights.safetensors"]
    assert sorted(os.listdir("model")) == files
    record = json.loads(Path("model/model.json").read_text())["record"]
    assert record["metrics"]["network"]["accuracy"] > 0.85
    # A linear model cannot tell an exclusive or.
    assert record["metrics"]["logistic regression"]["accuracy"] < 0.8
    assert {"age", "town"} <= set(list(record["importance"])[:3])


@pytest.mark.parametrize(
    ("metric", "head"), [("f1", "f1"), ("log_loss", "log loss"), ("balanced_accuracy", "balanced")]
)
def test_a_chosen_metric_is_scored_compared_and_shown_with_its_interval(run, metric, head):
    write("people.csv", people())
    fit = ["fit", "people.csv", "--target", "label", "--metric", metric, *FAST]
    status, out, _ = run(*fit, "--json")
    assert status == 0
    found = json.loads(out)
    assert found["headline"] == metric
    low, high = found["intervals"]["network"]
    assert low < found["metrics"]["network"][metric] < high
    assert f"the {metric.replace('_', ' ')} of the network is" in found["verdict"][0]
    out = run("show", "model")[1]
    assert head in out
    assert f"{low:.4f} to {high:.4f}" in out
    scored = json.loads(run("evaluate", "model", "people.csv", "--json")[1])
    assert scored["headline"] == metric
    assert scored["interval"][0] < scored["metrics"][metric] < scored["interval"][1]


@pytest.mark.parametrize(
    ("error", "shown"), [(2.5e-10, "2.5e-10"), (0.25, "0.2500"), (3e307, "3e+307")]
)
def test_scores_in_any_unit_are_legible(error, shown):
    line = scores({"network": {"r2": 0.5, "mae": error}}, 9)[-1]
    assert line.split() == ["network", "0.5000", shown]


@pytest.mark.parametrize(("target", "metric"), [("label", "r2"), ("income", "f1")])
def test_a_metric_of_another_task_is_refused(run, target, metric):
    write("people.csv", people())
    result = run("fit", "people.csv", "--target", target, "--metric", metric, *FAST)
    assert_refused(result, f"--metric: {metric} is no score of")


# --- a table of its own to score by ---------------------------------------------------------------


def test_a_table_of_its_own_scores_and_all_rows_of_the_first_are_trained_on(run):
    write("people.csv", people())
    later = people(90, seed=1)
    later["label"][:3] = ["", "", "perhaps"]
    write("later.csv", dict(reversed(later.items())))
    fit = ["fit", "people.csv", "--target", "label", *FAST]
    status, out, _ = run(*fit, "--test", "later.csv", "--json")
    assert status == 0
    found = json.loads(out)
    assert found["rows"] == {"train": 270, "validation": 30, "test": 87}
    scored = json.loads(run("evaluate", "model", "later.csv", "--json")[1])
    assert scored["rows"] == 87
    assert scored["metrics"] == pytest.approx(found["metrics"]["network"])


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda c: c.pop("label"), "--test: no column 'label'"),
        (lambda c: c.pop("age"), "later.csv: no column 'age', which the model reads"),
        (lambda c: c.update(age=["2,5"] * 90), "column 'age'"),
        (lambda c: c.update(label=["perhaps"] * 90), "later.csv: 0 rows have a target that was"),
        (lambda c: c.update(label=["no"] + [""] * 89), "later.csv: 1 row has a target that was"),
    ],
)
def test_a_table_that_cannot_score_is_refused_in_one_line(run, change, text):
    write("people.csv", people())
    later = people(90, seed=1)
    change(later)
    write("later.csv", later)
    fit = ["fit", "people.csv", "--target", "label", *FAST]
    assert_refused(run(*fit, "--test", "later.csv"), text)
    assert not Path("model").exists()


@pytest.mark.parametrize(
    ("test", "text"),
    [("nowhere.csv", "nowhere.csv"), ("1.5", "--test"), ("nan", "--test"), ("-", "--test")],
)
def test_a_part_or_a_file_that_is_none_is_refused(run, test, text):
    write("people.csv", people())
    assert_refused(run("fit", "people.csv", "--target", "label", "--test", test, *FAST), text)


def test_a_stream_holds_its_own_rows_out(run):
    parquet.write_table(pa.table(people()), "people.parquet")
    write("later.csv", people(90, seed=1))
    fit = ["fit", "people.parquet", "--target", "label", "--stream", "--test", "later.csv", *FAST]
    assert_refused(run(*fit), "--test: later.csv: a table that is read a window at a time")


def test_explain_derives_the_loss_of_a_model_on_rows_of_a_table(run, fitted):
    status, out, err = run(
        "explain", "model", "people.csv", "--batch-size", 2, "--out", "page.py", "--lang", "zh"
    )
    assert (status, err) == (0, "")
    assert "个等式成立" in out
    model, space = load_model(Path("model")), {}
    with np.errstate():  # a script switches NumPy's warnings off for its own process
        exec(Path("page.py").read_text(encoding="utf-8"), space)
    rows = pa.table({name: column[:2] for name, column in people().items()})
    X = model.encoder.encode(rows, Counter())
    y, _ = model.target.encode(rows["label"])
    np.testing.assert_array_equal(space["X"], X)
    chances = model.outputs(X)[np.arange(2), y]
    # Of a loss near 0, float32 keeps the digits of the logits, not its own.
    assert space["loss"] == pytest.approx(-np.mean(np.log(chances)), rel=1e-5, abs=1e-6)


def test_explain_reads_the_encoding_and_the_sheet_that_are_chosen(run, fitted):
    columns = {**people(30), "town": ["北京", "Rome"] * 15}
    columns["name"] = columns.pop("id")
    lines = [",".join(columns), *map(",".join, zip(*columns.values(), strict=True))]
    text = "\n".join(line.replace("yes, often", "no") for line in lines)
    Path("big5.csv").write_bytes(text.encode("big5"))
    status, out, err = run(
        "explain", "model", "big5.csv", "--encoding", "big5", "--out", "page.py", "--batch-size", 3
    )
    assert (status, out.count("equalities hold")) == (0, 1)
    assert "2 rows: town: a category that was rare or not there" in err
    for option, value, message in [
        ("--encoding", "utf-8", "byte"),
        ("--sheet", "rents", "--sheet is for workbooks of Excel"),
    ]:
        status, _, err = run("explain", "model", "big5.csv", option, value)
        assert (status, err.count("\n")) == (2, 1)
        assert message in err


def test_explain_derives_a_regression_in_the_scale_it_was_trained_in(run):
    write("people.csv", people())
    run("fit", "people.csv", "--target", "income", "--task", "regression", *FAST)
    status, _, err = run("explain", "model", "people.csv", "--out", "page.py")
    assert (status, err) == (0, "1 row: age: missing, taken as the median\n")
    model, space = load_model(Path("model")), {}
    with np.errstate():
        exec(Path("page.py").read_text(encoding="utf-8"), space)
    expected = np.array([float(x) for x in people()["income"][:5]])
    scaled = (expected - model.target.mean) / model.target.std
    np.testing.assert_allclose(space["y"][:, 0], scaled, rtol=1e-5)
    predicted = (model.outputs(space["X"]) - model.target.mean) / model.target.std
    assert space["loss"] == pytest.approx(np.mean((predicted - scaled) ** 2), rel=1e-4)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"age": ["1"]}, "no column"),
        ({**people(2), "label": ["", "?"]}, "no row has a target that the model knows"),
    ],
)
def test_explain_refuses_a_table_that_does_not_fit_the_model(run, fitted, columns, message):
    write("other.csv", columns)
    status, out, err = run("explain", "model", "other.csv")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert message in err


def test_predict_writes_labels_and_probabilities_in_the_order_of_the_rows(run, fitted):
    status, _, err = run("predict", "model", "people.csv", "--out", "p.csv")
    assert (status, err) == (0, "wrote p.csv: 300 rows\n")
    with open("p.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["prediction", "probability_no", "probability_yes, often"]
    truth = people()["label"]
    assert np.mean([row["prediction"] == y for row, y in zip(rows, truth, strict=True)]) > 0.9
    for row in rows:
        chances = float(row["probability_no"]), float(row["probability_yes, often"])
        assert sum(chances) == pytest.approx(1)
        assert (row["prediction"] == "no") == (chances[0] > chances[1])


@pytest.mark.skipif(os.name == "nt", reason="pipes and devices are POSIX's")
def test_predict_writes_to_a_device_or_a_pipe_and_does_not_replace_it(run, fitted):
    os.mkfifo("pipe")
    found = []
    reader = threading.Thread(target=lambda: found.append(Path("pipe").read_bytes()))
    reader.start()
    assert run("predict", "model", "people.csv", "--out", "pipe")[0] == 0
    reader.join()
    assert run("predict", "model", "people.csv", "--out", os.devnull)[0] == 0
    assert run("predict", "model", "people.csv", "--out", "p.csv")[0] == 0
    assert found == [Path("p.csv").read_bytes()]
    assert stat.S_ISFIFO(os.stat("pipe").st_mode)
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_predictions_are_data_on_standard_output_as_csv_or_lines_of_json(run, fitted):
    status, out, err = run("predict", "model", "people.csv")
    assert (status, err, out.count("\n")) == (0, "", 301)
    _, lines, _ = run("predict", "model", "people.csv", "--json")
    found = [json.loads(line) for line in lines.splitlines()]
    assert len(found) == 300
    assert set(found[0]) == {"prediction", "probability_no", "probability_yes, often"}


def test_evaluate_scores_the_rows_that_have_a_target(run, fitted):
    columns = people(100, seed=1)
    columns["label"][0] = "?"
    write("new.csv", columns)
    status, out, err = run("evaluate", "model", "new.csv", "--json")
    assert status == 0
    found = json.loads(out)
    assert found["rows"] == 99
    assert found["metrics"]["accuracy"] > 0.9
    assert "1 row: label: missing or unknown, not scored" in err
    assert "on 99 rows" in run("evaluate", "model", "new.csv")[1]


def test_show_prints_the_network_its_columns_and_its_record(run, fitted):
    status, out, _ = run("show", "model")
    assert status == 0
    for text in ("predicts label: no, yes, often", "parameters", "town: category", "trained on"):
        assert text in out
    found = json.loads(run("show", "model", "--json")[1])
    assert found["network"][-1] == 2
    assert len(found["loss"]) == len(found["val_loss"]) <= 40


def test_json_of_a_fit_is_all_there_is_on_standard_output(run):
    write("people.csv", people())
    status, out, err = run("fit", "people.csv", "--target", "label", "--json", *FAST)
    assert status == 0
    assert json.loads(out)["rows"] == {"train": 216, "validation": 24, "test": 60}
    assert "town: category" in err


def test_a_number_is_predicted_in_its_own_unit(run):
    write("people.csv", people())
    arguments = [
        "--target",
        "income",
        "--epochs",
        200,
        "--batch-size",
        32,
        "--drop",
        "label",
        "--ensemble",
        1,
    ]
    status, out, _ = run("fit", "people.csv", *arguments)
    assert status == 0
    assert "linear regression" in out
    run("predict", "model", "people.csv", "--out", "p.csv")
    with open("p.csv", newline="") as file:
        found = [float(row["prediction"]) for row in csv.DictReader(file)]
    known = [i for i, age in enumerate(people()["age"]) if age != "?"]
    error = np.abs(np.array(found) - np.array(people()["income"], float))[known]
    assert np.median(error) < 300  # of 1,800 to 8,000, with noise of 50


@pytest.mark.parametrize("kind", ["csv.gz", "parquet", "feather", "tsv", "csv"])
def test_every_kind_of_file_gives_the_same_predictions(run, fitted, kind):
    columns = people()
    table = pa.table(columns)
    path = f"other.{kind}"
    if kind == "csv.gz":
        write(path, columns, gzip.open)
    elif kind == "parquet":
        parquet.write_table(table, path)
    elif kind == "feather":
        feather.write_feather(table, path)
    else:
        delimiter = "\t" if kind == "tsv" else ";"
        rows = [list(columns), *zip(*columns.values(), strict=True)]
        Path(path).write_text("\n".join(delimiter.join(map(str, row)) for row in rows))
    assert run("predict", "model", path)[1] == run("predict", "model", "people.csv")[1]


def test_columns_are_learnt_from_the_rows_to_train_on_alone():
    table = pa.table({"x": np.arange(100.0), "label": ["a", "b"] * 50})
    found = [prepare(table, "label", TableSettings(seed=seed))[0].columns[0] for seed in range(8)]
    # 28 rows of 100 are held out: not always in the middle.
    assert len({(one.quantiles[0], one.quantiles[-1]) for one in found}) > 1


def test_a_fit_repeats_itself_from_its_seed(run):
    write("people.csv", people())
    for out in ("one", "two"):
        run("fit", "people.csv", "--target", "label", "--out", out, *FAST)
    weights = [Path(out, "weights.safetensors").read_bytes() for out in ("one", "two")]
    assert weights[0] == weights[1]


# --- what is treated, and counted -----------------------------------------------------------------


def test_strange_values_are_treated_as_stated_and_counted(run, fitted):
    columns = people(5)
    columns["town"][0] = "Lima"
    columns["age"][1] = "old"
    columns["income"][2] = ""
    write("new.csv", columns)
    status, out, err = run("predict", "model", "new.csv")
    assert (status, out.count("\n")) == (0, 6)
    assert err.splitlines() == [
        "1 row: age: no number, taken as missing",
        "1 row: income: missing, taken as the median",
        "1 row: town: a category that was rare or not there",
    ]


def test_columns_may_come_in_another_order_and_with_others_beside_them(run, fitted):
    columns = people()
    changed = {"more": ["1"] * 300, **dict(reversed(columns.items()))}
    write("new.csv", changed)
    assert run("predict", "model", "new.csv")[1] == run("predict", "model", "people.csv")[1]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", " 2.5", "-3e2", "?"], "number, some missing, -300 to 2.5"),
        ([True, False, None, True] * 3, "category, some missing, 2 values: false, true"),
        ([1, 2, 3, 2**40], "number, 1 to"),
        (["a", "b"] * 5, "category, 2 values: a, b"),
        (["7"] * 3, "always 7"),
        ([None, None], "all values are missing"),
        ([[1], [2]], "neither number, date nor category"),
        ([f"name {i}" for i in range(40)], "say who a row is"),
    ],
    ids=str,
)
def test_a_columns_kind_is_learnt_from_its_values(values, kind):
    assert kind in str(learning.learn("x", pa.array(values)))


# --- every way to fail ----------------------------------------------------------------------------


def assert_refused(result, *texts):
    status, out, err = result
    assert status == 2
    assert out == ""
    assert err.count("\n") == 1, err
    for text in texts:
        assert text in err


def test_files_that_cannot_be_read_are_refused_in_one_line(run):
    Path("empty.csv").touch()
    Path("head.csv").write_text("a,b\n")
    Path("ragged.csv").write_text("a,b\n1,2\n3\n")
    Path("half.csv").write_bytes(b"a,b\n" + b"x,1\n" * 300_000 + b"\xff,1\n")
    Path("false.parquet").write_text("a,b\n1,2\n")
    Path("false.csv.gz").write_text("a,b\n1,2\n")
    Path("table.xlsx").write_text("a,b\n1,2\n")
    parquet.write_table(pa.table({"a": [1]}), "true.csv")
    Path("folder.csv").mkdir()
    for name, text in {
        "none.csv": "no such file",
        "empty.csv": "the file is empty",
        "head.csv": "no rows",
        "ragged.csv": "line 3 has 1 field, but there are 2 columns: a, b",
        "half.csv": "byte 1,200,004 is not text in utf-8",
        "false.parquet": "cannot be read as Parquet",
        "false.csv.gz": "cannot be read",
        "table.xlsx": "cannot be read as a workbook of Excel",
        "true.csv": "begins like Parquet",
        "folder.csv": "a folder",
    }.items():
        assert_refused(run("fit", name, "--target", "b"), name, text)
    assert not Path("model").exists()


def test_targets_that_cannot_be_learnt_are_refused(run):
    columns = people(60)
    columns["gap"] = ["?"] * 60
    write("people.csv", columns)
    for target, text in {
        "wealth": "no column 'wealth'; there are age, town",
        "same": "always 'x'",
        "id": "60 classes in 60 rows",
        "gap": "missing in all rows",
    }.items():
        assert_refused(run("fit", "people.csv", "--target", target), text)
    assert_refused(run("fit", "people.csv", "--target", "town", "--task", "regression"), "numbers")
    write("few.csv", people(10))
    assert_refused(run("fit", "few.csv", "--target", "label"), "at least 20")


def test_tables_too_small_for_their_parts_are_refused(run):
    write("people.csv", people(24))
    parts = ["--test", 0.9, "--validation", 0.9]
    result = run("fit", "people.csv", "--target", "label", *parts)
    assert_refused(result, "rows are too few to hold", "--validation")
    parquet.write_table(pa.table({"a": list(range(30)), "b": [[1]] * 30}), "nested.parquet")
    assert_refused(run("fit", "nested.parquet", "--target", "b"), "target 'b' holds list")


def test_a_class_of_one_row_does_not_end_in_an_error(run):
    columns = people(60)
    columns["label"] = ["no"] * 59 + ["yes"]
    write("people.csv", columns)
    for seed in range(4):  # it falls into another part each time
        folder = f"model{seed}"
        result = run(
            "fit", "people.csv", "--target", "label", "--out", folder, "--seed", seed, *FAST
        )
        assert result[0] == 0, result[2]


def test_names_that_look_like_another_kind_of_file_are_names(run):
    columns = people()
    write("keys.csv", {"PK": columns.pop("id"), **columns})
    assert run("fit", "keys.csv", "--target", "label", *FAST)[0] == 0


def test_a_column_that_is_missing_at_prediction_is_named(run, fitted):
    columns = people(5)
    del columns["age"]
    write("new.csv", columns)
    result = run("predict", "model", "new.csv", "--out", "p.csv")
    assert_refused(result, "no column 'age'", "town, income")
    assert not Path("p.csv").exists()


def test_predictions_appear_whole_or_not_at_all(run, fitted):
    text = Path("people.csv").read_text()
    # The damage comes long after the first block.
    Path("long.csv").write_text(text + text.partition("\n")[2] * 150 + "1,2\n")
    Path("p.csv").write_text("before")
    status, _, err = run("predict", "model", "long.csv", "--out", "p.csv")
    assert status == 2
    assert "line 45302 has 2 fields, but there are 6 columns" in err
    assert Path("p.csv").read_text() == "before"
    assert not list(Path.cwd().glob("*part*"))


def test_a_place_that_is_taken_is_not_written_to(run, fitted):
    before = Path("model/model.json").read_text()
    fit = ["fit", "people.csv", "--target", "label", *FAST]
    assert_refused(run(*fit), "there is a model already; --force replaces it")
    Path("other").mkdir()
    Path("other/thesis.tex").touch()
    assert_refused(run(*fit, "--out", "other", "--force"), "something else")
    assert Path("model/model.json").read_text() == before
    assert run(*fit, "--force")[0] == 0
    assert Path("model/model.json").read_text() != before
    assert sorted(os.listdir()) == ["model", "other", "people.csv"]


@pytest.mark.parametrize("option", ["--learning-rate", "--dropout", "--test", "--validation"])
@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "1e999"])
def test_what_is_no_finite_number_is_wrong_usage(run, option, number):
    write("t.csv", people(30))
    assert_refused(run("fit", "t.csv", "--target", "label", option, number, *FAST), option)
    assert not Path("model").exists()


def test_a_layer_beyond_all_memory_is_wrong_usage(run):
    write("t.csv", people(30))
    assert_refused(run("fit", "t.csv", "--target", "label", "--hidden", "9" * 30), "at most")


def test_a_table_without_rows_has_no_score(run, fitted):
    Path("none.csv").write_text(Path("people.csv").read_text("utf-8").splitlines()[0] + "\n")
    assert_refused(run("evaluate", "model", "none.csv"), "no rows below the names of the columns")


@pytest.mark.skipif(os.name == "nt", reason="links need privileges there")
def test_a_link_is_followed_to_the_folder_of_the_model(run):
    write("t.csv", people(30))
    os.symlink("elsewhere", "link")
    for force in ([], ["--force"]):
        assert run("fit", "t.csv", "--target", "label", "--out", "link", *FAST, *force)[0] == 0
        assert Path("link").is_symlink()
        assert Path("elsewhere", "model.json").is_file()


@pytest.mark.skipif(os.name == "nt", reason="links need privileges there")
def test_a_link_to_itself_is_refused_before_the_work(run, fitted):
    os.symlink("loop", "loop")
    fit = run("fit", "people.csv", "--target", "label", "--out", "loop", *FAST)
    assert_refused(fit, "there is something else already")
    assert fit[1] == ""
    assert_refused(run("predict", "model", "people.csv", "--out", "loop"), "leads to itself")


@pytest.mark.parametrize("command", ["predict", "evaluate", "show"])
def test_a_model_without_weights_is_refused(run, fitted, command):
    Path("model", "weights.safetensors").unlink()
    table = [] if command == "show" else ["people.csv"]
    assert_refused(run(command, "model", *table), "weights.safetensors: cannot be read: no such")


@pytest.mark.parametrize("command", ["predict", "evaluate", "show"])
def test_damaged_models_are_refused(run, fitted, command):
    rest = [] if command == "show" else ["people.csv"]
    assert_refused(run(command, "people.csv", *rest), "no model")
    path = Path("model/model.json")
    state = json.loads(path.read_text())
    for changed, text in [
        ("{", "cannot be read"),
        ("[]", "not of a model"),
        (json.dumps(state | {"version": 9}), "version 9"),
        (json.dumps(state | {"design": state["design"] | {"sizes": [2, 8, 2]}}), "damaged"),
        (json.dumps({key: x for key, x in state.items() if key != "encoder"}), "damaged"),
    ]:
        path.write_text(changed)
        assert_refused(run(command, "model", *rest), text)
    path.write_text(json.dumps(state))
    weights = Path("model/weights.safetensors")
    weights.write_bytes(weights.read_bytes()[:-100])
    assert_refused(run(command, "model", *rest), "damaged")


def test_a_model_that_is_loaded_predicts_the_same(run, fitted):
    model = load_model(Path("model"))
    treated = Counter()
    block = pa.table(people())
    first = model.predict(block, treated)["probability_no"]
    again = load_model(Path("model")).predict(block, treated)["probability_no"]
    np.testing.assert_array_equal(first, again)
