"""Folds score all rows, each by networks that never saw it."""

from __future__ import annotations

import re

import numpy as np
import pyarrow
import pytest

from adjoint.errors import TableError
from adjoint.tables import trial as trials
from adjoint.tables.report import write_report
from adjoint.tables.settings import TableSettings
from adjoint.tables.trial import prepare, prepare_folds, run

ROWS = 150


def table(classes=False, rows=ROWS):
    rng = np.random.default_rng(0)
    x = rng.normal(size=rows)
    y = x + 0.1 * rng.normal(size=rows) + np.arange(rows) * 1e-3
    return pyarrow.table(
        {
            "x": x,
            "z": rng.normal(size=rows),
            "group": rng.integers(0, 12, rows),
            "day": rng.integers(0, 40, rows),
            "y": np.where(y > 0.8, "high", "low") if classes else y,
        }
    )


def folds_of(data, **settings):
    settings = TableSettings(folds=4, **settings)
    return [parts for _, _, parts in prepare_folds(data, "y", settings)]


def targets(*parts):
    return np.concatenate([part[1] for part in parts]).tolist()


def test_each_row_is_scored_once_and_never_by_a_network_of_it():
    found = folds_of(table())
    assert len(found) == 4
    assert sorted(targets(*(one.test for one in found))) == sorted(table()["y"].to_pylist())
    for one in found:
        assert not set(targets(one.test)) & set(targets(one.train, one.validation))
        assert len(targets(one.train, one.validation, one.test)) == ROWS


def test_folds_of_classes_have_the_shares_of_all_rows():
    share = np.mean(np.array(table(classes=True)["y"].to_pylist()) == "high")
    for one in folds_of(table(classes=True)):
        # The labels are in their order: "high" is 0.
        assert np.mean(one.test[1] == 0) == pytest.approx(share, abs=1 / len(one.test[1]))


@pytest.mark.parametrize("classes", [False, True])
def test_a_group_is_in_one_fold(classes):
    found = folds_of(table(classes), split_by="group")
    seen = [set(one.test_blocks.tolist()) for one in found]
    assert all(seen)
    assert sum(map(len, seen)) == len(set().union(*seen)) == 12
    for one, own in zip(found, seen, strict=True):
        assert not own & set(one.blocks.tolist())
        held = len(one.validation[1])
        assert not set(one.blocks[:-held].tolist()) & set(one.blocks[-held:].tolist())


def test_folds_by_time_are_scored_by_networks_of_earlier_rows():
    found = folds_of(table(), time="day")
    before = 0
    for one in found:
        held = len(one.validation[1])
        assert max(one.blocks[:-held]) < min(one.blocks[-held:])
        assert max(one.blocks) < min(one.test_blocks)
        assert len(one.blocks) > before
        before = len(one.blocks)
    assert before + len(found[-1].test[1]) == ROWS


@pytest.mark.parametrize(
    ("data", "settings", "message"),
    [
        (table(rows=30), {"folds": 16}, "--folds: 30 rows are too few for 16 folds"),
        (table(), {"folds": 13, "split_by": "group"}, "12 different values, too few for 13 folds"),
        (table(), {"folds": 60, "time": "day"}, "too few different values for 60 folds"),
    ],
)
def test_more_folds_than_there_is_something_of_are_refused(data, settings, message):
    with pytest.raises(TableError, match=message):
        prepare(data, "y", TableSettings(**settings))


def test_a_class_of_fewer_rows_than_folds_is_no_error():
    y = ["a"] * 60 + ["b"] * 57 + ["c"] * 3
    data = pyarrow.table({"x": np.arange(120.0) % 7, "y": y})
    assert sum(len(one.test[1]) for one in folds_of(data)) == 120


def trial(data, **settings):
    settings = TableSettings(folds=3, epochs=2, ensemble=1, hidden=(4,), **settings)
    folds = prepare_folds(data, "y", settings)
    return run(*prepare(data, "y", settings), settings, progress=False, folds=folds)


@pytest.fixture(scope="module")
def scored():
    return trial(table(), split_by="group")


def test_the_scores_are_of_all_rows_and_the_model_is_trained_on_all(scored):
    record = scored.record
    assert record.rows["test"] == ROWS
    assert record.rows["train"] + record.rows["validation"] == ROWS
    y, outputs = scored.held_y, scored.held_outputs
    expected = 1 - np.sum((y - outputs) ** 2) / np.sum((y - y.mean()) ** 2)
    assert record.metrics["network"]["r2"] == pytest.approx(expected)
    assert sorted(y.tolist()) == sorted(table()["y"].to_pylist())
    assert next(iter(record.importance)) == "x"


def test_what_each_fold_scored_and_the_time_are_told(scored):
    first, by_fold, time = scored.record.split
    assert first.startswith("3 folds by 'group': each row is scored by networks that were trained")
    assert len(re.findall(r"\d\.\d{4}", by_fold)) == 3
    assert time.startswith("4 trainings took ")


def test_a_report_of_folds_counts_each_row_once(scored):
    pytest.importorskip("matplotlib")
    page = write_report(scored, "t.csv")
    assert f"t.csv: {ROWS} rows with a target" in page
    assert f"the scores are of {ROWS}, by other networks that never saw them" in page
    assert "over rows that it was trained on" in page
    assert "4 trainings took" in page


def test_the_simple_models_are_of_the_same_folds():
    found = trial(table(classes=True))
    linear = found.record.metrics["logistic regression"]["accuracy"]
    assert 0.9 < linear < 1
    assert found.held_outputs.shape == (ROWS, 2)


def test_ctrl_c_in_a_fold_ends_all(monkeypatch):
    from dataclasses import replace

    train = trials.train
    monkeypatch.setattr(trials, "train", lambda *a, **k: replace(train(*a, **k), interrupted=True))
    with pytest.raises(KeyboardInterrupt):
        trial(table())
