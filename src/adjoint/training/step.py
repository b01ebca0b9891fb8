"""A training step is one graph: forward pass, backward pass and the optimiser's update."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ..calculus.derivatives import value_and_grad
from ..compiler.state import State, standing_in
from ..core.annotations import Array, ArrayLike, DType, Operand
from ..core.spec import Spec
from ..core.value import Value
from ..graphs.graph import Graph, trace
from ..graphs.symbol import Symbol
from ..graphs.tensor import Tensor
from ..graphs.tracing import effects
from ..graphs.tracing.contents import key_of_contents
from ..graphs.tracing.naming import parameter_names
from ..graphs.tracing.tracer import TracedNode, made_by
from ..graphs.tracing.users_code import is_followed
from ..nn.module import Module, check_buffer
from ..ops.structural import as_array, astype
from ..optim import Memory, Optimizer, Settings
from ..optim.snapshot import buffers_in
from .step_settings import StepSettings

if TYPE_CHECKING:
    from ..compiler.program import Program, Tier

Loss = Callable[[Any, Any], Any]
Measure = Callable[[Any, Any], list[Any]]

# The names of a batch's arrays: what the model takes, then what the loss takes besides.
BATCH = ("X", "y", "sample_weight")
# Programs are kept for so many combinations of shapes and settings: a schedule that switches a
# setting to 0 and back, or batches of ever other sizes, must not fill the memory.
_MOST_PROGRAMS = 128


class Computed:
    """The results of a step that are not written yet; loss and prediction are from before it."""

    def __init__(
        self,
        parameters: Sequence[Array],
        memory: Sequence[Memory],
        buffers: Sequence[Array],
        loss: Any,
        prediction: Any,
    ) -> None:
        self.parameters, self.memory, self.buffers, self.loss = parameters, memory, buffers, loss
        self.prediction = prediction


class TrainingStep:
    """One step of an optimiser on a batch, compiled.

    Parameters
    ----------
    model : Module
    loss : callable
        ``loss(prediction, target)`` gives one number.
    optimizer : Optimizer
        Its settings are read at each step: numbers other than 0 are arguments of the program, a
        change of the others compiles anew, as does one of the module's settings or the loss's.
    tiers : mapping of str to Tier, optional
        The tiers to try before the portable one, see `compiler.program.TIERS`.
    predicts : bool
        Whether a step gives the model's prediction, too.
    measure : callable, optional
        ``measure(prediction, target)`` returns single numbers that a step gives, last of all.

    Attributes
    ----------
    params, buffers, scalars, read_only : dict of str to Tensor
        The tensors by path. ``params`` are trained now; ``buffers`` may be changed by model and
        loss as they run. The rest is only read: ``scalars`` are single floats, which may have
        other values at each step, ``read_only`` is all else.
    settings : StepSettings
        The optimiser's.
    places : list of int
        The positions of ``params`` among the optimiser's parameters.

    Examples
    --------
    >>> import numpy as np
    >>> import adjoint as ad
    >>> from adjoint.training.step import TrainingStep
    >>> model = ad.nn.MLP(2, 4, 2, rng=0)
    >>> optimizer = ad.optim.SGD(model.parameters(), lr=0.1)
    >>> step = TrainingStep(model, ad.nn.functional.cross_entropy, optimizer)
    >>> first = step(np.ones((5, 2)), np.zeros(5, int))
    >>> float(step(np.ones((5, 2)), np.zeros(5, int))) < float(first)
    True
    """

    def __init__(
        self,
        model: Module,
        loss: Loss,
        optimizer: Optimizer,
        *,
        tiers: Mapping[str, Tier] | None = None,
        predicts: bool = False,
        measure: Measure | None = None,
    ) -> None:
        self.model, self.loss, self.optimizer = model, loss, optimizer
        self.tiers, self.predicts, self.measure = tiers, predicts, measure
        self.programs: dict[Any, Program] = {}
        # A setting in float64 would turn float32 parameters into float64 ones, as a Python float
        # does not. The narrowest dtype of all parameters widens none.
        self.dtype = min((p.dtype for p in optimizer.params), key=lambda d: d.itemsize)
        self.settings = StepSettings(optimizer, self.dtype)
        self._read_tensors()

    # --- what it reads

    def _read_tensors(self) -> None:
        """Find the tensors, and check that the optimiser's are among them."""
        self.programs.clear()
        self.states = [State(self.model), State(self.loss)]
        self.rules = [State(rule) for rule in self._rules() if is_followed(type(rule))]
        tensors = self.states[0].tensors
        known = set(map(id, tensors.values()))
        others = self.states[1].tensors.items()
        self.tensors = tensors | {f"loss.{path}": t for path, t in others if id(t) not in known}
        known = set(map(id, self.tensors.values()))
        strange = sum(id(parameter) not in known for parameter in self.optimizer.params)
        if strange:
            raise ValueError(
                f"{strange} of the optimiser's {len(self.optimizer.params)} parameters are not the "
                "model's; only those of one model can be compiled into a step"
            )
        self._classify(self._trained())

    def _trained(self) -> tuple[bool, ...]:
        """Return for each parameter of the optimiser whether it is trained now, or frozen."""
        return tuple(parameter.node is not None for parameter in self.optimizer.params)

    def _classify(self, trained: tuple[bool, ...]) -> None:
        """Sort the tensors into those that are trained, may change, or are only read."""
        self.trained = trained
        places = {id(p): n for n, p in enumerate(self.optimizer.params) if trained[n]}
        # Only buffers of the model and the loss may change. A buffer that just a function of the
        # user's refers to would not be put back when a step is undone.
        own = set(map(id, buffers_in(self.model, self.loss)))
        self.params: dict[str, Tensor] = {}
        self.buffers: dict[str, Tensor] = {}
        self.scalars: dict[str, Tensor] = {}
        self.read_only: dict[str, Tensor] = {}
        for path, tensor in self.tensors.items():
            if id(tensor) in places:
                kind = self.params
            elif id(tensor) in own:
                kind = self.buffers
            elif tensor.shape == () and tensor.dtype == self.dtype:
                kind = self.scalars
            else:
                kind = self.read_only
            kind[path] = tensor
        self.places = [places[id(tensor)] for tensor in self.params.values()]

    @property
    def structure(self) -> Hashable:
        """All that the traced graph depends on besides the batch and the memory's names.

        Where it is equal to an earlier one, so is the graph. It is None where an object was
        replaced.
        """
        found = [state.settings() for state in self.states]
        found += [rule.settings() for rule in self.rules]
        if None in found:
            return None
        return (
            tuple(found),
            self.optimizer.shaping,
            self.optimizer.clipping,
            self._trained(),
            tuple((t.data.shape, t.data.dtype.str) for t in self.tensors.values()),
            self._read_by_rules() if self.rules else (),
        )

    def _read_by_rules(self) -> tuple[Any, ...]:
        """Return the contents of the tensors that an update reads, which are constants to it."""
        trained = set(map(id, self.optimizer.params))
        read = [x for rule in self.rules for x in rule.tensors.values() if id(x) not in trained]
        return tuple(key_of_contents(x.data, np.asarray(x.data).tobytes()) for x in read)

    def remembered(self) -> tuple[tuple[str, ...], ...]:
        """Return for each parameter that is trained the names of what the optimiser remembers."""
        return tuple(map(self.optimizer.remembered, self.places))

    def arguments(self, *batch: Array | Spec) -> dict[str, Any]:
        """Return the graph's arguments by name; those that would be empty are left out."""
        memory = [self.optimizer.recall(place) for place in self.places]
        return {
            "parameters": _arrays(self.params),
            **({"memory": memory} if any(memory) else {}),
            **({"buffers": _arrays(self.buffers)} if self.buffers else {}),
            **({"scalars": _arrays(self.scalars)} if self.scalars else {}),
            **({"read_only": _arrays(self.read_only)} if self.read_only else {}),
            **dict(zip(BATCH, batch, strict=False)),
            **self.settings.numbers(),
        }

    # --- taking steps

    def __call__(self, *batch: ArrayLike) -> Any:
        """Take a step: replace the parameters and the optimiser's memory; return the loss.

        The loss is that before the step, an array of one number. A batch is X, and what the loss
        takes besides the prediction.
        """
        computed = self.computing()(*map(np.asarray, batch))
        self.write(computed)
        return computed.loss

    def computing(self) -> Callable[[Array, Array], Computed]:
        """Return a function of batches that computes a step and writes nothing.

        It serves as long as nothing but the numbers in parameters and memory changes.
        """
        key = self._refreshed_key()
        programs: dict[Any, Program] = {}
        remembers = any(map(self.optimizer.recall, self.places))
        unchanged = [_arrays(x) for x in (self.scalars, self.read_only) if x]
        constant = list(self.settings.numbers().values())
        is_scheduled = self.settings.are_scheduled

        def compute(*batch: Array) -> Computed:
            kind = tuple([(array.shape, array.dtype) for array in batch])
            program = programs.get(kind)
            if program is None:
                program = programs[kind] = self._program(batch, key)
            memory = [list(map(self.optimizer.recall, self.places))] if remembers else []
            buffers = [_arrays(self.buffers)] if self.buffers else []
            numbers = self.settings.numbers().values() if is_scheduled else constant
            given = _arrays(self.params), *memory, *buffers, *unchanged, *batch, *numbers
            return self._computed(program(*given))

        return compute

    def _computed(self, found: Sequence[Any]) -> Computed:
        """Tell the results of a program apart."""
        parameters, *rest = found
        prediction = rest.pop() if self.predicts else None
        loss = rest.pop()
        buffers = rest.pop() if self.buffers else ()
        return Computed(parameters, rest.pop() if rest else (), buffers, loss, prediction)

    def write(self, computed: Computed) -> None:
        """Replace the parameters, the optimiser's memory and the buffers."""
        for tensor, array in zip(self.params.values(), computed.parameters, strict=True):
            tensor.data = array
        for place, entry in zip(self.places, computed.memory, strict=False):
            self.optimizer.memory[place] = entry
        for buffer, array in zip(self.buffers.values(), computed.buffers, strict=True):
            buffer.data = array
        self.optimizer.steps += 1

    def program(self, *batch: Array | Spec) -> Program:
        """Return the program for batches of these shapes and dtypes, and the present settings."""
        return self._program(batch, self._refreshed_key())

    def _program(self, batch: Sequence[Array | Spec], structure: Hashable) -> Program:
        key = (*[(array.shape, array.dtype.str) for array in batch], structure)
        program = self.programs.get(key)
        if program is None:
            paths = [*self.params, *self.buffers, *self.scalars, *self.read_only]
            graph = self.trace(self.arguments(*(Spec(a.shape, a.dtype) for a in batch)))
            changes = "memory and buffers" if self.buffers else "memory"
            about = f"Return the new parameters, any new {changes}, and the loss before the step."
            if self.predicts:
                about = f"{about[:-1]}; also the prediction."
            from ..compiler.program import Program  # here: native epochs need none of it

            program = Program(graph, about=about, key=paths, tiers=self.tiers)
            self.programs[key] = program
            while len(self.programs) > _MOST_PROGRAMS:
                self.programs.pop(next(iter(self.programs)), None)
        return program

    def _refreshed_key(self) -> Hashable:
        """Return all that the graph depends on besides the batch; find anew what was replaced."""
        structure = self.structure
        if structure is None:
            self._read_tensors()
            structure = self.structure
        if (trained := self._trained()) != self.trained:
            self._classify(trained)
        return structure, self.remembered()

    # --- tracing them

    def trace(self, arguments: Mapping[str, Any], *, trains: bool = True) -> Graph:
        """Return the graph of a step.

        It gives the new parameters, the new memory and the new buffers where there are any, the
        loss before the step, and the prediction if that is wanted, and what measures it.

        Parameters
        ----------
        arguments : mapping
            As from ``arguments``, arrays or their specs. Without ``"read_only"`` these tensors are
            constants of the graph.
        trains : bool
            Otherwise it gives the loss and what measures the prediction, and no more.
        """
        kinds = {
            "parameters": self.params,
            "buffers": self.buffers,
            "scalars": self.scalars,
            "read_only": self.read_only,
        }
        short = iter(parameter_names([path for tensors in kinds.values() for path in tensors]))
        trees: dict[str, Any] = {
            kind: [next(short) for _ in tensors] for kind, tensors in kinds.items()
        }
        names = trees["parameters"]
        trees["memory"] = [
            {entry: f"{name}_{entry}" for entry in entries}
            for name, entries in zip(names, arguments.get("memory", ()), strict=False)
        ]
        with effects.refused(self.model, self.loss, *self._rules()):
            return trace(
                (self._step if trains else self._validation)(names, list(arguments)),
                *arguments.values(),
                names=[trees.get(name, name) for name in arguments],
                arguments=list(arguments),
            )

    def _rules(self) -> list[Any]:
        """Return the optimiser, and that which one around another holds."""
        optimizer = self.optimizer
        return [optimizer, *([optimizer.inner] if hasattr(optimizer, "inner") else [])]

    def _step(self, names: Sequence[str], given: Sequence[str]) -> Callable[..., Any]:
        """Return the step as a function of all that it reads, giving all that it writes."""

        def step(*args: Value) -> tuple[Any, ...]:
            values = dict(zip(given, args, strict=True))
            memory: Any = values.get("memory", [{} for _ in names])
            (loss, (prediction, buffers)), gradients = self._differentiated(values)
            _name_value(loss, "loss")
            updates = []
            settings = self.settings.traced(values)
            gradients = self._clipped(gradients)
            with made_by(self.optimizer.rule):
                groups = [settings[self.optimizer.membership[place]] for place in self.places]
                for one in zip(names, values["parameters"], gradients, memory, groups, strict=True):
                    updates.append(self._update(*one))
            entries = [entry for _, entry in updates]
            written = [new for new, _ in updates], *([entries] if any(entries) else [])
            changed = [buffers] if "buffers" in values else []
            predicted = [prediction] if self.predicts else []
            return *written, *changed, loss, *predicted, *self._measured(prediction, values)

        return step

    def _differentiated(self, values: Mapping[str, Any]) -> tuple[Any, Sequence[Any]]:
        """Return the loss with prediction and buffers, and the gradients of the parameters."""
        loss = partial(self._loss, values)
        return value_and_grad(loss, has_aux=True)(values["parameters"])  # type: ignore[no-any-return]

    def _measured(self, prediction: Any, values: Mapping[str, Any]) -> list[Any]:
        return [] if self.measure is None else [self.measure(prediction, values["y"])]

    def _validation(self, names: Sequence[str], given: Sequence[str]) -> Callable[..., Any]:
        """Return what validates as a function of all that a step reads."""

        def validation(*args: Value) -> tuple[Any, ...]:
            values = dict(zip(given, args, strict=True))
            parameters: Any = values["parameters"]
            loss, (prediction, _) = self._loss(values, parameters)
            return loss, *self._measured(prediction, values)

        return validation

    def _loss(self, values: Mapping[str, Any], parameters: Sequence[Any]) -> tuple[Any, Any]:
        """Return the loss, and with it the prediction and what the buffers become."""
        buffers, read_only = values.get("buffers", []), values.get("read_only", [])
        scalars = values.get("scalars", [])
        changing = list(self.buffers.values())
        tensors = [*self.params.values(), *changing, *self.scalars.values()]
        tensors += self.read_only.values() if read_only else ()
        # Native code holds buffers in the parameters' dtype; the model must see their own.
        own = [_as_dtype(x, b.dtype) for x, b in zip(buffers, changing, strict=True)]
        with (
            standing_in(tensors, [*parameters, *own, *scalars, *read_only], changing=changing),
            self.states[1].collected(changing) as of_loss,
            self.states[0].collected(changing) as of_model,
        ):
            prediction = self.model(values["X"])
            loss = self.loss(prediction, *(values[name] for name in BATCH[1:] if name in values))
        assigned = of_loss | of_model
        new = [
            self._assigned(path, assigned.get(id(buffer), before), given)
            for (path, buffer), before, given in zip(
                self.buffers.items(), own, buffers, strict=True
            )
        ]
        return loss, (prediction, new)

    def _assigned(self, path: str, value: Value | Array, given: Value) -> Any:
        """Return what was assigned to a buffer, as the step gives it."""
        value = as_array(value)
        check_buffer(path, self.buffers[path], value)
        return _as_dtype(value, given.dtype)

    def drop_unwritten_buffers(self, *batch: Array | Spec) -> None:
        """Move the buffers to which a step on such a batch assigns nothing to ``read_only``.

        Native code carries ``buffers`` from step to step in the dtype of the parameters, which
        costs time and is refused for dtypes that it does not hold. A constant may have any dtype.
        """
        if not self.buffers:
            return
        arguments = self.arguments(*batch)
        graph = self.trace(arguments)
        taken: Any = graph.takes[list(arguments).index("buffers")]
        after = 1 + self.predicts + (self.measure is not None)
        given: Any = graph.gives[-1 - after]
        for path, before, after in zip(list(self.buffers), taken, given, strict=True):
            new = graph.outputs[after]
            if isinstance(new, Symbol) and new.node is graph.inputs[before].node:
                self.read_only[path] = self.buffers.pop(path)

    def _clipped(self, gradients: Sequence[Any]) -> list[Any]:
        """Return the gradients within the optimiser's bounds.

        The gradient of a parameter that the loss does not depend on is a constant array of zeros;
        in eager mode there is none, so that clipping must not see it here either.
        """
        with made_by("clipping"):
            clipped = iter(self.optimizer.clipping([g for g in gradients if isinstance(g, Symbol)]))
        return [next(clipped) if isinstance(g, Symbol) else g for g in gradients]

    def _update(
        self, name: str, parameter: Value, gradient: Operand, memory: Memory, settings: Settings
    ) -> tuple[Any, Memory]:
        """Return what the optimiser makes of a parameter and its memory."""
        if not isinstance(gradient, Symbol):
            # The loss does not depend on this parameter. In eager mode it has no gradient then, and
            # takes no step; not even weight decay moves it.
            return parameter, memory
        new, entry = self.optimizer.update(parameter, gradient, memory, settings)
        if entry.keys() == memory.keys():
            entry = {key: entry[key] for key in memory}
        _name_value(new, f"{name}_new")
        for key, value in entry.items():
            _name_value(value, f"{name}_{key}_new")
        return new, entry


def _arrays(tensors: Mapping[str, Any]) -> list[Array]:
    return [tensor.data for tensor in tensors.values()]


def _as_dtype(value: Value | Array, dtype: DType) -> Any:
    return value if value.dtype == dtype else astype(value, dtype=dtype)


def _name_value(value: object, name: str) -> None:
    """Give a value a name for written source, unless it is an argument, which has its own."""
    node = value.node if isinstance(value, Value) else None
    if isinstance(node, TracedNode) and node.primitive is not None:
        node.name = name
