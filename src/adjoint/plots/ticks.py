"""Ticks of a record are whole epochs, and numbers written out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import require

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Numbers that are apart by more than this factor are a flat line on a linear scale.
WIDE_RANGE = 20.0


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
