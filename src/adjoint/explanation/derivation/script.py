"""A script is a derivation as a Python file: a statement and an assertion for every step."""

from __future__ import annotations

import inspect
import io
import re
import tokenize

import numpy as np

from ...compiler.source.constants import parse
from ...compiler.source.definitions import free_name
from ...compiler.source.layout import lay_out
from ...core.annotations import Array
from . import numbers as texts
from .document import Document
from .entry_paths import SHOWN, EntryPaths
from .step import PARTS, Step

# A private character marks the names that are the script's own, until they are free.
_OWN = "\ue000"
_FUNCTIONS = (
    *("hashlib", "Any", "WHOLE", "SUMMARY", "round_text", "nested", "checksum", "numbers"),
    *("array", "agree", "held", "holds"),
)
# NaN and infinities may belong to a derivation, and are compared like other numbers.
_HOLDS = '''\
if not __debug__:
    raise SystemExit("assertions are off: run without -O")
np.seterr(all="ignore")
held = []


def holds(condition, what):
    """Assert an equality, and count it."""
    assert condition, what
    held.append(what)'''


def write(derivation: Document) -> str:
    """Return a derivation as a file that needs NumPy alone and exits non-zero where it errs."""
    program = derivation.program
    lines = ["# --- given"]
    for name, array in (*derivation.inputs.items(), *program.constants.items()):
        lines += _array(name, array)
    for part in PARTS:
        lines += ["", f"# --- {part}"]
        for step in derivation:
            if step.part == part:
                lines += _step(step)
    if (entry := derivation.entry) is not None:
        result = program.gradient[entry.input]
        lines += ["", f"# --- {one_line(entry.heading)}", *_entry(entry, result)]
    lines += ["", "# --- the engine's value and gradient", *_value(derivation)]
    for name, result in program.gradient.items():
        lines += _result(derivation, name, result)
    lines.append(f'print("all", len({_OWN}held), "equalities hold")')
    lines = [*_head(derivation), *lines, "", ""]
    return _sealed(_with_free_names("\n".join(lines), derivation))


def one_line(text: str) -> str:
    """Return text that cannot end a comment or a docstring."""
    return " ".join(text.split()).replace("\\", "/").replace('"', "'").replace(_OWN, "")


def _head(derivation: Document) -> list[str]:
    program = derivation.program
    title = one_line(f"Derivation of {program.title}")
    lines = [f'"""{title}, written by adjoint: python FILE checks every number."""', ""]
    return [*lines, *_preamble(program.terms.scipy), "", *program.functions.splitlines(), ""]


def _with_free_names(script: str, derivation: Document) -> str:
    """Return a script in which its own names differ from those of the derivation."""
    taken = {*derivation.evaluator.scope, *derivation.program.gradient.values()}
    renamed = re.sub(f"{_OWN}(\\w+)", lambda found: free_name(found[1], taken), script)
    # What is imported keeps its name where it comes from.
    imported = re.compile(r"^((?:from \w+ )?import )(_+)(hashlib|Any)$", re.MULTILINE)
    return imported.sub(r"\1\3 as \2\3", renamed)


def _own(source: str) -> str:
    """Return source in which the names of the script's own functions are marked."""
    lines = source.splitlines(keepends=True)
    read = tokenize.generate_tokens(io.StringIO(source).readline)
    tokens = [token for token in read if token.type not in (tokenize.NL, tokenize.COMMENT)]
    # From the last to the first, so that the places of those before stay as they are.
    for before, token, after in reversed(list(zip(tokens, tokens[1:], tokens[2:], strict=False))):
        is_keyword = after.string == "=" and before.string in ("(", ",")
        if token.string in _FUNCTIONS and before.string != "." and not is_keyword:
            row, column = token.start
            line = lines[row - 1]
            lines[row - 1] = f"{line[:column]}{_OWN}{line[column:]}"
    return "".join(lines)


def _sealed(script: str) -> str:
    """Return a script that ends by comparing its own text with a checksum."""
    mark = "# --- every character above counts, of comments and names too"
    return f"""{script}{mark}
if "__file__" in globals():
    import hashlib

    with open(__file__, encoding="utf-8") as file:
        text = file.read().partition("{mark}")[0]
    found = hashlib.sha256(text.encode()).hexdigest()[:16]
    assert found == "{texts.checksum(script)}", "this file was changed"
"""


def _preamble(scipy: list[str]) -> list[str]:
    """Return the functions that make and compare texts, and imports."""
    own = inspect.getsource(texts).split('"""', 2)[2].strip()
    lines = own.splitlines()
    position = lines.index("import numpy as np") + 1
    lines[position:position] = [f"from scipy import special  # for {', '.join(scipy)}"] * bool(
        scipy
    )
    return _own("\n".join([*lines, "", "", *_HOLDS.splitlines()])).splitlines()


def _array(name: str, array: Array) -> list[str]:
    """Return the statement that makes an array from its text."""
    array = np.asarray(array)
    whole = array.astype(int) if array.dtype.kind == "b" else array
    entries = [repr(entry) for entry in whole.ravel().tolist()]
    rows = [" ".join(entries[start : start + 4]) for start in range(0, len(entries), 4)]
    kind = str(array.dtype)
    check = texts.checksum(f"{array.shape} {kind} {' '.join(entries)}")
    return [f'{name} = {_OWN}array("""', *rows, f'""", {array.shape}, "{kind}", "{check}")']


def _step(step: Step) -> list[str]:
    statement = lay_out(f"{step.name} = ", parse(step.source), indent=0)
    return [
        f"# {step.number}. {step.rule}",
        *statement,
        _prints(step.name, step.numbers, f"step {step.number}: {step.name}"),
    ]


def _prints(name: str, text: str, what: str) -> str:
    """Return the statement that a value is printed so."""
    return f'{_OWN}holds({_OWN}numbers({name}) == "{text}", "{what}")'


def _agrees(result: str, engine: str, slack: float, what: str) -> str:
    """Return the statement that a result is what the engine gives."""
    return f'{_OWN}holds({_OWN}agree({result}, {engine}, {slack:.2g}), "{what}")'


def _entry(entry: EntryPaths, gradient: str) -> list[str]:
    """Return the statements that multiply the slopes of paths, and add up what these contribute."""
    lines: list[str] = []
    names: list[str] = []
    for number, path in enumerate(entry.paths[:SHOWN], 1):
        names.append(f"{_OWN}path_{number}")
        lines.append(f"# {' → '.join(path.stops)}")
        lines += _array(f"{_OWN}slopes_{number}", np.array(path.slopes))
        lines += _stated(names[-1], f"np.prod({_OWN}slopes_{number})", path.contribution)
    if len(entry.paths) > SHOWN:
        names.append(f"{_OWN}others")
        more = np.array([path.contribution for path in entry.paths[SHOWN:]])
        lines += _array(f"{_OWN}contributions", more)
        lines += _stated(names[-1], f"np.sum({_OWN}contributions)", np.sum(more))
    lines.append(f"{_OWN}total = {' + '.join(names) or '0.0'}")
    index = f"[{', '.join(map(str, entry.index))}]" if entry.index else ""
    return [
        *lines,
        _prints(f"{_OWN}total", texts.numbers(entry.total), "the sum of the paths"),
        _agrees(f"{gradient}{index}", f"{_OWN}total", entry.slack, "the sum is the gradient"),
    ]


def _stated(name: str, source: str, value: float) -> list[str]:
    what = name.removeprefix(_OWN)
    return [f"{name} = {source}", _prints(name, texts.numbers(value), what)]


def _value(derivation: Document) -> list[str]:
    name = derivation.program.value
    engine = f"{_OWN}engine_value"
    return [
        *_array(engine, derivation.subject.value),
        _agrees(name, engine, derivation.slack(name), "the value"),
    ]


def _result(derivation: Document, name: str, result: str) -> list[str]:
    gradient, engine = np.asarray(derivation.gradient[name]), f"{_OWN}engine_{name}"
    text, what = texts.numbers(gradient), f"the gradient by {name}"
    return [
        *_array(engine, gradient),
        f'assert {_OWN}numbers({engine}) == "{text}", "the engine\'s {what[4:]}"',
        _agrees(result, engine, derivation.slack(result), what),
        f'print("{what}:", {_OWN}numbers({engine}))',
    ]
