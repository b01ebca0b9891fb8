"""Networks whose steps have one form share native code without being traced one by one."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from adjoint.network import Category, Design, Perceptron
from adjoint.optim import Adam, AdamW
from adjoint.training import native_run, task
from adjoint.training.fit import fit

RNG = np.random.default_rng(0)
X = RNG.normal(size=(70, 3)).astype(np.float32)
X[:, 2] = RNG.integers(0, 4, 70)
Y = RNG.normal(size=(70, 1)).astype(np.float32)
DESIGN = {
    "sizes": (4, 5, 1),
    "activations": ("relu",),
    "categories": (Category(2, 4, 2),),
    "by_product": True,  # without it categories are looked up in NumPy
}


def adamw(**settings):
    return lambda params: AdamW(list(params), **settings)


def in_groups(params):
    rest, last = list(params)[:-1], list(params)[-1:]
    return AdamW([{"params": rest}, {"params": last, "weight_decay": 0.0}])


def in_other_groups(params):
    rest, first = list(params)[1:], list(params)[:1]
    return AdamW([{"params": rest}, {"params": first, "weight_decay": 0.0}])


def clipped(params):
    return AdamW(list(params)).clip_gradients(norm=0.1)


USUAL = {"loss": "mse_loss", "optimizer": adamw(), "batch_size": 16}
# Each of these has another graph than the usual one, or must not be taken for it.
CHANGED = {
    "nothing": ({}, {}),
    "a rate": ({}, {"optimizer": adamw(lr=0.02)}),
    "no decay": ({}, {"optimizer": adamw(weight_decay=0.0)}),
    "groups": ({}, {"optimizer": in_groups}),
    "other groups": ({}, {"optimizer": in_other_groups}),
    "another rule": ({}, {"optimizer": lambda p: Adam(list(p))}),
    "clipping": ({}, {"optimizer": clipped}),
    "another loss": ({}, {"loss": "huber_loss"}),
    "batches": ({}, {"batch_size": 14}),
    "weights": ({}, {"sample_weight": RNG.random(70)}),
    "other held rows": ({}, {"validation": (X[:7], Y[:7])}),
    "no held rows": ({}, {"validation": None}),
    "dropout": ({"dropout": 0.3}, {}),
    "another part": ({"dropout": 0.5}, {}),
    "normalisation": ({"batch_norm": True}, {}),
    "tanh": ({"activations": ("tanh",)}, {}),
    "width": ({"sizes": (4, 6, 1)}, {}),
    "a linear path": ({"linear_path": True}, {}),
    "float64": ({"dtype": np.float64}, {}),
}


def weights(what):
    design, settings = CHANGED[what]
    design = dict(design)
    dtype = design.pop("dtype", np.float32)
    network = Perceptron(Design(**DESIGN | design), np.random.RandomState(0), dtype)
    given = {"validation": (X[:20], Y[:20])} | USUAL | settings
    history = fit(network, (X, Y), epochs=3, seed=0, compile="prefer", progress=False, **given)
    assert history.tier == "native"
    return network.state_dict()


OFTEN = {"groups", "other groups", "dropout"}


@pytest.mark.parametrize(
    "what",
    [pytest.param(name, marks=() if name in OFTEN else pytest.mark.full) for name in CHANGED],
)
def test_a_network_comes_out_as_if_it_had_been_traced(what, monkeypatch):
    weights("groups" if what == "other groups" else "nothing")  # it is known from now on
    shared = weights(what)
    monkeypatch.setattr(task, "step_form", lambda *_: None)
    for name, values in weights(what).items():
        np.testing.assert_array_equal(shared[name], values)


def test_the_second_network_of_a_form_is_not_traced(monkeypatch):
    traced = []
    real = native_run.arranged_step
    monkeypatch.setattr(
        native_run, "arranged_step", lambda *a, **k: traced.append(a) or real(*a, **k)
    )
    weights("dropout")
    before = len(traced)
    weights("dropout")
    assert len(traced) == before
    network = Perceptron(Design((3, 2, 1), (np.tanh,)), np.random.RandomState(0), np.float32)
    assert network.graph_form is None  # whatever a function of the user's does
