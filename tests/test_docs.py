"""What the documents claim and show is run."""

import importlib.util
import operator
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from adjoint.contract import CLAUSES

import adjoint

REPOSITORY = Path(__file__).parent.parent
PACKAGE = Path(adjoint.__file__).parent
HAS_NATIVE = importlib.util.find_spec("llvmlite") is not None
# Built pages stand in folders whose names begin with an underscore.
PAGES = [
    path
    for path in sorted((REPOSITORY / "docs").rglob("*.md"))
    if not any(part.startswith("_") for part in path.relative_to(REPOSITORY).parts)
]
DOCS = [REPOSITORY / "README.md", REPOSITORY / "README.zh.md", *PAGES]
# These describe a whole feature, the others what to do for one task.
FEATURES = {"estimators", "index", "review", "why"}
HOW_TO = [
    path for path in sorted((REPOSITORY / "docs/how-to").glob("*.md")) if path.stem not in FEATURES
]
# It shows native code.
DOCS += [REPOSITORY / "src/adjoint/compiler/README.md"] * HAS_NATIVE


def blocks(text, language):
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


# What holds of every card, and what it is run with.
SUITE = ["calculus/test_contract.py", "compiler/test_card_tiers.py"]
SUITES_OWN = ["conftest.py", "cards.py", "sampled.py"]


@pytest.fixture
def worked_example(tmp_path):
    """A copy of the package, the suite and the list of what has no native code.

    With a function that appends a card, as the worked example of docs/architecture.md, and runs the
    suite on it; given its name it returns the outcome.
    """
    shutil.copytree(PACKAGE, tmp_path / "src/adjoint")
    for name in (
        "pyproject.toml",
        "docs/explanation/native.md",
        *(f"tests/{x}" for x in SUITE + SUITES_OWN),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, tmp_path / name)

    def run(card, name):
        with (tmp_path / "src/adjoint/ops/hyperbolic.py").open("a", encoding="utf-8") as file:
            file.write(card)
        tests = [f"tests/{test}" for test in SUITE]
        return subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "-n",
                "0",
                "--full",
                "-k",
                name,
                "-p",
                "no:cacheprovider",
                *tests,
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(tmp_path / "src")},
        )

    return run


def example_card():
    text = (REPOSITORY / "docs/architecture.md").read_text(encoding="utf-8")
    (card,) = [block for block in blocks(text, "python") if block.startswith("# worked example")]
    return card


def test_adding_a_primitive_with_native_code_edits_one_file(worked_example):
    run = worked_example(example_card(), "sech")
    assert run.returncode == 0, run.stdout + run.stderr
    # The clauses of the contract; both floats in all tiers, with special values too; native code.
    assert f"{len(CLAUSES) + 2 + 2 + HAS_NATIVE} passed" in run.stdout, run.stdout


@pytest.mark.skipif(not HAS_NATIVE, reason="needs llvmlite")
def test_a_card_without_native_code_fails_with_what_to_do(worked_example):
    card = re.sub(" *expand=.*\n", "", example_card())
    run = worked_example(card, "sech")
    assert run.returncode == 1, run.stdout + run.stderr
    assert "sech has no native code" in run.stdout
    assert "Say on its card what it is made of, as expand=" in run.stdout


def name_of(path):
    return str(path.relative_to(REPOSITORY))


@pytest.mark.parametrize("path", DOCS, ids=name_of)
def test_consoles_in_the_documents_print_what_they_say(path, tmp_path, monkeypatch):
    """Every ``>>>`` in a document is a doctest; the files that a page writes go elsewhere."""
    import doctest

    needs_native = ("tier: native", "reproducible=True")
    if not HAS_NATIVE and any(x in path.read_text(encoding="utf-8") for x in needs_native):
        pytest.skip("needs llvmlite")
    if "import onnxruntime" in path.read_text(encoding="utf-8"):
        pytest.importorskip("onnx")
        pytest.importorskip("onnxruntime")
    monkeypatch.chdir(tmp_path)
    found = doctest.testfile(
        str(path),
        module_relative=False,
        encoding="utf-8",
        optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS,
    )
    assert found.failed == 0
    run_programs(path.read_text(encoding="utf-8"), tmp_path)


def run_programs(text, folder):
    """Run the programs in C and JavaScript of a page; compare what they print if it says so.

    Parts of programs, and what only a worker runs, are left out.
    """
    pattern = r"```(c|js)\n(.*?)```(?:\n+```text\n(.*?)```)?"
    for number, (language, program, told) in enumerate(re.findall(pattern, text, re.DOTALL)):
        is_part = "int main(" not in program if language == "c" else "onmessage" in program
        if is_part or shutil.which({"c": "cc", "js": "node"}[language]) is None:
            continue
        source = folder / f"program_{number}.{'mjs' if language == 'js' else 'c'}"
        source.write_text(program, "utf-8")
        command = ["node", source.name]
        if language == "c":
            own = [f"{name}.c" for name in re.findall(r'#include "(\w+)\.h"', program)]
            strict = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic"]
            command = ["cc", *strict, source.name, *own, "-o", "program"]
            subprocess.run(command, cwd=folder, check=True)
            command = [str(folder / "program")]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert not told or done.stdout == told


@pytest.mark.parametrize("path", HOW_TO, ids=name_of)
def test_a_how_to_page_asks_a_question_and_ends_with_what_else_to_try(path):
    text = path.read_text(encoding="utf-8")
    assert re.match(r"# .*\?\n", text)
    assert re.findall(r"^## (.*)", text, flags=re.MULTILINE)[-1] == "If it does not work"


# A function that a reader is to write.
TO_BE_WRITTEN = {"ad.NAME", "ad.sech"}


@pytest.mark.parametrize("path", DOCS, ids=name_of)
def test_names_in_the_text_of_a_document_exist(path):
    """Those in blocks of code are run."""
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    spans = " ".join(re.findall(r"`[^`]+`", text))
    names = set(re.findall(r"(?<![\w.])ad(?:\.[A-Za-z]\w*)+", spans)) - TO_BE_WRITTEN
    for name in names:
        operator.attrgetter(name.removeprefix("ad."))(adjoint)


@pytest.mark.parametrize("path", DOCS, ids=name_of)
def test_links_lead_to_files_that_are_there_before_the_site_is_built(path):
    """Those who read on a code host follow links to files; what the build writes is not there."""
    text = re.sub("```.*?```|`[^`\n]*`", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s#:]+)(?:#[^)\s]*)?\)", text):
        place = (path.parent / target).resolve().relative_to(REPOSITORY)
        assert (REPOSITORY / place).exists(), target
        assert not place.is_relative_to("docs/reference/api"), target
        assert place != Path("docs/reference/command-line.md"), target
