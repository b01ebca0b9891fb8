"""Try the lowest versions that pyproject.toml declares: `python -m tests.lowest [FILE ...]`.

An environment is made in a temporary folder, gets exactly these versions of everything that any
extra needs, and runs a sample of the tests: every plot, the command with its demo and its fit,
training, the estimators, files, native code and the core. Packages come from where pip finds them.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = [
    "tests/plots/test_plots.py",
    "tests/plots/test_displays.py",
    "tests/cli/test_cli.py",
    "tests/tables/test_tables.py",
    "tests/estimators/test_estimators.py",
    "tests/estimators/test_estimator_tools.py",
    "tests/training/test_train.py",
    "tests/training/test_callbacks.py",
    "tests/files/test_files.py",
    "tests/training/test_saving.py",
    "tests/compiler/test_compile.py",
    "tests/compiler/test_native_arrays.py",
    "tests/special/test_special.py",
    "tests/core/test_numpy.py",
    "tests/graphs/test_tensor.py",
    "tests/nn/test_nn.py",
]
# Old releases meet newer packages that they depend on, and are warned: by no fault of ours.
OTHERS_WARNINGS = ["-W", "ignore::DeprecationWarning", "-W", "ignore::PendingDeprecationWarning"]


def lowest_versions(pyproject: dict) -> list[str]:
    """Return every requirement of the package and its extras, held to its lower bound.

    Parameters
    ----------
    pyproject : dict
        What pyproject.toml says. Extras that name the package itself add nothing.

    Raises
    ------
    ValueError
        If a requirement is not written as ``name>=version``, or two of them are of one package.
    """
    project = pyproject["project"]
    extras = project["optional-dependencies"].values()
    declared = {*project["dependencies"], *(line for extra in extras for line in extra)}
    own = re.compile(rf"{re.escape(project['name'])}\[.*\]")
    bounds: dict[str, str] = {}
    for name, bound in map(_parted, sorted(line for line in declared if not own.fullmatch(line))):
        if name in bounds:
            raise ValueError(f"{name} has two lower bounds, {bounds[name]} and {bound}")
        bounds[name] = bound
    return [f"{name}=={bound}" for name, bound in bounds.items()]


def _parted(requirement):
    found = re.fullmatch(r"([\w.-]+)>=([\d.]+)", requirement)
    if found is None:
        raise ValueError(f"{requirement!r} has no lower bound; expected name>=version")
    return found.groups()


def install(folder: Path) -> str:
    """Make an environment with the lowest versions in a folder, and return its interpreter."""
    venv.create(folder, with_pip=True)
    python = str(folder / "bin" / "python")
    constraints = folder / "lowest.txt"
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    constraints.write_text("\n".join(lowest_versions(pyproject)), encoding="utf-8")
    command = ["install", "--quiet", "--editable", f"{ROOT}[dev]", "--constraint", str(constraints)]
    subprocess.run([python, "-m", "pip", *command], check=True)
    return python


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.lowest", description=__doc__)
    parser.add_argument("files", nargs="*", default=SAMPLE, help="tests to run, else a sample")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        python = install(Path(folder) / "lowest")
        tests = [python, "-m", "pytest", "-p", "no:cacheprovider", *OTHERS_WARNINGS, *chosen.files]
        return subprocess.run(tests, cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
