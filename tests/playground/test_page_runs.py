"""On the page: settings changed while it trains, a pinned run, and sessions as files."""

import json

import numpy as np
import pytest
from opened_page import SMALL, settle, values, wait

pytestmark = pytest.mark.full


def go(page, step):
    page.evaluate(f"playground.goTo({step})")
    wait(page, f"playground.step === {step}")
    settle(page)


def enter(page, name, value):
    page.fill(f"#set-{name}", value)
    page.press(f"#set-{name}", "Enter")


def fragment(page):
    return page.url[page.url.index("#") :]


def changed(page):
    """Change the rate and the schedule of a page, and go on."""
    go(page, 30)
    enter(page, "lr", "0.05")
    wait(page, "playground.settings.changes.length === 1")
    go(page, 50)
    page.click("details.more summary")
    page.select_option("#set-schedule", "cosine")
    wait(page, "playground.settings.changes.length === 2")
    settle(page)
    go(page, 70)


def test_a_change_goes_on_from_where_it_was_and_focus_stays(open_page):
    page = open_page().page()
    go(page, 30)
    before = values(page)
    enter(page, "lr", "0.05")
    wait(page, "playground.settings.changes.length === 1")
    assert settle(page) == 30
    assert values(page) == before
    assert page.evaluate("document.activeElement.id") == "set-lr"
    assert "from step 30" in page.inner_text("#changes")
    go(page, 10)
    assert page.input_value("#set-lr") == "0.01"
    go(page, 40)
    assert page.input_value("#set-lr") == "0.05"


def test_the_address_and_the_program_come_by_the_changes(open_page):
    one = open_page()
    page = one.page()
    changed(page)
    scope = {}
    exec(compile(one.session.program(), "training.py", "exec"), scope)
    expected = one.session.steps.model.state_dict()
    for name, array in scope["model"].state_dict().items():
        np.testing.assert_array_equal(array, expected[name])
    again = one.page(fragment(page))
    wait(again, "playground.step === 70")
    assert values(again) == values(page)


def test_a_change_is_taken_back_and_the_steps_taken_again(open_page):
    page = open_page().page()
    changed(page)
    page.click("[data-forget='0']")
    wait(page, "playground.settings.changes.length === 1 && playground.step === 70")
    settle(page)
    assert page.evaluate("playground.settings.changes[0].step") == 50
    assert page.evaluate("playground.now.lr") == 0.01


def test_while_it_plays_the_rate_changes_and_it_plays_on(open_page):
    page = open_page().page()
    page.click("#play")
    wait(page, "playground.step > 20")
    enter(page, "lr", "0.02")
    wait(page, "playground.settings.changes.length === 1")
    at = page.evaluate("playground.settings.changes[0].step")
    assert at > 20
    wait(page, f"playground.playing && playground.step > {at + 20}")
    page.click("#play")
    settle(page)


def test_changes_wait_for_those_before_them_to_take_the_steps_again(open_page):
    one = open_page(SMALL | {"optimizer": "sgd"})
    page = one.page()
    go(page, 5000)
    page.click("details.more summary")
    for name, value in (("momentum", "0.8"), ("weight_decay", "0.01")):
        page.fill(f"#set-{name}", value)
        page.press(f"#set-{name}", "Tab")
    wait(page, "playground.now.options.weight_decay === 0.01 && playground.step === 5000")
    settle(page)
    (change,) = page.evaluate("playground.settings.changes")
    assert change == {"step": 5000, "given": {"options": {"momentum": 0.8, "weight_decay": 0.01}}}
    wait(page, "!playground.held")
    assert one.session.steps.taken == 5000


def test_play_and_pause_hold_while_steps_are_taken_again(open_page):
    page = open_page(SMALL | {"optimizer": "sgd"}).page()
    far = page.evaluate("playground.menu.limits.steps")
    page.evaluate(f"void playground.goTo({far})")
    wait(page, "playground.notice")
    page.click("#play")
    wait(page, "playground.playing && playground.step > 0 && playground.notice === ''")
    reached = page.evaluate("playground.step")
    wait(page, f"playground.step > {reached}")
    page.evaluate("void playground.set({ options: { momentum: 0.5 } })")
    page.click("#play")
    wait(page, "!playground.held")
    settle(page)
    assert page.inner_text("#play") == "Play"


def test_structure_begins_anew_with_the_settings_of_now(open_page):
    page = open_page().page()
    go(page, 30)
    enter(page, "lr", "0.05")
    wait(page, "playground.settings.changes.length === 1")
    settle(page)
    page.click("[data-more='1']")
    wait(page, "playground.settings.layers[0].units === 4")
    assert settle(page) == 0
    assert page.evaluate("[playground.settings.lr, playground.settings.changes.length]") == [
        0.05,
        0,
    ]
    page.click("details.more summary")
    go(page, 5)
    page.select_option("#set-optimizer", "sgd")
    wait(page, "playground.settings.optimizer === 'sgd'")
    assert settle(page) == 0


def test_a_pinned_run_stays_beside_the_next_and_after_a_reload(open_page):
    page = open_page().page()
    go(page, 40)
    page.click("#pin")
    page.wait_for_selector("#pinned")
    assert "the same" in page.inner_text("#differs")
    pinned = page.inner_text("#pinned .scores")
    page.evaluate("playground.change({ lr: 0.1, layers: [{ units: 2, activation: 'relu' }] })")
    settle(page)
    go(page, 20)
    told = page.inner_text("#differs")
    assert "Learning rate 0.01 → 0.1" in told
    assert "3 tanh → 2 relu" in told
    assert page.inner_text("#pinned .scores") == pinned
    page.reload()
    page.wait_for_selector("body[data-ready]")
    settle(page)
    assert page.inner_text("#differs") == told
    page.click("[data-curve=quality]")
    page.click("#language")
    wait(page, "document.getElementById('differs').textContent.includes('学习率')")
    page.focus("#unpin")
    page.keyboard.press("Enter")
    wait(page, "!document.getElementById('pinned')")
    assert page.evaluate("document.activeElement.id") == "pin"


def test_what_differs_and_what_is_refused_is_said_in_the_words_of_the_page(open_page):
    page = open_page().page(locale="zh-CN")
    page.click("#data details:not(.more, .layers) summary")
    page.fill("#paste", "a,b,c\n1,2,u\n2,1,v\n3,4,u\n")
    page.click("#use")
    wait(page, "playground.settings.data === 'own'")
    page.click("#pin")
    page.select_option("#set-set", "moons")
    wait(page, "document.getElementById('differs').textContent.includes('moons')")
    assert "自己的表格 → moons" in page.inner_text("#differs")
    enter(page, "lr", "")
    wait(page, "playground.notice.includes('不能为空')")


def test_what_was_pinned_by_nobody_is_not_shown(open_page):
    page = open_page().page()
    for text in ("{", "[1]", '{"step": 1}', '"x"'):
        page.evaluate(f"sessionStorage.setItem('adjoint pinned', {json.dumps(text)})")
        page.reload()
        page.wait_for_selector("body[data-ready]")
        settle(page)
        assert page.locator("#pinned").count() == 0


def saved(page, path):
    with page.expect_download() as download:
        page.click("#save-session")
    download.value.save_as(path)
    return json.loads(path.read_text(encoding="utf-8"))


def test_a_saved_session_is_loaded_by_another_page(open_page, tmp_path):
    one = open_page()
    page = one.page()
    page.click("summary[data-hint=paste]")
    page.fill(
        "#paste", "a,b,kind\n" + "".join(f"{n / 7},{n % 3},{'uv'[n % 2]}\n" for n in range(30))
    )
    page.click("#use")
    wait(page, "playground.settings.data === 'own'")
    settle(page)
    changed(page)
    assert "rows=not+in+this+address" in page.url
    content = saved(page, tmp_path / "s.json")
    assert content["step"] == 70
    again = one.page()
    again.set_input_files("#session-file", tmp_path / "s.json")
    wait(again, "playground.step === 70")
    settle(again)
    assert values(again) == values(page)
    assert again.evaluate("playground.settings") == page.evaluate("playground.settings")


def test_a_file_that_cannot_be_is_refused_in_both_languages(open_page, tmp_path):
    page = open_page().page()
    go(page, 3)
    content = saved(page, tmp_path / "s.json")
    before = values(page)
    content["settings"]["lr"] = -1
    spoilt = {
        "rate.json": json.dumps(content),
        "text.json": "\0<svg onload=alert(1)>",
        "no.json": "{}",
    }
    for name, text in spoilt.items():
        (tmp_path / name).write_text(text)
    for language in ("en", "zh"):
        for name in spoilt:
            page.set_input_files("#session-file", tmp_path / name)
            wait(page, "document.getElementById('notice').textContent")
            told = page.inner_text("#notice")
            assert ("：" in told) == (language == "zh"), told
            assert (settle(page), values(page)) == (3, before)
            page.evaluate("playground.say('')")
        page.click("#language")


def test_settings_in_an_address_that_cannot_be_are_refused(open_page):
    from urllib.parse import quote

    one = open_page()
    for settings in (
        {"changes": [{"step": 5, "given": {"lr": -1}}]},
        {"changes": [{"step": 5, "given": {"layers": []}}]},
        {"changes": "x" * 1000},
        {"data": "formula", "formula": "__import__('os').system('x')"},
        {"layers": [{"units": 2, "activation": "tanh", "norm": "<b>"}]},
        {"data": "drawn"},
    ):
        page = one.page(f"#step=9&settings={quote(json.dumps(settings))}")
        assert page.inner_text("#notice")
        assert settle(page) == 0
        assert page.evaluate("playground.settings.rows") == SMALL["rows"]
