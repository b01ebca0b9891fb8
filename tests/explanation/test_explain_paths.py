"""Paths from one entry to the value: what each contributes, and that nothing is left out."""

import math

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn
from adjoint.errors import ShapeError
from explained import random_program


def article(rows=5, layers=(2, 4, 4, 2), **settings):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(rows, 2)), rng.integers(0, 2, rows)
    return ad.explain(nn.MLP(*layers, rng=0), X, y, loss="cross_entropy", **settings)


def test_two_paths_add_up_to_the_gradient():
    entry = ad.explain(lambda x, w: x * w + x**3, 2.0, 4.0, entry="x").entry
    assert [path.contribution for path in entry.paths] == [12, 4]
    assert entry.sum_text == "12 + 4 = 16"
    assert "   2. x → multiply → value: 4 · 1 = 4" in str(entry).splitlines()


def test_negative_numbers_have_one_sign_everywhere():
    def f(x, w):
        return w * x - x**2 / 1e6

    text = str(ad.explain(f, 3.0, -2.0, entry="x"))
    assert "−6e−06" in text
    assert "-" not in text


def test_every_path_of_the_article_s_network_is_found():
    derivation = article(entry="layers[0].weight[1, 0]")
    entry = derivation.entry
    assert len(entry.paths) == 5 * 4 * 2  # rows, units of the second layer, classes
    assert entry.complete
    np.testing.assert_allclose(entry.total, derivation.gradient["W1"][1, 0], rtol=1e-13)
    assert entry.paths[0].stops[:4] == ("W1[1, 0]", "a1[4, 0]", "z1[4, 0]", "a2[4, 1]")
    assert entry.matrix == "∂loss/∂W1 = Xᵀ ∂loss/∂a1"


def test_the_scalar_view_is_the_entry_of_the_matrix_product():
    derivation = article(entry="W1[1, 0]")
    values = {step.name: step.value for step in derivation}
    found = {stop: (slope, g) for stop, slope, g in derivation.entry.first}
    for row in range(5):
        slope, g = found[f"a1[{row}, 0]"]
        assert slope == derivation.inputs["X"][row, 1]
        assert math.isclose(g, values["d_a1"][row, 0], rel_tol=1e-12)


def test_the_paths_that_are_not_printed_are_counted_and_added_up():
    text = str(article(rows=50, entry="W1[1, 0]"))
    assert "400 paths lead from W1[1, 0] to the value" in text
    assert "388 more paths add " in text


def test_too_many_paths_are_grouped_by_the_first_value():
    derivation = article(rows=20, layers=(2, 12, 12, 12, 2), entry="W1[1, 0]")
    entry = derivation.entry
    assert not entry.complete
    assert len(entry.paths) == 20
    assert entry.count == 20 * 12 * 12 * 2
    assert "5760 paths lead from W1[1, 0] to the value; they are grouped" in str(derivation)
    np.testing.assert_allclose(entry.total, derivation.gradient["W1"][1, 0], rtol=1e-12)


def test_an_entry_that_nothing_depends_on_has_no_paths():
    entry = ad.explain(lambda x: x[0] * 2, np.ones(2), entry="x[-1]").entry
    assert entry.paths == []
    assert entry.sum_text == "0 = 0"
    assert entry.heading == "No paths lead from x[-1] to the value"


def test_the_value_itself_is_a_path_of_no_slopes():
    assert ad.explain(lambda x: x, 2.0, entry="x").entry.total == 1


def test_paths_end_at_a_stopped_gradient():
    def f(x):
        return x * ad.stop_gradient(x)

    assert [p.contribution for p in ad.explain(f, 3.0, entry="x").entry.paths] == [3.0]


def test_paths_of_random_programs_add_up(full):
    for seed in range(500 if full else 20):
        function, args = random_program(seed)
        derivation = ad.explain(function, *args, entry="x[0, 0]")
        entry = derivation.entry
        scale = math.fsum(abs(path.contribution) for path in entry.paths)
        assert abs(entry.total - derivation.gradient["x"][0, 0]) <= 1e-12 * scale + entry.slack


def test_an_entry_must_be_one_of_an_input():
    for error, message, entry in [
        (ValueError, "none of W1, b1, W2, b2, W3, b3, layers", "V[0]"),
        (ShapeError, r"not one entry of W1, which has shape \(2, 4\)", "W1[1]"),
        (ShapeError, "not one entry", "layers[0].weight[2, 0]"),
        (ShapeError, "not one entry", "W1"),
        (ShapeError, "not one entry", "W1[:, 0]"),
    ]:
        with pytest.raises(error, match=message):
            article(entry=entry)
