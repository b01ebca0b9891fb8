"""A training as C99: a header, and a source that learns on any device, from rows that it is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..compiler.native.formats import SIZES
from ..compiler.native.target import Target
from ..compiler.state import State
from ..core.annotations import Array
from ..graphs.recording import no_grad
from .arranged_training import ArrangedTraining, arranged_training
from .c_lanes import indented
from .c_literals import SIZES as BYTES
from .c_literals import STORED, TYPES, comment, number
from .c_loops import Loops, kind_in_c
from .c_places import Places, Variable
from .c_program import Program
from .c_source import CODE_SIZE, GUARDS, golden_rows, paired
from .c_steps import StepInC, steps_in_c
from .identifiers import identifier, identifiers
from .refusal import ExportError
from .subject import tolerance_of, without_loops
from .subjects import read_subject
from .training_task import TrainingTask

# One number at a time, each operation rounded for itself: what every compiler makes of C.
TARGET = Target(vector_bytes=1, fuses=False, has_wide_products=False)
_MEMBERS = ("seed", "epoch", "steps", "turn", "numbers", "work_f64", "work_f32", "work_i64")
_PREDICTED = 4


def training_in_c(given: TrainingTask, prefix: str, header: str) -> tuple[str, str, dict[str, int]]:
    """Return the header, the source, and their sizes in bytes.

    Raises
    ------
    ExportError
        If a part of the training has no C, or its settings follow a schedule.
    """
    with arranged_training(given, TARGET, name="C99") as arranged:
        if not given.reproducible:
            tail = arranged.tail
            arranged = replace(
                arranged,
                graph=without_loops(arranged.graph, "C99"),
                tail=None if tail is None else without_loops(tail, "C99"),
            )
        return _Writer(arranged, prefix).files(header)


@dataclass(frozen=True)
class _Member:
    """An array of the state: its name in C, its path, how many numbers it has, and its first."""

    name: str
    path: str
    first: Array


class _Writer:
    """Writes the two files of one training."""

    def __init__(self, arranged: ArrangedTraining, prefix: str) -> None:
        self.arranged, self.prefix, self.kind = arranged, prefix, arranged.kind
        paths, state = arranged.paths(), arranged.state()
        self.members = [
            _Member(*named)
            for named in zip(identifiers(paths, ["golden"]), paths, state, strict=True)
        ]
        self.settings = dict(
            zip(identifiers(arranged.settings, _MEMBERS), arranged.settings.values(), strict=True)
        )
        self.data = [_data(name, array) for name, array in arranged.rows]
        self.loops = Loops(prefix)
        self.steps, self.scans = steps_in_c(
            arranged.graph,
            arranged.form,
            tail=arranged.tail,
            target=arranged.target,
            loops=self.loops,
            state=[member.name for member in self.members],
            settings=list(self.settings),
            data=self.data,
        )
        self.memory: dict[str, int] = {}
        for step in self.steps:
            for kind, size in step.memory.items():
                self.memory[kind] = max(size, self.memory.get(kind, 0))
        self.first_predictions = self._first_predictions()
        self.predict, self.tolerance = self._prediction()
        self.golden = arranged.golden("C99")

    # --- predictions

    def _examples(self) -> Array:
        return np.asarray(self.arranged.data[0][:_PREDICTED])

    def _first_predictions(self) -> Array:
        model = self.arranged.given.task.model
        model.eval()
        with no_grad(), np.errstate(all="ignore"):
            found = [model(row[np.newaxis]) for row in self._examples()]
        if any(not hasattr(y, "data") for y in found):
            raise ExportError("C99: the model must give one array with a row for each row")
        return np.concatenate([np.asarray(y.data) for y in found])

    def _prediction(self) -> tuple[Program, float]:
        """Return the loops that predict one row, with the weights of the state."""
        arranged = self.arranged
        subject = read_subject(arranged.given.task.model, (self._examples()[:1],))
        traced = subject.trace(1)
        places = {id(tensor): place for place, _, tensor in arranged.tensors()}
        used = {parent for node in traced.graph.nodes for parent in node.parents}
        held = {}
        for n, tensor in enumerate(State(subject.function).inputs.values()):
            if id(tensor) in places and traced.graph.inputs[1 + n].node in used:
                if np.dtype(tensor.dtype) != arranged.step.dtype:
                    raise ExportError(
                        f"C99: {traced.paths[n]} of {tensor.dtype} in a training in "
                        f"{arranged.step.dtype}"
                    )
                name = f"now->{self.members[places[id(tensor)]].name}"
                held[n] = Places.whole(name, self.kind, tuple(tensor.shape))
        program = Program(
            traced.graph, traced.paths, traced.state, self.prefix, beside=self.loops, held=held
        )
        if len(program.outputs) != 1:
            raise ExportError("C99: the model must give one array with a row for each row")
        return program, tolerance_of(program.graph)

    # --- files

    def files(self, header: str) -> tuple[str, str, dict[str, int]]:
        """Return the header, the source and their sizes."""
        initial = [
            None if not np.any(member.first) else self.loops.table(f"initial {member.path}", x)
            for member in self.members
            for x in (np.asarray(member.first),)
        ]
        sizes = {"constants": self.loops.table_bytes, "memory": self._struct_bytes()}
        source = self._source(header, [None if x is None else x.buffer for x in initial])
        return (*paired(self.prefix, self._header(sizes), source), sizes)

    def _struct_bytes(self) -> int:
        """Return about what `sizeof` says of a training."""
        state = sum(member.first.size for member in self.members)
        found = 8 * 4 + SIZES[self.kind] * (2 * state + len(self.settings))
        return found + sum(BYTES[kind] * size for kind, size in self.memory.items())

    def _parameters(self) -> str:
        return ", ".join(f"const {STORED[x.kind]} *{x.name}" for x in self.data)

    def _arguments(self) -> str:
        return ", ".join(x.name for x in self.data)

    def _declared(self) -> dict[str, str]:
        """Return the functions that others call, by what they do."""
        own, plain = f"{self.prefix}_training", TYPES[self.kind]
        (given, kind, _), (y, found, _) = self.predict.inputs[0], self.predict.outputs[0]
        return {
            "init": f"void {self.prefix}_init({own} *own, uint64_t seed)",
            "epoch": f"int {self.prefix}_epoch({own} *own, {self._parameters()}, int32_t count, "
            "int32_t *order, double *loss)",
            "step": f"int {self.prefix}_step({own} *own, {self._parameters()}, {plain} *loss)",
            "predict": f"int {self.prefix}_predict(const {own} *own, const {STORED[kind]} *{given}, "
            f"{STORED[found]} *{y})",
        }

    def _header(self, sizes: dict[str, int]) -> str:
        arranged, prefix = self.arranged, self.prefix
        plain, declared = TYPES[self.kind], self._declared()
        fits = f"{arranged.batch} k" + (
            f", or {arranged.batch} k + {arranged.rest}" if arranged.rest else ""
        )
        data = [
            f"   {x.name}: count x {_sizes(a.shape[1:])} of {STORED[x.kind]}"
            for x, (_, a) in zip(self.data, arranged.rows, strict=True)
        ]
        members = [
            f"    {plain} {m.name}[{max(m.first.size, 1)}]; /* {comment(m.path)}: "
            f"{_sizes(m.first.shape)} */"
            for m in self.members
        ]
        settings = [f"    {plain} {name}; /* may be changed */" for name in self.settings]
        work = [f"    {STORED[kind]} work_{kind}[{size}];" for kind, size in self.memory.items()]
        stack = sum(BYTES[kind] * size for kind, size in self.predict.buffers.values())
        _, _, given = self.predict.inputs[0]
        _, _, found = self.predict.outputs[0]
        lines = [
            f"/* {prefix}: a training, written by adjoint.",
            "",
            f"   {prefix}_init begins it with the first weights; a seed decides the order of the rows.",
            f"   {prefix}_epoch learns from all rows once, in batches of {arranged.batch}, and tells",
            f"   the mean loss; there must be {fits} rows:",
            *data,
            "   order: count of int32_t, to work with.",
            f"   {prefix}_step learns from {arranged.batch} rows once, as they stand.",
            f"   {prefix}_predict takes one row, {_sizes(given[1:])}, and gives {_sizes(found[1:])}.",
            "",
            "   They return 0; 1 if a loss is not finite or a label is out of range, 2 if 0 was",
            "   multiplied by infinity, 3 if a weight is not finite, 4 if the rows do not fit. What",
            "   the state was before the step that failed, it is still.",
            "",
            f"   The state takes about {sizes['memory']} bytes, which are yours: sizeof tells. Constants",
            f"   take {sizes['constants']} bytes, and arrays of {prefix}_predict {stack} bytes of the stack.",
            "   No heap, no library, no state elsewhere: trainings may run side by side.",
            CODE_SIZE,
            "   Compile with -ffp-contract=off for the same bits everywhere. */",
            f"#ifndef {prefix}_H",
            f"#define {prefix}_H",
            "",
            "#include <stdint.h>",
            "",
            "#ifdef __cplusplus",
            'extern "C" {',
            "#endif",
            "",
            "/* The parameters, and what the optimiser and the layers remember. */",
            "typedef struct {",
            *members,
            f"}} {prefix}_numbers;",
            "",
            "typedef struct {",
            "    uint64_t seed;",
            "    int64_t epoch, steps; /* how many are complete */",
            "    int32_t turn; /* which of the two sets of numbers holds */",
            *settings,
            f"    {prefix}_numbers numbers[2];",
            *work,
            f"}} {prefix}_training;",
            "",
            *(f"{text};" for text in declared.values()),
            "",
            "#ifdef __cplusplus",
            "}",
            "#endif",
            "",
            "#endif",
            "",
        ]
        return "\n".join(lines)

    def _source(self, header: str, initial: Sequence[str | None]) -> str:
        steps = [self._step(step) for step in self.steps]
        shuffles = self.arranged.given.shuffle
        if shuffles:
            self.loops.functions.fixed("shuffle")
        rest = [
            _FINITE.format(prefix=self.prefix, plain=TYPES[self.kind]),
            *([_HAS_NAN.format(prefix=self.prefix, plain=TYPES[self.kind])] if self.scans else []),
            *steps,
            self._advance(),
            self._init(initial),
            self._one_step(),
            self._epoch(),
            self._predict(),
        ]
        parts = [
            f"/* {self.prefix}: a training, written by adjoint. */",
            f'#include "{header}"\n\n#include <float.h>\n#include <math.h>\n#include <stddef.h>\n'
            "#include <string.h>",
            GUARDS,
            *self.loops.tables,
            *self.loops.functions.used_by("\n".join(rest)),
            *rest,
            self._main(),
        ]
        return "\n\n".join(parts) + "\n"

    # --- functions

    def _step(self, step: StepInC) -> str:
        whole = "\n".join(step.lines)
        begin = ["const PREFIX_numbers *now = &own->numbers[own->turn];"] * ("now->" in whole)
        begin += ["PREFIX_numbers *next = &own->numbers[1 - own->turn];"]
        unread = [
            f"(void){x.name};"
            for x in self.data
            if f"{x.name}[" not in whole and f"= {x.name} + " not in whole
        ]
        head = (
            f"static int PREFIX_{step.name}_on(PREFIX_training *own, const int32_t *rows, "
            f"{self._parameters()}, {TYPES[self.kind]} *loss)"
        )
        about = f"/* Learn from {step.rows} rows of the given numbers; return whether 0 met infinity. */"
        text = _function(head, [*begin, *unread, *step.lines])
        return f"{about}\n{text}".replace("PREFIX", self.prefix)

    def _advance(self) -> str:
        lines = [
            "if (doubt) {",
            "return 2;",
            "}",
            "if (!(loss - loss == 0)) {",
            "return 1;",
            "}",
        ]
        if self.scans:
            lines = [
                *lines[3:],
                "(void)doubt;",
                "const PREFIX_numbers *next = &own->numbers[1 - own->turn];",
            ]
            for member in self.members:
                lines += [
                    f"if (PREFIX_has_nan(next->{member.name}, {member.first.size})) {{",
                    "return 2;",
                    "}",
                ]
        lines += ["own->turn = 1 - own->turn;", "own->steps++;", "return 0;"]
        head = f"static int PREFIX_accept(PREFIX_training *own, {TYPES[self.kind]} loss, int doubt)"
        text = _function(head, lines)
        return f"/* Move on to the new numbers, unless they are wrong. */\n{text}".replace(
            "PREFIX", self.prefix
        )

    def _init(self, initial: Sequence[str | None]) -> str:
        lines = ["memset(own, 0, sizeof *own);", "own->seed = seed;"]
        lines += [f"own->{name} = {number(x, self.kind)};" for name, x in self.settings.items()]
        lines += [
            f"memcpy(own->numbers[0].{member.name}, {table}, sizeof {table});"
            for member, table in zip(self.members, initial, strict=True)
            if table is not None
        ]
        return _function(self._declared()["init"], lines)

    def _one_step(self) -> str:
        lines = [
            f"const int doubt = {self.prefix}_step_on(own, NULL, {self._arguments()}, loss);",
            f"return {self.prefix}_accept(own, *loss, doubt);",
        ]
        return _function(self._declared()["step"], lines)

    def _epoch(self) -> str:
        arranged, prefix, plain = self.arranged, self.prefix, TYPES[self.kind]
        batch, rest = arranged.batch, arranged.rest
        given = self._arguments()
        fits = f"count % {batch} != 0" + (f" && count % {batch} != {rest}" if rest else "")
        whole = f"{prefix}_step_on(own, order + start, {given}, &found)"
        taken = [f"const int doubt = {whole};"]
        if rest:
            short = f"{prefix}_tail_on(own, order + start, {given}, &found)"
            taken = [
                f"const int32_t size = count - start < {batch} ? {rest} : {batch};",
                f"const int doubt = size == {batch}",
                f"    ? {whole}",
                f"    : {short};",
            ]
        order = (
            [f"{prefix}_shuffle(order, count, own->seed, (uint64_t)own->epoch);"]
            if arranged.given.shuffle
            else ["for (int32_t i = 0; i < count; i++) {", "order[i] = i;", "}"]
        )
        count = arranged.form.parameters
        finite = [
            line
            for member in self.members[:count]
            for line in (
                f"if (!{prefix}_finite(now->{member.name}, {member.first.size})) {{",
                "return 3;",
                "}",
            )
        ]
        lines = [
            "double sum = 0;",
            f"if (count < 1 || {f'({fits})' if rest else fits}) {{",
            "return 4;",
            "}",
            *order,
            f"for (int64_t start = 0; start < count; start += {batch}) {{",
            f"{plain} found;",
            *taken,
            f"const int status = {prefix}_accept(own, found, doubt);",
            "if (status) {",
            "return status;",
            "}",
            f"sum += (double)found * {'size' if rest else batch};",
            "}",
            f"const {prefix}_numbers *now = &own->numbers[own->turn];",
            *finite,
            "own->epoch++;",
            "*loss = sum / count;",
            "return 0;",
        ]
        return _function(self._declared()["epoch"], lines)

    def _predict(self) -> str:
        program = self.predict
        buffers = [f"{STORED[k]} {name}[{size}];" for name, (k, size) in program.buffers.items()]
        name, whole = program.inputs[0][0], "\n".join(program.lines)
        begin = (
            [f"const {self.prefix}_numbers *now = &own->numbers[own->turn];"]
            if "now->" in whole
            else ["(void)own;"]
        )
        begin += [] if f"{name}[" in whole else [f"(void){name};"]
        return _function(
            self._declared()["predict"], [*begin, *buffers, *program.lines, "return 0;"]
        )

    # --- the golden training

    def _main(self) -> str:
        golden, prefix, plain = self.golden, self.prefix, TYPES[self.kind]
        count, epochs = len(golden.data[0]), len(golden.losses)
        arrays = [
            _golden_array(f"golden_{x.name}", x.kind, array)
            for x, array in zip(self.data, golden.data, strict=True)
        ]
        losses = ", ".join(number(x, "f64") for x in golden.losses)
        found = self.first_predictions
        size = max(found[0].size, 1)
        each = max(int(np.prod(self.arranged.data[0].shape[1:])), 1)
        names = ", ".join(f"golden_{x.name}" for x in self.data)
        sizes = "\n".join(
            f"    digest = digest_of(digest, now->{m.name}, {m.first.size});"
            for m in self.members[: self.arranged.form.parameters]
        )
        _, result, _ = self.predict.outputs[0]
        return _MAIN.format(
            macro=prefix.upper(),
            prefix=prefix,
            plain=plain,
            word="uint64_t" if self.kind == "f64" else "uint32_t",
            data="\n".join(arrays),
            losses=losses,
            epochs=epochs,
            count=count,
            names=names,
            sizes=sizes,
            digest=f"{digest_of(golden.weights):016X}",
            seed=self.arranged.given.seed,
            predictions=_golden_array("golden_y_first", result, found),
            predicted=len(found),
            size=size,
            each=each,
            result=STORED[result],
            given=f"golden_{self.data[0].name}",
            tolerance=self.tolerance,
        )


def digest_of(weights: Array) -> int:
    """Return a number that depends on every bit of every weight, but takes -0 for 0."""
    words = np.ravel(weights + 0.0).view(np.uint64 if weights.dtype.itemsize == 8 else np.uint32)
    found = 0xCBF29CE484222325
    for word in words.tolist():
        found = (found ^ word) * 0x100000001B3 % 2**64
    return int(found)


def _data(name: str, array: Array) -> Variable:
    """Return what an array of rows is in C; labels are integers of 32 bits."""
    kind = kind_in_c(array.dtype)
    return Variable(identifier(name.lower()), "i32" if kind == "i64" and name != "X" else kind)


def _golden_array(name: str, kind: str, array: Array) -> str:
    items = ", ".join(number(item, kind) for item in np.ravel(array))
    calls, size = len(array), max(array[0].size, 1)
    flat = golden_rows(items, calls).replace("{", "").replace("}", "")
    return f"static const {STORED[kind]} {name}[{calls * size}] = {{{flat}}};"


def _sizes(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape)) or "one number"


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
_MAIN = """#ifdef {macro}_MAIN
#include <stdio.h>

{data}
static const double golden_losses[{epochs}] = {{{losses}}};
{predictions}

static uint64_t digest_of(uint64_t digest, const {plain} *x, int count) {{
    for (int i = 0; i < count; i++) {{
        const {plain} number = x[i] + 0; /* -0 becomes 0 */
        {word} bits;
        memcpy(&bits, &number, sizeof bits);
        digest = (digest ^ bits) * UINT64_C(0x100000001B3);
    }}
    return digest;
}}

int main(void) {{
    static {prefix}_training training;
    static int32_t order[{count}];
    uint64_t digest = UINT64_C(0xCBF29CE484222325);
    {prefix}_init(&training, UINT64_C({seed}));
    for (int n = 0; n < {predicted}; n++) {{
        {result} found[{size}];
        if ({prefix}_predict(&training, {given} + {each} * n, found)) {{
            printf("row %d: out of range\\n", n);
            return 1;
        }}
        for (int i = 0; i < {size}; i++) {{
            const double a = (double)found[i], b = (double)golden_y_first[{size} * n + i];
            const double d = a - b, most = {tolerance} * (1 + (b < 0 ? -b : b));
            if (!(a == b || (a != a && b != b)) && !((d < 0 ? -d : d) <= most)) {{
                printf("row %d: predicts %.17g, expected %.17g\\n", n, a, b);
                return 1;
            }}
        }}
    }}
    for (int n = 0; n < {epochs}; n++) {{
        double loss = 0;
        const int status = {prefix}_epoch(&training, {names}, {count}, order, &loss);
        if (status || loss != golden_losses[n]) {{
            printf("epoch %d: status %d, loss %.17g, expected %.17g\\n", n, status, loss,
                   golden_losses[n]);
            return 1;
        }}
    }}
    const {prefix}_numbers *now = &training.numbers[training.turn];
{sizes}
    if (digest != UINT64_C(0x{digest})) {{
        puts("the weights have other bits than expected");
        return 1;
    }}
    puts("{epochs} golden epochs, to the last bit: ok");
    return 0;
}}
#endif"""
