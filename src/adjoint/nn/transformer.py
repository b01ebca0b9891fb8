"""A transformer's layer lets the steps of a sequence attend to each other, then maps each alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.annotations import ArrayLike, DTypeLike
from ..core.checks import positive_size
from ..errors import choose
from .activations import ACTIVATIONS
from .attention import MultiheadAttention
from .container import Sequential
from .dropout import Dropout
from .initialise import BY_ACTIVATION, as_generator
from .linear import Linear
from .module import Module
from .normalisation import LayerNorm


class TransformerEncoderLayer(Module):
    """Self-attention, then a network of two linear layers; each is added to what it read.

    x' = norm(x + attention(x)) and y = norm(x' + feedforward(x')): Vaswani et al., "Attention is
    all you need", NeurIPS 2017, section 3.1. With ``norm_first``, x' = x + attention(norm(x)) and
    y = x' + feedforward(norm(x')), which trains without warm-up: Xiong et al., "On layer
    normalization in the transformer architecture", ICML 2020.

    Parameters
    ----------
    d_model : int
        Size of the last axis of input and output.
    heads : int
        A divisor of it.
    d_feedforward : int, optional
        Features between the two linear layers; by default four times as many, as in the paper.
    activation : str
        The activation between these two, one of `ACTIVATIONS`. It also chooses the first weights of
        the layer before it.
    norm_first : bool
    dropout : float
        The probability of leaving an entry out while training.
    rng : numpy.random.Generator, int or None
        Where the weights come from.
    dtype : dtype
        The dtype of the parameters.

    Attributes
    ----------
    attention : MultiheadAttention
    feedforward : Sequential
    attention_norm, feedforward_norm : LayerNorm
    attention_dropout, feedforward_dropout : Dropout

    Raises
    ------
    ValueError
        If a size is not a positive integer, ``heads`` does not divide ``d_model``, or the
        activation is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint import nn
    >>> layer = nn.TransformerEncoderLayer(6, 2, rng=0)
    >>> layer(np.ones((5, 7, 6)), causal=True).shape
    (5, 7, 6)
    """

    def __init__(
        self,
        d_model: int,
        heads: int,
        d_feedforward: int | None = None,
        *,
        activation: str = "relu",
        norm_first: bool = False,
        dropout: float = 0.0,
        rng: np.random.Generator | int | None = None,
        dtype: DTypeLike = float,
    ) -> None:
        d_model = positive_size("d_model", d_model)
        between = 4 * d_model if d_feedforward is None else d_feedforward
        between = positive_size("d_feedforward", between)
        activation = choose("activation", activation, ACTIVATIONS)
        generator = as_generator(rng)
        self.norm_first = norm_first
        self.attention = MultiheadAttention(d_model, heads, rng=generator, dtype=dtype)
        self.attention_norm = LayerNorm(d_model, dtype=dtype)
        initialise = BY_ACTIVATION[activation]
        self.feedforward = Sequential(
            Linear(d_model, between, rng=generator, initialise=initialise, dtype=dtype),
            ACTIVATIONS[activation](),
            Dropout(dropout, rng=generator),
            Linear(between, d_model, rng=generator, dtype=dtype),
        )
        self.feedforward_norm = LayerNorm(d_model, dtype=dtype)
        self.attention_dropout = Dropout(dropout, rng=generator)
        self.feedforward_dropout = Dropout(dropout, rng=generator)

    def forward(self, x: ArrayLike, *, mask: ArrayLike | None = None, causal: bool = False) -> Any:
        """Return what the steps make of each other.

        Parameters
        ----------
        x : (n, time, d_model) array
        mask : boolean array, optional
            As for `MultiheadAttention`: True where a step may attend to another.
        causal : bool
            A step may attend to itself and those before only.

        Returns
        -------
        (n, time, d_model) Tensor
        """
        if self.norm_first:
            x = x + self._attended(self.attention_norm(x), mask, causal)
            return x + self.feedforward_dropout(self.feedforward(self.feedforward_norm(x)))
        x = self.attention_norm(x + self._attended(x, mask, causal))
        return self.feedforward_norm(x + self.feedforward_dropout(self.feedforward(x)))

    def _attended(self, x: ArrayLike, mask: ArrayLike | None, causal: bool) -> Any:
        return self.attention_dropout(self.attention(x, mask=mask, causal=causal))

    def extra_repr(self) -> str:
        """Return where it normalises."""
        return f"norm_first={self.norm_first}"
