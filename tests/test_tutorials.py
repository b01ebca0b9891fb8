"""The tutorials run from the first cell to the last, and say the same in both languages."""

import ast
import importlib
import itertools
import re
import shlex
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
CHINESE = REPOSITORY / "docs/zh/tutorials"
# A cell with this option, and what follows it on its page, runs only when all is asked for.
SLOW = ":tags: [slow]"
SHOWN_AS = ("_repr_html_", "_repr_svg_", "__repr__")
NEEDED = ("click", "llvmlite", "matplotlib", "pandas", "pyarrow", "safetensors", "scipy", "sklearn")


def notebooks(folder):
    return sorted(set(folder.glob("*.md")) - {folder / "index.md"})


ENGLISH = notebooks(REPOSITORY / "docs/tutorials")


def code_cells(path):
    """Return the code of each cell of a MyST notebook, under the cell's own options."""
    text = path.read_text(encoding="utf-8")
    return re.findall(r"^```\{code-cell\} ipython3\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def without_options(cell):
    return re.sub(r"\A(:\w+:.*\n)+\n?", "", cell)


def quick_cells(cells):
    """Return the cells before the first slow one, which train for two epochs where they fit."""
    quick = itertools.takewhile(lambda cell: not cell.startswith(SLOW), cells)
    return [re.sub(r"^!adjoint fit .*", r"\g<0> --epochs 2", cell, flags=re.M) for cell in quick]


def run_shell(line):
    """Run ``adjoint …`` in this process; 1 is the verdict of ``check`` that something is wrong."""
    program, *arguments = shlex.split(line)
    assert program == "adjoint", f"a tutorial may run adjoint alone, not {line!r}"
    status = importlib.import_module("adjoint.cli").main(arguments)
    assert status == 0 or (arguments[0] == "check" and status == 1), f"{line}: status {status}"


def run_python(cell, names, where):
    """Run a cell as a notebook does, the value of its last expression shown."""
    module = ast.parse(cell, filename=where)
    last = module.body.pop() if isinstance(module.body[-1], ast.Expr) else None
    exec(compile(module, where, "exec"), names)
    if last is None:
        return
    value = eval(compile(ast.Expression(last.value), where, "eval"), names)
    assert any(getattr(value, form, lambda: None)() for form in SHOWN_AS)


def run_cell(cell, names, where):
    """Run a cell of Python, of shell lines, or one that is a file to write."""
    if cell.startswith("%%writefile "):
        first, _, body = cell.partition("\n")
        Path(first.split()[1]).write_text(body, encoding="utf-8")
    elif cell.startswith("!"):
        for line in cell.splitlines():
            run_shell(line.removeprefix("!"))
    else:
        run_python(cell, names, where)


def run(cells, page):
    """Run cells in order, in one fresh namespace and in the folder that is current."""
    names = {"__name__": "__main__"}
    for number, cell in enumerate(cells, start=1):
        run_cell(without_options(cell), names, f"{page}, cell {number}")


def is_text(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


class WithoutTexts(ast.NodeTransformer):
    """Puts the same word for every text, so that programs differ in nothing but their code.

    ``lang="zh"``, which asks for a text in Chinese, is left out.
    """

    def visit_Call(self, node):
        node.keywords = [keyword for keyword in node.keywords if keyword.arg != "lang"]
        return self.generic_visit(node)

    def visit_Constant(self, node):
        return ast.Constant("text") if is_text(node) else node

    def visit_JoinedStr(self, node):
        values = [self.visit(part) for part in node.values if not is_text(part)]
        return ast.JoinedStr(values)


def skeleton(cell):
    """Return what must be equal in two languages: Python without its texts, all else as it is."""
    code = without_options(cell)
    first, _, body = code.partition("\n")
    if first.startswith("%%writefile ") and first.endswith(".py"):
        return first, skeleton(body)
    if first.startswith(("%%", "!")):
        return cell
    options = cell.removesuffix(code)
    return options, ast.dump(WithoutTexts().visit(ast.parse(code)))


def headings(path):
    """Return the depth of each heading of a page, in order."""
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.M)
    return [len(marks) for marks in re.findall(r"^(#+) ", text, re.MULTILINE)]


@pytest.fixture
def in_an_empty_folder(tmp_path, monkeypatch):
    for name in NEEDED:
        pytest.importorskip(name)
    matplotlib = importlib.import_module("matplotlib")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TQDM_DISABLE", "1")  # a page sets it, and it would stay
    matplotlib.use("agg")
    yield
    importlib.import_module("matplotlib.pyplot").close("all")


@pytest.mark.parametrize("path", ENGLISH, ids=lambda path: path.stem)
def test_cells_run_in_order_and_warn_of_nothing(path, in_an_empty_folder, full):
    cells = code_cells(path)
    run(cells if full else quick_cells(cells), path.name)


@pytest.mark.parametrize("path", ENGLISH, ids=lambda path: path.stem)
def test_the_chinese_page_runs_too(path, in_an_empty_folder, full):
    if not full:
        pytest.skip("its code is the English page's, as the next test says; --full runs it")
    run(code_cells(CHINESE / path.name), f"Chinese {path.name}")


@pytest.mark.parametrize("path", ENGLISH, ids=lambda path: path.stem)
def test_both_languages_have_the_same_code_but_for_texts_and_comments(path):
    english, chinese = code_cells(path), code_cells(CHINESE / path.name)
    assert [*map(skeleton, english)] == [*map(skeleton, chinese)]
    assert headings(path) == headings(CHINESE / path.name)


def test_there_are_tutorials_in_both_languages():
    assert [path.name for path in ENGLISH] == [path.name for path in notebooks(CHINESE)]
    assert len(ENGLISH) >= 3


def test_the_table_of_the_examples_is_what_the_tutorial_writes(in_an_empty_folder):
    run(code_cells(REPOSITORY / "docs/tutorials/own-table.md")[:1], "own-table.md")
    written = sorted(Path().glob("*.csv"))
    assert [path.name for path in written] == ["rents.csv", "rents_later.csv"]
    for path in written:
        assert path.read_bytes() == (REPOSITORY / "examples" / path.name).read_bytes()
