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


def test_quantiles_cover_what_they_say(tmp_path):
    pytest.importorskip("matplotlib")
    example = load("quantile_regression")
    X, y = example.data()
    model, _ = example.fit(X, y, epochs=40)
    # Two standard deviations of a share of 2,000 points, and as much for the network's own error.
    np.testing.assert_allclose(
        example.coverage(model, *example.data(seed=1)), example.LEVELS, atol=0.04
    )
    example.plot(model, X, y, tmp_path / "quantiles.png")
    assert (tmp_path / "quantiles.png").stat().st_size > 10_000


def test_dropout_and_batch_norm_withstand_wrong_labels():
    pytest.importorskip("sklearn")
    example = load("noisy_labels")
    plain, regular = (
        example.accuracy(is_regular=is_regular, seed=0, epochs=25) for is_regular in (False, True)
    )
    assert regular > plain + 0.03
