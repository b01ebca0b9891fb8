"""Curves of layers show how signals and gradients get through a network, epoch by epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from ..core.annotations import Array
from ..errors import choose
from . import style
from .ticks import WIDE_RANGE, number_ticks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.lines import Line2D

    from ..training.callbacks import LayerStatistics


TITLES = {
    "gradient_norm": ("Gradient Flow", "Gradient norm"),
    "update_ratio": ("Update Ratios", "Norm of update / norm of weights"),
    "mean": ("Mean Activations", "Mean of outputs"),
    "std": ("Spread of Activations", "Standard deviation of outputs"),
    "zeros": ("Inactive Outputs", "Share of zeros"),
    "saturated": ("Saturation", "Share of saturated outputs"),
}
SHARES = ("zeros", "saturated")
# More layers than there are colours are drawn from dark to light, and this many of them are named.
MOST_NAMED = 8
# Steps of about a thousandth of the weights are usual.
USUAL_UPDATE = 1e-3


class LayerStatisticsDisplay:
    """One quantity of every layer against the epoch, the layers in the order of the network.

    Use `from_statistics` or `from_values`; the initialiser only stores what it is given.

    Parameters
    ----------
    epoch : (n,) array
        Counted from 1.
    layers : sequence of str
        Their names.
    values : (n, layers) float array
        A layer without numbers is not drawn.
    quantity : str
        One of "gradient_norm", "update_ratio", "mean", "std", "zeros", "saturated".

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    lines_ : dict of str to Line2D
        By the name of the layer.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> display = LayerStatisticsDisplay.from_values(
    ...     [[0.5, 0.1], [0.4, 0.1]], layers=["first", "second"], ax=Figure().subplots())
    >>> display.ax_.get_ylabel()
    'Gradient norm'
    """

    ax_: Axes
    figure_: Figure | SubFigure
    lines_: dict[str, Line2D]

    def __init__(
        self, *, epoch: Array, layers: Sequence[str], values: Array, quantity: str
    ) -> None:
        self.epoch = epoch
        self.layers = layers
        self.values = values
        self.quantity = quantity

    @classmethod
    def from_statistics(
        cls,
        statistics: LayerStatistics,
        quantity: str = "gradient_norm",
        *,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw what `callbacks.LayerStatistics` measured.

        Parameters
        ----------
        statistics : LayerStatistics
        quantity : {"gradient_norm", "update_ratio", "mean", "std", "zeros", "saturated"}
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.
        **kwargs
            As for `plot`.

        Returns
        -------
        LayerStatisticsDisplay

        Raises
        ------
        ValueError
            If no epoch was measured, or no layer has such a quantity.
        ImportError
            If Matplotlib is not installed.
        """
        return cls.from_values(
            statistics[quantity],
            layers=statistics.layers,
            epoch=statistics.epochs,
            quantity=quantity,
            ax=ax,
            **kwargs,
        )

    @classmethod
    def from_values(
        cls,
        values: ArrayLike,
        *,
        layers: Sequence[str],
        epoch: ArrayLike | None = None,
        quantity: str = "gradient_norm",
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw numbers kept in any other way.

        Parameters
        ----------
        values : (n, layers) array
            A row for every epoch.
        layers : sequence of str
            The names of the layers.
        epoch : (n,) array, optional
            The epochs; 1 to n by default.
        quantity : {"gradient_norm", "update_ratio", "mean", "std", "zeros", "saturated"}
            What they are.
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.
        **kwargs
            As for `plot`.

        Returns
        -------
        LayerStatisticsDisplay

        Raises
        ------
        ValueError
            If there is nothing to draw, or the shapes do not fit.
        ImportError
            If Matplotlib is not installed.
        """
        choose("quantity", quantity, TITLES)
        table = np.asarray(values, dtype=np.float64)
        if table.ndim != 2 or table.shape[1] != len(layers):
            raise ValueError(
                f"values has shape {table.shape}; expected (epochs, {len(layers)}), a column for "
                "every layer"
            )
        epochs = np.arange(1.0, len(table) + 1) if epoch is None else np.asarray(epoch, float)
        if epochs.shape != table.shape[:1]:
            raise ValueError(f"epoch has shape {epochs.shape}; expected {table.shape[:1]}")
        if not np.isfinite(table).any():
            raise ValueError(f"no layer has a {quantity} to draw, of {len(table)} epochs")
        table = np.where(np.isfinite(table), table, np.nan)
        display = cls(epoch=epochs, layers=list(layers), values=table, quantity=quantity)
        return display.plot(ax, **kwargs)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        title: str | None = None,
        yscale: str = "auto",
        **kwargs: object,
    ) -> Self:
        """Draw a line for every layer on ``ax``, or on a new figure.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw.
        title : str, optional
            The title of the axes; the quantity's by default.
        yscale : {'auto', 'linear', 'log'}
            The axis of the quantity; 'auto' is logarithmic for norms and ratios that are positive
            and wide apart.
        **kwargs
            Passed to `matplotlib.axes.Axes.plot` for every line.

        Returns
        -------
        LayerStatisticsDisplay
            This display.
        """
        scale = self._scale(yscale)
        ax = style.axes_or_new(ax)
        ax.set_yscale(scale)
        self.lines_ = {}
        drawn: list[int] = np.flatnonzero(np.isfinite(self.values).any(axis=0)).tolist()
        for i, look in zip(drawn, _looks(ax, [self.layers[i] for i in drawn]), strict=True):
            # A single epoch has no line to show.
            look = {"marker": "o" if len(self.epoch) == 1 else None} | look
            look |= style.full_names(kwargs)
            self.lines_[self.layers[i]] = ax.plot(self.epoch, self.values[:, i], **look)[0]
        if self.quantity == "update_ratio":
            look = {"color": "gray", "linewidth": 1.0, "linestyle": (0, (1, 3))}
            ax.axhline(USUAL_UPDATE, label="usual: 0.001", **look)
        heading, label = TITLES[self.quantity]
        style.dress(ax, title=title or heading, xlabel="Epoch", ylabel=label)
        if self.quantity in SHARES:
            ax.set_ylim(-0.02, 1.02)
        number_ticks(ax, scale)
        ax.margins(x=0.02)
        style.add_legend(ax, self._points())
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _points(self) -> Array:
        """Return the points of all lines."""
        epochs = np.broadcast_to(self.epoch[:, None], self.values.shape)
        return np.column_stack([epochs.ravel(), self.values.ravel()])

    def _scale(self, yscale: str) -> str:
        """Settle the quantity's axis."""
        choose("yscale", yscale, ("auto", "linear", "log"))
        found = self.values[np.isfinite(self.values)]
        positive = found[found > 0]
        if yscale == "log" and not positive.size:
            raise ValueError("yscale='log' needs a positive number to draw; use yscale='linear'")
        if yscale != "auto":
            return yscale
        if self.quantity not in ("gradient_norm", "update_ratio") or not positive.size:
            return "linear"
        return "log" if positive.max() > WIDE_RANGE * positive.min() else "linear"


def _looks(ax: Axes, layers: Sequence[str]) -> list[dict[str, Any]]:
    """Return the look of the line of each layer; only labels without underscore are shown."""
    count = len(layers)
    colours: list[Any]
    if count <= len(style.COLOURS):
        colours, named = [style.colour(i, ax) for i in range(count)], set(range(count))
    else:
        colours = style.shades(count)
        named = set(np.linspace(0, count - 1, MOST_NAMED).round().astype(int).tolist())
    return [
        {
            "color": colour,
            "label": layer if i in named else f"_{layer}",
            "linewidth": style.LINE_WIDTH,
        }
        for i, (layer, colour) in enumerate(zip(layers, colours, strict=True))
    ]
