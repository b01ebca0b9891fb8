"""Compiled functions that were called until they are fast, and all that a result shows."""

import numpy as np

import adjoint as ad

X = np.linspace(-1, 1, 5)
weights, table = ad.tensor(np.array([1.0, 2.0, 3.0])), np.linspace(0, 1, 3000)
PARAMS = {"w": np.ones((3, 4)), "b": [np.zeros(4), 2.0]}
CASES = {
    "an array": (lambda x: 2 * x, X),
    "no axes": (lambda x: (x * x, x > 1), np.array(2.5)),
    "no entries": (lambda x, y: (2 * x, y), X, np.ones((0, 3))),
    "many axes": (lambda x: x.sum(axis=(1, 3)), np.ones((2, 1, 3, 1, 2))),
    "float32": (lambda x: (np.exp(x), x.sum()), X.astype(np.float32)),
    "integers": (lambda x, y: (x * y, (x * 3).max()), np.arange(4), np.arange(4, dtype=np.int32)),
    "flags": (lambda x, y: ((x > 0) & y, ad.where(y, x, 0)), X, X > 0.3),
    "Python's numbers": (lambda x, a, n, s: (a * x + n, ad.where(s, a, -a)), X, 0.5, -3, True),
    "NumPy's numbers": (lambda x, a, n: x * a - n, X, np.float64(0.5), np.float32(2)),
    "trees": (lambda p, x: [{"y": x @ p["w"] + p["b"][0]}, (p["b"][1], [x])], PARAMS, np.ones(3)),
    "gradients": (ad.value_and_grad(lambda p: (p["w"] * p["b"][0]).sum()), PARAMS),
    "nothing": (lambda: (X[:3] * 2, weights[0]),),
    "a constant": (lambda x: (np.arange(3.0), x, x), X),
    "a tensor and an array": (lambda x: (x * weights + table[:3], weights.sum()), np.ones(3)),
    "loops and products": (lambda x: (ad.tanh(x @ x) @ x, x.sum(axis=0)), np.ones((60, 60)) / 60),
}


def bits(tree):
    """Return all that can be told of a tree of results."""
    if isinstance(tree, dict):
        return dict, [(key, bits(item)) for key, item in tree.items()]
    if isinstance(tree, (list, tuple)):
        return type(tree), list(map(bits, tree))
    return type(tree), tree.dtype.str, tree.shape, tree.tobytes()


def empty(tree):
    """Return arrays for a tree of results."""
    if isinstance(tree, dict):
        return {key: empty(item) for key, item in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(map(empty, tree))
    return np.full_like(tree, 7, subok=False)


def builtin_of(compiled):
    ((_, builtin),) = compiled._known.builtins
    return builtin


def warm(function, *args):
    """Return a function that was compiled and called until it is fast, and what it gives."""
    compiled = ad.compile(function)
    result = [compiled(*args) for _ in range(2)][-1]
    assert compiled._known.builtins
    return compiled, result
