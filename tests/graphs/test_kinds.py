"""How a walk goes through objects is remembered for classes that nobody changes, and no others."""

from __future__ import annotations

import functools
import operator
import types
from collections import OrderedDict, deque

import numpy as np
import pytest

import adjoint as ad
from adjoint.graphs.tracing import reach
from adjoint.graphs.tracing.kinds import is_unchanging, kind_of

_OBJECTS = [
    ad.tensor([1.0]),
    ad.nn.Parameter([1.0]),
    ad.nn.Buffer([1.0]),
    ad.nn.Linear(1, 1, rng=0),
    ad.optim.SGD([ad.nn.Parameter([1.0])], lr=0.1),
    np.zeros(2),
    np.ma.zeros(2),
    np.random.default_rng(0),
    np.float64(1),
    {},
    [],
    (),
    set(),
    frozenset(),
    iter([]),
    map(abs, []),
    object(),
    property(),
    staticmethod(abs),
    abs,
    [].append,
    int,
    ad.nn.Linear,
    type,
    types,
    types.MappingProxyType({}),
    lambda: None,
    functools.partial(abs, 1),
    deque(),
    OrderedDict(),
    operator.attrgetter("x"),
    ad.nn.Linear(1, 1, rng=0).forward,
    super(ad.nn.Linear, ad.nn.Linear(1, 1, rng=0)),
]


@pytest.mark.parametrize("item", _OBJECTS, ids=lambda item: type(item).__name__)
def test_a_class_that_nobody_changes_tells_what_its_objects_do(item):
    if not is_unchanging(type(item)):
        pytest.skip("its class is asked anew each time")
    assert reach._parts_of_fixed(type(item)) is reach._parts_of(item)
    assert kind_of(type(item)) is kind_of(type(item))


def test_a_class_of_the_users_is_asked_anew():
    class Model:
        pass

    before = kind_of(Model)
    Model.__next__ = abs
    assert (before.may_iterate, kind_of(Model).may_iterate) == (False, True)


def test_a_slot_that_a_users_class_gets_later_is_seen():
    class Slotted:
        __slots__ = ("first",)

    assert kind_of(Slotted).slots == ("first",)
    Slotted.second = Slotted.first
    assert kind_of(Slotted).slots == ("first", "second")
