"""The page as a file of its own: it trains in the browser, with networks that are built here."""

from __future__ import annotations

from itertools import product
from typing import Any

from ..data.datasets import make_moons
from ..exporting.training_task import TrainingTask
from ..exporting.wasm.javascript import literal
from ..exporting.wasm.page import packed
from ..exporting.wasm.training import WasmTraining, training_of
from ..exporting.wasm.training_javascript import TRAINING, about, sizes
from ..nn.mlp import MLP
from .bundle import bundle

# All pairs of two inputs and two classes. A module has its widths, its activation and the
# optimiser's rule compiled into it; rows, rate, seed and first weights it is given.
HIDDEN = ((2,), (4,), (8,), (4, 4), (8, 8))
ACTIVATIONS = ("tanh", "relu")
OPTIMIZERS = ("adam", "sgd")
BATCH = 10


def network(hidden: tuple[int, ...], activation: str, optimizer: str) -> WasmTraining:
    """Return a module that trains a network to the bits of ``fit(reproducible=True)``."""
    model = MLP(2, *hidden, 2, activation=activation, rng=0)
    rows = make_moons(2 * BATCH, seed=0)
    task = TrainingTask(
        model,
        rows,
        loss="cross_entropy",
        optimizer=optimizer,
        batch_size=BATCH,
        reproducible=True,
    )
    return training_of(task)


def page(
    hidden: tuple[tuple[int, ...], ...] = HIDDEN,
    activations: tuple[str, ...] = ACTIVATIONS,
    optimizers: tuple[str, ...] = OPTIMIZERS,
) -> str:
    """Return HTML that loads nothing, with a network for each choice.

    Raises
    ------
    ImportError
        If llvmlite is missing; it is part of the extra `native`.
    """
    networks: list[dict[str, Any]] = []
    modules = []
    for units, activation, optimizer in product(hidden, activations, optimizers):
        made = network(units, activation, optimizer)
        modules.append(made.module)
        networks.append(
            {
                "units": list(units),
                "activation": activation,
                "optimizer": optimizer,
                "about": about(made),
                "length": len(made.module),
            }
        )
    # Together, since one module is much like the next.
    given = {"networks": networks, "modules": packed(b"".join(modules))}
    return bundle("static.js", given, {"training.js": training_module()})


def training_module() -> str:
    """Return the module of JavaScript that runs a training."""
    head = (
        f"/** A training of WebAssembly. */\nconst [BLOCK, TABLE, BEYOND] = {literal(sizes())};\n"
    )
    return f"{head}{TRAINING}\nexport {{ Training }};\n"
