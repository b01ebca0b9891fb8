"""Whole programs, each against a closed form or finite differences."""

import numpy as np
import pytest

import adjoint as ad


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_logistic_regression_has_the_textbook_gradient_and_hessian(rng):
    X, y, w = rng.standard_normal((30, 4)), rng.integers(0, 2, 30) * 1.0, rng.standard_normal(4)

    def loss(w):
        margin = X @ w
        return np.sum(np.logaddexp(0, margin) - y * margin)

    p = 1 / (1 + np.exp(-X @ w))
    np.testing.assert_allclose(ad.grad(loss)(w), X.T @ (p - y), rtol=1e-12)
    np.testing.assert_allclose(ad.hessian(loss)(w), X.T @ (X * (p * (1 - p))[:, None]), rtol=1e-11)


def test_gaussian_process_likelihood_with_cholesky_has_the_trace_formula(rng):
    """∂/∂θ = ½ tr(K⁻¹ ∂K) - ½ yᵀK⁻¹ ∂K K⁻¹y (Rasmussen & Williams 2006, equation 5.9)."""
    x, y = np.sort(rng.uniform(-2, 2, 8)), rng.standard_normal(8)
    squares = (x[:, None] - x) ** 2

    def covariance(length, noise):
        return np.exp(-squares / (2 * length**2)) + noise**2 * np.eye(8)

    def negative_log_likelihood(length, noise):
        factor = np.linalg.cholesky(covariance(length, noise))
        alpha = np.linalg.solve(factor, y)
        return 0.5 * alpha @ alpha + np.sum(np.log(np.diagonal(factor)))

    by_length, by_noise = ad.grad(negative_log_likelihood, (0, 1))(0.7, 0.3)
    inverse = np.linalg.inv(covariance(0.7, 0.3))
    slopes = [np.exp(-squares / (2 * 0.49)) * squares / 0.7**3, 2 * 0.3 * np.eye(8)]
    for got, slope in zip((by_length, by_noise), slopes, strict=True):
        expected = 0.5 * np.trace(inverse @ slope) - 0.5 * y @ inverse @ slope @ inverse @ y
        np.testing.assert_allclose(got, expected, rtol=1e-9)


def test_kalman_filter_log_likelihood(rng):
    observations = np.cumsum(rng.standard_normal(15)) + rng.standard_normal(15)

    def negative_log_likelihood(logs):
        drift, noise = np.exp(logs[0]), np.exp(logs[1])
        transition = np.array([[1.0, 1.0], [0.0, 0.9]])
        seen = np.array([1.0, 0.0])
        mean, cov, total = np.zeros(2), np.eye(2), 0.0
        for observation in observations:
            mean = transition @ mean
            cov = transition @ cov @ transition.T + drift * np.eye(2)
            spread = seen @ cov @ seen + noise
            surprise = observation - seen @ mean
            gain = cov @ seen / spread
            mean = mean + gain * surprise
            cov = cov - np.outer(gain, seen @ cov)
            total = total + 0.5 * (np.log(spread) + surprise**2 / spread)
        return total

    ad.check_gradients(negative_log_likelihood, np.array([-0.5, 0.3]))


def test_runge_kutta_step_of_a_linear_equation_is_the_fourth_order_polynomial(rng):
    A, x, h = rng.standard_normal((3, 3)), rng.standard_normal(3), 0.1

    def step(x):
        k1 = A @ x
        k2 = A @ (x + h / 2 * k1)
        k3 = A @ (x + h / 2 * k2)
        k4 = A @ (x + h * k3)
        return x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

    powers = [np.linalg.matrix_power(h * A, k) for k in range(5)]
    expected = sum(p / f for p, f in zip(powers, (1, 1, 2, 6, 24), strict=True))
    np.testing.assert_allclose(ad.jacobian(step)(x), expected, rtol=1e-12)


def test_sensitivity_of_a_long_integration():
    """dx/dt = -k x has x(1) = e^-k, so dx(1)/dk = -e^-k, to the integrator's accuracy."""

    def final(k, steps=200):
        x, h = 1.0, 1 / steps
        for _ in range(steps):
            k1 = -k * x
            k2 = -k * (x + h * k1)
            x = x + h / 2 * (k1 + k2)
        return x

    np.testing.assert_allclose(ad.grad(final)(0.8), -np.exp(-0.8), rtol=1e-4)


def test_recurrent_cell_over_a_sequence(rng):
    inputs, state = rng.standard_normal((6, 3)), np.zeros(4)

    def loss(p):
        h = state
        for x in inputs:
            gate = 1 / (1 + np.exp(-(x @ p["Wz"] + h @ p["Uz"])))
            h = (1 - gate) * h + gate * np.tanh(x @ p["W"] + h @ p["U"] + p["b"])
        return np.sum(h**2)

    names = {"W": (3, 4), "U": (4, 4), "Wz": (3, 4), "Uz": (4, 4), "b": (4,)}
    arrays = [rng.standard_normal(shape) * 0.5 for shape in names.values()]
    ad.check_gradients(lambda *xs: loss(dict(zip(names, xs, strict=True))), *arrays, order=1)


def test_rosenbrock_gradient_and_hessian_in_closed_form():
    def rosenbrock(x):
        return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    x = np.array([0.3, -0.5, 1.2, 0.8])
    gradient = np.zeros(4)
    inner = x[1:] - x[:-1] ** 2
    gradient[:-1] = -400 * x[:-1] * inner - 2 * (1 - x[:-1])
    gradient[1:] += 200 * inner
    np.testing.assert_allclose(ad.grad(rosenbrock)(x), gradient, rtol=1e-13)
    hessian = np.diag(np.r_[1200 * x[:-1] ** 2 - 400 * x[1:] + 2, 0.0])
    hessian[1:, 1:] += 200 * np.eye(3)
    hessian += np.diag(-400 * x[:-1], 1) + np.diag(-400 * x[:-1], -1)
    np.testing.assert_allclose(ad.hessian(rosenbrock)(x), hessian, rtol=1e-13)


def test_a_natural_cubic_spline_is_linear_in_its_values(rng):
    """Values → second derivatives by a tridiagonal solve → the spline at new points."""
    knots = np.array([0.0, 0.7, 1.5, 2.0, 3.2])
    points = np.array([0.2, 1.0, 1.9, 2.9])
    h = np.diff(knots)
    system = np.diag(np.r_[1.0, 2 * (h[:-1] + h[1:]), 1.0])
    system[range(1, 4), range(3)], system[range(1, 4), range(2, 5)] = h[:-1], h[1:]

    def spline(values):
        slopes = np.diff(values) / h
        right = np.concatenate([[0.0], 6 * np.diff(slopes), [0.0]])
        curvature = np.linalg.solve(system, right)
        i = np.searchsorted(knots, points) - 1
        a, b = (knots[i + 1] - points) / h[i], (points - knots[i]) / h[i]
        bend = (a**3 - a) * curvature[i] + (b**3 - b) * curvature[i + 1]
        return a * values[i] + b * values[i + 1] + bend * h[i] ** 2 / 6

    values = rng.standard_normal(5)
    jacobian = ad.jacobian(spline)(values)
    np.testing.assert_allclose(jacobian @ values, spline(values), rtol=1e-12)
    np.testing.assert_allclose(jacobian, ad.jacobian(spline)(np.zeros(5)), rtol=1e-12)


def test_a_fit_by_newtons_method_converges_quadratically():
    t = np.linspace(0, 1, 20)
    data = 2.0 * np.exp(-1.5 * t)

    def loss(p):
        return 0.5 * np.sum((p[0] * np.exp(-p[1] * t) - data) ** 2)

    p = np.array([1.8, 1.3])
    for _ in range(6):
        p = p - np.linalg.solve(ad.hessian(loss)(p), ad.grad(loss)(p))
    np.testing.assert_allclose(p, [2.0, 1.5], rtol=1e-12)
