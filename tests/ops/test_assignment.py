"""``x[i] = v``: functional underneath, with NumPy's meaning on top."""

import numpy as np
import pytest

import adjoint as ad


def leaf(*entries):
    return ad.tensor(entries[0] if len(entries) == 1 else list(entries), requires_grad=True)


def test_filling_zeros_in_a_loop_differentiates():
    def cumulative(x):
        y = ad.tensor(np.zeros(4))
        y[0] = x[0]
        for i in range(1, 4):
            y[i] = y[i - 1] * x[i]
        return y

    x = np.array([2.0, 3.0, 0.5, 4.0])
    np.testing.assert_array_equal(cumulative(x).numpy(), np.cumprod(x))
    ad.check_gradients(lambda x: cumulative(x), x)


def test_an_entry_replaced_no_longer_depends_on_what_it_was():
    x = leaf(3.0, 4.0)
    y = x * 1
    y[0] = y[0] * 3
    (y[0] ** 2 / 9 + y[1]).backward()
    assert x.grad.tolist() == [6.0, 1.0]
    x.grad = None
    y[:] = 0.0
    (y.sum() + x[0]).backward()
    assert x.grad.tolist() == [1.0, 0.0]


def test_what_was_computed_before_keeps_the_old_value():
    x = leaf(1.0, 2.0)
    y = x * 1
    before = (y * y).sum()
    y[0] = 10.0
    (before + y.sum()).backward()
    assert x.grad.tolist() == [2.0, 5.0]


def test_every_name_of_the_object_sees_the_change():
    y = leaf(1.0, 2.0) * 1
    other = y
    y[1] = 7.0
    assert other.tolist() == [1.0, 7.0]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (slice(1, 3), [10.0, 20.0]),
        ((Ellipsis, 0), 5.0),
        (np.array([True, False, True]), [[1.0, 2.0], [3.0, 4.0]]),
        ([0, 2], 3.0),
        ((np.array([0, 2]), np.array([1, 0])), [8.0, 9.0]),
        (-1, [4.0, 5.0]),
    ],
    ids=str,
)
def test_keys_and_broadcasting_are_numpys(key, value):
    shape = (3, 2)
    if isinstance(key, slice):
        value = np.reshape(value, (2, 1))
    expected = np.arange(6.0).reshape(shape)
    y = ad.tensor(expected)
    expected[key] = value
    y[key] = value
    np.testing.assert_array_equal(y.numpy(), expected)

    def put(x, v):
        z = x * 1
        z[key] = v
        return z

    ad.check_gradients(put, np.arange(6.0).reshape(shape), np.asarray(value))


def test_augmented_assignment_reads_and_writes():
    def f(x):
        y = x * 1
        y[1:] += x[:-1] * 2
        y[0] *= x[1]
        return y

    ad.check_gradients(f, np.array([1.0, 2.0, 3.0]))


def test_of_an_entry_named_twice_the_last_number_counts():
    v = leaf(1.0, 2.0, 3.0)
    y = ad.tensor(np.zeros(2))
    y[[0, 1, 0]] = v
    assert y.tolist() == [3.0, 2.0]
    y.sum().backward()
    assert v.grad.tolist() == [0.0, 1.0, 1.0]


def test_a_slice_refuses_to_be_assigned_into():
    x = leaf(np.ones((2, 2))) * 1
    for slice_of in (
        lambda: x[0],
        lambda: x.T,
        lambda: x.reshape(4),
        lambda: ad.tensor([[1.0]])[0],
    ):
        with pytest.raises(ad.GraphError, match=r"x\[0, 1\] = v instead of x\[0\]\[1\] = v"):
            slice_of()[0] = 3.0


def test_a_leaf_refuses_and_no_grad_allows():
    x = leaf(1.0, 2.0)
    with pytest.raises(ad.GraphError, match=r"leaf that requires a gradient.*y = \+x"):
        x[0] = 3.0
    with ad.no_grad():
        x[0] = 3.0
    assert x.tolist() == [3.0, 2.0]
    assert x.requires_grad
    (x * x).sum().backward()
    assert x.grad.tolist() == [6.0, 4.0]
    y = x * 2
    with ad.no_grad(), pytest.raises(ad.GraphError, match="silently cut"):
        y[0] = 1.0


def test_a_tensor_of_integers_refuses_what_would_be_cut():
    y = ad.tensor([0, 0])
    y[0] = 3
    with pytest.raises(TypeError, match=r"dtype int64 would cut their graph.*ad\.zeros"):
        y[1] = leaf(1.5)


def test_wrong_shapes_are_explained():
    with pytest.raises(ad.ShapeError, match=r"cannot put shape \(3,\) at \[0:2\] of shape \(4,\)"):
        ad.tensor(np.zeros(4))[0:2] = np.ones(3)


def test_assignment_can_be_traced():
    def f(x):
        y = x * 2
        y[0] = x[1] ** 2
        return y.sum()

    graph = ad.graph.trace(ad.grad(f), np.ones(3))
    np.testing.assert_array_equal(graph(np.array([1.0, 3.0, 5.0])), [0, 8, 2])
