"""The report: what it says of each kind of table, escaped, and what predictions depend on."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pyarrow
import pytest

pytest.importorskip("matplotlib")

from adjoint.tables.dependence import dependence
from adjoint.tables.report import metrics_table, write_report
from adjoint.tables.settings import TableSettings
from adjoint.tables.trial import prepare, run

EVIL = "<script>alert('$x$')</script> & \"_"
ROWS = 200


def columns():
    rng = np.random.default_rng(0)
    days = np.datetime64("2024-01-01", "us") + np.arange(ROWS) * np.timedelta64(1, "D")
    return {
        "x": rng.normal(size=ROWS),
        "gaps": np.where(np.arange(ROWS) % 7 == 0, np.nan, rng.normal(size=ROWS)),
        EVIL: np.array([EVIL, "b", "c"])[rng.integers(0, 3, ROWS)],
        "day": days,
        "id": np.arange(ROWS),
    }


def trial(y, **changed):
    settings = TableSettings(epochs=2, ensemble=2, hidden=(8,), **changed)
    encoder, target, parts = prepare(pyarrow.table(columns() | {"y": y}), "y", settings)
    return run(encoder, target, parts, settings, progress=False)


@pytest.fixture(scope="module")
def trials():
    x = columns()["x"]
    names = np.array([EVIL, "two", "three"])
    return {
        "number": trial(2 * x),
        "two": trial(np.where(x > 0, EVIL, "no")),
        "three": trial(names[np.digitize(x, [-0.5, 0.5])], metric="f1"),
    }


def test_times_of_a_day_are_drawn_by_the_clock():
    times = pyarrow.array(np.arange(ROWS) * 400_000_000, pyarrow.time64("us"))
    y = np.arange(ROWS) / ROWS
    settings = TableSettings(epochs=1, ensemble=1, hidden=(4,))
    encoder, target, parts = prepare(pyarrow.table({"at": times, "y": y}), "y", settings)
    page = write_report(run(encoder, target, parts, settings, progress=False), "t.csv")
    figure = re.search(r"<h2>What the prediction depends on</h2>(.*?)</figure>", page, re.DOTALL)
    assert "12:00" in figure[1]


def test_a_script_that_no_font_here_has_is_left_to_the_browser():
    x = columns()["x"]
    settings = TableSettings(epochs=1, ensemble=1, hidden=(4,))
    table = pyarrow.table({"面积": x, "城市": np.where(x > 1, "北京", "上海"), "y": 2 * x})
    encoder, target, parts = prepare(table, "y", settings)
    page = write_report(run(encoder, target, parts, settings, progress=False), "t.csv")
    figure = re.search(r"<h2>What the prediction depends on</h2>(.*?)</figure>", page, re.DOTALL)
    assert "面积" in figure[1]
    assert "北京" in figure[1]


class Checked(HTMLParser):
    """Reads a page, and fails where a tag is closed that is not open."""

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], set()

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        if tag not in ("meta", "br", "path", "use", "rect", "image"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in ("path", "use", "rect", "image"):
            assert self.open.pop() == tag


@pytest.mark.parametrize("kind", ["number", "two", "three"])
def test_a_page_is_whole_loads_nothing_and_escapes_all_names(trials, kind):
    page = write_report(trials[kind], EVIL)
    checked = Checked()
    checked.feed(page)
    assert not checked.open
    assert "script" not in checked.seen
    assert "alert(" in page
    # Nothing but the names of XML's own formats leads anywhere.
    assert {link for link in re.findall(r'(?:src|href)="([^"]*)"', page) if link[0] != "#"} == set()
    assert "TableSettings" not in page


@pytest.mark.parametrize(
    ("kind", "titles"),
    [
        ("number", {"What is left over"}),
        ("two", {"What is confused", "Whether its probabilities can be believed"}),
        ("three", {"What is confused", "Whether its probabilities can be believed"}),
    ],
)
def test_each_task_has_its_sections_and_all_have_the_others(trials, kind, titles):
    page = write_report(trials[kind], "t.csv")
    found = re.findall("<h2>(.*?)</h2>", page)
    assert titles < set(found)
    assert set(found) - titles == {
        "Scores on the rows held out",
        "What the prediction depends on",
        "What each column is worth",
        "The training",
        "How to predict",
        "What the columns were taken for",
    }
    sentence = trials[kind].record.verdict[0].split(":")[0]
    assert sentence in page
    assert page.index(sentence) < page.index("<h2>")


def test_the_score_that_was_chosen_has_the_interval(trials):
    page = write_report(trials["three"], "t.csv")
    head = re.search("<thead>(.*?)</thead>", page)[1]
    assert re.findall("<th>(.*?)</th>", head)[-2:] == ["f1", "19 times in 20"]


def test_rows_that_tell_no_bounds_still_have_scores(trials):
    page = metrics_table(replace(trials["number"].record, intervals={}))
    assert "<td>network</td>" in page
    assert "19 times in 20" not in page


def test_numbers_too_large_for_an_axis_are_not_drawn(trials):
    y = trials["number"].held_y
    y = y / np.abs(y).max() * 1.7e308
    page = write_report(replace(trials["number"], held_y=y, held_outputs=y), "t.csv")
    assert "What is left over" not in page
    assert "What the prediction depends on" not in page
    assert "The training" in page


def test_one_legend_names_the_classes_of_all_panels(trials):
    page = write_report(trials["three"], "t.csv")
    figure = re.search(r"<h2>What the prediction depends on</h2>(.*?)</figure>", page, re.DOTALL)
    assert figure[1].count(">three</text>") == 1


@pytest.mark.parametrize("name", ["x", "gaps", "day", EVIL])
def test_a_dependence_is_the_mean_prediction_with_the_column_replaced(trials, name):
    model, X = trials["number"].model, trials["number"].held_X
    found = dependence(model, X, name)
    start = 0
    for column in model.encoder.columns:
        if column.name == name:
            break
        start += column.width
    assert len(found.values) == len(found.outputs) > 1
    if name == EVIL:
        assert found.values == sorted([EVIL, "b", "c"])
    for value, output in zip(found.values, found.outputs, strict=True):
        changed = X.copy()
        one = pyarrow.array([value] * len(X))
        changed[:, start : start + column.width] = column.encode(one, {})
        np.testing.assert_allclose(output[0], model.outputs(changed).mean(), rtol=1e-5, atol=1e-6)


def test_the_column_that_the_target_is_made_of_has_a_rising_curve(trials):
    found = dependence(trials["number"].model, trials["number"].held_X, "x")
    assert (np.diff(found.outputs[:, 0]) > 0).mean() > 0.9


def test_a_column_that_the_model_does_not_read_has_no_dependence(trials):
    with pytest.raises(ValueError, match="no column 'id'"):
        dependence(trials["number"].model, trials["number"].held_X, "id")


def test_print_is_light_and_parts_no_picture_and_no_short_table(trials):
    page = write_report(trials["three"], "t.csv")
    style = page.partition("@media print {")[2].partition("</style>")[0]
    assert "color-scheme: light" in style
    assert re.search(r"figure, \.verdict, \.short, tr, pre \{ break-inside: avoid", style)
    # What a drawing has for readers who prefer dark is for screens alone.
    assert page.count("prefers-color-scheme: dark") == page.count(
        "@media screen and (prefers-color-scheme: dark)"
    )
    scores = page.partition("Scores on the rows held out")[2].partition("<h2>")[0]
    assert '<div class="scroll short">' in scores
    assert '<figure class="tall">' in page  # four panels


def test_points_of_several_classes_stand_beside_each_other(trials):
    from matplotlib.figure import Figure

    from adjoint.tables import report

    one = dependence(trials["three"].model, trials["three"].held_X, EVIL)
    ax = Figure().subplots()
    report._draw_dependence(ax, one, ["a", "b", "c"], [0, 1, 2])
    places = [line.get_xdata() for line in ax.lines]
    assert (np.diff(places, axis=0) > 0.1).all()
    assert (np.abs(np.mean(places, axis=0) - [0, 1, 2]) < 1e-9).all()
