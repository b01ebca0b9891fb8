"""Trials in other processes: the same bits in the same order, and what is lost is done again.

The engines Dask and Ray are tried under ``--full``, where they are installed.
"""

import os
import pickle
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("sklearn")

import joblib
from sklearn import model_selection
from sklearn.base import clone
from sklearn.datasets import make_moons
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import adjoint as ad
from adjoint.compiler.native import cache
from adjoint.estimators import (
    GridSearchCV,
    MLPClassifier,
    MLPRegressor,
    RandomizedSearchCV,
    as_estimator,
    fit_many,
    workers,
)
from adjoint.estimators.fitting import Fitting
from sampled import for_full

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    # Processes that are killed, and engines that end, leave sockets and files to the collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

# Other processes import this module.
FOLDERS = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
X, Y = make_moons(200, noise=0.25, random_state=0)
GRID = {"alpha": list(np.logspace(-5, 0, 10)), "learning_rate_init": [1e-3, 3e-3, 0.01, 0.03, 0.1]}


class Noted(MLPClassifier):
    """It notes each fit in a file, and may end the process that fits the first network like it."""

    def __init__(self, log="", killer=False, **settings):
        super().__init__(**settings)
        self.log = log
        self.killer = killer

    @classmethod
    def _get_param_names(cls):
        return sorted([*MLPClassifier._get_param_names(), "log", "killer"])

    def fit(self, X, y, sample_weight=None):
        with open(self.log, "a") as file:
            file.write(f"{os.getpid()}\n")
        if self.killer:
            mark = Path(f"{self.log}.killed")
            if not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
        super().fit(X, y, sample_weight)
        self.process_, self.compiled_ = os.getpid(), [*map(id, cache._memory.values())]
        self.threads_ = os.environ.get("OMP_NUM_THREADS")
        return self


@pytest.fixture
def noted(tmp_path):
    """Return a function that makes networks, and one that counts the fits so far."""
    log = tmp_path / "fits"
    log.touch()

    def make(count=3, **settings):
        settings = {"hidden_layer_sizes": 4, "max_iter": 4, "log": str(log)} | settings
        return [Noted(random_state=seed, **settings) for seed in range(count)]

    return make, lambda: len(log.read_text().splitlines())


def weights(network):
    return [*network.coefs_, *network.intercepts_]


def assert_equal(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        assert one.loss_curve_ == other.loss_curve_
        for a, b in zip(weights(one), weights(other), strict=True):
            np.testing.assert_array_equal(a, b)


# --- memory ---------------------------------------------------------------------------------------


def test_what_is_in_memory_is_not_fitted_again(noted, tmp_path):
    make, fits = noted
    first = fit_many(make(), X, Y, memory=tmp_path / "kept")
    given = make(4)
    again = fit_many(given, X, Y, memory=joblib.Memory(str(tmp_path / "kept"), verbose=0), n_jobs=2)
    assert fits() == 4
    assert again == given
    assert_equal(again[:3], first)


CHANGES = {
    "rows": {"rows": [np.arange(50)]},
    "weights": {"sample_weight": np.full(200, 2.0)},
    "data": {"X": X + 1},
    "targets": {"y": 1 - Y},
}


@pytest.mark.parametrize("change", CHANGES)
def test_memory_tells_apart_what_a_network_is_fitted_to(noted, tmp_path, change):
    make, fits = noted
    arguments = {"X": X, "y": Y, "memory": str(tmp_path / "kept")}
    fit_many(make(1), **arguments)
    fit_many(make(1), **arguments | CHANGES[change])
    fit_many(make(1, alpha=0.1), **arguments)
    assert fits() == 3
    fit_many(make(1), **arguments | CHANGES[change])
    assert fits() == 3


def test_what_threads_kept_is_found_where_workers_are_given_copies_and_maps(
    noted, tmp_path, monkeypatch
):
    make, fits = noted
    rows = [np.arange(100), np.arange(50, 150)]
    arguments = {"rows": rows, "memory": str(tmp_path / "kept")}
    first = fit_many(make(2), X, Y, **arguments)

    def copying(work, tasks, n_jobs):
        # As joblib gives large arrays to processes.
        for place, fit, network, name, key, own, *arrays in tasks:
            mapped = np.memmap(tmp_path / f"{place}", own.dtype, "w+", shape=own.shape)
            mapped[:] = own
            copy = pickle.loads(pickle.dumps(network))
            yield work(place, fit, copy, name, key, mapped, *arrays)

    monkeypatch.setattr(workers, "results", copying)
    assert_equal(fit_many(make(2), X, Y, **arguments), first)
    assert fits() == 2


def test_an_estimator_that_cannot_be_kept_is_named(tmp_path):
    unnamed = as_estimator(lambda rng: None, loss="cross_entropy")
    with pytest.raises(pickle.PicklingError) as caught:
        fit_many([KINDS["module"](), unnamed], X, Y, memory=str(tmp_path / "kept"))
    assert "estimator 1 of 2, ModuleClassifier" in caught.value.__notes__[0]
    assert not [*tmp_path.rglob("output.pkl")]


def test_networks_without_a_seed_are_told_apart_in_memory(tmp_path):
    many = [make_pipeline(StandardScaler(), MLPClassifier(4, max_iter=2)) for _ in range(2)]
    fit_many(many, X, Y, memory=str(tmp_path))
    assert not np.array_equal(many[0][-1].coefs_[0], many[1][-1].coefs_[0])


def test_a_fit_that_ctrl_c_ends_is_not_kept(noted, tmp_path, monkeypatch):
    make, fits = noted
    settings = {"verbose": True, "max_iter": 50}
    with monkeypatch.context() as patched:
        # In its second fit, after each epoch: the fit itself ends well by it, as scikit-learn's.
        patched.setattr(
            Fitting, "_print", lambda self: fits() == 2 and signal.raise_signal(signal.SIGINT)
        )
        with pytest.raises(KeyboardInterrupt), pytest.warns(UserWarning, match="interrupted"):
            fit_many(make(3, **settings), X, Y, memory=str(tmp_path / "kept"))
    assert fits() == 2  # the third was not begun
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    fit_many(make(3, **settings), X, Y, memory=str(tmp_path / "kept"))
    assert fits() == 4


def test_a_damaged_file_in_memory_is_made_anew(noted, tmp_path):
    make, fits = noted
    (first,) = fit_many(make(1), X, Y, memory=str(tmp_path / "kept"))
    (kept,) = (tmp_path / "kept").rglob("output.pkl")
    kept.write_bytes(kept.read_bytes()[:500])
    again = fit_many(make(1), X, Y, memory=str(tmp_path / "kept"))
    assert fits() == 2
    assert_equal(again, [first])


def test_a_generator_stands_where_it_would_after_a_fit_here(noted, tmp_path):
    found = []
    for _ in range(2):
        rng = np.random.RandomState(3)
        network = MLPRegressor(hidden_layer_sizes=4, max_iter=2, random_state=rng)
        fit_many([network], X, X[:, 0], memory=str(tmp_path / "kept"))
        assert network.random_state is rng
        found.append(rng.randint(2**31))
    alone = np.random.RandomState(3)
    MLPRegressor(hidden_layer_sizes=4, max_iter=2, random_state=alone).fit(X, X[:, 0])
    assert {*found} == {alone.randint(2**31)}


# --- lost workers ---------------------------------------------------------------------------------


def test_what_a_lost_worker_had_is_done_again_and_nothing_else(monkeypatch, noted):
    make, _ = noted
    original, calls = workers.results, []

    def losing(work, tasks, n_jobs):
        calls.append([task[0] for task in tasks])
        for turn, result in enumerate(original(work, tasks, n_jobs)):
            if len(calls) < 3 and turn == 1:
                raise BrokenProcessPool("killed")
            yield result

    monkeypatch.setattr(workers, "results", losing)
    fit_many(make(3), X, Y)
    assert calls == [[0, 1, 2], [1, 2], [2]]


def test_work_that_ends_its_workers_is_given_up():
    calls = []

    def work():
        calls.append(0)
        raise BrokenProcessPool("killed")

    with pytest.raises(BrokenProcessPool):
        workers.done_again(work)
    assert len(calls) == 4


def test_rays_losses_count_and_engines_without_a_name_for_them_do_not_disturb(monkeypatch):
    class RayActorError(Exception):
        pass

    monkeypatch.setitem(sys.modules, "ray.exceptions", SimpleNamespace(RayActorError=RayActorError))
    monkeypatch.setitem(sys.modules, "distributed.client", SimpleNamespace())
    calls = []

    def work():
        calls.append(0)
        if len(calls) == 1:
            raise RayActorError
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        workers.done_again(work)
    assert len(calls) == 2


def test_a_search_that_is_begun_again_draws_the_same(monkeypatch):
    calls = []

    def lossy(self, X, y=None, **params):
        calls.append(self.random_state.randint(2**31))
        if len(calls) == 1:
            raise BrokenProcessPool("killed")

    monkeypatch.setattr(model_selection.RandomizedSearchCV, "fit", lossy)
    rng = np.random.RandomState(0)
    search = RandomizedSearchCV(MLPClassifier(), GRID, random_state=rng)
    assert search.fit(X, Y) is search
    assert calls[0] == calls[1]


# --- processes ------------------------------------------------------------------------------------


def test_two_processes_give_the_bits_of_threads_and_name_the_fit_that_failed(noted):
    make, _ = noted
    expected = fit_many(make(6), X, Y)
    given = make(6)
    with joblib.parallel_config("loky", n_jobs=2):
        assert fit_many(given, X, Y) == given
        assert_equal(given, expected)
        assert os.getpid() not in {one.process_ for one in given}
        assert {one.threads_ for one in given} == {str(max(1, joblib.cpu_count() // 2))}
        many = make(3)
        many[1].alpha = -1.0
        with pytest.raises(ValueError, match="alpha") as caught:
            fit_many(many, X, Y)
    assert "estimator 1 of 3, Noted(activation='relu', alpha=-1.0" in caught.value.__notes__[0]


def test_a_search_runs_in_the_processes_that_were_asked_for(monkeypatch):
    seen = []
    original = workers.are_threads
    monkeypatch.setattr(workers, "are_threads", lambda: seen.append(original()) or seen[-1])
    search = GridSearchCV(MLPClassifier(4, max_iter=2), {"alpha": [1.0]}, cv=2)
    search.fit(X, Y)
    with joblib.parallel_config("loky", n_jobs=1):
        search.fit(X, Y)
    assert seen == [True, False]


KINDS = {
    "plain": lambda: MLPClassifier(4, max_iter=3, random_state=0),
    "lbfgs": lambda: MLPClassifier(4, solver="lbfgs", max_iter=3, random_state=0),
    "early stopping": lambda: MLPClassifier(4, max_iter=3, early_stopping=True, random_state=0),
    "pipeline": lambda: make_pipeline(StandardScaler(), MLPRegressor(max_iter=3, random_state=0)),
    "search": lambda: GridSearchCV(KINDS["plain"](), {"alpha": [1.0]}, cv=2),
    "module": lambda: as_estimator(
        module, loss="cross_entropy", epochs=3, random_state=0,
        callbacks=[ad.callbacks.EarlyStopping("loss", patience=2)],
    ),
}  # fmt: skip


def module(n_features, n_outputs, rng):
    return ad.nn.MLP(n_features, 4, n_outputs, rng=rng)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pickler", ["pickle", *for_full(["cloudpickle"])])
def test_what_was_fitted_and_compiled_pickles_and_goes_on(kind, pickler):
    fitted = KINDS[kind]().fit(X, Y)
    back = pickle.loads(pytest.importorskip(pickler).dumps(fitted))
    np.testing.assert_array_equal(back.predict(X), fitted.predict(X))
    np.testing.assert_array_equal(clone(back).fit(X, Y).predict(X), fitted.predict(X))


# --- engines, a worker of which is killed ---------------------------------------------------------


@pytest.fixture(scope="module", params=["loky", "dask", "ray"])
def engine(request):
    """Two processes of an engine: what `parallel_config` is told, and what retries on it."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYTHONPATH", os.pathsep.join([*FOLDERS, os.environ.get("PYTHONPATH", "")]))
        if request.param == "dask":
            distributed = pytest.importorskip("distributed")
            with (
                distributed.LocalCluster(
                    2, threads_per_worker=1, dashboard_address=None
                ) as cluster,
                distributed.Client(cluster),
            ):
                yield {"backend": "dask"}
            return
        if request.param == "ray":
            patched.setenv("RAY_USAGE_STATS_ENABLED", "0")
            ray = pytest.importorskip("ray")
            pytest.importorskip("ray.util.joblib").register_ray()
            ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
            # Ray itself then starts a lost worker again, and does its tasks again.
            again = {"max_restarts": 3, "max_task_retries": 3}
            yield {"backend": "ray", "ray_remote_args": again}
            ray.shutdown()
            return
        yield {"backend": "loky"}


@pytest.mark.full
@pytest.mark.parametrize("kind", [GridSearchCV, model_selection.GridSearchCV])
def test_a_search_of_100_fits_comes_to_the_same_though_a_worker_is_killed(engine, noted, kind):
    if kind is not GridSearchCV and engine["backend"] != "ray":
        pytest.skip("on loky and Dask scikit-learn's search itself may end with the worker")
    make, fits = noted
    (network,) = make(1, hidden_layer_sizes=8)
    grid = GRID | {"killer": [False, True], "alpha": GRID["alpha"][:5]}
    with joblib.parallel_config(n_jobs=2, **engine):
        found = kind(network, grid, cv=2).fit(X, Y)
    assert Path(f"{network.log}.killed").exists()
    assert fits() > 101
    expected = kind(network, grid, cv=2).fit(X, Y)  # nothing is killed twice
    assert found.best_params_ == expected.best_params_
    for name in found.cv_results_:
        if "test_score" in name:
            np.testing.assert_array_equal(found.cv_results_[name], expected.cv_results_[name])
    assert_equal([found.best_estimator_], [expected.best_estimator_])


@pytest.mark.full
def test_100_networks_come_out_the_same_though_a_worker_is_killed(engine, noted):
    make, fits = noted
    expected = fit_many(make(100, hidden_layer_sizes=8), X, Y)
    many = make(100, hidden_layer_sizes=8)
    many[40].killer = True
    with joblib.parallel_config(n_jobs=2, **engine):
        found = fit_many(many, X, Y)
    assert found == many
    assert Path(f"{many[0].log}.killed").exists()
    assert 201 <= fits() < 300
    assert_equal(found, expected)


@pytest.mark.full
def test_a_process_compiles_once_and_keeps_to_its_share_of_the_cores(engine, noted):
    pytest.importorskip("llvmlite")
    make, _ = noted
    with joblib.parallel_config(n_jobs=2, **engine):
        found = fit_many(make(40, hidden_layer_sizes=5), X, Y)
    compiled = {network.process_: network.compiled_ for network in found}
    assert len(compiled) <= 2
    # Code that is made again, or read again, is another object.
    assert all(network.compiled_ == compiled[network.process_] for network in found)
    assert all(compiled.values())
    assert {network.threads_ for network in found} == {"1"}


@pytest.fixture(params=["threading", "loky"])
def program(request, tmp_path):
    """Return the command of a program that fits 40 networks, and the file where each is noted."""
    path, fits = tmp_path / "program.py", tmp_path / "fits"
    path.write_text(
        textwrap.dedent(f"""
        import os, signal, sys
        sys.path[:0] = {FOLDERS!r}
        import joblib
        from test_workers import Noted, X, Y, fit_many
        many = [Noted(log={str(fits)!r}, hidden_layer_sizes=4, max_iter=500,
                      n_iter_no_change=500, random_state=seed) for seed in range(40)]
        with joblib.parallel_config({request.param!r}, n_jobs=2):
            fit_many(many, X, Y, memory={str(tmp_path / "kept")!r})
        print(sum(network.loss_ for network in many))
    """)
    )
    fits.touch()
    return [sys.executable, "-W", "ignore", str(path)], fits


def ended_after_ten_fits(command, fits, number):
    """Send a signal to a program and the processes that it started; return what it printed."""
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdout=pipe, stderr=pipe, start_new_session=True, text=True)
    while len(fits.read_text().splitlines()) < 10:
        assert process.poll() is None
        time.sleep(0.001)
    os.killpg(process.pid, number)
    # Both end with the last process that has them open.
    return process.communicate(timeout=60)


@pytest.mark.full
def test_a_program_that_was_killed_goes_on_from_what_is_in_memory(program):
    command, fits = program
    assert ended_after_ten_fits(command, fits, signal.SIGKILL)[0] == ""
    begun = len(fits.read_text().splitlines())
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert len(fits.read_text().splitlines()) - begun <= 32  # two were under way
    alone = [
        MLPClassifier(4, max_iter=500, n_iter_no_change=500, random_state=n) for n in range(40)
    ]
    assert float(done.stdout) == sum(network.loss_ for network in fit_many(alone, X, Y))


@pytest.mark.full
def test_ctrl_c_ends_the_fits_and_what_is_kept_is_whole(program):
    command, fits = program
    out, err = ended_after_ten_fits(command, fits, signal.SIGINT)
    assert out == ""
    assert err.rstrip().endswith("KeyboardInterrupt")
    begun = len(fits.read_text().splitlines())
    assert begun < 40
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    alone = [
        MLPClassifier(4, max_iter=500, n_iter_no_change=500, random_state=n) for n in range(40)
    ]
    assert float(done.stdout) == sum(network.loss_ for network in fit_many(alone, X, Y))
