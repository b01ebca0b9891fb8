"""Files of weights and checkpoints: safetensors, with JSON inside; they need the extra `files`."""

from __future__ import annotations

from ..errors import UnreadableFileError
from ..nn.weights import load_weights, save_weights
from ..training.checkpoint import Checkpoint

__all__ = ["Checkpoint", "UnreadableFileError", "load_weights", "save_weights"]
