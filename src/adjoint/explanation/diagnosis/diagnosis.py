"""A diagnosis is the answer of `why`: the cause, the line, what happened and what to do."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...graphs.source_line import SourceLine
from ...notebook.html import folded, preformatted, view
from ...notebook.verbatim import wrapped

# What to do about each cause. The names are stable: programs may compare them.
REMEDIES = {
    "fine": "",
    # There is no gradient.
    "argmax": "use the values themselves (max, softmax, take_along_axis), not their places",
    "buffer": "a buffer keeps numbers only; use the value itself before it is stored",
    "cleared": "read .grad before zero_grad(), which forgets it",
    "comparison": "choose between two differentiable values with np.where, or make it smooth, "
    "as by sigmoid",
    "copy": "use the original, or ask for the copy's gradient",
    "data": "use the tensor itself instead of its array .data",
    "detach": "leave out .detach() where the gradient should pass",
    "float": "keep the tensor: operators and NumPy's functions apply to it as to a number",
    "frozen": "thaw it: requires_grad_(True)",
    "int": "keep the tensor: an integer has no derivative",
    "integer_cast": "stay with floats where the gradient should pass",
    "item": "keep the tensor; take .item() only of what is printed or stored",
    "no_backward": "call .backward() on the loss, then look at .grad",
    "no_derivative": "use the value as a constant on purpose, or another function",
    "no_grad": "do this outside of ad.no_grad()",
    "no_graph": "make it with ad.tensor(..., requires_grad=True), or nn.Parameter(...)",
    "not_a_leaf": "gradients are kept on leaves; ask for the leaf, or differentiate by this value "
    "with ad.grad",
    "numpy": "keep the tensor: NumPy's functions apply to it, no conversion is needed",
    "stop_gradient": "leave out stop_gradient where the gradient should pass",
    "tensor": "use the value itself: ad.tensor(...) copies its numbers into a new leaf",
    "unconnected": "use its result in the loss, or leave it out",
    "unknown": "run it inside `with ad.diagnose():`, or call ad.why(f, *args), to get the line",
    "unsupported": "write it with functions that ad has, or give it a rule by ad.custom_vjp",
    "unused": "use it in what leads to the loss, or leave it out",
    # The gradient is zero.
    "cancellation": "look for a quantity that the loss does not depend on: a sum of softmax, a "
    "bias before normalisation, x - x",
    "custom_rule": "look at the rule given to custom_vjp or custom_jvp; without "
    "ad.checkpoint the operations inside are looked at",
    "dead_relu": "smaller steps, other initial weights or biases, or a leaky ReLU",
    "masked": "let the mask or the bounds admit some entries",
    "overwritten": "assign before, not after, what should keep its gradient",
    "rounding": "its slope is 0 everywhere; leave it out, or add the rounding as a constant: "
    "x + (np.round(x) - x).detach()",
    "saturation": "smaller inputs: scale the data or the weights; in a loss use logits "
    "(cross_entropy, binary_cross_entropy)",
    "stationary": "the function is flat at this point: start elsewhere, or it is a minimum",
    "zero_factor": "start from weights that are not zero, and look at what made the factor zero",
    # It is not finite.
    "inf_backward": "keep away from the point where the slope is infinite, as sqrt(x + 1e-12)",
    "inf_forward": "keep the argument in its domain: clip it, or add a small number",
    "inf_input": "clean the data, or look at the step that made the parameter infinite",
    "nan_backward": "keep away from the point where the slope is undefined",
    "nan_forward": "keep the argument in its domain: clip it, or add a small number",
    "nan_input": "clean the data, or look at the step that made the parameter NaN",
    # It is tiny or huge.
    "exploding": "smaller initial weights, normalisation layers, or optim.clip_grad_norm",
    "scale": "scale the data or the loss so that numbers are of the order of one",
    "steep": "keep away from the point where the slope is so large: add a small number to it",
    "vanishing": "ReLU-like activations, He or Glorot initialisation, normalisation layers or "
    "residual connections",
}


@dataclass(frozen=True)
class Diagnosis:
    """Why a gradient is as it is; `str` tells it in a few lines, as a prompt and a notebook do.

    Attributes
    ----------
    subject : str
        What was asked about, by its name in the program where it has one.
    state : str
        ``"fine"``, ``"none"``, ``"zero"``, ``"nan"``, ``"inf"``, ``"tiny"`` or ``"huge"``.
    cause : str
        One of the keys of `REMEDIES`.
    where : SourceLine or None
        The user's line that made it so.
    explanation, remedy : str
        What happened there, and what to do.
    details : dict
        Numbers behind it: ``norm``, ``primitive``, ``layers``, ``inactive`` …
    """

    subject: str
    state: str
    cause: str
    where: SourceLine | None
    explanation: str
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def line(self) -> str | None:
        """The user's line as ``file:number``, or None if it is not known."""
        return None if self.where is None else str(self.where)

    @property
    def remedy(self) -> str:
        """What to do about it; empty where nothing is wrong."""
        return REMEDIES[self.cause]

    def __str__(self) -> str:
        lines = [f"{self.subject}: {self._headline()}"]
        if self.where is not None:
            text = self.where.text
            place = str(self.where).removeprefix(f"{os.getcwd()}{os.sep}")
            lines.append(f"  at {place}" + (f": {text}" if text else ""))
        lines.append(_indented(self.explanation))
        if self.remedy:
            lines.append(_indented(f"Try: {self.remedy}"))
        return "\n".join(lines)

    def __repr__(self) -> str:
        return wrapped(str(self))

    def _repr_html_(self) -> str:
        head, *lines = str(self).splitlines()
        return view(folded(head, preformatted(textwrap.dedent("\n".join(lines))), is_open=True))

    def _headline(self) -> str:
        if self.cause == "fine":
            return "the gradient is fine"
        words = {
            "none": "there is no gradient",
            "fine": "the gradient is finite, but what was differentiated is not",
        }
        return f"{words.get(self.state, f'the gradient is {self.state}')} ({self.cause})"


def _indented(text: str) -> str:
    return textwrap.indent(textwrap.shorten(text, 400, placeholder=" …"), "  ")
