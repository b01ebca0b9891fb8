"""The article's mistakes are made as the article makes them, and are seen to be mistakes."""

import numpy as np
import pytest

import adjoint as ad
from adjoint.nn.functional import cross_entropy
from adjoint.playground import derivations, readings
from adjoint.playground.mistakes import MISTAKES, printed_loss
from adjoint.playground.program_text import program_text
from adjoint.playground.settings import SettingsError, read
from adjoint.playground.setup import setup_of
from adjoint.playground.steps import Steps

PLANTED = [name for name in MISTAKES if name != "none"]


def softmax(a):
    e = np.exp(a - a.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def without_softmax(logits, y):
    gradient = logits.copy()
    gradient[range(len(y)), y] -= 1
    return gradient / len(y)


def diagonal_of_a_column(logits, y):
    p = softmax(logits)
    gradient = np.zeros_like(p)
    gradient[range(len(y)), y] = -1 / p[range(len(y)), y] / len(y)
    for i in range(len(y)):
        column = p[i][:, None]
        gradient[i] = (np.diag(column) - np.outer(column, column)) @ gradient[i]
    return gradient


@pytest.mark.parametrize("name", PLANTED)
@pytest.mark.parametrize("classes", [2, 3, 5])
def test_the_gradient_is_the_articles_and_the_value_is_right(name, classes):
    rng = np.random.default_rng(0)
    logits, y = rng.normal(size=(7, classes)), rng.integers(0, classes, 7)
    value, gradient = ad.value_and_grad(MISTAKES[name])(logits, y)
    assert value == cross_entropy(logits, y)
    # Both sum a few numbers, in an order of their own.
    np.testing.assert_allclose(gradient, globals()[name](logits, y), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", PLANTED)
def test_a_check_by_finite_differences_finds_the_mistake(name):
    steps = Steps(setup_of(read({"rows": 40, "layers": [], "mistake": name}), None))
    assert derivations.check(steps, "layers[0].weight", 0)["difference"] > 0.01
    right = Steps(setup_of(read({"rows": 40, "layers": []}), None))
    assert derivations.check(right, "layers[0].weight", 0)["difference"] < 1e-6


def test_it_trains_in_native_code_and_the_program_has_it():
    given = {"rows": 40, "layers": [], "mistake": "without_softmax", "initialise": "from_0_to_1"}
    steps = Steps(setup_of(read(given), None))
    steps.take(9)
    assert steps.tier == "native"
    text = program_text(steps)
    assert "initialise=lambda shape, rng: rng.random(shape)" in text
    scope = {}
    exec(text, scope)
    for name, array in steps.model.state_dict().items():
        np.testing.assert_array_equal(scope["model"].state_dict()[name], array)


def test_weights_from_0_to_1_are_there():
    steps = Steps(setup_of(read({"initialise": "from_0_to_1"}), None))
    weights = np.concatenate([p.data.ravel() for p in steps.model.parameters() if p.ndim == 2])
    assert 0 <= weights.min() < 0.1
    assert 0.9 < weights.max() < 1


def test_with_another_loss_it_is_refused():
    with pytest.raises(SettingsError, match="cross_entropy"):
        setup_of(read({"mistake": "without_softmax", "loss": "hinge_loss"}), None)


def test_the_printed_loss_is_that_of_the_logits():
    steps = Steps(setup_of(read({"rows": 40}), None))
    X, y = steps.setup.problem.train
    with np.errstate(invalid="ignore"):
        chosen = steps.model.eval()(X).data[np.arange(len(y)), y]
        expected = -np.mean(np.log(chosen + 1e-12))
    found = readings.score(steps, steps.setup.problem.train)
    np.testing.assert_array_equal(found.printed, expected)
    assert np.isnan(printed_loss(np.array([[0.5, -0.1]]), np.array([1])))
    regression = Steps(setup_of(read({"data": "hills", "loss": "mse_loss"}), None))
    assert np.isnan(readings.score(regression, regression.setup.problem.train).printed)
