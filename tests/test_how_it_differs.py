"""The table of gradients on the page "How does it differ" is true, for each library installed."""

import ast
import importlib
import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

import adjoint as ad

PAGE = Path(__file__).parent.parent / "docs/explanation/how-it-differs.md"
ROW = re.compile(
    r"^\| `(?P<code>[^`]+)` \| `(?P<point>\[[^`]+\])` \|(?P<cells>.*)\|$", re.MULTILINE
)
ROWS = list(ROW.finditer(PAGE.read_text(encoding="utf-8")))
COLUMNS = ["adjoint", "autograd", "jax", "torch"]


def value_at(x, code, np):
    """Return what the code gives for x, with the NumPy of a library."""
    names = {"np": np, "x": x}
    *before, last = ast.parse(code).body
    exec(compile(ast.Module(before, []), code, "exec"), names)
    return eval(compile(ast.Expression(last.value), code, "eval"), names)


def gradient_by(library, code, point):
    if library == "adjoint":
        return ad.grad(lambda x: value_at(x, code, np))(np.array(point))
    if library == "torch":
        torch = importlib.import_module("torch")
        x = torch.tensor(point, dtype=torch.float64, requires_grad=True)
        value_at(x, code, torch).backward()
        return x.grad.numpy()
    module = importlib.import_module(library)
    if library == "jax":
        module.config.update("jax_enable_x64", True)
    own = importlib.import_module(f"{library}.numpy")
    return module.grad(lambda x: value_at(x, code, own))(own.array(point))


def outcome(library, code, point):
    """Return what the table says: the entries of the gradient, or "error"."""
    try:
        with np.errstate(all="ignore"):
            entries = np.asarray(gradient_by(library, code, point))
    except Exception:
        return "error"
    return ", ".join(f"{entry:g}".replace("nan", "NaN") for entry in entries)


@pytest.mark.parametrize("library", COLUMNS)
@pytest.mark.filterwarnings("ignore")  # what a library warns of is not in the table
def test_the_gradients_of_the_table_are_those_of_the_library(library):
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    place = COLUMNS.index(library)
    said = {row["code"]: row["cells"].split("|")[place].strip() for row in ROWS}
    found = {
        row["code"]: outcome(library, row["code"], ast.literal_eval(row["point"])) for row in ROWS
    }
    assert len(ROWS) > 8
    assert found == said
