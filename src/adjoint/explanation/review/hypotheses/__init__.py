"""Hypotheses: each module yields the mistakes of one family, with what would come of them."""

from __future__ import annotations

from collections.abc import Iterator

from ..compared_call import ComparedCall
from .activations import of_activations
from .cross_entropy import of_cross_entropy
from .hypothesis import Hypothesis
from .operands import of_operands
from .results import of_results
from .softmax import of_mixing
from .terms import of_terms

__all__ = ["Hypothesis", "hypotheses"]


def hypotheses(call: ComparedCall) -> Iterator[Hypothesis]:
    """Yield every mistake that could have been made in the backward pass of a call."""
    yield from of_results(call)
    if call.run is not None and len(call.arrays) == len(call.run.inputs):
        for family in (of_terms, of_operands, of_activations, of_mixing, of_cross_entropy):
            yield from family(call)
