"""A mistake is one way in which a hand-written backward pass goes wrong, with a stable name."""

from __future__ import annotations

from typing import NamedTuple


class Mistake(NamedTuple):
    """What a review calls a mistake, what it says about it, and how it is mended."""

    name: str
    title: str
    advice: str


# Where several mistakes explain the same numbers, the first of them is believed: first what shows
# without a calculation, then one factor on a whole term, then one wrong value inside of a rule.
_ALL = (
    Mistake(
        "crash",
        "the backward pass raises an error",
        "run it alone on one small batch and follow the shapes line by line",
    ),
    Mistake(
        "incoming_ignored",
        "the incoming gradient is not used",
        "multiply by it where the backward pass begins; if the output is the loss itself, it is 1 "
        "and may be left out of the signature",
    ),
    Mistake(
        "bias",
        "the bias is forgotten",
        "the bias is added to every row, so its gradient is the column sums of the cotangent",
    ),
    Mistake(
        "missing_gradient",
        "a gradient is missing",
        "return one gradient for every argument that the output depends on",
    ),
    Mistake(
        "superfluous_gradient",
        "a gradient is given for what does not take part",
        "what the output does not depend on has gradient zero: one test must decide in both passes",
    ),
    Mistake(
        "non_finite",
        "a gradient is NaN or infinite",
        "look for a division by 0, a logarithm of 0 or an overflowing exponential",
    ),
    Mistake(
        "missing_sum",
        "the sum over the batch is left out",
        "what serves every row of a batch collects a contribution from every row: sum over axis 0",
    ),
    Mistake(
        "broadcast",
        "broadcasting is not undone",
        "sum over the axes along which the forward pass repeated the value",
    ),
    Mistake(
        "transpose",
        "a transpose is missing, or one too many",
        "with row vectors d_W = zᵀ d_a and d_z = d_a Wᵀ; the shapes must say so too",
    ),
    Mistake(
        "axis",
        "the sum runs over the wrong axis",
        "sum over the axis along which the value was repeated or reduced, and no other",
    ),
    Mistake(
        "shape",
        "a gradient has the wrong shape",
        "a gradient has the shape of what it is the gradient of",
    ),
    Mistake(
        "dtype",
        "digits are lost to a narrower dtype",
        "keep the dtype of the argument; integers and float32 cannot hold a float64 gradient",
    ),
    Mistake(
        "sign",
        "the sign is wrong",
        "follow each minus of the forward pass; descent subtracts the gradient later, not here",
    ),
    Mistake(
        "accumulated",
        "a term is added twice, or left over from an earlier call",
        "set gradients to zero before each pass and add every contribution once",
    ),
    Mistake(
        "missing_mean",
        "the factor 1/N of the mean is missing",
        "the derivative of a mean over N entries is 1/N for each of them",
    ),
    Mistake(
        "mean_for_sum",
        "the term is divided by N: a mean stands where a sum should",
        "the sum over the batch follows from the chain rule; 1/N belongs to a loss that is a mean",
    ),
    Mistake(
        "scale",
        "a constant factor is wrong",
        "look for a factor lost in differentiating a power, a scale or a rate",
    ),
    Mistake(
        "softmax_diagonal",
        "softmax is treated as elementwise",
        "each output depends on all inputs of its row: d_a = y ⊙ (g - ⟨g, y⟩)",
    ),
    Mistake(
        "softmax_jacobian",
        "the Jacobian of softmax is built wrongly",
        "it is diag(y) - y yᵀ for one row y of one axis: d_a = y ⊙ (g - ⟨g, y⟩)",
    ),
    Mistake(
        "missing_term",
        "a term of the gradient is missing",
        "a value that is used in several places collects a contribution from each of them",
    ),
    Mistake(
        "activation_derivative",
        "the derivative of the activation is wrong",
        "d_a = d_z ⊙ σ'(a); σ'(a) is often written by the output z, and then z must stand in it",
    ),
    Mistake(
        "stale",
        "a value of another moment is used",
        "use the values of this forward pass, and the weights as they were before the update",
    ),
    Mistake(
        "operand",
        "the wrong value is used",
        "put there what belongs, as it was in the forward pass; in a product each factor has the "
        "other one beside g",
    ),
    Mistake(
        "unknown",
        "the gradient is wrong, and no known mistake explains it",
        "compare its derivation, line by line, with yours; where there is none, derive it on paper",
    ),
)
MISTAKES: dict[str, Mistake] = {mistake.name: mistake for mistake in _ALL}
RANK: dict[str, int] = {mistake.name: rank for rank, mistake in enumerate(_ALL)}
