"""To explain a gradient is to write its derivation, with numbers, and to check every line."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from ...graphs.tensor import Tensor
from ...nn.module import Module
from ..phrases import Phrases
from .derivation import Derivation
from .function_at_point import FunctionAtPoint, Loss, Subject, of_function, of_model, of_tensor


def explain(
    subject: Subject,
    *args: Any,
    wrt: int | Sequence[int] | None = None,
    loss: Loss | None = None,
    entry: str | None = None,
    lang: str = "en",
) -> Derivation:
    """Return how a value and its gradient come about: every step, its rule and its numbers.

    Parameters
    ----------
    subject : callable, Tensor or Module
        A function of the arguments that returns one number; a tensor, whose recorded graph is
        explained; or a model, of which the arguments are a batch, ``x`` and what the loss takes
        besides the prediction. A function that branches on numbers cannot be traced: apply it to
        tensors, and explain what it returns.
    *args : arrays, or lists, tuples and dicts of them
    wrt : int or sequence of int, optional
        The arguments of a function to differentiate by, as `grad`'s ``argnums``; by default the
        first. A tensor is differentiated by all leaves, a model by all parameters it trains.
    loss : str or callable, optional
        The loss of a model: a name in `nn.functional.LOSSES`, or ``loss(prediction, target)``.
        Without loss and target the model's own output is the value.
    entry : str, optional
        One entry of an input, as ``"x[0]"`` or ``"layers[0].weight[1, 0]"``: adds every path that
        leads from it to the value.
    lang : {"en", "zh"}
        The language of what is printed and of the page: English or Chinese.

    Returns
    -------
    Derivation
        It prints as text, shows as HTML in a notebook, is written to a file by its ``save``, and is
        walked step by step.

    Raises
    ------
    GradientMismatchError
        If a line does not hold: each is computed again from its printed text, and must agree with
        the engine to 1e-12 of the sum of the magnitudes of its terms (of float32 accordingly).
    ShapeError
        If the value is not a single number.
    TypeError
        If the arguments are missing, or do not fit the subject.
    ValueError
        If there is no such argument, loss, entry or language.

    Examples
    --------
    >>> import adjoint as ad
    >>> print(ad.explain(lambda x, w: x * w + x**3, 2.0, 4.0, entry="x"))
    Derivation of function(x, w)
    <BLANKLINE>
    Given
          x = 2
          w = 4
    <BLANKLINE>
    Forward
       1. value = x · w + x³    ()
          [definition]
          = 16
    <BLANKLINE>
    Backward
       2. ∂value/∂x = 3 · x² + w    ()
          [chain rule through multiply]
          = 16
    <BLANKLINE>
    2 paths lead from x to the value
          matrix view: ∂value/∂x = 3 · x² + w
          scalar view: ∂value/∂x = 12 · 1 + 4 · 1 = 16
       1. x → power → value: 12 · 1 = 12
       2. x → multiply → value: 4 · 1 = 4
          12 + 4 = 16
    <BLANKLINE>
    The engine's gradient
          ∂value/∂x = 16
    <BLANKLINE>
    All 8 equalities hold: each was computed anew, from its text, when this was written.
    """
    Phrases(lang)  # an unknown language is refused before any work
    return derived(_subject(subject, args, wrt, loss), entry=entry, lang=lang)


def derived(described: FunctionAtPoint, *, entry: str | None, lang: str) -> Derivation:
    """Return the derivation of a function at a point, with the paths of an entry if asked."""
    derivation = Derivation(described, lang)
    if entry is not None:
        derivation.follow(entry)
    return derivation


def _subject(
    subject: Subject,
    args: Sequence[Any],
    wrt: int | Sequence[int] | None,
    loss: Loss | None,
) -> FunctionAtPoint:
    if isinstance(subject, (Tensor, Module)) and wrt is not None:
        raise TypeError(
            "explain: wrt is for functions; a tensor is explained by all its leaves, a model by "
            "all its parameters"
        )
    if isinstance(subject, Module):
        return of_model(subject, args, loss)
    if loss is not None:
        raise TypeError("explain: loss is for models; a function returns the loss itself")
    if isinstance(subject, Tensor):
        if args:
            raise TypeError("explain: a tensor has its graph already, and takes no arguments")
        return of_tensor(subject, sys._getframe(2).f_locals)
    if not callable(subject):
        raise TypeError(
            f"explain: expected a function, a tensor or a model, got {type(subject).__name__}"
        )
    return of_function(subject, args, 0 if wrt is None else wrt)
