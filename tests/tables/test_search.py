"""A search tries settings for some minutes, goes on where it was stopped, and believes no file."""

import errno
import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow
import pytest

from adjoint.errors import DivergedError, TableError
from adjoint.tables import choice, journal, search, tried
from adjoint.tables.choice import NAMES, Choice, proposed
from adjoint.tables.conventions import AS_SHOWN
from adjoint.tables.folder import load_model, save_model
from adjoint.tables.report import write_report
from adjoint.tables.search import Search
from adjoint.tables.settings import TableSettings
from adjoint.tables.training import train
from adjoint.tables.trial import prepare, run
from adjoint.tables.tried import Searched, Tried

QUICK = {"ensemble": 2, "hidden": (4,), "epochs": 2}
# Designs of other sizes would be compiled.
FIXED = frozenset({"hidden", "bins", "batch_size"})


class Clock:
    """A clock that is three seconds later each time it is read, ten times in a trial."""

    def __init__(self):
        self.now = 0.0

    def perf_counter(self):
        self.now += 3.0
        return self.now


@pytest.fixture
def clock(monkeypatch):
    monkeypatch.setattr(search, "time", found := Clock())
    return found


def table(seed=0, rows=90, **columns):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 2))
    y = np.sin(2 * x[:, 0]) + x[:, 1] + 0.1 * rng.normal(size=rows)
    return pyarrow.table({"a": x[:, 0], "b": x[:, 1], "y": y, **columns})


def given(data=None, **changed):
    settings = TableSettings(**QUICK | changed)
    return *prepare(table() if data is None else data, "y", settings), settings


def searched(wanted, task=None):
    return search.search(*(task or given()), wanted, progress=False)


def weights(trained):
    return [p.data for p in trained.model.network.parameters()]


def same(one, other):
    """Return whether two lists of trials are equal but for the time they took."""
    return [replace(each, seconds=0.0) for each in one] == [
        replace(each, seconds=0.0) for each in other
    ]


# --- choices --------------------------------------------------------------------------------------

FIRST = Choice.of(TableSettings(), 500)


def test_a_proposal_changes_only_what_is_free_and_comes_once():
    known = [FIRST]
    for number in range(1, 60):
        new = proposed(3, number, known[-1], first=FIRST, tried=known, fixed={"hidden", "dropout"})
        assert new not in known
        assert (new.hidden, new.dropout) == (FIRST.hidden, FIRST.dropout)
        known.append(new)
    assert len({one.learning_rate for one in known}) > 10


def test_where_all_was_tried_there_is_no_proposal():
    fixed = set(NAMES) - {"bins"}
    known = [FIRST]
    while new := proposed(0, len(known), FIRST, first=FIRST, tried=known, fixed=fixed):
        known.append(new)
    assert sorted(one.bins for one in known) == [0, 4, 8, 16, 32]


def test_the_options_of_a_choice_say_what_differs():
    other = replace(FIRST, hidden=(64, 32), learning_rate=0.0004)
    assert other.options(FIRST) == "--hidden 64,32 --learning-rate 0.0004"
    assert FIRST.options(FIRST) == ""


def test_every_setting_that_is_searched_can_be_given():
    from adjoint.cli.commands.fit import fit

    assert {each.name for each in fit.params} >= set(NAMES)
    assert set(choice.NAMES) == set(Choice.__dataclass_fields__)


# --- the search -----------------------------------------------------------------------------------


def test_the_first_trial_is_of_the_settings_as_given_and_others_must_beat_it(clock):
    task = given()
    found = searched(Search(3.0, FIXED), task)
    trials = found.searched.trials
    assert len(trials) > 2
    assert trials[0].choice.applied(task[3]) == replace(task[3], batch_size=16)
    one, first = trials[found.searched.chosen], trials[0]
    assert one is first or one.score - first.score > 2 * one.error
    assert found.settings == one.choice.applied(task[3])
    for trial in trials:
        assert trial.choice.hidden == (4,)
        assert trial.choice.bins == 16


def scored(monkeypatch, *scores):
    """Let trials have these scores, each of half of the networks and then of all."""
    left = iter(scores)
    monkeypatch.setattr(search._Task, "score", lambda *_: next(left, 0.0))


def test_the_model_is_that_of_the_settings_that_were_chosen(clock, monkeypatch):
    scored(monkeypatch, 0.5, 0.5, 0.6, 0.7)
    monkeypatch.setattr(search._Task, "error", lambda *_: 0.05)
    task = given(learning_rate=0.01)
    found = searched(Search(3.0, FIXED), task)
    assert found.searched.chosen == 1
    again = train(*task[:3], found.settings, progress=False)
    for mine, its in zip(weights(found.trained), weights(again), strict=True):
        np.testing.assert_array_equal(mine, its)


def test_a_better_score_within_the_noise_is_not_chosen():
    one = Tried(FIRST, 0.80, None, 0.0, 8, 1.0)
    within, beyond = replace(one, score=0.85, error=0.03), replace(one, score=0.87, error=0.03)
    assert tried.chosen_of([one, within], "r2") == 0
    assert tried.chosen_of([one, within, beyond], "r2") == 2
    assert tried.chosen_of([one, beyond], "log_loss") == 0
    assert tried.chosen_of([one, replace(beyond, score=0.7)], "log_loss") == 1
    # Half of the networks may be lucky with their rows.
    assert tried.chosen_of([one, replace(beyond, networks=4)], "r2") == 0


def test_a_trial_ends_with_half_of_its_networks_where_these_are_worse(clock, monkeypatch):
    scored(monkeypatch, 0.5, 0.5, 0.4, 0.6, 0.7, 0.55)
    trials = searched(Search(8.0, FIXED), given(ensemble=3)).searched.trials
    told = [(one.networks, one.half, one.score) for one in trials[:4]]
    # The last is worse than the best so far, though better than the first.
    assert told == [(3, 0.5, 0.5), (2, 0.4, 0.4), (3, 0.6, 0.7), (2, 0.55, 0.55)]


def test_a_trial_that_the_time_cuts_does_not_count(clock, monkeypatch):
    real, calls, ended = search.train_members, [], []

    def late(*args, **kwargs):
        calls.append(args)
        clock.now += 1e6 * (len(calls) == 3)
        for one in real(*args, **kwargs):
            ended.append(len(one.history) < 2)
            yield one

    monkeypatch.setattr(search, "train_members", late)
    trials = searched(Search(50.0, FIXED)).searched.trials
    assert len(trials) == 2
    assert ended[-1]  # in the middle of a network
    assert not any(ended[:-1])


def test_the_first_trial_is_whole_however_short_the_time(clock):
    found = searched(Search(1e-9, FIXED))
    (one,) = found.searched.trials
    assert one.networks == 2
    told = found.searched.sentences()
    assert "1 trial in" in told[0]
    assert told[1] == "It was too short for more than 1 trial: try more --minutes."


def test_a_trial_whose_loss_becomes_infinite_is_never_chosen(clock, monkeypatch):
    real, calls = search.train_members, []

    def diverges(*args, **kwargs):
        calls.append(args)
        if len(calls) in (2, 3):
            raise DivergedError("loss is inf")
        return real(*args, **kwargs)

    monkeypatch.setattr(search, "train_members", diverges)
    found = searched(Search(3.0, FIXED))
    assert [one.score is None for one in found.searched.trials[:4]] == [False, True, True, False]
    assert found.searched.chosen not in (1, 2)
    assert "as given" in found.searched.lines(8)[1][0]


@pytest.mark.parametrize("settings", [{"split_by": "group"}, {"time": "day"}], ids=str)
def test_groups_and_time_are_kept_and_measured(clock, settings):
    rows = np.arange(90)
    task = given(table(group=rows // 5, day=rows), **settings)
    found = searched(Search(1.5, FIXED), task)
    parts = task[2]
    expected = len(parts.validation[1]) if "time" in settings else found.searched.rows
    assert found.searched.rows == expected
    assert all(one.error is not None for one in found.searched.trials if one.networks == 2)


def test_a_metric_chooses(clock):
    data = table()
    label = np.where(data["y"].to_numpy() > 0.5, "high", "low")
    found = searched(
        Search(1.0, FIXED), given(data.set_column(2, "y", [label]), metric="balanced_accuracy")
    )
    assert found.searched.metric == "balanced_accuracy"
    assert all(0 <= one.score <= 1 for one in found.searched.trials)


def test_quantiles_are_chosen_by_their_loss(clock):
    found = searched(Search(1.0, FIXED), given(quantiles=(0.1, 0.9)))
    assert found.searched.metric == "pinball_loss"
    assert found.searched.trials[0].score > 0


def test_several_targets_are_chosen_by_all_of_them(clock):
    settings = TableSettings(**QUICK)
    data = table(z=np.arange(90.0))
    found = searched(Search(1.0, FIXED), (*prepare(data, ["y", "z"], settings), settings)).searched
    assert found.metric == "r2"
    assert found.trials[0].error == 0.0


@pytest.mark.parametrize(
    ("settings", "fixed", "message"),
    [
        ({"folds": 3}, (), "--minutes: not together with --folds"),
        ({"reproducible": True}, (), "--minutes: not together with --reproducible"),
        ({}, NAMES, "--minutes: nothing is left to search; leave out one of --hidden,"),
    ],
    ids=str,
)
def test_what_no_search_could_keep_is_refused(settings, fixed, message):
    with pytest.raises(TableError, match=message):
        search.check_search(TableSettings(**settings), frozenset(fixed), AS_SHOWN)


# --- stopped and gone on --------------------------------------------------------------------------


def interrupted_at(monkeypatch, call):
    """Let Ctrl-C come at the start of a later trial."""
    real, calls = search.train_members, []

    def members(*args, **kwargs):
        calls.append(args)
        if len(calls) == call:
            raise KeyboardInterrupt
        return real(*args, **kwargs)

    monkeypatch.setattr(search, "train_members", members)


def test_a_search_that_was_stopped_goes_on_to_the_trials_of_one_that_was_not(
    clock, monkeypatch, tmp_path
):
    monkeypatch.setattr(tried, "_ERRORS", -np.inf)
    task, place = given(), tmp_path / "trials"
    whole = searched(Search(3.0, FIXED), task)
    with monkeypatch.context() as patched:
        interrupted_at(patched, 3)
        stopped = searched(Search(30.0, FIXED, place), task)
    assert stopped.searched.interrupted
    assert len(stopped.searched.trials) == 2
    assert "Ctrl-C ended it" in stopped.searched.sentences()[1]
    on = searched(Search(5.0, FIXED, place), task)
    count = len(whole.searched.trials)
    assert len(on.searched.trials) >= count
    assert same(on.searched.trials[:count], whole.searched.trials)
    # Its time is over: the model alone is trained again.
    again = searched(Search(1.0, FIXED, place), task)
    assert same(again.searched.trials, on.searched.trials)
    for mine, its in zip(weights(on.trained), weights(again.trained), strict=True):
        np.testing.assert_array_equal(mine, its)


def test_ctrl_c_in_the_first_trial_keeps_what_was_trained(clock, monkeypatch):
    real = search.train_members

    def cut(*args, **kwargs):
        for one in real(*args, **kwargs):
            one.history.interrupted = True
            yield one

    monkeypatch.setattr(search, "train_members", cut)
    found = searched(Search(3.0, FIXED))
    assert found.trained.interrupted
    assert found.searched.trials == []
    assert "before its first trial" in found.searched.sentences()[0]


def test_ctrl_c_before_any_network_ends_all(clock, monkeypatch):
    interrupted_at(monkeypatch, 1)
    with pytest.raises(KeyboardInterrupt):
        searched(Search(3.0, FIXED))


# --- the file of trials ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    place = tmp_path_factory.mktemp("search") / "trials"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(search, "time", Clock())
        searched(Search(1.5, FIXED, place))
    return place.read_bytes()


def signed(state):
    """Return the file of a state, with the checksum that it should have."""
    told = {name: value for name, value in state.items() if name != "checksum"}
    text = json.dumps(told, sort_keys=True, separators=(",", ":"))
    return json.dumps({**told, "checksum": hashlib.sha256(text.encode()).hexdigest()}).encode()


def changed(kept, *path, to):
    state = json.loads(kept)
    where = state
    for name in path[:-1]:
        where = where[name]
    where[path[-1]] = to
    return state


HOSTILE = {
    "nothing": lambda kept: b"",
    "a half": lambda kept: kept[: len(kept) // 2],
    "no JSON": lambda kept: b"\x80\x03}q\x00.",
    "a list": lambda kept: b"[]",
    "deep": lambda kept: b"[" * 100_000,
    "another file": lambda kept: b'{"format": "adjoint table model"}',
    "a later version": lambda kept: signed(changed(kept, "version", to=2)),
    "a changed digit": lambda kept: kept.replace(b'"score": 0.', b'"score": 1.', 1),
    "NaN": lambda kept: kept.replace(b'"seconds": ', b'"seconds": NaN, "x": ', 1),
    "infinite": lambda kept: signed(changed(kept, "seconds", to=1)).replace(b": 1,", b": 1e999,"),
    "less than no time": lambda kept: signed(changed(kept, "seconds", to=-1.0)),
    "a score of text": lambda kept: signed(changed(kept, "trials", 0, "score", to="best")),
    "an unknown entry": lambda kept: signed(changed(kept, "code", to="import os")),
    "huge layers": lambda kept: signed(changed(kept, "trials", 0, "choice", "hidden", to=[10**9])),
    "layers of truth": lambda kept: signed(changed(kept, "trials", 0, "choice", "bins", to=True)),
    "trials of its own": lambda kept: signed(
        changed(kept, "trials", 1, "choice", "learning_rate", to=0.5)
    ),
    "a long text": lambda kept: signed(changed(kept, "conditions", "seed", to="0" * 1000)),
    "no conditions": lambda kept: signed(changed(kept, "conditions", to={})),
    "half a character": lambda kept: signed(changed(kept, "conditions", "seed", to="\ud800")),
    "a huge file": lambda kept: b" " * (1 << 24) + kept,
}


@pytest.mark.parametrize("what", HOSTILE)
def test_nothing_in_a_file_of_trials_is_believed(what, kept, tmp_path, monkeypatch):
    place = tmp_path / "trials"
    place.write_bytes(content := HOSTILE[what](kept))
    monkeypatch.setattr(search, "train_members", None)  # it is refused before anything is trained
    with pytest.raises(TableError, match="trials"):
        searched(Search(1.5, FIXED, place))
    assert place.read_bytes() == content


@pytest.mark.parametrize(
    ("task", "fixed", "named"),
    [
        ({"data": table(1)}, FIXED, "y=float64"),
        ({"learning_rate": 0.02}, FIXED, "learning_rate=0.001, this one has 0.02"),
        ({"seed": 1}, FIXED, "seed=0, this one has 1"),
        ({}, FIXED | {"dropout"}, "what stays=batch_size, bins, hidden, this one has"),
    ],
    ids=["rows", "rate", "seed", "fixed"],
)
def test_trials_of_another_search_are_refused_by_name(task, fixed, named, kept, tmp_path):
    place = tmp_path / "trials"
    place.write_bytes(kept)
    with pytest.raises(TableError, match=named):
        searched(Search(1.5, fixed, place), given(**task))


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_no_regular_file_holds_no_trials(kind, tmp_path):
    place = tmp_path / "trials"
    place.mkdir() if kind == "folder" else os.mkfifo(place)
    with pytest.raises(TableError, match="trials"):
        searched(Search(1.5, FIXED, place))


def test_trials_that_a_full_disk_takes_not_are_kept_elsewhere(clock, monkeypatch, tmp_path):
    place, real = tmp_path / "trials", journal.write_whole

    def full(path, content):
        if path == place:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        real(path, content)

    monkeypatch.setattr(journal, "write_whole", full)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(OSError, match=r"No space left.*what was trained is kept in") as failed:
        searched(Search(1.5, FIXED, place))
    assert not place.exists()
    elsewhere = str(failed.value).rpartition(" in ")[2]
    monkeypatch.undo()
    assert len(json.loads(Path(elsewhere).read_text())["trials"]) == 1


# --- what is told ---------------------------------------------------------------------------------


def test_the_record_and_the_report_tell_what_was_tried(clock, tmp_path):
    task = given()
    trial = run(*task, progress=False, search=Search(1.5, FIXED))
    found = trial.record.search
    assert trial.record.settings == found.trials[found.chosen].choice.applied(task[3])
    assert any("The search made" in sentence for sentence in trial.record.verdict)
    page = write_report(trial, "table.csv")
    assert page.count("What was tried before") == 1
    assert "as given" in page
    save_model(trial.model, tmp_path / "model", report=page)
    assert load_model(tmp_path / "model").record.search == found


def test_lines_hold_the_first_trial_the_chosen_one_and_the_best_others():
    first = Tried(FIRST, 0.5, 0.5, 0.0, 8, 1.0)
    others = [
        Tried(replace(FIRST, bins=k), 0.4 + k / 100, 0.5, 0.1, 4 if k % 2 == 0 else 8, 1.0)
        for k in range(20)
    ]
    found = Searched(1.0, 60.0, "r2", 300, [first, *others], chosen=20)
    # The best of those with all networks, in the order in which they were tried.
    assert [line[0] for line in found.lines(4)[1]] == ["1", "17", "19", "21 (chosen)"]


def test_a_record_of_a_trial_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="no trial's place"):
        Searched(1.0, 60.0, "r2", 300, [], chosen=3)


@pytest.mark.parametrize(
    ("unit", "told"), [(1e-6, "1e-06 ± 2e-07"), (1.0, "1.0000 ± 0.2000"), (1e6, "1e+06 ± 2e+05")]
)
def test_a_gain_is_told_in_digits_that_show_it_in_any_unit(unit, told):
    trials = [
        Tried(FIRST, 3 * unit, 3 * unit, 0.0, 2, 1.0),
        Tried(replace(FIRST, bins=8), 2 * unit, 2 * unit, 0.2 * unit, 2, 1.0),
    ]
    (sentence, *_) = Searched(1.0, 2.0, "rmse", 100, trials, 1).sentences()
    assert f"--bins 8 the rmse on 100 rows to stop by is better by {told} (" in sentence
