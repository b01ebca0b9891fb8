"""Axis arguments mean what they mean in NumPy, in every tier, down to the error."""

import numpy as np
import pytest

import adjoint as ad
from sampled import sampled

NUMBER, VECTOR = np.array(1.5), np.array([1.0, 3.0, 2.0])
MATRIX, EMPTY = np.array([[1.0, 2.0], [3.0, 5.0], [0.5, 1.0]]), np.zeros((0, 2))
ARGUMENTS = {"number": NUMBER, "vector": VECTOR, "matrix": MATRIX, "empty": EMPTY}
AXES = [None, 0, -1, 1, -2, 2, (0,), (0, -1), (0, 0), np.int64(0)]
OVER_SEVERAL = """sum mean prod max min any all count_nonzero var std ptp nansum nanprod nanmean
nanvar nanmax nanmin flip"""
OVER_ONE = "argmax argmin cumsum cumprod argsort sort nancumsum"
FUNCTIONS = {name: getattr(np, name) for name in f"{OVER_SEVERAL} {OVER_ONE}".split()}
FUNCTIONS |= {
    "norm": np.linalg.norm,
    "norm1": lambda x, axis: np.linalg.norm(x, 1, axis),
    "vector_norm": lambda x, axis: np.linalg.vector_norm(x, axis=axis),
    "roll": lambda x, axis: np.roll(x, 1, axis),
    "repeat": lambda x, axis: np.repeat(x, 2, axis),
    "take": lambda x, axis: np.take(x, 0, axis),
    "delete": lambda x, axis: np.delete(x, 0, axis),
    "partition": lambda x, axis: np.partition(x, 0, axis),
    "squeeze": np.squeeze,
    "stack": lambda x, axis: np.stack([x, x], axis=axis),
    "add.reduce": np.add.reduce,
    "maximum.reduce": np.maximum.reduce,
    "add.accumulate": np.add.accumulate,
}
TIERS = {
    "tensor": lambda f, x: f(ad.tensor(x, requires_grad=True)),
    "jvp": lambda f, x: ad.jvp(f, (x,), (np.ones_like(x),))[0],
    "vjp": lambda f, x: ad.vjp(f, x)[0],
    "traced": lambda f, x: ad.trace(f, x)(x),
    "compiled": lambda f, x: ad.compile(f)(x),
}


def outcome(function, *args):
    """Return a result as a plain array, or the error."""
    try:
        found = function(*args)
    except Exception as error:
        return error
    return np.asarray(found.data if isinstance(found, ad.Tensor) else found)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("argument", ARGUMENTS)
@pytest.mark.parametrize("name", sampled(FUNCTIONS, 7))
def test_an_axis_means_in_every_tier_what_it_means_in_numpy(name, argument):
    x = ARGUMENTS[argument]
    for axis in AXES:

        def function(x, axis=axis):
            return FUNCTIONS[name](x, axis=axis)

        expected = outcome(function, x)
        for tier, run in TIERS.items():
            found = outcome(run, function, x)
            where = f"{tier}, axis={axis}: {found!r} for {expected!r}"
            if isinstance(expected, Exception):
                # NumPy names a tuple where one axis is meant in several ways.
                wanted = Exception if isinstance(axis, tuple) else type(expected)
                assert isinstance(found, wanted), where
                assert not isinstance(found, ZeroDivisionError), where
            else:
                assert not isinstance(found, Exception), where
                assert found.dtype == expected.dtype, where
                np.testing.assert_allclose(found, expected, rtol=1e-14, err_msg=where)


@pytest.mark.parametrize("axis", [0, -1])
@pytest.mark.parametrize(
    "function",
    [np.sum, np.prod, np.max, np.min, np.cumsum, np.cumprod, ad.logsumexp, np.add.reduce, np.ptp],
)
def test_axis_0_and_minus_1_of_a_number_have_its_gradient(function, axis):
    def total(x):
        return np.sum(function(x, axis=axis))

    slope = 0.0 if function is np.ptp else 1.0
    assert ad.grad(total)(1.5) == slope
    assert ad.jvp(total, (1.5,), (2.0,))[1] == 2 * slope
    assert ad.compile(ad.grad(total))(1.5) == slope


def test_the_error_of_an_axis_names_function_and_shape():
    message = r"sum: axis 2 is out of bounds for array of dimension 1 \(received shape \(3,\)\)"
    with pytest.raises(np.exceptions.AxisError, match=message):
        np.sum(ad.tensor(VECTOR), axis=2)
    with pytest.raises(ad.ShapeError, match=message):
        np.sum(ad.tensor(VECTOR), axis=2)


@pytest.mark.parametrize(
    ("axis", "message"),
    [
        (1.0, "an axis must be an integer, got float 1.0"),
        (True, "an axis must be an integer, got True"),
        ("rows", "an axis must be an integer, got str 'rows'"),
        ([0], r"an axis must be an integer, got list \[0\]"),
    ],
)
def test_an_axis_that_is_no_integer_is_refused(axis, message):
    for run in TIERS.values():
        with pytest.raises(TypeError, match=message):
            run(lambda x: np.sum(x, axis=axis), VECTOR)


@pytest.mark.parametrize("axis", [None, 0, -1, 1, (0,), (0, 1), (1, 0), ()])
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
def test_softmax_and_its_kin_run_over_any_axes_in_every_tier(name, axis):
    special = pytest.importorskip("scipy.special")
    expected = getattr(special, name)(MATRIX, axis=axis)

    def function(x):
        return getattr(ad.special, name)(x, axis=axis)

    for run in TIERS.values():
        np.testing.assert_allclose(outcome(run, function, MATRIX), expected, rtol=1e-14, atol=1e-15)
    ad.check_gradients(function, MATRIX)
    slope = ad.grad(lambda x: np.sum(function(x) ** 2))
    np.testing.assert_allclose(ad.compile(slope)(MATRIX), slope(MATRIX), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("function", [ad.softmax, ad.log_softmax, ad.logsumexp])
def test_softmax_and_its_kin_take_a_number_in_every_tier(function):
    expected = {ad.softmax: 1.0, ad.log_softmax: 0.0, ad.logsumexp: 1.5}[function]
    assert ad.compile(function)(1.5) == expected
    assert ad.trace(function, 1.5)(1.5) == expected
    assert ad.grad(function)(1.5) == (1.0 if function is ad.logsumexp else 0.0)


@pytest.mark.parametrize("function", [np.max, np.min, np.argmax, ad.softmax])
def test_what_needs_an_entry_refuses_none_before_it_is_compiled(function):
    for run in TIERS.values():
        with pytest.raises(ad.ShapeError, match=r"no entries to choose from, shape \(0,\)"):
            run(function, np.zeros(0))
