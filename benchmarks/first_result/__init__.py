"""From a cold process to a trained network: each rival's program as its user would write it.

Import, two moons, the network 2-4-4-2 with its own first weights, 100 epochs of 20 batches of 50 in
float64 by gradient descent with momentum, and the last epoch's loss printed. Timed is the process.
"""

from __future__ import annotations

from pathlib import Path

from ..programs import Program, Programs
from ..rival import SkippedError

_FOLDER = Path(__file__).parent
# A loss that only a trained network has.
_TRAINED = 0.3


def benchmark() -> Programs:
    """Return the programs."""
    programs = [
        _program("adjoint, cold cache", "with_adjoint", quick=True),
        _program("adjoint, cached", "with_adjoint", quick=True, warm=True),
        Program("import numpy, and no more", ("-c", "import numpy; print(0)"), quick=True),
        Program("import adjoint, and no more", ("-c", "import adjoint; print(0)"), quick=True),
        _program("hand-written NumPy", "with_numpy", quick=True),
        _program("scikit-learn", "with_sklearn", "sklearn"),
        _program("PyTorch, eager", "with_torch", "torch"),
        _program("JAX, scan", "with_jax", "jax"),
        _program("JAX, scan, cached", "with_jax", "jax", warm=True),
    ]
    title = "From a cold process to the article's network trained for 100 epochs"
    return Programs(title, programs, _read)


def _program(
    name: str, script: str, *needs: str, quick: bool = False, warm: bool = False
) -> Program:
    return Program(name, (str(_FOLDER / f"{script}.py"),), needs, quick=quick, warm=warm)


def _read(output: str, seconds: float) -> float:
    loss = float(output)
    if not loss < _TRAINED:
        raise SkippedError(f"its loss is {loss:.3f}, not below {_TRAINED}")
    return seconds
