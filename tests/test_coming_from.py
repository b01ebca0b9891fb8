"""Each row of the pages "Coming from ..." is true: both columns run, and their numbers agree.

A page has two blocks of code, the other library's and ours, that make the names which the rows use.
A row says ``—`` where we have nothing like it, and "other numbers" where both run and agree in
shape alone. The other library's column is run where it is installed.
"""

import ast
import importlib.util
import os
import re
import warnings
from pathlib import Path

import numpy as np
import pytest

import adjoint as ad

PAGES = Path(__file__).parent.parent / "docs/explanation/coming-from"
NOTHING = "—"
# Where a name of theirs would be, if we had it.
ROOMS = [ad, ad.nn, ad.nn.functional, ad.optim, ad.linalg, ad.callbacks, ad.Tensor, ad.nn.Module]
ROW = re.compile(r"^\| `(?P<theirs>[^`]+)` \| (`(?P<ours>[^`]+)`|—) \|(?P<remark>.*)\|$")
LIBRARIES = {
    "autograd": "autograd",
    "jax": "jax",
    "keras": "keras",
    "micrograd": "micrograd",
    "pytorch": "torch",
    "scikit-learn": "sklearn",
}
# float32 in PyTorch, JAX and Keras, whose rounding adds up in sums of some hundred numbers.
RTOL = 2e-5


def text_of(page):
    return (PAGES / f"{page}.md").read_text(encoding="utf-8")


def rows_of(page):
    """Return a match for each row of the tables whose first column is code."""
    lines = [line for line in text_of(page).splitlines() if line.startswith("| `")]
    found = [ROW.match(line) for line in lines]
    assert all(found), [line for line, match in zip(lines, found, strict=True) if not match]
    return found


def blocks(page):
    """Return the code that makes the names, the other library's and ours."""
    theirs, ours = re.findall(r"```python\n(.*?)```", text_of(page), flags=re.DOTALL)[:2]
    assert ours.startswith(">>>")
    return theirs, re.sub(r"^(>>>|\.\.\.) ?", "", ours, flags=re.MULTILINE)


def evaluate(code, setup):
    """Run statements after the setup, in names of their own; return the last one's value."""
    names = {}
    exec(setup, names)
    tree = ast.parse(code)
    last = tree.body.pop()
    exec(compile(tree, code, "exec"), names)
    if isinstance(last, ast.Expr):
        return eval(compile(ast.Expression(last.value), code, "eval"), names)
    exec(compile(ast.Module([last], []), code, "exec"), names)
    return None


def as_arrays(value):
    """Return the arrays that a result consists of, or None if it is something else."""
    if isinstance(value, (list, tuple)):
        parts = [as_arrays(item) for item in value]
        return None if None in parts or not parts else [x for part in parts for x in part]
    if hasattr(value, "detach"):
        value = value.detach()
    if isinstance(value, (bool, int, float)) or hasattr(value, "__array__"):
        array = np.asarray(getattr(value, "data", value) if isinstance(value, ad.Tensor) else value)
        return [array] if array.dtype.kind in "biufc" else None
    return None


def differences(page, rows):
    """Yield what is not true of each row: theirs, ours, and the two results."""
    setups = blocks(page)
    for row in rows:
        theirs, ours = (
            as_arrays(evaluate(row[name], setup))
            for name, setup in zip(("theirs", "ours"), setups, strict=True)
        )
        if theirs is None and ours is None:
            continue
        if theirs is None or ours is None or len(theirs) != len(ours):
            yield f"{row[0]}: {theirs} beside {ours}"
        elif [x.shape for x in theirs] != [x.shape for x in ours]:
            yield f"{row[0]}: shapes {[x.shape for x in theirs]}, {[x.shape for x in ours]}"
        else:
            pairs = zip(theirs, ours, strict=True)
            are_equal = all(np.allclose(x, y, rtol=RTOL, atol=1e-6) for x, y in pairs)
            if are_equal == ("other numbers" in row["remark"]):
                yield f"{row[0]}: {theirs} and {ours}"


ROWS = [(page, row) for page in LIBRARIES for row in rows_of(page)]


@pytest.mark.filterwarnings("ignore::UserWarning")  # of networks trained for an epoch
@pytest.mark.parametrize(
    ("page", "row"), ROWS, ids=[f"{page}: {row['theirs'][:40]}" for page, row in ROWS]
)
def test_our_column_of_a_row_is_code_that_runs(page, row, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if row["ours"]:
        evaluate(row["ours"], blocks(page)[1])
        return
    name = re.match(r"[\w.]+", row["theirs"])[0].rpartition(".")[2]
    assert not any(hasattr(room, name) for room in ROOMS), f"we have {name}, the page says not"


@pytest.mark.parametrize("page", LIBRARIES)
def test_their_column_gives_the_same_numbers(page, tmp_path, monkeypatch):
    if importlib.util.find_spec(LIBRARIES[page]) is None:
        pytest.skip(f"{LIBRARIES[page]} is not installed")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(os.environ, "KERAS_BACKEND", "jax")
    rows = [row for row in rows_of(page) if row["ours"]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what other libraries deprecate is not our affair
        wrong = list(differences(page, rows))
    assert not wrong, "\n".join(wrong)
