"""`check_backward` says right of what is right, and names the first mistake of what is not."""

import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import adjoint as ad
from adjoint.cli import main
from adjoint.explanation.review import MISTAKES
from review_corpus.corpus import right_layers, wrong_layers
from review_corpus.measure import measure

rng = np.random.default_rng(0)
X, W, B = (rng.standard_normal(shape) for shape in [(7, 5), (5, 3), 3])
SQUARE = rng.standard_normal((5, 5))
TARGET = np.eye(5)[rng.integers(0, 5, 7)]


# --- the mistakes of the article, rebuilt; numbered as in docs/explanation/derivation.md's errata


class Dense:
    """A layer that updates itself: `backward(grad, learning_rate)` returns the input's gradient."""

    def __init__(self, weight, bias=None):
        self.weight, self.bias = weight.copy(), np.zeros(weight.shape[1]) if bias is None else bias

    def __call__(self, z):
        self.z = z
        return z @ self.weight + self.bias

    def backward(self, grad, learning_rate):
        grad_z = grad @ self.weight.T
        self.weight -= learning_rate * self.grad_weight(grad)
        self.bias = self.bias - learning_rate * grad.sum(axis=0)
        return grad_z

    def grad_weight(self, grad):
        return self.z.T @ grad


class Transposed(Dense):
    """Article, mistake 3: its matrix (7) has z_j ∂L/∂a_i in row i and column j."""

    def grad_weight(self, grad):
        return (self.z.T @ grad).T


@pytest.mark.parametrize("weight", [W, SQUARE], ids=["oblong", "square"])
def test_article_3_the_transposed_gradient_of_the_weights(weight):
    review = ad.check_backward(Transposed(weight), X)
    assert review.mistake == "transpose"
    assert review.findings[0].gradient == "weight"
    assert ad.check_backward(Dense(weight), X)


def cross_entropy(logits, target):
    p = np.exp(logits) / np.sum(np.exp(logits), axis=1, keepdims=True)
    return -np.sum(target * np.log(p)) / len(logits)


def test_article_4_logits_stand_where_their_softmax_belongs():
    def backward(g, logits, target):
        return g * (logits - target) / len(logits)

    review = ad.check_backward(cross_entropy, backward, X, TARGET)
    assert review.mistake == "operand"
    assert "logits stands where softmax(logits) belongs" in str(review)


def test_article_4_also_without_the_mean():
    def backward(logits, target):
        return logits - target

    review = ad.check_backward(cross_entropy, backward, X, TARGET)
    assert review.mistake == "operand"
    assert "1/N" in str(review)


class Softmax:
    """Softmax over a batch of columns' worth of numbers, with a backward pass to be given."""

    def __init__(self, jacobian):
        self.jacobian = jacobian

    def __call__(self, a):
        e = np.exp(a - a.max(axis=1, keepdims=True))
        self.y = e / e.sum(axis=1, keepdims=True)
        return self.y

    def backward(self, grad, learning_rate):
        rows = [self.jacobian(y[:, None]) @ g for y, g in zip(self.y, grad, strict=True)]
        return np.array(rows)


def test_article_7_diag_of_a_column_is_not_a_diagonal_matrix():
    def jacobian(y):  # np.diag of a column is its first entry alone
        return np.diag(y) - y @ y.T

    review = ad.check_backward(Softmax(jacobian), X)
    assert review.mistake == "softmax_jacobian"
    assert ad.check_backward(Softmax(lambda y: np.diagflat(y) - y @ y.T), X)


class WithoutBias(Dense):
    """Article, mistake 9: one pass asks `is not False`, the other `is not None`."""

    def __init__(self, weight):
        super().__init__(weight)
        self.bias = False

    def __call__(self, z):
        self.z = z
        a = z @ self.weight
        return a + self.bias if self.bias is not False else a

    def backward(self, grad, learning_rate):
        grad_z = grad @ self.weight.T
        self.weight -= learning_rate * self.grad_weight(grad)
        if self.bias is not None:
            self.bias = self.bias - learning_rate * grad.sum(axis=0)
        return grad_z


def test_article_9_a_bias_that_does_not_take_part_is_updated():
    review = ad.check_backward(WithoutBias(W), X)
    assert review.mistake == "superfluous_gradient"
    assert review.findings[0].gradient == "bias"


# --- every mistake, as a learner makes it


def affine(x, W, b):
    return x @ W + b


def squash(x):
    return 1 / (1 + np.exp(-x))


def perceptron(x, W, V):
    return np.tanh(x @ W) @ V


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def mean_square(x, t):
    return np.mean((x - t) ** 2)


def scaled(x, s):
    return x * s


def normalised(x):
    return x / np.sqrt(np.sum(x**2, axis=1, keepdims=True))


V = rng.standard_normal((3, 2))


def of_perceptron(slope):
    """Return a backward pass with this for the derivative of tanh, of x, W, a = xW and z."""

    def backward(g, x, W, V):
        a = x @ W
        z = np.tanh(a)
        da = (g @ V.T) * slope(a, z)
        return da @ W.T, x.T @ da, z.T @ g

    return backward


class Remembering:
    """A layer that keeps what it saw first."""

    def __init__(self, W):
        self.W = W

    def forward(self, x):
        if not hasattr(self, "x"):
            self.x = x
        return x @ self.W

    def backward(self, g):
        self.dW = self.x.T @ g
        return g @ self.W.T


class Accumulating:
    """A layer that never forgets a gradient."""

    def __init__(self, W):
        self.W, self.dW = W, np.zeros_like(W)

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, g):
        self.dW += self.x.T @ g
        return g @ self.W.T


class Hasty(Dense):
    """A layer that updates its weights before they are needed."""

    def backward(self, grad, learning_rate):
        self.weight -= learning_rate * self.z.T @ grad
        self.bias = self.bias - learning_rate * grad.sum(axis=0)
        return grad @ self.weight.T


def unraised(g, x):
    raise RuntimeError("not written yet")


LEARNERS = {
    "crash": (squash, unraised, X),
    "incoming_ignored": (
        squash,
        lambda g, x: squash(x) * (1 - squash(x)),
        X,
    ),
    "bias": (affine, lambda g, x, W, b: (g @ W.T, x.T @ g), X, W, B),
    "bias of zero": (affine, lambda g, x, W, b: (g @ W.T, x.T @ g, np.zeros(3)), X, W, B),
    "missing_gradient": (
        perceptron,
        lambda g, x, W, V: (None, None, np.tanh(x @ W).T @ g),
        X,
        W,
        V,
    ),
    "superfluous_gradient": (lambda x, s: x * 2.0, lambda g, x, s: (2 * g, np.sum(g * x)), X, 0.5),
    "non_finite": (squash, lambda g, x: g / (x - x), X),
    "missing_sum": (affine, lambda g, x, W, b: (g @ W.T, x.T @ g, g), X, W, B),
    "broadcast": (scaled, lambda g, x, s: (g * s, g * x), X, rng.standard_normal((7, 1))),
    "transpose": (affine, lambda g, x, W, b: (g @ W, x.T @ g, g.sum(0)), X, SQUARE, rng.random(5)),
    "transpose of the shapes": (affine, lambda g, x, W, b: (g @ W.T, g.T @ x, g.sum(0)), X, W, B),
    "transpose that raises": (affine, lambda g, x, W, b: (g @ W, x.T @ g, g.sum(0)), X, W, B),
    "axis": (affine, lambda g, x, W, b: (g @ W.T, x.T @ g, g.sum(axis=1)), X, W, B),
    "axis of softmax": (softmax, lambda g, x: softmax(x) * (g - np.sum(g * softmax(x), 0)), X),
    "shape": (affine, lambda g, x, W, b: (g @ W.T, x.T @ g, g.sum(0, keepdims=True)), X, W, B),
    "dtype": (affine, lambda g, x, W, b: (g @ W.T, np.float32(x.T @ g), g.sum(0)), X, W, B),
    "sign": (mean_square, lambda g, x, t: g * 2 * (t - x) / x.size, X, TARGET),
    "accumulated": (Accumulating(W), X),
    "accumulated in one pass": (
        scaled,
        lambda g, x, s: (g * s, 2 * np.sum(g * x, 1)[:, None]),
        X,
        rng.standard_normal((7, 1)),
    ),
    "missing_mean": (mean_square, lambda g, x, t: g * 2 * (x - t), X, TARGET),
    "mean_for_sum": (affine, lambda g, x, W, b: (g @ W.T, x.T @ g, g.mean(axis=0)), X, W, B),
    "mean_for_sum of weights": (
        affine,
        lambda g, x, W, b: (g @ W.T, x.T @ g / len(x), g.sum(axis=0)),
        X,
        W,
        B,
    ),
    "scale": (mean_square, lambda g, x, t: g * (x - t) / x.size, X, TARGET),
    "softmax_diagonal": (softmax, lambda g, x: g * softmax(x) * (1 - softmax(x)), X),
    "softmax_jacobian": (
        softmax,
        lambda g, x: softmax(x) * (g + np.sum(g * softmax(x), 1, keepdims=True)),
        X,
    ),
    "missing_term": (lambda x: x * np.exp(x), lambda g, x: g * np.exp(x), X),
    "missing_term of a norm": (
        normalised,
        lambda g, x: g / np.linalg.norm(x, axis=1, keepdims=True),
        X,
    ),
    "activation_derivative": (squash, lambda g, x: g * x * (1 - x), X),
    "activation_derivative at the output": (
        perceptron,
        of_perceptron(lambda a, z: 1 - np.tanh(z) ** 2),
        X,
        W,
        V,
    ),
    "activation_derivative at the input": (
        perceptron,
        of_perceptron(lambda a, z: 1 - a**2),
        X,
        W,
        V,
    ),
    "activation_derivative of another": (
        perceptron,
        of_perceptron(lambda a, z: z * (1 - z)),
        X,
        W,
        V,
    ),
    "activation_derivative left out": (perceptron, of_perceptron(lambda a, z: 1.0), X, W, V),
    "stale": (Remembering(W), X),
    "stale update": (Hasty(W), X),
    "operand": (
        scaled,
        lambda g, x, s: (g * x, np.sum(g * x, axis=1, keepdims=True)),
        X,
        rng.standard_normal((7, 1)),
    ),
    "unknown": (affine, lambda g, x, W, b: (g @ W.T, np.sin(x.T @ g), g.sum(axis=0)), X, W, B),
}


@pytest.mark.parametrize("name", LEARNERS)
def test_the_mistake_is_named(name):
    review = ad.check_backward(*LEARNERS[name])
    assert not review
    assert review.mistake == name.split()[0], str(review)


def test_every_mistake_is_tried():
    assert {name.split()[0] for name in LEARNERS} == set(MISTAKES)


# --- what is right


def right_perceptron(g, x, W, V):
    return of_perceptron(lambda a, z: 1 - z**2)(g, x, W, V)


def with_cache(x, W):
    return x @ W, (x, W)


RIGHT = {
    "functions": (perceptron, right_perceptron, X, W, V),
    "a dict": (affine, lambda g, x, W, b: {"W": x.T @ g, "db": g.sum(0), "x": g @ W.T}, X, W, B),
    "a cache": (with_cache, lambda g, cache: (g @ cache[1].T, cache[0].T @ g), X, W),
    "a loss without a cotangent": (
        cross_entropy,
        lambda logits, target: (softmax(logits) - target) / len(logits),
        X,
        TARGET,
    ),
    "a layer that updates itself": (Dense(W), X),
    "numbers": (lambda a, b: a * b, lambda g, a, b: (g * b, g * a), 2.0, 3.0),
    "float32": (squash, lambda g, x: g * squash(x) * (1 - squash(x)), X.astype(np.float32)),
    "a prediction": (squash, lambda g, y_hat: g * y_hat * (1 - y_hat), X),
    "inputs that are drawn": (
        squash,
        lambda g, x: g * squash(x) * squash(-x),
        lambda r: r.random(4),
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_nothing_is_found_in_what_is_right(name):
    review = ad.check_backward(*RIGHT[name])
    assert review, str(review)
    assert review.mistake is None
    assert ": right (d_" in str(review)


def test_a_gradient_at_a_kink_is_not_judged():
    x = np.array([[-1.0, 0.0, 2.0]])  # relu at 0: either slope is right
    with pytest.raises(ValueError, match="every call lies at a kink"):
        ad.check_backward(lambda x: np.maximum(x, 0), lambda g, x: g * (x >= 0), x)


def test_the_layer_handed_in_is_left_as_it_was():
    layer = Dense(W)
    ad.check_backward(layer, X)
    np.testing.assert_array_equal(layer.weight, W)
    assert not hasattr(layer, "z")


def test_the_arrays_handed_in_are_left_as_they_were():
    def backward(g, x):
        x *= 0
        return g

    x = X.copy()
    ad.check_backward(lambda x: x * 1.0, backward, x)
    np.testing.assert_array_equal(x, X)


def test_a_forward_pass_that_is_not_traced_is_reviewed_by_differences():
    def forward(x):
        return np.array([float(entry) ** 2 for entry in x])

    assert ad.check_backward(forward, lambda g, x: 2 * g * x, X[0])
    review = ad.check_backward(forward, lambda g, x: -2 * g * x, X[0])
    assert (review.mistake, review.method) == ("sign", "differences")


# --- what a review says


def named_perceptron(x, W, V):
    a = x @ W
    z = np.tanh(a)
    return z @ V


def test_the_finding_says_where_with_the_numbers_and_the_step():
    review = ad.check_backward(named_perceptron, of_perceptron(lambda a, z: 1 - a**2), X, W, V)
    first = review.findings[0]
    assert (first.gradient, first.term) == ("x", "a")
    assert first.step is not None
    assert first.step.name == "d_a"
    assert f"expected {first.expected:.6g}" in str(first)
    assert f"got {first.got:.6g}" in str(first)


def test_a_gradient_that_a_wrong_term_spoils_is_told_in_one_line():
    review = ad.check_backward(named_perceptron, of_perceptron(lambda a, z: 1 - a**2), X, W, V)
    (found,) = review.findings
    assert (found.term, found.gradients) == ("a", ("x", "W"))
    assert str(review).endswith("\n  d_x and d_W are wrong as d_a is")


def test_the_worst_entry_has_the_numbers_of_the_right_and_the_given_gradient():
    def backward(g, x):
        found = 2 * g * x
        found[1, 2] += 10
        return found

    (finding,) = ad.check_backward(lambda x: x**2, backward, X).findings
    assert finding.entry == (1, 2)
    assert finding.got == pytest.approx(finding.expected + 10)


def test_wrt_chooses_what_is_compared():
    def backward(g, x, W, b):
        return g @ W.T, -x.T @ g, g.sum(axis=0)

    assert ad.check_backward(affine, backward, X, W, B, wrt=["x", "b"])
    assert not ad.check_backward(affine, backward, X, W, B, wrt=["W"])


def test_parameters_say_where_an_object_keeps_gradients():
    class Odd(Remembering):
        def forward(self, x):
            self.x = x
            return x @ self.W

        def backward(self, g):
            self.slope = self.x.T @ g
            return g @ self.W.T

    assert ad.check_backward(Odd(W), X, parameters={"W": "slope"})


# --- JSON

KEYS = {"schema", "subject", "right", "method", "calls", "checked", "wrong", "findings"}
FINDING_KEYS = {
    "mistake",
    "title",
    "advice",
    "gradient",
    "term",
    "detail",
    "entry",
    "expected",
    "got",
    "expected_shape",
    "got_shape",
    "step",
    "consequences",
}


def test_the_json_text_keeps_its_schema():
    review = ad.check_backward(*LEARNERS["sign"])
    found = json.loads(review.to_json())
    assert set(found) == KEYS
    assert found["schema"] == 2
    assert set(found["findings"][0]) == FINDING_KEYS
    assert set(found["findings"][0]["step"]) == {"number", "line", "formula", "rule", "equation"}
    assert found["findings"][0]["expected"] == review.findings[0].expected


def test_numbers_that_json_lacks_are_texts():
    found = json.loads(ad.check_backward(*LEARNERS["non_finite"]).to_json())
    assert found["findings"][0]["got"] in ("inf", "-inf", "nan")


def page():
    return (Path(__file__).parents[2] / "docs/how-to/review.md").read_text(encoding="utf-8")


def test_the_page_lists_every_mistake_in_its_order():
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", page(), flags=re.MULTILINE)
    mistakes = [row for row in rows if row[0] in MISTAKES]
    assert mistakes == [(m.name, m.title) for m in MISTAKES.values()]


def test_the_page_lists_every_field_of_the_schema():
    fields = re.findall(r"`(\w+)`", page().partition("| field of a review")[2])
    assert set(fields) >= KEYS | FINDING_KEYS


def test_the_page_shows_what_its_program_prints():
    program, printed, *_ = re.findall(r"```(?:python|text)\n(.*?)```", page(), flags=re.DOTALL)
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=True
    )
    assert run.stdout == printed


@pytest.mark.parametrize("requires_grad", [False, True])
def test_tensors_stand_for_their_arrays(requires_grad):
    x, w, b = (ad.tensor(array, requires_grad=requires_grad) for array in (X, W, B))
    right = RIGHT["a dict"][:2]
    for given in [(x, w, b), (lambda rng: (x, w, b),)]:
        review = ad.check_backward(*right, *given)
        assert review, str(review)
        assert review.checked == ("x", "W", "b")


# --- bad input


def test_something_else_than_two_passes_is_refused():
    with pytest.raises(TypeError, match=r"expected \(forward, backward, \*arrays\)"):
        ad.check_backward(squash, X)


def test_the_error_of_the_forward_pass_is_passed_on():
    with pytest.raises(ValueError, match=r"forward pass raised ValueError: .*matmul"):
        ad.check_backward(affine, lambda g, x, W, b: g, X, W.T, B)


def test_a_name_in_wrt_that_has_no_gradient_is_refused():
    with pytest.raises(ValueError, match="wrt names w, but what has a gradient is x, W, b"):
        ad.check_backward(affine, lambda g, x, W, b: (g, g, g), X, W, B, wrt=["w"])


def test_a_forward_pass_that_is_random_is_refused():
    draws = np.random.default_rng(0)

    def forward(x):
        return np.array([float(entry) for entry in x]) * draws.random(len(x))

    with pytest.raises(ValueError, match="other results for the same arguments"):
        ad.check_backward(forward, lambda g, x: g, X[0])


def test_integers_are_refused():
    with pytest.raises(ValueError, match="expected floats"):
        ad.check_backward(lambda x: x.round().astype(int), lambda g, x: g, X)


# --- the shell

FILE = """
    import numpy as np
    print("a line of the file's own")
    def forward(x, W):
        return x @ W
    def backward(g, x, W):
        return g @ W.T, {}x.T @ g
    inputs = np.arange(10.0).reshape(5, 2), np.arange(6.0).reshape(2, 3) + 1
"""


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "passes.py"
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return str(path)

    return write


def test_check_ends_with_0_for_a_right_file(write, capsys):
    assert main(["check", write(FILE.format(""))]) == 0
    assert "backward: right (d_x, d_W;" in capsys.readouterr().out


def test_check_ends_with_1_for_a_wrong_file(write, capsys):
    assert main(["check", write(FILE.format("-"))]) == 1
    assert "[sign]" in capsys.readouterr().out


def test_check_prints_json_alone(write, capsys):
    assert main(["check", "--json", write(FILE.format("-"))]) == 1
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert set(found) == {"schema", "file", "right", "reviews"}
    assert found["reviews"][0]["findings"][0]["mistake"] == "sign"
    assert "the file's own" in printed.err


def test_check_reviews_several_by_their_names(write, capsys):
    text = """
        import numpy as np
        def half_forward(x): return x / 2
        def half_backward(g, x): return g / 2
        half_inputs = np.ones(3)
        class Twice:
            def forward(self, x): return 2 * x
            def backward(self, g): return 3 * g
        Twice_inputs = lambda rng: rng.random(4)
    """
    assert main(["check", write(text)]) == 1
    printed = capsys.readouterr().out
    assert "half_backward: right" in printed
    assert "Twice.backward: wrong in 1 of 1 gradients" in printed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", "nothing to check"),
        ("def f(:", "line 1"),
        ("1 / 0", "ZeroDivisionError"),
        ("raise SystemExit(3)", "it exits with 3; do so under if __name__"),
        ("inputs = [1.0]", "not what to call with it"),
        ("forward = backward = lambda x: [][0]\ninputs = 1.0", "IndexError"),
        ("import nothing_of_the_kind", "ModuleNotFoundError"),
    ],
)
def test_check_ends_with_2_and_one_line_for_a_file_that_cannot_be_reviewed(
    write, capsys, text, message
):
    assert main(["check", write(text)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def test_check_ends_with_2_for_a_file_that_is_not_there(capsys):
    assert main(["check", "nowhere.py"]) == 2
    assert "nowhere.py" in capsys.readouterr().err


# --- the corpus


@pytest.fixture(scope="module")
def figures(full):
    every = 1 if full else 17
    wrong, _ = wrong_layers(every)
    return measure(right_layers()[:: 1 if full else 20], wrong)


def test_the_corpus_is_as_large_as_it_says(figures, full):
    if full:
        assert figures.wrong >= 300
        assert figures.right >= 100
    assert len(figures.kinds) >= 12


def test_there_is_no_false_alarm(figures):
    assert figures.alarms == []


def test_every_wrong_layer_of_the_corpus_is_detected(figures):
    assert figures.detected == figures.wrong


def test_the_right_term_is_located_in_95_percent(figures):
    assert figures.located >= 0.95 * figures.wrong


def test_the_right_mistake_is_named_in_80_percent(figures):
    assert figures.named >= 0.80 * figures.wrong


def test_the_mutations_are_made_without_the_reviewer():
    import review_corpus

    folder = Path(review_corpus.__file__).parent
    for file in folder.glob("*.py"):
        if file.stem != "measure":
            assert "adjoint" not in file.read_text(encoding="utf-8").replace(
                "import adjoint", "adjoint"
            )
