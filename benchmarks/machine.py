"""The machine is what a time belongs to: processor, versions, and how busy it was."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGES = (
    "numpy",
    "llvmlite",
    "scipy",
    "scikit-learn",
    "jax",
    "jaxlib",
    "torch",
    "numba",
    "autograd",
)


def describe() -> dict[str, Any]:
    """Return what is known of the machine, as JSON knows it."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        "compiler": compiler(),
        "versions": {name: installed(name) for name in _PACKAGES},
    }


def processor() -> str:
    """Return the processor's name."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    found = re.search(r"model name\s*:\s*(.*)", text)
    return found[1] if found else platform.machine()


def compiler() -> str | None:
    """Return the first line of what the C compiler says of itself, or None without one."""
    path = shutil.which("cc")
    if path is None:
        return None
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    return said.partition("\n")[0]


def installed(name: str) -> str | None:
    """Return a package's version, or None."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None
