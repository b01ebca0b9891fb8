"""Of cases that are alike, a sample runs by default, and all of them under ``pytest --full``."""

from collections.abc import Iterable
from typing import Any

import pytest

_PARAMETERS = type(pytest.param())


def sampled(cases: Iterable[Any], step: int) -> list[Any]:
    """Return the parameters of a test, all but every so-manieth marked ``full``.

    >>> [getattr(each, "values", each) for each in sampled(["a", "b", "c"], 2)]
    ['a', ('b',), 'c']
    """
    return [case if n % step == 0 else _for_full(case) for n, case in enumerate(cases)]


def for_full(cases: Iterable[Any]) -> list[Any]:
    """Return the parameters of a test that are all marked ``full``."""
    return [_for_full(case) for case in cases]


def _for_full(case: Any) -> Any:
    if isinstance(case, _PARAMETERS):
        return pytest.param(*case.values, marks=[*case.marks, pytest.mark.full], id=case.id)
    values = case if isinstance(case, tuple) else (case,)
    return pytest.param(*values, marks=pytest.mark.full)
