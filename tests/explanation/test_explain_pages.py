"""The page of a derivation: its summary, its graph, its links, and what it is called."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn
from adjoint.explanation.derivation.html import fragment
from adjoint.explanation.derivation.picture import MOST_BOXES, Picture
from explained import Scaled, layers, random_program, square

SVG = "{http://www.w3.org/2000/svg}"


def network(lang="en", **settings):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(5, 2)), rng.integers(0, 2, 5)
    model = nn.MLP(2, 4, 4, 2, rng=0)
    return ad.explain(model, X, y, loss="cross_entropy", lang=lang, **settings)


def transformer():
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    return ad.explain(nn.TransformerEncoderLayer(4, 2, 8, rng=0), x, x, loss="mse_loss")


def derivations():
    yield network(entry="W1[0, 0]")
    yield transformer()
    yield ad.explain(lambda x: x, 2.0)
    yield ad.explain(lambda x: 3.0, 2.0)
    for seed in range(3):
        function, args = random_program(seed)
        yield ad.explain(function, *args, wrt=(0, 1, 2), entry="w[0, 0]")


def tree(page):
    return ElementTree.fromstring(page[page.index("<main") : page.index("</main>") + 7])


def text_of(element):
    return " ".join("".join(element.itertext()).split())


def targets(main):
    return [x.get("id") for x in main.iter() if x.get("id")]


def links(main):
    return [x.get("href") for x in main.iter() if x.get("href")]


# --- the summary


def test_the_summary_says_what_was_differentiated_and_that_all_of_it_holds():
    derivation = network()
    summary = tree(derivation.html()).find("section")
    terms, rows = (map(text_of, summary.iter(tag)) for tag in ("dt", "dd"))
    told = dict(zip(terms, rows, strict=True))
    assert told["Value"] == "loss=" + derivation.printed(derivation.value)
    assert told["Differentiated by"].startswith("W1 layers[0].weight (2, 4)")
    assert told["Given besides"] == "X (5, 2) y (5,)"
    assert told["Steps"] == "6 forward, 11 backward"
    steps, gradients = len(derivation), len(derivation.gradient)
    assert f"All {steps + gradients + 1} equalities hold" in text_of(summary)


def test_the_equalities_of_an_entry_are_counted_too():
    plain, entry = network(), network(entry="W1[0, 0]")
    assert entry.equalities == plain.equalities + entry.entry.equalities == plain.equalities + 15


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_notation_says_how_many_equalities_hold(lang):
    derivation = network(lang)
    for text in (str(derivation), derivation.markdown(), derivation.latex(), derivation.html()):
        assert derivation.verdict in text
    assert str(derivation.equalities) in derivation.verdict


# --- links


def test_every_link_has_one_target():
    for derivation in derivations():
        main = tree(derivation.html())
        found = targets(main)
        assert len(found) == len(set(found))
        assert {link.removeprefix("#") for link in links(main)} <= set(found)


def test_a_box_leads_to_the_step_with_its_value_and_a_step_back():
    derivation = network()
    picture = Picture(derivation)
    main = tree(derivation.html())
    boxes = {x.get("id"): x for x in main.iter(f"{SVG}g") if x.get("id")}
    operations = [n for n, card in enumerate(picture.cards) if card.kind == "operation"]
    for place in operations:
        first = boxes[f"box-{place}"].find(f"{SVG}a").get("href")
        step = derivation[int(first.removeprefix("#step-")) - 1]
        assert step.part == "forward"
        back = main.find(f".//li[@id='step-{step.number}']//span[@class='back']/a").get("href")
        assert back.startswith("#box-")
    assert len({box for box in boxes if box.startswith("box-")}) == len(picture.cards)


def test_boxes_lead_to_the_steps_that_the_formulas_say():
    derivation = network()
    picture = Picture(derivation)
    found = {
        card.title: (picture.forward[n].name, getattr(picture.backward.get(n), "name", None))
        for n, card in enumerate(picture.cards)
        if n in picture.forward
    }
    # The product has no line of its own; it stands in the one of what reads it.
    assert found["u1 = X W1"] == ("a1", "d_a1")
    assert found["z1 = σ(a1)"] == ("z1", "d_z1")
    assert found["a3 = u3 + b3"] == ("a3", "d_a3")
    weights = {card.title: n for n, card in enumerate(picture.cards) if card.kind == "parameter"}
    assert picture.backward[weights["W2"]].name == "d_W2"


def test_the_steps_inside_a_folded_module_lead_to_it():
    derivation = transformer()
    picture = Picture(derivation)
    at = {card.title.rpartition(" = ")[2]: n for n, card in enumerate(picture.cards)}
    inside = {
        step.formula.text: picture.box(step) for step in derivation if "query" in step.formula.text
    }
    assert at["attention"] in inside.values()


def test_all_steps_of_layers_have_links_that_lead_to_equal_values(full):
    for name, model, x in layers()[:: 1 if full else 6]:
        derivation = ad.explain(Scaled(model), x, loss=square)
        picture = Picture(derivation)
        for place, step in picture.forward.items():
            assert step.part == "forward", name
            assert place < len(picture.cards)
        for node, step in picture.steps.backward.items():
            np.testing.assert_allclose(step.value, picture.record.gradient[node], atol=1e-9)


def test_cited_equations_are_explained_at_the_end_of_the_page():
    main = tree(network().html())
    assert "#equation-3" in links(main.find("ol[@class='forward']"))
    backward = set(links(main.find("ol[@class='backward']")))
    assert {"#equation-5", "#equation-7", "#equation-9", "#equation-13", "#equation-14"} <= backward
    last = [x for x in main.iter("li") if (x.get("id") or "").startswith("equation-")]
    assert [x.get("id") for x in last] == [f"equation-{n}" for n in (2, 3, 5, 7, 9, 13, 14)]
    assert all(x.find("p").text for x in last)


def test_equations_lead_to_where_they_are_derived_if_that_is_known():
    main = tree(network().html(equations='page.html?a=1&b="2"#equation-{number}'))
    found = [link for link in links(main) if not link.startswith("#")]
    assert found == [f'page.html?a=1&b="2"#equation-{n}' for n in (2, 3, 5, 7, 9, 13, 14)]


def test_derivations_in_one_notebook_have_anchors_of_their_own():
    first, second = fragment(network()), fragment(transformer())
    assert not {*targets(tree(first))} & {*targets(tree(second))}


# --- names


def test_parameters_have_the_names_of_the_model():
    derivation = transformer()
    for text in (str(derivation), derivation.html(), derivation.markdown()):
        assert "attention.query.weight" in text.replace(r"\_", "_")
        assert "W1" not in text
    assert "∂loss/∂attention.query.weight" in str(derivation)
    assert "attention_query_weight" in derivation.script()
    assert derivation.title == "Derivation of mse_loss(TransformerEncoderLayer(X), y)"


def test_layers_of_a_stack_have_the_letters_of_the_equations():
    derivation = network()
    assert "W1 = layers[0].weight = [[" in str(derivation)
    model = nn.Sequential(nn.Linear(2, 3, rng=0), nn.BatchNorm(3), nn.Linear(3, 1, rng=0))
    found = ad.explain(model, np.eye(2), np.ones((2, 1)), loss="mse_loss").gradient
    assert [*found] == ["W1", "b1", "layers_1_weight", "layers_1_bias", "W2", "b2"]


def test_parameters_whose_names_meet_are_told_apart():
    class Two(nn.Module):
        def __init__(self):
            self.a_b, self.W1 = nn.Parameter(np.array(2.0)), nn.Parameter(np.array(3.0))
            self.a = nn.Linear(1, 1, rng=0)
            self.a.b, self.X = nn.Parameter(np.array(5.0)), nn.Parameter(np.array(7.0))

        def forward(self, x):
            return self.a(x) * self.a_b * self.a.b * self.W1 * self.X

    derivation = ad.explain(Two(), np.ones((1, 1)), np.ones((1, 1)), loss="mse_loss")
    told = [formula.text for formula, _ in derivation.given()]
    assert {"a_b", "a.b", "W1", "X"} <= set(told)
    found = {derivation.program.paths[name]: g for name, g in derivation.gradient.items()}
    assert found["a_b"] * 2 == pytest.approx(found["a.b"] * 5)
    assert found["X"] * 7 == pytest.approx(found["W1"] * 3)
    entry = ad.explain(Two(), np.ones((1, 1)), np.ones((1, 1)), loss="mse_loss", entry="a.b").entry
    assert entry.gradient == pytest.approx(found["a.b"])


def test_a_title_is_one_line():
    def f(*xs):
        return sum(xs)

    title = ad.explain(f, *np.arange(30.0)).title
    assert len(title) < 100
    assert title.startswith("Derivation of f(xs0, xs1, ")
    assert title.endswith(", …, xs29)")


def test_what_a_model_holds_and_no_line_reads_is_not_given():
    x, y = np.eye(2), np.ones((2, 1))
    for rate, given in [(0.0, False), (0.5, True)]:
        model = nn.Sequential(nn.Dropout(rate, rng=0), nn.Linear(2, 1, rng=0))
        derivation = ad.explain(model, x, y, loss="mse_loss", entry="W1[0, 0]")
        assert ("layers[0].state" in str(derivation)) == given
    assert "unused" in ad.explain(lambda x, unused: x * x, 2.0, 1.0).inputs


HOSTILE = "</script><b>$x\\y_{%}&\"'`|*\n# 变量"


def hostile():
    class Model(nn.Module):
        def __init__(self):
            self.parts = {HOSTILE: nn.Linear(2, 1, rng=0)}

        def forward(self, x):
            return self.parts[HOSTILE](x)

    Model.__name__ = HOSTILE

    def loss(prediction, 目标):
        误差 = prediction - 目标
        return np.mean(误差 * 误差)

    loss.__name__ = HOSTILE
    return Model(), loss


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_hostile_names_are_text_everywhere(lang):
    model, loss = hostile()
    derivation = ad.explain(model, np.eye(2), np.ones((2, 1)), loss=loss, lang=lang)
    page = derivation.html()
    tree(page)
    assert "</script>" not in page
    assert "<b>$" not in page
    assert "误差" in page
    latex = derivation.latex()
    bare = re.sub(r"\\[{}$%&#_]", "", latex)
    assert bare.count("{") == bare.count("}")
    assert bare.count("$") % 2 == 0
    assert not re.search(r"(?<!\\)[%#]", latex)
    assert "\n# 变量" not in derivation.markdown()
    with np.errstate():  # a script switches NumPy's warnings off for its own process
        exec(derivation.script(), {})


# --- size


def test_wide_layers_give_a_page_of_bounded_size():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(256, 64)), rng.integers(0, 10, 256)
    page = ad.explain(nn.MLP(64, 128, 10, rng=0), X, y, loss="cross_entropy").html()
    assert len(page) < 80_000


def test_a_graph_of_very_many_boxes_is_left_out():
    def f(*xs):
        return sum(x * x for x in xs)

    main = tree(ad.explain(f, *np.arange(MOST_BOXES + 1.0)).html())
    assert main.find(f".//{SVG}svg") is None
    assert "too many for a picture" in text_of(main)
