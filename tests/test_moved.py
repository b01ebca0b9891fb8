"""Modules that moved are found under their old names, by all the ways there are to name one."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pickle
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import adjoint
from adjoint.moved import MOVED, Finder, place

RUNS = """
    from .explain import explain
    print("ran", __name__, explain().__class__.__module__)
"""
# A package in which `house.check` became `house.room.check`, and so on.
FILES = {
    "house/__init__.py": """
        from adjoint.moved import install
        from .room.tensor import tensor
        install(__name__, {
            "house.check": "house.room.check",
            "house.tensor": "house.room.tensor",
            "house.old": "house.parts.new",
            "house.old.single": "house.room.single",
            "house.program": "house.parts.new.program",
            "house.gone": "house.room.never_there",
        })
    """,
    "house/room/__init__.py": "",
    "house/room/check.py": """
        class Checked:
            pass
        def check(): return Checked()
    """,
    "house/room/tensor.py": "def tensor(): return 1",
    "house/room/single.py": "from .check import Checked",
    "house/parts/__init__.py": "",
    "house/parts/new/__init__.py": "from .explain import explain",
    "house/parts/new/explain.py": """
        from ...room.check import check
        def explain(): return check()
    """,
    "house/parts/new/__main__.py": RUNS,
    "house/parts/new/program.py": RUNS,
}


@pytest.fixture
def house(tmp_path, monkeypatch):
    """Import the package; afterwards it is as if it had never been."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    yield importlib.import_module("house")
    for name in [*sys.modules]:
        if name.partition(".")[0] == "house":
            del sys.modules[name]


def test_an_import_by_the_old_name_gives_the_very_module(house):
    import house.check
    from house.check import Checked

    real = importlib.import_module("house.room.check")
    assert sys.modules["house.check"] is real
    assert house.check is real
    assert Checked is real.Checked


def test_the_module_keeps_its_own_name_and_origin(house):
    old = importlib.import_module("house.check")
    assert old.__name__ == old.__spec__.name == "house.room.check"
    assert old.__package__ == "house.room"
    assert type(old.__loader__) is type(importlib.import_module("house.room").__loader__)
    assert inspect.getsource(old.check).startswith("def check")
    assert importlib.reload(old) is old


def test_nothing_is_read_before_it_is_asked_for(house):
    assert "house.room.check" not in sys.modules
    importlib.util.find_spec("house.check")
    assert "house.room.check" not in sys.modules


def test_what_lies_in_a_moved_package_is_read_once(house):
    old = importlib.import_module("house.old.explain")
    real = importlib.import_module("house.parts.new.explain")
    assert old is real
    assert sys.modules["house.old"] is sys.modules["house.parts.new"]
    # The package has a function under the module's name, as its own import leaves it.
    assert sys.modules["house.parts.new"].explain is real.explain
    assert importlib.import_module("house.old.single").__name__ == "house.room.single"


def test_a_function_with_the_old_name_of_a_module_stays(house):
    from house.tensor import tensor

    assert house.tensor is tensor
    import house.tensor

    assert house.tensor is tensor
    house.tensor, house.other = 1, sys
    assert (house.tensor, house.other) == (1, sys)


def test_a_pickle_that_names_the_old_module_is_read(house):
    text = b"\x80\x04\x8c\x0bhouse.check\x8c\x07Checked\x93)\x81."
    found = pickle.loads(text)
    assert type(found) is importlib.import_module("house.room.check").Checked
    assert b"house.room.check" in pickle.dumps(found)


def test_a_specification_is_found_under_the_old_name(house):
    spec = importlib.util.find_spec("house.old")
    assert spec.origin.endswith("new/__init__.py")
    assert spec.loader.is_package("house.old")
    assert not importlib.util.find_spec("house.check").loader.is_package("house.check")
    assert "class Checked" in importlib.util.find_spec("house.check").loader.get_source("")


@pytest.mark.parametrize("name", ["house.old", "house.program"])
def test_what_moved_runs_by_its_old_name(house, tmp_path, name):
    found = subprocess.run(
        [sys.executable, "-W", "error", "-m", name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert found.stdout == "ran __main__ house.room.check\n", found.stderr


@pytest.mark.parametrize("name", ["house.gone", "house.never", "house.old.never", "housing.check"])
def test_what_is_not_there_is_pythons_error(house, name):
    assert importlib.util.find_spec(name) is None if name.startswith("house.") else True
    with pytest.raises(ModuleNotFoundError, match=name.partition(".")[0]):
        importlib.import_module(name)


def test_names_of_others_are_not_looked_up():
    class Never(dict):
        def __contains__(self, _):
            raise AssertionError

    assert Finder("house", Never()).find_spec("numpy.linalg") is None


@pytest.mark.parametrize(("old", "new"), MOVED.items())
def test_each_entry_leads_from_a_name_that_is_free_to_a_module_that_is_there(old, new):
    root = Path(adjoint.__file__).parent.parent
    before, after = (root.joinpath(*name.split(".")) for name in (old, new))
    assert not before.with_suffix(".py").exists()
    assert not (before / "__init__.py").exists()
    assert after.with_suffix(".py").exists() or (after / "__init__.py").exists()


def test_no_new_name_is_an_old_one():
    assert all(place(new, MOVED) is None for new in MOVED.values())


@pytest.mark.parametrize(
    ("package", "names"),
    [
        ("calculus", ["grad", "value_and_grad", "vjp", "jvp", "linearize"]),
        ("cli", ["main"]),
        ("core", ["PRIMITIVES", "NUMPY", "Primitive", "Value", "Node", "Spec", "as_operand"]),
        ("data", ["as_seed", "batches", "permutation", "check_xy", "as_numbers"]),
        ("files", ["Checkpoint", "load_weights", "save_weights"]),
    ],
)
def test_a_package_with_the_name_of_a_module_hands_on_what_that_offered(package, names):
    found = importlib.import_module(f"adjoint.{package}")
    assert [name for name in names if not hasattr(found, name)] == []
