"""Review of a hand-written backward pass: the first wrong term, and the mistake's name."""

from .mistakes import MISTAKES, Mistake
from .report import BackwardReview, Finding
from .review import check_backward

__all__ = ["MISTAKES", "BackwardReview", "Finding", "Mistake", "check_backward"]
