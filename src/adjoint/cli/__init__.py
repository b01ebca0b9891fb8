"""The command line: `adjoint` and `python -m adjoint`.

``main`` turns errors into an exit status, ``commands`` has a module for each command, ``options``
and ``model_output`` what several of them share, and ``demo`` is the experiment of that command.
"""

from .main import main

__all__ = ["main"]
