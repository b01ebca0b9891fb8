"""Training the article's network whole: shuffle, gather, steps, loss record, beside its rivals.

2-4-4-2 with sigmoids, softmax cross-entropy, 1,000 rows in batches of 50, float64, plain gradient
descent, one thread. A time is that of a step, of epochs run in one call where the rival can.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
from timing import race, report

import adjoint as ad
from adjoint.compiler.native.fitting import NativeFit
from adjoint.compiler.native.machine import this_machine
from adjoint.nn.functional import cross_entropy

RATE, BATCH, ROWS = 0.05, 50, 1000
STEPS = ROWS // BATCH
X, Y = ad.datasets.make_moons(ROWS, noise=0.1, seed=0)

C_SOURCE = r"""
#include <math.h>
#include <stdint.h>
#include <string.h>
#define S(x) (1 / (1 + exp(-(x))))
static uint64_t state = 88172645463325252ull;
static uint64_t next(void) {
    state ^= state << 13; state ^= state >> 7; state ^= state << 17;
    return state;
}
typedef struct { double W1[2][4], b1[4], W2[4][4], b2[4], W3[4][2], b3[2]; } Net;

#define B 50
#define ROWS for (int r = 0; r < B; r++)
static double total(const double *x) { double s = 0; ROWS s += x[r]; return s; }
static double dot(const double *x, const double *y) {
    double s = 0; ROWS s += x[r] * y[r]; return s;
}

/* Rows innermost, so that the compiler may put them along the lanes. */
static double step(Net *p, const double (*X)[2], const int64_t *y, const int64_t *rows, double lr) {
    double x[2][B], z1[4][B], z2[4][B], a[2][B], t[B], d3[2][B], d2[4][B], d1[4][B], loss[B];
    Net g;
    ROWS { x[0][r] = X[rows[r]][0]; x[1][r] = X[rows[r]][1]; t[r] = y[rows[r]]; }
    for (int j = 0; j < 4; j++)
        ROWS z1[j][r] = S(p->b1[j] + x[0][r] * p->W1[0][j] + x[1][r] * p->W1[1][j]);
    for (int j = 0; j < 4; j++) {
        ROWS z2[j][r] = p->b2[j];
        for (int i = 0; i < 4; i++) ROWS z2[j][r] += z1[i][r] * p->W2[i][j];
        ROWS z2[j][r] = S(z2[j][r]);
    }
    for (int j = 0; j < 2; j++) {
        ROWS a[j][r] = p->b3[j];
        for (int i = 0; i < 4; i++) ROWS a[j][r] += z2[i][r] * p->W3[i][j];
    }
    ROWS {
        double m = a[0][r] > a[1][r] ? a[0][r] : a[1][r];
        double e0 = exp(a[0][r] - m), e1 = exp(a[1][r] - m), s = e0 + e1;
        loss[r] = log(s) + m - (t[r] == 0 ? a[0][r] : a[1][r]);
        d3[0][r] = (e0 / s - (t[r] == 0)) / B;
        d3[1][r] = (e1 / s - (t[r] == 1)) / B;
    }
    for (int i = 0; i < 4; i++) {
        ROWS d2[i][r] = (p->W3[i][0] * d3[0][r] + p->W3[i][1] * d3[1][r])
                        * z2[i][r] * (1 - z2[i][r]);
        for (int j = 0; j < 2; j++) g.W3[i][j] = dot(z2[i], d3[j]);
    }
    for (int i = 0; i < 4; i++) {
        ROWS d1[i][r] = 0;
        for (int j = 0; j < 4; j++) ROWS d1[i][r] += p->W2[i][j] * d2[j][r];
        ROWS d1[i][r] *= z1[i][r] * (1 - z1[i][r]);
        for (int j = 0; j < 4; j++) g.W2[i][j] = dot(z1[i], d2[j]);
    }
    for (int j = 0; j < 2; j++) g.b3[j] = total(d3[j]);
    for (int j = 0; j < 4; j++) {
        g.b1[j] = total(d1[j]);
        g.b2[j] = total(d2[j]);
        for (int i = 0; i < 2; i++) g.W1[i][j] = dot(x[i], d1[j]);
    }
    double *q = (double *)p, *d = (double *)&g;
    for (int i = 0; i < (int)(sizeof g / sizeof *d); i++) q[i] -= lr * d[i];
    return total(loss) / B;
}

void train(Net *p, const double (*X)[2], const int64_t *y, int64_t *rows, int64_t n, int64_t epochs,
           double lr, int64_t shuffled, double *losses) {
    for (int64_t e = 0; e < epochs; e++) {
        double sum = 0;
        for (int64_t i = 0; i < n; i++) rows[i] = i;
        for (int64_t i = n - 1; shuffled && i > 0; i--) {
            int64_t j = (int64_t)(((next() >> 32) * (uint64_t)(i + 1)) >> 32), k = rows[i];
            rows[i] = rows[j]; rows[j] = k;
        }
        for (int64_t s = 0; s + 50 <= n; s += 50) sum += step(p, X, y, rows + s, lr);
        losses[e] = sum / (n / 50);
    }
}
"""


def weights():
    return [np.array(p) for p in ad.nn.MLP(2, 4, 4, 2, rng=0).state_dict().values()]


def native(epochs):
    """Return adjoint's native training, and how many seconds it took to compile."""
    model = ad.nn.MLP(2, 4, 4, 2, rng=0)
    optimizer = ad.optim.SGD(model.parameters(), lr=RATE)
    start = perf_counter()
    fit = NativeFit(model, cross_entropy, optimizer, (X, Y), batch_size=BATCH, epochs=10**7, seed=0)
    seconds = perf_counter() - start

    def run():
        fit.advance(fit.epoch + epochs, lambda epoch, loss: None)

    return run, seconds


def eager(epochs):
    model = ad.nn.MLP(2, 4, 4, 2, rng=0)
    settings = {"batch_size": BATCH, "epochs": epochs, "progress": False, "compile": False}
    return lambda: ad.fit(
        model,
        (X, Y),
        loss="cross_entropy",
        optimizer=lambda p: ad.optim.SGD(p, lr=RATE),
        **settings,
    )


def by_hand(epochs, state=None, order=None):
    """Return the training as a person would write it in NumPy."""
    state = weights() if state is None else state
    rng, index = np.random.default_rng(0), np.arange(BATCH)
    losses = []

    def run():
        for _ in range(epochs):
            rows, total = order if order is not None else rng.permutation(ROWS), 0.0
            for start in range(0, ROWS, BATCH):
                batch = rows[start : start + BATCH]
                total += numpy_step(state, X[batch], Y[batch], index)
            losses.append(total / STEPS)
        return losses

    return run


def numpy_step(state, x, y, index):
    W1, b1, W2, b2, W3, b3 = state
    z1 = 1 / (1 + np.exp(-(x @ W1 + b1)))
    z2 = 1 / (1 + np.exp(-(z1 @ W2 + b2)))
    a3 = z2 @ W3 + b3
    exponentials = np.exp(a3 - a3.max(axis=1, keepdims=True))
    p = exponentials / exponentials.sum(axis=1, keepdims=True)
    loss = -np.log(p[index, y]).mean()
    d_a3 = p
    d_a3[index, y] -= 1
    d_a3 /= len(x)
    d_a2 = d_a3 @ W3.T * z2 * (1 - z2)
    d_a1 = d_a2 @ W2.T * z1 * (1 - z1)
    state[:] = [
        W1 - RATE * (x.T @ d_a1),
        b1 - RATE * d_a1.sum(axis=0),
        W2 - RATE * (z1.T @ d_a2),
        b2 - RATE * d_a2.sum(axis=0),
        W3 - RATE * (z2.T @ d_a3),
        b3 - RATE * d_a3.sum(axis=0),
    ]
    return float(loss)


def plain_c(folder, *flags):
    """Return the training in plain C as a function of epochs, or None without a compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    source, library = Path(folder, "train.c"), Path(folder, f"train{len(flags)}.so")
    source.write_text(C_SOURCE)
    command = [compiler, "-O3", "-march=native", *flags, "-shared", "-fPIC"]
    subprocess.run([*command, str(source), "-o", str(library), "-lm"], check=True)
    function = ctypes.CDLL(str(library)).train
    labels, rows = Y.astype(np.int64), np.zeros(ROWS, np.int64)

    def train(flat, epochs, *, shuffled=True):
        losses = np.zeros(epochs)
        pointers = [ctypes.c_void_p(a.ctypes.data) for a in (flat, X, labels, rows)]
        numbers = [ctypes.c_int64(ROWS), ctypes.c_int64(epochs), ctypes.c_double(RATE)]
        last = [ctypes.c_int64(shuffled), ctypes.c_void_p(losses.ctypes.data)]
        function(*pointers, *numbers, *last)
        return losses

    return train


def jax_scan(epochs):
    """Return JAX's training: one compiled scan over the steps of an epoch."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    data, labels = jnp.asarray(X), jnp.asarray(Y)

    def loss(p, x, y):
        z = jax.nn.sigmoid(x @ p[0] + p[1])
        z = jax.nn.sigmoid(z @ p[2] + p[3])
        a = z @ p[4] + p[5]
        return -jnp.take_along_axis(jax.nn.log_softmax(a), y[:, None], 1).mean()

    def step(p, rows):
        value, g = jax.value_and_grad(loss)(p, data[rows], labels[rows])
        return [a - RATE * b for a, b in zip(p, g, strict=True)], value

    def epoch(p, key):
        rows = jax.random.permutation(key, ROWS).reshape(STEPS, BATCH)
        p, values = jax.lax.scan(step, p, rows)
        return p, values.mean()

    train = jax.jit(lambda p, key: jax.lax.scan(epoch, p, jax.random.split(key, epochs)))
    state = [[jnp.asarray(w) for w in weights()], jax.random.PRNGKey(0)]

    def run():
        state[0], losses = train(*state)
        return losses.block_until_ready()

    return run


def pytorch(epochs):
    import torch

    torch.set_num_threads(1)
    parameters = [torch.tensor(w, requires_grad=True) for w in weights()]
    optimizer = torch.optim.SGD(parameters, lr=RATE)
    data, labels = torch.tensor(X), torch.tensor(Y)

    def run():
        for _ in range(epochs):
            order = torch.randperm(ROWS)
            for start in range(0, ROWS, BATCH):
                rows = order[start : start + BATCH]
                W1, b1, W2, b2, W3, b3 = parameters
                z = torch.sigmoid(data[rows] @ W1 + b1)
                a = torch.sigmoid(z @ W2 + b2) @ W3 + b3
                value = torch.nn.functional.cross_entropy(a, labels[rows])
                optimizer.zero_grad()
                value.backward()
                optimizer.step()

    return run


def scikit_learn(epochs):
    from sklearn.neural_network import MLPClassifier

    settings = {"solver": "sgd", "momentum": 0.0, "alpha": 0.0, "activation": "logistic"}
    model = MLPClassifier((4, 4), batch_size=BATCH, learning_rate_init=RATE, **settings)

    def run():
        for _ in range(epochs):
            model.partial_fit(X, Y, classes=[0, 1])

    return run


def check(c) -> None:
    """Native code, C and NumPy must do the same work; the order of the rows is their own."""
    model = ad.nn.MLP(2, 4, 4, 2, rng=0)
    history = ad.fit(
        model,
        (X, Y),
        loss="cross_entropy",
        optimizer=lambda p: ad.optim.SGD(p, lr=RATE),
        batch_size=BATCH,
        epochs=20,
        shuffle=False,
        compile=True,
    )
    losses = by_hand(20, order=np.arange(ROWS))()
    np.testing.assert_allclose(history.loss, losses, rtol=1e-10)
    if c is not None:
        flat = np.concatenate([w.ravel() for w in weights()])
        np.testing.assert_allclose(c(flat, 20, shuffled=False), losses, rtol=1e-10)


def main() -> None:
    os.environ["ADJOINT_CACHE"] = ""  # compiled here and now
    with tempfile.TemporaryDirectory() as folder:
        epochs = 200
        c, fast = plain_c(folder), plain_c(folder, "-ffast-math")
        this_machine()  # starts LLVM, once a process
        run, seconds = native(epochs)
        check(c)
        rivals = {"hand-written NumPy": (by_hand(2), 2), "adjoint, native": (run, epochs)}
        rivals["adjoint, eager"] = eager(2), 2
        for name, train in (("plain C, -O3", c), ("plain C, -O3 -ffast-math", fast)):
            if train is not None:
                flat = np.concatenate([w.ravel() for w in weights()])
                rivals[name] = (lambda train=train, flat=flat: train(flat, epochs)), epochs
        for name, module, make, count in (
            ("JAX, scan over the epochs", "jax", jax_scan, 20),
            ("PyTorch, eager", "torch", pytorch, 1),
            ("scikit-learn", "sklearn", scikit_learn, 1),
        ):
            if importlib.util.find_spec(module):
                rivals[name] = make(count), count
        times = race({name: run for name, (run, _) in rivals.items()}, rounds=9)
        steps = {name: count * STEPS for name, (_, count) in rivals.items()}
        per_step = {name: time / steps[name] for name, time in times.items()}
    report("Training the article's network (2-4-4-2, batch 50)", per_step, unit="a step")
    if "--json" not in sys.argv:
        print(f"  adjoint's compilation, trace included: {seconds * 1e3:.0f} ms")


if __name__ == "__main__":
    main()
