"""A session answers what a page asks, and a page that asks nonsense changes nothing."""

import json
import struct

import numpy as np
import pytest

import adjoint as ad
from adjoint.playground import fields, readings, requests
from adjoint.playground import session as session_module
from adjoint.playground import steps as steps_module
from adjoint.playground.features import FEATURES
from adjoint.playground.frame import pack, unpack
from adjoint.playground.launch import bring_model
from adjoint.playground.qualities import MOST
from adjoint.playground.session import Brought, Session
from adjoint.playground.sessions import MOST_SESSIONS, PATIENCE, Sessions
from adjoint.playground.settings import (
    MOST_CLASSES,
    MOST_LAYERS,
    MOST_UNITS,
    Settings,
    read,
)
from adjoint.playground.values import SettingsError

SMALL = {"rows": 40, "layers": [{"units": 3, "activation": "relu"}], "seed": 1}


@pytest.fixture
def session():
    return Session(Brought(read(SMALL)))


def ask(session, do, **given):
    """Return header and arrays of the answer."""
    answer = requests.answer(session, json.dumps({"id": 5, "do": do, **given}))
    assert struct.unpack("<Q", answer[:8]) == (5,)
    return unpack(answer[8:])


def text_of(answer):
    return unpack(answer[8:])[0]


def test_the_largest_network_of_the_page_has_all_its_numbers():
    layers = [{"units": MOST_UNITS, "activation": "relu"}] * MOST_LAYERS
    given = {"data": "wheel", "classes": MOST_CLASSES, "layers": layers, "features": list(FEATURES)}
    _, arrays = unpack(Session(Brought(read({**given, "norm": "batch"}))).frame())
    assert len(arrays["values"]) == len(arrays["gradients"]) > 5_000


def test_a_frame_is_read_in_one_thread_of_blas(session, monkeypatch):
    threadpoolctl = pytest.importorskip("threadpoolctl")
    seen, score = [], readings.score

    def watched(*given):
        pools = threadpoolctl.threadpool_info()
        seen.extend(pool["num_threads"] for pool in pools if pool["user_api"] == "blas")
        return score(*given)

    monkeypatch.setattr(readings, "score", watched)
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        session.frame()
    assert set(seen) == {1}


def test_a_line_reads_values_and_no_functions():
    rng = np.random.default_rng(0)
    model = ad.nn.Sequential(ad.nn.Conv2d(1, 2, 3, rng=0), ad.nn.Flatten(), ad.nn.Linear(18, 3))
    rows = rng.normal(size=(8, 1, 5, 5)), np.arange(8) % 3
    session = Session(bring_model(model, *rows, "cross_entropy", "adam", 8, 0, None))
    header, _ = ask(session, "derive")
    given = {each["name"] for each in header["given"]} | {each["name"] for each in header["steps"]}
    assert {name for step in header["steps"] for name in step["reads"]} <= given


# --- what is shown --------------------------------------------------------------------------------


def test_the_opening_has_rows_layers_and_parameters(session):
    header, arrays = ask(session, "open")
    assert header["labels"] == ["0", "1"]
    assert arrays["points"].shape == (40, 2)
    assert [layer["kind"] for layer in header["layers"]] == ["Linear", "ReLU", "Linear"]
    values = np.concatenate([p.data.ravel() for p in session.steps.model.parameters()])
    np.testing.assert_array_equal(arrays["values"], values.astype(np.float32))


def test_the_field_is_what_the_model_says_at_its_points(session):
    _, arrays = ask(session, "look")
    points = session.plane.points(64)
    with ad.no_grad():
        outputs = session.steps.model(points).data
    yes = np.exp(outputs[:, 1]) / np.exp(outputs).sum(axis=1)
    assert arrays["field"].shape == (1, 64, 64)
    np.testing.assert_allclose(arrays["field"].ravel(), 255 * yes, atol=0.51)
    assert points[0, 1] > points[-1, 1]  # the top row is where the second column is greatest


def test_units_are_pictures_of_what_they_give(session):
    header, arrays = ask(session, "open")
    layers = session.steps.model.layers
    with ad.no_grad():
        outputs = layers[1](layers[0](session.plane.points(24))).data
    most = header["units"]["0"]
    assert most == np.abs(outputs).max()
    shown = (arrays["units 0"].reshape(3, -1).T / 255 - 0.5) * 2 * most
    np.testing.assert_allclose(shown, outputs, atol=most / 200)


def test_gradients_are_those_of_the_batch_to_come(session):
    _, arrays = ask(session, "open")
    X, y = session.steps.batch()
    model = session.steps.model
    ad.nn.functional.cross_entropy(model(X), y).backward()
    flat = np.concatenate([p.grad.data.ravel() for p in model.parameters()])
    np.testing.assert_allclose(arrays["gradients"], flat, rtol=1e-6)


def test_scores_are_loss_and_share_of_right_rows(session):
    header, _ = ask(session, "take", until=30, milliseconds=100)
    X, y = session.steps.setup.problem.train
    with ad.no_grad():
        outputs = session.steps.model(X)
        loss = float(ad.nn.functional.cross_entropy(outputs, y).data)
    assert header["train"]["loss"] == loss
    assert header["train"]["quality"] == np.mean(outputs.data.argmax(axis=1) == y)
    assert np.sum(header["train"]["confusion"]) == len(y)


def test_the_curve_is_the_history_and_of_many_epochs_some(session):
    session.take(3000, 0.1)
    while session.steps.taken < 3000:
        session.take(3000, 0.1)
    history = session.steps.history
    _, arrays = unpack(session.frame())
    assert len(history) > 240 >= len(arrays["curve"])
    assert arrays["curve"][0].tolist() == pytest.approx(
        [1, history.loss[0], history["val_loss"][0]]
    )
    assert arrays["curve"][-1, 0] == len(history)


def test_the_curve_of_accuracy_is_what_pictures_showed_and_is_cut_on_the_way_back(session):
    seen = []
    for until in (0, 3, 5, 9):
        session.steps.take(until - session.steps.taken)
        header, arrays = ask(session, "take", until=until)
        each = session.steps.task.steps
        seen.append([until / each, header["train"]["quality"], header["test"]["quality"]])
    np.testing.assert_allclose(arrays["quality"], seen, rtol=1e-6)
    _, arrays = ask(session, "back", to=5)
    np.testing.assert_allclose(arrays["quality"], seen[:3], rtol=1e-6)
    for _ in range(1200):
        session.qualities.note(session.steps, *[readings.Score(0.0, 0.5, [])] * 2)
        session.steps.take(1)
    assert len(session.qualities.rows()) <= MOST


def test_a_probe_follows_one_point_through_the_layers(session):
    header, _ = ask(session, "look", probe=[0.5, -0.25])
    probe, layers = header["probe"], session.steps.model.layers
    with ad.no_grad():
        hidden = layers[1](layers[0](np.array([[0.5, -0.25]]))).data[0]
        output = layers[2](hidden).data
    assert probe["hidden"]["0"] == pytest.approx(hidden.tolist(), abs=1e-15)
    assert probe["outputs"] == pytest.approx(output.tolist(), abs=1e-15)
    assert sum(probe["answer"]) == pytest.approx(1)


def test_units_without_slope_are_dead_and_flat_ones_saturated():
    settings = read({"rows": 40, "layers": [{"units": 2, "activation": "relu"}] * 2})
    session = Session(Brought(settings))
    first, _, _second, *_ = session.steps.model.layers
    first.bias.data = np.array([-1e3, 1e3])
    assert readings.idle_units(session.steps)[0] == ["dead", ""]
    tanh = Session(Brought(read({"rows": 40, "layers": [{"units": 2, "activation": "tanh"}]})))
    tanh.steps.model.layers[0].bias.data = np.array([9.0, 0.0])
    assert readings.idle_units(tanh.steps)[0] == ["saturated", ""]


def test_the_derivation_is_that_of_explain(session):
    header, _ = ask(session, "derive", lang="en")
    X, y = session.steps.batch()
    expected = ad.explain(session.steps.model, X, y, loss="cross_entropy")
    assert [step["source"] for step in header["steps"]] == [step.source for step in expected]
    for step, other in zip(header["steps"], expected, strict=True):
        shown = np.reshape(other.value, (-1, other.value.shape[-1]) if other.value.ndim else (1, 1))
        assert step["values"] == shown[:6, :6].tolist()
    assert header["gradient"]["layers[0].weight"] == "d_W1"
    assert all(box["forward"] or box["backward"] or box["kind"] for box in header["graph"]["boxes"])


class Marked(ad.nn.Module):
    """A model with a parameter that has the name of another one's gradient."""

    def __init__(self):
        self.w, self.d_w = ad.nn.Parameter(np.ones((2, 3))), ad.nn.Parameter(np.ones((3, 2)))

    def forward(self, x):
        return (x @ self.w).tanh() @ self.d_w


def test_every_gradient_has_its_line_whatever_a_parameter_is_called():
    X, y = ad.datasets.make_moons(20)
    session = Session(bring_model(Marked(), X, y, "cross_entropy", "adam", 8, 0, None))
    header, _ = ask(session, "derive")
    lines = {step["name"]: step for step in header["steps"]}
    expected = readings.gradients(session.steps)
    assert header["gradient"].keys() == expected.keys()
    for path, name in header["gradient"].items():
        np.testing.assert_allclose(lines[name]["values"], expected[path], rtol=1e-12)


def test_the_derivation_speaks_chinese(session):
    header, _ = ask(session, "derive", lang="zh")
    assert "推导" in header["title"]


def test_a_check_compares_differences_with_the_engine(session):
    before = session.steps.model.layers[0].weight.data
    header, _ = ask(session, "check", name="layers[0].weight", index=4)
    assert header["place"] == [1, 1]
    assert header["engine"] == pytest.approx(header["numeric"], rel=1e-8)
    assert session.steps.model.layers[0].weight.data is before


def test_a_check_leaves_out_the_same_units_each_time():
    session = Session(Brought(read(SMALL | {"dropout": 0.5})))
    ask(session, "take", until=3, milliseconds=100)
    header, _ = ask(session, "check", name="layers[0].weight", index=0)
    assert header["engine"] == pytest.approx(header["numeric"], rel=1e-6, abs=1e-12)


def test_the_update_rule_is_that_of_the_optimiser(session):
    header, _ = ask(session, "update", name="layers[2].bias")
    assert header["short"] == "b2"
    assert header["lines"][-1].startswith("b2_new = b2 - ")


class Named(ad.nn.Module):
    """A model whose parameters have names that begin alike."""

    def __init__(self):
        self.w, self.w_out = ad.nn.Parameter(np.ones((2, 3))), ad.nn.Parameter(np.ones((3, 2)))

    def forward(self, x):
        return (x @ self.w).tanh() @ self.w_out


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "lion"])
def test_an_update_rule_alone_computes_the_next_value(optimizer):
    X, y = ad.datasets.make_moons(20)
    session = Session(bring_model(Named(), X, y, "cross_entropy", optimizer, 8, 0, None))
    session.steps.take(4)
    lines = {name: ask(session, "update", name=name)[0]["lines"] for name in ("w", "w_out")}
    assert not any("w_out" in line for line in lines["w"])
    named = dict(session.steps.model.named_parameters())
    found = readings.gradients(session.steps)
    given = {"np": np, "memory": session.steps.task.optimizer.memory}
    given |= session.steps.task.optimizer.settings_now(0)
    for name, parameter in named.items():
        given |= {name: parameter.data, f"d_{name}": found[name]}
        exec("\n".join(lines[name]), given)
    session.steps.take(1)
    for (name, parameter), memory in zip(
        named.items(), session.steps.task.optimizer.memory, strict=True
    ):
        np.testing.assert_allclose(given[f"{name}_new"], parameter.data, rtol=1e-12)
        for key, value in memory.items():
            np.testing.assert_allclose(given[f"{name}_{key}_new"], value, rtol=1e-12)


def test_the_weights_are_a_file_that_adjoint_reads(session, tmp_path):
    session.take(20, 0.1)
    _, arrays = ask(session, "weights")
    (tmp_path / "model.safetensors").write_bytes(arrays["file"].tobytes())
    other = session.steps.setup.make_model()
    ad.load_weights(other, tmp_path / "model.safetensors")
    for name, array in session.steps.model.state_dict().items():
        np.testing.assert_array_equal(other.state_dict()[name], array)


# --- pace -----------------------------------------------------------------------------------------


def test_it_stops_at_an_epoch():
    session = Session(Brought(read(SMALL | {"stop_epoch": 3})))
    for _ in range(5):
        session.take(10**9, 0.1)
    assert (session.steps.epoch, session.steps.position().step, session.stopped) == (3, 0, "epoch")


def test_it_stops_where_the_epochs_run_out(monkeypatch):
    monkeypatch.setattr(session_module, "MOST_EPOCHS", 2)
    monkeypatch.setattr(steps_module, "MOST_EPOCHS", 2)
    session = Session(Brought(read(SMALL)))
    for _ in range(4):
        session.take(10**9, 0.1)
    assert (session.steps.epoch, session.stopped) == (2, "epoch")


@pytest.mark.parametrize("seconds", [0.001, 0.1])
def test_it_stops_at_the_first_epoch_with_so_low_a_loss_at_any_pace(seconds):
    session = Session(Brought(read(SMALL | {"stop_loss": 0.5, "lr": 0.05})))
    while not session.stopped:
        session.take(10**6, seconds)
    losses = session.steps.history.loss
    assert losses[-1] <= 0.5 < min(losses[:-1])


def test_settings_of_another_kind_begin_anew_and_wrong_ones_change_nothing(session):
    header, _ = ask(session, "begin", settings={"data": "hills", "loss": "mse_loss"})
    assert (header["what"], header["labels"]) == ("opening", [])
    before = session.steps
    header, _ = ask(session, "begin", settings={"data": "hills", "loss": "cross_entropy"})
    assert header["error"] == "loss: cross_entropy is for classes, and y is a number"
    assert session.steps is before


# --- other models and rows ------------------------------------------------------------------------


def test_a_convolution_has_no_plane_and_is_trained():
    rng = np.random.default_rng(0)
    model = ad.nn.Sequential(
        ad.nn.Conv2d(1, 2, 3, rng=0), ad.nn.Flatten(), ad.nn.Linear(18, 3, rng=1)
    )
    brought = bring_model(
        model, rng.normal(size=(20, 1, 5, 5)), np.arange(20) % 3, "cross_entropy", "sgd", 8, 0, None
    )
    session = Session(brought)
    header, arrays = ask(session, "open")
    assert "field" not in arrays
    assert header["layers"][0]["kind"] == "Conv2d"
    header, _ = ask(session, "take", until=4, milliseconds=100)
    assert header["what"] == "frame"
    assert ask(session, "derive")[0]["what"] == "derivation"


def test_two_of_seven_columns_are_axes_and_others_are_held():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 7))
    model = ad.nn.MLP(7, 3, 1, rng=0)
    session = Session(bring_model(model, X, X[:, :1], "mse_loss", "adam", 8, 0, None))
    held = [0.5] * 7
    header, arrays = ask(session, "look", axes=[6, 2], held=held, opening=True)
    assert (header["axes"], header["width"]) == ([6, 2], 7)
    np.testing.assert_allclose(arrays["points"], X[:, [6, 2]], rtol=1e-6)
    points = session.plane.points(64)
    assert (points[:, [0, 1, 3, 4, 5]] == 0.5).all()
    with ad.no_grad():
        outputs = model(points).data[:, 0]
    low, high = fields.target_range(session.steps.setup.problem)
    expected = 255 * np.clip((outputs - low) / (high - low), 0, 1)
    np.testing.assert_allclose(arrays["field"].ravel(), expected, atol=0.51)


def test_one_column_is_shown_as_a_line():
    X = np.linspace(-1, 1, 30)[:, None]
    model = ad.nn.MLP(1, 3, 1, rng=0)
    _, arrays = ask(Session(bring_model(model, X, X**2, "mse_loss", "adam", 8, 0, None)), "open")
    assert arrays["line"].shape == (96, 1)


class Row(ad.nn.Module):
    """A model whose answer for each row is one number, without a column."""

    def __init__(self):
        self.weight = ad.nn.Parameter(np.ones(2))

    def forward(self, x):
        return x @ self.weight


@pytest.mark.parametrize(
    ("model", "y", "loss", "classes"),
    [
        (ad.nn.Linear(2, 5, rng=0), np.arange(20) % 2, "cross_entropy", 5),
        (ad.nn.Linear(2, 2, rng=0), np.zeros(20, int), "cross_entropy", 2),
        (ad.nn.Linear(2, 2, rng=0), np.arange(20) % 2 == 0, "cross_entropy", 2),
        (ad.nn.Linear(2, 1, rng=0), np.arange(20)[:, None] % 2, "binary_cross_entropy", 2),
        (Row(), 2.0 * (np.arange(20) % 2) - 1, "hinge_loss", 2),
        (Row(), np.arange(20) % 2, "binary_cross_entropy", 2),
        (Row(), np.arange(20), "mse_loss", 0),
        (ad.nn.Linear(2, 3, rng=0), np.eye(3)[np.arange(20) % 3], "cross_entropy", 0),
        (ad.nn.Linear(2, 3, rng=0), np.eye(3)[np.arange(20) % 3], "binary_cross_entropy", 0),
    ],
)
def test_classes_are_what_the_model_tells_apart(model, y, loss, classes):
    X = np.random.default_rng(0).normal(size=(20, 2))
    session = Session(bring_model(model, X, y, loss, "adam", 8, 0, None))
    header, _ = ask(session, "open")
    assert (header["what"], len(header["labels"])) == ("opening", classes)
    header, arrays = ask(session, "look", probe=[0.5, 0.5])
    assert len(header["probe"]["answer"]) == (classes or 1)
    assert len(arrays["field"]) == (classes if classes > 2 else 1)
    with ad.no_grad():
        outputs = np.asarray(session.steps.model(X).data)
    if classes:
        are_many = outputs.ndim == 2 and outputs.shape[1] > 1
        right = outputs.argmax(axis=1) == y if are_many else (outputs > 0) == (y > 0)
        assert header["train"]["quality"] == np.mean(right)
        assert np.sum(header["train"]["confusion"]) == 20
    elif loss == "mse_loss":
        expected = 1 - np.mean((outputs - y) ** 2) / np.var(y)
        assert header["train"]["quality"] == pytest.approx(expected)
    else:
        assert header["train"]["quality"] == "nan"


def own_loss(prediction, target):
    return ((prediction - target) ** 4).mean()


def test_a_loss_of_the_users_is_trained_with_and_begun_anew():
    X = np.random.default_rng(0).normal(size=(20, 2))
    model = ad.nn.MLP(2, 3, 1, rng=0)
    session = Session(bring_model(model, X, X[:, :1], own_loss, "adam", 8, 0, None))
    assert ask(session, "take", until=4, milliseconds=100)[0]["what"] == "frame"
    assert "loss=loss," in session.program()
    settings = {**session.settings.as_json(), "seed": 9}
    header, _ = ask(session, "begin", settings=settings)
    assert (header["what"], header["settings"]["seed"], header["step"]) == ("opening", 9, 0)


def test_the_users_model_is_left_alone():
    X, y = ad.datasets.make_moons(20)
    model = ad.nn.MLP(2, 3, 2, rng=0)
    before = model.state_dict()
    session = Session(bring_model(model, X, y, "cross_entropy", "adam", 8, 0, None))
    session.take(50, 0.1)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


# --- nonsense -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "message",
    [
        "",
        "null",
        "[]",
        "[" * 100_000,
        '{"do": 1}',
        '{"do": "exec"}',
        '{"do": "take"}',
        '{"do": "take", "until": NaN}',
        '{"do": "take", "until": 1e400}',
        '{"do": "take", "until": -1}',
        '{"do": "take", "until": 5, "milliseconds": 1e9}',
        '{"do": "back", "to": "0"}',
        '{"do": "begin"}',
        '{"do": "begin", "settings": []}',
        '{"do": "begin", "settings": {"__class__": 1}}',
        '{"do": "begin", "settings": {"rows": 1e9}}',
        '{"do": "begin", "settings": {"rows": true}}',
        '{"do": "begin", "settings": {"rows": 20.5}}',
        '{"do": "begin", "settings": {"data": "../../etc/passwd"}}',
        '{"do": "begin", "settings": {"data": "own"}}',
        '{"do": "begin", "settings": {"features": []}}',
        '{"do": "begin", "settings": {"features": ["__import__"]}}',
        '{"do": "begin", "settings": {"layers": [{"units": 99999, "activation": "tanh"}]}}',
        '{"do": "begin", "settings": {"layers": [{"units": 2, "activation": "exec"}]}}',
        '{"do": "begin", "settings": {"layers": [{"units": 2}]}}',
        '{"do": "begin", "settings": {"layers": 7}}',
        '{"do": "begin", "settings": {"options": {"closure": 1}}}',
        '{"do": "begin", "settings": {"options": {"beta1": 7}}}',
        '{"do": "begin", "settings": {"schedule": "step", "schedule_options": {"every": 0}}}',
        '{"do": "begin", "settings": {"rows": 11, "test": 0, "norm": "batch"}}',
        '{"do": "begin", "settings": {"loss": "hinge_loss", "data": "rays"}}',
        '{"do": "look", "axes": [0, 2]}',
        '{"do": "look", "axes": "01"}',
        '{"do": "look", "held": [1]}',
        '{"do": "look", "held": [1, Infinity]}',
        '{"do": "look", "probe": [1]}',
        '{"do": "check", "name": "layers[0].weight", "index": 6}',
        '{"do": "check", "name": "__class__"}',
        '{"do": "update", "name": 5}',
        '{"do": "derive", "lang": "xx"}',
        '{"do": "bring", "text": 5}',
        '{"do": "bring", "text": "a,b"}',
    ],
)
def test_nonsense_is_refused_in_a_sentence(session, message):
    session.look((1, 0), [0.5, 0.5], (0.25, 0.5))

    def state():
        seen = session.plane, session.probe
        return session.steps, session.settings, session.steps.taken, *seen

    before = state()
    header = text_of(requests.answer(session, message))
    assert header["what"] == "error"
    assert 0 < len(header["error"]) < 500
    assert state() == before


@pytest.mark.parametrize("number", ["1" + "0" * 400, "-1" + "0" * 400, "1e999", "NaN"])
def test_a_number_of_any_size_is_refused_with_the_range(session, number):
    header = text_of(requests.answer(session, f'{{"do": "take", "until": {number}}}'))
    assert header["error"].startswith("until: expected a number from 0 to ")


def test_a_message_that_is_too_long_is_not_read(session):
    header = text_of(requests.answer(session, " " * (requests.MOST_MESSAGE + 1)))
    assert header["error"] == "the message is too long"


def test_settings_survive_the_way_through_json():
    settings = read({"layers": [], "options": {"beta1": 0.5}, "schedule": "cosine"})
    assert read(json.loads(json.dumps(settings.as_json()))) == settings
    assert read({}) == Settings()


def test_names_are_said_back_in_part_only():
    with pytest.raises(SettingsError) as raised:
        read({"data": "x" * 100_000})
    assert len(str(raised.value)) < 300


def test_a_frame_comes_back_as_it_was():
    arrays = {
        "a": np.arange(5, dtype=np.uint8),
        "b": np.array([[1.5, np.nan]]),
        "c": np.zeros((0, 3)),
    }
    header, found = unpack(pack({"é": [1, "π"]}, arrays))
    assert header["é"] == [1, "π"]
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].shape == array.shape


# --- many pages -----------------------------------------------------------------------------------


def test_a_reload_finds_its_session_and_a_stranger_gets_another():
    sessions = Sessions(Brought(read(SMALL)))
    name, first = sessions.enter("")
    sessions.leave(name)
    assert sessions.enter(name) == (name, first)
    other, second = sessions.enter("short")
    assert other != "short"
    assert second is not first


def test_a_session_is_let_go_when_nobody_returns():
    now = [0.0]
    sessions = Sessions(Brought(read(SMALL)), clock=lambda: now[0])
    name, first = sessions.enter("")
    now[0] = 10 * PATIENCE
    sessions.enter("")
    assert sessions.enter(name)[1] is first  # its page is still there
    sessions.leave(name)
    sessions.leave(name)
    now[0] += PATIENCE + 1
    assert sessions.enter(name)[1] is not first


def test_there_are_only_so_many_sessions():
    sessions = Sessions(Brought(read(SMALL)))
    for _ in range(MOST_SESSIONS):
        sessions.enter("")
    with pytest.raises(PermissionError, match="pages are open"):
        sessions.enter("")


class Moody(ad.nn.Linear):
    """A layer that fails after a while."""

    calls = 0

    def forward(self, x):
        Moody.calls += 1
        if Moody.calls > 12:
            raise KeyError("out of patience")
        return super().forward(x)


def test_a_model_of_the_users_that_fails_is_said_and_ends_nothing():
    X, y = ad.datasets.make_moons(20)
    Moody.calls = 0
    session = Session(bring_model(Moody(2, 2, rng=0), X, y, "cross_entropy", "adam", 8, 0, None))
    found = [ask(session, "take", until=n, milliseconds=0)[0] for n in range(1, 20)]
    assert found[0]["what"] == "frame"
    assert found[-1] == {"version": 1, "what": "error", "error": "KeyError: 'out of patience'"} | {
        "sections": []
    }


def test_numbers_that_overflow_are_shown_without_a_warning():
    settings = {"data": "hills", "rows": 40, "loss": "mse_loss", "optimizer": "sgd", "lr": 1e5}
    session = Session(Brought(read(settings | {"layers": [{"units": 3, "activation": "relu"}]})))
    for step in range(1, 9):
        header, _ = ask(session, "take", until=step, milliseconds=100)
        assert header["what"] == "frame"
    assert ask(session, "derive")[0]["what"] in ("derivation", "error")
    assert header["diverged"]
