"""What an import takes on top of NumPy's, in a new process."""

from __future__ import annotations

from .programs import Program, Programs

_SCRIPT = """
import numpy
from time import perf_counter
start = perf_counter()
import {module}
print(perf_counter() - start)
"""
_MODULES = {
    "adjoint": "adjoint",
    "autograd": "autograd.numpy, autograd",
    "numba": "numba",
    "jax": "jax, jax.numpy",
    "sklearn": "sklearn.neural_network",
    "torch": "torch",
}


def benchmark() -> Programs:
    programs = [
        Program(
            f"import {module}",
            ("-c", _SCRIPT.format(module=module)),
            () if name == "adjoint" else (name,),
            quick=name == "adjoint",
        )
        for name, module in _MODULES.items()
    ]
    return Programs("Importing, NumPy being there", programs, lambda output, seconds: float(output))
