"""The files of C: a header, and a source that includes it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import numpy as np

from ..core.annotations import Array
from .c_lanes import indented
from .c_literals import SIZES, STORED, TYPES, comment, number, string
from .c_program import Program
from .subject import Subject, tolerance_of

# Stands in the header until a compiler has said it.
CODE_SIZE = "   The size of its code was not measured, as nothing here could tell."
GUARDS = """#if defined(__FAST_MATH__)
#error "-ffast-math changes the results; compile without it"
#endif
#if FLT_EVAL_METHOD == 2
#error "numbers would be rounded twice; compile with -msse2 -mfpmath=sse"
#endif
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#endif"""


def c_files(
    subject: Subject, prefix: str, header: str, inputs: Sequence[Array], expected: Sequence[Array]
) -> tuple[str, str, dict[str, int]]:
    """Return the header, the source, and their sizes in bytes.

    Parameters
    ----------
    inputs, expected : sequence of array
        Golden vectors: calls of the function, one along the first axis of each, and their results.
    """
    traced = subject.trace(1 if subject.has_rows else None)
    program = Program(traced.graph, traced.paths, traced.state, prefix)
    memory = sum(SIZES[kind] * size for kind, size in program.buffers.values())
    sizes = {"constants": program.table_bytes, "memory": memory}
    declared = _declaration(program, prefix)
    return (
        *paired(
            prefix,
            _header(subject, program, prefix, declared, sizes),
            _source(subject, program, prefix, header, declared, inputs, expected),
        ),
        sizes,
    )


def paired(prefix: str, header: str, source: str) -> tuple[str, str]:
    """Return both with a digest of them: a header of another export has no place before a source.

    The names of the arguments may be the same where their sizes are not.
    """
    digest = hashlib.sha256((header + source).encode()).hexdigest()
    pair, guard = f"{prefix}_PAIR", f"#define {prefix}_H\n"
    mark, unequal = f"#define {pair} 0x{digest[:8]}\n", f"#if {pair} != 0x{digest[:8]}\n"
    error = '#error "the header was written with another file; export both anew"\n#endif\n'
    return (
        header.replace(guard, guard + mark, 1),
        source.replace(GUARDS, unequal + error + GUARDS, 1),
    )


def code_bytes(objects: str) -> int:
    """Return the bytes of code that `size -A` tells of an object file."""
    return sum(int(n) for n in re.findall(r"^\.text\S*\s+(\d+)", objects, re.MULTILINE))


def _declaration(program: Program, prefix: str) -> str:
    parameters = [f"const {STORED[kind]} *{name}" for name, kind, _ in program.inputs]
    parameters += [f"{STORED[kind]} *{name}" for name, kind, _ in program.outputs]
    return f"int {prefix}({', '.join(parameters)})"


def _header(
    subject: Subject, program: Program, prefix: str, declared: str, sizes: dict[str, int]
) -> str:
    arrays = [
        f"   {name}: {' x '.join(map(str, shape)) or 'one number'} of {STORED[kind]}"
        for name, kind, shape in (*program.inputs, *program.outputs)
    ]
    labels = [f"   class {n}: {comment(label)}" for n, label in enumerate(subject.labels)]
    lines = [
        f"/* {prefix}: {comment(subject.about)}, written by adjoint.",
        *arrays,
        *labels,
        "   Returns 0, or 1 if an index or a label is out of range; y is not to be read then.",
        f"   It keeps {sizes['constants']} bytes of constants and needs {sizes['memory']} bytes of",
        "   the stack for arrays; no heap, no library, no state: calls may run side by side.",
        CODE_SIZE,
        "   Compile with -ffp-contract=off for the same bits everywhere. */",
    ]
    functions = [f"{declared};"]
    if subject.is_classifier and subject.labels:
        functions += [
            "",
            f"/* The number of the most probable class; -1 where {prefix} does not return 0. */",
            f"int {prefix}_predict(const {STORED[program.inputs[0][1]]} *x);",
            f"extern const char *const {prefix}_labels[{len(subject.labels)}];",
        ]
    return header_text(prefix, lines, ["#include <stdint.h>", ""], functions)


def header_text(
    prefix: str, about: Sequence[str], included: Sequence[str], declared: Sequence[str]
) -> str:
    """Return a header that may be included twice, and from C++."""
    guard = f"{prefix}_H"  # as it is: NET and net may meet in one program
    lines = [*about, f"#ifndef {guard}", f"#define {guard}", "", *included]
    lines += ["#ifdef __cplusplus", 'extern "C" {', "#endif", "", *declared, ""]
    return "\n".join([*lines, "#ifdef __cplusplus", "}", "#endif", "", "#endif", ""])


def _source(
    subject: Subject,
    program: Program,
    prefix: str,
    header: str,
    declared: str,
    inputs: Sequence[Array],
    expected: Sequence[Array],
) -> str:
    declarations = [
        f"{STORED[kind]} {name}[{size}];" for name, (kind, size) in program.buffers.items()
    ]
    whole = "\n".join(program.lines)
    unread = [f"(void){n};" for n, _, _ in program.inputs if not re.search(rf"\b{n}\[", whole)]
    body = "\n".join(indented([*declarations, *unread, *program.lines, "return 0;"], 1))
    parts = [
        f"/* {prefix}: {comment(subject.about)}, written by adjoint. */",
        f'#include "{header}"\n\n#include <float.h>\n#include <math.h>\n#include <string.h>',
        GUARDS,
        *program.tables,
        *program.functions.used_by(body),
        f"{declared} {{\n{body}\n}}",
    ]
    if subject.is_classifier and subject.labels:
        parts += _classes(subject, program, prefix)
    parts += [_main(program, prefix, inputs, expected)]
    return "\n\n".join(parts) + "\n"


def _classes(subject: Subject, program: Program, prefix: str) -> list[str]:
    count, (_, given, _), (_, kind, _) = len(subject.labels), program.inputs[0], program.outputs[0]
    texts = ",\n".join(f"    {string(label)}" for label in subject.labels)
    return [
        f"const char *const {prefix}_labels[{count}] = {{\n{texts}\n}};",
        f"""int {prefix}_predict(const {STORED[given]} *x) {{
    {TYPES[kind]} y[{count}];
    int best = 0;
    if ({prefix}(x, y)) {{
        return -1;
    }}
    for (int i = 1; i < {count}; i++) {{
        if (y[i] > y[best] || (y[i] != y[i] && y[best] == y[best])) {{
            best = i;
        }}
    }}
    return best;
}}""",
    ]


def _main(program: Program, prefix: str, inputs: Sequence[Array], expected: Sequence[Array]) -> str:
    """Return a main with the golden vectors, behind a macro."""
    calls, tolerance = len(expected[0]), tolerance_of(program.graph)
    parts = [f"#ifdef {prefix.upper()}_MAIN\n#include <stdio.h>\n"]
    given = [*zip(program.inputs, inputs, strict=True)]
    wanted = [*zip(program.outputs, expected, strict=True)]
    for (name, kind, shape), array in (*given, *wanted):
        size = max(int(np.prod(shape)), 1)
        items = ", ".join(number(item, kind) for item in np.ravel(array))
        parts.append(
            f"static const {STORED[kind]} golden_{name}[{calls}][{size}] = "
            f"{{{golden_rows(items, calls)}}};"
        )
    own = [
        f"    {STORED[kind]} {name}[{max(int(np.prod(s)), 1)}];" for (name, kind, s), _ in wanted
    ]
    arguments = [f"golden_{name}[n]" for (name, _, _), _ in given] + [n for (n, _, _), _ in wanted]
    checks = []
    for (name, _, shape), _ in wanted:
        size = max(int(np.prod(shape)), 1)
        checks.append(f"""        for (int i = 0; i < {size}; i++) {{
            const double a = (double){name}[i], b = (double)golden_{name}[n][i];
            const double d = a - b, size = b < 0 ? -b : b;
            const int same = a == b || (a != a && b != b);
            if (!same && !((d < 0 ? -d : d) <= {tolerance} * (1 + size))) {{
                printf("row %d, {name}[%d]: %.17g, expected %.17g\\n", n, i, a, b);
                return 1;
            }}
        }}""")
    nl = "\n"
    parts.append(f"""
int main(void) {{
{nl.join(own)}
    for (int n = 0; n < {calls}; n++) {{
        if ({prefix}({", ".join(arguments)})) {{
            printf("row %d: out of range\\n", n);
            return 1;
        }}
{nl.join(checks)}
    }}
    puts("{calls} golden vectors: ok");
    return 0;
}}
#endif""")
    return "\n".join(parts)


def golden_rows(items: str, calls: int) -> str:
    """Return the numbers of so many calls as lines of C, one for each."""
    numbers = items.split(", ")
    size = len(numbers) // calls
    rows = ["    {" + ", ".join(numbers[n * size : (n + 1) * size]) + "}" for n in range(calls)]
    return "\n" + ",\n".join(rows) + "\n"
