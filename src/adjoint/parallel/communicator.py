"""A communicator connects the processes, called ranks, that compute one thing together."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, NamedTuple, NoReturn

import numpy as np

# What stands before the numbers of a message: key, and whether somebody wants to stop.
_HEAD = 5


class Key(NamedTuple):
    """What a message belongs to: messages of another attempt or step must not be added up.

    Parameters
    ----------
    attempt : int
        How often the job was started again.
    training : int
        The how manieth training of the program it is.
    step, part : int
        The step, or another moment; and which of its messages it is.
    """

    attempt: int
    training: int
    step: int
    part: int


class Message:
    """Numbers to be sent, with the key of what they belong to.

    Parameters
    ----------
    size : int
    dtype : dtype

    Attributes
    ----------
    numbers : (size,) array
        Written to by whoever sends, and replaced by what is received.
    buffer : array of bytes
        All that is sent.
    """

    def __init__(self, size: int, dtype: Any) -> None:
        dtype = np.dtype(dtype)
        self.buffer = np.zeros(_HEAD * 8 + size * dtype.itemsize, np.uint8)
        self._head = self.buffer[: _HEAD * 8].view(np.int64)
        self.numbers = self.buffer[_HEAD * 8 :].view(dtype)

    def like(self) -> Message:
        """Return another one of this size and dtype."""
        return Message(len(self.numbers), self.numbers.dtype)

    @property
    def key(self) -> Key:
        """What it belongs to."""
        return Key(*map(int, self._head[:4]))

    @key.setter
    def key(self, key: Key) -> None:
        self._head[:4] = key

    @property
    def stops(self) -> bool:
        """Whether one of those whose numbers are in it wants to stop."""
        return bool(self._head[4])

    @stops.setter
    def stops(self, stops: bool) -> None:
        self._head[4] = stops


class Communicator(ABC):
    """The ranks of a job, seen from one of them; abstract.

    Attributes
    ----------
    rank, size : int
        Which of how many this process is.
    attempt : int
        How often the job was started again.
    training : int
        How many trainings the program has begun.
    are_processes : bool
        Whether ranks compute side by side, so that it is worth while to ask what they gain.
    """

    are_processes: bool = False
    rank: int
    size: int
    attempt: int = 0
    training: int = 0

    @abstractmethod
    def send(self, message: Message, to: int) -> None:
        """Send a message; it may be changed once this returns."""

    @abstractmethod
    def receive(self, message: Message, source: int) -> None:
        """Wait for a message of this size from a rank, and write it into ``message``."""

    @abstractmethod
    def exchange(self, message: Message, received: Message, partner: int) -> None:
        """Send a message to a rank, and wait for that rank's."""

    @abstractmethod
    def abort(self, reason: str) -> NoReturn:
        """End all ranks."""

    @cached_property
    def _lock(self) -> threading.RLock:
        return threading.RLock()

    @contextmanager
    def in_one_thread(self) -> Iterator[None]:
        """Refuse to be used by another thread during the ``with`` block.

        Threads take turns as they happen to, in each rank otherwise, and the messages of one
        training could be added to those of another.

        Raises
        ------
        RuntimeError
            If another thread is in such a block.
        """
        if self.size == 1:
            yield
            return
        if not self._lock.acquire(blocking=False):
            raise RuntimeError(
                "fit: another thread of this process is in a distributed training, and messages of "
                "two would be mixed up; train them one after another, or without distributed=True"
            )
        try:
            yield
        finally:
            self._lock.release()

    def key(self, step: int, part: int = 0) -> Key:
        """Return the key of a message of this attempt."""
        return Key(self.attempt, self.training, step, part)

    def checked(self, message: Message, key: Key, source: int) -> None:
        """Refuse a message that belongs to something else.

        Raises
        ------
        RuntimeError
        """
        if message.key != key:
            raise RuntimeError(
                f"rank {self.rank} is at {key} and was sent {message.key} by rank {source}; all "
                "ranks must call fit with the same arguments, in the same order"
            )

    def broadcast(self, data: bytes, step: int) -> bytes:
        """Return what rank 0 gives, on every rank.

        Parameters
        ----------
        data : bytes
            Only those of rank 0 count.
        step : int
            A number for this moment, the same on all ranks.
        """
        size = Message(1, np.int64)
        size.numbers[0] = len(data)
        self._from_first(size, self.key(step, 0))
        content = Message(int(size.numbers[0]), np.uint8)
        if self.rank == 0:
            content.numbers[:] = np.frombuffer(data, np.uint8)
        self._from_first(content, self.key(step, 1))
        return bytes(content.numbers.tobytes())

    def _from_first(self, message: Message, key: Key) -> None:
        """Pass a message on from rank 0: each rank to those with one higher bit more."""
        message.key = key if self.rank == 0 else message.key
        bit = 1
        while bit < self.size:
            if self.rank < bit and self.rank + bit < self.size:
                self.send(message, self.rank + bit)
            elif bit <= self.rank < 2 * bit:
                self.receive(message, self.rank - bit)
                self.checked(message, key, self.rank - bit)
            bit *= 2

    def gather(self, data: bytes, step: int) -> Sequence[bytes]:
        """Return what every rank gives, in the order of the ranks; on rank 0 alone.

        Parameters
        ----------
        data : bytes
        step : int
            A number for this moment, the same on all ranks.
        """
        if self.rank:
            size, content = Message(1, np.int64), Message(len(data), np.uint8)
            size.numbers[0], size.key = len(data), self.key(step, 2)
            content.numbers[:], content.key = np.frombuffer(data, np.uint8), self.key(step, 3)
            self.send(size, 0)
            self.send(content, 0)
            return []
        found = [data]
        for source in range(1, self.size):
            size = Message(1, np.int64)
            self.receive(size, source)
            self.checked(size, self.key(step, 2), source)
            content = Message(int(size.numbers[0]), np.uint8)
            self.receive(content, source)
            self.checked(content, self.key(step, 3), source)
            found.append(content.numbers.tobytes())
        return found

    def barrier(self, step: int) -> None:
        """Wait until all ranks are here."""
        self.gather(b"", step)
        self.broadcast(b"", step)


class Alone(Communicator):
    """A single process, which has nobody to send anything to."""

    rank, size = 0, 1

    def send(self, message: Message, to: int) -> None:
        """Raise: there is no other rank."""
        raise ValueError(f"there is no rank {to} in a job of one process")

    def receive(self, message: Message, source: int) -> None:
        """Raise: there is no other rank."""
        raise ValueError(f"there is no rank {source} in a job of one process")

    def exchange(self, message: Message, received: Message, partner: int) -> None:
        """Raise: there is no other rank."""
        raise ValueError(f"there is no rank {partner} in a job of one process")

    def abort(self, reason: str) -> NoReturn:
        """End this process."""
        raise SystemExit(f"adjoint: {reason}")
