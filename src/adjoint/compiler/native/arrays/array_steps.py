"""Array steps are the code of training steps that are too large to unroll."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ....graphs.graph import Graph
from .. import epoch_code, team
from ..entries import kind_of
from ..formats import SIZES
from ..kernel import ArrayLocation
from ..step_code import StepCode, functions_of, state_locations
from ..step_form import StateLayout, StepForm
from ..target import Target
from .array_code import ArrayCode, CodeModule
from .expansion import expand
from .gathering import write_gathering
from .strided_view import ENTRY_BYTES
from .workspace import ALIGNMENT, aligned

# The byte of the workspace in which a step leaves whether its result is in doubt.
_DOUBT = aligned(team.SIZE)
_UNDECIDED = """
define internal i1 @undecided(ptr %new, ptr %workspace) #0 {{
  %at = getelementptr i8, ptr %workspace, i64 {doubt}
  %byte = load i8, ptr %at
  %doubt = icmp ne i8 %byte, 0
  ret i1 %doubt
}}
"""


def array_steps(
    step: Graph,
    form: StepForm,
    *,
    tail: Graph | None,
    held: Sequence[Graph] = (),
    target: Target,
) -> StepCode:
    """Return the code of a simplified step as loops over arrays and products of matrices.

    Raises
    ------
    Unlowerable
        If an operation cannot be computed by them.
    """
    # The workspace begins with the team's memory; the byte that tells of a doubt has a line of the
    # cache of its own.
    code = _written(functions_of(step, form, tail, held), target, _DOUBT + ALIGNMENT)
    return code._replace(functions=(*code.functions, _UNDECIDED.format(doubt=_DOUBT)))


def array_tail(form: StepForm, tail: Graph, *, target: Target, start: int) -> StepCode:
    """Return the code of a short step, beside that of the step which `array_steps` wrote.

    Parameters
    ----------
    start : int
        The byte of the workspace at which its memory begins.
    """
    return _written([("tail", tail, form)], target, start)


def _written(named: Sequence[tuple[str, Graph, StepForm]], target: Target, start: int) -> StepCode:
    """Return the code of functions; their memory begins at a byte of the workspace."""
    _, first, form = named[0]
    alignment = ALIGNMENT // SIZES[kind_of(first.inputs[0].dtype)]
    layout = StateLayout.of(first, form, alignment=alignment, lanes=alignment)
    module = CodeModule(target)
    functions, constants, about, end = [], [], "", start
    for name, graph, own in named:
        batch, lines, end = _gathered(graph, own, module, end)
        parameters = own.parameters if own.trains else 0
        code = ArrayCode(expand(graph, parameters=parameters), module, start=end)
        inputs, outputs = state_locations(graph, own, layout)
        outputs[len(graph.outputs)] = ArrayLocation("%workspace", _DOUBT)
        taken = epoch_code.step_parameters(len(own.batched(graph)))
        functions.append(code.function(name, taken, inputs | batch, outputs, first=lines))
        constants += code.constants
        end = code.size
        about = about or code.describe()
    is_shared = target.has_team and any("call void @share(" in text for text in functions)
    shared = (team.write_team(target),) if is_shared else ()
    return StepCode(
        (module.text, *shared, *functions),
        tuple(module.names),
        layout,
        workspace=end,
        constants=tuple(constants),
        about=f"{about}, large ones by two threads" if is_shared else about,
        has_team=is_shared,
    )


def _gathered(
    graph: Graph, form: StepForm, module: CodeModule, start: int
) -> tuple[dict[int, ArrayLocation], list[str], int]:
    """Return where the rows of a batch are copied to, the calls that copy, and where they end."""
    locations, lines = {}, []
    for i, position in enumerate(form.batched(graph)):
        spec = graph.inputs[position]
        kind, entries = kind_of(spec.dtype), math.prod(spec.shape[1:])
        stored = "i8" if kind == "i1" else kind
        width = module.target.width(ENTRY_BYTES[kind])
        function = module.add(
            "gathering",
            write_gathering(rows=spec.shape[0], entries=entries, kind=stored, width=width),
        )
        locations[position] = ArrayLocation("%workspace", start // ENTRY_BYTES[kind])
        at = f"%batch{i}"
        lines += [
            f"  {at} = getelementptr i8, ptr %workspace, i64 {start}",
            f"  call void @{function}(ptr %order, ptr %data{i}, ptr {at})",
        ]
        start += aligned(spec.shape[0] * entries * ENTRY_BYTES[kind])
    return locations, lines, start
