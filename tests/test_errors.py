"""Names that are almost right: the error asks whether the right one was meant."""

import pickle

import pytest

import adjoint as ad
from adjoint import errors, nn, optim


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Relu", "relu"),
        ("leakyrelu", "leaky_relu"),
        ("sigmod", "sigmoid"),
        ("soft", "softplus"),
    ],
)
def test_a_choice_that_is_almost_right_is_asked_for(name, meant):
    with pytest.raises(ValueError, match=f"did you mean '{meant}'"):
        nn.MLP(2, 3, 2, activation=name)


@pytest.mark.parametrize("name", ["xyz", "", "_", "re", None, 3, ("relu",)])
def test_nothing_is_asked_where_no_name_is_near(name):
    with pytest.raises(ValueError, match=r"choose one of elu, .*, tanh$"):
        nn.MLP(2, 3, 2, activation=name)


def test_the_exact_spelling_in_other_capitals_comes_before_a_longer_name():
    assert errors.suggestion("Adam", ["adamw", "adam"]) == "; did you mean 'adam'?"


@pytest.mark.parametrize(
    ("module", "name", "meant"),
    [(nn, "Conv2D", "Conv2d"), (nn, "Relu", "ReLU"), (optim, "ADAM", "Adam"), (ad, "Grad", "grad")],
    ids=lambda part: getattr(part, "__name__", part),
)
def test_an_attribute_that_is_almost_right_is_asked_for(module, name, meant):
    with pytest.raises(AttributeError, match=f"no attribute '{name}'; did you mean '{meant}'"):
        getattr(module, name)


@pytest.mark.parametrize("module", [nn, optim], ids=lambda module: module.__name__)
def test_a_module_still_has_what_it_has_and_no_more(module):
    assert not hasattr(module, "__path_of_nothing__")
    assert all(hasattr(module, name) for name in module.__all__)
    assert pickle.loads(pickle.dumps(module.Module if module is nn else module.Adam))
