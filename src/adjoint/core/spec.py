"""A spec is the shape and dtype of an array whose numbers are not known."""

from __future__ import annotations

from typing import NamedTuple, NoReturn

from .annotations import DType, Shape


class Spec(NamedTuple):
    """The shape and dtype of an array that is not there (yet)."""

    shape: Shape
    dtype: DType

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __array__(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("a traced value has a shape and a dtype, but no numbers")


def shape_of(operand: object) -> tuple[int, ...]:
    """Return an operand's shape, () for Python numbers."""
    return getattr(operand, "shape", ())
