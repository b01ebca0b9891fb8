"""Which page of the reference shows which modules' names, under which headings."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """A heading and the modules, without the package's name, whose names stand under it.

    Without modules it takes all that no section before it has.
    """

    title: str = ""
    places: tuple[str, ...] = ()


@dataclass(frozen=True)
class Page:
    """A page: the names that one public module offers, or some of them."""

    name: str
    title: str
    sentence: str
    offered: str = "adjoint"
    sections: tuple[Section, ...] = (Section(),)


def _ops(title: str, *families: str) -> Section:
    return Section(title, tuple(f"ops.{family}" for family in families))


PAGES = (
    Page(
        "derivatives",
        "Derivatives",
        "Functions go in, their derivatives come out, for plain arrays, tensors and trees of them.",
        sections=(
            Section("Gradients and products", ("calculus.derivatives",)),
            Section("Jacobians and Hessians", ("calculus.jacobians",)),
            Section("Power series", ("calculus.taylor",)),
            Section("Many rows at once", ("graphs.vmap",)),
            Section(
                "Loops and choices",
                ("graphs.loops.scan", "graphs.loops.repeat", "graphs.loops.cond"),
            ),
            Section("Rules of your own, and less memory", ("calculus.custom",)),
            Section("Checks", ("calculus.check", "calculus.anomaly")),
        ),
    ),
    Page(
        "tensors",
        "Tensors and graphs",
        "A tensor remembers what was computed with it; a graph is a function that was traced once.",
        sections=(
            Section("Tensors", ("graphs.tensor", "graphs.recording")),
            Section("Graphs", ("graphs.graph",)),
            Section("New arrays", ("graphs.creation",)),
        ),
    ),
    Page(
        "elementary",
        "Arithmetic and elementary functions",
        "NumPy's functions of one entry, and a few that networks use. Each takes arrays, tensors "
        "and symbols; so does NumPy's own, called on a tensor.",
        sections=(
            _ops("Arithmetic", "arithmetic"),
            _ops("Powers, exponentials and logarithms", "exponential", "logarithm"),
            _ops("Trigonometric and hyperbolic functions", "trigonometric", "hyperbolic"),
            _ops("Kinks and signs", "piecewise", "signs"),
            _ops("Rounding and scaling", "rounding", "scaling"),
        ),
    ),
    Page(
        "reductions",
        "Sums, statistics and order",
        "What becomes of many entries one, or few.",
        sections=(
            _ops("Sums and extremes", "reductions"),
            _ops("Softmax", "softmax"),
            _ops("Running sums and differences", "cumulative", "differences"),
            _ops("Statistics", "statistics", "quantiles", "histograms"),
            _ops("With missing values", "missing"),
            _ops("Order", "ordering"),
        ),
    ),
    Page(
        "shapes",
        "Shapes and selection",
        "Entries are moved, joined, picked and filled in; gradients go back where they came from.",
        sections=(
            _ops("Shape", "structural", "axes"),
            _ops("Joining and splitting", "assembly"),
            _ops("Rearranging", "rearrangement", "padding", "diagonals"),
            _ops("Picking", "selection"),
            _ops("Filling", "filling", "random"),
        ),
    ),
    Page(
        "products",
        "Products, polynomials and interpolation",
        "Sums of products of entries.",
        sections=(
            _ops("Products", "contractions", "products", "einsum", "convolution"),
            _ops(
                "Linear algebra by its short name",
                "linalg",
                "determinants",
                "factorisations",
                "solvers",
                "matrices",
            ),
            _ops("Polynomials and interpolation", "polynomials", "interpolation"),
        ),
    ),
    Page(
        "logic",
        "Comparisons and questions",
        "Their results are booleans, integers or text, and have no derivative.",
        sections=(_ops("Comparisons", "logic"), _ops("Questions about an array", "inquiry")),
    ),
    Page(
        "linalg",
        "Linear algebra",
        "The functions of `numpy.linalg`, under `ad.linalg`.",
        "adjoint.linalg",
    ),
    Page(
        "special",
        "Special functions",
        "The functions of `scipy.special` that differentiate, under `ad.special`; they need SciPy.",
        "adjoint.special",
    ),
    Page(
        "layers",
        "Modules and layers",
        "`ad.nn` has what networks are made of.",
        "adjoint.nn",
        (
            Section(
                "Modules",
                ("nn.module", "nn.container", "nn.ensemble", "nn.function_module", "nn.mlp"),
            ),
            Section("Linear layers and embeddings", ("nn.linear", "nn.embedding", "nn.dropout")),
            Section("Activations", ("nn.activations",)),
            Section("Losses", ("nn.losses",)),
            Section("Normalisation", ("nn.batch_norm", "nn.normalisation")),
            Section(
                "Images and signals",
                (
                    "nn.convolution",
                    "nn.transposed_convolution",
                    "nn.pooling",
                    "nn.adaptive_pooling",
                    "nn.upsampling",
                ),
            ),
            Section("Sequences", ("nn.cells", "nn.recurrent", "nn.attention", "nn.transformer")),
            Section("Weights in the beginning", ("nn.initialise",)),
            Section("Gradients of single rows", ("nn.per_sample",)),
        ),
    ),
    Page(
        "functional",
        "Losses and activations as functions",
        "`ad.nn.functional` has the same as functions of arrays.",
        "adjoint.nn.functional",
    ),
    Page(
        "initialise",
        "Initial weights",
        "`ad.nn.initialise` draws the numbers that a training starts from.",
        "adjoint.nn.initialise",
    ),
    Page(
        "optim",
        "Optimisers and schedules",
        "`ad.optim` has the rules by which a step changes the parameters.",
        "adjoint.optim",
        (
            Section(
                "Optimisers",
                tuple(
                    f"optim.{family}"
                    for family in ("optimizer", "sgd", "adam", "adaptive", "moments", "averaging")
                ),
            ),
            Section("Schedules", ("optim.schedules",)),
            Section("Clipping", ("optim.clipping",)),
            Section("More"),
        ),
    ),
    Page(
        "training",
        "Training",
        "`ad.fit` trains a module; what follows records, keeps and resumes it.",
        sections=(
            Section("Fitting", ("training.fit", "training.lbfgs", "training.learning_rate")),
            Section("Several processes", ("training.distributed",)),
            Section("What is recorded", ("training.history",)),
            Section("What is kept", ("training.saving", "nn.weights")),
        ),
    ),
    Page(
        "callbacks",
        "Callbacks",
        "`ad.callbacks` watches a training, and may end it.",
        "adjoint.callbacks",
    ),
    Page("datasets", "Data sets", "`ad.datasets` makes data to try things on.", "adjoint.datasets"),
    Page(
        "stream",
        "Data in batches",
        "`ad.stream` reads batches from where data are.",
        "adjoint.data.stream",
    ),
    Page("data", "Rows", "`ad.data` checks, shuffles and cuts rows.", "adjoint.data"),
    Page(
        "files",
        "Files",
        "`ad.files` keeps arrays in files that are written whole or not at all.",
        "adjoint.files",
    ),
    Page(
        "estimators",
        "Estimators",
        "`adjoint.estimators` has networks for scikit-learn, and what its own lack.",
        "adjoint.estimators",
    ),
    Page(
        "verify",
        "See and verify",
        "What was computed is derived, drawn, explained and compared.",
        sections=(
            Section("Derivations", ("explanation.derivation",)),
            Section("Drawings", ("explanation.drawing",)),
            Section("Causes", ("explanation.diagnosis",)),
            Section("Reviews of a backward pass", ("explanation.review",)),
        ),
    ),
    Page(
        "plots",
        "Plots",
        "`adjoint.plots` has Display objects; they need Matplotlib.",
        "adjoint.plots",
    ),
    Page(
        "compile",
        "Compiled functions",
        "A traced function is simplified, and runs as written NumPy or as native code.",
        sections=(Section("", ("compiler",)),),
    ),
    Page(
        "export",
        "Exports",
        "A model as a file that needs no adjoint; see :doc:`/how-to/export`.",
        sections=(Section("", ("exporting",)),),
    ),
    Page(
        "playground",
        "The playground",
        "A page on which a network is seen to learn; see :doc:`/how-to/play`.",
        sections=(Section("", ("playground",)),),
    ),
    Page(
        "exceptions",
        "Exceptions",
        "What adjoint raises beside Python's own errors; :doc:`/reference/errors` has examples.",
        sections=(Section("", ("errors",)),),
    ),
    Page(
        "coverage",
        "The count of NumPy's functions",
        "`adjoint.coverage` counts what differentiates.",
        "adjoint.coverage",
    ),
)
