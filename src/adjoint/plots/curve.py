"""A loss curve shows how training went: the loss against the epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from ..core.annotations import Array
from ..errors import choose
from . import style
from .record import at_the_end, column, recorder
from .running_mean import is_tangled, running_mean
from .ticks import WIDE_RANGE, number_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.lines import Line2D
    from matplotlib.text import Text

    from ..training.history import History


class LossCurveDisplay:
    """The training loss per epoch, and the validation loss or score where there is one.

    The last value of each stands in the legend; where there is no other line, it stands at the end
    of the line instead.

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
    final_ : matplotlib Text or None
        The last loss at the end of a line that has no legend.
    note_ : matplotlib Text or None
        What the picture says below its title of losses that are NaN or infinite.

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
    final_: Text | None
    note_: Text | None

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
        source = recorder(estimator)
        loss = list(source.loss_curve_)
        validation_loss = getattr(source, "validation_loss_curve_", None)
        scores = getattr(source, "validation_scores_", None)
        return cls.from_values(
            loss,
            validation_loss=at_the_end(validation_loss, len(loss)),
            validation_score=None if validation_loss else at_the_end(scores, len(loss)),
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
        losses = column(loss, "loss", None)
        count = len(losses)
        display = cls(
            epoch=np.arange(1.0, count + 1) if epoch is None else column(epoch, "epoch", count),
            loss=losses,
            validation_loss=None
            if validation_loss is None
            else column(validation_loss, "validation_loss", count),
            validation_score=None
            if validation_score is None
            else column(validation_score, "validation_score", count),
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
        look = {"color": style.seen_on(ax, style.CURVE_COLOUR)} | style.full_names(kwargs)
        self.line_ = self._draw(ax, self.loss, "Training loss", look)
        self.validation_line_ = None
        if self.validation_loss is not None:
            look = {"color": style.seen_on(ax, style.CURVE_SHADE), "linestyle": "--"}
            self.validation_line_ = self._draw(ax, self.validation_loss, "Validation loss", look)
        drawn = np.column_stack([self.epoch, self.loss])
        self.score_line_ = self.score_ax_ = None
        if self.validation_score is not None:
            drawn = np.vstack([drawn, self._add_score(ax, self.validation_score)])
        style.dress(ax, title=title, xlabel="Epoch", ylabel="Loss")
        number_ticks(ax, scale)
        ax.margins(x=0.02)
        self.note_ = style.add_note(ax, self._note())
        if len(ax.lines) > 1:
            style.add_legend(ax, drawn, edge=1.01 if self.score_ax_ is None else 1.16)
        self.final_ = self._name_end(ax) if len(ax.lines) == 1 else None
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _draw(self, ax: Axes, loss: Array, label: str, look: dict[str, Any]) -> Line2D:
        """Draw every epoch; where that would be a tangle, thin, with the running mean before it."""
        look = {"linewidth": style.LINE_WIDTH} | look
        shown = loss
        if is_tangled(loss, ax.get_yscale()):
            window = len(loss) // 100 | 1  # odd, so that it has a middle
            ax.plot(self.epoch, loss, **(look | {"linewidth": 0.6, "alpha": 0.3, "linestyle": "-"}))
            shown = running_mean(loss, window)
            label = f"{label} (mean of {window} epochs)"
        # A single epoch has no line to show.
        marker = "o" if len(loss) == 1 else None
        named: dict[str, Any] = {"label": _with_end(label, shown), "marker": marker} | look
        return ax.plot(self.epoch, shown, **named)[0]

    def _name_end(self, ax: Axes) -> Text | None:
        """Write the last loss beside the end of its line, outside the axes."""
        if np.isnan(self.loss[-1]):
            return None
        place = ax.get_yaxis_transform()
        text = ax.text(
            1.01, self.loss[-1], f"{self.loss[-1]:.4g}", transform=place, va="center", fontsize=12
        )
        style.set_letters(text)
        return text

    def _note(self) -> str:
        """Return what a reader would ask about gaps in the line."""
        missing = np.flatnonzero(np.isnan(self.loss))
        if not missing.size:
            return ""
        first = f"{self.epoch[missing[0]]:.0f}"
        if missing.size == 1:
            return f"The loss is NaN or infinite in epoch {first}"
        return f"The loss is NaN or infinite in {missing.size} epochs, first in epoch {first}"

    def _add_score(self, ax: Axes, score: Array) -> Array:
        """Draw the score on an axis of its own, and return where its line is on the other."""
        look: dict[str, Any] = {
            "color": style.seen_on(ax, style.CURVE_SHADE),
            "linestyle": "-.",
            "linewidth": style.LINE_WIDTH,
        }
        beside = ax.twinx()
        self.score_line_ = beside.plot(self.epoch, score, **look)[0]
        label = _with_end("Validation score (right axis)", score)
        ax.plot([], [], **look, label=label)
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


def _with_end(label: str, values: Array) -> str:
    """Return the entry of a legend: what a line is, and its last value."""
    return label if np.isnan(values[-1]) else f"{label}: {values[-1]:.4g}"


def _finite(values: Array) -> Array:
    return values[np.isfinite(values)]
