"""A scatter of labelled points in the plane: each class has its own colour and marker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection
    from matplotlib.figure import Figure, SubFigure

# A vector file with more points than this is slower to open than to train on: they become an image.
MOST_VECTOR_POINTS = 20_000


class DataDisplay:
    """Points in the plane, coloured and shaped by class.

    Use `from_data`; the initialiser only stores what it is given.

    Parameters
    ----------
    X : (n, 2) float array
        The points.
    y : (n,) array
        Their labels, numbers or strings, each one of ``classes``.
    classes : (c,) array
        The distinct labels in order; a class keeps its colour when it has no points here.
    feature_names : pair of str
        What the two axes are called.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    points_ : list of PathCollection
        One per class, in the order of ``classes``.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> points = [[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]]
    >>> display = DataDisplay.from_data(points, ["red", "blue", "red"], ax=Figure().subplots())
    >>> display.classes.tolist(), len(display.points_)
    (['blue', 'red'], 2)
    """

    ax_: Axes
    figure_: Figure | SubFigure
    points_: list[PathCollection]

    def __init__(
        self,
        *,
        X: NDArray[np.float64],
        y: NDArray[Any],
        classes: NDArray[Any],
        feature_names: tuple[str, str] = ("Feature 1", "Feature 2"),
    ) -> None:
        self.X = X
        self.y = y
        self.classes = classes
        self.feature_names = feature_names

    @classmethod
    def from_data(
        cls, X: ArrayLike, y: ArrayLike, *, ax: Axes | None = None, **kwargs: Any
    ) -> Self:
        """Check the points and labels, and draw them.

        Parameters
        ----------
        X : (n, 2) array or data frame
            The points; a data frame's column names become the axes' labels.
        y : (n,) array
            Their labels, numbers or strings.
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.
        **kwargs
            As for `plot`.

        Returns
        -------
        DataDisplay

        Raises
        ------
        ValueError
            If X is not (n, 2) and finite, y is not (n,), or there are too many classes to tell
            apart.
        ImportError
            If Matplotlib is not installed.
        """
        points = as_points(X)
        labels = as_labels(y, len(points))
        display = cls(
            X=points, y=labels, classes=np.unique(labels), feature_names=names_of_features(X)
        )
        return display.plot(ax, **kwargs)

    def plot(self, ax: Axes | None = None, *, title: str = "Data Points", **kwargs: object) -> Self:
        """Draw the points on ``ax``, or on a new figure.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw.
        title : str
            The title of the axes.
        **kwargs
            Passed to `matplotlib.axes.Axes.scatter` for every class.

        Returns
        -------
        DataDisplay
            This display.
        """
        ax = style.axes_or_new(ax)
        self.points_ = self.scatter(ax, **kwargs)
        xlabel, ylabel = map(style.as_words, self.feature_names)
        style.dress(ax, title=title, xlabel=xlabel, ylabel=ylabel)
        style.add_legend(ax, self.X)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def scatter(self, ax: Axes, **kwargs: object) -> list[PathCollection]:
        """Put the points alone on ``ax``, one artist per class."""
        look: dict[str, Any] = {
            "alpha": style.POINT_ALPHA,
            # Above a thousand points they shrink, so that they do not cover each other.
            "s": float(np.clip(1000 / len(self.X), 0.1, 1)) * style.POINT_SIZE,
            "rasterized": len(self.X) > MOST_VECTOR_POINTS,
        }
        artists = []
        for index, label in enumerate(self.classes):
            # Matplotlib takes c or color, not both.
            own = {"c" if "c" in kwargs else "color": style.colour(index, ax)}
            own["marker"] = style.marker(index)
            x = self.X[self.y == label]
            artists.append(
                ax.scatter(x[:, 0], x[:, 1], label=name_of_label(label), **(look | own | kwargs))
            )
        return artists


def as_points(X: ArrayLike) -> NDArray[np.float64]:
    """Return X as an (n, 2) float array, or say what is wrong with it."""
    points = np.asarray(X, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) == 0:
        raise ValueError(
            f"X has shape {points.shape}; expected (n, 2) with n > 0: a picture has two axes, so "
            "choose or compute two features first"
        )
    bad = np.count_nonzero(~np.isfinite(points).all(axis=1))
    if bad:
        raise ValueError(f"X has NaN or infinity in {bad} of {len(points)} rows; drop or mend them")
    return points


def as_labels(y: ArrayLike, count: int | None = None) -> NDArray[Any]:
    """Return y as (count,) labels of at most as many classes as the look can tell apart."""
    labels = np.asarray(y)
    if labels.ndim != 1 or (count is not None and len(labels) != count):
        expected = "(n,)" if count is None else f"({count},)"
        raise ValueError(f"y has shape {labels.shape}; expected {expected}, one per point")
    if labels.dtype.kind == "f" and np.isnan(labels).any():
        raise ValueError(f"y has {np.isnan(labels).sum()} NaN; drop the points without a label")
    check_class_count(len(np.unique(labels)), "y")
    return labels


def check_class_count(count: int, source: str) -> None:
    """Refuse more classes than can be told apart: they are probably no classes."""
    if count > style.MOST_CLASSES:
        raise ValueError(
            f"{source} has {count} distinct values; expected class labels, at most "
            f"{style.MOST_CLASSES}"
        )


def names_of_features(X: object) -> tuple[str, str]:
    """Return a data frame's two column names, or neutral ones."""
    first, second = getattr(X, "columns", ("Feature 1", "Feature 2"))
    return str(first), str(second)


def name_of_label(label: object) -> str:
    """Return a legend's entry: a string label speaks for itself, a number does not."""
    return style.as_words(label) if isinstance(label, str) else f"Class {label}"
