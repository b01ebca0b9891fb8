"""Data are rows: checked, put in order, cut into batches; and toy data to begin with."""

from .rows import (
    as_numbers,
    as_seed,
    batches,
    check_finite,
    check_xy,
    is_missing,
    permutation,
)

__all__ = [
    "as_numbers",
    "as_seed",
    "batches",
    "check_finite",
    "check_xy",
    "is_missing",
    "permutation",
]
