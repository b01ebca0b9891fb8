"""Unlowerable is the answer that a graph has no native code, and why."""

from __future__ import annotations


class Unlowerable(Exception):  # noqa: N818 - it is an answer, and no fault of the user's
    """The reason why a graph has no native code, or none in the regime that was tried."""
