"""Layers with norms and dropout of their own, losses that read targets in another form, exports."""

import io
import json
import zipfile

import numpy as np
import pytest

import adjoint as ad
from adjoint.playground import derivations, exports, fields, requests
from adjoint.playground.frame import unpack
from adjoint.playground.session import Brought, Session
from adjoint.playground.settings import read
from adjoint.playground.setup import setup_of
from adjoint.playground.values import SettingsError
from sampled import for_full

SMALL = {"rows": 40, "layers": [{"units": 2, "activation": "tanh"}], "batch_size": 7}


def layer(**own):
    return {"units": 2, "activation": "tanh", **own}


def session(**settings):
    return Session(Brought(read(SMALL | settings)))


def kinds(**settings):
    return [
        type(each).__name__ for each in setup_of(read(SMALL | settings), None).make_model().layers
    ]


def ask(one, name, **given):
    return unpack(requests.answer(one, json.dumps({"do": name, "id": 1, **given}))[8:])


def test_a_layer_has_its_own_norm_and_dropout_or_those_of_all():
    layers = [layer(), layer(norm="layer", dropout=0.5), layer(norm="none", dropout=0)]
    assert kinds(layers=layers, norm="batch", dropout=0.1, batch_size=6) == [
        "Linear", "BatchNorm", "Tanh", "Dropout",
        "Linear", "LayerNorm", "Tanh", "Dropout",
        "Linear", "Tanh", "Linear",
    ]  # fmt: skip
    model = setup_of(read(SMALL | {"layers": layers, "dropout": 0.1}), None).make_model()
    assert [each.p for each in model.layers if isinstance(each, ad.nn.Dropout)] == [0.1, 0.5]


@pytest.mark.parametrize("own", [{"norm": "exec"}, {"dropout": 1}, {"dropout": "0"}, {"p": 0.1}])
def test_nonsense_of_a_layer_is_refused(own):
    with pytest.raises(SettingsError):
        read({"layers": [layer(**own)]})


def test_the_batch_norm_of_one_layer_needs_two_rows_too():
    with pytest.raises(SettingsError, match="two rows in every batch"):
        session(layers=[layer(norm="batch")], rows=41, test=0, batch_size=10)


def test_single_precision_is_that_of_all_parameters_and_of_the_check():
    one = session(dtype="float32", layers=[layer(norm="batch")], batch_size=7)
    model = one.steps.model
    assert {p.dtype for p in model.parameters()} == {np.dtype("float32")}
    one.steps.take(5)
    before = [p.data for p in model.parameters()]
    for name, parameter in model.named_parameters():
        found = derivations.check(one.steps, name, parameter.size - 1)
        assert found["difference"] < found["bound"]
    assert all(now.data is then for now, then in zip(model.parameters(), before, strict=True))


def test_a_wrong_gradient_in_single_precision_is_seen(monkeypatch):
    one = session(dtype="float32")
    found = {n: 1.1 * g for n, g in derivations.gradients(one.steps).items()}
    monkeypatch.setattr(derivations, "gradients", lambda steps: found)
    checked = derivations.check(one.steps, "layers[2].bias", 0)
    assert checked["difference"] > checked["bound"]


@pytest.mark.parametrize("loss", ["kl_divergence", "cosine_loss"])
def test_classes_have_a_column_each_and_are_counted_right(loss):
    one = session(data="rays", classes=3, loss=loss)
    X, y = one.steps.setup.problem.train
    smooth = 0.1 if loss == "kl_divergence" else 0.0
    known = one.steps.setup.problem.rows.y[: len(y)]
    np.testing.assert_allclose(y, (1 - smooth) * np.eye(3)[known] + smooth / 3)
    header, _ = ask(one, "open")
    with ad.no_grad():
        guess = one.steps.model(X).data.argmax(axis=1)
    assert header["train"]["quality"] == np.mean(guess == known)


def test_counts_are_predicted_by_their_logarithm():
    one = session(data="counts", loss="poisson_loss")
    problem = one.steps.setup.problem
    assert (problem.y == problem.rows.y[:, None]).all()
    points = np.array([[0.5, -0.5]])
    with ad.no_grad():
        expected = np.exp(one.steps.model(points).data)
    found = fields.numbers(fields.predict(one.steps.model, problem, points), problem)
    np.testing.assert_allclose(found, expected)
    with pytest.raises(SettingsError, match="is for counts, and y is below 0"):
        session(data="hills", loss="poisson_loss")


def test_the_file_of_numpy_says_what_the_model_says(tmp_path):
    one = session(features=["x1", "product"])
    one.steps.take(5)
    header, arrays = ask(one, "export", target="py")
    assert header["name"] == "model.py"
    scope = {"__name__": "model"}
    exec(arrays["file"].tobytes().decode(), scope)
    X = one.steps.setup.problem.train[0]
    with ad.no_grad():
        np.testing.assert_allclose(scope["model"](X), one.steps.model(X).data, rtol=1e-12)


@pytest.mark.parametrize(
    ("target", "names"),
    [
        *for_full(
            [("c", {"model.c", "model.h"}), ("wasm", {"model.wasm", "model.mjs", "model.d.mts"})]
        )
    ],
)
def test_several_files_are_one_archive(target, names):
    name, content = exports.exported(session().steps, target)
    assert name == f"model-{target}.zip"
    assert set(zipfile.ZipFile(io.BytesIO(content)).namelist()) == names


@pytest.mark.parametrize("target", [None, "exe", "../x", 5])
def test_there_are_no_other_targets(target):
    header, _ = ask(session(), "export", target=target)
    assert header["what"] == "error"
