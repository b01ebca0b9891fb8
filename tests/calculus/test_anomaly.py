"""detect_anomaly: the first NaN or infinity, with the line that made it."""

import threading

import numpy as np
import pytest

import adjoint as ad


def leaf(data):
    return ad.tensor(data, requires_grad=True)


def test_a_forward_nan_is_named_with_its_line():
    x = leaf([1.0, -1.0])
    with pytest.raises(ad.AnomalyError) as caught, ad.detect_anomaly():
        y = x * 2
        np.log(y)  # this line
    message = str(caught.value)
    assert "log gave nan in 1 of 2 entries" in message
    assert __file__ in message
    assert "np.log(y)  # this line" in message


def test_a_backward_infinity_is_named_with_the_forward_line():
    x = leaf([0.0, 1.0])
    with pytest.raises(ad.AnomalyError) as caught, ad.detect_anomaly():
        y = ad.sqrt(x)  # the root
        (y * 3).sum().backward()
    assert "backward of sqrt gave inf in 1 of 2 entries for argument 0" in str(caught.value)
    assert "# the root" in str(caught.value)


def test_no_grad_records_nothing_while_anomalies_are_looked_for():
    x = leaf([1.0])
    with ad.detect_anomaly(), ad.no_grad():
        assert not (x * 2).requires_grad
        with ad.enable_grad():
            assert (x * 2).requires_grad


def test_functions_of_calculus_are_watched_too():
    with pytest.raises(ad.AnomalyError, match="backward of sqrt"), ad.detect_anomaly():
        ad.grad(np.sqrt)(0.0)


def test_a_strong_zero_is_reported():
    x = leaf(0.0)
    message = r"backward of sqrt took 0·∞ as 0.*masked"
    with pytest.warns(ad.AnomalyWarning, match=message), ad.detect_anomaly():
        y = ad.sqrt(x)  # masked
        ad.where(x > 0, y, 0).backward()
    assert x.grad.item() == 0


def test_an_operand_changed_between_the_passes_is_found():
    x, array = leaf([1.0, 2.0]), np.array([3.0, 4.0])
    message = "argument 1 of multiply is a plain array that was changed"
    with pytest.raises(ad.AnomalyError, match=message), ad.detect_anomaly():
        loss = (x * array).sum()
        array[0] = 9
        loss.backward()


def test_what_is_finite_passes_and_the_watch_ends_with_the_block():
    x = leaf([1.0, 4.0])
    with ad.detect_anomaly():
        ad.sqrt(x).sum().backward()
        with ad.no_grad():
            x * 2
    assert x.grad.tolist() == [0.5, 0.25]
    with np.errstate(invalid="ignore"):
        assert np.isnan(np.log(leaf(-1.0)).item())


def test_other_threads_are_not_watched():
    seen = []

    def work():
        with np.errstate(invalid="ignore"):
            seen.append(np.log(leaf(-1.0)).item())

    with ad.detect_anomaly():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert np.isnan(seen[0])
