"""A network that trains itself is reviewed as one layer, together with the loss it descends.

Its backward pass takes what the forward pass takes, and the labels: it begins with a loss that is
nowhere a function.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...graphs.tracing.tracer import TracedNode
from ...nn.losses.classification import cross_entropy
from .pass_pair import OUTPUTS, Function, forward_of, is_code, is_rate, positional_names, space_of

# A probability of 0 has no finite logarithm.
_SMALLEST = 1e-12


def backward_name(item: object) -> str | None:
    """Return the name of the method that is the backward pass: backward, or the one like it."""
    if callable(getattr(item, "backward", None)):
        return "backward"
    kind = item if isinstance(item, type) else type(item)
    names = [n for n in vars(kind) if n.lower().startswith(("backward", "backprop"))]
    return names[0] if len(names) == 1 and callable(getattr(item, names[0])) else None


def label_name(forward: Sequence[str], backward: Sequence[str]) -> str | None:
    """Return what a backward pass calls the labels if it takes what the forward one does, too."""
    taken = [name for name in backward if not is_rate(name)]
    if not forward or taken[: len(forward)] != list(forward):
        return None
    more = [name for name in taken[len(forward) :] if name.lower() not in OUTPUTS]
    return more[0] if len(more) == 1 else None


def with_loss(network: Any, given: Sequence[Any], loss: Function | None) -> Any:
    """Return what is reviewed: a network that begins with a loss together with it, or the layer."""
    name = backward_name(network)
    if name is None or isinstance(network, type):
        return network
    method = getattr(network, name)
    labels = label_name(positional_names(forward_of(network)), positional_names(method))
    if labels is not None:
        return NetworkWithLoss(network, name, loss or _loss_for(network, labels, given))
    if loss is not None:
        raise TypeError(
            f"check_backward: loss is for a network whose backward pass takes the labels; "
            f"{type(network).__name__}.{name} takes the gradient of its output"
        )
    return network


class NetworkWithLoss:
    """A network and its loss, as a layer whose backward pass takes no cotangent.

    Parameters
    ----------
    network : object
    name : str
        Its backward method.
    loss : callable
        Takes the output of the network and the labels, and returns the loss.
    """

    def __init__(self, network: Any, name: str, loss: Function) -> None:
        self.network, self.loss, self._name = network, loss, name
        self._taken = positional_names(getattr(network, name))
        forward = positional_names(forward_of(network))
        self.argument_names = [*forward, label_name(forward, self._taken) or "labels"]
        self.label = f"{type(network).__name__}.{name}"
        if loss in (cross_entropy, probable):
            self.label += " beside the mean cross-entropy"

    @property
    def space(self) -> dict[str, Any]:
        """The names of the module that the loss was written in."""
        return space_of(self.loss)

    # Not forward: by that name the tracer knows our own modules.
    def __call__(self, *given: Any) -> Any:
        """Return the loss."""
        self._given = given
        self._output = forward_of(self.network)(*given[:-1])
        node = getattr(self._output, "node", None)
        if isinstance(node, TracedNode) and node.name is None:
            node.name = "logits" if self.loss is cross_entropy else "output"
        return self.loss(self._output, given[-1])

    @property
    def backward(self) -> Function:
        """The backward pass, with a learning rate if the network's has one."""
        return self._update if any(map(is_rate, self._taken)) else self._fill

    def _update(self, learning_rate: float) -> Any:
        return self._run({name: learning_rate for name in self._taken if is_rate(name)})

    def _fill(self) -> Any:
        return self._run({})

    def _run(self, known: dict[str, Any]) -> Any:
        arguments = dict(zip(self.argument_names, self._given, strict=True)) | known
        given = [arguments.get(name, self._output) for name in self._taken]
        return getattr(self.network, self._name)(*given)


def probable(p: Any, labels: ArrayLike) -> Any:
    """Return the mean of -log p over the rows, where p is the probability of its label."""
    labels = np.asarray(labels)
    if labels.ndim == 1:
        p = p[np.arange(len(labels)), labels]
        return -np.mean(np.log(p + _SMALLEST))
    return -np.sum(labels * np.log(p + _SMALLEST)) / len(labels)


def _loss_for(network: Any, name: str, given: Sequence[Any]) -> Function:
    """Return the mean cross-entropy of classes: of probabilities, or else of logits."""
    if len(given) < 2:
        raise TypeError(
            f"check_backward: the backward pass of {type(network).__name__} takes {name}, too; "
            "give it after the other arrays"
        )
    output, labels = np.asarray(forward_of(network)(*given[:-1])), np.asarray(given[-1])
    classes = labels.dtype.kind in "iub" and labels.shape == output.shape[:-1]
    if output.ndim != 2 or output.shape[1] < 2 or not (classes or _are_one_hot(labels, output)):
        raise TypeError(
            f"check_backward: {type(network).__name__} begins its backward pass with a loss of "
            f"{name}; say which: loss=function of the output and {name}"
        )
    sums = np.sum(output, axis=1)
    is_probability = bool(np.all(output >= 0) and np.allclose(sums, 1))
    return probable if is_probability else cross_entropy


def _are_one_hot(labels: Any, output: Any) -> bool:
    return labels.shape == output.shape and is_code(labels) and bool(np.all(labels.sum(-1) == 1))
