"""The code that a measurement is of: what is kept of other code is not mixed with it."""

from __future__ import annotations

import hashlib
import platform
from pathlib import Path

import adjoint

from .machine import installed

_PACKAGE = Path(adjoint.__file__).parent


def code(*packages: str, files: tuple[Path, ...] = ()) -> str:
    """Return adjoint's version with a digest of its source and of some files, and packages'.

    The version alone would not do: between two releases it stays, while the source changes.
    """
    digest = hashlib.sha256()
    for path in (*sorted(_PACKAGE.rglob("*.py")), *files):
        content = path.read_bytes()
        digest.update(f"{path.name} {len(content)}\n".encode() + content)
    versions = [f"{name} {installed(name)}" for name in ("numpy", *packages)]
    own = f"adjoint {adjoint.__version__} {digest.hexdigest()[:12]}"
    return ", ".join([own, f"Python {platform.python_version()}", *versions])
