"""A card as an object."""

import pytest

from adjoint.core import PRIMITIVES

# CPython's own bound is 30, one more than may be used: `SHARED_KEYS_MAX_SIZE` in dictobject.c.
MOST_SHARED = 29


@pytest.mark.parametrize("name", PRIMITIVES)
def test_cards_have_so_few_attributes_that_their_names_are_shared(name):
    # With more, every look-up is slower: 5 % of a small operation. A card that has shown how it is
    # called has no more than before.
    assert PRIMITIVES[name].usage
    assert len(vars(PRIMITIVES[name])) <= MOST_SHARED
