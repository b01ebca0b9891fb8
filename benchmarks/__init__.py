"""adjoint beside its rivals: `python -m benchmarks` runs them all."""
