"""A training task is what `fit` would be asked to do, to be exported rather than done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core.annotations import ArrayLike
from ..core.checks import positive_size
from ..data.rows import as_seed
from ..nn.module import Module, Parameter
from ..optim import Optimizer
from ..training.task import Loss, Task, prepare


class TrainingTask:
    """A training that is not begun: a model, rows, a loss and an optimiser, as `fit` takes them.

    `export` makes C99, a module of WebAssembly or a page of it, which train as `fit` would here:
    the same first weights, the same batches in the same order. The model is not changed.

    Parameters
    ----------
    model : Module
    data : pair of arrays
        X and y. They decide shapes and dtypes, the size of the last batch of an epoch, and in a
        page they are what is trained on.
    loss : str or callable
    optimizer : str, Optimizer or callable
        The numbers of a schedule are written down for all ``epochs``; they go on from the steps
        that an optimiser has taken.
    batch_size : int
    seed : int or numpy.random.Generator
        Decides the order of the rows; whoever runs the training may choose another.
    shuffle : bool
        Whether each epoch has another order.
    reproducible : bool
        Whether the weights have the bits that ``fit(..., reproducible=True)`` gives on every
        machine; the module is larger then, and slower.
    epochs : int, optional
        After how many epochs a page pauses; by default it goes on. A schedule needs it, and its
        last number holds from there on.

    Raises
    ------
    ValueError, TypeError, ShapeError
        As `fit`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import adjoint as ad
    >>> X, y = ad.datasets.make_moons(60, seed=0)
    >>> model = ad.nn.MLP(2, 4, 2, rng=0)
    >>> task = ad.TrainingTask(model, (X, y), loss="cross_entropy", batch_size=20, seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     done = ad.export(task, pathlib.Path(folder) / "moons.wasm")
    >>> [path.name for path in done.files]
    ['moons.wasm', 'moons.mjs', 'moons.d.mts']
    """

    def __init__(
        self,
        model: Module,
        data: tuple[ArrayLike, ArrayLike],
        *,
        loss: str | Loss,
        optimizer: str | Optimizer | Callable[[list[Parameter]], Optimizer] = "adam",
        batch_size: int = 32,
        seed: Any = 0,
        shuffle: bool = True,
        epochs: int | None = None,
        reproducible: bool = False,
    ) -> None:
        self.task: Task = prepare(
            model, data, loss=loss, optimizer=optimizer, batch_size=batch_size
        )
        if self.task.stream is not None:
            raise TypeError("TrainingTask: expected a pair of arrays as data, got a stream of them")
        self.seed = as_seed(seed)
        self.shuffle, self.reproducible = shuffle, reproducible
        self.epochs = None if epochs is None else positive_size("epochs", epochs)
