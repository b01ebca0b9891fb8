"""The program text is Python that computes what the page shows, to the last bit.

Whole epochs are one call of `fit`. The batches of an epoch that is not over are the first rows of
its order, so that a second call on these, without a shuffle, takes the same steps.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..nn.functional import LOSSES
from . import designs, features, formula, losses, mistakes
from .optimisers import optimizer_text, own_text
from .settings import BY_SCORE, DRAWN, FORMULA, OWN, Settings
from .setup import Setup
from .steps import Steps
from .toys import TOYS

TABLE = "rows.csv"


def program_text(steps: Steps) -> str:
    """Return the program that ends where the training stands."""
    return "\n".join(line for part in _parts(steps) for line in part) + "\n"


def _parts(steps: Steps) -> Iterator[list[str]]:
    setup = steps.setup
    yield ["from __future__ import annotations", ""]
    yield ["import numpy as np", "", "import adjoint as ad"]
    if setup.is_own_model:
        yield ["", "# model, X_train and y_train (X_test, y_test) are those you gave to ad.play;"]
        yield [
            "# make_optimizer(parameters) returns the optimiser, and loss is one of your own.",
            "",
        ]
        yield ["optimizer = make_optimizer(list(model.parameters()))"]
        yield own_text(steps.task.optimizer) if setup.settings.changes else []
    else:
        yield losses.definition(setup.settings.loss)
        yield _data(setup)
        yield _network(setup)
    yield _training(steps)


def _data(setup: Setup) -> list[str]:
    settings = setup.settings
    if settings.data == OWN:
        return _own_data(setup)
    return [
        *mistakes.definition(settings.mistake),
        *(_drawn_data(setup) if settings.data == DRAWN else _made_data(settings)),
        *_lines(features.source(settings.features)),
        *_lines(_target(setup)),
        *_split(setup),
    ]


def _made_data(settings: Settings) -> list[str]:
    """Return how the rows of a toy set or of a formula are made."""
    if settings.data == FORMULA:
        definition = formula.definition(settings.formula)
        call = f"make_points({settings.rows}, {settings.noise!r}, {settings.seed})"
    else:
        toy = TOYS[settings.data]
        definition = toy.definition().rstrip().split("\n")
        call = toy.call(settings.rows, settings.classes, settings.noise, settings.seed)
    return [*(["", "", *definition, ""] if any(definition) else []), "", f"X, y = {call}"]


def _drawn_data(setup: Setup) -> list[str]:
    """Return the points that were drawn, in the order in which they are trained on."""
    X, y = setup.problem.rows.X.tolist(), setup.problem.rows.y.tolist()
    kind = "int" if setup.problem.classes else "float"
    return [
        "",
        "points = np.array([",
        *(f"    [{', '.join(map(repr, (*x, target)))}]," for x, target in zip(X, y, strict=True)),
        "])",
        f"X, y = points[:, :-1], points[:, -1].astype({kind})",
        f"order = ad.data.permutation(len(X), seed={setup.seed}, epoch=0)",
        "X, y = X[order], y[order]",
    ]


def _own_data(setup: Setup) -> list[str]:
    """Return how one's own rows are read and scaled as the page does it."""
    problem = setup.problem
    kind = "int" if problem.classes else "float"
    lines = [
        *mistakes.definition(setup.settings.mistake),
        "",
        f'# The file "{TABLE}" is what the page offers beside this program.',
        f'table = np.loadtxt("{TABLE}", delimiter=",", ndmin=2)',
        f"X, y = table[:, :-1], table[:, -1].astype({kind})",
        f"order = ad.data.permutation(len(X), seed={setup.seed}, epoch=0)",
        "X, y = X[order], y[order]",
        f"scaled = X[:{problem.split}]",
        "deviation = scaled.std(axis=0)",
        "X = (X - scaled.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)",
    ]
    if not problem.classes and not problem.is_log:
        lines += [
            f"scaled = y[:{problem.split}]",
            "y = (y - scaled.mean()) / np.where(scaled.std() > 0, scaled.std(), 1.0)",
        ]
    return [*lines, *_lines(_target(setup)), *_split(setup)]


def _target(setup: Setup) -> str:
    """Return the line that gives targets the form which the loss reads."""
    if not setup.problem.classes:
        return "y = y[:, None]"
    if setup.settings.loss in losses.ONE_HOT:
        return losses.coded_text(setup.problem.classes, setup.settings.loss)
    if setup.settings.loss == "hinge_loss":
        return "y = 2.0 * y[:, None] - 1.0"
    return "y = 1.0 * y[:, None]" if setup.settings.loss in BY_SCORE else ""


def _split(setup: Setup) -> list[str]:
    at = setup.problem.split
    lines = [f"X_train, y_train = X[:{at}], y[:{at}]"]
    return lines + [f"X_test, y_test = X[{at}:], y[{at}:]"] * (setup.problem.test is not None)


def _network(setup: Setup) -> list[str]:
    settings: Settings = setup.settings
    return [
        "",
        f"rng = np.random.default_rng({settings.seed})",
        designs.network_text(settings, setup.problem.X.shape[1], setup.problem.classes),
        *optimizer_text(settings),
    ]


def _training(steps: Steps) -> list[str]:
    """Return the calls of `fit` for whole epochs, and for the steps of the one under way."""
    setup, epochs, more = steps.setup, steps.epoch, steps.position().step
    name = getattr(setup.loss, "__name__", "")
    loss = repr(name) if LOSSES.get(name) is setup.loss else "loss"
    if not setup.is_own_model:
        loss = losses.text_of(setup.settings.loss)
    if setup.loss in mistakes.MISTAKES.values():
        loss = name
    given = [f"loss={loss}", "optimizer=optimizer", f"batch_size={setup.batch_size}"]
    if setup.problem.test is not None:
        given.append("validation=(X_test, y_test)")
    given += [f"compile={steps.tier == 'native'}", "progress=False"]
    lines = []
    if epochs:
        lines += ["", *_fit("X_train, y_train", [f"epochs={epochs}", f"seed={setup.seed}", *given])]
    if more:
        at = more * steps.task.batch_size
        lines += [
            "",
            f"# The first {more} steps of epoch {epochs + 1}.",
            f"order = ad.data.permutation(len(X_train), seed={setup.seed}, epoch={epochs})[:{at}]",
            *_fit("X_train[order], y_train[order]", ["epochs=1", "shuffle=False", *given]),
        ]
    return lines


def _fit(data: str, given: list[str]) -> list[str]:
    return ["history = ad.fit(", "    model,", f"    ({data}),", *(f"    {x}," for x in given), ")"]


def _lines(text: str) -> list[str]:
    return [text] if text else []
