"""Derivatives at kinks, zeros, infinities and ties: right, by a stated convention, or refused."""

import re
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from ours import DERIVATIVES, Names, closed, value
from probes import FAMILIES, PROBES
from probes.probe import matches
from report import markdown

import adjoint as ad
from sampled import sampled

PAGE = Path(__file__).parents[2] / "docs/explanation/edges.md"
NUMERIC = [probe for probe in PROBES if probe.error is None]
REFUSED = [probe for probe in PROBES if probe.error is not None]
# float32 carries 24 bits: a few units in the last place.
SINGLE_RTOL = 1e-6
NEEDS_SCIPY = pytest.mark.skipif(find_spec("scipy") is None, reason="needs SciPy")
# NumPy warns of the forward values at these points, and rightly so.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def named(probes):
    return [
        pytest.param(probe, id=probe.name, marks=[NEEDS_SCIPY] if "special" in probe.text else [])
        for probe in probes
    ]


def messages(error):
    """Return what an error and its causes say: NumPy wraps ours where it asked for a number."""
    return str(error) + (f"; {messages(error.__cause__)}" if error.__cause__ else "")


def check(probe, mode, dtype, rtol):
    arrays = probe.arrays(dtype)
    xs = [arrays[n] for n in probe.floats]
    function = closed(probe.function(Names()), arrays, probe.floats)
    found = DERIVATIVES[probe.order, mode](function, *xs)
    assert matches(probe, found, probe.gives, max(rtol, probe.rtol)), (
        f"{probe.name}: {mode} mode gives {found}, right is {probe.gives} ({probe.why})"
    )
    if probe.order == 1:
        assert [g.dtype for g in found] == [x.dtype for x in xs]
    if probe.value is not None:
        np.testing.assert_allclose(value(function, *xs), probe.value, rtol=max(rtol, probe.rtol))


@pytest.mark.parametrize("mode", ["reverse", "forward"])
@pytest.mark.parametrize("probe", named(NUMERIC))
def test_the_derivative_is_right(probe, mode):
    check(probe, mode, np.float64, 1e-13)


@pytest.mark.parametrize("mode", ["reverse", "forward"])
@pytest.mark.parametrize(
    "probe", sampled(named(probe for probe in NUMERIC if probe.fits_single), 3)
)
def test_the_derivative_is_right_in_single_precision(probe, mode):
    check(probe, mode, np.float32, SINGLE_RTOL)


def first_order(probe):
    """Return the function of a probe's float arguments, and these."""
    arrays = probe.arrays(np.float64)
    xs = [arrays[n] for n in probe.floats]
    return closed(probe.function(Names()), arrays, probe.floats), xs


def test_taylor_coefficients_are_the_tangents_at_every_probe():
    for probe in NUMERIC:
        function, xs = first_order(probe)
        units = [np.ones_like(x) for x in xs]
        value, slope = ad.jvp(function, xs, units)
        found = ad.taylor(lambda xs, function=function: function(*xs), xs, units, 1)
        # Where two infinite tangents meet, a quotient's own recurrence may know their sum.
        meet = np.isnan(slope) & ~np.isnan(value)
        np.testing.assert_allclose(found[0], value, err_msg=probe.name)
        np.testing.assert_allclose(
            np.where(meet, np.nan, found[1]), slope, rtol=1e-12, err_msg=probe.name
        )


@NEEDS_SCIPY
@pytest.mark.parametrize("first", sampled(range(6), 6))
def test_sparse_jacobians_are_the_dense_ones_at_every_probe(first):
    for probe in NUMERIC[first::6]:
        function, xs = first_order(probe)
        numbers = range(len(xs))
        for mode in ("forward", "reverse"):
            dense = ad.jacobian(function, numbers, mode=mode)(*xs)
            found = ad.jacobian(function, numbers, mode=mode, sparse=True)(*xs)
            for matrix, block in zip(found, dense, strict=True):
                expected = block.reshape(matrix.shape)
                np.testing.assert_array_equal(matrix.toarray(), expected, err_msg=probe.name)


@pytest.mark.parametrize("probe", named(REFUSED))
def test_the_error_is_clear(probe):
    gradient = ad.grad(probe.function(Names()), probe.floats)
    with pytest.raises(probe.error) as raised:
        gradient(*probe.arrays())
    assert probe.message in messages(raised.value)


def test_nan_is_given_only_where_the_value_is_nan():
    for probe in NUMERIC:
        if probe.order == 1 and any(np.isnan(np.asarray(g, float)).any() for g in probe.gives):
            result = probe.function(Names())(*probe.arrays())
            assert np.isnan(result).any(), probe.name


def test_there_are_enough_probes_each_with_a_reason():
    assert len(PROBES) >= 150
    assert all(probe.why for probe in PROBES)


def test_every_probe_has_its_own_name():
    repeated = [name for name, n in Counter(probe.name for probe in PROBES).items() if n > 1]
    assert not repeated


@pytest.mark.parametrize(
    "text", ["np.sqrt(x) ** 2", "np.exp(np.log(x))", "np.cbrt(x) ** 3", "np.linalg.norm(x) ** 2"]
)
def test_the_exceptions_that_decision_0002_lists_are_probed(text):
    decision = (PAGE.parents[1] / "decisions/0002-strong-zeros.md").read_text(encoding="utf-8")
    assert re.sub(r"np\.(linalg\.)?| ", "", text) in decision
    assert any(probe.text == text for probe in PROBES if probe.truth is not None)


def test_the_page_shows_these_probes():
    """Written by: python tests/edges/report.py --markdown > docs/explanation/edges.md."""
    assert PAGE.read_text(encoding="utf-8") == markdown(FAMILIES)
