"""What is asked of numbers is asked in every tier."""

import numpy as np
import pytest
from adjoint.graph import trace

import adjoint as ad
from adjoint import nn
from adjoint.compiler.portable import load
from adjoint.compiler.program import Program
from adjoint.compiler.simplify.simplify import simplify
from adjoint.compiler.source.source import write
from adjoint.nn import functional as f
from sampled import sampled

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(6, 3))
LABELS = np.array([0, 1, 2, 2, 1, 0])
SHARES = np.full((6, 3), 1 / 3)
TABLE = nn.Embedding(4, 3, rng=0)


def changed(array, value):
    array = array.copy()
    array.flat[3] = value
    return array


def ignoring(logits, labels):
    return f.cross_entropy(logits, labels, ignore_index=-100)


def weighted(logits, labels):
    return f.cross_entropy(logits, labels, class_weight=np.array([1.0, 2.0, 3.0]))


def of_weights(logits, weights):
    return f.mse_loss(logits, SHARES, sample_weight=weights)


CASES = {
    "embedding, negative": (lambda x, n: np.sum(TABLE(n) * x), LABELS, -1, IndexError),
    "embedding, too great": (lambda x, n: np.sum(TABLE(n) * x), LABELS, 4, IndexError),
    "class, negative": (f.cross_entropy, LABELS, -1, ValueError),
    "class, too great": (f.cross_entropy, LABELS, 3, ValueError),
    "class beside ignored ones": (ignoring, changed(LABELS, -100), -1, ValueError),
    "class with weights": (weighted, LABELS, -1, ValueError),
    "class, its probabilities": (f.cross_entropy, SHARES, 0.5, ValueError),
    "class, a negative probability": (f.cross_entropy, SHARES, -0.1, ValueError),
    "yes or no": (f.binary_cross_entropy, SHARES, 2.0, ValueError),
    "yes or no, focal": (f.focal_loss, SHARES, -0.5, ValueError),
    "a sign": (f.hinge_loss, np.sign(LOGITS), 0.0, ValueError),
    "a count": (f.poisson_loss, SHARES, -1.0, ValueError),
    "a share": (f.kl_divergence, SHARES, 1.5, ValueError),
    "a weight": (of_weights, np.ones(6), -1.0, ValueError),
    "a choice": (lambda x, n: np.sum(np.choose(n, [x[:, 0], x[:, 1]])), LABELS % 2, -1, ValueError),
    "a probability of quantile": (
        lambda x, q: np.sum(np.quantile(x, q)),
        np.full(4, 0.5),
        1.5,
        ValueError,
    ),
}
TIERS = {
    "eager": lambda function, *args: function(ad.tensor(args[0], requires_grad=True), args[1]),
    "traced": lambda function, *args: trace(function, *args).evaluate(args),
    "written": lambda function, *args: load(write(simplify(trace(function, *args))), "f")(*args),
    "portable": lambda function, *args: Program(trace(function, *args), tiers={})(*args),
    "compiled": lambda function, *args: ad.compile(function)(*args),
    "derived": lambda function, *args: ad.compile(ad.grad(function))(*args),
}


def as_function(function):
    def f(x, y):
        return function(x, y)

    return f


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("case", sampled(CASES, 2))
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_numbers_that_are_not_as_required_are_refused_in_every_tier(case, tier, dtype):
    function, good, bad, error = CASES[case]
    function, logits = as_function(function), LOGITS.astype(dtype)
    TIERS[tier](function, logits, good)
    with pytest.raises(error):
        TIERS[tier](function, logits, changed(good, bad))


def test_one_compiled_function_takes_good_numbers_after_bad_ones():
    compiled = ad.compile(as_function(f.cross_entropy))
    expected = f.cross_entropy(LOGITS, LABELS)
    for _ in range(2):
        np.testing.assert_allclose(compiled(LOGITS, LABELS), expected, rtol=1e-13)
        with pytest.raises(ValueError, match=r"label -1 at \(3,\) .*range\(3\)"):
            compiled(LOGITS, changed(LABELS, -1))


def test_rows_that_are_all_ignored_are_refused_when_compiled():
    with pytest.raises(ValueError, match="all are ignored"):
        ad.compile(as_function(ignoring))(LOGITS, np.full(6, -100))


def test_an_average_by_weights_that_cancel_is_refused_when_compiled():
    average = ad.compile(lambda x, w: np.average(x, weights=w))
    assert average(np.arange(3.0), np.array([1.0, 1.0, 2.0])) == 1.25
    with pytest.raises(ZeroDivisionError, match="add up to zero"):
        average(np.arange(3.0), np.array([1.0, 1.0, -2.0]))


def test_ends_of_opposite_signs_are_refused_when_compiled():
    spaced = ad.compile(lambda a, b: np.geomspace(a, b, 3))
    np.testing.assert_allclose(spaced(1.0, 4.0), [1, 2, 4], rtol=1e-14)
    with pytest.raises(ValueError, match="same sign"):
        spaced(1.0, -4.0)


class Looking(nn.Module):
    def __init__(self):
        self.table, self.line = nn.Embedding(4, 3, rng=0), nn.Linear(3, 3, rng=0)

    def forward(self, x):
        return self.line(self.table(x))


FITS = {
    "embedding": (Looking, np.arange(24) % 4, np.arange(24) % 3, "cross_entropy"),
    "probabilities": (None, LOGITS.repeat(4, 0), SHARES.repeat(4, 0), "cross_entropy"),
    "yes or no": (None, LOGITS.repeat(4, 0), SHARES.repeat(4, 0), "binary_cross_entropy"),
    "a share": (None, LOGITS.repeat(4, 0), SHARES.repeat(4, 0), "kl_divergence"),
    "labels": (None, LOGITS.repeat(4, 0), np.arange(24) % 3, "cross_entropy"),
}


def fitted(make, X, y, loss, *, compile, hidden=()):
    model = make() if make else nn.MLP(3, *hidden, 3, rng=0)
    return ad.fit(
        model,
        (X, y),
        loss=loss,
        optimizer=lambda p: ad.optim.SGD(p, lr=0.1),
        epochs=3,
        batch_size=10,
        seed=0,
        compile=compile,
        progress=False,
    )


@pytest.mark.parametrize("case", FITS)
@pytest.mark.parametrize("hidden", [(), (60,)], ids=["unrolled", "loops"])
@pytest.mark.parametrize("row", [0, 23])
def test_fit_refuses_in_native_code_what_it_refuses_eagerly(case, hidden, row):
    make, X, y, loss = FITS[case]
    good = fitted(make, X, y, loss, compile=True, hidden=hidden)
    assert good.tier == "native"
    np.testing.assert_allclose(
        good.loss, fitted(make, X, y, loss, compile=False, hidden=hidden).loss, rtol=1e-10
    )
    X, y = X.copy(), y.copy()
    (X if make else y)[row] = -1
    messages = []
    for compile in (False, True):
        with pytest.raises((ValueError, IndexError)) as error:
            fitted(make, X, y, loss, compile=compile, hidden=hidden)
        messages.append(str(error.value))
    assert messages[0] == messages[1]
