"""The names in code: what functions can look up besides their local variables."""

from __future__ import annotations

import dis
from collections.abc import Iterable, Iterator
from functools import lru_cache, partialmethod
from importlib.util import resolve_name
from types import CodeType
from typing import Any, NamedTuple

# Code that calls one of these can read attributes whose names are not in it.
_ASKS_FOR_ANY = frozenset(
    {
        *("__dict__", "__getattribute__", "asdict", "astuple", "attrgetter", "delattr", "eval"),
        *("exec", "getattr", "getmembers", "hasattr", "setattr", "vars"),
    }
)

_OF_VARIABLES = frozenset(
    {"DELETE_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS", "LOAD_GLOBAL", "LOAD_NAME", "STORE_GLOBAL"}
)
# Code that calls one of these can tell a traced value from an array.
_ASKS_FOR_TYPES = frozenset(
    {"__class__", "callable", "id", "isinstance", "issubclass", "singledispatch", "type"}
)


class CodeNames(NamedTuple):
    """The names in one code object and those that are nested in it."""

    variables: tuple[str, ...]
    attributes: frozenset[str]
    imports: tuple[tuple[str, int], ...]
    catches: bool


class NamesInCode:
    """The names of attributes in some code, as it is met.

    Attributes
    ----------
    all : bool
        Whether any attribute may be read, by a name that is made at run time.
    ask_for_types : bool
        Whether the code can tell a traced value from an array, by its type or by an error.
    """

    def __init__(self) -> None:
        self._names: dict[str, None] = {}
        self.all = self.ask_for_types = False

    @property
    def count(self) -> int:
        """Number of names that are known."""
        return len(self._names) + self.all

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._names))

    def among(self, attributes: Iterable[str]) -> list[str]:
        """Return the attributes among some that the code may read."""
        return [name for name in attributes if self.all or name in self._names]

    def add(self, code: CodeType) -> None:
        """Add the names in a function's code."""
        found = names_in(code)
        self._names.update(dict.fromkeys(sorted(found.attributes)))
        names = found.attributes.union(found.variables)
        self.all = self.all or not _ASKS_FOR_ANY.isdisjoint(names)
        asks = found.catches or not _ASKS_FOR_TYPES.isdisjoint(names)
        self.ask_for_types = self.ask_for_types or asks

    def add_name(self, name: object) -> None:
        """Add the name of a variable or attribute, or all parts of a path like ``a.b``."""
        self.all = self.all or name in _ASKS_FOR_ANY
        if isinstance(name, str):
            self._names.update(dict.fromkeys(name.split(".")))

    def add_called(self, kind: type, *, unseen: bool) -> None:
        """Add the methods of a class that are called without their names, or all its names.

        Operators call methods like ``__add__``; code that is not followed may call any.
        """
        for name, found in vars(kind).items():
            # `__new__` is a static method, `__init_subclass__` one of the class.
            called = callable(found) or isinstance(found, (classmethod, partialmethod))
            if unseen or (name.startswith("__") and called):
                self.add_name(name)


@lru_cache(maxsize=4096)
def names_in(code: CodeType) -> CodeNames:
    """Return the names in a code object and those that are nested in it."""
    variables: dict[str, None] = {}
    imports: dict[tuple[str, int], None] = {}
    level, catches = 0, False
    for instruction in dis.get_instructions(code):
        name, operation = instruction.argval, instruction.opname
        if operation in _OF_VARIABLES:
            variables[name] = None
        elif operation == "IMPORT_NAME":
            imports[name, level] = None
        elif operation == "PUSH_EXC_INFO":
            catches = True
        elif operation in ("LOAD_CONST", "LOAD_SMALL_INT"):
            # The number before the names of an import says how many packages above it stands.
            level = name if isinstance(name, int) and name else level if name else 0
    attributes = set(code.co_names) - variables.keys()
    for nested in filter(_is_code, code.co_consts):
        inner = names_in(nested)
        variables |= dict.fromkeys(inner.variables)
        imports |= dict.fromkeys(inner.imports)
        attributes |= inner.attributes
        catches = catches or inner.catches
    return CodeNames(tuple(variables), frozenset(attributes), tuple(imports), catches)


def imported_by(code: CodeType, scope: dict[str, Any]) -> Iterator[str]:
    """Yield the full names of the modules that code imports when it runs."""
    for name, level in names_in(code).imports:
        try:
            yield resolve_name("." * level + name, scope.get("__package__") or "")
        except (ImportError, ValueError):
            continue


def _is_code(constant: object) -> bool:
    return isinstance(constant, CodeType)
