"""The finished site loads nothing from elsewhere: what would be is a warning of the build."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_OUTSIDE = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
_IN_STYLE = re.compile(r"""(?:url\(\s*|@import\s+)["']?([^"')\s;]+)""", re.IGNORECASE)
_COMMENT = re.compile(r"/\*.*?\*/|(?<![:\"'`\\])//[^\n]*", re.DOTALL)
_IN_SCRIPT = re.compile(r"""(?<!\\)["'`]((?:https?:)?//[\w-][^"'`\s]*)""")
# Names of languages, not places to load from.
_NAMESPACE = re.compile(r"https?://www\.w3\.org/")
# Links for a reader, and not for the browser, to follow.
_FOLLOWED = {"a", "area", "form"}
_LOADING = {"action", "background", "data", "href", "poster", "src", "srcset", "xlink:href"}


class _Loaded(HTMLParser):
    """Collects what a page makes a browser load."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._within = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self._within = tag
        for name, value in attributes:
            if name == "style":
                self.found += in_style(value or "")
            elif name in _LOADING and tag not in _FOLLOWED:
                self.found += [each for each in (value or "").split() if _OUTSIDE.match(each)]

    def handle_endtag(self, tag: str) -> None:
        self._within = ""

    def handle_data(self, data: str) -> None:
        if self._within == "style":
            self.found += in_style(data)
        if self._within == "script":
            self.found += in_script(data)


def in_style(text: str) -> list[str]:
    """Return the addresses from elsewhere in CSS.

    >>> in_style("a { background: url(https://b.org/c.png) } d { background: url(e.png) }")
    ['https://b.org/c.png']
    """
    return [each for each in _IN_STYLE.findall(text) if _OUTSIDE.match(each)]


def in_script(text: str) -> list[str]:
    """Return the addresses from elsewhere in JavaScript, but for those in comments.

    >>> in_script("import('https://b.org/c.js'); // 'https://d.org'")
    ['https://b.org/c.js']
    """
    found = _IN_SCRIPT.findall(_COMMENT.sub(" ", text))
    return [each for each in found if not _NAMESPACE.match(each)]


def in_page(text: str) -> list[str]:
    """Return the addresses from elsewhere that a page of HTML, or a picture in SVG, loads.

    >>> in_page('<a href="https://b.org">b</a><img src="//b.org/c.png">')
    ['//b.org/c.png']
    """
    parser = _Loaded()
    parser.feed(text)
    parser.close()
    return [each for each in parser.found if not _NAMESPACE.match(each)]


_READERS = {".html": in_page, ".svg": in_page, ".css": in_style, ".js": in_script}


def outside_assets(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield each file of a built site that loads something from elsewhere, and what it loads."""
    for path in sorted(folder.rglob("*")):
        if read := _READERS.get(path.suffix):
            for address in read(path.read_text(encoding="utf-8")):
                yield path, address


def _check(app: Sphinx, error: Exception | None) -> None:
    from sphinx.util import logging

    if error is None and app.builder.format == "html":
        for path, address in outside_assets(Path(app.outdir)):
            logging.getLogger(__name__).warning("%s is loaded from elsewhere by %s", address, path)


def setup(app: Sphinx) -> dict[str, bool]:
    """Check the site when it is built."""
    app.connect("build-finished", _check, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
