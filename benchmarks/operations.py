"""The cost of recording: chains of small operations, forward and backward, per operation.

Beside hand-written NumPy, and autograd and PyTorch (eager) where they are installed. Each does the
same arithmetic, and the gradients are compared before any timing.
"""

from __future__ import annotations

import importlib

import numpy as np
from timing import race, report

import adjoint as ad

LENGTH = 100
RATE = 1e-2


def chains(library):
    """Return the forward pass of each chain, with a library's namespace."""

    def add(x, y):
        for _ in range(LENGTH):
            x = x + y
        return x.sum()

    def multiply(x, y):
        for _ in range(LENGTH):
            x = x * y
        return x.sum()

    def mixed(x, y):
        for _ in range(LENGTH // 4):
            x = library.sin(x) * y + RATE
        return x.sum()

    return {"x + y": add, "x * y": multiply, "sin(x) * y + c": mixed}


def by_hand(name, x, y):
    """Return value and gradient as a person would write them."""
    if name == "x + y":
        for _ in range(LENGTH):
            x = x + y
        g = np.ones_like(x)
        for _ in range(LENGTH):
            g = g * 1.0
        return x.sum(), g
    if name == "x * y":
        for _ in range(LENGTH):
            x = x * y
        g = np.ones_like(x)
        for _ in range(LENGTH):
            g = g * y
        return x.sum(), g
    inputs = []
    for _ in range(LENGTH // 4):
        inputs.append(x)
        x = np.sin(x) * y + RATE
    g = np.ones_like(x)
    for before in reversed(inputs):
        g = g * y * np.cos(before)
    return x.sum(), g


def adjoint_gradient(chain, x, y):
    """Return a call that records and sweeps with adjoint."""

    def run():
        leaf = ad.tensor(x, requires_grad=True)
        chain(leaf, y).backward()
        return leaf.grad.numpy()

    return run


def autograd_gradient(autograd, chain, x, y):
    """Return a call that does the same with autograd."""
    gradient = autograd.grad(chain)
    return lambda: gradient(x, y)


def torch_gradient(torch, chain, x, y):
    """Return a call that does the same with PyTorch."""
    torch.set_num_threads(1)
    other = torch.tensor(y)

    def run():
        leaf = torch.tensor(x, requires_grad=True)
        chain(leaf, other).backward()
        return leaf.grad.numpy()

    return run


def optional(name):
    """Return a module, or None where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def main():
    autograd, torch = optional("autograd"), optional("torch")
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0.9, 1.1, 10), rng.uniform(0.9, 1.1, 10)
    for name, chain in chains(np).items():
        rivals = {
            "hand-written NumPy": lambda name=name: by_hand(name, x, y)[1],
            "adjoint": adjoint_gradient(chain, x, y),
        }
        if autograd:
            library = importlib.import_module("autograd.numpy")
            rivals["autograd"] = autograd_gradient(autograd, chains(library)[name], x, y)
        if torch:
            rivals["PyTorch, eager"] = torch_gradient(torch, chains(torch)[name], x, y)
        expected = rivals["hand-written NumPy"]()
        for rival in rivals.values():
            np.testing.assert_allclose(rival(), expected, rtol=1e-12)
        times = {rival: time / LENGTH for rival, time in race(rivals).items()}
        report(f"{name}, ten numbers, {LENGTH} operations", times, unit="an operation")
    long_chain()


def long_chain():
    """Time a chain of 100,000 operations, forward and backward."""

    def run():
        leaf = ad.tensor(1.0, requires_grad=True)
        y = leaf
        for _ in range(50_000):
            y = y + leaf * 1e-6
        y.backward()

    times = race({"adjoint": run}, rounds=5, seconds=0.5)
    report("A chain of 100,000 operations, forward and backward", times, unit="in all")


if __name__ == "__main__":
    main()
