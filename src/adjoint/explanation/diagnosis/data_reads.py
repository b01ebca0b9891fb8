"""A read of ``.data`` hands out a tensor's array, which nothing shows but the program's code."""

from __future__ import annotations

import dis
from collections.abc import Iterable, Iterator
from dataclasses import replace
from types import CodeType

from ...graphs.source_line import SourceLine
from .diagnosis import Diagnosis

# These say something about an array, and take no numbers out of it.
_DESCRIPTIONS = frozenset(("shape", "dtype", "size", "ndim", "nbytes", "flags"))


def with_reads(diagnosis: Diagnosis, codes: Iterable[CodeType]) -> Diagnosis:
    """Return the diagnosis of what was not used, at the line that reads its array if there is one.

    ``codes`` are what the person who asks runs, where variables have the names of the diagnosis.
    """
    if diagnosis.cause != "unused":
        return diagnosis
    name = diagnosis.subject.rpartition(".")[2]
    where = next((line for code in codes for line in _reads(code, name, own=True)), None)
    if where is None:
        return diagnosis
    words = (
        f"{name}.data is read here: it is a plain array, and what NumPy makes of it has no graph"
    )
    return replace(diagnosis, cause="data", where=where, explanation=words)


def _reads(code: CodeType, name: str, *, own: bool) -> Iterator[SourceLine]:
    """Yield the lines that read ``.data`` of a name, also in the functions inside of a code."""
    steps = list(dis.get_instructions(code))
    for n in range(1, len(steps)):
        before, step = steps[n - 1], steps[n]
        follows = steps[n + 1].argval if n + 1 < len(steps) else None
        if (
            step.opname == "LOAD_ATTR"
            and step.argval == "data"
            and follows not in _DESCRIPTIONS
            and _loads(before, name, own)
            and step.positions is not None
            and step.positions.lineno is not None
        ):
            yield SourceLine(code.co_filename, step.positions.lineno)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _reads(inner, name, own=False)


def _loads(step: dis.Instruction, name: str, own: bool) -> bool:
    """Return whether an instruction loads a name: in an inner function not one of its own."""
    # Two loads in one instruction have a pair of names.
    loaded = step.argval[-1] if isinstance(step.argval, tuple) else step.argval
    if loaded != name or not step.opname.startswith("LOAD_"):
        return False
    return own or not step.opname.startswith("LOAD_FAST")
