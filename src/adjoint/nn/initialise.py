"""An initialiser draws a layer's first weights, scaled so that signals neither fade nor grow."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..core.annotations import Array
from ..core.reproducibility import ordered_sum
from ..errors import ShapeError, choose
from .activations import ACTIVATIONS

Initialiser = Callable[[tuple[int, int], np.random.Generator], Array]


def as_generator(rng: np.random.Generator | int | None) -> np.random.Generator:
    """Return a generator: the one given, or a new one from a seed or, for None, system entropy.

    Raises
    ------
    TypeError
        If ``rng`` is anything else; `numpy.random.RandomState` included, the legacy generator.

    Examples
    --------
    >>> as_generator(0).integers(10)
    np.int64(8)
    """
    if isinstance(rng, np.random.Generator):
        return rng
    if rng is None or (isinstance(rng, (int, np.integer)) and not isinstance(rng, bool)):
        return np.random.default_rng(rng)
    raise TypeError(
        f"rng: expected an int seed, a numpy.random.Generator or None, got {type(rng).__name__}; "
        "np.random.default_rng(seed) makes a generator"
    )


def _fans(shape: Sequence[int]) -> tuple[int, int]:
    if len(shape) != 2 or min(shape) < 1:
        raise ShapeError(f"initialise: expected a weight's shape (in, out), got {tuple(shape)}")
    return shape[0], shape[1]


# Where NumPy's normal numbers come from a logarithm of the C library, which may round otherwise on
# another machine: Marsaglia and Tsang, "The ziggurat method for generating random variables", 2000,
# with 256 layers. Such a number, one in 3,900, is rounded to a multiple of 2⁻³⁶.
_TAIL, _GRID = 3.6541528853610088, 2.0**36
# From more columns on LAPACK makes them orthogonal, which takes a tenth of the time of our own way
# and rounds otherwise on other machines; ours takes some 50 ms for as many.
_MOST_COLUMNS = 256


def uniform(
    rng: np.random.Generator | np.random.RandomState, bound: float, shape: int | Sequence[int]
) -> Array:
    """Return numbers uniform on ±bound, the same on every machine.

    They are those of ``rng.uniform``, which some compilers let round product and sum together.

    Examples
    --------
    >>> uniform(as_generator(0), 2.0, 2) == as_generator(0).uniform(-2.0, 2.0, 2)
    array([ True,  True])
    """
    return 2 * bound * rng.random(shape) - bound


def normal(rng: np.random.Generator, deviation: float, shape: Sequence[int]) -> Array:
    """Return normal numbers of mean 0, the same on every machine.

    Examples
    --------
    >>> normal(as_generator(0), 2.0, (2,)) == as_generator(0).normal(0.0, 2.0, 2)
    array([ True,  True])
    """
    drawn = rng.standard_normal(shape)
    is_far = np.abs(drawn) > _TAIL
    return deviation * np.where(is_far, np.rint(drawn * _GRID) / _GRID, drawn)


def glorot_uniform(shape: tuple[int, int], rng: np.random.Generator) -> Array:
    """Return weights uniform on ±√(6 / (in + out)): for sigmoid, tanh and linear units.

    The variance 2 / (in + out) is the compromise between keeping that of the signals and that of
    the gradients: Glorot & Bengio, "Understanding the difficulty of training deep feedforward
    neural networks", AISTATS 2010, equation (16).

    Parameters
    ----------
    shape : (in, out)
    rng : numpy.random.Generator

    Returns
    -------
    (in, out) float64 array

    Examples
    --------
    >>> bool(abs(glorot_uniform((2, 4), as_generator(0))).max() <= 1)
    True
    """
    fan_in, fan_out = _fans(shape)
    bound = np.sqrt(6 / (fan_in + fan_out))
    return uniform(rng, bound, shape)


def glorot_normal(shape: tuple[int, int], rng: np.random.Generator) -> Array:
    """Return normal weights of variance 2 / (in + out), that of `glorot_uniform`.

    Glorot & Bengio, AISTATS 2010, equation (16).

    Parameters
    ----------
    shape : (in, out)
    rng : numpy.random.Generator

    Returns
    -------
    (in, out) float64 array

    Examples
    --------
    >>> glorot_normal((2, 4), as_generator(0)).shape
    (2, 4)
    """
    return normal(rng, np.sqrt(2 / sum(_fans(shape))), shape)


def he_normal(shape: tuple[int, int], rng: np.random.Generator) -> Array:
    """Return normal weights of variance 2 / in: for ReLU units, which pass half of the signal.

    He et al., "Delving deep into rectifiers", ICCV 2015, equation (10).

    Parameters
    ----------
    shape : (in, out)
    rng : numpy.random.Generator

    Returns
    -------
    (in, out) float64 array

    Examples
    --------
    >>> he_normal((2, 4), as_generator(0)).shape
    (2, 4)
    """
    fan_in, _ = _fans(shape)
    return normal(rng, np.sqrt(2 / fan_in), shape)


def he_uniform(shape: tuple[int, int], rng: np.random.Generator) -> Array:
    """Return weights uniform on ±√(6 / in), the variance of `he_normal` without its tails.

    Parameters
    ----------
    shape : (in, out)
    rng : numpy.random.Generator

    Returns
    -------
    (in, out) float64 array

    Examples
    --------
    >>> he_uniform((2, 4), as_generator(0)).shape
    (2, 4)
    """
    fan_in, _ = _fans(shape)
    bound = np.sqrt(6 / fan_in)
    return uniform(rng, bound, shape)


def lecun_normal(shape: tuple[int, int], rng: np.random.Generator) -> Array:
    """Return normal weights of variance 1 / in, which keep the signal's: for SELU units.

    LeCun et al., "Efficient backprop", 1998, equation (16).

    Parameters
    ----------
    shape : (in, out)
    rng : numpy.random.Generator

    Returns
    -------
    (in, out) float64 array

    Examples
    --------
    >>> lecun_normal((2, 4), as_generator(0)).shape
    (2, 4)
    """
    fan_in, _ = _fans(shape)
    return normal(rng, np.sqrt(1 / fan_in), shape)


def orthogonal(shape: tuple[int, int], rng: np.random.Generator) -> Array:
    """Return orthonormal columns, or rows where these are fewer: they keep lengths.

    All such matrices are equally likely: the factor Q of a normal matrix, with the signs that make
    R's diagonal positive; they are the same on every machine where the smaller size is at most 256.
    Saxe, McClelland & Ganguli, "Exact solutions to the nonlinear dynamics of
    learning in deep linear neural networks", ICLR 2014; for the signs Mezzadri, "How to generate
    random matrices from the classical compact groups", Notices of the AMS 54, 2007.

    Parameters
    ----------
    shape : (in, out)
    rng : numpy.random.Generator

    Returns
    -------
    (in, out) float64 array

    Examples
    --------
    >>> weight = orthogonal((4, 2), as_generator(0))
    >>> bool(np.allclose(weight.T @ weight, np.eye(2)))
    True
    """
    fan_in, fan_out = _fans(shape)
    tall = normal(rng, 1.0, (max(fan_in, fan_out), min(fan_in, fan_out)))
    if tall.shape[1] <= _MOST_COLUMNS:
        q = _orthonormal(tall)
    else:
        q, r = np.linalg.qr(tall)
        q = np.asarray(q * np.copysign(1.0, np.diagonal(r)))
    return q if fan_in >= fan_out else q.T


def _orthonormal(columns: Array) -> Array:
    """Return the factor Q of a matrix, whose R has a positive diagonal, the same on every machine.

    By Gram's and Schmidt's modified method, twice: the second time mends what rounding left.
    """
    rows = columns.T.copy()
    for _ in range(2):
        for k, own in enumerate(rows):
            own /= np.sqrt(ordered_sum(own * own))
            rest = rows[k + 1 :]
            rest -= ordered_sum((rest * own).T)[:, np.newaxis] * own
    return rows.T


def zeros(shape: tuple[int, int], rng: np.random.Generator) -> Array:
    """Return zeros: for an output that is to start at its bias, or a residual at its input.

    Not for hidden layers, all of whose units would get the same gradient and stay alike.

    Parameters
    ----------
    shape : (in, out)
    rng : numpy.random.Generator

    Returns
    -------
    (in, out) float64 array

    Examples
    --------
    >>> zeros((1, 2), as_generator(0))
    array([[0., 0.]])
    """
    return np.zeros(_fans(shape))


# The initialisers that a layer knows by name.
INITIALISERS: dict[str, Initialiser] = {
    "glorot_normal": glorot_normal,
    "glorot_uniform": glorot_uniform,
    "he_normal": he_normal,
    "he_uniform": he_uniform,
    "lecun_normal": lecun_normal,
    "orthogonal": orthogonal,
    "zeros": zeros,
}


def as_initialiser(initialise: Initialiser | str) -> Initialiser:
    """Return an initialiser: the one given, or that of a name.

    Raises
    ------
    ValueError
        If it is neither a callable nor one of the names of `INITIALISERS`.

    Examples
    --------
    >>> as_initialiser("zeros") is zeros
    True
    """
    if callable(initialise):
        return initialise
    return INITIALISERS[choose("initialiser", initialise, INITIALISERS)]


# The initialiser that suits the layer before each activation.
BY_ACTIVATION: dict[str, Initialiser] = {
    name: as_initialiser(kind.initialise)
    for name, kind in ACTIVATIONS.items()
    if kind.initialise is not None
}


def first_weight(
    initialise: Initialiser | str,
    shape: tuple[int, int],
    rng: np.random.Generator | int | None,
) -> Array:
    """Return a layer's first weight, (in, out), as an initialiser draws it.

    Raises
    ------
    ShapeError
        If the initialiser returns another shape.

    Examples
    --------
    >>> first_weight("zeros", (1, 2), rng=0)
    array([[0., 0.]])
    """
    weight = np.asarray(as_initialiser(initialise)(shape, as_generator(rng)))
    if weight.shape != shape:
        raise ShapeError(f"initialise returned shape {weight.shape}, expected {shape}")
    return weight
