"""JavaScript reads the values of a table as the file of Python does, and predicts the same."""

import json
import math
import shutil
import subprocess
from collections import Counter

import numpy as np
import pyarrow
import pytest

pytest.importorskip("llvmlite")

from adjoint.cli.main import main
from adjoint.exporting.exported import export
from adjoint.exporting.fields import Field
from adjoint.exporting.table_reader import _described
from adjoint.exporting.wasm.reading_script import reading_script
from adjoint.tables.date_format import DateFormat
from adjoint.tables.folder import load_model
from exported_tables import node_predictions
from in_chromium import CHROMIUM, in_chromium
from table_texts import (
    DATES,
    HOSTILE,
    NO_DATES,
    category_columns,
    date_columns,
    hostile_estimator,
    number_columns,
    numbers_of,
    rows_of_folder,
    texts_of,
)

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
_READ = """
const rows = JSON.parse(require("node:fs").readFileSync(0, "utf-8"));
const found = rows.map((values) => COLUMNS.map((column, n) => {
  try { return readValue(values[n], column); } catch (error) { return [null, error.message]; }
}));
process.stdout.write(JSON.stringify(found));
"""


def read(columns, rows):
    """Return what JavaScript reads of rows of texts, and the place of the first that it refuses."""
    fields = [
        Field.of(_described(c), "a column", is_time=c.dates == DateFormat("time")) for c in columns
    ]
    script = reading_script(fields) + _READ
    done = subprocess.run(
        ["node", "-e", script], input=json.dumps(rows), capture_output=True, text=True, check=True
    )
    for found in json.loads(done.stdout):
        refused = [n for n, parts in enumerate(found, 1) if isinstance(parts[-1], str)]
        numbers = [x for parts in found for x in parts if not isinstance(x, str)]
        yield [math.nan if x is None else x for x in numbers], (refused or [0])[0]


def compare(columns, rows):
    """Compare all that JavaScript reads with Python; JSON has no infinite numbers."""
    for texts, (found, refused) in zip(rows, read(columns, rows), strict=True):
        expected, wrong = numbers_of(columns, texts)
        finite = [x if math.isfinite(x) else math.nan for x in expected]
        assert found == pytest.approx(finite, rel=0, abs=0, nan_ok=True), texts
        assert refused == wrong, texts


@needs_node
def test_numbers_are_read_to_the_last_bit(full):
    columns = number_columns(12)
    compare(columns, texts_of(columns, 20_000 if full else 60))


@needs_node
def test_dates_are_read_in_every_order():
    columns = date_columns()
    known = [text for order in DATES for text in DATES[order]]
    texts = [*known, *NO_DATES, *(f"  {text} UTC" for text in known), "-9", "9" * 999]
    compare(columns, [[text] * len(columns) for text in texts])


@needs_node
def test_categories_are_those_that_the_model_takes_them_for():
    columns = category_columns()
    levels = [level for column in columns for level in column.levels]
    texts = [*HOSTILE, *levels, None, "X ", "x", "0.000010", "-0.0", "+1.50", 1, 1.5, 1e-5, 1e16]
    compare(columns, [[text] * len(columns) for text in texts])


@pytest.fixture(scope="module")
def out(folder, tmp_path_factory):
    """Return the exported module of the folder."""
    path = tmp_path_factory.mktemp("wasm") / "model.wasm"
    assert main(["export", str(folder / "m"), "--out", str(path)]) == 0
    return path


@needs_node
def test_a_model_of_a_table_predicts_what_the_model_predicts(folder, out, full):
    table = rows_of_folder(10_000 if full else 200)
    block = pyarrow.table({k: pyarrow.array(v, pyarrow.string()) for k, v in table.items()})
    expected = load_model(folder / "m").predict(block, Counter())
    rows = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
    found, labels = node_predictions(out, rows)
    assert labels == ["ja", "nein"]
    chances = np.array([one["probabilities"][0][1] for one in found])
    np.testing.assert_allclose(chances, expected["probability_ja"], atol=1e-6)
    same = np.array([one["label"] for one in found]) == expected["prediction"]
    assert (same | (np.abs(chances - 0.5) < 1e-6)).all()


@needs_node
def test_columns_and_classes_may_have_any_names(tmp_path):
    estimator, frame = hostile_estimator()
    export(estimator, tmp_path / "net.wasm")
    rows = [dict(zip(frame, row, strict=True)) for row in frame.values.tolist()]
    found, labels = node_predictions(tmp_path / "net.wasm", rows)
    assert labels == estimator.classes_.tolist()
    for one, expected in zip(found, estimator.predict_proba(frame), strict=True):
        assert [name for name, _ in one["probabilities"]] == labels
        assert [x for _, x in one["probabilities"]] == pytest.approx(expected, rel=1e-11)
        assert one["label"] == labels[np.argmax(expected)]


WRONG = [
    ({"Art": "rot", "Größe": 1}, 'row 1 has no column "Preis"'),
    ({"Preis": "1.5 €", "Art": "rot", "Größe": 1}, '"1.5 €" is a number, but written in another'),
    ({"Preis": {}, "Art": "rot", "Größe": 1}, 'column "Preis" holds an object; expected a text'),
    ({"Preis": 1, "Art": ["rot"], "Größe": 1}, 'column "Art" holds an array; expected a text'),
    (None, "row 1 is null; expected an object"),
]
# Arguments of predictAll as they stand in a script.
NO_ROWS = [
    ("null", "expected an array of rows, got null"),
    ("{}", "expected an array of rows, got an object"),
    ("[,]", "row 1 is undefined; expected an object"),
]


@needs_node
def test_rows_that_cannot_be_read_are_told_by_column(out):
    script = f"""
import {{ load }} from {json.dumps(out.with_suffix(".mjs").as_uri())};
const model = await load();
const told = {json.dumps([row for row, _ in WRONG])}.map((row) => {{
  try {{ return model.predict(row); }} catch (error) {{ return error.message; }}
}});
for (const rows of [{", ".join(rows for rows, _ in NO_ROWS)}]) {{
  try {{ told.push(model.predictAll(rows)); }} catch (error) {{ told.push(error.message); }}
}}
process.stdout.write(JSON.stringify(told));
"""
    command = ["node", "--input-type=module", "-e", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    for told, (_, expected) in zip(json.loads(done.stdout), [*WRONG, *NO_ROWS], strict=True):
        assert expected in told


BODY = """
const told = () => document.getElementById("told").textContent;
const set = (id, value) => {
  const field = document.getElementById(id);
  field.value = value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
};
const first = told();
set("field-0", "");
set("field-1", "missing");
set("field-2", "-30");
const second = Number(document.querySelector("#results td:nth-child(2)").textContent);
set("pasted", 'Größe;"Art";Preis\\n-3,5;grün*/;"1,5 €"\\n;NA;\\n');
const rows = Array.from(document.querySelectorAll("#rows tr"), (row) =>
  Array.from(row.cells, (cell) => cell.textContent));
set("pasted", "Art\\nrot");
const wrong = document.getElementById("wrong").textContent;
const options = Array.from(document.getElementById("field-1").options, (one) => one.text);
const labels = Array.from(document.querySelectorAll("#fields label"), (one) => one.textContent);
return { first, second, rows, wrong, options, labels };
"""


@pytest.mark.full
@needs_chromium
def test_a_page_predicts_what_is_put_in_and_what_is_pasted(folder, tmp_path):
    assert main(["export", str(folder / "m"), "--out", str(tmp_path / "model.html")]) == 0
    page = (tmp_path / "model.html").read_text("utf-8")
    (tmp_path / "browser").mkdir()
    found = in_chromium(page, BODY.replace("\\\\", "\\"), tmp_path / "browser")
    model = load_model(folder / "m")

    def expected(*rows):
        names = ["Preis", "Art", "Größe"]
        columns = [pyarrow.array(x, pyarrow.string()) for x in zip(*rows, strict=True)]
        return model.predict(pyarrow.table(columns, names=names), Counter())

    missing = expected((None, None, "-30"))
    assert found["second"] == pytest.approx(missing["probability_ja"][0], rel=5e-3)
    pasted = expected(("1,5 €", "grün*/", "-3,5"), (None, None, None))
    assert [row[1] for row in found["rows"]] == pasted["prediction"].tolist()
    assert found["first"] in ("ja", "nein")
    assert found["wrong"] == 'row 1 has no column "Preis"'
    assert found["options"] == ["blau", "grün*/", "rot", "(missing)", "(another)"]
    assert found["labels"] == ["Preis, €", "Art", "Größe"]


def test_names_and_categories_are_text_in_a_page(tmp_path):
    estimator, _ = hostile_estimator()
    export(estimator, tmp_path / "net.html")
    text = (tmp_path / "net.html").read_text("utf-8")
    assert text.count("<script") == 1
    assert text.count("</script>") == 1
