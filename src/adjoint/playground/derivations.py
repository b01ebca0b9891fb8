"""Derivations are how the gradient of the batch to come arises, as `explain` writes it, for a page.

They are computed beside the training, and nothing of them goes back into it.
"""

from __future__ import annotations

import ast
import copy
from typing import Any

import numpy as np

from ..calculus.check import slope
from ..core.annotations import Array
from ..explanation.derivation.derivation import Derivation
from ..explanation.derivation.formula import Formula
from ..explanation.derivation.function_at_point import of_model
from ..explanation.derivation.lines import names_in
from ..explanation.derivation.picture import Picture
from ..explanation.derivation.step import Step
from ..graphs.recording import no_grad
from ..graphs.tracing.naming import parameter_names
from ..nn.module import Module
from ..optim.snapshot import kept
from ..training.epochs import as_plain_array
from ..training.step import TrainingStep
from .readings import gradients
from .steps import Steps
from .values import SettingsError

# A matrix on the page shows so many rows and columns.
_SHOWN = 6
_LEAST_GRADIENT = 1e-6


def derive(steps: Steps, lang: str) -> dict[str, Any]:
    """Return the derivation of the loss of the batch to come, its steps and its graph."""
    model = steps.model
    with kept(model):
        described = of_model(model, steps.batch(), steps.setup.loss)
        derivation = Derivation(described, lang)
    picture = Picture(derivation)
    given = (*derivation.inputs, *derivation.program.constants)
    values = {*given, *(step.name for step in derivation)}
    return {
        "title": derivation.title,
        "given": [
            {"name": name, "formula": _mathml(formula), **matrix(array)}
            for name, (formula, array) in zip(given, derivation.given(), strict=True)
        ],
        "steps": [_told(derivation, step, values) for step in derivation],
        "gradient": {
            path: derivation.program.gradient[name]
            for name, path in derivation.program.paths.items()
            if name in derivation.program.gradient
        },
        "graph": _graph(picture) if picture.is_readable else None,
        "paths": dict(derivation.program.paths),
    }


def _told(derivation: Derivation, step: Step, values: set[str]) -> dict[str, Any]:
    read = names_in(ast.parse(step.source, mode="eval").body)
    return {
        "number": step.number,
        "part": step.part,
        "name": step.name,
        "source": step.source,
        "formula": _mathml(step.formula),
        "rule": step.rule.cited(derivation.say),
        "reads": [name for name in derivation.evaluator.scope if name in values & read],
        **matrix(step.value),
    }


def _mathml(formula: Formula) -> str:
    return f"<math>{formula.mathml}</math>"


def matrix(array: Array) -> dict[str, Any]:
    """Return the first rows and columns of an array, and its shape."""
    array = np.asarray(array)
    flat = array.reshape(1, -1) if array.ndim < 2 else array.reshape(-1, array.shape[-1])
    shown = flat[:_SHOWN, :_SHOWN]
    return {"shape": list(array.shape), "values": [[plain(x) for x in row] for row in shown]}


def plain(x: Any) -> Any:
    """Return a number as JSON has it; a text where JSON has none."""
    number = float(x)
    return number if np.isfinite(number) else str(number)


def _graph(picture: Picture) -> dict[str, Any]:
    """Return boxes with the steps that they lead to, and ways between them."""
    layout, scene = picture.drawing().layout, picture.scene
    boxes = []
    for place, (card, box) in enumerate(zip(scene.cards, layout.boxes, strict=True)):
        forward, backward = picture.forward.get(place), picture.backward.get(place)
        boxes.append(
            {
                "kind": card.kind,
                "box": [round(x, 1) for x in box],
                "lines": [list(line) for line in card.lines],
                "tip": card.tip,
                "forward": forward.number if forward else None,
                "backward": backward.number if backward else None,
            }
        )
    ways = [
        {
            "points": [[round(x, 1), round(y, 1)] for x, y in way.points],
            "label": arrow.label,
            "at": [round(x, 1) for x in way.label],
            "flow": arrow.flow,
            "tip": arrow.tip,
            "source": arrow.source,
            "target": arrow.target,
        }
        for arrow, way in zip(scene.arrows, layout.ways, strict=True)
    ]
    return {
        "boxes": boxes,
        "ways": ways,
        "left": layout.left,
        "right": layout.right,
        "height": layout.height,
    }


# --- one parameter ------------------------------------------------------------------------------


def parameter(model: Module, name: str, index: int) -> tuple[Any, tuple[int, ...]]:
    """Return a parameter by its name, and the place of one of its entries."""
    found = dict(model.named_parameters())
    if name not in found:
        raise SettingsError(f"parameter: there is no {name!r:.60}")
    if not 0 <= index < found[name].size:
        raise SettingsError(f"parameter: {name} has {found[name].size} entries, not {index}")
    return found[name], tuple(int(i) for i in np.unravel_index(index, found[name].shape))


def check(steps: Steps, name: str, index: int) -> dict[str, Any]:
    """Return one entry of the gradient by finite differences, beside the engine's.

    It is that of the batch to come, at the present weights; these are as they were afterwards.
    """
    found = gradients(steps)
    model, (X, *targets) = _in_double(steps.model), steps.batch()
    X, targets = _as_double(X), [_as_double(each) for each in targets]
    tensor, place = parameter(model, name, index)
    before = tensor.data

    def loss_at(x: float) -> float:
        moved = before.copy()
        moved[place] = x
        tensor.data = moved
        # Each time from the same random state: else dropout would leave out other units.
        with kept(model, steps.setup.loss), no_grad(), np.errstate(all="ignore"):
            return float(as_plain_array(steps.setup.loss(model(X), *targets)))

    with kept(model):
        numeric = slope(loss_at, float(before[place]))
    engine = float(found[name][place])
    # A gradient that is 0 but for rounding, as that of a bias before a norm, has no right digits.
    scale = max(abs(numeric), abs(engine), _LEAST_GRADIENT)
    return {
        "name": name,
        "place": list(place),
        "engine": plain(engine),
        "numeric": plain(numeric),
        "difference": plain(abs(numeric - engine) / scale),
        # The engine's number has no more digits than its dtype.
        "bound": 1e-5 if model is steps.model else 1e-2,
    }


def _in_double(model: Module) -> Module:
    """Return a model whose loss has digits enough for differences: itself, or a copy in double."""
    if next(model.parameters()).dtype != np.float32:
        return model
    copied = copy.deepcopy(model)
    for tensor in (*copied.parameters(), *(buffer for _, buffer in copied.named_buffers())):
        tensor.data = _as_double(tensor.data)
    return copied


def _as_double(array: Array) -> Array:
    return array.astype(float) if array.dtype == np.float32 else array


def update_rule(steps: Steps, name: str) -> dict[str, Any]:
    """Return the lines that lead from a gradient to the new parameter and the new memory of it."""
    parameter(steps.model, name, 0)
    source = step_source(steps)
    short = _short_names(steps).get(name, "")
    written = _assignments(source)
    memory = sorted({f"{short}_{key}_new" for each in steps.task.optimizer.memory for key in each})
    leading = _leading_to([f"{short}_new", *memory], written, given=f"d_{short}")
    lines = source.split("\n")
    return {
        "name": name,
        "short": short,
        "lines": [
            line.removeprefix("    ")
            for made, statement in written.items()
            if made in leading
            for line in lines[statement.lineno - 1 : statement.end_lineno]
        ],
    }


def _assignments(source: str) -> dict[str, ast.Assign]:
    """Return the statements of the last function in a source that give a name its value."""
    (*_, function) = ast.parse(source).body
    assert isinstance(function, ast.FunctionDef)
    return {
        statement.targets[0].id: statement
        for statement in function.body
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
    }


def _leading_to(names: list[str], written: dict[str, ast.Assign], *, given: str) -> set[str]:
    """Return the names that some are made of, and themselves; what is given is made of nothing."""
    asked, found = list(names), {given}
    while asked:
        made = asked.pop()
        if made in written and made not in found:
            found.add(made)
            asked += names_in(written[made].value)
    return found - {given}


def step_source(steps: Steps) -> str:
    """Return a whole training step as NumPy: forward, backward and update."""
    return str(_training_step(steps).program(*steps.batch()).source)


def _training_step(steps: Steps) -> TrainingStep:
    return TrainingStep(steps.model, steps.setup.loss, steps.task.optimizer)


def _short_names(steps: Steps) -> dict[str, str]:
    step = _training_step(steps)
    paths = [*step.params, *step.buffers, *step.scalars, *step.read_only]
    return dict(zip(paths, parameter_names(paths), strict=True))
