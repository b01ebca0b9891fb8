"""The guided tour: each step sets the page and says what is true; it can be left and resumed."""

import numpy as np
import pytest
from opened_page import settle, wait

import adjoint as ad
from adjoint.playground import launch

pytestmark = pytest.mark.full

# What the texts say of the numbers that are seen: between which two each is.
CLAIMS = {
    "loss": {"loss": (0.68, 0.75)},
    "weight": {"difference": (0, 1e-6)},
    "equal": {"loss": (0.2, 0.3), "accuracy": (0.87, 0.91)},
    "uniform": {"loss": (0.67, 0.693)},
    "rate": {"loss": (0.75, np.inf)},
    "without_softmax": {"loss": (0.3132, 0.32), "accuracy": (0.99, 1), "difference": (0.1, 9)},
    "diagonal": {"loss": (0.69, 0.6935), "difference": (0.1, 9)},
    "printed": {"loss": (0.2, 0.3), "printed": (np.nan, np.nan)},
}
READ = {
    "loss": "playground.frame.header.train.loss",
    "accuracy": "playground.frame.header.train.quality",
    "printed": "playground.frame.header.train.printed",
    "difference": "playground.check.difference",
}


def steps_of(page):
    return page.evaluate("import('/page/tour_steps.js').then((m) => m.STEPS)")


def reached(page, step):
    """Wait until a step of the tour is shown."""
    wait(
        page,
        "document.getElementById('tour').ariaBusy === 'false' && !playground.busy"
        f" && document.getElementById('tour-title')?.textContent.includes({step['en'][0]!r})",
    )
    assert page.evaluate("playground.frame.header.epoch") == step.get("epochs", 0)
    page.wait_for_timeout(100)


def test_each_step_sets_the_page_and_says_what_is_true(open_page):
    page = open_page({}).page()
    article = page.evaluate("import('/page/tour_steps.js').then((m) => m.ARTICLE)")
    defaults = page.evaluate("playground.menu.defaults")
    assert page.is_visible("#tour-begin")
    page.click("#tour-begin")
    steps = steps_of(page)
    assert 8 <= len(steps) <= 12
    assert {step["id"] for step in steps} >= CLAIMS.keys()
    for step in steps:
        reached(page, step)
        settings = page.evaluate("playground.settings")
        wanted = defaults | article | step["settings"]
        assert settings | {"layers": 0} == wanted | {"layers": 0}, step["id"]
        for found, layer in zip(settings["layers"], wanted["layers"], strict=True):
            assert found == found | layer, step["id"]
        for selector in step["look"]:
            if selector != "#tour":
                assert page.locator(f".looked{selector}, .looked:has({selector})").count(), selector
        if "line" in step:
            assert page.evaluate(
                "playground.line === playground.lineOf(" + repr(step["line"]) + ")"
            )
        if "entry" in step:
            entry = page.evaluate("[playground.entry.name, playground.entry.index]")
            assert entry == list(step["entry"])
        for name, (low, high) in CLAIMS.get(step["id"], {}).items():
            number = float(page.evaluate(READ[name]))
            assert low <= number <= high or np.isnan([low, number]).all(), (
                step["id"],
                name,
                number,
            )
        for name in step.get("readings", []):
            assert "–" not in page.inner_text("#tour-readings"), name
        page.click("#tour-next" if step is not steps[-1] else "#tour-end")
    assert page.is_hidden("#tour")


def test_the_weight_s_gradient_is_written_out_with_its_numbers(open_page):
    one = open_page({})
    page = one.page()
    page.click("#tour-button")
    step = steps_of(page)[3]
    assert step["id"] == "weight"
    for _ in range(3):
        page.click("#tour-next")
    reached(page, step)
    with one.session.turn:
        X, y = one.session.steps.batch()
        found = ad.explain(one.session.steps.model, X, y, loss="cross_entropy")
    values = {each.name: each.value for each in found}
    left, _, right = page.inner_text("#terms").replace("−", "-").rpartition(" = ")
    products = [
        [float(part.strip("()")) for part in term.split(" · ")] for term in left.split(" + ")
    ]
    np.testing.assert_allclose(
        products, np.column_stack([X[:, 0], values["d_a1"][:, 0]]), rtol=5e-3
    )
    np.testing.assert_allclose(float(right), values["d_W1"][0, 0], rtol=5e-4)


def test_it_is_left_and_resumed_and_all_is_brought_back(open_page):
    page = open_page({}).page()
    page.click("#step")
    settle(page)
    page.click("#tour-begin")
    steps = steps_of(page)
    reached(page, steps[0])
    page.keyboard.press("ArrowRight")  # the title has the focus
    reached(page, steps[1])
    page.keyboard.press("ArrowLeft")
    reached(page, steps[0])
    page.keyboard.press("ArrowRight")
    reached(page, steps[1])
    assert page.evaluate("playground.step") == 0
    page.keyboard.press("Escape")
    assert "step 2 of" in page.inner_text("#tour")
    assert page.locator(".looked").count() == 0
    page.reload()
    page.wait_for_selector("body[data-ready]")
    page.click("#tour-resume")
    reached(page, steps[1])
    page.fill("#set-lr", "0.5")
    page.press("#set-lr", "Enter")
    wait(page, "playground.settings.lr === 0.5")
    page.click("#tour-again")
    wait(page, "playground.settings.lr === 0.05")
    reached(page, steps[1])
    page.click("#tour-leave")
    assert page.evaluate("document.activeElement.id") == "tour-resume"


def test_what_was_there_before_is_brought_back(open_page):
    page = open_page({"seed": 3}).page()
    page.click("#step")
    settle(page)
    page.click("#tour-begin")
    reached(page, steps_of(page)[0])
    page.click("#tour-leave")
    page.click("#tour-restore")
    wait(page, "playground.settings.seed === 3 && playground.step === 1")
    assert page.is_hidden("#tour")


def test_it_is_offered_once(open_page):
    page = open_page({}).page()
    page.click("#tour-decline")
    assert page.is_hidden("#tour")
    page.reload()
    page.wait_for_selector("body[data-ready]")
    assert page.is_hidden("#tour")
    page.click("#tour-button")
    reached(page, steps_of(page)[0])


def test_what_was_kept_of_it_may_be_nonsense(open_page):
    page = open_page({}).page()
    for kept in ("{", "[]", "null", '{"at": 99, "state": "left"}', '{"at": 1, "state": "x"}'):
        page.evaluate("(text) => localStorage.setItem('adjoint tour', text)", kept)
        page.reload()
        page.wait_for_selector("body[data-ready]")
        assert page.is_visible("#tour-begin"), kept


def test_a_model_of_the_readers_own_has_no_tour(open_page):
    X = np.arange(12.0).reshape(6, 2)
    given = ad.nn.Linear(2, 1, rng=0), X, X[:, :1], "mse_loss"
    page = open_page(brought=launch.bring_model(*given, "adam", 2, 0, None)).page()
    settle(page)
    assert page.locator("#tour-button").count() == 0
    assert page.is_hidden("#tour")


@pytest.mark.parametrize("width", [1440, 1000, 390])
@pytest.mark.parametrize("locale", ["en", "zh-CN"])
def test_a_step_fits_on_any_screen_in_both_languages(open_page, width, locale):
    page = open_page({}).page(width=width, height=844, locale=locale, reduced_motion="reduce")
    page.click("#tour-begin")
    for step in steps_of(page):
        title, text, attempt = step["zh" if locale == "zh-CN" else "en"]
        wait(page, f"document.getElementById('tour-title').textContent.includes({title!r})")
        assert text in page.inner_text("#tour")
        assert attempt in page.inner_text("#tour")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator("#tour").bounding_box()["height"] <= 0.47 * 844
        if page.locator("#tour-next").count():
            page.click("#tour-next")
    wait(page, "!playground.busy")
