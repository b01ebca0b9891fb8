"""The examples run, and reach what they say."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


def load(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_fit_with_scipy_finds_scikit_learns_weights():
    pytest.importorskip("scipy")
    pytest.importorskip("sklearn")
    example = load("fit_with_scipy")
    X, y = example.load()
    found = example.fit(X, y)
    reference = example.LogisticRegression(C=1.0, tol=1e-10, max_iter=10_000).fit(X[:, :-1], y)
    # scikit-learn's default solver stops at a gradient of about 1e-4 of the start's.
    np.testing.assert_allclose(found.x[:-1], reference.coef_[0], atol=1e-4)
    assert np.abs(found.jac).max() < 1e-6


def test_a_convolutional_network_tells_digits_apart():
    pytest.importorskip("sklearn")
    example = load("digits_cnn")
    X, X_test, y, y_test = example.load()
    model = example.network()
    example.fit(model, X, y)
    assert example.accuracy(model, X_test, y_test) >= 0.985


@pytest.mark.parametrize("kind", ["LSTMModel", "TransformerModel"])
def test_character_models_learn_more_than_frequencies(kind):
    example = load("character_model")
    alphabet, X, y = example.as_windows(example.read())
    train, held = example.hold_out(X[:800], y[:800])
    _, by_frequency = example.baselines(alphabet, train, held)
    model = getattr(example, kind)(len(alphabet))
    history = example.fit(model, train, held, epochs=4)
    assert history["val_loss"][-1] < by_frequency - 0.5
    assert len(example.sample(model, alphabet, "The ", 5)) == 9
