"""To launch the playground: an address is bound and printed, a browser opened, an end awaited."""

from __future__ import annotations

import copy
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ..core.annotations import ArrayLike
from ..core.checks import positive_size
from ..data import rows
from ..errors import choose, require
from ..graphs.recording import no_grad
from ..nn.functional import LOSSES
from ..nn.module import Module
from ..optim import OPTIMIZERS
from ..optim.snapshot import kept
from ..training.epochs import as_plain_array
from ..training.history import History
from ..training.task import Loss, MakesOptimizer, Task, prepare
from .cell import is_in_notebook, show
from .fields import in_rows
from .guard import Guard
from .problem import Problem, Rows
from .requests import MOST_MESSAGE
from .server import Server
from .session import Brought, Session
from .settings import BY_NUMBER, BY_SCORE, Settings
from .setup import Given

PORT = 8642  # where it is free
_PURPOSE = "the playground"


class Played:
    """What the playground trained: what it left when it was closed, or has now in a notebook.

    Parameters
    ----------
    session : Session

    Attributes
    ----------
    model : Module
        A copy of the model as the latest page left it; in a notebook, as the panels have it now.
    history : History
        A copy of what was recorded of its epochs.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def __repr__(self) -> str:
        return "Played: .model is a copy of the trained model, .history has its epochs"

    @property
    def model(self) -> Module:
        """A copy of the model."""
        with self._session.turn:
            model: Module = copy.deepcopy(self._session.steps.model)
        return model.eval()

    @property
    def history(self) -> History:
        """A copy of the history."""
        with self._session.turn:
            return copy.deepcopy(self._session.steps.history)


def play(
    model: Module | None = None,
    X: ArrayLike | None = None,
    y: ArrayLike | None = None,
    *,
    loss: str | Loss = "cross_entropy",
    optimizer: str | MakesOptimizer = "adam",
    batch_size: int = 32,
    seed: int = 0,
    validation: tuple[ArrayLike, ArrayLike] | None = None,
    port: int | None = None,
    browser: bool = True,
) -> Played:
    """Open the playground, a page in the browser on which a network is seen to learn.

    It serves the page from this machine alone, and returns when Ctrl-C ends it. In a notebook the
    page is in the output of the cell, without a server, and `play` returns at once.

    Parameters
    ----------
    model : Module, optional
        The page trains a copy of it. Without a model one is put together on the page.
    X : (n, ...) array, optional
        Rows for the model. Where they have two columns the page shows what the model says over
        the plane of these; of more columns two are chosen.
    y : (n, ...) array, optional
        What is to be predicted: integers are classes.
    loss, optimizer, batch_size, seed, validation
        As for `fit`; the optimiser is a name, or a callable that makes one, since every new
        beginning needs a new one.
    port : int, optional
        By default 8642, or any other that is free. With a port a notebook serves the page, too.
    browser : bool
        Whether to open a browser; without one a notebook serves the page, too.

    Returns
    -------
    Played
        With ``.model``, the trained copy, and ``.history``. In a notebook they are copies of what
        the page has at the time they are asked for.

    Raises
    ------
    ImportError
        If starlette, uvicorn or websockets is missing; they are the extra `play`. In a notebook
        anywidget, the extra `notebook`, does without them.
    OSError
        If the port is taken.
    TypeError, ValueError
        If a model is given without rows, or they do not fit.

    Examples
    --------
    >>> import adjoint as ad
    >>> X, y = ad.datasets.make_moons(200)
    >>> model = ad.nn.MLP(2, 8, 2, activation="tanh", rng=0)
    >>> result = ad.play(model, X, y)  # doctest: +SKIP
    """
    if model is None:
        if X is not None or y is not None:
            raise TypeError("play: rows were given without a model; expected play(model, X, y)")
        return _open(Brought(), port, browser)
    if X is None or y is None:
        raise TypeError("play: a model needs its rows, as play(model, X, y)")
    brought = bring_model(model, X, y, loss, optimizer, batch_size, seed, validation)
    return _open(brought, port, browser)


def _open(brought: Brought, port: int | None, browser: bool) -> Played:
    """Open it in the output of a notebook's cell if there is one, and in a browser otherwise."""
    if port is None and browser and is_in_notebook():
        try:
            return Played(show(brought))
        except ImportError as error:
            print(f"opens in a browser instead: {error}")
    return launch(brought, port=port, browser=browser)


def bring_model(
    model: Module,
    X: ArrayLike,
    y: ArrayLike,
    loss: str | Loss,
    optimizer: str | MakesOptimizer,
    batch_size: int,
    seed: int,
    validation: tuple[ArrayLike, ArrayLike] | None,
) -> Brought:
    """Return a model and its rows, checked as `fit` checks them."""
    if not (isinstance(optimizer, str) or callable(optimizer)):
        raise TypeError(
            "play: expected the name of an optimiser or a callable that makes one, as "
            f"lambda p: SGD(p, lr=0.1), got {type(optimizer).__name__}"
        )
    function = loss if callable(loss) else LOSSES[choose("loss", loss, LOSSES)]
    kept: Module = copy.deepcopy(model)
    task = prepare(
        copy.deepcopy(model),
        (X, y),
        loss=function,
        optimizer=optimizer,
        batch_size=batch_size,
        validation=validation,
    )
    names = _names(X)
    made: Any = task.optimizer

    def make(parameters: list[Any]) -> Any:
        return (OPTIMIZERS[optimizer.lower()] if isinstance(optimizer, str) else optimizer)(
            parameters
        )

    settings = replace(
        Settings(),
        batch_size=positive_size("batch_size", batch_size),
        seed=rows.as_seed(seed),
        loss=getattr(function, "__name__", type(function).__name__),
        optimizer=type(made).__name__.lower(),
        lr=float(made.lr),
        layers=(),
    )
    outputs = _tried(task, function)
    problem = _problem(task.data, task.validation, names, settings.loss, outputs)
    return Brought(settings, None, Given(kept, function, make), problem)


def _names(X: Any) -> list[str] | None:
    columns = getattr(X, "columns", None)
    return None if columns is None else [str(name)[:40] for name in columns]


def _tried(task: Task, loss: Loss) -> int:
    """Return how many numbers a model gives for each row, after the loss took those of a batch."""
    X, *targets = (array[: task.batch_size] for array in task.data)
    with kept(loss), no_grad(), np.errstate(all="ignore"):
        found = task.model(X)
        loss(found, *targets)
    return int(in_rows(as_plain_array(found)).shape[1])


def _problem(data: Any, held: Any, names: list[str] | None, loss: str, outputs: int) -> Problem:
    """Return the rows of a model of the user's, which reads them as they are."""
    X, y = data[:2]
    split = len(X)
    if held is not None:
        X, y = np.concatenate([X, held[0]]), np.concatenate([y, held[1]])
    d = X.shape[1] if X.ndim == 2 else 0
    count = _classes(y, loss, outputs)
    plotted = np.reshape(y, (len(y), -1))[:, 0]
    code = (plotted > 0).astype(int) if loss in BY_SCORE else plotted
    given = names if names and len(names) == d else [f"x{n + 1}" for n in range(d)]
    found = Rows(X, code, [*given, "y"], [str(label) for label in range(count)])
    return Problem(found, np.arange(len(X)), split, X, y, np.zeros(d), np.ones(d), 0.0, 1.0, ())


def _classes(y: Any, loss: str, outputs: int) -> int:
    """Return how many classes a model tells apart; 0 where it does something else."""
    if loss in BY_SCORE:
        return 2 if outputs == 1 else 0
    count = max(outputs, 2)  # one number tells two classes apart
    may_be = loss not in BY_NUMBER and y.dtype.kind in "iub" and y.ndim == 1
    return count if may_be and y.min() >= 0 and y.max() < count else 0


# --- serving ------------------------------------------------------------------------------------


def launch(
    brought: Brought,
    *,
    port: int | None = None,
    browser: bool = True,
    say: Callable[[str], None] = lambda text: print(text, flush=True),
) -> Played:
    """Serve the playground until Ctrl-C, and return what the latest page left."""
    uvicorn = require("uvicorn", extra="play", purpose=_PURPOSE)
    require("starlette", extra="play", purpose=_PURPOSE)
    require("websockets", extra="play", purpose=_PURPOSE)
    with bound(port) as listening:
        guard = Guard(listening.getsockname()[1])
        server = Server(guard, brought)
        served = uvicorn.Server(configuration(uvicorn, server))
        ended = threading.Event()

        def serve() -> None:
            try:
                served.run(sockets=[listening])
            finally:
                ended.set()

        threading.Thread(target=serve, name="adjoint play", daemon=True).start()
        say(f"playground: {guard.address}")
        say("interrupt the kernel to end it" if is_in_notebook() else "Ctrl-C ends it")
        if browser:
            threading.Thread(target=webbrowser.open, args=(guard.address,), daemon=True).start()
        _await_end(served, ended)
        server.close()
    return Played(server.sessions.latest)


def configuration(uvicorn: Any, server: Server) -> Any:
    """Return how uvicorn serves it: silently, with messages no longer than a page may send."""
    return uvicorn.Config(
        server.application(),
        log_level="critical",
        access_log=False,
        lifespan="off",
        ws="websockets-sansio",
        ws_max_size=MOST_MESSAGE,
        timeout_graceful_shutdown=1,
        server_header=False,
        date_header=False,
    )


def bound(port: int | None) -> socket.socket:
    """Return a socket that listens on this machine alone.

    Raises
    ------
    OSError
        If the port was asked for, and is taken.
    """
    for attempt in (PORT, 0) if port is None else (port,):
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if sys.platform != "win32":  # there it would let two servers have one port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(("127.0.0.1", attempt))
            listening.listen(64)
        except OSError as error:
            listening.close()
            if attempt == PORT and port is None:
                continue
            raise OSError(f"port {attempt} cannot be had: {error.strerror or error}") from None
        except BaseException:
            listening.close()
            raise
        return listening
    raise OSError("no port is free")


def _await_end(served: Any, ended: threading.Event) -> None:
    """Wait until Ctrl-C, or until the server ended by itself."""
    # Not by joining its thread: a join that Ctrl-C interrupts may take the thread for ended.
    try:
        while not ended.wait(0.2):
            pass
    except KeyboardInterrupt:
        pass
    finally:
        served.should_exit = True
        ended.wait(3.0)
