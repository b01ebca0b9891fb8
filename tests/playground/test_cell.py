"""The playground in a notebook: the kernel answers, a picture is kept, what is missing is named."""

import base64
import re
import sys
from threading import Thread
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

import adjoint as ad
from adjoint.playground import cell, launch
from adjoint.playground.bundle import bundle, modules
from adjoint.playground.cell import MOST_CELLS, Cell
from adjoint.playground.frame import unpack
from adjoint.playground.session import Brought, Session
from adjoint.playground.settings import read

SMALL = {"rows": 40, "layers": [{"units": 2, "activation": "tanh"}]}
PICTURE = "data:image/jpeg;base64," + base64.b64encode(b"\xff\xd8\xff rest").decode()
X, Y = ad.datasets.make_moons(20)


@pytest.fixture(autouse=True)
def no_cells(monkeypatch):
    monkeypatch.setattr(cell, "_open", [])


@pytest.fixture
def heard():
    """Return a cell, what it sent, and the HTML that stands for it without a kernel."""
    sent, kept = [], []
    made = Cell(Session(Brought(read(SMALL))), lambda *given: sent.append(given), kept.append)
    return SimpleNamespace(cell=made, sent=sent, kept=kept)


def header(sent):
    _, (frame,) = sent
    return unpack(frame[8:])[0]


def take(hear, sent, steps):
    """Ask for steps until they are taken; the first one waits for its native code."""
    for _ in range(100):
        hear({"ask": f'{{"id": 7, "do": "take", "until": {steps}, "milliseconds": 100}}'})
        if header(sent[-1])["step"] == steps:
            return
    raise AssertionError(header(sent[-1]))


def test_a_cell_answers_as_the_server_does(heard):
    take(heard.cell.hear, heard.sent, 5)
    content, (frame,) = heard.sent[-1]
    assert content == {}
    assert int.from_bytes(frame[:8], "little") == 7


@pytest.mark.parametrize("content", [None, {}, {"ask": 3}, {"picture": 3}, ["ask"], "ask"])
def test_what_is_no_request_has_no_answer(heard, content):
    heard.cell.hear(content)
    assert heard.sent == heard.kept == []


def test_an_interrupted_answer_is_an_answer(heard, monkeypatch):
    def interrupted(*given):
        raise KeyboardInterrupt

    monkeypatch.setattr(Session, "take", interrupted)
    heard.cell.hear({"ask": '{"id": 1, "do": "take", "until": 5}'})
    assert "interrupted" in header(heard.sent[0])["error"]


def test_a_session_is_closed_after_its_answer_and_not_amid_it(heard, monkeypatch):
    closing = Thread(target=heard.cell.close)

    def answered(session, message):
        closing.start()
        closing.join(0.05)
        return b"answer" if heard.cell.session is session else b"none"

    monkeypatch.setattr(cell.requests, "answer", answered)
    heard.cell.hear({"ask": "{}"})
    closing.join()
    assert heard.sent == [({}, [b"answer"]), ({"closed": True}, [])]


def test_a_picture_is_kept_with_what_it_shows(heard):
    take(heard.cell.hear, heard.sent, 9)
    heard.cell.hear({"picture": PICTURE})
    assert f'src="{PICTURE}" alt="The playground after step 9, epoch 3"' in heard.kept[0]
    assert heard.cell.picture_name in heard.kept[0]


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/x.jpg",
        'data:image/jpeg;base64,"><script>',
        "data:image/svg+xml;base64,/9j/",
        "data:image/jpeg;base64,iVBORw0KGgo=",
        PICTURE + "A" * 2_000_000,
    ],
)
def test_what_is_no_picture_is_not_kept(heard, url):
    heard.cell.hear({"picture": url})
    assert "<img" not in heard.kept[0]


def test_the_cell_that_was_asked_longest_ago_makes_room(heard):
    others = [Cell(Session(), lambda *given: None, print) for _ in range(MOST_CELLS - 1)]
    heard.cell.hear({"ask": '{"id": 1, "do": "menu"}'})
    Cell(Session(), lambda *given: None, print)
    assert others[0].session is None
    assert heard.cell.session is not None
    heard.cell.close()
    heard.cell.hear({"ask": '{"id": 2, "do": "menu"}'})
    assert heard.sent[-2:] == [({"closed": True}, [])] * 2


# --- in a notebook --------------------------------------------------------------------------------


class Widget:
    """What anywidget's class does, as far as a cell needs it."""

    latest = None

    def __init__(self, **given):
        self.__dict__.update(given)
        self.sent = []
        Widget.latest = self

    def on_msg(self, hear):
        self.hear = hear

    def send(self, content, buffers):
        self.sent.append((content, buffers))


@pytest.fixture
def notebook(monkeypatch):
    """Let this Python be a notebook's kernel, with anywidget; return what it displays."""
    shown = []
    trait = SimpleNamespace(tag=lambda **given: None)

    class Handle:
        def update(self, found):
            shown.append(found)

    modules = {
        "IPython": {"get_ipython": lambda: SimpleNamespace(kernel=1)},
        "IPython.display": {
            "HTML": lambda text: text,
            "display": lambda found, **given: shown.append(found) or Handle(),
        },
        "anywidget": {"AnyWidget": Widget},
        "traitlets": {"Unicode": lambda: trait},
    }
    for name, content in modules.items():
        module = ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)
    return shown


def test_play_in_a_notebook_returns_at_once_and_its_model_is_trained_from_the_page(notebook):
    model = ad.nn.MLP(2, 3, 2, rng=0)
    result = ad.play(model, X, Y)
    first = result.model
    np.testing.assert_array_equal(first.layers[0].weight.data, model.layers[0].weight.data)
    widget = Widget.latest
    assert notebook[1] is widget
    take(lambda content: widget.hear(widget, content, []), widget.sent, 6)
    assert (result.model.layers[0].weight.data != first.layers[0].weight.data).any()
    assert not result.model.training
    np.testing.assert_array_equal(first.layers[0].weight.data, model.layers[0].weight.data)
    assert len(result.history) == 6


def test_the_last_picture_stands_beside_the_widget(notebook):
    ad.play()
    assert Widget.latest.picture_name in notebook[0]
    Widget.latest.hear(Widget.latest, {"picture": PICTURE}, [])
    assert PICTURE in notebook[-1]


def test_without_anywidget_a_notebook_opens_the_browser_and_names_the_extra(
    notebook, monkeypatch, capsys
):
    monkeypatch.setitem(sys.modules, "anywidget", None)
    launched = []
    monkeypatch.setattr(launch, "launch", lambda brought, **given: launched.append(given))
    ad.play()
    said = capsys.readouterr().out
    assert launched == [{"port": None, "browser": True}]
    assert "opens in a browser instead" in said
    assert "(the extra `notebook`)" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("given", [{"port": 8700}, {"browser": False}])
def test_who_asks_for_a_server_has_one_in_a_notebook_too(notebook, monkeypatch, given):
    launched = []
    monkeypatch.setattr(launch, "launch", lambda brought, **given: launched.append(given))
    ad.play(**given)
    assert launched == [{"port": None, "browser": True} | given]


def test_a_terminal_is_no_notebook(monkeypatch):
    for shell in (None, SimpleNamespace()):
        python = ModuleType("IPython")
        python.get_ipython = lambda shell=shell: shell
        monkeypatch.setitem(sys.modules, "IPython", python)
        assert not cell.is_in_notebook()


def test_a_bundle_has_what_its_beginning_imports_and_nothing_else():
    found = modules("cell.js", {})
    assert {"main.js", "words.js", "last_picture.js", "link.js", "cell.js"} <= found.keys()
    assert not {"served.js", "static.js", "widget.js"} & found.keys()
    imported = re.findall(r'^import .*"([^"]+)";$', "\n".join(found.values()), re.MULTILINE)
    assert len(imported) > 30
    assert {name.removeprefix("adjoint/") for name in imported} <= found.keys()
    page = bundle("cell.js", {"name": "</script><script>"})
    assert page.count("<script") == page.count("</script>") == 1
    assert "http" not in page.replace("http-equiv", "")
