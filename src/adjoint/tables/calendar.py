"""The parts of a moment that repeat, or tell its year, by whole numbers alone.

The arithmetic is that of arrays of NumPy, and of values that are traced.
"""

from __future__ import annotations

from typing import Any


def part_of_time(part: str, micros: Any) -> Any:
    """Return a part of moments, which are microseconds since 1970 as whole numbers.

    Parameters
    ----------
    part : {"year", "month", "weekday", "hour"}
        Months are 1 to 12, Monday is 0, and hours have decimals.

    Examples
    --------
    >>> import numpy as np
    >>> moment = np.datetime64("2024-02-29T18:30", "us").astype(np.int64)
    >>> [float(part_of_time(part, moment)) for part in ("year", "month", "weekday", "hour")]
    [2024.0, 2.0, 3.0, 18.5]
    """
    days = micros // 86_400_000_000
    if part == "hour":
        return (micros - days * 86_400_000_000) / 3.6e9
    if part == "weekday":  # 1970-01-01 was a Thursday
        return (days + 3) % 7
    # Years that begin in March end with the day that some of them lack. Any 400 years have the same
    # number of days, 146,097, and so have any five months from March on, 153.
    days = days + 719_468
    cycle = days // 146_097
    day = days - cycle * 146_097
    year = (day - day // 1_460 + day // 36_524 - day // 146_096) // 365
    day = day - (365 * year + year // 4 - year // 100)
    month = (5 * day + 2) // 153
    is_next = month // 10  # January and February are of the next year
    if part == "month":
        return month + 3 - 12 * is_next
    return year + cycle * 400 + is_next
