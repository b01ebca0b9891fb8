"""What both estimators share: data in, a network trained, its records out."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from numbers import Integral
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from ..core.annotations import Array, ArrayLike
from ..core.operand import refuse_subclass
from ..core.reproducibility import is_reproducible, reproducibly
from ..data.twister import seeded
from ..network import Category, Design, Perceptron, activations_of, embedding_size, input_size
from ..optim import Optimizer
from ..training.digest import sha256_of
from ..training.native_run import not_reproducible
from .fit_state import FitState, with_fit_state
from .fitting import Fitting, as_task
from .held import Held, outputs_and_loss
from .lbfgs import minimise
from .objective import Objective
from .parameters import check_parameters, hidden_sizes
from .pickled import with_all_settings
from .solvers import make_optimizer
from .tables import Table, TableEncoder, Targets, read_features, read_rows
from .watching import Watched, watch, with_callbacks


class BasePerceptron(Watched, BaseEstimator):  # type: ignore[misc]
    """A multilayer perceptron for scikit-learn; abstract.

    A subclass says how targets become numbers, which loss there is, and what an output means.
    """

    _network: Perceptron
    _optimizer: Optimizer
    _objective: Objective
    _fit_state: FitState

    @classmethod
    @cache
    def _get_param_names(cls) -> list[str]:
        """Return the names of the parameters; scikit-learn reads the signature at every call."""
        return super()._get_param_names()  # type: ignore[no-any-return]

    # --- what a subclass says ---------------------------------------------------------------------

    def _read_targets(self, y: Targets, *, is_first: bool) -> Array:
        """Return the targets as the loss takes them, and learn what they are of."""
        raise NotImplementedError

    def _output_size(self, targets: Array) -> int:
        raise NotImplementedError

    def _loss(self) -> Callable[..., Any]:
        raise NotImplementedError

    def _row_weights(self, y: Array, sample_weight: Array | None) -> Array | None:
        return sample_weight

    def _stratify(self, targets: Array) -> Array | None:
        return None

    def _score_of(self, outputs: Array, targets: Array, sample_weight: Array | None) -> float:
        """Return the score of a network's outputs."""
        raise NotImplementedError

    def _takes_batches(self) -> bool:
        """Return whether the solver takes steps on batches; else there is no `partial_fit`."""
        if self.solver == "lbfgs":
            raise AttributeError("partial_fit is only available for solvers that take batches")
        return True

    def _held_out(self, X_val: Table | None, y_val: Targets | None) -> tuple[Table, Targets] | None:
        """Return the user's own rows to validate on, if there are any."""
        if (X_val is None) != (y_val is None):
            raise ValueError("X_val, y_val: give both or neither")
        if X_val is None or y_val is None:
            return None
        if self.solver == "lbfgs":
            raise ValueError("X_val, y_val: solver='lbfgs' does not stop early; choose another")
        return X_val, y_val

    # --- fitting ----------------------------------------------------------------------------------

    @with_callbacks  # type: ignore[untyped-decorator]
    def _fit(
        self,
        X: Table,
        y: Targets,
        sample_weight: ArrayLike | None,
        held_out: tuple[Table, Targets] | None,
        *,
        incremental: bool,
    ) -> Self:
        check_parameters(self)
        with reproducibly(self.reproducible):
            if self.solver == "lbfgs" and is_reproducible():
                raise not_reproducible("the steps of solver='lbfgs' are SciPy's")
            hidden = hidden_sizes(self.hidden_layer_sizes)
            # A second `fit` begins anew unless warm_start says otherwise; `partial_fit` never does.
            is_first = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
            rows, targets, weights = self._read_all(X, y, sample_weight, is_first=is_first)
            if is_first:
                self._initialise(rows, targets, hidden)
            if self.solver == "lbfgs":
                seen = watch(self, rows, targets, weights, 0)
                minimise(self, rows, targets, weights)
                if seen is not None:
                    seen.end()
            else:
                self._fit_in_batches(rows, targets, weights, held_out, incremental=incremental)
        self.coefs_ = [parameter.data for parameter in self._network.coefs]
        self.intercepts_ = [parameter.data for parameter in self._network.intercepts]
        return self

    def _read_all(
        self, X: Table, y: Targets, sample_weight: ArrayLike | None, *, is_first: bool
    ) -> tuple[Array, Array, Array | None]:
        """Return rows, targets and weights of rows as they are trained on."""
        rows, y = self._read_rows(X, y, is_first=is_first)
        targets = self._read_targets(y, is_first=is_first)
        if targets.dtype.kind == "f":
            targets = targets.astype(rows.dtype, copy=False)
        weights: Array | None = None
        if sample_weight is not None:
            refuse_subclass(sample_weight)
            weights = _check_sample_weight(sample_weight, rows, dtype=rows.dtype)
        weights = self._row_weights(y, weights)  # scikit-learn's of classes are float64
        return rows, targets, None if weights is None else weights.astype(rows.dtype, copy=False)

    def _read_rows(self, X: Table, y: Targets, *, is_first: bool) -> tuple[Array, Array]:
        """Return X as numbers of one dtype, and y as it was given but checked."""
        if is_first:
            self._table = TableEncoder(self.categorical_features, self.missing)
        return read_rows(self, X, y, self._table, is_first=is_first)

    def _initialise(self, X: Array, targets: Array, hidden: tuple[int, ...]) -> None:
        """Draw a new network, and forget all records."""
        given = self.random_state
        is_seed = isinstance(given, Integral)
        self._random_state = seeded(given) if is_seed else check_random_state(given)
        self.n_outputs_ = self._output_size(targets)
        categories = tuple(
            Category(column, count, self._embedding_size(count))
            for column, count in self._table.categories.items()
        )
        sizes = (input_size(categories, X.shape[1]), *hidden, self.n_outputs_)
        design = Design(
            sizes,
            activations_of(self.activation, len(hidden)),
            dropout=float(self.dropout),
            batch_norm=bool(self.batch_norm),
            layer_norm=bool(self.layer_norm),
            residual=bool(self.residual),
            categories=categories,
        )
        self.n_layers_ = len(sizes)
        self._network = Perceptron(design, self._random_state, X.dtype)
        self._objective = Objective(self._loss(), self._network.coefs, self.alpha)
        self.n_iter_ = self.t_ = 0
        self._fit_state = FitState()
        if self.solver != "lbfgs":
            self._optimizer = make_optimizer(list(self._network.parameters()), self)
            self._forget_records()

    def _forget_records(self) -> None:
        self.loss_curve_: list[float] = []
        self.best_loss_ = None if self.early_stopping else np.inf
        self.validation_scores_: list[float] | None = [] if self.early_stopping else None
        self.validation_loss_curve_: list[float] | None = [] if self.early_stopping else None
        self.best_validation_score_ = -np.inf if self.early_stopping else None
        self._fit_state.best_weights = None

    def _embedding_size(self, count: int) -> int:
        """Return how many numbers stand for a category: about 1.6 count^0.56, at most 50."""
        if self.embedding_size != "auto":
            return int(self.embedding_size)
        return embedding_size(count, most=50)

    def _fit_in_batches(
        self,
        X: Array,
        targets: Array,
        sample_weight: Array | None,
        held_out: tuple[Table, Targets] | None,
        *,
        incremental: bool,
    ) -> None:
        has_validation = self.early_stopping or held_out is not None
        if has_validation and self.validation_scores_ is None:
            self.validation_scores_, self.validation_loss_curve_ = [], []
            self.best_validation_score_ = -np.inf
        held = None
        if held_out is not None:
            held = self._held(*self._read_held_out(held_out), None)
        elif self.early_stopping:
            X, targets, sample_weight, held = self._split(X, targets, sample_weight)
        if not incremental:
            self.n_iter_ = self._fit_state.worse = 0
        epochs = 1 if incremental else self.max_iter
        Fitting(self, as_task(self, X, targets, sample_weight), held, epochs).run()

    def _read_held_out(self, held_out: tuple[Table, Targets]) -> tuple[Array, Array]:
        X, y = read_rows(self, *held_out, self._table, is_first=False)
        targets = self._read_targets(y, is_first=False)
        if targets.dtype.kind == "f":
            targets = targets.astype(X.dtype, copy=False)
        return X, targets

    def _split(
        self, X: Array, targets: Array, sample_weight: Array | None
    ) -> tuple[Array, Array, Array | None, Held]:
        """Return the rows to train on, and what is held out of them, as scikit-learn splits."""
        arrays = [X, targets, *([] if sample_weight is None else [sample_weight])]
        parts = train_test_split(
            *arrays,
            random_state=self._random_state,
            test_size=self.validation_fraction,
            stratify=self._stratify(targets),
        )
        train, held = parts[0::2], parts[1::2]
        if len(held[0]) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of "
                "your dataset."
            )
        weights = (train[2], held[2]) if sample_weight is not None else (None, None)
        return train[0], train[1], weights[0], self._held(held[0], held[1], weights[1])

    def _held(self, X: Array, targets: Array, sample_weight: Array | None) -> Held:
        weights = () if sample_weight is None else (sample_weight,)
        outputs, loss = outputs_and_loss(self._network, self._objective.loss)

        def score() -> float:
            # One forward pass serves both numbers: the loss is asked for after the score.
            self._held_outputs = outputs(X)
            return self._score_of(self._held_outputs, targets, sample_weight)

        return Held(score, lambda: loss(self._held_outputs, targets, *weights))

    # --- using it ---------------------------------------------------------------------------------

    def sha256(self) -> str:
        """Return one SHA-256 of the network's weights and of all that was recorded, 64 digits.

        With ``reproducible=True`` it is the same on every machine; see `History.sha256`.
        """
        check_is_fitted(self, "coefs_")
        records = {
            name: getattr(self, name, None) or []
            for name in ("loss_curve_", "validation_scores_", "validation_loss_curve_")
        }
        return sha256_of(self._network.state_dict(), records)

    def _outputs(self, X: Table) -> Array:
        """Return the network's outputs, before any activation."""
        check_is_fitted(self, "coefs_")
        return self._network.outputs(read_features(self, X, self._table))

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Unpickle, also what was pickled before there was a `FitState`, or some setting."""
        super().__setstate__(with_all_settings(type(self), with_fit_state(state)))

    def __sklearn_tags__(self) -> Any:
        """Say that sparse X is accepted."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = self.missing == "mean"
        return tags
