"""The site: links lead somewhere, names and examples have a place, all of it comes from here."""

import importlib
import importlib.util
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
EXAMPLES = sorted(path.stem for path in (ROOT / "examples").glob("*.py"))
# The build writes them.
GENERATED = (DOCS / "reference/api", DOCS / "reference/command-line.md")
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "benchmarks/README.md",
    ROOT / "src/adjoint/compiler/README.md",
    *sorted(path for path in DOCS.rglob("*.md") if "_build" not in path.parts),
]


@pytest.fixture(autouse=True)
def extensions(monkeypatch):
    """The parts that build the site can be imported."""
    monkeypatch.syspath_prepend(str(DOCS / "_ext"))


def text_of(path):
    """Return a page without its code, in which brackets mean something else."""
    text = path.read_text(encoding="utf-8")
    return re.sub(r"^```.*?^```|`[^`\n]+`", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors(path):
    """Return what links into a page may name: its headings as GitHub writes them."""
    text = re.sub(
        r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )
    headings = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    plain = [re.sub(r"\]\([^)]*\)", "", heading) for heading in headings]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files_and_headings(path):
    for target, _, anchor in re.findall(r"\]\(([^)#:\s]*)(#([^)\s]+))?\)", text_of(path)):
        leads_to = (path.parent / target).resolve() if target else path
        if any(leads_to.is_relative_to(page) for page in GENERATED):
            continue
        assert leads_to.exists(), f"{path} links to {target}"
        if anchor and leads_to.suffix == ".md" and not anchor.startswith("equation-"):
            assert anchor in anchors(leads_to), f"{path} links to {target}#{anchor}"


def test_every_public_name_has_its_place_in_the_reference():
    pytest.importorskip("scipy")
    pytest.importorskip("sklearn")
    texts, left = importlib.import_module("reference").pages()
    assert not left, "\n".join(each.missing() for each in left)
    shown = re.findall(r"^\.\. auto\w+:: (\S+)$", "\n".join(texts.values()), flags=re.MULTILINE)
    assert len(shown) == len(set(shown)) > 400
    assert all(".. auto" in text for text in texts.values()), "a page has no names"


def test_every_page_of_the_reference_is_listed():
    pages = importlib.import_module("reference_pages").PAGES
    listed = re.findall(r"^api/(\S+)$", (DOCS / "reference/index.md").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(page.name for page in pages)


@pytest.fixture
def gallery():
    spec = importlib.util.spec_from_file_location("gallery", DOCS / "gallery/run.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["gallery"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["gallery"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_has_its_page_picture_and_time(gallery, name):
    """Written by: python docs/gallery/run.py NAME."""
    results = gallery.read()
    assert name in results, f"run: python docs/gallery/run.py {name}"
    page = (DOCS / f"gallery/{name}.md").read_text(encoding="utf-8")
    assert page == gallery.page(name, results[name]), "run: python docs/gallery/run.py --pages"
    assert (DOCS / f"gallery/{name}.png").read_bytes().startswith(b"\x89PNG")
    assert results[name].seconds > 0


def test_the_code_in_the_gallery_is_the_file(gallery):
    (name, result), *_ = gallery.read().items()
    (target,) = re.findall(r"\{literalinclude\} (\S+)", gallery.page(name, result))
    assert (DOCS / "gallery" / target).resolve() == ROOT / f"examples/{name}.py"


def test_the_index_of_the_gallery_lists_every_example(gallery):
    assert (DOCS / "gallery/index.md").read_text(encoding="utf-8") == gallery.index(gallery.read())
    assert sorted(gallery.names()) == EXAMPLES


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.html", '<script src="https://cdn.example/x.js"></script>'),
        ("a.html", '<link rel="stylesheet" href="//cdn.example/x.css">'),
        ("a.html", '<img srcset="a.png 1x, https://cdn.example/x.png 2x">'),
        ("a.html", "<style>@import 'https://cdn.example/x.css';</style>"),
        ("a.html", '<p style="background: url(http://cdn.example/x.png)">'),
        ("a.html", "<script>fetch('https://cdn.example/x.json')</script>"),
        ("a.svg", '<svg><image xlink:href="https://cdn.example/x.png"/></svg>'),
        ("a.css", '@font-face { src: url("https://cdn.example/x.woff2") }'),
        ("a.js", 'import("https://cdn.example/x.js")'),
        ("a.js", "const place = `//cdn.example/x.js`"),
    ],
)
def test_what_comes_from_elsewhere_is_found(tmp_path, name, text):
    (tmp_path / name).write_text(text, encoding="utf-8")
    ((path, address),) = importlib.import_module("outside_assets").outside_assets(tmp_path)
    assert path.name == name
    assert "//cdn.example/x." in address


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.html", '<a href="https://b.example">b</a><img src="c.png"><form action="search.html">'),
        ("a.html", '<math xmlns="http://www.w3.org/1998/Math/MathML"></math>'),
        ("a.js", "// see 'https://b.example'\n/* \"https://c.example\" */ import('./d.js')"),
        ("a.css", "/* https://b.example */ a { background: url(c.png) }"),
        ("a.txt", "<script src='https://b.example'></script>"),
    ],
)
def test_links_comments_and_names_of_languages_are_let_be(tmp_path, name, text):
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert not list(importlib.import_module("outside_assets").outside_assets(tmp_path))


def test_a_link_to_a_file_that_a_page_shows_leads_to_the_page():
    links = importlib.import_module("source_links")
    shown = links.shown_files(DOCS)
    text = links.redirected("[a](../CHANGELOG.md#unreleased) [b](index.md)", DOCS, shown)
    assert text == "[a](reference/changelog.md#unreleased) [b](index.md)"
