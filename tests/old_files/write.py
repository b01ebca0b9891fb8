"""Write the old files: this ran once, at version 0.1.0, commit 9cf5cf7, and is their record.

To add files of another version, check that version out, let it write into a folder of its own
(``PYTHONPATH=<checkout>/src python write.py <folder>``), and let the test read both folders.
"""

from __future__ import annotations

import io
import json
import pickle
import sys
import tarfile
import warnings
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import contents
import numpy as np
from contents import CLASSES, MODELS, OPTIMIZERS, TARGETS, X, as_json, outputs

import adjoint as ad
import adjoint.special
from adjoint import cli, contract, estimators, nn, optim
from adjoint.core import PRIMITIVES
from adjoint.files import Checkpoint

# Cases of a card that are saved, each as its value and as its value with gradients.
_CASES = 2
_SKLEARN_NETWORK = {"max_iter": 5, "random_state": 0, "learning_rate_init": 0.01}


def main(folder: Path) -> None:
    """Write all files into a folder, and the numbers that they must give into ``numbers.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    write_graphs(folder)
    numbers = {
        "weights": write_weights(folder),
        "checkpoints": write_checkpoints(folder),
        "tables": write_tables(folder),
        "pickles": write_pickles(folder),
    }
    (folder / "numbers.json").write_text(json.dumps(numbers) + "\n")


# --- graphs ---------------------------------------------------------------------------------------


def write_graphs(folder):
    """Write a graph of every primitive, and some longer ones, with what they give."""
    numbers, primitives = {}, set()
    with tarfile.open(folder / "graphs.tar.gz", "w:gz") as archive:
        for name, function, args in [*of_cards(), *longer()]:
            try:
                graph = ad.trace(function, *args)
            except Exception as error:
                print(f"{name} cannot be traced: {error}")
                continue
            with TemporaryDirectory() as scratch:
                graph.save(Path(scratch) / "graph.json")
                _add(archive, f"{name}.json", (Path(scratch) / "graph.json").read_bytes())
            with np.errstate(all="ignore"):
                numbers[name] = {"inputs": as_json(args), "outputs": as_json(graph(*args))}
            primitives |= graph.operations.keys()
        _add(archive, "numbers.json", json.dumps(numbers).encode())
    print(len(numbers), "graphs; primitives in none:", sorted(PRIMITIVES.keys() - primitives))


def _add(archive, name, content):
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


def of_cards():
    """Yield a name, a function and its arguments for each card: with its gradient if it has one."""
    for name, primitive in sorted(PRIMITIVES.items()):
        for number, case in enumerate(contract.cases(primitive)[:_CASES]):
            args, params = contract.arguments(primitive, case, np.random.default_rng(0))
            floats = [n for n, x in enumerate(args) if x.dtype.kind == "f"]

            def value(*xs, primitive=primitive, params=params):
                return primitive.bind(list(xs), params)

            def with_gradient(*xs, value=value, floats=floats):
                def function(*points):
                    full = list(xs)
                    for n, point in zip(floats, points, strict=True):
                        full[n] = point
                    return value(*full)

                y, pull = ad.vjp(function, *(xs[n] for n in floats))
                return y, *pull(1.5 * ad.ones_like(y))

            smooth = primitive.vjp is not None and floats
            yield f"{name}-{number}", with_gradient if smooth else value, args


def longer():
    """Yield programs of many primitives."""
    for name, (make, x) in MODELS.items():
        yield f"model-{name}", make().eval(), [x]

    def loss(weights, x):
        hidden = ad.tanh(x @ weights["0"] + weights["1"])
        return nn.functional.cross_entropy(hidden @ weights["2"] + weights["3"], CLASSES)

    weights = {str(n): p.data for n, p in enumerate(contents.mlp().parameters())}
    yield "training", ad.value_and_grad(loss), [weights, X]
    yield "special", special, [np.abs(X) + 0.5]
    yield "jacobian", ad.jacobian(lambda x: np.cumsum(np.sort(x) ** 2)), [X[0]]
    yield "trees", lambda x: {"a": [x["b"] * 2, (x["c"][0],)]}, [{"b": X, "c": (X[0],)}]


def special(x):
    """Return a product of SciPy's functions, and its gradient."""

    def function(x):
        return ad.special.gammaln(x) * ad.special.erf(x) + ad.special.iv(2, x)

    y, pull = ad.vjp(function, x)
    return y, pull(ad.ones_like(y))


# --- weights, checkpoints, tables -----------------------------------------------------------------


def write_weights(folder):
    """Write each model's weights in both layouts, once it was called and has running statistics."""
    numbers = {}
    for name, (make, x) in MODELS.items():
        model = make()
        model.train()(x)
        ad.save_weights(model, folder / f"weights-{name}.safetensors")
        ad.save_weights(model, folder / f"weights-{name}-torch.safetensors", layout="torch")
        numbers[name] = as_json(outputs(model, x))
    slopes = nn.PReLU(4)
    slopes.weight.data = np.array([0.1, 0.2, 0.3, 0.4])
    ad.save_weights(slopes, folder / "weights-slopes.safetensors")
    numbers["slopes"] = as_json(outputs(slopes, X))
    return numbers


def write_checkpoints(folder):
    """Write a training in mid-epoch with each optimiser; what it predicts, now and a step later."""
    numbers = {}
    for name, optimizer in OPTIMIZERS.items():
        path = folder / f"checkpoint-{name}.safetensors"
        history = contents.train(name, checkpoint=ad.Saving(path, seconds=1e9))
        assert history.interrupted
        point, twin = Checkpoint.read(path), contents.mlp()
        assert point.position["step"] == 3
        own = optimizer(twin.parameters())
        point.restore(twin, own)
        now = outputs(twin, X)
        contents.step(twin, own)
        numbers[name] = {
            "history": as_json(history.to_dict()),
            "now": as_json(now),
            "later": as_json(outputs(twin, X)),
        }
    return numbers


def write_tables(folder):
    """Write the folders of `adjoint fit`, and what `adjoint predict` says by them."""
    (folder / "table.csv").write_text(contents.table())
    numbers = {}
    for name, target in contents.TABLE_MODELS.items():
        where = str(folder / "table.csv"), "--out", str(folder / name)
        assert cli.main(["fit", *where, *target, "--epochs", "20", "--hidden", "6"]) == 0
        # The report is read by people, and by no program.
        (folder / name / "report.html").write_text("<p>Left out, being large.</p>\n")
        numbers[name] = contents.predictions(folder / name)
    return numbers


# --- pickles --------------------------------------------------------------------------------------


def write_pickles(folder):
    """Write what users pickle; the test knows how to ask each for its numbers."""
    numbers = {}
    for name, (thing, found) in {**of_estimators(), **of_training(), **of_the_rest()}.items():
        (folder / f"{name}.pickle").write_bytes(pickle.dumps(thing, protocol=4))
        numbers[name] = found
    return numbers


def of_estimators():
    """Return fitted estimators and what they predict."""
    classes = {
        "MLPClassifier": estimators.MLPClassifier((5,), batch_size=4, **_SKLEARN_NETWORK),
        "MLPClassifier-more": estimators.MLPClassifier(
            (5, 4),
            batch_norm=True,
            dropout=0.2,
            solver="sgd",
            early_stopping=True,
            validation_fraction=0.3,
            **_SKLEARN_NETWORK,
        ),
        "MLPClassifier-lbfgs": estimators.MLPClassifier((5,), solver="lbfgs", max_iter=20),
        "ModuleClassifier": estimators.as_estimator(
            partial(nn.MLP, 4, 5, 3), loss="cross_entropy", epochs=3, random_state=0
        ),
        "GridSearchCV": estimators.GridSearchCV(
            estimators.MLPClassifier((5,), **_SKLEARN_NETWORK), {"alpha": [0.1, 0.2]}, cv=2
        ),
    }
    numbers = {
        "MLPRegressor": estimators.MLPRegressor(hidden_layer_sizes=(5,), **_SKLEARN_NETWORK),
        "ModuleRegressor": estimators.as_estimator(
            partial(nn.MLP, 4, 5, 1), loss="mse_loss", epochs=3, random_state=0
        ),
    }
    found = {}
    for name, one in classes.items():
        one.set_params(**({"random_state": 0} if "random_state" in one.get_params() else {}))
        one.fit(X, CLASSES)
        found[name] = one, as_json([one.predict_proba(X)])
    for name, one in numbers.items():
        one.fit(X, TARGETS)
        found[name] = one, as_json([one.predict(X)])
    return found


def of_training():
    """Return modules, optimisers and their like, and what they give."""
    found = {}
    for name, (make, x) in MODELS.items():
        model = make()
        model.train()(x)
        found[f"model-{name}"] = model.eval(), as_json(outputs(model, x))
    slopes = nn.PReLU(4)
    slopes.weight.data = np.array([0.1, 0.2, 0.3, 0.4])
    found["model-slopes"] = slopes, as_json(outputs(slopes, X))
    for name, make in OPTIMIZERS.items():
        model = contents.mlp()
        optimizer = make(model.parameters())
        contents.step(model, optimizer)
        thing = pickle.loads(pickle.dumps((model, optimizer)))
        contents.step(model, optimizer)
        contents.step(model, optimizer)
        found[f"optimizer-{name}"] = thing, as_json(outputs(model, X))
    history = contents.train("Adam")
    found["History"] = history, {"records": as_json(history.to_dict()), "report": history.report()}
    return found


def of_the_rest():
    """Return the small things that somebody may have kept."""
    x = X[0]
    schedules = [
        optim.StepDecay(0.1, 2),
        optim.MultiStepDecay(0.1, (2, 5)),
        optim.Exponential(0.1, 0.9),
        optim.Polynomial(0.1, 20, power=2.0),
        optim.Cosine(0.1, 20),
        optim.OneCycle(0.1, 20),
        optim.Warmup(optim.Cosine(0.1, 20), 3),
        optim.Chained(((optim.StepDecay(0.1, 2), 4), (optim.Cosine(0.1, 20), 20))),
    ]
    losses = [nn.HuberLoss(2.0), nn.MSELoss(), nn.MAELoss(), nn.QuantileLoss(0.3)]
    functions = [ad.exp, ad.special.erf, ad.logsumexp]
    graph = ad.trace(lambda x: np.sin(x) * 2 + np.cumsum(x), x)
    tensor = ad.tensor(x, requires_grad=True)
    return {
        "schedules": (schedules, [[float(one(t)) for t in range(10)] for one in schedules]),
        "losses": (losses, as_json([np.asarray(one(X[0], X[1]).data) for one in losses])),
        "functions": (functions, as_json([np.asarray(one(x)) for one in functions])),
        "Graph": (graph, as_json([graph(x)])),
        "Compiled": (ad.compile(ad.tanh), as_json([np.tanh(x)])),
        "Tensor": (tensor, as_json([tensor.data])),
        "DivergedError": (ad.DivergedError("loss is nan", 3), "loss is nan"),
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else contents.FOLDER)
