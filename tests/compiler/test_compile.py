"""Compiling: written source, the portable tier, and whole training steps."""

import ast
import importlib.util
import inspect
import runpy
import subprocess
import sys
import traceback
from pathlib import Path

import numpy as np
import pytest
from adjoint.graph import trace

import adjoint as ad
from adjoint import contract, nn
from adjoint.compiler import program
from adjoint.compiler.simplify.simplify import simplify
from adjoint.compiler.source.equations import EQUATIONS
from adjoint.compiler.source.printer import show
from adjoint.compiler.source.source import write
from adjoint.compiler.source.standalone import STANDALONE
from adjoint.core.tree import leaves
from adjoint.nn import functional
from adjoint.training import tiers
from adjoint.training.step import TrainingStep
from programs import PROGRAMS
from sampled import sampled

GOLDEN = Path(__file__).parents[1] / "golden"
# Beside the interpreter, whatever the PATH is; else wherever the PATH has it.
RUFF = [sys.executable, "-m", "ruff"] if importlib.util.find_spec("ruff") else ["ruff"]
ROOT = Path(__file__).parents[2]


# --- golden files


@pytest.mark.parametrize("name", PROGRAMS)
def test_written_source_is_as_kept(name):
    kept = GOLDEN / f"{name}.py"
    written = PROGRAMS[name]()
    assert kept.read_text(encoding="utf-8") == written, (
        f"the source of {name} has changed; look at it, and if it is better, keep it with "
        "python tests/programs.py"
    )


def _check_with_ruff(folder):
    for command in (["format", "--diff"], ["check", "--select", "E,F,W", "--ignore", "E501"]):
        run = subprocess.run(
            [*RUFF, *command, "--isolated", "--line-length", "100", "--no-cache", str(folder)],
            capture_output=True,
            text=True,
        )
        assert run.returncode == 0, run.stdout + run.stderr


def test_a_formatter_changes_nothing_in_golden_files():
    _check_with_ruff(GOLDEN)


OPERATORS = ["|", "^", "&", "+", "-", "*", "@", "/", "//", "%", "**"]


@pytest.mark.parametrize("first", OPERATORS)
@pytest.mark.parametrize("second", OPERATORS)
def test_brackets_are_written_where_python_needs_them_and_nowhere_else(first, second):
    for text in (f"(a {first} b) {second} c", f"a {first} (b {second} c)"):
        tree = ast.parse(text, mode="eval").body
        # Python's own printer puts spaces around every power.
        assert show(tree).replace(" ", "") == ast.unparse(tree).replace(" ", "")


def test_the_articles_step_is_short_and_cites_its_equations():
    source = PROGRAMS["article_step"]()
    assert len(source.splitlines()) <= 60
    for number in (5, 7, 9, 13, 14, 15):
        assert f"({number})" in source
    assert "import numpy as np" in source
    assert source.count("import") == 1


def test_every_equation_is_on_the_page():
    page = (ROOT / "docs/explanation/equations.md").read_text(encoding="utf-8")
    for number, equation in EQUATIONS.items():
        assert f"| ({number}) |" in page
        assert equation.formula in page


# --- every primitive


def _scope(source):
    scope = {}
    exec(compile(source, "<written>", "exec"), scope)
    return scope


def _written_cases():
    for primitive in ad.core.PRIMITIVES.values():
        for n, case in enumerate(contract.cases(primitive)):
            yield pytest.param(primitive, case, id=f"{primitive.name}-{n}")


def _graphs(primitive, case):
    """Return the graphs of a primitive and, where there is one, of its gradient; and arguments."""
    args, params = contract.arguments(primitive, case, np.random.default_rng(0))
    floats = [n for n, x in enumerate(args) if x.dtype.kind == "f"]
    given = [args[n] for n in floats]

    def apply(*xs):
        full = list(args)
        for n, x in zip(floats, xs, strict=True):
            full[n] = x
        return primitive.bind(full, params)

    yield trace(apply, *given), given
    if primitive.vjp is not None:
        numbers = tuple(range(len(given)))
        yield trace(ad.grad(lambda *xs: ad.sum(apply(*xs)), argnums=numbers), *given), given


@pytest.mark.parametrize(("primitive", "case"), sampled(_written_cases(), 3))
def test_the_source_of_every_primitive_gives_its_values(primitive, case):
    for graph, given in _graphs(primitive, case):
        function = _scope(write(simplify(graph)))[graph.name]
        with np.errstate(all="ignore"):
            got, expected = function(*given), graph(*given)
        got, expected = (x if isinstance(x, tuple) else (x,) for x in (got, expected))
        for left, right in zip(got, expected, strict=True):
            np.testing.assert_allclose(left, right, rtol=1e-12, atol=1e-12)
            assert np.asarray(left).dtype == np.asarray(right).dtype


def test_a_formatter_changes_nothing_in_the_source_of_any_primitive(tmp_path, full):
    for primitive in ad.core.PRIMITIVES.values():
        for n, case in enumerate(contract.cases(primitive)[: 3 if full else 1]):
            for m, (graph, _) in enumerate(_graphs(primitive, case)):
                file = tmp_path / f"{primitive.name}_{n}_{m}.py"
                file.write_text(write(simplify(graph)), encoding="utf-8")
    _check_with_ruff(tmp_path)


@pytest.mark.parametrize("name", STANDALONE)
def test_a_standalone_function_does_what_the_primitive_does(name):
    if name == "placed_at":
        x, params = np.ones(2), {"key": (slice(0, 4, 2),), "shape": (4, 2)}
        expected = ad.core.PRIMITIVES["scatter_add"].forward(x, **params)
        np.testing.assert_array_equal(STANDALONE[name](x, **params), expected)
        return
    if name == "strong_product":
        x = np.array([[0.0, np.inf, np.nan], [1.0, 0.0, -np.inf], [np.inf, 1.0, 0.0]])
        for y in (x.T, np.zeros((3, 2)), np.ones((3, 2)), np.abs(x)):
            with np.errstate(all="ignore"):
                left, right = STANDALONE[name](np.matmul, x, y), ad.ops.products.strong_matmul(x, y)
            np.testing.assert_array_equal(left, right)
        return
    primitive = ad.core.PRIMITIVES[name]
    for case in contract.cases(primitive):
        args, params = contract.arguments(primitive, case, np.random.default_rng(0))
        expected = primitive.forward(*args, **params)
        np.testing.assert_allclose(STANDALONE[name](*args, **params), expected, rtol=1e-14)


# --- expressions


@pytest.mark.parametrize(
    "f",
    [
        lambda x, y: (x - (y - x)) - y,
        lambda x, y: x / (y * x) / y,
        lambda x, y: (x**2) ** 3 + 2.0 ** (x * y),
        lambda x, y: -((-x) ** 2) + (-(x**2)),
        lambda x, y: (x + y).T @ (x - y),
        lambda x, y: np.where((x > 0) & ((y > 0) | (x < y)), x, -y),
        lambda x, y: (x + y)[1:, None, ::-1] * 1e-5,
        lambda x, y: np.concatenate([x, y, x + y, x * y, x - y, y - x, x / y, y / x, x @ y.T @ x]),
        lambda x, y: x * 1e30 + y * 1e-30,
        lambda x, y: x * np.inf + np.array([np.nan, 1.0, -np.inf]),
        lambda x, y: (x * 3).astype(np.float32) % 2 // 1,
        lambda x, y: x.sum(axis=1, keepdims=True) - y.mean(axis=(0, 1)),
        lambda x, y: {"a": [x + y, (x,)], "b": 1.0},
        lambda x, y: [x * 2 + y] * 9,
        lambda x, y: (),
    ],
)
def test_written_expressions_have_the_same_value(f, tmp_path):
    x, y = np.random.default_rng(0).uniform(0.5, 2, size=(2, 3, 3))
    source = write(simplify(trace(f, x, y)))
    with np.errstate(all="ignore"):
        got, expected = _scope(source)["function"](x, y), f(x, y)
    for left, right in zip(leaves(got), leaves(expected), strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-14)
    (tmp_path / "written.py").write_text(source, encoding="utf-8")
    _check_with_ruff(tmp_path)


def test_long_names_are_laid_out(tmp_path):
    def function(the_first_of_the_arguments, the_second_of_the_arguments, a_third_argument=None):
        the_sum_of_the_first_and_second = the_first_of_the_arguments + the_second_of_the_arguments
        the_product_of_sum_and_second = (
            the_sum_of_the_first_and_second @ the_second_of_the_arguments
        )
        everything_of_the_above_side_by_side = np.concatenate(
            [the_sum_of_the_first_and_second, the_product_of_sum_and_second, a_third_argument]
        )
        return {
            "the_sum": the_sum_of_the_first_and_second,
            "side_by_side": everything_of_the_above_side_by_side * the_product_of_sum_and_second[0],
        }

    x = np.random.default_rng(0).normal(size=(2, 2))
    source = write(simplify(trace(function, x, x, x)))
    for left, right in zip(
        leaves(_scope(source)["function"](x, x, x)), leaves(function(x, x, x)), strict=True
    ):
        np.testing.assert_allclose(left, right, rtol=1e-14)
    (tmp_path / "written.py").write_text(source, encoding="utf-8")
    _check_with_ruff(tmp_path)


# --- compiled functions


def test_a_compiled_function_gives_the_functions_result():
    def f(p, x):
        return {"loss": np.sum(np.tanh(x @ p["w"]) ** 2), "x": x}

    p, x = {"w": np.full((2, 3), 0.5)}, np.ones((4, 2))
    compiled = ad.compile(f)
    got, expected = compiled(p, x), f(p, x)
    assert got.keys() == expected.keys()
    np.testing.assert_allclose(got["loss"], expected["loss"], rtol=1e-15)
    assert type(got["loss"]) is type(expected["loss"])


def test_results_keep_their_types():
    compiled = ad.compile(lambda x: {"eigh": np.linalg.eigh(x), (1, 2): [x]})
    got = compiled(np.eye(2))
    np.testing.assert_array_equal(got["eigh"].eigenvalues, [1.0, 1.0])
    np.testing.assert_array_equal(got[1, 2][0], np.eye(2))
    assert "cannot be written as source" in compiled.source
    assert ad.compile(np.linalg.eigh)(np.eye(2)).eigenvectors.shape == (2, 2)


def test_a_program_is_made_for_each_shape_and_dtype():
    compiled = ad.compile(lambda x: 2 * x)
    for x in (np.ones(2), np.zeros(2), np.ones(3), np.ones(2, np.float32), 1.0, 2.0):
        np.testing.assert_array_equal(compiled(x), 2 * np.asarray(x))
    assert len(compiled.programs) == 4
    assert compiled(np.ones(2, np.float32)).dtype == np.float32
    assert "x float32[2]" in compiled.report()


@pytest.mark.parametrize("derivative", [ad.grad, ad.value_and_grad, ad.hessian])
def test_derivatives_compile(derivative):
    def f(x):
        return np.sum(np.exp(-x) * x[::-1] ** 2)

    x = np.array([0.1, 0.5, 2.0])
    got, expected = ad.compile(derivative(f))(x), derivative(f)(x)
    for left, right in zip(leaves(got), leaves(expected), strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-12)


def test_keyword_arguments_are_settings():
    compiled = ad.compile(lambda x, *, axis: x.sum(axis=axis))
    assert compiled(np.ones((2, 3)), axis=0).shape == (3,)
    assert compiled(np.ones((2, 3)), axis=1).shape == (2,)
    with pytest.raises(TypeError, match="settings and must be hashable"):
        compiled(np.ones((2, 3)), axis=np.ones(2))


def test_tensors_are_read_at_each_call():
    scale = ad.tensor([2.0], requires_grad=True)
    compiled = ad.compile(lambda x: x * scale)
    assert compiled(np.ones(1)).tolist() == [2.0]
    with ad.no_grad():
        scale[0] = 5.0
    assert compiled(np.ones(1)).tolist() == [5.0]
    assert len(compiled.programs) == 1
    assert isinstance(scale, ad.Tensor)
    assert scale.requires_grad


def test_a_network_that_is_trained_on_is_not_frozen():
    model = nn.MLP(2, 3, 2, rng=0)
    compiled = ad.compile(lambda X: ad.softmax(model(X)))
    X = np.ones((4, 2))
    np.testing.assert_allclose(compiled(X), model.predict_proba(X), rtol=1e-15)
    for parameter in model.parameters():
        parameter.data = parameter.data + 1.0
    np.testing.assert_allclose(compiled(X), model.predict_proba(X), rtol=1e-15)


def test_a_change_of_a_modules_setting_compiles_anew():
    class Scaled(nn.Module):
        def __init__(self):
            self.factor = 2.0

        def forward(self, x):
            return self.factor * x if self.training else x

    module = Scaled()
    compiled = ad.compile(module)
    assert compiled(np.ones(1)).tolist() == [2.0]
    module.factor = 3.0
    assert compiled(np.ones(1)).tolist() == [3.0]
    module.eval()
    assert compiled(np.ones(1)).tolist() == [1.0]


FACTOR = 2.0


def test_a_change_of_a_variable_compiles_anew(monkeypatch):
    offset = 1.0
    compiled = ad.compile(lambda x: FACTOR * x + offset)
    assert compiled(np.ones(1)).tolist() == [3.0]
    offset = 2.0
    assert compiled(np.ones(1)).tolist() == [4.0]
    monkeypatch.setitem(globals(), "FACTOR", 5.0)
    assert compiled(np.ones(1)).tolist() == [7.0]


def test_another_object_in_the_place_of_one_is_seen():
    class Scaler:
        def __init__(self):
            self.scale, self.power = ad.tensor([2.0]), 1

        def apply(self, x):
            return x * self.scale**self.power

    scaler = Scaler()
    compiled = ad.compile(scaler.apply)
    assert compiled(np.ones(1)).tolist() == [2.0]
    scaler.power = 3
    assert compiled(np.ones(1)).tolist() == [8.0]
    scaler.scale = ad.tensor([3.0])
    assert compiled(np.ones(1)).tolist() == [27.0]

    model = nn.Sequential(nn.Linear(2, 2, rng=0), nn.Tanh())
    whole = ad.compile(model)
    whole(np.ones((1, 2)))
    model.layers[1] = nn.ReLU()
    np.testing.assert_array_equal(whole(np.ones((1, 2))), model(np.ones((1, 2))).data)
    model.layers[0].weight = nn.Parameter(np.full((2, 2), 5.0))
    np.testing.assert_array_equal(whole(np.ones((1, 2))), model(np.ones((1, 2))).data)


def test_a_method_is_compiled_when_it_is_bound():
    class Doubler:
        @ad.compile
        def double(self, x):
            return 2 * x

    with pytest.raises(TypeError, match="compile the bound one"):
        Doubler().double(np.ones(1))


def test_an_error_while_tracing_gives_the_model_back():
    model = nn.MLP(2, 2, rng=0)

    def f(x):
        return float(model(x).sum())

    with pytest.raises(TypeError, match="no number yet"):
        ad.compile(f)(np.ones((1, 2)))
    assert all(isinstance(p, nn.Parameter) and p.requires_grad for p in model.parameters())
    assert model(np.ones((1, 2))).shape == (1, 2)


def test_under_a_gradient_the_function_itself_runs():
    compiled = ad.compile(lambda x: np.sum(x * x))
    assert ad.grad(compiled)(np.array([3.0])).tolist() == [6.0]
    assert trace(compiled, np.ones(2)).operations == {"multiply": 1, "sum": 1}


def test_a_compiled_function_without_a_call_has_no_source():
    with pytest.raises(RuntimeError, match="not been called yet"):
        ad.compile(lambda x: x).source  # noqa: B018 - the property raises
    with pytest.raises(TypeError, match="expected a function"):
        ad.compile(3)


def test_what_is_no_array_is_refused():
    compiled = ad.compile(lambda x, y: x)
    with pytest.raises(TypeError, match="None is not an array"):
        compiled(np.ones(1), None)
    with pytest.raises(TypeError, match="cannot compute with str"):
        compiled(np.ones(1), "mean")


def test_the_source_shows_in_tracebacks_and_inspect():
    compiled = ad.compile(lambda x, y: x @ y)
    compiled(np.ones((2, 2)), np.ones((2, 2)))
    program = compiled.latest
    assert inspect.getsource(program.function) in compiled.source
    with pytest.raises(ValueError, match="matmul") as caught:
        program.function(np.ones((2, 3)), np.ones((2, 2)))
    assert "return x @ y" in "".join(traceback.format_tb(caught.tb))


def test_a_lower_tier_is_tried_first(monkeypatch):
    from adjoint.compiler import program

    class Doubled:
        def run(self, arrays, out):
            return [2 * arrays[0]]

        def builtin(self, traced, *, has_state):
            return None

        def describe(self):
            return ["one kernel"]

    monkeypatch.setattr(program, "TIERS", {"toy": lambda graph: Doubled()})
    compiled = ad.compile(lambda x: x + x)
    assert compiled(np.ones(2)).tolist() == [2.0, 2.0]
    assert "tier: toy" in compiled.report()
    assert "one kernel" in compiled.report()


# --- files


def _run_alone(path, code):
    """Run code beside a written file, where adjoint cannot be imported."""
    block = "import sys; sys.modules['adjoint'] = None\n"
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", block + code],
        cwd=path.parent,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def test_a_written_file_runs_with_numpy_alone(tmp_path):
    model = nn.MLP(2, 4, 3, rng=0)
    X = np.linspace(-1, 1, 10).reshape(5, 2)
    path = tmp_path / "network.py"
    ad.write_source(lambda X: ad.softmax(model(X)), path, X)
    code = """
import numpy as np
from network import function
print(function(np.linspace(-1, 1, 10).reshape(5, 2)).tolist())
"""
    np.testing.assert_allclose(eval(_run_alone(path, code)), model.predict_proba(X), rtol=1e-13)


def test_a_compiled_functions_latest_program_is_written(tmp_path):
    compiled = ad.compile(ad.value_and_grad(lambda x: np.sum(np.sqrt(x))))
    with pytest.raises(RuntimeError, match="not been called"):
        ad.write_source(compiled, tmp_path / "f.py")
    with pytest.raises(TypeError, match="pass examples"):
        ad.write_source(np.sin, tmp_path / "f.py")
    compiled(np.ones(3))
    ad.write_source(compiled, tmp_path / "f.py")
    code = "import numpy as np, f; print(f.function(np.full(3, 4.0))[1].tolist())"
    assert eval(_run_alone(tmp_path / "f.py", code)) == [0.25, 0.25, 0.25]


# --- training steps


def _pair(settings, dtype=float, optimizer=ad.optim.SGD, **network):
    model = nn.MLP(2, 4, 4, 2, rng=0, dtype=dtype, **network)
    return model, optimizer(model.parameters(), lr=0.05, **settings)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"momentum": 0.9},
        {"momentum": 0.9, "nesterov": True, "weight_decay": 1e-3},
        {"beta1": 0.8},
    ],
)
def test_a_thousand_steps_are_the_eager_ones(settings):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 2)), rng.integers(0, 2, 200)
    kind = ad.optim.Adam if "beta1" in settings else ad.optim.SGD
    (model, optimizer), (eager, eager_optimizer) = (
        _pair(settings, optimizer=kind) for _ in range(2)
    )
    step = TrainingStep(model, functional.cross_entropy, optimizer)
    for n in range(1000):
        batch = slice(50 * (n % 4), 50 * (n % 4) + 50)
        loss = step(X[batch], y[batch])
        eager_optimizer.zero_grad()
        expected = functional.cross_entropy(eager(X[batch]), y[batch])
        expected.backward()
        eager_optimizer.step()
        assert abs(loss - expected.item()) < 1e-12
    assert len(step.programs) == 1
    for ours, theirs in zip(model.parameters(), eager.parameters(), strict=True):
        np.testing.assert_allclose(ours.data, theirs.data, rtol=0, atol=1e-12)
    state, expected_state = optimizer.state_dict(), eager_optimizer.state_dict()
    for ours, theirs in zip(state["memory"], expected_state["memory"], strict=True):
        assert ours.keys() == theirs.keys()


def test_a_step_of_float32_stays_float32():
    model, optimizer = _pair({"momentum": 0.9}, dtype=np.float32)
    step = TrainingStep(model, functional.cross_entropy, optimizer)
    for _ in range(2):
        loss = step(np.ones((5, 2), np.float32), np.zeros(5, int))
    assert loss.dtype == np.float32
    assert all(p.dtype == np.float32 for p in model.parameters())
    assert "float64" not in step.program(np.ones((5, 2), np.float32), np.zeros(5, int)).source


def test_programs_of_a_model_that_was_taken_apart_are_forgotten():
    model, optimizer = _pair({})
    model.idle = nn.Linear(1, 1, rng=0)
    step = TrainingStep(model, functional.cross_entropy, optimizer)
    for rows in (5, 4):
        step(np.ones((rows, 2)), np.zeros(rows, int))
    del model.idle
    step(np.ones((5, 2)), np.zeros(5, int))
    assert len(step.programs) == 1


def test_a_new_learning_rate_needs_no_new_program():
    model, optimizer = _pair({})
    step = TrainingStep(model, functional.cross_entropy, optimizer)
    X, y = np.ones((5, 2)), np.zeros(5, int)
    step(X, y)
    before = [p.data for p in model.parameters()]
    optimizer.lr = 1e-300
    step(X, y)
    assert len(step.programs) == 1
    for old, parameter in zip(before, model.parameters(), strict=True):
        np.testing.assert_array_equal(old, parameter.data)


def test_a_frozen_parameter_stays():
    model, _ = _pair({})
    frozen = model.layers[0].weight.requires_grad_(False)
    optimizer = ad.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    step = TrainingStep(model, functional.cross_entropy, optimizer)
    before = frozen.data
    step(np.ones((5, 2)), np.zeros(5, int))
    assert frozen.data is before
    assert isinstance(frozen, nn.Parameter)
    assert not frozen.requires_grad


def test_freezing_and_thawing_is_seen():
    model, optimizer = _pair({})
    step = TrainingStep(model, functional.cross_entropy, optimizer)
    X, y = np.ones((5, 2)), np.zeros(5, int)
    first = model.layers[0].weight
    for frozen in (False, True, False):
        first.requires_grad_(not frozen)
        before = first.data
        step(X, y)
        assert np.array_equal(first.data, before) == frozen
    assert len(step.programs) == 2


def test_a_saved_step_is_written_alike(tmp_path):
    model, optimizer = _pair({"momentum": 0.5})
    step = TrainingStep(model, functional.cross_entropy, optimizer)
    graph = step.program(np.ones((5, 2)), np.zeros(5, int)).graph
    graph.save(tmp_path / "step.json")
    assert write(simplify(ad.Graph.load(tmp_path / "step.json"))) == write(graph)


def test_a_parameter_that_the_loss_does_not_depend_on_takes_no_step():
    class Idle(nn.Module):
        def __init__(self):
            self.used, self.idle = nn.Linear(2, 2, rng=0), nn.Linear(2, 2, rng=1)

        def forward(self, x):
            return self.used(x)

    model = Idle()
    optimizer = ad.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)
    step = TrainingStep(model, functional.cross_entropy, optimizer)
    idle, used = model.idle.weight.data, model.used.weight.data
    for _ in range(2):
        step(np.ones((5, 2)), np.zeros(5, int))
    np.testing.assert_array_equal(model.idle.weight.data, idle)
    assert not np.array_equal(model.used.weight.data, used)


def test_what_the_loss_reads_is_read_at_each_step():
    class Weighted:
        def loss(self, prediction, target):
            return (self.shift - prediction).mean() * self.weight

    weighted = Weighted()
    weighted.weight, weighted.shift = 2.0, ad.tensor(1.0)
    model = nn.Linear(2, 1, rng=0)
    step = TrainingStep(model, weighted.loss, ad.optim.SGD(model.parameters(), lr=1e-300))
    X, y = np.ones((5, 2)), np.zeros(5, int)
    first = step(X, y)
    weighted.weight = 4.0
    np.testing.assert_allclose(step(X, y), 2 * first)
    weighted.shift.data = np.array(1.5)
    np.testing.assert_allclose(step(X, y), 2 * first + 2)
    assert len(step.programs) == 2


def test_an_optimiser_of_another_model_is_refused():
    model, _ = _pair({})
    _, optimizer = _pair({})
    with pytest.raises(ValueError, match="only those of one model"):
        TrainingStep(model, functional.cross_entropy, optimizer)


def test_any_optimiser_written_as_a_rule_compiles():
    class Signed(ad.optim.Optimizer):
        def update(self, parameter, gradient, memory, settings):
            return parameter - settings["lr"] * np.sign(gradient), memory

    model, _ = _pair({})
    step = TrainingStep(model, functional.cross_entropy, Signed(model.parameters(), lr=0.125))
    before = [p.data for p in model.parameters()]
    step(np.ones((5, 2)), np.zeros(5, int))
    for old, parameter in zip(before, model.parameters(), strict=True):
        assert set(np.abs(parameter.data - old).round(12).ravel()) <= {0.0, 0.125}


def test_a_module_that_assigns_while_traced_is_refused():
    class Counting(nn.Module):
        def __init__(self):
            self.last = None

        def forward(self, x):
            self.last = x * 2
            return self.last

    module = Counting()
    with pytest.raises(TypeError, match=r"Counting\.last was assigned to"):
        ad.compile(module)(np.ones(2))
    assert module.last is None


def test_a_function_with_its_own_rule_runs_without_source():
    own = ad.custom_vjp(lambda g, y, x: (3 * g,))(lambda x: x.copy())
    compiled = ad.compile(ad.grad(lambda x: np.sum(own(x) ** 2)))
    assert compiled(np.array([2.0])).tolist() == [12.0]
    assert "derivative rule of its own" in compiled.source


def test_scipys_functions_are_named_in_the_import():
    special = pytest.importorskip("scipy.special")
    compiled = ad.compile(lambda x: special.erf(x) * 2)
    x = np.array([0.1, 1.0])
    np.testing.assert_allclose(compiled(x), 2 * special.erf(x), rtol=1e-15)
    assert "from scipy import special  # for erf" in compiled.source


def test_jacobians_of_unrelated_results_trace():
    def f(x):
        return x[0] * 2, np.ones(2)

    for mode in ("forward", "reverse"):
        jacobian = ad.jacobian(f, mode=mode)
        got, expected = trace(jacobian, np.ones(3))(np.ones(3)), jacobian(np.ones(3))
        for left, right in zip(got, expected, strict=True):
            np.testing.assert_array_equal(left, right)


def test_a_profiler_of_somebody_elses_stays():
    seen = []
    sys.setprofile(lambda *event: seen.append(event))
    try:
        graph = trace(lambda x: np.tanh(x), np.ones(2))
        ours = sys.getprofile()
    finally:
        sys.setprofile(None)
    assert ours is not None
    assert seen
    assert graph.operations == {"tanh": 1}


@pytest.mark.parametrize(
    "function", [ad.sigmoid, ad.softmax, ad.logsumexp, ad.norm, ad.log_softmax]
)
@pytest.mark.parametrize(
    "x", [np.zeros((2, 0)), np.array([[0.5, -1.0], [2.0, 0.0]]), np.array(0.5)]
)
def test_a_function_may_have_the_name_of_a_helper_of_its_source(function, x, tmp_path):
    if function is ad.softmax and not x.size:
        pytest.skip("there is no entry to choose from")
    ad.write_source(function, tmp_path / "it.py", x)
    written = runpy.run_path(str(tmp_path / "it.py"))[function.__name__]
    with np.errstate(divide="ignore"):  # the logarithm of an empty sum
        found = [ad.compile(function)(x), written(x)]
    for result in found:
        np.testing.assert_allclose(result, function(x), rtol=1e-15)


def test_a_function_of_the_users_may_have_the_name_of_a_helper():
    def sigmoid(x):
        return 2 * ad.sigmoid(x) + np.sort(x)

    x = np.array([0.5, -1.0, 2.0])
    np.testing.assert_allclose(ad.compile(sigmoid)(x), sigmoid(x), rtol=1e-15)


@pytest.mark.parametrize("number", [2**64, -(10**30)])
def test_a_constant_of_more_than_64_bits_is_the_number_it_is(number):
    for function in (lambda x: x * number, lambda x: np.maximum(x, number)):
        compiled = ad.compile(function)
        assert compiled(np.array([1.0, 2.0])).tolist() == function(np.array([1.0, 2.0])).tolist()


class _AddsItsState(nn.Module):
    def __init__(self):
        self.parts = [nn.Parameter(np.array([1.0, 2.0])), nn.Parameter(np.array([0.5, 0.5]))]
        self.count = nn.Buffer(3.0)

    def forward(self, x):
        for parameter in self.parameters():
            x = x + parameter
        for _, buffer in self.named_buffers():
            x = x * buffer
        return x


def test_a_module_lists_its_parameters_and_buffers_while_it_is_traced():
    model, x = _AddsItsState(), np.ones((1, 2))
    compiled = ad.compile(model)
    for _ in range(2):
        np.testing.assert_allclose(compiled(x), [[7.5, 10.5]])
    model.parts[0].data = np.zeros(2)
    np.testing.assert_allclose(compiled(x), [[4.5, 4.5]])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_penalty_on_all_parameters_is_trained_in_every_tier(dtype, monkeypatch):
    def refuse(*given):
        raise ImportError("this test is of another tier")

    def trained(compile):
        model, rng = nn.MLP(3, 4, 1, rng=0), np.random.default_rng(0)
        for parameter in model.parameters():
            parameter.data = parameter.data.astype(dtype)
        X, y = rng.normal(size=(40, 3)).astype(dtype), rng.normal(size=(40, 1)).astype(dtype)
        mse = nn.MSELoss()

        def loss(prediction, target):
            penalty = sum((w * w).sum() for w in model.parameters())
            return mse(prediction, target) + 0.1 * penalty

        options = {"optimizer": "sgd", "epochs": 3, "batch_size": 10, "seed": 0}
        return ad.fit(model, (X, y), loss=loss, compile=compile, **options)

    native, eager = trained(True), trained(False)
    monkeypatch.setattr(tiers, "_native_run", refuse)
    monkeypatch.setattr(program, "TIERS", {})
    portable = trained(True)
    assert [one.tier for one in (native, portable, eager)] == ["native", "portable", "eager"]
    for one in (native, portable):
        rtol = 1e-12 if dtype == np.float64 else 1e-5
        np.testing.assert_allclose(one.loss, eager.loss, rtol=rtol)


def test_asking_a_parameter_whether_it_requires_a_gradient_is_refused_while_traced():
    model = nn.Linear(2, 1, rng=0)
    compiled = ad.compile(
        lambda x: sum((p * x.sum()).sum() for p in model.parameters() if p.requires_grad)
    )
    with pytest.raises(TypeError, match="cannot ask whether a parameter requires a gradient"):
        compiled(np.ones(2))


@pytest.mark.parametrize("part", [lambda model: model, lambda model: model.bias])
def test_freezing_parameters_is_refused_while_traced(part):
    model = nn.Linear(2, 1, rng=0)

    def frozen(x):
        part(model).requires_grad_(False)
        return model(x)

    with pytest.raises(TypeError, match="cannot freeze or thaw a parameter"):
        ad.compile(frozen)(np.ones((1, 2)))
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_a_parameter_is_known_as_one_while_it_is_traced():
    model, x = _AddsItsState(), np.ones((1, 2))

    def scaled(x):
        parts = [*model.parts, model.count]
        kinds = [
            isinstance(part, nn.Parameter) + 10 * isinstance(part, nn.Buffer) for part in parts
        ]
        return x * sum(kind * part.sum() for kind, part in zip(kinds, parts, strict=True))

    np.testing.assert_allclose(ad.compile(scaled)(x), scaled(x).data)
    assert not isinstance(ad.tensor([1.0], requires_grad=True), nn.Parameter)
    assert not isinstance(nn.Buffer(0.0), nn.Parameter)
