"""Threads: modes are each thread's own, and derivatives are the same numbers everywhere."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np

import adjoint as ad


def test_two_threads_with_different_modes_do_not_disturb_each_other():
    x = ad.tensor([1.0, 2.0], requires_grad=True)
    barrier, seen = threading.Barrier(2), {}

    def watch(name, mode):
        with mode():
            states = []
            for _ in range(50):
                barrier.wait()
                states.append((x * 2).requires_grad)
            seen[name] = states

    threads = [
        threading.Thread(target=watch, args=("off", ad.no_grad)),
        threading.Thread(target=watch, args=("on", ad.enable_grad)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {"off": [False] * 50, "on": [True] * 50}


def test_eight_threads_differentiate_to_the_same_bits():
    w = np.random.default_rng(0).standard_normal((20, 20))

    def f(x):
        for _ in range(20):
            x = np.tanh(w @ x)
        return np.sum(x**2)

    points = [np.random.default_rng(n).standard_normal(20) for n in range(40)]
    alone = [ad.grad(f)(x) for x in points]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(ad.grad(f), points))
    for a, b in zip(alone, together, strict=True):
        np.testing.assert_array_equal(a, b)


def test_threads_may_share_a_graph_that_is_only_read():
    x = ad.tensor(np.linspace(0, 1, 10), requires_grad=True)
    shared = np.exp(x)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda k: ad.grad(lambda y: np.sum(y**k))(shared.detach()), [2] * 32))
    for g in found:
        np.testing.assert_array_equal(g, found[0])
