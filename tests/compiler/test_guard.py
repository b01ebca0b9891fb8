"""Guards: one expression that says whether all that was found is still so."""

import functools
import operator
import types

import numpy as np
import pytest

import adjoint as ad
from adjoint.compiler.guard import GuardWriter

X = np.array([1.0, 2.0])
GONE = object()


def guard_of(*looks):
    writer = GuardWriter(GONE)
    for look in looks:
        writer.place(look, look())
    return writer.written([], [])


@pytest.mark.parametrize("name", ["rate", "if", "ﬁ", "a b", "__secret", "None", "0", ""])
def test_an_attribute_of_any_name_is_looked_at(name):
    item = types.SimpleNamespace(**{name: [1], "fi": [2]})
    guard = guard_of(functools.partial(getattr, item, name))
    assert guard() == ()
    setattr(item, name, [1])
    assert guard() is None


def test_entries_of_dicts_and_lists_are_looked_at():
    settings, sizes = {"rate": [1], 3: [2]}, [[3], [4]]
    looks = (
        functools.partial(settings.get, "rate", GONE),
        functools.partial(settings.get, 3, GONE),
        functools.partial(settings.get, "later", GONE),
        functools.partial(operator.getitem, sizes, 1),
    )
    for change in (
        lambda: settings.update(rate=[1]),
        lambda: settings.update({3: 2}),
        lambda: settings.update(later=1),
        lambda: sizes.__setitem__(1, [4]),
    ):
        guard = guard_of(*looks)
        assert guard() == ()
        change()
        assert guard() is None


def test_what_was_taken_away_raises_or_is_another():
    settings, sizes, item = {"rate": 1}, [1], types.SimpleNamespace(rate=1)
    for look, change in (
        (functools.partial(settings.get, "rate", GONE), settings.clear),
        (functools.partial(operator.getitem, sizes, 0), sizes.clear),
        (functools.partial(getattr, item, "rate"), lambda: delattr(item, "rate")),
    ):
        guard = guard_of(look)
        change()
        with pytest.raises((LookupError, AttributeError)):
            guard()


def test_members_of_a_set_or_dict_are_compared_by_what_they_are():
    members = {1: "a", "b": 2}
    writer = GuardWriter(GONE)
    writer.value(members.__len__, len(members))
    writer.members(members, list(members))
    guard = writer.written([], [])
    assert guard() == ()
    members.pop(1)
    members[True] = "a"
    assert guard() is None


def test_it_gives_the_arrays_of_tensors_and_others():
    tensor, array = ad.tensor(X), X.copy()
    guard = GuardWriter(GONE).written([tensor], [array])
    assert guard()[0] is tensor.data
    assert guard()[1] is array


def test_a_function_that_reads_thousands_of_settings_is_traced_anew_where_one_changes():
    factors = [1.0] * 1200

    def scaled(x):
        return x * sum(factors)

    compiled = ad.compile(scaled)
    for last in (1.0, 2.0, 3.0):
        factors[-1] = last
        for _ in range(4):
            assert compiled(X).tolist() == (X * sum(factors)).tolist()


def test_a_class_that_answers_for_any_attribute_is_asked_at_each_call():
    class Settings:
        rate = 2.0

        def __getattr__(self, name):
            if name.startswith("__"):
                raise AttributeError(name)
            return self.__dict__.setdefault("answers", {}).get(name, 3.0)

    settings = Settings()
    compiled = ad.compile(lambda x: x * settings.rate)
    for _ in range(4):
        assert compiled(X).tolist() == (2 * X).tolist()
    settings.rate = 5.0
    assert compiled(X).tolist() == (5 * X).tolist()
    del settings.rate
    assert compiled(X).tolist() == (2 * X).tolist()
