"""A target is what a prediction is compared with; its shape must fit."""

from __future__ import annotations

from typing import Any

from ..errors import ShapeError


def check_classes(prediction: Any, target: Any) -> None:
    """Refuse predictions that are no scores of classes, or do not fit the target."""
    fitting = (prediction.shape, prediction.shape[:-1])
    if prediction.ndim < 2 or prediction.shape[-1] < 2 or target.shape not in fitting:
        raise ShapeError(
            f"accuracy: prediction of shape {prediction.shape}, target of shape {target.shape}; "
            "expected (n, classes) with at least two classes, and (n,) or the same"
        )


def errors_of(name: str, prediction: Any, target: Any) -> Any:
    """Return prediction - target, of one shape but for a last axis of size 1."""
    if target.shape == prediction.shape[:-1] and prediction.shape[-1] == 1:
        prediction = prediction[..., 0]
    if prediction.shape != target.shape:
        raise ShapeError(
            f"{name}: prediction of shape {prediction.shape} and target of shape {target.shape} "
            "differ; expected one shape, or (n, 1) and (n,)"
        )
    return prediction - target
