import numpy as np
import pytest

from adjoint import datasets

ALL = pytest.mark.parametrize("make", datasets.DATASETS.values(), ids=datasets.DATASETS)


def as_set(X, y):
    """Return the rows (point, label) in an order that does not depend on the shuffle."""
    rows = np.column_stack([X, y]).round(12) + 0.0
    return rows[np.lexsort(rows.T)]


@ALL
def test_points_and_labels_have_the_documented_shapes_and_dtypes(make):
    X, y = make(50)
    assert (X.shape, X.dtype, y.shape, y.dtype) == ((50, 2), np.float64, (50,), np.int64)
    assert np.isfinite(X).all()


@ALL
@pytest.mark.parametrize("n_samples", [60, 61, 62])
def test_classes_differ_in_size_by_at_most_one(make, n_samples):
    counts = np.bincount(make(n_samples)[1])
    assert counts.sum() == n_samples
    assert np.ptp(counts) <= 1


@ALL
def test_the_same_seed_gives_the_same_points_and_another_seed_others(make):
    for first, again in zip(make(30, seed=3), make(30, seed=3), strict=True):
        np.testing.assert_array_equal(first, again)
    assert not np.array_equal(make(30, seed=3)[0], make(30, seed=4)[0])


@ALL
def test_a_generator_is_drawn_from(make):
    generator = np.random.default_rng(3)
    np.testing.assert_array_equal(make(30, seed=generator)[0], make(30, seed=3)[0])
    assert not np.array_equal(make(30, seed=generator)[0], make(30, seed=3)[0])


@ALL
def test_points_are_shuffled(make):
    y = make(60)[1]
    assert not np.array_equal(y, np.sort(y))


@ALL
def test_noise_is_the_standard_deviation_about_the_noiseless_points(make):
    # The same seed gives the same order, so the two runs pair off.
    noiseless, noisy = make(3000, noise=0.0, seed=1)[0], make(3000, noise=0.05, seed=1)[0]
    assert np.std(noisy - noiseless) == pytest.approx(0.05, rel=0.05)


@ALL
def test_hidden_global_randomness_is_left_alone(make):
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    make(30)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


@pytest.mark.parametrize("n_samples", [10, 11])
def test_moons_have_the_geometry_of_scikit_learn(n_samples):
    reference = pytest.importorskip("sklearn.datasets").make_moons(n_samples, noise=None)
    ours = datasets.make_moons(n_samples, noise=0.0)
    np.testing.assert_allclose(as_set(*ours), as_set(*reference), atol=1e-12)


@pytest.mark.parametrize("n_samples", [10, 11])
def test_circles_have_the_geometry_of_scikit_learn(n_samples):
    reference = pytest.importorskip("sklearn.datasets").make_circles(
        n_samples, noise=None, factor=0.3
    )
    ours = datasets.make_circles(n_samples, noise=0.0, factor=0.3)
    np.testing.assert_allclose(as_set(*ours), as_set(*reference), atol=1e-12)


def test_blobs_lie_on_an_equilateral_triangle():
    X, y = datasets.make_blobs(30, noise=0.0)
    corners = np.array([X[y == label].mean(axis=0) for label in range(3)])
    sides = np.linalg.norm(corners - np.roll(corners, 1, axis=0), axis=1)
    np.testing.assert_allclose(sides, np.sqrt(3))


def test_spiral_arms_are_each_other_turned_half_round():
    X, y = datasets.make_spirals(40, noise=0.0)
    np.testing.assert_allclose(
        as_set(X[y == 0], y[y == 0]), as_set(-X[y == 1], y[y == 0]), atol=1e-12
    )
    np.testing.assert_allclose([np.linalg.norm(X, axis=1).min()], [0.5])


def test_xor_labels_say_whether_the_signs_differ():
    X, y = datasets.make_xor(40, noise=0.0)
    np.testing.assert_array_equal(y, X[:, 0] * X[:, 1] < 0)
    assert len(np.unique(X, axis=0)) == 4


@pytest.mark.parametrize(
    ("make", "fewest"),
    [(datasets.make_moons, 2), (datasets.make_blobs, 3), (datasets.make_xor, 4)],
)
def test_too_few_samples_are_refused_and_the_fewest_accepted(make, fewest):
    assert len(make(fewest)[0]) == fewest
    with pytest.raises(ValueError, match=f"n_samples must be at least {fewest}"):
        make(fewest - 1)


@ALL
@pytest.mark.parametrize("noise", [-0.1, np.nan, np.inf])
def test_impossible_noise_is_refused(make, noise):
    with pytest.raises(ValueError, match="noise must be a finite number, 0 or more"):
        make(30, noise=noise)


def test_a_fractional_number_of_samples_is_refused():
    with pytest.raises(TypeError, match=r"n_samples must be an integer, got 10\.5"):
        datasets.make_moons(10.5)


@pytest.mark.parametrize("factor", [0.0, 1.0, -1.0, np.nan])
def test_a_factor_outside_0_and_1_is_refused(factor):
    with pytest.raises(ValueError, match="factor must be between 0 and 1"):
        datasets.make_circles(factor=factor)
