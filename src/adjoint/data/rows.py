"""Data are arrays of rows; here they are checked, put in order and cut into batches.

The order is a pure function of (seed, epoch), so every way of running a training sees the same
batches, whether it was interrupted or not.
"""

from __future__ import annotations

import numbers
import secrets
from collections.abc import Iterator

import numpy as np

from ..core.annotations import Array
from ..core.operand import as_operand, refuse_subclass
from ..core.philox import ORDER_SITE, as_word, random_words
from ..core.value import Value
from ..errors import ShapeError


def as_seed(seed: np.random.Generator | int | None) -> int:
    """Return a seed: an int as it is, one draw of a generator, or system entropy for None.

    Parameters
    ----------
    seed : int, numpy.random.Generator or None
        An int from 0 to 2⁶⁴ - 1.

    Raises
    ------
    TypeError
        If it is anything else.
    ValueError
        If the int is out of range.

    Examples
    --------
    >>> as_seed(7)
    7
    """
    if seed is None:
        return secrets.randbits(64)
    if isinstance(seed, np.random.Generator):
        return int(seed.integers(2**64, dtype=np.uint64))
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
        raise TypeError(
            f"seed: expected an int, a numpy.random.Generator or None, got {type(seed).__name__}"
        )
    return as_word("seed", seed)


def permutation(n: int, *, seed: int, epoch: int) -> Array:
    """Return the numbers 0 to n - 1 in an order given by (seed, epoch).

    Fisher and Yates' shuffle, from the last place i = n - 1 down to 1: places i and j are swapped,
    where j = ⌊(word_i >> 32) (i + 1) / 2³²⌋ and word_i are the random words of `ORDER_SITE`. All
    of these are integers, so that every tier gives the very same order. An order is favoured by at
    most n / 2³² in each draw.

    Parameters
    ----------
    n : int
        Below 2³².
    seed, epoch : int
        From 0 to 2⁶⁴ - 1.

    Returns
    -------
    (n,) int64 array

    Raises
    ------
    ValueError
        If a number is out of range.

    Examples
    --------
    >>> permutation(5, seed=0, epoch=0)
    array([1, 3, 0, 4, 2])
    """
    if not 0 <= n < 2**32:
        raise ValueError(f"permutation: n must be from 0 to 2**32 - 1, got {n}")
    words: Array = random_words(n, seed=seed, epoch=epoch, site=ORDER_SITE) >> np.uint64(32)
    # Multiplying a 32-bit word by i + 1 and taking the high half gives a number from 0 to i. A
    # remainder would need a division, which is slower.
    draws = ((words * np.arange(1, n + 1, dtype=np.uint64)) >> np.uint64(32)).tolist()
    # Each swap depends on the one before, and Python's lists swap single entries faster than NumPy.
    order = list(range(n))
    for i in range(n - 1, 0, -1):
        j = draws[i]
        order[i], order[j] = order[j], order[i]
    return np.array(order, np.int64)


def batches(n: int, batch_size: int, *, order: Array | None) -> Iterator[slice | Array]:
    """Yield the indices of one batch after another; the last may be short.

    Parameters
    ----------
    n : int
        Number of rows.
    batch_size : int
    order : (n,) integer array, or None
        The order of the rows, as from `permutation`. None keeps theirs, and gives slices, which
        select without copying.

    Examples
    --------
    >>> list(batches(5, 2, order=None))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    for start in range(0, n, batch_size):
        rows = slice(start, min(start + batch_size, n))
        yield rows if order is None else order[rows]


def chosen(array: Array, indices: slice | Array) -> Array:
    """Return some of an array's rows, by indices as from `batches`.

    Examples
    --------
    >>> chosen(np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), np.array([2, 0]))
    array([[5., 6.],
           [1., 2.]])
    """
    # `take` is up to five times as fast as brackets where there are several axes, but first copies
    # the whole of an array that does not lie in order.
    if isinstance(indices, slice) or array.ndim == 1 or not array.flags.c_contiguous:
        return array[indices]
    return array.take(indices, axis=0)


def check_xy(X: object, y: object, *, name: str = "data") -> tuple[Array, Array]:
    """Return the rows and their targets as arrays, or say what is wrong with them.

    Parameters
    ----------
    X : (n, ...) array of finite numbers
    y : (n, ...) array of finite numbers
    name : str
        What the message calls the pair.

    Raises
    ------
    TypeError
        If they are not numbers.
    ShapeError
        If there are no rows, or not as many targets as rows.
    ValueError
        If an entry is NaN or infinite; the message names the first.

    Examples
    --------
    >>> X, y = check_xy([[0.0, 1.0]], [1])
    >>> X.shape, y.shape
    ((1, 2), (1,))
    """
    arrays = [_as_rows(name, part, values) for part, values in (("X", X), ("y", y))]
    shapes = f"X of shape {arrays[0].shape} and y of shape {arrays[1].shape}"
    if len(arrays[0]) != len(arrays[1]):
        raise ShapeError(f"{name}: {shapes} differ in their number of rows")
    if not arrays[0].size:
        raise ShapeError(f"{name}: {shapes} hold no data")
    for part, array in zip("Xy", arrays, strict=True):
        check_finite(f"{name}: {part}", array)
    return arrays[0], arrays[1]


def is_missing(value: object) -> bool:
    """Return whether a value is None, NaN, or the NA or NaT of pandas.

    >>> is_missing(float("nan")), is_missing(0.0)
    (True, False)
    """
    if value is None:
        return True
    try:
        return bool(value != value)
    except (TypeError, ValueError):  # NA is neither equal to anything nor not
        return True


def as_numbers(name: str, values: object) -> Array:
    """Return an array of numbers, with NaN for missing objects, as frames have them.

    Parameters
    ----------
    name : str
        What messages call the array.
    values : array, value, frame or column

    Raises
    ------
    TypeError
        If an entry is neither a number nor missing, or the array is masked or a np.matrix.

    Examples
    --------
    >>> as_numbers("X", np.array([1, None, 2.5], dtype=object))
    array([1. , nan, 2.5])
    """
    refuse_subclass(values)
    array = np.asarray(values.data if isinstance(values, Value) else values)
    if array.dtype.kind != "O":
        return np.asarray(as_operand(array))
    for place in np.ndindex(array.shape):
        if not isinstance(array[place], numbers.Number) and not is_missing(array[place]):
            raise TypeError(
                f"{name} has {str(array[place])[:40]!r}, {type(array[place]).__name__}, at "
                f"{_place(place)}; expected real numbers: convert texts and dates, or train "
                "adjoint.estimators, which take categories"
            )
    found = np.array([np.nan if is_missing(x) else x for x in array.flat]).reshape(array.shape)
    return found.astype(np.float64) if found.dtype.kind == "O" else found


def _as_rows(name: str, part: str, values: object) -> Array:
    _refuse_texts(f"{name}: {part}", part, values)
    array = as_numbers(f"{name}: {part}", values)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name}: {part} has dtype {array.dtype}; expected real numbers")
    if not array.ndim:
        raise ShapeError(f"{name}: {part} is a single number; expected an array of rows")
    return array


# What to do about texts among the rows, and among their targets.
_TEXTS = {
    "X": "give each text a column of 0 and 1, or train adjoint.estimators, which take categories",
    "y": "number the classes, as classes, y = np.unique(y, return_inverse=True), or train "
    "adjoint.estimators.MLPClassifier, which takes texts as classes",
}


def _refuse_texts(name: str, part: str, values: object) -> None:
    """Refuse texts, and say what to do about them."""
    if isinstance(values, Value):
        return
    array = np.asarray(values)
    if array.dtype.kind not in "OSUT":
        return
    for place in np.ndindex(array.shape):
        if isinstance(array[place], (str, bytes)):
            text = array[place]
            shown = repr(text[:40] if isinstance(text, bytes) else str(text)[:40])
            kind = "bytes" if isinstance(text, bytes) else "str"
            raise TypeError(
                f"{name} has {shown}, {kind}, at {_place(place)}; expected real numbers: "
                f"{_TEXTS[part]}"
            )


def check_finite(name: str, array: Array) -> None:
    """Refuse NaN and infinities.

    Parameters
    ----------
    name : str
        What the message calls the array.
    array : array
        Integers and booleans pass: they are always finite.

    Raises
    ------
    ValueError
        If an entry is not finite; the message names the first.

    Examples
    --------
    >>> check_finite("X", np.array([[0.0, 1.0], [np.inf, 2.0]]))
    Traceback (most recent call last):
    ValueError: X has inf at row 1, column 0; drop such rows or fill them in first
    """
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return
    place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
    raise ValueError(
        f"{name} has {array[place]} at {_place(place)}; drop such rows or fill them in first"
    )


def _place(place: tuple[int, ...]) -> str:
    row, *columns = place or (0,)
    return f"row {row}" + "".join(f", column {i}" for i in columns)
