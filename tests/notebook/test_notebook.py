"""What a prompt and a notebook show: text as it stands, HTML that loads nothing and is escaped."""

from __future__ import annotations

import copy
import html
import json
import pickle
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn
from adjoint.notebook.curve import curves
from adjoint.notebook.source import Source, highlighted
from adjoint.notebook.verbatim import Verbatim, wrapped

HOSTILE = "<script>alert('x')</script>&amp;"
VOID = {"meta", "br", "input"}


def text_of(markup):
    return html.unescape(re.sub("<[^>]*>", "", markup))


class Balance(HTMLParser):
    """Checks that every element that is opened is closed, and notes them all."""

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def elements(markup):
    parser = Balance()
    parser.feed(markup)
    parser.close()
    assert not parser.open
    return parser.seen


# --- a text that shows itself ---------------------------------------------------------------------


def test_a_verbatim_text_shows_as_it_prints():
    assert repr(Verbatim("a\n 'b'")) == "a\n 'b'"
    assert type(repr(Verbatim("a"))) is str


@pytest.mark.parametrize("kind", [Verbatim, Source])
def test_a_verbatim_text_is_a_str_everywhere_else(kind):
    text = kind("x = 1\n")
    assert text == "x = 1\n"
    assert {text: 1}["x = 1\n"] == 1
    assert json.loads(json.dumps({"source": text})) == {"source": "x = 1\n"}
    for again in (pickle.loads(pickle.dumps(text)), copy.deepcopy(text)):
        assert (type(again), again) == (kind, text)
    assert text.splitlines() == ["x = 1"]
    compile(text, "file", "exec")


def test_long_lines_are_wrapped_within_their_indentation():
    text = "head\n  advice: " + "word " * 40 + "\n    x"
    lines = wrapped(text).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == "head"
    assert lines[1].startswith("  advice: word")
    assert all(line.startswith("    word") for line in lines[2:-1])
    assert lines[-1] == "    x"
    assert wrapped(text).split() == text.split()


# --- source ---------------------------------------------------------------------------------------

SOURCES = {
    "function": 'def f(x):\n    """Doc\n    <b>."""\n    return x * 2.5  # <c>\n',
    "broken": "x = (",
    "nothing": "",
    "odd ends": "é = 'ü'\x0c\n\ty = 1\r\nz = 2",
    "no Python": "# a\n$ ?? 'open",
}


@pytest.mark.parametrize("name", SOURCES)
def test_highlighting_changes_no_letter(name):
    markup = highlighted(SOURCES[name])
    assert text_of(markup) == SOURCES[name]
    elements(markup)


def test_keywords_literals_and_comments_are_marked():
    marked = re.findall(r'<span class="(\w+)">([^<]*)</span>', highlighted(SOURCES["function"]))
    assert [kind for kind, _ in marked] == ["keyword", "literal", "keyword", "literal", "comment"]
    assert marked[-1] == ("comment", "# &lt;c&gt;")


# --- curves ---------------------------------------------------------------------------------------


def drawn(series):
    """Return the lines of a picture, each a list of its points."""
    picture = ElementTree.fromstring(curves(series))
    paths = [p.get("d") for p in picture.iter("{http://www.w3.org/2000/svg}path")]
    lines = [path for path in paths[1:] if "h18" not in path]
    return [
        [tuple(map(float, pair)) for pair in re.findall(r"([\d.]+),([\d.]+)", path)]
        for path in lines
    ]


def test_a_curve_goes_from_the_first_epoch_to_the_last():
    ((first, second, third),) = drawn({"loss": [3.0, 2.0, 1.0]})
    assert first[0] < second[0] < third[0]
    assert first[1] < second[1] < third[1]  # down the page is down
    assert second[0] - first[0] == pytest.approx(third[0] - second[0])
    assert second[1] - first[1] == pytest.approx(third[1] - second[1])


def test_a_curve_over_orders_of_magnitude_has_a_logarithmic_axis():
    ((first, second, third),) = drawn({"loss": [100.0, 1.0, 0.01]})
    assert second[1] - first[1] == pytest.approx(third[1] - second[1])


def test_numbers_that_are_not_finite_leave_a_gap():
    picture = curves({"loss": [1.0, np.nan, 2.0, np.inf]})
    assert "nan" not in picture.split("<text")[0]
    assert [len(line) for line in drawn({"loss": [1.0, np.nan, 2.0, np.inf]})] == [2]


@pytest.mark.parametrize("numbers", [[], [np.nan], [np.inf, np.nan]])
def test_nothing_finite_is_no_picture(numbers):
    assert curves({"loss": numbers}) == ""


@pytest.mark.parametrize("numbers", [[1.0], [0.0, 0.0, 0.0], [-1.0, 1.0], [1e-300, 1e300]])
def test_a_curve_stays_within_its_picture(numbers):
    for line in drawn({"loss": numbers}):
        assert all(0 <= x <= 420 and 0 <= y <= 180 for x, y in line)


def test_a_long_curve_has_few_points_and_keeps_its_ends():
    (line,) = drawn({"loss": list(range(100_000))})
    assert len(line) == 400
    assert line[0][0] == pytest.approx(56)
    assert line[-1][0] == pytest.approx(408)


# --- all objects ----------------------------------------------------------------------------------


def hostile_function(x):
    return x


hostile_function.__name__ = HOSTILE


class Hostile(nn.Module):
    def __init__(self):
        self.weights = {HOSTILE: nn.Linear(2, 2, rng=0)}

    def forward(self, x):
        return self.weights[HOSTILE](x)

    def extra_repr(self):
        return HOSTILE


def history():
    found = ad.History(seed=0)
    for epoch in range(30):
        found.append(**{"loss": 1 / (epoch + 1), "val_loss": 1.0, HOSTILE: np.nan})
    return found


def source():
    compiled = ad.compile(lambda x: np.sin(x) < 1)
    compiled(np.ones(2))
    return compiled.source


def wrong(g, x):
    return g * np.sin(x)


SHOWN = {
    "History": history,
    "an empty History": lambda: ad.History(seed=0),
    "Module": lambda: nn.MLP(2, 4, 2, rng=0),
    "a hostile Module": Hostile,
    "Summary": lambda: Hostile().summary(np.zeros((3, 2))),
    "BackwardReview": lambda: ad.check_backward(np.sin, wrong, np.array([0.5, 1.0])),
    "a right BackwardReview": lambda: ad.check_backward(
        np.sin, lambda g, x: g * np.cos(x), np.array([0.5, 1.0])
    ),
    "Diagnosis": lambda: ad.why(lambda x: np.round(x).sum(), np.ones(2)),
    "Graph": lambda: ad.trace(lambda x: np.tanh(x) * 2 + x.sum(), np.zeros(3)),
    "a hostile Graph": lambda: ad.trace(hostile_function, np.zeros(3)),
    "source": source,
}


@pytest.mark.parametrize("name", SHOWN)
def test_html_loads_nothing_and_closes_what_it_opens(name):
    markup = SHOWN[name]()._repr_html_()
    assert not {"script", "link", "img", "iframe", "object"} & set(elements(markup))
    assert not re.search(r"url\(|@import|\son\w+=|\bsrc=|href=", markup)
    assert set(re.findall(r"https?://[^\"' ]+", markup)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1998/Math/MathML",
    }


@pytest.mark.parametrize("name", SHOWN)
def test_html_has_colours_for_light_and_dark(name):
    markup = SHOWN[name]()._repr_html_()
    assert "@media (prefers-color-scheme: dark)" in markup
    # JupyterLab's own theme need not be what the browser prefers.
    assert '[data-jp-theme-light="false"] .adjoint-view' in markup


@pytest.mark.parametrize("name", SHOWN)
def test_a_repr_fits_into_a_terminal(name):
    assert max(map(len, repr(SHOWN[name]()).splitlines()), default=0) <= 80 + (
        60 if "hostile" in name or name in ("Summary", "History") else 0
    )


@pytest.mark.parametrize("name", ["History", "a hostile Module", "Summary"])
def test_names_of_users_are_escaped(name):
    assert HOSTILE in text_of(SHOWN[name]()._repr_html_())


def test_a_history_draws_each_metric_beside_its_validation():
    found = ad.History(seed=0)
    found.append(loss=1.0, accuracy=0.5, val_loss=2.0, val_accuracy=0.25)
    markup = found._repr_html_()
    titles = re.findall("<title>(.*?)</title>", markup)
    assert titles == ["loss, val_loss", "accuracy, val_accuracy"]
    assert [text_of(cell) for cell in re.findall("<td.*?</td>", markup)] == [
        "1", "1", "0.5", "2", "0.25",
    ]  # fmt: skip


def test_a_long_graph_is_folded():
    def long(x):
        for _ in range(50):
            x = np.tanh(x)
        return x

    assert "<details>" in ad.trace(long, np.ones(2))._repr_html_()
    assert "<details open>" in ad.trace(np.tanh, np.ones(2))._repr_html_()


def test_a_review_shows_the_step_as_mathematics_in_a_notebook_only():
    review = SHOWN["BackwardReview"]()
    assert "<math" in review._repr_html_()
    assert "<math" not in repr(review)
    assert "<math" not in repr(review.findings)
    assert repr(review).split() == str(review).split()
