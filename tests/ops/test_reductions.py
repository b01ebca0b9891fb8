"""Reductions, cumulation, statistics and order: NumPy's values, gradients, and every edge."""

import numpy as np
import pytest
from adjoint.graph import trace

import adjoint as ad
from adjoint.core.tree import leaves
from adjoint.ops.quantiles import median, quantile

RNG = np.random.default_rng(5)
# In the expressions: v (5,), m (3, 4), s (2, 3, 4), w (3, 4) positive, h (3, 4) with NaN, c ().
ARRAYS = {
    "v": np.array([0.4, -1.1, 0.7, 2.2, -0.3]),
    "m": RNG.uniform(-2, 2, (3, 4)),
    "s": RNG.uniform(-2, 2, (2, 3, 4)),
    "w": RNG.uniform(0.3, 1, (3, 4)),
    "c": np.array(0.7),
}
EXPRESSIONS = """
np.prod(m)
np.prod(s, axis=(0, 2))
np.prod(m, axis=1, keepdims=True)
np.prod(c)
m.prod(0)
np.multiply.reduce(m)
np.cumsum(m)
np.cumsum(s, axis=1)
v.cumsum()
np.cumsum(c)
np.add.accumulate(m)
np.cumprod(m)
np.cumprod(s, axis=-1)
m.cumprod(0)
np.multiply.accumulate(m, axis=1)
np.ptp(m)
np.ptp(m, axis=0, keepdims=True)
np.average(m)
np.average(m, axis=1, weights=w)
np.average(m, weights=w, keepdims=True)
np.average(s, axis=2, weights=w[0])
np.average(m, axis=0, weights=w[:, 0], returned=True)
np.average(s, axis=(2, 0), weights=w[:2].T)
np.average(m, axis=0, returned=True)
np.var(m, axis=1, ddof=1)
np.std(s, axis=(0, 1))
np.median(m)
np.median(m, axis=1)
np.median(s, axis=(0, 2), keepdims=True)
np.median(c)
np.quantile(m, 0.3)
np.quantile(m, [0.0, 0.4, 1.0], axis=1)
np.quantile(s, [[0.1, 0.9]], axis=(0, 2), keepdims=True)
np.percentile(m, 35.0, axis=0)
np.percentile(m, [10, 90])
np.quantile(m, c)
np.nanmedian(m, axis=0)
np.nanquantile(m, [0.2, 0.9], axis=1)
np.nanpercentile(m, 30.0)
np.sort(m)
np.sort(m, axis=0)
np.sort(m, axis=None)
np.sort(m, kind="heapsort")
np.partition(v, 2)
np.partition(m, (0, 2), axis=1)
np.cov(m)
np.cov(m, rowvar=False, bias=True)
np.cov(v)
np.cov(v, v**2, ddof=0)
np.cov(m, aweights=w[0])
np.cov(m, fweights=[1, 2, 1, 3], aweights=w[0], ddof=2)
np.corrcoef(m)
np.corrcoef(v, v**2)
np.nansum(m, axis=0)
np.nanprod(m, axis=1)
np.nanmean(m)
np.nanvar(m, axis=0, ddof=1)
np.nanstd(m, keepdims=True)
np.nanmax(m, axis=1)
np.nanmin(m)
np.nancumsum(m, axis=1)
np.nancumprod(m)
np.maximum.reduce(m)
np.logaddexp.reduce(m, axis=1)
"""
CASES = EXPRESSIONS.split("\n")[1:-1]
METHODS = [
    "inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf",
    "hazen", "weibull", "linear", "median_unbiased", "normal_unbiased", "lower", "higher",
    "midpoint", "nearest",
]  # fmt: skip


def evaluated(text, **values):
    return eval(text, {"np": np, **ARRAYS, **values})


def function_of(text):
    """Return an expression as a function of the arrays in it, and those."""
    names = [name for name in ARRAYS if name in compile(text, "", "eval").co_names]

    def function(*xs):
        return evaluated(text, **dict(zip(names, xs, strict=True)))

    return function, [ARRAYS[name] for name in names]


def plain(y):
    return y.detach().numpy() if isinstance(y, ad.Tensor) else y


def gradient(function, x):
    x = ad.tensor(x, requires_grad=True)
    function(x).sum().backward()
    return x.grad.numpy()


@pytest.mark.parametrize("text", CASES)
def test_values_are_numpys(text):
    function, points = function_of(text)
    found = function(*(ad.tensor(x, requires_grad=True) for x in points))
    for y, expected in zip(leaves(found), leaves(function(*points)), strict=True):
        assert y.shape == expected.shape
        assert y.dtype == expected.dtype
        np.testing.assert_allclose(plain(y), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("text", CASES)
def test_gradients_are_right_to_second_order(text):
    function, points = function_of(text)
    ad.check_gradients(function, *points, rtol=1e-5)


@pytest.mark.parametrize("text", [text for text in CASES if "axis=0, returned" not in text])
def test_expressions_trace(text):
    function, points = function_of(text)
    graph = trace(lambda *xs: list(leaves(function(*xs))), *points)
    for y, expected in zip(graph(*points), leaves(function(*points)), strict=True):
        np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("text", CASES)
def test_results_are_never_wider_than_numpys(text):
    function, points = function_of(text)
    singles = [np.asarray(x, np.float32) for x in points]
    found = function(*map(ad.tensor, singles))
    for y, expected in zip(leaves(found), leaves(function(*singles)), strict=True):
        assert y.dtype in (np.float32, expected.dtype)


# --- products


@pytest.mark.parametrize("zeros", [(), (1,), (0, 3), (0, 1, 2, 3)])
def test_products_with_zeros_are_right_to_third_order(zeros):
    x = np.array([2.0, -3.0, 0.5, 4.0])
    x[list(zeros)] = 0
    for function in (np.prod, np.cumprod):
        ad.check_gradients(function, x)
        ad.check_gradients(ad.grad(lambda x, f=function: np.sum(f(x))), x)
    others = [np.prod(np.delete(x, i)) for i in range(4)]
    np.testing.assert_array_equal(gradient(np.prod, x), others)


def test_a_cumulative_product_with_a_zero_keeps_its_slope():
    np.testing.assert_array_equal(gradient(np.cumprod, np.array([2.0, 0.0, 3.0])), [1, 8, 0])


def test_a_product_that_overflows_by_parts_does_not():
    x = np.array([1e200, 1e-200, 1e200, 1e-200])
    np.testing.assert_allclose(gradient(np.prod, x) * x, np.ones(4), rtol=1e-14)
    assert np.prod(ad.tensor(x)).item() == np.prod(x)


def test_recurrences_are_loops():
    a, b = RNG.uniform(-1, 1, (2, 3, 6))
    y, total = [], np.zeros(3)
    for t in range(6):
        total = a[:, t] * total + b[:, t]
        y.append(total)
    np.testing.assert_allclose(
        ad.ops.cumulative.linear_recurrence(a, b), np.stack(y, axis=1), rtol=1e-14
    )


def test_a_long_product_and_its_second_derivative_take_no_recursion():
    x = ad.tensor(np.full(20_000, 1.0), requires_grad=True)
    np.prod(x).backward(create_graph=True)
    assert np.prod(x.grad.detach().numpy()) == 1


# --- order


def test_equal_entries_keep_their_order_when_sorted():
    weights = np.array([1.0, 10.0, 100.0])
    got = gradient(lambda x: np.sort(x) * weights, np.array([3.0, 1.0, 3.0]))
    np.testing.assert_array_equal(got, [10, 1, 100])


def test_only_the_middle_of_a_median_has_a_gradient():
    np.testing.assert_array_equal(gradient(np.median, np.array([3.0, 1.0, 2.0])), [0, 0, 1])
    np.testing.assert_array_equal(
        gradient(np.median, np.array([3.0, 1.0, 2.0, 9.0])), [0.5, 0, 0.5, 0]
    )
    # Among equal entries those count that a stable sort brings to the middle.
    np.testing.assert_array_equal(gradient(np.median, np.array([2.0, 2.0, 2.0])), [0, 1, 0])


@pytest.mark.parametrize("method", METHODS)
def test_every_method_of_a_quantile_is_numpys(method):
    q = np.array([0.0, 0.13, 0.25, 0.5, 0.77, 1.0])
    for x in (ARRAYS["v"], ARRAYS["v"][:1], ARRAYS["m"]):
        tensor = ad.tensor(x, requires_grad=True)
        got = np.quantile(tensor, q, axis=-1, method=method)
        np.testing.assert_allclose(
            plain(got), np.quantile(x, q, axis=-1, method=method), rtol=1e-13
        )
        ad.check_gradients(lambda x: np.quantile(x, q, axis=-1, method=method), x)
    holed = np.where(ARRAYS["m"] > 1, np.nan, ARRAYS["m"])
    np.testing.assert_allclose(
        plain(np.nanquantile(ad.tensor(holed), q, axis=0, method=method)),
        np.nanquantile(holed, q, axis=0, method=method),
        rtol=1e-13,
    )


def test_quantiles_with_nan_and_infinities_follow_the_order():
    inf, nan = np.inf, np.nan
    for x, q, expected in (
        ([1.0, nan, 2.0], 0.0, nan),
        ([inf, 1.0, 2.0, 3.0], 0.5, 2.5),
        ([inf, 1.0, 2.0, 3.0], 0.9, inf),
        ([inf, inf, inf], 0.4, inf),
        ([-inf, 0.0, 1.0], 0.0, -inf),
        ([-inf, 0.0, 1.0], 0.5, 0.0),
    ):
        np.testing.assert_array_equal(plain(np.quantile(ad.tensor(x), q)), expected)
    np.testing.assert_array_equal(np.sort(ad.tensor([nan, 1.0])).numpy(), [1.0, nan])


def test_a_quantile_at_an_entry_ignores_an_infinite_neighbour():
    np.testing.assert_array_equal(
        gradient(lambda x: np.quantile(x, 0.5), np.array([0.0, 1.0, np.inf])), [0, 1, 0]
    )


def test_wrong_quantiles_are_explained():
    x = ad.tensor(ARRAYS["v"], requires_grad=True)
    with pytest.raises(ValueError, match=r"probabilities must lie in \[0, 1\]"):
        np.quantile(x, 1.5)
    with pytest.raises(ValueError, match="must lie in"):
        np.quantile(x, np.nan)
    with pytest.raises(ad.ShapeError, match="no entries"):
        np.median(x[:0])
    with pytest.raises(TypeError, match="q has a gradient for method='linear' only"):
        quantile(x, ad.tensor(0.5, requires_grad=True), method="hazen")
    with pytest.raises(TypeError, match="weights"):
        np.quantile(x, 0.5, weights=np.ones(5), method="inverted_cdf")


@pytest.mark.parametrize(("probability", "slope"), [(0.4, 2.0), (0.5, 4.0), (0.0, 2.0), (1.0, 4.0)])
def test_the_probability_of_a_quantile_has_a_gradient(probability, slope):
    q = ad.tensor(probability, requires_grad=True)
    quantile(np.array([0.0, 1.0, 3.0]), q).backward()
    assert q.grad.item() == slope


def test_float32_quantiles_stay_float32():
    x = np.array([1.0, 2.0, 4.0], np.float32)
    assert median(x).dtype == np.float32
    assert np.quantile(ad.tensor(x), 0.3).dtype == np.float32


# --- missing numbers

HOLED = np.array([[1.0, 0.7, 2.0, -1.0], [np.nan, np.nan, 0.5, 3.0], [0.25, -2.0, np.nan, 1.5]])
NAN_CALLS = {
    "nansum": {}, "nanprod": {}, "nanmean": {}, "nanvar": {"ddof": 1}, "nanstd": {}, "nanmax": {},
    "nanmin": {}, "nanmedian": {}, "nancumsum": {}, "nancumprod": {}, "nanquantile": {"q": 0.3},
    "nanpercentile": {"q": [10, 60]},
}  # fmt: skip


@pytest.mark.parametrize("name", NAN_CALLS)
@pytest.mark.parametrize("axis", [None, 0, 1])
def test_missing_numbers_are_left_out(name, axis):
    function = getattr(np, name)

    def call(x):
        return function(x, axis=axis, **NAN_CALLS[name])

    np.testing.assert_allclose(plain(call(ad.tensor(HOLED))), call(HOLED), rtol=1e-13)
    present = ~np.isnan(HOLED)

    def of_present(values):
        x = ad.ops.indexing.scatter_add(
            values, present, key=(ad.ops.indexing.SLOT,), shape=HOLED.shape
        )
        return call(np.where(present, x, np.nan))

    ad.check_gradients(of_present, HOLED[present] + 0.01)
    assert np.all(gradient(call, HOLED)[~present] == 0)


def test_nothing_but_nan_gives_nan():
    x = ad.tensor([[np.nan, np.nan], [1.0, np.nan]], requires_grad=True)
    assert np.isnan(plain(np.nanmax(x, axis=1))[0])
    assert np.isnan(plain(np.nanmedian(x, axis=1))[0])
    with pytest.warns(RuntimeWarning, match="invalid value"):
        assert np.isnan(plain(np.nanmean(x, axis=1))[0])
    np.testing.assert_array_equal(np.nansum(x, axis=1).detach().numpy(), [0, 1])


# --- edges


def test_empty_reductions():
    x = ad.tensor(np.zeros((0, 3)), requires_grad=True)
    assert np.prod(x).item() == 1
    assert np.prod(x, axis=0).tolist() == [1.0] * 3
    assert np.cumsum(x, axis=0).shape == np.cumprod(x, axis=0).shape == (0, 3)
    assert np.sort(x).shape == (0, 3)
    for y in (np.prod(x, axis=0), np.cumprod(x), np.sort(x, axis=0), np.cumsum(x, 1)):
        x.grad = None
        y.sum().backward()
        assert x.grad.shape == (0, 3)
    with pytest.raises(ad.ShapeError, match="no entries to choose from"):
        np.argmin(x)


def test_integers_and_booleans_are_numpys():
    n = np.array([[3, 1, 2], [0, 5, 5]])
    for function in (
        np.prod,
        np.cumsum,
        np.cumprod,
        np.median,
        np.sort,
        np.ptp,
        np.nansum,
        np.nanmax,
    ):
        expected = function(n)
        got = function(ad.tensor(n))
        assert got.dtype == expected.dtype
        np.testing.assert_array_equal(got, expected)
    assert np.diff(ad.tensor([True, True, False])).tolist() == [False, True]


def test_places_and_counts_are_constants():
    x = ad.tensor(ARRAYS["m"], requires_grad=True)
    for call in (
        lambda x: np.argsort(x),
        lambda x: np.argsort(x, axis=None, stable=True),
        lambda x: np.argmax(x, axis=1, keepdims=True),
        lambda x: np.argmin(x),
        lambda x: x.argmin(0),
        lambda x: np.argpartition(x, 1, axis=0)[1],
        lambda x: np.count_nonzero(x, axis=0),
        lambda x: np.any(x > 1, axis=1),
        lambda x: (x > -3).all(),
        lambda x: np.searchsorted(np.array([-1.0, 0.0, 1.0]), x, side="right"),
        lambda x: np.nanargmax(x, axis=1),
    ):
        np.testing.assert_array_equal(call(x), call(ARRAYS["m"]))


def test_weights_that_add_up_to_zero_are_refused():
    with pytest.raises(ZeroDivisionError, match="weights add up to zero"):
        np.average(ad.tensor([1.0, 2.0]), weights=[1.0, -1.0])
    with pytest.raises(ad.ShapeError, match=r"weights of shape \(3,\) for shape \(2, 2\)"):
        np.average(ad.tensor(np.ones((2, 2))), axis=0, weights=np.ones(3))


def test_std_and_ptp_of_equal_entries_have_gradient_zero():
    for function in (np.std, np.ptp):
        np.testing.assert_array_equal(gradient(function, np.ones(3)), np.zeros(3))


def test_an_axis_out_of_bounds_names_itself():
    x = ad.tensor(ARRAYS["m"], requires_grad=True)
    for call in (np.cumsum, np.cumprod, np.prod, np.sort):
        with pytest.raises((ValueError, IndexError), match=r"axis 2.*out of bounds"):
            call(x, axis=2)


@pytest.mark.skipif(not hasattr(np, "cumulative_sum"), reason="NumPy before 2.1")
def test_cumulative_functions_of_the_array_standard():
    for name in ("cumulative_sum", "cumulative_prod"):
        function = getattr(np, name)

        def call(x, function=function):
            return function(x, axis=1, include_initial=True)

        np.testing.assert_array_equal(plain(call(ad.tensor(ARRAYS["m"]))), call(ARRAYS["m"]))
        ad.check_gradients(call, ARRAYS["m"])
        with pytest.raises(ad.ShapeError, match="axis is needed"):
            function(ad.tensor(ARRAYS["m"]))


@pytest.mark.parametrize(
    "x", [np.arange(300) % 3 > 0, np.full(300, 5, np.int8)], ids=["bool", "i1"]
)
@pytest.mark.parametrize("f", [np.nanmean, np.nanvar, np.nanstd])
def test_entries_that_cannot_be_missing_are_counted_in_numbers_that_are_large_enough(f, x):
    for found in (f(ad.tensor(x)).numpy(), ad.compile(f)(x)):
        np.testing.assert_allclose(found, f(x), rtol=1e-14, strict=True)
