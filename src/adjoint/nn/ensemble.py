"""An ensemble answers with the mean of what its members answer."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from operator import add
from typing import Any

from ..core.annotations import ArrayLike
from .module import Module


class Ensemble(Module):
    """The mean of several networks' outputs, as one network: it has one graph, which exports.

    Networks that differ only by their first weights, or by the rows held out from them, err in
    different ways; the mean errs less: Hansen and Salamon, "Neural network ensembles", IEEE
    Transactions on Pattern Analysis and Machine Intelligence 12, 1990.

    Parameters
    ----------
    members : iterable of Module
        Each takes the same input and returns an output of the same shape.

    Raises
    ------
    ValueError
        If there is no member.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint import nn
    >>> model = nn.Ensemble([nn.Linear(3, 2, rng=0), nn.Linear(3, 2, rng=1)])
    >>> x = np.ones((5, 3))
    >>> one, other = (member(x).data for member in model.members)
    >>> bool(np.allclose(model(x).data, (one + other) / 2))
    True
    """

    def __init__(self, members: Iterable[Module]) -> None:
        self.members = list(members)
        if not self.members:
            raise ValueError("Ensemble: expected at least one member, got none")

    def forward(self, x: ArrayLike) -> Any:
        """Return the mean of the members' outputs.

        Parameters
        ----------
        x : array
            What each member takes.

        Returns
        -------
        Tensor
            It has the shape that each member returns.
        """
        outputs = [member(x) for member in self.members]
        return outputs[0] if len(outputs) == 1 else reduce(add, outputs) / float(len(outputs))
