"""What `import adjoint` offers: no internals, and each name with an example that runs."""

import doctest
import importlib
import inspect
import re
from importlib.util import find_spec
from types import GenericAlias, ModuleType

import numpy as np
import pytest
from adjoint.graph import trace

import adjoint as ad
from adjoint.core import PRIMITIVES
from adjoint.ops.inquiry import BY_NUMBERS

NEEDS_SCIPY = pytest.mark.skipif(find_spec("scipy") is None, reason="needs SciPy")


def offered(module):
    """Return what a module offers by name, but for what has no docstring of its own.

    These are modules, tables, and names of types, whose docstrings are those of dict and Callable.
    """
    found = {name: getattr(module, name) for name in module.__all__}
    without = (ModuleType, dict, GenericAlias)
    return {name: item for name, item in found.items() if not isinstance(item, without)}


def without_example(module):
    return [name for name, item in offered(module).items() if ">>> " not in (item.__doc__ or "")]


@pytest.mark.parametrize("module", [ad, ad.linalg], ids=lambda module: module.__name__)
def test_every_public_name_has_an_example(module):
    missing = without_example(module)
    assert not missing, f"give these an example in the docstring: {', '.join(missing)}"


@pytest.mark.parametrize(
    "name", ["callbacks", "coverage", "data", "estimators", "files", "nn", "optim", "plots"]
)
def test_every_public_name_of_a_room_has_an_example(name):
    if name == "estimators":
        pytest.importorskip("sklearn")
    assert not without_example(importlib.import_module(f"adjoint.{name}"))


@NEEDS_SCIPY
def test_every_special_function_has_an_example():
    missing = without_example(ad.special)
    assert not missing, f"give these an example in the docstring: {', '.join(missing)}"


# What is computed with stands in the formula, which says more than a section of parameters would.
EVIDENT = {"x", "y", "a", "b", "keepdims"}


@pytest.mark.parametrize("module", [ad, ad.linalg], ids=lambda module: module.__name__)
def test_every_parameter_of_a_public_function_is_documented(module):
    numpy_answers = {function.__name__ for function in BY_NUMBERS}
    missing = [
        f"{name}({parameter})"
        for name, item in offered(module).items()
        if name not in numpy_answers and not inspect.isclass(item)
        for parameter in inspect.signature(item).parameters.keys() - EVIDENT
        if not re.search(rf"\b{parameter}\b", item.__doc__.split(">>> ")[0])
    ]
    assert not missing


@pytest.mark.parametrize("function", BY_NUMBERS, ids=lambda function: function.__name__)
def test_the_example_of_a_function_that_numpy_answers_runs(function):
    """These are made in a loop, where `--doctest-modules` does not see them."""
    name = function.__name__
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner()
    test = parser.get_doctest(getattr(ad, name).__doc__, {"ad": ad, "np": np}, name, None, None)
    assert test.examples
    assert runner.run(test).failed == 0


@pytest.mark.parametrize("name", ["guarded", "last_named", "slogdet_packed", "strong_matmul"])
def test_what_only_rules_are_made_of_is_not_offered(name):
    assert not PRIMITIVES[name].public
    assert name not in ad.__all__
    assert not hasattr(ad, name)


def test_a_saved_graph_still_finds_the_primitives_that_are_not_offered(tmp_path):
    graph = trace(ad.grad(lambda x: (1 / x).sum()), np.ones(3))
    assert {node.primitive.name for node in graph.nodes} & {"strong_multiply"}
    graph.save(tmp_path / "graph.npz")
    x = np.array([1.0, 2.0, 4.0])
    np.testing.assert_array_equal(ad.Graph.load(tmp_path / "graph.npz")(x), graph(x))
