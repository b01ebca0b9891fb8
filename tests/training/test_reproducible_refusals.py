"""What reproducible=True refuses, by name and before the first step, and what it leaves alone."""

import itertools
import pickle

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import adjoint as ad
from adjoint import nn, optim
from adjoint.compiler.native import team, training_code
from adjoint.compiler.native.function_code import write_function
from adjoint.compiler.native.machine import this_machine
from adjoint.compiler.native.target import Target
from adjoint.core.reproducibility import is_reproducible, ordered_sum, reproducibly
from adjoint.errors import DivergedError, ReproducibleError, require
from adjoint.training import task as training_task
from adjoint.training.digest import sha256_of
from sampled import for_full
from x86_levels import LEVELS, compiling_for, machine_of

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(40, 3)), rng.integers(2, size=40)
HUGE = 1e200 * X, X[:, :1]


def fit(model=None, data=(X, Y), **settings):
    model = nn.MLP(3, 5, 2, rng=0) if model is None else model
    given = {"loss": "cross_entropy", "epochs": 2, "seed": 0, "progress": False} | settings
    return ad.fit(model, data, reproducible=True, **given)


class Inverse(nn.Module):
    def __init__(self):
        self.inner = nn.Linear(3, 2, rng=0)

    def forward(self, x):
        return self.inner(x) + np.linalg.inv(np.eye(2) + self.inner.weight[:2])[0]


def own_metric(prediction, target):
    return 1.0


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"compile": False}, "compile=False"),
        ({"accumulate": 2}, "accumulated"),
        ({"data": lambda epoch: iter([(X, Y)])}, "stream"),
        ({"metrics": [own_metric]}, "own_metric"),
        ({"model": Inverse()}, "inv"),
        ({"loss": nn.CrossEntropyLoss(reduction="sum"), "validation": (X, Y)}, "reduction='sum'"),
    ],
)
def test_what_numpy_would_compute_is_refused_before_the_first_step(settings, named):
    model = settings.pop("model", None) or nn.MLP(3, 5, 2, rng=0)
    before = [p.data for p in model.parameters()]
    with pytest.raises(ReproducibleError, match=named):
        fit(model, **settings)
    assert all(p.data is x for p, x in zip(model.parameters(), before, strict=True))


def test_a_mistake_of_the_users_is_told_as_such():
    with pytest.raises(ad.ShapeError, match="differ"):
        fit(loss="mse_loss")


@pytest.mark.parametrize("name", ["data", "validation"])
def test_a_label_that_is_out_of_range_is_named(name):
    with pytest.raises(ValueError, match="label 7") as found:
        fit(**{name: (X, np.where(np.arange(40) == 39, 7, Y))})
    assert not isinstance(found.value, ReproducibleError)


def test_a_validation_that_is_not_finite_ends_the_training():
    with pytest.raises(ReproducibleError, match="in epoch 1 is not finite"):
        fit(loss="mse_loss", model=nn.Linear(3, 1, rng=0), data=(X, X[:, :1]), validation=HUGE)


def test_a_training_that_diverges_says_so_and_keeps_the_last_finite_weights():
    model = nn.MLP(3, 5, 1, rng=0)
    with pytest.raises(DivergedError):
        fit(
            model,
            (1e3 * X, X[:, :1]),
            loss="mse_loss",
            epochs=50,
            optimizer=lambda p: optim.SGD(p, lr=1e6),
        )
    assert all(np.isfinite(p.data).all() for p in model.parameters())


def test_a_callback_that_changes_a_constant_ends_the_training():
    model = nn.Sequential(nn.Linear(3, 2, rng=0), nn.Dropout(0.5, rng=0))

    def switch_off(history, model):
        model.layers[1].p = 0.0

    with pytest.raises(ReproducibleError, match="callback"):
        fit(model, callbacks=[switch_off])


def test_without_llvmlite_it_says_what_to_install():
    def no_machine():
        return require("llvmlite_that_is_not_there", extra="native", purpose="native code")

    with compiling_for(None), pytest.MonkeyPatch.context() as patch:
        patch.setattr(training_code, "this_machine", no_machine)
        with pytest.raises(ImportError, match="native"):
            fit()


def test_subnormal_numbers_that_are_flushed_are_noticed(monkeypatch):
    class Flushing:
        float_info = type("info", (), {"min": 0.0})

    monkeypatch.setattr("adjoint.core.reproducibility.sys", Flushing)
    with pytest.raises(ReproducibleError, match="subnormal"):
        fit()


def test_a_checkpoint_of_the_one_mode_is_not_resumed_in_the_other(tmp_path):
    pytest.importorskip("safetensors")
    usual = {"loss": "cross_entropy", "seed": 0, "progress": False, "resume": True}
    for first, then in itertools.permutations([True, False]):
        path = tmp_path / f"{first}"
        settings = usual | {"checkpoint": path}
        ad.fit(nn.MLP(3, 5, 2, rng=0), (X, Y), epochs=1, reproducible=first, **settings)
        with pytest.raises(ValueError, match="reproducible"):
            ad.fit(nn.MLP(3, 5, 2, rng=0), (X, Y), epochs=2, reproducible=then, **settings)


def test_a_training_that_was_saved_goes_on_to_the_same_digest(tmp_path):
    pytest.importorskip("safetensors")
    whole, part = nn.MLP(3, 5, 2, rng=0), nn.MLP(3, 5, 2, rng=0)
    expected = fit(whole, epochs=5).sha256(whole)
    fit(part, epochs=2, checkpoint=tmp_path / "x")
    again = nn.MLP(3, 5, 2, rng=1)
    history = fit(again, epochs=5, checkpoint=tmp_path / "x", resume=True)
    assert history.sha256(again) == expected


@pytest.mark.skipif(not team.can_share(), reason="needs a second core, and Linux")
def test_one_thread_and_two_give_the_same_bits(monkeypatch):
    data = rng.normal(size=(512, 128)), rng.integers(2, size=512)

    def digest():
        model = nn.MLP(128, 160, 2, rng=0)
        history = fit(model, data, epochs=1, batch_size=512)
        (code,) = training_code._codes.values()
        return history.sha256(model), code.steps.has_team

    found = []
    for can_share in (True, False):
        monkeypatch.setattr(team, "can_share", lambda can_share=can_share: can_share)
        with compiling_for(this_machine()):
            found.append(digest())
    (shared, has_team), (alone, is_shared) = found
    assert has_team
    assert not is_shared
    assert shared == alone


def test_the_usual_mode_writes_what_it_wrote():
    graph = ad.trace(lambda x: np.sum(np.exp(x)) + x @ x, np.ones(99))
    usual = write_function(graph, target=Target(64, 32, has_permutes=True), limit=400)
    text = "\n".join(usual.functions)
    assert "fmuladd" in text
    assert "vpermi2var" in text
    apart = write_function(
        graph, target=Target(64, 32, has_permutes=True).reproducible(), limit=400
    )
    assert "fmuladd" not in "\n".join(apart.functions)
    assert not is_reproducible()
    fit()
    assert not is_reproducible()


@pytest.mark.full
def test_the_usual_mode_fuses_and_so_has_other_bits():
    one, other = nn.MLP(3, 5, 2, rng=0), nn.MLP(3, 5, 2, rng=0)
    usual = ad.fit(one, (X, Y), loss="cross_entropy", epochs=9, seed=0, compile=True)
    assert usual.sha256(one) != fit(other, epochs=9).sha256(other)
    np.testing.assert_allclose(one.layers[0].weight.data, other.layers[0].weight.data, rtol=1e-9)


# --- compiled functions ---------------------------------------------------------------------------


def softened(x):
    return np.log(np.sum(np.exp(x), axis=1)) + np.mean(np.tanh(x) ** 3, axis=1)


@pytest.mark.parametrize("dtype", [np.float64, *for_full([np.float32])])
def test_a_function_has_the_same_bits_for_registers_of_every_width(dtype):
    x = rng.normal(size=(7, 133)).astype(dtype)
    found = set()
    for level in LEVELS:
        with compiling_for(machine_of(level)):
            found.add(ad.compile(softened, reproducible=True)(x).tobytes())
    assert len(found) == 1


def test_a_function_that_numpy_would_have_to_run_is_refused():
    with pytest.raises(ReproducibleError, match="inv has no native rule"):
        ad.compile(np.linalg.inv, reproducible=True)(np.eye(2))


def test_a_function_is_not_for_recorded_tensors():
    double = ad.compile(lambda x: 2 * x, reproducible=True)
    with pytest.raises(ReproducibleError, match="records nothing"):
        double(ad.tensor(np.ones(3), requires_grad=True))


def test_a_result_that_only_numpy_can_tell_is_an_error():
    def masked(w, x):
        return np.sum(ad.where(np.isfinite(x[:, :1]), x @ w, 0.0))

    slope = ad.compile(ad.grad(masked), reproducible=True)
    w, x = np.ones((2, 3)), np.ones((4, 2))
    assert (slope(w, x) == 4).all()
    x[1] = np.inf  # its product with a gradient of 0 is to be 0
    with pytest.raises(ReproducibleError, match="only NumPy can tell"):
        slope(w, x)
    assert (ad.grad(masked)(w, x) == 3).all()


def test_an_index_that_is_out_of_range_is_named():
    taken = ad.compile(lambda x, i: x[i], reproducible=True)
    with pytest.raises(IndexError, match="7"):
        taken(np.ones(3), np.array([7]))


def test_a_pickled_function_stays_reproducible():
    assert pickle.loads(pickle.dumps(ad.compile(np.cumsum, reproducible=True))).reproducible
    assert not pickle.loads(pickle.dumps(ad.compile(np.cumsum))).reproducible


# --- parts ----------------------------------------------------------------------------------------


def test_the_mean_of_the_weights_is_a_sum_of_one_order(monkeypatch):
    # NumPy's own sum of these was another one where it was tried.
    weights = np.random.default_rng(13).uniform(size=40)
    expected = weights / (float(ordered_sum(weights)) / 40)
    given = []
    prepared = training_task.row_weights
    monkeypatch.setattr(
        training_task, "row_weights", lambda *args: given.append(prepared(*args)) or given[0]
    )
    fit(sample_weight=weights)
    np.testing.assert_array_equal(given[0], expected)


def test_an_ordered_sum_adds_halves():
    x = rng.normal(size=(37, 3))
    kept = x.copy()
    np.testing.assert_allclose(ordered_sum(x), x.sum(axis=0), rtol=1e-13)
    np.testing.assert_array_equal(x, kept)
    assert ordered_sum(np.zeros((0, 2))).tolist() == [0, 0]
    a, b, c = 1e16, 1.0, -1e16
    assert ordered_sum(np.array([a, b, c])) == (a + c) + b


def test_a_block_cannot_take_back_what_was_asked_for():
    with reproducibly(), reproducibly(False):
        assert is_reproducible()


def test_a_digest_tells_names_shapes_dtypes_and_every_bit():
    same = {"w": np.zeros(4)}, {"loss": [1.0]}
    others = [
        ({"v": np.zeros(4)}, {"loss": [1.0]}),
        ({"w": np.zeros((2, 2))}, {"loss": [1.0]}),
        ({"w": np.zeros(4, np.float32)}, {"loss": [1.0]}),
        ({"w": np.array([0, 0, 0, -0.0])}, {"loss": [1.0]}),
        ({"w": np.zeros(4)}, {"loss": [np.nextafter(1, 2)]}),
        ({"w": np.zeros(4)}, {"loss": [1.0], "val_loss": [1.0]}),
    ]
    assert len({sha256_of(*each) for each in [same, *others]}) == len(others) + 1


def test_a_digest_knows_one_nan_and_no_order_of_bytes_or_names():
    nans = np.array([np.nan, -np.nan])
    swapped = np.array([1.0, 2.0])
    assert sha256_of({"w": nans}, {}) == sha256_of({"w": nans[::-1].copy()}, {})
    assert sha256_of({"w": swapped}, {}) == sha256_of({"w": swapped.astype(">f8")}, {})
    one, other = {"a": np.ones(1), "b": np.ones(2)}, {"b": np.ones(2), "a": np.ones(1)}
    assert sha256_of(one, {}) == sha256_of(other, {})
    assert nans.view(np.int64)[0] != nans.view(np.int64)[1]
