"""A model of a table brings the rules by which its texts are read."""

import datetime
import json
import shutil
from collections import Counter

import numpy as np
import pyarrow
import pytest

from adjoint.cli.main import main
from adjoint.estimators import TabularClassifier, TabularRegressor
from adjoint.exporting.exported import export
from adjoint.exporting.refusal import ExportError
from adjoint.exporting.table_functions import encode_dates
from adjoint.exporting.table_reader import _described
from adjoint.files.tensor_file import read_tensors, write_tensors
from adjoint.tables import folder as folders
from adjoint.tables.column import PARTS, Column
from adjoint.tables.date_format import DateFormat
from adjoint.tables.folder import load_model
from sampled import sampled
from table_texts import DATES, NO_DATES

TEXTS = ["1,5 €", "-2000,25 €", "", "NA", "12 €", "3,5", None, "no number"]
KINDS = ["rot", "ROT", "blau", "", "grün*/", "1", "1.0", None]


def test_the_file_reads_texts_as_the_model_does(folder):
    out = folder / "model.py"
    assert main(["export", str(folder / "m"), "--out", str(out)]) == 0
    scope = {"__name__": "model"}
    exec(compile(out.read_text("utf-8"), str(out), "exec"), scope)
    table = {"Preis": TEXTS, "Art": KINDS, "Größe": ["0,5", "1e3", "-7", "?", " 2 ", "9", "x", "-"]}
    table["Preis"] = [text if text != "3,5" else "3,5 €" for text in TEXTS]
    block = pyarrow.table({name: pyarrow.array(v, pyarrow.string()) for name, v in table.items()})
    expected = load_model(folder / "m").predict(block, Counter())
    found = scope["model"](table)
    assert list(found) == list(expected)
    assert found["prediction"].tolist() == expected["prediction"].tolist()
    np.testing.assert_allclose(found["probability_ja"], expected["probability_ja"], rtol=1e-5)


def test_a_number_in_another_format_is_refused_as_by_the_model(folder):
    out = folder / "strict.py"
    assert main(["export", str(folder / "m"), "--out", str(out)]) == 0
    scope = {"__name__": "strict"}
    exec(compile(out.read_text("utf-8"), str(out), "exec"), scope)
    with pytest.raises(ValueError, match=r"'1\.5 €' is a number, but written in another way"):
        scope["strict"]({"Preis": ["1.5 €"], "Art": ["rot"], "Größe": ["1"]})


def test_an_unknown_target_is_bad_usage(folder, capsys):
    assert main(["export", str(folder / "m"), "--out", str(folder / "model.exe")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("adjoint export: 'model.exe' is no target; expected one of py, c")


def test_no_file_is_called_as_standard_output(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["export", str(folder / "m"), "--out", "-", "--to", "py"]) == 2
    assert main(["demo", "--page", "-"]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("adjoint export: --out: expected a path, got -, standard output")
    assert second.startswith("adjoint demo: --page: expected a path, got -, standard output")
    assert not list(tmp_path.iterdir())


def loaded(model, out):
    """Return the function of an exported model of a folder."""
    assert main(["export", str(model), "--out", str(out)]) == 0
    scope = {"__name__": "__main__", "print": lambda *_: None}
    exec(compile(out.read_text("utf-8"), str(out), "exec"), scope)
    return scope[out.stem]


def changed(folder, name, change, weights=lambda arrays: arrays):
    """Return a folder whose description and weights were changed, and are told as its own."""
    model = folder / name
    shutil.copytree(folder / "m", model)
    arrays, told = read_tensors(model / folders.WEIGHTS)
    write_tensors(model / folders.WEIGHTS, weights(arrays), told)
    state = json.loads((model / folders.MODEL).read_text("utf-8"))
    change(state)
    state["digests"] = folders._digests(model)
    state["checksum"] = folders._checksum(state)
    (model / folders.MODEL).write_text(json.dumps(state), "utf-8")
    return model


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_predict_the_same_and_say_nothing(value, folder, capsys):
    name = f"weights_{value}"

    def weights(arrays):
        return {name: np.full_like(array, value) for name, array in arrays.items()}

    function = loaded(changed(folder, name, lambda state: None, weights), folder / f"{name}.py")
    assert capsys.readouterr().err.count("\n") == 1
    assert np.isnan(
        function({"Preis": ["1,5 €"], "Art": ["rot"], "Größe": ["1"]})["probability_ja"]
    )


@pytest.mark.parametrize("place", ["level", "missing", "name"])
def test_half_of_a_character_in_a_description_is_refused(place, folder, capsys):
    def change(state):
        number, category, *_ = state["encoder"]["columns"]
        if place == "level":
            category["levels"][-1] = "\udfff"
        elif place == "missing":
            number["missing"] = ["\ud800"]
        else:
            number["name"] = "\ud800"

    model = changed(folder, f"half_{place}", change)
    capsys.readouterr()
    assert main(["export", str(model), "--out", str(folder / "half.py")]) == 2
    error = capsys.readouterr().err
    assert "cannot be read" in error
    assert error.count("\n") == 1
    assert not (folder / "half.py").exists()


def test_names_in_a_description_run_nothing(folder):
    evil = '"""\n\'; raise SystemExit  # \\\u2028{x}'

    def change(state):
        state["encoder"]["columns"][0]["name"] = state["target"]["name"] = evil
        state["target"]["labels"] = [evil, "nein"]

    found = loaded(changed(folder, "evil", change), folder / "evil.py")
    assert f"probability_{evil}" in found({evil: ["1,5 €"], "Art": ["rot"], "Größe": ["1"]})


@pytest.mark.parametrize("order", DATES)
def test_texts_become_the_moments_that_the_model_reads(order):
    parts = ["time", "hour"] if order == "time" else list(PARTS)
    ends = [0.0, 86_400.0] if order == "time" else [-4e8, 9e8, 1.8e9]
    column = Column(
        "c", "date", True, quantiles=ends, dates=DateFormat(order), parts=parts, missing=["-9"]
    )
    texts = [*DATES[order], *NO_DATES, "-9", "  " + DATES[order][0], DATES[order][0] + " UTC"]
    expected = column.encode(pyarrow.array(texts, pyarrow.string()), Counter())
    found = np.column_stack(encode_dates(texts, _described(column)))
    np.testing.assert_array_equal(found, expected)
    assert not found[0, -1]


@pytest.mark.parametrize(
    "values",
    [
        [datetime.date(2024, 2, 29), None, datetime.date(1, 1, 1)],
        [datetime.datetime(2024, 2, 29, 1, 2, 3, 4), datetime.datetime(1969, 7, 20, 20, 17)],
        [np.datetime64("2024-02-29T01:02:03.123456", "ns"), np.datetime64("NaT", "ns")],
    ],
)
def test_dates_that_are_no_texts_are_read_as_the_model_reads_them(values):
    ends = [-4e8, 9e8, 1.8e9]
    format = DateFormat("dmy")
    column = Column("c", "date", True, quantiles=ends, dates=format, parts=list(PARTS))
    expected = column.encode(pyarrow.array(values), Counter())
    found = np.column_stack(encode_dates(values, _described(column)))
    np.testing.assert_array_equal(found, expected)


def test_a_column_of_words_in_the_place_of_dates_is_refused():
    column = Column(
        "c", "date", True, quantiles=[0.0, 1e9], dates=DateFormat("ymd"), parts=["time"]
    )
    with pytest.raises(ValueError, match="column 'c' holds texts that are no dates"):
        encode_dates(["word"] * 20, _described(column))


def test_a_model_with_dates_is_exported(tmp_path):
    lines = [f"2024-{1 + n % 12:02}-{1 + n % 28:02};{n % 7};{'ab'[n % 2]}" for n in range(100)]
    (tmp_path / "t.csv").write_text("\n".join(["day;n;y", *lines]) + "\n")
    fit = ["fit", str(tmp_path / "t.csv"), "--target", "y", "--epochs", "1", "--ensemble", "1"]
    assert main([*fit, "--out", str(tmp_path / "m")]) == 0
    function = loaded(tmp_path / "m", tmp_path / "m.py")
    table = {"day": ["2024-02-29", "", "2030-01-01", "29.2.2024"], "n": ["1", "2", "3", "4"]}
    expected = load_model(tmp_path / "m").predict(pyarrow.table(table), Counter())
    np.testing.assert_allclose(
        function(table)["probability_a"], expected["probability_a"], rtol=1e-5
    )


@pytest.mark.parametrize("labels", sampled([["ja", "nein"], [3, -1], [False, True]], 2))
def test_a_tabular_classifier_is_exported_with_its_classes(labels, tmp_path):
    rng = np.random.default_rng(0)
    frame = pyarrow.table(
        {
            "age": [f"{age} years" for age in rng.integers(20, 70, 90)],
            "town": [["Oslo", "Rome", None][n % 3] for n in range(90)],
            "day": [f"{1 + n % 28}.{1 + n % 12}.2024" for n in range(90)],
        }
    )
    y = np.array(labels)[rng.integers(0, 2, 90)]
    model = TabularClassifier(hidden=(4,), epochs=1, ensemble=1, random_state=0).fit(frame, y)
    export(model, tmp_path / "model.py")
    scope = {"__name__": "model"}
    exec((tmp_path / "model.py").read_text("utf-8"), scope)
    found = scope["model"](frame.to_pydict())
    assert found["prediction"].tolist() == model.predict(frame).tolist()
    for label, expected in zip(model.classes_, model.predict_proba(frame).T, strict=True):
        np.testing.assert_allclose(found[f"probability_{label}"], expected, rtol=1e-12)


def test_a_tabular_regressor_is_exported(tmp_path):
    rng = np.random.default_rng(0)
    frame = pyarrow.table({"a": rng.normal(size=90), "b": [f"{n % 9},5 €" for n in range(90)]})
    model = TabularRegressor(hidden=(4,), epochs=1, ensemble=2, random_state=0).fit(
        frame, rng.normal(size=90)
    )
    export(model, tmp_path / "model.py")
    scope = {"__name__": "model"}
    exec((tmp_path / "model.py").read_text("utf-8"), scope)
    found = scope["model"](frame.to_pydict())
    np.testing.assert_allclose(found["prediction"], model.predict(frame), rtol=1e-12)


def test_a_tabular_network_that_is_not_fitted_is_refused(tmp_path):
    with pytest.raises(ExportError, match="this TabularClassifier is not fitted yet"):
        export(TabularClassifier(), tmp_path / "model.py")


@pytest.fixture(scope="module")
def typed(tmp_path_factory):
    """Return a model of numbers that are no texts, of which -1 as a text is missing."""
    place = tmp_path_factory.mktemp("typed")
    lines = ["n;y", *(f"{n % 50};{'ab'[n % 50 > 20]}" for n in range(200)), *["-1;a"] * 9]
    (place / "t.csv").write_text("\n".join(lines) + "\n")
    fit = [
        "fit",
        str(place / "t.csv"),
        "--target",
        "y",
        "--epochs",
        "1",
        "--ensemble",
        "1",
        "--missing=-1",
    ]
    assert main([*fit, "--out", str(place / "m")]) == 0
    return place


@pytest.mark.parametrize(
    "values", [[-1, 5], ["-1", "5"], [True, False], [np.nan, None], [7.5, np.inf], [2**40, -3]]
)
def test_values_that_are_no_texts_are_read_as_the_model_does(values, typed):
    expected = load_model(typed / "m").predict(pyarrow.table({"n": values}), Counter())
    found = loaded(typed / "m", typed / "model.py")({"n": values})
    np.testing.assert_allclose(found["probability_a"], expected["probability_a"], rtol=1e-5)


def test_columns_of_different_lengths_are_told(folder):
    function = loaded(folder / "m", folder / "lengths.py")
    with pytest.raises(ValueError, match=r"different numbers of values: .*'Preis': 2, 'Art': 1"):
        function({"Preis": ["1,5 €", ""], "Art": ["rot"], "Größe": ["1", "2"]})


def test_a_table_without_rows_has_predictions_of_none(folder):
    found = loaded(folder / "m", folder / "none.py")({"Preis": [], "Art": [], "Größe": []})
    assert {name: len(values) for name, values in found.items()} == {
        "prediction": 0,
        "probability_ja": 0,
        "probability_nein": 0,
    }


@pytest.mark.parametrize("categories", sampled([200, 3], 2))
def test_an_ensemble_predicts_numbers_as_the_model_does(categories, tmp_path):
    """Lookups of few categories are products in the network, those of many are not."""
    rng = np.random.default_rng(0)
    lines = ["a;b;word;y"]
    for n in range(4 * categories + 200):
        a, b, word = rng.normal(), rng.lognormal(3, 2), n % categories
        lines.append(f"{a:.3f};{'' if n % 9 == 0 else f'{b:.2f}'};w{word};{a + word % 5:.3f}")
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    fit = ["fit", str(tmp_path / "t.csv"), "--target", "y", "--epochs", "1", "--ensemble", "3"]
    assert main([*fit, "--out", str(tmp_path / "m")]) == 0
    model = load_model(tmp_path / "m")
    assert model.design.by_product == (categories == 3)
    # Scaled values tell apart numbers beyond the quantiles, whose ranks are the same.
    asked = {"a": ["0.5", "-90", "-9000", ""], "b": ["1e3", "", "1e300", "2"], "word": ["w1"] * 4}
    expected = model.predict(pyarrow.table(asked), Counter())["prediction"]
    assert len({f"{each:.4f}" for each in expected[1:3]}) == 2
    found = loaded(tmp_path / "m", tmp_path / "model.py")(asked)["prediction"]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
