"""Every term has a hover text in both languages, and is reached by pointer, keyboard and finger."""

import re
from importlib.resources import files

import numpy as np
import pytest
from opened_page import settle, wait

import adjoint as ad
from adjoint.playground import launch, requests
from adjoint.playground.own_table import read_text
from adjoint.playground.session import Brought, Session, settings_for
from adjoint.playground.settings import Settings, read

PAGE = files("adjoint.playground") / "page"
# What can be chosen, pressed or read and has a name of its own.
TERMS = (
    "button, select, input:not([type=file]), textarea, summary, canvas[tabindex], h2, h3, label,"
    " .legend > span, .scores > span:not(.number, :empty), .scores .faint, #where, #probe"
)
# What is named after data, and what says its own sense: parts of other things that are described.
OF_DATA = ".legend > span:has(canvas), .legend > span.mono, #tour h2, dialog h2, dialog h3"


def test_every_name_that_can_be_chosen_has_a_text():
    text = (PAGE / "terms.js").read_text(encoding="utf-8")
    found = dict(re.findall(r'(\w+|(?<=")\w+ \w+)"?: (\["[^\]]+"\])', text))
    menu = requests._menu(Session(), {})
    names = {*menu["data"], *menu["features"], *menu["activations"]}
    names |= {name for group in menu["losses"].values() for name in group}
    names |= menu["optimizers"].keys()
    for kinds in (menu["optimizers"], menu["schedules"]):
        names |= {f"option {name}" for options in kinds.values() for name in options}
    for setting in ("initialise", "norm", "mistake", "schedule"):
        key = {"schedule": "schedules", "initialise": "initialisers"}.get(setting, f"{setting}s")
        for value in menu[key]:
            assert {f"{setting} {value}", value} & found.keys(), (setting, value)
    assert names - found.keys() == set()
    for name, texts in found.items():
        count = len(re.findall(r'"(?:[^"\\]|\\.)+"', texts))
        assert count == (4 if name.startswith("option ") else 2), name


def without(page):
    """Return what is in sight and has no hover text in one of the languages."""
    return page.evaluate(
        """async ([terms, data]) => {
          const { hint } = await import("/page/words.js");
          return [...document.querySelectorAll(terms)]
            .filter((e) => !e.matches(data) && e.checkVisibility())
            .filter((e) => !hint(e.closest("[data-hint]")?.dataset.hint || ""))
            .map((e) => e.outerHTML.slice(0, 120));
        }""",
        [TERMS, OF_DATA],
    )


def brought(kind):
    rng = np.random.default_rng(0)
    if kind == "own model":
        model = ad.nn.Sequential(
            ad.nn.Conv2d(1, 2, 3, rng=0), ad.nn.ReLU(), ad.nn.Flatten(), ad.nn.Linear(18, 3, rng=1)
        )
        given = model, rng.normal(size=(20, 1, 5, 5)), np.arange(20) % 3, "cross_entropy"
        return launch.bring_model(*given, "adam", 8, 0, None)
    if kind == "own table":
        rows, _ = read_text(
            "a,b,c,y\n" + "".join(f"{i},{i % 3},{i % 5},{i / 7}\n" for i in range(40)), None
        )
        return Brought(settings_for(rows, Settings()), rows)
    return Brought(
        read({"rows": 60} | {"regression": {"data": "hills", "loss": "mse_loss"}}.get(kind, {}))
    )


@pytest.mark.full
@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize("kind", ["classes", "regression", "own table", "own model"])
def test_every_control_and_reading_has_one(open_page, kind, language):
    page = open_page(brought=brought(kind)).page(locale=language)
    page.evaluate("document.querySelectorAll('details').forEach((e) => { e.open = true; })")
    page.evaluate("playground.choose(playground.opening.header.parameters[0].name, 0)")
    page.click("#step")
    settle(page)
    page.click("#check")
    page.wait_for_selector("#checked")
    for key in "gsn":
        page.keyboard.press(key)
        assert without(page) == []
    for button in ("#code", "#keys"):
        page.click(button)
        page.wait_for_selector("dialog")
        assert without(page) == []
        page.keyboard.press("Escape")
    if kind == "classes":
        for name in ("optimizer", "schedule", "norm", "initialise"):
            for value in page.eval_on_selector_all(
                f"#set-{name} option", "all => all.map(o => o.value)"
            ):
                page.select_option(f"#set-{name}", value)
                wait(page, f"playground.settings['{name}'] === {value!r}")
                assert without(page) == [], value
    if kind != "own model":
        page.click("#tour-button")
        wait(page, "document.getElementById('tour-next') && !playground.busy")
        assert without(page) == []


@pytest.mark.full
def test_it_comes_by_pointer_and_by_focus_and_is_read_out(open_page):
    page = open_page().page()
    settle(page)
    page.hover("label[for=set-lr]")
    wait(page, "!document.getElementById('tip').hidden")
    assert "How far a step goes" in page.inner_text("#tip")
    page.mouse.move(2, 2)
    page.focus("#set-optimizer")
    wait(page, "!document.getElementById('tip').hidden")
    told = page.inner_text("#tip")
    assert "The rule by which" in told
    assert "adam: Steps of about the rate" in told
    assert page.get_attribute("#set-optimizer", "aria-describedby") == "tip"
    page.keyboard.press("Escape")
    assert page.is_hidden("#tip")
    assert page.get_attribute("#set-optimizer", "aria-describedby") is None


@pytest.mark.full
def test_it_comes_by_the_keyboard_after_a_click(open_page):
    page = open_page().page()
    settle(page)
    page.click("#back")
    page.keyboard.press("Tab")
    wait(page, "!document.getElementById('tip').hidden")
    assert "One operation" in page.inner_text("#tip")


@pytest.mark.full
def test_it_comes_by_a_finger(open_page):
    page = open_page().page(width=390, has_touch=True)
    settle(page)
    page.tap("#flow h2")
    wait(page, "!document.getElementById('tip').hidden")
    assert "How large the gradient" in page.inner_text("#tip")
    page.tap("#step")
    wait(page, "playground.step === 1")
    page.wait_for_timeout(700)  # the tap gave it the focus, which asks after 400 ms
    assert page.is_hidden("#tip")
    box = page.locator("#step").bounding_box()
    touch = page.context.new_cdp_session(page)
    point = {"x": box["x"] + 9, "y": box["y"] + 9}
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    wait(page, "!document.getElementById('tip').hidden")
    assert "One operation" in page.inner_text("#tip")
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.locator("label[for=set-lr]").scroll_into_view_if_needed()
    page.wait_for_timeout(200)  # a page that scrolls hides it
    page.tap("label[for=set-lr]")
    page.wait_for_timeout(700)
    assert "How far a step goes" in page.inner_text("#tip")


@pytest.mark.full
def test_all_terms_of_the_page_are_in_the_help(open_page):
    page = open_page().page()
    settle(page)
    keys = page.eval_on_selector_all(
        "[data-hint]",
        "all => [...new Set(all.map((e) => e.dataset.hint))]",
    )
    page.keyboard.press("?")
    page.wait_for_selector("#glossary")
    texts = page.inner_text("#glossary")
    hints = page.evaluate(
        "(keys) => import('/page/words.js').then(({ hint }) => keys.map(hint))",
        keys,
    )
    assert len(hints) > 40
    assert [each for each in hints if each not in texts] == []
