"""A residual is what a prediction leaves over: the true value less the predicted one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from ..core.annotations import Array
from ..core.magnitude import magnitude
from ..errors import choose, require
from . import style
from .scatter import MOST_VECTOR_POINTS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.lines import Line2D


KINDS = ("actual_vs_predicted", "residual_vs_predicted")
# A bin of the running median has this many rows at least, and there are this many bins at most.
ROWS_PER_BIN = 20
MOST_BINS = 15


class ResidualsDisplay:
    """What a regressor leaves over, against what it predicts.

    Use `from_estimator` or `from_predictions`; the initialiser only stores what it is given.

    Parameters
    ----------
    y_true, y_pred : (n, k) float array
        The true and the predicted values of k outputs.

    Attributes
    ----------
    residuals : (n, k) float array
        ``y_true - y_pred``.
    rmse : (k,) float array
        The root of the mean squared residual, in the unit of y.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    line_ : Line2D
        Where predictions are right.
    points_ : list of PathCollection
        One per output.
    trends_ : list of Line2D
        The median of the rows of about the same prediction, one per output: where it leaves
        ``line_``, predictions are off to one side. None of it where rows are few.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> display = ResidualsDisplay.from_predictions([1, 2, 4], [1, 2, 3], ax=Figure().subplots())
    >>> display.residuals.ravel(), display.rmse.round(3)
    (array([0., 0., 1.]), array([0.577]))
    """

    ax_: Axes
    figure_: Figure | SubFigure
    line_: Line2D
    points_: list[PathCollection]
    trends_: list[Line2D]

    def __init__(self, *, y_true: Array, y_pred: Array) -> None:
        self.y_true = y_true
        self.y_pred = y_pred

    @property
    def residuals(self) -> Array:
        """The true values less the predicted ones."""
        return self.y_true - self.y_pred

    @property
    def rmse(self) -> Array:
        """The root of the mean squared residual of each output."""
        return np.array([_root_mean_square(column) for column in self.residuals.T])

    @classmethod
    def from_estimator(
        cls, estimator: object, X: object, y: ArrayLike, *, ax: Axes | None = None, **kwargs: Any
    ) -> Self:
        """Let a fitted regressor predict rows, and draw what is left over.

        Parameters
        ----------
        estimator : object
            Anything with ``predict(X)``, (n,) or (n, k) numbers.
        X : (n, d) array or data frame
            Rows that it was not trained on.
        y : (n,) or (n, k) array
            Their true values.
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.
        **kwargs
            As for `plot`.

        Returns
        -------
        ResidualsDisplay

        Raises
        ------
        TypeError
            If the estimator has no ``predict``, or predicts classes.
        ValueError
            If y and the predictions differ in shape, or are not finite.
        ImportError
            If Matplotlib is not installed.
        """
        if not hasattr(estimator, "predict"):
            raise TypeError(f"{type(estimator).__name__} has no predict; pass a fitted regressor")
        if hasattr(estimator, "classes_"):
            raise TypeError(
                f"{type(estimator).__name__} predicts classes, which leave no residuals; see "
                "CalibrationDisplay"
            )
        return cls.from_predictions(y, estimator.predict(X), ax=ax, **kwargs)

    @classmethod
    def from_predictions(
        cls, y_true: ArrayLike, y_pred: ArrayLike, *, ax: Axes | None = None, **kwargs: Any
    ) -> Self:
        """Draw predictions that are there already.

        Parameters
        ----------
        y_true, y_pred : (n,) or (n, k) array
            The true and the predicted values.
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.
        **kwargs
            As for `plot`.

        Returns
        -------
        ResidualsDisplay

        Raises
        ------
        ValueError
            If the shapes differ, there is no row, or a value is not finite.
        ImportError
            If Matplotlib is not installed.
        """
        true, predicted = _columns(y_true, "y_true"), _columns(y_pred, "y_pred")
        if true.shape != predicted.shape:
            raise ValueError(
                f"y_true has shape {np.shape(y_true)}, y_pred {np.shape(y_pred)}; expected one "
                "shape: of several quantiles, pass the column of one"
            )
        return cls(y_true=true, y_pred=predicted).plot(ax, **kwargs)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        kind: str = "residual_vs_predicted",
        title: str | None = None,
        **kwargs: object,
    ) -> Self:
        """Draw the rows on ``ax``, or on a new figure.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw.
        kind : {"residual_vs_predicted", "actual_vs_predicted"}
            What the vertical axis shows: residuals, or true values.
        title : str, optional
            The title of the axes.
        **kwargs
            Passed to `matplotlib.axes.Axes.scatter` for every output.

        Returns
        -------
        ResidualsDisplay
            This display.
        """
        choose("kind", kind, KINDS)
        ax = style.axes_or_new(ax)
        left_over = kind == "residual_vs_predicted"
        shown = self.residuals if left_over else self.y_true
        outputs = range(self.y_true.shape[1])
        self.points_ = [self._scatter(ax, k, shown[:, k], kwargs) for k in outputs]
        self.line_ = self._line(ax, left_over)
        self.trends_ = [line for k in outputs for line in self._trend(ax, k, shown[:, k])]
        ylabel = "Residual (true less predicted)" if left_over else "True value"
        fallback = "Residuals" if left_over else "True and Predicted Values"
        style.dress(ax, title=title or fallback, xlabel="Predicted value", ylabel=ylabel)
        style.add_legend(ax, np.column_stack([self.y_pred.ravel(), shown.ravel()]))
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _scatter(self, ax: Axes, k: int, shown: Array, kwargs: dict[str, Any]) -> PathCollection:
        count, outputs = self.y_true.shape
        name = "Rows" if outputs == 1 else f"Output {k + 1}"
        # Half transparent, and smaller where there are many: where points lie dense the picture
        # gets darker instead of full.
        look: dict[str, Any] = {
            "alpha": 0.5,
            "s": float(np.clip(500 / count, 0.1, 1)) * style.POINT_SIZE,
            "rasterized": count > MOST_VECTOR_POINTS,
            "label": f"{name} (RMSE {self.rmse[k]:.3g})",
            "marker": "o" if outputs == 1 else style.marker(k),
            "linewidths": 0,
        }
        if "c" not in kwargs and "color" not in kwargs:
            look["color"] = style.colour(1 if outputs == 1 else k, ax)
        return ax.scatter(self.y_pred[:, k], shown, **(look | kwargs))

    def _line(self, ax: Axes, left_over: bool) -> Line2D:
        colour = style.seen_on(ax, "black")
        look: dict[str, Any] = {"color": colour, "linewidth": 1, "label": "Right predictions"}
        if left_over:
            return ax.axhline(0, **look)
        ends = [float(self.y_pred.min()), float(self.y_pred.max())]
        return ax.plot(ends, ends, **look)[0]

    def _trend(self, ax: Axes, k: int, shown: Array) -> list[Line2D]:
        """Draw the median of each bin of rows in the order of what is predicted of them."""
        bins = min(MOST_BINS, len(shown) // ROWS_PER_BIN)
        if bins < 3:
            return []
        order = np.array_split(np.argsort(self.y_pred[:, k], kind="stable"), bins)
        x = [np.median(self.y_pred[rows, k]) for rows in order]
        y = [np.median(shown[rows]) for rows in order]
        several = self.y_true.shape[1] > 1
        line = ax.plot(
            x,
            y,
            color=style.colour(k, ax) if several else style.seen_on(ax, style.BOUNDARY_COLOUR),
            linewidth=style.LINE_WIDTH,
            linestyle="--",
            label=None if several else "Median",
        )[0]
        effects = require("matplotlib.patheffects", extra="plot", purpose="drawing")
        # A border like the background lets the line show above thousands of points of its colour.
        line.set_path_effects([effects.withStroke(linewidth=5, foreground=ax.get_facecolor())])
        return [line]


def _columns(values: ArrayLike, name: str) -> Array:
    """Return values as an (n, k) float array, or say what is wrong with them."""
    found = np.asarray(values, np.float64)
    if found.ndim not in (1, 2) or found.size == 0:
        raise ValueError(f"{name} has shape {found.shape}; expected (n,) or (n, k) with n > 0")
    bad = np.count_nonzero(~np.isfinite(found))
    if bad:
        raise ValueError(f"{name} has {bad} values that are NaN or infinite; drop or mend them")
    return found[:, None] if found.ndim == 1 else found


def _root_mean_square(numbers: Array) -> float:
    exponent = magnitude(numbers)
    squares = np.ldexp(numbers, -exponent) ** 2
    return float(np.ldexp(np.sqrt(squares.mean()), exponent))
