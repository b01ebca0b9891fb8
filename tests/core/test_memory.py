"""Memory: what is deleted is freed at once, without the collector; what is kept has a bound."""

import gc
import os
import weakref

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn
from adjoint.compiler import compiled as compiled_module
from adjoint.training import step as step_module
from adjoint.training.step import TrainingStep
from sampled import sampled

X, Y = ad.datasets.make_moons(40, seed=0)


@pytest.fixture(autouse=True)
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def fit(model, data=(X, Y), **settings):
    return ad.fit(
        model,
        data,
        **{"loss": "cross_entropy", "epochs": 2, "batch_size": 16, "seed": 0} | settings,
        optimizer=lambda p: ad.optim.Adam(p, lr=0.1),
    )


def portable_loss(prediction, y):
    return ad.mean(np.sort(prediction, axis=0) ** 2)


def compile_closure(model):
    ad.compile(lambda x: ad.sum(model(x)))(X)


def compile_gradient(model):
    ad.compile(ad.grad(lambda x: ad.sum(model(x))))(X)


def fail_in_trace(model):
    def f(x):
        raise ValueError(model(x).shape)

    with pytest.raises(ValueError, match="40, 2"):
        ad.compile(f)(X)


USES = {
    "native fit": lambda model: fit(model, compile=True),
    "eager fit": lambda model: fit(model, compile=False),
    "portable fit": lambda model: fit(model, compile=True, loss=portable_loss),
    "fit_lbfgs": lambda model: ad.fit_lbfgs(model, (X, Y), loss="cross_entropy"),
    "find_learning_rate": lambda model: ad.find_learning_rate(
        model,
        (X, Y),
        loss="cross_entropy",
        optimizer=lambda p: ad.optim.SGD(p, lr=0.1),
        batch_size=16,
        seed=0,
    ),
    "compile(model)": lambda model: ad.compile(model)(X),
    "compile(model.forward)": lambda model: ad.compile(model.forward)(X),
    "compile of a closure": compile_closure,
    "compile of a gradient": compile_gradient,
    "trace": lambda model: ad.trace(model, X),
    "write_source": lambda model: ad.write_source(model, os.devnull, X),
    "a trace that fails": fail_in_trace,
    "draw": lambda model: ad.draw(model, X[:3]),
}


def mlp():
    return nn.MLP(2, 3, 2, rng=0)


def with_buffers():
    return nn.Sequential(
        nn.Linear(2, 4, rng=0), nn.BatchNorm(4), nn.Dropout(0.2, rng=0), nn.Linear(4, 2, rng=1)
    )


@pytest.mark.parametrize("use", sampled(USES, 4))
def test_a_deleted_model_is_freed_at_once(use):
    model = mlp()
    for _ in range(2):  # the second time finds code that is kept
        USES[use](model)
    parts = [model, *model.parameters(), *(p.data for p in model.parameters())]
    seen = [weakref.ref(part) for part in parts]
    del model, parts
    assert [ref() for ref in seen] == [None] * len(seen)


def test_a_deleted_model_with_buffers_is_freed_after_a_native_fit():
    model = with_buffers()
    fit(model, compile=True)
    seen = weakref.ref(model)
    del model
    assert seen() is None


@pytest.mark.parametrize("native", [True, False])
def test_a_model_whose_training_was_saved_is_freed_at_once(tmp_path, native):
    pytest.importorskip("safetensors")
    for epochs in (1, 2):
        model = mlp()
        fit(model, epochs=epochs, compile=native, checkpoint=tmp_path / "run", resume=epochs == 2)
        seen = weakref.ref(model)
        del model
        assert seen() is None


@pytest.mark.parametrize("native", [True, False])
def test_data_are_freed_after_a_fit(native):
    data = (X.copy(), Y.copy())
    fit(mlp(), data, compile=native)
    seen = [weakref.ref(array) for array in data]
    del data
    assert [ref() for ref in seen] == [None, None]


def test_a_compiled_function_is_freed_with_its_programs():
    f = ad.compile(lambda x: ad.sum(ad.exp(x)))
    f(np.ones(3))
    seen = [weakref.ref(x) for x in (f, f.latest, f.latest.graph, f.latest.function)]
    del f
    assert [ref() for ref in seen] == [None] * len(seen)


# --- bounds ---------------------------------------------------------------------------------------


@pytest.fixture
def at_most_four(monkeypatch):
    monkeypatch.setattr(compiled_module, "MOST_PROGRAMS", 4)
    monkeypatch.setattr(step_module, "_MOST_PROGRAMS", 4)


def test_a_compiled_function_keeps_so_many_programs(at_most_four):
    compiled = ad.compile(lambda x: 2 * x)
    compiled(np.ones(1))
    often = compiled.latest
    for size in range(2, 20):
        assert compiled(np.ones(size)).sum() == 2 * size
        assert compiled(np.ones(1)) == 2
        assert compiled.latest is often  # called ever again, it stays
        assert len(compiled.programs) <= 4


def test_a_program_is_made_anew_after_it_gave_way(at_most_four):
    compiled = ad.compile(lambda x: 2 * x)
    for size in [*range(1, 12), 1, 2]:
        assert compiled(np.ones(size)).sum() == 2 * size
    assert len(compiled.programs) == 4


def test_a_program_that_gave_way_is_freed(at_most_four):
    compiled = ad.compile(lambda x: 2 * x)
    compiled(np.ones(1))
    seen = weakref.ref(compiled.latest)
    for size in range(2, 12):
        compiled(np.ones(size))
    assert seen() is None


def test_programs_for_settings_are_bounded_too(at_most_four):
    compiled = ad.compile(lambda x, *, k: k * x)
    for k in range(20):
        assert compiled(np.ones(2), k=k).sum() == 2 * k
    assert len(compiled.programs) == 4
    assert len(compiled._known.variants) <= 5


def test_a_program_for_a_setting_is_found_again():
    compiled = ad.compile(lambda x, *, k: k * x)
    first = compiled(np.ones(2), k=3), compiled.latest
    for k in (2, 3):
        compiled(np.ones(2), k=k)
    assert compiled.latest is first[1]
    assert len(compiled.programs) == 2


def test_a_training_step_keeps_so_many_programs(at_most_four):
    model = mlp()
    optimizer = ad.optim.SGD(model.parameters(), lr=0.1)
    step = TrainingStep(model, nn.functional.cross_entropy, optimizer, tiers={})
    for rows in range(1, 9):
        step.program(X[:rows], Y[:rows])
    assert len(step.programs) == 4


def test_the_default_bound_is_the_documented_one():
    assert f"programs of {compiled_module.MOST_PROGRAMS} combinations" in ad.compile.__doc__
