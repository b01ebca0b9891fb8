"""Quantiles of a number: they rise, are scored by their coverage, and are carried everywhere."""

import json
import re
from collections import Counter

import numpy as np
import pyarrow
import pytest
from sklearn.metrics import mean_pinball_loss

from adjoint import cli
from adjoint.errors import TableError
from adjoint.exporting.exported import export
from adjoint.tables import verdict
from adjoint.tables.baseline import baselines
from adjoint.tables.conventions import AS_SHOWN
from adjoint.tables.folder import load_model
from adjoint.tables.held import Held
from adjoint.tables.report import write_report
from adjoint.tables.scored import coverage
from adjoint.tables.scores import interval, measure
from adjoint.tables.settings import TableSettings, check_quantiles
from adjoint.tables.target import Target
from adjoint.tables.targets import learn_targets
from adjoint.tables.trial import prepare, run

LEVELS = (0.1, 0.5, 0.9)
FAST = {"epochs": 2, "ensemble": 2, "hidden": (4,)}


def table(rows=300, seed=0):
    """Return rows whose noise grows with one column."""
    rng = np.random.default_rng(seed)
    x, z = rng.uniform(0, 2, rows), rng.normal(size=rows)
    word = rng.choice(["red", "blue"], rows)
    y = 100 * (z + (word == "red") + x * rng.normal(size=rows))
    return pyarrow.table({"x": x, "z": z, "word": word, "y": y})


def trial(data, levels=LEVELS, **changed):
    settings = TableSettings(quantiles=levels, **(FAST | changed))
    return run(*prepare(data, "y", settings), settings, progress=False)


@pytest.fixture(scope="module")
def tried():
    return trial(table())


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ((0.0, 0.5), "0 is not between 0 and 1"),
        ((0.5, 1), "1 is not between"),
        ((np.nan,), "nan is not between"),
        ((0.5, 0.5), "0.5 is there twice"),
        # Their columns would have one name.
        ((0.1, np.nextafter(0.1, 1)), "0.1 is there twice"),
        ((np.nextafter(1, 0),), "1 is not between"),
        ((0.9, 0.1), "0.1 comes after 0.9"),
        (("0.5",), "'0.5' is no number"),
        ((True,), "True is no number"),
        (np.linspace(0.1, 0.9, 21), "21 quantiles; expected at most 20"),
    ],
    ids=str,
)
def test_levels_that_are_none_are_refused(levels, message):
    with pytest.raises(ValueError, match=message):
        check_quantiles(levels)


@pytest.mark.parametrize("rows", [33, 40, 46])
def test_a_share_of_none_or_of_all_rows_has_no_bound_beyond_it(rows):
    found = np.repeat([[1.0, 1.0]], rows, axis=0)
    for y in (0.0, 1.0, 2.0):
        low, high = coverage(found, np.full(rows, y), (0.1, 0.9))["0.1 to 0.9"][1:]
        assert 0 <= low < high <= 1


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 20])
def test_quantiles_that_cross_are_put_in_order(count):
    levels = tuple(np.linspace(0.02, 0.98, count).tolist())
    target = Target("y", "regression", [], mean=3.0, std=2.0, quantiles=levels)
    outputs = np.random.default_rng(count).normal(size=(50, count))
    np.testing.assert_array_equal(target.answers(outputs), np.sort(outputs, axis=1) * 2.0 + 3.0)


def test_the_pinball_loss_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    y, outputs = rng.normal(size=80) * 1e200, rng.normal(size=(80, 3)) * 1e200
    expected = np.mean(
        [mean_pinball_loss(y, own, alpha=q) for own, q in zip(outputs.T, LEVELS, strict=True)]
    )
    assert measure("pinball_loss", outputs, y, LEVELS) == pytest.approx(expected, rel=1e-12)
    low, high = interval("pinball_loss", outputs, y, levels=LEVELS)
    assert 0 <= low < expected < high


def test_coverage_counts_rows_at_and_below_each_quantile_and_between_them():
    y = np.arange(10.0)
    found = coverage(np.tile([0.0, 4.5, 8.0], (10, 1)), y, LEVELS)
    assert {name: value[0] for name, value in found.items()} == {
        "0.1": 0.1, "0.5": 0.5, "0.9": 0.9, "0.1 to 0.9": 0.9,
    }  # fmt: skip
    assert found["0.5"][1:] == pytest.approx([0.2366, 0.7634], abs=1e-4)  # Wilson's
    assert list(coverage(y[:, np.newaxis], y, (0.5,))) == ["0.5"]
    # The bounds are wider where rows of a block are alike.
    blocks = np.arange(10) // 5
    assert coverage(np.full((10, 1), 4.5), y, (0.5,), blocks)["0.5"][1] < found["0.5"][1]


def test_quantiles_cover_what_they_say_on_rows_whose_noise_differs():
    found = trial(table(1500), epochs=10, hidden=(16,))
    for level, (share, low, high) in list(found.record.coverage.items())[:3]:
        assert low - 0.03 < float(level) < high + 0.03, (level, share)
    outputs, X = found.held_outputs, found.held_X
    assert (np.diff(outputs, axis=1) >= 0).all()
    width, x = outputs[:, 2] - outputs[:, 0], X[:, 0]
    # The noise is x: where there is more of it, the range is wider.
    assert np.corrcoef(width, x)[0, 1] > 0.8


def test_the_simple_models_are_quantiles_too():
    encoder, target, parts = prepare(data := table(800), "y", TableSettings(quantiles=LEVELS))
    found = baselines(encoder, target, *parts.train, parts.test[0])
    assert list(found) == ["constant quantiles", "linear quantile regression"]
    for outputs in found.values():
        assert outputs.shape == (len(parts.test[1]), 3)
        assert (np.diff(outputs, axis=1) >= 0).all()
    np.testing.assert_allclose(
        found["constant quantiles"][0], np.quantile(parts.train[1], LEVELS), rtol=1e-12
    )
    assert len(data) == 800
    loss = {
        name: measure("pinball_loss", one, parts.test[1], LEVELS) for name, one in found.items()
    }
    assert loss["linear quantile regression"] < 0.9 * loss["constant quantiles"]


def test_of_many_columns_a_linear_regression_is_shifted():
    rng = np.random.default_rng(0)
    columns = {f"c{k}": rng.normal(size=60) for k in range(60)}
    data = pyarrow.table(columns | {"y": columns["c0"] + rng.normal(size=60)})
    found = trial(data, epochs=1)
    assert "shifted linear regression" in found.record.metrics


def test_a_network_starts_as_the_linear_model_with_the_quantiles_of_what_it_leaves():
    data = table(400)
    settings = TableSettings(quantiles=LEVELS, patience=1, learning_rate=1e-12, **FAST)
    model = run(*prepare(data, "y", settings), settings, progress=False).model
    found = model.predict(data, Counter())
    width = found["quantile_0.9"] - found["quantile_0.1"]
    # The same slopes for all: nothing that is nearly not trained can widen the range.
    np.testing.assert_allclose(width, width[0], rtol=1e-3)
    assert np.mean(data["y"].to_numpy() <= found["quantile_0.9"]) == pytest.approx(0.9, abs=0.05)


@pytest.mark.parametrize(
    ("values", "task", "message"),
    [
        ("ab", "auto", r"^--quantiles: they are of numbers, and 'y' is of classes \(a, b\)$"),
        ([0, 1], "auto", r"of classes \(0, 1\); --task regression takes them as"),
        ([0, 1], "classification", "they are of numbers, not of --task class"),
        ([2.5], "regression", "always 2.5: there is nothing to learn"),
    ],
    ids=str,
)
def test_quantiles_of_classes_are_refused(values, task, message):
    y = np.resize(list(values), 300)
    data = pyarrow.table({"x": np.arange(300.0), "y": y})
    settings = TableSettings(quantiles=LEVELS, task=task)
    with pytest.raises(TableError, match=message):
        learn_targets(["y"], data, settings, AS_SHOWN)


def test_whole_numbers_have_quantiles_where_the_task_says_so():
    data = pyarrow.table({"x": np.arange(300.0), "y": np.arange(300) % 3})
    settings = TableSettings(quantiles=(0.5,), task="regression")
    assert learn_targets(["y"], data, settings, AS_SHOWN).quantiles == (0.5,)


@pytest.mark.parametrize("metric", ["r2", "accuracy"])
def test_a_score_of_means_or_classes_is_refused(metric):
    with pytest.raises(TableError, match=f"{metric} is no score of quantiles, which has pinball"):
        prepare(table(40), "y", TableSettings(quantiles=LEVELS, metric=metric))


def test_the_verdict_names_quantiles_that_are_not_where_they_should_be():
    y = np.random.default_rng(0).normal(size=400)

    def told(*quantiles):
        outputs = {"network": np.tile(quantiles, (400, 1))}
        held = Held(outputs, y, None, {}, 0, [])
        return verdict._of_quantiles(held, LEVELS)

    assert told(-1.28, 0.0, 1.28) == []
    (wide,) = told(-2.5, 0.0, 2.5)
    assert re.sub(r"\d+\.\d%", "N", wide) == (
        "Of the rows, N lie up to quantile 0.1 instead of 10%, N lie up to quantile 0.9 instead of "
        "90%, N lie between quantiles 0.1 and 0.9 instead of 80%: by more than chance."
    )
    assert told(-1.28, 0.3, 1.28)[0].count("instead of") == 1


def test_the_report_shows_where_the_rows_lie(tried):
    page = write_report(tried, "t.csv")
    assert "the quantiles 0.1, 0.5 and 0.9 of a number" in page
    assert "<h2>Whether its quantiles can be believed</h2>" in page
    assert "between 0.1 and 0.9" in page
    assert "quantile 0.9" in page  # the key of the curves
    assert "What is left over" not in page


def test_one_quantile_is_a_column_of_its_own():
    found = trial(table(60), levels=(0.75,), epochs=1)
    assert found.record.metrics["network"].keys() == {"pinball_loss"}
    assert list(found.model.predict(table(5), Counter())) == ["quantile_0.75"]
    assert list(found.record.coverage) == ["0.75"]


def test_the_same_quantiles_stand_in_the_folder_the_predictions_and_the_exports(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    names = table().column_names
    rows = zip(*table().to_pydict().values(), strict=True)
    lines = [",".join(names), *(",".join(map(str, row)) for row in rows)]
    (tmp_path / "t.csv").write_text("\n".join(lines), "utf-8")
    fit = ["fit", "t.csv", "--target", "y", "--epochs", "1", "--hidden", "4", "--ensemble", "2"]
    assert cli.main([*fit, "--quantiles", "0.1, 0.5,0.9"]) == 0
    told = capsys.readouterr().out
    assert "y: to predict, the quantiles 0.1, 0.5 and 0.9 of a number" in told
    assert "between 0.1 and 0.9" in told
    expected = load_model(tmp_path / "model").predict(table(), Counter())
    assert cli.main(["predict", "model", "t.csv", "--json"]) == 0
    (first, *_) = capsys.readouterr().out.splitlines()
    assert list(json.loads(first)) == ["quantile_0.1", "quantile_0.5", "quantile_0.9"]
    assert cli.main(["evaluate", "model", "t.csv", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["headline"] == "pinball_loss"
    assert list(told["coverage"]) == ["0.1", "0.5", "0.9", "0.1 to 0.9"]
    assert cli.main(["show", "model"]) == 0
    assert "predicts y: the quantiles 0.1, 0.5 and 0.9 of a number" in capsys.readouterr().out
    assert cli.main(["export", "model", "--out", "m.py"]) == 0
    scope = {"__name__": "m"}
    exec((tmp_path / "m.py").read_text("utf-8"), scope)
    found = scope["m"](table().to_pydict())
    assert list(found) == list(expected)
    for name, values in found.items():
        np.testing.assert_allclose(values, expected[name], rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("text", ["0,1", "0.5,0.5", "0.9,0.1", "half", "nan", "", "0.5,", "1e-400"])
def test_a_text_that_is_no_levels_is_one_line_and_exit_2(text, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("x,y\n1,2\n", "utf-8")
    assert cli.main(["fit", "t.csv", "--target", "y", "--quantiles", text]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "--quantiles" in told


@pytest.mark.full
@pytest.mark.parametrize("name", ["m.c", "m.html", "m.wasm", "m.onnx"])
def test_quantiles_are_carried_by_what_is_compiled_and_it_says_so(tried, name, tmp_path):
    done = export(tried.model, tmp_path / name)
    assert "golden vectors" in done.tested
    text = b"".join(path.read_bytes() for path in done.files)
    assert b"the quantiles 0.1, 0.5 and 0.9 of y" in text or name in ("m.wasm", "m.onnx")


@pytest.mark.full
def test_reproducible_quantiles_have_the_same_digest_twice():
    found = {trial(table(100), reproducible=True).record.sha256 for _ in range(2)}
    assert len(found) == 1
