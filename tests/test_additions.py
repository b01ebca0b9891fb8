"""What is added is complete: a failure says which file still lacks the new thing.

docs/architecture.md says what to edit to add an activation, a loss, a layer, an optimiser, a
schedule, a metric, a callback, a plot or a command.
"""

import importlib
import inspect
import pkgutil
import re
from dataclasses import is_dataclass
from pathlib import Path

import click
import pytest

from adjoint import nn, optim, plots
from adjoint.cli import commands
from adjoint.nn import functional
from adjoint.nn.activations.activation import Activation
from adjoint.nn.losses.loss import Loss
from adjoint.optim import Optimizer, schedules
from adjoint.training import callbacks, metrics
from nn import test_losses, test_nn_layers
from optim import test_optimizers, test_schedules

# A class in a module that nobody imports would be no subclass yet.
for package in (nn, optim, callbacks):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)
ALL_TESTS = "".join(
    path.read_text(encoding="utf-8") for path in Path(__file__).parent.rglob("test_*.py")
)


def is_tried(pattern):
    """Whether a test but these here holds what a pattern describes."""
    return re.search(pattern, ALL_TESTS) is not None


def ours(kind, package):
    """Return the subclasses that a package of adjoint defines, by name."""
    direct = kind.__subclasses__()
    below = [inner for each in direct for inner in ours(each, package).values()]
    return {each.__name__: each for each in direct + below if each.__module__.startswith(package)}


LOSSES = ours(Loss, "adjoint.nn.")
FUNCTIONS = {**ours(Activation, "adjoint.nn."), **LOSSES}
# One that defines no update is abstract.
OPTIMIZERS = {
    name: kind
    for name, kind in ours(Optimizer, "adjoint.optim.").items()
    if kind.update is not Optimizer.update
}


# These are parts of other modules, which nobody puts into a network by themselves.
PARTS = {"Cell", "LinearPath", "Weighted"}
MODULES = {
    name: kind
    for name, kind in ours(nn.Module, "adjoint.nn.").items()
    if "; abstract" not in kind.__doc__.partition("\n")[0] and name not in PARTS
}


@pytest.mark.parametrize("name", MODULES)
def test_a_layer_an_activation_or_a_loss_is_shown_by_nn(name):
    shown = getattr(nn, name, None)
    assert shown is MODULES[name], f"import {name} in src/adjoint/nn/__init__.py"
    assert name in nn.__all__, f"add {name} to __all__ of src/adjoint/nn/__init__.py"


@pytest.mark.parametrize("name", sorted(MODULES.keys() - FUNCTIONS.keys()))
def test_a_layer_is_tried_by_the_tests(name):
    assert is_tried(rf"\b{name}\b"), f"try {name} in tests/nn/test_nn_layers.py"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_function_of_a_module_is_shown_by_functional(name):
    function = FUNCTIONS[name].function
    if not function.__module__.startswith("adjoint.nn."):
        return  # a primitive, as adjoint.tanh: adjoint itself shows it
    assert getattr(functional, function.__name__, None) is function, (
        f"add {function.__name__} to __all__ of {inspect.getsourcefile(function)}"
    )


@pytest.mark.parametrize("name", FUNCTIONS)
def test_settings_of_a_module_are_those_of_its_function(name):
    kind = FUNCTIONS[name]
    theirs = inspect.signature(kind.function).parameters
    own = inspect.signature(kind).parameters
    assert [p for p in kind.settings if p in own] == list(kind.settings), (
        f"{name}.__init__ takes {list(own)}, its function has the settings {kind.settings}"
    )
    assert {p: own[p].default for p in kind.settings} == {
        p: theirs[p].default for p in kind.settings
    }
    module = kind()
    assert all(hasattr(module, setting) for setting in kind.settings), (
        f"set them in {name}.__init__"
    )


@pytest.mark.parametrize("name", nn.ACTIVATIONS)
def test_an_activation_has_a_formula_in_the_tests(name):
    plain = {"relu", "sigmoid", "tanh"}  # tests/nn/test_nn.py has theirs
    assert name in test_nn_layers.ACTIVATIONS.keys() | plain, (
        f'add "{name}" and its formula to ACTIVATIONS in tests/nn/test_nn_layers.py'
    )


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_has_a_formula_in_the_tests(name):
    function = LOSSES[name].function.__name__
    named = inspect.getsource(test_losses)
    assert f"functional.{function}" in named or f"f.{function}" in named, (
        f'add "{function}" and its formula to tests/nn/test_losses.py'
    )


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimiser_is_shown_by_optim(name):
    kind = OPTIMIZERS[name]
    assert getattr(optim, name, None) is kind, f"import {name} in src/adjoint/optim/__init__.py"
    assert name in optim.__all__, f"add {name} to __all__ of src/adjoint/optim/__init__.py"


@pytest.mark.parametrize(
    "name", sorted(OPTIMIZERS.keys() - {"EMA"})
)  # which averages what another makes
def test_an_optimiser_has_a_formula_in_the_tests(name):
    assert name in {row[0] for row in test_optimizers.TABLE}, (
        f'add "{name}", settings and its formula to TABLE in tests/optim/test_optimizers.py'
    )


@pytest.mark.parametrize("name", [n for n, x in vars(schedules).items() if is_dataclass(x)])
def test_a_schedule_is_shown_by_optim_and_has_a_formula_in_the_tests(name):
    kind = getattr(schedules, name)
    assert getattr(optim, name, None) is kind, f"import {name} in src/adjoint/optim/__init__.py"
    assert name in optim.__all__, f"add {name} to __all__ of src/adjoint/optim/__init__.py"
    assert f"{name}(" in inspect.getsource(test_schedules), (
        f"add {name} and its formula to TABLE in tests/optim/test_schedules.py"
    )


COMMANDS = [module.name for module in pkgutil.iter_modules(commands.__path__)]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_in_the_list_and_bears_the_name_of_its_module(name):
    own = getattr(importlib.import_module(f"{commands.__name__}.{name}"), name, None)
    assert isinstance(own, click.Command), (
        f"define the command {name} in src/adjoint/cli/commands/{name}.py"
    )
    assert name in commands.COMMANDS, (
        f"add {name} to COMMANDS of src/adjoint/cli/commands/__init__.py"
    )
    assert own.short_help, f"give {name} a short_help in src/adjoint/cli/commands/{name}.py"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_run_by_the_tests(name):
    assert is_tried(rf"(run|main|cli|process)\(\[?\"{name}\""), (
        f'run "{name}" in tests/cli/test_cli.py'
    )


def public_functions(module):
    return [
        name
        for name, own in vars(module).items()
        if inspect.isfunction(own) and own.__module__ == module.__name__ and name[0] != "_"
    ]


@pytest.mark.parametrize("name", sorted({*public_functions(metrics)} - {"as_metrics", "direction"}))
def test_a_metric_is_known_by_name_and_measured_in_the_tests(name):
    assert name in metrics.METRICS, (
        f"add {name} to _LESS_IS_BETTER or _MORE_IS_BETTER of src/adjoint/training/metrics.py"
    )
    assert is_tried(rf"\b{name}\b"), f"add {name} and its value to tests/training/test_metrics.py"


CALLBACKS = ours(callbacks.Callback, "adjoint.training.callbacks.")


@pytest.mark.parametrize("name", CALLBACKS)
def test_a_callback_is_shown_and_tried_by_the_tests(name):
    place = "src/adjoint/training/callbacks/__init__.py"
    assert getattr(callbacks, name, None) is CALLBACKS[name], f"import {name} in {place}"
    assert name in callbacks.__all__, f"add {name} to __all__ of {place}"
    assert is_tried(rf"\b{name}\b"), f"try {name} in tests/training/test_callbacks.py"


DISPLAYS = {
    name: own
    for module in pkgutil.iter_modules(plots.__path__, "adjoint.plots.")
    for name, own in vars(importlib.import_module(module.name)).items()
    if name.endswith("Display") and own.__module__ == module.name
}


@pytest.mark.parametrize("name", DISPLAYS)
def test_a_display_is_shown_and_drawn_by_the_tests(name):
    place = "src/adjoint/plots/__init__.py"
    assert getattr(plots, name, None) is DISPLAYS[name], f"import {name} in {place}"
    assert name in plots.__all__, f"add {name} to __all__ of {place}"
    assert is_tried(rf"\b{name}\."), f"draw {name} in tests/plots/test_displays.py"
