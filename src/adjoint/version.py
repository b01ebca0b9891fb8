"""The version of the package, which files that it writes name."""

from __future__ import annotations

__version__ = "0.2.0.dev0"
