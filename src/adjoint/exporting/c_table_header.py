"""The header of C of what reads the columns of a table: the struct of a row, and the functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .c_literals import comment
from .c_source import CODE_SIZE, header_text
from .fields import Field
from .subject import Subject


def table_header(
    subject: Subject,
    fields: Sequence[Field],
    members: Sequence[str],
    prefix: str,
    result: str,
    sizes: Mapping[str, int],
) -> str:
    """Return the header.

    Parameters
    ----------
    members : sequence of str
        What the fields are called in the struct.
    result : str
        What is written, in a few words.
    sizes : mapping of str to int
        Bytes of constants and of memory.
    """
    lines = [
        f"/* {prefix}: {comment(subject.about)}, written by adjoint.",
        *(f"   class {n}: {comment(label)}" for n, label in enumerate(subject.labels)),
        f"   Its network keeps {sizes['constants']} bytes of constants, and needs "
        f"{sizes['memory']} bytes of the stack",
        "   for arrays; no heap, no library, no state: calls may run side by side.",
        CODE_SIZE,
        "   Compile with -ffp-contract=off for the same bits everywhere. */",
    ]
    declared = [*_row(fields, members, prefix), "", *_functions(subject, fields, prefix, result)]
    return header_text(prefix, lines, [], declared)


def _row(fields: Sequence[Field], members: Sequence[str], p: str) -> list[str]:
    lines = []
    for field, member in zip(fields, members, strict=True):
        kind = "double " if field.kind == "number" else "const char *"
        lines += [
            f"    /* {comment(field.name)}: {comment(field.about)}; {_when_missing(field)} */",
            f"    {kind}{member};",
        ]
    told = "/* One row. Texts are UTF-8; what stands in them is read as adjoint reads a table. */"
    return [told, "typedef struct {", *lines, f"}} {p}_row;"]


def _when_missing(field: Field) -> str:
    if field.must_be_there:
        return "it may not be missing"
    return "NAN where it is missing" if field.kind == "number" else "NULL where it is missing"


def _functions(subject: Subject, fields: Sequence[Field], p: str, result: str) -> list[str]:
    count, labels = len(fields), subject.labels
    is_needed = any(field.must_be_there for field in fields)
    returns = "0, or 1 if a number is missing that may not be" if is_needed else "0"
    refused = "is a number written in another way than the table's"
    if any(field.is_exact for field in fields):
        refused = "is no number"
    lines = [
        "/* The names of the columns, in the order of the row. */",
        f"extern const char *const {p}_columns[{count}];",
        "",
        "/* Makes a row of the texts of its columns, in that order, NULL where one is missing; the",
        "   row keeps the pointers to categories and dates. Returns 0, or the place of the first",
        f"   column, from 1, whose text {refused}. */",
        f"int {p}_read(const char *const texts[{count}], {p}_row *row);",
        "",
        f"/* Writes {result} to y. Returns {returns}. */",
        f"int {p}(const {p}_row *row, double *y);",
    ]
    if not (subject.is_classifier and labels):
        return lines
    return [
        *lines,
        "",
        f"/* The number of the most probable class; -1 where {p} does not return 0. */",
        f"int {p}_predict(const {p}_row *row);",
        f"extern const char *const {p}_labels[{len(labels)}];",
    ]
