"""Files are written whole or not at all; arrays in them are kept as safetensors.

``whole_file`` writes, ``tensor_file`` knows the format, and ``rescue`` keeps a result elsewhere if
its own place takes no file after all.

The extra `files` is needed for safetensors.
"""

from __future__ import annotations

import importlib
from typing import Any

from ..errors import UnreadableFileError

# Public here as well; they know modules and trainings, and are read at first use.
_ELSEWHERE = {
    "Checkpoint": "adjoint.training.checkpoint",
    "load_weights": "adjoint.nn.weights",
    "save_weights": "adjoint.nn.weights",
}

__all__ = ["Checkpoint", "UnreadableFileError", "load_weights", "save_weights"]


def __getattr__(name: str) -> Any:
    if name in _ELSEWHERE:
        return getattr(importlib.import_module(_ELSEWHERE[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
