"""Pages train and predict in a browser, load nothing, and hold whatever text they are given."""

import html.parser
import json
import re

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import adjoint as ad
from adjoint import nn
from adjoint.cli import demo
from adjoint.cli.main import main
from adjoint.estimators import MLPClassifier
from adjoint.exporting.refusal import ExportError
from in_chromium import CHROMIUM, in_chromium
from sampled import sampled

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
X, Y = ad.datasets.make_moons(110, noise=0.1, seed=0)


def task(labels=Y, **options):
    model = nn.MLP(2, 3, 2, activation="tanh", dtype=np.float64, rng=0)
    given = {"loss": "cross_entropy", "optimizer": "sgd", "batch_size": 50, **options}
    return ad.TrainingTask(model, (X, labels), **given)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "moons.html"
    ad.export(task(epochs=12), path)
    return path.read_text("utf-8")


class Reader(html.parser.HTMLParser):
    """Collects the tags of a page, their attributes, and what scripts hold."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs


def test_a_page_is_one_file_that_loads_nothing(page):
    read = Reader(page)
    assert not {"link", "img", "iframe", "object", "base"} & set(read.tags)
    assert not {"src", "href", "action"} & {name for name, _ in read.attributes}
    policies = [value for name, value in read.attributes if name == "content"]
    assert any(value.startswith("default-src 'none'") for value in policies)
    assert not re.search(r"https?://|\bfetch\(|import\(|@import", page)


def test_every_control_has_a_name_and_a_key(page):
    for name in ("play", "step", "epoch", "reset"):
        assert f'<button id="{name}"' in page
    assert page.count("<kbd>") == 4
    assert 'role="alert"' in page


PLAY = """
const key = (key) => document.body.dispatchEvent(
  new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
const told = { at: [] };
const note = () => told.at.push([page.training.epoch, page.training.step]);
key("s"); note();
key("e"); note();
key("r"); note();
key(" ");
while (document.getElementById("play").textContent === "Pause") await pause(10);
note();
told.losses = page.losses();
told.accuracy = document.getElementById("right").textContent;
key(" ");
told.label = document.getElementById("play").textContent;
const context = document.getElementById("plane").getContext("2d");
told.colours = new Set(context.getImageData(0, 0, 300, 200).data).size;
return told;
"""


@needs_chromium
def test_a_page_plays_steps_resets_and_pauses_at_the_end(page, tmp_path):
    told = in_chromium(page, PLAY, tmp_path)
    assert told["at"] == [[0, 1], [1, 0], [0, 0], [12, 0]]
    model = nn.MLP(2, 3, 2, activation="tanh", dtype=np.float64, rng=0)
    history = ad.fit(
        model, (X, Y), loss="cross_entropy", optimizer="sgd", epochs=12, batch_size=50, seed=0
    )
    np.testing.assert_allclose(told["losses"], history.loss, rtol=1e-11)
    right = np.mean(model.predict(X) == Y)
    assert told["accuracy"] == f"{100 * right:.1f} % of the rows"
    assert told["label"] == "Play"
    assert told["colours"] > 20


def test_a_page_of_truth_values_holds_the_rows_of_one_of_labels(page, tmp_path):
    ad.export(task(Y == 1, epochs=12), tmp_path / "moons.html")
    text = (tmp_path / "moons.html").read_text("utf-8")
    rows = r'"data":(\[\{"kind":"f64".*?\}\])'
    assert re.search(rows, text)[1] == re.search(rows, page)[1]


@pytest.mark.full
@needs_chromium
def test_a_rate_that_is_too_large_is_told_and_can_be_undone(page, tmp_path):
    body = """
const field = document.getElementById("setting.lr");
field.value = "";
field.dispatchEvent(new Event("input"));
const kept = page.training.settings.lr;
page.training.settings.lr = NaN;
document.getElementById("play").click();
await pause(300);
const alert = document.getElementById("alert");
const told = [kept, alert.hidden, alert.textContent];
document.getElementById("reset").click();
return [...told, alert.hidden, page.training.epoch];
"""
    kept, hidden, text, hidden_again, epoch = in_chromium(page, body, tmp_path)
    assert (kept, hidden, hidden_again, epoch) == (0.01, False, True, 0)
    assert "not finite" in text


@pytest.mark.full
@needs_chromium
@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_a_network_is_tried_whatever_its_classes_are_called(tmp_path):
    classes = np.array(["<b>红</b>", "</script><script>alert(1)</script>"])
    model = MLPClassifier((8,), max_iter=5, random_state=0).fit(X, classes[Y])
    ad.export(model, tmp_path / "net.html", X)
    body = """
const field = document.querySelectorAll("input[type=number]")[1];
field.value = "0.75";
field.dispatchEvent(new Event("input"));
return {
  found: Array.from(page.run(X)),
  names: Array.from(document.querySelectorAll("td:first-child"), (td) => td.textContent),
  told: document.getElementById("told").textContent,
  slider: document.querySelectorAll("input[type=range]")[1].value,
};
""".replace("X", json.dumps(X.ravel().tolist()))
    (tmp_path / "browser").mkdir()
    told = in_chromium((tmp_path / "net.html").read_text("utf-8"), body, tmp_path / "browser")
    expected = model.predict_proba(X)
    np.testing.assert_allclose(np.reshape(told["found"], expected.shape), expected, rtol=1e-11)
    assert told["names"] == model.classes_.tolist()
    middle = np.array([[np.median(X[:, 0]), 0.75]])
    assert told["told"] == f"Most probable: {model.predict(middle)[0]}"
    assert float(told["slider"]) == pytest.approx(0.75, abs=1e-9)


TITLES = ["</title><script>alert(1)</script>", "a\"b'c&d", "红", "<!--", "x.wasm"]


@pytest.mark.parametrize("name", sampled(TITLES, 3))
def test_a_title_is_text_whatever_the_file_is_called(name, tmp_path):
    path = tmp_path / f"{name.replace('/', '∕')}.html"
    ad.export(nn.MLP(2, 3, 1, rng=0), path, np.ones((1, 2)))
    text = path.read_text("utf-8")
    read = Reader(text)
    assert read.tags.count("script") == 1
    assert read.tags.count("title") == 1


def test_the_articles_experiment_is_a_page_of_sixty_kilobytes(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "--page", "moons.html", "--epochs", "9"]) == 0
    assert capsys.readouterr().out.startswith("wrote moons.html: ")
    text = (tmp_path / "moons.html").read_text("utf-8")
    assert len(text.encode()) <= 60_000
    assert '"epochs":9' in text
    assert [path.name for path in tmp_path.iterdir()] == ["moons.html"]


def test_the_demo_says_why_there_is_no_page(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "--page", "no/such/folder.html"]) == 2
    assert main(["demo", "--page", "x.html", "--samples", "10"]) == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 2
    assert "larger than the 10 samples" in told[1]
    assert not list(tmp_path.iterdir())


def test_the_page_of_the_demo_is_what_the_demo_trains():
    settings = demo.DemoSettings(samples=60, epochs=3, batch_size=20)
    experiment = demo.prepare(settings)
    made = demo.task(experiment)
    assert (made.seed, made.epochs, made.task.batch_size) == (0, 3, 20)
    assert made.task.optimizer.lr == settings.learning_rate


@pytest.mark.parametrize(
    ("args", "told"),
    [
        ((lambda x: np.sum(x), np.ones(3)), "one array with rows"),
        ((nn.MLP(65, 2, 1, rng=0), np.ones((1, 65))), "65 numbers"),
    ],
)
def test_what_a_page_cannot_show_is_named_and_nothing_is_written(args, told, tmp_path):
    with pytest.raises(ExportError, match=told):
        ad.export(args[0], tmp_path / "net.html", *args[1:])
    assert not list(tmp_path.iterdir())
