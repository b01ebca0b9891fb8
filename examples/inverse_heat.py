"""Find the heat that flowed into a rod from the temperature measured inside of it.

The conductivity grows with the temperature, so that the problem is not linear. The temperatures are
updated in place, as one writes it in NumPy, and the whole simulation is differentiated by 25
numbers, the flow at knots in time. Rough flows are penalised.

    python examples/inverse_heat.py --out pictures
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

import adjoint as ad

CELLS, STEPS, DT = 8, 160, 1 / 160
DX = 1 / CELLS
SENSOR, NOISE, PENALTY = 1, 0.003, 0.01
TIMES = np.arange(STEPS) * DT
KNOTS = np.linspace(0, 1, 25)


def simulate(q):
    """Return the sensor's temperature after each step, given the flow at the knots."""
    flow = np.interp(TIMES, KNOTS, q)
    u = ad.zeros(CELLS)
    seen = ad.zeros(STEPS)
    for n in range(STEPS):
        k = 0.5 + 0.25 * (u[1:] + u[:-1])
        between = k * (u[1:] - u[:-1]) / DX
        u[:-1] += DT / DX * between
        u[1:] -= DT / DX * between
        u[0] += DT / DX * flow[n]
        seen[n] = u[SENSOR]
    return seen


def true_flow(t):
    """Return the flow that is to be found: a ramp, a pause and a pulse."""
    return np.where(t < 0.4, 2.5 * t, 0.0) + np.exp(-(((t - 0.7) / 0.06) ** 2))


def measure(seed=0):
    """Return the sensor's readings."""
    exact = simulate(true_flow(KNOTS))
    return exact.numpy() + NOISE * np.random.default_rng(seed).normal(size=STEPS)


def problem():
    """Return the function that is minimised, and where it starts."""
    readings = measure()

    def loss(q):
        misfit = np.mean((simulate(q) - readings) ** 2) / NOISE**2
        return misfit + PENALTY * np.sum(np.diff(q, 2) ** 2)

    return loss, np.zeros(len(KNOTS))


def fit(iterations=60):
    """Return the flow at the knots."""
    function, start = problem()
    return minimize(
        ad.compile(ad.value_and_grad(function)),
        start,
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": iterations},
    ).x


def plot(q, path):
    """Draw the flow that was found beside the true one, and the readings."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 5), layout="constrained")
    above, below = figure.subplots(2, sharex=True)
    above.plot(KNOTS, true_flow(KNOTS), "k--", label="true")
    above.plot(KNOTS, q, "o-", label="found")
    above.set(ylabel="heat flow", title="What flowed into the rod, seen from inside")
    above.legend()
    below.plot(TIMES, measure(), ".", markersize=3, label="readings")
    below.plot(TIMES, simulate(q).numpy(), label="simulated")
    below.set(xlabel="time", ylabel="temperature")
    below.legend()
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("pictures"), help="folder of the picture")
    path = parser.parse_args().out / "inverse_heat.png"
    begin = time.perf_counter()
    print("Finding 25 numbers from 160 readings; about five seconds.", flush=True)
    q = fit()
    error = np.abs(q - true_flow(KNOTS))[:-2]
    print(f"  {STEPS} steps of {CELLS} temperatures, updated in place, for each gradient")
    print(f"  the flow is found to {error.mean():.3f} on average, {error.max():.3f} at most")
    path.parent.mkdir(parents=True, exist_ok=True)
    plot(q, path)
    print(f"Done in {time.perf_counter() - begin:.1f} s; the picture is {path}")


if __name__ == "__main__":
    main()
