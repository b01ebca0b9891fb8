"""What would fail at the end fails first; and if not, nothing that was learnt is lost."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

import adjoint as ad
from adjoint import cli, nn
from adjoint.cli import demo
from adjoint.files.rescue import check_file_place, check_folder_place, rescued

X, Y = ad.datasets.make_moons(20, seed=0)


class Counted(nn.Module):
    """A network that counts how often it is called."""

    def __init__(self):
        self.calls, self.line = [], nn.Linear(2, 2, rng=0)

    def forward(self, x):
        self.calls.append(1)
        return self.line(x)


def train(model, path, **settings):
    return ad.fit(
        model,
        (X, Y),
        loss="cross_entropy",
        optimizer=lambda p: ad.optim.SGD(p, lr=0.1),
        epochs=2,
        batch_size=10,
        seed=0,
        compile=False,
        progress=False,
        checkpoint=path,
        **settings,
    )


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """Let files for a while lie in a folder of the test's own."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def refusing(monkeypatch, folder):
    """Let a folder refuse new files, as one that may only be read does, root or not."""
    original = os.mkdir

    def mkdir(path, *args, **kwargs):
        if os.path.dirname(path) == str(folder):
            raise PermissionError(13, "Permission denied", path)
        return original(path, *args, **kwargs)

    monkeypatch.setattr(os, "mkdir", mkdir)


def test_a_missing_folder_is_found_before_the_first_step(tmp_path):
    pytest.importorskip("safetensors")
    model = Counted()
    with pytest.raises(FileNotFoundError, match=r"absent.run: nothing can be written to the fold"):
        train(model, tmp_path / "absent" / "run")
    assert not model.calls


def test_a_folder_in_the_place_of_the_checkpoint_is_found_before_the_first_step(tmp_path):
    pytest.importorskip("safetensors")
    model = Counted()
    with pytest.raises(IsADirectoryError, match="expected the path of a file"):
        train(model, tmp_path)
    assert not model.calls


def test_a_folder_that_takes_no_files_is_found_before_the_first_step(tmp_path, monkeypatch):
    pytest.importorskip("safetensors")
    refusing(monkeypatch, tmp_path)
    model = Counted()
    with pytest.raises(PermissionError, match="nothing can be written to the folder"):
        train(model, tmp_path / "run")
    assert not model.calls


@pytest.mark.parametrize("resume", [False, True])
def test_a_missing_package_is_found_before_the_first_step(tmp_path, monkeypatch, resume):
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    model = Counted()
    with pytest.raises(ImportError, match="checkpoint= needs safetensors: python -m pip install"):
        train(model, tmp_path / "run", resume=resume)
    assert not model.calls
    assert not list(tmp_path.iterdir())


def test_a_training_whose_file_cannot_be_written_in_the_end_is_kept(
    tmp_path, temporary, monkeypatch
):
    pytest.importorskip("safetensors")
    folder = tmp_path / "runs"
    folder.mkdir()

    def remove(history, model):
        if len(history) == 2:
            folder.rmdir()

    model = Counted()
    with pytest.raises(FileNotFoundError, match="what was trained is kept in") as error:
        train(model, folder / "run", callbacks=[remove])
    kept = str(error.value).rpartition(" kept in ")[2]
    assert kept.startswith(str(temporary))
    again = Counted()
    train(again, kept, resume=True)
    expected = Counted()
    train(expected, None)
    np.testing.assert_array_equal(again.line.weight.data, expected.line.weight.data)


def test_the_checks_leave_no_trace(tmp_path):
    check_file_place(tmp_path / "file")
    check_folder_place(tmp_path / "a" / "b")
    assert not list(tmp_path.iterdir())


def test_a_file_beyond_a_file_is_no_place(tmp_path):
    (tmp_path / "file").write_text("")
    for check in (check_file_place, check_folder_place):
        with pytest.raises(OSError, match="nothing can be written to the folder"):
            check(tmp_path / "file" / "model")


@pytest.mark.skipif(os.name == "nt", reason="there is no /dev")
def test_a_device_is_a_place():
    check_file_place("/dev/null")


def test_a_file_that_must_not_be_written_is_no_place(tmp_path, monkeypatch):
    path = tmp_path / "run"
    path.write_text("")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(PermissionError, match="must not be written to"):
        check_file_place(path)


def test_an_error_of_another_kind_says_in_a_note_where_the_result_is(temporary):
    with (
        pytest.raises(ZeroDivisionError) as error,
        rescued(lambda path: path.write_text("kept"), "result"),
    ):
        raise ZeroDivisionError
    (note,) = error.value.__notes__
    assert Path(note.rpartition(" in ")[2]).read_text("utf-8") == "kept"


def test_where_nothing_can_be_kept_the_first_error_is_told(temporary):
    def fail(path):
        raise ValueError("this one is not")

    with pytest.raises(OSError, match=r"^the first$"), rescued(fail, "result"):
        raise OSError("the first")


def test_what_ends_well_is_kept_nowhere_else(temporary):
    with rescued(lambda path: path.write_text("kept"), "result"):
        pass
    assert not list(temporary.iterdir())


# --- commands -------------------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path, monkeypatch, capfd, temporary):
    """Return a function that runs a command in a folder with a table: its status and stderr."""
    pytest.importorskip("pyarrow")
    pytest.importorskip("sklearn")
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    lines = [f"{a:.3f},{b:.3f},{'yes' if a > b else 'no'}" for a, b in rng.normal(size=(80, 2))]
    (tmp_path / "table.csv").write_text("\n".join(["a,b,c", *lines, ""]))

    def run_command(*arguments):
        status = cli.main(list(map(str, arguments)))
        return status, capfd.readouterr().err

    return run_command


FIT = ("fit", "table.csv", "--target", "c", "--epochs", "2", "--hidden", "3", "--ensemble", "1")


def is_refused(run, monkeypatch, *arguments):
    """Return the line of a command that is refused before it has done any work."""

    def worked(*args, **kwargs):
        raise AssertionError("it was found only after the work")

    for name in (
        "adjoint.tables.trial.run",
        "adjoint.cli.demo.train",
        "adjoint.cli.commands.explain.of_demo",
    ):
        monkeypatch.setattr(name, worked)
    monkeypatch.setattr("adjoint.tables.model.TableModel.predict", worked)
    monkeypatch.setattr("adjoint.tables.model.TableModel.outputs", worked)
    status, line = run(*arguments)
    assert status == 2
    assert line.count("\n") == 1
    return line


@pytest.mark.parametrize("command", [FIT, ("explain",), ("demo", "--epochs", "1")])
def test_an_out_that_cannot_be_made_is_found_before_the_work(run, monkeypatch, command):
    assert "writ" in is_refused(run, monkeypatch, *command, "--out", "table.csv/model")


@pytest.mark.parametrize("command", [FIT, ("explain",)])
def test_an_out_in_a_folder_that_takes_no_files_is_found_before_the_work(
    run, monkeypatch, command, tmp_path
):
    refusing(monkeypatch, tmp_path)
    line = is_refused(run, monkeypatch, *command, "--out", tmp_path / "model")
    assert "permission denied" in line


@pytest.mark.parametrize(
    ("package", "extra"),
    [("safetensors.numpy", "cli"), ("matplotlib", "plot"), ("tabulate", "cli")],
)
def test_a_package_that_the_end_of_fit_needs_is_missed_before_the_work(
    run, monkeypatch, package, extra
):
    monkeypatch.setitem(sys.modules, package, None)
    name = package.partition(".")[0]
    line = is_refused(run, monkeypatch, *FIT)
    assert f"needs {name}: python -m pip install {name} (the extra `{extra}`)" in line


def test_predictions_have_a_place_before_they_are_made(run, monkeypatch, tmp_path):
    assert run(*FIT, "--out", "model")[0] == 0
    for out in (tmp_path, tmp_path / "absent" / "file"):
        line = is_refused(run, monkeypatch, "predict", "model", "table.csv", "--out", out)
        assert "--out" in line


def test_scores_have_a_package_to_show_them_before_they_are_made(run, monkeypatch):
    assert run(*FIT, "--out", "model")[0] == 0
    monkeypatch.setitem(sys.modules, "tabulate", None)
    assert "pip install tabulate" in is_refused(run, monkeypatch, "evaluate", "model", "table.csv")


@pytest.mark.parametrize(
    "place", ["adjoint.tables.report.write_report", "adjoint.tables.held.importances"]
)
def test_a_model_whose_end_fails_is_kept(run, monkeypatch, place, temporary):
    def fail(*args, **kwargs):
        raise OSError("no space left")

    monkeypatch.setattr(place, fail)
    status, line = run(*FIT, "--out", "model")
    assert status == 1
    assert "no space left; what was trained is kept in" in line
    kept = line.strip().rpartition(" kept in ")[2]
    monkeypatch.undo()
    os.chdir(temporary.parent)
    assert run("predict", kept, "table.csv", "--out", "predictions.csv")[0] == 0


def test_pictures_that_cannot_be_written_are_kept(run, monkeypatch, temporary):
    original, calls = demo.draw, []

    def draw(result, folder):
        calls.append(folder)
        if len(calls) == 1:
            raise OSError("no space left")
        return original(result, folder)

    monkeypatch.setattr(demo, "draw", draw)
    status, line = run("demo", "--epochs", "1", "--samples", "20", "--batch-size", "5")
    assert (status, len(calls)) == (1, 2)
    assert list((calls[1]).glob("*.svg"))
    assert str(temporary) in line
