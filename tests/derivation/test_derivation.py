"""Every equation of the derivation page holds: for symbols, and for adjoint's numbers."""

import pytest
from arrays import Arrays
from entries import Entries
from evaluation import Scope
from page import sections

SECTIONS = sections()
CASES = [
    pytest.param(section, number, id=number) for section in SECTIONS for number in section.equations
]


def claims(equation):
    return [each for each in equation.statements if each.relations[0] != r"\leftarrow"]


@pytest.mark.parametrize(("section", "number"), CASES)
def test_an_equation_holds_for_adjoint(section, number):
    scope = Scope.of(section, Arrays(seed=1, B=4, n=2, m=3))
    for statement in claims(section.equations[number]):
        assert scope.holds(statement)


@pytest.mark.parametrize(("section", "number"), CASES)
def test_an_equation_is_proved_for_symbols(section, number):
    scope = Scope.of(section, Entries(B=3, n=2, m=2))
    for statement in claims(section.equations[number]):
        assert scope.holds(statement)
