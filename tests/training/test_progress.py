"""A bar shows how far training is: in a notebook, on a terminal, with and without tqdm."""

from __future__ import annotations

import io
import sys
from types import ModuleType

import pytest

from adjoint.training.progress import epoch_bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Display(ModuleType):
    """Stands for ``IPython.display``, and keeps what is on the screen."""

    def __init__(self):
        super().__init__("IPython.display")
        self.screen = []

    def HTML(self, text):
        return text

    def display(self, text, display_id):
        self.screen.append(text)
        return self

    def update(self, text):
        self.screen[-1] = text


@pytest.fixture
def notebook(monkeypatch):
    display = Display()
    monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.setitem(sys.modules, "ipywidgets", ModuleType("ipywidgets"))
    return display


def run(epochs, wanted=True):
    with epoch_bar(epochs, wanted) as show:
        for epoch in range(1, epochs + 1):
            show(epoch, 1 / epoch)


@pytest.mark.parametrize("missing", ["tqdm.notebook", "ipywidgets"])
def test_a_notebook_without_widgets_has_a_bar_of_the_browser(notebook, missing, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    run(8)
    (shown,) = notebook.screen
    assert '<progress value="8" max="8">' in shown
    assert "8/8 epochs, loss=0.125" in shown


def test_a_notebook_with_widgets_has_the_bar_of_tqdm(notebook, monkeypatch):
    pytest.importorskip("tqdm")
    made = []

    class Bar:
        def __init__(self, total, **_):
            self.total, self.states = total, []
            made.append(self)

        def set_postfix_str(self, told, refresh):
            self.told = told

        def refresh(self):
            self.states.append((self.n, self.told))

        def close(self):
            self.states.append("closed")

    widgets = ModuleType("tqdm.notebook")
    widgets.tqdm = Bar
    monkeypatch.setitem(sys.modules, "tqdm.notebook", widgets)
    run(8)
    assert made[0].total == 8
    assert made[0].states[-2:] == [(8, "loss=0.125"), "closed"]
    assert notebook.screen == []


def test_a_notebook_shows_nothing_that_was_not_asked_for(notebook):
    run(3, wanted=False)
    assert notebook.screen == []


def test_a_terminal_without_tqdm_has_a_line_that_is_written_over(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setattr(sys, "stderr", Terminal())
    run(8)
    text = sys.stderr.getvalue()
    assert text.endswith("\r8/8 epochs, loss=0.125\n")
    assert text.count("\n") == 1


def test_the_line_is_ended_where_training_breaks_off(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setattr(sys, "stderr", Terminal())
    with pytest.raises(KeyboardInterrupt), epoch_bar(1, True) as show:
        show(1, 0.5)
        raise KeyboardInterrupt
    assert sys.stderr.getvalue() == "\r1/1 epochs, loss=0.5\n"


def test_a_log_gets_a_line_now_and_then_where_nobody_looks(monkeypatch):
    log, clock = io.StringIO(), iter(range(0, 100, 4))
    monkeypatch.setattr(sys, "stderr", log)
    monkeypatch.setattr("adjoint.training.progress.perf_counter", lambda: float(next(clock)))
    run(8, wanted="log")
    assert log.getvalue() == "3/8 epochs, loss=0.3333\n6/8 epochs, loss=0.1667\n"
    run(8)
    assert log.getvalue().count("\n") == 2
