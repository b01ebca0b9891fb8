"""A kind is one sort of layer: its forward pass, a right backward pass, and how to draw inputs.

A tag at the end of a line of the backward pass says what the line is about: `activation`, the
derivative of an activation; `softmax`, the Jacobian of softmax; `logits`, that of softmax with
cross-entropy.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Kind:
    """The source of a layer, without the form that it is given in."""

    name: str
    shapes: dict[str, object]  # of the arguments, in sizes; or a function of generator and sizes
    parameters: tuple[str, ...]  # which of them an object would own
    forward: str
    output: str
    backward: str
    gradients: dict[str, str]
    biases: tuple[str, ...] = ()

    @property
    def arguments(self):
        return tuple(self.shapes)

    def draw(self, rng):
        """Return arguments; sizes differ, and √D is no whole number: factors can be told apart."""
        sizes = {"N": int(rng.integers(7, 10)), "D": 5, "M": 3, "T": 6, "K": 2}
        return tuple(_draw(rng, shape, sizes) for shape in self.shapes.values())


def _draw(rng, shape, sizes):
    if callable(shape):
        return shape(rng, sizes)
    return rng.standard_normal([sizes[letter] for letter in shape])


def one_hot(rng, sizes):
    return np.eye(sizes["D"])[rng.integers(0, sizes["D"], sizes["N"])]


def indices(rng, sizes):
    return rng.integers(0, sizes["D"], sizes["N"])


def mask(rng, sizes):
    return (rng.random((sizes["N"], sizes["D"])) < 0.7) / 0.7


def binary(rng, sizes):
    return (rng.random((sizes["N"], sizes["D"])) < 0.5) * 1.0


def kind(name, shapes, forward, output, backward, gradients, parameters=(), biases=()):
    lines = (textwrap.dedent(text).strip() for text in (forward, backward))
    forward, backward = lines
    return Kind(name, shapes, parameters, forward, output, backward, gradients, biases)


X = {"x": "ND"}
DX = {"x": "dx"}
AFFINE = {"x": "ND", "W": "DM", "b": "M"}
D_AFFINE = {"x": "dx", "W": "dW", "b": "db"}

KINDS = [
    kind(
        "linear",
        AFFINE,
        "a = x @ W + b",
        "a",
        "dx = g @ W.T\ndW = x.T @ g\ndb = g.sum(axis=0)",
        D_AFFINE,
        ("W", "b"),
        ("b",),
    ),
    kind(
        "linear_without_bias",
        {"x": "ND", "W": "DM"},
        "a = x @ W",
        "a",
        "dx = g @ W.T\ndW = x.T @ g",
        {"x": "dx", "W": "dW"},
        ("W",),
    ),
    kind("sigmoid", X, "y = 1 / (1 + np.exp(-x))", "y", "dx = g * y * (1 - y)  # activation", DX),
    kind("tanh", X, "y = np.tanh(x)", "y", "dx = g * (1 - y**2)  # activation", DX),
    kind("relu", X, "y = np.maximum(x, 0)", "y", "dx = g * (x > 0)  # activation", DX),
    kind(
        "leaky_relu",
        X,
        "y = np.where(x > 0, x, 0.1 * x)",
        "y",
        "dx = g * np.where(x > 0, 1.0, 0.1)  # activation",
        DX,
    ),
    kind(
        "softplus",
        X,
        "y = np.log(1 + np.exp(x))",
        "y",
        "dx = g / (1 + np.exp(-x))  # activation",
        DX,
    ),
    kind(
        "gelu",
        X,
        """
        u = np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)
        t = np.tanh(u)
        y = 0.5 * x * (1 + t)
        """,
        "y",
        """
        du = np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * x**2)
        dx = g * (0.5 * (1 + t) + 0.5 * x * (1 - t**2) * du)  # activation
        """,
        DX,
    ),
    kind(
        "swish",
        X,
        "s = 1 / (1 + np.exp(-x))\ny = x * s",
        "y",
        "dx = g * (s + x * s * (1 - s))  # activation",
        DX,
    ),
    kind(
        "softmax",
        X,
        """
        e = np.exp(x - np.max(x, axis=1, keepdims=True))
        y = e / np.sum(e, axis=1, keepdims=True)
        """,
        "y",
        "dx = y * (g - np.sum(g * y, axis=1, keepdims=True))  # softmax",
        DX,
    ),
    kind(
        "log_softmax",
        X,
        "y = x - np.log(np.sum(np.exp(x), axis=1, keepdims=True))",
        "y",
        "dx = g - np.exp(y) * np.sum(g, axis=1, keepdims=True)",
        DX,
    ),
    kind(
        "softmax_cross_entropy",
        {"x": "ND", "t": one_hot},
        """
        e = np.exp(x - np.max(x, axis=1, keepdims=True))
        p = e / np.sum(e, axis=1, keepdims=True)
        loss = -np.sum(t * np.log(p)) / len(x)
        """,
        "loss",
        "dx = g * (p - t) / len(x)  # logits",
        DX,
    ),
    kind(
        "mean_squared_error",
        {"x": "ND", "t": "ND"},
        "r = x - t\nloss = np.mean(r**2)",
        "loss",
        "dx = g * 2 * r / r.size",
        DX,
    ),
    kind(
        "binary_cross_entropy",
        {"x": "ND", "t": binary},
        "p = 1 / (1 + np.exp(-x))\nloss = -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))",
        "loss",
        "dx = g * (p - t) / x.size",
        DX,
    ),
    kind(
        "batch_norm",
        {"x": "ND", "gamma": "D", "beta": "D"},
        """
        m = x.mean(axis=0)
        s = np.sqrt(x.var(axis=0) + 1e-5)
        h = (x - m) / s
        y = gamma * h + beta
        """,
        "y",
        """
        dgamma = np.sum(g * h, axis=0)
        dbeta = np.sum(g, axis=0)
        dh = g * gamma
        dx = (dh - dh.mean(axis=0) - h * np.mean(dh * h, axis=0)) / s
        """,
        {"x": "dx", "gamma": "dgamma", "beta": "dbeta"},
        ("gamma", "beta"),
        ("beta",),
    ),
    kind(
        "layer_norm",
        {"x": "ND", "gamma": "D", "beta": "D"},
        """
        m = x.mean(axis=1, keepdims=True)
        s = np.sqrt(x.var(axis=1, keepdims=True) + 1e-5)
        h = (x - m) / s
        y = gamma * h + beta
        """,
        "y",
        """
        dgamma = np.sum(g * h, axis=0)
        dbeta = np.sum(g, axis=0)
        dh = g * gamma
        dx = (dh - dh.mean(axis=1, keepdims=True) - h * np.mean(dh * h, axis=1, keepdims=True)) / s
        """,
        {"x": "dx", "gamma": "dgamma", "beta": "dbeta"},
        ("gamma", "beta"),
        ("beta",),
    ),
    kind(
        "rms_norm",
        {"x": "ND", "gamma": "D"},
        "s = np.sqrt(np.mean(x**2, axis=1, keepdims=True))\nh = x / s\ny = h * gamma",
        "y",
        """
        dgamma = np.sum(g * h, axis=0)
        dh = g * gamma
        dx = (dh - h * np.mean(dh * h, axis=1, keepdims=True)) / s
        """,
        {"x": "dx", "gamma": "dgamma"},
        ("gamma",),
    ),
    kind(
        "convolution",
        {"x": "NT", "w": "M", "b": lambda rng, sizes: rng.standard_normal(1)},
        "windows = np.stack([x[:, k : k + 4] for k in range(3)], axis=-1)\ny = windows @ w + b",
        "y",
        """
        dw = np.einsum("nlk,nl->k", windows, g)
        db = np.sum(g).reshape(1)
        dwindows = g[:, :, None] * w
        dx = sum(np.pad(dwindows[:, :, k], ((0, 0), (k, 2 - k))) for k in range(3))
        """,
        {"x": "dx", "w": "dw", "b": "db"},
        ("w", "b"),
        ("b",),
    ),
    kind(
        "embedding",
        {"index": indices, "W": "DM"},
        "y = W[index]",
        "y",
        "dW = np.zeros_like(W)\nnp.add.at(dW, index, g)",
        {"W": "dW"},
        ("W",),
    ),
    kind(
        "attention",
        {"Q": "ND", "K": "TD", "V": "TM"},
        """
        a = Q @ K.T / np.sqrt(Q.shape[1])
        e = np.exp(a - np.max(a, axis=1, keepdims=True))
        p = e / np.sum(e, axis=1, keepdims=True)
        y = p @ V
        """,
        "y",
        """
        dV = p.T @ g
        dp = g @ V.T
        da = p * (dp - np.sum(dp * p, axis=1, keepdims=True))  # softmax
        dQ = da @ K / np.sqrt(Q.shape[1])
        dK = da.T @ Q / np.sqrt(Q.shape[1])
        """,
        {"Q": "dQ", "K": "dK", "V": "dV"},
    ),
    kind("dropout", {"x": "ND", "mask": mask}, "y = x * mask", "y", "dx = g * mask", DX),
    kind(
        "sigmoid_layer",
        AFFINE,
        "a = x @ W + b\nz = 1 / (1 + np.exp(-a))",
        "z",
        """
        da = g * z * (1 - z)  # activation
        dx = da @ W.T
        dW = x.T @ da
        db = np.sum(da, axis=0)
        """,
        D_AFFINE,
        ("W", "b"),
        ("b",),
    ),
    kind(
        "mlp",
        {"x": "ND", "W1": "DM", "b1": "M", "W2": "MK", "b2": "K"},
        "a1 = x @ W1 + b1\nz1 = np.tanh(a1)\na2 = z1 @ W2 + b2",
        "a2",
        """
        dW2 = z1.T @ g
        db2 = g.sum(axis=0)
        dz1 = g @ W2.T
        da1 = dz1 * (1 - z1**2)  # activation
        dW1 = x.T @ da1
        db1 = da1.sum(axis=0)
        dx = da1 @ W1.T
        """,
        {"x": "dx", "W1": "dW1", "b1": "db1", "W2": "dW2", "b2": "db2"},
        ("W1", "b1", "W2", "b2"),
        ("b1", "b2"),
    ),
    kind(
        "classifier",
        {"x": "ND", "W": "DD", "b": "D", "t": one_hot},
        """
        a = x @ W + b
        e = np.exp(a - np.max(a, axis=1, keepdims=True))
        p = e / np.sum(e, axis=1, keepdims=True)
        loss = -np.mean(np.sum(t * np.log(p), axis=1))
        """,
        "loss",
        """
        da = g * (p - t) / len(x)  # logits
        dW = x.T @ da
        db = da.sum(axis=0)
        dx = da @ W.T
        """,
        D_AFFINE,
        ("W", "b"),
        ("b",),
    ),
    kind(
        "residual",
        {"x": "ND", "W": "DD"},
        "a = x @ W\nz = np.maximum(a, 0)\ny = x + z",
        "y",
        "da = g * (a > 0)  # activation\ndW = x.T @ da\ndx = g + da @ W.T",
        {"x": "dx", "W": "dW"},
        ("W",),
    ),
    kind(
        "gate",
        {"x": "ND", "v": "ND"},
        "s = 1 / (1 + np.exp(-v))\ny = x * s",
        "y",
        "dx = g * s\ndv = g * x * s * (1 - s)  # activation",
        {"x": "dx", "v": "dv"},
    ),
    kind(
        "gain",
        {"x": "ND", "scale": lambda rng, sizes: rng.standard_normal((sizes["N"], 1))},
        "y = x * scale",
        "y",
        "dx = g * scale\ndscale = np.sum(g * x, axis=1, keepdims=True)",
        {"x": "dx", "scale": "dscale"},
    ),
]
BY_NAME = {each.name: each for each in KINDS}
