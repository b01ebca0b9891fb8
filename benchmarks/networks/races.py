"""The three networks that are trained, each with its rivals."""

from __future__ import annotations

from functools import partial

from ..race import Race
from ..rival import Rival
from . import (
    autograd_training,
    by_hand,
    c_training,
    jax_training,
    numba_training,
    ours,
    products,
    sklearn_training,
    torch_training,
)
from .task import ARTICLE, ARTICLE_FLOAT32, DIGITS, WIDE, Task

NUMPY = "hand-written NumPy"


def general(task: Task) -> list[Rival]:
    """Return the rivals that train anything."""
    return [
        Rival("adjoint, fit", partial(ours.make, task, compiled=True), quick=True),
        Rival(
            "adjoint, fit, reproducible",
            partial(ours.make, task, compiled=True, reproducible=True),
            quick=True,
        ),
        Rival("adjoint, eager", partial(ours.make, task, compiled=False), quick=True),
        Rival(NUMPY, partial(by_hand.make, task), quick=True),
        Rival("JAX, scan", partial(jax_training.make_scan, task), ("jax",)),
        Rival(
            "JAX, scan, its own shuffle",
            partial(jax_training.make_scan, task, own_shuffle=True),
            ("jax",),
        ),
        Rival("JAX, jit a step", partial(jax_training.make_jit, task), ("jax",)),
        Rival("PyTorch, eager", partial(torch_training.make, task), ("torch",)),
        Rival("autograd", partial(autograd_training.make, task), ("autograd",)),
        Rival("scikit-learn", partial(sklearn_training.make, task), ("sklearn",)),
    ]


def in_c(task: Task, name: str) -> list[Rival]:
    fast = "-ffast-math"
    return [
        Rival("C, -O3", partial(c_training.make, task, name), ("cc",)),
        Rival(f"C, -O3 {fast}", partial(c_training.make, task, name, fast), ("cc",)),
    ]


ARTICLE_RIVALS = [
    *general(ARTICLE),
    *in_c(ARTICLE, "article"),
    Rival("Numba, loops", partial(numba_training.make_article, ARTICLE), ("numba",)),
]
ARTICLE_FLOAT32_RIVALS = [
    *general(ARTICLE_FLOAT32),
    *in_c(ARTICLE_FLOAT32, "article_float32"),
]
DIGITS_RIVALS = [
    *general(DIGITS),
    *in_c(DIGITS, "digits"),
    Rival(
        "Numba, products and loops", partial(numba_training.make_digits, DIGITS), ("numba", "scipy")
    ),
]
PRODUCTS = "matrix products alone, NumPy's BLAS"
WIDE_RIVALS = [*general(WIDE), Rival(PRODUCTS, partial(products.make, WIDE))]


def training(
    title: str, task: Task, rivals: list[Rival], *, tolerance: float, threads: int = 1
) -> Race:
    """Return the race of a task."""
    return Race(
        f"Training {title}",
        "a step",
        rivals,
        reference=NUMPY,
        tolerance=tolerance,
        parts=task.steps,
        threads=threads,
        rest=0.0 if threads == 1 else 0.3,
        unchecked=(PRODUCTS,),
    )


ABOUT_WIDE = "784-512-512-10, batch 128, float32, Adam"


def article() -> Race:
    title = "the article's network, 2-4-4-2, batch 50, float64, gradient descent"
    return training(title, ARTICLE, ARTICLE_RIVALS, tolerance=1e-10)


def article_float32() -> Race:
    title = "the article's network, 2-4-4-2, batch 50, float32, gradient descent"
    return training(title, ARTICLE_FLOAT32, ARTICLE_FLOAT32_RIVALS, tolerance=1e-4)


def digits() -> Race:
    title = "on digits, 64-128-10, batch 64, float32, Adam"
    return training(title, DIGITS, DIGITS_RIVALS, tolerance=1e-3)


def wide() -> Race:
    return training(f"{ABOUT_WIDE}, one thread", WIDE, WIDE_RIVALS, tolerance=1e-3)


def wide_on_two_threads() -> Race:
    return training(f"{ABOUT_WIDE}, two threads", WIDE, WIDE_RIVALS, tolerance=1e-3, threads=2)
