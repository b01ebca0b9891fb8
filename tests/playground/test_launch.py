"""What is given to `play` is checked before anything is served, and what is missing is named."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import adjoint as ad
from adjoint import cli
from adjoint.playground import launch, requests
from adjoint.playground.session import Session

X, Y = ad.datasets.make_moons(20)


@pytest.mark.parametrize("missing", ["starlette", "uvicorn", "websockets"])
def test_a_missing_package_is_named_with_its_extra(missing, monkeypatch):
    for name in [*sys.modules]:
        if name.partition(".")[0] == missing:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=r"the playground needs .*\(the extra `play`\)"):
        ad.play(browser=False)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((None, X, Y), "without a model"),
        ((ad.nn.MLP(2, 2, rng=0),), "needs its rows"),
        ((ad.nn.MLP(2, 2, rng=0), X, Y[:3]), "20"),
        ((ad.nn.MLP(2, 1, rng=0), X, X[:, 0], "mse_loss"), r"shape \(20, 1\)"),
        ((ad.nn.MLP(3, 2, rng=0), X, Y), "3"),
        (("model", X, Y), "Module"),
    ],
)
def test_rows_that_do_not_fit_are_refused(given, message):
    with pytest.raises((TypeError, ValueError), match=message):
        ad.play(*given[:3], **dict(zip(["loss"], given[3:], strict=False)), browser=False)


def test_an_optimiser_that_is_one_already_is_refused():
    model = ad.nn.MLP(2, 2, rng=0)
    optimizer = ad.optim.SGD(model.parameters())
    with pytest.raises(TypeError, match="a callable that makes one"):
        ad.play(model, X, Y, optimizer=optimizer, browser=False)


def test_names_of_a_frame_are_those_of_the_axes():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"length": X[:, 0], "width": X[:, 1]})
    brought = launch.bring_model(
        ad.nn.MLP(2, 2, rng=0), frame, Y, "cross_entropy", "adam", 8, 0, None
    )
    assert brought.problem.rows.names == ["length", "width", "y"]


def test_rows_for_validation_are_the_test():
    brought = launch.bring_model(
        ad.nn.MLP(2, 2, rng=0), X[:15], Y[:15], "cross_entropy", "adam", 8, 0, (X[15:], Y[15:])
    )
    problem = brought.problem
    np.testing.assert_array_equal(problem.test[0], X[15:])
    np.testing.assert_array_equal(problem.train[0], X[:15])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--target", "y"], "--target is for a TABLE"),
        (["t.csv"], "--target COLUMN"),
        (["t.csv", "--target", "z"], "no column 'z'"),
        (["none.csv", "--target", "y"], "none.csv"),
        (["words.csv", "--target", "y"], "column of numbers"),
        (["--port", "0"], "--port"),
        (["--port", "99999"], "--port"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("x,y\n1,2\n3,4\n")
    (tmp_path / "words.csv").write_text("x,y\na,2\nb,4\n")
    assert cli.main(["play", *arguments, "--no-browser"]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_table_is_what_the_page_begins_with(tmp_path, monkeypatch):
    from adjoint.cli.commands import play

    launched = {}
    monkeypatch.setattr(play, "launch", lambda brought, **given: launched.update(given, it=brought))
    path = tmp_path / "t.csv"
    path.write_text("x,word,y\n" + "".join(f"{n},w,{n % 3}\n" for n in range(12)))
    assert cli.main(["play", str(path), "--target", "y", "--port", "8700", "--no-browser"]) == 0
    rows = launched["it"].rows
    assert (rows.names, rows.labels) == (["x", "y"], ["0", "1", "2"])
    assert (launched["it"].settings.data, launched["port"], launched["browser"]) == (
        "own",
        8700,
        False,
    )


def test_a_copy_of_the_model_waits_until_the_session_has_answered(monkeypatch):
    session, begun, ended = Session(), threading.Event(), threading.Event()

    def take(session, asked):
        begun.set()
        ended.wait(10)
        session.steps.take(2)
        return {"what": "frame"}

    monkeypatch.setitem(requests.REQUESTS, "take", take)
    played = launch.Played(session)
    with ThreadPoolExecutor(2) as threads:
        threads.submit(requests.answer, session, '{"do": "take"}')
        assert begun.wait(10)
        copied = threads.submit(lambda: played.model)
        with pytest.raises(TimeoutError):
            copied.result(0.05)
        ended.set()
        model = copied.result(10)
    for copy, now in zip(model.parameters(), session.steps.model.parameters(), strict=True):
        np.testing.assert_array_equal(copy.data, now.data)
