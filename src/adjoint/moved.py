"""A moved module is found under its old name too: pickles of earlier versions name it so.

``import adjoint.old`` gives the very module that stands at its new place, and reads it only then.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec
from types import CodeType, ModuleType
from typing import Any

# What stood side by side in the package's root or its compiler, by the rooms where it stands today.
# Some of the old names are public: `adjoint.check`, `adjoint.datasets`.
_ROOMS = {
    "calculus": "anomaly check contract custom jacobians",
    "cli": "commands demo",
    "core": "advice axis constants kinds memory metadata philox tree views",
    "data": "datasets reshuffle row_weights stream",
    "explanation": "derivation diagnosis drawing review",
    "files": "rescue whole_file",
    "graphs": "creation graph number source_line sweep tensor "
    "compiler.archive compiler.cost compiler.listing",
    "graphs.tracing": "compiler.code_names compiler.contents compiler.effects compiler.naming "
    "compiler.reach compiler.tracer compiler.users_code",
    "nn": "files.conventions files.torch_layout files.weights",
    "ops": "linalg",
    "training": "callbacks conditions epochs history learning_rate lbfgs metrics progress saving "
    "scorers task compiler.step files.checkpoint",
}
# The old name of a module or package, and its new one. What lies in a package moves with it, unless
# it has a line of its own. No old name may be that of a module that is there today.
MOVED: dict[str, str] = {
    f"adjoint.{name}": f"adjoint.{room}.{name.rpartition('.')[2]}"
    for room, names in _ROOMS.items()
    for name in names.split()
} | {
    # Classes that stand beside their functions now, in several modules: the package shows them all.
    "adjoint.nn.activation": "adjoint.nn",
    "adjoint.nn.loss": "adjoint.nn",
    "adjoint.compiler.snapshot": "adjoint.optim.snapshot",
    "adjoint.estimators.network": "adjoint.network",
    "adjoint.tabular": "adjoint.tables",
    "adjoint.table_commands": "adjoint.cli.commands",
    "adjoint.train": "adjoint.training.fit",
}


def place(name: str, moved: Mapping[str, str]) -> str | None:
    """Return the new name of a module, or None if neither it nor a package around it was moved.

    >>> place("adjoint.old.part", {"adjoint.old": "adjoint.room.new"})
    'adjoint.room.new.part'
    """
    package, rest = name, ""
    while package:
        if package in moved:
            return moved[package] + rest
        package, dot, last = package.rpartition(".")
        rest = f"{dot}{last}{rest}"
    return None


class Finder:
    """What Python asks for modules by their old names.

    It must be asked before Python's own finder, which would read a module in a moved package a
    second time, from the package's new folder under the old name.

    Parameters
    ----------
    package : str
        Other names are not looked up.
    moved : mapping of str to str
    """

    def __init__(self, package: str, moved: Mapping[str, str]) -> None:
        self._start, self._moved = f"{package}.", moved

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return how to load a moved module; None for all others."""
        if not name.startswith(self._start):
            return None
        new = place(name, self._moved)
        if new is None:
            return None
        spec = _spec(new)
        if spec is None:
            return None
        loader: Any = _Alias(new, spec)
        alias = _Specification(name, loader, origin=spec.origin)
        alias.parent_there = spec.parent
        alias.submodule_search_locations = spec.submodule_search_locations
        return alias


def _spec(name: str) -> ModuleSpec | None:
    from importlib.util import find_spec

    return find_spec(name)


class _Specification(ModuleSpec):
    """A specification under a second name, whose module finds its neighbours at its new place.

    `python -m` runs a module's code by it, and relative imports start from its ``parent``.
    """

    parent_there: str | None = None

    @property
    def parent(self) -> str | None:
        return self.parent_there


class _Alias:
    """A loader that gives a module under a second name; importlib.abc would be a costly base."""

    def __init__(self, new: str, spec: ModuleSpec) -> None:
        self._new, self._spec = new, spec

    def create_module(self, spec: ModuleSpec) -> None:
        """Let Python make an empty module: on the one that is meant it would write the old name."""

    def exec_module(self, module: ModuleType) -> None:
        """Put the module that is meant in the place of the empty one."""
        name = module.__name__
        meant = importlib.import_module(self._new)
        sys.modules[name] = meant
        package, _, own = name.rpartition(".")
        if not isinstance(vars(sys.modules[package]).get(own, meant), ModuleType):
            _keep(sys.modules[package], own)

    # --- what `python -m` and `inspect` ask of a loader

    def get_code(self, name: str) -> CodeType | None:
        """Return the module's code."""
        code: CodeType | None = self._ask("get_code")
        return code

    def get_source(self, name: str) -> str | None:
        """Return the module's source."""
        source: str | None = self._ask("get_source")
        return source

    def is_package(self, name: str) -> bool:
        """Return whether the module is a package."""
        return self._spec.submodule_search_locations is not None

    def _ask(self, method: str) -> Any:
        return getattr(self._spec.loader, method)(self._new)


# Full names of what a package has under the old name of a module.
_kept: set[str] = set()


class _Keeping(ModuleType):
    """A package that has a function under the old name of a module, and keeps it.

    After an import Python makes the module an attribute of its package, whatever stood there. But
    `adjoint.tensor` is a function, and its module had that name too.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if not (isinstance(value, ModuleType) and f"{self.__name__}.{name}" in _kept):
            super().__setattr__(name, value)


def _keep(package: ModuleType, name: str) -> None:
    """Let a package keep what it has under a name when Python puts a module there."""
    _kept.add(f"{package.__name__}.{name}")
    # Python finds attributes of such a package a little slower, so this waits until it is needed.
    package.__class__ = _Keeping


def install(package: str, moved: Mapping[str, str]) -> None:
    """Let a package's modules be found under their old names, from now on."""
    sys.meta_path.insert(0, Finder(package, moved))
