"""Contrast tells whether a colour can be seen on another; what is drawn on white needs it on black.

Colours are written as six hexadecimal digits after a hash.
"""

from __future__ import annotations

PAPER, INK = "#16161a", "#ececf2"  # the darkest and the lightest of a drawing's
# What is not text needs this contrast with what is behind it (Web Content Accessibility Guidelines
# 2.2, criterion 1.4.11).
LEAST_CONTRAST = 3.0
_GREY = 0.05  # colours are grey whose parts differ by no more


def in_the_dark(colour: str) -> str:
    """Return what stands for a colour on a dark page.

    >>> in_the_dark("#000000"), in_the_dark("#ffffff"), in_the_dark("#ff8c00")
    ('#ececf2', '#16161a', '#ff8c00')
    """
    parts = _parts(colour)
    if max(parts) - min(parts) <= _GREY:
        share = sum(parts) / 3
        return _mixed(_parts(INK), _parts(PAPER), share)
    for white in range(101):
        lighter = _mixed(parts, (1.0, 1.0, 1.0), white / 100)
        if contrast(lighter, PAPER) >= LEAST_CONTRAST:
            return lighter
    return INK


def contrast(one: str, other: str) -> float:
    """Return the ratio of two colours' luminances, each with the light of a screen, 1 to 21.

    >>> round(contrast("#000000", "#ffffff"), 1)
    21.0
    """
    low, high = sorted(_luminance(_parts(colour)) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def _luminance(parts: tuple[float, ...]) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _parts(colour: str) -> tuple[float, ...]:
    return tuple(int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))


def _mixed(one: tuple[float, ...], other: tuple[float, ...], share: float) -> str:
    """Return a colour between two: the first at 0, the other at 1."""
    mixed = ((1 - share) * a + share * b for a, b in zip(one, other, strict=True))
    return "#" + "".join(f"{round(255 * c):02x}" for c in mixed)


def is_dark(colour: str) -> bool:
    """Return whether white stands out from a colour more than black does.

    >>> is_dark("#16161a"), is_dark("#ffffff")
    (True, False)
    """
    return contrast(colour, "#ffffff") > contrast(colour, "#000000")
