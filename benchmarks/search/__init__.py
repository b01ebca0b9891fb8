"""A search over 20 settings in 5 folds with scores, 100 networks, each in a process of its own.

Timed is the search with all of its compilation, without the imports, which are scikit-learn's. All
but the last program give a table of scores, of which the best must be good. The last one fits the
same networks and scores them, by `fit_many`.
"""

from __future__ import annotations

from pathlib import Path

from ..programs import Program, Programs
from ..rival import SkippedError

_SCRIPT = str(Path(__file__).parent / "program.py")
# A score that only a search over trained networks has.
_TRAINED = 0.93


def benchmark() -> Programs:
    """Return the programs."""
    programs = [
        _program("adjoint's GridSearchCV, cold", "adjoint", quick=True),
        _program("adjoint's GridSearchCV, cached", "adjoint", warm=True),
        _program("adjoint in scikit-learn's, processes, cold", "mixed"),
        _program("fit_many and score, cold", "many"),
        _program("scikit-learn", "sklearn"),
    ]
    return Programs("A search over 100 networks on 500 rows, two at once", programs, _read)


def _program(name: str, which: str, *, quick: bool = False, warm: bool = False) -> Program:
    return Program(name, (_SCRIPT, which), ("sklearn",), quick=quick, warm=warm)


def _read(output: str, seconds: float) -> float:
    took, score = map(float, output.split())
    if not score > _TRAINED:
        raise SkippedError(f"its best score is {score:.3f}, not above {_TRAINED}")
    return took
