"""Fit a Gaussian process: its length scale, amplitude and noise by the marginal likelihood.

The matrix of covariances is factorised by Cholesky, and the gradient goes through the factor. The
data are made up: a damped oscillation with noise and a gap, in which the prediction widens.

    python examples/gaussian_process.py --out pictures
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

import adjoint as ad


def data(seed=0):
    """Return places and noisy values, with a gap."""
    rng = np.random.default_rng(seed)
    x = np.sort(np.concatenate([rng.uniform(0, 4, 40), rng.uniform(6, 9, 30)]))
    return x, truth(x) + 0.1 * rng.normal(size=x.size)


def truth(x):
    """Return the curve behind the data."""
    return np.exp(-x / 5) * np.sin(3 * x)


def covariance(a, b, p):
    """Return the covariances of two sets of places; p holds logarithms."""
    distance = (a[:, None] - b[None, :]) / np.exp(p[0])
    return np.exp(2 * p[1]) * np.exp(-0.5 * distance**2)


def problem(seed=0):
    """Return the negative log-likelihood of three logarithms, and where it starts."""
    x, y = data(seed)
    eye = np.eye(x.size)

    def loss(p):
        factor = np.linalg.cholesky(covariance(x, x, p) + (np.exp(2 * p[2]) + 1e-8) * eye)
        white = np.linalg.solve(factor, y)
        return 0.5 * np.sum(white**2) + np.sum(np.log(np.diagonal(factor)))

    return loss, np.log([1.0, 1.0, 0.3])


def fit(seed=0):
    """Return the logarithms of length scale, amplitude and noise, and how often it was called."""
    loss, start = problem(seed)
    found = minimize(ad.compile(ad.value_and_grad(loss)), start, jac=True, method="BFGS")
    return found.x, found.nfev


def predict(p, places, seed=0):
    """Return the mean and the standard deviation of the curve at some places."""
    x, y = data(seed)
    between = covariance(places, x, p)
    inverse = np.linalg.inv(covariance(x, x, p) + np.exp(2 * p[2]) * np.eye(x.size))
    variance = np.exp(2 * p[1]) - np.sum(between @ inverse * between, axis=1)
    return between @ inverse @ y, np.sqrt(np.maximum(variance, 0))


def plot(p, path):
    """Draw the data, the curve and the band of two standard deviations."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    places = np.linspace(-0.5, 10, 400)
    mean, spread = predict(p, places)
    axes.plot(places, truth(places), "k--", linewidth=1, label="truth")
    axes.plot(places, mean, label="mean")
    axes.fill_between(
        places, mean - 2 * spread, mean + 2 * spread, alpha=0.2, label="two standard deviations"
    )
    axes.plot(*data(), ".", label="data")
    axes.set(title=f"Length scale {np.exp(p[0]):.2f}, noise {np.exp(p[2]):.3f}", xlabel="x")
    axes.legend()
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("pictures"), help="folder of the picture")
    path = parser.parse_args().out / "gaussian_process.png"
    begin = time.perf_counter()
    print("Fitting three numbers to 70 points; about two seconds.", flush=True)
    p, calls = fit()
    scale, amplitude, noise = np.exp(p)
    print(f"  {calls} calls; length scale {scale:.3f}, amplitude {amplitude:.3f}")
    print(f"  noise {noise:.3f}; it was 0.1")
    path.parent.mkdir(parents=True, exist_ok=True)
    plot(p, path)
    print(f"Done in {time.perf_counter() - begin:.1f} s; the picture is {path}")


if __name__ == "__main__":
    main()
