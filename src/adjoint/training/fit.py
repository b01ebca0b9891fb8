"""`fit` trains a model: epoch after epoch in the fastest tier, with callbacks and checkpoints.

The loop itself is `_train`, at the end of this file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..core.annotations import ArrayLike
from ..core.checks import positive_size
from ..core.reproducibility import reproducibly
from ..data import rows
from ..data.row_weights import ClassWeight
from ..data.stream import Data
from ..elsewhere import advised
from ..graphs.recording import enable_grad
from ..nn.module import Module
from ..optim import Optimizer
from ..optim.snapshot import modes_kept
from .callbacks.callback import Called, Training, next_call, started, watched
from .history import History
from .metrics import Metrics
from .progress import epoch_bar
from .run import Run, Show
from .saving import Saver, Saving, saver_of
from .task import Loss, MakesOptimizer, prepare
from .tiers import check_compile, fastest_run

if TYPE_CHECKING:
    from .distributed import Distributed, Job


@advised
def fit(
    model: Module,
    data: Data,
    *,
    loss: str | Loss,
    optimizer: str | Optimizer | MakesOptimizer = "adam",
    epochs: int,
    batch_size: int = 32,
    shuffle: bool = True,
    seed: np.random.Generator | int | None = None,
    validation: tuple[ArrayLike, ArrayLike] | None = None,
    metrics: Metrics = (),
    sample_weight: ArrayLike | None = None,
    class_weight: ClassWeight | None = None,
    accumulate: int = 1,
    callbacks: Iterable[Called] = (),
    checkpoint: str | PathLike[str] | Saving | None = None,
    resume: bool = False,
    progress: bool | Literal["log"] = True,
    compile: bool | Literal["auto", "prefer"] = "auto",
    reproducible: bool = False,
    distributed: bool | Distributed = False,
) -> History:
    """Train a model on batches, and return what happened epoch by epoch.

    Ctrl-C ends the training and returns the history so far, with the model as after its last whole
    step.

    Parameters
    ----------
    model : Module
        It is trained in place: in training mode during an epoch, in evaluation mode on the
        validation data. In the end it has the mode that it had.
    data : (X, y), iterable of (X, y), or callable
        Arrays of n rows, memory maps too; or batches from an iterable, or from what ``data(epoch)``
        returns, as a generator, `stream.ByLength` or `stream.parquet_batches`. Batches come as they
        are: ``batch_size`` and ``shuffle`` do not apply, and rows have no weights. Native code asks
        for up to 32,768 rows before it trains on them: where your batches depend on the model, say
        ``compile=False``. X, and y if it
        has floats, are converted to the dtype of the model; integers in X stay integers for a model
        with an `Embedding`.
    loss : str or callable
        A name in `nn.functional.LOSSES`, as "cross_entropy" or "mse_loss", a module as
        ``nn.HuberLoss(delta=2.0)``, or your own: ``loss(prediction, target)`` returns a Tensor of
        one number, the mean over the batch. With ``nn.MSELoss(reduction="sum")`` and its like a
        step is longer the more rows a batch has; recorded are the mean of the batches' sums, each
        counted by its rows, and as ``val_loss`` the sum over all validation rows.
    optimizer : str, Optimizer or callable
        A name in `optim.OPTIMIZERS`, in small letters or capitals: that rule with its default
        settings, which are a learning rate of 0.001 for "adam" and 0.01 for "sgd". For others give
        a callable, which makes the optimiser of the list of the model's trainable parameters:
        ``lambda p: SGD(p, lr=0.1)``.
    epochs : int
    batch_size : int
        The last batch of an epoch may be smaller. If it is larger than n, each batch is all n rows.
    shuffle : bool
        Take the rows of the first epoch in the order ``data.permutation(n, seed=seed, epoch=0)``,
        those of the second with ``epoch=1``, and so on. Otherwise they keep their own order.
    seed : int, numpy.random.Generator or None
        A generator is drawn from once; None takes system entropy.
    validation : (X, y), optional
        Evaluated after every epoch, recorded as ``val_loss`` and ``val_`` and the metric's name.
    metrics : iterable of str or callable, or dict of name to callable
        ``metric(prediction, target)`` of arrays returns a number: "accuracy", "r2", "mae", "rmse",
        or your own. A scorer of scikit-learn, or its name, is one too: see `metrics.as_metrics`.
        On the training data it measures the predictions that were made during the epoch, while the
        weights were still changing.
    sample_weight : (n,) array, optional
        How much each row counts, from 0: the loss is called with ``sample_weight=`` those of the
        batch, and must return Σ w l / Σ w, as all of adjoint's do. A step is as long as its rows
        weigh, and the recorded loss is the weighted mean of all; metrics and validation have none.
    class_weight : "balanced" or mapping, optional
        How much a row counts by its class, see `row_weights.row_weights`. Where both kinds of
        weights are given, a row counts by their product.
    accumulate : int
        Let each batch pass through the model in so many parts, in the memory of one: for batches
        that do not fit otherwise. Only what depends on the batch as a whole, batch normalisation,
        differs. Runs eagerly.
    callbacks : iterable of callable
        ``callback(history, model)`` after every epoch, or after those of an `AtEpochs`; if one
        returns something true, the training ends. A `callbacks.Callback` is told of the start and
        of the end as well; the end comes with Ctrl-C and errors, too.
    checkpoint : str, path or Saving, optional
        A file in which the training is kept while it runs, as `Saving` says: parameters, buffers,
        optimiser, history and position, whole or not at all.
    resume : bool
        Go on from that file, if it is there: in the same environment to the very bits that an
        uninterrupted training comes to. ``epochs`` may be more. All else must be the same, and is
        compared: data, validation data and weights by a checksum, the layers of the model, which
        parameters are frozen, the optimiser and its first settings and bounds, batch size,
        ``accumulate``, order and seed, and of loss, metrics and `Callback` objects what they are
        called; what is inside a function of yours, or comes from a stream, cannot be seen.
    progress : bool or "log"
        Show a bar where there is someone to see it: that of tqdm if it is installed, in a notebook
        its widget if ipywidgets is, too, and a plain one otherwise. "log"
        writes a line to standard error every ten seconds where there is nobody.
    compile : bool or "auto"
        Whether to run whole epochs as native code, which takes llvmlite and operations that have
        native rules; or else steps that are compiled from the second epoch on, since in the first
        one the loss itself sees every row. The batches are the same, and the numbers agree to
        rounding. "auto" does so where it pays and every part is adjoint's own. True traces your
        modules, loss and optimiser too, rather than call them at each step: they must only compute.
        `History.report` says which it was, and why.
    reproducible : bool
        Whether weights and history must have the same bits on every processor and with any number
        of threads: `History.sha256` tells. All of the training is then native code whose sums have
        one order and whose products are rounded, at up to 1.6 times the usual time; your modules,
        loss and optimiser are traced, as with ``compile=True``. The page
        docs/how-to/reproducible says what that covers, and what has to be the same besides.
    distributed : bool or Distributed
        Train in all the processes that `adjoint launch` started, each on a part of every batch, to
        the same bits for any number of them; a single process trains alone, to these bits, too. All
        must be given the same; the weights to begin with, and a seed that is drawn, are rank 0's,
        which alone writes checkpoints. The step is traced, as with ``compile=True``. See
        `Distributed`.

    Returns
    -------
    History

    Raises
    ------
    DivergedError
        If a loss is NaN or infinite, or an epoch ends with such parameters. Model and optimiser
        are put back to the last parameters whose loss was finite; then callbacks end.
    ValueError
        If an argument is out of range, X or y has NaN, the optimiser has none of the model's
        parameters, or ``compile=True`` and the step cannot be traced.
    ShapeError
        If X and y differ in length, validation and training data in the shape of their rows, or the
        loss is not one number.
    TypeError
        If an argument has the wrong type.
    ReproducibleError
        With ``reproducible=True``, before the first step: if a part of the training has no native
        code, as a metric of your own, or the batches come from a stream. Later only where a number
        is not finite and NumPy would have to look at it, or a callback changed a constant.
    ImportError, OSError
        If the checkpoint cannot be written: before the first step where that can be known. With
        ``reproducible=True``, if llvmlite is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> import adjoint as ad
    >>> X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> model = ad.nn.MLP(2, 4, 2, activation="tanh", rng=0)
    >>> history = ad.fit(model, (X, [0, 1, 1, 0]), loss="cross_entropy", seed=0, epochs=200,
    ...                  batch_size=4, optimizer=lambda p: ad.optim.SGD(p, lr=0.5, momentum=0.9))
    >>> model.predict(X)
    array([0, 1, 1, 0])
    """
    check_compile(compile)
    job = _job_of(distributed)
    with reproducibly(reproducible):
        task = prepare(
            model,
            data,
            loss=loss,
            optimizer=optimizer,
            batch_size=batch_size,
            validation=validation,
            metrics=metrics,
            sample_weight=sample_weight,
            class_weight=class_weight,
            accumulate=accumulate,
        )
    if job is not None:
        job.refuse(task, compile=compile, reproducible=reproducible)
    epochs, callbacks = positive_size("epochs", epochs), list(callbacks)
    history = History(seed=rows.as_seed(seed))
    with reproducibly(reproducible):
        saver = saver_of(
            checkpoint, resume, task, history, callbacks, seed=seed, shuffle=shuffle, job=job
        )
    task.seed = history.seed if shuffle else None
    training = Training(model, task.loss, task.optimizer, epochs)
    called = callbacks if job is None else job.called(callbacks)
    try:
        with (
            reproducibly(reproducible),
            modes_kept(model),
            enable_grad(),
            started(called, training, history),
            epoch_bar(epochs, progress if job is None or job.is_first else False) as show,
            nullcontext() if job is None else job.working(history),
        ):
            model.train()
            if job is None:
                run = fastest_run(task, history, epochs=epochs, compile=compile, saver=saver)
            else:
                run = job.run(task, history, saver)
            saver.resume(run)
            _train(run, epochs, called, saver, show, any if job is None else job.any_of_first)
    except KeyboardInterrupt:
        history.interrupted = True
    return history


def _job_of(distributed: bool | Distributed) -> Job | None:
    if distributed is False:
        return None
    from .distributed import joined  # here: most trainings are not distributed

    return joined(distributed)


def _train(
    run: Run,
    epochs: int,
    callbacks: Sequence[Called],
    saver: Saver,
    show: Show,
    is_end: Callable[[Sequence[Any]], bool],
) -> None:
    """Train epoch after epoch, call the callbacks after each, and save the training when it is due.

    This is the loop of all tiers. How one epoch is trained is up to the run, and whether the
    answers of the callbacks end the training to ``is_end``.
    """
    history, model = run.history, run.task.model
    try:
        while len(history) < epochs:
            model.train()  # validation left it in evaluation mode
            # A callback may have changed what a compiled run has as constants: then an eager run
            # goes on in its place.
            run = run.current()
            # A native run trains many epochs at once where no callback looks between them.
            # What is saved must be what the callbacks have seen.
            watch, others = (None, callbacks) if saver.saving else watched(callbacks, len(history))
            run.train(next_call(others, len(history), epochs), show, watch)
            show(len(history), history.loss[-1])
            # All are called before the loop may end: each is to see the last epoch, too.
            answers = [callback(history, model) for callback in callbacks]
            if is_end(answers):
                break
            if saver.is_due():
                saver.save(run)
    except KeyboardInterrupt:
        # Now, because callbacks are told of the end next, and one may put other weights in place.
        saver.save(run)
        raise
    saver.save(run)
