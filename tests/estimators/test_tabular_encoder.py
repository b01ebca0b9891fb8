"""Frames become numbers in scikit-learn's terms, as the commands for tables read them."""

from __future__ import annotations

import datetime
import pickle
from collections import Counter

import numpy as np
import pytest

pytest.importorskip("sklearn")
pytest.importorskip("pyarrow")
pytest.importorskip("pandas")
pytest.importorskip("polars")

import pandas as pd
import polars as pl
import pyarrow as pa
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from adjoint.errors import TableError
from adjoint.estimators import TabularEncoder
from adjoint.tables.settings import TableSettings
from adjoint.tables.trial import prepare

ROWS = 40
COLUMNS = {
    "price": [f"${1000 + 37 * row:,}" for row in range(ROWS)],
    "n": [float(row % 7) if row % 5 else None for row in range(ROWS)],
    "town": ["Oslo", "Rome", None, "Kyiv"] * 10,
    "day": [datetime.datetime(2024, 1, 1) + datetime.timedelta(row) for row in range(ROWS)],
    "flag": [bool(row % 2) for row in range(ROWS)],
    "id": list(range(ROWS)),
}
PANDAS = pd.DataFrame(COLUMNS)
NAMES = [
    "price",
    "price_value",
    "n",
    "n_value",
    "n_missing",
    "town",
    "day_time",
    "day_month",
    "day_weekday",
    "flag",
]
FRAMES = {
    "pandas": PANDAS,
    "pandas, nullable": PANDAS.convert_dtypes(),
    "pandas, Arrow": PANDAS.convert_dtypes(dtype_backend="pyarrow"),
    "pandas, objects": PANDAS.astype(object),
    "pandas, categories": PANDAS.assign(town=PANDAS["town"].astype("category")),
    "polars": pl.DataFrame(COLUMNS),
    "polars, categories": pl.DataFrame(COLUMNS).with_columns(pl.col("town").cast(pl.Categorical)),
    "Arrow": pa.table(COLUMNS),
    "Arrow, a batch": pa.record_batch(PANDAS),
}


@parametrize_with_checks([TabularEncoder(), TabularEncoder(categories="one-hot")])
@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_contract(estimator, check):
    check(estimator)


@pytest.mark.parametrize("kind", FRAMES)
def test_every_kind_of_frame_gives_the_same_numbers(kind):
    encoder = TabularEncoder().fit(FRAMES[kind])
    assert encoder.get_feature_names_out().tolist() == NAMES
    assert encoder.feature_names_in_.tolist() == list(COLUMNS)
    assert encoder.n_features_in_ == len(COLUMNS)
    expected = TabularEncoder().fit_transform(PANDAS)
    assert expected.dtype == np.float32
    np.testing.assert_array_equal(encoder.transform(FRAMES[kind]), expected)
    np.testing.assert_array_equal(encoder.transform(PANDAS), expected)


def test_it_is_what_the_command_learns():
    # In some of the rows the index would not count by one.
    columns = PANDAS.drop(columns="id")
    table = pa.Table.from_pandas(columns.assign(y=["a", "b"] * 20))
    settings = TableSettings(test=0, validation=0.25)
    command, _, parts = prepare(table, "y", settings)
    rows = parts.train[0]
    everything = command.encode(table, Counter())
    places = [int(np.flatnonzero((everything == row).all(axis=1))[0]) for row in rows]
    frame = columns.iloc[places]
    encoder = TabularEncoder().fit(frame)
    for learnt, known in zip(encoder.encoder_.columns, command.columns, strict=True):
        assert (learnt.name, learnt.quantiles, learnt.levels, learnt.numbers) == (
            known.name, known.quantiles, known.levels, known.numbers,
        )  # fmt: skip
    np.testing.assert_array_equal(encoder.transform(frame), rows)


def test_arrays_have_columns_by_their_place():
    encoder = TabularEncoder().fit(PANDAS.to_numpy())
    expected = [f"x{list(COLUMNS).index(name.split('_')[0])}" for name in NAMES]
    found = encoder.get_feature_names_out().tolist()
    # Columns of an array have no names, by which one would be known to count the rows.
    assert [name.split("_")[0] for name in found] == [*expected, "x5", "x5"]
    assert encoder.get_feature_names_out(list("abcdef")).tolist()[:3] == ["a", "a_value", "b"]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.array(["1,5", "2,25"] * 5), "number"),
        (np.array(["1,5", "2,25"] * 5, np.dtypes.StringDType()), "number"),
        (np.arange("2024-01-01T00", "2024-01-03T00", dtype="M8[h]"), "date"),
        (np.arange(5, dtype="m8[W]"), "number"),
        (np.arange(5, dtype=np.longdouble), "number"),
        (np.arange(5, dtype=np.float16), "number"),
        (np.array([1, 2.5, None, True, "x"] * 4, object), "category"),
        (np.array([2**70, 2, 3] * 4, object), "category"),
    ],
)
def test_arrays_of_any_type_are_read(values, kind):
    encoder = TabularEncoder().fit(values[:, np.newaxis])
    assert encoder.columns_["x0"].startswith(kind)


def test_sparse_columns_of_pandas_are_read():
    frame = pd.DataFrame({"a": pd.arrays.SparseArray([0, 1, 0, 2])})
    assert TabularEncoder().fit(frame).columns_ == {"a": "number, 0 to 2"}


def _bins():
    return pd.cut([np.nan, 0.5, 1.5, 2.5] * 10, [0, 1, 2, 3])


def _months():
    months = pd.period_range("2023-11", periods=ROWS - 1, freq="M").tolist()
    return pd.Series([*months, None], dtype="period[M]")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (_bins(), "category, some missing, 3 values: (0, 1], (1, 2], (2, 3]"),
        (
            pd.Series(_bins()).astype("interval"),
            "category, some missing, 3 values: (0.0, 1.0], (1.0, 2.0], (2.0, 3.0]",
        ),
        (_months(), "date, some missing, 2023-11-01 to 2027-01-01, by time, year, month, weekday"),
        (
            _months().astype("category"),
            "date, some missing, 2023-11-01 to 2027-01-01, by time, year, month, weekday",
        ),
    ],
    ids=["bins", "intervals", "months", "categories of months"],
)
def test_types_that_only_pandas_has_keep_their_meaning(values, told):
    frame = pd.DataFrame({"n": np.arange(ROWS) % 7, "x": values})
    encoder = TabularEncoder().fit(frame)
    assert encoder.columns_["x"] == told
    assert encoder.treated(frame) == {}


def test_a_dictionary_of_what_is_no_text_is_left_out():
    lists = pa.DictionaryArray.from_arrays([0, 1] * 20, pa.array([[1], [2]]))
    encoder = TabularEncoder().fit(pa.table({"n": np.arange(ROWS) % 7, "x": lists}))
    assert encoder.ignored_["x"].startswith("holds list<")


def test_a_type_that_arrow_lacks_is_refused_in_words():
    class Wide(pl.DataFrame):
        def to_arrow(self):
            raise pa.ArrowInvalid("format '_pli128'")

    with pytest.raises(TableError, match="Wide holds what Arrow has no type for"):
        TabularEncoder().fit(Wide({"n": [1, 2, 3]}))


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("categories", ["codes", "one-hot"])
def test_frames_come_out_where_they_are_asked_for(library, categories):
    encoder = TabularEncoder(categories=categories).set_output(transform=library)
    frame = encoder.fit_transform(FRAMES[library])
    assert type(frame).__module__.startswith(library)
    assert list(frame.columns) == encoder.get_feature_names_out().tolist()


def test_one_hot_has_a_column_for_each_category_and_for_the_rare_and_the_missing():
    frame = pd.DataFrame({"town": ["Oslo", "Rome", None, "Bergen"] * 3})
    encoder = TabularEncoder(categories="one-hot").set_output(transform="pandas").fit(frame)
    found = encoder.transform(pd.DataFrame({"town": ["Rome", "Kyiv", None]}))
    names = ["town_rare", "town_Bergen", "town_Oslo", "town_Rome", "town_missing"]
    assert list(found.columns) == names
    np.testing.assert_array_equal(found, np.eye(5)[[3, 0, 4]])


def test_names_that_meet_are_told_apart():
    frame = pd.DataFrame({"a": [1, 2, None], "a_missing": [3.0, 1, 2], "a_missing_2": [5, 3, 9.0]})
    names = TabularEncoder().fit(frame).get_feature_names_out().tolist()
    assert names == [
        "a", "a_value", "a_missing", "a_missing_3", "a_missing_value", "a_missing_2",
        "a_missing_2_value",
    ]  # fmt: skip


def test_what_is_treated_specially_is_counted():
    encoder = TabularEncoder().fit(PANDAS)
    assert encoder.treated(PANDAS) == {}
    other = PANDAS.assign(price="$9,999", town="Bergen", flag=None)
    assert encoder.treated(other) == {
        "flag: missing, taken as a category that was rare": ROWS,
        "price: outside of 1000 to 2443, taken as the nearest": ROWS,
        "town: a category that was rare or not there": ROWS,
    }


def test_what_columns_are_is_told_and_why_one_is_left_out():
    encoder = TabularEncoder().fit(PANDAS)
    assert encoder.columns_["town"] == "category, some missing, 3 values: Kyiv, Oslo, Rome"
    assert "(decimal and thousands choose)" in encoder.columns_["price"]
    assert encoder.ignored_ == {"id": "counts the rows, from 0 to 39"}


def test_parameters_say_how_texts_are_written():
    frame = pd.DataFrame({"x": ["1,234", "2,500"] * 5, "d": ["03/04/2024", "05/06/2024"] * 5})
    as_english = TabularEncoder(thousands=",", dates="dmy").fit(frame).columns_
    assert as_english["x"].startswith("number, 1234 to 2500")
    assert as_english["d"].startswith("date, 2024-04-03 to 2024-06-05")
    assert TabularEncoder(decimal=",").fit(frame).columns_["x"].startswith("number, 1.234 to 2.5")
    words = pd.DataFrame({"x": ["gone", "here", "there"] * 5})
    assert "2 values" in TabularEncoder(missing=["gone"]).fit(words).columns_["x"]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"categories": "hot"}, "categories"),
        ({"decimal": ";"}, "decimal: expected"),
        ({"thousands": ";"}, "thousands: expected"),
        ({"decimal": ",", "thousands": ","}, "is the mark before decimals"),
        ({"dates": "ydm"}, "dates: expected"),
        ({"missing": "NA"}, "missing: expected a list of texts, got 'NA'"),
        ({"missing": None}, "missing: expected a list of texts, got None"),
    ],
)
def test_a_wrong_parameter_is_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        TabularEncoder(**parameters).fit(PANDAS)


@pytest.mark.parametrize(
    ("X", "kind", "message"),
    [
        (pl.DataFrame(COLUMNS).lazy(), TypeError, r"give X\.collect\(\)"),
        (pd.DataFrame([[1, 2], [2, 3]], columns=["a", "a"]), TableError, "two columns are .*'a'"),
        (pd.DataFrame({"a": [1j, 2]}), TableError, "column 'a' holds complex128"),
        (pd.DataFrame({"a": ["x", {}]}), TypeError, "column 'a' holds a dict"),
        (np.ones((30, 2)), TableError, "x0: always 1; x1: always 1"),
        (np.ma.masked_array(np.eye(4), np.eye(4) > 0), TypeError, "masked array"),
        (PANDAS[:1], ValueError, r"1 sample\(s\)"),
        (pd.DataFrame(index=range(3)), ValueError, r"0 feature\(s\)"),
    ],
)
def test_what_cannot_be_learnt_from_is_refused(X, kind, message):
    with pytest.raises(kind, match=message):
        TabularEncoder().fit(X)


def test_a_column_of_another_kind_is_refused():
    encoder = TabularEncoder().fit(PANDAS)
    with pytest.raises(TableError, match="column 'day' holds double, but the model read dates"):
        encoder.transform(PANDAS.assign(day=1.5))
    with pytest.raises(ValueError, match="0 sample"):
        encoder.transform(PANDAS[:0])


def test_columns_may_be_called_as_methods_are():
    frame = pd.DataFrame({name: [1, 2, 3, row] for row, name in enumerate(
        ["collect", "column_names", "columns", "iloc", "shape", "to_arrow"]
    )})  # fmt: skip
    assert TabularEncoder().fit(frame).n_features_in_ == 6


def test_it_works_in_pipelines_searches_and_copies():
    y = np.arange(ROWS) > 20
    chosen = make_column_transformer((TabularEncoder(categories="one-hot"), ["price", "town"]))
    search = GridSearchCV(
        make_pipeline(TabularEncoder(), LogisticRegression()),
        {"tabularencoder__categories": ["codes", "one-hot"]},
        cv=2,
    )
    for model in (make_pipeline(chosen, LogisticRegression()), search):
        model.fit(PANDAS, y)
        assert model.score(PANDAS, y) > 0.9
        again = pickle.loads(pickle.dumps(model))
        np.testing.assert_array_equal(again.predict(PANDAS), model.predict(PANDAS))
    encoder = TabularEncoder(missing=["x"]).fit(PANDAS)
    assert clone(encoder).get_params() == encoder.get_params()


def test_a_fit_that_finds_nothing_to_learn_leaves_the_encoder_of_before():
    encoder = TabularEncoder().fit(PANDAS)
    before = encoder.transform(PANDAS)
    with pytest.raises(TableError, match="no column"):
        encoder.fit(pd.DataFrame({"always": [1.0] * ROWS}))
    np.testing.assert_array_equal(encoder.transform(PANDAS), before)
    assert encoder.get_feature_names_out().tolist() == NAMES


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_durations_are_seconds_only_where_durations_were_learnt(unit):
    numbers = pa.array(range(0, 60_000_000 * ROWS, 60_000_000))
    durations = pa.table({"wait": numbers.cast(pa.duration(unit))})
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    seconds = pa.table({"wait": numbers.to_numpy() / per_second})
    hours = TabularEncoder().fit(pa.table({"wait": [float(row) for row in range(ROWS)]}))
    with pytest.raises(TableError, match=rf"'wait' holds duration\[{unit}\], but .* read numbers"):
        hours.transform(durations)
    of_durations = TabularEncoder().fit(durations)
    np.testing.assert_array_equal(
        of_durations.transform(durations), of_durations.transform(seconds)
    )


def test_durations_that_are_all_missing_are_of_no_other_kind():
    encoder = TabularEncoder().fit(pd.DataFrame({"wait": [1.0, None, 2.0, 3.0] * 10}))
    gaps = pd.DataFrame({"wait": pd.Series([pd.NaT] * 4, dtype="timedelta64[ns]")})
    np.testing.assert_array_equal(encoder.transform(gaps), [[0, 0, 1]] * 4)
