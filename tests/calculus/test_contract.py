"""Every primitive in the registry keeps the contract."""

import pytest
from adjoint.contract import check_primitive, clauses

import adjoint as ad
from adjoint.core import PRIMITIVES
from sampled import sampled

# What `import adjoint` registers, whatever other tests have imported before: the cards of
# adjoint.special are tested with it.
CARDS = {name: p for name, p in PRIMITIVES.items() if ".special." not in p.__module__}


@pytest.mark.parametrize(
    ("name", "clause"),
    sampled([(name, clause) for name, p in CARDS.items() for clause in clauses(p)], 7),
)
def test_contract(name, clause):
    check_primitive(CARDS[name], clause)


def test_every_primitive_whose_card_says_nothing_else_is_public_under_its_name():
    public = {name: primitive for name, primitive in CARDS.items() if primitive.public}
    assert all(getattr(ad, name) is primitive for name, primitive in public.items())


def test_a_card_is_documented_by_its_function():
    assert all(primitive.__doc__ == primitive.forward.__doc__ for primitive in CARDS.values())
