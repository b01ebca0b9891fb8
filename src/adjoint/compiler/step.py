"""A training step is one graph: forward pass, backward pass and the optimiser's update."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..calculus import value_and_grad
from ..core import Value
from ..graph import trace
from ..nn.module import Module
from ..optim import Optimizer
from .naming import parameter_names
from .program import Program
from .state import State, standing_in
from .tracer import TracedNode, made_by

Array = np.ndarray[Any, Any]
Loss = Callable[[Any, Any], Any]


class TrainingStep:
    """One step of an optimiser on a batch, compiled.

    Parameters
    ----------
    model : Module
    loss : callable
        ``loss(prediction, target)`` gives one number.
    optimizer : Optimizer
        Its settings are read at each step: numbers other than 0 are arguments of the program, a
        change of the others compiles anew, as does one of the module's settings.

    Examples
    --------
    >>> import numpy as np
    >>> import adjoint as ad
    >>> from adjoint.compiler.step import TrainingStep
    >>> model = ad.nn.MLP(2, 4, 2, rng=0)
    >>> optimizer = ad.optim.SGD(model.parameters(), lr=0.1)
    >>> step = TrainingStep(model, ad.nn.functional.cross_entropy, optimizer)
    >>> first = step(np.ones((5, 2)), np.zeros(5, int))
    >>> float(step(np.ones((5, 2)), np.zeros(5, int))) < float(first)
    True
    """

    def __init__(self, model: Module, loss: Loss, optimizer: Optimizer) -> None:
        self.model, self.loss, self.optimizer = model, loss, optimizer
        self.programs: dict[Any, Program] = {}
        # Of settings, which like Python's numbers must widen no parameter.
        self.dtype = min((p.dtype for p in optimizer.params), key=lambda d: d.itemsize)
        self._read_model()

    def _read_model(self) -> None:
        """Find the model's tensors, and check that the optimiser's are among them."""
        optimizer = self.optimizer
        self.state = State(self.model)
        found = {id(tensor) for tensor in self.state.tensors.values()}
        strange = sum(id(parameter) not in found for parameter in optimizer.params)
        if strange:
            raise ValueError(
                f"{strange} of the optimiser's {len(optimizer.params)} parameters are not the "
                "model's; only those of one model can be compiled into a step"
            )
        self.programs.clear()
        self._sort_out(self._trained())

    def _trained(self) -> tuple[bool, ...]:
        """Return for each parameter of the optimiser whether it is trained now, or frozen."""
        return tuple(parameter.node is not None for parameter in self.optimizer.params)

    def _sort_out(self, trained: tuple[bool, ...]) -> None:
        """Tell the parameters that are trained from what else the model reads."""
        self.trained = trained
        places = {id(p): n for n, p in enumerate(self.optimizer.params) if trained[n]}
        named = self.state.tensors.items()
        self.params = {path: tensor for path, tensor in named if id(tensor) in places}
        self.fixed = {path: tensor for path, tensor in named if id(tensor) not in places}
        self.places = [places[id(tensor)] for tensor in self.params.values()]

    def __call__(self, X: Any, y: Any) -> Any:
        """Take a step: replace the parameters and the optimiser's memory; return the loss.

        The loss is that before the step, an array of one number.
        """
        X, y = np.asarray(X), np.asarray(y)
        arguments = self.arguments(X, y)
        parameters, *memory, loss = self._program(arguments)(*arguments.values())
        for tensor, array in zip(self.params.values(), parameters, strict=True):
            tensor.data = array
        for entries in memory:
            for place, entry in zip(self.places, entries, strict=True):
                self.optimizer.memory[place] = entry
        return loss

    def program(self, X: Any, y: Any) -> Program:
        """Return the program for batches of these shapes and for the present settings."""
        return self._program(self.arguments(np.asarray(X), np.asarray(y)))

    def arguments(self, X: Array, y: Array) -> dict[str, Any]:
        """Return the program's arguments by name; those that would be empty are left out."""
        if self.state.settings() is None:
            self._read_model()
        if (trained := self._trained()) != self.trained:
            self._sort_out(trained)
        numbers = _split(self.optimizer.hyper)[0].items()
        memory = [self.optimizer.recall(place) for place in self.places]
        return {
            "parameters": [tensor.data for tensor in self.params.values()],
            **({"memory": memory} if any(memory) else {}),
            **({"fixed": [tensor.data for tensor in self.fixed.values()]} if self.fixed else {}),
            "X": X,
            "y": y,
            **{name: np.asarray(number, self.dtype) for name, number in numbers},
        }

    def _program(self, arguments: dict[str, Any]) -> Program:
        X, y = arguments["X"], arguments["y"]
        key = (
            *(X.shape, X.dtype.str, y.shape, y.dtype.str, *arguments),
            tuple(_split(self.optimizer.hyper)[1].items()),
            self.trained,
            self.state.settings(),
            tuple(tuple(entry) for entry in arguments.get("memory", ())),
        )
        program = self.programs.get(key)
        if program is None:
            program = self.programs[key] = self._compile(arguments)
        return program

    def _compile(self, arguments: dict[str, Any]) -> Program:
        paths = [*self.params, *self.fixed]
        short = parameter_names(paths)
        names, fixed = short[: len(self.params)], short[len(self.params) :]
        memory = [
            {entry: f"{name}_{entry}" for entry in entries}
            for name, entries in zip(names, arguments.get("memory", ()), strict=False)
        ]
        trees = {"parameters": names, "memory": memory, "fixed": fixed}
        graph = trace(
            self._step(names, list(arguments)),
            *arguments.values(),
            names=[trees.get(name, name) for name in arguments],
            arguments=list(arguments),
        )
        about = "Return the new parameters, any new memory, and the loss before the step."
        return Program(graph, about=about, key=paths)

    def _step(self, names: Sequence[str], given: Sequence[str]) -> Callable[..., Any]:
        """Return the step as a function of all that it reads, giving all that it writes."""

        def step(*args: Any) -> Any:
            values = dict(zip(given, args, strict=True))
            parameters, fixed = values["parameters"], values.get("fixed", [])

            def loss_of(parameters: Any) -> Any:
                tensors = [*self.params.values(), *self.fixed.values()]
                with standing_in(tensors, [*parameters, *fixed]), self.state.unchanged():
                    return self.loss(self.model(values["X"]), values["y"])

            loss, gradients = value_and_grad(loss_of)(parameters)
            _call(loss, "loss")
            memory = values.get("memory", [{} for _ in names])
            updates = self._update(values, zip(parameters, gradients, memory, strict=True))
            for name, (new, entry) in zip(names, updates, strict=True):
                _call(new, f"{name}_new")
                for key, value in entry.items():
                    _call(value, f"{name}_{key}_new")
            entries = [entry for _, entry in updates]
            return [new for new, _ in updates], *([entries] if any(entries) else []), loss

        return step

    def _update(self, values: dict[str, Any], groups: Iterable[Any]) -> list[Any]:
        """Return what the optimiser makes of each parameter, gradient and memory."""
        with made_by(self.optimizer.rule), self._settings(values):
            return [self.optimizer.update(*group) for group in groups]

    @contextmanager
    def _settings(self, values: dict[str, Any]) -> Iterator[None]:
        """Let the optimiser's settings be traced values inside the ``with`` block."""
        kept = self.optimizer.hyper
        self.optimizer.hyper = {name: values.get(name, setting) for name, setting in kept.items()}
        try:
            yield
        finally:
            self.optimizer.hyper = kept


def _split(hyper: dict[str, Any]) -> tuple[dict[str, float], dict[str, Any]]:
    """Return the settings that are numbers other than 0, and the rest, which shape the graph."""
    numbers = {name: x for name, x in hyper.items() if isinstance(x, float) and x != 0}
    return numbers, {name: x for name, x in hyper.items() if name not in numbers}


def _call(value: Any, name: str) -> None:
    """Name a value, unless it is an argument."""
    node = value.node if isinstance(value, Value) else None
    if isinstance(node, TracedNode) and node.primitive is not None:
        node.name = name
