"""A table that is read group by group is learnt and predicted as one that is in memory."""

import hashlib
import io
import json
import os
import threading
from decimal import Decimal

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from adjoint.cli.main import main
from adjoint.errors import TableError
from adjoint.tables import large, survey
from adjoint.tables.conventions import AS_SHOWN
from adjoint.tables.large import is_large, prepare_large
from adjoint.tables.reading.table_file import TableFile
from adjoint.tables.settings import TableSettings
from adjoint.tables.trial import prepare
from adjoint.training.saving import Saver
from sampled import sampled

N = 1200


def columns(n=N, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    gaps = np.where(rng.random(n) < 0.1, np.nan, rng.integers(0, 9, n))
    letters = rng.choice(["a", "b", "c"], n).astype(object)
    return {
        "row": np.arange(n),
        "x": x,
        "gaps": gaps,
        "letter": letters,
        "price": [f"${value:.2f}" for value in 50 + 10 * x],
        "when": np.datetime64("2024-01-01", "s") + rng.integers(0, 10**7, n).astype("m8[s]"),
        "kind": np.where(x + (letters == "a") > 0.3, "yes", "no").astype(object),
        "amount": 3 * x + 100 * rng.random(n),
    }


def write(path, found, group=100):
    path.parent.mkdir(exist_ok=True)
    parquet.write_table(pyarrow.table(found), path, row_group_size=group)
    return path


@pytest.fixture
def table(tmp_path):
    return write(tmp_path / "table.parquet", columns())


def prepared(path, target="kind", **changed):
    source = TableFile(path)
    settings = TableSettings(**changed)
    return prepare_large(source.groups(), source.names, target, settings, AS_SHOWN)


def adjoint(*arguments):
    return main([str(argument) for argument in arguments])


# --- what is learnt -----------------------------------------------------------------------------


def test_columns_are_what_they_are_in_memory(table):
    found, target, parts = prepared(table)
    expected, of_all, _ = prepare(TableFile(table).read(), "kind", TableSettings())
    assert [(c.name, c.kind, c.levels, c.has_missing, c.parts) for c in found.columns] == [
        (c.name, c.kind, c.levels, c.has_missing, c.parts) for c in expected.columns
    ]
    assert found.ignored.keys() == expected.ignored.keys()
    assert target == of_all
    assert parts.rows + len(parts.validation[1]) + len(parts.test[1]) == N


@pytest.mark.parametrize("most", [40, 10_000])
def test_a_small_sample_still_knows_ends_gaps_categories_and_classes(tmp_path, monkeypatch, most):
    monkeypatch.setattr(survey, "MOST_ROWS", most)
    found = columns()
    # Each has a few rows in the last group, which no sample of 40 rows is sure to have.
    found["x"][-30:-20] = 1e6
    found["letter"][-30:] = "rare"
    found["kind"][-30:] = "never"
    found["amount"][-30:] = np.nan
    encoder, target, _ = prepared(write(tmp_path / "t.parquet", found), test=0.1, validation=0.1)
    by_name = {column.name: column for column in encoder.columns}
    assert by_name["letter"].levels == ["a", "b", "c", "rare"]
    assert target.labels == ["never", "no", "yes"]
    assert by_name["x"].quantiles[-1] == 1e6
    assert by_name["amount"].has_missing


def test_the_scale_of_a_target_is_that_of_all_rows_to_train_on(table, monkeypatch):
    monkeypatch.setattr(survey, "MOST_ROWS", 200)
    _, _, parts = prepared(table, target="amount")
    y = np.concatenate([y for _, y in parts.stream(0)])
    assert len(y) == parts.rows
    np.testing.assert_allclose([y.mean(), y.std()], [0, 1], atol=1e-12)


@pytest.mark.parametrize("power", [-1000, 1000])
def test_targets_whose_squares_no_float_holds_have_the_scale_of_others(tmp_path, power):
    found = columns()
    _, usual, _ = prepared(write(tmp_path / "usual.parquet", found), target="amount")
    found["amount"] = np.ldexp(found["amount"], power)
    _, scaled, _ = prepared(write(tmp_path / "scaled.parquet", found), target="amount")
    # A power of two changes no digit.
    expected = np.ldexp([usual.mean, usual.std], power).tolist()
    assert [scaled.mean, scaled.std] == expected


def test_rows_are_parted_by_the_seed_alone(tmp_path):
    one = prepared(write(tmp_path / "a.parquet", columns()))[2]
    two = prepared(write(tmp_path / "b.parquet", columns()))[2]
    other = prepared(write(tmp_path / "c.parquet", columns()), seed=1)[2]
    np.testing.assert_array_equal(one.test[0], two.test[0])
    assert one.test[0].tolist() != other.test[0].tolist()


@pytest.mark.parametrize("group", [1, 17, 5000])
def test_groups_of_one_row_and_of_all_rows_are_read(tmp_path, group):
    path = write(tmp_path / "t.parquet", columns(60), group)
    encoder, _, parts = prepared(path, batch_size=8, test=0.2, validation=0.3)
    batches = list(parts.stream(0))
    assert sum(len(X) for X, _ in batches) == parts.rows
    assert {X.shape[1] for X, _ in batches} == {encoder.width}


def test_views_dictionaries_decimals_and_dates_are_learnt_as_in_memory(tmp_path):
    letters = ["a", "b", "c", None] * 300
    days = np.datetime64("2024-01-01") + np.arange(N) % 500
    found = {
        "view": pyarrow.array(letters, pyarrow.string_view()),
        "coded": pyarrow.array(letters).dictionary_encode(),
        "day": pyarrow.array(days.astype("M8[D]")),
        "price": pyarrow.array([Decimal(i % 77) / 4 for i in range(N)]),
        "kind": pyarrow.array(["yes", "no", "no"] * 400, pyarrow.string_view()),
    }
    path = write(tmp_path / "t.parquet", found)
    encoder, target, _ = prepared(path)
    expected, of_all, _ = prepare(TableFile(path).read(), "kind", TableSettings())
    assert [(c.name, c.kind, c.levels, c.has_missing) for c in encoder.columns] == [
        (c.name, c.kind, c.levels, c.has_missing) for c in expected.columns
    ]
    assert target == of_all


def test_rows_without_a_target_are_left_out_and_counted(tmp_path):
    found = columns()
    found["amount"][::3] = np.nan
    _, _, parts = prepared(write(tmp_path / "t.parquet", found), target="amount")
    assert parts.left_out == "400 rows without one are left out"
    assert parts.rows + len(parts.validation[1]) + len(parts.test[1]) == 800


def test_files_with_other_types_and_without_rows_are_one_table(tmp_path):
    found = columns()
    halves = [
        {name: values[part] for name, values in found.items()}
        for part in (slice(0, 700), slice(700, 1200))
    ]
    halves[1]["row"] = halves[1]["row"].astype(np.int32)
    halves[1]["x"] = halves[1]["x"].astype(np.float32)
    for i, half in enumerate(halves):
        write(tmp_path / f"{i}.parquet", half)
    write(tmp_path / "empty.parquet", {name: values[:0] for name, values in halves[0].items()})
    assert prepared(tmp_path)[2].rows > 700


def test_progress_is_told_in_rows_and_bytes(table, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("adjoint.cli.reading_log._SECONDS", 0.0)
    assert adjoint("fit", table, *FIT, "--epochs", 1, "--out", tmp_path / "m") == 0
    told = capsys.readouterr().err
    assert "before the first epoch: 1,200 of 1,200 rows, 0 of 0 MB" in told
    assert "epoch 1: 0 of " in told


def test_a_class_that_only_rows_held_out_have_is_counted(tmp_path):
    found = columns()
    path = write(tmp_path / "t.parquet", found)
    source = TableFile(path)
    trained = survey.Survey(source.groups(), source.names, (), "kind", TableSettings())
    held = np.flatnonzero(~np.concatenate([trained.is_trained(i) for i in range(12)]))
    found["kind"][held[0]] = "alone"
    _, target, parts = prepared(write(path, found))
    assert target.labels == ["no", "yes"]
    assert parts.left_out.startswith(
        "1 row without one, or of a class that only rows held out have"
    )


def test_a_corrupt_group_ends_in_one_line(table, tmp_path, capsys):
    data = bytearray(table.read_bytes())
    data[1000:1500] = bytes(500)
    table.write_bytes(data)
    assert adjoint("fit", table, *FIT, "--out", tmp_path / "m") == 2
    assert "table.parquet: cannot be read: " in capsys.readouterr().err.splitlines()[-1]


def test_partitions_and_columns_that_some_files_lack_are_read(tmp_path):
    for year in (2023, 2024):
        (tmp_path / f"year={year}").mkdir()
        found = columns(600, seed=year)
        if year == 2023:
            del found["gaps"]
        write(tmp_path / f"year={year}" / "part.parquet", found)
    encoder, _, _ = prepared(tmp_path)
    by_name = {column.name: column for column in encoder.columns}
    assert by_name["year"].quantiles == [2023.0, 2024.0]
    assert by_name["gaps"].has_missing


def test_a_column_that_some_files_lack_is_told(tmp_path, capsys):
    for part in "abc":
        found = columns(100)
        if part != "b":
            del found["gaps"]
        write(tmp_path / "parts" / f"{part}.parquet", found)
    for way in ("--stream", "--no-stream"):
        out = tmp_path / way
        assert adjoint("fit", tmp_path / "parts", *FIT, way, "--out", out) == 0
        told = capsys.readouterr().out
        assert "parts: no column 'gaps' in 2 files of 3, as a.parquet: its values are" in told
        assert told.count("no column") == 1


@pytest.mark.parametrize("name", ["table.parquet", "kind=2024/table.parquet"])
def test_a_file_is_read_by_groups_wherever_it_is(tmp_path, name):
    write(tmp_path / name, columns())
    encoder, _, parts = prepared(tmp_path / name)
    assert parts.rows > 0.6 * N
    assert "x" in {column.name for column in encoder.columns}


@pytest.mark.parametrize("way", [("--stream",), ("--no-stream",), ()])
def test_parquet_comes_through_a_pipe(table, tmp_path, monkeypatch, way):
    with table.open("rb") as file:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(file))
        assert adjoint("fit", "-", *FIT[:-1], *way, "--out", tmp_path / "m") == 0


@pytest.mark.parametrize(
    "option", [("--split-by", "x"), ("--time", "x"), ("--folds", "3")], ids=" ".join
)
def test_rows_read_by_a_window_are_not_split_by_a_column(table, tmp_path, capsys, option):
    out = tmp_path / "model"
    assert adjoint("fit", table, *FIT, "--stream", *option, "--out", out) == 2
    assert f"{option[0]}: for tables that are held in memory" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize("way", ["--stream", "--no-stream"])
def test_files_without_rows_are_refused_as_such(tmp_path, capsys, way):
    write(tmp_path / "parts" / "a.parquet", columns(0))
    assert adjoint("fit", tmp_path / "parts", *FIT, way) == 2
    assert capsys.readouterr().err == (
        f"adjoint: {tmp_path / 'parts'}: no rows below the names of the columns\n"
    )


def test_an_identifier_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(survey, "_MOST_TEXTS", 50)
    found = columns() | {"who": [f"person {i * 7919 % N}" for i in range(N)]}
    encoder, _, _ = prepared(write(tmp_path / "t.parquet", found))
    assert "say who a row is" in encoder.ignored["who"]


def test_too_few_rows_are_refused(tmp_path):
    with pytest.raises(TableError, match="10 rows have a target"):
        prepared(write(tmp_path / "t.parquet", columns(10)), test=0.5, validation=0.5)


# --- when a table is read so ---------------------------------------------------------------------


def test_a_table_is_large_by_the_memory_that_is_available(table, monkeypatch):
    groups = TableFile(table).groups()
    assert not is_large(groups)
    monkeypatch.setattr(large, "available_memory", lambda: 8 * 8 * N * 8 - 1)
    assert is_large(groups)


def test_text_cannot_be_streamed(tmp_path, capsys):
    (tmp_path / "t.csv").write_text("x,y\n1,2\n")
    assert adjoint("fit", tmp_path / "t.csv", "--target", "y", "--stream") == 2
    assert "t.csv is CSV" in capsys.readouterr().err


# --- the commands ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("power", "way"), sampled([(-1000, "--stream"), (1000, "--no-stream")], 2))
def test_scores_of_targets_whose_squares_no_float_holds_are_those_of_others(
    tmp_path, capsys, power, way
):
    metrics = []
    for exponent in (0, power):
        found = columns()
        found["amount"] = np.ldexp(found["amount"], exponent)
        path = write(tmp_path / f"{exponent}.parquet", found)
        fit = (
            "--target",
            "amount",
            "--epochs",
            2,
            way,
            "--json",
            "--out",
            tmp_path / f"m{exponent}",
        )
        assert adjoint("fit", path, *fit) == 0
        metrics.append(json.loads(capsys.readouterr().out)["metrics"])
    usual, scaled = metrics
    for name, scores in usual.items():
        expected = [scores["r2"], *np.ldexp([scores["mae"], scores["rmse"]], power)]
        assert list(scaled[name].values()) == expected


def weights_of(folder):
    return hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest()


FIT = (
    "--target",
    "kind",
    "--drop",
    "amount",
    "--epochs",
    3,
    "--batch-size",
    16,
    "--ensemble",
    1,
    "--stream",
)


@pytest.mark.parametrize(("members", "count"), sampled([(2, 250), (1, 4)], 2))
def test_a_killed_training_goes_on_to_the_same_bits(
    members, count, table, tmp_path, monkeypatch, capsys
):
    fit = ("fit", table, *FIT, "--ensemble", members)
    assert adjoint(*fit, "--out", tmp_path / "whole") == 0
    assert "read a window at a time" in capsys.readouterr().out
    again = ("--out", tmp_path / "m", "--checkpoint", tmp_path / "c")
    save, saves = Saver.save, []

    def save_and_stop(self, run):
        save(self, run)
        saves.append(run)
        if len(saves) == count:
            raise MemoryError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(Saver, "is_due", lambda self: True)
        patch.setattr(Saver, "save", save_and_stop)
        patch.setattr("adjoint.training.streamed_run._ROWS_A_PIECE", 128)
        assert adjoint(*fit, *again)
    assert not (tmp_path / "m").exists()
    # Each member has a file of its own.
    assert (tmp_path / "c.2").exists() == (count > 4)
    assert adjoint(*fit, *again) == 0
    assert weights_of(tmp_path / "m") == weights_of(tmp_path / "whole")
    assert not [one for one in threading.enumerate() if "prefetch" in one.name]


def test_the_checkpoint_of_other_data_is_refused_in_one_line(table, tmp_path, capsys):
    settings = (*FIT, "--epochs", 1, "--checkpoint", tmp_path / "c")
    assert adjoint("fit", table, *settings, "--out", tmp_path / "one") == 0
    write(table, columns(seed=1))
    capsys.readouterr()
    assert adjoint("fit", table, *settings, "--out", tmp_path / "two") == 2
    assert "the checkpoint is of a training with" in capsys.readouterr().err.splitlines()[-1]
    (tmp_path / "c").write_bytes(b"nothing")
    assert adjoint("fit", table, *settings, "--out", tmp_path / "two") == 2


def test_a_stream_has_no_weights_of_classes(table, tmp_path, capsys):
    fit = ("fit", table, *FIT, "--class-weight", "balanced", "--out", tmp_path / "m")
    assert adjoint(*fit) == 2
    assert "--class-weight: rows that are read a window" in capsys.readouterr().err


def test_a_table_that_was_written_anew_is_another_one(table):
    _, _, before = prepared(table)
    os.utime(table, ns=(0, 0))
    _, _, after = prepared(table)
    assert before.stream.identity != after.stream.identity


def test_a_damaged_checkpoint_is_named_once(table, tmp_path, capsys):
    place = tmp_path / "c"
    place.write_bytes(b"nothing")
    assert adjoint("fit", table, *FIT, "--out", tmp_path / "m", "--checkpoint", place) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line == f"adjoint: {place}: no whole safetensors file, 7 bytes long"


def test_a_checkpoint_that_cannot_be_written_is_refused_by_its_option(table, tmp_path, capsys):
    assert adjoint("fit", table, *FIT, "--out", tmp_path / "m", "--checkpoint", tmp_path) == 2
    assert f"--checkpoint: {tmp_path}: a folder" in capsys.readouterr().err


def test_a_table_in_memory_has_a_checkpoint_too(table, tmp_path):
    settings = (*FIT, "--epochs", 1, "--no-stream", "--checkpoint", tmp_path / "c")
    assert adjoint("fit", table, *settings, "--out", tmp_path / "one") == 0
    assert adjoint("fit", table, *settings, "--out", tmp_path / "two") == 0
    assert weights_of(tmp_path / "one") == weights_of(tmp_path / "two")


def test_a_file_that_changes_while_it_is_read_ends_in_one_line(
    table, tmp_path, capsys, monkeypatch
):
    after = survey.Survey._keep

    def keep_and_change(self):
        after(self)
        write(table, columns(N + 1))

    monkeypatch.setattr(survey.Survey, "_keep", keep_and_change)
    assert adjoint("fit", table, *FIT, "--out", tmp_path / "m") == 2
    assert "the file was changed while it was read" in capsys.readouterr().err.splitlines()[-1]


def test_a_streamed_model_predicts_and_is_evaluated(table, tmp_path, capsys):
    assert adjoint("fit", table, *FIT, "--out", tmp_path / "m") == 0
    assert adjoint("predict", tmp_path / "m", table, "--out", tmp_path / "p.csv") == 0
    assert len((tmp_path / "p.csv").read_text().splitlines()) == N + 1
    capsys.readouterr()
    assert adjoint("evaluate", tmp_path / "m", table, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["metrics"]["accuracy"] > 0.8
    # The rows that trained it are known by their fingerprints, group by group.
    assert 0.6 * N < told["trained_on"] <= N
