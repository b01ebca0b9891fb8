import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import adjoint
from adjoint import cli
from adjoint.cli import demo

FILES = sorted(
    f"{name}.{format}"
    for name in ("data", "decision_boundary", "loss_curve")
    for format in ("svg", "png")
)
QUICK = ["--epochs", "3", "--samples", "40", "--batch-size", "20"]


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Return a function that runs a command in an empty folder: its status, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run_command(*arguments):
        status = cli.main(arguments)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run_command


def process(*arguments, **kwargs):
    """Start the program as a user does."""
    command = [sys.executable, "-m", "adjoint", *arguments]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **kwargs
    )


def names(folder):
    return sorted(path.name for path in Path(folder).iterdir())


# --- what the demo does ---------------------------------------------------------------------------


def test_the_demo_prints_the_loss_and_the_accuracy_and_writes_its_pictures(run):
    status, out, err = run("demo", *QUICK)
    assert (status, err) == (0, "")
    assert out.count("loss") == 3 + len([name for name in FILES if name.startswith("loss")])
    assert "accuracy 0." in out or "accuracy 1." in out
    assert names("demo") == FILES
    for name in FILES:
        assert f"wrote {Path('demo', name)}" in out
        assert Path("demo", name).stat().st_size > 1000


def test_about_ten_evenly_spaced_epochs_are_printed_with_their_loss(run):
    status, out, _ = run("demo", "--epochs", "40", "--samples", "20", "--batch-size", "20")
    lines = [line.split() for line in out.splitlines() if line.startswith("epoch")]
    assert status == 0
    assert [int(line[1]) for line in lines] == [1, *range(4, 41, 4)]
    assert all(0 < float(line[3]) < 3 for line in lines)


def test_the_defaults_are_the_articles():
    settings = demo.DemoSettings()
    assert (settings.dataset, settings.samples, settings.noise) == ("moons", 1000, None)
    assert (settings.hidden, settings.activation) == ((4, 4), "sigmoid")
    assert (settings.learning_rate, settings.batch_size, settings.epochs) == (0.05, 50, 50_000)


def test_training_as_the_demo_does_separates_the_moons():
    # The default needs some 4,000 epochs to leave its plateau; tanh and longer steps need fewer.
    settings = demo.DemoSettings(epochs=60, activation="tanh", learning_rate=0.3)
    assert demo.train(demo.prepare(settings)).accuracy >= 0.99


def test_json_is_all_there_is_on_standard_output(run):
    status, out, err = run("demo", *QUICK, "--json", "--seed", "7", "--hidden", "5")
    summary = json.loads(out)
    assert status == 0
    assert summary["layers"] == [2, 5, 2]
    assert (summary["epochs_trained"], summary["interrupted"], summary["seed"]) == (3, False, 7)
    assert summary["final_loss"] == summary["losses"][-1]["loss"]
    assert [entry["epoch"] for entry in summary["losses"]] == [1, 2, 3]
    assert 0 <= summary["accuracy"] <= 1
    assert sorted(summary["files"]) == [str(Path("demo", name)) for name in FILES]
    assert "epoch 3" in err


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"learning_rate": 1000.0}, "the loss grew from"),
        ({"learning_rate": 1e-6, "epochs": 1}, "is worse than the 0.6931 of equal probabilities"),
        ({"learning_rate": 1e-6, "epochs": 1, "dataset": "blobs"}, "for all 3 classes"),
        ({"learning_rate": 0.3, "activation": "tanh"}, ""),
    ],
)
def test_a_training_that_went_wrong_is_known(settings, said):
    settings = demo.DemoSettings(**{"epochs": 9, **settings})
    trouble = demo.train(demo.prepare(settings)).trouble
    assert said in trouble
    assert bool(trouble) == bool(said)


def test_a_training_that_went_wrong_is_said_in_lines_and_in_json(run):
    status, out, err = run("demo", *QUICK, "--learning-rate", "1000", "--json")
    trouble = json.loads(out)["trouble"]
    assert status == 0
    assert trouble.startswith("the loss grew")
    assert trouble in err.splitlines()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(run):
    for folder, seed in [("first", "1"), ("again", "1"), ("other", "2")]:
        assert run("demo", *QUICK, "--seed", seed, "--out", folder)[0] == 0
    for name in FILES:
        first, again, other = (Path(f, name).read_bytes() for f in ("first", "again", "other"))
        assert first == again, name
        assert first != other, name


def test_a_vector_picture_carries_no_date(run):
    run("demo", *QUICK)
    assert "<dc:date>" not in Path("demo/data.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize(("dataset", "classes"), [("blobs", 3), ("xor", 2), ("spirals", 2)])
def test_every_data_set_can_be_chosen(run, dataset, classes):
    status, out, _ = run("demo", *QUICK, "--dataset", dataset, "--json", "--hidden", "3,2")
    assert status == 0
    assert json.loads(out)["layers"] == [2, 3, 2, classes]


def test_the_noise_can_be_chosen():
    noiseless = demo.prepare(demo.DemoSettings(noise=0.0))
    upper = noiseless.X[noiseless.y == 0]
    np.testing.assert_allclose(np.linalg.norm(upper, axis=1), 1)


def test_no_hidden_layer_is_a_linear_model(run):
    status, out, _ = run("demo", *QUICK, "--hidden", "", "--json")
    assert (status, json.loads(out)["layers"]) == (0, [2, 2])


def test_pictures_need_no_display_and_leave_no_pyplot_figure(run, monkeypatch):
    from matplotlib import pyplot

    monkeypatch.setattr(pyplot, "figure", lambda *_, **__: pytest.fail("pyplot was used"))
    assert run("demo", *QUICK)[0] == 0


def test_a_picture_that_fails_half_way_leaves_the_old_one(tmp_path, monkeypatch):
    from matplotlib.figure import Figure

    result = demo.train(demo.prepare(demo.DemoSettings(epochs=1, samples=20, batch_size=20)))
    old = tmp_path / "data.svg"
    old.write_text("old")

    def half(self, file, **_):
        file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(Figure, "savefig", half)
    with pytest.raises(OSError, match="disk full"):
        demo.draw(result, tmp_path)
    assert old.read_text() == "old"
    assert names(tmp_path) == ["data.svg"]


# --- usage ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], []])
def test_help_names_the_commands(run, arguments):
    status, out, err = run(*arguments)
    assert (status, err) == (0, "")
    assert "demo" in out


def test_help_of_the_demo_shows_every_option_with_its_default(run):
    status, out, _ = run("demo", "--help")
    assert status == 0
    for option in ("--epochs", "--seed", "--hidden", "--activation", "--learning-rate", "--json"):
        assert option in out
    for default in ("moons", "50000", "4,4", "0.05", "the data set's own"):
        assert f"[default: {default}]" in " ".join(out.split())


def test_the_version_is_the_packages(run):
    status, out, _ = run("--version")
    assert status == 0
    assert out.split()[-1] == adjoint.__version__


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--activation", "swish"], "'relu', 'selu', 'sigmoid'"),
        (["--dataset", "iris"], "'blobs', 'circles', 'moons', 'spirals', 'xor'"),
        (["--epochs", "-1"], "epochs must be at least 1, got -1"),
        (["--epochs", "many"], "'many' is not a valid integer"),
        (["--learning-rate", "nan"], "learning rate must be positive and finite, got nan"),
        (["--learning-rate", "0"], "learning rate must be positive and finite, got 0"),
        (["--samples", "30"], "batch size 50 is larger than the 30 samples"),
        (["--samples", "1", "--batch-size", "1"], "n_samples must be at least 2"),
        (["--batch-size", "0"], "batch size must be at least 1, got 0"),
        (["--noise", "-1"], "noise must be a finite number"),
        (["--noise", "1e308"], "noise must be at most 1e+150"),
        (["--seed", "-1"], "seed must be at least 0, got -1"),
        (["--seed", "9" * 30], "seed must be below 2**64"),
        (["--hidden", "9" * 30], "a layer has at most"),
        (["--hidden", "4,x"], "'4,x' is not a list of whole numbers"),
        (["--hidden", "4,0"], "units of a hidden layer must be at least 1, got 0"),
        (["--samples", "100000000000000"], "Unable to allocate"),
        (["--colour", "red"], "No such option"),
        (["more"], "unexpected extra argument"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(run, arguments, message):
    status, out, err = run("demo", *arguments)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert err.startswith("adjoint demo: ")
    assert message in err
    assert err.endswith("(see 'adjoint demo --help')\n")
    assert not Path("demo").exists()


def test_an_unknown_command_is_one_line_and_status_2(run):
    status, out, err = run("dance")
    assert (status, out) == (2, "")
    assert err == "adjoint: No such command 'dance' (see 'adjoint --help')\n"


@pytest.mark.parametrize("folder", ["file", "file/below"])
def test_a_folder_that_cannot_be_written_is_refused_before_training(run, monkeypatch, folder):
    Path("file").write_text("mine")
    monkeypatch.setattr(demo, "train", lambda *_, **__: pytest.fail("it trained"))
    status, out, err = run("demo", "--out", folder)
    assert (status, out) == (2, "")
    assert err.startswith(f"adjoint demo: cannot write pictures to {folder!r}: ")
    assert err.count("\n") == 1
    assert Path("file").read_text() == "mine"


def test_a_diverged_training_is_status_1_and_says_what_to_try(run):
    arguments = ["--activation", "relu", "--learning-rate", "1e300", "--epochs", "5"]
    status, out, err = run("demo", *arguments, "--samples", "100")
    assert status == 1
    assert err.count("\n") == 1
    assert "Try a learning rate below 1e+300" in err
    assert "accuracy" not in out


def test_a_failed_write_is_status_1_and_one_line(run):
    Path("demo/data.svg").mkdir(parents=True)
    status, _, err = run("demo", *QUICK)
    assert status == 1
    assert err.count("\n") == 1
    assert "data.svg" in err


@pytest.mark.parametrize(
    ("missing", "extra"), [("click", "cli"), ("tqdm", "cli"), ("matplotlib", "plot")]
)
def test_a_missing_extra_is_named_in_one_line_before_training(run, monkeypatch, missing, extra):
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.setattr(demo, "train", lambda *_, **__: pytest.fail("it trained"))
    status, out, err = run("demo", *QUICK)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert f"needs {missing}: python -m pip install {missing} (the extra `{extra}`)" in err


def test_ctrl_c_outside_the_training_is_one_line_and_status_130(run, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "draw", interrupt)
    status, _, err = run("demo", *QUICK)
    assert (status, err) == (130, "adjoint: interrupted\n")


# --- as a process ---------------------------------------------------------------------------------


def test_ctrl_c_ends_the_training_and_draws_what_was_reached(tmp_path):
    command = ["demo", "--epochs", "1000000", "--json", "--out", str(tmp_path)]
    with process(*command) as running:
        while "epoch" not in running.stderr.readline():
            pass
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=120)
    summary = json.loads(out)
    assert running.returncode == 130
    assert summary["interrupted"] is True
    assert 1 <= summary["epochs_trained"] < 1_000_000
    assert "Traceback" not in err
    assert names(tmp_path) == FILES


def test_a_reader_that_leaves_is_no_traceback(tmp_path):
    with process("demo", *QUICK, "--out", str(tmp_path)) as running:
        running.stdout.close()
        assert running.stderr.read() == ""
    assert running.returncode == 1


def test_the_console_script_is_the_same_command():
    script = Path(sys.executable).with_name("adjoint")
    if not script.exists():
        pytest.skip("adjoint is not installed beside this Python")
    run = subprocess.run(
        [script, "demo", "--epochs", "-1"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "200"},
    )
    assert run.returncode == 2
    assert "epochs must be at least 1" in run.stderr


# --- explain --------------------------------------------------------------------------------------


def test_explain_writes_a_page_a_picture_and_a_script_that_checks_itself(run):
    status, out, err = run("explain", "--batch-size", "3")
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        f"wrote {Path('explained', name)}"
        for name in ("derivation.html", "derivation.py", "graph.svg")
    ] + ["All 39 equalities hold: each was computed anew, from its text, when this was written."]
    assert "<svg" in Path("explained/graph.svg").read_text(encoding="utf-8")
    page = Path("explained/derivation.html").read_text(encoding="utf-8")
    assert "<math" in page
    assert "http" not in page.replace("http://www.w3.org", "")
    script = Path("explained/derivation.py").read_text(encoding="utf-8")
    assert subprocess.run([sys.executable, "explained/derivation.py"], check=False).returncode == 0
    digit = script.rindex("0.0")
    Path("wrong.py").write_text(script[:digit] + "0.9" + script[digit + 3 :], encoding="utf-8")
    wrong = subprocess.run([sys.executable, "wrong.py"], check=False, stderr=subprocess.PIPE)
    assert wrong.returncode != 0


def test_explain_takes_the_demo_s_options(run):
    options = ["--dataset", "spirals", "--hidden", "3", "--activation", "tanh", "--epochs", "2"]
    assert run("explain", *options, "--samples", "50", "--lang", "zh", "--out", "page.md")[0] == 0
    page = Path("page.md").read_text(encoding="utf-8")
    assert page.startswith("# cross\\_entropy(MLP(X), y) 的推导")
    assert r"\tanh" in page
    fresh = run("explain", *options[:-2], "--samples", "50", "--out", "fresh.md")
    assert fresh[0] == 0
    assert Path("fresh.md").read_text(encoding="utf-8").split("## ")[1] not in page


def test_explain_explains_what_a_file_names(run):
    Path("mine.py").write_text(
        "def loss(w, x):\n    return w * x\nloss_inputs = 2.0, 3.0\n", encoding="utf-8"
    )
    for subject in ("mine.py", "mine.py:loss"):
        status, out, err = run("explain", subject, "--wrt", "w,x", "--out", "mine.txt")
        assert (status, err) == (0, "")
        assert out.splitlines()[0] == "wrote mine.txt"
    assert "∂value/∂x = 2" in Path("mine.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mine.py:los"], "did you mean 'loss'?"),
        (["min.py"], "no such file or folder"),
        (["min.py:loss"], "did you mean 'mine.py'?"),
        (["mine.py", "--hidden", "3"], "--hidden is for the demo's network"),
        (["mine.py", "--batch-size", "3"], "--batch-size is for the demo's network and for models"),
        (["mine.py", "--wrt", "y"], "no argument 'y'; there is w, x"),
        (["mine.py", "t.csv"], "a table is for the folder of a model"),
        (["mine.py", "--out", "page.pdf"], "ends in .html"),
        (["mine.py", "--out", "no/page.html"], "--out"),
        (["mine.py", "--lang", "fr"], "'en', 'zh'"),
        (["folder"], "give a table too"),
        (["folder", "t.csv"], "no model"),
        (["--wrt", "x"], "--wrt is for the functions of a file"),
        (["mine.py", "--encoding", "big5"], "--encoding is for the table of a model"),
        (["--sheet", "a"], "--sheet is for the table of a model"),
        (["--epochs", "-1"], "epochs must be at least 1"),
        (["--batch-size", "101"], "from 1 to 100"),
        (["--batch-size", "0"], "batch size must be at least 1"),
        (["--samples", "3"], "larger than the 3 samples"),
    ],
)
def test_explain_says_in_one_line_what_cannot_be_done(run, arguments, message):
    Path("mine.py").write_text(
        "def loss(w, x):\n    return w * x\nloss_inputs = 2.0, 3.0\n", encoding="utf-8"
    )
    Path("folder").mkdir()
    Path("t.csv").write_text("a,b\n1,2\n")
    status, out, err = run("explain", *arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert message in err
    assert not Path("explained").exists()


@pytest.mark.parametrize("place", ["{}.py", "{}.py:f", "{}", "mine.py --out {}", "-- {} t.csv"])
def test_a_name_that_is_too_long_is_wrong_usage(run, place):
    Path("mine.py").write_text("def f(x):\n    return x\nf_inputs = 2.0\n", encoding="utf-8")
    status, out, err = run("explain", *place.format("a" * 300).split())
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "too long" in err


def test_the_example_in_the_help_of_explain_is_python(run):
    _, out, _ = run("explain", "--help")
    example = out.partition("training.\n\n")[2].partition("\n\n")[0]
    Path("mine.py").write_text(f"import numpy as np\n{textwrap.dedent(example)}", encoding="utf-8")
    assert run("explain", "mine.py", "--out", "mine.txt")[0] == 0


@pytest.mark.parametrize("entry", ["layers[9].weight[0]", "layers[0].weight[9, 9]", "W1"])
def test_explain_refuses_an_entry_that_is_not_there(run, entry):
    status, out, err = run("explain", "--entry", entry)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "--entry" in err
    assert not Path("explained").exists()


# --- launch, of which tests/parallel/test_job.py tells more ---------------------------------------


def test_launching_no_program_is_wrong_usage(run):
    status, out, err = run("launch", "-n", "2", "nothing.py")
    assert (status, out) == (2, "")
    assert err == (
        "adjoint launch: there is no program 'nothing.py' (see 'adjoint launch --help')\n"
    )
