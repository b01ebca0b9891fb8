"""A tree sum adds numbers up in an order that does not depend on who holds them.

The sum of floats depends on the order in which they are added. So what is added is a fixed number
of shards, in a fixed tree: neighbours first, then pairs of neighbours, and so on. Each rank holds
some shards that lie side by side; which ones changes who adds, and never what is added to what.
"""

from __future__ import annotations

from collections.abc import Callable

from .communicator import Communicator, Message


def shares(count: int, parts: int) -> list[int]:
    """Return the bounds of parts as equal as can be, the larger ones first.

    >>> shares(10, 4)
    [0, 3, 6, 8, 10]
    """
    size, more = divmod(count, parts)
    return [part * size + min(part, more) for part in range(parts + 1)]


class TreeSum:
    """Sums over shards that ranks hold.

    Parameters
    ----------
    communicator : Communicator
    shards : int
        At least as many as there are ranks.

    Attributes
    ----------
    own : range
        The numbers of the shards that this rank holds.
    """

    def __init__(self, communicator: Communicator, shards: int) -> None:
        self.communicator, self.shards = communicator, shards
        bounds = shares(shards, communicator.size)
        self._owners = [
            rank for rank in range(communicator.size) for _ in range(bounds[rank], bounds[rank + 1])
        ]
        rank = communicator.rank
        self.own = range(bounds[rank], bounds[rank + 1])
        is_even = communicator.size & (communicator.size - 1) == 0
        # Where each rank holds a whole branch of the tree, all can climb at once.
        self._climbs = is_even and shards & (shards - 1) == 0
        self._spare: dict[tuple[int, str], list[Message]] = {}

    def __call__(
        self, fill: Callable[[int, Message], None], size: int, dtype: object, step: int, part: int
    ) -> Message:
        """Return the sum of the shards' numbers, the same on all ranks.

        Parameters
        ----------
        fill : callable
            ``fill(shard, message)`` writes the numbers of one of the own shards into a message.
        size, dtype
            How many numbers there are, and of which kind.
        step, part : int
            See `Key`.
        """
        spare = self._spare.setdefault((size, str(dtype)), [])
        held: dict[tuple[int, int], Message] = {}
        for shard in self.own:
            message = spare.pop() if spare else Message(size, dtype)
            message.stops = False
            fill(shard, message)
            held[0, shard] = message
            self._add_pairs(held, spare)
        key = self.communicator.key(step, part)
        for message in held.values():
            message.key = key
        if self._climbs:
            (total,) = held.values()
            self._climb(total, spare)
        else:
            total = self._collect(held, spare, size, dtype)
        spare.append(total)  # it serves until the next sum of this size
        return total

    def _add_pairs(self, held: dict[tuple[int, int], Message], spare: list[Message]) -> None:
        """Add up what is whole: so few messages are held at a time."""
        while True:
            level, place = max(held, key=lambda node: node[1] << node[0])
            left = held.get((level, place - 1))
            if place % 2 == 0 or left is None:
                return
            right = held.pop((level, place))
            del held[level, place - 1]
            _add(left, right)
            spare.append(right)
            held[level + 1, place // 2] = left

    def _climb(self, total: Message, spare: list[Message]) -> None:
        """Add the branches of the other ranks, each time those of twice as many."""
        communicator, bit = self.communicator, 1
        while bit < communicator.size:
            partner = communicator.rank ^ bit
            other = spare.pop() if spare else total.like()
            communicator.exchange(total, other, partner)
            communicator.checked(other, total.key, partner)
            # a + b and b + a are the same number.
            _add(total, other)
            spare.append(other)
            bit *= 2

    def _collect(
        self, held: dict[tuple[int, int], Message], spare: list[Message], size: int, dtype: object
    ) -> Message:
        """Add up in the same tree where ranks hold parts of branches, and hand the sum out."""
        communicator, rank = self.communicator, self.communicator.rank
        links = []
        level, count = 0, self.shards
        while count > 1:
            for place in range(0, count - 1, 2):
                left, right = (self._owners[p << level] for p in (place, place + 1))
                if left != right:
                    links.append((left, right))
                if rank == right != left:
                    communicator.send(held.pop((level, place + 1)), left)
                elif rank == left:
                    message = held.pop((level, place), None)
                    if message is None:
                        continue  # added up before
                    if left != right:
                        other = spare.pop() if spare else message.like()
                        communicator.receive(other, right)
                        communicator.checked(other, message.key, right)
                    else:
                        other = held.pop((level, place + 1))
                    _add(message, other)
                    spare.append(other)
                    held[level + 1, place // 2] = message
            if count % 2 and (level, count - 1) in held:
                held[level + 1, count // 2] = held.pop((level, count - 1))
            level, count = level + 1, -(-count // 2)
        total = held[level, 0] if rank == 0 else spare.pop() if spare else Message(size, dtype)
        return self._handed_out(total, links)

    def _handed_out(self, total: Message, links: list[tuple[int, int]]) -> Message:
        """Return the sum, which goes back over the links by which it came, to each rank once."""
        communicator, has_it = self.communicator, {0}
        for left, right in reversed(links):
            if right in has_it:
                continue
            has_it.add(right)
            if communicator.rank == left:
                communicator.send(total, right)
            elif communicator.rank == right:
                communicator.receive(total, left)
        return total


def _add(message: Message, other: Message) -> None:
    message.numbers += other.numbers
    message.stops = message.stops or other.stops
