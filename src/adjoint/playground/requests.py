"""Requests are what a page may ask of its session: a name, and arguments that are checked here."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..explanation.phrases import LANGUAGES
from ..nn.activations import ACTIVATIONS
from ..nn.initialise import INITIALISERS
from ..optim import OPTIMIZERS
from . import derivations, exports, settings
from .changes import CHANGEABLE, FIRST_ONLY
from .drawn import MOST_DRAWN, read_drawn
from .features import FEATURES
from .formula import FUNCTIONS
from .formula import LONGEST as LONGEST_FORMULA
from .frame import pack
from .losses import OF_LOGARITHMS
from .mistakes import MISTAKES
from .rates import SCHEDULES, schedule_options
from .saved import LONGEST as LONGEST_SAVED
from .session import LONGEST, Session
from .settings import MOST_STEPS, STOPS
from .toys import TOYS
from .values import SettingsError, chosen, number

# The longest message: a saved session, and what surrounds it.
MOST_MESSAGE = 8_000_000
_LONGEST_ERROR = 1_000


def answer(session: Session, message: str) -> bytes:
    """Return the frame that answers a message; a mistake in it is said, and changes nothing."""
    asked: object = None
    try:
        # What overflows is shown as it is, and needs no warning on the console.
        with session.turn, np.errstate(all="ignore"):
            asked = _asked(message)
            name = chosen("do", asked.get("do"), list(REQUESTS))
            return _numbered(REQUESTS[name](session, asked), asked)
    except KeyboardInterrupt:  # of a notebook's kernel; the page that asked must not wait for ever
        return _numbered({"what": "error", "error": "the kernel was interrupted"}, asked)
    except Exception as error:  # a model of the user's may raise anything
        known = isinstance(error, (SettingsError, ValueError, ImportError))
        text = str(error) if known else f"{type(error).__name__}: {error}"
        return _numbered({"what": "error", "error": text[:_LONGEST_ERROR]}, asked)


def _asked(message: str) -> dict[str, Any]:
    if len(message) > MOST_MESSAGE:
        raise SettingsError("the message is too long")
    try:
        asked = json.loads(message)
    except (ValueError, RecursionError):
        raise SettingsError("the message is no JSON") from None
    if not isinstance(asked, dict):
        raise SettingsError("the message is no object")
    return asked


def _numbered(found: bytes | Mapping[str, Any], asked: object) -> bytes:
    """Return an answer behind the number of what was asked, as eight bytes."""
    given = asked.get("id") if isinstance(asked, dict) else None
    is_number = isinstance(given, int) and not isinstance(given, bool) and 0 <= given < 2**53
    head = struct.pack("<Q", given if is_number else 0)
    return head + (found if isinstance(found, bytes) else pack(found, {}))


# --- what may be asked -----------------------------------------------------------------------


def _menu(session: Session, asked: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what can be chosen."""
    return {
        "what": "menu",
        "data": {
            name: {
                "classes": toy.has_classes,
                "any": toy.is_of_any_classes,
                "picture": toy.picture(),
            }
            for name, toy in TOYS.items()
        },
        "functions": list(FUNCTIONS),
        "features": {name: feature.formula for name, feature in FEATURES.items()},
        "activations": list(ACTIVATIONS),
        "initialisers": ["auto", *INITIALISERS, settings.FROM_0_TO_1],
        "mistakes": list(MISTAKES),
        "exports": list(exports.TARGETS),
        "dtypes": list(settings.DTYPES),
        "norms": list(settings.NORMS),
        "losses": {
            "classes": list(settings.BY_CLASSES),
            "score": list(settings.BY_SCORE),
            "number": list(settings.BY_NUMBER),
            "counts": list(OF_LOGARITHMS),
        },
        "optimizers": {name: settings.optimizer_options(name) for name in OPTIMIZERS},
        "changeable": {"settings": [*CHANGEABLE, *STOPS], "first_only": list(FIRST_ONLY)},
        "schedules": {name: schedule_options(name) for name in SCHEDULES},
        "limits": {
            "layers": settings.MOST_LAYERS,
            "units": settings.MOST_UNITS,
            "rows": settings.MOST_ROWS,
            "classes": settings.MOST_CLASSES,
            "steps": MOST_STEPS,
            "drawn": MOST_DRAWN,
            "formula": LONGEST_FORMULA,
            "session": LONGEST_SAVED,
        },
        "defaults": settings.Settings().as_json(),
    }


def _open(session: Session, asked: Mapping[str, Any]) -> bytes:
    return session.opening()


def _begin(session: Session, asked: Mapping[str, Any]) -> bytes:
    given = asked.get("settings")
    if session.brought.model is not None and isinstance(given, dict):
        # All else is the user's, and may have other names.
        given = {name: given[name] for name in ("seed", "changes") if name in given}
    session.begin(settings.read(given))
    return session.opening()


def _bring(session: Session, asked: Mapping[str, Any]) -> bytes:
    text, target = asked.get("text"), asked.get("target")
    if not isinstance(text, str):
        raise SettingsError("text: expected the text of a table")
    if target is not None and not isinstance(target, str):
        raise SettingsError("target: expected the name of a column")
    session.bring(text, target)
    return session.opening()


def _draw(session: Session, asked: Mapping[str, Any]) -> bytes:
    session.draw(read_drawn(asked.get("drawn")))
    return session.opening()


def _session(session: Session, asked: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"what": "session", "text": session.saved()}


def _load(session: Session, asked: Mapping[str, Any]) -> bytes:
    text = asked.get("text")
    if not isinstance(text, str):
        raise SettingsError("session: expected the text of a file")
    step = session.load(text)
    return session.opening(step_saved=min(step, MOST_STEPS))


def _change(session: Session, asked: Mapping[str, Any]) -> bytes:
    given = asked.get("given")
    if not isinstance(given, dict) or not given.keys() <= {*CHANGEABLE, *STOPS}:
        raise SettingsError(f"given: expected {', '.join((*CHANGEABLE, *STOPS))}")
    session.change(given)
    return session.frame(settings=session.settings.as_json())


def _take(session: Session, asked: Mapping[str, Any]) -> bytes:
    until = int(number("until", asked.get("until"), 0, 2**53, whole=True))
    milliseconds = number("milliseconds", asked.get("milliseconds", 25), 0, 1e3 * LONGEST)
    session.take(until, milliseconds / 1e3)
    return session.frame()


def _back(session: Session, asked: Mapping[str, Any]) -> bytes:
    to = int(number("to", asked.get("to"), 0, MOST_STEPS, whole=True))
    session.steps.rewind(to)
    session.take(to, LONGEST)
    return session.frame()


def _look(session: Session, asked: Mapping[str, Any]) -> bytes:
    axes = asked.get("axes", session.plane.axes if session.plane else (0, 0))
    if not isinstance(axes, (list, tuple)) or len(axes) != 2:
        raise SettingsError("axes: expected two columns")
    first, second = (int(number("axes", axis, 0, 10**6, whole=True)) for axis in axes)
    held, probe = asked.get("held"), asked.get("probe")
    session.look((first, second), None if held is None else _finite("held", held), _pair(probe))
    return session.opening() if asked.get("opening") else session.frame()


def _pair(probe: object) -> tuple[float, float] | None:
    if probe is None:
        return None
    found = _finite("probe", probe)
    if len(found) != 2:
        raise SettingsError("probe: expected two coordinates")
    return found[0], found[1]


def _finite(name: str, given: object) -> list[float]:
    if not isinstance(given, list) or len(given) > 10_000:
        raise SettingsError(f"{name}: expected a list of numbers")
    return [number(name, each, -1e150, 1e150) for each in given]


def _derive(session: Session, asked: Mapping[str, Any]) -> Mapping[str, Any]:
    lang = chosen("lang", asked.get("lang", "en"), sorted(LANGUAGES))
    return {"what": "derivation", "step": session.steps.taken, **session.derivation(lang)}


def _check(session: Session, asked: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"what": "check", **derivations.check(session.steps, *_entry(asked))}


def _update(session: Session, asked: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"what": "update", **derivations.update_rule(session.steps, _entry(asked)[0])}


def _entry(asked: Mapping[str, Any]) -> tuple[str, int]:
    name = asked.get("name")
    if not isinstance(name, str):
        raise SettingsError("name: expected the name of a parameter")
    return name, int(number("index", asked.get("index", 0), 0, 2**53, whole=True))


def _program(session: Session, asked: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"what": "program", "text": session.program()}


def _source(session: Session, asked: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"what": "source", "text": derivations.step_source(session.steps)}


def _table(session: Session, asked: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"what": "table", "text": session.table()}


def _export(session: Session, asked: Mapping[str, Any]) -> bytes:
    target = chosen("target", asked.get("target"), exports.TARGETS)
    name, content = exports.exported(session.steps, target)
    return pack({"what": "export", "name": name}, {"file": np.frombuffer(content, np.uint8)})


def _weights(session: Session, asked: Mapping[str, Any]) -> bytes:
    return pack({"what": "weights"}, {"file": np.frombuffer(session.weights(), np.uint8)})


Request = Callable[[Session, Mapping[str, Any]], bytes | Mapping[str, Any]]
REQUESTS: dict[str, Request] = {
    "menu": _menu,
    "open": _open,
    "begin": _begin,
    "bring": _bring,
    "draw": _draw,
    "session": _session,
    "load": _load,
    "change": _change,
    "take": _take,
    "back": _back,
    "look": _look,
    "derive": _derive,
    "check": _check,
    "update": _update,
    "program": _program,
    "source": _source,
    "table": _table,
    "weights": _weights,
    "export": _export,
}
