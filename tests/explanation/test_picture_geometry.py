"""No label of a drawing is crossed by a line, and every open module has a frame of its own."""

import numpy as np
import pytest
from picture_geometry import Picture

import adjoint as ad
from adjoint import nn
from explained import Scaled, layers, random_program
from sampled import sampled

RNG = np.random.default_rng(0)
SEQUENCE = RNG.normal(size=(2, 3, 8))
IMAGES, LABELS = RNG.normal(size=(2, 1, 8, 8)), np.array([0, 2])


def block():
    return nn.TransformerEncoderLayer(8, 2, 16, rng=0)


def cnn():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, rng=0), nn.ReLU(), nn.MaxPool(2), nn.Flatten(), nn.Linear(36, 3, rng=0)
    )


def residual(x, w):
    for _ in range(3):
        x = x + np.tanh(x @ w)
    return np.sum(x**2)


def fan(x):
    spread = [f(x) for f in (np.exp, np.sin, np.cos, np.tanh, np.square, np.abs, np.sqrt)]
    return np.sum(sum(spread) * spread[0] / spread[-1])


def mean_square(model):
    """Return a function of an input: modules of several results are reduced to one number."""
    return lambda x: np.mean(_first(model(x)) ** 2)


def _first(value):
    return value[0] if isinstance(value, tuple) else value


DRAWINGS = {
    "mlp": lambda: ad.draw(
        nn.MLP(2, 4, 4, 2, rng=0), *ad.datasets.make_moons(5, seed=0), loss="cross_entropy"
    ),
    "fifty layers": lambda: ad.draw(
        nn.MLP(2, *[8] * 50, 2, rng=0), *ad.datasets.make_moons(5, seed=0), loss="cross_entropy"
    ),
    "cnn": lambda: ad.draw(cnn(), IMAGES, LABELS, loss="cross_entropy", depth=9),
    "cnn folded": lambda: ad.draw(cnn(), IMAGES, LABELS, loss="cross_entropy", depth=1),
    "lstm": lambda: ad.draw(nn.LSTM(3, 4, rng=0), RNG.normal(size=(2, 5, 3))),
    "lstm open": lambda: ad.draw(nn.LSTM(3, 4, rng=0), RNG.normal(size=(2, 5, 3)), depth=9),
    "transformer layer": lambda: ad.draw(block(), SEQUENCE),
    "attention open": lambda: ad.draw(block(), SEQUENCE, open="attention"),
    "transformer open": lambda: ad.draw(block(), SEQUENCE, depth=9),
    "transformer trained": lambda: ad.draw(
        block(), SEQUENCE, np.zeros((2, 3, 8)), loss="mse_loss", depth=9
    ),
    "two transformer layers": lambda: ad.draw(nn.Sequential(block(), block()), SEQUENCE, depth=9),
    "residual": lambda: ad.draw(residual, RNG.normal(size=(2, 3)), RNG.normal(size=(3, 3))),
    "fan": lambda: ad.draw(fan, np.array([0.5, 1.5])),
    "many inputs": lambda: ad.draw(lambda *xs: np.sum(np.stack(xs)), *np.ones((9, 2))),
    "long names": lambda: ad.draw(
        eval("lambda 一个非常长的中文名字叫做变量, a_name_that_goes_on_and_on_and_on: "
             "一个非常长的中文名字叫做变量 * a_name_that_goes_on_and_on_and_on"), 2.0, 3.0
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", sampled(DRAWINGS, 2))
def test_no_line_crosses_a_label_and_every_open_module_has_a_frame(name):
    drawing = DRAWINGS[name]()
    picture = Picture(drawing.svg())
    assert list(picture.crossed_texts()) == []
    assert list(picture.crossed_frames()) == []
    assert len(picture.frames) == len(drawing.scene.frames)


@pytest.mark.parametrize(
    ("name", "model", "x"), sampled(layers(), 3), ids=[case[0] for case in layers()]
)
def test_every_layer_has_one_frame_when_it_is_open(name, model, x):
    net = Scaled(model)
    drawing = ad.draw(net, x, depth=9)
    picture = Picture(drawing.svg())
    opened = [fold.title for fold, _ in drawing.scene.frames]
    assert list(picture.crossed_texts()) == []
    assert len(picture.frames) == len(opened)
    # Some do nothing but what the modules inside do, and one may do nothing at all.
    assert opened or not drawing.record.graph.nodes or name


@pytest.mark.parametrize("seed", sampled(range(40), 5))
def test_no_line_crosses_a_label_of_a_random_program(seed):
    function, args = random_program(seed)
    assert list(Picture(ad.draw(function, *args).svg()).crossed_texts()) == []


def test_the_check_finds_what_it_looks_for():
    svg = ad.draw(block(), SEQUENCE, open="attention").svg()
    picture = Picture(svg)
    (frame,) = picture.frames
    text, box = next((t, b) for t, b in picture.texts if t == "attention")
    assert frame[0] < box[0] < box[2] < frame[2]
    picture.lines.append([(box[0] - 5, box[1] - 5), (box[2] + 5, box[3] + 5)])
    assert (text, "line") in list(picture.crossed_texts())
