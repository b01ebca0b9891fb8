"""The structure of the package: imports point downward, and nothing heavy is imported early."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import adjoint

ROOT = Path(adjoint.__file__).parent

# The rooms from the bottom up: a module imports from its own room and from those before it.
ROOMS = [
    "version",
    "extras",
    "collector",
    "elsewhere",
    "errors",
    "deferred",
    "notebook",
    "core",
    "files",
    "parallel",
    "ops",
    "special",
    "graphs",
    "data",
    "nn",
    "optim",
    "compiler",
    "calculus",
    "coverage",
    "training",
    "explanation",
    "plots",
    "network",
    "tables",
    "estimators",
    "exporting",
    "playground",
    "cli",
]
HEAVY = (
    "matplotlib",
    "scipy",
    "sklearn",
    "llvmlite",
    "pyarrow",
    "tabulate",
    "onnx",
    "onnxruntime",
    "tensorboardX",
    "tqdm",
    "click",
    "mpi4py",
    "pandas",
    "torch",
    "starlette",
    "uvicorn",
    "websockets",
    "anywidget",
)


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(ROOT.rglob("*.py"))}
# The package itself, its command and its former names hand on what stands in the rooms.
DOORS = {"", "__main__", "moved"}


def executed(node):
    """Yield all nodes of a syntax tree but those that a type checker alone reads."""
    yield node
    for_types = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    for child in node.orelse if for_types else ast.iter_child_nodes(node):
        yield from executed(child)


def imported(name):
    """Yield the adjoint modules that a module imports when it runs, wherever in its file."""
    path = MODULES[name]
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    package = [part for part in package if part]
    for node in executed(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            target = [*base, *(node.module.split(".") if node.module else [])]
            for alias in node.names:
                full = ".".join([*target, alias.name])
                yield full if full in MODULES else ".".join(target)


def room(name):
    return name.partition(".")[0]


def test_every_module_is_in_a_room():
    homeless = sorted(name for name in MODULES.keys() - DOORS if room(name) not in ROOMS)
    assert not homeless, "give their rooms a place in ROOMS"


@pytest.mark.parametrize("own", ROOMS)
def test_imports_point_downward(own):
    for name in sorted(name for name in MODULES.keys() - DOORS if room(name) == own):
        for target in imported(name):
            assert target not in DOORS, f"{name} imports the package itself"
            assert ROOMS.index(room(target)) <= ROOMS.index(own), (
                f"{name} imports {target}, whose room is not below its own"
            )


def test_no_modules_import_each_other_in_a_circle():
    sorter = TopologicalSorter({name: set(imported(name)) - {name} for name in MODULES})
    sorter.prepare()  # raises CycleError, which names the circle


def test_every_room_exists():
    assert {room(name) for name in MODULES.keys() - DOORS} == set(ROOMS)


def loaded_by(statement):
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in run.stdout.split()}


@pytest.mark.parametrize(
    "statement",
    ["import adjoint", "import adjoint.nn, adjoint.optim, adjoint.train, adjoint.plots"],
)
def test_nothing_heavier_than_numpy_is_imported(statement):
    assert not loaded_by(statement) & set(HEAVY)


def test_importing_takes_no_time_for_what_is_needed_later():
    code = "import numpy, sys; a = {*sys.modules}; import adjoint; print(*{*sys.modules} - a)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    later = {"random", "numpy.random", "hashlib", "secrets", "json", "adjoint.graphs.tracing.reach"}
    later |= {"pathlib", "base64", "html", "dataclasses", "unicodedata", "urllib.parse"}
    assert not later & set(run.stdout.split())


FIRST_FIT = """
import numpy as np, sys
a = {*sys.modules}
import adjoint as ad
model = ad.nn.MLP(2, 4, 2, rng=0)
ad.fit(model, (np.eye(2), np.arange(2)), loss="cross_entropy", epochs=2, batch_size=2, seed=0,
       optimizer=ad.optim.SGD(model.parameters(), lr=0.1), progress=False)
print(*{*sys.modules} - a)
"""


def test_a_training_reads_only_what_it_needs():
    run = subprocess.run([sys.executable, "-c", FIRST_FIT], capture_output=True, check=True)
    found = set(run.stdout.decode().split())
    later = {"json", "pathlib", "html", "tempfile", "adjoint.nn.convolution", "adjoint.nn.summary"}
    later |= {"adjoint.optim.schedules", "adjoint.training.callbacks.logs"}
    later |= {"adjoint.training.checkpoint", "adjoint.compiler.source.source"}
    assert not later & found


def test_lazy_modules_are_reachable_as_attributes():
    run = "import adjoint as ad; ad.nn.MLP, ad.optim.SGD, ad.fit, ad.check_gradients, ad.plots"
    assert "adjoint" in loaded_by(run)


def test_what_is_read_at_first_use_is_listed_before():
    run = (
        "import adjoint as ad; packages = (ad.nn, ad.optim, ad.callbacks); "
        "print(*[f'{x.__name__}.{name}' for x in packages for name in dir(x)])"
    )
    found = subprocess.run([sys.executable, "-c", run], capture_output=True, text=True, check=True)
    names = ["nn.Linear", "nn.Conv2d", "nn.pooling", "optim.Cosine", "optim.schedules"]
    names += ["training.callbacks.TensorBoard", "nn.__name__"]
    assert {f"adjoint.{name}" for name in names} <= set(found.stdout.split())
    assert "adjoint.nn.convolution" not in loaded_by(run)


def test_every_public_name_is_there():
    missing = [name for name in adjoint.__all__ if not hasattr(adjoint, name)]
    assert not missing


def test_what_notebooks_show_is_read_when_it_is_shown():
    assert "html" not in loaded_by("import adjoint")
