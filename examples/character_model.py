"""Train two character models on the project's own pages: an LSTM, and a small transformer.

Each sees windows of text and predicts, at every place, the next character. The loss is the mean of
-log p of the characters that came, in nats, on windows that were held out. Guessing evenly among
all characters gives log c, guessing by their frequency the entropy of that: what a model reaches
below, it knows from the characters before.

    python examples/character_model.py --out pictures
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

import adjoint as ad
from adjoint import nn

ROOT = Path(__file__).parent.parent
LENGTH = 48
# Pages are added to the documentation; what is read, and how long it takes, stays.
MOST_READ = 150_000


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
    """Return the beginning of the README and of the pages that explain, in English."""
    pages = sorted((ROOT / "docs/explanation").glob("*.md"))
    paths = [ROOT / "README.md", ROOT / "docs/architecture.md", *pages]
    return "".join(path.read_text(encoding="utf-8") for path in paths)[:MOST_READ]


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


def show(history, model):
    losses = f"loss {history.loss[-1]:.3f}, held out {history['val_loss'][-1]:.3f}"
    print(f"  epoch {len(history)}: {losses}", flush=True)


def fit(model, train, held, *, epochs, lr=3e-3, callbacks=()):
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
        callbacks=callbacks,
        progress=False,
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


def plot(histories, even, by_frequency, path):
    """Draw the loss on what was held out, by the name of the model, beside two ways to guess."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for name, history in histories.items():
        axes.plot(history.epochs, history["val_loss"], marker=".", label=name)
    axes.axhline(even, color="0.6", linestyle=":", label="guessing evenly")
    axes.axhline(by_frequency, color="0.3", linestyle="--", label="guessing by frequency")
    axes.set(xlabel="epoch", ylabel="loss on held-out text, nats a character", ylim=(0, None))
    axes.set_title("What the characters before tell")
    axes.legend()
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("pictures"), help="folder of the picture")
    path = parser.parse_args().out / "character_model.png"
    begin = time.perf_counter()
    alphabet, X, y = as_windows(read())
    train, held = hold_out(X, y)
    even, by_frequency = baselines(alphabet, train, held)
    print(f"Two models read {X.size:,} characters fifteen times; about a minute.", flush=True)
    print(f"Guessing evenly has a loss of {even:.3f}, by frequency {by_frequency:.3f}.")
    histories = {}
    for name, kind in (("LSTM", LSTMModel), ("transformer", TransformerModel)):
        print(f"\n{name}: compiling, then 15 epochs", flush=True)
        model = kind(len(alphabet))
        histories[name] = fit(model, train, held, epochs=15, callbacks=[show])
        print(f"{histories[name].report()}\nIt writes:")
        print(sample(model, alphabet, "The derivative ", 200), flush=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    plot(histories, even, by_frequency, path)
    print(f"Done in {time.perf_counter() - begin:.0f} s; the picture is {path}")


if __name__ == "__main__":
    main()
