"""A calibration curve compares what probabilities promise with what happens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.annotations import Array
from ..errors import choose
from . import style
from .response import respond
from .scatter import as_labels, name_of_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.lines import Line2D


STRATEGIES = ("quantile", "uniform")


class CalibrationDisplay:
    """How often a class is right where its probability says so: on the diagonal, if all is well.

    Use `from_estimator` or `from_predictions`; the initialiser only stores what it is given.
    Where there are two classes the second one is drawn; where there are more, each one against
    all others.

    Parameters
    ----------
    prob_true : (k, bins) float array
        The share of rows that are of the class, in each bin of each of the k classes drawn; NaN
        where a bin is empty.
    prob_pred : (k, bins) float array
        The mean probability of the rows in the bin.
    counts : (k, bins) int array
        How many rows are in it.
    classes : (k,) array
        The classes drawn.

    Attributes
    ----------
    calibration_error : (k,) float array
        The expected calibration error: the distance of prob_true and prob_pred, averaged over the
        rows of all bins (Naeini, Cooper and Hauskrecht, AAAI 2015).
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    lines_ : list of Line2D
        One per class drawn.
    line_ : Line2D
        The first of them.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> display = CalibrationDisplay.from_predictions(
    ...     [0, 1, 1, 1], [0.1, 0.3, 0.9, 0.9], n_bins=2, ax=Figure().subplots()
    ... )
    >>> display.prob_true
    array([[0.5, 1. ]])
    >>> display.calibration_error.round(3)
    array([0.2])
    """

    ax_: Axes
    figure_: Figure | SubFigure
    lines_: list[Line2D]
    line_: Line2D

    def __init__(
        self, *, prob_true: Array, prob_pred: Array, counts: NDArray[np.int_], classes: NDArray[Any]
    ) -> None:
        self.prob_true = prob_true
        self.prob_pred = prob_pred
        self.counts = counts
        self.classes = classes

    @property
    def calibration_error(self) -> Array:
        """The expected calibration error of each class drawn."""
        gaps = np.where(self.counts > 0, np.abs(self.prob_true - self.prob_pred), 0.0)
        return np.asarray((self.counts * gaps).sum(axis=1) / self.counts.sum(axis=1))

    @classmethod
    def from_estimator(
        cls,
        estimator: object,
        X: Sequence[Any] | Array,
        y: ArrayLike,
        *,
        n_bins: int = 10,
        strategy: str = "uniform",
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Ask a fitted classifier for the probabilities of rows, and draw how they turn out.

        Parameters
        ----------
        estimator : object
            Anything with ``predict_proba(X)``, an (n, c) array. Its ``classes_``, where there are
            any, name the classes.
        X : (n, d) array or data frame
            Rows that it was not trained on.
        y : (n,) array
            Their labels.
        n_bins, strategy
            As for `from_predictions`.
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.
        **kwargs
            As for `plot`.

        Returns
        -------
        CalibrationDisplay

        Raises
        ------
        TypeError
            If the estimator has no ``predict_proba``.
        ValueError
            If y does not fit X or the estimator, or n_bins or strategy is none there is.
        ImportError
            If Matplotlib is not installed.
        """
        if not hasattr(estimator, "predict_proba"):
            raise TypeError(
                f"{type(estimator).__name__} has no predict_proba, so there is nothing to "
                "calibrate; pass a fitted classifier that gives probabilities"
            )
        labels = as_labels(y)
        response, classes = respond(estimator, X, labels)
        return cls.from_predictions(
            labels, response, classes=classes, n_bins=n_bins, strategy=strategy, ax=ax, **kwargs
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_prob: ArrayLike,
        *,
        classes: ArrayLike | None = None,
        n_bins: int = 10,
        strategy: str = "uniform",
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw probabilities that are there already.

        Parameters
        ----------
        y_true : (n,) array
            The labels.
        y_prob : (n,) or (n, c) array
            The probability of the second of two classes, or that of each of c.
        classes : (c,) array, optional
            The labels in the order of the columns; by default those of ``y_true``, sorted.
        n_bins : int
            How many bins the probabilities are sorted into.
        strategy : {"uniform", "quantile"}
            Bins of one width, or of as many rows each.
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.
        **kwargs
            As for `plot`.

        Returns
        -------
        CalibrationDisplay

        Raises
        ------
        ValueError
            If a probability is outside 0 to 1, the shapes or labels do not fit together, or n_bins
            or strategy is none there is.
        ImportError
            If Matplotlib is not installed.
        """
        labels = as_labels(y_true)
        known = np.unique(labels) if classes is None else np.asarray(classes)
        columns = _columns(y_prob, labels, known)
        choose("strategy", strategy, STRATEGIES)
        if n_bins < 1:
            raise ValueError(f"n_bins: expected at least 1, got {n_bins}")
        drawn = known[1:] if len(known) == 2 else known
        parts = [
            _curve(column, labels == label, n_bins, strategy)
            for column, label in zip(columns.T, drawn, strict=True)
        ]
        true, predicted, counts = (np.array(part) for part in zip(*parts, strict=True))
        display = cls(prob_true=true, prob_pred=predicted, counts=counts, classes=drawn)
        return display.plot(ax, **kwargs)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        title: str = "Calibration",
        ref_line: bool = True,
        **kwargs: object,
    ) -> Self:
        """Draw the curves on ``ax``, or on a new figure; a marker's area says how many rows it has.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw.
        title : str
            The title of the axes.
        ref_line : bool
            Whether to draw the diagonal, on which probabilities are what they say.
        **kwargs
            Passed to `matplotlib.axes.Axes.plot` for every curve.

        Returns
        -------
        CalibrationDisplay
            This display.
        """
        ax = style.axes_or_new(ax)
        if ref_line:
            ax.plot([0, 1], [0, 1], linestyle=":", color="gray", label="Perfectly calibrated")
        self.lines_ = [
            self._draw(ax, k, style.full_names(kwargs)) for k in range(len(self.classes))
        ]
        self.line_ = self.lines_[0]
        about = f" of {name_of_label(self.classes[0])}" if len(self.classes) == 1 else ""
        style.dress(
            ax,
            title=title,
            xlabel=f"Mean probability{about}",
            ylabel=f"Share{about} among the rows",
        )
        ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        style.add_legend(ax, np.column_stack([self.prob_pred.ravel(), self.prob_true.ravel()]))
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _draw(self, ax: Axes, k: int, kwargs: dict[str, Any]) -> Line2D:
        """Draw one class: its line, and the bins on it."""
        label = f"{name_of_label(self.classes[k])} (error {self.calibration_error[k]:.3f})"
        index = k + 1 if len(self.classes) == 1 else k
        look: dict[str, Any] = {
            "color": style.colour(index, ax),
            "linewidth": style.LINE_WIDTH,
            "label": label,
        } | kwargs
        full = self.counts[k] > 0
        x, y = self.prob_pred[k][full], self.prob_true[k][full]
        line: Line2D = ax.plot(x, y, **look)[0]
        share = self.counts[k][full] / self.counts[k].sum()
        ax.scatter(x, y, s=10 + 400 * share, color=line.get_color(), alpha=style.POINT_ALPHA)
        return line


def _columns(y_prob: ArrayLike, labels: NDArray[Any], classes: NDArray[Any]) -> Array:
    """Return an (n, k) array: the probabilities of the classes that are drawn."""
    found = np.asarray(y_prob, np.float64)
    fits = found.shape == (len(labels), len(classes)) or (
        found.shape == labels.shape and len(classes) == 2
    )
    if not fits:
        raise ValueError(
            f"y_prob has shape {found.shape} for {len(labels)} labels of {len(classes)} classes, "
            f"{classes.tolist()[:10]}; expected ({len(labels)}, {len(classes)}), or "
            f"({len(labels)},) where there are two; name them by classes= if y_true lacks some"
        )
    # The comparison is written so that NaN fails it, too.
    wrong = np.count_nonzero(~((found >= 0) & (found <= 1)))
    if wrong:
        raise ValueError(f"y_prob has {wrong} values that are no probabilities, outside 0 to 1")
    strangers = set(labels.tolist()) - set(classes.tolist())
    if strangers:
        raise ValueError(f"the labels {sorted(strangers)} are none of {classes.tolist()}")
    if found.ndim == 1:
        return found[:, None]
    return found[:, 1:] if len(classes) == 2 else found


def _curve(
    prob: Array, is_class: NDArray[np.bool_], n_bins: int, strategy: str
) -> tuple[Array, Array, NDArray[np.int_]]:
    """Return each bin's share of the class, its mean probability, and its number of rows."""
    places = np.linspace(0, 1, n_bins + 1)
    edges = np.quantile(prob, places) if strategy == "quantile" else places
    number = np.searchsorted(edges[1:-1], prob)
    counts = np.bincount(number, minlength=n_bins)
    with np.errstate(invalid="ignore"):
        true = np.bincount(number, is_class, minlength=n_bins) / counts
        predicted = np.bincount(number, prob, minlength=n_bins) / counts
    return true, predicted, counts
