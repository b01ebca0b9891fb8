"""A curve shows numbers, epoch by epoch, as SVG that stands in the page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from .html import escaped

_WIDTH, _HEIGHT = 420, 180
# Room for the numbers of the axes and for the names above.
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 24, 22
# More points than pixels would only make the page long.
_MOST_POINTS = 400
# From this ratio of the largest to the least number on the axis is logarithmic.
_WIDE = 100.0


def curves(series: Mapping[str, Sequence[float]]) -> str:
    """Return one or two lines over the epochs, counted from 1, with their last numbers.

    Numbers that are not finite leave a gap. Where all are positive and of different orders of
    magnitude the axis is logarithmic.

    Parameters
    ----------
    series : mapping of str to sequence of float
        By name; as many numbers each. Names are escaped.
    """
    finite = [y for numbers in series.values() for y in numbers if math.isfinite(y)]
    if not finite:
        return ""
    is_log = min(finite) > 0 and max(finite) > _WIDE * min(finite)
    scale = math.log10 if is_log else float
    low, high = scale(min(finite)), scale(max(finite))
    epochs = max(map(len, series.values()))
    parts = [*_axes(min(finite), max(finite), epochs)]
    parts.append(f"<title>{escaped(', '.join(series))}{' (logarithmic axis)' * is_log}</title>")
    for place, (name, numbers) in enumerate(series.items()):
        kind = "second" if place else "first"
        points = [(_x(i, len(numbers)), numbers[i]) for i in _chosen(len(numbers))]
        steps = [(x, _y(scale(y), low, high)) if math.isfinite(y) else None for x, y in points]
        parts.append(f'<path class="{kind}" fill="none" stroke-width="1.5" d="{_path(steps)}"/>')
        start = _LEFT + place * (_WIDTH - _LEFT) // 2
        parts.append(f'<path class="{kind}" stroke-width="2" d="M{start},12h18"/>')
        parts.append(f'<text x="{start + 24}" y="16">{escaped(name)} {numbers[-1]:.4g}</text>')
    size = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size}>{"".join(parts)}</svg>'


def _axes(low: float, high: float, epochs: int) -> list[str]:
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    numbers = [(_TOP + 4, high), (bottom, low)][: 1 + (low < high)]
    return [
        f'<path class="axis" fill="none" d="M{_LEFT},{_TOP}V{bottom}H{right}"/>',
        *(
            f'<text x="{_LEFT - 6}" y="{y}" text-anchor="end">{number:.3g}</text>'
            for y, number in numbers
        ),
        f'<text x="{_LEFT}" y="{_HEIGHT - 6}">1</text>' * (epochs > 1),
        f'<text x="{right}" y="{_HEIGHT - 6}" text-anchor="end">epoch {epochs}</text>',
    ]


def _chosen(count: int) -> list[int]:
    """Return the places of the points that are drawn, the first and the last among them."""
    if count <= _MOST_POINTS:
        return list(range(count))
    return [round(i * (count - 1) / (_MOST_POINTS - 1)) for i in range(_MOST_POINTS)]


def _x(place: int, count: int) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * place / max(count - 1, 1)


def _y(number: float, low: float, high: float) -> float:
    share = (number - low) / (high - low) if high > low else 1.0
    return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - share)


def _path(points: Sequence[tuple[float, float] | None]) -> str:
    """Return the points as a path, with a gap in the place of each None."""
    parts, pen = [], "M"
    for point in points:
        if point is None:
            pen = "M"
            continue
        # A point between two gaps is a line of no length, which a round end would show.
        parts.append(f"{pen}{point[0]:.1f},{point[1]:.1f}" + "h.1" * (pen == "M"))
        pen = "L"
    return "".join(parts)
