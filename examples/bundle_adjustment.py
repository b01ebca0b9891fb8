"""Find cameras and points from what the cameras see: bundle adjustment with a sparse Jacobian.

Each of 3,600 residuals depends on the six numbers of one camera and the three of one point, of some
thousand unknowns: `ad.jacobian(..., sparse=True)` is what `scipy.optimize.least_squares` takes. The
scene is made up, and the search starts from a disturbed copy of it.

    python examples/bundle_adjustment.py --out pictures
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares

import adjoint as ad

CAMERAS, POINTS, SEEN, FOCAL = 20, 300, 6, 500.0


def scene(seed=0):
    """Return cameras (rotation vector, position), points, and who sees which point."""
    rng = np.random.default_rng(seed)
    points = rng.uniform(-1, 1, (POINTS, 3))
    angle = np.linspace(0, 1.5 * np.pi, CAMERAS)
    cameras = np.zeros((CAMERAS, 6))
    cameras[:, 1] = angle + 0.05  # turned about the vertical axis, to look at the middle
    cameras[:, 5] = 6.0
    camera = np.stack([(n + np.arange(SEEN)) % CAMERAS for n in rng.integers(0, CAMERAS, POINTS)])
    return cameras, points, camera.ravel(), np.repeat(np.arange(POINTS), SEEN)


def rotated(v, w):
    """Return vectors turned by rotation vectors, by Rodrigues' formula."""
    angle = np.sqrt(np.sum(w * w, axis=1, keepdims=True))
    axis = w / angle
    along = np.sum(axis * v, axis=1, keepdims=True)
    return (
        v * np.cos(angle) + np.cross(axis, v) * np.sin(angle) + axis * along * (1 - np.cos(angle))
    )


def seen(x, camera, point):
    """Return where the cameras see the points, in pixels."""
    cameras = x[: 6 * CAMERAS].reshape(CAMERAS, 6)[camera]
    points = x[6 * CAMERAS :].reshape(POINTS, 3)[point]
    before = rotated(points, cameras[:, :3]) + cameras[:, 3:]
    return FOCAL * before[:, :2] / before[:, 2:]


def residuals_and_start(seed=0):
    """Return the residuals as a function of all unknowns, the start, and the true unknowns."""
    cameras, points, camera, point = scene(seed)
    rng = np.random.default_rng(seed + 1)
    true = np.concatenate([cameras.ravel(), points.ravel()])
    pixels = seen(true, camera, point) + 0.5 * rng.normal(size=(len(camera), 2))
    start = true + 0.1 * rng.normal(size=true.size)
    return (lambda x: (seen(x, camera, point) - pixels).reshape(-1)), start, true


def problem():
    """Return half of the sum of squares, and where it starts."""
    residuals, start, _ = residuals_and_start()
    return (lambda x: 0.5 * np.sum(residuals(x) ** 2)), start


def fit(seed=0):
    """Return SciPy's result and the root of the mean square of the residuals before and after."""
    residuals, start, _ = residuals_and_start(seed)
    found = least_squares(
        residuals,
        start,
        jac=ad.jacobian(residuals, sparse=True),
        x_scale="jac",
        tr_solver="lsmr",
        ftol=1e-6,
    )
    return found, np.sqrt(np.mean(residuals(start) ** 2)), np.sqrt(np.mean(found.fun**2))


def plot(found, path):
    """Draw how far off the cameras see it before and after, and the Jacobian's entries."""
    from matplotlib.figure import Figure

    residuals, start, _ = residuals_and_start()
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(*residuals(start).reshape(-1, 2).T, ".", markersize=2, label="at the start")
    left.plot(*found.fun.reshape(-1, 2).T, ".", markersize=2, label="adjusted")
    left.set(xlabel="pixels", ylabel="pixels", title="Seen, less expected")
    left.legend()
    right.spy(found.jac, markersize=0.3, aspect="auto")
    right.set(xlabel="unknown", ylabel="residual", title="Entries of the Jacobian")
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("pictures"), help="folder of the picture")
    path = parser.parse_args().out / "bundle_adjustment.png"
    begin = time.perf_counter()
    print("Adjusting 1,020 unknowns to 3,600 residuals; about five seconds.", flush=True)
    residuals, start, _ = residuals_and_start()
    jacobian = ad.jacobian(residuals, sparse=True)
    matrix = jacobian(start)
    print(f"  the Jacobian {matrix.shape} has {matrix.nnz / np.prod(matrix.shape):.2%} entries")
    found, before, after = fit()
    print(f"  {found.njev} Jacobians; the residuals fall from {before:.1f} to {after:.3f} pixels")
    path.parent.mkdir(parents=True, exist_ok=True)
    plot(found, path)
    print(f"Done in {time.perf_counter() - begin:.1f} s; the picture is {path}")


if __name__ == "__main__":
    main()
