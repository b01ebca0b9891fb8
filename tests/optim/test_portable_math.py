"""Powers and cosines: the C library's, or rounded once from many more digits."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjoint.core.reproducibility import reproducibly
from adjoint.optim import Cosine, Exponential
from adjoint.optim.portable_math import cosine_of_half_turns, power


@given(st.floats(0, 1))
def test_a_cosine_is_the_c_librarys_to_an_ulp(x):
    assert cosine_of_half_turns(x) == math.cos(math.pi * x)
    with reproducibly():
        # π x is rounded before the library's cosine is taken.
        assert cosine_of_half_turns(x) == pytest.approx(math.cos(math.pi * x), abs=5e-16)


@given(st.floats(0.5, 1.5), st.integers(0, 900) | st.floats(-5, 5))
def test_a_power_is_the_c_librarys_to_an_ulp(x, exponent):
    assert power(x, exponent) == x**exponent
    with reproducibly():
        assert power(x, exponent) == pytest.approx(x**exponent, rel=2.3e-16)


def test_powers_of_zero_of_negative_and_of_endless_numbers_are_pythons():
    with reproducibly():
        assert power(0.0, 0) == 1
        assert power(0.0, 2.5) == 0
        assert power(-0.5, 3) == -0.125
        assert power(math.inf, 2) == math.inf
        assert math.isnan(power(math.nan, 2))
        assert power(0.9, 10**9) == 0


def test_exact_cases_are_exact():
    with reproducibly():
        assert [cosine_of_half_turns(x) for x in (0.0, 0.5, 1.0)] == [1, 0, -1]
        assert cosine_of_half_turns(1 / 3) == 0.5
        assert Exponential(1.0, 0.5)(1074) == 5e-324
        assert Cosine(1.0, 4)(2) == 0.5
