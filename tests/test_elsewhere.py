"""What is typed from memory of another library is answered by what to write here."""

import copy
import pickle
import re

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn
from adjoint.elsewhere import INSTEAD

MODULES = {
    "adjoint": ad,
    "adjoint.nn": nn,
    "adjoint.nn.functional": nn.functional,
    "adjoint.optim": ad.optim,
}
OBJECTS = MODULES | {"Tensor": ad.tensor([1.0, 2.0]), "Module": nn.Sequential(nn.Linear(2, 1))}
MISSING = [(place, name) for place in OBJECTS for name in INSTEAD[place]]


@pytest.mark.parametrize(("place", "name"), MISSING)
def test_a_name_of_another_library_is_answered_by_ours(place, name):
    with pytest.raises(AttributeError) as caught:
        getattr(OBJECTS[place], name)
    assert str(caught.value).endswith(f"no attribute {name!r}; write {INSTEAD[place][name]}")


@pytest.mark.parametrize("texts", INSTEAD.values(), ids=INSTEAD)
def test_every_name_of_ours_in_an_answer_exists(texts):
    roots = {"ad": ad, "np": np, "nn": nn, "F": nn.functional, "x": ad.tensor([[1.0]])}
    roots["model"] = nn.MLP(2, 3, 2)
    for text in texts.values():
        for path in re.findall(r"\b(?:ad|np|nn|F|x|model)(?:\.\w+)+", text):
            found = roots[path.partition(".")[0]]
            for part in path.split(".")[1:]:
                found = getattr(found, part)


@pytest.mark.parametrize("keyword", INSTEAD["fit"])
def test_fit_answers_keywords_of_other_libraries(keyword):
    with pytest.raises(TypeError, match=rf"no argument '{keyword}'; write .*="):
        ad.fit(nn.MLP(2, 2), ([[1.0, 2.0]], [0]), loss="cross_entropy", epochs=1, **{keyword: 1})


def test_fit_asks_for_a_pair_where_arrays_come_one_by_one():
    with pytest.raises(TypeError, match=r"takes 2 arguments by position, got 3; write .*\(X, y\)"):
        ad.fit(nn.MLP(2, 2), [[1.0, 2.0]], [0], loss="cross_entropy", epochs=1)


def test_fit_answers_an_unknown_keyword_without_advice():
    with pytest.raises(TypeError, match=r"there is no argument 'colour'$"):
        ad.fit(nn.MLP(2, 2), ([[1.0, 2.0]], [0]), loss="cross_entropy", epochs=1, colour="red")


@pytest.mark.parametrize("place", ["Tensor", "Module"])
def test_an_object_with_answers_is_copied_and_pickled_and_has_no_more(place):
    kept = OBJECTS[place]
    for again in (copy.copy(kept), copy.deepcopy(kept), pickle.loads(pickle.dumps(kept))):
        assert type(again) is type(kept)
        assert not hasattr(again, "nothing_of_this_name")
        assert not hasattr(again, "__array_interface__")


@pytest.mark.parametrize("place", ["Tensor", "Module"])
def test_names_that_are_only_answered_are_not_among_those_of_an_object(place):
    assert not {*INSTEAD[place]} & {*dir(OBJECTS[place])}
    assert {"shape" if place == "Tensor" else "layers", "__class__"} <= {*dir(OBJECTS[place])}


@pytest.mark.parametrize(("name", "owner"), [("clone", ad.Tensor), ("register_buffer", nn.Module)])
def test_a_class_answers_as_its_objects_do(name, owner):
    with pytest.raises(AttributeError, match=f"{owner.__name__} has no attribute '{name}'; write "):
        getattr(owner, name)


def test_what_a_subclass_has_under_an_answered_name_is_its_own():
    class Saves:
        def save(self):
            return "saved"

    class Scaled(nn.Module, Saves):
        def __init__(self):
            self.weights = [nn.Parameter(2.0)]

        def predict(self, x):
            return x * self.weights[0]

    model = Scaled()
    assert float(model.predict(3.0).item()) == 6.0
    assert model.save() == "saved"
    assert {"weights", "predict", "save"} <= {*dir(model)}
    assert [name for name, _ in model.named_parameters()] == ["weights[0]"]


def test_dim_is_answered_by_axis():
    with pytest.raises(TypeError, match=r"write axis= for dim=; the signature is sum\(x, \*, axis"):
        ad.tensor([1.0, 2.0]).sum(dim=0)
