"""What is missing is named with the command that installs it, read off the installed metadata."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import adjoint
from adjoint import errors, extras

REPOSITORY = Path(__file__).parent.parent
SOURCE = Path(adjoint.__file__).parent
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]


def packages_in_project(extra):
    """Return the names of an extra's packages as pyproject.toml has them, of nested extras too."""
    found = set()
    for line in PROJECT["optional-dependencies"][extra]:
        name, _, rest = line.partition("[")
        if name == extras.DISTRIBUTION:
            for part in rest.rstrip("]").split(","):
                found |= packages_in_project(part)
        else:
            found.add(line.partition(">")[0])
    return found


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Let adjoint be installed with the extras of pyproject.toml, as hatchling writes them."""
    lines = [
        f"Requires-Dist: {package.lower()}>=0; extra == '{extra}'"
        for extra in PROJECT["optional-dependencies"]
        for package in packages_in_project(extra)
    ]
    folder = tmp_path / f"{extras.DISTRIBUTION.replace('-', '_')}-9.dist-info"
    folder.mkdir()
    head = f"Metadata-Version: 2.4\nName: {extras.DISTRIBUTION}\nVersion: 9"
    text = "\n".join([head, "Requires-Dist: numpy>=2.0", *lines, ""])
    (folder / "METADATA").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)


@pytest.fixture
def absent(monkeypatch):
    """Let nothing of an extra be installed."""
    monkeypatch.setattr(extras, "_is_installed", lambda _: False)


def test_the_name_of_the_distribution_is_that_of_the_project():
    assert PROJECT["name"] == extras.DISTRIBUTION


def test_a_message_names_all_that_the_extra_lacks(installed, absent):
    assert extras.needs("native code", "llvmlite.binding", "native") == (
        "native code needs llvmlite and scipy: python -m pip install llvmlite scipy "
        "(the extra `native`)"
    )
    assert extras.needs("a scorer", "sklearn.utils", "sklearn") == (
        "a scorer needs narwhals and scikit-learn: python -m pip install narwhals scikit-learn "
        "(the extra `sklearn`)"
    )
    line = extras.needs("the command line", "click", "cli")
    assert "click, llvmlite, matplotlib" in line
    assert " and tqdm: python -m pip install click llvmlite " in line


def test_what_is_there_is_not_asked_for(installed, monkeypatch):
    monkeypatch.setattr(extras, "_is_installed", lambda name: name != "llvmlite")
    assert "needs llvmlite: python -m pip install llvmlite (" in extras.needs(
        "native code", "llvmlite", "native"
    )


def test_a_name_in_capitals_is_named_once(installed, absent):
    assert "pip install tensorboardX (" in extras.needs("it", "tensorboardX", "tensorboard")


def test_a_folder_on_the_path_names_the_module_that_is_missing(monkeypatch):
    monkeypatch.setattr(extras, "DISTRIBUTION", "adjoint-that-nobody-installed")
    assert extras.packages("native") == []
    assert extras.needs("adjoint.special", "scipy.special", "native") == (
        "adjoint.special needs scipy: python -m pip install scipy (the extra `native`)"
    )


def test_the_error_keeps_what_python_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.special", None)
    with pytest.raises(ImportError, match="python -m pip install") as caught:
        errors.require("scipy.special", extra="native", purpose="this")
    assert isinstance(caught.value.__cause__, ImportError)


def test_importing_adjoint_reads_no_metadata():
    code = "import sys, adjoint; sys.exit('importlib.metadata' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def requirements():
    """Yield where each call of `require` stands, its module and its extra."""
    for path in sorted(SOURCE.rglob("*.py")):
        text = path.read_text("utf-8")
        for call in ast.walk(ast.parse(text)) if "require(" in text else ():
            if isinstance(call, ast.Call) and getattr(call.func, "id", None) == "require":
                extra = next(word.value for word in call.keywords if word.arg == "extra")
                yield f"{path.relative_to(SOURCE)}:{call.lineno}", call.args[0], extra


@pytest.mark.parametrize(("place", "module", "extra"), [*requirements()])
def test_each_requirement_names_an_extra_and_a_module_that_belongs_to_it(place, module, extra):
    assert extras.package_of(module.value) in packages_in_project(extra.value)


def test_no_other_message_tells_what_to_install():
    texts = {
        path.relative_to(SOURCE).as_posix(): path.read_text("utf-8")
        for path in SOURCE.rglob("*.py")
    }
    assert [name for name, text in texts.items() if "pip install" in text] == ["extras.py"]
