"""The widget in a browser: a page that stands for a notebook, with the session in this process."""

import base64
import json
from types import SimpleNamespace

import pytest
from opened_page import SMALL

from adjoint.playground.bundle import bundle, page_text
from adjoint.playground.cell import Cell
from adjoint.playground.session import Brought, Session
from adjoint.playground.settings import read

pytestmark = pytest.mark.full

# What a notebook does for a widget: it loads its module, and passes on messages.
NOTEBOOK = """async ([text, widgets]) => {
  const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  const { default: widget } = await import(url);
  window.ends = [];
  window.tell = widgets.map(() => ({}));
  widgets.forEach((given, place) => {
    const el = document.createElement("div"), told = window.tell[place];
    document.body.append(el);
    window.ends.push(widget.render({ el, model: {
      get: (name) => given[name],
      on: (what, tell) => { told[what] = tell; },
      off: (what) => { delete told[what]; },
      send: async (content) => {
        for (const [answer, frames] of await window.hear(place, JSON.stringify(content))) {
          const bytes = frames.map((frame) => Uint8Array.from(atob(frame), (c) => c.charCodeAt(0)));
          told["msg:custom"]?.(answer, bytes.map((b) => new DataView(b.buffer)));
        }
      },
    } }));
  });
}"""


@pytest.fixture
def notebook(chromium):
    """Return what opens widgets in one page; none of it may complain or ask elsewhere."""
    context = chromium.new_context(viewport={"width": 1000, "height": 900})
    complaints = []

    def open_with(count=1, body="", is_answered=True):
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        page.on("request", lambda r: complaints.append(r.url) if r.url[:4] == "http" else None)
        cells, kept = [], []
        for _ in range(count):
            sent = []
            cell = Cell(
                Session(Brought(read(SMALL))), lambda *given, s=sent: s.append(given), kept.append
            )
            cells.append((cell, sent))

        def hear(place, content):
            cell, sent = cells[place]
            if is_answered:
                cell.hear(json.loads(content))
            found = [(text, [base64.b64encode(f).decode() for f in fs]) for text, fs in sent]
            sent.clear()
            return found

        page.expose_function("hear", hear)
        page.set_content(f"<body {body}>")
        traits = [
            {"page": bundle("cell.js"), "picture_name": cell.picture_name} for cell, _ in cells
        ]
        page.evaluate(NOTEBOOK, [page_text("widget.js"), traits])
        return SimpleNamespace(page=page, cells=[cell for cell, _ in cells], kept=kept)

    yield open_with
    context.close()
    assert complaints == []


def frames(page):
    """Return the pages in the widgets once they are ready."""
    found = [handle.content_frame() for handle in page.query_selector_all("iframe")]
    for frame in found:
        frame.wait_for_selector("body[data-ready]", state="attached")
    return found


def wait(page, condition):
    for _ in range(1000):
        if condition():
            return
        page.wait_for_timeout(20)
    raise AssertionError("not in 20 s")


def test_two_widgets_of_one_notebook_train_apart(notebook):
    one = notebook(2)
    first, second = frames(one.page)
    first.click("#step")
    wait(one.page, lambda: first.evaluate("playground.step") == 1)
    second.press("#reset", "ArrowRight")
    wait(one.page, lambda: second.evaluate("playground.step") >= 1)
    wait(one.page, lambda: second.evaluate("!playground.busy"))
    steps = [cell.session.steps.taken for cell in one.cells]
    assert steps == [1, second.evaluate("playground.step")]


def test_a_widget_plays_and_its_picture_is_kept_when_it_rests(notebook):
    one = notebook()
    (frame,) = frames(one.page)
    frame.click("#play")
    wait(one.page, lambda: frame.evaluate("playground.frames") > 8)
    frame.click("#play")
    wait(one.page, lambda: frame.evaluate("!playground.busy && playground.derivation !== null"))
    taken = one.cells[0].session.steps.taken
    assert taken > 50
    wait(one.page, lambda: one.kept and f"step {taken:,}," in one.kept[-1])
    box = one.page.evaluate(
        "async (html) => { const d = document.createElement('div'); d.innerHTML = html;"
        " const i = d.querySelector('img'); await i.decode(); return [i.width, i.height]; }",
        one.kept[-1],
    )
    assert box == [1200, 500]
    assert len(one.kept[-1]) < 200_000


def test_the_frame_is_as_high_as_its_page_and_as_dark_as_its_notebook(notebook):
    one = notebook(body='data-jp-theme-light="false"')
    (frame,) = frames(one.page)
    assert frame.evaluate("document.documentElement.dataset.theme") == "dark"
    one.page.evaluate("document.body.dataset.jpThemeLight = 'true'")
    wait(one.page, lambda: frame.evaluate("document.documentElement.dataset.theme") == "light")
    fits = "innerHeight === Math.ceil(document.body.getBoundingClientRect().height)"
    for width in (1000, 420):
        one.page.set_viewport_size({"width": width, "height": 900})
        wait(one.page, lambda: frame.evaluate(fits))
        assert frame.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_widget_without_a_kernel_says_what_to_do_and_hides_no_picture(notebook):
    one = notebook(is_answered=False)
    one.page.wait_for_timeout(500)
    assert "run this cell" in one.page.inner_text("body")
    hidden = "[...document.querySelectorAll('head style')].map((s) => s.textContent).join()"
    assert one.cells[0].picture_name not in one.page.evaluate(hidden)


def test_a_kernel_that_is_gone_is_said_and_nothing_waits_for_it(notebook):
    one = notebook()
    (frame,) = frames(one.page)
    one.page.evaluate("window.tell[0].comm_live_update()")
    wait(one.page, lambda: "Run the cell again" in frame.inner_text("#notice"))
    frame.click("#play")
    assert frame.evaluate("[playground.playing, playground.link.waiting.size]") == [False, 0]


def test_a_frame_that_the_notebook_moved_goes_on_where_it_was(notebook):
    one = notebook()
    (frame,) = frames(one.page)
    frame.click("#step")
    wait(one.page, lambda: frame.evaluate("playground.step") == 1)
    one.page.evaluate("document.body.prepend(document.querySelector('iframe').parentElement)")
    one.page.wait_for_timeout(300)
    (frame,) = frames(one.page)
    assert frame.evaluate("playground.step") == 1
    frame.click("#language")
    assert frame.evaluate("document.documentElement.lang") in ("zh-CN", "en")


def test_a_view_that_ends_shows_the_picture_again(notebook):
    one = notebook()
    frames(one.page)
    hidden = "[...document.querySelectorAll('head style')].map((s) => s.textContent).join()"
    assert one.cells[0].picture_name in one.page.evaluate(hidden)
    one.page.evaluate("window.ends[0]()")
    assert one.cells[0].picture_name not in one.page.evaluate(hidden)


def test_a_dialog_is_where_the_reader_sees_it(notebook):
    one = notebook()
    (frame,) = frames(one.page)
    for height, scrolled in ((400, 0), (500, 300)):
        one.page.set_viewport_size({"width": 1000, "height": height})
        one.page.evaluate("y => scrollTo(0, y)", scrolled)
        frame.evaluate("document.getElementById('code').click()")
        frame.wait_for_selector("dialog[open][style*=inset]")
        box = frame.query_selector("dialog").bounding_box()
        assert 0 <= box["y"] < box["y"] + box["height"] <= height
        one.page.wait_for_timeout(100)
        assert one.page.evaluate("scrollY") == scrolled
        frame.press("dialog", "Escape")


def test_a_program_is_copied_where_a_page_may_not_write_to_the_clipboard(notebook):
    one = notebook()
    (frame,) = frames(one.page)
    frame.evaluate("""() => {
      Object.defineProperty(navigator, "clipboard", { value: undefined });
      addEventListener("copy", () => { window.copied = getSelection().toString(); });
    }""")
    frame.click("#code")
    frame.click("#copy")
    wait(one.page, lambda: "make_moons(" in (frame.evaluate("window.copied") or ""))
    assert frame.inner_text("#copy") == "copied"
