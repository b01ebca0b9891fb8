"""The reference is written from the docstrings: a page for each noun, with all its public names.

Where a name goes follows from the module that defines it, so that a new one needs no line here
unless its module is new; the build warns of a name that no page shows.
"""

from __future__ import annotations

import importlib
import inspect
from dataclasses import dataclass
from pathlib import Path
from types import GenericAlias, ModuleType
from typing import TYPE_CHECKING, Any

import adjoint
from reference_pages import PAGES, Page, Section

if TYPE_CHECKING:
    from sphinx.application import Sphinx

FOLDER = "reference/api"
_PACKAGE = Path(adjoint.__file__).parent
# Their docstrings are those of dict and Callable, or a page of its own shows what they hold.
_WITHOUT = (ModuleType, dict, GenericAlias)


@dataclass(frozen=True)
class Name:
    """A public name, where it is offered and where it is defined."""

    offered: str
    name: str
    item: Any

    @property
    def defined(self) -> str:
        """Return the module that defines it, within the package."""
        module = getattr(self.item, "__module__", None) or self.offered
        return module.removeprefix("adjoint.")

    def directive(self) -> str:
        """Return what makes autodoc show it."""
        kind = "class" if inspect.isclass(self.item) else "function"
        kind = "exception" if _is_error(self.item) else kind
        members = "   :members:\n" if kind == "class" else ""
        return f".. auto{kind}:: {self.offered}.{self.name}\n{members}"

    def missing(self) -> str:
        """Return what to do where no page shows it."""
        return (
            f"no page of the reference shows {self.offered}.{self.name}, of adjoint.{self.defined};"
            " docs/_ext/reference_pages.py says which modules go where"
        )


def _is_error(item: object) -> bool:
    return inspect.isclass(item) and issubclass(item, BaseException)


def names(offered: str) -> list[Name]:
    """Return the public names of a module that have a docstring of their own."""
    module = importlib.import_module(offered)
    public = getattr(module, "__all__", None) or _own(module)
    found = [Name(offered, name, getattr(module, name)) for name in public]
    return [each for each in found if not isinstance(each.item, _WITHOUT)]


def _own(module: ModuleType) -> list[str]:
    """Return what a module without a list of names defines or, if nothing, what it gathers."""
    ours = {
        name: item.__module__
        for name, item in vars(module).items()
        if not name.startswith("_") and getattr(item, "__module__", "").startswith("adjoint.")
    }
    return [name for name, place in ours.items() if place == module.__name__] or list(ours)


def _is_within(module: str, places: tuple[str, ...]) -> bool:
    return any(module == place or module.startswith(f"{place}.") for place in places)


def _shown(section: Section, page: Page, left: dict[str, list[Name]]) -> list[Name]:
    """Take the names of a section from those that are left."""
    offered = left[page.offered]
    found = [
        each for each in offered if not section.places or _is_within(each.defined, section.places)
    ]
    left[page.offered] = [each for each in offered if each not in found]
    return found


def _heading(text: str, line: str) -> str:
    return f"{text}\n{line * len(text)}\n"


def pages() -> tuple[dict[str, str], list[Name]]:
    """Return the text of each page, and the names that none shows."""
    left = {page.offered: names(page.offered) for page in PAGES}
    texts = {page.name: _page(page, left) for page in PAGES}
    return texts, [each for found in left.values() for each in found]


def _page(page: Page, left: dict[str, list[Name]]) -> str:
    parts = [_heading(page.title, "="), f"{page.sentence}\n"]
    for section in page.sections:
        shown = _shown(section, page, left)
        if section.title and shown:
            parts.append(_heading(section.title, "-"))
        parts += [each.directive() for each in shown]
    return "\n".join(parts)


def _write(app: Sphinx) -> None:
    from sphinx.util import logging

    folder = Path(app.srcdir) / FOLDER
    folder.mkdir(exist_ok=True)
    texts, left = pages()
    for path in folder.glob("*.rst"):
        if path.stem not in texts:
            path.unlink()
    for name, text in texts.items():
        path = folder / f"{name}.rst"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    for each in left:
        logging.getLogger(__name__).warning("%s", each.missing())


def _skip(
    app: Sphinx, what: str, name: str, item: object, skipped: bool, options: object
) -> bool | None:
    """Leave out what a class has from another library, or from being a tuple."""
    if inspect.ismemberdescriptor(item) or type(item).__name__ == "_tuplegetter":
        return True
    code = getattr(inspect.unwrap(item), "__code__", None) if callable(item) else None
    return True if code and _PACKAGE not in Path(code.co_filename).parents else None


def setup(app: Sphinx) -> dict[str, bool]:
    """Write the pages before they are read."""
    app.connect("autodoc-skip-member", _skip)
    app.connect("builder-inited", _write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
