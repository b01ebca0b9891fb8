"""A mistake in any one equation of the derivation page is found."""

from dataclasses import replace

import pytest
from arrays import Arrays
from engine import agrees
from entries import Entries
from evaluation import Scope
from mistakes import mistakes
from page import section, sections

from sampled import sampled

CASES = [
    pytest.param(part, equation, id=number)
    for part in sections()
    for number, equation in part.equations.items()
]

ONE_ROW = "for one row, the gradients of a and b are the same: (9)"
DELTA = "the derivative next to it is 0 unless the two indices are equal"
BIAS = "the bias does not depend on the variable"
TERM = "of the sum only the term l = j depends on the variable"
ROWS = "the derivative of a by b is the same in every row"
NOTHING = "the gradient of what does not depend on X adds up to 0 too"
# What looks like a mistake and is none: each must be proved with symbols below.
EQUAL = {
    "3b": {"b for a": ONE_ROW, "k for i": DELTA},
    "4": {"b for a": ONE_ROW, "i for k": DELTA},
    "5": {"b for a": ONE_ROW},
    "6": {
        "b for a": ONE_ROW,
        "i for k": DELTA,
        "j for l": TERM,
        **dict.fromkeys(("sign of term 2", "without term 2", "j for k", "l for k"), BIAS),
    },
    "7": {"b for a": ONE_ROW},
    "8": {
        **dict.fromkeys(("a for b", "b for a"), ONE_ROW),
        "i for k": DELTA,
        "without factor 2": "it is 1",
    },
    "9": dict.fromkeys(("a for b", "b for a"), ONE_ROW),
    "10": {"b for a": ONE_ROW},
    "11": {
        "b for a": ONE_ROW,
        **dict.fromkeys(
            ("sign of term 2", "without term 2", "i for k", "i for j", "k for j"), BIAS
        ),
    },
    "12": {"b for a": ONE_ROW},
    "13": {"b for a": ONE_ROW},
    "6'": {"i for k": DELTA},
    "8'": {"i for k": DELTA, "i for r": ROWS, "k for r": ROWS},
    "30a": dict.fromkeys((r"\alpha for L", r"\varepsilon for L", "U for x"), NOTHING),
}


def is_found(part, equation):
    """Whether anything fails, or has no value, with an equation in the place of the right one."""
    wrong = replace(part, equations={**part.equations, equation.number: equation})
    scope = Scope.of(wrong, Arrays(seed=1, B=4, n=2, m=3))
    try:
        if not fits(scope, equation):
            return True
        defines = any(each.relations[0] == ":=" for each in equation.statements)
        return defines and not all(fits(scope, each) for each in wrong.equations.values())
    except (ValueError, TypeError, AttributeError, IndexError):
        return True


def fits(scope, equation):
    return all(scope.holds(each) for each in equation.claims()) and agrees(scope, equation.number)


# A mistake may take the root of what is negative.
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("part", "equation"), sampled(CASES, 3))
def test_every_mistake_is_found(part, equation):
    planted = list(mistakes(part, equation))
    assert len(planted) >= 2
    missed = [(what, wrong) for what, wrong in planted if not is_found(part, wrong)]
    assert {what for what, _ in missed} == EQUAL.get(equation.number, {}).keys()
    symbols = Scope.of(part, Entries(B=3, n=2, m=2))
    for what, same in missed:
        assert all(symbols.holds(each) for each in same.claims()), what


@pytest.mark.parametrize(("part", "equation"), sampled(CASES, 8))
def test_no_mistake_is_proved_for_symbols(part, equation, full):
    """The proof can fail, too: of a claim that has no definition in it."""
    if any(each.relations[0] != "=" for each in equation.statements):
        return
    known = EQUAL.get(equation.number, {})
    planted = [(what, wrong) for what, wrong in mistakes(part, equation) if what not in known]
    for what, wrong in planted if full else planted[:: len(planted) // 3 + 1]:
        assert not is_proved(part, wrong), what


def is_proved(part, equation):
    scope = Scope.of(part, Entries(B=4, n=2, m=3))
    try:
        return all(scope.holds(each) for each in equation.claims())
    except (ValueError, TypeError, AttributeError, IndexError):
        return False


@pytest.mark.parametrize(
    ("number", "right", "wrong"),
    [
        ("7", "z^{T}", "z"),
        ("13", "W^{T}", "W"),
        ("14", "P - Y", "a - Y"),
        ("14c", "- p_{rk}", "+ p_{rk}"),
        ("30", r"\frac{1}{B}", "1"),
        ("36", r"\frac{1}{\sqrt{v_r + \varepsilon}}", r"\frac{1}{v_r + \varepsilon}"),
    ],
)
def test_a_mistake_in_the_text_of_the_page_is_found(number, right, wrong):
    """What is planted in the LaTeX, rather than in what was read from it."""
    (part,) = [part for part in sections() if number in part.equations]
    source = part.sources[number]
    assert right in source
    declared = part.sources[""]
    others = [part.sources[each] for each in part.equations if each != number]
    displays = [declared, *others, source.replace(right, wrong)]
    changed = section("".join(f"```math\n{display}```\n" for display in displays))
    assert is_found(changed, changed.equations[number])
