"""What was pickled by an older version lacks the settings that came later."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from typing import Any


def with_all_settings(kind: type, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a pickled estimator, and the defaults of settings it lacks.

    >>> class Estimator:
    ...     def __init__(self, old=1, new=False): ...
    >>> with_all_settings(Estimator, {"old": 5})
    {'new': False, 'old': 5}
    """
    defaults = {
        name: parameter.default
        for name, parameter in signature(kind).parameters.items()
        if parameter.default is not parameter.empty and name not in attributes
    }
    return {**defaults, **attributes}
