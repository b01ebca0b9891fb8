"""Tables as people write them are read, each oddity with what is said about it."""

from __future__ import annotations

import datetime
import gzip
import json
from collections import Counter

import pytest

pytest.importorskip("pyarrow")

import pyarrow as pa
from pyarrow import parquet

from adjoint.errors import TableError
from adjoint.tables.conventions import Conventions
from adjoint.tables.date_format import read_dates
from adjoint.tables.learning import learn
from adjoint.tables.number_format import tidied
from adjoint.tables.number_reading import read_numbers
from adjoint.tables.reading.dialect import dialect_of
from adjoint.tables.reading.encoding import encoding_of
from adjoint.tables.reading.table_file import TableFile

# --- numbers --------------------------------------------------------------------------------------

NUMBERS = [
    (["1", "2.5", "-3e4", ".5", "1."], [1, 2.5, -3e4, 0.5, 1]),
    (["1,234.5", "2,500"], [1234.5, 2500]),
    (["1.234,5", "7"], [1234.5, 7]),
    (["102,5", "3,25"], [102.5, 3.25]),
    (["0,5", "0,123"], [0.5, 0.123]),
    (["12.3%", "4 %"], [12.3, 4]),
    (["$3,210.55", "$1", "-$2", "$-3"], [3210.55, 1, -2, -3]),
    (["($5.00)", "$6.00", "( $7 )"], [-5, 6, -7]),
    (["1.234,00 €", "-5 €"], [1234, -5]),
    (["CHF 1'000.50", "CHF 5"], [1000.5, 5]),
    (["5 kg", "6kg"], [5, 6]),
    (["5 km/h", "120 km/h"], [5, 120]),
    (["3°C", "-4°C"], [3, -4]),
    (["10 m²", "20 m²"], [10, 20]),
    (["1\u202f234,5", "12"], [1234.5, 12]),
    (["1’234.50", "2’000"], [1234.5, 2000]),
    (["12,34,567", "1,00,000"], [1234567, 100000]),
    (["１２．５", "\u22125"], [12.5, -5]),
    (["100-", "50"], [-100, 50]),
    (["1e5 s", "2E-3 s"], [1e5, 2e-3]),
    (["5 tonne-", "3 tonne", "-2 tonne"], [-5, 3, -2]),
    (["1e5 e", "-2.5e-3e", "(5E2e)", "7 e-"], [1e5, -2.5e-3, -500, -7]),
    (["5 EURE-", "3 EURE"], [-5, 3]),
]


@pytest.mark.parametrize(("texts", "numbers"), NUMBERS, ids=lambda value: str(value)[:20])
def test_numbers_are_read_as_people_write_them(texts, numbers):
    texts = tidied(pa.array(texts))
    (format,) = read_numbers(texts).formats
    assert format.parse(texts).to_pylist() == numbers
    assert format.contradiction(texts) is None


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (["5 kg", "6 m"] * 5, "different units"),
        (["5 %", "0.05"] * 5, "different units"),
        (["1,5", "1.5"] * 5, "write numbers in"),
        (["1,5"] * 99 + ["1.5"], "'1,5' and '1.5' write numbers in two ways"),
        (["01234", "11111"], "'01234' begins with a zero"),
        (["1234567890123456", "1"], "16 digits or more"),
        (["1.2.3", "2.3.4"], "no numbers"),
        (["inf", "1"], "no numbers"),
        (["user1", "user2"], "no numbers"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_texts_that_are_no_numbers_say_why(texts, reason):
    found = read_numbers(pa.array(texts))
    assert not found.formats
    assert reason in found.reason


@pytest.mark.parametrize(
    ("conventions", "value", "why"),
    [
        (Conventions(), 1234.0, "--decimal and --thousands choose"),
        (Conventions(delimiter=";"), 1.234, "parted by ';'"),
        (Conventions(seen_marks=((",", "."),)), 1.234, "as in other columns"),
        (Conventions(decimal=","), 1.234, ""),
        (Conventions(thousands=","), 1234.0, ""),
    ],
    ids=str,
)
def test_a_number_that_can_be_read_in_two_ways_is_decided_and_said(conventions, value, why):
    column = learn("x", pa.array(["1,234", "2,500"] * 3), conventions)
    assert min(column.quantiles) == value
    assert any(why in remark for remark in column.remarks)


def test_a_table_that_contradicts_how_numbers_were_written_is_refused():
    column = learn("x", pa.array(["1,5", "2,25"] * 5), Conventions())
    with pytest.raises(TableError, match=r"column 'x' writes '2\.5', but the model read numbers"):
        column.encode(pa.array(["1,5", "2.5"]), {})


def test_values_outside_of_what_was_seen_are_counted():
    treated = Counter()
    column = learn("x", pa.array([str(i) for i in range(40)]))
    column.encode(pa.array(["-1", "0", "39", "39.5", "", "7"]), treated)
    assert treated == {
        "x: missing, taken as the median": 1,
        "x: outside of 0 to 39, taken as the nearest": 2,
    }


def test_texts_among_numbers_are_missing_and_said():
    column = learn("x", pa.array([str(i) for i in range(40)] + ["unknown"]))
    assert str(column) == (
        "number, some missing, 0 to 39; 1 text that is no number: 'unknown', taken as missing"
    )


# --- dates ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-01-02", "2024-01-02T00:00:00"),
        ("2024/1/2 3:04 pm", "2024-01-02T15:04:00"),
        ("2024-01-02T03:04:05.123456789Z", "2024-01-02T03:04:05.123456"),
        ("2024-01-02T03:04:05+02:00", "2024-01-02T01:04:05"),
        ("31.12.2024", "2024-12-31T00:00:00"),
        ("04/13/2024", "2024-04-13T00:00:00"),
        ("3 March 2024", "2024-03-03T00:00:00"),
        ("Mar 3, 2024", "2024-03-03T00:00:00"),
        ("3-Mar-24", "2024-03-03T00:00:00"),
        ("2024年3月4日", "2024-03-04T00:00:00"),
        ("12:05 am", "1970-01-01T00:05:00"),
        ("29.02.2024", "2024-02-29T00:00:00"),
    ],
)
def test_dates_are_read_as_people_write_them(text, moment):
    texts = pa.array([text] * 3)
    (format,) = read_dates(texts)
    assert str(format.parse(texts).instant[0]).startswith(moment)


@pytest.mark.parametrize(
    "text", ["2023-02-29", "2024-13-01", "31.4.2024", "25:00", "1:60", "12", ""]
)
def test_what_no_calendar_has_is_no_date(text):
    assert read_dates(pa.array([text] * 3)) == ()


def test_a_date_becomes_those_of_its_parts_that_vary():
    days = [f"2024-0{1 + i // 28}-{1 + i % 28:02d}" for i in range(56)]
    column = learn("day", pa.array(days))
    assert column.kind == "date"
    assert column.parts == ["time", "month", "weekday"]
    assert str(column) == "date, 2024-01-01 to 2024-02-28, by time, month, weekday"
    assert column.encode(pa.array(days), {}).shape == (56, 3)


def test_days_that_can_be_read_in_two_ways_follow_other_columns_or_the_user():
    texts = pa.array(["03/04/2024", "05/06/2024"] * 3)
    assert "no day is after the 12th; --dates chooses" in str(learn("x", texts))
    for conventions in (Conventions(dates="dmy"), Conventions(seen_dates=("dmy",))):
        assert learn("x", texts, conventions).dates.order == "dmy"


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_typed_dates_are_read_in_every_unit_and_zone(unit):
    moments = [datetime.datetime(2024, 1, 1 + i, 5, tzinfo=datetime.UTC) for i in range(20)]
    column = learn("t", pa.array(moments, pa.timestamp(unit, "Asia/Shanghai")))
    assert column.parts == ["time", "weekday"]
    # The weekday is that of the clock on the wall: 2024-01-01 05:00 UTC is a Monday there too.
    assert (
        column.encode(pa.array(moments[:1], pa.timestamp(unit, "Asia/Shanghai")), {})[0, 1] == -1.5
    )


# --- texts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("城市,面积\n上海,12\n".encode("gb18030"), "gb18030"),
        ("城市,面积\n".encode("utf-16"), "utf-16"),
        ("城市".encode()[:-1], "utf-8"),
        ("\ufeff城市".encode(), "utf-8"),
        ("Größe;Straße;éèà\nMüller\n".encode("cp1252"), "cp1252"),
        (b"a,b\n", "utf-8"),
    ],
)
def test_an_encoding_is_told_by_the_first_bytes(text, encoding):
    assert encoding_of(text) == encoding


@pytest.mark.parametrize(
    ("text", "delimiter", "names"),
    [
        ("\n\na;b\n1,5;2\n", ";", ["a", "b"]),
        ("sep=;\r\na;b\r\n1,5;2,0\r\n", ";", ["a", "b"]),
        ("# a comment, here\na,b\n1,2\n", ",", ["a", "b"]),
        ("# a,b\n1,2\n", ",", ["a", "b"]),
        ('"a\nb",c\n1,2\n', ",", ["a b", "c"]),
        ("a\rb\r1\r", ",", ["a"]),
        ("a,a,\n1,2,3", ",", ["a", "a (2)", "column 3"]),
        ("name;v\nx,y;1\nz,u;2\n", ";", ["name", "v"]),
        ("a\tb\n1\t2", "\t", ["a", "b"]),
    ],
)
def test_a_dialect_is_told_by_the_first_lines(text, delimiter, names):
    found = dialect_of(text)
    assert (found.delimiter, found.names) == (delimiter, names)


@pytest.mark.parametrize(
    ("name", "data", "columns"),
    [
        ("blank.csv", b"\n\na,b\n1,2\n\n3,4\n", {"a": ["1", "3"], "b": ["2", "4"]}),
        ("mac.csv", b"a,b\r1,2\r3,4\r", {"a": ["1", "3"], "b": ["2", "4"]}),
        ("comment.csv", b"# x\na,b\n1,2\n# y\n3,4\n", {"a": ["1", "3"], "b": ["2", "4"]}),
        ("packed.csv.gz", gzip.compress(b"a,b\n1,2\n"), {"a": ["1"], "b": ["2"]}),
        ("gb.csv", "城市,b\n上海,2\n".encode("gb18030"), {"城市": ["上海"], "b": ["2"]}),
        ("wide.csv", "城市,b\n上海,2\n".encode("utf-16"), {"城市": ["上海"], "b": ["2"]}),
        ("tabs.tsv", b"a\tb\n1\t2\n", {"a": ["1"], "b": ["2"]}),
        ("l.jsonl", b'{"a":1,"b":"x"}\n\n{"a":null}\n', {"a": ["1", None], "b": ["x", None]}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_texts_are_read_whatever_writes_them(tmp_path, name, data, columns):
    (tmp_path / name).write_bytes(data)
    assert TableFile(tmp_path / name).read().to_pydict() == columns


def test_a_character_may_lie_across_the_first_mebibyte(tmp_path):
    for shift in range(3):
        text = "a\n" + "x\n" * (2**19 - 2) + "x" * shift + "上\n"
        (tmp_path / "long.csv").write_text(text, encoding="utf-8")
        assert TableFile(tmp_path / "long.csv").read()["a"][-1].as_py().endswith("上")


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("ragged.csv", b'a,b\n1,"x\ny"\n3\n', "line 4 has 1 field, but there are 2 columns: a, b"),
        ("head.csv", b"a,b\n\n\n", "no rows below the names"),
        ("open.csv", b'a,b\n1,2\n3,"4\n5,6\n', "a quote is opened in line 3, and not closed"),
        ("lines.jsonl", b'{"a":1}\n[1]\n', "line 2 is no object of JSON"),
        ("deep.jsonl", b'{"a":' + b"[" * 100_000 + b"\n", "line 1 is no JSON"),
        ("nested.jsonl", b'{"a":[1]}\n', "'a' is no text or number"),
        ("old.csv", b"\xd0\xcf\x11\xe0", "begins like old Excel"),
        ("what.dat", b"a", "unknown kind of file; expected .csv"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_says_where_and_why(tmp_path, name, data, message):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(TableError, match=message.replace("(", r"\(").replace(".", r"\.")):
        TableFile(tmp_path / name).read()


def test_what_unpacks_to_far_more_than_a_table_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("adjoint.tables.reading.compressed._ALWAYS", 1 << 16)
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(b"a,b\n" + b"0,0\n" * 1_000_000))
    with pytest.raises(TableError, match="unpacks to more than"):
        TableFile(tmp_path / "bomb.csv.gz").read()


def test_a_folder_and_a_pattern_of_parquet_are_one_table(tmp_path):
    for year in (2023, 2024):
        (tmp_path / f"parts/year={year}").mkdir(parents=True)
        table = pa.table({"a": [year, year + 1]})
        parquet.write_table(table, tmp_path / f"parts/year={year}/x.parquet")
    expected = {"a": [2023, 2024, 2024, 2025], "year": [2023, 2023, 2024, 2024]}
    assert TableFile(tmp_path / "parts").read().to_pydict() == expected
    found = TableFile(tmp_path / "parts/*/*.parquet").read().to_pydict()
    assert found["a"] == expected["a"]


def test_a_workbook_is_read_with_its_dates(tmp_path):
    pytest.importorskip("python_calamine")
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in ([], ["day", "n", "name"], [datetime.date(2024, 1, 2), 1, "a"], [None, 2.5, True]):
        book.active.append(row)
    book.create_sheet("more")
    book.save(tmp_path / "book.xlsx")
    source = TableFile(tmp_path / "book.xlsx")
    assert source.notes == ["the sheet 'Sheet', not more; --sheet chooses"]
    days, numbers, names = source.read().to_pydict().values()
    assert (days[0][:10], days[1]) == ("2024-01-02", None)
    assert (numbers, names) == (["1", "2.5"], ["a", "True"])


def test_classes_are_the_same_in_all_kinds_of_files():
    from adjoint.tables.target import learn_target

    target = learn_target("y", pa.array(["0", "1"] * 10), "auto")
    for values in ([0, 1], [0.0, 1.0], [-0.0, 1.0], ["0.0", "1.0"], ["-0", "1"]):
        assert target.encode(pa.array(values))[0].tolist() == [0, 1]
    flags = learn_target("y", pa.array([True, False] * 10), "auto")
    for values in ([True, False], ["True", "False"], ["TRUE", "false"]):
        assert flags.encode(pa.array(values))[0].tolist() == [1, 0]


def test_words_for_nothing_are_classes_among_texts_and_missing_among_numbers():
    from adjoint.tables.target import learn_target

    texts = learn_target("y", pa.array(["none", "NA", "-", "?", "flu", ""] * 5), "auto")
    assert sorted(texts.labels) == ["-", "?", "NA", "flu", "none"]
    assert texts.encode(pa.array(["none", "", None]))[1].tolist() == [True, False, False]
    chosen = learn_target(
        "y", pa.array(["none", "a", "b"] * 5), "auto", Conventions(missing=("none",))
    )
    assert chosen.labels == ["a", "b"]
    numbers = learn_target("y", pa.array([f"{i / 7}" for i in range(99)] + ["NA"]), "auto")
    assert numbers.task == "regression"
    assert json.dumps(numbers.to_state())
