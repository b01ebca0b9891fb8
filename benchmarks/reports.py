"""A compiled function's report, read for the table."""

from __future__ import annotations

from typing import Any


def tier(compiled: Any) -> str:
    """Return the lines that name the tier, and why it is not another."""
    lines = [line.strip() for line in compiled.report().splitlines()]
    return "; ".join(dict.fromkeys(x for x in lines if x.startswith(("tier:", "not native"))))
