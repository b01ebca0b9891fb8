"""A table of one's own is read as numbers and classes, or refused in a sentence."""

import json

import numpy as np
import pytest

from adjoint.playground import requests
from adjoint.playground.frame import unpack
from adjoint.playground.own_table import as_csv, read_text
from adjoint.playground.session import Brought, Session
from adjoint.playground.settings import read
from adjoint.playground.values import SettingsError

ROWS = "".join(f"{n},{n * n},{'ab'[n % 2]}\n" for n in range(6))


def test_names_columns_and_classes_are_found():
    rows, notes = read_text("u,v,kind\n" + ROWS, None)
    assert (rows.names, rows.labels, notes) == (["u", "v", "kind"], ["a", "b"], [])
    np.testing.assert_array_equal(rows.X, [[n, n * n] for n in range(6)])
    np.testing.assert_array_equal(rows.y, [0, 1, 0, 1, 0, 1])


@pytest.mark.parametrize("mark", [";", "\t"])
def test_other_marks_between_cells(mark):
    rows, _ = read_text(("u,v,kind\n" + ROWS).replace(",", mark), "u")
    assert rows.labels == []
    np.testing.assert_array_equal(rows.y, np.arange(6.0))


def test_columns_of_words_are_left_out_and_rows_with_gaps():
    text = "u,word,y\n1,a,0.5\n2,b,\n,c,0.25\n3,d,0.75\n4,e,1.5\n5,f,2.5\n6,g,3.5\n"
    rows, notes = read_text(text, "y")
    assert rows.names == ["u", "y"]
    assert len(rows.X) == 5
    assert notes == ["word: not numbers, left out", "2 rows with missing cells, left out"]


GERMAN = "size;kind;yield\n" + "".join(
    f"{n},{n % 4};{('red', 'blue', '')[n % 3]};{n},5\n" for n in range(12)
)


def test_decimal_commas_are_read_in_inputs_and_in_the_target():
    rows, _ = read_text(GERMAN, "yield")
    np.testing.assert_array_equal(rows.y, [n + 0.5 for n in range(12) if n % 3 < 2])
    np.testing.assert_allclose(rows.X[:, 0], [n + n % 4 / 10 for n in range(12) if n % 3 < 2])


def test_decimal_commas_do_not_take_the_first_row_for_names():
    rows, _ = read_text("1,5;2,0\n2,5;3,5\n3,5;1\n", None)
    assert rows.names == ["column 1", "column 2"]
    np.testing.assert_array_equal(rows.y, [2, 3.5, 1])


@pytest.mark.parametrize("cells", ["1,234;5,678;9,012", "1,5;2.5;3,5", "1,5;x,5;2,5"])
def test_commas_that_may_mean_something_else_are_not_read_as_decimals(cells):
    text = "u;y\n" + "".join(f"{n};{cell}\n" for n, cell in enumerate(2 * cells.split(";")))
    rows, _ = read_text(text, "y")
    assert set(rows.labels) == set(cells.split(";"))


def test_few_words_are_columns_of_0_and_1():
    rows, notes = read_text(GERMAN, "yield")
    assert rows.names == ["size", "blue (kind)", "red (kind)", "yield"]
    np.testing.assert_array_equal(rows.X[:, 1:].sum(axis=1), np.ones(8))
    np.testing.assert_array_equal(rows.X[:, 2], [1, 0] * 4)
    assert notes == [
        "kind: its 2 words are columns of 0 and 1",
        "4 rows with missing cells, left out",
    ]


def test_words_do_not_make_more_columns_than_there_may_be():
    names = [f"w{n}" for n in range(20)]
    lines = [
        ",".join(["abcd"[(row + n) % 4] for n in range(20)] + [f"{row}.5"]) for row in range(16)
    ]
    with pytest.raises(SettingsError, match="more than 50 columns"):
        read_text("\n".join([",".join([*names, "y"]), *lines]), "y")


def test_a_table_without_names_gets_some():
    rows, _ = read_text("1,2\n3,4.5\n5,6.25\n", None)
    assert rows.names == ["column 1", "column 2"]
    assert len(rows.X) == 3


def test_whole_numbers_of_few_kinds_are_classes_in_their_order():
    rows, _ = read_text("u,y\n" + "".join(f"{n},{[10, 9, 2][n % 3]}\n" for n in range(6)), None)
    assert rows.labels == ["2", "9", "10"]


def test_a_whole_number_is_one_class_however_it_is_written():
    cells = ["1", "1.0", "-0", "0", "0e0", "+1"]
    rows, _ = read_text("u,y\n" + "".join(f"{n},{cell}\n" for n, cell in enumerate(cells)), None)
    assert rows.labels == ["0", "1"]
    np.testing.assert_array_equal(rows.y, [1, 1, 0, 0, 0, 1])


@pytest.mark.parametrize("target", ["long " * 20, " y "])
def test_a_target_is_found_by_its_whole_name(target):
    text = f"u,{target},v\n" + "".join(f"{n},{n}.5,{-n}\n" for n in range(6))
    for name in (target, target.strip()):
        rows, _ = read_text(text, name)
        np.testing.assert_array_equal(rows.y, np.arange(6) + 0.5)
        assert rows.names[-1] == target.strip()[:40]


def test_what_is_written_is_read_to_the_last_bit():
    X = np.random.default_rng(0).normal(size=(9, 2)) / 3
    text = "a,b\n" + "".join(f"{a!r},{b!r}\n" for a, b in X.tolist())
    rows, _ = read_text(text, None)
    lines = [line.split(",") for line in as_csv(rows).splitlines()]
    np.testing.assert_array_equal(np.array(lines, float), X)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("", None),
        ("a,b\n", None),
        ("a\n1\n2\n", None),
        ("a,b\n1,2\n3\n", None),
        ("a,b\n1,2\n3,4\n", "c"),
        ("a,b\nx,1\ny,2\n", None),
        ("a,b\n1,x\n2,x\n", None),
        ("a,b\n" + "".join(f"{n},w{n}\n" for n in range(9)), None),
        ("a,b\n1e300,1\n2,0\n", None),
        ("a,b\n,\n,\n", None),
        ('a,b\n"1,2\n3,4\n', None),
        ("a,b\n" + "1,2\n" * 6000, None),
        ("x" * 1_000_001, None),
        (",".join(f"c{n}" for n in range(60)) + "\n" + ",".join("1" * 60) + "\n", None),
        ("a,b\n1_000,1\n2_000,2.5\n", "b"),
        ("\0\0\n\0,\0\n1,2", None),
        ('a,b\n"' + "x" * 200_000 + '",1\n', None),
    ],
)
def test_what_is_no_such_table_is_refused(text, target):
    with pytest.raises(SettingsError) as raised:
        read_text(text, target)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 400


def test_infinity_and_nan_are_gaps_or_words_and_never_numbers():
    with pytest.raises(SettingsError, match="one column of numbers"):
        read_text("a,b\ninf,1\n2,0\n", None)
    rows, _ = read_text("a,b\nnan,1\n2,0\n3,1\n", None)
    assert len(rows.X) == 2


def test_hostile_names_come_back_as_text_and_cut():
    name = "<img src=x onerror=alert(1)>" + "y" * 100
    session = Session()
    message = {"do": "bring", "text": f"{name},b\n1,2.5\n3,4.5\n5,6.5\n7,8.5\n1,9.5\n2,3.25\n"}
    header, _ = unpack(requests.answer(session, json.dumps(message))[8:])
    assert header["names"][0] == name[:40]
    assert header["settings"]["data"] == "own"


def test_a_table_that_does_not_fit_leaves_the_present_one():
    table = "".join(f"{n},{-n},{n % 2}\n" for n in range(31))
    session = Session(Brought(read({"norm": "batch", "test": 0, "batch_size": 10})))
    session.bring("a,b,c\n" + table[: table.index("30,")], None)
    before, steps = session.rows, session.steps
    with pytest.raises(SettingsError, match="two rows in every batch"):
        session.bring("a,b,c\n" + table, None)
    assert session.rows is before
    assert session.steps is steps
