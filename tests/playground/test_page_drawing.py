"""On the page: points drawn by hand, and points of a formula."""

import pytest
from opened_page import settle, wait

pytestmark = pytest.mark.full
COUNT = "playground.opening.header.drawn.points.length"


def place(page, across, down):
    box = page.locator("#field").bounding_box()
    return box["x"] + across * box["width"], box["y"] + down * box["height"]


def test_points_are_set_erased_and_undone_by_the_pointer(open_page):
    one = open_page()
    page = one.page()
    page.click("#draw")
    page.click("[data-class='2']")
    page.mouse.click(*place(page, 0.1, 0.1))
    wait(page, f"playground.settings.data === 'drawn' && {COUNT} === 61")
    settle(page)
    assert page.evaluate("playground.opening.header.labels") == ["0", "1", "2"]
    x, y, kind = one.session.drawn.points[-1]
    low, high = one.session.plane.low, one.session.plane.high
    assert abs(x - (low[0] + 0.1 * (high[0] - low[0]))) < 0.03 * (high[0] - low[0])
    assert abs(y - (low[1] + 0.9 * (high[1] - low[1]))) < 0.03 * (high[1] - low[1])
    assert kind == 2
    page.keyboard.down("Shift")
    page.mouse.click(*place(page, 0.1, 0.1))
    page.keyboard.up("Shift")
    wait(page, f"{COUNT} === 60")
    settle(page)
    page.click("#draw-undo")
    wait(page, f"{COUNT} === 61")
    settle(page)
    page.click("#draw-erase")
    page.mouse.click(*place(page, 0.1, 0.1))
    wait(page, f"{COUNT} === 60")
    settle(page)
    page.click("#step")
    assert settle(page) == 1


def test_a_sheet_is_cleared_and_filled_by_keys_alone(open_page):
    one = open_page()
    page = one.page()
    page.focus("#draw")
    page.keyboard.press("Enter")
    page.focus("#draw-clear")
    page.keyboard.press("Enter")
    wait(page, "document.getElementById('drawn-count').textContent.includes('few')")
    page.focus("#field")
    for n, key in enumerate("1212"):
        page.keyboard.press("ArrowRight" if n % 2 else "ArrowUp")
        wait(page, "playground.frame.header.probe")
        page.wait_for_timeout(100)
        page.keyboard.press(key)
        page.keyboard.press("Enter")
        if n:
            wait(page, f"playground.settings.data === 'drawn' && {COUNT} === {n + 1}")
            settle(page)
    assert [point[2] for point in one.session.drawn.points] == [0, 1, 0, 1]
    assert page.evaluate("document.activeElement.id") == "field"
    page.keyboard.press("Delete")
    wait(page, f"{COUNT} === 3")
    settle(page)
    page.keyboard.press("z")
    wait(page, f"{COUNT} === 4")
    settle(page)
    page.keyboard.press("Escape")
    wait(page, "!document.getElementById('draw-tools')")


def test_numbers_are_drawn_and_are_there_after_a_reload(open_page):
    one = open_page()
    page = one.page()
    page.click("#draw")
    page.select_option("#draw-kind", "number")
    wait(page, "playground.settings.loss === 'mse_loss'")
    settle(page)
    page.fill("#draw-value", "7.5")
    page.press("#draw-value", "Enter")
    page.mouse.click(*place(page, 0.3, 0.3))
    wait(page, f"{COUNT} === 61")
    settle(page)
    assert one.session.drawn.points[-1][2] == 7.5
    assert page.evaluate("playground.opening.header.range[1]") == 7.5
    page.reload()
    page.wait_for_selector("body[data-ready]")
    settle(page)
    page.click("#draw")
    assert "61" in page.inner_text("#drawn-count")
    page.select_option("#set-set", "moons")
    wait(page, "playground.settings.data === 'moons'")
    settle(page)
    assert page.locator("#draw-tools").count() == 0
    page.select_option("#set-set", "drawn")
    wait(page, f"playground.settings.data === 'drawn' && {COUNT} === 61")
    settle(page)


def test_a_formula_makes_classes_or_numbers_and_is_in_the_address(open_page):
    one = open_page()
    page = one.page()
    page.select_option("#set-set", "formula")
    wait(page, "playground.settings.data === 'formula'")
    for text, loss in (("y > 2*sin(2*x)", "cross_entropy"), ("x*y - 1", "mse_loss")):
        page.fill("#set-formula", text)
        page.press("#set-formula", "Enter")
        wait(page, f"playground.settings.formula === '{text}'")
        settle(page)
        assert page.evaluate("playground.settings.loss") == loss
    page.click("#step")
    settle(page)
    again = one.page(page.url[page.url.index("#") :])
    wait(again, "playground.step === 1")
    assert again.input_value("#set-formula") == "x*y - 1"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_formula_that_is_refused_stays_with_its_place_marked(open_page, language):
    page = open_page().page()
    if language == "zh":
        page.click("#language")
    page.select_option("#set-set", "formula")
    wait(page, "playground.settings.data === 'formula'")
    for text, place_of in (("y > sin(2x)", 8), ("y > <img src=x>", 4), ("__import__('os')", 11)):
        page.fill("#set-formula", text)
        page.press("#set-formula", "Enter")
        wait(page, "document.getElementById('formula-reason')")
        wait(page, f"document.activeElement.selectionStart === {place_of}")
        assert page.input_value("#set-formula") == text
        assert ("：" in page.inner_text("#formula-reason")) == (language == "zh")
        assert page.get_attribute("#set-formula", "aria-invalid") == "true"
    assert page.evaluate("playground.settings.formula") == "y > sin(x)"
    page.fill("#set-formula", "y > x")
    page.press("#set-formula", "Enter")
    wait(page, "playground.settings.formula === 'y > x'")
    assert page.locator("#formula-reason").count() == 0
