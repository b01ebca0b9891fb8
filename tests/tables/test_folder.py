"""A model's folder is believed only if it is whole, and what others put into it stays."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyarrow")
pytest.importorskip("sklearn")
pytest.importorskip("safetensors")

from adjoint import cli
from adjoint.errors import TableError
from adjoint.files.tensor_file import write_tensors
from adjoint.tables import folder
from adjoint.tables.fingerprints import Fingerprints
from adjoint.tables.folder import load_model, save_model
from adjoint.tables.state import restored
from adjoint.tables.target import Target


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return a folder with a table and a model of it, of numbers, dates and categories."""
    place = tmp_path_factory.mktemp("trained")
    rng = np.random.default_rng(0)
    lines = ["size;day;town;sold"]
    for row in range(60):
        size, town = f"{rng.uniform(0, 9):.2f}".replace(".", ","), ["Rome", "上海"][row % 2]
        lines.append(
            f"{size} kg;{1 + row % 28}.{1 + row % 12}.2024;{town};{['no', '=1+1'][row % 2]}"
        )
    (place / "sales.csv").write_text("\n".join(lines), "utf-8")
    fit = [
        "fit",
        place / "sales.csv",
        "--target",
        "sold",
        "--epochs",
        "1",
        "--hidden",
        "4",
        "--ensemble",
        "2",
    ]
    assert cli.main([*map(str, fit), "--out", str(place / "model")]) == 0
    return place


@pytest.fixture
def place(trained, tmp_path, monkeypatch):
    """Return a copy of that folder, and work there."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def change(path, *keys, to):
    """Change an entry of a description, and let its checksum fit."""
    state = json.loads(path.read_text("utf-8"))
    entry = state
    for key in keys[:-1]:
        entry = entry[key]
    entry[keys[-1]] = to
    state["checksum"] = folder._checksum(state)
    path.write_text(json.dumps(state), "utf-8")


def test_a_folder_from_before_there_were_quantiles_is_read(place):
    before = load_model(place / "model")
    path = place / "model/model.json"
    state = json.loads(path.read_text("utf-8"))
    state["version"] = 3
    for entry, names in {
        "target": ["quantiles"],
        "record": ["by_target", "coverage"],
    }.items():
        for name in names:
            del state[entry][name]
    for name in ("quantiles", "label_smoothing"):
        del state["record"]["settings"][name]
    state["checksum"] = folder._checksum(state)
    path.write_text(json.dumps(state), "utf-8")
    model = load_model(place / "model")
    assert model.target == before.target
    assert model.record == before.record


@pytest.mark.parametrize(
    ("keys", "to", "message"),
    [
        (("encoder", "columns", 0, "quantiles", 3), None, "is no float: None"),
        (("encoder", "columns", 0, "quantiles"), [1.0, 10**400], "is no float: 1000"),
        (("encoder", "columns", 0, "quantiles"), [2.0, 1.0], "quantiles that do not rise"),
        (("encoder", "columns", 0, "quantiles"), [], "quantiles that do not rise"),
        (("encoder", "columns", 0, "kind"), "picture", "unknown kind 'picture'"),
        (("encoder", "columns", 0, "name"), ["a"], "name is no str"),
        (("encoder", "columns", 0, "has_missing"), 1, "has_missing is no bool"),
        (("encoder", "columns", 0, "numbers", "decimal"), "e", "no format of numbers"),
        (("encoder", "columns", 0, "numbers", "after"), "(" * 99, "no format of numbers"),
        (("encoder", "columns", 1, "dates", "order"), "ydm", "no order of dates"),
        (("encoder", "columns", 1, "parts"), ["minute"], "no date with parts"),
        (("encoder", "columns", 2, "levels"), ["Rome", "Rome"], "a category twice"),
        (("encoder", "columns", 0, "more"), 1, "unknown entry 'more'"),
        (("encoder", "columns"), {"a": 1}, "columns is no list"),
        (("encoder",), [], "is no object"),
        (("target", "labels"), ["no"], "labels that do not fit"),
        (("target", "task"), "ranking", "unknown task"),
        (("design", "sizes"), [10**9, 10**9, 2], "its columns need"),
        (("design", "sizes", 1), 10**9, "more than weights.safetensors holds"),
        (("design", "sizes", 1), -4, "no whole numbers"),
        (("design", "dropout"), "much", "no part"),
        (("record", "rows"), {}, "has no"),
        (("record", "loss"), "low", "loss is no list"),
        (("version",), 5, "reads versions 1 to 4"),
        (("members",), 0, "no whole number"),
        (("members",), 10**9, "no whole number"),
    ],
    ids=str,
)
def test_a_description_that_is_not_as_it_must_be_is_one_line(place, capsys, keys, to, message):
    change(place / "model/model.json", *keys, to=to)
    with pytest.raises(TableError, match=message):
        load_model(place / "model")
    assert cli.main(["predict", "model", "sales.csv"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_numbers_that_are_not_finite_are_no_state():
    for value in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match=r"mean is not finite"):
            restored(Target, {"name": "y", "task": "regression", "labels": [], "mean": value})


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "null", "\x00", '{"format": 1}'])
def test_a_description_that_is_none_is_one_line(place, text):
    (place / "model/model.json").write_text(text)
    with pytest.raises(TableError, match=r"cannot be read|not of a model"):
        load_model(place / "model")


def test_a_changed_description_or_other_weights_are_told(place):
    path = place / "model/model.json"
    path.write_text(path.read_text("utf-8").replace('"Rome"', '"Oslo"'), "utf-8")
    with pytest.raises(TableError, match=r"model\.json was changed"):
        load_model(place / "model")


def test_weights_that_belong_to_another_description_are_told(place):
    data = bytearray((place / "model/weights.safetensors").read_bytes())
    data[-1] ^= 1
    (place / "model/weights.safetensors").write_bytes(data)
    with pytest.raises(TableError, match=r"weights\.safetensors is not the file"):
        load_model(place / "model")


def test_fingerprints_of_another_model_s_rows_are_told(place):
    other = Fingerprints.of(np.zeros((1, 2)), np.zeros(1))
    write_tensors(place / "model/rows.safetensors", other.arrays(), {})
    with pytest.raises(TableError, match=r"rows\.safetensors is not the file"):
        load_model(place / "model")
    (place / "model/rows.safetensors").unlink()
    with pytest.raises(TableError, match=r"rows\.safetensors: cannot be read: no such file"):
        load_model(place / "model")


def test_replacing_a_model_keeps_what_others_put_beside_it(place):
    (place / "model/notes").mkdir()
    (place / "model/notes/mine.txt").write_text("mine")
    model = load_model(place / "model")
    save_model(model, place / "model", report="new", replace=True)
    assert (place / "model/notes/mine.txt").read_text() == "mine"
    assert (place / "model/report.html").read_text() == "new"
    assert [p.name for p in place.iterdir() if p.name.startswith(".")] == []


def test_a_replacement_that_fails_leaves_all_as_it_was(place, monkeypatch):
    (place / "model/mine.txt").write_text("mine")
    before = {p.name: p.read_bytes() for p in (place / "model").iterdir()}
    model, rename = load_model(place / "model"), folder.os.rename

    def refused(source, target):
        if Path(target).name == "model" and Path(source).name.startswith(".model-"):
            raise OSError("disk full")
        rename(source, target)

    monkeypatch.setattr(folder.os, "rename", refused)
    with pytest.raises(OSError, match="disk full"):
        save_model(model, place / "model", report="new", replace=True)
    assert {p.name: p.read_bytes() for p in (place / "model").iterdir()} == before
    assert [p.name for p in place.iterdir() if p.name.startswith(".")] == []


def test_a_folder_with_a_description_of_others_is_not_replaced(place):
    (place / "other").mkdir()
    (place / "other/model.json").write_text("{}")
    with pytest.raises(TableError, match="something else already"):
        save_model(load_model(place / "model"), place / "other", report="", replace=True)


# --- predictions ----------------------------------------------------------------------------------


def predict(capfdbinary, *arguments):
    status = cli.main(["predict", "model", "sales.csv", *arguments])
    captured = capfdbinary.readouterr()
    assert status == 0, captured.err
    return captured.out.decode().splitlines()


def test_columns_are_kept_beside_predictions(place, capfdbinary):
    assert predict(capfdbinary, "--keep", "town")[0].startswith('"town","prediction"')
    head = predict(capfdbinary, "--all")[0]
    assert head.startswith('"size","day","town","sold","prediction"')
    assert cli.main(["predict", "model", "sales.csv", "--keep", "towm"]) == 2
    assert "did you mean 'town'?" in capfdbinary.readouterr().err.decode()


def test_formulas_are_text_in_csv_and_as_they_are_elsewhere(place, capfdbinary):
    rows = predict(capfdbinary, "--keep", "sold")
    assert rows[2].startswith('"\'=1+1"')
    assert rows[0].endswith('"probability_=1+1","probability_no"')
    found = [json.loads(line) for line in predict(capfdbinary, "--all", "--json")]
    assert found[1]["sold"] == "=1+1"
    assert "上海" in predict(capfdbinary, "--all", "--format", "jsonl")[1]


def test_predictions_are_parquet_where_their_file_says_so(place, capfdbinary):
    from pyarrow import parquet

    predict(capfdbinary, "--all", "--out", "p.parquet")
    assert parquet.read_table("p.parquet").column_names[:4] == ["size", "day", "town", "sold"]
    assert cli.main(["predict", "model", "sales.csv", "--format", "parquet"]) == 2


def test_json_has_null_for_nan(capsys):
    from adjoint.cli.model_output import say_model_json

    say_model_json({"r2": float("nan"), "上海": [float("inf")]})
    assert capsys.readouterr().out == '{"r2": null, "上海": [null]}\n'


# --- fingerprints ---------------------------------------------------------------------------------


def test_fingerprints_count_the_rows_that_were_there(monkeypatch):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(500, 3)).astype(np.float32), rng.integers(0, 2, 500)
    seen = Fingerprints.of(X[:300], y[:300])
    assert seen.count(X, y) == 300
    assert seen.count(X, 1 - y) == 0
    assert seen.count(-X, y) == 0
    assert Fingerprints.of(0 * X[:1], y[:1]).count(-0.0 * X[:1], y[:1]) == 1
    assert Fingerprints.from_arrays(seen.arrays()).count(X, y) == 300
    # A tenth of the rows stands for all: 3 standard deviations of the share that is found.
    monkeypatch.setattr("adjoint.tables.fingerprints._MOST", 30)
    assert abs(Fingerprints.of(X[:300], y[:300]).count(X, y) - 300) < 150


def test_evaluate_says_that_it_scores_rows_that_it_was_trained_on(place, capsys):
    assert cli.main(["evaluate", "model", "sales.csv"]) == 0
    # Of 60 rows 12 are scored by; members of the ensemble hold different ones of the others out.
    assert "48 of these 60 rows are equal to rows that it was trained on" in capsys.readouterr().err


def test_digests_are_those_of_the_files(place):
    state = json.loads((place / "model/model.json").read_text("utf-8"))
    for name in ("weights.safetensors", "rows.safetensors"):
        data = (place / "model" / name).read_bytes()
        assert state["digests"][name] == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("out", ["x" * 300, "sales.csv", "sales.csv/model", "", "."])
def test_a_bad_out_is_one_line_before_the_training(place, capsys, out):
    fit = ["fit", "sales.csv", "--target", "sold", "--out", out, "--force"]
    assert cli.main(fit) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
