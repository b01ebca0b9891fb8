"""A learning-rate curve shows where training begins to learn, and where it diverges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ..core.annotations import Array
from . import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.lines import Line2D

    from ..training.learning_rate import LearningRateSearch


class LearningRateDisplay:
    """The loss against a growing learning rate, and the rate that is suggested.

    Use `from_search`; the initialiser only stores what it is given.

    Parameters
    ----------
    rates, loss, smoothed : (k,) float arrays
        The learning rate of each step, its loss, and the running mean of that.
    suggestion : float or None
        The rate to mark.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    line_ : Line2D
        The smoothed loss.
    suggestion_line_ : Line2D or None
        At the suggested rate.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from adjoint.training.learning_rate import LearningRateSearch
    >>> losses = np.array([1.0, 0.9, 0.5, 0.4])
    >>> search = LearningRateSearch(np.array([0.001, 0.01, 0.1, 1.0]), losses, losses)
    >>> display = LearningRateDisplay.from_search(search, ax=Figure().subplots())
    >>> float(display.suggestion_line_.get_xdata()[0])
    0.01
    """

    ax_: Axes
    figure_: Figure | SubFigure
    line_: Line2D
    suggestion_line_: Line2D | None

    def __init__(
        self, *, rates: Array, loss: Array, smoothed: Array, suggestion: float | None = None
    ) -> None:
        self.rates = rates
        self.loss = loss
        self.smoothed = smoothed
        self.suggestion = suggestion

    @classmethod
    def from_search(
        cls, search: LearningRateSearch, *, ax: Axes | None = None, **kwargs: Any
    ) -> Self:
        """Draw what `adjoint.find_learning_rate` found.

        Parameters
        ----------
        search : LearningRateSearch
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.
        **kwargs
            As for `plot`.

        Returns
        -------
        LearningRateDisplay

        Raises
        ------
        ImportError
            If Matplotlib is not installed.
        """
        display = cls(
            rates=search.rates,
            loss=search.loss,
            smoothed=search.smoothed,
            suggestion=search.suggestion,
        )
        return display.plot(ax, **kwargs)

    def plot(
        self, ax: Axes | None = None, *, title: str = "Learning Rate Search", **kwargs: object
    ) -> Self:
        """Draw the losses on ``ax``, or on a new figure.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw.
        title : str
            The title of the axes.
        **kwargs
            Passed to `matplotlib.axes.Axes.plot` for the smoothed loss.

        Returns
        -------
        LearningRateDisplay
            This display.
        """
        ax = style.axes_or_new(ax)
        ax.set_xscale("log")
        shade, width = style.seen_on(ax, style.CURVE_SHADE), style.LINE_WIDTH
        look: dict[str, Any] = {"color": shade, "linewidth": width, "label": "Smoothed loss"}
        ax.plot(
            self.rates,
            self.loss,
            color=style.seen_on(ax, style.CURVE_COLOUR),
            linewidth=0.8,
            label="Batch loss",
        )
        self.line_ = ax.plot(self.rates, self.smoothed, **(look | style.full_names(kwargs)))[0]
        self._limit(ax)
        self.suggestion_line_ = None
        if self.suggestion is not None:
            label = f"Suggestion: {self.suggestion:.2g}"
            self.suggestion_line_ = ax.axvline(
                self.suggestion,
                label=label,
                color=style.colour(0, ax),
                linestyle="--",
                linewidth=width,
            )
        style.dress(ax, title=title, xlabel="Learning rate", ylabel="Loss")
        style.add_legend(ax, np.column_stack([self.rates, self.smoothed]))
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _limit(self, ax: Axes) -> None:
        """Cut off the last batch's loss, which may be so high that all others are a flat line."""
        low, high = min(self.smoothed.min(), self.loss.min()), self.smoothed.max()
        margin = 0.05 * (high - low) or 0.05
        ax.set_ylim(low - margin, high + margin)
