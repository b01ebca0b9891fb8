"""Dropout leaves entries out at random while a network is trained, and none after."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.annotations import ArrayLike
from ..ops.logic import greater_equal
from ..ops.piecewise import where
from ..ops.random import draw, following, new_state
from ..ops.structural import as_array
from .initialise import as_generator
from .module import Buffer, Module


class Dropout(Module):
    """Sets each entry to 0 with probability p, and others to x / (1 - p); no change in evaluation.

    So the expected value is x in both: Srivastava et al., "Dropout: a simple way to prevent neural
    networks from overfitting", JMLR 15, 2014, scaled in training rather than after it. The gradient
    goes through the entries that were kept. What is kept is a function of the state and nothing
    else: the same in every tier, and a network that is saved and loaded goes on with the same.

    Parameters
    ----------
    p : float
        From 0 to below 1.
    rng : numpy.random.Generator, int or None
        Where the key of its random numbers comes from: drawn from once.

    Attributes
    ----------
    state : (3,) Buffer
        The key, and how many masks were drawn, as from `ops.random.new_state`.

    Raises
    ------
    ValueError
        If p is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint import nn
    >>> layer = nn.Dropout(0.5, rng=0)
    >>> layer(np.ones((2, 3))).data
    array([[0., 0., 2.],
           [0., 2., 2.]])
    >>> layer.eval()(np.ones((2, 3)))
    array([[1., 1., 1.],
           [1., 1., 1.]])
    """

    def __init__(self, p: float = 0.5, *, rng: np.random.Generator | int | None = None) -> None:
        if isinstance(p, bool) or not isinstance(p, (int, float, np.floating)) or not 0 <= p < 1:
            raise ValueError(f"p: expected a probability from 0 to below 1, got {p!r}")
        self.p = float(p)
        self.state = Buffer(new_state(as_generator(rng)))

    def forward(self, x: ArrayLike) -> Any:
        """Return x with entries left out, or x itself in evaluation mode.

        Parameters
        ----------
        x : array of floats

        Returns
        -------
        Tensor of x's shape and dtype
        """
        if not self.training or self.p == 0:
            return x
        z = as_array(x)
        numbers = draw(self.state, shape=tuple(z.shape))
        # The state is a buffer and not a generator of NumPy's, because a compiled step can take it
        # in and give it out among its results.
        self.state = following(self.state)
        return where(greater_equal(numbers, self.p), z / (1 - self.p), 0.0)

    def extra_repr(self) -> str:
        """Return the probability."""
        return f"p={self.p:g}"
