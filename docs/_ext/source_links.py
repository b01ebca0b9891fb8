"""A link to a file outside of docs/ leads to the page that shows the file."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_LINK = re.compile(r"(?<=\]\()([^)#:\s]+)(?=[)#])")
_INCLUDE = re.compile(r"```\{include\} (\S+)")


def shown_files(docs: Path) -> dict[Path, Path]:
    """Return for each file that a page includes the page."""
    return {
        (page.parent / target).resolve(): page
        for page in docs.rglob("*.md")
        for target in _INCLUDE.findall(page.read_text(encoding="utf-8"))
    }


def redirected(text: str, folder: Path, shown: dict[Path, Path]) -> str:
    """Return a page's text with its links to such files changed; it stands in a folder."""

    def link(match: re.Match[str]) -> str:
        page = shown.get((folder / match[1]).resolve())
        return Path(os.path.relpath(page, folder)).as_posix() if page else match[1]

    return _LINK.sub(link, text)


def _read_shown(app: Sphinx) -> None:
    app.shown_files = shown_files(Path(app.srcdir))  # type: ignore[attr-defined]


def _redirect(app: Sphinx, name: str, source: list[str]) -> None:
    folder = Path(app.env.doc2path(name)).parent
    source[0] = redirected(source[0], folder, app.shown_files)  # type: ignore[attr-defined]


def setup(app: Sphinx) -> dict[str, bool]:
    """Change the links when a page is read."""
    app.connect("builder-inited", _read_shown)
    app.connect("source-read", _redirect)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
