"""C reads the texts of a table as the file of Python does."""

import ctypes
import math
import os
import shutil
import subprocess
from collections import Counter

import numpy as np
import pyarrow
import pytest

from adjoint.cli.main import main
from adjoint.estimators import TabularClassifier
from adjoint.exporting.c_table import CTable
from adjoint.exporting.c_texts import lower_letters
from adjoint.exporting.exported import export
from adjoint.exporting.fields import Field
from adjoint.exporting.refusal import ExportError
from adjoint.exporting.subject import Subject
from adjoint.exporting.table_reader import _described
from adjoint.tables.column import PARTS
from adjoint.tables.date_format import DateFormat
from adjoint.tables.folder import load_model
from exported_tables import C_FLAGS, c_model
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

needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")


COLUMNS = [*number_columns(12), *date_columns(), *category_columns()]


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    """Return a function from texts to what C reads of them, and the place that it refuses.

    The sanitizer would end the process.
    """
    columns, folder = COLUMNS, tmp_path_factory.mktemp("read")
    fields = [
        Field.of(_described(c), "a column", is_time=c.dates == DateFormat("time")) for c in columns
    ]
    count = sum(len(field.numbers) for field in fields)
    subject = Subject(lambda x: x * 1.0, (np.zeros((1, count)),), "numbers", has_rows=True)
    written = CTable(subject, fields, "net", "all of them")
    header, source = written.files("net.h", {c.name: [None] for c in columns}, np.zeros((1, count)))
    assert f"Writes {count} numbers, all of them, to y." in header
    (folder / "net.h").write_text(header)
    (folder / "net.c").write_text(source)
    flags = [*C_FLAGS, "-fsanitize=undefined", "-fno-sanitize-recover=all"]
    command = ["cc", *flags, "-shared", "-fPIC", "-O0", "net.c", "-o", "net.so"]
    subprocess.run(command, cwd=folder, check=True)
    found = ctypes.CDLL(str(folder / "net.so"))
    kinds = [ctypes.c_double if c.kind == "number" else ctypes.c_char_p for c in columns]

    class Row(ctypes.Structure):
        _fields_ = [(f"c{n}", kind) for n, kind in enumerate(kinds)]

    def found_in(texts):
        row, y = Row(), (ctypes.c_double * count)()
        given = [None if t is None else t if isinstance(t, bytes) else t.encode() for t in texts]
        wrong = found.net_read((ctypes.c_char_p * len(given))(*given), ctypes.byref(row))
        assert found.net(ctypes.byref(row), y) == 0
        return wrong, list(y)

    return found_in


def compare(read, texts):
    """Compare what C reads of a text in each column with Python, to the last bit."""
    wrong, found = read(texts)
    expected, refused = numbers_of(COLUMNS, texts)
    assert (wrong, found) == (refused, pytest.approx(expected, rel=0, abs=0, nan_ok=True)), texts


@needs_compiler
def test_numbers_are_read_to_the_last_bit(read, full):
    for texts in texts_of(COLUMNS[:12], 20_000 if full else 60):
        compare(read, (texts * len(COLUMNS))[: len(COLUMNS)])


@needs_compiler
def test_dates_are_read_in_every_order(read):
    known = [text for order in DATES for text in DATES[order]]
    for text in [*known, *NO_DATES, *(f"  {text} UTC" for text in known), "-9", "9" * 999]:
        compare(read, [text] * len(COLUMNS))


@needs_compiler
def test_categories_are_those_that_the_model_takes_them_for(read):
    levels = [level for column in COLUMNS for level in column.levels]
    for text in [*HOSTILE, *levels, None, "X ", "x", "0.000010", "-0.0", "+1.50"]:
        compare(read, [text] * len(COLUMNS))


@needs_compiler
def test_a_model_of_a_table_predicts_what_the_model_predicts(folder, full):
    out = folder / "model.c"
    assert main(["export", str(folder / "m"), "--out", str(out)]) == 0
    function = c_model(out, ["number", "category", "number"], 2)
    table = rows_of_folder(10_000 if full else 100)
    block = pyarrow.table({k: pyarrow.array(v, pyarrow.string()) for k, v in table.items()})
    expected = load_model(folder / "m").predict(block, Counter())
    near = 0
    for n, texts in enumerate(zip(*table.values(), strict=True)):
        wrong, status, y, label = function(texts)
        assert (wrong, status) == (0, 0)
        assert y[0] == pytest.approx(expected["probability_ja"][n], abs=1e-6, nan_ok=True)
        near += label != expected["prediction"][n]
        assert label == expected["prediction"][n] or abs(y[0] - 0.5) < 1e-6
    assert near <= 1


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """Return a folder with the exported C of an estimator with hostile names, and its function."""
    place = tmp_path_factory.mktemp("hostile")
    export(hostile_estimator()[0], place / "net.c")
    kinds = ["category" if n == 2 else "number" for n in range(13)]
    return place, c_model(place / "net.c", kinds, 13)


@needs_compiler
def test_columns_and_classes_may_have_any_names(hostile):
    folder, function = hostile
    if shutil.which("g++"):
        command = ["g++", "-x", "c++", "-std=c++11", "-Wall", "-Werror", "-fsyntax-only", "net.h"]
        subprocess.run(command, cwd=folder, check=True)
    estimator, frame = hostile_estimator()
    for row, expected in zip(frame.values.tolist(), estimator.predict_proba(frame), strict=True):
        texts = [x if isinstance(x, str) else repr(x) for x in row]
        wrong, status, y, label = function(texts)
        assert (wrong, status, label) == (0, 0, estimator.classes_[np.argmax(expected)])
        assert y == pytest.approx(expected, rel=1e-11)


@needs_compiler
def test_a_number_that_is_lacking_or_none_is_refused(hostile):
    texts = [*"12x45678", "nine", "10", "11", "12", "13"]
    assert hostile[1](texts)[:2] == (9, 1)
    assert hostile[1]([*texts[:8], None, *texts[9:]])[:2] == (0, 1)
    assert hostile[1]([*texts[:8], None, *texts[9:]])[3] is None


def test_a_nul_that_would_end_a_class_early_is_refused_by_name(tmp_path):
    frame = pyarrow.table({"a": [f"{n % 7}" for n in range(60)]})
    y = np.array(["a\0b", "c"])[np.arange(60) % 2]
    estimator = TabularClassifier(hidden=(2,), epochs=1, ensemble=1, random_state=0).fit(frame, y)
    with pytest.raises(ExportError, match=r"the class 'a\\x00b' holds a NUL"):
        export(estimator, tmp_path / "net.c")
    assert not list(tmp_path.iterdir())


def test_a_word_for_missing_values_whose_capital_depends_on_its_place_is_refused():
    with pytest.raises(ExportError, match="the text 'τέλος' for missing values"):
        lower_letters(["na", "τέλος"])


BYTES = [b"\xff", b"\xc3", b"\xe4\xb8", b"\xf0\x9f\x98", b"\xed\xa0\x80", b"\xc0\x80", b"\xf5\x80"]


@needs_compiler
def test_bytes_that_are_no_text_are_unseen_and_read_nothing_beyond(read):
    """Half a letter stands before the end of each text."""
    kinds = [column.kind for column in COLUMNS]
    date, category = kinds.index("date"), kinds.index("category")
    for text in [*BYTES, *(b"1" + x for x in BYTES), *(x * 5000 for x in BYTES), b"7" * 100_000]:
        given = [text if n in (0, 1, date, category) else None for n in range(len(COLUMNS))]
        wrong, found = read(given)
        is_number = text[:1] == b"7"
        assert (found[0] == math.inf, wrong == 2) == (is_number, is_number)
        assert math.isnan(found[date])
        assert found[date + len(PARTS) * kinds.count("date")] == 0


_DRIVER = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "model.h"
int main(void) {
    static char whole[1 << 24];
    const size_t size = fread(whole, 1, sizeof whole, stdin);
    const char *texts[3];
    int rows = 0, count = 0;
    for (size_t at = 0; at < size;) {
        /* Each text is on the heap, so that one byte too far is noticed; 1 stands for NULL. */
        const size_t length = strlen(whole + at) + 1;
        char *own = malloc(length);
        memcpy(own, whole + at, length);
        at += length;
        texts[count++] = own[0] == 1 ? NULL : own;
        if (count == 3) {
            model_row row;
            double y[2];
            const int wrong = model_read(texts, &row), status = model(&row, y);
            printf("%d %d %d %.17g\\n", wrong, status, model_predict(&row), y[0]);
            count = 0;
            rows++;
        }
    }
    return 0;
}
"""


@pytest.mark.full
@pytest.mark.parametrize("compiler", [name for name in ("gcc", "clang") if shutil.which(name)])
def test_hostile_texts_read_nothing_beyond_their_ends(compiler, folder, tmp_path):
    assert main(["export", str(folder / "m"), "--out", str(tmp_path / "model.c")]) == 0
    (tmp_path / "driver.c").write_text(_DRIVER)
    flags = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-O1", "-g"]
    sources = ["model.c", "driver.c", "-o", "driver"]
    subprocess.run([compiler, "-std=c99", *flags, *sources], cwd=tmp_path, check=True)
    texts = [*BYTES, *(b"1" + x for x in BYTES), *(x * 5000 for x in BYTES), b"7" * 100_000, b"\1"]
    texts += [
        b"nan",
        b"inf",
        b"-",
        b"1e9999",
        b"1,5 \xe2\x82\xac",
        b"1,5 \xe2\x82",
        b"rot\xc2\xa0",
        b"",
    ]
    texts += [text.encode() for row in texts_of(number_columns(1), 500) for text in row if text]
    rows = [[texts[n], texts[-n], texts[7 * n % len(texts)]] for n in range(len(texts))]
    given = b"".join(text + b"\0" for row in rows for text in row)
    program = str(tmp_path / "driver")
    quiet = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}  # the driver frees nothing
    done = subprocess.run([program], input=given, env=quiet, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr[:2000]
    told = [line.split() for line in done.stdout.decode().splitlines()]
    assert len(told) == len(rows)
    assert {status for _, status, *_ in told} == {"0"}
    assert {label for *_, label, _ in told} <= {"0", "1"}
    assert {wrong for wrong, *_ in told} == {"0", "1", "3"}
