"""Leaves out of a failing program what the failure does not need."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .program import Program


def shrunk(program: Program, fails: Callable[[Program], bool]) -> Program:
    """Return a smaller program that fails, too."""
    smaller: Program | None = program
    while smaller is not None:
        program = smaller
        smaller = next((p for p in _smaller(program) if _still(p, fails)), None)
    return program


def _still(program: Program, fails: Callable[[Program], bool]) -> bool:
    try:
        return fails(program)
    except Exception:  # it is no valid program any more
        return False


def _smaller(program: Program) -> Iterator[Program]:
    for name in program.results if len(program.results) > 1 else ():
        yield program.but(results=(name,))
    for part in ("lines", "between", "captured"):
        for n in range(len(getattr(program, part)))[::-1]:
            yield program.but(**{part: _without(getattr(program, part), n)})
    for n, line in enumerate(program.lines):
        for shorter in _simpler(line):
            yield program.but(lines=(*program.lines[:n], shorter, *program.lines[n + 1 :]))


def _simpler(line: str) -> Iterator[str]:
    """Yield a line whose right side is only one of its operands."""
    name, is_, value = line.partition(" = ")
    if not is_ or "\n" in line or " " not in value:
        return
    for operand in value.replace("(", " ").replace(")", " ").replace(",", " ").split():
        if operand.isidentifier() or operand in ("x", "y"):
            yield f"{name} = {operand}"


def _without(parts: tuple[str, ...], n: int) -> tuple[str, ...]:
    return (*parts[:n], *parts[n + 1 :])
