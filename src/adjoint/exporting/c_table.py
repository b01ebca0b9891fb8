"""The files of C of what reads the columns of a table: a row is a struct of numbers and texts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from ..core.annotations import Array
from ..tables.date_format import CENTURY
from . import c_categories, c_numbers, c_texts
from .c_lanes import indented
from .c_literals import SIZES, STORED, comment, number, string
from .c_program import Program
from .c_source import GUARDS, paired
from .c_table_header import table_header
from .c_texts import NAMES, Patterns, lower_letters, same_signs, table, wrapped
from .fields import Field
from .identifiers import identifiers
from .patterns import longest, parsed, program
from .refusal import ExportError
from .subject import Subject, tolerance_of
from .table_functions import ANY_NUMBER, SIMPLE_NUMBER

_PARTS = ("year", "month", "weekday", "hour")
# Longer names are legal, and read by nobody.
_LONGEST_NAME = 40


class CTable:
    """The source of a model of a table.

    Parameters
    ----------
    subject : Subject
        It takes the numbers of a row.
    fields : sequence of Field
    prefix : str
    target : str
        What is predicted, in a few words.

    Attributes
    ----------
    members : list of str
        What the fields are called in the struct.
    sizes : dict of str to int
        Bytes of constants and of memory for arrays.
    """

    def __init__(self, subject: Subject, fields: Sequence[Field], prefix: str, target: str) -> None:
        self.subject, self.fields, self.prefix, self.target = subject, fields, prefix, target
        self.labels = subject.labels if subject.is_classifier else ()
        traced = subject.trace(1)
        self.program = Program(traced.graph, traced.paths, traced.state, prefix)
        self.tolerance = tolerance_of(self.program.graph)
        self.patterns = Patterns(prefix)
        self.members = identifiers([field.name[:_LONGEST_NAME] for field in fields])
        for field in fields:
            _check_texts([field.name], "column")
        _check_texts(subject.labels, "class")
        memory = sum(SIZES[kind] * size for kind, size in self.program.buffers.values())
        self.sizes = {"constants": self.program.table_bytes, "memory": memory}
        self.has_numbers = any(field.by_number for field in fields)
        self.columns = [self._column(n, field) for n, field in enumerate(fields)]

    def files(
        self, header: str, texts: Mapping[str, Sequence[str | None]], expected: Array
    ) -> tuple[str, str]:
        """Return the header and the source.

        Parameters
        ----------
        texts : mapping of str to sequence of str or None
            Golden vectors: the texts of some rows by column.
        expected : (n,) or (n, classes) array
            What is predicted of them.
        """
        (_, _, shape), sizes = self.program.outputs[0], self.sizes
        size = int(np.prod(shape))
        told = "the number" if size == 1 else f"{size} numbers, {comment(self.target)},"
        if self.subject.labels:
            told = f"the probabilities of the {size} classes"
        return paired(
            self.prefix,
            table_header(self.subject, self.fields, self.members, self.prefix, told, sizes),
            self._source(header, texts, expected),
        )

    # --- the source

    def _source(
        self, header: str, texts: Mapping[str, Sequence[str | None]], expected: Array
    ) -> str:
        whole = [*self.columns, self._network(), *self._calls()]
        used = self._functions("\n".join(whole))
        parts = [
            f"/* {self.prefix}: {comment(self.subject.about)}, written by adjoint. */",
            f'#include "{header}"\n\n#include <float.h>\n#include <math.h>\n#include <stdint.h>\n'
            "#include <string.h>",
            GUARDS,
            *self.program.tables,
            *self.program.functions.used_by("\n".join(whole)),
            *used,
            *whole,
            self._main(texts, expected),
        ]
        return "\n\n".join(parts) + "\n"

    def _functions(self, text: str) -> list[str]:
        """Return the functions that read texts, and their tables, each after those it needs."""
        p, kept = self.prefix, list[str]()
        tables = self._tables()
        for name, own in reversed([*tables.items(), *self._read_functions().items()]):
            if re.search(rf"\b{p}_{name}\b", text):
                kept.append(own)
                text += own
        return kept[::-1]

    def _tables(self) -> dict[str, str]:
        p = self.prefix
        words = {word for field in self.fields for word in field.words}
        tables = {
            "spaces": table(f"{p}_spaces", c_texts.SPACES),
            "same": table(f"{p}_same", same_signs()),
            "lower": table(f"{p}_lower", lower_letters(words) or [(0, 0)]),
        }
        self.lengths = {
            "SPACE_COUNT": len(c_texts.SPACES),
            "SAME_COUNT": len(same_signs()),
            "LOWER_COUNT": len(lower_letters(words)) or 1,
        }
        return tables

    def _read_functions(self) -> dict[str, str]:
        longest_date = max(
            (longest(parsed(one)) or 0 for field in self.fields for one in field.patterns),
            default=0,
        )
        if longest_date > 250:
            raise ExportError(f"C99: a date may have {longest_date} letters; C takes 250")
        any_number = simple = ""
        if any(field.kind == "number" and not field.is_exact for field in self.fields):
            any_number = self.patterns.constant(program(parsed(ANY_NUMBER)))
        if self.has_numbers:
            simple = self.patterns.constant(program(parsed(SIMPLE_NUMBER)))
        constants = {
            **self.lengths,
            "MOST_STEPS": self.patterns.most,
            "MOST_LETTERS": longest_date,
            "PART_BYTES": 2 * len(NAMES),
            "CENTURY": CENTURY,
            "ANY_NUMBER": any_number,
            "SIMPLE_NUMBER": simple,
            "PREFIX": self.prefix,
        }
        patterns = {
            "letters": self.patterns.letters(),
            **dict(zip(self._pattern_names(), self.patterns.texts, strict=True)),
        }
        order = {**c_texts.FUNCTIONS, **c_numbers.FUNCTIONS, **c_categories.functions(bool(simple))}
        found: dict[str, str] = {}
        for name, text in order.items():
            if name == "is_among":  # the letters stand before what reads them
                found["letters"] = patterns.pop("letters")
            if name == "digits":
                found |= patterns
            for key, value in constants.items():
                text = re.sub(rf"\b{key}(?=\b|_)", str(value), text)
            found[name] = text.strip()
        return found

    def _pattern_names(self) -> list[str]:
        return [name.removeprefix(f"{self.prefix}_") for name in self.patterns.names.values()]

    def _column(self, place: int, field: Field) -> str:
        """Return the constants that say how a column is read."""
        p, name = self.prefix, f"{self.prefix}_column_{place}"
        words = self._words(f"{name}_missing", field.words)
        missing = f"{{{len(field.words)}, {name}_missing}}"
        head = f"/* {comment(field.name)}: {comment(field.about)} */"
        if field.kind == "category":
            return "\n".join(
                [head, *c_categories.constants(p, name, field, has_numbers=self.has_numbers)]
            )
        if field.kind == "date":
            patterns = [self.patterns.constant(program(parsed(one))) for one in field.patterns]
            rows = wrapped(f"&{one}" for one in patterns)
            parts = [str(_PARTS.index(part)) for part in field.parts] or ["0"]
            return (
                f"{head}\n{words}\nstatic const {p}_pattern *const {name}_patterns[] = {{\n{rows}\n"
                f"}};\nstatic const {p}_date_column {name} = {{\n    {len(patterns)}, "
                f"{name}_patterns, {missing}, {len(field.parts)}, {{{', '.join(parts)}}}\n}};"
            )
        pattern = self.patterns.constant(program(parsed(field.pattern)))
        decimal = ord(field.marks[0])
        before, after = map(string, field.units)
        if field.is_exact:
            words, missing = "", "{0, NULL}"
        return "\n".join(
            filter(
                None,
                [
                    head,
                    words,
                    f"static const {p}_number_column {name} = {{\n    &{pattern}, {missing}, "
                    f"{before}, {after}, {decimal}\n}};",
                ],
            )
        )

    def _words(self, name: str, words: Sequence[str]) -> str:
        items = wrapped(map(string, words))
        return f"static const char *const {name}[] = {{\n{items}\n}};"

    def _network(self) -> str:
        """Return the function from the numbers of a row to the results."""
        program = self.program
        declarations = [
            f"{STORED[kind]} {name}[{size}];" for name, (kind, size) in program.buffers.items()
        ]
        body = "\n".join(indented([*declarations, *program.lines, "return 0;"], 1))
        return f"static int {self.prefix}_network(const double *x, double *y) {{\n{body}\n}}"

    def _calls(self) -> list[str]:
        p, count = self.prefix, len(self.fields)
        names = wrapped(string(field.name) for field in self.fields)
        parts = [
            f"const char *const {p}_columns[{count}] = {{\n{names}\n}};",
            f"int {p}_read(const char *const texts[{count}], {p}_row *row) {{\n"
            f"    int wrong = 0;\n{self._reads()}\n    return wrong;\n}}",
            f"int {p}(const {p}_row *row, double *y) {{\n{self._encodes()}\n"
            f"    return {p}_network(x, y);\n}}",
        ]
        return parts + (self._classes() if self.labels else [])

    def _reads(self) -> str:
        lines = []
        for n, (field, member) in enumerate(zip(self.fields, self.members, strict=True)):
            if field.kind != "number":
                lines.append(f"    row->{member} = texts[{n}];")
                continue
            function = "plain_number" if field.is_exact else "number"
            call = (
                f"{self.prefix}_{function}(texts[{n}], &{self.prefix}_column_{n}, &row->{member})"
            )
            lines += [f"    if ({call} && !wrong) {{", f"        wrong = {n + 1};", "    }"]
        return "\n".join(lines)

    def _encodes(self) -> str:
        p, lines, place = self.prefix, list[str](), 0
        for n, (field, member) in enumerate(zip(self.fields, self.members, strict=True)):
            if field.kind == "number":
                lines.append(f"    x[{place}] = row->{member};")
                if field.must_be_there:
                    lines += [f"    if (x[{place}] != x[{place}]) {{", "        return 1;", "    }"]
            elif field.kind == "date":
                lines.append(f"    {p}_date(row->{member}, &{p}_column_{n}, x + {place});")
            else:
                function = "exact_category" if field.is_exact else "category"
                lines.append(f"    x[{place}] = {p}_{function}(row->{member}, &{p}_column_{n});")
            place += len(field.numbers)
        return "\n".join([f"    double x[{place}];", *lines])

    def _classes(self) -> list[str]:
        p, labels = self.prefix, self.labels
        texts = wrapped(map(string, labels))
        return [
            f"const char *const {p}_labels[{len(labels)}] = {{\n{texts}\n}};",
            f"""int {p}_predict(const {p}_row *row) {{
    double y[{len(labels)}];
    int best = 0;
    if ({p}(row, y)) {{
        return -1;
    }}
    for (int i = 1; i < {len(labels)}; i++) {{
        if (y[i] > y[best] || (y[i] != y[i] && y[best] == y[best])) {{
            best = i;
        }}
    }}
    return best;
}}""",
        ]

    def _main(self, texts: Mapping[str, Sequence[str | None]], expected: Array) -> str:
        """Return a main with the golden vectors, behind a macro."""
        p, calls, count = self.prefix, len(expected), len(self.fields)
        wanted = np.reshape(expected, (calls, -1))
        size = wanted.shape[1]
        rows = [
            "    {" + ", ".join("NULL" if t is None else string(t) for t in row) + "}"
            for row in zip(*texts.values(), strict=True)
        ]
        numbers = ["    {" + ", ".join(number(y, "f64") for y in row) + "}" for row in wanted]
        nl = ",\n"
        return f"""#ifdef {p.upper()}_MAIN
#include <stdio.h>

static const char *const golden_texts[{calls}][{count}] = {{
{nl.join(rows)}
}};
static const double golden_y[{calls}][{size}] = {{
{nl.join(numbers)}
}};

int main(void) {{
    for (int n = 0; n < {calls}; n++) {{
        {p}_row row;
        double y[{size}];
        if ({p}_read(golden_texts[n], &row) || {p}(&row, y)) {{
            printf("row %d: it is not read\\n", n);
            return 1;
        }}
        for (int i = 0; i < {size}; i++) {{
            const double a = y[i], b = golden_y[n][i], d = a - b, size = b < 0 ? -b : b;
            const int same = a == b || (a != a && b != b);
            if (!same && !((d < 0 ? -d : d) <= {self.tolerance} * (1 + size))) {{
                printf("row %d, y[%d]: %.17g, expected %.17g\\n", n, i, a, b);
                return 1;
            }}
        }}
    }}
    puts("{calls} golden vectors: ok");
    return 0;
}}
#endif"""


def _check_texts(texts: Sequence[str], what: str) -> None:
    """Refuse texts that C would end early."""
    for text in texts:
        if "\0" in text:
            raise ExportError(f"C99: the {what} {text!r:.60} holds a NUL, which ends a text of C")
