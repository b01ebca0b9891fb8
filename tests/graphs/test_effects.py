"""A trace refuses what it would do only once, and puts it back."""
# ruff: noqa: NPY002 - the old functions of numpy.random are among what is refused

import collections
import contextvars
import functools
import importlib
import itertools
import os
import random
import statistics
import sys
import threading
import time
import types
import weakref

import numpy as np
import pytest
import sklearn.utils

import adjoint as ad
from adjoint import nn
from adjoint.training.step import TrainingStep

X = np.array([1.0, 2.0, 3.0])
calls = 0


@pytest.fixture(params=["compile", "trace", "write_source"])
def trace(request, tmp_path):
    """Trace a function in each of the ways there are."""
    return {
        "compile": lambda f: ad.compile(f)(X),
        "trace": lambda f: ad.trace(f, X),
        "write_source": lambda f: ad.write_source(f, tmp_path / "f.py", X),
    }[request.param]


# --- random numbers

PLAIN = random.Random(0)
REACHED = types.SimpleNamespace(rng=np.random.default_rng(0))


def draws():
    """Return functions that draw, the name of what they draw from, and its state."""
    rng, old, plain = np.random.default_rng(0), np.random.RandomState(0), random.Random(0)
    normal, numbers = rng.normal, np.arange(3.0)
    bits = np.random.PCG64(3)
    of_numpy = lambda: repr(np.random.get_state())  # noqa: E731
    return {
        "generator": (lambda x: x + rng.standard_normal(3), "rng", lambda: rng.bit_generator.state),
        "method": (lambda x: x + normal(size=3), "normal", lambda: rng.bit_generator.state),
        "attribute": (
            lambda x: x + REACHED.rng.random(),
            "REACHED.rng",
            lambda: REACHED.rng.bit_generator.state,
        ),
        "bits": (
            lambda x: x + np.random.Generator(bits).random(),
            "bits",
            lambda: repr(bits.state),
        ),
        "RandomState": (lambda x: x + old.rand(3), "old", lambda: repr(old.get_state())),
        "np.random": (lambda x: x + np.random.rand(3), "numpy.random", of_numpy),
        "np.random.seed": (
            lambda x: (np.random.seed(0), x + np.random.rand(3))[1],
            "numpy.random",
            of_numpy,
        ),
        "shuffle": (lambda x: (rng.shuffle(numbers), x)[1], "rng", lambda: numbers.tolist()),
        "random": (lambda x: x * random.random(), "Python's random module", random.getstate),
        "Random": (lambda x: x * plain.gauss(0, 1), "plain", plain.getstate),
    }


@pytest.mark.parametrize("kind", draws())
def test_random_numbers_are_refused_with_what_works(kind, trace, monkeypatch):
    # Shared generators are put back where there is one thread; those that run the tests count.
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    function, name, state = draws()[kind]
    before = state()
    with pytest.raises(TypeError, match=f"{name} was drawn from.*nn.Dropout or ad.uniform"):
        trace(function)
    assert state() == before


class Kept(threading.local):
    """What each thread has for itself."""


class Made:
    def __new__(cls):
        REACHED.rng.random()
        return object.__new__(cls)

    def __class_getitem__(cls, key):
        return REACHED.rng.random()

    def __init_subclass__(cls):
        cls.drawn = REACHED.rng.random()


class Called:
    __call__ = REACHED.rng.random


def hidden_ways():
    """Return functions that draw from a generator which no usual name leads to."""

    def derives(x):
        class Derived(Made):
            pass

        return x * Derived.drawn

    kept, plain, context = Kept(), threading.local(), contextvars.ContextVar("generator")
    kept.rng = plain.rng = REACHED.rng
    context.set(REACHED.rng)
    generators = {"rng": REACHED.rng}
    values, items = generators.values(), generators.items()
    ordered = collections.OrderedDict(generators).values()
    weak, weakly = weakref.ref(PLAIN), weakref.WeakValueDictionary(plain=PLAIN)
    among, drawn = weakref.WeakSet([PLAIN]), REACHED.rng.random.__call__
    return {
        "of this thread": lambda x: x * plain.rng.random(),
        "of this thread in a class": lambda x: x * kept.rng.random(),
        "of this context": lambda x: x * context.get().random(),
        "values": lambda x: x * next(iter(values)).random(),
        "ordered values": lambda x: x * next(iter(ordered)).random(),
        "items": lambda x: x * dict(items)["rng"].random(),
        "a weak reference": lambda x: x * weak().random(),
        "a dict of weak references": lambda x: x * weakly["plain"].random(),
        "a set of weak references": lambda x: x * next(iter(among)).random(),
        "a method of a method": lambda x: x * drawn(),
        "making an object": lambda x: (Made(), x)[1],
        "an index of a class": lambda x: x * Made[0],
        "deriving a class": derives,
        "a call that is no function": lambda x: x * Called()(),
    }


@pytest.mark.parametrize("way", hidden_ways())
def test_a_draw_by_a_hidden_way_is_refused_and_put_back(way):
    before = REACHED.rng.bit_generator.state, PLAIN.getstate()
    function = hidden_ways()[way]
    with pytest.raises(TypeError, match="was drawn from"):
        ad.trace(function, X)
    assert (REACHED.rng.bit_generator.state, PLAIN.getstate()) == before


def shared_draws():
    """Return functions that draw, in many ways, from what all threads share."""

    def imports_within(x):
        import numpy.random as numbers

        return x + numbers.rand(3)

    def looks_up(x):
        return x + getattr(np, "ran" + "dom").rand(3)

    def evaluates(x):
        return x * eval("__import__('random').random()")

    def of_a_module(x):
        return x * importlib.import_module("random").random()

    def imports_what_draws(x):
        import draws_when_called

        return x * draws_when_called.number()

    @ad.custom_vjp(lambda g, y, x: (g,))
    def own_operation(x):
        return x * np.random.rand()

    def any_function():
        pass

    def looks_into_a_function(x):
        return x * any_function.__globals__["ran" + "dom"].random()

    rand, hidden = np.random.rand, np.random.mtrand._rand
    bits, python, ranf = hidden._bit_generator, random.random, np.random.ranf
    evaluate, bell = eval, statistics.NormalDist()
    return {
        "np.random": lambda x: x + np.random.rand(3),
        "random": lambda x: x * random.gauss(0, 1),
        "method of NumPy's": lambda x: x + rand(3),
        "method of Python's": lambda x: x * python(),
        "called by C": lambda x: x * sum(map(random.getrandbits, [3])),
        "function of NumPy's": lambda x: x * ranf(),
        "generator": lambda x: x + hidden.normal(size=3),
        "its bits": lambda x: x + np.random.Generator(bits).random(3),
        "imported within": imports_within,
        "imported for the first time": imports_what_draws,
        "looked up": looks_up,
        "evaluated": evaluates,
        "evaluated by another name": lambda x: x * evaluate("random.random()"),
        "among the globals": lambda x: x * globals()["ran" + "dom"].random(),
        "among those of a function": looks_into_a_function,
        "a module that draws itself": lambda x: x * statistics.NormalDist().samples(1)[0],
        "an object of one": lambda x: x * bell.samples(1)[0],
        "by the name of a module": of_a_module,
        "an operation of the user's": own_operation,
        "a checkpoint": ad.checkpoint(lambda x: x + np.random.rand(3)),
        "a compiled function": ad.compile(lambda x: x + np.random.rand(3)),
        "a library": lambda x: x + sklearn.utils.check_random_state(None).rand(3),
        "a module": DrawsInForward(),
    }


class DrawsInForward(nn.Module):
    def forward(self, x):
        return x * np.random.normal()


@pytest.mark.parametrize("kind", shared_draws())
def test_a_generator_that_other_threads_share_is_refused_and_goes_on(kind, monkeypatch, tmp_path):
    monkeypatch.setattr(threading, "active_count", lambda: 2)
    (tmp_path / "draws_when_called.py").write_text(
        "import random\nnumber = lambda: random.random()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "draws_when_called", raising=False)
    function = shared_draws()[kind]
    before = repr((np.random.get_state(), random.getstate()))
    with pytest.raises(TypeError, match="was drawn from"):
        ad.trace(function, X)
    assert repr((np.random.get_state(), random.getstate())) != before


@pytest.fixture
def another_thread_draws():
    """Let a thread draw all the time; it does so whenever this one sleeps."""
    over = threading.Event()

    def draw():
        while not over.wait(1e-4):
            random.random()
            np.random.rand()

    thread = threading.Thread(target=draw)
    thread.start()
    yield
    over.set()
    thread.join()


def test_a_draw_of_another_thread_is_not_the_functions_own(trace, another_thread_draws):
    def function(x):
        time.sleep(0.02)
        return np.tanh(x)

    trace(function)


def test_epochs_stay_native_while_another_thread_draws(another_thread_draws, monkeypatch):
    differentiated = TrainingStep._differentiated

    def slowly(step, values):
        time.sleep(0.02)
        return differentiated(step, values)

    monkeypatch.setattr(TrainingStep, "_differentiated", slowly)
    model = nn.MLP(3, 4, 1, rng=0)
    rng = np.random.default_rng(0)
    data = rng.normal(size=(50, 3)), rng.normal(size=(50, 1))
    optimizer = ad.optim.SGD(model.parameters(), lr=0.05)
    history = ad.fit(model, data, loss=nn.MSELoss(), optimizer=optimizer, epochs=2, compile=True)
    assert history.tier == "native", history.report()


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x + np.random.default_rng().random(3),
        lambda x: x * np.random.RandomState().rand(),
        lambda x: x * random.Random().random(),
        lambda x: x + random.Random().gauss(),
        lambda x: nn.Dropout(0.5)(x),
        lambda x: x * os.urandom(1)[0],
    ],
)
def test_numbers_from_the_operating_system_are_refused(function, trace):
    with pytest.raises(TypeError, match="from the operating system while"):
        trace(function)


def test_a_generator_that_is_made_from_a_seed_within_is_fine(trace):
    trace(lambda x: x + np.random.default_rng(0).random(3))
    compiled = ad.compile(lambda x: x + np.random.default_rng(0).random(3))
    assert compiled(X).tolist() == compiled(X).tolist() == (compiled.function(X)).tolist()


def test_a_seeded_random_state_is_refused_with_what_works(trace):
    with pytest.raises(TypeError, match=r"np.random.default_rng\(seed\) does not"):
        trace(lambda x: x + np.random.RandomState(0).rand(3))
    trace(lambda x: x + random.Random(0).random())


def test_what_works_instead_of_drawing_works():
    state = np.array([1.0, 2.0, 3.0])
    compiled = ad.compile(lambda x, noise: x + noise + ad.uniform(state, shape=(3,)))
    noise = np.random.default_rng(0).normal(size=3)
    np.testing.assert_array_equal(compiled(X, noise), compiled.function(X, noise))
    state[2] += 1
    np.testing.assert_array_equal(compiled(X, noise), compiled.function(X, noise))


# --- iterators


def generated():
    while True:
        yield 2.0


ITERATORS = {
    "list": lambda: iter([2.0, 3.0]),
    "dict": lambda: iter({2.0: 1}),
    "zip": lambda: zip([2.0], [3.0], strict=True),
    "map": lambda: map(abs, [2.0]),
    "count": lambda: itertools.count(2.0),
    "cycle": lambda: itertools.cycle([2.0]),
    "generator": generated,
}


@pytest.mark.parametrize("kind", ITERATORS)
def test_an_iterator_of_outside_is_refused_and_not_taken_from(kind, trace):
    held, fresh = ITERATORS[kind](), ITERATORS[kind]()
    attribute = types.SimpleNamespace(items=held)
    for function in (
        lambda x: x * np.sum(next(held)),
        lambda x: sum(x for _ in held),
        lambda x: x * np.sum(next(attribute.items)),
    ):
        with pytest.raises(TypeError, match="an iterator from outside"):
            trace(function)
    assert next(held) == next(fresh)


@pytest.mark.parametrize("kind", ["list", "dict", "zip", "map", "count", "generator"])
def test_an_iterator_in_a_tuple_is_refused(kind, trace):
    pair = (ITERATORS[kind](), 1.0)
    next(pair[0]) if kind in ("count", "generator") else None
    with pytest.raises(TypeError, match="an iterator from outside"):
        trace(functools.partial(lambda pair, x: x * np.sum(next(pair[0])), pair))


def test_iterators_made_within_are_fine(trace):
    numbers = [1.0, 2.0]
    trace(lambda x: sum(x * n for n in numbers) + next(iter(numbers)) * x[::-1])


# --- changes of what is outside


class Counter:
    total = 0

    def __init__(self):
        self.i = 0

    def __next__(self):
        self.i += 1
        return self.i


def changing():
    """Return functions that change something, what the error names, and what must stay."""
    items, table, members, queue = [1.0], {"a": 1.0}, {1.0}, collections.deque([1.0])
    o, array, large, text = Counter(), np.ones(3), np.ones(3000), bytearray(b"ab")
    leaf, local = ad.tensor([1.0, 2.0, 3.0]), 0

    def of_global(x):
        global calls
        calls += 1
        return x

    def new_global(x):
        global brand_new
        brand_new = 1
        return x

    def of_closure(x):
        nonlocal local
        local += 1
        return x

    def of_itself(x):
        of_itself.calls = 1
        return x

    def does(action):
        return lambda x: (action(x), x)[1]

    return {
        "append": (does(lambda x: items.append(x)), "items", lambda: items),
        "pop": (does(lambda x: queue.popleft()), "queue", lambda: list(queue)),
        "entry": (does(lambda x: table.update(b=2)), "table['b']", lambda: table),
        "member": (does(lambda x: members.add(2)), "members", lambda: members),
        "attribute": (does(lambda x: setattr(o, "last", x)), "o.last", lambda: vars(o)),
        "own iterator": (does(lambda x: next(o)), "o.i", lambda: vars(o)),
        "class": (does(lambda x: setattr(Counter, "total", 1)), "total", lambda: Counter.total),
        "new in class": (
            does(lambda x: setattr(Counter, "fresh", 1)),
            "fresh",
            lambda: hasattr(Counter, "fresh"),
        ),
        "global": (of_global, "calls", lambda: calls),
        "new global": (new_global, "brand_new", lambda: "brand_new" in globals()),
        "closure": (of_closure, "local", lambda: local),
        "function": (of_itself, "calls", lambda: vars(of_itself)),
        "array": (does(lambda x: array.fill(2.0)), "array", array.tolist),
        "large array": (does(lambda x: large.__setitem__(0, 2.0)), "large", large.tolist),
        "out": (does(lambda x: np.add(array, 1, out=array)), "array", array.tolist),
        "bytes": (does(lambda x: text.__setitem__(0, 1)), "text", lambda: bytes(text)),
        "tensor": (does(lambda x: leaf.__setitem__(0, 9.0)), "leaf", lambda: leaf.tolist()),
    }


@pytest.mark.parametrize("kind", changing())
def test_a_change_of_what_is_outside_is_refused_and_put_back(kind, trace):
    function, name, state = changing()[kind]
    before = repr(state())
    with pytest.raises(TypeError, match=r"while the function was traced|cannot assign into a ten"):
        trace(function)
    assert repr(state()) == before
    with pytest.raises(TypeError) as caught:
        ad.trace(function, X)
    assert name in str(caught.value)


def test_another_error_leaves_what_is_outside_as_it_was(trace):
    items = []

    def function(x):
        items.append(x)
        return x if x[0] > 0 else -x

    with pytest.raises(TypeError, match="no number yet"):
        trace(function)
    assert items == []


def test_a_module_that_keeps_what_it_computes_is_refused_and_put_back(trace):
    class Keeps(nn.Module):
        def forward(self, x):
            self.last = x * 2
            return self.last

    module = Keeps()
    with pytest.raises(TypeError, match=r"Keeps\.last was|last was changed"):
        trace(module)
    assert vars(module) == {}


def test_what_a_function_makes_itself_it_may_change(trace):
    class Lazy:
        @functools.cached_property
        def factor(self):
            return 2.0

    lazy = Lazy()

    def function(x):
        items, table, buffer = [], {}, np.zeros(3)
        items.append(x)
        table["x"] = items.pop()
        buffer[0] = lazy.factor
        return table["x"] * buffer

    trace(function)


def test_to_log_and_to_print_is_no_effect(trace, capsys):
    import logging

    log = logging.getLogger("adjoint.test")

    def function(x):
        log.debug("traced %s", x.shape)
        print("traced")
        return x

    trace(function)
    assert "traced" in capsys.readouterr().out


def test_a_function_may_be_traced_while_another_thread_reads_its_array():
    c, wrong = np.ones(3000), []
    functions = [ad.compile(lambda x, k=k: x * c * k) for k in range(4)]

    def work(k):
        for _ in range(5):
            if functions[k](np.ones(3000)).sum() != 3000 * k:
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in (0, 1, 2, 3, 3, 2, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# --- training


def trained(compile, change, **settings):
    """Return history and weights of a training in which a callback changes what the loss reads."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 3)), rng.normal(size=(50, 1))
    model = nn.MLP(3, 4, 1, rng=0)
    held = types.SimpleNamespace(array=np.ones((20, 1)), factor=1.0, shift=ad.tensor(0.0))

    def loss(prediction, target):
        rows = held.array[: len(target.shape) - 1].sum() * held.factor
        return ((prediction - target) ** 2).mean() * rows + held.shift

    history = ad.fit(
        model,
        (X, y),
        loss=loss,
        optimizer=ad.optim.SGD(model.parameters(), lr=0.05),
        epochs=5,
        batch_size=20,
        seed=0,
        compile=compile,
        callbacks=[lambda history, model: change(held, len(history))],
        **settings,
    )
    return history, [parameter.data for parameter in model.parameters()]


@pytest.mark.parametrize("settings", [{}, {"metrics": ["mae"]}])
@pytest.mark.parametrize(
    "change",
    [
        lambda held, n: held.array.__setitem__(0, 1.0 + n),
        lambda held, n: held.array.__setitem__(0, 3.0) if n == 2 else None,
        lambda held, n: setattr(held, "array", np.full((20, 1), 0.1 * n)),
        lambda held, n: setattr(held, "factor", 0.5 * n),
    ],
)
def test_what_a_callback_changes_of_what_the_loss_reads_is_read(change, settings):
    compiled, eager = trained(True, change, **settings), trained(False, change, **settings)
    # Rounding of sums in another order, over some ten steps.
    np.testing.assert_allclose(compiled[0].loss, eager[0].loss, rtol=1e-10)
    for got, expected in zip(compiled[1], eager[1], strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-10)


def test_a_loss_that_draws_is_not_compiled():
    rng = np.random.default_rng(0)
    model = nn.Linear(2, 1, rng=0)

    def loss(prediction, target):
        return ((prediction - target) ** 2).mean() * rng.random()

    def fit(compile):
        optimizer = ad.optim.SGD(model.parameters(), lr=0.1)
        data = np.ones((4, 2)), np.ones((4, 1))
        return ad.fit(
            model, data, loss=loss, optimizer=optimizer, epochs=2, batch_size=2, compile=compile
        )

    with pytest.raises(ValueError, match="rng was drawn from"):
        fit(True)
    assert fit("auto").tier == "eager"


def test_what_an_optimiser_of_the_users_reads_is_read_at_each_step():
    scale, slow = np.ones(1), ad.tensor(1.0)

    class Signed(ad.optim.Optimizer):
        factor = 1.0

        def update(self, parameter, gradient, memory, settings):
            by = settings["lr"] * self.factor * scale[0] * slow
            return parameter - by * np.sign(gradient), memory

    def weights(compiled):
        model = nn.Linear(3, 1, rng=0)
        optimizer = Signed(model.parameters(), lr=0.125)
        step = TrainingStep(model, nn.functional.mse_loss, optimizer)
        scale[0], slow.data = 1.0, np.array(1.0)
        found = []
        for change in (
            lambda: None,
            lambda: setattr(optimizer, "factor", 3.0),
            lambda: scale.fill(0.5),
            lambda: setattr(slow, "data", np.array(2.0)),
        ):
            change()
            X, y = np.ones((5, 3)), np.full((5, 1), 100.0)
            if compiled:
                step(X, y)
            else:
                optimizer.zero_grad()
                nn.functional.mse_loss(model(X), y).backward()
                optimizer.step()
            found.append(model.weight.data)
        return found

    np.testing.assert_array_equal(weights(True), weights(False))


def test_an_optimiser_that_counts_for_itself_is_refused():
    class Counting(ad.optim.Optimizer):
        taken = 0

        def update(self, parameter, gradient, memory, settings):
            self.taken += 1
            return parameter - settings["lr"] / self.taken * gradient, memory

    model = nn.Linear(3, 1, rng=0)
    optimizer = Counting(model.parameters(), lr=0.1)
    step = TrainingStep(model, nn.functional.mse_loss, optimizer)
    with pytest.raises(TypeError, match=r"taken was changed"):
        step(np.ones((5, 3)), np.ones((5, 1)))
    assert optimizer.taken == 0
