"""A leash ends a program as soon as the process that started it is gone, on Linux.

A launcher that is killed by SIGKILL cannot end its job any more. So the system is asked to send the
job a signal. The request outlives the exec of another program, and is made by a program of its own:
what Python runs between fork and exec may hang where the launcher has threads. This file is run by
its path, without the rest of adjoint, which would take longer to import than all of this.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

# "The signal that this process gets when its parent dies", in linux/prctl.h.
_PR_SET_PDEATHSIG = 1


def leashed(command: Sequence[str]) -> list[str]:
    """Return a command that runs another one, and is ended by SIGTERM if this process ends.

    The process is that of ``command``: its number, its output and its status. Elsewhere than on
    Linux the command is returned as it is.
    """
    if sys.platform != "linux":
        return list(command)
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command]


def main(parent: int, command: Sequence[str]) -> None:
    """Become a command, which ends if its parent ends; one that cannot be run is named."""
    try:
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    except (ImportError, OSError, AttributeError):  # a Python or a system without it
        parent = os.getppid()
    # The parent may have ended before the request.
    if os.getppid() == parent:
        try:
            os.execv(command[0], list(command))
        except OSError as error:
            sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
