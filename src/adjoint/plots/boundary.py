"""A decision boundary is where an estimator changes its mind; it divides the plane into regions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.annotations import Array
from . import style
from .plane import Feature, plane
from .response import respond
from .scatter import DataDisplay, as_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection
    from matplotlib.contour import QuadContourSet
    from matplotlib.figure import Figure, SubFigure

Look = dict[str, Any]


class DecisionBoundaryDisplay:
    """The regions an estimator assigns to each class, and the data it is judged by.

    Use `from_estimator`; the initialiser only stores what it is given.

    Parameters
    ----------
    xx0, xx1 : (r, r) float array
        The grid's coordinates: ``xx0`` varies along the columns, ``xx1`` along the rows.
    response : (r, r, c) float array
        Each class's probability at each grid point; 0 or 1 for an estimator that has none.
    classes : (c,) array
        The labels of the classes, in the order of the last axis of ``response``.
    data : DataDisplay, optional
        Points to draw above the regions.
    feature_names : pair of str
        What the two axes are called.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    regions_ : list of QuadContourSet
        With two classes one, where the second has probability at most 0.5; else one per class.
    boundaries_ : list of QuadContourSet
        The lines between the regions.
    points_ : list of PathCollection
        One per class if there are data, else none.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> class Right:
    ...     def predict(self, X):
    ...         return (X[:, 0] > 0).astype(int)
    >>> display = DecisionBoundaryDisplay.from_estimator(
    ...     Right(), [[-1.0, 0.0], [1.0, 1.0]], [0, 1], grid_resolution=5, ax=Figure().subplots())
    >>> display.response[0, :, 1]
    array([0., 0., 0., 1., 1.])
    """

    ax_: Axes
    figure_: Figure | SubFigure
    regions_: list[QuadContourSet]
    boundaries_: list[QuadContourSet]
    points_: list[PathCollection]

    def __init__(
        self,
        *,
        xx0: Array,
        xx1: Array,
        response: Array,
        classes: NDArray[Any],
        data: DataDisplay | None = None,
        feature_names: tuple[str, str] = ("Feature 1", "Feature 2"),
    ) -> None:
        self.xx0 = xx0
        self.xx1 = xx1
        self.response = response
        self.classes = classes
        self.data = data
        self.feature_names = feature_names

    @classmethod
    def from_estimator(
        cls,
        estimator: object,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        features: Sequence[Feature] | None = None,
        at: Mapping[Any, Any] | None = None,
        grid_resolution: int = 300,
        eps: float | None = None,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Ask the estimator at every point of a grid around X, and draw its answers.

        Parameters
        ----------
        estimator : object
            Anything with ``predict_proba(X)``, an (n, c) array, or else ``predict(X)``, (n,)
            labels. Its ``classes_``, where there are any, name the classes.
        X : (n, d) array or data frame
            The points that say which part of the plane matters.
        y : (n,) array, optional
            Their labels; with these, the points are drawn as well.
        features : pair of int or str, optional
            The two columns of X to draw, by place or by name; needed where there are more. The
            regions are then a section through the estimator's: they hold where all other columns
            have the values they are held at, while the points have values of their own.
        at : dict of int or str to a value, optional
            Where to hold some of the other columns. Without, a column of numbers is held at its
            median, any other at its most frequent value.
        grid_resolution : int
            Number of grid points along each axis, at least 2.
        eps : float, optional
            How far the grid reaches beyond X, in data units; by default a tenth of X's range.
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.
        **kwargs
            As for `plot`.

        Returns
        -------
        DecisionBoundaryDisplay

        Raises
        ------
        TypeError
            If the estimator has neither method.
        ValueError
            If X has more columns than two and ``features`` does not choose, a chosen one is not
            finite numbers, y does not fit X or the estimator, or the estimator's answer has another
            shape or is NaN.
        ImportError
            If Matplotlib is not installed, or narwhals is not and X is a data frame.

        Examples
        --------
        >>> from matplotlib.figure import Figure
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.linear_model import LogisticRegression
        >>> X, y = load_iris(return_X_y=True)
        >>> model = LogisticRegression(max_iter=500).fit(X, y)
        >>> display = DecisionBoundaryDisplay.from_estimator(
        ...     model, X, y, features=(2, 3), ax=Figure().subplots()
        ... )
        >>> display.feature_names
        ('Feature 3', 'Feature 4')
        """
        section = plane(X, features, at)
        points = section.points
        labels = None if y is None else as_labels(y, len(points))
        xx0, xx1 = _grid(points, grid_resolution, eps)
        rows = section.rows(np.c_[xx0.ravel(), xx1.ravel()])
        response, classes = respond(estimator, rows, labels)
        display = cls(
            xx0=xx0,
            xx1=xx1,
            response=response.reshape(*xx0.shape, len(classes)),
            classes=classes,
            data=None if labels is None else DataDisplay(X=points, y=labels, classes=classes),
            feature_names=section.names,
        )
        return display.plot(ax, **kwargs)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        title: str = "Decision Boundary",
        fill_kwargs: Look | None = None,
        line_kwargs: Look | None = None,
        scatter_kwargs: Look | None = None,
    ) -> Self:
        """Draw regions, boundaries and data on ``ax``, or on a new figure.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw.
        title : str
            The title of the axes.
        fill_kwargs, line_kwargs, scatter_kwargs : dict, optional
            Passed to Matplotlib's ``contourf``, ``contour`` and ``scatter``.

        Returns
        -------
        DecisionBoundaryDisplay
            This display.
        """
        ax = style.axes_or_new(ax)
        margins = _margins(self.response)
        self.regions_ = self._fill(ax, margins, fill_kwargs or {})
        self.boundaries_ = self._outline(ax, margins, line_kwargs or {})
        self.points_ = self.data.scatter(ax, **(scatter_kwargs or {})) if self.data else []
        style.dress(ax, title=title, xlabel=self.feature_names[0], ylabel=self.feature_names[1])
        ax.set_xlim(self.xx0.min(), self.xx0.max())
        ax.set_ylim(self.xx1.min(), self.xx1.max())
        if self.data:
            style.add_legend(ax, self.data.X)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _fill(self, ax: Axes, margins: Array, kwargs: Look) -> list[QuadContourSet]:
        """Fill the first of two regions, or each of several in its class's colour."""
        count = len(self.classes)
        colours = [style.REGION_COLOUR] if count == 2 else [style.colour(k) for k in range(count)]
        regions = []
        for k, colour in enumerate(colours):
            look: Look = {"colors": [colour], "alpha": style.REGION_ALPHA} | kwargs
            if margins[..., k].max() >= 0:
                regions.append(ax.contourf(self.xx0, self.xx1, margins[..., k], [0, 1], **look))
        return regions

    def _outline(self, ax: Axes, margins: Array, kwargs: Look) -> list[QuadContourSet]:
        """Draw every class's border but the last one's, which are the others' as well."""
        look: Look = {"colors": style.BOUNDARY_COLOUR, "linewidths": style.LINE_WIDTH} | kwargs
        return [
            ax.contour(self.xx0, self.xx1, margins[..., k], [0], **look)
            for k in range(len(self.classes) - 1)
            if margins[..., k].min() < 0 <= margins[..., k].max()
        ]


def _grid(points: Array, resolution: int, eps: float | None) -> tuple[Array, Array]:
    """Return a square number of points that covers the data and a margin."""
    if resolution < 2:
        raise ValueError(f"grid_resolution must be at least 2, got {resolution}")
    low, high = points.min(axis=0), points.max(axis=0)
    # A feature that never varies has no range to take a tenth of.
    margin = np.where(high > low, (high - low) / 10, 1.0) if eps is None else np.full(2, eps)
    if not (np.isfinite(margin).all() and (margin >= 0).all()):
        raise ValueError(f"eps must be a finite number, 0 or more; got {eps!r}")
    axes = np.linspace(low - margin, high + margin, resolution)
    xx0, xx1 = np.meshgrid(axes[:, 0], axes[:, 1])
    return xx0, xx1


def _margins(response: Array) -> Array:
    """Return how far each class is ahead of the best other one: 0 on the class's border.

    Half the difference, so that with two classes it is the probability less 0.5.
    """
    if response.shape[-1] == 1:
        return response / 2
    best_two = np.partition(response, -2, axis=-1)[..., -2:]
    second, best = best_two[..., :1], best_two[..., 1:]
    rival = np.where(response == best, second, best)
    return (response - rival) / 2
