"""The article's mistake is found whatever the network, its loss and the order of arguments are.

The gradient of cross-entropy begins with logits - onehot there, without the softmax.
"""

import itertools

import numpy as np
import pytest

import adjoint as ad
from sampled import sampled

rng = np.random.default_rng(3)


def squash(a):
    return 1 / (1 + np.exp(-a))


LOGARITHMS = {
    "plain": lambda p, a: np.log(p),
    "clipped": lambda p, a: np.log(np.clip(p, 1e-7, 1 - 1e-7)),
    "with epsilon": lambda p, a: np.log(p + 1e-8),
    "log-sum-exp": lambda p, a: a - np.log(np.exp(a).sum(axis=1, keepdims=True)),
}


class Example:
    """A network of layers of some sizes, with a loss and the article's gradient of it."""

    def __init__(self, sizes, *, log="plain", mean=True, one_hot=False, bias=True, first=False):
        self.log, self.mean, self.one_hot, self.first = LOGARITHMS[log], mean, one_hot, first
        self.arrays = {}
        for n, (i, o) in enumerate(itertools.pairwise(sizes), 1):
            self.arrays[f"W{n}"] = rng.standard_normal((o, i) if first else (i, o))
            if bias:
                self.arrays[f"b{n}"] = rng.standard_normal((o, 1) if first else o)
        x, y = rng.standard_normal((5, sizes[0])), rng.integers(0, sizes[-1], 5)
        self.arrays |= {
            "x": x.T.copy() if first else x,
            "y": np.eye(sizes[-1])[y] if one_hot else y,
        }
        self.layers = len(sizes) - 1

    def values(self, given):
        """Return the input and the output of each layer, with rows last if classes are first."""
        z = [given["x"]]
        for n in range(1, self.layers + 1):
            W = given[f"W{n}"]
            a = (W @ z[-1] if self.first else z[-1] @ W) + given.get(f"b{n}", 0.0)
            z.append(squash(a) if n < self.layers else a)
        return z

    def loss(self, given):
        logits = self.values(given)[-1]
        a = logits.T if self.first else logits
        p = np.exp(a) / np.exp(a).sum(axis=1, keepdims=True)
        chosen = self.log(p, a)
        y = given["y"]
        losses = -(y * chosen).sum(axis=1) if self.one_hot else -chosen[np.arange(5), y]
        return losses.mean() if self.mean else losses.sum()

    def gradients(self, g, given):
        z = self.values(given)
        onehot = (
            given["y"] if self.one_hot else np.eye(z[-1].shape[0 if self.first else 1])[given["y"]]
        )
        d = (z[-1] - (onehot.T if self.first else onehot)) * g / (5 if self.mean else 1)
        found = {}
        for n in range(self.layers, 0, -1):
            W, before = given[f"W{n}"], z[n - 1]
            found[f"W{n}"] = d @ before.T if self.first else before.T @ d
            found[f"b{n}"] = d.sum(axis=1 if self.first else 0, keepdims=self.first)
            below = W.T @ d if self.first else d @ W.T
            d = below * before * (1 - before) if n > 1 else below
        return {**found, "x": d}

    def review(self, order=None, dtype=np.float64):
        """Return the review of functions that take the arrays in an order."""
        names = list(self.arrays) if order is None else order(list(self.arrays))
        space = {"example": self}
        arguments = ", ".join(names)
        exec(  # functions whose arguments have these names, as a learner's have
            f"def forward({arguments}): return example.loss(dict({_same(names)}))\n"
            f"def backward(g, {arguments}): return example.gradients(g, dict({_same(names)}))\n",
            space,
        )
        given = [self.arrays[name] for name in names]
        given = [x.astype(dtype) if x.dtype.kind == "f" else x for x in given]
        return ad.check_backward(space["forward"], space["backward"], *given)


def _same(names):
    return ", ".join(f"{name}={name}" for name in names)


def assert_found(review):
    (found,) = review.findings
    assert found.mistake == "operand", str(review)
    assert "stands where softmax(" in found.detail


@pytest.mark.parametrize("first", sampled(["y", "W1", "x"], 3))
def test_in_the_article_s_network_whatever_argument_comes_first(first):
    example = Example((2, 4, 4, 2))
    assert_found(example.review(lambda names: sorted(names, key=lambda name: name != first)))


@pytest.mark.parametrize("log", LOGARITHMS)
@pytest.mark.parametrize("mean", sampled([True, False], 2), ids=["mean", "sum"])
def test_in_every_form_of_the_loss(log, mean):
    assert_found(Example((2, 3), log=log, mean=mean).review())


@pytest.mark.parametrize("one_hot", sampled([True, False], 2))
@pytest.mark.parametrize("first", [True, False], ids=["classes first", "rows first"])
def test_with_either_labels_and_layout(one_hot, first):
    assert_found(Example((3, 4, 3), one_hot=one_hot, first=first, bias=not first).review())


def test_in_float32():
    assert_found(Example((2, 4, 3)).review(dtype=np.float32))


@pytest.mark.parametrize("rows", sampled([2, 1, 5], 3), ids="{} rows".format)
def test_in_the_smallest_reproduction_in_both_orders(rows):
    def forward(W, x, y):
        a = x @ W
        e = np.exp(a)
        p = e / e.sum(1, keepdims=True)
        return -np.mean(np.log(p[np.arange(len(y)), y]))

    def backward(W, x, y):
        a = x @ W
        g = a.copy()
        g[np.arange(len(y)), y] -= 1
        g /= len(y)
        return x.T @ g, g @ W.T, None

    W, x, y = rng.normal(size=(2, 3)), rng.normal(size=(rows, 2)), rng.integers(0, 3, rows)
    for review in (
        ad.check_backward(forward, backward, W, x, y),
        ad.check_backward(
            lambda x, W, y: forward(W, x, y),
            lambda x, W, y: (backward(W, x, y)[1], backward(W, x, y)[0], None),
            x,
            W,
            y,
        ),
    ):
        assert_found(review)


def test_a_sigmoid_forgotten_is_found_alike():
    def forward(W, x, t):
        p = squash(x @ W)
        return -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))

    def backward(g, W, x, t):
        return x.T @ (x @ W - t) * g / len(x), (x @ W - t) * g @ W.T / len(x), None

    W, x, t = rng.normal(size=(3, 1)), rng.normal(size=(6, 3)), rng.integers(0, 2, (6, 1)) * 1.0
    (found,) = ad.check_backward(forward, backward, W, x, t).findings
    assert "stands where sigmoid(" in found.detail


@pytest.mark.parametrize("order", sampled(["bWx", "xWb", "Wbx"], 3))
def test_a_mean_left_out_is_found_in_every_order(order):
    arrays = {"x": rng.normal(size=(7, 5)), "W": rng.normal(size=(5, 3)), "b": rng.normal(size=3)}
    space = {"np": np}
    exec(
        f"def forward({', '.join(order)}): return np.mean(np.sum(np.tanh(x @ W + b), axis=1))\n"
        f"def backward(g, {', '.join(order)}):\n"
        "    d_a = g * (1 - np.tanh(x @ W + b) ** 2)\n"
        "    return dict(x=d_a @ W.T, W=x.T @ d_a, b=d_a.sum(0))\n",
        space,
    )
    review = ad.check_backward(space["forward"], space["backward"], *(arrays[n] for n in order))
    (found,) = review.findings
    assert found.mistake == "missing_mean"
    assert "N = 7" in found.detail


def probabilities(a):
    return np.exp(a) / np.exp(a).sum(axis=-1, keepdims=True)


def of_float_labels(W, x, y):
    return -np.mean(np.log(probabilities(x @ W)[np.arange(len(y)), y.astype(int)]))


def that_ends_in_a_number(W, x, y):
    return float(of_float_labels(W, x, y))


def of_each_row_in_turn(W, x, y):
    total = 0.0
    for row, label in zip(x, y, strict=True):
        a = row @ W
        total += np.log(np.sum(np.exp(a))) - a[label]
    return total / len(x)


@pytest.mark.parametrize(
    ("forward", "kind"),
    sampled(
        [(of_float_labels, float), (of_each_row_in_turn, int), (that_ends_in_a_number, int)], 2
    ),
    ids=["labels as floats", "a loop over rows", "float(loss)"],
)
def test_as_learners_write_the_loss(forward, kind):
    def backward(W, x, y):
        d_a = (x @ W - np.eye(3)[y.astype(int)]) / len(x)
        return x.T @ d_a, d_a @ W.T, None

    W, x, y = rng.normal(size=(2, 3)), rng.normal(size=(5, 2)), np.array([0, 2, 1, 1, 0])
    review = ad.check_backward(forward, backward, W, x, y.astype(kind))
    assert_found(review)
    assert review.method == "derivation"
    assert "float" not in globals()


def test_in_sequences_of_rows():
    def forward(W, x, y):
        return -np.mean(np.log(np.take_along_axis(probabilities(x @ W), y[..., None], -1)))

    def backward(g, W, x, y):
        d_a = g * (x @ W - np.eye(3)[y]) / y.size
        return np.einsum("btd,btc->dc", x, d_a), d_a @ W.T, None

    W, x, y = rng.normal(size=(4, 3)), rng.normal(size=(2, 5, 4)), rng.integers(0, 3, (2, 5))
    assert_found(ad.check_backward(forward, backward, W, x, y))
