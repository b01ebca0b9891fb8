"""The LaTeX of a derivation is that of the cards, in brackets where an operand needs them."""

import ast
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from adjoint.graph import trace

import adjoint as ad
from adjoint import contract, special
from adjoint.compiler.source import constants
from adjoint.core import PRIMITIVES
from adjoint.explanation.derivation.formula import identifier
from adjoint.explanation.derivation.mathml import write
from adjoint.explanation.derivation.reading import Reading
from adjoint.explanation.derivation.tex import parse
from sampled import sampled

assert special  # whose cards are tested, too
MASK = ast.Name("constant_1")
MASKED = ("index", "scatter_add", "put_at")
FALLBACK = re.compile(r"\\mathrm\{[^{}]*\}\\left\(")
# What simplification leaves nothing of: equal to the operand, or to a constant.
GONE = {"positive", "stop_gradient", "astype", "zeros_like", "ones_like"}
# Source, and so LaTeX, words it as a sum over the axes.
REWORDED = {"sum_to"}


def cards():
    """Return cards with a case for each set of metadata."""
    found = {}
    for name, primitive in PRIMITIVES.items():
        for case in contract.cases(primitive):
            found.setdefault((name, str(case[-1])), case)
    return [
        pytest.param(PRIMITIVES[name], case, id=f"{name}-{params}")
        for (name, params), case in found.items()
    ]


def explained(primitive, case):
    """Return the derivation of a sum of y = f(x …), the LaTeX of y that the card says, and args."""
    args, params = contract.arguments(primitive, case, np.random.default_rng(0))
    masked = any(x.dtype.kind == "b" for x in args) and primitive.name in MASKED
    traced = [n for n, x in enumerate(args) if x.dtype.kind != "b" or not masked]

    def function(scale, *xs):
        full = list(args)
        for n, x in zip(traced, xs, strict=True):
            full[n] = x
        y = primitive.bind(full, params)
        return np.sum(scale * y)

    derivation = ad.explain(function, 1.5, *(args[n] for n in traced))
    operands = [Reading().read(constants.expression(x) or MASK).latex for x in args]
    for n, name in zip(traced, list(derivation.inputs)[1:], strict=True):
        operands[n] = identifier(name).latex
    expected = primitive.write_latex(*operands, **params)
    if any(x.shape == () for x in args):
        expected = expected.replace(r"\odot", r"\cdot")
    return derivation, expected


@pytest.mark.parametrize(("primitive", "case"), sampled(list(cards()), 3))
def test_a_line_that_applies_a_card_is_what_the_card_says(primitive, case):
    derivation, expected = explained(primitive, case)
    lines = [step.formula.latex for step in derivation]
    if primitive.name not in GONE | REWORDED:
        assert f"y = {expected}" in lines
    for step in derivation:
        parse(step.formula.latex)
        ElementTree.fromstring(step.formula.mathml)
        assert not FALLBACK.search(step.formula.latex), step.formula.latex


@pytest.mark.parametrize(
    ("function", "latex"),
    [
        (lambda x, w: np.tanh(x) + 1, r"\tanh\left(x\right) + 1"),
        (lambda x, w: np.tanh(x + 1), r"\tanh\left(x + 1\right)"),
        (lambda x, w: (x + w) ** 2, r"{\left(x + w\right)}^{2}"),
        (lambda x, w: np.square(-x), r"{\left(-x\right)}^{2}"),
        (lambda x, w: np.sin(x) ** w, r"{\sin\left(x\right)}^{w}"),
        (lambda x, w: np.sqrt(x) ** w, r"{\sqrt{x}}^{w}"),
        (lambda x, w: (x / w) ** w, r"{\left(\frac{x}{w}\right)}^{w}"),
        (lambda x, w: 2.0 ** (x + w), r"{2.0}^{x + w}"),
        (lambda x, w: np.exp(-x), r"e^{-x}"),
        (lambda x, w: np.exp(-(x + w)), r"e^{-\left(x + w\right)}"),
        (lambda x, w: np.exp(-(x * w)), r"e^{-x \cdot w}"),
        (lambda x, w: x - (w - 1), r"x - \left(w - 1\right)"),
        (lambda x, w: x * (w * x), r"x \cdot \left(w \cdot x\right)"),
        (lambda x, w: x * -w, r"x \cdot \left(-w\right)"),
        (lambda x, w: np.expm1(x) * w, r"\left(e^{x} - 1\right) \cdot w"),
        (lambda x, w: w - np.expm1(x), r"w - \left(e^{x} - 1\right)"),
        (lambda x, w: np.log2(x) / (1 + w), r"\frac{\log_{2}\left(x\right)}{1 + w}"),
        (lambda x, w: w * (x / 3), r"w \cdot \frac{x}{3}"),
        (lambda x, w: w * np.abs(x + w), r"w \cdot \left|x + w\right|"),
        (
            lambda x, w: np.where(x > w, x, w) + 1,
            r"\left(\begin{cases} x & \left[x > w\right] \\ w & \text{otherwise} \end{cases}"
            r"\right) + 1",
        ),
    ],
)
def test_brackets_stand_where_an_operand_would_be_torn_apart(function, latex):
    def named(unused, x, w):
        y = function(x, w)
        return unused + y

    assert ad.explain(named, 1.0, 0.5, 0.25)[0].formula.latex == f"y = {latex}"


def test_a_product_with_a_reciprocal_number_is_the_quotient_that_source_has():
    derivation = ad.explain(lambda x: np.mean(x * x), np.array([1.0, 2.0, 4.0]))
    assert derivation[1].formula.latex == r"v_{1} = \frac{x}{3}"


def test_the_three_documents_have_the_same_formulas():
    derivation = ad.explain(lambda x: np.log2(x) * special.expit(-x), 3.0)
    for step in derivation:
        assert step.formula.latex in derivation.latex()
        assert step.formula.latex in derivation.markdown()
        assert step.formula.mathml in derivation.html()
    assert "<msub><mi>log</mi><mn>2</mn></msub>" in derivation.html()


@pytest.mark.parametrize(
    ("source", "latex"),
    [
        ("(a | b) & c", r"\left(a \lor b\right) \land c"),
        ("a & b | c", r"a \land b \lor c"),
        ("a % b * c", r"\left(a \bmod b\right) \odot c"),
        ("(a + b) % c", r"\left(a + b\right) \bmod c"),
        ("-a.T @ b", r"-{a}^{\top} \, b"),
        ("(a @ b).T", r"{\left(a \, b\right)}^{\top}"),
        ("(a + b)[0]", r"{\left(a + b\right)}_{[0]}"),
        ("~(a & b)", r"\lnot \left(a \land b\right)"),
    ],
)
def test_operators_bind_as_they_do_in_numpy(source, latex):
    assert Reading().read(ast.parse(source, mode="eval").body).latex == latex


@pytest.mark.parametrize(
    ("latex", "mathml"),
    [
        (r"\frac{a}{b}", "<mfrac><mi>a</mi><mi>b</mi></mfrac>"),
        (r"\sqrt[3]{x}", "<mroot><mi>x</mi><mn>3</mn></mroot>"),
        (r"x_{1}^{2}", "<msubsup><mi>x</mi><mn>1</mn><mn>2</mn></msubsup>"),
        (r"a - b", "<mrow><mi>a</mi><mo>−</mo><mi>b</mi></mrow>"),
        (r"\mathrm{d\_x}", "<mi>d_x</mi>"),
        (r"\left|x\right|", "<mrow><mo>|</mo><mi>x</mi><mo>|</mo></mrow>"),
        (r"a < b", "<mrow><mi>a</mi><mo>&lt;</mo><mi>b</mi></mrow>"),
        (r"\mathrm{\textasciicircum{}}", "<mi>^</mi>"),
    ],
)
def test_latex_is_written_as_mathml(latex, mathml):
    assert write(latex) == mathml


@pytest.mark.parametrize("latex", [r"\frac{a}{b", r"a}", r"\left(a", r"\begin{cases} a", "x^"])
def test_latex_that_does_not_match_is_refused(latex):
    with pytest.raises(ValueError, match="expected"):
        parse(latex)


@ad.custom_vjp(lambda g, y, x: (2 * g,))
def twice_of(x):
    return 2 * x


def test_the_name_of_a_users_function_is_escaped():
    primitive = trace(twice_of, 1.0).nodes[-1].primitive
    assert primitive.write_latex("x") == r"\operatorname{twice\_of}\left(x\right)"
