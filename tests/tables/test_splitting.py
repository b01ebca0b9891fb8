"""Rows that belong together are never on two sides, and the latest rows are held out by time."""

import numpy as np
import pyarrow
import pytest

from adjoint.errors import TableError
from adjoint.tables import exchange
from adjoint.tables.conventions import AS_SHOWN
from adjoint.tables.scores import interval, noise
from adjoint.tables.settings import TableSettings
from adjoint.tables.splitting import hold_out, read_blocks
from adjoint.tables.target import learn_target
from adjoint.tables.trial import prepare, run
from adjoint.tables.verdict import preference

FAST = {"epochs": 2, "ensemble": 4, "hidden": (4,)}


def table(rows=240, groups=30, seed=0, **others):
    """Return rows of which those of a group have a column in common."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, groups, rows)
    own = rng.normal(size=groups)
    columns = {"own": own[group], "x": rng.normal(size=rows), "group": [f"g{k}" for k in group]}
    day = np.datetime64("2024-01-01", "D") + rng.integers(0, 60, rows)
    return pyarrow.table({**columns, "day": day, "y": own[group] + columns["x"], **others})


def groups_of(data, rows):
    """Return the groups of encoded rows, which their targets tell."""
    group_of = dict(zip(data["y"].to_pylist(), data["group"].to_pylist(), strict=True))
    return {group_of[y] for y in rows[1].tolist()}


@pytest.mark.parametrize("seed", range(3))
def test_no_group_is_on_two_sides_for_any_member(seed):
    settings = TableSettings(split_by="group", seed=seed, **FAST)
    encoder, _, parts = prepare(data := table(), "y", settings)
    assert encoder.ignored["group"] == "the rows are split by it"
    test = groups_of(data, parts.test)
    seen = []
    for train, held, _ in exchange.splits(parts, settings):
        assert not groups_of(data, train) & groups_of(data, held)
        assert not (groups_of(data, train) | groups_of(data, held)) & test
        seen.append(frozenset(groups_of(data, held)))
    assert len(set(seen)) == 4
    total = sum(len(part[1]) for part in (parts.train, parts.validation, parts.test))
    assert len(parts.test[1]) == pytest.approx(0.2 * total, abs=8)


def test_a_member_holds_out_no_group_that_has_most_rows():
    group = np.where(np.arange(200) < 150, 0, np.arange(200))
    settings = TableSettings(split_by="group", **FAST)
    _, _, parts = prepare(
        pyarrow.table({"x": np.arange(200.0) % 17, "group": group, "y": np.arange(200.0)}),
        "y",
        settings,
    )
    assert all(len(train[1]) > 100 for train, _, _ in exchange.splits(parts, settings))


def test_numbers_written_in_two_ways_are_one_group():

    settings = TableSettings(split_by="group", **FAST)
    data = table(group=[f"{k // 2}" + ".0" * (k % 2) for k in range(240)])
    blocks = read_blocks(data, np.arange(240), "y", settings, AS_SHOWN)
    assert len(blocks.starts) == 120


def test_classes_keep_their_shares_as_well_as_groups_allow():
    group = np.arange(400) // 10
    y = np.where(group % 4 == 0, "rare", "usual")
    data = pyarrow.table({"x": np.arange(400.0), "group": group, "y": y})
    settings = TableSettings(split_by="group")
    target = learn_target("y", data["y"], "auto")
    codes, _ = target.encode(data["y"])
    blocks = read_blocks(data, np.arange(400), "y", settings, AS_SHOWN)
    for seed in range(5):
        _, held = hold_out(
            np.arange(400),
            codes,
            0.2,
            target,
            TableSettings(seed=seed),
            blocks=blocks,
            leave=2,
            options="",
        )
        # 8 of the 40 groups, of which two are of the class that a quarter is of.
        assert len(held) == 80
        assert (y[held] == "rare").sum() == 20


@pytest.mark.parametrize("seed", range(2))
def test_the_latest_rows_are_scored_and_those_before_them_are_to_stop_by(seed):
    settings = TableSettings(time="day", seed=seed, **FAST)
    data = table()
    target_of = dict(zip(data["y"].to_pylist(), data["day"].to_pylist(), strict=True))
    _, _, parts = prepare(data, "y", settings)
    days = [
        sorted(target_of[y] for y in part[1].tolist())
        for part in (parts.train, parts.validation, parts.test)
    ]
    # Strictly: no day is on two sides.
    assert days[0][-1] < days[1][0] <= days[1][-1] < days[2][0]
    assert len(days[2]) == pytest.approx(48, abs=4)
    assert parts.split == [
        f"Split by 'day': the rows from {days[2][0]} on are scored by, and those from "
        f"{days[1][0]} on before them told when to stop."
    ]


def test_members_do_not_exchange_rows_where_time_decides():
    settings = TableSettings(time="day", **FAST)
    _, _, parts = prepare(table(), "y", settings)
    splits = list(exchange.splits(parts, settings))
    assert len(splits) == 4
    assert all(held.X is parts.validation[0] for _, held, _ in splits)


@pytest.mark.parametrize(
    "times",
    [
        np.arange(240)[::-1] * 1_000_000_007 + 1_700_000_000_000_000_000,
        [f"{1_700_000_000_000_000_000 + 240 - k}" for k in range(240)],
        [f"{12 - k // 20:02d}" for k in range(240)],
        [f"{(240 - k) / 7:.3f}".replace(".", ",") for k in range(240)],
        [f"{31 - k // 10:02d}.01.2024" for k in range(240)],
        np.datetime64("2024-01-01", "ns") - np.arange(240) * np.timedelta64(1, "h"),
    ],
    ids=["integers", "long texts", "zeros before", "commas", "dates", "moments"],
)
def test_dates_and_numbers_of_all_kinds_are_in_order(times):
    data = table(day=pyarrow.array(times))
    settings = TableSettings(time="day", **FAST)
    blocks = read_blocks(data, np.arange(240), "y", settings, AS_SHOWN)
    # They fall, with ties in some.
    assert (np.diff(blocks.codes) <= 0).all()
    assert len(blocks.starts) == len(set(data["day"].to_pylist()))


@pytest.mark.parametrize(
    ("changed", "settings", "message"),
    [
        ({}, {"split_by": "groupz"}, r"--split-by: no column 'groupz'; did you mean 'group'\?"),
        ({}, {"split_by": "zzz"}, "--split-by: no column 'zzz'; there are own, x"),
        ({}, {"split_by": "y"}, "--split-by: 'y' is the target"),
        ({}, {"split_by": "group", "time": "day"}, "--split-by: not together with --time"),
        (
            {"group": ["a", "b"] * 120},
            {"split_by": "group"},
            "--split-by: column 'group' has 2 different values; at least 3 are needed",
        ),
        (
            {"group": ["a", "b", "n/a"] * 80},
            {"split_by": "group"},
            "--split-by: 80 rows have no value in column 'group'",
        ),
        ({}, {"time": "group"}, r"--time: column 'group' puts the rows in no order \(category"),
        (
            {"day": [None, *range(239)]},
            {"time": "day"},
            "--time: 1 row has no date or number in column 'day'",
        ),
        (
            {"day": ["2024-01-01"] * 240},
            {"time": "day"},
            "--time: column 'day' puts the rows in no order",
        ),
        ({"day": [1, 2] * 120}, {"time": "day"}, "--time: column 'day' has 2 different values"),
        (
            {"day": [f"{k % 24:02d}:00" for k in range(240)]},
            {"time": "day"},
            "times of a day, which come again each day",
        ),
    ],
)
def test_columns_that_part_no_rows_are_refused(changed, settings, message):
    with pytest.raises(TableError, match=message):
        prepare(table(**changed), "y", TableSettings(**settings))


def test_a_table_to_score_by_may_have_no_group_that_is_trained_on():
    settings = TableSettings(split_by="group", test=0.0, **FAST)
    others = table(seed=1, group=[f"h{k % 9}" for k in range(240)])
    parts = prepare(table(), "y", settings, test=(others, "later.csv"))[2]
    assert len(np.unique(parts.test_blocks)) == 9
    others = table(seed=1, group=[f"h{k % 9}" for k in range(239)] + ["g3"])
    with pytest.raises(TableError, match=r"later.csv: 1 row has a value of 'group' .*, as 'g3'"):
        prepare(table(), "y", settings, test=(others, "later.csv"))


def test_the_noise_of_groups_that_are_alike_is_that_of_so_many_groups():
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(25), 16)
    y = np.zeros(400)
    off = np.repeat(rng.normal(size=25), 16)
    alone = noise("mae", {"a": off}, y)
    # Sixteen equal rows are worth one: the error is four times as large.
    assert noise("mae", {"a": off}, y, group) / alone == pytest.approx(4, rel=0.2)
    order = rng.permutation(400)
    shuffled = noise("mae", {"a": off[order]}, y[order], group[order])
    assert shuffled == pytest.approx(noise("mae", {"a": off}, y, group))


def test_accuracy_of_groups_is_not_bounded_as_if_its_rows_were_alone():
    y = np.repeat(np.arange(20) % 2, 20)
    right = np.repeat(np.arange(20) < 15, 20)
    outputs = np.eye(2)[np.where(right, y, 1 - y)]
    alone, grouped = (interval("accuracy", outputs, y, b) for b in (None, np.arange(400) // 20))
    assert grouped[1] - grouped[0] > 2 * (alone[1] - alone[0])


def test_groups_that_are_all_right_are_worth_a_row_each():
    y = np.repeat(np.arange(8) % 2, 50)
    low, high = interval("accuracy", np.eye(2)[y], y, np.arange(400) // 50)
    # Wilson's bound of 8 right of 8: 8 / (8 + 1.96**2).
    assert low == pytest.approx(0.6756, abs=1e-4)
    assert high == pytest.approx(1)


def test_one_group_does_not_tell_what_is_chance():
    y = np.arange(20.0)
    outputs = {"network": y + 0.1, "mean": np.full(20, y.mean())}
    told = preference(outputs, y, "r2", np.zeros(20))
    assert told.endswith("above that of the mean; these rows do not tell how much of it is chance.")


def test_a_network_that_is_the_linear_model_is_not_preferred_to_it():
    rng = np.random.default_rng(0)
    y = rng.normal(size=100)
    linear = y + rng.normal(size=100)
    outputs = {"network": linear + 1e-7 * (y - linear), "linear regression": linear}
    told = preference(outputs, y, "r2")
    assert told.startswith("The linear regression does as well within the noise")


def test_few_groups_are_named_and_a_record_says_how_rows_were_split():
    settings = TableSettings(split_by="group", epochs=1, ensemble=1, hidden=(4,))
    record = run(*prepare(table(groups=12), "y", settings), settings, progress=False).record
    assert "of its 12 values are scored by" in record.split[0]
    assert any("different values of 'group', so the bounds" in line for line in record.verdict)
    assert type(record).from_state(record.to_state()).split == record.split


@pytest.mark.parametrize("seed", range(3))
def test_classes_keep_their_shares_where_one_has_no_rows_that_count(seed):
    y = np.array(["a"] * 100 + ["b"] * 90 + ["c"] * 10)
    data = pyarrow.table({"x": np.arange(200.0), "y": y})
    settings = TableSettings(test=0.0, seed=seed, **FAST)
    _, target, parts = prepare(data, "y", settings, weights=1.0 * (y != "a"))
    assert target.labels == ["a", "b", "c"]
    assert np.bincount(parts.validation[1], minlength=3).tolist() == [0, 9, 1]
    assert parts.weights.tolist() == [1.0] * 100
