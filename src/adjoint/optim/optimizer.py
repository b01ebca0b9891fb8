"""An optimiser replaces parameters by better ones, given their gradients."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np

from ..core.annotations import AnyArray, Array, Scalar
from ..errors import ShapeError
from ..graphs.recording import is_watched
from ..graphs.tensor import Tensor
from ..graphs.tracing.naming import lasting_text
from ..notebook.verbatim import TERMINAL
from .clipping import Clipping
from .ranges import checked_number

# What an optimiser remembers of one parameter from step to step: arrays by name, in its dtype.
Memory = dict[str, Any]
# The settings of a group of parameters by name: numbers, flags, and schedules of numbers.
Settings = dict[str, Any]
# A number as a function of how many steps were taken.
Schedule = Callable[[int], float]

_NUMBERS = (int, float)
# What no setting is equal to, so that one without a default is shown.
_NO = object()


class Optimizer:
    """What all optimisers share; abstract: a subclass defines `update`.

    A subclass that remembers something of a parameter from step to step names it in ``remembers``,
    or defines `initial_memory`, so that a compiled step knows its shapes. Before the first step
    ``memory`` holds an empty dict for each parameter.

    A step gives every parameter a new array and leaves the old one alone: recorded graphs may hold
    it. All updates are computed before the first is written.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        Leaves that require a gradient, as from ``model.parameters()``; or groups of them with
        settings of their own, as ``{"params": [...], "lr": 0.01}``.
    lr : float or callable
        The learning rate, positive, or a function of the number of steps taken that gives it.
    **settings : numbers, flags or callables
        The other settings that `update` reads.

    Attributes
    ----------
    params : list of Tensor
        Those of all groups.
    groups : list of dict
        The settings of each group; may be changed between steps.
    steps : int
        How many steps were taken.
    clipping : Clipping
        The bounds of the gradients, see `clip_gradients`.

    Raises
    ------
    TypeError
        If ``params`` is not an iterable of tensors or groups.
    ValueError
        If it is empty, holds a tensor twice, or one that is computed or requires no gradient; if
        the learning rate is not positive and finite, or a group has an unknown setting.

    Examples
    --------
    A rule of one's own takes a parameter, its gradient, what was remembered of it (`Memory`) and
    the settings (`Settings`), and returns the new parameter and what to remember. A setting may be
    a `Schedule`, here a rate that is halved at every step.

    >>> import adjoint as ad
    >>> class SignMomentum(ad.optim.Optimizer):
    ...     remembers = ("velocity",)
    ...     def update(self, parameter, gradient, memory, settings):
    ...         velocity = 0.9 * memory["velocity"] + gradient
    ...         return parameter - settings["lr"] * ad.sign(velocity), {"velocity": velocity}
    >>> w = ad.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = SignMomentum([w], lr=lambda steps: 0.5 * 0.5**steps)
    >>> for _ in range(2):
    ...     optimizer.zero_grad()
    ...     (w**2).sum().backward()
    ...     optimizer.step()
    >>> w
    tensor([ 0.25, -1.25], requires_grad=True)
    >>> optimizer.memory
    [{'velocity': array([ 2.8, -6.6])}]
    """

    # Names of arrays of the parameter's shape, which are zeros at first. "steps" is a single
    # number: each parameter counts its own, since one that has no gradient takes no step.
    remembers: ClassVar[tuple[str, ...]] = ()

    def __init__(self, params: Iterable[Any], *, lr: float | Schedule, **settings: Any) -> None:
        self.params, members, given = _checked_groups(params)
        own = {"lr": lr, **settings}
        self.groups = [self._checked_settings(own, group) for group in given]
        self.membership = [i for i, group in enumerate(members) for _ in range(group)]
        self.memory: list[Memory] = [{} for _ in self.params]
        self.clipping = Clipping()
        self.steps = 0

    def clip_gradients(self, *, norm: float | None = None, value: float | None = None) -> Self:
        """Bound the gradients of every step to come; returns the optimiser.

        Parameters
        ----------
        norm : float, optional
            The greatest norm of all gradients together, see `clip_by_norm`.
        value : float, optional
            The greatest absolute value of every entry, see `clip_by_value`; applied first.

        Raises
        ------
        ValueError
            If a bound is not positive and finite.
        """
        self.clipping = Clipping(norm, value)
        return self

    @property
    def lr(self) -> Any:
        """The learning rate of the first group in the next step; assigning sets that of all."""
        return self.settings_now(0)["lr"]

    @lr.setter
    def lr(self, lr: float | Schedule) -> None:
        checked = lr if callable(lr) else self.check_setting("lr", lr)
        for group in self.groups:
            group["lr"] = checked

    @property
    def rule(self) -> str:
        """The name that written source gives to the update."""
        return type(self).__name__.lower()

    @property
    def shaping(self) -> tuple[Any, ...]:
        """The part of the settings that changes the traced graph, group by group.

        These are flags, texts, and which numbers are 0, since a factor of 0 drops its term. All
        other numbers are arguments of the graph: they change from step to step without a new one.
        """
        return tuple(
            tuple(name if is_argument(x) else (name, x) for name, x in group.items())
            for group in self.groups
        )

    def check_setting(self, name: str, value: object) -> Any:
        """Return a setting as `update` needs it, or raise what is wrong with it.

        Settings of the usual names have their usual ranges; a subclass checks others of its own. A
        schedule is not checked, because its numbers are not known before they are used.
        """
        return checked_number(name, value)

    def initial_memory(self, parameter: Array, settings: Settings) -> Memory:
        """Return what is remembered of a parameter, an array, before its first step."""
        shapes = {name: () if name == "steps" else parameter.shape for name in self.remembers}
        return {name: np.zeros(shape, parameter.dtype) for name, shape in shapes.items()}

    def update(
        self, parameter: AnyArray, gradient: AnyArray, memory: Memory, settings: Settings
    ) -> tuple[Any, Memory]:
        """Return the new parameter and what to remember; subclasses define it.

        It uses operators and adjoint's functions only, because in a compiled step symbols take the
        place of arrays and of the numbers among the settings. ``memory`` has the names, shapes and
        dtypes of `initial_memory`, both when it is given and when it is returned.
        """
        raise NotImplementedError(f"{type(self).__name__} defines no update")

    def settings_now(self, group: int, steps: int | None = None) -> Settings:
        """Return a group's settings as numbers, after so many steps; by default those taken."""
        after = self.steps if steps is None else steps
        settings = self.groups[group].items()
        return {n: float(x(after)) if callable(x) else x for n, x in settings}

    def recall(self, i: int) -> Memory:
        """Return what is remembered of parameter ``i`` now."""
        group = self.groups[self.membership[i]]
        return self.memory[i] or self.initial_memory(self.params[i].data, group)

    def remembered(self, i: int) -> tuple[str, ...]:
        """Return the names of what is remembered of parameter ``i`` now."""
        first = getattr(self.initial_memory, "__func__", None)
        if not self.memory[i] and first is Optimizer.initial_memory:
            return tuple(dict.fromkeys(self.remembers))  # of which no zeros need be made
        return tuple(self.recall(i))

    def step(self) -> None:
        """Update every parameter that has a gradient; the others stay as they are."""
        params, places, gradients = self.params, [], []
        for i, parameter in enumerate(params):
            node = parameter.node
            if node is not None and node.grad is not None:
                places.append(i)
                gradients.append(node.grad.data)
        # All groups together: the norm that is clipped is that of the whole gradient.
        gradients = self.clipping(gradients)
        now = [self.settings_now(group) for group in range(len(self.groups))]
        updates = []
        for i, gradient in zip(places, gradients, strict=True):
            memory, settings = self.memory[i] or self.recall(i), now[self.membership[i]]
            updates.append(self.update(params[i].data, gradient, memory, settings))
        # All updates are known before the first is written: an error leaves all as they were.
        for i, (data, memory) in zip(places, updates, strict=True):
            params[i].data = data
            self.memory[i] = memory
        self.steps += 1

    def zero_grad(self) -> None:
        """Forget the gradients; to be called before every `backward`, which adds to them."""
        watched = is_watched()
        for parameter in self.params:
            node = parameter.node
            # A parameter that was frozen meanwhile has no node, and so no gradient.
            if node is None:
                continue
            if watched:
                parameter.grad = None  # which the watcher sees
            else:
                node.grad = None

    def state_dict(self) -> dict[str, Any]:
        """Return a copy of the settings, of what is remembered, and the number of steps.

        A schedule is represented by its text, which is not restored but compared.
        """
        memory = [{name: np.array(a) for name, a in entry.items()} for entry in self.memory]
        groups = [
            {n: lasting_text(x) if callable(x) else x for n, x in g.items()} for g in self.groups
        ]
        return {"groups": groups, "memory": memory, "steps": self.steps}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Replace settings, memory and steps by those of `state_dict`; all of them or none.

        Raises
        ------
        ValueError
            If the state is of another optimiser, of other settings or schedules, or of other
            parameters.
        """
        groups = _checked_state_of_groups(self, state)
        memory = _checked_state_of_memory(self, groups, state["memory"])
        self.groups, self.memory, self.steps = groups, memory, int(state["steps"])

    def __repr__(self) -> str:
        """Show the rate, the settings that are not the defaults, and how far training is."""
        groups = "; ".join(self._shown(group) for group in self.groups)
        size, count = sum(parameter.size for parameter in self.params), len(self.params)
        head = f"{type(self).__name__}({groups}):"
        rest = (
            f"{size:,} parameter{'s' * (size != 1)} in {count} tensor{'s' * (count != 1)}, "
            f"{self.steps:,} step{'s' * (self.steps != 1)}"
        )
        return f"{head} {rest}" if len(head) + len(rest) < TERMINAL else f"{head}\n  {rest}"

    def _shown(self, group: Settings) -> str:
        """Return the settings of a group that are not the defaults of their kind, and the rate."""
        accepted = inspect.signature(type(self)).parameters
        defaults = {name: parameter.default for name, parameter in accepted.items()}
        shown = (f"{n}={x}" for n, x in group.items() if n == "lr" or x != defaults.get(n, _NO))
        return ", ".join(shown)

    def _checked_settings(self, own: Settings, group: Mapping[str, Any]) -> Settings:
        unknown = group.keys() - own.keys()
        if unknown:
            raise ValueError(
                f"{type(self).__name__}: a group has no setting {', '.join(sorted(unknown))}; "
                f"it has {', '.join(own)}"
            )
        return {
            name: value if callable(value) else self.check_setting(name, value)
            for name, value in {**own, **group}.items()
        }


def is_argument(setting: object) -> bool:
    """Return whether a setting is a number that may change from step to step."""
    return callable(setting) or (isinstance(setting, float) and setting != 0)


def is_zero(factor: Scalar | Schedule) -> bool:
    """Return whether a factor is a Python zero; a symbol's number is not known yet."""
    return isinstance(factor, _NUMBERS) and factor == 0


def decayed(gradient: AnyArray, parameter: AnyArray, settings: Settings) -> AnyArray:
    """Return g + weight_decay p, to whose loss weight_decay ‖p‖² / 2 was added."""
    decay = settings["weight_decay"]
    return gradient if is_zero(decay) else gradient + decay * parameter


def _checked_groups(params: object) -> tuple[list[Tensor], list[int], list[Settings]]:
    """Return all parameters, how many each group has, and the settings that each brings."""
    if isinstance(params, (Tensor, Mapping)) or not isinstance(params, Iterable):
        raise TypeError(
            f"params: expected an iterable of tensors or of groups, got {type(params).__name__}; "
            "pass model.parameters() or a list"
        )
    given = list(params)
    if not given or not all(isinstance(group, Mapping) for group in given):
        return _checked_params("params", given), [len(given)], [{}]
    members: list[Tensor] = []
    counts, settings = [], []
    for i, group in enumerate(given):
        if "params" not in group:
            raise ValueError(f'params[{i}] has no "params"; it has {", ".join(map(str, group))}')
        own = group["params"]
        own = [own] if isinstance(own, Tensor) else list(own)
        members += _checked_params(f'params[{i}]["params"]', own)
        counts.append(len(own))
        settings.append({name: value for name, value in group.items() if name != "params"})
    _check_distinct(members)
    return members, counts, settings


def _checked_params(name: str, params: list[Any]) -> list[Tensor]:
    if not params:
        raise ValueError(f"{name} is empty; pass model.parameters() of a model that has some")
    for i, parameter in enumerate(params):
        _check_parameter(f"{name}[{i}]", parameter)
    _check_distinct(params)
    return params


def _check_distinct(params: list[Tensor]) -> None:
    if len({id(parameter) for parameter in params}) < len(params):
        raise ValueError("params holds the same tensor twice; it would be updated twice a step")


def _check_parameter(name: str, parameter: object) -> None:
    if not isinstance(parameter, Tensor):
        raise TypeError(f"{name}: expected a Tensor, got {type(parameter).__name__}")
    if not parameter.is_leaf:
        raise ValueError(f"{name} is a computed value; only leaves can be optimised")
    if not parameter.requires_grad:
        raise ValueError(
            f"{name}, shape {parameter.shape}, requires no gradient; make it with "
            "requires_grad=True, or pass [p for p in model.parameters() if p.requires_grad]"
        )


def _checked_state_of_groups(optimizer: Optimizer, state: Mapping[str, Any]) -> list[Settings]:
    """Return the settings that a state brings, with the optimiser's own schedules."""
    own, kind = optimizer.groups, type(optimizer).__name__
    fitting = state.keys() == {"groups", "memory", "steps"} and len(state["groups"]) == len(own)
    if not fitting or any(a.keys() != b.keys() for a, b in zip(state["groups"], own, strict=True)):
        raise ValueError(
            f"load_state_dict: this is no state of {kind} with {len(own)} "
            f"group{'s' * (len(own) > 1)} of the settings {', '.join(own[0])}"
        )
    return [
        {name: _checked_setting(optimizer, name, group[name], before[name]) for name in before}
        for group, before in zip(state["groups"], own, strict=True)
    ]


def _checked_setting(optimizer: Optimizer, name: str, new: object, own: object) -> Any:
    if not callable(own) and not isinstance(new, str):
        return optimizer.check_setting(name, new)
    if callable(own) and new == lasting_text(own):
        return own
    raise ValueError(f"load_state_dict: {name} was {new} and is {own!r} here; make it the same")


def _checked_state_of_memory(
    optimizer: Optimizer, groups: list[Settings], memory: Sequence[Memory]
) -> list[Memory]:
    """Return copies of what a state remembers, once all of it is known to fit."""
    params = optimizer.params
    if len(memory) != len(params):
        raise ValueError(
            f"load_state_dict: the state is of {len(memory)} parameters, expected {len(params)}"
        )
    # What is remembered depends on the settings, so on those that the state brings along.
    initial = [
        optimizer.initial_memory(parameter.data, groups[group])
        for parameter, group in zip(params, optimizer.membership, strict=True)
    ]
    entries = enumerate(zip(params, initial, memory, strict=True))
    return [_checked_entry(i, *entry) for i, entry in entries]


def _checked_entry(i: int, parameter: Tensor, initial: Memory, entry: Memory) -> Memory:
    """Return a copy of what a state remembers of a parameter, empty before its first step."""
    missing = initial.keys() - entry.keys()
    if entry and missing:
        raise ValueError(
            f"load_state_dict: the state of params[{i}] has {', '.join(entry)}, but not "
            f"{', '.join(sorted(missing))}"
        )
    for name, array in entry.items():
        expected = np.shape(initial.get(name, parameter.data))
        if np.shape(array) != expected:
            raise ShapeError(
                f"load_state_dict: {name} of params[{i}] has shape {np.shape(array)}, "
                f"expected {expected}"
            )
    return {name: np.array(array, parameter.dtype) for name, array in entry.items()}
