"""L-BFGS over all rows: SciPy's solver, and the network's compiled gradient."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import optimize
from sklearn.exceptions import ConvergenceWarning

from ..calculus import value_and_grad
from ..compiler.compiled import compile as compile_function
from ..compiler.state import standing_in
from ..nn.module import Parameter

Array = np.ndarray[Any, Any]


def minimise(estimator: Any, X: Array, targets: Array, sample_weight: Array | None) -> None:
    """Fit an estimator's network to all rows at once.

    Raises
    ------
    ValueError
        If the objective is not the same function at every evaluation, or the result not finite.
    """
    for name in ("dropout", "batch_norm"):
        if getattr(estimator, name):
            raise ValueError(
                f"solver='lbfgs' needs the same function at every evaluation, which {name} "
                "does not give; choose another solver, as 'adam'"
            )
    network = estimator._network
    params = [*network.coefs, *network.intercepts]
    params += [layer.weight for layer in network.embeddings]
    params += [p for norm in network.norms for p in norm.parameters()]
    weights = () if sample_weight is None else (sample_weight,)
    evaluate = compile_function(_gradient_of(estimator, params))

    def objective(vector: Array) -> tuple[float, Array]:
        with np.errstate(over="ignore", invalid="ignore"):
            value, gradients = evaluate(_arrays(vector, params), X, targets, *weights)
        return float(value), _joined(gradients)

    found = optimize.minimize(
        objective,
        _joined([parameter.data for parameter in params]),
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
    for parameter, array in zip(params, _arrays(found.x, params), strict=True):
        parameter.data = array
    estimator.n_iter_ = min(int(found.nit), estimator.max_iter)
    estimator.loss_ = float(found.fun)
    estimator._report = f"tier: {evaluate.programs[-1].tier}"
    if found.status:
        warnings.warn(
            f"lbfgs failed to converge after {found.nit} iterations: {found.message}. Increase "
            "max_iter, or scale the data.",
            ConvergenceWarning,
            stacklevel=5,
        )


def _gradient_of(estimator: Any, params: Sequence[Parameter]) -> Any:
    network, loss = estimator._network, estimator._objective

    def value_and_gradients(parameters: Any, X: Any, *targets: Any) -> Any:
        def of(parameters: Any) -> Any:
            with standing_in(params, parameters):
                return loss(network(X), *targets)

        return value_and_grad(of)(parameters)

    return value_and_gradients


def _arrays(vector: Array, params: Sequence[Parameter]) -> list[Array]:
    """Return a new array for each parameter."""
    ends = np.cumsum([parameter.size for parameter in params])
    parts = zip(params, np.split(vector, ends[:-1]), strict=True)
    return [np.array(part.reshape(p.shape), p.dtype) for p, part in parts]


def _joined(arrays: Sequence[Array]) -> Array:
    return np.concatenate([np.ravel(array) for array in arrays]).astype(np.float64)
