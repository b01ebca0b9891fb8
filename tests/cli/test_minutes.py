"""`adjoint fit --minutes` searches settings, or says before any work why it does not."""

import json
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("click")
pytest.importorskip("pyarrow")
pytest.importorskip("tabulate")

from adjoint.cli import fit_rows, main
from adjoint.tables import search, trial

QUICK = ["--hidden", "4", "--ensemble", "2", "--epochs", "2", "--bins", "2", "--batch-size", "32"]


@pytest.fixture
def table(tmp_path):
    return written(tmp_path)


def written(folder):
    x = np.random.default_rng(0).normal(size=(90, 2))
    lines = [f"{a:.3f},{b:.3f},{a * b:.3f}" for a, b in x]
    (folder / "table.csv").write_text("\n".join(["a,b,y", *lines]))
    return folder / "table.csv"


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


@pytest.fixture
def interrupting(monkeypatch):
    """Return how to let Ctrl-C come so many times before a function of a module is called."""

    def at(module, name, times=1):
        real, left = getattr(module, name), [times]

        def interrupted(*args, **kwargs):
            while left[0]:
                left[0] -= 1
                signal.raise_signal(signal.SIGINT)
            return real(*args, **kwargs)

        monkeypatch.setattr(module, name, interrupted)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield at
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, before)


NO_MODEL = "adjoint: interrupted before a network was trained: there is no model yet"


@pytest.fixture(scope="module")
def trials(tmp_path_factory):
    """Return the file of a search that made two trials."""
    folder = tmp_path_factory.mktemp("kept")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(search._Course, "_is_over", lambda course: len(course.tried) >= 2)
        checkpoint = "--checkpoint", str(folder / "trials")
        assert main(command(written(folder), *QUICK, "--minutes", "5", *checkpoint)) == 0
    return (folder / "trials").read_bytes()


@pytest.fixture
def kept(table, short, trials, capsys):
    """Return a command whose search goes on from trials in a file."""
    place = table.with_name("trials")
    place.write_bytes(trials)
    capsys.readouterr()
    return command(table, *QUICK, "--minutes", "5", "--checkpoint", str(place))


def test_ctrl_c_before_a_resumed_search_begins_makes_the_model_of_its_trials(
    kept, table, trials, interrupting, capsys
):
    interrupting(fit_rows, "prepare")
    assert main(kept) == 130
    printed = capsys.readouterr()
    assert "Ctrl-C ended it; the model is that of the best trial so far." in printed.out
    assert printed.err.startswith("interrupted: the best trial so far becomes the model")
    assert (table.with_name("model") / "report.html").exists()
    assert table.with_name("trials").read_bytes() == trials


def test_a_second_ctrl_c_ends_at_once_and_says_what_is_kept(kept, table, interrupting, capsys):
    interrupting(fit_rows, "prepare", times=2)
    assert main(kept) == 130
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == f"{NO_MODEL}; {table.with_name('trials')} keeps what was done before"
    assert not table.with_name("model").exists()


def test_ctrl_c_while_the_best_trial_is_trained_again_says_what_is_kept(
    kept, table, interrupting, capsys
):
    interrupting(search, "train")
    assert main(kept) == 130
    last = capsys.readouterr().err.splitlines()[-1]
    assert "were trained again: there is no model yet; " in last
    assert last.endswith("trials keeps the trials")
    assert not table.with_name("model").exists()


@pytest.mark.parametrize("words", [["--minutes", "5"], []], ids=["search", "training"])
def test_ctrl_c_before_there_is_a_model_says_so(words, table, interrupting, capsys):
    interrupting(fit_rows, "prepare")
    assert main(command(table, *QUICK, *words)) == 130
    assert capsys.readouterr().err == f"{NO_MODEL}\n"
    assert not table.with_name("model").exists()


def test_ctrl_c_after_the_training_keeps_the_model_elsewhere(table, interrupting, capsys):
    interrupting(trial, "held_of")
    assert main(command(table, *QUICK)) == 130
    last = capsys.readouterr().err.splitlines()[-1]
    _, _, place = last.partition("adjoint: interrupted; what was trained is kept in ")
    assert main(["show", place]) == 0
    shutil.rmtree(Path(place).parent)


def test_a_file_of_something_else_is_refused_and_left_as_it_is(table, capsys):
    place = table.with_name("trials")
    place.write_text("my notes")
    assert main(command(table, *QUICK, "--minutes", "5", "--checkpoint", str(place))) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "cannot be read as trials of a search" in told
    assert place.read_text() == "my notes"
    assert not table.with_name("model").exists()
