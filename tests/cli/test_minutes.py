"""`adjoint fit --minutes` searches settings, or says before any work why it does not."""

import json

import numpy as np
import pytest

pytest.importorskip("click")
pytest.importorskip("pyarrow")
pytest.importorskip("tabulate")

from adjoint.cli import main
from adjoint.tables import search

QUICK = ["--hidden", "4", "--ensemble", "2", "--epochs", "2", "--bins", "2", "--batch-size", "32"]


@pytest.fixture
def table(tmp_path):
    x = np.random.default_rng(0).normal(size=(90, 2))
    lines = [f"{a:.3f},{b:.3f},{a * b:.3f}" for a, b in x]
    (tmp_path / "table.csv").write_text("\n".join(["a,b,y", *lines]))
    return tmp_path / "table.csv"


def command(table, *words):
    out = str(table.with_name("model"))
    return ["fit", str(table), "--target", "y", "--out", out, *words]


@pytest.fixture
def short(monkeypatch):
    """Let the search end when it has made two trials, whatever the clock says."""
    monkeypatch.setattr(search._Course, "_is_over", lambda course: len(course.tried) >= 2)


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "-inf", "ten", "", "1e300", "0x10"])
def test_a_time_that_is_none_is_refused_in_one_line(value, table, capsys):
    assert main(command(table, "--minutes", value)) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "--minutes" in told


@pytest.mark.parametrize(
    "words",
    [
        ["--folds", "3"],
        ["--reproducible"],
        [*QUICK, "--dropout", "0", "--learning-rate", "0.1", "--weight-decay", "0"],
    ],
    ids=lambda words: words[0],
)
def test_what_does_not_go_together_is_said_before_the_table_is_read(words, table, capsys):
    assert main(command(table, "--minutes", "1", *words)) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert "--minutes" in printed.err


def test_a_large_table_is_not_searched(table, capsys):
    import pyarrow
    from pyarrow import parquet

    place = table.with_name("table.parquet")
    parquet.write_table(pyarrow.table({"a": np.arange(99.0), "y": np.arange(99.0)}), place)
    assert main(command(place, "--minutes", "1", "--stream")) == 2
    assert "--minutes: for tables that are held in memory" in capsys.readouterr().err


def test_the_command_tells_what_was_tried_and_goes_on_from_its_file(table, short, capsys):
    place = table.with_name("trials")
    words = command(table, *QUICK, "--minutes", "5", "--checkpoint", str(place))
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "as given" in out
    assert "The search made 2 trials" in out
    assert "It was too short for more than 2 trials" in out
    before = place.read_bytes()
    assert main([*words, "--force", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["search"]
    assert found["trials"] == json.loads(before)["trials"]
    assert place.read_bytes() == before
    assert {one["choice"]["bins"] for one in found["trials"]} == {2}
    assert main(["show", str(table.with_name("model")), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["search"] == found


def test_ctrl_c_makes_the_model_of_the_best_so_far(table, monkeypatch, capsys):
    real = search._Course._trial

    def trial(course, choice):
        if len(course.tried) == 1:
            raise KeyboardInterrupt
        return real(course, choice)

    monkeypatch.setattr(search._Course, "_trial", trial)
    assert main(command(table, *QUICK, "--minutes", "5")) == 130
    assert "Ctrl-C ended it; the model is that of the best trial so far." in capsys.readouterr().out
    assert (table.with_name("model") / "report.html").exists()


def test_a_file_of_something_else_is_refused_and_left_as_it_is(table, capsys):
    place = table.with_name("trials")
    place.write_text("my notes")
    assert main(command(table, *QUICK, "--minutes", "5", "--checkpoint", str(place))) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "cannot be read as trials of a search" in told
    assert place.read_text() == "my notes"
    assert not table.with_name("model").exists()
