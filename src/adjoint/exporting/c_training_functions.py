"""The functions of a training in C: its beginning, its steps, whole epochs, and predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .c_lanes import indented
from .c_learner import Learner, Member
from .c_literals import STORED, TYPES, number
from .c_steps import StepInC


def functions_in_c(
    learner: Learner, initial: Sequence[str | None], scheduled: Mapping[str, str]
) -> list[str]:
    """Return the functions, each after those that it calls.

    Parameters
    ----------
    learner : Learner
    initial : sequence of str or None
        The constant arrays of the first numbers of each member; None where they are 0.
    scheduled : mapping of str to str
        Those of the schedules, by the names of the settings.
    """
    names = {"prefix": learner.prefix, "plain": TYPES[learner.kind]}
    return [
        _FINITE.format(**names),
        *([_HAS_NAN.format(**names)] if learner.scans else []),
        *(_step(learner, step, scheduled) for step in learner.steps),
        _accept(learner),
        _init(learner, initial),
        _one_step(learner),
        _epoch(learner),
        _predict(learner),
    ]


def _step(learner: Learner, step: StepInC, scheduled: Mapping[str, str]) -> str:
    prefix, whole = learner.prefix, "\n".join(step.lines)
    begin = [_now(prefix)] * ("now->" in whole)
    begin += [f"{prefix}_numbers *next = &own->numbers[1 - own->turn];"]
    for name, table in scheduled.items():
        own = learner.schedules[name]
        last, place = len(own.values) - 1, f"own->steps / {own.every}"
        begin.append(f"own->{name} = {table}[{place} < {last} ? {place} : {last}];")
    unread = [
        f"(void){x.name};"
        for x in learner.data
        if f"{x.name}[" not in whole and f"= {x.name} + " not in whole
    ]
    head = (
        f"static int {prefix}_{step.name}_on({prefix}_training *own, const int32_t *rows, "
        f"{learner.parameters()}, {TYPES[learner.kind]} *loss)"
    )
    about = f"/* Learn from {step.rows} rows of these numbers; tell whether 0 met infinity. */"
    return f"{about}\n{_function(head, [*begin, *unread, *step.lines])}"


def _accept(learner: Learner) -> str:
    prefix = learner.prefix
    lines = ["if (!(loss - loss == 0)) {", "return 1;", "}", "if (doubt) {", "return 2;", "}"]
    if learner.scans:
        lines.append(f"const {prefix}_numbers *next = &own->numbers[1 - own->turn];")
        lines += _each(learner.members, f"{prefix}_has_nan(next->", 2)
    lines += ["own->turn = 1 - own->turn;", "own->steps++;", "return 0;"]
    plain = TYPES[learner.kind]
    head = f"static int {prefix}_accept({prefix}_training *own, {plain} loss, int doubt)"
    return f"/* Move on to the new numbers, unless they are wrong. */\n{_function(head, lines)}"


def _each(members: Sequence[Member], test: str, status: int) -> list[str]:
    """Return lines that give up where a test holds of an array."""
    return [
        line
        for member in members
        for line in (f"if ({test}{member.name}, {member.size})) {{", f"return {status};", "}")
    ]


def _init(learner: Learner, initial: Sequence[str | None]) -> str:
    lines = ["memset(own, 0, sizeof *own);", "own->seed = seed;"]
    lines += [f"own->{name} = {number(x, learner.kind)};" for name, x in learner.settings.items()]
    lines += [
        f"memcpy(own->numbers[0].{member.name}, {table}, sizeof {table});"
        for member, table in zip(learner.members, initial, strict=True)
        if table is not None
    ]
    return _function(learner.declared()["init"], lines)


def _one_step(learner: Learner) -> str:
    lines = [
        f"const int doubt = {learner.prefix}_step_on(own, NULL, {learner.arguments()}, loss);",
        f"return {learner.prefix}_accept(own, *loss, doubt);",
    ]
    return _function(learner.declared()["step"], lines)


def _epoch(learner: Learner) -> str:
    arranged, prefix = learner.arranged, learner.prefix
    batch, rest = arranged.batch, arranged.rest
    given = f"(own, order + start, {learner.arguments()}, &found)"
    misfit = f"count % {batch} != 0"
    size, taken = str(batch), [f"const int doubt = {prefix}_step_on{given};"]
    if rest:
        misfit = f"({misfit} && count % {batch} != {rest})"
        size = "size"
        taken = [
            f"const int32_t size = count - start < {batch} ? {rest} : {batch};",
            f"const int doubt = size == {batch} ? {prefix}_step_on{given}",
            f"                                : {prefix}_tail_on{given};",
        ]
    finite = _each(learner.members[: arranged.form.parameters], f"!{prefix}_finite(now->", 3)
    lines = [
        "double sum = 0;",
        f"if (count < 1 || {misfit}) {{",
        "return 4;",
        "}",
        *_order(learner),
        f"for (int64_t start = 0; start < count; start += {batch}) {{",
        f"{TYPES[learner.kind]} found;",
        *taken,
        f"const int status = {prefix}_accept(own, found, doubt);",
        "if (status) {",
        "return status;",
        "}",
        f"sum += (double)found * {size};",
        "}",
        _now(prefix),
        *finite,
        "own->epoch++;",
        "*loss = sum / count;",
        "return 0;",
    ]
    return _function(learner.declared()["epoch"], lines)


def _order(learner: Learner) -> list[str]:
    """Return the lines that put the rows of an epoch in order."""
    if not learner.arranged.given.shuffle:
        return ["for (int32_t i = 0; i < count; i++) {", "order[i] = i;", "}"]
    function = learner.loops.functions.fixed("shuffle")
    return [f"{function}(order, count, own->seed, (uint64_t)own->epoch);"]


def _predict(learner: Learner) -> str:
    program = learner.predict
    name, whole = program.inputs[0][0], "\n".join(program.lines)
    lines = [_now(learner.prefix) if "now->" in whole else "(void)own;"]
    lines += [] if f"{name}[" in whole else [f"(void){name};"]
    lines += [f"{STORED[k]} {name}[{size}];" for name, (k, size) in program.buffers.items()]
    return _function(learner.declared()["predict"], [*lines, *program.lines, "return 0;"])


def _now(prefix: str) -> str:
    return f"const {prefix}_numbers *now = &own->numbers[own->turn];"


def _function(head: str, lines: Sequence[str]) -> str:
    return "\n".join([f"{head} {{", *indented(lines, 1), "}"])


_FINITE = """/* Whether all numbers are finite. */
static int {prefix}_finite(const {plain} *x, int count) {{
    int finite = 1;
    for (int i = 0; i < count; i++) {{
        finite &= x[i] - x[i] == 0;
    }}
    return finite;
}}"""
_HAS_NAN = """/* Whether one of the numbers is NaN. */
static int {prefix}_has_nan(const {plain} *x, int count) {{
    int found = 0;
    for (int i = 0; i < count; i++) {{
        found |= x[i] != x[i];
    }}
    return found;
}}"""
