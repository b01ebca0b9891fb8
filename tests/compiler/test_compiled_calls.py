"""Calls of a compiled function: what they notice, where results go, and what they cost."""

import functools
import importlib.util
import pickle
import subprocess
import sys
import threading
import tracemalloc
import types

import numpy as np
import pytest

import adjoint as ad
from adjoint.compiler.native import cache, machine
from adjoint.compiler.native import function as native_function
from adjoint.errors import PortableWarning, ShapeError

HAS_NATIVE = importlib.util.find_spec("llvmlite") is not None
X = np.linspace(-1, 1, 5)


@pytest.fixture(params=["portable", "native"])
def tier(request, monkeypatch):
    """Run a test in each tier."""
    from adjoint.compiler import program

    if request.param == "portable":
        monkeypatch.setattr(program, "TIERS", {})
    elif not HAS_NATIVE:
        pytest.skip("needs llvmlite")
    return request.param


# --- what a call notices


def follows(compiled, function, change):
    """Return whether a compiled function gives the function's result before and after a change."""
    for _ in range(3):  # from the third on by the fastest way
        before = np.array_equal(compiled(X), function(X))
    change()
    return before and np.array_equal(compiled(X), function(X))


def test_a_variable_of_a_function_inside_a_closure_is_seen():
    inner = 2.0

    def scaled(x):
        return inner * x

    def outer(x):
        return scaled(x) + 1

    def change():
        nonlocal inner
        inner = 3.0

    assert follows(ad.compile(outer), outer, change)


def test_a_function_in_the_place_of_another_is_seen():
    act = np.sin

    def apply(x):
        return act(x)

    def change():
        nonlocal act
        act = np.cos

    assert follows(ad.compile(apply), apply, change)


@pytest.mark.parametrize(
    "change", [lambda s: s.append(4.0), lambda s: s.pop(), lambda s: s.clear()]
)
def test_a_longer_or_shorter_list_is_seen(change):
    factors = [2.0, 3.0]

    def powers(x):
        return sum((factor * x for factor in factors), 0 * x)

    assert follows(ad.compile(powers), powers, lambda: change(factors))


def test_an_entry_of_a_list_or_dict_is_seen():
    settings = {"scale": [1.0, 2.0], "shift": 0.5}

    def apply(x):
        return settings["scale"][1] * x + settings["shift"]

    compiled = ad.compile(apply)
    assert follows(compiled, apply, lambda: settings["scale"].__setitem__(1, 5.0))
    assert follows(compiled, apply, lambda: settings.update(shift=-1.0))
    assert follows(compiled, apply, lambda: settings.update(scale=[0.0, 7.0]))


def test_numbers_that_are_equal_but_not_the_same_are_told_apart():
    factor = 1

    def scaled(x):
        return x * factor

    compiled = ad.compile(scaled)
    ints = np.arange(3)
    assert compiled(ints).dtype == ints.dtype
    factor = 1.0
    assert compiled(ints).dtype == np.float64
    factor = True
    assert compiled(ints).dtype == ints.dtype
    factor = 0.0
    assert not np.signbit(compiled(np.ones(1)))[0]
    factor = -0.0
    assert np.signbit(compiled(np.ones(1)))[0]


def test_defaults_attributes_and_partial_arguments_are_seen():
    def scaled(x, *, by=2.0):
        return x * by

    compiled = ad.compile(scaled)
    assert follows(compiled, scaled, lambda: scaled.__kwdefaults__.update(by=3.0))
    bound = functools.partial(scaled, by=4.0)
    assert np.array_equal(ad.compile(bound)(X), 4 * X)

    class Model:
        factor = 2.0

        def __init__(self):
            self.shift = 1.0

        def apply(self, x):
            return x + self.shift

    model = Model()
    assert follows(ad.compile(model.apply), model.apply, lambda: setattr(model, "shift", 9.0))


def test_a_variable_of_the_users_module_is_seen(monkeypatch):
    module = types.ModuleType("settings_of_mine")
    module.rate = 2.0
    monkeypatch.setitem(globals(), "settings_of_mine", module)

    def scaled(x):
        return x * settings_of_mine.rate  # noqa: F821

    assert follows(ad.compile(scaled), scaled, lambda: setattr(module, "rate", 3.0))


# --- where results go


def test_results_are_written_where_they_are_wanted(tier):
    compiled = ad.compile(lambda x: {"square": x * x, "sum": x.sum()})
    out = {"square": np.full(5, np.nan), "sum": np.empty(())}
    assert compiled(X, out=out) is out
    np.testing.assert_allclose(out["square"], X * X)
    np.testing.assert_allclose(out["sum"], X.sum(), atol=1e-15)


def test_a_result_may_be_written_over_an_argument(tier):
    compiled = ad.compile(lambda x, y: (x + y[::-1], x[::-1] * 2))
    x, y = X.copy(), X * 3
    compiled(x, y, out=(y, x))
    np.testing.assert_allclose(y, X + 3 * X[::-1])
    np.testing.assert_allclose(x, 2 * X[::-1])


def test_a_result_may_be_written_to_part_of_an_array(tier):
    compiled = ad.compile(lambda x: np.exp(x))
    table = np.zeros((3, 10))
    compiled(X, out=table[1, ::2])
    np.testing.assert_allclose(table[1, ::2], np.exp(X))
    assert not table[1, 1::2].any()
    assert not table[[0, 2]].any()


def test_a_gradient_is_written_over_its_buffer_at_every_step(tier):
    step = ad.compile(lambda x: x - 0.1 * ad.grad(lambda x: (x * x).sum())(x))
    x = X.copy()
    for _ in range(10):
        step(x, out=x)
    np.testing.assert_allclose(x, X * 0.8**10)


@pytest.mark.parametrize(
    ("out", "error", "words"),
    [
        (np.empty(4), ShapeError, r"shape \(4,\), but the result has \(5,\)"),
        (np.empty(5, np.float32), TypeError, "dtype float32"),
        ([0.0] * 5, TypeError, "expected an array for each result, got list"),
        (1.0, TypeError, "expected an array"),
        (np.broadcast_to(0.0, 5), ValueError, "read-only"),
    ],
)
def test_an_out_that_does_not_fit_is_refused(out, error, words):
    compiled = ad.compile(lambda x: 2 * x)
    with pytest.raises(error, match=words):
        compiled(X, out=out)


def test_an_out_of_another_structure_is_refused():
    compiled = ad.compile(lambda x: (x, 2 * x))
    for out in (np.empty(5), [np.empty(5), np.empty(5)], (np.empty(5),)):
        with pytest.raises(ValueError, match="not of the result's structure"):
            compiled(X, out=out)


def test_two_results_in_one_place_are_refused():
    out = np.empty(9)
    with pytest.raises(ValueError, match="share memory"):
        ad.compile(lambda x: (x, 2 * x))(X, out=(out[:5], out[4:]))


def test_under_a_gradient_there_is_no_out():
    compiled = ad.compile(lambda x: 2 * x)
    with pytest.raises(TypeError, match="belong to a graph"):
        compiled(ad.tensor(X, requires_grad=True), out=np.empty(5))


# --- what a call costs, and who may call


@pytest.mark.skipif(not HAS_NATIVE, reason="needs llvmlite")
def test_a_call_allocates_its_results_alone():
    x = np.ones((300, 300))
    compiled = ad.compile(lambda x: ad.tanh(x @ x) @ ad.exp(-x))
    out = np.empty_like(x)
    for _ in range(2):  # the second prepares the faster way of all that follow
        compiled(x, out=out)
    for given, most in ((out, 10_000), (None, x.nbytes + 10_000)):
        tracemalloc.start()
        try:
            compiled(x, out=given)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < most


def test_threads_share_a_compiled_function(tier):
    factor = 2.0
    compiled = ad.compile(lambda x, y: (x @ y * factor, (x - y).sum(axis=0)))
    arrays = [np.random.default_rng(k).normal(size=(40, 40)) for k in range(4)]
    failures = []

    def work(k):
        x, out = arrays[k], (np.empty((40, 40)), np.empty(40))
        for turn in range(50):
            y = arrays[turn % 4]
            compiled(x, y, out=out)
            if not np.allclose(out[0], 2 * x @ y) or not np.allclose(out[1], (x - y).sum(axis=0)):
                failures.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_without_llvmlite_it_says_so_once(monkeypatch):
    def absent():
        raise ImportError("native code needs llvmlite: python -m pip install llvmlite")

    monkeypatch.setattr(native_function, "this_machine", absent)
    monkeypatch.setattr(cache, "identity", absent)
    machine.warn_once.cache_clear()
    compiled = ad.compile(lambda x: 2 * x)
    with pytest.warns(PortableWarning, match="python -m pip install llvmlite"):
        assert compiled(X).tolist() == (2 * X).tolist()
    assert ad.compile(lambda x: 3 * x)(X).tolist() == (3 * X).tolist()  # warnings are errors here
    assert "not native: native code needs llvmlite" in compiled.report()


def test_importing_says_nothing_about_llvmlite():
    code = "import sys; sys.modules['llvmlite'] = None; import adjoint"
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True
    )
    assert (run.returncode, run.stderr) == (0, "")


def test_a_compiled_function_that_was_called_can_be_pickled():
    compiled = ad.compile(ad.tanh)
    expected = compiled(X)
    twin = pickle.loads(pickle.dumps(compiled))
    assert twin.__name__ == "tanh"
    np.testing.assert_array_equal(twin(X), expected)


def test_an_argument_may_be_called_as_what_is_read_at_each_call():
    layer = ad.nn.Linear(3, 2, rng=0)
    x, state = np.ones((4, 3)), np.arange(8.0).reshape(4, 2)
    found = ad.compile(lambda x, state: layer(x) + state)(x, state)
    np.testing.assert_allclose(found, layer(x).data + state, rtol=1e-15)


# --- what a prompt shows


def loss(w, X, y):
    return np.mean((np.tanh(X @ w) - y) ** 2)


def test_it_shows_what_it_computes_and_how_it_ran(tier):
    compiled = ad.compile(loss)
    assert repr(compiled) == "<compiled loss(w, X, y): not called yet>"
    compiled(np.ones(2), np.ones((3, 2)), np.ones(3))
    assert repr(compiled) == f"<compiled loss(w, X, y): {tier}, 5 operations, 1 signature>"
    compiled(np.ones(2), np.ones((4, 2)), np.ones(4))
    assert repr(compiled) == f"<compiled loss(w, X, y): {tier}, 5 operations, 2 signatures>"


@pytest.mark.parametrize(
    ("function", "shown"),
    [
        (lambda x, /, *rest, axis=0: x, "function(x, /, *rest, axis)"),
        (ad.nn.Linear(2, 3, rng=0), "Linear(x)"),
        (eval(f"lambda {', '.join(f'argument{i}' for i in range(9))}: 0"), "function(...)"),
    ],
    ids=["all kinds of arguments", "model", "many arguments"],
)
def test_it_shows_its_arguments_where_there_is_room(function, shown):
    assert repr(ad.compile(function)) == f"<compiled {shown}: not called yet>"


def test_its_report_and_its_source_show_as_they_print(tier):
    compiled = ad.compile(loss)
    compiled(np.ones(2), np.ones((3, 2)), np.ones(3))
    for text in (compiled.report(), compiled.source, compiled.programs[0].report()):
        assert isinstance(text, str)
        assert repr(text) == str(text)


def test_a_text_that_recognises_a_function_does_not_change_with_its_calls():
    """A checkpoint compares schedules and losses by such texts."""
    compiled = ad.compile(lambda step, scale: 0.1 * scale)
    rate = functools.partial(compiled, scale=0.5)
    optimizer = ad.optim.SGD([ad.tensor(1.0, requires_grad=True)], lr=rate)
    before = optimizer.state_dict()
    rate(3.0)
    optimizer.load_state_dict(before)
    assert optimizer.state_dict()["groups"] == before["groups"]
