"""What a column is worth: what the score loses where the column's values change rows."""

from collections import Counter

import numpy as np
import pyarrow
import pytest

from adjoint.network import outputs_of
from adjoint.tables import importance
from adjoint.tables.importance import _Opened, importances
from adjoint.tables.settings import TableSettings
from adjoint.tables.training import train
from adjoint.tables.trial import prepare


def fitted(task, hidden=(8, 6), rows=300, more=0):
    """Return a model of numbers, gaps and categories in turn, and rows that it never saw."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=rows), rng.normal(size=rows)
    word, other = rng.choice(["red", "blue", "grey"], rows), rng.choice(["x", "y"], rows)
    y = 3 * a + (word == "red") + 0.2 * rng.normal(size=rows)
    columns = {"a": a, "word": word, "b": np.where(rng.random(rows) < 0.2, np.nan, b)}
    columns |= {"other": other} | {f"more {k}": rng.normal(size=rows) for k in range(more)}
    columns["y"] = y if task == "regression" else np.where(y > 0, "yes", "no")
    settings = TableSettings(task=task, epochs=3, ensemble=2, hidden=hidden)
    encoder, target, parts = prepare(pyarrow.table(columns), "y", settings)
    return train(encoder, target, parts, settings, progress=False).model, *parts.test


@pytest.mark.parametrize("hidden", [(), (8,), (8, 6)])
@pytest.mark.parametrize("task", ["regression", "classification"])
def test_permuting_a_column_gives_the_outputs_of_permuted_rows(task, hidden):
    model, X, _ = fitted(task, hidden)
    order = np.random.default_rng(1).permutation(len(X))
    start = 0
    for column in model.encoder.columns:
        part = range(start, start + column.width)
        start += column.width
        changed = X.copy()
        changed[:, part] = X[order][:, part]
        for member in model.network.members:
            found = _Opened(member, X).outputs(part, order)
            # float32 rounds the sums in another order.
            np.testing.assert_allclose(found, outputs_of(member, changed), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_the_column_that_the_target_is_made_of_is_worth_most(task):
    model, X, y = fitted(task)
    metric = "r2" if task == "regression" else "log_loss"
    found = importances(model, X, y, seed=0, metric=metric)
    assert set(found) == {"a", "word", "b", "other"}
    assert next(iter(found)) == "a"
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert found == importances(model, X, y, seed=0, metric=metric)


def test_of_many_columns_the_best_are_looked_at_again(monkeypatch):
    model, X, y = fitted("regression", more=60)
    asked = Counter()
    falls = importance._falls

    def spied(model, X, y, columns, repeats, *others):
        asked[repeats] += len(columns)
        return falls(model, X, y, columns, repeats, *others)

    monkeypatch.setattr(importance, "_falls", spied)
    found = importances(model, X, y, seed=0, metric="rmse")
    assert asked == {1: 64, 3: 50}
    assert len(found) == 64
    assert next(iter(found)) == "a"
