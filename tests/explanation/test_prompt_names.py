"""At a prompt, what was shown is kept as `_` and `_4`; explanations go by the names people gave."""

import pytest

# IPython has `_` from its beginning, so before the user's names, and `_4` after them.
SHOWN = """
import numpy as np
import adjoint as ad
_ = ""
w = ad.tensor([1.0, 2.0], requires_grad=True)
model = ad.nn.Linear(2, 1, rng=0)
loss = np.sum(model(w) ** 2)
_4, _5, _6 = model, loss, w
_, __, shown = w, loss, w.data * 0
_ = shown
"""


@pytest.fixture
def prompt():
    """A function that runs a line in a namespace like IPython's, and returns its value."""
    namespace = {}
    exec(SHOWN, namespace)
    return lambda line: eval(line, namespace)


def test_a_drawing_names_tensors_as_their_variables(prompt):
    picture = prompt("ad.draw(loss).svg()")
    assert ">loss" in picture
    assert ">w" in picture
    assert "_5" not in picture
    assert "_6" not in picture


def test_a_derivation_names_tensors_as_their_variables(prompt):
    text = str(prompt("ad.explain(loss)"))
    assert "Derivation of loss" in text
    assert "∂loss/∂w" in text
    assert "_5" not in text
    assert "_6" not in text


def test_why_names_a_tensor_and_a_parameter_as_their_variables(prompt):
    prompt("loss.backward()")
    assert prompt("ad.why(w)").subject == "w"
    assert prompt("ad.why(model.weight)").subject == "weight"


def test_why_names_a_computed_value_as_its_variable(prompt):
    assert prompt("ad.why(shown)").subject == "shown"
