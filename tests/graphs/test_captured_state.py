"""What a compiled function reads besides its arguments is read as it is at each call."""

import collections
import contextvars
import dataclasses
import functools
import operator
import random
import sys
import threading
import types
import weakref

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn

X = np.array([1.0, 2.0, 3.0])
RATE, backend = 2.0, np


@pytest.fixture(autouse=True)
def portable(monkeypatch):
    """Compile to NumPy, whose roundings are those of the plain function."""
    from adjoint.compiler import program

    monkeypatch.setattr(program, "TIERS", {})


def follow(function, *changes, x=X):
    """Check that a compiled function gives the function's results after each of some changes."""
    compiled = ad.compile(function)
    for change in (lambda: None, *changes):
        change()
        for _ in range(2):
            expected = function(x)
            assert np.array(compiled(x)).tobytes() == np.array(expected).tobytes()
    return compiled


def entry(item, key, value):
    return lambda: operator.setitem(item, key, value)


def attribute(item, name, value):
    return lambda: setattr(item, name, value)


# --- arrays


def changes_of(array):
    return entry(array, 0, 5.0), entry(array, 1, np.nan), entry(array, 2, -0.0), array.sort


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("size", [3, 3000])
def test_an_array_that_is_changed_in_place_is_read_anew(size, dtype):
    c = np.zeros(size, dtype)
    follow(lambda x: x[:size] * c, *changes_of(c), x=np.ones(size, dtype))


def test_a_gradient_reads_a_changed_array():
    c = np.zeros(3)
    gradient = ad.compile(ad.grad(lambda x: np.sum(x * c)))
    assert gradient(X).tolist() == [0, 0, 0]
    c[:] = 1
    assert gradient(X).tolist() == [1, 1, 1]


def test_a_large_array_is_an_input_of_the_graph():
    c = np.zeros(3000)
    compiled = follow(lambda x: x * c, *changes_of(c), x=np.ones(3000))
    assert len(compiled.programs) == 1
    assert [symbol.shape for symbol in compiled.graph.inputs] == [(3000,), (3000,)]


def test_a_small_array_that_changes_becomes_an_input():
    c = np.zeros(3)
    compiled = follow(lambda x: x * c, *(entry(c, 0, k) for k in range(20)))
    assert len(compiled.programs) == 1
    assert len(compiled.graph.inputs) == 2


@pytest.mark.parametrize("size", [3, 3000])
def test_numbers_that_python_reads_from_an_array_are_seen_to_change(size):
    c = np.zeros(size)
    changes = entry(c, 0, 2.0), entry(c, 1, -7.0), entry(c, 0, 2.5)
    follow(lambda x: x * float(c[0]) if c.min() > -1 else x + len(np.unique(c)), *changes)
    follow(lambda x: x * 2 if isinstance(c, np.ndarray) and c.max() > 50 else x, entry(c, 0, 99.0))

    def caught(x):
        try:
            return x * float(c.max())
        except TypeError:
            return x

    follow(caught, entry(c, 0, 100.0))


@pytest.mark.parametrize("size", [3, 5000])
def test_indices_and_masks_are_seen_to_change(size):
    index, mask = np.zeros(size, int), np.zeros(size, bool)
    x = np.arange(size) + 1.0
    follow(lambda x: x[index], entry(index, 1, 2), entry(index, slice(None), 1), x=x)
    follow(lambda x: x[mask], entry(mask, 1, True), entry(mask, slice(None), True), x=x)


def test_views_strides_and_arrays_without_axes_are_seen_to_change():
    c = np.zeros((4, 6))
    view, transposed, number = c[::2, 1::2], c.T, np.array(1.0)
    follow(lambda x: view @ x, entry(c, 0, 5.0), entry(view, (1, 1), 2.0))
    follow(lambda x: x @ transposed[:3], entry(c, 1, 7.0))
    follow(lambda x: x * number, entry(number, (), 7.0), entry(number, (), 8.0))
    follow(lambda x: x * c[:0].sum(), entry(c, 0, 1.0))


def test_arrays_where_nothing_can_be_put_are_seen_to_change():
    c = np.zeros(3000)
    follow(functools.partial(lambda c, x: x * c[:3], c), entry(c, 0, 5.0), entry(c, 1, 6.0))
    pair = (c, [c])
    follow(lambda x: x * pair[0][:3] + pair[1][0][:3], entry(c, 0, 7.0))


def test_bytes_and_object_arrays_are_seen_to_change():
    small, objects = bytearray(b"\x01\x02"), np.array([1.0, 2.0], object)
    follow(lambda x: x * small[0] * len(small), entry(small, 0, 5), lambda: small.append(1))
    follow(lambda x: x * objects[0], entry(objects, 0, 5.0))


def test_a_result_written_over_a_captured_array_is_read_at_the_next_call():
    c = np.ones(3)
    double = ad.compile(lambda x: c * 2 + x)
    for expected in (2.0, 4.0, 8.0):
        assert double(np.zeros(3), out=c).tolist() == [expected] * 3


def test_two_tensors_of_one_name_are_both_read():
    def scaled_by(w):
        return lambda x: x * w

    first, second = ad.tensor(2.0), ad.tensor(3.0)
    f, g = scaled_by(first), scaled_by(second)
    follow(lambda x: f(x) + 10 * g(x), attribute(second, "data", np.array(5.0)))


def test_a_computed_tensor_that_is_assigned_into_is_read_anew():
    y = ad.tensor(X, requires_grad=True) * 2
    compiled = ad.compile(lambda x: x + y.detach())
    assert compiled(X).tolist() == [3, 6, 9]
    y[0] = 100.0
    assert compiled(X).tolist() == [101, 6, 9]


# --- objects, classes, modules, functions


class Base:
    scale = 2.0

    def helper(self, x):
        return x * self.scale


class Derived(Base):
    offset = 1.0

    def __init__(self):
        self.weight, self.sub = 3.0, types.SimpleNamespace(values=[1.0, 2.0], deep=Base())
        self.unused = []

    @property
    def doubled(self):
        return self.weight * 2

    @classmethod
    def shifted(cls, x):
        return x + cls.offset

    def __call__(self, x):
        return (
            self.shifted(self.helper(x)) * self.doubled + self.sub.values[1] * self.sub.deep.scale
        )


@pytest.fixture
def classes(monkeypatch):
    """Give Base and Derived what they had back, after the test."""
    for kind, name in [(Base, "scale"), (Base, "helper"), (Derived, "offset")]:
        monkeypatch.setattr(kind, name, vars(kind)[name])


@pytest.mark.usefixtures("classes")
@pytest.mark.parametrize("how", ["object", "method", "variable"])
def test_attributes_of_objects_and_their_classes_are_seen_to_change(how):
    o = Derived()
    function = {"object": o, "method": o.__call__, "variable": lambda x: o(x)}[how]
    follow(
        function,
        attribute(o, "weight", 5.0),
        entry(o.sub.values, 1, 7.0),
        attribute(o.sub.deep, "scale", -1.0),
        attribute(o, "sub", types.SimpleNamespace(values=[0.0, 4.0], deep=Base())),
        attribute(Derived, "offset", 9.0),
        attribute(Base, "scale", 11.0),
        attribute(o, "scale", 12.0),
        lambda: delattr(o, "scale"),
        attribute(Base, "helper", lambda self, x: x * x),
        attribute(o, "helper", lambda x: -x),
        attribute(o, "__class__", type("Other", (Derived,), {"offset": 0.5})),
    )


@pytest.mark.usefixtures("classes")
def test_a_class_attribute_that_a_subclass_comes_to_hide_is_seen():
    sub = type("Sub", (Base,), {"__module__": __name__})
    follow(
        lambda x: x * sub.scale,
        attribute(Base, "scale", 3.0),
        attribute(sub, "scale", 4.0),
        lambda: delattr(sub, "scale"),
    )


def test_what_code_does_not_name_is_not_looked_at():
    o = Derived()
    compiled = ad.compile(o)
    compiled(X)
    o.unused.append(1)
    compiled(X)
    assert len(compiled.programs) == 1


def test_attributes_by_names_made_at_run_time_are_seen_to_change():
    o, name = types.SimpleNamespace(a=1.0, b=2.0), "a"
    follow(lambda x: x * getattr(o, name), attribute(o, "a", 3.0))
    follow(lambda x: x * sum(vars(o).values()), attribute(o, "b", 3.0), attribute(o, "c", 1.0))
    follow(lambda x: x * 2 if hasattr(o, "late") else x, attribute(o, "late", 0))
    config = type("Config", (), {"a": 1.0, "__module__": __name__})
    follow(lambda x: x * getattr(config, name), attribute(config, "a", 3.0))
    module = types.ModuleType("mine")
    module.a = 1.0
    follow(lambda x: x * getattr(module, name), attribute(module, "a", 3.0))
    get = operator.attrgetter("a")
    follow(lambda x: x * get(o), attribute(o, "a", -1.0))


def test_dataclasses_slots_and_named_tuples_are_seen_to_change():
    plain = dataclasses.make_dataclass("Plain", [("a", float), ("inner", object)])
    slotted = dataclasses.make_dataclass("Slotted", [("a", float)], slots=True)
    p, s = plain(1.0, plain(2.0, None)), slotted(3.0)
    pair = collections.namedtuple("Pair", "a b")([4.0], np.ones(3))
    follow(
        lambda x: x * p.a * p.inner.a * s.a * pair.a[0] + pair.b,
        attribute(p.inner, "a", 5.0),
        attribute(s, "a", 6.0),
        entry(pair.a, 0, 7.0),
        entry(pair.b, 0, 8.0),
    )


def test_containers_are_seen_to_change():
    chain, mapping = collections.ChainMap({}, {"a": 1.0}), collections.UserDict(a=1.0)
    follow(
        lambda x: x * chain["a"] * mapping["a"],
        entry(chain.maps[1], "a", 3.0),
        entry(chain, "a", 4.0),
        entry(mapping, "a", 5.0),
    )
    queue, members, table = collections.deque([1.0, 2.0]), {1.0, 2.0}, {"f": np.sin}
    follow(
        lambda x: table["f"](x) * queue[0] + sum(members),
        lambda: queue.appendleft(5.0),
        lambda: members.add(7.0),
        entry(table, "f", np.cos),
    )


def test_functions_their_code_defaults_and_attributes_are_seen_to_change():
    def inner(x, by=2.0, more=(1.0, [3.0]), *, last=1.0):
        return x * by * more[1][0] * last * inner.factor

    inner.factor = 1.0
    follow(
        lambda x: inner(x),
        attribute(inner, "factor", 2.0),
        entry(inner.__defaults__[1][1], 0, 5.0),
        attribute(inner, "__defaults__", (7.0, (1.0, [1.0]))),
        entry(inner.__kwdefaults__, "last", 3.0),
    )


def test_a_function_whose_code_is_replaced_is_seen():
    def inner(x):
        return x * 2

    follow(lambda x: inner(x), attribute(inner, "__code__", (lambda x: x + 5).__code__))


def test_the_arguments_of_partial_functions_are_seen_to_change():
    values = [2.0]
    function = functools.partial(lambda v, x, k: x * v[0] * k, values, k=1.0)
    follow(function, entry(values, 0, 3.0), entry(function.keywords, "k", 5.0))
    asked = functools.partial(getattr, types.SimpleNamespace(a=1.0), "a")
    follow(lambda x: x * asked(), attribute(asked.args[0], "a", 2.0))


class Kept(threading.local):
    factor = 2.0


class Held:
    factor = 2.0


@pytest.mark.parametrize("kept", [threading.local(), Kept()])
def test_what_a_thread_keeps_for_itself_is_read_in_each(kept):
    kept.factor = 3.0
    compiled = follow(lambda x: x * kept.factor, attribute(kept, "factor", 4.0))
    found = []

    def elsewhere():
        kept.factor = 5.0
        found.append(compiled(X).tolist())

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert found == [[5.0, 10.0, 15.0]]
    assert compiled(X).tolist() == [4.0, 8.0, 12.0]


def test_what_a_context_a_reference_and_a_view_lead_to_is_seen_to_change():
    context = contextvars.ContextVar("factor", default=2.0)
    compiled = follow(lambda x: x * context.get(), lambda: context.set(3.0))
    elsewhere = contextvars.copy_context()
    elsewhere.run(context.set, 4.0)
    assert elsewhere.run(compiled, X).tolist() == [4.0, 8.0, 12.0]
    held, factors = Held(), {"a": 2.0}
    weak, values = weakref.ref(held), factors.values()
    follow(lambda x: x * weak().factor, attribute(held, "factor", 3.0))
    follow(lambda x: x * sum(values), entry(factors, "b", 3.0), entry(factors, "b", 4.0))


def test_what_objects_of_numpy_compute_with_is_seen_to_change(monkeypatch):
    ones, polynomial = np.ones(3), np.poly1d([1.0, 2.0])
    times = np.vectorize(lambda number: number * RATE, otypes=[float])
    follow(lambda x: x * times(ones), lambda: monkeypatch.setitem(globals(), "RATE", 5.0))
    follow(lambda x: x * polynomial(2.0), entry(polynomial.coeffs, 0, 5.0))


def test_descriptors_and_special_methods_are_followed(monkeypatch):
    class Held:
        value = 2.0

        def __get__(self, instance, owner=None):
            return self.value

    class Odd(dict):
        held, table = Held(), {"late": 3.0}

        def __missing__(self, key):
            return RATE

        def __getattr__(self, name):
            return self.table[name]

    odd = Odd()
    follow(
        lambda x: x * odd.held + odd["none"] * odd.late,
        attribute(vars(Odd)["held"], "value", 5.0),
        lambda: monkeypatch.setitem(globals(), "RATE", 7.0),
        entry(Odd.table, "late", 9.0),
        entry(odd, "none", 11.0),
    )


def test_modules_below_modules_and_imports_within_are_seen_to_change(monkeypatch):
    module, sub = types.ModuleType("mine"), types.ModuleType("mine.sub")
    module.sub, sub.rate, module.act = sub, 2.0, np.sin
    monkeypatch.setitem(sys.modules, "mine", module)

    def imports(x):
        from mine import sub

        return x * sub.rate

    for function in (lambda x: module.act(x) * module.sub.rate, imports):
        other = types.SimpleNamespace(rate=9.0)
        follow(
            function,
            attribute(sub, "rate", 3.0),
            attribute(module, "act", np.cos),
            attribute(module, "sub", other),
        )
        module.sub = sub


def test_globals_of_nested_functions_and_modules_in_them_are_seen_to_change(monkeypatch):
    def outer(x):
        def inner(y):
            return backend.sin(y) * RATE

        return inner(x)

    follow(
        outer,
        lambda: monkeypatch.setitem(globals(), "RATE", 5.0),
        lambda: monkeypatch.setitem(globals(), "backend", types.SimpleNamespace(sin=np.cos)),
        lambda: monkeypatch.setitem(globals(), "RATE", np.float32(0.1)),
    )


def test_a_builtin_that_a_global_comes_to_hide_is_seen(monkeypatch):
    follow(lambda x: abs(x), lambda: monkeypatch.setitem(globals(), "abs", lambda x: x * 7))


def test_a_modules_arrays_and_class_attributes_are_seen_to_change():
    class Scaled(nn.Module):
        factor = 2.0

        def __init__(self):
            self.array, self.table = np.ones(3), {"a": [1.0]}

        def forward(self, x):
            return x * self.array * self.factor * self.table["a"][0]

    module = Scaled()
    follow(
        module,
        entry(module.array, 0, 5.0),
        attribute(Scaled, "factor", 3.0),
        entry(module.table["a"], 0, 7.0),
        attribute(module, "factor", 1.0),
        attribute(module, "array", np.zeros(3)),
    )


# --- any sequence of changes


def some_function(rng):
    """Return a function that reads much, and what changes that."""
    small, large = np.ones(4), np.ones(600)
    o, sub = Derived(), type("Sub", (Base,), {"__module__": __name__, "scale": 1.0})
    o.sub.deep = sub()
    leaf, table = ad.tensor(np.ones(4)), {"act": np.sin, "list": [1.0, small]}
    bound = functools.partial(lambda v, x, by: x * v * by, small, by=2.0)
    flag, factor = False, 1.5

    def nested(x):
        return x * factor + (large[:4] if flag else table["list"][1])

    parts = [
        lambda x: x * small,
        lambda x: x * large.reshape(150, 4).sum(axis=0),
        lambda x: o(x) + o.sub.deep.scale,
        lambda x: table["act"](x) * table["list"][0],
        lambda x: x * leaf,
        lambda x: bound(x),
        nested,
        lambda x: x * float(small[0]) if small[1] > 0 else x,
    ]
    chosen = rng.sample(parts, 4)

    def toggle():
        nonlocal flag
        flag = not flag

    def rescale():
        nonlocal factor
        factor = rng.choice([1.5, -0.0, 2, np.float32(0.1)])

    numbers = [0.0, -0.0, np.nan, np.inf, 3.0, 1e200]
    changes = [
        lambda: operator.setitem(small, rng.randrange(4), rng.choice(numbers)),
        lambda: operator.setitem(large, rng.randrange(8), rng.choice(numbers)),
        lambda: setattr(o, rng.choice(["weight", "scale"]), rng.choice(numbers)),
        lambda: vars(o).pop("scale", None),
        lambda: setattr(sub, "scale", rng.choice(numbers)),
        lambda: setattr(o.sub, "deep", rng.choice([sub(), Base()])),
        lambda: operator.setitem(table, "act", rng.choice([np.sin, np.cos, np.exp])),
        lambda: operator.setitem(table["list"], 0, rng.choice(numbers)),
        lambda: operator.setitem(table["list"], 1, rng.choice([small, large[:4], np.ones(4)])),
        lambda: setattr(leaf, "data", np.array([rng.choice(numbers)] * 4)),
        lambda: operator.setitem(bound.keywords, "by", rng.choice(numbers)),
        toggle,
        rescale,
    ]
    return lambda x: sum((part(x) for part in chosen), 0 * x), changes


@pytest.mark.parametrize("seed", range(12))
def test_calls_between_any_changes_are_the_plain_functions(seed):
    rng = random.Random(seed)
    function, changes = some_function(rng)
    compiled, x = ad.compile(function), np.array([0.5, -1.0, 2.0, 0.0])
    for _ in range(25):
        for change in rng.choices(changes, k=rng.randrange(3)):
            change()
        with np.errstate(all="ignore"):
            expected = np.asarray(function(ad.tensor(x)).data)
        got = compiled(x)
        assert got.dtype == expected.dtype
        np.testing.assert_array_equal(got, expected)
        assert np.array_equal(np.signbit(got), np.signbit(expected)) or np.isnan(expected).any()


def test_what_super_finds_is_followed():
    class Base:
        rate = 2.0

        def scaled(self, x):
            return x * self.rate

    class Middle(Base):
        def scaled(self, x):
            return super().scaled(x) + 1.0

    class Top(Middle):
        def scaled(self, x):
            return super().scaled(x) * 10.0

    top = Top()
    compiled = ad.compile(top.scaled)
    assert compiled(1.0) == 30.0
    Base.rate = 5.0
    assert compiled(1.0) == 60.0
    Base.scaled = lambda self, x: x * 100.0
    assert compiled(1.0) == 1010.0
    Middle.scaled = lambda self, x: x
    assert compiled(1.0) == 10.0


def test_what_super_changes_is_refused_and_put_back():
    class Counter:
        def step(self, x):
            self.calls += 1
            return x

    class Doubled(Counter):
        calls = 0

        def step(self, x):
            return 2.0 * super().step(x)

    one = Doubled()
    with pytest.raises(TypeError, match="calls was changed"):
        ad.compile(one.step)(1.0)
    assert one.calls == 0
