"""Derivations in files: written whole, as what their names say; and made of what files name."""

import re
from pathlib import Path

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn
from adjoint.cli import main
from adjoint.explanation.derivation.source_file import explain_file
from adjoint.explanation.users_file import SourceFileError


def derivation(lang="en"):
    def f(x, w):
        return np.sum(np.tanh(x) * w)

    return ad.explain(f, np.arange(3.0), np.ones(3), entry="x[1]", lang=lang)


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("suffix", [".html", ".HTM", ".md", ".txt", ".py"])
def test_a_derivation_is_saved_as_its_name_says(tmp_path, suffix, lang):
    made = derivation(lang)
    made.save(tmp_path / f"page{suffix}")
    written = (tmp_path / f"page{suffix}").read_text(encoding="utf-8")
    texts = {
        ".html": made.html(),
        ".HTM": made.html(),
        ".md": made.markdown(),
        ".txt": f"{made}\n",
        ".py": made.script(),
    }
    assert written == texts[suffix]


@pytest.mark.parametrize(("lang", "kind"), [("en", "article"), ("zh", "ctexart")])
def test_a_latex_file_is_a_whole_document(tmp_path, lang, kind):
    made = derivation(lang)
    made.save(str(tmp_path / "page.tex"))
    written = (tmp_path / "page.tex").read_text(encoding="utf-8")
    assert written.startswith(rf"\documentclass{{{kind}}}")
    assert made.latex() in written
    assert written.endswith("\\end{document}\n")
    assert written.count(r"\begin") == written.count(r"\end")
    assert set(re.findall(r"\\usepackage.*?{(\w+)}", written)) == {"geometry", "amsmath"}


@pytest.mark.parametrize("name", ["page.pdf", "page", "page.html.gz"])
def test_an_unknown_kind_of_file_is_refused_and_nothing_is_written(tmp_path, name):
    with pytest.raises(ValueError, match=r"written to .html, .htm, .md, .tex, .txt or .py, got"):
        derivation().save(tmp_path / name)
    assert not [*tmp_path.iterdir()]


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "page.html"
    path.write_text("before")
    made = derivation()
    with pytest.raises(FileNotFoundError):
        made.save(tmp_path / "nowhere" / "page.html")
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        made.save(path)
    assert path.read_text() == "before"
    assert [*tmp_path.iterdir()] == [path]


# --- what a file names

FILE = """
import numpy as np
import adjoint as ad

def loss(w, x):
    return np.sum(np.tanh(x @ w))

loss_inputs = np.ones(2), np.ones((3, 2))

net = ad.nn.Linear(2, 2, rng=0)
def net_inputs(rng):
    return rng.normal(size=(4, 2)), rng.integers(0, 2, 4)
net_loss = "cross_entropy"

x = ad.tensor(2.0, requires_grad=True)
cube = x**3

def without(x):
    return x

def vector(x):
    return x * 2
vector_inputs = np.ones(3)

def fails(x):
    raise KeyError("the key")
fails_inputs = 1.0
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(FILE, encoding="utf-8")
    return path


def test_a_function_a_model_and_a_tensor_of_a_file_are_explained(path):
    assert [*explain_file(path, "loss").gradient] == ["w"]
    assert explain_file(path, "net").title == "Derivation of cross_entropy(Linear(X), y)"
    assert explain_file(path, "cube", lang="zh").gradient == {"x": 12}


def test_inputs_alone_are_those_of_forward(tmp_path):
    path = tmp_path / "one.py"
    path.write_text("def forward(x, w):\n    return x * w\ninputs = 2.0, 3.0\n")
    assert explain_file(path).gradient == {"x": 3}
    path.write_text("def a_forward(x, w):\n    return x * w\na_inputs = [2.0, 3.0]\n")
    assert explain_file(path, "a_forward").gradient == {"x": 3}


def test_arguments_to_differentiate_by_are_named_or_numbered(path):
    assert [*explain_file(path, "loss", wrt=["x"]).gradient] == ["x"]
    assert [*explain_file(path, "loss", wrt=["1", "w"]).gradient] == ["x", "w"]
    assert [*explain_file(path, "loss", wrt=["all"]).gradient] == ["w", "x"]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({}, "several can be explained: loss, net, cube, vector, fails; name one, as .*:loss"),
        ({"name": "los"}, "nothing called 'los' .* there is loss, .* did you mean 'loss'?"),
        ({"name": "without"}, "without_inputs = "),
        ({"name": "vector"}, r"vector: the function returned shape \(3,\), not a single number"),
        ({"name": "fails"}, "line 26: KeyError: 'the key'"),
        ({"name": "loss", "wrt": ["v"]}, "--wrt: no argument 'v'; there is w, x"),
        ({"name": "net", "wrt": ["X"]}, "net is a model"),
        ({"name": "cube", "wrt": ["x"]}, "cube is a tensor"),
        ({"name": "loss", "entry": "q[0]"}, "entry 'q.0.' is none of w"),
    ],
)
def test_what_cannot_be_explained_is_one_line_that_names_the_file(path, asked, message):
    with pytest.raises(SourceFileError, match=message) as caught:
        explain_file(path, **asked)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", "nothing to explain; name the arrays .* NAME_inputs"),
        ("def f(x):\n    return x", "nothing to explain; there is f; .* f_inputs = "),
        ("1 / 0", "line 1: ZeroDivisionError"),
        ("def f(:", "line 1: invalid syntax"),
        ("raise SystemExit(3)", "line 1: it exits with 3; do so under if __name__"),
        ("x = input()", "line 1: it asks for input, which nobody gives"),
        ("# coding: nothing", "no Python file"),
        ("x = '\\0", "line 1: "),
        (
            "import adjoint as ad\nm = ad.nn.Linear(1, 1)\nm_inputs = [[1.0]], [[1.0]]",
            "give its loss a name: m_loss",
        ),
    ],
)
def test_files_that_name_nothing_or_raise_are_refused(tmp_path, text, message):
    path = tmp_path / "mine.py"
    path.write_text(text)
    with pytest.raises(SourceFileError, match=message):
        explain_file(path)


@pytest.mark.parametrize("layer", ["GRU", "LSTM"])
def test_a_layer_that_returns_its_state_too_needs_a_loss_that_chooses(tmp_path, layer):
    path = tmp_path / "mine.py"
    text = (
        "import numpy as np\nimport adjoint as ad\nfrom adjoint.nn import functional as F\n"
        f"net = ad.nn.{layer}(2, 3, rng=0)\nnet_inputs = np.ones((2, 4, 2)), np.ones((2, 4, 3))\n"
    )
    path.write_text(f"{text}net_loss = 'mse_loss'\n")
    with pytest.raises(SourceFileError, match="net: a loss takes an array, and was given a tuple"):
        explain_file(path)
    path.write_text(f"{text}net_loss = lambda prediction, y: F.mse_loss(prediction[0], y)\n")
    assert "weight" in str(explain_file(path))
    path.write_text(text.replace(", np.ones((2, 4, 3))", ","))
    with pytest.raises(
        SourceFileError, match="the loss is a tuple, not a Tensor of one number; give"
    ):
        explain_file(path)


def test_what_a_file_prints_of_a_model_is_what_explain_says(tmp_path):
    path = Path(tmp_path / "mine.py")
    path.write_text(FILE, encoding="utf-8")
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(4, 2)), rng.integers(0, 2, 4)
    expected = ad.explain(nn.Linear(2, 2, rng=0), X, y, loss="cross_entropy")
    assert str(explain_file(path, "net")) == str(expected)


@pytest.mark.parametrize("out", [".", "derivation.py", "other/../derivation.py"])
def test_the_file_to_explain_is_not_written_over(tmp_path, monkeypatch, capsys, out):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other").mkdir()
    text = "def f(x):\n    return x**2\nf_inputs = 3.0\n"
    (tmp_path / "derivation.py").write_text(text)
    assert main(["explain", "derivation.py:f", "--out", out]) == 2
    assert "is the file to explain" in capsys.readouterr().err
    assert (tmp_path / "derivation.py").read_text() == text


def test_files_are_written_where_the_command_began(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = "import os\nos.chdir('/')\ndef f(x):\n    return x**2\nf_inputs = 3.0\n"
    (tmp_path / "moves.py").write_text(text)
    assert main(["explain", "moves.py", "--out", "told.txt"]) == 0
    assert (tmp_path / "told.txt").exists()
