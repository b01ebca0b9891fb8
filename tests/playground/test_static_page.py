"""The page without Python: its trainings have the bits of `fit`, and it says what it lacks."""

import json
import re
import shutil
import subprocess
from base64 import b64decode, b64encode
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from opened_page import wait

import adjoint as ad
from adjoint import cli
from adjoint.data.rows import permutation
from adjoint.exporting.wasm.training_javascript import about
from adjoint.nn.functional import cross_entropy
from adjoint.playground import requests, static_page
from adjoint.playground.bundle import modules
from adjoint.playground.frame import unpack
from adjoint.playground.session import Brought, Session
from adjoint.playground.settings import Settings, read

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
ALL = list(product(static_page.HIDDEN, static_page.ACTIVATIONS, static_page.OPTIMIZERS))
SETTINGS = {"rows": 100, "seed": 11, "lr": 0.05}
EPOCHS = 3

SCRIPT = """
import { readFileSync } from "node:fs";
import { Engine } from "./engine.js";
const networks = JSON.parse(readFileSync("networks.json", "utf8"));
for (const each of networks) each.bytes = new Uint8Array(Buffer.from(each.text, "base64"));
const settings = JSON.parse(readFileSync("settings.json", "utf8"));
const engine = new Engine(networks);
const bytes = (array) =>
  Buffer.from(new Float64Array(array).buffer).toString("base64");
const weights = () => bytes(engine.layers().flatMap((l) => [...l.weight, ...l.bias]));
const untilStep = (step) => {
  while (engine.step < step && !engine.diverged) engine.take(step, 100);
};
"""


class Node:
    """The engine of the page in node, with some networks; a script says what is to be done."""

    def __init__(self, folder):
        self.folder = folder

    def built(self, *networks):
        listed = []
        for units, activation, optimizer in networks:
            made = static_page.network(units, activation, optimizer)
            listed.append(
                {
                    "units": list(units),
                    "activation": activation,
                    "optimizer": optimizer,
                    "about": about(made),
                    "text": b64encode(made.module).decode(),
                }
            )
        (self.folder / "networks.json").write_text(json.dumps(listed))
        found = modules("engine.js", {"training.js": static_page.training_module()})
        for name, text in found.items():
            (self.folder / name).write_text(text.replace('"adjoint/', '"./'), encoding="utf-8")
        (self.folder / "package.json").write_text('{"type": "module"}')

    def run(self, body, settings):
        (self.folder / "settings.json").write_text(json.dumps(settings))
        (self.folder / "run.js").write_text(f"{SCRIPT}{body}", encoding="utf-8")
        command = ["node", "run.js"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    found = Node(tmp_path_factory.mktemp("engine"))
    found.built(((4,), "tanh", "adam"), ((4,), "relu", "adam"))
    return found


def numbers(text):
    return np.frombuffer(b64decode(text), float)


def model_of(units, activation, weights):
    """Return the network whose parameters are these, one after another."""
    model = ad.nn.MLP(2, *units, 2, activation=activation, rng=0)
    at = 0
    for parameter in model.parameters():
        parameter.data = weights[at : at + parameter.size].reshape(parameter.shape).copy()
        at += parameter.size
    return model


TRAINED = """
await engine.begin(settings);
const first = weights();
untilStep(3 * engine.stepsEach);
process.stdout.write(JSON.stringify({
  first, last: weights(), X: bytes(engine.X), y: bytes(engine.y),
  split: engine.split, losses: engine.losses, frame: engine.frame().header.train,
}));
"""


def trained_here(found, units, activation, optimizer):
    X, y = numbers(found["X"]).reshape(-1, 2), numbers(found["y"]).astype(int)
    model = model_of(units, activation, numbers(found["first"]))
    kind = {"adam": ad.optim.Adam, "sgd": ad.optim.SGD}[optimizer]
    train = X[: found["split"]], y[: found["split"]]
    history = ad.fit(
        model,
        train,
        loss="cross_entropy",
        optimizer=kind(model.parameters(), lr=SETTINGS["lr"]),
        batch_size=static_page.BATCH,
        epochs=EPOCHS,
        seed=SETTINGS["seed"],
        reproducible=True,
        progress=False,
    )
    return model, history, train


def same_bits(node, units, activation, optimizer):
    layers = [{"units": n, "activation": activation} for n in units]
    found = node.run(TRAINED, SETTINGS | {"layers": layers, "optimizer": optimizer})
    model, history, (X, y) = trained_here(found, units, activation, optimizer)
    last = np.concatenate([np.ravel(p.data) for p in model.parameters()])
    assert (numbers(found["first"]) != last).any()
    np.testing.assert_array_equal(numbers(found["last"]), last)
    assert found["losses"] == list(history.loss)
    # The score is a sum in another order than here.
    assert found["frame"]["loss"] == pytest.approx(cross_entropy(model(X), y).item(), rel=1e-12)


@needs_node
def test_a_training_of_the_page_has_the_bits_of_fit(node):
    same_bits(node, (4,), "tanh", "adam")


@needs_node
@pytest.mark.full
@pytest.mark.parametrize(("units", "activation", "optimizer"), ALL)
def test_every_network_of_the_page_has_the_bits_of_fit(tmp_path, units, activation, optimizer):
    found = Node(tmp_path)
    found.built((units, activation, optimizer))
    same_bits(found, units, activation, optimizer)


@needs_node
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_the_gradients_that_are_shown_are_those_of_the_batch_to_come(node, activation):
    body = """
    await engine.begin(settings);
    untilStep(2 * engine.stepsEach + 3);
    const before = weights();
    const { gradients } = engine.frame().arrays;
    process.stdout.write(JSON.stringify({ weights: before, same: weights() === before,
      gradients: bytes(gradients), X: bytes(engine.X), y: bytes(engine.y), split: engine.split }));
    """
    layers = [{"units": 4, "activation": activation}]
    found = node.run(body, SETTINGS | {"layers": layers, "optimizer": "adam"})
    X, y = numbers(found["X"]).reshape(-1, 2), numbers(found["y"]).astype(int)
    order = permutation(found["split"], seed=SETTINGS["seed"], epoch=2)[30:40]
    model = model_of((4,), activation, numbers(found["weights"]))
    cross_entropy(model(X[order]), y[order]).backward()
    expected = np.concatenate([np.ravel(p.grad.data) for p in model.parameters()])
    # They travel as float32.
    np.testing.assert_allclose(numbers(found["gradients"]), expected, rtol=1e-5, atol=1e-8)
    assert found["same"]


@needs_node
def test_back_is_to_the_bit_at_any_step_and_after_a_divergence(node):
    body = """
    await engine.begin(settings);
    const seen = [];
    for (let step = 0; step < 40; step++) { untilStep(step); seen.push(weights()); }
    const back = [25, 7, 30, 0].map((step) => {
      engine.rewind(step);
      untilStep(step);
      return weights() === seen[step]
        && engine.losses.length === Math.floor(step / engine.stepsEach);
    });
    engine.training.settings.lr = 1e300;
    engine.take(60, 100);
    const diverged = engine.diverged;
    engine.training.settings.lr = settings.lr;
    engine.rewind(0);
    untilStep(12);
    process.stdout.write(JSON.stringify({ back, diverged, again: weights() === seen[12] }));
    """
    layers = [{"units": 4, "activation": "relu"}]
    found = node.run(body, SETTINGS | {"layers": layers, "optimizer": "adam"})
    assert found["back"] == [True] * 4
    assert "not finite" in found["diverged"]
    assert found["again"]


@needs_node
def test_a_training_stops_at_its_conditions(node):
    body = """
    await engine.begin({ ...settings, stop_epoch: 2 });
    for (let i = 0; i < 9; i++) engine.take(1e6, 100);
    const first = [engine.step / engine.stepsEach, engine.stopped];
    await engine.begin({ ...settings, stop_loss: 0.4 });
    while (!engine.stopped) engine.take(1e6, 100);
    const { losses } = engine;
    process.stdout.write(JSON.stringify([first, engine.stopped, engine.training.step,
      losses.findIndex((loss) => loss <= 0.4) === losses.length - 1]));
    """
    assert node.run(body, SETTINGS) == [[2, "epoch"], "loss", 0, True]


@needs_node
def test_the_network_that_is_taken_is_the_nearest_on_the_side_of_the_change(node):
    body = """
    const about = { batch: 10, settings: { lr: 0.1 } }, optimizer = "adam";
    const all = ["tanh", "relu"].flatMap((activation) => [[2], [4], [8], [4, 4], [8, 8]].map(
      (units) => ({ units, activation, optimizer, about })));
    const { choices } = new Engine(all);
    const layers = (units, activation) => units.map((n) => ({ units: n, activation }));
    const asked = [
      [[4], [5]], [[8], [7]], [[4], [4, 4]], [[8, 8], [8]], [[4, 4], [4, 5]], [[2], [1]],
    ];
    const taken = asked.map(([now, then]) =>
      choices.nearest({ layers: layers(then, "tanh") }, layers(now, "tanh")).units);
    const mixed = choices.nearest(
      { layers: [...layers([4], "relu"), ...layers([4], "tanh")] }, layers([4, 4], "tanh"));
    process.stdout.write(JSON.stringify([...taken, mixed.activation]));
    """
    assert node.run(body, {}) == [[8], [4], [4, 4], [8], [8, 8], [2], "relu"]


@needs_node
def test_the_page_finds_all_that_a_session_with_python_says(node):
    body = """
    await engine.begin(settings);
    const { header, arrays } = engine.opening(), menu = engine.choices.menu();
    process.stdout.write(JSON.stringify([
      [menu, menu.losses, menu.limits, menu.defaults, header, header.settings.layers[0], arrays]
        .map(Object.keys), header, menu.defaults]));
    """
    found, header, defaults = node.run(body, SETTINGS)
    session = Session(Brought(read({"layers": header["settings"]["layers"], "rows": 100})))
    with_python, arrays = unpack(session.opening())
    menu = unpack(requests.answer(session, '{"do": "menu"}')[8:])[0]
    of_session = [menu, menu["losses"], menu["limits"], menu["defaults"], with_python]
    for here, there in zip(
        found, [*of_session, with_python["settings"]["layers"][0], arrays], strict=True
    ):
        assert set(there) - {"version", "sections"} <= set(here)
    assert read(defaults) == replace(Settings(), classes=2)
    same = ("names", "labels", "width", "axes", "range", "layers", "parameters", "steps_each")
    for name in same:
        assert header[name] == with_python[name], name


@needs_node
def test_an_address_of_another_training_is_refused_by_the_name_of_what_differs(node):
    body = """
    const asked = [
      { loss: "focal_loss" }, { batch_size: 32 }, { mistake: "sum" }, { dropout: 0.5 },
      { norm: "batch" }, { schedule: "cosine" }, { initialise: "zeros" }, { dtype: "float32" },
      { features: ["x1"] }, { classes: 3 }, { changes: [{ step: 5, given: { lr: 1 } }] },
      { options: { momentum: 0.9 } }, { layers: [{ units: 4, activation: "tanh", norm: "layer" }] },
    ];
    const said = [];
    for (const each of asked) {
      await engine.begin(each).then(() => said.push(""), (error) => said.push(error.message));
    }
    process.stdout.write(JSON.stringify([asked.map(Object.keys), said]));
    """
    asked, said = node.run(body, {})
    for (name,), text in zip(asked, said, strict=True):
        assert text.startswith(f"{name}: "), text


@needs_node
def test_the_test_loss_is_known_at_every_epoch_that_a_picture_passes(node):
    body = """
    await engine.begin(settings);
    while (engine.step < 20 * engine.stepsEach) engine.take(engine.step + 3, 100);
    const { curve, quality } = engine.frame().arrays;
    for (let k = 0; k < 1000; k++) engine.take(engine.step + engine.stepsEach, 100);
    process.stdout.write(JSON.stringify([engine.stepsEach, Array.from(curve, Number.isNaN),
      quality.length / 3, engine.read_at.size, engine.frame().arrays.quality.length / 3]));
    """
    each, unknown, epochs, kept, shown = node.run(body, SETTINGS)
    assert each % 3 != 0
    assert unknown == [False] * 3 * 20
    assert epochs == 20
    assert kept < 1000
    assert shown == 240


@needs_node
def test_settings_of_a_hostile_address_are_refused_and_change_nothing(node):
    body = """
    await engine.begin({});
    const asked = [
      { rows: 1e9 }, { rows: "9" }, { lr: null }, { lr: -1 }, { data: "<b>" }, { data: ["moons"] },
      { layers: [{ units: "x" }] }, { layers: [null] }, { optimizer: "constructor" },
      { seed: 0.5 }, { options: { beta1: "1" } }, { test: [] }, null, 3, "x",
      { options: { beta2: 1 } }, { options: { epsilon: 0 } }, { options: { constructor: 1 } },
      { options: "x" }, { layers: "x" },
    ];
    const refused = [];
    for (const each of asked) {
      try {
        await engine.begin(each);
        refused.push(false);
      } catch (error) { refused.push(error instanceof Error); }
    }
    const { settings: now, choices: { defaults } } = engine;
    process.stdout.write(JSON.stringify({ refused, settings: now, defaults }));
    """
    found = node.run(body, {})
    assert found["refused"] == [True] * 20
    # The default has two layers, and these networks have one.
    assert found["settings"] == found["defaults"] | {"layers": found["settings"]["layers"]}


def test_a_page_with_one_network_loads_nothing():
    page = static_page.page(((2,),), ("relu",), ("sgd",))
    assert "default-src 'none'" in page
    assert not re.search(r"""(?:src|href)=|url\(|@import""", page)
    assert '"units":[2],"activation":"relu","optimizer":"sgd"' in page


def test_the_command_writes_the_page_whole(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(static_page, "page", lambda: "<!doctype html>")
    path = tmp_path / "play.html"
    assert cli.main(["play", "--page", str(path)]) == 0
    assert path.read_text() == "<!doctype html>"
    assert "15 bytes" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["t.csv"], "leave out TABLE"), ([], "none"), (["--target", "y"], "leave out --target")],
)
def test_a_page_that_cannot_be_written_is_one_line(
    tmp_path, monkeypatch, capsys, arguments, message
):
    monkeypatch.chdir(tmp_path)
    place = "none/x.html" if not arguments else "x.html"
    assert cli.main(["play", "--page", place, *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


# --- in a browser ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "play.html"
    path.write_text(static_page.page(((4,), (8,), (4, 4)), ("tanh", "relu"), ("adam",)), "utf-8")
    return path


@pytest.fixture
def opened(chromium, written):
    """Return what opens the file; it must not complain or ask for anything."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, locale="en")
    complaints = []

    def open_with(fragment=""):
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("request", lambda r: complaints.append(r.url) if r.url[:4] == "http" else None)
        page.goto(written.as_uri() + fragment)
        page.wait_for_selector("body[data-ready]")
        return page

    yield open_with
    context.close()
    assert complaints == []


def settled(page):
    wait(page, "!playground.busy && !playground.playing")
    return page.evaluate("playground.step")


@pytest.mark.full
def test_the_file_trains_goes_back_and_is_found_again_at_its_address(opened):
    page = opened()
    page.click("#play")
    wait(page, "playground.frames >= 8")
    page.click("#play")
    step = settled(page)
    assert step >= 60
    page.click("#back")
    wait(page, f"playground.step === {step - 1}")
    values = "JSON.stringify(Array.from(playground.frame.arrays.values))"
    before = page.evaluate(values)
    again = opened("#" + page.url.partition("#")[2])
    wait(again, f"playground.step === {step - 1}")
    assert again.evaluate(values) == before


@pytest.mark.full
def test_every_control_of_the_file_is_used_or_grey(opened):
    page = opened()
    for name in ("set", "optimizer"):
        for option in page.eval_on_selector_all(f"#set-{name} option", "x => x.map(o => o.value)"):
            page.select_option(f"#set-{name}", option)
            wait(page, f"document.getElementById('set-{name}').value === {option!r}")
            page.click("#step")
            assert settled(page) == 1
            assert page.inner_text("#notice") == ""
            page.click("#reset")
            settled(page)
    for name, value in {
        "rows": "120",
        "noise": "0.3",
        "test": "0",
        "seed": "7",
        "lr": "0.1",
    }.items():
        page.fill(f"#set-{name}", value)
        page.press(f"#set-{name}", "Enter")
        wait(page, f"playground.settings['{name}'] === {value}")
        assert page.inner_text("#notice") == ""
    page.click("[data-more='1']")
    wait(page, "playground.settings.layers.length === 2")
    page.click("[data-remove='1']")
    wait(page, "playground.settings.layers.length === 1")
    page.select_option("[data-layer='1']", "relu")
    wait(page, "playground.settings.layers[0].activation === 'relu'")
    page.click("#pin")
    page.wait_for_selector("#pinned")
    assert page.is_hidden("#tour")
    assert page.evaluate("getComputedStyle(document.getElementById('set-dropout')).opacity") < "1"
    for grey in (
        "#code",
        "#weights",
        "#tour-button",
        "#tab-graph",
        "#tab-source",
        "#set-loss",
        "#set-dropout",
    ):
        assert page.is_disabled(grey), grey
    page.click("#net .unit >> nth=3")
    assert page.is_disabled("#check")
    assert "adjoint play" in page.inner_text("#passes")
    for key in ("g", "s", "1", "]", "["):
        page.press("#reset", key)
    assert page.evaluate("[playground.tab, playground.scale]") == ["network", "batch"]
    page.fill("#set-lr", "-1")
    page.press("#set-lr", "Enter")
    wait(page, "playground.notice.includes('lr: expected')")
    page.click("#language")
    wait(page, "document.documentElement.lang === 'zh-CN'")
    assert "Python" in page.inner_text("#built")


@pytest.mark.full
@pytest.mark.parametrize(
    "fragment",
    [
        "#settings=%7B%22data%22%3A%22%3Cb%3E%22%7D&step=3",
        "#settings=null&step=1",
        "#settings=%7B%22layers%22%3A%5B%7B%22units%22%3A1e9%7D%5D%7D&step=2",
        "#step=1e99",
        "#settings=%7B%22__proto__%22%3A1%7D&step=-1",
    ],
)
def test_a_hostile_address_of_the_file_is_refused_or_ignored(opened, fragment):
    page = opened(fragment)
    page.click("#step")
    assert settled(page) >= 1
