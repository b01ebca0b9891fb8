"""The guard says who may ask: pages from this machine's own address, with the key.

A page of another site can make a browser ask here, under its own name or, by a trick of name
servers, under one that leads here. It has another Origin then, or another Host, and not the key.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

# What the page may load: what comes from here, and pictures that it made itself.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self' {sockets}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_LONGEST_QUERY = 2_000


class Guard:
    """The names under which the server is asked, and the key.

    Parameters
    ----------
    port : int

    Attributes
    ----------
    key : str
        Whoever opens a session must know it.
    headers : list of (bytes, bytes)
        What goes with every answer.
    """

    def __init__(self, port: int) -> None:
        self.key = secrets.token_urlsafe(24)
        self.hosts = [f"{name}:{port}" for name in ("127.0.0.1", "localhost")]
        policy = POLICY.format(sockets=" ".join(f"ws://{host}" for host in self.hosts))
        given = {
            "content-security-policy": policy,
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
            "cross-origin-opener-policy": "same-origin",
            "cross-origin-resource-policy": "same-origin",
            "cache-control": "no-store",
        }
        self.headers = [(name.encode(), value.encode()) for name, value in given.items()]

    @property
    def address(self) -> str:
        """What is opened in a browser."""
        return f"http://{self.hosts[0]}/?key={self.key}"

    def allows(self, scope: Mapping[str, Any]) -> bool:
        """Return whether a request was sent to this server by name, and not from another's page."""
        hosts = _values(scope, b"host")
        origins = _values(scope, b"origin")
        if len(hosts) != 1 or hosts[0] not in self.hosts:
            return False
        if scope["type"] == "websocket":
            return origins == [f"http://{hosts[0]}"]
        return all(origin == f"http://{hosts[0]}" for origin in origins)

    def knows(self, scope: Mapping[str, Any]) -> bool:
        """Return whether a request has the key."""
        given = self.asked(scope).get("key", "")
        return hmac.compare_digest(given.encode(), self.key.encode())

    @staticmethod
    def asked(scope: Mapping[str, Any]) -> dict[str, str]:
        """Return what the address of a request has behind its question mark, each name once."""
        query = scope.get("query_string", b"")
        if len(query) > _LONGEST_QUERY:
            return {}
        found = parse_qs(query.decode("latin-1"), max_num_fields=10)
        return {name: values[0] for name, values in found.items() if len(values) == 1}


def _values(scope: Mapping[str, Any], name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]
