"""A decision boundary is where an estimator changes its mind; it divides the plane into regions.

The shading shows how sure it is: a class's region has the colour of its points, at full strength
where the class is certain, and without colour where two classes are equally probable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.annotations import Array
from ..errors import require
from . import style
from .plane import Feature, plane
from .response import respond
from .scatter import DataDisplay, as_labels, name_of_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection
    from matplotlib.contour import QuadContourSet
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.image import AxesImage
    from matplotlib.text import Text

Look = dict[str, Any]


class DecisionBoundaryDisplay:
    """The regions an estimator assigns to each class, and the data it is judged by.

    Use `from_estimator`; the initialiser only stores what it is given.

    Parameters
    ----------
    xx0, xx1 : (r, r) float array
        The grid's coordinates: ``xx0`` varies along the columns, ``xx1`` along the rows.
    response : (r, r, c) float array
        Each class's probability at each grid point; 0 or 1 for an estimator that has none, NaN
        where it gives no answer.
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
    regions_ : list of AxesImage
        One for each class that is the most probable one anywhere, in the colour of its points: full
        where the class is certain, fading to nothing where another is as probable.
    boundaries_ : list of QuadContourSet
        The lines between the regions.
    note_ : matplotlib Text or None
        What the picture says below its title where there is no boundary, or no answer.
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
    regions_: list[AxesImage]
    boundaries_: list[QuadContourSet]
    points_: list[PathCollection]
    note_: Text | None

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
            shape or names no classes.
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
            Passed to Matplotlib's ``imshow``, ``contour`` and ``scatter``. The ``alpha`` of the
            fill is that where a class is certain.

        Returns
        -------
        DecisionBoundaryDisplay
            This display.
        """
        ax = style.axes_or_new(ax)
        margins = _margins(self.response)
        self.regions_ = self._fill(ax, margins, dict(fill_kwargs or {}))
        self.boundaries_ = self._outline(ax, margins, line_kwargs or {})
        self.points_ = self.data.scatter(ax, **(scatter_kwargs or {})) if self.data else []
        xlabel, ylabel = map(style.as_words, self.feature_names)
        style.dress(ax, title=title, xlabel=xlabel, ylabel=ylabel)
        self.note_ = style.add_note(ax, self._note())
        ax.set_xlim(self.xx0.min(), self.xx0.max())
        ax.set_ylim(self.xx1.min(), self.xx1.max())
        if self.data:
            style.add_legend(ax, self.data.X)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _fill(self, ax: Axes, margins: Array, kwargs: Look) -> list[AxesImage]:
        """Fill the region of each class in the class's colour, paler where others come near."""
        full = kwargs.pop("alpha", style.REGION_ALPHA)
        return [
            self._shade(ax, style.colour(k, ax), full * np.maximum(2 * margins[..., k], 0), kwargs)
            for k in range(len(self.classes))
            if (margins[..., k] >= 0).any()
        ]

    def _shade(self, ax: Axes, colour: str, alpha: Array, kwargs: Look) -> AxesImage:
        """Lay a colour over the grid, of so much opacity at each of its points."""
        colours = require("matplotlib.colors", extra="plot", purpose="drawing")
        shades = np.empty((*alpha.shape, 4))
        shades[..., :3] = colours.to_rgb(colour)
        shades[..., 3] = np.clip(np.nan_to_num(alpha), 0, 1)
        (left, right), (low, high) = _ends(self.xx0[0]), _ends(self.xx1[:, 0])
        look: Look = {"interpolation": "bilinear", "aspect": "auto", "zorder": 1} | kwargs
        return ax.imshow(shades, extent=(left, right, low, high), origin="lower", **look)

    def _is_flat(self) -> bool:
        return bool(np.isin(self.response, (0.0, 1.0)).all())

    def _note(self) -> str:
        """Return what a reader would ask about a picture without a boundary, or with gaps."""
        known = np.isfinite(self.response).all(axis=-1)
        if not known.any():
            return "The estimator answers NaN everywhere: has training diverged?"
        missing = f"The estimator answers NaN in {_percent(1 - known.mean())} of the picture"
        answers = self.response[known]
        winners = np.unique(answers.argmax(axis=-1))
        if len(winners) > 1:
            return "" if known.all() else missing
        label = name_of_label(self.classes[winners[0]])
        sure = answers[:, winners[0]]
        span = "" if self._is_flat() else f", with probability {_span(sure.min(), sure.max())}"
        return f"No boundary in this picture: {label} everywhere{span}"

    def _outline(self, ax: Axes, margins: Array, kwargs: Look) -> list[QuadContourSet]:
        """Draw every class's border but the last one's, which are the others' as well."""
        line = style.seen_on(ax, style.BOUNDARY_COLOUR)
        look: Look = {"colors": line, "linewidths": style.LINE_WIDTH} | kwargs
        return [
            ax.contour(self.xx0, self.xx1, margins[..., k], [0], **look)
            for k in range(len(self.classes) - 1)
            if (margins[..., k] < 0).any() and (margins[..., k] >= 0).any()
        ]


def _span(low: float, high: float) -> str:
    """Return the range of a probability, as one number where its ends read alike."""
    ends = f"{low:.3g}", f"{high:.3g}"
    return ends[0] if ends[0] == ends[1] else " to ".join(ends)


def _percent(share: float) -> str:
    return "less than 1 %" if share < 0.01 else f"{100 * share:.0f} %"


def _ends(places: Array) -> tuple[float, float]:
    """Return where an image begins and ends whose pixels have their middles at these places."""
    half = (places[1] - places[0]) / 2
    return float(places[0] - half), float(places[-1] + half)


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

    Half the difference, so that with two classes it is the probability less 0.5; NaN where one of
    the probabilities is.
    """
    if response.shape[-1] == 1:
        return response / 2
    best_two = np.partition(response, -2, axis=-1)[..., -2:]
    second, best = best_two[..., :1], best_two[..., 1:]
    rival = np.where(response == best, second, best)
    return (response - rival) / 2
