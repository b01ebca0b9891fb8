"""The page in a browser: every control, own tables, the way back, the program, both languages."""

import json
import re
from importlib.resources import files

import numpy as np
import pytest
from opened_page import SMALL, settle, values, wait

import adjoint as ad
from adjoint.playground import launch, requests
from adjoint.playground.frame import unpack
from adjoint.playground.own_table import read_text
from adjoint.playground.session import Brought, Session
from adjoint.playground.settings import read

PAGE = files("adjoint.playground") / "page"


# --- without a browser ----------------------------------------------------------------------------


def modules():
    return [entry for entry in PAGE.iterdir() if entry.name.endswith(".js")]


def test_every_word_that_is_said_is_known_in_both_languages():
    words = (PAGE / "words.js").read_text(encoding="utf-8")
    known = re.findall(r'\b(\w+): \[("(?:[^"\\]|\\.)*"(?:,\s*"(?:[^"\\]|\\.)*")*)\]', words)
    counts = {key: len(re.findall(r'"(?:[^"\\]|\\.)*"', texts)) for key, texts in known}
    assert set(counts.values()) <= {2, 4}
    text = "".join(entry.read_text(encoding="utf-8") for entry in modules())
    said = set(re.findall(r'\bsay\("(\w+)"', text)) | set(re.findall(r'"data-hint": "(\w+)"', text))
    assert len(said) > 60
    assert said <= counts.keys()


@pytest.fixture
def forms():
    """Return the sentences that the page can translate, as patterns, with what they become."""
    text = (PAGE / "refusals.js").read_text(encoding="utf-8")
    return re.findall(r'\[/(\^.+\$)/, "(.+)"\],', text)


def test_every_form_of_a_sentence_has_what_its_translation_repeats(forms):
    assert len(forms) > 20
    for form, translation in forms:
        places = {int(place) for place in re.findall(r"\{(?:say )?(\d)\}", translation)}
        assert places == set(range(1, re.compile(form).groups + 1)), form


@pytest.mark.parametrize(
    ("do", "given"),
    [
        ("begin", {"settings": {"rows": 7}}),
        ("begin", {"settings": {"rows": None}}),
        ("begin", {"settings": {"seed": 1.5}}),
        ("begin", {"settings": {"options": {"beta1": -1}}}),
        ("begin", {"settings": {"features": []}}),
        ("begin", {"settings": {"data": "own"}}),
        ("begin", {"settings": {"data": "hills"}}),
        ("begin", {"settings": {"loss": "mse_loss"}}),
        ("begin", {"settings": {"loss": "hinge_loss", "mistake": "without_softmax"}}),
        ("begin", {"settings": {"data": "rays", "loss": "hinge_loss"}}),
        ("begin", {"settings": {"rows": 11, "test": 0, "norm": "batch"}}),
        ("bring", {"text": "x" * 1_000_001}),
        ("bring", {"text": "a,b\n" + "x" * 200_000}),
        ("bring", {"text": "a,b"}),
        ("bring", {"text": "a,b\n1,2\n3\n"}),
        ("bring", {"text": "a\n1\n"}),
        ("bring", {"text": "a,b\n" + "1,2\n" * 5001}),
        ("bring", {"text": "a,b\nx,1\ny,2\n"}),
        ("bring", {"text": 4 * ("1" + ",x" * 49 + "\n1" + ",y" * 49 + "\n")}),
        ("bring", {"text": "a,b\n,1\n2,\n"}),
        ("bring", {"text": "a,b\n1e200,1\n2,2\n"}),
        ("bring", {"text": "a,b\n1,1e200\n2,2.5\n"}),
        ("bring", {"text": "a,b\n1,2\n", "target": "c"}),
        ("bring", {"text": "a,b\n1,x\n2,x\n"}),
        ("bring", {"text": "a,b\n" + "".join(f"{n},w{n}\n" for n in range(9))}),
    ],
)  # fmt: skip
def test_what_a_reader_may_be_refused_has_a_translation(forms, do, given):
    message = json.dumps({"do": do, "id": 1, **given})
    header, _ = unpack(requests.answer(Session(Brought(read(SMALL))), message)[8:])
    assert header["what"] == "error"
    assert [form for form, _ in forms if re.match(form, header["error"])], header["error"]


def test_every_note_on_a_table_has_a_translation(forms):
    rows = "".join(f"{n},{'ab'[n % 2]},w{n},{n if n else ''}\n" for n in range(8))
    _, notes = read_text("a,few,many,y\n" + rows, None)
    assert len(notes) == 3
    for note in notes:
        assert [form for form, _ in forms if re.match(form, note)], note


def test_nothing_in_the_page_is_evaluated_or_taken_for_markup():
    for entry in modules():
        text = entry.read_text(encoding="utf-8")
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", text
        )
        assert not re.search(r"new Function|setTimeout\(\s*[\"'`]|https?://(?!www\.w3\.org)", text)
        assert text.startswith("/** ")


# --- with one -------------------------------------------------------------------------------------


def test_the_page_opens_and_trains_without_a_complaint(open_page):
    page = open_page().page()
    page.click("#play")
    wait(page, "playground.frames >= 12")
    page.click("#play")
    assert settle(page) >= 100
    colours = page.evaluate(
        "(() => { const c = document.getElementById('field');"
        " const { data } = c.getContext('2d').getImageData(0, 0, c.width, c.height);"
        " return new Set(new Uint32Array(data.buffer)).size; })()"
    )
    assert colours > 20
    assert page.inner_text("#where").startswith(f"{page.evaluate('playground.step'):,}")


@pytest.mark.full
def test_every_control_of_the_data_panel_is_used(open_page):
    one = open_page(SMALL | {"rows": 40})
    page = one.page()
    page.click("details.more summary")
    for name in ("set", "loss", "optimizer", "initialise", "norm", "schedule"):
        options = page.eval_on_selector_all(f"#set-{name} option", "all => all.map(o => o.value)")
        assert len(options) > 1 or name == "loss"
        for option in options:
            page.select_option(f"#set-{name}", option)
            wait(
                page,
                f"document.getElementById('set-{name}').value === {option!r}"
                f" && playground.now['{'data' if name == 'set' else name}'] === {option!r}",
            )
            page.click("#step")
            settle(page)
            assert page.inner_text("#notice") == "", (name, option)
        page.select_option(f"#set-{name}", options[0])
        settle(page)
    for name, value in {
        "rows": "50", "noise": "0.3", "test": "0.5", "seed": "7", "lr": "0.02", "batch_size": "5",
        "dropout": "0.1", "stop_epoch": "4", "stop_loss": "0.001",
    }.items():  # fmt: skip
        page.fill(f"#set-{name}", value)
        page.press(f"#set-{name}", "Enter")
        wait(page, f"playground.now['{name}'] === {value}")
    for name in ("x1_squared", "sin_x2", "x1"):
        before = page.get_attribute(f"#features [data-name={name}]", "aria-pressed")
        page.click(f"#features [data-name={name}]")
        wait(
            page,
            f"document.querySelector('#features [data-name={name}]').ariaPressed !== '{before}'",
        )
    settings = one.session.settings
    assert (settings.rows, settings.seed, settings.stop_epoch) == (50, 7, 4)
    assert settings.features == ("x2", "x1_squared", "sin_x2")
    page.fill("#set-rows", "7")
    page.press("#set-rows", "Enter")
    wait(page, "document.getElementById('notice').textContent.includes('from 10')")
    assert page.input_value("#set-rows") == "50"


@pytest.mark.full
def test_layers_and_units_are_added_and_removed_by_hand(open_page):
    one = open_page()
    page = one.page()
    layers = lambda: [(each.units, each.activation) for each in one.session.settings.layers]  # noqa: E731
    page.click("#add-layer")
    page.wait_for_selector("[data-remove='2']")
    page.click("[data-more='1']")
    wait(page, "playground.settings.layers[0].units === 4")
    page.select_option("select[data-layer='2']", "relu")
    wait(page, "playground.settings.layers[1].activation === 'relu'")
    assert layers() == [(4, "tanh"), (4, "relu")]
    page.click("[data-less='2']")
    wait(page, "playground.settings.layers[1].units === 3")
    page.click("[data-remove='1']")
    wait(page, "playground.settings.layers.length === 1")
    assert layers() == [(3, "relu")]
    page.click("[data-remove='1']")
    wait(page, "playground.settings.layers.length === 0")
    page.click("#step")
    settle(page)
    assert one.session.steps.taken == 1


STEPPED = {
    "small": SMALL,
    "five classes": {
        "data": "wheel", "classes": 5, "rows": 60,
        "layers": [{"units": 7, "activation": "relu"}, {"units": 3, "activation": "gelu"}],
    },
    "numbers": {
        "data": "hills", "loss": "huber_loss", "rows": 40, "norm": "layer", "optimizer": "sgd",
        "layers": [{"units": 3, "activation": "softplus"}],
    },
    "a mistake": SMALL | {"mistake": "without_softmax", "batch_size": 4},
}  # fmt: skip


@pytest.mark.full
@pytest.mark.parametrize("settings", STEPPED.values(), ids=STEPPED)
def test_the_lines_are_those_of_explain_number_by_number(open_page, settings):
    one = open_page(settings)
    page = one.page()
    page.evaluate("playground.goTo(3)")
    wait(page, "playground.step === 3")
    settle(page)
    steps = one.session.steps
    with one.session.turn:
        X, y = steps.batch()
        expected = list(ad.explain(steps.model, X, y, loss=steps.setup.loss))
    page.click("#scale [data-hint=operation]")
    page.click("#tab-source")
    for step in expected:
        wait(page, f"playground.line === {step.number}")
        assert page.inner_text("#line-source") == f"{step.name} = {step.source}"
        lit = page.inner_text("#source .lit").split("  #")[0].rstrip()
        assert lit == f"{step.name} = {step.source}"
        cells = page.eval_on_selector_all(
            "#passes .matrix >> nth=0 >> td[title]", "all => all.map(c => c.title)"
        )
        value = step.value.reshape(1, -1) if step.value.ndim < 2 else step.value
        np.testing.assert_array_equal(np.array(cells, float), value[:6, :6].ravel())
        if step is not expected[-1]:
            page.click("#step")
    assert steps.taken == 3
    page.click("#tab-graph")
    assert page.locator("#graph .box.lit").count() >= 1


@pytest.mark.full
@pytest.mark.parametrize("settings", STEPPED.values(), ids=STEPPED)
def test_the_gradients_of_the_lines_are_those_of_the_record_of_the_batch(open_page, settings):
    one = open_page(settings)
    page = one.page()
    page.evaluate("playground.goTo(2)")
    wait(page, "playground.step === 2")
    settle(page)
    steps = one.session.steps
    with one.session.turn:
        steps.model.zero_grad()
        X, y = steps.batch()
        steps.setup.loss(steps.model(X), y).backward()
        gradients = {path: p.grad.data for path, p in steps.model.named_parameters()}
    found = page.evaluate(
        "Object.fromEntries(Object.entries(playground.derivation.gradient).map(([path, name]) =>"
        " [path, playground.derivation.steps.find((s) => s.name === name).values]))"
    )
    for path, gradient in gradients.items():
        shown = np.atleast_2d(gradient)[:6, :6]
        # The written lines may add in another order.
        np.testing.assert_allclose(np.array(found[path], float), shown, rtol=1e-9, atol=1e-15)


HOLD = """(() => {
  const ask = playground.link.ask.bind(playground.link);
  const held = new Promise((go) => { window.letGo = go; });
  playground.link.ask = async (what, given) => {
    if (what === "%s") await held;
    return ask(what, given);
  };
})()"""


@pytest.mark.full
def test_numbers_of_another_step_are_faded_until_those_of_this_one_are_there(open_page):
    page = open_page().page()
    settle(page)
    page.evaluate(HOLD % "derive")
    page.evaluate("playground.choose('layers[0].weight', 0)")
    page.evaluate("playground.goTo(1)")
    wait(page, "playground.step === 1")
    assert page.get_attribute("#passes", "aria-busy") == "true"
    assert page.locator("#selected [aria-busy=true]").count() == 1
    assert not page.evaluate("playground.isDerived")
    page.evaluate("letGo()")
    settle(page)
    assert page.evaluate("playground.derivation.step") == 1
    assert page.get_attribute("#passes", "aria-busy") == "false"
    assert page.locator("#selected [aria-busy=true]").count() == 0


@pytest.mark.full
@pytest.mark.parametrize("then", ["goTo(1)", "choose('layers[0].weight', 1)"])
def test_a_check_of_another_step_or_entry_is_not_shown(open_page, then):
    page = open_page().page()
    settle(page)
    page.evaluate("playground.choose('layers[0].weight', 0)")
    page.evaluate(HOLD % "check")
    page.evaluate("void (window.checked = playground.checkEntry())")
    page.evaluate(f"playground.{then}")
    settle(page)
    page.evaluate("letGo()")
    page.evaluate("window.checked")
    assert page.evaluate("playground.check") is None
    page.evaluate("playground.checkEntry()")
    assert page.evaluate("playground.check.difference") < 1e-5


@pytest.mark.full
def test_the_smallest_step_is_a_line_and_after_the_last_comes_the_next_batch(open_page):
    page = open_page().page()
    settle(page)
    page.click("#scale button >> nth=0")
    count = page.evaluate("playground.derivation.steps.length")
    for _ in range(count - 1):
        page.click("#step")
        page.wait_for_timeout(20)
    assert settle(page) == 0
    assert page.evaluate("playground.line") == count
    page.click("#step")
    wait(page, "playground.step === 1")
    settle(page)
    assert page.evaluate("playground.line") == 1
    page.click("#back")
    wait(page, "playground.step === 0")
    wait(page, f"playground.line === {count}")


@pytest.mark.full
def test_back_and_the_slider_lead_to_the_numbers_of_before(open_page):
    page = open_page().page()
    seen = []
    for _ in range(5):
        seen.append(values(page))
        page.click("#step")
        settle(page)
    for before in reversed(seen):
        page.click("#back")
        settle(page)
        assert values(page) == before
    page.evaluate("playground.goTo(3)")
    wait(page, "playground.step === 3")
    assert values(page) == seen[3]
    page.click("#scale button >> nth=2")
    page.click("#step")
    settle(page)
    assert page.evaluate("playground.frame.header.epoch") == 1
    page.click("#reset")
    wait(page, "playground.step === 0")
    assert values(page) == seen[0]


@pytest.mark.full
def test_a_weight_is_selected_checked_and_its_rule_shown(open_page):
    page = open_page().page()
    page.click("#step")
    settle(page)
    box = page.locator("#net canvas").bounding_box()
    units = page.eval_on_selector_all(
        "#net .unit",
        "all => all.map(u => [u.offsetLeft + u.offsetWidth / 2, u.offsetTop + u.offsetHeight / 2])",
    )
    middle = [(units[0][i] + units[2][i]) / 2 for i in (0, 1)]
    page.mouse.click(box["x"] + middle[0], box["y"] + middle[1])
    wait(page, "playground.entry !== null")
    entry = page.evaluate("playground.entry")
    assert (entry["name"], entry["index"]) == ("layers[0].weight", 0)
    page.click("#check")
    page.wait_for_selector("#checked .good")
    page.click("#update summary")
    page.wait_for_selector("#update pre")
    assert "W1_new = W1 - " in page.inner_text("#update pre")
    page.click("#net .unit >> nth=3")
    wait(page, "playground.entry.name === 'layers[0].bias'")
    assert page.evaluate("playground.line") == page.evaluate("playground.lineOf('d_b1')")
    page.click("#flow .bars button >> nth=2")
    wait(page, "playground.entry.name === 'layers[2].weight'")


def middles(page):
    """Return where the units are in the picture of the network, as they are written."""
    box = page.locator("#net canvas").bounding_box()
    units = page.eval_on_selector_all(
        "#net .unit",
        "all => all.map(u => [u.offsetLeft + u.offsetWidth / 2, u.offsetTop + u.offsetHeight / 2])",
    )
    return [(box["x"] + x, box["y"] + y) for x, y in units]


@pytest.mark.full
def test_a_link_is_chosen_along_its_curve_and_says_its_weight(open_page):
    page = open_page({"rows": 60, "layers": [{"units": 4, "activation": "tanh"}] * 2}).page()
    settle(page)
    # From the first unit of one layer to the last of the next; its line would be 12 % higher there.
    (x0, y0), (x1, y1) = middles(page)[2], middles(page)[9]
    t = 0.25
    along, down = 1.5 * t - 1.5 * t**2 + t**3, 3 * t**2 - 2 * t**3
    place = x0 + (x1 - x0) * along, y0 + (y1 - y0) * down
    page.mouse.move(*place)
    wait(page, "document.querySelector('#net canvas').title.includes('unit 1')")
    page.mouse.click(*place)
    wait(page, "playground.entry !== null")
    assert page.evaluate("[playground.entry.name, playground.entry.index]") == [
        "layers[2].weight",
        3,
    ]


@pytest.mark.full
def test_a_unit_under_the_pointer_is_shown_in_the_place_of_the_output(open_page):
    page = open_page().page()
    settle(page)
    before = page.evaluate("document.getElementById('field').toDataURL()")
    page.hover("#net .unit >> nth=3")
    wait(page, "playground.magnified && playground.magnified.unit === 1")
    assert page.evaluate("document.getElementById('field').toDataURL()") != before
    page.mouse.move(2, 2)
    wait(page, "playground.magnified === null")
    assert page.evaluate("document.getElementById('field').toDataURL()") == before
    page.hover("#net .unit >> nth=3")
    wait(page, "playground.magnified")
    page.keyboard.press("g")
    wait(page, "playground.magnified === null")
    assert page.evaluate("document.getElementById('field').toDataURL()") == before


@pytest.mark.full
def test_the_rows_that_a_line_reads_can_be_seen(open_page):
    page = open_page().page()
    settle(page)
    page.wait_for_selector("#passes [data-reads='X']")
    page.click("#passes [data-reads='X']")
    X = page.evaluate("playground.derivation.given.find((g) => g.name === 'X').values[0][0]")
    title = page.locator("#passes .matrix >> nth=1").locator("td >> nth=0").get_attribute("title")
    assert float(title) == X


@pytest.mark.full
def test_the_focus_stays_where_a_change_was_made(open_page):
    page = open_page().page()
    settle(page)
    for way in ("#set-rows", "#net [data-more]", "#scale [data-hint=epoch]", "#play"):
        page.focus(way)
        before = page.evaluate("playground.opening.header.step + playground.frames")
        if way == "#set-rows":
            page.keyboard.type("1")
        page.keyboard.press("Enter")
        if way in ("#set-rows", "#net [data-more]"):
            wait(page, f"playground.frames + playground.opening.header.step > {before}")
        assert page.evaluate(f"document.activeElement === document.querySelector({way!r})"), way


@pytest.mark.full
def test_a_lost_connection_is_said_until_it_is_there_again(open_page):
    page = open_page().page()
    settle(page)
    page.evaluate("playground.link.socket.close()")
    page.wait_for_selector("#notice button")
    page.click("#play")
    page.keyboard.press("ArrowRight")
    assert page.locator("#notice button").is_visible()
    page.click("#notice button")
    page.wait_for_selector("body[data-ready]")
    page.click("#step")
    assert settle(page) == 1


@pytest.mark.full
def test_many_steps_of_an_address_can_be_left(open_page):
    page = open_page().page()
    settle(page)
    page.evaluate("void playground.goTo(15_000_000)")
    wait(page, "playground.notice.includes('15,000,000')")
    page.click("#play")
    page.click("#play")
    assert settle(page) < 15_000_000


@pytest.mark.full
def test_a_point_is_followed(open_page):
    page = open_page().page()
    page.click("#field", position={"x": 100, "y": 120})
    wait(page, "document.getElementById('probe').textContent.includes('P(1)')")


@pytest.mark.full
def test_the_point_that_is_followed_is_moved_by_the_arrow_keys(open_page):
    page = open_page().page()
    settle(page)
    left, bottom, right, top = page.evaluate("playground.opening.header.sight")
    page.focus("#field")
    x, y = 0.5, 0.5
    for key, (dx, dy) in {
        "ArrowRight": (1, 0), "ArrowUp": (0, 1), "ArrowLeft": (-1, 0), "ArrowDown": (0, -1),
    }.items():  # fmt: skip
        page.keyboard.press(key)
        x, y = x + dx / 40, y + dy / 40
        at = left + x * (right - left), bottom + y * (top - bottom)
        wait(
            page,
            "(playground.frame.header.probe?.at || []).every("
            f"(v, i) => Math.abs(v - {list(at)}[i]) < 1e-9) && playground.frame.header.probe",
        )
    assert settle(page) == 0
    page.focus("#play")
    page.keyboard.press("ArrowRight")
    wait(page, "playground.step === 1")


@pytest.mark.full
@pytest.mark.parametrize("way", ["pasted", "file"])
def test_an_own_table_is_trained_on(open_page, tmp_path, way):
    one = open_page()
    page = one.page()
    rows = "".join(f"{n % 5},{n / 7},{n % 3},{'abc'[n % 3]}\n" for n in range(40))
    text = "length,width,depth,kind\n" + rows
    page.click("summary[data-hint=paste]")
    if way == "pasted":
        page.fill("#paste", text)
    else:
        (tmp_path / "own.csv").write_text(text)
        page.set_input_files("#file", str(tmp_path / "own.csv"))
        wait(page, "document.getElementById('paste').value.length > 100")
    page.select_option("#target", "kind")
    page.click("#use")
    wait(page, "playground.settings.data === 'own'")
    page.click("#step")
    settle(page)
    assert one.session.steps.setup.problem.rows.labels == ["a", "b", "c"]
    page.select_option("#output select >> nth=1", "2")
    wait(page, "playground.opening.header.axes[1] === 2")
    page.click("#code")
    page.wait_for_selector("#own-rows")


@pytest.mark.full
def test_hostile_tables_are_text_and_nothing_else(open_page):
    page = open_page().page()
    evil = '<img src=x onerror="window.hit=1">'
    quoted = '"' + evil.replace('"', '""') + '"'
    text = f"{quoted},=cmd|' /C calc'!A0,kind\n"
    text += "".join(f"{n},{-n},{['<script>hit=1</script>', evil[:9]][n % 2]}\n" for n in range(20))
    page.click("summary[data-hint=paste]")
    page.fill("#paste", text)
    page.click("#use")
    wait(page, "playground.settings.data === 'own'")
    page.click("#step")
    settle(page)
    assert page.evaluate("window.hit") is None
    assert page.locator("img, main script").count() == 0
    assert "<script>" in page.inner_text("#output")
    for bad in ("a", "a,b\n1", "x" * 2000, "a,b\n" + "1,2\n" * 5001):
        page.evaluate(
            "text => { const box = document.getElementById('paste'); box.value = text;"
            " box.dispatchEvent(new Event('input')); }",
            bad,
        )
        page.click("#use")
        wait(page, "document.getElementById('notice').textContent.length > 5")
        assert page.evaluate("playground.settings.data") == "own"
        page.evaluate("playground.say('')")


@pytest.mark.full
def test_the_address_leads_to_the_same_numbers(open_page):
    one = open_page()
    page = one.page()
    page.select_option("#set-set", "rays")
    wait(page, "playground.settings.data === 'rays'")
    page.fill("#set-seed", "5")
    page.press("#set-seed", "Enter")
    wait(page, "playground.settings.seed === 5")
    for _ in range(7):
        page.click("#step")
        settle(page)
    assert one.guard.key not in page.url
    other = one.page(fragment=page.url[page.url.index("#") :])
    wait(other, "playground.step === 7")
    assert values(other) == values(page)
    page.reload()
    page.wait_for_selector("body[data-ready]")
    assert page.evaluate("playground.step") == 7


@pytest.mark.full
@pytest.mark.parametrize(
    "fragment",
    [
        "#step=5&settings={",
        '#step=5&settings={"data":"<script>"}',
        '#step=-3&settings={"rows":1e12}',
        "#step=1e400&settings=[]",
        '#step=5&settings={"data":"own"}',
        '#step=5&settings={"__proto__":{"x":1}}',
        "#" + "a" * 10_000,
        "#step=%00&settings=%ff",
    ],
)
def test_hostile_addresses_are_refused_and_the_page_goes_on(open_page, fragment):
    page = open_page().page(fragment=fragment)
    page.click("#step")
    settle(page)
    assert page.evaluate("playground.step") in (1, 6)
    assert page.evaluate("({}).x") is None


@pytest.mark.full
def test_the_program_computes_the_pages_numbers_to_the_bit(open_page):
    one = open_page(
        SMALL | {"dropout": 0.1, "norm": "layer", "data": "waves", "loss": "huber_loss"}
    )
    page = one.page()
    page.click("#play")
    wait(page, "playground.frames >= 8")
    page.click("#play")
    settle(page)
    page.click("#step")
    settle(page)
    page.click("#code")
    page.wait_for_selector("#program")
    scope = {}
    exec(page.inner_text("#program"), scope)
    for name, array in one.session.steps.model.state_dict().items():
        np.testing.assert_array_equal(scope["model"].state_dict()[name], array)
    page.click("#whole-step")
    wait(page, "document.getElementById('program').textContent.includes('def step(')")


@pytest.mark.full
def test_the_model_is_saved(open_page, tmp_path):
    one = open_page()
    page = one.page()
    page.click("#step")
    settle(page)
    with page.expect_download() as download:
        page.click("#weights")
    download.value.save_as(tmp_path / "model.safetensors")
    other = one.session.steps.setup.make_model()
    ad.load_weights(other, tmp_path / "model.safetensors")
    for name, array in one.session.steps.model.state_dict().items():
        np.testing.assert_array_equal(other.state_dict()[name], array)


@pytest.mark.full
def test_all_is_done_by_the_keyboard(open_page):
    page = open_page().page()
    page.keyboard.press("ArrowRight")
    wait(page, "playground.step === 1")
    page.keyboard.press("3")
    page.keyboard.press("ArrowRight")
    wait(page, "playground.frame.header.epoch === 1")
    page.keyboard.press("2")
    page.keyboard.press("ArrowLeft")
    settle(page)
    page.keyboard.press("r")
    wait(page, "playground.step === 0")
    page.keyboard.press(" ")
    wait(page, "playground.step > 30")
    page.keyboard.press(" ")
    settle(page)
    for key, tab in (("g", "graph"), ("s", "source"), ("n", "network")):
        page.keyboard.press(key)
        assert page.get_attribute(f"#tab-{tab}", "aria-selected") == "true"
    page.keyboard.press("]")
    wait(page, "playground.line === 2")
    names = set()
    for _ in range(120):
        page.keyboard.press("Tab")
        name = page.evaluate(
            "(() => { const e = document.activeElement;"
            " return e.id || e.ariaLabel || e.textContent.slice(0, 20); })()"
        )
        names.add(name)
    for wanted in (
        "play",
        "step",
        "back",
        "reset",
        "past",
        "speed",
        "code",
        "set-lr",
        "check",
        "field",
    ):
        assert wanted in names | {"check" if page.locator("#check").count() == 0 else ""}, wanted
    page.focus("#parameter")
    page.select_option("#parameter", "layers[2].weight")
    page.wait_for_selector("#check")


@pytest.mark.full
def test_every_control_has_a_name(open_page):
    page = open_page().page()
    settle(page)
    page.evaluate("playground.choose('layers[0].weight', 0)")
    nameless = page.evaluate(
        "[...document.querySelectorAll("
        "'button, select, input:not([type=file]), textarea, [role=img], [role=button]')]"
        ".filter(e => !(e.ariaLabel || e.textContent.trim() || e.title || e.labels?.length))"
        ".map(e => e.outerHTML.slice(0, 80))"
    )
    assert nameless == []


@pytest.mark.full
def test_both_languages(open_page):
    one = open_page()
    page = one.page()
    assert page.inner_text("#play") == "Play"
    page.click("#language")
    wait(page, "document.getElementById('play').textContent === '播放'")
    assert page.get_attribute("html", "lang") == "zh-CN"
    wait(page, "playground.derivation?.title.includes('推导')")
    assert page.locator("#data").inner_text().count("学习率") == 1
    page.fill("#set-rows", "7")
    page.press("#set-rows", "Enter")
    wait(page, "playground.notice === '样本数：应为 10 到 5000 之间的数，实际为 7'")
    page.click("#language")
    wait(page, "document.getElementById('play').textContent === 'Play'")
    chinese = one.page(locale="zh-CN")
    assert chinese.inner_text("#play") == "播放"


@pytest.mark.full
@pytest.mark.parametrize("width", [1440, 1100, 800, 390])
@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_the_page_is_no_wider_than_the_screen(open_page, width, language):
    page = open_page().page(width=width, locale=language)
    settle(page)
    page.evaluate("playground.choose('layers[0].weight', 0)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.full
def test_dark_is_as_the_system_says_and_can_be_switched(open_page):
    page = open_page().page(color_scheme="dark")
    assert page.get_attribute("html", "data-theme") == "dark"
    page.click("#theme")
    assert page.get_attribute("html", "data-theme") == "light"


@pytest.mark.full
def test_with_reduced_motion_there_are_few_pictures(open_page):
    page = open_page().page(reduced_motion="reduce")
    page.click("#play")
    page.wait_for_timeout(2500)
    page.click("#play")
    assert 2 <= page.evaluate("playground.frames") <= 9


@pytest.mark.full
def test_a_diverging_training_says_so_and_goes_back(open_page):
    settings = SMALL | {"data": "hills", "loss": "mse_loss", "optimizer": "sgd", "lr": 1e5}
    page = open_page(settings | {"layers": [{"units": 3, "activation": "relu"}]}).page()
    page.click("#play")
    wait(page, "playground.frame.header.diverged.length > 0")
    assert "lower learning rate" in page.inner_text("#notice")
    page.click("#reset")
    wait(page, "playground.step === 0 && !playground.frame.header.diverged")


@pytest.mark.full
@pytest.mark.parametrize("kind", ["convolution", "seven columns", "one column"])
def test_models_of_the_users(open_page, kind):
    rng = np.random.default_rng(0)
    if kind == "convolution":
        model = ad.nn.Sequential(
            ad.nn.Conv2d(1, 2, 3, rng=0), ad.nn.ReLU(), ad.nn.Flatten(), ad.nn.Linear(18, 3, rng=1)
        )
        given = model, rng.normal(size=(20, 1, 5, 5)), np.arange(20) % 3, "cross_entropy"
    else:
        X = rng.normal(size=(30, 7 if kind == "seven columns" else 1))
        given = ad.nn.MLP(X.shape[1], 4, 1, rng=0), X, X.sum(axis=1, keepdims=True), "mse_loss"
    page = open_page(brought=launch.bring_model(*given, "adam", 8, 0, None)).page()
    page.click("#step")
    settle(page)
    page.click("#play")
    wait(page, "playground.step > 40")
    page.click("#play")
    settle(page)
    assert len(given[1]) == int(page.inner_text("#facts .mono >> nth=0"))
    assert page.locator("#probe").count() == (kind == "seven columns")
    page.click("#tab-graph")
    page.wait_for_selector("#graph svg")
    assert "no dead" not in page.inner_text("#flow") or kind != "convolution"


@pytest.mark.full
def test_two_pages_train_side_by_side(open_page):
    one = open_page()
    pages = [one.page(), one.page()]
    for page in pages:
        page.click("#play")
    for page in pages:
        wait(page, "playground.step > 100")
        page.click("#play")
    assert len(one.server.sessions) == 2
