"""A watch lets scikit-learn's callbacks follow a fit: `sklearn.callback`, from version 1.9 on."""

from __future__ import annotations

import copy
from typing import Any

from sklearn.base import BaseEstimator

from ..core.annotations import Array, Function

__all__ = ["Watch", "Watched", "watch", "with_callbacks"]

try:
    from sklearn.callback import CallbackSupportMixin as Watched
    from sklearn.callback import with_callbacks
except ImportError:  # scikit-learn 1.6 to 1.8

    class Watched:  # type: ignore[no-redef]
        """An estimator that takes no callbacks, since this scikit-learn has none."""

    def with_callbacks(method: Function) -> Function:
        """Return the method."""
        return method


# Attributes that belong to a fit under way, and not to its result.
_TRANSIENT = ("_callback_fit_ctx", "_parent_callback_ctx", "_skl_callbacks_to_teardown")


class Watch:
    """Tells the callbacks of an estimator when its fit and each epoch begin and end.

    Parameters
    ----------
    estimator : estimator
        With a network.
    X, y : array
        The rows, as numbers.
    sample_weight : (n,) array or None
    epochs : int
        At most.
    """

    def __init__(
        self, estimator: BaseEstimator, X: Array, y: Array, sample_weight: Array | None, epochs: int
    ) -> None:
        self.estimator = estimator
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        self._given = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        self._fit = estimator._init_callback_context(max_subtasks=epochs)
        self._fit.call_on_fit_task_begin(**self._given)

    def begin_epoch(self) -> None:
        """Say that an epoch begins."""
        self._epoch = self._fit.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(**self._given, **self._present())

    def end_epoch(self) -> bool:
        """Return whether a callback wants the fit to end after this epoch."""
        return bool(self._epoch.call_on_fit_task_end(**self._given, **self._present()))

    def end(self) -> None:
        """Say that the fit is over."""
        self._fit.call_on_fit_task_end(**self._given, **self._present())

    def _present(self) -> dict[str, Any]:
        """Return how to make the estimator that there would be if the fit ended now."""

        def attributes() -> dict[str, Any]:
            estimator = self.estimator
            others = (*estimator.get_params(deep=False), *_TRANSIENT, "_skl_callbacks")
            found = {name: x for name, x in vars(estimator).items() if name not in others}
            # A copy, since the training goes on while a callback may keep what it is given.
            network = copy.deepcopy(estimator._network)
            return found | {
                "_fit_state": copy.copy(estimator._fit_state),
                "_network": network,
                "coefs_": [parameter.data for parameter in network.coefs],
                "intercepts_": [parameter.data for parameter in network.intercepts],
            }

        return {"reconstruction_attributes": attributes}


def watch(
    estimator: BaseEstimator, X: Array, y: Array, sample_weight: Array | None, epochs: int
) -> Watch | None:
    """Return the watch of an estimator that has callbacks."""
    if not getattr(estimator, "_skl_callbacks", None):
        return None
    return Watch(estimator, X, y, sample_weight, epochs)
