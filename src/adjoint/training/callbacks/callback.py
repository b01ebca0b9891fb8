"""A callback is called after epochs of training, with the history so far and the model."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

from ...nn.module import Module
from ...optim import Optimizer
from ..history import History
from ..run import Watch

# What `fit` takes: a `Callback`, or any function of history and model.
Called = Callable[[History, Any], Any]


class Training(NamedTuple):
    """What a training works with: `Callback.start` is given it before the first step.

    Attributes
    ----------
    model : Module
    loss : callable
        ``loss(prediction, target)``
    optimizer : Optimizer
        Its settings may be changed after any epoch.
    epochs : int
        How many are to come.

    Examples
    --------
    >>> import adjoint as ad
    >>> class HalvedRate(ad.callbacks.Callback):
    ...     def start(self, training):
    ...         self.optimizer = training.optimizer
    ...     def __call__(self, history, model):
    ...         self.optimizer.lr = self.optimizer.lr / 2
    >>> optimizer = ad.optim.SGD(ad.nn.Linear(1, 1, rng=0).parameters(), lr=0.4)
    >>> callback = HalvedRate()
    >>> callback.start(Training(model=None, loss=None, optimizer=optimizer, epochs=1))
    >>> callback(None, None)
    >>> optimizer.lr
    0.2
    """

    model: Module
    loss: Callable[[Any, Any], Any]
    optimizer: Optimizer
    epochs: int


class Callback:
    """A callback that is told of the start and of the end, too; each method does nothing here.

    There is none for a step: where nobody looks, many epochs run as native code without coming
    back to Python.

    Examples
    --------
    >>> class HalfOfThem(Callback):
    ...     def start(self, training):
    ...         self.last = training.epochs // 2
    ...     def __call__(self, history, model):
    ...         return len(history) >= self.last

    In a distributed training every rank calls its own; one whose ``is_of_first_rank`` is true, as
    of those that write files, is called on rank 0 alone.
    """

    is_of_first_rank: bool = False

    def start(self, training: Training) -> None:
        """Prepare for a training, before its first step."""

    def __call__(self, history: History, model: Module) -> Any:
        """See the model after an epoch; a true answer ends the training."""

    def end(self, history: History, model: Module) -> None:
        """Tidy up once no more steps will follow, even if Ctrl-C or an error ended the training."""

    def next_after(self, epoch: int) -> int | None:
        """Return after which epoch to call next, once this one is over; None for never."""
        return epoch + 1

    def watch(self, epoch: int) -> Watch | None:
        """Return what native code can watch in its place from an epoch on; None for nothing.

        Then the callback need not be called before that ends, and sees several epochs at once.
        """
        return None

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint must hold for it to go on: numbers, lists, dicts of arrays."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from such a state, once it was started."""


class AtEpochs(Callback):
    """A callback that is called after some epochs only.

    Compiled training then runs from one of them to the next without coming back to Python.

    Parameters
    ----------
    epochs : iterable of int
        Counted from 1.
    callback : callable
        ``callback(history, model)``; a true answer ends the training. A `Callback` is told of the
        start and the end as well.

    Examples
    --------
    >>> callback = AtEpochs([1, 10, 100], lambda history, model: None)
    >>> callback.next_after(10)
    100
    """

    def __init__(self, epochs: Iterable[int], callback: Called) -> None:
        self.epochs = sorted(set(epochs))
        self.callback = callback
        self.is_of_first_rank = getattr(callback, "is_of_first_rank", False)

    def start(self, training: Training) -> None:
        """Tell the callback, if it wants to know."""
        if isinstance(self.callback, Callback):
            self.callback.start(training)

    def __call__(self, history: History, model: Module) -> Any:
        """Call the callback, if this epoch is one of those."""
        wanted = len(history) in self.epochs
        return self.callback(history, model) if wanted else None

    def end(self, history: History, model: Module) -> None:
        """Tell the callback, if it wants to know."""
        if isinstance(self.callback, Callback):
            self.callback.end(history, model)

    def next_after(self, epoch: int) -> int | None:
        """Return the first of the epochs after a given one; None after the last."""
        place = bisect_right(self.epochs, epoch)
        return self.epochs[place] if place < len(self.epochs) else None


def next_call(callbacks: Iterable[Called], epoch: int, last: int) -> int:
    """Return the next epoch after which a callback wants to be called, ``last`` at most."""
    wanted = [
        callback.next_after(epoch) if isinstance(callback, Callback) else epoch + 1
        for callback in callbacks
    ]
    return min((n for n in wanted if n is not None), default=last)


def watched(callbacks: Sequence[Called], epoch: int) -> tuple[Watch | None, list[Called]]:
    """Return what native code can watch in a callback's place, and the callbacks left to call."""
    for place, callback in enumerate(callbacks):
        watch = callback.watch(epoch) if isinstance(callback, Callback) else None
        if watch is not None:
            return watch, [*callbacks[:place], *callbacks[place + 1 :]]
    return None, list(callbacks)


@contextmanager
def started(callbacks: Sequence[Called], training: Training, history: History) -> Iterator[None]:
    """Start callbacks in their order, and end in the same order all of those that were started.

    An error in ending one of them does not keep the others from being ended.
    """
    begun: list[Callback] = []
    try:
        for callback in callbacks:
            if isinstance(callback, Callback):
                callback.start(training)
                begun.append(callback)
        yield
    except KeyboardInterrupt:
        history.interrupted = True
        raise
    finally:
        with ExitStack() as ends:  # the last to be pushed is the first to be called
            for callback in reversed(begun):
                ends.callback(callback.end, history, training.model)
