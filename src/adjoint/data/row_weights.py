"""Row weights say how much each row of the data counts in the loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..core.annotations import Array, ArrayLike
from ..core.operand import as_operand
from ..core.reproducibility import is_reproducible, ordered_sum
from ..errors import ShapeError

# "balanced", or the weight of each class by its label.
ClassWeight = str | Mapping[Any, float]


def row_weights(
    y: Array, sample_weight: ArrayLike | None, class_weight: ClassWeight | None
) -> Array | None:
    """Return weights of the rows, products of their own and of their classes'.

    They are scaled so that those that are not 0 have the mean 1.

    Parameters
    ----------
    y : (n, ...) array
        Where classes have weights these are integers of shape (n,).
    sample_weight : (n,) array or None
        Numbers from 0. Rows with 0 do not count at all.
    class_weight : "balanced", mapping of class to number, or None
        "balanced" gives all classes the same total: n / (classes · rows of the class). A class that
        the mapping leaves out has weight 1.

    Returns
    -------
    (n,) float64 array, or None where neither is given

    Raises
    ------
    ShapeError, TypeError, ValueError
        If they do not fit, are negative or not finite, or all 0.

    Examples
    --------
    >>> row_weights(np.array([0, 1, 1, 1]), None, "balanced").round(3)
    array([2.   , 0.667, 0.667, 0.667])
    """
    if sample_weight is None and class_weight is None:
        return None
    weights: Array = np.ones(len(y)) if sample_weight is None else _of_rows(sample_weight, len(y))
    if class_weight is not None:
        weights = weights * _of_classes(class_weight, y)
    if not weights.any():
        raise ValueError("sample_weight, class_weight: the weights of all rows are 0")
    return weights / _mean(weights[weights > 0])


def _mean(weights: Array) -> float:
    total = ordered_sum(weights) if is_reproducible() else weights.sum()
    return float(total) / len(weights)


def _of_rows(sample_weight: ArrayLike, n: int) -> Array:
    weights = np.asarray(as_operand(sample_weight), np.float64)
    if weights.shape != (n,):
        raise ShapeError(f"sample_weight: expected shape ({n},), got {weights.shape}")
    return _checked("sample_weight", weights)


def _of_classes(class_weight: ClassWeight, y: Array) -> Array:
    if y.ndim != 1 or y.dtype.kind not in "iub":
        raise TypeError(
            f"class_weight: needs classes, integers of shape (n,); y has {y.dtype} of shape "
            f"{y.shape}"
        )
    classes, members, counts = np.unique(y, return_inverse=True, return_counts=True)
    if isinstance(class_weight, str):
        if class_weight != "balanced":
            raise ValueError(
                f'class_weight: expected "balanced", a mapping or None, got {class_weight!r}'
            )
        return (len(y) / (len(classes) * counts))[members]
    if not isinstance(class_weight, Mapping):
        raise TypeError(
            f'class_weight: expected "balanced", a mapping or None, got '
            f"{type(class_weight).__name__}"
        )
    unknown = [label for label in class_weight if label not in classes]
    if unknown:
        raise ValueError(f"class_weight: y has no class {unknown[0]!r}; it has {classes.tolist()}")
    own = np.array([class_weight.get(label, 1.0) for label in classes.tolist()], np.float64)
    return _checked("class_weight", own)[members]


def _checked(name: str, weights: Array) -> Array:
    if not (np.isfinite(weights) & (weights >= 0)).all():
        wrong = weights[~(np.isfinite(weights) & (weights >= 0))][0]
        raise ValueError(f"{name}: expected finite numbers from 0, got {wrong:g}")
    return weights
