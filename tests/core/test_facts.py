"""Facts: cards say what holds of their results, the contract finds what is wrong or forgotten."""

import importlib.util
import inspect

import numpy as np
import pytest
from adjoint.graph import trace

import adjoint as ad
from adjoint import contract
from adjoint.calculus import claims
from adjoint.compiler.simplify.bounds import range_of
from adjoint.compiler.simplify.expectation import is_expected_finite
from adjoint.compiler.simplify.simplify import simplify
from adjoint.core import PRIMITIVES
from adjoint.core.facts import Facts, Moves
from adjoint.core.kinds import elementwise, linear

if HAS_SCIPY := importlib.util.find_spec("scipy") is not None:
    from adjoint import special
HAS_NATIVE = importlib.util.find_spec("llvmlite") is not None

V = np.array([0.5, -1.0, 2.0])


def with_facts(name, **facts):
    """Return a card that is not registered, as another one but for some facts."""
    card = PRIMITIVES[name]
    changed = object.__new__(type(card))
    changed.__dict__.update(card.__dict__)
    stated = {name: getattr(card.facts, name) for name in Facts.__init__.__kwdefaults__}
    changed.facts = Facts(**{**stated, **facts})
    return changed


WRONG = {
    "bounds_hold": [
        ("tanh", {"bounds": (-0.5, 0.5)}),
        ("exp", {"bounds": (0.1, np.inf)}),
        ("absolute", {"bounds": (-np.inf, -1.0)}),
        ("softplus", {"bounds": (0.0, 1e6)}),
        ("subtract", {"bounds": PRIMITIVES["add"].facts.bounds}),
        ("sum", {"bounds": PRIMITIVES["max"].facts.bounds}),
        ("log", {"bounds": (0.0, np.inf)}),
        ("tril", {"moves": Moves(drops=True)}),
    ],
    "finite_stays_finite": [
        ("exp", {"finite": True}),
        ("arcsin", {"finite": True}),
        ("divide", {"finite": True}),
        ("sqrt", {"finite": lambda x: x.low >= -1}),
        ("power", {"finite": lambda x, y: y.low >= 0}),
    ],
    "entries_move": [
        ("sum", {"moves": Moves(drops=True)}),
        ("negative", {"moves": Moves()}),
        ("diagonal", {"moves": Moves()}),
        ("pad_with_zeros", {"moves": Moves()}),
        ("concatenate", {"moves": Moves(drops=True)}),
    ],
    "entries_are_selected": [("add", {"selects": True}), ("mean", {"selects": True})],
    "nan_shows": [
        ("where", {"passes_nan": True}),
        ("fmax", {"passes_nan": (True,)}),
        ("hypot", {"passes_nan": True}),
        ("power", {"passes_nan": (True,)}),
        ("copysign", {"passes_nan": True}),
        ("tril", {"passes_nan": True}),
    ],
    "far_slopes_vanish": [
        ("absolute", {"saturates": True}),
        ("log_softmax", {"saturates": True}),
        ("tanh", {"saturates": False}),
        ("softplus", {"saturates": False}),
    ],
    "arguments_commute": [("subtract", {"commutes": True}), ("arctan2", {"commutes": True})],
    "scalars_are_boxed": [("where", {"boxes": False}), ("exp", {"boxes": True})],
    "activations_take_one_array": [
        ("add", {"activation": True}),
        ("softmax", {"activation": True}),
        ("sign", {"activation": True}),
    ],
}


@pytest.mark.parametrize(
    ("clause", "name", "facts"),
    [(clause, name, facts) for clause, cards in WRONG.items() for name, facts in cards],
)
def test_a_wrong_fact_breaks_the_contract(clause, name, facts):
    with pytest.raises(AssertionError):
        contract.check_primitive(with_facts(name, **facts), clause)


def test_every_claim_is_shown_to_fail():
    assert WRONG.keys() == {claim.__name__ for claim in claims.CLAIMS}


# Entries of several shards are added up by whoever runs the graph; alone it gives one as it is.
ADDS = {"sum_over_shards"}


def only_moves(card):
    """Return whether all results on the card's cases are entries of its array, or 0."""
    tried = 0
    for case in contract.cases(card):
        args, params = contract.arguments(card, case, np.random.default_rng(0))
        y = np.asarray(card.forward(*args, **params))
        if y.dtype.kind != "f" or not np.isin(y, [0, *np.ravel(args[0])]).all():
            return False
        tried += y.size > 1
    return tried > 0


@pytest.mark.parametrize("name", sorted(PRIMITIVES))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_card_that_only_moves_entries_says_so(name):
    card = PRIMITIVES[name]
    if len(card.array_names) == 1 and not card.variadic and name not in ADDS and only_moves(card):
        is_told = card.facts.moves is not None or card.facts.selects
        assert is_told or card.facts.constant is not None, "moves=Moves(...) belongs on the card"


def test_a_mover_that_does_not_say_so_is_noticed():
    assert only_moves(PRIMITIVES["flip"])
    assert only_moves(PRIMITIVES["diagonal"])
    assert not only_moves(PRIMITIVES["sum"])
    assert not only_moves(PRIMITIVES["negative"])


def test_a_card_without_facts_claims_nothing():
    facts = Facts()
    assert facts.finite is False
    assert not facts.shows_nan(0, V, [V], {})
    assert facts.bounds_of([range_of(V)], {}) == (-np.inf, np.inf)
    assert not any((facts.selects, facts.saturates, facts.flat, facts.commutes, facts.boxes))


@pytest.fixture
def registry():
    """Take back what a test registers."""
    before = dict(PRIMITIVES)
    yield
    PRIMITIVES.clear()
    PRIMITIVES.update(before)


@pytest.mark.usefixtures("registry")
def test_defaults_follow_from_the_kind():
    columns = {"source": "{x}", "latex": "{x}"}

    @elementwise(partials=[0], **columns)
    def step_of(x):
        return np.floor(x)

    @linear(transposes=[None], shape=lambda x: x.shape, moves=Moves(), **columns)
    def moved_of(x):
        return x

    assert step_of.facts.flat
    assert step_of.facts.shows_nan(0, V, [V], {})
    assert moved_of.facts.finite is True
    assert moved_of.facts.shows_nan(0, V, [V], {})


@pytest.mark.usefixtures("registry")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_is_nan_of_nan_is_no_constant():
    @elementwise(partials=[0], source="{x} * 0", latex="{x}", bounds=(0, 0))
    def nothing_of(x):
        return np.abs(x * 0)

    with pytest.raises(AssertionError):
        contract.check_primitive(nothing_of, "bounds_hold")


# --- ranges


def found_range(function, *examples):
    graph = trace(function, *examples)
    return range_of(graph.outputs[0])[:2]


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: 1.0 + ad.tanh(x), (0, 2)),
        (lambda x: ad.clip(x, -1.0, 3.0), (-1, 3)),
        (lambda x: ad.minimum(ad.maximum(x, 2.0), 5.0), (2, 5)),
        (lambda x: x * x, (0, np.inf)),
        (lambda x: -0.5 * x * x, (-np.inf, 0)),
        (lambda x: (-x) * x, (-np.inf, 0)),
        (lambda x: ad.sum(ad.sigmoid(x)), (0, 3)),
        (lambda x: ad.where(x > 0, 1.0, 4.0)[::-1], (1, 4)),
        (lambda x: 2.0 - ad.sigmoid(x), (1, 2)),
        (lambda x: ad.hypot(1.0, x), (1, np.inf)),
        (lambda x: (x > 0) * 1.0, (0, 1)),
        (lambda x: x**4, (0, np.inf)),
        (lambda x: np.pad(ad.cosh(x), 1), (0, np.inf)),
        (lambda x: ad.astype(ad.cosh(x), dtype="int64") * 1.0, (-np.inf, np.inf)),
        (lambda x: ad.maximum(x, 1e-40), (0, np.inf)),
        (lambda x: ad.maximum(ad.astype(x, dtype="float16"), 1.0) - 0.5, (-0.5, np.inf)),
    ],
)
def test_a_range_follows_from_the_cards(function, expected):
    assert found_range(function, V) == expected


@pytest.mark.parametrize(
    "number", [10**400, np.inf, -np.inf, np.nan, True, np.array([1.0, np.nan])]
)
def test_any_constant_has_a_range(number):
    known = range_of(number)
    assert known.low <= known.high
    assert known[:2] == ((1, 1) if number is True else (-np.inf, np.inf))


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: ad.exp(x), False),
        (lambda x: ad.exp(-ad.square(x)), True),
        (lambda x: ad.exp(-0.5 * x * x), True),
        (lambda x: 1.0 / x, False),
        (lambda x: 1.0 / ad.hypot(1.0, x), True),
        (lambda x: x / np.array([2.0, -3.0, 1.0]), True),
        (lambda x: x / np.array([2.0, 0.0, 1.0]), False),
        (lambda x: ad.sqrt(abs(x)), True),
        (lambda x: ad.sqrt(x), False),
        (lambda x: ad.arcsin(x), False),
    ],
)
def test_what_is_expected_to_be_finite_follows_from_the_cards(function, expected):
    (*_, node) = simplify(trace(function, V)).nodes
    args = [arg if p is None else p for arg, p in zip(node.args, node.parents, strict=True)]
    known = [True] * len(args)
    found = is_expected_finite(node.primitive, args, node.params or {}, node.output, known)
    assert found is expected


# --- what users see


def strong_names(function):
    graph = simplify(trace(lambda x: ad.grad(lambda x: ad.sum(ad.square(function(x))))(x), V))
    return {node.primitive.name for node in graph.nodes if node.primitive.name.startswith("strong")}


PLAIN = ["arcsinh", "arctan", "softsign", "tanh", "log_softmax", "logaddexp2", "hypot"]
PLAIN_SPECIAL = ["cosm1", "erf", "erfc", "expit", "log_expit", "ndtr"]


@pytest.mark.parametrize("name", [*PLAIN, *(PLAIN_SPECIAL if HAS_SCIPY else [])])
def test_written_source_has_no_needless_strong_product(name):
    card = PRIMITIVES[name]
    count = len(inspect.signature(card).parameters) if name in ("hypot", "logaddexp2") else 1
    assert strong_names(lambda x: card(*[x, 2.0][:count])) == set()


FLAT = [("sigmoid", 900.0), ("tanh", -900.0), ("softplus", -900.0), ("exp", -900.0)]
FLAT_SPECIAL = [
    *(("expit", 900.0), ("expit", -900.0), ("erf", 900.0), ("erfc", 900.0), ("ndtr", 900.0)),
    *(("ndtr", -900.0), ("log_ndtr", 900.0), ("log_expit", 900.0), ("k0", 900.0)),
]


@pytest.mark.parametrize(("name", "at"), [*FLAT, *(FLAT_SPECIAL if HAS_SCIPY else [])])
def test_why_says_of_every_function_that_flattens_out_that_it_is_saturated(name, at):
    card = PRIMITIVES[name]
    diagnosis = ad.why(lambda w: card(w).sum(), np.array([at]))
    assert diagnosis.cause == "saturation"
    assert f"{name} is saturated" in str(diagnosis)


@pytest.mark.skipif(not HAS_SCIPY, reason="needs SciPy")
def test_why_says_of_every_logarithm_and_root_what_it_was_applied_to():
    with np.errstate(all="ignore"):
        said = str(ad.why(lambda w: special.logit(w).sum(), np.array([0.0])))
    assert "logit of 0" in said


@pytest.mark.skipif(not HAS_NATIVE, reason="needs llvmlite")
@pytest.mark.parametrize("name", sorted(n for n, card in PRIMITIVES.items() if card.facts.cheap))
def test_a_cheap_card_is_a_few_instructions(name):
    from adjoint.compiler.native import functions
    from adjoint.compiler.native.lower import lower

    card = PRIMITIVES[name]
    numbers = [np.array(True)] if name == "where" else []
    count = len(card.array_names) - len(numbers)
    params = {"dtype": "float64"} if name == "astype" else {}
    xs = [np.array(0.5, np.float32 if name == "astype" else np.float64)] * count
    kernel = lower(trace(lambda *xs: card.bind(xs, params), *numbers, *xs))
    made = [element.operation for element in kernel.elements]
    operations = [name for name in made if name not in ("load", "constant")]
    slow = {*functions.__all__, "divide", "sqrt", "reciprocal"}
    assert len(operations) <= 3
    assert not slow & set(operations)
