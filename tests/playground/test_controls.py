"""The controls that no other test uses do what they say."""

import pytest
from opened_page import settle, wait

from adjoint.playground.own_table import read_text
from adjoint.playground.session import Brought, settings_for
from adjoint.playground.settings import Settings

pytestmark = pytest.mark.full


def test_a_set_is_chosen_by_its_picture(open_page):
    page = open_page().page()
    names = page.eval_on_selector_all("#sets [data-set]", "all => all.map((e) => e.dataset.set)")
    assert len(names) >= 9
    for name in names:
        page.click(f"#sets [data-set={name}]")
        wait(page, f"playground.settings.data === {name!r}")
        chosen = page.get_attribute(f"#sets [data-set={name}]", "aria-pressed")
        assert chosen == "true"
        assert page.input_value("#set-set") == name


def test_links_show_weights_or_gradients(open_page):
    page = open_page().page()
    page.click("#step")
    settle(page)
    picture = "document.querySelector('#net canvas').toDataURL()"
    weights = page.evaluate(picture)
    page.click("#model [data-hint=gradients]")
    assert page.evaluate("playground.shows") == "gradients"
    assert page.evaluate(picture) != weights
    page.click("#model [data-hint=weights]")
    assert page.evaluate(picture) == weights


def test_the_speed_is_steps_for_a_picture(open_page):
    page = open_page().page()
    page.select_option("#speed", "50")
    page.click("#play")
    wait(page, "playground.frames >= 6 && playground.step >= 100")
    page.click("#play")
    settle(page)
    steps, pictures = page.evaluate("[playground.step, playground.frames]")
    assert 100 <= steps <= 50 * pictures
    page.evaluate(
        "(() => { const past = document.getElementById('past'); past.value = 20;"
        " past.dispatchEvent(new Event('change')); })()"
    )
    wait(page, "playground.step === 20")


def test_a_setting_that_is_on_or_off(open_page):
    one = open_page()
    page = one.page()
    page.select_option("#set-optimizer", "rmsprop")
    wait(page, "playground.settings.optimizer === 'rmsprop'")
    page.click("details.more summary")
    page.check("#set-centered")
    wait(page, "playground.settings.options.centered === true")
    page.click("#step")
    settle(page)
    assert one.session.settings.options["centered"] is True


def test_the_lines_are_walked_by_their_buttons(open_page):
    page = open_page().page()
    settle(page)
    count = page.evaluate("playground.derivation.steps.length")
    for button, line in (("last", count), ("previous", count - 1), ("first", 1), ("next", 2)):
        page.click(f"#line-{button}")
        assert page.evaluate("playground.line") == line
    page.click("#passes .steps button >> nth=4")
    assert page.evaluate("playground.line") == 5
    name = page.inner_text("#passes [data-reads]:has-text('a2')")
    page.click("#passes [data-reads]:has-text('a2')")
    assert page.evaluate(f"playground.line === playground.lineOf({name!r})")
    page.click("#tab-source")
    page.click("#source [data-line='3']")
    assert page.evaluate("playground.line") == 3
    page.click("#tab-graph")
    page.click("#graph .box >> nth=2")
    assert page.locator("#graph .lit").count() == 1
    before = page.evaluate("playground.line")
    page.focus("#graph .box:not(.lit) >> nth=-1")
    page.keyboard.press("Enter")
    assert page.evaluate("playground.line") != before


def test_an_entry_is_chosen_by_its_place(open_page):
    page = open_page().page()
    page.select_option("#parameter", "layers[0].weight")
    page.fill("#selected input.place >> nth=1", "2")
    page.press("#selected input.place >> nth=1", "Enter")
    wait(page, "playground.entry.index === 2")
    page.fill("#selected input.place >> nth=0", "99")
    page.press("#selected input.place >> nth=0", "Enter")
    wait(page, "playground.entry.index === 5")


def test_what_is_no_axis_is_held_where_one_says(open_page):
    rows, _ = read_text(
        "a,b,c,y\n" + "".join(f"{i},{i % 3},{i % 5},{i}\n" for i in range(40)), None
    )
    one = open_page(brought=Brought(settings_for(rows, Settings()), rows))
    page = one.page()
    page.fill("#output label.field input", "1.5")
    page.press("#output label.field input", "Enter")
    wait(page, "!playground.busy")
    page.wait_for_timeout(200)
    assert one.session.plane.held[2] == 1.5
    assert page.locator("#confusion").count() == 0


def test_the_program_is_copied_and_saved(open_page, tmp_path):
    page = open_page().page(permissions=["clipboard-read", "clipboard-write"])
    page.click("#step")
    settle(page)
    page.click("#code")
    page.wait_for_selector("#program")
    program = page.inner_text("#program")
    page.click("#copy")
    wait(page, "document.getElementById('copy').textContent === 'copied'")
    assert page.evaluate("navigator.clipboard.readText()").split() == program.split()
    page.click("#whole-step")
    wait(page, "document.getElementById('program').textContent.includes('def step(')")
    page.click("dialog [data-hint=program]")
    wait(page, "document.getElementById('program').textContent.includes('ad.fit(')")
    with page.expect_download() as download:
        page.click("dialog [data-hint=save]")
    download.value.save_as(tmp_path / "training.py")
    assert (tmp_path / "training.py").read_text().split() == program.split()
    page.click("dialog [data-hint=close]")
    assert page.locator("dialog").count() == 0


def test_the_confusion_is_unfolded(open_page):
    page = open_page().page()
    page.click("#confusion summary")
    assert page.locator("#confusion td").count() == 4
    page.click("#step")
    settle(page)
    assert page.is_visible("#confusion table")
