"""Nasty tables are read as expected, or refused in a line that says why."""

from __future__ import annotations

import datetime
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("pyarrow")
pytest.importorskip("sklearn")

import pyarrow as pa
from nasty.tables import LABELS, ROWS, TEXTS, TYPED, Nasty
from pyarrow import ipc, parquet

from adjoint.cli.fit_rows import told_target
from adjoint.cli.model_output import show_columns
from adjoint.cli.terminal import shown
from adjoint.errors import TableError
from adjoint.tables.column import Column
from adjoint.tables.conventions import Conventions
from adjoint.tables.learning import learn
from adjoint.tables.reading.table_file import TableFile
from adjoint.tables.settings import TableSettings
from adjoint.tables.target import learn_target
from adjoint.tables.trial import prepare

SMALL = TableSettings(test=0.1)


def told(path: Path) -> tuple[list[str], dict[str, str], str]:
    """Return the notes, the lines of the columns and that of the target, as fit says them."""
    source = TableFile(path)
    encoder, target, parts = prepare(
        source.read(), "y", SMALL, Conventions(delimiter=source.delimiter)
    )
    lines: list[str] = []
    show_columns(encoder, lambda line: lines.append(shown(line).strip()))
    pairs = (line.split(": ", 1) for line in lines)
    return source.notes, dict(pairs), told_target(target, parts.left_out)


@pytest.mark.parametrize("nasty", TEXTS.values(), ids=TEXTS)
def test_a_nasty_text_is_read_or_refused_in_words(tmp_path: Path, nasty: Nasty):
    path = tmp_path / f"table{nasty.suffix}"
    path.write_bytes(nasty.data)
    if nasty.error:
        with pytest.raises(TableError) as caught:
            told(path)
        assert nasty.error in str(caught.value)
        return
    notes, lines, target = told(path)
    assert notes == nasty.notes
    for name, line in nasty.lines.items():
        assert lines[name].startswith(line)
    assert target.startswith(nasty.target)


@pytest.mark.parametrize(("values", "line"), TYPED.values(), ids=TYPED)
def test_columns_of_every_type_are_read_or_left_out_in_words(tmp_path, values, line):
    table = pa.table({"x": values, "z": [row % 7 for row in range(ROWS)], "y": LABELS})
    with ipc.new_file(tmp_path / "t.arrow", table.schema) as file:
        file.write_table(table)
    assert told(tmp_path / "t.arrow")[1]["x"].startswith(line)


# --- folders of Parquet ---------------------------------------------------------------------------


def write(path: Path, **columns):
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.table(columns), path)


def test_files_of_parquet_may_have_other_columns_and_wider_types(tmp_path):
    write(tmp_path / "a.parquet", x=[1, 2], y=["a", "b"])
    write(tmp_path / "b.pq", y=["c"], x=[0.5], w=[7])
    for name in ("README.txt", "_SUCCESS", ".hidden.parquet", "_old/c.parquet"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("nothing")
    found = TableFile(tmp_path).read().to_pydict()
    assert found == {"x": [1, 2, 0.5], "y": ["a", "b", "c"], "w": [None, None, 7]}


def test_files_of_parquet_that_contradict_each_other_are_refused_by_the_name_of_the_column(
    tmp_path,
):
    write(tmp_path / "a.parquet", x=[1])
    write(tmp_path / "b.parquet", x=["one"])
    with pytest.raises(TableError, match="Field x has incompatible types: int64 vs string"):
        TableFile(tmp_path)


def test_only_folders_below_the_one_that_is_named_are_partitions(tmp_path):
    write(tmp_path / "run=3/parts/year=2024/x.parquet", x=[1])
    write(tmp_path / "run=3/parts/year=__HIVE_DEFAULT_PARTITION__/x.parquet", x=[2])
    found = TableFile(tmp_path / "run=3/parts").read().to_pydict()
    assert found == {"x": [1, 2], "year": [2024, None]}


def test_a_pattern_of_other_files_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("x\n1\n")
    with pytest.raises(TableError, match=r"one table if all are Parquet; .*a\.csv is not"):
        TableFile(tmp_path / "*.csv")


# --- workbooks ------------------------------------------------------------------------------------


@pytest.fixture
def workbook(tmp_path):
    """Return a function that writes rows into a workbook, whose sheets may be changed after."""
    pytest.importorskip("python_calamine")
    openpyxl = pytest.importorskip("openpyxl")

    def write_workbook(rows, change=lambda book: None):
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append(row)
        change(book)
        book.save(tmp_path / "book.xlsx")
        return tmp_path / "book.xlsx"

    return write_workbook


BODY = [["v", "y"], *([row % 7, LABELS[row]] for row in range(ROWS))]


def test_sheets_that_are_empty_or_hidden_are_passed_over(workbook):
    def more(book):
        book.create_sheet("Empty", 0)
        book.create_sheet("Hidden", 1).append(["q"])
        book["Hidden"].sheet_state = "hidden"

    path = workbook(BODY, more)
    notes, lines, _ = told(path)
    assert notes == ["the sheet 'Sheet', not Empty, Hidden; --sheet chooses"]
    assert lines["v"] == "number, 0 to 6"
    assert TableFile(path, sheet="Hidden").names == ["q"]
    with pytest.raises(TableError, match="no sheet 'Other'; there are Empty, Hidden, Sheet"):
        TableFile(path, sheet="Other")


def test_a_title_above_the_names_is_passed_over_and_said(workbook):
    path = workbook([["Sales"], [], *BODY], lambda book: book.active.merge_cells("A1:B1"))
    notes, lines, _ = told(path)
    assert notes == ["above the names: 'Sales'"]
    assert lines["v"] == "number, 0 to 6"


def test_dates_errors_and_serial_numbers_of_excel(workbook):
    def shown_as_date(book):
        for cell in book.active["B"][1:]:
            cell.number_format = "yyyy-mm-dd"

    rows = [["day", "serial", "clock", "v", "y"]]
    for row, label in enumerate(LABELS):
        day, clock = datetime.date(2024, 1, 1 + row % 28), datetime.time(row % 24, 30)
        rows.append([day, 45292 + row % 28, clock, "#DIV/0!" if row % 5 == 0 else row, label])
    lines = told(workbook(rows, shown_as_date))[1]
    assert lines["day"] == "date, 2024-01-01 to 2024-01-28, by time, weekday"
    assert lines["serial"] == "not read, the same as 'day'"
    assert lines["clock"] == "date, 00:30:00 to 23:30:00, by time, hour"
    assert lines["v"].startswith("number, some missing, 1 to 39")


def test_a_sheet_is_for_workbooks(tmp_path):
    (tmp_path / "t.csv").write_text("a\n1\n")
    with pytest.raises(TableError, match="--sheet is for workbooks of Excel; this is CSV"):
        TableFile(tmp_path / "t.csv", sheet="x")


# --- columns of another kind, later ---------------------------------------------------------------


def learnt(*values, **conventions) -> Column:
    found = learn("x", pa.array(list(values) * 10), Conventions(**conventions))
    assert isinstance(found, Column)
    return found


DAY, CLOCK = datetime.date(2024, 1, 2), datetime.time(5, 30)


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        (learnt("1", "2"), pa.array([DAY]), "holds date32.day., but the model read numbers"),
        (
            learnt("1", "2"),
            pa.array(["no"] * 20),
            "no numbers, as 'no', but the model read numbers",
        ),
        (
            learnt("1,5", "2,5"),
            pa.array(["1.5"]),
            "writes '1.5', but the model read numbers with a",
        ),
        (
            learnt("2024-01-02", "2024-02-03"),
            pa.array(["monday", None] * 20),
            "no dates, as 'monday', but the model read dates",
        ),
        (
            learnt("05:30", "06:30"),
            pa.array(["noon"] * 20),
            "no times of a day, as 'noon', but the model read times of a day",
        ),
        (learnt(DAY, DAY.replace(day=3)), pa.array(["1.5"] * 20), "no dates, as '1.5', but the"),
        (
            learnt(datetime.timedelta(hours=1), datetime.timedelta(hours=2)),
            pa.array(["an hour"] * 20),
            "no numbers, as 'an hour', but the model read numbers",
        ),
        (learnt("2024-01-02", "2024-02-03"), pa.array([1.5]), "double, but the model read dates"),
        (
            learnt("2024-01-02", "2024-02-03"),
            pa.array([CLOCK]),
            "time64.us., but the model read da",
        ),
        (
            learnt("05:30", "06:30"),
            pa.array([DAY]),
            "date32.day., but the model read times of a day",
        ),
        (learnt("a", "b"), pa.array([DAY]), "holds date32.day., but the model read names"),
    ],
)
def test_a_column_of_another_kind_is_refused(column, values, message):
    with pytest.raises(TableError, match=message):
        column.encode(values, Counter())


@pytest.mark.parametrize(
    ("column", "values", "expected", "counts"),
    [
        (learnt("1", "3"), pa.array(["no", "2"]), [0, 0], {"x: no number, taken as missing": 1}),
        (
            learnt("2024-01-02", "2024-01-04"),
            pa.array(["monday"] * 19 + ["2024-01-03"]),
            [0] * 20,
            {"x: no date, taken as missing": 19},
        ),
        (
            learnt("05:30", "06:30"),
            pa.array(["noon"]),
            [0],
            {"x: no time of a day, taken as missing": 1},
        ),
        (
            learnt("2024-01-02", "2024-01-04"),
            pa.nulls(20),
            [0] * 20,
            {},
        ),
        (learnt("1,5", "3,5"), pa.array([2.5]).dictionary_encode(), [0], {}),
        (
            learnt("1", "3"),
            pa.array([float("inf"), 2]),
            [0, 0],
            {"x: infinite, taken as missing": 1},
        ),
        (learnt(DAY, DAY.replace(day=4)), pa.array(["2024-01-03"]), [0], {}),
        (learnt(CLOCK, CLOCK.replace(hour=7)), pa.array(["06:30"]), [0], {}),
        (learnt("a", "b"), pa.array(["b"], pa.string_view()), [2], {}),
    ],
)
def test_values_of_another_type_are_read_or_counted(column, values, expected, counts):
    treated: Counter[str] = Counter()
    assert column.encode(values, treated)[:, 0].tolist() == pytest.approx(expected)
    missing = {name: n for name, n in treated.items() if "missing, taken as" not in name}
    assert missing == counts


def test_a_target_that_is_written_in_another_way_is_refused():
    target = learn_target("y", pa.array([f"{row},5" for row in range(40)]), "auto")
    with pytest.raises(TableError, match=r"target 'y' writes '2\.5', but the model read numbers"):
        target.encode(pa.array(["1,5", "2.5"]))
