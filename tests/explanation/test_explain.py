"""Derivations: every printed equality holds, and the last ones are the engine's gradient."""

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn
from adjoint.core import PRIMITIVES
from adjoint.errors import GradientMismatchError, GraphError, ShapeError
from adjoint.explanation.derivation.derivation import TOLERANCE
from adjoint.explanation.derivation.evaluator import Evaluator
from explained import Scaled, cards, layers, losses, random_program, square
from sampled import sampled


@pytest.fixture
def network():
    rng = np.random.default_rng(0)
    return nn.MLP(2, 4, 4, 2, rng=0), rng.normal(size=(5, 2)), rng.integers(0, 2, 5)


def assert_checked(derivation):
    """Compute all lines anew, from the inputs alone, and compare with the engine's gradient."""
    assert derivation.error <= TOLERANCE
    own = Evaluator(derivation.program.functions)
    for name, array in (*derivation.inputs.items(), *derivation.program.constants.items()):
        own[name] = array
    for step in derivation:
        own[step.name] = np.asarray(own.value(step.source))
    for name, result in derivation.program.gradient.items():
        np.testing.assert_allclose(
            own[result], derivation.gradient[name], rtol=0, atol=derivation.slack(result)
        )


# --- closed forms


def test_a_sum_of_a_product_and_a_cube():
    derivation = ad.explain(lambda x, w: x * w + x**3, 2.0, 4.0)
    assert [step.numbers for step in derivation] == ["16", "16"]
    assert derivation[0].formula.text == "value = x · w + x³"
    assert derivation[0].formula.latex == r"\mathrm{value} = x \cdot w + {x}^{3}"
    assert derivation[1].formula.text == "∂value/∂x = 3 · x² + w"
    assert derivation.gradient["x"] == 16


def test_the_network_of_the_article_has_the_gradient_of_its_equations(network):
    model, X, y = network
    derivation = ad.explain(model, X, y, loss="cross_entropy")
    W1, b1, W2, b2, W3, b3 = (p.data for p in model.parameters())
    z1 = 1 / (1 + np.exp(-(X @ W1 + b1)))
    z2 = 1 / (1 + np.exp(-(z1 @ W2 + b2)))
    a3 = z2 @ W3 + b3
    d_a3 = (np.exp(a3) / np.exp(a3).sum(1, keepdims=True) - np.eye(2)[y]) / 5
    d_a2 = d_a3 @ W3.T * z2 * (1 - z2)
    d_a1 = d_a2 @ W2.T * z1 * (1 - z1)
    expected = {"W1": X.T @ d_a1, "b1": d_a1.sum(0), "W2": z1.T @ d_a2, "b2": d_a2.sum(0)}
    expected |= {"W3": z2.T @ d_a3, "b3": d_a3.sum(0)}
    values = {step.name: step.value for step in derivation}
    for name, gradient in expected.items():
        np.testing.assert_allclose(values[f"d_{name}"], gradient, rtol=0, atol=1e-15)
        np.testing.assert_allclose(derivation.gradient[name], gradient, rtol=0, atol=1e-15)


def test_the_network_of_the_article_cites_its_equations(network):
    model, X, y = network
    derivation = ad.explain(model, X, y, loss="cross_entropy")
    cited = {step.name: step.rule.equation.number for step in derivation if step.rule.equation}
    assert [cited[name] for name in ("a1", "z1", "d_a3", "d_b3", "d_z2", "d_W3", "d_a2")] == [
        3,
        2,
        14,
        9,
        13,
        7,
        5,
    ]
    formulas = {step.name: step.formula.text for step in derivation}
    assert formulas["a2"] == "a2 = z1 W2 + b2"
    assert formulas["d_W2"] == "∂loss/∂W2 = z1ᵀ ∂loss/∂a2"


# --- what can be explained


def test_a_recorded_tensor_is_explained_in_the_names_of_the_callers_variables():
    x, w = ad.tensor(2.0, requires_grad=True), ad.tensor(4.0, requires_grad=True)
    product = x * w
    loss = product + x**3
    derivation = ad.explain(loss)
    assert [step.name for step in derivation] == ["product", "loss", "d_x", "d_w"]
    assert {name: float(g) for name, g in derivation.gradient.items()} == {"x": 16, "w": 2}
    assert x.grad is None


def test_a_recorded_tensor_may_depend_on_branches():
    x = ad.tensor(-3.0, requires_grad=True)
    loss = x * x if x.item() < 0 else x
    assert ad.explain(loss).gradient["x"] == -6


def test_wrt_is_as_argnums_of_grad():
    def f(x, w):
        return np.sum(x["left"] * w) + x["right"]

    args = ({"left": np.ones(2), "right": 3.0}, np.array([1.0, 2.0]))
    both = ad.explain(f, *args, wrt=(0, 1)).gradient
    expected = ad.grad(f, (0, 1))(*args)
    np.testing.assert_array_equal(both["x_left"], expected[0]["left"])
    np.testing.assert_array_equal(both["w"], expected[1])
    assert ad.explain(f, *args).gradient.keys() == {"x_left", "x_right"}
    assert ad.explain(f, *args, wrt=-1).gradient.keys() == {"w"}


def test_a_model_is_left_as_it_was():
    model = nn.Sequential(nn.Linear(2, 3, rng=0), nn.BatchNorm(3), nn.Dropout(0.5, rng=0))
    before = model.state_dict()
    ad.explain(model, np.arange(8.0).reshape(4, 2), np.zeros((4, 3)), loss=nn.MSELoss())
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
    assert all(p.grad is None for p in model.parameters())


def test_frozen_parameters_are_given_but_have_no_gradient():
    model = nn.MLP(2, 3, 1, rng=0)
    model.layers[0].requires_grad_(False)
    derivation = ad.explain(model, np.ones((2, 2)), np.ones((2, 1)), loss="mse_loss")
    assert len(derivation.gradient) == 2
    assert len(derivation.inputs) == 6


@pytest.mark.parametrize(
    ("f", "gradient"),
    [(lambda x: x, 1), (lambda x: 3.0, 0), (lambda x: x * 0 + 2.0, 0), (lambda x: -x, -1)],
)
def test_what_hardly_depends_on_its_argument_is_explained(f, gradient):
    derivation = ad.explain(f, 2.0)
    assert derivation.gradient["x"] == gradient
    assert_checked(derivation)


def test_infinite_slopes_are_printed():
    derivation = ad.explain(np.sqrt, 0.0)
    assert derivation[-1].numbers == "inf"


def test_float32_is_checked_to_its_own_precision(network):
    _, X, y = network
    model = nn.MLP(2, 4, 2, rng=0, dtype=np.float32)
    derivation = ad.explain(model, X.astype(np.float32), y, loss="cross_entropy")
    assert {step.value.dtype for step in derivation} == {np.dtype(np.float32)}


# --- walking and printing


def test_a_derivation_is_walked_step_by_step(network):
    model, X, y = network
    derivation = ad.explain(model, X, y, loss="cross_entropy")
    assert [step.number for step in derivation] == list(range(1, len(derivation) + 1))
    first = derivation[0]
    assert (first.part, first.source, first.shape) == ("forward", "X @ W1 + b1", (5, 4))
    assert str(first).splitlines()[:2] == [
        "   1. a1 = X W1 + b1    (5, 4)",
        "      [affine map: (3) a = zW + b]",
    ]


def test_the_last_lines_are_the_engines_gradient_and_how_many_equalities_hold(network):
    assert str(ad.explain(np.square, 3.0)).splitlines()[-3:] == [
        "      ∂value/∂x = 6",
        "",
        "All 4 equalities hold: each was computed anew, from its text, when this was written.",
    ]


def test_large_arrays_are_summarised():
    derivation = ad.explain(lambda x: np.sum(x * x), np.arange(100.0))
    assert derivation[-1].numbers.startswith(
        "float64 (100,): norm 1146.04, from 0 to 198, corner [0, 2], checksum of all entries "
    )


# --- every equality holds


@pytest.mark.parametrize("part", sampled(range(8), 2))
def test_cards_are_explained(part):
    for name, function, args in cards()[part::8]:
        try:
            assert_checked(ad.explain(function, *args, wrt=tuple(range(len(args)))))
        except Exception as error:
            error.add_note(name)
            raise


@pytest.mark.parametrize("part", range(4))
def test_random_programs_are_explained(part, full):
    for seed in range(part, 500 if full else 40, 4):
        function, args = random_program(seed)
        assert_checked(ad.explain(function, *args, wrt=(0, 1, 2)))


@pytest.mark.parametrize(
    ("model", "x"), [case[1:] for case in layers()], ids=[c[0] for c in layers()]
)
def test_layers_are_explained(model, x):
    assert_checked(ad.explain(Scaled(model), x, loss=square))


@pytest.mark.parametrize(("loss", "x", "y"), losses(), ids=[case[0] for case in losses()])
def test_losses_are_explained(loss, x, y):
    derivation = ad.explain(Scaled(nn.Tanh()), x, y, loss=loss)
    assert_checked(derivation)
    assert derivation.steps


def test_an_engine_that_errs_is_found(monkeypatch):
    monkeypatch.setattr(PRIMITIVES["tanh"], "forward", lambda x: np.tanh(x) * (1 + 1e-11))
    with pytest.raises(GradientMismatchError, match="step 1 of the derivation does not hold"):

        def f(x):
            y = np.tanh(x)
            return y * 2

        ad.explain(f, 0.5)


def test_a_gradient_that_errs_is_found(monkeypatch):
    """The derivation is right, by the traced rule; the engine's own sweep is not."""
    monkeypatch.setattr(
        "adjoint.explanation.derivation.function_at_point.value_and_grad",
        lambda f, n: lambda x: (9.0, (6.5,)),
    )
    with pytest.raises(GradientMismatchError, match=r"the engine gives 6\.5"):
        ad.explain(np.square, 3.0)


# --- what is refused


@ad.custom_vjp(lambda g, y, x: (2 * g,))
def _doubled(x):
    return 2 * x


def _in(lang):
    return lambda: ad.explain(np.square, 3.0, lang=lang)


def test_refusals_say_what_was_expected(network):
    model, X, y = network
    loss = ad.tensor(2.0, requires_grad=True) * 2
    for error, message, call in [
        (ShapeError, "^explain: .* shape \\(3,\\)", lambda: ad.explain(np.tanh, np.zeros(3))),
        (NotImplementedError, "known to Python alone", lambda: ad.explain(_doubled, 1.0)),
        (TypeError, "a function, a tensor or a model, got int", lambda: ad.explain(3)),
        (TypeError, "loss is for models", lambda: ad.explain(np.tanh, 1.0, loss="mse_loss")),
        (TypeError, "wrt is for functions", lambda: ad.explain(loss, wrt=0)),
        (TypeError, "takes no arguments", lambda: ad.explain(loss, 1.0)),
        (TypeError, "needs loss=", lambda: ad.explain(model, X, y)),
        (TypeError, "give the arguments square is called with", lambda: ad.explain(np.square)),
        (TypeError, "give the batch MLP is called with", lambda: ad.explain(model)),
        (TypeError, "^explain: .* returned NoneType", lambda: ad.explain(lambda x: None, 1.0)),
        (ValueError, "unknown language 'ch'; choose one of en, zh", _in("ch")),
        (ValueError, "unknown loss 'mse'", lambda: ad.explain(model, X, y, loss="mse")),
        (ShapeError, "the loss has shape .* give a target too", lambda: ad.explain(model, X)),
        (GraphError, "requires_grad=True", lambda: ad.explain(ad.tensor(1.0))),
        (ShapeError, "sum it first", lambda: ad.explain(ad.tensor([1.0, 2.0], requires_grad=True))),
    ]:
        with pytest.raises(error, match=message):
            call()


@pytest.mark.parametrize("show", [ad.explain, ad.draw])
def test_an_argument_that_there_is_not_is_named_as_it_was_given(show):
    with pytest.raises(ValueError, match="wrt names argument 3 of a call with 1 arguments"):
        show(np.square, 2.0, wrt=3)


@pytest.mark.parametrize("hold", [ad.stop_gradient, lambda x: x.detach()])
def test_a_factor_that_is_held_constant_is_told_from_one_that_is_not(hold):
    shown = ad.explain(lambda x: np.sum(x**2 * hold(x)), np.array([1.0, 2.0]))
    assert "= stop_gradient(x)" in str(shown)
    assert r"\operatorname{stop\_gradient}\left(x\right)" in shown.latex()
    assert "= [2, 8]" in str(shown)
