"""One mistake is told once, with all that it spoils, and a second one is never hidden by it."""

import json

import numpy as np
import pytest

import adjoint as ad
from sampled import sampled

rng = np.random.default_rng(7)
SIZES = {"W1": (2, 3), "b1": 3, "W2": (3, 3), "b2": 3, "x": (5, 2)}
ARRAYS = [*(rng.standard_normal(size) for size in SIZES.values()), np.array([0, 2, 1, 1, 0])]


def squash(a):
    return 1 / (1 + np.exp(-a))


def forward(W1, b1, W2, b2, x, y):
    a1 = x @ W1 + b1
    z1 = squash(a1)
    a2 = z1 @ W2 + b2
    p = np.exp(a2) / np.exp(a2).sum(axis=1, keepdims=True)
    return -np.mean(np.log(p[np.arange(len(y)), y]))


def slope(z, a):
    return z * (1 - z)


def same(array):
    return array


def backward_with(*, p=None, start=None, slope1=slope, d_W1=same, d_b1=None, d_W2=same):
    """Return a backward pass with these in the place of what is right."""
    p = p or (lambda a: np.exp(a) / np.exp(a).sum(axis=1, keepdims=True))
    start = start or (lambda d, g: d * g)
    d_b1 = d_b1 or (lambda d: d.sum(axis=0))

    def backward(g, W1, b1, W2, b2, x, y):
        a1 = x @ W1 + b1
        z1 = squash(a1)
        a2 = z1 @ W2 + b2
        d2 = start((p(a2) - np.eye(3)[y]) / len(y), g)
        d1 = d2 @ W2.T * slope1(z1, a1)
        return d_W1(x.T @ d1), d_b1(d1), d_W2(z1.T @ d2), d2.sum(0), d1 @ W1.T, None

    return backward


def review(**twists):
    return ad.check_backward(forward, backward_with(**twists), *ARRAYS)


def mistakes(found):
    return [each.mistake for each in found.findings]


EVERY = ("b2", "W2", "b1", "W1", "x")


def test_the_pass_that_is_twisted_is_right():
    assert review(), str(review())


def test_a_mistake_at_the_logits_is_told_once_for_all_that_it_spoils():
    found = review(p=same)
    (one,) = found.findings
    assert (one.mistake, one.term, one.gradients) == ("operand", "a2", EVERY)
    assert "a2 stands where softmax(a2) belongs" in one.detail
    assert str(found).count("advice:") == 1
    assert "d_x are wrong as d_a2 is" in " ".join(str(found).replace(" and d_x", ", d_x").split())


def test_json_and_html_tell_a_mistake_once_too():
    found = review(p=same)
    (one,) = json.loads(found.to_json())["findings"]
    assert [each["gradient"] for each in one["consequences"]] == list(EVERY[1:])
    assert found._repr_html_().count("[operand]") == 1


def test_what_is_unknown_is_told_once_by_the_value_that_it_begins_at():
    found = review(p=lambda a: a**2 + 0.3)
    (one,) = found.findings
    assert (one.mistake, one.term, one.gradients) == ("unknown", "a2", EVERY)


def test_nan_that_spreads_is_told_once():
    (one,) = review(p=lambda a: a * np.nan).findings
    assert (one.mistake, one.gradients) == ("non_finite", EVERY)


def test_gradients_of_which_nothing_is_known_are_told_together():
    def backward(g, x, w, b):
        return np.sin(g * w), np.sum(np.sin(g * x), 0), np.sum(np.cos(g), 0)

    x, w, b = rng.standard_normal((5, 3)), rng.standard_normal(3), rng.standard_normal(3)
    found = ad.check_backward(lambda x, w, b: x * w + b, backward, x, w, b)
    (one,) = found.findings
    assert one.mistake == "unknown"
    assert set(one.gradients) == {"x", "w", "b"}
    assert "wrong too, and no known mistake explains it either" in str(found)


# --- two mistakes, both told

TWO = {
    "one before the other": (
        {"p": same, "slope1": lambda z, a: 1.0},
        {"operand", "activation_derivative"},
    ),
    "a sign below the logits": ({"p": same, "d_b1": lambda d: -d.sum(axis=0)}, {"operand", "sign"}),
    "a sum left out below": ({"p": same, "d_b1": same}, {"operand", "missing_sum"}),
    "a bias forgotten below": ({"p": same, "d_b1": lambda d: None}, {"operand", "bias"}),
    "a transpose below": ({"p": same, "d_W2": lambda d: d.T}, {"operand", "transpose"}),
    "one after what is unknown": (
        {"p": lambda a: a**2 + 0.3, "d_b1": lambda d: -d.sum(axis=0)},
        {"unknown", "sign"},
    ),
    "one after g is ignored": (
        {"start": lambda d, g: d, "slope1": lambda z, a: 1.0},
        {"incoming_ignored", "activation_derivative"},
    ),
    "the logits after g is ignored": (
        {"start": lambda d, g: d, "p": same},
        {"incoming_ignored", "operand"},
    ),
    "two on one gradient": ({"d_W2": lambda d: -d.T}, {"transpose", "sign"}),
    "two on one gradient of another shape": ({"d_W1": lambda d: -d.T}, {"transpose", "sign"}),
    "two that do not touch": (
        {"d_W2": lambda d: -d, "d_b1": lambda d: d.mean(axis=0)},
        {"sign", "mean_for_sum"},
    ),
}


@pytest.mark.parametrize("name", sampled(TWO, 4))
def test_two_mistakes_are_both_told(name):
    twists, expected = TWO[name]
    found = review(**twists)
    assert set(mistakes(found)) == expected, str(found)
    assert len(found.findings) == 2, str(found)


def test_three_mistakes_on_one_path_are_all_told():
    found = review(p=same, slope1=lambda z, a: 1.0, d_b1=lambda d: -d.sum(axis=0))
    assert set(mistakes(found)) == {"operand", "activation_derivative", "sign"}


# --- the incoming gradient


def test_a_loss_that_ignores_what_comes_in_is_named_and_otherwise_right():
    (one,) = review(start=lambda d, g: d).findings
    assert (one.mistake, one.gradients) == ("incoming_ignored", EVERY)
    assert "right where that is 1" in one.detail


class Loss:
    """Softmax with cross-entropy, whose backward pass may use what it is given."""

    def __init__(self, used=True):
        self.used = used

    def forward(self, a, labels):
        e = np.exp(a - a.max(axis=1, keepdims=True))
        self.p, self.labels = e / e.sum(axis=1, keepdims=True), labels
        return -np.mean(np.log(self.p[np.arange(len(labels)), labels]))

    def backward(self, g=1.0):
        d_a = self.p.copy()
        d_a[np.arange(len(d_a)), self.labels] -= 1
        return d_a * (g if self.used else 1.0) / len(d_a)


class LossAtTheEnd(Loss):
    """The same, by the convention that nothing comes in."""

    def backward(self):
        return super().backward()


def test_an_object_that_ignores_what_comes_in_is_named():
    a, labels = rng.standard_normal((5, 3)), np.array([0, 2, 1, 1, 0])
    assert ad.check_backward(Loss(), a, labels)
    assert ad.check_backward(LossAtTheEnd(), a, labels)
    assert ad.check_backward(Loss(used=False), a, labels).mistake == "incoming_ignored"


def test_a_gradient_alone_may_ignore_what_comes_in():
    def backward(g, x, w):
        return g * w, np.sum(x)

    found = ad.check_backward(lambda x, w: x * w, backward, rng.standard_normal(5), 0.7)
    (one,) = found.findings
    assert (one.mistake, one.gradients) == ("incoming_ignored", ("w",))


def test_fractions_that_are_cut_off_are_not_taken_for_what_comes_in():
    found = ad.check_backward(
        lambda x: 0.1 * x, lambda g, x: (0.1 * g).astype(int), rng.standard_normal(5)
    )
    assert found.mistake == "dtype"


# --- networks that begin with a loss of their own


class Network:
    """Two layers that update themselves, with a softmax or not."""

    def __init__(self, softmax):
        self.W, self.b, self.softmax = rng.standard_normal((2, 3)), np.zeros(3), softmax

    def forward(self, x):
        return x @ self.W + self.b

    def backward_and_descend(self, x, y, learning_rate):
        a = self.forward(x)
        p = np.exp(a) / np.exp(a).sum(axis=1, keepdims=True)
        d_a = (p if self.softmax else a).copy()
        d_a[np.arange(len(y)), y] -= 1
        self.W -= learning_rate * x.T @ d_a / len(y)
        self.b -= learning_rate * d_a.sum(axis=0) / len(y)


X, LABELS = rng.standard_normal((5, 2)), np.array([0, 2, 1, 1, 0])


def test_a_network_is_reviewed_with_the_cross_entropy_of_its_labels():
    assert ad.check_backward(Network(softmax=True), X, LABELS)
    found = ad.check_backward(Network(softmax=False), X, LABELS)
    (one,) = found.findings
    assert (one.mistake, one.term) == ("operand", "logits")
    assert found.subject.startswith("Network.backward_and_descend")


def test_a_network_that_was_trained_before_is_reviewed_alike():
    network = Network(softmax=True)
    network.cache = X.copy()
    network.backward_and_descend(X, LABELS, 0.1)
    found = ad.check_backward(network, X, LABELS)
    assert found
    assert found.checked == ("W", "b")


def test_loss_says_what_a_network_descends():
    class Regression(Network):
        def backward_and_descend(self, x, y, learning_rate):
            d_a = 2 * (self.forward(x) - y) / y.size
            self.W -= learning_rate * x.T @ d_a
            self.b -= learning_rate * d_a.sum(axis=0)

    y = rng.standard_normal((5, 3))
    network = Regression(softmax=False)
    assert ad.check_backward(network, X, y, loss=lambda output, y: np.mean((output - y) ** 2))
    with pytest.raises(TypeError, match="say which: loss=function of the output and y"):
        ad.check_backward(network, X, y)
    with pytest.raises(TypeError, match="takes y, too; give it after"):
        ad.check_backward(network, X)


def test_loss_is_for_networks_alone():
    with pytest.raises(TypeError, match="loss is for a network"):
        ad.check_backward(Loss(), X, LABELS, loss=ad.softmax_cross_entropy)
    with pytest.raises(TypeError, match="loss is for objects"):
        ad.check_backward(np.sin, lambda g, x: g * np.cos(x), X, loss=ad.softmax_cross_entropy)


def test_a_class_that_needs_arguments_asks_for_an_object():
    with pytest.raises(TypeError, match=r"give an object: Network\(softmax\), not the class"):
        ad.check_backward(Network, X, LABELS)


# --- how functions are called


own = np.random.default_rng(11)
DATA, TARGET, SLOPES = own.normal(size=(6, 3)), own.normal(size=6), own.normal(size=3)


def ridge(w, x, y, rate=0.1):
    return np.mean((x @ w - y) ** 2) + rate * np.sum(w**2)


def slope(w, x, y, rate=0.1):
    return 2 * x.T @ (x @ w - y) / len(y) + 2 * rate * w


def normalise(x, scale, eps=1e-5):
    return scale * (x - x.mean(0)) / np.sqrt(x.var(0) + eps)


def normalise_backward(g, x, scale, eps=1e-5):
    s = 1 / np.sqrt(x.var(0) + eps)
    z, d_z = (x - x.mean(0)) * s, g * scale
    return s * (d_z - d_z.mean(0) - z * (d_z * z).mean(0)), (g * z).sum(0)


PAIRS = {
    "a default of both": (normalise, normalise_backward, DATA, SLOPES),
    "a default of the forward pass alone": (
        ridge,
        lambda w, x, y: slope(w, x, y),
        SLOPES,
        DATA,
        TARGET,
    ),
    "a default that the backward pass needs": (
        ridge,
        lambda w, x, y, rate: slope(w, x, y, rate),
        SLOPES,
        DATA,
        TARGET,
    ),
    "a default that is given": (
        lambda x, w, b=0.0: x @ w + b,
        lambda g, x, w, bias=None: (np.outer(g, w), x.T @ g, g),
        DATA,
        SLOPES,
        TARGET,
    ),
    "any number of arguments": (
        lambda *args: args[0] @ args[1],
        lambda g, *args: (np.outer(g, args[1]), args[0].T @ g),
        DATA,
        SLOPES,
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_functions_are_called_whatever_defaults_they_have(name):
    forward, backward, *arrays = PAIRS[name]
    given = backward if len(arrays) != 3 or name == "a default that is given" else alone(backward)
    assert str(ad.check_backward(forward, given, *arrays)).startswith(f"{given.__name__}: right")


def alone(backward):
    """Return a backward pass that gives None for the data."""
    space = {"backward": backward}
    names = "w, x, y, rate" if "rate" in backward.__code__.co_varnames else "w, x, y"
    exec(f"def passed({names}): return backward({names}), None, None", space)
    return space["passed"]


def test_data_of_a_loss_need_no_gradient_where_none_is_said_to_be_given():
    (found,) = ad.check_backward(
        ridge, lambda w, x, y: (-slope(w, x, y), None, None), SLOPES, DATA, TARGET
    ).findings
    assert (found.mistake, found.gradients) == ("sign", ("w",))


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        (lambda w, x, y: (None, None, None), {"w", "x", "y"}),
        (lambda w, x, y: (None, 2 * np.outer(x @ w - y, w) / 6, None), {"w"}),
        (lambda w, x, y: slope(w, x, y), {"x", "y"}),
    ],
    ids=["nothing is given", "a parameter's", "not even None"],
)
def test_a_gradient_that_is_needed_is_missed(given, missing):
    review = ad.check_backward(ridge, given, SLOPES, DATA, TARGET)
    assert {found.mistake for found in review.findings} == {"missing_gradient"}
    assert set(review.wrong) == missing


def test_a_layer_gives_the_gradient_of_its_data():
    review = ad.check_backward(lambda x, w: x @ w, lambda g, x, w: (None, x.T @ g), DATA, SLOPES)
    assert [(f.mistake, f.gradient) for f in review.findings] == [("missing_gradient", "x")]


@pytest.mark.parametrize(
    ("x", "message"), [(np.full((2, 3), np.nan), "has NaN"), (DATA[:0], "without any entry")]
)
def test_numbers_that_show_no_mistake_are_refused(x, message):
    with pytest.raises(ValueError, match=message):
        ad.check_backward(lambda x, w: x @ w, lambda g, x, w: (0 * x, 0 * w), x, SLOPES)
