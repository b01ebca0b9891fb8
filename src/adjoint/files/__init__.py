"""Files of weights and checkpoints: safetensors, with JSON inside; they need the extra `files`."""

from __future__ import annotations

from ..errors import UnreadableFileError
from .checkpoint import Checkpoint
from .weights import load_weights, save_weights

__all__ = ["Checkpoint", "UnreadableFileError", "load_weights", "save_weights"]
