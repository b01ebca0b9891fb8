"""The program that the page shows computes the numbers of the page, to the last bit."""

import random

import numpy as np
import pytest

import adjoint as ad
from adjoint.playground.launch import bring_model
from adjoint.playground.own_table import as_csv, read_text
from adjoint.playground.program_text import TABLE, program_text
from adjoint.playground.rates import SCHEDULES
from adjoint.playground.session import Session, settings_for
from adjoint.playground.settings import (
    ACTIVATIONS,
    BY_CLASSES,
    BY_NUMBER,
    BY_SCORE,
    FEATURES,
    FROM_0_TO_1,
    MISTAKES,
    NORMS,
    OPTIMIZERS,
    TOYS,
    read,
)
from adjoint.playground.setup import setup_of
from adjoint.playground.steps import Steps

SMALL = {"layers": [{"units": 2, "activation": "tanh"}]}


def chosen(seed):
    """Return settings of all kinds, by chance."""
    rng = random.Random(seed)
    data = rng.choice(list(TOYS))
    classes = rng.randint(2, 5) if TOYS[data].is_of_any_classes else 2
    losses = BY_CLASSES + BY_SCORE * (classes == 2) if TOYS[data].has_classes else BY_NUMBER
    if data != "counts":
        losses = [loss for loss in losses if loss != "poisson_loss"]
    layer = lambda: {  # noqa: E731
        "units": rng.randint(1, 6),
        "activation": rng.choice(list(ACTIVATIONS)),
        "norm": rng.choice([None, None, *NORMS]),
        "dropout": rng.choice([None, None, 0, 0.3]),
    }
    return {
        "data": data,
        "rows": 4 * rng.randint(5, 30),
        "classes": classes,
        "noise": rng.random() / 2,
        "test": rng.choice([0, 0.25, 0.5]),
        "seed": rng.randint(0, 99),
        "features": rng.sample(list(FEATURES), rng.randint(1, 5)),
        "layers": [layer() for _ in range(rng.randint(0, 3))],
        "norm": rng.choice(NORMS),
        "dropout": rng.choice([0, 0, 0.2]),
        "dtype": rng.choice(["float64", "float32"]),
        "initialise": rng.choice(["auto", "he_normal", "orthogonal", FROM_0_TO_1]),
        "loss": (loss := rng.choice(losses)),
        "mistake": rng.choice(list(MISTAKES)) if loss == "cross_entropy" else "none",
        "optimizer": rng.choice(list(OPTIMIZERS)),
        "lr": 10 ** rng.uniform(-3, -2),
        "schedule": rng.choice(list(SCHEDULES)),
        "batch_size": rng.choice([6, 10, 14]),
    }


def run(text):
    scope = {}
    exec(compile(text, "training.py", "exec"), scope)
    return scope


def assert_same(steps, scope):
    found, expected = scope["model"].state_dict(), steps.model.state_dict()
    assert list(found) == list(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)


def taken(steps, count, seed):
    """Take steps at an uneven pace."""
    rng = random.Random(seed)
    while steps.taken < count and not steps.diverged:
        steps.take(min(rng.randint(1, 9), count - steps.taken))
    return steps


@pytest.mark.parametrize(
    "seed", [29, *(pytest.param(n, marks=pytest.mark.full) for n in range(29))]
)
def test_any_settings(seed):
    steps = taken(Steps(setup_of(read(chosen(seed)), None)), 31, seed)
    assert steps.tier == "native"
    scope = run(program_text(steps))
    assert_same(steps, scope)
    if steps.epoch and not steps.position().step:
        assert scope["history"].loss == steps.history.loss


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimiser_is_written_with_its_settings(optimizer):
    settings = read({"optimizer": optimizer, "options": {"weight_decay": 0.01}, "lr": 0.25})
    text = program_text(Steps(setup_of(settings, None)))
    kind = OPTIMIZERS[optimizer].__name__
    assert f"ad.optim.{kind}(model.parameters(), lr=0.25, weight_decay=0.01)" in text


def test_before_the_first_step_the_program_makes_the_first_weights():
    steps = Steps(setup_of(read({"data": "wheel", "classes": 4}), None))
    assert_same(steps, run(program_text(steps)))


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"{i % 7}e5,3,{i * i / 7}\n" for i in range(30)),
        pytest.param(
            "".join(f"{i % 7},{i * 0.1},{'ab'[i % 2]}\n" for i in range(30)), marks=pytest.mark.full
        ),
    ],
    ids=["numbers", "classes"],
)
def test_a_table_of_ones_own_is_read_from_the_file_beside_it(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows, _ = read_text("u,v,w\n" + text, None)
    steps = taken(Steps(setup_of(settings_for(rows, read(SMALL)), rows)), 8, 0)
    (tmp_path / TABLE).write_text(as_csv(rows))
    assert_same(steps, run(program_text(steps)))


def test_it_takes_up_a_model_and_rows_of_ones_own():
    X, y = np.random.default_rng(0).normal(size=(20, 2)), np.arange(20) % 2
    model = ad.nn.MLP(2, 3, 2, rng=0)
    make = lambda p: ad.optim.SGD(p, lr=0.3, momentum=0.5)  # noqa: E731
    session = Session(bring_model(model, X, y, "cross_entropy", make, 6, 4, None))
    session.take(9, 0.1)
    steps = taken(session.steps, 9, 0)
    given = {"model": model, "X_train": X, "y_train": y, "make_optimizer": make}
    exec(program_text(steps), given)
    assert_same(steps, given)
