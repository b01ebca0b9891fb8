"""Products of matrices of many shapes: compiled, beside NumPy's BLAS, on one thread.

`python -m benchmarks.products ROUNDS SECONDS SHAPES` is the process in which both work; it prints
the times as JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from .process import environment, run_to_end
from .race import Effort, difference
from .rival import SkippedError, repeated, timed
from .table import Row, Table
from .timing import turns

Array = np.ndarray[Any, Any]
# The sums are taken in another order than the BLAS takes them.
TOLERANCE = {"float32": 1e-4, "float64": 1e-12}
_SHAPES, _LONGEST, _WORST = 200, 512, 6


class Shape(NamedTuple):
    """A product (m, k) (k, n); a factor that is turned is the transpose of a contiguous array."""

    m: int
    k: int
    n: int
    dtype: str
    left_turned: bool
    right_turned: bool

    def __str__(self) -> str:
        turned = [name for name, is_so in zip("AB", self[4:], strict=True) if is_so]
        return f"({self.m}, {self.k}) ({self.k}, {self.n}) {self.dtype}" + (
            f", {' and '.join(turned)} transposed" if turned else ""
        )

    def factors(self) -> tuple[Array, Array]:
        """Return the factors, as views of contiguous arrays."""
        rng = np.random.default_rng(prod(self[:3]))

        def made(rows: int, columns: int, is_turned: bool) -> Array:
            sizes = (columns, rows) if is_turned else (rows, columns)
            contiguous = rng.normal(size=sizes).astype(self.dtype)
            return contiguous.T if is_turned else contiguous

        return made(self.m, self.k, self.left_turned), made(self.k, self.n, self.right_turned)


def shapes(count: int = _SHAPES) -> list[Shape]:
    """Return shapes whose sizes are spread evenly over the orders of magnitude from 1 to 512.

    A quarter of them are heads of few classes: at most ten columns behind a long depth.
    """
    rng = np.random.default_rng(0)
    found = []
    for number in range(count):
        m, k, n = (int(size) for size in 2 ** rng.uniform(0, np.log2(_LONGEST + 0.99), 3))
        if number % 4 == 0:
            n, k = int(rng.integers(2, 11)), max(k, 64)
        turned = bool(rng.integers(2)), bool(rng.integers(2))
        found.append(Shape(m, k, n, ("float32", "float64")[number // 2 % 2], *turned))
    return found


_PRODUCTS: dict[tuple[bool, bool], Callable[[Any, Any], Any]] = {
    (False, False): lambda x, y: x @ y,
    (True, False): lambda x, y: x.T @ y,
    (False, True): lambda x, y: x @ y.T,
    (True, True): lambda x, y: x.T @ y.T,
}


def compiled(shape: Shape) -> Callable[[], Any]:
    """Return the product as adjoint calls it; transposing belongs to the compiled function."""
    import adjoint as ad

    a, b = shape.factors()
    left = a.T if shape.left_turned else a
    right = b.T if shape.right_turned else b

    function = ad.compile(_PRODUCTS[shape.left_turned, shape.right_turned])
    return lambda: function(left, right)


def by_numpy(shape: Shape) -> Callable[[], Any]:
    a, b = shape.factors()
    return lambda: a @ b


def measure(shape: Shape, *, rounds: int, seconds: float) -> dict[str, list[float]]:
    """Return the times of both, if their results agree."""
    calls = {"adjoint": compiled(shape), "NumPy": by_numpy(shape)}
    error = difference(*(call() for call in calls.values()))
    if not error <= TOLERANCE[shape.dtype]:
        raise SkippedError(f"the product {shape} differs by {error:.1e} from NumPy's")

    runs = {name: timed(repeated(call)) for name, call in calls.items()}
    return turns(runs, rounds=rounds, seconds=seconds)


@dataclass(frozen=True)
class Products:
    """The grid of shapes, all of it in one process."""

    def run(self, name: str, effort: Effort) -> Table:
        """Return the geometric means over the shapes, with the worst shapes as notes.

        A shape's time is its least; a round has a hundredth of an effort's seconds for each shape.
        """
        count = 12 if effort.quick else _SHAPES
        command = ["-m", "benchmarks.products", str(effort.rounds), str(effort.seconds / 100)]
        rows = [Row("adjoint, compiled"), Row("NumPy's BLAS")]
        title = f"Products of matrices, {count} shapes, geometric means"
        with TemporaryDirectory() as cache:
            try:
                variables = environment(threads=1, cache=Path(cache))
                output, _ = run_to_end([*command, str(count)], variables, limit=1200)
            except SkippedError as reason:
                for row in rows:
                    row.skipped = str(reason)
                return Table(title, "s", "a product", rows)
        times = np.array(json.loads(output))
        for row, own in zip(rows, times.transpose(1, 2, 0), strict=True):
            row.values = np.exp(np.log(own).mean(axis=1)).tolist()
        return Table(title, "s", "a product", rows, _notes(times.min(axis=2), shapes(count)))


def _notes(least: Array, grid: list[Shape]) -> list[str]:
    """Say how much faster the products are, and where they are so least."""
    ratios = least[:, 1] / least[:, 0]
    mean = np.exp(np.log(ratios).mean())
    head = f"by least times {mean:.2f} × as fast as NumPy; below 0.9 ×: {(ratios < 0.9).sum()}"
    worst = np.argsort(ratios)[:_WORST]
    return [
        head,
        *(f"{ratios[at]:.2f} ×  {least[at, 0] * 1e6:7.2f} µs  {grid[at]}" for at in worst),
    ]


def benchmark() -> Products:
    return Products()


def main() -> None:
    rounds, seconds, count = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    found = []
    for shape in shapes(count):
        times = measure(shape, rounds=rounds, seconds=seconds)
        found.append([times["adjoint"], times["NumPy"]])
    print(json.dumps(found))


if __name__ == "__main__":
    main()
