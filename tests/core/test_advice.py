"""What an error advises works, and has the gradient of what was asked for."""

import math

import numpy as np
import pytest

import adjoint as ad

X = np.array([0.5, 2.0, 1.5])
Y = np.array([1.0, 3.0, 0.25])
MASK = np.array([True, False, True])
PLACES = {"mask": MASK, "initial": 1.75, "dtype": np.float64, "correction": 1, "np": np, "ad": ad}


def failure(function, *args):
    with pytest.raises((TypeError, ValueError)) as caught:
        function(*args)
    found = caught.value
    # NumPy hides the error of float() behind its own where an entry is assigned.
    return str(found.__cause__ or found)


def leaf(x=X):
    return ad.tensor(x, requires_grad=True)


def assert_advised(call, text, works):
    """Check that a call names ``text`` in all its errors, and that ``works`` has its gradient."""
    assert text in failure(call, leaf())
    assert text in failure(ad.grad(lambda x: np.sum(call(x))), X)
    assert text in failure(ad.trace, call, X)
    assert text in failure(ad.compile(call), X)
    ad.check_gradients(works, X)


REDUCTIONS = {
    "sum": "np.sum(np.where(mask, x, 0))",
    "prod": "np.prod(np.where(mask, x, 1))",
    "mean": "np.sum(np.where(mask, x, 0)) / np.sum(mask)",
    "var": "np.nanvar(np.where(mask, x, np.nan))",
    "std": "np.nanstd(np.where(mask, x, np.nan))",
}
EXTREMES = {"max": "np.max(np.where(mask, x, -np.inf))", "min": "np.min(np.where(mask, x, np.inf))"}
INITIAL = {
    "sum": "np.sum(x) + initial",
    "prod": "np.prod(x) * initial",
    "max": "np.maximum(np.max(x), initial)",
    "min": "np.minimum(np.min(x), initial)",
}


def written(text):
    """Return the function of x that an expression writes."""
    return lambda x: eval(text, {**PLACES, "x": x})


@pytest.mark.parametrize(("name", "text"), (REDUCTIONS | EXTREMES).items())
def test_a_reduction_over_a_mask_is_written_with_where(name, text):
    options = {"initial": -np.inf if name == "max" else np.inf} if name in EXTREMES else {}

    def call(x):
        return getattr(np, name)(x, where=MASK, **options)

    np.testing.assert_allclose(written(text)(X), call(X), rtol=1e-15)
    assert_advised(call, text, written(text))


@pytest.mark.parametrize(("name", "text"), INITIAL.items())
def test_an_initial_value_is_written_after_the_reduction(name, text):
    def call(x):
        return getattr(np, name)(x, initial=PLACES["initial"])

    np.testing.assert_allclose(written(text)(X), call(X), rtol=1e-15)
    assert_advised(call, text, written(text))


@pytest.mark.parametrize(
    ("call", "text", "works"),
    [
        (lambda x: np.exp(x, where=MASK), "np.where(mask, np.exp(...), 0)", np.exp),
        (
            lambda x: np.divide(Y, x, where=MASK),
            "np.where(mask, np.divide(...), 0)",
            lambda x: np.where(MASK, np.divide(Y, x), 0),
        ),
        (lambda x: np.exp(x, out=np.zeros(3)), "y = np.exp(...)", np.exp),
        (lambda x: np.dot(x, Y, out=np.zeros(())), "y = np.dot(...)", lambda x: np.dot(x, Y)),
        (lambda x: np.zeros(3).__iadd__(x), "z = z + x", lambda x: np.zeros(3) + x),
        (lambda x: np.zeros(3).__imul__(x), "z = z * x", lambda x: np.ones(3) * x),
        (
            lambda x: np.mean(x, dtype="f8"),
            "np.mean(...) of x.astype(dtype)",
            lambda x: np.mean(x.astype("f8")),
        ),
        (
            lambda x: np.var(x, correction=1),
            "np.var(x, ddof=correction)",
            lambda x: np.var(x, ddof=1),
        ),
        (lambda x: np.exp(x, casting="no"), "np.exp(...) without casting=", np.exp),
        (
            lambda x: np.subtract.outer(x, Y),
            "np.subtract(x[:, np.newaxis], y)",
            lambda x: np.subtract(x[:, np.newaxis], Y),
        ),
        (
            lambda x: np.add.reduceat(x, [0, 1]),
            "np.stack([np.sum(part) for part in np.split(x, indices[1:])])",
            lambda x: np.stack([np.sum(part) for part in np.split(x, [1])]),
        ),
        (
            lambda x: np.add.at(np.zeros(2), [0, 1, 0], x),
            "np.bincount(indices, weights=x, minlength=n)",
            lambda x: np.bincount([0, 1, 0], weights=x, minlength=3),
        ),
        (lambda x: x.sum(where=MASK), "np.sum(np.where(mask, x, 0))", np.sum),
        (lambda x: x.mean(dtype="f8"), "np.mean(...) of x.astype(dtype)", np.mean),
    ],
)
def test_arguments_that_are_not_known_are_written_otherwise(call, text, works):
    assert_advised(call, text, works)


def filled_by(zeros):
    def function(x):
        z = zeros(x)
        for i in range(3):
            z[i] = x[i] ** 2
        return z

    return function


CONVERSIONS = {
    "array": (
        lambda x: np.array([x[0], x[1]]),
        "np.stack([x, y])",
        lambda x: np.stack([x[0], x[1]]),
    ),
    "nested": (
        lambda x: np.array([[x[0], x[1]], [x[2], x[0]]]),
        "np.stack([x, y])",
        lambda x: np.stack([np.stack([x[0], x[1]]), np.stack([x[2], x[0]])]),
    ),
    "asarray": (np.asarray, "NumPy's functions take x as it is", np.exp),
    "entries": (filled_by(lambda _: np.zeros(3)), "np.zeros_like(x)", filled_by(np.zeros_like)),
    "entries, ours": (
        filled_by(lambda _: np.zeros(3)),
        "ad.zeros(n)",
        filled_by(lambda _: ad.zeros(3)),
    ),
    "math": (lambda x: math.exp(x[0]), "np.exp(x) for math.exp(x)", lambda x: np.exp(x[0])),
    "full": (
        lambda x: np.full(3, x[0]),
        "np.broadcast_to(x, shape)",
        lambda x: np.broadcast_to(x[0], (3,)),
    ),
    "vectorize": (
        lambda x: np.vectorize(lambda v: v * v)(x),
        "np.stack([f(v) for v in x])",
        lambda x: np.stack([v * v for v in x]),
    ),
}


@pytest.mark.parametrize("name", CONVERSIONS)
def test_what_would_convert_names_what_keeps_the_graph(name):
    assert_advised(*CONVERSIONS[name])


def test_an_entry_assigned_into_a_numpy_array_is_advised_against():
    z = np.zeros(3)
    with pytest.raises((TypeError, ValueError)) as caught:
        z[:2] = leaf()[:2]
    assert "ad.zeros(n)" in str(caught.value)


M = np.array([[4.0, 1.0, 0.0], [1.0, 3.0, 0.5], [0.0, 0.5, 2.0]])


def scipy_calls():
    pytest.importorskip("scipy")
    from scipy import integrate, interpolate, linalg, signal, special

    def symmetric(x):
        return M * x[0]

    solved = [("solve", (Y,)), ("lstsq", (Y,)), ("solve_triangular", (Y,))]
    matrices = ("inv", "det", "norm", "cholesky", "eigh", "eigvalsh", "svd", "svdvals", "qr")
    for name, args in [*((name, ()) for name in (*matrices, "pinv")), *solved]:
        function = getattr(linalg, name)
        ours = {
            "cholesky": lambda a: np.linalg.cholesky(a).T,
            "solve_triangular": lambda a, b: np.linalg.solve(np.triu(a), b),
        }.get(name) or getattr(np.linalg, name)
        yield (
            f"np.linalg.{'solve' if name == 'solve_triangular' else name}",
            lambda x, f=function, a=args: f(symmetric(x), *a),
            lambda x, f=ours, a=args: f(symmetric(x), *a),
            name,
        )
    for name in ("logsumexp", "softmax", "log_softmax"):
        yield f"ad.special.{name}", getattr(special, name), getattr(ad.special, name), name
    yield (
        "ad.special.polygamma",
        lambda x: special.polygamma(1, x),
        lambda x: ad.special.polygamma(1, x),
        "polygamma",
    )
    yield (
        "ad.special.gamma(x + 1)",
        special.factorial,
        lambda x: ad.special.gamma(x + 1),
        "factorial",
    )
    yield "np.trapezoid", integrate.trapezoid, np.trapezoid, "trapezoid"
    yield "np.convolve", lambda x: signal.convolve(x, Y), lambda x: np.convolve(x, Y), "convolve"
    points = np.array([0.0, 1.0, 3.0])
    yield (
        "np.interp(x, points, values)",
        lambda x: interpolate.interp1d(points, Y)(x),
        lambda x: np.interp(x, points, Y),
        "interp1d",
    )


def first_part(found):
    return found[0] if isinstance(found, tuple) else found


def test_functions_of_scipys_that_see_arrays_only_name_what_serves_instead():
    for text, theirs, ours, name in scipy_calls():
        message = failure(theirs, leaf())
        assert f".{name}: " in message, (name, message)
        assert f"call {text}" in message, (name, message)
        assert text in failure(ad.trace, theirs, X)
        # Up to the sign, which factors may choose.
        found, expected = np.abs(first_part(ours(X))), np.abs(first_part(theirs(X)))
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12, err_msg=name)
        ad.check_gradients(lambda x, f=ours: first_part(f(x)), X)


def test_a_ufunc_of_scipys_is_called_by_its_own_name():
    special = pytest.importorskip("scipy.special")
    message = r"^scipy\.special\.betainc has no derivative"
    with pytest.raises(TypeError, match=message):
        special.betainc(1.0, 2.0, leaf())
    with pytest.raises(TypeError, match=r"^scipy\.special\.betainc cannot be traced"):
        ad.trace(lambda x: special.betainc(1.0, 2.0, x), X)
    with pytest.raises(TypeError, match=r"np\.where\(mask, scipy\.special\.erf\(\.\.\.\), 0\)"):
        special.erf(leaf(), where=MASK)


@pytest.mark.parametrize("shape", [(4,), (5,), (2, 3), (1,), (0,)])
@pytest.mark.parametrize("axes", [None, 0, (0,), -1])
@pytest.mark.parametrize("name", ["fftshift", "ifftshift"])
def test_fftshift_moves_entries_and_gradients(name, axes, shape):
    x = np.arange(np.prod(shape), dtype=float).reshape(shape)

    def shifted(x):
        return getattr(np.fft, name)(x, axes=axes)

    np.testing.assert_array_equal(shifted(leaf(x)).data, shifted(x))
    np.testing.assert_array_equal(ad.compile(shifted)(x), shifted(x))
    weights = x**2 + 1
    undone = getattr(np.fft, {"fftshift": "ifftshift"}.get(name, "fftshift"))
    found = ad.grad(lambda x: np.sum(shifted(x) * weights))(x)
    np.testing.assert_array_equal(found, undone(weights, axes=axes))


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_a_single_number_of_any_shape_has_a_gradient(shape):
    def function(x):
        return np.reshape(np.sum(x**3), shape)

    tensor = leaf()
    function(tensor).backward()
    for slope in (ad.grad(function), ad.compile(ad.grad(function))):
        np.testing.assert_array_equal(slope(X), tensor.grad.data)
    value, gradient = ad.value_and_grad(function)(X)
    assert value.shape == shape
    np.testing.assert_array_equal(gradient, tensor.grad.data)
    np.testing.assert_allclose(ad.hvp(function)(X, Y), 6 * X * Y)
    with pytest.raises(ad.ShapeError, match=r"returned shape \(3,\), not a single number"):
        ad.grad(lambda x: x**3)(X)


@pytest.mark.parametrize("state", ["raise", "warn"])
@pytest.mark.parametrize(
    "function",
    [
        lambda x: 1 / x,
        lambda x: np.exp(x * 1e4),
        lambda x: np.sort(x) / x,
        np.log,
        ad.grad(np.prod),
    ],
)
def test_compiled_code_does_not_signal(function, state):
    x = np.array([0.0, 1.0, 2.0, 0.0])
    with np.errstate(all="ignore"):
        expected = function(x)
    with np.errstate(all=state):
        np.testing.assert_array_equal(ad.compile(function)(x), expected)
        np.testing.assert_array_equal(ad.trace(function, x)(x), expected)


def test_what_fits_and_processes_call_of_scipy_is_answered():
    linalg = pytest.importorskip("scipy.linalg")
    integrate = pytest.importorskip("scipy.integrate")
    distance = pytest.importorskip("scipy.spatial.distance")
    calls = {
        "np.linalg.cholesky": lambda x: linalg.cho_factor(x * np.eye(2)),
        "np.linalg.solve": lambda x: linalg.cho_solve((np.eye(2), True), x * np.ones(2)),
        "np.newaxis": lambda x: distance.cdist(x * np.eye(2), np.eye(2)),
        "ad.custom_vjp": lambda x: integrate.solve_ivp(lambda t, y: x * y, (0, 1), [1.0]),
    }
    for written, call in calls.items():
        with pytest.raises(TypeError, match=written.replace(".", r"\.")):
            ad.grad(call)(2.0)


def test_pairs_of_distances_are_what_scipy_computes():
    distance = pytest.importorskip("scipy.spatial.distance")
    a, b = np.arange(6.0).reshape(3, 2), np.ones((2, 2))
    np.testing.assert_allclose(
        np.linalg.norm(a[:, np.newaxis] - b, axis=-1), distance.cdist(a, b), rtol=1e-15
    )
