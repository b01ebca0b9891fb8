"""The command line: `adjoint` and `python -m adjoint`."""

from .main import main

__all__ = ["main"]
