"""Rows that are read block by block come in one order, wherever one begins, by one thread."""

import threading
from contextlib import closing

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from adjoint.data.prefetch import prefetched
from adjoint.data.row_groups import parquet_batches
from adjoint.data.window import ByWindow
from adjoint.errors import TableError

UNEVEN = [1, 0, 7, 1, 30, 2, 11]


def by_window(sizes=UNEVEN, **changed):
    ends = np.cumsum([0, *sizes])

    def read(i):
        rows = np.arange(ends[i], ends[i + 1])
        return rows, -rows

    return ByWindow(sizes, read, **{"batch_size": 8, "window": 12, "seed": 0} | changed)


def threads():
    return [one.name for one in threading.enumerate() if one.name.startswith("adjoint-prefetch")]


@pytest.mark.parametrize("batch_size", [1, 5, 8, 52, 100])
@pytest.mark.parametrize("window", [1, 12, 1000])
def test_every_row_comes_once_in_an_epoch_beside_its_target(batch_size, window):
    pairs = list(by_window(batch_size=batch_size, window=window)(3))
    X, y = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    assert sorted(X.tolist()) == list(range(52))
    np.testing.assert_array_equal(X, -y)
    assert {len(batch) for batch, _ in pairs[:-1]} <= {batch_size}
    assert len(pairs) == by_window(batch_size=batch_size).steps


@pytest.mark.parametrize("step", range(8))
def test_an_epoch_can_begin_at_any_batch(step):
    every = [X.tolist() for X, _ in by_window()(1)]
    assert [X.tolist() for X, _ in by_window().starting_at(1, step)] == every[step:]


def test_the_order_is_another_one_in_each_epoch_and_for_each_seed():
    orders = {
        tuple(np.concatenate([X for X, _ in by_window(seed=seed)(epoch)]).tolist())
        for seed in (0, 1)
        for epoch in (0, 1)
    }
    assert len(orders) == 4


def test_rows_keep_their_order_where_they_are_not_shuffled():
    found = np.concatenate([X for X, _ in by_window(shuffle=False)(5)])
    assert found.tolist() == list(range(52))


def test_a_block_that_changed_its_size_is_refused():
    batches = by_window()
    batches.sizes[2] = 6
    with pytest.raises(ValueError, match="block 2 has 7 rows now, and had 6: the data changed"):
        list(batches(0))


@pytest.mark.parametrize(
    ("arrays", "error", "message"),
    [
        ((np.zeros((3, 2)), np.zeros(2)), ValueError, r"its arrays differ in their rows: \[3, 2\]"),
        (np.zeros((3, 2)), TypeError, r"expected the arrays of a block, .* got ndarray"),
        ((), TypeError, "expected the arrays of a block"),
        (None, TypeError, "got NoneType"),
    ],
)
def test_a_block_that_is_no_arrays_of_as_many_rows_is_refused(arrays, error, message):
    with pytest.raises(error, match=message):
        list(ByWindow([3], lambda i: arrays, batch_size=2)(0))


@pytest.mark.parametrize("sizes", [[3, -1], [2.5], [[2]], ["3"], [True]])
def test_sizes_that_are_no_counts_are_refused(sizes):
    with pytest.raises(ValueError, match="sizes: expected how many rows each block has"):
        ByWindow(sizes, lambda i: (), batch_size=2)


def test_data_without_rows_are_refused():
    with pytest.raises(ValueError, match="no rows"):
        by_window(sizes=[0, 0])


def test_an_error_of_the_thread_comes_where_its_item_would():
    def items():
        yield 1
        raise OSError("gone")

    found = prefetched(items())
    assert next(found) == 1
    with pytest.raises(OSError, match="gone"):
        next(found)
    assert threads() == []


def test_the_next_item_is_taken_while_one_is_in_use():
    is_taken = threading.Event()

    def items():
        yield 1
        is_taken.set()
        yield 2

    with closing(prefetched(items())) as found:
        next(found)
        assert is_taken.wait(timeout=60)


def test_blocks_that_differ_in_their_columns_leave_no_thread():
    widths = iter([2, 3, 3])
    batches = ByWindow([3, 3, 3], lambda i: (np.ones((3, next(widths))),), batch_size=2, window=1)
    with pytest.raises(ValueError, match="dimension"):
        list(batches(0))
    assert threads() == []


def test_it_is_told_how_many_rows_were_given():
    told = []
    batches = by_window(shuffle=False, tell=lambda *given: told.append(given))
    list(batches(4))
    assert told == [(4, 0, 52), (4, 32, 52), (4, 52, 52)]


def test_the_thread_ends_with_the_generator():
    with closing(by_window()(0)) as batches:
        next(batches)
        assert threads()
    assert threads() == []


# --- files of Parquet ---------------------------------------------------------------------------


def write(path, start, count, **changed):
    rows = np.arange(start, start + count)
    columns = {"a": rows.astype(float), "label": rows % 2} | changed
    parquet.write_table(pyarrow.table(columns), path, row_group_size=3)


def test_a_folder_and_a_pattern_of_files_are_one_table(tmp_path):
    write(tmp_path / "one.parquet", 0, 7)
    write(tmp_path / "two.parquet", 7, 0)
    write(tmp_path / "three.parquet", 7, 4, label=np.arange(7, 11).astype(np.int8) % 2)
    for source in (tmp_path, tmp_path / "*.parquet"):
        pairs = list(parquet_batches(source, X=["a"], y="label", batch_size=4, seed=0)(0))
        X, y = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
        assert sorted(X[:, 0].tolist()) == list(range(11))
        assert (X[:, 0] % 2 == y).all()


def test_a_file_that_changes_or_goes_is_an_error_that_names_it(tmp_path):
    path = tmp_path / "one.parquet"
    write(path, 0, 7)
    batches = parquet_batches(path, X=["a"], y="label", seed=0)
    write(path, 0, 9)
    with pytest.raises(ValueError, match=r"one.parquet: the file was changed"):
        list(batches(0))
    path.unlink()
    with pytest.raises(ValueError, match=r"one.parquet: the file is not there any more"):
        list(batches(1))


def test_columns_that_are_not_there_or_no_numbers_are_refused(tmp_path):
    path = tmp_path / "one.parquet"
    write(path, 0, 4, a=["x", "y", None, "z"])
    with pytest.raises(ValueError, match="no column 'b'; there are a, label"):
        parquet_batches(path, X=["b"], y="label")
    with pytest.raises(ValueError, match="X: expected the name of one column at least"):
        parquet_batches(path, X=[], y="label")
    with pytest.raises(TypeError, match="column 'a' holds string; expected numbers"):
        list(parquet_batches(path, X=["a"], y="label", seed=0)(0))


def test_a_folder_may_hold_other_files(tmp_path):
    write(tmp_path / "one.parquet", 0, 7)
    (tmp_path / "README.txt").write_text("hello")
    (tmp_path / "_temporary").mkdir()
    write(tmp_path / "_temporary" / "part.parquet", 0, 7)
    assert parquet_batches(tmp_path, X=["a"], y="label", seed=0).rows == 7


def test_files_of_integers_and_of_floats_are_one_table(tmp_path):
    write(tmp_path / "1.parquet", 0, 2, a=np.arange(2))
    write(tmp_path / "2.parquet", 2, 2, a=np.arange(2) + 0.5)
    batches = parquet_batches(tmp_path, X=["a"], y="label", window=1, batch_size=1, seed=0)
    assert sorted(X.item() for X, _ in batches(0)) == [0, 0.5, 1, 1.5]
    assert {X.dtype for X, _ in batches(0)} == {np.dtype(np.float64)}


def test_a_file_of_the_same_size_that_is_damaged_is_told_in_one_line(tmp_path):
    path = tmp_path / "one.parquet"
    write(path, 0, 90)
    footer = path.read_bytes()[-2000:]
    path.write_bytes(b"\0" * (path.stat().st_size - len(footer)) + footer)
    with pytest.raises(TableError, match=r"one.parquet: cannot be read: ") as caught:
        list(parquet_batches(path, X=["a"], y="label", seed=0)(0))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"a,label\n1,0\n" * 9])
@pytest.mark.parametrize("name", ["1.parquet", "3.parquet"])
def test_a_damaged_file_is_an_error_that_names_it(tmp_path, name, content):
    write(tmp_path / "2.parquet", 0, 7)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TableError, match=rf"cannot be read.*{name}"):
        parquet_batches(tmp_path, X=["a"], y="label")


def test_a_pattern_or_folder_without_files_is_refused(tmp_path):
    for source in (tmp_path, tmp_path / "*.parquet"):
        with pytest.raises(TableError, match="no file of Parquet is there"):
            parquet_batches(source, X=["a"], y="label")


@pytest.mark.parametrize("column", ["a", "label"])
@pytest.mark.parametrize("values", [[1, 0, None, 1, 0], [True, False, True, False, None]])
def test_integers_that_lack_values_are_refused(tmp_path, column, values):
    write(tmp_path / "t.parquet", 0, 5, **{column: values})
    with pytest.raises(ValueError, match=f"column '{column}' holds .* and lacks values"):
        list(parquet_batches(tmp_path, X=["a"], y="label", seed=0)(0))


def test_a_missing_float_is_nan_and_keeps_its_dtype(tmp_path):
    write(tmp_path / "t.parquet", 0, 3, a=pyarrow.array([1, None, 2], pyarrow.float32()))
    [(X, _)] = parquet_batches(tmp_path, X=["a"], y="label", shuffle=False)(0)
    np.testing.assert_array_equal(X, np.array([[1], [np.nan], [2]], np.float32), strict=True)
