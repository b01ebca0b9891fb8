"""Written expressions get names of their own, at a cost that grows with their number alone."""

import adjoint as ad
from adjoint.compiler.source.expressions import Expressions


class CountedNames(set):
    """A set that counts how often it was asked for a name."""

    asked = 0

    def __contains__(self, name):
        self.asked += 1
        return super().__contains__(name)


def expressions(*taken):
    found = Expressions(ad.trace(lambda x: x * 2.0, 1.0))
    found.taken = CountedNames(taken)
    return found


def test_a_thousand_fresh_names_ask_for_a_thousand():
    some = expressions()
    names = [some.fresh("v") for _ in range(1000)]
    assert len(set(names)) == 1000
    assert some.taken.asked == 1000


def test_fresh_names_pass_over_those_that_are_taken_and_count_for_each_stem():
    some = expressions("v2", "v3", "w1")
    assert [some.fresh(stem) for stem in ("v", "v", "w", "v")] == ["v1", "v4", "w2", "v5"]
