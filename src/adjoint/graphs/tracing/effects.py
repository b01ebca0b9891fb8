"""An effect is what a function does besides computing its result: a trace would do it only once.

While a function is traced, all that it can reach is watched: random generators, iterators, arrays,
containers, attributes and variables. What a trace has changed is put back, and it is refused.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, cached_property
from operator import is_, length_hint
from pickle import dumps, loads
from types import FunctionType, GeneratorType, ModuleType
from typing import Any, NamedTuple, NoReturn

import numpy as np

from ...core.value import Value
from .contents import is_buffer, reader, write
from .hidden_generators import hidden_generators, is_hidden, may_draw
from .reach import GONE, Place, Reach, attributes_of, found_at
from .users_code import is_followed, is_iterator

_MOST_NAMED = 3
_DRAWN = (
    "a compiled function would repeat the same numbers at every call, and vmap in every row. Draw "
    "them outside and pass them as an argument, or use nn.Dropout or ad.uniform, whose random "
    "state is an nn.Buffer"
)
_TAKEN = (
    "{}: an iterator from outside was used while the function was traced, and a compiled function "
    "would take nothing more from it; take the items outside and pass them as arguments"
)
_CHANGED = (
    "{} was changed while the function was traced, which a compiled function would not repeat, nor "
    "vmap in each row; return the new value instead, or do not compile"
)


@contextmanager
def refused(*roots: object, resumed: Collection[Any] = ()) -> Iterator[None]:
    """Refuse what the ``with`` block does to all that some functions can reach.

    Another thread may meanwhile draw from the generators that all threads share, as that of
    Python's `random`. It is taken for the functions' own draw only if these can reach one of them.

    ``resumed`` collects the frames of the generators that ran meanwhile, as far as the tracer saw
    them.

    Raises
    ------
    TypeError
        If it draws random numbers, takes from an iterator, or changes a variable, an attribute, a
        container or an array that was there before. All that is put back, but for iterators that
        stand in tuples, and for generators of all threads where there are others.
    """
    reach = Reach(*roots)
    watched = [_Watched(path, item, kind, reach) for path, item, kind in _changeable(reach)]
    shared = [_Watched(name, item, _SHARED, reach) for name, item in hidden_generators()]
    places = [place for place in reach.places if place.look is not None]
    before = [found_at(place.look) for place in places]  # type: ignore[arg-type]
    try:
        with _closed(places, before):
            yield
    finally:
        changed = [pair for one in watched for pair in one.put_back()]
        changed += [(path, _TAKEN) for path, item in reach.found() if _ran(item, resumed)]
        changed += [(name, _CHANGED) for name in _put_back(places, before)]
        drawn = [pair for one in shared for pair in one.put_back()]
        # The trace may have imported what draws, so that its reach is another one now.
        if drawn and (_is_alone() or may_draw(Reach(*roots))):
            changed += drawn
    if changed:
        # A generator that was drawn from explains other changes, so that it is told first.
        text = max((text for _, text in changed), key=[_CHANGED, _TAKEN, _GENERATOR.text].index)
        names = dict.fromkeys(name for name, about in changed if about == text)
        raise TypeError(text.format(", ".join(list(names)[:_MOST_NAMED])))


def refuse_entropy() -> NoReturn:
    """Refuse random numbers from the operating system, as of a generator without a seed."""
    raise TypeError(
        "random numbers came from the operating system while the function was traced, as for a "
        f"generator without a seed: {_DRAWN}. np.random.RandomState(seed) asks the system before "
        "it takes the seed; np.random.default_rng(seed) does not"
    )


# --- kinds of what is watched


class _Kind(NamedTuple):
    """A way to read, put back and describe something that can change.

    ``read`` gives bytes, or a dict whose values are the same objects as long as nothing changes.
    """

    read: Callable[[Any, Reach], Any]
    write: Callable[[Any, Any], None]
    entry: str = "{}"
    text: str = _CHANGED


@cache
def _generators() -> tuple[type, ...]:
    # Imported here, since `import adjoint` shall load neither of the two.
    from random import Random

    return Random, np.random.Generator, np.random.RandomState, np.random.BitGenerator


def _is_pythons(generator: object) -> bool:
    return isinstance(generator, _generators()[0])


def _state_of(generator: Any) -> bytes:
    if _is_pythons(generator):
        from random import SystemRandom

        return b"" if isinstance(generator, SystemRandom) else dumps(generator.getstate())
    if isinstance(generator, np.random.RandomState):
        return dumps(generator.get_state(legacy=False))
    source = generator if isinstance(generator, np.random.BitGenerator) else generator.bit_generator
    return dumps(source.state)


def _set_state(generator: Any, state: bytes) -> None:
    if _is_pythons(generator):
        generator.setstate(loads(state))
    elif isinstance(generator, np.random.RandomState):
        generator.set_state(loads(state))
    else:
        source = (
            generator if isinstance(generator, np.random.BitGenerator) else generator.bit_generator
        )
        source.state = loads(state)


def _is_alone() -> bool:
    return threading.active_count() == 1


def _set_unshared(generator: Any, state: bytes) -> None:
    """Put a generator back, unless another thread's numbers would be repeated by that."""
    if _is_alone():
        _set_state(generator, state)


def _set_slots(value: Value, before: dict[str, Any]) -> None:
    value.data, value.node = before["data"], before["node"]


def _refill(item: list[Any] | deque[Any], before: dict[Any, Any]) -> None:
    item.clear()
    item.extend(before.values())


def _refill_set(item: set[Any], before: dict[int, Any]) -> None:
    item.clear()
    item.update(before.values())


def _refill_dict(item: dict[Any, Any], before: dict[Any, Any]) -> None:
    dict.clear(item)
    dict.update(item, before)


def _named(item: object, reach: Reach) -> dict[str, Any]:
    """Return those attributes of a function, class or module that code names."""
    found = vars(item)
    return {name: found.get(name, GONE) for name in (*reach.names, *reach.names.among(found))}


def _set_named(item: object, before: dict[str, Any]) -> None:
    for name, found in before.items():
        if vars(item).get(name, GONE) is found:
            continue
        if found is GONE:
            delattr(item, name)
        else:
            setattr(item, name, found)


def _position(iterator: Iterator[Any]) -> bytes:
    """Return bytes that change when an iterator advances, if anything shows it."""
    if isinstance(iterator, GeneratorType):
        return repr(iterator.gi_frame is None).encode()
    # The position of an itertools counter shows in its text alone.
    text = repr(iterator) if type(iterator).__module__ == "itertools" else ""
    return repr((length_hint(iterator, -1), text)).encode()


_GENERATOR = _Kind(
    lambda item, _: _state_of(item), _set_state, text=f"{{}} was drawn from: {_DRAWN}"
)
_SHARED = _GENERATOR._replace(write=_set_unshared)
_BUFFER = _Kind(lambda item, _: reader(item)(), write)
_VALUE = _Kind(lambda item, _: {"data": item.data, "node": item.node}, _set_slots)
_LIST = _Kind(lambda item, _: dict(enumerate(item)), _refill, "{}[{!r}]")
_SET = _Kind(lambda item, _: {id(member): member for member in item}, _refill_set)
_DICT = _Kind(lambda item, _: dict(item), _refill_dict, "{}[{!r}]")
_OBJECT = _Kind(
    lambda item, _: dict(attributes_of(item) or {}),
    lambda item, before: _refill_dict(vars(item), before),
    "{}.{}",
)
_NAMESPACE = _Kind(_named, _set_named, "{}.{}")
_ITERATOR = _Kind(lambda item, _: _position(item), lambda item, before: None, text=_TAKEN)


def _kind_of(item: object) -> _Kind | None:
    """Return how to watch something; None for what cannot change."""
    for types, kind in (
        (_generators(), _GENERATOR),
        (Value, _VALUE),
        ((list, deque), _LIST),
        (set, _SET),
        (dict, _DICT),
    ):
        if isinstance(item, types):
            return kind
    if is_buffer(item):
        return _BUFFER
    if is_iterator(item):
        return _ITERATOR
    if isinstance(item, (FunctionType, ModuleType, type)):
        return _NAMESPACE if is_followed(item) else None
    return _OBJECT if is_followed(type(item)) and attributes_of(item) is not None else None


def _changeable(reach: Reach) -> Iterator[tuple[str, Any, _Kind]]:
    """Yield all that is reached and can change, but for hidden generators."""
    for path, item in reach.found():
        kind = _kind_of(item)
        if kind is not None and not is_hidden(item):
            yield path or type(item).__name__, item, kind


class _Watched:
    """Something that is watched, with its state before the trace."""

    def __init__(self, path: str, item: object, kind: _Kind, reach: Reach) -> None:
        self.path, self.item, self.kind, self.reach = path, item, kind, reach
        self.before = kind.read(item, reach)

    def put_back(self) -> list[tuple[str, str]]:
        """Return the names of what has changed, each with the text about it, and put it back."""
        now, before = self.kind.read(self.item, self.reach), self.before
        if now is before or (isinstance(now, bytes) and now == before):
            return []
        if isinstance(now, bytes):
            self.kind.write(self.item, before)
            return [(self.path, self.kind.text)]
        if list(now) == list(before) and all(map(is_, now.values(), before.values())):
            return []
        if self.kind is _NAMESPACE:
            before = dict.fromkeys(now, GONE) | before
        self.kind.write(self.item, before)
        if self.kind is _LIST and len(now) != len(before):
            return [(self.path, self.kind.text)]
        keys = [
            key
            for key in {**before, **now}
            if now.get(key, GONE) is not before.get(key, GONE) and not self._is_computed(key)
        ]
        return [(self.kind.entry.format(self.path, key), self.kind.text) for key in keys]

    def _is_computed(self, key: object) -> bool:
        """Return whether an attribute is a cached property's: each call would compute the same."""
        owner = getattr(type(self.item), key, None) if isinstance(key, str) else None
        return isinstance(owner, cached_property)


# --- places


def _ran(item: object, frames: Collection[Any]) -> bool:
    return isinstance(item, GeneratorType) and item.gi_frame in frames


class _Closed:
    """A stand-in for an iterator while a function is traced."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __iter__(self) -> _Closed:
        return self

    def __next__(self) -> NoReturn:
        raise TypeError(_TAKEN.format(self._path))

    def __getattr__(self, name: str) -> NoReturn:
        raise TypeError(_TAKEN.format(self._path))


@contextmanager
def _closed(places: Sequence[Place], before: Sequence[Any]) -> Iterator[None]:
    """Let nothing be taken from iterators inside the ``with`` block."""
    closed = [
        (place.put, item, _Closed(place.path or "an iterator"))
        for place, item in zip(places, before, strict=True)
        if place.put is not None and is_iterator(item)
    ]
    try:
        for put, _, stand_in in closed:
            put(stand_in)
        yield
    finally:
        for put, item, _ in closed:
            put(item)


def _put_back(places: Sequence[Place], before: Sequence[Any]) -> list[str]:
    """Return the names of the variables that changed, and put them back."""
    changed = []
    for place, item in zip(places, before, strict=True):
        look, put = place.look, place.put
        if look is not None and put is not None and found_at(look) is not item:
            put(item)
            changed.append(place.path or "a variable")
    return changed
