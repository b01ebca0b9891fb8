"""On the page: panels as SVG, the model for where there is no adjoint, and layers one by one."""

from xml.etree import ElementTree

import numpy as np
import pytest
from opened_page import SMALL, settle, wait

import adjoint as ad

pytestmark = pytest.mark.full
SVG = "{http://www.w3.org/2000/svg}"


def file(page, button):
    with page.expect_download() as download:
        page.click(button)
    return download.value.suggested_filename, download.value.path()


def test_every_panel_is_a_picture_whole_in_itself_in_light_colours(open_page):
    page = open_page().page()
    page.evaluate("playground.goTo(30)")
    settle(page)
    page.evaluate("document.documentElement.dataset.theme = 'dark'; playground.tell('theme')")
    for name in ("network", "output", "curve", "flow", "graph"):
        if name == "graph":
            page.click("#tab-graph")
            page.wait_for_selector("#graph svg")
        suggested, path = file(page, f"#svg-{name}")
        assert suggested == f"{name}.svg"
        root = ElementTree.parse(path).getroot()
        assert "step 30" in root.find(f"{SVG}title").text.lower()
        assert root.find(f"{SVG}rect").get("fill") == "#ffffff"
        links = [v for each in root.iter() for n, v in each.attrib.items() if n.endswith("href")]
        assert all(link.startswith("data:image/png;base64,") for link in links)
        assert len(links) == {"network": 3, "output": 1}.get(name, 0)
        assert "#1d2126" not in path.read_text(encoding="utf-8")  # the panel's colour in the dark
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_names_that_are_markup_or_no_characters_of_xml_are_text(open_page):
    page = open_page().page()
    page.click("summary[data-hint=paste]")
    names = '<b>&\\u0001,\\ud800""x,y'
    rows = "\\n".join(f"{n},{n % 3},{'<i>' if n % 2 else '&amp;'}" for n in range(20))
    page.evaluate(
        f'document.getElementById("paste").value = "{names}\\n{rows}"'.replace('""', '\\"')
    )
    page.evaluate("document.getElementById('paste').dispatchEvent(new Event('input'))")
    page.click("#use")
    wait(page, "playground.settings.data === 'own'")
    settle(page)
    texts = [each.text for each in ElementTree.parse(file(page, "#svg-output")[1]).getroot().iter()]
    assert "<i>" in texts
    ElementTree.parse(file(page, "#svg-network")[1])


def test_the_model_is_given_out_for_numpy(open_page):
    one = open_page(SMALL | {"features": ["x1", "product"]})
    page = one.page()
    page.evaluate("playground.goTo(20)")
    settle(page)
    page.click("#code")
    suggested, path = file(page, "#export-py")
    assert suggested == "model.py"
    scope = {"__name__": "model"}
    exec(path.read_text(), scope)
    X = one.session.steps.setup.problem.X
    with one.session.turn, ad.no_grad():
        np.testing.assert_allclose(scope["model"](X), one.session.steps.model(X).data, rtol=1e-12)
    for target in ("c", "wasm", "html"):
        assert file(page, f"#export-{target}")[0].startswith("model")
    wait(page, "document.querySelector('#exports [role=status]').textContent.includes(' B')")


def test_layers_have_parts_of_their_own(open_page):
    one = open_page(SMALL | {"layers": SMALL["layers"] * 2})
    page = one.page()
    page.click("details.layers summary")
    page.select_option("#layer-norm-1", "layer")
    wait(page, "playground.settings.layers[0].norm === 'layer'")
    page.fill("#layer-dropout-2", "0.25")
    page.press("#layer-dropout-2", "Enter")
    wait(page, "playground.settings.layers[1].dropout === 0.25")
    page.fill("#layer-dropout-2", "2")
    page.press("#layer-dropout-2", "Enter")
    wait(page, "document.getElementById('notice').textContent.includes('0.9')")
    page.fill("#layer-dropout-2", "")
    page.press("#layer-dropout-2", "Enter")
    wait(page, "playground.settings.layers[1].dropout === null")
    kinds = [type(each).__name__ for each in one.session.steps.model.layers]
    assert kinds == ["Linear", "LayerNorm", "Tanh", "Linear", "Tanh", "Linear"]
    page.select_option("#set-dtype", "float32")
    wait(page, "playground.settings.dtype === 'float32'")
    settle(page)
    page.click("#flow .bars button >> nth=0")
    page.click("#check")
    page.wait_for_selector("#checked .good")
