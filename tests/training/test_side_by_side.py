"""Trainings side by side come out in order, and end together."""

import os
import threading

import pytest

pytest.importorskip("joblib")
pytest.importorskip("threadpoolctl")

from adjoint.compiler.native import team
from adjoint.training import side_by_side
from adjoint.training.side_by_side import free_threads, trained_side_by_side


def until_over(over):
    """Train until it is to end, as it is asked after an epoch."""
    waiting = threading.Event()
    while not over():
        waiting.wait(0.001)
    return "ended"


def cut(result):
    return f"cut {result}"


def test_results_come_in_order_however_long_each_takes():
    first = threading.Event()

    def slow(over):
        first.wait(10)
        return 0

    def quick(over):
        first.set()
        return 1

    jobs = [slow, quick, lambda over: 2, lambda over: team.is_alone()]
    assert list(trained_side_by_side(jobs, threads=2, cut=cut)) == [0, 1, 2, True]
    assert not team.is_alone()


def test_no_more_are_begun_ahead_than_there_are_threads():
    begun = []

    def jobs():
        for k in range(6):
            begun.append(k)
            yield lambda over, k=k: k

    results = trained_side_by_side(jobs(), threads=2, cut=cut)
    assert next(results) == 0
    assert begun == [0, 1]
    results.close()


@pytest.mark.parametrize("whole", [0, 2])
def test_ctrl_c_ends_those_under_way_and_the_first_of_them_is_the_last_result(whole):
    def jobs():
        yield from [lambda over: "whole"] * whole
        yield until_over
        raise KeyboardInterrupt

    found = list(trained_side_by_side(jobs(), threads=2, cut=cut))
    assert found == [*["whole"] * whole, "cut ended"]


def test_ctrl_c_before_the_first_is_raised():
    def jobs():
        raise KeyboardInterrupt
        yield

    with pytest.raises(KeyboardInterrupt):
        list(trained_side_by_side(jobs(), threads=2, cut=cut))


def test_an_error_comes_in_its_place_and_ends_the_others():
    def fails(over):
        raise ValueError("the loss is infinite")

    results = trained_side_by_side([lambda over: 0, fails, until_over], threads=3, cut=cut)
    assert next(results) == 0
    with pytest.raises(ValueError, match="infinite"):
        next(results)


def test_whoever_stops_asking_ends_those_under_way():
    results = trained_side_by_side([lambda over: 0, until_over], threads=2, cut=cut)
    assert next(results) == 0
    results.close()  # would wait for ever
    assert not team.is_alone()


def test_a_thread_of_several_begins_no_others(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with team.alone():
        assert free_threads() == 1
    monkeypatch.setattr("joblib.cpu_count", lambda: 64)
    assert free_threads() == side_by_side._MOST
    monkeypatch.setitem(os.environ, "OMP_NUM_THREADS", "1")
    assert free_threads() == 1
