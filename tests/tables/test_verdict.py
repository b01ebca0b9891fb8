"""A verdict names the model to prefer, and what makes its scores doubtful."""

import numpy as np
import pyarrow
import pytest

from adjoint.tables.settings import TableSettings
from adjoint.tables.trial import prepare, run
from adjoint.tables.verdict import preference

Y = np.random.default_rng(0).normal(size=400)


def near(noise, seed):
    return Y + noise * np.random.default_rng(seed).normal(size=len(Y))


@pytest.mark.parametrize(
    ("network", "linear", "start"),
    [
        (0.1, 0.5, "Prefer the network: the r2"),
        (0.5, 0.1, "Prefer the linear regression: the r2"),
        (0.3, 0.3, "The linear regression does as well within the noise"),
        (1.0, 9.0, "Nothing was learnt that is more than noise"),
    ],
)
def test_a_model_is_preferred_only_beyond_the_noise(network, linear, start):
    outputs = {"network": near(network, 1), "mean": np.full(len(Y), Y.mean())}
    outputs["linear regression"] = near(linear, 2)
    assert preference(outputs, Y, "r2").startswith(start)


def test_the_difference_told_is_that_of_the_scores():
    outputs = {"network": near(0.1, 1), "mean": np.full(len(Y), Y.mean())}
    by = 1 - np.mean((outputs["network"] - Y) ** 2) / np.var(Y)
    assert f"is {by:.4f} ± " in preference(outputs, Y, "r2")


def test_a_gain_that_no_digit_shows_is_none():
    off = 0.1 * np.random.default_rng(0).normal(size=400)
    # Surely better, by a thousandth of what is left.
    outputs = {"network": Y + off, "mean": np.full(400, Y.mean())}
    outputs["linear regression"] = Y + 1.001 * off
    told = preference(outputs, Y, "r2")
    assert told.startswith("The linear regression does as well within the noise")
    assert "is 0.0000 ±" in told


def test_a_difference_in_a_small_unit_has_digits():
    outputs = {"network": near(0.1, 1) * 1e-9, "mean": np.zeros(len(Y))}
    told = preference(outputs, Y * 1e-9, "mae")
    assert "e-10 ± " in told
    assert "0.0000" not in told


def test_of_classes_log_loss_decides():
    y = np.arange(200) % 2
    sure, even = np.eye(2)[y] * 0.8 + 0.1, np.full((200, 2), 0.5)
    told = preference({"network": sure, "majority class": even}, y, "log_loss")
    assert told.startswith("Prefer the network: the log loss of the network is 0.5878 ± 0.0000")
    assert told.endswith("below that of the majority class.")


def sentences(**columns):
    settings = TableSettings(epochs=2, ensemble=1, hidden=(4,))
    encoder, target, parts = prepare(pyarrow.table(columns), "y", settings)
    return " ".join(run(encoder, target, parts, settings, progress=False).record.verdict)


def table(rows=300):
    rng = np.random.default_rng(1)
    x = rng.normal(size=rows)
    return x, np.where(x + rng.normal(size=rows) > 0, "yes", "no")


def test_a_plain_table_gets_no_remark():
    x, y = table()
    told = sentences(x=x, y=y)
    assert not any(word in told for word in ("Too few", "alone", "trained on", "% of the rows"))


def test_a_column_that_tells_the_target_is_named():
    x, y = table()
    told = sentences(x=x, result=np.where(y == "yes", 7.0, 2.0), y=y)
    assert "Column 'result': it alone predicts nearly all of the target" in told


def test_a_number_that_tells_the_target_is_named():
    x = np.random.default_rng(0).normal(size=(300, 2))
    told = sentences(a=x[:, 0], b=x[:, 1], y=3 * x[:, 1])
    assert "Column 'b': it alone predicts" in told


def test_a_class_of_few_rows_is_named():
    x, y = table()
    y = y.astype("U9")
    y[[3, 40, 90]] = "perhaps"
    assert "Too few rows to learn a class from: 'perhaps' has 3." in sentences(x=x, y=y)


def test_a_class_that_most_rows_have_is_named():
    x, y = table()
    y[:] = "no"
    y[:15] = "yes"
    assert "95.0% of the rows are of class 'no'" in sentences(x=x, y=y)


def test_rows_that_are_on_both_sides_are_counted():
    x, y = table(30)
    assert "rows held out equal rows that the network was trained on" in sentences(
        x=np.repeat(x, 10), y=np.repeat(y, 10)
    )
