"""A script is a derivation as a Python file: a statement and an assertion for every step."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from ...compiler.source.constants import parse
from ...compiler.source.layout import lay_out
from ...core.annotations import Array
from . import numbers as texts
from .document import Document
from .entry_paths import SHOWN, EntryPaths
from .step import PARTS, Step


def write(derivation: Document) -> str:
    """Return a derivation as a file that needs NumPy alone and exits non-zero where it errs."""
    program = derivation.program
    lines = [f'"""{derivation.title}, written by adjoint: python FILE checks every number."""', ""]
    lines += [*_preamble(program.terms.scipy), "", *program.functions.splitlines(), ""]
    lines += ["# --- given"]
    for name, array in (*derivation.inputs.items(), *program.constants.items()):
        lines += _array(name, array)
    for part, heading in PARTS.items():
        lines += ["", f"# --- {heading.lower()}"]
        for step in derivation:
            if step.part == part:
                lines += _step(step)
    if (entry := derivation.entry) is not None:
        result = program.gradient[entry.input]
        lines += ["", f"# --- {entry.heading}", *_entry(entry, result)]
    lines += ["", "# --- the engine's gradient"]
    for name, result in program.gradient.items():
        lines += _result(
            name, result, np.asarray(derivation.gradient[name]), derivation.slack(result)
        )
    return _sealed("\n".join([*lines, "", ""]))


def _sealed(script: str) -> str:
    """Return a script that ends by comparing its own text with a checksum."""
    mark = "# --- every character above counts, of comments and names too"
    return f"""{script}{mark}
if "__file__" in globals():
    with open(__file__, encoding="utf-8") as file:
        text = file.read().partition("{mark}")[0]
    assert checksum(text) == "{texts.checksum(script)}", "this file was changed"
"""


def _preamble(scipy: list[str]) -> list[str]:
    """Return the functions that make and compare texts, and imports."""
    own = inspect.getsource(texts).split('"""', 2)[2].strip()
    lines = own.splitlines()
    position = lines.index("import numpy as np") + 1
    lines[position:position] = [f"from scipy import special  # for {', '.join(scipy)}"] * bool(
        scipy
    )
    # NaN and infinities may belong to a derivation, and are compared like other numbers.
    check = 'if not __debug__:\n    raise SystemExit("assertions are off: run without -O")'
    return [*lines, "", "", *check.splitlines(), 'np.seterr(all="ignore")']


def _array(name: str, array: Array) -> list[str]:
    """Return the statement that makes an array from its text."""
    array = np.asarray(array)
    whole = array.astype(int) if array.dtype.kind == "b" else array
    entries = [repr(entry) for entry in whole.ravel().tolist()]
    rows = [" ".join(entries[start : start + 4]) for start in range(0, len(entries), 4)]
    kind = str(array.dtype)
    check = texts.checksum(f"{array.shape} {kind} {' '.join(entries)}")
    return [f'{name} = array("""', *rows, f'""", {array.shape}, "{kind}", "{check}")']


def _step(step: Step) -> list[str]:
    statement = lay_out(f"{step.name} = ", parse(step.source), indent=0)
    return [
        f"# {step.number}. {step.rule}",
        *statement,
        f'assert numbers({step.name}) == "{step.numbers}", "step {step.number}: {step.name}"',
    ]


def _entry(entry: EntryPaths, gradient: str) -> list[str]:
    """Return the statements that multiply the slopes of paths, and add up what these contribute."""
    lines: list[str] = []
    names: list[str] = []
    for number, path in enumerate(entry.paths[:SHOWN], 1):
        names.append(f"path_{number}")
        lines += [f"# {' → '.join(path.stops)}", *_array(f"slopes_{number}", np.array(path.slopes))]
        lines += _stated(names[-1], f"np.prod(slopes_{number})", path.contribution)
    if len(entry.paths) > SHOWN:
        names.append("others")
        more = np.array([path.contribution for path in entry.paths[SHOWN:]])
        lines += [*_array("contributions", more)]
        lines += _stated("others", "np.sum(contributions)", np.sum(more))
    total = entry.total
    lines += _stated("total", " + ".join(names) or "0.0", total)
    index = f"[{', '.join(map(str, entry.index))}]" if entry.index else ""
    return [*lines, f"assert agree({gradient}{index}, total, {entry.slack:.2g})"]


def _stated(name: str, source: str, value: float) -> list[str]:
    text = texts.numbers(value)
    return [f"{name} = {source}", f'assert numbers({name}) == "{text}", "{name}"']


def _result(name: str, result: str, gradient: Any, slack: float) -> list[str]:
    text = texts.numbers(gradient)
    return [
        *_array(f"engine_{name}", gradient),
        f'assert numbers(engine_{name}) == "{text}", "the engine\'s gradient by {name}"',
        f"assert agree({result}, engine_{name}, {slack:.2g})",
        f'print("the gradient by {name}:", numbers(engine_{name}))',
    ]
