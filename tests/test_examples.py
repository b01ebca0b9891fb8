"""The examples run, and reach what they say."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sampled import sampled

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
    found, slopes = example.fit(X, y)
    reference = example.LogisticRegression(C=1.0, tol=1e-10, max_iter=10_000).fit(X[:, :-1], y)
    # scikit-learn's default solver stops at a gradient of about 1e-4 of the start's.
    np.testing.assert_allclose(found.x[:-1], reference.coef_[0], atol=1e-4)
    assert np.abs(found.jac).max() < 1e-6
    # What the picture shows: second derivatives spare steps.
    assert len(slopes) < len(example.fit_by_gradient(X, y)[1]) / 2


def test_a_convolutional_network_tells_digits_apart(tmp_path):
    pytest.importorskip("matplotlib")
    pytest.importorskip("sklearn")
    example = load("digits_cnn")
    X, X_test, y, y_test = example.load()
    model = example.network()
    example.fit(model, X, y)
    assert example.accuracy(model, X_test, y_test) >= 0.985
    example.plot(model, X_test, y_test, tmp_path / "digits.png")
    assert (tmp_path / "digits.png").stat().st_size > 10_000


@pytest.mark.parametrize("kind", sampled(["TransformerModel", "LSTMModel"], 2))
def test_character_models_learn_more_than_frequencies(kind, tmp_path):
    pytest.importorskip("matplotlib")
    example = load("character_model")
    alphabet, X, y = example.as_windows(example.read())
    train, held = example.hold_out(X[:800], y[:800])
    even, by_frequency = example.baselines(alphabet, train, held)
    model = getattr(example, kind)(len(alphabet))
    history = example.fit(model, train, held, epochs=4)
    assert history["val_loss"][-1] < by_frequency - 0.5
    assert len(example.sample(model, alphabet, "The ", 5)) == 9
    example.plot({kind: history}, even, by_frequency, tmp_path / "losses.png")
    assert (tmp_path / "losses.png").stat().st_size > 10_000


def test_quantiles_cover_what_they_say():
    example = load("quantile_regression")
    X, y = example.data()
    model, _ = example.fit(X, y, epochs=40)
    # Two standard deviations of a share of 2,000 points, and as much for the network's own error.
    np.testing.assert_allclose(
        example.coverage(model, *example.data(seed=1)), example.LEVELS, atol=0.04
    )


def test_dropout_and_batch_norm_withstand_wrong_labels(tmp_path):
    pytest.importorskip("matplotlib")
    pytest.importorskip("sklearn")
    example = load("noisy_labels")
    plain, regular = (
        example.train(is_regular=is_regular, seed=0, epochs=25) for is_regular in (False, True)
    )
    assert regular["val_accuracy"][-1] > plain["val_accuracy"][-1] + 0.03
    example.plot({"plain": [plain], "regular": [regular]}, tmp_path / "accuracy.png")
    assert (tmp_path / "accuracy.png").stat().st_size > 10_000


# The others take three seconds to a minute; `pytest --full` waits for them.
QUICK = ["fit_with_scipy", "quantile_regression"]


@pytest.mark.parametrize("name", sorted(path.stem for path in EXAMPLES.glob("*.py")))
def test_an_example_says_what_it_does_and_writes_a_picture(name, tmp_path, full):
    pytest.importorskip("matplotlib")
    pytest.importorskip("sklearn")
    if name not in QUICK and not full:
        pytest.skip("slow: pytest --full")
    run = subprocess.run(
        [sys.executable, EXAMPLES / f"{name}.py", "--out", tmp_path / "new" / "folder"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert run.returncode == 0, run.stderr
    first, *progress, last = run.stdout.splitlines()
    assert "about" in first
    assert len(progress) >= 2
    picture = tmp_path / "new" / "folder" / f"{name}.png"
    assert last.startswith("Done in")
    assert last.endswith(f"the picture is {picture}")
    assert picture.read_bytes().startswith(b"\x89PNG")
