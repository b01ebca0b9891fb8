"""What derivations are made of in the tests: the cards, random programs, layers and losses."""

import numpy as np

import adjoint as ad
from adjoint import contract, nn
from adjoint.core import PRIMITIVES
from adjoint.nn.functional import LOSSES

SMOOTH = (np.tanh, np.sin, np.exp, np.arctan, ad.sigmoid, ad.softplus, np.square)


def cards():
    """Return (name, function, arguments) for each case of each card that has a derivative."""
    return [
        (f"{name}-{number}", *_closed(primitive, case))
        for name, primitive in PRIMITIVES.items()
        if primitive.vjp is not None
        for number, case in enumerate(contract.cases(primitive))
    ]


def _closed(primitive, case):
    args, params = contract.arguments(primitive, case, np.random.default_rng(0))
    floats = [n for n, x in enumerate(args) if x.dtype.kind == "f"]

    def function(*xs):
        full = list(args)
        for n, x in zip(floats, xs, strict=True):
            full[n] = x
        y = primitive.bind(full, params)
        return np.sum(y * (1 + np.arange(y.size).reshape(y.shape) / 8))

    return function, [args[n] for n in floats]


def random_program(seed):
    """Return a random function of three arrays, and arguments."""
    rng = np.random.default_rng(seed)
    rows, columns = rng.integers(1, 5, 2)
    args = [
        rng.normal(size=(rows, columns)),
        rng.normal(size=(columns, columns)),
        rng.normal(size=columns),
    ]
    plan = rng.integers(0, 8, rng.integers(2, 9))
    chosen = rng.integers(0, 1 << 30, (len(plan), 2))

    def program(x, w, b):
        made = [x]
        for kind, (first, second) in zip(plan, chosen, strict=True):
            left, right = made[first % len(made)], made[second % len(made)]
            made.append(_operation(kind, first, left, right, w, b))
        return np.mean(made[-1] * made[len(made) // 2])

    return program, args


def _operation(kind, first, left, right, w, b):
    if kind == 0:
        return SMOOTH[first % len(SMOOTH)](left / 2)
    if kind == 1:
        return left @ w + b
    if kind == 2:
        return left * right - b
    if kind == 3:
        return left / (1 + right * right)
    if kind == 4:
        return np.where(left > right, left, 0.5 * right)
    if kind == 5:
        return left - np.mean(left, axis=0)
    if kind == 6:
        return (left[::-1] + right) / np.sqrt(2.0)
    return left * ad.softmax(right) + np.sum(b**2)


def layers():
    """Return (name, model, input) for every built-in layer."""
    rng = np.random.default_rng(1)
    x, rows = rng.normal(size=(3, 4)), rng.normal(size=(2, 3, 4))
    images = rng.normal(size=(1, 2, 3, 3))
    found = [(name, kind(), x) for name, kind in nn.ACTIVATIONS.items()]
    found += [
        ("Softmax", nn.Softmax(), x),
        ("GLU", nn.GLU(), x),
        ("PReLU", nn.PReLU(4), x),
        ("Linear", nn.Linear(4, 2, rng=0), x),
        ("MLP", nn.MLP(4, 3, 2, rng=0), x),
        ("BatchNorm", nn.BatchNorm(4), x),
        ("BatchNorm.eval", nn.BatchNorm(4).eval(), x),
        ("LayerNorm", nn.LayerNorm(4), x),
        ("RMSNorm", nn.RMSNorm(4), x),
        ("GroupNorm", nn.GroupNorm(2, 4), x),
        ("Dropout", nn.Dropout(0.5, rng=0), x),
        ("Embedding", nn.Embedding(5, 3, rng=0), np.array([[0, 2], [2, 4]])),
        ("padding", nn.Embedding(5, 3, padding_idx=0, rng=0), np.array([[0, 2], [2, 4]])),
        ("Sequential", nn.Sequential(nn.Linear(4, 3, rng=0), nn.Tanh()), x),
        ("Residual", nn.Residual(nn.Linear(4, 4, rng=0)), x),
        ("Flatten", nn.Sequential(nn.Flatten(), nn.Linear(12, 2, rng=0)), rows),
        ("RNN", nn.RNN(4, 3, rng=0), rows),
        ("LSTM", nn.LSTM(4, 3, rng=0), rows),
        ("GRU", nn.GRU(4, 3, rng=0), rows),
        ("RNNCell", nn.RNNCell(4, 3, rng=0), x),
        ("LSTMCell", nn.LSTMCell(4, 3, rng=0), x),
        ("GRUCell", nn.GRUCell(4, 3, rng=0), x),
        ("LayerNorm of axes", nn.LayerNorm((3, 3)), images),
        ("Conv2d", nn.Conv2d(2, 2, 2, rng=0), images),
        ("ConvTranspose2d", nn.ConvTranspose2d(2, 1, 2, 2, 1, rng=0), images),
        ("MaxPool", nn.MaxPool(2), images),
        ("AdaptiveAvgPool", nn.AdaptiveAvgPool(2), images),
        ("AdaptiveMaxPool", nn.AdaptiveMaxPool(2), images),
        ("GlobalAvgPool", nn.GlobalAvgPool(), images),
        ("GlobalMaxPool", nn.GlobalMaxPool(), images),
        ("Upsample", nn.Upsample(scale_factor=2), images),
        ("bilinear", nn.Upsample(4, mode="bilinear"), images),
        ("MultiheadAttention", nn.MultiheadAttention(4, 2, rng=0), rows),
        ("TransformerEncoderLayer", nn.TransformerEncoderLayer(4, 2, 8, rng=0), rows),
    ]
    return found


class Scaled(nn.Module):
    """A layer after a scale, so that there is always a parameter; its output as one number."""

    def __init__(self, inner):
        self.inner = inner
        self.scale = nn.Parameter(0.75)

    def forward(self, x):
        result = self.inner(x if x.dtype.kind == "i" else x * self.scale)
        return result[0] if isinstance(result, tuple) else result * self.scale


def square(prediction):
    return np.sum(prediction**2)


def losses():
    """Return (name, prediction, target) for every loss."""
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    labels, signs = rng.integers(0, 3, 4), np.array([0, 1, 1, 0])
    simplex = np.exp(y) / np.exp(y).sum(axis=1, keepdims=True)
    targets = {
        "cross_entropy": labels,
        "binary_cross_entropy": signs,
        "poisson_loss": rng.integers(0, 5, (4, 3)),
        "kl_divergence": simplex,
        "focal_loss": signs,
        "hinge_loss": 2 * signs - 1,
    }
    single = {"binary_cross_entropy", "focal_loss", "hinge_loss"}
    return [(name, x[:, 0] if name in single else x, targets.get(name, y)) for name in LOSSES]
