"""A review compares a hand-written backward pass with the derivation, and names what is wrong."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np

from ...graphs.tensor import Tensor
from ..users_file import as_arguments
from . import sampling
from .call_sampler import CallSampler, Inputs
from .findings import findings_of, first_wrong
from .functions import Functions
from .layer import Layer
from .network import backward_name, with_loss
from .pass_pair import Function, HasBackward, PassPair, Point
from .report import BackwardReview


def check_backward(
    forward: Function | HasBackward | type[HasBackward],
    *backward_and_inputs: Any,
    wrt: Sequence[str] | None = None,
    parameters: Mapping[str, str] | None = None,
    loss: Function | None = None,
    calls: int = 3,
    seed: int = 0,
) -> BackwardReview:
    """Review a hand-written backward pass: find the first wrong term and name the mistake.

    The right gradients are adjoint's, of the forward pass traced as it is; where it cannot be
    traced, numerical ones. The user's functions are called, several times.

    Parameters
    ----------
    forward : callable, or object or class with methods ``forward`` and ``backward``
        A function of arrays in plain NumPy that returns the output, or the output and a cache. An
        object may have ``__call__`` for ``forward``.
    *backward_and_inputs
        For a function its backward function, ``backward(g, cache)`` or ``backward(g, *arrays)``,
        which returns one gradient or a tuple or dict of them; then in every form the arrays to
        call the forward pass with, or one function of a `numpy.random.Generator` that returns them.
        Sizes that all differ tell mistakes apart.
    wrt : sequence of str, optional
        The arguments and parameters to review; by default all floats but targets and masks.
    parameters : mapping of str to str, optional
        For an object, the attribute that holds the gradient of each parameter: ``{"W": "dW"}``.
        By default they are found by their names: dW, d_W, grad_W, W_grad, weight_grad and their
        kin. Where ``backward(g, learning_rate)`` updates the parameters, the gradient is found
        from the update.
    loss : callable, optional
        For a network whose backward pass takes the labels, ``backward(x, y, learning_rate)``, the
        loss that it begins with: a function of the output of ``forward(x)`` and y. By default the
        mean cross-entropy, of logits or of probabilities, where y has classes.
    calls : int
        How many calls to compare, each after another call with other numbers.
    seed : int
        The seed of all numbers that are drawn.

    Returns
    -------
    BackwardReview
        True if right; its text names the first wrong term.

    Raises
    ------
    TypeError, ValueError
        If the passes cannot be called, or the forward pass gives no float output.

    Notes
    -----
    At a kink no gradient is right or wrong; such points are passed over.

    Examples
    --------
    >>> import numpy as np
    >>> import adjoint as ad
    >>> def forward(x, W):
    ...     return x @ W
    >>> def backward(g, x, W):
    ...     return g @ W.T, -(x.T @ g)
    >>> x, W = np.arange(10.0).reshape(5, 2), np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    >>> review = ad.check_backward(forward, backward, x, W)
    >>> bool(review), review.mistake
    (False, 'sign')
    """
    passes, inputs = _read(forward, backward_and_inputs, parameters, loss, seed)
    sampler = CallSampler(passes, inputs, wrt, seed)
    found = sampler.compared_calls(calls)
    checked = tuple(found[0].expected)
    method = "differences" if found[0].run is None else "derivation"
    wrong = first_wrong(found)
    if wrong is None:
        return BackwardReview(passes.label, (), checked, len(found), method)
    steps = sampler.steps(wrong)
    with np.errstate(all="ignore"):
        findings = findings_of(wrong, found, steps)
    return BackwardReview(passes.label, findings, checked, len(found), method, steps.derivation)


def _read(
    forward: Function | HasBackward | type[HasBackward],
    rest: tuple[Any, ...],
    parameters: Mapping[str, str] | None,
    loss: Function | None,
    seed: int,
) -> tuple[PassPair, Inputs]:
    """Return the passes in whichever form they are given, and a function that draws inputs."""
    is_layer = backward_name(forward) is not None
    if not is_layer and not (callable(forward) and rest and callable(rest[0])):
        raise TypeError(
            "check_backward: expected (forward, backward, *arrays) or (layer, *arrays), where the "
            f"layer has the methods forward and backward; got {type(forward).__name__}"
        )
    arrays = rest if is_layer else rest[1:]
    draw = arrays[0] if len(arrays) == 1 and callable(arrays[0]) else None
    inputs: Inputs = (
        (lambda rng: _plain(as_arguments(draw(rng)))) if draw else _given(_plain(arrays))
    )
    if is_layer:
        first = inputs(np.random.default_rng(seed))
        layer = with_loss(forward, first, loss)
        return Layer(cast(HasBackward, layer), first, parameters), inputs
    if parameters is not None or loss is not None:
        word = "loss" if parameters is None else "parameters"
        raise TypeError(f"check_backward: {word} is for objects; functions have arguments")
    return Functions(cast(Function, forward), rest[0]), inputs


def _plain(arguments: Sequence[Any]) -> tuple[Any, ...]:
    """Return the arguments with arrays in the place of tensors: by hand there is no graph."""
    return tuple(x.data if isinstance(x, Tensor) else x for x in arguments)


def _given(arrays: Sequence[Any]) -> Inputs:
    """Return a function that gives the arrays as they are at first, and others like them after."""
    kept = [np.array(x) if isinstance(x, (list, np.ndarray)) else x for x in arrays]
    first = itertools.count()

    def draw(rng: np.random.Generator) -> Sequence[Any]:
        if next(first) <= 1:  # once to look at the shapes, once to call
            return kept
        return sampling.alike(Point(tuple(kept), {}), rng).arguments

    return draw
