"""What the documents claim and show is run."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import adjoint
from adjoint.contract import CLAUSES

REPOSITORY = Path(__file__).parent.parent
PACKAGE = Path(adjoint.__file__).parent
DOCS = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]


def blocks(text, language):
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def test_adding_a_primitive_edits_one_file(tmp_path):
    """The worked example of docs/architecture.md, appended to a copy of the package."""
    text = (REPOSITORY / "docs/architecture.md").read_text(encoding="utf-8")
    (card,) = [block for block in blocks(text, "python") if block.startswith("# worked example")]
    shutil.copytree(PACKAGE, tmp_path / "adjoint")
    with (tmp_path / "adjoint/ops/exponential.py").open("a", encoding="utf-8") as file:
        file.write(card)
    program = (
        "import numpy as np, adjoint as ad\n"
        f"assert ad.__file__.startswith({str(tmp_path)!r})\n"
        "from adjoint.contract import check_primitive, clauses\n"
        "names = list(clauses(ad.gudermannian))\n"
        "for name in names: check_primitive(ad.gudermannian, name)\n"
        "x = ad.tensor(0.5, requires_grad=True); x.gudermannian().backward()\n"
        "np.testing.assert_allclose(x.grad.item(), 1 / np.cosh(0.5), rtol=1e-14)\n"
        "print(len(names))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(tmp_path)},
    )
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) == len(CLAUSES)


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_consoles_in_the_documents_print_what_they_say(path):
    """Every ``>>>`` in a document is a doctest."""
    import doctest

    found = doctest.testfile(
        str(path), module_relative=False, encoding="utf-8", optionflags=doctest.NORMALIZE_WHITESPACE
    )
    assert found.failed == 0


def test_links_to_files_lead_somewhere():
    for path in DOCS:
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"
