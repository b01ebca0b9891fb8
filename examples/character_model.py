"""Train two character models on the project's own pages: an LSTM, and a small transformer.

Each sees windows of text and predicts, at every place, the next character. The loss is the mean of
-log p of the characters that came, in nats, on windows that were held out. Guessing evenly among
all characters gives log c, guessing by their frequency the entropy of that: what a model reaches
below, it knows from the characters before.

    python examples/character_model.py
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

import adjoint as ad
from adjoint import nn

ROOT = Path(__file__).parent.parent
LENGTH = 48


class LSTMModel(nn.Module):
    """Reads on and on, and keeps what it needs in a state."""

    def __init__(self, characters, width=128, *, rng=0):
        rng = np.random.default_rng(rng)
        self.embedding = nn.Embedding(characters, 32, rng=rng, dtype=np.float32)
        self.memory = nn.LSTM(32, width, rng=rng, dtype=np.float32)
        self.output = nn.Linear(width, characters, rng=rng, dtype=np.float32)

    def forward(self, numbers):
        outputs, _ = self.memory(self.embedding(numbers))
        return self.output(outputs)


class TransformerModel(nn.Module):
    """Looks back at every place of the window, which has to be told apart by what is added."""

    def __init__(self, characters, width=64, *, layers=2, rng=0):
        rng = np.random.default_rng(rng)
        self.embedding = nn.Embedding(characters, width, rng=rng, dtype=np.float32)
        places = rng.normal(0, 0.1, (LENGTH, width))
        self.places = nn.Parameter(places.astype(np.float32))
        self.layers = [
            nn.TransformerEncoderLayer(width, 4, norm_first=True, rng=rng, dtype=np.float32)
            for _ in range(layers)
        ]
        self.norm = nn.LayerNorm(width, dtype=np.float32)
        self.output = nn.Linear(width, characters, rng=rng, dtype=np.float32)

    def forward(self, numbers):
        x = self.embedding(numbers) + self.places[: numbers.shape[1]]
        for layer in self.layers:
            x = layer(x, causal=True)
        return self.output(self.norm(x))


def read():
    """Return the text of the README and of the pages that explain, in English."""
    pages = sorted((ROOT / "docs/explanation").glob("*.md"))
    paths = [ROOT / "README.md", ROOT / "docs/architecture.md", *pages]
    return "".join(path.read_text(encoding="utf-8") for path in paths)


def as_windows(text):
    """Return the characters that occur, and windows of their numbers and of those that follow."""
    alphabet, numbers = np.unique(list(text), return_inverse=True)
    count = (len(numbers) - 1) // LENGTH
    X, y = (numbers[start : start + count * LENGTH].reshape(count, LENGTH) for start in (0, 1))
    return alphabet, X, y


def hold_out(X, y):
    """Return all but each tenth window, and these."""
    held = np.arange(len(X)) % 10 == 9
    return (X[~held], y[~held]), (X[held], y[held])


def baselines(alphabet, train, held):
    """Return the loss of guessing evenly, and of guessing by frequency."""
    # One more of each, so that none is impossible.
    counts = np.bincount(train[1].ravel(), minlength=len(alphabet)) + 1
    return np.log(len(alphabet)), -np.log(counts / counts.sum())[held[1]].mean()


def fit(model, train, held, *, epochs, lr=3e-3):
    """Train a model; returns the history."""
    return ad.fit(
        model,
        train,
        validation=held,
        loss="cross_entropy",
        optimizer=lambda params: ad.optim.Adam(params, lr=lr).clip_gradients(norm=1.0),
        epochs=epochs,
        batch_size=32,
        seed=0,
        compile=True,
    )


def sample(model, alphabet, start, count, *, rng=0):
    """Return ``start`` and so many characters more, each drawn by the model's probabilities."""
    rng = np.random.default_rng(rng)
    numbers = list(np.searchsorted(alphabet, list(start)))
    with ad.no_grad():
        for _ in range(count):
            logits = model(np.array([numbers[-LENGTH:]]))[0, -1]
            probabilities = ad.softmax(logits).data.astype(float)
            numbers.append(rng.choice(len(alphabet), p=probabilities / probabilities.sum()))
    return "".join(alphabet[numbers])


def main() -> None:
    alphabet, X, y = as_windows(read())
    train, held = hold_out(X, y)
    even, by_frequency = baselines(alphabet, train, held)
    print(f"{X.size:,} characters, {len(alphabet)} different ones")
    print(f"guessing evenly {even:.3f}, by frequency {by_frequency:.3f}")
    for kind, epochs in ((LSTMModel, 15), (TransformerModel, 15)):
        model, begin = kind(len(alphabet)), time.perf_counter()
        history = fit(model, train, held, epochs=epochs)
        seconds = time.perf_counter() - begin
        print(f"\n{kind.__name__}: loss {history['val_loss'][-1]:.3f} after {seconds:.0f} s")
        print(history.report())
        print(sample(model, alphabet, "The derivative ", 200))


if __name__ == "__main__":
    main()
