"""What the page defines and what adjoint computes, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from evaluation import Scope

import adjoint as ad
from adjoint import nn

Pairs = Iterator[tuple[Any, Any]]
# Lion shows signs only: it takes this many starts until every mistake turns one.
STARTS, STEPS = 12, 5


def layer(scope: Scope) -> Pairs:
    """Yield the page's layer and `nn.Linear` under an activation; and the usual activations."""
    linear = nn.Linear(*scope.shape("W"))
    linear.weight.data, linear.bias.data = scope.named("W", {}), scope.named("b", {})[0]
    yield scope.named("a", {}), linear(scope.named("z", {}))
    yield scope.named("z'", {}), scope.algebra.call(r"\sigma", linear(scope.named("z", {})))


def activations(scope: Scope) -> Pairs:
    x = scope.named("x", {})
    for name, function in {"s": ad.sigmoid, "h": ad.tanh, "p": ad.softplus}.items():
        yield scope.named(name, {}), function(x)


def classifier(scope: Scope) -> Pairs:
    logits, labels = scope.named("a", {}), np.argmax(scope.named("Y", {}), axis=1)
    yield scope.named("P", {}), ad.softmax(logits)
    yield scope.named("L", {}), nn.functional.cross_entropy(logits, labels)
    distance = nn.functional.mse_loss(logits, scope.named("Y", {}))
    yield scope.named("Q", {}), distance * scope.shape("Y")[1] / 2


def batch_norm(scope: Scope) -> Pairs:
    """Yield output in training, running statistics after, and output with these afterwards."""
    norm = nn.BatchNorm(
        scope.shape("X")[1],
        scope.named(r"\varepsilon", {}),
        momentum=scope.named(r"\alpha", {}),
    )
    norm.running_mean.data = scope.named(r"\bar{\mu}", {})[0]
    norm.running_variance.data = scope.named(r"\bar{v}", {})[0]
    _set_scale_and_shift(norm, scope)
    x = scope.named("X", {})
    yield scope.named("U", {}), norm.eval()(x)
    yield scope.named("Y", {}), norm.train()(x)
    updates = scope.section.updates()
    yield scope.value(updates[r"\bar{\mu}"], {})[0], norm.running_mean
    yield scope.value(updates[r"\bar{v}"], {})[0], norm.running_variance


def layer_norm(scope: Scope) -> Pairs:
    norm = nn.LayerNorm(scope.shape("X")[1], scope.named(r"\varepsilon", {}))
    _set_scale_and_shift(norm, scope)
    yield scope.named("Y", {}), norm(scope.named("X", {}))


def _set_scale_and_shift(norm: Any, scope: Scope) -> None:
    norm.weight.data = scope.named(r"\gamma", {})[0]
    norm.bias.data = scope.named(r"\beta", {})[0]


@dataclass(frozen=True)
class Rule:
    """An optimiser of adjoint's, and what the page calls its settings and what it remembers."""

    equations: tuple[str, ...]
    optimiser: Callable[..., Any]
    settings: dict[str, str]
    remembered: dict[str, str] = field(default_factory=dict)
    fixed: dict[str, Any] = field(default_factory=dict)


_MOMENTUM = ({"lr": r"\eta", "momentum": r"\mu"}, {"velocity": "v"})
_EPSILON = {"lr": r"\eta", "epsilon": r"\varepsilon"}
_ADAM = {**_EPSILON, "beta1": r"\beta_1", "beta2": r"\beta_2"}
_MOMENTS = {"first_moment": "m", "second_moment": "v"}
_DECAY = {"weight_decay": r"\lambda"}
_LION = {"lr": r"\eta", "beta1": r"\beta_1", "beta2": r"\beta_2", **_DECAY}
RULES = (
    Rule(("15",), ad.optim.SGD, {"lr": r"\eta"}),
    Rule(("15a", "15"), ad.optim.SGD, {"lr": r"\eta", **_DECAY}),
    Rule(("16",), ad.optim.SGD, *_MOMENTUM),
    Rule(("16b",), ad.optim.SGD, *_MOMENTUM, {"nesterov": True}),
    Rule(("17",), ad.optim.Adam, _ADAM, _MOMENTS),
    Rule(("18",), ad.optim.AdamW, {**_ADAM, **_DECAY}, _MOMENTS),
    Rule(("19",), ad.optim.RMSprop, {**_EPSILON, "alpha": r"\rho"}, {"second_moment": "v"}),
    Rule(("20",), ad.optim.Adagrad, _EPSILON, {"total": "v"}),
    Rule(
        ("21",),
        ad.optim.Adadelta,
        {**_EPSILON, "rho": r"\rho"},
        {"second_moment": "v", "squared_step": "r"},
    ),
    Rule(("22",), ad.optim.Lion, _LION, {"momentum": "m"}),
)


def steps(scope: Scope, rule: Rule) -> Pairs:
    """Yield the weight after each of some steps, the page's and the optimiser's."""
    gradients = iter(scope.algebra.history("g", STARTS * STEPS))
    settings = {name: scope.named(symbol, {}) for name, symbol in rule.settings.items()}
    for _ in range(STARTS):
        weight = ad.tensor(scope.named("w", {}), requires_grad=True)
        optimiser = rule.optimiser([weight], **settings, **rule.fixed)
        state = {**dict.fromkeys(rule.remembered.values(), 0.0), "w": weight.item()}
        for step in range(STEPS):
            gradient = next(gradients)
            state = after(scope, rule, {**state, "g": gradient, "t": step + 1})
            optimiser.zero_grad()
            (weight * gradient).backward()
            optimiser.step()
            yield state["w"], weight


def after(scope: Scope, rule: Rule, state: dict[str, Any]) -> dict[str, Any]:
    """Return the state after one step by the page."""
    for number in rule.equations:
        state = updated(scope, number, state)
    return state


def updated(scope: Scope, number: str, state: dict[str, Any]) -> dict[str, Any]:
    """Return the state after the updates of one equation, one after another."""
    for statement in scope.section.equations[number].statements:
        if statement.relations == (r"\leftarrow",):
            name = statement.sides[0].name
            state = {**state, name: scope.with_given(**state).value(statement.sides[1], {})}
    return state


# What adjoint has of each equation that defines, rather than claims.
FORWARD = {
    **dict.fromkeys(("1", "2", "3", "3'", "2'"), layer),
    **dict.fromkeys(("5a", "5b", "5c"), activations),
    **dict.fromkeys(("14a", "14e", "14i"), classifier),
    **dict.fromkeys(("23", "24", "31", "32"), batch_norm),
    **dict.fromkeys(("33", "34"), layer_norm),
}


def comparisons(scope: Scope, number: str) -> Pairs:
    """Yield all that adjoint has of an equation, beside what the page says."""
    if number in FORWARD:
        yield from FORWARD[number](scope)
    for rule in RULES:
        if number in rule.equations:
            yield from steps(scope, rule)


def agrees(scope: Scope, number: str) -> bool:
    """Whether adjoint computes what an equation defines."""
    return all(scope.algebra.same(page, ours) for page, ours in comparisons(scope, number))
