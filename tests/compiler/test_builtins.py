"""Builtins: calls whose arguments are checked, and whose results are made, in native code."""

import pickle
import sys

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import adjoint as ad
from adjoint.compiler.native.call import object_layout
from warm_calls import CASES, X, bits, builtin_of, empty, warm

pytestmark = pytest.mark.skipif(
    not object_layout.is_known(), reason="objects lie elsewhere in this build of Python"
)


# --- what it takes and gives


@pytest.mark.parametrize("case", CASES)
def test_it_gives_what_the_first_call_gives(case):
    function, *args = CASES[case]
    compiled = ad.compile(function)
    expected = bits(compiled(*args))
    assert [bits(compiled(*args)) for _ in range(3)] == [expected] * 3
    assert compiled._known.builtins


@pytest.mark.parametrize("case", CASES)
def test_it_writes_where_it_shall(case):
    function, *args = CASES[case]
    compiled, expected = warm(function, *args)
    out = empty(expected)
    assert builtin_of(compiled)(tuple(args), compiled._known.guard(), out) is out
    np.testing.assert_equal(out, expected)


def test_results_are_new_at_each_call():
    compiled, first = warm(lambda x: (2 * x, x), X)
    second = compiled(X)
    first[0][:] = first[1][:] = np.nan
    assert second[0].tolist() == (2 * X).tolist()
    assert second[1].tolist() == X.tolist()
    assert all(x.flags.owndata and x.flags.writeable for x in second)


def test_functions_of_several_shapes_are_all_fast():
    compiled = ad.compile(lambda x: 2 * x)
    arrays = [np.ones(n) for n in range(1, 7)]
    for _ in range(3):
        for x in arrays:
            assert compiled(x).tolist() == (2 * x).tolist()
            assert compiled.latest.traced.inputs[0].shape == x.shape
    assert len(compiled._known.builtins) == 4
    assert len(compiled.programs) == 6


# --- what is not as expected


class Subclass(np.ndarray):
    pass


class Number(float):
    pass


class Pair(tuple):
    __slots__ = ()


def shifted(x):
    """Return a copy that begins at no multiple of its entries' size."""
    memory = np.zeros(x.nbytes + 1, np.uint8)[1:]
    memory[:] = np.frombuffer(x.tobytes(), np.uint8)
    return memory.view(x.dtype).reshape(x.shape)


SQUARE = np.arange(9.0).reshape(3, 3)
ODD = {
    "a subclass": SQUARE.view(Subclass),
    "a masked array": np.ma.array(SQUARE),
    "a matrix": SQUARE.view(np.matrix),
    "a record array": np.rec.array([(1.0, 2)], dtype=[("a", "f8"), ("b", "i4")]),
    "structured": np.zeros((3, 3), [("a", "f8")]),
    "objects": SQUARE.astype(object),
    "text": np.full((3, 3), "x"),
    "dates": np.zeros((3, 3), "M8[s]"),
    "complex": SQUARE * 1j,
    "half": SQUARE.astype(np.float16),
    "long double": SQUARE.astype(np.longdouble),
    "float32": SQUARE.astype(np.float32),
    "integers": SQUARE.astype(np.int64),
    "the other order of bytes": SQUARE.astype(">f8" if sys.byteorder == "little" else "<f8"),
    "a dtype of its own": pickle.loads(pickle.dumps(SQUARE)),
    "metadata": SQUARE.view(np.dtype("f8", metadata={"unit": "m"})),
    "columns first": np.asfortranarray(SQUARE + SQUARE.T * 2),
    "backwards": SQUARE[::-1, ::-1],
    "every other": np.arange(18.0).reshape(3, 6)[:, ::2],
    "repeated": np.broadcast_to(np.arange(3.0), (3, 3)),
    "not aligned": shifted(SQUARE),
    "read-only": np.frombuffer(SQUARE.tobytes()).reshape(3, 3),
    "an axis more": SQUARE[None],
    "an axis less": SQUARE[0],
    "longer": np.ones((4, 3)),
    "empty": np.ones((0, 3)),
    "a list": SQUARE.tolist(),
    "a tuple": (SQUARE,),
    "a dict": {"x": SQUARE},
    "a number": 2.0,
    "a flag": True,
    "a number of NumPy's": np.float64(2),
    "a class of numbers": Number(2),
    "None": None,
    "a word": "array",
    "a buffer": memoryview(SQUARE),
    "a tensor": ad.tensor(SQUARE),
    "a class": np.ndarray,
}


@pytest.fixture(scope="module")
def line():
    return ad.compile(lambda x: 2 * x + 1)


@pytest.fixture(scope="module")
def turned():
    return ad.compile(lambda x, y: (x + y[::-1], 2 * x[::-1]))


def outcome(function, *args, **settings):
    try:
        return bits(function(*args, **settings))
    except Exception as error:
        return type(error), str(error)


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")  # NumPy's of matrices
@pytest.mark.parametrize("odd", ODD)
def test_what_it_does_not_expect_goes_the_other_way(odd, line):
    expected = outcome(ad.compile(line.function), ODD[odd])
    for _ in range(2):
        line(SQUARE), line(SQUARE)
        assert outcome(line, ODD[odd]) == expected
    assert outcome(line, SQUARE) == bits(2 * SQUARE + 1)


def test_a_tensor_that_requires_a_gradient_is_recorded():
    compiled, _ = warm(lambda x: 2 * x, X)
    x = ad.tensor(X, requires_grad=True)
    compiled(x).sum().backward()
    assert x.grad.tolist() == [2.0] * 5


@pytest.mark.parametrize(
    "args", [(), (X,), (X, X, X), (X, [X]), (X, (X, X)), (X, {"a": X}), (X, {}), (X, Pair([X]))]
)
def test_other_counts_and_trees_go_the_other_way(args):
    def function(x, y=(X,)):
        return x + y[0]

    fast, _ = warm(function, X, (X,))
    assert outcome(fast, *args) == outcome(ad.compile(function), *args)
    assert bits(fast(X, (X,))) == bits(X + X)


def test_deep_trees_and_classes_of_tuples_go_the_other_way():
    deep = X
    for _ in range(60):
        deep = (deep,)
    for given in (deep, Pair([X])):
        compiled = ad.compile(lambda x: x)
        assert [bits(compiled(given)) for _ in range(3)] == [bits(given)] * 3
        assert not compiled._known.builtins


def test_a_dict_of_other_keys_or_another_order_goes_the_other_way():
    compiled, _ = warm(lambda p: p["a"] - p["b"], {"a": X, "b": 2 * X})
    expected = bits(X - 2 * X)
    assert bits(compiled({"b": 2 * X, "a": X})) == expected
    assert bits(compiled({"".join(["a"]): X, "".join(["b"]): 2 * X})) == expected
    with pytest.raises(KeyError):
        compiled({"a": X, "c": X})


@pytest.mark.parametrize("number", [2**62, -(2**63), 2**63, 2**64 - 1, 0, True, 1.0, np.int64(3)])
def test_integers_beyond_64_bits_and_other_numbers_are_told_apart(number):
    def function(x, n):
        return x * n, n

    fast, _ = warm(function, X, 3)
    assert outcome(fast, X, number) == outcome(ad.compile(function), X, number)


def test_an_integer_that_must_fit_a_smaller_type_is_looked_at_each_time():
    compiled = ad.compile(lambda x, n: x + n)
    small = np.zeros(2, np.int8)
    for _ in range(3):
        assert compiled(small, 100).tolist() == [100, 100]
        with pytest.raises(OverflowError, match="300 is out of bounds"):
            compiled(small, 300)


def test_keyword_arguments_are_settings_at_each_call():
    def scaled(x, by=2.0):
        return x * by

    compiled, _ = warm(scaled, X)
    assert compiled(X, by=3.0).tolist() == (3 * X).tolist()
    assert compiled(X).tolist() == (2 * X).tolist()


def test_a_builtin_that_is_called_in_another_way_does_nothing():
    builtin = builtin_of(warm(lambda x: 2 * x, X)[0])
    for given in [(), (1,), ((X,), ()), ((X,), (), None, None), (X, X, X), ([X], (), None)]:
        assert builtin(*given) is None
    assert builtin((X,), (X,), None) is None
    with pytest.raises(TypeError):
        builtin((X,), (), out=None)


# --- results in doubt


def test_a_result_in_doubt_is_decided_by_the_graph():
    compiled, _ = warm(lambda x: ad.grad(lambda x: ad.where(x > 0, ad.sqrt(x), 0).sum())(x), X)
    x = np.array([0.0, 1, 4, 0, -1])
    out = np.empty(5)
    for found in (compiled(x), compiled(x, out=out)):
        assert found.tolist() == [0, 0.5, 0.25, 0, 0]


def test_an_index_out_of_range_raises():
    compiled, _ = warm(lambda x, i: x[i], X, np.array([0, 1]))
    with pytest.raises(IndexError):
        compiled(X, np.array([0, 9]))
    assert compiled(X, np.array([4, -1])).tolist() == [1.0, 1.0]


# --- where results go


@pytest.mark.parametrize("shift", range(-5, 6))
def test_a_result_may_overlap_an_argument_in_any_way(shift, turned):
    turned(X, X), turned(X, X)
    memory = np.arange(20.0)
    x, y, place = memory[5:10], memory[10:15], memory[5 + shift : 10 + shift]
    expected = (x + y[::-1], 2 * x[::-1])
    other = np.empty(5)
    out = (place, other)
    assert builtin_of(turned)((x, y), (), out) is out
    np.testing.assert_array_equal(out, expected)


def test_a_number_may_be_written_over_an_argument():
    compiled, _ = warm(lambda x: x.sum(), np.array(3.0))
    x = np.array(4.0)
    compiled(x, out=x)
    assert x == 4


@pytest.mark.parametrize(
    "out",
    [
        X[:4].copy(),
        X.astype(np.float32),
        np.broadcast_to(0.0, 5),
        X.copy().view(Subclass),
        [X.copy()],
        (X.copy(),),
        {"a": X.copy()},
        2.0,
        np.float64(2),
        X.tolist(),
        ad.tensor(X),
    ],
)
def test_an_out_that_does_not_fit_is_refused_as_at_first(out, line):
    line(X), line(X)
    assert outcome(line, X, out=out) == outcome(ad.compile(line.function), X, out=out)


def test_two_results_in_one_place_are_refused():
    compiled, _ = warm(lambda x: (x, 2 * x), X)
    out = np.empty(9)
    with pytest.raises(ValueError, match="share memory"):
        compiled(X, out=(out[:5], out[4:]))


def test_results_go_to_every_other_entry_too():
    compiled, _ = warm(lambda x: 2 * x, X)
    out = np.zeros(10)
    assert compiled(X, out=out[::2]).tolist() == (2 * X).tolist()
    assert not out[1::2].any()
