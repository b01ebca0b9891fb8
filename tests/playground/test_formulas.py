"""A formula is parsed to a short list of parts: what it says is computed, all else is refused."""

import random

import numpy as np
import pytest

from adjoint.playground import formula
from adjoint.playground.formula import FUNCTIONS, parse
from adjoint.playground.program_text import program_text
from adjoint.playground.settings import read
from adjoint.playground.setup import setup_of
from adjoint.playground.steps import Steps
from adjoint.playground.values import SettingsError

NAMES = {name: function for name, (function, _) in FUNCTIONS.items()} | {"pi": np.pi}


def random_text(rng, depth=4):
    if depth == 0 or rng.random() < 0.2:
        return rng.choice(["x", "y", "x", "y", "2", "0.5", "1e-1", "pi"])
    a, b = random_text(rng, depth - 1), random_text(rng, depth - 1)
    name = rng.choice(list(FUNCTIONS))
    call = f"{name}({a}, {b})" if FUNCTIONS[name][1] == 2 else f"{name}({a})"
    return rng.choice([f"({a})", f"-{a}", f"{a} + {b}", f"{a}-{b}", f"{a}*{b}", f"({a})/({b})",
                       f"({a})^2", call, call])  # fmt: skip


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("seed", range(40))
def test_it_means_what_python_would_and_is_written_as_that(seed):
    rng = random.Random(seed)
    text = f"{random_text(rng)} + x {rng.choice(['<', '>=', '-'])} {random_text(rng)}"
    x, y = np.random.default_rng(seed).uniform(-3, 3, (2, 60))
    try:
        found = parse(text)
    except SettingsError:  # a part of numbers alone, as 1 / (2 - 2), is no number
        return
    computed = found.compute(x, y)
    np.testing.assert_array_equal(computed, eval(found.source, {"np": np, "x": x, "y": y}))
    expected = eval(text.replace("^", "**"), {**NAMES, "x": x, "y": y})
    if found.has_classes:
        assert np.mean(computed == expected) > 0.95  # beside the border the last bit decides
    else:
        np.testing.assert_allclose(computed, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("y > z", 5), ("y > sin(2x)", 9), ("y >", 4), ("(x + 1", 1), ("y > x.real", 5),
        ("y = x", 3), ("y == x", 1), ("x > y > 1", 1), ("y > x if 1 else 2", 1), ("[x]", 1),
        ("lambda: x", 7), ("__import__('os')", 12), ("open(x)", 1), ("().__class__", 1),
        ("y > sin", 5), ("y > sin(x, y)", 5), ("max(x)", 1), ("sin(x=1)", 1), ("sin(*x)", 5),
        ("sin(x, out=y)", 1),
        ("y > 1j*x", 5), ("y > 1e999*x", 5), ("y > 1/0 + x", 5), ("(0-8)^0.5 < x", 1),
        ("9^9^9^9 > y", 3), ("ｙ > x", 1), ("y > “x”", 5), ("y\n> x", 2), ("x and y", 1),
        ("not x", 1), ("x // y", 1), ("x % y", 3), ("x @ y", 3), ("True > x", 1), ("...", 1),
        ("(" * 199, 199), ("x > y)", 6), ("x; y", 2), ("1and x", 1), ("(y > x) + 1", 2),
    ],
)  # fmt: skip
def test_what_is_not_on_the_list_is_refused_with_its_place(text, place):
    with pytest.raises(SettingsError, match=f"at place {place}, .* not understood; expected x, y"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a text"), (None, "expected a text"), (7, "expected a text"),
        ("x" * 201, "201 characters"), ("-" * 120 + "x > y", "30 parts deep"),
        ("sin(" * 36 + "x" + ")" * 36, "30 parts deep"), ("1 > 2", "expected x or y"),
    ],
)  # fmt: skip
def test_what_is_no_formula_is_refused(text, message):
    with pytest.raises(SettingsError, match=message):
        parse(text)
    with pytest.raises(SettingsError, match=message):
        read({"formula": text})


def test_its_rows_are_on_both_sides_and_usual_numbers():
    X, y = formula.rows_of("y > sin(x)", 200, 0.0, 3)
    np.testing.assert_array_equal(y, X[:, 1] > np.sin(X[:, 0]))
    X, y = formula.rows_of("x*y", 50, 0.0, 3)
    np.testing.assert_array_equal(y, X[:, 0] * X[:, 1])
    with pytest.raises(SettingsError, match="on one side"):
        formula.rows_of("x > 10", 50, 0.0, 0)
    with pytest.raises(SettingsError, match=r"no usual number at x = -\d"):
        formula.rows_of("sqrt(x)", 50, 0.0, 0)
    with pytest.raises(SettingsError, match="no usual number"):
        formula.rows_of("1e99 * x * 1e99", 50, 0.0, 0)


@pytest.mark.parametrize("text", ["y > sin(2*x)^2 - 1/3", "x*y - max(x, 0)"])
def test_the_program_has_the_same_rows(text):
    loss = "cross_entropy" if ">" in text else "huber_loss"
    given = {"data": "formula", "formula": text, "rows": 40, "noise": 0.1, "layers": []}
    steps = Steps(setup_of(read({**given, "loss": loss}), None))
    scope = {}
    exec(compile(program_text(steps), "training.py", "exec"), scope)
    np.testing.assert_array_equal(scope["X"], steps.setup.problem.X)
    np.testing.assert_array_equal(scope["y"], steps.setup.problem.y)
