"""What is known of a compiled function's state, and the programs that run as long as it holds."""

from __future__ import annotations

from typing import Any

from .guard import Guard
from .native.call.builtin import Builtin
from .program import Program
from .state import State

# So many programs are tried in turn before a call's shapes and dtypes are looked up.
_MOST_BUILTINS = 4


class Known:
    """A state, its settings when it was looked at, and the programs for them.

    It never changes but for new programs, so that threads may share it: each call goes by one.

    Attributes
    ----------
    programs : dict
        By the arguments' outline.
    variants : dict
        All programs of this state, by the state's settings and the keyword arguments.
    guard : callable
        Returns a tuple of the arrays that are read at each call, and None once the state is
        another. It may raise one of `state.MISSING`, where something was taken away.
    builtins : tuple of (Program, Builtin)
        What a call tries first. They are those of programs that were called more than once.
    """

    def __init__(
        self,
        state: State,
        found: Any,
        programs: dict[Any, Program],
        variants: dict[Any, dict[Any, Program]],
    ) -> None:
        self.state, self.found = state, found
        self.programs, self.variants = programs, variants
        self.guard: Guard = _looking(state, found)
        self.builtins: tuple[tuple[Program, Builtin], ...] = ()
        self._is_prepared = False

    def is_current(self) -> bool:
        """Return whether the state is still the one that was found."""
        return self.state.settings() is self.found

    def prepare(self, program: Program) -> None:
        """Let calls like the latest one be faster from now on, if they can be."""
        if not self._is_prepared:
            self.guard = self.state.guard(self.found) or self.guard
            self._is_prepared = True
        builtin = program.builtin(has_state=self.state.has_inputs)
        if builtin is not None and all(program is not known for known, _ in self.builtins):
            self.builtins = (*self.builtins[1 - _MOST_BUILTINS :], (program, builtin))


def _looking(state: State, found: Any) -> Guard:
    """Return a guard that looks at the whole state.

    It is no method of `Known`, which would hold itself, and the user's model with it, until the
    collector runs.
    """
    return lambda: tuple(state.values()) if state.settings() is found else None
