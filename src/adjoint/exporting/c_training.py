"""A training as C99: a header, and a source that learns on any device from rows it is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .arranged_training import arranged_training
from .c_learner import TARGET, Learner
from .c_literals import SIZES, STORED, TYPES, comment
from .c_source import CODE_SIZE, GUARDS, header_text, paired
from .c_training_functions import functions_in_c
from .c_training_golden import golden_main
from .subject import without_loops
from .training_task import TrainingTask


def training_in_c(given: TrainingTask, prefix: str, header: str) -> tuple[str, str, dict[str, int]]:
    """Return the header, the source, and their sizes in bytes.

    Raises
    ------
    ExportError
        If a part of the training has no C, or a schedule is too long.
    """
    with arranged_training(given, TARGET, name="C99") as arranged:
        if not given.reproducible:
            tail = arranged.tail
            arranged = replace(
                arranged,
                graph=without_loops(arranged.graph, "C99"),
                tail=None if tail is None else without_loops(tail, "C99"),
            )
        return _files(Learner(arranged, prefix), header)


def _files(learner: Learner, header: str) -> tuple[str, str, dict[str, int]]:
    initial = [
        learner.loops.table(f"initial {member.path}", member.first).buffer
        if np.any(member.first)
        else None
        for member in learner.members
    ]
    scheduled = {
        name: learner.loops.table(f"schedule of {name}", own.values).buffer
        for name, own in learner.schedules.items()
    }
    sizes = {"constants": learner.loops.table_bytes, "memory": learner.struct_bytes()}
    source = _source(learner, header, initial, scheduled)
    return (*paired(learner.prefix, _header(learner, sizes), source), sizes)


def _header(learner: Learner, sizes: dict[str, int]) -> str:
    functions = [f"{text};" for text in learner.declared().values()]
    return header_text(
        learner.prefix,
        _about(learner, sizes),
        ["#include <stdint.h>", ""],
        [*_types(learner), "", *functions],
    )


def _about(learner: Learner, sizes: dict[str, int]) -> list[str]:
    """Return the comment that says how the functions are called, and what they take."""
    arranged, prefix = learner.arranged, learner.prefix
    batch, rest = arranged.batch, arranged.rest
    fits = f"k times {batch}" + (f", or that and {rest}" if rest else "")
    data = [
        f"   {x.name}: count times {_shape(array.shape[1:])} of {STORED[x.kind]}"
        for x, (_, array) in zip(learner.data, arranged.rows, strict=True)
    ]
    given, found = learner.predict.inputs[0][2], learner.predict.outputs[0][2]
    buffers = learner.predict.buffers.values()
    stack = max(
        sum(SIZES[kind] * size for kind, size in buffers), *(step.stack for step in learner.steps)
    )
    return [
        f"/* {prefix}: a training, written by adjoint.",
        "",
        f"   {prefix}_init begins it with the first weights; a seed gives the order of the rows.",
        f"   {prefix}_epoch learns from all rows once and tells the mean loss. A batch is {batch}",
        f"   rows, so that count must be {fits}.",
        *data,
        "   order: count numbers to work with, whatever they are",
        f"   {prefix}_step learns from {batch} rows once, as they stand.",
        f"   {prefix}_predict takes one row, {_shape(given[1:])}, and gives {_shape(found[1:])}.",
        "",
        "   They return 0; or 1 if a loss is not finite, 2 if the numbers of a step are in doubt,",
        "   as after 0 times infinity, either of them if a label or an index is out of range, 3 if",
        "   after an epoch a weight is not finite, 4 if the rows do not fit. A step that failed",
        "   does not count, those before it do.",
        "",
        f"   A training takes about {sizes['memory']} bytes, as sizeof tells; you place it.",
        f"   Constants take {sizes['constants']} bytes, and arrays on the stack up to {stack}.",
        "   No heap, no library, no state elsewhere: trainings may run side by side.",
        CODE_SIZE,
        "   Compile with -ffp-contract=off for the same bits everywhere. */",
    ]


def _types(learner: Learner) -> list[str]:
    prefix, plain = learner.prefix, TYPES[learner.kind]
    told = ["may be changed", "follows its schedule"]
    return [
        "/* The parameters, and what the optimiser and the layers remember. */",
        "typedef struct {",
        *(
            f"    {plain} {m.name}[{m.size}]; /* {comment(m.path)}: {_shape(m.first.shape)} */"
            for m in learner.members
        ),
        f"}} {prefix}_numbers;",
        "",
        "typedef struct {",
        "    uint64_t seed;",
        "    int64_t epoch, steps; /* how many are complete */",
        "    int32_t turn; /* which of the two sets of numbers holds */",
        *(
            f"    {plain} {name}; /* {told[name in learner.schedules]} */"
            for name in learner.settings
        ),
        f"    {prefix}_numbers numbers[2];",
        *(f"    {STORED[kind]} work_{kind}[{size}];" for kind, size in learner.memory.items()),
        f"}} {prefix}_training;",
    ]


def _source(
    learner: Learner, header: str, initial: Sequence[str | None], scheduled: dict[str, str]
) -> str:
    functions = functions_in_c(learner, initial, scheduled)
    parts = [
        f"/* {learner.prefix}: a training, written by adjoint. */",
        f'#include "{header}"\n\n#include <float.h>\n#include <math.h>\n#include <stddef.h>\n'
        "#include <string.h>",
        GUARDS,
        *learner.loops.tables,
        *learner.loops.functions.used_by("\n".join(functions)),
        *functions,
        golden_main(learner),
    ]
    return "\n\n".join(parts) + "\n"


def _shape(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape)) or "one number"
