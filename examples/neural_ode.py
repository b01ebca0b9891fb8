"""Learn a differential equation from a path: a neural ODE.

A small network gives the slope at each place, Runge and Kutta's method follows it, and the loss is
how far the path is from the observed one. The gradient goes back through all steps of the solver;
it is compiled as one function.

    python examples/neural_ode.py --out pictures
"""

from __future__ import annotations

import argparse
import itertools
import math
import time
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

import adjoint as ad

HIDDEN, STEPS, H = 12, 40, 0.15
SIZES = [(2, HIDDEN), (HIDDEN,), (HIDDEN, 2), (2,)]
TRUE = np.array([[-0.15, 2.0], [-2.0, -0.15]])


def unpacked(w):
    """Return the weights of the two layers as arrays."""
    ends = [0, *itertools.accumulate(math.prod(shape) for shape in SIZES)]
    parts = zip(ends[:-1], ends[1:], SIZES, strict=True)
    return [w[a:b].reshape(shape) for a, b, shape in parts]


def slope(z, layers):
    """Return the network's slope; it sees cubes, as in Chen and others' example of 2018."""
    W, b, V, c = layers
    return np.tanh(z**3 @ W + b) @ V + c


def path_of(z, rate, steps=STEPS, h=H):
    """Return the places after 0, 1, … steps."""
    path = [z]
    for _ in range(steps):
        a = rate(z)
        b = rate(z + h / 2 * a)
        c = rate(z + h / 2 * b)
        d = rate(z + h * c)
        z = z + h / 6 * (a + 2 * b + 2 * c + d)
        path.append(z)
    return np.stack(path)


def observed():
    """Return the path of the true equation."""
    return path_of(np.array([2.0, 0.0]), lambda z: z**3 @ TRUE)


def problem(seed=0):
    """Return the loss of the weights, and where it starts."""
    target = observed()
    rng = np.random.default_rng(seed)
    start = np.concatenate([0.3 * rng.normal(size=math.prod(shape)) for shape in SIZES])

    def loss(w):
        layers = unpacked(w)
        # Short pieces, each from an observed place, so that errors do not grow at first.
        pieces = path_of(target[:-4], lambda z: slope(z, layers), steps=4)
        ahead = np.stack([target[n : n - 4 or None] for n in (1, 2, 3, 4)])
        return np.mean((pieces[1:] - ahead) ** 2)

    return loss, start


def fit(iterations=400):
    """Return the weights, and the loss after each step."""
    loss, start = problem()
    losses, function = [], ad.compile(ad.value_and_grad(loss))
    found = minimize(
        function,
        start,
        jac=True,
        method="L-BFGS-B",
        callback=lambda w: losses.append(float(function(w)[0])),
        options={"maxiter": iterations, "maxfun": 10 * iterations},
    )
    return found.x, losses


def plot(w, losses, path):
    """Draw both paths, and how the loss fell."""
    from matplotlib.figure import Figure

    learned = path_of(np.array([2.0, 0.0]), lambda z: slope(z, unpacked(w)))
    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(*observed().T, "o", label="observed")
    left.plot(*learned.T, label="learned")
    left.set(title="The path", aspect="equal")
    left.legend()
    right.semilogy(losses)
    right.set(xlabel="step", title="Mean squared error")
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("pictures"), help="folder of the picture")
    path = parser.parse_args().out / "neural_ode.png"
    begin = time.perf_counter()
    print("Learning 62 weights from 41 places; about five seconds.", flush=True)
    w, losses = fit()
    print(f"  the loss fell from {losses[0]:.1e} to {losses[-1]:.1e} in {len(losses)} steps")
    learned = path_of(np.array([2.0, 0.0]), lambda z: slope(z, unpacked(w)))
    print(f"  the whole path is off by {np.abs(learned - observed()).max():.3f} at most")
    path.parent.mkdir(parents=True, exist_ok=True)
    plot(w, losses, path)
    print(f"Done in {time.perf_counter() - begin:.1f} s; the picture is {path}")


if __name__ == "__main__":
    main()
