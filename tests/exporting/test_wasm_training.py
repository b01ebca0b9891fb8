"""Trainings as WebAssembly: the weights are those of native code, and what cannot be is named."""

import json
import shutil
import subprocess

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import adjoint as ad
from adjoint import nn
from adjoint.exporting.refusal import ExportError
from adjoint.exporting.wasm.training import training_of

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
X, Y = ad.datasets.make_moons(110, noise=0.1, seed=0)
F64, F32 = np.float64, np.float32


def with_state(dtype):
    first = nn.Linear(2, 20, dtype=dtype, rng=0)
    parts = nn.BatchNorm(20, dtype=dtype), nn.ReLU(), nn.Dropout(0.2, rng=0)
    return nn.Sequential(first, *parts, nn.Linear(20, 2, dtype=dtype, rng=1))


def rate(lr):
    return lambda params: ad.optim.SGD(params, lr=lr)


TRAININGS = {
    "small": (lambda: nn.MLP(2, 3, 2, activation="tanh", dtype=F64, rng=0), rate(0.05)),
    "article": (lambda: nn.MLP(2, 4, 4, 2, activation="sigmoid", dtype=F64, rng=0), rate(0.05)),
    "gelu": (lambda: nn.MLP(2, 30, 2, activation="gelu", dtype=F64, rng=0), "adam"),
    "narrow": (lambda: nn.MLP(2, 40, 2, activation="tanh", dtype=F32, rng=0), "adamw"),
    "state": (lambda: with_state(F64), "rmsprop"),
}


def task(name="small", data=(X, Y), **options):
    model, optimizer = TRAININGS[name]
    options = {"loss": "cross_entropy", "optimizer": optimizer, "batch_size": 50, **options}
    return ad.TrainingTask(model(), data, **options)


SCRIPT = """
import { load, selfTest } from "./net.mjs";
const [X, y] = DATA;
const training = await load([X, y], { seed: 7 });
const told = {};
BODY
process.stdout.write(JSON.stringify(told));
"""


def in_node(folder, body):
    data = json.dumps([X.ravel().tolist(), Y.tolist()])
    (folder / "run.mjs").write_text(SCRIPT.replace("DATA", data).replace("BODY", body))
    done = subprocess.run(["node", "run.mjs"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with one training, which is exported once."""
    found = tmp_path_factory.mktemp("training")
    assert ad.export(task(seed=3), found / "net.wasm").tested == "golden vectors, node: ok"
    return found


@pytest.mark.full
@needs_node
@pytest.mark.parametrize("name", TRAININGS)
def test_the_first_epochs_are_native_codes_to_the_last_bit(name, tmp_path):
    # A module whose bits differ is refused when it is written.
    assert ad.export(task(name), tmp_path / "net.wasm").tested.endswith("node: ok")
    text = (tmp_path / "net.mjs").read_text()
    assert "Object.is(a, b)" in text


@needs_node
def test_a_seed_has_all_its_bits_in_node(tmp_path):
    done = ad.export(task(seed=np.random.default_rng(0)), tmp_path / "net.wasm")
    assert done.tested == "golden vectors, node: ok"


@needs_node
def test_a_training_in_node_is_that_of_fit(folder):
    model = TRAININGS["small"][0]()
    first = [parameter.data.ravel().tolist() for parameter in model.parameters()]
    history = ad.fit(
        model, (X, Y), loss="cross_entropy", optimizer=rate(0.05), epochs=40, batch_size=50, seed=7
    )
    body = """
told.losses = training.run(25);
told.epoch = training.epoch;
training.advance(26, 2);
told.step = training.step;
told.losses.push(...training.run(15));
told.weights = Object.values(training.parameters()).map((array) => Array.from(array));
told.paths = Object.keys(training.parameters());
told.predictions = Array.from(training.predict(X));
training.reset();
told.again = training.run(40);
training.reset(8);
told.other = training.run(40);
training.reset(7);
training.settings.lr = 0;
training.run(1);
told.still = Object.values(training.parameters()).map((array) => Array.from(array));
"""
    told = in_node(folder, body)
    assert (told["epoch"], told["step"]) == (25, 2)
    np.testing.assert_allclose(told["losses"], history.loss, rtol=1e-11)
    for found, parameter in zip(told["weights"], model.parameters(), strict=True):
        np.testing.assert_allclose(found, parameter.data.ravel(), rtol=1e-10, atol=1e-12)
    assert told["paths"] == [path for path, _ in model.named_parameters()]
    np.testing.assert_allclose(told["predictions"], model(X).data.ravel(), rtol=1e-9, atol=1e-10)
    assert told["again"] == told["losses"]
    assert told["other"] != told["losses"]
    assert told["still"] == first


@needs_node
def test_rows_that_do_not_fit_are_errors(folder):
    body = """
const attempts = {
  few: () => load([X.slice(0, 110), y.slice(0, 55)]),
  uneven: () => load([X, y.slice(1)]),
  one: () => load([X]),
  none: () => load([[], []]),
  odd: () => training.predict([1, 2, 3]),
  nested: () => training.predict([[1, 2], [3, 4]]),
  half: () => training.run(0.5),
  strange: () => { training.settings.rate = 1; },
};
for (const [name, attempt] of Object.entries(attempts)) {
  try { await attempt(); } catch (error) { told[name] = error.message; }
}
training.settings.lr = NaN;
try { training.run(50); } catch (error) { told.wild = error.message; }
"""
    told = in_node(folder, body)
    assert "made for 10" in told["few"]
    assert "expected as many in each" in told["uneven"]
    assert "expected 2 arrays" in told["one"]
    assert "expected as many in each" in told["none"]
    assert "expected a multiple of 2" in told["odd"]
    assert "expected numbers, row after row" in told["nested"]
    assert "expected a whole number" in told["half"]
    assert "rate" in told["strange"]
    assert "the training ended" in told["wild"]


@pytest.mark.full
def test_the_model_is_left_as_it_was():
    made = task("state")
    model = made.task.model
    before = [tensor.data.copy() for tensor in model.parameters()]
    model.eval()
    training_of(made)
    assert not model.training
    assert all(map(np.array_equal, before, [tensor.data for tensor in model.parameters()]))
    assert made.task.optimizer.steps == 0


@pytest.mark.full
def test_a_module_has_rows_of_any_number_with_the_same_rest():
    made = training_of(task(data=(X[:60], Y[:60])))
    assert (made.batch, made.tail) == (50, 10)
    assert training_of(task(data=(X[:100], Y[:100]))).tail == 0


class Strange(nn.Module):
    def __init__(self):
        self.weight = nn.Parameter(np.eye(2))

    def forward(self, x):
        return x @ np.linalg.inv(self.weight + 1.0 * np.eye(2))


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: ad.TrainingTask(Strange(), (X, Y), loss="cross_entropy"), "no native code"),
    ],
)
def test_what_cannot_be_carried_is_named_and_nothing_is_written(make, told, tmp_path):
    with pytest.raises(ExportError, match=told):
        ad.export(make(), tmp_path / "net.wasm")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".py", ".onnx"])
def test_other_targets_have_no_trainings(suffix, tmp_path):
    with pytest.raises(ExportError, match="has no trainings"):
        ad.export(task(), tmp_path / f"net{suffix}")


@pytest.mark.parametrize(("examples", "dtype"), [([X], None), ([], "float32")])
def test_a_training_has_rows_and_a_dtype_of_its_own(examples, dtype, tmp_path):
    with pytest.raises(ExportError, match="expected neither examples nor dtype"):
        ad.export(task(), tmp_path / "net.wasm", *examples, dtype=dtype)
    assert not list(tmp_path.iterdir())


def test_a_stream_is_refused():
    with pytest.raises(TypeError, match="got a stream"):
        ad.TrainingTask(nn.MLP(2, 3, 2, rng=0), [(X, Y)], loss="cross_entropy")


@needs_node
def test_reproducible_weights_have_the_bits_that_fit_gives(tmp_path):
    ad.export(task(seed=7, reproducible=True), tmp_path / "net.wasm")
    model = TRAININGS["small"][0]()
    options = {"loss": "cross_entropy", "optimizer": rate(0.05), "batch_size": 50, "seed": 7}
    history = ad.fit(model, (X, Y), epochs=30, reproducible=True, progress=False, **options)
    body = """
told.losses = training.run(30);
told.weights = Object.values(training.parameters()).map((array) => Array.from(array));
"""
    told = in_node(tmp_path, body)
    assert told["losses"] == history.loss
    assert told["weights"] == [p.data.ravel().tolist() for p in model.parameters()]
