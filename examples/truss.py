"""Find how a truss bends under a load by Newton's method with sparse Hessians.

Each bar resists being stretched, and the joints move until the energy is least: large
displacements, so that it is no linear problem. A joint meets at most five others, and the Hessian
of 800 coordinates is nearly all 0: `ad.hessian(..., sparse=True)` finds it by a dozen sweeps.

    python examples/truss.py --out pictures
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from scipy.sparse.linalg import spsolve

import adjoint as ad

BAYS, STIFFNESS = 200, 1000.0


def bars(bays=BAYS):
    """Return the joints of two rails, (2 (bays + 1), 2), and the two ends of each bar."""
    n = np.arange(bays + 1)
    joints = np.concatenate([np.stack([n, 0 * n], 1), np.stack([n, 0 * n + 1], 1)]).astype(float)
    low, high = n, n + bays + 1
    first = np.concatenate([low[:-1], high[:-1], low, low[:-1], high[:-1]])
    second = np.concatenate([low[1:], high[1:], high, high[1:], low[1:]])
    return joints, first, second


def loads(joints):
    """Return the weight on each joint, such that trusses of any length bend to one shape."""
    return np.where(joints[:, 1] == 0, -1e5 / len(joints) ** 3, 0.0)


def problem(bays=BAYS):
    """Return the energy of the free joints' displacements, and where it starts."""
    joints, first, second = bars(bays)
    lengths = np.sqrt(np.sum((joints[first] - joints[second]) ** 2, axis=1))
    weight = loads(joints)
    fixed = (joints[:, 0] == 0) | (joints[:, 0] == bays)
    # The place of each coordinate among the free ones, of which the first one stands for a 0.
    places = np.where(np.repeat(~fixed, 2), np.cumsum(np.repeat(~fixed, 2)), 0)

    def energy(x):
        moved = np.concatenate([np.zeros(1), x])[places].reshape(-1, 2)
        between = (joints + moved)[first] - (joints + moved)[second]
        stretch = np.sqrt(np.sum(between**2, axis=1)) - lengths
        return STIFFNESS / 2 * np.sum(stretch**2 / lengths) - np.sum(weight * moved[:, 1])

    return energy, np.zeros(2 * int(np.sum(~fixed)))


def solve(bays=BAYS):
    """Return the displacements of least energy, and the size of the gradient after each step."""
    energy, x = problem(bays)
    gradient, hessian = ad.grad(energy), ad.hessian(energy, sparse=True)
    slope, sizes = gradient(x), []
    while not sizes or (sizes[-1] > 1e-9 and len(sizes) < 50):
        direction = -spsolve(hessian(x).tocsc(), slope)
        t = 1.0
        while t > 1e-6 and energy(x + t * direction) > energy(x) + 1e-4 * t * (slope @ direction):
            t /= 2
        x = x + t * direction
        slope = gradient(x)
        sizes.append(np.abs(slope).max())
    return x, sizes


def plot(x, path, bays=24):
    """Draw the truss, its bars coloured by how they are stretched."""
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure

    joints, first, second = bars(bays)
    moved = joints.copy()
    inner = (joints[:, 0] > 0) & (joints[:, 0] < bays)
    moved[inner] += x.reshape(-1, 2)

    def lengths(at):
        return np.linalg.norm(at[first] - at[second], axis=1)

    strain = lengths(moved) / lengths(joints) - 1
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    axes = figure.subplots()
    lines = LineCollection(
        np.stack([moved[first], moved[second]], axis=1), cmap="coolwarm", linewidths=3
    )
    lines.set_array(strain)
    lines.set_clim(-np.abs(strain).max(), np.abs(strain).max())
    axes.add_collection(lines)
    axes.autoscale()
    axes.set_aspect("equal")
    axes.set(xlabel="bays", ylabel="height", title=f"A truss of {len(first)} bars under its load")
    figure.colorbar(lines, label="strain")
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("pictures"), help="folder of the picture")
    path = parser.parse_args().out / "truss.png"
    begin = time.perf_counter()
    print("Newton's method in 796 coordinates; about a second.", flush=True)
    energy, _ = problem()
    found = time.perf_counter()
    x, sizes = solve()
    seconds = time.perf_counter() - found
    entries = ad.hessian(energy, sparse=True)(x).nnz
    print(f"  {len(sizes)} steps in {seconds:.2f} s; the gradient is at most {sizes[-1]:.0e}")
    print(f"  a Hessian has {entries} entries of {x.size**2} that may be other than 0")
    print(
        f"  the middle sinks by {-x.reshape(-1, 2)[:, 1].min():.1f} bays; the picture shows 24 bays"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    plot(solve(24)[0], path)
    print(f"Done in {time.perf_counter() - begin:.1f} s; the picture is {path}")


if __name__ == "__main__":
    main()
