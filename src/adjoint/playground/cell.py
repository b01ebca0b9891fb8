"""A cell of a notebook shows the page in its output; its session is in the kernel, not a server."""

from __future__ import annotations

import base64
import binascii
import secrets
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from ..errors import require
from ..notebook.html import escaped
from . import requests
from .bundle import bundle, page_text
from .session import Brought, Session

MOST_CELLS = 8
# The longest picture that a page may give away, in characters of base 64.
_MOST_PICTURE = 2_000_000
_JPEG = "data:image/jpeg;base64,"

# The cells of this kernel whose session is kept; the one that was asked longest ago comes first.
_open: list[Cell] = []


def is_in_notebook() -> bool:
    """Return whether this Python answers a notebook, and not a terminal."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


class Cell:
    """A session, and what its pages in a notebook say and hear.

    Parameters
    ----------
    session : Session
    send : callable
        Sends an object of JSON and bytes to all pages.
    keep : callable
        Takes HTML that stands for the page where there is no kernel.

    Attributes
    ----------
    picture_name : str
        The class of the element that holds the last picture; it is hidden where a page is live.
    """

    def __init__(
        self,
        session: Session,
        send: Callable[[dict[str, Any], list[bytes]], None],
        keep: Callable[[str], None],
    ) -> None:
        self.send, self.keep = send, keep
        self.session: Session | None = session
        self.picture_name = f"adjoint-picture-{secrets.token_hex(8)}"
        # A kernel may hear pages in a thread of their own, while a cell runs.
        self.turn = session.turn
        _open.append(self)
        for old in _open[:-MOST_CELLS]:
            old.close()

    def close(self) -> None:
        """Let the session go, once it has answered, and say so."""
        with self.turn:
            _open.remove(self)
            self.session = None
        self.send({"closed": True}, [])

    def hear(self, content: object) -> None:
        """Answer what a page asks, or keep the picture that it gives."""
        asked = content if isinstance(content, dict) else {}
        with self.turn:
            session = self.session
            if session is None:
                self.send({"closed": True}, [])
            elif isinstance(asked.get("ask"), str):
                _open.remove(self)
                _open.append(self)
                self.send({}, [requests.answer(session, asked["ask"])])
            elif isinstance(asked.get("picture"), str):
                self.keep(self.picture(session, asked["picture"]))

    def picture(self, session: Session | None = None, url: str = "") -> str:
        """Return HTML of the last picture; without a picture where it is none of JPEG."""
        inner = ""
        if session is not None and _is_picture(url):
            steps = session.steps
            text = f"The playground after step {steps.taken:,}, epoch {steps.epoch:,}"
            inner = f'<img src="{url}" alt="{escaped(text)}" style="max-width: 100%">'
        return f'<div class="{self.picture_name}">{inner}</div>'


def _is_picture(url: str) -> bool:
    if not url.startswith(_JPEG) or len(url) > _MOST_PICTURE:
        return False
    try:
        content = base64.b64decode(url.removeprefix(_JPEG), validate=True)
    except binascii.Error:
        return False
    return content.startswith(b"\xff\xd8\xff")


def show(brought: Brought) -> Session:
    """Show the page in the output of the present cell, and return its session.

    Raises
    ------
    ImportError
        If anywidget is missing; it is the extra `notebook`.
    """
    anywidget: Any = require(
        "anywidget", extra="notebook", purpose="the playground in a notebook's cell"
    )
    traitlets: Any = import_module("traitlets")
    display: Any = import_module("IPython.display")
    kind = type(
        "Playground",
        (anywidget.AnyWidget,),
        {
            "__repr__": lambda _: "the adjoint playground: run the cell to use it",
            "_esm": page_text("widget.js"),
            "page": traitlets.Unicode().tag(sync=True),
            "picture_name": traitlets.Unicode().tag(sync=True),
        },
    )
    widget: Any = kind(page=bundle("cell.js"))
    kept: list[Any] = []
    session = Session(brought)
    cell = Cell(
        session,
        lambda content, buffers: widget.send(content, buffers),
        lambda html: kept[0].update(display.HTML(html)),
    )
    widget.picture_name = cell.picture_name
    widget.on_msg(lambda _, content, buffers: cell.hear(content))
    kept.append(display.display(display.HTML(cell.picture()), display_id=True))
    display.display(widget)
    return session
