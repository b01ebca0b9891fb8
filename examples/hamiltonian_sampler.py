"""Sample a posterior by Hamiltonian Monte Carlo: eight schools.

The estimates and standard errors of what coaching adds to a test's score in eight schools (Rubin,
1981) share a mean μ and a spread τ. The sampler follows the gradient of the log-density, which is
compiled: a step of the sampler is twenty calls of some microseconds.

    python examples/hamiltonian_sampler.py --out pictures
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

import adjoint as ad

EFFECTS = np.array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])
ERRORS = np.array([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])
STEPS, SIZE = 20, 0.25


def energy(q):
    """Return the negative log-density of μ / 5, log τ and each school's (θ - μ) / τ.

    The priors are normal for μ, with spread 5, half Cauchy for τ, with scale 5.
    """
    mean, log_spread, offsets = 5 * q[0], q[1], q[2:]
    effects = mean + np.exp(log_spread) * offsets
    fit = 0.5 * np.sum(((EFFECTS - effects) / ERRORS) ** 2)
    prior = 0.5 * q[0] ** 2 + 0.5 * np.sum(offsets**2)
    return fit + prior + np.log1p(np.exp(2 * log_spread) / 25) - log_spread


def problem():
    """Return the energy, and where the sampler starts."""
    return energy, np.concatenate([[1.0, 1.0], np.zeros(8)])


def sample(count=2000, seed=0):
    """Return samples, (count, 10), and the share of proposals that was accepted."""
    function, q = problem()
    both = ad.compile(ad.value_and_grad(function))
    rng = np.random.default_rng(seed)
    samples, accepted = np.empty((count, q.size)), 0
    value, slope = both(q)
    for n in range(count):
        p = rng.normal(size=q.size)
        size = SIZE * rng.uniform(0.7, 1.3)
        x, force = q, slope
        start = value + 0.5 * (p @ p)
        p = p - size / 2 * force
        for _ in range(STEPS):  # leapfrog: half a step of the momentum, then whole ones
            x = x + size * p
            proposed, force = both(x)
            p = p - size * force
        p = p + size / 2 * force
        if np.log(rng.uniform()) < start - proposed - 0.5 * (p @ p):
            q, value, slope = x, proposed, force
            accepted += 1
        samples[n] = q
    return samples, accepted / count


def plot(samples, path):
    """Draw each school's effect, its own estimate beside the shared one, and μ and τ."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    mean, spread = 5 * samples[:, 0], np.exp(samples[:, 1])
    effects = mean[:, None] + spread[:, None] * samples[:, 2:]
    schools = np.arange(8)
    low, middle, high = np.quantile(effects, [0.1, 0.5, 0.9], axis=0)
    left.errorbar(schools - 0.1, EFFECTS, 1.28 * ERRORS, fmt="o", label="its own data")
    left.errorbar(schools + 0.1, middle, [middle - low, high - middle], fmt="s", label="shared")
    left.set_xticks(schools, list("ABCDEFGH"))
    left.set(xlabel="school", ylabel="points", title="What coaching adds, with 80 % intervals")
    left.legend()
    right.plot(mean, spread, ".", markersize=1)
    right.set(xlabel="mean μ", ylabel="spread τ", yscale="log", title=f"{len(samples)} samples")
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("pictures"), help="folder of the picture")
    path = parser.parse_args().out / "hamiltonian_sampler.png"
    begin = time.perf_counter()
    print("Drawing 2,000 samples; about two seconds.", flush=True)
    samples, accepted = sample()
    kept = samples[500:]
    print(f"  {accepted:.0%} of the proposals were accepted")
    print(f"  mean {5 * kept[:, 0].mean():.1f}, spread {np.exp(kept[:, 1]).mean():.1f} points")
    path.parent.mkdir(parents=True, exist_ok=True)
    plot(kept, path)
    print(f"Done in {time.perf_counter() - begin:.1f} s; the picture is {path}")


if __name__ == "__main__":
    main()
