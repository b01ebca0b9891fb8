"""A loss curve shows how training went: the loss against the epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from ..core.annotations import Array
from ..errors import choose, require
from . import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.lines import Line2D

    from ..training.history import History


# A loss that falls by more than this factor is a flat line on a linear scale.
WIDE_RANGE = 20.0
# A longer line that rises and falls through the whole picture more often than this fills an area.
MOST_LEGIBLE = 500
MOST_CROSSINGS = 10


class LossCurveDisplay:
    """The training loss per epoch, and the validation loss or score where there is one.

    Use `from_history`, `from_estimator` or `from_values`; the initialiser only stores what it is
    given.

    Parameters
    ----------
    epoch : (n,) array
        The epochs, counted from 1.
    loss : (n,) float array
        The training loss of each; NaN or infinity leaves a gap.
    validation_loss : (n,) float array, optional
        The loss on data kept aside.
    validation_score : (n,) float array, optional
        The score on them, which is drawn on an axis of its own at the right.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    line_ : Line2D
        The training loss: the running mean where a long record is noisy.
    validation_line_ : Line2D or None
        The validation loss, likewise.
    score_line_ : Line2D or None
        The validation score.
    score_ax_ : matplotlib Axes or None
        Its axes.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> display = LossCurveDisplay.from_values([0.7, 0.4, 0.3], ax=Figure().subplots())
    >>> display.ax_.get_ylabel()
    'Loss'
    """

    ax_: Axes
    figure_: Figure | SubFigure
    line_: Line2D
    validation_line_: Line2D | None
    score_line_: Line2D | None
    score_ax_: Axes | None

    def __init__(
        self,
        *,
        epoch: Array,
        loss: Array,
        validation_loss: Array | None = None,
        validation_score: Array | None = None,
    ) -> None:
        self.epoch = epoch
        self.loss = loss
        self.validation_loss = validation_loss
        self.validation_score = validation_score

    @classmethod
    def from_history(cls, history: History, *, ax: Axes | None = None, **kwargs: Any) -> Self:
        """Draw what `adjoint.fit` recorded.

        Parameters
        ----------
        history : History
            Anything whose ``to_dict()`` has ``epoch`` and ``loss``, and perhaps
            ``val_loss``.
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.
        **kwargs
            As for `plot`.

        Returns
        -------
        LossCurveDisplay

        Raises
        ------
        ValueError
            If no epoch was recorded.
        ImportError
            If Matplotlib is not installed.
        """
        record = history.to_dict()
        return cls.from_values(
            record["loss"],
            epoch=record["epoch"],
            validation_loss=record.get("val_loss"),
            ax=ax,
            **kwargs,
        )

    @classmethod
    def from_estimator(cls, estimator: object, *, ax: Axes | None = None, **kwargs: Any) -> Self:
        """Draw what a fitted estimator recorded: ours, or scikit-learn's multilayer perceptrons.

        Parameters
        ----------
        estimator : object
            Anything with ``loss_curve_``, and perhaps ``validation_loss_curve_`` or else
            ``validation_scores_``; or a pipeline that ends in it, or a search or a regressor of
            transformed targets around it.
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.
        **kwargs
            As for `plot`.

        Returns
        -------
        LossCurveDisplay

        Raises
        ------
        TypeError
            If the estimator has recorded no losses.
        ImportError
            If Matplotlib is not installed.

        Examples
        --------
        >>> from matplotlib.figure import Figure
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.pipeline import make_pipeline
        >>> from sklearn.preprocessing import StandardScaler
        >>> from adjoint.estimators import MLPClassifier
        >>> model = MLPClassifier(early_stopping=True, max_iter=300, random_state=0)
        >>> pipeline = make_pipeline(StandardScaler(), model).fit(*load_iris(return_X_y=True))
        >>> display = LossCurveDisplay.from_estimator(pipeline, ax=Figure().subplots())
        >>> len(display.loss) == len(display.validation_loss) == model.n_iter_
        True
        """
        recorder = _recorder(estimator)
        loss = list(recorder.loss_curve_)
        validation_loss = getattr(recorder, "validation_loss_curve_", None)
        scores = getattr(recorder, "validation_scores_", None)
        return cls.from_values(
            loss,
            validation_loss=_at_the_end(validation_loss, len(loss)),
            validation_score=None if validation_loss else _at_the_end(scores, len(loss)),
            ax=ax,
            **kwargs,
        )

    @classmethod
    def from_values(
        cls,
        loss: ArrayLike,
        *,
        epoch: ArrayLike | None = None,
        validation_loss: ArrayLike | None = None,
        validation_score: ArrayLike | None = None,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw losses kept in any other way.

        Parameters
        ----------
        loss : (n,) array
            The training loss per epoch.
        epoch : (n,) array, optional
            The epochs; 1 to n by default.
        validation_loss : (n,) array, optional
            The validation loss per epoch.
        validation_score : (n,) array, optional
            The validation score per epoch.
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.
        **kwargs
            As for `plot`.

        Returns
        -------
        LossCurveDisplay

        Raises
        ------
        ValueError
            If there is no epoch, or the arrays differ in length.
        ImportError
            If Matplotlib is not installed.
        """
        losses = _column(loss, "loss", None)
        count = len(losses)
        display = cls(
            epoch=np.arange(1.0, count + 1) if epoch is None else _column(epoch, "epoch", count),
            loss=losses,
            validation_loss=None
            if validation_loss is None
            else _column(validation_loss, "validation_loss", count),
            validation_score=None
            if validation_score is None
            else _column(validation_score, "validation_score", count),
        )
        return display.plot(ax, **kwargs)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        title: str = "Training Loss Curve",
        yscale: str = "auto",
        **kwargs: object,
    ) -> Self:
        """Draw the losses on ``ax``, or on a new figure.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw.
        title : str
            The title of the axes.
        yscale : {'auto', 'linear', 'log'}
            The loss axis; 'auto' is logarithmic where the losses are positive and wide apart.
        **kwargs
            Passed to `matplotlib.axes.Axes.plot` for the training loss.

        Returns
        -------
        LossCurveDisplay
            This display.
        """
        scale = self._scale(yscale)
        ax = style.axes_or_new(ax)
        ax.set_yscale(scale)
        look = {"color": style.CURVE_COLOUR} | style.full_names(kwargs)
        self.line_ = self._draw(ax, self.loss, "Training loss", look)
        self.validation_line_ = None
        if self.validation_loss is not None:
            look = {"color": style.CURVE_SHADE, "linestyle": "--"}
            self.validation_line_ = self._draw(ax, self.validation_loss, "Validation loss", look)
        drawn = np.column_stack([self.epoch, self.loss])
        self.score_line_ = self.score_ax_ = None
        if self.validation_score is not None:
            drawn = np.vstack([drawn, self._add_score(ax, self.validation_score)])
        style.dress(ax, title=title, xlabel="Epoch", ylabel="Loss")
        number_ticks(ax, scale)
        ax.margins(x=0.02)
        style.add_legend(ax, drawn, edge=1.01 if self.score_ax_ is None else 1.16)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _draw(self, ax: Axes, loss: Array, label: str, look: dict[str, Any]) -> Line2D:
        """Draw every epoch; where that would be a tangle, thin, with the running mean before it."""
        look = {"linewidth": style.LINE_WIDTH} | look
        if _is_tangled(loss, ax.get_yscale()):
            window = len(loss) // 100 | 1  # odd, so that it has a middle
            ax.plot(self.epoch, loss, **(look | {"linewidth": 0.6, "alpha": 0.3, "linestyle": "-"}))
            loss = running_mean(loss, window)
            label = f"{label} (mean of {window} epochs)"
        # A single epoch has no line to show.
        named: dict[str, Any] = {"label": label, "marker": "o" if len(loss) == 1 else None} | look
        return ax.plot(self.epoch, loss, **named)[0]

    def _add_score(self, ax: Axes, score: Array) -> Array:
        """Draw the score on an axis of its own, and return where its line is on the other."""
        look: dict[str, Any] = {
            "color": style.CURVE_SHADE,
            "linestyle": "-.",
            "linewidth": style.LINE_WIDTH,
        }
        beside = ax.twinx()
        self.score_line_ = beside.plot(self.epoch, score, **look)[0]
        ax.plot([], [], **look, label="Validation score (right axis)")
        style.dress(beside, title="", xlabel="", ylabel="Score")
        beside.grid(False)
        # The axes of the scores lie above those of the losses, whose legend their line would cross.
        ax.set_zorder(beside.get_zorder() + 1)
        ax.patch.set_visible(False)
        self.score_ax_ = beside
        for each in (ax, beside):
            each.autoscale_view()
        shown = beside.transData.transform(np.column_stack([self.epoch, score]))
        return np.asarray(ax.transData.inverted().transform(shown))

    def _scale(self, yscale: str) -> str:
        """Settle the loss axis."""
        choose("yscale", yscale, ("auto", "linear", "log"))
        every = [self.loss] if self.validation_loss is None else [self.loss, self.validation_loss]
        losses = _finite(np.concatenate(every))
        positive = losses[losses > 0]
        if yscale == "log" and not positive.size:
            raise ValueError("yscale='log' needs a positive loss to draw; use yscale='linear'")
        if yscale != "auto":
            return yscale
        wide = positive.size == losses.size > 0 and losses.max() > WIDE_RANGE * losses.min()
        return "log" if wide else "linear"


def running_mean(values: Array, window: int) -> Array:
    """Return the mean of the ``window`` values around each one, fewer near the ends.

    The window is odd. NaN counts as absent; where all are, the mean is NaN.

    >>> import numpy as np
    >>> running_mean(np.array([0.0, 3.0, 6.0, 9.0]), 3)
    array([1.5, 3. , 6. , 7.5])
    """
    reach = window // 2
    present = np.isfinite(values)
    # By cumulative sums, so that a wide window costs no more than a narrow one.
    total = np.concatenate([[0.0], np.cumsum(np.where(present, values, 0.0))])
    count = np.concatenate([[0], np.cumsum(present)])
    place = np.arange(len(values))
    start, stop = np.maximum(place - reach, 0), np.minimum(place + reach + 1, len(values))
    number = count[stop] - count[start]
    return np.where(number > 0, (total[stop] - total[start]) / np.maximum(number, 1), np.nan)


def _is_tangled(loss: Array, scale: str) -> bool:
    """Return whether the line would go up and down so often that it fills an area."""
    shown = _finite(loss)
    if scale == "log":
        shown = np.log(shown[shown > 0])
    if len(shown) <= MOST_LEGIBLE:
        return False
    return bool(np.abs(np.diff(shown)).sum() > MOST_CROSSINGS * np.ptp(shown))


def number_ticks(ax: Axes, scale: str) -> None:
    """Count whole epochs; on a logarithmic axis write 0.01 rather than a power of ten."""
    ticker = require("matplotlib.ticker", extra="plot", purpose="drawing")
    ax.xaxis.set_major_locator(ticker.MaxNLocator(integer=True, steps=[1, 2, 5, 10], min_n_ticks=1))
    ax.xaxis.set_major_formatter(ticker.StrMethodFormatter("{x:,.0f}"))
    if scale == "log":
        low, high = ax.get_ylim()
        # Over many decades there is room for labels at the powers of ten alone.
        subs = (1.0,) if high > 3000 * low else (1.0, 2.0, 5.0)
        ax.yaxis.set_major_locator(ticker.LogLocator(subs=subs, numticks=12))
        ax.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
        ax.yaxis.set_minor_formatter(ticker.NullFormatter())


def _recorder(estimator: object) -> Any:
    """Return the estimator that recorded its losses: this one, or one within it."""
    found = estimator
    while not hasattr(found, "loss_curve_"):
        if hasattr(found, "steps"):
            found = found.steps[-1][1]
            continue
        inner = [name for name in ("best_estimator_", "regressor_") if hasattr(found, name)]
        if not inner:
            raise TypeError(
                f"{type(found).__name__} has no loss_curve_; pass a fitted estimator that records "
                "one at every epoch, which solver='lbfgs' of scikit-learn does not"
            )
        found = getattr(found, inner[0])
    return found


def _at_the_end(values: Sequence[float] | None, count: int) -> Array | None:
    """Return records as those of the last epochs: a fit may go on with validation rows."""
    if values is None or len(values) == 0:
        return None
    return np.concatenate([np.full(max(count - len(values), 0), np.nan), values])


def _finite(values: Array) -> Array:
    return values[np.isfinite(values)]


def _column(values: ArrayLike, name: str, count: int | None) -> Array:
    """Return the values as an (n,) float array; infinities become NaN, which leaves a gap."""
    column = np.asarray(values, dtype=np.float64)
    if column.ndim != 1 or (count is not None and len(column) != count):
        expected = "one value per epoch" if count is None else f"({count},), as many as losses"
        raise ValueError(f"{name} has shape {column.shape}; expected {expected}")
    if not column.size:
        raise ValueError(f"{name} is empty: there is no epoch to draw; train at least one")
    return np.where(np.isfinite(column), column, np.nan)
