"""What the derivation page defines is what adjoint's layers, losses and optimisers compute."""

import pytest
import sympy as sp
from arrays import Arrays
from engine import RULES, after, comparisons
from entries import Entries, Root
from evaluation import Scope
from page import sections

import adjoint as ad
from adjoint.optim import adam, adaptive, moments

CASES = [
    pytest.param(part, number, id=number)
    for part in sections()
    for number in part.equations
    if any(True for _ in comparisons(Scope.of(part, Arrays(seed=2, B=4, n=2, m=3)), number))
]


@pytest.mark.parametrize(("part", "number"), CASES)
def test_adjoint_computes_what_the_page_defines(part, number):
    scope = Scope.of(part, Arrays(seed=1, B=4, n=2, m=3))
    for page, ours in comparisons(scope, number):
        assert scope.algebra.same(page, ours)


def test_every_update_is_compared():
    compared = {case.values[1] for case in CASES}
    for part in sections():
        for number, equation in part.equations.items():
            updates = any(each.relations[0] == r"\leftarrow" for each in equation.statements)
            assert not updates or number in compared


@pytest.fixture
def _symbolic_optimisers(monkeypatch):
    """The optimisers' few functions, as SymPy has them; operators do the rest."""
    for module in (adam, adaptive, moments):
        monkeypatch.setattr(module, "sqrt", Root, raising=False)
        monkeypatch.setattr(module, "bias_correction", lambda beta, t: 1 - beta**t, raising=False)
    monkeypatch.setattr(adaptive, "sign", sp.sign)


@pytest.mark.usefixtures("_symbolic_optimisers")
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.equations[0])
def test_an_optimisers_step_from_any_state_is_proved_for_symbols(rule):
    (part,) = [part for part in sections() if rule.equations[0] in part.equations]
    scope = Scope.of(part, Entries())
    weight, gradient = scope.named("w", {}), scope.named("g", {})
    before = {name: scope.named(symbol, {}) for name, symbol in rule.remembered.items()}
    steps = {"steps": sp.Symbol("t") - 1} if "steps" in rule.optimiser.remembers else {}
    numbers = dict.fromkeys(rule.settings, 0.5)
    optimiser = rule.optimiser([ad.tensor(1.0, requires_grad=True)], **numbers, **rule.fixed)
    symbols = {name: scope.named(symbol, {}) for name, symbol in rule.settings.items()}
    settings = optimiser.groups[0] | symbols
    new, memory = optimiser.update(weight, gradient, before | steps, settings)
    page = after(scope, rule, {"w": weight, "g": gradient, "t": sp.Symbol("t")})
    assert scope.algebra.same(sp.nsimplify(new), page["w"])
    for name, symbol in rule.remembered.items():
        assert scope.algebra.same(sp.nsimplify(memory[name]), page[symbol])
