"""Pages under zh/ are a site of their own: their navigation, their words and their search.

Sphinx knows one language and one root of all pages. Before a Chinese page is written, both are
exchanged, and again before the next English one. A page in both languages has a link to the other.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from gettext import NullTranslations
from pathlib import Path
from typing import Any

import pydata_sphinx_theme
import sphinx
from docutils import nodes
from sphinx import locale
from sphinx.application import Sphinx

FOLDER = "zh/"
_WORDS = [
    str(Path(package.__file__).parent / "locale") for package in (sphinx, pydata_sphinx_theme)
]
_SCRIPT = "translations_zh.js"
_SEARCH = {"theme_search_bar_text": "搜索文档…"}
# What the theme has no Chinese for.
_MORE_WORDS = {
    "Breadcrumb": "当前位置",
    "Collapse Sidebar": "收起侧栏",
    "Color mode": "颜色模式",
    "Expand Sidebar": "展开侧栏",
    "System Settings": "跟随系统",
}


def is_chinese(page: str) -> bool:
    """Return whether a page is one of the Chinese part."""
    return page.startswith(FOLDER)


def counterpart(page: str) -> str:
    """Return the name that the page has in the other language.

    >>> counterpart("zh/index"), counterpart("explanation/derivation")
    ('index', 'zh/explanation/derivation')
    """
    return page.removeprefix(FOLDER) if is_chinese(page) else FOLDER + page


class _MoreWords(NullTranslations):
    """Answers where no catalogue of the theme does."""

    def gettext(self, message: str) -> str:
        return _MORE_WORDS.get(message, message)


def _read_words(app: Sphinx) -> None:
    """Read the words of both languages, and take the English ones."""
    english = locale.get_translator()
    locale.translators.clear()
    chinese, _ = locale.init(_WORDS, "zh_CN")
    chinese.add_fallback(_MoreWords())
    locale.init_console()
    locale.translators["general", "sphinx"] = english
    app.words = {False: english, True: chinese}  # type: ignore[attr-defined]


def _speak(app: Sphinx, page: str) -> None:
    """Take the words and the root of the language that a page is in."""
    words = app.words[is_chinese(page)]  # type: ignore[attr-defined]
    locale.translators["general", "sphinx"] = words
    app.builder.templates.environment.install_gettext_translations(words)
    app.config.root_doc = f"{FOLDER}index" if is_chinese(page) else "index"


def _before_body(app: Sphinx, doctree: nodes.document, page: str) -> None:
    if app.builder.format == "html" and f"{FOLDER}index" not in app.builder.relations:
        _join_relations(app)
    _speak(app, page)


def _before_page(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    _speak(app, page)
    context["root_doc"] = app.config.root_doc
    other = counterpart(page)
    context["counterpart"] = other if {page, other} <= app.env.found_docs else None
    context["counterpart_language"] = "en" if is_chinese(page) else "zh-CN"
    if is_chinese(page):
        _write_in_chinese(app, page, context)


def _write_in_chinese(app: Sphinx, page: str, context: dict[str, Any]) -> None:
    pathto = context["pathto"]
    context["pathto"] = lambda name, *rest, **options: pathto(
        f"{FOLDER}search" if name == "search" else name, *rest, **options
    )
    context["language"] = "zh-CN"
    context.update(_SEARCH)
    app.add_js_file(_SCRIPT)
    if page == f"{FOLDER}search":
        # The template asks whether the page has its scripts already.
        context["pagename"] = "search"


def _join_relations(app: Sphinx) -> None:
    """Say what stands before and after each Chinese page, too."""
    app.config.root_doc = f"{FOLDER}index"
    app.builder.relations |= app.env.collect_relations()


def _search_page(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    yield f"{FOLDER}search", {}, "search.html"


def _copy_words(app: Sphinx, error: Exception | None) -> None:
    """Copy the words that the scripts of the search say."""
    if error is None and app.builder.format == "html":
        words = Path(_WORDS[0]) / "zh_CN/LC_MESSAGES/sphinx.js"
        shutil.copy(words, Path(app.outdir) / "_static" / _SCRIPT)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register what is done for each page."""
    app.connect("builder-inited", _read_words)
    app.connect("doctree-resolved", _before_body)
    app.connect("html-page-context", _before_page, priority=100)  # before the theme looks
    app.connect("html-collect-pages", _search_page)
    app.connect("build-finished", _copy_words)
    # The language is that of the page which is written at the time.
    return {"parallel_read_safe": True, "parallel_write_safe": False}
