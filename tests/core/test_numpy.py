"""NumPy's functions and operators on tensors, through NumPy's own protocols."""

import numpy as np
import pytest

import adjoint as ad
from adjoint.core import NUMPY
from adjoint.core.tree import leaves


@pytest.fixture
def x():
    return ad.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)


def gradient(x, loss):
    x.grad = None
    loss.backward()
    return x.grad.numpy()


def test_functions_with_a_card_keep_the_graph(x):
    loss = np.sum(np.exp(x), axis=0).mean() + np.linalg.norm(x) + np.mean(np.maximum(x, 2))
    expected = np.exp(x.detach().numpy()) / 2 + x.detach().numpy() / np.sqrt(30)
    expected += np.array([[0, 0.5], [1, 1]]) / 4
    np.testing.assert_allclose(gradient(x, loss), expected, rtol=1e-14)


def test_arrays_and_numbers_mix_on_either_side(x):
    array = np.array([1.0, 10.0])
    for loss in (array + x, x + array, np.float64(3) * x, 2 / x, array @ x, x @ array, array - x):
        assert isinstance(loss, ad.Tensor)
        assert loss.requires_grad
    np.testing.assert_allclose(gradient(x, (array @ x).sum()), [[1, 1], [10, 10]])
    np.testing.assert_allclose(gradient(x, np.matmul(x, array).sum()), [[1, 10], [1, 10]])


def test_lists_are_arrays(x):
    assert np.add(x, [1.0, 2.0]).tolist() == [[2.0, 4.0], [4.0, 6.0]]
    assert np.concatenate([x, [[5.0, 6.0]]]).shape == (3, 2)
    assert np.stack([x, x], -1).shape == (2, 2, 2)


def test_positional_metadata_is_understood(x):
    assert np.sum(x, 0).shape == np.max(x, 1).shape == (2,)
    assert np.reshape(x, (4,)).shape == np.reshape(x, -1).shape == (4,)
    assert np.var(x, 0).tolist() == [1.0, 1.0]


def test_none_keywords_do_not_matter(x):
    assert np.sum(x, axis=0, dtype=None, out=None).requires_grad
    assert np.clip(x, 2, None).tolist() == [[2.0, 2.0], [3.0, 4.0]]
    assert np.clip(x, None, 2).tolist() == [[1.0, 2.0], [2.0, 2.0]]
    assert np.clip(x, a_min=2, a_max=3).tolist() == [[2.0, 2.0], [3.0, 3.0]]


def test_a_function_without_a_card_names_itself_and_the_way_out(x):
    with pytest.raises(TypeError, match=r"numpy\.angle has no derivative.*x\.detach\(\)"):
        np.angle(x)
    with pytest.raises(TypeError, match=r"fft\.fft has no .*complex numbers are out of scope"):
        np.fft.fft(x)
    with pytest.raises(TypeError, match=r"spacing.*detach"):
        np.spacing(x)
    with pytest.raises(TypeError, match=r"sum with .*where.*detach"):
        np.sum(x, where=np.ones((2, 2), bool))
    with pytest.raises(TypeError, match=r"multiply with out.*detach"):
        np.multiply(np.ones((2, 2)), x, out=np.zeros((2, 2)))


def test_a_function_without_a_card_takes_constants_as_arrays(x):
    constant = x.detach()
    assert type(np.angle(constant)) is np.ndarray
    assert type(np.spacing(constant)) is np.ndarray
    assert np.sum(constant, dtype=np.float32).dtype == np.float32
    assert np.array_equal(np.histogram(constant)[0], np.histogram(np.asarray(constant))[0])


def test_an_array_of_tensors_never_becomes_an_object_array(x):
    with pytest.raises(TypeError, match="silently cut"):
        np.array([x[0, 0], x[0, 1]])
    assert np.array([x.detach()[0, 0], x.detach()[0, 1]]).dtype == np.float64


def test_in_place_addition_to_an_array_is_loud(x):
    array = np.zeros((2, 2))
    with pytest.raises(TypeError, match="add with out"):
        array += x
    array += x.detach()
    assert array.tolist() == x.tolist()


def test_comparisons_give_boolean_tensors(x):
    mask = x > 2
    assert mask.dtype == bool
    assert (~mask & (x != 1)).tolist() == [[False, True], [False, False]]
    np.testing.assert_allclose(gradient(x, x[mask].sum()), [[0, 0], [1, 1]])
    np.testing.assert_allclose(gradient(x, np.where(x > 2, x, 0).sum()), [[0, 0], [1, 1]])


@pytest.mark.parametrize(
    "key",
    [
        1,
        -1,
        slice(None, None, -1),
        (slice(None), 1),
        (None, Ellipsis, 0),
        ([0, 0, 1], [1, 1, 0]),
        np.array([1, 1]),
        (slice(0, 1), np.array([0, 0])),
        np.array([[True, False], [True, True]]),
        np.int64(1),
        (),
        [],
    ],
    ids=str,
)
def test_indexing_is_numpys_and_its_gradient_counts_the_picks(x, key):
    plain = x.detach().numpy()
    picked = x[key]
    np.testing.assert_array_equal(picked.detach().numpy(), plain[key])
    counts = np.zeros_like(plain)
    np.add.at(counts, key, 1.0)
    np.testing.assert_array_equal(gradient(x, picked.sum()), counts)


def test_a_ufunc_accumulates_and_reduces_along_the_first_axis_by_default():
    m = np.arange(6.0).reshape(2, 3) + 1
    for ufunc in (np.add, np.multiply):
        np.testing.assert_array_equal(ufunc.accumulate(ad.tensor(m)).data, ufunc.accumulate(m))
        np.testing.assert_array_equal(ufunc.reduce(ad.tensor(m)).data, ufunc.reduce(m))


def test_an_array_can_be_given_by_its_name():
    assert ad.mean(x=np.ones(3)) == 1
    np.testing.assert_array_equal(ad.grad(lambda x: ad.mean(x=x * x))(np.array([1.0, 2.0])), [1, 2])


def test_wrong_indices_are_explained(x):
    with pytest.raises(ad.ShapeError, match=r"\[5\] does not fit shape \(2, 2\)"):
        x[5]
    with pytest.raises(TypeError, match="indices must be integers"):
        x[0.5]


def test_python_numbers_stay_weak_and_numpy_numbers_strong():
    x = ad.tensor([1.0], dtype=np.float32, requires_grad=True)
    assert (x * 2.5).dtype == np.float32
    assert (x * np.float64(2.5)).dtype == np.float64


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # names that NumPy is about to drop
@np.errstate(all="ignore")  # arccosh has no value there
def test_every_numpy_function_of_a_card_is_really_that_function():
    """Each entry of the table agrees with NumPy on a small positive array."""
    array = np.array([[0.3, 0.6], [0.9, 0.2]])
    checked = 0
    for function, ours in NUMPY.items():
        try:
            expected = function(array)
        except (TypeError, ValueError):
            continue
        if function is np.empty_like:  # its entries are chance
            continue
        if isinstance(expected, (str, np.dtype)):
            assert ours(array) == expected, function
            continue
        try:
            found = ours(array)
        except ad.ShapeError:  # a matrix as the coefficients of a polynomial
            assert function.__name__.startswith("poly")
            continue
        for left, right in zip(leaves(found), leaves(expected), strict=True):
            np.testing.assert_allclose(left, right, err_msg=str(function))
        checked += 1
    assert checked >= 20


LIKE = {
    "zeros": lambda x: np.zeros((3, 2), like=x),
    "ones": lambda x: np.ones((3, 2), like=x),
    "empty": lambda x: np.empty((3, 2), like=x),
    "full": lambda x: np.full((3, 2), 7.0, like=x),
    "eye": lambda x: np.eye(3, 2, like=x),
    "array": lambda x: np.array([[1.0, 2.0]] * 3, like=x),
    "float32": lambda x: np.zeros((3, 2), np.float32, like=x),
}


@pytest.mark.parametrize("transform", [lambda f: f, ad.compile], ids=["recorded", "compiled"])
@pytest.mark.parametrize("made", LIKE.values(), ids=LIKE)
def test_what_numpy_makes_like_a_value_takes_values(made, transform):
    def assigned(x):
        y = made(x)
        y[0] = x * x
        return np.sum(y * y[0])

    def by_zeros(x):
        plain = np.zeros((3, 2)) if made is LIKE["empty"] else made(np.ones(2))
        return np.sum(np.concatenate([(x * x)[np.newaxis], plain[1:]]) * x * x)

    x = np.array([2.0, 3.0])
    found, expected = transform(ad.grad(assigned))(x), ad.grad(by_zeros)(x)
    np.testing.assert_allclose(found, expected, rtol=1e-6)  # float32 keeps seven digits


def test_an_array_made_like_a_value_has_numpys_shape_and_dtype(x):
    y = np.arange(3, like=x)
    assert isinstance(y, ad.Tensor)
    assert y.dtype == np.arange(3).dtype
    assert not y.requires_grad
