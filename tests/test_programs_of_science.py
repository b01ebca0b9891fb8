"""Ten programs of scientists find what is known from elsewhere, in short form."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import adjoint as ad

pytest.importorskip("scipy")
EXAMPLES = Path(__file__).parent.parent / "examples"
PROGRAMS = [
    "bundle_adjustment",
    "gaussian_process",
    "hamiltonian_sampler",
    "inverse_heat",
    "kalman_filter",
    "lotka_volterra",
    "neural_ode",
    "sir_model",
    "survival_model",
    "truss",
]


def load(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_gradient_of_a_program_is_that_of_differences(name):
    loss, start = load(name).problem()
    rng = np.random.default_rng(0)
    x = start + 0.01 * rng.normal(size=start.size)
    v = rng.normal(size=start.size)
    h = 1e-5
    value, slope = ad.value_and_grad(loss)(x)
    differences = (float(loss(x + h * v)) - float(loss(x - h * v))) / (2 * h)
    # Central differences are good to h² and to the rounding of the loss over h.
    assert slope @ v == pytest.approx(differences, rel=1e-5, abs=1e-9 * abs(float(value)) / h)


def test_remissions_are_fitted_as_by_other_programs():
    p, errors = load("survival_model").fit()
    # survreg(Surv(time, status) ~ treat) of R's package survival gives these.
    np.testing.assert_allclose([p[0], p[1], np.exp(p[2])], [2.248, 1.267, 0.732], atol=1e-3)
    np.testing.assert_allclose(errors[:2], [0.166, 0.311], atol=1e-3)


def test_a_truss_comes_to_rest_and_bends_as_a_beam_does():
    example = load("truss")
    x, sizes = example.solve(16)
    assert sizes[-1] < 1e-9
    assert len(sizes) < 15
    sunk = x.reshape(-1, 2)[:, 1].reshape(2, -1)
    np.testing.assert_allclose(sunk, sunk[:, ::-1], atol=1e-9)
    assert sunk[0].argmin() == 7


def test_cameras_and_points_are_adjusted_to_the_noise():
    _, before, after = load("bundle_adjustment").fit()
    assert before > 10
    # Half a pixel of noise in each of 3,600 numbers, of which 1,013 unknowns take their share.
    assert after == pytest.approx(0.5 * np.sqrt(1 - 1013 / 3600), rel=0.05)


def test_the_noise_of_a_gaussian_process_is_found():
    p, _ = load("gaussian_process").fit()
    assert np.exp(p[2]) == pytest.approx(0.1, abs=0.02)


@pytest.mark.full
def test_the_niles_variances_are_the_books():
    p, _ = load("kalman_filter").fit()
    np.testing.assert_allclose(np.exp(p), [15099, 1469], rtol=1e-3)


def test_eight_schools_have_the_mean_and_spread_that_others_find():
    samples, accepted = load("hamiltonian_sampler").sample(2000)
    assert accepted > 0.8
    assert 5 * samples[200:, 0].mean() == pytest.approx(4.4, abs=0.5)
    assert np.exp(samples[200:, 1]).mean() == pytest.approx(3.6, abs=0.5)


@pytest.mark.full
def test_the_flow_of_heat_is_found():
    example = load("inverse_heat")
    q = example.fit()
    assert np.abs(q - example.true_flow(example.KNOTS))[:-2].mean() < 0.06


@pytest.mark.full
def test_an_epidemic_spreads_as_fast_as_others_find():
    p, _ = load("sir_model").fit()
    assert 3.5 < np.exp(p[0] - p[1]) < 4.2


@pytest.mark.full
def test_lynx_and_hare_have_the_rates_that_others_find():
    p, _ = load("lotka_volterra").fit()
    # Carpenter's case study for Stan (2018) has the posterior means 0.55, 0.028, 0.80, 0.024.
    np.testing.assert_allclose(np.exp(p[:4]), [0.55, 0.028, 0.80, 0.024], rtol=0.05)


def test_a_network_learns_the_equation_of_a_spiral():
    example = load("neural_ode")
    _, losses = example.fit(200)
    assert losses[-1] < 1e-4 * losses[0]
