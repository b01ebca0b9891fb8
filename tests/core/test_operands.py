"""Operands that compute otherwise than arrays do are refused at every door."""

import warnings

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn

A = np.array([[1.0, 2.0], [3.0, 4.0]])


class OwnMasked(np.ma.MaskedArray):
    """A subclass of the refused one."""


def masked():
    return np.ma.array(A, mask=[[False, True], [False, False]])


def matrix():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        return np.matrix(A)


STRANGE = {
    "masked": (masked, "whose mask would be lost"),
    "subclass": (lambda: OwnMasked(A), "whose mask would be lost"),
    "matrix": (matrix, r"a np.matrix, in which \* is the product of matrices"),
}


def leaf():
    return ad.tensor(A, requires_grad=True)


def fit(X, y, **options):
    return ad.fit(
        nn.MLP(2, 2),
        (X, y),
        loss="mse_loss",
        optimizer=lambda params: ad.optim.SGD(params, lr=0.1),
        batch_size=2,
        epochs=1,
        **options,
    )


def assigned(x):
    y = +leaf()
    y[:] = x


DOORS = {
    "product": lambda x: leaf() * x,
    "matmul": lambda x: leaf() @ x,
    "ufunc": lambda x: np.multiply(x, leaf()),
    "comparison": lambda x: leaf() < x,
    "dot": lambda x: np.dot(x, leaf()),
    "where": lambda x: np.where(A > 1, leaf(), x),
    "condition": lambda x: np.where(x, leaf(), 0.0),
    "concatenate": lambda x: np.concatenate([leaf(), x]),
    "stack": lambda x: np.stack([leaf(), x]),
    "einsum": lambda x: np.einsum("ij,jk", leaf(), x),
    "solve": lambda x: np.linalg.solve(leaf(), x),
    "weights": lambda x: np.average(leaf(), weights=x),
    "index": lambda x: leaf()[x > 1],
    "assignment": assigned,
    "plain": ad.logsumexp,
    "plain composite": ad.var,
    "tensor": ad.tensor,
    "list": lambda x: ad.tensor([x, x]),
    "nested list": lambda x: ad.tensor([[x], [x]]),
    "parameter": nn.Parameter,
    "grad": ad.grad(np.sum),
    "grad of a tree": lambda x: ad.grad(lambda p: np.sum(p["w"]))({"w": x}),
    "other argument": lambda x: ad.grad(lambda w, x: np.sum(w * x))(A, x),
    "closure": lambda x: ad.grad(lambda w: np.sum(w * x))(A),
    "cotangent": lambda x: ad.vjp(np.exp, A)[1](x),
    "tangent": lambda x: ad.jvp(np.exp, (A,), (x,)),
    "backward": lambda x: (leaf() * 2).backward(x),
    "trace": lambda x: ad.trace(np.exp, x),
    "graph": lambda x: ad.trace(np.exp, A)(x),
    "compile": lambda x: ad.compile(np.exp)(x),
    "compile, tree": lambda x: ad.compile(lambda p: p["w"] * 2)({"w": x}),
    "compile, closure": lambda x: ad.compile(lambda w: w * x)(A),
    "compile, out": lambda x: ad.compile(np.exp)(A, out=x),
    "check": lambda x: ad.check_gradients(np.exp, x),
    "layer": lambda x: nn.Linear(2, 3)(x),
    "loss": lambda x: nn.functional.mse_loss(leaf(), x),
    "predict": lambda x: nn.MLP(2, 2).predict(x),
    "state": lambda x: nn.Linear(2, 2).load_state_dict({"weight": x, "bias": np.zeros(2)}),
    "fit, X": lambda x: fit(x, A),
    "fit, y": lambda x: fit(A, x),
    "fit, validation": lambda x: fit(A, A, validation=(A, x)),
    "fit, weights": lambda x: fit(A, A, sample_weight=x),
}


@pytest.mark.parametrize("kind", STRANGE)
@pytest.mark.parametrize("door", DOORS)
def test_masked_arrays_and_matrices_are_refused(door, kind):
    make, message = STRANGE[kind]
    with pytest.raises(TypeError, match=message):
        DOORS[door](make())


@pytest.mark.parametrize("kind", ["masked", "matrix"])
@pytest.mark.parametrize("where", ["X", "y", "weights", "predict", "partial_fit"])
def test_estimators_refuse_masked_arrays_and_matrices(where, kind):
    estimators = pytest.importorskip("adjoint.estimators")
    model = estimators.MLPRegressor(hidden_layer_sizes=(2,), max_iter=1, solver="lbfgs")
    strange, y = STRANGE[kind][0](), np.array([0.0, 1.0])
    calls = {
        "X": lambda: model.fit(strange, y),
        "y": lambda: model.fit(A, strange),
        "weights": lambda: model.fit(A, y, sample_weight=strange[:, 0]),
        "predict": lambda: model.fit(A, y).predict(strange),
        "partial_fit": lambda: model.set_params(solver="adam").partial_fit(strange, y),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(TypeError, match=r"masked array|np\.matrix"):
            calls[where]()


def test_what_the_refusals_advise_works():
    x, w = masked(), leaf()
    np.sum(w * x.filled(0)).backward()
    np.testing.assert_array_equal(w.grad.data, [[1, 0], [3, 4]])
    np.testing.assert_array_equal(
        ad.grad(lambda w: np.sum(np.where(x.mask, 0, w)))(A), [[1, 0], [1, 1]]
    )
    np.testing.assert_array_equal((leaf() @ np.asarray(matrix())).data, A @ A)


def test_arrays_of_other_subclasses_are_arrays(tmp_path):
    on_disk = np.memmap(tmp_path / "x", np.float64, "w+", shape=(2, 2))
    on_disk[:] = A
    np.testing.assert_array_equal(ad.grad(lambda w: np.sum(w * on_disk))(A), A)
