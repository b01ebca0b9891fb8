"""`draw` shows every value and gradient once, where they can be read, and changes nothing."""

import re
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn
from adjoint.explanation.drawing.folding import MOST_BOXES
from adjoint.explanation.drawing.graph_layout import size
from adjoint.explanation.drawing.letters import columns, cut
from adjoint.explanation.drawing.repeats import repeats
from adjoint.explanation.drawing.scene import Card
from adjoint.explanation.drawing.svg import Links
from adjoint.explanation.drawing.values import WIDEST
from explained import Scaled, layers, losses, random_program

SVG = "{http://www.w3.org/2000/svg}"


def cubic(x, w):
    return x * w + x**3


def affine_relu(x, w, b):
    a = x @ w + b
    z = np.maximum(a, 0)
    return np.sum(z**2)


POINT = np.array([[1.0, -2.0]]), np.array([[1.0, 2.0], [3.0, 0.5]]), np.array([0.0, 1.0])


@pytest.fixture(scope="module")
def batch():
    return ad.datasets.make_moons(5, noise=0.1, seed=0)


def card(drawing, name):
    """Return the card whose title begins with a name."""
    (found,) = (c for c in drawing.scene.cards if re.split(r"[ =]", c.title)[0] == name)
    return found


def arrows(drawing, source, target):
    """Return the arrows between two cards."""
    cards = drawing.scene.cards
    ends = cards.index(card(drawing, source)), cards.index(card(drawing, target))
    return [arrow for arrow in drawing.scene.arrows if (arrow.source, arrow.target) == ends]


# --- what is shown


def test_a_function_shows_values_gradients_and_contributions():
    drawing = ad.draw(cubic, 2.0, 4.0)
    assert card(drawing, "x").lines == [
        ("x", "title"),
        ("2", "value"),
        ("∇ 4 + 12 = 16", "gradient"),
    ]
    assert [a.label for a in arrows(drawing, "x", "v1")] == ["4"]
    assert [a.label for a in arrows(drawing, "x", "v2")] == ["12"]
    assert card(drawing, "value").is_result


def test_two_edges_between_the_same_values_are_two_arrows():
    drawing = ad.draw(lambda x: x - x, 3.0)
    assert [arrow.label for arrow in arrows(drawing, "x", "value")] == ["1", "-1"]
    assert card(drawing, "x").gradient == "∇ -1 + 1 = 0"


def test_the_users_names_stand_on_the_cards():
    titles = [c.title for c in ad.draw(affine_relu, *POINT).scene.cards]
    assert titles == ["x", "w", "b", "v1 = x w", "a = v1 + b", "z = max(a, 0)", "v2 = z²",
                      "value = Σ(v2)"]  # fmt: skip


def test_a_zero_contribution_is_dashed_and_one_that_is_not_needed_dotted():
    drawing = ad.draw(affine_relu, *(-abs(x) for x in POINT), wrt=(1, 2))
    assert {a.flow for a in arrows(drawing, "w", "v1")} == {"some"}
    blocked = ad.draw(affine_relu, abs(POINT[0]), -abs(POINT[1]), -abs(POINT[2]), wrt=1)
    (arrow,) = arrows(blocked, "w", "v1")
    assert (arrow.flow, arrow.label) == ("zero", "0")
    (arrow,) = arrows(blocked, "b", "a")
    assert arrow.flow == "none"
    svg = blocked.svg()
    assert 'class="backward zero"' in svg
    assert 'class="backward none"' in svg


def test_inputs_parameters_constants_and_fixed_arrays_look_different(batch):
    model = nn.MLP(2, 3, 2, rng=0)
    model.layers[0].bias = ad.tensor(model.layers[0].bias.data)
    drawing = ad.draw(lambda x, w: np.sum(x * w * np.array([1.0, 2.0])), *np.ones((2, 2)), wrt=1)
    assert [c.kind for c in drawing.scene.cards[:3]] == ["input", "parameter", "constant"]
    kinds = {c.title: c.kind for c in ad.draw(model, *batch, loss="cross_entropy").scene.cards}
    assert (kinds["X"], kinds["W1"], kinds["b1"]) == ("input", "parameter", "fixed")


def test_a_tensor_shows_its_recorded_graph_with_the_names_of_its_leaves():
    w = ad.tensor([1.0, 2.0], requires_grad=True)
    loss = np.sum(w * w)
    drawing = ad.draw(loss)
    assert card(drawing, "w").gradient == "∇ [2, 4]"
    assert card(drawing, "loss").value == "5"
    assert w.grad is None


def test_a_tensor_of_a_model_shows_the_models_parameters(batch):
    model = nn.MLP(2, 3, 2, rng=0)
    X, y = batch
    drawing = ad.draw(nn.CrossEntropyLoss()(model(X), y))
    assert {"W1", "b1", "W2", "b2"} <= {c.title for c in drawing.scene.cards}


def test_without_a_single_number_there_are_no_gradients():
    drawing = ad.draw(lambda x: (2 * x, x + 1), np.arange(3.0))
    assert not drawing.record.has_gradient
    assert "∇" not in drawing.svg()
    assert len(drawing.scene.cards) == 3


@pytest.mark.parametrize("returned", [lambda w: w, lambda w: [w, w], lambda w: (w, np.sum(w))])
def test_an_argument_that_is_returned_as_it_is_has_a_box(returned):
    drawing = ad.draw(returned, np.ones(2))
    assert card(drawing, "w").lines == [("w", "title"), ("[1, 1]", "value")]
    assert ">w<" in drawing.svg()


def test_large_arrays_are_told_by_shape_and_norm():
    drawing = ad.draw(lambda x: np.sum(x), np.full((10, 10), 2.0))
    assert card(drawing, "x").value == "10×10  ‖·‖ 20"


def test_a_tip_has_the_line_of_the_program():
    tip = card(ad.draw(affine_relu, *POINT), "z").tip
    assert re.search(r"test_draw\.py:\d+: z = np\.maximum\(a, 0\)", tip)


@pytest.mark.parametrize("seed", range(25))
def test_gradients_are_the_engines_and_contributions_add_up_to_them(seed):
    function, args = random_program(seed)
    record = ad.draw(function, *args).record
    for node, g in zip(record.inputs, ad.grad(function, (0, 1, 2))(*args), strict=True):
        np.testing.assert_allclose(record.gradient[node], g, rtol=1e-12, atol=1e-13)
    for node, g in record.gradient.items():
        parts = [c for edge, c in record.contributions.items() if edge.source is node]
        if parts:
            np.testing.assert_allclose(sum(parts), g, rtol=1e-10, atol=1e-12)


# --- where it is shown


def picture(seed):
    function, args = random_program(seed)
    return ad.draw(function, *args)


@pytest.fixture(scope="module")
def every_picture(batch):
    return list(drawings(*batch))


def drawings(X, y):
    rng = np.random.default_rng(0)
    yield from (picture(seed) for seed in range(25))
    yield from (ad.draw(model, x) for _, model, x in layers())
    yield ad.draw(nn.MLP(2, *[8] * 50, 2, rng=0), X, y, loss="cross_entropy")
    block = nn.TransformerEncoderLayer(8, 2, 16, rng=0)
    yield ad.draw(block, rng.normal(size=(2, 3, 8)))
    yield ad.draw(block, rng.normal(size=(2, 3, 8)), depth=9)


def test_no_two_cards_overlap(every_picture):
    for drawing in every_picture:
        for a, b in combinations(drawing.layout.boxes, 2):
            apart = a[0] + a[2] <= b[0] or b[0] + b[2] <= a[0]
            assert apart or a[1] + a[3] <= b[1] or b[1] + b[3] <= a[1], drawing


def test_every_arrow_leads_down_from_its_source_to_its_target(every_picture):
    for drawing in every_picture:
        boxes = drawing.layout.boxes
        for arrow, way in zip(drawing.scene.arrows, drawing.layout.ways, strict=True):
            (x0, y0), (x1, y1) = way.points[0], way.points[-1]
            left, top, width, height = boxes[arrow.source]
            assert left <= x0 <= left + width
            assert y0 == top + height
            left, top, width, height = boxes[arrow.target]
            assert left <= x1 <= left + width
            assert y1 == top
            assert all(upper[1] <= lower[1] for upper, lower in pairwise(way.points))


def test_no_arrow_passes_through_a_card(every_picture):
    for drawing in every_picture:
        for arrow, way in zip(drawing.scene.arrows, drawing.layout.ways, strict=True):
            for index, (left, top, width, height) in enumerate(drawing.layout.boxes):
                if index in (arrow.source, arrow.target):
                    continue
                for (x0, y0), (x1, y1) in pairwise(way.points):
                    if x0 == x1 and left < x0 < left + width:  # it runs straight down
                        assert y1 <= top or y0 >= top + height, (drawing, arrow.tip)


def test_the_way_of_the_data_is_straight(batch):
    X, y = batch
    layout = ad.draw(nn.MLP(2, 4, 4, 2, rng=0), X, y, loss="cross_entropy").layout
    straight = [way for way in layout.ways if {x for x, _ in way.points} == {0.0}]
    assert len(straight) >= 10


def test_texts_fit_their_cards_and_lie_in_the_picture(every_picture):
    for drawing in every_picture:
        tree = ElementTree.fromstring(drawing.svg())
        left, top, width, height = map(float, tree.attrib["viewBox"].split())
        for text in tree.iter(f"{SVG}text"):
            x, y = float(text.attrib["x"]), float(text.attrib["y"])
            assert top < y < top + height
            if "end" not in text.attrib["class"]:
                # A letter of DejaVu Sans Mono is 0.602 of the size wide.
                size = {"title": 12, "heading": 13}.get(text.attrib["class"], 11)
                assert left < x <= x + 0.602 * size * len(text.text) < left + width + 1, text.text


# --- folding


def test_fifty_layers_are_folded_in_their_middle(batch):
    drawing = ad.draw(nn.MLP(2, *[8] * 50, 2, rng=0), *batch, loss="cross_entropy")
    assert len(drawing.scene.cards) <= MOST_BOXES
    (middle,) = (c for c in drawing.scene.cards if " … " in c.title)
    assert middle.title == "a49 = layers[4 … 96]"
    assert "93 modules: Linear, Sigmoid" in middle.note
    assert drawing.record.has_gradient


def test_depth_says_how_many_levels_are_open(batch):
    model = nn.MLP(2, 4, 2, rng=0)
    whole = ad.draw(model, batch[0], depth=0)
    assert [c.kind for c in whole.scene.cards] == ["input", "module"]
    assert card(whole, "output").note == "MLP, 22 parameters"
    layers = ad.draw(model, batch[0], depth=1)
    assert [c.kind for c in layers.scene.cards] == ["input", *["module"] * 3]
    assert ad.draw(model, batch[0], depth=2).scene.frames


def test_an_input_is_no_parameter_of_the_module_that_alone_reads_it(batch):
    model = nn.Sequential(nn.Linear(2, 3, rng=0), nn.ReLU())
    drawing = ad.draw(lambda X: np.sum(model(X)), batch[0], depth=1)
    assert [c.note for c in drawing.scene.cards if c.kind == "module"] == ["Linear", "ReLU"]


@pytest.mark.parametrize(
    ("model", "x"), [case[1:] for case in layers()], ids=[case[0] for case in layers()]
)
def test_every_layer_folds_into_one_box_with_all_its_operations(model, x):
    folded = ad.draw(Scaled(model), x, depth=1)
    inside = {node for c in folded.scene.cards if c.kind == "module" for node in c.nodes}
    around = [c for c in folded.scene.cards if c.kind == "operation"]
    assert sum(c.kind == "module" for c in folded.scene.cards) <= 1
    assert len(inside) + len(around) == len(folded.record.graph.nodes)
    assert len(around) <= 2  # the products with the scale, before and after


def test_arguments_of_a_reshape_and_a_transpose_are_said():
    def permuted(image):
        return np.sum(np.transpose(np.reshape(image, (2, 6, 6, 4)), (0, 3, 1, 2)) ** 2)

    drawing = ad.draw(permuted, np.ones((2, 144)))
    texts = ["".join(text for text, _ in c.lines) for c in drawing.scene.cards]
    assert any("reshape(image,  (2, 6, 6, 4))" in text for text in texts), texts
    assert any("transpose(v1,  (0, 3, 1, 2))" in text for text in texts), texts


def test_no_operation_of_a_layer_hides_its_arguments(every_picture):
    for drawing in every_picture:
        for c in drawing.scene.cards:
            assert "(…)" not in "".join(text for text, _ in c.lines), drawing


def test_a_formula_too_long_for_a_card_is_cut():
    names = [f"a_rather_long_name_{n}" for n in range(20)]
    function = eval(f"lambda {', '.join(names)}: np.sum(np.stack([{', '.join(names)}]))")
    drawing = ad.draw(function, *np.ones((20, 2)))
    (stacked,) = (c for c in drawing.scene.cards if "stack" in c.note)
    assert len(stacked.lines) <= 8
    assert stacked.note.endswith("…")
    assert names[-1] in stacked.tip  # the whole of it shows on hover


def looped(x):
    for _ in range(40):
        x = np.tanh(x * 1.1 + 0.1)
    return np.sum(x)


def test_operations_that_repeat_are_folded_but_for_the_first_and_the_last_round():
    drawing = ad.draw(looped, np.array([0.5, 1.5]))
    kinds = [c.kind for c in drawing.scene.cards]
    assert kinds == ["input", *["operation"] * 3, "module", *["operation"] * 4]
    (folded,) = (c for c in drawing.scene.cards if c.kind == "module")
    assert folded.title == "v117 = 38 more rounds"
    assert folded.note == "multiply, add, tanh"
    assert len(folded.nodes) == 38 * 3
    np.testing.assert_allclose(
        drawing.record.gradient[drawing.record.inputs[0]], ad.grad(looped)(np.array([0.5, 1.5]))
    )


def test_a_depth_that_is_given_folds_no_rounds():
    assert len(ad.draw(looped, np.array([0.5, 1.5]), depth=1).scene.cards) == 122


def test_the_middle_of_a_long_graph_without_repeats_is_folded():
    def irregular(x):
        for n in range(60):
            x = (np.sin, np.exp, np.tanh, np.square, np.cos)[n * n * 7 % 11 % 5](x) if n % 7 else (
                np.sum(x) * x / (1 + n)
            )  # fmt: skip
        return np.sum(x)

    drawing = ad.draw(irregular, np.array([0.5, 1.5]))
    operations = [c for c in drawing.scene.cards if c.kind != "input"]
    assert len(operations) <= MOST_BOXES
    shown = [node for c in operations for node in c.nodes]
    assert sorted(map(id, shown)) == sorted(map(id, drawing.record.graph.nodes))


@pytest.mark.parametrize(
    ("does", "expected"),
    [
        ("", (0, 1, 1)),
        ("abcdefg", (0, 1, 1)),
        ("aaaa", (0, 1, 4)),
        ("xabcabcabcy", (1, 3, 3)),
        ("ababab" + "z" + "cdcdcdcdcd", (7, 2, 5)),
        ("aabaabaabaab", (0, 3, 4)),
    ],
)
def test_repeats_are_found_where_folding_them_saves_most(does, expected):
    found = repeats(does)
    start, length, times = found
    assert found == expected
    rounds = {does[start + n * length : start + (n + 1) * length] for n in range(times)}
    assert len(rounds) == 1


def test_a_folded_module_shows_the_norm_of_its_parameters_gradient(batch):
    model = nn.MLP(2, 4, 2, rng=0)
    drawing = ad.draw(model, *batch, loss="cross_entropy", depth=1)
    nn.CrossEntropyLoss()(model(batch[0]), batch[1]).backward()
    first = model.layers[0]
    norm = np.sqrt(np.sum(first.weight.grad**2) + np.sum(first.bias.grad**2))
    linear, sigmoid, _ = (c for c in drawing.scene.cards if c.kind == "module")
    assert linear.lines[-1] == (f"∇ parameters ‖·‖ {norm:.3g}", "gradient")
    assert f"norm of the parameters' gradient {norm:.3g}" in linear.tip
    assert sigmoid.parameters == ""
    assert ad.draw(model, batch[0], depth=1).scene.cards[1].parameters == ""  # no gradient at all


def test_open_names_modules_to_be_drawn_open():
    model = nn.TransformerEncoderLayer(8, 2, 16, rng=0)
    x = np.random.default_rng(0).normal(size=(2, 3, 8))
    titles = [c.title for c in ad.draw(model, x, open="attention").scene.cards]
    assert any("attention.query" in title for title in titles)
    assert any("feedforward" in title for title in titles)


def test_a_folded_module_keeps_the_gradient_of_its_output(batch):
    drawing = ad.draw(nn.MLP(2, 4, 2, rng=0), *batch, loss="cross_entropy", depth=1)
    opened = ad.draw(nn.MLP(2, 4, 2, rng=0), *batch, loss="cross_entropy", depth=2)
    assert card(drawing, "a2").gradient == card(opened, "a2").gradient


def test_a_deep_graph_is_drawn():
    def deep(x):
        for _ in range(2000):
            x = x + 1.0
        return x

    assert len(ad.draw(deep, 1.0, depth=1).scene.cards) == 2001  # no recursion
    assert len(ad.draw(deep, 1.0).scene.cards) <= MOST_BOXES


# --- the files


def test_the_svg_loads_nothing_and_knows_light_and_dark(batch):
    svg = ad.draw(nn.MLP(2, 4, 2, rng=0), *batch, loss="cross_entropy").svg()
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")
    assert "@media (prefers-color-scheme: dark)" in svg
    assert "url(" not in svg


def test_the_picture_in_the_readme_is_what_its_line_draws():
    picture = Path(__file__).parents[2] / "docs" / "images" / "graph.svg"
    function = eval("lambda x, w: x * w + x**3")  # in no file, so that tips have no lines
    assert picture.read_text(encoding="utf-8") == ad.draw(function, 2.0, 4.0).svg()


def test_two_pictures_on_one_page_share_no_ids():
    assert 'id="' not in ad.draw(cubic, 2.0, 4.0).svg()


def test_a_page_can_link_a_box_and_its_gradient():
    drawing = ad.draw(cubic, 2.0, 4.0)
    links = {0: Links("g<0", '#a"&b', "#back"), 4: Links(value="#end")}
    tree = ElementTree.fromstring(drawing.svg(links))
    (box,) = (g for g in tree.iter(f"{SVG}g") if "id" in g.attrib)
    assert box.attrib["id"] == "g<0"
    first, back, end = tree.iter(f"{SVG}a")
    assert (first.get("href"), back.get("href"), end.get("href")) == ('#a"&b', "#back", "#end")
    assert [text.text for text in first.iter(f"{SVG}text")] == ["x", "2"]
    assert [text.text for text in back.iter(f"{SVG}text")] == ["∇ 4 + 12 = 16"]


def test_the_same_graph_gives_the_same_picture():
    assert ad.draw(cubic, 2.0, 4.0).svg() == ad.draw(cubic, 2.0, 4.0).svg()


def test_a_notebook_shows_the_svg():
    drawing = ad.draw(cubic, 2.0, 4.0)
    assert drawing._repr_svg_() == drawing.svg()
    assert repr(drawing) == "<drawing of cubic(x, w): 5 boxes, 5 arrows; .save('graph.svg')>"


HOSTILE = "a<b>]]>&\"'\x00\x1b\ud800上海损失"


def test_whatever_a_name_is_the_svg_is_valid_xml():
    def function(p, 变量):
        结果 = p[HOSTILE] * 变量
        return np.sum(结果)

    function.__name__ = HOSTILE * 9
    drawing = ad.draw(function, {HOSTILE: np.ones(3)}, np.ones(3))
    for text in (drawing.svg(), drawing.svg({0: Links(HOSTILE, HOSTILE, HOSTILE)})):
        tree = ElementTree.fromstring(text.encode())  # bytes: no lone surrogate is left
        assert tree.attrib["aria-label"].startswith("a<b>]]>&\"'\ufffd\ufffd\ufffd上海损失")
    titles = [c.title for c in drawing.scene.cards]
    assert any("变量" in title for title in titles)
    assert all(columns(title) <= WIDEST for title in titles)
    drawing.dot().encode()


def test_a_chinese_name_is_as_wide_as_it_looks():
    wide = size(Card("operation", "损失函数")), size(Card("operation", "lossloss"))
    assert wide[0] == wide[1]
    assert columns(cut("损失函数的梯度是多少", 11)) <= 11


def test_the_mouse_is_told_the_value_of_every_box_and_arrow():
    drawing = ad.draw(affine_relu, *POINT)
    tree = ElementTree.fromstring(drawing.svg())
    told = [
        g.find(f"{SVG}title").text
        for g in tree.iter(f"{SVG}g")
        if g.find(f"{SVG}title") is not None
    ]
    assert len(told) == len(drawing.scene.cards) + len(drawing.scene.arrows)
    assert sum("value" in text for text in told) >= len(drawing.scene.cards)
    assert sum("adds to ∇" in text for text in told) == len(drawing.scene.arrows)
    for g in tree.iter(f"{SVG}g"):
        if g.get("class") == "arrow":  # a line of a pixel is no target for a mouse
            assert any(path.get("class") == "hover" for path in g)


def test_names_are_escaped():
    def function(x):
        return np.sum((x > 0) * x)

    function.__name__ = 'a<b>&"c'
    drawing = ad.draw(function, np.ones(2))
    assert ElementTree.fromstring(drawing.svg()).attrib["aria-label"].startswith('a<b>&"c')
    assert r"a<b>&\"c" in drawing.dot()


def test_the_dot_text_has_every_card_and_both_directions():
    dot = ad.draw(cubic, 2.0, 4.0).dot()
    assert dot.startswith('digraph "cubic(x, w)" {')
    assert len(re.findall(r"^  n\d+ \[", dot, flags=re.MULTILINE)) == 5
    assert len(re.findall(r"^  n\d+ -> n\d+", dot, flags=re.MULTILINE)) == 10
    assert dot.count("{") == dot.count("}")


@pytest.mark.parametrize("suffix", ["svg", "dot", "gv", "SVG"])
def test_save_writes_by_the_files_ending(tmp_path, suffix):
    drawing = ad.draw(cubic, 2.0, 4.0)
    drawing.save(tmp_path / f"graph.{suffix}")
    text = (tmp_path / f"graph.{suffix}").read_text(encoding="utf-8")
    assert text == (drawing.svg() if suffix.lower() == "svg" else drawing.dot())


def test_save_refuses_other_endings_and_names_the_file_it_cannot_write(tmp_path):
    drawing = ad.draw(cubic, 2.0, 4.0)
    with pytest.raises(ValueError, match=r"\.svg or \.dot, got 'graph\.png'"):
        drawing.save("graph.png")
    with pytest.raises(FileNotFoundError, match=r"nowhere.graph\.svg'"):
        drawing.save(tmp_path / "nowhere" / "graph.svg")


# --- nothing else changes


def test_a_model_is_left_as_it_was():
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Linear(2, 3, rng=0), nn.BatchNorm(3), nn.Dropout(0.5, rng=0))
    before = {name: np.array(x.data) for name, x in model.named_parameters()}
    buffers = {name: np.array(x.data) for name, x in model.named_buffers()}
    x = rng.normal(size=(4, 2))
    ad.draw(model, x)
    for name, p in model.named_parameters():
        np.testing.assert_array_equal(p.data, before[name])
        assert p.grad is None
    for name, b in model.named_buffers():
        np.testing.assert_array_equal(b.data, buffers[name])
    twin = nn.Sequential(nn.Linear(2, 3, rng=0), nn.BatchNorm(3), nn.Dropout(0.5, rng=0))
    np.testing.assert_array_equal(model(x).data, twin(x).data)  # no random number was used up


@pytest.mark.parametrize(("loss", "x", "y"), losses(), ids=[case[0] for case in losses()])
def test_every_loss_is_drawn(loss, x, y):
    assert ad.draw(Scaled(nn.Tanh()), x, y, loss=loss).record.has_gradient


# --- bad input


def branching(x):
    return x * 2 if x > 0 else x


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ad.draw(3), TypeError, "expected a function, a tensor or a model, got int"),
        (lambda: ad.draw(cubic), TypeError, "a function needs arguments"),
        (lambda: ad.draw(nn.MLP(2, 2)), TypeError, r"a model needs an input, as ad.draw\(mlp, x\)"),
        (lambda: ad.draw(nn.MLP(2, 2), np.ones((1, 2)), [0]), TypeError, "2 arguments and no loss"),
        (lambda: ad.draw(cubic, 1.0, 2.0, loss="mse_loss"), TypeError, "loss is for models"),
        (lambda: ad.draw(ad.tensor([1.0])), ad.GraphError, "nothing to draw"),
        (lambda: ad.draw(lambda x: 3.0, 1.0), ad.GraphError, "depends on no argument"),
        (lambda: ad.draw(branching, 1.0), TypeError, "Python cannot branch on it"),
        (lambda: ad.draw(cubic, 1.0, 2.0, depth=-1), ValueError, "depth must be 0 or more"),
        (
            lambda: ad.draw(nn.MLP(2, 2), np.ones((1, 2)), open="layer"),
            ValueError,
            r"cannot open 'layer'; the modules in the graph are layers\[0\]",
        ),
        (lambda: ad.draw(nn.MLP(2, 2), np.ones((1, 2)), wrt=0), TypeError, "wrt is for functions"),
    ],
)
def test_bad_input_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_no_shape_has_a_class_that_a_page_around_it_gives_a_size():
    # Bootstrap sets the height of what it calls a card, and a page has its rules for pictures, too.
    svg = ad.draw(ad.nn.Linear(2, 3, rng=0), np.ones((4, 2))).svg()
    shapes = re.findall(r'<(?:rect|path|circle)\b[^>]*class="([^"]*)"', svg)
    sized = {"card", "container", "row", "col", "img-fluid", "vr"}
    assert shapes
    assert not sized & {name for names in shapes for name in names.split()}
