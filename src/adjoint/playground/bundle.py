"""A bundle is the page in one text of HTML, for where no server gives out its files."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from importlib.resources import files

from ..exporting.wasm.javascript import literal
from ..exporting.wasm.page import packed

# How a module of the page names another one.
_IMPORT = re.compile(r'^(import (?:[^"\n]* from )?)"\./(\w+\.js)";$', re.MULTILINE)
# Nothing may be loaded, whatever a name or a label holds.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src blob: data:; "
    "script-src 'unsafe-inline' 'wasm-unsafe-eval' blob:"
)
# Modules have addresses by which others import them, so each is made a file in memory.
_BUNDLE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>adjoint playground</title>
<style>
{style}</style>
</head>
{body}
<script>
globalThis.given = {given};
const packed = Uint8Array.from(atob({modules}), (c) => c.charCodeAt(0));
const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
new Response(stream).json().then((texts) => {{
  const imports = {{}};
  for (const [name, text] of Object.entries(texts)) {{
    const file = new Blob([text], {{ type: "text/javascript" }});
    imports[`adjoint/${{name}}`] = URL.createObjectURL(file);
  }}
  const scripts = {{ importmap: JSON.stringify({{ imports }}), module: {entry} }};
  for (const [type, textContent] of Object.entries(scripts)) {{
    document.head.append(Object.assign(document.createElement("script"), {{ type, textContent }}));
  }}
}});
</script>
</html>
"""


def bundle(entry: str, given: object = None, written: Mapping[str, str] | None = None) -> str:
    """Return the page with its style and with all modules that one of them needs.

    Parameters
    ----------
    entry : str
        The module that begins.
    given : object
        What it finds as ``globalThis.given``: numbers, texts, lists and dicts.
    written : mapping of str to str
        Modules that are no files, by name.
    """
    index = page_text("index.html")
    body = index[index.index("<body>") : index.index("</html>")].strip()
    return _BUNDLE.format(
        policy=_POLICY,
        style=page_text("style.css"),
        body=body,
        given=literal(given),
        modules=literal(packed(json.dumps(modules(entry, written or {})).encode())),
        entry=literal(f'import "adjoint/{entry}";'),
    )


def modules(entry: str, written: Mapping[str, str]) -> dict[str, str]:
    """Return the texts of a module and of all that it imports, by name."""
    found: dict[str, str] = {}
    wanted = [entry]
    while wanted:
        name = wanted.pop()
        if name in found:
            continue
        text = written[name] if name in written else page_text(name)
        wanted.extend(other for _, other in _IMPORT.findall(text))
        found[name] = _IMPORT.sub(r'\1"adjoint/\2";', text)
    return dict(sorted(found.items()))


def page_text(name: str) -> str:
    """Return the text of a file of the page."""
    return (files(__package__) / "page" / name).read_text(encoding="utf-8")
