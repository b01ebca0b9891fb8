"""The file of Python: what a subject does, with NumPy alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

import numpy as np

from ..compiler.source import constants
from ..compiler.source.source import write
from ..core.annotations import Array
from .any_rows import FIRST, SECOND, for_any_rows
from .identifiers import identifier, identifiers
from .python_text import dtype_in_python, golden_array
from .refusal import ExportError
from .subject import Subject, Traced, tolerance_of

# What Python's own module of mathematics has of SciPy's special functions.
_BY_MATH = ("erf", "erfc")
_MATH = '''def {own}(x):
    """Return {name} of every entry, computed by Python's own math.{name}."""
    return np.vectorize(math.{name}, otypes=[np.asarray(x).dtype])(x)[()]
'''


def python_file(
    subject: Subject, name: str, inputs: Sequence[Array], expected: Sequence[Array]
) -> tuple[str, dict[str, int]]:
    """Return the text of the file, and its sizes in bytes.

    Raises
    ------
    ExportError
        If an operation has no source.
    """
    traced, source = _source(subject)
    inner = traced.graph.name
    body = source.partition("import numpy as np\n")[2] or "\n" + source.partition('"""\n')[2]
    body, helpers = _without_scipy(body)
    body, inner = _without_name(body, name, inner)
    taken = set(re.findall(r"[A-Za-z_]\w*", source)) | {name}
    weights = identifiers(traced.paths, taken)
    texts = [line for w, a in zip(weights, traced.state, strict=True) for line in _text(w, a)]
    if subject.reader is None:
        call = _call(subject, traced, name, inner, weights)
        test = _test(subject, name, inputs, expected, tolerance_of(traced.graph))
    else:
        call = subject.reader.call(name, inner, weights)
        test = subject.reader.test(name)
    parts = [
        f'"""{_plain(name)}: {_plain(subject.about)}, written by adjoint; it needs NumPy alone."""',
        "",
        *["import math"] * bool(helpers),
        *["import re"] * (subject.reader is not None),
        *[""] * (bool(helpers) or subject.reader is not None),
        "import numpy as np",
        *([subject.reader.text()] if subject.reader is not None else []),
        *(f"\n\n{text.rstrip()}" for text in helpers),
        body.strip("\n").join(["\n\n", "\n\n"]),
        *texts,
        "",
        *call,
        *_labels(subject),
        *test,
        "",
    ]
    sizes = {"weights": sum(a.nbytes for a in traced.state)}
    return "\n".join(parts), sizes


def _without_scipy(body: str) -> tuple[str, list[str]]:
    """Return a source without SciPy, and the functions that stand for its own."""
    found = re.search(r"^from scipy import special  # for (.*)\n", body, re.MULTILINE)
    if found is None:
        return body, []
    helpers = []
    for name in found[1].split(", "):
        if name not in _BY_MATH:
            raise ExportError(f"python: {name} needs SciPy, and the file has NumPy alone")
        # The user's function may have the same name.
        own = f"{name}_of_entries" if re.search(rf"^def {name}\(", body, re.MULTILINE) else name
        body = body.replace(f"special.{name}(", f"{own}(")
        helpers.append(_MATH.format(name=name, own=own))
    return body.replace(found[0], ""), helpers


def _without_name(body: str, name: str, inner: str) -> tuple[str, str]:
    """Return a source that defines nothing under the name that users call, and its function."""
    defined = re.findall(r"^(?:def )?(\w+)(?:\(| = )", body, re.MULTILINE)
    if name not in defined:
        return body, inner
    other = identifier(f"{name} of arrays", re.findall(r"\w+", body))
    return re.sub(rf"(?<![.\w]){name}\b", other, body), other if inner == name else inner


def _source(subject: Subject) -> tuple[Traced, str]:
    """Return a traced graph, and its source for any number of rows if there is one."""
    try:
        if subject.has_rows:
            first, second = subject.trace(FIRST), subject.trace(SECOND)
            texts = [write(one.graph, decides=True) for one in (first, second)]
            rows = identifier("row count", re.findall(r"\w+", texts[0]))
            found = for_any_rows(texts[0], texts[1], rows)
            if found is not None:
                return first, _counting(found, first.graph.arguments[0], rows)
            raise ExportError(
                "python: what it computes depends on the number of rows; export a compiled "
                "function of so many rows as you have"
            )
        traced = subject.trace()
        return traced, write(traced.graph, decides=True)
    except NotImplementedError as error:
        raise ExportError(f"python: {error}") from None


def _counting(source: str, argument: str, rows: str) -> str:
    """Return a source whose functions say what the number of rows is, where they read it."""
    lines = source.splitlines()
    tree = ast.parse(source)
    for function in reversed(tree.body):
        if not isinstance(function, ast.FunctionDef) or argument not in {
            arg.arg for arg in function.args.args
        }:
            continue
        reads = any(isinstance(n, ast.Name) and n.id == rows for n in ast.walk(function))
        first = function.body[0]
        is_text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
        if reads:
            # A heading may stand above the first statement, as a comment.
            end = first.end_lineno if is_text else function.lineno
            assert end is not None
            lines.insert(end, f"    {rows} = len({argument})")
    return "\n".join(lines)


def _text(name: str, array: Array) -> list[str]:
    found = constants.expression(array)
    if found is not None:
        return [f"{name} = {ast.unparse(found)}"]
    return constants.long_text(name, array)


def _call(subject: Subject, traced: Traced, name: str, inner: str, weights: list[str]) -> list[str]:
    """Return the function that users call."""
    given = len(subject.examples)
    names = [
        identifier(n, {name, inner, *weights}) for n in (subject.names or traced.graph.arguments)
    ][:given]
    lines = ["", f"def {name}({', '.join(names)}):"]
    what = "any number of rows" if subject.has_rows else "arrays of just these shapes"
    lines.append(f'    """Return the result for {what}."""')
    for argument, example in zip(names, subject.examples, strict=True):
        array = np.asarray(example)
        shape = array.shape[1:] if subject.has_rows else array.shape
        shown = f"(n, {', '.join(map(str, shape))})" if subject.has_rows else str(shape)
        if not isinstance(example, np.ndarray):
            continue
        lines += [
            f"    {argument} = np.asarray({argument}, np.{dtype_in_python(array)})",
            f"    if {_differs(argument, shape, has_rows=subject.has_rows)}:",
            f'        raise ValueError(f"{argument}: expected {shown}, got {{{argument}.shape}}")',
        ]
    arguments = ", ".join(names + ([f"[{', '.join(weights)}]"] if weights else []))
    return [*lines, '    with np.errstate(all="ignore"):', f"        return {inner}({arguments})"]


def _differs(argument: str, shape: tuple[int, ...], *, has_rows: bool) -> str:
    if not has_rows:
        return f"{argument}.shape != {shape!r}"
    if not shape:
        return f"{argument}.ndim != 1"
    return f"{argument}.shape[1:] != {shape!r}"


def _labels(subject: Subject) -> list[str]:
    if not (subject.labels and subject.is_classifier and subject.reader is None):
        return []
    return [
        "",
        "",
        "# The class that each column of the result is the probability of.",
        f"LABELS = {list(subject.labels)!a}",
    ]


def _test(
    subject: Subject,
    name: str,
    inputs: Sequence[Array],
    expected: Sequence[Array],
    tolerance: float,
) -> list[str]:
    """Return lines that compare the golden vectors where the file is run."""
    if not all(isinstance(x, np.ndarray) for x in subject.examples):
        inputs = [x if isinstance(x, np.ndarray) else np.asarray(x) for x in inputs]
    lines = ["", "", 'if __name__ == "__main__":']
    lines += [f"    _x{n} = {golden_array(x)}" for n, x in enumerate(inputs)]
    lines += [f"    _y{n} = {golden_array(y)}" for n, y in enumerate(expected)]
    arguments = ", ".join(
        f"_x{n}" if isinstance(e, np.ndarray) else f"_x{n}.item()"
        for n, e in enumerate(subject.examples)
    )
    return [
        *lines,
        "",
        "    def _leaves(tree):",
        "        tree = list(tree.values()) if isinstance(tree, dict) else tree",
        "        if isinstance(tree, (list, tuple)):",
        "            return [leaf for part in tree for leaf in _leaves(part)]",
        "        return [tree]",
        "",
        f"    _found = _leaves({name}({arguments}))",
        f"    _wanted = [{', '.join(f'_y{n}' for n in range(len(expected)))}]",
        "    for y, z in zip(_wanted, _found, strict=True):",
        f"        np.testing.assert_allclose(z, y, rtol={tolerance}, atol={tolerance})",
        '    print("golden vectors: ok")',
    ]


def _plain(text: str) -> str:
    """Return a text that stands in a docstring."""
    return ascii(text)[1:-1].replace('"', "'").replace("\\", "/")
