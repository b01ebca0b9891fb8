"""The phrases of explanations: each has a translation, is used, and leaves no English behind."""

import ast
import re
import string
from pathlib import Path

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn
from adjoint.compiler.source.equations import EQUATIONS
from adjoint.core import PRIMITIVES
from adjoint.explanation import phrases
from adjoint.nn.functional import LOSSES
from explained import Scaled, layers, losses, random_program, square

TABLES = phrases.LANGUAGES
CHINESE = re.compile(r"[\u4e00-\u9fff]")
# What has no words to translate.
PLACES_ALONE = {"labelled", "folded module"}


def fields(phrase):
    return {name for _, name, _, _ in string.Formatter().parse(phrase) if name is not None}


def test_all_languages_have_the_same_phrases_with_the_same_places():
    english = TABLES["en"]
    for lang, table in TABLES.items():
        assert table.keys() == english.keys(), lang
        for key, phrase in table.items():
            assert fields(phrase) == fields(english[key]), (lang, key)


def test_chinese_phrases_are_chinese_and_english_ones_are_not():
    for key, phrase in TABLES["zh"].items():
        assert CHINESE.search(phrase) or key in PLACES_ALONE, key
    assert not any(CHINESE.search(phrase) for phrase in TABLES["en"].values())


def test_every_phrase_is_used():
    room = Path(phrases.__file__).parents[1]
    sources = [p for p in room.rglob("*.py") if p.parent.name != "phrases"]
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in sources]
    texts = {x.value for tree in trees for x in ast.walk(tree) if isinstance(x, ast.Constant)}
    made = {f"{kind} {number}" for number in EQUATIONS for kind in ("equation", "about")}
    assert TABLES["en"].keys() - made <= texts


def test_the_rule_of_an_equation_is_about_its_subject():
    for key, phrase in TABLES["en"].items():
        if found := re.fullmatch(r"equation (\d+)", key):
            assert phrase.startswith(EQUATIONS[int(found[1])].subject)


def test_an_unknown_language_is_refused_before_any_work():
    with pytest.raises(ValueError, match="unknown language 'zh_cn'; choose one of en, zh"):
        ad.explain(lambda x: 1 / 0, 2.0, lang="zh_cn")


# --- nothing is left in English


# Words of mathematics, of NumPy, of types, and of formulas that are printed as text.
KNOWN = {
    *PRIMITIVES,
    *(name for primitive in PRIMITIVES.values() for name in primitive.param_names),
    *LOSSES,
    *("softmax", "onehot", "adjoint", "float64", "float32", "int64", "bool", "axis", "keepdims"),
    *("True", "False", "None", "loss", "value", "log", "exp", "mean", "max", "min", "inf", "nan"),
}


def words(text):
    """Return the English words of a text, without names with a dot, a digit or an underscore."""
    return {w for w in re.findall(r"[\w.\[\]]+", text) if re.fullmatch(r"[A-Za-z]{3,}", w)}


def prose_of_page(page):
    body = page[page.index("<h1") :]
    body = re.sub(r"<(math|svg)\b.*?</\1>", " ", body, flags=re.DOTALL)
    return re.sub(r"<[^>]*>", " ", body)


def legend_of_page(page):
    svg = page[page.index("<svg") : page.index("</svg>")] if "<svg" in page else ""
    return " ".join(re.findall(r'<text class="note"[^>]*>([^<]*)<', svg))


def prose_of_latex(latex):
    return re.sub(r"\\\[.*?\\\]|\$.*?\$|\\[A-Za-z]+\*?|\{enumerate\}", " ", latex, flags=re.DOTALL)


def prose_of_markdown(text):
    return re.sub(r"\$.*?\$", " ", text)


def prose_of_text(text):
    """Return the lines that are no formulas."""
    return "\n".join(
        line for line in text.splitlines() if not re.match(r" *\d+\. |      [^\[=全]*= ", line)
    )


def corpus():
    rng = np.random.default_rng(0)
    yield (
        "network",
        lambda lang: ad.explain(
            nn.MLP(2, 4, 2, rng=0),
            rng.normal(size=(50, 2)),
            rng.integers(0, 2, 50),
            loss="cross_entropy",
            entry="W1[1, 0]",
            lang=lang,
        ),
    )
    yield (
        "grouped",
        lambda lang: ad.explain(
            nn.MLP(2, 12, 12, 12, 2, rng=0),
            rng.normal(size=(20, 2)),
            rng.integers(0, 2, 20),
            loss="cross_entropy",
            entry="W1[1, 0]",
            lang=lang,
        ),
    )
    for f in (lambda x: x, lambda x: 3.0, lambda x: x * x):
        yield "small", lambda lang, f=f: ad.explain(f, 2.0, entry="x", lang=lang)
    for seed in range(5):
        function, args = random_program(seed)
        yield f"program {seed}", lambda lang, f=function, a=args: ad.explain(f, *a, lang=lang)
    for name, model, x in layers():
        yield name, lambda lang, m=model, x=x: ad.explain(Scaled(m), x, loss=square, lang=lang)
    for name, x, y in losses():
        yield (
            name,
            lambda lang, n=name, x=x, y=y: ad.explain(Scaled(nn.Tanh()), x, y, loss=n, lang=lang),
        )


def own_names(derivation):
    """Return words in the names of the program and in what stands in its title."""
    told = [derivation.program.title, *derivation.program.paths.values()]
    names = [*derivation.inputs, *derivation.evaluator.scope, *told]
    return {word for name in names for word in re.findall("[A-Za-z]{3,}", name)}


def test_a_chinese_derivation_has_no_english_in_any_notation(full):
    for number, (name, make) in enumerate(corpus()):
        if number > 8 and number % (1 if full else 12):
            continue
        derivation = make("zh")
        page = derivation.html()
        texts = {
            "page": prose_of_page(page),
            "legend": legend_of_page(page),
            "text": prose_of_text(str(derivation)),
            "Markdown": prose_of_markdown(derivation.markdown()),
            "LaTeX": prose_of_latex(derivation.latex()),
        }
        kinds = {word for word in words(texts["legend"]) if word in vars(nn)}
        # A formula too long for the first line of its box stands where notes stand.
        kinds |= {word for step in derivation for word in words(step.formula.text)}
        for notation, text in texts.items():
            left = words(text) - KNOWN - own_names(derivation) - kinds
            assert not left, (name, notation, left)


def test_both_languages_print_the_same_formulas_and_numbers():
    function, args = random_program(1)
    english, chinese = (
        ad.explain(function, *args, entry="x[0, 0]", lang=lang) for lang in ("en", "zh")
    )
    assert [step.formula for step in english] == [step.formula for step in chinese]
    assert [step.numbers for step in english] == [step.numbers for step in chinese]
    assert english.script() == chinese.script()
