"""The functions by which an exported file reads a frame; their text becomes part of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..core.annotations import Array


def encode_frame(frame: Mapping[str, Sequence[Any]], columns: Sequence[Mapping[str, Any]]) -> Array:
    """Return the rows of a frame as numbers, NaN where one is missing, 0 for unknown categories."""
    lacking = [column["name"] for column in columns if column["name"] not in frame]
    if lacking:
        raise ValueError(f"no column {', '.join(map(repr, lacking))}")
    sizes = {column["name"]: len(frame[column["name"]]) for column in columns}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"the columns have different numbers of values: {sizes}")
    parts = []
    for column in columns:
        values = list(frame[column["name"]])
        if column["levels"] is not None:
            numbers = {level: number for number, level in enumerate(column["levels"], 1)}
            parts.append(np.array([numbers.get(value, 0) for value in values], float))
        else:
            parts.append(np.array([np.nan if v is None else float(v) for v in values], float))
            if column["must_be_there"] and np.isnan(parts[-1]).any():
                raise ValueError(f"column {column['name']!r} misses a number")
    return np.column_stack(parts)


FUNCTIONS = (encode_frame,)
