"""Every equation of the derivation page holds: for symbols, and for adjoint's numbers."""

import re

import pytest
from arrays import Arrays
from entries import Entries
from evaluation import Scope
from latex import LatexError, statements
from page import DOCS, displays, section, sections

from adjoint.compiler.source.equations import EQUATIONS
from sampled import sampled

CASES = [pytest.param(part, number, id=number) for part in sections() for number in part.equations]


@pytest.mark.parametrize(("part", "number"), CASES)
def test_an_equation_holds_for_adjoint(part, number, full):
    for seed in range(20 if full else 2):
        scope = Scope.of(part, Arrays(seed=seed, B=4, n=2, m=3))
        assert all(scope.holds(claim) for claim in part.equations[number].claims())


@pytest.mark.parametrize(("part", "number"), sampled(CASES, 3))
def test_an_equation_is_proved_for_symbols(part, number, full):
    scope = Scope.of(part, Entries(B=3, n=2, m=3) if full else Entries(B=3, n=2, m=2))
    assert all(scope.holds(claim) for claim in part.equations[number].claims())


def test_both_languages_have_the_same_equations():
    assert displays("explanation/derivation.md") == displays("zh/explanation/derivation.md")


def test_no_number_stands_for_two_equations():
    numbers = [number for part in sections() for number in part.equations]
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize("page", ["explanation/derivation.md", "zh/explanation/derivation.md"])
def test_numbers_in_the_text_are_those_of_equations(page):
    """Those that written source cites, too."""
    text = (DOCS / page).read_text(encoding="utf-8")
    numbers = {number for part in sections() for number in part.equations}
    assert {str(number) for number in EQUATIONS} <= numbers
    assert set(re.findall(r"\((\d+[a-z]?'?)\)", text)) <= numbers


@pytest.mark.parametrize("number", [2, 5, 7, 13, 15])
def test_written_source_cites_the_equation_of_the_page(number):
    """A formula of one line of text, put in LaTeX; the others say in words what the page has."""
    formula = re.sub(
        r"∂L/∂([azW]'?)", r"\\frac{\\partial L}{\\partial \1}", EQUATIONS[number].formula
    )
    latex = {"σ": r"\sigma ", "⊙": r"\odot ", "ᵀ": "^{T}", "←": r"\leftarrow "}
    latex |= {"∂L/∂w": "g", "η": r"\eta "}
    for symbol, command in latex.items():
        formula = formula.replace(symbol, command)
    equations = {k: v for part in sections() for k, v in part.equations.items()}
    cited = equations.get(f"{number}'", equations[str(number)])
    (read,) = statements(formula)
    assert read.sides in [each.sides for each in cited.statements]


@pytest.mark.parametrize("page", ["explanation/derivation.md", "zh/explanation/derivation.md"])
def test_no_equation_hides_from_the_test(page):
    """Every display is a block of mathematics; `$$` would not be read."""
    assert "$$" not in (DOCS / page).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("latex", "message"),
    [
        (r"a = \int b", "no meaning"),
        (r"a = b^{2", "expected '}'"),
        (r"a = b \tag{1}", "nothing says what"),
        (r"a = b", "without a number"),
    ],
)
def test_latex_without_a_meaning_is_refused(latex, message):
    with pytest.raises(LatexError, match=message):
        Scope.of(section(f"```math\n{latex}\n```"), Entries()).holds(
            section(f"```math\n{latex}\n```").equations["1"].statements[0]
        )
