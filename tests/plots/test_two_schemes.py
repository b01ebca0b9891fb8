"""Pictures in pages follow the reader's choice of light or dark."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure

from adjoint.plots import DecisionBoundaryDisplay, LossCurveDisplay, ResidualsDisplay, style
from adjoint.plots.contrast import LEAST_CONTRAST, PAPER, contrast, in_the_dark
from adjoint.plots.two_schemes import svg_in_two_schemes


class Halves:
    def predict_proba(self, X):
        one = 1 / (1 + np.exp(-X[:, 0]))
        return np.column_stack([1 - one, one])


X, Y = np.array([[-1.0, 0.0], [1.0, 1.0], [0.5, 0.2]]), ["a<b>", "]]> -- &", "a<b>"]
PICTURES = {
    "boundary": lambda ax: DecisionBoundaryDisplay.from_estimator(
        Halves(), X, Y, grid_resolution=9, ax=ax
    ),
    "curve": lambda ax: LossCurveDisplay.from_values([1, 0.5], validation_loss=[1, 0.6], ax=ax),
    "residuals": lambda ax: ResidualsDisplay.from_predictions(np.arange(90.0), np.ones(90), ax=ax),
}


def svg(name, **kwargs):
    figure = Figure()
    PICTURES[name](figure.subplots())
    return svg_in_two_schemes(figure, name=name, **kwargs)


def colours(text):
    """Return the colours of the picture, and those of its dark sheet by (property, colour)."""
    sheet = re.search(r"@media screen and \(prefers-color-scheme: dark\) {(.*?)\n}", text, re.S)[1]
    dark = re.findall(r'\[style\*="(\w+): (#\w+)"\] { \w+: (#\w+) !important; }', sheet)
    body = text.split("</style>", 1)[1]
    used = set(re.findall(r"(fill|stroke): (#[0-9a-f]{6})", body))
    return used, {(what, light): colour for what, light, colour in dark}


@pytest.mark.parametrize("name", PICTURES)
def test_every_colour_of_a_picture_has_a_dark_one(name):
    used, dark = colours(svg(name))
    assert used == dark.keys()
    assert ("stroke", "#000000") in used


@pytest.mark.parametrize("name", PICTURES)
def test_whatever_is_no_background_can_be_told_from_a_dark_page(name):
    _, dark = colours(svg(name))
    for (_, light), colour in dark.items():
        background = light in ("#ffffff", "#cccccc")  # of figure and legend, and its edge
        assert background or contrast(colour, PAPER) >= LEAST_CONTRAST, light


@pytest.mark.parametrize("colour", range(len(style.COLOURS)))
def test_every_class_can_be_told_from_a_dark_page(colour):
    from matplotlib.colors import to_hex

    assert contrast(in_the_dark(to_hex(style.colour(colour))), PAPER) >= LEAST_CONTRAST


@pytest.mark.parametrize("name", PICTURES)
def test_what_is_copied_takes_the_colours_of_its_place(name):
    # A browser applies no rule about the picture inside of a copy.
    defined = re.findall(r'<path id="m\w+"[^>]*>', svg(name))
    copied = re.findall(r'<use xlink:href="#m\w+"[^>]*>', svg(name))
    assert defined
    assert not any(re.search("(fill|stroke): #", each) for each in defined)
    assert all(re.search("(fill|stroke): #", each) for each in copied)


def test_a_page_shows_through_a_transparent_picture():
    assert ("fill", "#ffffff") in colours(svg("curve"))[0]
    tree = ElementTree.fromstring(svg("curve", transparent=True))
    patches = [g for g in tree.iter("{http://www.w3.org/2000/svg}g") if g.get("id") == "patch_1"]
    assert "fill: none" in patches[0][0].get("style")


def test_a_picture_is_valid_xml_whatever_its_words_are():
    for name in PICTURES:
        assert ElementTree.fromstring(svg(name)).get("class") == "adjoint-plot"


def test_the_same_picture_gives_the_same_text_and_different_ones_share_no_ids():
    assert svg("curve") == svg("curve")
    clips = [set(re.findall(r'<clipPath id="(\w+)"', svg(name))) for name in PICTURES]
    assert all(clips)
    assert len(set().union(*clips)) == sum(map(len, clips))


@pytest.mark.parametrize("name", PICTURES)
def test_a_display_can_be_seen_on_dark_axes(name):
    from matplotlib.colors import to_hex

    figure = Figure(facecolor="black")
    ax = figure.add_subplot(facecolor="black")
    display = PICTURES[name](ax)
    shown = [line.get_color() for line in ax.lines]
    shown += [c for points in ax.collections for c in points.get_facecolor()]
    shown += [c for line in getattr(display, "boundaries_", []) for c in line.get_edgecolor()]
    assert shown
    for colour in shown:
        assert contrast(to_hex(colour), "#000000") >= LEAST_CONTRAST, colour


def test_colours_stay_the_same_on_light_and_on_transparent_axes():
    for colour in ("white", "none", "#eeeeee"):
        ax = Figure().add_subplot(facecolor=colour)
        assert [style.colour(k, ax) for k in range(9)] == [style.colour(k) for k in range(9)]
