"""Trainings as C99: their bits are those of native code, and what they cannot carry is named."""

import ctypes
import hashlib
import json
import re
import shutil
import subprocess

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import adjoint as ad
from adjoint import nn
from adjoint.exporting.arranged_training import arranged_training
from adjoint.exporting.c_learner import TARGET
from adjoint.exporting.refusal import ExportError
from adjoint.exporting.scheduled import Scheduled
from c_trainings import STRICT, trained_in_c
from emulated import PROCESSORS
from reproduced import SEED, article, digest_of_fit, digits
from sampled import sampled

COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]
needs_compiler = pytest.mark.skipif(not COMPILERS, reason="needs gcc or clang")
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
F64, F32 = np.float64, np.float32
rng = np.random.default_rng(0)
X, Y = ad.datasets.make_moons(110, noise=0.1, seed=0)
TARGETS = rng.normal(size=(110, 3))
IMAGES = rng.normal(size=(36, 1, 6, 6)), rng.integers(3, size=36)
SERIES = rng.normal(size=(36, 4, 3)), rng.normal(size=(36, 2))
CODES = rng.integers(11, size=(36, 5)), rng.integers(2, size=36)


class Last(nn.Module):
    def __init__(self, dtype=F64):
        self.cell = nn.LSTM(3, 4, rng=0, dtype=dtype)
        self.out = nn.Linear(4, 2, rng=1, dtype=dtype)

    def forward(self, x):
        return self.out(self.cell(x)[0][:, -1])


class Mean(nn.Module):
    def __init__(self):
        self.codes, self.out = nn.Embedding(11, 4, rng=0), nn.Linear(4, 2, rng=1)

    def forward(self, x):
        return self.out(self.codes(x).mean(axis=1))


def with_state():
    first = nn.Linear(2, 20, dtype=F64, rng=0)
    parts = nn.BatchNorm(20, dtype=F64), nn.ReLU(), nn.Dropout(0.2, rng=0)
    return nn.Sequential(first, *parts, nn.Linear(20, 2, dtype=F64, rng=1))


def convolutional():
    first = nn.Conv2d(1, 3, 3, rng=0, dtype=F64)
    return nn.Sequential(first, nn.ReLU(), nn.MaxPool(2), nn.Flatten(), nn.Linear(12, 3, rng=1))


def rate(lr, **options):
    return lambda params: ad.optim.SGD(params, lr=lr, **options)


def small(dtype=F64):
    return nn.MLP(2, 3, 2, activation="tanh", dtype=dtype, rng=0)


# By name: a model, its data, what it is trained by, and its loss.
TRAININGS = {
    "small": (small, (X, Y), rate(0.05), "cross_entropy"),
    "state": (with_state, (X, Y), "rmsprop", "cross_entropy"),
    "narrow": (
        lambda: nn.MLP(2, 40, 2, dtype=F32, rng=0),
        (X.astype(F32), Y),
        "adamw",
        "cross_entropy",
    ),
    "gelu": (
        lambda: nn.MLP(2, 30, 3, activation="gelu", dtype=F64, rng=0),
        (X, TARGETS),
        rate(0.1, momentum=0.9),
        "huber_loss",
    ),
    "convolutional": (convolutional, IMAGES, "adam", "cross_entropy"),
    "recurrent": (Last, SERIES, "adam", "mse_loss"),
    "codes": (Mean, CODES, "adagrad", "cross_entropy"),
}


def task(name="small", *, data=None, **options):
    model, own, optimizer, loss = TRAININGS[name]
    options = {"loss": loss, "optimizer": optimizer, "batch_size": 16, **options}
    return ad.TrainingTask(model(), data or own, **options)


def fitted(name, epochs, **options):
    """Return the losses and the weights of `fit`."""
    make, data, optimizer, loss = TRAININGS[name]
    model = make()
    options = {"loss": loss, "optimizer": optimizer, "batch_size": 16, **options}
    history = ad.fit(model, data, epochs=epochs, progress=False, **options)
    return history.loss, np.concatenate([p.data.ravel() for p in model.parameters()])


def _first():
    return next(name for name in ("cc", "gcc", "clang") if shutil.which(name))


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Return a folder with the small training, which is exported once, and what was told."""
    found = tmp_path_factory.mktemp("small")
    return found, ad.export(task(seed=7, reproducible=True), found / "net.c")


@pytest.fixture
def folder(exported, tmp_path):
    """Return a folder of its own with the small training."""
    for name in ("net.c", "net.h"):
        shutil.copy(exported[0] / name, tmp_path)
    return tmp_path


@needs_compiler
@pytest.mark.parametrize("name", sampled(sorted(TRAININGS, key="gelu".__ne__), 9))
@pytest.mark.parametrize("compiler", sampled(COMPILERS, 2))
def test_a_reproducible_training_has_the_bits_of_fit(name, compiler, tmp_path):
    made = task(name, seed=7, reproducible=True)
    assert ad.export(made, tmp_path / "net.c").tested == f"golden vectors, {_first()}: ok"
    losses, numbers = trained_in_c(
        tmp_path, made.task.data, 5, 7, next(made.task.model.parameters()).dtype, compiler
    )
    expected, weights = fitted(name, 5, seed=7, reproducible=True)
    assert losses == expected
    np.testing.assert_array_equal(numbers[: weights.size], weights)


@pytest.mark.full
@needs_compiler
@pytest.mark.parametrize("name", TRAININGS)
def test_a_training_is_that_of_fit_up_to_rounding(name, tmp_path):
    made = task(name, seed=7)
    ad.export(made, tmp_path / "net.c")
    dtype = next(made.task.model.parameters()).dtype
    losses, _ = trained_in_c(tmp_path, made.task.data, 5, 7, dtype)
    expected, _ = fitted(name, 5, seed=7)
    np.testing.assert_allclose(losses, expected, rtol=1e-3 if dtype == F32 else 1e-8)


SANITIZED = ["-O0", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


def golden(folder, compiler):
    """Return what the golden training says under sanitizers."""
    command = [compiler, *STRICT, *SANITIZED, "-DNET_MAIN", "net.c", "-o", "run"]
    subprocess.run(command, cwd=folder, check=True)
    return subprocess.run(["./run"], cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.mark.full
@needs_compiler
@pytest.mark.parametrize("compiler", COMPILERS)
def test_the_golden_training_runs_under_sanitizers(compiler, folder):
    assert golden(folder, compiler) == "2 golden epochs, to the last bit: ok\n"


@pytest.mark.full
@needs_compiler
@pytest.mark.parametrize("name", ["narrow", "state", "convolutional", "codes"])
@pytest.mark.parametrize("is_same", [False, True])
def test_other_golden_trainings_run_under_sanitizers(name, is_same, tmp_path):
    ad.export(task(name, reproducible=is_same), tmp_path / "net.c")
    for compiler in COMPILERS:
        assert golden(tmp_path, compiler).endswith("to the last bit: ok\n")


HOSTILE = """
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "net.h"

int main(void) {
    static net_training own;
    static double x[2 * 64];
    static int32_t y[64], order[64];
    const double strange[] = {NAN, INFINITY, -INFINITY, 1e38f, -1e38f, 1e-44f, -0.0f};
    const int32_t labels[] = {-1, 2, INT32_MAX, INT32_MIN};
    double loss;
    net_init(&own, 0);
    for (int i = 0; i < 128; i++) {
        x[i] = (double)(i % 9) / 9;
    }
    const int32_t counts[] = {0, -1, INT32_MIN, 15, 17};
    for (int n = 0; n < 5; n++) {
        printf("%d ", net_epoch(&own, x, y, counts[n], order, &loss));
    }
    for (int n = 0; n < 4; n++) {

        y[40] = labels[n];
        const int status = net_epoch(&own, x, y, 64, order, &loss);
        printf("%d ", status == 1 || status == 2);
        y[40] = 0;
    }
    for (int n = 0; n < 7; n++) {
        x[7] = strange[n];
        net_init(&own, (uint64_t)n);
        net_epoch(&own, x, y, 64, order, &loss);
        double found[2];
        net_predict(&own, x + 6, found);
    }
    x[7] = 0;
    net_init(&own, UINT64_MAX);
    own.lr = NAN;
    printf("%d ", net_epoch(&own, x, y, 64, order, &loss) != 0);
    net_init(&own, 1);
    own.epoch = INT64_MAX - 1;
    printf("%d\\n", net_epoch(&own, x, y, 64, order, &loss));
    return 0;
}
"""


@needs_compiler
@pytest.mark.parametrize("compiler", sampled(COMPILERS, 2))
def test_hostile_rows_are_told_and_nothing_else_happens(compiler, folder):
    (folder / "main.c").write_text(HOSTILE)
    subprocess.run(
        [compiler, *STRICT, *SANITIZED, "net.c", "main.c", "-o", "run"], cwd=folder, check=True
    )
    done = subprocess.run(["./run"], cwd=folder, check=True, capture_output=True, text=True)
    assert done.stdout.split() == [*"44444", *"1111", "1", "0"]


@pytest.mark.full
@needs_compiler
def test_hostile_rows_of_a_larger_network_are_told(tmp_path):
    ad.export(task("narrow"), tmp_path / "net.c")
    (tmp_path / "main.c").write_text(
        HOSTILE.replace("double x", "float x").replace("double found", "float found")
    )
    for compiler in COMPILERS:
        subprocess.run(
            [compiler, *STRICT, *SANITIZED, "net.c", "main.c", "-o", "run"],
            cwd=tmp_path,
            check=True,
        )
        done = subprocess.run(["./run"], cwd=tmp_path, check=True, capture_output=True, text=True)
        assert done.stdout.split() == [*"44444", *"1111", "1", "0"]


def library(folder):
    path = folder / "net.so"
    command = [COMPILERS[0], *STRICT, "-shared", "-fPIC", "net.c", "-o", str(path)]
    subprocess.run(command, cwd=folder, check=True)
    return ctypes.CDLL(str(path))


@needs_compiler
def test_a_small_training_has_the_bits_of_fit_and_predicts_by_them(exported, folder):
    c, model = library(folder), small()
    done = exported[1]
    own = ctypes.create_string_buffer(done.sizes["memory"] + 64)
    pointer = ctypes.c_void_p
    order, loss = np.zeros(110, np.int32), ctypes.c_double()
    c.net_init(own, ctypes.c_uint64(7))
    labels = Y.astype(np.int32)
    for _ in range(3):
        given = [pointer(a.ctypes.data) for a in (X, labels)]
        assert c.net_epoch(own, *given, 110, pointer(order.ctypes.data), ctypes.byref(loss)) == 0
    options = {"optimizer": rate(0.05), "batch_size": 16, "seed": 7, "reproducible": True}
    history = ad.fit(model, (X, Y), loss="cross_entropy", epochs=3, progress=False, **options)
    assert loss.value == history.loss[-1]
    weights = np.concatenate([p.data.ravel() for p in model.parameters()])
    assert weights.tobytes() in own.raw
    found = np.empty(2)
    for row in X[:5]:
        row = np.ascontiguousarray(row)
        assert c.net_predict(own, pointer(row.ctypes.data), pointer(found.ctypes.data)) == 0
        np.testing.assert_allclose(found, model(row[np.newaxis]).data[0], rtol=1e-12)


@needs_compiler
def test_a_batch_may_have_fewer_rows_than_are_predicted(tmp_path):
    done = ad.export(task(batch_size=1), tmp_path / "net.c")
    assert done.tested.endswith(": ok")


@pytest.mark.full
@needs_compiler
def test_single_steps_are_those_of_an_unshuffled_epoch(tmp_path):
    made = task(data=(X[:48], Y[:48]), shuffle=False)
    done = ad.export(made, tmp_path / "net.c")
    c, labels = library(tmp_path), Y[:48].astype(np.int32)
    pointer, loss = ctypes.c_void_p, ctypes.c_double()
    order = np.zeros(48, np.int32)
    whole, stepped = (ctypes.create_string_buffer(done.sizes["memory"] + 64) for _ in range(2))
    for own in (whole, stepped):
        c.net_init(own, ctypes.c_uint64(0))
    rows = [pointer(a.ctypes.data) for a in (X, labels)]
    assert c.net_epoch(whole, *rows, 48, pointer(order.ctypes.data), ctypes.byref(loss)) == 0
    mean = loss.value
    losses = []
    for start in range(0, 48, 16):
        x, y = X[start:], labels[start:]
        own = pointer(x.ctypes.data), pointer(y.ctypes.data)
        assert c.net_step(stepped, *own, ctypes.byref(loss)) == 0
        losses.append(loss.value)
    assert mean == pytest.approx(np.mean(losses), rel=1e-14)
    # Behind the seed and the number of epochs all bytes are the same.
    assert whole.raw[16:] == stepped.raw[16:]


@needs_compiler
def test_a_changed_first_weight_fails_the_golden_training(folder):
    text = (folder / "net.c").read_text()
    first = re.search(r"initial_layers_0_weight\[\d+\] = \{\s*(\S+),", text)[1]
    (folder / "net.c").write_text(text.replace(first, "0.25", 1))
    subprocess.run([COMPILERS[0], "-DNET_MAIN", "net.c", "-o", "run"], cwd=folder, check=True)
    assert subprocess.run(["./run"], cwd=folder, capture_output=True).returncode == 1


@needs_compiler
def test_fast_math_is_refused_by_the_compiler(folder):
    command = [COMPILERS[0], "-ffast-math", "-c", "net.c"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode
    assert "ffast-math" in done.stderr


@pytest.mark.full
@needs_compiler
def test_two_trainings_stand_in_one_program_of_c(tmp_path):
    for name in ("first", "second"):
        ad.export(task(), tmp_path / f"{name}.c")
    (tmp_path / "main.c").write_text(
        '#include "first.h"\n#include "second.h"\nint main(void) {\n'
        "static first_training a;\nstatic second_training b;\n"
        "first_init(&a, 1);\nsecond_init(&b, 2);\nreturn 0;\n}\n"
    )
    command = [COMPILERS[0], *STRICT, "main.c", "first.c", "second.c", "-o", "run"]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert subprocess.run(["./run"], cwd=tmp_path).returncode == 0


class Named(nn.Module):
    """Weights whose paths are words of C, or fall together."""

    def __init__(self):
        self.now, self.lr, self.double = (nn.Linear(2, 2, rng=n, dtype=F64) for n in range(3))
        self.权重, self.权重二 = (
            nn.Linear(2, 2, rng=3, dtype=F64),
            nn.Linear(2, 2, rng=4, dtype=F64),
        )

    def forward(self, x):
        x = np.tanh(self.now(x)) + np.tanh(self.lr(x)) + self.double(x)
        return self.权重(x) * self.权重二(x)


@pytest.mark.full
@needs_compiler
def test_names_of_c_and_of_no_alphabet_are_no_trouble(tmp_path):
    made = ad.TrainingTask(Named(), (X, Y), loss="cross_entropy", optimizer="adam")
    assert ad.export(made, tmp_path / "net.c").tested.endswith(": ok")
    subprocess.run([COMPILERS[0], *STRICT, "-c", "net.c"], cwd=tmp_path, check=True)


# --- schedules


def cosine(params):
    return ad.optim.SGD(params, lr=ad.optim.Cosine(0.3, steps=20), momentum=0.9)


def by_epochs(params):
    return ad.optim.Adam(params, lr=lambda step: 0.01 / (1 + step // 7))


@needs_compiler
@pytest.mark.parametrize("optimizer", sampled([cosine, by_epochs], 2))
def test_a_schedule_is_followed_in_c_and_its_last_number_holds(optimizer, tmp_path):
    options = {"optimizer": optimizer, "seed": 7, "reproducible": True}
    ad.export(task(epochs=3, **options), tmp_path / "net.c")
    losses, _ = trained_in_c(tmp_path, (X, Y), 3, 7, F64)
    assert losses == fitted("small", 3, **options)[0]
    more, _ = trained_in_c(tmp_path, (X, Y), 6, 7, F64)
    assert more[:3] == losses
    assert np.isfinite(more).all()


@pytest.mark.full
@needs_node
def test_a_schedule_is_followed_in_node(tmp_path):
    options = {"optimizer": cosine, "seed": 7, "reproducible": True}
    assert ad.export(task(epochs=4, **options), tmp_path / "net.wasm").tested.endswith("node: ok")
    script = """import { load } from "./net.mjs";
const training = await load(DATA, { seed: 7 });
const losses = [...training.advance(1, Infinity), ...training.advance(2, 3), ...training.run(3)];
let told = "";
try { training.settings.lr = 1; } catch (error) { told = error.message; }
process.stdout.write(JSON.stringify([losses, told, Object.keys(training.settings)]));
""".replace("DATA", json.dumps([X.ravel().tolist(), Y.tolist()]))
    (tmp_path / "run.mjs").write_text(script)
    done = subprocess.run(["node", "run.mjs"], cwd=tmp_path, capture_output=True, check=True)
    losses, told, settings = json.loads(done.stdout)
    assert losses == fitted("small", 4, **options)[0]
    assert "lr" in told
    assert "lr" not in settings


def test_a_schedule_whose_end_is_not_known_is_refused(tmp_path):
    for name in ("net.c", "net.wasm"):
        with pytest.raises(ExportError, match=r"follow a schedule.*epochs="):
            ad.export(task(optimizer=cosine), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_schedule_of_too_many_numbers_is_refused(tmp_path):
    made = task(optimizer=rate(ad.optim.Exponential(0.1, 0.99)), epochs=3000)
    with pytest.raises(ExportError, match="schedule of lr has 21,000 numbers; at most 16,384"):
        ad.export(made, tmp_path / "net.c")
    made = task(optimizer=rate(ad.optim.Exponential(0.1, 0.99)), epochs=10**9)
    with pytest.raises(ExportError, match="at most 2,000,000"):
        ad.export(made, tmp_path / "net.c")
    assert not list(tmp_path.iterdir())


def test_a_schedule_goes_on_from_the_steps_that_were_taken():
    made = task(optimizer=by_epochs, epochs=2)
    made.task.optimizer.steps = 70
    with arranged_training(made, TARGET, name="C99") as arranged:
        (schedule,) = arranged.schedules.values()
    assert (schedule.every, schedule.values.tolist()) == (7, [0.01 / 11, 0.01 / 12])


def test_a_schedule_that_never_changes_is_one_number():
    assert len(Scheduled.of(np.full(9, 0.5)).values) == 1
    changing = Scheduled.of(np.array([3.0, 3, 2, 2, 1, 1, 1]))
    assert (changing.every, changing.values.tolist()) == (2, [3, 2, 1, 1])


# --- what cannot be carried


class Inverse(nn.Module):
    def __init__(self):
        self.weight = nn.Parameter(np.eye(2))

    def forward(self, x):
        return x @ np.linalg.inv(self.weight + 1.0 * np.eye(2))


class Pair(nn.Module):
    def __init__(self):
        self.one = nn.Linear(2, 2, rng=0, dtype=F64)

    def forward(self, x):
        return self.one(x) if self.training else (self.one(x), self.one(x))


@pytest.mark.parametrize(
    ("model", "told"),
    [(Inverse, "no native code: inv"), (Pair, "one array with a row for each row")],
)
def test_what_cannot_be_carried_is_named_and_nothing_is_written(model, told, tmp_path):
    made = ad.TrainingTask(model(), (X, Y), loss="cross_entropy")
    with pytest.raises(ExportError, match=told):
        ad.export(made, tmp_path / "net.c")
    assert not list(tmp_path.iterdir())


def test_a_label_out_of_range_may_be_why_no_training_can_be_golden(tmp_path):
    with pytest.raises(ExportError, match="not finite; is a label out of range"):
        ad.export(task(data=(X, Y - 1)), tmp_path / "net.c")
    assert not list(tmp_path.iterdir())


class Scanned(nn.Module):
    def __init__(self):
        self.weight = nn.Parameter(np.full(2, 0.5))

    def forward(self, x):
        def turn(h, row):
            return np.tanh(h + row * self.weight), None

        return ad.scan(turn, 0 * x[:, 0], np.swapaxes(x, 0, 1))[0]


@pytest.mark.full
@needs_compiler
def test_a_loop_is_written_turn_by_turn_where_the_order_of_sums_is_free(tmp_path):
    rows = rng.normal(size=(20, 6, 2)), rng.normal(size=(20, 2))
    given = {"loss": "mse_loss", "optimizer": "adam", "batch_size": 10}
    made = ad.TrainingTask(Scanned(), rows, reproducible=True, **given)
    with pytest.raises(ExportError, match="C99 has no scan in a training with reproducible=True"):
        ad.export(made, tmp_path / "net.c")
    assert not list(tmp_path.iterdir())
    assert (
        ad.export(ad.TrainingTask(Scanned(), rows, **given), tmp_path / "net.c").tested[-2:] == "ok"
    )


@pytest.mark.parametrize("name", ["validation", "metrics", "callbacks", "patience"])
def test_what_a_training_task_does_not_have_is_named(name):
    with pytest.raises(TypeError, match=f"'{name}'"):
        ad.TrainingTask(small(), (X, Y), loss="cross_entropy", **{name: []})


@pytest.mark.full
def test_the_model_is_left_as_it_was(tmp_path):
    made = task("state")
    model = made.task.model
    before = [tensor.data.copy() for tensor in model.parameters()]
    model.eval()
    ad.export(made, tmp_path / "net.c")
    assert not model.training
    assert all(map(np.array_equal, before, [tensor.data for tensor in model.parameters()]))


# --- one SHA-256


@pytest.mark.full
@needs_compiler
@pytest.mark.parametrize(("make", "epochs"), [(article, 5000), (digits, 20)])
def test_one_sha_256_natively_and_in_c(make, epochs, tmp_path):
    network, rows, options = make()
    expected, losses, size = digest_of_fit(make, epochs)
    made = ad.TrainingTask(network(), rows, seed=SEED, reproducible=True, **options)
    ad.export(made, tmp_path / "net.c")
    dtype = next(made.task.model.parameters()).dtype
    for compiler in COMPILERS:
        found, numbers = trained_in_c(tmp_path, rows, epochs, SEED, dtype, compiler)
        assert found == losses
        assert hashlib.sha256(numbers[:size].tobytes()).hexdigest() == expected


@pytest.mark.full
@needs_compiler
@pytest.mark.parametrize("make", [article, digits])
@pytest.mark.parametrize("processor", PROCESSORS)
def test_an_emulated_processor_has_the_same_bits(make, processor, tmp_path):
    network, rows, options = make()
    made = ad.TrainingTask(network(), rows, seed=SEED, reproducible=True, **options)
    ad.export(made, tmp_path / "net.c")
    dtype = next(made.task.model.parameters()).dtype
    here = trained_in_c(tmp_path, rows, 2, SEED, dtype)
    compiler, emulator = f"{PROCESSORS[processor][0]}-gcc", f"qemu-{processor}"
    for tool in (compiler, emulator):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    there = trained_in_c(tmp_path, rows, 2, SEED, dtype, compiler, ["-static"], [emulator])
    assert here[0] == there[0]
    np.testing.assert_array_equal(here[1], there[1])
