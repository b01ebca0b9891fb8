"""The command line: `adjoint` and `python -m adjoint`.

``main`` turns errors into an exit status, ``commands`` and ``table_commands`` say how the commands
are called, and ``demo`` is the experiment of the command of that name.
"""

from .main import main

__all__ = ["main"]
