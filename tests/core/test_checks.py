"""Checks of arguments: what they return, and what they say."""

import numpy as np
import pytest

import adjoint as ad
from adjoint.core.checks import in_range, positive, positive_size


@pytest.mark.parametrize("size", [0, -1, 2.0, True, "3", None])
def test_a_size_is_a_positive_integer(size):
    with pytest.raises(ValueError, match="features: expected a positive integer, got"):
        positive_size("features", size)


@pytest.mark.parametrize("number", [0, -1.0, np.nan, np.inf])
def test_a_rate_is_positive_and_finite(number):
    with pytest.raises(ValueError, match="lr must be positive and finite, got"):
        positive("lr", number)


@pytest.mark.parametrize("number", [-1e-300, 1.0, np.nan])
def test_a_share_is_from_0_to_below_1(number):
    with pytest.raises(ValueError, match=r"momentum must be at least 0 and below 1\.0, got"):
        in_range("momentum", number, below=1.0)


def test_checked_numbers_are_python_floats_which_promote_no_float32_array():
    found = positive("lr", np.float64(0.5)), in_range("momentum", np.float32(0.5))
    assert [type(number) for number in found] == [float, float]


def test_only_a_setting_that_may_be_a_schedule_is_said_to_take_a_function():
    with pytest.raises(TypeError, match="lr: expected a number, or a function of the steps taken"):
        ad.optim.SGD([ad.tensor(1.0, requires_grad=True)], lr="fast")
    with pytest.raises(TypeError, match="seconds: expected a number, got 'soon'"):
        in_range("seconds", "soon")
