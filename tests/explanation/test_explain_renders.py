"""A derivation as Markdown, LaTeX and HTML: whole, well-formed, and with the same numbers."""

import ast
import re
from xml.etree import ElementTree

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn
from adjoint.explanation.derivation.reading import Reading
from explained import cards, random_program


@pytest.fixture(scope="module")
def derivation():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(5, 2)), rng.integers(0, 2, 5)
    model = nn.MLP(2, 4, 4, 2, rng=0)
    return ad.explain(model, X, y, loss="cross_entropy", entry="W1[1, 0]")


def read(source):
    return Reading().read(ast.parse(source, mode="eval").body)


def assert_whole(derivation):
    """All three notations are well-formed."""
    latex = derivation.latex()
    bare = re.sub(r"\\[{}]", "", latex)
    assert latex.isascii()
    assert bare.count("{") == bare.count("}")
    assert latex.count(r"\left") == latex.count(r"\right")
    assert latex.count(r"\begin") == latex.count(r"\end")
    page = derivation.html()
    ElementTree.fromstring(page[page.index("<main") : page.index("</main>") + 7])
    assert derivation.markdown().count("$") % 2 == 0


@pytest.mark.parametrize(
    ("source", "text", "latex"),
    [
        ("a - (b - c)", "a − (b − c)", r"a - \left(b - c\right)"),
        ("(a + b) * c", "(a + b) ⊙ c", r"\left(a + b\right) \odot c"),
        ("-a ** 2", "−a²", "-{a}^{2}"),
        ("(-a) ** n", "(−a)^n", r"{\left(-a\right)}^{n}"),
        ("a / (b / c)", "a / (b / c)", r"\frac{a}{\frac{b}{c}}"),
        ("np.sqrt(x)", "√(x)", r"\sqrt{x}"),
        ("1e-05 * x", "1e−05 · x", r"1 \cdot 10^{-5} \cdot x"),
        ("np.sum(x, axis=0)", "Σ(x, axis=0)", r"\textstyle\sum\left(x, \mathrm{axis}=0\right)"),
        ("x[1:, None]", "x[1:, None]", r"{x}_{[1:, \mathrm{None}]}"),
        ("y[..., None] == np.arange(3)", "onehot(y)", r"\mathrm{onehot}\left(y\right)"),
        ("np.square(x) + np.square(-x)", "x² + (−x)²", r"{x}^{2} + {\left(-x\right)}^{2}"),
        ("strong_multiply(a, b + c)", "a ⊙ (b + c)", r"a \odot \left(b + c\right)"),
        ("strong_product(np.matmul, a, b)", "a b", r"a \, b"),
        ("np.transpose(x, (0, -1, -2)) @ y", "xᵀ y", r"{x}^{\top} \, y"),
        ("x.transpose((0, -1, -2))", "xᵀ", r"{x}^{\top}"),
        ("np.transpose(x, (1, 0))", "transpose(x, (1, 0))", None),
        ("x < np.inf", "[x < ∞]", r"\left[x < \infty\right]"),
        ("np.abs(d_x)", "|d_x|", r"\left|\mathrm{d\_x}\right|"),
    ],
)
def test_a_line_reads_as_mathematics(source, text, latex):
    assert read(source).text == text
    assert latex in (None, read(source).latex)


def test_a_page_has_all_steps_and_loads_nothing(derivation):
    page = derivation.html()
    assert page.count('<li id="step-') == len(derivation)
    assert page.count("<math ") >= 2 * len(derivation)
    assert "prefers-color-scheme: dark" in page
    assert 'name="viewport"' in page
    addresses = page.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert not re.search(r"https?:|src=|url\(|@import|<script", addresses)


def test_the_paths_of_an_entry_are_mathematics():
    page = ad.explain(lambda x: x * x - x, 2.0, entry="x").html()
    part = page[page.index('<ol class="one') :]
    first = ElementTree.fromstring(part[: part.index("</ol>") + 5])[0]
    told = ["".join(line.itertext()).strip() for line in first]
    assert told == ["1", "x →multiply →value", "4 ·1 =4"]


def test_a_notebook_shows_the_page_without_its_head(derivation):
    shown = derivation._repr_html_()
    prefix = re.search(r'id="(d\w+-)graph"', shown)[1]
    assert shown.replace(prefix, "") in derivation.html()


def test_wide_lines_scroll_inside_their_own_box(derivation):
    page = derivation.html()
    main = ElementTree.fromstring(page[page.index("<main") : page.index("</main>") + 7])
    kinds = ("wide", "rule", "item", "numbers", "graph")
    boxes = [x for x in main.iter() if {*x.get("class", "").split()} & {*kinds}]
    boxed = {id(x) for box in boxes for x in box.iter()}
    value = main.find(".//dd")  # a single number
    boxed |= {id(x) for x in value.iter()}
    assert all(id(math) in boxed for math in main.iter("math"))
    for kind in ("wide", "rule", "item"):
        style = re.search(rf"\.adjoint-derivation \.{kind} {{(.*?)}}", page, re.DOTALL)[1]
        assert "overflow-x: auto" in style


def test_all_renderings_have_the_numbers_of_the_text(derivation):
    step = next(step for step in derivation if step.name == "d_W1")
    for entry in re.findall(r"[\d.]+", step.numbers):
        assert entry in derivation.markdown()
        assert entry in derivation.latex()
        assert entry in derivation.html()


def test_renderings_are_well_formed(derivation, full):
    assert_whole(derivation)
    for _, function, args in cards()[:: 1 if full else 7]:
        assert_whole(ad.explain(function, *args, wrt=tuple(range(len(args)))))
    for seed in range(10):
        function, args = random_program(seed)
        assert_whole(ad.explain(function, *args))


def test_names_are_escaped():
    def f(a_b, λ):
        c_d = a_b * λ < 3
        return np.where(c_d, a_b, λ)

    assert_whole(ad.explain(f, 1.0, 2.0, wrt=(0, 1)))
