"""L-BFGS over all rows: SciPy's solver, and the network's compiled gradient."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from scipy import optimize
from sklearn.exceptions import ConvergenceWarning

from ..core.annotations import Array
from ..training.flat_loss import FlatLoss

if TYPE_CHECKING:
    from .perceptron import BasePerceptron


def minimise(
    estimator: BasePerceptron, X: Array, targets: Array, sample_weight: Array | None
) -> None:
    """Fit an estimator's network to all rows at once.

    Raises
    ------
    ValueError
        If the objective is not the same function at every evaluation, or the result not finite.
    """
    _refuse_changing(estimator)
    network = estimator._network
    params = [*network.coefs, *network.intercepts]
    params += [layer.weight for layer in network.embeddings]
    params += [p for norm in network.norms for p in norm.parameters()]
    weights = () if sample_weight is None else (sample_weight,)
    # scikit-learn's order, weights before biases, decides the roundings of the solver's products.
    flat = FlatLoss(network, estimator._objective, params, (X, targets, *weights))
    compiled = flat.compile()
    found = optimize.minimize(
        flat,
        flat.vector(),
        method="L-BFGS-B",
        jac=True,
        options={
            "maxfun": estimator.max_fun,
            "maxiter": estimator.max_iter,
            "gtol": estimator.tol,
        },
    )
    if not np.isfinite(found.x).all():
        raise ValueError(
            "Solver produced non-finite parameter weights. The input data may contain large values "
            "and need to be preprocessed."
        )
    flat.write(found.x)
    estimator.n_iter_ = min(int(found.nit), estimator.max_iter)
    estimator.loss_ = float(found.fun)
    estimator._fit_state.report = f"tier: {compiled.programs[-1].tier}"
    if found.status:
        warnings.warn(
            f"lbfgs failed to converge after {found.nit} iterations: {found.message}. Increase "
            "max_iter, or scale the data.",
            ConvergenceWarning,
            stacklevel=5,
        )


def _refuse_changing(estimator: BasePerceptron) -> None:
    """Refuse layers whose result is not a function of weights and rows alone."""
    for name in ("dropout", "batch_norm"):
        if getattr(estimator, name):
            raise ValueError(
                f"solver='lbfgs' needs the same function at every evaluation, which {name} "
                "does not give; choose another solver, as 'adam'"
            )
