"""The checker itself: it passes what is right and finds what is wrong by a thousandth."""

import re

import numpy as np
import pytest
from adjoint.contract import check_primitive

import adjoint as ad
from adjoint.core import PRIMITIVES
from adjoint.core.kinds import elementwise, linear


@pytest.fixture
def planted():
    """Forget the primitives that a test plants among the cards."""
    before = dict(PRIMITIVES)
    yield
    for name in PRIMITIVES.keys() - before.keys():
        del PRIMITIVES[name]


def wrong_square(factor, order=1):
    partial = {
        1: lambda y, x: 2 * factor * x,
        2: lambda y, x: 2 * x + (factor - 1) * (x - ad.stop_gradient(x)),
    }[order]

    @elementwise(partials=[partial], source="{x} * {x}", latex="{x}^2")
    def wrong(x):
        return np.multiply(x, x)

    return wrong


def test_right_gradients_pass():
    ad.check_gradients(lambda x, y: np.tanh(x) @ np.exp(y), np.ones((2, 3)), np.ones(3))
    ad.check_gradients(lambda x: (np.abs(x), x.max()), np.array([1.0, -2.0]))


def test_the_result_says_what_agrees_and_how_well():
    found = ad.check_gradients(lambda x: np.sum(x**2), np.ones(3))
    assert (found.modes, found.orders) == (("reverse", "forward"), (1, 2))
    assert found  # it stands for a success where somebody asks
    assert repr(found).startswith(
        "gradients agree: reverse and forward modes, orders 1 and 2, largest error "
    )
    first = ad.check_gradients(np.sin, 1.0, order=1, modes=["forward"])
    assert repr(first).startswith("gradients agree: forward mode, order 1, largest error ")


@pytest.mark.parametrize(("scale", "share"), [(1e9, 1e-7), (1e-6, 1e-3)])
def test_the_largest_error_is_in_units_of_the_gradient_or_of_one(scale, share):
    off = ad.custom_vjp(lambda g, y, x: (g * scale * (1 + share),))(lambda x: scale * x)
    found = ad.check_gradients(off, 3.0, order=1, modes=["reverse"])
    gradient = scale * abs(np.random.default_rng(0).standard_normal())  # of the random direction
    # The numerical gradient is exact to about 1e-11 of it.
    assert found.error == pytest.approx(share * gradient / max(gradient, 1), rel=1e-3)


@pytest.mark.parametrize("factor", [1.001, 0.999, -1.0])
@pytest.mark.parametrize("mode", ["reverse", "forward"])
def test_a_rule_wrong_by_a_thousandth_is_found(planted, factor, mode):
    square = wrong_square(factor)
    with pytest.raises(ad.GradientMismatchError, match=f"{mode} derivative by argument 1 is wrong"):
        ad.check_gradients(lambda x, y: x * square(y), np.ones(3), np.ones(3), modes=[mode])


def test_a_second_derivative_wrong_by_a_thousandth_is_found(planted):
    square = wrong_square(1.001, order=2)
    ad.check_gradients(square, np.ones(3), order=1)
    with pytest.raises(ad.GradientMismatchError, match="the gradient of wrong"):
        ad.check_gradients(square, np.ones(3))


def test_the_message_names_the_entry_and_both_numbers(planted):
    @elementwise(partials=[lambda y, x: ad.where(x > 2, 3.0, 1.0)], source="+{x}", latex="{x}")
    def bent(x):
        return np.positive(x)

    with pytest.raises(ad.GradientMismatchError) as caught:
        ad.check_gradients(lambda x: bent(x).sum(), np.array([[1.0, 2.5], [0.0, 1.0]]), order=1)
    message = str(caught.value)
    assert "entry [0, 1]" in message
    got, expected = map(float, re.search(r"got (\S+), numerically (\S+)", message).groups())
    assert got == pytest.approx(3 * expected)


def test_a_nan_derivative_is_wrong(planted):
    @elementwise(partials=[lambda y, x: x * np.nan], source="+{x}", latex="{x}")
    def broken(x):
        return np.positive(x)

    with pytest.raises(ad.GradientMismatchError, match="got nan"):
        ad.check_gradients(broken, np.ones(2), order=1)


@pytest.mark.parametrize(
    ("columns", "clause"),
    [
        ({"source": "np.sinh({x})"}, "source_equals_forward"),
        ({"latex": r"\left({x}"}, "latex_is_balanced"),
        ({"partials": [lambda y, x: 1.001 * (1 - y * y)]}, "derivatives_are_right"),
        ({"partials": [lambda y, x: 1 - np.square(y)]}, "rules_are_pure"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_broken_card_breaks_its_clause(planted, columns, clause):
    card = {"partials": [lambda y, x: 1 - y * y], "source": "np.tanh({x})", "latex": r"\tanh {x}"}

    @elementwise(**card | columns)
    def planted_tanh(x):
        return np.tanh(x)

    with pytest.raises(AssertionError) as caught:
        check_primitive(planted_tanh, clause)
    assert "planted_tanh" in "".join(caught.value.__notes__)


def test_the_contract_finds_a_forward_that_writes_into_its_input(planted):
    @elementwise(partials=[1], source="{x}", latex="{x}")
    def careless(x):
        x += 1
        return x

    with pytest.raises(ValueError, match="read-only"):
        check_primitive(careless, "inputs_are_not_changed")


def test_the_contract_finds_modes_that_disagree(planted):
    @linear(
        transposes=[lambda g, x: 2 * g],
        shape=lambda x: x.shape,
        source="{x} * 3",
        latex="3 {x}",
        cases=[((3,), {})],
    )
    def triple(x):
        return np.multiply(x, 3)

    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        check_primitive(triple, "modes_agree")


def test_bad_calls_are_refused():
    with pytest.raises(ValueError, match="unknown mode 'backward'"):
        ad.check_gradients(np.exp, np.ones(2), modes=["backward"])
    with pytest.raises(TypeError, match="argument 0 has dtype complex128"):
        ad.check_gradients(np.exp, np.array([1j]))
