"""The sessions of all pages: each is found again after a reload, and let go when nobody returns."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from .ahead import Ahead
from .session import Brought, Session

MOST_SESSIONS = 16
# So long a session waits for its page.
PATIENCE = 600.0
_NAME = re.compile(r"[A-Za-z0-9_-]{16,64}")


@dataclass
class _Place:
    session: Session
    connections: int
    left: float


class Sessions:
    """Sessions by their names, which only their pages know.

    Parameters
    ----------
    brought : Brought
        What each begins with.
    clock : callable
        Returns seconds.
    ahead : Ahead, optional
        Makes native code for all of them.
    """

    def __init__(
        self,
        brought: Brought,
        clock: Callable[[], float] = monotonic,
        ahead: Ahead | None = None,
    ) -> None:
        self.brought, self.clock, self._ahead = brought, clock, ahead
        self._places: dict[str, _Place] = {}
        self.latest = Session(brought, ahead)
        # The first page gets the session that is there already.
        self._spare: Session | None = self.latest

    def __len__(self) -> int:
        return len(self._places)

    def enter(self, name: str) -> tuple[str, Session]:
        """Return a session and its name: the one of that name, or a new one.

        Raises
        ------
        PermissionError
            If there are too many.
        """
        self._let_go()
        place = self._places.get(name)
        if place is None:
            if len(self._places) >= MOST_SESSIONS:
                raise PermissionError(f"more than {MOST_SESSIONS} pages are open")
            name = name if _NAME.fullmatch(name) else secrets.token_urlsafe(18)
            session, self._spare = self._spare or Session(self.brought, self._ahead), None
            place = self._places[name] = _Place(session, 0, 0.0)
        place.connections += 1
        self.latest = place.session
        return name, place.session

    def leave(self, name: str) -> None:
        """Note that a page has left."""
        place = self._places[name]
        place.connections -= 1
        place.left = self.clock()

    def _let_go(self) -> None:
        now = self.clock()
        for name, place in list(self._places.items()):
            if not place.connections and now - place.left > PATIENCE:
                del self._places[name]
