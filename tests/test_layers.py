"""The structure of the package: imports point downward, and nothing heavy is imported early."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import adjoint

ROOT = Path(adjoint.__file__).parent

# From the bottom up; a module imports only from lines above its own, or within its own line where
# that is marked as one family in its own order.
LAYERS = [
    ["annotations"],
    ["advice", "checks", "errors", "facts", "metadata", "tree", "constants", "memory"],
    ["philox", "reshuffle", "source_line", "whole_file"],
    ["axis"],
    ["core"],
    ["views"],
    ["data"],
    ["kinds"],
    ["ops.structural"],
    ["ops.products"],
    ["ops.logic", "ops.requirement", "ops.rounding", "ops.scaling"],
    ["ops.arithmetic"],
    ["ops.piecewise"],
    ["ops.exponential"],
    ["ops.logarithm", "ops.trigonometric", "ops.hyperbolic", "ops.signs"],
    ["ops.reductions"],
    ["ops.indexing"],
    ["ops.assignment"],
    ["ops.axes", "ops.rearrangement"],
    ["ops.selection", "ops.windows"],
    ["ops.assembly", "ops.cumulative", "ops.diagonals", "ops.ordering", "ops.padding"],
    ["ops.differences", "ops.filling", "ops.missing", "ops.quantiles", "ops.statistics"],
    ["ops.histograms", "ops.inquiry", "ops.random", "ops.refusals"],
    ["ops.subscripts"],
    ["ops.contractions", "ops.convolution", "ops.einsum", "ops.matrices"],
    ["ops.eigen"],
    ["ops.svd"],
    ["ops.solvers"],
    ["ops.determinants", "ops.factorisations", "ops.norms"],
    ["ops.interpolation"],
    ["ops.adapters", "ops.polynomials", "ops.softmax"],
    ["ops"],
    ["linalg", "sweep"],
    ["tensor"],
    ["compiler", "compiler.code_names", "compiler.contents", "compiler.cost", "compiler.listing"],
    ["compiler.naming", "compiler.tracer", "compiler.users_code"],
    ["compiler.reach"],
    ["compiler.effects"],
    ["compiler.archive"],
    ["number"],
    ["graph", "creation"],
    ["compiler.bounds", "compiler.fingerprint", "compiler.rewrites"],
    ["compiler.certainty", "compiler.doubts", "compiler.expectation"],
    ["compiler.simplify", "compiler.arguments"],
    ["compiler.native", "compiler.native.formats", "compiler.native.machine"],
    [
        "compiler.native.lanes",
        "compiler.native.nest",
        "compiler.native.cache",
        "compiler.native.door",
        "compiler.native.memory_block",
        "compiler.native.partition",
    ],
    ["compiler.native.team"],
    ["compiler.native.functions.form"],
    [
        "compiler.native.functions.pairs",
        "compiler.native.functions.polynomial",
        "compiler.native.functions.signs",
    ],
    [
        "compiler.native.functions.division",
        "compiler.native.functions.exponential",
        "compiler.native.functions.inverse",
        "compiler.native.functions.quarters",
    ],
    ["compiler.native.functions.logarithm", "compiler.native.functions.trigonometric"],
    [
        "compiler.native.functions.entropy",
        "compiler.native.functions.error_function",
        "compiler.native.functions.hyperbolic",
        "compiler.native.functions.logistic",
        "compiler.native.functions.power",
    ],
    ["compiler.native.functions"],
    ["compiler.native.entries", "compiler.native.loop", "compiler.native.routine"],
    ["compiler.native.instructions", "compiler.native.philox", "compiler.native.elementwise"],
    ["compiler.native.mersenne", "compiler.native.shuffle"],
    ["compiler.native.movements", "compiler.native.sums", "compiler.native.kernel"],
    ["compiler.native.lower"],
    [
        "compiler.native.arrays",
        "compiler.native.arrays.views",
        "compiler.native.arrays.transposition",
        "compiler.native.step_code",
    ],
    [
        "compiler.native.arrays.memory",
        "compiler.native.arrays.operands",
        "compiler.native.arrays.workspace",
        "compiler.native.arrays.nests",
    ],
    [
        "compiler.native.arrays.picking",
        "compiler.native.arrays.keeping",
        "compiler.native.arrays.einsums",
    ],
    [
        "compiler.native.arrays.parts",
        "compiler.native.arrays.contraction",
        "compiler.native.arrays.nest_code",
        "compiler.native.arrays.products",
        "compiler.native.arrays.drawing",
        "compiler.native.arrays.gathering",
    ],
    ["compiler.native.arrays.schedule", "compiler.native.arrays.expansion"],
    ["compiler.native.arrays.expressions"],
    ["compiler.native.arrays.array_code"],
    [
        "compiler.native.arrays.array_steps",
        "compiler.native.function_code",
        "compiler.native.mixed",
    ],
    ["compiler.native.function", "compiler.native.training_code"],
    ["compiler.native.epoch_loop"],
    ["compiler.constants", "compiler.printer", "compiler.standalone"],
    ["compiler.equations", "compiler.helpers", "compiler.layout", "compiler.wordings"],
    ["compiler.expressions"],
    ["compiler.portable", "compiler.results", "compiler.source"],
    ["compiler.program"],
    ["calculus", "anomaly"],
    ["custom", "jacobians"],
    ["check"],
    ["claims"],
    ["contract"],
    ["coverage.examples", "coverage.excluded"],
    ["coverage.count"],
    ["coverage.report"],
    ["coverage"],
    ["coverage.__main__"],
    [
        "special.bessel",
        "special.elementary",
        "special.entropy",
        "special.gamma",
        "special.logistic",
        "special.normal",
        "special.scaled_bessel",
    ],
    ["special"],
    ["nn.module"],
    ["nn.function_module", "nn.mode"],
    ["nn.activations.activation"],
    ["nn.activations.bounded", "nn.activations.gated", "nn.activations.rectified"],
    ["nn.activations"],
    ["nn.initialise"],
    ["nn.losses.rows", "nn.losses.loss"],
    [
        "nn.losses.binary",
        "nn.losses.classification",
        "nn.losses.distance",
        "nn.losses.regression",
    ],
    ["nn.losses"],
    ["nn.linear"],
    ["nn.attention", "nn.embedding", "nn.normalisation", "nn.recurrent"],
    ["nn.batch_norm", "nn.convolution", "nn.dropout", "nn.functional"],
    ["nn.pooling"],
    ["nn.container"],
    ["nn.mlp", "nn.transformer"],
    ["nn"],
    ["optim.ranges"],
    ["optim.clipping"],
    ["optim.optimizer"],
    ["optim.adam", "optim.adaptive", "optim.averaging", "optim.schedules", "optim.sgd"],
    ["optim.moments"],
    ["optim.snapshot"],
    ["optim"],
    ["scorers"],
    ["datasets", "history", "metrics", "progress"],
    ["callbacks.callback"],
    ["callbacks.logs", "callbacks.plateau", "callbacks.statistics"],
    ["callbacks"],
    ["compiler.state"],
    ["compiler.compiled", "compiler.step"],
    [
        "derivation",
        "derivation.evaluator",
        "derivation.tex",
        "derivation.numbers",
        "derivation.rules",
        "derivation.subject",
    ],
    ["derivation.brackets", "derivation.mathml"],
    ["derivation.notation"],
    ["derivation.formulas", "derivation.lines", "derivation.matrix", "derivation.walk"],
    ["derivation.cards", "derivation.entry_paths", "derivation.step"],
    ["derivation.document"],
    ["derivation.paths", "derivation.script"],
    ["derivation.html", "derivation.latex", "derivation.markdown", "derivation.text"],
    ["derivation.derivation"],
    ["derivation.explain"],
    ["diagnosis", "diagnosis.diagnosis", "diagnosis.families"],
    ["diagnosis.names", "diagnosis.event_log"],
    ["diagnosis.flow", "diagnosis.gradient"],
    ["diagnosis.cuts", "diagnosis.nonfinite"],
    ["diagnosis.zeros"],
    ["diagnosis.scale"],
    ["diagnosis.examination"],
    ["diagnosis.computed", "diagnosis.rerun"],
    ["diagnosis.why"],
    [
        "review.attributes",
        "review.comparison",
        "review.mistakes",
        "review.repairs",
        "review.steps",
        "review.variables",
    ],
    ["review.traced_run", "review.report", "review.pass_pair"],
    ["review.functions", "review.layer", "review.sampling", "review.compared_call"],
    ["review.crashes", "review.call_sampler", "review.symptoms"],
    ["review.hypotheses.factors", "review.hypotheses.hypothesis"],
    ["review.hypotheses.operands", "review.hypotheses.results", "review.hypotheses.terms"],
    ["review.hypotheses.subgraphs"],
    ["review.hypotheses.activations", "review.hypotheses.softmax"],
    ["review.hypotheses.cross_entropy"],
    ["review.hypotheses"],
    ["review.findings"],
    ["review.review"],
    ["review.source_file"],
    ["review"],
    ["row_weights"],
    ["rescue"],
    ["drawing", "drawing.call_site", "drawing.style"],
    ["drawing.evaluated_graph"],
    ["drawing.folding"],
    ["drawing.scene"],
    ["drawing.dot", "drawing.ranks"],
    ["drawing.graph_layout"],
    ["drawing.frames"],
    ["drawing.svg"],
    ["drawing.drawing"],
    ["drawing.draw"],
    ["files.conventions", "files.tensor_file"],
    ["files.checkpoint", "files.torch_layout"],
    ["files.weights"],
    ["files"],
    ["stream"],
    ["effort", "task"],
    ["epochs"],
    ["flat_loss", "run"],
    ["conditions"],
    ["saving"],
    ["arranged_step", "eager_run"],
    ["compiled_run", "native_run"],
    ["tiers"],
    ["train"],
    ["estimators.fit_state"],
    ["estimators.network", "estimators.objective", "estimators.solvers"],
    ["estimators.lbfgs", "estimators.parameters", "estimators.tables", "estimators.watching"],
    ["estimators.fitting"],
    ["estimators.perceptron"],
    ["estimators.bridge", "estimators.classifier", "estimators.many", "estimators.regressor"],
    ["estimators"],
    ["learning_rate", "lbfgs"],
    ["plots.style"],
    ["plots.curve", "plots.learning_rate", "plots.scatter"],
    ["plots.layers", "plots.plane", "plots.residuals", "plots.response"],
    ["plots.boundary", "plots.calibration"],
    ["plots"],
    ["demo", "tabular", "tabular.scores", "tabular.settings", "tabular.source"],
    ["tabular.column"],
    ["tabular.encoder", "tabular.target"],
    ["tabular.baseline", "tabular.model"],
    ["tabular.importance"],
    ["tabular.trial"],
    ["tabular.report"],
    ["table_commands"],
    ["commands"],
    ["cli"],
    ["__main__"],
    ["__init__"],
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
HEAVY = (
    "matplotlib",
    "scipy",
    "sklearn",
    "llvmlite",
    "pyarrow",
    "tabulate",
    "tensorboardX",
    "tqdm",
    "click",
    "pandas",
    "torch",
)


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def executed(node):
    """Yield all nodes of a syntax tree but those that a type checker alone reads."""
    yield node
    for_types = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    for child in node.orelse if for_types else ast.iter_child_nodes(node):
        yield from executed(child)


def imported(path):
    """Yield the adjoint modules that a file imports when it runs, wherever in the file."""
    name = module_name(path)
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    package = [] if name == "__init__" else package
    for node in executed(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            target = [*base, *(node.module.split(".") if node.module else [])]
            for alias in node.names:
                full = ".".join([*target, alias.name])
                yield full if full in LEVEL else ".".join(target) or "__init__"


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=module_name)
def test_imports_point_downward(path):
    name = module_name(path)
    assert name in LEVEL, f"give {name} its place in LAYERS"
    for target in imported(path):
        if target != name:
            assert LEVEL[target] < LEVEL[name], f"{name} imports {target}, which is not below it"


def test_every_layer_exists():
    assert {module_name(path) for path in ROOT.rglob("*.py")} >= LEVEL.keys()


def loaded_by(statement):
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in run.stdout.split()}


@pytest.mark.parametrize(
    "statement",
    ["import adjoint", "import adjoint.nn, adjoint.optim, adjoint.train, adjoint.plots"],
)
def test_nothing_heavier_than_numpy_is_imported(statement):
    assert not loaded_by(statement) & set(HEAVY)


def test_importing_takes_no_time_for_what_is_needed_later():
    code = "import numpy, sys; a = {*sys.modules}; import adjoint; print(*{*sys.modules} - a)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    later = {"random", "numpy.random", "hashlib", "secrets", "json", "adjoint.graphs.tracing.reach"}
    assert not later & set(run.stdout.split())


def test_lazy_modules_are_reachable_as_attributes():
    run = "import adjoint as ad; ad.nn.MLP, ad.optim.SGD, ad.fit, ad.check_gradients, ad.plots"
    assert "adjoint" in loaded_by(run)


def test_every_public_name_is_there():
    missing = [name for name in adjoint.__all__ if not hasattr(adjoint, name)]
    assert not missing
